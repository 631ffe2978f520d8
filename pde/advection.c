/*
  Advection, diffusion and an exponential reaction:  u_t + (alpha/d) sum_i u_i + 1/2 Lap u + d exp(-u) (1 - 2 exp(-u)) = 0.
  Solution: u = ln(1 + (alpha (T - t) + sum_i x_i)^2).
*/
#include <private/tzpdeimpl.h>

/* alpha tau + sum_i x_i; pde->data is alpha */
static PetscReal Phase(TzPDE pde, const PetscReal x[], PetscReal tau)
{
  PetscReal s = *(PetscReal *)pde->data * tau;

  for (PetscInt i = 0; i < pde->d; i++) s += x[i];
  return s;
}

static PetscErrorCode TzPDETransform_Advection(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const PetscReal s = Phase(pde, z, 0), q = 1 + s * s;

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = PetscLogReal(q);
  for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(b)[i] = 2 * s / q;
  TzJetForm(b, 0) = (PetscReal)pde->d * (2 / q - 4 * s * s / (q * q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_Advection(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  TzCodePrintf(code, "  real s = 0;\n"
                     "  for (int i = 0; i < d; i++) s += z[i];\n"
                     "  *b = M(log)(1 + s * s);\n"
                     "  for (int i = 0; i < d; i++) db[i] = 2 * s / (1 + s * s);\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_Advection(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscReal d = (PetscReal)pde->d, speed = *(PetscReal *)pde->data / d, e = PetscExpReal(-TzJetValue(u));
  PetscReal       sum = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) sum += TzJetGrad(u)[i];
  *r = TzJetTime(u) + speed * sum + TzJetForm(u, 0) / 2 + d * e * (1 - 2 * e);
  if (dr) {
    TzJetTime(dr)    = 1;
    TzJetForm(dr, 0) = 0.5;
    TzJetValue(dr)   = -d * e * (1 - 4 * e);
    for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(dr)[i] = speed;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_Advection(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const PetscReal s = Phase(pde, z, pde->T - z[pde->d]), q = 1 + s * s;

  PetscFunctionBegin;
  *u = PetscLogReal(q);
  for (PetscInt i = 0; grad && i < pde->d; i++) grad[i] = 2 * s / q;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_Advection(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(
    TzOptionsReal("-advection_alpha", "Speed alpha of sum_i x_i (length/time)", "TzPDEResidual", *(PetscReal *)pde->data, (PetscReal *)pde->data, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_Advection(TzPDE pde)
{
  const PetscReal alpha = *(PetscReal *)pde->data;

  PetscFunctionBegin;
  PetscCheck(!PetscIsInfOrNanReal(alpha), PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-advection_alpha %g: must be finite", (double)alpha);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Advection(TzPDE pde)
{
  PetscReal *alpha;

  PetscFunctionBegin;
  PetscCall(PetscNew(&alpha));
  *alpha                   = 1;
  pde->data                = alpha;
  pde->diffusion           = 0.5;
  pde->domain.wholespace   = PETSC_TRUE;
  pde->formula             = "u_t + (alpha/d) sum_i u_i + 1/2 Lap u + d exp(-u) (1 - 2 exp(-u)) = 0, u(x,T) = ln(1 + (sum_i x_i)^2)";
  pde->reference           = "exact";
  pde->ops->transform      = TzPDETransform_Advection;
  pde->ops->transformcode  = TzPDETransformCode_Advection;
  pde->ops->residual       = TzPDEResidual_Advection;
  pde->ops->exact          = TzPDEExact_Advection;
  pde->ops->setfromoptions = TzPDESetFromOptions_Advection;
  pde->ops->setup          = TzPDESetUp_Advection;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}
