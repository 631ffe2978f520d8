/* The zeroth-order solvers: their estimates of the gradient and their learning rates. */
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testloss.h"
#include <private/tzzoimpl.h>

#define NP          37
#define CHECK(call) assert_true(everywhere((call) == 0))

static PetscMPIInt rank, size;

static TestLoss shape(TestKind kind)
{
  return (TestLoss){.kind = kind, .n = NP, .samples = 23, .block = 3, .nodeblocks = 2};
}

/* g[NP]: the estimate of a solver for these queries */
static void estimate(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscReal g[])
{
  PetscReal l0, xi[NP], *lp, *lm;

  CHECK(PetscMalloc2(q->n, &lp, q->n, &lm));
  CHECK(TzLossEvaluate(loss, theta, q, &l0, lp, lm));
  TzZOCoefficients(q, l0, lp, lm, lp);
  CHECK(TzZOGradient(loss, q, lp, 0, NP, xi, g));
  CHECK(PetscFree2(lp, lm));
}

static PetscReal distance(const PetscReal a[], const PetscReal b[])
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < NP; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return PetscSqrtReal(sum);
}

/*
  Of a linear loss with gradient a the RGE has mean a and, for N directions, mean square error ((NP + 1) |a|^2)/N (Gaussian: E (a.xi)^2 xi_i^2
  - a_i^2 = |a|^2 + a_i^2) or ((NP - 1) |a|^2)/N (Rademacher: |a|^2 - a_i^2). R repetitions give R NP squares, a relative deviation of
  sqrt(2/(R NP)) = 0.05, of which 6 are allowed; the mean of all has 1/R of that error.
*/
static void test_rge_rate(void **state)
{
  const PetscInt repeat = 20, many[] = {64, 1024};
  TzLoss         loss = test_loss(PETSC_COMM_SELF, shape(TEST_LINEAR), PETSC_FALSE);
  PetscReal      theta[NP], a[NP], g[NP], zero[NP] = {0};

  (void)state;
  test_start(NP, theta);
  CHECK(TzLossSample(loss, 0));
  test_gradient(loss, theta, a);
  for (int d = TZ_DIRECTION_GAUSSIAN; d <= TZ_DIRECTION_RADEMACHER; d++) {
    for (int k = 0; k < 2; k++) {
      const PetscReal expected = (d == TZ_DIRECTION_GAUSSIAN ? NP + 1 : NP - 1) * PetscSqr(distance(a, zero)) / many[k];
      PetscReal       mse = 0, mean[NP] = {0};

      for (PetscInt r = 0; r < repeat; r++) {
        const TzQueries q = {.direction = (TzDirection)d, .mu = 0.5, .base = PETSC_TRUE, .n = many[k], .seed = 1, .step = r};

        estimate(loss, theta, &q, g);
        mse += PetscSqr(distance(g, a)) / repeat;
        for (PetscInt i = 0; i < NP; i++) mean[i] += g[i] / repeat;
      }
      assert_true(everywhere(fabs(mse / expected - 1) < 0.3));
      /* NP squares: relative deviation sqrt(2/NP) = 0.23, of which 6 */
      assert_true(everywhere(PetscSqr(distance(mean, a)) < 2.4 * expected / repeat));
    }
  }
  CHECK(TzLossDestroy(&loss));
}

/* As many Hadamard directions as there are parameters, a power of two, give the gradient of a linear loss itself */
static void test_hadamard_exact(void **state)
{
  const TestLoss  linear    = {.kind = TEST_LINEAR, .n = 32, .samples = 5, .block = 2, .nodeblocks = 1};
  const TzQueries q         = {.direction = TZ_DIRECTION_HADAMARD, .mu = 1, .base = PETSC_TRUE, .n = 32, .seed = 1};
  TzLoss          loss      = test_loss(PETSC_COMM_SELF, linear, PETSC_FALSE);
  PetscReal       theta[NP] = {0}, a[NP] = {0}, g[NP] = {0}, xi[NP], l0, lp[32];

  (void)state;
  CHECK(TzLossSample(loss, 0));
  test_gradient(loss, theta, a);
  CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, NULL));
  TzZOCoefficients(&q, l0, lp, NULL, lp);
  CHECK(TzZOGradient(loss, &q, lp, 0, 32, xi, g));
  assert_true(everywhere(distance(g, a) <= 32 * 32 * PETSC_MACHINE_EPSILON)); /* sums of 32 x 32 numbers of order 1 */
  CHECK(TzLossDestroy(&loss));
}

/* What the estimate becomes for mu -> 0 along the same directions: from the exact derivatives grad . xi_q */
static void limit(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscReal g[])
{
  PetscReal grad[NP], xi[NP], *c;

  CHECK(PetscMalloc1(q->n, &c));
  test_gradient(loss, theta, grad);
  for (PetscInt p = 0; p < q->n; p++) {
    CHECK(TzQueriesDirection(q, p, 0, NP, xi));
    c[p] = 0;
    for (PetscInt i = 0; i < NP; i++) c[p] += grad[i] * xi[i];
  }
  CHECK(TzZOGradient(loss, q, c, 0, NP, xi, g));
  CHECK(PetscFree(c));
}

/*
  The error of a difference on a smooth loss is a power series in mu, beginning with mu (one-sided) or mu^2 (two-sided): halving mu divides
  it by 2 or 4 up to a relative O(mu), at mu = 1e-3 less than a tenth. For all kinds of directions, coordinates included.
*/
static void test_order_in_mu(void **state)
{
  TzLoss    loss = test_loss(PETSC_COMM_SELF, shape(TEST_SMOOTH), PETSC_FALSE);
  PetscReal theta[NP], g0[NP], g[NP];

  (void)state;
  test_start(NP, theta);
  CHECK(TzLossSample(loss, 0));
  for (int d = TZ_DIRECTION_GAUSSIAN; d <= TZ_DIRECTION_COORDINATE; d++) {
    for (int two = 0; two < 2; two++) {
      TzQueries q = {.direction = (TzDirection)d, .mu = 1e-3, .base = PETSC_TRUE, .twosided = (PetscBool)two, .n = d == TZ_DIRECTION_COORDINATE ? NP : 10};
      PetscReal e1, ratio;

      limit(loss, theta, &q, g0);
      estimate(loss, theta, &q, g);
      e1 = distance(g, g0);
      q.mu /= 2;
      estimate(loss, theta, &q, g);
      ratio = e1 / distance(g, g0);
      assert_true(everywhere(fabs(ratio / (two ? 4 : 2) - 1) < 0.1));
    }
  }
  CHECK(TzLossDestroy(&loss));
}

/*
  CGE is exact on a linear loss, and two-sided on a quadratic one; one-sided its error there is mu/2 times the diagonal of the Hessian, (1/n) sum a_i^2 mu.
  Rounding: each loss has a relative error of some hundred operations, divided by mu.
*/
static void test_cge_exact(void **state)
{
  PetscReal theta[NP], grad[NP], g[NP];

  (void)state;
  test_start(NP, theta);
  for (int c = 0; c < 3; c++) {
    TzLoss          loss = test_loss(PETSC_COMM_SELF, shape(c ? TEST_QUADRATIC : TEST_LINEAR), PETSC_FALSE);
    const TestLoss *t    = (const TestLoss *)loss->data;
    const TzQueries q    = {.direction = TZ_DIRECTION_COORDINATE, .mu = 0.25, .base = PETSC_TRUE, .twosided = (PetscBool)(c == 1), .n = NP};
    PetscReal       l;
    int             ok = 1;

    CHECK(TzLossSample(loss, 0));
    CHECK(TzLossObjective(loss, theta, &l));
    test_gradient(loss, theta, grad);
    estimate(loss, theta, &q, g);
    for (PetscInt j = 0; j < NP; j++) {
      PetscReal half = 0;

      for (PetscInt i = 0; c == 2 && i < t->samples; i++) half += t->a[i * NP + j] * t->a[i * NP + j] / t->samples;
      ok = ok && fabs(g[j] - grad[j] - half * q.mu) <= 200 * PETSC_MACHINE_EPSILON * (fabs(l) + 10) / q.mu;
    }
    assert_true(everywhere(ok));
    CHECK(TzLossDestroy(&loss));
  }
}

/* Closed values of every schedule, and its floor */
static void test_schedules(void **state)
{
  TzSchedule s = {.type = TZ_LR_CONSTANT, .lr = 0.5, .factor = 0.25, .every = 10};

  (void)state;
  assert_true(TzScheduleRate(&s, 0.5, 12345, 100) == 0.5);
  s.type = TZ_LR_STEP;
  assert_true(TzScheduleRate(&s, 0.5, 9, 100) == 0.5 && TzScheduleRate(&s, 0.5, 10, 100) == 0.125 && TzScheduleRate(&s, 0.5, 29, 100) == 0.03125);
  s.type = TZ_LR_EXPONENTIAL;
  assert_true(TzScheduleRate(&s, 0.5, 0, 100) == 0.5 && fabs(TzScheduleRate(&s, 0.5, 5, 100) - 0.25) < 1e-15 && TzScheduleRate(&s, 0.5, 10, 100) == 0.125);
  s.min = 0.1;
  assert_true(TzScheduleRate(&s, 0.5, 1000, 100) == 0.1 && TzScheduleRate(&s, 0.25, 1000, 100) == 0.05); /* another phase: scaled */
  s.type = TZ_LR_COSINE;
  assert_true(TzScheduleRate(&s, 0.5, 0, 100) == 0.5 && fabs(TzScheduleRate(&s, 0.5, 50, 100) - 0.3) < 1e-15 && TzScheduleRate(&s, 0.5, 100, 100) == 0.1);
  s.steps = 200;
  assert_true(fabs(TzScheduleRate(&s, 0.5, 100, 100) - 0.3) < 1e-15);
  s.type = TZ_LR_PIECEWISE, s.n = 2, s.at[0] = 3, s.at[1] = 7, s.value[0] = 0.3, s.value[1] = 0.2;
  assert_true(TzScheduleRate(&s, 0.5, 2, 100) == 0.5 && TzScheduleRate(&s, 0.5, 3, 100) == 0.3 && TzScheduleRate(&s, 0.5, 6, 100) == 0.3);
  assert_true(TzScheduleRate(&s, 0.5, 7, 100) == 0.2 && TzScheduleRate(&s, 1, 7, 100) == 0.4);
}

/* Impossible values are the user's mistake */
static void test_option_errors(void **state)
{
  const char *const bad[] = {
    "-tao_type zosgd -zo_mu 0",
    "-tao_type zosgd -zo_mu nan",
    "-tao_type zosign -zo_queries 0",
    "-tao_type zosign -zo_lr -1",
    "-tao_type zosign -zo_lr inf",
    "-tao_type zocge -zo_momentum 1",
    "-tao_type zocge -zo_momentum -0.1",
    "-tao_type zohybrid -zo_patience 0",
    "-tao_type zohybrid -zo_patience_tol 1",
    "-tao_type zohybrid -zo_phase2_mu -1",
    "-tao_type zohybrid -zo_phase2_lr 0",
    "-tao_type zosgd -zo_lr_factor 0",
    "-tao_type zosgd -zo_lr_every 0",
    "-tao_type zosgd -zo_lr_steps -1",
    "-tao_type zosgd -zo_lr 1e-3 -zo_lr_min 1e-2",
    "-tao_type zosgd -zo_lr_schedule piecewise",
    "-tao_type zosgd -zo_lr_at 1,2 -zo_lr_values 1e-3",
    "-tao_type zosgd -zo_lr_at 2,1 -zo_lr_values 1e-3,1e-4",
    "-tao_type zosgd -zo_lr_at 1 -zo_lr_values 0",
  };

  (void)state;
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(bad); i++) {
    Tao            tao;
    PetscErrorCode ierr;

    CHECK(TaoCreate(PETSC_COMM_WORLD, &tao));
    CHECK(PetscOptionsClear(NULL));
    CHECK(PetscOptionsInsertString(NULL, bad[i]));
    ierr = TaoSetFromOptions(tao);
    if (!everywhere(ierr == PETSC_ERR_USER_INPUT)) print_error("%s: error %d\n", bad[i], (int)ierr);
    assert_true(everywhere(ierr == PETSC_ERR_USER_INPUT));
    CHECK(TaoDestroy(&tao));
  }
  CHECK(PetscOptionsClear(NULL));
  CHECK(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rge_rate),  cmocka_unit_test(test_hadamard_exact), cmocka_unit_test(test_order_in_mu),
    cmocka_unit_test(test_cge_exact), cmocka_unit_test(test_schedules),      cmocka_unit_test(test_option_errors),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (TaoZORegisterAll()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
