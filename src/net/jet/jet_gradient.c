/*
  Value and first derivatives of networks of matrices with one output, backwards: two products a layer, whatever the number of inputs.
*/
#include "jet.h"
#include "../eval/columns.h"

/* Whether there are no second derivatives to be had, and all layers are matrices applied once */
PetscErrorCode TzJetsBackwards(TzNetEval eval, const TzJetShape *shape, PetscBool *backwards)
{
  TzNet             net = eval->net;
  const TzOperator *op;

  PetscFunctionBegin;
  *backwards = (PetscBool)(!shape->nforms && net->out == 1 && !TzNetHasPlaces(net));
  if (!*backwards) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzEvalGetOperators(eval, &op));
  for (PetscInt l = 0; l < net->nlayers; l++) *backwards = (PetscBool)(*backwards && op[l].ops == &TzOperator_Matrix);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJet_Backwards(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal jet[])
{
  TzNet            net = eval->net;
  const PetscInt   in = net->in, J = 1 + in;
  const TzKernels *k    = eval->kernels;
  PetscInt         most = in;
  TzColumns       *c;
  PetscReal       *abar, *zbar;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nhidden; l++) most = PetscMax(most, net->layer[l].out);
  PetscCall(TzEvalGetColumns(eval, TZ_COLUMNS, &c));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_JET, (PetscInt64)2 * most * TZ_COLUMNS, &abar));
  zbar = abar + most * TZ_COLUMNS;
  for (PetscInt i = 0; i < n; i += TZ_COLUMNS) {
    const PetscInt m = PetscMin(TZ_COLUMNS, n - i);

    PetscCall(TzColumnsForward(eval, c, m, X + i * in));
    for (PetscInt p = 0; p < m; p++) zbar[p] = 1;
    for (PetscInt l = net->nhidden; l >= 0; l--) {
      const TzLayer *layer = &net->layer[l];

      (*k->product)(layer->in, m, layer->out, (TzStrided){TzOperatorGetMatrix(&c->op[l]), 1, layer->in}, zbar, m, abar, m, PETSC_FALSE);
      if (l) (*k->adjoint)(net->act[l - 1], layer->in * m, c->z[l - 1], abar, zbar);
    }
    for (PetscInt p = 0; p < m; p++) {
      PetscReal *row = jet + (i + p) * J;

      row[0] = c->z[net->nhidden][p];
      for (PetscInt j = 0; j < in; j++) row[1 + j] = abar[j * m + p];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
