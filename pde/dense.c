/* LAPACK and BLAS for matrices by rows: a matrix by rows is its transpose by columns. */
#include "dense.h"
#include <petscblaslapack.h>

PetscErrorCode TzDenseEigen(PetscInt n, const PetscReal A[], PetscReal w[], PetscReal V[])
{
  PetscBLASInt bn, lwork, info;
  PetscReal   *work;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(34 * n, &lwork));
  PetscCall(PetscMalloc1(lwork, &work));
  PetscCall(PetscArraycpy(V, A, n * n));
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("V", "U", &bn, V, &bn, w, work, &lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK's syev: info %d", (int)info);
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDenseCheckSymmetric(MPI_Comm comm, const char option[], const char name[], PetscInt n, const PetscReal A[])
{
  PetscReal largest = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n * n; i++) largest = PetscMax(largest, PetscAbsReal(A[i]));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < i; j++)
      PetscCheck(PetscAbsReal(A[i * n + j] - A[j * n + i]) <= 1e-12 * largest, comm, PETSC_ERR_USER_INPUT,
                 "%s: the matrix %s must be symmetric, but (%" PetscInt_FMT ",%" PetscInt_FMT ") is %g and %g", option, name, i + 1, j + 1,
                 (double)A[i * n + j], (double)A[j * n + i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDenseMultiply(PetscBool transA, PetscBool transB, PetscInt m, PetscInt n, PetscInt k, PetscReal alpha, const PetscReal A[],
                               const PetscReal B[], PetscReal beta, PetscReal C[])
{
  PetscBLASInt bm, bn, bk, lda, ldb;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(k, &bk));
  lda = transA ? bm : bk;
  ldb = transB ? bk : bn;
  PetscCallBLAS("BLASgemm", BLASgemm_(transB ? "T" : "N", transA ? "T" : "N", &bn, &bm, &bk, &alpha, B, &ldb, A, &lda, &beta, C, &bn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDenseSolve(PetscInt n, PetscInt m, PetscReal A[], PetscReal B[], PetscBool *singular)
{
  PetscBLASInt bn, bm, info, *pivot;
  PetscReal   *X;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscMalloc2(n * m, &X, n, &pivot));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < m; j++) X[j * n + i] = B[i * m + j];
  PetscCallBLAS("LAPACKgetrf", LAPACKgetrf_(&bn, &bn, A, &bn, pivot, &info));
  *singular = (PetscBool)(info > 0);
  if (!*singular) PetscCallBLAS("LAPACKgetrs", LAPACKgetrs_("T", &bn, &bm, A, &bn, pivot, X, &bn, &info));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < m; j++) B[i * m + j] = X[j * n + i];
  PetscCall(PetscFree2(X, pivot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDenseCholesky(PetscInt n, const PetscReal A[], PetscReal C[], PetscBool *good)
{
  PetscBLASInt bn, info;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscArraycpy(C, A, n * n));
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("U", &bn, C, &bn, &info));
  *good = (PetscBool)!info;
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = i + 1; j < n; j++) C[i * n + j] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
