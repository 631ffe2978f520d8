/*
  Between residual.c and residual_cge.c.
*/
#ifndef TZRESIDUAL_H
#define TZRESIDUAL_H

#include <private/tzlossimpl.h>

/*
  Squared residuals at the n points X [n][D] for all coordinate queries of q, against all nodes, summed over blocks of blocksize points:
  sums [q->n (1 + twosided)][blocks], the two signs of a coordinate in turn. Or, where blocksize is 0, the residuals: sums [q->n (1 + twosided)][n]. Binds eval.
*/
PETSC_INTERN PetscErrorCode TzResidualCoordinates(TzPDE pde, TzDeriv deriv, TzNetEval eval, const PetscReal theta[], const TzQueries *q, PetscInt n,
                                                  const PetscReal X[], PetscInt blocksize, PetscReal sums[]);

#endif
