/*
  Which weights a sparse network trains: GraSP (Wang, Zhang and Grosse 2020), from the gradient flow at the start. With g the gradient and H the Hessian
  of the loss of the dense network, weight i has the score -theta_i (H g)_i, the change of |g|^2 (to first order, halved) when it is removed;
  the weights of lowest score stay. H g is a central difference of gradients along g: exact ones (grasp) or, without any back-propagation, random
  gradient estimates from two-sided forward queries (zograsp).
*/
#include <private/tzlossimpl.h>

#define SPARSIFY_STEP    1e-3         /* of the central difference, along the unit vector of g */
#define SPARSIFY_MU      1e-3         /* of the forward queries */
#define SPARSIFY_QUERIES 64           /* directions of an estimate */
#define SPARSIFY_KEY     TZ_STEP_NONE /* step of the directions' key: no step of the training has it */

static PetscErrorCode Gradient(TzLoss loss, TzSparseMethod method, const PetscReal theta[], PetscReal g[])
{
  TzQueries q =
    {.direction = TZ_DIRECTION_GAUSSIAN, .mu = SPARSIFY_MU, .twosided = PETSC_TRUE, .n = SPARSIFY_QUERIES, .seed = loss->seed, .step = SPARSIFY_KEY};
  PetscReal l, lp[SPARSIFY_QUERIES], lm[SPARSIFY_QUERIES], *xi;

  PetscFunctionBegin;
  if (method == TZ_SPARSE_GRASP) {
    PetscCall(TzLossGradient(loss, theta, &l, g));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzLossEvaluate(loss, theta, &q, NULL, lp, lm));
  PetscCall(PetscMalloc1(loss->nparams, &xi));
  PetscCall(PetscArrayzero(g, loss->nparams));
  for (PetscInt p = 0; p < q.n; p++) {
    PetscCall(TzLossDirection(loss, &q, p, 0, loss->nparams, xi));
    for (PetscInt i = 0; i < loss->nparams; i++) g[i] += (lp[p] - lm[p]) / (2 * q.mu * q.n) * xi[i];
  }
  PetscCall(PetscFree(xi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dense: a loss on TzNetDuplicateDense(net). Collective; the same mask on every rank and any number of them */
PetscErrorCode TzLossSparsify(TzLoss dense, TzNet net)
{
  TzSparseMethod method;
  PetscInt       n, count, bad = 0;
  PetscReal     *theta, *g, *moved, *gm, norm = 0;
  PetscBool      givenup;

  PetscFunctionBegin;
  PetscCall(TzNetGetSparseMethod(net, &method));
  PetscCall(TzNetGetSparseCount(net, &count));
  PetscCall(TzLossGetNumParameters(dense, &n));
  PetscCall(PetscMalloc4(n, &theta, n, &g, n, &moved, n, &gm));
  PetscCall(TzNetInitialize(dense->net, dense->seed, theta));
  PetscCall(TzLossSample(dense, 0));
  PetscCall(Gradient(dense, method, theta, g));
  for (PetscInt i = 0; i < n; i++) norm += g[i] * g[i];
  norm = PetscSqrtReal(norm);
  for (PetscInt i = 0; i < n; i++) moved[i] = theta[i] - SPARSIFY_STEP / norm * g[i];
  PetscCall(Gradient(dense, method, moved, gm));
  for (PetscInt i = 0; i < n; i++) moved[i] = theta[i] + SPARSIFY_STEP / norm * g[i];
  PetscCall(Gradient(dense, method, moved, g));
  PetscCall(TzInterruptAgree(PetscObjectComm((PetscObject)dense), &givenup)); /* then the losses have no value */
  if (givenup) PetscCall(TzInterruptRaise(PetscObjectComm((PetscObject)dense), "set-up"));
  for (PetscInt i = 0; i < n; i++) {
    g[i] = -theta[i] * (g[i] - gm[i]); /* the score, up to a positive factor; biases come after all weights */
    bad += PetscIsInfOrNanReal(g[i]) ? 1 : 0;
  }
  PetscCheck(norm > 0 && !bad, PetscObjectComm((PetscObject)dense), PETSC_ERR_USER_INPUT,
             "-net_sparse_method %s: of the scores of %" PetscInt_FMT " weights %" PetscInt_FMT " are not finite (the gradient at the start has norm %g)",
             method == TZ_SPARSE_GRASP ? "grasp" : "zograsp", n, bad, (double)norm);
  PetscCall(TzNetSetMaskByScore(net, count, g));
  PetscCall(PetscFree4(theta, g, moved, gm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
