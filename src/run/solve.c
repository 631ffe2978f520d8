/*
  The steps of a training run: what happens at every one (history, validation, progress, checkpoint, signals) and at the end.

  Signals. SIGTERM or SIGUSR1 may arrive on one rank only: every step ends with the maximum of one byte over all ranks,
  so that all of them stop after the same step.
*/
#include "runimpl.h"
#include <petsctime.h>
#include <signal.h>
#include <sys/resource.h>

static volatile sig_atomic_t Signal = 0;

static void Handler(int signal)
{
  Signal = signal;
}

static PetscErrorCode Seconds(TzRun run, PetscReal *seconds)
{
  PetscLogDouble t;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t));
  *seconds = run->seconds0 + t - run->t0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row of the table of validations, whose columns are step and the loss's own figures */
static PetscErrorCode RecordValidation(TzRun run)
{
  TzTable    *table              = &run->c.validation;
  TzMetrics  *m                  = &run->valid;
  const char *name[TZ_TABLE_MAX] = {"step"};
  PetscReal   row[TZ_TABLE_MAX]  = {0};

  PetscFunctionBegin;
  PetscCall(TzRunValidate(run, m));
  for (PetscInt i = 0; i < m->n; i++) name[1 + i] = m->name[i];
  if (!table->ncol) PetscCall(TzTableCreate(m->n + 1, name, table));
  for (PetscInt c = 0; c < table->ncol; c++) {
    if (!strcmp(table->name[c], "step")) row[c] = run->c.step;
    for (PetscInt i = 0; i < m->n; i++) {
      if (!strcmp(table->name[c], m->name[i])) row[c] = m->value[i];
    }
  }
  PetscCall(TzTableAppend(table, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Progress(TzRun run, PetscReal lr, PetscReal seconds)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)run);
  const PetscInt done = run->c.step - run->step0;
  PetscInt       max;
  PetscLogDouble now;

  PetscFunctionBegin;
  PetscCall(PetscTime(&now));
  if (run->o.quiet || now - run->tprint < run->o.progress) PetscFunctionReturn(PETSC_SUCCESS);
  run->tprint = now;
  PetscCall(TaoGetMaximumIterations(run->tao, &max));
  PetscCall(PetscPrintf(comm, "step %" PetscInt_FMT "/%" PetscInt_FMT "  loss %.4e", run->c.step, max, (double)run->f));
  if (run->valid.n) PetscCall(PetscPrintf(comm, "  %s %.4e", run->valid.name[0], (double)run->valid.value[0]));
  PetscCall(PetscPrintf(comm, "  lr %.3e  queries %" PetscInt64_FMT "  forwards %.4g  elapsed %.0f s  left %.0f s\n", (double)lr, run->c.counts.queries,
                        (double)run->c.counts.forwards, (double)seconds, (now - run->t0) / PetscMax(done, 1) * PetscMax(max - run->c.step, 0)));
  fflush(stdout);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Writes the checkpoint, but keeps the file as it is where the parameters have become useless: the loss that is known is
  that of the step's start, so it is asked once more (not counted: the history must not depend on checkpoints).
*/
static PetscErrorCode Checkpoint(TzRun run)
{
  const PetscReal *theta;
  PetscInt         n;
  PetscReal        l;

  PetscFunctionBegin;
  if (!strcmp(run->o.output, "none") || run->kept == run->c.step) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzLossSample(run->loss, run->c.step));
  PetscCall(TzLossObjective(run->loss, theta, &l));
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts));
  if (PetscIsInfOrNanReal(l)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzCheckpointWrite(&run->c, "-tz_output", run->o.output));
  run->kept = run->c.step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by the solver after every step */
static PetscErrorCode Monitor(Tao tao, void *ctx)
{
  TzRun     run = (TzRun)ctx;
  PetscReal lr  = 0, seconds;
  PetscInt  step;

  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(tao, &step, &run->f, NULL, NULL, NULL, NULL));
  if (step <= run->c.step) PetscFunctionReturn(PETSC_SUCCESS); /* solvers with a line search report step 0 first */
  run->c.step = step;
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  if (run->ours) PetscCall(TaoZOGetLearningRate(tao, &lr));
  PetscCall(Seconds(run, &seconds));
  PetscCall(TzTableAppend(&run->c.history, (PetscReal[]){step, run->f, lr, (PetscReal)run->c.counts.queries, (PetscReal)run->c.counts.forwards, seconds}));
  if (run->o.validate && step % run->o.validate == 0) PetscCall(RecordValidation(run));
  PetscCall(Progress(run, lr, seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by the solver after the monitors: whether to go on */
static PetscErrorCode Converged(Tao tao, void *ctx)
{
  TzRun         run  = (TzRun)ctx;
  unsigned char stop = Signal != 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_UNSIGNED_CHAR, MPI_MAX, PetscObjectComm((PetscObject)run)));
  if (stop) {
    run->stopped = PETSC_TRUE;
    PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  } else PetscCall(TaoDefaultConvergenceTest(tao, NULL));
  if (run->o.checkpoint && run->c.step > run->step0 && run->c.step % run->o.checkpoint == 0) PetscCall(Checkpoint(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSetUpSolve(TzRun run)
{
  static const char *const history[] = {"step", "loss", "lr", "queries", "forwards", "seconds"};
  const char              *impossible;

  PetscFunctionBegin;
  PetscCall(TzTableCreate(PETSC_STATIC_ARRAY_LENGTH(history), history, &run->c.history));
  PetscCall(VecScatterCreateToAll(run->x, &run->all, &run->theta));
  run->c.problem  = ((PetscObject)run)->type_name;
  run->c.seed     = run->seed;
  run->c.solution = run->x;
  run->c.network  = run->net;
  PetscCall(TaoSetUp(run->tao));
  PetscCall(TaoZOIs(run->tao, &run->ours));
  if (run->ours) PetscCall(TaoZOGetState(run->tao, &run->c.solver));
  PetscCall(TaoMonitorSet(run->tao, Monitor, run, NULL));
  PetscCall(TaoSetConvergenceTest(run->tao, Converged, run));
  if (!run->from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(run->ours, PetscObjectComm((PetscObject)run), PETSC_ERR_USER_INPUT,
             "-tz_resume %s: a solver of TAO's own keeps no state to go on from; use one of Tenzo's", run->file);
  PetscCall(TzCheckpointRestore(&run->c, run->from, run->file));
  PetscCall(TaoZOCheckState(run->tao, &impossible));
  PetscCheck(!impossible, PetscObjectComm((PetscObject)run), PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: /solver/%s is out of its range", run->file, impossible);
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts));
  PetscCall(TaoZOSetStep(run->tao, run->c.step));
  run->step0 = run->c.step;
  run->kept  = strcmp(run->file, run->o.output) ? -1 : run->c.step;
  if (run->c.history.n) run->seconds0 = run->c.history.col[5][run->c.history.n - 1];
  if (run->c.history.n) run->f = run->c.history.col[1][run->c.history.n - 1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -tao_test_gradient: TAO's own solvers test the exact gradient whenever they ask for it; for those of Tenzo it is tested once, at the start. */
static PetscErrorCode TestGradient(TzRun run)
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

static PetscErrorCode PrintResult(TzRun run)
{
  const MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  const PetscReal *theta;
  PetscReal        seconds;
  PetscInt         n;
  PetscMPIInt      size;
  struct rusage    usage;
  double           rss;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  getrusage(RUSAGE_SELF, &usage);
  rss = (double)usage.ru_maxrss / 1024;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &rss, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscCall(Seconds(run, &seconds));
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(PetscPrintf(comm, "RESULT"));
  for (PetscInt i = 0; i < run->valid.n; i++) PetscCall(PetscPrintf(comm, " %s=%.9g", run->valid.name[i], (double)run->valid.value[i]));
  PetscCall(PetscPrintf(comm,
                        " loss=%.9g steps=%" PetscInt_FMT " queries=%" PetscInt64_FMT " forwards=%" PetscInt64_FMT
                        " seconds=%.3f rss_mib=%.1f ranks=%d theta=%016llx\n",
                        (double)run->f, run->c.step, run->c.counts.queries, run->c.counts.forwards, (double)seconds, rss, size,
                        (unsigned long long)TzChecksum(n, theta)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The end: last checkpoint, last line, exit code */
static PetscErrorCode Finish(TzRun run, int *code)
{
  const MPI_Comm     comm = PetscObjectComm((PetscObject)run);
  TaoConvergedReason reason;
  char               kept[64] = "no file";

  PetscFunctionBegin;
  PetscCall(TaoGetConvergedReason(run->tao, &reason));
  if (reason == TAO_DIVERGED_NAN) {
    if (run->kept >= 0) PetscCall(PetscSNPrintf(kept, sizeof(kept), "the file keeps step %" PetscInt_FMT, run->kept));
    PetscCall(PetscFPrintf(comm, stderr, "tenzo: error: step %" PetscInt_FMT ": the loss is not finite any more (a smaller -zo_lr may help); %s\n",
                           run->c.step + 1, kept));
    *code = TZ_EXIT_DIVERGED;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Checkpoint(run));
  if (run->stopped) {
    PetscCall(PetscPrintf(comm, "stopped by a signal after step %" PetscInt_FMT "; go on with -tz_resume %s\n", run->c.step, run->o.output));
    *code = TZ_EXIT_STOPPED;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzRunValidate(run, &run->valid));
  PetscCall(PrintResult(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSolve(TzRun run, int *code)
{
  const struct sigaction action = {.sa_handler = Handler, .sa_flags = SA_RESTART};

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunSetUp(run));
  if (TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  PetscCall(PetscTime(&run->t0));
  run->tprint = run->t0;
  if (!run->step0 && !run->c.validation.n && run->o.validate) PetscCall(RecordValidation(run));
  if (run->o.checkpoint) PetscCall(Checkpoint(run)); /* so that a file that cannot be written is noticed now */
  PetscCall(TestGradient(run));
  PetscCall(TaoSolve(run->tao));
  PetscCall(Finish(run, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
