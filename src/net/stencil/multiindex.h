/*
  Power series of functions of B_h . d in the few variables d of a bond: see multiindex.c.
*/
#ifndef TZMULTIINDEX_H
#define TZMULTIINDEX_H

#include <private/tznetimpl.h>

#define TZ_MULTIINDEX_ORDER 12 /* highest order */

/* Remainders that do not count: of a sum of order one in double; in single, of the second-order term, the first that even differences have */
#define TZ_UNIT_DOUBLE 0x1p-54
#define TZ_UNIT_SINGLE 0x1p-25

/* Multi-indices alpha of r variables, graded: order o has the terms first[o] <= i < first[o+1]; term 0 is alpha = 0 */
typedef struct {
  PetscInt  r, most;
  PetscInt  first[TZ_MULTIINDEX_ORDER + 2];
  PetscInt *parent, *variable; /* alpha = parent + unit vector of variable */
  PetscInt *power;             /* exponent of that variable in alpha */
} TzMultiIndex;

PETSC_INTERN PetscErrorCode TzMultiIndexCreate(PetscInt r, PetscInt most, TzMultiIndex *);
PETSC_INTERN PetscErrorCode TzMultiIndexDestroy(TzMultiIndex *);
PETSC_INTERN PetscInt       TzMultiIndexOrder(PetscReal delta, PetscReal unit, PetscInt most);
PETSC_INTERN PetscReal      TzMultiIndexNorm(PetscInt r, PetscInt n, const PetscReal B[]);
PETSC_INTERN void TzMultiIndexTable(const TzMultiIndex *, const TzKernels *, PetscInt n, const PetscReal B[], PetscInt o0, PetscInt o1, PetscReal table[]);
PETSC_INTERN void TzMultiIndexHorner(const TzMultiIndex *, PetscInt m, PetscInt order[]);

#endif
