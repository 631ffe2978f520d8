/*
  How the work of one call of TzLossEvaluate() is dealt to ranks. Pure functions of the shape of the call: every rank
  computes every other rank's share without communication.

  Work is a line of items, each against all blocks of nodes. An item is a block of samples of one value (parameter vector), number
  value x blocks + block; where all coordinates are evaluated at once it is a coordinate on one block of samples, number
  block x coordinates + coordinate. So consecutive items have most in common. A grid l x n of ranks, rank = il n + in, cuts the line and
  the blocks of nodes into contiguous ranges. Ranks beyond l n have no share.

  Where n > 1 the ranks of one il hold partial sums of the same items. They exchange them in rounds of `round` items, after which
  each finishes a contiguous range of the round.
*/
#ifndef TZPARTITION_H
#define TZPARTITION_H

#include <tzsys.h>

typedef struct {
  PetscInt  outer, inner; /* the line's items: outer x inner, inner ones next to each other */
  PetscInt  nodeblocks;   /* blocks of nodes */
  PetscInt  partials;     /* numbers of an item's partial sum over one block of nodes */
  PetscReal evaluation;   /* cost of one item against one block of nodes, in network evaluations; likewise: */
  PetscReal shared;       /* cost of what the inner items of a rank have in common: forming and binding a parameter vector */
} TzItems;

typedef struct {
  PetscInt j0, j1; /* items j0 <= j < j1 */
  PetscInt k0, k1; /* blocks of nodes */
  PetscInt in;     /* number within the n ranks that share these items */
} TzShare;

/* Part `part` of 0..n-1 cut into `parts` contiguous ranges whose sizes differ by at most one: lo <= i < hi */
PETSC_INTERN void TzPartitionRange(PetscInt n, PetscInt parts, PetscInt part, PetscInt *lo, PetscInt *hi);
/* Cost (network evaluations) of the busiest rank of a grid; bytes and messages count as the evaluations that their transfer takes. */
PETSC_INTERN PetscReal TzPartitionCost(const TzItems *items, const PetscInt grid[2]);
/* Of the grids with all ranks on the line, or as many as cut it at outer indices, and any n, that with the lowest cost; of equal ones the lowest n. */
PETSC_INTERN void     TzPartitionChoose(const TzItems *items, PetscInt ranks, PetscInt grid[2]);
PETSC_INTERN void     TzPartitionShare(const TzItems *items, const PetscInt grid[2], PetscInt rank, TzShare *share);
PETSC_INTERN PetscInt TzPartitionRound(const TzItems *items, const PetscInt grid[2]); /* items of a round */
/* Items j0 <= j < j1 that number `in` of the ranks that share them finishes in the round c0 <= j < c1 */
PETSC_INTERN void TzPartitionItems(const PetscInt grid[2], PetscInt in, PetscInt c0, PetscInt c1, PetscInt *j0, PetscInt *j1);
/* Number of items that a rank finishes in all rounds */
PETSC_INTERN PetscInt TzPartitionCount(const TzItems *items, const PetscInt grid[2], PetscInt rank);

#endif
