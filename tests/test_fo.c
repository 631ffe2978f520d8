/*
  First-order references and their kin, on the residual loss: the exact gradient against differences of the loss (what -tao_test_gradient
  does), for every estimator, format and equation; tzsgd and tzadam by their formulas; Gauss-Newton in the span; masks of sparse networks.
*/
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testproblem.h"

#define ok(call) assert_int_equal((call), 0)

typedef struct {
  TzLoss     loss;
  TzNet      net;
  PetscInt   n;
  PetscReal *theta, *grad, *moved, *other;
} Case;

static void Open(Case *c, const char *options)
{
  c->loss  = test_problem(PETSC_COMM_WORLD, "-pde_dim 3 -loss_points 30", options, "");
  c->theta = test_parameters(c->loss, &c->n);
  ok(TzLossGetNet(c->loss, &c->net));
  ok(PetscMalloc3(c->n, &c->grad, c->n, &c->moved, c->n, &c->other));
  ok(TzLossSample(c->loss, 0));
}

static void Close(Case *c)
{
  ok(PetscFree3(c->grad, c->moved, c->other));
  ok(PetscFree(c->theta));
  ok(TzLossDestroy(&c->loss));
}

static PetscReal Moved(Case *c, PetscReal h, const PetscReal v[])
{
  PetscReal l;

  for (PetscInt i = 0; i < c->n; i++) c->moved[i] = c->theta[i] + h * v[i];
  ok(TzLossObjective(c->loss, c->moved, &l));
  return l;
}

static const char *const nets[] = {
  "-net_format dense -net_layers 9,7",
  "-net_format tt -net_layers 12,8 -net_tt_rank 2",
  "-net_format ttm -net_layers 12,8 -net_tt_rank 2",
  "-net_format sparse -net_layers 12,8 -net_sparse_count 90",
};
static const char *const derivs[] = {
  "-deriv_type forward",
  "-deriv_type fd -fd_step 0.1",
  "-deriv_type stein -stein_sigma 0.3",
  "-deriv_type stein -stein_sigma 0.3 -rule_type mc -rule_samples 40",
};
static const char *const pdes[] = {"-pde_type hjb -net_activation sine", "-pde_type lqg -net_activation tanh",
                                   "-pde_type lqg -lqg_extension heat -loss_sampler paths"};

/*
  Central differences along a random direction, extrapolated: truncation O(h^4) = 1e-12 times fifth derivatives, rounding 1e-16/h = 1e-13 times the loss,
  raised by the stencils' cancellation, some 1/(0.1)^2. 1e-7 of |g| |v| plus the loss leaves room for both.
*/
static void test_exact_gradient(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets) * PETSC_STATIC_ARRAY_LENGTH(derivs) * PETSC_STATIC_ARRAY_LENGTH(pdes); i++) {
    const char     *net = nets[i % 4], *deriv = derivs[i / 4 % 4], *pde = pdes[i / 16];
    const PetscReal h = 1e-3;
    Case            c;
    PetscReal       l, l0, got = 0, scale, want;
    char            options[512];

    ok(PetscSNPrintf(options, sizeof(options), "%s %s %s", net, deriv, pde));
    Open(&c, options);
    ok(TzRandomNormal(6, TZ_STREAM_DIRECTION, 0, 0, 0, c.n, c.other));
    ok(TzLossGradient(c.loss, c.theta, &l, c.grad));
    ok(TzLossObjective(c.loss, c.theta, &l0));
    assert_true(PetscAbsReal(l - l0) <= 1e-13 * (1 + l0));
    scale = l0;
    for (PetscInt k = 0; k < c.n; k++) {
      got += c.grad[k] * c.other[k];
      scale += PetscAbsReal(c.grad[k] * c.other[k]);
    }
    want = (Moved(&c, h, c.other) - Moved(&c, -h, c.other)) / (2 * h);
    want = (4 * (Moved(&c, h / 2, c.other) - Moved(&c, -h / 2, c.other)) / h - want) / 3;
    if (!(PetscAbsReal(got - want) <= 1e-7 * scale)) print_error("%s: %.12g, differences %.12g, scale %g\n", options, (double)got, (double)want, (double)scale);
    assert_true(PetscAbsReal(got - want) <= 1e-7 * scale);
    Close(&c);
  }
}

/* Runs a solver for `steps` steps; x on return: the whole solution on every rank. Returns the loss of the last step */
static PetscReal Solve(Case *c, const char *options, PetscInt steps, PetscReal x[])
{
  Tao              tao;
  Vec              v, all;
  VecScatter       scatter;
  const PetscReal *read;
  PetscReal       *write, f;
  PetscInt         lo, hi;

  ok(TaoZORegisterAll());
  ok(PetscOptionsInsertString(NULL, options));
  ok(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, c->n, &v));
  ok(VecGetOwnershipRange(v, &lo, &hi));
  ok(VecGetArrayWrite(v, &write));
  ok(PetscArraycpy(write, c->theta + lo, hi - lo));
  ok(VecRestoreArrayWrite(v, &write));
  ok(TaoCreate(PETSC_COMM_WORLD, &tao));
  ok(TaoZOSetLoss(tao, c->loss));
  ok(TaoSetSolution(tao, v));
  ok(TaoSetMaximumIterations(tao, steps));
  ok(TaoSetFromOptions(tao));
  ok(TaoSolve(tao));
  ok(TaoGetSolutionStatus(tao, NULL, &f, NULL, NULL, NULL, NULL));
  ok(VecScatterCreateToAll(v, &scatter, &all));
  ok(VecScatterBegin(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  ok(VecScatterEnd(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  ok(VecGetArrayRead(all, &read));
  ok(PetscArraycpy(x, read, c->n));
  ok(VecRestoreArrayRead(all, &read));
  ok(VecScatterDestroy(&scatter));
  ok(VecDestroy(&all));
  ok(VecDestroy(&v));
  ok(TaoDestroy(&tao));
  return f;
}

/* Two steps by hand, in the order of the solver's own operations: the same to the last bits but for fused or reordered arithmetic */
static void test_formulas(void **state)
{
  (void)state;
  for (int adam = 0; adam < 2; adam++) {
    Case            c;
    const PetscReal lr = 1e-2, b1 = 0.8, b2 = 0.95;
    PetscReal      *m, *v, l, worst = 0;

    Open(&c, nets[0]);
    ok(PetscCalloc1(c.n, &m));
    ok(PetscCalloc1(c.n, &v));
    ok(PetscArraycpy(c.moved, c.theta, c.n));
    for (PetscInt t = 1; t <= 2; t++) {
      ok(TzLossSample(c.loss, t - 1));
      ok(TzLossGradient(c.loss, c.moved, &l, c.grad));
      for (PetscInt i = 0; i < c.n; i++) {
        m[i] = adam ? b1 * m[i] + (1 - b1) * c.grad[i] : b1 * m[i] + c.grad[i];
        v[i] = b2 * v[i] + (1 - b2) * c.grad[i] * c.grad[i];
        c.moved[i] -= lr * (adam ? m[i] / (1 - PetscPowReal(b1, t)) / (PetscSqrtReal(v[i] / (1 - PetscPowReal(b2, t))) + 1e-8) : m[i]);
      }
    }
    (void)Solve(&c, adam ? "-tao_type tzadam -zo_lr 1e-2 -zo_momentum 0.8 -zo_beta2 0.95" : "-tao_type tzsgd -zo_lr 1e-2 -zo_momentum 0.8", 2, c.other);
    for (PetscInt i = 0; i < c.n; i++) worst = PetscMax(worst, PetscAbsReal(c.other[i] - c.moved[i]));
    assert_true(worst <= 1e-13);
    ok(PetscFree(m));
    ok(PetscFree(v));
    Close(&c);
  }
}

/* With as many directions as parameters the span is everything: Gauss-Newton minimises the loss of fixed points far beyond gradient
   descent; it never raises it */
static void test_gaussnewton(void **state)
{
  Case      c;
  PetscReal before, after;

  (void)state;
  Open(&c, "-net_format dense -net_layers 8 -loss_fixed_points -deriv_type forward");
  ok(TzLossObjective(c.loss, c.theta, &before));
  (void)Solve(&c, "-tao_type zogn -zo_queries 49", 30, c.other);
  ok(TzLossObjective(c.loss, c.other, &after));
  assert_true(after < 1e-4 * before);
  Close(&c);
}

/*
  The residual of a linear equation is affine in the output layer: one step of least squares leaves a gradient there that is the damping's 1e-10, relative to
  the step, and rounding of 1e-16 / mu; nothing else has moved
*/
static void test_lastlayer(void **state)
{
  Case      c;
  PetscInt  n, which[9];
  PetscReal before = 0, after = 0, l;

  (void)state;
  Open(&c, "-pde_type heat -net_format dense -net_layers 9,8 -loss_fixed_points -deriv_type forward -loss_points 60");
  ok(TzLossGetLastLayer(c.loss, &n, NULL));
  assert_int_equal(n, 9);
  ok(TzLossGetLastLayer(c.loss, &n, which));
  assert_true(which[0] == 4 * 9 + 9 * 8 && which[7] == which[0] + 7 && which[8] == c.n - 1);
  ok(TzLossGradient(c.loss, c.theta, &l, c.grad));
  for (PetscInt k = 0; k < n; k++) before = PetscMax(before, PetscAbsReal(c.grad[which[k]]));
  (void)Solve(&c, "-tao_type zolls", 1, c.other);
  ok(TzLossGradient(c.loss, c.other, &l, c.grad));
  for (PetscInt k = 0; k < n; k++) {
    after             = PetscMax(after, PetscAbsReal(c.grad[which[k]]));
    c.theta[which[k]] = c.other[which[k]];
  }
  if (!(after <= 1e-7 * before)) print_error("%g of %g\n", (double)after, (double)before);
  assert_true(after <= 1e-7 * before);
  assert_memory_equal(c.theta, c.other, sizeof(PetscReal) * (size_t)c.n);
  Close(&c);
}

/*
  The rows of the Jacobian: 2/S sum_i r_i J_i is the gradient of the loss (other orders of sums of D + 2 products: 1e-12 of it); along every coordinate
  they are two-sided differences of the residual vectors, all at once or one after another (mu^2 = 1e-8 of the third derivatives)
*/
static void test_jacobian(void **state)
{
  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(nets); k++) {
    Case       c;
    PetscInt   S;
    PetscReal *r, *J, *table, l, scale = 0, worst = 0, off = 0;
    TzQueries  q = {.direction = TZ_DIRECTION_COORDINATE, .mu = 1e-4, .twosided = PETSC_TRUE};

    Open(&c, nets[k]);
    q.n = c.n;
    ok(TzLossSample(c.loss, 0));
    ok(TzLossGetNumSamples(c.loss, &S));
    ok(PetscMalloc3(S, &r, S * c.n, &J, 2 * S * c.n, &table));
    ok(TzLossJacobian(c.loss, c.theta, r, J));
    ok(TzLossGradient(c.loss, c.theta, &l, c.grad));
    ok(TzLossResidualVectors(c.loss, c.theta, &q, table));
    for (PetscInt p = 0; p < c.n; p++) {
      PetscReal g = 0;

      for (PetscInt i = 0; i < S; i++) {
        const PetscReal difference = (table[2 * p * S + i] - table[(2 * p + 1) * S + i]) / (2 * q.mu);

        g += 2 * r[i] * J[i * c.n + p] / S;
        off   = PetscMax(off, PetscAbsReal(difference - J[i * c.n + p]));
        scale = PetscMax(scale, PetscAbsReal(J[i * c.n + p]));
      }
      worst = PetscMax(worst, PetscAbsReal(g - c.grad[p]));
    }
    if (!(worst <= 1e-12 * scale * (1 + l)) || !(off <= 1e-6 * scale)) print_error("%s: %g, %g of %g\n", nets[k], (double)worst, (double)off, (double)scale);
    assert_true(worst <= 1e-12 * scale * (1 + l) && off <= 1e-6 * scale);
    ok(PetscFree3(r, J, table));
    Close(&c);
  }
}

/* TAO's own solver on a fixed batch */
static void test_lmvm(void **state)
{
  Case      c;
  PetscReal before, after;

  (void)state;
  Open(&c, "-net_format tt -net_layers 12,8 -net_tt_rank 2 -loss_fixed_points -deriv_type forward");
  ok(TzLossObjective(c.loss, c.theta, &before));
  (void)Solve(&c, "-tao_type lmvm", 60, c.other);
  ok(TzLossObjective(c.loss, c.other, &after));
  assert_true(after < 0.1 * before);
  Close(&c);
}

/* The count is met exactly, the mask is the lowest scores, initial values are those of the dense network, and GraSP's forward version needs no gradient */
static void test_sparse(void **state)
{
  static const char *const methods[] = {"grasp", "zograsp"};

  (void)state;
  for (int i = 0; i < 2; i++) {
    Case            c, dense;
    PetscInt        n, m;
    const PetscInt *mask;
    char            options[256];

    Open(&dense, nets[0]);
    ok(PetscSNPrintf(options, sizeof(options), "-net_format sparse -net_layers 9,7 -net_sparse_count 60 -net_sparse_method %s", methods[i]));
    Open(&c, options);
    ok(TzLossSparsify(dense.loss, c.net));
    ok(TzNetGetNumParameters(c.net, &n));
    assert_int_equal(n, 60);
    ok(TzNetGetMask(c.net, &m, &mask));
    assert_int_equal(m, 60 - 9 - 7 - 1);
    ok(TzNetInitialize(c.net, 1, c.theta));
    for (PetscInt k = 0; k < m; k++) assert_true(c.theta[k] == dense.theta[mask[k]]);
    Close(&c);
    Close(&dense);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exact_gradient), cmocka_unit_test(test_formulas), cmocka_unit_test(test_gaussnewton), cmocka_unit_test(test_jacobian),
    cmocka_unit_test(test_lastlayer),      cmocka_unit_test(test_lmvm),     cmocka_unit_test(test_sparse),
  };
  int failures;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 1;
  return failures;
}
