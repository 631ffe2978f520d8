/*
  For crossentropy.c and ce_*.c: the state of a loss of type "crossentropy".
*/
#ifndef TZCROSSENTROPY_H
#define TZCROSSENTROPY_H

#include <tzlossimpl.h>
#include <tzclassify.h>
#include <tzproduct.h>

typedef struct {
  char             dir[PETSC_MAX_PATH_LEN]; /* -mnist_dir */
  PetscInt         holdout;                 /* -mnist_holdout */
  PetscInt         batch, block;            /* images of a step, of a block */
  TzImages         train, test;
  PetscInt         inputs; /* pixels of an image */
  TzNetEval        eval;
  TzNetCoordinates coordinates; /* NULL before the first use */
  PetscInt         nlse;        /* room for */
  PetscReal       *lse;         /* scratch of coordinate queries */
  PetscInt         step, epoch; /* sampled last; -1: none */
  PetscInt        *order;       /* [train.n]: the permutation of the epoch */
  PetscReal       *X;           /* [batch][inputs] */
  PetscInt        *label;       /* [batch] */
} TzCrossEntropy;

/* X [n][inputs] of images first .. first+n-1, or of image[0..n-1] if image is not NULL */
PETSC_INTERN void           TzImagesToInputs(const TzImages *set, PetscInt first, const PetscInt image[], PetscInt n, PetscReal X[]);
PETSC_INTERN PetscReal      TzCrossEntropyTerm(const PetscReal y[TZ_IMAGE_CLASSES], PetscInt label);
PETSC_INTERN PetscErrorCode TzCrossEntropyValidate(TzLoss, const PetscReal theta[], TzMetrics *);
PETSC_INTERN PetscErrorCode TzCrossEntropyCoordinates(TzLoss, const PetscReal theta[], const TzQueries *, PetscInt i0, PetscInt i1, PetscReal blocksums[]);

#endif
