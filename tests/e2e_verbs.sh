#!/bin/bash
# What the verbs print and write: grid, eval, help, the installed library.
. "$(dirname "$0")/lib.sh"

# --- grid: the counts of the literature, on 1 and 2 ranks; the same nodes in a text file and in HDF5 ---
nodes() { on "$1" grid -rule_dim "$2" -rule_level "$3" | tail -n 1 | sed -n 's/^nodes=\([0-9]*\) .*/\1/p'; }
ok "grid 21, level 3: 925 nodes" same 925 "$(nodes 1 21 3)"
ok "grid 21, level 3: 925 nodes on 2 ranks" same 925 "$(nodes 2 21 3)"
ok "grid 5, level 4: 241 nodes" same 241 "$(nodes 1 5 4)"
ok "grid 3, level 5: 165 nodes" same 165 "$(nodes 1 3 5)"
ok "grid 101, level 3: 20605 nodes" same 20605 "$(nodes 1 101 3)"
on 1 grid -rule_dim 21 -tz_output g.csv >/dev/null
on 2 grid -rule_dim 21 -tz_output g.txt >/dev/null
ok "grid: csv and txt have the same numbers" same "$(grep -v '^#' g.csv | tr ',' ' ' | md5sum)" "$(grep -v '^#' g.txt | md5sum)"
ok "grid: one line a node" [ "$(grep -vc '^#' g.csv)" = 925 ]
ok "grid: the weights sum to 1" awk -F, '!/^#/ {s += $1} END {exit !(s - 1 < 1e-9 && 1 - s < 1e-9)}' g.csv

# --- -tz_summary: the RESULT line as JSON ---
on 2 solve $quick -tao_max_it 5 -tz_output none -tz_summary sum.json >solve.txt 2>&1
ok "summary: theta" same "$(field theta solve.txt)" "$(sed -n 's/^  "theta": "\(.*\)",$/\1/p' sum.json)"
ok "summary: reason and steps" [ "$(grep -cE '^  "(reason": "max_it"|steps": 5),$' sum.json)" = 2 ]
if command -v python3 >/dev/null; then ok "summary: JSON" python3 -c 'import json; json.load(open("sum.json"))["mse"]'; fi

# --- eval: the validation set gives the figures of solve, on any number of ranks ---
on 1 solve $quick -tao_max_it 100 -tz_output model.h5 >solve.txt 2>&1
on 1 eval -tz_model model.h5 -tz_points 200 -tz_output one.h5 >one.txt 2>&1
on 3 eval -tz_model model.h5 -tz_points 200 -tz_output three.h5 >three.txt 2>&1
close() { awk -v a="$1" -v b="$2" 'BEGIN {d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= 1e-7 * a)}'; } # 9 digits are printed
for f in mse rel_l2 max; do ok "eval: $f as solve printed it" close "$(field $f solve.txt)" "$(field $f one.txt)"; done
ok "eval: theta" same "$(field theta solve.txt)" "$(field theta one.txt)"
ok "eval: 3 ranks write the same bits" h5diff -q one.h5 three.h5
# threads: the same numbers, also where PETSc traces memory, which is not thread safe; the seed is that of the random mask, too
threads() { on 1 solve $quick -deriv_type stein -tao_max_it 3 -tz_output none "$@" 2>&1 | sed 's/.*theta=//'; }
one=$(threads)
ok "4 threads: theta of one" same "$one" "$(threads -net_threads 4)"
ok "4 threads with -malloc_debug: theta of one" same "$one" "$(threads -net_threads 4 -malloc_debug)"
for s in 0 1; do on 1 solve $quick -net_format sparse -net_sparse_count 200 -tz_seed $s -tao_max_it 1 -tz_output mask$s.h5 >mask$s.txt 2>&1; done
ok "-tz_seed: another mask" [ "$(h5diff mask0.h5 mask1.h5 /mask 2>&1 | grep -c differences)" = 1 ]
# the same points from a file: by HDF5, and by text with 17 digits
on 2 eval -tz_model model.h5 -tz_points one.h5 -tz_output again.h5 >again.txt 2>&1
ok "eval: points from HDF5" h5diff -q one.h5 again.h5
h5dump -m %.17g -d /points -y -w 0 one.h5 | sed -n '/DATA {/,/}/p' | grep -v '[{}]' | tr -d ' ' | tr ',' '\n' | sed '/^$/d' | paste -d ' ' - - - - - >points.txt
on 1 eval -tz_model model.h5 -tz_points points.txt -tz_output text.h5 >text.txt 2>&1
ok "eval: points from a text" h5diff -q one.h5 text.h5
on 1 eval -tz_model model.h5 -tz_points 10 -deriv_type stein -tz_output stein.h5 >stein.txt 2>&1
ok "eval: another estimator may be tried on a model" [ $? = 0 ]

# --- eval -tz_check_paths: paths need no reference, and find the error of a model that has learned nothing; the same on any number of ranks ---
on 1 eval -tz_model model.h5 -tz_points 3 -tz_check_paths 200 -tz_output paths1.h5 >paths.txt 2>&1
on 3 eval -tz_model model.h5 -tz_points 3 -tz_check_paths 200 -tz_output paths3.h5 >paths3.txt 2>&1
ok "paths: a line for each point" [ "$(grep -cE '^point [0-9]+: u .*, by 200 paths .* \+- ' paths.txt)" = 3 ]
ok "paths: 3 ranks write the same bits" h5diff -q paths1.h5 paths3.h5
on 1 eval -tz_model model.h5 -tz_points 3 -tz_check_paths 1 -tz_output paths1.h5 >out.txt 2>err.txt
ok "paths: one is not enough" test $? = 2 -a "$(lines err.txt)" = 1

# --- eval: points where the network was not trained are told, points where there is no equation are mistakes ---
paths="-pde_type allencahn -pde_dim 3 -loss_sampler paths -net_layers 8 -net_format dense -deriv_type forward -tao_max_it 1 -tz_quiet -tz_validation_points 100"
on 1 solve $paths -tz_output where.h5 >out.txt 2>&1
printf '0 0 0 0\n0 0 0 0.3\n0.1 0 0 0\n0.3 0.1 0 0.2\n3 3 3 0.1\n' >where.txt # paths start at 0: at t = 0 they are nowhere else
for n in 1 3; do
  on $n eval -tz_model where.h5 -tz_points where.txt -tz_output out.h5 >out.txt 2>err.txt
  ok "eval: 2 of 5 points are where no training was, $n ranks" [ "$(grep -c 'tenzo: warning: .* 2 of 5 points, the first is number 2' err.txt)" = 1 ]
done
on 1 eval -tz_model where.h5 -tz_points 2000 -tz_output out.h5 >out.txt 2>err.txt
ok "eval: no warning for points of the sampler" [ ! -s err.txt ]
# the same parameters, trained in the box and validated along paths, are where eval finds them along paths
rel() { sed -n 's/^RESULT .* rel_l2=\([^ ]*\) .*/\1/p' "$1"; }
for n in 1 2; do on $n solve ${paths/paths/box} -tz_validation_sampler paths -tz_validation_x0 0.2:0.4 -tz_output apart$n.h5 >apart$n.txt 2>&1; done
on 2 eval -tz_model apart1.h5 -tz_points 100 -tz_output out.h5 >out.txt 2>&1
on 1 eval -tz_model apart1.h5 -tz_points 100 -tz_validation_sampler box -tz_output out.h5 >box.txt 2>&1
on 1 solve ${paths/paths/box} -tz_output box.h5 >boxed.txt 2>&1
ok "validation apart: ranks agree, eval has it from the file" [ -n "$(rel out.txt)" -a "$(rel out.txt)" = "$(rel apart1.txt)" -a "$(rel out.txt)" = "$(rel apart2.txt)" ]
ok "validation apart: the box is another figure, that of a run without the option" [ "$(rel box.txt)" != "$(rel out.txt)" -a "$(rel boxed.txt)" != "$(rel out.txt)" ]
mistake() { # mistake MODEL POINT WORDS
  printf "$2\n" >where.txt
  on 2 eval -tz_model "$1" -tz_points where.txt -tz_output out.h5 >out.txt 2>err.txt
  ok "eval: $3" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c "$3" err.txt)" = 1
}
mistake where.h5 "0 0 0 0.4" "has t = 0.4; must be in"
on 1 solve ${paths/allencahn/exittime} -loss_sampler auto -tz_output ball.h5 >out.txt 2>&1
mistake ball.h5 "0 1 0.1" "is outside the ball of the equation"
mistake ball.h5 "0 0 0 0" "line 1: 4 numbers; must be 3"
mistake ball.h5 "0 0 x" "line 1: not a number"

# --- pde: every equation is listed, with its domain and options; each passes its check, the same on any number of ranks ---
on 2 pde >pde.txt 2>&1
for t in $(sed -n 's/^  type: //p' pde.txt); do
  on 2 pde -pde_type "$t" -tz_points 2 >check2.txt 2>&1
  ok "pde -pde_type $t" [ $? = 0 ]
done
on 1 pde -pde_type "$t" -tz_points 2 >check.txt 2>&1
ok "pde -pde_type $t on 1 and 2 ranks" same "$(grep ^CHECK check.txt)" "$(grep ^CHECK check2.txt)"
ok "pde names the options of a type" grep -q -- '-lqg_extension constant' pde.txt

# --- help and versions ---
on 2 --version >v.txt 2>&1
ok "--version: one line on 2 ranks" [ "$(wc -l <v.txt)" = 1 ]
ok "--help names every verb" [ "$(on 1 --help | grep -cE '^  (solve|eval|grid) ')" = 3 ]
on 1 solve -help >h.txt 2>&1
for o in -pde_dim -net_tt_rank -rule_level -stein_sigma -loss_points -zo_mu -tao_max_it -tz_seed -tz_output; do
  ok "solve -help documents $o" grep -q -- "^  $o[ :]" h.txt
done
ok "-help starts no run" [ ! -e tenzo.h5 ]
printf -- '-pde_dim 4 # comment\n-tao_max_it 1\n' >o.opts
PETSC_OPTIONS="-tz_seed 7" on 2 solve -options_file o.opts $quick -tz_output e.h5 >e.txt 2>&1
ok "options from a file and from the environment" grep -q '^RESULT .* steps=1 ' e.txt
on 1 solve $quick -tao_max_it 1 -tz_output none -log_view :log.txt -options_left no -malloc_dump -tao_view -tao_monitor -tao_converged_reason >p.txt 2>&1
ok "PETSc's own options are no mistake" [ $? = 0 ]
ok "-log_view shows the loss" grep -q TzLoss log.txt

# --- the exact gradient against PETSc's differences, whose rounding is about 1e-8 of the loss; the test leaves the run as it is ---
small="-pde_dim 3 -net_layers 8,8 -net_tt_rank 2 -loss_points 10 -deriv_type forward -tz_quiet -tz_output none -tz_validation_points 10 -tao_max_it 2"
for n in 1 2; do
  on $n solve $small -tao_type tzadam >plain.txt 2>&1
  on $n solve $small -tao_type tzadam -tao_test_gradient >tested.txt 2>&1
  ok "-tao_test_gradient on $n ranks" awk '/2-norm/ {bad = !($6 + 0 < 1e-6); seen = 1} END {exit bad || !seen}' tested.txt
  ok "-tao_test_gradient on $n ranks: the same run" same "$(field theta plain.txt) $(field queries plain.txt)" "$(field theta tested.txt) $(field queries tested.txt)"
done
# --- -tz_monitor: the history as the run goes on ---
for n in 1 2; do
  rm -f m.h5 monitor.h5 a.*
  on $n solve $quick -tao_max_it 30 -tz_validate_every 10 -tz_checkpoint_every 20 -tz_monitor ascii:a.txt,draw:a.ppm,hdf5 -tz_output m.h5 >m.txt 2>&1
  ok "-tz_monitor, $n ranks: ascii has a line for each step, the last with the RESULT's loss" test "$(grep -c '^step .* loss .* lr .* queries ' a.txt)" = 30 -a \
    "$(tail -n 1 a.txt | awk '{ printf "%.6e", $4 }')" = "$(field loss m.txt | awk '{ printf "%.6e", $1 }')"
  ok "... draw an image" test "$(head -c 2 a.ppm)" = P6
  for table in history validation; do ok "... hdf5 the $table of the checkpoint" h5diff -q m.h5 monitor.h5 /$table /$table; done
  on $n solve $quick -tao_max_it 2 -tz_monitor ascii -tz_output none >m.txt 2>&1
  ok "... ascii alone prints" test "$(grep -c '^step [12]  loss ' m.txt)" = 2
  for wrong in 'draw:there is no display' 'foo:must be some of' 'ascii,ascii:must be some of' 'draw.x.png:PETSc draws to FILE.ppm' 'hdf5.m.h5:is the file of -tz_output'; do
    kind=${wrong%%:*}
    DISPLAY='' on $n solve $quick -tz_monitor "${kind/./:}" -tz_output m.h5 >out.txt 2>err.txt
    ok "-tz_monitor $kind, $n ranks: one line" test $? = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c "^tenzo: error: -tz_monitor .*${wrong#*:}" err.txt)" = 1
  done
done
finish
