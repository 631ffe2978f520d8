#!/bin/bash
# 1,000 to 1,000,000 dimensions by forward evaluations alone: trains of rank 4, 64,64 units, exact derivatives. Rows EQUATION-D: least squares of the output layer
# (zolls, three steps); ...-start: the error of f = 0, that is of the part b of u = a f + b; lqg-D-sign: signRGE, whose seconds are those of steps. ball: the
# two-body solution of allencahnball, fewer points, because its right-hand side is 4 d sines and cosines for each point of each query.
# A run of a million dimensions takes 4 GB and some minutes of a processor.
# SEEDS, ROWS, RANKS, BUDGET, OUT, TENZO: see lib.sh
. "$(dirname "$0")/lib.sh"

train="-net_format tt -net_tt_rank 4 -net_layers 64,64 $ad -tz_validate_every 0"
near="-net_output_scale 0.01"
for d in ${DIMS:-1000 10000 100000 1000000}; do
  points=300 valid=1000 steps=20 few=2
  if [ "$d" -gt 10000 ]; then points=100 valid=200; fi
  if [ "$d" -gt 100000 ]; then valid=100 steps=5 few=1; fi
  at="-pde_dim $d -tz_validation_points $valid"
  lqg="-pde_type lqg -lqg_extension heat -loss_sampler paths $at"
  ac="-pde_type allencahn -allencahn_extension heat -loss_sampler paths $at"
  ball="-pde_type allencahnball $at"
  start="-tao_max_it 0 -net_output_scale 1e-12"
  zolls="-tao_type zolls -loss_points $points -tao_max_it 3"

  row dimension lqg-$d-start - $lqg $train $start
  row dimension lqg-$d - $lqg $train $near $zolls
  row dimension lqg-$d-sign - $lqg $train $near -tao_type zosign -zo_queries 10 -loss_points 10 -tao_max_it $steps
  row dimension allencahn-$d-start - $ac $train $start
  row dimension allencahn-$d - $ac $train $near $zolls
  row dimension ball-$d - $ball $train -tao_type zolls -loss_points 100 -tao_max_it $few
done
