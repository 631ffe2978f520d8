/*
  One test set for every solver: all rows of the table (solvers/presets.c), variants of some, and TAO's own types. The loss falls; history, result and state
  have the same bits on any number of ranks; k + k steps are 2k steps; a NaN ends the run with the last good parameters; only those that say so take
  exact gradients.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testloss.h"
#include <private/tzzoimpl.h>

#define NP          37
#define CHECK(call) assert_true(everywhere((call) == 0))

static PetscMPIInt       rank, size;
static const char *const own[] = {"lmvm", "blmvm", "cg", "bncg", "bqnls", "bqnktr", "bqnktl", "nm", "pounders", "brgn"}; /* solvers/tao.c */

typedef struct {
  Tao      tao;
  TzLoss   loss;
  Vec      x;
  uint64_t hash; /* of what monitors saw */
} Run;

/* Objective, norm and learning rate of every step go into the checksum */
static PetscErrorCode Watch(Tao tao, void *ctx)
{
  uint64_t *hash = (uint64_t *)ctx;
  PetscReal f[3] = {0, 0, 0};
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(tao, NULL, &f[0], &f[1], NULL, NULL, NULL));
  PetscCall(TaoZOIs(tao, &is));
  if (is) PetscCall(TaoZOGetLearningRate(tao, &f[2]));
  *hash = test_checksum(*hash, 3, f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Run Open(MPI_Comm comm, const char type[], const char options[], PetscBool fixed, PetscReal poison)
{
  const TestLoss shape = {.kind = TEST_SMOOTH, .n = NP, .samples = 23, .block = 3, .nodeblocks = 2, .fixed = fixed, .poison = poison};
  Run            run   = {.hash = TEST_CHECKSUM};
  PetscReal      start[NP], *x;
  PetscInt       i0, i1;

  test_start(NP, start);
  PetscCallAbort(comm, PetscOptionsClear(NULL));
  PetscCallAbort(comm, PetscOptionsInsertString(NULL, options));
  run.loss = test_loss(comm, shape, PETSC_FALSE);
  PetscCallAbort(comm, TaoCreate(comm, &run.tao));
  PetscCallAbort(comm, TaoSetType(run.tao, type));
  PetscCallAbort(comm, TaoZOSetLoss(run.tao, run.loss));
  PetscCallAbort(comm, TaoSetFromOptions(run.tao));
  PetscCallAbort(comm, TaoZOCreateSolution(run.tao, &run.x));
  PetscCallAbort(comm, VecGetOwnershipRange(run.x, &i0, &i1));
  PetscCallAbort(comm, VecGetArray(run.x, &x));
  PetscCallAbort(comm, PetscArraycpy(x, start + i0, i1 - i0));
  PetscCallAbort(comm, VecRestoreArray(run.x, &x));
  PetscCallAbort(comm, TaoSetSolution(run.tao, run.x));
  return run;
}

static void Close(Run *run)
{
  PetscCallAbort(PETSC_COMM_SELF, TaoDestroy(&run->tao));
  PetscCallAbort(PETSC_COMM_SELF, TzLossDestroy(&run->loss));
  PetscCallAbort(PETSC_COMM_SELF, VecDestroy(&run->x));
}

/* all [NP]: the whole vector on every rank */
static void Whole(Vec x, PetscReal all[])
{
  VecScatter       scatter;
  Vec              local;
  const PetscReal *array;
  MPI_Comm         comm = PetscObjectComm((PetscObject)x);

  PetscCallAbort(comm, VecScatterCreateToAll(x, &scatter, &local));
  PetscCallAbort(comm, VecScatterBegin(scatter, x, local, INSERT_VALUES, SCATTER_FORWARD));
  PetscCallAbort(comm, VecScatterEnd(scatter, x, local, INSERT_VALUES, SCATTER_FORWARD));
  PetscCallAbort(comm, VecGetArrayRead(local, &array));
  PetscCallAbort(comm, PetscArraycpy(all, array, NP));
  PetscCallAbort(comm, VecRestoreArrayRead(local, &array));
  PetscCallAbort(comm, VecScatterDestroy(&scatter));
  PetscCallAbort(comm, VecDestroy(&local));
}

/* The checksum of the history and the result */
static uint64_t Solve(Run *run, PetscInt steps)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)run->tao);
  PetscReal x[NP];

  PetscCallAbort(comm, TaoSetMaximumIterations(run->tao, steps));
  PetscCallAbort(comm, TaoMonitorSet(run->tao, Watch, &run->hash, NULL));
  PetscCallAbort(comm, TaoSolve(run->tao));
  Whole(run->x, x);
  return test_checksum(run->hash, NP, x);
}

/* The loss of the samples of step 0 at the solution, by the start's */
static PetscReal Fall(Run *run)
{
  PetscReal x[NP], start[NP], l, l0;

  Whole(run->x, x);
  test_start(NP, start);
  CHECK(TzLossSample(run->loss, 0));
  CHECK(TzLossObjective(run->loss, start, &l0));
  CHECK(TzLossObjective(run->loss, x, &l));
  return l / l0;
}

static PetscInt Gradients(const Run *run)
{
  return ((const TestLoss *)run->loss->data)->gradients;
}

/* Options at which every type has its way (a gradient of some units, parameters of 0.3), and variants of some */
static const struct {
  const char *type, *options;
} cases[] = {
  {TAOZOSGD, "-zo_lr 1e-3 -zo_momentum 0.7 -zo_direction hadamard"},
  {TAOZOSIGN, "-zo_lr 1e-2 -zo_lr_schedule cosine -zo_lr_steps 100"},
  {TAOZOCGE, "-zo_lr 1e-2 -zo_two_sided -zo_lr_schedule exponential -zo_lr_every 50"},
  {TAOZOHYBRID, "-zo_lr 1e-2 -zo_patience 3 -zo_direction rademacher -zo_phase2_lr 3e-3"},
  {TAOZOHYBRID, "-zo_phase1 zoadam -zo_lr 1e-2 -zo_patience 2 -zo_phase2 zogn -zo_phase2_queries 10 -zo_phase2_momentum 0.5"},
  {TAOZOADAM, "-zo_lr 1e-2"},
  {TAOZOGN, ""},
  {TAOZOGN, "-zo_queries 7 -zo_momentum 0.5 -zo_two_sided"},
  {TAOZOGN, "-zo_direction coordinate"},
  {TAOZOGN, "-zo_direction coordinate -zo_two_sided -zo_momentum 0.9"},
  {TAOZOLLS, ""},
  {TAOZOFLOPS, "-zo_lr 1e-3"},
  {TAOZOADAM, "-zo_lr 1e-2 -zo_last_layer 3"},
  {TAOZOFGW, "-zo_lr 1e-3"},
  {TAOZOSTP, "-zo_lr 1e-2 -zo_sparsity 0.4"},
  {TAOZOSCD, "-zo_lr 1e-2 -zo_sparsity 0.4"},
  {TAOTZSGD, "-zo_lr 1e-2"},
  {TAOTZADAM, "-zo_lr 1e-2"},
  {TAOTZGN, ""},
  {TAOTZGN, "-zo_momentum 0.9"},
};
#define EACH(c) (size_t c = 0; c < PETSC_STATIC_ARRAY_LENGTH(cases); c++)

/* No row of the table is without its case */
static void test_complete(void **state)
{
  (void)state;
  for (const TzZOPreset *p = TzZOPresets; p->name; p++) {
    int found = 0;

    for
      EACH(c) found = found || !strcmp(cases[c].type, p->name);
    if (!found) print_error("no case of %s\n", p->name);
    assert_true(everywhere(found));
  }
}

static void test_falls(void **state)
{
  (void)state;
  for
    EACH(c)
    {
      const PetscBool first = (PetscBool)!strncmp(cases[c].type, "tz", 2);
      Run             run   = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_TRUE, 0);
      PetscReal       fall;

      (void)Solve(&run, 60);
      fall = Fall(&run);
      if (!(fall < 0.8) || (Gradients(&run) > 0) != first) print_error("%s: %g, %d gradients\n", cases[c].type, (double)fall, (int)Gradients(&run));
      assert_true(everywhere(fall < 0.8)); /* the start is far from the minimum, which is 0: more parameters than samples */
      assert_true(everywhere(size > 8 || (Gradients(&run) > 0) == first));
      Close(&run);
    }
}

static void test_ranks(void **state)
{
  (void)state;
  for
    EACH(c)
    {
      Run            alone = Open(PETSC_COMM_SELF, cases[c].type, cases[c].options, PETSC_FALSE, 0);
      const uint64_t one   = Solve(&alone, 8);

      Close(&alone);
      for (PetscMPIInt ranks = 1; ranks <= size; ranks++) {
        MPI_Comm comm;
        int      same = 1;

        MPI_Comm_split(PETSC_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &comm);
        if (comm != MPI_COMM_NULL) {
          Run run = Open(comm, cases[c].type, cases[c].options, PETSC_FALSE, 0);

          same = Solve(&run, 8) == one;
          Close(&run);
          MPI_Comm_free(&comm);
        }
        if (!everywhere(same)) print_error("%s on %d ranks\n", cases[c].type, ranks);
        assert_true(everywhere(same));
      }
    }
}

/* 5 + 5 steps with another Tao and another loss are 10: parameters, state and counts */
static void test_resume(void **state)
{
  (void)state;
  for
    EACH(c)
    {
      Run all  = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 0),
          half = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 0),
          rest = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 0);
      TzZOState s, r;
      TzCounts  counts, expected;
      PetscReal x[NP], y[NP];
      int       same = 1;

      (void)Solve(&all, 10);
      (void)Solve(&half, 5);
      CHECK(TaoZOGetState(half.tao, &s));
      CHECK(TaoZOGetState(rest.tao, &r));
      CHECK(VecCopy(half.x, rest.x));
      for (PetscInt i = 0; i < s.nvec; i++) CHECK(VecCopy(s.vec[i], r.vec[i]));
      for (PetscInt i = 0; i < s.nscalar; i++) *r.scalar[i] = *s.scalar[i];
      CHECK(TzLossGetCounts(half.loss, &counts));
      CHECK(TzLossSetCounts(rest.loss, &counts));
      CHECK(TaoZOSetStep(rest.tao, 5));
      (void)Solve(&rest, 10);
      CHECK(TaoZOGetState(all.tao, &s));
      for (PetscInt i = -1; i < s.nvec; i++) {
        Whole(i < 0 ? all.x : s.vec[i], x);
        Whole(i < 0 ? rest.x : r.vec[i], y);
        same = same && !memcmp(x, y, sizeof(x));
      }
      for (PetscInt i = 0; i < s.nscalar; i++) same = same && *s.scalar[i] == *r.scalar[i];
      CHECK(TzLossGetCounts(all.loss, &expected));
      CHECK(TzLossGetCounts(rest.loss, &counts));
      same = same && counts.queries == expected.queries && counts.forwards == expected.forwards;
      if (!everywhere(same)) print_error("%s\n", cases[c].type);
      assert_true(everywhere(same));
      Close(&all);
      Close(&half);
      Close(&rest);
    }
}

/* The loss is NaN where a parameter exceeds the poison, from the start on: no step is taken */
static void test_nan(void **state)
{
  (void)state;
  for
    EACH(c)
    {
      Run                run = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 1e-3);
      PetscReal          x[NP], start[NP];
      PetscInt           its;
      TaoConvergedReason reason;

      (void)Solve(&run, 5);
      CHECK(TaoGetConvergedReason(run.tao, &reason));
      CHECK(TaoGetIterationNumber(run.tao, &its));
      Whole(run.x, x);
      test_start(NP, start);
      assert_true(everywhere(reason == TAO_DIVERGED_NAN && its == 0 && !memcmp(x, start, sizeof(x))));
      Close(&run);
    }
}

/* Any two rows are a hybrid: the second begins when the first has not improved, and is then the one that is counted */
static void test_phases(void **state)
{
  static const char *const two[][2] = {{TAOZOSIGN, TAOZOGN}, {TAOZOSTP, TAOZOADAM}, {TAOTZADAM, TAOZOGN}, {TAOZOLLS, TAOZOGN}, {TAOZOADAM, TAOTZADAM}};

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(two); i++) {
    char      options[256];
    TzZOState s;

    snprintf(options, sizeof(options), "-zo_phase1 %s -zo_phase2 %s -zo_lr 1e-9 -zo_patience 4", two[i][0], two[i][1]);
    Run run = Open(PETSC_COMM_WORLD, TAOZOHYBRID, options, PETSC_TRUE, 0);
    (void)Solve(&run, 40);
    CHECK(TaoZOGetState(run.tao, &s));
    assert_string_equal(s.scalarname[1], "phase");
    assert_true(everywhere(*s.scalar[1] == 1 && Fall(&run) < 0.999)); /* the first does not move */
    Close(&run);
  }
}

/*
  Of linear residuals, more parameters than samples, Gauss-Newton finds loss 0: what the damping leaves of it falls by the damping, at least by 3 a step,
  in every step from 1e-3 on. Differences of linear functions are exact but for rounding, so that the steps with all coordinates by differences are those by
  the adjoint: rounding of 1e-16 / mu in A moves a step by its conditioning, sqrt(1/damping), at most.
*/
static void test_gaussnewton(void **state)
{
  const char *const types[] = {TAOTZGN, TAOZOGN, TAOZOGN}, *const options[] = {"", "-zo_direction coordinate", "-zo_queries 60"};
  PetscReal x[3][NP];

  (void)state;
  for (int k = 0; k < 3; k++) {
    Run       run = Open(PETSC_COMM_WORLD, types[k], options[k], PETSC_TRUE, 0);
    TestLoss *t   = (TestLoss *)run.loss->data;
    PetscReal fall;

    t->kind = TEST_QUADRATIC;
    (void)Solve(&run, 3);
    Whole(run.x, x[k]);
    (void)Solve(&run, 8);
    fall = Fall(&run);
    if (!(fall < 1e-12)) print_error("%s %s: %g\n", types[k], options[k], (double)fall);
    assert_true(everywhere(fall < 1e-12));
    Close(&run);
  }
  for (PetscInt i = 0; i < NP; i++) assert_true(everywhere(fabs(x[0][i] - x[1][i]) < 1e-8));
}

static PetscBool Sequential(const char type[])
{
  return (PetscBool)(!strcmp(type, "pounders"));
}

/* nm, pounders, brgn ask for no gradient; all have the same bits on any number of ranks */
static void test_own(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(own); i++) {
    const PetscBool forward = (PetscBool)(!strcmp(own[i], "nm") || !strcmp(own[i], "pounders") || !strcmp(own[i], "brgn"));
    Run             alone   = Open(PETSC_COMM_SELF, own[i], "", PETSC_TRUE, 0);
    const uint64_t  one     = Solve(&alone, 60);
    const PetscReal fall    = Fall(&alone);

    if (!(fall < 0.8) || (Gradients(&alone) == 0) != forward) print_error("%s: %g, %d gradients\n", own[i], (double)fall, (int)Gradients(&alone));
    assert_true(everywhere(fall < 0.8 && (Gradients(&alone) == 0) == forward));
    Close(&alone);
    for (PetscMPIInt ranks = 2; ranks <= size && !Sequential(own[i]); ranks++) {
      MPI_Comm comm;
      int      same = 1;

      MPI_Comm_split(PETSC_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &comm);
      if (comm != MPI_COMM_NULL) {
        Run run = Open(comm, own[i], "", PETSC_TRUE, 0);

        same = Solve(&run, 60) == one;
        Close(&run);
        MPI_Comm_free(&comm);
      }
      if (!everywhere(same)) print_error("%s on %d ranks\n", own[i], ranks);
      assert_true(everywhere(same));
    }
  }
}

/* Types that need what no loss has, and least squares of a loss that is no mean of squares, are the user's mistake */
static void test_refused(void **state)
{
  static const char *const types[] = {"nls",  "ntr",   "bnls", "tron",  "gpcg", "ipm",  "ssils",   "admm",
                                      "almm", "shell", "lcl",  "owlqn", "bmrm", "brgn", "pounders"};

  (void)state;
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(types); i++) {
    TestLoss       shape = {.kind = TEST_LINEAR, .n = NP, .samples = 23, .block = 3, .nodeblocks = 2};
    TzLoss         loss  = test_loss(PETSC_COMM_WORLD, shape, PETSC_FALSE);
    Vec            x     = NULL;
    PetscErrorCode ierr;
    Tao            tao;

    loss->ops->residual = NULL;
    CHECK(TaoCreate(PETSC_COMM_WORLD, &tao));
    CHECK(TaoSetType(tao, types[i]));
    CHECK(TaoZOSetLoss(tao, loss));
    ierr = TaoZOCreateSolution(tao, &x);
    assert_true(everywhere(ierr == PETSC_ERR_USER_INPUT));
    CHECK(VecDestroy(&x));
    CHECK(TaoDestroy(&tao));
    CHECK(TzLossDestroy(&loss));
  }
  CHECK(PetscPopErrorHandler());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_complete),    cmocka_unit_test(test_falls), cmocka_unit_test(test_ranks),
    cmocka_unit_test(test_resume),      cmocka_unit_test(test_nan),   cmocka_unit_test(test_phases),
    cmocka_unit_test(test_gaussnewton), cmocka_unit_test(test_own),   cmocka_unit_test(test_refused),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (TaoZORegisterAll()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
