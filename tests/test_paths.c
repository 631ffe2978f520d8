/*
  u by random paths (TzPDEPaths): equations that have the form of Feynman and Kac or of Cole and Hopf are found to have it, with their lambda, others not; the
  exact solution lies in the intervals; the same bits on any number of ranks.
*/
#include <tzpde.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testpde.h"

#define POINTS 3
#define PATHS  2000

static const struct {
  const char *options;
  PetscInt    d;
  TzPathForm  form;
  PetscReal   lambda;
} cases[] = {
  {"-pde_type hjb", 10, TZ_PATHS_COLEHOPF, 0.05},
  {"-pde_type hjb -hjb_exponent 1.5", 10, TZ_PATHS_NONE, 0},
  {"-pde_type lqg -lqg_nu 0.5 -lqg_mu 2", 10, TZ_PATHS_COLEHOPF, 4},
  {"-pde_type lqg -lqg_matrix rosenbrock -lqg_extension heat", 5, TZ_PATHS_COLEHOPF, 1},
  {"-pde_type heat -heat_nu 0.3", 10, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type heat -heat_problem ball", 3, TZ_PATHS_NONE, 0},
  {"-pde_type lqr", 5, TZ_PATHS_COLEHOPF, 0.5},
  {"-pde_type lqr -pde_conditions soft", 5, TZ_PATHS_COLEHOPF, 0.5},
  {"-pde_type lqr -lqr_problem rod", 5, TZ_PATHS_NONE, 0}, /* the control does not act where the noise does */
  {"-pde_type doublewell", 5, TZ_PATHS_COLEHOPF, 1},
  {"-pde_type blackscholes -blackscholes_correlation 0.3", 5, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type blackscholes -blackscholes_payoff geometric -blackscholes_correlation 0.4", 5, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type allencahn", 3, TZ_PATHS_NONE, 0},
  {"-pde_type bangbang", 3, TZ_PATHS_NONE, 0},
  {"-pde_type advection", 3, TZ_PATHS_NONE, 0},
  {"-pde_type eikonal", 3, TZ_PATHS_NONE, 0},
  {"-pde_type exittime -exittime_lambda 2 -pde_radius 1.5", 10, TZ_PATHS_COLEHOPF, 2},
  {"-pde_type committor", 10, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type committor", 2, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type poisson", 10, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type poisson", 2, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type poisson -poisson_solution threebody -pde_conditions soft", 5, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type poisson -poisson_solution sine", 1, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type poisson -poisson_solution sine", 3, TZ_PATHS_FEYNMANKAC, 0},
  {"-pde_type allencahnball", 3, TZ_PATHS_NONE, 0},
};

static void test_form(void **state)
{
  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(cases); k++) {
    TzPDE      pde = test_pde(cases[k].options, cases[k].d);
    TzPathForm form;
    PetscReal  lambda;

    assert_int_equal(TzPDEGetPathForm(pde, &form, &lambda), 0);
    if (form != cases[k].form) print_error("%s: form %d\n", cases[k].options, (int)form);
    assert_int_equal(form, cases[k].form);
    if (form != TZ_PATHS_NONE) assert_true(fabs(lambda - cases[k].lambda) <= 1e-9);
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

/*
  Intervals of 95 percent are 1.96 deviations wide to each side: 3 half widths are 5.9 deviations. Beside the chance there is the error of the time steps
  (second order, 64 steps) and of where a walk ends (1e-5 of the radius): 2e-4 of the value.
*/
static void test_values(void **state)
{
  PetscReal X[POINTS * 11], u[POINTS], half[POINTS], exact[POINTS];

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(cases); k++) {
    TzPDE     pde = test_pde(cases[k].options, cases[k].d);
    TzSampler sampler;

    if (cases[k].form != TZ_PATHS_NONE) {
      assert_int_equal(TzSamplerCreate(PETSC_COMM_WORLD, &sampler), 0);
      assert_int_equal(TzPDESetSampler(pde, sampler), 0);
      assert_int_equal(TzSamplerDraw(sampler, 3, TZ_STREAM_VALIDATION, 0, 0, POINTS, X), 0);
      assert_int_equal(TzSamplerDestroy(&sampler), 0);
      assert_int_equal(TzPDEPaths(pde, POINTS, X, PATHS, 64, 5, u, half), 0);
      assert_int_equal(TzPDEExact(pde, POINTS, X, exact, NULL), 0);
      for (int i = 0; i < POINTS; i++) {
        const PetscBool good = (PetscBool)(fabs(u[i] - exact[i]) <= 3 * half[i] + 2e-4 * fabs(exact[i]) && half[i] <= 0.5 * (fabs(exact[i]) + 1));

        if (!good || getenv("TZ_PRINT")) print_error("%s: %.6g +- %.2g, exact %.6g\n", cases[k].options, u[i], half[i], exact[i]);
        assert_true(good);
      }
    }
    assert_int_equal(TzPDEDestroy(&pde), 0);
  }
}

/* The mean is that of all paths in their order: every rank has the same bits, and they are those of a communicator of one rank */
static void test_ranks(void **state)
{
  TzPDE     all = test_pde("-pde_type doublewell", 3), one;
  PetscReal X[] = {0.1, -0.7, 0.4, 0.1}, u[2], half[2];
  int       size;

  (void)state;
  assert_int_equal(MPI_Comm_size(PETSC_COMM_WORLD, &size), 0);
  assert_int_equal(TzPDECreate(PETSC_COMM_SELF, &one), 0);
  assert_int_equal(TzPDESetDim(one, 3), 0);
  assert_int_equal(TzPDESetFromOptions(one), 0);
  assert_int_equal(TzPDEPaths(all, 1, X, 101, 8, 1, &u[0], &half[0]), 0);
  assert_int_equal(TzPDEPaths(one, 1, X, 101, 8, 1, &u[1], &half[1]), 0);
  assert_true(u[0] == u[1] && half[0] == half[1]);
  assert_int_equal(TzPDEDestroy(&all), 0);
  assert_int_equal(TzPDEDestroy(&one), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_form), cmocka_unit_test(test_values), cmocka_unit_test(test_ranks)};
  int                     failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
