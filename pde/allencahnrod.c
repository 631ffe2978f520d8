/*
  Control of the Allen-Cahn equation y_t = nu y_xx + y - y^3 + a(t) 1_w(x) on (-1, 1), no flux at the ends, w = (-0.5, 0.2), to its unstable state y = 0
  (Dolgov, Kalise, Kunisch 2021, arXiv 1908.01533), here by central differences on d cells of length h = 2/d and with a horizon:

      dX_i = (nu (X_{i-1} - 2 X_i + X_{i+1}) / h^2 + X_i - X_i^3 + a 1_w(x_i)) dt + noise dW_i,
      cost E[ int (h |X|^2 + r a^2) dt + alpha h |X_T|^2 ],    one control; X_0 = X_1, X_{d+1} = X_d.

  Starts (the box): X_i within 0.2 of 1 + 0.3 cos(pi x_i). nu = 0.2, r = 0.1 of the paper.
*/
#include <private/tzpdeimpl.h>
#include <tzcontrol.h>

typedef struct {
  PetscReal nu, r, alpha, noise;
} Rod;

/* Of cell i */
static PetscReal Place(TzPDE pde, PetscInt i)
{
  return -1 + (2 * (PetscReal)i + 1) / (PetscReal)pde->d;
}

static PetscErrorCode Drift(TzPDE pde, const PetscReal z[], PetscReal f[])
{
  const PetscInt  d = pde->d;
  const PetscReal h = 2 / (PetscReal)d, c = ((Rod *)pde->data)->nu / (h * h);

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) f[i] = c * (z[PetscMax(i - 1, 0)] - 2 * z[i] + z[PetscMin(i + 1, d - 1)]) + z[i] - z[i] * z[i] * z[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Running(TzPDE pde, const PetscReal z[], PetscReal *q)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) *q += 2 / (PetscReal)pde->d * z[i] * z[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(TzPDE pde)
{
  const Rod     *c = (Rod *)pde->data;
  const PetscInt d = pde->d;
  PetscReal     *B, *sigma, *weight;

  PetscFunctionBegin;
  PetscCheck(d >= 4, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-pde_dim %" PetscInt_FMT ": cells of a rod; must be at least 4", d);
  PetscCheck(c->nu >= 0 && c->r > 0 && c->alpha >= 0 && c->noise >= 0 && !PetscIsInfOrNanReal(c->nu + c->r + c->alpha + c->noise),
             PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT,
             "-allencahnrod_nu %g -allencahnrod_r %g -allencahnrod_alpha %g -allencahnrod_noise %g: must be finite and not negative, r positive", (double)c->nu,
             (double)c->r, (double)c->alpha, (double)c->noise);
  PetscCall(PetscCalloc3(d, &B, d * d, &sigma, d, &weight));
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal x = Place(pde, i), y = 1 + 0.3 * PetscCosReal(PETSC_PI * x);

    B[i]               = x > -0.5 && x < 0.2 ? 1 : 0;
    sigma[i * (d + 1)] = c->noise;
    weight[i]          = c->alpha * 2 / (PetscReal)d;
    PetscCall(TzPDEControlSetStart(pde, i, y - 0.2, y + 0.2));
  }
  PetscCall(TzPDESetControlParts(pde, &(TzControlParts){.m              = 1,
                                                        .drift          = Drift,
                                                        .B              = B,
                                                        .r              = &c->r,
                                                        .noises         = c->noise > 0 ? d : 0,
                                                        .sigma          = sigma,
                                                        .running        = Running,
                                                        .terminalweight = weight}));
  PetscCall(PetscFree3(B, sigma, weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  Rod *c = (Rod *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-allencahnrod_nu", "Diffusion (length^2/time)", "TzPDESetControl", c->nu, &c->nu, NULL));
  PetscCall(TzOptionsReal("-allencahnrod_r", "Cost of the control, r a^2", "TzPDESetControl", c->r, &c->r, NULL));
  PetscCall(TzOptionsReal("-allencahnrod_alpha", "Terminal cost alpha h |x|^2", "TzPDESetControl", c->alpha, &c->alpha, NULL));
  PetscCall(TzOptionsReal("-allencahnrod_noise", "Noise of every cell; 0: none", "TzPDESetControl", c->noise, &c->noise, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_AllenCahnRod(TzPDE pde)
{
  Rod *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c        = (Rod){.nu = 0.2, .r = 0.1, .alpha = 1, .noise = 0};
  pde->data = c;
  PetscCall(TzPDESetControl(pde, SetUp));
  pde->d                   = 40;
  pde->T                   = 4;
  pde->ops->setfromoptions = SetFromOptions;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}
