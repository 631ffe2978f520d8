/*
  For the files of src/loss/: what a type of loss provides. loss.c owns the distribution, the order of sums, the counting;
  a type only evaluates one block of samples against one block of nodes for one parameter vector.
*/
#ifndef TZLOSSIMPL_H
#define TZLOSSIMPL_H

#include <tzloss.h>
#include <petsc/private/petscimpl.h>

struct _TzLossOps {
  PetscErrorCode (*setfromoptions)(TzLoss, PetscOptionItems *);
  PetscErrorCode (*setup)(TzLoss); /* sets nsamples, blocksize, nodeblocks, partialsize, forwards */
  PetscErrorCode (*sample)(TzLoss, PetscInt step);
  PetscErrorCode (*bind)(TzLoss, const PetscReal theta[]);
  /* samples i0 <= i < i1 (any range), node block k: partial [i1-i0][partialsize], each row independent of the range */
  PetscErrorCode (*partial)(TzLoss, PetscInt i0, PetscInt i1, PetscInt k, PetscReal partial[]);
  /* partial [i1-i0][partialsize] summed over node blocks -> term[i1-i0], the loss is sum(term) / nsamples */
  PetscErrorCode (*finish)(TzLoss, PetscInt i0, PetscInt i1, PetscReal partial[], PetscReal term[]);
  /* optional: the block sums of term for all coordinate queries at once (structured CGE); see loss.c */
  PetscErrorCode (*coordinates)(TzLoss, const PetscReal theta[], const TzQueries *, PetscInt i0, PetscInt i1, PetscReal blocksums[]);
  PetscErrorCode (*validate)(TzLoss, const PetscReal theta[], TzMetrics *);
  PetscErrorCode (*view)(TzLoss, PetscViewer);
  PetscErrorCode (*destroy)(TzLoss);
};

struct _p_TzLoss {
  PETSCHEADER(struct _TzLossOps);
  TzNet      net;
  PetscInt   nparams;
  PetscInt64 seed;
  PetscInt   nsamples;    /* points of a step */
  PetscInt   blocksize;   /* samples of a block; the last may be shorter */
  PetscInt   nodeblocks;  /* blocks of nodes per sample; 1 if the type has none */
  PetscInt   partialsize; /* numbers of a partial sum per sample: D + 2 */
  PetscInt64 forwards;    /* network evaluations per sample and query */
  PetscInt   grid[3];     /* ranks over queries, blocks of samples, blocks of nodes; 0 0 0: automatic */
  TzCounts   counts;
  PetscBool  setupcalled;
  void      *work; /* loss.c */
  void      *data; /* the type */
};

#endif
