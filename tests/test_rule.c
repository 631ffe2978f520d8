/* Quadrature rules for the Gaussian. */
#include <tzrule.h>
#include <petsctime.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define EPS PETSC_MACHINE_EPSILON

static void within(const char what[], double value, double expected, double tolerance)
{
  if (!(fabs(value - expected) <= tolerance)) print_error("%s: %.17g, expected %.17g +- %.2g\n", what, value, expected, tolerance);
  assert_true(fabs(value - expected) <= tolerance);
}

static TzRule create(const char type[], PetscInt dim, PetscInt number, const TzPairs **pairs)
{
  TzRule rule;

  assert_int_equal(TzRuleCreate(PETSC_COMM_WORLD, &rule), 0);
  assert_int_equal(TzRuleSetType(rule, type), 0);
  assert_int_equal(TzRuleSetDim(rule, dim), 0);
  assert_int_equal(TzRuleSetLevel(rule, number), 0);
  assert_int_equal(TzRuleSetSamples(rule, number), 0);
  assert_int_equal(TzRuleSetUp(rule), 0);
  assert_int_equal(TzRuleGetPairs(rule, pairs), 0);
  return rule;
}

/* Numbers of nodes, and the time of the large ones */
static void test_sizes(void **state)
{
  static const PetscInt sizes[][3] = {
    {21, 1, 1}, {21, 2, 43}, {21, 3, 925}, {5, 4, 241}, {3, 5, 165}, {1, 6, 6}, {1, 7, 7}, {101, 3, 20605}, {251, 3, 126505}, {251, 1, 1}, {100000, 2, 200001},
  };

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(sizes); i++) {
    const TzPairs *p;
    PetscInt       nodes, degree;
    PetscBool      random;
    PetscLogDouble t0, t1;
    TzRule         rule;

    assert_int_equal(PetscTime(&t0), 0);
    rule = create(TZRULESMOLYAK, sizes[i][0], sizes[i][1], &p);
    assert_int_equal(PetscTime(&t1), 0);
    assert_true(t1 - t0 < 1);
    assert_int_equal(TzRuleGetSize(rule, &nodes), 0);
    assert_int_equal(nodes, sizes[i][2]);
    assert_int_equal(TzRuleGetDegree(rule, &degree), 0);
    assert_int_equal(degree, 2 * sizes[i][1] - 1);
    assert_int_equal(TzRuleIsRandom(rule, &random), 0);
    assert_false(random);
    assert_int_equal(TzRuleDestroy(&rule), 0);
  }
}

/* Level 3: 1 - D/3 + D(D-1)/2 at the origin (a product of D factors), -(D-1)/2 at +-1, 1/6 at +-sqrt(3), 1/4 at +-1,+-1 */
static void test_level3(void **state)
{
  static const PetscInt dims[] = {1, 2, 21, 101};

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(dims); i++) {
    const PetscInt  D       = dims[i];
    const PetscReal d       = (PetscReal)D;
    PetscInt        four[3] = {0};
    const TzPairs  *p;
    TzRule          rule = create(TZRULESMOLYAK, D, 3, &p);

    assert_true(p->hascentre);
    within("centre", p->w0, 1 - d / 3 + d * (d - 1) / 2, d * EPS * p->w0);
    for (PetscInt j = 0; j < p->npairs; j++) {
      const PetscReal *z = p->val + p->ptr[j];

      if (p->ptr[j + 1] - p->ptr[j] == 2) {
        four[2]++;
        assert_true(z[0] == 1 && fabs(z[1]) == 1);
        within("two axes", p->w[j], 0.25, EPS);
      } else if (z[0] == 1) {
        four[0]++;
        within("one", p->w[j], -(d - 1) / 2, d * EPS);
      } else {
        four[1]++;
        within("sqrt(3)", z[0], sqrt(3), EPS);
        within("weight of sqrt(3)", p->w[j], 1. / 6, EPS);
      }
    }
    assert_int_equal(four[0], D > 1 ? D : 0);
    assert_int_equal(four[1], D);
    assert_int_equal(four[2], D * (D - 1));
    assert_int_equal(TzRuleDestroy(&rule), 0);
  }
}

/* Monomial of exponents a[D]: its Gaussian moment, prod (a_i - 1)!!, or 0 where an exponent is odd */
static PetscReal moment(PetscInt D, const int a[])
{
  PetscReal m = 1;

  for (PetscInt i = 0; i < D; i++) m *= a[i] % 2 ? 0 : a[i] ? gsl_sf_doublefact((unsigned)a[i] - 1) : 1;
  return m;
}

/*
  The rule's sum for a monomial, in long double. Its error: nodes have a relative error EPS, which the degree multiplies; of the weights, the factor is
  a product of D polynomials with positive coefficients, k/2 + 1 operations each, and there are up to k one-dimensional weights.
*/
static void check_monomial(PetscInt D, PetscInt k, const TzPairs *p, const PetscReal dense[], const int a[], int degree)
{
  long double sum = degree ? 0 : p->w0, size = degree ? 0 : fabs(p->w0);

  for (PetscInt j = 0; j < p->npairs; j++) {
    const PetscReal *z = dense + j * D;
    long double      v = 2 * p->w[j];

    for (PetscInt i = 0; v != 0 && i < D; i++) {
      for (int e = 0; e < a[i]; e++) v *= z[i];
    }
    if (degree % 2 == 0) sum += v; /* else v and -v cancel exactly */
    size += fabsl(v);
  }
  within("monomial", (double)sum, moment(D, a), (double)((degree + D * (k / 2 + 1) + 2 * k) * EPS * size));
}

/* All exponents a[i..D-1] of total degree <= rest */
static void check_monomials(PetscInt D, PetscInt k, const TzPairs *p, const PetscReal dense[], int a[], PetscInt i, int rest)
{
  if (i == D) {
    check_monomial(D, k, p, dense, a, (int)(2 * k - 1) - rest);
    return;
  }
  for (a[i] = 0; a[i] <= rest; a[i]++) check_monomials(D, k, p, dense, a, i + 1, rest - a[i]);
}

static PetscReal *densify(const TzPairs *p)
{
  PetscReal *dense;

  assert_int_equal(PetscCalloc1(p->npairs * p->dim + 1, &dense), 0);
  for (PetscInt j = 0; j < p->npairs; j++) {
    for (PetscInt e = p->ptr[j]; e < p->ptr[j + 1]; e++) dense[j * p->dim + p->idx[e]] = p->val[e];
  }
  return dense;
}

/* Exact for all monomials of total degree <= 2k-1 */
static void test_exactness(void **state)
{
  static const PetscInt cases[][2] = {{1, 12}, {2, 8}, {3, 7}, {4, 6}, {5, 5}, {6, 4}, {21, 3}, {60, 2}};

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(cases); i++) {
    for (PetscInt k = 1; k <= cases[i][1]; k++) {
      const PetscInt D     = cases[i][0];
      int            a[60] = {0};
      const TzPairs *p;
      TzRule         rule  = create(TZRULESMOLYAK, D, k, &p);
      PetscReal     *dense = densify(p);

      check_monomials(D, k, p, dense, a, 0, (int)(2 * k - 1));
      assert_int_equal(PetscFree(dense), 0);
      assert_int_equal(TzRuleDestroy(&rule), 0);
    }
  }
}

/* Entries ascending and not 0; no weight 0; no node twice, nor as the negative of another */
static void test_structure(void **state)
{
  static const PetscInt cases[][2] = {{1, 9}, {2, 6}, {3, 5}, {5, 4}, {21, 3}};

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(cases); i++) {
    const PetscInt D = cases[i][0];
    const TzPairs *p;
    TzRule         rule  = create(TZRULESMOLYAK, D, cases[i][1], &p);
    PetscReal     *dense = densify(p);

    assert_int_equal(p->dim, D);
    assert_int_equal(p->ptr[0], 0);
    for (PetscInt j = 0; j < p->npairs; j++) {
      assert_true(p->w[j] != 0 && p->ptr[j + 1] > p->ptr[j]);
      for (PetscInt e = p->ptr[j]; e < p->ptr[j + 1]; e++) {
        assert_true(p->val[e] != 0 && p->idx[e] >= 0 && p->idx[e] < D);
        assert_true(e == p->ptr[j] || p->idx[e - 1] < p->idx[e]);
      }
      for (PetscInt l = 0; l < j; l++) {
        PetscReal same = 0, opposite = 0;

        for (PetscInt c = 0; c < D; c++) {
          same += fabs(dense[j * D + c] - dense[l * D + c]);
          opposite += fabs(dense[j * D + c] + dense[l * D + c]);
        }
        assert_true(same > 0.01 && opposite > 0.01);
      }
    }
    assert_int_equal(PetscFree(dense), 0);
    assert_int_equal(TzRuleDestroy(&rule), 0);
  }
}

/* g(z) is the product of these over the coordinates, so that a tensor rule for g is the product of one-dimensional ones */
static PetscReal factor(PetscInt i, PetscReal z)
{
  return cos((0.5 + 0.2 * (PetscReal)i) * z) + 0.1 * z * z * z;
}

static PetscReal one_dimensional(PetscInt i, PetscInt l)
{
  gsl_integration_fixed_workspace *w   = gsl_integration_fixed_alloc(gsl_integration_fixed_hermite, (size_t)l, 0, 0.5, 0, 0);
  PetscReal                        sum = 0;

  for (PetscInt j = 0; j < l; j++) sum += gsl_integration_fixed_weights(w)[j] * factor(i, gsl_integration_fixed_nodes(w)[j]);
  gsl_integration_fixed_free(w);
  return sum / sqrt(2 * M_PI);
}

/* The definition: sum over multi-indices of products of GSL's Gauss-Hermite rules; also the sum of absolute terms */
static void combination(PetscInt D, PetscInt k, PetscReal *sum, PetscReal *size)
{
  PetscInt l[5] = {1, 1, 1, 1, 1}, i, total;

  *sum = *size = 0;
  do {
    for (i = total = 0; i < D; i++) total += l[i];
    if (total >= PetscMax(D, k) && total <= k + D - 1) {
      const PetscInt q = k + D - 1 - total;
      PetscReal      v = gsl_sf_choose((unsigned)(D - 1), (unsigned)q) * (q % 2 ? -1 : 1);

      for (i = 0; i < D; i++) v *= one_dimensional(i, l[i]);
      *sum += v;
      *size += fabs(v);
    }
    for (i = 0; i < D && ++l[i] > k; i++) l[i] = 1;
  } while (i < D);
}

/* Equal to the definition; the tolerance allows 1e-14 to GSL's one-dimensional rules */
static void test_definition(void **state)
{
  (void)state;
  for (PetscInt D = 1; D <= 5; D++) {
    for (PetscInt k = 1; k <= 5; k++) {
      PetscReal      sum = 0, expected, size, centre = 1;
      const TzPairs *p;
      TzRule         rule  = create(TZRULESMOLYAK, D, k, &p);
      PetscReal     *dense = densify(p);

      combination(D, k, &expected, &size);
      for (PetscInt i = 0; i < D; i++) centre *= factor(i, 0);
      sum = p->w0 * centre;
      size += fabs(sum);
      for (PetscInt j = 0; j < p->npairs; j++) {
        PetscReal plus = p->w[j], minus = p->w[j];

        for (PetscInt i = 0; i < D; i++) {
          plus *= factor(i, dense[j * D + i]);
          minus *= factor(i, -dense[j * D + i]);
        }
        sum += plus + minus;
        size += fabs(plus) + fabs(minus);
      }
      within("definition", sum, expected, 1e-14 * (PetscReal)D * size);
      assert_int_equal(PetscFree(dense), 0);
      assert_int_equal(TzRuleDestroy(&rule), 0);
    }
  }
}

/* Monte Carlo: equal weights of sum 1, the numbers of their keys, drawn anew for every step and seed, the same for the same */
static void test_mc(void **state)
{
  const PetscInt D = 5, n = 300;
  PetscInt       nodes, degree;
  PetscBool      random;
  const TzPairs *p;
  TzRule         rule = create(TZRULEMC, D, n, &p);
  PetscReal      first[1500], z[5], sum = 0;

  (void)state;
  assert_int_equal(TzRuleGetSize(rule, &nodes), 0);
  assert_int_equal(nodes, 2 * n);
  assert_int_equal(TzRuleGetDegree(rule, &degree), 0);
  assert_int_equal(degree, 1);
  assert_int_equal(TzRuleIsRandom(rule, &random), 0);
  assert_true(random);
  assert_true(!p->hascentre && p->w0 == 0 && p->npairs == n);
  assert_int_equal(TzRuleSample(rule, 11, 4), 0);
  assert_int_equal(TzRuleGetPairs(rule, &p), 0);
  for (PetscInt j = 0; j < n; j++) {
    assert_true(p->w[j] == p->w[0]);
    sum += 2 * p->w[j];
    assert_int_equal(TzRandomNormal(11, TZ_STREAM_RULE, 4, j, 0, D, z), 0);
    assert_int_equal(p->ptr[j + 1] - p->ptr[j], D);
    assert_memory_equal(p->val + p->ptr[j], z, sizeof(z));
    for (PetscInt i = 0; i < D; i++) assert_int_equal(p->idx[p->ptr[j] + i], i);
  }
  within("sum of weights", sum, 1, (PetscReal)n * EPS);
  assert_int_equal(PetscArraycpy(first, p->val, n * D), 0);
  assert_int_equal(TzRuleSample(rule, 11, 5), 0);
  assert_memory_not_equal(first, p->val, sizeof(first));
  assert_int_equal(TzRuleSample(rule, 12, 4), 0);
  assert_memory_not_equal(first, p->val, sizeof(first));
  assert_int_equal(TzRuleSample(rule, 11, 4), 0);
  assert_memory_equal(first, p->val, sizeof(first));
  assert_int_equal(TzRuleDestroy(&rule), 0);
}

static void test_options(void **state)
{
  static const char *const wrong[] = {"-rule_type nosuch",
                                      "-rule_dim 0",
                                      "-rule_dim -1",
                                      "-rule_level 0",
                                      "-rule_level -2",
                                      "-rule_level 65",
                                      "-rule_level 12",
                                      "-rule_dim 100000 -rule_level 3",
                                      "-rule_dim 2000 -rule_level 64",
                                      "-rule_type mc -rule_samples 0",
                                      "-rule_type mc -rule_samples -5",
                                      "-rule_type mc -rule_samples 2000000000"};
  const TzPairs           *p;
  TzRule                   rule;
  TzRuleType               type;
  PetscInt                 nodes;

  (void)state;
  assert_int_equal(PetscOptionsInsertString(NULL, "-rule_dim 5 -rule_level 4"), 0);
  assert_int_equal(TzRuleCreate(PETSC_COMM_WORLD, &rule), 0);
  assert_int_equal(TzRuleSetFromOptions(rule), 0);
  assert_int_equal(TzRuleGetType(rule, &type), 0);
  assert_string_equal(type, TZRULESMOLYAK);
  assert_int_equal(TzRuleGetSize(rule, &nodes), 0);
  assert_int_equal(nodes, 241);
  assert_int_equal(PetscOptionsInsertString(NULL, "-rule_type mc -rule_samples 17"), 0);
  assert_int_equal(TzRuleSetFromOptions(rule), 0);
  assert_int_equal(TzRuleGetSize(rule, &nodes), 0);
  assert_int_equal(nodes, 34);
  assert_int_equal(TzRuleSetDim(rule, 3), 0);
  assert_int_equal(TzRuleGetPairs(rule, &p), 0);
  assert_int_equal(p->dim, 3);
  assert_int_equal(TzRuleDestroy(&rule), 0);

  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(wrong); i++) {
    PetscErrorCode ierr;

    assert_int_equal(PetscOptionsClear(NULL), 0);
    assert_int_equal(PetscOptionsInsertString(NULL, wrong[i]), 0);
    assert_int_equal(TzRuleCreate(PETSC_COMM_WORLD, &rule), 0);
    ierr = TzRuleSetFromOptions(rule);
    if (!ierr) ierr = TzRuleSetUp(rule);
    if (ierr != PETSC_ERR_USER_INPUT) print_error("%s: error %d\n", wrong[i], ierr);
    assert_int_equal(ierr, PETSC_ERR_USER_INPUT);
    assert_int_equal(TzRuleDestroy(&rule), 0);
  }
  assert_int_equal(PetscPopErrorHandler(), 0);
  assert_int_equal(PetscOptionsClear(NULL), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sizes),      cmocka_unit_test(test_level3), cmocka_unit_test(test_exactness), cmocka_unit_test(test_structure),
    cmocka_unit_test(test_definition), cmocka_unit_test(test_mc),     cmocka_unit_test(test_options),
  };
  int failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
