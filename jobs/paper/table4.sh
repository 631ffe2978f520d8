#!/bin/bash
# Table 4: first-order training (Adam) of the 20-dimensional HJB equation with four ways of computing the derivatives in the loss.
# The same hyperparameters for all rows; where derivatives are dear, fewer points and steps, as the command of each row says.
. "$(dirname "$0")/lib.sh"

adam="-tao_type tzadam -zo_beta2 0.99 -zo_lr_schedule cosine"
long="$adam -zo_lr 5e-3 -tao_max_it 4000 -loss_points 100 -tz_validate_every 500"
middle="$adam -zo_lr 5e-3 -tao_max_it 3000 -loss_points 24 -tz_validate_every 500"
short="$adam -zo_lr 5e-3 -tao_max_it 1500 -loss_points 24 -tz_validate_every 500"
quick="$adam -zo_lr 1e-2 -tao_max_it 400 -loss_points 8 -tz_validate_every 100"

row table4 tt4-fo-ad 1.63E-05 $hjb $tt4 $ad $long
row table4 tt4-fo-fd 4.56E-05 $hjb $tt4 $fd $short
row table4 tt4-fo-sg 4.49E-05 $hjb $tt4 $sg $quick
row table4 tt4-fo-se 3.82E-04 $hjb $tt4 $se $quick
row table4 tt10-fo-ad 4.28E-05 $hjb $tt10 $ad $middle
row table4 tt10-fo-fd 4.90E-05 $hjb $tt10 $fd $short
row table4 tt10-fo-sg 7.14E-05 $hjb $tt10 $sg $quick
row table4 tt10-fo-se 2.28E-04 $hjb $tt10 $se $quick
# a dense network costs some hundred times as much; its learning rate is smaller because every weight moves
dense="-tao_type tzadam -zo_lr 1e-3 -zo_beta2 0.99 -zo_lr_schedule cosine -tz_validate_every 200"
row table4 mlp-fo-ad 3.58E-04 $hjb $mlp $ad $dense -tao_max_it 3000 -loss_points 24
row table4 mlp-fo-fd 5.97E-05 $hjb $mlp $fd $dense -tao_max_it 400 -loss_points 24
row table4 mlp-fo-sg 4.27E-04 $hjb $mlp $sg $dense -tao_max_it 200 -loss_points 8 -tz_validation_points 200
row table4 mlp-fo-se 8.98E-04 $hjb $mlp $se $dense -tao_max_it 200 -loss_points 8 -tz_validation_points 200
