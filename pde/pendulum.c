/*
  Swing-up of a pendulum with noise, d = 2: x = (angle from the top, angular velocity),

      d angle = velocity dt,  d velocity = (sin angle - 0.1 velocity + a) dt + noise dW,
      cost E[ int (1 - cos angle + velocity^2 / 10 + r a^2) dt + 5 (1 - cos angle) + velocity^2 / 2 ],  |a| <= bound,

  T = 4. With less torque than gravity has (bound < 1) it has to swing. Units: the pendulum's mass, length and gravity are 1.
*/
#include <private/tzpdeimpl.h>
#include <tzcontrol.h>

typedef struct {
  PetscReal r, bound, noise;
} Pendulum;

static PetscErrorCode Drift(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal f[])
{
  PetscFunctionBegin;
  f[0] = z[1];
  f[1] = PetscSinReal(z[0]) - 0.1 * z[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Running(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal *q)
{
  PetscFunctionBegin;
  *q = 1 - PetscCosReal(z[0]) + z[1] * z[1] / 10;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Terminal(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal *g)
{
  PetscFunctionBegin;
  *g = 5 * (1 - PetscCosReal(z[0])) + z[1] * z[1] / 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TerminalCode(PETSC_UNUSED TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzCodePrintf(code, "  *b += 5 * (1 - M(cos)(z[0])) + z[1] * z[1] / 2;\n"
                     "  db[0] += 5 * M(sin)(z[0]), db[1] += z[1];\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(TzPDE pde)
{
  const Pendulum *p   = (Pendulum *)pde->data;
  const PetscReal B[] = {0, 1}, lo = -p->bound, hi = p->bound, sigma[] = {0, p->noise};
  MPI_Comm        comm    = PetscObjectComm((PetscObject)pde);
  const PetscReal largest = PetscMax(PetscMax(p->r, p->bound), PetscAbsReal(p->noise));

  PetscFunctionBegin;
  PetscCheck(pde->d == 2, comm, PETSC_ERR_USER_INPUT, "-pde_dim %" PetscInt_FMT ": a pendulum has 2 dimensions; must be 2", pde->d);
  PetscCheck(p->r >= 0 && p->bound > 0 && p->noise >= 0 && !PetscIsInfOrNanReal(largest), comm, PETSC_ERR_USER_INPUT,
             "-pendulum_r %g -pendulum_bound %g -pendulum_noise %g: must be finite and not negative, the bound positive", (double)p->r, (double)p->bound,
             (double)p->noise);
  PetscCall(TzPDESetControlParts(pde, &(TzControlParts){.m            = 1,
                                                        .drift        = Drift,
                                                        .B            = B,
                                                        .r            = &p->r,
                                                        .lo           = &lo,
                                                        .hi           = &hi,
                                                        .noises       = p->noise > 0 ? 1 : 0,
                                                        .sigma        = sigma,
                                                        .running      = Running,
                                                        .terminal     = Terminal,
                                                        .terminalcode = TerminalCode}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  Pendulum *p = (Pendulum *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-pendulum_r", "Cost of torque, r a^2; 0: bang-bang (cost/torque^2/time)", "TzPDESetControl", p->r, &p->r, NULL));
  PetscCall(TzOptionsReal("-pendulum_bound", "Largest torque; that of gravity is 1", "TzPDESetControl", p->bound, &p->bound, NULL));
  PetscCall(TzOptionsReal("-pendulum_noise", "Noise of the velocity; 0: none (velocity/time^(1/2))", "TzPDESetControl", p->noise, &p->noise, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Pendulum(TzPDE pde)
{
  Pendulum *p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  *p        = (Pendulum){.r = 0.1, .bound = 2, .noise = 0.2};
  pde->data = p;
  PetscCall(TzPDESetControl(pde, SetUp));
  pde->d                   = 2;
  pde->T                   = 4;
  pde->lo                  = -PETSC_PI;
  pde->hi                  = PETSC_PI;
  pde->ops->setfromoptions = SetFromOptions;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}
