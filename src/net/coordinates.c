/*
  TzNetCoordinates: the outputs of a network with one hidden layer under changes of single parameters, for many of them at once.

  An entry of the first weight moves the pre-activations of a slice of hidden units, and through the second weight all outputs; an entry of the
  second weight moves a slice of the outputs. What moves, and how far, comes from the partial products of partials.h; no forward pass is repeated.

  Outputs are kept in slots, one column a parameter, in the order in which they come out: the groups of a core each have `wide` slots, of
  which the last belong to no parameter.
*/
#include "partials.h"

struct _p_TzNetCoordinates {
  TzNet       net;
  TzNetEval   eval;
  TzPartials *partials[2]; /* NULL: the layer is dense */
  PetscInt    hidden, out, in;
  PetscInt    nv;            /* out rounded up to whole vectors */
  PetscReal  *W2, *W2t;      /* [out][hidden], [hidden][nv] */
  PetscInt    npoints;       /* room for, below */
  PetscReal  *X, *z, *a, *y; /* [n][in], [n][hidden], [n][hidden], [n][out]: inputs, hidden layer, outputs at the parameters bound */
  PetscReal  *D, *w;         /* of a group: moved activations [rows][wide], their columns of W2 [rows][nv] */

  PetscInt   first, last;           /* the parameters that the slots are for */
  PetscInt   core[2][TZ_MAX_CORES]; /* slot of each core's first group, -1: no parameter of it is asked for */
  PetscInt   weights[2], bias[2];   /* slot of the first parameter asked for of dense weights, of biases */
  PetscInt   nslots, room;
  PetscInt  *which; /* [nslots]: parameter, -1: none */
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
  *has = !net->plain && net->nhidden == 1 ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt l = 0; l < net->nlayers; l++)
    if (!net->layer[l].ncores && net->layer[l].ops != &TzFormat_Dense) *has = PETSC_FALSE;
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
  for (PetscInt l = 0; l < 2; l++)
    if (net->layer[l].ncores) PetscCall(TzPartialsCreate(&net->layer[l], &c->partials[l]));
  if (c->partials[0])
    for (PetscInt k = 0; k < net->layer[0].ncores; k++) {
      const TzCoreMap *map = &c->partials[0]->map[k];

      rows = PetscMax(rows, map->ml * map->mr);
      size = PetscMax(size, map->ml * map->mr * map->wide);
    }
  size = PetscMax(size, PetscMax(c->in, c->hidden));
  PetscCall(PetscCalloc4(c->out * c->hidden, &c->W2, c->hidden * c->nv, &c->W2t, size, &c->D, rows * c->nv, &c->w));
  *newc = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetCoordinatesDestroy(TzNetCoordinates *c)
{
  PetscFunctionBegin;
  if (!*c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPartialsDestroy(&(*c)->partials[0]));
  PetscCall(TzPartialsDestroy(&(*c)->partials[1]));
  PetscCall(PetscFree4((*c)->W2, (*c)->W2t, (*c)->D, (*c)->w));
  PetscCall(PetscFree4((*c)->X, (*c)->z, (*c)->a, (*c)->y));
  PetscCall(PetscFree2((*c)->which, (*c)->Y));
  PetscCall(TzNetEvalDestroy(&(*c)->eval));
  PetscCall(TzNetDestroy(&(*c)->net));
  PetscCall(PetscFree(*c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetCoordinatesBind(TzNetCoordinates c, const PetscReal theta[], PetscInt n, const PetscReal X[])
{
  TzBatch *b;

  PetscFunctionBegin;
  if (n > c->npoints) {
    PetscCall(PetscFree4(c->X, c->z, c->a, c->y));
    PetscCall(PetscMalloc4(n * c->in, &c->X, n * c->hidden, &c->z, n * c->hidden, &c->a, n * c->out, &c->y));
    c->npoints = n;
  }
  PetscCall(PetscArraycpy(c->X, X, n * c->in));
  PetscCall(TzNetEvalBind(c->eval, theta));
  PetscCall(TzNetEvalGetBatch(c->eval, &b));
  for (PetscInt i = 0; i < n; i += TZ_BATCH) {
    const PetscInt m = PetscMin(TZ_BATCH, n - i);

    PetscCall(TzBatchForward(c->eval, b, m, X + i * c->in));
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

/* The part of the parameters offset .. offset+n-1 that is asked for: lo <= i < hi, counted from offset */
static PetscBool Overlap(const TzNetCoordinates c, PetscInt offset, PetscInt n, PetscInt *lo, PetscInt *hi)
{
  *lo = PetscMax(0, c->first - offset);
  *hi = PetscMin(n, c->last - offset);
  return *lo < *hi ? PETSC_TRUE : PETSC_FALSE;
}

/* Slots for the part asked for of a range of parameters (of dense weights, of biases) */
static void PlaceRange(TzNetCoordinates c, PetscInt offset, PetscInt n, PetscInt *slot)
{
  PetscInt lo, hi;

  *slot = c->nslots;
  if (!Overlap(c, offset, n, &lo, &hi)) return;
  for (PetscInt i = lo; i < hi && c->which; i++) c->which[c->nslots + i - lo] = offset + i;
  c->nslots += hi - lo;
}

/* Slots [jk][group][wide] for a core */
static void PlaceCore(TzNetCoordinates c, const TzCoreMap *map, PetscInt *slot)
{
  const TzCore core = map->core;
  PetscInt     lo, hi;

  *slot = -1;
  if (!Overlap(c, core.offset, core.r0 * core.m * core.n * core.r1, &lo, &hi)) return;
  *slot = c->nslots;
  for (PetscInt g = 0; g < core.m * map->groups; g++, c->nslots += map->wide)
    for (PetscInt x = 0; x < map->wide && c->which; x++) {
      const PetscInt i = core.offset + g % map->groups * map->gstep + g / map->groups * map->jstep + x / map->n1 * map->cstep + x % map->n1 * map->dstep;

      c->which[c->nslots + x] = x < map->width && i >= c->first && i < c->last ? i : -1;
    }
}

static void Place(TzNetCoordinates c)
{
  c->nslots = 0;
  for (PetscInt l = 0; l < 2; l++) {
    const TzLayer *layer = &c->net->layer[l];

    for (PetscInt k = 0; k < layer->ncores; k++) PlaceCore(c, &c->partials[l]->map[k], &c->core[l][k]);
    if (!c->partials[l]) PlaceRange(c, layer->weights, layer->nweights, &c->weights[l]);
    PlaceRange(c, layer->bias, layer->out, &c->bias[l]);
  }
}

/* Slots for the parameters first <= i < last: counted, then placed */
static PetscErrorCode SetRange(TzNetCoordinates c, PetscInt first, PetscInt last)
{
  PetscFunctionBegin;
  if (c->first == first && c->last == last) PetscFunctionReturn(PETSC_SUCCESS);
  c->first = first;
  c->last  = last;
  PetscCall(PetscFree2(c->which, c->Y));
  Place(c);
  PetscCall(PetscMalloc2(c->nslots, &c->which, c->nslots * c->out, &c->Y));
  Place(c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d[i] = act(z + delta t[i]) - act(z), i < n */
static void Shift(TzActivation act, PetscInt n, PetscReal z, PetscReal delta, const PetscReal t[], PetscReal d[])
{
  const PetscReal a = TzActivate(act, z, NULL, NULL);

  for (PetscInt i = 0; i < n; i++) d[i] = TzActivate(act, z + delta * t[i], NULL, NULL) - a;
}

/* As the kernel relushift, for any activation: no unit stays silent */
static PetscInt ShiftUnits(TzActivation act, const TzUnits *u, PetscInt wide, PetscReal delta, const PetscReal t[], PetscReal d[], PetscReal v[])
{
  for (PetscInt jl = 0; jl < u->ml; jl++)
    for (PetscInt jr = 0; jr < u->mr; jr++, d += wide, v += u->nv) {
      const PetscInt h = jl * u->zl + jr;

      Shift(act, wide, u->z[h], delta, t + jl * u->left + jr * u->right, d);
      for (PetscInt o = 0; o < u->nv; o++) v[o] = u->V[h * u->nv + o];
    }
  return u->ml * u->mr;
}

/* Entries of a core of the first weight */
static PetscErrorCode FirstWeight(void *context, const TzCoreMap *map, const PetscReal T[])
{
  const Call            *call    = (const Call *)context;
  const TzNetCoordinates c       = call->c;
  const TzProducts      *kernels = TzProductsGet();
  const TzActivation     act     = c->net->act;
  PetscReal             *Y       = c->Y + c->core[0][map - c->partials[0]->map];

  PetscFunctionBegin;
  for (PetscInt jk = 0; jk < map->core.m; jk++) {
    const TzUnits units = {.ml    = map->ml,
                           .mr    = map->mr,
                           .zl    = map->core.m * map->mr,
                           .left  = map->left,
                           .right = map->right,
                           .nv    = c->nv,
                           .z     = call->z + jk * map->mr,
                           .V     = c->W2t + jk * map->mr * c->nv};

    for (PetscInt g = 0; g < map->groups; g++, Y += map->wide) {
      const PetscReal *t    = T + g * map->group;
      const PetscInt   rows = act == TZ_ACT_RELU ? kernels->relushift(&units, map->wide, call->delta, t, c->D, c->w)
                                                 : ShiftUnits(act, &units, map->wide, call->delta, t, c->D, c->w);

      kernels->product(c->out, map->wide, rows, (TzStrided){c->w, 1, c->nv}, c->D, map->wide, Y, c->nslots, PETSC_TRUE);
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

/* Dense weights [out][in], a row at a time */
static void DenseWeights(const Call *call, PetscInt l)
{
  const TzNetCoordinates c     = call->c;
  const TzLayer         *layer = &c->net->layer[l];
  PetscReal             *Y     = c->Y + c->weights[l];
  PetscInt               lo, hi;

  for (PetscInt j = 0; j < layer->out; j++) {
    if (!Overlap(c, layer->weights + j * layer->in, layer->in, &lo, &hi)) continue;
    if (l == 0) {
      Shift(c->net->act, hi - lo, call->z[j], call->delta, call->x + lo, c->D);
      TzProductsGet()->product(c->out, hi - lo, 1, (TzStrided){c->W2 + j, c->hidden, 1}, c->D, hi - lo, Y, c->nslots, PETSC_TRUE);
    } else {
      for (PetscInt h = lo; h < hi; h++) Y[j * c->nslots + h - lo] += call->delta * call->a[h];
    }
    Y += hi - lo;
  }
}

static void Biases(const Call *call)
{
  const TzNetCoordinates c   = call->c;
  const PetscReal        one = 1;
  PetscInt               lo, hi;

  if (Overlap(c, c->net->layer[0].bias, c->hidden, &lo, &hi)) {
    for (PetscInt h = lo; h < hi; h++) Shift(c->net->act, 1, call->z[h], call->delta, &one, c->D + h);
    for (PetscInt o = 0; o < c->out; o++)
      for (PetscInt h = lo; h < hi; h++) c->Y[o * c->nslots + c->bias[0] + h - lo] += c->W2[o * c->hidden + h] * c->D[h];
  }
  if (Overlap(c, c->net->layer[1].bias, c->out, &lo, &hi))
    for (PetscInt o = lo; o < hi; o++) c->Y[o * c->nslots + c->bias[1] + o - lo] += call->delta;
}

PetscErrorCode TzNetCoordinatesEvaluate(TzNetCoordinates c, PetscInt point, PetscReal delta, PetscInt first, PetscInt count, PetscInt *n,
                                        const PetscInt **which, const PetscReal **Y)
{
  Call call = {.c = c, .delta = delta, .x = c->X + point * c->in, .z = c->z + point * c->hidden, .a = c->a + point * c->hidden};

  PetscFunctionBegin;
  PetscCall(SetRange(c, first, first + count));
  for (PetscInt o = 0; o < c->out; o++)
    for (PetscInt i = 0; i < c->nslots; i++) c->Y[o * c->nslots + i] = c->y[point * c->out + o];
  if (c->partials[0]) PetscCall(TzPartialsApply(c->partials[0], call.x, c->first, c->last, FirstWeight, &call));
  else DenseWeights(&call, 0);
  if (c->partials[1]) PetscCall(TzPartialsApply(c->partials[1], call.a, c->first, c->last, SecondWeight, &call));
  else DenseWeights(&call, 1);
  Biases(&call);
  *n     = c->nslots;
  *which = c->which;
  *Y     = c->Y;
  PetscFunctionReturn(PETSC_SUCCESS);
}
