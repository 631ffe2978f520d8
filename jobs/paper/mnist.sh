# For the table scripts of the MNIST experiments (784-1024-10, ReLU): networks, hyperparameters and every row; `digits` runs rows.
# The images are those of ../shared/mnist beside the project, or of $MNIST. A row is run once, even where several tables show it.
# Where Table 3 gives only a number of parameters, the network is
#   272K  784-256-256-10, 269,322      429K  784-368-368-10, 428,362 (the source's are mixers of patches, not perceptrons)
#   784K  784-1000-10, 795,010 (784K: the weights of its first layer)      1.26M  784-800-800-10, 1,276,810 (1.27M: its hidden layers)
# LG-FG-A adds local classifiers to these, which only training uses. FLOPS, STP and SZO-SCD train the dense network of Table 1.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$here/../.." || exit 1
[ -z "${MNIST:-}" ] || export PETSC_OPTIONS="-mnist_dir $MNIST ${PETSC_OPTIONS:-}"

mlp="-net_format dense"
mlp10="-net_format dense -net_layers 10 -net_bias 0"
tt10="-net_tt_rank 10"
tt6="-net_tt_rank 6"
tt53="-net_tt_rank 5,3"
sp="-net_format sparse -net_sparse_count 4089 -net_sparse_method grasp"

# chosen on 5,000 training images held out (-mnist_holdout 5000), by short runs of one seed; the same for all seeds
common="-loss_block 64 -zo_momentum 0.9 -zo_lr_schedule cosine -tz_epochs 5 -tz_validate_every 187"
fo="-tao_type tzsgd -zo_lr 0.05 $common"
sign="-tao_type zosign -zo_queries 10 -zo_lr 7e-4 -zo_mu 1e-4 $common -tz_epochs 12"
rge="-tao_type zosgd -zo_queries 10 -zo_lr 4e-4 -zo_mu 1e-4 $common -tz_epochs 6" # 1e-3 diverged in the second epoch
cge="-tao_type zocge -zo_lr 0.05 -zo_mu 1e-4 $common -tz_epochs 2 -tz_validate_every 20"
brief="-zo_lr 1e-3 -tz_epochs 0.5" # of the dense network, whose query takes ten times as long
early="-zo_patience 60 -zo_patience_window 60 -zo_patience_tol 0.9 -zo_phase2_lr 0.2 -tz_epochs 0.25 -tz_validate_every 50" # CGE after 120 steps, which give little there
hybrid="-tao_type zohybrid -zo_queries 10 -zo_lr 1e-3 -zo_mu 1e-4 -zo_phase2_lr 0.05 -zo_patience_window 100 -zo_patience 200 -zo_patience_tol 0.05 $common"

small="-net_format dense -net_layers 256,256"
large="-net_format dense -net_layers 368,368"
fgw="-tao_type zofgw -zo_queries 10 -zo_lr 5e-4 $common -tz_epochs 0.5" # one direction a step diverged even at 1e-4
local="-tao_type tzsgd -loss_gradient local -zo_lr 0.1 $common -tz_epochs 6"

# Every row: the paper's accuracy (or -) and the options
declare -A rows=(
  [mlp-fo]="97.43 $mlp $fo"
  [mlp-sign]="- $mlp $sign $brief"
  [mlp-hybrid]="83.58 $mlp $hybrid $early"
  [mlp10-fo]="93.69 $mlp10 $fo -tz_epochs 10"
  [mlp10-sign]="61.51 $mlp10 $sign"
  [mlp10-hybrid]="86.47 $mlp10 $hybrid"
  [tt6-fo]="97.16 $tt6 $fo"
  [tt6-sign]="88.48 $tt6 $sign"
  [tt6-hybrid]="96.64 $tt6 $hybrid"
  [sp-fo]="86.36 $sp $fo -zo_lr 0.15 -tz_epochs 10"
  [sp-sign]="83.39 $sp $sign -zo_lr 2e-3 -tz_epochs 36"
  [sp-hybrid]="92.24 $sp $hybrid -zo_phase2_lr 0.15 -tz_epochs 10"
  [mlp-rge]="- $mlp $rge $brief -zo_lr 3e-4"
  [tt10-fo]="97.33 $tt10 $fo"
  [tt10-rge]="85.14 $tt10 $rge -zo_lr 2.5e-4"
  [tt10-sign]="87.87 $tt10 $sign"
  [tt10-hybrid]="96.77 $tt10 $hybrid"
  [tt6-rge]="87.72 $tt6 $rge -tz_epochs 12"
  [tt53-fo]="96.47 $tt53 $fo"
  [tt53-rge]="89.67 $tt53 $rge -zo_lr 6e-4 -tz_epochs 12"
  [tt53-sign]="89.01 $tt53 $sign"
  [tt53-hybrid]="95.83 $tt53 $hybrid"
  [flops]="83.50 $mlp -tao_type zoflops -zo_lr 8e-3 -zo_mu 1e-4 $common -tz_epochs 0.15"
  [stp]="90.20 $mlp -tao_type zostp -zo_lr 2e-2 $common -zo_momentum 0 -tz_epochs 0.5"
  [szoscd]="93.50 $mlp -tao_type zoscd -zo_lr 2e-2 $common -zo_momentum 0 -tz_epochs 2"
  [fgw-272k]="90.75 $small $fgw"
  [fgw-429k]="91.44 $large $fgw"
  [lgfga-272k]="96.76 $small $local -loss_groups 256"
  [lgfga-429k]="97.45 $large $local -loss_groups 368 -tz_epochs 8"
  [fa]="97.90 -net_format dense -net_layers 1000 -net_activation tanh -tao_type tzsgd -loss_gradient fa -zo_lr 3e-2 $common -tz_epochs 8"
  [dfa]="98.30 -net_format dense -net_layers 800,800 -net_activation tanh -tao_type tzsgd -loss_gradient dfa -zo_lr 3e-2 $common -tz_epochs 5"
  [tt6-cge]="- $tt6 $cge"
)

# digits NAME...: these rows
digits() {
  local name
  for name; do VERB=classify row mnist "$name" ${rows[$name]:?no such row}; done
}
