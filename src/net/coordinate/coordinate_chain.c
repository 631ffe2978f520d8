#include "coordinate_chain.h"

static void MapCore(const TzTrain *train, PetscInt k, TzCoreMap *map)
{
  const TzCore c = train->core[k];

  map->core = c;
  map->ml = map->mr = map->nl = map->nr = 1;
  for (PetscInt l = 0; l < train->ncores; l++) {
    const TzCore other = train->core[l];

    if (l < k) map->ml *= other.m, map->nl *= other.n;
    if (l > k) map->mr *= other.m, map->nr *= other.n;
  }
  /* the output cores of a tt, contracted first, would blow the input up by the whole output */
  map->fromright = !train->bond && map->nl < map->nr ? PETSC_TRUE : PETSC_FALSE;
  map->jstep     = c.n * c.r1;
  if (map->fromright) {
    map->groups = c.r0, map->width = c.n * c.r1;
    map->right = map->width, map->group = map->mr * map->right, map->left = c.r0 * map->group;
    map->gstep = c.m * c.n * c.r1, map->n1 = c.r1, map->cstep = c.r1, map->dstep = 1;
  } else {
    map->groups = c.r1, map->width = c.r0 * c.n;
    map->left = map->width, map->right = map->ml * map->left, map->group = map->mr * map->right;
    map->gstep = 1, map->n1 = c.n, map->cstep = c.m * c.n * c.r1, map->dstep = c.r1;
  }
  map->wide = (map->width + TZ_LANES - 1) / TZ_LANES * TZ_LANES;
}

PetscBool TzChainFits(const TzTrain *train)
{
  PetscReal in = 1, out = 1, most = 1;

  for (PetscInt k = 0; k < train->ncores; k++) {
    in *= train->core[k].n;
    out *= train->core[k].m;
  }
  for (PetscInt k = 0; k < train->ncores; k++) { /* bounds of T, of the merged cores and of the chain, see TzChainCreate() */
    const TzCore    c = train->core[k];
    const PetscReal r = PetscMax(c.r0, c.r1);

    most = PetscMax(most, out * r * r * c.n);
    most = PetscMax(most, out * in * r);
  }
  return (PetscBool)(most <= PETSC_MAX_INT);
}

PetscErrorCode TzChainCreate(const TzLayer *layer, const TzTrain *train, TzChain **newp)
{
  TzChain *p;
  PetscInt nchain = layer->in, nT = 0;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  p->train = train;
  p->in    = layer->in;
  for (PetscInt k = 0; k < train->ncores; k++) {
    MapCore(train, k, &p->map[k]);
    p->fromright = p->fromright || p->map[k].fromright ? PETSC_TRUE : PETSC_FALSE;
  }
  for (PetscInt k = 0; k < train->ncores; k++) {
    TzCoreMap     *map = &p->map[k];
    const TzCore   c   = map->core;
    const PetscInt nm  = map->fromright ? map->ml * c.r0 * map->nl : c.r1 * map->mr * map->nr;

    if (p->fromright) nchain = PetscMax(nchain, map->nl * map->mr * PetscMax(c.n * c.r1, c.m * c.r0));
    nchain = PetscMax(nchain, map->nr * map->ml * PetscMax(c.r0 * c.n, c.m * c.r1));
    nT     = PetscMax(nT, map->groups * map->ml * map->mr * map->width);
    PetscCall(PetscMalloc2(c.r0 * c.m * c.n * c.r1, &map->Gr, c.r0 * c.m * c.n * c.r1, &map->Gl));
    if (map->fromright ? k > 0 : k + 1 < train->ncores) PetscCall(PetscMalloc1(nm, &map->merged));
  }
  /* the chain serves as T where there is nothing to merge */
  PetscCall(PetscCalloc3(nchain + TZ_LANES, &p->chain, nchain, &p->swap, nT + TZ_LANES, &p->T));
  *newp = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzChainDestroy(TzChain **p)
{
  PetscFunctionBegin;
  if (!*p) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < (*p)->train->ncores; k++) {
    PetscCall(PetscFree2((*p)->map[k].Gr, (*p)->map[k].Gl));
    PetscCall(PetscFree((*p)->map[k].merged));
  }
  PetscCall(PetscFree3((*p)->chain, (*p)->swap, (*p)->T));
  PetscCall(PetscFree(*p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gr, Gl from the core [a][j][i][b] */
static void PackCore(const TzCoreMap *map, const PetscReal theta[])
{
  const TzCore     c = map->core;
  const PetscReal *g = theta + c.offset;

  for (PetscInt a = 0; a < c.r0; a++)
    for (PetscInt j = 0; j < c.m; j++)
      for (PetscInt i = 0; i < c.n; i++)
        for (PetscInt b = 0; b < c.r1; b++, g++) {
          map->Gr[((i * c.r1 + b) * c.m + j) * c.r0 + a] = *g;
          map->Gl[((a * c.n + i) * c.m + j) * c.r1 + b]  = *g;
        }
}

PetscErrorCode TzChainBind(TzChain *p, const PetscReal theta[])
{
  const TzTrain *train = p->train;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->ncores; k++) {
    TzCoreMap *map = &p->map[k];

    PackCore(map, theta);
    if (map->merged && map->fromright) { /* [jl][il][a] -> [jl][a][il] */
      const PetscInt size = map->nl * map->core.r0;
      PetscReal     *L;

      PetscCall(PetscMalloc1(map->ml * size, &L));
      PetscCall(TzCoordinateMerge(train, theta, 0, k, L));
      for (PetscInt j = 0; j < map->ml; j++) TzTranspose(map->nl, map->core.r0, L + j * size, map->merged + j * size);
      PetscCall(PetscFree(L));
    } else if (map->merged) {
      PetscCall(TzCoordinateMerge(train, theta, k + 1, train->ncores, map->merged));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The chain has reached core k: T from it, if any of the core's parameters is wanted */
static PetscErrorCode Use(TzChain *p, PetscInt k, PetscInt first, PetscInt last, TzChainUse use, void *context)
{
  const TzCoreMap *map = &p->map[k];
  const TzCore     c   = map->core;

  PetscFunctionBegin;
  if (c.offset >= last || c.offset + c.r0 * c.m * c.n * c.r1 <= first) PetscFunctionReturn(PETSC_SUCCESS);
  if (map->merged) {
    const PetscInt rows = map->fromright ? map->ml * c.r0 : c.r1 * map->mr, inner = map->fromright ? map->nl : map->nr;
    const PetscInt cols = map->fromright ? map->mr * map->width : map->ml * map->width;

    TzKernelsGet()->product(rows, cols, inner, (TzStrided){map->merged, inner, 1}, p->chain, cols, p->T, cols, PETSC_FALSE);
  }
  PetscCall((*use)(context, map, map->merged ? p->T : p->chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [il][i][jr][j][a] -> [il][j][jr][i][a] */
static void Reorder(PetscInt nl, PetscInt ni, PetscInt mr, PetscInt m, PetscInt r, const PetscReal *restrict from, PetscReal *restrict to)
{
  for (PetscInt l = 0; l < nl; l++)
    for (PetscInt i = 0; i < ni; i++)
      for (PetscInt jr = 0; jr < mr; jr++)
        for (PetscInt j = 0; j < m; j++, from += r) {
          PetscReal *t = to + (((l * m + j) * mr + jr) * ni + i) * r;

          for (PetscInt a = 0; a < r; a++) t[a] = from[a];
        }
}

/* At core k the chain from the right is [il][jr][(i, b)]. Contracted with the core it is [il][jr][(j, a)], il = (il', i') for core k - 1. */
static PetscErrorCode FromRight(TzChain *p, const PetscReal x[], PetscInt first, PetscInt last, TzChainUse use, void *context)
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(p->chain, x, p->in));
  for (PetscInt k = p->train->ncores - 1; k >= 0; k--) {
    const TzCoreMap *map = &p->map[k];
    const TzCore     c   = map->core;

    if (map->fromright) PetscCall(Use(p, k, first, last, use, context));
    if (!k) break;
    TzKernelsGet()->product(map->nl * map->mr, c.m * c.r0, c.n * c.r1, (TzStrided){p->chain, c.n * c.r1, 1}, map->Gr, c.m * c.r0, p->swap, c.m * c.r0,
                            PETSC_FALSE);
    Reorder(p->map[k - 1].nl, p->map[k - 1].core.n, map->mr, c.m, c.r0, p->swap, p->chain);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At core k the chain from the left is [ir][jl][(a, i)]. Contracted with the core it is [ir][jl][(j, b)], ir = (i', ir') for core k + 1. */
static PetscErrorCode FromLeft(TzChain *p, const PetscReal x[], PetscInt first, PetscInt last, TzChainUse use, void *context)
{
  PetscFunctionBegin;
  TzTranspose(p->map[0].core.n, p->map[0].nr, x, p->chain);
  for (PetscInt k = 0; k < p->train->ncores; k++) {
    const TzCoreMap *map = &p->map[k];
    const TzCore     c   = map->core;

    if (!map->fromright) PetscCall(Use(p, k, first, last, use, context));
    if (k + 1 == p->train->ncores) break;
    TzKernelsGet()->product(map->nr * map->ml, c.m * c.r1, c.r0 * c.n, (TzStrided){p->chain, c.r0 * c.n, 1}, map->Gl, c.m * c.r1, p->swap, c.m * c.r1,
                            PETSC_FALSE);
    TzTranspose(p->map[k + 1].core.n, p->map[k + 1].nr * map->ml * c.m * c.r1, p->swap, p->chain);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzChainApply(TzChain *p, const PetscReal x[], PetscInt first, PetscInt last, TzChainUse use, void *context)
{
  PetscFunctionBegin;
  if (p->fromright) PetscCall(FromRight(p, x, first, last, use, context));
  PetscCall(FromLeft(p, x, first, last, use, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}
