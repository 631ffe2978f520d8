/*
  The last layers of a network of bonds as a power series around each point: see series_last.c.
*/
#ifndef TZSERIESLAST_H
#define TZSERIESLAST_H

#include "../stencil/multiindex.h"

typedef struct _TzSeriesLast TzSeriesLast;

PETSC_INTERN PetscErrorCode   TzSeriesLastCreate(TzNetEval, PetscInt l, TzSeriesLast **); /* NULL where it cannot pay */
PETSC_INTERN PetscErrorCode   TzSeriesLastDestroy(TzSeriesLast **);
PETSC_INTERN PetscErrorCode   TzSeriesLastSetPoints(TzSeriesLast *, TzNetEval, PetscInt n, const PetscReal Y0[]);
PETSC_INTERN PetscErrorCode   TzSeriesLastEvaluate(TzSeriesLast *, TzNetEval, PetscInt p, const PetscReal Y[], PetscReal df[], PetscBool *done);
PETSC_INTERN const PetscReal *TzSeriesLastGetCentre(const TzSeriesLast *, PetscInt p);
PETSC_INTERN void             TzSeriesLastGetMultiIndex(const TzSeriesLast *, const TzMultiIndex **, PetscReal *norm);
PETSC_INTERN PetscErrorCode   TzSeriesLastGetCoefficients(TzSeriesLast *, TzNetEval, PetscInt p, PetscInt m, const PetscReal *coeff[]);

#endif
