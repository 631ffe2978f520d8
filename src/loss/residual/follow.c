/*
  Points where a control problem's process goes under the feedback of the network as it is: -control_drift feedback, or mix, of every second pair of paths. At
  every step they are drawn anew with the parameters that it starts with, so they follow the training, and a run that is resumed has the same. A path asks the
  network at every time step; the ranks share the paths.

  -control_drift lqr: under the linear regulator at the target; for problems that without control, or with the feedback of
  a network that has learnt nothing, go where nobody wants to be. guided: every second pair under the network's feedback, the others under the
  regulator. With both the points of the validation are under the regulator.
*/
#include "residual.h"

static const char *const drifts[] = {"none", "feedback", "mix", "lqr", "guided"};
enum { NONE, FEEDBACK, MIX, REGULATOR, GUIDED };

PetscErrorCode TzFollowSetFromOptions(TzLoss loss, TzOptionItems PetscOptionsObject)
{
  TzResidual           *r = (TzResidual *)loss->data;
  const TzControlParts *parts;

  PetscFunctionBegin;
  if (!loss->pde) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEGetControl(loss->pde, &parts));
  if (!parts) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzOptionsEList("-control_drift",
                           "Drift of the paths that points are drawn from: without control, by the network's feedback, half of each, "
                           "by the regulator at the target, half of each of these two",
                           "TzLossFollow", drifts, 5, drifts[r->drift], &r->drift, NULL));
  PetscCheck(r->drift == NONE || r->drift == REGULATOR || !r->fixed, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT,
             "-control_drift %s: points follow the training; must not be with -loss_fixed_points", drifts[r->drift]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFollowReset(TzResidual *r)
{
  PetscFunctionBegin;
  PetscCall(TzControlDestroy(&r->control));
  PetscCall(PetscFree2(r->followed, r->action));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mu [n][d] = f + B a, a by the network at Z [n][D] */
static PetscErrorCode Steer(void *ctx, PetscInt n, const PetscReal Z[], PetscReal mu[])
{
  TzLoss      loss = (TzLoss)ctx;
  TzResidual *r    = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzControlEvaluate(r->control, n, Z, NULL, NULL, r->action));
  PetscCall(TzPDEControlRate(loss->pde, n, Z, r->action, mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SteerLinear(void *ctx, PetscInt n, const PetscReal Z[], PetscReal mu[])
{
  TzLoss      loss = (TzLoss)ctx;
  TzResidual *r    = (TzResidual *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzPDEControlLinear(loss->pde, "-control_drift lqr", n, Z, NULL, mu));
  PetscCall(TzPDEControlMinimize(loss->pde, n, Z, mu, r->action));
  PetscCall(TzPDEControlRate(loss->pde, n, Z, r->action, mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of all that is drawn but the points of a step */
static PetscErrorCode SteerOthers(TzLoss loss)
{
  TzResidual          *r     = (TzResidual *)loss->data;
  const TzSamplerSteer steer = r->drift == REGULATOR || r->drift == GUIDED ? SteerLinear : NULL;

  PetscFunctionBegin;
  PetscCall(TzSamplerSetSteer(r->sampler, steer, loss, PETSC_FALSE, NULL));
  PetscCall(TzSamplerSetSteer(r->validation, steer, loss, PETSC_FALSE, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFollowSetUp(TzLoss loss)
{
  TzResidual           *r = (TzResidual *)loss->data;
  const TzControlParts *parts;
  TzSamplerType         type;

  PetscFunctionBegin;
  r->follows = PETSC_FALSE;
  PetscCall(SteerOthers(loss));
  if (r->drift == NONE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzSamplerGetType(r->sampler, &type));
  PetscCheck(type == TZ_SAMPLER_PATHS || type == TZ_SAMPLER_MIXED, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT,
             "-control_drift %s: is that of paths; needs -loss_sampler paths or mixed", drifts[r->drift]);
  PetscCall(TzPDEGetControl(loss->pde, &parts));
  PetscCall(PetscMalloc2(loss->nparams, &r->followed, TZ_SAMPLER_PATHS_MAX * parts->m, &r->action));
  if (r->drift != REGULATOR) PetscCall(TzControlCreate(loss->pde, loss->net, &r->control));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameters of the next TzLossSample(); what has been sampled with others counts no more */
PetscErrorCode TzFollow(TzLoss loss, const PetscReal theta[])
{
  TzResidual *r    = (TzResidual *)loss->data;
  PetscBool   same = r->follows;

  PetscFunctionBegin;
  if (!r->control) PetscFunctionReturn(PETSC_SUCCESS);
  if (same) PetscCall(PetscArraycmp(r->followed, theta, loss->nparams, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(r->followed, theta, loss->nparams));
  PetscCall(TzControlBind(r->control, theta));
  r->follows = PETSC_TRUE;
  r->step    = -1;
  PetscCall(TzTermsForget(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X [npoints][D] of the equation at a step */
PetscErrorCode TzFollowDraw(TzLoss loss, PetscInt step)
{
  TzResidual *r    = (TzResidual *)loss->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  PetscMPIInt rank, size, *count, *displ;
  PetscInt64  n = r->npoints;

  PetscFunctionBegin;
  if (!r->follows) {
    PetscCall(TzSamplerDraw(r->sampler, loss->seed, TZ_STREAM_POINTS, step, 0, r->npoints, r->X));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc2(size, &count, size, &displ));
  for (PetscMPIInt k = 0; k < size; k++) {
    PetscCall(PetscMPIIntCast(n * k / size * r->D, &displ[k]));
    PetscCall(PetscMPIIntCast(n * (k + 1) / size * r->D - displ[k], &count[k]));
  }
  PetscCall(TzSamplerSetSteer(r->sampler, Steer, loss, (PetscBool)(r->drift == MIX || r->drift == GUIDED), r->drift == GUIDED ? SteerLinear : NULL));
  PetscCall(TzSamplerDraw(r->sampler, loss->seed, TZ_STREAM_POINTS, step, displ[rank] / r->D, count[rank] / r->D, r->X + displ[rank]));
  PetscCall(SteerOthers(loss));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, r->X, count, displ, MPIU_REAL, comm));
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}
