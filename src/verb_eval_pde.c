/*
  tenzo eval of an equation: the solution at points (-tz_points).

  The file (-tz_output, default eval.h5) has /points [n][D] (D = d + 1, or d where there is no time), /u [n], /grad [n][d], /u_t, /residual [n], the
  second-order forms of the equation: /laplacian [n] where there is but the Laplacian, otherwise /forms [n][number], of a control problem /control [n][m],
  and, where an exact solution is known, /exact and /error [n]. u is what the loss differentiates: with the Stein estimator from the smoothed network.
*/
#include "verb.h"
#include <petsctime.h>

/* What is evaluated; all arrays on every rank */
typedef struct {
  const TzJetShape *shape;
  PetscInt          n, D, J; /* D coordinates, J numbers of a jet */
  PetscReal        *X;       /* [n][D] */
  PetscReal        *jet;     /* [n][J] */
  PetscReal        *r;       /* [n] residual */
  PetscReal        *exact;   /* [n]; NULL where none is known */
} Values;

/* A number of validation points, or a file */
static PetscErrorCode GetPoints(TzRun run, const char points[], TzSampler sampler, Values *v)
{
  MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  char      *end;
  long       count = strtol(points, &end, 10);
  PetscInt64 seed;

  PetscFunctionBegin;
  if (*end || !points[0]) {
    PetscCall(TzPointsRead(comm, "-tz_points", points, v->D, &v->n, &v->X));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(count >= 1 && count <= PETSC_MAX_INT / v->J, comm, PETSC_ERR_USER_INPUT, "-tz_points %s: the number of points must be from 1 to %" PetscInt_FMT,
             points, PETSC_MAX_INT / v->J);
  v->n = (PetscInt)count;
  PetscCall(TzRunGetSeed(run, &seed));
  PetscCall(PetscMalloc1(v->n * v->D, &v->X));
  PetscCall(TzSamplerDraw(sampler, seed, TZ_STREAM_VALIDATION, 0, 0, v->n, v->X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns c0 <= c < c0 + cols of all [n][W] as an array of the file */
static PetscErrorCode PutColumns(TzStore store, const char path[], PetscInt n, PetscInt W, const PetscReal all[], PetscInt c0, PetscInt cols, PetscBool matrix)
{
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * cols, &x));
  for (PetscInt i = 0; i < n; i++) PetscCall(PetscArraycpy(x + i * cols, all + i * W + c0, cols));
  PetscCall(TzStorePutReal(store, path, n, matrix ? cols : 0, x));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a control problem /control [n][m], by the gradient that the file has */
static PetscErrorCode PutControl(TzPDE pde, TzStore store, const Values *v)
{
  const PetscInt        n = v->n, d = v->shape->d;
  const TzControlParts *parts;
  PetscReal            *grad, *a;

  PetscFunctionBegin;
  PetscCall(TzPDEGetControl(pde, &parts));
  if (!parts) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(n * d, &grad, n * parts->m, &a));
  for (PetscInt i = 0; i < n; i++) PetscCall(PetscArraycpy(grad + i * d, v->jet + i * v->J + 1, d));
  PetscCall(TzPDEControlMinimize(pde, n, v->X, grad, a));
  PetscCall(TzStorePutReal(store, "/control", n, parts->m, a));
  PetscCall(PetscFree2(grad, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(TzRun run, const TzEvalOptions *o, const Values *v)
{
  const PetscInt n = v->n, d = v->shape->d, J = v->J, forms = v->shape->nforms;
  TzStore        store;
  TzPDE          pde;
  PetscReal     *error;

  PetscFunctionBegin;
  PetscCall(TzStoreCreate(PetscObjectComm((PetscObject)run), &store));
  PetscCall(TzStorePutText(store, "/model", o->model));
  PetscCall(TzStorePutReal(store, "/points", n, v->D, v->X));
  PetscCall(PutColumns(store, "/u", n, J, v->jet, 0, 1, PETSC_FALSE));
  PetscCall(PutColumns(store, "/grad", n, J, v->jet, 1, d, PETSC_TRUE));
  if (v->shape->time) PetscCall(PutColumns(store, "/u_t", n, J, v->jet, d + 1, 1, PETSC_FALSE));
  if (forms == 1 && v->shape->form[0].type == TZ_FORM_LAPLACIAN) PetscCall(PutColumns(store, "/laplacian", n, J, v->jet, J - 1, 1, PETSC_FALSE));
  else if (forms) PetscCall(PutColumns(store, "/forms", n, J, v->jet, J - forms, forms, PETSC_TRUE));
  PetscCall(TzStorePutReal(store, "/residual", n, 0, v->r));
  PetscCall(TzRunGetPDE(run, &pde));
  PetscCall(PutControl(pde, store, v));
  if (v->exact) {
    PetscCall(TzStorePutReal(store, "/exact", n, 0, v->exact));
    PetscCall(PetscMalloc1(n, &error));
    for (PetscInt i = 0; i < n; i++) error[i] = v->jet[i * J] - v->exact[i];
    PetscCall(TzStorePutReal(store, "/error", n, 0, error));
    PetscCall(PetscFree(error));
  }
  PetscCall(TzStoreWrite(store, "-tz_output", o->output));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last line of the output; the error only where an exact solution is known */
static PetscErrorCode Print(TzRun run, const Values *v, double seconds)
{
  const MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  const PetscInt   J    = v->J;
  PetscReal        e2 = 0, u2 = 0, max = 0, r2 = 0;
  const PetscReal *theta;
  PetscInt         nparams;
  PetscMPIInt      size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TzRunGetParameters(run, &nparams, &theta));
  for (PetscInt i = 0; i < v->n; i++) {
    r2 += v->r[i] * v->r[i];
    if (v->exact) {
      const PetscReal e = v->jet[i * J] - v->exact[i];

      e2 += e * e;
      u2 += v->exact[i] * v->exact[i];
      if (!(PetscAbsReal(e) <= max)) max = PetscAbsReal(e);
    }
  }
  PetscCall(PetscPrintf(comm, "RESULT"));
  if (v->exact) PetscCall(PetscPrintf(comm, " mse=%.9g rel_l2=%.9g max=%.9g", (double)(e2 / v->n), sqrt(e2 / u2), (double)max));
  PetscCall(PetscPrintf(comm, " loss=%.9g points=%" PetscInt_FMT " seconds=%.3f ranks=%d theta=%016llx\n", (double)(r2 / v->n), v->n, seconds, size,
                        (unsigned long long)TzChecksum(nparams, theta)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzEvalPDE(TzRun run, const TzEvalOptions *o)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)run);
  TzSampler      sampler;
  Values         v = {.exact = NULL};
  TzPDE          pde;
  PetscBool      exact;
  PetscLogDouble t0, t1;
  int            lock;

  PetscFunctionBegin;
  PetscCall(TzRunGetPDE(run, &pde));
  PetscCall(TzSamplerCreate(comm, &sampler));
  PetscOptionsBegin(comm, NULL, "Points of eval, where -tz_points is a number", "Tenzo");
  PetscCall(TzSamplerSetFromOptions(sampler, PetscOptionsObject));
  PetscOptionsEnd();
  PetscCall(TzRunSetUp(run));
  if (TzOptionsHelpWanted()) {
    PetscCall(TzSamplerDestroy(&sampler));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscTime(&t0));
  PetscCall(TzVerbReserve(comm, o->output, o->model, o->points, &lock));
  PetscCall(TzPDESetSampler(pde, sampler));
  PetscCall(TzPDEGetJetShape(pde, &v.shape));
  v.D = TzJetCoordinates(v.shape);
  v.J = TzJetSize(v.shape);
  PetscCall(TzPDEHasExact(pde, &exact));
  PetscCall(GetPoints(run, o->points, sampler, &v));
  PetscCall(PetscMalloc2(v.n * v.J, &v.jet, v.n, &v.r));
  PetscCall(TzRunEvaluate(run, v.n, v.X, v.jet, v.r));
  if (exact) {
    PetscCall(PetscMalloc1(v.n, &v.exact));
    PetscCall(TzPDEExact(pde, v.n, v.X, v.exact, NULL));
  }
  PetscCall(Write(run, o, &v));
  PetscCall(PetscTime(&t1));
  PetscCall(Print(run, &v, t1 - t0));
  PetscCall(PetscFree2(v.jet, v.r));
  PetscCall(PetscFree(v.exact));
  PetscCall(PetscFree(v.X));
  PetscCall(TzSamplerDestroy(&sampler));
  PetscCall(TzFileRelease(o->output, &lock));
  PetscFunctionReturn(PETSC_SUCCESS);
}
