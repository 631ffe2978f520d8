/*
  Derivative estimators against closed forms, on functions that each integrates exactly.

  An estimator is a linear functional on the values of f at a stencil; the functional itself is applied to monomials
  x^alpha about a point c. The Gaussian-smoothed monomial has the closed form prod_i E (c_i + s z)^alpha_i. On a rule of
  degree 2k-1 the value is exact to total degree 2k-1, the gradient (weight of degree 1) to 2k-2, the Laplacian to 2k-3.
  Tolerance: rounding of a sum of terms |coefficient| |f| at 1.1e-16, times 10 for the errors in the coefficients themselves.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <private/tzderivimpl.h>

#define OK(call) assert_int_equal((call), 0)
#define DMAX     8

static TzDeriv Estimator(const char *options, PetscInt d, TzNet *net)
{
  TzDeriv deriv;

  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, "-net_layers 4"));
  OK(PetscOptionsInsertString(NULL, options));
  OK(TzNetCreate(PETSC_COMM_SELF, net));
  OK(TzNetSetIO(*net, d + 1, 1));
  OK(TzNetSetFromOptions(*net));
  OK(TzDerivCreate(PETSC_COMM_SELF, &deriv));
  OK(TzDerivSetNet(deriv, *net, NULL));
  OK(TzDerivSetFromOptions(deriv));
  OK(TzDerivSetUp(deriv));
  return deriv;
}

/* E (c + s z)^a for z ~ N(0,1), and its derivatives in c */
static double Smoothed(int a, double c, double s, int derivative)
{
  double sum = 0, binomial = 1, moment = 1;

  if (derivative) return a ? a * Smoothed(a - 1, c, s, derivative - 1) : 0;
  for (int k = 0; k <= a; k++) {
    if (k % 2 == 0) {
      sum += binomial * pow(c, a - k) * pow(s, k) * moment;
      moment *= k + 1;
    }
    binomial = binomial * (a - k) / (k + 1);
  }
  return sum;
}

static double Monomial(PetscInt D, const int alpha[], const double x[])
{
  double f = 1;

  for (PetscInt i = 0; i < D; i++) f *= pow(x[i], alpha[i]);
  return f;
}

/* the estimator's jet of the monomial at c, and the sum of |terms| that went into each entry */
static void Apply(TzDeriv deriv, const int alpha[], const double c[], double jet[], double size[])
{
  const TzStencil *st = &deriv->stencil;
  const PetscInt   D  = deriv->D;
  const double     f0 = Monomial(D, alpha, c);

  for (PetscInt i = 0; i < D + 2; i++) jet[i] = size[i] = 0;
  jet[0]  = f0;
  size[0] = fabs(f0);
  for (PetscInt j = 0; j < st->pairs->npairs; j++) {
    double x[2][DMAX], f[2], all;

    for (int side = 0; side < 2; side++) {
      for (PetscInt i = 0; i < D; i++) x[side][i] = c[i];
      for (PetscInt k = st->pairs->ptr[j]; k < st->pairs->ptr[j + 1]; k++) x[side][st->pairs->idx[k]] += (side ? -1 : 1) * st->s * st->pairs->val[k];
      f[side] = Monomial(D, alpha, x[side]);
    }
    all = fabs(f[0]) + fabs(f[1]) + 2 * fabs(f0);
    jet[0] += st->value[j] * (f[0] + f[1] - 2 * f0);
    jet[D + 1] += st->form[j] * (f[0] + f[1] - 2 * f0);
    size[0] += fabs(st->value[j]) * all;
    size[D + 1] += fabs(st->form[j]) * all;
    for (PetscInt k = st->pairs->ptr[j]; k < st->pairs->ptr[j + 1]; k++) {
      jet[1 + st->pairs->idx[k]] += st->grad[k] * (f[0] - f[1]);
      size[1 + st->pairs->idx[k]] += fabs(st->grad[k]) * all;
    }
  }
}

static void CheckEntry(const char *options, const int alpha[], PetscInt D, PetscInt entry, double got, double exact, double size)
{
  if (fabs(got - exact) > 10 * PETSC_MACHINE_EPSILON * (size + fabs(exact)))
    fail_msg("%s: monomial %d %d %d .. in %d dimensions, entry %d: %.17g, exact %.17g", options, alpha[0], alpha[1], alpha[2], (int)D, (int)entry, got, exact);
}

/* all monomials up to the given degrees; smoothing s = 0: of f itself */
static void CheckMonomials(const char *options, PetscInt d, double s, int dvalue, int dgrad, int dlap)
{
  const PetscInt D           = d + 1;
  const double   c[DMAX]     = {0.3, -0.7, 0.5, 0.2, 0.9, -0.4, 0.6, 0.1};
  int            alpha[DMAX] = {0}, most = dvalue;
  TzNet          net;
  TzDeriv        deriv = Estimator(options, d, &net);

  for (;;) {
    double jet[DMAX + 2], size[DMAX + 2];
    int    degree = 0, i = 0;

    for (PetscInt k = 0; k < D; k++) degree += alpha[k];
    Apply(deriv, alpha, c, jet, size);
    for (int entry = 0; entry < D + 2; entry++) {
      double exact = 0;

      if (degree > (entry == 0 ? dvalue : entry <= D ? dgrad : dlap)) continue;
      for (PetscInt m = 0; m < (entry <= D ? 1 : d); m++) { /* the Laplacian is a sum over m of second derivatives */
        double term = 1;

        for (PetscInt k = 0; k < D; k++) term *= Smoothed(alpha[k], c[k], s, entry == D + 1 && k == m ? 2 : entry == k + 1 ? 1 : 0);
        exact += term;
      }
      CheckEntry(options, alpha, D, entry, jet[entry], exact, size[entry]);
    }
    for (alpha[0]++; i < D; i++) { /* next multi-index of total degree <= most */
      degree = 0;
      for (PetscInt k = 0; k < D; k++) degree += alpha[k];
      if (degree <= most) break;
      alpha[i] = 0;
      if (i + 1 < D) alpha[i + 1]++;
    }
    if (i == D) break;
  }
  OK(TzDerivDestroy(&deriv));
  OK(TzNetDestroy(&net));
}

static void TestStein(void **state)
{
  (void)state;
  for (PetscInt d = 2; d <= 7; d++) {
    CheckMonomials("-deriv_type stein -stein_sigma 0.1 -rule_level 3", d, 0.1, 5, 4, 3);
    CheckMonomials("-deriv_type stein -stein_sigma 0.5 -rule_level 3", d, 0.5, 5, 4, 3);
  }
  CheckMonomials("-deriv_type stein -stein_sigma 0.3 -rule_level 4", 3, 0.3, 7, 6, 5);
  CheckMonomials("-deriv_type stein -stein_sigma 0.3 -rule_level 5", 2, 0.3, 9, 8, 7);
}

static void TestFD(void **state)
{
  (void)state;
  for (PetscInt d = 2; d <= 7; d++) {
    CheckMonomials("-deriv_type fd -fd_step 0.01", d, 0, 3, 2, 3);
    CheckMonomials("-deriv_type fd -fd_step 0.5", d, 0, 3, 2, 3);
  }
}

/* Antithetic Monte Carlo is exact on linear functions' values and on constants, and unbiased: the mean over draws of the
   Laplacian of x_0^2 is 2 within five standard errors */
static void TestMonteCarlo(void **state)
{
  const int    quadratic[DMAX] = {2}, linear[DMAX] = {0, 1};
  const double c[DMAX] = {0.3, -0.7, 0.5, 0.2};
  double       jet[DMAX + 2], size[DMAX + 2], mean = 0, square = 0;
  TzNet        net;
  TzDeriv      deriv = Estimator("-deriv_type stein -rule_type mc -rule_samples 64", 3, &net);

  (void)state;
  for (PetscInt step = 0; step < 100; step++) {
    OK(TzDerivSample(deriv, 5, step));
    Apply(deriv, linear, c, jet, size);
    CheckEntry("mc", linear, 4, 0, jet[0], c[1], size[0]);
    CheckEntry("mc", linear, 4, 5, jet[5], 0, size[5]);
    Apply(deriv, quadratic, c, jet, size);
    mean += jet[5] / 100;
    square += jet[5] * jet[5] / 100;
  }
  assert_true(fabs(mean - 2) <= 5 * sqrt((square - mean * mean) / 99));
  OK(TzDerivDestroy(&deriv));
  OK(TzNetDestroy(&net));
}

/* One sine unit f = v sin(w.x + b) + c: forward propagation gives its closed form, as do all formats through TzNetEvalJet (test_net) */
static void TestForward(void **state)
{
  const PetscInt d = 5, D = 6;
  const double   theta[] = {0.3, -0.2, 0.5, 0.7, -0.4, 0.6, 1.5, 0.25, -0.1}; /* w, v, b, c */
  double         X[12], jet[16], w2 = 0;
  TzNet          net;
  TzNetEval      eval;
  TzDeriv        deriv = Estimator("-deriv_type forward -net_format dense -net_layers 1", d, &net);

  (void)state;
  for (int i = 0; i < 12; i++) X[i] = 0.1 * i;
  for (int i = 0; i < d; i++) w2 += theta[i] * theta[i];
  OK(TzNetEvalCreate(net, &eval));
  OK(TzNetEvalBind(eval, theta));
  OK(TzDerivJet(deriv, eval, 2, X, jet));
  for (int p = 0; p < 2; p++) {
    double z = theta[7];

    for (int i = 0; i < D; i++) z += theta[i] * X[p * D + i];
    assert_true(fabs(jet[p * 8] - (1.5 * sin(z) - 0.1)) <= 1e-14); /* a handful of roundings of numbers of order one */
    for (int i = 0; i < D; i++) assert_true(fabs(jet[p * 8 + 1 + i] - 1.5 * theta[i] * cos(z)) <= 1e-14);
    assert_true(fabs(jet[p * 8 + D + 1] + 1.5 * w2 * sin(z)) <= 1e-14);
  }
  OK(TzNetEvalDestroy(&eval));
  OK(TzDerivDestroy(&deriv));
  OK(TzNetDestroy(&net));
}

/* Partial sums over the blocks add up to the jet bitwise, and the functional applied by hand to the network's values agrees */
static void TestBlocks(void **state)
{
  const PetscInt d = 20, D = 21, n = 7;
  double         X[7 * 21], jet[7 * 23], sum[7 * 23], part[7 * 23], *theta;
  PetscInt       blocks, nparams, forwards;
  TzNet          net;
  TzNetEval      eval;
  TzDeriv        deriv = Estimator("-deriv_type stein -net_layers 16,12", d, &net);

  (void)state;
  OK(TzNetGetNumParameters(net, &nparams));
  OK(PetscMalloc1(nparams, &theta));
  OK(TzNetInitialize(net, 0, theta));
  OK(TzRandomUniform(0, TZ_STREAM_POINTS, 0, 0, 0, n * D, X));
  OK(TzNetEvalCreate(net, &eval));
  OK(TzNetEvalBind(eval, theta));
  OK(TzDerivGetNumForwards(deriv, &forwards));
  assert_int_equal(forwards, 925);
  OK(TzDerivGetNumBlocks(deriv, &blocks));
  assert_true(blocks > 1);
  OK(TzDerivJet(deriv, eval, n, X, jet));
  for (PetscInt k = 0; k < blocks; k++) {
    OK(TzDerivPartial(deriv, eval, n, X, k, k ? part : sum));
    for (PetscInt i = 0; i < n * (D + 2) && k; i++) sum[i] += part[i];
  }
  assert_memory_equal(jet, sum, sizeof(jet));
  OK(TzNetEvalDestroy(&eval));
  OK(PetscFree(theta));
  OK(TzDerivDestroy(&deriv));
  OK(TzNetDestroy(&net));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(TestStein), cmocka_unit_test(TestFD), cmocka_unit_test(TestMonteCarlo), cmocka_unit_test(TestForward), cmocka_unit_test(TestBlocks),
  };
  int failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  PetscPopSignalHandler();
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
