#!/bin/bash
# The numbers do not depend on how many ranks compute them, nor on how the work is dealt out.
. "$(dirname "$0")/lib.sh"

stein="-pde_dim 3 -net_layers 16,16 -net_tt_rank 2 -loss_points 20 -tz_validation_points 200 -zo_queries 4 -tz_quiet"
run() { # run NAME RANKS ARGS...
  local name=$1 n=$2; shift 2
  rm -f "$name.h5"
  on "$n" solve "$@" -tao_max_it 20 -tz_validate_every 10 -tz_output "$name.h5" >"$name.txt" 2>&1
}

for kind in "zosign -deriv_type stein" "zohybrid -deriv_type forward -zo_patience 5" "zosgd -deriv_type stein -rule_type mc -rule_samples 16 -zo_direction rademacher -zo_two_sided"; do
  run one 1 $stein -tao_type $kind
  ok "$kind: 1 rank ends with RESULT" grep -q '^RESULT mse=.* theta=[0-9a-f]\{16\}$' one.txt
  for n in 2 3 4 7; do
    run many "$n" $stein -tao_type $kind
    ok "$kind: theta on $n ranks" same "$(field theta one.txt)" "$(field theta many.txt)"
    ok "$kind: history on $n ranks" same "$(digest one.h5)" "$(digest many.h5)"
  done
done

stein="$stein -pde_dim 14" # 421 nodes: enough for several blocks
run one 1 $stein -tao_type zosign -deriv_type stein
for grid in 4,1 2,2 1,4; do
  run many 4 $stein -tao_type zosign -deriv_type stein -tz_partition "$grid"
  ok "theta on the grid $grid" same "$(field theta one.txt)" "$(field theta many.txt)"
  ok "history on the grid $grid" same "$(digest one.h5)" "$(digest many.h5)"
done
finish
