/*
  Where the points of a sampler lie, as a file keeps it: whoever evaluates a network asks whether it was ever trained there. Of a box or a ball it is the
  domain; of paths, at some times, what their states span there, a little widened: at the times between it is both.
*/
#include <tzsampler.h>

#define TIMES  11
#define STATES 200  /* at each time */
#define WIDER  1.25 /* than what STATES points span: more points lie further out */

static PetscErrorCode Create(PetscInt n, PetscInt d, TzRegion *region)
{
  PetscFunctionBegin;
  *region = (TzRegion){.n = n, .d = d};
  PetscCall(PetscCalloc4(n, &region->t, n * d, &region->lo, n * d, &region->hi, 2 * n, &region->radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRegionDestroy(TzRegion *region)
{
  PetscFunctionBegin;
  if (region->n) PetscCall(PetscFree4(region->t, region->lo, region->hi, region->radius));
  region->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |x - c| with c the middle of entry k */
static PetscReal Distance(const TzRegion *region, PetscInt k, const PetscReal x[])
{
  const PetscReal *lo = region->lo + k * region->d, *hi = region->hi + k * region->d;
  PetscReal        square = 0;

  for (PetscInt i = 0; i < region->d; i++) square += PetscSqr(x[i] - (lo[i] + hi[i]) / 2);
  return PetscSqrtReal(square);
}

/* Entry k from the states X [STATES][d + 1] */
static void Span(TzRegion *region, PetscInt k, const PetscReal X[])
{
  const PetscInt d  = region->d;
  PetscReal     *lo = region->lo + k * d, *hi = region->hi + k * d, far = 0;

  for (PetscInt i = 0; i < d; i++) {
    lo[i] = hi[i] = X[i];
    for (PetscInt p = 1; p < STATES; p++) {
      lo[i] = PetscMin(lo[i], X[p * (d + 1) + i]);
      hi[i] = PetscMax(hi[i], X[p * (d + 1) + i]);
    }
  }
  for (PetscInt p = 0; p < STATES; p++) far = PetscMax(far, Distance(region, k, X + p * (d + 1)));
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal middle = (lo[i] + hi[i]) / 2, half = WIDER * (hi[i] - lo[i]) / 2;

    lo[i] = middle - half;
    hi[i] = middle + half;
  }
  region->radius[2 * k]     = 0;
  region->radius[2 * k + 1] = WIDER * far;
}

PetscErrorCode TzSamplerGetRegion(TzSampler sampler, const TzDomain *domain, PetscInt64 seed, TzRegion *region)
{
  const PetscInt d = domain->d;
  TzSamplerType  type;
  PetscReal     *X;

  PetscFunctionBegin;
  PetscCall(TzSamplerGetType(sampler, &type));
  if (type < TZ_SAMPLER_PATHS) {
    PetscCall(Create(domain->stationary ? 1 : 2, d, region));
    for (PetscInt k = 0; k < region->n; k++) {
      PetscReal square = 0;

      for (PetscInt i = 0; i < d; i++) {
        region->lo[k * d + i] = domain->lo[i];
        region->hi[k * d + i] = domain->hi[i];
        square += PetscSqr(domain->hi[i] - domain->lo[i]) / 4;
      }
      region->t[k]              = k ? domain->T : 0;
      region->radius[2 * k]     = domain->type == TZ_DOMAIN_SHELL ? domain->inner : 0;
      region->radius[2 * k + 1] = domain->type == TZ_DOMAIN_BOX ? PetscSqrtReal(square) : domain->radius;
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Create(TIMES, d, region));
  PetscCall(PetscMalloc1(STATES * (d + 1), &X));
  for (PetscInt k = 0; k < TIMES; k++) {
    region->t[k] = domain->T * (PetscReal)k / (TIMES - 1);
    PetscCall(TzSamplerDrawTime(sampler, region->t[k], seed, TZ_STREAM_VALIDATION, 1, 0, STATES, X));
    Span(region, k, X);
  }
  PetscCall(PetscFree(X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool Inside(const TzRegion *region, PetscInt k, const PetscReal x[])
{
  const PetscReal slack = 1e-9 * (1 + region->radius[2 * k + 1]), distance = Distance(region, k, x);
  PetscBool       in = (PetscBool)(distance >= region->radius[2 * k] - slack && distance <= region->radius[2 * k + 1] + slack);

  for (PetscInt i = 0; i < region->d && in; i++)
    in = (PetscBool)(x[i] >= region->lo[k * region->d + i] - slack && x[i] <= region->hi[k * region->d + i] + slack);
  return in;
}

PetscBool TzRegionContains(const TzRegion *region, const PetscReal z[])
{
  const PetscReal slack = 1e-9 * region->t[region->n - 1], t = region->n > 1 ? z[region->d] : 0;

  if (region->n == 1) return Inside(region, 0, z);
  for (PetscInt k = 0; k < region->n; k++) {
    const PetscBool at     = (PetscBool)(PetscAbsReal(t - region->t[k]) <= slack);
    const PetscBool before = (PetscBool)(k && t > region->t[k - 1] + slack && t < region->t[k] - slack);

    if (at) return Inside(region, k, z);
    if (before) return (PetscBool)(Inside(region, k - 1, z) || Inside(region, k, z));
  }
  return PETSC_FALSE;
}
