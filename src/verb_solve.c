/*
  tenzo solve: trains a network on a differential equation. Equation, network, derivatives, loss and solver come from options.
*/
#include "verb_run.h"

/* What TzXxxView prints, as a text (PetscMalloced) */
static PetscErrorCode TzViewText(PetscErrorCode (*view)(PetscObject, PetscViewer), PetscObject object, char **text)
{
  PetscViewer viewer;
  char       *buffer = NULL;
  size_t      size   = 0;
  FILE       *file   = open_memstream(&buffer, &size);

  PetscFunctionBegin;
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_SYS, "open_memstream failed");
  PetscCall(PetscViewerASCIIOpenWithFILE(PetscObjectComm(object), file, &viewer));
  PetscCall((*view)(object, viewer));
  PetscCall(PetscViewerFlush(viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  fclose(file);
  PetscCall(PetscStrallocpy(buffer, text));
  free(buffer);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzViewNet(PetscObject net, PetscViewer viewer)
{
  return TzNetView((TzNet)net, viewer);
}

static PetscErrorCode TzViewPDE(PetscObject pde, PetscViewer viewer)
{
  return TzPDEView((TzPDE)pde, viewer);
}

/* Loss, solver and the distributed parameters with their initial values */
static PetscErrorCode TzSolveSetUp(TzRun *run, const TzProblem *p)
{
  PetscInt   n, lo, hi;
  PetscReal *theta, *x;

  PetscFunctionBegin;
  PetscCall(TzLossCreate(run->comm, &run->loss));
  PetscCall(TzLossSetType(run->loss, TZLOSSRESIDUAL));
  PetscCall(TzLossSetNet(run->loss, p->net));
  PetscCall(TzLossSetSeed(run->loss, p->seed));
  PetscCall(TzLossResidualSetProblem(run->loss, p->pde, p->deriv));
  PetscCall(TzLossSetFromOptions(run->loss));
  PetscCall(TzLossSetUp(run->loss));
  PetscCall(TzLossGetNumParameters(run->loss, &n));
  PetscCall(VecCreateMPI(run->comm, PETSC_DECIDE, n, &run->x));
  PetscCall(VecGetOwnershipRange(run->x, &lo, &hi));
  PetscCall(PetscMalloc1(n, &theta));
  PetscCall(TzNetInitialize(p->net, p->seed, theta));
  PetscCall(VecGetArrayWrite(run->x, &x));
  PetscCall(PetscArraycpy(x, theta + lo, hi - lo));
  PetscCall(VecRestoreArrayWrite(run->x, &x));
  PetscCall(PetscFree(theta));
  PetscCall(TaoCreate(run->comm, &run->tao));
  PetscCall(TaoSetType(run->tao, TAOZOSIGN));
  PetscCall(TaoZOSetLoss(run->tao, run->loss));
  PetscCall(TaoSetSolution(run->tao, run->x));
  PetscCall(TaoSetFromOptions(run->tao));
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
  PetscCall(TzViewText(TzViewNet, (PetscObject)p.net, &run.c.net));
  PetscCall(TzViewText(TzViewPDE, (PetscObject)p.pde, &run.c.pde));
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
