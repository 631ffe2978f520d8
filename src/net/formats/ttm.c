/*
  Format "ttm": tensor-train matrix (Oseledets 2011; the paper's eq. 7). Core k [R_k][M_k][N_k][R_k+1] with output mode
  M_k and input mode N_k, W(i, j) = G_1(i_1, j_1) .. G_n(i_n, j_n).
*/
#include "formats.h"

static PetscErrorCode Layout_TTM(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  TzTrainLayer *t;

  PetscFunctionBegin;
  PetscCall(TzModesCreate(net, l, layer, PETSC_TRUE));
  t = (TzTrainLayer *)layer->data;
  PetscCall(TzTrainLayout(net, l, layer, r, t->nin, t->mode_out, t->mode_in));
  PetscCall(TzTrainCheck(net, l, layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt WorkSize_TTM(const TzLayer *layer)
{
  const TzTrain *train = TzLayerGetTrain(layer);
  PetscInt       size = PetscMax(layer->in, layer->out), done = 1, left = layer->in;

  for (PetscInt k = 0; k < train->ncores; k++) {
    done *= train->core[k].m;
    left /= train->core[k].n;
    size = PetscMax(size, done * left);
  }
  return 2 * size * ((const TzTrainLayer *)layer->data)->r;
}

/* t [M][R_k][n_k][rest] -> [M][m_k][R_k+1][rest] */
static PetscErrorCode Apply_TTM(const TzLayer *layer, const PetscReal theta[], const PetscReal x[], PetscReal work[], PetscReal y[])
{
  const TzTrain   *train = TzLayerGetTrain(layer);
  const PetscReal *t     = x;
  PetscInt         rest = layer->in, M = 1, half = WorkSize_TTM(layer) / 2, turn = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->ncores; k++) {
    const TzCore     core = train->core[k];
    const PetscInt   r0 = core.r0, r1 = core.r1, m = core.m, n = core.n;
    const PetscReal *G  = theta + core.offset;
    PetscReal       *to = k == train->ncores - 1 ? y : work + (turn ^= 1) * half;

    rest /= n;
    for (PetscInt i = 0; i < M * m * r1 * rest; i++) to[i] = 0;
    for (PetscInt p = 0; p < M; p++)
      for (PetscInt a = 0; a < r0; a++)
        for (PetscInt i = 0; i < m; i++)
          for (PetscInt j = 0; j < n; j++)
            for (PetscInt b = 0; b < r1; b++) {
              const PetscReal g = G[((a * m + i) * n + j) * r1 + b], *restrict s = t + ((p * r0 + a) * n + j) * rest;
              PetscReal *restrict c = to + ((p * m + i) * r1 + b) * rest;
              for (PetscInt l = 0; l < rest; l++) c[l] += g * s[l];
            }
    t = to;
    M *= m;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzFormatOps TzFormat_TTM = {.what      = "tensor-train matrix",
                                  .layout    = Layout_TTM,
                                  .destroy   = TzModesDestroy,
                                  .view      = TzModesView,
                                  .describe  = TzModesDescribe,
                                  .deviation = TzTrainDeviation,
                                  .densify   = TzTrainDensify,
                                  .gradient  = TzTrainGradient,
                                  .op        = &TzOperator_Train,
                                  .lookup    = &TzOperator_TrainLookup,
                                  .cost      = TzTrainCost,
                                  .cut       = TzTrainCut,
                                  .apply     = Apply_TTM,
                                  .worksize  = WorkSize_TTM};
