/*
  The kernels of every instruction set that this machine has, against long double or plain loops.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <private/tzkernels.h>

#define OK(call) assert_int_equal((call), 0)

static const TzKernels *sets[4];
static int              nsets;

static TzActivation Find(const char name[])
{
  TzActivation act;

  OK(TzActivationFind(PETSC_COMM_SELF, "", name, &act));
  return act;
}

/* Each instruction set's sine and cosine against long double over the range of the fast path and beyond it */
static void TestSine(void **state)
{
  (void)state;
  for (int i = 0; i < nsets; i++) {
    double           worst = 0;
    const TzKernels *k     = sets[i];

    for (int scale = -6; scale <= 7; scale++) {
      double x[1001], s[1001], c[1001], y[1001];

      OK(TzRandomUniform(scale + 6, TZ_STREAM_POINTS, 0, 0, 0, 1001, x));
      for (int j = 0; j < 1001; j++) x[j] = (2 * x[j] - 1) * pow(10, scale);
      for (int j = 0; j < 40; j++) x[j] = j * M_PI / 2 * (j % 3 - 1); /* zeros and extrema */
      k->sine(1001, x, y);
      k->sincos(1001, x, s, c);
      for (int j = 0; j < 1001; j++) {
        worst = fmax(worst, fabs((double)(y[j] - sinl((long double)x[j]))));
        worst = fmax(worst, fabs((double)(c[j] - cosl((long double)x[j]))));
        worst = fmax(worst, fabs((double)(s[j] - sinl((long double)x[j]))));
      }
    }
    print_message("%s: largest error of sine and cosine %.2g\n", k->name, worst);
    /* the polynomials' 1.1e-16, two roundings of the reduced argument (1.1e-16 each at pi/2), one of the result (1.1e-16 at 1) */
    assert_true(worst <= 4.5e-16);
  }
}

/*
  Sine and cosine of b + B Y by each instruction set against long double: units that are no multiple of any block, partial panels, which leave the other
  rows alone, and arguments beyond the fast sine's range
*/
static void TestExpand(void **state)
{
  enum { N = 37, R = 4, WIDTH = R + 2 };
  double table[N * WIDTH], Y[R * TZ_PANEL], A[N * TZ_PANEL], D[N * TZ_PANEL], D2[N * TZ_PANEL];

  (void)state;
  OK(TzRandomUniform(5, TZ_STREAM_POINTS, 0, 0, 0, N * WIDTH, table));
  for (int big = 0; big < 2; big++) {
    OK(TzRandomUniform(6, TZ_STREAM_POINTS, 0, 0, 0, R * TZ_PANEL, Y));
    for (int j = 0; j < R * TZ_PANEL; j++) Y[j] = (Y[j] - 0.5) * (big && j % TZ_PANEL % 3 == 0 ? 1e6 : 20);
    for (int i = 0; i < nsets; i++)
      for (int lanes = 8; lanes <= TZ_PANEL; lanes += 8) {
        for (int j = 0; j < N * TZ_PANEL; j++) A[j] = D[j] = 7;
        sets[i]->expand(lanes, Find("sine"), N, R, table, WIDTH, Y, A, D, D2, NULL, big ? PETSC_TRUE : PETSC_FALSE);
        for (int h = 0; h < N; h++)
          for (int m = 0; m < TZ_PANEL; m++) {
            const double s = A[h * TZ_PANEL + m], c = D[h * TZ_PANEL + m];
            long double  z = table[h * WIDTH], size = fabsl(z);

            for (int k = 0; k < R; k++) {
              z += (long double)table[h * WIDTH + 1 + k] * Y[k * TZ_PANEL + m];
              size += fabsl((long double)table[h * WIDTH + 1 + k] * Y[k * TZ_PANEL + m]);
            }
            if (m >= lanes) assert_true(s == 7 && c == 7);
            /* 2 R roundings of terms and sums no larger than size, and the sine's own error */
            else assert_true(fabsl(s - sinl(z)) <= 2 * R * 1.2e-16L * size + 4.5e-16L && fabsl(c - cosl(z)) <= 2 * R * 1.2e-16L * size + 4.5e-16L);
          }
      }
  }
}

/* Products and sums against loops: at most 64 terms of order one, each rounded at 1.1e-16; partial panels leave the other rows alone */
static void TestGemm(void **state)
{
  (void)state;
  for (int i = 0; i < nsets; i++) {
    const TzKernels *k = sets[i];
    double           A[64 * TZ_GEMM], X[64 * TZ_PANEL], C[TZ_GEMM * TZ_PANEL];
    OK(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, 64 * TZ_GEMM, A));
    OK(TzRandomUniform(2, TZ_STREAM_POINTS, 0, 0, 0, 64 * TZ_PANEL, X));
    for (int rows = 1; rows <= TZ_GEMM; rows++)
      for (int lanes = 8; lanes <= TZ_PANEL; lanes += 8)
        for (int add = 0; add < 2; add++) {
          for (int j = 0; j < TZ_GEMM * TZ_PANEL; j++) C[j] = 7;
          k->gemm(lanes, rows, 64, A, X, C, add ? PETSC_TRUE : PETSC_FALSE);
          for (int r = 0; r < TZ_GEMM; r++)
            for (int m = 0; m < TZ_PANEL; m++) {
              double sum = add ? 7 : 0;

              for (int h = 0; h < 64; h++) sum += A[h * TZ_GEMM + r] * X[h * TZ_PANEL + m];
              if (r >= rows || m >= lanes) sum = 7;
              assert_true(fabs(C[r * TZ_PANEL + m] - sum) <= 64 * 2.3e-16 * 32);
            }
        }
  }
}

/* The float product: small integers, whose products and sums are exact */
static void TestGemmSingle(void **state)
{
  enum { N = 300 };
  static float A[N * TZ_GEMM], X[N * TZ_PANEL], C[TZ_GEMM * TZ_PANEL];

  (void)state;
  for (int i = 0; i < N * TZ_GEMM; i++) A[i] = i * 7 % 11 - 5;
  for (int i = 0; i < N * TZ_PANEL; i++) X[i] = i * 5 % 13 - 6;
  for (int i = 0; i < nsets; i++) {
    const TzKernels *k = sets[i];

    for (int add = 0; add < 2; add++) {
      k->gemmsingle(N, A, X, C, add ? PETSC_TRUE : PETSC_FALSE);
      for (int r = 0; r < TZ_GEMM; r++)
        for (int m = 0; m < TZ_PANEL; m++) {
          float sum = 0;

          for (int h = 0; h < N; h++) sum += A[h * TZ_GEMM + r] * X[h * TZ_PANEL + m];
          assert_true(C[r * TZ_PANEL + m] == (add ? 2 : 1) * sum);
        }
    }
  }
}

/* Horner's scheme against the sum of monomials taken one by one, through the order of terms of taylor.c's definition: variables nested */
static void HornerSum(int v, int r, int d, double monomial, const double x[], const double **c, double *sum)
{
  if (v == r) {
    *sum += *(*c)++ * monomial;
    return;
  }
  for (int e = d; e >= 0; e--) HornerSum(v + 1, r, d - e, monomial * pow(x[v], e), x, c, sum);
}

static void TestHorner(void **state)
{
  (void)state;
  for (int i = 0; i < nsets; i++) {
    const TzKernels *k = sets[i];
    double           c[1000], d[TZ_SERIES_MAX_BOND * TZ_PANEL], f[TZ_PANEL];
    OK(TzRandomUniform(3, TZ_STREAM_POINTS, 0, 0, 0, 1000, c));
    OK(TzRandomUniform(4, TZ_STREAM_POINTS, 0, 0, 0, TZ_SERIES_MAX_BOND * TZ_PANEL, d));
    for (int r = 1; r <= TZ_SERIES_MAX_BOND; r++) {
      k->horner(r, 4, c, d, f);
      for (int m = 0; m < TZ_PANEL; m++) {
        double        x[TZ_SERIES_MAX_BOND], sum = 0;
        const double *p = c;

        for (int v = 0; v < r; v++) x[v] = d[v * TZ_PANEL + m];
        HornerSum(0, r, 4, 1, x, &p, &sum);
        assert_true(fabs(f[m] - sum) <= 1e-13 * sum); /* 210 positive terms, rounded at most some 10 times each */
      }
    }
  }
}

/* ---------------------------------------- products of matrices kept point fastest ---------------------------------------- */

#define MAXM 21
#define MAXN 61
#define MAXK 300
static double A[MAXM * MAXK], B[MAXK * (MAXN + 3)], C[MAXM * (MAXN + 5)], D[MAXM * (MAXN + 5)];

/* |error| of a sum of k products is at most (k + 1) u sum |a b|, u = 2^-53 (Higham 2002, section 3.1); all |a|, |b| <= 1 here */
static void CheckProduct(const TzKernels *p, PetscInt m, PetscInt n, PetscInt k, PetscBool transpose, PetscBool add)
{
  const TzStrided a   = {A, transpose ? 1 : k, transpose ? m : 1};
  const PetscInt  ldb = n + 3, ldc = n + 5;
  double          worst = 0;

  for (PetscInt i = 0; i < m * ldc; i++) C[i] = 0.5;
  p->product(m, n, k, a, B, ldb, C, ldc, add);
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < ldc; j++) {
      long double sum = add || j >= n ? 0.5L : 0;

      if (j < n)
        for (PetscInt l = 0; l < k; l++) sum += (long double)a.a[i * a.row + l * a.col] * B[l * ldb + j];
      worst = PetscMax(worst, (double)fabsl(sum - C[i * ldc + j]));
    }
  if (worst > (k + 2) * (k + 1) * PETSC_MACHINE_EPSILON) printf("%s %d x %d x %d: error %g\n", p->name, (int)m, (int)n, (int)k, worst);
  assert_true(worst <= (k + 2) * (k + 1) * PETSC_MACHINE_EPSILON);
}

static void TestProduct(void **state)
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

static void TestRows(void **state)
{
  (void)state;
  for (int s = 0; s < nsets; s++) {
    sets[s]->product(MAXM, MAXN, MAXK, (TzStrided){A, MAXK, 1}, B, MAXN, C, MAXN, PETSC_FALSE);
    for (PetscInt i = 0; i < MAXM; i++) sets[s]->product(1, MAXN, MAXK, (TzStrided){A + i * MAXK, MAXK, 1}, B, MAXN, D + i * MAXN, MAXN, PETSC_FALSE);
    assert_memory_equal(C, D, sizeof(double) * MAXM * MAXN);
  }
}

/* A sparse matrix is the full one with zeros: small integers, whose sums are exact; every width of the columns, empty rows, an empty last row */
static void TestSparse(void **state)
{
  enum { M = 9, IN = 17 };
  PetscInt index[M * IN], nw       = 0;
  double   w[M * IN], full[M * IN] = {0}, a[IN * MAXN];

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
static void TestReluShift(void **state)
{
  const double delta = 0.125;
  double       z[24], vec[24 * 8], v[12 * 8], d[12 * 24];

  (void)state;
  for (PetscInt i = 0; i < 24 * 8; i++) vec[i] = i;
  for (int s = 0; s < nsets; s++)
    for (PetscInt trial = 0; trial < 50; trial++) {
      const TzUnits u = {.ml = 3, .mr = 4, .zl = 8, .left = 24, .right = 72, .nv = 8, .z = z, .V = vec};
      PetscInt      rows, row = 0;

      for (PetscInt i = 0; i < 24; i++) z[i] = i % 3 ? A[24 * trial + i] : -0.25; /* |delta t| <= 1/8: a third does not move */
      rows = sets[s]->moveunits(Find("relu"), &u, 24, delta, B + trial, d, v);
      for (PetscInt jl = 0; jl < 3; jl++)
        for (PetscInt jr = 0; jr < 4; jr++) {
          const PetscInt h   = jl * 8 + jr;
          const double  *t   = B + trial + jl * 24 + jr * 72;
          PetscBool      any = z[h] > 0 ? PETSC_TRUE : PETSC_FALSE;

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
static void TestLogSumExp(void **state)
{
  static const double scale[] = {1e-3, 1, 40, 1e4};

  (void)state;
  for (int s = 0; s < nsets; s++)
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(scale); k++) {
      const PetscInt n = 101, m      = 10;
      double         out[101], worst = 0;

      for (PetscInt i = 0; i < n * m; i++) C[i] = scale[k] * A[i];
      sets[s]->logsumexp(n, m, C, n, out);
      for (PetscInt i = 0; i < n; i++) {
        long double sum = 0, top = C[i], want;

        for (PetscInt o = 0; o < m; o++) top = fmaxl(top, C[o * n + i]);
        for (PetscInt o = 0; o < m; o++) sum += expl(C[o * n + i] - top);
        want  = top + logl(sum);
        worst = PetscMax(worst, (double)(fabsl(want - out[i]) / (1 + fabsl(want))));
      }
      if (worst > 2e-15) printf("%s scale %g: error %g\n", sets[s]->name, scale[k], worst);
      assert_true(worst <= 2e-15);
    }
}

/* A network that has diverged must not look like one that has not */
static void TestNotFinite(void **state)
{
  double y[2] = {1, (double)INFINITY}, s;

  (void)state;
  for (int k = 0; k < nsets; k++) {
    sets[k]->logsumexp(1, 2, y, 1, &s);
    assert_true(PetscIsInfOrNanReal(s));
    y[1] = NAN;
    sets[k]->logsumexp(1, 2, y, 1, &s);
    assert_true(PetscIsInfOrNanReal(s));
    y[1] = (double)INFINITY;
  }
}

/* Who runs the best set runs the others; a set is found by its name */
static void TestFind(void **state)
{
  (void)state;
  assert_true(nsets > 0 && !strcmp(sets[nsets - 1]->name, "base"));
  for (int i = 0; i < nsets; i++) assert_ptr_equal(TzKernelsFind(sets[i]->name), sets[i]);
  assert_null(TzKernelsFind("mmx"));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSine),       cmocka_unit_test(TestExpand),    cmocka_unit_test(TestGemm),
                                     cmocka_unit_test(TestGemmSingle), cmocka_unit_test(TestHorner),    cmocka_unit_test(TestProduct),
                                     cmocka_unit_test(TestRows),       cmocka_unit_test(TestSparse),    cmocka_unit_test(TestReluShift),
                                     cmocka_unit_test(TestLogSumExp),  cmocka_unit_test(TestNotFinite), cmocka_unit_test(TestFind)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  while ((sets[nsets] = TzKernelsEach(nsets))) nsets++;
  if (TzRandomUniform(1, TZ_STREAM_INIT, 0, 0, 0, PETSC_STATIC_ARRAY_LENGTH(A), A) ||
      TzRandomUniform(1, TZ_STREAM_INIT, 0, 1, 0, PETSC_STATIC_ARRAY_LENGTH(B), B))
    return 1;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(A); i++) A[i] = 2 * A[i] - 1;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(B); i++) B[i] = 2 * B[i] - 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
