/*
  TzLoss of type "crossentropy": softmax cross-entropy of a classifier on labelled images (IDX files, tzidx.h).

  L(theta) = mean over a mini-batch of log sum_o exp f_o(x) - f_label(x). Inputs are the pixels divided by 255. An epoch is a random
  permutation of the training images, keyed by (seed, epoch), cut into mini-batches; the images left over sit that epoch out. So step s
  has the same images on every rank and in every run with that seed.
*/
#ifndef TZCLASSIFY_H
#define TZCLASSIFY_H

#include <tzloss.h>
#include <tzidx.h>

/* Reads the images (collective); inputs rows x columns, classes, training images of an epoch / of a step */
PETSC_EXTERN PetscErrorCode TzLossCrossEntropyGetSizes(TzLoss loss, PetscInt *inputs, PetscInt *classes, PetscInt *stepsperepoch);
/* The images that TzLossValidate() uses; valid as long as the loss */
PETSC_EXTERN PetscErrorCode TzLossCrossEntropyGetTest(TzLoss loss, const TzImages **test);
/* output [n][classes] on every rank: f(x; theta) for the n test images; collective */
PETSC_EXTERN PetscErrorCode TzLossCrossEntropyPredict(TzLoss loss, const PetscReal theta[], PetscReal output[]);

#endif
