/*
  The outputs of a network where single parameters of its last two layers have moved, for many of them at once: of a network with one hidden layer all.

  An entry of the first weight moves the pre-activations of a slice of hidden units, and through the second weight all outputs; an entry of the
  second weight moves a slice of the outputs. What moves, and how far, comes from the chains of coordinate_chain.h; no forward pass is repeated.

  Outputs are kept in slots, one column a parameter, in the order in which they come out: the groups of a core each have `wide` slots, of
  which the last belong to no parameter. Where outputs are asked for, entries of the first weight that move no unit at a row (its input is 0, or the unit
  stays inactive: most entries of a dense matrix) get no column: the sink gets the outputs at theta for all of them at once.
*/
#include "coordinate_chain.h"
#include "../eval/columns.h"

typedef struct {
  TzNet      net;
  PetscInt   l; /* the last hidden layer: "first" and "second" are layers l and l + 1 */
  TzCut      cut[2];
  TzChain   *chain[2]; /* of a train; NULL: the weights are entries of the matrix */
  PetscInt   hidden, out, in;
  PetscInt   serial;    /* the binding of the following */
  PetscInt   nv;        /* out rounded up to whole vectors */
  PetscReal *W2, *W2t;  /* [out][hidden], [hidden][nv] */
  PetscReal *z, *a, *y; /* [columns][hidden], twice, and [columns][out]: hidden layer and outputs at theta */
  PetscReal *x;         /* [in]: tokens of a row, counted; NULL: this layer's inputs are none */
  PetscReal *rows;      /* [columns][in]: what arrives at the last hidden layer from those below; NULL: there are none, it is the inputs */
  PetscReal *t;         /* inputs of a dense weight's entries */
  PetscReal *D, *w;     /* of a group: moved activations [rows][wide], their columns of W2 [rows][nv] */
  PetscReal *scaled;    /* of a group, [rows][wide]: how far each parameter moves its units */

  TzNetCoordinates query;                 /* count and list or first that the slots are for; the list is ours */
  PetscInt         core[2][TZ_MAX_CORES]; /* slot of each core's first group, -1: no parameter of it is asked for */
  PetscInt         weights[2], bias[2];   /* slot of the first parameter asked for of such weights, of biases */
  PetscInt         nslots;
  PetscInt        *which;         /* [nslots]: position in the query, -1: none */
  PetscReal       *Y;             /* [out][nslots] */
  PetscReal       *moves;         /* [nslots]: how far the parameter of each slot moves, where that is not the same for all */
  PetscInt         entries;       /* slots of the first weight's entries, the first ones; 0: it is a train */
  PetscInt        *moved, *still; /* [entries]: positions in the query of those that move units at the row, one a slot, and of those that do not */
  PetscInt         nmoved, nstill;
} Hidden;

/* One row, one step */
typedef struct {
  Hidden          *c;
  PetscReal        delta;
  const PetscReal *moves; /* of the slots; NULL: all by delta */
  const PetscReal *x, *z, *a;
  const PetscReal *y; /* [out]: outputs at theta, which those of the slots begin with; NULL: changes, from 0 */
} Call;

static inline PetscReal Move(const Call *call, PetscInt slot)
{
  return call->moves ? call->moves[slot] : call->delta;
}

PetscBool TzCoordinateFits_Hidden(TzNet net)
{
  const PetscInt last = net->nhidden - 1;

  if (net->reference || last < 0 || net->layer[last].at.apply == TZ_APPLY_WINDOWS || net->layer[last].at.places > 1) return PETSC_FALSE;
  for (PetscInt l = 0; l < 2; l++) {
    const TzCut cut = TzLayerGetCut(&net->layer[last + l]);

    if (cut.train ? !TzChainFits(cut.train) : !cut.entries) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  Hidden *c = (Hidden *)what;

  PetscFunctionBegin;
  PetscCall(TzChainDestroy(&c->chain[0]));
  PetscCall(TzChainDestroy(&c->chain[1]));
  PetscCall(PetscFree6(c->t, c->W2, c->W2t, c->D, c->w, c->scaled));
  PetscCall(PetscFree3(c->z, c->a, c->y));
  PetscCall(PetscFree5(c->which, c->Y, c->moves, c->moved, c->still));
  PetscCall(PetscFree(c->query.list));
  PetscCall(PetscFree(c->x));
  PetscCall(PetscFree(c->rows));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzNet net, Hidden **newc)
{
  const PetscInt columns = TzColumnsWidth(net);
  PetscInt       rows = 1, size = 1;
  Hidden        *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  c->net    = net;
  c->l      = net->nhidden - 1;
  c->in     = net->layer[c->l].in;
  c->out    = net->out;
  c->hidden = net->hidden[c->l];
  c->nv     = (c->out + TZ_LANES - 1) / TZ_LANES * TZ_LANES;
  for (PetscInt l = 0; l < 2; l++) {
    c->cut[l] = TzLayerGetCut(&net->layer[c->l + l]);
    if (c->cut[l].train) PetscCall(TzChainCreate(&net->layer[c->l + l], c->cut[l].train, &c->chain[l]));
  }
  for (PetscInt k = 0; c->chain[0] && k < c->cut[0].train->ncores; k++) {
    const TzCoreMap *map = &c->chain[0]->map[k];

    rows = PetscMax(rows, map->ml * map->mr);
    size = PetscMax(size, map->ml * map->mr * map->wide);
  }
  size = PetscMax(size, PetscMax(c->in, c->hidden));
  PetscCall(PetscCalloc6(PetscMax(c->in, c->hidden), &c->t, (size_t)c->out * c->hidden, &c->W2, (size_t)c->hidden * c->nv, &c->W2t, size, &c->D,
                         (size_t)rows * c->nv, &c->w, size, &c->scaled));
  PetscCall(PetscMalloc3(columns * c->hidden, &c->z, columns * c->hidden, &c->a, columns * c->out, &c->y));
  if (c->l) PetscCall(PetscMalloc1(columns * c->in, &c->rows));
  else if (net->tokens) PetscCall(PetscCalloc1(c->in, &c->x));
  *newc = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind(Hidden *c, TzNetEval eval)
{
  PetscFunctionBegin;
  if (c->serial == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  c->serial = eval->serial;
  for (PetscInt l = 0; l < 2; l++)
    if (c->chain[l]) PetscCall(TzChainBind(c->chain[l], eval->theta));
  PetscCall((*c->net->layer[c->l + 1].ops->densify)(&c->net->layer[c->l + 1], eval->theta, c->W2));
  for (PetscInt o = 0; o < c->out; o++)
    for (PetscInt h = 0; h < c->hidden; h++) c->W2t[h * c->nv + o] = c->W2[o * c->hidden + h];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Slots for those asked for of a range of parameters (of such weights, of biases) */
static void PlaceRange(Hidden *c, PetscInt offset, PetscInt n, PetscInt *slot)
{
  PetscInt k0, k1;

  *slot = c->nslots;
  if (!TzCoordinateOverlap(&c->query, offset, n, &k0, &k1)) return;
  for (PetscInt k = k0; k < k1 && c->which; k++) c->which[c->nslots + k - k0] = k;
  c->nslots += k1 - k0;
}

/* Slots [jk][group][wide] for a core */
static void PlaceCore(Hidden *c, const TzCoreMap *map, PetscInt *slot)
{
  const TzCore core = map->core;
  PetscInt     k0, k1;

  *slot = -1;
  if (!TzCoordinateOverlap(&c->query, core.offset, core.r0 * core.m * core.n * core.r1, &k0, &k1)) return;
  *slot = c->nslots;
  for (PetscInt g = 0; g < core.m * map->groups; g++, c->nslots += map->wide)
    for (PetscInt x = 0; x < map->wide && c->which; x++) {
      const PetscInt i = core.offset + g % map->groups * map->gstep + g / map->groups * map->jstep + x / map->n1 * map->cstep + x % map->n1 * map->dstep;
      const PetscInt k = x < map->width ? TzCoordinateFind(&c->query, i) : c->query.count;

      c->which[c->nslots + x] = k < c->query.count && TzCoordinateAt(&c->query, k) == i ? k : -1;
    }
}

static void Place(Hidden *c)
{
  c->nslots = c->entries = 0;
  for (PetscInt l = 0; l < 2; l++) {
    const TzLayer *layer = &c->net->layer[c->l + l];

    for (PetscInt k = 0; c->chain[l] && k < c->cut[l].train->ncores; k++) PlaceCore(c, &c->chain[l]->map[k], &c->core[l][k]);
    if (!c->chain[l]) PlaceRange(c, layer->weights, layer->nweights, &c->weights[l]);
    if (l == 0) c->entries = c->nslots * !c->chain[0];
    PlaceRange(c, layer->bias, layer->out, &c->bias[l]);
  }
}

/* Slots for a query: counted, then placed */
static PetscErrorCode SetQuery(Hidden *c, const TzNetCoordinates *q)
{
  PetscInt *list = NULL;

  PetscFunctionBegin;
  if (c->which && c->query.count == q->count && !c->query.list == !q->list && c->query.first == q->first &&
      (!q->list || !memcmp(c->query.list, q->list, (size_t)q->count * sizeof(*q->list))))
    PetscFunctionReturn(PETSC_SUCCESS);
  if (q->list) {
    PetscCall(PetscMalloc1(q->count, &list));
    PetscCall(PetscArraycpy(list, q->list, q->count));
  }
  PetscCall(PetscFree(c->query.list));
  c->query = (TzNetCoordinates){.count = q->count, .list = list, .first = q->first};
  PetscCall(PetscFree5(c->which, c->Y, c->moves, c->moved, c->still));
  Place(c);
  PetscCheck((PetscInt64)c->nslots * c->out <= PETSC_MAX_INT, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%" PetscInt_FMT " parameters: ask for fewer at a time",
             q->count);
  PetscCall(PetscMalloc5(c->nslots, &c->which, (size_t)c->nslots * c->out, &c->Y, c->nslots, &c->moves, c->entries, &c->moved, c->entries, &c->still));
  Place(c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t [ml][mr][wide] of a group, with the map's strides, times what its slots move: with no gaps, for which units has the strides */
static const PetscReal *Scale(const Call *call, const TzCoreMap *map, PetscInt slot, const PetscReal t[], TzUnits *units)
{
  PetscReal *scaled = call->c->scaled;

  units->left  = map->mr * map->wide;
  units->right = map->wide;
  for (PetscInt jl = 0; jl < map->ml; jl++)
    for (PetscInt jr = 0; jr < map->mr; jr++)
      for (PetscInt x = 0; x < map->wide; x++) scaled[(jl * map->mr + jr) * map->wide + x] = call->moves[slot + x] * t[jl * map->left + jr * map->right + x];
  return scaled;
}

/* Entries of a core of the first weight */
static PetscErrorCode FirstWeight(void *context, const TzCoreMap *map, const PetscReal T[])
{
  const Call      *call    = (const Call *)context;
  Hidden          *c       = call->c;
  const TzKernels *kernels = TzKernelsGet();
  PetscInt         slot    = c->core[0][map - c->chain[0]->map];

  PetscFunctionBegin;
  if (slot < 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt jk = 0; jk < map->core.m; jk++) {
    TzUnits units = {.ml    = map->ml,
                     .mr    = map->mr,
                     .zl    = map->core.m * map->mr,
                     .left  = map->left,
                     .right = map->right,
                     .nv    = c->nv,
                     .z     = call->z + jk * map->mr,
                     .V     = c->W2t + jk * map->mr * c->nv};

    for (PetscInt g = 0; g < map->groups; g++, slot += map->wide) {
      const PetscReal *t    = call->moves ? Scale(call, map, slot, T + g * map->group, &units) : T + g * map->group;
      const PetscInt   rows = kernels->moveunits(c->net->act[c->l], &units, map->wide, call->moves ? 1 : call->delta, t, c->D, c->w);

      kernels->product(c->out, map->wide, rows, (TzStrided){c->w, 1, c->nv}, c->D, map->wide, c->Y + slot, c->nslots, PETSC_TRUE);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of a core of the second weight */
static PetscErrorCode SecondWeight(void *context, const TzCoreMap *map, const PetscReal T[])
{
  const Call *call = (const Call *)context;
  Hidden     *c    = call->c;
  PetscInt    slot = c->core[1][map - c->chain[1]->map];

  PetscFunctionBegin;
  if (slot < 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt jk = 0; jk < map->core.m; jk++)
    for (PetscInt g = 0; g < map->groups; g++, slot += map->wide)
      for (PetscInt jl = 0; jl < map->ml; jl++)
        for (PetscInt jr = 0; jr < map->mr; jr++) {
          const PetscReal *t = T + g * map->group + jl * map->left + jr * map->right;
          PetscReal       *y = c->Y + ((jl * map->core.m + jk) * map->mr + jr) * c->nslots + slot;

          for (PetscInt x = 0; x < map->width; x++) y[x] += Move(call, slot + x) * t[x];
        }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the slots begin with */
static void Start(const Call *call, PetscInt first, PetscInt n)
{
  Hidden *c = call->c;

  for (PetscInt o = 0; o < c->out; o++)
    for (PetscInt i = first; i < first + n; i++) c->Y[o * c->nslots + i] = call->y ? call->y[o] : 0;
}

/* Entries of the first weight that move unit `row` by D [n], at positions k .. k+n-1 of the query: with outputs, those that do not move get no slot */
static void Unit(const Call *call, PetscInt row, PetscInt k, PetscInt n)
{
  Hidden        *c    = call->c;
  const PetscInt slot = c->nmoved;

  for (PetscInt i = 0; i < n; i++) { /* without a branch: which entries move is as good as random */
    const PetscInt still = call->y && c->D[i] == 0;

    c->still[c->nstill] = c->moved[c->nmoved] = k + i;
    c->D[c->nmoved - slot]                    = c->D[i];
    c->nstill += still;
    c->nmoved += 1 - still;
  }
  Start(call, slot, c->nmoved - slot);
  TzKernelsGet()->product(c->out, c->nmoved - slot, 1, (TzStrided){c->W2 + row, c->hidden, 1}, c->D, c->nmoved - slot, c->Y + slot, c->nslots, PETSC_TRUE);
}

/* Dense or sparse weights, a row of W [out][in] at a time */
static void MatrixWeights(const Call *call, PetscInt l)
{
  Hidden          *c     = call->c;
  const TzLayer   *layer = &c->net->layer[c->l + l];
  const PetscReal  delta = call->moves ? 1 : call->delta, *from = l ? call->a : call->x;
  const PetscReal *moves = call->moves ? call->moves + c->weights[l] : NULL;
  PetscReal       *t     = c->t;
  PetscInt         k0, k1;

  if (!TzCoordinateOverlap(&c->query, layer->weights, layer->nweights, &k0, &k1)) return;
  for (PetscInt k = k0, n; k < k1; k += n) {
    PetscInt row = -1;

    for (n = 0; k + n < k1; n++) {
      const PetscInt w = TzCoordinateAt(&c->query, k + n) - layer->weights, place = c->cut[l].place ? c->cut[l].place[w] : w;

      if (row < 0) row = place / layer->in;
      if (place >= (row + 1) * layer->in) break;
      t[n] = (moves ? moves[k - k0 + n] : 1) * from[place - row * layer->in];
    }
    if (l == 0) {
      TzKernelsGet()->move(c->net->act[c->l], n, call->z[row], delta, t, c->D);
      Unit(call, row, k, n);
    } else {
      PetscReal *Y = c->Y + row * c->nslots + c->weights[l] + k - k0;

      for (PetscInt i = 0; i < n; i++) Y[i] += delta * t[i];
    }
  }
}

static void Biases(const Call *call)
{
  Hidden         *c   = call->c;
  const PetscReal one = 1;
  PetscInt        k0, k1;

  if (TzCoordinateOverlap(&c->query, c->net->layer[c->l].bias, c->hidden, &k0, &k1))
    for (PetscInt k = k0; k < k1; k++) {
      const PetscInt h = TzCoordinateAt(&c->query, k) - c->net->layer[c->l].bias;
      PetscReal      d;

      TzKernelsGet()->move(c->net->act[c->l], 1, call->z[h], Move(call, c->bias[0] + k - k0), &one, &d);
      for (PetscInt o = 0; o < c->out; o++) c->Y[o * c->nslots + c->bias[0] + k - k0] += c->W2[o * c->hidden + h] * d;
    }
  if (TzCoordinateOverlap(&c->query, c->net->layer[c->l + 1].bias, c->out, &k0, &k1))
    for (PetscInt k = k0; k < k1; k++)
      c->Y[(TzCoordinateAt(&c->query, k) - c->net->layer[c->l + 1].bias) * c->nslots + c->bias[1] + k - k0] += Move(call, c->bias[1] + k - k0);
}

/* Outputs or their changes at one row */
static PetscErrorCode Row(const Call *call)
{
  Hidden        *c     = call->c;
  const PetscInt first = TzCoordinateAt(&c->query, 0), last = TzCoordinateAt(&c->query, c->query.count - 1) + 1;

  PetscFunctionBegin;
  c->nmoved = c->nstill = 0;
  Start(call, c->entries, c->nslots - c->entries);
  if (c->chain[0]) PetscCall(TzChainApply(c->chain[0], call->x, first, last, FirstWeight, (void *)call));
  else MatrixWeights(call, 0);
  if (c->chain[1]) PetscCall(TzChainApply(c->chain[1], call->a, first, last, SecondWeight, (void *)call));
  else MatrixWeights(call, 1);
  Biases(call);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row p with step s for the sink: entries of the first weight that have moved, the slots behind them, and the entries that have not */
static PetscErrorCode Tell(const Call *call, const TzNetCoordinates *q, PetscInt s, PetscInt p)
{
  const Hidden    *c    = call->c;
  const PetscInt   n[3] = {c->nmoved, c->nslots - c->entries, c->nstill}, *which[3] = {c->moved, c->which + c->entries, c->still};
  const PetscReal *Y[3]    = {c->Y, c->Y + c->entries, call->y};
  const PetscInt   step[3] = {1, 1, 0}, ostep[3] = {c->nslots, c->nslots, 1};

  PetscFunctionBegin;
  for (int i = 0; i < 3; i++) {
    const TzNetMoved moved = {.s = s, .n = n[i], .which = which[i], .p0 = p, .m = 1, .Y = Y[i], .kstep = step[i], .ostep = ostep[i]};

    if (n[i]) PetscCall((*q->sink)(q->ctx, &moved));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last hidden layer's input: the row itself, or the numbers of times that each token occurs in it (add = 1; -1 takes them back) */
static const PetscReal *Input(Hidden *c, const PetscReal row[], PetscReal add)
{
  for (PetscInt s = 0; c->x && s < c->net->in; s++)
    if (row[s] >= 0) c->x[(PetscInt)row[s]] += add;
  return c->x ? c->x : row;
}

/* Of the slots, by what the parameters of the query move */
static const PetscReal *Moves(Hidden *c, const TzNetCoordinates *q, PetscInt s)
{
  if (!q->move) return NULL;
  for (PetscInt i = 0; i < c->nslots; i++) c->moves[i] = c->which[i] < 0 ? 0 : TzCoordinateMove(q, c->which[i], s);
  return c->moves;
}

PetscErrorCode TzNetEvalCoordinates_Hidden(TzNetEval eval, PetscInt n, const PetscReal X[], const TzNetCoordinates *q)
{
  Hidden        *c     = (Hidden *)TzEvalAttached(eval, Destroy);
  const PetscInt width = TzColumnsWidth(eval->net);
  TzColumns     *columns;

  PetscFunctionBegin;
  if (!c) {
    PetscCall(Create(eval->net, &c));
    PetscCall(TzEvalAttach(eval, Destroy, c));
  }
  PetscCall(Bind(c, eval));
  PetscCall(SetQuery(c, q));
  if (!c->nslots) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzEvalGetColumns(eval, width, &columns));
  for (PetscInt p0 = 0; p0 < n; p0 += width) {
    const PetscInt m = PetscMin(width, n - p0);

    PetscCall(TzColumnsForward(eval, columns, m, X + p0 * c->net->in));
    if (c->rows) TzTranspose(c->in, m, columns->a[c->l], c->rows);
    TzTranspose(c->hidden, m, columns->z[c->l], c->z);
    TzTranspose(c->hidden, m, columns->a[c->l + 1], c->a);
    TzTranspose(c->out, m, columns->z[c->l + 1], c->y);
    for (PetscInt p = 0; p < m; p++) {
      const PetscReal *row = c->rows ? c->rows + p * c->in : X + (p0 + p) * c->net->in, *x = Input(c, row, 1);

      for (PetscInt s = 0; s < q->nmu; s++) {
        const Call call = {.c     = c,
                           .delta = q->mu[s],
                           .moves = Moves(c, q, s),
                           .x     = x,
                           .z     = c->z + p * c->hidden,
                           .a     = c->a + p * c->hidden,
                           .y     = q->whole ? c->y + p * c->out : NULL};

        PetscCall(Row(&call));
        PetscCall(Tell(&call, q, s, p0 + p));
      }
      (void)Input(c, row, -1);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
