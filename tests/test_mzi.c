/*
  Networks of meshes of interferometers (src/net/formats/mzi.c): meshes are orthogonal whatever their phases; any matrix is reached, with as many numbers as it
  has entries; a train starts as that of the same seed without meshes; cross-talk moves the phases of neighbours; the same loss on any number of ranks.
  Gradients: tests/test_adjoint.c; evaluations against each other: tests/test_net.c.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testproblem.h"

#define OK(call) assert_int_equal((call), 0)
#define MOST     16    /* of a side of a matrix here */
#define NEAR     1e-13 /* 240 turns, each with a rounding of 1e-16 of numbers of size 1, and an SVD that is as exact */

static const PetscInt sizes[][2] = {{1, 1}, {1, 5}, {7, 1}, {2, 2}, {6, 6}, {9, 4}, {3, 8}, {16, 16}};

/* A network of one hidden layer, whose W [out][in] is looked at */
static TzNet Net(const char options[], PetscInt in, PetscInt out)
{
  TzNet net;

  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, options));
  OK(TzNetCreate(PETSC_COMM_SELF, &net));
  OK(TzNetSetIO(net, in, 1));
  OK(TzNetSetHidden(net, 1, &out));
  OK(TzNetSetFromOptions(net));
  return net;
}

/* U [m][k] has so many: those that do something to the first k of m modes */
static PetscInt Phases(PetscInt m, PetscInt k)
{
  PetscInt n = 0;

  for (PetscInt j = 0; j < k; j++) n += m - 1 - j;
  return n;
}

/* All S = 1: W W' or W' W, whichever is smaller, is the unit matrix */
static void TestOrthogonal(void **state)
{
  (void)state;
  for (size_t s = 0; s < PETSC_STATIC_ARRAY_LENGTH(sizes); s++) {
    const PetscInt m = sizes[s][0], n = sizes[s][1], k = PetscMin(m, n), phases = Phases(m, k) + Phases(n, k);
    PetscReal      W[MOST * MOST], theta[2 * MOST * MOST];
    TzNetLayout    layout;
    TzNet          net = Net("-net_format mzi -net_mzi_crosstalk 0.05", n, m);

    OK(TzNetGetLayout(net, 0, &layout));
    assert_int_equal(layout.nweights, m * n);
    assert_int_equal(phases + k, m * n);
    OK(TzRandomNormal(1, TZ_STREAM_INIT, 0, 0, 0, m * n, theta));
    for (PetscInt i = phases; i < m * n; i++) theta[i] = 1;
    OK(TzNetGetWeight(net, theta, 0, W));
    for (PetscInt a = 0; a < k; a++)
      for (PetscInt b = 0; b < k; b++) {
        PetscReal sum = 0;

        for (PetscInt x = 0; x < PetscMax(m, n); x++) sum += m < n ? W[a * n + x] * W[b * n + x] : W[x * n + a] * W[x * n + b];
        assert_true(fabs(sum - (a == b)) < NEAR);
      }
    OK(TzNetDestroy(&net));
  }
}

/* Parameters are found for any matrix: random, with singular values 0, orthogonal of determinant -1 (two rows exchanged), 0 */
static void TestReach(void **state)
{
  (void)state;
  for (size_t s = 0; s < 4 * PETSC_STATIC_ARRAY_LENGTH(sizes); s++) {
    const PetscInt m = sizes[s / 4][0], n = sizes[s / 4][1], kind = (PetscInt)(s % 4);
    PetscReal      W[MOST * MOST], from[MOST * MOST + 3 * MOST] = {0}, to[MOST * MOST + 3 * MOST];
    TzNet          dense = Net("-net_format dense", n, m), net = Net("-net_format mzi", n, m);

    if (kind < 2) OK(TzRandomNormal(2, TZ_STREAM_INIT, 0, 0, 0, m * n, from));
    for (PetscInt i = 0; i < m * n && kind == 1; i++) from[i] = from[i / n] * from[i % n]; /* of rank 1 */
    for (PetscInt i = 0; i < PetscMin(m, n) && kind == 2; i++) from[i * n + (i < 2 && m > 1 && n > 1 ? 1 - i : i)] = 1;
    OK(TzNetConvert(dense, from, "test", net, 0, to));
    OK(TzNetGetWeight(net, to, 0, W));
    for (PetscInt i = 0; i < m * n; i++) assert_true(fabs(W[i] - from[i]) < NEAR * 16);
    OK(TzNetDestroy(&dense));
    OK(TzNetDestroy(&net));
  }
}

/* The matrices of a train of the same seed, with their factors of the first and the last layer; and of a train that is converted */
static void TestStart(void **state)
{
  static const char *const pairs[][2] = {{"-net_format tt -net_tt_rank 3", "-net_format mzi-tt -net_tt_rank 3"},
                                         {"-net_format tt -net_tt_rank 3 -net_frequency 3", "-net_format mzi-tt -net_tt_rank 3 -net_frequency 3"},
                                         {"-net_format ttm -net_tt_rank 2", "-net_format mzi-ttm -net_tt_rank 2"},
                                         {"-net_format dense -net_frequency 2", "-net_format mzi -net_frequency 2"}};

  (void)state;
  for (size_t s = 0; s < PETSC_STATIC_ARRAY_LENGTH(pairs); s++) {
    PetscReal *W[3], *theta[3];
    PetscInt   n[2];
    TzNet      net[2];

    for (int k = 0; k < 3; k++) {
      OK(PetscMalloc1(24 * 12, &W[k]));
      if (k < 2) {
        net[k] = Net(pairs[s][k], 12, 24);
        OK(TzNetGetNumParameters(net[k], &n[k]));
      }
      OK(PetscMalloc1(n[PetscMin(k, 1)], &theta[k]));
      if (k < 2) OK(TzNetInitialize(net[k], 5, theta[k]));
      else OK(TzNetConvert(net[0], theta[0], "test", net[1], 0, theta[2]));
      OK(TzNetGetWeight(net[PetscMin(k, 1)], theta[k], 0, W[k]));
    }
    assert_int_equal(n[0], n[1]);
    for (PetscInt i = 0; i < 24 * 12; i++) {
      assert_true(fabs(W[0][i] - W[1][i]) < NEAR * 10);
      assert_true(fabs(W[0][i] - W[2][i]) < NEAR * 10);
    }
    for (int k = 0; k < 3; k++) {
      OK(PetscFree(W[k]));
      OK(PetscFree(theta[k]));
      if (k < 2) OK(TzNetDestroy(&net[k]));
    }
  }
}

/* The places of a mesh's interferometers, in the order of its phases: mode and depth. Those beside each other share a mode and are one step deeper or less */
static PetscInt Places(PetscInt m, PetscInt k, PetscInt mode[], PetscInt depth[])
{
  PetscInt n = 0;

  for (PetscInt j = 0; j < k; j++)
    for (PetscInt i = j + 1; i < m; i++, n++) {
      mode[n]  = i;
      depth[n] = m - 1 - i + 2 * j;
    }
  return n;
}

/* W with cross-talk gamma is, to the bit, W without it at phases + gamma (sum of neighbours), for no sum here has an inexact term; gamma = 0 is none */
static void TestCrosstalk(void **state)
{
  (void)state;
  for (size_t s = 0; s < PETSC_STATIC_ARRAY_LENGTH(sizes); s++) {
    const PetscInt m = sizes[s][0], n = sizes[s][1], k = PetscMin(m, n);
    PetscReal      theta[2 * MOST * MOST], moved[2 * MOST * MOST], W[4][MOST * MOST];
    PetscInt       first = 0;
    TzNet net[3] = {Net("-net_format mzi", n, m), Net("-net_format mzi -net_mzi_crosstalk 0.125", n, m), Net("-net_format mzi -net_mzi_crosstalk 0", n, m)};

    OK(TzRandomNormal(3, TZ_STREAM_INIT, 0, 0, 0, m * n, theta));
    for (PetscInt i = 0; i < m * n; i++) moved[i] = theta[i] = ldexp(floor(ldexp(theta[i], 20)), -20);
    for (int side = 0; side < 2; side++) {
      PetscInt mode[MOST * MOST], depth[MOST * MOST], phases = Places(side ? n : m, k, mode, depth);

      for (PetscInt a = 0; a < phases; a++)
        for (PetscInt b = 0; b < phases; b++)
          if (PetscAbsInt(mode[a] - mode[b]) == 1 && PetscAbsInt(depth[a] - depth[b]) == 1) moved[first + a] += 0.125 * theta[first + b];
      first += phases;
    }
    OK(TzNetGetWeight(net[0], theta, 0, W[0]));
    OK(TzNetGetWeight(net[0], moved, 0, W[1]));
    OK(TzNetGetWeight(net[1], theta, 0, W[2]));
    OK(TzNetGetWeight(net[2], theta, 0, W[3]));
    assert_memory_equal(W[1], W[2], sizeof(PetscReal) * (size_t)(m * n));
    assert_memory_equal(W[0], W[3], sizeof(PetscReal) * (size_t)(m * n));
    if (first > 3) assert_memory_not_equal(W[0], W[2], sizeof(PetscReal) * (size_t)(m * n));
    for (int i = 0; i < 3; i++) OK(TzNetDestroy(&net[i]));
  }
}

/* On all ranks, so that no rank waits for one that failed */
static void TestRanks(void **state)
{
  static const char *const nets[] = {"-net_format mzi-tt -net_layers 24,16 -net_tt_rank 3 -net_noise_weight 0.01 -net_mzi_crosstalk 0.01",
                                     "-net_format mzi -net_layers 9,7 -net_weight_bits 8"};

  (void)state;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(nets); k++) {
    PetscReal l[2][3], lp[2][7], *theta;
    PetscInt  n;
    int       same;

    for (int all = 0; all < 2; all++) {
      TzLoss loss = test_problem(all ? PETSC_COMM_WORLD : PETSC_COMM_SELF, nets[k], "-deriv_type fd", "-pde_type hjb -pde_dim 5 -loss_points 11 -loss_block 3");
      TzQueries q = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 1e-2, .base = PETSC_TRUE, .n = 7, .step = 1};

      theta = test_parameters(loss, &n);
      OK(TzLossSample(loss, 1));
      OK(TzLossEvaluate(loss, theta, &q, &l[all][0], lp[all], NULL));
      OK(PetscFree(theta));
      OK(TzLossDestroy(&loss));
    }
    same = !memcmp(&l[0][0], &l[1][0], sizeof(PetscReal)) && !memcmp(lp[0], lp[1], sizeof(lp[0]));
    OK(MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
    assert_true(same);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestOrthogonal), cmocka_unit_test(TestReach), cmocka_unit_test(TestStart),
                                     cmocka_unit_test(TestCrosstalk), cmocka_unit_test(TestRanks)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 2;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 2;
  return failed;
}
