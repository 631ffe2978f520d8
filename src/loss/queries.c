/*
  The directions of a step: generated from their keys, and kept for the solver's update.
*/
#include <private/tzlossimpl.h>

#define KEEP_BYTES (64 << 20) /* directions kept by a rank */

const char *const TzDirections[] = {"gaussian", "rademacher", "hadamard", "coordinate", "TzDirection", "TZ_DIRECTION_", NULL};

/* Entry (query, i) of Sylvester's Hadamard matrix of any order above both: -1 to the number of common binary digits */
static inline PetscReal Hadamard(PetscInt query, PetscInt i)
{
  return __builtin_parityll((unsigned long long)(query & i)) ? -1 : 1;
}

PetscErrorCode TzQueriesDirection(const TzQueries *q, PetscInt query, PetscInt i0, PetscInt i1, PetscReal xi[])
{
  const PetscInt item = q->first + query;

  PetscFunctionBegin;
  switch (q->direction) {
  case TZ_DIRECTION_GAUSSIAN: PetscCall(TzRandomNormal(q->seed, TZ_STREAM_DIRECTION, q->step, item, i0, i1 - i0, xi)); break;
  case TZ_DIRECTION_RADEMACHER: PetscCall(TzRandomRademacher(q->seed, TZ_STREAM_DIRECTION, q->step, item, i0, i1 - i0, xi)); break;
  case TZ_DIRECTION_HADAMARD: /* the signs belong to the step, not to the query */
    PetscCall(TzRandomRademacher(q->seed, TZ_STREAM_DIRECTION, q->step, 0, i0, i1 - i0, xi));
    for (PetscInt i = i0; i < i1; i++) xi[i - i0] *= Hadamard(item, i);
    break;
  case TZ_DIRECTION_COORDINATE:
    for (PetscInt i = i0; i < i1; i++) xi[i - i0] = i == TzQueriesCoordinate(q, query) ? 1 : 0;
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  TzQueries  key; /* whose rows these are */
  PetscInt   rows;
  PetscBool *have;
  PetscReal *xi;      /* [rows][nparams] */
  PetscReal *scratch; /* [nparams]: a row beyond the limit */
} Cache;

static PetscBool SameDirections(const TzQueries *a, const TzQueries *b)
{
  return (PetscBool)(a->direction == b->direction && a->seed == b->seed && a->step == b->step && a->first == b->first);
}

static PetscErrorCode CachePrepare(TzLoss loss, const TzQueries *q, Cache **newcache)
{
  Cache         *cache = (Cache *)loss->directions;
  const PetscInt rows  = (PetscInt)PetscMin(q->n, (PetscInt64)KEEP_BYTES / ((PetscInt64)sizeof(PetscReal) * PetscMax(1, loss->nparams)));

  PetscFunctionBegin;
  if (!cache) {
    PetscCall(PetscNew(&cache));
    PetscCall(PetscMalloc1(loss->nparams, &cache->scratch));
    cache->key.step  = -1;
    loss->directions = cache;
  }
  if (rows > cache->rows) {
    PetscCall(PetscFree2(cache->have, cache->xi));
    PetscCall(PetscCalloc2(rows, &cache->have, rows * loss->nparams, &cache->xi));
    cache->rows = rows;
  }
  if (!SameDirections(&cache->key, q)) PetscCall(PetscArrayzero(cache->have, cache->rows));
  cache->key = *q;
  *newcache  = cache;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossDirectionRow(TzLoss loss, const TzQueries *q, PetscInt query, const PetscReal **xi)
{
  Cache     *cache = NULL;
  PetscReal *row;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(TZ_LossDirections, loss, 0, 0, 0));
  PetscCall(CachePrepare(loss, q, &cache));
  row = query < cache->rows ? cache->xi + query * loss->nparams : cache->scratch;
  if (query >= cache->rows || !cache->have[query]) PetscCall(TzQueriesDirection(q, query, 0, loss->nparams, row));
  if (query < cache->rows) cache->have[query] = PETSC_TRUE;
  *xi = row;
  PetscCall(PetscLogEventEnd(TZ_LossDirections, loss, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossDirection(TzLoss loss, const TzQueries *q, PetscInt query, PetscInt i0, PetscInt i1, PetscReal xi[])
{
  const Cache *cache = (const Cache *)loss->directions;

  PetscFunctionBegin;
  if (cache && SameDirections(&cache->key, q) && query < cache->rows && cache->have[query]) {
    PetscCall(PetscArraycpy(xi, cache->xi + query * loss->nparams + i0, i1 - i0));
  } else {
    PetscCall(PetscLogEventBegin(TZ_LossDirections, loss, 0, 0, 0));
    PetscCall(TzQueriesDirection(q, query, i0, i1, xi));
    PetscCall(PetscLogEventEnd(TZ_LossDirections, loss, 0, 0, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossDirectionsDestroy(TzLoss loss)
{
  Cache *cache = (Cache *)loss->directions;

  PetscFunctionBegin;
  if (!cache) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2(cache->have, cache->xi));
  PetscCall(PetscFree(cache->scratch));
  PetscCall(PetscFree(loss->directions));
  PetscFunctionReturn(PETSC_SUCCESS);
}
