/*
  One walk on spheres (Muller 1956) for nu Lap u - lambda nu |grad u|^2 + h = 0 with u given on the boundary: from x to a uniform point of the largest sphere
  around x inside the domain, of radius rho, until that is EPSILON of the domain's size, then to the nearest point of the boundary.

      lambda = 0     u(x) = E[u(exit) + sum over spheres of rho^2/(2 d nu) h(y)], y of the density that is Green's function of the sphere: at the distance
                     rho s from its centre, s with the density s (1 - s^(d-2)) (1 - s for d = 1, -s ln s for d = 2)
      lambda, h > 0  constant: w = exp(-lambda u), Lap w = (lambda h/nu) w, w(x) = E[w(exit) product over spheres of 1/F(lambda h rho^2/(4 nu))],
                     F(z) = sum_k z^k/(k! (d/2)_k)
*/
#include "paths.h"

#define EPSILON 1e-5

/* The random numbers of one walk, in turn */
typedef struct {
  PetscInt64 seed;
  PetscInt   point, path, next;
} Numbers;

static PetscErrorCode Uniform(Numbers *r, PetscReal *u)
{
  PetscFunctionBegin;
  PetscCall(TzRandomUniform(r->seed, TZ_STREAM_PATHS, r->point, r->path, r->next++, 1, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x [d] += length in a uniform direction; xi [d] is scratch */
static PetscErrorCode Move(Numbers *r, PetscInt d, PetscReal length, PetscReal xi[], PetscReal x[])
{
  PetscReal square = 0;

  PetscFunctionBegin;
  PetscCall(TzRandomNormal(r->seed, TZ_STREAM_PATHS, r->point, r->path, r->next, d, xi));
  r->next += d;
  for (PetscInt i = 0; i < d; i++) square += xi[i] * xi[i];
  for (PetscInt i = 0; i < d; i++) x[i] += length / PetscSqrtReal(square) * xi[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Distance of x from the boundary; nearest [d] (or NULL): the point there */
static PetscReal Distance(const TzDomain *domain, const PetscReal x[], PetscReal nearest[])
{
  PetscReal length = 0, rho, to;
  PetscInt  face   = 0;

  if (domain->type == TZ_DOMAIN_BOX) {
    rho = x[0] - domain->lo[0];
    for (PetscInt f = 0; f < 2 * domain->d; f++) {
      const PetscReal distance = f % 2 ? domain->hi[f / 2] - x[f / 2] : x[f / 2] - domain->lo[f / 2];

      if (distance < rho) rho = distance, face = f;
    }
    for (PetscInt i = 0; nearest && i < domain->d; i++) nearest[i] = i != face / 2 ? x[i] : face % 2 ? domain->hi[i] : domain->lo[i];
    return rho;
  }
  for (PetscInt i = 0; i < domain->d; i++) length += x[i] * x[i];
  length = PetscSqrtReal(length);
  rho    = domain->radius - length;
  to     = domain->radius;
  if (domain->type == TZ_DOMAIN_SHELL && length - domain->inner < rho) rho = length - domain->inner, to = domain->inner;
  for (PetscInt i = 0; nearest && i < domain->d; i++) nearest[i] = x[i] * to / length;
  return rho;
}

/* s of a point in the unit ball with the density of Green's function */
static PetscErrorCode GreenRadius(Numbers *r, PetscInt d, PetscReal *s)
{
  PetscReal u, v = 0;

  PetscFunctionBegin;
  PetscCall(Uniform(r, &u));
  if (d == 1) *s = 1 - PetscSqrtReal(u);
  else if (d == 2) {
    PetscCall(Uniform(r, &v));
    *s = PetscSqrtReal(u * v);
  } else {
    for (;;) { /* of the density 2 s, kept with the probability 1 - s^(d-2) */
      *s = PetscSqrtReal(u);
      PetscCall(Uniform(r, &v));
      if (v < 1 - PetscPowReal(*s, (PetscReal)(d - 2))) break;
      PetscCall(Uniform(r, &u));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ln F(z), z >= 0 */
static PetscReal LogSeries(PetscInt d, PetscReal z)
{
  PetscReal sum = 1, term = 1;

  for (PetscInt k = 1; k == 1 || term > 1e-18 * sum; k++) {
    term *= z / ((PetscReal)k * ((PetscReal)d / 2 + (PetscReal)(k - 1)));
    sum += term;
  }
  return PetscLogReal(sum);
}

/* What the sphere of radius rho around x adds: to u, or to the exponent; y [d] is scratch */
static PetscErrorCode Sphere(TzPaths *p, Numbers *r, const PetscReal x[], PetscReal rho, PetscReal y[], PetscReal *sum)
{
  const PetscReal nu = p->pde->diffusion;
  PetscReal       h, s = 0;

  PetscFunctionBegin;
  if (p->lambda != 0) {
    PetscCall(TzPathsSource(p, x, PETSC_FALSE, &h));
    *sum -= LogSeries(p->d, p->lambda * h * rho * rho / (4 * nu));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(GreenRadius(r, p->d, &s));
  PetscCall(PetscArraycpy(y, x, p->d));
  PetscCall(Move(r, p->d, rho * s, p->xi, y));
  PetscCall(TzPathsSource(p, y, PETSC_FALSE, &h));
  *sum += rho * rho / (2 * (PetscReal)p->d * nu) * h;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPathsWalk(TzPaths *p, const PetscReal z[], PetscInt64 seed, PetscInt point, PetscInt path, PetscReal value[])
{
  const TzDomain *domain = &p->pde->domain;
  Numbers         r      = {seed, point, path, 0};
  PetscReal      *x = p->z[0], *y = p->z[1], rho, small = domain->type == TZ_DOMAIN_BOX ? domain->hi[0] - domain->lo[0] : domain->radius, g;

  PetscFunctionBegin;
  small *= EPSILON;
  *value = 0;
  PetscCall(PetscArraycpy(x, z, p->d));
  while ((rho = Distance(domain, x, NULL)) > small) {
    PetscCall(Sphere(p, &r, x, rho, y, value));
    PetscCall(Move(&r, p->d, rho, p->xi, x));
  }
  (void)Distance(domain, x, y);
  PetscCall(TzPathsEnd(p, y, &g));
  *value += p->lambda != 0 ? -p->lambda * g : g;
  PetscFunctionReturn(PETSC_SUCCESS);
}
