/*
  Format "tt": the matrix folded into one plain tensor train over input modes, then output modes (Oseledets 2011).
  Core k [R_k][n_k][R_k+1], W(j, i) = G_1(i_1) .. G_p(i_p) G_p+1(j_1) .. G_p+q(j_q). The middle bond gives
  W = right^T left^T with left [in][r], right [r][out].
*/
#include <private/tznetimpl.h>
#include <private/tzkernels.h>

PETSC_INTERN PetscErrorCode TzTrainLayout(TzLayer *layer, PetscInt r, PetscInt ncores, const PetscInt size[])
{
  PetscInt offset = 0;

  PetscFunctionBegin;
  layer->ncores = ncores;
  for (PetscInt k = 0; k <= ncores; k++) layer->rank[k] = k && k < ncores ? r : 1;
  for (PetscInt k = 0; k < ncores; k++) {
    layer->core[k] = offset;
    offset += layer->rank[k] * size[k] * layer->rank[k + 1];
  }
  layer->core[ncores] = offset;
  layer->nweights     = offset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An entry of W is a sum over prod(ranks) paths of products of ncores independent numbers */
PETSC_INTERN PetscReal TzTrainDeviation(const TzLayer *layer)
{
  PetscReal paths = 1;

  for (PetscInt k = 1; k < layer->ncores; k++) paths *= layer->rank[k];
  return PetscPowReal(2 / ((PetscReal)(layer->in + layer->out) * paths), 0.5 / layer->ncores);
}

static PetscErrorCode Layout_TT(TzNet net, TzLayer *layer, PetscInt r)
{
  PetscInt size[2 * TZ_MAX_CORES];

  PetscFunctionBegin;
  (void)net;
  for (PetscInt k = 0; k < layer->nin; k++) size[k] = layer->mode_in[k];
  for (PetscInt k = 0; k < layer->nout; k++) size[layer->nin + k] = layer->mode_out[k];
  PetscCall(TzTrainLayout(layer, r, layer->nin + layer->nout, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C [m][n] = A [m][k] B [k][n] for Apply_TT(): the plain evaluation, against which the kernels are tested, uses none of them */
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

/* left: product of the input cores from the left; right: of the output cores from the right, where each product is short */
static PetscErrorCode Bond_TT(const TzLayer *layer, const PetscReal theta[], PetscReal left[], PetscReal right[])
{
  const TzKernels *p     = TzKernelsGet();
  const PetscReal *cores = theta + layer->weights;
  PetscReal       *work;
  PetscInt         m = 1, n = 1;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(PetscMax(layer->in, layer->out) * layer->rank[1], &work));
  for (PetscInt k = 0; k < layer->nin; k++) { /* [m][R_k] x [R_k][n_k R_k+1] */
    const PetscInt width = layer->mode_in[k] * layer->rank[k + 1];
    PetscReal     *to    = (layer->nin - 1 - k) % 2 ? work : left;

    if (!k) PetscCall(PetscArraycpy(to, cores, width));
    else p->product(m, width, layer->rank[k], (TzStrided){to == left ? work : left, layer->rank[k], 1}, cores + layer->core[k], width, to, width, PETSC_FALSE);
    m *= layer->mode_in[k];
  }
  for (PetscInt k = layer->ncores - 1; k >= layer->nin; k--) { /* [R_k n_k][R_k+1] x [R_k+1][n] */
    const PetscInt rows = layer->rank[k] * layer->mode_out[k - layer->nin];
    PetscReal     *to   = (k - layer->nin) % 2 ? work : right;

    if (k == layer->ncores - 1) PetscCall(PetscArraycpy(to, cores + layer->core[k], rows));
    else p->product(rows, n, layer->rank[k + 1], (TzStrided){cores + layer->core[k], layer->rank[k + 1], 1}, to == right ? work : right, n, to, n, PETSC_FALSE);
    n *= layer->mode_out[k - layer->nin];
  }
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Densify_TT(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  const PetscInt r = layer->rank[layer->nin];
  PetscReal     *left, *right;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(layer->in * r, &left, r * layer->out, &right));
  PetscCall(Bond_TT(layer, theta, left, right));
  for (PetscInt j = 0; j < layer->out; j++)
    for (PetscInt i = 0; i < layer->in; i++) {
      PetscReal w = 0;
      for (PetscInt k = 0; k < r; k++) w += left[i * r + k] * right[k * layer->out + j];
      W[j * layer->in + i] = w;
    }
  PetscCall(PetscFree2(left, right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Contracts the input modes from the first on: t [R_k][n_k][rest] -> [R_k+1][rest], then grows the output modes. */
static PetscErrorCode Apply_TT(const TzLayer *layer, const PetscReal theta[], const PetscReal x[], PetscReal work[], PetscReal y[])
{
  const PetscReal *t    = x;
  PetscInt         rest = layer->in, done = 1, half = TzLayerWorkSize(layer) / 2, turn = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < layer->ncores; k++) {
    const PetscReal *G  = theta + layer->weights + layer->core[k];
    const PetscInt   r0 = layer->rank[k], r1 = layer->rank[k + 1], mode = k < layer->nin ? layer->mode_in[k] : layer->mode_out[k - layer->nin];
    PetscReal       *to = k == layer->ncores - 1 ? y : work + (turn ^= 1) * half;

    if (k < layer->nin) {
      rest /= mode;
      for (PetscInt i = 0; i < r1 * rest; i++) to[i] = 0;
      for (PetscInt a = 0; a < r0 * mode; a++)
        for (PetscInt b = 0; b < r1; b++)
          for (PetscInt i = 0; i < rest; i++) to[b * rest + i] += G[a * r1 + b] * t[a * rest + i];
    } else { /* t [done][r0] x G [r0][mode r1] */
      Multiply(done, mode * r1, r0, t, G, to);
      done *= mode;
    }
    t = to;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzFormatOps TzFormat_TT = {"tt",      "tensor train over input modes, then output modes", Layout_TT, TzTrainDeviation, Densify_TT, Bond_TT, Apply_TT,
                                 PETSC_TRUE};
