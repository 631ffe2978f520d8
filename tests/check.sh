#!/bin/bash
# All tests: every cmocka program on 1 and 2 ranks, those that ask for their rank also on 3, 4 and 7; then the end-to-end scripts.
cd "$(dirname "$0")/.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0
build=${BUILD:-build} limit=${TZ_TIMEOUT:-${SAN:+900}}
limit=${limit:-180} mpiexec=${MPIEXEC:-mpirun}
# a waiting rank of Open MPI yields its core (above); one of MPICH does not, so more ranks than cores take many times as long
if ! $mpiexec --version 2>/dev/null | grep -q 'Open MPI\|open-mpi'; then limit=$((limit * 5)); fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

run() { # run NAME RANKS : one cmocka program, its tests counted
  local name=$1 n=$2 code ran bad
  timeout "$limit" $mpiexec -n "$n" "$build/tests/$name" >"$log" 2>&1
  code=$?
  echo "== $name, $n ranks${TENZO_ISA:+, $TENZO_ISA}"
  if [ $code = 0 ]; then
    grep -E '^\[( *PASSED *|=+|  SKIPPED )\] [0-9]+ test' "$log" | sort -u
  else
    cat "$log"
    echo "== $name on $n ranks: exit code $code"
  fi
  # every rank counts the same tests: take the first
  ran=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | head -n 1)
  bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | sort -n | tail -n 1)
  passed=$((passed + ${ran:-0})) failed=$((failed + ${bad:-$((code != 0))}))
}

for source in tests/test_*.c; do
  name=$(basename "$source" .c)
  ranks="1 2"
  if grep -q MPI_Comm_size "$source"; then ranks="1 2 3 4 7"; fi
  for n in $ranks; do run "$name" "$n"; done
done

# what evaluates networks, by the portable kernels too (but test_cge, a third of a minute: test_kernels has every kernel of every set)
export TENZO_ISA=base
for name in adjoint classify deriv derivadjoint feedback fo loss net precision residual zo zosolve; do run "test_$name" 1; done
unset TENZO_ISA

# scripts wait more than they compute: two at a time, but those that install (from one build folder) one after the other, and those of signals alone
each() { for script; do bash "$script" >"$logs/$(basename "$script")" 2>&1; done; }
logs=$(mktemp -d)
trap 'rm -rf "$log" "$logs"' EXIT
alone=$(ls tests/e2e_{resume,slips}.sh)
installing=$(grep -lE 'make .* install' tests/e2e_*.sh | grep -vxF "$alone")
others=$(ls tests/rooms.sh tests/e2e_*.sh | grep -vxF "$alone" | grep -vxF "$installing" | grep -vx tests/e2e_device.sh)
each $installing tests/e2e_device.sh &
each $others
wait
each $alone
for script in tests/rooms.sh tests/e2e_*.sh; do
  echo "== $script"
  cat "$logs/$(basename "$script")"
  read -r p f s < <(sed -n 's/^[^ ]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$logs/$(basename "$script")")
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1})) skipped=$((skipped + ${s:-0}))
done

[ -d "${TZ_SHARED:-../shared}" ] || echo "SKIPPED: no $TZ_SHARED here: no test on the data and the cluster there"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
