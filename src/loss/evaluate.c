/*
  TzLossEvaluate(): the loss at a list of parameter vectors, on all ranks.

  Each rank evaluates its share (partition.h), a range of the items (value, block of samples), piece by piece: for each value in it, it forms
  the parameter vector, binds it, and takes the partial sums of the value's samples and the rank's node blocks. Where ranks share nodes they
  exchange these, add them in ascending order of the node block and finish a part each. Every finished item is one number, the sum of its
  terms in ascending order, or, for residual vectors, `width` = blocksize numbers. One allgather brings all items to all ranks, where blocks
  are added in ascending order. No sum depends on the grid, so no result does.
*/
#include <tzdevice.h>
#include <private/tzlossimpl.h>
#include <private/tzcosts.h>
#include "partition.h"

#define EVALUATION "losses of a step" /* for whoever waits */

typedef struct _Plan *Plan;
struct _Plan { /* what depends on the shape of a call and on the rank alone */
  TzItems      items;
  PetscBool    structured; /* all coordinates at once */
  PetscBool    residuals;  /* an item's residuals are wanted, not the sum of its terms */
  PetscInt     values;     /* parameter vectors */
  PetscInt     width;      /* numbers of a finished item */
  PetscInt     grid[2], round;
  TzShare      share;
  MPI_Comm     nodes;         /* the ranks that share nodes; MPI_COMM_NULL if none do */
  PetscMPIInt *count, *displ; /* numbers that each rank contributes to the allgather */
  PetscMPIInt *exchange;      /* [4][grid[1]]: counts and displacements of an all-to-all */
  Plan         next;
};

typedef struct {
  PetscReal *x;
  size_t     n;
} Buffer;

typedef struct {
  Plan   plans;
  Buffer theta, partial, sum, term, send, recv, own, all, table;
} Evaluation;

/* The buffer's memory, at least n numbers; what it held is lost when it grows */
static PetscErrorCode Reserve(Buffer *b, PetscInt64 n, PetscReal **x)
{
  PetscFunctionBegin;
  if ((size_t)n > b->n || !b->x) {
    PetscCall(PetscFree(b->x));
    PetscCall(PetscMalloc1((size_t)n, &b->x));
    b->n = (size_t)n;
  }
  *x = b->x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------- the plan of a call: which rank does what ---------------------------------------------- */

/* Whether the losses, or the residuals, of these queries come all at once (ops->coordinates), without the base, which is evaluated apart */
static PetscBool IsStructured(TzLoss loss, const TzQueries *q, PetscBool residuals)
{
  const PetscBool has = (PetscBool)(residuals ? loss->ops->coordinateresiduals != NULL : loss->ops->coordinates != NULL);

  return (PetscBool)(q->direction == TZ_DIRECTION_COORDINATE && q->n && has && (loss->listed || !q->which));
}
/*
  A parameter vector costs what forming, binding and the tables of its nodes take, whatever the number of samples (private/tzcosts.h). Where all
  coordinates are evaluated at once, the passes that they share over a block of samples cost about as much as the coordinates themselves.
*/
static TzItems Shape(TzLoss loss, const TzQueries *q, PetscBool structured)
{
  const PetscInt values = TzQueriesCount(q), blocks = (loss->nsamples + loss->blocksize - 1) / loss->blocksize;
  TzItems        items = {.outer = values, .inner = blocks, .nodeblocks = loss->nodeblocks, .partials = loss->blocksize * loss->partialsize};

  items.evaluation = (PetscReal)loss->blocksize * loss->forwards / loss->nodeblocks;
  items.shared     = TZ_COST_BIND_PARAMETER * loss->nparams + TZ_COST_BIND_NODE * (PetscReal)loss->forwards;
  if (structured) {
    items.outer      = blocks;
    items.inner      = q->n;
    items.nodeblocks = 1;
    items.evaluation = (PetscReal)loss->blocksize * (values / q->n);
    items.shared     = (PetscReal)loss->blocksize * values;
  }
  return items;
}

/* -tz_partition l,n holds for all calls but those for all coordinates at once, which have no blocks of nodes. Ranks beyond the work idle */
static PetscErrorCode ChooseGrid(TzLoss loss, const TzItems *items, PetscBool structured, PetscInt grid[2])
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)loss);
  const PetscInt *g    = loss->grid;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (g[0] && !structured) {
    PetscCall(PetscArraycpy(grid, g, 2));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TzPartitionChoose(items, size, grid);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of a finished item: the residuals of its block, the sides of its coordinate, or the sum of its terms */
static PetscInt Width(TzLoss loss, const TzQueries *q, PetscBool residuals, PetscBool structured)
{
  return (residuals ? loss->blocksize : 1) * (structured && q->twosided ? 2 : 1);
}

/* What a call of this shape allocates on every rank: a row of every item and, on several ranks, its sorted copy. Before anything is computed in PetscInt */
static PetscErrorCode CheckSize(TzLoss loss, const TzQueries *q, PetscBool residuals, PetscBool structured)
{
  MPI_Comm        comm   = PetscObjectComm((PetscObject)loss);
  const PetscReal values = (q->base ? 1. : 0.) + (PetscReal)q->n * (q->twosided ? 2 : 1), blocks = (loss->nsamples - 1) / loss->blocksize + 1.;
  const PetscReal numbers = values * blocks * (residuals ? loss->blocksize : 1);
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCheck(values * blocks < PETSC_MAX_INT && numbers < (size > 1 || residuals ? (PetscReal)PETSC_MPI_INT_MAX : PETSC_MAX_INT), comm, PETSC_ERR_USER_INPUT,
             "a step of %.0f queries%s of %" PetscInt_FMT " points (-zo_queries, -loss_points, -loss_batch): %.3g numbers; allowed: 2^31", (double)values,
             structured ? " (all coordinates)" : "", loss->nsamples, (double)numbers);
  PetscCall(TzMemoryCheck(comm, numbers * (size > 1 ? 3 : 1), "a step of %.0f queries of %" PetscInt_FMT " points (-zo_queries, -loss_points, -loss_batch)",
                          (double)values, loss->nsamples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlanCreate(TzLoss loss, const TzQueries *q, PetscBool residuals, Plan *newplan)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  Plan        plan;
  PetscMPIInt rank, size, displ = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(CheckSize(loss, q, residuals, IsStructured(loss, q, residuals)));
  PetscCall(PetscNew(&plan));
  plan->structured = IsStructured(loss, q, residuals);
  plan->residuals  = residuals;
  plan->values     = TzQueriesCount(q);
  plan->width      = Width(loss, q, residuals, plan->structured);
  plan->items      = Shape(loss, q, plan->structured);
  PetscCall(ChooseGrid(loss, &plan->items, plan->structured, plan->grid));
  TzPartitionShare(&plan->items, plan->grid, rank, &plan->share);
  plan->round = TzPartitionRound(&plan->items, plan->grid);
  PetscCall(PetscMalloc3(size, &plan->count, size, &plan->displ, 4 * plan->grid[1], &plan->exchange));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(PetscMPIIntCast((PetscInt64)TzPartitionCount(&plan->items, plan->grid, r) * plan->width, &plan->count[r]));
    plan->displ[r] = displ;
    PetscCall(PetscMPIIntCast((PetscInt64)displ + plan->count[r], &displ));
  }
  plan->nodes = MPI_COMM_NULL;
  if (plan->grid[1] > 1) {
    PetscBool idle = (PetscBool)(rank >= plan->grid[0] * plan->grid[1]);

    PetscCallMPI(MPI_Comm_split(comm, idle ? MPI_UNDEFINED : rank / (PetscMPIInt)plan->grid[1], rank, &plan->nodes));
  }
  *newplan = plan;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetPlan(TzLoss loss, const TzQueries *q, PetscBool residuals, Plan *plan)
{
  Evaluation     *e          = (Evaluation *)loss->evaluation;
  const PetscBool structured = IsStructured(loss, q, residuals);

  PetscFunctionBegin;
  if (!e) {
    PetscCall(PetscNew(&e));
    loss->evaluation = e;
  }
  for (Plan p = e->plans; p; p = p->next) {
    if (p->values == TzQueriesCount(q) && p->residuals == residuals && p->structured == structured && p->width == Width(loss, q, residuals, structured)) {
      *plan = p;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(PlanCreate(loss, q, residuals, plan));
  (*plan)->next = e->plans;
  e->plans      = *plan;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------- one call: its items, in the order of the plan ---------------------------------------------- */

typedef struct {
  TzLoss           loss;
  Evaluation      *evaluation;
  Plan             plan;
  const PetscReal *theta;
  const TzQueries *q;
} Call;

/* Value v of the call: theta, theta + mu xi_0, (theta - mu xi_0,) theta + mu xi_1, ... */
static PetscErrorCode Bind(Call *c, PetscInt v)
{
  const TzQueries *q = c->q;
  const PetscInt   n = c->loss->nparams, p = v - (q->base ? 1 : 0), query = q->twosided ? p / 2 : p;
  const PetscReal  mu = q->twosided && p % 2 ? -q->mu : q->mu, *xi;
  PetscReal       *x;

  PetscFunctionBegin;
  if (p < 0) {
    x = (PetscReal *)c->theta; /* read only: bind takes a const pointer */
  } else {
    PetscCall(Reserve(&c->evaluation->theta, n, &x));
    if (q->direction == TZ_DIRECTION_COORDINATE) {
      PetscCall(PetscArraycpy(x, c->theta, n));
      x[TzQueriesCoordinate(q, query)] += mu;
    } else {
      PetscCall(TzLossDirectionRow(c->loss, q, query, &xi));
      for (PetscInt i = 0; i < n; i++) x[i] = c->theta[i] + mu * xi[i];
    }
  }
  PetscCall(PetscLogEventBegin(TZ_LossBind, c->loss, 0, 0, 0));
  PetscUseTypeMethod(c->loss, bind, x);
  PetscCall(PetscLogEventEnd(TZ_LossBind, c->loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The items of one value among j0 <= j < j1, from j0 on */
typedef struct {
  PetscInt value, b0, b1, i0, i1; /* blocks of samples, and their samples */
} Piece;

static Piece FirstPiece(const Call *c, PetscInt j0, PetscInt j1)
{
  const PetscInt nb = c->plan->items.inner, bs = c->loss->blocksize;
  Piece          p = {.value = j0 / nb, .b0 = j0 % nb};

  p.b1 = PetscMin(p.b0 + j1 - j0, nb);
  p.i0 = p.b0 * bs;
  p.i1 = PetscMin(p.b1 * bs, c->loss->nsamples);
  return p;
}

static PetscErrorCode Partial(Call *c, const Piece *p, PetscInt k, PetscReal partial[])
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(TZ_LossPartial, c->loss, 0, 0, 0));
  PetscUseTypeMethod(c->loss, partial, p->i0, p->i1, k, partial);
  PetscCall(PetscLogEventEnd(TZ_LossPartial, c->loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* partial sums of a piece's samples -> own [b1-b0][width] */
static PetscErrorCode Finish(Call *c, const Piece *p, PetscReal partial[], PetscReal own[])
{
  TzLoss         loss = c->loss;
  const PetscInt bs = loss->blocksize, i0 = p->i0, i1 = p->i1;
  PetscReal     *term;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(TZ_LossFinish, loss, 0, 0, 0));
  if (c->plan->residuals) { /* only the last block may be short of its width */
    PetscUseTypeMethod(loss, residual, i0, i1, partial, own);
    PetscCall(PetscArrayzero(own + (i1 - i0), p->b1 * bs - i1));
  } else {
    PetscCall(Reserve(&c->evaluation->term, i1 - i0, &term));
    PetscUseTypeMethod(loss, finish, i0, i1, partial, term);
    for (PetscInt b = p->b0; b < p->b1; b++) {
      PetscReal sum = 0;

      for (PetscInt i = b * bs; i < PetscMin((b + 1) * bs, i1); i++) sum += term[i - i0];
      own[b - p->b0] = sum;
    }
  }
  PetscCall(PetscLogEventEnd(TZ_LossFinish, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All nodes are this rank's. own [items of its share][width] */
static PetscErrorCode EvaluateAlone(Call *c, PetscReal own[])
{
  const TzShare *s    = &c->plan->share;
  const PetscInt most = c->loss->nsamples * c->loss->partialsize;
  PetscReal     *sum, *partial;
  Piece          p;

  PetscFunctionBegin;
  PetscCall(Reserve(&c->evaluation->sum, most, &sum));
  PetscCall(Reserve(&c->evaluation->partial, most, &partial));
  for (PetscInt j = s->j0; j < s->j1 && !TzBusy(EVALUATION, j - s->j0, s->j1 - s->j0); j += p.b1 - p.b0) {
    p = FirstPiece(c, j, s->j1);
    PetscCall(Bind(c, p.value));
    PetscCall(Partial(c, &p, 0, sum));
    for (PetscInt k = 1; k < c->plan->items.nodeblocks && !TzGiveUp(); k++) {
      PetscCall(Partial(c, &p, k, partial));
      for (PetscInt i = 0; i < (p.i1 - p.i0) * c->loss->partialsize; i++) sum[i] += partial[i];
    }
    PetscCall(Finish(c, &p, sum, own + (j - s->j0) * c->plan->width));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Samples of the items j0 <= j < j1, counted over the items */
static inline PetscInt Samples(const Call *c, PetscInt j0, PetscInt j1)
{
  const PetscInt nb = c->plan->items.inner, bs = c->loss->blocksize;

  return (j1 / nb - j0 / nb) * c->loss->nsamples + (j1 % nb - j0 % nb) * bs;
}

/* send [items c0 <= j < c1][own node blocks][samples of the item][partialsize] */
static PetscErrorCode RoundPartials(Call *c, PetscInt c0, PetscInt c1, PetscReal send[])
{
  const TzShare *s  = &c->plan->share;
  const PetscInt ps = c->loss->partialsize, nk = s->k1 - s->k0;
  PetscReal     *partial;
  Piece          p;

  PetscFunctionBegin;
  PetscCall(Reserve(&c->evaluation->partial, c->loss->nsamples * ps, &partial));
  for (PetscInt j = c0; j < c1 && !TzBusy(EVALUATION, j - s->j0, s->j1 - s->j0); j += p.b1 - p.b0) {
    p = FirstPiece(c, j, c1);
    PetscCall(Bind(c, p.value));
    for (PetscInt k = s->k0; k < s->k1 && !TzGiveUp(); k++) {
      PetscCall(Partial(c, &p, k, partial));
      for (PetscInt b = 0; b < p.b1 - p.b0; b++) {
        const PetscInt ns = Samples(c, j + b, j + b + 1);

        PetscCall(PetscArraycpy(send + (Samples(c, c0, j + b) * nk + (k - s->k0) * ns) * ps, partial + b * c->loss->blocksize * ps, ns * ps));
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sends each rank of the node communicator the sums of the items that it finishes; recv [ranks][items][their node blocks][samples][partialsize] */
static PetscErrorCode RoundExchange(Call *c, PetscInt c0, PetscInt c1, const PetscReal send[])
{
  Plan           plan = c->plan;
  const TzShare *s    = &plan->share;
  const PetscInt n = plan->grid[1], ps = c->loss->partialsize;
  PetscMPIInt   *nsend = plan->exchange, *dsend = nsend + n, *nrecv = dsend + n, *drecv = nrecv + n, ds = 0, dr = 0;
  PetscInt       j0, j1, mine, k0, k1;
  PetscReal     *recv;

  PetscFunctionBegin;
  TzPartitionItems(plan->grid, s->in, c0, c1, &j0, &j1);
  mine = Samples(c, j0, j1);
  for (PetscInt m = 0; m < n; m++) {
    TzPartitionItems(plan->grid, m, c0, c1, &j0, &j1);
    TzPartitionRange(plan->items.nodeblocks, n, m, &k0, &k1);
    PetscCall(PetscMPIIntCast((PetscInt64)Samples(c, j0, j1) * ps * (s->k1 - s->k0), &nsend[m]));
    PetscCall(PetscMPIIntCast((PetscInt64)mine * ps * (k1 - k0), &nrecv[m]));
    dsend[m] = ds;
    drecv[m] = dr;
    ds += nsend[m];
    dr += nrecv[m];
    if (m != s->in) c->loss->counts.bytes += nsend[m] * (PetscInt64)sizeof(PetscReal);
  }
  PetscCall(Reserve(&c->evaluation->recv, dr, &recv));
  PetscCall(PetscLogEventBegin(TZ_LossCommunicate, c->loss, 0, 0, 0));
  PetscCallMPI(MPI_Alltoallv(send, nsend, dsend, MPIU_REAL, recv, nrecv, drecv, MPIU_REAL, plan->nodes));
  PetscCall(PetscLogEventEnd(TZ_LossCommunicate, c->loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds what RoundExchange() received, in ascending order of the node block, and finishes the items j0 <= j < j1 -> own [j1-j0][width] */
static PetscErrorCode RoundFinish(Call *c, PetscInt j0, PetscInt j1, PetscReal own[])
{
  const PetscInt     n = c->plan->grid[1], ps = c->loss->partialsize;
  const PetscMPIInt *displ = c->plan->exchange + 3 * n;
  const PetscReal   *recv  = c->evaluation->recv.x;
  PetscReal         *sum;

  PetscFunctionBegin;
  PetscCall(Reserve(&c->evaluation->sum, c->loss->blocksize * ps, &sum));
  for (PetscInt j = j0; j < j1; j++) {
    const Piece    p    = FirstPiece(c, j, j + 1);
    const PetscInt size = (p.i1 - p.i0) * ps, before = Samples(c, j0, j);

    for (PetscInt m = 0; m < n; m++) {
      PetscInt         k0, k1;
      const PetscReal *part;

      TzPartitionRange(c->plan->items.nodeblocks, n, m, &k0, &k1);
      part = recv + displ[m] + before * ps * (k1 - k0);
      for (PetscInt k = k0; k < k1; k++, part += size) {
        if (k) {
          for (PetscInt i = 0; i < size; i++) sum[i] += part[i];
        } else {
          PetscCall(PetscArraycpy(sum, part, size));
        }
      }
    }
    PetscCall(Finish(c, &p, sum, own + (j - j0) * c->plan->width));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nodes are shared with the ranks of plan->nodes. own: the items that this rank finishes, round after round */
static PetscErrorCode EvaluateTogether(Call *c, PetscReal own[])
{
  const TzShare *s = &c->plan->share;
  PetscInt       j0, j1;
  PetscReal     *send;

  PetscFunctionBegin;
  for (PetscInt c0 = s->j0; c0 < s->j1; c0 += c->plan->round) {
    const PetscInt c1 = PetscMin(c0 + c->plan->round, s->j1);

    PetscCall(Reserve(&c->evaluation->send, (PetscInt64)Samples(c, c0, c1) * c->loss->partialsize * (s->k1 - s->k0), &send));
    PetscCall(RoundPartials(c, c0, c1, send));
    PetscCall(RoundExchange(c, c0, c1, send));
    TzPartitionItems(c->plan->grid, s->in, c0, c1, &j0, &j1);
    PetscCall(RoundFinish(c, j0, j1, own));
    own += (j1 - j0) * c->plan->width;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  All coordinates at once: items (block of samples, coordinate), whole blocks together where the share has several. own [items][width]; of an item
  the sides of the coordinate, each the sum of its terms or the residuals of its block.
*/
static PetscErrorCode EvaluateCoordinates(Call *c, PetscReal own[])
{
  const TzShare *s    = &c->plan->share;
  TzLoss         loss = c->loss;
  const PetscInt n = c->plan->items.inner, w = c->plan->width, bs = loss->blocksize, sides = c->q->twosided ? 2 : 1;
  PetscReal     *out;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(TZ_LossPartial, loss, 0, 0, 0));
  for (PetscInt j = s->j0, m, nb; j < s->j1 && !TzBusy(EVALUATION, j - s->j0, s->j1 - s->j0); j += m * nb, own += m * nb * w) {
    const PetscInt i0  = j / n * bs;
    TzQueries      sub = *c->q;
    PetscInt       i1;

    m  = PetscMin(n - j % n, s->j1 - j); /* coordinates */
    nb = m == n ? (s->j1 - j) / n : 1;
    i1 = PetscMin(i0 + nb * bs, loss->nsamples);
    sub.first += j % n;
    sub.n = m;
    PetscCall(Reserve(&c->evaluation->sum, (PetscInt64)m * nb * w, &out));
    if (c->plan->residuals) {
      PetscUseTypeMethod(loss, coordinateresiduals, c->theta, &sub, i0, i1, out);
      for (PetscInt v = 0; v < m * sides; v++)
        for (PetscInt i = 0; i < i1 - i0; i++) own[(i / bs * m * sides + v) * bs + i % bs] = out[v * (i1 - i0) + i];
    } else {
      PetscUseTypeMethod(loss, coordinates, c->theta, &sub, i0, i1, out);
      for (PetscInt v = 0; v < m * sides; v++)
        for (PetscInt b = 0; b < nb; b++) own[b * m * sides + v] = out[v * nb + b];
    }
  }
  PetscCall(PetscLogEventEnd(TZ_LossPartial, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The items of a rank, in the order in which it finished them, to their places in table [items][width] */
static PetscErrorCode Place(Plan plan, PetscInt rank, const PetscReal own[], PetscReal table[])
{
  PetscInt j0, j1;
  TzShare  s;

  PetscFunctionBegin;
  TzPartitionShare(&plan->items, plan->grid, rank, &s);
  for (PetscInt c0 = s.j0; c0 < s.j1; c0 += plan->round) {
    TzPartitionItems(plan->grid, s.in, c0, PetscMin(c0 + plan->round, s.j1), &j0, &j1);
    PetscCall(PetscArraycpy(table + j0 * plan->width, own, (j1 - j0) * plan->width));
    own += (j1 - j0) * plan->width;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank's items to all ranks */
static PetscErrorCode Gather(Call *c, PetscReal own[], PetscReal **table)
{
  MPI_Comm       comm  = PetscObjectComm((PetscObject)c->loss);
  Plan           plan  = c->plan;
  const PetscInt items = plan->items.outer * plan->items.inner;
  PetscMPIInt    rank, size;
  PetscReal     *all;

  PetscFunctionBegin;
  *table = own;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS); /* one share: already in place */
  PetscCall(Reserve(&c->evaluation->all, (PetscInt64)items * plan->width, &all));
  PetscCall(Reserve(&c->evaluation->table, (PetscInt64)items * plan->width, table));
  PetscCall(PetscLogEventBegin(TZ_LossCommunicate, c->loss, 0, 0, 0));
  PetscCallMPI(MPI_Allgatherv(own, plan->count[rank], MPIU_REAL, all, plan->count, plan->displ, MPIU_REAL, comm));
  PetscCall(PetscLogEventEnd(TZ_LossCommunicate, c->loss, 0, 0, 0));
  c->loss->counts.bytes += plan->count[rank] * (PetscInt64)sizeof(PetscReal);
  for (PetscMPIInt r = 0; r < size; r++) PetscCall(Place(plan, r, all + plan->displ[r], *table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* table [items][width] on every rank, valid until the next call */
static PetscErrorCode Evaluate(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscBool residuals, PetscReal **table)
{
  Call           c      = {.loss = loss, .theta = theta, .q = q};
  const PetscInt values = TzQueriesCount(q);
  PetscReal     *own;
  PetscMPIInt    rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)loss), &rank));
  PetscCall(PetscLogEventBegin(TZ_LossEvaluate, loss, 0, 0, 0));
  PetscCall(GetPlan(loss, q, residuals, &c.plan));
  c.evaluation = (Evaluation *)loss->evaluation;
  PetscCall(Reserve(&c.evaluation->own, c.plan->count[rank], &own));
  if (c.plan->structured) PetscCall(EvaluateCoordinates(&c, own));
  else if (c.plan->grid[1] > 1) PetscCall(EvaluateTogether(&c, own));
  else PetscCall(EvaluateAlone(&c, own));
  PetscCall(Gather(&c, own, table));
  loss->counts.queries += values;
  loss->counts.forwards += (PetscInt64)values * loss->nsamples * loss->forwards;
  PetscCall(PetscLogEventEnd(TZ_LossEvaluate, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loss of value v: blocks in ascending order. table [values][blocks], or, where all coordinates are evaluated at once, [blocks][values] */
static PetscReal Mean(TzLoss loss, const PetscReal table[], PetscInt values, PetscBool structured, PetscInt v)
{
  const PetscInt nb  = (loss->nsamples + loss->blocksize - 1) / loss->blocksize;
  PetscReal      sum = 0;

  for (PetscInt b = 0; b < nb; b++) sum += table[structured ? b * values + v : v * nb + b];
  return sum / loss->nsamples;
}

PetscErrorCode TzLossEvaluate(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscReal *l0, PetscReal lp[], PetscReal lm[])
{
  const PetscBool structured = IsStructured(loss, q, PETSC_FALSE);
  TzQueries       sub        = *q;
  PetscReal      *table;
  PetscInt        n, v = 0;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  if (loss->net) PetscCall(TzNetSetRepeat(loss->net, q->repeat));
  if (q->base && structured) { /* one ordinary value, over the samples */
    const TzQueries base = {.base = PETSC_TRUE, .repeat = q->repeat};

    PetscCall(TzLossEvaluate(loss, theta, &base, l0, NULL, NULL));
    sub.base = PETSC_FALSE;
  }
  n = TzQueriesCount(&sub);
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Evaluate(loss, theta, &sub, PETSC_FALSE, &table));
  if (sub.base) *l0 = Mean(loss, table, n, structured, v++);
  for (PetscInt p = 0; p < q->n; p++) {
    lp[p] = Mean(loss, table, n, structured, v++);
    if (q->twosided) lm[p] = Mean(loss, table, n, structured, v++);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossObjective(TzLoss loss, const PetscReal theta[], PetscReal *l)
{
  const TzQueries q = {.base = PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(TzLossEvaluate(loss, theta, &q, l, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossResidualVectors(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscReal r[])
{
  TzQueries  sub = *q;
  PetscInt   n, ns, bs;
  PetscBool  structured;
  PetscReal *table;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCheck(loss->ops->residual, PetscObjectComm((PetscObject)loss), PETSC_ERR_SUP, "a loss of type %s is not a sum of squares",
             ((PetscObject)loss)->type_name);
  structured = IsStructured(loss, q, PETSC_TRUE);
  ns         = loss->nsamples;
  bs         = loss->blocksize;
  if (q->base && structured) {
    PetscCall(TzLossResidualVector(loss, theta, r));
    r += ns;
    sub.base = PETSC_FALSE;
  }
  n = TzQueriesCount(&sub);
  PetscCall(Evaluate(loss, theta, &sub, PETSC_TRUE, &table));
  /* table [values][blocks][blocksize], or, where all coordinates come at once, [blocks][values][blocksize] */
  for (PetscInt v = 0; v < n; v++)
    for (PetscInt i = 0; i < ns; i += bs) {
      const size_t item = structured ? (size_t)(i / bs) * (size_t)n + (size_t)v : (size_t)v * (size_t)((ns + bs - 1) / bs) + (size_t)(i / bs);

      PetscCall(PetscArraycpy(r + (size_t)v * (size_t)ns + i, table + item * (size_t)bs, PetscMin(bs, ns - i)));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossResidualVector(TzLoss loss, const PetscReal theta[], PetscReal r[])
{
  const TzQueries q = {.base = PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(TzLossResidualVectors(loss, theta, &q, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossGetPartition(TzLoss loss, const TzQueries *q, PetscInt grid[2])
{
  TzQueries sub = *q;
  Plan      plan;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  if (IsStructured(loss, q, PETSC_FALSE)) sub.base = PETSC_FALSE; /* evaluated apart */
  PetscCall(GetPlan(loss, &sub, PETSC_FALSE, &plan));
  PetscCall(PetscArraycpy(grid, plan->grid, 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossEvaluationView(TzLoss loss, PetscViewer viewer)
{
  Evaluation *e = (Evaluation *)loss->evaluation;

  PetscFunctionBegin;
  for (Plan p = e ? e->plans : NULL; p; p = p->next) {
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "  a call of %" PetscInt_FMT " values%s: ranks over the line of %" PetscInt_FMT " items x blocks of nodes %" PetscInt_FMT
                                     " x %" PetscInt_FMT "\n",
                                     p->values, p->structured ? " (all coordinates at once)" : "", p->items.outer * p->items.inner, p->grid[0], p->grid[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossEvaluationDestroy(TzLoss loss)
{
  Evaluation *e = (Evaluation *)loss->evaluation;

  PetscFunctionBegin;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  for (Plan p = e->plans, next; p; p = next) {
    next = p->next;
    if (p->nodes != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&p->nodes));
    PetscCall(PetscFree3(p->count, p->displ, p->exchange));
    PetscCall(PetscFree(p));
  }
  Buffer *buffers[] = {&e->theta, &e->partial, &e->sum, &e->term, &e->send, &e->recv, &e->own, &e->all, &e->table};
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(buffers); i++) PetscCall(PetscFree(buffers[i]->x));
  PetscCall(PetscFree(loss->evaluation));
  PetscFunctionReturn(PETSC_SUCCESS);
}
