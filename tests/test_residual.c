/* The loss of an equation: residuals, validation, and their independence of the partition with every estimator and real networks. */
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <private/tzderivimpl.h>
#include "testproblem.h"

#define EXACT       1.8 /* f of the exact solution in 4 dimensions */
#define CHECK(call) assert_true(everywhere((call) == 0))

static PetscMPIInt       rank, size;
static const char *const estimators[] = {"-deriv_type forward", "-deriv_type fd", "-deriv_type stein -rule_type smolyak",
                                         "-deriv_type stein -rule_type mc -rule_samples 300", "-deriv_type fd -fd_subset 2"};
#define NESTIMATORS 5

/* A loss on the paper's equation in 4 dimensions, or on another; options as on a command line */
static TzLoss problem(MPI_Comm comm, const char estimator[], const char more[])
{
  return test_problem(comm, "-pde_dim 4 -net_layers 12,12 -loss_points 23 -loss_block 3 -tz_validation_points 1234", estimator, more);
}

/*
  The network f = 2 - 0.05 d is the exact solution u = sum x + (1 - t) f of the paper's equation in d dimensions: residual and errors
  vanish up to rounding, which an estimator divides by its step: 1e-16 x nodes / (s^2 or h^2) = 1e-16 x 600 x 1e4 < 1e-9 for a residual, and
  1e-15 for u of order 5.
*/
static void test_exact_solution(void **state)
{
  (void)state;
  for (int e = 0; e < NESTIMATORS; e++) {
    TzLoss     loss = problem(PETSC_COMM_WORLD, estimators[e], "");
    PetscInt   n;
    PetscReal *theta = test_parameters(loss, &n), l, r[23];
    TzMetrics  m;
    int        ok = 1;

    for (PetscInt i = 0; i < n; i++) theta[i] = i == n - 1 ? EXACT : 0; /* the last parameter is the bias of the output */
    CHECK(TzLossSample(loss, 3));
    CHECK(TzLossObjective(loss, theta, &l));
    CHECK(TzLossResidualVector(loss, theta, r));
    for (PetscInt i = 0; i < 23; i++) ok = ok && fabs(r[i]) < 1e-9;
    CHECK(TzLossValidate(loss, theta, &m));
    ok = ok && l < 1e-18 && m.n == 5 && !strcmp(m.name[0], "mse") && m.value[0] < 1e-25 && m.value[1] < 1e-13 && m.value[2] < 1e-13;
    /* derivatives: as the residuals for the largest one, and rounding over the step for the gradient */
    ok = ok && !strcmp(m.name[3], "grad_rel_l2") && m.value[3] < 1e-11 && !strcmp(m.name[4], "residual_max") && m.value[4] < 1e-9;
    if (!ok) print_error("%s: %g %g %g %g %g\n", estimators[e], m.value[0], m.value[1], m.value[2], m.value[3], m.value[4]);
    assert_true(everywhere(ok));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&loss));
  }
}

/* f = EXACT + c: u is wrong by c (1 - t), so mse = c^2 mean (1 - t)^2, max = c max (1 - t): with 1234 uniform t c^2/3 within 6 deviations, and near c */
static void test_validation_values(void **state)
{
  const PetscReal c    = 0.5;
  TzLoss          loss = problem(PETSC_COMM_WORLD, "-deriv_type forward", "");
  PetscInt        n;
  PetscReal      *theta = test_parameters(loss, &n);
  TzMetrics       m;

  (void)state;
  for (PetscInt i = 0; i < n; i++) theta[i] = i == n - 1 ? EXACT + c : 0;
  CHECK(TzLossValidate(loss, theta, &m));
  /* (1-t)^2 has variance 4/45 */
  assert_true(everywhere(fabs(m.value[0] / (c * c) - 1. / 3) < 6 * sqrt(4. / 45 / 1234) && m.value[2] <= c && m.value[2] > 0.98 * c));
  theta[n - 1] = NAN;
  CHECK(TzLossValidate(loss, theta, &m));
  assert_true(everywhere(isnan(m.value[0]) && isnan(m.value[1]) && isnan(m.value[2])));
  CHECK(PetscFree(theta));
  CHECK(TzLossDestroy(&loss));
}

static uint64_t fingerprint(MPI_Comm comm, const char estimator[], const char more[], const char partition[])
{
  TzLoss          loss;
  PetscInt        n;
  PetscReal      *theta, l[9], r[23];
  const TzQueries q    = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 0.01, .base = PETSC_TRUE, .twosided = PETSC_TRUE, .n = 4, .seed = 2, .step = 1};
  uint64_t        hash = TEST_CHECKSUM;
  TzMetrics       m;
  char            options[256];

  snprintf(options, sizeof(options), "%s -tz_partition %s", more, partition);
  loss  = problem(comm, estimator, options);
  theta = test_parameters(loss, &n);
  PetscCallAbort(comm, TzLossSample(loss, 7));
  PetscCallAbort(comm, TzLossEvaluate(loss, theta, &q, &l[0], &l[1], &l[5]));
  hash = test_checksum(hash, 9, l);
  PetscCallAbort(comm, TzLossValidate(loss, theta, &m));
  hash = test_checksum(hash, m.n, m.value);
  PetscCallAbort(comm, TzLossResidualVector(loss, theta, r)); /* the step's nodes are back after the validation */
  hash = test_checksum(hash, 23, r);
  PetscCallAbort(comm, PetscFree(theta));
  PetscCallAbort(comm, TzLossDestroy(&loss));
  return hash;
}

/* Losses, residuals and validation have the same bits on any number of ranks and any partition, for all estimators and formats */
static void test_rank_independent(void **state)
{
  const char *const nets[] = {"-net_format dense", "-net_format tt -net_tt_rank 3", "-net_format ttm -net_tt_rank 2 -net_activation tanh",
                              "-pde_type lqg -loss_sampler mixed"};

  (void)state;
  for (int e = 0; e < NESTIMATORS; e++) {
    for (size_t f = 0; f < PETSC_STATIC_ARRAY_LENGTH(nets); f++) {
      const uint64_t one = fingerprint(PETSC_COMM_SELF, estimators[e], nets[f], "auto");
      int            ok  = 1;

      for (PetscMPIInt ranks = 2; ranks <= size; ranks++) {
        MPI_Comm comm;
        TzLoss   loss;
        char     partition[64];

        MPI_Comm_split(PETSC_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &comm);
        if (comm == MPI_COMM_NULL) continue;
        ok   = ok && fingerprint(comm, estimators[e], nets[f], "auto") == one;
        loss = problem(comm, estimators[e], nets[f]);
        for (int side = 0; side < 2; side++) {
          if (side && ranks > loss->nodeblocks) continue;
          snprintf(partition, sizeof(partition), "%d,%d", side ? 1 : ranks, side ? ranks : 1);
          ok = ok && fingerprint(comm, estimators[e], nets[f], partition) == one;
        }
        PetscCallAbort(comm, TzLossDestroy(&loss));
        MPI_Comm_free(&comm);
      }
      if (!everywhere(ok)) print_error("%s %s\n", estimators[e], nets[f]);
      assert_true(everywhere(ok));
    }
  }
}

/* Steps have points and nodes of their own, the same each time; with -loss_fixed_points all steps have the same */
static void test_samples(void **state)
{
  (void)state;
  for (int fixed = 0; fixed < 2; fixed++) {
    TzLoss     loss = problem(PETSC_COMM_WORLD, estimators[3], fixed ? "-loss_fixed_points" : "");
    PetscInt   n;
    PetscReal *theta = test_parameters(loss, &n), l[3];

    for (int i = 0; i < 3; i++) {
      CHECK(TzLossSample(loss, i % 2));
      CHECK(TzLossObjective(loss, theta, &l[i]));
    }
    assert_true(everywhere(l[0] == l[2] && (l[0] == l[1]) == fixed));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&loss));
  }
}

/* The coordinates of space of a step, as bits */
static unsigned Drawn(TzLoss loss)
{
  const TzPairs *pairs = loss->deriv->stencil.pairs;
  unsigned       set   = 0;

  for (PetscInt k = 0; k < pairs->ptr[pairs->npairs]; k++)
    if (pairs->idx[k] < 4) set |= 1u << pairs->idx[k];
  return set;
}

/* r [n] and its derivatives in the parameters J [n][nparams], in one array */
static PetscReal *Rows(TzLoss loss, const PetscReal theta[], PetscInt *numbers)
{
  PetscInt   n, nparams;
  PetscReal *all;

  CHECK(TzLossGetNumSamples(loss, &n));
  CHECK(TzLossGetNumParameters(loss, &nparams));
  *numbers = n * (1 + nparams);
  CHECK(PetscMalloc1(*numbers, &all));
  CHECK(TzLossJacobian(loss, theta, all, all + n));
  return all;
}

/*
  Residuals and their gradients by derivatives along 2 of 4 coordinates: the mean over the 6 sets is what all coordinates give. Rounding: of differences of
  values of order 1 divided by h^2 = 1e-2, times derivatives of order 10, 1e-16 x 1e2 x 10, summed and scaled by less than 1e3 operations. All 4 drawn: the
  same bits.
*/
static void test_subsets(void **state)
{
  const char *const pdes[] = {"-pde_type hjb", "-pde_type lqg -lqg_extension heat -loss_sampler paths", "-pde_type bangbang -fd_order 4",
                              "-pde_type heat -heat_problem ball -pde_conditions soft", "-pde_type poisson -pde_dim 4"};

  (void)state;
  for (size_t e = 0; e < PETSC_STATIC_ARRAY_LENGTH(pdes); e++) {
    TzLoss     all  = problem(PETSC_COMM_SELF, "-deriv_type fd -fd_step 0.1", pdes[e]);
    TzLoss     some = problem(PETSC_COMM_SELF, "-deriv_type fd -fd_step 0.1 -fd_subset 2", pdes[e]);
    TzLoss     four = problem(PETSC_COMM_SELF, "-deriv_type fd -fd_step 0.1 -fd_subset 4", pdes[e]);
    PetscInt   n, numbers;
    PetscReal *theta = test_parameters(all, &n), *want, *same, *sum, worst = 0, scale = 1;
    unsigned   seen = 0, sets = 0;
    PetscBool  equal;

    CHECK(TzLossSample(all, 3));
    CHECK(TzLossSample(some, 3));
    CHECK(TzLossSample(four, 3));
    want = Rows(all, theta, &numbers);
    same = Rows(four, theta, &numbers);
    CHECK(PetscArraycmp(want, same, numbers, &equal));
    CHECK(PetscCalloc1(numbers, &sum));
    for (PetscInt step = 0; step < 200 && sets < 6; step++) {
      PetscReal *rows;

      CHECK(TzDerivSample(some->deriv, 5, step));
      if (seen >> Drawn(some) & 1) continue;
      seen |= 1u << Drawn(some);
      sets++;
      rows = Rows(some, theta, &numbers);
      for (PetscInt i = 0; i < numbers; i++) sum[i] += rows[i] / 6;
      CHECK(PetscFree(rows));
    }
    for (PetscInt i = 0; i < numbers; i++) worst = fmax(worst, fabs(sum[i] - want[i])), scale = fmax(scale, fabs(want[i]));
    if (!everywhere(equal && sets == 6 && worst < 1e-10 * scale)) print_error("%s: %d sets, %g of %g\n", pdes[e], (int)sets, worst, scale);
    assert_true(everywhere(equal && sets == 6 && worst < 1e-10 * scale));
    CHECK(PetscFree(theta));
    CHECK(PetscFree(want));
    CHECK(PetscFree(same));
    CHECK(PetscFree(sum));
    CHECK(TzLossDestroy(&all));
    CHECK(TzLossDestroy(&some));
    CHECK(TzLossDestroy(&four));
  }
}

/* Each of the 6 sets is as likely: of 6,000 steps 1,000 each, deviation 29; five of these */
static void test_subsets_are_uniform(void **state)
{
  TzLoss   loss      = problem(PETSC_COMM_SELF, "-deriv_type fd -fd_subset 2", "");
  PetscInt count[16] = {0};
  int      ok        = 1;

  (void)state;
  for (PetscInt step = 0; step < 6000; step++) {
    CHECK(TzDerivSample(loss->deriv, 5, step));
    count[Drawn(loss)]++;
  }
  for (int set = 0; set < 16; set++) ok = ok && (__builtin_popcount((unsigned)set) == 2 ? abs((int)count[set] - 1000) < 145 : !count[set]);
  assert_true(everywhere(ok));
  CHECK(TzLossDestroy(&loss));
}

static void test_option_errors(void **state)
{
  const char *const bad[] = {"-loss_points 0", "-loss_block 0", "-tz_validation_points 0"};
  TzLoss            loss  = problem(PETSC_COMM_WORLD, estimators[0], "");

  (void)state;
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(bad); i++) {
    CHECK(PetscOptionsClear(NULL));
    CHECK(PetscOptionsInsertString(NULL, bad[i]));
    assert_true(everywhere(TzLossSetFromOptions(loss) == PETSC_ERR_USER_INPUT));
  }
  CHECK(PetscPopErrorHandler());
  CHECK(TzLossDestroy(&loss));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exact_solution), cmocka_unit_test(test_validation_values),   cmocka_unit_test(test_rank_independent), cmocka_unit_test(test_samples),
    cmocka_unit_test(test_subsets),        cmocka_unit_test(test_subsets_are_uniform), cmocka_unit_test(test_option_errors),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
