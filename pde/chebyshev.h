/*
  Chebyshev-Lobatto points x_0 = -1 < ... < x_{n-1} = 1: what a reference solution that is tabulated on them needs. n >= 2.
*/
#ifndef TZCHEBYSHEV_H
#define TZCHEBYSHEV_H

#include <petscsys.h>

PETSC_INTERN void TzChebyshevPoints(PetscInt n, PetscReal x[]);
/* w [n]: the polynomial through (x_j, f_j) has the value sum_j w_j f_j at y, in or near [-1, 1] (barycentric: as good as the f_j) */
PETSC_INTERN void TzChebyshevWeights(PetscInt n, const PetscReal x[], PetscReal y, PetscReal w[]);
/* D [n][n]: its derivative at x_i is sum_j D_ij f_j */
PETSC_INTERN void TzChebyshevDerivative(PetscInt n, const PetscReal x[], PetscReal D[]);

#endif
