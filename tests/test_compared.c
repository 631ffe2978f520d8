/*
  The solvers of other papers: each one's step against its definition, one coordinate or direction at a time.
*/
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testloss.h"

#define ok(call) assert_int_equal((call), 0)
#define NP       203

static const TestLoss shape = {.kind = TEST_SMOOTH, .n = NP, .samples = 23, .block = 3, .nodeblocks = 2};

/* after [NP]: the parameters after so many steps from test_start(); *loss, if not NULL, is left with the samples of the last step */
static void Solve(MPI_Comm comm, const char options[], PetscInt steps, PetscReal after[], TzLoss *keep)
{
  TzLoss           loss;
  Tao              tao;
  Vec              x, all;
  VecScatter       scatter;
  PetscReal       *array, start[NP];
  const PetscReal *whole;
  PetscInt         i0, i1;

  test_start(NP, start);
  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsInsertString(NULL, options));
  loss = test_loss(comm, shape, PETSC_FALSE);
  ok(VecCreateMPI(comm, PETSC_DECIDE, NP, &x));
  ok(VecGetOwnershipRange(x, &i0, &i1));
  ok(VecGetArray(x, &array));
  ok(PetscArraycpy(array, start + i0, i1 - i0));
  ok(VecRestoreArray(x, &array));
  ok(TaoCreate(comm, &tao));
  ok(TaoSetSolution(tao, x));
  ok(TaoZOSetLoss(tao, loss));
  ok(TaoSetMaximumIterations(tao, steps));
  ok(TaoSetFromOptions(tao));
  ok(TaoSolve(tao));
  ok(VecScatterCreateToAll(x, &scatter, &all));
  ok(VecScatterBegin(scatter, x, all, INSERT_VALUES, SCATTER_FORWARD));
  ok(VecScatterEnd(scatter, x, all, INSERT_VALUES, SCATTER_FORWARD));
  ok(VecGetArrayRead(all, &whole));
  ok(PetscArraycpy(after, whole, NP));
  ok(VecRestoreArrayRead(all, &whole));
  ok(VecScatterDestroy(&scatter));
  ok(VecDestroy(&all));
  ok(VecDestroy(&x));
  ok(TaoDestroy(&tao));
  if (keep) *keep = loss;
  else ok(TzLossDestroy(&loss));
}

static PetscReal Objective(TzLoss loss, const PetscReal theta[], PetscInt i, PetscReal shift)
{
  PetscReal moved[NP], l;

  memcpy(moved, theta, sizeof(moved));
  if (i >= 0) moved[i] += shift;
  ok(TzLossObjective(loss, moved, &l));
  return l;
}

/* One step: which coordinates moved, and where to */
static void Step(const char type[], PetscBool three)
{
  const PetscReal lr = 0.01;
  PetscReal       start[NP], after[NP], l0;
  PetscInt        moved = 0;
  char            options[128];
  TzLoss          loss;

  test_start(NP, start);
  ok(PetscSNPrintf(options, sizeof(options), "-tao_type %s -zo_lr %g -zo_sparsity 0.25", type, (double)lr));
  Solve(PETSC_COMM_SELF, options, 1, after, &loss);
  l0 = Objective(loss, start, -1, 0);
  for (PetscInt i = 0; i < NP; i++) {
    const PetscReal plus = Objective(loss, start, i, lr), minus = Objective(loss, start, i, -lr);

    if (after[i] == start[i]) continue;
    moved++;
    assert_true(after[i] == start[i] + lr || after[i] == start[i] - lr);
    if (after[i] > start[i]) assert_true(plus < l0 && (!three || plus <= minus));
    else assert_true(three ? minus < l0 && minus < plus : plus >= l0);
  }
  if (three) assert_true(moved > NP / 8 && moved <= NP / 4); /* of a smooth loss nearly every coordinate has a better point */
  else assert_int_equal(moved, NP / 4);
  ok(TzLossDestroy(&loss));
}

static void test_points(void **state)
{
  (void)state;
  Step("zostp", PETSC_TRUE);
  Step("zoscd", PETSC_FALSE);
}

/* Over some steps every coordinate has its turn: none is left out, and every step moves a quarter of them */
static void test_coverage(void **state)
{
  PetscReal start[NP], after[NP];
  PetscInt  still = 0;

  (void)state;
  test_start(NP, start);
  Solve(PETSC_COMM_SELF, "-tao_type zoscd -zo_lr 0.001 -zo_sparsity 0.25", 31, after, NULL); /* an odd number of moves never sums to 0, an even one may */
  for (PetscInt i = 0; i < NP; i++) still += after[i] == start[i];
  assert_true(still < NP / 4); /* (3/4)^31 = 1e-4 are not drawn; about a seventh of 8 moves end where they began */
}

/* g = (grad L . xi) xi: one step of lr 1 from the exact gradient of the test loss; differences of mu = 1e-6 are good to 1e-8 of it */
static void test_forwardgradient(void **state)
{
  PetscReal start[NP], after[NP], g[NP], xi[NP], slope = 0, worst = 0, size = 0;
  TzQueries q = {.direction = TZ_DIRECTION_GAUSSIAN, .n = 1};
  TzLoss    loss;

  (void)state;
  test_start(NP, start);
  Solve(PETSC_COMM_SELF, "-tao_type zofgw -zo_lr 1", 1, after, &loss);
  test_gradient(loss, start, g);
  ok(TzLossGetSeed(loss, &q.seed));
  ok(TzQueriesDirection(&q, 0, 0, NP, xi));
  for (PetscInt i = 0; i < NP; i++) slope += g[i] * xi[i];
  for (PetscInt i = 0; i < NP; i++) {
    worst = PetscMax(worst, PetscAbsReal(after[i] - (start[i] - slope * xi[i])));
    size  = PetscMax(size, PetscAbsReal(slope * xi[i]));
  }
  assert_true(worst <= 1e-7 * size);
  ok(TzLossDestroy(&loss));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_points), cmocka_unit_test(test_coverage), cmocka_unit_test(test_forwardgradient)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 1;
  return failures;
}
