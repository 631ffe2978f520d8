/*
  Dense linear algebra of the Gauss-Newton steps, by BLAS, LAPACK and Tenzo's own product. Collective; inputs are equal on every rank, and so are results: work
  is cut into blocks of fixed size, whatever the number of ranks, and each is computed by one thread.
*/
#ifndef TZLINEAR_H
#define TZLINEAR_H

#include <tzsys.h>

/* A matrix A [n][m] of which element (i, j) is x[i * rows + j * cols]; one of the two strides is 1 */
typedef struct {
  PetscInt         n, m, rows, cols;
  const PetscReal *x;
} TzMatrix;

/* G [n][n] = A A' */
PETSC_INTERN PetscErrorCode TzMatrixGram(MPI_Comm comm, const TzMatrix *A, PetscReal G[]);
/* y[n] = A v (v[m]) */
PETSC_INTERN PetscErrorCode TzMatrixMultiply(const TzMatrix *A, const PetscReal v[], PetscReal y[]);
/* A symmetric G [n][n] becomes a factor of G + shift I, for TzCholeskySolve(); *definite: whether the matrix is positive definite, else there is none */
PETSC_INTERN PetscErrorCode TzCholeskyFactor(MPI_Comm comm, PetscInt n, PetscReal shift, PetscReal G[], PetscBool *definite);
/* x[n] <- (G + shift I)^-1 x */
PETSC_INTERN PetscErrorCode TzCholeskySolve(MPI_Comm comm, PetscInt n, const PetscReal factor[], PetscReal x[]);

static inline TzMatrix TzMatrixTranspose(const TzMatrix *A)
{
  return (TzMatrix){.n = A->m, .m = A->n, .rows = A->cols, .cols = A->rows, .x = A->x};
}

#endif
