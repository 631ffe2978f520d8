#!/bin/bash
# deps.sh [dev|slurm|plot|chroot|arm64|petsc-NAME] : installs what building and testing needs on Debian 12 (as root, or by sudo). Quick where all is there.
# plot adds what jobs/plot.py needs, chroot what jobs/deb.sh does, arm64 what jobs/arm64.sh does.
# dev adds what only `make style`, `make memcheck`, `make docs` and `make deb` need, slurm what `make check-slurm` does, petsc-NAME what jobs/petsc.sh NAME does.
# For the tests alone: libcmocka-dev; libgsl-dev (quadrature and special functions to compare with); librandom123-dev (our Philox, which makes sixteen
# counters at a time on vectors, is compared with its own, bit for bit); python3-venv (the Python package is installed into an environment of its own).
set -eu
packages="gcc make pkg-config procps libc6-dev openmpi-bin libopenmpi-dev libpetsc-real-dev libhdf5-openmpi-dev hdf5-tools
          libcmocka-dev libgsl-dev libopenblas-dev librandom123-dev zlib1g-dev python3-venv"
if [ "${1:-}" = dev ]; then packages="$packages clang clang-format valgrind doxygen dpkg-dev"; fi
if [ "${1:-}" = chroot ]; then packages="$packages debootstrap"; fi
if [ "${1:-}" = arm64 ]; then packages="$packages debootstrap qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross"; fi
if [ "${1:-}" = slurm ]; then packages="$packages slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge"; fi
case "${1:-}" in
petsc-openmpi) packages="$packages python3 python3-pip" ;;
petsc-mpich) packages="$packages python3 python3-pip mpich libmpich-dev libhdf5-mpich-dev" ;;
petsc-debian64) packages="$packages libpetsc64-real-dev" ;;
esac
if [ "${1:-}" = plot ]; then packages="$packages python3 python3-numpy python3-h5py python3-matplotlib"; fi

missing=
for p in $packages; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "deps.sh: no apt-get here; these Debian packages, or their like, are needed:$missing" >&2
  exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
  sudo=sudo
  command -v sudo >/dev/null || { echo "deps.sh: needs root (or sudo) to install:$missing" >&2; exit 1; }
fi
echo "deps.sh: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -q update
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
