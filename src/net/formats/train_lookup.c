/*
  Trains as tables: single columns of W, for tokens. The train is cut once, where the products of the cores on either side are smallest: with j = (jl, jr) the
  column and i = (il, ir) the row index, W(i, j) = sum_c L(il, jl, c) R(jr, c, ir), L [ml][nl][r], R [nr][r][mr]. So a parameter vector costs two small
  products, a token r out multiply-adds, and no array is as large as the table. bar: Lbar, then Rbar, of these shapes.
*/
#include "formats.h"

typedef struct {
  const TzTrain *train;
  PetscInt       split;             /* first core of R; ncores: R is 1 */
  PetscInt       ml, nl, mr, nr, r; /* products of the modes, rank at the cut */
  PetscInt       nL, nR;            /* numbers in L, R */
  PetscReal     *L, *R;
  PetscReal     *flip; /* [nR] */
} Table;

static Table Choose(const TzLayer *layer)
{
  const TzTrain *train = TzLayerGetTrain(layer);
  PetscInt       ml = 1, nl = 1;
  Table          t    = {.train = train, .split = train->ncores, .ml = layer->out, .nl = layer->in, .mr = 1, .nr = 1, .r = 1};
  PetscReal      best = PETSC_MAX_REAL;

  for (PetscInt p = 1; p < train->ncores; p++) {
    const PetscInt r = train->core[p].r0;
    PetscReal      size;

    ml *= train->core[p - 1].m;
    nl *= train->core[p - 1].n;
    size = r * ((PetscReal)ml * nl + (PetscReal)(layer->out / ml) * (layer->in / nl));
    if (size >= best) continue;
    best    = size;
    t.split = p;
    t.ml = ml, t.nl = nl, t.mr = layer->out / ml, t.nr = layer->in / nl, t.r = r;
  }
  t.nL = t.ml * t.nl * t.r;
  t.nR = t.nr * t.r * t.mr;
  return t;
}

static PetscErrorCode Create_TrainLookup(TzOperator *op)
{
  Table *t;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  *t = Choose(op->layer);
  PetscCall(PetscMalloc3(t->nL, &t->L, t->nR, &t->R, t->nR, &t->flip));
  op->data = t;
  op->nbar = t->nL + t->nR;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_TrainLookup(TzOperator *op)
{
  Table *t = (Table *)op->data;

  PetscFunctionBegin;
  PetscCall(PetscFree3(t->L, t->R, t->flip));
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind_TrainLookup(TzOperator *op, const PetscReal theta[])
{
  Table *t = (Table *)op->data;

  PetscFunctionBegin;
  PetscCall(TzTrainMerge(t->train, theta, 0, t->split, t->L));
  t->R[0] = 1;
  if (t->split == t->train->ncores) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzTrainMerge(t->train, theta, t->split, t->train->ncores, t->flip)); /* [r][mr][nr] */
  TzTranspose(t->r * t->mr, t->nr, t->flip, t->R);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Lookup_TrainLookup(const TzOperator *op, PetscInt n, const PetscInt j[], PetscReal Z[])
{
  const Table   *t = (const Table *)op->data;
  const PetscInt r = t->r, mr = t->mr;

  for (PetscInt k = 0; k < n; k++) {
    const PetscReal *L = t->L + j[k] / t->nr * r, *R = t->R + j[k] % t->nr * r * mr;

    for (PetscInt il = 0; il < t->ml; il++, L += t->nl * r, Z += mr) {
      for (PetscInt ir = 0; ir < mr; ir++) Z[ir] = 0;
      for (PetscInt c = 0; c < r; c++)
        for (PetscInt ir = 0; ir < mr; ir++) Z[ir] += L[c] * R[c * mr + ir];
    }
  }
}

static void LookupAdjoint_TrainLookup(const TzOperator *op, PetscInt n, const PetscInt j[], const PetscReal Zbar[], PetscReal bar[])
{
  const Table   *t = (const Table *)op->data;
  const PetscInt r = t->r, mr = t->mr;

  for (PetscInt k = 0; k < n; k++) {
    const PetscInt   atL = j[k] / t->nr * r, atR = j[k] % t->nr * r * mr;
    const PetscReal *L = t->L + atL, *R = t->R + atR;
    PetscReal       *Lbar = bar + atL, *Rbar = bar + t->nL + atR;

    for (PetscInt il = 0; il < t->ml; il++, L += t->nl * r, Lbar += t->nl * r, Zbar += mr)
      for (PetscInt c = 0; c < r; c++) {
        PetscReal sum = 0;

        for (PetscInt ir = 0; ir < mr; ir++) {
          sum += Zbar[ir] * R[c * mr + ir];
          Rbar[c * mr + ir] += Zbar[ir] * L[c];
        }
        Lbar[c] += sum;
      }
  }
}

static PetscErrorCode Collect_TrainLookup(const TzOperator *op, const PetscReal theta[], const PetscReal bar[], PetscReal grad[])
{
  const Table *t = (const Table *)op->data;

  PetscFunctionBegin;
  PetscCall(TzTrainMergeAdjoint(t->train, theta, 0, t->split, bar, grad));
  if (t->split == t->train->ncores) PetscFunctionReturn(PETSC_SUCCESS);
  TzTranspose(t->nr, t->r * t->mr, bar + t->nL, t->flip);
  PetscCall(TzTrainMergeAdjoint(t->train, theta, t->split, t->train->ncores, t->flip, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzOperatorOps TzOperator_TrainLookup = {.create        = Create_TrainLookup,
                                              .bind          = Bind_TrainLookup,
                                              .collect       = Collect_TrainLookup,
                                              .destroy       = Destroy_TrainLookup,
                                              .lookup        = Lookup_TrainLookup,
                                              .lookupadjoint = LookupAdjoint_TrainLookup};
