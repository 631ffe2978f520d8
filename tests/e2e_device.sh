#!/bin/bash
# Networks outside (-net_type process): the devices of tests/devices train the equation to the bits of a built-in network of the same function, on 1 to 3
# ranks; a device that is killed, keeps silent, or answers with what cannot be; its command is never taken from a file.
. "$(dirname "$0")/lib.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # mpirun would wait a second after every exit code that is not 0

cp "$root"/tests/devices/* .
ok "the C device compiles without a warning" cc -O2 -Wall -Wextra -Werror -ffp-contract=off dense.c -o dense -lm
ok "at most 100 lines of C, 40 of Python" test "$(wc -l <dense.c)" -le 100 -a "$(wc -l <dense.py)" -le 40
o="-pde_dim 4 -deriv_type fd -loss_points 20 -zo_lr 5e-3 -tz_validation_points 200 -tz_quiet"
layers="-net_format dense -net_layers 16,12 -net_evaluation reference"
device="-net_type process -net_command"
c="$work/dense 16,12"
on 1 solve $o $layers -tao_max_it 0 -tz_output first.h5 >first.txt 2>&1
on 1 solve $o $layers -tao_max_it 60 -tz_init first.h5 -tz_output whole.h5 >whole.txt 2>&1
whole=$(field theta whole.txt)

trains() { # trains NAME COMMAND
  local n
  for n in 1 2 3; do
    rm -f outside.h5
    on $n solve $o $device "$2" -tao_max_it 60 -tz_init first.h5 -tz_output outside.h5 >outside.txt 2>&1
    ok "$1, $n ranks: the same parameters as the built-in network" same "$whole" "$(field theta outside.txt)"
    ok "$1, $n ranks: the same history" same "$(h5dump -d /history/loss whole.h5 | md5sum)" "$(sed s/outside/whole/ <(h5dump -d /history/loss outside.h5) | md5sum)"
  done
}
trains "C" "$c"
port=$((20000 + RANDOM % 20000))
./dense 16,12 $port & server=$!
trains "TCP" "python3 $work/tcp.py 127.0.0.1 $port"
kill $server
if { python3 -m venv env && timeout 300 env/bin/pip install -q numpy; } >pip.txt 2>&1; then trains "Python" "$work/env/bin/python $work/dense.py 16,12"
else skip "the device in Python: needs python3 with venv, and PyPI: $(tail -n 1 pip.txt)"; fi

# --- going on, evaluating: the command is the user's, not the file's ---
rm -f half.h5
on 2 solve $o $device "$c" -tao_max_it 25 -tz_init first.h5 -tz_output half.h5 >half.txt 2>&1
on 1 solve -tz_resume half.h5 -tao_max_it 60 -tz_quiet >out.txt 2>err.txt
ok "no command comes from a checkpoint" test $? = 2 -a "$(grep -c '^tenzo: error: -net_command: must be given' err.txt)" = 1
h5dump -d /options half.h5 >options.txt
ok "... and none is in it" test "$(grep -c net_type options.txt)" = 1 -a "$(grep -c net_command options.txt)" = 0
on 1 solve -tz_resume half.h5 -net_command "$c" -tao_max_it 60 -tz_quiet >more.txt 2>&1
ok "25 + 35 steps" same "$whole" "$(field theta more.txt)"
on 2 eval -tz_model half.h5 -net_command "$c" -tz_points 100 -tz_output eval.h5 >eval.txt 2>&1
ok "eval" same "$whole" "$(field theta eval.txt)"

# --- kill -9 of the device in the middle: the run goes on to the same end; or, without restarts, ends in one line with its checkpoint whole ---
long="$o -tao_max_it 1500 -tz_checkpoint_every 50 -tz_validate_every 500 -tz_init first.h5"
on 1 solve $long $layers -tz_output long.h5 >long.txt 2>&1
await() { for _ in $(seq 500); do [ -s "$1" ] && return; sleep 0.01; done; }
RANDOM=${TZ_RANDOM:-1}
survived=0
kills=${TZ_KILLS:-20}
for i in $(seq "$kills"); do
  rm -f cut.h5*
  cp dense device$i # so that its name is its own
  if [ $((i % 2)) = 0 ]; then $mpiexec $quiet -n 2 "$tenzo" solve $long $device "$work/device$i 16,12" -tz_output cut.h5 >cut.txt 2>cut.err & else
    "$tenzo" solve $long $device "$work/device$i 16,12" -tz_device_restarts 0 -tz_output cut.h5 >cut.txt 2>cut.err & fi
  pid=$!
  await cut.h5
  sleep "0.$(printf %03d $((RANDOM % 200)))"
  kill -9 "$(pgrep -x "device$i" | head -n 1)" 2>/dev/null
  wait $pid; code=$?
  if [ $((i % 2)) = 1 ] && [ $code != 0 ]; then
    [ $code = 2 ] && [ "$(lines cut.err)" = 1 ] && grep -q '^tenzo: error: -net_command .* was killed by signal 9' cut.err || cat cut.err
    on 1 solve -tz_resume cut.h5 -net_command "$work/dense 16,12" -tz_quiet >cut.txt 2>&1
  fi
  if same "$(field theta long.txt)" "$(field theta cut.txt)" && { [ $((i % 2)) = 1 ] || grep -q 'was killed by signal 9.*started again, 1 of 3' cut.err; }; then
    survived=$((survived + 1))
  else tail -n 2 cut.txt cut.err; fi
done
ok "kill -9 of the device: $survived of $kills went on, or were resumed, to the same end" [ $survived = "$kills" ]

# --- models of hardware: the same bits on any number of ranks, and after a break; what eval sees is what training saw ---
h="-pde_dim 4 -net_layers 32,32 -net_tt_rank 2 -deriv_type fd -loss_points 20 -tz_validation_points 200 -zo_mu 1e-2 -tz_quiet"
for model in "-net_weight_bits 8" "-net_weight_bits 8 -net_rounding stochastic -net_noise_per step" "-net_noise_weight 1e-3 -net_noise_drift 1e-4" \
  "-net_noise_value 1e-5 -net_noise_type additive -net_noise_per once" "-net_activation_bits 16" "-net_weight_bits 8 -zo_integer" \
  "-net_noise_weight 1e-3 -zo_mu auto"; do
  rm -f half.h5
  on 1 solve $h $model -tao_max_it 40 -tz_output none >one.txt 2>&1
  on 3 solve $h $model -tao_max_it 25 -tz_output half.h5 >half.txt 2>&1
  on 2 solve -tz_resume half.h5 -tao_max_it 40 -tz_quiet >more.txt 2>&1
  ok "$model: 40 steps on 1 rank, 25 on 3 and 15 on 2" same "$(field theta one.txt)$(field mse one.txt)" "$(field theta more.txt)$(field mse more.txt)"
  on 2 eval -tz_model half.h5 -tz_points 200 -tz_output eval.h5 >eval.txt 2>&1
  ok "$model: eval" same "$(field mse one.txt)" "$(field mse eval.txt)"
done

on 2 solve $h -net_weight_bits 8 -zo_mu 1e-4 -tao_max_it 3 -tz_output none >out.txt 2>err.txt
ok "differences below the levels are warned of" test "$(grep -c '^tenzo: warning: -zo_mu 0.0001: is below the distance of the levels' err.txt)" = 1
for n in 1 2; do
  on $n solve $h -zo_integer -tao_max_it 3 -tz_output none >out.txt 2>err.txt
  ok "levels without bits, $n ranks" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c '^tenzo: error: -zo_integer: needs' err.txt)" = 1
done

# --- programs that are no devices: one line, on 1 and 2 ranks ---
cat >bad.py <<'END'
import struct, sys, time
kind, calls = sys.argv[1], 0
say = lambda op, data=b"", size=None: (sys.stdout.buffer.write(b"TZD1" + struct.pack("=IQ", op, len(data) if size is None else size) + data), sys.stdout.buffer.flush())
while len(head := sys.stdin.buffer.read(16)) == 16:
    op, size = struct.unpack("=IQ", head[4:])
    data = sys.stdin.buffer.read(size)
    n = size // 40
    if op == 1: say(1, struct.pack("=QQ", 0 if kind == "none" else 7, 0) + (b"1234" if kind == "first" else b""))
    elif op == 2: say(2)
    elif op != 3: break
    elif kind == "short": say(3, b"\0" * 8)
    elif kind == "nan": say(3, struct.pack("=d", float("nan")) * n)
    elif kind == "says": say(255, b"the laser\nis off")
    elif kind == "silent": time.sleep(100)
    elif kind == "dies": sys.exit(3)
    elif kind == "cut": say(3, b"\0" * 8, 8 * n), sys.exit(0)
    elif kind == "other": say(2)
END
wrong() { # wrong COMMAND TEXT [RANKS] : TEXT must occur in the message
  local n code
  for n in ${3:-1}; do
    on $n solve $o $device "$1" -tz_device_timeout ${timeout:-10} -tz_device_restarts 1 -tao_max_it 5 -tz_output none >out.txt 2>err.txt; code=$?
    if [ $code = 2 ] && [ "$(grep -c "^tenzo: error: -net_command .*$2" err.txt)" -ge 1 ] && [ "$(grep -vc '^tenzo: \(error\|warning\): -net_command' err.txt)" = 0 ]; then
      passed=$((passed + 1))
    else failed=$((failed + 1)); echo "  FAILED on $n ranks: $1 (exit code $code)"; head -n 5 err.txt; fi
  done
}
wrong "false" "ended with exit code 1" "1 2"
wrong "$work/nowhere 2>/dev/null" "ended with exit code 127"
wrong "echo hello there folks; sleep 1" 'answers with the bytes 68 65 6c 6c'
timeout=0.5 wrong "sleep 100" "gives no answer for 0.5 seconds" "1 2"
timeout=0.5 wrong "exec <&-; sleep 100" "gives no answer for 0.5 seconds"
wrong "python3 $work/bad.py none" "has 0 parameters"
wrong "python3 $work/bad.py first" "proposes 4 bytes of first values for 7 parameters"
wrong "python3 $work/bad.py short" "with 8 bytes in place of"
wrong "python3 $work/bad.py nan" "answers with -*nan for row 1" "1 2"
wrong "python3 $work/bad.py says" "says: the laser is off"
timeout=2 wrong "python3 $work/bad.py silent" "gives no answer for 2 seconds"
wrong "python3 $work/bad.py dies" "ended with exit code 3"
wrong "python3 $work/bad.py cut" "ended with exit code 0 after 8 of"
wrong "python3 $work/bad.py other" "answers 2 to the request 3"
for n in 1 2; do
  on $n solve $o -net_type process -tz_output none >out.txt 2>err.txt
  ok "no command, $n ranks" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c '^tenzo: error: -net_command: must be given' err.txt)" = 1
done
finish
