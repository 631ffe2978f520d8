#!/bin/bash
# k + k steps are 2k steps, bit by bit: after a regular end, a signal, a kill -9 at any moment; on any number of ranks.
. "$(dirname "$0")/lib.sh"

# --- a regular end, other numbers of ranks, a solver with two phases and momentum ---
for kind in "zosign -zo_momentum 0.5" "zosign -pde_conditions soft -loss_weights auto -loss_adaptive 3" "zohybrid -zo_patience 15 -zo_lr_schedule exponential -zo_lr_every 10" "zocge -zo_phase2_lr 1e-3"; do
  case $kind in zocge*) kind="zocge -zo_momentum 0.9 -zo_lr 1e-3" ;; esac
  on 1 solve $quick -tao_type $kind -tao_max_it 60 -tz_output whole.h5 -tz_validate_every 20 >whole.txt 2>&1
  for n in 1 2 3; do
    rm -f half.h5
    on 1 solve $quick -tao_type $kind -tao_max_it 37 -tz_output half.h5 -tz_validate_every 20 >half.txt 2>&1
    on "$n" solve -tz_resume half.h5 -tao_max_it 60 -tz_quiet >more.txt 2>&1
    ok "$kind: 37 + 23 steps, theta, $n ranks" same "$(field theta whole.txt)" "$(field theta more.txt)"
    ok "$kind: 37 + 23 steps, history, $n ranks" same "$(digest whole.h5)" "$(digest half.h5)"
    ok "$kind: queries are counted over both runs" same "$(field queries whole.txt)" "$(field queries more.txt)"
  done
done

# --- every option that training depends on is kept: those of the queries, whose names hold words that files' names have, too ---
for kind in "zogn -zo_direction coordinate" "zosign -zo_direction rademacher" "zohybrid -zo_patience 1 -zo_patience_tol 0.9 -zo_phase2 zogn -zo_phase2_direction coordinate -zo_direction hadamard"; do
  small="-pde_dim 4 -net_format dense -net_layers 6 -deriv_type forward -loss_points 40 -net_output_scale 0.3"
  rm -f half.h5
  on 1 solve $quick $small -tao_type $kind -tao_max_it 6 -tz_output whole.h5 >whole.txt 2>&1
  on 1 solve $quick $small -tao_type $kind -tao_max_it 3 -tz_output half.h5 >half.txt 2>&1
  on 2 solve -tz_resume half.h5 -tao_max_it 6 -tz_quiet >more.txt 2>&1
  ok "$kind: 3 + 3 steps, theta" same "$(field theta whole.txt)" "$(field theta more.txt)"
done
ok "-net_output_scale is kept" [ "$(h5dump -d /options half.h5 | grep -c -- '-net_output_scale 0.3')" = 1 ]

# --- segments: what does not define the problem may change on the way; it is told, kept, and itself resumed bit by bit ---
rm -f half.h5 part.h5
on 1 solve $quick -tao_max_it 20 -tz_output half.h5 -tz_validate_every 20 >half.txt 2>&1
on 2 solve -tz_resume half.h5 -tao_max_it 40 -zo_lr 1e-3 -zo_queries 8 -loss_points 30 -tz_quiet >more.txt 2>&1
ok "segment: the change is told" grep -q '^from step 20 on: -zo_lr 1e-3 (5e-3 before)' more.txt
ok "segment: the state goes on" [ "$(grep -c 'starts anew' more.txt)" = 0 ]
ok "segment: queries" same $((20 * 6 + 20 * 9)) "$(field queries more.txt)"
ok "segment: in the file" [ "$(h5dump -d /segments -y -w 0 half.h5 | grep -c '20 -zo_lr 5e-3 1e-3')" = 1 ]
cp half.h5 part.h5
on 1 solve -tz_resume half.h5 -tao_max_it 60 -tao_type tzadam -zo_lr 1e-2 -tz_quiet >more.txt 2>&1
ok "segment: another solver starts anew" grep -q '^another solver: its state' more.txt
ok "segment: two changes of -zo_lr in the file" [ "$(h5dump -d /segments -y -w 0 half.h5 | grep -o '[0-9]* -zo_lr ' | tr '\n' ' ')" = "20 -zo_lr  40 -zo_lr  " ]
on 3 solve -tz_resume part.h5 -tao_max_it 50 -tao_type tzadam -zo_lr 1e-2 -tz_quiet >more2.txt 2>&1
on 1 solve -tz_resume part.h5 -tao_max_it 60 -tz_quiet >more2.txt 2>&1
ok "segment: cut, theta" same "$(field theta more.txt)" "$(field theta more2.txt)"
ok "segment: cut, history" same "$(digest half.h5)" "$(digest part.h5)"

# --- -tz_keep: the parameters of the best validation beside the last ---
for keep in best both; do
  rm -f keep.h5
  on 1 solve $quick -zo_lr 0.2 -tao_max_it 60 -tz_validate_every 10 -tz_keep $keep -tz_output keep.h5 >keep.txt 2>&1
  best=$(h5dump -d /validation/mse -y -m %.17g keep.h5 | sed -n 's/^ *\([0-9].*\)/\1/p' | tr -d ' ' | tr ',' '\n' | grep . | sort -g | head -n 1)
  on 2 eval -tz_model keep.h5 -tz_points 200 -tz_best -tz_output e.h5 >e.txt 2>&1
  ok "-tz_keep $keep: eval -tz_best has the best error" awk -v a="$best" -v b="$(field mse e.txt)" 'BEGIN {d = a / b - 1; exit !(d * d < 1e-14)}'
  on 1 eval -tz_model keep.h5 -tz_points 200 -tz_output e.h5 >e2.txt 2>&1
  [ $keep = best ] && want=$(field theta e.txt) || want=$(field theta keep.txt)
  ok "-tz_keep $keep: eval's own choice" same "$want" "$(field theta e2.txt)"
  rm -f half.h5
  on 1 solve $quick -zo_lr 0.2 -tao_max_it 37 -tz_validate_every 10 -tz_keep $keep -tz_output half.h5 >half.txt 2>&1
  on 2 solve -tz_resume half.h5 -tao_max_it 60 -tz_quiet >half.txt 2>&1
  on 1 eval -tz_model half.h5 -tz_points 200 -tz_best -tz_output e.h5 >e2.txt 2>&1
  ok "-tz_keep $keep: 37 + 23 steps keep the same" same "$(field theta e.txt)" "$(field theta e2.txt)"
done

# --- from the checkpoint of step 0 ---
rm -f half.h5
on 1 solve $quick -tao_max_it 0 -tz_output half.h5 -tz_validate_every 20 >half.txt 2>&1
on 1 solve -tz_resume half.h5 -tao_max_it 40 -tz_quiet >more.txt 2>&1
on 1 solve $quick -tao_max_it 40 -tz_output whole.h5 -tz_validate_every 20 >whole.txt 2>&1
ok "0 + 40 steps, theta" same "$(field theta whole.txt)" "$(field theta more.txt)"
ok "0 + 40 steps, history" same "$(digest whole.h5)" "$(digest half.h5)"

# --- signals: checkpoint, exit code 75, and on ---
long="$quick -tao_type zosign -zo_momentum 0.9 -tao_max_it 3000 -tz_checkpoint_every 50 -tz_validate_every 500"
on 1 solve $long -tz_output whole.h5 >whole.txt 2>&1
whole=$(field theta whole.txt)
ranks_of() { # of an mpirun: its children, or those of its proxy
  local child
  pgrep -P "$1" -x tenzo
  for child in $(pgrep -P "$1"); do ranks_of "$child"; done
}
await() { for _ in $(seq 500); do [ -s "$1" ] && return; sleep 0.01; done; }

for signal in USR1 TERM; do
  rm -f cut.h5
  "$tenzo" solve $long -tz_checkpoint_every 0 -tz_progress_every 0 -tz_quiet 0 -tz_output cut.h5 >cut.txt 2>&1 &
  pid=$!
  await cut.txt; kill -$signal $pid; wait $pid; code=$?
  ok "SIG$signal: exit code 75" [ $code = 75 ]
  on 2 solve -tz_resume cut.h5 -tz_quiet >more.txt 2>&1
  ok "SIG$signal: resumed on 2 ranks" same "$whole" "$(field theta more.txt)"
  ok "SIG$signal: history" same "$(digest whole.h5)" "$(digest cut.h5)"
done
rm -f cut.h5
$mpiexec $quiet -n 2 "$tenzo" solve $long -tz_checkpoint_every 0 -tz_progress_every 0 -tz_quiet 0 -tz_output cut.h5 >cut.txt 2>&1 &
pid=$!
await cut.txt; kill -USR1 "$(ranks_of $pid | tail -n 1)"; wait $pid; code=$?
ok "SIGUSR1 to one of two ranks stops both: exit code 75" [ $code = 75 ]
on 1 solve -tz_resume cut.h5 -tz_quiet >more.txt 2>&1
ok "SIGUSR1 to one of two ranks: resumed" same "$whole" "$(field theta more.txt)"

# --- signals in long work: heard within a second, the line that is true, and what was done is kept ---
long_work() { # long_work NAME RANKS FILE-LEFT LINE ARGS... : a signal to all ranks of a job of minutes, after two seconds
  local name=$1 ranks=$2 left=$3 line=$4 n code t; shift 4
  for n in $ranks; do
    rm -f busy.h5*
    timeout 60 $mpiexec $quiet -n $n "$tenzo" "$@" -tz_output busy.h5 >busy.txt 2>&1 &
    pid=$!
    sleep 2
    t=$(date +%s%N); kill -USR1 $(ranks_of $pid); wait $pid; code=$?
    t=$((($(date +%s%N) - t) / 1000000))
    ok "signal in $name, $n ranks: exit code 75 ($code)" [ $code = 75 ]
    ok "signal in $name, $n ranks: ends after $t ms" [ $t -lt ${TZ_SIGNAL_MS:-20000} ]
    ok "signal in $name, $n ranks: its line" grep -q "$line" busy.txt
    if [ "$left" = yes ]; then ok "... and the file" [ -s busy.h5 ]; else ok "... and no file" [ ! -e busy.h5 ]; fi
  done
}
long_work validation '1 2' yes 'stopped by a signal after step 0; go on with' solve -pde_type lqg -pde_dim 250
ok "long work says how far it is" on 1 solve -pde_dim 20 -tao_max_it 1 -tz_progress_every 0.2 -tz_output none >busy.txt 2>&1
ok "... in per cent" grep -q '^validation: [0-9]* % after 0 s' busy.txt
long_work "a step" 2 yes 'stopped by a signal after step [0-9]*; go on with' solve -pde_type lqg -pde_dim 250 -tz_validate_every 0
long_work GraSP 1 no 'stopped by a signal during set-up; nothing was written' solve -pde_dim 120 -net_format sparse -net_sparse_count 3000 -net_sparse_method zograsp
on 1 solve -pde_dim 20 -tao_max_it 0 -tz_validate_every 0 -tz_validation_points 10 -tz_output model.h5 >/dev/null 2>&1
long_work eval 2 no 'stopped by a signal during the evaluation; nothing was written' eval -tz_model model.h5 -tz_points 400000
long_work simulate '1 2' no 'stopped by a signal during the simulation; nothing was written' simulate -pde_type agents -pde_dim 8 -sim_policy lqr -sim_paths 4000000 -sim_save 0

# --- a step that was given up is done again: the same end ---
long="-pde_dim 20 -tao_max_it 3 -loss_points 1000 -tz_validate_every 0 -tz_validation_points 10 -tz_quiet"
on 1 solve $long -tz_output whole.h5 >whole.txt 2>&1
whole=$(field theta whole.txt)
rm -f cut.h5
"$tenzo" solve $long -tz_output cut.h5 >cut.txt 2>&1 &
pid=$!
await cut.h5; sleep 0.3; kill -TERM $pid; wait $pid; code=$?
ok "signal within a step: exit code 75" [ $code = 75 ]
on 1 solve -tz_resume cut.h5 -tz_quiet >more.txt 2>&1
ok "signal within a step: resumed" same "$whole" "$(field theta more.txt)"
ok "signal within a step: history" same "$(digest whole.h5)" "$(digest cut.h5)"
long="$quick -tao_type zosign -zo_momentum 0.9 -tao_max_it 3000 -tz_checkpoint_every 50 -tz_validate_every 500"
on 1 solve $long -tz_output whole.h5 >whole.txt 2>&1
whole=$(field theta whole.txt)

# --- kill -9 at random moments: a readable checkpoint each time, and the same end ---
RANDOM=${TZ_RANDOM:-1}
survived=0
kills=${TZ_KILLS:-20}
for i in $(seq "$kills"); do
  rm -f cut.h5*
  if [ $((i % 2)) = 0 ]; then
    "$tenzo" solve $long -tz_output cut.h5 >cut.txt 2>&1 &
    pid=$! victim=$!
    await cut.h5
  else
    $mpiexec $quiet -n 2 "$tenzo" solve $long -tz_output cut.h5 >cut.txt 2>&1 &
    pid=$!
    await cut.h5
    victim=$(ranks_of $pid | head -n 1)
  fi
  sleep "0.$(printf %03d $((RANDOM % 400)))"
  kill -9 $victim 2>/dev/null
  wait $pid 2>/dev/null
  on 1 solve -tz_resume cut.h5 -tz_quiet >more.txt 2>&1
  if same "$whole" "$(field theta more.txt)" && same "$(digest whole.h5)" "$(digest cut.h5)"; then survived=$((survived + 1)); else tail -n 2 more.txt; fi
done
ok "kill -9: $survived of $kills resumed to the same end" [ $survived = "$kills" ]

# --- signals at random moments of set-up, training, validation and checkpoints: the true line, and the same end ---
survived=0
signals=${TZ_SIGNALS:-8}
phases=("-tao_max_it 500 -tz_validation_points 50000" "-tao_max_it 2000 -tz_validate_every 0 -tz_checkpoint_every 0"
  "-tao_max_it 500 -tz_validation_points 20000 -tz_validate_every 5" "-tao_max_it 300 -tz_checkpoint_every 1")
declare -A moments
for i in $(seq "$signals"); do
  phase=$((i % 4)) signal=USR1
  if [ $phase != 0 ] && [ $((i % 3)) = 0 ]; then signal=TERM; fi
  run="$quick -tao_type zosign -zo_momentum 0.9 ${phases[phase]}"
  rm -f cut.h5*
  [ -s whole$phase.h5 ] || on 1 solve $run -tz_output whole$phase.h5 >whole$phase.txt 2>&1
  "$tenzo" solve $run -tz_output cut.h5 >cut.txt 2>&1 &
  pid=$!
  hears $pid
  if [ $phase != 0 ]; then await cut.h5; fi
  sleep "0.$(printf %03d $((RANDOM % 150)))"
  kill -$signal $pid; wait $pid; code=$?
  moment="exit code $code, $(sed -nE 's/^stopped by a signal (during set-up; nothing was written|after step [0-9]+; go on with).*/\1/p' cut.txt)"
  case $moment in
  "exit code 75, during"*) [ ! -e cut.h5 ] ;;
  "exit code 75, after"*)
    on 1 solve -tz_resume cut.h5 -tz_quiet >more.txt 2>&1
    same "$(field theta whole$phase.txt)" "$(field theta more.txt)" && same "$(digest whole$phase.h5)" "$(digest cut.h5)"
    ;;
  *) [ $code = 0 ] || [ $code = 143 ] && same "$(field theta whole$phase.txt)" "$(field theta cut.txt)" && same "$(digest whole$phase.h5)" "$(digest cut.h5)" ;; # it was over
  esac
  if [ $? = 0 ]; then survived=$((survived + 1)); else echo "  SIG$signal, ${phases[phase]}: $moment"; fi
  moments[$phase$moment]=1
done
ok "signals: $survived of $signals end with their line and, resumed, as without" [ $survived = "$signals" ]
[ -z "${TZ_SIGNALS:-}${TZ_KILLS:-}" ] || echo "  kill -9: $kills; signals: $survived of $signals as without, at ${#moments[@]} moments"

# --- a loss that is not finite: reason, exit code 3, the file keeps a good state ---
on 1 solve $quick -zo_lr 1e150 -tao_max_it 50 -tz_output nan.h5 >nan.txt 2>nan.err
ok "NaN: exit code 3" [ $? = 3 ]
ok "NaN: one line with the reason" test "$(lines nan.err)" = 1 -a "$(grep -c '^tenzo: error: .*not finite' nan.err)" = 1
on 1 eval -tz_model nan.h5 -tz_points 100 -tz_output nan-eval.h5 >nan.txt 2>&1
ok "NaN: the file's parameters are good" grep -q '^RESULT mse=[0-9]' nan.txt
finish
