#!/bin/bash
# Libraries of a user's own (tests/plugins), compiled outside the tree against an installed Tenzo and loaded by the installed program (-dll_append):
# each type trains, goes on bit by bit, and is evaluated, on 1 and 2 ranks. Without its library a checkpoint says what is missing.
. "$(dirname "$0")/lib.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # mpirun would wait a second after every exit code that is not 0

make -s -C "$root" install BUILD="$build" PREFIX="$work/usr" SAN="${SAN:-}" >install.txt 2>&1
ok "make install" [ $? = 0 ]
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig
tenzo=$work/usr/bin/tenzo
for source in "$root"/tests/plugins/*.c; do
  name=$(basename "$source" .c)
  cp "$source" .
  ok "$name compiles without a warning" "${MPICC:-mpicc}" -O2 -Wall -Wextra -Wno-psabi -Werror -shared -fPIC ${SAN:+-fsanitize=$SAN} "$name.c" -o "lib$name.so" $(pkg-config --cflags tenzo)
done

small="${quick/-deriv_type forward/}"
plugin() { # plugin LIBRARY OPTION OPTIONS... : OPTION names the type that the library registers
  local library=$1 option=$2 n; shift 2
  rm -f whole.h5
  on 1 solve -dll_append "./$library" $small $option "$@" -tao_max_it 30 -tz_validate_every 10 -tz_output whole.h5 >whole.txt 2>&1
  ok "$library: solve" grep -q '^RESULT .* steps=30 ' whole.txt
  for n in 1 2; do
    rm -f half.h5
    on $n solve -dll_append "./$library" $small $option "$@" -tao_max_it 17 -tz_validate_every 10 -tz_output half.h5 >half.txt 2>&1
    on $((3 - n)) solve -dll_append "$work/$library" -tz_resume half.h5 -tao_max_it 30 -tz_quiet >more.txt 2>&1
    ok "$library: 17 steps on $n, 13 on $((3 - n)) ranks" same "$(field theta whole.txt)" "$(field theta more.txt)"
    on $n eval -dll_append "./$library" -tz_model half.h5 -tz_points 200 -tz_output eval.h5 >eval.txt 2>&1
    ok "$library: eval on $n ranks" same "$(field theta whole.txt)" "$(field theta eval.txt)"
    on $n solve -tz_resume half.h5 -tao_max_it 40 >out.txt 2>err.txt
    ok "$library: without it, $n ranks: one line that says so" test $? = 2 -a "$(lines err.txt)" = 1 -a \
      "$(grep -c "^tenzo: error: -tz_resume half.h5: needs $option, unknown here; a library registers it: give it by -dll_append" err.txt)" = 1
  done
}
plugin libdrift.so "-pde_type drift" -drift_velocity 0.5 -deriv_type forward
h5dump -d /options half.h5 | grep -q -- '-drift_velocity 0.5'
ok "an option of the library's type is in the file" [ $? = 0 ]
on 1 eval -dll_append libdrift.so -tz_model half.h5 -tz_points 10 -drift_velocity 2 -tz_output other.h5 >other.txt 2>&1
ok "... and is in force when it is evaluated: another value gives another error" test "$(field mse other.txt)" != "$(field mse eval.txt)"
plugin libsoftplus.so "-net_activation softplus" -deriv_type forward
plugin liblowrank.so "-net_format lowrank" -deriv_type stein
plugin libmcnamee.so "-rule_type mcnamee" -deriv_type stein
small="-pde_dim 4 -net_layers 32,32 -net_tt_rank 2 -tz_quiet"
plugin libdata.so "-loss_type data" -data_points 30 -tao_type zogn -deriv_type forward
plugin libfd4.so "-deriv_type fd4"
plugin libassets.so "-pde_type assets" -deriv_type forward
on 2 pde -dll_append ./libassets.so -pde_type assets -pde_dim 5 >check.txt 2>&1
ok "an equation with a full S(x): its file is true to 1e-9" grep -q "^CHECK pde=assets .*residual=[0-9.]*e-1[0-9] " check.txt

small="-pde_dim 4 -loss_points 20 -zo_lr 5e-3 -tz_validation_points 200 -tz_quiet"
ok "a network of one's own takes at most 40 lines" [ "$(wc -l <sines.c)" -le 40 ]
ok "the README quotes it" same "$(sed -n '/^\/\* A network of a user.s own/,/^```$/p' "$root/README.md" | sed '$d')" "$(cat sines.c)"
plugin libsines.so "-net_type sines" -deriv_type fd
for refused in "-deriv_type forward" "-tao_type tzadam -deriv_type fd" "-tao_type tzgn -deriv_type fd" "-tao_type lmvm -deriv_type fd" "-net_layers 8"; do
  for n in 1 2; do
    on $n solve -dll_append ./libsines.so -net_type sines $small $refused -tz_output none >out.txt 2>err.txt
    ok "a network of values alone: $refused is refused on $n ranks" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c "^tenzo: error: ${refused%% -d*}" err.txt)" = 1
  done
done
for o in "zocge" "zogn" "zohybrid -zo_patience 2" "nm"; do
  on 2 solve -dll_append ./libsines.so -net_type sines ${small/-zo_lr 5e-3/} -deriv_type stein -rule_type mc -rule_samples 20 -tao_type $o -tao_max_it 5 -tz_output none >out.txt 2>&1
  ok "a network of values alone: -tao_type $o" grep -q '^RESULT .* steps=5 ' out.txt
done
digits
for n in 1 2; do
  rm -f digits.h5
  on $n classify -dll_append ./libsines.so -net_type sines -mnist_dir . -zo_queries 20 -zo_lr 1e-2 -tz_epochs 3 -tz_quiet -tz_output digits.h5 >digits.$n.txt 2>&1
done
ok "a network of values alone classifies: accuracy $(field accuracy digits.2.txt)" awk -v a="$(field accuracy digits.2.txt)" 'BEGIN {exit !(a >= 0.8)}'
ok "... on 2 ranks as on one" same "$(field theta digits.1.txt)" "$(field theta digits.2.txt)"
on 2 eval -dll_append ./libsines.so -tz_model digits.h5 -mnist_dir . -tz_output digits-eval.h5 >eval.txt 2>&1
ok "... and evaluates to the same" same "$(field accuracy digits.2.txt)" "$(field accuracy eval.txt)"
on 2 solve -dll_append ./libsines.so -net_type sines $small -pde_type lqr -deriv_type fd -tao_max_it 20 -tz_output loop.h5 >out.txt 2>&1
for n in 1 2; do on $n simulate -dll_append ./libsines.so -tz_model loop.h5 -sim_paths 200 -sim_steps 10 -tz_output none >loop.$n.txt 2>&1; done
ok "... and closes a control loop" same "$(field cost loop.1.txt)" "$(field cost loop.2.txt)"
on 2 pde -dll_append ./libneumann.so -pde_type neumann -pde_dim 5 >check.txt 2>&1
ok "an equation with a Neumann condition: its file is true to 1e-9" grep -q "^CHECK pde=neumann .*residual=[0-9.]*e-1[0-9] .*condition=[0-9.]*e-1[0-9] " check.txt
on 2 solve -dll_append ./libneumann.so -pde_type neumann -pde_dim 5 -net_format dense -net_layers 32 -deriv_type forward -tao_type zogn -zo_queries 100 \
  -loss_points 300 -loss_flux_points 200 -tao_max_it 60 -tz_quiet -tz_output none >out.txt 2>&1
ok "... and it is solved to 1 percent" awk -v e="$(field rel_l2 out.txt)" 'BEGIN {exit !(e > 0 && e < 0.01)}'

# all at once: as many libraries as one likes
on 2 solve -dll_append ./libdrift.so,./libsoftplus.so,./liblowrank.so,./libmcnamee.so $quick -pde_type drift -net_activation softplus -net_format lowrank \
  -deriv_type stein -rule_type mcnamee -tao_max_it 3 -tz_output all.h5 >all.txt 2>&1
ok "four libraries in one run" grep -q '^RESULT ' all.txt
on 1 grid -dll_append ./libmcnamee.so -rule_type mcnamee -rule_dim 21 >grid.txt 2>&1
ok "grid: 883 nodes, weights of sum 1" grep -q '^nodes=883 .* weight_sum=1 ' <(sed 's/weight_sum=\(1.0*\|0.9999999999[0-9]*\|1.0000000000[0-9]*\) /weight_sum=1 /' grid.txt)

# a library that cannot be loaded
for n in 1 2; do
  on $n solve -dll_append ./libnowhere.so $quick -tao_max_it 1 -tz_output none >out.txt 2>err.txt
  ok "no such library, $n ranks" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c '^tenzo: error: -dll_append: .*libnowhere.so' err.txt)" = 1
  echo text >libtext.so
  on $n solve -dll_append ./libtext.so $quick -tao_max_it 1 -tz_output none >out.txt 2>err.txt
  ok "not a library, $n ranks" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c '^tenzo: error: -dll_append: .*libtext.so' err.txt)" = 1
done
finish
