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

static TzPDE create(const char options[], PetscInt d)
{
  TzPDE pde;

  assert_int_equal(PetscOptionsClear(NULL), 0);
  assert_int_equal(PetscOptionsInsertString(NULL, options), 0);
  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetDim(pde, d), 0);
  assert_int_equal(TzPDESetFromOptions(pde), 0);
  assert_int_equal(TzPDESetUp(pde), 0);
  return pde;
}

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
};

static void test_values(void **state)
{
  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(values); k++) {
    const PetscInt d   = values[k].d;
    TzPDE          pde = create(values[k].options, d);
    PetscReal      z[251], u;

    for (PetscInt i = 0; i < d; i++) z[i] = i % 2 ? values[k].odd : values[k].even;
    z[d] = values[k].t;
    assert_int_equal(TzPDEExact(pde, 1, z, &u, NULL), 0);
    if (!(fabs(u - values[k].u) <= values[k].tolerance)) print_error("%s, d = %d: %.16g, known %.16g\n", values[k].options, (int)d, u, values[k].u);
    assert_true(fabs(u - values[k].u) <= values[k].tolerance);
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
  {"-pde_type advection -advection_alpha -2", 0},
  {"-pde_type eikonal -eikonal_matrix rosenbrock", 0},
  {"-pde_type allencahn -allencahn_solution wave", 0},
  {"-pde_type allencahn -allencahn_extension heat", 0},
};

static void check(const char options[], PetscInt d)
{
  TzPDE           pde = create(options, d);
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
      check(options, dims[i]);
    }
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(variants); k++)
    for (int i = 0; i < 4; i++)
      if (!variants[k].d || i == 0) check(variants[k].options, variants[k].d ? variants[k].d : dims[i]);
  assert_int_equal(PetscFree(types), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_consistent)};
  int                     failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
