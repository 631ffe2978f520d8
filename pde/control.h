/*
  Between the files of control problems: control.c (the parts, their Hamiltonian and its minimiser), linear.c (the regulator at the target, and what the
  transform takes from it or from along.c), lqr.c, which has a solution of its own.
*/
#ifndef TZCONTROLPROBLEM_H
#define TZCONTROLPROBLEM_H

#include <tzcontrol.h>
#include <private/tzpdeimpl.h>
#include "riccati.h"

/* The regulator at the target: matrices [n][n] by rows in y = (x - target, 1), n = d + 1 */
typedef struct {
  PetscInt   n;
  PetscReal *A, *K, *Q, *G, *N, *P, *y, *Py; /* K = B R^-1 B', N = sigma sigma'; P [n][n], y, Py [n]: scratch */
  TzRiccati  riccati;
  PetscInt   steps;
  PetscReal *table; /* in place of the Riccati equation P at t = T k/steps, [steps + 1][n][n]; then A is the rate of P in T - t */
} TzLinear;

enum { TZ_EXTENSION_CONSTANT, TZ_EXTENSION_LINEAR, TZ_EXTENSION_PATH }; /* -control_extension */

typedef struct {
  PetscErrorCode (*setparts)(TzPDE);
  TzControlParts parts;          /* arrays in memory */
  PetscReal     *memory;         /* of the arrays of parts */
  PetscReal     *B, *p, *a, *Ba; /* scratch [d][m], [m], [m], [d] */
  PetscInt       extension;      /* of the transform: one of TZ_EXTENSION_... */
  PetscInt       steps;          /* of the path */
  TzLinear      *linear, *along; /* at the target, along the path; NULL: not yet */
  /* TzPDEControlOffset() of a type that has a transform of its own */
  PetscErrorCode (*offset)(TzPDE, PetscReal t, PetscReal P[], PetscBool *is);
} TzControlProblem;

/* B at z: [d][m], or NULL where it is the identity */
PETSC_INTERN PetscErrorCode TzControlMatrix(TzPDE, const PetscReal z[], const PetscReal **B);
/* The parts from setparts, copied and checked */
PETSC_INTERN PetscErrorCode TzControlSetUpParts(TzPDE);
/* The second-order part 1/2 N : Hess V, N [d][d], in the cheapest form: none, nu Lap V, a diagonal, a matrix; sets pde->diffusion, pde->firstorder */
PETSC_INTERN PetscErrorCode TzPDEAddNoise(TzPDE, const PetscReal N[]);
PETSC_INTERN PetscErrorCode TzControlGet(TzPDE,
                                         TzControlProblem **); /* the object's, sets nothing up; PETSC_ERR_SUP where the equation is no control problem */

/* controlcode.c: C text of the transform; *done is FALSE, and nothing written, where there is none */
PETSC_INTERN PetscErrorCode TzControlTransformCode(TzPDE, TzCode, PetscBool *done);

PETSC_INTERN PetscErrorCode TzLinearDestroy(TzLinear **);
PETSC_INTERN PetscErrorCode TzLinearTransform(TzPDE, const PetscReal z[], TzJet *a, TzJet *b);           /* with extension linear or path */
PETSC_INTERN PetscErrorCode TzLinearSolve(TzPDE, const char option[]);                                   /* once */
PETSC_INTERN PetscErrorCode TzLinearOffset(TzPDE, TzLinear **);                                          /* what the extension takes its offset from */
PETSC_INTERN PetscErrorCode TzLinearGet(TzPDE, TzLinear *, PetscReal t, PetscReal P[], PetscReal *cost); /* b = y'P y + cost */
PETSC_INTERN PetscErrorCode TzLinearNoise(TzPDE, const PetscReal z[], PetscReal N[]);                    /* N [n][n] = sigma sigma' at z */
/* along.c: P [steps + 1][n][n] along a direct optimum; PETSC_ERR_USER_INPUT where it is no strict minimum */
PETSC_INTERN PetscErrorCode TzAlongSolve(TzPDE, PetscInt steps, PetscReal P[]);

#endif
