/*
  TzNetCoordinates: the outputs of a network with one hidden layer under changes of single parameters, for many of them at once.

  An entry of the first weight moves the pre-activations of a slice of hidden units, and through the second weight all outputs; an entry of the
  second weight moves a slice of the outputs. What moves, and how far, comes from the partial products of partials.h; no forward pass is repeated.
*/
#include "partials.h"

struct _p_TzNetCoordinates {
  TzNet       net;
  TzNetEval   eval;
  TzPartials *partials[2]; /* NULL: the layer is dense */
  PetscInt    hidden, out, in;
  PetscReal  *W2;       /* [out][hidden] */
  PetscInt    npoints;  /* room for, below */
  PetscReal  *X, *z, *a, *y; /* [n][in], [n][hidden], [n][hidden], [n][out]: inputs, hidden layer, outputs at the parameters bound */
  PetscReal  *D, *w, *sum; /* of a group: moved activations [rows][width], columns of W2 [rows][out], outputs [out][width] */
};

/* What one call of TzNetCoordinatesEvaluate() is about */
typedef struct {
  TzNetCoordinates c;
  PetscReal        delta;
  PetscInt         first, last;
  const PetscReal *x, *z, *a; /* of the point */
  PetscReal       *Y;         /* [out][last - first] */
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
  PetscInt         rows = 1, size = 1, width = 1;

  PetscFunctionBegin;
  PetscCall(TzNetHasCoordinates(net, &has));
  PetscCheck(has, PetscObjectComm((PetscObject)net), PETSC_ERR_SUP, "single parameters are followed through networks with one hidden layer only");
  PetscCall(PetscNew(&c));
  PetscCall(PetscObjectReference((PetscObject)net));
  c->net    = net;
  c->in     = net->in;
  c->out    = net->out;
  c->hidden = net->hidden[0];
  PetscCall(TzNetEvalCreate(net, &c->eval));
  for (PetscInt l = 0; l < 2; l++)
    if (net->layer[l].ncores) PetscCall(TzPartialsCreate(&net->layer[l], &c->partials[l]));
  if (c->partials[0])
    for (PetscInt k = 0; k < net->layer[0].ncores; k++) {
      const TzCoreMap *map = &c->partials[0]->map[k];

      rows  = PetscMax(rows, map->ml * map->mr);
      size  = PetscMax(size, map->ml * map->mr * map->width);
      width = PetscMax(width, map->width);
    }
  size = PetscMax(size, PetscMax(c->in, c->hidden));
  PetscCall(PetscMalloc4(c->out * c->hidden, &c->W2, size, &c->D, rows * c->out, &c->w, c->out * width, &c->sum));
  *newc = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetCoordinatesDestroy(TzNetCoordinates *c)
{
  PetscFunctionBegin;
  if (!*c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPartialsDestroy(&(*c)->partials[0]));
  PetscCall(TzPartialsDestroy(&(*c)->partials[1]));
  PetscCall(PetscFree4((*c)->W2, (*c)->D, (*c)->w, (*c)->sum));
  PetscCall(PetscFree4((*c)->X, (*c)->z, (*c)->a, (*c)->y));
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d[i] = act(z + delta t[i]) - act(z), i < n; whether any is not 0 */
static PetscBool Shift(TzActivation act, PetscInt n, PetscReal z, PetscReal delta, const PetscReal t[], PetscReal d[])
{
  PetscReal a;

  if (act == TZ_ACT_RELU) return TzProductsGet()->relushift(n, z, delta, t, d);
  a = TzActivate(act, z, NULL, NULL);
  for (PetscInt i = 0; i < n; i++) d[i] = TzActivate(act, z + delta * t[i], NULL, NULL) - a;
  return PETSC_TRUE;
}

/* Adds sum [out][width], the outputs' changes by a group's parameters, to the call's coordinates */
static void Scatter(const Call *call, const TzCoreMap *map, PetscInt g, PetscInt jk, const PetscReal sum[])
{
  const PetscInt base = map->core.offset + g * map->gstep + jk * map->jstep, n0 = map->width / map->n1, count = call->last - call->first;

  for (PetscInt o = 0; o < call->c->out; o++)
    for (PetscInt x = 0; x < n0; x++)
      for (PetscInt d = 0; d < map->n1; d++) {
        const PetscInt i = base + x * map->cstep + d * map->dstep;

        if (i >= call->first && i < call->last) call->Y[o * count + i - call->first] += sum[o * map->width + x * map->n1 + d];
      }
}

/* Entries of a core of the first weight: units that none of a group's entries moves are left out of the product (the rectifier's silent ones) */
static PetscErrorCode FirstWeight(void *context, const TzCoreMap *map, const PetscReal T[])
{
  const Call            *call = (const Call *)context;
  const TzNetCoordinates c    = call->c;

  PetscFunctionBegin;
  for (PetscInt jk = 0; jk < map->core.m; jk++)
    for (PetscInt g = 0; g < map->groups; g++) {
      PetscInt rows = 0;

      for (PetscInt jl = 0; jl < map->ml; jl++)
        for (PetscInt jr = 0; jr < map->mr; jr++) {
          const PetscInt h = (jl * map->core.m + jk) * map->mr + jr;

          if (!Shift(c->net->act, map->width, call->z[h], call->delta, T + g * map->group + jl * map->left + jr * map->right, c->D + rows * map->width)) continue;
          for (PetscInt o = 0; o < c->out; o++) c->w[rows * c->out + o] = c->W2[o * c->hidden + h];
          rows++;
        }
      TzProductsGet()->product(c->out, map->width, rows, (TzStrided){c->w, 1, c->out}, c->D, map->width, c->sum, map->width, PETSC_FALSE);
      Scatter(call, map, g, jk, c->sum);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of a core of the second weight */
static PetscErrorCode SecondWeight(void *context, const TzCoreMap *map, const PetscReal T[])
{
  const Call *call = (const Call *)context;

  PetscFunctionBegin;
  for (PetscInt jk = 0; jk < map->core.m; jk++)
    for (PetscInt g = 0; g < map->groups; g++) {
      const PetscInt base = map->core.offset + g * map->gstep + jk * map->jstep, n0 = map->width / map->n1;

      for (PetscInt jl = 0; jl < map->ml; jl++)
        for (PetscInt jr = 0; jr < map->mr; jr++) {
          const PetscReal *t = T + g * map->group + jl * map->left + jr * map->right;
          PetscReal       *y = call->Y + ((jl * map->core.m + jk) * map->mr + jr) * (call->last - call->first) - call->first;

          for (PetscInt x = 0; x < n0; x++)
            for (PetscInt d = 0; d < map->n1; d++) {
              const PetscInt i = base + x * map->cstep + d * map->dstep;

              if (i >= call->first && i < call->last) y[i] += call->delta * t[x * map->n1 + d];
            }
        }
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part of the parameters offset .. offset+n-1 that a call asks for: lo <= i < hi, counted from offset */
static PetscBool Overlap(const Call *call, PetscInt offset, PetscInt n, PetscInt *lo, PetscInt *hi)
{
  *lo = PetscMax(0, call->first - offset);
  *hi = PetscMin(n, call->last - offset);
  return *lo < *hi ? PETSC_TRUE : PETSC_FALSE;
}

/* Dense weights [out][in], a row at a time */
static void DenseWeights(const Call *call)
{
  const TzNetCoordinates c     = call->c;
  const PetscInt         count = call->last - call->first, w1 = c->net->layer[0].weights, w2 = c->net->layer[1].weights;
  PetscInt               lo, hi;

  for (PetscInt h = 0; h < c->hidden && !c->partials[0]; h++) {
    if (!Overlap(call, w1 + h * c->in, c->in, &lo, &hi) || !Shift(c->net->act, hi - lo, call->z[h], call->delta, call->x + lo, c->D)) continue;
    TzProductsGet()->product(c->out, hi - lo, 1, (TzStrided){c->W2 + h, c->hidden, 1}, c->D, hi - lo, call->Y + w1 + h * c->in + lo - call->first, count, PETSC_TRUE);
  }
  for (PetscInt o = 0; o < c->out && !c->partials[1]; o++) {
    if (!Overlap(call, w2 + o * c->hidden, c->hidden, &lo, &hi)) continue;
    for (PetscInt h = lo; h < hi; h++) call->Y[o * count + w2 + o * c->hidden + h - call->first] += call->delta * call->a[h];
  }
}

static void Biases(const Call *call)
{
  const TzNetCoordinates c     = call->c;
  const PetscInt         count = call->last - call->first, b1 = c->net->layer[0].bias, b2 = c->net->layer[1].bias;
  const PetscReal        one   = 1;
  PetscInt               lo, hi;

  if (Overlap(call, b1, c->hidden, &lo, &hi)) {
    for (PetscInt h = lo; h < hi; h++) (void)Shift(c->net->act, 1, call->z[h], call->delta, &one, c->D + h);
    for (PetscInt o = 0; o < c->out; o++)
      for (PetscInt h = lo; h < hi; h++) call->Y[o * count + b1 + h - call->first] += c->W2[o * c->hidden + h] * c->D[h];
  }
  if (Overlap(call, b2, c->out, &lo, &hi))
    for (PetscInt o = lo; o < hi; o++) call->Y[o * count + b2 + o - call->first] += call->delta;
}

PetscErrorCode TzNetCoordinatesEvaluate(TzNetCoordinates c, PetscInt point, PetscReal delta, PetscInt first, PetscInt count, PetscReal Y[])
{
  Call call = {.c = c, .delta = delta, .first = first, .last = first + count, .x = c->X + point * c->in, .z = c->z + point * c->hidden, .a = c->a + point * c->hidden, .Y = Y};

  PetscFunctionBegin;
  for (PetscInt o = 0; o < c->out; o++)
    for (PetscInt i = 0; i < count; i++) Y[o * count + i] = c->y[point * c->out + o];
  if (c->partials[0]) PetscCall(TzPartialsApply(c->partials[0], call.x, call.first, call.last, FirstWeight, &call));
  if (c->partials[1]) PetscCall(TzPartialsApply(c->partials[1], call.a, call.first, call.last, SecondWeight, &call));
  DenseWeights(&call);
  Biases(&call);
  PetscFunctionReturn(PETSC_SUCCESS);
}
