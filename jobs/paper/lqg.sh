#!/bin/bash
# HJB-LQG, a solution that no estimator differentiates exactly: 20 dimensions with every estimator, format and training order; 100 and 250 dimensions.
# Points along the diffusion from the origin; the terminal value continued by -lqg_extension heat, but for the rows named plain. A last
# line `origin` of each result has u(0,0); exact: 2.921014735742570 (d = 20), 4.590161724604883 (100), 5.515459169993060 (250).
. "$(dirname "$0")/lib.sh"

ttm="-net_format ttm -net_layers 64,64 -net_tt_rank 8"
small="-net_format dense -net_layers 64,64"
lqg() { echo "-pde_type lqg -pde_dim $1 -loss_sampler paths -lqg_extension $2 -tz_validate_every 500"; }
adam="-tao_type tzadam -zo_lr 5e-3 -zo_beta2 0.99 -zo_lr_schedule cosine"
sign="-tao_type zosign -zo_queries 10 -zo_mu 1e-4 -zo_momentum 0.5 -zo_lr 1e-3 -zo_lr_schedule cosine"
gn="-tao_type zogn -zo_queries 40 -zo_mu 1e-4"

row lqg d20-ttm-fo-ad - $(lqg 20 heat) $ttm $ad $adam -loss_points 100 -tao_max_it 3000
row lqg d20-dense-fo-ad - $(lqg 20 heat) $small $ad $adam -loss_points 100 -tao_max_it 3000
row lqg d20-tt-fo-ad - $(lqg 20 heat) $tt4 $ad $adam -loss_points 100 -tao_max_it 3000
row lqg d20-ttm-zogn-ad - $(lqg 20 heat) $ttm $ad $gn -loss_points 400 -tao_max_it 200
row lqg d20-ttm-zo-ad - $(lqg 20 heat) $ttm $ad $sign -loss_points 100 -tao_max_it 4000
row lqg d20-dense-zo-ad - $(lqg 20 heat) $small $ad $sign -loss_points 100 -tao_max_it 4000
row lqg d20-dense-zogn-ad - $(lqg 20 heat) $small $ad $gn -loss_points 400 -tao_max_it 200
row lqg d20-tt-zogn-ad - $(lqg 20 heat) $tt4 $ad $gn -loss_points 400 -tao_max_it 200
row lqg d20-tt-zo-ad - $(lqg 20 heat) $tt4 $ad $sign -loss_points 100 -tao_max_it 4000
row lqg d100-ttm-fo-ad - $(lqg 100 heat) $ttm $ad $adam -loss_points 50 -tao_max_it 500
row lqg d100-ttm-zogn-ad - $(lqg 100 heat) $ttm $ad $gn -loss_points 100 -tao_max_it 30
row lqg d100-ttm-fo-ad-plain - $(lqg 100 constant) $ttm $ad $adam -loss_points 50 -tao_max_it 500
row lqg d20-ttm-fo-ad-plain - $(lqg 20 constant) $ttm $ad $adam -loss_points 100 -tao_max_it 3000
row lqg d20-ttm-fo-fd - $(lqg 20 heat) $ttm $fd $adam -loss_points 24 -tao_max_it 1000
row lqg d20-ttm-fo-sg - $(lqg 20 heat) $ttm $sg $adam -loss_points 24 -tao_max_it 300
row lqg d20-ttm-fo-se - $(lqg 20 heat) $ttm $se $adam -loss_points 24 -tao_max_it 300
row lqg d20-ttm-zo-fd - $(lqg 20 heat) $ttm $fd $sign -loss_points 24 -tao_max_it 4000
row lqg d20-ttm-zo-sg - $(lqg 20 heat) $ttm $sg $sign -loss_points 24 -tao_max_it 2000
row lqg d20-ttm-zo-se - $(lqg 20 heat) $ttm $se128 $sign -loss_points 24 -tao_max_it 2000
row lqg d20-ttm-zogn-fd - $(lqg 20 heat) $ttm $fd $gn -loss_points 400 -tao_max_it 60
row lqg d20-ttm-zogn-sg - $(lqg 20 heat) $ttm $sg $gn -loss_points 200 -tao_max_it 20
row lqg d20-ttm-zogn-se - $(lqg 20 heat) $ttm $se $gn -loss_points 100 -tao_max_it 20
row lqg d250-ttm-fo-ad - $(lqg 250 heat) $ttm $ad $adam -loss_points 24 -tao_max_it 200

# As far as they go: a first layer of squares of one x_i and t each, two to four a coordinate, of which the second layer takes sums; then what is left is a
# function of few variables, for which d = 20 and 100 have two more layers of sines; more points than parameters. Exact gradients (tzgn), then forward evaluations
# alone (zogn of all coordinates: as many queries a step as parameters)
squares() { echo "-net_format sparse -net_first_inputs 1 -net_activation square,sine${4:-} -net_layers $1 -net_output_scale 0.1 $ad -loss_points $2 -tao_max_it $3 -zo_lr_schedule cosine -tz_validate_every 5"; }
all="-tao_type zogn -zo_direction coordinate -zo_mu 1e-6"
row lqg d20-squares-tzgn - $(lqg 20 heat) $(squares 80,8,16,8 4000 80 ,sine,sine) -tao_type tzgn
row lqg d100-squares-tzgn - $(lqg 100 heat) $(squares 200,8,16,8 3000 50 ,sine,sine) -tao_type tzgn
row lqg d250-squares-tzgn - $(lqg 250 heat) $(squares 250,4 2500 30) -tao_type tzgn
row lqg d20-squares-zogn - $(lqg 20 heat) $(squares 60,8,16,8 2500 40 ,sine,sine) $all
row lqg d100-squares-zogn - $(lqg 100 heat) $(squares 100,8 1500 60) $all
row lqg d250-squares-zogn - $(lqg 250 heat) $(squares 250,4 2500 30) $all
row lqg d100-small-zolls - $(lqg 100 heat) $small -net_output_scale 0.1 $ad -tao_type zolls -loss_points 300 -tao_max_it 3 -tz_validate_every 1
row lqg d250-wide-zolls - $(lqg 250 heat) -net_format dense -net_layers 256,400 -net_output_scale 0.1 $ad -tao_type zolls -loss_points 1600 -tao_max_it 3 -tz_validate_every 1

origins lqg # u(0,0) of every run that has none yet
