#include "partition.h"

/* Network evaluations in the time that one byte and one message take: an evaluation takes about 0.2 us, a byte 1 ns (1 GB/s), a message 1 us */
#define BYTE_COST    5e-3
#define MESSAGE_COST 5
/* Numbers of partial sums that a rank holds before they are exchanged: 8 MiB */
#define ROUND_NUMBERS 1048576

static inline PetscInt CeilDiv(PetscInt a, PetscInt b)
{
  return (a + b - 1) / b;
}

void TzPartitionRange(PetscInt n, PetscInt parts, PetscInt part, PetscInt *lo, PetscInt *hi)
{
  *lo = (PetscInt)((PetscInt64)n * part / parts);
  *hi = (PetscInt)((PetscInt64)n * (part + 1) / parts);
}

PetscInt TzPartitionBlocks(const TzWork *work)
{
  return CeilDiv(work->samples, work->blocksize);
}

/* Samples of the largest of p ranges of blocks: only the last block may be short, and it lies in the last range. */
static PetscInt LargestSamples(const TzWork *work, PetscInt p)
{
  PetscInt nb = TzPartitionBlocks(work), lo, hi, last;

  TzPartitionRange(nb, p, p - 1, &lo, &hi);
  last = work->samples - lo * work->blocksize;
  if (p == 1) return last;
  /* among the other p - 1 ranges, of nb - (hi - lo) blocks: sizes differ by at most one, so the largest is the mean rounded up */
  return PetscMax(last, CeilDiv(lo, p - 1) * work->blocksize);
}

PetscReal TzPartitionCost(const TzWork *work, const PetscInt grid[3])
{
  const PetscReal nv    = (PetscReal)work->group * CeilDiv(work->values / work->group, grid[0]);
  const PetscReal ns    = (PetscReal)LargestSamples(work, grid[1]);
  const PetscReal nb    = (PetscReal)CeilDiv(TzPartitionBlocks(work), grid[1]);
  const PetscReal nk    = (PetscReal)CeilDiv(work->nodeblocks, grid[2]);
  PetscReal       bytes = nv * nb / grid[2] * sizeof(PetscReal);

  if (grid[2] > 1) bytes += nv * ns * nk * work->partialsize * sizeof(PetscReal);
  return nv * (ns * nk * work->evaluation + work->bind) + ns * work->shared + BYTE_COST * bytes + MESSAGE_COST * (grid[2] - 1);
}

void TzPartitionChoose(const TzWork *work, PetscInt ranks, PetscInt grid[3])
{
  const PetscInt most[3] = {work->values / work->group, TzPartitionBlocks(work), work->nodeblocks};
  PetscReal      best    = PETSC_MAX_REAL;

  for (PetscInt p = 1; p <= PetscMin(most[1], ranks); p++) {
    for (PetscInt q = 1; q <= PetscMin(most[0], ranks / p); q++) {
      for (PetscInt n = 1; n <= PetscMin(most[2], ranks / (p * q)); n++) {
        const PetscInt  trial[3] = {q, p, n};
        const PetscReal cost     = TzPartitionCost(work, trial);

        if (cost < best) {
          best    = cost;
          grid[0] = q;
          grid[1] = p;
          grid[2] = n;
        }
      }
    }
  }
}

void TzPartitionShare(const TzWork *work, const PetscInt grid[3], PetscInt rank, TzShare *share)
{
  *share = (TzShare){0};
  if (rank >= grid[0] * grid[1] * grid[2]) return;
  TzPartitionRange(work->values / work->group, grid[0], rank / (grid[1] * grid[2]), &share->v0, &share->v1);
  share->v0 *= work->group;
  share->v1 *= work->group;
  TzPartitionRange(TzPartitionBlocks(work), grid[1], (rank / grid[2]) % grid[1], &share->b0, &share->b1);
  share->i0 = share->b0 * work->blocksize;
  share->i1 = PetscMin(share->b1 * work->blocksize, work->samples);
  share->in = rank % grid[2];
  TzPartitionRange(work->nodeblocks, grid[2], share->in, &share->k0, &share->k1);
}

PetscInt TzPartitionRound(const TzWork *work, const PetscInt grid[3])
{
  const PetscInt64 one = (PetscInt64)LargestSamples(work, grid[1]) * CeilDiv(work->nodeblocks, grid[2]) * work->partialsize;

  if (grid[2] == 1) return PetscMax(1, work->values); /* nothing to exchange */
  return (PetscInt)PetscMax(1, PetscMin(work->values, ROUND_NUMBERS / one));
}

void TzPartitionItems(const TzShare *share, const PetscInt grid[3], PetscInt in, PetscInt c0, PetscInt c1, PetscInt *j0, PetscInt *j1)
{
  TzPartitionRange((c1 - c0) * (share->b1 - share->b0), grid[2], in, j0, j1);
}

PetscInt TzPartitionCount(const TzWork *work, const PetscInt grid[3], PetscInt rank)
{
  const PetscInt round = TzPartitionRound(work, grid);
  PetscInt       count = 0, j0, j1;
  TzShare        share;

  TzPartitionShare(work, grid, rank, &share);
  for (PetscInt c0 = share.v0; c0 < share.v1; c0 += round) {
    TzPartitionItems(&share, grid, share.in, c0, PetscMin(c0 + round, share.v1), &j0, &j1);
    count += j1 - j0;
  }
  return count;
}
