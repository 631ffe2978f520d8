/* The table of activations, its own rows and registered ones. */
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "activations.h"

#define OK(call) assert_int_equal((call), 0)

/*
  Each derivative against differences of the one before, away from the rectifier's kink. Richardson's extrapolation with h = 1e-3: truncation h^4/30 times a
  fifth derivative, which for these functions is below 100, so 3e-12; rounding 1e-16 / h times the size of the function. Together below 1e-11 (1 + |d|).
*/
static void TestDerivatives(void **state)
{
  TzActivation act;
  PetscInt     rows = 0;

  (void)state;
  for (; (act = TzActivationEach(rows)); rows++)
    for (PetscReal z = -6.05; z < 6.1; z += 0.1)
      for (int k = 1; k <= 3; k++) {
        PetscReal d[4] = {0}, quotient[2];

        for (int i = 0; i < 2; i++) {
          const PetscReal h = 1e-3 / (1 + i);
          PetscReal       p[4], m[4];

          (*act->ops.evaluate)(z + h, k - 1, p);
          (*act->ops.evaluate)(z - h, k - 1, m);
          quotient[i] = (p[k - 1] - m[k - 1]) / (2 * h);
        }
        (*act->ops.evaluate)(z, k, d);
        if (!(fabs((4 * quotient[1] - quotient[0]) / 3 - d[k]) <= 1e-11 * (1 + fabs(d[k])))) fail_msg("%s: derivative %d at %g: %g", act->name, k, z, d[k]);
        if (k == 2 && act->ops.harmonic) assert_true(fabs(d[2] + d[0]) <= 1e-15);
      }
  assert_int_equal(rows, NACTIVATIONS);
}

/* A lower order gives the same numbers and leaves the rest alone; a NaN stays one */
static void TestOrders(void **state)
{
  TzActivation act;

  (void)state;
  for (PetscInt i = 0; (act = TzActivationEach(i)); i++)
    for (int order = 0; order <= 3; order++) {
      PetscReal all[4], d[5] = {7, 7, 7, 7, 7};

      (*act->ops.evaluate)(0.3, 3, all);
      (*act->ops.evaluate)(0.3, order, d);
      for (int k = 0; k < 5; k++) assert_true(d[k] == (k <= order ? all[k] : 7));
      (*act->ops.evaluate)((PetscReal)NAN, 0, d);
      assert_true(isnan(d[0]));
    }
}

static void TestNames(void **state)
{
  const TzActivationOps same = {.evaluate = Softplus}, other = {.evaluate = Cosine}, wrong = {.evaluate = Softplus, .harmonic = PETSC_TRUE};
  const char           *name;
  TzNet                 net;

  (void)state;
  OK(TzNetCreate(PETSC_COMM_SELF, &net));
  for (size_t i = 0; i < NACTIVATIONS; i++) {
    OK(TzNetSetActivation(net, activations[i]));
    OK(TzNetGetActivation(net, &name));
    assert_string_equal(name, activations[i]);
  }
  OK(TzActivationRegister("softplus", &same)); /* a library that is loaded twice */
  OK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_not_equal(TzActivationRegister("softplus", &other), 0);
  assert_int_not_equal(TzActivationRegister("sine", &other), 0);
  assert_int_not_equal(TzActivationRegister("soft", &wrong), 0);
  assert_int_equal(TzNetSetActivation(net, "step"), PETSC_ERR_USER_INPUT);
  OK(PetscPopErrorHandler());
  OK(TzNetGetActivation(net, &name));
  assert_string_equal(name, activations[NACTIVATIONS - 1]);
  OK(TzNetDestroy(&net));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestDerivatives), cmocka_unit_test(TestOrders), cmocka_unit_test(TestNames)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL) || RegisterActivations()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
