/*
  Loss "crossentropy": see tzclassify.h.

  Options:
    -mnist_dir DIR       (default ../shared/mnist): train- and t10k-images-idx3-ubyte[.gz], train- and t10k-labels-idx1-ubyte[.gz]
    -tokens_train FILE, -tokens_test FILE   lists of tokens in place of images
    -mnist_holdout n     (default 0): n > 0 validates on the last n training images, which then are not trained on, and leaves the test
                         images alone: for choosing hyperparameters
    -loss_batch n        examples of a step (default 64)
    -loss_gradient exact|fa|dfa|local   (default exact): see crossentropy.h
    -loss_groups n       (default 1): local: groups of a layer's units
    -loss_block n        examples of a block, the unit that ranks share (default 16)
*/
#include "crossentropy.h"
#include "../partition.h"

#define COORDINATES 16384 /* coordinate queries at a time: 1.3 MB of outputs; all those of the trains here */
#define EXAMPLES    128   /* test examples at a time */

static PetscErrorCode Coordinates_CrossEntropy(TzLoss, const PetscReal[], const TzQueries *, PetscInt, PetscInt, PetscReal[]);

static PetscErrorCode SetFromOptions_CrossEntropy(TzLoss loss, TzOptionItems PetscOptionsObject)
{
  TzCrossEntropy *c        = (TzCrossEntropy *)loss->data;
  MPI_Comm        comm     = PetscObjectComm((PetscObject)loss);
  PetscInt        gradient = (PetscInt)c->gradient;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Cross-entropy of a classifier");
  PetscCall(TzOptionsString("-mnist_dir", "Directory of the IDX files (train-images-idx3-ubyte[.gz] ...)", "TzImagesReadDirectory", c->dir, c->dir,
                            sizeof(c->dir), NULL));
  PetscCall(TzOptionsString("-tokens_train", "Lists of tokens to train on, in place of images: a text file, a label and tokens a line", "TzTokensRead",
                            c->tokenfile[0], c->tokenfile[0], sizeof(c->tokenfile[0]), NULL));
  PetscCall(TzOptionsString("-tokens_test", "Lists of tokens to test on", "TzTokensRead", c->tokenfile[1], c->tokenfile[1], sizeof(c->tokenfile[1]), NULL));
  if (!c->tokenfile[0][0])
    PetscCall(TzOptionsInt("-mnist_holdout", "Validate on the last n training images, untrained, instead of the test images (0: test images)", "TzLossValidate",
                           c->holdout, &c->holdout, NULL));
  PetscCheck(c->holdout >= 0, comm, PETSC_ERR_USER_INPUT, "-mnist_holdout %" PetscInt_FMT ": must be at least 0", c->holdout);
  PetscCall(TzOptionsInt("-loss_batch", "Examples of a step (>= 1)", "TzLossSample", c->batch, &c->batch, NULL));
  PetscCheck(c->batch >= 1, comm, PETSC_ERR_USER_INPUT, "-loss_batch %" PetscInt_FMT ": must be at least 1", c->batch);
  PetscCall(TzOptionsInt("-loss_block", "Examples of a block, the unit that ranks share (>= 1)", "TzLossSample", c->block, &c->block, NULL));
  PetscCheck(c->block >= 1, comm, PETSC_ERR_USER_INPUT, "-loss_block %" PetscInt_FMT ": must be at least 1", c->block);
  PetscCall(TzOptionsEList("-loss_gradient", "exact; fa: feedback alignment; dfa: direct feedback alignment; local: local losses, forward gradients",
                           "TzLossGradient", TzGradientKinds, TZ_GRADIENT_LOCAL + 1, TzGradientKinds[c->gradient], &gradient, NULL));
  c->gradient = (TzGradientKind)gradient;
  if (c->gradient == TZ_GRADIENT_LOCAL) {
    PetscCall(
      TzOptionsInt("-loss_groups", "local: groups of a layer's units, each with a direction of its own (>= 1)", "TzLossGradient", c->groups, &c->groups, NULL));
    PetscCheck(c->groups >= 1, comm, PETSC_ERR_USER_INPUT, "-loss_groups %" PetscInt_FMT ": must be at least 1", c->groups);
  }
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Frees what SetUp() made */
static PetscErrorCode Reset_CrossEntropy(TzCrossEntropy *c)
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalDestroy(&c->eval));
  PetscCall(TzCrossEntropyFeedbackReset(c));
  PetscCall(PetscFree3(c->order, c->X, c->label));
  PetscCall(PetscFree(c->lse));
  c->nlse = 0;
  c->step = c->epoch = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_CrossEntropy(TzLoss loss)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;
  PetscInt        in, out;
  PetscInt        first;

  PetscFunctionBegin;
  PetscCheck(loss->net, PetscObjectComm((PetscObject)loss), PETSC_ERR_ORDER, "TzLossSetNet() first");
  PetscCall(Reset_CrossEntropy(c));
  PetscCall(TzCrossEntropyLoad(loss));
  PetscCall(TzNetGetIO(loss->net, &in, &out));
  PetscCheck(in == c->inputs && out == c->classes, PetscObjectComm((PetscObject)loss), PETSC_ERR_ARG_SIZ,
             "a network of %" PetscInt_FMT " inputs and %" PetscInt_FMT " outputs for examples of %" PetscInt_FMT " numbers in %" PetscInt_FMT " classes", in,
             out, c->inputs, c->classes);
  PetscCall(TzNetEvalCreate(loss->net, &c->eval));
  PetscCall(TzCrossEntropyFeedbackSetUp(loss));
  PetscCall(TzNetGetCoordinates(loss->net, TZ_COORDINATES_OUTPUTS, &first));
  loss->listed           = PETSC_TRUE;
  loss->ops->coordinates = !first && !c->localparams ? Coordinates_CrossEntropy : NULL;
  loss->forwards         = 1;
  loss->nodeblocks       = 1;
  loss->nsamples         = c->batch;
  loss->blocksize        = PetscMin(c->block, c->batch);
  loss->partialsize      = c->classes;
  PetscCall(PetscMalloc3(c->train.n, &c->order, c->batch * c->inputs, &c->X, c->batch, &c->label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fisher and Yates' shuffle by the numbers of key (seed, epoch) */
static PetscErrorCode Shuffle(TzLoss loss, PetscInt epoch)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;
  const PetscInt  n = c->train.n;
  PetscReal      *u;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &u));
  PetscCall(TzRandomUniform(loss->seed, TZ_STREAM_BATCH, epoch, 0, 0, n, u));
  for (PetscInt i = 0; i < n; i++) c->order[i] = i;
  for (PetscInt i = n - 1; i > 0; i--) {
    const PetscInt j = PetscMin((PetscInt)(u[i] * (i + 1)), i), swap = c->order[i];

    c->order[i] = c->order[j];
    c->order[j] = swap;
  }
  PetscCall(PetscFree(u));
  c->epoch = epoch;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Sample_CrossEntropy(TzLoss loss, PetscInt step)
{
  TzCrossEntropy *c     = (TzCrossEntropy *)loss->data;
  const PetscInt  steps = c->train.n / c->batch, epoch = step / steps;
  const PetscInt *which;

  PetscFunctionBegin;
  if (c->step == step) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->epoch != epoch) PetscCall(Shuffle(loss, epoch));
  which = c->order + step % steps * c->batch;
  TzExamplesToInputs(&c->train, c->inputs, 0, which, c->batch, c->X);
  for (PetscInt i = 0; i < c->batch; i++) c->label[i] = c->train.label[which[i]];
  c->step = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind_CrossEntropy(TzLoss loss, const PetscReal theta[])
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  PetscCall(TzNetEvalBind(c->eval, theta));
  if (c->localparams) PetscCall(PetscArraycpy(c->local, theta + c->netparams, c->localparams));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Partial_CrossEntropy(TzLoss loss, PetscInt i0, PetscInt i1, PetscInt k, PetscReal output[])
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  (void)k;
  PetscCheck(c->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(TzNetEvalForward(c->eval, i1 - i0, c->X + i0 * c->inputs, output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* log sum_o exp y_o - y_label, without overflow; a NaN stays one */
PetscReal TzCrossEntropyTerm(PetscInt classes, const PetscReal y[], PetscInt label)
{
  PetscReal s;

  TzKernelsGet()->logsumexp(1, classes, y, 1, &s);
  return s - y[label];
}

static PetscErrorCode Finish_CrossEntropy(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal output[], PetscReal term[])
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  for (PetscInt i = i0; i < i1; i++) term[i - i0] = TzCrossEntropyTerm(c->classes, output + (i - i0) * c->classes, c->label[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d term / d y_o = softmax_o - [o = label] */
static PetscErrorCode Gradient_CrossEntropy(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal grad[])
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;
  PetscReal      *bar;

  PetscFunctionBegin;
  if (c->gradient != TZ_GRADIENT_EXACT) {
    PetscCall(TzCrossEntropyFeedback(loss, i0, i1, sum, grad));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1((i1 - i0) * c->classes, &bar));
  PetscCall(Partial_CrossEntropy(loss, i0, i1, 0, bar));
  *sum = 0;
  for (PetscInt i = i0; i < i1; i++) {
    PetscReal      *y    = bar + (i - i0) * c->classes;
    const PetscReal term = TzCrossEntropyTerm(c->classes, y, c->label[i]), lse = term + y[c->label[i]];

    *sum += term;
    for (PetscInt o = 0; o < c->classes; o++) y[o] = PetscExpReal(y[o] - lse) - (o == c->label[i] ? 1 : 0);
  }
  PetscCall(TzNetEvalBackward(c->eval, i1 - i0, c->X + i0 * c->inputs, bar, grad));
  PetscCall(PetscFree(bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  All coordinate queries at once: the loss with each single parameter moved, from the outputs that TzNetEvalCoordinates() gives for all of them. Equal to
  one forward pass a coordinate up to rounding (tests/test_classify.c: 1e-12).
*/
static PetscErrorCode Reserve(TzCrossEntropy *c, PetscInt n)
{
  PetscFunctionBegin;
  if (n <= c->nlse) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(c->lse));
  PetscCall(PetscMalloc1(n, &c->lse));
  c->nlse = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  TzLoss     loss;
  PetscInt   i0, sides, blocks; /* first sample */
  PetscReal *sums;              /* [coordinates of the chunk][sides][blocks] */
} Sums;

/* One sample, one side, outputs Y [classes][n] of n moved parameters, or [classes] of all of them */
static PetscErrorCode Sink(void *ctx, const TzNetMoved *moved)
{
  const Sums      *s   = (const Sums *)ctx;
  TzCrossEntropy  *c   = (TzCrossEntropy *)s->loss->data;
  PetscReal       *sum = s->sums + moved->s * s->blocks + moved->p0 / s->loss->blocksize;
  const PetscReal *own = moved->Y + c->label[s->i0 + moved->p0] * moved->ostep;

  PetscFunctionBegin;
  PetscCall(Reserve(c, moved->n));
  TzKernelsGet()->logsumexp(moved->kstep ? moved->n : 1, c->classes, moved->Y, moved->ostep, c->lse);
  for (PetscInt k = 0; k < moved->n; k++)
    if (moved->which[k] >= 0) sum[moved->which[k] * s->sides * s->blocks] += c->lse[k * moved->kstep] - own[k * moved->kstep];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Coordinates_CrossEntropy(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[])
{
  TzCrossEntropy  *c      = (TzCrossEntropy *)loss->data;
  const PetscInt   blocks = (i1 - i0 + loss->blocksize - 1) / loss->blocksize, sides = q->twosided ? 2 : 1;
  const PetscReal  mu[2] = {q->mu, -q->mu};
  PetscInt         list[COORDINATES];
  Sums             sums = {.loss = loss, .i0 = i0, .sides = sides, .blocks = blocks};
  TzNetCoordinates nq   = {.whole = PETSC_TRUE, .list = list, .nmu = sides, .mu = mu, .sink = Sink, .ctx = &sums};

  PetscFunctionBegin;
  PetscCheck(c->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(TzNetEvalBind(c->eval, theta));
  PetscCall(PetscArrayzero(blocksums, q->n * sides * blocks));
  for (PetscInt k0 = 0; k0 < q->n && !TzGiveUp(); k0 += COORDINATES) {
    nq.count  = PetscMin(COORDINATES, q->n - k0);
    sums.sums = blocksums + k0 * sides * blocks;
    for (PetscInt k = 0; k < nq.count; k++) list[k] = TzQueriesCoordinate(q, k0 + k);
    PetscCall(TzNetEvalCoordinates(c->eval, i1 - i0, c->X + i0 * c->inputs, &nq));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The test examples: outputs of the network for each of them, accuracy and mean loss. Ranks take contiguous ranges of them; their outputs do not
  depend on the range, and sums are taken over all examples in their order.
*/
PetscErrorCode TzLossCrossEntropyPredict(TzLoss loss, const PetscReal theta[], PetscReal output[])
{
  TzCrossEntropy *c    = (TzCrossEntropy *)loss->data;
  MPI_Comm        comm = PetscObjectComm((PetscObject)loss);
  PetscMPIInt     rank, size, *count, *displ;
  PetscInt        i0, i1;
  PetscReal      *X;

  PetscFunctionBegin;
  PetscCall(TzLossSetUp(loss));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc3(EXAMPLES * c->inputs, &X, size, &count, size, &displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    TzPartitionRange(c->test.n, size, r, &i0, &i1);
    PetscCall(PetscMPIIntCast((i1 - i0) * c->classes, &count[r]));
    PetscCall(PetscMPIIntCast(i0 * c->classes, &displ[r]));
  }
  PetscCall(TzNetEvalBind(c->eval, theta));
  TzPartitionRange(c->test.n, size, rank, &i0, &i1);
  for (PetscInt i = i0; i < i1 && !TzBusy("test examples", i - i0, i1 - i0); i += EXAMPLES) {
    const PetscInt n = PetscMin(EXAMPLES, i1 - i);

    TzExamplesToInputs(&c->test, c->inputs, i, NULL, n, X);
    PetscCall(TzNetEvalForward(c->eval, n, X, output + i * c->classes));
  }
  if (size > 1) {
    PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, output, count, displ, MPIU_REAL, comm));
    loss->counts.bytes += count[rank] * (PetscInt64)sizeof(PetscReal);
  }
  PetscCall(PetscFree3(X, count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Validate_CrossEntropy(TzLoss loss, const PetscReal theta[], TzMetrics *m)
{
  TzCrossEntropy *c     = (TzCrossEntropy *)loss->data;
  const PetscInt  n     = c->test.n;
  PetscInt        right = 0;
  PetscReal      *output, sum = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * c->classes, &output));
  PetscCall(TzLossCrossEntropyPredict(loss, theta, output));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal *y    = output + i * c->classes;
    PetscInt         best = 0;

    for (PetscInt o = 1; o < c->classes; o++)
      if (y[o] > y[best]) best = o;
    right += best == c->test.label[i];
    sum += TzCrossEntropyTerm(c->classes, y, c->test.label[i]);
  }
  PetscCall(PetscFree(output));
  *m = (TzMetrics){.n = 2, .name = {"accuracy", "test_loss"}, .value = {(PetscReal)right / n, sum / n}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_CrossEntropy(TzLoss loss, PetscViewer viewer)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "  examples of %s: %" PetscInt_FMT " %s, %" PetscInt_FMT " classes; %" PetscInt_FMT " for training, %" PetscInt_FMT
                                   " %s; %" PetscInt_FMT " steps an epoch\n",
                                   c->rows ? c->tokenfile[0] : c->dir, c->inputs, c->rows ? "tokens" : "pixels", c->classes, c->train.n, c->test.n,
                                   c->holdout ? "held out for validation" : "for the test", c->train.n / c->batch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_CrossEntropy(TzLoss loss)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  PetscCall(Reset_CrossEntropy(c));
  PetscCall(TzExamplesDestroy(&c->train));
  PetscCall(TzExamplesDestroy(&c->test));
  PetscCall(PetscFree(loss->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossCreate_CrossEntropy(TzLoss loss)
{
  TzCrossEntropy *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  PetscCall(PetscStrncpy(c->dir, "../shared/mnist", sizeof(c->dir)));
  c->batch                  = 64;
  c->block                  = 16;
  c->groups                 = 1;
  c->step                   = -1;
  c->epoch                  = -1;
  loss->data                = c;
  loss->ops->setfromoptions = SetFromOptions_CrossEntropy;
  loss->ops->setup          = SetUp_CrossEntropy;
  loss->ops->sample         = Sample_CrossEntropy;
  loss->ops->bind           = Bind_CrossEntropy;
  loss->ops->partial        = Partial_CrossEntropy;
  loss->ops->finish         = Finish_CrossEntropy;
  loss->ops->gradient       = Gradient_CrossEntropy;
  loss->ops->validate       = Validate_CrossEntropy;
  loss->ops->view           = View_CrossEntropy;
  loss->ops->destroy        = Destroy_CrossEntropy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckType(TzLoss loss)
{
  PetscFunctionBegin;
  PetscCheck(loss->ops->setup == SetUp_CrossEntropy, PetscObjectComm((PetscObject)loss), PETSC_ERR_ARG_WRONG, "not a loss of type %s", TZLOSSCROSSENTROPY);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossCrossEntropyGetSizes(TzLoss loss, PetscInt *inputs, PetscInt *classes, PetscInt *stepsperepoch)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  PetscCall(CheckType(loss));
  PetscCall(TzCrossEntropyLoad(loss));
  if (inputs) *inputs = c->inputs;
  if (classes) *classes = c->classes;
  if (stepsperepoch) *stepsperepoch = c->train.n / c->batch;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzLossCrossEntropyGetTest(TzLoss loss, PetscInt *n, const unsigned char *label[])
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  PetscCall(CheckType(loss));
  PetscCall(TzCrossEntropyLoad(loss));
  *n     = c->test.n;
  *label = c->test.label;
  PetscFunctionReturn(PETSC_SUCCESS);
}
