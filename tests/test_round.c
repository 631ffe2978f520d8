/* Rounded, grown and converted trains (TzNetRound, TzNetConvert): the matrices that they make, their ranks, the gradient of what is new. */
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((call), 0)

static TzNet Network(const char options[], PetscInt64 seed, PetscInt *n, PetscReal **theta)
{
  TzNet net;

  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, options));
  OK(TzNetCreate(PETSC_COMM_SELF, &net));
  OK(TzNetSetIO(net, 12, 1));
  OK(TzNetSetFromOptions(net));
  OK(TzNetGetNumParameters(net, n));
  OK(PetscMalloc1(*n, theta));
  OK(TzNetInitialize(net, seed, *theta));
  return net;
}

/* |A - B| / |B| of the matrices of a layer, Frobenius norms */
static PetscReal Difference(TzNet a, const PetscReal ta[], TzNet b, const PetscReal tb[], PetscInt layer)
{
  TzNetLayout layout;
  PetscReal  *A, *B, d = 0, norm = 0;

  OK(TzNetGetLayout(b, layer, &layout));
  OK(PetscMalloc2(layout.in * layout.out, &A, layout.in * layout.out, &B));
  OK(TzNetGetWeight(a, ta, layer, A));
  OK(TzNetGetWeight(b, tb, layer, B));
  for (PetscInt e = 0; e < layout.in * layout.out; e++) {
    d += PetscSqr(A[e] - B[e]);
    norm += PetscSqr(B[e]);
  }
  OK(PetscFree2(A, B));
  return PetscSqrtReal(d / norm);
}

/* The error is within the tolerance and is what is said (both are sums of squares: to 1e-7 of 1), and parameters fall with the tolerance */
static void TestTolerance(void **state)
{
  static const char *const options[] = {"-net_format tt -net_layers 24,36 -net_tt_rank 6", "-net_format ttm -net_layers 24,36 -net_tt_rank 6"};

  (void)state;
  for (int f = 0; f < 2; f++) {
    PetscInt   n, last;
    PetscReal *theta;
    TzNet      net = Network(options[f], 1, &n, &theta);

    last = n + 1;
    for (PetscReal tolerance = 1e-10; tolerance < 1; tolerance *= 10) {
      char      *bonds;
      PetscInt   m, count;
      PetscReal *rounded, *ignored, error[3];
      TzNet      small;

      OK(TzNetRound(net, theta, tolerance, &bonds, &m, &rounded, error));
      small = Network(options[f], 1, &count, &ignored);
      OK(TzNetSetBonds(small, bonds));
      OK(TzNetGetNumParameters(small, &count));
      assert_int_equal(count, m);
      assert_true(m <= last);
      last = m;
      for (PetscInt l = 0; l < 3; l++) {
        const PetscReal d = Difference(small, rounded, net, theta, l);

        assert_true(error[l] <= tolerance);
        assert_true(PetscAbsReal(d - error[l]) < 1e-7);
      }
      OK(PetscFree(bonds));
      OK(PetscFree(rounded));
      OK(PetscFree(ignored));
      OK(TzNetDestroy(&small));
    }
    OK(PetscFree(theta));
    OK(TzNetDestroy(&net));
  }
}

/* A train of rank r in one of rank 2 r, new slices 0 on one side: rounding finds the ranks again (no bond has a smaller one by its modes), and the matrix */
static void TestPadding(void **state)
{
  static const char *const options[] = {"-net_format tt -net_layers 24,36 -net_tt_modes 3,4|4,6;4,6|6,6 -net_tt_rank ",
                                        "-net_format ttm -net_layers 24,36 -net_tt_modes 4,3|6,4;6,4|6,6;6,6|1,1 -net_tt_rank "};
  static const char *const ranks[]   = {"3,3,3;3,3,3", "3;3;3"};

  (void)state;
  for (int f = 0; f < 2; f++) {
    char       text[256], *bonds;
    PetscInt   n, wide, m;
    PetscReal *theta, *padded, *rounded, error[3];
    TzNet      net, twice;

    snprintf(text, sizeof(text), "%s3", options[f]);
    net = Network(text, 2, &n, &theta);
    snprintf(text, sizeof(text), "%s6", options[f]);
    twice = Network(text, 3, &wide, &padded);
    OK(TzNetConvert(net, theta, "-tz_init", twice, 5, padded));
    for (PetscInt l = 0; l < 3; l++) assert_true(Difference(twice, padded, net, theta, l) < 1e-14);
    OK(TzNetRound(twice, padded, 1e-12, &bonds, &m, &rounded, error));
    assert_string_equal(bonds, ranks[f]);
    assert_int_equal(m, n);
    for (PetscInt l = 0; l < 3; l++) assert_true(Difference(net, rounded, net, theta, l) < 1e-13);
    OK(PetscFree(bonds));
    OK(PetscFree(rounded));
    OK(PetscFree(padded));
    OK(PetscFree(theta));
    OK(TzNetDestroy(&net));
    OK(TzNetDestroy(&twice));
  }
}

/* Of a grown network more parameters have a gradient than the small one has parameters: what is new learns */
static void TestGradientOfNewSlices(void **state)
{
  PetscInt   n, wide, moved = 0;
  PetscReal *theta, *grown, *grad, x[12], one = 1;
  TzNet      net = Network("-net_layers 24,36 -net_tt_rank 2", 2, &n, &theta), big = Network("-net_layers 24,36 -net_tt_rank 3", 3, &wide, &grown);
  TzNetEval  eval;

  (void)state;
  OK(TzNetConvert(net, theta, "-tz_init", big, 5, grown));
  OK(TzNetEvalCreate(big, &eval));
  OK(TzNetEvalBind(eval, grown));
  OK(PetscCalloc1(wide, &grad));
  for (int i = 0; i < 12; i++) x[i] = 0.1 * i;
  OK(TzNetEvalBackward(eval, 1, x, &one, grad));
  for (PetscInt i = 0; i < wide; i++) moved += grad[i] != 0;
  assert_true(moved > n);
  OK(PetscFree(grad));
  OK(TzNetEvalDestroy(&eval));
  OK(PetscFree(theta));
  OK(PetscFree(grown));
  OK(TzNetDestroy(&net));
  OK(TzNetDestroy(&big));
}

/* Train to matrix and back, also to another train, whose full ranks hold every matrix: rounding alone */
static void TestFormats(void **state)
{
  static const char *const way[] = {"-net_format dense -net_layers 12,8", "-net_format ttm -net_layers 12,8 -net_tt_rank 64",
                                    "-net_layers 12,8 -net_tt_rank 64", "-net_format dense -net_layers 12,8", "-net_layers 12,8 -net_tt_rank 3"};
  PetscInt                 n, m;
  PetscReal               *theta, *from, *to;
  TzNet                    net = Network("-net_layers 12,8 -net_tt_rank 3", 7, &n, &theta), a = net, b;

  (void)state;
  from = theta;
  for (int k = 0; k < 5; k++) {
    b = Network(way[k], 1, &m, &to);
    OK(TzNetConvert(a, from, "-tz_init", b, 5, to));
    for (PetscInt l = 0; l < 3; l++) assert_true(Difference(b, to, net, theta, l) < 1e-13);
    if (a != net) {
      OK(TzNetDestroy(&a));
      OK(PetscFree(from));
    }
    a    = b;
    from = to;
  }
  assert_int_equal(m, n);
  OK(TzNetDestroy(&a));
  OK(PetscFree(from));
  OK(TzNetDestroy(&net));
  OK(PetscFree(theta));
}

/*
  Slices that are 0 are cut off and nothing else: the matrices stay. The prior's step makes every entry smaller, and leaves 0 what is 0
*/
static void TestPruning(void **state)
{
  PetscInt   n, wide, count, *kept;
  PetscReal *theta, *grown, *small, *shrunk, *ignored;
  char      *bonds;
  TzNet      net = Network("-net_layers 24,36 -net_tt_modes 3,4|4,6;4,6|6,6 -net_tt_rank 3", 2, &n, &theta);
  TzNet      big = Network("-net_layers 24,36 -net_tt_modes 3,4|4,6;4,6|6,6 -net_tt_rank 5", 3, &wide, &grown), cut;

  (void)state;
  OK(TzNetPrune(net, theta, 1e-3, &bonds, &count, &kept));
  assert_null(bonds);
  OK(TzNetConvert(net, theta, "-tz_init", big, 5, grown));
  OK(PetscMalloc1(wide, &shrunk));
  OK(PetscArraycpy(shrunk, grown, wide));
  OK(TzNetShrink(big, 1e-3, shrunk));
  for (PetscInt i = 0; i < wide; i++) {
    assert_true(PetscAbsReal(shrunk[i]) <= PetscAbsReal(grown[i]));
    assert_true((shrunk[i] == 0) == (grown[i] == 0));
  }
  /* of a new slice one side is 0; now the other is nearly so */
  for (PetscInt l = 0; l < 2; l++) {
    TzNetLayout layout;
    PetscInt    at;

    OK(TzNetGetLayout(big, l, &layout));
    at = layout.weights;
    for (PetscInt k = 0; k < layout.ncores; k++) {
      const PetscInt mode = k < layout.nin ? layout.mode_in[k] : layout.mode_out[k - layout.nin];

      for (PetscInt e = 0; e < layout.rank[k] * mode * layout.rank[k + 1]; e++)
        if (e % layout.rank[k + 1] >= 3) grown[at + e] *= 1e-9;
      at += layout.rank[k] * mode * layout.rank[k + 1];
    }
  }
  OK(TzNetPrune(big, grown, 1e-6, &bonds, &count, &kept));
  assert_string_equal(bonds, "3,3,3;3,3,3");
  assert_int_equal(count, n);
  cut = Network("-net_layers 24,36 -net_tt_modes 3,4|4,6;4,6|6,6 -net_tt_rank 3", 2, &n, &ignored);
  OK(TzNetSetBonds(cut, bonds));
  OK(PetscMalloc1(count, &small));
  for (PetscInt i = 0; i < count; i++) small[i] = grown[kept[i]];
  for (PetscInt l = 0; l < 3; l++) assert_true(Difference(cut, small, net, theta, l) < 1e-14);
  OK(PetscFree(bonds));
  OK(PetscFree(kept));
  OK(PetscFree(small));
  OK(PetscFree(shrunk));
  OK(PetscFree(ignored));
  OK(PetscFree(grown));
  OK(PetscFree(theta));
  OK(TzNetDestroy(&cut));
  OK(TzNetDestroy(&big));
  OK(TzNetDestroy(&net));
}

/* Bonds that get a slice more until none may: to the rank that any matrix needs, or the most; the matrices and the old parameters stay */
static void TestGrowth(void **state)
{
  PetscInt   n, more, times = 0, *from;
  PetscReal *theta, *now, *fresh, *ignored;
  char      *bonds;
  TzNet      net   = Network("-net_layers 24,36 -net_tt_modes 3,4|4,6;4,6|6,6 -net_tt_rank 2 -net_tt_bonds 2,3,2;4,2,1", 2, &n, &theta);
  TzNet      grown = Network("-net_layers 24,36 -net_tt_modes 3,4|4,6;4,6|6,6 -net_tt_rank 2 -net_tt_bonds 2,3,2;4,2,1", 2, &n, &ignored);

  (void)state;
  OK(PetscFree(ignored));
  OK(PetscMalloc1(n, &now));
  OK(PetscArraycpy(now, theta, n));
  for (;; times++) {
    OK(TzNetGrow(grown, now, 5, 7, &bonds, &more, &from, &fresh));
    if (!bonds) break;
    if (!times) assert_string_equal(bonds, "3,4,3;4,3,2");
    if (times == 2) assert_string_equal(bonds, "3,5,5;4,5,4");
    OK(TzNetSetBonds(grown, bonds));
    OK(TzNetGetNumParameters(grown, &n));
    assert_int_equal(n, more);
    for (PetscInt i = 0; i < n; i++) {
      if (from[i] >= 0) assert_true(fresh[i] == 0);
      if (from[i] >= 0) fresh[i] = now[from[i]];
    }
    OK(PetscFree(now));
    OK(PetscFree(from));
    OK(PetscFree(bonds));
    now = fresh;
    for (PetscInt l = 0; l < 3; l++) assert_true(Difference(grown, now, net, theta, l) < 1e-14);
  }
  assert_int_equal(times, 4); /* the last bond from 1 to 5 */
  OK(PetscFree(now));
  OK(PetscFree(theta));
  OK(TzNetDestroy(&grown));
  OK(TzNetDestroy(&net));
}

/* Trains of one core have no bonds, and their place in the text all the same: what is written is read again, first or last in the network */
static void TestOneCore(void **state)
{
  static const char *const modes[] = {"12|24;4,6|6,6", "3,4|4,6;24|36"}, *const bonds[] = {";3;3", "3;;3"}, *const cut[] = {";1;1", "1;;1"};

  (void)state;
  for (int k = 0; k < 2; k++) {
    char       options[256], *text;
    PetscInt   n, m, *from;
    PetscReal *theta, *fresh, *rounded, error[3];
    TzNet      net;

    OK(PetscSNPrintf(options, sizeof(options), "-net_format ttm -net_layers 24,36 -net_tt_rank 2 -net_tt_modes %s;6,6|1,1", modes[k]));
    net = Network(options, 1, &n, &theta);
    OK(TzNetGrow(net, theta, 3, 1, &text, &m, &from, &fresh));
    assert_string_equal(text, bonds[k]);
    OK(TzNetSetBonds(net, text));
    OK(TzNetGetNumParameters(net, &n));
    assert_int_equal(n, m);
    OK(PetscFree(text));
    OK(PetscFree(from));
    for (PetscInt i = 0; i < n; i++) fresh[i] = 0;
    OK(TzNetPrune(net, fresh, 0.5, &text, &m, &from));
    assert_string_equal(text, cut[k]);
    OK(PetscFree(text));
    OK(PetscFree(from));
    OK(TzNetRound(net, fresh, 0.5, &text, &m, &rounded, error));
    assert_string_equal(text, cut[k]);
    OK(PetscFree(text));
    OK(PetscFree(rounded));
    OK(PetscFree(fresh));
    OK(PetscFree(theta));
    OK(TzNetDestroy(&net));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestTolerance), cmocka_unit_test(TestPadding), cmocka_unit_test(TestGradientOfNewSlices),
                                     cmocka_unit_test(TestFormats),   cmocka_unit_test(TestPruning), cmocka_unit_test(TestGrowth),
                                     cmocka_unit_test(TestOneCore)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() ? 1 : failed;
}
