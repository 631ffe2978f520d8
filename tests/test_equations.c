/*
  The table of equations: every published value of a reference solution to its digits, and every type, with every one of its variants,
  against itself (TzPDECheck).
*/
#include <tzpde.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testpde.h"

/* u at x = (even, odd, even, ...), t: to the digits that are known */
static const struct {
  const char *options;
  PetscInt    d;
  PetscReal   even, odd, t, u, tolerance;
} values[] = {
  {"-pde_type lqg", 10, 0, 0, 0, 2.15702246482473, 1e-14},
  {"-pde_type lqg", 20, 0, 0, 0, 2.92101473574257, 1e-14},
  {"-pde_type lqg", 100, 0, 0, 0, 4.59016172460488, 1e-14},
  {"-pde_type lqg", 250, 0, 0, 0, 5.51545916999306, 1e-14},
  {"-pde_type lqg -lqg_mu 0.5", 100, 0, 0, 0, 4.59521041537097, 1e-14},
  {"-pde_type lqg -lqg_mu 2", 100, 0, 0, 0, 4.57996197499690, 1e-14},
  {"-pde_type allencahn", 20, 0, 0, 0, 0.206354819865008, 2e-14},
  {"-pde_type allencahn", 100, 0, 0, 0, 0.052781357409636, 2e-14},
  {"-pde_type semilinearheat", 20, 0, 0, 0, 0.406804945364730, 2e-14},
  {"-pde_type semilinearheat", 100, 0, 0, 0, 0.31662780758578, 2e-14},
  {"-pde_type sinegordon", 20, 0, 0, 0, 0.208097556823421, 2e-14},
  {"-pde_type doublewell", 1, -1, 0, 0, 0.193744718843737, 2e-14},
  {"-pde_type doublewell", 1, 0, 0, 0, 0.072385041625679, 2e-14},
  {"-pde_type doublewell", 1, 1, 0, 0, 0.017242650509072, 2e-14},
  {"-pde_type doublewell", 50, -1, 1, 0, 25 * (0.193744718843737 + 0.017242650509072), 5e-13},
  {"-pde_type blackscholes", 100, 1, 0.5, 0, 77.1048787472965, 2e-13},
  {"-pde_type blackscholes -blackscholes_payoff max", 100, 100, 100, 0, 155.921631489169, 1e-12},
  {"-pde_type exittime", 10, 0, 0, 0, 0.480938878731942, 2e-15},
  {"-pde_type exittime", 100, 0, 0, 0, 0.497579895851282, 2e-15},
};

static void test_values(void **state)
{
  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(values); k++) {
    const PetscInt d   = values[k].d;
    TzPDE          pde = test_pde(values[k].options, d);
    PetscReal      z[251], u;

    for (PetscInt i = 0; i < d; i++) z[i] = i % 2 ? values[k].odd : values[k].even;
    z[d] = values[k].t;
    assert_int_equal(TzPDEExact(pde, 1, z, &u, NULL), 0);
    if (!(fabs(u - values[k].u) <= values[k].tolerance)) print_error("%s, d = %d: %.17g, known %.17g\n", values[k].options, (int)d, u, values[k].u);
    assert_true(fabs(u - values[k].u) <= values[k].tolerance);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

/*
  Radial equations in many dimensions: |x|^2 of a path that starts at the origin is 2 d tau but for a part of order 1/sqrt(d), so that u(0,0) is what the
  reaction makes of the terminal value on the mean path, which `-allencahn_extension reaction` has in closed form, but for its second derivative in |x|^2: with
  g = 5/4 1/(d T) and |x|^2 <= 2 d T this is 1/d^2 times a number that tends to a limit as 1/d does to 0
*/
static void test_many_dimensions(void **state)
{
  PetscReal before = 0;

  (void)state;
  for (PetscInt d = 1000; d <= 1000000; d *= 10) {
    TzPDE      pde = test_pde("-pde_type allencahn -allencahn_extension reaction", d);
    PetscReal *z, *jet, u, rest;

    assert_int_equal(PetscCalloc2(d + 1, &z, d + 3, &jet), 0);
    assert_int_equal(TzPDEExact(pde, 1, z, &u, NULL), 0);
    assert_int_equal(TzPDETransform(pde, 1, z, jet, jet), 0);
    rest = (u - jet[0]) * (PetscReal)d * (PetscReal)d;
    if (before != 0) assert_true(fabs(rest / before - 1) < 250. / (PetscReal)d);
    before = rest;
    assert_int_equal(PetscFree2(z, jet), 0);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

/* Variants that are checked against themselves, beside every type as it is by default */
static const struct {
  const char *options;
  PetscInt    d; /* 0: 1, 2, 20 and 100 */
} variants[] = {
  {"-pde_type lqg -lqg_extension heat", 0},
  {"-pde_type lqg -lqg_nu 0.7 -lqg_mu 0.2", 0},
  {"-pde_type lqg -lqg_nu 0.25 -lqg_mu 5 -lqg_extension heat", 0},
  {"-pde_type lqg -lqg_matrix diagonal -lqg_mu 1.5", 0},
  {"-pde_type lqg -lqg_matrix rosenbrock -lqg_extension heat", 0},
  {"-pde_type lqg -lqg_matrix rosenbrock -lqg_nu 0.5 -lqg_mu 0.8", 0},
  {"-pde_type hjb -hjb_exponent 1.5", 0},
  {"-pde_type hjb -hjb_exponent 3.7", 0},
  {"-pde_type heat -heat_nu 0.3", 0},
  {"-pde_type lqr -lqr_q 2 -lqr_g 3 -lqr_nu 0.2", 0},
  {"-pde_type lqr -lqr_q 0 -lqr_g 2", 0},
  {"-pde_type lqr -lqr_nu 0", 0},
  {"-pde_type lqr -lqr_extension constant", 0},
  {"-pde_type lqr -lqr_problem rod -lqr_extension constant", 20},
  {"-pde_type lqr -lqr_discount 0.3", 0},
  {"-pde_type lqr -lqr_problem rod", 20},
  {"-pde_type lqr -lqr_problem rod -pde_T 2", 50},
  {"-pde_type lqr -lqr_problem rod -lqr_discount 0.5", 50},
  {"-pde_type doublewell -doublewell_kappa 3 -doublewell_eta 1 -pde_T 1", 0},
  {"-pde_type blackscholes -blackscholes_correlation 0.3 -blackscholes_drift 0.1", 20},
  {"-pde_type blackscholes -blackscholes_matrix rosenbrock -blackscholes_correlation 0.5", 20},
  {"-pde_type blackscholes -blackscholes_matrix diagonal -blackscholes_volatility 0.1,0.2,0.3 -blackscholes_drift 0.1,0,-0.1", 3},
  {"-pde_type blackscholes -blackscholes_payoff geometric", 0},
  {"-pde_type blackscholes -blackscholes_payoff geometric -blackscholes_correlation 0.4 -blackscholes_strike 1 -blackscholes_drift 0.02", 20},
  {"-pde_type blackscholes -blackscholes_payoff max", 1},
  {"-pde_type blackscholes -blackscholes_payoff max", 5},
  {"-pde_type blackscholes -blackscholes_payoff max -blackscholes_strike 1 -blackscholes_volatility 0.3 -pde_T 0.5", 20},
  {"-pde_type heat -heat_problem ball", 0},
  {"-pde_type heat -heat_problem ball -pde_conditions soft -pde_radius 1.5", 5},
  {"-pde_type poisson -poisson_solution threebody", 20},
  {"-pde_type poisson -poisson_solution threebody -pde_conditions soft -pde_radius 2", 3},
  {"-pde_type poisson -poisson_solution sine", 0},
  {"-pde_type allencahnball -allencahnball_solution threebody -allencahnball_seed 5", 20},
  {"-pde_type sinegordonball -sinegordonball_solution threebody", 100},
  {"-pde_type exittime -exittime_lambda 3 -exittime_f 0.5 -pde_radius 2", 0},
  {"-pde_type committor -pde_inner 0.5 -pde_radius 3", 0},
  {"-pde_type committor -pde_conditions soft", 10},
  {"-pde_type advection -advection_alpha -2", 0},
  {"-pde_type eikonal -eikonal_matrix rosenbrock", 0},
  {"-pde_type allencahn -allencahn_solution wave", 0},
  {"-pde_type allencahn -allencahn_extension heat", 0},
  {"-pde_type allencahn -allencahn_extension reaction", 0},
  {"-pde_type doublewell -doublewell_extension drift", 0},
  {"-pde_type doublewell -doublewell_extension drift -doublewell_kappa 0.5 -pde_T 2", 0},
};

/* Types that need more dimensions say so; control problems without a known solution are those of test_control */
static PetscBool exists(const char options[], PetscInt d)
{
  PetscErrorCode ierr;
  PetscBool      exact;
  TzPDE          pde;

  assert_int_equal(PetscOptionsClear(NULL), 0);
  assert_int_equal(PetscOptionsInsertString(NULL, options), 0);
  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetDim(pde, d), 0);
  assert_int_equal(TzPDESetFromOptions(pde), 0);
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  ierr = TzPDESetUp(pde);
  assert_int_equal(PetscPopErrorHandler(), 0);
  assert_int_equal(TzPDEHasExact(pde, &exact), 0);
  assert_int_equal(TzPDEDestroy(&pde), 0);
  assert_true(!ierr || (ierr == PETSC_ERR_USER_INPUT && (d <= 2 || !exact)));
  return (PetscBool)(!ierr && exact);
}

static void check(const char options[], PetscInt d)
{
  TzPDE           pde = test_pde(options, d);
  TzPDEDeviations v;
  PetscBool       has, good;

  assert_int_equal(TzPDEHasExact(pde, &has), 0);
  assert_true(has);
  assert_int_equal(TzPDECheck(pde, 4, 17, &v), 0);
  good = (PetscBool)(v.residual <= 1e-9 && v.gradient <= 1e-9 && v.condition <= 1e-12 && v.transform <= 1e-9 && v.derivative <= 1e-9 && v.residual >= 0);
  if (!good || getenv("TZ_PRINT"))
    print_error("%s, d = %d: residual %.1e gradient %.1e condition %.1e transform %.1e derivative %.1e\n", options, (int)d, v.residual, v.gradient, v.condition,
                v.transform, v.derivative);
  assert_true(good);
  assert_int_equal(TzPDEDestroy(&pde), 0);
}

static void test_consistent(void **state)
{
  static const PetscInt dims[] = {1, 2, 20, 100};
  const char          **types;
  char                  options[128];
  PetscInt              n;

  (void)state;
  assert_int_equal(TzPDEGetTypes(&n, &types), 0);
  assert_true(n >= 6);
  for (PetscInt k = 0; k < n; k++)
    for (int i = 0; i < 4; i++) {
      assert_int_equal(PetscSNPrintf(options, sizeof(options), "-pde_type %s", types[k]), 0);
      if (exists(options, dims[i])) check(options, dims[i]);
    }
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(variants); k++)
    for (int i = 0; i < 4; i++)
      if (!variants[k].d || i == 0) check(variants[k].options, variants[k].d ? variants[k].d : dims[i]);
  assert_int_equal(PetscFree(types), 0);
}

/* rows x cols random numbers under a name; with `square` M M' + I/2 of them */
static void put(FILE *f, const char name[], PetscInt item, PetscInt rows, PetscInt cols, PetscBool square)
{
  PetscReal x[100];

  assert_int_equal(TzRandomNormal(3, TZ_STREAM_EQUATION, 0, item, 0, rows * cols, x), 0);
  fprintf(f, "%s\n", name);
  for (PetscInt i = 0; i < rows; i++) {
    for (PetscInt j = 0; j < (square ? rows : cols); j++) {
      PetscReal v = square ? (i == j) / 2. : x[i * cols + j];

      for (PetscInt k = 0; square && k < cols; k++) v += x[i * cols + k] * x[j * cols + k];
      fprintf(f, "%.17g ", v);
    }
    fprintf(f, "\n");
  }
}

/* Full matrices from a file, with 4 controls and 3 noises in 10 dimensions, and three of them alone: the others have defaults */
static void test_lqr_file(void **state)
{
  FILE *f = fopen("test_equations.lqr", "w");

  (void)state;
  assert_non_null(f);
  fprintf(f, "# a comment\n");
  put(f, "A", 0, 10, 10, PETSC_FALSE);
  put(f, "B", 1, 10, 4, PETSC_FALSE);
  put(f, "Q", 2, 10, 2, PETSC_TRUE);
  put(f, "R", 3, 4, 4, PETSC_TRUE);
  put(f, "G", 4, 10, 1, PETSC_TRUE);
  put(f, "sigma", 5, 10, 3, PETSC_FALSE);
  fclose(f);
  check("-pde_type lqr -lqr_problem test_equations.lqr -pde_T 0.7", 10);
  check("-pde_type lqr -lqr_problem test_equations.lqr -lqr_discount 2", 10);
  check("-pde_type lqr -lqr_problem test_equations.lqr -lqr_extension constant", 10);
  remove("test_equations.lqr");
}

/*
  A = 0, B = R = sigma = I, Q = q I, G = g I: u = p |x|^2 + c with p = w tanh(w tau + c0), c = d (ln cosh(w tau + c0) - ln cosh c0), w = sqrt q, c0 =
  artanh(g/w); by the closed form of the type and by the Riccati equation of matrices
*/
static void test_lqr_scalar(void **state)
{
  const PetscReal q = 2.3, g = 0.7, w = sqrt(q), c0 = atanh(g / w), z[] = {0.3, -0.8, 0.45, 0.2};
  FILE           *f = fopen("test_equations.lqr", "w");

  (void)state;
  assert_non_null(f);
  for (int k = 0; k < 2; k++) fprintf(f, "%s\n%.17g 0 0\n0 %.17g 0\n0, 0, %.17g # symmetric\n", k ? "G" : "Q", k ? g : q, k ? g : q, k ? g : q);
  fclose(f);
  for (int k = 0; k < 2; k++) {
    TzPDE           pde = test_pde(k ? "-pde_type lqr -lqr_problem test_equations.lqr -pde_T 3" : "-pde_type lqr -lqr_q 2.3 -lqr_g 0.7 -pde_T 3", 3);
    const PetscReal y = w * (3 - z[3]) + c0, square = z[0] * z[0] + z[1] * z[1] + z[2] * z[2];
    PetscReal       u, grad[3], known = w * tanh(y) * square + 3 * (log(cosh(y)) - log(cosh(c0)));

    assert_int_equal(TzPDEExact(pde, 1, z, &u, grad), 0);
    assert_true(fabs(u - known) <= 2e-14 * known && fabs(grad[1] - 2 * w * tanh(y) * z[1]) <= 2e-14);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
  remove("test_equations.lqr");
}

/* What a user may get wrong: one line each, here with the files that are needed */
static const struct {
  const char *options, *file;
} wrong[] = {
  {"-pde_type hjb -hjb_exponent 1", NULL},
  {"-pde_type allencahn -pde_T 0", NULL},
  {"-pde_type allencahn -pde_T -1", NULL},
  {"-pde_type heat -heat_nu 0", NULL},
  {"-pde_type lqg -lqg_nu -1", NULL},
  {"-pde_type lqg -lqg_mu 0", NULL},
  {"-pde_type lqg -lqg_matrix nosuch", NULL},
  {"-pde_type lqg -lqg_matrix test_equations.txt", "1 0\n0 1\n"},
  {"-pde_type lqg -lqg_matrix test_equations.txt", "1 0 0\n0 1 0\n0 0 -1\n"},
  {"-pde_type lqg -lqg_matrix test_equations.txt", "1 0 0\n0 1 0\n0 0.5 1\n"},
  {"-pde_type lqg -lqg_matrix test_equations.txt", "1 0 0\n0 1 0 7\n0 0 1\n"},
  {"-pde_type lqg -lqg_matrix test_equations.txt", "1 0 0\n0 1 nan\n0 0 1\n"},
  {"-pde_type lqg -lqg_matrix test_equations.txt", "N\n1 0 0\n0 1 0\n0 0 1\n"},
  {"-pde_type lqr -lqr_nu -1", NULL},
  {"-pde_type lqr -lqr_problem test_equations.txt", "C\n1 0 0\n0 1 0\n0 0 1\n"},
  {"-pde_type lqr -lqr_problem test_equations.txt", "R\n1 0 0\n0 1 0\n0 0 0\n"},
  {"-pde_type lqr -lqr_problem test_equations.txt", "B\n1\n0\n0\nR\n1 0\n0 1\n"},
  {"-pde_type lqr -lqr_problem test_equations.txt", "Q\n-1 0 0\n0 1 0\n0 0 1\n"},
  {"-pde_type lqr -lqr_problem test_equations.txt", "sigma\n1 0 0\n0 1 0\n"},
  {"-pde_type lqr -lqr_discount 0.1 -lqr_problem test_equations.txt", "A\n1 0 0\n0 1 0\n0 0 1\nB\n0\n0\n1\nQ\n1 0 0\n0 1 0\n0 0 1\n"},
  {"-pde_type doublewell -doublewell_kappa 0", NULL},
  {"-pde_type blackscholes -blackscholes_volatility 0", NULL},
  {"-pde_type blackscholes -blackscholes_volatility 0.1,0.2", NULL},
  {"-pde_type blackscholes -blackscholes_correlation -0.5", NULL},
  {"-pde_type blackscholes -blackscholes_correlation test_equations.txt", "1 0.1 0\n0.1 1 0\n0 0 2\n"},
  {"-pde_type blackscholes -blackscholes_payoff geometric -pde_lo 0", NULL},
  {"-pde_type blackscholes -blackscholes_payoff max -blackscholes_correlation 0.5", NULL},
  {"-pde_type doublewell -pde_hi 5", NULL},
  {"-pde_type exittime -exittime_f 0", NULL},
  {"-pde_type exittime -pde_radius -1", NULL},
  {"-pde_type committor -pde_inner 3", NULL},
  {"-pde_type poisson -poisson_solution sine -pde_dim 2 -pde_radius 2", NULL}, /* a box */
  {"-pde_type poisson -pde_dim 1", NULL},
  {"-pde_type exittime -pde_T 2", NULL},            /* no time */
  {"-pde_type lqr -lqr_discount 1 -pde_T 2", NULL}, /* no time: the option is not read */
};

static void test_mistakes(void **state)
{
  (void)state;
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(wrong); k++) {
    FILE          *f = wrong[k].file ? fopen("test_equations.txt", "w") : NULL;
    PetscErrorCode ierr;
    TzPDE          pde;

    if (f) {
      fputs(wrong[k].file, f);
      fclose(f);
    }
    assert_int_equal(PetscOptionsClear(NULL), 0);
    assert_int_equal(PetscOptionsInsertString(NULL, wrong[k].options), 0);
    assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
    assert_int_equal(TzPDESetDim(pde, 3), 0);
    ierr = TzPDESetFromOptions(pde);
    if (!ierr) ierr = TzPDESetUp(pde);
    if (!ierr) ierr = TzOptionsCheckUnused(PETSC_COMM_WORLD);
    if (ierr != PETSC_ERR_USER_INPUT && ierr != PETSC_ERR_FILE_READ && ierr != PETSC_ERR_FILE_UNEXPECTED) print_error("%s: error %d\n", wrong[k].options, ierr);
    assert_true(ierr == PETSC_ERR_USER_INPUT || ierr == PETSC_ERR_FILE_READ || ierr == PETSC_ERR_FILE_UNEXPECTED);
    assert_int_equal(TzPDEDestroy(&pde), 0);
    remove("test_equations.txt");
  }
  assert_int_equal(PetscPopErrorHandler(), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),   cmocka_unit_test(test_many_dimensions), cmocka_unit_test(test_consistent),
                                     cmocka_unit_test(test_lqr_file), cmocka_unit_test(test_lqr_scalar),      cmocka_unit_test(test_mistakes)};
  int                     failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
