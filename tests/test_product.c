/* The products against long double, in every instruction set of this machine; a row's bits do not depend on its neighbours. */
#include <tzproduct.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define ok(call) assert_int_equal((call), 0)

static const TzProducts *sets[3];
static int               nsets;

#define MAXM 21
#define MAXN 61
#define MAXK 300
static PetscReal A[MAXM * MAXK], B[MAXK * (MAXN + 3)], C[MAXM * (MAXN + 5)], D[MAXM * (MAXN + 5)];

/* |error| of a sum of k products is at most (k + 1) u sum |a b|, u = 2^-53 (Higham 2002, section 3.1); all |a|, |b| <= 1 here */
static void CheckProduct(const TzProducts *p, PetscInt m, PetscInt n, PetscInt k, PetscBool transpose, PetscBool add)
{
  const TzStrided a   = {A, transpose ? 1 : k, transpose ? m : 1};
  const PetscInt  ldb = n + 3, ldc = n + 5;
  PetscReal       worst = 0;

  for (PetscInt i = 0; i < m * ldc; i++) C[i] = 0.5;
  p->product(m, n, k, a, B, ldb, C, ldc, add);
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < ldc; j++) {
      long double sum = add || j >= n ? 0.5L : 0;

      if (j < n)
        for (PetscInt l = 0; l < k; l++) sum += (long double)a.a[i * a.row + l * a.col] * B[l * ldb + j];
      worst = PetscMax(worst, (PetscReal)fabsl(sum - C[i * ldc + j]));
    }
  if (worst > (k + 2) * (k + 1) * PETSC_MACHINE_EPSILON) printf("%s %d x %d x %d: error %g\n", p->name, (int)m, (int)n, (int)k, worst);
  assert_true(worst <= (k + 2) * (k + 1) * PETSC_MACHINE_EPSILON);
}

static void test_product(void **state)
{
  static const PetscInt m[] = {1, 2, 5, 8, 9, 10, 21}, n[] = {1, 3, 7, 8, 10, 24, 42, 61}, k[] = {0, 1, 7, 28, 128, 129, 300};

  (void)state;
  for (int s = 0; s < nsets; s++)
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(m); i++)
      for (size_t j = 0; j < PETSC_STATIC_ARRAY_LENGTH(n); j++)
        for (size_t l = 0; l < PETSC_STATIC_ARRAY_LENGTH(k); l++)
          for (int form = 0; form < 4; form++)
            CheckProduct(sets[s], m[i], n[j], k[l], form & 1 ? PETSC_TRUE : PETSC_FALSE, form & 2 ? PETSC_TRUE : PETSC_FALSE);
}

static void test_rows(void **state)
{
  (void)state;
  for (int s = 0; s < nsets; s++) {
    sets[s]->product(MAXM, MAXN, MAXK, (TzStrided){A, MAXK, 1}, B, MAXN, C, MAXN, PETSC_FALSE);
    for (PetscInt i = 0; i < MAXM; i++) sets[s]->product(1, MAXN, MAXK, (TzStrided){A + i * MAXK, MAXK, 1}, B, MAXN, D + i * MAXN, MAXN, PETSC_FALSE);
    assert_memory_equal(C, D, sizeof(PetscReal) * MAXM * MAXN);
  }
}

/* A sparse matrix is the full one with zeros: small integers, whose sums are exact; every width of the columns, empty rows, an empty last row */
static void test_sparse(void **state)
{
  enum { M = 9, IN = 17 };
  PetscInt  index[M * IN], nw       = 0;
  PetscReal w[M * IN], full[M * IN] = {0}, a[IN * MAXN];

  (void)state;
  for (PetscInt i = 0; i < (M - 1) * IN; i++)
    if (i * 7 % 5 < 2 && i / IN != 3) {
      index[nw] = i;
      w[nw++]   = i % 11 - 5;
      full[i]   = i % 11 - 5;
    }
  for (PetscInt i = 0; i < IN * MAXN; i++) a[i] = i * 5 % 13 - 6;
  for (int s = 0; s < nsets; s++)
    for (PetscInt n = 1; n <= MAXN; n++) {
      sets[s]->sparse(M, IN, nw, index, w, n, a, C);
      sets[s]->product(M, n, IN, (TzStrided){full, IN, 1}, a, n, D, n, PETSC_FALSE);
      for (PetscInt i = 0; i < M * n; i++) assert_true(C[i] == D[i]);
    }
}

/* Against the formula, unit by unit; delta t is exact here (a power of 2), so one rounding or two (not fused) differ by at most 2^-53 */
static void test_relushift(void **state)
{
  const PetscReal delta = 0.125;
  PetscReal       z[24], vec[24 * 8], v[12 * 8], d[12 * 24];

  (void)state;
  for (PetscInt i = 0; i < 24 * 8; i++) vec[i] = i;
  for (int s = 0; s < nsets; s++)
    for (PetscInt trial = 0; trial < 50; trial++) {
      const TzUnits u = {.ml = 3, .mr = 4, .zl = 8, .left = 24, .right = 72, .nv = 8, .z = z, .V = vec};
      PetscInt      rows, row = 0;

      for (PetscInt i = 0; i < 24; i++) z[i] = i % 3 ? A[24 * trial + i] : -0.25; /* |delta t| <= 1/8: a third does not move */
      rows = sets[s]->relushift(&u, 24, delta, B + trial, d, v);
      for (PetscInt jl = 0; jl < 3; jl++)
        for (PetscInt jr = 0; jr < 4; jr++) {
          const PetscInt   h   = jl * 8 + jr;
          const PetscReal *t   = B + trial + jl * 24 + jr * 72;
          PetscBool        any = z[h] > 0 ? PETSC_TRUE : PETSC_FALSE;

          for (PetscInt i = 0; i < 24; i++) any = any || z[h] + delta * t[i] > 0 ? PETSC_TRUE : PETSC_FALSE;
          if (!any) continue;
          assert_true(row < rows && v[8 * row] == 8 * h && v[8 * row + 7] == 8 * h + 7);
          for (PetscInt i = 0; i < 24; i++)
            assert_true(PetscAbsReal(PetscMax(z[h] + delta * t[i], 0) - PetscMax(z[h], 0) - d[24 * row + i]) <= PETSC_MACHINE_EPSILON);
          row++;
        }
      assert_int_equal(row, rows);
      assert_true(rows < 12);
    }
}

/* Sums of m terms with exponentials good to 1e-15 each, the logarithm's value at most about 45 in size */
static void test_logsumexp(void **state)
{
  static const PetscReal scale[] = {1e-3, 1, 40, 1e4};

  (void)state;
  for (int s = 0; s < nsets; s++)
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(scale); k++) {
      const PetscInt n = 101, m      = 10;
      PetscReal      out[101], worst = 0;

      for (PetscInt i = 0; i < n * m; i++) C[i] = scale[k] * A[i];
      sets[s]->logsumexp(n, m, C, n, out);
      for (PetscInt i = 0; i < n; i++) {
        long double sum = 0, top = C[i], want;

        for (PetscInt o = 0; o < m; o++) top = fmaxl(top, C[o * n + i]);
        for (PetscInt o = 0; o < m; o++) sum += expl(C[o * n + i] - top);
        want  = top + logl(sum);
        worst = PetscMax(worst, (PetscReal)(fabsl(want - out[i]) / (1 + fabsl(want))));
      }
      if (worst > 2e-15) printf("%s scale %g: error %g\n", sets[s]->name, scale[k], worst);
      assert_true(worst <= 2e-15);
    }
}

/* A network that has diverged must not look like one that has not */
static void test_notfinite(void **state)
{
  PetscReal y[2] = {1, (PetscReal)INFINITY}, s;

  (void)state;
  for (int k = 0; k < nsets; k++) {
    sets[k]->logsumexp(1, 2, y, 1, &s);
    assert_true(PetscIsInfOrNanReal(s));
    y[1] = NAN;
    sets[k]->logsumexp(1, 2, y, 1, &s);
    assert_true(PetscIsInfOrNanReal(s));
    y[1] = (PetscReal)INFINITY;
  }
}

int main(int argc, char **argv)
{
  static const char      *names[] = {"avx512", "avx2", "base"};
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_product),   cmocka_unit_test(test_rows),      cmocka_unit_test(test_sparse),
                                     cmocka_unit_test(test_relushift), cmocka_unit_test(test_logsumexp), cmocka_unit_test(test_notfinite)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  for (int i = 0; i < 3; i++)
    if (TzProductsFind(names[i])) sets[nsets++] = TzProductsFind(names[i]);
  if (TzRandomUniform(1, TZ_STREAM_INIT, 0, 0, 0, PETSC_STATIC_ARRAY_LENGTH(A), A) ||
      TzRandomUniform(1, TZ_STREAM_INIT, 0, 1, 0, PETSC_STATIC_ARRAY_LENGTH(B), B))
    return 1;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(A); i++) A[i] = 2 * A[i] - 1;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(B); i++) B[i] = 2 * B[i] - 1;
  failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 1;
  return failures;
}
