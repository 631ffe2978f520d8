/*
  What a small change of a bond vector does to the network's output, for coordinate_bonds.c.

  A last hidden layer of sines is expanded around each row (series_last.c): with D_alpha its derivatives at the bond vector y, the changes of F, of its
  gradient and of its Hessian when y moves by d are the sums over |alpha| <= m of D_alpha d^alpha/alpha!, D_(alpha + e_j) d^alpha/alpha!,
  D_(alpha + e_j + e_l) d^alpha/alpha!. The order m of each row is that which the length of its d needs for the rounding unit, and no row
  depends on another. Other layers, and rows that the series does not reach, go through the layers.
*/
#include "coordinate_bonds.h"

PetscErrorCode TzReachDestroy(TzBondQueries *co)
{
  PetscFunctionBegin;
  PetscCall(TzSeriesLastDestroy(&co->series));
  PetscCall(PetscFree5(co->above, co->inverse, co->factorial, co->derivatives, co->limit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The term alpha + e_v of term alpha = t: a child, or the child of a child of the parent */
static PetscInt Above(const TzMultiIndex *x, const PetscInt *child, PetscInt t, PetscInt v)
{
  if (v >= x->variable[t]) return child[t] + v - x->variable[t];
  return Above(x, child, Above(x, child, x->parent[t], v), x->variable[t]);
}

PetscErrorCode TzReachCreate(TzNetEval eval, TzBondQueries *co)
{
  const TzMultiIndex *x;
  PetscReal           norm;
  PetscInt            r, n, to = 0, *child;

  PetscFunctionBegin;
  if (eval->net->series && eval->net->nhidden > 1) PetscCall(TzSeriesLastCreate(eval, eval->net->nhidden - 1, &co->series));
  if (!co->series) PetscFunctionReturn(PETSC_SUCCESS);
  TzSeriesLastGetMultiIndex(co->series, &co->multiindex, &norm);
  x = co->multiindex;
  r = x->r;
  n = x->first[x->most + 1];
  PetscCall(PetscMalloc5(n * (r + r * (r + 1) / 2), &co->above, n, &co->inverse, n, &co->factorial, n * TZ_PANEL, &co->derivatives, x->most + 1, &co->limit));
  for (PetscInt m = 1; m <= x->most; m++) { /* limit^(m+1)/(m+1)! = TZ_UNIT_DOUBLE, as in TzMultiIndexOrder() */
    PetscReal factorial = 1;

    for (PetscInt k = 2; k <= m + 1; k++) factorial *= k;
    co->limit[m] = PetscPowReal(TZ_UNIT_DOUBLE * factorial, 1 / (PetscReal)(m + 1));
  }
  PetscCall(PetscMalloc1(n, &child));
  for (PetscInt t = 0, next = 1; t < x->first[x->most]; t++) { /* in the order in which the terms were enumerated */
    child[t] = next;
    next += r - x->variable[t];
  }
  for (PetscInt t = 0; t < n; t++) {
    co->inverse[t]   = t ? 1 / (PetscReal)x->power[t] : 1;
    co->factorial[t] = t ? co->factorial[x->parent[t]] * x->power[t] : 1;
    for (PetscInt j = 0; j < r; j++) co->above[to++] = t < x->first[x->most] ? Above(x, child, t, j) : 0;
    for (PetscInt j = 0; j < r; j++)
      for (PetscInt l = j; l < r; l++) co->above[to++] = t < x->first[x->most - 1] ? Above(x, child, Above(x, child, t, j), l) : 0;
  }
  PetscCall(PetscFree(child));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The centres of the series: the rows of a new panel */
PetscErrorCode TzReachPrepare(TzPass *pass)
{
  TzBondQueries *co   = pass->co;
  const PetscInt last = pass->eval->net->nhidden - 1, r = pass->eval->layer[last].q;
  PetscReal      Y[TZ_SERIES_MAX_BOND * TZ_PANEL];

  PetscFunctionBegin;
  if (!co->series) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < r; k++) PetscCall(PetscArraycpy(Y + k * TZ_PANEL, co->S[last] + k * pass->ns * TZ_PANEL, TZ_PANEL));
  PetscCall(TzSeriesLastSetPoints(co->series, pass->eval, TZ_PANEL, Y));
  co->order = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The order of each row (0: not reached); *top the highest, *all whether every row is reached */
static void Orders(TzPass *pass, const PetscReal delta[], PetscReal order[], PetscInt *top, PetscBool *all)
{
  const PetscReal *limit = pass->co->limit;
  const PetscInt   r = pass->co->multiindex->r, most = pass->co->multiindex->most - (pass->c > 1 ? 2 : 0);
  PetscReal        norm[TZ_PANEL] = {0}, longest, highest = 0;

  TzSeriesLastGetMultiIndex(pass->co->series, &pass->co->multiindex, &longest);
  for (PetscInt k = 0; k < r; k++)
    for (PetscInt i = 0; i < TZ_PANEL; i++) norm[i] += delta[k * pass->c * TZ_PANEL + i] * delta[k * pass->c * TZ_PANEL + i];
  for (PetscInt i = 0; i < TZ_PANEL; i++) order[i] = 1;
  for (PetscInt m = 1; m <= most; m++) {
    const PetscReal square = (limit[m] / longest) * (limit[m] / longest);

    for (PetscInt i = 0; i < TZ_PANEL; i++) order[i] += norm[i] <= square ? 0 : 1;
  }
  *all = PETSC_TRUE;
  for (PetscInt i = 0; i < pass->m; i++) {
    if (order[i] > most) order[i] = 0, *all = PETSC_FALSE;
    highest = PetscMax(highest, order[i]);
  }
  *top = (PetscInt)highest;
}

/* Coefficients at the rows of this panel up to the order that is needed */
static PetscErrorCode Coefficients(TzPass *pass, PetscInt top, const PetscReal *coeff[])
{
  TzBondQueries *co = pass->co;
  const PetscInt m  = pass->c > 1 ? top + 2 : top;

  PetscFunctionBegin;
  PetscCall(TzSeriesLastGetCoefficients(co->series, pass->eval, 0, m, coeff));
  if (pass->c == 1) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt t = co->multiindex->first[co->order + 1]; t < co->multiindex->first[m + 1]; t++)
    for (PetscInt i = 0; i < TZ_PANEL; i++) co->derivatives[t * TZ_PANEL + i] = co->factorial[t] * (*coeff)[t * TZ_PANEL + i];
  co->order = PetscMax(co->order, m);
  *coeff    = co->derivatives;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The moved state through layers l, l + 1, ..., less the output's state */
static PetscErrorCode LayersJets(TzPass *pass, PetscInt l, const PetscReal delta[], PetscReal f[])
{
  TzNetEval      eval = pass->eval;
  TzBondQueries *co   = pass->co;
  const PetscInt H = eval->net->nhidden, r1 = pass->c - 2, size = TzJetsStateSize(eval), nforms = pass->shape->nforms ? 1 : 0;
  TzJetState     state[2];

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) state[i] = TzJetsState(eval, co->jets + i * size);
  for (PetscInt j = 0; j < eval->layer[l].q; j++)
    for (PetscInt ch = 0; ch < pass->c - 1 + nforms; ch++) {
      PetscReal       *to = !ch               ? state[l % 2].y + j * TZ_PANEL
                          : ch == pass->c - 1 ? state[l % 2].form + j * TZ_PANEL
                                              : state[l % 2].G + (j * r1 + ch - 1) * TZ_PANEL;
      const PetscReal *s = co->S[l] + (j * pass->ns + ch) * TZ_PANEL, *d = delta + (j * pass->c + ch) * TZ_PANEL;

      for (PetscInt i = 0; i < TZ_PANEL; i++) to[i] = s[i] + d[i];
    }
  for (; l < H; l++) {
    const TzJetTrace w = TzJetsTrace(eval, l, co->jets + 2 * size);

    PetscCall(TzJetsLayer(eval, pass->m, l, pass->form, nforms, &state[l % 2], &state[(l + 1) % 2], &w));
  }
  PetscCall(PetscArrayzero(f + (pass->c - 1) * TZ_PANEL, TZ_PANEL));
  for (PetscInt ch = 0; ch < pass->c - 1 + nforms; ch++) {
    const PetscReal *from = !ch ? state[H % 2].y : ch == pass->c - 1 ? state[H % 2].form : state[H % 2].G + (ch - 1) * TZ_PANEL;

    for (PetscInt i = 0; i < pass->m; i++) f[ch * TZ_PANEL + i] = from[i] - co->S[H][ch * TZ_PANEL + i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LayersValues(TzPass *pass, PetscInt l, const PetscReal delta[], PetscReal f[])
{
  TzNetEval       eval = pass->eval;
  TzBondQueries  *co   = pass->co;
  const PetscReal bias = eval->theta[eval->net->layer[eval->net->nhidden].bias];
  PetscReal       Y[TZ_MAX_BOND * TZ_PANEL];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < eval->layer[l].q * TZ_PANEL; i++) Y[i] = co->S[l][i] + delta[i];
  PetscCall(TzEvalTail(eval, l, 1, Y, f));
  for (PetscInt i = 0; i < pass->m; i++) f[i] = (f[i] - bias) - co->S[eval->net->nhidden][i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzReach(TzPass *pass, PetscInt l, const PetscReal delta[], PetscReal f[])
{
  TzNetEval      eval = pass->eval;
  TzBondQueries *co   = pass->co;
  PetscBool      all  = PETSC_FALSE;
  PetscReal      order[TZ_PANEL], near[(TZ_MAX_BOND + 2) * TZ_PANEL];
  TzExpansion    x = {.above = co->above, .inverse = co->inverse};

  PetscFunctionBegin;
  if (co->series && l == eval->net->nhidden - 1) {
    x.first    = co->multiindex->first;
    x.variable = co->multiindex->variable;
    Orders(pass, delta, order, &x.top, &all);
  }
  if (x.top) {
    PetscCall(Coefficients(pass, x.top, &x.coeff));
    (*eval->kernels->expansion)(pass->m, co->multiindex->r, pass->c, &x, order, co->M, co->S[l], delta, all ? f : near);
  }
  if (all) PetscFunctionReturn(PETSC_SUCCESS);
  if (pass->c > 1) PetscCall(LayersJets(pass, l, delta, f));
  else PetscCall(LayersValues(pass, l, delta, f));
  for (PetscInt ch = 0; x.top && ch < pass->c; ch++)
    for (PetscInt i = 0; i < pass->m; i++)
      if (order[i] > 0) f[ch * TZ_PANEL + i] = near[ch * TZ_PANEL + i];
  PetscFunctionReturn(PETSC_SUCCESS);
}
