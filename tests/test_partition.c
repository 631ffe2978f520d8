/* The partition of a call's work: pure functions, no communication. */
#include "../src/loss/partition.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MAX_RANKS 64

static const TzWork works[] = {
  /* values, group, samples, blocksize, nodeblocks, partialsize, evaluation, bind, shared */
  {11, 1, 100, 5, 1, 23, 925, 50, 0}, {11, 1, 100, 5, 8, 23, 116, 50, 0}, {11, 1, 100, 5, 1, 23, 1, 50, 0}, /* cheap evaluations: binding counts */
  {1, 1, 100, 5, 1, 23, 925, 50, 0},  {1, 1, 3, 5, 1, 23, 925, 50, 0},                                      /* one short block */
  {1, 1, 1, 1, 1, 1, 1, 0, 0},        {2, 1, 7, 3, 5, 4, 10, 1, 0},                                         /* short last block */
  {3209, 1, 100, 5, 1, 23, 1, 0, 99}, {20, 2, 13, 4, 1, 23, 1, 0, 20},    {41, 1, 99, 10, 64, 253, 300, 9, 0},
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

/* Counts in seen [values][blocks][nodeblocks] and done [values][blocks] the work of all ranks */
static void count_work(const TzWork *w, const PetscInt grid[3], PetscInt ranks, unsigned char seen[], unsigned char done[])
{
  const PetscInt nb = TzPartitionBlocks(w), round = TzPartitionRound(w, grid);

  for (PetscInt r = 0; r < ranks; r++) {
    TzShare  s;
    PetscInt items = 0, j0, j1;

    TzPartitionShare(w, grid, r, &s);
    assert_int_equal(s.i0, s.b0 * w->blocksize);
    assert_true(s.i1 - s.i0 <= (s.b1 - s.b0) * w->blocksize && s.i1 <= w->samples);
    assert_int_equal(s.v0 % w->group, 0);
    assert_int_equal((s.v1 - s.v0) % w->group, 0);
    for (PetscInt v = s.v0; v < s.v1; v++) {
      for (PetscInt b = s.b0; b < s.b1; b++) {
        for (PetscInt k = s.k0; k < s.k1; k++) seen[(v * nb + b) * w->nodeblocks + k]++;
      }
    }
    for (PetscInt c0 = s.v0; c0 < s.v1; c0 += round) {
      TzPartitionItems(&s, grid, s.in, c0, PetscMin(c0 + round, s.v1), &j0, &j1);
      items += j1 - j0;
      for (PetscInt j = j0; j < j1; j++) done[(c0 + j / (s.b1 - s.b0)) * nb + s.b0 + j % (s.b1 - s.b0)]++;
    }
    assert_int_equal(items, TzPartitionCount(w, grid, r));
  }
}

static void check_cover(const TzWork *w, const PetscInt grid[3], PetscInt ranks)
{
  const size_t   items = (size_t)(w->values * TzPartitionBlocks(w)), all = items * (size_t)w->nodeblocks;
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
      PetscInt grid[3] = {0, 0, 0};

      TzPartitionChoose(&works[i], ranks, grid);
      assert_true(grid[0] >= 1 && grid[1] >= 1 && grid[2] >= 1 && grid[0] * grid[1] * grid[2] <= ranks);
      check_cover(&works[i], grid, ranks);
    }
  }
}

/* The same for every grid that an option may ask for, on a small shape with short blocks and several rounds of exchange */
static void test_cover_all_grids(void **state)
{
  TzWork w = {.values = 9, .group = 1, .samples = 23, .blocksize = 4, .nodeblocks = 7, .partialsize = 40000, .evaluation = 1};

  (void)state;
  for (PetscInt q = 1; q <= 9; q++) {
    for (PetscInt p = 1; p <= 6; p++) {
      for (PetscInt n = 1; n <= 7; n++) {
        const PetscInt grid[3] = {q, p, n};

        check_cover(&w, grid, q * p * n);
      }
    }
  }
  const PetscInt grid[3] = {1, 2, 3};
  assert_true(TzPartitionRound(&w, grid) < w.values); /* the case of several rounds did occur */
}

/* Evaluations of the busiest rank, counted from the shares themselves */
static PetscReal busiest(const TzWork *w, const PetscInt grid[3])
{
  PetscReal most = 0;

  for (PetscInt r = 0; r < grid[0] * grid[1] * grid[2]; r++) {
    TzShare s;

    TzPartitionShare(w, grid, r, &s);
    most = PetscMax(most, (PetscReal)(s.v1 - s.v0) * (s.i1 - s.i0) * (s.k1 - s.k0) * w->evaluation);
  }
  return most;
}

/*
  Where evaluations are all of the cost (no binding, bytes far below), the busiest rank has at most 4 times the mean share, as long as no
  rank need be idle: cutting one side that is at least as long as the number of ranks costs at most a factor 2 (a range is the mean
  rounded up), and so does leaving idle the ranks beyond the largest multiple of a side that is shorter. And it never has more than by any cut of one side.
*/
static void test_load(void **state)
{
  (void)state;
  for (PetscInt values = 1; values <= 13; values += 2) {
    for (PetscInt samples = 1; samples <= 100; samples += 9) {
      const TzWork w = {.values = values, .group = 1, .samples = samples * 5, .blocksize = 5, .nodeblocks = 3, .partialsize = 1, .evaluation = 1e6};

      for (PetscInt ranks = 1; ranks <= PetscMin(MAX_RANKS, values * samples); ranks++) {
        PetscInt  grid[3], q[3] = {PetscMin(ranks, values), 1, 1}, p[3] = {1, PetscMin(ranks, samples), 1};
        PetscReal load;

        TzPartitionChoose(&w, ranks, grid);
        load = busiest(&w, grid);
        assert_true(load <= 4 * (PetscReal)values * w.samples * w.nodeblocks * w.evaluation / ranks);
        assert_true(load <= busiest(&w, q) && load <= busiest(&w, p));
        /* the cost that the choice went by is that load and at most a thousandth for bytes and messages */
        assert_true(TzPartitionCost(&w, grid) >= load && TzPartitionCost(&w, grid) <= load * (1 + 1e-3));
      }
    }
  }
}

/* A single loss value goes over the samples; ranks beyond the work have none; a step on two ranks is cut where nothing is left over */
static void test_choices(void **state)
{
  PetscInt grid[3];
  TzShare  s;

  (void)state;
  TzPartitionChoose(&works[3], 4, grid); /* 1 value, 20 blocks */
  assert_true(grid[0] == 1 && grid[1] == 4 && grid[2] == 1);
  TzPartitionChoose(&works[5], 4, grid); /* 1 piece of work */
  assert_int_equal(grid[0] * grid[1] * grid[2], 1);
  TzPartitionShare(&works[5], grid, 1, &s);
  assert_true(s.v0 == s.v1 && s.b0 == s.b1 && s.k0 == s.k1);
  TzPartitionChoose(&works[0], 2, grid); /* 11 values, 20 blocks, dear evaluations: 10 blocks each beats 6 and 5 values */
  assert_true(grid[0] == 1 && grid[1] == 2);
  TzPartitionChoose(&works[2], 2, grid); /* cheap evaluations: fewer bindings beat the even cut */
  assert_true(grid[0] == 2 && grid[1] == 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_range), cmocka_unit_test(test_cover_auto), cmocka_unit_test(test_cover_all_grids),
    cmocka_unit_test(test_load),  cmocka_unit_test(test_choices),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
