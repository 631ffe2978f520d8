#!/bin/bash
# Every mistake of a user: exit code not 0, one line on stderr that names the option, no file left behind; on 1 and 2 ranks.
. "$(dirname "$0")/lib.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # mpirun would wait a second after every exit code that is not 0

printf 'not an HDF5 file, but a text\n' >"$work/foreign.h5"
: >"$work/empty.h5"
printf '1 2 3\n' >"$work/short.txt"
printf -- '-pde_dim 4 -loss_points 3\n' >"$work/two.opts"
on 1 solve $quick -tao_max_it 5 -tz_output "$work/good.h5" >/dev/null 2>&1
head -c 3000 "$work/good.h5" >"$work/truncated.h5"
"$tenzo" grid -rule_dim 3 -tz_output "$work/other.h5" >/dev/null
mkdir "$work/here"

mistake() { # mistake NAMED ARGS... : NAMED must occur in the message
  local named=$1 n code; shift
  for n in 1 2; do
    (cd "$work/here" && on "$n" "$@" >"$work/out.txt" 2>"$work/err.txt"); code=$?
    if [ $code != 0 ] && [ $code != 124 ] && [ "$(wc -l <"$work/err.txt")" = 1 ] && grep -q -- "^tenzo: error: .*$named" "$work/err.txt" &&
      [ -z "$(ls -A "$work/here")" ]; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1)); echo "  FAILED on $n ranks: tenzo $* (exit code $code)"; head -n 5 "$work/err.txt"
      rm -rf "$work/here"; mkdir "$work/here"
    fi
  done
}

mistake 'verb'
mistake 'slove' slove
export TENZO_ISA=mmx
mistake 'TENZO_ISA=mmx: must be one of' solve
unset TENZO_ISA
mistake 'foo' solve foo
mistake '-pde_dim' solve -pde_dimm 4
mistake '-zo_lr' solve $quick -zo_lrr 1e-3
mistake '-stein_sigma' solve $quick -stein_sigma 0.1
mistake '-zo_mu' eval -tz_model "$work/good.h5" -zo_mu 1
mistake '-pde_dim abc' solve -pde_dim abc
mistake '-pde_dim 0' solve -pde_dim 0
mistake '-pde_dim -3' solve -pde_dim -3
mistake '-pde_type' solve -pde_type nosuch
mistake '-net_tt_rank 0' solve -net_tt_rank 0
mistake '-net_tt_rank 1.5' solve -net_tt_rank 1.5
mistake '-net_format' solve -net_format cp
mistake '-net_activation' solve -net_activation step
mistake '-net_precision half' solve -net_precision half
mistake '-net_precision single' solve -net_precision single -net_format ttm
mistake '-net_precision single' solve -net_precision single -deriv_type forward
mistake '-net_layers' solve -net_layers 768,x
mistake '-net_layers' solve -net_layers 768,0
mistake '-net_tt_modes' solve -net_tt_modes '3,7|3,4,4,4,5;3,4,4,4,4|3,4,4,4,4'
mistake '-net_tt_modes' solve -net_tt_modes 'x'
mistake '-rule_level 2' solve -rule_level 2
mistake '-rule_level' solve -rule_level 0
mistake '-rule_type' solve -rule_type halton
mistake '-rule_samples' solve -rule_type mc -rule_samples 0
mistake '-rule_dim' solve $quick -deriv_type stein -rule_dim 7
mistake '-deriv_type' solve -deriv_type magic
mistake '-stein_sigma 0' solve -stein_sigma 0
mistake '-stein_sigma -1' solve -stein_sigma -1
mistake '-fd_step' solve -deriv_type fd -fd_step 0
mistake '-loss_points 0' solve -loss_points 0
mistake '-loss_sampler' solve -loss_sampler sobol
mistake '-zo_mu 0' solve -zo_mu 0
mistake '-zo_mu' solve -zo_mu small
mistake '-zo_queries' solve -zo_queries 0
mistake '-zo_direction' solve -zo_direction north
mistake '-zo_lr' solve -zo_lr -1
mistake '-zo_lr_schedule' solve -zo_lr_schedule warm
mistake '-tao_type' solve -tao_type zozo
mistake '-tao_type nls: needs second derivatives' solve -tao_type nls
mistake '-zo_phase2' solve -tao_type zohybrid -zo_phase2 lmvm
mistake '-tao_max_it' solve -tao_max_it many
mistake '-tz_seed' solve -tz_seed -1
mistake '-tz_quiet' solve -tz_quiet maybe
mistake '-tz_checkpoint_every' solve -tz_checkpoint_every -1
mistake '-tz_validate_every' solve -tz_validate_every -1
mistake '-tz_progress_every' solve -tz_progress_every -1
mistake '-tz_partition' solve -tz_partition 5,5
mistake '-tz_partition' solve -tz_partition auto,1
mistake '-tz_output' solve $quick -tz_output /nowhere/at/all.h5
mistake '-tz_output' solve $quick -tz_output "$work/"
mistake '-options_file' solve -options_file /nowhere.opts
mistake '-tz_resume' solve -tz_resume /nowhere.h5
mistake '-tz_resume' solve -tz_resume "$work/foreign.h5"
mistake '-tz_resume' solve -tz_resume "$work/empty.h5"
mistake '-tz_resume' solve -tz_resume "$work/truncated.h5"
mistake '-tz_resume' solve -tz_resume "$work/other.h5"
mistake '-tz_resume' solve -tz_resume "$work"
mistake '-pde_dim 5.*-pde_dim 4' solve -tz_resume "$work/good.h5" -pde_dim 5
mistake '-net_tt_rank 3.*-net_tt_rank 2' solve -tz_resume "$work/good.h5" -net_tt_rank 3
mistake '-tz_seed 1' solve -tz_resume "$work/good.h5" -tz_seed 1
mistake '-tao_type zocge' solve -tz_resume "$work/good.h5" -tao_type zocge
mistake '-zo_lr' solve -tz_resume "$work/good.h5" -zo_lr 1e-4
mistake '-tz_model' eval
mistake '-tz_model' eval -tz_model /nowhere.h5
mistake '-tz_model' eval -tz_model "$work/truncated.h5"
mistake '-tz_points' eval -tz_model "$work/good.h5" -tz_points 0
mistake '-tz_points' eval -tz_model "$work/good.h5" -tz_points /nowhere.txt
mistake '-tz_points' eval -tz_model "$work/good.h5" -tz_points "$work/short.txt"
mistake '-tz_points' eval -tz_model "$work/good.h5" -tz_points "$work/other.h5"
mistake '-net_tt_rank' eval -tz_model "$work/good.h5" -net_tt_rank 5
mistake '-rule_dim' grid -rule_dim 0
mistake '-rule_level' grid -rule_dim 3 -rule_level 0
mistake '-tz_output' grid -rule_dim 3 -tz_output /nowhere/at/all.csv

# an options file that rank 0 alone finds wrong: no hang
on 2 solve -options_file "$work/two.opts" >out.txt 2>err.txt
code=$?
ok "options file with two options in a line" test $code != 0 -a $code != 124
ok "options file: the message" grep -q '^tenzo: error: .*two.opts line 1' err.txt
finish
