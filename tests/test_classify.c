/*
  Classification: mini-batches, the cross-entropy against its definition, exact gradients, structured coordinate queries against
  plain ones, equality on any number of ranks, and validation. On a small set of 7 x 7 images that the test writes itself.
*/
#include "classifycase.h"
#include "activations.h"
#include "formats.h"

static const char *const formats[] = {
  "-net_format dense -net_layers 10 -net_bias 0 -net_activation relu",
  "-net_format ttm -net_layers 24 -net_tt_rank 3 -net_bias 0 -net_tt_modes 7,7|4,6;4,6|5,2 -net_activation tanh",
  "-net_format sparse -net_layers 16 -net_activation relu -net_sparse_count 200",
  "-net_format sparse -net_layers 10 -net_activation sine -net_sparse_count 150",
  "-net_format dense -net_layers 12 -net_activation relu",
  "-net_format dense -net_layers 9 -net_activation sine",
  "-net_format lowrankbond -net_layers 24 -net_tt_rank 3 -net_activation tanh",
  "-net_format dense -net_layers 9 -net_activation softplus",
  "-net_format ttm -net_layers 24 -net_tt_rank 3 -net_tt_modes 7,7|4,6;4,6|5,2 -net_activation softplus",
  "-net_format ttm -net_layers 24 -net_tt_rank 3 -net_tt_modes 7,7|4,6;4,6|5,2 -net_activation relu",
  "-net_format ttm -net_layers 36 -net_tt_rank 2 -net_tt_modes 7,1,7,1|4,3,3,1;2,3,1,6|1,5,2,1 -net_activation tanh",
  "-net_format ttm -net_layers 48 -net_tt_rank 4 -net_tt_modes 1,7,1,7|4,2,3,2;4,2,3,2|1,5,2,1 -net_activation relu",
  "-net_format ttm -net_layers 12 -net_tt_rank 1 -net_tt_modes 49|12;12|10 -net_activation relu",
  "-net_format tt -net_layers 24 -net_tt_rank 3 -net_activation sine",
  "-net_format tt -net_layers 16 -net_tt_rank 4 -net_tt_modes 7,7|2,2,4 -net_activation relu",
  "-net_format dense -net_layers 9,8 -net_activation tanh",
  "-net_format dense -net_layers 8 -net_conv 3x3x3 -net_activation relu",
  "-net_format tt -net_layers 8 -net_tt_rank 2 -net_conv 3x2x2,4x2x2 -net_pool 1,2 -net_activation relu",
  "-net_format ttm -net_layers 8 -net_tt_rank 2 -net_conv 4x2x2 -net_activation relu",
  "-net_tokens sum -net_format dense -net_layers 8 -net_activation tanh",
  "-net_tokens sum -net_format ttm -net_layers 8 -net_tt_rank 3 -net_rows 64 -net_tt_modes 4,4,4|2,2,2;2,2,2|5,2,1 -net_activation tanh",
  "-net_tokens concat -net_format ttm -net_layers 4,6 -net_tt_rank 2 -net_activation tanh",
};

/* The loss is linear in each image's share: with a batch of one image it names that image. Every image occurs at most once an epoch. */
static void test_epoch(void **state)
{
  Case      c;
  PetscReal seen[2][NTRAIN];
  int       good = 1;

  (void)state;
  Open(&c, PETSC_COMM_SELF, formats[1], "-loss_batch 1");
  assert_int_equal(c.steps, NTRAIN);
  for (PetscInt e = 0; e < 2; e++)
    for (PetscInt s = 0; s < c.steps; s++) {
      ok(TzLossSample(c.loss, e * c.steps + s));
      ok(TzLossObjective(c.loss, c.theta, &seen[e][s]));
    }
  if (!memcmp(seen[0], seen[1], sizeof(seen[0]))) good = 0; /* epochs differ in their order */
  for (int e = 0; e < 2; e++) ok(PetscSortReal(NTRAIN, seen[e]));
  for (PetscInt i = 0; i < (PetscInt)NTRAIN; i++) good = good && seen[0][i] == seen[1][i] && (!i || seen[0][i] > seen[0][i - 1]);
  AssertAll(good, "an epoch is a permutation");
  Close(&c);
}

/* Against the definition in long double, from the dense matrices: sums of at most 49 terms, so 1e-13 is ample */
static void test_objective(void **state)
{
  (void)state;
  for (size_t f = 0; f < PETSC_STATIC_ARRAY_LENGTH(formats); f++) {
    Case        c;
    TzImages    test;
    PetscReal  *output, y[TZ_IMAGE_CLASSES];
    TzMetrics   m;
    TzNetEval   eval;
    long double sum   = 0;
    int         right = 0;

    if (strstr(formats[f], "-net_tokens")) continue;
    Open(&c, PETSC_COMM_WORLD, formats[f], "");
    ok(TzImagesReadDirectory(PETSC_COMM_WORLD, dir, "t10k", &test));
    ok(PetscMalloc1(test.n * TZ_IMAGE_CLASSES, &output));
    ok(TzLossCrossEntropyPredict(c.loss, c.theta, output));
    ok(TzLossValidate(c.loss, c.theta, &m));
    ok(TzNetEvalCreate(c.net, &eval));
    ok(TzNetEvalBind(eval, c.theta));
    for (PetscInt i = 0; i < test.n; i++) {
      PetscReal   x[SIDE * SIDE];
      long double total = 0;
      int         best  = 0;

      for (PetscInt p = 0; p < SIDE * SIDE; p++) x[p] = test.pixel[i * SIDE * SIDE + p] / 255.;
      ok(TzNetEvalForward(eval, 1, x, y));
      assert_memory_equal(y, output + i * TZ_IMAGE_CLASSES, sizeof(y));
      for (int o = 0; o < TZ_IMAGE_CLASSES; o++) {
        total += expl(y[o]);
        if (y[o] > y[best]) best = o;
      }
      sum += logl(total) - y[test.label[i]];
      right += best == test.label[i];
    }
    AssertAll(m.n == 2 && m.value[0] == (PetscReal)right / NTEST && PetscAbsReal(m.value[1] - (PetscReal)(sum / NTEST)) <= 1e-13, "accuracy and loss");
    ok(TzNetEvalDestroy(&eval));
    ok(PetscFree(output));
    ok(TzImagesDestroy(&test));
    Close(&c);
  }
}

/* The same bits on one rank and on all */
static void test_ranks(void **state)
{
  (void)state;
  for (size_t f = 0; f < PETSC_STATIC_ARRAY_LENGTH(formats); f++) {
    Case      alone, all;
    TzQueries q = {.direction = TZ_DIRECTION_COORDINATE, .mu = 1e-2, .base = PETSC_TRUE, .twosided = PETSC_TRUE};
    PetscReal l[2][3], *lp[2], *lm[2];
    TzMetrics m[2];

    Open(&alone, PETSC_COMM_SELF, formats[f], "");
    Open(&all, PETSC_COMM_WORLD, formats[f], "");
    q.n = all.n;
    for (int k = 0; k < 2; k++) {
      Case *c = k ? &all : &alone;

      ok(PetscMalloc2(q.n, &lp[k], q.n, &lm[k]));
      ok(TzLossObjective(c->loss, c->theta, &l[k][0]));
      ok(TzLossGradient(c->loss, c->theta, &l[k][1], c->grad));
      ok(TzLossEvaluate(c->loss, c->theta, &q, &l[k][2], lp[k], lm[k]));
      ok(PetscMemzero(&m[k], sizeof(m[k])));
      ok(TzLossValidate(c->loss, c->theta, &m[k]));
    }
    AssertAll(!memcmp(l[0], l[1], sizeof(l[0])), "loss");
    AssertAll(!memcmp(alone.grad, all.grad, sizeof(PetscReal) * (size_t)all.n), "gradient");
    AssertAll(!memcmp(lp[0], lp[1], sizeof(PetscReal) * (size_t)all.n) && !memcmp(lm[0], lm[1], sizeof(PetscReal) * (size_t)all.n), "coordinates");
    AssertAll(!memcmp(&m[0].value, &m[1].value, sizeof(m[0].value)), "validation");
    for (int k = 0; k < 2; k++) ok(PetscFree2(lp[k], lm[k]));
    Close(&alone);
    Close(&all);
  }
}

/*
  Both sides are means of 13 terms of size O(1) from sums of less than 50 terms; 1e-12 is the bound. Parts give the same bits as the whole. So do
  networks as hardware: with 4 bits, 0.05 moves some parameters by a level or more, some not at all, and the largest of some matrices across a power of two.
*/
static void test_coordinates(void **state)
{
  static const char *const held[] = {"", " -net_weight_bits 4", " -net_weight_bits 6 -net_rounding stochastic -net_noise_weight 0.02 -net_noise_per step"};
  const size_t             models = PETSC_STATIC_ARRAY_LENGTH(held);

  (void)state;
  for (size_t g = 0; g < models * PETSC_STATIC_ARRAY_LENGTH(formats); g++) {
    const size_t f = g / models;
    char         reference[256];
    Case         fast, plain;
    TzQueries    q = {.direction = TZ_DIRECTION_COORDINATE, .mu = 0.05, .base = PETSC_TRUE, .twosided = PETSC_TRUE}, part;
    PetscReal   *l[6], l0[2], worst = 0;
    PetscInt     list[2000];
    PetscInt     first;
    int          same = 1;

    Open(&fast, PETSC_COMM_WORLD, formats[f], held[g % models]);
    ok(PetscSNPrintf(reference, sizeof(reference), "-net_evaluation reference%s", held[g % models]));
    Open(&plain, PETSC_COMM_WORLD, formats[f], reference);
    ok(TzNetGetCoordinates(fast.net, TZ_COORDINATES_OUTPUTS, &first));
    AssertAll(!first, "structured");
    q.n = fast.n;
    for (int k = 0; k < 6; k++) ok(PetscMalloc1(q.n, &l[k]));
    ok(TzLossEvaluate(fast.loss, fast.theta, &q, &l0[0], l[0], l[1]));
    ok(TzLossEvaluate(plain.loss, plain.theta, &q, &l0[1], l[2], l[3]));
    for (PetscInt i = 0; i < q.n; i++) worst = PetscMax(worst, PetscMax(PetscAbsReal(l[0][i] - l[2][i]), PetscAbsReal(l[1][i] - l[3][i])));
    if (worst > 1e-12) printf("format %d: %g\n", (int)f, worst);
    AssertAll(worst <= 1e-12, "structured = plain");
    part       = q;
    part.first = q.n / 3;
    part.n     = q.n / 2;
    part.base  = PETSC_FALSE;
    ok(TzLossEvaluate(fast.loss, fast.theta, &part, NULL, l[4], l[5]));
    AssertAll(!memcmp(l[4], l[0] + part.first, sizeof(PetscReal) * (size_t)part.n) && !memcmp(l[5], l[1] + part.first, sizeof(PetscReal) * (size_t)part.n),
              "a part of the coordinates");
    part.n     = 0; /* every third */
    part.first = 1;
    for (PetscInt i = 0; i < q.n; i += 3) list[part.n++] = i;
    part.which = list;
    part.n--;
    ok(TzLossEvaluate(fast.loss, fast.theta, &part, NULL, l[4], l[5]));
    for (PetscInt i = 0; i < part.n; i++) same = same && l[4][i] == l[0][3 * i + 3] && l[5][i] == l[1][3 * i + 3];
    AssertAll(same, "a list of coordinates");
    ok(TzLossEvaluate(plain.loss, plain.theta, &part, NULL, l[4], l[5]));
    for (PetscInt i = 0; i < part.n; i++) same = same && l[4][i] == l[2][3 * i + 3] && l[5][i] == l[3][3 * i + 3];
    AssertAll(same, "a list of coordinates, one by one");
    for (int k = 0; k < 6; k++) ok(PetscFree(l[k]));
    Close(&fast);
    Close(&plain);
  }
}

/*
  The exact gradient against central differences of all coordinates, extrapolated (h, h/2): truncation O(h^4) = 1e-12, rounding
  1e-16 / h = 1e-13 at h = 1e-3. The rectifier has no such expansion at its kink: h = 1e-7 without extrapolation, rounding 1e-9.
*/
static void test_gradient(void **state)
{
  (void)state;
  for (size_t f = 0; f < PETSC_STATIC_ARRAY_LENGTH(formats); f++) {
    Case            c;
    const PetscBool relu = strstr(formats[f], "relu") ? PETSC_TRUE : PETSC_FALSE;
    const PetscReal h = relu ? 1e-7 : 1e-3, bound = relu ? 2e-8 : 1e-10;
    TzQueries       q = {.direction = TZ_DIRECTION_COORDINATE, .mu = h, .twosided = PETSC_TRUE};
    PetscReal      *l[4], loss, objective, worst = 0;

    Open(&c, PETSC_COMM_WORLD, formats[f], "");
    q.n = c.n;
    for (int k = 0; k < 4; k++) ok(PetscMalloc1(q.n, &l[k]));
    ok(TzLossObjective(c.loss, c.theta, &objective));
    ok(TzLossGradient(c.loss, c.theta, &loss, c.grad));
    ok(TzLossEvaluate(c.loss, c.theta, &q, NULL, l[0], l[1]));
    q.mu = h / 2;
    ok(TzLossEvaluate(c.loss, c.theta, &q, NULL, l[2], l[3]));
    for (PetscInt i = 0; i < q.n; i++) {
      const PetscReal whole = (l[0][i] - l[1][i]) / (2 * h), half = (l[2][i] - l[3][i]) / h;

      worst = PetscMax(worst, PetscAbsReal(c.grad[i] - (relu ? whole : (4 * half - whole) / 3)));
    }
    if (worst > bound) printf("format %d: %g\n", (int)f, worst);
    AssertAll(loss == objective && worst <= bound, "gradient = differences");
    for (int k = 0; k < 4; k++) ok(PetscFree(l[k]));
    Close(&c);
  }
}

/* Images held out are not trained on, and are the ones validated on */
static void test_holdout(void **state)
{
  Case                 c;
  PetscInt             n;
  const unsigned char *label;

  (void)state;
  Open(&c, PETSC_COMM_WORLD, formats[0], "-mnist_holdout 100");
  ok(TzLossCrossEntropyGetTest(c.loss, &n, &label));
  AssertAll(c.steps == (PetscInt)(NTRAIN - 100) / 13 && n == 100 && label[99] == (NTRAIN - 1) % 10, "held out images");
  Close(&c);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_epoch),       cmocka_unit_test(test_objective), cmocka_unit_test(test_ranks),
                                     cmocka_unit_test(test_coordinates), cmocka_unit_test(test_gradient),  cmocka_unit_test(test_holdout)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL) || RegisterActivations() || RegisterFormats()) return 1;
  failures = cmocka_run_group_tests(tests, Setup, Teardown);
  if (TzFinalize()) return 1;
  return failures;
}
