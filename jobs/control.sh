#!/bin/bash
# Control problems (README, "Control"): each is trained with every seed, then simulated against baselines. Results in jobs/control/RESULTS.md; what is
# there already is not run again. Rows ...-zo: forward evaluations alone for the parameters (zolls), the others by exact gradients (lqr20: of the hidden layer,
# least squares for the output layer). Rows with data first find direct optima from starts of their own (seed + 1000), which the training learns from; a training
# may have stages, each from the parameters of the one before.
#   ROWS='lqr20 agents2' SEEDS='0 1' bash jobs/control.sh
# Variables: ROWS, SEEDS, BUILD, RANKS, SECONDS_A_RUN (a training run ends then; none), OUT (where checkpoints and lines go, jobs/control/results)
cd "$(dirname "$0")/.." || exit 1
rows=${ROWS:-lqr20 lqr20-zo rod50 rod50-zo agents2 agents4 agents12 quadrotor quadrotor5 allencahnrod40 allencahnrod40-data} seeds=${SEEDS:-0 1 2 3 4} build=${BUILD:-build} ranks=${RANKS-1}
out=${OUT:-jobs/control/results}
mkdir -p "$out"
export OMP_NUM_THREADS=1

near="-net_format dense -deriv_type forward -net_output_scale 0.01" # V starts at the known part b
gn() { echo "-tao_type tzgn -zo_momentum 0.9 -zo_damping_min 1e-6 -loss_points $2 -tao_max_it $1"; }
lqr20="-pde_type lqr -pde_dim 20 -lqr_problem jobs/control/lqr20.txt $near -net_first_inputs 1 -net_frequency 2"
rod50="-pde_type lqr -pde_dim 50 -lqr_problem rod $near -net_first_covariance"
own="$near -control_extension linear"
along="$near -control_extension path -control_drift feedback -loss_path_steps 50 -loss_path_points 10"
far="-net_format dense -deriv_type forward -control_extension linear" # on which side agents pass each other is to be decided: not from 0
# NAME|training[;training ..]|simulation[|simulation that makes data]; the first policy is the network's
table="
lqr20|$lqr20 -net_layers 240 -tao_type tzadam -zo_lr 1e-6 -zo_last_layer 1 -loss_points 1000 -tao_max_it 5|-sim_policy network,exact -sim_paths 1000 -sim_steps 100
lqr20-zo|$lqr20 -net_layers 240 -tao_type zolls -loss_points 1000 -tao_max_it 5|-sim_policy network,exact -sim_paths 1000 -sim_steps 100
rod50|$rod50 -net_layers 32 $(gn 40 800)|-sim_policy network,exact -sim_steps 1000 -sim_paths 192
rod50-zo|$rod50 -net_first_sharpen 1 -net_frequency 2 -net_layers 400 -tao_type zolls -loss_points 2000 -tao_max_it 2|-sim_policy network,exact -sim_steps 1000 -sim_paths 192
agents2|-pde_type agents $far -control_drift mix -net_layers 48 -tao_type tzgn -loss_points 600 -tao_max_it 150|-sim_policy network,lqr -sim_paths 2000 -sim_steps 100
agents4|-pde_type agents -pde_dim 16 $along -net_layers 24 $(gn 10 300)|-sim_policy network,lqr -sim_paths 1000 -sim_steps 100
agents12|-pde_type agents -pde_dim 48 -agents_penalty 200 $along -net_layers 24 $(gn 10 300)|-sim_policy network,lqr -sim_paths 1000 -sim_steps 100
quadrotor|-pde_type quadrotor $along -net_layers 24 $(gn 10 300)|-sim_policy network,lqr -sim_paths 1000
quadrotor5|-pde_type quadrotor -quadrotor_distance 5 $along -net_layers 24 $(gn 10 300)|-sim_policy network,lqr -sim_paths 1000
allencahnrod40|-pde_type allencahnrod -pde_dim 40 $along -control_extension_steps 700 -loss_path_steps 700 -net_first_covariance -net_layers 24 $(gn 10 300)|-sim_policy network,lqr,direct -sim_steps 700 -sim_paths 4
allencahnrod40-data|-pde_type allencahnrod -pde_dim 40 $own -net_first_covariance -control_drift feedback -loss_path_steps 700 -loss_path_points 50 -net_layers 32 $(gn 80 150) -loss_data_points 150 -loss_data_grad_points 600 -loss_data_weight 10 -loss_data_grad_weight 100|-sim_policy network,lqr,direct -sim_steps 700 -sim_paths 4|-pde_type allencahnrod -pde_dim 40 -sim_steps 700 -sim_paths 8
"
run() { timeout 3600 ${ranks:+mpirun -q -n "$ranks"} "$build/tenzo" "$@"; }

TIMEFORMAT='processor %U'
for row in $rows; do
  line=$(grep "^$row|" <<<"$table")
  [ "$line" ] || { echo "ROWS: no row $row"; exit 2; }
  IFS='|' read -r _ train simulate data <<<"$line"
  IFS=';' read -ra stages <<<"$train"
  for seed in $seeds; do
    to=$out/$row-$seed
    [ -s "$to.txt" ] && continue
    code=0
    : >"$to.log"
    # shellcheck disable=SC2086
    [ -z "$data" ] || { time run simulate $data -sim_policy lqr,direct -tz_seed $((seed + 1000)) -tz_quiet -tz_output "$to.data.h5"; } >"$to.data" 2>&1 || code=1
    init=''
    for stage in "${stages[@]}"; do
      # shellcheck disable=SC2086
      [ $code = 0 ] && { time run solve $stage ${data:+-loss_data "$to.data.h5"} $init -tz_seed "$seed" -tz_validate_every 0 -tz_validation_points 1000 \
        ${SECONDS_A_RUN:+-tz_time_limit "$SECONDS_A_RUN"} -tz_quiet -tz_overwrite -tz_output "$to.h5"; } >>"$to.log" 2>&1
      code=$?
      [ $code = 75 ] && code=0 # the time was over
      init="-tz_init $to.h5"
    done
    [ $code = 0 ] || { echo "$row, seed $seed: exit code $code, see $to.log"; continue; }
    # shellcheck disable=SC2086
    run simulate -tz_model "$to.h5" $simulate -tz_quiet -tz_output none >"$to.sim" 2>&1 && tail -n 1 "$to.sim" >"$to.txt"
  done
done
python3 jobs/control/report.py "$out" >jobs/control/RESULTS.md && cat jobs/control/RESULTS.md
