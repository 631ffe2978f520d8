/* Trains by themselves: see cores.h. TT-rounding and TT-SVD: Oseledets 2011. */
#include "cores.h"
#include <petscblaslapack.h>

static PetscInt Size(const TzCores *c, PetscInt k)
{
  return c->r[k] * c->m[k] * c->n[k] * c->r[k + 1];
}

PetscErrorCode TzCoresDestroy(TzCores *c)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < c->ncores; k++) PetscCall(PetscFree(c->G[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The modes of a train */
static void Shape(const TzTrain *train, TzCores *c)
{
  *c = (TzCores){.ncores = train->ncores, .r = {1}};
  for (PetscInt k = 0; k < c->ncores; k++) {
    c->m[k]     = train->core[k].m;
    c->n[k]     = train->core[k].n;
    c->r[k + 1] = train->core[k].r1;
  }
}

PetscErrorCode TzCoresFromTheta(const TzTrain *train, const PetscReal theta[], TzCores *c)
{
  PetscFunctionBegin;
  Shape(train, c);
  for (PetscInt k = 0; k < c->ncores; k++) {
    PetscCall(PetscMalloc1(Size(c, k), &c->G[k]));
    PetscCall(PetscArraycpy(c->G[k], theta + train->core[k].offset, Size(c, k)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C [m][n] = A [m][k] B [k][n] */
static PetscErrorCode Multiply(PetscInt m, PetscInt n, PetscInt k, const PetscReal A[], const PetscReal B[], PetscReal C[])
{
  TzKernelsGet()->product(m, n, k, (TzStrided){A, k, 1}, B, n, C, n, PETSC_FALSE);
  return PETSC_SUCCESS;
}

/* A matrix by rows is its transpose by columns, so U and V change places */
PetscErrorCode TzSVD(PetscInt m, PetscInt n, PetscReal A[], PetscReal U[], PetscReal s[], PetscReal V[])
{
  const PetscInt k = PetscMin(m, n);
  PetscBLASInt   bm, bn, bk, lwork, info;
  PetscReal     *work;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(n, &bn));
  PetscCall(PetscBLASIntCast(k, &bk));
  PetscCall(PetscBLASIntCast(5 * k + 64 * (m + n), &lwork));
  PetscCall(PetscMalloc1(lwork, &work));
  PetscCallBLAS("LAPACKgesvd", LAPACKgesvd_("S", "S", &bn, &bm, A, &bn, s, V, &bn, U, &bk, work, &lwork, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK's gesvd: info %d", (int)info);
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Core k becomes orthogonal, [r0 m n][rank]; what is left of it, [rank][r1], goes into core k + 1 */
static PetscErrorCode Orthogonalize(TzCores *c, PetscInt k)
{
  const PetscInt rows = c->r[k] * c->m[k] * c->n[k], cols = c->r[k + 1], rank = PetscMin(rows, cols), next = c->m[k + 1] * c->n[k + 1] * c->r[k + 2];
  PetscReal     *U, *s, *V, *G;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(rows * rank, &U, rank, &s, rank * cols, &V, rank * next, &G));
  PetscCall(TzSVD(rows, cols, c->G[k], U, s, V));
  for (PetscInt i = 0; i < rank; i++)
    for (PetscInt j = 0; j < cols; j++) V[i * cols + j] *= s[i];
  PetscCall(Multiply(rank, next, cols, V, c->G[k + 1], G));
  PetscCall(PetscArraycpy(c->G[k], U, rows * rank));
  c->r[k + 1] = rank;
  PetscCall(PetscArraycpy(c->G[k + 1], G, rank * next));
  PetscCall(PetscFree4(U, s, V, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bond before core k, all cores before it orthogonal: singular values whose squares sum to no more than `drop` go, what goes is added to *gone */
static PetscErrorCode Truncate(TzCores *c, PetscInt k, PetscReal drop, PetscInt most, PetscReal *gone)
{
  const PetscInt rows = c->r[k], cols = c->m[k] * c->n[k] * c->r[k + 1], full = PetscMin(rows, cols), before = c->r[k - 1] * c->m[k - 1] * c->n[k - 1];
  PetscInt       rank = full;
  PetscReal     *U, *s, *V, *G, tail = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(rows * full, &U, full, &s, full * cols, &V, before * full, &G));
  PetscCall(TzSVD(rows, cols, c->G[k], U, s, V));
  while (rank > 1 && (rank > most || tail + s[rank - 1] * s[rank - 1] <= drop)) {
    rank--;
    tail += s[rank] * s[rank];
  }
  *gone += tail;
  for (PetscInt i = 0; i < rows; i++)
    for (PetscInt j = 0; j < rank; j++) U[i * rank + j] = U[i * full + j] * s[j];
  PetscCall(Multiply(before, rank, rows, c->G[k - 1], U, G));
  PetscCall(PetscArraycpy(c->G[k - 1], G, before * rank));
  PetscCall(PetscArraycpy(c->G[k], V, rank * cols));
  c->r[k] = rank;
  PetscCall(PetscFree4(U, s, V, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Root mean square of the entries of core k */
static PetscReal Level(const TzCores *c, PetscInt k)
{
  PetscReal sum = 0;

  for (PetscInt e = 0; e < Size(c, k); e++) sum += c->G[k][e] * c->G[k][e];
  return PetscSqrtReal(sum / (PetscReal)Size(c, k));
}

/* Entries of one size in all cores, which a solver moves by equal steps */
static void Balance(TzCores *c)
{
  PetscReal mean = 0;

  for (PetscInt k = 0; k < c->ncores; k++) {
    if (Level(c, k) == 0) return;
    mean += PetscLogReal(Level(c, k)) / (PetscReal)c->ncores;
  }
  for (PetscInt k = 0; k < c->ncores; k++) {
    const PetscReal factor = PetscExpReal(mean) / Level(c, k);

    for (PetscInt e = 0; e < Size(c, k); e++) c->G[k][e] *= factor;
  }
}

PetscErrorCode TzCoresRound(TzCores *c, PetscReal tolerance, const PetscInt most[], PetscReal *error)
{
  PetscReal norm = 0, gone = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k + 1 < c->ncores; k++) PetscCall(Orthogonalize(c, k));
  for (PetscInt e = 0; e < Size(c, c->ncores - 1); e++) norm += PetscSqr(c->G[c->ncores - 1][e]);
  for (PetscInt k = c->ncores - 1; k > 0; k--)
    PetscCall(Truncate(c, k, PetscSqr(tolerance) * norm / (PetscReal)(c->ncores - 1), most ? most[k] : PETSC_MAX_INT, &gone));
  *error = norm > 0 ? PetscSqrtReal(gone / norm) : 0; /* what goes at one bond is orthogonal to what goes at the others */
  Balance(c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the left: the rest [rank][m n of cores k and after] is cut after core k */
PetscErrorCode TzCoresFromMatrix(const TzTrain *train, const PetscReal W[], TzCores *c)
{
  PetscInt   size = 1, rest;
  PetscReal *T, *U, *s, *V;

  PetscFunctionBegin;
  Shape(train, c);
  for (PetscInt k = 0; k < c->ncores; k++) size *= c->m[k] * c->n[k];
  PetscCall(PetscMalloc1(size, &T));
  for (PetscInt e = 0; e < size; e++) { /* e = (i_1, j_1, i_2, j_2 ..) */
    PetscInt row = 0, column = 0, left = size, code = e;

    for (PetscInt k = 0; k < c->ncores; k++) {
      left /= c->m[k] * c->n[k];
      row    = row * c->m[k] + code / left / c->n[k];
      column = column * c->n[k] + code / left % c->n[k];
      code %= left;
    }
    for (PetscInt k = 0, in = 1; k < c->ncores; k++) {
      in *= c->n[k];
      if (k == c->ncores - 1) T[e] = W[row * in + column];
    }
  }
  rest = size;
  for (PetscInt k = 0; k < c->ncores; k++) {
    const PetscInt rows = c->r[k] * c->m[k] * c->n[k], cols = rest / (c->m[k] * c->n[k]), rank = PetscMin(rows, cols);

    rest = cols;
    if (k == c->ncores - 1) {
      c->r[k + 1] = 1;
      PetscCall(PetscMalloc1(rows, &c->G[k]));
      PetscCall(PetscArraycpy(c->G[k], T, rows));
      break;
    }
    PetscCall(PetscMalloc3(rows * rank, &U, rank, &s, rank * cols, &V));
    PetscCall(TzSVD(rows, cols, T, U, s, V));
    for (PetscInt i = 0; i < rank; i++)
      for (PetscInt j = 0; j < cols; j++) T[i * cols + j] = s[i] * V[i * cols + j];
    c->r[k + 1] = rank;
    PetscCall(PetscMalloc1(rows * rank, &c->G[k]));
    PetscCall(PetscArraycpy(c->G[k], U, rows * rank));
    PetscCall(PetscFree3(U, s, V));
  }
  PetscCall(PetscFree(T));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCoresGrow(TzCores *c, const PetscInt r[], PetscInt64 seed, PetscInt l)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < c->ncores; k++) {
    const PetscInt  r0 = c->r[k], mn = c->m[k] * c->n[k], r1 = c->r[k + 1];
    const PetscReal level = Level(c, k);
    PetscReal      *G;

    PetscCall(PetscMalloc1(r[k] * mn * r[k + 1], &G));
    PetscCall(TzRandomNormal(seed, TZ_STREAM_INIT, 2, l * TZ_MAX_CORES + k, 0, r[k] * mn * r[k + 1], G));
    for (PetscInt a = 0; a < r[k]; a++)
      for (PetscInt x = 0; x < mn; x++)
        for (PetscInt b = 0; b < r[k + 1]; b++) {
          PetscReal *g = &G[(a * mn + x) * r[k + 1] + b];

          *g = a >= r0 ? 0 : b >= r1 ? level * *g : c->G[k][(a * mn + x) * r1 + b];
        }
    PetscCall(PetscFree(c->G[k]));
    c->G[k] = G;
    c->r[k] = r[k]; /* core k - 1 has been done */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCoresToTrain(TzCores *c, const TzTrain *train, PetscInt64 seed, PetscInt l, PetscReal theta[])
{
  PetscInt  rank[TZ_MAX_CORES + 1] = {1};
  PetscBool fits                   = PETSC_TRUE;
  PetscReal error;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < train->ncores; k++) {
    rank[k + 1] = train->core[k].r1;
    fits        = (PetscBool)(fits && c->r[k + 1] <= rank[k + 1]);
  }
  if (!fits) PetscCall(TzCoresRound(c, 0, rank, &error));
  PetscCall(TzCoresGrow(c, rank, seed, l));
  for (PetscInt k = 0; k < train->ncores; k++) PetscCall(PetscArraycpy(theta + train->core[k].offset, c->G[k], Size(c, k)));
  PetscCall(TzCoresDestroy(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
