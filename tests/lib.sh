# For the end-to-end tests: how to run the program, count results, compare files. Source it; end with `finish`.
set -u
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
shared=$(cd "$root" && cd "${TZ_SHARED:-../shared}" 2>/dev/null && pwd)
export TZ_SHARED=${shared:-${TZ_SHARED:-../shared}}
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
tenzo=$build/tenzo
limit=${TZ_TIMEOUT:-${SAN:+600}}
limit=${limit:-120}
mpiexec=${MPIEXEC:-mpirun}
if "$mpiexec" --version 2>&1 | grep -qE 'Open ?MPI|OpenRTE'; then quiet=-q; else quiet=; fi # mpirun's own remarks on exit codes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0 skipped=0

# a problem that takes milliseconds a step
quick="-pde_dim 4 -net_layers 32,32 -net_tt_rank 2 -deriv_type forward -loss_points 20 -tz_validation_points 200 -zo_lr 5e-3 -tz_quiet"

ok() { # ok NAME COMMAND... : one result
  local name=$1; shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "  FAILED: $name"; fi
}
skip() { skipped=$((skipped + 1)); echo "  SKIPPED: $*"; }
finish() { echo "$(basename "$0"): $passed passed, $failed failed, $skipped skipped"; [ "$failed" = 0 ]; }

on() { # on RANKS ARGS... : tenzo on so many ranks
  local n=$1; shift
  if [ "$n" = 1 ]; then timeout "$limit" "$tenzo" "$@"; else timeout "$limit" $mpiexec $quiet -n "$n" "$tenzo" "$@"; fi
}
theirs='^.WARNING. yaksa: |^.warn. Epoll ' # remarks of MPICH where PETSc could not start, and of mpirun
remarks() { sed -i -E "/$theirs/d" "$1"; } # out of the file
lines() { grep -cvE "$theirs" "$1"; }       # of a file, without them
field() { tail -n 1 "$2" | tr ' ' '\n' | sed -n "s/^$1=//p"; } # field NAME FILE : of the last line
same() { [ -n "$1" ] && [ "$1" = "$2" ]; }
digest() { # digest FILE.h5 : of the bits of parameters, solver state, history (but the seconds) and validations
  local set
  for set in theta solver/momentum history/{step,loss,lr,queries,forwards} validation/{step,mse,rel_l2,max}; do
    h5dump -d "/$set" -b LE -o "$work/digest.bin" "$1" >"$work/digest.txt" 2>&1 || { echo "unreadable: $1 $set"; return; }
    md5sum <"$work/digest.bin"
  done | md5sum
}
digits() { # 2,000 and 500 images of 8 x 8 in the working folder: 0..4 a bright row, 5..9 a bright column, on noise; as IDX files, plain (train) and gzip (t10k)
  perl -e '
    srand(1);
    for (["train", 2000], ["t10k", 500]) {
      my ($name, $n) = @$_; my ($pixel, $label) = ("", "");
      for my $i (0 .. $n - 1) {
        my $d = $i % 10; $label .= chr($d);
        for my $r (0 .. 7) { for my $c (0 .. 7) {
          my $on = int(($d < 5 ? $r : $c) / 1.6) == $d % 5;
          $pixel .= chr(int(rand(100)) + ($on ? 100 : 0));
        } }
      }
      open(F, ">", "$name-images-idx3-ubyte"); binmode F; print F pack("N4", 0x803, $n, 8, 8), $pixel; close F;
      open(F, ">", "$name-labels-idx1-ubyte"); binmode F; print F pack("N2", 0x801, $n), $label; close F;
    }'
  gzip t10k-*
}
hears() { # hears PID : waits until a program started in the background is ours and does not die of SIGUSR1, but hears it now or later
  local status
  for _ in $(seq 1000); do
    status=$(cat "/proc/$1/status" 2>/dev/null) || return
    if [ "${status:0:12}" = $'Name:\ttenzo\n' ] && grep -qE '^Sig(Blk|Cgt):[^0-9a-f]*[0-9a-f]*[2367abef][0-9a-f]{2}$' <<<"$status"; then return; fi
    sleep 0.01
  done
}
