/*
  Coordinate queries of networks as hardware (device/model.c): a parameter that is moved by mu moves what is held by another step, from level to level,
  which the strategies take in place of mu. A step that moves the largest parameter of a group across a power of two changes what is held of all of the
  group: then the network is bound anew. The costs are those of hardware, which is written to and evaluated for each parameter.
*/
#include "coordinate.h"

typedef struct {
  TzNetEval               eval;
  PetscInt                n, size; /* rows of X; numbers of an output or a jet */
  const PetscReal        *X, *F;
  const TzNetCoordinates *q;
  PetscReal              *Y0, *Y; /* [n][size], at the parameters bound (unless whole) and at moved ones */
} Rows;

static PetscErrorCode Evaluate(const Rows *r, PetscReal Y[])
{
  TzNetEval eval = r->eval;

  PetscFunctionBegin;
  if (eval->net->out > 1 || TzNetHasPlaces(eval->net)) PetscCall(TzNetEvalForward_Columns(eval, r->n, r->X, Y));
  else {
    PetscCall(TzEvalBuild(eval));
    if (r->q->shape) PetscCall(TzNetEvalJet_Fast(eval, r->n, r->X, r->q->shape, r->F, Y));
    else PetscCall(TzNetEvalForward_Fast(eval, r->n, r->X, Y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Position k of the query, step s, by an evaluation of all rows with the parameters that are then held */
static PetscErrorCode Whole(const Rows *r, PetscInt k, PetscInt s)
{
  TzNetEval        eval = r->eval;
  const PetscInt   n = eval->net->nparams, panel = eval->net->out > 1 ? 1 : TZ_PANEL;
  const TzNetCosts costs = eval->net->costs;
  const uint64_t   hash  = eval->hash;
  PetscReal       *moved, *held;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &moved, n, &held));
  PetscCall(PetscArraycpy(held, eval->theta, n));
  PetscCall(PetscArraycpy(moved, eval->given, n));
  moved[TzCoordinateAt(r->q, k)] += r->q->mu[s];
  PetscCall(TzModelBind(eval->net, moved, eval->theta, &eval->hash));
  eval->serial++;
  PetscCall(Evaluate(r, r->Y));
  PetscCall(PetscArraycpy(eval->theta, held, n));
  eval->serial++;
  eval->hash       = hash;
  eval->net->costs = costs; /* TzNetEvalCoordinates_Held() counts */
  for (PetscInt i = 0; i < r->n * r->size && !r->q->whole; i++) r->Y[i] -= r->Y0[i];
  for (PetscInt p = 0; p < r->n; p += panel) {
    const TzNetMoved told = {.s = s, .n = 1, .which = &k, .p0 = p, .m = PetscMin(panel, r->n - p), .Y = r->Y + p * r->size, .pstep = r->size, .ostep = 1};

    PetscCall((*r->q->sink)(r->q->ctx, &told));
  }
  PetscCall(PetscFree2(moved, held));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As if the parameters of the query were written one after the other: each time the one before is put back */
static void Count(const Rows *r, PetscInt64 writes)
{
  const PetscInt64 times = (PetscInt64)r->q->count * r->q->nmu;
  TzNetCosts      *costs = &r->eval->net->costs;

  costs->binds += times;
  costs->writes += 2 * writes;
  costs->bytes += times * r->eval->net->nparams * (PetscInt64)sizeof(PetscReal);
  TzModelCountRows(r->eval->net, times * r->n);
}

/* The query's sink without the parameters that are evaluated by themselves */
typedef struct {
  const TzNetCoordinates *q;
  const PetscBool        *alone; /* [nmu][count] */
  PetscInt               *which; /* of a call, [most] */
  PetscInt                most;
} Filter;

static PetscErrorCode Sink(void *ctx, const TzNetMoved *moved)
{
  Filter    *f    = (Filter *)ctx;
  TzNetMoved told = *moved;
  PetscInt   left = 0;

  PetscFunctionBegin;
  if (moved->n > f->most) {
    PetscCall(PetscFree(f->which));
    PetscCall(PetscMalloc1(moved->n, &f->which));
    f->most = moved->n;
  }
  for (PetscInt i = 0; i < moved->n; i++) {
    const PetscInt k = moved->which[i];

    f->which[i] = k >= 0 && f->alone[moved->s * f->q->count + k] ? k : -1;
    left += f->which[i] >= 0;
  }
  told.which = f->which;
  if (left) PetscCall((*f->q->sink)(f->q->ctx, &told));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* move, alone [nmu][count] of the query; *all: alone holds for all of them; *writes: parameters that are held otherwise when they are moved */
static PetscErrorCode Moves(TzNetEval eval, const TzNetCoordinates *q, PetscReal move[], PetscBool alone[], PetscBool *all, PetscInt64 *writes)
{
  const PetscInt n = eval->net->nparams;
  PetscReal     *held;
  PetscBool     *keeps;

  PetscFunctionBegin;
  *all    = PETSC_TRUE;
  *writes = 0;
  PetscCall(PetscMalloc2(n, &held, n, &keeps));
  for (PetscInt s = 0; s < q->nmu; s++) {
    PetscCall(TzModelMove(eval->net, eval->given, q->mu[s], held, keeps));
    for (PetscInt k = 0; k < q->count; k++) {
      const PetscInt i = TzCoordinateAt(q, k), at = s * q->count + k;

      move[at]  = held[i] - eval->theta[i];
      alone[at] = keeps[i];
      *writes += held[i] != eval->theta[i];
      if (!keeps[i]) *all = PETSC_FALSE;
    }
  }
  PetscCall(PetscFree2(held, keeps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalCoordinates_Held(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *q)
{
  const PetscInt   total  = q->nmu * q->count;
  Rows             rows   = {.eval = eval, .n = n, .size = q->shape ? TzJetSize(q->shape) : eval->net->out, .X = X, .F = F, .q = q};
  TzNetCoordinates sub    = *q;
  Filter           filter = {.q = q};
  PetscReal       *move;
  PetscBool       *alone, all;
  PetscInt64       writes;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(total, &move, total, &alone, n * rows.size, &rows.Y0, n * rows.size, &rows.Y));
  PetscCall(Moves(eval, q, move, alone, &all, &writes));
  sub.move     = move;
  filter.alone = alone;
  if (!all) {
    sub.sink = Sink;
    sub.ctx  = &filter;
  }
  PetscCall(TzNetEvalCoordinates_Fast(eval, n, X, F, &sub));
  if (!all && !q->whole) PetscCall(Evaluate(&rows, rows.Y0));
  for (PetscInt at = 0; at < total && !all; at++)
    if (!alone[at]) PetscCall(Whole(&rows, at % q->count, at / q->count));
  Count(&rows, writes);
  PetscCall(PetscFree(filter.which));
  PetscCall(PetscFree4(move, alone, rows.Y0, rows.Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
