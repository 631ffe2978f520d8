/* The zeroth-order solvers: their steps, state, and conduct as TAO types. */
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

typedef struct {
  Tao    tao;
  TzLoss loss;
  Vec    x;
} Run;

static Run run_create(MPI_Comm comm, TestLoss kind, const char options[])
{
  Run        run;
  PetscReal  start[NP];
  PetscReal *x;
  PetscInt   i0, i1;

  test_start(NP, start);
  PetscCallAbort(comm, PetscOptionsClear(NULL));
  PetscCallAbort(comm, PetscOptionsInsertString(NULL, options));
  run.loss = test_loss(comm, kind, PETSC_FALSE);
  PetscCallAbort(comm, VecCreateMPI(comm, PETSC_DECIDE, NP, &run.x));
  PetscCallAbort(comm, VecGetOwnershipRange(run.x, &i0, &i1));
  PetscCallAbort(comm, VecGetArray(run.x, &x));
  for (PetscInt i = i0; i < i1; i++) x[i - i0] = start[i];
  PetscCallAbort(comm, VecRestoreArray(run.x, &x));
  PetscCallAbort(comm, TaoCreate(comm, &run.tao));
  PetscCallAbort(comm, TaoSetSolution(run.tao, run.x));
  PetscCallAbort(comm, TaoZOSetLoss(run.tao, run.loss));
  PetscCallAbort(comm, TaoSetFromOptions(run.tao));
  return run;
}

static void run_destroy(Run *run)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run->x);

  PetscCallAbort(comm, TaoDestroy(&run->tao));
  PetscCallAbort(comm, TzLossDestroy(&run->loss));
  PetscCallAbort(comm, VecDestroy(&run->x));
}

/* all [NP]: the whole vector on every rank */
static void whole(Vec x, PetscReal all[])
{
  VecScatter       scatter;
  Vec              local;
  const PetscReal *array;
  MPI_Comm         comm = PetscObjectComm((PetscObject)x);

  PetscCallAbort(comm, VecScatterCreateToAll(x, &scatter, &local));
  PetscCallAbort(comm, VecScatterBegin(scatter, x, local, INSERT_VALUES, SCATTER_FORWARD));
  PetscCallAbort(comm, VecScatterEnd(scatter, x, local, INSERT_VALUES, SCATTER_FORWARD));
  PetscCallAbort(comm, VecGetArrayRead(local, &array));
  memcpy(all, array, NP * sizeof(PetscReal));
  PetscCallAbort(comm, VecRestoreArrayRead(local, &array));
  PetscCallAbort(comm, VecScatterDestroy(&scatter));
  PetscCallAbort(comm, VecDestroy(&local));
}

/* One step of zosign moves each parameter by lr against the sign of the estimate */
static void test_sign_step(void **state)
{
  Run             run = run_create(PETSC_COMM_WORLD, shape(TEST_SMOOTH), "-tao_type zosign -tao_max_it 1 -zo_lr 0.125");
  const TzQueries q   = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 1e-4, .base = PETSC_TRUE, .n = 5, .seed = 42};
  PetscReal       start[NP], g[NP], x[NP];
  int             ok = 1;

  (void)state;
  test_start(NP, start);
  CHECK(TaoSolve(run.tao));
  whole(run.x, x);
  estimate(run.loss, start, &q, g);
  for (PetscInt i = 0; i < NP; i++) ok = ok && x[i] == start[i] - (g[i] > 0 ? 0.125 : -0.125);
  assert_true(everywhere(ok));
  run_destroy(&run);
}

/* m <- beta m + g, theta <- theta - lr m, recomputed step by step to the bit; also for CGE */
static void test_momentum(void **state)
{
  const char *options[] = {"-tao_type zosgd -tao_max_it 4 -zo_momentum 0.5 -zo_queries 3 -zo_direction rademacher -zo_two_sided",
                           "-tao_type zocge -tao_max_it 4 -zo_lr 1e-3"};

  (void)state;
  for (int c = 0; c < 2; c++) {
    Run       run  = run_create(PETSC_COMM_WORLD, shape(TEST_SMOOTH), options[c]);
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
    whole(run.x, x);
    assert_true(everywhere(!memcmp(x, theta, sizeof(x))));
    CHECK(TzLossDestroy(&loss));
    run_destroy(&run);
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
    Run run = run_create(PETSC_COMM_WORLD, fixed, "-tao_type zohybrid -zo_lr 1e-300 -zo_phase2_lr 1e-300 -zo_queries 4 -zo_patience 5 -zo_patience_tol 0");

    CHECK(TaoSetMaximumIterations(run.tao, 5 + extra));
    CHECK(TaoSolve(run.tao));
    CHECK(TzLossGetCounts(run.loss, &c));
    assert_true(everywhere(phase_of(run.tao) == (extra ? 1 : 0) && c.queries == (5 + PetscMin(extra, 1)) * 5 + (extra == 2 ? 1 + NP : 0)));
    run_destroy(&run);
  }
  Run run = run_create(PETSC_COMM_WORLD, fixed, "-tao_type zohybrid -tao_max_it 40 -zo_lr 1e-6 -zo_queries 500 -zo_patience 1 -zo_patience_tol 0");
  CHECK(TaoSolve(run.tao));
  assert_true(everywhere(phase_of(run.tao) == 0));
  run_destroy(&run);
}

/* One set of options a type that exercises its whole state */
static const char *const trainings[] = {
  "-tao_type zosgd -zo_lr 1e-3 -zo_momentum 0.7 -zo_direction hadamard -zo_lr_schedule exponential -zo_lr_every 5",
  "-tao_type zosign -zo_lr 1e-2 -zo_lr_schedule cosine -zo_lr_steps 12 -zo_queries 3 -zo_momentum 0.3",
  "-tao_type zocge -zo_lr 1e-3 -zo_two_sided -zo_lr_schedule piecewise -zo_lr_at 2,8 -zo_lr_values 2e-3,1e-3",
  "-tao_type zohybrid -zo_lr 1e-2 -zo_patience 2 -zo_direction rademacher -zo_phase2_lr 1e-3", /* the phase changes in the second half */
};
#define NTRAININGS 4

/* k + k steps with another Tao and another loss are 2k steps: parameters, state and counts of queries */
static void test_resume(void **state)
{
  (void)state;
  for (int c = 0; c < NTRAININGS; c++) {
    Run all = run_create(PETSC_COMM_WORLD, shape(TEST_SMOOTH), trainings[c]), half = run_create(PETSC_COMM_WORLD, shape(TEST_SMOOTH), trainings[c]),
        rest = run_create(PETSC_COMM_WORLD, shape(TEST_SMOOTH), trainings[c]);
    TzZOState s, r;
    TzCounts  counts, expected;
    PetscReal x[NP], y[NP], m[NP], mm[NP], lr[2];
    int       ok = 1;

    CHECK(TaoSetMaximumIterations(all.tao, 12));
    CHECK(TaoSetMaximumIterations(half.tao, 6));
    CHECK(TaoSetMaximumIterations(rest.tao, 12));
    CHECK(TaoSolve(all.tao));
    CHECK(TaoSolve(half.tao));
    CHECK(TaoZOGetState(half.tao, &s));
    CHECK(TaoZOGetState(rest.tao, &r));
    CHECK(VecCopy(half.x, rest.x));
    for (PetscInt i = 0; i < s.nvec; i++) CHECK(VecCopy(s.vec[i], r.vec[i]));
    for (PetscInt i = 0; i < s.nscalar; i++) *r.scalar[i] = *s.scalar[i];
    CHECK(TzLossGetCounts(half.loss, &counts));
    CHECK(TzLossSetCounts(rest.loss, &counts));
    CHECK(TaoZOSetStep(rest.tao, 6));
    CHECK(TaoSolve(rest.tao));
    CHECK(TaoZOGetState(all.tao, &s));
    whole(all.x, x);
    whole(rest.x, y);
    whole(s.vec[0], m);
    whole(r.vec[0], mm);
    ok = ok && !memcmp(x, y, sizeof(x)) && !memcmp(m, mm, sizeof(m));
    for (PetscInt i = 0; i < s.nscalar; i++) ok = ok && *s.scalar[i] == *r.scalar[i];
    CHECK(TzLossGetCounts(all.loss, &expected));
    CHECK(TzLossGetCounts(rest.loss, &counts));
    ok = ok && counts.queries == expected.queries && counts.forwards == expected.forwards;
    CHECK(TaoZOGetLearningRate(all.tao, &lr[0]));
    CHECK(TaoZOGetLearningRate(rest.tao, &lr[1]));
    ok = ok && lr[0] == lr[1] && (c < 3 || phase_of(all.tao) == 1);
    assert_true(everywhere(ok));
    run_destroy(&all);
    run_destroy(&half);
    run_destroy(&rest);
  }
}

/* Objective and norm of every step go into the checksum */
static PetscErrorCode monitor_checksum(Tao tao, void *ctx)
{
  uint64_t *hash = (uint64_t *)ctx;
  PetscReal f[2];

  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(tao, NULL, &f[0], &f[1], NULL, NULL, NULL));
  *hash = test_checksum(*hash, 2, f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static uint64_t history(MPI_Comm comm, const char partition[])
{
  uint64_t hash = TEST_CHECKSUM;

  for (int c = 0; c < NTRAININGS; c++) {
    PetscReal x[NP];
    char      options[512];

    snprintf(options, sizeof(options), "%s -tao_max_it 8 -tz_partition %s", trainings[c], partition);
    Run run = run_create(comm, shape(TEST_SMOOTH), options);

    PetscCallAbort(comm, TaoMonitorSet(run.tao, monitor_checksum, &hash, NULL));
    PetscCallAbort(comm, TaoSolve(run.tao));
    whole(run.x, x);
    hash = test_checksum(hash, NP, x);
    run_destroy(&run);
  }
  return hash;
}

/* The history and the result of every type have the same bits on any number of ranks and any partition */
static void test_rank_independent(void **state)
{
  const uint64_t one = history(PETSC_COMM_SELF, "auto");
  int            ok  = 1;

  (void)state;
  for (PetscMPIInt ranks = 1; ranks <= size; ranks++) {
    const int grids[3][2] = {{ranks, 1}, {ranks / 2, 2}, {1, ranks}};
    MPI_Comm  comm;

    MPI_Comm_split(PETSC_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &comm);
    if (comm == MPI_COMM_NULL) continue;
    ok = ok && history(comm, "auto") == one;
    for (int i = 0; i < 3; i++) {
      char partition[64];

      if (grids[i][0] * grids[i][1] != ranks || grids[i][1] > 2) continue;
      snprintf(partition, sizeof(partition), "%d,%d", grids[i][0], grids[i][1]);
      ok = ok && history(comm, partition) == one;
    }
    MPI_Comm_free(&comm);
  }
  assert_true(everywhere(ok));
}

/* Bytes of a step: this rank's block sums and its part of the parameters, which is also gathered once at the start */
static void test_bytes(void **state)
{
  Run      run = run_create(PETSC_COMM_WORLD, shape(TEST_SMOOTH), "-tao_type zosign -tao_max_it 5");
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
  run_destroy(&run);
}

/*
  A NaN at the parameters: the run ends with the parameters of the step before, which are those of a run that is told to stop there. The test loss
  is NaN where a parameter exceeds the poison; a large step of the sign method takes one there.
*/
static void test_nan(void **state)
{
  const char        *options = "-tao_type zosign -zo_lr 0.5 -zo_mu 1e-9 -tao_max_it 50";
  TestLoss           poison  = shape(TEST_LINEAR); /* unbounded: the parameters run away */
  PetscReal          x[NP], y[NP];
  PetscInt           its;
  TaoConvergedReason reason;

  (void)state;
  poison.poison = 3;
  Run run = run_create(PETSC_COMM_WORLD, poison, options), stopped = run_create(PETSC_COMM_WORLD, poison, options);
  CHECK(TaoSolve(run.tao));
  CHECK(TaoGetConvergedReason(run.tao, &reason));
  CHECK(TaoGetIterationNumber(run.tao, &its));
  assert_true(everywhere(reason == TAO_DIVERGED_NAN && its > 1 && its < 50));
  CHECK(TaoSetMaximumIterations(stopped.tao, its - 1));
  CHECK(TaoSolve(stopped.tao));
  whole(run.x, x);
  whole(stopped.x, y);
  assert_true(everywhere(!memcmp(x, y, sizeof(x))));
  run_destroy(&run);
  run_destroy(&stopped);
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
  Run                run = run_create(PETSC_COMM_WORLD, shape(TEST_QUADRATIC), "-tao_type zosgd -tao_max_it 7");

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
  run_destroy(&run);
  run = run_create(PETSC_COMM_WORLD, shape(TEST_QUADRATIC), "-tao_type zosgd -tao_max_it 7 -tao_gatol 1e9");
  CHECK(TaoSolve(run.tao));
  CHECK(TaoGetConvergedReason(run.tao, &reason));
  assert_true(everywhere(reason == TAO_CONVERGED_GATOL));
  run_destroy(&run);
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (int i = 0; i < 2; i++) {
    run  = run_create(PETSC_COMM_WORLD, shape(TEST_QUADRATIC), i ? "-tao_type zogn -zo_mu 1e-17" : "-tao_type zosgd -zo_mu 1e-300");
    ierr = TaoSolve(run.tao);
    assert_true(everywhere(ierr == PETSC_ERR_USER_INPUT));
    run_destroy(&run);
  }
  CHECK(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sign_step),        cmocka_unit_test(test_momentum), cmocka_unit_test(test_hybrid_switch), cmocka_unit_test(test_resume),
    cmocka_unit_test(test_rank_independent), cmocka_unit_test(test_bytes),    cmocka_unit_test(test_nan),           cmocka_unit_test(test_tao_conduct),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (TaoZORegisterAll()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
