/*
  Second-order forms at the points of one panel: see formpanel.h.
*/
#include "formpanel.h"

#define LANE for (PetscInt i = 0; i < TZ_PANEL; i++)

void TzFormPanelFill(const TzJetShape *shape, PetscInt m, const PetscReal F[], PetscReal lanes[])
{
  const PetscInt size = TzJetFieldSize(shape);

  for (PetscInt k = 0; k < size; k++) LANE lanes[k * TZ_PANEL + i] = i < m ? F[i * size + k] : 0;
}

void TzFormPanelGet(const TzJetShape *shape, PetscInt p, const PetscReal lanes[], TzFormPanel *form)
{
  const TzFormType type = shape->form[p].type;

  *form = (TzFormPanel){.S = {.d = shape->d, .m = shape->form[p].m}, .diagonal = (PetscBool)(type == TZ_FORM_DIAGONAL || type == TZ_FORM_DIAGONALFIELD)};
  if (!shape->form[p].field) {
    TzJetFormAt(shape, p, NULL, &form->S);
    return;
  }
  for (PetscInt q = 0; q < p; q++) lanes += TzFormWorkSize(&shape->form[q], shape->d) * TZ_PANEL;
  form->lanes = lanes;
}

/* ------------------------------------------------------ constant forms ------------------------------------------------------ */

/* t [r] = row h of S A */
static void Row(const TzFormAt *S, PetscInt h, PetscInt r, const PetscReal A[], PetscReal t[])
{
  if (!S->S) {
    for (PetscInt k = 0; k < r; k++) t[k] = S->w ? S->w[h] * A[h * r + k] : A[h * r + k];
    return;
  }
  for (PetscInt k = 0; k < r; k++) t[k] = 0;
  for (PetscInt j = 0; j < S->d; j++)
    for (PetscInt k = 0; k < r; k++) t[k] += S->S[h * S->d + j] * A[j * r + k];
}

static void ConstantMetric(const TzFormAt *S, PetscInt r, const PetscReal A[], PetscReal M[])
{
  PetscReal t[TZ_MAX_BOND];

  for (PetscInt kl = 0; kl < r * r; kl++) M[kl] = 0;
  for (PetscInt h = 0; h < S->d; h++) {
    Row(S, h, r, A, t);
    for (PetscInt k = 0; k < r; k++)
      for (PetscInt l = 0; l < r; l++) M[k * r + l] += A[h * r + k] * t[l];
  }
}

static void ConstantMetricAdjoint(const TzFormAt *S, PetscInt r, const PetscReal A[], const PetscReal Mbar[], PetscReal Abar[])
{
  PetscReal t[TZ_MAX_BOND];

  for (PetscInt h = 0; h < S->d; h++) {
    Row(S, h, r, A, t);
    for (PetscInt k = 0; k < r; k++)
      for (PetscInt m = 0; m < r; m++) Abar[h * r + k] += (Mbar[k * r + m] + Mbar[m * r + k]) * t[m];
  }
}

static void ConstantQuadratic(const TzFormAt *S, PetscInt size, const PetscReal Z[], PetscReal v[], PetscReal Q[])
{
  const PetscInt d = S->d;

  for (PetscInt h = 0; h < d; h++) {
    const PetscReal *restrict z = Z + h * size;

    if (!S->S && !S->w) {
      for (PetscInt x = 0; x < size; x++) Q[x] += z[x] * z[x];
    } else if (!S->S) {
      for (PetscInt x = 0; S->w[h] != 0 && x < size; x++) Q[x] += S->w[h] * z[x] * z[x];
    } else {
      for (PetscInt x = 0; x < size; x++) v[x] = S->S[h * d + h] * z[x];
      for (PetscInt j = h + 1; j < d; j++)
        for (PetscInt x = 0; S->S[h * d + j] != 0 && x < size; x++) v[x] += 2 * S->S[h * d + j] * Z[j * size + x];
      for (PetscInt x = 0; x < size; x++) Q[x] += z[x] * v[x];
    }
  }
}

/* ----------------------------------------------------------- fields ----------------------------------------------------------- */

/*
  What a field is made of: column c of a factor [d][m] gives sigma_c' A; row c of a matrix gives S_c A, of a diagonal w_c A_c. t [r][PANEL]
*/
static PetscInt Parts(const TzFormPanel *form)
{
  return form->S.m ? form->S.m : form->S.d;
}

static void Part(const TzFormPanel *form, PetscInt c, PetscInt r, const PetscReal A[], PetscReal t[])
{
  const PetscInt d = form->S.d, m = form->S.m, j0 = form->diagonal ? c : 0, j1 = form->diagonal ? c + 1 : d;

  for (PetscInt x = 0; x < r * TZ_PANEL; x++) t[x] = 0;
  for (PetscInt j = j0; j < j1; j++) {
    const PetscReal *restrict s = form->lanes + (form->diagonal ? c : m ? j * m + c : c * d + j) * TZ_PANEL;

    for (PetscInt k = 0; k < r; k++) LANE t[k * TZ_PANEL + i] += s[i] * A[j * r + k];
  }
}

static void FieldMetric(const TzFormPanel *form, PetscInt r, const PetscReal A[], PetscReal M[])
{
  PetscReal t[TZ_MAX_BOND * TZ_PANEL];

  for (PetscInt x = 0; x < r * r * TZ_PANEL; x++) M[x] = 0;
  for (PetscInt c = 0; c < Parts(form); c++) {
    Part(form, c, r, A, t);
    for (PetscInt k = 0; k < r; k++)
      for (PetscInt l = 0; l < r; l++) {
        PetscReal *restrict to = M + (k * r + l) * TZ_PANEL;

        if (form->S.m) LANE to[i] += t[k * TZ_PANEL + i] * t[l * TZ_PANEL + i];
        else LANE to[i] += A[c * r + k] * t[l * TZ_PANEL + i];
      }
  }
}

static void FieldMetricAdjoint(const TzFormPanel *form, PetscInt r, const PetscReal A[], const PetscReal Mbar[], PetscReal Abar[])
{
  const PetscInt d = form->S.d, m = form->S.m;
  PetscReal      t[TZ_MAX_BOND * TZ_PANEL], v[TZ_PANEL];

  for (PetscInt c = 0; c < Parts(form); c++) {
    Part(form, c, r, A, t);
    for (PetscInt k = 0; k < r; k++) {
      LANE v[i] = 0;
      for (PetscInt l = 0; l < r; l++) LANE v[i] += (Mbar[(k * r + l) * TZ_PANEL + i] + Mbar[(l * r + k) * TZ_PANEL + i]) * t[l * TZ_PANEL + i];
      if (!m) LANE Abar[c * r + k] += v[i];
      for (PetscInt j = 0; m && j < d; j++) LANE Abar[j * r + k] += form->lanes[(j * m + c) * TZ_PANEL + i] * v[i];
    }
  }
}

/* v (+)= s z on n units, s [PANEL] */
static void Weighted(PetscBool add, PetscInt n, PetscReal factor, const PetscReal *restrict s, const PetscReal *restrict z, PetscReal *restrict v)
{
  for (PetscInt h = 0; h < n; h++) LANE v[h * TZ_PANEL + i] = factor * s[i] * z[h * TZ_PANEL + i] + (add ? v[h * TZ_PANEL + i] : 0);
}

static void FieldQuadratic(const TzFormPanel *form, PetscInt n, const PetscReal Z[], PetscReal v[], PetscReal Q[])
{
  const PetscInt d = form->S.d, m = form->S.m, size = n * TZ_PANEL;

  for (PetscInt c = 0; c < Parts(form); c++) {
    if (m) {
      for (PetscInt j = 0; j < d; j++) Weighted((PetscBool)(j > 0), n, 1, form->lanes + (j * m + c) * TZ_PANEL, Z + j * size, v);
      for (PetscInt x = 0; x < size; x++) Q[x] += v[x] * v[x];
      continue;
    }
    Weighted(PETSC_FALSE, n, 1, form->lanes + (form->diagonal ? c : c * d + c) * TZ_PANEL, Z + c * size, v);
    for (PetscInt j = c + 1; !form->diagonal && j < d; j++) Weighted(PETSC_TRUE, n, 2, form->lanes + (c * d + j) * TZ_PANEL, Z + j * size, v);
    for (PetscInt x = 0; x < size; x++) Q[x] += Z[c * size + x] * v[x];
  }
}

/* ------------------------------------------------------------------------------------------------------------------------------ */

void TzFormPanelMetric(const TzFormPanel *form, PetscInt r, const PetscReal A[], PetscReal M[])
{
  if (form->lanes) FieldMetric(form, r, A, M);
  else ConstantMetric(&form->S, r, A, M);
}

void TzFormPanelMetricAdjoint(const TzFormPanel *form, PetscInt r, const PetscReal A[], const PetscReal Mbar[], PetscReal Abar[])
{
  if (form->lanes) FieldMetricAdjoint(form, r, A, Mbar, Abar);
  else ConstantMetricAdjoint(&form->S, r, A, Mbar, Abar);
}

void TzFormPanelQuadratic(const TzFormPanel *form, PetscInt n, const PetscReal Z[], PetscReal v[], PetscReal Q[])
{
  for (PetscInt x = 0; x < n * TZ_PANEL; x++) Q[x] = 0;
  if (form->lanes) FieldQuadratic(form, n, Z, v, Q);
  else ConstantQuadratic(&form->S, n * TZ_PANEL, Z, v, Q);
}
