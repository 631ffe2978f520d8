/*
  Exact forward propagation for networks without narrow bonds: every channel (value, derivative in each input, Laplacian) of
  a panel of points is a panel of its own, and one product with a weight matrix serves all channels.
      z_c = W a_c;   a = act(z),  a_i = act'(z) z_i,  a_L = act'(z) z_L + act''(z) sum_{i < nlap} z_i^2.
*/
#include <private/tznetimpl.h>

#define LANE for (PetscInt i = 0; i < TZ_PANEL; i++)

/* Z [in + 2][n][PANEL]: channels of pre-activations without bias, replaced by the activations' channels; D1, D2, S [n][PANEL] */
static void ActivateChannels(TzNetEval eval, PetscInt l, PetscInt nlap, PetscReal *Z, PetscReal *D1, PetscReal *D2, PetscReal *S)
{
  const PetscInt n = eval->net->layer[l].out, in = eval->net->in, size = n * TZ_PANEL;
  PetscReal *restrict lap = Z + (in + 1) * size;

  for (PetscInt j = 0; j < size; j++) S[j] = 0;
  for (PetscInt c = 0; c < nlap; c++) {
    const PetscReal *restrict z = Z + (1 + c) * size;
    for (PetscInt j = 0; j < size; j++) S[j] += z[j] * z[j];
  }
  (*eval->kernels->activate)(eval->net->act, n, eval->theta + eval->net->layer[l].bias, Z, D1, D2);
  for (PetscInt c = 0; c < in; c++) {
    PetscReal *restrict z = Z + (1 + c) * size;
    for (PetscInt j = 0; j < size; j++) z[j] *= D1[j];
  }
  for (PetscInt j = 0; j < size; j++) lap[j] = D1[j] * lap[j] + D2[j] * S[j];
}

/* channels of the input: x, the unit vectors, 0 */
static PetscErrorCode Input(PetscInt in, PetscInt m, const PetscReal X[], PetscReal *H)
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(H, (in + 2) * in * TZ_PANEL));
  for (PetscInt p = 0; p < m; p++)
    for (PetscInt i = 0; i < in; i++) H[i * TZ_PANEL + p] = X[p * in + i];
  for (PetscInt c = 0; c < in; c++) LANE H[((1 + c) * in + c) * TZ_PANEL + i] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJet_Channels(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, PetscReal jet[])
{
  TzNet          net = eval->net;
  const PetscInt in = net->in, nc = in + 2;
  PetscInt       width = in, widest = 1;
  PetscReal     *A, *Y, *Z, *D;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    width  = PetscMax(width, net->layer[l].out);
    widest = PetscMax(widest, eval->layer[l].q);
  }
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_JET, ((nc + 3) * width + nc * widest) * TZ_PANEL, &A));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_H, nc * width * TZ_PANEL, &Z));
  Y = A + nc * width * TZ_PANEL;
  D = Y + nc * widest * TZ_PANEL;
  for (PetscInt p0 = 0; p0 < n; p0 += TZ_PANEL) {
    const PetscInt m    = PetscMin(TZ_PANEL, n - p0);
    PetscReal     *from = A;

    PetscCall(Input(in, m, X + p0 * in, A));
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
      if (l < net->nhidden) ActivateChannels(eval, l, nlap, from, D, D + size, D + 2 * size);
    }
    for (PetscInt p = 0; p < m; p++)
      for (PetscInt c = 0; c < nc; c++) jet[(p0 + p) * nc + c] = from[c * TZ_PANEL + p] + (c ? 0 : eval->theta[net->layer[net->nhidden].bias]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
