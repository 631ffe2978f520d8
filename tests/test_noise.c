/*
  The noise in values along a line (-zo_mu auto). Of nine values with normal noise on a smooth function the estimate has a relative deviation of some 20 to
  40 per cent: so over 200 lines its geometric mean is within 15 per cent of the truth, and nearly all are within a factor of 3.
*/
#include <tenzo.h>
#include <private/tzzoimpl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((call), 0)
#define LINES    200

static void TestNoise(void **state)
{
  (void)state;
  for (double noise = 1e-12; noise < 1e-1; noise *= 1e3) {
    double   sum  = 0;
    PetscInt told = 0, close = 0;

    for (PetscInt l = 0; l < LINES; l++) {
      PetscReal f[TZ_ZO_LINE], xi[TZ_ZO_LINE], eps;

      OK(TzRandomNormal(1, TZ_STREAM_INIT, l, 0, 0, TZ_ZO_LINE, xi));
      for (PetscInt i = 0; i < TZ_ZO_LINE; i++) f[i] = exp(1e-3 * sqrt(noise) * (double)i) + noise * xi[i];
      eps = TzZONoise(f);
      if (eps < 0) continue;
      told++;
      sum += log(eps / noise);
      close += eps > noise / 3 && eps < 3 * noise;
    }
    assert_true(told > 0.9 * LINES);
    assert_true(close > 0.97 * (double)told);
    assert_true(fabs(sum / (double)told) < 0.15);
  }
}

/* Values that do not change, and values that change too much to tell anything */
static void TestUntold(void **state)
{
  PetscReal f[TZ_ZO_LINE];

  (void)state;
  for (PetscInt i = 0; i < TZ_ZO_LINE; i++) f[i] = 1 + (i > 5);
  assert_true(TzZONoise(f) == -1);
  for (PetscInt i = 0; i < TZ_ZO_LINE; i++) f[i] = exp((double)i);
  assert_true(TzZONoise(f) == -2);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestNoise), cmocka_unit_test(TestUntold)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 2;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 2;
  return failed;
}
