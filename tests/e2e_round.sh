#!/bin/bash
# tenzo round, and -tz_init across ranks and formats: the same function, the stated error; a warm start takes fewer than half the steps of a cold one.
. "$(dirname "$0")/lib.sh"

on 1 solve $quick -net_tt_rank 4 -tao_max_it 50 -tz_output model.h5 >solve.txt 2>&1
on 1 eval -tz_model model.h5 -tz_points 100 -tz_output e.h5 >model.txt 2>&1
near() { awk -v a="$1" -v b="$2" -v e="$3" 'BEGIN {d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= e * a)}'; }

# --- round: on 1 and 2 ranks the same file; nothing to lose at 1e-12; what is lost at 0.1 is told ---
on 1 round -tz_model model.h5 -round_tolerance 1e-12 -tz_output exact.h5 >exact.txt 2>&1
ok "round" grep -q '^RESULT error=[0-9.e-]* parameters=[0-9]* before=[0-9]*' exact.txt
on 2 round -tz_model model.h5 -round_tolerance 1e-12 -tz_output two.h5 >two.txt 2>&1
ok "round on 2 ranks: the same parameters" h5diff -q exact.h5 two.h5 /theta
on 2 eval -tz_model exact.h5 -tz_points 100 -tz_output e2.h5 >exact_eval.txt 2>&1
ok "round: the same figures" near "$(field mse model.txt)" "$(field mse exact_eval.txt)" 1e-8
on 1 solve $quick -net_activation tanh,sine -tao_max_it 5 -tz_output mixed.h5 >mixed.txt 2>&1
on 1 round -tz_model mixed.h5 -round_tolerance 1e-12 -tz_output mixed2.h5 >>mixed.txt 2>&1
ok "round: every layer keeps its activation" h5diff -q mixed.h5 mixed2.h5 /network/layer1/activation /network/layer1/activation
ok "round: of the second, too" h5diff -q mixed.h5 mixed2.h5 /network/layer2/activation /network/layer2/activation
on 1 round -tz_model model.h5 -round_tolerance 0.5 -tz_output small.h5 >small.txt 2>&1
ok "round: fewer parameters" [ "$(field parameters small.txt)" -lt "$(field parameters exact.txt)" ]
ok "round: the error is below the tolerance" awk -v e="$(field error small.txt)" 'BEGIN {exit !(e > 0 && e <= 0.5)}'
on 1 eval -tz_model small.h5 -tz_points 100 -tz_output e3.h5 >small_eval.txt 2>&1
ok "round: the small model evaluates" [ $? = 0 ]
on 1 export -tz_model small.h5 -tz_output small.c >export.txt 2>&1
ok "round: the small model is exported" [ $? = 0 ]

# --- -tz_init: rank 4 to 8 and back, to a matrix and back, on any ranks: the figures of the model at step 0 ---
start() { # start RANKS NAME INIT OPTIONS... : mse of the first parameters
  local n=$1 name=$2 init=$3; shift 3
  on "$n" solve $quick -tao_max_it 0 -tz_init "$init" "$@" -tz_output "$name.h5" -tz_overwrite >"$name.txt" 2>&1
  ok "-tz_init $init $*: the same function" near "$(field mse solve.txt)" "$(field mse "$name.txt")" 1e-7
}
start 1 r8 model.h5 -net_tt_rank 8
start 2 r8b model.h5 -net_tt_rank 8
ok "-tz_init: the same bits on 2 ranks" same "$(field theta r8.txt)" "$(field theta r8b.txt)"
start 1 r4 r8.h5 -net_tt_rank 4
start 1 dense r8.h5 -net_format dense
start 1 back dense.h5 -net_tt_rank 4
start 1 ttm dense.h5 -net_format ttm -net_tt_rank 64
start 1 small model.h5 -net_tt_bonds "$(sed -n 's/^-net_tt_bonds "\(.*\)"$/\1/p' exact.txt)"
start 1 rounded exact.h5 -net_tt_rank 4

# --- another horizon: T = 0.5, then 0.6 from there; the same network in rank 8 ---
problem="-pde_type lqg -pde_dim 5 -lqg_extension heat -loss_sampler paths -net_layers 32,32 -net_format ttm -deriv_type forward -tao_type tzadam -zo_lr 5e-3"
problem+=" -loss_points 50 -tz_validation_points 500 -tz_validate_every 5 -tz_quiet"
on 1 solve $problem -pde_T 0.5 -tao_max_it 1000 -tz_output short.h5 >short.txt 2>&1
target=$(awk -v m="$(field mse short.txt)" 'BEGIN {print 1.5 * m}')
on 1 solve $problem -pde_T 0.6 -tao_max_it 3000 -tz_target_error "$target" -tz_output cold.h5 >cold.txt 2>&1
on 1 solve $problem -pde_T 0.6 -tao_max_it 3000 -tz_target_error "$target" -tz_init short.h5 -tz_output warm.h5 >warm.txt 2>&1
echo "  T = 0.5 to 0.6, to mse $target: cold $(field steps cold.txt) steps, warm $(field steps warm.txt)"
ok "warm start: fewer than half the steps" [ "$((2 * $(field steps warm.txt)))" -lt "$(field steps cold.txt)" ]
on 1 solve $problem -pde_T 0.6 -tao_max_it 3000 -tz_target_error "$target" -net_tt_rank 8 -tz_init short.h5 -tz_output warm8.h5 >warm8.txt 2>&1
echo "  in rank 8: $(field steps warm8.txt)"
ok "warm start in rank 8: fewer than half the steps" [ "$((2 * $(field steps warm8.txt)))" -lt "$(field steps cold.txt)" ]
finish
