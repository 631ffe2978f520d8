/*
  Trains by themselves, cut out of theta: to be rounded, grown, made from a matrix. Core k is G[k] [r[k]][m[k]][n[k]][r[k+1]], r[0] = r[ncores] = 1.
*/
#ifndef TZCORES_H
#define TZCORES_H

#include "formats.h"

typedef struct {
  PetscInt   ncores, m[TZ_MAX_CORES], n[TZ_MAX_CORES], r[TZ_MAX_CORES + 1];
  PetscReal *G[TZ_MAX_CORES]; /* each PetscMalloced */
} TzCores;

PETSC_INTERN PetscErrorCode TzCoresFromTheta(const TzTrain *train, const PetscReal theta[], TzCores *cores);
/* Modes of the train, exact up to rounding: W [out][in], of which entry (i, j) with i = (i_1 ..), j = (j_1 ..) is G_1(i_1, j_1) .. G_n(i_n, j_n) */
PETSC_INTERN PetscErrorCode TzCoresFromMatrix(const TzTrain *train, const PetscReal W[], TzCores *cores);
/*
  The smallest ranks, at most `most` [ncores + 1], or NULL, for which the matrix changes by no more than `tolerance` times its Frobenius norm; *error is by how
  much it does. All cores end with entries of one size.
*/
PETSC_INTERN PetscErrorCode TzCoresRound(TzCores *cores, PetscReal tolerance, const PetscInt most[], PetscReal *error);
/*
  To ranks r [ncores + 1], none of them smaller, with the same matrix: of a new slice one core is random, of entries as large as the others, so that the
  gradient in the other, which is 0, is not
*/
PETSC_INTERN PetscErrorCode TzCoresGrow(TzCores *cores, const PetscInt r[], PetscInt64 seed, PetscInt l);
/* The weights of a train of the same modes: cut to its ranks (nearest) where they are lower, else grown. The cores are destroyed */
PETSC_INTERN PetscErrorCode TzCoresToTrain(TzCores *cores, const TzTrain *train, PetscInt64 seed, PetscInt l, PetscReal theta[]);
PETSC_INTERN PetscErrorCode TzCoresDestroy(TzCores *cores);
/* A [m][n] (destroyed) = U [m][k] diag(s) V [k][n], k = min(m, n), s descending */
PETSC_INTERN PetscErrorCode TzSVD(PetscInt m, PetscInt n, PetscReal A[], PetscReal U[], PetscReal s[], PetscReal V[]);

#endif
