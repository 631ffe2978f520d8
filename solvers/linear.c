#include "linear.h"
#include <private/tzkernels.h>
#include <petscblaslapack.h>
#include <dlfcn.h>

#define BLOCK 128 /* rows and columns of a block of G */

/*
  OpenBLAS takes as many threads as a process may use cores, and the order of its sums depends on them: one thread, so that results do not depend on how
  many ranks share a machine. Returns the number to go back to.
*/
static int SetBlasThreads(int n)
{
  int (*get)(void)  = (int (*)(void))dlsym(RTLD_DEFAULT, "openblas_get_num_threads");
  void (*set)(int)  = (void (*)(int))dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
  const int threads = get ? get() : 1;

  if (set && threads != n) set(n);
  return threads;
}

/* C [BLOCK][BLOCK] of rows of A from i0 on times rows of A from j0 on; B [BLOCK][BLOCK] is scratch. Tenzo's own product: OpenBLAS takes its oldest kernels on
   processors that are newer than itself */
static void GramBlock(const TzMatrix *A, PetscInt i0, PetscInt j0, PetscReal B[], PetscReal C[])
{
  const PetscInt p = PetscMin(BLOCK, A->n - i0), q = PetscMin(BLOCK, A->n - j0);

  for (PetscInt l = 0; l < A->m; l += BLOCK) {
    const PetscInt   k = PetscMin(BLOCK, A->m - l);
    const PetscReal *x = A->x + (size_t)l * (size_t)A->cols, *a = x + (size_t)i0 * (size_t)A->rows, *b = x + (size_t)j0 * (size_t)A->rows;

    for (PetscInt j = 0; A->rows != 1 && j < q; j++)
      for (PetscInt i = 0; i < k; i++) B[i * BLOCK + j] = b[j * A->rows + i * A->cols];
    TzKernelsGet()->product(p, q, k, (TzStrided){a, A->rows, A->cols}, A->rows == 1 ? b : B, A->rows == 1 ? A->cols : BLOCK, C, BLOCK, (PetscBool)(l > 0));
  }
}

/* Block number b of the lower triangle, by rows: (i, j), j <= i */
static void BlockOf(PetscInt b, PetscInt *i, PetscInt *j)
{
  *i = (PetscInt)((PetscSqrtReal(8. * b + 1) - 1) / 2);
  while ((PetscInt64)*i * (*i + 1) / 2 > b) --*i;
  while ((PetscInt64)(*i + 1) * (*i + 2) / 2 <= b) ++*i;
  *j = b - *i * (*i + 1) / 2;
}

static void PlaceBlock(PetscInt n, PetscInt i0, PetscInt j0, const PetscReal C[BLOCK * BLOCK], PetscReal G[])
{
  for (PetscInt i = i0; i < PetscMin(i0 + BLOCK, n); i++)
    for (PetscInt j = j0; j < PetscMin(j0 + BLOCK, n); j++) G[i * n + j] = G[j * n + i] = C[(i - i0) * BLOCK + j - j0];
}

PetscErrorCode TzMatrixGram(MPI_Comm comm, const TzMatrix *A, PetscReal G[])
{
  const PetscInt strips = (A->n + BLOCK - 1) / BLOCK, blocks = strips * (strips + 1) / 2;
  PetscReal     *B, *C;
  PetscMPIInt    rank, size, *count, *displ;
  PetscInt       i, j;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc4((size_t)blocks * BLOCK * BLOCK, &C, BLOCK * BLOCK, &B, size, &count, size, &displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    const PetscInt64 b0 = (PetscInt64)blocks * r / size, b1 = (PetscInt64)blocks * (r + 1) / size;

    PetscCall(PetscMPIIntCast((b1 - b0) * BLOCK * BLOCK, &count[r]));
    PetscCall(PetscMPIIntCast(b0 * BLOCK * BLOCK, &displ[r]));
    for (PetscInt64 b = b0; b < b1 && r == rank; b++) {
      BlockOf((PetscInt)b, &i, &j);
      GramBlock(A, i * BLOCK, j * BLOCK, B, C + b * BLOCK * BLOCK);
    }
  }
  if (size > 1) PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, C, count, displ, MPIU_REAL, comm));
  for (PetscInt b = 0; b < blocks; b++) {
    BlockOf(b, &i, &j);
    PlaceBlock(A->n, i * BLOCK, j * BLOCK, C + (size_t)b * BLOCK * BLOCK, G);
  }
  PetscCall(PetscFree4(C, B, count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzMatrixMultiply(const TzMatrix *A, const PetscReal v[], PetscReal y[])
{
  const PetscReal one = 1, zero = 0;
  PetscBLASInt    rows, cols, ld, inc = 1;
  const PetscBool byrows = (PetscBool)(A->cols == 1);
  int             threads;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(byrows ? A->m : A->n, &rows)); /* as Fortran sees it */
  PetscCall(PetscBLASIntCast(byrows ? A->n : A->m, &cols));
  PetscCall(PetscBLASIntCast(byrows ? A->rows : A->cols, &ld));
  threads = SetBlasThreads(1);
  PetscCallBLAS("BLASgemv", BLASgemv_(byrows ? "T" : "N", &rows, &cols, &one, A->x, &ld, v, &inc, &zero, y, &inc));
  (void)SetBlasThreads(threads);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 does it: the others would do the same */
PetscErrorCode TzCholeskyFactor(MPI_Comm comm, PetscInt n, PetscReal shift, PetscReal G[], PetscBool *definite)
{
  PetscBLASInt size, info = 0;
  PetscMPIInt  rank;
  int          threads, failed;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscBLASIntCast(n, &size));
  if (!rank) {
    for (PetscInt i = 0; i < n; i++) G[i * n + i] += shift;
    threads = SetBlasThreads(1);
    PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("U", &size, G, &size, &info));
    (void)SetBlasThreads(threads);
  }
  failed = info != 0;
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, comm));
  *definite = failed ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCholeskySolve(MPI_Comm comm, PetscInt n, const PetscReal factor[], PetscReal x[])
{
  PetscBLASInt size, nrhs = 1, info = 0;
  PetscMPIInt  rank, count;
  int          threads;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscBLASIntCast(n, &size));
  PetscCall(PetscMPIIntCast(n, &count));
  if (!rank) {
    threads = SetBlasThreads(1);
    PetscCallBLAS("LAPACKpotrs", LAPACKpotrs_("U", &size, &nrhs, (PetscReal *)factor, &size, x, &size, &info));
    (void)SetBlasThreads(threads);
  }
  PetscCallMPI(MPI_Bcast(x, count, MPIU_REAL, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
