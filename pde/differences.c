/*
  Derivatives that an equation leaves to Tenzo.

  Central differences of order 12 (6 points on each side), step h = 0.02 max(1, |z_i|): a function that is analytic within R max(1, |z_i|) of the point leaves
  an error of about (6!)^2 (h/R)^12, below 1e-9 for R > 1/5, and rounding of 3e-14 (first) and 3e-12 (second derivatives) times the
  largest value. The residual's derivatives in the slots of its jet are of order 6, h = 0.002 max(1, |slot|): 36 (h/R)^6 and 3e-13.

  A form with a constant matrix is differentiated along its eigenvectors, one with a field along the columns of sigma, or, if S(z) itself is given, along its
  eigenvectors at the point (d^3 operations: give a factor or a transform where that is too slow).
*/
#include <private/tzpdeimpl.h>

#define SIDE 6
#define STEP 0.02

/* first and second derivative of order 12: plus and minus k h, k = 1 .. 6 */
static const PetscReal first[SIDE]  = {6. / 7, -15. / 56, 5. / 63, -1. / 56, 1. / 385, -1. / 5544};
static const PetscReal second[SIDE] = {12. / 7, -15. / 56, 10. / 189, -1. / 112, 2. / 1925, -1. / 16632};

/* Along v from z (y is scratch of length D), g0 the value at z; v has n entries, from coordinate i0 on, and moves z_i by h v_i */
static PetscErrorCode Along(TzPDE pde, const PetscReal z[], PetscInt i0, PetscInt n, const PetscReal v[], PetscReal g0, PetscReal y[], PetscReal *d1,
                            PetscReal *d2)
{
  const PetscInt D = TzJetCoordinates(&pde->shape);
  PetscReal      h = PETSC_MAX_REAL;

  PetscFunctionBegin;
  *d1 = *d2 = 0;
  for (PetscInt i = 0; i < n; i++)
    if (v[i] != 0) h = PetscMin(h, STEP * PetscMax(1, PetscAbsReal(z[i0 + i])) / PetscAbsReal(v[i]));
  PetscCall(PetscArraycpy(y, z, D));
  for (PetscInt k = 1; k <= SIDE; k++) {
    PetscReal plus = 0, minus = 0;

    for (PetscInt i = 0; i < n; i++) y[i0 + i] = z[i0 + i] + (PetscReal)k * h * v[i];
    PetscUseTypeMethod(pde, terminal, y, &plus);
    for (PetscInt i = 0; i < n; i++) y[i0 + i] = z[i0 + i] - (PetscReal)k * h * v[i];
    PetscUseTypeMethod(pde, terminal, y, &minus);
    *d1 += first[k - 1] * (plus - minus) / h;
    *d2 += second[k - 1] * ((plus - g0) + (minus - g0)) / (h * h);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S = sum_k w_k v_k v_k' of a form with a matrix: of constant ones kept, as eigenvectors are dear */
typedef struct {
  PetscInt   n;
  PetscReal *w, *V; /* [max(d,m)], [max(d,m)][d]; NULL: not yet */
} Directions;

PetscErrorCode TzPDEDifferencesReset(TzPDE pde)
{
  Directions *all = (Directions *)pde->directions;

  PetscFunctionBegin;
  for (PetscInt p = 0; all && p < pde->shape.nforms; p++) PetscCall(PetscFree2(all[p].w, all[p].V));
  PetscCall(PetscFree(pde->directions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S : Hess g of form p = sum_k w_k d^2 g / d v_k^2 */
static PetscErrorCode Form(TzPDE pde, const PetscReal z[], PetscInt p, const TzFormAt *S, PetscReal g0, PetscReal y[], PetscReal *form)
{
  const PetscInt  d = pde->d, most = PetscMax(d, S->m);
  const PetscBool known = (PetscBool)(pde->directions && ((Directions *)pde->directions)[p].V && !pde->shape.form[p].field);
  Directions     *to;
  PetscReal       d1, d2;

  PetscFunctionBegin;
  if (!pde->directions) {
    PetscCall(PetscCalloc1(pde->shape.nforms, &to));
    pde->directions = to;
  }
  to = (Directions *)pde->directions + p;
  if (!to->V) PetscCall(PetscMalloc2(most, &to->w, most * d, &to->V));
  if (!known) PetscCall(TzFormDirections(S, &to->n, to->w, to->V));
  *form = 0;
  for (PetscInt k = 0; k < to->n; k++) {
    PetscCall(Along(pde, z, 0, d, to->V + k * d, g0, y, &d1, &d2));
    *form += to->w[k] * d2;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The jet of ops->terminal at z */
PetscErrorCode TzPDETerminalJet(TzPDE pde, const PetscReal z[], TzJet *b)
{
  const TzJetShape *shape = &pde->shape;
  const PetscInt    d = pde->d, D = TzJetCoordinates(shape);
  const PetscReal   one = 1;
  PetscReal        *y, *diagonal, unused;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(D, &y, d, &diagonal));
  PetscUseTypeMethod(pde, terminal, z, &TzJetValue(b));
  for (PetscInt i = 0; i < d; i++) PetscCall(Along(pde, z, i, 1, &one, TzJetValue(b), y, &TzJetGrad(b)[i], &diagonal[i]));
  if (shape->time) PetscCall(Along(pde, z, d, 1, &one, TzJetValue(b), y, &TzJetTime(b), &unused));
  for (PetscInt p = 0; p < shape->nforms; p++) {
    TzFormAt S;

    PetscCall(TzFormEvaluate(&shape->form[p], d, z, pde->field, &S));
    if (S.S) PetscCall(Form(pde, z, p, &S, TzJetValue(b), y, &TzJetForm(b, p)));
    for (PetscInt i = 0; !S.S && i < d; i++) TzJetForm(b, p) += (S.w ? S.w[i] : 1) * diagonal[i];
  }
  PetscCall(PetscFree2(y, diagonal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dr [n]: of f at the jet u [J] in its first n slots */
PetscErrorCode TzPDESlotDerivatives(TzPDE pde, TzPDESlotFunction f, void *ctx, const PetscReal z[], const PetscReal u[], PetscInt n, PetscReal dr[])
{
  static const PetscReal weight[] = {3. / 4, -3. / 20, 1. / 60};
  const PetscInt         J        = TzJetSize(&pde->shape);
  PetscReal             *v, plus, minus;
  TzJet                  jet;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(J, &v));
  PetscCall(PetscArraycpy(v, u, J));
  jet = TzJetAt(&pde->shape, v);
  for (PetscInt c = 0; c < n; c++) {
    const PetscReal h = 0.002 * PetscMax(1, PetscAbsReal(u[c]));

    dr[c] = 0;
    for (PetscInt k = 1; k <= 3; k++) {
      v[c] = u[c] + (PetscReal)k * h;
      PetscCall((*f)(pde, ctx, z, &jet, &plus));
      v[c] = u[c] - (PetscReal)k * h;
      PetscCall((*f)(pde, ctx, z, &jet, &minus));
      dr[c] += weight[k - 1] * (plus - minus) / h;
    }
    v[c] = u[c];
  }
  PetscCall(PetscFree(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ResidualValue(TzPDE pde, PETSC_UNUSED void *ctx, const PetscReal z[], const TzJet *u, PetscReal *r)
{
  PetscFunctionBegin;
  PetscUseTypeMethod(pde, residualvalue, z, u, r);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dr [J]: of ops->residualvalue at the jet u [J] */
PetscErrorCode TzPDEResidualDerivative(TzPDE pde, const PetscReal z[], const PetscReal u[], PetscReal dr[])
{
  PetscFunctionBegin;
  PetscCall(TzPDESlotDerivatives(pde, ResidualValue, NULL, z, u, TzJetSize(&pde->shape), dr));
  PetscFunctionReturn(PETSC_SUCCESS);
}
