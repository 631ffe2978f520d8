/*
  What the estimators on a symmetric stencil share: its blocks and its sums.
*/
#include <private/tzderivimpl.h>

/* Blocks are multiples of 24 pairs, the width of the kernels' panels; at most 64 blocks, so that the partial sums stay small */
PetscErrorCode TzDerivStencilSetUp(TzDeriv deriv, const TzPairs *pairs, PetscReal s)
{
  TzStencil *st   = &deriv->stencil;
  PetscInt   size = (pairs->npairs + 63) / 64;

  PetscFunctionBegin;
  st->pairs        = pairs;
  st->s            = s;
  deriv->blocksize = PetscMax(72, (size + 23) / 24 * 24);
  deriv->blocks    = PetscMax(1, (pairs->npairs + deriv->blocksize - 1) / deriv->blocksize);
  PetscCall(PetscFree(st->value));
  PetscCall(PetscFree(st->lap));
  PetscCall(PetscFree(st->grad));
  PetscCall(PetscMalloc1(pairs->npairs, &st->value));
  PetscCall(PetscMalloc1(pairs->npairs, &st->lap));
  PetscCall(PetscMalloc1(pairs->ptr[pairs->npairs], &st->grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivPartial_Stencil(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[])
{
  const TzStencil *st    = &deriv->stencil;
  const TzPairs   *pairs = st->pairs;
  const PetscInt   j0 = k * deriv->blocksize, j1 = PetscMin(j0 + deriv->blocksize, pairs->npairs), m = j1 - j0, nc = deriv->D + 2;

  PetscFunctionBegin;
  if (n > deriv->nscratch) {
    PetscCall(PetscFree3(deriv->even, deriv->odd, deriv->f0));
    PetscCall(PetscMalloc3(n * deriv->blocksize, &deriv->even, n * deriv->blocksize, &deriv->odd, n, &deriv->f0));
    deriv->nscratch = n;
  }
  PetscCall(TzNetEvalStencil(eval, n, X, pairs, st->s, j0, j1, deriv->f0, deriv->even, deriv->odd));
  for (PetscInt p = 0; p < n; p++) {
    const PetscReal *even = deriv->even + p * m - j0, *odd = deriv->odd + p * m - j0;
    PetscReal       *jet = partial + p * nc, value = k ? 0 : deriv->f0[p], lap = 0;

    for (PetscInt i = 1; i < nc - 1; i++) jet[i] = 0;
    for (PetscInt j = j0; j < j1; j++) {
      value += st->value[j] * even[j];
      lap += st->lap[j] * even[j];
      for (PetscInt l = pairs->ptr[j]; l < pairs->ptr[j + 1]; l++) jet[1 + pairs->idx[l]] += st->grad[l] * odd[j];
    }
    jet[0]      = value;
    jet[nc - 1] = lap;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* grad += the adjoint of TzDerivPartial_Stencil() over all blocks, in ascending order */
PetscErrorCode TzDerivAdjoint_Stencil(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[])
{
  const TzStencil *st    = &deriv->stencil;
  const TzPairs   *pairs = st->pairs;
  const PetscInt   nc    = deriv->D + 2;
  PetscReal       *even, *odd, *f0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n * deriv->blocksize, &even, n * deriv->blocksize, &odd, n, &f0));
  for (PetscInt k = 0; k < deriv->blocks; k++) {
    const PetscInt j0 = k * deriv->blocksize, j1 = PetscMin(j0 + deriv->blocksize, pairs->npairs), m = j1 - j0;

    for (PetscInt p = 0; p < n; p++) {
      const PetscReal *bar = jetbar + p * nc;

      f0[p] = k ? 0 : bar[0];
      for (PetscInt j = j0; j < j1; j++) {
        even[p * m + j - j0] = st->value[j] * bar[0] + st->lap[j] * bar[nc - 1];
        odd[p * m + j - j0]  = 0;
        for (PetscInt l = pairs->ptr[j]; l < pairs->ptr[j + 1]; l++) odd[p * m + j - j0] += st->grad[l] * bar[1 + pairs->idx[l]];
      }
    }
    PetscCall(TzNetEvalStencilBackward(eval, n, X, pairs, st->s, j0, j1, f0, even, odd, grad));
  }
  PetscCall(PetscFree3(even, odd, f0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
