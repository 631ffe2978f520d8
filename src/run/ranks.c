/*
  Ranks that find themselves in training (TzNetAdaptive in tznet.h): after every step a step of the prior, and from time to time slices are cut off. Then the
  network has fewer parameters: parameters and the solver's vectors keep those that stay, and go on in a new loss and a new solver, as a resumed run would.
*/
#include "runimpl.h"

static PetscBool Acts(TzRun run)
{
  return (PetscBool)(run->adaptive.on && (!run->adaptive.steps || run->c.step <= run->adaptive.steps));
}

PetscErrorCode TzRunShrink(TzRun run, PetscReal lr)
{
  const PetscReal *theta;
  PetscReal       *copy, *x;
  PetscInt         n, lo, hi;

  PetscFunctionBegin;
  if (!Acts(run)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(PetscMalloc1(n, &copy));
  PetscCall(PetscArraycpy(copy, theta, n));
  PetscCall(TzNetShrink(run->net, run->adaptive.prior * lr, copy));
  PetscCall(VecGetOwnershipRange(run->x, &lo, &hi));
  PetscCall(VecGetArrayWrite(run->x, &x));
  PetscCall(PetscArraycpy(x, copy + lo, hi - lo));
  PetscCall(VecRestoreArrayWrite(run->x, &x));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which parameters stay; run->bonds is NULL where all do */
PetscErrorCode TzRunPlanResize(TzRun run)
{
  const PetscReal *theta;
  PetscInt         n, nnet;

  PetscFunctionBegin;
  if (!Acts(run) || run->c.step % run->adaptive.every) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzNetGetNumParameters(run->net, &nnet));
  PetscCall(TzNetPrune(run->net, theta, run->adaptive.below, &run->bonds, &run->nkept, &run->keptplaces));
  if (!run->bonds) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscRealloc((run->nkept + n - nnet) * sizeof(PetscInt), &run->keptplaces));
  for (PetscInt i = nnet; i < n; i++) run->keptplaces[run->nkept++] = i; /* a loss's own */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries of v that stay, on every rank: all [nkept] */
static PetscErrorCode Gather(TzRun run, Vec v, PetscReal all[])
{
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecScatterBegin(run->all, v, run->theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(run->all, v, run->theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(run->theta, &x));
  for (PetscInt i = 0; i < run->nkept; i++) all[i] = x[run->keptplaces[i]];
  PetscCall(VecRestoreArrayRead(run->theta, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Spread(Vec v, const PetscReal all[])
{
  PetscReal *x;
  PetscInt   lo, hi;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  PetscCall(VecGetArrayWrite(v, &x));
  PetscCall(PetscArraycpy(x, all + lo, hi - lo));
  PetscCall(VecRestoreArrayWrite(v, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Loss and solver for the network as it is now; parameters and state are not set */
static PetscErrorCode Renew(TzRun run)
{
  PetscFunctionBegin;
  PetscCall(TzLossGetCounts(run->loss, &run->c.counts));
  PetscCall(VecScatterDestroy(&run->all));
  PetscCall(VecDestroy(&run->theta));
  PetscCall(VecDestroy(&run->x));
  PetscCall(TaoDestroy(&run->tao));
  PetscCall(TzLossDestroy(&run->loss));
  PetscCall(TzNetSetBonds(run->net, run->bonds));
  PetscCall(TzNetSetUp(run->net));
  PetscUseTypeMethod(run, loss, run->net, &run->loss);
  PetscCall(TzRunCreateSolver(run));
  PetscCall(TzRunAttachSolver(run));
  PetscCall(TzLossSetCounts(run->loss, &run->c.counts));
  PetscCall(TaoZOSetStep(run->tao, run->c.step));
  PetscCall(PetscFree(run->c.net));
  PetscCall(TzRunViewText((PetscObject)run->net, &run->c.net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunResize(TzRun run)
{
  const TzZOState    old = run->c.solver;
  PetscReal         *all, scalar[TZ_ZO_STATE_MAX];
  TaoConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((old.nvec + 1) * run->nkept, &all));
  PetscCall(Gather(run, run->x, all));
  for (PetscInt k = 0; k < old.nvec; k++) PetscCall(Gather(run, old.vec[k], all + (k + 1) * run->nkept));
  for (PetscInt k = 0; k < old.nscalar; k++) scalar[k] = *old.scalar[k];
  PetscCall(TaoGetConvergedReason(run->tao, &reason));
  PetscCall(Renew(run));
  PetscCall(Spread(run->x, all));
  for (PetscInt k = 0; k < run->c.solver.nvec; k++) PetscCall(Spread(run->c.solver.vec[k], all + (k + 1) * run->nkept));
  for (PetscInt k = 0; k < run->c.solver.nscalar; k++) *run->c.solver.scalar[k] = scalar[k];
  PetscCall(TaoSetConvergedReason(run->tao, reason));
  if (!run->o.quiet)
    PetscCall(PetscPrintf(PetscObjectComm((PetscObject)run), "step %" PetscInt_FMT ": %" PetscInt_FMT " parameters, -net_tt_bonds \"%s\"\n", run->c.step,
                          run->nkept, run->bonds));
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(run->bonds));
  PetscCall(PetscFree(run->keptplaces));
  run->validstep = -1; /* that of this step was of the larger network */
  PetscFunctionReturn(PETSC_SUCCESS);
}
