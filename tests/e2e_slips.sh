#!/bin/bash
# Nothing is lost by a slip: names of files that mean another one, two runs with one output, full disks, limits, interrupted calls. And what ends a run early.
. "$(dirname "$0")/lib.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0
short="$quick -tao_max_it 20"
clean() { rm -rf here; mkdir here; }
clean

# line CODE TEXT ARGS...: exit code, one line on stderr with TEXT
line() {
  local want=$1 text=$2 code; shift 2
  on 1 "$@" >out.txt 2>err.txt; code=$?
  ok "$* (exit code $code): $(head -n 1 err.txt)" test $code = "$want" -a "$(lines err.txt)" = 1 -a "$(grep -c -- "$text" err.txt)" = 1
}

# --- what is there already is kept, unless the user says otherwise ---
on 1 solve $short -tz_output here/a.h5 >first.txt 2>&1
sum=$(md5sum <here/a.h5)
on 1 solve $short -tz_seed 1 -tz_output here/a.h5 >second.txt 2>&1
ok "another run on its name: kept as a.h5~, and said" test "$(md5sum <here/a.h5~)" = "$sum" -a "$(grep -c 'a.h5 was there already: kept as ' second.txt)" = 1
on 2 solve $short -tz_seed 2 -tz_output here/a.h5 >third.txt 2>&1
ok "a third: the first is still there" test "$(md5sum <here/a.h5~)" = "$sum" -a -s here/a.h5~2
on 1 solve $short -tz_output here/a.h5 -tz_overwrite >fourth.txt 2>&1
ok "-tz_overwrite" test "$(ls here | wc -l)" = 3 -a "$(field theta fourth.txt)" = "$(field theta first.txt)"
on 1 solve -tz_resume here/a.h5 -tao_max_it 25 -tz_quiet >fifth.txt 2>&1
ok "a resumed run replaces its own file" test "$(ls here | wc -l)" = 3 -a "$(field steps fifth.txt)" = 25
line 2 'this is the file of -tz_model' eval -tz_model here/a.h5 -tz_output here/a.h5
line 2 'this is the file of -tz_model' eval -tz_model here/a.h5 -tz_output here/../here/a.h5
line 2 'is a checkpoint' eval -tz_model here/a.h5 -tz_output here/a.h5~
line 2 'is a checkpoint' grid -rule_dim 3 -tz_output here/a.h5
printf '.1 .2 .3 .4 .5\n' >here/p.txt
line 2 'this is the file of -tz_points' eval -tz_model here/a.h5 -tz_points here/p.txt -tz_output here/p.txt
line 2 '-tz_resume' solve $short -tz_resume ""
line 2 '-tz_init.*-tz_resume' solve -tz_resume here/a.h5 -tz_init here/a.h5~

# --- outputs that are no files; links ---
clean
mkfifo here/fifo
for o in here/fifo /dev/null here; do line 2 "-tz_output $o: not a regular file" solve $short -tz_checkpoint_every 0 -tz_output $o; done
ok "the FIFO is still one" test -p here/fifo
line 2 '-tz_output' solve $short -tz_checkpoint_every 0 -tz_output /nowhere/x.h5
line 2 '-tz_output' solve $short -tz_checkpoint_every 0 -tz_output "here/$(printf 'x%.0s' $(seq 252))"
mkdir here/b.h5.part
line 2 'b.h5.part' solve $short -tz_checkpoint_every 0 -tz_output here/b.h5
echo precious >here/victim; ln -s victim here/c.h5.part
on 1 solve $short -tz_output here/c.h5 >c.txt 2>&1
ok "a link at FILE.part is not followed" test "$(cat here/victim)" = precious -a -s here/c.h5 -a ! -e here/c.h5.part
mkdir here/far; ln -s far/d.h5 here/d.h5; echo old >here/far/d.h5
on 1 solve $short -tz_output here/d.h5 >d.txt 2>&1
ok "an output that is a link stays one: the file is written where it points to" test -L here/d.h5 -a -s here/far/d.h5 -a "$(cat here/far/d.h5~)" = old

# --- two runs with one output: the second is refused at its start; a dead one holds nothing ---
clean
"$tenzo" solve $quick -tao_max_it 100000 -tz_checkpoint_every 20 -tz_output here/a.h5 >a.txt 2>&1 &
pid=$!
for _ in $(seq 300); do [ -s here/a.h5 ] && break; sleep 0.02; done
line 2 "here/a.h5: another run writes it: process $pid" solve $short -tz_output here/a.h5
line 2 "here/a.h5: another run writes it" solve -tz_resume here/a.h5
kill -0 $pid; ok "the first goes on" [ $? = 0 ]
kill -9 $pid; wait $pid 2>/dev/null
on 1 solve -tz_resume here/a.h5 -tao_max_it 1000000 -tz_time_limit 1 -tz_quiet >more.txt 2>&1
ok "after kill -9 its lock is free" test $? = 75 -a "$(field reason more.txt)" = time_limit
ok "no lock and no part stay behind" test "$(ls here)" = a.h5
flock -x here/a.h5 sleep 20 &
locker=$!
sleep 0.2
line 2 'holds its lock (HDF5_USE_FILE_LOCKING=FALSE reads it all the same)' eval -tz_model here/a.h5 -tz_points 5 -tz_output here/e.h5
HDF5_USE_FILE_LOCKING=FALSE on 1 eval -tz_model here/a.h5 -tz_points 5 -tz_output here/e.h5 >e.txt 2>&1
ok "HDF5_USE_FILE_LOCKING=FALSE" grep -q '^RESULT' e.txt
kill $locker; wait $locker 2>/dev/null

# --- full disks, limits of a file's size, folders that cannot be forced to disk, interrupted calls ---
clean
on 1 solve $quick -tao_max_it 2000 -tz_output whole.h5 >whole.txt 2>&1
busy="${quick/-tz_quiet/} -tao_max_it 2000 -tz_progress_every 0 -tz_checkpoint_every 20"
trouble() { # trouble BREAK MEND COMMAND... : a run that is broken once it is on its way, and mended after its first warning; its exit code
  local break=$1 mend=$2 pid; shift 2
  "$@" >out.txt 2>err.txt &
  pid=$!
  for _ in $(seq 500); do grep -q '^step [2-9][0-9]/' out.txt && break; sleep 0.005; done
  eval "$break"; for _ in $(seq 500); do [ -s err.txt ] && break; sleep 0.01; done; eval "$mend"
  wait $pid
}
recovers() { # recovers WHAT CODE TEXT : after trouble; what a while of it leaves in here/a.h5
  ok "$1 for a while: a warning, and the run ends well: $(head -n 1 err.txt)" test "$2" = 0 -a "$(grep -c "^tenzo: warning: step .*$3" err.txt)" -ge 1
  ok "$1: the same parameters" same "$(field theta whole.txt)" "$(field theta out.txt)"
  ok "$1: the file has it all" same "$(digest whole.h5)" "$(digest here/a.h5)"
}
mkdir here/sub
trouble 'mv here/sub gone; rm -r gone' 'mkdir here/sub' "$tenzo" solve $busy -tz_output here/sub/a.h5; code=$?
mv here/sub/a.h5 here/a.h5
recovers "a folder that is deleted" $code 'No such file or directory'
trouble 'mv here/sub gone; rm -r gone' true "$tenzo" solve $busy -tz_output here/sub/a.h5; code=$?
ok "a folder that is deleted for good: exit code 2, its line at the end" test $code = 2 -a "$(tail -n 1 err.txt)" = 'tenzo: error: -tz_output here/sub/a.h5: cannot be written (No such file or directory)'
mkdir disk
if [ "$(id -u)" = 0 ] && unshare --mount mount -t tmpfs none disk 2>/dev/null; then
  export -f trouble
  unshare --mount bash -c 'mount -t tmpfs -o size=1m none disk; trouble "cat /dev/zero >disk/other 2>/dev/null" "rm disk/other" "$@" -tz_output disk/a.h5; code=$?; ls disk >ls.txt
    cp disk/a.h5 here/a.h5; exit $code' trouble "$tenzo" solve $busy; code=$?
  recovers "a full disk (tmpfs)" $code 'No space left on device'
  ok "a full disk (tmpfs): nothing else stays behind" test "$(cat ls.txt)" = a.h5
else
  skip "a full disk: not root, or nothing may be mounted here"
fi
clean
if [ -z "${SAN:-}" ] && cc -shared -fPIC "$root/tests/shim_io.c" -o shim.so -ldl 2>shim.txt; then
  shim() { local set=$1; shift; env LD_PRELOAD="$work/shim.so" "$set" timeout 60 "$tenzo" "$@"; }
  touch full
  shim SHIM_FULL="$work/full" solve $short -tz_output here/a.h5 >out.txt 2>err.txt
  ok "a disk full at the start: exit code 2, one line, nothing left" test $? = 2 -a "$(grep -c '^tenzo: error: -tz_output here/a.h5: cannot be written (No space left on device)$' err.txt)" = 1 -a \
    "$(lines err.txt)" = 1 -a -z "$(ls here)"
  rm full
  trouble 'touch full' 'rm full' shim SHIM_FULL="$work/full" solve $busy -tz_output here/a.h5; code=$?
  recovers "a full disk" $code 'No space left on device'
  on 1 eval -tz_model here/a.h5 -tz_points 5 -tz_output here/e.h5 >e.txt 2>&1
  ok "... which are in the file" same "$(field theta whole.txt)" "$(field theta e.txt)"
  clean
  shim SHIM_FOLDER=1 solve $short -tz_output here/a.h5 >out.txt 2>err.txt; code=$?
  ok "a folder that cannot be forced to disk is told: $(head -n 1 err.txt)" test $code = 2 -a "$(grep -c 'folder cannot be forced to disk (Input/output error)' err.txt)" = 1
  clean
  shim SHIM_INTERRUPT=1 solve $quick -tao_max_it 2000 -tz_output here/a.h5 >out.txt 2>err.txt
  ok "interrupted calls go on" test $? = 0 -a "$(field theta whole.txt)" = "$(field theta out.txt)"
  ok "... and write the same" same "$(digest whole.h5)" "$(digest here/a.h5)"
else
  skip "no shared library for a disk that misbehaves: $(head -n 1 shim.txt 2>/dev/null)"
fi
clean
(ulimit -f 8192; exec "$tenzo" solve -pde_dim 4 -net_format dense -net_layers 900,900 -loss_points 5 -deriv_type forward -tz_validation_points 10 -tz_quiet -tao_max_it 1 -tz_output here/a.h5) >out.txt 2>err.txt
ok "a limit of the file's size: exit code 2, one line" test $? = 2 -a "$(grep -c 'File too large' err.txt)" = 1 -a "$(lines err.txt)" = 1 -a -z "$(ls here)"

# --- what ends a run ---
clean
long="$quick -tao_max_it 1000000 -tz_output here/a.h5 -tz_overwrite"
ok "reason=max_it" same max_it "$(field reason first.txt)"
on 2 solve $long -tz_time_limit 2 >t.txt 2>&1
ok "-tz_time_limit: exit code 75, reason=time_limit" test $? = 75 -a "$(field reason t.txt)" = time_limit
SLURM_JOB_END_TIME=$(($(date +%s) + 33)) on 1 solve $long >t.txt 2>&1
ok "the end of a SLURM job is a limit" test $? = 75 -a "$(field reason t.txt)" = time_limit
on 1 solve $long -tz_target_loss 1 -zo_lr_schedule cosine >t.txt 2>&1
ok "-tz_target_loss: loss=$(field loss t.txt)" awk -v l="$(field loss t.txt)" -v r="$(field reason t.txt)" 'BEGIN {exit !(l > 0 && l <= 1 && r == "target_loss")}'
on 2 solve $long -tz_target_error 0.5 -tz_validate_every 10 >t.txt 2>&1
ok "-tz_target_error: mse=$(field mse t.txt)" awk -v l="$(field mse t.txt)" -v r="$(field reason t.txt)" 'BEGIN {exit !(l > 0 && l <= 0.5 && r == "target_error")}'
ok "/reason in the file" grep -q '"target_error"' <(h5dump -d /reason here/a.h5)
on 1 solve $quick -tao_max_it 25 -tz_validate_every 0 -tz_output here/b.h5 >t.txt 2>&1
ok "the last validation is in the file" grep -qE '\(0\): 25$' <(h5dump -d /validation/step here/b.h5)
on 1 solve $quick -tao_max_it 3 -tz_init here/b.h5 -tz_seed 5 -tao_type zocge -tz_output here/c.h5 >t.txt 2>&1
ok "-tz_init starts from the parameters of another run" same "$(h5dump -d /validation/mse here/b.h5 | sed -n 's/.*(0): \([0-9.]*\).*/\1/p' | cut -c1-4)" \
  "$(on 1 eval -tz_model here/b.h5 -tz_points 200 -tz_output e.h5 | tr ' ' '\n' | sed -n 's/^mse=//p' | cut -c1-4)"
line 2 'other hidden layers' solve $quick -net_layers 32 -tz_init here/b.h5 -tz_output none

# a signal during set-up (a validation of seconds): heard, a checkpoint of step 0
"$tenzo" solve $quick -tz_validation_points 4000000 -tao_max_it 1000 -tz_output here/s.h5 >s.txt 2>&1 &
pid=$!
hears $pid; kill -USR1 $pid; wait $pid
ok "a signal before the first step: exit code 75" test $? = 75 -a "$(grep -c 'stopped by a signal after step' s.txt)" = 1
"$tenzo" solve $quick -tao_max_it 1000000 -tz_output none >n.txt 2>&1 &
pid=$!
hears $pid; kill -USR1 $pid; wait $pid
ok "with -tz_output none it says that nothing is kept" grep -q 'with -tz_output none nothing is kept' n.txt
finish
