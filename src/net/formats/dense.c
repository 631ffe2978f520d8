/*
  Format "dense": W [out][in] itself; and the operator of every format that has none of its own, by the matrix.
*/
#include "formats.h"

static PetscErrorCode Layout_Dense(TzNet net, PetscInt l, TzLayer *layer, PETSC_UNUSED PetscInt r)
{
  PetscFunctionBegin;
  PetscCall(TzNetCheckSize(net, l, "weights", (PetscReal)layer->in * layer->out));
  layer->nweights = layer->in * layer->out;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Densify_Dense(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(W, theta + layer->weights, layer->nweights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient_Dense(const TzLayer *layer, PETSC_UNUSED const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < layer->nweights; k++) grad[layer->weights + k] += Wbar[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply_Dense(const TzLayer *layer, const PetscReal theta[], const PetscReal x[], PETSC_UNUSED PetscReal work[], PetscReal y[])
{
  PetscFunctionBegin;
  for (PetscInt j = 0; j < layer->out; j++) {
    const PetscReal *w = theta + layer->weights + j * layer->in;
    PetscReal        s = 0;

    for (PetscInt i = 0; i < layer->in; i++) s += w[i] * x[i];
    y[j] = s;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Cut_Dense(PETSC_UNUSED const TzLayer *layer, TzCut *cut)
{
  cut->entries = PETSC_TRUE;
}

/* -------------------------------------------------------- by the matrix -------------------------------------------------------- */

typedef struct {
  PetscReal       *own; /* [out][in] or NULL: the weights are the matrix */
  const PetscReal *W;
} Matrix;

static PetscErrorCode Create_Matrix(TzOperator *op)
{
  const TzLayer *layer = op->layer;
  const TzCut    cut   = TzLayerGetCut(layer);
  Matrix        *m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  op->data   = m;
  op->nbar   = layer->in * layer->out;
  op->direct = (PetscBool)(cut.entries && !cut.place);
  if (!op->direct) PetscCall(PetscMalloc1(op->nbar, &m->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Matrix(TzOperator *op)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(((Matrix *)op->data)->own));
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind_Matrix(TzOperator *op, const PetscReal theta[])
{
  Matrix *m = (Matrix *)op->data;

  PetscFunctionBegin;
  if (m->own) PetscCall((*op->layer->ops->densify)(op->layer, theta, m->own));
  m->W = m->own ? m->own : theta + op->layer->weights;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Multiply_Matrix(const TzOperator *op, PetscInt n, const PetscReal a[], PETSC_UNUSED PetscReal y[], PetscReal z[])
{
  const PetscInt in = op->layer->in;

  TzKernelsGet()->product(op->layer->out, n, in, (TzStrided){((const Matrix *)op->data)->W, in, 1}, a, n, z, n, PETSC_FALSE);
}

#define ROWS 8 /* of a gradient at a time, from end to end: its memory is read and written once, in order */

static void Adjoint_Matrix(const TzOperator *op, PetscInt n, PETSC_UNUSED const PetscReal a[], const PetscReal at[], PETSC_UNUSED const PetscReal y[],
                           const PetscReal zbar[], PetscReal bar[], PetscReal abar[], PETSC_UNUSED PetscReal work[])
{
  const PetscInt in = op->layer->in, out = op->layer->out;

  for (PetscInt o = 0; o < out; o += ROWS)
    TzKernelsGet()->product(PetscMin(ROWS, out - o), in, n, (TzStrided){zbar + o * n, n, 1}, at, in, bar + o * in, in, PETSC_TRUE);
  if (abar) TzKernelsGet()->product(in, n, out, (TzStrided){((const Matrix *)op->data)->W, 1, in}, zbar, n, abar, n, PETSC_FALSE);
}

static PetscErrorCode Collect_Matrix(const TzOperator *op, const PetscReal theta[], const PetscReal bar[], PetscReal grad[])
{
  PetscFunctionBegin;
  PetscCall((*op->layer->ops->gradient)(op->layer, theta, bar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const PetscReal *TzOperatorGetMatrix(const TzOperator *op)
{
  return ((const Matrix *)op->data)->W;
}

static void Lookup_Matrix(const TzOperator *op, PetscInt n, const PetscInt j[], PetscReal Z[])
{
  const PetscInt   in = op->layer->in, out = op->layer->out;
  const PetscReal *W = ((const Matrix *)op->data)->W;

  for (PetscInt k = 0; k < n; k++)
    for (PetscInt o = 0; o < out; o++) Z[k * out + o] = W[o * in + j[k]];
}

static void LookupAdjoint_Matrix(const TzOperator *op, PetscInt n, const PetscInt j[], const PetscReal Zbar[], PetscReal bar[])
{
  const PetscInt in = op->layer->in, out = op->layer->out;

  for (PetscInt k = 0; k < n; k++)
    for (PetscInt o = 0; o < out; o++) bar[o * in + j[k]] += Zbar[k * out + o];
}

const TzOperatorOps TzOperator_Matrix = {Create_Matrix,  Bind_Matrix,    Multiply_Matrix, Adjoint_Matrix,
                                         Collect_Matrix, Destroy_Matrix, Lookup_Matrix,   LookupAdjoint_Matrix};

const TzFormatOps TzFormat_Dense =
  {.what = "full matrix", .layout = Layout_Dense, .densify = Densify_Dense, .gradient = Gradient_Dense, .cut = Cut_Dense, .apply = Apply_Dense};
