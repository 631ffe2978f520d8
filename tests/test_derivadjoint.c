/*
  The adjoint of every estimator on every format and activation: along a random direction v of the parameters,
  grad . v equals the difference quotient of sum jetbar . jet. And it is linear in jetbar, and a sum over points.
*/
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "activations.h"
#include "formats.h"

#define ok(call) assert_int_equal((call), 0)
#define D        4
#define N        27 /* points: more than a panel */

static const char *const nets[] = {
  "-net_format dense -net_layers 13,9",
  "-net_format dense -net_layers 11",
  "-net_format tt -net_layers 24,16 -net_tt_rank 3",
  "-net_format tt -net_layers 24,16,12 -net_tt_rank 2",
  "-net_format tt -net_layers 30 -net_tt_rank 2",
  "-net_format tt -net_layers 8,24 -net_tt_rank 9 -net_contraction dense",
  "-net_format ttm -net_layers 24,16 -net_tt_rank 3",
  "-net_format sparse -net_layers 24,16 -net_sparse_count 121",
  "-net_format lowrank -net_layers 24,16 -net_tt_rank 3",
  "-net_format lowrankbond -net_layers 24,16 -net_tt_rank 3",
};
static const char *const derivs[] = {"-deriv_type forward", "-deriv_type fd -fd_step 0.1", "-deriv_type stein -stein_sigma 0.3",
                                     "-deriv_type stein -rule_type mc -rule_samples 60 -stein_sigma 0.5"};

typedef struct {
  TzNet      net;
  TzNetEval  eval;
  TzDeriv    deriv;
  PetscInt   np;
  PetscReal *theta, *v, *grad, X[N * D], jet[N * (D + 2)], bar[N * (D + 2)];
} Case;

static void Open(Case *c, const char *net, const char *act, const char *deriv)
{
  char options[512];

  ok(PetscSNPrintf(options, sizeof(options), "%s -net_activation %s %s", net, act, deriv));
  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsInsertString(NULL, options));
  ok(TzNetCreate(PETSC_COMM_SELF, &c->net));
  ok(TzNetSetIO(c->net, D, 1));
  ok(TzNetSetFromOptions(c->net));
  ok(TzNetGetNumParameters(c->net, &c->np));
  ok(TzDerivCreate(PETSC_COMM_SELF, &c->deriv));
  ok(TzDerivSetNet(c->deriv, c->net, NULL));
  ok(TzDerivSetFromOptions(c->deriv));
  ok(TzDerivSetUp(c->deriv));
  ok(TzDerivSample(c->deriv, 3, 1));
  ok(PetscMalloc3(c->np, &c->theta, c->np, &c->v, c->np, &c->grad));
  ok(TzNetInitialize(c->net, 5, c->theta));
  ok(TzRandomNormal(6, TZ_STREAM_DIRECTION, 0, 0, 0, c->np, c->v));
  ok(TzRandomNormal(7, TZ_STREAM_POINTS, 0, 0, 0, N * D, c->X));
  ok(TzRandomNormal(8, TZ_STREAM_POINTS, 0, 1, 0, N * (D + 2), c->bar));
  ok(TzNetEvalCreate(c->net, &c->eval));
  ok(TzNetEvalBind(c->eval, c->theta));
}

static void Close(Case *c)
{
  ok(PetscFree3(c->theta, c->v, c->grad));
  ok(TzNetEvalDestroy(&c->eval));
  ok(TzDerivDestroy(&c->deriv));
  ok(TzNetDestroy(&c->net));
}

/* sum bar . jet at theta + h v; *size: the sum of the absolute values */
static PetscReal Functional(Case *c, PetscReal h, PetscReal *size)
{
  PetscReal *moved, sum = 0;

  *size = 0;
  ok(PetscMalloc1(c->np, &moved));
  for (PetscInt i = 0; i < c->np; i++) moved[i] = c->theta[i] + h * c->v[i];
  ok(TzNetEvalBind(c->eval, moved));
  ok(TzDerivJet(c->deriv, c->eval, N, c->X, c->jet));
  for (PetscInt k = 0; k < N * (D + 2); k++) {
    sum += c->bar[k] * c->jet[k];
    *size += PetscAbsReal(c->bar[k] * c->jet[k]);
  }
  ok(TzNetEvalBind(c->eval, c->theta));
  ok(PetscFree(moved));
  return sum;
}

/*
  Richardson's extrapolation of central differences: truncation O(h^4) times a fifth derivative along v, which for products of several cores
  may be some thousand times the gradient; rounding, 1e-16 / h times the size of the sum, itself raised by the cancellation in the stencils
  (weights up to 1 / (0.1)^2). With h = 1e-3: 1e-9 and 1e-11; 1e-7 of gradient plus size leaves room. The rectifier's formula is
  exact unless a unit changes sign at one of some thousand nodes: h = 1e-7 makes that rare, the rounding is then 1e-7, the tolerance 1e-5.
*/
static void test_differences(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++)
    for (size_t a = 0; a < NMIXTURES; a++)
      for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(derivs); k++) {
        const PetscBool relu = (PetscBool)!strcmp(mixtures[a], "relu");
        const PetscReal h = relu ? 1e-7 : 1e-3, tol = relu ? 1e-5 : 1e-7;
        Case            c;
        PetscReal       got = 0, want, size, scale;

        Open(&c, nets[i], mixtures[a], derivs[k]);
        ok(PetscArrayzero(c.grad, c.np));
        ok(TzDerivAdjoint(c.deriv, c.eval, N, c.X, c.bar, c.grad));
        want  = (Functional(&c, h, &size) - Functional(&c, -h, &size)) / (2 * h);
        scale = size;
        for (PetscInt j = 0; j < c.np; j++) {
          got += c.grad[j] * c.v[j];
          scale += PetscAbsReal(c.grad[j] * c.v[j]);
        }
        if (!relu) want = (4 * (Functional(&c, h / 2, &size) - Functional(&c, -h / 2, &size)) / h - want) / 3;
        if (!(PetscAbsReal(got - want) <= tol * scale))
          printf("%s, %s, %s: %.12g, differences %.12g, scale %g\n", nets[i], mixtures[a], derivs[k], got, want, scale);
        assert_true(PetscAbsReal(got - want) <= tol * scale);
        Close(&c);
      }
}

/* grad is added to, and is the sum over points, whatever panel they come in: two orders of some thousand terms */
static void test_additive(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++)
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(derivs); k++) {
      Case       c;
      PetscReal *each, worst = 0, size = 0;

      Open(&c, nets[i], "sine", derivs[k]);
      ok(PetscCalloc1(c.np, &each));
      ok(PetscArrayzero(c.grad, c.np));
      ok(TzDerivAdjoint(c.deriv, c.eval, N, c.X, c.bar, c.grad));
      for (PetscInt p = 0; p < N; p++) ok(TzDerivAdjoint(c.deriv, c.eval, 1, c.X + p * D, c.bar + p * (D + 2), each));
      for (PetscInt j = 0; j < c.np; j++) {
        worst = PetscMax(worst, PetscAbsReal(each[j] - c.grad[j]));
        size  = PetscMax(size, PetscAbsReal(c.grad[j]));
      }
      assert_true(worst <= 1e-11 * size);
      ok(PetscFree(each));
      Close(&c);
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_differences), cmocka_unit_test(test_additive)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL) || RegisterActivations() || RegisterFormats()) return 1;
  failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 1;
  return failures;
}
