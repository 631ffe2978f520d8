/*
  Formats "mzi", "mzi-tt", "mzi-ttm": photonic networks, whose matrices are meshes of Mach-Zehnder interferometers. The matrix of a dense layer, or each core
  of a train unfolded as [r0 m n][r1], is A = U S V', m x n of rank k = min(m, n): U the first k columns of a mesh of m modes, V of one of n modes, S the
  attenuators (or amplifiers) between them. The parameters are the phases, and S, with its signs. So on the chips of arXiv 2401.00413 and 2502.12384, where
  each core of a train has its meshes.

  A mesh is real: its interferometers turn two neighbouring modes by an angle (the phase; an interferometer of two 50:50 couplers turns by half of what its
  inner shifter delays, and its outer shifter is 0 or pi). They stand as a triangle (Reck et al. 1994): column j < k has one for each of the modes i - 1, i with
  i > j, and U is their product on the first k modes,
    U = R_0 .. R_{k-1} I,  R_j = T_{m-1} .. T_{j+2} T_{j+1},  T_i = [cos, -sin; sin, cos] on modes i - 1, i
  with the factors that act last in front. Any orthonormal columns are of this form, but for the sign of the last of a square matrix, which S has: the turns
  that make zeros of a column from below, one after the other, are its phases. What would move only modes without light is left out, so that a mesh has
  m k - k (k + 1)/2 phases and a matrix of m n entries m n parameters: as many numbers as the train without meshes.

  Cross-talk: a phase shifter warms its neighbours: what acts is phase + gamma (sum of those of the four nearest in the triangle). Noise of phases:
  -net_noise_weight. Options: -net_mzi_crosstalk.
*/
#include "cores.h"

/* A matrix [m][n] and its parameters: phases of U, phases of V, S */
typedef struct {
  PetscInt m, n, k, first, nu, nv; /* first: place in the layer's parameters and, as the matrix has as many entries, of the matrix in G */
} Block;

typedef struct {
  TzLayer   plain; /* the layer whose weights G [nweights] the meshes make, at place 0 */
  PetscInt  nblocks;
  Block     block[TZ_MAX_CORES];
  PetscInt  most;      /* entries of the largest block */
  PetscReal crosstalk; /* gamma */
} Mzi;

static PetscInt Phases(PetscInt m, PetscInt k)
{
  return m * k - k * (k + 1) / 2;
}

/* Number of the phase of column j at modes i - 1, i, with i > j */
static PetscInt Phase(PetscInt m, PetscInt j, PetscInt i)
{
  return Phases(m, j) + i - j - 1;
}

/* acting = phase + gamma (sum of the nearest): a symmetric matrix, its own adjoint. Interferometer (j, i) stands at depth m - 1 - i + 2 j of mode i */
static void Crosstalk(PetscInt m, PetscInt k, PetscReal gamma, const PetscReal phase[], PetscReal acting[])
{
  for (PetscInt j = 0; j < k; j++)
    for (PetscInt i = j + 1; i < m; i++) {
      PetscReal sum = 0;

      if (i > j + 1) sum += phase[Phase(m, j, i - 1)];
      if (i < m - 1) sum += phase[Phase(m, j, i + 1)];
      if (i < m - 1 && j < k - 1) sum += phase[Phase(m, j + 1, i + 1)];
      if (j) sum += phase[Phase(m, j - 1, i - 1)];
      acting[Phase(m, j, i)] = phase[Phase(m, j, i)] + gamma * sum;
    }
}

/* [p; q] <- [c, -s; s, c] [p; q], n columns, `step` apart */
static void Turn(PetscInt n, PetscInt step, PetscReal angle, PetscReal *p, PetscReal *q)
{
  const PetscReal c = PetscCosReal(angle), s = PetscSinReal(angle);

  for (PetscInt x = 0; x < n * step; x += step) {
    const PetscReal a = p[x], b = q[x];

    p[x] = c * a - s * b;
    q[x] = s * a + c * b;
  }
}

/* The mesh acts on A: its m modes are `row` apart, n columns `step` */
static void Apply(PetscInt m, PetscInt k, const PetscReal phase[], PetscInt n, PetscInt row, PetscInt step, PetscReal A[])
{
  for (PetscInt j = k - 1; j >= 0; j--)
    for (PetscInt i = j + 1; i < m; i++) Turn(n, step, phase[Phase(m, j, i)], A + (i - 1) * row, A + i * row);
}

/* Backwards: A and its adjoint Abar are taken back to what they were before, bar += of the phases. d [p; q] / d angle = [-q; p] */
static void ApplyAdjoint(PetscInt m, PetscInt k, const PetscReal phase[], PetscInt n, PetscInt row, PetscInt step, PetscReal A[], PetscReal Abar[],
                         PetscReal bar[])
{
  for (PetscInt j = 0; j < k; j++)
    for (PetscInt i = m - 1; i > j; i--) {
      const PetscInt   at = Phase(m, j, i);
      const PetscReal *p = A + (i - 1) * row, *q = A + i * row, *pbar = Abar + (i - 1) * row, *qbar = Abar + i * row;

      for (PetscInt x = 0; x < n * step; x += step) bar[at] += qbar[x] * p[x] - pbar[x] * q[x];
      Turn(n, step, -phase[at], A + (i - 1) * row, A + i * row);
      Turn(n, step, -phase[at], Abar + (i - 1) * row, Abar + i * row);
    }
}

/* The phases of orthonormal columns Q [m][k], which become those of the unit matrix, the last with the sign that is returned */
static PetscReal FindPhases(PetscInt m, PetscInt k, PetscReal Q[], PetscReal phase[])
{
  for (PetscInt j = 0; j < k; j++)
    for (PetscInt i = m - 1; i > j; i--) {
      const PetscReal angle = PetscAtan2Real(Q[i * k + j], Q[(i - 1) * k + j]);

      phase[Phase(m, j, i)] = angle;
      Turn(k, 1, -angle, Q + (i - 1) * k, Q + i * k);
    }
  return Q[k * k - 1] < 0 ? -1 : 1;
}

/* ------------------------------------------------------------ a matrix ------------------------------------------------------------ */

/* Phases that act: of U and, behind them, of V */
static void Acting(const Block *b, PetscReal gamma, const PetscReal w[], PetscReal acting[])
{
  Crosstalk(b->m, b->k, gamma, w, acting);
  Crosstalk(b->n, b->k, gamma, w + b->nu, acting + b->nu);
}

/* A [m][n], from the block's parameters w; acting [nu + nv] is scratch */
static void Make(const Block *b, PetscReal gamma, const PetscReal w[], PetscReal acting[], PetscReal A[])
{
  Acting(b, gamma, w, acting);
  for (PetscInt x = 0; x < b->m * b->n; x++) A[x] = 0;
  for (PetscInt x = 0; x < b->k; x++) A[x * b->n + x] = w[b->nu + b->nv + x];
  Apply(b->n, b->k, acting + b->nu, b->k, 1, b->n, A);
  Apply(b->m, b->k, acting, b->n, b->n, 1, A);
}

/* bar += of the block's parameters, from Abar; A as Make() gives it; both are used up. work [2 m n] is scratch */
static void MakeAdjoint(const Block *b, PetscReal gamma, const PetscReal w[], PetscReal A[], PetscReal Abar[], PetscReal work[], PetscReal bar[])
{
  PetscReal *acting = work, *own = work + b->m * b->n;

  Acting(b, gamma, w, acting);
  for (PetscInt x = 0; x < b->nu + b->nv; x++) own[x] = 0;
  ApplyAdjoint(b->m, b->k, acting, b->n, b->n, 1, A, Abar, own);
  ApplyAdjoint(b->n, b->k, acting + b->nu, b->k, 1, b->n, A, Abar, own + b->nu);
  Acting(b, gamma, own, acting);
  for (PetscInt x = 0; x < b->nu + b->nv; x++) bar[x] += acting[x];
  for (PetscInt x = 0; x < b->k; x++) bar[b->nu + b->nv + x] += Abar[x * b->n + x];
}

/* Parameters w of the block for which, without cross-talk, it is A (used up) */
static PetscErrorCode Find(const Block *b, PetscReal A[], PetscReal w[])
{
  PetscReal *U, *V, *Vt, *s = w + b->nu + b->nv, sign;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(b->m * b->k, &U, b->k * b->n, &V, b->n * b->k, &Vt));
  PetscCall(TzSVD(b->m, b->n, A, U, s, V));
  TzTranspose(b->k, b->n, V, Vt);
  sign = FindPhases(b->m, b->k, U, w) * FindPhases(b->n, b->k, Vt, w + b->nu);
  s[b->k - 1] *= sign;
  PetscCall(PetscFree3(U, V, Vt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ a layer ------------------------------------------------------------- */

static const Mzi *Data(const TzLayer *layer)
{
  return (const Mzi *)layer->data;
}

/* G [nweights]: the weights of the plain layer; acting [most] is scratch */
static void MakeAll(const TzLayer *layer, const PetscReal theta[], PetscReal acting[], PetscReal G[])
{
  const Mzi *z = Data(layer);

  for (PetscInt k = 0; k < z->nblocks; k++) Make(&z->block[k], z->crosstalk, theta + layer->weights + z->block[k].first, acting, G + z->block[k].first);
}

/* grad += of the phases, from Gbar, used up as G is; work [2 most] */
static void MakeAllAdjoint(const TzLayer *layer, const PetscReal theta[], PetscReal G[], PetscReal Gbar[], PetscReal work[], PetscReal grad[])
{
  const Mzi *z = Data(layer);

  for (PetscInt k = 0; k < z->nblocks; k++) {
    const PetscInt first = z->block[k].first, at = layer->weights + first;

    MakeAdjoint(&z->block[k], z->crosstalk, theta + at, G + first, Gbar + first, work, grad + at);
  }
}

static PetscErrorCode Layout(TzNet net, PetscInt l, TzLayer *layer, PetscInt r, const TzFormatOps *plain)
{
  const TzTrain *train;
  Mzi           *z;

  PetscFunctionBegin;
  PetscCall(PetscNew(&z));
  layer->data      = z;
  z->plain         = *layer;
  z->plain.ops     = plain;
  z->plain.weights = 0;
  z->plain.data    = NULL;
  z->crosstalk     = net->crosstalk;
  PetscCall((*plain->layout)(net, l, &z->plain, r));
  layer->nweights = z->plain.nweights;
  layer->bond     = z->plain.bond;
  train           = TzLayerGetCut(&z->plain).train;
  z->nblocks      = train ? train->ncores : 1;
  for (PetscInt k = 0; k < z->nblocks; k++) {
    const TzCore *c = train ? &train->core[k] : NULL;
    Block        *b = &z->block[k];

    b->m     = c ? c->r0 * c->m * c->n : layer->out;
    b->n     = c ? c->r1 : layer->in;
    b->k     = PetscMin(b->m, b->n);
    b->first = c ? c->offset : 0;
    b->nu    = Phases(b->m, b->k);
    b->nv    = Phases(b->n, b->k);
    z->most  = PetscMax(z->most, b->m * b->n);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Layout_MZI(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  return Layout(net, l, layer, r, &TzFormat_Dense);
}

static PetscErrorCode Layout_MZITT(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  return Layout(net, l, layer, r, &TzFormat_TT);
}

static PetscErrorCode Layout_MZITTM(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  return Layout(net, l, layer, r, &TzFormat_TTM);
}

static PetscErrorCode Destroy_MZI(TzLayer *layer)
{
  Mzi *z = (Mzi *)layer->data;

  PetscFunctionBegin;
  if (z->plain.data) PetscCall((*z->plain.ops->destroy)(&z->plain));
  PetscCall(PetscFree(layer->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_MZI(TzNet net)
{
  PetscFunctionBegin;
  PetscOptionsBegin(PetscObjectComm((PetscObject)net), ((PetscObject)net)->prefix, "Formats of interferometers", "TzNetMZI"); /* -help prints a name once */
  PetscCall(TzOptionsReal("-net_mzi_crosstalk", "Part of a phase by which it moves each of its nearest neighbours (0 <= gamma < 1/4)", "TzNetSetFormat",
                          net->crosstalk, &net->crosstalk, NULL));
  PetscCheck(net->crosstalk >= 0 && net->crosstalk < 0.25, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_mzi_crosstalk %g: must be at least 0 and below 0.25", (double)net->crosstalk);
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_MZI(const TzLayer *layer, PetscViewer viewer)
{
  const Mzi *z   = Data(layer);
  PetscInt   all = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < z->nblocks; k++) all += z->block[k].nu + z->block[k].nv;
  PetscCall(
    PetscViewerASCIIPrintf(viewer, " (%" PetscInt_FMT " phases in %" PetscInt_FMT " pairs of meshes, cross-talk %g)", all, z->nblocks, (double)z->crosstalk));
  if (z->plain.ops->view) PetscCall((*z->plain.ops->view)(&z->plain, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameters, but for phases and S by themselves, have not one scale: -net_weight_bits, -net_noise_type additive */
static PetscInt Group_MZI(const TzLayer *layer, PetscInt first)
{
  const Mzi *z = Data(layer);
  PetscInt   k = 0;

  while (k + 1 < z->nblocks && z->block[k + 1].first <= first) k++;
  {
    const Block   *b      = &z->block[k];
    const PetscInt ends[] = {b->nu, b->nu + b->nv, b->nu + b->nv + b->k};

    for (int e = 0; e < 2; e++)
      if (first - b->first < ends[e]) return b->first + ends[e] - first;
    return b->first + ends[2] - first;
  }
}

/* Weights of the plain layer, which they are used up as, without cross-talk */
static PetscErrorCode FindAll(const Mzi *z, PetscReal G[], PetscReal w[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < z->nblocks; k++) PetscCall(Find(&z->block[k], G + z->block[k].first, w + z->block[k].first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those of the plain layer, as phases: initialize() gives the values themselves */
static PetscReal Deviation_MZI(PETSC_UNUSED const TzLayer *layer)
{
  return 1;
}

static PetscErrorCode Initialize_MZI(const TzLayer *layer, PetscInt64 seed, PetscInt l, PetscReal w[])
{
  const Mzi      *z  = Data(layer);
  const PetscReal sd = z->plain.ops->deviation ? (*z->plain.ops->deviation)(&z->plain) : PetscSqrtReal((PetscReal)2 / (layer->in + layer->out));
  PetscReal      *G;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(layer->nweights, &G));
  PetscCall(TzRandomNormal(seed, TZ_STREAM_INIT, 0, l, 0, layer->nweights, G));
  for (PetscInt i = 0; i < layer->nweights; i++) G[i] *= sd;
  PetscCall(FindAll(z, G, w));
  PetscCall(PetscFree(G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W is linear in the S of each block */
static PetscErrorCode Scale_MZI(const TzLayer *layer, PetscReal factor, PetscReal theta[])
{
  const Mzi      *z    = Data(layer);
  const PetscReal each = PetscPowReal(factor, (PetscReal)1 / z->nblocks);

  PetscFunctionBegin;
  for (PetscInt k = 0; k < z->nblocks; k++) {
    const Block *b = &z->block[k];
    PetscReal   *s = theta + layer->weights + b->first + b->nu + b->nv;

    for (PetscInt x = 0; x < b->k; x++) s[x] *= each;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The train nearest to W, or W itself */
static PetscErrorCode Fit_MZI(const TzLayer *layer, const PetscReal W[], PetscReal w[])
{
  const Mzi     *z     = Data(layer);
  const TzTrain *train = TzLayerGetCut(&z->plain).train;
  PetscReal     *G;
  TzCores        cores;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(layer->nweights, &G));
  if (train) {
    PetscCall(TzCoresFromMatrix(train, W, &cores));
    PetscCall(TzCoresToTrain(&cores, train, 0, 0, G));
  } else PetscCall(PetscArraycpy(G, W, layer->nweights));
  PetscCall(FindAll(z, G, w));
  PetscCall(PetscFree(G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Densify_MZI(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  const Mzi *z = Data(layer);
  PetscReal *G, *acting;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(layer->nweights, &G, z->most, &acting));
  MakeAll(layer, theta, acting, G);
  PetscCall((*z->plain.ops->densify)(&z->plain, G, W));
  PetscCall(PetscFree2(G, acting));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the adjoint of W, or, where W is NULL, of the bond's factors */
static PetscErrorCode Gradients(const TzLayer *layer, const PetscReal theta[], const PetscReal Wbar[], const PetscReal leftbar[], const PetscReal rightbar[],
                                PetscReal grad[])
{
  const Mzi *z = Data(layer);
  PetscReal *G, *Gbar, *work;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(layer->nweights, &G, layer->nweights, &Gbar, 2 * z->most, &work));
  PetscCall(PetscArrayzero(Gbar, layer->nweights));
  MakeAll(layer, theta, work, G);
  if (Wbar) PetscCall((*z->plain.ops->gradient)(&z->plain, G, Wbar, Gbar));
  else PetscCall((*z->plain.ops->bondgradient)(&z->plain, G, leftbar, rightbar, Gbar));
  MakeAllAdjoint(layer, theta, G, Gbar, work, grad);
  PetscCall(PetscFree3(G, Gbar, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient_MZI(const TzLayer *layer, const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[])
{
  return Gradients(layer, theta, Wbar, NULL, NULL, grad);
}

static PetscErrorCode Bond_MZI(const TzLayer *layer, const PetscReal theta[], PetscReal left[], PetscReal right[])
{
  const Mzi *z = Data(layer);
  PetscReal *G, *acting;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(layer->nweights, &G, z->most, &acting));
  MakeAll(layer, theta, acting, G);
  PetscCall((*z->plain.ops->bond)(&z->plain, G, left, right));
  PetscCall(PetscFree2(G, acting));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BondGradient_MZI(const TzLayer *layer, const PetscReal theta[], const PetscReal leftbar[], const PetscReal rightbar[], PetscReal grad[])
{
  return Gradients(layer, theta, NULL, leftbar, rightbar, grad);
}

#define COMMON \
  .destroy = Destroy_MZI, .setfromoptions = SetFromOptions_MZI, .view = View_MZI, .deviation = Deviation_MZI, .initialize = Initialize_MZI, \
  .scale = Scale_MZI, .group = Group_MZI, .fit = Fit_MZI, .densify = Densify_MZI, .gradient = Gradient_MZI

const TzFormatOps TzFormat_MZI    = {.what = "meshes of interferometers, U S V'", .layout = Layout_MZI, COMMON};
const TzFormatOps TzFormat_MZITTM = {.what = "tensor-train matrix, each core of meshes of interferometers", .layout = Layout_MZITTM, COMMON};
const TzFormatOps TzFormat_MZITT  = {.what         = "tensor train, each core of meshes of interferometers",
                                     .layout       = Layout_MZITT,
                                     .bond         = Bond_MZI,
                                     .bondgradient = BondGradient_MZI,
                                     .lastdense    = PETSC_TRUE,
                                     COMMON};
