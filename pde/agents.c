/*
  n = d/4 agents in the plane that swap places with those opposite, double integrators: agent i has position p_i, velocity v_i and acceleration a_i,

      dp_i = v_i dt,  dv_i = a_i dt + noise dW,
      cost E[ int (sum_i |a_i|^2 / 2 + W sum_{i<j} exp(-|p_i - p_j|^2 / (2 s^2))) dt + alpha sum_i (|p_i - target_i|^2 + |v_i|^2 / 4) ],

  after Onken et al. 2021 (arXiv 2104.03270). Agent i starts on the circle of radius max(1, n/6) at the angle 2 pi i/n (the box is 1/10 around it), its
  target is on the other side: all straight lines meet in the middle. Two agents collide where their distance is below 2 radius; s = radius * 3/2.
*/
#include <private/tzpdeimpl.h>
#include <tzcontrol.h>

typedef struct {
  PetscReal alpha, penalty, radius, noise;
} Agents;

static PetscErrorCode Drift(TzPDE pde, const PetscReal z[], PetscReal f[])
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i += 4) {
    f[i]     = z[i + 2];
    f[i + 1] = z[i + 3];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |p_i - p_j|^2 of the agents whose coordinates begin at i and j */
static PetscReal Square(const PetscReal z[], PetscInt i, PetscInt j)
{
  return PetscSqr(z[i] - z[j]) + PetscSqr(z[i + 1] - z[j + 1]);
}

static PetscErrorCode Penalty(TzPDE pde, const PetscReal z[], PetscReal *q)
{
  const Agents   *c = (Agents *)pde->data;
  const PetscReal s = 1.5 * c->radius;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i += 4)
    for (PetscInt j = 0; j < i; j += 4) *q += c->penalty * PetscExpReal(-Square(z, i, j) / (2 * s * s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Clearance(TzPDE pde, const PetscReal z[], PetscReal *clearance)
{
  const Agents *c = (Agents *)pde->data;

  PetscFunctionBegin;
  *clearance = PETSC_INFINITY;
  for (PetscInt i = 0; i < pde->d; i += 4)
    for (PetscInt j = 0; j < i; j += 4) *clearance = PetscMin(*clearance, PetscSqrtReal(Square(z, i, j)) - 2 * c->radius);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(TzPDE pde)
{
  const Agents   *c    = (Agents *)pde->data;
  MPI_Comm        comm = PetscObjectComm((PetscObject)pde);
  const PetscInt  d = pde->d, n = d / 4, m = 2 * n;
  const PetscReal circle = PetscMax(1, (PetscReal)n / 6);
  PetscReal      *B, *r, *sigma, *target, *weight;

  PetscFunctionBegin;
  PetscCheck(d % 4 == 0 && d >= 8, comm, PETSC_ERR_USER_INPUT, "-pde_dim %" PetscInt_FMT ": an agent has 4 dimensions; must be 8, 12, 16 ..", d);
  PetscCheck(c->alpha > 0 && c->penalty >= 0 && c->radius > 0 && c->noise >= 0 && !PetscIsInfOrNanReal(c->alpha + c->penalty + c->radius + c->noise), comm,
             PETSC_ERR_USER_INPUT,
             "-agents_alpha %g -agents_penalty %g -agents_radius %g -agents_noise %g: must be finite and not negative, alpha and radius positive",
             (double)c->alpha, (double)c->penalty, (double)c->radius, (double)c->noise);
  PetscCall(PetscCalloc5(d * m, &B, m, &r, d * m, &sigma, d, &target, d, &weight));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal angle = 2 * PETSC_PI * (PetscReal)i / (PetscReal)n, start[2] = {circle * PetscCosReal(angle), circle * PetscSinReal(angle)};

    for (PetscInt k = 0; k < 2; k++) {
      const PetscInt p = 4 * i + k, v = p + 2, j = 2 * i + k;

      target[p]        = -start[k];
      weight[p]        = c->alpha;
      weight[v]        = c->alpha / 4;
      r[j]             = 0.5;
      B[v * m + j]     = 1;
      sigma[v * m + j] = c->noise;
      PetscCall(TzPDEControlSetStart(pde, p, start[k] - 0.1, start[k] + 0.1));
      PetscCall(TzPDEControlSetStart(pde, v, 0, 0));
    }
  }
  PetscCall(TzPDESetControlParts(pde, &(TzControlParts){.m              = m,
                                                        .drift          = Drift,
                                                        .B              = B,
                                                        .r              = r,
                                                        .noises         = c->noise > 0 ? m : 0,
                                                        .sigma          = sigma,
                                                        .penalty        = Penalty,
                                                        .target         = target,
                                                        .terminalweight = weight,
                                                        .clearance      = Clearance}));
  PetscCall(PetscFree5(B, r, sigma, target, weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  Agents *c = (Agents *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-agents_alpha", "Terminal cost of the distance to the target (cost/length^2)", "TzPDESetControl", c->alpha, &c->alpha, NULL));
  PetscCall(TzOptionsReal("-agents_penalty", "Cost of two agents in one place (cost/time)", "TzPDESetControl", c->penalty, &c->penalty, NULL));
  PetscCall(TzOptionsReal("-agents_radius", "Radius of an agent (length)", "TzPDESetControl", c->radius, &c->radius, NULL));
  PetscCall(TzOptionsReal("-agents_noise", "Noise of the velocities; 0: none", "TzPDESetControl", c->noise, &c->noise, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_Agents(TzPDE pde)
{
  Agents *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c        = (Agents){.alpha = 10, .penalty = 20, .radius = 0.15, .noise = 0.1};
  pde->data = c;
  PetscCall(TzPDESetControl(pde, SetUp));
  pde->d                   = 8;
  pde->T                   = 2;
  pde->ops->setfromoptions = SetFromOptions;
  pde->ops->destroy        = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}
