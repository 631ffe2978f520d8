#!/bin/bash
# What N, mu, the directions, sigma, the TT rank, momentum and two-sided differences do to ZO-signRGE with the sparse-grid Stein estimator, at an
# equal number of queries (6,600), on both equations. A small network, 21-64-64-1 in tensor trains of rank 4, so that every run takes seconds.
# Seeds 0 1 2. Base: N = 5 one-sided Gaussian directions, mu = 1e-4, sigma = 0.1, no momentum; each row changes what its name says.
SEEDS=${SEEDS:-0 1 2}
. "$(dirname "$0")/lib.sh"

both() { # NAME STEPS OPTIONS...
  local name=$1 steps=$2
  local base="-net_format tt -net_tt_rank 4 -net_layers 64,64 $sg -tao_type zosign -zo_queries 5 -zo_mu 1e-4 -zo_lr 2.5e-3 -zo_momentum 0"
  base="$base -zo_lr_schedule exponential -zo_lr_factor 0.01 -zo_lr_every $steps -tao_max_it $steps -loss_points 8 -tz_validate_every 100"
  shift 2
  row ablation "hjb-$name" - $hjb $base "$@"
  row ablation "lqg-$name" - -pde_type lqg -pde_dim 20 -loss_sampler paths -lqg_extension heat $base "$@"
}
both base 1100
both N2 2200 -zo_queries 2
both N20 314 -zo_queries 20
both mu1e-2 1100 -zo_mu 1e-2
both mu1e-3 1100 -zo_mu 1e-3
both mu1e-6 1100 -zo_mu 1e-6
both rademacher 1100 -zo_direction rademacher
both hadamard 1100 -zo_direction hadamard
both sigma0.03 1100 -stein_sigma 0.03
both sigma0.3 1100 -stein_sigma 0.3
both rank2 1100 -net_tt_rank 2
both rank8 1100 -net_tt_rank 8
both two-sided 600 -zo_two_sided
both momentum0.7 1100 -zo_momentum 0.7
both momentum0.9 1100 -zo_momentum 0.9
both cosine 1100 -zo_lr_schedule cosine
