#include "partition.h"
#include <private/tzcosts.h>

/* Numbers of partial sums that a rank holds before they are exchanged: 8 MiB */
#define ROUND_NUMBERS 1048576

void TzPartitionRange(PetscInt n, PetscInt parts, PetscInt part, PetscInt *lo, PetscInt *hi)
{
  *lo = (PetscInt)((PetscInt64)n * part / parts);
  *hi = (PetscInt)((PetscInt64)n * (part + 1) / parts);
}

void TzPartitionShare(const TzItems *items, const PetscInt grid[2], PetscInt rank, TzShare *share)
{
  *share = (TzShare){.in = rank % grid[1]};
  if (rank >= grid[0] * grid[1]) return;
  TzPartitionRange(items->outer * items->inner, grid[0], rank / grid[1], &share->j0, &share->j1);
  TzPartitionRange(items->nodeblocks, grid[1], share->in, &share->k0, &share->k1);
}

PetscReal TzPartitionCost(const TzItems *items, const PetscInt grid[2])
{
  PetscReal most = 0;

  for (PetscInt l = 0; l < grid[0]; l++) {
    PetscReal many, outer, nodes, bytes;
    TzShare   s;

    TzPartitionShare(items, grid, l * grid[1] + grid[1] - 1, &s); /* the last of the ranks that share nodes has the most of them */
    if (s.j0 == s.j1) continue;
    many  = s.j1 - s.j0;
    outer = (s.j1 - 1) / items->inner - s.j0 / items->inner + 1;
    nodes = s.k1 - s.k0;
    bytes = many / grid[1] * sizeof(PetscReal);
    if (grid[1] > 1) bytes += many * nodes * items->partials * sizeof(PetscReal);
    most = PetscMax(most, outer * items->shared + many * nodes * items->evaluation + TZ_COST_BYTE * bytes);
  }
  return most + TZ_COST_MESSAGE * (grid[1] - 1);
}

void TzPartitionChoose(const TzItems *items, PetscInt ranks, PetscInt grid[2])
{
  PetscReal best = PETSC_MAX_REAL;

  for (PetscInt n = 1; n <= PetscMin(items->nodeblocks, ranks); n++) {
    const PetscInt most = PetscMin(ranks / n, items->outer * items->inner);

    for (int whole = 0; whole < 2; whole++) { /* also fewer ranks, each of which has one outer index only */
      const PetscInt  trial[2] = {whole ? most - most % items->outer : most, n};
      const PetscReal cost     = trial[0] ? TzPartitionCost(items, trial) : PETSC_MAX_REAL;

      if (cost < best) {
        best    = cost;
        grid[0] = trial[0];
        grid[1] = n;
      }
    }
  }
}

PetscInt TzPartitionRound(const TzItems *items, const PetscInt grid[2])
{
  const PetscInt many = items->outer * items->inner, nodes = (items->nodeblocks + grid[1] - 1) / grid[1];

  if (grid[1] == 1) return many; /* nothing to exchange */
  return (PetscInt)PetscMax(1, PetscMin(many, ROUND_NUMBERS / ((PetscInt64)nodes * items->partials)));
}

void TzPartitionItems(const PetscInt grid[2], PetscInt in, PetscInt c0, PetscInt c1, PetscInt *j0, PetscInt *j1)
{
  TzPartitionRange(c1 - c0, grid[1], in, j0, j1);
  *j0 += c0;
  *j1 += c0;
}

PetscInt TzPartitionCount(const TzItems *items, const PetscInt grid[2], PetscInt rank)
{
  const PetscInt round = TzPartitionRound(items, grid);
  PetscInt       count = 0, j0, j1;
  TzShare        s;

  TzPartitionShare(items, grid, rank, &s);
  for (PetscInt c0 = s.j0; c0 < s.j1; c0 += round) {
    TzPartitionItems(grid, s.in, c0, PetscMin(c0 + round, s.j1), &j0, &j1);
    count += j1 - j0;
  }
  return count;
}
