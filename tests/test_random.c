/* Counter-based random numbers. The source itself is included, to reach the code of each instruction set. */
#include "../src/sys/random.c"
#include <Random123/philox.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef PetscErrorCode (*Draw)(PetscInt64, TzStream, PetscInt, PetscInt, PetscInt, PetscInt, PetscReal[]);
static const Draw draws[] = {TzRandomNormal, TzRandomUniform, TzRandomRademacher};

#define N 1000000 /* of the statistical tests, each of which is allowed 6 standard deviations: false alarms have probability 2e-9 */
static PetscReal x[N], y[N];

static void within(const char what[], double value, double expected, double tolerance)
{
  if (!(fabs(value - expected) <= tolerance)) print_error("%s: %.17g, expected %.17g +- %.2g\n", what, value, expected, tolerance);
  assert_true(fabs(value - expected) <= tolerance);
}

/* All bits of two counters are those of Random123's own function, and of its known answers for counter 0 of key 0 */
static void test_philox(void **state)
{
  const uint32_t   known[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  const PetscInt64 seeds[]  = {0, 1, -1, INT64_C(0x123456789abcdef0)};
  philox4x32_ctr_t r;

  (void)state;
  for (int s = 0; s < 4; s++) {
    for (int stream = TZ_STREAM_INIT; stream <= TZ_STREAM_MASK; stream++) {
      const philox4x32_key_t key = {{(uint32_t)seeds[s], (uint32_t)((uint64_t)seeds[s] >> 32)}};
      const PetscInt         k = s * 99991, step = s * 77777, item = s * (2147483647 / 3);
      const philox4x32_ctr_t ctr = {{(uint32_t)k, (uint32_t)step, (uint32_t)item, (uint32_t)stream}};

      assert_int_equal(TzRandomRademacher(seeds[s], (TzStream)stream, step, item, 128 * k, 128, x), 0);
      r = philox4x32(ctr, key);
      for (int b = 0; b < 128; b++) {
        const uint32_t bit = 1u << (b % 32);

        assert_true(x[b] == (r.v[b / 32] & bit ? -1 : 1));
        if (!s && !stream) assert_true((r.v[b / 32] & bit) == (known[b / 32] & bit));
      }
    }
  }
}

/* Every instruction set gives the same bits */
static void test_instruction_sets(void **state)
{
  const uint32_t key[2] = {12, 34};

  (void)state;
  for (int kind = KIND_RADEMACHER; kind <= KIND_NORMAL; kind++) {
    for (uint32_t k = 0; k < 300; k++) {
      const uint32_t ctr[4] = {k * CHUNK, 5, 6, 7};
      const size_t   bytes  = sizeof(PetscReal) * CHUNK * (size_t)numbers[kind];

      Generate_Portable((Kind)kind, key, ctr, x);
#if defined(__x86_64__)
      if (__builtin_cpu_supports("avx2")) {
        Generate_AVX2((Kind)kind, key, ctr, y);
        assert_memory_equal(x, y, bytes);
      }
      if (Choose() == Generate_AVX512) {
        Generate_AVX512((Kind)kind, key, ctr, y);
        assert_memory_equal(x, y, bytes);
      }
#endif
    }
  }
}

/* The bits of any compiler, optimisation level and processor: a run that is resumed elsewhere goes on with the same numbers. FNV-1a by words */
static void test_bits(void **state)
{
  static const uint64_t known[] = {UINT64_C(0xa189bf1cd267fbc3), UINT64_C(0x74a128e19005cd4e), UINT64_C(0xe48b2ad77537044e)};
  uint64_t              h       = UINT64_C(0xcbf29ce484222325); /* goes on from kind to kind */

  (void)state;
  for (int d = 0; d < 3; d++) {
    assert_int_equal(draws[d](2024, TZ_STREAM_DIRECTION, 1, 2, 3, 20000, x), 0);
    for (int i = 0; i < 20000; i++) {
      const TzBits b = {.d = x[i]};

      h = (h ^ b.u) * UINT64_C(0x100000001b3);
    }
    assert_true(h == known[d]);
  }
}

/* Element i depends on first + i only: bitwise */
static void test_range(void **state)
{
  const PetscInt total = 20000, far = (PetscInt)PetscMin((PetscInt64)PETSC_MAX_INT, INT64_C(1) << 48) - total;

  (void)state;
  for (int d = 0; d < 3; d++) {
    for (int end = 0; end < 2; end++) {
      const PetscInt base = end ? far : 0;

      assert_int_equal(draws[d](42, TZ_STREAM_DIRECTION, 3, 4, base, total, x), 0);
      for (PetscInt i = 0, first = 0; i < 500; i++) {
        const PetscInt n = (i * 31) % 9001 / (1 + i % 60);

        first = (first + 7919) % (total - n);
        y[n]  = -7;
        assert_int_equal(draws[d](42, TZ_STREAM_DIRECTION, 3, 4, base + first, n, y), 0);
        assert_memory_equal(x + first, y, (size_t)n * sizeof(*x));
        assert_true(y[n] == -7); /* nothing is written past the end */
      }
    }
  }
}

/*
  The series against the C library in long double. Log: s, the polynomial, the last sums and exponent * ln 2 are rounded, each to 2^-53
  relative: 8 of them at most. Cosine and sine: 2 pi r (2 pi itself and the product) and the sums: 4 of size at most 1.
*/
static void test_functions(void **state)
{
  const double eps = 0x1p-53;

  (void)state;
  assert_int_equal(TzRandomUniform(1, TZ_STREAM_INIT, 0, 0, 0, 200000, x), 0);
  for (int i = 0; i < 200000; i++) {
    const double      u     = i % 3 == 0 ? x[i] : i % 3 == 1 ? 1 - ldexp(1, -2 - i % 52) : ldexp(1 + x[i], -1 - i % 52);
    const long double angle = 6.283185307179586476925286766559L * x[i], l = logl(u);
    double            c, s;

    assert_true(fabsl(TzLog(u) - l) <= 8 * eps * fabsl(l));
    CosSin(x[i], &c, &s);
    assert_true(fabsl(c - cosl(angle)) <= 4 * eps);
    assert_true(fabsl(s - sinl(angle)) <= 4 * eps);
  }
}

static double mean(const PetscReal v[], const PetscReal w[], int pv, int pw)
{
  double sum = 0;

  for (int i = 0; i < N; i++) sum += pow(v[i], pv) * (pw ? pow(w[i], pw) : 1);
  return sum / N;
}

/* Moments of order p, whose variance over N samples is (m_2p - m_p^2)/N */
static void test_moments(void **state)
{
  static const double normal[] = {1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395};

  (void)state;
  assert_int_equal(TzRandomNormal(7, TZ_STREAM_RULE, 0, 0, 0, N, x), 0);
  for (int p = 1; p <= 6; p++) within("normal moment", mean(x, NULL, p, 0), normal[p], 6 * sqrt((normal[2 * p] - normal[p] * normal[p]) / N));
  assert_int_equal(TzRandomUniform(7, TZ_STREAM_RULE, 0, 0, 0, N, x), 0);
  for (int p = 1; p <= 4; p++) within("uniform moment", mean(x, NULL, p, 0), 1. / (p + 1), 6 * sqrt((1. / (2 * p + 1) - 1. / ((p + 1) * (p + 1))) / N));
  assert_int_equal(TzRandomRademacher(7, TZ_STREAM_RULE, 0, 0, 0, N, x), 0);
  for (int i = 0; i < N; i++) assert_true(x[i] == 1 || x[i] == -1);
  within("Rademacher mean", mean(x, NULL, 1, 0), 0, 6 / sqrt(N));
}

/* Normal: counts beyond z, binomial. Uniform: strictly inside (0,1), counts in 64 boxes */
static void test_distribution(void **state)
{
  const double limit   = sqrt(106 * log(2)); /* smallest uniform: 2^-53 */
  int          box[64] = {0};

  (void)state;
  assert_int_equal(TzRandomNormal(8, TZ_STREAM_RULE, 0, 0, 0, N, x), 0);
  for (int t = 0; t <= 8; t++) {
    const double z = t / 2., p = erfc(z / sqrt(2)) / 2;
    int          above = 0, below = 0;

    for (int i = 0; i < N; i++) {
      above += x[i] > z;
      below += x[i] < -z;
      assert_true(fabs(x[i]) <= limit);
    }
    within("upper tail", above, N * p, 6 * sqrt(N * p * (1 - p)));
    within("lower tail", below, N * p, 6 * sqrt(N * p * (1 - p)));
  }
  assert_int_equal(TzRandomUniform(8, TZ_STREAM_RULE, 0, 0, 0, N, x), 0);
  for (int i = 0; i < N; i++) {
    assert_true(x[i] > 0 && x[i] < 1);
    box[(int)(64 * x[i])]++;
  }
  for (int b = 0; b < 64; b++) within("box", box[b], N / 64., 6 * sqrt(N / 64. * (1 - 1 / 64.)));
}

static void uncorrelated(const char what[])
{
  within(what, mean(x, y, 1, 1), 0, 6 / sqrt(N));
  within(what, mean(x, y, 2, 2), 1, 6 * sqrt(8. / N)); /* variance of x^2 y^2: 9 - 1 */
}

/* Keys that differ in one part have independent numbers; so have neighbours, of one counter or of two */
static void test_independence(void **state)
{
  (void)state;
  assert_int_equal(TzRandomNormal(1, TZ_STREAM_POINTS, 2, 3, 0, N, x), 0);
  assert_int_equal(TzRandomNormal(2, TZ_STREAM_POINTS, 2, 3, 0, N, y), 0);
  uncorrelated("seeds");
  assert_int_equal(TzRandomNormal(1 + (INT64_C(1) << 32), TZ_STREAM_POINTS, 2, 3, 0, N, y), 0);
  uncorrelated("high words of seeds");
  assert_int_equal(TzRandomNormal(1, TZ_STREAM_VALIDATION, 2, 3, 0, N, y), 0);
  uncorrelated("streams");
  assert_int_equal(TzRandomNormal(1, TZ_STREAM_POINTS, 3, 3, 0, N, y), 0);
  uncorrelated("steps");
  assert_int_equal(TzRandomNormal(1, TZ_STREAM_POINTS, 2, 4, 0, N, y), 0);
  uncorrelated("items");
  assert_int_equal(TzRandomNormal(1, TZ_STREAM_POINTS, 3, 2, 0, N, y), 0);
  uncorrelated("step and item exchanged");
  for (PetscInt shift = 1; shift <= 3; shift++) {
    assert_int_equal(TzRandomNormal(1, TZ_STREAM_POINTS, 2, 3, shift, N, y), 0);
    uncorrelated("neighbours");
  }
  assert_int_equal(TzRandomUniform(1, TZ_STREAM_POINTS, 2, 3, 0, N, y), 0);
  for (int i = 0; i < N; i++) y[i] = sqrt(12) * (y[i] - 0.5);
  within("normal and uniform", mean(x, y, 1, 1), 0, 6 / sqrt(N));
  within("normal and uniform, squares", mean(x, y, 2, 2), 1, 6 * sqrt((3 * 1.8 - 1) / N));
  assert_int_equal(TzRandomRademacher(1, TZ_STREAM_POINTS, 2, 3, 0, N, x), 0);
  for (PetscInt shift = 1; shift <= 128; shift *= 2) {
    assert_int_equal(TzRandomRademacher(1, TZ_STREAM_POINTS, 2, 3, shift, N, y), 0);
    within("Rademacher neighbours", mean(x, y, 1, 1), 0, 6 / sqrt(N));
  }
}

static void test_errors(void **state)
{
  (void)state;
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  for (int d = 0; d < 3; d++) {
    assert_int_not_equal(draws[d](1, TZ_STREAM_INIT, -1, 0, 0, 1, x), 0);
    assert_int_not_equal(draws[d](1, TZ_STREAM_INIT, 0, -1, 0, 1, x), 0);
    assert_int_not_equal(draws[d](1, TZ_STREAM_INIT, 0, 0, -1, 1, x), 0);
    assert_int_not_equal(draws[d](1, TZ_STREAM_INIT, 0, 0, 0, -1, x), 0);
    assert_int_not_equal(draws[d](1, TZ_STREAM_INIT, 0, 0, PETSC_MAX_INT, 2, x), 0);
  }
  assert_int_equal(PetscPopErrorHandler(), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_philox),       cmocka_unit_test(test_instruction_sets), cmocka_unit_test(test_range),
    cmocka_unit_test(test_functions),    cmocka_unit_test(test_moments),          cmocka_unit_test(test_distribution),
    cmocka_unit_test(test_independence), cmocka_unit_test(test_errors),           cmocka_unit_test(test_bits),
  };
  int failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
