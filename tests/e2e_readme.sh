#!/bin/bash
# README names every option that -help prints: of every verb, and of every type of equation, network, estimator, rule, loss and solver. Every command in its
# blocks runs, in their order, in a folder that looks like the repository; training is cut to a few steps, and of the long ones (demo, check, another PETSc, the
# paper's tables) only what they name is looked at. Its longer examples of code are in e2e_install, e2e_plugins, e2e_library, e2e_export and e2e_python.
. "$(dirname "$0")/lib.sh"
readme=$root/README.md

help_of() { "$tenzo" "$@" -help 2>/dev/null | grep -oE '^ *-[a-z][a-z0-9_]+' | tr -d ' '; }
values() { "$tenzo" solve -help 2>/dev/null | grep -E "^ *-$1 " | sed 's/.*(one of)\(.*\)/\1/; s/(.*//' | tr -d ','; } # of an option that lists its types
{
  for verb in $("$tenzo" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do help_of "$verb"; done
  for t in $(values pde_type); do help_of solve -pde_type "$t"; done
  for t in zosgd zosign zocge zohybrid zoadam zogn zolls zoflops zofgw zostp zoscd tzsgd tzadam tzgn lmvm; do help_of solve -tao_type $t; done
  for t in dense ttm sparse mzi; do help_of solve -net_format $t; done
  for t in process shell; do help_of solve -net_type $t; done
  for t in fd forward; do help_of solve -deriv_type $t; done
  for t in hjb lqg heat allencahn; do help_of solve -pde_type $t -pde_conditions soft; done
  help_of solve -pde_type poisson -poisson_solution sine -pde_conditions soft
  help_of solve -pde_type lqr -lqr_problem rod
  help_of solve -rule_type mc
  help_of classify -loss_gradient local
} | sort -u | grep -vE '^-(tao_.*(add_terms|view|monitor|draw|fd_|mf_|test|catol|crtol|steptol|trust0|ls_|max_ls|lmvm|recycle|subset|converged_reason|cancel).*|mat_.*|sf_.*|vec.*|ksp.*|pc_.*)$' >names.txt
# PETSc's own are PETSc's to explain
ours=$(printf '%s|' tz pde net deriv rule loss zo mnist sim fd stein control round export tao $(values pde_type))
missing=''
n=0
while read -r name; do
  n=$((n + 1))
  case $name in # families
  -zo_phase2_*) known='-zo_phase2_' ;;
  -loss_*_points | -loss_*_weight) known="-loss_NAME_${name##*_}" ;;
  -*_matrix | -*_matrix_seed) known="_$(sed 's/^-[a-z0-9]*_//' <<<"$name")" ;;
  -allencahnball_* | -sinegordonball_*) known="-poisson_$(sed 's/^-[a-z0-9]*_//' <<<"$name")" ;; # as those of poisson
  *) known="$name" ;;
  esac
  grep -qE -- "$known([^a-z0-9_]|$)|$known\*" "$readme" || missing="$missing $name"
done < <(grep -E -- "^-(${ours%|})_" names.txt)
ok "README has all of $n options, but$missing" [ -z "$missing" ]
ok "options were found" [ $n -gt 100 ]

# --- commands ---
for path in $(grep -oE '(bash|python3|sbatch) [a-z0-9_/]+\.(sh|py|sbatch)' "$readme" | awk '{ print $2 }' | sort -u); do
  ok "$path, which README runs, is there" [ -s "$root/$path" ]
done
for target in $(grep -oE 'make [a-z][a-z-]+' "$readme" | awk '{ print $2 }' | sort -u); do
  grep -qE "^([a-z -]* )?$target( [a-z -]*)?:" "$root/Makefile" || case $target in its | of | terms | the) ;; *) ok "make $target, which README says, is there" false ;; esac
done
if [ -n "${PETSC_DIR:-}" ] || [ "${MPICC:-mpicc}" != mpicc ] || [ "${PETSC_PKG:-PETSc}" != PETSc ] || [ -n "${SAN:-}" ] || ! pkg-config --exists PETSc; then
  skip "the commands of README: they are for the PETSc and the compiler that the system has"
  finish
  exit
fi
mkdir bin build DIR
cp -r "$root/jobs" .
ln -s "$root"/{tests,include,Makefile} .
cp "$root"/tests/{example_run.c,plugins/sines.c} .
perl -e '
  for (["train", 80], ["t10k", 20]) {
    my ($name, $n) = @$_;
    open(F, ">", "DIR/$name-images-idx3-ubyte"); binmode F; print F pack("N4", 0x803, $n, 28, 28), map { chr(($_ * 7919) % 251) } 1 .. 784 * $n; close F;
    open(F, ">", "DIR/$name-labels-idx1-ubyte"); binmode F; print F pack("N2", 0x801, $n), map { chr($_ % 10) } 1 .. $n; close F;
  }
  for (["train", 80], ["test", 20]) { open(F, ">", "$$_[0].txt"); print F map { $_ % 3 . " " . $_ % 13 . " " . $_ % 7 . "\n" } 1 .. $$_[1]; close F; }'
cat >bin/tenzo <<'END'
#!/bin/bash
# the program, cut short: every training goes a step further than the one before (n: number of the command)
verb=${1:-}
case " $* " in
*' -help '*) short='' ;;
*) case $verb in
  solve | classify) short="-tao_max_it $n -tz_quiet" ;;
  simulate) short='-sim_paths 100 -sim_steps 10' ;;
  eval) short='-tz_points 20'; case "$*" in *check_paths*) short="$short -tz_check_paths 100" ;; esac ;;
  esac ;;
esac
case " $* " in *' -tz_resume '* | *' -help '*) ;; *) if [ "$verb" = solve ]; then short="$short -tz_validation_points 20"; fi ;; esac
exec "$program" "$@" $short
END
cat >bin/make <<'END'
#!/bin/bash
# the installation as it is; what is long is only looked at
case $1 in
install) exec /usr/bin/make -s -C "$root" install BUILD="$build" "${@:2}" ;;
demo | check | '') exec /usr/bin/make -n -C "$root" BUILD="$build" "$@" ;;
*) exec /usr/bin/make -v ;;
esac
END
printf '#!/bin/bash\nexec /bin/bash -n "${!#}"\n' >bin/sbatch
chmod +x bin/*
ln -s /usr/bin/python3 bin/python3 # Debian's
ln -s ../bin/tenzo build/tenzo
bash() { command bash -n "$1"; }
export n=1 program=$tenzo root build HOME=$work PATH=$work/bin:$PATH
/bin/bash -c 'exec tenzo solve -pde_type lqr -pde_dim 3 -tz_output lqr.h5' >lqr.txt 2>&1
plotting=$(python3 -c 'import h5py, matplotlib, numpy' 2>&1) || skip "commands of python3: ${plotting##*$'\n'}"
make install PREFIX="$HOME/tenzo" >install.txt 2>&1 # of which several blocks say that it is done
export PKG_CONFIG_PATH=$HOME/tenzo/lib/pkgconfig
while read -r command <&3; do
  case $command in *python3\ *) [ -z "$plotting" ] || continue ;; esac
  case $command in *./own\ *) export PETSC_OPTIONS='-tao_max_it 3 -tz_validation_points 20' ;; esac
  n=$((n + 1))
  eval "$command" >out.txt 2>&1
  code=$?
  unset PETSC_OPTIONS
  ok "README: $command: $(grep -E 'error' out.txt | head -n 1)" [ $code = 0 ]
done 3< <(awk '/^```/ { code = !code } !code && /^    [A-Za-z]/' "$readme" | sed 's/^    //; s/ *# .*//' |
  grep -E '^(bash|build/tenzo|cp|export|make|mpicc|mpirun|python3|sbatch|tenzo|[A-Z]+=[^ ]* .*bash) ?')
ok "README has $n commands" [ $n -gt 30 ]
finish
