/*
  A quadrotor that flies to a target, d = 12, 4 controls (Onken et al. 2021, arXiv 2104.03270; there without noise, for one start, T = 1 and alpha = 5000):
  position p, angles psi, theta, phi, their velocities; thrust u and three torques,

      dp = v dt,  dv = (u n(angles) - 9.81 e_3) dt + noise dW,  d angles = w dt,  dw = torques dt + noise dW,
      n = (sin psi sin phi + cos psi sin theta cos phi, -cos psi sin phi + sin psi sin theta cos phi, cos theta cos phi),
      cost E[ int (2 + u^2 + |torques|^2) dt + alpha/2 |X_T - target|^2 ],

  mass 1. Starts (the box): p within 1/2 of -distance (1, 1, 1) from the target at the origin, everything else 0.
*/
#include <private/tzpdeimpl.h>
#include <tzcontrol.h>

#define GRAVITY 9.81

typedef struct {
  PetscReal alpha, distance, noise;
} Quadrotor;

static PetscErrorCode Drift(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal f[])
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < 6; i++) f[i] = z[6 + i];
  f[8] = -GRAVITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B [12][4] */
static PetscErrorCode Matrix(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal B[])
{
  const PetscReal s1 = PetscSinReal(z[3]), c1 = PetscCosReal(z[3]), s2 = PetscSinReal(z[4]), c2 = PetscCosReal(z[4]), s3 = PetscSinReal(z[5]),
                  c3 = PetscCosReal(z[5]);

  PetscFunctionBegin;
  B[6 * 4] = s1 * s3 + c1 * s2 * c3;
  B[7 * 4] = -c1 * s3 + s1 * s2 * c3;
  B[8 * 4] = c2 * c3;
  for (PetscInt j = 1; j < 4; j++) B[(8 + j) * 4 + j] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MatrixCode(PETSC_UNUSED TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzCodePrintf(code, "  const real s1 = M(sin)(z[3]), c1 = M(cos)(z[3]), s2 = M(sin)(z[4]), c2 = M(cos)(z[4]), s3 = M(sin)(z[5]), c3 = M(cos)(z[5]);\n"
                     "  B[6 * m] = s1 * s3 + c1 * s2 * c3;\n"
                     "  B[7 * m] = -c1 * s3 + s1 * s2 * c3;\n"
                     "  B[8 * m] = c2 * c3;\n"
                     "  for (int j = 1; j < m; j++) B[(8 + j) * m + j] = 1;\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Running(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], PetscReal *q)
{
  PetscFunctionBegin;
  *q = 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(TzPDE pde)
{
  const Quadrotor *c    = (Quadrotor *)pde->data;
  MPI_Comm         comm = PetscObjectComm((PetscObject)pde);
  const PetscReal  r[] = {1, 1, 1, 1}, hover[] = {GRAVITY, 0, 0, 0};
  PetscReal        weight[12], sigma[72]       = {0};

  PetscFunctionBegin;
  PetscCheck(pde->d == 12, comm, PETSC_ERR_USER_INPUT, "-pde_dim %" PetscInt_FMT ": a quadrotor has 12 dimensions; must be 12", pde->d);
  PetscCheck(c->alpha > 0 && c->noise >= 0 && !PetscIsInfOrNanReal(c->alpha + c->distance + c->noise), comm, PETSC_ERR_USER_INPUT,
             "-quadrotor_alpha %g -quadrotor_distance %g -quadrotor_noise %g: must be finite, alpha positive, noise not negative", (double)c->alpha,
             (double)c->distance, (double)c->noise);
  for (PetscInt i = 0; i < 12; i++) weight[i] = c->alpha / 2;
  for (PetscInt j = 0; j < 6; j++) sigma[(6 + j) * 6 + j] = c->noise;
  for (PetscInt i = 0; i < 12; i++) PetscCall(TzPDEControlSetStart(pde, i, i < 3 ? -c->distance - 0.5 : 0, i < 3 ? -c->distance + 0.5 : 0));
  PetscCall(TzPDESetControlParts(pde, &(TzControlParts){.m              = 4,
                                                        .drift          = Drift,
                                                        .Bfield         = Matrix,
                                                        .Bcode          = MatrixCode,
                                                        .r              = r,
                                                        .trim           = hover,
                                                        .noises         = c->noise > 0 ? 6 : 0,
                                                        .sigma          = sigma,
                                                        .running        = Running,
                                                        .terminalweight = weight}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  Quadrotor *c = (Quadrotor *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-quadrotor_alpha", "Terminal cost alpha/2 |x - target|^2", "TzPDESetControl", c->alpha, &c->alpha, NULL));
  PetscCall(TzOptionsReal("-quadrotor_distance", "Starts are within 1/2 of this in each coordinate from the target (length)", "TzPDESetControl", c->distance,
                          &c->distance, NULL));
  PetscCall(TzOptionsReal("-quadrotor_noise", "Noise of the velocities; 0: none", "TzPDESetControl", c->noise, &c->noise, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Quadrotor(TzPDE pde)
{
  Quadrotor *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c        = (Quadrotor){.alpha = 100, .distance = 2, .noise = 0.1};
  pde->data = c;
  PetscCall(TzPDESetControl(pde, SetUp));
  pde->d                   = 12;
  pde->T                   = 2;
  pde->ops->setfromoptions = SetFromOptions;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}
