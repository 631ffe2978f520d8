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
#include "testrun.h"
#include <private/tzzoimpl.h>

#define NP          37
#define CHECK(call) assert_true(everywhere((call) == 0))

static PetscMPIInt       rank, size;
static const char *const own[] = {"lmvm", "blmvm", "cg", "bncg", "bqnls", "bqnktr", "bqnktl", "nm", "pounders", "brgn"}; /* solvers/tao.c */

static TestRun Open(MPI_Comm comm, const char type[], const char options[], PetscBool fixed, PetscReal poison)
{
  const TestLoss shape = {.kind = TEST_SMOOTH, .n = NP, .samples = 23, .block = 3, .nodeblocks = 2, .fixed = fixed, .poison = poison};

  return test_run_open(comm, shape, type, options);
}

/* The loss of the samples of step 0 at the solution, by the start's */
static PetscReal Fall(TestRun *run)
{
  PetscReal x[NP], start[NP], l, l0;

  test_whole(run->x, x);
  test_start(NP, start);
  CHECK(TzLossSample(run->loss, 0));
  CHECK(TzLossObjective(run->loss, start, &l0));
  CHECK(TzLossObjective(run->loss, x, &l));
  return l / l0;
}

/* The root of the loss of step 0 at the solution */
static PetscReal Residuals(TestRun *run)
{
  PetscReal x[NP], l;

  test_whole(run->x, x);
  CHECK(TzLossSample(run->loss, 0));
  CHECK(TzLossObjective(run->loss, x, &l));
  return sqrt(l);
}

static PetscInt Gradients(const TestRun *run)
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
  {TAOZOCGE, "-zo_lr 1e-2 -zo_lr_schedule piecewise -zo_lr_at 2,8 -zo_lr_values 5e-3,2e-3"},
  {TAOZOHYBRID, "-zo_lr 1e-2 -zo_patience 2 -zo_direction rademacher -zo_phase2_lr 1e-3"},
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
  {TAOTZGN, "-zo_acceleration"},
  {TAOZOGN, "-zo_queries 30 -zo_acceleration"},
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
      TestRun         run   = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_TRUE, 0);
      PetscReal       fall;

      (void)test_run_solve(&run, 60);
      fall = Fall(&run);
      if (!(fall < 0.8) || (Gradients(&run) > 0) != first) print_error("%s: %g, %d gradients\n", cases[c].type, (double)fall, (int)Gradients(&run));
      assert_true(everywhere(fall < 0.8)); /* the start is far from the minimum, which is 0: more parameters than samples */
      assert_true(everywhere(size > 8 || (Gradients(&run) > 0) == first));
      test_run_close(&run);
    }
}

/* The history and the result of every type have the bits of one rank, however samples and nodes are shared among the ranks */
static void test_ranks(void **state)
{
  (void)state;
  for
    EACH(c)
    {
      TestRun        alone = Open(PETSC_COMM_SELF, cases[c].type, cases[c].options, PETSC_FALSE, 0);
      const uint64_t one   = test_run_solve(&alone, 8);

      test_run_close(&alone);
      for (int nodes = 0; nodes <= 2; nodes++) { /* 0: shared as the loss thinks best */
        char    options[512], partition[64];
        TestRun run;
        int     same;

        if (nodes && size % nodes) continue;
        CHECK(PetscSNPrintf(partition, sizeof(partition), " -tz_partition %d,%d", size / PetscMax(nodes, 1), nodes));
        CHECK(PetscSNPrintf(options, sizeof(options), "%s%s", cases[c].options, nodes ? partition : ""));
        run  = Open(PETSC_COMM_WORLD, cases[c].type, options, PETSC_FALSE, 0);
        same = test_run_solve(&run, 8) == one;
        test_run_close(&run);
        if (!everywhere(same)) print_error("%s %s on %d ranks\n", cases[c].type, options, size);
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
      TestRun all  = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 0),
              half = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 0),
              rest = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 0);
      TzZOState s, r;
      TzCounts  counts, expected;
      PetscReal x[NP], y[NP];
      int       same = 1;

      (void)test_run_solve(&all, 10);
      (void)test_run_solve(&half, 5);
      CHECK(TaoZOGetState(half.tao, &s));
      CHECK(TaoZOGetState(rest.tao, &r));
      CHECK(VecCopy(half.x, rest.x));
      for (PetscInt i = 0; i < s.nvec; i++) CHECK(VecCopy(s.vec[i], r.vec[i]));
      for (PetscInt i = 0; i < s.nscalar; i++) *r.scalar[i] = *s.scalar[i];
      CHECK(TzLossGetCounts(half.loss, &counts));
      CHECK(TzLossSetCounts(rest.loss, &counts));
      CHECK(TaoZOSetStep(rest.tao, 5));
      (void)test_run_solve(&rest, 10);
      CHECK(TaoZOGetState(all.tao, &s));
      for (PetscInt i = -1; i < s.nvec; i++) {
        test_whole(i < 0 ? all.x : s.vec[i], x);
        test_whole(i < 0 ? rest.x : r.vec[i], y);
        same = same && !memcmp(x, y, sizeof(x));
      }
      for (PetscInt i = 0; i < s.nscalar; i++) same = same && *s.scalar[i] == *r.scalar[i];
      CHECK(TzLossGetCounts(all.loss, &expected));
      CHECK(TzLossGetCounts(rest.loss, &counts));
      same = same && counts.queries == expected.queries && counts.forwards == expected.forwards;
      if (!everywhere(same)) print_error("%s\n", cases[c].type);
      assert_true(everywhere(same));
      test_run_close(&all);
      test_run_close(&half);
      test_run_close(&rest);
    }
}

/* The loss is NaN where a parameter exceeds the poison, from the start on: no step is taken */
static void test_nan(void **state)
{
  (void)state;
  for
    EACH(c)
    {
      TestRun            run = Open(PETSC_COMM_WORLD, cases[c].type, cases[c].options, PETSC_FALSE, 1e-3);
      PetscReal          x[NP], start[NP];
      PetscInt           its;
      TaoConvergedReason reason;

      (void)test_run_solve(&run, 5);
      CHECK(TaoGetConvergedReason(run.tao, &reason));
      CHECK(TaoGetIterationNumber(run.tao, &its));
      test_whole(run.x, x);
      test_start(NP, start);
      assert_true(everywhere(reason == TAO_DIVERGED_NAN && its == 0 && !memcmp(x, start, sizeof(x))));
      test_run_close(&run);
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
    TestRun run = Open(PETSC_COMM_WORLD, TAOZOHYBRID, options, PETSC_TRUE, 0);
    (void)test_run_solve(&run, 40);
    CHECK(TaoZOGetState(run.tao, &s));
    assert_string_equal(s.scalarname[1], "phase");
    assert_true(everywhere(*s.scalar[1] == 1 && Fall(&run) < 0.999)); /* the first does not move */
    test_run_close(&run);
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
    TestRun   run = Open(PETSC_COMM_WORLD, types[k], options[k], PETSC_TRUE, 0);
    TestLoss *t   = (TestLoss *)run.loss->data;
    PetscReal fall;

    t->kind = TEST_QUADRATIC;
    (void)test_run_solve(&run, 3);
    test_whole(run.x, x[k]);
    (void)test_run_solve(&run, 8);
    fall = Fall(&run);
    if (!(fall < 1e-12)) print_error("%s %s: %g\n", types[k], options[k], (double)fall);
    assert_true(everywhere(fall < 1e-12));
    test_run_close(&run);
  }
  for (PetscInt i = 0; i < NP; i++) assert_true(everywhere(fabs(x[0][i] - x[1][i]) < 1e-8));
}

/*
  Near parameters where all residuals are 0 a step without damping leaves residuals of second order in the distance, an accelerated one of third: at half the
  distance a fourth and an eighth of them, of which the next order takes or adds some hundredths at distances of 1e-2.
*/
static void test_acceleration(void **state)
{
  const char *const types[] = {TAOTZGN, TAOZOGN}, *const options[] = {"", "-zo_direction coordinate -zo_two_sided"};
  PetscReal zero[NP], w[NP];

  (void)state;
  {
    TestRun run = Open(PETSC_COMM_WORLD, TAOTZGN, "", PETSC_TRUE, 0);

    (void)test_run_solve(&run, 60);
    test_whole(run.x, zero);
    assert_true(everywhere(Fall(&run) < 1e-24));
    test_run_close(&run);
  }
  CHECK(TzRandomNormal(3, TZ_STREAM_INIT, 0, 0, 0, NP, w));
  for (int t = 0; t < 2; t++)
    for (int accelerated = 0; accelerated < 2; accelerated++) {
      PetscReal l[2];
      char      text[128];

      CHECK(PetscSNPrintf(text, sizeof(text), "%s -zo_damping_min 1e-14%s", options[t], accelerated ? " -zo_acceleration" : ""));
      for (int k = 0; k < 2; k++) {
        TestRun    run = Open(PETSC_COMM_WORLD, types[t], text, PETSC_TRUE, 0);
        TzZOState  s;
        PetscReal *x;
        PetscInt   i0, i1;

        CHECK(TaoZOGetState(run.tao, &s)); /* as after a step that has left no damping */
        CHECK(TaoZOSetStep(run.tao, 1));
        for (PetscInt i = 0; i < s.nscalar; i++)
          if (!strcmp(s.scalarname[i], "damping")) *s.scalar[i] = 1e-14;
        CHECK(VecGetOwnershipRange(run.x, &i0, &i1));
        CHECK(VecGetArray(run.x, &x));
        for (PetscInt i = i0; i < i1; i++) x[i - i0] = zero[i] + (k ? 0.005 : 0.01) * w[i];
        CHECK(VecRestoreArray(run.x, &x));
        (void)test_run_solve(&run, 2);
        l[k] = Residuals(&run);
        test_run_close(&run);
      }
      if (!(fabs(log2(l[0] / l[1]) - 2 - accelerated) < 0.2)) print_error("%s %s: order %g\n", types[t], text, log2(l[0] / l[1]));
      assert_true(everywhere(fabs(log2(l[0] / l[1]) - 2 - accelerated) < 0.2));
    }
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
    TestRun         alone   = Open(PETSC_COMM_SELF, own[i], "", PETSC_TRUE, 0);
    const uint64_t  one     = test_run_solve(&alone, 60);
    const PetscReal fall    = Fall(&alone);

    if (!(fall < 0.8) || (Gradients(&alone) == 0) != forward) print_error("%s: %g, %d gradients\n", own[i], (double)fall, (int)Gradients(&alone));
    assert_true(everywhere(fall < 0.8 && (Gradients(&alone) == 0) == forward));
    test_run_close(&alone);
    if (size > 1 && !Sequential(own[i])) {
      TestRun run  = Open(PETSC_COMM_WORLD, own[i], "", PETSC_TRUE, 0);
      int     same = test_run_solve(&run, 60) == one;

      test_run_close(&run);
      if (!everywhere(same)) print_error("%s\n", own[i]);
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
    cmocka_unit_test(test_complete), cmocka_unit_test(test_falls),   cmocka_unit_test(test_ranks),       cmocka_unit_test(test_resume),
    cmocka_unit_test(test_nan),      cmocka_unit_test(test_phases),  cmocka_unit_test(test_gaussnewton), cmocka_unit_test(test_acceleration),
    cmocka_unit_test(test_own),      cmocka_unit_test(test_refused),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (TaoZORegisterAll()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
