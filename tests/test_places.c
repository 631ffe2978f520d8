/*
  Networks whose layers apply their matrices at many places: convolutions of images, and embedding tables of tokens. The fast evaluation against the
  reference and against sums written out here, exact gradients against differences, in every format.
*/
#include "formats.h"
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((call), 0)
#define NPTS     21 /* points: two rounds of columns and some */
#define OUT      3

typedef struct {
  const char *options;
  PetscInt    image[3]; /* or */
  PetscInt    slots, rows;
} Variant;

static const Variant variants[] = {
  {"-net_format dense -net_layers 7", {0, 0, 0}, 5, 40},
  {"-net_format ttm -net_layers 12 -net_tt_rank 3 -net_tt_modes 4,2,5|3,2,2;3,2,2|3,1,1", {0, 0, 0}, 5, 40},
  {"-net_format ttm -net_layers 12 -net_tt_rank 3 -net_tt_modes 40|12;12|3", {0, 0, 0}, 4, 40},
  {"-net_format tt -net_layers 8 -net_tt_rank 3", {0, 0, 0}, 5, 40},
  {"-net_format lowrank -net_layers 8 -net_tt_rank 3", {0, 0, 0}, 5, 40},
  {"-net_format dense -net_layers 4,6 -net_tokens concat", {0, 0, 0}, 3, 40},
  {"-net_format ttm -net_layers 4,6 -net_tt_rank 3 -net_tokens concat", {0, 0, 0}, 3, 40},
  {"-net_format dense -net_layers 6 -net_conv 3x3x2", {1, 8, 7}, 0, 0},
  {"-net_format dense -net_layers 6 -net_conv 3x3x3,4x2x2 -net_pool 2,1", {2, 9, 8}, 0, 0},
  {"-net_format dense -net_layers 5 -net_conv 2x1x1,3x3x3 -net_pool 1,3 -net_bias 0", {1, 7, 7}, 0, 0},
  {"-net_format tt -net_layers 6 -net_tt_rank 2 -net_conv 4x3x3,6x2x2", {1, 9, 9}, 0, 0},
  {"-net_format ttm -net_layers 6 -net_tt_rank 2 -net_conv 4x3x3,6x2x2", {1, 9, 9}, 0, 0},
  {"-net_format lowrank -net_layers 6 -net_tt_rank 2 -net_conv 4x3x3", {1, 9, 9}, 0, 0},
};

typedef struct {
  TzNet      net;
  TzNetEval  eval;
  PetscInt   n, in;
  PetscReal *theta, *X; /* X [NPTS][in] */
} Case;

static void Open(Case *c, const Variant *v, const char more[])
{
  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, "-net_activation tanh"));
  OK(PetscOptionsInsertString(NULL, v->options));
  OK(PetscOptionsInsertString(NULL, more));
  OK(TzNetCreate(PETSC_COMM_SELF, &c->net));
  c->in = v->rows ? v->slots : v->image[0] * v->image[1] * v->image[2];
  OK(TzNetSetIO(c->net, c->in, OUT));
  if (v->rows) OK(TzNetSetTokens(c->net, v->rows));
  else OK(TzNetSetImage(c->net, v->image[0], v->image[1], v->image[2]));
  OK(TzNetSetFromOptions(c->net));
  OK(TzNetGetNumParameters(c->net, &c->n));
  OK(PetscMalloc2(c->n, &c->theta, NPTS * c->in, &c->X));
  OK(TzNetInitialize(c->net, 5, c->theta));
  OK(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, NPTS * c->in, c->X));
  for (PetscInt i = 0; v->rows && i < NPTS * c->in; i++) c->X[i] = i % 7 == 3 ? -1 : floor(c->X[i] * (PetscReal)v->rows);
  OK(TzNetEvalCreate(c->net, &c->eval));
  OK(TzNetEvalBind(c->eval, c->theta));
}

static void Close(Case *c)
{
  OK(TzNetEvalDestroy(&c->eval));
  OK(PetscFree2(c->theta, c->X));
  OK(TzNetDestroy(&c->net));
}

/* Sums of at most 100 products of numbers of size 1, a few layers of them: 1e-13. A point's outputs do not depend on its neighbours. */
static void TestForward(void **state)
{
  (void)state;
  for (size_t v = 0; v < PETSC_STATIC_ARRAY_LENGTH(variants); v++) {
    Case      fast, reference;
    PetscReal Y[NPTS * OUT], R[NPTS * OUT], one[OUT], size = 0;

    Open(&fast, &variants[v], "");
    Open(&reference, &variants[v], "-net_evaluation reference");
    OK(TzNetEvalForward(fast.eval, NPTS, fast.X, Y));
    OK(TzNetEvalForward(reference.eval, NPTS, fast.X, R));
    for (PetscInt i = 0; i < NPTS * OUT; i++) {
      size = PetscMax(size, fabs(R[i] - R[i % OUT]));
      assert_true(fabs(Y[i] - R[i]) <= 1e-13);
    }
    assert_true(size > 1e-3); /* they differ from point to point */
    for (PetscInt p = 0; p < NPTS; p++) {
      OK(TzNetEvalForward(fast.eval, 1, fast.X + p * fast.in, one));
      assert_memory_equal(one, Y + p * OUT, sizeof(one));
    }
    Close(&fast);
    Close(&reference);
  }
}

/* The first layer of a table is a dense layer on the numbers of times that each token occurs */
static void TestOneHot(void **state)
{
  (void)state;
  for (size_t v = 0; v < 5; v++) {
    const PetscInt  rows = variants[v].rows;
    Case            c;
    TzNet           dense;
    TzNetEval       eval;
    PetscInt        width, hidden, n;
    const PetscInt *widths;
    PetscReal      *theta, *X, Y[NPTS * OUT], D[NPTS * OUT];
    TzNetLayout     layout[2];

    Open(&c, &variants[v], "");
    OK(TzNetGetHidden(c.net, &hidden, &widths));
    width = widths[0];
    OK(TzNetCreate(PETSC_COMM_SELF, &dense));
    OK(TzNetSetFormat(dense, TZNETDENSE));
    OK(TzNetSetIO(dense, rows, OUT));
    OK(TzNetSetHidden(dense, 1, &width));
    OK(TzNetSetActivation(dense, "tanh"));
    OK(TzNetGetNumParameters(dense, &n));
    OK(PetscMalloc1(n, &theta));
    OK(PetscCalloc1(NPTS * rows, &X));
    for (PetscInt l = 0, at = 0; l < 2; l++) {
      OK(TzNetGetLayout(c.net, l, &layout[0]));
      OK(TzNetGetLayout(dense, l, &layout[1]));
      OK(TzNetGetWeight(c.net, c.theta, l, theta + at));
      OK(PetscArraycpy(theta + layout[1].bias, c.theta + layout[0].bias, layout[0].out));
      at += layout[1].nweights;
    }
    for (PetscInt i = 0; i < NPTS * c.in; i++)
      if (c.X[i] >= 0) X[i / c.in * rows + (PetscInt)c.X[i]] += 1;
    OK(TzNetEvalCreate(dense, &eval));
    OK(TzNetEvalBind(eval, theta));
    OK(TzNetEvalForward(eval, NPTS, X, D));
    OK(TzNetEvalForward(c.eval, NPTS, c.X, Y));
    for (PetscInt i = 0; i < NPTS * OUT; i++) assert_true(fabs(Y[i] - D[i]) <= 1e-13);
    OK(TzNetEvalDestroy(&eval));
    OK(TzNetDestroy(&dense));
    OK(PetscFree(theta));
    OK(PetscFree(X));
    Close(&c);
  }
}

/* One convolution written out: sums over channels, rows and columns of the filter, the largest of squares, the layers above by their matrices */
static void TestSum(void **state)
{
  const Variant *v = &variants[8]; /* 2 x 9 x 8 by 3 filters of 3 x 3: 3 x 7 x 6, squares of 2: 3 x 3 x 3, by 4 of 2 x 2: 4 x 2 x 2 */
  Case           c;
  TzNetLayout    l[2];
  PetscReal      W1[3 * 18], W2[4 * 12], h[3][7][6], f[3][3][3], g[16], Y[OUT], R[OUT], W3[6 * 16], W4[OUT * 6], a[6];

  (void)state;
  Open(&c, v, "");
  OK(TzNetGetWeight(c.net, c.theta, 0, W1));
  OK(TzNetGetWeight(c.net, c.theta, 1, W2));
  OK(TzNetGetWeight(c.net, c.theta, 2, W3));
  OK(TzNetGetWeight(c.net, c.theta, 3, W4));
  OK(TzNetGetLayout(c.net, 0, &l[0]));
  OK(TzNetGetLayout(c.net, 1, &l[1]));
  for (int o = 0; o < 3; o++)
    for (int y = 0; y < 7; y++)
      for (int x = 0; x < 6; x++) {
        PetscReal s = c.theta[l[0].bias + o];

        for (int k = 0; k < 2; k++)
          for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) s += W1[((o * 2 + k) * 3 + i) * 3 + j] * c.X[(k * 9 + y + i) * 8 + x + j];
        h[o][y][x] = tanh(s);
      }
  for (int o = 0; o < 3; o++)
    for (int y = 0; y < 3; y++)
      for (int x = 0; x < 3; x++) f[o][y][x] = fmax(fmax(h[o][2 * y][2 * x], h[o][2 * y][2 * x + 1]), fmax(h[o][2 * y + 1][2 * x], h[o][2 * y + 1][2 * x + 1]));
  for (int o = 0; o < 4; o++)
    for (int y = 0; y < 2; y++)
      for (int x = 0; x < 2; x++) {
        PetscReal s = c.theta[l[1].bias + o];

        for (int k = 0; k < 3; k++)
          for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) s += W2[((o * 3 + k) * 2 + i) * 2 + j] * f[k][y + i][x + j];
        g[(o * 2 + y) * 2 + x] = tanh(s);
      }
  for (int o = 0; o < 6; o++) {
    a[o] = c.theta[l[1].bias + 4 + o];
    for (int i = 0; i < 16; i++) a[o] += W3[o * 16 + i] * g[i];
    a[o] = tanh(a[o]);
  }
  for (int o = 0; o < OUT; o++) {
    R[o] = c.theta[l[1].bias + 10 + o];
    for (int i = 0; i < 6; i++) R[o] += W4[o * 6 + i] * a[i];
  }
  OK(TzNetEvalForward(c.eval, 1, c.X, Y));
  for (int o = 0; o < OUT; o++) assert_true(fabs(Y[o] - R[o]) <= 1e-14);
  Close(&c);
}

/* sum_{n,o} Ybar f at theta + mu e_i */
static PetscReal Moved(Case *c, PetscInt i, PetscReal mu, const PetscReal Ybar[])
{
  const PetscReal old = c->theta[i];
  PetscReal       Y[NPTS * OUT], s = 0;

  c->theta[i] = old + mu;
  OK(TzNetEvalBind(c->eval, c->theta));
  OK(TzNetEvalForward(c->eval, NPTS, c->X, Y));
  for (PetscInt k = 0; k < NPTS * OUT; k++) s += Ybar[k] * Y[k];
  c->theta[i] = old;
  return s;
}

/*
  Against central differences of the reference. Tokens: h and h/2 extrapolated, at h = 1e-3 truncation 1e-12 and rounding 1e-12 for the sums of 63 terms.
  Where a square's largest changes within h there is a kink: images are compared at h = 1e-6, truncation 1e-12, rounding 1e-9 and more in the sums.
*/
static void TestGradient(void **state)
{
  (void)state;
  for (size_t v = 0; v < PETSC_STATIC_ARRAY_LENGTH(variants); v++) {
    const PetscBool image = (PetscBool)(variants[v].image[0] > 0);
    const PetscReal h = image ? 1e-6 : 1e-3, bound = image ? 1e-7 : 1e-9;
    Case            c, reference;
    PetscReal       Ybar[NPTS * OUT];
    PetscReal      *grad;

    Open(&c, &variants[v], "");
    Open(&reference, &variants[v], "-net_evaluation reference");
    OK(TzRandomNormal(2, TZ_STREAM_POINTS, 0, 0, 0, NPTS * OUT, Ybar));
    OK(PetscCalloc1(c.n, &grad));
    OK(TzNetEvalBackward(c.eval, NPTS, c.X, Ybar, grad));
    for (PetscInt i = 0; i < c.n; i++) {
      const PetscReal whole = (Moved(&reference, i, h, Ybar) - Moved(&reference, i, -h, Ybar)) / (2 * h);
      const PetscReal half  = (Moved(&reference, i, h / 2, Ybar) - Moved(&reference, i, -h / 2, Ybar)) / h;

      assert_true(fabs(grad[i] - (image ? whole : (4 * half - whole) / 3)) <= bound);
    }
    OK(PetscFree(grad));
    Close(&c);
    Close(&reference);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestForward), cmocka_unit_test(TestOneHot), cmocka_unit_test(TestSum), cmocka_unit_test(TestGradient)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL) || RegisterFormats()) return 1;
  failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 1;
  return failures;
}
