/*
  tenzo solve: trains a network on a differential equation. Equation, network, derivatives, loss and solver come from options.
*/
#include "verb_run.h"

static PetscErrorCode TzSolveCreateLoss(const TzRun *run, const TzProblem *p, TzNet net, TzDeriv deriv, TzLoss *loss)
{
  PetscFunctionBegin;
  PetscCall(TzLossCreate(run->comm, loss));
  PetscCall(TzLossSetType(*loss, TZLOSSRESIDUAL));
  PetscCall(TzLossSetNet(*loss, net));
  PetscCall(TzLossSetSeed(*loss, p->seed));
  PetscCall(TzLossResidualSetProblem(*loss, p->pde, deriv));
  PetscCall(TzLossSetFromOptions(*loss));
  PetscCall(TzLossSetUp(*loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mask of a sparse network: that of the checkpoint, or by a loss on the dense network */
static PetscErrorCode TzSolveSetMask(const TzRun *run, const TzProblem *p, TzStore restart)
{
  const PetscInt *mask;
  PetscInt        n;
  TzSparseMethod  method;
  TzNet           dense;
  TzDeriv         deriv;
  TzLoss          loss;

  PetscFunctionBegin;
  PetscCall(TzNetGetMask(p->net, &n, &mask));
  PetscCall(TzNetGetSparseMethod(p->net, &method));
  if (restart) PetscCall(TzNetRestoreMask(p->net, restart));
  if (!n || restart || method == TZ_SPARSE_RANDOM || TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetDuplicateDense(p->net, &dense));
  PetscCall(TzDerivCreate(run->comm, &deriv));
  PetscCall(TzDerivSetNet(deriv, dense, p->d));
  PetscCall(TzDerivSetFromOptions(deriv));
  PetscCall(TzSolveCreateLoss(run, p, dense, deriv, &loss));
  PetscCall(TzLossSparsify(loss, p->net));
  PetscCall(TzLossDestroy(&loss));
  PetscCall(TzDerivDestroy(&deriv));
  PetscCall(TzNetDestroy(&dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzSolveSetUp(TzRun *run, const TzProblem *p, TzStore restart)
{
  PetscFunctionBegin;
  PetscCall(TzSolveSetMask(run, p, restart));
  PetscCall(TzSolveCreateLoss(run, p, p->net, p->deriv, &run->loss));
  PetscCall(TzRunCreateSolver(run, p->net, TAOZOSIGN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbSolve(MPI_Comm comm, int *code)
{
  static const char *const metrics[] = {"mse", "rel_l2", "max"}, *const residual[] = {"residual"};
  TzRun     run = {.comm = comm};
  TzProblem p;
  TzStore   restart;
  PetscBool exact;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunGetOptions(comm, &run.o, &restart));
  PetscCall(TzProblemCreate(comm, &p));
  PetscCall(TzSolveSetUp(&run, &p, restart));
  PetscCall(TzRunCheckOptions(&run, restart));
  PetscCall(TzPDEHasExact(p.pde, &exact));
  PetscCall(TzRunCreate(&run, exact ? 3 : 1, exact ? metrics : residual, restart));
  PetscCall(TzStoreDestroy(&restart));
  PetscCall(TzRunViewText((PetscObject)p.net, &run.c.net));
  PetscCall(TzRunViewText((PetscObject)p.pde, &run.c.pde));
  if (!TzOptionsHelpWanted()) {
    PetscCall(TzRunSolve(&run));
    PetscCall(TzRunFinish(&run, code));
  }
  PetscCall(TzRunDestroy(&run));
  PetscCall(TaoDestroy(&run.tao));
  PetscCall(VecDestroy(&run.x));
  PetscCall(TzLossDestroy(&run.loss));
  PetscCall(TzProblemDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}
