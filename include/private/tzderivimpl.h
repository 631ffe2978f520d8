/*
  Inside src/deriv/: an estimator is either a linear functional of the network's values on a symmetric stencil around the
  point (stein, fd), or exact (forward).
*/
#ifndef TZDERIVIMPL_H
#define TZDERIVIMPL_H

#include <tzderiv.h>
#include <private/tzclassimpl.h>

struct _TzDerivOps {
  PetscErrorCode (*setfromoptions)(TzDeriv, TzOptionItems);
  PetscErrorCode (*setup)(TzDeriv);
  PetscErrorCode (*sample)(TzDeriv, PetscInt64 seed, PetscInt step); /* NULL: nothing to draw */
  PetscErrorCode (*partial)(TzDeriv, TzNetEval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[]);
  PetscErrorCode (*adjoint)(TzDeriv, TzNetEval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[]); /* of all blocks */
  PetscErrorCode (*coordinates)(TzDeriv, TzNetEval, const TzDerivQueries *); /* structured coordinates only; NULL: none */
  PetscErrorCode (*view)(TzDeriv, PetscViewer);
  PetscErrorCode (*destroy)(TzDeriv);
};

/*
  With even_j = f(x + s z_j) + f(x - s z_j) - 2 f(x) and odd_j = f(x + s z_j) - f(x - s z_j):
  value = f(x) + sum_j value[j] even_j,  Laplacian = sum_j lap[j] even_j,  d/dx_idx[k] += grad[k] odd_j for ptr[j] <= k < ptr[j+1].
*/
typedef struct {
  const TzPairs *pairs;
  PetscReal      s;
  PetscReal     *value, *lap; /* [npairs] */
  PetscReal     *grad;        /* [ptr[npairs]] */
} TzStencil;

struct _p_TzDeriv {
  PETSCHEADER(struct _TzDerivOps);
  TzNet      net;
  PetscInt   d, D;      /* space dimensions; inputs D = d + 1 */
  PetscInt   blocks;    /* blocks of pairs */
  PetscInt   blocksize; /* pairs of a block */
  PetscInt   forwards;  /* network evaluations per point */
  TzStencil  stencil;
  PetscReal *even, *odd, *f0; /* scratch of TzDerivPartial_Stencil */
  PetscInt   nscratch;
  PetscBool  setupcalled;
  void      *data;
};

PETSC_INTERN PetscErrorCode TzDerivStencilSetUp(TzDeriv, const TzPairs *, PetscReal s); /* blocks, room for the coefficients */
PETSC_INTERN PetscErrorCode TzDerivPartial_Stencil(TzDeriv, TzNetEval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[]);
PETSC_INTERN PetscErrorCode TzDerivAdjoint_Stencil(TzDeriv, TzNetEval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode TzDerivCoordinates_Stencil(TzDeriv, TzNetEval, const TzDerivQueries *);
PETSC_INTERN PetscErrorCode TzDerivCoordinates_Forward(TzDeriv, TzNetEval, const TzDerivQueries *);
PETSC_INTERN PetscErrorCode TzDerivCreate_Stein(TzDeriv);
PETSC_INTERN PetscErrorCode TzDerivCreate_FD(TzDeriv);
PETSC_INTERN PetscErrorCode TzDerivCreate_Forward(TzDeriv);

#endif
