#!/bin/bash
# Equations of the table: relative L2 error along the sampled region. Rows ...-fo: exact gradients of the parameters; ...-zo: forward evaluations alone for them
# (least squares of the residuals from queries along all coordinates, zogn, or along those of the output layer, zolls), derivatives by forward propagation;
# ...-fd, ...-stein: derivatives by differences or smoothing too, so that nothing but the network is evaluated. The figure before the options is the aim.
# SEEDS, ROWS, RANKS, BUDGET, OUT, TENZO: see paper/lib.sh. A run takes seconds to two minutes on a core; python3 paper/report.py puts the table into RESULTS.md.
. "$(dirname "$0")/paper/lib.sh"
t=equations jobs=$(dirname "$0")

dense() { echo "-net_format dense -net_layers $1"; }
ttm="-net_format ttm -net_layers 64,64 -net_tt_rank 8"
near="-net_output_scale 0.01" # u = a f + b starts at b
at() { echo "-pde_type $1 -pde_dim $2 -tz_validate_every 0"; }
adam() { echo "-tao_type tzadam -zo_lr $2 -zo_beta2 0.99 -zo_lr_schedule cosine -tao_max_it $1"; }
gn() { echo "-tao_type tzgn -loss_points $2 -tao_max_it $1"; }
spring() { echo "$(gn "$1" "$2") -zo_momentum 0.9 -zo_damping_min 1e-6"; }
zogn() { echo "-tao_type zogn -zo_direction coordinate -zo_mu 1e-5 -loss_points $2 -tao_max_it $1"; }
zolls() { echo "-tao_type zolls -loss_points $2 -tao_max_it $1"; } # more points than units

ac="-allencahn_extension reaction"
dw="-doublewell_extension drift $near -net_first_inputs 1 -net_frequency 6"
bs="$(dense 800) $near -net_first_inputs 1 -net_frequency 2"                                 # a sum over the assets
pairs="$(dense 600) -net_activation square -net_first_inputs 2 -net_frequency 8"             # a sum over pairs of neighbours, in small x
forms="-net_activation square,sine" radial="-net_activation square,tanh"                     # of quadratic forms
last="-tao_type tzadam -zo_lr 1e-3 -zo_last_layer 1 -loss_points 2500 -tao_max_it 2"         # exact gradients for the hidden layer, least squares for the output layer
lqr="-pde_type lqr -pde_dim 10 -tz_validate_every 0 -lqr_problem $jobs/lqr10.txt"
slow="-net_first_covariance -net_first_sharpen 1"                                              # what the states vary along, not the fast modes of the drift
soft="-pde_conditions soft -loss_boundary_points 1000 -loss_boundary_weight 4e4"                 # (2 d)^2: a Laplacian and a value alike
products() { echo "-net_format sparse -net_first_inputs 2 -net_activation square -net_layers 300,$1 -net_frequency 8 -net_output_scale 0.1 -zo_lr_schedule cosine"; } # squares of quadratic forms
stein="-deriv_type stein -stein_sigma 0.1"

row $t allencahn20-fo 1e-3 $(at allencahn 20) $ac $ad $(dense 24,8) $forms $near $(spring 150 500)
row $t allencahn20-zo 5e-3 $(at allencahn 20) $ac $ad $(dense 32) $near $(zogn 30 1000)
row $t allencahn20-fd 5e-3 $(at allencahn 20) $ac $fd $(dense 300) $near $(zolls 3 1000)
row $t allencahn20-stein 5e-3 $(at allencahn 20) $ac $stein $(dense 300) $near $(zolls 3 1000)
row $t allencahn100-fo 1e-3 $(at allencahn 100) $ac $ad $(dense 16) $near $(gn 50 800)
row $t allencahn100-zo 5e-3 $(at allencahn 100) $ac $ad $(dense 16) $near $(zogn 15 500)
row $t allencahn100-fd 5e-3 $(at allencahn 100) $ac $fd $(dense 400) $near $(zolls 3 1000)
row $t blackscholes100-fo 1e-3 $(at blackscholes 100) $bs $ad $last
row $t blackscholes100-zo 3e-3 $(at blackscholes 100) $bs $ad $(zolls 1 2500)
row $t lqr10-fo 1e-3 $lqr $ad $(dense 48,16) $forms $near -net_frequency 0.5 $(spring 150 800)
row $t lqr10-zo 3e-3 $lqr $ad $(dense 500) $near $(zolls 5 2000)
row $t lqr10-fd 3e-3 $lqr $fd $(dense 500) $near $(zolls 4 2000)
row $t lqr10-stein 3e-3 $lqr $stein $(dense 500) $near $(zolls 4 2000)
row $t rod50-fo 1e-3 $(at lqr 50) -lqr_problem rod $ad $(dense 700) $near $slow -net_frequency 2 $last -zo_lr 1e-6 -loss_points 2800
row $t rod50-zo 3e-3 $(at lqr 50) -lqr_problem rod $ad $(dense 400) $near $slow -net_frequency 2 $(zolls 2 2000)
row $t doublewell50-fo 1e-3 $(at doublewell 50) $dw $ad $(dense 200) $(adam 6000 5e-3)
row $t doublewell50-zo 5e-3 $(at doublewell 50) $dw $ad $(dense 600) $(zolls 6 2000)
row $t exittime20-fo 1e-3 $(at exittime 20) $ad $(dense 64,64) $(spring 100 400)
row $t exittime20-zo 5e-3 $(at exittime 20) $ad $(dense 32) $(zogn 30 1000)
row $t exittime20-fd 5e-3 $(at exittime 20) $fd $(dense 32) $(zogn 15 1000)
row $t exittime20-stein 5e-3 $(at exittime 20) $stein $(dense 300) $near $(zolls 3 1000)
row $t exittime100-fo 1e-3 $(at exittime 100) $ad $(dense 64) $(spring 50 400)
row $t exittime100-zo 5e-3 $(at exittime 100) $ad $(dense 16) $(zogn 15 500)
row $t poisson100-fo 1e-2 $(at poisson 100) $pairs $ad $last
row $t poisson100-zo 3e-2 $(at poisson 100) $pairs $ad $(zolls 1 2000)
row $t poisson100-soft-fo 1e-2 $(at poisson 100) $soft $ad $(products 10) $(gn 60 500)
row $t poisson100-soft-zo 3e-2 $(at poisson 100) $soft $ad $(products 6) $(zogn 40 500)
row $t committor10-fo 1e-3 $(at committor 10) $ad $(dense 32,24) $radial $near $(gn 120 700)
row $t committor10-zo 1e-2 $(at committor 10) $ad $(dense 20,16) $radial $near $(zogn 80 700)
row $t bangbang10-fo 1e-2 $(at bangbang 10) $ad $ttm -net_frequency 4 $(adam 3000 5e-3)
row $t bangbang10-zo - $(at bangbang 10) $ad $(dense 500) $near $(zolls 3 2000)
row $t bangbang10-fd - $(at bangbang 10) $fd $(dense 500) $near $(zolls 3 2000)
row $t bangbang10-stein - $(at bangbang 10) $stein $(dense 500) $near $(zolls 3 2000)
