/*
  The loop of the zeroth-order solvers. Each rank estimates and updates its own part of the solution, from losses that all ranks have and directions
  that any rank regenerates: one allgather of the parameters a step is all that they exchange.
*/
#include <private/tzzoimpl.h>

/* d[n]: Adam's direction (Kingma and Ba 2015) from the gradient g; m, v: its moments, of which t have been taken in with this one */
static void AdamDirection(const TzZOPhase *phase, PetscReal t, PetscInt n, const PetscReal g[], PetscReal m[], PetscReal v[], PetscReal d[])
{
  const PetscReal b1 = phase->momentum, b2 = phase->beta2, c1 = 1 - PetscPowReal(b1, t), c2 = 1 - PetscPowReal(b2, t);

  for (PetscInt i = 0; i < n; i++) {
    m[i] = b1 * m[i] + (1 - b1) * g[i];
    v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
    d[i] = m[i] / c1 / (PetscSqrtReal(v[i] / c2) + phase->epsilon);
  }
}

/* The gradient's own part is in zo->g. m <- momentum m + g, or Adam's moments; then the update of this rank's part of the solution */
static PetscErrorCode Update(Tao tao, const TzZOPhase *phase)
{
  TAO_ZO    *zo = (TAO_ZO *)tao->data;
  PetscReal *m, *v, *x;
  PetscInt   n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(tao->solution, &n));
  PetscCall(VecCopy(tao->solution, zo->previous));
  PetscCall(VecGetArray(zo->momentum, &m));
  PetscCall(VecGetArray(tao->solution, &x));
  if (phase->beta2 > 0) {
    PetscCall(VecGetArray(zo->second, &v));
    AdamDirection(phase, zo->state.step - zo->state.begun + 1, n, zo->g, m, v, zo->xi);
    PetscCall(VecRestoreArray(zo->second, &v));
    phase->update(n, zo->rate, zo->xi, x);
  } else {
    for (PetscInt i = 0; i < n; i++) m[i] = phase->momentum * m[i] + zo->g[i];
    phase->update(n, zo->rate, m, x);
  }
  PetscCall(TzZORoundToLevels(tao, n, x));
  PetscCall(VecRestoreArray(tao->solution, &x));
  PetscCall(VecRestoreArray(zo->momentum, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ends the first of two phases when the loss, averaged over windows of steps, has not improved for the patience */
static PetscErrorCode CountPatience(TAO_ZO *zo, PetscReal l0)
{
  PetscReal mean;

  PetscFunctionBegin;
  if (zo->state.phase + 1 >= zo->nphases) PetscFunctionReturn(PETSC_SUCCESS);
  zo->state.sum += l0;
  zo->state.summed += 1;
  if (zo->state.summed < zo->window) PetscFunctionReturn(PETSC_SUCCESS);
  mean              = zo->state.sum / zo->state.summed;
  zo->state.stalled = mean < zo->state.best - zo->tolerance * PetscAbsReal(zo->state.best) ? 0 : zo->state.stalled + zo->state.summed;
  if (!zo->state.stalled) zo->state.best = mean;
  zo->state.sum = zo->state.summed = 0;
  if (zo->state.stalled >= zo->patience) {
    zo->state.phase += 1;
    zo->state.begun   = zo->state.step + 1;
    zo->state.damping = TzZODamping(zo, 1);
    PetscCall(VecSet(zo->momentum, 0));
    if (zo->second) PetscCall(VecSet(zo->second, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A loss that is not finite ends the run. At theta itself it is the last update that went wrong: back to the solution before it. A perturbed
  one leaves theta as it is.
*/
static PetscErrorCode Diverged(Tao tao, PetscReal l0)
{
  TAO_ZO        *zo   = (TAO_ZO *)tao->data;
  const PetscInt step = (PetscInt)zo->state.step;
  PetscInt       kept = step;

  PetscFunctionBegin;
  tao->reason = TAO_DIVERGED_NAN;
  if (PetscIsInfOrNanReal(l0) && step > zo->first) {
    PetscCall(VecCopy(zo->previous, tao->solution));
    kept = step - 1;
  }
  PetscCall(PetscInfo(tao, "step %" PetscInt_FMT ": the loss %s is not finite; stopped with the parameters that step %" PetscInt_FMT " began with\n", step,
                      PetscIsInfOrNanReal(l0) ? "at the parameters" : "at a perturbation of the parameters", kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -zo_last_layer: the output layer on the samples of the step */
static PetscErrorCode LastLayer(Tao tao)
{
  TAO_ZO         *zo   = (TAO_ZO *)tao->data;
  const PetscReal rate = zo->rate;
  PetscReal       l, norm;

  PetscFunctionBegin;
  if (!zo->lastevery || ((PetscInt)zo->state.step + 1) % zo->lastevery) PetscFunctionReturn(PETSC_SUCCESS);
  zo->rate = zo->last.lr;
  PetscCall(zo->last.estimate->estimate(tao, &zo->last, &l, &norm));
  zo->rate = rate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The samples of a step; *kept: the state of the loss before, PetscMalloced, for a step that is given up */
static PetscErrorCode Sample(TzLoss loss, PetscInt step, const PetscReal theta[], PetscReal **kept)
{
  const PetscReal *state;
  PetscInt         n;

  PetscFunctionBegin;
  PetscCall(TzLossFollow(loss, theta));
  PetscCall(TzLossSample(loss, step));
  PetscCall(TzLossGetState(loss, &n, &state));
  PetscCall(PetscMalloc1(n, kept));
  PetscCall(PetscArraycpy(*kept, state, n));
  PetscCall(TzLossAdapt(loss, step, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(Tao tao)
{
  TAO_ZO        *zo    = (TAO_ZO *)tao->data;
  TzZOPhase     *phase = &zo->phase[(PetscInt)zo->state.phase];
  const PetscInt step  = (PetscInt)zo->state.step;
  TzCounts       before, after;
  PetscReal      l0, norm, *kept;
  PetscBool      givenup;

  PetscFunctionBegin;
  PetscCall(TzLossGetCounts(zo->loss, &before));
  zo->rate = TzScheduleRate(&zo->schedule, phase->lr, step, tao->max_it);
  PetscCall(Sample(zo->loss, step, zo->theta, &kept));
  PetscCall(TzZOPrepareMu(tao, phase));
  PetscCall(phase->estimate->estimate(tao, phase, &l0, &norm));
  PetscCall(TzInterruptAgree(PetscObjectComm((PetscObject)tao), &givenup));
  if (givenup) { /* as if this step had not begun */
    PetscCall(TzLossSetCounts(zo->loss, &before));
    PetscCall(TzLossSetState(zo->loss, kept));
    PetscCall(PetscFree(kept));
    tao->reason = TAO_CONVERGED_USER;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscFree(kept));
  if (PetscIsInfOrNanReal(l0) || PetscIsInfOrNanReal(norm)) {
    PetscCall(Diverged(tao, l0));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TzInterruptHold(PETSC_TRUE); /* the solution moves: the step comes to its end */
  if (zo->checkevery && step % zo->checkevery == 0) PetscCall(TzZOCheckGradient(tao, phase));
  if (phase->update) {
    PetscCall(Update(tao, phase));
    PetscCall(TzZOGather(tao, tao->solution, zo->theta));
    PetscCall(LastLayer(tao));
  }
  TzInterruptHold(PETSC_FALSE);
  PetscCall(TzLossGetCounts(zo->loss, &after));
  TzTaoCountAdd(tao, after.queries - before.queries);
  PetscCall(TzZOWatch(tao, l0));
  PetscCall(CountPatience(zo, l0));
  zo->state.step += 1;
  tao->niter = step + 1;
  PetscCall(TaoLogConvergenceHistory(tao, l0, norm, 0, 0));
  PetscCall(TaoMonitor(tao, tao->niter, l0, norm, 0, zo->rate));
  PetscUseTypeMethod(tao, convergencetest, tao->cnvP);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoSolve_ZO(Tao tao)
{
  TAO_ZO          *zo = (TAO_ZO *)tao->data;
  PetscObjectState state;

  PetscFunctionBegin;
  zo->first  = (PetscInt)zo->state.step;
  tao->niter = zo->first;
  PetscCall(TzZOGather(tao, tao->solution, zo->theta));
  if (tao->niter >= tao->max_it) tao->reason = TAO_DIVERGED_MAXITS;
  while (tao->reason == TAO_CONTINUE_ITERATING) {
    PetscTryTypeMethod(tao, update, tao->niter, tao->user_update);
    PetscCall(PetscObjectStateGet((PetscObject)tao->solution, &state));
    if (state != zo->gathered) PetscCall(TzZOGather(tao, tao->solution, zo->theta)); /* a monitor has changed it */
    PetscCall(Step(tao));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
