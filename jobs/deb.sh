#!/bin/bash
# deb.sh : builds the Debian package (make deb) and tries it in a clean Debian 12, from nothing: as root, in some minutes. There, the demo's first
# 10 steps must end in the same parameters as here, on 1 and 2 ranks, and the equation of README's own must compile with the installed library.
. "$(dirname "$0")/chroot.sh"
bash jobs/deps.sh chroot
build=$PWD/build/package
make -j"$(nproc)" BUILD="$build" deb

root=$(mktemp -d /var/tmp/tenzo-deb.XXXXXX)
chmod 755 "$root"
trap 'rm -rf "$root"' EXIT
debian "$root" "$(dpkg --print-architecture)"
inside "$root" apt-get -q update
inside "$root" apt-get -q install -y --no-install-recommends "$build"/tenzo_*.deb openmpi-bin

# demo COMMAND... : the checksum of the parameters after ten steps
demo() { "$@" solve -options_file /usr/share/doc/tenzo/examples/demo.opts -tao_max_it 10 -tz_output none | sed -n 's/^RESULT .*theta=//p'; }
same() { # same WHAT THETA
  echo "$1: theta $2"
  [ "$2" = "$here" ] || { echo "here: theta $here" >&2; exit 1; }
}
here=$("$build/tenzo" solve -options_file jobs/demo.opts -tao_max_it 10 -tz_output none | sed -n 's/^RESULT .*theta=//p')
[ -n "$here" ]
same "in the chroot, 1 rank" "$(demo inside "$root" tenzo)"
same "in the chroot, 2 ranks" "$(demo inside "$root" mpirun -n 2 tenzo)"

# what the package suggests, and a compiler
inside "$root" bash -c "apt-get -q install -y --no-install-recommends gcc libc6-dev \$(dpkg-query -W -f '\${Suggests}' tenzo | tr -d ,)"
inside "$root" bash -c 'mpicc -O2 -shared -fPIC tests/example_pde.c -o /tmp/libown.so $(pkg-config --cflags tenzo) &&
  tenzo solve -dll_append /tmp/libown.so -pde_type own -pde_dim 3 -net_layers 8,8 -deriv_type forward -tao_max_it 5 -tz_output none' | grep ^RESULT
zcat "$root"/usr/share/man/man{1/tenzo.1,3/tzpde.h.3}.gz | grep '^\.TH'
inside "$root" apt-get -q purge -y tenzo
[ -z "$(find "$root/usr" -iname '*tenzo*')" ]
echo "deb.sh: done"
