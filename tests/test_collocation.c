/* Collocation points. */
#include <tzcollocation.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define D 4
#define N 200000 /* of the statistical tests, each allowed 6 standard deviations */
static PetscReal X[N][D], Y[N][D];

static TzDomain domain(TzSampler sampler)
{
  const TzDomain dom = {.d = D - 1, .lo = -2, .hi = 3, .T = 1.7, .diffusion = 0.6, .sampler = sampler};

  return dom;
}

static void within(const char what[], double value, double expected, double tolerance)
{
  if (!(fabs(value - expected) <= tolerance)) print_error("%s: %.17g, expected %.17g +- %.2g\n", what, value, expected, tolerance);
  assert_true(fabs(value - expected) <= tolerance);
}

/* A point depends on its index only, not on the block it is drawn with; another step or stream has other points */
static void test_range(void **state)
{
  (void)state;
  for (int s = TZ_SAMPLER_BOX; s <= TZ_SAMPLER_MIXED; s++) {
    const TzDomain dom = domain((TzSampler)s);

    assert_int_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 5, 0, 1000, X[0]), 0);
    for (PetscInt first = 0, n = 1; first + n <= 1000; first += n, n = (7 * n + 3) % 50) {
      assert_int_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 5, first, n, Y[0]), 0);
      assert_memory_equal(X[first], Y[0], sizeof(X[0]) * (size_t)n);
    }
    assert_int_equal(TzCollocationSample(&dom, 1, TZ_STREAM_VALIDATION, 5, 0, 1000, Y[0]), 0);
    for (int i = 0; i < 1000; i++) assert_true(X[i][D - 1] != Y[i][D - 1]);
    assert_int_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 6, 0, 1000, Y[0]), 0);
    for (int i = 0; i < 1000; i++) assert_true(X[i][D - 1] != Y[i][D - 1]);
  }
}

/* Strictly inside the box and (0, T); uniform and independent: first and second moments */
static void test_box(void **state)
{
  const TzDomain dom = domain(TZ_SAMPLER_BOX);

  (void)state;
  assert_int_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 0, 0, N, X[0]), 0);
  for (int j = 0; j < D; j++) {
    const double lo = j < D - 1 ? -2 : 0, hi = j < D - 1 ? 3 : 1.7, sd = (hi - lo) / sqrt(12);
    double       sum = 0, square = 0, cross = 0;

    for (int i = 0; i < N; i++) {
      const double a = (X[i][j] - (lo + hi) / 2) / sd, b = X[i][(j + 1) % D];

      assert_true(X[i][j] > lo && X[i][j] < hi);
      sum += a;
      square += a * a;
      cross += a * b;
    }
    within("mean", sum / N, 0, 6 / sqrt(N));
    within("variance", square / N, 1, 6 * sqrt((9. / 5 - 1) / N));
    within("covariance", cross / N, 0, 6 * 3 / sqrt(N)); /* |b| <= 3 */
  }
}

/* t uniform; x / sqrt(2 nu t) standard normal, independent of t */
static void test_diffusion(void **state)
{
  const TzDomain dom    = domain(TZ_SAMPLER_DIFFUSION);
  double         mean_t = 0;

  (void)state;
  assert_int_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 0, 0, N, X[0]), 0);
  for (int i = 0; i < N; i++) {
    assert_true(X[i][D - 1] > 0 && X[i][D - 1] < 1.7);
    mean_t += X[i][D - 1] / 1.7 / N;
  }
  within("mean of t", mean_t, 0.5, 6 / sqrt(12. * N));
  for (int j = 0; j < D - 1; j++) {
    double m[5] = {0}, cross = 0, next = 0;

    for (int i = 0; i < N; i++) {
      const double scale = sqrt(1.2 * X[i][D - 1]), e = X[i][j] / scale;

      for (int p = 1; p <= 4; p++) m[p] += pow(e, p) / N;
      cross += e * (X[i][D - 1] / 1.7 - 0.5) / N;
      next += e * X[i][(j + 1) % (D - 1)] / scale / N;
    }
    within("mean", m[1], 0, 6 / sqrt(N));
    within("variance", m[2], 1, 6 * sqrt(2. / N));
    within("third moment", m[3], 0, 6 * sqrt(15. / N));
    within("fourth moment", m[4], 3, 6 * sqrt(96. / N));
    within("covariance with t", cross, 0, 6 / sqrt(12. * N));
    within("covariance with the next", next, 0, 6 / sqrt(N));
  }
}

/* Every second point of mixed is that of box, the others that of diffusion */
static void test_mixed(void **state)
{
  TzDomain dom = domain(TZ_SAMPLER_MIXED);

  (void)state;
  assert_int_equal(TzCollocationSample(&dom, 3, TZ_STREAM_POINTS, 9, 1, 1001, X[0]), 0);
  for (int odd = 0; odd < 2; odd++) {
    dom.sampler = odd ? TZ_SAMPLER_DIFFUSION : TZ_SAMPLER_BOX;
    assert_int_equal(TzCollocationSample(&dom, 3, TZ_STREAM_POINTS, 9, 1, 1001, Y[0]), 0);
    for (int i = 0; i < 1001; i++) {
      if ((1 + i) % 2 == odd) assert_memory_equal(X[i], Y[i], sizeof(X[i]));
    }
  }
}

static void test_errors(void **state)
{
  const TzDomain dom = domain(TZ_SAMPLER_BOX);

  (void)state;
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  assert_int_not_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 0, -1, 1, X[0]), 0);
  assert_int_not_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 0, 0, -1, X[0]), 0);
  assert_int_not_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, -1, 0, 1, X[0]), 0);
  assert_int_not_equal(TzCollocationSample(&dom, 1, TZ_STREAM_POINTS, 0, PETSC_MAX_INT, 1, X[0]), 0);
  assert_int_equal(PetscPopErrorHandler(), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_range), cmocka_unit_test(test_box), cmocka_unit_test(test_diffusion), cmocka_unit_test(test_mixed), cmocka_unit_test(test_errors),
  };
  int failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
