/*
  Ranks that find themselves in training (TzNetAdaptive in tznet.h): after every step a step of the prior, and from time to time slices are cut off,
  or added where the loss stalls. Then the network has other parameters: of the parameters and the solver's vectors those that stay go on in a new loss and a
  new solver, as a resumed run would; new parameters have no momentum.
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

/* Whether the loss stalls, from the history alone, which a resumed run has, too */
static PetscBool Stalls(TzRun run)
{
  const PetscInt   n = run->c.history.n, w = run->adaptive.growevery;
  const PetscReal *loss = run->c.history.col[1];
  PetscReal        last = 0, before = 0;

  if (!w || run->c.step % w || n < 2 * w) return PETSC_FALSE;
  for (PetscInt i = 0; i < w; i++) {
    last += loss[n - 1 - i];
    before += loss[n - 1 - w - i];
  }
  return (PetscBool) !(last < (1 - run->adaptive.growtol) * before);
}

/* Which parameters stay, or which are new; run->bonds is NULL where nothing changes */
PetscErrorCode TzRunPlanResize(TzRun run)
{
  const PetscBool  cut = (PetscBool)(Acts(run) && run->c.step % run->adaptive.every == 0), grow = (PetscBool)(run->adaptive.on && Stalls(run));
  const PetscReal *theta;
  PetscInt         n, nnet, own;

  PetscFunctionBegin;
  if (!cut && !grow) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzNetGetNumParameters(run->net, &nnet));
  if (cut) PetscCall(TzNetPrune(run->net, theta, run->adaptive.below, &run->bonds, &run->nresized, &run->origin));
  if (!run->bonds && grow) PetscCall(TzNetGrow(run->net, theta, run->adaptive.most, run->seed, &run->bonds, &run->nresized, &run->origin, &run->fresh));
  if (!run->bonds) PetscFunctionReturn(PETSC_SUCCESS);
  own = n - nnet; /* a loss's */
  PetscCall(PetscRealloc((size_t)(run->nresized + own) * sizeof(PetscInt), &run->origin));
  if (run->fresh) PetscCall(PetscRealloc((size_t)(run->nresized + own) * sizeof(PetscReal), &run->fresh));
  for (PetscInt i = nnet; i < n; i++) run->origin[run->nresized++] = i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries of v that stay, on every rank, and those that are new, from fresh or 0: all [nresized] */
static PetscErrorCode Gather(TzRun run, Vec v, const PetscReal fresh[], PetscReal all[])
{
  const PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecScatterBegin(run->all, v, run->theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(run->all, v, run->theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(run->theta, &x));
  for (PetscInt i = 0; i < run->nresized; i++) all[i] = run->origin[i] >= 0 ? x[run->origin[i]] : fresh ? fresh[i] : 0;
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
  PetscCall(PetscMalloc1((old.nvec + 1) * run->nresized, &all));
  PetscCall(Gather(run, run->x, run->fresh, all));
  for (PetscInt k = 0; k < old.nvec; k++) PetscCall(Gather(run, old.vec[k], NULL, all + (k + 1) * run->nresized));
  for (PetscInt k = 0; k < old.nscalar; k++) scalar[k] = *old.scalar[k];
  PetscCall(TaoGetConvergedReason(run->tao, &reason));
  PetscCall(Renew(run));
  PetscCall(Spread(run->x, all));
  for (PetscInt k = 0; k < run->c.solver.nvec; k++) PetscCall(Spread(run->c.solver.vec[k], all + (k + 1) * run->nresized));
  for (PetscInt k = 0; k < run->c.solver.nscalar; k++) *run->c.solver.scalar[k] = scalar[k];
  PetscCall(TaoSetConvergedReason(run->tao, reason));
  if (!run->o.quiet)
    PetscCall(PetscPrintf(PetscObjectComm((PetscObject)run), "step %" PetscInt_FMT ": %" PetscInt_FMT " parameters, -net_tt_bonds \"%s\"\n", run->c.step,
                          run->nresized, run->bonds));
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(run->bonds));
  PetscCall(PetscFree(run->origin));
  PetscCall(PetscFree(run->fresh));
  run->validstep = -1; /* that of this step was of the network before */
  PetscFunctionReturn(PETSC_SUCCESS);
}
