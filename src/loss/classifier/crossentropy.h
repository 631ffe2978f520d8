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
  TZ_GRADIENT_LOCAL  /* each layer has a loss of its own, whose derivative is taken along a random activity (LG-FG-A, Ren et al. 2023) */
} TzGradientKind;

typedef struct {
  PetscInt             n;
  const unsigned char *label;  /* [n] */
  TzImages             images; /* or */
  TzTokens             tokens;
} TzExamples;

typedef struct {
  char           dir[PETSC_MAX_PATH_LEN];          /* -mnist_dir */
  PetscInt       holdout;                          /* -mnist_holdout */
  char           tokenfile[2][PETSC_MAX_PATH_LEN]; /* -tokens_train, -tokens_test; "": images */
  PetscInt       rows;                             /* above all tokens; 0: images */
  PetscInt       batch, block;                     /* examples of a step, of a block */
  TzExamples     train, test;
  PetscInt       inputs;  /* pixels of an image, tokens of the longest example */
  PetscInt       classes; /* at most TZ_CLASSES_MAX */
  TzNetEval      eval;
  TzGradientKind gradient;
  PetscInt       groups;                      /* -loss_groups: of units, each with a direction of its own */
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

/* examples.c: reads them, once; X [n][inputs] of examples first .. first+n-1, or of which[0..n-1] if that is not NULL */
PETSC_INTERN PetscErrorCode TzCrossEntropyLoad(TzLoss);
PETSC_INTERN PetscErrorCode TzExamplesDestroy(TzExamples *);
PETSC_INTERN void           TzExamplesToInputs(const TzExamples *set, PetscInt inputs, PetscInt first, const PetscInt which[], PetscInt n, PetscReal X[]);
/* log sum_o exp y_o - y_label */
PETSC_INTERN PetscReal TzCrossEntropyTerm(PetscInt classes, const PetscReal y[], PetscInt label);
/* feedback.c: gradients other than the exact one; set-up makes random matrices, and room for the parameters of local classifiers */
PETSC_INTERN const char *const TzGradientKinds[];
PETSC_INTERN PetscErrorCode    TzCrossEntropyFeedbackSetUp(TzLoss);
PETSC_INTERN PetscErrorCode    TzCrossEntropyFeedbackReset(TzCrossEntropy *);
PETSC_INTERN PetscErrorCode    TzCrossEntropyFeedback(TzLoss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal grad[]);

#endif
