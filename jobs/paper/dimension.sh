#!/bin/bash
# HJB-LQG in 1,000 to 1,000,000 dimensions by forward evaluations alone, a dense network of 64,64 units with exact derivatives: time of a step and memory.
#   TENZO (build/tenzo)   DIMS ("1000 10000 100000 1000000")   POINTS (10) of a step; a million dimensions take 9 GB and two minutes
TENZO=${TENZO:-$(dirname "$0")/../../build/tenzo}
export OMP_NUM_THREADS=1
for d in ${DIMS:-1000 10000 100000 1000000}; do
  for solver in "zosign -zo_queries 2" zolls; do
    if [ "$solver" = zolls ] && [ "$d" -gt 100000 ]; then continue; fi # 66 queries
    # shellcheck disable=SC2086
    echo "d=$d $solver: $("$TENZO" solve -pde_type lqg -pde_dim "$d" -lqg_extension heat -loss_sampler paths -deriv_type forward -net_format dense \
      -net_layers 64,64 -net_output_scale 0.1 -tao_type $solver -loss_points "${POINTS:-10}" -tao_max_it 3 -tz_validation_points 10 -tz_validate_every 0 \
      -tz_output none -tz_quiet | grep -o 'rel_l2.*')"
  done
done
