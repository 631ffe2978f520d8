/* Equations: every type, with the example of the README and one made for the purpose, passes one set of tests. */
#include "example_pde.c"
#include "curved_pde.c"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define NPOINTS 7
#define EPS     PETSC_MACHINE_EPSILON

static const char *const types[] = {TZPDEHJB, TZPDELQG, "heat", "curved"};
static const PetscInt    dims[]  = {1, 2, 20, 100, 250};

static void within(const char what[], double value, double expected, double tolerance)
{
  if (!(fabs(value - expected) <= tolerance)) print_error("%s: %.17g, expected %.17g +- %.2g\n", what, value, expected, tolerance);
  assert_true(fabs(value - expected) <= tolerance);
}

static TzPDE create(const char type[], PetscInt d)
{
  TzPDE pde;

  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetType(pde, type), 0);
  assert_int_equal(TzPDESetDim(pde, d), 0);
  assert_int_equal(TzPDESetUp(pde), 0);
  return pde;
}

/* n numbers in (lo, hi) that depend on item */
static PetscReal *draw(PetscInt item, PetscInt n, PetscReal lo, PetscReal hi)
{
  PetscReal *x;

  assert_int_equal(PetscMalloc1(n, &x), 0);
  assert_int_equal(TzRandomUniform(5, TZ_STREAM_POINTS, 0, item, 0, n, x), 0);
  for (PetscInt i = 0; i < n; i++) x[i] = lo + (hi - lo) * x[i];
  return x;
}

typedef PetscReal (*Function)(TzPDE, const PetscReal z[]);

/* (c - 2 sum_i (i+1) x_i/d + 3 t)^2 / 4 and its jet, to be multiplied by the transform */
static PetscReal polynomial(TzPDE pde, const PetscReal z[], PetscReal jet[])
{
  PetscReal s = 0.7 + 3 * z[pde->d], square = 0;

  for (PetscInt i = 0; i < pde->d; i++) s -= 2 * z[i] * (PetscReal)(i + 1) / (PetscReal)pde->d;
  for (PetscInt i = 0; jet && i < pde->d; i++) {
    const PetscReal w = -2 * (PetscReal)(i + 1) / (PetscReal)pde->d;

    jet[1 + i] = s * w / 2;
    square += w * w;
  }
  if (jet) {
    jet[0]          = s * s / 4;
    jet[pde->d + 1] = 1.5 * s;
    jet[pde->d + 2] = square / 2;
  }
  return s * s / 4;
}

static PetscReal transformed(TzPDE pde, const PetscReal z[])
{
  PetscReal *jet, value;

  assert_int_equal(PetscCalloc1(pde->d + 3, &jet), 0);
  polynomial(pde, z, jet);
  assert_int_equal(TzPDETransform(pde, 1, z, jet, jet), 0);
  value = jet[0];
  assert_int_equal(PetscFree(jet), 0);
  return value;
}

static PetscReal exact(TzPDE pde, const PetscReal z[])
{
  PetscReal u;

  assert_int_equal(TzPDEExact(pde, 1, z, &u, NULL), 0);
  return u;
}

/* The jet of f at z by central differences of order 8 with step h: halving it divides the error by 256, down to the rounding */
static void differences(TzPDE pde, Function f, const PetscReal z[], PetscReal h, PetscReal jet[])
{
  static const PetscReal first[] = {0, 4. / 5, -1. / 5, 4. / 105, -1. / 280}, second[] = {-205. / 72, 8. / 5, -1. / 5, 8. / 315, -1. / 560};
  const PetscInt         d = pde->d;
  PetscReal             *y;

  assert_int_equal(PetscMalloc1(d + 1, &y), 0);
  assert_int_equal(PetscArraycpy(y, z, d + 1), 0);
  jet[0]     = f(pde, z);
  jet[d + 2] = 0;
  for (PetscInt i = 0; i <= d; i++) {
    PetscReal g = 0, l = second[0] * jet[0];

    for (int k = 1; k <= 4; k++) {
      PetscReal plus, minus;

      y[i]  = z[i] + k * h;
      plus  = f(pde, y);
      y[i]  = z[i] - k * h;
      minus = f(pde, y);
      g += first[k] * (plus - minus);
      l += second[k] * (plus + minus);
    }
    y[i]       = z[i];
    jet[1 + i] = g / h;
    if (i < d) jet[d + 2] += l / (h * h);
  }
  assert_int_equal(PetscFree(y), 0);
}

/* value is the limit of the differences with steps 2h and h: their error shrinks by at least half of 256 */
static void limit(const char what[], PetscReal value, PetscReal coarse, PetscReal fine, PetscReal rounding)
{
  within(what, fine, value, fabs(coarse - value) / 128 + rounding);
}

/* The product rule against differences of values, each of which has about d roundings */
static void check_transform(TzPDE pde)
{
  const PetscInt  d = pde->d, D = d + 1;
  const PetscReal h = 0.02;
  PetscReal      *X = draw(1, NPOINTS * D, 0.25, 0.75), *jet, *u, *fine, *coarse;

  assert_int_equal(PetscMalloc4(NPOINTS * (D + 2), &jet, NPOINTS * (D + 2), &u, D + 2, &fine, D + 2, &coarse), 0);
  for (PetscInt p = 0; p < NPOINTS; p++) polynomial(pde, X + p * D, jet + p * (D + 2));
  assert_int_equal(TzPDETransform(pde, NPOINTS, X, jet, u), 0);
  assert_int_equal(TzPDETransform(pde, NPOINTS, X, jet, jet), 0);
  assert_memory_equal(u, jet, sizeof(*u) * NPOINTS * (size_t)(D + 2));
  for (PetscInt p = 0; p < NPOINTS; p++) {
    PetscReal rounding;

    differences(pde, transformed, X + p * D, h, fine);
    differences(pde, transformed, X + p * D, 2 * h, coarse);
    rounding = (PetscReal)d * ((PetscReal)d + fabs(fine[0])) * EPS * 8;
    for (PetscInt i = 0; i <= D; i++) limit("transform", u[p * (D + 2) + i], coarse[i], fine[i], rounding / h);
    limit("transform, Laplacian", u[p * (D + 2) + D + 1], coarse[D + 1], fine[D + 1], (PetscReal)d * rounding / (h * h));
  }
  assert_int_equal(PetscFree4(jet, u, fine, coarse), 0);
  assert_int_equal(PetscFree(X), 0);
}

/* <v, T(f) - T(0)> = <T*(v), f>, up to the rounding of sums of D + 2 terms */
static void check_adjoint(TzPDE pde)
{
  const PetscInt D = pde->d + 1, n = NPOINTS * (D + 2);
  PetscReal     *X = draw(2, NPOINTS * D, 0, 1), *f = draw(3, n, -1, 1), *v = draw(4, n, -1, 1), *Tf, *T0, *w;

  assert_int_equal(PetscCalloc3(n, &Tf, n, &T0, n, &w), 0);
  assert_int_equal(TzPDETransform(pde, NPOINTS, X, f, Tf), 0);
  assert_int_equal(TzPDETransform(pde, NPOINTS, X, T0, T0), 0);
  assert_int_equal(PetscArraycpy(w, v, n), 0);
  assert_int_equal(TzPDETransformAdjoint(pde, NPOINTS, X, w), 0);
  for (PetscInt p = 0; p < NPOINTS; p++) {
    PetscReal left = 0, right = 0, size = 0;

    for (PetscInt i = p * (D + 2); i < (p + 1) * (D + 2); i++) {
      left += v[i] * (Tf[i] - T0[i]);
      right += w[i] * f[i];
      size += fabs(v[i]) * (fabs(Tf[i]) + fabs(T0[i])) + fabs(w[i] * f[i]);
    }
    within("adjoint", left, right, 8 * (PetscReal)D * EPS * size);
  }
  assert_int_equal(PetscFree3(Tf, T0, w), 0);
  assert_int_equal(PetscFree(v), 0);
  assert_int_equal(PetscFree(f), 0);
  assert_int_equal(PetscFree(X), 0);
}

/* At t = T, u does not depend on f and is the exact solution */
static void check_terminal(TzPDE pde)
{
  const PetscInt D = pde->d + 1;
  PetscReal     *z = draw(5, D, 0, 1), *f = draw(6, D + 2, -1, 1), *u;

  z[D - 1] = pde->T;
  assert_int_equal(PetscMalloc1(D + 2, &u), 0);
  assert_int_equal(TzPDETransform(pde, 1, z, f, u), 0);
  within("terminal value", u[0], exact(pde, z), 4 * (PetscReal)D * EPS * (1 + fabs(u[0])));
  assert_int_equal(PetscFree(u), 0);
  assert_int_equal(PetscFree(f), 0);
  assert_int_equal(PetscFree(z), 0);
}

/* All residuals here are quadratic in the jet: the central difference with step 1 is the derivative but for rounding */
static void check_residual_derivative(TzPDE pde)
{
  const PetscInt D = pde->d + 1, n = NPOINTS * (D + 2);
  PetscReal     *X = draw(7, NPOINTS * D, 0, 1), *u = draw(8, n, -1, 1), *v = draw(9, n, -1, 1), *plus, *J;
  PetscReal      r[NPOINTS], again[NPOINTS], rp[NPOINTS], rm[NPOINTS];

  assert_int_equal(PetscMalloc2(n, &plus, n, &J), 0);
  assert_int_equal(TzPDEResidual(pde, NPOINTS, X, u, r, NULL), 0);
  assert_int_equal(TzPDEResidual(pde, NPOINTS, X, u, again, J), 0);
  assert_memory_equal(r, again, sizeof(r));
  for (PetscInt i = 0; i < n; i++) plus[i] = u[i] + v[i];
  assert_int_equal(TzPDEResidual(pde, NPOINTS, X, plus, rp, NULL), 0);
  for (PetscInt i = 0; i < n; i++) plus[i] = u[i] - v[i];
  assert_int_equal(TzPDEResidual(pde, NPOINTS, X, plus, rm, NULL), 0);
  for (PetscInt p = 0; p < NPOINTS; p++) {
    PetscReal dot = 0;

    for (PetscInt i = p * (D + 2); i < (p + 1) * (D + 2); i++) dot += J[i] * v[i];
    within("residual's derivative", dot, (rp[p] - rm[p]) / 2, 8 * (PetscReal)(D * D) * EPS);
  }
  assert_int_equal(PetscFree2(plus, J), 0);
  assert_int_equal(PetscFree(v), 0);
  assert_int_equal(PetscFree(u), 0);
  assert_int_equal(PetscFree(X), 0);
}

/* The exact solution's residual, its jet by differences, tends to 0 */
static void check_exact(TzPDE pde)
{
  const PetscInt  d = pde->d;
  const PetscReal h = 0.02;
  PetscReal      *z = draw(11, d + 1, 0.3, 0.7), *jet, *grad, *rough, u, fine, coarse;

  assert_int_equal(PetscMalloc3(d + 3, &jet, d, &grad, d + 3, &rough), 0);
  differences(pde, exact, z, 2 * h, jet);
  assert_int_equal(TzPDEResidual(pde, 1, z, jet, &coarse, NULL), 0);
  differences(pde, exact, z, h, jet);
  assert_int_equal(TzPDEResidual(pde, 1, z, jet, &fine, NULL), 0);
  limit("residual of the exact solution", 0, coarse, fine, 8 * (PetscReal)(d * d) * (1 + fabs(jet[0])) * EPS / (h * h));
  differences(pde, exact, z, 2 * h, rough);
  assert_int_equal(TzPDEExact(pde, 1, z, &u, grad), 0);
  for (PetscInt i = 0; i < d; i++) limit("gradient of the exact solution", grad[i], rough[1 + i], jet[1 + i], 8 * (PetscReal)d * (1 + fabs(u)) * EPS / h);
  assert_int_equal(PetscFree3(jet, grad, rough), 0);
  assert_int_equal(PetscFree(z), 0);
}

static void test_all_types(void **state)
{
  (void)state;
  for (size_t t = 0; t < PETSC_STATIC_ARRAY_LENGTH(types); t++) {
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(dims); i++) {
      TzPDE     pde = create(types[t], dims[i]);
      PetscBool has;

      assert_int_equal(TzPDEHasExact(pde, &has), 0);
      check_transform(pde);
      check_adjoint(pde);
      check_residual_derivative(pde);
      if (has) {
        check_terminal(pde);
        check_exact(pde);
      }
      assert_int_equal(TzPDEDestroy(&pde), 0);
    }
  }
}

/* hjb, d = 20: u = sum x + 1 - t, whose jet in closed form has residual 0 and is that of f = 1 under the transform */
static void test_hjb(void **state)
{
  TzPDE           pde = create(TZPDEHJB, 20);
  PetscReal      *z = draw(10, 21, -1, 1), jet[23] = {1}, r, sum = 0;
  const TzDomain *domain;
  TzProcess       process;
  PetscBool       has;

  (void)state;
  assert_int_equal(TzPDETransform(pde, 1, z, jet, jet), 0);
  for (PetscInt i = 0; i < 20; i++) {
    assert_true(jet[1 + i] == 1);
    sum += z[i];
  }
  within("exact solution", exact(pde, z), sum + 1 - z[20], 40 * EPS);
  within("transform of 1", jet[0], exact(pde, z), 40 * EPS);
  assert_true(jet[21] == -1 && jet[22] == 0);
  assert_int_equal(TzPDEResidual(pde, 1, z, jet, &r, NULL), 0);
  within("residual", r, 0, 4 * EPS);
  assert_int_equal(TzPDEGetDomain(pde, &domain), 0);
  assert_true(domain->type == TZ_DOMAIN_BOX && domain->d == 20 && domain->lo[19] == 0 && domain->hi[19] == 1 && domain->T == 1);
  assert_int_equal(TzPDEGetProcess(pde, &process), 0);
  assert_true(!process.drift && !process.noise && process.nu == 1);
  assert_int_equal(TzPDEHasExact(pde, &has), 0);
  assert_true(has);
  assert_int_equal(PetscFree(z), 0);
  assert_int_equal(TzPDEDestroy(&pde), 0);
}

/* lqg from its terminal value and residual alone */
static PetscErrorCode LQGTerminal(TzPDE pde, const PetscReal z[], PetscReal *g)
{
  PetscReal square = 0;

  for (PetscInt i = 0; i < pde->d; i++) square += z[i] * z[i];
  *g = PetscLogReal((1 + square) / 2);
  return PETSC_SUCCESS;
}

static PetscErrorCode LQGResidual(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r)
{
  *r = TzJetTime(u) + TzJetForm(u, 0);
  for (PetscInt i = 0; i < pde->d; i++) *r -= TzJetGrad(u)[i] * TzJetGrad(u)[i];
  return PETSC_SUCCESS;
}

static PetscErrorCode CreateValues(TzPDE pde)
{
  pde->ops->terminal      = LQGTerminal;
  pde->ops->residualvalue = LQGResidual;
  return PETSC_SUCCESS;
}

/* Tenzo's own derivatives are those that lqg states, to 1e-9 of the largest */
static void test_differences(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(dims); i++) {
    const PetscInt D = dims[i] + 1, n = NPOINTS * (D + 2);
    TzPDE          values = create("values", dims[i]), lqg = create(TZPDELQG, dims[i]);
    PetscReal     *X = draw(12, NPOINTS * D, 0, 1), *f = draw(13, n, -1, 1), *u, *v, *J, *K, r[NPOINTS], q[NPOINTS], size = 1;

    assert_int_equal(PetscMalloc4(n, &u, n, &v, n, &J, n, &K), 0);
    assert_int_equal(TzPDETransform(values, NPOINTS, X, f, u), 0);
    assert_int_equal(TzPDETransform(lqg, NPOINTS, X, f, v), 0);
    for (PetscInt k = 0; k < n; k++) size = PetscMax(size, fabs(v[k]));
    for (PetscInt k = 0; k < n; k++) within("terminal value's derivatives", u[k], v[k], 1e-9 * size);
    assert_int_equal(TzPDEResidual(values, NPOINTS, X, v, r, J), 0);
    assert_int_equal(TzPDEResidual(lqg, NPOINTS, X, v, q, K), 0);
    for (PetscInt k = 0; k < n; k++) within("residual's derivatives", J[k], K[k], 1e-9 * size);
    for (PetscInt k = 0; k < NPOINTS; k++) within("residual", r[k], q[k], (PetscReal)(D * D) * EPS * size);
    assert_int_equal(PetscFree4(u, v, J, K), 0);
    assert_int_equal(PetscFree(f), 0);
    assert_int_equal(PetscFree(X), 0);
    assert_int_equal(TzPDEDestroy(&values), 0);
    assert_int_equal(TzPDEDestroy(&lqg), 0);
  }
}

static void set(const char options[])
{
  assert_int_equal(PetscOptionsClear(NULL), 0);
  assert_int_equal(PetscOptionsInsertString(NULL, options), 0);
}

static void test_options(void **state)
{
  static const char *const wrong[] = {"-pde_type nosuch", "-pde_dim 0",  "-pde_dim -3", "-pde_lo 1", "-pde_lo 2 -pde_hi -2",
                                      "-pde_hi inf",      "-pde_lo nan", "-pde_lo 0,0", "-pde_T 0",  "-pde_T -1"};
  TzPDE                    pde;
  TzPDEType                type;
  PetscInt                 d;
  const TzDomain          *domain;
  PetscReal                z[3] = {1}, jet[5] = {1};

  (void)state;
  set("-pde_type heat -pde_dim 3 -pde_lo -0.5,-1,-2 -pde_hi 2 -pde_T 0.3");
  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetFromOptions(pde), 0);
  assert_int_equal(TzPDESetUp(pde), 0);
  assert_int_equal(TzPDEGetType(pde, &type), 0);
  assert_string_equal(type, "heat");
  assert_int_equal(TzPDEGetDim(pde, &d), 0);
  assert_int_equal(d, 3);
  assert_int_equal(TzPDEGetDomain(pde, &domain), 0);
  assert_true(domain->lo[0] == -0.5 && domain->lo[1] == -1 && domain->lo[2] == -2 && domain->hi[0] == 2 && domain->hi[2] == 2 && domain->T == 0.3);
  assert_int_equal(TzPDEDestroy(&pde), 0);
  set("");
  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetFromOptions(pde), 0);
  assert_int_equal(TzPDEGetType(pde, &type), 0);
  assert_string_equal(type, TZPDEHJB);
  assert_int_equal(TzPDEGetDim(pde, &d), 0);
  assert_int_equal(d, 20);
  assert_int_equal(TzPDEDestroy(&pde), 0);

  set("-pde_type curved -pde_curvature 3 -pde_dim 2");
  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetFromOptions(pde), 0);
  assert_int_equal(TzPDETransform(pde, 1, z, jet, jet), 0);
  assert_true(jet[0] == 4 && jet[4] == 12); /* a and its Laplacian at x = (1, 0), t = 0: f = 1 */
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  assert_int_equal(TzPDEExact(pde, 1, z, jet, NULL), PETSC_ERR_SUP);
  assert_int_equal(TzPDESetType(pde, TZPDEHJB), 0); /* the old type's data is freed */
  assert_int_equal(TzPDEExact(pde, 1, z, jet, NULL), 0);
  assert_int_equal(TzPDEDestroy(&pde), 0);

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(wrong); i++) {
    PetscErrorCode ierr;

    set(wrong[i]);
    assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
    ierr = TzPDESetFromOptions(pde);
    if (!ierr) ierr = TzPDESetUp(pde);
    assert_int_equal(ierr, PETSC_ERR_USER_INPUT);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
  assert_int_equal(PetscPopErrorHandler(), 0);
  set("");
}

static PetscErrorCode Weights(TzPDE pde, const PetscReal z[], PetscReal w[])
{
  for (PetscInt i = 0; i < pde->d; i++) w[i] = z[i] * z[i];
  return PETSC_SUCCESS;
}

/* The noise of a constant form: E[dx dx'] = 2 nu S, so dx = A xi with A A' = 2 nu S, exactly; of a field at each point */
static PetscErrorCode TwoForms(TzPDE pde)
{
  const PetscReal S[] = {2, 0.5, 0, 0.5, 1, -0.25, 0, -0.25, 3};

  return pde->data ? TzPDEAddFormMatrix(pde, S, NULL) : TzPDEAddFormDiagonalField(pde, Weights, NULL);
}

static void test_process(void **state)
{
  const PetscReal S[3][3] = {{2, 0.5, 0}, {0.5, 1, -0.25}, {0, -0.25, 3}};

  (void)state;
  for (int field = 0; field < 2; field++) {
    TzPDE           pde  = create(TZPDEHJB, 3);
    const PetscReal z[4] = {0.5, -2, 3, 0.1};
    PetscReal       A[3][3];
    TzProcess       process;

    pde->ops->setup = TwoForms;
    pde->data       = field ? NULL : pde;
    pde->diffusion  = 0.7;
    assert_int_equal(TzPDESetDim(pde, 3), 0);
    assert_int_equal(TzPDEGetProcess(pde, &process), 0);
    assert_true(process.noise && !process.drift);
    for (int k = 0; k < 3; k++) {
      PetscReal xi[3] = {0}, dx[3];

      xi[k] = 1;
      assert_int_equal((*process.noise)(process.ctx, z, xi, dx), 0);
      for (int i = 0; i < 3; i++) A[i][k] = dx[i];
    }
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++)
        within("A A'", A[i][0] * A[j][0] + A[i][1] * A[j][1] + A[i][2] * A[j][2], 1.4 * (field ? (i == j) * z[i] * z[i] : S[i][j]), 40 * EPS * 10);
    pde->data = NULL;
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

/* An equation whose functions are those of another one has its numbers, bit by bit */
static PetscErrorCode InnerTransform(void *ctx, PetscInt n, const PetscReal X[], PetscReal a[], PetscReal b[])
{
  const TzJetShape *shape;
  PetscInt          size, J;
  PetscReal        *ab;

  PetscFunctionBegin;
  PetscCall(TzPDEGetJetShape((TzPDE)ctx, &shape));
  PetscCall(TzPDEGetTransformSize((TzPDE)ctx, &size));
  J = TzJetSize(shape);
  PetscCall(PetscMalloc1(n * size, &ab));
  PetscCall(TzPDETransformJets((TzPDE)ctx, n, X, ab));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PetscArraycpy(a + i * J, ab + i * size, J));
    PetscCall(PetscArraycpy(b + i * J, ab + i * size + J, J));
  }
  PetscCall(PetscFree(ab));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InnerResidual(void *ctx, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal dr[])
{
  return TzPDEResidual((TzPDE)ctx, n, X, ujet, r, dr);
}

static PetscErrorCode InnerExact(void *ctx, PetscInt n, const PetscReal X[], PetscReal u[], PetscReal grad[])
{
  return TzPDEExact((TzPDE)ctx, n, X, u, grad);
}

static void test_functions(void **state)
{
  const PetscInt d = 5, D = d + 1, J = D + 2;
  TzPDE          inner = create("heat", d), outer;
  TzPDEFunctions f = {.hi = 1, .T = 1, .diffusion = 1, .order = 1, .ctx = inner, .transform = InnerTransform, .residual = InnerResidual, .exact = InnerExact};
  PetscReal     *X = draw(1, NPOINTS * D, 0, 1), *jet = draw(2, NPOINTS * J, -1, 1), *values[2];

  (void)state;
  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &outer), 0);
  assert_int_equal(TzPDESetFunctions(outer, &f), 0);
  assert_int_equal(TzPDESetDim(outer, d), 0);
  for (int k = 0; k < 2; k++) {
    TzPDE      pde = k ? outer : inner;
    PetscReal *u, *dr, *r, *exact;

    values[k] = u = draw(3, NPOINTS * (2 * J + 2), 0, 1);
    dr            = u + NPOINTS * J;
    r             = dr + NPOINTS * J;
    exact         = r + NPOINTS;
    assert_int_equal(TzPDETransform(pde, NPOINTS, X, jet, u), 0);
    assert_int_equal(TzPDEResidual(pde, NPOINTS, X, u, r, dr), 0);
    assert_int_equal(TzPDETransformAdjoint(pde, NPOINTS, X, dr), 0);
    assert_int_equal(TzPDEExact(pde, NPOINTS, X, exact, NULL), 0);
  }
  assert_memory_equal(values[0], values[1], NPOINTS * (2 * J + 2) * sizeof(PetscReal));
  for (int k = 0; k < 2; k++) assert_int_equal(PetscFree(values[k]), 0);
  assert_int_equal(PetscFree(X), 0);
  assert_int_equal(PetscFree(jet), 0);
  assert_int_equal(TzPDEDestroy(&outer), 0);
  assert_int_equal(TzPDEDestroy(&inner), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_all_types), cmocka_unit_test(test_hjb),     cmocka_unit_test(test_differences),
    cmocka_unit_test(test_options),   cmocka_unit_test(test_process), cmocka_unit_test(test_functions),
  };
  int failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  if (PetscDLLibraryRegister_own() || TzPDERegister("curved", CreateCurved) || TzPDERegister("values", CreateValues)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
