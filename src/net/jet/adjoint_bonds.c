/*
  Gradients of a loss of jets, for networks of bonds: panels of points through the adjoint of forward propagation (adjointjet.c).
*/
#include "../jet/jet.h"

/* Points p < m of one panel */
static PetscErrorCode PanelOfJets(TzNetEval eval, TzJetAdjoint a, PetscInt m, const PetscReal X[], const PetscReal jetbar[], PetscReal *H)
{
  const PetscInt   in = eval->net->in, r1 = eval->layer[0].q;
  const PetscReal *A              = eval->layer[0].left, *df, *ybar;
  PetscReal        fbar[TZ_PANEL] = {0}, lapbar[TZ_PANEL] = {0}, gbar[TZ_MAX_BOND * TZ_PANEL] = {0}, *Abar = TzJetAdjointLeft(a);

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(H, in * TZ_PANEL));
  for (PetscInt p = 0; p < m; p++) {
    const PetscReal *b = jetbar + p * (in + 2);

    fbar[p]   = b[0];
    lapbar[p] = b[in + 1];
    for (PetscInt i = 0; i < in; i++) {
      H[i * TZ_PANEL + p] = X[p * in + i];
      for (PetscInt k = 0; k < r1; k++) gbar[k * TZ_PANEL + p] += A[i * r1 + k] * b[1 + i];
    }
  }
  PetscCall(TzEvalContract(eval, 0, 1, H, TzJetAdjointInput(a)));
  PetscCall(TzJetAdjointPanel(a, fbar, gbar, lapbar, &df, &ybar));
  for (PetscInt p = 0; p < m; p++)
    for (PetscInt i = 0; i < in; i++)
      for (PetscInt k = 0; k < r1; k++) Abar[i * r1 + k] += X[p * in + i] * ybar[k * TZ_PANEL + p] + jetbar[p * (in + 2) + 1 + i] * df[k * TZ_PANEL + p];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJetBackward_Bonds(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, const PetscReal jetbar[], PetscReal grad[])
{
  const PetscInt in   = eval->net->in;
  PetscReal     *bias = grad + eval->net->layer[eval->net->nhidden].bias, *H;
  TzJetAdjoint   a;

  PetscFunctionBegin;
  PetscCall(TzJetAdjointBegin(eval, PETSC_FALSE, nlap, &a));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_IN, in * TZ_PANEL, &H));
  for (PetscInt p = 0; p < n; p++) *bias += jetbar[p * (in + 2)];
  for (PetscInt p = 0; p < n; p += TZ_PANEL) PetscCall(PanelOfJets(eval, a, PetscMin(TZ_PANEL, n - p), X + p * in, jetbar + p * (in + 2), H));
  PetscCall(TzJetAdjointEnd(&a, nlap, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}
