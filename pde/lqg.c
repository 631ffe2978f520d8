/*
  HJB-LQG:  u_t + nu Lap u - mu |grad u|^2 = 0,  u(x,T) = g(x) = ln((1 + x'Mx)/2),  T = 1, and by default nu = mu = 1, M = I (E, Han, Jentzen 2017, with
  unit control cost).

  Cole-Hopf: with lambda = mu/nu, exp(-lambda u) solves the backward heat equation, so with c = nu (T - t) it is the mean over y ~ N(x, 2 c I) of
  exp(-lambda g) = 2^lambda/Gamma(lambda) int_0^inf v^(lambda-1) exp(-v (1 + y'My)) dv, and the mean of exp(-v y'My) is known: with
  eigenvalues m_k of M and the components y_k of x along its eigenvectors

      exp(-lambda u(x,t)) = 2^lambda/Gamma(lambda) int_0^inf v^(lambda-1) exp(-phi(v)) dv,
      phi(v) = v + sum_k [1/2 ln(1 + 4 c v m_k) + v m_k y_k^2/(1 + 4 c v m_k)].
*/
#include <private/tzpdeimpl.h>
#include "quadratic.h"
#include <math.h>

typedef struct {
  PetscBool   heat; /* extension of the terminal value */
  PetscReal   mu;
  TzQuadratic M;
  PetscReal  *Mx, *y, *mean; /* scratch [d] */
} LQG;

/*
  u = (T - t) f + b, where b(x,T) = g(x). -lqg_extension
    constant  b = g
    heat      b = ln((1 + x'Mx + 2 c tr M)/2): g of the mean of y'My over y ~ N(x, 2 c I). Where M = I and nu = mu its residual is
              -8 nu |x|^2/(1 + |x|^2 + 2 d c)^2, where that of g has the peak 2 d nu at the origin; what is left to the network is small.
*/
static PetscErrorCode TzPDETransform_LQG(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  LQG            *lqg    = (LQG *)pde->data;
  const PetscInt  d      = pde->d;
  const PetscReal square = TzQuadraticApply(&lqg->M, z, lqg->Mx), drift = 2 * pde->diffusion * lqg->M.trace;
  const PetscReal q    = 1 + square + (lqg->heat ? drift * (pde->T - z[d]) : 0);
  PetscReal       norm = 0; /* |Mx|^2 */

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = PetscLogReal(q / 2);
  for (PetscInt i = 0; i < d; i++) {
    TzJetGrad(b)[i] = 2 * lqg->Mx[i] / q;
    norm += lqg->Mx[i] * lqg->Mx[i];
  }
  if (lqg->heat) TzJetTime(b) = -drift / q;
  TzJetForm(b, 0) = 2 * lqg->M.trace / q - 4 * norm / (q * q);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_LQG(TzPDE pde, TzCode code)
{
  const LQG *lqg = (LQG *)pde->data;

  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  TzQuadraticCode(&lqg->M, code);
  TzCodeReal(code, "drift", lqg->heat ? 2 * pde->diffusion * lqg->M.trace : 0);
  TzCodePrintf(code, "  const real q = 1 + square + drift * (T - z[d]);\n"
                     "  *b = M(log)(q / 2);\n"
                     "  for (int i = 0; i < d; i++) db[i] *= 2 / q;\n"
                     "  db[d] = -drift / q;\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_LQG(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  LQG        *lqg         = (LQG *)pde->data;
  const char *extension[] = {"constant", "heat"};
  PetscInt    which       = lqg->heat ? 1 : 0;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "HJB-LQG");
  PetscCall(TzOptionsEList("-lqg_extension", "How the terminal value is continued to t < T in u = (T - t) f + b", "TzPDETransform", extension, 2,
                           extension[which], &which, NULL));
  PetscCall(TzOptionsReal("-lqg_nu", "Diffusion nu (length^2/time)", "TzPDEResidual", pde->diffusion, &pde->diffusion, NULL));
  PetscCall(TzOptionsReal("-lqg_mu", "Coefficient mu of |grad u|^2 (length^2/time/unit of u)", "TzPDEResidual", lqg->mu, &lqg->mu, NULL));
  PetscCall(TzQuadraticSetFromOptions(&lqg->M, "lqg", PetscOptionsObject));
  lqg->heat = (PetscBool)(which == 1);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_LQG(TzPDE pde)
{
  LQG *lqg = (LQG *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzQuadraticDestroy(&lqg->M));
  PetscCall(PetscFree3(lqg->Mx, lqg->y, lqg->mean));
  PetscCall(PetscFree(lqg));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_LQG(TzPDE pde)
{
  LQG     *lqg  = (LQG *)pde->data;
  MPI_Comm comm = PetscObjectComm((PetscObject)pde);

  PetscFunctionBegin;
  PetscCheck(pde->diffusion > 0 && PetscIsNormalReal(pde->diffusion), comm, PETSC_ERR_USER_INPUT, "-lqg_nu %g: must be positive", (double)pde->diffusion);
  PetscCheck(lqg->mu >= 0.01 * pde->diffusion && lqg->mu <= 100 * pde->diffusion, comm, PETSC_ERR_USER_INPUT,
             "-lqg_mu %g: must be 1/100 to 100 times -lqg_nu, which is %g", (double)lqg->mu, (double)pde->diffusion);
  PetscCall(TzQuadraticSetUp(&lqg->M, "lqg", comm, pde->d));
  PetscCall(PetscFree3(lqg->Mx, lqg->y, lqg->mean));
  PetscCall(PetscMalloc3(pde->d, &lqg->Mx, pde->d, &lqg->y, pde->d, &lqg->mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_LQG(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscReal *grad = TzJetGrad(u), mu = ((LQG *)pde->data)->mu;
  PetscReal        square = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) square += grad[i] * grad[i];
  *r = TzJetTime(u) + pde->diffusion * TzJetForm(u, 0) - mu * square;
  if (dr) {
    for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(dr)[i] = -2 * mu * grad[i];
    TzJetTime(dr)    = 1;
    TzJetForm(dr, 0) = pde->diffusion;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The integral for t <= T, by the trapezoidal rule after v = exp(tau - exp(-tau)) / phi'(0) (Takahasi, Mori 1974). The integrand decays doubly
  exponentially at both ends and is analytic in a strip of half width about pi/2, its nearest singularity 1 + 4 c v m = 0 having Im tau near pi: a step
  h leaves exp(-pi^2/h), that is nothing; for lambda > 1 the peak is sqrt(lambda) times as narrow. The gradient is 1/lambda times the mean of
  2 v m_k y_k/(1 + 4 c v m_k) with the integrand as weight. Equal eigenvalues go together: n of them, m = I as one.
*/
static PetscErrorCode TzPDEExact_LQG(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  LQG            *lqg = (LQG *)pde->data;
  const PetscInt  d = pde->d, groups = lqg->M.identity ? 1 : d;
  const PetscReal c = pde->diffusion * (pde->T - z[d]), lambda = lqg->mu / pde->diffusion, h = 1. / 8 / PetscSqrtReal(PetscMax(1, lambda));
  const PetscReal one = 1, n = lqg->M.identity ? (PetscReal)d : 1, *m = lqg->M.identity ? &one : lqg->M.m;
  PetscReal       whole = 0, sum = 0, term = 1, slope = 1, *square = lqg->Mx;

  PetscFunctionBegin;
  TzQuadraticRotate(&lqg->M, PETSC_TRUE, z, lqg->y);
  for (PetscInt i = 0; i < d; i++) whole += z[i] * z[i];
  for (PetscInt k = 0; k < groups; k++) {
    square[k]    = lqg->M.identity ? whole : lqg->y[k] * lqg->y[k];
    lqg->mean[k] = 0;
    slope += 2 * n * c * m[k] + m[k] * square[k];
  }
  for (PetscReal tau = -4 + PetscMin(0, PetscLogReal(lambda)); tau < 0 || term > sum * 1e-18; tau += h) {
    const PetscReal e = PetscExpReal(-tau), v = PetscExpReal(tau - e) / slope;
    PetscReal       phi = -v;

    for (PetscInt k = 0; k < groups; k++) {
      const PetscReal q = 1 + 4 * c * m[k] * v;

      phi = phi - 0.5 * n * PetscLogReal(q) - v * m[k] * square[k] / q;
    }
    term = PetscPowReal(v, lambda) * (1 + e) * PetscExpReal(phi);
    sum += term;
    for (PetscInt k = 0; k < groups && grad; k++) lqg->mean[k] += term * v * m[k] / (1 + 4 * c * m[k] * v);
  }
  *u = -PetscLogReal(PetscPowReal(2, lambda) / tgamma(lambda) * h * sum) / lambda;
  for (PetscInt k = 0; k < d; k++) lqg->y[k] *= 2 * lqg->mean[lqg->M.identity ? 0 : k] / sum / lambda;
  if (grad) TzQuadraticRotate(&lqg->M, PETSC_FALSE, lqg->y, grad);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_LQG(TzPDE pde)
{
  LQG *lqg;

  PetscFunctionBegin;
  PetscCall(PetscNew(&lqg));
  lqg->mu                  = 1;
  pde->data                = lqg;
  pde->formula             = "u_t + nu Lap u - mu |grad u|^2 = 0, u(x,T) = ln((1 + x'Mx)/2)";
  pde->reference           = "exact: an integral, to rounding";
  pde->ops->transform      = TzPDETransform_LQG;
  pde->ops->transformcode  = TzPDETransformCode_LQG;
  pde->ops->residual       = TzPDEResidual_LQG;
  pde->ops->exact          = TzPDEExact_LQG;
  pde->ops->setfromoptions = TzPDESetFromOptions_LQG;
  pde->ops->setup          = TzPDESetUp_LQG;
  pde->ops->destroy        = TzPDEDestroy_LQG;
  PetscFunctionReturn(PETSC_SUCCESS);
}
