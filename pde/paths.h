/* Between paths.c, which finds the form of an equation and adds up its paths, and spheres.c, which walks those of equations without a time. */
#ifndef TZPATHS_H
#define TZPATHS_H

#include <private/tzpdeimpl.h>

/* What a path needs; all arrays are scratch */
typedef struct {
  TzPDE      pde;
  TzProcess  process;
  TzPathForm form;
  PetscReal  lambda;
  PetscInt   d, D, J;
  PetscInt   end;         /* number of the soft condition that has the value at the end; -1: the transform has */
  PetscReal *jet, *slope; /* [J]: 0; derivatives of the residual there */
  PetscReal *ab;          /* [TzPDEGetTransformSize()] */
  PetscReal *z[2];        /* [D] each */
  PetscReal *xi, *dx;     /* [2][d], [d] */
  PetscReal *normal;      /* [d] */
} TzPaths;

/* *h = the residual at z of the jet 0; p->slope its derivatives where they are wanted */
PETSC_INTERN PetscErrorCode TzPathsSource(TzPaths *p, const PetscReal z[], PetscBool slope, PetscReal *h);
/* *g = the value that the equation prescribes at z, a point of t = T or of the boundary; normal: outward, at the boundary */
PETSC_INTERN PetscErrorCode TzPathsEnd(TzPaths *p, const PetscReal z[], PetscReal *g);
/* spheres.c: one walk from z; value[0] is what is averaged, u itself or the exponent of exp(-lambda u) */
PETSC_INTERN PetscErrorCode TzPathsWalk(TzPaths *p, const PetscReal z[], PetscInt64 seed, PetscInt point, PetscInt path, PetscReal value[]);

#endif
