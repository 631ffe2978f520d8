/*
  The Riccati equation of linear-quadratic control in tau = T - t,

      P' = A'P + PA - PKP + Q,  P(0) = G,      c' = tr(N P),  c(0) = 0,

  all matrices [d][d] by rows, K, Q, G, N symmetric: tabulated to rounding, or its stationary solution.
*/
#ifndef TZRICCATI_H
#define TZRICCATI_H

#include <tzsys.h>

typedef struct _n_TzRiccati *TzRiccati;

/* The table on 0 <= tau <= T. *good is FALSE where P leaves what numbers hold (it blows up before T) */
PETSC_INTERN PetscErrorCode TzRiccatiCreate(PetscInt d, const PetscReal A[], const PetscReal K[], const PetscReal Q[], const PetscReal G[], const PetscReal N[],
                                            PetscReal T, TzRiccati *riccati, PetscBool *good);
PETSC_INTERN PetscErrorCode TzRiccatiDestroy(TzRiccati *riccati);
/* P [d][d] and c at tau */
PETSC_INTERN PetscErrorCode TzRiccatiGet(TzRiccati riccati, PetscReal tau, PetscReal P[], PetscReal *c);
/* P of 0 = A'P + PA - PKP + Q whose closed loop A - K P is stable; *good is FALSE where there is none */
PETSC_INTERN PetscErrorCode TzRiccatiStationary(PetscInt d, const PetscReal A[], const PetscReal K[], const PetscReal Q[], PetscReal P[], PetscBool *good);

#endif
