#!/bin/bash
# arm64.sh [COMMAND...] : Tenzo on a 64-bit ARM processor that is emulated (qemu-user), in a Debian 12 for it, from nothing: as root. Packages are installed
# in DIR (arm64-debian beside the source, once: some 20 minutes); Tenzo is compiled by a cross compiler against them, in build/arm64. Then, in it, COMMAND,
# or: the demo's first 8 steps by every instruction set, beside those of this machine, and all tests (hours).
#   bash jobs/arm64.sh mpirun -n 2 build/arm64/tests/test_kernels
. "$(dirname "$0")/chroot.sh"
mkdir -p "${DIR:=../arm64-debian}"
root=$(realpath "$DIR") build=build/arm64
bash jobs/deps.sh arm64
grep -qs enabled /proc/sys/fs/binfmt_misc/qemu-aarch64 || {
  mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
  cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register
}
debian "$root" arm64
inside "$root" bash jobs/deps.sh

# the compiler of this machine, the libraries of the other; links of that system that begin at its root must be found from outside
find "$root/usr/lib" "$root/etc/alternatives" -lname '/*' -print0 | while IFS= read -r -d '' link; do
  ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$root$(readlink "$link")")" "$link"
done
lib=$root/usr/lib/aarch64-linux-gnu
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$lib/pkgconfig:$root/usr/share/pkgconfig
make -j"$(nproc)" BUILD=$build MPICC="aarch64-linux-gnu-gcc --sysroot=$root -I$lib/openmpi/include -L$lib -lmpi" all tests
unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
if [ $# -gt 0 ]; then inside "$root" "$@"; exit; fi

# theta after 8 steps of the demo
demo() { "$@" solve -options_file jobs/demo.opts -tao_max_it 8 -tz_output none -tz_validation_points 10 | sed -n 's/^RESULT .*theta=//p'; }
make -j"$(nproc)" all
for isa in base avx2 avx512; do if here=$(TENZO_ISA=$isa demo build/tenzo 2>/dev/null); then echo "here, $isa: theta $here"; fi; done
for isa in base neon; do echo "arm64, $isa: theta $(demo inside "$root" env TENZO_ISA=$isa $build/tenzo)"; done
inside "$root" env BUILD=$build TZ_TIMEOUT=3600 bash tests/check.sh
