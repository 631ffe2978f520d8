/*
  For an estimator: one file that fills these operations in TzDerivCreate_Name() and one row of the table in src/deriv/deriv.c, or a call of
  TzDerivRegister(). Most are a linear functional of the network's values on a symmetric stencil around the point (stein, fd), which need to
  give the stencil and its coefficients alone; `forward` is exact.
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
  value = f(x) + sum_j value[j] even_j,  form p = sum_j form[p][j] even_j,  d/dx_idx[k] += grad[k] odd_j for ptr[j] <= k < ptr[j+1].
*/
typedef struct {
  const TzPairs *pairs;
  PetscReal      s;
  PetscReal     *value; /* [npairs] */
  PetscReal     *grad;  /* [ptr[npairs]] */
  PetscReal     *form;  /* [nforms][npairs]; of a field at the point of the last TzDerivStencilPoint() */
  /* form[p][j] for a form S that is no factor (m = 0), with its trace */
  PetscReal (*coefficient)(TzDeriv, PetscInt j, const TzFormAt *S, PetscReal trace);
  PetscReal *F, *S; /* of the fields at a point; [d][d], where one of them is a factor */
} TzStencil;

struct _p_TzDeriv {
  PETSCHEADER(struct _TzDerivOps);
  TzNet      net;
  TzJetShape shape;     /* what is to be estimated */
  PetscInt   d, D;      /* space dimensions; inputs */
  PetscBool  smoothed;  /* the value estimated is not that of the network itself */
  PetscInt   blocks;    /* blocks of pairs */
  PetscInt   blocksize; /* pairs of a block */
  PetscInt   forwards;  /* network evaluations per point */
  PetscInt   subset;    /* coordinates of x along which a step's jets have derivatives; 0: all */
  TzStencil  stencil;
  PetscReal *even, *odd, *f0; /* scratch of TzDerivPartial_Stencil */
  PetscInt   nscratch;
  PetscBool  setupcalled;
  void      *data;
};

/* For an estimator on a stencil: blocks, and room for the coefficients; form[][] of the constant forms, by `coefficient`; of the fields at x, j0 <= j < j1 */
PETSC_EXTERN PetscErrorCode TzDerivStencilSetUp(TzDeriv, const TzPairs *, PetscReal s);
PETSC_EXTERN PetscErrorCode TzDerivStencilForms(TzDeriv);
PETSC_EXTERN PetscErrorCode TzDerivStencilPoint(TzDeriv, const PetscReal x[], PetscInt j0, PetscInt j1);
PETSC_EXTERN PetscErrorCode TzDerivPartial_Stencil(TzDeriv, TzNetEval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[]);
PETSC_EXTERN PetscErrorCode TzDerivAdjoint_Stencil(TzDeriv, TzNetEval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[]);
PETSC_EXTERN PetscErrorCode TzDerivCoordinates_Stencil(TzDeriv, TzNetEval, const TzDerivQueries *);
PETSC_INTERN PetscErrorCode TzDerivCoordinates_Forward(TzDeriv, TzNetEval, const TzDerivQueries *);
PETSC_INTERN PetscErrorCode TzDerivCreate_Stein(TzDeriv);
PETSC_INTERN PetscErrorCode TzDerivCreate_FD(TzDeriv);
PETSC_INTERN PetscErrorCode TzDerivCreate_Forward(TzDeriv);
/* A warning where second differences of values near 1 over the length s, that of `option`, carry a rounding that shows; an error where they are nothing else */
PETSC_EXTERN PetscErrorCode TzDerivCheckRounding(TzDeriv deriv, const char option[], PetscReal s);

#endif
