/*
  TzLoss of type "crossentropy": softmax cross-entropy of a classifier on labelled images (IDX files, tzidx.h) or lists of tokens (text files, tztokens.h).

  L(theta) = mean over a mini-batch of log sum_o exp f_o(x) - f_label(x). Inputs are the pixels divided by 255, or the tokens' numbers
  (TzNetSetTokens()), as many as the longest example has. An epoch is a random permutation of the training examples, keyed by (seed, epoch), cut into
  mini-batches; those left over sit that epoch out. So step s has the same examples on every rank and in every run with that seed.
*/
#ifndef TZCLASSIFY_H
#define TZCLASSIFY_H

#include <tzloss.h>
#include <tzidx.h>
#include <tztokens.h>

/* Reads the examples (collective): numbers of an input, classes, training examples of an epoch / of a step; NULL where it is not wanted */
PETSC_EXTERN PetscErrorCode TzLossCrossEntropyGetSizes(TzLoss loss, PetscInt *inputs, PetscInt *classes, PetscInt *stepsperepoch);
/* Inputs, outputs and what the inputs are (an image, tokens) for a network on these examples, before TzNetSetFromOptions(); collective */
PETSC_EXTERN PetscErrorCode TzLossCrossEntropySetNetInputs(TzLoss loss, TzNet net);
/* Labels [n] of the examples that TzLossValidate() uses; valid as long as the loss */
PETSC_EXTERN PetscErrorCode TzLossCrossEntropyGetTest(TzLoss loss, PetscInt *n, const unsigned char *label[]);
/* output [n][classes] on every rank: f(x; theta) for the n test examples; collective */
PETSC_EXTERN PetscErrorCode TzLossCrossEntropyPredict(TzLoss loss, const PetscReal theta[], PetscReal output[]);

#endif
