/*
  Jets of networks without narrow bonds: a batch of points forwards (channels.h); then the derivatives in the directions y_0 are those in x.
*/
#include "channels.h"

PetscErrorCode TzNetEvalJet_Channels(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[], PetscReal jet[])
{
  const PetscInt  in = eval->net->in, last = eval->net->nhidden, J = TzJetSize(shape), nf = TzJetFieldSize(shape);
  TzChannels     *c;
  TzChannelLayer *b;

  PetscFunctionBegin;
  PetscCall(TzChannelsGet(eval, shape, PETSC_FALSE, &c));
  b = &c->layer[last];
  for (PetscInt p0 = 0, P; p0 < n; p0 += P) {
    PetscReal *row = jet + p0 * J;

    P = PetscMin(c->P, n - p0);
    TzChannelsForward(eval, c, P, X + p0 * in, F + p0 * nf);
    for (PetscInt p = 0; p < P; p++) {
      row[p * J] = b->z[p];
      for (PetscInt q = 0; q < shape->nforms; q++) row[p * J + 1 + in + q] = b->z[(1 + q) * P + p];
      if (!c->units) PetscCall(PetscArraycpy(row + p * J + 1, b->Z + p * in, in));
    }
    if (c->units) (*eval->kernels->product)(P, in, c->K, (TzStrided){b->Z, c->K, 1}, TzOperatorGetMatrix(&c->op[0]), in, row + 1, J, PETSC_FALSE);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
