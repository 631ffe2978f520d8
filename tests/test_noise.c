/*
  The mean of n evaluations of each query (-zo_repeats): its variance is an n-th where noise is independent; where it is common to a step nothing changes.

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
#include "testproblem.h"

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

/* What one step of zosgd along one direction, from the same parameters, points and direction, moves a parameter by; the noise is that of a seed */
static PetscReal Step(const char options[], PetscInt64 seed)
{
  TzLoss     loss = test_problem(PETSC_COMM_SELF, "-pde_type hjb -pde_dim 3 -net_layers 6,6 -net_tt_rank 2 -loss_points 2 -net_noise_weight 0.01", options,
                                 "-tao_type zosgd -tao_max_it 1 -zo_queries 1 -zo_lr 1 -zo_mu 0.1 -deriv_type forward");
  PetscReal *theta, moved;
  PetscInt   n, at = 5;
  TzNet      net;
  Tao        tao;
  Vec        x;

  theta = test_parameters(loss, &n);
  OK(TzLossGetNet(loss, &net));
  OK(TzNetSetSeed(net, seed));
  OK(TzNetSetUp(net));
  OK(TaoCreate(PETSC_COMM_SELF, &tao));
  OK(TaoSetType(tao, TAOZOSGD));
  OK(TaoZOSetLoss(tao, loss));
  OK(TaoZOSetFromOptions(tao));
  OK(TaoZOCreateSolution(tao, &x));
  for (PetscInt i = 0; i < n; i++) OK(VecSetValue(x, i, theta[i], INSERT_VALUES));
  OK(VecAssemblyBegin(x));
  OK(VecAssemblyEnd(x));
  OK(TaoSetSolution(tao, x));
  OK(TaoSolve(tao));
  OK(VecGetValues(x, 1, &at, &moved));
  moved -= theta[at];
  OK(PetscFree(theta));
  OK(VecDestroy(&x));
  OK(TaoDestroy(&tao));
  OK(TzLossDestroy(&loss));
  return moved;
}

/* Of 150 steps each: an estimate of a variance has the relative deviation sqrt(2/150) = 0.12, the ratio of two 0.17; a factor of 2 is four of them */
static void TestRepeats(void **state)
{
  static const char *const options[] = {"", "-zo_repeats 16"};
  const PetscInt           seeds     = 150;
  PetscReal                variance[2];

  (void)state;
  for (int k = 0; k < 2; k++) {
    PetscReal sum = 0, square = 0;

    for (PetscInt s = 0; s < seeds; s++) {
      const PetscReal moved = Step(options[k], s);

      sum += moved / (PetscReal)seeds;
      square += moved * moved / (PetscReal)seeds;
    }
    variance[k] = square - sum * sum;
  }
  assert_true(variance[0] / variance[1] > 16 / 2. && variance[0] / variance[1] < 16 * 2.);
  assert_true(fabs(Step("-net_noise_per step", 1) - Step("-net_noise_per step -zo_repeats 4", 1)) == 0); /* sums of four equal numbers are exact */
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestNoise), cmocka_unit_test(TestUntold), cmocka_unit_test(TestRepeats)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 2;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 2;
  return failed;
}
