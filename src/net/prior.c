/*
  Ranks that find themselves: the low-rank prior on the slices of trains, and the cutting of slices (TzNetAdaptive in tznet.h).
*/
#include <private/tznetimpl.h>

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

/* Of one train: its ranks to the text, the places that stay behind kept[*n] */
static PetscErrorCode PruneTrain(const TzLayer *layer, const PetscReal theta[], PetscReal below, size_t len, char text[], PetscInt *n, PetscInt kept[])
{
  const TzTrain  *train = TzLayerGetCut(layer).train;
  const PetscReal start = layer->ops->deviation ? (*layer->ops->deviation)(layer) : 0;
  PetscReal      *lambda;
  PetscBool      *stays[TZ_MAX_CORES + 1];
  PetscInt        r = 1;
  char            number[32];

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->ncores; k++) r = PetscMax(r, train->core[k].r0);
  PetscCall(PetscMalloc1(r, &lambda));
  for (PetscInt k = 0; k <= train->ncores; k++) {
    PetscCall(PetscMalloc1(r, &stays[k]));
    stays[k][0] = PETSC_TRUE;
    if (!k || k == train->ncores) continue;
    PetscCall(PetscSNPrintf(number, sizeof(number), "%s%" PetscInt_FMT, k > 1 ? "," : "", Choose(train, k, theta, below, start, lambda, stays[k])));
    PetscCall(PetscStrlcat(text, number, len));
  }
  for (PetscInt k = 0; k < train->ncores; k++) {
    const TzCore c = train->core[k];

    for (PetscInt e = 0; e < c.r0 * c.m * c.n * c.r1; e++)
      if (stays[k][e / (c.m * c.n * c.r1)] && stays[k + 1][e % c.r1]) kept[(*n)++] = c.offset + e;
  }
  for (PetscInt k = 0; k <= train->ncores; k++) PetscCall(PetscFree(stays[k]));
  PetscCall(PetscFree(lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetPrune(TzNet net, const PetscReal theta[], PetscReal below, char **bonds, PetscInt *n, PetscInt **kept)
{
  char      text[2048] = "";
  PetscBool first      = PETSC_TRUE;

  PetscFunctionBegin;
  *n = 0;
  PetscCall(PetscMalloc1(net->nparams, kept));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];
    const TzTrain *train = TzLayerGetCut(layer).train;

    for (PetscInt i = 0; !train && i < layer->nweights; i++) (*kept)[(*n)++] = layer->weights + i;
    if (!train) continue;
    if (!first) PetscCall(PetscStrlcat(text, ";", sizeof(text)));
    first = PETSC_FALSE;
    PetscCall(PruneTrain(layer, theta, below, sizeof(text), text, n, *kept));
  }
  for (PetscInt i = net->layer[0].bias; i < net->nparams; i++) (*kept)[(*n)++] = i;
  *bonds = NULL;
  if (*n < net->nparams) PetscCall(PetscStrallocpy(text, bonds));
  else PetscCall(PetscFree(*kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}
