#!/bin/bash
# -net_tt_rank auto: slices are cut off in training, or added; resuming before, at and after that, and any number of ranks, give the same bits; the file has what is left.
. "$(dirname "$0")/lib.sh"

auto="$quick -net_tt_rank auto -net_tt_rank_max 6 -net_tt_prior 0.3 -net_tt_prune_every 20 -tz_validate_every 20 -tz_checkpoint_every 20"
parameters() { h5dump -H -d /theta "$1" | sed -n 's/.*SIMPLE { ( \([0-9]*\) ).*/\1/p'; }
train() { # train RANKS NAME OPTIONS...
  local n=$1 name=$2; shift 2
  on "$n" solve $auto "$@" -tz_output "$name.h5" -tz_overwrite >"$name.txt" 2>&1
}
for s in "tzadam -zo_lr 3e-3" "zosign" "zoadam -zo_lr 3e-3" "zohybrid -zo_patience 50"; do
  train 1 whole -tao_type $s -tao_max_it 200
  ok "$s: 200 steps" grep -q '^RESULT .* steps=200 .*reason=max_it' whole.txt
  first=$(on 1 solve $auto -tao_type $s -tao_max_it 0 -tz_output zero.h5 -tz_overwrite >/dev/null 2>&1; parameters zero.h5)
  ok "$s: $first parameters become fewer" [ "$(parameters whole.h5)" -lt "$first" ]
  echo "  $s: $first parameters, then $(parameters whole.h5)"
  train 3 three -tao_type $s -tao_max_it 200
  ok "$s: 3 ranks" same "$(digest whole.h5)" "$(digest three.h5)"
  for k in 60 70 110; do
    train 2 half -tao_type $s -tao_max_it $k
    on 1 solve -tz_resume half.h5 -tao_max_it 200 -tz_quiet >more.txt 2>&1
    ok "$s: $k steps on 2 ranks, the rest on 1" same "$(digest whole.h5)" "$(digest half.h5)"
  done
done

# bonds that grow where the loss stalls; without growth the ranks of the start stay
grow="-net_tt_rank_max 5 -net_tt_prior 0 -net_tt_prune_below 1e-6 -net_tt_grow_every 15 -net_tt_grow_tol 0.9 -tao_type tzadam -zo_lr 3e-3"
start=$(on 1 solve $auto $grow -tao_max_it 0 -tz_output zero.h5 -tz_overwrite >/dev/null 2>&1; parameters zero.h5)
train 1 grown $grow -tao_max_it 100
ok "a loss that stalls: $start parameters become more" [ "$(parameters grown.h5)" -gt "$start" ]
echo "  growth: $start parameters, then $(parameters grown.h5)"
train 3 three $grow -tao_max_it 100
ok "growth: 3 ranks" same "$(digest grown.h5)" "$(digest three.h5)"
for k in 29 30 50; do
  train 2 half $grow -tao_max_it $k
  on 1 solve -tz_resume half.h5 -tao_max_it 100 -tz_quiet >more.txt 2>&1
  ok "growth: $k steps on 2 ranks, the rest on 1" same "$(digest grown.h5)" "$(digest half.h5)"
done
train 1 fixed $grow -net_tt_grow_tol -0.99 -tao_max_it 60
ok "a loss that does not: as many as before" [ "$(parameters fixed.h5)" = "$start" ]
on 2 eval -tz_model whole.h5 -tz_points 200 -tz_output e.h5 >eval.txt 2>&1
ok "eval of the smaller network" same "$(field theta whole.txt)" "$(field theta eval.txt)"
ok "the figures of its last line" awk -v a="$(field mse whole.txt)" -v b="$(field mse eval.txt)" 'BEGIN {d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= 1e-7 * a)}'
on 1 export -tz_model whole.h5 -tz_output w.c >export.txt 2>&1
ok "its export" [ $? = 0 ]
on 1 round -tz_model whole.h5 -tz_output r.h5 >round.txt 2>&1
ok "its rounding" [ $? = 0 ]
on 1 eval -tz_model r.h5 -tz_points 200 -tz_output e2.h5 >eval2.txt 2>&1
ok "which is evaluated" [ $? = 0 ]
finish
