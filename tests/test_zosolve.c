/* The zeroth-order solvers: their steps, state, and conduct as TAO types. */
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testrun.h"
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

/* One step of zosign moves each parameter by lr against the sign of the estimate */
static void test_sign_step(void **state)
{
  TestRun         run = test_run_open(PETSC_COMM_WORLD, shape(TEST_SMOOTH), TAOZOSIGN, "-tao_max_it 1 -zo_lr 0.125");
  const TzQueries q   = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 1e-4, .base = PETSC_TRUE, .n = 5, .seed = 42};
  PetscReal       start[NP], g[NP], x[NP];
  int             ok = 1;

  (void)state;
  test_start(NP, start);
  CHECK(TaoSolve(run.tao));
  test_whole(run.x, x);
  estimate(run.loss, start, &q, g);
  for (PetscInt i = 0; i < NP; i++) ok = ok && x[i] == start[i] - (g[i] > 0 ? 0.125 : -0.125);
  assert_true(everywhere(ok));
  test_run_close(&run);
}

/* m <- beta m + g, theta <- theta - lr m, recomputed step by step to the bit; also for CGE */
static void test_momentum(void **state)
{
  const char *types[]   = {TAOZOSGD, TAOZOCGE};
  const char *options[] = {"-tao_max_it 4 -zo_momentum 0.5 -zo_queries 3 -zo_direction rademacher -zo_two_sided", "-tao_max_it 4 -zo_lr 1e-3"};

  (void)state;
  for (int c = 0; c < 2; c++) {
    TestRun   run  = test_run_open(PETSC_COMM_WORLD, shape(TEST_SMOOTH), types[c], options[c]);
    TzLoss    loss = test_loss(PETSC_COMM_SELF, shape(TEST_SMOOTH), PETSC_FALSE);
    TzQueries q    = {.direction = TZ_DIRECTION_RADEMACHER, .mu = 1e-4, .base = PETSC_TRUE, .twosided = PETSC_TRUE, .n = 3, .seed = 42};
    PetscReal theta[NP], m[NP] = {0}, g[NP], x[NP];

    if (c) q = (TzQueries){.direction = TZ_DIRECTION_COORDINATE, .mu = 1e-4, .base = PETSC_TRUE, .n = NP, .seed = 42};
    test_start(NP, theta);
    for (q.step = 0; q.step < 4; q.step++) {
      CHECK(TzLossSample(loss, q.step));
      estimate(loss, theta, &q, g);
      for (PetscInt i = 0; i < NP; i++) {
        m[i] = (c ? 0.9 : 0.5) * m[i] + g[i];
        theta[i] -= 1e-3 * m[i];
      }
    }
    CHECK(TaoSolve(run.tao));
    test_whole(run.x, x);
    assert_true(everywhere(!memcmp(x, theta, sizeof(x))));
    CHECK(TzLossDestroy(&loss));
    test_run_close(&run);
  }
}

static PetscReal phase_of(Tao tao)
{
  TzZOState s;

  CHECK(TaoZOGetState(tao, &s));
  assert_string_equal(s.scalarname[1], "phase");
  return *s.scalar[1];
}

/*
  A loss that stays the same: step 0 sets the best, steps 1..k do not improve, so step k + 1 is the first of CGE, as the number of its queries
  shows. A loss that falls in every step never ends the first phase.
*/
static void test_hybrid_switch(void **state)
{
  TestLoss fixed = shape(TEST_QUADRATIC);
  TzCounts c;

  (void)state;
  fixed.fixed = PETSC_TRUE;
  for (int extra = 0; extra < 3; extra++) {
    TestRun run = test_run_open(PETSC_COMM_WORLD, fixed, TAOZOHYBRID, "-zo_lr 1e-300 -zo_phase2_lr 1e-300 -zo_queries 4 -zo_patience 5 -zo_patience_tol 0");

    CHECK(TaoSetMaximumIterations(run.tao, 5 + extra));
    CHECK(TaoSolve(run.tao));
    CHECK(TzLossGetCounts(run.loss, &c));
    assert_true(everywhere(phase_of(run.tao) == (extra ? 1 : 0) && c.queries == (5 + PetscMin(extra, 1)) * 5 + (extra == 2 ? 1 + NP : 0)));
    test_run_close(&run);
  }
  TestRun run = test_run_open(PETSC_COMM_WORLD, fixed, TAOZOHYBRID, "-tao_max_it 40 -zo_lr 1e-6 -zo_queries 500 -zo_patience 1 -zo_patience_tol 0");
  CHECK(TaoSolve(run.tao));
  assert_true(everywhere(phase_of(run.tao) == 0));
  test_run_close(&run);
}

/* Bytes of a step: this rank's block sums and its part of the parameters, which is also gathered once at the start */
static void test_bytes(void **state)
{
  TestRun  run = test_run_open(PETSC_COMM_WORLD, shape(TEST_SMOOTH), TAOZOSIGN, "-tao_max_it 5");
  TzCounts c, one;
  PetscInt n;

  (void)state;
  if (size <= 8) { /* the losses themselves: tests/test_loss.c */
    const TzQueries q = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 1e-4, .base = PETSC_TRUE, .n = 5, .seed = 42};
    PetscReal       start[NP], l0, lp[5];

    test_start(NP, start);
    CHECK(TaoSolve(run.tao));
    CHECK(TzLossGetCounts(run.loss, &c));
    CHECK(TzLossEvaluate(run.loss, start, &q, &l0, lp, NULL));
    CHECK(TzLossGetCounts(run.loss, &one));
    CHECK(VecGetLocalSize(run.x, &n));
    assert_true(everywhere(c.queries == 30 && c.bytes == (size > 1 ? 5 * (one.bytes - c.bytes) + 6 * n * 8 : 0)));
  }
  test_run_close(&run);
}

/*
  A NaN at the parameters: the run ends with the parameters of the step before, which are those of a run that is told to stop there. The test loss
  is NaN where a parameter exceeds the poison; a large step of the sign method takes one there.
*/
static void test_nan(void **state)
{
  const char        *options = "-zo_lr 0.5 -zo_mu 1e-9 -tao_max_it 50";
  TestLoss           poison  = shape(TEST_LINEAR); /* unbounded: the parameters run away */
  PetscReal          x[NP], y[NP];
  PetscInt           its;
  TaoConvergedReason reason;

  (void)state;
  poison.poison = 3;
  TestRun run = test_run_open(PETSC_COMM_WORLD, poison, TAOZOSIGN, options), stopped = test_run_open(PETSC_COMM_WORLD, poison, TAOZOSIGN, options);
  CHECK(TaoSolve(run.tao));
  CHECK(TaoGetConvergedReason(run.tao, &reason));
  CHECK(TaoGetIterationNumber(run.tao, &its));
  assert_true(everywhere(reason == TAO_DIVERGED_NAN && its > 1 && its < 50));
  CHECK(TaoSetMaximumIterations(stopped.tao, its - 1));
  CHECK(TaoSolve(stopped.tao));
  test_whole(run.x, x);
  test_whole(stopped.x, y);
  assert_true(everywhere(!memcmp(x, y, sizeof(x))));
  test_run_close(&run);
  test_run_close(&stopped);
}

static PetscErrorCode monitor_stop(Tao tao, void *ctx)
{
  PetscInt its, *calls = (PetscInt *)ctx;

  PetscFunctionBegin;
  PetscCall(TaoGetIterationNumber(tao, &its));
  ++*calls;
  if (its == 3) PetscCall(TaoSetConvergedReason(tao, TAO_CONVERGED_USER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -tao_max_it counts steps; a monitor sees each and may end the run, as does a tolerance that is asked for; a mu below the rounding of the parameters is the
   user's mistake */
static void test_tao_conduct(void **state)
{
  PetscInt           calls = 0, its;
  TaoConvergedReason reason;
  PetscErrorCode     ierr;
  TestRun            run = test_run_open(PETSC_COMM_WORLD, shape(TEST_QUADRATIC), TAOZOSGD, "-tao_max_it 7");

  (void)state;
  CHECK(TaoSolve(run.tao));
  CHECK(TaoGetIterationNumber(run.tao, &its));
  CHECK(TaoGetConvergedReason(run.tao, &reason));
  assert_true(everywhere(its == 7 && reason == TAO_DIVERGED_MAXITS));
  CHECK(TaoMonitorSet(run.tao, monitor_stop, &calls, NULL));
  CHECK(TaoZOSetStep(run.tao, 0));
  CHECK(TaoSolve(run.tao));
  CHECK(TaoGetConvergedReason(run.tao, &reason));
  assert_true(everywhere(calls == 3 && reason == TAO_CONVERGED_USER));
  test_run_close(&run);
  run = test_run_open(PETSC_COMM_WORLD, shape(TEST_QUADRATIC), TAOZOSGD, "-tao_max_it 7 -tao_gatol 1e9");
  CHECK(TaoSolve(run.tao));
  CHECK(TaoGetConvergedReason(run.tao, &reason));
  assert_true(everywhere(reason == TAO_CONVERGED_GATOL));
  test_run_close(&run);
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (int i = 0; i < 2; i++) {
    run  = test_run_open(PETSC_COMM_WORLD, shape(TEST_QUADRATIC), i ? TAOZOGN : TAOZOSGD, i ? "-zo_mu 1e-17" : "-zo_mu 1e-300");
    ierr = TaoSolve(run.tao);
    assert_true(everywhere(ierr == PETSC_ERR_USER_INPUT));
    test_run_close(&run);
  }
  CHECK(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sign_step), cmocka_unit_test(test_momentum), cmocka_unit_test(test_hybrid_switch),
    cmocka_unit_test(test_bytes),     cmocka_unit_test(test_nan),      cmocka_unit_test(test_tao_conduct),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (TaoZORegisterAll()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
