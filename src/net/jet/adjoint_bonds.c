/*
  Gradients of a loss of jets, for networks of bonds: panels of points through the adjoint of forward propagation (adjoint_jet.c).
*/
#include "../jet/jet.h"

/* Points p < m of one panel; formbar [nforms][PANEL] is scratch */
static PetscErrorCode PanelOfJets(TzNetEval eval, TzJetAdjoint a, const TzJetShape *shape, PetscInt m, const PetscReal X[], const PetscReal jetbar[],
                                  PetscReal *H, PetscReal *formbar)
{
  const PetscInt   in = eval->net->in, r1 = eval->layer[0].q, J = TzJetSize(shape);
  const PetscReal *A              = eval->layer[0].left, *df, *ybar;
  PetscReal        fbar[TZ_PANEL] = {0}, gbar[TZ_MAX_BOND * TZ_PANEL] = {0}, *Abar = TzJetAdjointLeft(a);

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(H, in * TZ_PANEL));
  PetscCall(PetscArrayzero(formbar, shape->nforms * TZ_PANEL));
  for (PetscInt p = 0; p < m; p++) {
    const PetscReal *b = jetbar + p * J;

    fbar[p] = b[0];
    for (PetscInt q = 0; q < shape->nforms; q++) formbar[q * TZ_PANEL + p] = b[in + 1 + q];
    for (PetscInt i = 0; i < in; i++) {
      H[i * TZ_PANEL + p] = X[p * in + i];
      for (PetscInt k = 0; k < r1; k++) gbar[k * TZ_PANEL + p] += A[i * r1 + k] * b[1 + i];
    }
  }
  PetscCall(TzEvalContract(eval, 0, 1, H, TzJetAdjointInput(a)));
  PetscCall(TzJetAdjointPanel(a, fbar, gbar, formbar, &df, &ybar));
  for (PetscInt p = 0; p < m; p++)
    for (PetscInt i = 0; i < in; i++)
      for (PetscInt k = 0; k < r1; k++) Abar[i * r1 + k] += X[p * in + i] * ybar[k * TZ_PANEL + p] + jetbar[p * J + 1 + i] * df[k * TZ_PANEL + p];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJetBackward_Bonds(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[],
                                          const PetscReal jetbar[], PetscReal grad[])
{
  const PetscInt in = eval->net->in, J = TzJetSize(shape), nf = TzJetFieldSize(shape);
  PetscReal     *bias = grad + eval->net->layer[eval->net->nhidden].bias, *H;
  TzJetAdjoint   a;

  PetscFunctionBegin;
  PetscCall(TzJetAdjointBegin(eval, shape, &a));
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_IN, (PetscInt64)(in + shape->nforms) * TZ_PANEL, &H));
  for (PetscInt p = 0; p < n; p++) *bias += jetbar[p * J];
  for (PetscInt p = 0; p < n; p += TZ_PANEL) {
    const PetscInt m = PetscMin(TZ_PANEL, n - p);

    if (nf) TzJetsPanel(eval, m, F + p * nf);
    PetscCall(PanelOfJets(eval, a, shape, m, X + p * in, jetbar + p * J, H, H + in * TZ_PANEL));
  }
  PetscCall(TzJetAdjointEnd(&a, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}
