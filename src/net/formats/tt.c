/*
  Format "tt": the matrix folded into one plain tensor train over input modes, then output modes (Oseledets 2011).
  Core k [R_k][n_k][R_k+1], W(j, i) = G_1(i_1) .. G_p(i_p) G_p+1(j_1) .. G_p+q(j_q). The middle bond gives
  W = right^T left^T with left [in][r], right [r][out].
*/
#include "formats.h"

static PetscErrorCode Layout_TT(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  PetscInt      m[TZ_MAX_CORES], n[TZ_MAX_CORES];
  TzTrainLayer *t;

  PetscFunctionBegin;
  PetscCall(TzModesCreate(net, l, layer, PETSC_FALSE));
  t = (TzTrainLayer *)layer->data;
  for (PetscInt k = 0; k < t->nin + t->nout; k++) {
    n[k] = k < t->nin ? t->mode_in[k] : 1;
    m[k] = k < t->nin ? 1 : t->mode_out[k - t->nin];
  }
  PetscCall(TzTrainLayout(net, l, layer, r, t->nin + t->nout, m, n));
  t->train.bond = t->nin;
  layer->bond   = t->rank[t->nin];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C [m][n] = A [m][k] B [k][n] for Apply_TT(): the reference evaluation, against which the kernels are tested, uses none of them */
static void Multiply(PetscInt m, PetscInt n, PetscInt k, const PetscReal *A, const PetscReal *B, PetscReal *restrict C)
{
  for (PetscInt i = 0; i < m; i++) {
    PetscReal *restrict c = C + i * n;
    for (PetscInt j = 0; j < n; j++) c[j] = 0;
    for (PetscInt l = 0; l < k; l++) {
      const PetscReal a = A[i * k + l], *restrict b = B + l * n;
      for (PetscInt j = 0; j < n; j++) c[j] += a * b[j];
    }
  }
}

/* two of the largest intermediate tensors */
static PetscInt WorkSize_TT(const TzLayer *layer)
{
  return 2 * PetscMax(layer->in, layer->out) * ((const TzTrainLayer *)layer->data)->r;
}

/* Contracts the input modes from the first on: t [R_k][n_k][rest] -> [R_k+1][rest], then grows the output modes. */
static PetscErrorCode Apply_TT(const TzLayer *layer, const PetscReal theta[], const PetscReal x[], PetscReal work[], PetscReal y[])
{
  const TzTrain   *train = TzLayerGetTrain(layer);
  const PetscReal *t     = x;
  PetscInt         rest = layer->in, done = 1, half = WorkSize_TT(layer) / 2, turn = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->ncores; k++) {
    const TzCore     c  = train->core[k];
    const PetscReal *G  = theta + c.offset;
    PetscReal       *to = k == train->ncores - 1 ? y : work + (turn ^= 1) * half;

    if (k < train->bond) {
      rest /= c.n;
      for (PetscInt i = 0; i < c.r1 * rest; i++) to[i] = 0;
      for (PetscInt a = 0; a < c.r0 * c.n; a++)
        for (PetscInt b = 0; b < c.r1; b++)
          for (PetscInt i = 0; i < rest; i++) to[b * rest + i] += G[a * c.r1 + b] * t[a * rest + i];
    } else { /* t [done][r0] x G [r0][mode r1] */
      Multiply(done, c.m * c.r1, c.r0, t, G, to);
      done *= c.m;
    }
    t = to;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzFormatOps TzFormat_TT = {.what         = "tensor train over input modes, then output modes",
                                 .layout       = Layout_TT,
                                 .destroy      = TzModesDestroy,
                                 .view         = TzModesView,
                                 .describe     = TzModesDescribe,
                                 .deviation    = TzTrainDeviation,
                                 .densify      = TzTrainDensify,
                                 .gradient     = TzTrainGradient,
                                 .bond         = TzTrainBond,
                                 .bondgradient = TzTrainBondGradient,
                                 .op           = &TzOperator_Train,
                                 .lookup       = &TzOperator_TrainLookup,
                                 .cost         = TzTrainCost,
                                 .cut          = TzTrainCut,
                                 .apply        = Apply_TT,
                                 .worksize     = WorkSize_TT,
                                 .lastdense    = PETSC_TRUE};
