/*
  Semilinear equations u_t + Lap u + f(u) = 0, u(x,T) = g(|x|^2) = 5/(10 + 2 |x|^2), whose solutions are radial: allencahn, semilinearheat, sinegordon.
  T = 0.3 unless -pde_T says otherwise.
*/
#ifndef TZRADIAL_H
#define TZRADIAL_H

#include <private/tzpdeimpl.h>

typedef PetscReal (*TzReaction)(PetscReal);
/* phi[3]: v(tau) of v' = f(v), v(0) = u, and its first and second derivative in u */
typedef void (*TzReactionFlow)(PetscReal tau, PetscReal u, PetscReal phi[]);

/*
  pde->data of such an equation. Of the table: v and dv/dy at m < TZ_RADIAL_TIMES, j < TZ_RADIAL_POINTS, at eta = span (1 + eta_m)/2 and y_j (radial.c).
*/
#define TZ_RADIAL_TIMES  32
#define TZ_RADIAL_POINTS 64
typedef struct {
  TzReaction     f, df;
  TzReactionFlow flow;      /* where it is known, otherwise NULL */
  PetscInt       extension; /* of the terminal value: 0 constant, 1 heat, 2 reaction */
  PetscBool      wave;      /* allencahn: the other solution */
  PetscReal      span;      /* of eta */
  PetscReal     *v, *vy;    /* [TZ_RADIAL_TIMES][TZ_RADIAL_POINTS] */
  PetscReal      eta[TZ_RADIAL_TIMES], y[TZ_RADIAL_POINTS];
} TzRadial;

/* For TzPDECreate_Name(): all operations of such an equation */
PETSC_INTERN PetscErrorCode TzPDECreateRadial(TzPDE pde, TzReaction f, TzReaction df);
/* Two of them, for an equation that has another solution too */
PETSC_INTERN PetscErrorCode TzRadialSetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject);
PETSC_INTERN PetscErrorCode TzRadialSetUp(TzPDE pde);
PETSC_INTERN PetscErrorCode TzPDETransform_Radial(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b);
PETSC_INTERN PetscErrorCode TzPDETransformCode_Radial(TzPDE pde, TzCode code);
PETSC_INTERN PetscErrorCode TzPDEExact_Radial(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[]);

#endif
