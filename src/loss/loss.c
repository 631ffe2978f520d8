/*
  The class of losses: options, set-up, view. Types: residual.c ... Evaluation on all ranks: evaluate.c.

  Option: -tz_partition auto | l,n   (default auto): ranks over the line of (loss value, block of samples), and over blocks of nodes
*/
#include <private/tzlossimpl.h>
#include <tzdevice.h>
#include <tzshell.h>

PetscLogEvent TZ_LossSample, TZ_LossEvaluate, TZ_LossDirections, TZ_LossBind, TZ_LossPartial, TZ_LossFinish, TZ_LossCommunicate, TZ_LossGradient,
  TZ_LossValidate;

/* all types: a new one is one file and one row */
static const TzTypeRow TzLossTable[] = {
  TZ_TYPE(TZLOSSRESIDUAL, TzLossCreate_Residual),
  TZ_TYPE(TZLOSSCROSSENTROPY, TzLossCreate_CrossEntropy),
  {NULL, NULL},
};

static const struct {
  const char    *name;
  PetscLogEvent *event;
} TzLossEvents[] = {
  {"TzLossSample", &TZ_LossSample},     /* points and nodes of a step */
  {"TzLossEvaluate", &TZ_LossEvaluate}, /* contains the next five */
  {"TzLossDirect", &TZ_LossDirections}, {"TzLossBind", &TZ_LossBind},         {"TzLossPartial", &TZ_LossPartial},   {"TzLossFinish", &TZ_LossFinish},
  {"TzLossComm", &TZ_LossCommunicate},  {"TzLossGradient", &TZ_LossGradient}, {"TzLossValidate", &TZ_LossValidate},
};

static PetscErrorCode Events(void)
{
  PetscFunctionBegin;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(TzLossEvents); i++)
    PetscCall(PetscLogEventRegister(TzLossEvents[i].name, TZLOSS_CLASSID, TzLossEvents[i].event));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Forgets what was derived from the settings */
static PetscErrorCode Reset(TzLoss loss)
{
  PetscFunctionBegin;
  PetscCall(TzLossEvaluationDestroy(loss));
  PetscCall(TzLossDirectionsDestroy(loss));
  loss->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* And the type's own */
static PetscErrorCode ResetType(PetscObject obj)
{
  TzLoss loss = (TzLoss)obj;

  PetscFunctionBegin;
  PetscCall(Reset(loss));
  PetscTryTypeMethod(loss, destroy);
  loss->data    = NULL;
  loss->sampler = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscClassId   TZLOSS_CLASSID = 0;
static TzClass TzLossClass    = {.name   = "Tenzo loss",
                                 .id     = &TZLOSS_CLASSID,
                                 .option = "-loss_type",
                                 .text   = "What is minimised",
                                 .types  = TzLossTable,
                                 .events = Events,
                                 .reset  = ResetType};

PetscErrorCode TzLossRegisterAll(void)
{
  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzLossClass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossRegister(const char name[], PetscErrorCode (*create)(TzLoss))
{
  PetscFunctionBegin;
  PetscCall(TzClassRegister(&TzLossClass, name, (TzTypeCreate)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossCreate(MPI_Comm comm, TzLoss *newloss)
{
  TzLoss loss;

  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzLossClass));
  PetscCall(PetscHeaderCreate(loss, TZLOSS_CLASSID, "TzLoss", "Distributed loss", "Loss", comm, TzLossDestroy, TzLossView));
  *newloss = loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossDestroy(TzLoss *loss)
{
  PetscBool last;

  PetscFunctionBegin;
  PetscCall(TzClassRelease(&TzLossClass, (PetscObject *)loss, &last));
  if (!last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetDestroy(&(*loss)->net));
  PetscCall(TzPDEDestroy(&(*loss)->pde));
  PetscCall(TzDerivDestroy(&(*loss)->deriv));
  PetscCall(PetscHeaderDestroy(loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The problem to the type, once both are there */
static PetscErrorCode GiveProblem(TzLoss loss)
{
  PetscFunctionBegin;
  if (!loss->pde || !((PetscObject)loss)->type_name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(loss->ops->setproblem, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT, "-loss_type %s: is no loss of an equation",
             ((PetscObject)loss)->type_name);
  PetscUseTypeMethod(loss, setproblem);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetType(TzLoss loss, TzLossType type)
{
  PetscFunctionBegin;
  PetscCall(TzClassSetType(&TzLossClass, loss, type));
  PetscCall(GiveProblem(loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetNet(TzLoss loss, TzNet net)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)net));
  PetscCall(TzNetDestroy(&loss->net));
  PetscCall(Reset(loss));
  loss->net = net;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetProblem(TzLoss loss, TzPDE pde, TzDeriv deriv)
{
  PetscFunctionBegin;
  PetscCall(Reset(loss));
  PetscCall(PetscObjectReference((PetscObject)pde));
  PetscCall(PetscObjectReference((PetscObject)deriv));
  PetscCall(TzPDEDestroy(&loss->pde));
  PetscCall(TzDerivDestroy(&loss->deriv));
  loss->pde   = pde;
  loss->deriv = deriv;
  PetscCall(GiveProblem(loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetSeed(TzLoss loss, PetscInt64 seed)
{
  PetscFunctionBegin;
  PetscCall(Reset(loss));
  loss->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "auto", or two positive integers whose product is the number of ranks; text may not have anything else */
static PetscErrorCode ParsePartition(TzLoss loss, const char text[])
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  long        g[2];
  int         end = 0;
  PetscBool   automatic;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscStrcmp(text, "auto", &automatic));
  PetscCall(Reset(loss));
  PetscCall(PetscArrayzero(loss->grid, 2));
  if (automatic) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(
    sscanf(text, "%6ld,%6ld%n", &g[0], &g[1], &end) == 2 && !text[end] && g[0] > 0 && g[1] > 0 && g[0] * g[1] == size, comm, PETSC_ERR_USER_INPUT,
    "-tz_partition %s: must be auto or l,n, two positive integers (ranks over loss values x blocks of samples, and over blocks of nodes) whose product "
    "is the number of ranks, %d",
    text, size);
  for (int i = 0; i < 2; i++) loss->grid[i] = (PetscInt)g[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetFromOptions(TzLoss loss)
{
  char      text[64], type[64];
  PetscBool flg;

  PetscFunctionBegin;
  PetscObjectOptionsBegin((PetscObject)loss);
  PetscCall(TzClassGetTypeOption(&TzLossClass, loss, TZLOSSRESIDUAL, type));
  PetscCall(TzLossSetType(loss, type));
  PetscCall(TzOptionsString("-tz_partition", "Ranks over loss values x blocks of samples, and over blocks of nodes: auto or l,n", "TzLossEvaluate", "auto",
                            text, sizeof(text), &flg));
  if (flg) PetscCall(ParsePartition(loss, text));
  PetscTryTypeMethod(loss, setfromoptions, PetscOptionsObject);
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetUp(TzLoss loss)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)loss);

  PetscFunctionBegin;
  if (loss->setupcalled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(((PetscObject)loss)->type_name, comm, PETSC_ERR_ORDER, "TzLossSetType() first");
  if (loss->net) PetscCall(TzNetGetNumParameters(loss->net, &loss->nparams));
  PetscUseTypeMethod(loss, setup);
  PetscCheck(loss->nparams > 0 && loss->nsamples > 0 && loss->blocksize > 0 && loss->nodeblocks > 0, comm, PETSC_ERR_PLIB, "a loss of type %s has no work",
             ((PetscObject)loss)->type_name);
  PetscCheck(loss->grid[1] <= loss->nodeblocks, comm, PETSC_ERR_USER_INPUT,
             "-tz_partition %" PetscInt_FMT ",%" PetscInt_FMT ": the second number must be at most %" PetscInt_FMT " (blocks of nodes)", loss->grid[0],
             loss->grid[1], loss->nodeblocks);
  loss->setupcalled = PETSC_TRUE;
  PetscCall(PetscObjectViewFromOptions((PetscObject)loss, NULL, "-loss_view"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossView(TzLoss loss, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(TzClassViewBegin((PetscObject)loss, &viewer, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "  %" PetscInt_FMT " parameters, %" PetscInt_FMT " samples a step in blocks of %" PetscInt_FMT ", %" PetscInt64_FMT
                                   " network evaluations a sample in %" PetscInt_FMT " blocks of nodes\n",
                                   loss->nparams, loss->nsamples, loss->blocksize, loss->forwards, loss->nodeblocks));
  PetscCall(TzLossEvaluationView(loss, viewer));
  PetscTryTypeMethod(loss, view, viewer);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetNet(TzLoss loss, TzNet *net)
{
  PetscFunctionBegin;
  *net = loss->net;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetSeed(TzLoss loss, PetscInt64 *seed)
{
  PetscFunctionBegin;
  *seed = loss->seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetNumParameters(TzLoss loss, PetscInt *n)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  *n = loss->nparams;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetWeightSteps(TzLoss loss, const PetscReal theta[], PetscReal step[])
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCall(PetscArrayzero(step, loss->nparams));
  if (loss->net) PetscCall(TzNetGetWeightSteps(loss->net, theta, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetNumSamples(TzLoss loss, PetscInt *nsamples)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  *nsamples = loss->nsamples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetLastLayer(TzLoss loss, PetscInt *n, PetscInt which[])
{
  TzNetLayout     layout = {.bias = -1};
  const PetscInt *widths;
  PetscInt        hidden = -1;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  layout.nweights = loss->nparams;
  if (loss->net) PetscCall(TzNetGetHidden(loss->net, &hidden, &widths));
  if (hidden >= 0) PetscCall(TzNetGetLayout(loss->net, hidden, &layout));
  *n = layout.nweights + (layout.bias < 0 ? 0 : layout.out);
  for (PetscInt i = 0; i < *n && which; i++) which[i] = i < layout.nweights ? layout.weights + i : layout.bias + i - layout.nweights;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossHasResiduals(TzLoss loss, PetscBool *has)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  *has = loss->ops->residual ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossHasGradient(TzLoss loss, PetscBool *has)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  *has = PETSC_TRUE;
  if (loss->net) PetscCall(TzNetHasDerivatives(loss->net, has));
  *has = (PetscBool)(*has && loss->ops->gradient);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossHasJacobian(TzLoss loss, PetscBool *has)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  *has = PETSC_TRUE;
  if (loss->net) PetscCall(TzNetHasDerivatives(loss->net, has));
  *has = (PetscBool)(*has && loss->ops->jacobian);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetCounts(TzLoss loss, TzCounts *counts)
{
  PetscFunctionBegin;
  *counts = loss->counts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetCounts(TzLoss loss, const TzCounts *counts)
{
  PetscFunctionBegin;
  loss->counts = *counts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossFollow(TzLoss loss, const PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscTryTypeMethod(loss, follow, theta);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSample(TzLoss loss, PetscInt step)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCall(PetscLogEventBegin(TZ_LossSample, loss, 0, 0, 0));
  PetscTryTypeMethod(loss, sample, step);
  if (loss->net) PetscCall(TzNetSetTime(loss->net, step));
  PetscCall(PetscLogEventEnd(TZ_LossSample, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossAdapt(TzLoss loss, PetscInt step, const PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCall(PetscLogEventBegin(TZ_LossSample, loss, 0, 0, 0));
  PetscTryTypeMethod(loss, adapt, step, theta);
  PetscCall(PetscLogEventEnd(TZ_LossSample, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossDrawPoints(TzLoss loss, PetscInt n, PetscReal X[])
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCheck(loss->sampler, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT, "-net_first_covariance: is of the points of an equation; there is none");
  PetscCall(TzSamplerDraw(loss->sampler, loss->seed, TZ_STREAM_INIT, 3, 0, n, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetRegion(TzLoss loss, TzRegion *region)
{
  const TzDomain *domain;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  region->n = 0;
  if (!loss->sampler) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEGetDomain(loss->pde, &domain));
  PetscCall(TzSamplerGetRegion(loss->sampler, domain, loss->seed, region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossAdapts(TzLoss loss, PetscBool *adapts)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  *adapts = loss->ops->adapt ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetState(TzLoss loss, PetscInt *n, const PetscReal *state[])
{
  PetscReal *numbers = NULL;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  *n = 0;
  PetscTryTypeMethod(loss, getstate, n, &numbers);
  *state = numbers;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossSetState(TzLoss loss, const PetscReal state[])
{
  PetscReal *numbers = NULL;
  PetscInt   n       = 0;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscTryTypeMethod(loss, getstate, &n, &numbers);
  PetscCall(PetscArraycpy(numbers, state, n));
  PetscTryTypeMethod(loss, setstate);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossValidate(TzLoss loss, const PetscReal theta[], TzMetrics *metrics)
{
  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCall(PetscLogEventBegin(TZ_LossValidate, loss, 0, 0, 0));
  PetscUseTypeMethod(loss, validate, theta, metrics);
  PetscCall(PetscLogEventEnd(TZ_LossValidate, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
