/*
  u by means over random paths, a check of a trained model that needs no reference solution.

  Where the residual is u_t + mu.grad u + nu S : Hess u - lambda nu grad u' S grad u - c u + h, with mu, c and h functions of z and
  dX = mu dt + sqrt(2 nu S) dW,

      lambda = 0:             u(x,t) = E[int_t^T e^(-C) h ds + e^(-C(T)) u(X_T,T)],  C = int c ds          (Feynman and Kac)
      lambda != 0, c = 0:     exp(-lambda u(x,t)) = E[exp(-lambda (int_t^T h ds + u(X_T,T)))]              (Cole and Hopf)

  Which it is, the residual itself tells: mu, c, nu and h are its derivatives and its value at the jet 0, lambda is its second difference along a gradient, and
  random jets tell whether that is all. So the equations of the table and a user's own have it alike.

  A path is taken by Euler's method with N steps and, from the same noise, with N/2; twice the first less the second is of second order (Talay and Tubaro
  1990). Equations without a time: spheres.c.
*/
#include "paths.h"

#define TRIALS    5
#define TOLERANCE 1e-7 /* of the form: residuals that Tenzo differentiates are known to 1e-9 */

PetscErrorCode TzPathsSource(TzPaths *p, const PetscReal z[], PetscBool slope, PetscReal *h)
{
  PetscFunctionBegin;
  PetscCall(TzPDEResidual(p->pde, 1, z, p->jet, h, slope ? p->slope : NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPathsEnd(TzPaths *p, const PetscReal z[], PetscReal *g)
{
  PetscFunctionBegin;
  if (p->end >= 0) { /* u - g at u = 0 */
    PetscCall(TzPDEConditionResidual(p->pde, p->end, 1, z, p->normal, p->jet, g, NULL));
    *g = -*g;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzPDETransformJets(p->pde, 1, z, p->ab));
  *g = p->ab[p->J];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzPDE pde, TzPaths *p)
{
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(pde, &size));
  *p = (TzPaths){.pde = pde, .d = pde->d, .D = TzJetCoordinates(&pde->shape), .J = TzJetSize(&pde->shape), .end = -1};
  if (pde->shape.nforms) PetscCall(TzPDEGetProcess(pde, &p->process));
  PetscCall(PetscCalloc5(p->J, &p->jet, p->J, &p->slope, size, &p->ab, p->D, &p->z[0], p->D, &p->z[1]));
  PetscCall(PetscMalloc3(2 * p->d, &p->xi, p->d, &p->dx, p->d, &p->normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzPaths *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(p->jet, p->slope, p->ab, p->z[0], p->z[1]));
  PetscCall(PetscFree3(p->xi, p->dx, p->normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------- the form of the residual -------------------------------------------------------- */

/* *q = v'S v of form 0 at z */
static PetscErrorCode Quadratic(TzPaths *p, const PetscReal z[], const PetscReal v[], PetscReal *q)
{
  TzFormAt S;

  PetscFunctionBegin;
  PetscCall(TzFormEvaluate(&p->pde->shape.form[0], p->d, z, p->pde->field, &S));
  TzFormApply(&S, v, p->dx);
  *q = 0;
  for (PetscInt i = 0; i < p->d; i++) *q += v[i] * p->dx[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda at z along the gradient in u [J]; v [J] is scratch */
static PetscErrorCode Lambda(TzPaths *p, const PetscReal z[], const PetscReal u[], PetscReal v[], PetscReal *lambda)
{
  PetscReal r, plus, minus, q;

  PetscFunctionBegin;
  PetscCall(TzPathsSource(p, z, PETSC_FALSE, &r));
  PetscCall(PetscArrayzero(v, p->J));
  PetscCall(PetscArraycpy(v + 1, u + 1, p->d));
  PetscCall(TzPDEResidual(p->pde, 1, z, v, &plus, NULL));
  for (PetscInt i = 0; i < p->d; i++) v[1 + i] = -v[1 + i];
  PetscCall(TzPDEResidual(p->pde, 1, z, v, &minus, NULL));
  PetscCall(Quadratic(p, z, v + 1, &q));
  *lambda = -(plus + minus - 2 * r) / (2 * p->pde->diffusion * q);
  if (PetscAbsReal(plus + minus - 2 * r) <= TOLERANCE * (PetscAbsReal(plus) + PetscAbsReal(minus) + PetscAbsReal(r) + 1)) *lambda = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether the residual of the jet u [J] at z is what the form says */
static PetscErrorCode Agrees(TzPaths *p, const PetscReal z[], const PetscReal u[], PetscBool *same)
{
  TzJet     slope = TzJetAt(&p->pde->shape, p->slope);
  PetscReal r, h, q, sum, scale, nu = p->pde->diffusion;

  PetscFunctionBegin;
  PetscCall(TzPathsSource(p, z, PETSC_TRUE, &h));
  PetscCall(TzPDEResidual(p->pde, 1, z, u, &r, NULL));
  PetscCall(Quadratic(p, z, u + 1, &q));
  sum   = h - p->lambda * nu * q;
  scale = 1 + PetscAbsReal(h) + PetscAbsReal(p->lambda * nu * q);
  for (PetscInt s = 0; s < p->J; s++) {
    sum += p->slope[s] * u[s];
    scale += PetscAbsReal(p->slope[s] * u[s]);
  }
  *same = (PetscBool)(PetscAbsReal(r - sum) <= TOLERANCE * scale && PetscAbsReal(TzJetForm(&slope, 0) - nu) <= TOLERANCE * nu);
  if (p->pde->shape.time && PetscAbsReal(TzJetTime(&slope) - 1) > TOLERANCE) *same = PETSC_FALSE;
  if (p->lambda != 0 && PetscAbsReal(TzJetValue(&slope)) > TOLERANCE) *same = PETSC_FALSE;
  if (!p->pde->shape.time) { /* spheres: no drift, no discount, and with lambda a constant source */
    for (PetscInt i = 0; i <= p->d; i++) *same = (PetscBool)(*same && PetscAbsReal(p->slope[i]) <= TOLERANCE);
    PetscCall(TzPathsSource(p, p->z[1], PETSC_FALSE, &r));
    *same = (PetscBool)(*same && (p->lambda == 0 || (PetscAbsReal(r - h) <= TOLERANCE * (1 + PetscAbsReal(h)) && p->lambda * h >= 0)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The value at the end is prescribed: by a soft condition for the value, or by the transform, whose a vanishes at z (a point of t = T or of the boundary) */
static PetscErrorCode HasEnd(TzPaths *p, const PetscReal z[], PetscBool *has)
{
  const TzConditionPlace place = p->pde->shape.time ? TZ_AT_END : TZ_AT_BOUNDARY;
  const TzCondition     *c;
  PetscInt               n;

  PetscFunctionBegin;
  PetscCall(TzPDEGetConditions(p->pde, &n, &c));
  *has = PETSC_TRUE;
  for (PetscInt i = 0; i < n; i++) {
    if (c[i].place != place || c[i].gradient || (place == TZ_AT_BOUNDARY && c[i].face >= 0)) *has = PETSC_FALSE;
    else p->end = i;
  }
  if (!*has || p->end >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDETransformJets(p->pde, 1, z, p->ab));
  *has = (PetscBool)(PetscAbsReal(p->ab[0]) <= 1e-12);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* p->form and p->lambda, by random jets at random points */
static PetscErrorCode Find(TzPaths *p)
{
  TzPDE           pde    = p->pde;
  const TzDomain *domain = &pde->domain;
  const PetscBool box    = (PetscBool)(domain->type == TZ_DOMAIN_BOX);
  PetscBool       same   = (PetscBool)(pde->shape.nforms == 1 && pde->diffusion > 0);
  PetscReal      *u, *v;
  TzSampler       sampler;

  PetscFunctionBegin;
  if (!pde->shape.time) same = (PetscBool)(same && pde->shape.form[0].type == TZ_FORM_LAPLACIAN);
  else same = (PetscBool)(same && box);
  if (!same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzSamplerCreate(PetscObjectComm((PetscObject)pde), &sampler));
  PetscCall(TzSamplerSetType(sampler, box ? TZ_SAMPLER_BOX : TZ_SAMPLER_BALL));
  PetscCall(TzPDESetSampler(pde, sampler));
  PetscCall(PetscMalloc2(p->J, &u, p->J, &v));
  if (pde->shape.time) PetscCall(TzSamplerDrawTime(sampler, pde->T, 0, TZ_STREAM_PATHS, 0, 0, 1, p->z[0]));
  else PetscCall(TzSamplerDrawBoundary(sampler, -1, 0, TZ_STREAM_PATHS, 0, 0, 1, p->z[0], NULL));
  PetscCall(HasEnd(p, p->z[0], &same));
  for (PetscInt i = 0; i < TRIALS && same; i++) {
    PetscCall(TzSamplerDraw(sampler, 0, TZ_STREAM_PATHS, 0, i, 1, p->z[0]));
    PetscCall(TzSamplerDraw(sampler, 0, TZ_STREAM_PATHS, 0, i + TRIALS, 1, p->z[1]));
    PetscCall(TzRandomNormal(0, TZ_STREAM_PATHS, 1, i, 0, p->J, u));
    if (!i) PetscCall(Lambda(p, p->z[0], u, v, &p->lambda));
    PetscCall(Agrees(p, p->z[0], u, &same));
  }
  if (same) p->form = p->lambda == 0 ? TZ_PATHS_FEYNMANKAC : TZ_PATHS_COLEHOPF;
  PetscCall(PetscFree2(u, v));
  PetscCall(TzSamplerDestroy(&sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetPathForm(TzPDE pde, TzPathForm *form, PetscReal *lambda)
{
  TzPaths p;

  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  PetscCall(Create(pde, &p));
  PetscCall(Find(&p));
  *form = p.form;
  if (lambda) *lambda = p.lambda;
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------- the paths ---------------------------------------------------------------- */

typedef struct {
  PetscReal integral, C; /* int e^(-C) h, int c */
} Sums;

/* z [D] on by dt with the normal numbers xi [d] */
static PetscErrorCode Step(TzPaths *p, PetscReal dt, const PetscReal xi[], PetscReal z[], Sums *s)
{
  const TzProcess *process = &p->process;
  const PetscReal  root    = PetscSqrtReal(dt);
  PetscReal        h;

  PetscFunctionBegin;
  PetscCall(TzPathsSource(p, z, PETSC_TRUE, &h));
  if (process->noise) PetscCall((*process->noise)(process->ctx, z, xi, p->dx));
  s->integral += PetscExpReal(-s->C) * h * dt;
  s->C -= p->slope[0] * dt;
  for (PetscInt i = 0; i < p->d; i++) z[i] += p->slope[1 + i] * dt + root * (process->noise ? p->dx[i] : PetscSqrtReal(2 * process->nu) * xi[i]);
  z[p->d] += dt;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value[0], value[1]: u, or the exponent of exp(-lambda u), along path number `path` with 2 `pairs` steps and with `pairs` */
static PetscErrorCode Path(TzPaths *p, const PetscReal z[], PetscInt pairs, PetscInt64 seed, PetscInt point, PetscInt path, PetscReal value[])
{
  const PetscInt  d    = p->d;
  const PetscReal dt   = (p->pde->T - z[d]) / (PetscReal)(2 * pairs);
  Sums            s[2] = {{0, 0}, {0, 0}};

  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) PetscCall(PetscArraycpy(p->z[k], z, p->D));
  for (PetscInt n = 0; n < pairs; n++) {
    PetscCall(TzRandomNormal(seed, TZ_STREAM_PATHS, point, path, 2 * n * d, 2 * d, p->xi));
    for (int k = 0; k < 2; k++) PetscCall(Step(p, dt, p->xi + k * d, p->z[0], &s[0]));
    for (PetscInt i = 0; i < d; i++) p->xi[i] = (p->xi[i] + p->xi[d + i]) * PETSC_SQRT2 / 2;
    PetscCall(Step(p, 2 * dt, p->xi, p->z[1], &s[1]));
  }
  for (int k = 0; k < 2; k++) {
    PetscReal g;

    p->z[k][d] = p->pde->T;
    PetscCall(TzPathsEnd(p, p->z[k], &g));
    value[k] = s[k].integral + PetscExpReal(-s[k].C) * g;
    if (p->lambda != 0) value[k] *= -p->lambda;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u and half the width of its interval from the values [n][2] of all paths, in their order */
static void Average(const TzPaths *p, PetscInt n, const PetscReal value[], PetscReal *u, PetscReal *half)
{
  const PetscBool exponent = (PetscBool)(p->lambda != 0);
  PetscReal       sum = 0, squares = 0, largest = 0, mean, error;

  for (PetscInt i = 0; i < 2 * n && exponent; i++) largest = i ? PetscMax(largest, value[i]) : value[i];
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal *v = value + 2 * i, w = exponent ? 2 * PetscExpReal(v[0] - largest) - PetscExpReal(v[1] - largest) : 2 * v[0] - v[1];

    sum += w;
  }
  mean = sum / (PetscReal)n;
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal *v = value + 2 * i, w = exponent ? 2 * PetscExpReal(v[0] - largest) - PetscExpReal(v[1] - largest) : 2 * v[0] - v[1];

    squares += PetscSqr(w - mean);
  }
  error = 1.959964 * PetscSqrtReal(squares / ((PetscReal)n * (PetscReal)(n - 1)));
  *u    = exponent ? -(largest + PetscLogReal(mean)) / p->lambda : mean;
  *half = exponent ? PetscAbsReal(error / (mean * p->lambda)) : error;
}

/* One point: this rank's paths, then those of all */
static PetscErrorCode Point(TzPaths *p, const PetscReal z[], PetscInt n, PetscInt steps, PetscInt64 seed, PetscInt point, PetscReal value[])
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)p->pde);
  PetscMPIInt rank, size, *count, *displ;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc2(size, &count, size, &displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    displ[r] = (PetscMPIInt)(2 * ((PetscInt64)n * r / size));
    count[r] = (PetscMPIInt)(2 * ((PetscInt64)n * (r + 1) / size)) - displ[r];
  }
  for (PetscInt i = displ[rank] / 2; i < (displ[rank] + count[rank]) / 2; i++) {
    if (p->pde->shape.time) PetscCall(Path(p, z, (steps + 1) / 2, seed, point, i, value + 2 * i));
    else {
      PetscCall(TzPathsWalk(p, z, seed, point, i, value + 2 * i));
      value[2 * i + 1] = value[2 * i];
    }
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, value, count, displ, MPIU_REAL, comm));
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEPaths(TzPDE pde, PetscInt npoints, const PetscReal X[], PetscInt n, PetscInt steps, PetscInt64 seed, PetscReal u[], PetscReal half[])
{
  MPI_Comm   comm = PetscObjectComm((PetscObject)pde);
  PetscReal *value;
  TzPaths    p;

  PetscFunctionBegin;
  PetscCheck(n >= 2 && n <= PETSC_MPI_INT_MAX / 2 && steps >= 1, comm, PETSC_ERR_ARG_OUTOFRANGE, "At least two paths and one step");
  PetscCall(TzPDESetUp(pde));
  PetscCall(Create(pde, &p));
  PetscCall(Find(&p));
  PetscCheck(p.form != TZ_PATHS_NONE, comm, PETSC_ERR_SUP, "Equation %s has no form of Feynman and Kac or of Cole and Hopf", ((PetscObject)pde)->type_name);
  PetscCall(PetscMalloc1(2 * (size_t)n, &value));
  for (PetscInt i = 0; i < npoints; i++) {
    PetscCall(Point(&p, X + i * p.D, n, steps, seed, i, value));
    Average(&p, n, value, &u[i], &half[i]);
  }
  PetscCall(PetscFree(value));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}
