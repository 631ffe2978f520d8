/*
  -net_precision single: stencils in single precision against the same in double.

  A float product is a sum of some hundred terms of either sign: rounded at 6e-8 each, and some tens of times smaller than the sum of their sizes.
  So 100 x 6e-8 of the largest difference is what differences of either parity may be off, at every length of the stencil; the double ones
  are themselves off by the rounding of values of order one, 1e-14.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((call), 0)
#define D        21
#define NPTS     30
#define UNIT     0x1p-24

typedef struct {
  TzNet      net;
  TzDeriv    deriv;
  TzNetEval  eval;
  PetscReal *theta, X[NPTS * D];
} Case;

static void Create(const char *options, Case *c)
{
  PetscInt n;

  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, "-net_layers 256,192 -net_tt_rank 4"));
  OK(PetscOptionsInsertString(NULL, options));
  OK(TzNetCreate(PETSC_COMM_SELF, &c->net));
  OK(TzNetSetIO(c->net, D, 1));
  OK(TzNetSetFromOptions(c->net));
  OK(TzDerivCreate(PETSC_COMM_SELF, &c->deriv));
  OK(TzDerivSetNet(c->deriv, c->net, NULL));
  OK(TzDerivSetFromOptions(c->deriv));
  OK(TzDerivSetUp(c->deriv));
  OK(TzNetGetNumParameters(c->net, &n));
  OK(PetscMalloc1(n, &c->theta));
  OK(TzNetInitialize(c->net, 3, c->theta));
  OK(TzRandomUniform(4, TZ_STREAM_POINTS, 0, 0, 0, NPTS * D, c->X));
  OK(TzNetEvalCreate(c->net, &c->eval));
  OK(TzNetEvalBind(c->eval, c->theta));
}

static void Destroy(Case *c)
{
  OK(TzNetEvalDestroy(&c->eval));
  OK(PetscFree(c->theta));
  OK(TzDerivDestroy(&c->deriv));
  OK(TzNetDestroy(&c->net));
}

static double Largest(PetscInt n, const PetscReal v[], const PetscReal w[])
{
  double most = 0;

  for (PetscInt i = 0; i < n; i++) {
    assert_true(isfinite(v[i]));
    most = fmax(most, fabs(v[i] - (w ? w[i] : 0)));
  }
  return most;
}

/* The differences of either parity on the sparse grid, scaled from tiny to longer than the series reach; a block of nodes alone is the same bits */
static void TestDifferences(void **state)
{
  (void)state;
  for (double s = 1e-4; s < 2; s *= 5) {
    PetscReal *v[2], f0[2][NPTS];
    PetscInt   n = 0;

    for (int single = 0; single < 2; single++) {
      const TzPairs *pairs;
      TzRule         rule;
      Case           c;

      Create(single ? "-net_precision single" : "", &c);
      OK(TzDerivGetRule(c.deriv, &rule));
      OK(TzRuleGetPairs(rule, &pairs));
      n = NPTS * pairs->npairs;
      OK(PetscMalloc1(2 * n, &v[single]));
      OK(TzNetEvalStencil(c.eval, NPTS, c.X, pairs, s, 0, pairs->npairs, f0[single], v[single], v[single] + n));
      if (single) {
        PetscReal part[2 * (NPTS - 3) * 48], f[NPTS];

        OK(TzNetEvalStencil(c.eval, NPTS - 3, c.X + 3 * D, pairs, s, 72, 120, f, part, part + (NPTS - 3) * 48));
        for (PetscInt p = 3; p < NPTS; p++) assert_memory_equal(part + (p - 3) * 48, v[1] + p * pairs->npairs + 72, 48 * sizeof(PetscReal));
      }
      Destroy(&c);
    }
    assert_memory_equal(f0[0], f0[1], sizeof(f0[0]));
    for (int odd = 0; odd < 2; odd++) {
      const double most = Largest(n, v[0] + odd * n, NULL), off = Largest(n, v[0] + odd * n, v[1] + odd * n);

      print_message("scale %g, %s: single differs by %.2g of the largest\n", s, odd ? "odd" : "even", off / most);
      assert_true(off <= 100 * UNIT * most + 1e-14);
    }
    OK(PetscFree(v[0]));
    OK(PetscFree(v[1]));
  }
}

/* What single precision does to gradient and Laplacian is below a thousandth of the estimators' own errors: smoothing, differences */
static void TestBelowEstimator(void **state)
{
  static const char *const estimators[] = {"-deriv_type stein", "-deriv_type fd -fd_step 0.05"};

  (void)state;
  for (int e = 0; e < 2; e++) {
    PetscReal jet[3][NPTS * (D + 2)];
    double    own, off;

    for (int which = 0; which < 3; which++) {
      char options[128];
      Case c;

      OK(PetscSNPrintf(options, sizeof(options), "%s %s", which < 2 ? estimators[e] : "-deriv_type forward", which == 1 ? "-net_precision single" : ""));
      Create(options, &c);
      OK(TzDerivJet(c.deriv, c.eval, NPTS, c.X, jet[which]));
      Destroy(&c);
    }
    own = Largest(NPTS * (D + 2), jet[0], jet[2]);
    off = Largest(NPTS * (D + 2), jet[0], jet[1]);
    print_message("%s: the estimator is off by %.2g, single precision by %.2g\n", estimators[e], own, off);
    assert_true(off <= 1e-3 * own);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestDifferences), cmocka_unit_test(TestBelowEstimator)};
  int                     failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  PetscPopSignalHandler();
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
