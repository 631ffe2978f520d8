/*
  A training run: what happens at every step (history, validation, progress, checkpoint, signals) and at its end.

  Signals. SIGTERM or SIGUSR1 may arrive on one rank only: every step ends with the maximum of one byte over all ranks,
  so that all of them stop after the same step.
*/
#include "verb_run.h"
#include <petsctime.h>
#include <signal.h>
#include <sys/resource.h>

static volatile sig_atomic_t TzSignal = 0;

static void TzSignalHandler(int signal)
{
  TzSignal = signal;
}

/* What a checkpoint keeps: read when the options of the file to resume are in the database */
static PetscErrorCode TzRunGetKeptOptions(MPI_Comm comm, TzRunOptions *o)
{
  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of a training run: what is kept", "Tenzo");
  PetscCall(TzOptionsInt("-tz_checkpoint_every", "Steps between checkpoints; 0: only at the end", "TzVerbSolve", o->checkpoint, &o->checkpoint, NULL));
  PetscCall(TzOptionsInt("-tz_validate_every", "Steps between validations; 0: only at the end", "TzVerbSolve", o->validate, &o->validate, NULL));
  PetscOptionsEnd();
  PetscCheck(o->checkpoint >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_checkpoint_every %" PetscInt_FMT ": must be at least 0 steps", o->checkpoint);
  PetscCheck(o->validate >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_validate_every %" PetscInt_FMT ": must be at least 0 steps", o->validate);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetOptions(MPI_Comm comm, TzRunOptions *o, TzStore *restart)
{
  const char *text;

  PetscFunctionBegin;
  *o       = (TzRunOptions){.output = "tenzo.h5", .resume = "", .checkpoint = 100, .validate = 100, .progress = 5};
  *restart = NULL;
  PetscOptionsBegin(comm, NULL, "Options of a training run", "Tenzo");
  PetscCall(TzOptionsString("-tz_resume", "Checkpoint to go on from; its options hold unless given anew", "TzVerbSolve", o->resume, o->resume,
                            sizeof(o->resume), NULL));
  if (o->resume[0]) PetscCall(PetscStrncpy(o->output, o->resume, sizeof(o->output)));
  PetscCall(TzOptionsString("-tz_output", "HDF5 file for checkpoint, history and result; none: no file (default: the file resumed, or tenzo.h5)", "TzVerbSolve",
                            o->output, o->output, sizeof(o->output), NULL));
  PetscCall(TzOptionsBool("-tz_quiet", "No progress lines", "TzVerbSolve", o->quiet, &o->quiet, NULL));
  PetscCall(TzOptionsReal("-tz_progress_every", "Seconds between progress lines; 0: after every step", "TzVerbSolve", o->progress, &o->progress, NULL));
  PetscOptionsEnd();
  PetscCheck(o->progress >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_progress_every %g: must be at least 0 seconds", (double)o->progress);
  if (o->resume[0] && !TzOptionsHelpWanted()) {
    PetscCall(TzCheckpointOpen(comm, "-tz_resume", o->resume, restart));
    PetscCall(TzStoreGetText(*restart, "/options", &text));
    PetscCall(TzOptionsInsertText(text));
  }
  PetscCall(TzRunGetKeptOptions(comm, o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunCreateSolver(TzRun *run, TzNet net, TaoType type)
{
  PetscInt   n, lo, hi;
  PetscInt64 seed;
  PetscReal *theta, *x;

  PetscFunctionBegin;
  PetscCall(TzLossGetSeed(run->loss, &seed));
  PetscCall(TzLossGetNumParameters(run->loss, &n));
  PetscCall(VecCreateMPI(run->comm, PETSC_DECIDE, n, &run->x));
  PetscCall(VecGetOwnershipRange(run->x, &lo, &hi));
  PetscCall(PetscCalloc1(n, &theta)); /* a loss may have parameters of its own behind those of the network: they start from 0 */
  PetscCall(TzNetInitialize(net, seed, theta));
  PetscCall(VecGetArrayWrite(run->x, &x));
  PetscCall(PetscArraycpy(x, theta + lo, hi - lo));
  PetscCall(VecRestoreArrayWrite(run->x, &x));
  PetscCall(PetscFree(theta));
  run->c.sparse = net;
  PetscCall(TaoCreate(run->comm, &run->tao));
  PetscCall(TaoSetType(run->tao, type));
  PetscCall(TaoZOSetLoss(run->tao, run->loss));
  PetscCall(TaoSetSolution(run->tao, run->x));
  PetscCall(TaoSetFromOptions(run->tao));
  PetscCall(TaoGetType(run->tao, &type));
  PetscCall(TzOptionsDeclare("-tao_type", type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunViewText(PetscObject object, char **text)
{
  PetscViewer viewer;
  char       *buffer = NULL;
  size_t      size   = 0;
  FILE       *file   = open_memstream(&buffer, &size);

  PetscFunctionBegin;
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_SYS, "open_memstream failed");
  PetscCall(PetscViewerASCIIOpenWithFILE(PetscObjectComm(object), file, &viewer));
  PetscCall(PetscObjectView(object, viewer));
  PetscCall(PetscViewerFlush(viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  fclose(file);
  PetscCall(PetscStrallocpy(buffer, text));
  free(buffer);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Once all objects are set up: the options hold together, and are those of the file to resume. Fills c.options. */
PetscErrorCode TzRunCheckOptions(TzRun *run, TzStore restart)
{
  const char *text;

  PetscFunctionBegin;
  PetscCall(TzOptionsCheckUnused(run->comm));
  if (restart) {
    PetscCall(TzStoreGetText(restart, "/options", &text));
    PetscCall(TzOptionsCompareText(run->comm, text, NULL, run->o.resume));
  }
  if (strcmp(run->o.output, "none")) PetscCall(TzFileCheckWritable(run->comm, "-tz_output", run->o.output));
  PetscCall(TzOptionsGetText(&run->c.options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzRunSeconds(const TzRun *run, PetscReal *seconds)
{
  PetscLogDouble t;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t));
  *seconds = run->seconds0 + t - run->t0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta: the whole parameter vector, on every rank */
static PetscErrorCode TzRunGather(TzRun *run, const PetscReal **theta)
{
  PetscFunctionBegin;
  PetscCall(VecScatterBegin(run->all, run->x, run->theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(run->all, run->x, run->theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(run->theta, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzRunValidate(TzRun *run)
{
  const PetscReal *theta;

  PetscFunctionBegin;
  PetscCall(TzRunGather(run, &theta));
  PetscCall(TzLossValidate(run->loss, theta, &run->valid));
  PetscCall(VecRestoreArrayRead(run->theta, &theta));
  PetscCheck(run->valid.n == run->c.validation.ncol - 1, run->comm, PETSC_ERR_PLIB, "%" PetscInt_FMT " metrics, %" PetscInt_FMT " columns", run->valid.n,
             run->c.validation.ncol - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzRunRecordValidation(TzRun *run)
{
  PetscReal row[TZ_TABLE_MAX] = {run->c.step};

  PetscFunctionBegin;
  PetscCall(TzRunValidate(run));
  for (PetscInt i = 0; i < run->valid.n; i++) row[1 + i] = run->valid.value[i];
  PetscCall(TzTableAppend(&run->c.validation, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzRunProgress(TzRun *run, PetscReal lr, PetscReal seconds)
{
  const PetscInt done = run->c.step - run->step0;
  PetscInt       max;
  PetscLogDouble now;

  PetscFunctionBegin;
  PetscCall(PetscTime(&now));
  if (run->o.quiet || now - run->tprint < run->o.progress) PetscFunctionReturn(PETSC_SUCCESS);
  run->tprint = now;
  PetscCall(TaoGetMaximumIterations(run->tao, &max));
  PetscCall(PetscPrintf(run->comm, "step %" PetscInt_FMT "/%" PetscInt_FMT "  loss %.4e", run->c.step, max, (double)run->f));
  if (run->valid.n) PetscCall(PetscPrintf(run->comm, "  %s %.4e", run->valid.name[0], (double)run->valid.value[0]));
  PetscCall(PetscPrintf(run->comm, "  lr %.3e  queries %" PetscInt64_FMT "  forwards %.4g  elapsed %.0f s  left %.0f s\n", (double)lr, run->c.counts.queries,
                        (double)run->c.counts.forwards, (double)seconds, (now - run->t0) / PetscMax(done, 1) * PetscMax(max - run->c.step, 0)));
  if (!run->o.quiet) fflush(stdout);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Writes the checkpoint, but keeps the file as it is where the parameters have become useless: the loss that is known is
  that of the step's start, so it is asked once more (not counted: the history must not depend on checkpoints).
*/
static PetscErrorCode TzRunCheckpoint(TzRun *run)
{
  const PetscReal *theta;
  PetscReal        l;

  PetscFunctionBegin;
  if (!strcmp(run->o.output, "none") || run->kept == run->c.step) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(TzRunGather(run, &theta));
  PetscCall(TzLossSample(run->loss, run->c.step));
  PetscCall(TzLossObjective(run->loss, theta, &l));
  PetscCall(VecRestoreArrayRead(run->theta, &theta));
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts));
  if (PetscIsInfOrNanReal(l)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzCheckpointWrite(&run->c, "-tz_output", run->o.output));
  run->kept = run->c.step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by the solver after every step */
static PetscErrorCode TzRunMonitor(Tao tao, void *ctx)
{
  TzRun    *run = (TzRun *)ctx;
  PetscReal lr  = 0, seconds;
  PetscInt  step;

  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(tao, &step, &run->f, NULL, NULL, NULL, NULL));
  if (step <= run->c.step) PetscFunctionReturn(PETSC_SUCCESS); /* solvers with a line search report step 0 first */
  run->c.step = step;
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  if (run->ours) PetscCall(TaoZOGetLearningRate(tao, &lr));
  PetscCall(TzRunSeconds(run, &seconds));
  PetscCall(TzTableAppend(&run->c.history, (PetscReal[]){step, run->f, lr, (PetscReal)run->c.counts.queries, (PetscReal)run->c.counts.forwards, seconds}));
  if (run->o.validate && step % run->o.validate == 0) PetscCall(TzRunRecordValidation(run));
  PetscCall(TzRunProgress(run, lr, seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by the solver after the monitors: whether to go on */
static PetscErrorCode TzRunConverged(Tao tao, void *ctx)
{
  TzRun        *run  = (TzRun *)ctx;
  unsigned char stop = TzSignal != 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_UNSIGNED_CHAR, MPI_MAX, run->comm));
  if (stop) {
    run->stopped = PETSC_TRUE;
    PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  } else PetscCall(TaoDefaultConvergenceTest(tao, NULL));
  if (run->o.checkpoint && run->c.step > run->step0 && run->c.step % run->o.checkpoint == 0) PetscCall(TzRunCheckpoint(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunCreate(TzRun *run, PetscInt ncol, const char *const columns[], TzStore restart)
{
  static const char *const history[]           = {"step", "loss", "lr", "queries", "forwards", "seconds"};
  const char              *valid[TZ_TABLE_MAX] = {"step"};

  PetscFunctionBegin;
  for (PetscInt i = 0; i < ncol; i++) valid[1 + i] = columns[i];
  PetscCall(TzTableCreate(6, history, &run->c.history));
  PetscCall(TzTableCreate(ncol + 1, valid, &run->c.validation));
  PetscCall(VecScatterCreateToAll(run->x, &run->all, &run->theta));
  PetscCall(TzLossGetSeed(run->loss, &run->c.seed));
  run->c.solution = run->x;
  run->kept       = -1;
  PetscCall(TaoSetUp(run->tao));
  PetscCall(TaoZOIs(run->tao, &run->ours));
  if (run->ours) PetscCall(TaoZOGetState(run->tao, &run->c.solver));
  PetscCall(TaoMonitorSet(run->tao, TzRunMonitor, run, NULL));
  PetscCall(TaoSetConvergenceTest(run->tao, TzRunConverged, run));
  if (restart) {
    PetscCheck(run->ours, run->comm, PETSC_ERR_USER_INPUT, "-tz_resume %s: a solver of TAO's own keeps no state to go on from; use one of Tenzo's",
               run->o.resume);
    PetscCall(TzCheckpointRestore(&run->c, restart));
    PetscCall(TzLossSetCounts(run->loss, &run->c.counts));
    PetscCall(TaoZOSetStep(run->tao, run->c.step));
    run->step0 = run->c.step;
    run->kept  = strcmp(run->o.resume, run->o.output) ? -1 : run->c.step;
    if (run->c.history.n) run->seconds0 = run->c.history.col[5][run->c.history.n - 1];
    if (run->c.history.n) run->f = run->c.history.col[1][run->c.history.n - 1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -tao_test_gradient: TAO's own solvers test the exact gradient whenever they ask for it; for those of Tenzo it is tested once, at the start. */
static PetscErrorCode TzRunTestGradient(TzRun *run)
{
  PetscBool wanted;
  Vec       g;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tao_test_gradient", &wanted));
  if (!wanted || !run->ours) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(VecDuplicate(run->x, &g));
  PetscCall(TaoComputeGradient(run->tao, run->x, g));
  PetscCall(VecDestroy(&g));
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts)); /* the history must not depend on the test */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSolve(TzRun *run)
{
  const struct sigaction action = {.sa_handler = TzSignalHandler};

  PetscFunctionBegin;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  PetscCall(PetscTime(&run->t0));
  run->tprint = run->t0;
  if (!run->step0 && !run->c.validation.n && run->o.validate) PetscCall(TzRunRecordValidation(run));
  if (run->o.checkpoint) PetscCall(TzRunCheckpoint(run)); /* so that a file that cannot be written is noticed now */
  PetscCall(TzRunTestGradient(run));
  PetscCall(TaoSolve(run->tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzRunPrintResult(TzRun *run)
{
  const PetscReal *theta;
  PetscReal        seconds;
  PetscInt         n;
  PetscMPIInt      size;
  struct rusage    usage;
  double           rss;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(run->comm, &size));
  getrusage(RUSAGE_SELF, &usage);
  rss = (double)usage.ru_maxrss / 1024;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &rss, 1, MPI_DOUBLE, MPI_MAX, run->comm));
  PetscCall(TzRunSeconds(run, &seconds));
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(VecGetSize(run->x, &n));
  PetscCall(TzRunGather(run, &theta));
  PetscCall(PetscPrintf(run->comm, "RESULT"));
  for (PetscInt i = 0; i < run->valid.n; i++) PetscCall(PetscPrintf(run->comm, " %s=%.9g", run->valid.name[i], (double)run->valid.value[i]));
  PetscCall(PetscPrintf(run->comm,
                        " loss=%.9g steps=%" PetscInt_FMT " queries=%" PetscInt64_FMT " forwards=%" PetscInt64_FMT
                        " seconds=%.3f rss_mib=%.1f ranks=%d theta=%016llx\n",
                        (double)run->f, run->c.step, run->c.counts.queries, run->c.counts.forwards, (double)seconds, rss, size,
                        (unsigned long long)TzChecksum(n, theta)));
  PetscCall(VecRestoreArrayRead(run->theta, &theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunFinish(TzRun *run, int *code)
{
  TaoConvergedReason reason;
  char               kept[64] = "no file";

  PetscFunctionBegin;
  PetscCall(TaoGetConvergedReason(run->tao, &reason));
  if (reason == TAO_DIVERGED_NAN) {
    if (run->kept >= 0) PetscCall(PetscSNPrintf(kept, sizeof(kept), "the file keeps step %" PetscInt_FMT, run->kept));
    PetscCall(PetscFPrintf(run->comm, stderr, "tenzo: error: step %" PetscInt_FMT ": the loss is not finite any more (a smaller -zo_lr may help); %s\n",
                           run->c.step + 1, kept));
    *code = TZ_EXIT_DIVERGED;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzRunCheckpoint(run));
  if (run->stopped) {
    PetscCall(PetscPrintf(run->comm, "stopped by a signal after step %" PetscInt_FMT "; go on with -tz_resume %s\n", run->c.step, run->o.output));
    *code = TZ_EXIT_STOPPED;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzRunValidate(run));
  PetscCall(TzRunPrintResult(run));
  *code = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunDestroy(TzRun *run)
{
  PetscFunctionBegin;
  PetscCall(TzTableDestroy(&run->c.history));
  PetscCall(TzTableDestroy(&run->c.validation));
  PetscCall(VecScatterDestroy(&run->all));
  PetscCall(VecDestroy(&run->theta));
  PetscCall(PetscFree(run->c.options));
  PetscCall(PetscFree(run->c.net));
  PetscCall(PetscFree(run->c.pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}
