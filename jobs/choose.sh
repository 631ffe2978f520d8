#!/bin/bash
# What a choice costs: estimators, solvers, formats, samplers, numbers of queries and points, learning rates, each alone changed on one small problem.
# Three seeds a row, some minutes in all; prints the table that is jobs/choose/RESULTS.md.
#   bash jobs/choose.sh > jobs/choose/RESULTS.md      SEEDS='0 1 2', TENZO=build/tenzo
set -eu
cd "$(dirname "$0")/.."
tenzo=${TENZO:-build/tenzo}
read -ra seeds <<<"${SEEDS:-0 1 2}"
base="-pde_type lqg -pde_dim 10 -lqg_extension heat -net_output_scale 0.1 -net_layers 64,64 -deriv_type forward -loss_sampler paths -loss_points 20
  -tz_validation_points 2000 -tz_validate_every 0 -tz_output none -tz_quiet"

row() { # row NAME OPTIONS...: mean and deviation of the figures of all seeds
  local name=$1 seed; shift
  for seed in "${seeds[@]}"; do
    # shellcheck disable=SC2086
    $tenzo solve $base -tz_seed "$seed" "$@" 2>/dev/null | sed -n 's/^RESULT //p'
  done | tr ' ' '\n' | awk -F= -v name="$name" -v options="${*//|/\\|}" '
    { n[$1]++; s[$1] += $2; q[$1] += $2 * $2 }
    function mean(k) { return s[k] / n[k] }
    function deviation(k,  v) { v = n[k] > 1 ? (q[k] - s[k] * mean(k)) / (n[k] - 1) : 0; return v > 0 ? sqrt(v) : 0 }
    END {
      if (n["rel_l2"] + 0 == 0) print "| " name " | no result | | | | | `" options "` |"
      else printf "| %s | %.2e ± %.1e | %.1e | %d | %.2g | %.2g | `%s` |\n", name, mean("rel_l2"), deviation("rel_l2"), mean("loss"), mean("queries"), mean("forwards"),
        mean("seconds"), options
    }'
}
steps() { echo "-tao_max_it $1 -zo_lr_schedule cosine -zo_lr_steps $1"; }
section() { printf '\n**%s**\n\n| | error of u (relative L2) | loss | queries | forwards | s | options |\n|---|---|---|---|---|---|---|\n' "$1"; }

# shellcheck disable=SC2046
{
  cat <<END
# What a choice costs

Printed by \`bash jobs/choose.sh\`: HJB-LQG in 10 dimensions, u_t + Δu - |∇u|² = 0, a network of 64,64 (tt, rank 4, sine) as the correction of the heat kernel's part, exact derivatives, 20 points a step on
paths, \`zosign\` with a cosine decay, 4,800 queries; each row changes what its options say. Mean ± deviation over the seeds ${seeds[*]}; the error is that at validation points, drawn as the training's are. Seconds of one core that
others used too. One small problem: orders, not laws.
END
  section "Estimator of the derivatives, at 1,200 queries"
  row forward $(steps 200)
  row "fd" $(steps 200) -deriv_type fd
  row "stein, sparse grid" $(steps 200) -deriv_type stein
  row "stein, 128 random pairs" $(steps 200) -deriv_type stein -rule_type mc -rule_samples 128
  section "Coordinates of finite differences, in 100 dimensions: all, or 10 random ones a step (-fd_subset)"
  for solver in "zosign -tao_max_it 200" "tzadam -tao_max_it 300 -zo_lr 3e-3"; do
    row "${solver%% *}, all" -pde_dim 100 -deriv_type fd -zo_lr_schedule cosine -tao_type $solver
    row "${solver%% *}, 10" -pde_dim 100 -deriv_type fd -zo_lr_schedule cosine -fd_subset 10 -tao_type $solver
  done
  section "Solver"
  row "zosign" $(steps 800)
  row "zosgd" $(steps 436) -tao_type zosgd
  row "zoadam" $(steps 436) -tao_type zoadam
  row "zogn, 40 directions" -tao_max_it 100 -tao_type zogn -loss_points 200
  row "zogn, all coordinates" -tao_max_it 5 -tao_type zogn -zo_direction coordinate -loss_points 200
  row "zolls, dense" -tao_max_it 3 -tao_type zolls -net_format dense -loss_points 400
  row "tzadam (exact gradients)" $(steps 1000) -tao_type tzadam
  row "tzgn (exact gradients)" -tao_max_it 30 -tao_type tzgn -loss_points 200
  section "Format of the weights, by tzadam"
  for f in tt ttm dense; do row "$f" $(steps 1000) -tao_type tzadam -net_format $f; done
  row "tt, rank 2" $(steps 1000) -tao_type tzadam -net_tt_rank 2
  row "tt, rank 8" $(steps 1000) -tao_type tzadam -net_tt_rank 8
  row "sparse, 1,000 numbers" $(steps 1000) -tao_type tzadam -net_format sparse -net_sparse_count 1000
  section "Sampler"
  for s in paths box mixed; do row $s $(steps 800) -loss_sampler $s; done
  section "Queries a step, at 4,800 in all"
  for q in 2 5 20; do row "$q" $(steps $((4800 / (q + 1)))) -zo_queries $q; done
  section "Points a step, at 96,000 in all"
  for p in 4 16 64 256; do row "$p" $(steps $((96000 / 6 / p))) -loss_points $p; done
  section "Learning rate"
  for l in 1e-5 1e-4 1e-3 1e-2 1e-1; do row $l -zo_lr $l $(steps 800); done
  section "Length of the differences, -zo_mu"
  for m in 1e-12 1e-6 1e-4 1e-2 1; do row $m $(steps 800) -zo_mu $m; done
  section "What the network starts from, and how it varies"
  row "b of the heat kernel, f of a tenth" $(steps 800)
  row "the same, f as it is drawn" $(steps 800) -net_output_scale 1
  row "b = the terminal value" $(steps 800) -lqg_extension constant
  row "rectifiers" $(steps 800) -net_activation relu
  row "first layer four times as fast" $(steps 800) -net_frequency 4
  section "A small loss, and the wrong u: dense 32,32, tzgn, no part of the heat kernel"
  for s in box paths; do
    row "$s" -net_format dense -net_layers 32,32 -lqg_extension constant -net_output_scale 1 -tao_type tzgn -loss_points 400 -tao_max_it 20 -loss_sampler $s
  done
}
