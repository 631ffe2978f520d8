/*
  Collocation samplers (-loss_sampler): where a residual is evaluated.
    box        uniform on the box [lo, hi]^d x [0, T]
    diffusion  t uniform on [0, T], x = x0 + sqrt(2 nu t) N(0, I), x0 the origin
    mixed      every second point from each
*/
#ifndef TZCOLLOCATION_H
#define TZCOLLOCATION_H

#include <tzsys.h>

typedef enum { TZ_SAMPLER_BOX, TZ_SAMPLER_DIFFUSION, TZ_SAMPLER_MIXED } TzSampler;
PETSC_EXTERN const char *const TzSamplers[]; /* for PetscOptionsEnum */

typedef struct {
  PetscInt  d;         /* space dimensions */
  PetscReal lo, hi, T; /* box */
  PetscReal diffusion; /* nu */
  TzSampler sampler;
} TzDomain;

/* X [n][d+1]: points first..first+n-1 of the sample with this key; point i does not depend on first and n. */
PETSC_EXTERN PetscErrorCode TzCollocationSample(const TzDomain *domain, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n,
                                                PetscReal X[]);

#endif
