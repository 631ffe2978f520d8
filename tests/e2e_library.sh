#!/bin/bash
# A user's own program of 30 lines (tests/example_run.c, which the README quotes) against the installed library: it trains, stops at a signal,
# goes on, and ends bit for bit as the run that nothing interrupted; the options and mistakes of `tenzo solve` are its own.
. "$(dirname "$0")/lib.sh"

make -s -C "$root" install BUILD="$build" PREFIX="$work/usr" SAN="${SAN:-}" >install.txt 2>&1
ok "make install" [ $? = 0 ]
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig LD_LIBRARY_PATH=$work/usr/lib
cp "$root/tests/example_run.c" . # outside the tree: nothing but the installed headers can be found
ok "at most 30 lines" [ "$(wc -l <example_run.c)" -le 30 ]
ok "the README quotes it" same "$(sed -n '/^\/\* A user.s own program/,/^```$/p' "$root/README.md" | sed '/^```$/,$d')" "$(cat example_run.c)"
ok "it compiles without a warning" "${MPICC:-mpicc}" -Wall -Wextra -Werror ${SAN:+-fsanitize=$SAN} example_run.c -o own $(pkg-config --cflags --libs tenzo)
refuses() { "${MPICC:-mpicc}" "$1" $(pkg-config --cflags tenzo) -fsyntax-only -w own.c 2>&1 | grep -q "error.*Tenzo $2"; }
echo '#include <private/tzactivationimpl.h>' >own.c
ok "a plug-in compiled with -ffast-math is refused" refuses -ffast-math 'cannot be compiled with -ffast-math'
ok "complex numbers are refused" refuses -DPETSC_USE_COMPLEX 'needs a PETSc of real numbers'
tenzo=$work/own

long="${quick/-tz_quiet/} -pde_type own -zo_momentum 0.5 -tao_max_it 2000 -tz_checkpoint_every 100 -tz_validate_every 500"
on 1 $long -tz_quiet -tz_output whole.h5 >whole.txt 2>&1
ok "it trains and ends with the RESULT line" grep -q '^RESULT .* steps=2000 ' whole.txt
ok "it learns: residual $(field residual whole.txt)" awk -v r="$(field residual whole.txt)" 'BEGIN {exit !(r > 0 && r < 1e-2)}'
for n in 1 2; do
  rm -f cut.h5
  if [ $n = 1 ]; then "$tenzo" $long -tz_progress_every 0 -tz_output cut.h5 >cut.txt 2>&1 & else
    $mpiexec $quiet -n $n "$tenzo" $long -tz_progress_every 0 -tz_output cut.h5 >cut.txt 2>&1 & fi
  pid=$!
  for _ in $(seq 500); do grep -q '^step 1[0-9][0-9]/' cut.txt && break; sleep 0.01; done
  kill -USR1 $pid; wait $pid
  ok "$n ranks: SIGUSR1: exit code 75" [ $? = 75 ]
  ok "$n ranks: it says how to go on" grep -q 'go on with -tz_resume cut.h5' cut.txt
  on $((3 - n)) -tz_resume cut.h5 -tz_quiet >more.txt 2>&1
  ok "$n ranks: resumed on $((3 - n)): the same parameters" same "$(field theta whole.txt)" "$(field theta more.txt)"
  ok "$n ranks: the same history" same "$(h5dump -d /history/loss whole.h5 | md5sum)" "$(sed s/cut/whole/ <(h5dump -d /history/loss cut.h5) | md5sum)"
done
on 2 -pde_type own -pde_dimm 3 >out.txt 2>err.txt
ok "a misspelt option: exit code 2, one line" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c '^tenzo: error: -pde_dimm 3.* -pde_dim' err.txt)" = 1
on 1 -help >help.txt 2>&1
ok "-help lists its equation" grep -qw own help.txt
finish
