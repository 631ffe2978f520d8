/*
  Runs of type pde: a network of the coordinates x, t on a differential equation.
*/
#include "runimpl.h"

#define TZ_EVALUATE_BATCH 100 /* points evaluated at once; rows do not depend on it */

static PetscErrorCode SetFromOptions_PDE(TzRun run)
{
  const TzJetShape *shape;

  PetscFunctionBegin;
  PetscCall(TzPDESetFromOptions(run->pde));
  PetscCall(TzPDESetUp(run->pde));
  PetscCall(TzPDEGetJetShape(run->pde, &shape));
  PetscCall(TzNetSetIO(run->net, TzJetCoordinates(shape), 1));
  PetscCall(TzNetSetFromOptions(run->net));
  PetscCall(TzNetSetSeed(run->net, run->seed));
  PetscCall(TzNetSetUp(run->net));
  PetscCall(TzDerivSetNet(run->deriv, run->net, shape));
  PetscCall(TzDerivSetFromOptions(run->deriv));
  PetscCall(TzDerivSetUp(run->deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loss_PDE(TzRun run, TzNet net, TzLoss *loss)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run);
  TzDeriv  deriv;

  const TzJetShape *shape;

  PetscFunctionBegin;
  if (net == run->net) {
    deriv = run->deriv;
    PetscCall(PetscObjectReference((PetscObject)deriv));
  } else {
    PetscCall(TzPDEGetJetShape(run->pde, &shape));
    PetscCall(TzDerivCreate(comm, &deriv));
    PetscCall(TzDerivSetNet(deriv, net, shape));
    PetscCall(TzDerivSetFromOptions(deriv));
  }
  PetscCall(TzLossCreate(comm, loss));
  PetscCall(TzLossSetType(*loss, TZLOSSRESIDUAL));
  PetscCall(TzLossSetProblem(*loss, run->pde, deriv));
  PetscCall(TzLossSetFromOptions(*loss));
  PetscCall(TzLossSetNet(*loss, net));
  PetscCall(TzLossSetSeed(*loss, run->seed));
  PetscCall(TzLossSetUp(*loss));
  PetscCall(TzDerivDestroy(&deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe_PDE(TzRun run, PetscObject *object)
{
  PetscFunctionBegin;
  *object = (PetscObject)run->pde;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The points of one rank */
static PetscErrorCode EvaluatePoints(TzRun run, TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal ujet[], PetscReal r[])
{
  const TzJetShape *shape;
  PetscInt          D, J;

  PetscFunctionBegin;
  PetscCall(TzPDEGetJetShape(run->pde, &shape));
  D = TzJetCoordinates(shape);
  J = TzJetSize(shape);
  for (PetscInt i = 0; i < n && !TzBusy("evaluation", i, n); i += TZ_EVALUATE_BATCH) {
    const PetscInt m = PetscMin(TZ_EVALUATE_BATCH, n - i);

    PetscCall(TzDerivJet(run->deriv, eval, m, X + i * D, ujet + i * J));
    PetscCall(TzPDETransform(run->pde, m, X + i * D, ujet + i * J, ujet + i * J));
    if (r) PetscCall(TzPDEResidual(run->pde, m, X + i * D, ujet + i * J, r + i, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all [n][width] on every rank; each has the rows n rank / size <= i < n (rank + 1) / size */
static PetscErrorCode Share(MPI_Comm comm, PetscInt n, PetscInt width, PetscReal all[])
{
  PetscMPIInt size, *count, *displ;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc2(size, &count, size, &displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(PetscMPIIntCast((PetscInt64)n * r / size * width, &displ[r]));
    PetscCall(PetscMPIIntCast((PetscInt64)n * (r + 1) / size * width - displ[r], &count[r]));
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, count, displ, MPIU_REAL, comm));
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Evaluate_PDE(TzRun run, PetscInt n, const PetscReal X[], PetscReal ujet[], PetscReal r[])
{
  MPI_Comm          comm = PetscObjectComm((PetscObject)run);
  const PetscReal  *theta;
  const TzJetShape *shape;
  PetscInt          D, J, nparams, i0, i1;
  PetscMPIInt       rank, size;
  TzNetEval         eval;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  i0 = (PetscInt)((PetscInt64)n * rank / size);
  i1 = (PetscInt)((PetscInt64)n * (rank + 1) / size);
  PetscCall(TzPDEGetJetShape(run->pde, &shape));
  D = TzJetCoordinates(shape);
  J = TzJetSize(shape);
  PetscCall(TzRunGetParameters(run, &nparams, &theta));
  PetscCall(TzNetEvalCreate(run->net, &eval));
  PetscCall(TzNetEvalBind(eval, theta));
  PetscCall(TzDerivSample(run->deriv, run->seed, TZ_STEP_NONE)); /* the step of TzLossValidate() */
  PetscCall(EvaluatePoints(run, eval, i1 - i0, X + i0 * D, ujet + i0 * J, r ? r + i0 : NULL));
  PetscCall(TzNetEvalDestroy(&eval));
  PetscCall(Share(comm, n, J, ujet));
  if (r) PetscCall(Share(comm, n, 1, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunCreate_PDE(TzRun run)
{
  static const char *const fixed[] = {"-net_", "-pde_type", "-pde_dim", NULL}; /* the rest may be tried out on a model */
  MPI_Comm                 comm    = PetscObjectComm((PetscObject)run);

  PetscFunctionBegin;
  PetscCall(TzPDECreate(comm, &run->pde));
  PetscCall(TzNetCreate(comm, &run->net));
  PetscCall(TzDerivCreate(comm, &run->deriv));
  run->solver              = TAOZOSIGN;
  run->fixed               = fixed;
  run->ops->setfromoptions = SetFromOptions_PDE;
  run->ops->loss           = Loss_PDE;
  run->ops->describe       = Describe_PDE;
  run->ops->evaluate       = Evaluate_PDE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
