/*
  Format "ttm": tensor-train matrix (Oseledets 2011; the paper's eq. 7). Core k [R_k][M_k][N_k][R_k+1] with output mode
  M_k and input mode N_k, W(i, j) = G_1(i_1, j_1) .. G_n(i_n, j_n).
*/
#include <private/tznetimpl.h>

PETSC_INTERN PetscErrorCode TzTrainLayout(TzLayer *layer, PetscInt r, PetscInt ncores, const PetscInt size[]);
PETSC_INTERN PetscReal      TzTrainDeviation(const TzLayer *layer);

static PetscErrorCode Layout_TTM(TzNet net, TzLayer *layer, PetscInt r)
{
  PetscInt size[TZ_MAX_CORES];

  PetscFunctionBegin;
  (void)net;
  for (PetscInt k = 0; k < layer->nin; k++) size[k] = layer->mode_in[k] * layer->mode_out[k];
  PetscCall(TzTrainLayout(layer, r, layer->nin, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Multiplies the cores from the left: T [M][N][R_k] x core [R_k][m][n][R_k+1] -> [M m][N n][R_k+1] */
static PetscErrorCode Densify_TTM(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  PetscReal *buffer, *t, *u;
  PetscInt   M = 1, N = 1, size = 1;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < layer->ncores - 1; k++) {
    M *= layer->mode_out[k];
    N *= layer->mode_in[k];
    size = PetscMax(size, M * N * layer->rank[k + 1]);
  }
  M = N = 1;
  PetscCall(PetscMalloc1(2 * size, &buffer));
  t    = buffer;
  u    = buffer + size;
  t[0] = 1;
  for (PetscInt k = 0; k < layer->ncores; k++) {
    const PetscInt   r0 = layer->rank[k], r1 = layer->rank[k + 1], m = layer->mode_out[k], n = layer->mode_in[k];
    const PetscReal *G  = theta + layer->weights + layer->core[k];
    PetscReal       *to = k == layer->ncores - 1 ? W : u, *swap;

    for (PetscInt p = 0; p < M; p++)
      for (PetscInt i = 0; i < m; i++)
        for (PetscInt q = 0; q < N; q++)
          for (PetscInt j = 0; j < n; j++) {
            PetscReal *restrict c = to + (((p * m + i) * N + q) * n + j) * r1;
            for (PetscInt b = 0; b < r1; b++) c[b] = 0;
            for (PetscInt a = 0; a < r0; a++) {
              const PetscReal v = t[(p * N + q) * r0 + a], *restrict g = G + ((a * m + i) * n + j) * r1;
              for (PetscInt b = 0; b < r1; b++) c[b] += v * g[b];
            }
          }
    swap = t, t = u, u = swap;
    M *= m;
    N *= n;
  }
  PetscCall(PetscFree(buffer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t [M][R_k][n_k][rest] -> [M][m_k][R_k+1][rest] */
static PetscErrorCode Apply_TTM(const TzLayer *layer, const PetscReal theta[], const PetscReal x[], PetscReal work[], PetscReal y[])
{
  const PetscReal *t    = x;
  PetscInt         rest = layer->in, M = 1, half = TzLayerWorkSize(layer) / 2, turn = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < layer->ncores; k++) {
    const PetscInt   r0 = layer->rank[k], r1 = layer->rank[k + 1], m = layer->mode_out[k], n = layer->mode_in[k];
    const PetscReal *G  = theta + layer->weights + layer->core[k];
    PetscReal       *to = k == layer->ncores - 1 ? y : work + (turn ^= 1) * half;

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

const TzFormatOps TzFormat_TTM = {"ttm", "tensor-train matrix", Layout_TTM, TzTrainDeviation, Densify_TTM, NULL, Apply_TTM, PETSC_TRUE};
