/*
  tenzo eval: rebuilds the problem of a checkpoint (-tz_model FILE) and evaluates the solution at points (-tz_points).

  The file (-tz_output, default eval.h5) has /points [n][d+1], /u [n], /grad [n][d], /u_t, /laplacian, /residual [n] and, where the
  equation has an exact solution, /exact and /error [n]. u is what the loss differentiates: with the Stein estimator from the smoothed network.
  A classifier is evaluated on its test images: verb_classify.c.
*/
#include "verb.h"
#include <petsctime.h>

#define TZ_EVAL_BATCH 100 /* points evaluated at once; rows do not depend on it */

typedef struct {
  char      model[PETSC_MAX_PATH_LEN], points[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN];
  TzSampler sampler;
} TzEvalOptions;

static PetscErrorCode TzEvalGetOptions(MPI_Comm comm, TzEvalOptions *o)
{
  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of eval", "Tenzo");
  PetscCall(TzOptionsString("-tz_model", "Checkpoint of the trained network (needed)", "TzVerbEval", "", o->model, sizeof(o->model), NULL));
  PetscCall(TzOptionsString("-tz_points", "Where to evaluate: a file (HDF5 with /points [n][d+1], or text), or the number of points of the validation set",
                            "TzVerbEval", "10000", o->points, sizeof(o->points), NULL));
  PetscCall(TzOptionsString("-tz_output", "HDF5 file for the results", "TzVerbEval", "eval.h5", o->output, sizeof(o->output), NULL));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X [n][D]: a number of validation points, or a file */
static PetscErrorCode TzEvalGetPoints(MPI_Comm comm, const TzProblem *p, const TzEvalOptions *o, PetscInt *n, PetscReal **X)
{
  char    *end;
  long     count = strtol(o->points, &end, 10);
  TzDomain domain;

  PetscFunctionBegin;
  if (*end || !o->points[0]) {
    PetscCall(TzPointsRead(comm, "-tz_points", o->points, p->d + 1, n, X));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(count >= 1 && count <= PETSC_MAX_INT / (p->d + 5), comm, PETSC_ERR_USER_INPUT,
             "-tz_points %s: the number of points must be from 1 to %" PetscInt_FMT, o->points, PETSC_MAX_INT / (p->d + 5));
  *n             = (PetscInt)count;
  domain.d       = p->d;
  domain.sampler = o->sampler;
  PetscCall(TzPDEGetDomain(p->pde, &domain.lo, &domain.hi, &domain.T, &domain.diffusion));
  PetscCall(PetscMalloc1(*n * (p->d + 1), X));
  PetscCall(TzCollocationSample(&domain, p->seed, TZ_STREAM_VALIDATION, 0, 0, *n, *X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* row [n][d+5]: jet of u (value, gradient, u_t, Laplacian), residual, exact solution (0 where none is known) */
static PetscErrorCode TzEvalPoints(const TzProblem *p, TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal row[])
{
  const PetscInt D = p->d + 1, J = D + 2, W = J + 2;
  PetscReal     *jet, *r, *u;
  PetscBool      exact;

  PetscFunctionBegin;
  PetscCall(TzPDEHasExact(p->pde, &exact));
  PetscCall(PetscCalloc3(TZ_EVAL_BATCH * J, &jet, TZ_EVAL_BATCH, &r, TZ_EVAL_BATCH, &u));
  for (PetscInt i = 0; i < n; i += TZ_EVAL_BATCH) {
    const PetscInt m = PetscMin(TZ_EVAL_BATCH, n - i);

    PetscCall(TzDerivJet(p->deriv, eval, m, X + i * D, jet));
    PetscCall(TzPDETransform(p->pde, m, X + i * D, jet, jet));
    PetscCall(TzPDEResidual(p->pde, m, X + i * D, jet, r, NULL));
    if (exact) PetscCall(TzPDEExact(p->pde, m, X + i * D, u, NULL));
    for (PetscInt k = 0; k < m; k++) {
      PetscCall(PetscArraycpy(row + (i + k) * W, jet + k * J, J));
      row[(i + k) * W + J]     = r[k];
      row[(i + k) * W + J + 1] = u[k];
    }
  }
  PetscCall(PetscFree3(jet, r, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all [n][d+5] on rank 0: every rank evaluates a range of the points */
static PetscErrorCode TzEvalShare(MPI_Comm comm, const TzProblem *p, const PetscReal theta[], PetscInt n, const PetscReal X[], PetscReal all[])
{
  const PetscInt W = p->d + 5;
  PetscMPIInt    rank, size, *count, *displ;
  PetscReal     *mine;
  TzNetEval      eval;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc2(size, &count, size, &displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    displ[r] = (PetscMPIInt)((PetscInt64)n * r / size) * W;
    count[r] = (PetscMPIInt)((PetscInt64)n * (r + 1) / size) * W - displ[r];
  }
  PetscCall(PetscMalloc1(PetscMax(count[rank], 1), &mine));
  PetscCall(TzNetEvalCreate(p->net, &eval));
  PetscCall(TzNetEvalBind(eval, theta));
  PetscCall(TzDerivSample(p->deriv, p->seed, PETSC_MAX_INT)); /* the step of TzLossValidate() */
  PetscCall(TzEvalPoints(p, eval, count[rank] / W, X + displ[rank] / W * (p->d + 1), mine));
  PetscCall(TzNetEvalDestroy(&eval));
  PetscCallMPI(MPI_Gatherv(mine, count[rank], MPIU_REAL, all, count, displ, MPIU_REAL, 0, comm));
  PetscCall(PetscFree(mine));
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns c0 <= c < c0 + cols of all [n][d+5] as an array of the file */
static PetscErrorCode TzEvalPutColumns(TzStore store, const char path[], PetscInt n, PetscInt W, const PetscReal all[], PetscInt c0, PetscInt cols,
                                       PetscBool matrix)
{
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * cols, &x));
  for (PetscInt i = 0; i < n; i++) PetscCall(PetscArraycpy(x + i * cols, all + i * W + c0, cols));
  PetscCall(TzStorePutReal(store, path, n, matrix ? cols : 0, x));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzEvalWrite(MPI_Comm comm, const TzProblem *p, const TzEvalOptions *o, PetscInt n, const PetscReal X[], const PetscReal all[])
{
  const PetscInt d = p->d, W = d + 5;
  TzStore        store;
  PetscMPIInt    rank;
  PetscBool      exact;
  PetscReal     *error;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(TzPDEHasExact(p->pde, &exact));
  PetscCall(TzStoreCreate(comm, &store));
  if (!rank) {
    PetscCall(TzStorePutText(store, "/model", o->model));
    PetscCall(TzStorePutReal(store, "/points", n, d + 1, X));
    PetscCall(TzEvalPutColumns(store, "/u", n, W, all, 0, 1, PETSC_FALSE));
    PetscCall(TzEvalPutColumns(store, "/grad", n, W, all, 1, d, PETSC_TRUE));
    PetscCall(TzEvalPutColumns(store, "/u_t", n, W, all, d + 1, 1, PETSC_FALSE));
    PetscCall(TzEvalPutColumns(store, "/laplacian", n, W, all, d + 2, 1, PETSC_FALSE));
    PetscCall(TzEvalPutColumns(store, "/residual", n, W, all, d + 3, 1, PETSC_FALSE));
    if (exact) {
      PetscCall(TzEvalPutColumns(store, "/exact", n, W, all, d + 4, 1, PETSC_FALSE));
      PetscCall(PetscMalloc1(n, &error));
      for (PetscInt i = 0; i < n; i++) error[i] = all[i * W] - all[i * W + d + 4];
      PetscCall(TzStorePutReal(store, "/error", n, 0, error));
      PetscCall(PetscFree(error));
    }
  }
  PetscCall(TzStoreWrite(store, "-tz_output", o->output));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last line of the output; without an exact solution mse, rel_l2 and max are nan */
static PetscErrorCode TzEvalPrint(MPI_Comm comm, const TzProblem *p, PetscInt n, const PetscReal all[], double seconds, uint64_t theta)
{
  const PetscInt W  = p->d + 5;
  PetscReal      e2 = 0, u2 = 0, max = 0, r2 = 0;
  PetscBool      exact;
  PetscMPIInt    rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TzPDEHasExact(p->pde, &exact));
  for (PetscInt i = 0; i < n && !rank; i++) {
    const PetscReal *row = all + i * W, e = exact ? row[0] - row[W - 1] : NAN;

    e2 += e * e;
    u2 += row[W - 1] * row[W - 1];
    r2 += row[W - 2] * row[W - 2];
    if (!(PetscAbsReal(e) <= max)) max = PetscAbsReal(e);
  }
  PetscCall(PetscPrintf(comm, "RESULT mse=%.9g rel_l2=%.9g max=%.9g loss=%.9g points=%" PetscInt_FMT " seconds=%.3f ranks=%d theta=%016llx\n", (double)(e2 / n),
                        sqrt(e2 / u2), (double)max, (double)(r2 / n), n, seconds, size, (unsigned long long)theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzEvalRun(MPI_Comm comm, const TzProblem *p, const TzEvalOptions *o, TzStore model)
{
  const PetscReal *theta;
  PetscReal       *X, *all = NULL;
  PetscInt         n, nparams, rows;
  PetscMPIInt      rank;
  PetscLogDouble   t0, t1;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t0));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(TzStoreGetReal(model, "/theta", &rows, NULL, &theta));
  PetscCall(TzNetGetNumParameters(p->net, &nparams));
  PetscCheck(rows == nparams, comm, PETSC_ERR_FILE_UNEXPECTED,
             "-tz_model %s: %" PetscInt_FMT " parameters, but the network of these options has %" PetscInt_FMT, o->model, rows, nparams);
  PetscCall(TzFileCheckWritable(comm, "-tz_output", o->output));
  PetscCall(TzEvalGetPoints(comm, p, o, &n, &X));
  if (!rank) PetscCall(PetscMalloc1(n * (p->d + 5), &all));
  PetscCall(TzEvalShare(comm, p, theta, n, X, all));
  PetscCall(TzEvalWrite(comm, p, o, n, X, all));
  PetscCall(PetscTime(&t1));
  PetscCall(TzEvalPrint(comm, p, n, all, t1 - t0, TzChecksum(nparams, theta)));
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbEval(MPI_Comm comm, int *code)
{
  static const char *const fixed[] = {"-net_", "-pde_type", "-pde_dim", NULL}; /* the rest may be tried out on a model */
  TzEvalOptions            o       = {.model = "", .points = "10000", .output = "eval.h5", .sampler = TZ_SAMPLER_BOX};
  TzProblem                p;
  TzStore                  model = NULL;
  const char              *text  = "";
  PetscBool                help, classifier = PETSC_FALSE;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzEvalGetOptions(comm, &o));
  help = TzOptionsHelpWanted();
  PetscCheck(help || o.model[0], comm, PETSC_ERR_USER_INPUT, "-tz_model FILE is needed: the checkpoint of a trained network");
  if (!help) {
    PetscCall(TzCheckpointOpen(comm, "-tz_model", o.model, &model));
    PetscCall(TzStoreGetText(model, "/options", &text));
    PetscCall(TzOptionsInsertText(text));
    classifier = strstr(text, "-loss_batch") ? PETSC_TRUE : PETSC_FALSE;
  }
  if (classifier) {
    PetscCall(TzClassifierEval(comm, o.model, o.output, text, model));
    PetscCall(TzStoreDestroy(&model));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscOptionsBegin(comm, NULL, "Points of eval", "Tenzo");
  PetscCall(TzOptionsEnum("-loss_sampler", "Distribution of the points, where -tz_points is a number", "TzCollocationSample", TzSamplers, (PetscEnum)o.sampler,
                          (PetscEnum *)&o.sampler, NULL));
  PetscOptionsEnd();
  PetscCall(TzProblemCreate(comm, &p));
  PetscCall(TzOptionsCheckUnused(comm));
  PetscCall(TzOptionsCompareText(comm, text, fixed, o.model));
  if (!help) {
    PetscCall(TzNetRestoreMask(p.net, model));
    PetscCall(TzEvalRun(comm, &p, &o, model));
  }
  PetscCall(TzStoreDestroy(&model));
  PetscCall(TzProblemDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}
