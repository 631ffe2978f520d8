#!/bin/bash
# tenzo export: what it writes compiles without a warning as C99 and agrees with tenzo eval: to 1e-14 in double, to 1e-5 in float (rounding of pre-activations of
# size 10 and of sums of a few hundred terms); every format, activation and equation; also on an ARM machine, where cross compiler and qemu are installed.
. "$(dirname "$0")/lib.sh"
warnings="-std=c99 -pedantic -Wall -Wextra -Werror -Wconversion -Wno-sign-conversion"
small="-pde_dim 4 -net_layers 24,18 -net_tt_rank 3 -deriv_type forward -loss_points 5 -tz_validation_points 10 -tao_max_it 2 -zo_lr 1e-2 -tz_quiet -tz_overwrite"

column() { # column ARRAY WIDTH FILE : numbers with 17 digits, one point a line
  h5dump -m %.17g -d "/$1" -y -w 0 "$3" | sed -n '/DATA {/,/}/p' | grep -v '[{}]' | tr -d ' ' | tr ',' '\n' | sed '/^$/d' |
    paste -d ' ' $(for ((i = 0; i < $2; i++)); do echo -; done)
}
rows() { # rows FILE d : points, u, gradient, u_t where there is one
  local D=$2
  h5dump -H -d /u_t "$1" >/dev/null 2>&1 && D=$(($2 + 1))
  paste -d ' ' <(column points $D "$1") <(column u 1 "$1") <(column grad "$2" "$1") <([ $D = "$2" ] || column u_t 1 "$1")
}
below() { awk -v r="$1" -v most="$2" 'BEGIN {n = split(r, f, /[ =]/); for (i = 1; i < n; i += 2) v[f[i]] = f[i + 1]
  exit !(v["points"] >= 20 && v["u"] + 0 <= most && v["grad"] + 0 <= most)}'; }
drive() { # drive COMPILER MODEL TYPE MOST [RUNNER] : deviations of the model from rows.txt at most MOST
  local result
  $1 $warnings -O2 -ffreestanding -c "$2.c" -o "$2.o" && $1 -std=c99 -O2 -I. -DMODEL="$2" "-DHEADER=\"$2.h\"" -DREAL="$3" "$root/tests/export_driver.c" "$2.o" -lm -o "$2" ||
    return 1
  result=$(${5:-} "./$2" rows.txt) && below "$result" "$4" || { echo "  $result"; return 1; }
}
check() { # check NAME ARGS... : trains a little, exports, compares
  local name=$1 d=4; shift
  [[ " $* " =~ -pde_dim\ ([0-9]+) ]] && d=${BASH_REMATCH[1]}
  on 1 solve $small "$@" -tz_output model.h5 >solve.txt 2>&1 && on 1 eval -tz_model model.h5 -tz_points 20 -tz_output points.h5 $plugin >eval.txt 2>&1 &&
    on 1 export -tz_model model.h5 -tz_output model.c $plugin >export.txt 2>&1 && rows points.h5 "$d" >rows.txt
  ok "export: $name" [ $? = 0 ]
  ok "export: $name: agrees" drive gcc model double $most
}
refused() { # refused NAMED ARGS... : the model of these options is refused in one line, no file is left
  local named=$1; shift
  on 1 solve $small "$@" -tz_output model.h5 >solve.txt 2>&1
  on 1 export -tz_model model.h5 -tz_output refused.c $plugin >/dev/null 2>refused.txt
  ok "refused: $*" [ $? = 2 -a "$(lines refused.txt)" = 1 -a ! -e refused.c -a ! -e refused.h ]
  ok "refused: $*: says why" grep -q "^tenzo: error: .*$named" refused.txt
}
plugin= most=1e-14

for f in tt ttm dense "sparse -net_sparse_count 300"; do check "$f" -net_format $f; done
check "three layers, no bias" -net_layers 12,9,10 -net_bias no -net_format ttm
check "one layer" -net_layers 16
most=1e-13 # P(t) is a polynomial to 2e-14
check "lqr with the free rod" -pde_type lqr -lqr_problem rod
most=1e-8 # the library differentiates the terminal cost to 1e-9
check "pendulum" -pde_type pendulum -pde_dim 2
most=1e-10 # rounding of pre-activations of size 1e5
check "large pre-activations" -net_format dense -net_frequency 1e5 -net_layers 8
most=1e-14
for a in tanh relu square,sine; do check "$a" -net_activation $a; done
for p in lqg "lqg -lqg_extension heat -lqg_matrix rosenbrock" heat "heat -heat_problem ball" allencahn "allencahn -allencahn_solution wave" "sinegordon -sinegordon_extension heat" \
  advection "eikonal -eikonal_matrix diagonal" lqr "lqr -lqr_problem rod -lqr_extension constant" "lqr -lqr_discount 0.5" doublewell blackscholes \
  "blackscholes -blackscholes_payoff geometric" poisson exittime committor "hjb -pde_conditions soft"; do
  check "$p" -pde_type $p
done

refused 'equation blackscholes with these options cannot be written as C' -pde_type blackscholes -blackscholes_payoff max

# --- sizes; float; another machine; the same text on 2 ranks ---
check "tt again"
ok "sizes" grep -q '^RESULT source=model.c header=model.h constants=[0-9]* work=[0-9]* value=[0-9]* gradient=[0-9]* theta=' export.txt
on 1 export -tz_model model.h5 -tz_output small.c -export_precision float >float.txt 2>&1
ok "float: half the memory" [ $((2 * $(field work float.txt))) = "$(field work export.txt)" ]
ok "float: agrees" drive gcc small float 1e-5
ok "float: nothing is double" gcc $warnings -Wdouble-promotion -c small.c -o small.o
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) # of qemu-user or qemu-user-static, which exclude each other
if command -v aarch64-linux-gnu-gcc >/dev/null && [ "$qemu" ]; then
  ok "aarch64: agrees" drive "aarch64-linux-gnu-gcc -static" model double 1e-14 "$qemu"
else skip "aarch64: no cross compiler or no qemu-aarch64 is installed"; fi
if command -v arm-none-eabi-gcc >/dev/null; then
  ok "arm-none-eabi: compiles" arm-none-eabi-gcc $warnings -mcpu=cortex-m4 -mthumb -O2 -c small.c -o arm.o
else skip "arm-none-eabi: no cross compiler is installed"; fi
mkdir two && on 2 export -tz_model model.h5 -tz_output two/model.c >/dev/null 2>&1
ok "2 ranks: the same files" eval 'cmp model.c two/model.c && cmp model.h two/model.h'

# --- a library's types: its format by its matrix; an activation that says no code is refused ---
mpicc=$("${MAKE:-make}" -s -C "$root" --eval 'cc: ; @echo $(MPICC) -shared -fPIC $(CPPFLAGS) -I$(CURDIR)/include' cc 2>/dev/null | tail -n 1)
if [ -n "$mpicc" ]; then
  (cd "$root" && $mpicc tests/plugins/lowrank.c -o "$work/lowrank.so" && $mpicc tests/plugins/softplus.c -o "$work/softplus.so") >plugins.txt 2>&1
  plugin="-dll_append $work/lowrank.so"
  check "a library's format" -net_format lowrank $plugin
  plugin="-dll_append $work/softplus.so"
  refused 'activation softplus cannot be written as C' -net_activation softplus $plugin
fi
finish
