/* HJB-LQG: its exact solution. */
#include <tzpde.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const PetscInt dims[] = {1, 2, 20, 100, 250};

static void within(const char what[], double value, double expected, double tolerance)
{
  if (!(fabs(value - expected) <= tolerance)) print_error("%s: %.17g, expected %.17g +- %.2g\n", what, value, expected, tolerance);
  assert_true(fabs(value - expected) <= tolerance);
}

static TzPDE create(PetscInt d)
{
  TzPDE pde;

  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetType(pde, TZPDELQG), 0);
  assert_int_equal(TzPDESetDim(pde, d), 0);
  assert_int_equal(TzPDESetUp(pde), 0);
  return pde;
}

static PetscReal exact(TzPDE pde, const PetscReal z[])
{
  PetscReal u;

  assert_int_equal(TzPDEExact(pde, 1, z, &u, NULL), 0);
  return u;
}

/* The published values at the origin */
static void test_origin(void **state)
{
  static const struct {
    PetscInt  d;
    PetscReal u;
  } known[] = {
    {20, 2.921014735742570},
    {100, 4.590161724604883},
    {250, 5.515459169993060},
  };

  (void)state;
  for (int i = 0; i < 3; i++) {
    TzPDE     pde    = create(known[i].d);
    PetscReal z[251] = {0};

    within("u(0,0)", exact(pde, z), known[i].u, 1e-14);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

typedef struct {
  PetscReal d, c, square, scale;
} Integral;

static double integrand(double y, void *ctx)
{
  const Integral *p = (const Integral *)ctx;
  const PetscReal v = y / p->scale, q = 1 + 4 * p->c * v;

  return 2 / p->scale * exp(-v - p->d / 2 * log(q) - v * p->square / q);
}

/* The integral by GSL's adaptive Gauss-Kronrod rule, asked for 1e-13: from the origin out to |x| = 4 sqrt(d), from t = 0 to T */
static void test_integral(void **state)
{
  gsl_integration_workspace *w = gsl_integration_workspace_alloc(1000);

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(dims); i++) {
    const PetscInt d   = dims[i];
    TzPDE          pde = create(d);
    PetscReal      z[251];

    for (int r = 0; r <= 8; r++) {
      for (int s = 0; s <= 8; s++) {
        Integral     p = {.d = (PetscReal)d};
        gsl_function f = {integrand, &p};
        double       value, error;

        for (PetscInt l = 0; l < d; l++) z[l] = r / 2. * (l % 2 ? -1 : 1);
        z[d]     = s < 8 ? s / 7. : 1 - 1e-6;
        p.c      = 1 - z[d];
        p.square = r * r / 4. * p.d;
        p.scale  = 1 + 2 * p.d * p.c + p.square;
        assert_int_equal(gsl_integration_qagiu(&f, 0, 0, 1e-13, 1000, w, &value, &error), 0);
        within("lqg", exact(pde, z), -log(value), 1e-12);
      }
    }
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
  gsl_integration_workspace_free(w);
}

/* Just before T: u = g + (T - t) (Lap g - |grad g|^2) + terms of order (T - t)^2, below 1e-12 here; g and its jet are those of f = 0 */
static void test_terminal(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(dims); i++) {
    const PetscInt  d   = dims[i];
    TzPDE           pde = create(d);
    const PetscReal c   = 0x1p-26;
    PetscReal       z[251], jet[253] = {0}, slope;

    assert_int_equal(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, d, z), 0);
    z[d] = 1 - c;
    assert_int_equal(TzPDETransform(pde, 1, z, jet, jet), 0);
    slope = jet[d + 2];
    for (PetscInt l = 1; l <= d; l++) slope -= jet[l] * jet[l];
    within("just before T", exact(pde, z), jet[0] + c * slope, 1e-12);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

/* The heat extension has the terminal value at t = T, and with f = 0 the residual -8 |x|^2/q^2, q = 1 + |x|^2 + 2 d (1 - t), up to the cancellation of 2 d/q */
static void test_heat_extension(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(dims); i++) {
    const PetscInt d = dims[i];
    TzPDE          pde;
    PetscReal      z[251], f[253] = {0}, u[253], r, square = 0, q;

    assert_int_equal(PetscOptionsSetValue(NULL, "-lqg_extension", "heat"), 0);
    assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
    assert_int_equal(TzPDESetType(pde, TZPDELQG), 0);
    assert_int_equal(TzPDESetDim(pde, d), 0);
    assert_int_equal(TzPDESetFromOptions(pde), 0);
    assert_int_equal(TzPDESetUp(pde), 0);
    assert_int_equal(PetscOptionsClearValue(NULL, "-lqg_extension"), 0);
    assert_int_equal(TzRandomNormal(1, TZ_STREAM_POINTS, 0, (PetscInt)i, 0, d, z), 0);
    for (PetscInt k = 0; k < d; k++) square += z[k] * z[k];
    z[d] = 0.3;
    q    = 1 + square + 2 * d * 0.7;
    assert_int_equal(TzPDETransform(pde, 1, z, f, u), 0);
    assert_int_equal(TzPDEResidual(pde, 1, z, u, &r, NULL), 0);
    within("residual", r, -8 * square / (q * q), 1e-14 * (1 + d));
    z[d] = 1;
    assert_int_equal(TzPDETransform(pde, 1, z, f, u), 0);
    within("terminal value", u[0], log((1 + square) / 2), 1e-14);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_origin), cmocka_unit_test(test_integral), cmocka_unit_test(test_terminal),
                                     cmocka_unit_test(test_heat_extension)};
  int                     failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
