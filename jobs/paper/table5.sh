#!/bin/bash
# Table 5: zeroth-order training with forward evaluations only, for three ways of computing the derivatives in the loss.
# ZO-signRGE (one-sided differences, Gaussian directions); our extra rows: `zogn`, Gauss-Newton in the span of 40 directions; `zolls`, least squares of the
# output layer, whose 769 derivatives are differences of residuals too.
. "$(dirname "$0")/lib.sh"

# mu far below the paper's: no noise is averaged here, and the bias of a large mu is what stalls. sign STEPS POINTS: few directions a step, a small
# step and a large momentum in their place, and a learning rate that falls by a factor of 50 over the run
sign() { echo "-tao_type zosign -zo_queries 5 -zo_mu 1e-4 -zo_lr 7e-4 -zo_momentum 0.95 -zo_lr_schedule exponential -zo_lr_factor 0.02 -zo_lr_every $1 -tao_max_it $1 -loss_points $2 -tz_validate_every 500"; }
gn="-tao_type zogn -zo_queries 40 -zo_mu 1e-4 -loss_points 48 -tao_max_it 40 -tz_validate_every 10"

row table5 tt4-zogn-fd - $hjb $tt4 $fd $gn
row table5 tt4-zogn-sg - $hjb $tt4 $sg $gn
row table5 tt4-zogn-se - $hjb $tt4 $se $gn
row table5 tt10-zogn-fd - $hjb $tt10 $fd $gn
row table5 tt10-zogn-sg - $hjb $tt10 $sg $gn
lls="-tao_type zolls -loss_points 1600 -tz_validate_every 1 -tao_max_it"
row table5 tt4-zolls-ad - $hjb $tt4 $ad $lls 10
row table5 tt4-zolls-fd - $hjb $tt4 $fd $lls 10
row table5 tt4-zolls-sg - $hjb $tt4 $sg $lls 6
row table5 tt4-zo-ad - $hjb $tt4 $ad $(many 40 12000 12 0.001)
row table5 tt4-zo-fd 3.82E-04 $hjb $tt4 $fd $(many 40 12000 12 0.001)
row table5 tt4-zo-sg 1.44E-05 $hjb $tt4 $sg $(sign 6500 12)
# in single precision a loss is off by some 1e-8 near the solution, which mu has to outweigh
row table5 tt4-zo-sg-single - $hjb $tt4 $sg -net_precision single $(many 40 12000 12 0.001) -zo_mu 1e-5
row table5 tt4-zo-se 2.75E-04 $hjb $tt4 $se128 $(sign 2500 8)
row table5 tt10-zo-ad - $hjb $tt10 $ad $(many 20 2857 8 0.003)
row table5 tt10-zo-fd 3.79E-04 $hjb $tt10 $fd $(many 20 2857 8 0.003)
row table5 tt10-zo-sg 4.79E-05 $hjb $tt10 $sg $(many 20 2857 8 0.003)
row table5 tt10-zo-se 4.35E-04 $hjb $tt10 $se128 $(many 20 2857 8 0.003)
# a dense network costs some hundred times as much, and is cut by a budget; its learning rate is smaller because every weight moves
dense="-tao_type zosign -zo_queries 10 -zo_mu 1e-4 -zo_momentum 0.5 -zo_lr_schedule cosine -zo_lr 1e-4"
row table5 mlp-zo-ad - $hjb $mlp $ad $dense -loss_points 24 -tao_max_it 400 -tz_validate_every 100
row table5 mlp-zo-fd 9.23E-02 $hjb $mlp $fd $dense -loss_points 24 -tao_max_it 400 -tz_validate_every 100
row table5 mlp-zo-sg 1.62E-01 $hjb $mlp $sg $dense -tz_validation_points 200 -loss_points 8 -tao_max_it 400 -tz_validate_every 100
row table5 mlp-zo-se - $hjb $mlp $se128 $dense -tz_validation_points 200 -loss_points 8 -tao_max_it 400 -tz_validate_every 100
