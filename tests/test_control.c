/*
  Control problems: minimisers against a search, the equation made from parts against that of type lqr, whose solution is exact, the regulator at the target
  against the same, and every built-in problem against itself.
*/
#include <tenzo.h>
#include <private/tzpdeimpl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void ok(PetscErrorCode ierr)
{
  assert_int_equal(ierr, 0);
}

static TzPDE create(const char options[], PetscInt d)
{
  TzPDE pde;

  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsInsertString(NULL, options));
  ok(TzPDECreate(PETSC_COMM_WORLD, &pde));
  if (d) ok(TzPDESetDim(pde, d));
  ok(TzPDESetFromOptions(pde));
  return pde;
}

/* A problem of this file: what the test wants */
static TzControlParts parts;

static PetscErrorCode SetParts(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(TzPDESetControlParts(pde, &parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(TzPDESetControl(pde, SetParts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a'R a + w.|a| + p.a of diagonal costs */
static PetscReal cost(PetscInt m, const PetscReal r[], const PetscReal w[], const PetscReal p[], const PetscReal a[])
{
  PetscReal sum = 0;

  for (PetscInt j = 0; j < m; j++) sum += r[j] * a[j] * a[j] + w[j] * fabs(a[j]) + p[j] * a[j];
  return sum;
}

/*
  No a on a grid of the bounds costs less than the minimiser. B is a permutation, so p is grad permuted. r = 0: bang-bang, at a bound or at 0; bounds that do
  not have 0 between them.
*/
static void test_minimizer(void **state)
{
  static const PetscReal B[] = {0, 1, 0, 0, 0, 1, 1, 0, 0}, r[] = {0.7, 0, 0.3}, w[] = {0, 0.4, 0.2}, lo[] = {-0.8, -1, 0.1}, hi[] = {1, 0.5, 2};
  PetscReal              z[4] = {0}, g[3], a[3];
  TzPDE                  pde;

  (void)state;
  parts = (TzControlParts){.m = 3, .B = B, .r = r, .absolute = w, .lo = lo, .hi = hi};
  pde   = create("-pde_type test", 3);
  ok(TzPDESetUp(pde));
  for (PetscInt k = 0; k < 50; k++) {
    const PetscInt grid = 40;

    ok(TzRandomNormal(1, TZ_STREAM_EQUATION, 0, k, 0, 3, g));
    ok(TzPDEControlMinimize(pde, 1, z, g, a));
    for (PetscInt j = 0; j < 3; j++) {
      const PetscReal p = j == 0 ? g[2] : j == 1 ? g[0] : g[1], least = cost(1, r + j, w + j, &p, a + j);

      assert_true(lo[j] <= a[j] && a[j] <= hi[j]);
      assert_true(j != 1 || a[1] == lo[1] || a[1] == hi[1] || a[1] == 0);
      for (PetscInt i = 0; i <= grid; i++) {
        const PetscReal b = lo[j] + (hi[j] - lo[j]) * (PetscReal)i / (PetscReal)grid;

        assert_true(cost(1, r + j, w + j, &p, &b) >= least - 1e-15);
      }
    }
  }
  ok(TzPDEDestroy(&pde));
}

/* R full: the derivative of the cost, 2 R a + p, vanishes */
static void test_full(void **state)
{
  static const PetscReal R[]  = {2, 0.5, 0.5, 1};
  PetscReal              z[3] = {0}, g[2] = {0.3, -0.7}, a[2];
  TzPDE                  pde;

  (void)state;
  parts = (TzControlParts){.m = 2, .R = R};
  pde   = create("-pde_type test", 2);
  ok(TzPDESetUp(pde));
  ok(TzPDEControlMinimize(pde, 1, z, g, a));
  for (int j = 0; j < 2; j++) assert_true(fabs(2 * (R[2 * j] * a[0] + R[2 * j + 1] * a[1]) + g[j]) <= 1e-15);
  ok(TzPDEDestroy(&pde));
}

/* The lqr of a file, d = 3, m = 2, by parts */
static const PetscReal A[] = {0.1, 0.5, 0, -0.3, 0, 0.2, 0, 1, -0.4}, B[] = {1, 0, 0, 1, 0.5, 0.5}, Q[] = {1, 0.2, 0, 0.2, 0.5, 0, 0, 0, 2},
                       R[] = {1, 0.3, 0.3, 2}, G[] = {1, 0, 0, 0, 0.5, 0, 0, 0, 1}, S[] = {0.5, 0.1, 0, 0.4, 0.2, 0};

static void write(const char file[])
{
  static const struct {
    const char      *name;
    const PetscReal *x;
    int              rows, cols;
  } m[]   = {{"A", A, 3, 3}, {"B", B, 3, 2}, {"Q", Q, 3, 3}, {"R", R, 2, 2}, {"G", G, 3, 3}, {"sigma", S, 3, 2}};
  FILE *f = fopen(file, "w");

  assert_non_null(f);
  for (int k = 0; k < 6; k++) {
    fprintf(f, "%s\n", m[k].name);
    for (int i = 0; i < m[k].rows * m[k].cols; i++) fprintf(f, "%.17g%c", m[k].x[i], (i + 1) % m[k].cols ? ' ' : '\n');
  }
  fclose(f);
}

static PetscErrorCode Drift(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal f[])
{
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) f[i] += A[3 * i + j] * z[j];
  return PETSC_SUCCESS;
}

static PetscErrorCode Running(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal *q)
{
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) *q += z[i] * Q[3 * i + j] * z[j];
  return PETSC_SUCCESS;
}

static PetscErrorCode Terminal(PETSC_UNUSED TzPDE pde, const PetscReal z[], PetscReal *g)
{
  for (int i = 0; i < 3; i++) *g += G[4 * i] * z[i] * z[i];
  return PETSC_SUCCESS;
}

/*
  One problem twice. Their residuals agree for any jet, the value and the gradient of the regulator at the target are the exact solution (of quadratic costs
  differences are exact to rounding), and with -control_extension linear the offset alone solves the equation.
*/
static void test_lqr(void **state)
{
  const char *const extension[] = {"constant", "linear"};
  const PetscReal   weight[]    = {1, 0.5, 1};
  PetscReal         X[5][4], u[6], b[32] = {0}, r[2], v[2], g[2][3], a[2][2];

  (void)state;
  write("test_control.lqr");
  for (int e = 0; e < 4; e++) {
    char      options[64];
    TzPDE     lqr, own;
    PetscReal P[16], y[4];
    PetscBool is;

    parts = (TzControlParts){.m = 2, .drift = Drift, .B = B, .R = R, .noises = 2, .sigma = S, .running = Running, .terminal = e < 2 ? Terminal : NULL};
    if (e >= 2) parts.terminalweight = weight;
    ok(PetscSNPrintf(options, sizeof(options), "-pde_type test -control_extension %s", extension[e % 2]));
    own = create(options, 3);
    ok(TzPDESetUp(own));
    lqr = create("-pde_type lqr -lqr_problem test_control.lqr", 3);
    ok(TzPDESetUp(lqr));
    ok(TzRandomUniform(2, TZ_STREAM_EQUATION, 0, 0, 0, 20, X[0]));
    for (int k = 0; k < 5; k++) {
      ok(TzRandomNormal(3, TZ_STREAM_EQUATION, 0, k, 0, 6, u));
      ok(TzPDEResidual(lqr, 1, X[k], u, &r[0], NULL));
      ok(TzPDEResidual(own, 1, X[k], u, &r[1], NULL));
      assert_true(fabs(r[0] - r[1]) <= 1e-13 * (1 + fabs(r[0])));
      ok(TzPDEExact(lqr, 1, X[k], &v[0], g[0]));
      ok(TzPDEControlLinear(own, "", 1, X[k], &v[1], g[1]));
      assert_true(fabs(v[0] - v[1]) <= 1e-9);
      ok(TzPDEControlMinimize(lqr, 1, X[k], g[0], a[0]));
      ok(TzPDEControlMinimize(own, 1, X[k], g[1], a[1]));
      for (int j = 0; j < 2; j++) assert_true(fabs(a[0][j] - a[1][j]) <= 1e-9);
      ok(TzPDETransformJets(own, 1, X[k], b));
      ok(TzPDEControlOffset(own, X[k][3], P, &is));
      assert_int_equal(is, e >= 2);
      v[1] = 0;
      for (int i = 0; i < 4; i++) y[i] = i < 3 ? X[k][i] : 1;
      for (int i = 0; i < 16; i++) v[1] += y[i / 4] * P[i] * y[i % 4];
      assert_true(!is || fabs(v[1] - b[6]) <= 1e-13);
      if (e % 2 == 0) continue;
      ok(TzPDEResidual(own, 1, X[k], b + 6, &r[1], NULL));
      assert_true(fabs(r[1]) <= 1e-8);
    }
    ok(TzPDEDestroy(&lqr));
    ok(TzPDEDestroy(&own));
  }
  remove("test_control.lqr");
}

/* Every built-in problem: transform and derivatives against differences */
static void test_builtin(void **state)
{
  static const char *const options[] = {"-pde_type pendulum",
                                        "-pde_type pendulum -control_extension linear",
                                        "-pde_type pendulum -pendulum_noise 0",
                                        "-pde_type quadrotor",
                                        "-pde_type quadrotor -control_extension linear",
                                        "-pde_type agents",
                                        "-pde_type agents -pde_dim 16 -control_extension linear",
                                        "-pde_type allencahnrod",
                                        "-pde_type allencahnrod -pde_dim 20 -allencahnrod_noise 0.1 -control_extension linear"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(options); k++) {
    TzPDE           pde = create(options[k], 0);
    TzPDEDeviations dev;

    ok(TzPDECheck(pde, 5, 11, &dev));
    if (!(dev.transform <= 1e-9 && dev.derivative <= 1e-9)) print_error("%s: %g %g\n", options[k], dev.transform, dev.derivative);
    assert_true(dev.transform <= 1e-9 && dev.derivative <= 1e-9);
    ok(TzPDEDestroy(&pde));
  }
}

/*
  The feedback of a network: its gradient is that of its value (differences of order 2 with h = 1e-4: 1e-8 and rounding of 1e-12), its control the minimiser for
  it; one state by itself has the bits that it has among 100.
*/
static void test_feedback(void **state)
{
  static const PetscInt widths[] = {12, 12};
  const PetscReal       h        = 1e-4;
  TzPDE                 pde      = create("-pde_type pendulum -control_extension linear", 0);
  PetscReal             X[100][3], v[100], g[100][2], a[100], one[4], theta[300];
  PetscInt              n;
  TzNet                 net;
  TzControl             control;

  (void)state;
  ok(TzPDESetUp(pde));
  ok(TzNetCreate(PETSC_COMM_SELF, &net));
  ok(TzNetSetFormat(net, TZNETDENSE));
  ok(TzNetSetIO(net, 3, 1));
  ok(TzNetSetHidden(net, 2, widths));
  ok(TzNetSetUp(net));
  ok(TzNetGetNumParameters(net, &n));
  assert_true(n <= 300);
  ok(TzNetInitialize(net, 5, theta));
  ok(TzControlCreate(pde, net, &control));
  ok(TzControlBind(control, theta));
  ok(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, 300, X[0]));
  ok(TzControlEvaluate(control, 100, X[0], v, g[0], a));
  for (int i = 0; i < 100; i += 33) {
    ok(TzControlEvaluate(control, 1, X[i], &one[0], &one[1], &one[3]));
    assert_memory_equal(&one[0], &v[i], sizeof(PetscReal));
    assert_memory_equal(&one[1], g[i], 2 * sizeof(PetscReal));
    assert_memory_equal(&one[3], &a[i], sizeof(PetscReal));
    for (int j = 0; j < 2; j++) {
      PetscReal z[3] = {X[i][0], X[i][1], X[i][2]}, plus, minus;

      z[j] += h;
      ok(TzControlEvaluate(control, 1, z, &plus, NULL, NULL));
      z[j] -= 2 * h;
      ok(TzControlEvaluate(control, 1, z, &minus, NULL, NULL));
      assert_true(fabs((plus - minus) / (2 * h) - g[i][j]) <= 1e-6 * (1 + fabs(g[i][j])));
    }
    ok(TzPDEControlMinimize(pde, 1, X[i], g[i], &one[0]));
    assert_true(one[0] == a[i]);
  }
  ok(TzControlDestroy(&control));
  ok(TzNetDestroy(&net));
  ok(TzPDEDestroy(&pde));
}

/*
  A network of values alone: its feedback is that of the network that it is, to the differences' error, h^2/6 times third derivatives of size 1 with h = 0.01,
  and the rounding of the activations, 12 x 2^-31 / h.
*/
static void test_values(void **state)
{
  TzPDE     pde = create("-pde_type pendulum -control_extension linear", 0);
  PetscReal X[20][3], v[2][20], g[2][20][2], theta[300];

  (void)state;
  ok(TzPDESetUp(pde));
  ok(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, 60, X[0]));
  for (int k = 0; k < 2; k++) {
    const TzDeviceModel model = {.activationbits = k ? 32 : 0};
    TzNet               net;
    TzControl           control;

    ok(TzNetCreate(PETSC_COMM_SELF, &net));
    ok(TzNetSetFormat(net, TZNETDENSE));
    ok(TzNetSetIO(net, 3, 1));
    ok(TzNetSetHidden(net, 2, (PetscInt[]){12, 12}));
    ok(TzNetSetDeviceModel(net, &model));
    ok(TzNetInitialize(net, 5, theta));
    ok(TzControlCreate(pde, net, &control));
    ok(TzControlBind(control, theta));
    ok(TzControlEvaluate(control, 20, X[0], v[k], g[k][0], NULL));
    ok(TzControlDestroy(&control));
    ok(TzNetDestroy(&net));
  }
  for (int i = 0; i < 20; i++) {
    assert_true(fabs(v[0][i] - v[1][i]) <= 1e-7);
    for (int j = 0; j < 2; j++) assert_true(fabs(g[0][i][j] - g[1][i][j]) <= 1e-3);
  }
  ok(TzPDEDestroy(&pde));
}

static void simulate(MPI_Comm comm, TzPDE pde, TzClosedLoop results[2])
{
  TzSimulation simulation;

  ok(TzSimulationCreate(comm, pde, &simulation));
  ok(TzSimulationSetProgress(simulation, -1));
  ok(TzSimulationSetFromOptions(simulation));
  ok(TzSimulationRun(simulation, results));
  ok(TzSimulationDestroy(&simulation));
}

/*
  All ranks together get the bits that one gets alone, the last block being a part of one. By the exact feedback reduced costs are V(x0,0) to the error of the
  steps, here below dt with Euler's method and a fifth of that with Heun's, and twice their interval. No policy costs less than it.
*/
static void test_simulation(void **state)
{
  static const char *const options[] = {"-sim_steps 40", "-sim_steps 80 -sim_integrator heun", "-sim_steps 20 -sim_x0 box"};
  static const PetscReal   error[]   = {1. / 40, 1. / 400};
  TzPDE                    pde       = create("-pde_type lqr", 3);

  (void)state;
  for (int k = 0; k < 3; k++) {
    const PetscReal z[] = {0.5, 0.5, 0.5, 0};
    TzClosedLoop    alone[2], all[2];
    PetscReal       u;

    ok(PetscOptionsClear(NULL));
    ok(PetscOptionsInsertString(NULL, "-sim_policy exact,none -sim_paths 1000 -sim_x0 0.5"));
    ok(PetscOptionsInsertString(NULL, options[k]));
    simulate(PETSC_COMM_SELF, pde, alone);
    simulate(PETSC_COMM_WORLD, pde, all);
    assert_memory_equal(&alone[0].cost, &all[0].cost, sizeof(PetscReal));
    assert_memory_equal(&alone[0].reduced_ci, &all[0].reduced_ci, sizeof(PetscReal));
    assert_memory_equal(&alone[1].excess, &all[1].excess, sizeof(PetscReal));
    assert_true(all[1].excess - all[1].excess_ci > 0 && all[0].excess == 0 && all[0].lost == 0 && all[0].reduced_ci < all[0].cost_ci);
    ok(TzPDEExact(pde, 1, z, &u, NULL));
    if (k < 2) assert_true(fabs(all[0].reduced - u) <= 2 * all[0].reduced_ci + error[k] && all[0].reduced_ci < all[0].cost_ci / 3);
  }
  ok(TzPDEDestroy(&pde));
}

static PetscErrorCode Square(TzPDE pde, const PetscReal z[], PetscReal *q)
{
  for (PetscInt i = 0; i < pde->d; i++) *q += z[i] * z[i];
  return PETSC_SUCCESS;
}

/*
  Without noise the direct optimum of dX = a dt, cost |x|^2 + |a|^2, at the end |x|^2 / 2, is p |x0|^2 with the Riccati equation of the Euler scheme,
  p_k = dt + e p_{k+1} / (1 + dt e p_{k+1}), e = exp(-rho dt): where the gradient is 1e-7 of the first one the cost is within 1e-12 of the least. The search
  begins at the policy before it, so it costs no more than that; within bounds; the same bits on all ranks. Along its path what it costs from there on is
  p_k |x|^2 and the costate 2 p_k x, to the part of the gradient that is left, 1e-7.
*/
static void test_direct(void **state)
{
  static const PetscReal half[] = {0.5, 0.5};
  const PetscInt         N      = 40;
  const PetscReal        x0[]   = {0.5, 0.5};
  PetscReal              cost[2], a[80];
  TzPDE                  pde;

  (void)state;
  for (int k = 0; k < 2; k++) {
    const PetscReal dt = 1. / N, e = k ? exp(-0.7 * dt) : 1;
    PetscReal       p = 0.5, X[41 * 3], u[41], grad[41 * 2];
    TzClosedLoop    alone[2], all[2];

    parts = (TzControlParts){.m = 2, .R = (PetscReal[]){1, 0, 0, 1}, .running = Square, .terminalweight = half, .discount = k ? 0.7 : 0};
    pde   = create("-pde_type test", 2);
    for (PetscInt i = 0; i < N; i++) p = dt + e * p / (1 + dt * e * p);
    ok(PetscOptionsInsertString(NULL, "-sim_policy lqr,direct -sim_paths 100 -sim_steps 40 -sim_x0 0.5"));
    simulate(PETSC_COMM_SELF, pde, alone);
    simulate(PETSC_COMM_WORLD, pde, all);
    assert_memory_equal(&alone[1].cost, &all[1].cost, sizeof(PetscReal));
    assert_true(fabs(all[1].cost - p / 2) <= 1e-12 && all[1].excess < 0);
    ok(PetscArrayzero(a, 80));
    ok(TzPDEControlDirect(pde, "", N, x0, NULL, a, &cost[0], X, u, grad));
    assert_true(fabs(cost[0] - p / 2) <= 1e-12);
    p = 0.5;
    for (PetscInt i = N; i >= 0; i--) {
      const PetscReal *x = X + 3 * i;

      assert_true(fabs(x[2] - i * dt) <= 1e-14 && fabs(u[i] - p * (x[0] * x[0] + x[1] * x[1])) <= 1e-7);
      for (int j = 0; j < 2; j++) assert_true(fabs(grad[2 * i + j] - 2 * p * x[j]) <= 1e-6);
      p = dt + e * p / (1 + dt * e * p);
    }
    ok(TzPDEDestroy(&pde));
  }
  pde = create("-pde_type pendulum -pendulum_noise 0", 2);
  for (PetscInt i = 0; i < N; i++) a[i] = 0.1;
  ok(TzPDEControlDirect(pde, "", N, x0, NULL, a, &cost[0], NULL, NULL, NULL));
  for (PetscInt i = 0; i < N; i++) assert_true(-2 <= a[i] && a[i] <= 2);
  ok(TzPDEControlDirect(pde, "", N, x0, NULL, a, &cost[1], NULL, NULL, NULL));
  assert_true(cost[1] <= cost[0] && cost[0] - cost[1] <= 1e-6 * cost[0]);
  ok(TzPDEDestroy(&pde));
}

/*
  -control_extension path: to second order along an optimum the value of a linear-quadratic problem is itself, at the steps p_k |x|^2 of the Riccati equation of
  the Euler scheme (test_direct()) for every x, also far from the path, and with noise + the sum of e^(-rho (j - k) dt) dt p_j nu d .. of the steps after it.
  1e-6: costates are known to 1e-7.
*/
static void test_along(void **state)
{
  static const PetscReal half[] = {0.5, 0.5}, sigma[] = {0.3, 0, 0, 0.3};
  const PetscInt         N = 40;

  (void)state;
  for (int k = 0; k < 4; k++) {
    const PetscReal dt = 1. / N, e = k % 2 ? exp(-0.7 * dt) : 1;
    PetscReal       p = 0.5, c = 0, P[9];
    PetscBool       is;
    TzPDE           pde;

    parts = (TzControlParts){.m = 2, .R = (PetscReal[]){1, 0, 0, 1}, .running = Square, .terminalweight = half, .discount = k % 2 ? 0.7 : 0};
    if (k > 1) parts.noises = 2, parts.sigma = sigma;
    pde = create("-pde_type test -control_extension path -control_extension_steps 40", 2);
    for (PetscInt i = N; i >= 0; i--) {
      ok(TzPDEControlOffset(pde, i * dt, P, &is));
      assert_true(is && fabs(P[0] - p) <= 1e-6 && fabs(P[4] - p) <= 1e-6 && fabs(P[8] - c) <= 1e-6);
      assert_true(fabs(P[1]) + fabs(P[3]) + fabs(P[2]) + fabs(P[5]) + fabs(P[6]) + fabs(P[7]) <= 1e-6);
      c = e * (c + (k > 1 ? dt * 2 * 0.09 * p : 0));
      p = dt + e * p / (1 + dt * e * p);
    }
    ok(TzPDEDestroy(&pde));
  }
}

/* What a problem may have wrong: one line each */
static void test_mistakes(void **state)
{
  static const PetscReal indefinite[] = {1, 2, 2, 1}, asymmetric[] = {1, 0.5, 0, 1}, full[] = {2, 1, 1, 2}, one[] = {1, 1}, minus[] = {-1, -1},
                         zero[] = {0, 0, 0, 0};
  const TzControlParts wrong[]  = {{.m = 0},
                                   {.m = 2, .R = indefinite},
                                   {.m = 2, .R = asymmetric},
                                   {.m = 2, .R = full, .lo = minus},
                                   {.m = 2, .r = one, .lo = one, .hi = minus},
                                   {.m = 2, .r = zero},
                                   {.m = 2, .r = zero, .lo = minus},
                                   {.m = 2, .r = minus},
                                   {.m = 1, .r = one},
                                   {.m = 2, .r = one, .absolute = minus},
                                   {.m = 2, .r = one, .discount = -1},
                                   {.m = 2, .r = one, .noises = 2, .sigma = zero}};

  (void)state;
  ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(wrong); k++) {
    TzPDE pde;

    parts = wrong[k];
    pde   = create("-pde_type test", 2);
    assert_int_equal(TzPDESetUp(pde), PETSC_ERR_USER_INPUT);
    ok(TzPDEDestroy(&pde));
  }
  ok(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_minimizer),  cmocka_unit_test(test_full),     cmocka_unit_test(test_lqr),
                                     cmocka_unit_test(test_builtin),    cmocka_unit_test(test_feedback), cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_simulation), cmocka_unit_test(test_direct),   cmocka_unit_test(test_along),
                                     cmocka_unit_test(test_mistakes)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL) || TzPDERegister("test", Create)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
