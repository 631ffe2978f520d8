/*
  The network as C text. A layer is what its format lets be known about it (TzCut): a train, applied core by core; single entries of W, row by row; or
  the matrix. Between layers there are two buffers p and q; the derivative goes back through the transposed layers, by the slopes of the activations.
*/
#include "export.h"

typedef enum { TRAIN, SPARSE, DENSE } Kind;

static Kind KindOf(const TzLayer *layer)
{
  const TzCut cut = TzLayerGetCut(layer);

  return cut.train ? TRAIN : cut.entries && cut.place ? SPARSE : DENSE;
}

static PetscBool Has(const TzNet net, Kind kind)
{
  for (PetscInt l = 0; l < net->nlayers; l++)
    if (KindOf(&net->layer[l]) == kind) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* ------------------------------------------------------------- arrays ------------------------------------------------------------- */

static PetscErrorCode SparseArrays(TzExporter *e, PetscInt l)
{
  const TzLayer *layer = &e->net->layer[l];
  const TzCut    cut   = TzLayerGetCut(layer);
  PetscInt      *row, *column;
  char           name[64];

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(layer->out + 1, &row, layer->nweights, &column));
  for (PetscInt k = 0, i = 0; i <= layer->out; i++) {
    while (k < layer->nweights && cut.place[k] < i * layer->in) k++;
    row[i] = k;
  }
  for (PetscInt k = 0; k < layer->nweights; k++) column[k] = cut.place[k] % layer->in;
  PetscCall(PetscSNPrintf(name, sizeof(name), "row_%" PetscInt_FMT, l + 1));
  TzCodeInts(e->code, name, e->wide, layer->out + 1, row);
  PetscCall(PetscSNPrintf(name, sizeof(name), "column_%" PetscInt_FMT, l + 1));
  if (layer->nweights) TzCodeInts(e->code, name, e->wide, layer->nweights, column);
  PetscCall(PetscFree2(row, column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Arrays(TzExporter *e, PetscInt l)
{
  const TzLayer *layer = &e->net->layer[l];
  const TzCut    cut   = TzLayerGetCut(layer);
  PetscReal     *W;
  char           name[64];

  PetscFunctionBegin;
  TzCodePrintf(e->code, "\n/* layer %" PetscInt_FMT ": %" PetscInt_FMT " -> %" PetscInt_FMT "%s */\n", l + 1, layer->in, layer->out,
               KindOf(layer) == TRAIN ? ", cores [r0][m][n][r1]" : "");
  PetscCall(PetscSNPrintf(name, sizeof(name), "weight_%" PetscInt_FMT, l + 1));
  for (PetscInt k = 0; KindOf(layer) == TRAIN && k < cut.train->ncores; k++) {
    const TzCore c = cut.train->core[k];

    PetscCall(PetscSNPrintf(name, sizeof(name), "core_%" PetscInt_FMT "_%" PetscInt_FMT, l + 1, k + 1));
    TzCodeReals(e->code, name, c.r0 * c.m * c.n * c.r1, e->theta + c.offset);
  }
  if (KindOf(layer) == SPARSE) {
    if (layer->nweights) TzCodeReals(e->code, name, layer->nweights, e->theta + layer->weights);
    PetscCall(SparseArrays(e, l));
  }
  if (KindOf(layer) == DENSE) {
    PetscCall(PetscMalloc1((size_t)layer->in * layer->out, &W));
    PetscCall(TzNetGetWeight(e->net, e->theta, l, W));
    TzCodeReals(e->code, name, layer->in * layer->out, W);
    PetscCall(PetscFree(W));
  }
  PetscCall(PetscSNPrintf(name, sizeof(name), "bias_%" PetscInt_FMT, l + 1));
  if (e->net->bias) TzCodeReals(e->code, name, layer->out, e->theta + layer->bias);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ functions ------------------------------------------------------------ */

static const char core_text[] = "\n/* Tensors beside a core G [r0][m][n][r1]: x [M][r0][n][rest] -> y [M][m][r1][rest]; and the transposed */\n"
                                "static inline void core(int M, int r0, int m, int n, int r1, int rest, const real *G, const real *x, real *y)\n"
                                "{\n"
                                "  for (int p = 0; p < M; p++)\n"
                                "    for (int i = 0; i < m; i++)\n"
                                "      for (int b = 0; b < r1; b++)\n"
                                "        for (int k = 0; k < rest; k++) {\n"
                                "          real sum = 0;\n"
                                "          for (int a = 0; a < r0; a++)\n"
                                "            for (int j = 0; j < n; j++) sum += G[((a * m + i) * n + j) * r1 + b] * x[((p * r0 + a) * n + j) * rest + k];\n"
                                "          y[((p * m + i) * r1 + b) * rest + k] = sum;\n"
                                "        }\n"
                                "}\n"
                                "\n"
                                "static inline void core_transposed(int M, int r0, int m, int n, int r1, int rest, const real *G, const real *y, real *x)\n"
                                "{\n"
                                "  for (int p = 0; p < M; p++)\n"
                                "    for (int a = 0; a < r0; a++)\n"
                                "      for (int j = 0; j < n; j++)\n"
                                "        for (int k = 0; k < rest; k++) {\n"
                                "          real sum = 0;\n"
                                "          for (int i = 0; i < m; i++)\n"
                                "            for (int b = 0; b < r1; b++) sum += G[((a * m + i) * n + j) * r1 + b] * y[((p * m + i) * r1 + b) * rest + k];\n"
                                "          x[((p * r0 + a) * n + j) * rest + k] = sum;\n"
                                "        }\n"
                                "}\n";

static const char dense_text[] = "\n/* y [out] = W x, W [out][in]; and x = W' y */\n"
                                 "static void dense(int out, int in, const real *W, const real *x, real *y)\n"
                                 "{\n"
                                 "  for (int i = 0; i < out; i++, W += in) {\n"
                                 "    real sum = 0;\n"
                                 "    for (int j = 0; j < in; j++) sum += W[j] * x[j];\n"
                                 "    y[i] = sum;\n"
                                 "  }\n"
                                 "}\n"
                                 "\n"
                                 "static void dense_transposed(int out, int in, const real *W, const real *y, real *x)\n"
                                 "{\n"
                                 "  for (int j = 0; j < in; j++) x[j] = 0;\n"
                                 "  for (int i = 0; i < out; i++, W += in)\n"
                                 "    for (int j = 0; j < in; j++) x[j] += W[j] * y[i];\n"
                                 "}\n";

static const char
  sparse_text[] = "\n/* W by rows: row i has the weights row[i] <= k < row[i + 1] in the columns column[k] */\n"
                  "static void sparse(int out, const place *row, const place *column, const real *W, const real *x, real *y)\n"
                  "{\n"
                  "  for (int i = 0; i < out; i++) {\n"
                  "    real sum = 0;\n"
                  "    for (place k = row[i]; k < row[i + 1]; k++) sum += W[k] * x[column[k]];\n"
                  "    y[i] = sum;\n"
                  "  }\n"
                  "}\n"
                  "\n"
                  "static void sparse_transposed(int out, int in, const place *row, const place *column, const real *W, const real *y, real *x)\n"
                  "{\n"
                  "  for (int j = 0; j < in; j++) x[j] = 0;\n"
                  "  for (int i = 0; i < out; i++)\n"
                  "    for (place k = row[i]; k < row[i + 1]; k++) x[column[k]] += W[k] * y[i];\n"
                  "}\n";

/* One loop over the units of a layer: its head, the statements for y and dy at z, and whether the derivative is kept */
static void Loop(TzExporter *e, const char head[], const char statements[], PetscBool slope)
{
  TzCodePrintf(e->code,
               "%s    for (int i = 0; i < n; i++) {\n"
               "      const real z = x[i]%s;\n"
               "      real y, dy;\n"
               "      %s\n"
               "      x[i] = y;\n"
               "      %s;\n"
               "    }\n",
               head, e->net->bias ? " + bias[i]" : "", statements, slope ? "slope[i] = dy" : "(void)dy");
}

/* The first layer that has the activation of layer l: its function's number */
static PetscInt ActivationNumber(TzNet net, PetscInt l)
{
  PetscInt k = 0;

  while (net->act[k] != net->act[l]) k++;
  return k + 1;
}

static void Activation(TzExporter *e, PetscInt l)
{
  const TzActivationOps *ops  = &e->net->act[l]->ops;
  const char            *bias = e->net->bias ? " + bias[i]" : "";

  TzCodePrintf(e->code,
               "\n/* x [n] becomes %s of x%s; slope [n], or null: its derivative there */\nstatic void activate_%" PetscInt_FMT
               "(int n%s, real *x, real *slope)\n{\n",
               e->net->act[l]->name, e->net->bias ? " + bias" : "", l + 1, e->net->bias ? ", const real *bias" : "");
  if (ops->fast) {
    TzCodeReal(e->code, "reach", ops->reach);
    TzCodePrintf(e->code, "  int small = 1;\n  for (int i = 0; i < n; i++) small &= x[i]%s <= reach && x[i]%s >= -reach;\n", bias, bias);
    Loop(e, "  if (small && slope)\n", ops->fast, PETSC_TRUE);
    Loop(e, "  else if (small)\n", ops->fast, PETSC_FALSE);
  }
  Loop(e, ops->fast ? "  else if (slope)\n" : "  if (slope)\n", ops->code, PETSC_TRUE);
  Loop(e, "  else\n", ops->code, PETSC_FALSE);
  TzCodePrintf(e->code, "}\n");
}

/* ------------------------------------------------------------ the layers ------------------------------------------------------------ */

/* The place of a value: z, then q, p, q ... in turn; backwards p, q, p ..., at last grad */
static const char *const buffer[] = {"p", "q"};

static void Grow(TzExporter *e, PetscInt64 numbers, PetscInt64 products)
{
  e->buffer = PetscMax(e->buffer, numbers);
  e->product += products;
}

/* The product of a layer with *from; *from becomes the place of the result, *turn that of the buffer which is free */
static void Multiply(TzExporter *e, PetscInt l, const char **from, int *turn)
{
  const TzLayer *layer = &e->net->layer[l];
  const TzCut    cut   = TzLayerGetCut(layer);
  const Kind     kind  = KindOf(layer);
  PetscInt       M = 1, rest = layer->in;

  for (PetscInt k = 0; kind == TRAIN && k < cut.train->ncores; k++, *turn ^= 1) {
    const TzCore c = cut.train->core[k];

    rest /= c.n;
    TzCodePrintf(e->code,
                 "  core(%" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT ", core_%" PetscInt_FMT
                 "_%" PetscInt_FMT ", %s, %s);\n",
                 M, c.r0, c.m, c.n, c.r1, rest, l + 1, k + 1, *from, buffer[*turn]);
    Grow(e, (PetscInt64)M * PetscMax(c.m * c.r1, c.r0 * c.n) * rest, (PetscInt64)M * c.m * c.r1 * rest * c.r0 * c.n);
    *from = buffer[*turn];
    M *= c.m;
  }
  if (kind == TRAIN) return;
  if (kind == SPARSE && !layer->nweights) TzCodePrintf(e->code, "  for (int i = 0; i < %" PetscInt_FMT "; i++) %s[i] = 0;\n", layer->out, buffer[*turn]);
  else if (kind == SPARSE)
    TzCodePrintf(e->code, "  sparse(%" PetscInt_FMT ", row_%" PetscInt_FMT ", column_%" PetscInt_FMT ", weight_%" PetscInt_FMT ", %s, %s);\n", layer->out,
                 l + 1, l + 1, l + 1, *from, buffer[*turn]);
  else
    TzCodePrintf(e->code, "  dense(%" PetscInt_FMT ", %" PetscInt_FMT ", weight_%" PetscInt_FMT ", %s, %s);\n", layer->out, layer->in, l + 1, *from,
                 buffer[*turn]);
  Grow(e, PetscMax(layer->in, layer->out), kind == SPARSE ? layer->nweights : (PetscInt64)layer->in * layer->out);
  *from = buffer[*turn];
  *turn ^= 1;
}

/* The transposed; the result of the first layer goes to grad */
static void MultiplyTransposed(TzExporter *e, PetscInt l, const char **from, int *turn)
{
  const TzLayer *layer = &e->net->layer[l];
  const TzCut    cut   = TzLayerGetCut(layer);
  const Kind     kind  = KindOf(layer);
  PetscInt       M = layer->out, rest = 1;

  for (PetscInt k = kind == TRAIN ? cut.train->ncores - 1 : -1; k >= 0; k--, *turn ^= 1) {
    const TzCore c  = cut.train->core[k];
    const char  *to = l || k ? buffer[*turn] : "grad";

    M /= c.m;
    TzCodePrintf(e->code,
                 "  core_transposed(%" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT ", %" PetscInt_FMT
                 ", core_%" PetscInt_FMT "_%" PetscInt_FMT ", %s, %s);\n",
                 M, c.r0, c.m, c.n, c.r1, rest, l + 1, k + 1, *from, to);
    *from = to;
    rest *= c.n;
  }
  if (kind == TRAIN) return;
  if (kind == SPARSE && !layer->nweights)
    TzCodePrintf(e->code, "  for (int j = 0; j < %" PetscInt_FMT "; j++) %s[j] = 0;\n", layer->in, l ? buffer[*turn] : "grad");
  else if (kind == SPARSE)
    TzCodePrintf(e->code,
                 "  sparse_transposed(%" PetscInt_FMT ", %" PetscInt_FMT ", row_%" PetscInt_FMT ", column_%" PetscInt_FMT ", weight_%" PetscInt_FMT
                 ", %s, %s);\n",
                 layer->out, layer->in, l + 1, l + 1, l + 1, *from, l ? buffer[*turn] : "grad");
  else
    TzCodePrintf(e->code, "  dense_transposed(%" PetscInt_FMT ", %" PetscInt_FMT ", weight_%" PetscInt_FMT ", %s, %s);\n", layer->out, layer->in, l + 1, *from,
                 l ? buffer[*turn] : "grad");
  *from = buffer[*turn];
  *turn ^= 1;
}

static void Forward(TzExporter *e)
{
  const char *from = "z";
  int         turn = 0;

  TzCodePrintf(e->code,
               "\n/* f(z). slope [%" PetscInt64_FMT "], or null: of the hidden units; p, q [%" PetscInt64_FMT "] */\n"
               "static real network(const real *z, real *slope, real *p, real *q)\n{\n",
               e->slopes, e->buffer);
  for (PetscInt l = 0, first = 0; l < e->net->nlayers; l++) {
    Multiply(e, l, &from, &turn);
    if (l == e->net->nhidden) break;
    TzCodePrintf(e->code, "  activate_%" PetscInt_FMT "(%" PetscInt_FMT ", ", ActivationNumber(e->net, l), e->net->layer[l].out);
    if (e->net->bias) TzCodePrintf(e->code, "bias_%" PetscInt_FMT ", ", l + 1);
    TzCodePrintf(e->code, "%s, slope ? slope + %" PetscInt_FMT " : 0);\n", from, first);
    first += e->net->layer[l].out;
  }
  TzCodePrintf(e->code, "  return %s[0]", from);
  if (e->net->bias) TzCodePrintf(e->code, " + bias_%" PetscInt_FMT "[0]", e->net->nlayers);
  TzCodePrintf(e->code, ";\n}\n");
}

static void Backward(TzExporter *e)
{
  const char *from  = buffer[0];
  int         turn  = 1;
  PetscInt    first = (PetscInt)e->slopes;

  TzCodePrintf(e->code, "\n/* grad [D] of f, from the slopes that network() left */\n"
                        "static void backward(const real *slope, real *grad, real *p, real *q)\n{\n  p[0] = 1;\n");
  for (PetscInt l = e->net->nhidden; l >= 0; l--) {
    MultiplyTransposed(e, l, &from, &turn);
    if (!l) break;
    first -= e->net->layer[l].in;
    TzCodePrintf(e->code, "  for (int i = 0; i < %" PetscInt_FMT "; i++) %s[i] *= slope[%" PetscInt_FMT " + i];\n", e->net->layer[l].in, from, first);
  }
  TzCodePrintf(e->code, "}\n");
}

PetscErrorCode TzExportLayers(TzExporter *e)
{
  const TzNet net  = e->net;
  TzCode      code = e->code, nowhere;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    e->wide = (PetscBool)(e->wide || net->layer[l].in > 65535 || net->layer[l].nweights > 65535);
    if (l < net->nhidden) e->slopes += net->layer[l].out;
  }
  /* the sizes are known when it has been written once */
  PetscCall(TzCodeCreate(code->single, &nowhere));
  e->code = nowhere;
  Forward(e);
  PetscCall(TzCodeDestroy(&nowhere));
  e->code    = code;
  e->product = 0;
  if (Has(net, SPARSE)) TzCodePrintf(code, "typedef unsigned %s place;\n", e->wide ? "long" : "short");
  for (PetscInt l = 0; l < net->nlayers; l++) PetscCall(Arrays(e, l));
  if (Has(net, TRAIN)) TzCodePrintf(code, "%s", core_text);
  if (Has(net, DENSE)) TzCodePrintf(code, "%s", dense_text);
  if (Has(net, SPARSE)) TzCodePrintf(code, "%s", sparse_text);
  for (PetscInt l = 0; l < net->nhidden; l++)
    if (ActivationNumber(net, l) == l + 1) Activation(e, l);
  Forward(e);
  Backward(e);
  PetscFunctionReturn(PETSC_SUCCESS);
}
