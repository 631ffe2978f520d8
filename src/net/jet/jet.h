/*
  Between jet.c and adjointjet.c: forward propagation through bonds, a panel of points at a time.
*/
#ifndef TZNETJET_H
#define TZNETJET_H

#include <private/tznetimpl.h>

typedef struct {
  PetscInt   rows[3];  /* rows of each product below */
  PetscReal *coeff[3]; /* [ceil(rows/GEMM)][out][GEMM]: against act, act', act'' */
} TzJetLayer;

/* Coefficients of forward propagation through bonds, for one binding */
typedef struct {
  PetscInt   serial, nlap;
  PetscReal *M; /* [r_1][r_1]: N of layer 1 */
  TzJetLayer layer[TZ_MAX_LAYERS];
} TzJets;

/*
  Which row of which product holds what: stream 0 (act) y'_c at c; stream 1 (act') J_ck at c r + k; second derivatives in
  stream 2 (act''), for a harmonic activation behind y' in stream 0 with the opposite sign (act'' = -act), at `second` + c (layer 1) or + c nn + kl.
*/
typedef struct {
  PetscInt  r, q, nn, second, stream;
  PetscReal sign;
} TzJetPlan;

/* The state of one panel of points after some layers: y [q], its derivatives in y_0 G [q][r_1], its Laplacian [q]; lanes last */
typedef struct {
  PetscReal *y, *G, *lap;
} TzJetState;

/*
  What a layer leaves in its work memory: activations and derivatives act[s] [out][PANEL], the products sum[s] [rows][PANEL], N, T = G M. third: where act'''
  goes, or NULL.
*/
typedef struct {
  PetscReal *act[3], *third, *sum[3], *N, *T;
} TzJetWork;

PETSC_INTERN PetscBool      TzJetsThroughBonds(TzNetEval);           /* whether every hidden layer has a narrow bond */
PETSC_INTERN PetscErrorCode TzJetsPrepare(TzNetEval, PetscInt nlap); /* coefficients of the binding */
PETSC_INTERN TzJets        *TzJetsGet(TzNetEval);                    /* as prepared */
PETSC_INTERN TzJetPlan      TzJetsPlan(TzNetEval, PetscInt l);
PETSC_INTERN PetscInt       TzJetsWorkSize(TzNetEval, PetscInt l);
PETSC_INTERN TzJetWork      TzJetsWork(TzNetEval, PetscInt l, PetscReal *work); /* places in work[TzJetsWorkSize] */
PETSC_INTERN PetscErrorCode TzJetsLayer(TzNetEval, PetscInt m, PetscInt l, const TzJetState *from, TzJetState *to, const TzJetWork *);

/* adjointjet.c: bars are gathered panel by panel, then handed on to the parameters (grad +=). Left: bar of the first factor [in][r_1], to add to. */
typedef struct _TzJetAdjoint *TzJetAdjoint;
PETSC_INTERN PetscErrorCode   TzJetAdjointBegin(TzNetEval, PetscBool values, PetscInt nlap, TzJetAdjoint *);
PETSC_INTERN PetscReal       *TzJetAdjointInput(TzJetAdjoint); /* y_0 of the next panel goes here: [r_1][PANEL] */
PETSC_INTERN PetscReal       *TzJetAdjointLeft(TzJetAdjoint);
PETSC_INTERN PetscErrorCode   TzJetAdjointPanel(TzJetAdjoint, const PetscReal fbar[], const PetscReal gbar[], const PetscReal lapbar[], const PetscReal **df,
                                                const PetscReal **ybar);
PETSC_INTERN PetscErrorCode   TzJetAdjointEnd(TzJetAdjoint *, PetscInt nlap, PetscReal grad[]);
PETSC_INTERN PetscErrorCode   TzNetEvalJetBackward_Bonds(TzNetEval, PetscInt n, const PetscReal X[], PetscInt nlap, const PetscReal jetbar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode   TzNetEvalJetBackward_Channels(TzNetEval, PetscInt n, const PetscReal X[], PetscInt nlap, const PetscReal jetbar[],
                                                            PetscReal grad[]);

#endif
