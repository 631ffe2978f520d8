/* Whether a residual is a sum over coordinates: its second differences along derivatives in x of disjoint sets of them vanish, at random jets. */
#include <private/tzpdeimpl.h>

#define TRIALS    5
#define OUTSIDE   0.1  /* points are moved by at most this: a box may have coordinates that are one number */
#define TOLERANCE 1e-7 /* residuals that Tenzo differentiates are known to 1e-9 */

PetscErrorCode TzPDEIsSum(TzPDE pde, PetscBool *sum)
{
  const TzJetShape *shape;
  TzSampler         sampler;
  PetscReal        *z, *u, *v, *half;
  PetscInt          J;

  PetscFunctionBegin;
  PetscCall(TzPDEGetJetShape(pde, &shape));
  J = TzJetSize(shape);
  PetscCall(TzSamplerCreate(PetscObjectComm((PetscObject)pde), &sampler));
  PetscCall(TzSamplerSetType(sampler, pde->domain.type == TZ_DOMAIN_BOX ? TZ_SAMPLER_BOX : TZ_SAMPLER_BALL));
  PetscCall(TzPDESetSampler(pde, sampler));
  PetscCall(PetscMalloc4(TzJetCoordinates(shape), &z, J, &u, J, &v, J, &half));
  *sum = PETSC_TRUE;
  for (PetscInt trial = 0; trial < TRIALS && *sum; trial++) {
    PetscReal r[4], size = 1;

    PetscCall(TzSamplerDraw(sampler, 0, TZ_STREAM_PATHS, 0, trial, 1, z));
    PetscCall(TzRandomUniform(0, TZ_STREAM_PATHS, 3, trial, 0, shape->d, u));
    for (PetscInt i = 0; i < shape->d; i++) z[i] += OUTSIDE * (2 * u[i] - 1);
    PetscCall(TzRandomNormal(0, TZ_STREAM_PATHS, 1, trial, 0, J, u));
    PetscCall(TzRandomUniform(0, TZ_STREAM_PATHS, 2, trial, 0, J, half));
    for (PetscInt part = 0; part < 4; part++) { /* bit 0: the derivatives of one set, bit 1: of the others; a form is shared between them */
      PetscCall(PetscArraycpy(v, u, J));
      for (PetscInt i = 1; i < J; i++) {
        if (i <= shape->d) v[i] *= part >> (half[i] < 0.5 ? 0 : 1) & 1;
        else if (i >= J - shape->nforms) v[i] *= (part & 1) * half[i] + (part >> 1) * (1 - half[i]);
      }
      PetscCall(TzPDEResidual(pde, 1, z, v, &r[part], NULL));
      size += PetscAbsReal(r[part]);
    }
    *sum = (PetscBool)(PetscAbsReal(r[3] - r[1] - r[2] + r[0]) <= TOLERANCE * size);
  }
  PetscCall(PetscFree4(z, u, v, half));
  PetscCall(TzSamplerDestroy(&sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}
