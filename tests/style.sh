#!/bin/bash
# Functions under 60 lines, lines of at most 160 columns, formatted by .clang-format. Prints what is not.
cd "$(dirname "$0")/.." || exit 1
bad=0
complain() { echo "style: $*"; bad=$((bad + 1)); }

while read -r file; do
  while read -r text; do complain "$text"; done < <(awk -v f="$file" '
    length($0) > 160 {printf "%s:%d: %d columns (at most 160)\n", f, NR, length($0)}
    /[ \t]$/ {printf "%s:%d: blanks at the end\n", f, NR}
    /^[A-Za-z].*\)$/ {head = NR; name = $0}
    /^\{$/ && head == NR - 1 {start = head}
    /^\}$/ && start {if (NR - start + 1 >= 60) printf "%s:%d: %d lines (under 60): %s\n", f, start, NR - start + 1, name; start = 0}' "$file")
  if command -v clang-format >/dev/null; then
    clang-format --dry-run --Werror "$file" >/dev/null 2>&1 || complain "$file: clang-format would change it"
  fi
done < <(git ls-files '*.c' '*.h' '*.inc' 2>/dev/null || find include src meshes pde solvers tests -name '*.[ch]' -o -name '*.inc')
# options are declared through tzoptions.h, which reads strictly and records
while read -r line; do complain "$line: TzOptions... and TzOptionItems, not PETSc's own"; done < <(
  grep -nE '\bPetscOptions(Int|Real|Bool|String|Enum|EList|FList|IntArray|RealArray)\(|\bPetscOptionItems\b' -r include src meshes pde solvers \
    --include='*.[ch]' | grep -v '^src/sys/optionsread.c\|^include/tzoptions.h\|^include/private/tzcompat.h' | cut -d: -f1,2)
# names that not every release of PETSc has, or means in the same way (private/tzcompat.h)
while read -r line; do complain "$line: not in every PETSc: see private/tzcompat.h"; done < <(
  grep -nE '\b(PetscIgnoreErrorHandler|TaoSetMonitor|MPIU_BOOL|MPIU_Allreduce)\b' -r include src meshes pde solvers tests --include='*.[ch]' |
    grep -v '^include/private/tzcompat.h' | cut -d: -f1,2)
[ $bad = 0 ] && echo "style: nothing to complain about"
[ $bad = 0 ]
