/*
  Trains as operators on columns: cut once, where that is cheapest, with the cores on either side multiplied out.
    MATRIX  z = W a                                          where no cut pays
    BOND    y = left^T a, z = right^T y                      left [in][r], right [r][out]: cut where inputs and outputs part
    HALVES  y(iL,c,jR) = sum_iR R(c,jR,iR) a(iL,iR)          cut after core `split`; with i = (iL,iR) the input and
            z(jL,jR)   = sum_(iL,c) L(jL,iL,c) y(iL,c,jR)    j = (jL,jR) the output index, L [ml][nl][r], R [r][mr][nr]
  bar: Lbar, then Rbar, of the shapes of L and R; HALVES keeps L's as [nl][r][ml].
*/
#include "formats.h"
#include <private/tzcosts.h>

typedef enum { MATRIX, BOND, HALVES } Kind;

typedef struct {
  Kind           kind;
  const TzTrain *train;
  PetscInt       split;             /* first core of R */
  PetscInt       ml, nl, mr, nr, r; /* BOND: ml = nr = 1 */
  PetscInt       nL, nR;            /* numbers in L, R */
  PetscReal     *L, *R;             /* MATRIX: L = W [out][in], R = NULL */
} Halves;

/* Multiply-adds of the products for a column, cut after core p - 1; ml, nl: products of the modes before it */
static PetscReal Cost(const TzLayer *layer, const TzTrain *train, PetscInt p, PetscReal ml, PetscReal nl)
{
  const PetscReal r = train->core[p].r0, in = layer->in, out = layer->out;

  if (!train->bond) return in * r * (out / ml) + out * nl * r;
  return p == train->bond ? r * (in + out) : PETSC_MAX_REAL;
}

/* by the cheapest cut, its construction not counted */
PetscReal TzTrainCost(const TzLayer *layer)
{
  const TzTrain *train = TzLayerGetTrain(layer);
  PetscReal      cost = train->ncores > 1 ? PETSC_MAX_REAL : (PetscReal)layer->in * layer->out, ml = 1, nl = 1;

  for (PetscInt p = 1; p < train->ncores; p++) {
    ml *= train->core[p - 1].m;
    nl *= train->core[p - 1].n;
    cost = PetscMin(cost, Cost(layer, train, p, ml, nl));
  }
  return cost;
}

/* The matrix's own construction is counted once for each TZ_COST_SHARED_BY columns */
static Halves Choose(const TzLayer *layer)
{
  const TzTrain *train = TzLayerGetTrain(layer);
  PetscReal      best  = (PetscReal)layer->in * layer->out * (1 + (PetscReal)train->core[train->ncores - 1].r0 / TZ_COST_SHARED_BY);
  PetscInt       ml = 1, nl = 1;
  Halves         h = {.kind = MATRIX, .train = train, .split = train->ncores, .ml = layer->out, .nl = layer->in, .mr = 1, .nr = 1, .r = 1};

  for (PetscInt p = 1; p < train->ncores; p++) {
    PetscReal cost;

    ml *= train->core[p - 1].m;
    nl *= train->core[p - 1].n;
    cost = Cost(layer, train, p, ml, nl);
    if (cost < best) {
      best    = cost;
      h.kind  = train->bond ? BOND : HALVES;
      h.split = p;
      h.ml = ml, h.nl = nl, h.mr = layer->out / ml, h.nr = layer->in / nl, h.r = train->core[p].r0;
    }
  }
  return h;
}

PetscErrorCode TzTrainCheck(TzNet net, PetscInt l, const TzLayer *layer)
{
  const Halves h = Choose(layer);

  PetscFunctionBegin;
  PetscCall(TzNetCheckSize(net, l, "entries of its halves", ((PetscReal)h.ml * h.nl + (PetscReal)h.mr * h.nr) * h.r));
  PetscCall(TzNetCheckSize(net, l, "numbers between its halves", (PetscReal)h.nl * h.r * h.mr * TZ_PANEL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create_Train(TzOperator *op)
{
  Halves *h;

  PetscFunctionBegin;
  PetscCall(PetscNew(&h));
  *h    = Choose(op->layer);
  h->nL = h->ml * h->nl * h->r;
  h->nR = h->kind == MATRIX ? 0 : h->r * h->mr * h->nr;
  PetscCall(PetscMalloc2(h->nL, &h->L, h->nR, &h->R));
  op->data  = h;
  op->ny    = h->kind == MATRIX ? 0 : h->kind == BOND ? h->r : h->nl * h->r * h->mr;
  op->nbar  = h->nL + h->nR;
  op->nwork = h->kind == MATRIX ? 0 : op->ny + PetscMax(op->layer->out, h->r);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Train(TzOperator *op)
{
  Halves *h = (Halves *)op->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(h->L, h->R));
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind_Train(TzOperator *op, const PetscReal theta[])
{
  Halves *h = (Halves *)op->data;

  PetscFunctionBegin;
  PetscCall(TzTrainMerge(h->train, theta, 0, h->split, h->L));
  if (h->nR) PetscCall(TzTrainMerge(h->train, theta, h->split, h->train->ncores, h->R));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Multiply_Train(const TzOperator *op, PetscInt n, const PetscReal a[], PetscReal y[], PetscReal z[])
{
  const TzKernels *k = TzKernelsGet();
  const Halves    *h = (const Halves *)op->data;
  const PetscInt   w = h->r * h->mr; /* rows of y for each iL */

  switch (h->kind) {
  case MATRIX: k->product(op->layer->out, n, op->layer->in, (TzStrided){h->L, op->layer->in, 1}, a, n, z, n, PETSC_FALSE); break;
  case BOND:
    k->product(h->r, n, h->nl, (TzStrided){h->L, 1, h->r}, a, n, y, n, PETSC_FALSE);
    k->product(h->mr, n, h->r, (TzStrided){h->R, 1, h->mr}, y, n, z, n, PETSC_FALSE);
    break;
  case HALVES:
    for (PetscInt i = 0; i < h->nl; i++) k->product(w, n, h->nr, (TzStrided){h->R, h->nr, 1}, a + i * h->nr * n, n, y + i * w * n, n, PETSC_FALSE);
    k->product(h->ml, h->mr * n, h->nl * h->r, (TzStrided){h->L, h->nl * h->r, 1}, y, h->mr * n, z, h->mr * n, PETSC_FALSE);
  }
}

static void Adjoint_Train(const TzOperator *op, PetscInt n, const PetscReal a[], const PetscReal at[], const PetscReal y[], const PetscReal zbar[],
                          PetscReal bar[], PetscReal abar[], PetscReal work[])
{
  const TzKernels *k  = TzKernelsGet();
  const Halves    *h  = (const Halves *)op->data;
  const PetscInt   in = op->layer->in, out = op->layer->out, r = h->r, w = r * h->mr;
  PetscReal       *Lbar = bar, *Rbar = bar + h->nL, *ybar = work, *flip = work + op->ny * n;

  switch (h->kind) {
  case MATRIX:
    k->product(out, in, n, (TzStrided){zbar, n, 1}, at, in, Lbar, in, PETSC_TRUE);
    if (abar) k->product(in, n, out, (TzStrided){h->L, 1, in}, zbar, n, abar, n, PETSC_FALSE);
    break;
  case BOND:
    TzTranspose(out, n, zbar, flip);
    k->product(r, out, n, (TzStrided){y, n, 1}, flip, out, Rbar, out, PETSC_TRUE);
    k->product(r, n, out, (TzStrided){h->R, out, 1}, zbar, n, ybar, n, PETSC_FALSE);
    TzTranspose(r, n, ybar, flip);
    k->product(in, r, n, (TzStrided){a, n, 1}, flip, r, Lbar, r, PETSC_TRUE);
    if (abar) k->product(in, n, r, (TzStrided){h->L, r, 1}, ybar, n, abar, n, PETSC_FALSE);
    break;
  case HALVES:
    TzTranspose(h->ml, h->mr * n, zbar, flip);
    k->product(h->nl * r, h->ml, h->mr * n, (TzStrided){y, h->mr * n, 1}, flip, h->ml, Lbar, h->ml, PETSC_TRUE);
    k->product(h->nl * r, h->mr * n, h->ml, (TzStrided){h->L, 1, h->nl * r}, zbar, h->mr * n, ybar, h->mr * n, PETSC_FALSE);
    for (PetscInt i = 0; i < h->nl; i++) {
      const PetscReal *yi = ybar + i * w * n;

      k->product(w, h->nr, n, (TzStrided){yi, n, 1}, at + i * h->nr, in, Rbar, h->nr, PETSC_TRUE);
      if (abar) k->product(h->nr, n, w, (TzStrided){h->R, 1, h->nr}, yi, n, abar + i * h->nr * n, n, PETSC_FALSE);
    }
  }
}

static PetscErrorCode Collect_Train(const TzOperator *op, const PetscReal theta[], const PetscReal bar[], PetscReal grad[])
{
  const Halves *h = (const Halves *)op->data;
  PetscReal    *flip;

  PetscFunctionBegin;
  if (h->kind == HALVES) {
    PetscCall(PetscMalloc1(h->nL, &flip));
    TzTranspose(h->nl * h->r, h->ml, bar, flip);
    PetscCall(TzTrainMergeAdjoint(h->train, theta, 0, h->split, flip, grad));
    PetscCall(PetscFree(flip));
  } else PetscCall(TzTrainMergeAdjoint(h->train, theta, 0, h->split, bar, grad));
  if (h->nR) PetscCall(TzTrainMergeAdjoint(h->train, theta, h->split, h->train->ncores, bar + h->nL, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzOperatorOps TzOperator_Train =
  {.create = Create_Train, .bind = Bind_Train, .multiply = Multiply_Train, .adjoint = Adjoint_Train, .collect = Collect_Train, .destroy = Destroy_Train};
