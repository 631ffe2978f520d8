/*
  Elliptic equations whose source q is made from a solution:  Lap u + f(u) = q,  no time, of three types

    poisson f = 0,    allencahnball f = u - u^3,    sinegordonball f = sin u.

  -TYPE_solution (Hu, Shukla, Karniadakis, Kawaguchi 2024)
    twobody    u = (R^2 - |x|^2) sum_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i) in |x| < R = 1, u = 0 on |x| = R
    threebody  u = (R^2 - |x|^2) sum_{i<d-1} c_i exp(x_i x_{i+1} x_{i+2})
    sine       u = sum_i sin(pi x_i/2) in the box [0,1]^d, given on its faces (a soft condition); poisson alone
  c_i are fixed normal numbers (-TYPE_seed).
*/
#include <private/tzpdeimpl.h>

typedef enum { TWOBODY, THREEBODY, SINE } Solution;

typedef struct {
  PetscReal (*f)(PetscReal); /* NULL: 0 */
  PetscReal (*df)(PetscReal);
  PetscInt   solution; /* Solution */
  PetscInt64 seed;
  PetscReal *c, *grad; /* [d]; grad is scratch */
} Poisson;

static PetscReal AllenCahn(PetscReal u)
{
  return u - u * u * u;
}

static PetscReal AllenCahnSlope(PetscReal u)
{
  return 1 - 3 * u * u;
}

static PetscReal Sine(PetscReal u)
{
  return PetscSinReal(u);
}

static PetscReal Cosine(PetscReal u)
{
  return PetscCosReal(u);
}

/* The sum S, its gradient g [d] and its Laplacian */
static PetscReal TwoBody(PetscInt d, const PetscReal c[], const PetscReal x[], PetscReal g[], PetscReal *lap)
{
  PetscReal sum = 0, sx = PetscSinReal(x[0]), cx = PetscCosReal(x[0]);

  *lap = 0;
  for (PetscInt i = 0; i < d; i++) g[i] = 0;
  for (PetscInt i = 0; i + 1 < d; i++) {
    const PetscReal sy = PetscSinReal(x[i + 1]), cy = PetscCosReal(x[i + 1]), p = x[i] + cy + x[i + 1] * cx, sp = PetscSinReal(p), cp = PetscCosReal(p);
    const PetscReal px = 1 - x[i + 1] * sx, py = -sy + cx;

    sum += c[i] * sp;
    g[i] += c[i] * cp * px;
    g[i + 1] += c[i] * cp * py;
    *lap += c[i] * (-sp * (px * px + py * py) + cp * (-x[i + 1] * cx - cy));
    sx = sy;
    cx = cy;
  }
  return sum;
}

static PetscReal ThreeBody(PetscInt d, const PetscReal c[], const PetscReal x[], PetscReal g[], PetscReal *lap)
{
  PetscReal sum = 0;

  *lap = 0;
  for (PetscInt i = 0; i < d; i++) g[i] = 0;
  for (PetscInt i = 0; i + 2 < d; i++) {
    const PetscReal px = x[i + 1] * x[i + 2], py = x[i] * x[i + 2], pz = x[i] * x[i + 1], w = c[i] * PetscExpReal(x[i] * px);

    sum += w;
    g[i] += w * px;
    g[i + 1] += w * py;
    g[i + 2] += w * pz;
    *lap += w * (px * px + py * py + pz * pz);
  }
  return sum;
}

/* u, its gradient g [d] and its Laplacian: Lap((R^2 - |x|^2) S) = (R^2 - |x|^2) Lap S - 4 x.grad S - 2 d S */
static PetscReal Manufactured(TzPDE pde, const PetscReal x[], PetscReal g[], PetscReal *lap)
{
  const Poisson *p = (Poisson *)pde->data;
  const PetscInt d = pde->d;
  PetscReal      S = 0, dot = 0, a = PetscSqr(pde->domain.radius);

  if (p->solution == SINE) {
    for (PetscInt i = 0; i < d; i++) {
      S += PetscSinReal(PETSC_PI / 2 * x[i]);
      g[i] = PETSC_PI / 2 * PetscCosReal(PETSC_PI / 2 * x[i]);
    }
    *lap = -PETSC_PI * PETSC_PI / 4 * S;
    return S;
  }
  S = p->solution == TWOBODY ? TwoBody(d, p->c, x, g, lap) : ThreeBody(d, p->c, x, g, lap);
  for (PetscInt i = 0; i < d; i++) {
    a -= x[i] * x[i];
    dot += x[i] * g[i];
  }
  for (PetscInt i = 0; i < d; i++) g[i] = a * g[i] - 2 * x[i] * S;
  *lap = a * *lap - 4 * dot - 2 * (PetscReal)d * S;
  return a * S;
}

static PetscErrorCode TzPDETransform_Ball(TzPDE pde, const PetscReal z[], TzJet *a, PETSC_UNUSED TzJet *b)
{
  PetscFunctionBegin;
  TzJetValue(a) = PetscSqr(pde->domain.radius);
  for (PetscInt i = 0; i < pde->d; i++) {
    TzJetValue(a) -= z[i] * z[i];
    TzJetGrad(a)[i] = -2 * z[i];
  }
  TzJetForm(a, 0) = -2 * (PetscReal)pde->d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESource_Poisson(TzPDE pde, const PetscReal z[], PetscReal s[])
{
  const Poisson  *p = (Poisson *)pde->data;
  PetscReal       lap;
  const PetscReal exact = Manufactured(pde, z, p->grad, &lap);

  PetscFunctionBegin;
  s[0] = lap + (p->f ? p->f(exact) : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_Poisson(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const Poisson *p = (Poisson *)pde->data;

  PetscFunctionBegin;
  *r = TzJetForm(u, 0) + (p->f ? p->f(TzJetValue(u)) : 0) - pde->source[0];
  if (dr) {
    TzJetForm(dr, 0) = 1;
    if (p->f) TzJetValue(dr) = p->df(TzJetValue(u));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_Poisson(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  PetscReal lap;

  PetscFunctionBegin;
  *u = Manufactured(pde, z, grad ? grad : ((Poisson *)pde->data)->grad, &lap);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_Poisson(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  Poisson    *p          = (Poisson *)pde->data;
  const char *solution[] = {"twobody", "threebody", "sine"}, *type;
  char        option[64];

  PetscFunctionBegin;
  PetscCall(TzPDEGetType(pde, &type));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_solution", type));
  PetscCall(
    TzOptionsEList(option, "The solution that the source is made from", "TzPDEExact", solution, p->f ? 2 : 3, solution[p->solution], &p->solution, NULL));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_seed", type));
  if (p->solution != SINE) PetscCall(TzOptionsInt64(option, "Seed of the coefficients c_i", "TzPDEExact", p->seed, &p->seed, NULL));
  pde->domain.type = p->solution == SINE ? TZ_DOMAIN_BOX : TZ_DOMAIN_BALL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_Poisson(TzPDE pde)
{
  Poisson       *p     = (Poisson *)pde->data;
  const PetscInt least = p->solution == SINE ? 1 : p->solution == TWOBODY ? 2 : 3;

  PetscFunctionBegin;
  PetscCheck(pde->d >= least, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT,
             "-pde_dim %" PetscInt_FMT ": must be at least %" PetscInt_FMT " for this solution", pde->d, least);
  PetscCall(PetscFree2(p->c, p->grad));
  PetscCall(PetscMalloc2(pde->d, &p->c, pde->d, &p->grad));
  PetscCall(TzRandomNormal(p->seed, TZ_STREAM_EQUATION, 0, 0, 0, pde->d, p->c));
  pde->ops->transform = p->solution == SINE ? NULL : TzPDETransform_Ball;
  if (p->solution == SINE) PetscCall(TzPDEAddExactCondition(pde, "boundary", TZ_AT_BOUNDARY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_Poisson(TzPDE pde)
{
  Poisson *p = (Poisson *)pde->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(p->c, p->grad));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzPDE pde, PetscReal (*f)(PetscReal), PetscReal (*df)(PetscReal), const char formula[])
{
  Poisson *p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  p->f                     = f;
  p->df                    = df;
  pde->data                = p;
  pde->stationary          = PETSC_TRUE;
  pde->nsource             = 1;
  pde->domain.type         = TZ_DOMAIN_BALL;
  pde->domain.radius       = 1;
  pde->formula             = formula;
  pde->reference           = "exact";
  pde->ops->transform      = TzPDETransform_Ball;
  pde->ops->transformcode  = TzPDEBallCode;
  pde->ops->source         = TzPDESource_Poisson;
  pde->ops->residual       = TzPDEResidual_Poisson;
  pde->ops->exact          = TzPDEExact_Poisson;
  pde->ops->setfromoptions = TzPDESetFromOptions_Poisson;
  pde->ops->setup          = TzPDESetUp_Poisson;
  pde->ops->destroy        = TzPDEDestroy_Poisson;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Poisson(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(Create(pde, NULL, NULL, "Lap u = q, u = 0 on |x| = R; or in a box"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_AllenCahnBall(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(Create(pde, AllenCahn, AllenCahnSlope, "Lap u + u - u^3 = q, u = 0 on |x| = R"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_SineGordonBall(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(Create(pde, Sine, Cosine, "Lap u + sin u = q, u = 0 on |x| = R"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
