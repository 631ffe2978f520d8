/*
  For the files of pde/: what an equation provides. An equation is one file that fills these operations in
  TzPDECreate_Name() and one row of the table in pde/pde.c; or, in a user's own program, a call of TzPDERegister()
  (tests/example_pde.c). TzPDECreate_Name() may also set the domain (lo, hi, T; domain.type, radius,
  inner), which is [0,1]^d x [0,1] with diffusion 1 otherwise.

  An operation is given one point z, x_1..x_d and, unless the equation is stationary, t; it is called from one thread.
*/
#ifndef TZPDEIMPL_H
#define TZPDEIMPL_H

#include <tzpde.h>
#include <private/tzclassimpl.h>
#include <private/tzcode.h>

struct _TzPDEOps {
  /* The transform u = a f + b: the jets of a and b; zero on entry. None (and no terminal): u = f */
  PetscErrorCode (*transform)(TzPDE, const PetscReal z[], TzJet *a, TzJet *b);
  /*
    Instead of a transform: g with u = g at t = T, and u = (T - t) f + g. Tenzo differentiates g (differences.c: relative error below 1e-9 where g
    is smooth); it may depend on t, and is asked up to 0.12 max(1, |z_i|) outside the domain.
  */
  PetscErrorCode (*terminal)(TzPDE, const PetscReal z[], PetscReal *g);
  /*
    For TzExportC(): the transform as C text (private/tzcode.h), statements that set *a, *b and their derivatives da [D], db [D] in the coordinates z [D]; all
    of them zero on entry. NULL: the equation cannot be exported, unless it has no transform
  */
  PetscErrorCode (*transformcode)(TzPDE, TzCode);
  /*
    Conditions are hard, by u = a f + b, or soft, by terms of the loss: TzPDEAddCondition() in setup. Where the user asks for soft ones
    (pde->soft) u is f itself, whatever transform or terminal there is, and setup has to add all that the transform did.
  */
  /* Residual r of the jet u and, if dr is not NULL, its derivatives in the slots of u; zero on entry */
  PetscErrorCode (*residual)(TzPDE, const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr);
  /* Instead: r alone. Tenzo differentiates it, as above (steps 0.006 max(1, |slot|)) */
  PetscErrorCode (*residualvalue)(TzPDE, const PetscReal z[], const TzJet *u, PetscReal *r);
  /*
    What the residual needs of the point alone and is dear: pde->nsource numbers, which `residual` and `residualvalue` find in pde->source. A step evaluates it
    once a point, whatever its queries. May be NULL
  */
  PetscErrorCode (*source)(TzPDE, const PetscReal z[], PetscReal s[]);
  /* Instead of all these, n points at once, for equations whose calls are dear (functions.c): a, b, dr [n][J], zero on entry; dr may be NULL */
  PetscErrorCode (*transforms)(TzPDE, PetscInt n, const PetscReal X[], PetscReal a[], PetscReal b[]);
  PetscErrorCode (*residuals)(TzPDE, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal dr[]);
  PetscErrorCode (*exact)(TzPDE, const PetscReal z[], PetscReal *u, PetscReal grad[]); /* grad [d] in x, may be NULL. NULL: not known */
  /*
    The process dX = drift dt + sigma dW that the equation belongs to, for points along its paths. drift [d]; NULL: none. noise: dx [d] = sigma xi, xi [d];
    NULL: sigma sigma' = 2 nu S with S of form 0 and nu = pde->diffusion, the coefficient that the residual gives that form.
  */
  PetscErrorCode (*drift)(TzPDE, const PetscReal z[], PetscReal mu[]);
  PetscErrorCode (*noise)(TzPDE, const PetscReal z[], const PetscReal xi[], PetscReal dx[]);
  /* Instead of steps of that process, which would have to be too short: its state at time t from x at 0, x [d] -> x, by normal numbers xi [d]. Or NULL */
  PetscErrorCode (*state)(TzPDE, PetscReal t, const PetscReal xi[], PetscReal x[]);
  PetscErrorCode (*setfromoptions)(TzPDE, TzOptionItems); /* this and the following may be NULL */
  PetscErrorCode (*setup)(TzPDE);                         /* d is known: TzPDEAddForm...(), checks, tables */
  PetscErrorCode (*view)(TzPDE, PetscViewer);             /* ASCII; `  name value` lines */
  PetscErrorCode (*destroy)(TzPDE);
};

struct _p_TzPDE {
  PETSCHEADER(struct _TzPDEOps);
  PetscInt     d;          /* space dimensions */
  PetscReal    lo, hi;     /* the box x_i in [lo, hi] of an equation that has a box; -pde_lo, -pde_hi may give each x_i its own */
  PetscReal    T;          /* t in [0, T]: -pde_T */
  PetscReal    diffusion;  /* nu: coefficient of form 0 in the residual */
  TzDomain     domain;     /* type, radius and inner: set by create, setfromoptions or setup; the rest by TzPDESetUp() */
  PetscBool    stationary; /* no t: points are x alone; set by create, setfromoptions or setup */
  PetscBool    firstorder; /* no second-order form; likewise */
  PetscBool    setupcalled;
  PetscInt     nsource; /* numbers of ops->source: set by create, setfromoptions or setup */
  void        *data;
  const char  *formula;         /* the equation and its condition in one line, */
  const char  *reference;       /* and what `exact` is: "exact", "13 digits"; both set by create, for TzPDEView(), may be NULL */
  PetscInt     nlo, nhi;        /* numbers of -pde_lo, -pde_hi */
  PetscReal   *lolist, *hilist; /* [nlo], [nhi] */
  void        *process;         /* process.c */
  void        *control;         /* control.c: of a control problem */
  PetscBool    soft;            /* -pde_conditions soft: u = f, and setup() adds conditions */
  PetscInt     nconditions;
  TzCondition *condition; /* [nconditions]: condition.c */

  void            *directions; /* differences.c */
  TzJetShape       shape;      /* by TzPDESetUp() */
  const PetscReal *source;     /* [nsource]: of the point whose residual is asked for */

  PetscReal *work;    /* [TzPDEGetTransformSize()] */
  PetscReal *sources; /* [TzPDEGetSourceSize()]: of a point */
  PetscReal *field;   /* [largest TzFormWorkSize()] */
};

/*
  The statements of ops->transformcode; *has: there is a transform, otherwise u = f and nothing is written. PETSC_ERR_USER_INPUT, naming `option`, where the
  equation cannot say them
*/
PETSC_EXTERN PetscErrorCode TzPDETransformCode(TzPDE pde, const char option[], TzCode code, PetscBool *has);
/*
  C text of the feedback of a control problem: statements that set a [m] from z and grad [D]; m = 0, and nothing is written, where the equation is none.
  Errors as above
*/
PETSC_EXTERN PetscErrorCode TzPDEControlCode(TzPDE pde, const char option[], TzCode code, PetscInt *m);
/* For ops->destroy of a type whose data is one PetscNew() */
PETSC_EXTERN PetscErrorCode TzPDEDestroyData(TzPDE pde);
/* For ops->transformcode: a = T - t with the constant T; a = radius^2 - |x|^2 and its gradient */
PETSC_INTERN void           TzPDETimeLeftCode(TzPDE pde, TzCode code);
PETSC_INTERN PetscErrorCode TzPDEBallCode(TzPDE pde, TzCode code);
/* process.c */
PETSC_INTERN PetscErrorCode TzPDEProcessDestroy(TzPDE);
/* control.c */
PETSC_INTERN PetscErrorCode TzPDEControlSetFromOptions(TzPDE, TzOptionItems);
PETSC_INTERN PetscErrorCode TzPDEControlDestroy(TzPDE);
/* condition.c */
PETSC_INTERN PetscErrorCode TzPDEConditionsReset(TzPDE);
/* differences.c */
typedef PetscErrorCode (*TzPDESlotFunction)(TzPDE, void *ctx, const PetscReal z[], const TzJet *u, PetscReal *r);
PETSC_INTERN PetscErrorCode TzPDESlotDerivatives(TzPDE, TzPDESlotFunction, void *ctx, const PetscReal z[], const PetscReal u[], PetscInt n, PetscReal dr[]);
PETSC_INTERN PetscErrorCode TzPDEDifferencesReset(TzPDE);
PETSC_INTERN PetscErrorCode TzPDETerminalJet(TzPDE, const PetscReal z[], TzJet *b);                                   /* zero on entry */
PETSC_INTERN PetscErrorCode TzPDEResidualDerivative(TzPDE, const PetscReal z[], const PetscReal u[], PetscReal dr[]); /* [J] */

#endif
