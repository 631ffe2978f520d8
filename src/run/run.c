/*
  A training run, or the evaluation of a checkpoint: its options, its objects and their life. The steps: solve.c; the problems:
  problem_pde.c, problem_classifier.c.
*/
#include "runimpl.h"
#include <private/tzkernels.h>
#include <petsctime.h>

#define SAMPLE 500 /* points for -net_first_covariance */

/* all types: a new one is one file and one row */
static const TzTypeRow TzRunTable[] = {
  TZ_TYPE(TZRUNPDE, TzRunCreate_PDE),
  TZ_TYPE(TZRUNCLASSIFIER, TzRunCreate_Classifier),
  {NULL, NULL},
};

static PetscErrorCode Reset(PetscObject);

PetscClassId   TZRUN_CLASSID = 0;
static TzClass TzRunClass =
  {.name = "Tenzo run", .id = &TZRUN_CLASSID, .option = "TzRunSetType()", .types = TzRunTable, .events = TzRunRegisterStages, .reset = Reset};

PetscErrorCode TzRunCreate(MPI_Comm comm, TzRun *newrun)
{
  TzRun run;

  PetscFunctionBegin;
  PetscCall(TzRegisterAll());
  PetscCall(TzClassRegisterAll(&TzRunClass));
  PetscCall(TzOptionsRecord());
  PetscCall(PetscHeaderCreate(run, TZRUN_CLASSID, "TzRun", "Training run", "Run", comm, TzRunDestroy, TzRunView));
  run->o      = (TzRunOptions){.output = "tenzo.h5", .checkpoint = 100, .validate = 100, .progress = 5};
  run->trains = PETSC_TRUE;
  run->kept = run->lock = run->validstep = -1;
  PetscCall(PetscTime(&run->born));
  PetscCall(TzRunSetType(run, TZRUNPDE));
  *newrun = run;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objects of the problem, and what was made from them */
static PetscErrorCode Reset(PetscObject obj)
{
  TzRun run = (TzRun)obj;

  PetscFunctionBegin;
  PetscCall(TzInterruptListenEnd());
  PetscCall(TzRunMonitorsDestroy(run));
  PetscCall(TzFileRelease(run->o.output, &run->lock));
  PetscTryTypeMethod(run, destroy);
  PetscCall(VecScatterDestroy(&run->all));
  PetscCall(VecDestroy(&run->theta));
  PetscCall(VecDestroy(&run->x));
  PetscCall(TaoDestroy(&run->tao));
  PetscCall(TzLossDestroy(&run->loss));
  PetscCall(TzDerivDestroy(&run->deriv));
  PetscCall(TzNetDestroy(&run->net));
  PetscCall(TzPDEDestroy(&run->pde));
  PetscCall(TzTableDestroy(&run->c.history));
  PetscCall(TzTableDestroy(&run->c.validation));
  PetscCall(PetscFree(run->bonds));
  PetscCall(PetscFree(run->origin));
  PetscCall(PetscFree(run->fresh));
  PetscCall(TzRegionDestroy(&run->c.region));
  PetscCall(VecDestroy(&run->c.best.solution));
  PetscCall(PetscFree(run->changes));
  PetscCall(PetscFree(run->c.segments));
  PetscCall(PetscFree(run->c.options));
  PetscCall(PetscFree(run->c.net));
  PetscCall(PetscFree(run->c.pde));
  run->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunDestroy(TzRun *run)
{
  PetscBool last;

  PetscFunctionBegin;
  PetscCall(TzClassRelease(&TzRunClass, (PetscObject *)run, &last));
  if (!last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStoreDestroy(&(*run)->from));
  PetscCall(PetscHeaderDestroy(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSetType(TzRun run, TzRunType type)
{
  PetscFunctionBegin;
  PetscCall(TzClassSetType(&TzRunClass, run, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetType(TzRun run, TzRunType *type)
{
  PetscFunctionBegin;
  *type = ((PetscObject)run)->type_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* run->from: the checkpoint, its options in the database */
static PetscErrorCode Open(TzRun run, const char option[], const char file[])
{
  const char *text;

  PetscFunctionBegin;
  PetscCall(TzStoreDestroy(&run->from));
  run->option = option;
  PetscCall(PetscStrncpy(run->file, file, sizeof(run->file)));
  PetscCall(TzCheckpointOpen(PetscObjectComm((PetscObject)run), option, file, &run->from));
  PetscCall(TzStoreGetText(run->from, "/options", &text));
  PetscCall(TzOptionsInsertText(PetscObjectComm((PetscObject)run), option, file, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kernels of another instruction set round otherwise: no error, but no bit by bit */
static PetscErrorCode CompareKernels(TzRun run)
{
  const char *isa = TzKernelsGet()->name, *old = isa;
  PetscBool   has;

  PetscFunctionBegin;
  PetscCall(TzStoreHas(run->from, "/versions/isa", &has));
  if (has) PetscCall(TzStoreGetText(run->from, "/versions/isa", &old));
  if (strcmp(isa, old))
    PetscCall(PetscPrintf(PetscObjectComm((PetscObject)run),
                          "%s was written with the kernels %.20s, these are %s: last bits will differ (TENZO_ISA=%.20s asks for those)\n", run->file, old, isa,
                          old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunLoad(TzRun run, const char option[], const char file[])
{
  const char *problem;

  PetscFunctionBegin;
  run->trains = PETSC_FALSE;
  if (TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Open(run, option, file));
  PetscCall(TzCheckpointGetProblem(run->from, &problem));
  PetscCall(TzRunSetType(run, problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a training run: where it writes, what it goes on from */
static PetscErrorCode GetRunOptions(TzRun run)
{
  MPI_Comm      comm                       = PetscObjectComm((PetscObject)run);
  TzRunOptions *o                          = &run->o;
  char          resume[PETSC_MAX_PATH_LEN] = "";
  const char   *problem, *own = ((PetscObject)run)->type_name;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of a training run", "Tenzo");
  PetscCall(
    TzOptionsString("-tz_resume", "Checkpoint to go on from; its options hold unless given anew", "TzRunSetFromOptions", resume, resume, sizeof(resume), NULL));
  if (resume[0]) PetscCall(PetscStrncpy(o->output, resume, sizeof(o->output)));
  PetscCall(TzOptionsString("-tz_output", "HDF5 file for checkpoint, history and result; none: no file (default: the file resumed, or tenzo.h5)",
                            "TzRunSetFromOptions", o->output, o->output, sizeof(o->output), NULL));
  PetscCall(TzOptionsBool("-tz_overwrite", "A file that has the name of the output is replaced, not kept as FILE~", "TzRunSetFromOptions", o->overwrite,
                          &o->overwrite, NULL));
  PetscCall(TzOptionsString("-tz_init", "Checkpoint whose parameters are those to start from; nothing else is taken from it", "TzRunSetFromOptions", run->init,
                            run->init, sizeof(run->init), NULL));
  PetscCall(TzOptionsString("-tz_summary", "File for the figures of the RESULT line as JSON", "TzRunSolve", o->summary, o->summary, sizeof(o->summary), NULL));
  PetscCall(TzOptionsString("-tz_monitor", "The history as the run goes on, some of ascii[:FILE], draw[:FILE.ppm], hdf5[:FILE], separated by commas",
                            "TzRunSolve", o->monitor, o->monitor, sizeof(o->monitor), NULL));
  PetscCall(TzOptionsBool("-tz_quiet", "No progress lines", "TzRunSolve", o->quiet, &o->quiet, NULL));
  PetscCall(TzOptionsReal("-tz_progress_every", "Seconds between progress lines; 0: after every step", "TzRunSolve", o->progress, &o->progress, NULL));
  PetscOptionsEnd();
  PetscCheck(o->progress >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_progress_every %g: must be at least 0 seconds", (double)o->progress);
  if (!resume[0] || TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Open(run, "-tz_resume", resume));
  PetscCall(TzCheckpointGetProblem(run->from, &problem));
  PetscCheck(!strcmp(problem, own), comm, PETSC_ERR_USER_INPUT, "-tz_resume %s: the file of a run of type %s, this one is of type %s", resume, problem, own);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a checkpoint keeps: read when the options of the file to resume are in the database */
static PetscErrorCode GetKeptOptions(TzRun run)
{
  static const char *const keep[] = {"last", "best", "both"};

  MPI_Comm      comm = PetscObjectComm((PetscObject)run);
  TzRunOptions *o    = &run->o;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of a training run: what is kept", "Tenzo");
  PetscCall(TzOptionsInt("-tz_checkpoint_every", "Steps between checkpoints; 0: only at the end", "TzRunSolve", o->checkpoint, &o->checkpoint, NULL));
  PetscCall(TzOptionsEList("-tz_keep",
                           "Which parameters the file keeps beside the last, with which a run goes on: those of the best validation, to be evaluated (best) or "
                           "beside (both)",
                           "TzRunSolve", keep, 3, keep[o->keep], &o->keep, NULL));
  PetscCall(TzOptionsInt("-tz_validate_every", "Steps between validations; 0: only at the end", "TzRunSolve", o->validate, &o->validate, NULL));
  PetscOptionsEnd();
  PetscCheck(o->checkpoint >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_checkpoint_every %" PetscInt_FMT ": must be at least 0 steps", o->checkpoint);
  PetscCheck(o->keep == TZ_KEEP_LAST || o->validate > 0, comm, PETSC_ERR_USER_INPUT, "-tz_keep %s: needs validations on the way (-tz_validate_every)",
             keep[o->keep]);
  run->c.keep = o->keep == TZ_KEEP_LAST ? NULL : keep[o->keep];
  PetscCheck(o->validate >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_validate_every %" PetscInt_FMT ": must be at least 0 steps", o->validate);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetSeed(TzRun run)
{
  PetscInt64 seed = run->seed;

  PetscFunctionBegin;
  PetscOptionsBegin(PetscObjectComm((PetscObject)run), NULL, "Problem options", "Tenzo");
  PetscCall(TzOptionsInt64("-tz_seed", "Seed of every random number (>= 0)", "TzRunSetFromOptions", seed, &seed, NULL));
  PetscOptionsEnd();
  PetscCheck(seed >= 0, PetscObjectComm((PetscObject)run), PETSC_ERR_USER_INPUT, "-tz_seed %" PetscInt64_FMT ": must be at least 0", seed);
  run->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mask of a sparse network: that of the file, or by a loss on the dense network */
static PetscErrorCode SetMask(TzRun run)
{
  const PetscInt *mask;
  PetscInt        n;
  TzSparseMethod  method;
  TzNet           dense;
  TzLoss          loss;

  PetscFunctionBegin;
  PetscCall(TzNetGetMask(run->net, &n, &mask));
  PetscCall(TzNetGetSparseMethod(run->net, &method));
  if (run->from) PetscCall(TzCheckpointRestoreMask(run->from, run->net));
  if (!n || run->from || method == TZ_SPARSE_RANDOM || TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetDuplicateDense(run->net, &dense));
  PetscUseTypeMethod(run, loss, dense, &loss);
  PetscCall(TzLossSparsify(loss, run->net));
  PetscCall(TzLossDestroy(&loss));
  PetscCall(TzNetDestroy(&dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  -tz_init: parameters of another run, whatever its equation, estimator, solver and seed; n: those of this run, a loss's own behind those of the network. A file
  without a description of its network (of Tenzo 0.1, or of a shell) must have as many.
*/
static PetscErrorCode Initialize(TzRun run, PetscInt n, PetscReal theta[])
{
  MPI_Comm         comm = PetscObjectComm((PetscObject)run);
  const PetscReal *old;
  PetscInt         rows, nfrom = 0, nto;
  TzStore          store;
  TzNet            from;
  char             option[PETSC_MAX_PATH_LEN + 16];

  PetscFunctionBegin;
  PetscCheck(!run->from, comm, PETSC_ERR_USER_INPUT, "-tz_init %s and -tz_resume %s: give only one of them", run->init, run->file);
  PetscCall(PetscSNPrintf(option, sizeof(option), "-tz_init %s", run->init));
  PetscCall(TzCheckpointOpen(comm, "-tz_init", run->init, &store));
  PetscCall(TzStoreGetReal(store, "/theta", &rows, NULL, &old));
  PetscCall(TzCheckpointCreateNetwork(store, comm, option, &from));
  PetscCall(TzNetGetNumParameters(run->net, &nto));
  if (from) PetscCall(TzNetGetNumParameters(from, &nfrom));
  PetscCheck(from ? rows >= nfrom : rows == n, comm, PETSC_ERR_USER_INPUT, "%s: %" PetscInt_FMT " parameters, but the network here has %" PetscInt_FMT, option,
             rows, n);
  if (from) PetscCall(TzNetConvert(from, old, option, run->net, run->seed, theta));
  else PetscCall(PetscArraycpy(theta, old, n));
  if (from && rows - nfrom == n - nto) PetscCall(PetscArraycpy(theta + nto, old + nfrom, n - nto));
  PetscCall(TzNetDestroy(&from));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunCreateSolver(TzRun run)
{
  TaoType type;

  PetscFunctionBegin;
  PetscCall(TaoCreate(PetscObjectComm((PetscObject)run), &run->tao));
  PetscCall(TaoSetType(run->tao, run->solver));
  PetscCall(TaoZOSetLoss(run->tao, run->loss));
  PetscCall(TaoZOSetFromOptions(run->tao));
  PetscCall(TaoGetType(run->tao, &type));
  PetscCall(TzOptionsDeclare("-tao_type", type));
  PetscCall(TaoZOCreateSolution(run->tao, &run->x));
  PetscCall(TaoSetSolution(run->tao, run->x));
  PetscTryTypeMethod(run, length);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -net_first_covariance: what the network is made for */
static PetscErrorCode SetSample(TzRun run)
{
  PetscBool         wants;
  PetscInt          in, out;
  PetscReal        *X;
  const TzJetShape *shape;

  PetscFunctionBegin;
  PetscCall(TzNetWantsSample(run->net, &wants));
  if (!wants) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetGetIO(run->net, &in, &out));
  PetscCall(PetscMalloc1(SAMPLE * in, &X));
  PetscCall(TzLossDrawPoints(run->loss, SAMPLE, X));
  PetscCall(TzPDEGetJetShape(run->pde, &shape));
  PetscCall(TzNetSetSample(run->net, shape->d, SAMPLE, X));
  PetscCall(PetscFree(X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameters' initial values */
static PetscErrorCode SetSolution(TzRun run)
{
  PetscInt   n, lo, hi;
  PetscReal *theta, *x;

  PetscFunctionBegin;
  PetscCall(VecGetSize(run->x, &n));
  PetscCall(VecGetOwnershipRange(run->x, &lo, &hi));
  PetscCall(PetscCalloc1(n, &theta)); /* a loss may have parameters of its own behind those of the network: they start from 0 */
  PetscCall(SetSample(run));
  PetscCall(TzNetInitialize(run->net, run->seed, theta));
  if (run->init[0] && !TzOptionsHelpWanted()) PetscCall(Initialize(run, n, theta));
  PetscCall(VecGetArrayWrite(run->x, &x));
  PetscCall(PetscArraycpy(x, theta + lo, hi - lo));
  PetscCall(VecRestoreArrayWrite(run->x, &x));
  PetscCall(PetscFree(theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -net_tt_rank auto: a file has the ranks that were found */
static PetscErrorCode SetRanks(TzRun run)
{
  PetscFunctionBegin;
  PetscCall(TzNetGetAdaptive(run->net, &run->adaptive));
  if (!run->adaptive.on || !run->from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzCheckpointRestoreRanks(run->from, run->net));
  PetscCall(TzNetSetUp(run->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which parameters of the file: those that -tz_keep said, or -tz_best */
static PetscErrorCode GetEvaluationOptions(TzRun run)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)run);
  const char *keep = "";
  PetscBool   best = PETSC_FALSE, has = PETSC_FALSE;

  PetscFunctionBegin;
  if (run->from) PetscCall(TzStoreHas(run->from, "/keep", &has));
  if (has) PetscCall(TzStoreGetText(run->from, "/keep", &keep));
  if (run->from) PetscCall(TzStoreHas(run->from, "/best/theta", &has));
  best = (PetscBool)(has && !strcmp(keep, "best"));
  PetscOptionsBegin(comm, NULL, "Which parameters are evaluated", "Tenzo");
  PetscCall(
    TzOptionsBool("-tz_best", "Those of the best validation, where -tz_keep has kept them (default: with -tz_keep best)", "TzRunLoad", best, &best, NULL));
  PetscOptionsEnd();
  PetscCheck(!best || has || TzOptionsHelpWanted(), comm, PETSC_ERR_USER_INPUT, "-tz_best: %s was not written with -tz_keep best or both", run->file);
  run->parameters = best ? "/best/theta" : "/theta";
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSetFromOptions(TzRun run)
{
  PetscBool givenup;

  PetscFunctionBegin;
  if (run->trains) {
    PetscCall(TzInterruptListen());
    PetscCall(GetRunOptions(run));
    PetscCall(GetKeptOptions(run));
    PetscCall(TzRunGetStopOptions(run));
    PetscCall(TzBusyShow(run->o.quiet ? 0 : run->o.progress > 0 ? run->o.progress : 5));
  } else PetscCall(GetEvaluationOptions(run));
  PetscCall(GetSeed(run));
  PetscUseTypeMethod(run, setfromoptions);
  PetscCall(SetRanks(run));
  PetscCall(SetMask(run));
  if (run->trains || run->loss) PetscUseTypeMethod(run, loss, run->net, &run->loss);
  if (run->trains) {
    PetscCall(TzRunCreateSolver(run));
    PetscCall(SetSolution(run));
  }
  PetscCall(TzInterruptAgree(PetscObjectComm((PetscObject)run), &givenup));
  if (givenup) PetscCall(TzInterruptRaise(PetscObjectComm((PetscObject)run), "set-up"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the view of an object prints (PetscMalloced) */
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

/* The parameters of the file, to be evaluated */
static PetscErrorCode LoadParameters(TzRun run)
{
  const PetscReal  *theta;
  const PetscInt64 *step;
  PetscReal        *x;
  PetscInt          n, rows;

  PetscFunctionBegin;
  if (run->loss) PetscCall(TzLossGetNumParameters(run->loss, &n));
  else PetscCall(TzNetGetNumParameters(run->net, &n));
  PetscCall(TzStoreGetReal(run->from, run->parameters, &rows, NULL, &theta));
  PetscCheck(rows == n, PetscObjectComm((PetscObject)run), PETSC_ERR_FILE_UNEXPECTED,
             "%s %s: %" PetscInt_FMT " parameters, but the network of these options has %" PetscInt_FMT, run->option, run->file, rows, n);
  PetscCall(TzStoreGetInt(run->from, "/step", &rows, &step));
  if (rows == 1 && step[0] >= 0 && step[0] < PETSC_MAX_INT) PetscCall(TzNetSetTime(run->net, (PetscInt)step[0]));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, n, &run->theta));
  PetscCall(VecGetArrayWrite(run->theta, &x));
  PetscCall(PetscArraycpy(x, theta, n));
  PetscCall(VecRestoreArrayWrite(run->theta, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunSetUp(TzRun run)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)run);
  const char *text;
  PetscObject described;

  PetscFunctionBegin;
  if (run->setupcalled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(run->tao || (!run->trains && run->from) || TzOptionsHelpWanted(), comm, PETSC_ERR_ORDER, "TzRunSetFromOptions() first");
  PetscCall(TzOptionsCheckUnused(comm));
  if (run->from) {
    PetscCall(TzStoreGetText(run->from, "/options", &text));
    PetscCall(TzOptionsCompareText(comm, text, run->trains ? NULL : run->fixed, run->file, run->trains ? &run->changes : NULL));
  }
  if (run->from && run->trains) PetscCall(CompareKernels(run));
  if (run->trains) {
    PetscCall(TzOptionsGetText(&run->c.options));
    PetscCall(TzRunSetUpSolve(run));
    PetscCall(TzRunViewText((PetscObject)run->net, &run->c.net));
    PetscUseTypeMethod(run, describe, &described);
    PetscCall(TzRunViewText(described, &run->c.pde));
    if (strcmp(run->o.output, "none") && !TzOptionsHelpWanted()) PetscCall(TzFileReserve(comm, "-tz_output", run->o.output, &run->lock));
  } else if (run->from) PetscCall(LoadParameters(run));
  run->setupcalled = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunView(TzRun run, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  if (!viewer) PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)run), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)run, viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %s %s, seed %" PetscInt64_FMT ", %" PetscInt_FMT " steps done\n", run->trains ? "writes" : "evaluates",
                                   run->trains ? run->o.output : run->file, run->seed, run->c.step));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  if (run->pde) PetscCall(TzPDEView(run->pde, viewer));
  if (run->net) PetscCall(TzNetView(run->net, viewer));
  if (run->deriv) PetscCall(TzDerivView(run->deriv, viewer));
  if (run->loss) PetscCall(TzLossView(run->loss, viewer));
  if (run->tao) PetscCall(TaoView(run->tao, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetNet(TzRun run, TzNet *net)
{
  PetscFunctionBegin;
  *net = run->net;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetPDE(TzRun run, TzPDE *pde)
{
  PetscFunctionBegin;
  *pde = run->pde;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetDeriv(TzRun run, TzDeriv *deriv)
{
  PetscFunctionBegin;
  *deriv = run->deriv;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetLoss(TzRun run, TzLoss *loss)
{
  PetscFunctionBegin;
  *loss = run->loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetTao(TzRun run, Tao *tao)
{
  PetscFunctionBegin;
  *tao = run->tao;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetSolution(TzRun run, Vec *x)
{
  PetscFunctionBegin;
  *x = run->x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetSeed(TzRun run, PetscInt64 *seed)
{
  PetscFunctionBegin;
  *seed = run->seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetStep(TzRun run, PetscInt *step)
{
  PetscFunctionBegin;
  *step = run->c.step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetParameters(TzRun run, PetscInt *n, const PetscReal *theta[])
{
  const PetscReal *array;

  PetscFunctionBegin;
  PetscCall(TzRunSetUp(run));
  if (run->x) {
    PetscCall(VecScatterBegin(run->all, run->x, run->theta, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecScatterEnd(run->all, run->x, run->theta, INSERT_VALUES, SCATTER_FORWARD));
  }
  PetscCall(VecGetLocalSize(run->theta, n));
  PetscCall(VecGetArrayRead(run->theta, &array));
  *theta = array; /* of a Vec of one process, whose array stays where it is */
  PetscCall(VecRestoreArrayRead(run->theta, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunEvaluate(TzRun run, PetscInt n, const PetscReal X[], PetscReal ujet[], PetscReal r[])
{
  PetscBool givenup;

  PetscFunctionBegin;
  PetscCall(TzRunSetUp(run));
  PetscUseTypeMethod(run, evaluate, n, X, ujet, r);
  PetscCall(TzInterruptAgree(PetscObjectComm((PetscObject)run), &givenup));
  if (givenup) PetscCall(TzInterruptRaise(PetscObjectComm((PetscObject)run), "the evaluation"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunGetRegion(TzRun run, TzRegion *region)
{
  const TzJetShape *shape;

  PetscFunctionBegin;
  *region = (TzRegion){.n = 0};
  if (!run->from || !run->pde) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEGetJetShape(run->pde, &shape));
  PetscCall(TzCheckpointGetRegion(run->from, run->file, TzJetCoordinates(shape), region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunValidate(TzRun run, TzMetrics *metrics)
{
  const PetscReal *theta;
  PetscInt         n, time;

  PetscFunctionBegin;
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCheck(run->loss, PetscObjectComm((PetscObject)run), PETSC_ERR_ARG_WRONGSTATE, "this run has no loss");
  PetscCall(TzNetGetTime(run->net, &time));
  if (run->trains) PetscCall(TzNetSetTime(run->net, run->c.step));
  PetscCall(TzLossValidate(run->loss, theta, metrics));
  PetscCall(TzNetSetTime(run->net, time)); /* that of the solver's step */
  PetscFunctionReturn(PETSC_SUCCESS);
}
