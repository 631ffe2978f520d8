/*
  TzPDE: an equation on a domain of R^d (tzdomain.h), t in [0, T] or without a time, with its transform u = a f + b (f is the network). It says
  which derivatives it needs by the shape of its jets (tzjet.h).

  D: coordinates of a point, d + 1 with time, d without. J: numbers of a jet, TzJetSize() of the shape.
*/
#ifndef TZPDE_H
#define TZPDE_H

#include <tzjet.h>
#include <tzdomain.h>
#include <tzsampler.h>

typedef struct _p_TzPDE *TzPDE;
typedef const char      *TzPDEType;
#define TZPDEHJB "hjb" /* the paper's equation: u_t + Lap u - 0.05 |grad u|^2 = -2 */
#define TZPDELQG "lqg" /* u_t + Lap u - |grad u|^2 = 0, g = ln((1+|x|^2)/2) */
/* more: `tenzo pde` lists them */

PETSC_EXTERN PetscClassId   TZPDE_CLASSID;
PETSC_EXTERN PetscErrorCode TzPDECreate(MPI_Comm comm, TzPDE *pde);
PETSC_EXTERN PetscErrorCode TzPDESetType(TzPDE pde, TzPDEType type); /* -pde_type (default hjb) */
PETSC_EXTERN PetscErrorCode TzPDEGetType(TzPDE pde, TzPDEType *type);
PETSC_EXTERN PetscErrorCode TzPDESetDim(TzPDE pde, PetscInt d); /* -pde_dim d (default 20): space dimensions */
PETSC_EXTERN PetscErrorCode TzPDEGetDim(TzPDE pde, PetscInt *d);
PETSC_EXTERN PetscErrorCode TzPDESetFromOptions(TzPDE pde);
PETSC_EXTERN PetscErrorCode TzPDESetUp(TzPDE pde);
PETSC_EXTERN PetscErrorCode TzPDEView(TzPDE pde, PetscViewer viewer);
PETSC_EXTERN PetscErrorCode TzPDEDestroy(TzPDE *pde);

/* Its domain; sets up. Borrowed: valid until the equation changes. */
PETSC_EXTERN PetscErrorCode TzPDEGetDomain(TzPDE pde, const TzDomain **domain);
/* The process whose paths the equation is about; its ctx lives as long as the equation */
PETSC_EXTERN PetscErrorCode TzPDEGetProcess(TzPDE pde, TzProcess *process);
/* Domain and process into a sampler, which is set up: ready to draw */
PETSC_EXTERN PetscErrorCode TzPDESetSampler(TzPDE pde, TzSampler sampler);
/* The shape of its jets; sets up. Borrowed: valid until the equation changes. */
PETSC_EXTERN PetscErrorCode TzPDEGetJetShape(TzPDE pde, const TzJetShape **shape);

/*
  Second-order forms, added in ops->setup (tzpdeimpl.h); *p (or NULL) is the number for TzJetForm(u, p). An equation that adds none has the Laplacian
  as form 0, unless it is of first order (pde->firstorder). Constant weights w [d] and matrices S [d][d] are copied; a field is given
  with z (x, and t where there is a time) and fills its zeroed array: weights [d], S [d][d], or a factor sigma [d][m] of S = sigma sigma'.
*/
typedef PetscErrorCode (*TzPDEField)(TzPDE, const PetscReal z[], PetscReal S[]);
PETSC_EXTERN PetscErrorCode TzPDEAddLaplacian(TzPDE pde, PetscInt *p);                                 /* Lap u */
PETSC_EXTERN PetscErrorCode TzPDEAddFormDiagonal(TzPDE pde, const PetscReal w[], PetscInt *p);         /* sum_i w_i u_ii */
PETSC_EXTERN PetscErrorCode TzPDEAddFormMatrix(TzPDE pde, const PetscReal S[], PetscInt *p);           /* sum_ij S_ij u_ij */
PETSC_EXTERN PetscErrorCode TzPDEAddFormDiagonalField(TzPDE pde, TzPDEField w, PetscInt *p);           /* sum_i w_i(z) u_ii */
PETSC_EXTERN PetscErrorCode TzPDEAddFormMatrixField(TzPDE pde, TzPDEField S, PetscInt *p);             /* sum_ij S_ij(z) u_ij */
PETSC_EXTERN PetscErrorCode TzPDEAddFormFactorField(TzPDE pde, PetscInt m, TzPDEField s, PetscInt *p); /* sum_ijk s_ik(z) s_jk(z) u_ij, k < m */
PETSC_EXTERN PetscErrorCode TzPDEAddSecondDerivatives(TzPDE pde, PetscInt *p);                         /* u_11 .. u_dd: d forms from p on */

/* fjet, ujet [n][J] (may be the same array), X [n][D]: the jet of u = a f + b from that of f, by the product rule. */
PETSC_EXTERN PetscErrorCode TzPDETransform(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal fjet[], PetscReal ujet[]);
/*
  The same in two steps, for many f at the same points: what the product rule needs, ab [n][TzPDEGetTransformSize()] (jet of a, jet of b, for
  each form S grad a, and whether a varies with x there: 0 or 1); u = a f + b from these.
*/
PETSC_EXTERN PetscErrorCode TzPDEGetTransformSize(TzPDE pde, PetscInt *size);
PETSC_EXTERN PetscErrorCode TzPDETransformJets(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal ab[]);
PETSC_EXTERN PetscErrorCode TzPDETransformBy(TzPDE pde, PetscInt n, const PetscReal ab[], const PetscReal fjet[], PetscReal ujet[]);
/* gbar [n][J] on entry d(loss)/d(ujet), on return d(loss)/d(fjet): the adjoint of TzPDETransform. */
PETSC_EXTERN PetscErrorCode TzPDETransformAdjoint(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal gbar[]);
PETSC_EXTERN PetscErrorCode TzPDETransformAdjointBy(TzPDE pde, PetscInt n, const PetscReal ab[], PetscReal gbar[]); /* ab: TzPDETransformJets() */
/* r[n]: residual of the equation; dr [n][J] (or NULL): its derivative with respect to ujet. */
PETSC_EXTERN PetscErrorCode TzPDEResidual(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal dr[]);
/*
  The same in two steps, for many u at the same points: what does not depend on u (ops->source, tzpdeimpl.h; `value` of a condition below),
  s [n][TzPDEGetSourceSize()], of condition c or, c = -1, of the equation; residuals from these.
*/
PETSC_EXTERN PetscErrorCode TzPDEGetSourceSize(TzPDE pde, PetscInt *size);
PETSC_EXTERN PetscErrorCode TzPDESources(TzPDE pde, PetscInt c, PetscInt n, const PetscReal X[], PetscReal s[]);
PETSC_EXTERN PetscErrorCode TzPDEResidualBy(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal s[], const PetscReal ujet[], PetscReal r[],
                                            PetscReal dr[]);
/*
  Whether the residual is h(z, u, u_t) + sum_i h_i(z, u, u_t, u_i) + what is linear in the forms, so that some coordinates can stand for all; found from random
  jets at random points, for equations of one's own too. Collective; the same on every rank.
*/
PETSC_EXTERN PetscErrorCode TzPDEIsSum(TzPDE pde, PetscBool *sum);
/*
  Soft conditions: terms of the loss beside the residual, on points of their own. Added in ops->setup (tzpdeimpl.h). `place` says where: on a face of the
  domain (tzdomain.h; -1: on all of them), or at t = 0 or t = T. residual gives r at z for the jet of u there, and on the boundary the outward
  unit normal [d] (otherwise NULL), as
      u - g              Dirichlet: reads the value only (gradient FALSE), which costs one forward evaluation
      du/dn - h          Neumann:  r = sum_i normal[i] TzJetGrad(u)[i] - h
  Tenzo differentiates it in the slots that it reads (relative error below 1e-9). Instead of a residual, `value`: u = g(z). `name` is that of
  -loss_NAME_points (default `points`) and -loss_NAME_weight (default `weight`): the loss is mean r^2 over the points of the equation plus weight times
  mean r^2 over those of the condition.
*/
typedef enum { TZ_AT_BOUNDARY, TZ_AT_START, TZ_AT_END } TzConditionPlace;
typedef PetscErrorCode (*TzConditionResidual)(TzPDE, const PetscReal z[], const PetscReal normal[], const TzJet *u, PetscReal *r);
typedef PetscErrorCode (*TzConditionValue)(TzPDE, const PetscReal z[], PetscReal *g);
typedef struct {
  char                name[32];
  TzConditionPlace    place;
  PetscInt            face;
  PetscBool           gradient; /* whether it reads more than the value */
  TzConditionResidual residual;
  TzConditionValue    value; /* instead of a residual */
  PetscInt            points;
  PetscReal           weight;
} TzCondition;
PETSC_EXTERN PetscErrorCode TzPDEAddCondition(TzPDE pde, const TzCondition *condition); /* copied */
/*
  u = exact solution at `place`, on all faces. Where the user asks for soft conditions and setup adds none, this is what an equation with an exact solution
  has: the terminal value, or without a time the boundary's.
*/
PETSC_EXTERN PetscErrorCode TzPDEAddExactCondition(TzPDE pde, const char name[], TzConditionPlace place);
PETSC_EXTERN PetscErrorCode TzPDEGetConditions(TzPDE pde, PetscInt *n, const TzCondition *conditions[]); /* sets up; borrowed */
/* r[n] of condition c at X [n][D] with normals [n][d] or NULL; dr [n][J] (or NULL): its derivative with respect to ujet [n][J] */
PETSC_EXTERN PetscErrorCode TzPDEConditionResidual(TzPDE pde, PetscInt c, PetscInt n, const PetscReal X[], const PetscReal normal[], const PetscReal ujet[],
                                                   PetscReal r[], PetscReal dr[]);
PETSC_EXTERN PetscErrorCode TzPDEConditionResidualBy(TzPDE pde, PetscInt c, PetscInt n, const PetscReal X[], const PetscReal normal[], const PetscReal s[],
                                                     const PetscReal ujet[], PetscReal r[], PetscReal dr[]); /* s: TzPDESources() */
/* u [n], grad [n][d] (or NULL): exact (or reference) solution and its gradient in x; PETSC_ERR_SUP where the equation has none (ask TzPDEHasExact first). */
PETSC_EXTERN PetscErrorCode TzPDEHasExact(TzPDE pde, PetscBool *has);
PETSC_EXTERN PetscErrorCode TzPDEExact(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal u[], PetscReal grad[]);

/*
  u by means over random paths, without a network or a reference solution: where the residual is
  u_t + mu.grad u + nu S : Hess u - lambda nu grad u' S grad u - c u + h with the u of t = T prescribed, in all of R^d (the box has no conditions on its faces);
  or nu Lap u - lambda nu |grad u|^2 + h without a time, u prescribed on the boundary. lambda = 0: Feynman and Kac; otherwise Cole and Hopf, with c = 0. The
  form is found from the residual (pde/paths.c): it is there for equations of one's own too. Not collective.
*/
typedef enum { TZ_PATHS_NONE, TZ_PATHS_FEYNMANKAC, TZ_PATHS_COLEHOPF } TzPathForm;
PETSC_EXTERN PetscErrorCode TzPDEGetPathForm(TzPDE pde, TzPathForm *form, PetscReal *lambda); /* lambda may be NULL */
/*
  u[npoints] at X [npoints][D] from n paths each (>= 2), and half the width of the interval that has the true value with a probability of 95 percent; `steps`
  of time a path, whose error is of second order. Collective; the same on any number of ranks. PETSC_ERR_SUP where the equation has no such form.
*/
PETSC_EXTERN PetscErrorCode TzPDEPaths(TzPDE pde, PetscInt npoints, const PetscReal X[], PetscInt n, PetscInt steps, PetscInt64 seed, PetscReal u[],
                                       PetscReal half[]);

/*
  TzPDESetFunctions - an equation by functions of many points at once, for programs in other languages (src/python): the type becomes "functions"

  X [n][D]; jets [n][J], those to be written zero on entry. A function that returns anything but 0 ends the call with that error. Before TzPDESetFromOptions();
  the functions are copied, d is set by TzPDESetDim() or -pde_dim.
*/
typedef struct {
  PetscReal lo, hi, T, diffusion; /* x_i in [lo, hi], t in [0, T]; nu of dX = sqrt(2 nu) dW, for order 1 */
  PetscBool stationary;           /* no t */
  PetscInt  order;                /* 0: no second-order form, 1: the Laplacian, 2: u_11 .. u_dd */
  void     *ctx;
  PetscErrorCode (*transform)(void *ctx, PetscInt n, const PetscReal X[], PetscReal a[], PetscReal b[]); /* jets of a and b in u = a f + b */
  /* r [n], and dr [n][J], unless NULL, its derivatives in the slots of the jet of u */
  PetscErrorCode (*residual)(void *ctx, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal dr[]);
  PetscErrorCode (*exact)(void *ctx, PetscInt n, const PetscReal X[], PetscReal u[], PetscReal grad[]); /* as TzPDEExact(); NULL: not known */
} TzPDEFunctions;
PETSC_EXTERN PetscErrorCode TzPDESetFunctions(TzPDE pde, const TzPDEFunctions *functions);

/*
  TzPDECheck - whether what an equation says by hand agrees with itself, at n random points of its domain: the largest deviations, each relative to 1 + the
  size of what is compared; -1: nothing to compare. Below 1e-9 where all is right: the derivatives are differences of order 8.
  Not collective; every rank finds the same.
*/
typedef struct {
  PetscReal residual;   /* of the exact solution, by its derivatives from differences of its value and of its gradient */
  PetscReal gradient;   /* the exact gradient against differences of the exact value */
  PetscReal condition;  /* u = b against the exact value, where a = 0; soft conditions for the exact solution */
  PetscReal transform;  /* derivatives of a and b against differences */
  PetscReal derivative; /* derivatives of the residual in the slots of u against differences */
} TzPDEDeviations;
PETSC_EXTERN PetscErrorCode TzPDECheck(TzPDE pde, PetscInt n, PetscInt64 seed, TzPDEDeviations *deviations);

/* The registered types: names [n], to be freed with PetscFree */
PETSC_EXTERN PetscErrorCode TzPDEGetTypes(PetscInt *n, const char ***names);
PETSC_EXTERN PetscErrorCode TzPDERegister(const char name[], PetscErrorCode (*create)(TzPDE));
PETSC_EXTERN PetscErrorCode TzPDERegisterAll(void);

#endif
