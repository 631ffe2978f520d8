#!/bin/bash
# petsc.sh [openmpi|mpich|debian|debian64] [make's goal and variables] : Tenzo's tests against another PETSc, from nothing.
#   openmpi, mpich   the newest PETSc (VERSION=3.26.1, the source package on PyPI), configured with debugging, without Fortran and C++, for that MPI
#   debian           Debian's libpetsc-real-dev (3.18 on Debian 12)
#   debian64         Debian's libpetsc64-real-dev, whose indices have 64 bits
# Packages that are missing are installed by apt-get (as root, or by sudo). PETSc is built in DIR (petsc-build beside the source of Tenzo; 10 minutes
# on a core, once); Tenzo in build/petsc-NAME. In place of the goal, run-check, another may be named: petsc.sh mpich all tests WERROR=1
set -eu
cd "$(dirname "$0")/.."
name=${1:-openmpi}; shift || true
VERSION=${VERSION:-3.26.1} DIR=${DIR:-$PWD/../petsc-build}
[ $# -gt 0 ] || set -- run-check

bash jobs/deps.sh "petsc-$name"
case $name in
openmpi | mpich)
  mkdir -p "$DIR"
  DIR=$(cd "$DIR" && pwd)
  if [ ! -d "$DIR/petsc-$VERSION" ]; then
    [ -s "$DIR/petsc-$VERSION.tar.gz" ] || python3 -m pip download --no-deps --no-binary :all: -d "$DIR" "petsc==$VERSION"
    tar -xzf "$DIR/petsc-$VERSION.tar.gz" -C "$DIR"
  fi
  export PETSC_DIR=$DIR/petsc-$VERSION PETSC_ARCH=arch-$name
  if [ ! -s "$PETSC_DIR/$PETSC_ARCH/lib/pkgconfig/PETSc.pc" ] || [ ! -e "$PETSC_DIR/$PETSC_ARCH/lib/libpetsc.so" ]; then
    (
      cd "$PETSC_DIR"
      ./configure "PETSC_ARCH=$PETSC_ARCH" "--with-cc=mpicc.$name" "--with-mpiexec=mpiexec.$name" --with-cxx=0 --with-fc=0 --with-debugging=1 --with-x=0 \
        --with-blaslapack-lib=-lopenblas
      make -j"$(nproc)" all
    )
  fi
  set -- "$@" "PETSC_DIR=$PETSC_DIR" "PETSC_ARCH=$PETSC_ARCH" "MPICC=mpicc.$name" "MPIEXEC=mpiexec.$name"
  ;;
debian) set -- "$@" PETSC_PKG=PETSc ;;
debian64) set -- "$@" PETSC_PKG=PETSc64 ;;
*)
  echo "petsc.sh $name: must be openmpi, mpich, debian or debian64" >&2
  exit 2
  ;;
esac
make -j"$(nproc)" BUILD="build/petsc-$name" "$@"
