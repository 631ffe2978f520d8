#!/bin/bash
# 1,000 to 1,000,000 dimensions by forward evaluations alone: trains of rank 4, 64,64 units, exact derivatives. Rows EQUATION-D: least squares of the output layer
# (zolls, three steps); ...-start: the error of f = 0, that is of the part b of u = a f + b; lqg-D-sign: signRGE, whose seconds are those of steps. ball: the
# two-body solution of allencahnball, fewer points and units, because its right-hand side is 4 d sines and cosines for each point of each query.
# A million dimensions have fewer points and units. A run takes some minutes of a processor.
# SEEDS, ROWS, RANKS, BUDGET, OUT, TENZO: see lib.sh
. "$(dirname "$0")/lib.sh"

train="-net_format tt -net_tt_rank 4 -net_layers 64,64 $ad -tz_validate_every 0"
near="-net_output_scale 0.01"
for d in ${DIMS:-1000 10000 100000 1000000}; do
  points=300 valid=1000 steps=20 few=100
  if [ "$d" -gt 10000 ]; then points=100 valid=200; fi
  at="-pde_dim $d"
  if [ "$d" -gt 100000 ]; then points=50 valid=50 steps=5 few=50 at="$at -net_layers 64,16 -loss_block 1"; fi # memory: of 65 derivatives of 5 points at a time 26 GB
  at="$at -tz_validation_points $valid"
  lqg="-pde_type lqg -lqg_extension heat -loss_sampler paths $at"
  ac="-pde_type allencahn -allencahn_extension heat -loss_sampler paths $at"
  ball="-pde_type allencahnball $at"
  start="-tao_max_it 0 -net_output_scale 1e-12"
  zolls="-tao_type zolls -loss_points $points -tao_max_it 3"

  row dimension lqg-$d-start - $train $lqg $start
  row dimension lqg-$d - $train $lqg $near $zolls
  row dimension lqg-$d-sign - $train $lqg $near -tao_type zosign -zo_queries 10 -loss_points 10 -tao_max_it $steps
  row dimension allencahn-$d-start - $train $ac $start
  row dimension allencahn-$d - $train $ac $near $zolls
  row dimension ball-$d - $train $ball -net_layers 64,16 -tao_type zolls -loss_points $few -tao_max_it 2
done
