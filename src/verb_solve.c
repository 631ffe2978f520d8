/*
  tenzo solve: trains a network on a differential equation. Equation, network, derivatives, loss and solver come from options.
*/
#include "verb_run.h"

static PetscErrorCode TzSolveSetUp(TzRun *run, const TzProblem *p)
{
  PetscFunctionBegin;
  PetscCall(TzLossCreate(run->comm, &run->loss));
  PetscCall(TzLossSetType(run->loss, TZLOSSRESIDUAL));
  PetscCall(TzLossSetNet(run->loss, p->net));
  PetscCall(TzLossSetSeed(run->loss, p->seed));
  PetscCall(TzLossResidualSetProblem(run->loss, p->pde, p->deriv));
  PetscCall(TzLossSetFromOptions(run->loss));
  PetscCall(TzLossSetUp(run->loss));
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
  PetscCall(TzSolveSetUp(&run, &p));
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
