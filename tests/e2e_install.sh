#!/bin/bash
# `make install`, then a program of a user's own: the equation of the README against the installed library.
. "$(dirname "$0")/lib.sh"

make -s -C "$root" install BUILD="$build" PREFIX="$work/usr/tenzo" SAN="${SAN:-}" >install.txt 2>&1
ok "make install" [ $? = 0 ]
for f in bin/tenzo lib/libtenzo.a lib/libtenzo.so lib/libtenzo.so.0.1 lib/pkgconfig/tenzo.pc include/tenzo/tenzo.h include/tenzo/private/tzcompat.h; do ok "installed $f" [ -s "usr/tenzo/$f" ]; done
usr/tenzo/bin/tenzo --version >version.txt 2>&1
ok "installed program" [ $? = 0 ]
ok "the README quotes tests/example_pde.c" same "$(sed -n '/^\/\* A user.s own equation: u_t + Lap u = 0/,/^```$/p' "$root/README.md" | sed '/^```$/,$d')" "$(cat "$root/tests/example_pde.c")"
ok "the README quotes tests/example_format.c" same "$(sed -n '/^\/\* A user.s own format/,/^```$/p' "$root/README.md" | sed '$d')" "$(cat "$root/tests/example_format.c")"
cat >own.c <<'END'
#include <tenzo.h>
#include "example_pde.c"
int main(int argc, char **argv)
{
  TzPDE          pde;
  PetscErrorCode ierr = TzInitialize(&argc, &argv, NULL);
  if (!ierr) ierr = PetscDLLibraryRegister_own();
  if (!ierr) ierr = TzPDECreate(PETSC_COMM_WORLD, &pde);
  if (!ierr) ierr = TzPDESetType(pde, "own");
  if (!ierr) ierr = TzPDESetUp(pde);
  if (!ierr) ierr = TzPDEDestroy(&pde);
  return TzExit(ierr, 0);
}
END
export PKG_CONFIG_PATH=$work/usr/tenzo/lib/pkgconfig
flags=$(pkg-config --cflags --libs tenzo)
ok "a program of one's own compiles" "${MPICC:-mpicc}" ${SAN:+-fsanitize=$SAN} -I"$root/tests" own.c -o own $flags
ok "... and runs" env LD_LIBRARY_PATH="$work/usr/tenzo/lib" ./own
flags=$(pkg-config --cflags --libs --static tenzo | sed 's/-ltenzo/-l:libtenzo.a/')
ok "... also against the static library" "${MPICC:-mpicc}" ${SAN:+-fsanitize=$SAN} -I"$root/tests" own.c -o own-static $flags
ok "... and runs alone" ./own-static
finish
