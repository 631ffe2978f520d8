/* TzControl: value, gradient and control of a network at many states, or at one. */
#include <tzcontrol.h>
#include <tzderiv.h>
#include <tzshell.h>

#define BATCH 96 /* points at once: whole panels of the network's kernels */

struct _n_TzControl {
  TzPDE      pde;
  TzNet      net;
  TzNetEval  eval;
  TzDeriv    deriv; /* of a network of values alone; otherwise NULL */
  TzJetShape shape; /* value and gradient alone */
  PetscInt   d, D, J, size, m;
  PetscReal *jet;  /* [BATCH][1 + D] of f */
  PetscReal *ab;   /* [BATCH][size]: TzPDETransformJets() */
  PetscReal *grad; /* [BATCH][d] */
};

PetscErrorCode TzControlCreate(TzPDE pde, TzNet net, TzControl *newcontrol)
{
  const TzControlParts *parts;
  const TzJetShape     *shape;
  TzControl             c;
  PetscInt              in, out;
  PetscBool             exact;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  PetscCall(PetscObjectReference((PetscObject)pde));
  PetscCall(PetscObjectReference((PetscObject)net));
  c->pde = pde;
  c->net = net;
  PetscCall(TzPDEGetControl(pde, &parts));
  PetscCall(TzPDEGetJetShape(pde, &shape));
  PetscCall(TzPDEGetTransformSize(pde, &c->size));
  c->shape = (TzJetShape){.d = shape->d, .time = shape->time};
  c->d     = shape->d;
  c->D     = TzJetCoordinates(shape);
  c->J     = TzJetSize(shape);
  c->m     = parts ? parts->m : 0;
  PetscCall(TzNetGetIO(net, &in, &out));
  PetscCheck(in == c->D && out == 1, PetscObjectComm((PetscObject)net), PETSC_ERR_ARG_SIZ,
             "A network with %" PetscInt_FMT " inputs and %" PetscInt_FMT " outputs; the equation has %" PetscInt_FMT " coordinates", in, out, c->D);
  PetscCall(TzNetEvalCreate(net, &c->eval));
  PetscCall(TzNetHasDerivatives(net, &exact));
  if (!exact) {
    PetscCall(TzDerivCreate(PETSC_COMM_SELF, &c->deriv));
    PetscCall(TzDerivSetNet(c->deriv, net, &c->shape));
    PetscCall(TzDerivSetType(c->deriv, TZDERIVFD));
  }
  PetscCall(PetscMalloc3(BATCH * (1 + c->D), &c->jet, BATCH * c->size, &c->ab, BATCH * c->d, &c->grad));
  *newcontrol = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzControlDestroy(TzControl *control)
{
  TzControl c = *control;

  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetEvalDestroy(&c->eval));
  PetscCall(TzDerivDestroy(&c->deriv));
  PetscCall(TzNetDestroy(&c->net));
  PetscCall(TzPDEDestroy(&c->pde));
  PetscCall(PetscFree3(c->jet, c->ab, c->grad));
  PetscCall(PetscFree(*control));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzControlBind(TzControl c, const PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalBind(c->eval, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of at most BATCH points */
static PetscErrorCode Batch(TzControl c, PetscInt n, const PetscReal X[], PetscReal value[], PetscReal grad[])
{
  const PetscInt d = c->d;

  PetscFunctionBegin;
  if (c->deriv) PetscCall(TzDerivJet(c->deriv, c->eval, n, X, c->jet));
  else PetscCall(TzNetEvalJet(c->eval, n, X, &c->shape, c->jet));
  PetscCall(TzPDETransformJets(c->pde, n, X, c->ab));
  for (PetscInt p = 0; p < n; p++) {
    const PetscReal *f = c->jet + p * (1 + c->D), *a = c->ab + p * c->size, *b = a + c->J;

    if (value) value[p] = a[0] * f[0] + b[0];
    for (PetscInt i = 1; i <= d; i++) grad[p * d + i - 1] = a[0] * f[i] + a[i] * f[0] + b[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzControlEvaluate(TzControl c, PetscInt n, const PetscReal X[], PetscReal value[], PetscReal grad[], PetscReal a[])
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i += BATCH) {
    const PetscInt many = PetscMin(BATCH, n - i);
    PetscReal     *g    = grad ? grad + i * c->d : c->grad;

    PetscCall(Batch(c, many, X + i * c->D, value ? value + i : NULL, g));
    if (a) PetscCall(TzPDEControlMinimize(c->pde, many, X + i * c->D, g, a + i * c->m));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
