/*
  All formats, the choice of a contraction for a layer, and whether its arrays fit.
*/
#include "formats.h"

#define MOST 32

/* a new format is one file and one row, or a call of TzNetFormatRegister() */
static struct {
  const char        *name;
  const TzFormatOps *ops;
} formats[MOST] = {
  {TZNETDENSE, &TzFormat_Dense},
  {TZNETTT, &TzFormat_TT},
  {TZNETTTM, &TzFormat_TTM},
  {TZNETSPARSE, &TzFormat_Sparse},
};

static PetscInt Find(const char name[])
{
  PetscInt k = 0;

  while (k < MOST && formats[k].name && strcmp(formats[k].name, name)) k++;
  return k;
}

PetscErrorCode TzNetFormatRegister(const char name[], const TzFormatOps *ops)
{
  const PetscInt k = Find(name);
  char          *copy;

  PetscFunctionBegin;
  PetscCheck(ops->layout && ops->densify && ops->gradient && !ops->bond == !ops->bondgradient, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "format %s: needs layout, densify and gradient, and bond and bondgradient both or neither", name);
  PetscCheck(k < MOST, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "format %s: there is room for %d formats", name, MOST);
  PetscCheck(!formats[k].name || formats[k].ops == ops, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "format %s: there is one of this name", name);
  if (formats[k].name) PetscFunctionReturn(PETSC_SUCCESS);
  copy = strdup(name); /* outlives PetscFinalize(), as the table does */
  PetscCheck(copy, PETSC_COMM_SELF, PETSC_ERR_MEM, "format %s", name);
  formats[k].name = copy;
  formats[k].ops  = ops;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFormatsNote(void)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MOST && formats[k].name; k++) PetscCall(TzTypeNote(formats[k].name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFormatFind(MPI_Comm comm, const char name[], const TzFormatOps **ops)
{
  const PetscInt k            = Find(name);
  char           allowed[512] = "";

  PetscFunctionBegin;
  if (k < MOST && formats[k].name) {
    *ops = formats[k].ops;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt i = 0; i < MOST && formats[i].name; i++) {
    if (i) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
    PetscCall(PetscStrlcat(allowed, formats[i].name, sizeof(allowed)));
  }
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "-net_format %s: must be one of %s, or registered by a library", name, allowed);
}

const char *TzFormatName(const TzFormatOps *ops)
{
  PetscInt k = 0;

  while (formats[k].ops != ops) k++;
  return formats[k].name;
}

/* ------------------------------------------------------------- sizes ------------------------------------------------------------- */

#define ADVICE "use narrower layers, or a format that compresses them (-net_format tt, a small -net_tt_rank)"

PetscErrorCode TzNetCheckMemory(TzNet net, PetscInt l, const char what[], PetscReal numbers)
{
  PetscFunctionBegin;
  PetscCall(TzMemoryCheck(PetscObjectComm((PetscObject)net), numbers,
                          "-net_layers: layer %" PetscInt_FMT
                          " in format %s, %s (narrower layers, a format that compresses them or a smaller -net_tt_rank take less)",
                          l + 1, TzFormatName(net->format), what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetCheckSize(TzNet net, PetscInt l, const char what[], PetscReal numbers)
{
  PetscFunctionBegin;
  PetscCheck(numbers <= PETSC_MAX_INT, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_layers: layer %" PetscInt_FMT " has %.0f %s in format %s, %.1f GB and more than the %" PetscInt_FMT
             " that this PETSc's integers count: " ADVICE,
             l + 1, (double)numbers, what, TzFormatName(net->format), (double)numbers * sizeof(PetscReal) / 1e9, PETSC_MAX_INT);
  PetscCall(TzNetCheckMemory(net, l, what, numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------- contractions ---------------------------------------------------------- */

/*
  The cost model: multiply-adds of a product with one column, which run at the vector unit's peak. What is made once per parameter vector (the
  bond's factors, the operator's, the matrix) is shared by the thousands of inputs of a loss.
*/
PetscErrorCode TzLayerChooseContraction(TzNet net, TzLayer *layer)
{
  const TzFormatOps *ops = layer->ops;

  PetscFunctionBegin;
  layer->cost[TZ_CONTRACT_DENSE]    = (PetscReal)layer->in * layer->out;
  layer->cost[TZ_CONTRACT_OPERATOR] = ops->op && ops->cost ? (*ops->cost)(layer) : PETSC_MAX_REAL;
  layer->cost[TZ_CONTRACT_BOND]     = layer->bond ? (PetscReal)layer->bond * (layer->in + layer->out) : PETSC_MAX_REAL;
  layer->contraction                = TZ_CONTRACT_DENSE;
  for (int c = 0; c < 3; c++)
    if (layer->cost[c] < layer->cost[layer->contraction]) layer->contraction = (TzContraction)c;
  if (net->contraction >= 0 && ops == net->format) {
    PetscCheck(layer->cost[net->contraction] < PETSC_MAX_REAL || (!ops->bond && !ops->cost), PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
               "-net_contraction: format %s has no %s; use auto%s or dense", TzFormatName(ops),
               net->contraction == TZ_CONTRACT_BOND ? "middle bond" : "operator",
               ops->bond   ? ", bond"
               : ops->cost ? ", cores"
                           : "");
    if (layer->cost[net->contraction] < PETSC_MAX_REAL) layer->contraction = (TzContraction)net->contraction;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
