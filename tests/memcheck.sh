#!/bin/bash
# A short run under valgrind (errors and lost blocks are failures), and PETSc's own account of its memory.
. "$(dirname "$0")/lib.sh"
supp=/usr/share/openmpi/openmpi-valgrind.supp
short="-pde_dim 3 -net_layers 8,8 -net_tt_rank 2 -loss_points 5 -tz_validation_points 20 -zo_queries 2 -tao_max_it 4 -tz_checkpoint_every 2 -tz_quiet"

checked() { # checked NAME RANKS ARGS...
  local name=$1 n=$2; shift 2
  timeout 600 mpirun -n "$n" valgrind -q --error-exitcode=9 --num-callers=40 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --child-silent-after-fork=yes --suppressions=$supp --suppressions="$root/tests/valgrind.supp" --log-file="$work/vg.%p" "$tenzo" "$@" >"$work/out.txt" 2>&1
  ok "valgrind: $name, $n ranks" [ $? = 0 ]
  cat "$work"/vg.*
  rm -f "$work"/vg.*
}
if command -v valgrind >/dev/null && [ -f $supp ]; then
  checked "solve, Stein" 1 solve $short -tz_output m.h5
  checked "solve, exact derivatives" 2 solve $short -deriv_type forward -tao_type zohybrid -zo_patience 1 -tz_output f.h5
  checked "resume" 2 solve -tz_resume m.h5 -tao_max_it 6 -tz_quiet
  checked "eval" 2 eval -tz_model m.h5 -tz_points 20 -tz_output e.h5
  checked "grid" 1 grid -rule_dim 5 -tz_output g.h5
  checked "--version" 1 --version
else
  skip "no valgrind, or no suppressions of Open MPI"
fi

for n in 1 2; do
  for args in "solve $short -tz_output m.h5" "solve $short -tao_type zohybrid -deriv_type fd -tz_output m.h5" "eval -tz_model m.h5 -tz_points 20 -tz_output e.h5" "grid -rule_dim 5"; do
    on $n $args -malloc_debug -malloc_dump >dump.txt 2>&1
    ok "-malloc_dump: $args, $n ranks" [ "$(grep -cE '^\[ *[0-9]+\] *[0-9]+ bytes|maximum space PetscMalloc' dump.txt)" = 0 ]
  done
done
finish
