/*
  What a residual loss makes of the parameters at the beginning of a step, from forward evaluations alone and the same on any number of ranks: points where the
  residual is large, and weights of the conditions.

  Points. Of -loss_adaptive m times as many candidates as there are points, each is kept with a chance that grows with |r|/mean |r| + 1 (RAD with k = c = 1; Wu,
  Zhu, Tan, Kartha, Lu 2023), without repetition: those with the largest ln(u)/weight, u uniform (Efraimidis, Spirakis 2006). They are drawn anew in
  every step from its key: nothing has to be kept.

  Weights. With -loss_weights auto the weight of a condition is that which the user gave times w, every k-th step w := w^s (L_0/L)^(1-s), L its own mean squared
  residual, L_0 that of the equation: so all terms of the loss come to be alike. 1/L is where the weights of Kendall, Gal, Cipolla (2018), which Xiang, Peng,
  Liu, Yao (2022) have for such losses, come to rest. The w are the state of the loss that a checkpoint keeps.
*/
#include "residual.h"

#define LIMIT 1e6 /* of w, and of 1/w */

PetscErrorCode TzAdaptSetFromOptions(TzResidual *r, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  static const char *const kinds[] = {"fixed", "auto"};
  PetscInt                 kind    = r->balanced ? 1 : 0;

  PetscFunctionBegin;
  PetscCall(TzOptionsInt("-loss_adaptive", "Candidates for a point, kept where the residual is large; 0: points as the sampler draws them", "TzLossAdapt",
                         r->candidates, &r->candidates, NULL));
  PetscCheck(!r->candidates || (r->candidates >= 2 && r->candidates <= 1000), comm, PETSC_ERR_USER_INPUT,
             "-loss_adaptive %" PetscInt_FMT ": must be 0, or 2 to 1000", r->candidates);
  PetscCheck(!r->candidates || !r->fixed, comm, PETSC_ERR_USER_INPUT, "-loss_adaptive %" PetscInt_FMT " -loss_fixed_points: give only one of them",
             r->candidates);
  PetscCall(TzOptionsEList("-loss_weights", "Weights of soft conditions: as given, or balanced so that all terms come to be alike", "TzLossAdapt", kinds, 2,
                           kinds[kind], &kind, NULL));
  r->balanced = (PetscBool)(kind == 1);
  PetscCheck(!r->balanced || r->nterms > 1, comm, PETSC_ERR_USER_INPUT, "-loss_weights auto: the loss has no soft conditions; must be fixed");
  PetscCall(TzOptionsInt("-loss_weights_every", "Steps between two changes of balanced weights (>= 1)", "TzLossAdapt", r->every, &r->every, NULL));
  PetscCheck(r->every >= 1, comm, PETSC_ERR_USER_INPUT, "-loss_weights_every %" PetscInt_FMT ": must be at least 1", r->every);
  PetscCall(TzOptionsReal("-loss_weights_smoothing", "Part of the old weight in a change (0 <= s < 1)", "TzLossAdapt", r->smoothing, &r->smoothing, NULL));
  PetscCheck(r->smoothing >= 0 && r->smoothing < 1, comm, PETSC_ERR_USER_INPUT, "-loss_weights_smoothing %g: must be at least 0 and below 1",
             (double)r->smoothing);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all [n] on every rank, each of which has a part; what is of one point does not depend on the parts */
static PetscErrorCode Share(TzLoss loss, PetscInt n, const PetscInt first[], PetscReal all[])
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)loss);
  PetscMPIInt rank, size, *count, *displ;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(size, &count, size, &displ));
  for (PetscMPIInt i = 0; i < size; i++) {
    PetscCall(PetscMPIIntCast(first[i], &displ[i]));
    PetscCall(PetscMPIIntCast((i + 1 < size ? first[i + 1] : n) - first[i], &count[i]));
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, count, displ, MPIU_REAL, comm));
  loss->counts.bytes += count[rank] * (PetscInt64)sizeof(PetscReal);
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* res [n]: residuals of the candidates X [n][D]; or, where X is NULL, of the points of the line, in units of their terms */
static PetscErrorCode Residuals(TzLoss loss, PetscInt n, const PetscReal X[], PetscReal res[])
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscInt   *first, i1;
  PetscReal  *fjet;
  PetscMPIInt rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)loss), &rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)loss), &size));
  PetscCall(PetscMalloc1(size + 1, &first));
  PetscCall(PetscMalloc1(VALIDATION_BLOCK * r->J, &fjet));
  for (PetscMPIInt i = 0; i <= size; i++) first[i] = (PetscInt)((PetscInt64)n * i / size);
  for (PetscInt i = first[rank]; i < first[rank + 1]; i = i1) {
    i1 = PetscMin(i + VALIDATION_BLOCK, first[rank + 1]);
    if (X) {
      PetscCall(TzDerivJet(loss->deriv, r->eval, i1 - i, X + i * r->D, fjet));
      PetscCall(TzPDETransform(loss->pde, i1 - i, X + i * r->D, fjet, fjet));
      PetscCall(TzPDEResidual(loss->pde, i1 - i, X + i * r->D, fjet, res + i, NULL));
    } else {
      PetscCall(TzTermsJet(loss, i, i1, fjet));
      PetscCall(TzResidualValues(loss, i, i1, fjet, res + i));
    }
  }
  PetscCall(PetscFree(fjet));
  PetscCall(Share(loss, n, first, res));
  PetscCall(PetscFree(first));
  loss->counts.forwards += n * loss->forwards;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  PetscReal key;
  PetscInt  i;
} Candidate;

static int ByKey(const void *a, const void *b)
{
  const Candidate *x = (const Candidate *)a, *y = (const Candidate *)b;

  return x->key != y->key ? (x->key < y->key) - (x->key > y->key) : (x->i > y->i) - (x->i < y->i);
}

static int ByNumber(const void *a, const void *b)
{
  const PetscInt i = ((const Candidate *)a)->i, j = ((const Candidate *)b)->i;

  return (i > j) - (i < j);
}

/* The equation's points of the line */
static PetscErrorCode Points(TzLoss loss, PetscInt step)
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscInt    n = r->candidates * r->npoints;
  PetscReal  *X, *res, *u, mean = 0;
  Candidate  *c;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4((size_t)n * (size_t)r->D, &X, n, &res, n, &u, n, &c));
  PetscCall(TzSamplerDraw(r->sampler, loss->seed, TZ_STREAM_POINTS, step, 0, n, X));
  PetscCall(TzRandomUniform(loss->seed, TZ_STREAM_ADAPT, step, 0, 0, n, u));
  PetscCall(Residuals(loss, n, X, res));
  for (PetscInt i = 0; i < n; i++) mean += PetscAbsReal(res[i]) / (PetscReal)n;
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal weight = mean > 0 ? PetscAbsReal(res[i]) / mean + 1 : 1;

    c[i] = (Candidate){PetscLogReal(u[i]) / (PetscIsInfOrNanReal(weight) ? 1 : weight), i};
  }
  qsort(c, (size_t)n, sizeof(*c), ByKey);
  qsort(c, (size_t)r->npoints, sizeof(*c), ByNumber);
  for (PetscInt i = 0; i < r->npoints; i++) PetscCall(PetscArraycpy(r->X + i * r->D, X + c[i].i * r->D, r->D));
  PetscCall(TzTermsForget(r));
  PetscCall(PetscFree4(X, res, u, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Weights(TzLoss loss)
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscReal  *res, first = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(r->nline, &res));
  PetscCall(Residuals(loss, r->nline, NULL, res));
  for (PetscInt t = 0; t < r->nterms; t++) {
    const TzTerm *term = &r->term[t];
    PetscReal     sum  = 0, ratio;

    for (PetscInt i = term->first; i < term->first + term->n; i++) sum += PetscSqr(res[i] / term->scale) / (PetscReal)term->n;
    if (!t) first = sum;
    ratio = sum > 0 ? first / sum : LIMIT;
    if (!t || !(ratio > 0)) continue; /* NaN: the step will tell */
    r->balance[t - 1] = PetscPowReal(r->balance[t - 1], r->smoothing) * PetscPowReal(PetscMin(PetscMax(ratio, 1 / LIMIT), LIMIT), 1 - r->smoothing);
  }
  PetscCall(PetscFree(res));
  PetscCall(TzTermsScale(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzResidualAdapt(TzLoss loss, PetscInt step, const PetscReal theta[])
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  if (r->adapted == step) PetscFunctionReturn(PETSC_SUCCESS);
  r->adapted = step;
  PetscCall(TzNetEvalBind(r->eval, theta));
  if (r->candidates) PetscCall(Points(loss, step));
  if (r->balanced && step % r->every == 0) PetscCall(Weights(loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzResidualGetState(TzLoss loss, PetscInt *n, PetscReal *state[])
{
  TzResidual *r = (TzResidual *)loss->data;

  PetscFunctionBegin;
  *n     = r->balanced ? r->nterms - 1 : 0;
  *state = r->balance;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzResidualSetState(TzLoss loss)
{
  PetscFunctionBegin;
  PetscCall(TzTermsScale((TzResidual *)loss->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}
