/*
  What ends a training run before its last step: signals, a time limit, an error or a loss that is small enough.

  A signal (SIGTERM, SIGUSR1), or the end of the time, may be noticed on one rank only: every step ends with the maximum of one byte over all ranks, so
  that all of them stop after the same step, for the same reason.
*/
#include "runimpl.h"
#include <petsctime.h>
#include <time.h>

#define SLURM_MARGIN 30 /* seconds before the end of a batch job that are left for the last checkpoint and for SLURM */

/* When the SLURM job ends, in seconds since 1970; 0 without one, or where it is not known. SLURM_JOB_END_TIME says it from release 23.02 on; before, squeue is
   asked, by the first rank alone (every step makes one decision of those of all ranks). */
static double JobEnd(PetscMPIInt rank)
{
  const char *end = getenv("SLURM_JOB_END_TIME"), *job = getenv("SLURM_JOB_ID");
  char        command[128], answer[32]                 = "";
  FILE       *squeue;

  if (end) return atof(end);
  if (rank || !job || !job[0] || strspn(job, "0123456789") != strlen(job)) return 0;
  if (snprintf(command, sizeof(command), "SLURM_TIME_FORMAT=%%s timeout 10 squeue -h -j %s -o %%e 2>/dev/null", job) >= (int)sizeof(command)) return 0;
  if (!(squeue = popen(command, "r"))) return 0;
  if (!fgets(answer, sizeof(answer), squeue)) answer[0] = 0;
  (void)pclose(squeue);
  return atof(answer); /* "NONE", "N/A" without a limit */
}

PetscErrorCode TzRunGetStopOptions(TzRun run)
{
  MPI_Comm      comm = PetscObjectComm((PetscObject)run);
  TzRunOptions *o    = &run->o;
  PetscBool     given;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of a training run: when it ends", "Tenzo");
  PetscCall(TzOptionsReal("-tz_time_limit",
                          "Seconds from its start after which the run writes a checkpoint and ends with exit code 75 (default: a SLURM job's)", "TzRunSolve",
                          o->limit, &o->limit, &given));
  PetscCall(TzOptionsReal("-tz_target_error", "Ends when the first figure of a validation is as small (accuracy: 1 - accuracy); 0: never", "TzRunSolve",
                          o->targeterror, &o->targeterror, NULL));
  PetscCall(TzOptionsReal("-tz_target_loss", "Ends when the loss of a step is as small; 0: never", "TzRunSolve", o->targetloss, &o->targetloss, NULL));
  PetscOptionsEnd();
  PetscCheck(!given || o->limit > 0, comm, PETSC_ERR_USER_INPUT, "-tz_time_limit %g: must be positive", (double)o->limit);
  PetscCheck(o->targeterror >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_target_error %g: must be at least 0", (double)o->targeterror);
  PetscCheck(o->targetloss >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_target_loss %g: must be at least 0", (double)o->targetloss);
  if (!given && strcmp(o->output, "none")) {
    PetscMPIInt rank;
    double      end, now;

    PetscCallMPI(MPI_Comm_rank(comm, &rank));
    end = JobEnd(rank);
    now = (double)time(NULL);
    if (end > now) o->limit = PetscMax(end - now - SLURM_MARGIN, 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether another step as long as the longest would end behind the limit */
static PetscErrorCode TimeIsOver(TzRun run, PetscBool *over)
{
  PetscLogDouble now;

  PetscFunctionBegin;
  PetscCall(PetscTime(&now));
  if (run->lasttime > 0) run->longest = PetscMax(run->longest, now - run->lasttime);
  run->lasttime = now;
  *over         = (PetscBool)(run->o.limit > 0 && now - run->born + run->longest > run->o.limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunStops(TzRun run, TzRunStop *stop)
{
  const PetscReal error = !run->valid.n ? PETSC_MAX_REAL : !strcmp(run->valid.name[0], "accuracy") ? 1 - run->valid.value[0] : run->valid.value[0];
  unsigned char   own   = TZ_STOP_NO;
  PetscBool       over;

  PetscFunctionBegin;
  PetscCall(TimeIsOver(run, &over));
  if (run->c.step > run->step0 && run->f <= run->o.targetloss) own = TZ_STOP_LOSS;
  if (run->validstep == run->c.step && error <= run->o.targeterror && run->o.targeterror > 0) own = TZ_STOP_ERROR;
  if (over) own = TZ_STOP_TIME;
  if (TzInterruptHeard()) own = TZ_STOP_SIGNAL;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &own, 1, MPI_UNSIGNED_CHAR, MPI_MAX, PetscObjectComm((PetscObject)run)));
  *stop = (TzRunStop)own;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *TzRunReason(TzRun run)
{
  static const char *const stops[] = {NULL, "target_loss", "target_error", "time_limit", "signal"};
  TaoConvergedReason       reason;

  if (run->stop) return stops[run->stop];
  if (TaoGetConvergedReason(run->tao, &reason)) return "unknown";
  switch (reason) {
  case TAO_DIVERGED_MAXITS: return "max_it";
  case TAO_DIVERGED_MAXFCN: return "max_funcs";
  case TAO_DIVERGED_NAN: return "nan";
  case TAO_DIVERGED_LS_FAILURE: return "line_search";
  case TAO_DIVERGED_TR_REDUCTION: return "trust_region";
  case TAO_CONVERGED_MINF: return "fmin";
  case TAO_CONVERGED_GATOL: return "gatol";
  case TAO_CONVERGED_GRTOL: return "grtol";
  case TAO_CONVERGED_GTTOL: return "gttol";
  case TAO_CONVERGED_STEPTOL: return "steptol";
  default: return reason ? "user" : "max_it"; /* none: not a single step was asked for */
  }
}
