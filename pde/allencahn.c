/*
  Allen-Cahn:  u_t + Lap u + u - u^3 = 0,  T = 0.3. -allencahn_solution
    radial  u(x,T) = 1/(2 + 0.4 |x|^2) (E, Han, Jentzen 2017): radial.c
    wave    u = -1/2 - 1/2 tanh(3/4 (T - t) - sum_i x_i/(2 sqrt(2 d))), exact: a front that travels along the diagonal
*/
#include "radial.h"

static PetscReal Reaction(PetscReal u)
{
  return u - u * u * u;
}

static PetscReal Slope(PetscReal u)
{
  return 1 - 3 * u * u;
}

/* v = u e^tau/q, q^2 = 1 + u^2 (e^(2 tau) - 1) */
static void ReactionFlow(PetscReal tau, PetscReal u, PetscReal phi[])
{
  const PetscReal e = PetscExpReal(tau), m = PetscExpReal(2 * tau) - 1, q = PetscSqrtReal(1 + u * u * m);

  phi[0] = u * e / q;
  phi[1] = e / (q * q * q);
  phi[2] = -3 * u * m * phi[1] / (q * q);
}

/* tanh of the wave's phase at (x, T - tau), and the phase's derivative in each x_i */
static PetscReal Wave(PetscInt d, const PetscReal x[], PetscReal tau, PetscReal *k)
{
  PetscReal sum = 0;

  *k = -1 / (2 * PetscSqrtReal(2 * (PetscReal)d));
  for (PetscInt i = 0; i < d; i++) sum += x[i];
  return PetscTanhReal(0.75 * tau + *k * sum);
}

static PetscErrorCode TzPDEExact_Wave(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  PetscReal k, y = Wave(pde->d, z, pde->T - z[pde->d], &k);

  PetscFunctionBegin;
  *u = -0.5 - 0.5 * y;
  for (PetscInt i = 0; grad && i < pde->d; i++) grad[i] = -0.5 * k * (1 - y * y);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransform_Wave(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  PetscReal k, y = Wave(pde->d, z, 0, &k);

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = -0.5 - 0.5 * y;
  for (PetscInt i = 0; i < pde->d; i++) TzJetGrad(b)[i] = -0.5 * k * (1 - y * y);
  TzJetForm(b, 0) = (PetscReal)pde->d * k * k * y * (1 - y * y);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_Wave(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  TzCodeReal(code, "k", -1 / (2 * PetscSqrtReal(2 * (PetscReal)pde->d)));
  TzCodePrintf(code, "  real sum = 0;\n"
                     "  for (int i = 0; i < d; i++) sum += z[i];\n"
                     "  const real y = M(tanh)(k * sum);\n"
                     "  *b = -K(0.5) - y / 2;\n"
                     "  for (int i = 0; i < d; i++) db[i] = -k / 2 * (1 - y * y);\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_AllenCahn(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  TzRadial   *r          = (TzRadial *)pde->data;
  const char *solution[] = {"radial", "wave"};
  PetscInt    which      = r->wave ? 1 : 0;

  PetscFunctionBegin;
  PetscCall(TzOptionsEList("-allencahn_solution", "Which solution: terminal value 1/(2 + 0.4 |x|^2), or a front", "TzPDEExact", solution, 2, solution[which],
                           &which, NULL));
  r->wave = (PetscBool)(which == 1);
  if (!r->wave) PetscCall(TzRadialSetFromOptions(pde, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_AllenCahn(TzPDE pde)
{
  const PetscBool wave = ((TzRadial *)pde->data)->wave;

  PetscFunctionBegin;
  pde->ops->transform = wave ? TzPDETransform_Wave : TzPDETransform_Radial;
  pde->ops->exact     = wave ? TzPDEExact_Wave : TzPDEExact_Radial;

  if (wave) pde->ops->transformcode = TzPDETransformCode_Wave;
  if (!wave) PetscCall(TzRadialSetUp(pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_AllenCahn(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(TzPDECreateRadial(pde, Reaction, Slope));
  ((TzRadial *)pde->data)->flow = ReactionFlow;
  pde->formula                  = "u_t + Lap u + u - u^3 = 0, u(x,T) = 1/(2 + 0.4 |x|^2), or a wave";
  pde->ops->setfromoptions      = TzPDESetFromOptions_AllenCahn;
  pde->ops->setup               = TzPDESetUp_AllenCahn;
  PetscFunctionReturn(PETSC_SUCCESS);
}
