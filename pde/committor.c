/*
  Committor, the probability to reach the outer sphere before the inner one:  Lap u = 0 in a < |x| < b,  u = 0 on |x| = a, u = 1 on |x| = b,  no time;
  a = 1 (-pde_inner), b = 2 (-pde_radius). Solution: u = (1 - (a/r)^(d-2))/(1 - (a/b)^(d-2)), r = |x|; for d = 2 ln(r/a)/ln(b/a).
*/
#include <private/tzpdeimpl.h>
#include <math.h>

static PetscReal Square(PetscInt d, const PetscReal x[])
{
  PetscReal s = 0;

  for (PetscInt i = 0; i < d; i++) s += x[i] * x[i];
  return s;
}

/* With y = (|x|^2 - a^2)/(b^2 - a^2), which goes from 0 to 1: u = y (1 - y) f + y */
static PetscErrorCode TzPDETransform_Committor(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const PetscReal inner = PetscSqr(pde->domain.inner), width = PetscSqr(pde->domain.radius) - inner, s = Square(pde->d, z), y = (s - inner) / width;

  PetscFunctionBegin;
  TzJetValue(a) = y * (1 - y);
  TzJetValue(b) = y;
  for (PetscInt i = 0; i < pde->d; i++) {
    TzJetGrad(b)[i] = 2 * z[i] / width;
    TzJetGrad(a)[i] = (1 - 2 * y) * 2 * z[i] / width;
  }
  TzJetForm(b, 0) = 2 * (PetscReal)pde->d / width;
  TzJetForm(a, 0) = (1 - 2 * y) * 2 * (PetscReal)pde->d / width - 8 * s / (width * width);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_Committor(TzPDE pde, TzCode code)
{
  const PetscReal inner = PetscSqr(pde->domain.inner);

  PetscFunctionBegin;
  TzCodeReal(code, "inner", inner);
  TzCodeReal(code, "width", PetscSqr(pde->domain.radius) - inner);
  TzCodePrintf(code, "  real s = 0;\n"
                     "  for (int i = 0; i < d; i++) s += z[i] * z[i];\n"
                     "  *b = (s - inner) / width;\n"
                     "  *a = *b * (1 - *b);\n"
                     "  for (int i = 0; i < d; i++) db[i] = 2 * z[i] / width, da[i] = (1 - 2 * *b) * db[i];\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_Committor(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  PetscFunctionBegin;
  *r = TzJetForm(u, 0);
  if (dr) TzJetForm(dr, 0) = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_Committor(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscReal a = pde->domain.inner, b = pde->domain.radius, k = (PetscReal)(pde->d - 2), s = Square(pde->d, z), y = PetscLogReal(a * a / s) / 2;
  const PetscReal whole = k == 0 ? PetscLogReal(b / a) : -expm1(k * PetscLogReal(a / b));

  PetscFunctionBegin;
  *u = k == 0 ? -y / whole : -expm1(k * y) / whole;
  for (PetscInt i = 0; grad && i < pde->d; i++) grad[i] = (k == 0 ? 1 : k * PetscExpReal(k * y)) / whole * z[i] / s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Committor(TzPDE pde)
{
  PetscFunctionBegin;
  pde->stationary         = PETSC_TRUE;
  pde->domain.type        = TZ_DOMAIN_SHELL;
  pde->domain.inner       = 1;
  pde->domain.radius      = 2;
  pde->formula            = "Lap u = 0 in a < |x| < b, u = 0 on |x| = a, u = 1 on |x| = b";
  pde->reference          = "exact";
  pde->ops->transform     = TzPDETransform_Committor;
  pde->ops->transformcode = TzPDETransformCode_Committor;
  pde->ops->residual      = TzPDEResidual_Committor;
  pde->ops->exact         = TzPDEExact_Committor;
  PetscFunctionReturn(PETSC_SUCCESS);
}
