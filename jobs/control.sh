#!/bin/bash
# Control problems (README, "Control"): each is trained with every seed, then simulated against a baseline. Results in jobs/control/RESULTS.md; what is
# there already is not run again.
#   ROWS='lqr20 agents2' SEEDS='0 1' SECONDS_A_RUN=60 bash jobs/control.sh
# Variables: ROWS, SEEDS, BUILD, RANKS, SECONDS_A_RUN (a training run ends then, 300), OUT (where checkpoints and lines go, jobs/control/results)
cd "$(dirname "$0")/.." || exit 1
rows=${ROWS:-lqr20 lqr20-zo rod50 agents2 agents4 agents12 quadrotor allencahnrod40} seeds=${SEEDS:-0 1 2 3 4} build=${BUILD:-build} ranks=${RANKS:-1}
out=${OUT:-jobs/control/results} seconds=${SECONDS_A_RUN:-300}
mkdir -p "$out"
export OMP_NUM_THREADS=1

gn="-net_format dense -deriv_type forward -tao_type tzgn"
own="-control_extension linear -control_drift mix"
# NAME|training|simulation; the first policy is the network's
table="
lqr20|-pde_type lqr -pde_dim 20 -lqr_problem jobs/control/lqr20.txt $gn -net_layers 64,64 -loss_points 1000 -tao_max_it 200|-sim_policy network,exact -sim_paths 4000 -sim_steps 100
lqr20-zo|-pde_type lqr -pde_dim 20 -lqr_problem jobs/control/lqr20.txt -net_format dense -deriv_type forward -tao_type zogn -zo_direction coordinate -net_layers 64 -loss_points 1000 -tao_max_it 200|-sim_policy network,exact -sim_paths 4000 -sim_steps 100
rod50|-pde_type lqr -pde_dim 50 -lqr_problem rod $gn -net_layers 64 -loss_points 1000 -tao_max_it 200|-sim_policy network,exact -sim_steps 1000 -sim_paths 500
agents2|-pde_type agents $own $gn -net_layers 48 -loss_points 600 -tao_max_it 200|-sim_policy network,lqr
agents4|-pde_type agents -pde_dim 16 -control_extension linear -control_drift feedback -loss_path_steps 10 $gn -net_layers 48 -loss_points 500 -tao_max_it 300|-sim_policy network,lqr -sim_paths 4000
agents12|-pde_type agents -pde_dim 48 -control_extension linear -control_drift feedback -loss_path_steps 10 $gn -net_layers 64 -loss_points 600 -tao_max_it 1000|-sim_policy network,lqr -sim_paths 2000
quadrotor|-pde_type quadrotor -control_extension linear -control_drift lqr $gn -net_layers 48,48 -loss_points 1000 -tao_max_it 1000|-sim_policy network,lqr
allencahnrod40|-pde_type allencahnrod -pde_dim 40 -control_extension linear -control_drift lqr -loss_path_steps 700 $gn -net_layers 32 -loss_points 100 -tao_max_it 200|-sim_policy network,lqr -sim_steps 1000 -sim_paths 200
"
run() { timeout 3600 ${ranks:+mpirun -q -n "$ranks"} "$build/tenzo" "$@"; }

for row in $rows; do
  line=$(grep "^$row|" <<<"$table")
  [ "$line" ] || { echo "ROWS: no row $row"; exit 2; }
  IFS='|' read -r _ train simulate <<<"$line"
  for seed in $seeds; do
    to=$out/$row-$seed
    [ -s "$to.txt" ] && continue
    # shellcheck disable=SC2086
    run solve $train -tz_seed "$seed" -tz_validate_every 0 -tz_validation_points 1000 -tz_time_limit "$seconds" -tz_quiet -tz_overwrite -tz_output "$to.h5" >"$to.log" 2>&1
    # shellcheck disable=SC2086
    run simulate -tz_model "$to.h5" $simulate -tz_quiet -tz_output "$to-paths.h5" >"$to.sim" 2>&1 && tail -n 1 "$to.sim" >"$to.txt"
  done
done
python3 jobs/control/report.py "$out" >jobs/control/RESULTS.md && cat jobs/control/RESULTS.md
