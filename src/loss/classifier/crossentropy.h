/*
  For crossentropy.c and feedback.c: the state of a loss of type "crossentropy".
*/
#ifndef TZCROSSENTROPY_H
#define TZCROSSENTROPY_H

#include <private/tzlossimpl.h>
#include <tzclassify.h>
#include <private/tzkernels.h>

/* -loss_gradient: what TzLossGradient() gives */
typedef enum {
  TZ_GRADIENT_EXACT, /* backwards through the weights */
  TZ_GRADIENT_FA,    /* errors go back through fixed random matrices (Lillicrap et al. 2016) */
  TZ_GRADIENT_DFA,   /* the output's error goes to each layer through one of them (Nokland 2016) */
  TZ_GRADIENT_LOCAL  /* each layer has a loss of its own, whose derivative is taken along a random activity (LG-FG-A, Ren et al. 2022) */
} TzGradientKind;

typedef struct {
  char           dir[PETSC_MAX_PATH_LEN]; /* -mnist_dir */
  PetscInt       holdout;                 /* -mnist_holdout */
  PetscInt       batch, block;            /* images of a step, of a block */
  TzImages       train, test;
  PetscInt       inputs; /* pixels of an image */
  TzNetEval      eval;
  TzGradientKind gradient;
  PetscInt       groups;                      /* -loss_groups: of units, each with a local loss */
  PetscReal     *feedback[TZ_NET_LAYERS_MAX]; /* [width][width above or classes] of each hidden layer */
  PetscReal     *local;                       /* parameters of the local classifiers, bound last */
  PetscInt       netparams, localparams;      /* of the network, of the local classifiers behind them */
  PetscInt       nlse;                        /* room for */
  PetscReal     *lse;                         /* scratch of coordinate queries */
  PetscInt       step, epoch;                 /* sampled last; -1: none */
  PetscInt      *order;                       /* [train.n]: the permutation of the epoch */
  PetscReal     *X;                           /* [batch][inputs] */
  PetscInt      *label;                       /* [batch] */
} TzCrossEntropy;

/* log sum_o exp y_o - y_label */
PETSC_INTERN PetscReal TzCrossEntropyTerm(const PetscReal y[TZ_IMAGE_CLASSES], PetscInt label);
/* feedback.c: gradients other than the exact one; set-up makes random matrices, and room for the parameters of local classifiers */
PETSC_INTERN const char *const TzGradientKinds[];
PETSC_INTERN PetscErrorCode    TzCrossEntropyFeedbackSetUp(TzLoss);
PETSC_INTERN PetscErrorCode    TzCrossEntropyFeedbackReset(TzCrossEntropy *);
PETSC_INTERN PetscErrorCode    TzCrossEntropyFeedback(TzLoss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal grad[]);

#endif
