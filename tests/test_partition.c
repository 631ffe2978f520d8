/* The partition of a call's work: pure functions, no communication. */
#include "../src/loss/partition.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MAX_RANKS 64

static const TzItems works[] = {
  /* outer, inner, nodeblocks, partials, evaluation, shared: losses of a step, */
  {11, 20, 1, 115, 4625, 6350}, {11, 20, 8, 115, 578, 6350}, {11, 20, 1, 115, 5, 800}, {1, 20, 1, 115, 4625, 6350}, /* a single loss, */
  {1, 1, 1, 115, 2775, 50},     {1, 1, 1, 1, 1, 0},          {2, 3, 5, 12, 30, 1},     {41, 10, 64, 2530, 3000, 9},
  {20, 3209, 1, 115, 5, 16045}, /* all coordinates at once */
};
#define NWORKS ((int)(sizeof(works) / sizeof(works[0])))

/* The ranges of 0..n-1 follow each other, cover it, and differ in size by at most one */
static void test_range(void **state)
{
  (void)state;
  for (PetscInt n = 0; n < 130; n++) {
    for (PetscInt parts = 1; parts <= 65; parts++) {
      PetscInt next = 0, lo, hi;

      for (PetscInt p = 0; p < parts; p++, next = hi) {
        TzPartitionRange(n, parts, p, &lo, &hi);
        assert_int_equal(lo, next);
        assert_true(hi - lo == n / parts || hi - lo == n / parts + 1);
      }
      assert_int_equal(next, n);
    }
  }
}

/* Counts in seen [items][nodeblocks] and done [items] the work of all ranks */
static void count_work(const TzItems *w, const PetscInt grid[2], PetscInt ranks, unsigned char seen[], unsigned char done[])
{
  const PetscInt round = TzPartitionRound(w, grid);

  for (PetscInt r = 0; r < ranks; r++) {
    TzShare  s;
    PetscInt items = 0, j0, j1;

    TzPartitionShare(w, grid, r, &s);
    for (PetscInt j = s.j0; j < s.j1; j++) {
      for (PetscInt k = s.k0; k < s.k1; k++) seen[j * w->nodeblocks + k]++;
    }
    for (PetscInt c0 = s.j0; c0 < s.j1; c0 += round) {
      TzPartitionItems(grid, s.in, c0, PetscMin(c0 + round, s.j1), &j0, &j1);
      items += j1 - j0;
      for (PetscInt j = j0; j < j1; j++) done[j]++;
    }
    assert_int_equal(items, TzPartitionCount(w, grid, r));
  }
}

static void check_cover(const TzItems *w, const PetscInt grid[2], PetscInt ranks)
{
  const size_t   items = (size_t)(w->outer * w->inner), all = items * (size_t)w->nodeblocks;
  unsigned char *seen = calloc(all, 1), *done = calloc(items, 1);

  count_work(w, grid, ranks, seen, done);
  for (size_t i = 0; i < all; i++) assert_int_equal(seen[i], 1);
  for (size_t i = 0; i < items; i++) assert_int_equal(done[i], 1);
  free(seen);
  free(done);
}

/* Whatever the number of ranks, each piece of work is done by exactly one, and each item is finished by exactly one */
static void test_cover_auto(void **state)
{
  (void)state;
  for (int i = 0; i < NWORKS; i++) {
    for (PetscInt ranks = 1; ranks <= MAX_RANKS; ranks++) {
      PetscInt grid[2] = {0, 0};

      TzPartitionChoose(&works[i], ranks, grid);
      assert_true(grid[0] >= 1 && grid[1] >= 1 && grid[0] * grid[1] <= ranks && grid[0] <= works[i].outer * works[i].inner);
      check_cover(&works[i], grid, ranks);
    }
  }
}

/* The same for every grid that an option may ask for, also with more ranges than items, and with several rounds of exchange */
static void test_cover_all_grids(void **state)
{
  const TzItems w = {.outer = 9, .inner = 6, .nodeblocks = 7, .partials = 40000, .evaluation = 1};

  (void)state;
  for (PetscInt l = 1; l <= 60; l++) {
    for (PetscInt n = 1; n <= 7; n++) {
      const PetscInt grid[2] = {l, n};

      check_cover(&w, grid, l * n);
    }
  }
  const PetscInt grid[2] = {1, 3};
  assert_true(TzPartitionRound(&w, grid) < w.outer * w.inner); /* the case of several rounds did occur */
}

/* Evaluations of the busiest rank, counted from the shares themselves */
static PetscReal busiest(const TzItems *w, const PetscInt grid[2])
{
  PetscReal most = 0;

  for (PetscInt r = 0; r < grid[0] * grid[1]; r++) {
    TzShare s;

    TzPartitionShare(w, grid, r, &s);
    most = PetscMax(most, (PetscReal)(s.j1 - s.j0) * (s.k1 - s.k0) * w->evaluation);
  }
  return most;
}

/*
  Where evaluations are all of the cost (nothing shared, bytes far below), the busiest rank has at most the mean share rounded up to a whole
  item, so at most twice the mean as long as no rank need be idle.
*/
static void test_load(void **state)
{
  (void)state;
  for (PetscInt values = 1; values <= 13; values += 2) {
    for (PetscInt blocks = 1; blocks <= 100; blocks += 9) {
      const TzItems w = {.outer = values, .inner = blocks, .nodeblocks = 3, .partials = 5, .evaluation = 1e6};

      for (PetscInt ranks = 1; ranks <= PetscMin(MAX_RANKS, values * blocks); ranks++) {
        PetscInt  grid[2];
        PetscReal load;

        TzPartitionChoose(&w, ranks, grid);
        load = busiest(&w, grid);
        assert_true(load <= (values * blocks + ranks - 1) / ranks * w.nodeblocks * w.evaluation);
        /* the cost that the choice went by is that load and at most a thousandth for bytes and messages */
        assert_true(TzPartitionCost(&w, grid) >= load && TzPartitionCost(&w, grid) <= load * (1 + 1e-3));
      }
    }
  }
}

/* Ranks whose share touches an outer index */
static PetscInt touched(const TzItems *w, const PetscInt grid[2], PetscInt rank)
{
  TzShare s;

  TzPartitionShare(w, grid, rank, &s);
  return (s.j1 - 1) / w->inner - s.j0 / w->inner + 1;
}

/*
  A step of 11 losses on two ranks is cut in the middle of the sixth, which both bind; of four, each binds at most four. A single loss goes
  over its samples; ranks beyond the work have none; nodes are shared where the items do not feed the ranks, or binding is dear.
*/
static void test_choices(void **state)
{
  PetscInt grid[2];
  TzShare  s;

  (void)state;
  TzPartitionChoose(&works[0], 2, grid);
  assert_true(grid[0] == 2 && grid[1] == 1 && touched(&works[0], grid, 0) == 6 && touched(&works[0], grid, 1) == 6);
  TzPartitionShare(&works[0], grid, 0, &s);
  assert_true(s.j0 == 0 && s.j1 == 110);
  TzPartitionChoose(&works[0], 4, grid);
  for (PetscInt r = 0; r < 4; r++) assert_true(touched(&works[0], grid, r) <= 4);
  TzPartitionChoose(&works[0], 64, grid); /* 55 ranks that bind once have no more items than 64 that bind twice */
  assert_true(grid[0] == 55 && grid[1] == 1);
  TzPartitionChoose(&works[3], 4, grid); /* 1 value, 20 blocks */
  assert_true(grid[0] == 4 && grid[1] == 1);
  TzPartitionChoose(&works[5], 4, grid); /* 1 piece of work */
  assert_int_equal(grid[0] * grid[1], 1);
  TzPartitionShare(&works[5], grid, 1, &s);
  assert_true(s.j0 == s.j1 && s.k0 == s.k1);
  TzPartitionChoose(&works[1], 2, grid);
  assert_true(grid[0] == 2 && grid[1] == 1);
  TzPartitionChoose(&works[1], 440, grid); /* twice as many ranks as items */
  assert_true(grid[0] == 220 && grid[1] == 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_range), cmocka_unit_test(test_cover_auto), cmocka_unit_test(test_cover_all_grids),
    cmocka_unit_test(test_load),  cmocka_unit_test(test_choices),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
