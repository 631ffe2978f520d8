/*
  TzNetCoordinates: the outputs of a network with one hidden layer under changes of single parameters, for many of them at once.

  An entry of the first weight moves the pre-activations of a slice of hidden units, and through the second weight all outputs; an entry of the
  second weight moves a slice of the outputs. What moves, and how far, comes from the partial products of partials.h; no forward pass is repeated.

  Outputs are kept in slots, one column a parameter, in the order in which they come out: the groups of a core each have `wide` slots, of
  which the last belong to no parameter.
*/
#include "coordinate_cores.h"

struct _p_TzNetCoordinates {
  TzNet       net;
  TzNetEval   eval;
  TzCut       cut[2];
  TzPartials *partials[2]; /* of a train; NULL: the weights are entries of the matrix */
  PetscInt    hidden, out, in;
  PetscInt    nv;            /* out rounded up to whole vectors */
  PetscReal  *W2, *W2t;      /* [out][hidden], [hidden][nv] */
  PetscInt    npoints;       /* room for, below */
  PetscReal  *X, *z, *a, *y; /* [n][in], [n][hidden], [n][hidden], [n][out]: inputs, hidden layer, outputs at the parameters bound */
  PetscReal  *t;             /* inputs of a dense weight's entries */
  PetscReal  *D, *w;         /* of a group: moved activations [rows][wide], their columns of W2 [rows][nv] */

  PetscInt   count, *list;          /* the parameters asked for, ascending */
  PetscInt   core[2][TZ_MAX_CORES]; /* slot of each core's first group, -1: no parameter of it is asked for */
  PetscInt   weights[2], bias[2];   /* slot of the first parameter asked for of such weights, of biases */
  PetscInt   nslots;
  PetscInt  *which; /* [nslots]: position in the list, -1: none */
  PetscReal *Y;     /* [out][nslots] */
};

typedef struct {
  TzNetCoordinates c;
  PetscReal        delta;
  const PetscReal *x, *z, *a; /* of the point */
} Call;

PetscErrorCode TzNetHasCoordinates(TzNet net, PetscBool *has)
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  *has = !net->reference && net->nhidden == 1 ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt l = 0; l < 2 && *has; l++) {
    const TzCut cut = TzLayerGetCut(&net->layer[l]);

    if (!cut.train && !cut.entries) *has = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetCoordinatesCreate(TzNet net, TzNetCoordinates *newc)
{
  TzNetCoordinates c;
  PetscBool        has;
  PetscInt         rows = 1, size = 1;

  PetscFunctionBegin;
  PetscCall(TzNetHasCoordinates(net, &has));
  PetscCheck(has, PetscObjectComm((PetscObject)net), PETSC_ERR_SUP, "single parameters are followed through networks with one hidden layer only");
  PetscCall(PetscNew(&c));
  PetscCall(PetscObjectReference((PetscObject)net));
  c->net    = net;
  c->in     = net->in;
  c->out    = net->out;
  c->hidden = net->hidden[0];
  c->nv     = (c->out + TZ_LANES - 1) / TZ_LANES * TZ_LANES;
  PetscCall(TzNetEvalCreate(net, &c->eval));
  for (PetscInt l = 0; l < 2; l++) {
    c->cut[l] = TzLayerGetCut(&net->layer[l]);
    if (c->cut[l].train) PetscCall(TzPartialsCreate(&net->layer[l], c->cut[l].train, &c->partials[l]));
  }
  if (c->partials[0])
    for (PetscInt k = 0; k < c->cut[0].train->ncores; k++) {
      const TzCoreMap *map = &c->partials[0]->map[k];

      rows = PetscMax(rows, map->ml * map->mr);
      size = PetscMax(size, map->ml * map->mr * map->wide);
    }
  size = PetscMax(size, PetscMax(c->in, c->hidden));
  PetscCall(PetscCalloc5(PetscMax(c->in, c->hidden), &c->t, c->out * c->hidden, &c->W2, c->hidden * c->nv, &c->W2t, size, &c->D, rows * c->nv, &c->w));
  *newc = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetCoordinatesDestroy(TzNetCoordinates *c)
{
  PetscFunctionBegin;
  if (!*c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPartialsDestroy(&(*c)->partials[0]));
  PetscCall(TzPartialsDestroy(&(*c)->partials[1]));
  PetscCall(PetscFree5((*c)->t, (*c)->W2, (*c)->W2t, (*c)->D, (*c)->w));
  PetscCall(PetscFree4((*c)->X, (*c)->z, (*c)->a, (*c)->y));
  PetscCall(PetscFree2((*c)->which, (*c)->Y));
  PetscCall(PetscFree((*c)->list));
  PetscCall(TzNetEvalDestroy(&(*c)->eval));
  PetscCall(TzNetDestroy(&(*c)->net));
  PetscCall(PetscFree(*c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetCoordinatesBind(TzNetCoordinates c, const PetscReal theta[], PetscInt n, const PetscReal X[])
{
  TzColumns *b;

  PetscFunctionBegin;
  if (n > c->npoints) {
    PetscCall(PetscFree4(c->X, c->z, c->a, c->y));
    PetscCall(PetscMalloc4(n * c->in, &c->X, n * c->hidden, &c->z, n * c->hidden, &c->a, n * c->out, &c->y));
    c->npoints = n;
  }
  PetscCall(PetscArraycpy(c->X, X, n * c->in));
  PetscCall(TzNetEvalBind(c->eval, theta));
  PetscCall(TzEvalGetColumns(c->eval, TZ_COLUMNS, &b));
  for (PetscInt i = 0; i < n; i += TZ_COLUMNS) {
    const PetscInt m = PetscMin(TZ_COLUMNS, n - i);

    PetscCall(TzColumnsForward(c->eval, b, m, X + i * c->in));
    TzTranspose(c->hidden, m, b->z[0], c->z + i * c->hidden);
    TzTranspose(c->hidden, m, b->a[1], c->a + i * c->hidden);
    TzTranspose(c->out, m, b->z[1], c->y + i * c->out);
  }
  for (PetscInt l = 0; l < 2; l++)
    if (c->partials[l]) PetscCall(TzPartialsBind(c->partials[l], theta));
  PetscCall(TzNetGetWeight(c->net, theta, 1, c->W2));
  for (PetscInt o = 0; o < c->out; o++)
    for (PetscInt h = 0; h < c->hidden; h++) c->W2t[h * c->nv + o] = c->W2[o * c->hidden + h];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Position in the list of the first parameter that is not below i */
static PetscInt Find(const TzNetCoordinates c, PetscInt i)
{
  PetscInt lo = 0, hi = c->count;

  while (lo < hi) {
    const PetscInt mid = (lo + hi) / 2;

    if (c->list[mid] < i) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/* The parameters offset .. offset+n-1 that are asked for are list[k0] .. list[k1-1] */
static PetscBool Overlap(const TzNetCoordinates c, PetscInt offset, PetscInt n, PetscInt *k0, PetscInt *k1)
{
  *k0 = Find(c, offset);
  *k1 = Find(c, offset + n);
  return *k0 < *k1 ? PETSC_TRUE : PETSC_FALSE;
}

/* Slots for those asked for of a range of parameters (of such weights, of biases) */
static void PlaceRange(TzNetCoordinates c, PetscInt offset, PetscInt n, PetscInt *slot)
{
  PetscInt k0, k1;

  *slot = c->nslots;
  if (!Overlap(c, offset, n, &k0, &k1)) return;
  for (PetscInt k = k0; k < k1 && c->which; k++) c->which[c->nslots + k - k0] = k;
  c->nslots += k1 - k0;
}

/* Slots [jk][group][wide] for a core */
static void PlaceCore(TzNetCoordinates c, const TzCoreMap *map, PetscInt *slot)
{
  const TzCore core = map->core;
  PetscInt     k0, k1;

  *slot = -1;
  if (!Overlap(c, core.offset, core.r0 * core.m * core.n * core.r1, &k0, &k1)) return;
  *slot = c->nslots;
  for (PetscInt g = 0; g < core.m * map->groups; g++, c->nslots += map->wide)
    for (PetscInt x = 0; x < map->wide && c->which; x++) {
      const PetscInt i = core.offset + g % map->groups * map->gstep + g / map->groups * map->jstep + x / map->n1 * map->cstep + x % map->n1 * map->dstep;
      const PetscInt k = x < map->width ? Find(c, i) : c->count;

      c->which[c->nslots + x] = k < c->count && c->list[k] == i ? k : -1;
    }
}

static void Place(TzNetCoordinates c)
{
  c->nslots = 0;
  for (PetscInt l = 0; l < 2; l++) {
    const TzLayer *layer = &c->net->layer[l];

    for (PetscInt k = 0; c->partials[l] && k < c->cut[l].train->ncores; k++) PlaceCore(c, &c->partials[l]->map[k], &c->core[l][k]);
    if (!c->partials[l]) PlaceRange(c, layer->weights, layer->nweights, &c->weights[l]);
    PlaceRange(c, layer->bias, layer->out, &c->bias[l]);
  }
}

/* Slots are counted, then placed */
PetscErrorCode TzNetCoordinatesSetParameters(TzNetCoordinates c, PetscInt count, const PetscInt list[])
{
  PetscFunctionBegin;
  if (c->count == count && !memcmp(c->list, list, (size_t)count * sizeof(*list))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(c->list));
  PetscCall(PetscMalloc1(count, &c->list));
  PetscCall(PetscArraycpy(c->list, list, count));
  c->count = count;
  PetscCall(PetscFree2(c->which, c->Y));
  Place(c);
  PetscCall(PetscMalloc2(c->nslots, &c->which, c->nslots * c->out, &c->Y));
  Place(c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of a core of the first weight */
static PetscErrorCode FirstWeight(void *context, const TzCoreMap *map, const PetscReal T[])
{
  const Call            *call    = (const Call *)context;
  const TzNetCoordinates c       = call->c;
  const TzKernels       *kernels = TzKernelsGet();
  PetscInt               slot    = c->core[0][map - c->partials[0]->map];

  PetscFunctionBegin;
  if (slot < 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt jk = 0; jk < map->core.m; jk++) {
    const TzUnits units = {.ml    = map->ml,
                           .mr    = map->mr,
                           .zl    = map->core.m * map->mr,
                           .left  = map->left,
                           .right = map->right,
                           .nv    = c->nv,
                           .z     = call->z + jk * map->mr,
                           .V     = c->W2t + jk * map->mr * c->nv};

    for (PetscInt g = 0; g < map->groups; g++, slot += map->wide) {
      const PetscReal *t    = T + g * map->group;
      const PetscInt   rows = kernels->moveunits(c->net->act, &units, map->wide, call->delta, t, c->D, c->w);

      kernels->product(c->out, map->wide, rows, (TzStrided){c->w, 1, c->nv}, c->D, map->wide, c->Y + slot, c->nslots, PETSC_TRUE);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of a core of the second weight */
static PetscErrorCode SecondWeight(void *context, const TzCoreMap *map, const PetscReal T[])
{
  const Call            *call = (const Call *)context;
  const TzNetCoordinates c    = call->c;
  PetscInt               slot = c->core[1][map - c->partials[1]->map];

  PetscFunctionBegin;
  if (slot < 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt jk = 0; jk < map->core.m; jk++)
    for (PetscInt g = 0; g < map->groups; g++, slot += map->wide)
      for (PetscInt jl = 0; jl < map->ml; jl++)
        for (PetscInt jr = 0; jr < map->mr; jr++) {
          const PetscReal *t = T + g * map->group + jl * map->left + jr * map->right;
          PetscReal       *y = c->Y + ((jl * map->core.m + jk) * map->mr + jr) * c->nslots + slot;

          for (PetscInt x = 0; x < map->width; x++) y[x] += call->delta * t[x];
        }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dense or sparse weights, a row of W [out][in] at a time */
static void MatrixWeights(const Call *call, PetscInt l)
{
  const TzNetCoordinates c     = call->c;
  const TzLayer         *layer = &c->net->layer[l];
  PetscReal             *Y = c->Y + c->weights[l], *t = c->t;
  PetscInt               k0, k1;

  if (!Overlap(c, layer->weights, layer->nweights, &k0, &k1)) return;
  for (PetscInt k = k0, n; k < k1; k += n, Y += n) {
    PetscInt row = -1;

    for (n = 0; k + n < k1; n++) {
      const PetscInt w = c->list[k + n] - layer->weights, place = c->cut[l].place ? c->cut[l].place[w] : w;

      if (row < 0) row = place / layer->in;
      if (place / layer->in != row) break;
      t[n] = (l ? call->a : call->x)[place % layer->in];
    }
    if (l == 0) {
      TzKernelsGet()->move(c->net->act, n, call->z[row], call->delta, t, c->D);
      TzKernelsGet()->product(c->out, n, 1, (TzStrided){c->W2 + row, c->hidden, 1}, c->D, n, Y, c->nslots, PETSC_TRUE);
    } else {
      for (PetscInt i = 0; i < n; i++) Y[row * c->nslots + i] += call->delta * t[i];
    }
  }
}

static void Biases(const Call *call)
{
  const TzNetCoordinates c   = call->c;
  const PetscReal        one = 1;
  PetscInt               k0, k1;

  if (Overlap(c, c->net->layer[0].bias, c->hidden, &k0, &k1))
    for (PetscInt k = k0; k < k1; k++) {
      const PetscInt h = c->list[k] - c->net->layer[0].bias;
      PetscReal      d;

      TzKernelsGet()->move(c->net->act, 1, call->z[h], call->delta, &one, &d);
      for (PetscInt o = 0; o < c->out; o++) c->Y[o * c->nslots + c->bias[0] + k - k0] += c->W2[o * c->hidden + h] * d;
    }
  if (Overlap(c, c->net->layer[1].bias, c->out, &k0, &k1))
    for (PetscInt k = k0; k < k1; k++) c->Y[(c->list[k] - c->net->layer[1].bias) * c->nslots + c->bias[1] + k - k0] += call->delta;
}

PetscErrorCode TzNetCoordinatesEvaluate(TzNetCoordinates c, PetscInt point, PetscReal delta, PetscInt *n, const PetscInt **which, const PetscReal **Y)
{
  const PetscInt first = c->list[0], last = c->list[c->count - 1] + 1;
  Call           call = {.c = c, .delta = delta, .x = c->X + point * c->in, .z = c->z + point * c->hidden, .a = c->a + point * c->hidden};

  PetscFunctionBegin;
  for (PetscInt o = 0; o < c->out; o++)
    for (PetscInt i = 0; i < c->nslots; i++) c->Y[o * c->nslots + i] = c->y[point * c->out + o];
  if (c->partials[0]) PetscCall(TzPartialsApply(c->partials[0], call.x, first, last, FirstWeight, &call));
  else MatrixWeights(&call, 0);
  if (c->partials[1]) PetscCall(TzPartialsApply(c->partials[1], call.a, first, last, SecondWeight, &call));
  else MatrixWeights(&call, 1);
  Biases(&call);
  *n     = c->nslots;
  *which = c->which;
  *Y     = c->Y;
  PetscFunctionReturn(PETSC_SUCCESS);
}
