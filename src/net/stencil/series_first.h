/*
  The first hidden layer of a sine network at the nodes of a stencil, as a power series: see series_first.c.
*/
#ifndef TZSERIESFIRST_H
#define TZSERIESFIRST_H

#include <private/tznetimpl.h>

typedef struct _TzSeriesFirst TzSeriesFirst;

/* An array of double numbers, or of float ones where the structure that has it says `single` */
typedef union {
  PetscReal *d;
  float     *f;
} TzNumbers;

/*
  E = A_e^T X_e, O = A_o^T X_o: factors [ceil(rows/GEMM)][terms][GEMM] and panels of nodes [terms][PANEL]. single: arrays of float, and E is without
  its value in the centre, so that its rounding is relative to the small even part of a displacement.
*/
typedef struct {
  PetscBool single;
  PetscInt  ke, ko; /* terms */
  TzNumbers Ae, Ao, Xe, Xo;
} TzEvenOdd;

PETSC_INTERN PetscErrorCode TzSeriesFirstCreate(TzNetEval, PetscInt rows, TzSeriesFirst **); /* NULL where it cannot pay; rows: most rows of S, C */
PETSC_INTERN PetscErrorCode TzSeriesFirstDestroy(TzSeriesFirst **);
/* Chooses the order for a stencil; *use: whether the series is the cheaper way */
PETSC_INTERN PetscErrorCode TzSeriesFirstSetPairs(TzSeriesFirst *, TzNetEval, const TzPairs *, PetscReal s, PetscBool *use);
/* Factors for rows of S and C [ceil(rows/GEMM)][n_1][GEMM]; version: changes with their contents */
PETSC_INTERN PetscErrorCode TzSeriesFirstSetRows(TzSeriesFirst *, TzNetEval, PetscInt version, PetscInt rows, const PetscReal S[], const PetscReal C[],
                                                 TzEvenOdd *);
/* Panels of the pairs j0 <= j < j0 + m */
PETSC_INTERN PetscErrorCode TzSeriesFirstPanel(TzSeriesFirst *, TzNetEval, const TzPairs *, PetscReal s, PetscInt j0, PetscInt m, TzEvenOdd *);

#endif
