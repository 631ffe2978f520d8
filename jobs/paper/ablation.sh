#!/bin/bash
# What N, mu, the directions, momentum and the TT rank do to ZO-signRGE at an equal number of queries (33,000), with forward-propagated
# derivatives; and what sigma does to the sparse-grid Stein estimator on HJB-LQG, where it is biased (Gauss-Newton steps, 100 points).
. "$(dirname "$0")/lib.sh"

base="$hjb $ad -net_format tt -net_layers 768,768 -tao_type zosign -zo_lr 2e-3 -zo_lr_schedule cosine -loss_points 48"
one() { # NAME OPTIONS...: rank 4, N = 10, mu = 1e-4, Gaussian, momentum 0.5, but for the options given
  local name=$1
  shift
  row ablation "$name" - $base "$@"
}
n10="-zo_queries 10 -tao_max_it 3000 -tz_validate_every 500"
one base $n10 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0.5 -zo_direction gaussian
one N5 -zo_queries 5 -tao_max_it 5500 -tz_validate_every 500 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0.5
one N20 -zo_queries 20 -tao_max_it 1571 -tz_validate_every 500 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0.5
one N40 -zo_queries 40 -tao_max_it 805 -tz_validate_every 500 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0.5
one mu1e-2 $n10 -net_tt_rank 4 -zo_mu 1e-2 -zo_momentum 0.5
one mu1e-3 $n10 -net_tt_rank 4 -zo_mu 1e-3 -zo_momentum 0.5
one mu1e-6 $n10 -net_tt_rank 4 -zo_mu 1e-6 -zo_momentum 0.5
one momentum0 $n10 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0
one momentum0.9 $n10 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0.9
one rademacher $n10 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0.5 -zo_direction rademacher
one hadamard $n10 -net_tt_rank 4 -zo_mu 1e-4 -zo_momentum 0.5 -zo_direction hadamard
one rank2 $n10 -net_tt_rank 2 -zo_mu 1e-4 -zo_momentum 0.5
one rank10 $n10 -net_tt_rank 10 -zo_mu 1e-4 -zo_momentum 0.5

lqg="-pde_type lqg -pde_dim 20 -loss_sampler diffusion -lqg_extension heat -net_format ttm -net_layers 64,64 -net_tt_rank 8"
lqg="$lqg -tao_type zogn -zo_queries 40 -zo_mu 1e-4 -loss_points 100 -tao_max_it 30 -tz_validate_every 10"
for sigma in 0.05 0.1 0.2; do
  row ablation lqg-sigma$sigma - $lqg -deriv_type stein -stein_sigma $sigma -rule_type smolyak -rule_level 3
done
row ablation lqg-exact - $lqg $ad
