/*
  tenzo eval of an equation: the solution at points (-tz_points).

  The file (-tz_output, default eval.h5) has /points [n][D] (D = d + 1, or d where there is no time), /u [n], /grad [n][d], /u_t, /residual [n], the
  second-order forms of the equation: /laplacian [n] where there is but the Laplacian, otherwise /forms [n][number], of a control problem /control [n][m],
  and, where an exact solution is known, /exact and /error [n]. u is what the loss differentiates: with the Stein estimator from the smoothed network.

  -tz_check_paths N: u by the mean over N random paths from each point (TzPDEPaths), for equations that have such a form: /paths/u [n] and /paths/half [n], half
  the width of its interval of 95 percent.
*/
#include "verb.h"
#include <petsctime.h>

/* What is evaluated; all arrays on every rank */
typedef struct {
  const TzJetShape *shape;
  PetscInt          n, D, J;      /* D coordinates, J numbers of a jet */
  PetscReal        *X;            /* [n][D] */
  PetscReal        *jet;          /* [n][J] */
  PetscReal        *r;            /* [n] residual */
  PetscReal        *exact;        /* [n]; NULL where none is known */
  PetscInt          paths, steps; /* from each point, 0: none; of time */
  PetscReal        *mean, *half;  /* [n] u by paths, half the width of its interval; NULL without */
} Values;

#define SHOWN 10 /* points of the check by paths that are printed */

/* Points of a file: outside of a ball or shell, or of [0, T], there is no equation; where training never was, the network knows nothing */
static PetscErrorCode CheckPoints(TzRun run, TzPDE pde, const char points[], const Values *v)
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)run);
  const TzDomain *domain;
  TzRegion        region;
  PetscInt        outside = 0, first = 0;

  PetscFunctionBegin;
  PetscCall(TzPDEGetDomain(pde, &domain));
  for (PetscInt i = 0; i < v->n; i++) {
    const PetscReal *z = v->X + i * v->D;

    PetscCheck(domain->stationary || (z[domain->d] >= -1e-12 * domain->T && z[domain->d] <= (1 + 1e-12) * domain->T), comm, PETSC_ERR_USER_INPUT,
               "-tz_points %s: point %" PetscInt_FMT " has t = %g; must be in [0, %g]", points, i, (double)z[domain->d], (double)domain->T);
    PetscCheck(domain->type == TZ_DOMAIN_BOX || TzDomainContains(domain, z), comm, PETSC_ERR_USER_INPUT,
               "-tz_points %s: point %" PetscInt_FMT " is outside the %s of the equation; must have %g <= |x| <= %g", points, i, TzDomainTypes[domain->type],
               domain->type == TZ_DOMAIN_SHELL ? (double)domain->inner : 0., (double)domain->radius);
  }
  PetscCall(TzRunGetRegion(run, &region));
  for (PetscInt i = v->n - 1; i >= 0 && region.n; i--) {
    if (TzRegionContains(&region, v->X + i * v->D)) continue;
    outside++;
    first = i;
  }
  if (outside)
    PetscCall(PetscFPrintf(comm, stderr,
                           "tenzo: warning: -tz_points %s: %" PetscInt_FMT " of %" PetscInt_FMT " points, the first is number %" PetscInt_FMT
                           ", lie where the network was not trained (-loss_sampler, -loss_x0)\n",
                           points, outside, v->n, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number of validation points, or a file */
static PetscErrorCode GetPoints(TzRun run, const char points[], TzSampler sampler, Values *v)
{
  MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  char      *end;
  long       count = strtol(points, &end, 10);
  PetscInt64 seed;
  TzPDE      pde;

  PetscFunctionBegin;
  if (*end || !points[0]) {
    PetscCall(TzPointsRead(comm, "-tz_points", points, v->D, &v->n, &v->X));
    PetscCall(TzRunGetPDE(run, &pde));
    PetscCall(CheckPoints(run, pde, points, v));
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
  if (v->mean) {
    PetscCall(TzStorePutReal(store, "/paths/u", n, 0, v->mean));
    PetscCall(TzStorePutReal(store, "/paths/half", n, 0, v->half));
  }
  PetscCall(TzStoreWrite(store, "-tz_output", o->output));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options of the check by paths, and whether the equation has such a form */
static PetscErrorCode GetPathOptions(MPI_Comm comm, TzPDE pde, TzOptionItems PetscOptionsObject, Values *v)
{
  TzPathForm form;
  TzPDEType  type;

  PetscFunctionBegin;
  v->steps = 64;
  PetscCall(TzOptionsInt("-tz_check_paths", "Random paths from each point, by which u is checked without a reference; 0: none", "TzPDEPaths", v->paths,
                         &v->paths, NULL));
  PetscCall(TzOptionsInt("-tz_check_steps", "Time steps of such a path (>= 1)", "TzPDEPaths", v->steps, &v->steps, NULL));
  PetscCheck(!v->paths || (v->paths >= 2 && v->paths <= PETSC_MPI_INT_MAX / 2), comm, PETSC_ERR_USER_INPUT,
             "-tz_check_paths %" PetscInt_FMT ": must be 0, or 2 to %d", v->paths, PETSC_MPI_INT_MAX / 2);
  PetscCheck(v->steps >= 1 && v->steps <= 1000000, comm, PETSC_ERR_USER_INPUT, "-tz_check_steps %" PetscInt_FMT ": must be 1 to 1000000", v->steps);
  if (!v->paths || TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEGetType(pde, &type));
  PetscCall(TzPDEGetPathForm(pde, &form, NULL));
  PetscCheck(form != TZ_PATHS_NONE, comm, PETSC_ERR_USER_INPUT,
             "-tz_check_paths %" PetscInt_FMT ": equation %s is not of the form of Feynman and Kac, or of Cole and Hopf; must be 0", v->paths, type);
  PetscCall(TzMemoryCheck(comm, 2. * (PetscReal)v->paths, "-tz_check_paths %" PetscInt_FMT, v->paths));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u by paths at all points; a line for each of the first ones */
static PetscErrorCode CheckPaths(TzRun run, TzPDE pde, Values *v)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)run);
  PetscInt64     seed;

  PetscFunctionBegin;
  if (!v->paths) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRunGetSeed(run, &seed));
  PetscCall(PetscMalloc2(v->n, &v->mean, v->n, &v->half));
  PetscCall(TzPDEPaths(pde, v->n, v->X, v->paths, v->steps, seed, v->mean, v->half));
  for (PetscInt i = 0; i < PetscMin(v->n, SHOWN); i++)
    PetscCall(PetscPrintf(comm, "point %" PetscInt_FMT ": u %.6g, by %" PetscInt_FMT " paths %.6g +- %.2g\n", i, (double)v->jet[i * v->J], v->paths,
                          (double)v->mean[i], (double)v->half[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last line of the output; the error only where an exact solution is known */
static PetscErrorCode Print(TzRun run, const Values *v, double seconds)
{
  const MPI_Comm   comm = PetscObjectComm((PetscObject)run);
  const PetscInt   J    = v->J;
  PetscReal        e2 = 0, u2 = 0, max = 0, r2 = 0, p2 = 0, m2 = 0; /* p2, m2: of u by paths, and inside: points whose u is in its interval */
  const PetscReal *theta;
  PetscInt         nparams, inside = 0;
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
    if (v->mean) {
      p2 += PetscSqr(v->jet[i * J] - v->mean[i]);
      m2 += PetscSqr(v->mean[i]);
      inside += PetscAbsReal(v->jet[i * J] - v->mean[i]) <= v->half[i];
    }
  }
  PetscCall(PetscPrintf(comm, "RESULT"));
  if (v->exact) PetscCall(PetscPrintf(comm, " mse=%.9g rel_l2=%.9g max=%.9g", (double)(e2 / v->n), sqrt(e2 / u2), (double)max));
  if (v->mean) PetscCall(PetscPrintf(comm, " paths_rel_l2=%.3g paths_inside=%" PetscInt_FMT, sqrt(p2 / m2), inside));
  PetscCall(PetscPrintf(comm, " loss=%.9g points=%" PetscInt_FMT " seconds=%.3f ranks=%d theta=%016llx\n", (double)(r2 / v->n), v->n, seconds, size,
                        (unsigned long long)TzChecksum(nparams, theta)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzEvalPDE(TzRun run, const TzEvalOptions *o)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)run);
  TzSampler      sampler, trained;
  Values         v = {.exact = NULL};
  TzPDE          pde;
  PetscBool      exact;
  PetscLogDouble t0, t1;
  int            lock;

  PetscFunctionBegin;
  PetscCall(TzRunGetPDE(run, &pde));
  PetscCall(TzSamplerCreate(comm, &trained));
  PetscCall(TzSamplerCreate(comm, &sampler));
  PetscOptionsBegin(comm, NULL, "Points of eval, where -tz_points is a number", "Tenzo");
  PetscCall(TzSamplerSetFromOptions(trained, PetscOptionsObject));
  PetscCall(TzSamplerSetValidationOptions(sampler, PetscOptionsObject));
  PetscCall(GetPathOptions(comm, pde, PetscOptionsObject, &v));
  PetscOptionsEnd();
  PetscCall(TzRunSetUp(run));
  if (TzOptionsHelpWanted()) {
    PetscCall(TzSamplerDestroy(&sampler));
    PetscCall(TzSamplerDestroy(&trained));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscTime(&t0));
  PetscCall(TzVerbReserve(comm, o->output, o->model, o->points, &lock));
  PetscCall(TzPDESetSampler(pde, trained));
  PetscCall(TzSamplerSetUpBeside(sampler, trained));
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
  PetscCall(CheckPaths(run, pde, &v));
  PetscCall(Write(run, o, &v));
  PetscCall(PetscTime(&t1));
  PetscCall(Print(run, &v, t1 - t0));
  PetscCall(PetscFree2(v.jet, v.r));
  PetscCall(PetscFree(v.exact));
  PetscCall(PetscFree2(v.mean, v.half));
  PetscCall(PetscFree(v.X));
  PetscCall(TzSamplerDestroy(&sampler));
  PetscCall(TzSamplerDestroy(&trained));
  PetscCall(TzFileRelease(o->output, &lock));
  PetscFunctionReturn(PETSC_SUCCESS);
}
