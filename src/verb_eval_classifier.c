/*
  tenzo eval of a classifier: accuracy and confusion matrix on the test images. The file (-tz_output, default eval.h5) has
  /label, /prediction [n], /output [n][10] (before the softmax) and /confusion [10][10], true class by row, predicted by column.
*/
#include "verb.h"
#include <petsctime.h>

/* Everything of the file; prints the confusion matrix */
static PetscErrorCode Write(MPI_Comm comm, const char model[], const char file[], const TzImages *test, const PetscReal y[])
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

PetscErrorCode TzEvalClassifier(TzRun run, const TzEvalOptions *o)
{
  const MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  const PetscReal *theta;
  const TzImages  *test;
  PetscReal       *y;
  PetscInt         n;
  PetscMPIInt      size;
  TzLoss           loss;
  TzMetrics        m;
  PetscLogDouble   t0, t1;
  int              lock;

  PetscFunctionBegin;
  PetscCall(TzRunSetUp(run));
  PetscCall(PetscTime(&t0));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TzVerbReserve(comm, o->output, o->model, o->points, &lock));
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzRunGetLoss(run, &loss));
  PetscCall(TzLossCrossEntropyGetTest(loss, &test));
  PetscCall(PetscMalloc1(test->n * TZ_IMAGE_CLASSES, &y));
  PetscCall(TzLossCrossEntropyPredict(loss, theta, y));
  PetscCall(Write(comm, o->model, o->output, test, y));
  PetscCall(PetscFree(y));
  PetscCall(TzRunValidate(run, &m));
  PetscCall(PetscTime(&t1));
  PetscCall(PetscPrintf(comm, "RESULT accuracy=%.9g test_loss=%.9g images=%" PetscInt_FMT " parameters=%" PetscInt_FMT " seconds=%.3f ranks=%d theta=%016llx\n",
                        (double)m.value[0], (double)m.value[1], test->n, n, t1 - t0, size, (unsigned long long)TzChecksum(n, theta)));
  PetscCall(TzFileRelease(o->output, &lock));
  PetscFunctionReturn(PETSC_SUCCESS);
}
