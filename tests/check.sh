#!/bin/bash
# All tests: every cmocka program on 1 and 2 ranks, those that ask for their rank also on 3 and 7; then the end-to-end scripts.
cd "$(dirname "$0")/.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0
build=${BUILD:-build} limit=${TZ_TIMEOUT:-${SAN:+900}}
limit=${limit:-180} mpiexec=${MPIEXEC:-mpirun}
# a waiting rank of Open MPI yields its core (above); one of MPICH does not: there, more ranks than cores take a hundred times as long and are left out
most=7
if ! $mpiexec --version 2>/dev/null | grep -q 'Open MPI\|open-mpi'; then most=$(env -u OMP_NUM_THREADS nproc); fi
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

run() { # run NAME RANKS [INSTRUCTION_SET] : one cmocka program, its tests counted; counts to a file of its own
  local name=$1 n=$2 log=$logs/$1-$2-${3:-best} code ran bad
  ${3:+env "TENZO_ISA=$3"} timeout "$limit" $mpiexec -n "$n" "$build/tests/$name" >"$log" 2>&1
  code=$?
  # every rank counts the same tests: take the first
  ran=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | head -n 1)
  bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | sort -n | tail -n 1)
  echo "${ran:-0} ${bad:-$((code != 0))} 0" >"$log.count"
  # at once, that two programs do not mix their lines
  echo "== $name, $n ranks${3:+, $3}
$(if [ $code = 0 ]; then grep -E '^\[( *PASSED *|=+|  SKIPPED )\] [0-9]+ test' "$log" | sort -u; else cat "$log" && echo "== $name on $n ranks: exit code $code"; fi)"
}
script() { # script NAME... : end-to-end scripts, one after the other
  local name log
  for name; do
    log=$logs/$(basename "$name")
    bash "$name" >"$log" 2>&1
    sed -n 's/^[^ ]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log" >"$log.count"
    [ -s "$log.count" ] || echo 0 1 0 >"$log.count"
    echo "== $name
$(cat "$log")"
  done
}
export -f run script
export logs limit mpiexec build
at_once() { xargs -d '\n' -I{} -P "$1" bash -c '{}'; } # at_once N <LINES : commands, N at a time

# one rank, two at a time; test_cge, a third of a minute, not by the portable kernels too: test_kernels has every kernel of every set
{
  for source in tests/test_*.c; do echo "run $(basename "$source" .c) 1"; done
  for name in adjoint classify deriv derivadjoint feedback fo loss net precision residual zo zosolve; do echo "run test_$name 1 base"; done
} | at_once 2
for source in tests/test_*.c; do
  ranks=2
  if grep -q MPI_Comm_size "$source"; then ranks="2 3 7"; fi
  for n in $ranks; do
    name=$(basename "$source" .c)
    if [ "$n" -le "$most" ]; then run "$name" "$n"; else echo "SKIPPED: $name on $n ranks: this MPI's waiting ranks keep their cores, of which there are $most" && echo 0 0 1 >"$logs/$name-$n.count"; fi
  done
done

# scripts wait more than they compute: three at a time, but those that install (from one build folder) one after the other, and those of signals alone
alone=$(ls tests/e2e_{resume,slips}.sh)
installing=$(grep -lE 'make .* install' tests/e2e_*.sh | grep -vxF "$alone")
longest=tests/e2e_errors.sh
others=$(ls tests/rooms.sh tests/e2e_*.sh | grep -vxF "$longest" | grep -vxF "$alone" | grep -vxF "$installing")
{
  echo script $installing
  for name in $longest $others; do echo "script $name"; done
} | at_once 3
script $alone

read -r passed failed skipped < <(cat "$logs"/*.count | awk '{ p += $1; f += $2; s += $3 } END { print p, f, s }')
[ -d "${TZ_SHARED:-../shared}" ] || echo "SKIPPED: no $TZ_SHARED here: no test on the data and the cluster there"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
