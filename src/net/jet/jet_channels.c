/*
  Exact forward propagation for networks without narrow bonds: every channel (value, derivative in each input, second-order forms) of
  a panel of points is a panel of its own, and one product with a weight matrix serves all channels.
      z_c = W a_c;   a = act(z),  a_i = act'(z) z_i,  a_S = act'(z) z_S + act''(z) sum_ij S_ij z_i z_j.
*/
#include "formpanel.h"
#include "jet.h"

#define LANE for (PetscInt i = 0; i < TZ_PANEL; i++)

/* Z [J][n][PANEL]: channels of pre-activations without bias, replaced by the activations' channels; D1, D2, S [nforms][n][PANEL], v [n][PANEL] */
static void ActivateChannels(TzNetEval eval, PetscInt l, const TzJetShape *shape, const PetscReal *lanes, PetscReal *Z, PetscReal *D1, PetscReal *D2,
                             PetscReal *S, PetscReal *v)
{
  const PetscInt n = eval->net->layer[l].out, in = eval->net->in, size = n * TZ_PANEL;

  for (PetscInt p = 0; p < shape->nforms; p++) {
    TzFormPanel form;

    TzFormPanelGet(shape, p, lanes, &form);
    TzFormPanelQuadratic(&form, n, Z + size, v, S + p * size);
  }
  (*eval->kernels->activate)(eval->net->act, n, eval->theta + eval->net->layer[l].bias, Z, D1, D2);
  for (PetscInt c = 0; c < in; c++) {
    PetscReal *restrict z = Z + (1 + c) * size;
    for (PetscInt j = 0; j < size; j++) z[j] *= D1[j];
  }
  for (PetscInt p = 0; p < shape->nforms; p++) {
    PetscReal *restrict form    = Z + (1 + in + p) * size;
    const PetscReal *restrict s = S + p * size;
    for (PetscInt j = 0; j < size; j++) form[j] = D1[j] * form[j] + D2[j] * s[j];
  }
}

/* channels of the input: x, the unit vectors, zeros */
static PetscErrorCode Input(PetscInt in, PetscInt nc, PetscInt m, const PetscReal X[], PetscReal *H)
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(H, nc * in * TZ_PANEL));
  for (PetscInt p = 0; p < m; p++)
    for (PetscInt i = 0; i < in; i++) H[i * TZ_PANEL + p] = X[p * in + i];
  for (PetscInt c = 0; c < in; c++) LANE H[((1 + c) * in + c) * TZ_PANEL + i] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJet_Channels(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[], PetscReal jet[])
{
  TzNet          net = eval->net;
  const PetscInt in = net->in, nc = TzJetSize(shape), nf = TzJetFieldSize(shape);
  PetscInt       width = in, widest = 1;
  PetscReal     *A, *Y, *Z, *D, *lanes;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    width  = PetscMax(width, net->layer[l].out);
    widest = PetscMax(widest, eval->layer[l].q);
  }
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_JET, ((PetscInt64)(nc + 3 + shape->nforms) * width + (PetscInt64)nc * widest + nf) * TZ_PANEL, &A));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_H, (PetscInt64)nc * width * TZ_PANEL, &Z));
  Y     = A + nc * width * TZ_PANEL;
  D     = Y + nc * widest * TZ_PANEL;
  lanes = D + (3 + shape->nforms) * width * TZ_PANEL;
  for (PetscInt p0 = 0; p0 < n; p0 += TZ_PANEL) {
    const PetscInt m    = PetscMin(TZ_PANEL, n - p0);
    PetscReal     *from = A;

    PetscCall(Input(in, nc, m, X + p0 * in, A));
    TzFormPanelFill(shape, m, F + p0 * nf, lanes);
    for (PetscInt l = 0; l < net->nlayers; l++) {
      const PetscInt size = net->layer[l].out * TZ_PANEL;

      if (eval->layer[l].right) {
        PetscCall(TzEvalContract(eval, l, nc, from, Y));
        from = from == A ? Z : A;
        PetscCall(TzEvalExpand(eval, l, nc, Y, from));
      } else {
        PetscReal *to = from == A ? Z : A;
        PetscCall(TzEvalContract(eval, l, nc, from, to));
        from = to;
      }
      if (l < net->nhidden) ActivateChannels(eval, l, shape, lanes, from, D, D + size, D + 3 * size, D + 2 * size);
    }
    for (PetscInt p = 0; p < m; p++)
      for (PetscInt c = 0; c < nc; c++) jet[(p0 + p) * nc + c] = from[c * TZ_PANEL + p] + (c ? 0 : eval->theta[net->layer[net->nhidden].bias]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
