/*
  The labelled examples that a classifier is trained on and tested with: images (IDX files) or lists of tokens (text files), and the inputs they are.
*/
#include "crossentropy.h"

/* Takes the last n images of the training set as the test set */
static PetscErrorCode HoldOut(TzImages *train, TzImages *test, PetscInt n)
{
  const size_t size = (size_t)(train->rows * train->cols), rest = (size_t)(train->n - n);

  PetscFunctionBegin;
  PetscCall(TzImagesDestroy(test));
  *test = (TzImages){.n = n, .rows = train->rows, .cols = train->cols};
  PetscCall(PetscMalloc1((size_t)n * size, &test->pixel));
  PetscCall(PetscMalloc1((size_t)n, &test->label));
  PetscCall(PetscMemcpy(test->pixel, train->pixel + rest * size, (size_t)n * size));
  PetscCall(PetscMemcpy(test->label, train->label + rest, (size_t)n));
  train->n -= n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadImages(TzCrossEntropy *c, MPI_Comm comm)
{
  TzImages   *train = &c->train.images, *test = &c->test.images;
  PetscMPIInt rank;
  PetscBool   found = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCheck(!c->tokenfile[1][0], comm, PETSC_ERR_USER_INPUT, "-tokens_test %s: needs -tokens_train, the examples to train on", c->tokenfile[1]);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) PetscCall(PetscTestDirectory(c->dir, 'r', &found));
  PetscCallMPI(MPI_Bcast(&found, 1, TZ_MPI_BOOL, 0, comm));
  PetscCheck(found, comm, PETSC_ERR_FILE_OPEN,
             "-mnist_dir %s: no such directory; examples come from -mnist_dir DIR, or from -tokens_train FILE and -tokens_test FILE", c->dir);
  PetscCall(TzImagesReadDirectory(comm, c->dir, "train", train));
  PetscCall(TzImagesReadDirectory(comm, c->dir, "t10k", test));
  PetscCheck(train->rows == test->rows && train->cols == test->cols, comm, PETSC_ERR_FILE_UNEXPECTED,
             "%s: training images are %" PetscInt_FMT " x %" PetscInt_FMT ", test images %" PetscInt_FMT " x %" PetscInt_FMT, c->dir, train->rows, train->cols,
             test->rows, test->cols);
  PetscCheck(c->holdout < train->n, comm, PETSC_ERR_USER_INPUT, "-mnist_holdout %" PetscInt_FMT ": must be less than the %" PetscInt_FMT " training images",
             c->holdout, train->n);
  if (c->holdout) PetscCall(HoldOut(train, test, c->holdout));
  c->inputs  = train->rows * train->cols;
  c->classes = TZ_IMAGE_CLASSES;
  c->train   = (TzExamples){.n = train->n, .label = train->label, .images = *train};
  c->test    = (TzExamples){.n = test->n, .label = test->label, .images = *test};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadTokens(TzCrossEntropy *c, MPI_Comm comm)
{
  TzTokens *train = &c->train.tokens, *test = &c->test.tokens;

  PetscFunctionBegin;
  PetscCheck(c->tokenfile[1][0], comm, PETSC_ERR_USER_INPUT, "-tokens_train %s: needs -tokens_test, another file of examples", c->tokenfile[0]);
  PetscCall(TzTokensRead(comm, "-tokens_train", c->tokenfile[0], train));
  PetscCall(TzTokensRead(comm, "-tokens_test", c->tokenfile[1], test));
  c->rows    = PetscMax(train->rows, test->rows);
  c->inputs  = PetscMax(train->slots, test->slots);
  c->classes = PetscMax(2, PetscMax(train->classes, test->classes));
  c->train   = (TzExamples){.n = train->n, .label = train->label, .tokens = *train};
  c->test    = (TzExamples){.n = test->n, .label = test->label, .tokens = *test};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCrossEntropyLoad(TzLoss loss)
{
  TzCrossEntropy *c    = (TzCrossEntropy *)loss->data;
  MPI_Comm        comm = PetscObjectComm((PetscObject)loss);

  PetscFunctionBegin;
  if (c->train.n) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->tokenfile[0][0]) PetscCall(LoadTokens(c, comm));
  else PetscCall(LoadImages(c, comm));
  PetscCheck(c->batch <= c->train.n, comm, PETSC_ERR_USER_INPUT, "-loss_batch %" PetscInt_FMT ": must be at most the %" PetscInt_FMT " training %s", c->batch,
             c->train.n, c->rows ? "examples" : "images");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzExamplesDestroy(TzExamples *set)
{
  PetscFunctionBegin;
  PetscCall(TzImagesDestroy(&set->images));
  PetscCall(TzTokensDestroy(&set->tokens));
  set->n     = 0;
  set->label = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzExamplesToInputs(const TzExamples *set, PetscInt inputs, PetscInt first, const PetscInt which[], PetscInt n, PetscReal X[])
{
  const PetscInt slots = set->tokens.slots;

  for (PetscInt i = 0; i < n; i++) {
    const size_t         k     = (size_t)(which ? which[i] : first + i);
    const unsigned char *pixel = set->images.pixel + k * (size_t)inputs;
    const int           *token = set->tokens.token + k * (size_t)slots;

    if (slots)
      for (PetscInt p = 0; p < inputs; p++) X[i * inputs + p] = p < slots ? token[p] : -1;
    else
      for (PetscInt p = 0; p < inputs; p++) X[i * inputs + p] = pixel[p] / (PetscReal)255;
  }
}

PetscErrorCode TzLossCrossEntropySetNetInputs(TzLoss loss, TzNet net)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzLossCrossEntropyGetSizes(loss, NULL, NULL, NULL)); /* reads them */
  PetscCall(TzNetSetIO(net, c->inputs, c->classes));
  if (c->rows) PetscCall(TzNetSetTokens(net, c->rows));
  else PetscCall(TzNetSetImage(net, 1, c->train.images.rows, c->train.images.cols));
  PetscFunctionReturn(PETSC_SUCCESS);
}
