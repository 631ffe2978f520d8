/*
  Trains: layout, products of their cores, and the adjoint of those. With T_k [rows][N][r_k] the product of the cores before k,
    T_{k+1}[(I,i)][(J,j)][b] = sum_a T_k[I][J][a] G_k[a][i][j][b].
*/
#include "formats.h"

PetscErrorCode TzTrainLayout(TzNet net, PetscInt l, TzLayer *layer, PetscInt r, PetscInt ncores, const PetscInt m[], const PetscInt n[])
{
  TzTrainLayer *t     = (TzTrainLayer *)layer->data;
  TzTrain      *train = &t->train;
  PetscReal     size  = 0;

  PetscFunctionBegin;
  train->ncores = ncores;
  for (PetscInt k = 0; k <= ncores; k++) t->rank[k] = k && k < ncores ? r : 1;
  if (net->bonds) PetscCall(TzBondsParse(net, l, layer, ncores, t->rank));
  t->r = 1;
  for (PetscInt k = 1; k < ncores; k++) t->r = PetscMax(t->r, t->rank[k]);
  for (PetscInt c = 0; c < ncores; c++) {
    TzCore *core = &train->core[c];

    *core = (TzCore){.r0 = t->rank[c], .m = m[c], .n = n[c], .r1 = t->rank[c + 1], .offset = layer->weights + (PetscInt)size};
    size += (PetscReal)core->r0 * core->m * core->n * core->r1;
    PetscCall(TzNetCheckSize(net, l, "weights", size));
  }
  layer->nweights = (PetscInt)size;
  /* the largest tensor between the cores, of one input */
  PetscCall(TzNetCheckSize(net, l, "numbers between its cores", 2. * t->r * PetscMax(layer->in, layer->out)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An entry of W is a sum over prod(ranks) paths of products of ncores independent numbers */
PetscReal TzTrainDeviation(const TzLayer *layer)
{
  const TzTrain *train = TzLayerGetTrain(layer);
  PetscReal      paths = 1;

  for (PetscInt k = 1; k < train->ncores; k++) paths *= train->core[k].r0;
  return PetscPowReal(2 / ((PetscReal)(layer->in + layer->out) * paths), 0.5 / train->ncores);
}

void TzTrainCut(const TzLayer *layer, TzCut *cut)
{
  cut->train = TzLayerGetTrain(layer);
}

PetscErrorCode TzTrainDensify(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  const TzTrain *train = TzLayerGetTrain(layer);

  PetscFunctionBegin;
  PetscCall(TzTrainMerge(train, theta, 0, train->ncores, W));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTrainGradient(const TzLayer *layer, const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[])
{
  const TzTrain *train = TzLayerGetTrain(layer);

  PetscFunctionBegin;
  PetscCall(TzTrainMergeAdjoint(train, theta, 0, train->ncores, Wbar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* left: product of the input cores from the left; right: of the output cores from the right, where each product is short */
PetscErrorCode TzTrainBond(const TzLayer *layer, const PetscReal theta[], PetscReal left[], PetscReal right[])
{
  const TzKernels *kernels = TzKernelsGet();
  const TzTrain   *train   = TzLayerGetTrain(layer);
  const PetscInt   last = train->ncores - 1, bond = train->bond;
  PetscReal       *work;
  PetscInt         m = 1, n = 1, rmax = 1;

  PetscFunctionBegin;
  for (PetscInt k = 1; k <= last; k++) rmax = PetscMax(rmax, train->core[k].r0);
  PetscCall(PetscMalloc1((size_t)PetscMax(layer->in, layer->out) * rmax, &work));
  for (PetscInt k = 0; k < bond; k++) { /* [m][R_k] x [R_k][n_k R_k+1] */
    const TzCore     c     = train->core[k];
    const PetscInt   width = c.n * c.r1;
    const PetscReal *G     = theta + c.offset;
    PetscReal       *to    = (bond - 1 - k) % 2 ? work : left;

    if (!k) PetscCall(PetscArraycpy(to, G, width));
    else kernels->product(m, width, c.r0, (TzStrided){to == left ? work : left, c.r0, 1}, G, width, to, width, PETSC_FALSE);
    m *= c.n;
  }
  for (PetscInt k = last; k >= bond; k--) { /* [R_k n_k][R_k+1] x [R_k+1][n] */
    const TzCore     c    = train->core[k];
    const PetscInt   rows = c.r0 * c.m;
    const PetscReal *G    = theta + c.offset;
    PetscReal       *to   = (k - bond) % 2 ? work : right;

    if (k == last) PetscCall(PetscArraycpy(to, G, rows));
    else kernels->product(rows, n, c.r1, (TzStrided){G, c.r1, 1}, to == right ? work : right, n, to, n, PETSC_FALSE);
    n *= c.m;
  }
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTrainBondGradient(const TzLayer *layer, const PetscReal theta[], const PetscReal leftbar[], const PetscReal rightbar[], PetscReal grad[])
{
  const TzTrain *train = TzLayerGetTrain(layer);

  PetscFunctionBegin;
  PetscCall(TzTrainMergeAdjoint(train, theta, 0, train->bond, leftbar, grad));
  PetscCall(TzTrainMergeAdjoint(train, theta, train->bond, train->ncores, rightbar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------- products of cores ---------------------------------------------------------- */

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
static PetscErrorCode Chain(const TzTrain *train, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal **memory, PetscReal *T[], PetscInt rows[],
                            PetscInt N[])
{
  const PetscInt c0   = train->core[k0].r0;
  PetscInt       size = 0;

  PetscFunctionBegin;
  rows[0] = c0;
  N[0]    = 1;
  for (PetscInt k = k0; k < k1; k++) {
    const TzCore c = train->core[k];

    rows[k + 1 - k0] = rows[k - k0] * c.m;
    N[k + 1 - k0]    = N[k - k0] * c.n;
    size += rows[k - k0] * N[k - k0] * c.r0;
  }
  PetscCall(PetscMalloc1(size, memory));
  T[0] = *memory;
  for (PetscInt k = k0; k + 1 < k1; k++) T[k + 1 - k0] = T[k - k0] + rows[k - k0] * N[k - k0] * train->core[k].r0;
  for (PetscInt x = 0; x < c0 * c0; x++) T[0][x] = x % (c0 + 1) ? 0 : 1;
  for (PetscInt k = k0; k < k1; k++) {
    const TzCore c = train->core[k];

    if (T[k + 1 - k0]) Step(c, rows[k - k0], N[k - k0], T[k - k0], theta + c.offset, T[k + 1 - k0]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTrainMerge(const TzTrain *train, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal out[])
{
  PetscReal *memory, *T[TZ_MAX_CORES + 1];
  PetscInt   rows[TZ_MAX_CORES + 1], N[TZ_MAX_CORES + 1];

  PetscFunctionBegin;
  T[k1 - k0] = out;
  PetscCall(Chain(train, theta, k0, k1, &memory, T, rows, N));
  PetscCall(PetscFree(memory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTrainMergeAdjoint(const TzTrain *train, const PetscReal theta[], PetscInt k0, PetscInt k1, const PetscReal Tbar[], PetscReal grad[])
{
  PetscReal       *memory, *T[TZ_MAX_CORES + 1], *bar, *next;
  const PetscReal *from = Tbar;
  PetscInt         rows[TZ_MAX_CORES + 1], N[TZ_MAX_CORES + 1], size = 0;

  PetscFunctionBegin;
  T[k1 - k0] = NULL;
  PetscCall(Chain(train, theta, k0, k1, &memory, T, rows, N));
  for (PetscInt k = k0; k < k1; k++) size = PetscMax(size, rows[k - k0] * N[k - k0] * train->core[k].r0);
  PetscCall(PetscMalloc2(size, &bar, size, &next));
  for (PetscInt k = k1 - 1; k >= k0; k--) {
    const TzCore c  = train->core[k];
    PetscReal   *to = (k1 - k) % 2 ? bar : next;

    StepAdjoint(c, rows[k - k0], N[k - k0], T[k - k0], theta + c.offset, from, to, grad + c.offset);
    from = to;
  }
  PetscCall(PetscFree2(bar, next));
  PetscCall(PetscFree(memory));
  PetscFunctionReturn(PETSC_SUCCESS);
}
