/*
  The shape of jets, and second-order forms S : Hess u at a point.
*/
#include <tzjet.h>
#include <petscblaslapack.h>

static PetscInt shapes; /* made so far */

static PetscInt ConstantSize(const TzForm *form, PetscInt d)
{
  return form->type == TZ_FORM_DIAGONAL ? d : form->type == TZ_FORM_MATRIX ? d * d : 0;
}

PetscErrorCode TzJetShapeAddForm(TzJetShape *shape, const TzForm *form, PetscInt *p)
{
  const PetscInt d = shape->d, size = ConstantSize(form, d);
  TzForm        *copy;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < size; i++)
    PetscCheck(!PetscIsInfOrNanReal(form->S[i]), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "A second-order form: its entries must be finite");
  for (PetscInt i = 0; form->type == TZ_FORM_MATRIX && i < d; i++)
    for (PetscInt j = 0; j < i; j++) {
      const PetscReal a = form->S[i * d + j], b = form->S[j * d + i];

      PetscCheck(PetscAbsReal(a - b) <= 1e-12 * (PetscAbsReal(a) + PetscAbsReal(b)), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
                 "A second-order form: its matrix must be symmetric, but (%" PetscInt_FMT ",%" PetscInt_FMT ") is %g and %g", i + 1, j + 1, (double)a,
                 (double)b);
    }
  PetscCall(PetscMalloc1(shape->nforms + 1, &copy));
  PetscCall(PetscArraycpy(copy, shape->form, shape->nforms));
  copy[shape->nforms] = *form;
  if (size) {
    PetscCall(PetscMalloc1(size, &copy[shape->nforms].S));
    PetscCall(PetscArraycpy(copy[shape->nforms].S, form->S, size));
  }
  PetscCall(PetscFree(shape->form));
  shape->form = copy;
  shape->id   = ++shapes;
  if (p) *p = shape->nforms;
  shape->nforms++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzJetShapeReset(TzJetShape *shape)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < shape->nforms; p++) PetscCall(PetscFree(shape->form[p].S));
  PetscCall(PetscFree(shape->form));
  shape->nforms = 0;
  shape->id     = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzJetShapeCopy(const TzJetShape *from, TzJetShape *to)
{
  PetscFunctionBegin;
  PetscCall(TzJetShapeReset(to));
  to->d    = from->d;
  to->time = from->time;
  for (PetscInt p = 0; p < from->nforms; p++) PetscCall(TzJetShapeAddForm(to, &from->form[p], NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TzFormWorkSize(const TzForm *form, PetscInt d)
{
  return form->type == TZ_FORM_DIAGONALFIELD ? d : form->type == TZ_FORM_MATRIXFIELD ? d * (form->m ? form->m : d) : 0;
}

PetscInt TzJetFieldSize(const TzJetShape *shape)
{
  PetscInt size = 0;

  for (PetscInt p = 0; p < shape->nforms; p++) size += TzFormWorkSize(&shape->form[p], shape->d);
  return size;
}

PetscErrorCode TzJetFields(const TzJetShape *shape, PetscInt n, const PetscReal X[], PetscReal F[])
{
  const PetscInt size = TzJetFieldSize(shape);

  PetscFunctionBegin;
  if (!size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArrayzero(F, n * size));
  for (PetscInt i = 0; i < n; i++, X += TzJetCoordinates(shape))
    for (PetscInt p = 0; p < shape->nforms; p++) {
      const TzForm *form = &shape->form[p];

      if (!form->field) continue;
      PetscCall((*form->field)(form->ctx, X, F));
      F += TzFormWorkSize(form, shape->d);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void At(const TzForm *form, PetscInt d, const PetscReal data[], TzFormAt *S)
{
  const PetscBool diagonal = (PetscBool)(form->type == TZ_FORM_DIAGONAL || form->type == TZ_FORM_DIAGONALFIELD);

  *S = (TzFormAt){.d = d, .m = form->m, .w = diagonal ? data : NULL, .S = diagonal ? NULL : data};
}

PetscErrorCode TzFormEvaluate(const TzForm *form, PetscInt d, const PetscReal z[], PetscReal work[], TzFormAt *S)
{
  PetscFunctionBegin;
  if (form->field) {
    PetscCall(PetscArrayzero(work, TzFormWorkSize(form, d)));
    PetscCall((*form->field)(form->ctx, z, work));
  }
  At(form, d, form->field ? work : form->S, S);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzJetFormAt(const TzJetShape *shape, PetscInt p, const PetscReal F[], TzFormAt *S)
{
  for (PetscInt q = 0; q < p && F; q++) F += TzFormWorkSize(&shape->form[q], shape->d);
  At(&shape->form[p], shape->d, shape->form[p].field ? F : shape->form[p].S, S);
}

PetscReal TzFormEntry(const TzFormAt *S, PetscInt i, PetscInt j)
{
  PetscReal sum = 0;

  if (!S->S) return i != j ? 0 : S->w ? S->w[i] : 1;
  if (!S->m) return S->S[i * S->d + j];
  for (PetscInt k = 0; k < S->m; k++) sum += S->S[i * S->m + k] * S->S[j * S->m + k];
  return sum;
}

PetscReal TzFormTrace(const TzFormAt *S)
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < S->d; i++) sum += TzFormEntry(S, i, i);
  return sum;
}

void TzFormApply(const TzFormAt *S, const PetscReal v[], PetscReal Sv[])
{
  const PetscInt d = S->d, m = S->m;

  if (!S->S) {
    for (PetscInt i = 0; i < d; i++) Sv[i] = S->w ? S->w[i] * v[i] : v[i];
    return;
  }
  for (PetscInt i = 0; i < d; i++) Sv[i] = 0;
  for (PetscInt i = 0; !m && i < d; i++)
    for (PetscInt j = 0; j < d; j++) Sv[i] += S->S[i * d + j] * v[j];
  for (PetscInt k = 0; k < m; k++) {
    PetscReal dot = 0;

    for (PetscInt j = 0; j < d; j++) dot += S->S[j * m + k] * v[j];
    for (PetscInt i = 0; i < d; i++) Sv[i] += S->S[i * m + k] * dot;
  }
}

/* Eigenvalues w [d] and eigenvectors V [d][d] of S */
static PetscErrorCode Eigen(const TzFormAt *S, PetscReal w[], PetscReal V[])
{
  PetscBLASInt n, lwork, info;
  PetscReal   *work;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(S->d, &n));
  PetscCall(PetscBLASIntCast(34 * S->d, &lwork));
  PetscCall(PetscMalloc1(lwork, &work));
  PetscCall(PetscArraycpy(V, S->S, S->d * S->d));
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("V", "U", &n, V, &n, w, work, &lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK's syev: info %d", (int)info);
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFormDirections(const TzFormAt *S, PetscInt *n, PetscReal w[], PetscReal V[])
{
  const PetscInt d = S->d, m = S->m, all = m ? m : d;
  PetscReal      largest = 0;

  PetscFunctionBegin;
  if (S->S && !m) PetscCall(Eigen(S, w, V));
  for (PetscInt k = 0; k < all && (m || !S->S); k++) {
    PetscReal square = 0;

    if (!m) w[k] = S->w ? S->w[k] : 1;
    for (PetscInt i = 0; m && i < d; i++) square += S->S[i * m + k] * S->S[i * m + k];
    if (m) w[k] = square;
    for (PetscInt i = 0; i < d; i++) V[k * d + i] = !m ? (PetscReal)(i == k) : square > 0 ? S->S[i * m + k] / PetscSqrtReal(square) : 0;
  }
  for (PetscInt k = 0; k < all; k++) largest = PetscMax(largest, PetscAbsReal(w[k]));
  *n = 0;
  for (PetscInt k = 0; k < all; k++) {
    if (PetscAbsReal(w[k]) <= PETSC_MACHINE_EPSILON * largest) continue;
    w[*n] = w[k];
    if (*n < k) PetscCall(PetscArraycpy(V + *n * d, V + k * d, d));
    ++*n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
