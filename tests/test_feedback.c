/*
  Gradients without back-propagation: feedback alignment is back-propagation where the random matrices are the transposed weights; direct feedback
  alignment is the same with one hidden layer; the local forward gradient is right in the mean. The same bits on one rank and on all.
*/
#include "classifycase.h"

/* Entries as ce_feedback.c makes them: normal with variance 1 / cols, stream of masks, item: the layer */
static void Feedback(PetscInt layer, PetscInt rows, PetscInt cols, PetscReal B[])
{
  ok(TzRandomNormal(11, TZ_STREAM_MASK, 0, layer, 0, rows * cols, B));
  for (PetscInt i = 0; i < rows * cols; i++) B[i] /= PetscSqrtReal((PetscReal)cols);
}

/* W [cols][rows] = B [rows][cols]^T */
static void Transpose(PetscInt rows, PetscInt cols, const PetscReal B[], PetscReal W[])
{
  for (PetscInt j = 0; j < cols; j++)
    for (PetscInt i = 0; i < rows; i++) W[j * rows + i] = B[i * cols + j];
}

static PetscReal Difference(PetscInt n, const PetscReal a[], const PetscReal b[])
{
  PetscReal worst = 0;

  for (PetscInt i = 0; i < n; i++) worst = PetscMax(worst, PetscAbsReal(a[i] - b[i]));
  return worst;
}

/* Sums of fewer than 100 terms of size O(1): 1e-13 is ample */
static void test_alignment(void **state)
{
  const char *net = "-net_format dense -net_layers 12,8 -net_activation tanh";
  Case        exact, fa;
  PetscReal   B[12 * 8], l[2];

  (void)state;
  Open(&exact, PETSC_COMM_WORLD, net, "");
  Open(&fa, PETSC_COMM_WORLD, net, "-loss_gradient fa");
  Feedback(0, 12, 8, B);
  Transpose(12, 8, B, fa.theta + SIDE * SIDE * 12);
  Feedback(1, 8, 10, B);
  Transpose(8, 10, B, fa.theta + SIDE * SIDE * 12 + 12 * 8);
  ok(TzLossGradient(exact.loss, fa.theta, &l[0], exact.grad));
  ok(TzLossGradient(fa.loss, fa.theta, &l[1], fa.grad));
  AssertAll(fa.n == exact.n && PetscAbsReal(l[0] - l[1]) <= 1e-14 && Difference(fa.n, fa.grad, exact.grad) <= 1e-13, "fa with transposed weights");
  ok(TzLossGradient(exact.loss, exact.theta, &l[0], exact.grad));
  ok(TzLossGradient(fa.loss, exact.theta, &l[1], fa.grad));
  AssertAll(Difference(fa.n, fa.grad, exact.grad) > 1e-3, "fa with other weights");
  Close(&exact);
  Close(&fa);
}

static void test_direct(void **state)
{
  const char *net = "-net_format dense -net_layers 12 -net_activation relu";
  Case        fa, dfa;
  PetscReal   l[2];

  (void)state;
  Open(&fa, PETSC_COMM_WORLD, net, "-loss_gradient fa");
  Open(&dfa, PETSC_COMM_WORLD, net, "-loss_gradient dfa");
  ok(TzLossGradient(fa.loss, fa.theta, &l[0], fa.grad));
  ok(TzLossGradient(dfa.loss, dfa.theta, &l[1], dfa.grad));
  AssertAll(l[0] == l[1] && Difference(fa.n, fa.grad, dfa.grad) <= 1e-13, "dfa = fa with one hidden layer");
  Close(&fa);
  Close(&dfa);
}

/*
  With one hidden layer whose local classifier is the last layer itself the local loss is the loss: over K steps on all images the mean of its
  gradient is the exact one, however many groups its units are in. Its deviation is measured beside it; 6 of them are exceeded once in 5e8.
*/
static void Local(const char *groups)
{
  const PetscInt K = 200, weights = SIDE * SIDE * 8;
  const char    *net = "-net_format dense -net_layers 8 -net_activation tanh -loss_batch 330 -loss_block 30";
  Case           exact, local;
  PetscReal      l, sum[SIDE * SIDE * 8] = {0}, square[SIDE * SIDE * 8] = {0}, worst = 0;

  Open(&exact, PETSC_COMM_WORLD, net, "");
  Open(&local, PETSC_COMM_WORLD, net, groups);
  AssertAll(local.n == exact.n + 10 * 8 + 10, "parameters of the local classifier");
  ok(PetscArraycpy(local.theta, exact.theta, exact.n));
  ok(PetscArraycpy(local.theta + exact.n, exact.theta + weights, 80));               /* H = W2 */
  ok(PetscArraycpy(local.theta + exact.n + 80, exact.theta + weights + 80 + 8, 10)); /* c = b2 */
  ok(TzLossGradient(exact.loss, exact.theta, &l, exact.grad));
  for (PetscInt k = 0; k < K; k++) {
    ok(TzLossSample(local.loss, k));
    ok(TzLossGradient(local.loss, local.theta, &l, local.grad));
    for (PetscInt i = 0; i < weights; i++) {
      sum[i] += local.grad[i] / K;
      square[i] += local.grad[i] * local.grad[i] / K;
    }
  }
  for (PetscInt i = 0; i < weights; i++) {
    const PetscReal deviation = PetscSqrtReal(PetscMax(square[i] - sum[i] * sum[i], 0) / K);

    if (deviation > 0) worst = PetscMax(worst, PetscAbsReal(sum[i] - exact.grad[i]) / deviation);
  }
  AssertAll(worst <= 6, "the mean of the local gradient");
  /* the last layer and the local classifier: exact gradients, here of the same function */
  AssertAll(Difference(80, local.grad + weights, exact.grad + weights) <= 1e-13 && Difference(80, local.grad + exact.n, exact.grad + weights) <= 1e-13,
            "the classifiers' gradients");
  Close(&exact);
  Close(&local);
}

static void test_local(void **state)
{
  (void)state;
  Local("-loss_gradient local");
  Local("-loss_gradient local -loss_groups 4");
}

static void test_ranks(void **state)
{
  static const char *const kinds[] = {"-loss_gradient fa", "-loss_gradient dfa", "-loss_gradient local -loss_groups 4"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(kinds); k++) {
    Case      alone, all;
    PetscReal l[2];

    Open(&alone, PETSC_COMM_SELF, "-net_format dense -net_layers 12,8 -net_activation relu", kinds[k]);
    Open(&all, PETSC_COMM_WORLD, "-net_format dense -net_layers 12,8 -net_activation relu", kinds[k]);
    for (PetscInt i = 0; i < all.n; i++) alone.theta[i] = all.theta[i] = 0.1 * ((i * 7 % 13) - 6); /* local classifiers too */
    ok(TzLossGradient(alone.loss, alone.theta, &l[0], alone.grad));
    ok(TzLossGradient(all.loss, all.theta, &l[1], all.grad));
    AssertAll(l[0] == l[1] && !memcmp(alone.grad, all.grad, sizeof(PetscReal) * (size_t)all.n), kinds[k]);
    Close(&alone);
    Close(&all);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_alignment), cmocka_unit_test(test_direct), cmocka_unit_test(test_local),
                                     cmocka_unit_test(test_ranks)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests(tests, Setup, Teardown);
  if (TzFinalize()) return 1;
  return failures;
}
