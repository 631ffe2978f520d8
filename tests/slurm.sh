#!/bin/bash
# The batch job on a cluster of two virtual nodes ($TZ_SHARED/slurm): by srun and by mpirun; signalled, requeued and resumed, and in
# pieces of a minute, it gives the uninterrupted result, bit by bit.
. "$(dirname "$0")/lib.sh"
shared=$TZ_SHARED/slurm
if [ ! -d "$shared" ] || ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null || [ "$(id -u)" != 0 ]; then
  skip "no $shared, no slurmctld or munged, or not root"
  finish
  exit
fi
cluster=$work/cluster
chmod 755 "$work" # munged wants to be reached by all
trap 'bash "$shared/stop.sh" "$cluster"; rm -rf "$work"' EXIT
timeout 60 bash "$shared/start.sh" "$cluster" 2 $((20000 + $$ % 20000)) >start.txt 2>&1 || { cat start.txt; skip "the cluster did not start"; finish; exit; }
export SLURM_CONF=$cluster/slurm.conf OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
unset OMPI_MCA_rmaps_base_oversubscribe
export TENZO=$tenzo

echo "$quick -tao_type zosign -zo_momentum 0.9 -tao_max_it 3000 -tz_checkpoint_every 100 -tz_validate_every 1000" | sed 's/ -\([a-z]\)/\n-\1/g' >quick.opts
on 1 solve -options_file quick.opts -tz_output whole.h5 >whole.txt 2>&1
whole=$(field theta whole.txt)
ok "the uninterrupted run" [ -n "$whole" ]
state() { timeout 5 scontrol -o show job "$1" | grep -o 'JobState=[A-Z]*'; }
await() { for _ in $(seq 4000); do eval "$1" && return 0; sleep 0.2; done; echo "  waited in vain for: $1"; return 1; }

for launch in srun mpirun; do
  export TZ_LAUNCH=$launch TZ_OPTS=quick.opts
  job=$(TZ_OUT=$launch.h5 timeout 10 sbatch --parsable -o "$launch.txt" "$root/jobs/hjb20.sbatch")
  await '[ "$(state $job)" = JobState=COMPLETED ]'
  ok "$launch on two nodes: theta" same "$whole" "$(grep ^RESULT "$launch.txt" | sed 's/.*theta=//')"
  ok "$launch on two nodes: 4 ranks" grep -q '^RESULT .* ranks=4 ' "$launch.txt"
  ok "$launch on two nodes: history" same "$(digest whole.h5)" "$(digest "$launch.h5")"

  job=$(TZ_OUT=$launch-cut.h5 timeout 10 sbatch --parsable -o "$launch-cut.txt" "$root/jobs/hjb20.sbatch")
  await '[ -s $launch-cut.h5 ]'
  timeout 5 scancel --signal=USR1 --batch "$job"
  await 'grep -q "^exit code 75" $launch-cut.txt'
  ok "$launch: signalled: exit code 75" grep -q '^exit code 75' "$launch-cut.txt"
  await '[ "$(state $job)" = JobState=COMPLETED ]'
  ok "$launch: requeued: second start from the checkpoint" grep -q "^start 1 on .*-tz_resume $launch-cut.h5" "$launch-cut.txt"
  ok "$launch: resumed: theta" same "$whole" "$(grep ^RESULT "$launch-cut.txt" | tail -n 1 | sed 's/.*theta=//')"
  ok "$launch: resumed: history" same "$(digest whole.h5)" "$(digest "$launch-cut.h5")"
  [ "$failed" = 0 ] || cat "$launch.txt" "$launch-cut.txt"
done

# a job of less time than its work, with no option but that: as often as it needs. 250 large validations on one rank are a work of 45 seconds at least
sed -e "s/^-tz_validate_every .*/-tz_validate_every 20/; s/^-tz_validation_points .*/-tz_validation_points 1000000/; s/^-tao_max_it .*/-tao_max_it 5000/" quick.opts >slow.opts
export TZ_LAUNCH=srun TZ_OPTS=slow.opts TZ_OUT=pieces.h5
timeout 10 sbatch --time=1 --nodes=1 --ntasks-per-node=1 --parsable -o pieces.txt "$root/jobs/hjb20.sbatch" >job.txt
limit=900 on 1 solve -options_file slow.opts -tz_output slow.h5 >slow.txt 2>&1
await '[ "$(state $(cat job.txt))" = JobState=COMPLETED ]'
ok "a limit shorter than the work: in $(grep -c '^start ' pieces.txt) pieces" [ "$(grep -c '^start ' pieces.txt)" -ge 2 ]
ok "... each ended before its limit, by the program itself" same "$(grep -c '^stopped by the time limit' pieces.txt)" "$(($(grep -c '^start ' pieces.txt) - 1))"
ok "... theta" same "$(field theta slow.txt)" "$(grep ^RESULT pieces.txt | tail -n 1 | sed 's/.*theta=//')"
ok "... history" same "$(digest slow.h5)" "$(digest pieces.h5)"
[ "$failed" = 0 ] || cat pieces.txt
finish
