/*
  HJB-LQG:  u_t + Lap u - |grad u|^2 = 0,  u(x,T) = g(x) = ln((1 + |x|^2)/2),  T = 1 (E, Han, Jentzen 2017, with unit control cost).

  Cole-Hopf: exp(-u) solves the backward heat equation, so with c = T - t it is the mean of exp(-g) = 2/(1+|y|^2) = int_0^inf 2 exp(-v (1+|y|^2)) dv over
  y ~ N(x, 2 c I), and the mean of exp(-v |y|^2) is known:

      exp(-u(x,t)) = int_0^inf 2 exp(-phi(v)) dv,    phi(v) = v + d/2 ln(1 + 4 c v) + v |x|^2/(1 + 4 c v).
*/
#include <private/tzpdeimpl.h>

/*
  u = (T - t) f + b, where b(x,T) = g(x). -lqg_extension
    constant  b = g
    heat      b = ln((1 + |x|^2 + 2 d c)/2): g of the mean of |y|^2 over y ~ N(x, 2 c I). Its residual is -8 |x|^2/(1 + |x|^2 + 2 d c)^2, where that of g
              has the peak 2 d at the origin; what is left to the network is small.
*/
static PetscErrorCode TzPDETransform_LQG(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const PetscInt  d      = pde->d;
  const PetscBool heat   = *(PetscBool *)pde->data;
  PetscReal       square = 0, q;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) square += z[i] * z[i];
  q             = 1 + square + (heat ? 2 * (PetscReal)d * (pde->T - z[d]) : 0);
  TzJetValue(a) = pde->T - z[d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = PetscLogReal(q / 2);
  for (PetscInt i = 0; i < d; i++) TzJetGrad(b)[i] = 2 * z[i] / q;
  if (heat) TzJetTime(b) = -2 * (PetscReal)d / q;
  TzJetForm(b, 0) = 2 * (PetscReal)d / q - 4 * square / (q * q);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_LQG(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscBool  *heat        = (PetscBool *)pde->data;
  const char *extension[] = {"constant", "heat"};
  PetscInt    which       = *heat ? 1 : 0;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "HJB-LQG");
  PetscCall(TzOptionsEList("-lqg_extension", "How the terminal value is continued to t < T in u = (T - t) f + b", "TzPDETransform", extension, 2,
                           extension[which], &which, NULL));
  *heat = (PetscBool)(which == 1);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_LQG(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pde->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_LQG(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscReal *grad   = TzJetGrad(u);
  PetscReal        square = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) square += grad[i] * grad[i];
  *r = TzJetTime(u) + TzJetForm(u, 0) - square;
  if (dr) {
    for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(dr)[i] = -2 * grad[i];
    TzJetTime(dr) = TzJetForm(dr, 0) = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The integral for t <= T, by the trapezoidal rule after v = exp(tau - exp(-tau)) / phi'(0) (Takahasi, Mori 1974). The integrand decays doubly
  exponentially at both ends and is analytic in a strip of half width about pi/2, its nearest singularity 1 + 4 c v = 0 having Im tau near pi: a step
  h leaves exp(-pi^2/h), that is nothing. The gradient is the mean of 2 v x / (1 + 4 c v) with the integrand as weight.
*/
static PetscErrorCode TzPDEExact_LQG(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscInt  d = pde->d;
  const PetscReal c = pde->T - z[d], h = 1. / 8;
  PetscReal       square = 0, sum = 0, mean = 0, term = 1, slope;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) square += z[i] * z[i];
  slope = 1 + 2 * (PetscReal)d * c + square;
  for (PetscReal tau = -4; tau < 0 || term > sum * 1e-18; tau += h) {
    const PetscReal e = PetscExpReal(-tau), v = PetscExpReal(tau - e) / slope, q = 1 + 4 * c * v;

    term = v * (1 + e) * PetscExpReal(-v - 0.5 * (PetscReal)d * PetscLogReal(q) - v * square / q);
    sum += term;
    mean += term * v / q;
  }
  *u = -PetscLogReal(2 * h * sum);
  for (PetscInt i = 0; grad && i < d; i++) grad[i] = 2 * mean / sum * z[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_LQG(TzPDE pde)
{
  PetscBool *heat;

  PetscFunctionBegin;
  PetscCall(PetscNew(&heat));
  pde->data                = heat;
  pde->ops->transform      = TzPDETransform_LQG;
  pde->ops->residual       = TzPDEResidual_LQG;
  pde->ops->exact          = TzPDEExact_LQG;
  pde->ops->setfromoptions = TzPDESetFromOptions_LQG;
  pde->ops->destroy        = TzPDEDestroy_LQG;
  PetscFunctionReturn(PETSC_SUCCESS);
}
