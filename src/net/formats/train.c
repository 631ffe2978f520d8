/*
  Trains multiplied out, and the adjoint of that. With T_k [rows][N][r_k] the product of the cores before k,
    T_{k+1}[(I,i)][(J,j)][b] = sum_a T_k[I][J][a] G_k[a][i][j][b].
*/
#include <private/tznetimpl.h>

TzCore TzLayerGetCore(const TzLayer *layer, PetscInt k)
{
  const PetscBool matrix = layer->ncores == layer->nin ? PETSC_TRUE : PETSC_FALSE; /* ttm: pairs of modes; tt: input modes, then output modes */
  TzCore          c      = {layer->rank[k], 1, 1, layer->rank[k + 1], layer->weights + layer->core[k]};

  if (matrix || k < layer->nin) c.n = layer->mode_in[k];
  if (matrix || k >= layer->nin) c.m = layer->mode_out[matrix ? k : k - layer->nin];
  return c;
}

/* One step of the recurrence; rows counts the (c, I) of T, N its (J) */
static void Step(TzCore c, PetscInt rows, PetscInt N, const PetscReal *restrict T, const PetscReal *restrict G, PetscReal *restrict out)
{
  const PetscInt width = c.n * c.r1;

  for (PetscInt row = 0; row < rows; row++)
    for (PetscInt i = 0; i < c.m; i++)
      for (PetscInt J = 0; J < N; J++) {
        PetscReal       *to = out + ((row * c.m + i) * N + J) * width;
        const PetscReal *t  = T + (row * N + J) * c.r0;

        for (PetscInt x = 0; x < width; x++) to[x] = 0;
        for (PetscInt a = 0; a < c.r0; a++) {
          const PetscReal *g = G + (a * c.m + i) * width;

          for (PetscInt x = 0; x < width; x++) to[x] += t[a] * g[x];
        }
      }
}

/* Adjoint of Step: Gbar += , Tbar = (overwritten) */
static void StepAdjoint(TzCore c, PetscInt rows, PetscInt N, const PetscReal *restrict T, const PetscReal *restrict G, const PetscReal *restrict outbar,
                        PetscReal *restrict Tbar, PetscReal *restrict Gbar)
{
  const PetscInt width = c.n * c.r1;

  for (PetscInt x = 0; x < rows * N * c.r0; x++) Tbar[x] = 0;
  for (PetscInt row = 0; row < rows; row++)
    for (PetscInt i = 0; i < c.m; i++)
      for (PetscInt J = 0; J < N; J++) {
        const PetscReal *from = outbar + ((row * c.m + i) * N + J) * width, *t = T + (row * N + J) * c.r0;

        for (PetscInt a = 0; a < c.r0; a++) {
          const PetscReal *g    = G + (a * c.m + i) * width;
          PetscReal       *gbar = Gbar + (a * c.m + i) * width, sum = 0;

          for (PetscInt x = 0; x < width; x++) sum += g[x] * from[x];
          for (PetscInt x = 0; x < width; x++) gbar[x] += t[a] * from[x];
          Tbar[(row * N + J) * c.r0 + a] += sum;
        }
      }
}

/*
  All intermediate T_k, k0 <= k < k1, in one block of memory at T[k - k0] (T[0] the unit matrix of the first bond);
  rows and N, if not NULL, receive their sizes. T[k1 - k0] is the caller's.
*/
static PetscErrorCode Chain(const TzLayer *layer, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal **memory, PetscReal *T[], PetscInt rows[],
                            PetscInt N[])
{
  const PetscInt c0   = layer->rank[k0];
  PetscInt       size = 0;

  PetscFunctionBegin;
  rows[0] = c0;
  N[0]    = 1;
  for (PetscInt k = k0; k < k1; k++) {
    const TzCore c = TzLayerGetCore(layer, k);

    rows[k + 1 - k0] = rows[k - k0] * c.m;
    N[k + 1 - k0]    = N[k - k0] * c.n;
    size += rows[k - k0] * N[k - k0] * c.r0;
  }
  PetscCall(PetscMalloc1(size, memory));
  T[0] = *memory;
  for (PetscInt k = k0; k + 1 < k1; k++) T[k + 1 - k0] = T[k - k0] + rows[k - k0] * N[k - k0] * layer->rank[k];
  for (PetscInt x = 0; x < c0 * c0; x++) T[0][x] = x % (c0 + 1) ? 0 : 1;
  for (PetscInt k = k0; k < k1; k++) {
    const TzCore c = TzLayerGetCore(layer, k);

    if (T[k + 1 - k0]) Step(c, rows[k - k0], N[k - k0], T[k - k0], theta + c.offset, T[k + 1 - k0]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLayerMerge(const TzLayer *layer, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal out[])
{
  PetscReal *memory, *T[TZ_MAX_CORES + 1];
  PetscInt   rows[TZ_MAX_CORES + 1], N[TZ_MAX_CORES + 1];

  PetscFunctionBegin;
  T[k1 - k0] = out;
  PetscCall(Chain(layer, theta, k0, k1, &memory, T, rows, N));
  PetscCall(PetscFree(memory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLayerMergeAdjoint(const TzLayer *layer, const PetscReal theta[], PetscInt k0, PetscInt k1, const PetscReal Tbar[], PetscReal grad[])
{
  PetscReal       *memory, *T[TZ_MAX_CORES + 1], *bar, *next;
  const PetscReal *from = Tbar;
  PetscInt         rows[TZ_MAX_CORES + 1], N[TZ_MAX_CORES + 1], size = 0;

  PetscFunctionBegin;
  T[k1 - k0] = NULL;
  PetscCall(Chain(layer, theta, k0, k1, &memory, T, rows, N));
  for (PetscInt k = k0; k < k1; k++) size = PetscMax(size, rows[k - k0] * N[k - k0] * layer->rank[k]);
  PetscCall(PetscMalloc2(size, &bar, size, &next));
  for (PetscInt k = k1 - 1; k >= k0; k--) {
    const TzCore c  = TzLayerGetCore(layer, k);
    PetscReal   *to = (k1 - k) % 2 ? bar : next;

    StepAdjoint(c, rows[k - k0], N[k - k0], T[k - k0], theta + c.offset, from, to, grad + c.offset);
    from = to;
  }
  PetscCall(PetscFree2(bar, next));
  PetscCall(PetscFree(memory));
  PetscFunctionReturn(PETSC_SUCCESS);
}
