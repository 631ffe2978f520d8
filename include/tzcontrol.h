/*
  Problems of optimal control, by their parts:

      dX = (f(x,t) + B(x,t) a) dt + sigma(x,t) dW,   cost E[ int_0^T e^(-rho t) (q(x,t) + a'R a + sum_j w_j |a_j|) dt + e^(-rho T) g(X_T) ],   lo <= a <= hi.

  Their value V solves the equation of Hamilton, Jacobi and Bellman, of which Tenzo forms everything from the parts:

      V_t - rho V + 1/2 tr(sigma sigma' D^2 V) + f.grad V + q + min_a [ a'R a + w.|a| + (B' grad V).a ] = 0,   V(x,T) = g(x).

  A control problem is a TzPDE: a type whose create function calls TzPDESetControl(); `-control_*` are its options. One file, one row in pde/pde.c, or a plug-in
  (tests/plugins/obstacle.c).

  D: coordinates of a point z = (x, t), d + 1. Functions of z are called from one thread, with their array zero on entry.
*/
#ifndef TZCONTROL_H
#define TZCONTROL_H

#include <tzpde.h>
#include <private/tzcode.h>
#include <tznet.h>

typedef PetscErrorCode (*TzPDECode)(TzPDE, TzCode);
typedef PetscErrorCode (*TzPDECost)(TzPDE, const PetscReal z[], PetscReal *cost);

/*
  Everything that is NULL is absent. Arrays are copied. What a minimiser in closed form needs is checked (PETSC_ERR_USER_INPUT): a full R symmetric and
  positive definite, without bounds and |a|; a diagonal one r >= 0, where r_j = 0 (bang-bang) both bounds of a_j. A full R that is diagonal becomes r.
*/
typedef struct {
  PetscInt         m;              /* controls */
  TzPDEField       drift;          /* f [d] */
  const PetscReal *B;              /* [d][m], constant; */
  TzPDEField       Bfield;         /* or B(z) [d][m]; neither: B = I, m = d */
  const PetscReal *r;              /* [m]: R = diag(r); */
  const PetscReal *R;              /* or [m][m] */
  const PetscReal *Rhalf;          /* [m][m] = 1/2 R^-1 of a full R: made by Tenzo */
  const PetscReal *absolute;       /* w [m] >= 0 */
  const PetscReal *lo, *hi;        /* [m], may be infinite */
  PetscInt         noises;         /* columns of sigma; 0: no noise, an equation of first order */
  const PetscReal *sigma;          /* [d][noises], constant; */
  TzPDEField       sigmafield;     /* or sigma(z) [d][noises] */
  TzPDECost        running;        /* q, */
  TzPDECost        penalty;        /* + this, of states that are to be avoided (obstacles, collisions): no part of the linear regulator */
  const PetscReal *target;         /* [d], the origin if NULL: where a linear regulator is made (TzPDEControlLinear) */
  const PetscReal *trim;           /* with this control [m], 0 if NULL, */
  const PetscReal *terminalweight; /* and, with weights G [d], g = sum_i G_i (x_i - target_i)^2 */
  TzPDECost        terminal;       /* + this; smooth: Tenzo differentiates it (tzpdeimpl.h) */
  PetscReal        discount;       /* rho >= 0 */
  TzPDECost        clearance;      /* below 0: the state violates a bound or collides; only to be told (tenzo simulate) */
  TzPDECode        terminalcode;   /* for TzExportC(): `terminal` as C text (private/tzcode.h), statements that add it to *b and its gradient to db [d] */
  TzPDECode        Bcode;          /* likewise Bfield: statements that fill B [d * m], zero on entry */
  TzPDEField       policy;         /* a(z) [m], a policy of the problem's own: a baseline (-sim_policy plugin) */
} TzControlParts;

/*
  In the create function of a type: it is a control problem. When d is known and options have been read, `setup` gives the parts by TzPDESetControlParts(),
  which copies the arrays
*/
PETSC_EXTERN PetscErrorCode TzPDESetControl(TzPDE pde, PetscErrorCode (*setup)(TzPDE));
PETSC_EXTERN PetscErrorCode TzPDESetControlParts(TzPDE pde, const TzControlParts *parts);
/* In `setup`: x_i starts in [lo, hi], the domain's box, where -pde_lo and -pde_hi do not say otherwise */
PETSC_EXTERN PetscErrorCode TzPDEControlSetStart(TzPDE pde, PetscInt i, PetscReal lo, PetscReal hi);
/* The parts; NULL where the equation is no control problem. Sets up; valid until the equation changes */
PETSC_EXTERN PetscErrorCode TzPDEGetControl(TzPDE pde, const TzControlParts **parts);

/*
  At n points X [n][D]. a [n][m]; grad [n][d]: gradient of a value function. Not collective, no allocation.
    Minimize   a = argmin: with p = B' grad, R = diag(r), clipped to the bounds
                 r_j > 0  -sign(p_j) max(|p_j| - w_j, 0) / (2 r_j)
                 r_j = 0  hi_j where p_j < -w_j, lo_j where p_j > w_j, else 0
               R full: -1/2 R^-1 p
    Rate       rate [n][d] = f + B a
    Running    cost [n] = q + penalty + a'R a + w.|a|
    Terminal   cost [n] = g
*/
PETSC_EXTERN PetscErrorCode TzPDEControlMinimize(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal grad[], PetscReal a[]);
PETSC_EXTERN PetscErrorCode TzPDEControlRate(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal a[], PetscReal rate[]);
PETSC_EXTERN PetscErrorCode TzPDEControlRunning(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal a[], PetscReal cost[]);
PETSC_EXTERN PetscErrorCode TzPDEControlTerminal(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal cost[]);

/*
  The linear-quadratic regulator at the target: f + B trim linearised, q and g to second order there (differences), without bounds and |a|; its value is
  y'P(t)y + c(t), y = (x - target, 1). value [n] and grad [n][d] (either may be NULL). The first call solves the Riccati equation. PETSC_ERR_USER_INPUT, naming
  `option`, where there is none: R not positive, or costs that grow without end.
*/
PETSC_EXTERN PetscErrorCode TzPDEControlLinear(TzPDE pde, const char option[], PetscInt n, const PetscReal X[], PetscReal value[], PetscReal grad[]);

/*
  The direct optimum along one path without noise, from x0 [d]: the controls a [steps][m], piecewise constant, whose Euler path costs least, by TAO's lmvm
  (with bounds blmvm) from the cheapest of the a that is given, `other` [steps][m], unless that is NULL, and none; a minimum near there. *cost: of the path.
  X [steps + 1][D], unless NULL: the path, u [steps + 1]: what it costs from there on, which is the value, grad [steps + 1][d]: its gradient, the costate.
  steps 0: only whether there is one. On one process; PETSC_ERR_USER_INPUT, naming `option`, where controls have a cost of |a|
*/
PETSC_EXTERN PetscErrorCode TzPDEControlDirect(TzPDE pde, const char option[], PetscInt steps, const PetscReal x0[], const PetscReal other[], PetscReal a[],
                                               PetscReal *cost, PetscReal X[], PetscReal u[], PetscReal grad[]);

/*
  The offset b of V = (T - t) f + b where it is quadratic in x: P [d+1][d+1] at t with b = y'P y, y = (x - target, 1). *is is FALSE where it is not
  (TzControlParts.terminal), and where the equation has no time or soft conditions
*/
PETSC_EXTERN PetscErrorCode TzPDEControlOffset(TzPDE pde, PetscReal t, PetscReal P[], PetscBool *is);

/*
  TzControl: the feedback of a network, V = a f + b with exact derivatives of f (also of a network that was trained with smoothed ones); of a network of
  values alone (tzshell.h, tzdevice.h) by central differences of 0.01.

  Evaluate: value [n], grad [n][d], a [n][m] at X [n][D]; what is NULL is not asked for. Not collective. For one state after the first call without
  allocation, unless the problem leaves its terminal cost to differences: a real-time loop (microseconds in `make bench`). Results of a point do not
  depend on the others. PETSC_ERR_SUP for an equation that is no control problem, where a is asked for.
*/
typedef struct _n_TzControl *TzControl;
PETSC_EXTERN PetscErrorCode  TzControlCreate(TzPDE pde, TzNet net, TzControl *control); /* reference counted */
PETSC_EXTERN PetscErrorCode  TzControlBind(TzControl control, const PetscReal theta[]); /* theta [nparams], copied */
PETSC_EXTERN PetscErrorCode  TzControlEvaluate(TzControl control, PetscInt n, const PetscReal X[], PetscReal value[], PetscReal grad[], PetscReal a[]);
PETSC_EXTERN PetscErrorCode  TzControlDestroy(TzControl *control);

#endif
