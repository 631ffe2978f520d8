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
    if [ $code != 0 ] && [ $code != 124 ] && [ "$(lines "$work/err.txt")" = 1 ] && grep -q -- "^tenzo: error: .*$named" "$work/err.txt" &&
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
mistake '-tz_model FILE is needed' export
mistake '-tz_model.*good.txt' export -tz_model "$work/good.txt"
mistake '-export_format' export -tz_model "$work/good.h5" -export_format fortran
mistake '-export_precision half' export -tz_model "$work/good.h5" -export_precision half
mistake '-tz_output model.h5: must be the name of a C source file' export -tz_model "$work/good.h5" -tz_output model.h5
mistake '"3d" must be a name of C' export -tz_model "$work/good.h5" -tz_output 3d.c
mistake '-net_tt_rank' export -tz_model "$work/good.h5" -net_tt_rank 3
mistake '-zo_mu' eval -tz_model "$work/good.h5" -zo_mu 1
mistake '-pde_dim abc' solve -pde_dim abc
mistake '-pde_dim 0' solve -pde_dim 0
mistake '-pde_dim -3' solve -pde_dim -3
mistake '-pde_type' solve -pde_type nosuch
mistake '-net_tt_rank 0' solve -net_tt_rank 0
mistake '-net_tt_rank 1.5' solve -net_tt_rank 1.5
mistake '-net_format' solve -net_format cp
mistake '-net_activation' solve -net_activation step
mistake '-net_activation step: unknown' solve -net_activation sine,step
mistake '-net_weight_bits 1: must be 2 to 32' solve -net_weight_bits 1
mistake '-net_noise_weight -1\.\?: must be at least 0' solve -net_noise_weight -1
mistake '-net_noise_per step: no such option' solve -net_noise_per step
mistake '-deriv_type forward: this network .*has values only' solve -net_activation_bits 8 -deriv_type forward
mistake '-tao_type tzadam: needs exact gradients' solve -net_noise_value 1e-3 -tao_type tzadam
mistake '-net_precision half' solve -net_precision half
mistake '-net_precision single' solve -net_precision single -net_format ttm
mistake '-net_precision single' solve -net_precision single -deriv_type forward
mistake '-net_tt_bonds 4,4: has 1 layers' solve -net_tt_bonds 4,4
mistake '-net_tt_bonds.*layer 2 must be 9 ranks' solve -net_tt_bonds '4,4,4,4,4,4;4,4'
mistake '-net_tt_bonds.*ranks from 1 to 4096' solve -net_tt_bonds '4,4,0,4,4,4;4,4'
mistake '-net_tt_rank auto: must have -net_format tt or ttm' solve -net_format dense -net_layers 8,8 -net_tt_rank auto
mistake "-net_tt_rank auto: a solver of TAO's own" solve ${quick/-zo_lr 5e-3/} -net_tt_rank auto -tao_type lmvm
mistake '-net_tt_prior -1' solve -net_tt_rank auto -net_tt_prior -1
mistake '-net_tt_prior_steps -1' solve -net_tt_rank auto -net_tt_prior_steps -1
mistake '-net_tt_prune_every 0' solve -net_tt_rank auto -net_tt_prune_every 0
mistake '-net_tt_prune_below 1' solve -net_tt_rank auto -net_tt_prune_below 1
mistake '-net_tt_rank_max 0' solve -net_tt_rank auto -net_tt_rank_max 0
mistake '-net_tt_prior' solve -net_tt_prior 0.1
mistake '-tz_model FILE is needed' round
mistake '-round_tolerance 1' round -tz_model "$work/good.h5" -round_tolerance 1
mistake 'activation' solve $quick -tz_init "$work/good.h5" -net_activation tanh
mistake 'other hidden layers' solve $quick -net_layers 32,16 -tz_init "$work/good.h5"
mistake 'format sparse takes no parameters' solve $quick -net_format sparse -net_sparse_count 200 -tz_init "$work/good.h5"
mistake '-net_bias' solve $quick -net_bias no -tz_init "$work/good.h5"
mistake '5 inputs' solve $quick -pde_dim 5 -tz_init "$work/good.h5"
mistake '-net_layers' solve -net_layers 768,x
mistake '-net_layers' solve -net_layers 768,0
mistake '-net_tt_modes' solve -net_tt_modes '3,7|3,4,4,4,5;3,4,4,4,4|3,4,4,4,4'
mistake '-net_tt_modes' solve -net_tt_modes 'x'
mistake '-net_tt_modes.*is not the width 65536' solve -pde_dim 3 -net_layers 65536 -net_tt_rank 1 -net_tt_modes '2,2|65536,65537'
# more than PETSc's integers count, or, where they have 64 bits, than the machine has
mistake '-net_layers: layer 2 \(has \(2500000000 weights\|12505450000 numbers for an evaluation up to it\) in format dense, \(20.0\|100.0\) GB\|in format dense, .* needs [0-9]\)' solve -net_format dense -net_layers 50000,50000
mistake '-net_layers: layer 1 \(has 8192000000 numbers between its cores\|in format tt, numbers between its cores.* needs [0-9]\)' solve -net_layers 1000000,1000000 -net_tt_rank 4096
mistake '-net_layers: layer 2 \(has [0-9]* entries of its matrix\|in format tt, entries of its matrix.* needs [0-9]\)' solve -net_layers 1000000,1000000 -net_contraction dense
mistake '-net_layers: layer 2 \(has [0-9]* numbers between its halves\|in format ttm, numbers between its halves.* needs [0-9]\)' solve -net_format ttm -net_layers 1000000,1000000 -net_tt_rank 300
mistake '-net_layers: layer 3 \(has [0-9]* weights up to here\|in format sparse, weights up to here.* needs [0-9]\)' solve -net_format sparse -net_layers 100000,100000 -net_sparse_count 300000
mistake '-rule_level 2' solve -rule_level 2
mistake '-rule_level' solve -rule_level 0
mistake '-rule_type' solve -rule_type halton
mistake '-rule_samples' solve -rule_type mc -rule_samples 0
mistake '-rule_dim' solve $quick -deriv_type stein -rule_dim 7
mistake '-deriv_type' solve -deriv_type magic
mistake '-stein_sigma 0' solve -stein_sigma 0
mistake '-stein_sigma -1' solve -stein_sigma -1
mistake '-fd_step' solve -deriv_type fd -fd_step 0
mistake '-fd_subset -1' solve -deriv_type fd -fd_subset -1
mistake '-fd_subset 21: the equation has 20' solve -deriv_type fd -fd_subset 21
mistake '-fd_subset 3: .* mixed second derivatives' solve -deriv_type fd -fd_subset 3 -pde_type blackscholes -blackscholes_correlation 0.5
mistake '-fd_subset 3: the residual of -pde_type quadrotor is no sum' solve -deriv_type fd -fd_subset 3 -pde_type quadrotor -pde_dim 12
mistake '-loss_adaptive 4: with -fd_subset' solve -deriv_type fd -fd_subset 3 -loss_adaptive 4
mistake '-loss_points 0' solve -loss_points 0
mistake '-loss_sampler' solve -loss_sampler sobol
mistake '-loss_x0 1: .* must have -loss_sampler paths' solve -loss_x0 1
mistake '-tz_validation_sampler ball: the domain of the equation is a box' solve -tz_validation_sampler ball
mistake '-tz_validation_x0 1: .* must have -tz_validation_sampler paths' solve -tz_validation_x0 1
mistake '-loss_x0 1: the points of sampler ball start nowhere$' solve -pde_type exittime -loss_x0 1
mistake '-loss_data none.h5: ' solve $quick -loss_data none.h5
printf 'points\n0.1 0.2\nu\n3\n' >"$work/data.txt"
mistake '-loss_data: the matrix points has 2 columns; must have 3$' solve $quick -pde_dim 2 -loss_data "$work/data.txt"
mistake '-loss_data .*data.txt: has no array grad$' solve $quick -pde_dim 1 -loss_data "$work/data.txt" -loss_data_grad_points 5
printf 'points\n0.1 0.2\nu\n3\n4\n' >"$work/data.txt"
mistake '-loss_data: the matrix u has 2 rows; must have 1$' solve $quick -pde_dim 1 -loss_data "$work/data.txt"
mistake '-loss_data_points -1: must be at least 0' solve $quick -loss_data "$work/data.txt" -loss_data_points -1
mistake '-zo_mu 0' solve -zo_mu 0
mistake '-zo_mu' solve -zo_mu small
mistake '-zo_queries' solve -zo_queries 0
mistake '-zo_direction' solve -zo_direction north
mistake '-zo_lr' solve -zo_lr -1
mistake '-zo_lr_schedule' solve -zo_lr_schedule warm
mistake '-tao_type' solve -tao_type zozo
mistake '-tao_type nls: needs second derivatives' solve -tao_type nls
mistake '-tao_add_terms: ' solve -tao_add_terms reg_
mistake '-zo_queries' solve -zo_queries 2147483647
mistake '-zo_queries' solve -tao_type zogn -zo_queries 2147483647
mistake '-tz_validation_points 2147483647' solve -tz_validation_points 2147483647
mistake '-loss_points 2000000000' solve -loss_points 2000000000
mistake '-zo_mu 1e-300: is below the rounding' solve $quick -zo_mu 1e-300
mistake '-zo_mu 1e-300: is below the rounding' solve $quick -tao_type zogn -zo_mu 1e-300
for m in grasp zograsp; do # an infinite loss has no gradient to choose weights by
  mistake "-net_sparse_method $m: .* are not finite" solve $quick -pde_type heat -heat_nu 1e200 -net_format sparse -net_sparse_count 300 -net_sparse_method $m
done
mistake '-net_layers: layer 2 in format dense, .*: needs [0-9.]* GiB' solve -net_format dense -net_layers 46000,46000
mistake '-fd_step 1e-09' solve -deriv_type fd -fd_step 1e-9
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
mistake '-tao_type lmvm\|-tz_resume' solve -tz_resume "$work/good.h5" -tao_type lmvm
mistake '-tz_keep first' solve $quick -tz_keep first
mistake '-tz_keep best: needs validations' solve $quick -tz_keep best -tz_validate_every 0
mistake '-tz_best: .*was not written with -tz_keep' eval -tz_model "$work/good.h5" -tz_best
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

# numbers are what was written
mistake '-pde_dim 4294967299: \(must be\|needs .* GiB on every rank\)' solve -pde_dim 4294967299
mistake '-pde_dim 18446744073709551619: must be from' solve -pde_dim 18446744073709551619
mistake '-tz_seed 18446744073709551616: must be from' solve -tz_seed 18446744073709551616
mistake '-tao_max_it 9223372036854775808: must be from' solve -tao_max_it 9223372036854775808
mistake '-tao_max_funcs: its value is missing' solve -tao_max_funcs
mistake '-tao_gatol 1e-3x: must be a number' solve -tao_gatol 1e-3x
mistake '-pde_dim: its value is missing' solve -pde_dim -net_layers 8,8
mistake '-zo_lr: its value is missing' solve $quick -zo_lr
mistake '-zo_mu: its value is missing' solve -zo_mu -zo_lr 1e-3
mistake '-tz_seed: its value is missing' solve -tz_seed
mistake '-tz_output: its value is missing' solve -tz_output
mistake '-net_layers 8,,8' solve -net_layers 8,,8
mistake '-net_layers 8,8,' solve -net_layers 8,8,
mistake '-net_layers 8-10' solve -net_layers 8-10
mistake '-net_layers 1,1,.*at most' solve -net_layers 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
mistake '-zo_mu 1d-3: must be a number' solve -zo_mu 1d-3
mistake '-zo_mu inf: must be a number' solve -zo_mu inf
mistake '-zo_mu 0x1p-3: must be a number' solve -zo_mu 0x1p-3
mistake '-zo_mu 1e-400: does not fit' solve -zo_mu 1e-400
mistake '-net_activation: .*missing' solve -net_activation

# names: of no class that is used here
mistake '-ksp_type cg: no such option' solve $quick -ksp_type cg
mistake '-net_tt_rnak 3: no such option, or none that applies here; the nearest one is -net_tt_rank$' solve -net_tt_rnak 3
export PETSC_OPTIONS='-net_tt_rnak 3'
mistake '-net_tt_rnak 3: no such option' solve $quick
export PETSC_OPTIONS='-ksp_type cg'
on 2 solve $quick -tao_max_it 1 -tz_output none >out.txt 2>err.txt
ok "PETSC_OPTIONS of another class: the run ends well" [ $? = 0 ]
ok "... and warns" grep -q '^tenzo: warning: -ksp_type, from PETSC_OPTIONS' err.txt
mistake '-ksp_type' solve $quick -ksp_type cg
unset PETSC_OPTIONS

# files that PETSc would open too late, or read wrongly
for o in -history -citations -log_trace -tz_summary; do mistake "$o /missing/x: no directory /missing" solve $quick $o /missing/x; done
for o in -log_view -info -options_view; do mistake "$o :/missing/x: no directory /missing" solve $quick $o :/missing/x; done
mistake '-tao_view ascii:/missing/x: no directory' solve $quick -tao_view ascii:/missing/x
mistake "-log_view :$work:" solve $quick -log_view ":$work"
printf -- '-pde_dim 4\n-options_file %s\n' "$work/self.opts" >"$work/self.opts"
printf -- '-pde_dim 4\n-loss_points 3\0\n' >"$work/nul.opts"
printf 'pde_dim 4\n' >"$work/bad.yaml"
mistake 'self.opts: includes itself' solve -options_file "$work/self.opts"
mistake 'nul.opts: line 2 has a zero byte' solve -options_file "$work/nul.opts"
mistake 'options in YAML' solve -options_file "$work/bad.yaml"
mistake '-options_file: the name of a file is missing' solve -options_file
printf 'pde_dim: 4\nnet_layers: [8, 8]\nnet_tt_rank: 2\n' >"$work/good.yaml"
ok "an options file in YAML" on 1 solve -options_file "$work/good.yaml" -tao_max_it 1 -tz_output none -loss_points 2 -tz_validation_points 3 >out.txt 2>&1
"$tenzo" solve $quick -tz_quiet 0 -tz_progress_every 0 -tao_max_it 200 -tz_output none 2>err.txt | head -n 1 >out.txt
ok "standard output closed: exit code 2" [ "${PIPESTATUS[0]}" = 2 ]
remarks err.txt
ok "standard output closed: one line" test "$(cat err.txt)" = "tenzo: error: standard output could not be written to its end"

# a loss of 1e19, in which the network is lost: a step that tells nothing says so, once
flat="-pde_type lqr -lqr_q 1e9 -lqr_extension constant -zo_mu 1e-12 -tao_max_it 3 -tz_output none"
for n in 1 2; do
  on $n solve $quick $flat >out.txt 2>err.txt
  ok "differences that are all 0, $n ranks: one warning" [ "$(grep -c '^tenzo: warning: step 1: all 5 differences are exactly 0.*-zo_mu 1e-12' err.txt)" = 1 ]
  ok "... on a line of its own" [ "$(lines err.txt)" = 1 ]
done

"$tenzo" solve -pde_type lqg -pde_dim 250 -net_format dense -net_layers 2 -loss_points 1 -tz_validation_points 1 -tao_max_it 0 -tz_output none -tz_quiet >out.txt 2>err.txt
ok "a sparse grid of 126505 nodes: told before the run, with its memory and what is cheaper" \
  grep -q '^tenzo: warning: -rule_type smolyak: 126505 evaluations .*, some [0-9.e-]* s of a processor for each point of each query, [0-9.]* MB of nodes .* -deriv_type fd takes 503, .* -deriv_type forward' err.txt

# memory that the system refuses: one line, whatever asked for it
(ulimit -v 600000; "$tenzo" solve -tz_output none -tz_quiet -net_tt_rank 512 >out.txt 2>err.txt)
ok "out of memory: exit code 2" [ $? = 2 ]
ok "out of memory: one line" grep -q '^tenzo: error: out of memory ([0-9]* MiB are in use)' err.txt

# an options file that rank 0 alone finds wrong: no hang
on 2 solve -options_file "$work/two.opts" >out.txt 2>err.txt
code=$?
ok "options file with two options in a line" test $code != 0 -a $code != 124
ok "options file: the message" grep -q '^tenzo: error: .*two.opts line 1' err.txt
finish
