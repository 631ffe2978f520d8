/*
  Power series of functions of B_h . d, d in R^r, h = 1..n: the multi-indices, and the tables B_h^alpha / alpha!.
*/
#include "../stencil/multiindex.h"

/* Graded list of multi-indices with nondecreasing variables: each term has one parent */
static void Enumerate(TzMultiIndex *t)
{
  PetscInt terms = 1;

  t->parent[0]   = -1;
  t->variable[0] = 0;
  t->power[0]    = 0;
  t->first[0]    = 0;
  for (PetscInt o = 1; o <= t->most; o++) {
    t->first[o] = terms;
    for (PetscInt p = t->first[o - 1]; p < t->first[o]; p++)
      for (PetscInt v = t->variable[p]; v < t->r; v++) {
        t->parent[terms]   = p;
        t->variable[terms] = v;
        t->power[terms]    = v == t->variable[p] ? t->power[p] + 1 : 1;
        terms++;
      }
  }
  t->first[t->most + 1] = terms;
}

PetscErrorCode TzMultiIndexCreate(PetscInt r, PetscInt most, TzMultiIndex *t)
{
  PetscReal terms = 1;
  PetscInt  size;

  PetscFunctionBegin;
  t->r    = r;
  t->most = most;
  for (PetscInt m = 1; m <= most; m++) terms = terms * (r + m) / m;
  size = (PetscInt)(terms + 0.5);
  PetscCall(PetscMalloc3(size, &t->parent, size, &t->variable, size, &t->power));
  Enumerate(t);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzMultiIndexDestroy(TzMultiIndex *t)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(t->parent, t->variable, t->power));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* smallest order m <= most with delta^(m+1)/(m+1)! <= unit, or most + 1 */
PetscInt TzMultiIndexOrder(PetscReal delta, PetscReal unit, PetscInt most)
{
  PetscReal rest = delta;

  for (PetscInt m = 1; m <= most; m++) {
    rest *= delta / (m + 1);
    if (rest <= unit) return m;
  }
  return most + 1;
}

/* max_h |B_h|, B [r][n] */
PetscReal TzMultiIndexNorm(PetscInt r, PetscInt n, const PetscReal B[])
{
  PetscReal largest = 0;

  for (PetscInt h = 0; h < n; h++) {
    PetscReal b2 = 0;

    for (PetscInt k = 0; k < r; k++) b2 += B[k * n + h] * B[k * n + h];
    largest = PetscMax(largest, b2);
  }
  return PetscSqrtReal(largest);
}

/* table [terms][n], terms of the orders o0 <= o <= o1: w_h B_h^alpha / alpha!, each from its parent; row 0 is the caller's w */
void TzMultiIndexTable(const TzMultiIndex *t, const TzKernels *kernels, PetscInt n, const PetscReal B[], PetscInt o0, PetscInt o1, PetscReal table[])
{
  for (PetscInt i = t->first[o0]; i < t->first[o1 + 1]; i++)
    (*kernels->multiply)(n, 1 / (PetscReal)t->power[i], table + t->parent[i] * n, B + t->variable[i] * n, table + i * n);
}

/* Terms of a polynomial of degree <= d in the variables v..r-1, as Horner's scheme takes them */
static PetscInt *Horner(const TzMultiIndex *t, PetscInt v, PetscInt d, PetscInt term, PetscInt *to)
{
  if (v == t->r) {
    *to++ = term;
    return to;
  }
  for (PetscInt e = d; e >= 0; e--) {
    PetscInt child = term;

    for (PetscInt k = 0; k < e; k++) { /* multiply by variable v */
      PetscInt c = child + 1;
      while (t->parent[c] != child || t->variable[c] != v) c++;
      child = c;
    }
    to = Horner(t, v + 1, d - e, child, to);
  }
  return to;
}

/* order [first[m+1]]: the terms of degree <= m in the order in which the kernel horner takes their coefficients */
void TzMultiIndexHorner(const TzMultiIndex *t, PetscInt m, PetscInt order[])
{
  Horner(t, 0, m, 0, order);
}
