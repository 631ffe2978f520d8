/*
  Data: values of u, and its gradients, that are known at points, as two more terms of the loss (terms.c): measurements, optimal paths of a control problem
  (tenzo simulate -sim_policy direct), the solution of another network (tenzo eval).

      value      r = u - u_i
      gradient   r = v . (grad u - g_i), v independent signs, drawn anew in every step: the mean of r^2 is |grad u - g_i|^2

  -loss_data FILE has points [n][D], u [n] and, for gradients, grad [n][d] (TzMatricesRead). A step has points of the file at random or, where it asks for as
  many as there are, each once. The file is read before the first step: a network is evaluated without its data.
*/
#include "residual.h"

/* One of the file's arrays, [n][cols]; n 0: as many rows as it has */
static PetscErrorCode Get(TzLoss loss, const char name[], PetscInt *n, PetscInt cols, const PetscReal **x)
{
  TzResidual *r    = (TzResidual *)loss->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  char        path[16];
  PetscBool   has;
  PetscInt    unused;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "/%s", name));
  PetscCall(TzStoreHas(r->data, path, &has));
  PetscCheck(has, comm, PETSC_ERR_FILE_UNEXPECTED, "-loss_data %s: has no array %s", r->datafile, name);
  if (!*n) PetscCall(TzStoreGetReal(r->data, path, n, &unused, x));
  PetscCall(TzMatricesGet(r->data, comm, "-loss_data", name, *n, &cols, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDataSample(TzLoss loss, const TzTerm *term, PetscInt step, PetscInt first)
{
  TzResidual      *r      = (TzResidual *)loss->data;
  const PetscInt   d      = r->d;
  PetscReal       *target = r->target + (term->first - r->npoints), *v = r->normal + (term->first - r->npoints) * d;
  PetscInt         n = 0;
  const PetscReal *X, *u, *grad = NULL;

  PetscFunctionBegin;
  if (!r->data) PetscCall(TzMatricesRead(PetscObjectComm((PetscObject)loss), "-loss_data", r->datafile, "points", &r->data));
  PetscCall(Get(loss, "points", &n, r->D, &X));
  PetscCall(Get(loss, "u", &n, 1, &u));
  if (term->kind == TZ_TERM_DATAGRAD) PetscCall(Get(loss, "grad", &n, d, &grad));
  for (PetscInt i = 0; i < term->n; i++, v += d) {
    PetscReal x;
    PetscInt  k = i;

    PetscCall(TzRandomUniform(loss->seed, TZ_STREAM_CONDITION, step, first + i, 0, 1, &x));
    if (term->n != n) k = PetscMin((PetscInt)(x * (PetscReal)n), n - 1);
    PetscCall(PetscArraycpy(r->X + (term->first + i) * r->D, X + k * r->D, r->D));
    target[i] = u[k];
    if (!grad) continue;
    target[i] = 0;
    PetscCall(TzRandomRademacher(loss->seed, TZ_STREAM_CONDITION, step, first + i, 0, d, v));
    for (PetscInt j = 0; j < d; j++) target[i] += v[j] * grad[k * d + j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDataResidual(TzLoss loss, TzTermKind kind, PetscInt n, PetscInt first, const PetscReal ujet[], PetscReal res[], PetscReal dr[])
{
  const TzResidual *r = (TzResidual *)loss->data;
  const PetscReal  *v = r->normal + first * r->d;

  PetscFunctionBegin;
  if (dr) PetscCall(PetscArrayzero(dr, n * r->J));
  for (PetscInt p = 0; p < n; p++, v += r->d, ujet += r->J) {
    res[p] = (kind == TZ_TERM_DATA ? ujet[0] : 0) - r->target[first + p];
    for (PetscInt j = 0; kind == TZ_TERM_DATAGRAD && j < r->d; j++) res[p] += v[j] * ujet[1 + j];
    if (!dr) continue;
    if (kind == TZ_TERM_DATA) dr[p * r->J] = 1;
    else PetscCall(PetscArraycpy(dr + p * r->J + 1, v, r->d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
