/*
  Small dense products and the row operations beside them, in three instruction sets chosen at run time (AVX-512, AVX2, portable).

  Every number of a result is summed in ascending order from one accumulator, so a row of C does not depend on the
  other rows that are computed with it: results do not change with the way samples are cut into batches.
*/
#ifndef TZPRODUCT_H
#define TZPRODUCT_H

#include <tzsys.h>

/* A matrix that is read entry by entry: entry (i, l) is a[i * row + l * col]; a transpose swaps row and col */
typedef struct {
  const PetscReal *a;
  PetscInt         row, col;
} TzStrided;

#define TZ_LANES 8

/* Unit (jl, jr), jl < ml, jr < mr, in ascending order: z[jl * zl + jr], t + jl * left + jr * right, V + (jl * zl + jr) * nv */
typedef struct {
  PetscInt         ml, mr, zl, left, right, nv;
  const PetscReal *z, *V;
} TzUnits;

typedef struct {
  const char *name; /* "avx512", "avx2", "base" */
  /* C [m][ldc] (columns 0..n-1) = A [m][k] B [k][ldb], or += if add */
  void (*product)(PetscInt m, PetscInt n, PetscInt k, TzStrided A, const PetscReal B[], PetscInt ldb, PetscReal C[], PetscInt ldc, PetscBool add);
  /* z [m][n] = W a of a sparse W [m][in] with w[k] at place index[k], ascending; a [in][n] */
  void (*sparse)(PetscInt m, PetscInt in, PetscInt nweights, const PetscInt index[], const PetscReal w[], PetscInt n, const PetscReal a[], PetscReal z[]);
  /*
    Hidden units under a rectifier whose pre-activations z move by delta t, a row of t for each unit: with `wide` columns
    d = max(z + delta t, 0) - max(z, 0). Rows of units that are off and stay off are dropped; d [rows][wide] receives the others, and v [rows][nv]
    the vectors V that belong to them. Returns rows. wide and nv are multiples of TZ_LANES.
  */
  PetscInt (*relushift)(const TzUnits *units, PetscInt wide, PetscReal delta, const PetscReal t[], PetscReal d[], PetscReal v[]);
  /* s[i] = log sum_o exp(y_o[i]), i < n; y_o = y + o * ld, o < m. Relative error of exp and log below 1e-15. */
  void (*logsumexp)(PetscInt n, PetscInt m, const PetscReal y[], PetscInt ld, PetscReal s[]);
} TzProducts;

/* The best set this processor runs; TENZO_ISA=avx512|avx2|base in the environment overrides */
PETSC_EXTERN const TzProducts *TzProductsGet(void);
PETSC_EXTERN const TzProducts *TzProductsFind(const char name[]); /* NULL: unknown here, or this processor cannot run it */

#endif
