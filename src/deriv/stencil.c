/*
  What the estimators on a symmetric stencil share: its blocks and its sums.
*/
#include <private/tzderivimpl.h>

/* Blocks are multiples of 24 pairs, the width of the kernels' panels; at most 64 blocks, so that the partial sums stay small */
PetscErrorCode TzDerivStencilSetUp(TzDeriv deriv, const TzPairs *pairs, PetscReal s)
{
  TzStencil *st   = &deriv->stencil;
  PetscInt   size = (pairs->npairs + 63) / 64, square = 0;

  PetscFunctionBegin;
  st->pairs        = pairs;
  st->s            = s;
  deriv->nscratch  = 0; /* scratch is that of other blocks */
  deriv->blocksize = PetscMax(72, (size + 23) / 24 * 24);
  deriv->blocks    = PetscMax(1, (pairs->npairs + deriv->blocksize - 1) / deriv->blocksize);
  for (PetscInt p = 0; p < deriv->shape.nforms; p++)
    if (deriv->shape.form[p].m) square = deriv->d * deriv->d;
  PetscCall(PetscFree5(st->value, st->grad, st->form, st->F, st->S));
  PetscCall(PetscMalloc5(pairs->npairs, &st->value, pairs->ptr[pairs->npairs], &st->grad, deriv->shape.nforms * pairs->npairs, &st->form,
                         TzJetFieldSize(&deriv->shape), &st->F, square, &st->S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coefficients j0 <= j < j1 of form p, whose fields are F */
static void Form(TzDeriv deriv, PetscInt p, const PetscReal F[], PetscInt j0, PetscInt j1)
{
  const PetscInt d  = deriv->d;
  TzStencil     *st = &deriv->stencil;
  PetscReal      trace;
  TzFormAt       S;

  TzJetFormAt(&deriv->shape, p, F, &S);
  for (PetscInt i = 0; S.m && i < d; i++)
    for (PetscInt j = 0; j <= i; j++) st->S[i * d + j] = st->S[j * d + i] = TzFormEntry(&S, i, j);
  if (S.m) S = (TzFormAt){.d = d, .S = st->S};
  trace = TzFormTrace(&S);
  for (PetscInt j = j0; j < j1; j++) st->form[p * st->pairs->npairs + j] = (*st->coefficient)(deriv, j, &S, trace);
}

PetscErrorCode TzDerivStencilForms(TzDeriv deriv)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < deriv->shape.nforms; p++)
    if (!deriv->shape.form[p].field) Form(deriv, p, NULL, 0, deriv->stencil.pairs->npairs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivStencilPoint(TzDeriv deriv, const PetscReal x[], PetscInt j0, PetscInt j1)
{
  PetscFunctionBegin;
  PetscCall(TzJetFields(&deriv->shape, 1, x, deriv->stencil.F));
  for (PetscInt p = 0; p < deriv->shape.nforms; p++)
    if (deriv->shape.form[p].field) Form(deriv, p, deriv->stencil.F, j0, j1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivPartial_Stencil(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[])
{
  const TzStencil *st    = &deriv->stencil;
  const TzPairs   *pairs = st->pairs;
  const PetscInt   j0 = k * deriv->blocksize, j1 = PetscMin(j0 + deriv->blocksize, pairs->npairs), m = j1 - j0, nc = TzJetSize(&deriv->shape);

  PetscFunctionBegin;
  if (n > deriv->nscratch) {
    PetscCall(PetscFree3(deriv->even, deriv->odd, deriv->f0));
    PetscCall(PetscMalloc3(n * deriv->blocksize, &deriv->even, n * deriv->blocksize, &deriv->odd, n, &deriv->f0));
    deriv->nscratch = n;
  }
  PetscCall(TzNetEvalStencil(eval, n, X, pairs, st->s, j0, j1, deriv->f0, deriv->even, deriv->odd));
  for (PetscInt p = 0; p < n; p++) {
    const PetscReal *even = deriv->even + p * m - j0, *odd = deriv->odd + p * m - j0;
    PetscReal       *jet = partial + p * nc, value = k ? 0 : deriv->f0[p];

    PetscCall(TzDerivStencilPoint(deriv, X + p * deriv->D, j0, j1));
    for (PetscInt i = 1; i <= deriv->D; i++) jet[i] = 0;
    for (PetscInt j = j0; j < j1; j++) {
      value += st->value[j] * even[j];
      for (PetscInt l = pairs->ptr[j]; l < pairs->ptr[j + 1]; l++) jet[1 + pairs->idx[l]] += st->grad[l] * odd[j];
    }
    jet[0] = value;
    for (PetscInt q = 0; q < deriv->shape.nforms; q++) {
      PetscReal form = 0;

      for (PetscInt j = j0; j < j1; j++) form += st->form[q * pairs->npairs + j] * even[j];
      jet[1 + deriv->D + q] = form;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* grad += the adjoint of TzDerivPartial_Stencil() over all blocks, in ascending order */
PetscErrorCode TzDerivAdjoint_Stencil(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[])
{
  const TzStencil *st    = &deriv->stencil;
  const TzPairs   *pairs = st->pairs;
  const PetscInt   nc    = TzJetSize(&deriv->shape);
  PetscReal       *even, *odd, *f0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n * deriv->blocksize, &even, n * deriv->blocksize, &odd, n, &f0));
  for (PetscInt k = 0; k < deriv->blocks && !TzGiveUp(); k++) {
    const PetscInt j0 = k * deriv->blocksize, j1 = PetscMin(j0 + deriv->blocksize, pairs->npairs), m = j1 - j0;

    for (PetscInt p = 0; p < n; p++) {
      const PetscReal *bar = jetbar + p * nc;

      PetscCall(TzDerivStencilPoint(deriv, X + p * deriv->D, j0, j1));
      f0[p] = k ? 0 : bar[0];
      for (PetscInt j = j0; j < j1; j++) {
        even[p * m + j - j0] = st->value[j] * bar[0];
        odd[p * m + j - j0]  = 0;
        for (PetscInt q = 0; q < deriv->shape.nforms; q++) even[p * m + j - j0] += st->form[q * pairs->npairs + j] * bar[1 + deriv->D + q];
        for (PetscInt l = pairs->ptr[j]; l < pairs->ptr[j + 1]; l++) odd[p * m + j - j0] += st->grad[l] * bar[1 + pairs->idx[l]];
      }
    }
    PetscCall(TzNetEvalStencilBackward(eval, n, X, pairs, st->s, j0, j1, f0, even, odd, grad));
  }
  PetscCall(PetscFree3(even, odd, f0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
