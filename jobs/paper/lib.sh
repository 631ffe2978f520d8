# For the table scripts: networks, estimators, and `row`, which makes the runs of one row of a table.
#
# Environment (defaults):
#   SEEDS   seeds of a row ("0 1 2 3 4")          ROWS    which rows, a pattern ("*")
#   RANKS   ranks of a run (1)                    BUDGET  seconds a run may take; then it stops with a checkpoint (0: no limit)
#   OUT     HDF5 files of the runs (jobs/paper/out)   TENZO   the program (build/tenzo)
# A run that is done is not run again; one that stopped goes on from its checkpoint when the script is called with a larger BUDGET.
# As a SLURM array (sbatch --array=0-9 table4.sh ...) each task takes every tenth run.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TENZO=${TENZO:-$here/../../build/tenzo}
SEEDS=${SEEDS:-0 1 2 3 4}
ROWS=${ROWS:-*}
RANKS=${RANKS:-1}
BUDGET=${BUDGET:-0}
OUT=${OUT:-$here/out}
RESULTS=$here/results
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

hjb="-pde_type hjb -pde_dim 20 -loss_sampler box"
tt4="-net_format tt -net_tt_rank 4 -net_layers 768,768"
tt10="-net_format tt -net_tt_rank 10 -net_layers 768,768"
mlp="-net_format dense -net_layers 768,768"
ad="-deriv_type forward"
fd="-deriv_type fd -fd_step 0.01"
se="-deriv_type stein -stein_sigma 0.1 -rule_type mc -rule_samples 512"
se128="-deriv_type stein -stein_sigma 0.1 -rule_type mc -rule_samples 128"
sg="-deriv_type stein -stein_sigma 0.1 -rule_type smolyak -rule_level 3"

# many N STEPS POINTS FACTOR: N directions a step for an estimate that small slopes show in, a rate that falls by 300 or 1,000, and a mu whose bias
# mu tr(H)/2 is below the gradient even where the loss is 1e-6
many() { echo "-tao_type zosign -zo_queries $1 -zo_mu 1e-6 -zo_lr 1.5e-3 -zo_momentum 0.9 -zo_lr_schedule exponential -zo_lr_factor $4 -zo_lr_every $2 -tao_max_it $2 -loss_points $3 -tz_validate_every 500"; }

task=0
# row TABLE NAME PAPER OPTIONS...: PAPER is the paper's figure, or -. Writes results/TABLE/NAME.sSEED.txt: the command and the RESULT line.
# The verb is $VERB, or solve.
row() {
  local table=$1 name=$2 paper=$3 verb=${VERB:-solve} seed file h5 start code
  shift 3
  case $name in $ROWS) ;; *) return 0 ;; esac
  mkdir -p "$RESULTS/$table" "$OUT/$table"
  for seed in $SEEDS; do
    task=$((task + 1))
    if [ -n "${SLURM_ARRAY_TASK_ID:-}" ] && [ $((task % SLURM_ARRAY_TASK_COUNT)) != "$((SLURM_ARRAY_TASK_ID % SLURM_ARRAY_TASK_COUNT))" ]; then continue; fi
    file=$RESULTS/$table/$name.s$seed.txt
    h5=$OUT/$table/$name.s$seed.h5
    if [ -f "$file" ] && { grep -q '^status done' "$file" || [ "$(sed -n 's/^budget //p' "$file")" = "$BUDGET" ]; }; then continue; fi
    start=("$verb" "$@" -tz_seed "$seed" -tz_output "$h5")
    if [ -f "$h5" ]; then start=("$verb" -tz_resume "$h5" -tz_output "$h5"); fi
    echo "$table $name seed $seed"
    TIMEFORMAT='processor %U'
    { time launch "${start[@]}"; } > "$file.log" 2>&1
    code=$?
    {
      echo "row $table $name"
      echo "paper $paper"
      echo "command tenzo $verb $* -tz_seed $seed"
      echo "ranks $RANKS"
      echo "budget $BUDGET"
      if [ $code = 0 ] && grep -q '^RESULT' "$file.log"; then echo "status done"; elif [ $code = 75 ]; then echo "status stopped"; else echo "status failed $code: $(grep -v '^processor' "$file.log" | tail -n 1)"; fi
      [ ! -f "$h5" ] || echo "parameters $(h5dump -H -d /theta "$h5" | sed -n 's/.*SIMPLE { ( \([0-9]*\) .*/\1/p')"
      if [ $code = 75 ]; then stopped "$h5"; else grep '^RESULT' "$file.log"; fi
      [[ " ${start[*]} " == *" -tz_resume "* ]] || grep '^processor' "$file.log" # seconds of its processors; of one that was resumed there are only the last
    } > "$file.part"
    rm -f "$file.log"
    mv "$file.part" "$file"
    grep -E '^(RESULT|status)' "$file" | tail -n 1
  done
}

# The RESULT line of a run that stopped: its checkpoint, evaluated on 1,000 points of the validation set, or on as many as the run had by option
stopped() {
  local counts points
  points=$(h5dump -d /options "$1" | sed -n 's/^ *-tz_validation_points \([0-9]*\).*/\1/p')
  counts=$(h5dump -y -w 0 -d /counts "$1" | sed -n 's/^ *\([0-9]*\), \([0-9]*\), .*/queries=\1 forwards=\2/p')
  "$TENZO" eval -tz_model "$1" -tz_points "${points:-1000}" -tz_output "$1.eval" | sed -n "s/^\(RESULT.*\) \(points\|images\)=.*/\1 steps=$(h5dump -y -d /step "$1" | tr -dc '0-9\n' | tail -n 4 | tr -d '\n') $counts seconds=$BUDGET/p"
  rm -f "$1.eval"
}

# origins TABLE [ROWS]: a line `origin` with u(0,0), d + 1 zeros, in the results of every run that has none yet and whose file is there
origins() {
  local table=$1 rows=${2:-*} file h5 d points
  for file in "$RESULTS/$table"/$rows.txt; do
    h5=$OUT/$table/$(basename "${file%.txt}").h5
    if [ ! -f "$h5" ] || grep -q "^origin" "$file"; then continue; fi
    d=$(sed -n 's/^command.*-pde_dim \([0-9]*\).*/\1/p' "$file")
    points=$(mktemp)
    for ((i = 0; i <= d; i++)); do printf '0 '; done > "$points"
    echo >> "$points"
    "$TENZO" eval -tz_model "$h5" -tz_points "$points" -tz_output "$points.h5" > /dev/null && echo "origin $(h5dump -y -d /u -m %.10g "$points.h5" | grep -E '^ *[0-9.-]+' | tr -d ' ')" >> "$file"
    rm -f "$points" "$points.h5"
  done
}

launch() {
  local run=("$TENZO")
  [ "$RANKS" = 1 ] || run=(mpirun -n "$RANKS" "$TENZO")
  [ "$BUDGET" = 0 ] || run=(timeout --preserve-status -s USR1 -k 120 "$BUDGET" "${run[@]}")
  "${run[@]}" "$@" -tz_quiet
}
