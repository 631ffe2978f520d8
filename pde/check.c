/*
  TzPDECheck: whether what an equation's file says by hand agrees with itself, at random points of its domain.

  All derivatives here are central differences of order 8, of values and, for second derivatives, of gradients: with steps of 1/1000 of the
  lengths in which functions change their error is that of rounding, some 1e-12 of the values.
*/
#include <private/tzpdeimpl.h>

static const PetscReal weight[] = {4. / 5, -1. / 5, 4. / 105, -1. / 280}; /* first derivative: plus and minus k h, k = 1 .. 4 */
#define SIDE 4

/* Functions of z with a gradient: the exact solution, and a and b of the transform */
typedef enum { EXACT, FACTOR, OFFSET } Which;

typedef struct {
  TzPDE      pde;
  PetscInt   d, D, J;
  PetscReal *ab;                      /* [TzPDEGetTransformSize()] */
  PetscReal *y, *plus, *minus, *grad; /* [D], [d], [d], [d]; y is the point of the differences */
  PetscReal *H, *diff;                /* Hessian [d][d], derivatives [D] */
  PetscReal *Sv, *size;               /* [d]; of each form what is added up in it [nforms] */
} Work;

static PetscErrorCode Create(TzPDE pde, Work *w)
{
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(pde, &size));
  *w = (Work){.pde = pde, .d = pde->d, .D = TzJetCoordinates(&pde->shape), .J = TzJetSize(&pde->shape)};
  PetscCall(PetscMalloc5(size, &w->ab, w->D, &w->y, w->d, &w->plus, w->d, &w->minus, w->d, &w->grad));
  PetscCall(PetscMalloc4(w->d * w->d, &w->H, w->D, &w->diff, w->d, &w->Sv, pde->shape.nforms, &w->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Work *w)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(w->ab, w->y, w->plus, w->minus, w->grad));
  PetscCall(PetscFree4(w->H, w->diff, w->Sv, w->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value and gradient in x [d] of a function at w->y */
static PetscErrorCode Evaluate(Work *w, Which which, PetscReal *value, PetscReal grad[])
{
  TzJet jet;

  PetscFunctionBegin;
  if (which == EXACT) {
    PetscCall(TzPDEExact(w->pde, 1, w->y, value, grad));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzPDETransformJets(w->pde, 1, w->y, w->ab));
  jet    = TzJetAt(&w->pde->shape, which == FACTOR ? w->ab : w->ab + w->J);
  *value = TzJetValue(&jet);
  PetscCall(PetscArraycpy(grad, TzJetGrad(&jet), w->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step in coordinate i at z: x_i changes by itself or by 1, what happens before T changes in T - t */
static PetscReal Step(const Work *w, PetscInt i, const PetscReal z[])
{
  return i < w->d ? 1e-3 * PetscMax(1, PetscAbsReal(z[i])) : 4e-3 * (w->pde->T - z[i]);
}

/* The jet [J] at z: gradient and time derivative by differences of values, forms by differences of gradients */
static PetscErrorCode Differences(Work *w, Which which, const PetscReal z[], PetscReal jet[])
{
  const TzJetShape *shape = &w->pde->shape;
  const PetscInt    d     = w->d;
  TzJet             u     = TzJetAt(shape, jet);

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(w->H, d * d));
  PetscCall(PetscArrayzero(jet, w->J));
  PetscCall(PetscArraycpy(w->y, z, w->D));
  PetscCall(Evaluate(w, which, &TzJetValue(&u), w->plus));
  for (PetscInt i = 0; i < w->D; i++) {
    const PetscReal h = Step(w, i, z);

    for (PetscInt k = 1; k <= SIDE; k++) {
      PetscReal plus, minus;

      w->y[i] = z[i] + (PetscReal)k * h;
      PetscCall(Evaluate(w, which, &plus, w->plus));
      w->y[i] = z[i] - (PetscReal)k * h;
      PetscCall(Evaluate(w, which, &minus, w->minus));
      jet[1 + i] += weight[k - 1] * (plus - minus) / h;
      for (PetscInt j = 0; i < d && j < d; j++) w->H[i * d + j] += weight[k - 1] * (w->plus[j] - w->minus[j]) / h;
    }
    w->y[i] = z[i];
  }
  for (PetscInt p = 0; p < shape->nforms; p++) { /* S : H, row by row: (S H_i)_i */
    TzFormAt S;

    PetscCall(TzFormEvaluate(&shape->form[p], d, z, w->pde->field, &S));
    w->size[p] = 0;
    for (PetscInt i = 0; i < d; i++) {
      TzFormApply(&S, w->H + i * d, w->Sv);
      TzJetForm(&u, p) += w->Sv[i];
      w->size[p] += PetscAbsReal(w->Sv[i]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Largest(PetscReal *largest, PetscReal deviation)
{
  if (!(deviation <= *largest)) *largest = deviation; /* NaN stays */
}

/* |x - y| of n numbers by 1 + the largest of them */
static void Compare(PetscInt n, const PetscReal x[], const PetscReal y[], PetscReal *largest)
{
  PetscReal scale = 1;

  for (PetscInt i = 0; i < n; i++) scale = PetscMax(scale, 1 + PetscAbsReal(y[i]));
  for (PetscInt i = 0; i < n; i++) Largest(largest, PetscAbsReal(x[i] - y[i]) / scale);
}

/* The exact solution: its gradient, and its residual by the sum of |terms| that it is linearised to; jet [J] and dr [J] are scratch, jet is returned */
static PetscErrorCode CheckExact(Work *w, const PetscReal z[], PetscReal jet[], PetscReal dr[], TzPDEDeviations *dev)
{
  PetscReal r, scale = 1;

  PetscFunctionBegin;
  PetscCall(Differences(w, EXACT, z, jet));
  PetscCall(TzPDEExact(w->pde, 1, z, &r, w->grad));
  Compare(w->d, w->grad, jet + 1, &dev->gradient);
  PetscCall(TzPDEResidual(w->pde, 1, z, jet, &r, dr));
  for (PetscInt i = 0; i < w->J; i++) scale += PetscAbsReal(dr[i]) * (i < 1 + w->D ? PetscAbsReal(jet[i]) : w->size[i - 1 - w->D]);
  Largest(&dev->residual, PetscAbsReal(r) / scale);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Jets of a and b against differences; jet [J] is scratch */
static PetscErrorCode CheckTransform(Work *w, const PetscReal z[], PetscReal jet[], TzPDEDeviations *dev)
{
  PetscFunctionBegin;
  for (Which which = FACTOR; which <= OFFSET; which++) {
    PetscCall(Differences(w, which, z, jet));
    PetscCall(TzPDETransformJets(w->pde, 1, z, w->ab));
    Compare(w->J, which == FACTOR ? w->ab : w->ab + w->J, jet, &dev->transform);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of r in slot s of u [J], by steps h */
static PetscErrorCode SlotDifference(Work *w, const PetscReal z[], PetscReal u[], PetscInt s, PetscReal h, PetscReal *diff)
{
  const PetscReal at = u[s];
  PetscReal       plus, minus;

  PetscFunctionBegin;
  *diff = 0;
  for (PetscInt k = 1; k <= SIDE; k++) {
    u[s] = at + (PetscReal)k * h;
    PetscCall(TzPDEResidual(w->pde, 1, z, u, &plus, NULL));
    u[s] = at - (PetscReal)k * h;
    PetscCall(TzPDEResidual(w->pde, 1, z, u, &minus, NULL));
    *diff += weight[k - 1] * (plus - minus) / h;
  }
  u[s] = at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  dr at u [J] against differences of r in every slot; dr, diff [J] are scratch. A residual may have kinks (bounds of a control): where one lies within the
  differences a hundredth of the step, with a hundred times the rounding, is likely to be on one side of it.
*/
static PetscErrorCode CheckDerivative(Work *w, const PetscReal z[], PetscReal u[], PetscReal dr[], PetscReal diff[], TzPDEDeviations *dev)
{
  PetscReal r;

  PetscFunctionBegin;
  PetscCall(TzPDEResidual(w->pde, 1, z, u, &r, dr));
  for (PetscInt s = 0; s < w->J; s++) {
    const PetscReal h = 1e-3 * PetscMax(1, PetscAbsReal(u[s]));

    PetscCall(SlotDifference(w, z, u, s, h, &diff[s]));
    if (PetscAbsReal(diff[s] - dr[s]) > 1e-9 * (1 + PetscAbsReal(dr[s]))) PetscCall(SlotDifference(w, z, u, s, h / 100, &diff[s]));
  }
  Compare(w->J, dr, diff, &dev->derivative);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the transform fixes the value (a = 0) it is the exact one; tried at t = T and t = 0, and on spheres |x| = radius, inner */
static PetscErrorCode CheckHard(Work *w, const PetscReal z[], TzPDEDeviations *dev)
{
  const TzDomain *domain = &w->pde->domain;
  const PetscBool box    = (PetscBool)(domain->type == TZ_DOMAIN_BOX);
  PetscReal       value, square = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < w->d; i++) square += z[i] * z[i];
  for (int end = 0; end < 4; end++) {
    PetscCall(PetscArraycpy(w->y, z, w->D));
    if ((end < 2 && w->D == w->d) || (end >= 2 && box) || (end == 3 && domain->type != TZ_DOMAIN_SHELL)) continue;
    if (end < 2) w->y[w->d] = end ? 0 : w->pde->T;
    for (PetscInt i = 0; end >= 2 && i < w->d; i++) w->y[i] *= (end == 2 ? domain->radius : domain->inner) / PetscSqrtReal(square);
    PetscCall(TzPDETransformJets(w->pde, 1, w->y, w->ab));
    if (PetscAbsReal(w->ab[0]) > 1e-14) continue;
    PetscCall(TzPDEExact(w->pde, 1, w->y, &value, NULL));
    Compare(1, w->ab + w->J, &value, &dev->condition);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The residuals of soft conditions for the exact solution, at point i of each; jet [J] is scratch, of which conditions read value and gradient */
static PetscErrorCode CheckSoft(Work *w, TzSampler sampler, PetscInt64 seed, PetscInt i, PetscReal jet[], TzPDEDeviations *dev)
{
  const TzCondition *c;
  PetscInt           n;
  PetscReal          r;

  PetscFunctionBegin;
  PetscCall(TzPDEGetConditions(w->pde, &n, &c));
  for (PetscInt k = 0; k < n; k++) {
    if (c[k].place == TZ_AT_BOUNDARY) PetscCall(TzSamplerDrawBoundary(sampler, c[k].face, seed, TZ_STREAM_VALIDATION, k, i, 1, w->y, w->plus));
    else PetscCall(TzSamplerDrawTime(sampler, c[k].place == TZ_AT_END ? w->pde->T : 0, seed, TZ_STREAM_VALIDATION, k, i, 1, w->y));
    PetscCall(PetscArrayzero(jet, w->J));
    PetscCall(TzPDEExact(w->pde, 1, w->y, jet, jet + 1));
    PetscCall(TzPDEConditionResidual(w->pde, k, 1, w->y, w->plus, jet, &r, NULL));
    Largest(&dev->condition, PetscAbsReal(r) / (1 + PetscAbsReal(jet[0])));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Point i of the check: inside the domain, and away from t = 0 and t = T */
static PetscErrorCode Point(TzPDE pde, TzSampler sampler, PetscInt64 seed, PetscInt i, PetscReal z[])
{
  PetscFunctionBegin;
  PetscCall(TzSamplerDraw(sampler, seed, TZ_STREAM_VALIDATION, 0, i, 1, z));
  if (!pde->stationary) z[pde->d] = 0.05 * pde->T + 0.9 * z[pde->d];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDECheck(TzPDE pde, PetscInt n, PetscInt64 seed, TzPDEDeviations *dev)
{
  PetscBool  has;
  PetscReal *z, *u, *dr, *diff;
  TzSampler  sampler;
  Work       w;

  PetscFunctionBegin;
  PetscCall(TzPDEHasExact(pde, &has));
  PetscCall(TzSamplerCreate(PetscObjectComm((PetscObject)pde), &sampler));
  PetscCall(TzPDESetUp(pde));
  PetscCall(TzSamplerSetType(sampler, pde->domain.type == TZ_DOMAIN_BOX ? TZ_SAMPLER_BOX : TZ_SAMPLER_BALL));
  PetscCall(TzPDESetSampler(pde, sampler));
  PetscCall(Create(pde, &w));
  PetscCall(PetscMalloc4(w.D, &z, w.J, &u, w.J, &dr, w.J, &diff));
  *dev = (TzPDEDeviations){-1, -1, -1, -1, -1};
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(Point(pde, sampler, seed, i, z));
    PetscCall(PetscArrayzero(u, w.J));
    if (pde->ops->transform) PetscCall(CheckTransform(&w, z, u, dev));
    if (has) {
      PetscCall(CheckHard(&w, z, dev));
      PetscCall(CheckSoft(&w, sampler, seed, i, u, dev));
      PetscCall(CheckExact(&w, z, u, dr, dev));
    }
    PetscCall(TzRandomNormal(seed, TZ_STREAM_VALIDATION, 1, i, 0, w.J, diff));
    for (PetscInt s = 0; s < w.J; s++) u[s] += 0.1 * diff[s]; /* the derivatives hold for any function */
    PetscCall(CheckDerivative(&w, z, u, dr, diff, dev));
  }
  PetscCall(PetscFree4(z, u, dr, diff));
  PetscCall(TzSamplerDestroy(&sampler));
  PetscCall(Destroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
