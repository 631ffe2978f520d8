/*
  Structured coordinate queries of a PINN loss: equal to one loss evaluation a coordinate, for every estimator, activation, depth and bond; bitwise
  independent of the other coordinates and samples of a call and of the ranks.

  Tolerances. Both sides take every value of f with a relative error of some 1e-16 (sums of at most 50 terms). Forward propagation leaves it there: the loss, a
  mean of squares, is right to far better than 1e-12. A stencil multiplies it by the norm of its Laplacian weights, at most 4 sqrt(2 d) / h^2 with fd and
  about 4 d / s^2 with stein; the steps below (0.1, 0.3) keep that under 1e3, and 1e3 x 2e-16 x the root of the number of terms under 1e-12.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "activations.h"
#include "formats.h"
#include "testproblem.h"

#define CHECK(call) assert_int_equal((call), 0)
#define NPTS        29 /* two panels of rows, six blocks, the last short */

static const char *const estimators[] = {"-deriv_type forward", "-deriv_type fd -fd_step 0.1", "-deriv_type stein -stein_sigma 0.3",
                                         "-deriv_type stein -stein_sigma 0.3 -rule_type mc -rule_samples 40", "-deriv_type fd -fd_step 0.1 -fd_subset 3"};

static const char *const nets[] = {
  "-net_layers 48,36 -net_tt_rank 4",
  "-net_layers 48,36 -net_tt_rank 4 -net_series false",
  "-net_layers 48,36 -net_tt_rank 4 -net_activation tanh",
  "-net_layers 48,36 -net_tt_rank 3 -net_activation relu",
  "-net_layers 48,36 -net_tt_rank 3 -net_activation softplus",
  "-net_layers 48,36 -net_tt_rank 4 -net_activation cosine",
  "-net_layers 48,36 -net_tt_rank 4 -net_activation sine,square",
  "-net_layers 30,36 -net_tt_rank 3 -net_activation square,sine",
  "-net_layers 24,60 -net_tt_rank 1",
  "-net_layers 30,36 -net_tt_rank 7",
  "-net_layers 40 -net_tt_rank 2",
  "-net_layers 24,20,36 -net_tt_rank 2",
  "-net_layers 24,20,36 -net_tt_rank 3 -net_activation tanh",
  "-net_format lowrankbond -net_layers 48,36 -net_tt_rank 3",
  "-net_format dense -net_contraction auto -net_layers 17,14",
  "-net_format dense -net_contraction auto -net_layers 5,31 -net_activation tanh",
  "-net_format dense -net_contraction auto -net_layers 23 -net_activation softplus",
  "-net_format dense -net_contraction auto -net_layers 17,14 -net_activation square,sine",
  "-net_format sparse -net_contraction auto -net_layers 17,14 -net_first_inputs 2 -net_activation square,sine",
  "-net_format sparse -net_contraction auto -net_layers 23 -net_sparse_count 160",
  "-net_layers 12,12 -net_tt_rank 3 -net_tt_modes 6|1,12;3,4,1|12,1", /* cores with one mode */
  "-net_layers 48,36 -net_tt_modes 2,3|6,8;6,8|6,6 -net_tt_bonds 2,3,1;4,3,5",
  "-net_format dense -net_contraction auto -net_layers 9,7,12 -net_activation square,sine,tanh",
  "-net_format sparse -net_contraction auto -net_layers 12,5,6,4 -net_first_inputs 1 -net_activation square,sine,sine,sine",
};

#define DENSE 14                                    /* the first dense one */
#define DEEP  (PETSC_STATIC_ARRAY_LENGTH(nets) - 2) /* from here on exact derivatives alone */

/* A loss on HJB-LQG in 5 dimensions and its network's parameters, biases included, larger than initial ones by `scale` */
static TzLoss Problem(MPI_Comm comm, const char net_options[], const char estimator[], PetscReal scale, PetscInt *n, PetscReal **theta)
{
  char   problem[128];
  TzLoss loss;

  CHECK(PetscSNPrintf(problem, sizeof(problem), "-net_format tt -net_contraction bond -pde_type lqg -pde_dim 5 -loss_points %d -loss_block 5", NPTS));
  loss   = test_problem(comm, problem, estimator, net_options);
  *theta = test_parameters(loss, n);
  CHECK(TzLossSample(loss, 2));
  for (PetscInt i = 0; i < *n; i++) (*theta)[i] = scale * ((*theta)[i] + 0.01 * sin(i));
  return loss;
}

static TzQueries Queries(PetscInt first, PetscInt n, PetscReal mu, PetscBool twosided)
{
  return (TzQueries){.direction = TZ_DIRECTION_COORDINATE, .mu = mu, .base = PETSC_TRUE, .twosided = twosided, .first = first, .n = n};
}

/* Largest |structured - one at a time| over every `stride`-th coordinate and both sides, relative to the loss there or, where that is larger, at theta */
static PetscReal Difference(TzLoss loss, PetscInt n, const PetscReal theta[], PetscReal mu, PetscInt stride)
{
  const TzQueries q = Queries(0, n, mu, PETSC_TRUE);
  PetscReal      *x, *lp, *lm, l0, l, most = 0;

  CHECK(PetscMalloc3(n, &x, n, &lp, n, &lm));
  CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, lm));
  CHECK(PetscArraycpy(x, theta, n));
  for (PetscInt i = 0; i < n; i += stride) {
    x[i] = theta[i] + mu;
    CHECK(TzLossObjective(loss, x, &l));
    most = fmax(most, fabs(l - lp[i]) / fmax(l, l0));
    assert_false(isnan(lp[i]) || isnan(lm[i]));
    x[i] = theta[i] - mu;
    CHECK(TzLossObjective(loss, x, &l));
    most = fmax(most, fabs(l - lm[i]) / fmax(l, l0));
    x[i] = theta[i];
  }
  CHECK(PetscFree3(x, lp, lm));
  return most;
}

static void TestEqual(void **state)
{
  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(nets); k++)
    for (size_t e = 0; e < (k < DEEP ? PETSC_STATIC_ARRAY_LENGTH(estimators) : 1); e++) {
      PetscReal *theta, d;
      PetscInt   n;
      TzLoss     loss = Problem(PETSC_COMM_SELF, nets[k], estimators[e], 1, &n, &theta);

      assert_non_null(loss->ops->coordinates);
      d = Difference(loss, n, theta, 0.01, e ? 7 : 1);
      if (!(d <= 1e-12)) print_message("%s %s: %g\n", nets[k], estimators[e], (double)d);
      assert_true(d <= 1e-12);
      CHECK(PetscFree(theta));
      CHECK(TzLossDestroy(&loss));
    }
}

/* Queries of the output layer alone, for which less of the first is made, are those among all coordinates; also where the form depends on the point */
static void TestOutputLayer(void **state)
{
  static const char *const cases[] =
    {"-net_format dense -net_layers 9", "-net_format dense -net_layers 9 -pde_type blackscholes",
     "-net_format sparse -net_contraction auto -net_layers 9 -net_first_inputs 1 -net_activation square -pde_type blackscholes"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(cases); k++) {
    PetscReal *theta, *all, *own, l0;
    PetscInt   n, last, which[10];
    TzLoss     loss = Problem(PETSC_COMM_SELF, cases[k], estimators[0], 1, &n, &theta);
    TzQueries  q    = Queries(0, n, 1e-3, PETSC_FALSE);

    CHECK(TzLossGetLastLayer(loss, &last, NULL));
    assert_int_equal(last, 10);
    CHECK(TzLossGetLastLayer(loss, &last, which));
    CHECK(PetscMalloc2(n, &all, n, &own));
    CHECK(TzLossEvaluate(loss, theta, &q, &l0, all, NULL));
    q      = Queries(which[0], 9, 1e-3, PETSC_FALSE);
    q.base = PETSC_FALSE;
    CHECK(TzLossEvaluate(loss, theta, &q, &l0, own, NULL));
    for (PetscInt i = 0; i < 9; i++) assert_true(fabs(own[i] - all[which[0] + i]) <= 1e-12 * l0);
    CHECK(PetscFree2(all, own));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&loss));
  }
}

/* Large parameters and steps: shifts beyond the short polynomials, bond vectors beyond the series, and both within one panel; tiny steps */
static void TestFar(void **state)
{
  const PetscReal scale[] = {1, 2, 2, 1.5}, mu[] = {3, 0.5, 0.05, 1e-7};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(mu); k++)
    for (size_t e = 0; e < 2; e++) {
      PetscReal *theta, d;
      PetscInt   n;
      TzLoss     loss = Problem(PETSC_COMM_SELF, "-net_layers 48,36 -net_tt_rank 4", estimators[e], scale[k], &n, &theta);

      d = Difference(loss, n, theta, mu[k], 3);
      if (!(d <= 1e-12)) print_message("scale %g mu %g %s: %g\n", (double)scale[k], (double)mu[k], estimators[e], (double)d);
      assert_true(d <= 1e-12);
      CHECK(PetscFree(theta));
      CHECK(TzLossDestroy(&loss));
    }
}

typedef struct {
  PetscInt  i; /* the coordinate */
  PetscReal change[NPTS];
} Kept;

static PetscErrorCode Keep(void *ctx, const TzNetMoved *moved)
{
  Kept *kept = (Kept *)ctx;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(kept->change + moved->p0, moved->Y, moved->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Changes of the values of the paper's network against the plain evaluation, core by core: both are sums of 768 terms of a size below 1, so that they and the
  difference of two of them are right to far better than 1e-13.
*/
static void TestValues(void **state)
{
  const PetscReal  mu = 0.01;
  PetscReal        X[NPTS * 21], Y0[NPTS], Y[NPTS], *theta;
  PetscInt         n, first;
  TzNet            net[2];
  TzNetEval        eval[2];
  Kept             kept;
  TzNetCoordinates q = {.count = 1, .nmu = 1, .mu = &mu, .sink = Keep, .ctx = &kept};

  (void)state;
  for (int plain = 0; plain < 2; plain++) {
    CHECK(PetscOptionsClear(NULL));
    CHECK(PetscOptionsInsertString(NULL, plain ? "-net_format tt -net_tt_rank 4 -net_evaluation reference" : "-net_format tt -net_tt_rank 4"));
    CHECK(TzNetCreate(PETSC_COMM_SELF, &net[plain]));
    CHECK(TzNetSetIO(net[plain], 21, 1));
    CHECK(TzNetSetFromOptions(net[plain]));
    CHECK(TzNetEvalCreate(net[plain], &eval[plain]));
  }
  CHECK(TzNetGetNumParameters(net[0], &n));
  CHECK(TzNetGetCoordinates(net[1], TZ_COORDINATES_VALUES, &first));
  assert_int_equal(first, n);
  CHECK(TzNetGetCoordinates(net[0], TZ_COORDINATES_VALUES, &first));
  assert_int_equal(first, 124); /* 3 4 + 4 7 4 numbers in front of the first bond */
  CHECK(PetscMalloc1(n, &theta));
  CHECK(TzNetInitialize(net[0], 1, theta));
  CHECK(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, NPTS * 21, X));
  CHECK(TzNetEvalBind(eval[0], theta));
  CHECK(TzNetEvalBind(eval[1], theta));
  CHECK(TzNetEvalForward(eval[1], NPTS, X, Y0));
  for (kept.i = first; kept.i < n; kept.i += 23) {
    const PetscReal before = theta[kept.i];

    q.first = kept.i;
    CHECK(TzNetEvalCoordinates(eval[0], NPTS, X, &q));
    theta[kept.i] += mu;
    CHECK(TzNetEvalBind(eval[1], theta));
    CHECK(TzNetEvalForward(eval[1], NPTS, X, Y));
    for (PetscInt p = 0; p < NPTS; p++) assert_true(fabs(kept.change[p] - (Y[p] - Y0[p])) <= 1e-13);
    theta[kept.i] = before;
  }
  CHECK(PetscFree(theta));
  for (int plain = 0; plain < 2; plain++) {
    CHECK(TzNetEvalDestroy(&eval[plain]));
    CHECK(TzNetDestroy(&net[plain]));
  }
}

/*
  The reference evaluation, and formats without bonds or cuts, have the plain loop; its numbers are those of the structured queries, also of networks as
  hardware where 0.2 moves parameters by some levels, and the largest of a core across a power of two
*/
static void TestPlain(void **state)
{
  static const char *const same[][2] = {
    {"-net_layers 24,12 -net_tt_rank 2", "-net_layers 24,12 -net_tt_rank 2 -net_evaluation reference"},
    {"-net_format lowrankbond -net_layers 24,12 -net_tt_rank 2", "-net_format lowrank -net_layers 24,12 -net_tt_rank 2 -net_contraction auto"},
    {"-net_layers 24,12 -net_tt_rank 2 -net_weight_bits 7", "-net_layers 24,12 -net_tt_rank 2 -net_weight_bits 7 -net_evaluation reference"},
    {"-net_layers 24,12 -net_tt_rank 2 -net_noise_weight 0.1 -net_noise_per step",
     "-net_layers 24,12 -net_tt_rank 2 -net_noise_weight 0.1 -net_noise_per step -net_evaluation reference"},
  };
  PetscReal *theta, *lp[2], l0;
  PetscInt   n;
  TzLoss     loss;

  (void)state;
  loss = Problem(PETSC_COMM_SELF, "-net_format dense -net_layers 6,6,6 -net_contraction auto", estimators[1], 1, &n, &theta); /* deep: jets alone */
  assert_null(loss->ops->coordinates);
  CHECK(PetscFree(theta));
  CHECK(TzLossDestroy(&loss));
  for (size_t k = 0; k < 2 * PETSC_STATIC_ARRAY_LENGTH(same); k++) {
    for (int plain = 0; plain < 2; plain++) {
      TzQueries q;

      loss = Problem(PETSC_COMM_SELF, same[k / 2][plain], estimators[k % 2], 1, &n, &theta);
      assert_true((loss->ops->coordinates == NULL) == plain);
      q = Queries(0, n, 0.2, PETSC_FALSE);
      CHECK(PetscMalloc1(n, &lp[plain]));
      CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp[plain], NULL));
      CHECK(PetscFree(theta));
      CHECK(TzLossDestroy(&loss));
    }
    for (PetscInt i = 0; i < n; i++) assert_true(fabs(lp[0][i] - lp[1][i]) <= 1e-12 * PetscMax(l0, lp[0][i]));
    CHECK(PetscFree(lp[0]));
    CHECK(PetscFree(lp[1]));
  }
}

/* Parts of the coordinates, one side only, and parts of the blocks of samples: the same bits */
static void TestParts(void **state)
{
  const PetscInt blocks = (NPTS + 4) / 5;

  (void)state;
  for (size_t e = 0; e < 9; e++) { /* 3, 4: some rows of a panel far, others not; then three dense, one deep */
    const PetscReal mu = e < 3 || e > 4 ? 0.01 : 0.4;
    PetscReal      *theta, *all, *part;
    PetscInt        n;
    TzLoss          loss = Problem(PETSC_COMM_SELF, nets[e > 7 ? DEEP : e > 4 ? DENSE : e ? 0 : 7], estimators[e > 7 ? 0 : e % 3], 1, &n, &theta);
    TzQueries       q    = Queries(0, n, mu, PETSC_TRUE);

    CHECK(PetscMalloc2(2 * n * blocks, &all, 2 * n * blocks, &part));
    CHECK((*loss->ops->coordinates)(loss, theta, &q, 0, NPTS, all));
    for (PetscInt first = 0; first < n; first += 61)
      for (PetscInt b = first / 61 % 2; b + 2 <= blocks; b += 3) {
        q = Queries(first, PetscMin(17, n - first), mu, first % 3 ? PETSC_TRUE : PETSC_FALSE);
        CHECK((*loss->ops->coordinates)(loss, theta, &q, 5 * b, PetscMin(5 * b + 10, NPTS), part));
        for (PetscInt v = 0; v < q.n * (q.twosided ? 2 : 1); v++)
          for (PetscInt k = 0; k < 2; k++) assert_true(part[2 * v + k] == all[((q.twosided ? v : 2 * v) + 2 * first) * blocks + b + k]);
      }
    CHECK(PetscFree2(all, part));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&loss));
  }
}

/* On any number of ranks: the bits of one rank */
static void TestRanks(void **state)
{
  (void)state;
  for (size_t e = 0; e < 5; e++) {
    PetscReal *theta, *lp[2], l0;
    PetscInt   n;
    int        same = 1, everywhere;

    for (int world = 0; world < 2; world++) {
      TzLoss loss = Problem(world ? PETSC_COMM_WORLD : PETSC_COMM_SELF, nets[e < 3 ? 0 : e < 4 ? DENSE : DEEP + 1], estimators[e < 3 ? e : 0], 1, &n, &theta);
      const TzQueries q = Queries(3, n - 3, 0.01, PETSC_FALSE);

      CHECK(PetscMalloc1(n, &lp[world]));
      CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp[world], NULL));
      CHECK(PetscFree(theta));
      CHECK(TzLossDestroy(&loss));
    }
    for (PetscInt i = 0; i < n - 3; i++) same = same && lp[0][i] == lp[1][i];
    CHECK(MPI_Allreduce(&same, &everywhere, 1, MPI_INT, MPI_LAND, PETSC_COMM_WORLD));
    assert_true(everywhere);
    CHECK(PetscFree(lp[0]));
    CHECK(PetscFree(lp[1]));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(TestEqual), cmocka_unit_test(TestOutputLayer), cmocka_unit_test(TestFar),   cmocka_unit_test(TestValues),
    cmocka_unit_test(TestPlain), cmocka_unit_test(TestParts),       cmocka_unit_test(TestRanks),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL) || RegisterActivations() || RegisterFormats()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 1;
  return failed;
}
