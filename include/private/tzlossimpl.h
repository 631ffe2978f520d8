/*
  For the files of src/loss/: what a type of loss provides. evaluate.c owns the distribution, the order of sums, the counting;
  a type only evaluates one block of samples against one block of nodes for one parameter vector.
*/
#ifndef TZLOSSIMPL_H
#define TZLOSSIMPL_H

#include <tzloss.h>
#include <private/tzclassimpl.h>

struct _TzLossOps {
  PetscErrorCode (*setfromoptions)(TzLoss, TzOptionItems);
  PetscErrorCode (*setproblem)(TzLoss); /* losses of an equation: loss->pde and loss->deriv are there, or others than before */
  PetscErrorCode (*setup)(TzLoss);      /* sets nsamples, blocksize, nodeblocks, partialsize, forwards (and nparams where there is no network) */
  PetscErrorCode (*follow)(TzLoss, const PetscReal theta[]); /* optional: TzLossFollow() */
  PetscErrorCode (*sample)(TzLoss, PetscInt step);
  PetscErrorCode (*adapt)(TzLoss, PetscInt step, const PetscReal theta[]); /* optional: see TzLossAdapt() */
  PetscErrorCode (*getstate)(TzLoss, PetscInt *n, PetscReal *state[]);     /* optional: see TzLossGetState() */
  PetscErrorCode (*setstate)(TzLoss);                                      /* after it was written */
  PetscErrorCode (*bind)(TzLoss, const PetscReal theta[]);
  /* samples i0 <= i < i1 (any range), node block k: partial [i1-i0][partialsize], each row independent of the range */
  PetscErrorCode (*partial)(TzLoss, PetscInt i0, PetscInt i1, PetscInt k, PetscReal partial[]);
  /* partial [i1-i0][partialsize] summed over node blocks -> term[i1-i0], the loss is sum(term) / nsamples */
  PetscErrorCode (*finish)(TzLoss, PetscInt i0, PetscInt i1, PetscReal partial[], PetscReal term[]);
  /* optional, where term = r^2 (least squares): as finish, but the residuals r[i1-i0] themselves */
  PetscErrorCode (*residual)(TzLoss, PetscInt i0, PetscInt i1, PetscReal partial[], PetscReal r[]);
  /*
    optional: all coordinate queries of q at once (structured CGE), against all nodes. i0, i1: samples of whole blocks. blocksums
    [n (1 + twosided)][blocks of i0..i1]: sums of term over each block in ascending order of the sample, for + and, where q is two-sided, - of
    each coordinate in turn. A sum must not depend on which other coordinates and blocks the call has. q->base is not set.
  */
  PetscErrorCode (*coordinates)(TzLoss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[]);
  /* optional, for least squares: as coordinates, but the residuals: r [n (1 + twosided)][i1-i0] */
  PetscErrorCode (*coordinateresiduals)(TzLoss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal r[]);
  /* optional: *sum = the sum of term over the samples i0 <= i < i1 (of one block), grad[nparams] += its gradient at the parameters bound */
  PetscErrorCode (*gradient)(TzLoss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal grad[]);
  /* optional, for least squares: the residuals r[i1-i0] and their gradients J [i1-i0][nparams] at the parameters bound; a row does not depend on the range */
  PetscErrorCode (*jacobian)(TzLoss, PetscInt i0, PetscInt i1, PetscReal r[], PetscReal J[]);
  PetscErrorCode (*validate)(TzLoss, const PetscReal theta[], TzMetrics *);
  PetscErrorCode (*view)(TzLoss, PetscViewer);
  PetscErrorCode (*destroy)(TzLoss);
};

struct _p_TzLoss {
  PETSCHEADER(struct _TzLossOps);
  TzPDE      pde; /* of losses of an equation, NULL until TzLossSetProblem(); and its estimator */
  TzDeriv    deriv;
  TzSampler  sampler; /* of the points, borrowed from the type; NULL: it has none */
  TzNet      net;
  PetscInt   nparams;
  PetscInt64 seed;
  PetscInt   nsamples;      /* points of a step */
  PetscInt   blocksize;     /* samples of a block; the last may be shorter */
  PetscInt   gradientblock; /* samples of a block of the exact gradient; 0: blocksize */
  PetscInt   nodeblocks;    /* blocks of nodes per sample; 1 if the type has none */
  PetscInt   partialsize;   /* numbers of a partial sum per sample: those of a jet */
  PetscInt64 forwards;      /* network evaluations per sample and query */
  PetscBool  listed;        /* ops->coordinates understands TzQueries.which */
  PetscInt   grid[2];       /* ranks over values x blocks of samples, over blocks of nodes; 0 0: automatic */
  TzCounts   counts;
  PetscBool  setupcalled;
  void      *evaluation; /* evaluate.c: plans and buffers */
  void      *directions; /* queries.c: the directions generated last */
  void      *data;       /* the type */
};

PETSC_INTERN PetscErrorCode TzLossCreate_Residual(TzLoss);
PETSC_INTERN PetscErrorCode TzLossCreate_CrossEntropy(TzLoss);

PETSC_INTERN PetscLogEvent TZ_LossSample, TZ_LossEvaluate, TZ_LossDirections, TZ_LossBind, TZ_LossPartial, TZ_LossFinish, TZ_LossCommunicate;
PETSC_INTERN PetscLogEvent TZ_LossGradient, TZ_LossValidate;

/* queries.c. All coordinates of xi of a query, valid until the next call; the rows of one step are kept within a limit of memory. */
PETSC_INTERN PetscErrorCode TzLossDirectionRow(TzLoss, const TzQueries *, PetscInt query, const PetscReal **xi);
PETSC_INTERN PetscErrorCode TzLossDirectionsDestroy(TzLoss);
/* evaluate.c */
PETSC_INTERN PetscErrorCode TzLossEvaluationDestroy(TzLoss);
PETSC_INTERN PetscErrorCode TzLossEvaluationView(TzLoss, PetscViewer);
/* direction coordinate: the parameter that query number `query` moves */
static inline PetscInt TzQueriesCoordinate(const TzQueries *q, PetscInt query)
{
  return q->which ? q->which[q->first + query] : q->first + query;
}
/* Values of a call: base + n (1 + twosided) */
static inline PetscInt TzQueriesCount(const TzQueries *q)
{
  return (q->base ? 1 : 0) + q->n * (q->twosided ? 2 : 1);
}

#endif
