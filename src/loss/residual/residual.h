/*
  Between the files of a residual loss: residual.c (the loss), terms.c (its points and their residuals), data.c, follow.c (points that follow a
  feedback), validate.c.
*/
#ifndef TZRESIDUAL_H
#define TZRESIDUAL_H

#include <private/tzlossimpl.h>
#include <tzcontrol.h>
#include <tzfiles.h>
#include <tzsampler.h>

#define CHUNK            16  /* points whose transforms, and whose sources, are kept together */
#define VALIDATION_BLOCK 100 /* points; the sums of a block are the unit of communication */

typedef enum { TZ_TERM_EQUATION, TZ_TERM_CONDITION, TZ_TERM_DATA, TZ_TERM_DATAGRAD } TzTermKind;

/* Points first <= i < first + n of the line */
typedef struct {
  TzTermKind kind;
  PetscInt   condition; /* of the equation; -1: the equation itself */
  PetscInt   first, n;
  PetscReal  weight, scale; /* scale: of its residuals, so that the loss is a mean over the line */
  PetscBool  value;         /* only the value of u is read: one forward evaluation a point */
} TzTerm;

typedef struct {
  TzNetEval  eval;
  PetscInt   d, D, J; /* dimension; coordinates of a point; numbers of a jet */
  PetscInt   npoints; /* of the equation in a step */
  PetscReal  p;       /* the loss is the mean of |r|^p */
  PetscInt   nterms;  /* the equation, its conditions, data, */
  TzTerm    *term;    /* [nterms], one after the other on the line of points */
  PetscInt   nline;   /* points of the line */
  PetscInt   block;
  PetscBool  fixed;
  PetscInt   step;                /* sampled last */
  PetscInt   candidates;          /* for a point, 0: none; adapt.c */
  PetscBool  balanced;            /* weights of conditions, */
  PetscInt   every;               /* changed every so many steps, */
  PetscReal  smoothing, *balance; /* [nterms - 1]: times this factor, of which a change leaves the part smoothing */
  PetscInt   adapted;             /* the step whose points and weights are there, -1: none */
  TzSampler  sampler, validation;
  PetscInt   drift; /* of paths: follow.c */
  TzControl  control;
  PetscBool  follows;                      /* TzFollow() has been called: */
  PetscReal *followed, *action;            /* theta; controls [TZ_SAMPLER_PATHS_MAX][m] */
  PetscReal *X;                            /* [nline][D] */
  PetscReal *normal;                       /* [nline - npoints][d]: of the points of conditions on the boundary, */
  PetscReal *target;                       /* [nline - npoints]: what u, or its derivative along normal, is where there are data */
  char       datafile[PETSC_MAX_PATH_LEN]; /* -loss_data, */
  TzStore    data;                         /* NULL before the first step: data.c */
  PetscReal *ujet;                         /* [nline or VALIDATION_BLOCK][J] */
  PetscReal  drawn;                        /* d over the coordinates that the jets of a step have derivatives along (TzDerivGetSubset()); 1: all */

  PetscInt    chunks;     /* the transforms of the points of this step, where they have been asked for */
  PetscReal **ab;         /* [chunks]: NULL, or [CHUNK][TzPDEGetTransformSize()] */
  PetscInt   *abstep;     /* [chunks]: the step they belong to, -1: none */
  PetscInt    nsource;    /* TzPDEGetSourceSize() */
  PetscReal  *source;     /* [nline][nsource]: of the equation and of values of conditions */
  PetscInt   *sourcestep; /* [chunks] */

  PetscInt   nvalid; /* validation points, of which this rank has those of the blocks b0 <= b < b1: */
  PetscInt   b0, b1;
  PetscReal *validX;     /* [its points][D], NULL before the first validation */
  PetscReal *validexact; /* [its points], NULL if the equation has no exact solution */
  PetscReal *validgrad;  /* [its points][d], likewise */
} TzResidual;

/* residual.c: res [i1-i0] of the points i0 <= i < i1 of the line, from the jets fjet [i1-i0][J] of f; overwrites r->ujet */
PETSC_INTERN PetscErrorCode TzResidualValues(TzLoss, PetscInt i0, PetscInt i1, const PetscReal fjet[], PetscReal res[]);

/* terms.c */
PETSC_INTERN PetscErrorCode TzTermsSetFromOptions(TzLoss, TzOptionItems);
PETSC_INTERN PetscErrorCode TzTermsSetUp(TzLoss);
PETSC_INTERN PetscErrorCode TzTermsScale(TzResidual *); /* from weights and balance */
PETSC_INTERN PetscErrorCode TzTermsSample(TzLoss, PetscInt step);
PETSC_INTERN PetscErrorCode TzTermsForget(TzResidual *); /* the points have changed: so have their transforms and sources */
/* Points i0 <= i < i1 of the line. fjet, ujet, dr [i1-i0][J]; res [i1-i0]: scaled residuals */
PETSC_INTERN PetscErrorCode TzTermsPartial(TzLoss, PetscInt i0, PetscInt i1, PetscInt k, PetscReal partial[]);
PETSC_INTERN PetscErrorCode TzTermsJet(TzLoss, PetscInt i0, PetscInt i1, PetscReal fjet[]);
PETSC_INTERN PetscErrorCode TzTermsAdjoint(TzLoss, PetscInt i0, PetscInt i1, const PetscReal bar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode TzTermsResidual(TzLoss, PetscInt i0, PetscInt i1, const PetscReal ujet[], PetscReal res[], PetscReal dr[]);
/* |r|^p, and its derivative in r */
static inline PetscReal TzTermsPower(const TzResidual *r, PetscReal res)
{
  return r->p == 2 ? res * res : PetscPowReal(PetscAbsReal(res), r->p);
}
static inline PetscReal TzTermsSlope(const TzResidual *r, PetscReal res)
{
  return r->p == 2 ? 2 * res : res == 0 ? 0 : r->p * PetscPowReal(PetscAbsReal(res), r->p - 1) * (res > 0 ? 1 : -1);
}

/* data.c: points of a term at a step, items from `first` on of the key; as TzTermsResidual(), unscaled, of points from number `first` behind the equation's */
PETSC_INTERN PetscErrorCode TzDataSample(TzLoss, const TzTerm *, PetscInt step, PetscInt first);
PETSC_INTERN PetscErrorCode TzDataResidual(TzLoss, TzTermKind, PetscInt n, PetscInt first, const PetscReal ujet[], PetscReal res[], PetscReal dr[]);

/* follow.c */
PETSC_INTERN PetscErrorCode TzFollowSetFromOptions(TzLoss, TzOptionItems);
PETSC_INTERN PetscErrorCode TzFollowSetUp(TzLoss);
PETSC_INTERN PetscErrorCode TzFollowReset(TzResidual *);
PETSC_INTERN PetscErrorCode TzFollow(TzLoss, const PetscReal theta[]);
PETSC_INTERN PetscErrorCode TzFollowDraw(TzLoss, PetscInt step);

/* adapt.c */
PETSC_INTERN PetscErrorCode TzAdaptSetFromOptions(TzResidual *, MPI_Comm, TzOptionItems);
PETSC_INTERN PetscErrorCode TzResidualAdapt(TzLoss, PetscInt step, const PetscReal theta[]);
PETSC_INTERN PetscErrorCode TzResidualGetState(TzLoss, PetscInt *n, PetscReal *state[]);
PETSC_INTERN PetscErrorCode TzResidualSetState(TzLoss);

/* validate.c */
PETSC_INTERN PetscErrorCode TzResidualValidate(TzLoss, const PetscReal theta[], TzMetrics *);

#endif
