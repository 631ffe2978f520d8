/*
  tenzo classify: trains a classifier on labelled images (IDX files, -mnist_dir). Network, loss and solver come from options; the
  default network is the 784-1024-10 rectifier network of tensor-train matrices of rank 6 (3,962 parameters).

  Of tenzo eval the part for classifiers: accuracy and confusion matrix on the test images. The file (-tz_output, default eval.h5) has
  /label, /prediction [n], /output [n][10] (before the softmax) and /confusion [10][10], true class by row, predicted by column.
*/
#include "verb_run.h"
#include <petsctime.h>

typedef struct {
  PetscInt64 seed;
  PetscInt   steps; /* of an epoch */
  TzLoss     loss;
  TzNet      net;
} TzClassifier;

/* The paper's network, unless the user describes another */
static PetscErrorCode TzClassifierDefaults(TzNet net, PetscInt inputs)
{
  const PetscInt width = 1024;
  PetscBool      format, layers, modes;

  PetscFunctionBegin;
  PetscCall(TzNetSetFormat(net, TZNETTTM));
  PetscCall(TzNetSetHidden(net, 1, &width));
  PetscCall(TzNetSetActivation(net, "relu"));
  PetscCall(TzNetSetRank(net, 6));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-net_format", &format));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-net_layers", &layers));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-net_tt_modes", &modes));
  if (!format && !layers && !modes && inputs == 784) PetscCall(TzNetSetModes(net, "7,4,4,7|8,4,4,8;8,4,4,8|1,5,2,1"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzClassifierCreateLoss(MPI_Comm comm, PetscInt64 seed, TzLoss *loss)
{
  PetscFunctionBegin;
  PetscCall(TzLossCreate(comm, loss));
  PetscCall(TzLossSetType(*loss, TZLOSSCROSSENTROPY));
  PetscCall(TzLossSetSeed(*loss, seed));
  PetscCall(TzLossSetFromOptions(*loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mask of a sparse network: that of the checkpoint, or by a loss on the dense network */
static PetscErrorCode TzClassifierSetMask(MPI_Comm comm, const TzClassifier *c, TzStore store)
{
  const PetscInt *mask;
  PetscInt        n;
  TzSparseMethod  method;
  TzNet           dense;
  TzLoss          loss;

  PetscFunctionBegin;
  PetscCall(TzNetGetMask(c->net, &n, &mask));
  PetscCall(TzNetGetSparseMethod(c->net, &method));
  if (store) PetscCall(TzNetRestoreMask(c->net, store));
  if (!n || store || method == TZ_SPARSE_RANDOM || TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetDuplicateDense(c->net, &dense));
  PetscCall(TzClassifierCreateLoss(comm, c->seed, &loss));
  PetscCall(TzLossSetNet(loss, dense));
  PetscCall(TzLossSetUp(loss));
  PetscCall(TzLossSparsify(loss, c->net));
  PetscCall(TzLossDestroy(&loss));
  PetscCall(TzNetDestroy(&dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* store: a checkpoint of such a classifier, or NULL */
static PetscErrorCode TzClassifierCreate(MPI_Comm comm, TzStore store, TzClassifier *c)
{
  PetscInt64 seed = 0;
  PetscInt   inputs, classes;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Problem options", "Tenzo");
  PetscCall(TzOptionsInt64("-tz_seed", "Seed of every random number (>= 0)", "TzVerbClassify", seed, &seed, NULL));
  PetscOptionsEnd();
  PetscCheck(seed >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_seed %" PetscInt64_FMT ": must be at least 0", seed);
  c->seed = seed;
  PetscCall(TzClassifierCreateLoss(comm, c->seed, &c->loss));
  PetscCall(TzLossCrossEntropyGetSizes(c->loss, &inputs, &classes, &c->steps));
  PetscCall(TzNetCreate(comm, &c->net));
  PetscCall(TzNetSetIO(c->net, inputs, classes));
  PetscCall(TzClassifierDefaults(c->net, inputs));
  PetscCall(TzNetSetFromOptions(c->net));
  PetscCall(TzNetSetUp(c->net));
  PetscCall(TzClassifierSetMask(comm, c, store));
  PetscCall(TzLossSetNet(c->loss, c->net));
  PetscCall(TzLossSetUp(c->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzClassifierDestroy(TzClassifier *c)
{
  PetscFunctionBegin;
  PetscCall(TzNetDestroy(&c->net));
  PetscCall(TzLossDestroy(&c->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -tz_epochs; where the user has not said otherwise, validation and checkpoint once an epoch */
static PetscErrorCode TzClassifyEpochs(TzRun *run, PetscInt steps)
{
  PetscReal epochs = 100;
  PetscBool given, max_it, set;

  PetscFunctionBegin;
  PetscOptionsBegin(run->comm, NULL, "Options of classify", "Tenzo");
  PetscCall(TzOptionsReal("-tz_epochs", "Length of the training in epochs, passes over the training images (> 0)", "TzVerbClassify", epochs, &epochs, &given));
  PetscOptionsEnd();
  PetscCheck(epochs > 0 && epochs * steps < PETSC_MAX_INT, run->comm, PETSC_ERR_USER_INPUT, "-tz_epochs %g: must be positive, and below %g", (double)epochs,
             (double)PETSC_MAX_INT / steps);
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tao_max_it", &max_it));
  PetscCheck(!given || !max_it, run->comm, PETSC_ERR_USER_INPUT, "-tz_epochs %g and -tao_max_it: give only one of them", (double)epochs);
  if (!max_it) PetscCall(TaoSetMaximumIterations(run->tao, PetscMax(1, (PetscInt)PetscFloorReal(epochs * steps + 0.5))));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tz_validate_every", &set));
  if (!set) run->o.validate = steps;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tz_checkpoint_every", &set));
  if (!set) run->o.checkpoint = steps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbClassify(MPI_Comm comm, int *code)
{
  static const char *const metrics[] = {"accuracy", "test_loss"};
  TzRun                    run       = {.comm = comm};
  TzClassifier             c;
  TzStore                  restart;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunGetOptions(comm, &run.o, &restart));
  PetscCall(TzClassifierCreate(comm, restart, &c));
  run.loss = c.loss;
  PetscCall(TzRunCreateSolver(&run, c.net, TAOZOHYBRID));
  PetscCall(TzClassifyEpochs(&run, c.steps));
  PetscCall(TzRunCheckOptions(&run, restart));
  PetscCall(TzRunCreate(&run, 2, metrics, restart));
  PetscCall(TzStoreDestroy(&restart));
  PetscCall(TzRunViewText((PetscObject)c.net, &run.c.net));
  PetscCall(TzRunViewText((PetscObject)c.loss, &run.c.pde));
  if (!TzOptionsHelpWanted()) {
    PetscCall(TzRunSolve(&run));
    PetscCall(TzRunFinish(&run, code));
  }
  PetscCall(TzRunDestroy(&run));
  PetscCall(TaoDestroy(&run.tao));
  PetscCall(VecDestroy(&run.x));
  PetscCall(TzClassifierDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everything of the file; prints the confusion matrix */
static PetscErrorCode TzClassifierWrite(MPI_Comm comm, const char model[], const char file[], const TzImages *test, const PetscReal y[])
{
  PetscReal   confusion[TZ_IMAGE_CLASSES * TZ_IMAGE_CLASSES] = {0};
  PetscInt64 *label, *prediction;
  TzStore     store;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(test->n, &label, test->n, &prediction));
  for (PetscInt i = 0; i < test->n; i++) {
    label[i]      = test->label[i];
    prediction[i] = 0;
    for (PetscInt o = 1; o < TZ_IMAGE_CLASSES; o++)
      if (y[i * TZ_IMAGE_CLASSES + o] > y[i * TZ_IMAGE_CLASSES + prediction[i]]) prediction[i] = o;
    confusion[label[i] * TZ_IMAGE_CLASSES + prediction[i]]++;
  }
  PetscCall(PetscPrintf(comm, "true class by row, predicted class by column\n"));
  for (PetscInt i = 0; i < TZ_IMAGE_CLASSES; i++)
    for (PetscInt o = 0; o < TZ_IMAGE_CLASSES; o++)
      PetscCall(PetscPrintf(comm, "%6g%s", (double)confusion[i * TZ_IMAGE_CLASSES + o], o == TZ_IMAGE_CLASSES - 1 ? "\n" : ""));
  PetscCall(TzStoreCreate(comm, &store));
  PetscCall(TzStorePutText(store, "/model", model));
  PetscCall(TzStorePutInt(store, "/label", test->n, label));
  PetscCall(TzStorePutInt(store, "/prediction", test->n, prediction));
  PetscCall(TzStorePutReal(store, "/output", test->n, TZ_IMAGE_CLASSES, y));
  PetscCall(TzStorePutReal(store, "/confusion", TZ_IMAGE_CLASSES, TZ_IMAGE_CLASSES, confusion));
  PetscCall(TzStoreWrite(store, "-tz_output", file));
  PetscCall(TzStoreDestroy(&store));
  PetscCall(PetscFree2(label, prediction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzClassifierTest(MPI_Comm comm, TzClassifier *c, const char model[], const char output[], TzStore store)
{
  const PetscReal *theta;
  const TzImages  *test;
  PetscReal       *y;
  PetscInt         n, rows;
  PetscMPIInt      size;
  TzMetrics        m;
  PetscLogDouble   t0, t1;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t0));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TzStoreGetReal(store, "/theta", &rows, NULL, &theta));
  PetscCall(TzLossGetNumParameters(c->loss, &n));
  PetscCheck(rows == n, comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_model %s: %" PetscInt_FMT " parameters, but the network of these options has %" PetscInt_FMT,
             model, rows, n);
  PetscCall(TzFileCheckWritable(comm, "-tz_output", output));
  PetscCall(TzLossCrossEntropyGetTest(c->loss, &test));
  PetscCall(PetscMalloc1(test->n * TZ_IMAGE_CLASSES, &y));
  PetscCall(TzLossCrossEntropyPredict(c->loss, theta, y));
  PetscCall(TzClassifierWrite(comm, model, output, test, y));
  PetscCall(PetscFree(y));
  PetscCall(TzLossValidate(c->loss, theta, &m));
  PetscCall(PetscTime(&t1));
  PetscCall(PetscPrintf(comm, "RESULT accuracy=%.9g test_loss=%.9g images=%" PetscInt_FMT " parameters=%" PetscInt_FMT " seconds=%.3f ranks=%d theta=%016llx\n",
                        (double)m.value[0], (double)m.value[1], test->n, n, t1 - t0, size, (unsigned long long)TzChecksum(n, theta)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzClassifierEval(MPI_Comm comm, const char model[], const char output[], const char options[], TzStore store)
{
  static const char *const fixed[] = {"-net_", NULL};
  TzClassifier             c;

  PetscFunctionBegin;
  PetscCall(TzClassifierCreate(comm, store, &c));
  PetscCall(TzOptionsCheckUnused(comm));
  PetscCall(TzOptionsCompareText(comm, options, fixed, model));
  PetscCall(TzClassifierTest(comm, &c, model, output, store));
  PetscCall(TzClassifierDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
