/*
  The last layers of a network of bonds as a power series around each point: see series.c.
*/
#ifndef TZSERIES_H
#define TZSERIES_H

#include "taylor.h"

typedef struct _TzSeries TzSeries;

PETSC_INTERN PetscErrorCode   TzSeriesCreate(TzNetEval, PetscInt l, TzSeries **); /* NULL where it cannot pay */
PETSC_INTERN PetscErrorCode   TzSeriesDestroy(TzSeries **);
PETSC_INTERN PetscErrorCode   TzSeriesSetPoints(TzSeries *, TzNetEval, PetscInt n, const PetscReal Y0[]);
PETSC_INTERN PetscErrorCode   TzSeriesEvaluate(TzSeries *, TzNetEval, PetscInt p, const PetscReal Y[], PetscReal df[], PetscBool *done);
PETSC_INTERN const PetscReal *TzSeriesGetCentre(const TzSeries *, PetscInt p);
PETSC_INTERN void             TzSeriesGetTaylor(const TzSeries *, const TzTaylor **, PetscReal *norm);
PETSC_INTERN PetscErrorCode   TzSeriesGetCoefficients(TzSeries *, TzNetEval, PetscInt p, PetscInt m, const PetscReal *coeff[]);

#endif
