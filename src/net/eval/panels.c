/*
  Panels of rows through the layers: contraction with the left factor, activation, up to the outputs.
*/
#include "columns.h"

/* Largest |z| of layer l on one panel of bond vectors Y [q][PANEL], bounded from above: may it leave the fast sine's range? */
PetscBool TzEvalIsBig(TzNetEval eval, PetscInt l, PetscInt lanes, const PetscReal Y[])
{
  const TzBound *b     = &eval->layer[l];
  PetscReal      bound = b->bmax[0];

  for (PetscInt k = 0; k < b->q; k++) {
    PetscReal m = 0;

    for (PetscInt i = 0; i < lanes; i++) m = PetscMax(m, PetscAbsReal(Y[k * TZ_PANEL + i]));
    bound += b->bmax[1 + k] * m;
  }
  return (PetscBool) !(bound <= TZ_SINE_RANGE);
}

/* [rows][cols] -> blocks of TZ_GEMM columns: packed [ceil(cols/GEMM)][rows][GEMM] */
static void Pack(PetscInt rows, PetscInt cols, const PetscReal M[], PetscReal packed[])
{
  for (PetscInt i = 0; i < rows; i++)
    for (PetscInt j = 0; j < cols; j++) packed[(j / TZ_GEMM * rows + i) * TZ_GEMM + j % TZ_GEMM] = M[i * cols + j];
}

/*
  C [np][rows][PANEL] = A^T X on the first `lanes` rows of each panel; A [ceil(rows/GEMM)][n][GEMM], X [np][n][PANEL]. A chunk of a panel of X stays in
  the first-level cache while all rows pass; each sum still runs over n in ascending order.
*/
void TzGemm(const TzKernels *kernels, PetscInt lanes, PetscInt np, PetscInt rows, PetscInt n, const PetscReal A[], const PetscReal X[], PetscReal C[])
{
  for (PetscInt h = 0; h < n; h += TZ_CHUNK)
    for (PetscInt p = 0; p < np; p++)
      for (PetscInt i = 0; i < rows; i += TZ_GEMM)
        (*kernels->gemm)(lanes, PetscMin(TZ_GEMM, rows - i), PetscMin(TZ_CHUNK, n - h), A + i * n + h * TZ_GEMM, X + (p * n + h) * TZ_PANEL,
                         C + (p * rows + i) * TZ_PANEL, (PetscBool)(h > 0));
}

/* The same in float for one panel with all its lanes; C has room for a multiple of GEMM rows */
void TzGemmSingle(const TzKernels *kernels, PetscInt rows, PetscInt n, const float A[], const float X[], float C[])
{
  for (PetscInt h = 0; h < n; h += 2 * TZ_CHUNK)
    for (PetscInt i = 0; i < rows; i += TZ_GEMM)
      (*kernels->gemmsingle)(PetscMin(2 * TZ_CHUNK, n - h), A + i * n + h * TZ_GEMM, X + h * TZ_PANEL, C + i * TZ_PANEL, (PetscBool)(h > 0));
}

/* The left factor of layer l for gemm, filled at its first use after a binding; NULL: the layer is contracted by its operator */
const PetscReal *TzEvalPacked(TzNetEval eval, PetscInt l)
{
  TzBound *b = &eval->layer[l];

  if (b->packed && b->packedfor != eval->serial) Pack(eval->net->layer[l].in, b->q, b->left, b->packed);
  b->packedfor = eval->serial;
  return b->packed;
}

/* The same of the right factor */
const PetscReal *TzEvalPackedRight(TzNetEval eval, PetscInt l)
{
  TzBound *b = &eval->layer[l];

  if (b->expand && b->expandfor != eval->serial) Pack(b->q, eval->net->layer[l].out, b->right, b->expand);
  b->expandfor = eval->serial;
  return b->expand;
}

/* Panels are columns too: the layer's operator on one panel after the other */
static PetscErrorCode ContractOperator(TzNetEval eval, PetscInt l, PetscInt np, const PetscReal H[], PetscReal Y[])
{
  const TzLayer    *layer = &eval->net->layer[l];
  const TzOperator *op;
  PetscReal        *y;

  PetscFunctionBegin;
  PetscCall(TzEvalGetOperators(eval, &op));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_OPERATOR, (PetscInt64)op[l].ny * TZ_PANEL, &y));
  for (PetscInt p = 0; p < np; p++) (*op[l].ops->multiply)(&op[l], TZ_PANEL, H + p * layer->in * TZ_PANEL, y, Y + p * layer->out * TZ_PANEL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y [np][q][PANEL] = left^T H, H [np][in][PANEL] */
PetscErrorCode TzEvalContract(TzNetEval eval, PetscInt l, PetscInt np, const PetscReal H[], PetscReal Y[])
{
  const TzBound   *b      = &eval->layer[l];
  const PetscInt   in     = eval->net->layer[l].in;
  const PetscReal *packed = TzEvalPacked(eval, l);

  PetscFunctionBegin;
  if (!packed || eval->net->layer[l].contraction == TZ_CONTRACT_OPERATOR) {
    PetscCall(ContractOperator(eval, l, np, H, Y));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TzGemm(eval->kernels, TZ_PANEL, np, b->q, in, packed, H, Y);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Y [q_0][PANEL] = left^T x at m <= PANEL points X [m][in]; the other lanes are 0. The inputs pass through a buffer that stays in the first-level cache: in a
  million dimensions a panel of them has 192 MB.
*/
PetscErrorCode TzEvalContractPoints(TzNetEval eval, PetscInt m, const PetscReal X[], PetscReal Y[])
{
  const PetscInt   in = eval->net->in, q = eval->layer[0].q;
  const PetscReal *packed = TzEvalPacked(eval, 0);
  const PetscBool  whole  = (PetscBool)(!packed || eval->net->layer[0].contraction == TZ_CONTRACT_OPERATOR);
  const PetscInt   rows   = whole ? in : PetscMin(in, TZ_CHUNK);
  PetscReal       *H;

  PetscFunctionBegin;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_IN, (PetscInt64)rows * TZ_PANEL, &H));
  if (m < TZ_PANEL) {
    PetscCall(PetscArrayzero(H, rows * TZ_PANEL));
    PetscCall(PetscArrayzero(Y, q * TZ_PANEL));
  }
  for (PetscInt h = 0; h < in; h += rows) {
    const PetscInt n = PetscMin(rows, in - h);

    for (PetscInt p = 0; p < m; p++)
      for (PetscInt i = 0; i < n; i++) H[i * TZ_PANEL + p] = X[p * in + h + i];
    for (PetscInt k = 0; k < q && !whole; k += TZ_GEMM)
      (*eval->kernels->gemm)(m, PetscMin(TZ_GEMM, q - k), n, packed + k * in + h * TZ_GEMM, H, Y + k * TZ_PANEL, (PetscBool)(h > 0));
  }
  if (whole) PetscCall(ContractOperator(eval, 0, 1, H, Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Z [np][out][PANEL] = right^T Y, for layers whose bond is too wide for the kernels that do this on the fly */
PetscErrorCode TzEvalExpand(TzNetEval eval, PetscInt l, PetscInt np, const PetscReal Y[], PetscReal Z[])
{
  const TzBound   *b      = &eval->layer[l];
  const PetscReal *packed = TzEvalPackedRight(eval, l);

  PetscFunctionBegin;
  TzGemm(eval->kernels, TZ_PANEL, np, eval->net->layer[l].out, b->q, packed, Y, Z);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  From the contracted input of layer l to the outputs: Y [np][q_l][PANEL] (overwritten where there is no bond), out [np][out][PANEL].
*/
PetscErrorCode TzEvalTail(TzNetEval eval, PetscInt l, PetscInt np, PetscReal Y[], PetscReal out[])
{
  TzNet            net  = eval->net;
  const TzKernels *k    = eval->kernels;
  PetscReal       *y    = Y, *H, *buffer;
  PetscInt         turn = 0, width = 0;

  PetscFunctionBegin;
  for (PetscInt i = l + 1; i < net->nlayers; i++) width = PetscMax(width, np * eval->layer[i].q * TZ_PANEL);
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_TAIL, (PetscInt64)2 * width, &buffer));
  for (; l < net->nhidden; l++) {
    const TzLayer   *layer = &net->layer[l];
    const TzBound   *b = &eval->layer[l], *next = &eval->layer[l + 1];
    const PetscReal *bias = eval->theta + layer->bias;
    PetscReal       *to   = buffer + turn * width;

    if (b->table) {
      PetscCall(PetscArrayzero(to, np * next->q * TZ_PANEL));
      for (PetscInt p = 0; p < np; p++)
        (*k->bond)(net->act[l], layer->out, b->q, next->q, b->table, y + p * b->q * TZ_PANEL, to + p * next->q * TZ_PANEL,
                   TzEvalIsBig(eval, l, TZ_PANEL, y + p * b->q * TZ_PANEL));
    } else {
      H = y;
      if (b->right) {
        PetscCall(TzEvalScratch(eval, TZ_SCRATCH_H, (PetscInt64)np * layer->out * TZ_PANEL, &H));
        PetscCall(TzEvalExpand(eval, l, np, y, H));
      }
      for (PetscInt p = 0; p < np; p++) (*k->activate)(net->act[l], layer->out, bias, H + p * layer->out * TZ_PANEL, NULL, NULL);
      PetscCall(TzEvalContract(eval, l + 1, np, H, to));
    }
    y = to;
    turn ^= 1;
  }
  for (PetscInt p = 0; p < np; p++)
    for (PetscInt j = 0; j < net->out; j++)
      for (PetscInt m = 0; m < TZ_PANEL; m++)
        out[(p * net->out + j) * TZ_PANEL + m] = y[(p * net->out + j) * TZ_PANEL + m] + eval->theta[net->layer[net->nhidden].bias + j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Scalar networks: panels of inputs, transposed, through all layers; the evaluator is built */
PetscErrorCode TzNetEvalForward_Fast(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const PetscInt in = eval->net->in, out = eval->net->out, most = 6;
  PetscReal     *H, *y, *f;

  PetscFunctionBegin;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_IN, (PetscInt64)most * in * TZ_PANEL, &H));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_Y, (PetscInt64)most * eval->layer[0].q * TZ_PANEL, &y));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_OUT, (PetscInt64)most * out * TZ_PANEL, &f));
  for (PetscInt p0 = 0; p0 < n; p0 += most * TZ_PANEL) {
    const PetscInt m = PetscMin(n - p0, most * TZ_PANEL), np = (m + TZ_PANEL - 1) / TZ_PANEL;

    if (m % TZ_PANEL) PetscCall(PetscArrayzero(H + (np - 1) * in * TZ_PANEL, in * TZ_PANEL));
    for (PetscInt p = 0; p < m; p++)
      for (PetscInt i = 0; i < in; i++) H[(p / TZ_PANEL * in + i) * TZ_PANEL + p % TZ_PANEL] = X[(p0 + p) * in + i];
    PetscCall(TzEvalContract(eval, 0, np, H, y));
    PetscCall(TzEvalTail(eval, 0, np, y, f));
    for (PetscInt p = 0; p < m; p++)
      for (PetscInt i = 0; i < out; i++) Y[(p0 + p) * out + i] = f[(p / TZ_PANEL * out + i) * TZ_PANEL + p % TZ_PANEL];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
