/* The distributed loss: its values, their independence of the partition, counts, residual vectors, directions, errors. */
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "testloss.h"
#include "../src/loss/partition.h"

#define NP          37
#define NQ          5
#define NS          23
#define CHECK(call) assert_true(everywhere((call) == 0))

static const TestLoss shape = {.kind = TEST_SMOOTH, .n = NP, .samples = NS, .block = 3, .nodeblocks = 4};
static PetscMPIInt    rank, size;

static TzQueries queries(TzDirection direction, PetscBool base, PetscBool twosided)
{
  return (TzQueries){.direction = direction,
                     .mu        = 0.01,
                     .base      = base,
                     .twosided  = twosided,
                     .n         = direction == TZ_DIRECTION_COORDINATE ? NP : NQ,
                     .seed      = 3,
                     .step      = 2};
}

/* The loss at one parameter vector, block after block, without the machinery */
static PetscReal plain(TzLoss loss, const PetscReal theta[])
{
  const TestLoss *t   = (const TestLoss *)loss->data;
  PetscReal       sum = 0, part[2], partial[2], term;

  CHECK(TestBind(loss, theta));
  for (PetscInt b = 0; b < NS; b += t->block) {
    PetscReal block = 0;

    for (PetscInt i = b; i < PetscMin(b + t->block, NS); i++) {
      partial[0] = partial[1] = 0;
      for (PetscInt k = 0; k < t->nodeblocks; k++) {
        PetscCallAbort(PETSC_COMM_SELF, TestPartial(loss, i, i + 1, k, part));
        partial[0] = k ? partial[0] + part[0] : part[0];
        partial[1] = k ? partial[1] + part[1] : part[1];
      }
      PetscCallAbort(PETSC_COMM_SELF, TestFinish(loss, i, i + 1, partial, &term));
      block += term;
    }
    sum += block;
  }
  return sum / NS;
}

/* Every value is, to the bit, the loss at theta +- mu xi_q summed on one rank */
static void test_values(void **state)
{
  TzLoss    loss = test_loss(PETSC_COMM_WORLD, shape, PETSC_FALSE);
  PetscReal theta[NP], x[NP], xi[NP], l0, lp[NP], lm[NP];

  (void)state;
  test_start(NP, theta);
  CHECK(TzLossSample(loss, 4));
  for (int d = TZ_DIRECTION_GAUSSIAN; d <= TZ_DIRECTION_COORDINATE; d++) {
    const TzQueries q  = queries((TzDirection)d, PETSC_TRUE, PETSC_TRUE);
    int             ok = 1;

    CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, lm));
    ok = ok && l0 == plain(loss, theta);
    for (PetscInt p = 0; p < q.n; p++) {
      CHECK(TzQueriesDirection(&q, p, 0, NP, xi));
      for (PetscInt i = 0; i < NP; i++) x[i] = theta[i] + q.mu * xi[i];
      ok = ok && lp[p] == plain(loss, x);
      for (PetscInt i = 0; i < NP; i++) x[i] = theta[i] - q.mu * xi[i];
      ok = ok && lm[p] == plain(loss, x);
    }
    assert_true(everywhere(ok));
  }
  CHECK(TzLossDestroy(&loss));
}

/* A checksum of all kinds of call on a communicator with a partition */
static uint64_t fingerprint(MPI_Comm comm, const char partition[])
{
  PetscReal theta[NP], l0, lp[NP], lm[NP], r[NS], rq[(1 + 2 * NQ) * NS];
  uint64_t  hash = TEST_CHECKSUM;

  test_start(NP, theta);
  PetscCallAbort(comm, PetscOptionsSetValue(NULL, "-tz_partition", partition));
  for (int structured = 0; structured < 2; structured++) {
    TzLoss loss = test_loss(comm, shape, (PetscBool)structured);

    PetscCallAbort(comm, TzLossSample(loss, 1));
    for (int c = 0; c < 16; c++) {
      const TzQueries q = queries((TzDirection)(c / 4), (PetscBool)(c & 1), (PetscBool)(c >> 1 & 1));

      l0 = 0;
      PetscCallAbort(comm, TzLossEvaluate(loss, theta, &q, &l0, lp, lm));
      hash = test_checksum(hash, 1, &l0);
      hash = test_checksum(hash, q.n, lp);
      if (q.twosided) hash = test_checksum(hash, q.n, lm);
    }
    const TzQueries q = queries(TZ_DIRECTION_GAUSSIAN, PETSC_TRUE, PETSC_TRUE);

    PetscCallAbort(comm, TzLossResidualVector(loss, theta, r));
    PetscCallAbort(comm, TzLossResidualVectors(loss, theta, &q, rq));
    hash = test_checksum(test_checksum(hash, NS, r), (1 + 2 * NQ) * NS, rq);
    PetscCallAbort(comm, TzLossDestroy(&loss));
  }
  PetscCallAbort(comm, PetscOptionsClearValue(NULL, "-tz_partition"));
  return hash;
}

/* All results have the same bits on every grid of every number of ranks up to that of the world */
static void test_partition_independent(void **state)
{
  const uint64_t one = fingerprint(PETSC_COMM_SELF, "auto");
  int            ok  = 1;

  (void)state;
  for (PetscMPIInt ranks = 1; ranks <= size; ranks++) {
    MPI_Comm comm;

    MPI_Comm_split(PETSC_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &comm);
    if (comm == MPI_COMM_NULL) continue;
    ok = ok && fingerprint(comm, "auto") == one;
    for (PetscInt n = 1; n <= PetscMin(ranks, shape.nodeblocks); n++) {
      char partition[64];

      if (ranks % n) continue;
      snprintf(partition, sizeof(partition), "%d,%d", (int)(ranks / n), (int)n);
      ok = ok && fingerprint(comm, partition) == one;
    }
    MPI_Comm_free(&comm);
  }
  assert_true(everywhere(ok));
}

/* Rounds of exchange: partial sums beyond the limit of memory travel in parts, with the same bits */
static void test_rounds(void **state)
{
  const TestLoss big = {.kind = TEST_SMOOTH, .n = 600, .samples = 4000, .block = 100, .nodeblocks = 8};
  TzQueries      q   = {.direction = TZ_DIRECTION_RADEMACHER, .mu = 0.01, .base = PETSC_TRUE, .n = 40};
  PetscReal      theta[600], l[2][41];
  char           partition[64];

  (void)state;
  if (size > 8 || size == 1) return;
  test_start(600, theta);
  for (int i = 0; i < 2; i++) {
    snprintf(partition, sizeof(partition), "1,%d", size);
    CHECK(PetscOptionsSetValue(NULL, "-tz_partition", i ? partition : "auto"));
    TzLoss loss = test_loss(i ? PETSC_COMM_WORLD : PETSC_COMM_SELF, big, PETSC_FALSE);

    CHECK(TzLossSample(loss, 0));
    CHECK(TzLossEvaluate(loss, theta, &q, &l[i][0], &l[i][1], NULL));
    CHECK(TzLossDestroy(&loss));
  }
  CHECK(PetscOptionsClearValue(NULL, "-tz_partition"));
  assert_true(everywhere(!memcmp(l[0], l[1], sizeof(l[0]))));
}

/* The mean of the squares of the residual vector is the loss, up to the order of the sum: NS terms, each rounded */
static void test_residuals(void **state)
{
  TzLoss          loss = test_loss(PETSC_COMM_WORLD, shape, PETSC_FALSE);
  const TzQueries q    = queries(TZ_DIRECTION_RADEMACHER, PETSC_TRUE, PETSC_FALSE);
  PetscReal       theta[NP], l0, lp[NQ], r[NS], rq[(1 + NQ) * NS];
  int             ok = 1;

  (void)state;
  test_start(NP, theta);
  CHECK(TzLossSample(loss, 0));
  CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, NULL));
  CHECK(TzLossResidualVector(loss, theta, r));
  CHECK(TzLossResidualVectors(loss, theta, &q, rq));
  ok = ok && !memcmp(r, rq, sizeof(r));
  for (PetscInt v = 0; v <= NQ; v++) {
    PetscReal sum = 0, l = v ? lp[v - 1] : l0;

    for (PetscInt i = 0; i < NS; i++) sum += rq[v * NS + i] * rq[v * NS + i];
    ok = ok && fabs(sum / NS - l) <= 2 * NS * PETSC_MACHINE_EPSILON * l;
  }
  assert_true(everywhere(ok));
  CHECK(TzLossDestroy(&loss));
}

/*
  Counts: queries and forwards on all ranks from the definition; bytes of a grid 1 x n: this rank's partial sums of the samples that others
  finish, and its block sums; of a grid without shared nodes: its block sums; on one rank: none.
*/
static void test_counts(void **state)
{
  const TzQueries q      = queries(TZ_DIRECTION_GAUSSIAN, PETSC_TRUE, PETSC_TRUE);
  const PetscInt  values = 1 + 2 * NQ, nb = 8;
  PetscReal       theta[NP], l0, lp[NQ], lm[NQ];
  TzCounts        c;
  char            partition[64];

  (void)state;
  test_start(NP, theta);
  for (int grid = 0; grid < 2; grid++) {
    PetscInt64 bytes = 0;
    PetscInt   lo, hi, k0, k1;

    if (size > (grid ? shape.nodeblocks : values * nb)) continue;
    snprintf(partition, sizeof(partition), "%d,%d", grid ? 1 : size, grid ? size : 1);
    CHECK(PetscOptionsSetValue(NULL, "-tz_partition", partition));
    TzLoss loss = test_loss(PETSC_COMM_WORLD, shape, PETSC_FALSE);

    CHECK(TzLossSample(loss, 0));
    CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, lm));
    CHECK(TzLossGetCounts(loss, &c));
    TzPartitionRange(values * nb, size, rank, &lo, &hi);
    if (size > 1) bytes += (hi - lo) * 8;
    if (grid) {
      PetscInt others = values * NS;

      for (PetscInt j = lo; j < hi; j++) others -= PetscMin(j % nb * 3 + 3, NS) - j % nb * 3;
      TzPartitionRange(shape.nodeblocks, size, rank, &k0, &k1);
      bytes += (PetscInt64)others * (k1 - k0) * 2 * 8;
    }
    assert_true(everywhere(c.queries == values && c.forwards == values * NS * 7 && c.bytes == bytes));
    CHECK(TzLossObjective(loss, theta, &l0));
    CHECK(TzLossGetCounts(loss, &c));
    assert_true(everywhere(c.queries == values + 1 && c.forwards == (values + 1) * NS * 7));
    CHECK(TzLossDestroy(&loss));
  }
  CHECK(PetscOptionsClearValue(NULL, "-tz_partition"));
}

/* Parts of a direction are those of the whole, cached or not; Hadamard directions are orthogonal up to the remainder; each is a sign vector */
static void test_directions(void **state)
{
  TzLoss    loss = test_loss(PETSC_COMM_WORLD, shape, PETSC_FALSE);
  PetscReal theta[NP], whole[NP], part[NP], l0, lp[NP], h[8][64];
  int       ok = 1;

  (void)state;
  test_start(NP, theta);
  CHECK(TzLossSample(loss, 0));
  for (int d = TZ_DIRECTION_GAUSSIAN; d <= TZ_DIRECTION_COORDINATE; d++) {
    TzQueries q = queries((TzDirection)d, PETSC_TRUE, PETSC_FALSE);

    for (q.step = 5; q.step < 8; q.step++) {
      if (q.step != 6) CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, NULL));
      for (PetscInt p = 0; p < NQ; p++) {
        CHECK(TzQueriesDirection(&q, p, 0, NP, whole));
        CHECK(TzLossDirection(loss, &q, p, 9, 30, part));
        ok = ok && !memcmp(whole + 9, part, 21 * sizeof(PetscReal));
      }
    }
  }
  const TzQueries q = {.direction = TZ_DIRECTION_HADAMARD, .n = 8, .seed = 1, .step = 1};
  for (PetscInt p = 0; p < 8; p++) CHECK(TzQueriesDirection(&q, p, 0, 64, h[p]));
  for (PetscInt p = 0; p < 8; p++) {
    for (PetscInt r = 0; r < 8; r++) {
      PetscReal all = 0, some = 0;

      for (PetscInt i = 0; i < 64; i++) all += h[p][i] * h[r][i];
      for (PetscInt i = 0; i < 61; i++) some += h[p][i] * h[r][i];
      ok = ok && all == (p == r ? 64 : 0) && (p == r ? some == 61 : fabs(some) < 8);
    }
  }
  assert_true(everywhere(ok));
  CHECK(TzLossDestroy(&loss));
}

/* A NaN parameter gives NaN losses, nothing worse */
static void test_nan(void **state)
{
  TzLoss          loss = test_loss(PETSC_COMM_WORLD, shape, PETSC_FALSE);
  const TzQueries q    = queries(TZ_DIRECTION_GAUSSIAN, PETSC_TRUE, PETSC_FALSE);
  PetscReal       theta[NP], l0, lp[NQ];

  (void)state;
  test_start(NP, theta);
  theta[5] = NAN;
  CHECK(TzLossSample(loss, 0));
  CHECK(TzLossEvaluate(loss, theta, &q, &l0, lp, NULL));
  assert_true(everywhere(isnan(l0) && isnan(lp[NQ - 1])));
  CHECK(TzLossDestroy(&loss));
}

/* Impossible partitions are the user's mistake, on every rank, before any work */
static void test_errors(void **state)
{
  const TzQueries q     = queries(TZ_DIRECTION_GAUSSIAN, PETSC_TRUE, PETSC_FALSE);
  const TestLoss  small = {.kind = TEST_LINEAR, .n = 2, .samples = 1, .block = 1, .nodeblocks = 1};
  const char     *bad[] = {"", "1", "1,1,1", "a,b", "1,1x", "0,1", "-1,1", "-1,-1", "1000,1", "1,99999999999999999999"};
  char            partition[64];
  PetscInt        grid[2];
  TzLoss          loss = test_loss(PETSC_COMM_WORLD, shape, PETSC_FALSE), tiny = test_loss(PETSC_COMM_WORLD, small, PETSC_FALSE);

  (void)state;
  CHECK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(bad); i++) {
    CHECK(PetscOptionsSetValue(NULL, "-tz_partition", bad[i]));
    assert_true(everywhere(TzLossSetFromOptions(loss) == PETSC_ERR_USER_INPUT));
  }
  snprintf(partition, sizeof(partition), "%d,1", size);
  CHECK(PetscOptionsSetValue(NULL, "-tz_partition", partition));
  CHECK(TzLossSetFromOptions(tiny));
  assert_true(everywhere(TzLossGetPartition(tiny, &q, grid) == 0)); /* ranks beyond the work idle */
  snprintf(partition, sizeof(partition), "1,%d", size);
  CHECK(PetscOptionsSetValue(NULL, "-tz_partition", partition));
  CHECK(TzLossSetFromOptions(tiny));
  assert_true(everywhere(TzLossSetUp(tiny) == (size > 1 ? PETSC_ERR_USER_INPUT : 0)));
  CHECK(PetscOptionsSetValue(NULL, "-tz_partition", "auto"));
  CHECK(TzLossSetFromOptions(tiny));
  assert_true(everywhere(TzLossGetPartition(tiny, &q, grid) == 0)); /* ranks beyond the work idle */
  CHECK(PetscPopErrorHandler());
  CHECK(PetscOptionsClearValue(NULL, "-tz_partition"));
  CHECK(TzLossDestroy(&loss));
  CHECK(TzLossDestroy(&tiny));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_values), cmocka_unit_test(test_partition_independent),
    cmocka_unit_test(test_rounds), cmocka_unit_test(test_residuals),
    cmocka_unit_test(test_counts), cmocka_unit_test(test_directions),
    cmocka_unit_test(test_nan),    cmocka_unit_test(test_errors),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
