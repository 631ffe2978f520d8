/*
  Heat equation. -heat_problem
    terminal  u_t + nu Lap u = 0, u(x,T) = |x|^2 in a box, nu = 1 (-heat_nu, length^2/time). Solution: u = |x|^2 + 2 d nu (T - t).
    ball      u_t = 1/d Lap u - |x|^2/d exp(|x|^2/2 + t) in |x| < R = 1, u(x,0) = exp(|x|^2/2), and on |x| = R the normal derivative du/dn = R exp(R^2/2 + t), a
              soft condition. Solution: u = exp(|x|^2/2 + t).
*/
#include <private/tzpdeimpl.h>

typedef struct {
  PetscBool ball;
  PetscReal nu; /* of terminal */
} Heat;

static PetscReal Square(PetscInt d, const PetscReal x[])
{
  PetscReal s = 0;

  for (PetscInt i = 0; i < d; i++) s += x[i] * x[i];
  return s;
}

static PetscErrorCode TzPDETransform_Heat(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const PetscInt d = pde->d;

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = Square(d, z);
  for (PetscInt i = 0; i < d; i++) TzJetGrad(b)[i] = 2 * z[i];
  TzJetForm(b, 0) = 2 * (PetscReal)d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_Heat(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  PetscFunctionBegin;
  *r = TzJetTime(u) + pde->diffusion * TzJetForm(u, 0);
  if (dr) {
    TzJetTime(dr)    = 1;
    TzJetForm(dr, 0) = pde->diffusion;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_Heat(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscInt d = pde->d;

  PetscFunctionBegin;
  *u = Square(d, z) + 2 * (PetscReal)d * pde->diffusion * (pde->T - z[d]);
  for (PetscInt i = 0; grad && i < d; i++) grad[i] = 2 * z[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransform_HeatBall(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const PetscInt  d = pde->d;
  const PetscReal s = Square(d, z), g = PetscExpReal(s / 2);

  PetscFunctionBegin;
  TzJetValue(a) = z[d];
  TzJetTime(a)  = 1;
  TzJetValue(b) = g;
  for (PetscInt i = 0; i < d; i++) TzJetGrad(b)[i] = z[i] * g;
  TzJetForm(b, 0) = (s + (PetscReal)d) * g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_Heat(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  if (((Heat *)pde->data)->ball) {
    TzCodePrintf(code, "  real s = 0;\n"
                       "  for (int i = 0; i < d; i++) s += z[i] * z[i];\n"
                       "  *a = z[d], da[d] = 1;\n"
                       "  *b = M(exp)(s / 2);\n"
                       "  for (int i = 0; i < d; i++) db[i] = z[i] * *b;\n");
  } else {
    TzPDETimeLeftCode(pde, code);
    TzCodePrintf(code, "  for (int i = 0; i < d; i++) *b += z[i] * z[i], db[i] = 2 * z[i];\n");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_HeatBall(TzPDE pde, const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscReal d = (PetscReal)pde->d, s = Square(pde->d, z);

  PetscFunctionBegin;
  *r = TzJetTime(u) - TzJetForm(u, 0) / d + s / d * PetscExpReal(s / 2 + z[pde->d]);
  if (dr) {
    TzJetTime(dr)    = 1;
    TzJetForm(dr, 0) = -1 / d;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_HeatBall(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  PetscFunctionBegin;
  *u = PetscExpReal(Square(pde->d, z) / 2 + z[pde->d]);
  for (PetscInt i = 0; grad && i < pde->d; i++) grad[i] = z[i] * *u;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Neumann(TzPDE pde, const PetscReal z[], const PetscReal normal[], const TzJet *u, PetscReal *r)
{
  const PetscReal R = pde->domain.radius;

  PetscFunctionBegin;
  *r = -R * PetscExpReal(R * R / 2 + z[pde->d]);
  for (PetscInt i = 0; i < pde->d; i++) *r += normal[i] * TzJetGrad(u)[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_Heat(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  Heat       *h         = (Heat *)pde->data;
  const char *problem[] = {"terminal", "ball"};
  PetscInt    which     = h->ball ? 1 : 0;

  PetscFunctionBegin;
  PetscCall(TzOptionsEList("-heat_problem", "A terminal value |x|^2 in a box, or an initial one in a ball with a normal derivative", "TzPDEExact", problem, 2,
                           problem[which], &which, NULL));
  h->ball          = (PetscBool)(which == 1);
  pde->domain.type = h->ball ? TZ_DOMAIN_BALL : TZ_DOMAIN_BOX;
  if (!h->ball) PetscCall(TzOptionsReal("-heat_nu", "Diffusion (length^2/time)", "TzPDEResidual", h->nu, &h->nu, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_Heat(TzPDE pde)
{
  Heat             *h       = (Heat *)pde->data;
  const TzCondition neumann = {.name = "neumann", .place = TZ_AT_BOUNDARY, .face = -1, .gradient = PETSC_TRUE, .residual = Neumann};

  PetscFunctionBegin;
  PetscCheck(h->nu > 0 && PetscIsNormalReal(h->nu), PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-heat_nu %g: must be positive", (double)h->nu);
  pde->ops->transform = h->ball ? TzPDETransform_HeatBall : TzPDETransform_Heat;
  pde->ops->residual  = h->ball ? TzPDEResidual_HeatBall : TzPDEResidual_Heat;
  pde->ops->exact     = h->ball ? TzPDEExact_HeatBall : TzPDEExact_Heat;
  pde->diffusion      = h->ball ? 1 / (PetscReal)pde->d : h->nu;
  if (!h->ball) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEAddCondition(pde, &neumann));
  if (pde->soft) PetscCall(TzPDEAddExactCondition(pde, "initial", TZ_AT_START));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Heat(TzPDE pde)
{
  Heat *h;

  PetscFunctionBegin;
  PetscCall(PetscNew(&h));
  h->nu                    = 1;
  pde->domain.wholespace   = PETSC_TRUE;
  pde->data                = h;
  pde->formula             = "u_t + nu Lap u = 0, u(x,T) = |x|^2; or in a ball with a normal derivative";
  pde->reference           = "exact";
  pde->ops->transformcode  = TzPDETransformCode_Heat;
  pde->ops->residual       = TzPDEResidual_Heat;
  pde->ops->exact          = TzPDEExact_Heat;
  pde->ops->setfromoptions = TzPDESetFromOptions_Heat;
  pde->ops->setup          = TzPDESetUp_Heat;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}
