/* Soft conditions and data: terms of a residual loss on points of their own. */
#include <tzloss.h>
#include <private/tzpdeimpl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testproblem.h"

#define CHECK(call) assert_true(everywhere((call) == 0))
#define DATA        7                              /* in the file of main(); a step has each once, */
#define DATAGRAD    6                              /* and so many gradients */
#define CONDITIONS  (17 + 9 + 11 + 5)              /* points, */
#define OTHERS      (CONDITIONS + DATA + DATAGRAD) /* of all terms but the equation */

static PetscMPIInt       rank, size;
static char              file[]       = "/tmp/tzdataXXXXXX";
static const char *const estimators[] = {"-deriv_type forward", "-deriv_type fd", "-deriv_type stein"};

/* u_t + Lap u = 1 with the conditions u = 2 on the boundary, du/dn + u/2 = 3 on the face x_1 = hi, u = sin x_1 at t = T and u^2 = 1 at t = 0 */
static PetscErrorCode Residual(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r)
{
  *r = TzJetTime(u) + TzJetForm(u, 0) - 1;
  return PETSC_SUCCESS;
}

static PetscErrorCode Dirichlet(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], PETSC_UNUSED const PetscReal normal[], const TzJet *u, PetscReal *r)
{
  *r = TzJetValue(u) - 2;
  return PETSC_SUCCESS;
}

static PetscErrorCode Robin(TzPDE pde, PETSC_UNUSED const PetscReal z[], const PetscReal normal[], const TzJet *u, PetscReal *r)
{
  *r = TzJetValue(u) / 2 - 3;
  for (PetscInt i = 0; i < pde->d; i++) *r += normal[i] * TzJetGrad(u)[i];
  return PETSC_SUCCESS;
}

static PetscErrorCode End(PETSC_UNUSED TzPDE pde, const PetscReal z[], const PetscReal normal[], const TzJet *u, PetscReal *r)
{
  if (normal) return PETSC_ERR_PLIB;
  *r = TzJetValue(u) - PetscSinReal(z[0]);
  return PETSC_SUCCESS;
}

static PetscErrorCode Start(PETSC_UNUSED TzPDE pde, const PetscReal z[], PETSC_UNUSED const PetscReal normal[], const TzJet *u, PetscReal *r)
{
  if (z[pde->d] != 0) return PETSC_ERR_PLIB;
  *r = TzJetValue(u) * TzJetValue(u) - 1;
  return PETSC_SUCCESS;
}

static PetscErrorCode SetUp(TzPDE pde)
{
  const TzCondition c[] = {{.name = "wall", .place = TZ_AT_BOUNDARY, .face = -1, .residual = Dirichlet, .points = 17},
                           {.name = "flux", .place = TZ_AT_BOUNDARY, .face = 1, .gradient = PETSC_TRUE, .residual = Robin, .points = 9},
                           {.name = "end", .place = TZ_AT_END, .residual = End, .points = 11},
                           {.name = "start", .place = TZ_AT_START, .residual = Start, .points = 5}};

  for (int i = 0; i < 4; i++) PetscCall(TzPDEAddCondition(pde, &c[i]));
  return PETSC_SUCCESS;
}

static PetscErrorCode Create(TzPDE pde)
{
  pde->ops->residualvalue = Residual;
  pde->ops->setup         = SetUp;
  return PETSC_SUCCESS;
}

/* u_t + Lap u = cos 3 x_1 with u = sin x_1 at t = T, "plain" by residuals alone, "sourced" by what depends on the point alone */
static PetscErrorCode PlainResidual(PETSC_UNUSED TzPDE pde, const PetscReal z[], const TzJet *u, PetscReal *r)
{
  *r = TzJetTime(u) + TzJetForm(u, 0) - PetscCosReal(3 * z[0]);
  return PETSC_SUCCESS;
}

static PetscErrorCode Source(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal s[])
{
  s[0] = 100;
  s[1] = PetscCosReal(3 * z[0]);
  return PETSC_SUCCESS;
}

static PetscErrorCode SourcedResidual(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r)
{
  *r = TzJetTime(u) + TzJetForm(u, 0) - pde->source[1];
  return PETSC_SUCCESS;
}

static PetscErrorCode EndValue(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal *g)
{
  *g = PetscSinReal(z[0]);
  return PETSC_SUCCESS;
}

static PetscErrorCode WaveSetUp(TzPDE pde)
{
  TzCondition c = {.name = "end", .place = TZ_AT_END, .points = 20};

  if (pde->ops->source) c.value = EndValue;
  else c.residual = End;
  PetscCall(TzPDEAddCondition(pde, &c));
  return PETSC_SUCCESS;
}

static PetscErrorCode PlainCreate(TzPDE pde)
{
  pde->ops->residualvalue = PlainResidual;
  pde->ops->setup         = WaveSetUp;
  return PETSC_SUCCESS;
}

static PetscErrorCode SourcedCreate(TzPDE pde)
{
  PetscCall(PlainCreate(pde));
  pde->ops->residualvalue = SourcedResidual;
  pde->ops->source        = Source;
  pde->nsource            = 2;
  return PETSC_SUCCESS;
}

static TzLoss problem(MPI_Comm comm, const char estimator[], const char more[])
{
  char data[200];

  snprintf(data, sizeof(data), "-loss_data %s -loss_data_points %d -loss_data_grad_points %d %s", file, DATA, DATAGRAD, estimator);
  return test_problem(comm,
                      "-pde_type walls -pde_conditions soft -pde_dim 3 -net_layers 12,12 -net_tt_rank 2 -loss_points 23 -loss_block 3 "
                      "-tz_validation_points 100",
                      data, more);
}

/*
  f = c: residual -1, on the wall c - 2, flux c/2 - 3, at the start c^2 - 1, and at the end c - sin x_1, whose mean square lies between those of c - 1 and c
  (0 <= sin x_1 <= 1). With the weight of the end 1e-9 the loss is known to 2e-8. With -loss_p the powers of these. The data are u = 1 .. 7 and the gradient
  (0, 3, 0): residuals c - 1 .. c - 7, and -3 or 3.
*/
static void test_constant(void **state)
{
  (void)state;
  for (int e = 0; e < 3; e++)
    for (int p = 2; p <= 4; p += 2) {
      char         more[200];
      const double c        = 1.5;
      double       expected = 1 + 0.5 * pow(0.5, p) + 0.25 * pow(3 - c / 2, p) + 2 * pow(1.25, p) + 0.75 * pow(3, p);
      TzLoss       loss;
      PetscInt     n;
      PetscReal   *theta, l;

      snprintf(more, sizeof(more),
               "-loss_wall_weight 0.5 -loss_flux_weight 0.25 -loss_start_weight 2 -loss_end_weight 1e-9 -loss_p %d "
               "-loss_data_weight 0.125 -loss_data_grad_weight 0.75",
               p);
      for (int i = 1; i <= DATA; i++) expected += 0.125 * pow(fabs(c - i), p) / DATA;
      loss  = problem(PETSC_COMM_WORLD, estimators[e], more);
      theta = test_parameters(loss, &n);
      for (PetscInt i = 0; i < n; i++) theta[i] = i == n - 1 ? c : 0;
      CHECK(TzLossSample(loss, 2));
      CHECK(TzLossObjective(loss, theta, &l));
      assert_true(everywhere(fabs(l - expected) < 1e-8 * 5.1 + 1e-9 + 1e-14 * expected));
      CHECK(PetscFree(theta));
      CHECK(TzLossDestroy(&loss));
    }
}

/* The loss is linear in the weights: L(w) = L(w') + (w - w') mean r_wall^2, so equal steps of a weight change it equally */
static void test_weights(void **state)
{
  PetscReal l[3];

  (void)state;
  for (int w = 0; w < 3; w++) {
    char       more[64];
    TzLoss     loss;
    PetscInt   n;
    PetscReal *theta;

    snprintf(more, sizeof(more), "-loss_wall_weight %d", 1 + w);
    loss  = problem(PETSC_COMM_WORLD, estimators[0], more);
    theta = test_parameters(loss, &n);
    CHECK(TzLossSample(loss, 2));
    CHECK(TzLossObjective(loss, theta, &l[w]));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&loss));
  }
  assert_true(everywhere(l[1] > l[0] && fabs(l[2] - 2 * l[1] + l[0]) < 1e-13 * l[2]));
}

/* The exact gradient against central differences of the loss: h^2 and rounding over h leave 1e-8 of it, estimators with their own rounding 1e-5 */
static void test_exact_gradient(void **state)
{
  const PetscReal h = 1e-5;

  (void)state;
  for (int e = 0; e < 3; e++)
    for (int p = 2; p <= 4; p += 2) {
      TzLoss     loss = problem(PETSC_COMM_WORLD, estimators[e], p == 2 ? "" : "-loss_p 4");
      PetscInt   n;
      PetscReal *theta = test_parameters(loss, &n), *grad, l, lp, lm, worst = 0, largest = 0;

      CHECK(PetscMalloc1(n, &grad));
      CHECK(TzLossSample(loss, 2));
      CHECK(TzLossGradient(loss, theta, &l, grad));
      for (PetscInt i = 0; i < n; i += 7) {
        const PetscReal t = theta[i];

        theta[i] = t + h;
        CHECK(TzLossObjective(loss, theta, &lp));
        theta[i] = t - h;
        CHECK(TzLossObjective(loss, theta, &lm));
        theta[i] = t;
        worst    = PetscMax(worst, fabs((lp - lm) / (2 * h) - grad[i]));
        largest  = PetscMax(largest, fabs(grad[i]));
      }
      assert_true(everywhere(worst < (e ? 1e-5 : 1e-8) * largest));
      CHECK(PetscFree(grad));
      CHECK(PetscFree(theta));
      CHECK(TzLossDestroy(&loss));
    }
}

/* All coordinate queries at once = one parameter vector after the other, over blocks that cut through the terms */
static void test_coordinates(void **state)
{
  (void)state;
  for (int e = 0; e < 3; e++) {
    const char *fine = e == 1 ? "-fd_step 0.1" : e == 2 ? "-stein_sigma 0.3" : "";
    TzLoss      loss = problem(PETSC_COMM_WORLD, estimators[e], fine);
    PetscInt    n;
    PetscReal  *theta = test_parameters(loss, &n), *x, *lp, l0, l, worst = 0;
    TzQueries   q = {.direction = TZ_DIRECTION_COORDINATE, .mu = 1e-3, .base = PETSC_TRUE};

    q.n = n;
    CHECK(PetscMalloc2(n, &lp, n, &x));
    CHECK(TzLossSample(loss, 2));
    CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, NULL));
    for (PetscInt i = 0; i < n; i += 5) {
      CHECK(PetscArraycpy(x, theta, n));
      x[i] += q.mu;
      CHECK(TzLossObjective(loss, x, &l));
      worst = PetscMax(worst, fabs(l - lp[i]) / l);
    }
    assert_true(everywhere(worst < 1e-12));
    CHECK(PetscFree2(lp, x));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&loss));
  }
}

/* Bitwise what one rank alone computes: values, residual vectors, gradient */
static void test_ranks(void **state)
{
  (void)state;
  for (int e = 0; e < 3; e++) {
    TzLoss     all = problem(PETSC_COMM_WORLD, estimators[e], ""), one = problem(PETSC_COMM_SELF, estimators[e], "");
    PetscInt   n, m;
    PetscReal *theta = test_parameters(all, &n), *g, *r, la, lo;
    int        ok;

    CHECK(TzLossGetNumSamples(all, &m));
    assert_int_equal(m, 23 + OTHERS);
    CHECK(PetscMalloc2(2 * n, &g, 2 * m, &r));
    CHECK(TzLossSample(all, 4));
    CHECK(TzLossSample(one, 4));
    CHECK(TzLossGradient(all, theta, &la, g));
    CHECK(TzLossGradient(one, theta, &lo, g + n));
    CHECK(TzLossResidualVector(all, theta, r));
    CHECK(TzLossResidualVector(one, theta, r + m));
    ok = la == lo && !memcmp(g, g + n, sizeof(*g) * (size_t)n) && !memcmp(r, r + m, sizeof(*r) * (size_t)m);
    CHECK(TzLossObjective(all, theta, &la));
    CHECK(TzLossObjective(one, theta, &lo));
    assert_true(everywhere(ok && la == lo));
    CHECK(PetscFree2(g, r));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&all));
    CHECK(TzLossDestroy(&one));
  }
}

/*
  Without smoothing the balanced terms are all as large as the equation's: 1/7 of the loss is the part of its 23 points, the first of the 78. 1e-12: powers and
  sums of 78 numbers.
*/
static void test_balanced(void **state)
{
  TzLoss           loss = problem(PETSC_COMM_WORLD, estimators[0], "-loss_weights auto -loss_weights_smoothing 0 -loss_weights_every 3");
  PetscInt         n, m, nstate;
  PetscReal       *theta = test_parameters(loss, &n), r[23 + OTHERS], l, sum = 0, kept[6];
  const PetscReal *weights;

  (void)state;
  CHECK(TzLossGetNumSamples(loss, &m));
  assert_int_equal(m, 23 + OTHERS);
  CHECK(TzLossSample(loss, 6));
  CHECK(TzLossAdapt(loss, 6, theta));
  CHECK(TzLossObjective(loss, theta, &l));
  CHECK(TzLossResidualVector(loss, theta, r));
  for (int i = 0; i < 23; i++) sum += r[i] * r[i] / (23 + OTHERS);
  assert_true(everywhere(fabs(l - 7 * sum) < 1e-12 * l));
  CHECK(TzLossGetState(loss, &nstate, &weights));
  assert_int_equal(nstate, 6);
  for (int i = 0; i < 6; i++) kept[i] = weights[i];
  CHECK(TzLossSample(loss, 7)); /* no step of change */
  CHECK(TzLossAdapt(loss, 7, theta));
  assert_true(everywhere(!memcmp(kept, weights, sizeof(kept))));
  CHECK(PetscFree(theta));
  CHECK(TzLossDestroy(&loss));
}

/* Adaptive points have larger residuals than those of the sampler (their weight is |r|/mean + 1), and both are bitwise what one rank alone finds */
static void test_adaptive(void **state)
{
  (void)state;
  for (int e = 0; e < 3; e++) {
    TzLoss     all   = problem(PETSC_COMM_WORLD, estimators[e], "-loss_adaptive 5 -loss_weights auto -loss_points 200");
    TzLoss     one   = problem(PETSC_COMM_SELF, estimators[e], "-loss_adaptive 5 -loss_weights auto -loss_points 200");
    PetscReal  plain = 0, kept = 0, r[2][200 + OTHERS];
    PetscInt   n;
    PetscReal *theta = test_parameters(all, &n);
    PetscBool  adapts;
    int        same;

    for (PetscInt i = 0; i < n; i++) theta[i] *= 5; /* residuals that differ: 1 throughout before */
    CHECK(TzLossAdapts(all, &adapts));
    assert_true(adapts);
    CHECK(TzLossSample(all, 10));
    CHECK(TzLossResidualVector(all, theta, r[0]));
    for (int i = 0; i < 200; i++) plain += fabs(r[0][i]);
    CHECK(TzLossAdapt(all, 10, theta));
    CHECK(TzLossResidualVector(all, theta, r[0]));
    for (int i = 0; i < 200; i++) kept += fabs(r[0][i]);
    CHECK(TzLossSample(one, 10));
    CHECK(TzLossAdapt(one, 10, theta));
    CHECK(TzLossResidualVector(one, theta, r[1]));
    same = !memcmp(r[0], r[1], sizeof(r[0]));
    assert_true(everywhere(same && kept > plain));
    CHECK(PetscFree(theta));
    CHECK(TzLossDestroy(&all));
    CHECK(TzLossDestroy(&one));
  }
}

/*
  What depends on the point alone is kept for a step, not longer: after other points (of the next step, or adaptive ones) residuals are bitwise those of an
  equation that keeps nothing. Gradients: du/du of the condition is exact here, differences there (1e-9).
*/
static void test_sources(void **state)
{
  const char common[] = "-pde_conditions soft -pde_dim 3 -net_layers 12,12 -net_tt_rank 2 -loss_points 23 -loss_block 3 -loss_adaptive 3 -deriv_type forward";
  TzLoss     loss[2];
  PetscReal *theta, *g[2], r[2][43], l[2], worst = 0, largest = 0;
  PetscInt   n;

  (void)state;
  loss[0] = test_problem(PETSC_COMM_WORLD, common, "-pde_type plain", "");
  loss[1] = test_problem(PETSC_COMM_WORLD, common, "-pde_type sourced", "");
  theta   = test_parameters(loss[0], &n);
  CHECK(PetscMalloc2(n, &g[0], n, &g[1]));
  for (int step = 2; step < 5; step++)
    for (int adapted = 0; adapted < 2; adapted++) {
      for (int k = 0; k < 2; k++) {
        CHECK(TzLossSample(loss[k], step));
        if (adapted) CHECK(TzLossAdapt(loss[k], step, theta));
        CHECK(TzLossResidualVector(loss[k], theta, r[k]));
        CHECK(TzLossGradient(loss[k], theta, &l[k], g[k]));
      }
      assert_true(everywhere(!memcmp(r[0], r[1], sizeof(r[0])) && l[0] == l[1]));
      for (PetscInt i = 0; i < n; i++) {
        worst   = PetscMax(worst, fabs(g[0][i] - g[1][i]));
        largest = PetscMax(largest, fabs(g[0][i]));
      }
    }
  assert_true(everywhere(worst < 1e-9 * largest));
  CHECK(PetscFree2(g[0], g[1]));
  CHECK(PetscFree(theta));
  for (int k = 0; k < 2; k++) CHECK(TzLossDestroy(&loss[k]));
}

/* A file of each rank's own, for those that read it alone; the same text */
static int write_data(void)
{
  FILE *f = fdopen(mkstemp(file), "w");

  if (!f) return 1;
  for (int i = 0; i < DATA; i++) fprintf(f, "0.%d 0.5 %g 0.25\n", i, 1 - 0.1 * i);
  fprintf(f, "u\n");
  for (int i = 1; i <= DATA; i++) fprintf(f, "%d\n", i);
  fprintf(f, "grad\n");
  for (int i = 0; i < DATA; i++) fprintf(f, "0 3 0\n");
  return fclose(f);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_constant),    cmocka_unit_test(test_weights), cmocka_unit_test(test_exact_gradient),
                                     cmocka_unit_test(test_coordinates), cmocka_unit_test(test_ranks),   cmocka_unit_test(test_balanced),
                                     cmocka_unit_test(test_adaptive),    cmocka_unit_test(test_sources)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (TzPDERegister("walls", Create) || TzPDERegister("plain", PlainCreate) || TzPDERegister("sourced", SourcedCreate)) return 1;
  if (write_data()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  remove(file);
  return TzFinalize() || failed;
}
