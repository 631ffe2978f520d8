/*
  For the files of pde/: what an equation provides. An equation is one file that fills these operations in
  TzPDECreate_Name() and one row of the table in pde/pde.c; or, in a user's own program, a call of TzPDERegister()
  (tests/example_pde.c). TzPDECreate_Name() may also set the domain, which is [0,1]^d x [0,1] with diffusion 1 otherwise.

  An operation is given one point z, x_1..x_d and, unless the equation is stationary, t; it is called from one thread.
*/
#ifndef TZPDEIMPL_H
#define TZPDEIMPL_H

#include <tzpde.h>
#include <petsc/private/petscimpl.h>

struct _TzPDEOps {
  /* The transform u = a f + b: the jets of a and b; zero on entry. None (and no terminal): u = f */
  PetscErrorCode (*transform)(TzPDE, const PetscReal z[], TzJet *a, TzJet *b);
  /*
    Instead of a transform: g with u = g at t = T, and u = (T - t) f + g. Tenzo differentiates g (differences.c: relative error below 1e-9 where g
    is smooth); it may depend on t, and is asked up to 0.12 max(1, |z_i|) outside the domain.
  */
  PetscErrorCode (*terminal)(TzPDE, const PetscReal z[], PetscReal *g);
  /* Residual r of the jet u and, if dr is not NULL, its derivatives in the slots of u; zero on entry */
  PetscErrorCode (*residual)(TzPDE, const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr);
  /* Instead: r alone. Tenzo differentiates it, as above (steps 0.006 max(1, |slot|)) */
  PetscErrorCode (*residualvalue)(TzPDE, const PetscReal z[], const TzJet *u, PetscReal *r);
  PetscErrorCode (*exact)(TzPDE, const PetscReal z[], PetscReal *u, PetscReal grad[]); /* grad [d] in x, may be NULL. NULL: not known */
  PetscErrorCode (*setfromoptions)(TzPDE, TzOptionItems);                              /* this and the following may be NULL */
  PetscErrorCode (*setup)(TzPDE);                                                      /* d is known: TzPDEAddForm...(), checks, tables */
  PetscErrorCode (*view)(TzPDE, PetscViewer);                                          /* ASCII; `  name value` lines */
  PetscErrorCode (*destroy)(TzPDE);
};

struct _p_TzPDE {
  PETSCHEADER(struct _TzPDEOps);
  PetscInt    d;          /* space dimensions */
  PetscReal   lo, hi, T;  /* x_i in [lo, hi], t in [0, T] */
  PetscReal   diffusion;  /* coefficient of Lap u */
  PetscBool   stationary; /* no t: points are x alone; set by create, setfromoptions or setup */
  PetscBool   firstorder; /* no second-order form; likewise */
  PetscBool   setupcalled;
  void       *data;
  const char *formula;   /* the equation and its condition in one line, */
  const char *reference; /* and what `exact` is: "exact", "13 digits"; both set by create, for TzPDEView(), may be NULL */

  TzJetShape shape; /* by TzPDESetUp() */
  PetscReal *work;  /* [TzPDEGetTransformSize()] */
  PetscReal *field; /* [largest TzFormWorkSize()] */
};

/* differences.c */
PETSC_INTERN PetscErrorCode TzPDETerminalJet(TzPDE, const PetscReal z[], TzJet *b);                                   /* zero on entry */
PETSC_INTERN PetscErrorCode TzPDEResidualDerivative(TzPDE, const PetscReal z[], const PetscReal u[], PetscReal dr[]); /* [J] */

#endif
