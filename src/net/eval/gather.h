/*
  What a layer's matrix is applied to, and what its outputs are made into: windows of images, the largest of squares, numbers of tokens. Arrays are
  point fastest, [...][n].
*/
#ifndef TZGATHER_H
#define TZGATHER_H

#include <private/tznetimpl.h>

/* a [in][places n]: the windows of f [channels][rows][cols][n]; and the adjoint, fbar = */
PETSC_INTERN void TzGatherWindows(const TzLayer *, PetscInt n, const PetscReal f[], PetscReal a[]);
PETSC_INTERN void TzScatterWindows(const TzLayer *, PetscInt n, const PetscReal abar[], PetscReal fbar[]);
/* f [out][.][.][n]: the largest of each square of h [out][places][n]; and the adjoint, hbar =: of equal ones the first has it all */
PETSC_INTERN void TzPoolSquares(const TzLayer *, PetscInt n, const PetscReal h[], PetscReal f[]);
PETSC_INTERN void TzPoolSquaresAdjoint(const TzLayer *, PetscInt n, const PetscReal h[], const PetscReal f[], const PetscReal fbar[], PetscReal hbar[]);
/*
  The tokens of X [n][slots]: numbers j[] and the columns column[] of z [out][places n] that each is added to, point by point, by ascending slot; *count of
  them. PETSC_ERR_ARG_OUTOFRANGE for a number that the table has no row for.
*/
PETSC_INTERN PetscErrorCode TzGatherTokens(const TzLayer *, PetscInt n, const PetscReal X[], PetscInt j[], PetscInt column[], PetscInt *count);

#endif
