/*
  How the work of one call of TzLossEvaluate() is dealt to ranks. Pure functions of the shape of the call: every rank
  computes every other rank's share without communication.

  Work is a box: values (parameter vectors) x blocks of samples x blocks of nodes. A grid q x p x n of ranks, rank =
  (iq p + ip) n + in, cuts each side into contiguous ranges. Ranks beyond q p n have no share.

  Where n > 1 the ranks of one (iq, ip) hold partial sums of the same samples. They exchange them in rounds of `round`
  values, after which each finishes a contiguous range of the round's items (value, block), numbered value-major.
*/
#ifndef TZPARTITION_H
#define TZPARTITION_H

#include <tzsys.h>

typedef struct {
  PetscInt  values;      /* parameter vectors */
  PetscInt  group;       /* values that stay together: 2 for the two sides of a coordinate, otherwise 1 */
  PetscInt  samples;     /* of a step */
  PetscInt  blocksize;   /* samples of a block */
  PetscInt  nodeblocks;  /* blocks of nodes */
  PetscInt  partialsize; /* numbers a partial sum has per sample */
  PetscReal evaluation;  /* cost of one sample against one block of nodes, in network evaluations; likewise: */
  PetscReal bind;        /* cost of forming and binding one parameter vector */
  PetscReal shared;      /* cost per sample that all values of a rank have in common */
} TzWork;

typedef struct {
  PetscInt v0, v1; /* values v0 <= v < v1 */
  PetscInt b0, b1; /* blocks of samples */
  PetscInt i0, i1; /* the samples of these blocks */
  PetscInt k0, k1; /* blocks of nodes */
  PetscInt in;     /* number within the n ranks that share v0, v1, b0, b1 */
} TzShare;

/* Part `part` of 0..n-1 cut into `parts` contiguous ranges whose sizes differ by at most one: lo <= i < hi */
PETSC_INTERN void     TzPartitionRange(PetscInt n, PetscInt parts, PetscInt part, PetscInt *lo, PetscInt *hi);
PETSC_INTERN PetscInt TzPartitionBlocks(const TzWork *work); /* blocks of samples */
/* Cost (network evaluations) of the busiest rank of a grid; bytes and messages count as the evaluations that their transfer takes. */
PETSC_INTERN PetscReal TzPartitionCost(const TzWork *work, const PetscInt grid[3]);
/* The grid of at most `ranks` ranks with the lowest cost; of equal ones the first in the order fewest p, then q, then n. */
PETSC_INTERN void     TzPartitionChoose(const TzWork *work, PetscInt ranks, PetscInt grid[3]);
PETSC_INTERN void     TzPartitionShare(const TzWork *work, const PetscInt grid[3], PetscInt rank, TzShare *share);
PETSC_INTERN PetscInt TzPartitionRound(const TzWork *work, const PetscInt grid[3]); /* values of a round */
/* Items j0 <= j < j1 that number `in` of a share's ranks finishes in the round of values c0 <= v < c1 */
PETSC_INTERN void TzPartitionItems(const TzShare *share, const PetscInt grid[3], PetscInt in, PetscInt c0, PetscInt c1, PetscInt *j0, PetscInt *j1);
/* Number of items that a rank finishes in all rounds */
PETSC_INTERN PetscInt TzPartitionCount(const TzWork *work, const PetscInt grid[3], PetscInt rank);

#endif
