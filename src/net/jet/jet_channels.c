/*
  Jets of networks without narrow bonds: a batch of points forwards (channels.h); then the derivatives in the directions y_0 are those in x.
*/
#include "channels.h"

void TzChannelsJets(TzNetEval eval, const TzChannels *c, PetscInt P, PetscReal jet[])
{
  const PetscInt        in = eval->net->in, J = c->J;
  const TzChannelLayer *b = &c->layer[eval->net->nhidden];

  for (PetscInt p = 0; p < P; p++) {
    jet[p * J] = b->z[p];
    for (PetscInt q = 0; q < c->V - 1; q++) jet[p * J + 1 + in + q] = b->z[(1 + q) * P + p];
    if (!c->units) (void)PetscArraycpy(jet + p * J + 1, b->Z + p * in, in);
  }
  if (c->units) (*eval->kernels->product)(P, in, c->K, (TzStrided){b->Z, c->K, 1}, TzOperatorGetMatrix(&c->op[0]), in, jet + 1, J, PETSC_FALSE);
}

PetscErrorCode TzNetEvalJet_Channels(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[], PetscReal jet[])
{
  const PetscInt nf = TzJetFieldSize(shape);
  TzChannels    *c;

  PetscFunctionBegin;
  PetscCall(TzChannelsGet(eval, shape, PETSC_FALSE, &c));
  for (PetscInt p0 = 0, P; p0 < n; p0 += P) {
    P = PetscMin(c->P, n - p0);
    TzChannelsForward(eval, c, P, X + p0 * eval->net->in, F + p0 * nf);
    TzChannelsJets(eval, c, P, jet + p0 * c->J);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
