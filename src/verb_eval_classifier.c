/*
  tenzo eval of a classifier: accuracy and confusion matrix on the test examples. The file (-tz_output, default eval.h5) has
  /label, /prediction [n], /output [n][classes] (before the softmax) and /confusion [classes][classes], true class by row, predicted by column.
*/
#include "verb.h"
#include <petsctime.h>

/* Everything of the file; prints the confusion matrix */
static PetscErrorCode Write(MPI_Comm comm, const char model[], const char file[], PetscInt n, const unsigned char truth[], PetscInt classes,
                            const PetscReal y[])
{
  PetscReal  *confusion;
  PetscInt64 *label, *prediction;
  TzStore     store;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &label, n, &prediction));
  PetscCall(PetscCalloc1(classes * classes, &confusion));
  for (PetscInt i = 0; i < n; i++) {
    label[i]      = truth[i];
    prediction[i] = 0;
    for (PetscInt o = 1; o < classes; o++)
      if (y[i * classes + o] > y[i * classes + prediction[i]]) prediction[i] = o;
    confusion[label[i] * classes + prediction[i]]++;
  }
  PetscCall(PetscPrintf(comm, "true class by row, predicted class by column\n"));
  for (PetscInt i = 0; i < classes; i++)
    for (PetscInt o = 0; o < classes; o++) PetscCall(PetscPrintf(comm, "%6g%s", (double)confusion[i * classes + o], o == classes - 1 ? "\n" : ""));
  PetscCall(TzStoreCreate(comm, &store));
  PetscCall(TzStorePutText(store, "/model", model));
  PetscCall(TzStorePutInt(store, "/label", n, label));
  PetscCall(TzStorePutInt(store, "/prediction", n, prediction));
  PetscCall(TzStorePutReal(store, "/output", n, classes, y));
  PetscCall(TzStorePutReal(store, "/confusion", classes, classes, confusion));
  PetscCall(TzStoreWrite(store, "-tz_output", file));
  PetscCall(TzStoreDestroy(&store));
  PetscCall(PetscFree(confusion));
  PetscCall(PetscFree2(label, prediction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzEvalClassifier(TzRun run, const TzEvalOptions *o)
{
  const MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  const PetscReal *theta;
  PetscReal       *y;
  PetscInt         n, ntest, classes;
  PetscMPIInt      size;
  TzLoss           loss;

  const unsigned char *label;

  TzMetrics      m;
  PetscLogDouble t0, t1;
  int            lock;

  PetscFunctionBegin;
  PetscCall(TzRunSetUp(run));
  PetscCall(PetscTime(&t0));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TzVerbReserve(comm, o->output, o->model, o->points, &lock));
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzRunGetLoss(run, &loss));
  PetscCall(TzLossCrossEntropyGetTest(loss, &ntest, &label));
  PetscCall(TzLossCrossEntropyGetSizes(loss, NULL, &classes, NULL));
  PetscCall(PetscMalloc1(ntest * classes, &y));
  PetscCall(TzLossCrossEntropyPredict(loss, theta, y));
  PetscCall(Write(comm, o->model, o->output, ntest, label, classes, y));
  PetscCall(PetscFree(y));
  PetscCall(TzRunValidate(run, &m));
  PetscCall(PetscTime(&t1));
  PetscCall(PetscPrintf(comm, "RESULT accuracy=%.9g test_loss=%.9g images=%" PetscInt_FMT " parameters=%" PetscInt_FMT " seconds=%.3f ranks=%d theta=%016llx\n",
                        (double)m.value[0], (double)m.value[1], ntest, n, t1 - t0, size, (unsigned long long)TzChecksum(n, theta)));
  PetscCall(TzFileRelease(o->output, &lock));
  PetscFunctionReturn(PETSC_SUCCESS);
}
