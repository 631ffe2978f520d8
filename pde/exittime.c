/*
  Exit from a ball at least cost, min E[int_0^exit (f + |a|^2/(4 lambda)) ds] with dX = a dt + sqrt(2) dW:
  Lap u - lambda |grad u|^2 + f = 0 in |x| < R,  u = 0 on |x| = R,  no time. lambda = 1, f = d, R = 1; the optimal control is -2 lambda grad u.
  Solution: exp(-lambda u) is proportional to F(lambda f |x|^2/4), F(z) = sum_k z^k/(k! (d/2)_k).
*/
#include <private/tzpdeimpl.h>

typedef struct {
  PetscReal lambda, f;
  PetscBool given;    /* f: otherwise d */
  PetscReal boundary; /* F at |x| = R */
} ExitTime;

static PetscReal Square(PetscInt d, const PetscReal x[])
{
  PetscReal s = 0;

  for (PetscInt i = 0; i < d; i++) s += x[i] * x[i];
  return s;
}

/* F and F' at z >= 0: all terms are positive */
static PetscReal Series(PetscInt d, PetscReal z, PetscReal *slope)
{
  PetscReal sum = 1, term = 1;

  *slope = 0;
  for (PetscInt k = 1; k == 1 || term > 1e-18 * sum; k++) {
    const PetscReal q = 1 / ((PetscReal)k * ((PetscReal)d / 2 + (PetscReal)(k - 1)));

    *slope += term * q * (PetscReal)k;
    term *= z * q;
    sum += term;
  }
  return sum;
}

static PetscErrorCode TzPDETransform_ExitTime(TzPDE pde, const PetscReal z[], TzJet *a, PETSC_UNUSED TzJet *b)
{
  PetscFunctionBegin;
  TzJetValue(a) = PetscSqr(pde->domain.radius) - Square(pde->d, z);
  for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(a)[i] = -2 * z[i];
  TzJetForm(a, 0) = -2 * (PetscReal)pde->d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_ExitTime(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const ExitTime *e = (ExitTime *)pde->data;

  PetscFunctionBegin;
  *r = TzJetForm(u, 0) - e->lambda * Square(pde->d, TzJetGrad(u)) + e->f;
  if (dr) {
    TzJetForm(dr, 0) = 1;
    for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(dr)[i] = -2 * e->lambda * TzJetGrad(u)[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_ExitTime(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const ExitTime *e = (ExitTime *)pde->data;
  const PetscReal k = e->lambda * e->f / 4;
  PetscReal       slope, F = Series(pde->d, k * Square(pde->d, z), &slope);

  PetscFunctionBegin;
  *u = PetscLogReal(e->boundary / F) / e->lambda;
  for (PetscInt i = 0; grad && i < pde->d; i++) grad[i] = -2 * k * slope / (F * e->lambda) * z[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_ExitTime(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  ExitTime *e = (ExitTime *)pde->data;
  PetscBool set;

  PetscFunctionBegin;
  if (!e->given) e->f = (PetscReal)pde->d;
  PetscCall(TzOptionsReal("-exittime_lambda", "Weight lambda of the control: it costs |a|^2/(4 lambda)", "TzPDEResidual", e->lambda, &e->lambda, NULL));
  PetscCall(TzOptionsReal("-exittime_f", "Cost f of time (1/time); default d", "TzPDEResidual", e->f, &e->f, &set));
  e->given = (PetscBool)(e->given || set);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_ExitTime(TzPDE pde)
{
  ExitTime *e    = (ExitTime *)pde->data;
  MPI_Comm  comm = PetscObjectComm((PetscObject)pde);
  PetscReal slope;

  PetscFunctionBegin;
  if (!e->given) e->f = (PetscReal)pde->d;
  PetscCheck(e->lambda > 0 && PetscIsNormalReal(e->lambda), comm, PETSC_ERR_USER_INPUT, "-exittime_lambda %g: must be positive", (double)e->lambda);
  PetscCheck(e->f > 0 && PetscIsNormalReal(e->f), comm, PETSC_ERR_USER_INPUT, "-exittime_f %g: must be positive", (double)e->f);
  e->boundary = Series(pde->d, e->lambda * e->f * PetscSqr(pde->domain.radius) / 4, &slope);
  PetscCheck(!PetscIsInfOrNanReal(e->boundary), comm, PETSC_ERR_USER_INPUT, "-exittime_lambda %g -exittime_f %g -pde_radius %g: too large", (double)e->lambda,
             (double)e->f, (double)pde->domain.radius);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_ExitTime(TzPDE pde)
{
  ExitTime *e;

  PetscFunctionBegin;
  PetscCall(PetscNew(&e));
  e->lambda                = 1;
  pde->data                = e;
  pde->stationary          = PETSC_TRUE;
  pde->domain.type         = TZ_DOMAIN_BALL;
  pde->domain.radius       = 1;
  pde->formula             = "Lap u - lambda |grad u|^2 + f = 0 in |x| < R, u = 0 on |x| = R";
  pde->reference           = "exact: a series, to rounding";
  pde->ops->transform      = TzPDETransform_ExitTime;
  pde->ops->transformcode  = TzPDEBallCode;
  pde->ops->residual       = TzPDEResidual_ExitTime;
  pde->ops->exact          = TzPDEExact_ExitTime;
  pde->ops->setfromoptions = TzPDESetFromOptions_ExitTime;
  pde->ops->setup          = TzPDESetUp_ExitTime;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}
