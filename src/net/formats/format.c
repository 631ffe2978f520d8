/*
  All formats, the choice of a contraction for a layer, and whether its arrays fit.
*/
#include "formats.h"
#include <private/tzregistryimpl.h>

/* a new format is one file and one row, or a call of TzNetFormatRegister() */
static TzRegistry formats = {.what = "format",
                             .rows = {{TZNETDENSE, &TzFormat_Dense},
                                      {TZNETTT, &TzFormat_TT},
                                      {TZNETTTM, &TzFormat_TTM},
                                      {TZNETSPARSE, &TzFormat_Sparse},
                                      {TZNETMZI, &TzFormat_MZI},
                                      {TZNETMZITT, &TzFormat_MZITT},
                                      {TZNETMZITTM, &TzFormat_MZITTM}}};

PetscErrorCode TzNetFormatRegister(const char name[], const TzFormatOps *ops)
{
  PetscFunctionBegin;
  PetscCheck(ops->layout && ops->densify && ops->gradient && !ops->bond == !ops->bondgradient, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "format %s: needs layout, densify and gradient, and bond and bondgradient both or neither", name);
  PetscCall(TzRegistryAdd(&formats, name, ops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFormatsNote(void)
{
  PetscFunctionBegin;
  PetscCall(TzRegistryNote(&formats));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFormatFind(MPI_Comm comm, const char name[], const TzFormatOps **ops)
{
  PetscFunctionBegin;
  PetscCall(TzRegistryFind(&formats, comm, "-net_format", name, (const void **)ops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *TzFormatName(const TzFormatOps *ops)
{
  return TzRegistryName(&formats, ops);
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
