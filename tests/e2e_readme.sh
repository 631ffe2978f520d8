#!/bin/bash
# README names every option that -help prints: of every verb, and of every type of equation, network, estimator, rule, loss and solver.
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
} | sort -u | grep -vE '^-(tao_.*(view|monitor|draw|fd_|mf_|test|catol|crtol|steptol|trust0|ls_|max_ls|lmvm|recycle|subset|converged_reason|cancel).*|mat_.*|sf_.*|vec.*|ksp.*|pc_.*)$' >names.txt
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
finish
