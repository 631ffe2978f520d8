/* Small dense matrices by LAPACK, by rows: A [n][n] is A_ij = A[i n + j]. */
#ifndef TZDENSE_H
#define TZDENSE_H

#include <tzsys.h>

/* Eigenvalues w [n], rising, and eigenvectors V [n][n], one a row, of a symmetric A */
PETSC_INTERN PetscErrorCode TzDenseEigen(PetscInt n, const PetscReal A[], PetscReal w[], PetscReal V[]);
/* PETSC_ERR_USER_INPUT where A is not symmetric to rounding; name is the matrix's in the message */
PETSC_INTERN PetscErrorCode TzDenseCheckSymmetric(MPI_Comm comm, const char option[], const char name[], PetscInt n, const PetscReal A[]);
/* C [m][n] = alpha A B + beta C with A [m][k], B [k][n]; of a transposed one the array is [k][m], [n][k] */
PETSC_INTERN PetscErrorCode TzDenseMultiply(PetscBool transA, PetscBool transB, PetscInt m, PetscInt n, PetscInt k, PetscReal alpha, const PetscReal A[],
                                            const PetscReal B[], PetscReal beta, PetscReal C[]);
/* B [n][m] := A^-1 B; A [n][n] is destroyed. *singular where a pivot is zero: then B is undefined */
PETSC_INTERN PetscErrorCode TzDenseSolve(PetscInt n, PetscInt m, PetscReal A[], PetscReal B[], PetscBool *singular);
/* A = C C' with C [n][n] lower triangular, zeros above; *good is FALSE where A is not positive definite */
PETSC_INTERN PetscErrorCode TzDenseCholesky(PetscInt n, const PetscReal A[], PetscReal C[], PetscBool *good);

#endif
