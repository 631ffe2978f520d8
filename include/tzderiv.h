/*
  TzDeriv: estimates the jet (tzjet.h) of the network f at points, of any shape. Types (-deriv_type):
    stein    of f smoothed by N(0, s^2 I_D), by any TzRule (-stein_sigma s, -rule_*); the value is that of the smoothed f
    fd       central differences (-fd_step h)
    forward  exact, by forward propagation of value, gradient and second-order forms

  The stencil of an estimator is cut into fixed blocks of nodes, so that ranks can share them: the jet is the sum of the
  blocks' contributions, in ascending order of the block.
*/
#ifndef TZDERIV_H
#define TZDERIV_H

#include <tznet.h>

typedef struct _p_TzDeriv *TzDeriv;
typedef const char        *TzDerivType;
#define TZDERIVSTEIN   "stein"
#define TZDERIVFD      "fd"
#define TZDERIVFORWARD "forward"

PETSC_EXTERN PetscClassId   TZDERIV_CLASSID;
PETSC_EXTERN PetscErrorCode TzDerivCreate(MPI_Comm comm, TzDeriv *deriv);
PETSC_EXTERN PetscErrorCode TzDerivSetType(TzDeriv deriv, TzDerivType type);
PETSC_EXTERN PetscErrorCode TzDerivGetType(TzDeriv deriv, TzDerivType *type);
/*
  The network (reference counted, TzJetCoordinates(shape) inputs, one output), and which derivatives are wanted (copied; the fields of its forms must
  live as long). shape NULL: the last input is t, and there is one form, the Laplacian.
*/
PETSC_EXTERN PetscErrorCode TzDerivSetNet(TzDeriv deriv, TzNet net, const TzJetShape *shape);
PETSC_EXTERN PetscErrorCode TzDerivGetJetShape(TzDeriv deriv, const TzJetShape **shape);
PETSC_EXTERN PetscErrorCode TzDerivIsSmoothed(TzDeriv deriv, PetscBool *smoothed); /* whether the value is not that of the network itself */
PETSC_EXTERN PetscErrorCode TzDerivGetRule(TzDeriv deriv, TzRule *rule);           /* stein: its rule; otherwise NULL */
PETSC_EXTERN PetscErrorCode TzDerivSetFromOptions(TzDeriv deriv);
PETSC_EXTERN PetscErrorCode TzDerivSetUp(TzDeriv deriv);
PETSC_EXTERN PetscErrorCode TzDerivView(TzDeriv deriv, PetscViewer viewer);
PETSC_EXTERN PetscErrorCode TzDerivDestroy(TzDeriv *deriv);
PETSC_EXTERN PetscErrorCode TzDerivGetNumBlocks(TzDeriv deriv, PetscInt *blocks);     /* blocks of nodes; 1 for forward */
PETSC_EXTERN PetscErrorCode TzDerivGetNumForwards(TzDeriv deriv, PetscInt *forwards); /* network evaluations per point: 925, 43, 1 ... */
/* Nodes of this step (Monte Carlo), coordinates of this step (fd -fd_subset); TZ_STEP_NONE: those that a model is validated with */
PETSC_EXTERN PetscErrorCode TzDerivSample(TzDeriv deriv, PetscInt64 seed, PetscInt step);
/*
  Coordinates of x along which the jets of a step have derivatives, d: all. Where they are n < d the jet has 0 along the others, and its forms are sums over
  these n alone: for a residual r that is a sum over coordinates (TzPDEIsSum()) r_0 + d/n (r - r_0) has the mean of the full one, r_0 being that of no
  derivatives in x.
*/
PETSC_EXTERN PetscErrorCode TzDerivGetSubset(TzDeriv deriv, PetscInt *n);
/* J = TzJetSize(shape). partial [n][J] (overwritten): contribution of node block k at the points X [n][D], with the evaluator's parameters */
PETSC_EXTERN PetscErrorCode TzDerivPartial(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[]);
/* jet [n][J]: all blocks */
PETSC_EXTERN PetscErrorCode TzDerivJet(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal jet[]);
/* grad [nparams] += the gradient of sum jetbar . jet in the parameters, jetbar [n][J] constant: the adjoint of TzDerivJet */
PETSC_EXTERN PetscErrorCode TzDerivAdjoint(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[]);
/*
  Coordinate queries: the jets at the n points X [n][D] for theta + mu[s] e_i, i0 <= i < i1, s < nmu. For every (i, s) the sink gets jet [m][J]
  of the points p0 <= p < p0 + m, these in ascending order.
*/
typedef PetscErrorCode (*TzDerivSink)(void *ctx, PetscInt i, PetscInt s, PetscInt p0, PetscInt m, const PetscReal jet[]);
typedef struct {
  PetscInt         n;
  const PetscReal *X;
  PetscInt         i0, i1, nmu;
  const PetscReal *mu;
  TzDerivSink      sink;
  void            *ctx;
} TzDerivQueries;
PETSC_EXTERN PetscErrorCode TzDerivHasCoordinates(TzDeriv deriv, PetscBool *has); /* whether this is done all at once */
PETSC_EXTERN PetscErrorCode TzDerivCoordinates(TzDeriv deriv, TzNetEval eval, const PetscReal theta[], const TzDerivQueries *q); /* binds eval */
PETSC_EXTERN PetscErrorCode TzDerivRegister(const char name[], PetscErrorCode (*create)(TzDeriv));
PETSC_EXTERN PetscErrorCode TzDerivRegisterAll(void);

#endif
