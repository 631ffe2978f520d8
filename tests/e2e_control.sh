#!/bin/bash
# A control problem of a user's own (tests/plugins/obstacle.c): trained on points that follow its feedback, gone on with, evaluated and simulated, with the
# same bits on any number of ranks; and what a user may get wrong.
. "$(dirname "$0")/lib.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0

ok "the problem takes at most 60 lines" [ "$(grep -cvE '^(/\*|\*/|  [A-Z].*\.$)|^$' "$root/tests/plugins/obstacle.c")" -le 60 ]
"${MPICC:-mpicc}" -O2 -Wall -Wextra -Werror -shared -fPIC ${SAN:+-fsanitize=$SAN} "$root/tests/plugins/obstacle.c" -o libobstacle.so -I"$root/include" \
  $(pkg-config --cflags "${PETSC_PKG:-PETSc}")
ok "... and compiles without a warning" [ $? = 0 ]
plugin="-dll_append ./libobstacle.so"
on 1 pde $plugin -pde_type obstacle >check.txt 2>&1
ok "pde: true to 1e-9" grep -q '^CHECK pde=obstacle ' check.txt

train="$plugin -pde_type obstacle -control_extension linear -control_drift mix -loss_path_steps 10 -loss_points 60 -net_format dense -net_layers 24
  -deriv_type forward -tao_type tzgn -tz_validation_points 200 -tz_validate_every 5 -tz_checkpoint_every 5 -tz_quiet"
on 1 solve $train -tao_max_it 20 -tz_output whole.h5 >whole.txt 2>&1
ok "solve" grep -q '^RESULT .* steps=20 ' whole.txt
for n in 2 3; do
  on $n solve $train -tao_max_it 20 -tz_output ranks.h5 -tz_overwrite >ranks.txt 2>&1
  ok "points that follow the feedback: $n ranks have the bits of one" same "$(field theta whole.txt)" "$(field theta ranks.txt)"
done
on 2 solve $train -tao_max_it 7 -tz_output half.h5 >half.txt 2>&1
on 1 solve $plugin -tz_resume half.h5 -tao_max_it 20 -tz_quiet >more.txt 2>&1
ok "7 steps on 2 ranks and 13 on one" same "$(field theta whole.txt)" "$(field theta more.txt)"
on 1 solve ${train/-control_drift mix/-control_drift none} -tao_max_it 20 -tz_output other.h5 >other.txt 2>&1
ok "other points than without" test "$(field theta whole.txt)" != "$(field theta other.txt)"

for n in 1 3; do
  on $n solve ${train/-control_drift mix/-control_drift guided -loss_path_points 7} -tao_max_it 5 -tz_output guided_$n.h5 >guided_$n.txt 2>&1
done
ok "points of shared paths, half of them under the regulator: 3 ranks have the bits of one" same "$(field theta guided_1.txt)" "$(field theta guided_3.txt)"

simulate="simulate $plugin -tz_model whole.h5 -sim_policy network,lqr,none -sim_paths 300 -sim_steps 50 -tz_quiet"
on 1 $simulate -tz_output one.h5 >one.txt 2>&1
ok "simulate" grep -q '^RESULT policy=network cost=' one.txt
for n in 2 3 7; do
  on $n $simulate -tz_output ranks_$n.h5 >ranks.txt 2>&1
  ok "simulate: $n ranks write the bits of one" h5diff -q one.h5 ranks_$n.h5
done
on 2 $simulate -sim_integrator heun -tz_output heun.h5 >heun.txt 2>&1
ok "simulate: heun differs little" awk -v a="$(field cost one.txt)" -v b="$(field cost heun.txt)" 'BEGIN {exit !(a != b && (a - b) ^ 2 < (a / 5) ^ 2)}'
ok "all controls within the bounds" sh -c "h5dump -d /network/controls one.h5 | grep -oE '\): .*' | tr -d '):,' | tr ' ' '\n' | awk 'NF && (\$1 > 10 || \$1 < -10) {bad = 1} END {exit bad}'"
on 1 eval $plugin -tz_model whole.h5 -tz_points 50 -tz_output eval.h5 >eval.txt 2>&1
ok "eval writes the control" h5dump -H -d /control eval.h5
{ timeout -s KILL 1 "$tenzo" $simulate -sim_paths 200000 -tz_output killed.h5 >killed.txt 2>&1; } 2>/dev/null
ok "a simulation that is killed leaves no file" [ ! -e killed.h5 ]
on 1 simulate -pde_type lqr -pde_dim 3 -sim_policy exact,lqr -sim_paths 100 -sim_steps 20 -tz_output none >exact.txt 2>&1
ok "without a model: the regulator of a linear problem is exact" awk -v e="$(field lqr_excess exact.txt)" 'BEGIN {exit !(e ^ 2 < 1e-18)}'

quick="-pde_type pendulum -pendulum_noise 0" # what the paths of an optimum are worth, learnt, is less wrong than before
on 1 simulate $quick -sim_policy direct -sim_paths 5 -sim_steps 40 -tz_output optima.h5 >optima.txt 2>&1
on 2 simulate $quick -sim_policy direct -sim_paths 5 -sim_steps 40 -tz_output optima_2.h5 >optima.txt 2>&1
ok "the paths of direct optima: 2 ranks write the bits of one" h5diff -q optima.h5 optima_2.h5
learn="$quick -net_format dense -net_layers 16 -deriv_type forward -loss_points 20 -loss_data optima.h5 -loss_data_points 40 -loss_data_grad_points 60
  -tz_validation_points 100 -tz_quiet"
on 1 solve $learn -tao_type tzgn -tao_max_it 12 -tz_monitor ascii:history.txt -tz_output learnt.h5 >learnt.txt 2>&1
ok "data are learnt" awk 'NR == 1 {first = $4} {last = $4} END {exit !(NR == 12 && last < first / 2)}' history.txt
on 2 solve $learn -tao_type tzgn -tao_max_it 7 -tz_output half.h5 -tz_overwrite >half.txt 2>&1
on 3 solve -tz_resume half.h5 -tao_max_it 12 -tz_quiet >more.txt 2>&1
ok "... 7 steps on 2 ranks and 5 on 3 have the bits of one" same "$(field theta learnt.txt)" "$(field theta more.txt)"
for solver in zolls zogn; do
  on 1 solve $learn -tao_type $solver -tao_max_it 2 -tz_output $solver.h5 >$solver.1 2>&1
  on 3 solve $learn -tao_type $solver -tao_max_it 2 -tz_output $solver.h5 -tz_overwrite >$solver.3 2>&1
  ok "$solver with data: 3 ranks have the bits of one" same "$(field theta $solver.1)" "$(field theta $solver.3)"
done
mv optima.h5 away.h5
on 1 simulate -tz_model learnt.h5 -sim_paths 10 -tz_output none >away.txt 2>&1
ok "a network is simulated without its data" grep -q '^RESULT policy=network' away.txt

far="-pde_type quadrotor -quadrotor_distance 5 -net_format dense -net_layers 4 -net_output_scale 1e-6 -deriv_type forward -control_extension path
  -control_extension_steps 50 -control_drift feedback -loss_path_steps 50 -loss_points 20 -tao_type tzgn -tao_max_it 1 -tz_validation_points 100 -tz_quiet"
on 1 solve $far -tz_output far.h5 >far.txt 2>&1
on 2 solve $far -tz_output far2.h5 >far2.txt 2>&1
ok "an offset along an optimum: 2 ranks have the bits of one" same "$(field theta far.txt)" "$(field theta far2.txt)"
on 2 simulate -tz_model far.h5 -sim_policy network,lqr -sim_paths 200 -sim_steps 50 -tz_output none >far.txt 2>&1
ok "... far from the target its feedback costs 20 % less than the regulator's" awk -v a="$(field cost far.txt)" -v b="$(field lqr_cost far.txt)" 'BEGIN {exit !(a > 0 && a < 0.8 * b)}'

wrong() { # wrong MESSAGE ARGS... : one line, exit code 2, on 1 and 2 ranks
  local message=$1 n; shift
  for n in 1 2; do
    on $n "$@" >out.txt 2>err.txt
    ok "$n ranks: $message" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c -- "$message" err.txt)" = 1
  done
}
wrong '-pde_type hjb: is no control problem' simulate -pde_type hjb -sim_policy none
wrong '-pde_type lqr: has no time here' simulate -pde_type lqr -lqr_discount 1 -sim_policy none
wrong '-sim_policy network: needs -tz_model' simulate -pde_type pendulum
wrong '-sim_policy clever: must be some of' simulate -pde_type pendulum -sim_policy clever
wrong '-sim_policy none,none: none must be there once' simulate -pde_type pendulum -sim_policy none,none
wrong '-sim_policy exact: equation pendulum has none' simulate -pde_type pendulum -sim_policy exact
wrong '-control_extension_steps 0: must be at least 1' pde -pde_type pendulum -control_extension path -control_extension_steps 0
wrong '-sim_policy direct: is the optimum of Euler' simulate -pde_type pendulum -sim_policy direct -sim_integrator heun
wrong '-sim_policy plugin: equation pendulum has none' simulate -pde_type pendulum -sim_policy plugin
wrong '-sim_policy lqr: equation pendulum has no linear regulator: control 1 costs no' simulate -pde_type pendulum -pendulum_r 0 -sim_policy lqr
wrong '-sim_x0 1,2,3: 3 numbers; must be one, or one for each of the 2' simulate -pde_type pendulum -sim_policy none -sim_x0 1,2,3
wrong '-sim_paths 1: must be from 2' simulate -pde_type pendulum -sim_policy none -sim_paths 1
wrong '-sim_steps 0: must be at least 1' simulate -pde_type pendulum -sim_policy none -sim_steps 0
wrong '-sim_integrator' simulate -pde_type pendulum -sim_policy none -sim_integrator rk4
wrong '-pendulum_bound -1' simulate -pde_type pendulum -sim_policy none -pendulum_bound -1
wrong '-pde_dim 13: a quadrotor has 12' simulate -pde_type quadrotor -pde_dim 13 -sim_policy none
wrong '-tz_output whole.h5: this is the file of -tz_model' $simulate -tz_output whole.h5
wrong '-control_drift mix: is that of paths' solve -pde_type pendulum -control_drift mix -loss_sampler box
wrong '-control_drift feedback: points follow the training' solve -pde_type pendulum -control_drift feedback -loss_fixed_points
finish
