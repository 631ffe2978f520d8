/*
  Between jet_bonds.c, the adjoints and coordinate queries: forward propagation through bonds, a panel of points at a time.
*/
#ifndef TZNETJET_H
#define TZNETJET_H

#include <private/tznetimpl.h>

typedef struct {
  PetscInt   rows[3];  /* rows of each product below */
  PetscReal *coeff[3]; /* [ceil(rows/GEMM)][out][GEMM]: against act, act', act'' */
} TzJetLayer;

/*
  Coefficients of forward propagation through bonds, for one binding and one shape of jets. M_p = A' S_p A with A the first factor: N of layer 1. One form with
  constant S enters the coefficients of layer 1 (`single`); more of them, or fields, share the second derivatives of layer 1.
*/
typedef struct {
  PetscInt          serial, id, nforms, fields;
  PetscBool         single;
  const TzJetShape *shape;      /* of the call */
  PetscReal        *M;          /* [nforms][r_1][r_1] of the constant forms */
  PetscReal        *lanes, *ML; /* of the fields, at the points of one panel: see formpanel.h; [nforms][r_1][r_1][PANEL] */
  TzJetLayer        layer[TZ_MAX_LAYERS];
} TzJets;

/*
  Which row of which product holds what: stream 0 (act) y'_c at c; stream 1 (act') J_ck at c r + k; second derivatives in
  stream 2 (act''), for a harmonic activation behind y' in stream 0 with the opposite sign (act'' = -act), at `second` + c (layer 1 of a
  single form) or + c nn + kl; nn = 0 without forms.
*/
typedef struct {
  PetscInt  r, q, nn, second, stream;
  PetscReal sign;
} TzJetPlaces;

/* The state of one panel of points after some layers: y [q], its derivatives in y_0 G [q][r_1], its forms [nforms][MAX_BOND]; lanes last */
typedef struct {
  PetscReal *y, *G, *form;
} TzJetState;

/*
  What a layer leaves for those above it and for its adjoint: activations and derivatives act[s] [out][PANEL], the products sum[s] [rows][PANEL], for
  each form N and T = G M. third: where act'''
  goes, or NULL.
*/
typedef struct {
  PetscReal *act[3], *third, *sum[3], *N, *T;
} TzJetTrace;

PETSC_INTERN PetscBool      TzJetsThroughBonds(TzNetEval);                           /* whether every hidden layer has a narrow bond */
PETSC_INTERN PetscErrorCode TzJetsPrepare(TzNetEval, const TzJetShape *);            /* coefficients of the binding; NULL: for values alone */
PETSC_INTERN void           TzJetsPanel(TzNetEval, PetscInt m, const PetscReal F[]); /* fields of the panel that comes next */
PETSC_INTERN TzJets        *TzJetsGet(TzNetEval);                                    /* as prepared */
PETSC_INTERN PetscBool      TzJetsMetric(const TzJets *, PetscInt p, PetscInt r1, const PetscReal **M); /* M_p: [r_1][r_1], or (true) with [PANEL] */
PETSC_INTERN TzJetPlaces    TzJetsPlaces(TzNetEval, PetscInt l);
PETSC_INTERN PetscInt       TzJetsStateSize(TzNetEval);
PETSC_INTERN TzJetState     TzJetsState(TzNetEval, PetscReal *memory); /* places in memory[TzJetsStateSize] */
PETSC_INTERN PetscInt       TzJetsTraceSize(TzNetEval, PetscInt l);
PETSC_INTERN TzJetTrace     TzJetsTrace(TzNetEval, PetscInt l, PetscReal *work); /* places in work[TzJetsTraceSize] */
/* A panel of m points through one layer, with n forms from `first` on, which are form[0..n-1] of the states */
PETSC_INTERN PetscErrorCode TzJetsLayer(TzNetEval, PetscInt m, PetscInt l, PetscInt first, PetscInt n, const TzJetState *from, TzJetState *to,
                                        const TzJetTrace *);

/* jet_gradient.c */
PETSC_INTERN PetscErrorCode TzJetsBackwards(TzNetEval, const TzJetShape *, PetscBool *backwards);                /* whether the next can be used; bound */
PETSC_INTERN PetscErrorCode TzNetEvalJet_Backwards(TzNetEval, PetscInt n, const PetscReal X[], PetscReal jet[]); /* jet [n][1 + in] */

/*
  channels.c: T = Z S on m rows of Z and T, `step` numbers apart, in the d directions of S (symmetric); the others of T are not touched. work [m n + d n], n
  columns, of a factor sigma [d][n]
*/
PETSC_INTERN void TzFormRows(const TzKernels *, const TzFormAt *S, PetscInt m, PetscInt step, const PetscReal Z[], PetscReal T[], PetscReal work[]);

/* adjoint_jet.c: bars are gathered panel by panel, then handed on to the parameters (grad +=). Left: bar of the first factor [in][r_1], to add to. */
typedef struct _TzJetAdjoint *TzJetAdjoint;
PETSC_INTERN PetscErrorCode   TzJetAdjointBegin(TzNetEval, const TzJetShape *, TzJetAdjoint *); /* NULL: values alone */
PETSC_INTERN PetscReal       *TzJetAdjointInput(TzJetAdjoint);                                  /* y_0 of the next panel goes here: [r_1][PANEL] */
PETSC_INTERN PetscReal       *TzJetAdjointLeft(TzJetAdjoint);
PETSC_INTERN PetscErrorCode   TzJetAdjointPanel(TzJetAdjoint, const PetscReal fbar[], const PetscReal gbar[], const PetscReal formbar[], const PetscReal **df,
                                                const PetscReal **ybar);
PETSC_INTERN PetscErrorCode   TzJetAdjointEnd(TzJetAdjoint *, PetscReal grad[]);
PETSC_INTERN PetscErrorCode   TzNetEvalJetBackward_Bonds(TzNetEval, PetscInt n, const PetscReal X[], const TzJetShape *, const PetscReal F[],
                                                         const PetscReal jetbar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode   TzNetEvalJetBackward_Channels(TzNetEval, PetscInt n, const PetscReal X[], const TzJetShape *, const PetscReal F[],
                                                            const PetscReal jetbar[], PetscReal grad[]);

#endif
