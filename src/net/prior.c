/*
  Ranks that find themselves: the low-rank prior on the slices of trains, the cutting of slices, and new ones (TzNetAdaptive in tznet.h).
*/
#include "formats/cores.h"

PetscErrorCode TzNetGetAdaptive(TzNet net, TzNetAdaptive *adaptive)
{
  PetscBool trains = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  *adaptive = net->adaptive;
  for (PetscInt l = 0; !net->shell && l < net->nlayers; l++) trains = (PetscBool)(trains || TzLayerGetCut(&net->layer[l]).train);
  PetscCheck(trains || !adaptive->on, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT, "-net_tt_rank auto: must have -net_format tt or ttm");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* lambda [r] of the bond before core k > 0 */
static void Scales(const TzTrain *train, PetscInt k, const PetscReal theta[], PetscReal lambda[])
{
  const TzCore   left = train->core[k - 1], right = train->core[k];
  const PetscInt rows = left.r0 * left.m * left.n, cols = right.m * right.n * right.r1, r = right.r0;

  for (PetscInt b = 0; b < r; b++) {
    PetscReal sum = 0;

    for (PetscInt i = 0; i < rows; i++) sum += PetscSqr(theta[left.offset + i * r + b]);
    for (PetscInt j = 0; j < cols; j++) sum += PetscSqr(theta[right.offset + b * cols + j]);
    lambda[b] = sum / (PetscReal)(rows + cols);
  }
}

PetscErrorCode TzNetShrink(TzNet net, PetscReal rate, PetscReal theta[])
{
  PetscReal *lambda[TZ_MAX_CORES + 1];

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzTrain *train = TzLayerGetCut(&net->layer[l]).train;

    for (PetscInt k = 1; train && k < train->ncores; k++) {
      PetscCall(PetscMalloc1(train->core[k].r0, &lambda[k]));
      Scales(train, k, theta, lambda[k]);
    }
    for (PetscInt k = 0; train && k < train->ncores; k++) {
      const TzCore c = train->core[k];

      for (PetscInt a = 0; a < c.r0; a++)
        for (PetscInt x = 0; x < c.m * c.n; x++)
          for (PetscInt b = 0; b < c.r1; b++) {
            PetscReal *g = &theta[c.offset + (a * c.m * c.n + x) * c.r1 + b], stiffness = 0;

            if (*g == 0) continue; /* also where lambda is 0 */
            if (k) stiffness += 1 / lambda[k][a];
            if (k + 1 < train->ncores) stiffness += 1 / lambda[k + 1][b];
            *g /= 1 + rate * stiffness;
          }
    }
    for (PetscInt k = 1; train && k < train->ncores; k++) PetscCall(PetscFree(lambda[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* stays [r] of the bond before core k > 0; the number that do, at least the largest. start: the deviation of entries at the start of a training */
static PetscInt Choose(const TzTrain *train, PetscInt k, const PetscReal theta[], PetscReal below, PetscReal start, PetscReal lambda[], PetscBool stays[])
{
  const PetscInt r     = train->core[k].r0;
  PetscInt       count = 0, best = 0;

  Scales(train, k, theta, lambda);
  for (PetscInt b = 1; b < r; b++)
    if (lambda[b] > lambda[best]) best = b;
  for (PetscInt b = 0; b < r; b++) {
    stays[b] = (PetscBool)(b == best || lambda[b] >= below * below * PetscMax(lambda[best], start * start));
    count += stays[b];
  }
  return count;
}

/* Of one train: its ranks r, the places that stay behind from[*n] */
static PetscErrorCode PruneTrain(const TzLayer *layer, const PetscReal theta[], PetscReal below, PetscInt r[], PetscInt *n, PetscInt from[])
{
  const TzTrain  *train = TzLayerGetCut(layer).train;
  const PetscReal start = layer->ops->deviation ? (*layer->ops->deviation)(layer) : 0;
  PetscReal      *lambda;
  PetscBool      *stays[TZ_MAX_CORES + 1];
  PetscInt        most = 1;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->ncores; k++) most = PetscMax(most, train->core[k].r0);
  PetscCall(PetscMalloc1(most, &lambda));
  for (PetscInt k = 0; k <= train->ncores; k++) {
    PetscCall(PetscMalloc1(most, &stays[k]));
    stays[k][0] = PETSC_TRUE;
    if (k && k < train->ncores) r[k] = Choose(train, k, theta, below, start, lambda, stays[k]);
  }
  for (PetscInt k = 0; k < train->ncores; k++) {
    const TzCore c = train->core[k];

    for (PetscInt e = 0; e < c.r0 * c.m * c.n * c.r1; e++)
      if (stays[k][e / (c.m * c.n * c.r1)] && stays[k + 1][e % c.r1]) from[(*n)++] = c.offset + e;
  }
  for (PetscInt k = 0; k <= train->ncores; k++) PetscCall(PetscFree(stays[k]));
  PetscCall(PetscFree(lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetPrune(TzNet net, const PetscReal theta[], PetscReal below, char **bonds, PetscInt *n, PetscInt **from)
{
  char      text[2048] = "";
  PetscBool first      = PETSC_TRUE;
  PetscInt  r[TZ_MAX_CORES + 1];

  PetscFunctionBegin;
  *n = 0;
  PetscCall(PetscMalloc1(net->nparams, from));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];
    const TzTrain *train = TzLayerGetCut(layer).train;

    for (PetscInt i = 0; !train && i < layer->nweights; i++) (*from)[(*n)++] = layer->weights + i;
    if (!train) continue;
    PetscCall(PruneTrain(layer, theta, below, r, n, *from));
    PetscCall(TzBondsAppend(first, train->ncores, r, sizeof(text), text));
    first = PETSC_FALSE;
  }
  for (PetscInt i = net->layer[0].bias; i < net->nparams; i++) (*from)[(*n)++] = i;
  *bonds = NULL;
  if (*n < net->nparams) PetscCall(PetscStrallocpy(text, bonds));
  else PetscCall(PetscFree(*from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ranks [ncores + 1] with a slice more of every bond that may have it; whether there is one */
static PetscBool Longer(const TzTrain *train, PetscInt most, PetscInt r[])
{
  PetscInt64 full = 1; /* rank of the bond that any matrix needs, at most `most`: from the left, then from the right */
  PetscBool  some = PETSC_FALSE;

  r[0] = r[train->ncores] = 1;
  for (PetscInt k = 0; k + 1 < train->ncores; k++) {
    full     = PetscMin(most, full * train->core[k].m * train->core[k].n);
    r[k + 1] = PetscMin((PetscInt)full, train->core[k].r1 + 1);
  }
  full = 1;
  for (PetscInt k = train->ncores - 1; k > 0; k--) {
    full = PetscMin(most, full * train->core[k].m * train->core[k].n);
    r[k] = PetscMax(PetscMin((PetscInt)full, r[k]), train->core[k].r0); /* which a user may have given more than it needs */
    some = (PetscBool)(some || r[k] > train->core[k].r0);
  }
  return some;
}

/* The train of layer l with these ranks: its places behind from[*n], its new numbers behind fresh[*n] */
static PetscErrorCode GrowTrain(const TzTrain *train, const PetscReal theta[], const PetscInt r[], PetscInt64 seed, PetscInt l, PetscInt *n, PetscInt from[],
                                PetscReal fresh[])
{
  TzCores cores;

  PetscFunctionBegin;
  PetscCall(TzCoresFromTheta(train, theta, &cores));
  PetscCall(TzCoresGrow(&cores, r, seed, l));
  for (PetscInt k = 0; k < train->ncores; k++) {
    const TzCore   c    = train->core[k];
    const PetscInt more = r[k] * c.m * c.n * r[k + 1];

    for (PetscInt e = 0; e < more; e++, ++*n) {
      const PetscInt row = e / r[k + 1], b = e % r[k + 1]; /* row (a, x) of the r0 m n */

      from[*n]  = row < c.r0 * c.m * c.n && b < c.r1 ? c.offset + row * c.r1 + b : -1;
      fresh[*n] = from[*n] < 0 ? cores.G[k][e] : 0;
    }
  }
  PetscCall(TzCoresDestroy(&cores));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGrow(TzNet net, const PetscReal theta[], PetscInt most, PetscInt64 seed, char **bonds, PetscInt *n, PetscInt **from, PetscReal **fresh)
{
  PetscInt64 size       = net->nparams;
  char       text[2048] = "";
  PetscBool  some = PETSC_FALSE, first = PETSC_TRUE;
  PetscInt   r[TZ_MAX_CORES + 1];

  PetscFunctionBegin;
  *bonds = NULL;
  *n     = 0;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzTrain *train = TzLayerGetCut(&net->layer[l]).train;

    if (!train) continue;
    some = (PetscBool)(Longer(train, most, r) || some);
    for (PetscInt k = 0; k < train->ncores; k++)
      size += (PetscInt64)train->core[k].m * train->core[k].n * ((PetscInt64)r[k] * r[k + 1] - (PetscInt64)train->core[k].r0 * train->core[k].r1);
  }
  if (!some) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((size_t)size, from));
  PetscCall(PetscCalloc1((size_t)size, fresh));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];
    const TzTrain *train = TzLayerGetCut(layer).train;

    for (PetscInt i = 0; !train && i < layer->nweights; i++) (*from)[(*n)++] = layer->weights + i;
    if (!train) continue;
    (void)Longer(train, most, r);
    PetscCall(TzBondsAppend(first, train->ncores, r, sizeof(text), text));
    first = PETSC_FALSE;
    PetscCall(GrowTrain(train, theta, r, seed, l, n, *from, *fresh));
  }
  for (PetscInt i = net->layer[0].bias; i < net->nparams; i++) (*from)[(*n)++] = i;
  PetscCall(PetscStrallocpy(text, bonds));
  PetscFunctionReturn(PETSC_SUCCESS);
}
