/*
  Evaluators: binding a network to a parameter vector, scratch memory, and what the rooms above attach.
*/
#include <private/tznetimpl.h>

static PetscLogEvent TZ_NetBind;

/* Allocates what TzEvalBuild() fills: once per evaluator */
static PetscErrorCode Allocate(TzNetEval eval)
{
  TzNet net = eval->net;

  PetscFunctionBegin;
  for (PetscInt l = net->nlayers - 1; l >= 0; l--) {
    const TzLayer  *layer = &net->layer[l];
    TzBound        *b     = &eval->layer[l];
    const PetscBool bond  = (PetscBool)(layer->contraction == TZ_CONTRACT_BOND);

    b->q = bond ? layer->bond : layer->out;
    /* the stencil needs the columns of the first matrix whatever the contraction */
    if (bond || layer->contraction == TZ_CONTRACT_DENSE || !l) {
      PetscCall(PetscMalloc1((size_t)layer->in * b->q, &b->left));
      PetscCall(PetscCalloc1((size_t)((b->q + TZ_GEMM - 1) / TZ_GEMM) * layer->in * TZ_GEMM, &b->packed));
    }
    PetscCall(PetscMalloc1(1 + b->q, &b->bmax));
    if (bond) PetscCall(PetscMalloc1((size_t)b->q * layer->out, &b->right));
    if (bond && l < net->nhidden && eval->layer[l + 1].q <= TZ_MAX_BOND)
      PetscCall(PetscMalloc1((size_t)layer->out * (1 + b->q + eval->layer[l + 1].q), &b->table));
    if (bond) PetscCall(PetscCalloc1((size_t)((layer->out + TZ_GEMM - 1) / TZ_GEMM) * b->q * TZ_GEMM, &b->expand));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Frees all that belongs to a set-up of the network */
static PetscErrorCode Reset(TzNetEval eval)
{
  PetscFunctionBegin;
  while (eval->nattached) {
    const PetscInt k = --eval->nattached;

    PetscCall((*eval->attached[k].destroy)(eval, eval->attached[k].what));
  }
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++) {
    TzBound *b = &eval->layer[l];

    PetscCall(PetscFree(b->left));
    PetscCall(PetscFree(b->right));
    PetscCall(PetscFree(b->packed));
    PetscCall(PetscFree(b->expand));
    PetscCall(PetscFree(b->table));
    PetscCall(PetscFree(b->bmax));
    PetscCall(PetscMemzero(b, sizeof(*b)));
  }
  PetscCall(PetscFree(eval->theta));
  PetscCall(PetscFree(eval->given));
  eval->built = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The network's present set-up */
static PetscErrorCode SetUp(TzNetEval eval)
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(eval->net));
  if (eval->version == eval->net->version) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Reset(eval));
  PetscCall(PetscCalloc1(eval->net->nfull, &eval->theta));
  if (TzModelIsActive(eval->net)) PetscCall(PetscMalloc1(eval->net->nparams, &eval->given));
  eval->version = eval->net->version;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalCreate(TzNet net, TzNetEval *neweval)
{
  TzNetEval eval;

  PetscFunctionBegin;
  PetscCall(PetscNew(&eval));
  PetscCall(PetscObjectReference((PetscObject)net));
  eval->net     = net;
  eval->kernels = TzKernelsGet();
  PetscCall(SetUp(eval));
  if (!TZ_NetBind) PetscCall(PetscLogEventRegister("TzNetBind", TZNET_CLASSID, &TZ_NetBind));
  *neweval = eval;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalDestroy(TzNetEval *eval)
{
  PetscFunctionBegin;
  if (!*eval) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Reset(*eval));
  for (int i = 0; i < TZ_SCRATCH_MAX; i++) PetscCall(PetscFree((*eval)->scratch[i]));
  PetscCall(TzNetDestroy(&(*eval)->net));
  PetscCall(PetscFree(*eval));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzEvalAttach(TzNetEval eval, TzEvalFree destroy, void *what)
{
  PetscFunctionBegin;
  PetscCheck(eval->nattached < TZ_MAX_ATTACHMENTS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "an evaluator has no more than %d attachments", TZ_MAX_ATTACHMENTS);
  eval->attached[eval->nattached].destroy = destroy;
  eval->attached[eval->nattached++].what  = what;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void *TzEvalAttached(TzNetEval eval, TzEvalFree destroy)
{
  for (PetscInt k = 0; k < eval->nattached; k++)
    if (eval->attached[k].destroy == destroy) return eval->attached[k].what;
  return NULL;
}

/* Room for n numbers, kept between calls; the contents are lost when it grows */
PetscErrorCode TzEvalScratch(TzNetEval eval, int which, PetscInt64 n, PetscReal **p)
{
  PetscFunctionBegin;
  PetscCheck(n <= PETSC_MAX_INT, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "-net_layers: an evaluation needs an array of %" PetscInt64_FMT " numbers, more than the %" PetscInt_FMT " that this PETSc's integers count", n,
             PETSC_MAX_INT);
  if (n > eval->nscratch[which]) {
    PetscCall(PetscFree(eval->scratch[which]));
    PetscCall(PetscMalloc1(n + TZ_LANES - 1, &eval->scratch[which]));
    eval->nscratch[which] = n;
  }
  *p = (PetscReal *)(((uintptr_t)eval->scratch[which] + 63) & ~(uintptr_t)63); /* whole vectors: a load across two cache lines is two loads */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* table [out][1 + r + q]: bias, right [r][out], left [out][q] */
static inline void FillRows(PetscInt out, PetscInt r, PetscInt q, const PetscReal *restrict bias, const PetscReal *restrict right,
                            const PetscReal *restrict left, PetscReal *restrict table)
{
  for (PetscInt h = 0; h < out; h++, table += 1 + r + q) {
    table[0] = bias[h];
    for (PetscInt k = 0; k < r; k++) table[1 + k] = right[k * out + h];
    for (PetscInt k = 0; k < q; k++) table[1 + r + k] = left[h * q + k];
  }
}

static void FillTable(PetscInt out, PetscInt r, PetscInt q, const PetscReal bias[], const PetscReal right[], const PetscReal left[], PetscReal table[])
{
#define CASE(R, Q) \
  if (r == R && q == Q) { \
    FillRows(out, R, Q, bias, right, left, table); \
    return; \
  }
  TZ_BOND_SIZES(CASE);
#undef CASE
  FillRows(out, r, q, bias, right, left, table);
}

static PetscErrorCode BindLayer(TzNetEval eval, PetscInt l)
{
  const TzLayer   *layer = &eval->net->layer[l];
  TzBound         *b     = &eval->layer[l];
  const PetscReal *bias  = eval->theta + layer->bias;

  PetscFunctionBegin;
  if (b->right) PetscCall((*layer->ops->bond)(layer, eval->theta, b->left, b->right));
  else if (b->left) {
    const TzCut      cut = TzLayerGetCut(layer);
    const PetscReal *W   = eval->theta + layer->weights;
    PetscReal       *made;

    if (!cut.entries || cut.place) { /* otherwise the weights are the matrix */
      PetscCall(TzEvalScratch(eval, TZ_SCRATCH_H, (PetscInt64)layer->in * layer->out, &made));
      PetscCall((*layer->ops->densify)(layer, eval->theta, made));
      W = made;
    }
    TzTranspose(layer->out, layer->in, W, b->left);
  }
  for (PetscInt k = 0; k <= (b->right ? b->q : 0); k++) b->bmax[k] = (*eval->kernels->largest)(layer->out, k ? b->right + (k - 1) * layer->out : bias);
  if (b->table) {
    const TzBound *next = &eval->layer[l + 1];

    FillTable(layer->out, b->q, next->q, bias, b->right, next->left, b->table);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta[nparams]: copied. What is built from it waits for the first evaluation that needs it. */
PetscErrorCode TzNetEvalBind(TzNetEval eval, const PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(SetUp(eval));
  if (TzModelIsActive(eval->net)) {
    PetscCall(PetscArraycpy(eval->given, theta, eval->net->nparams));
    PetscCall(TzModelBind(eval->net, theta, eval->theta, &eval->hash));
  } else PetscCall(PetscArraycpy(eval->theta, theta, eval->net->nparams));
  eval->serial++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Factors, matrices and the kernels' tables of the fast evaluation */
PetscErrorCode TzEvalBuild(TzNetEval eval)
{
  PetscFunctionBegin;
  if (eval->built == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  if (!eval->leader) PetscCall(PetscLogEventBegin(TZ_NetBind, eval->net, 0, 0, 0)); /* PETSc's log is one thread's */
  if (!eval->built) PetscCall(Allocate(eval));
  for (PetscInt l = eval->net->nlayers - 1; l >= 0; l--) PetscCall(BindLayer(eval, l));
  eval->built = eval->serial;
  if (!eval->leader) PetscCall(PetscLogEventEnd(TZ_NetBind, eval->net, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
