# For the table scripts of the MNIST experiments (784-1024-10, ReLU): networks, hyperparameters and `digits`, a row of `tenzo classify`.
# The images are those of ../shared/mnist beside the project, or of $MNIST. A row is run once, even where several tables show it.
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
fo="-tao_type sgd -zo_lr 0.05 $common"
sign="-tao_type zosign -zo_queries 10 -zo_lr 7e-4 -zo_mu 1e-4 $common -tz_epochs 12"
rge="-tao_type zosgd -zo_queries 10 -zo_lr 4e-4 -zo_mu 1e-4 $common -tz_epochs 6" # 1e-3 diverged in the second epoch
cge="-tao_type zocge -zo_lr 0.05 -zo_mu 1e-4 $common -tz_epochs 2 -tz_validate_every 20"
brief="-zo_lr 1e-3 -tz_epochs 0.5" # of the dense network, whose query takes ten times as long
early="-zo_patience 60 -zo_patience_window 60 -zo_patience_tol 0.9 -tz_epochs 0.18 -tz_validate_every 50" # CGE after 120 steps, which give little there
hybrid="-tao_type zohybrid -zo_queries 10 -zo_lr 1e-3 -zo_mu 1e-4 -zo_cge_lr 0.05 -zo_patience_window 100 -zo_patience 200 -zo_patience_tol 0.05 $common"

# digits NAME PAPER OPTIONS...
digits() { VERB=classify row mnist "$@"; }
