/*
  The adjoint of the evaluation on a symmetric stencil, from d(loss)/d(even, odd, f0): the bar of the network's value is
  evenbar_j +- oddbar_j at the nodes x +- s z_j and f0bar - 2 sum_j evenbar_j at x.

  Through bonds a node is y_0 = A^T x +- s A^T z_j: panels of pairs around one point go through TzJetAdjointPanel(), and what comes back
  to y_0 is summed over the pairs for x, over the points for z_j. Otherwise every node is a row of TzNetEvalBackward_Fast().
*/
#include "../jet/jet.h"

typedef struct {
  TzNetEval      eval;
  TzJetAdjoint   a;
  const TzPairs *pairs;
  PetscReal      s;
  PetscInt       j0, j1;
  PetscReal     *d;    /* [pairs][r_1]: s A^T z_j */
  PetscReal     *dbar; /* [pairs][r_1]: bars of A^T z_j, without s */
} Stencil;

/* Nodes x + sign s z_j, j first..first+m-1, of the point y_0 = x A; bars fbar [PANEL], 0 from m on; xbar [r_1] += */
static PetscErrorCode Panel(Stencil *st, const PetscReal y0[], PetscInt first, PetscInt m, PetscReal sign, const PetscReal fbar[], PetscReal xbar[])
{
  const PetscInt   r1 = st->eval->layer[0].q;
  PetscReal       *y  = TzJetAdjointInput(st->a);
  const PetscReal *ybar;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < r1; k++)
    for (PetscInt j = 0; j < TZ_PANEL; j++) y[k * TZ_PANEL + j] = y0[k] + (j < m ? sign * st->d[(first + j) * r1 + k] : 0);
  PetscCall(TzJetAdjointPanel(st->a, fbar, NULL, NULL, NULL, &ybar));
  for (PetscInt k = 0; k < r1; k++)
    for (PetscInt j = 0; j < m; j++) {
      xbar[k] += ybar[k * TZ_PANEL + j];
      st->dbar[(first + j) * r1 + k] += sign * ybar[k * TZ_PANEL + j];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One point against all pairs of the block; the centre is a last panel of its own */
static PetscErrorCode Point(Stencil *st, const PetscReal x[], PetscReal f0bar, const PetscReal evenbar[], const PetscReal oddbar[], PetscReal *bias)
{
  const PetscInt   r1 = st->eval->layer[0].q, in = st->eval->net->in, np = st->j1 - st->j0;
  const PetscReal *A               = st->eval->layer[0].left;
  PetscReal        y0[TZ_MAX_BOND] = {0}, xbar[TZ_MAX_BOND] = {0}, fbar[TZ_PANEL] = {0}, *Abar = TzJetAdjointLeft(st->a);

  PetscFunctionBegin;
  for (PetscInt i = 0; i < in; i++)
    for (PetscInt k = 0; k < r1; k++) y0[k] += x[i] * A[i * r1 + k];
  *bias += f0bar; /* the value's; in even and odd the bias cancels */
  for (PetscInt j = 0; j < np; j += TZ_PANEL) {
    const PetscInt m = PetscMin(TZ_PANEL, np - j);

    for (int sign = 1; sign >= -1; sign -= 2) {
      for (PetscInt i = 0; i < TZ_PANEL; i++) fbar[i] = i < m ? evenbar[j + i] + sign * oddbar[j + i] : 0;
      PetscCall(Panel(st, y0, j, m, sign, fbar, xbar));
    }
    for (PetscInt i = 0; i < m; i++) f0bar -= 2 * evenbar[j + i];
  }
  for (PetscInt i = 0; i < TZ_PANEL; i++) fbar[i] = i ? 0 : f0bar;
  PetscCall(Panel(st, y0, 0, 1, 0, fbar, xbar));
  for (PetscInt i = 0; i < in; i++)
    for (PetscInt k = 0; k < r1; k++) Abar[i * r1 + k] += x[i] * xbar[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Backward_Bonds(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1,
                                     const PetscReal f0bar[], const PetscReal evenbar[], const PetscReal oddbar[], PetscReal grad[])
{
  const PetscInt   r1 = eval->layer[0].q, np = j1 - j0, in = eval->net->in;
  const PetscReal *A  = eval->layer[0].left;
  Stencil          st = {.eval = eval, .pairs = pairs, .s = s, .j0 = j0, .j1 = j1};
  PetscReal       *Abar, *bias = grad + eval->net->layer[eval->net->nhidden].bias;

  PetscFunctionBegin;
  PetscCall(TzJetAdjointBegin(eval, NULL, &st.a));
  PetscCall(PetscCalloc2(PetscMax(np, 1) * r1, &st.d, PetscMax(np, 1) * r1, &st.dbar));
  for (PetscInt j = 0; j < np; j++)
    for (PetscInt l = pairs->ptr[j0 + j]; l < pairs->ptr[j0 + j + 1]; l++)
      for (PetscInt k = 0; k < r1; k++) st.d[j * r1 + k] += s * pairs->val[l] * A[pairs->idx[l] * r1 + k];
  for (PetscInt p = 0; p < n; p++) PetscCall(Point(&st, X + p * in, f0bar[p], evenbar + p * np, oddbar + p * np, bias));
  Abar = TzJetAdjointLeft(st.a);
  for (PetscInt j = 0; j < np; j++)
    for (PetscInt l = pairs->ptr[j0 + j]; l < pairs->ptr[j0 + j + 1]; l++)
      for (PetscInt k = 0; k < r1; k++) Abar[pairs->idx[l] * r1 + k] += s * pairs->val[l] * st.dbar[j * r1 + k];
  PetscCall(PetscFree2(st.d, st.dbar));
  PetscCall(TzJetAdjointEnd(&st.a, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Backward_Rows(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1,
                                    const PetscReal f0bar[], const PetscReal evenbar[], const PetscReal oddbar[], PetscReal grad[])
{
  const PetscInt in = eval->net->in, np = j1 - j0, rows = 2 * np + 1;
  PetscReal     *Z, *bar;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)rows * in, &Z, rows, &bar));
  for (PetscInt p = 0; p < n; p++) {
    const PetscReal *even = evenbar + p * np, *odd = oddbar + p * np;

    for (PetscInt row = 0; row < rows; row++) PetscCall(PetscArraycpy(Z + row * in, X + p * in, in));
    bar[2 * np] = f0bar[p];
    for (PetscInt j = 0; j < np; j++) {
      for (PetscInt l = pairs->ptr[j0 + j]; l < pairs->ptr[j0 + j + 1]; l++) {
        Z[2 * j * in + pairs->idx[l]] += s * pairs->val[l];
        Z[(2 * j + 1) * in + pairs->idx[l]] -= s * pairs->val[l];
      }
      bar[2 * j]     = even[j] + odd[j];
      bar[2 * j + 1] = even[j] - odd[j];
      bar[2 * np] -= 2 * even[j];
    }
    PetscCall(TzNetEvalBackward_Fast(eval, rows, Z, bar, grad));
  }
  PetscCall(PetscFree2(Z, bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalStencilBackward_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1,
                                             const PetscReal f0bar[], const PetscReal evenbar[], const PetscReal oddbar[], PetscReal grad[])
{
  PetscFunctionBegin;
  if (TzJetsThroughBonds(eval)) PetscCall(Backward_Bonds(eval, n, X, pairs, s, j0, j1, f0bar, evenbar, oddbar, grad));
  else PetscCall(Backward_Rows(eval, n, X, pairs, s, j0, j1, f0bar, evenbar, oddbar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}
