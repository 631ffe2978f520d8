/* Collocation points: point i takes its numbers from the key of item i, so that any rank draws any block. */
#include <tzcollocation.h>

const char *const TzSamplers[] = {"box", "diffusion", "mixed", "TzSampler", "TZ_SAMPLER_", NULL};

/*
  X [n][d+1]: points first <= i < first + n of the sample (seed, stream, step); x_1..x_d, t with t inside (0, T). "mixed": even i as
  "box", odd i as "diffusion". PETSC_ERR_ARG_OUTOFRANGE for negative arguments.
*/
PetscErrorCode TzCollocationSample(const TzDomain *domain, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n, PetscReal X[])
{
  const PetscInt d = domain->d;
  PetscReal     *z = X;

  PetscFunctionBegin;
  PetscCheck(first >= 0 && n >= 0 && first <= PETSC_MAX_INT - n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "first %" PetscInt_FMT ", n %" PetscInt_FMT ": points must not be negative or overflow", first, n);
  for (PetscInt i = first; i < first + n; i++, z += d + 1) {
    const PetscBool box = (PetscBool)(domain->sampler == TZ_SAMPLER_BOX || (domain->sampler == TZ_SAMPLER_MIXED && i % 2 == 0));

    PetscCall(TzRandomUniform(seed, stream, step, i, 0, d + 1, z));
    z[d] *= domain->T;
    if (box) {
      for (PetscInt j = 0; j < d; j++) z[j] = domain->lo + (domain->hi - domain->lo) * z[j];
    } else {
      PetscCall(TzRandomNormal(seed, stream, step, i, 0, d, z));
      for (PetscInt j = 0; j < d; j++) z[j] *= PetscSqrtReal(2 * domain->diffusion * z[d]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
