/*
  The kernels of every instruction set that this machine has.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <private/tzkernels.h>

#define OK(call) assert_int_equal((call), 0)

/* the i-th set, or NULL where the machine lacks it */
static const TzKernels *Kernels(int i)
{
  static const TzKernels *const all[] = {&TzKernels_Base, &TzKernels_AVX2, &TzKernels_AVX512};

  if (i == 1 && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return NULL;
  if (i == 2 && !(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))) return NULL;
  return all[i];
}

/* Each instruction set's sine and cosine against long double over the range of the fast path and beyond it */
static void TestSine(void **state)
{
  (void)state;
  for (int i = 0; i < 3; i++) {
    double           worst = 0;
    const TzKernels *k     = Kernels(i);

    if (!k) continue;
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
    print_message("%s: largest error of sine and cosine %.2g\n", k->isa, worst);
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
    for (int i = 0; i < 3; i++)
      for (int lanes = 8; lanes <= TZ_PANEL && Kernels(i); lanes += 8) {
        for (int j = 0; j < N * TZ_PANEL; j++) A[j] = D[j] = 7;
        Kernels(i)->expand(lanes, TZ_ACT_SINE, N, R, table, WIDTH, Y, A, D, D2, big ? PETSC_TRUE : PETSC_FALSE);
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
  for (int i = 0; i < 3; i++) {
    const TzKernels *k = Kernels(i);
    double           A[64 * TZ_GEMM], X[64 * TZ_PANEL], C[TZ_GEMM * TZ_PANEL];

    if (!k) continue;
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
  for (int i = 0; i < 3; i++) {
    const TzKernels *k = Kernels(i);

    for (int add = 0; k && add < 2; add++) {
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
  for (int i = 0; i < 3; i++) {
    const TzKernels *k = Kernels(i);
    double           c[1000], d[TZ_SERIES_MAX_BOND * TZ_PANEL], f[TZ_PANEL];

    if (!k) continue;
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

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSine), cmocka_unit_test(TestExpand), cmocka_unit_test(TestGemm), cmocka_unit_test(TestGemmSingle),
                                     cmocka_unit_test(TestHorner)};
  int                     failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  PetscPopSignalHandler();
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
