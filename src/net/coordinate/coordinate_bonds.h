/*
  Between coordinate_bonds.c, coordinate_cuts.c and coordinate_reach.c: all coordinate queries of a network of bonds at once.
*/
#ifndef TZCOORDINATEBONDS_H
#define TZCOORDINATEBONDS_H

#include "coordinate.h"
#include "../jet/jet.h"
#include "../stencil/series_last.h"

/*
  A train cut at core k [r0][mode][r1]: the products of the cores on its side of the bond, before it and after it.
    output side  P [bond][nlo][r0], Q [r1][nhi]          row index h = (lo mode + j) nhi + hi
    input side   P [nlo][r0],       Q [nhi][r1][bond]
*/
typedef struct {
  PetscInt   offset; /* of the core in theta */
  PetscInt   r0, mode, r1, nlo, nhi;
  PetscBool  last; /* Q is the unit matrix */
  PetscReal *P, *Q;
} TzCoreCut;

typedef struct {
  PetscInt            serial; /* binding of the cuts */
  PetscInt            hidden; /* layers */
  const TzTrain      *train[TZ_MAX_LAYERS];
  TzCoreCut           cut[TZ_MAX_LAYERS][TZ_MAX_CORES];
  TzSeriesLast       *series; /* the last hidden layer around the rows of a panel, or NULL */
  const TzMultiIndex *multiindex;
  PetscInt           *above;                /* see TzExpansion */
  PetscReal          *inverse, *factorial;  /* [terms]: 1/power, alpha! */
  PetscReal          *derivatives;          /* [terms][PANEL]: at the rows of this panel */
  PetscReal          *limit;                /* [most + 1]: order m suffices up to |B . d| = limit[m] */
  PetscInt            order;                /* up to which order */
  PetscInt            channels, nforms;     /* for which the following are allocated */
  PetscReal          *S[TZ_MAX_LAYERS + 1]; /* [q_l][SHIFT_FIELDS][PANEL]: state in front of layer l; the last: the output without its bias */
  PetscReal          *F[TZ_MAX_LAYERS];     /* [n_l][UNIT_FIELDS][PANEL] */
  PetscReal          *U[TZ_MAX_LAYERS];     /* [n_l][c][PANEL] */
  PetscReal          *shift;                /* [nlo r0][SHIFT_FIELDS][PANEL] of one core */
  PetscReal          *R, *T;                /* sums of one input core */
  PetscReal          *jets;                 /* two states and the work memory of TzJetsLayer */
  PetscReal          *M;                    /* [r_1][r_1][PANEL]: the metric of the form, see jet.h */
} TzBondQueries;

/* One pass: a panel of m rows, all coordinates wanted, values or jets with one form. The changes of all forms but the last are kept for the last pass. */
typedef struct {
  TzNetEval               eval;
  TzBondQueries          *co;
  const TzJetShape       *shape;            /* NULL: values */
  PetscInt                form;             /* number of the form */
  PetscReal              *kept;             /* [count][nmu][nforms - 1][PANEL] */
  PetscInt                m, p0, c, ns, nf; /* rows; their first; channels, SHIFT_FIELDS, UNIT_FIELDS */
  const TzNetCoordinates *q;
} TzPass;

PETSC_INTERN PetscErrorCode TzCutsPrepare(TzNetEval, TzBondQueries *);
PETSC_INTERN PetscErrorCode TzCutsDestroy(TzBondQueries *);
PETSC_INTERN PetscErrorCode TzReachCreate(TzNetEval, TzBondQueries *);
PETSC_INTERN PetscErrorCode TzReachPrepare(TzPass *);
PETSC_INTERN PetscErrorCode TzReachDestroy(TzBondQueries *);
/* delta [q_l][c][PANEL]: change of the state in front of layer l -> f [c][PANEL]: change of the output's state. */
PETSC_INTERN PetscErrorCode TzReach(TzPass *, PetscInt l, const PetscReal delta[], PetscReal f[]);

#endif
