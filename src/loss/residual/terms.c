/*
  The terms of a residual loss: the equation on its points, each condition of the equation and data (data.c) on points of their own. Their points are one line,

      loss = mean over the equation's points of r^2 + sum over the other terms of weight x mean over the term's points of r^2,

  which is the mean over the whole line of (scale r)^2, scale^2 (with -loss_p: |scale r|^p, scale^p) = weight x points of the line / points of the
  term. So blocks of points, ranks, residual vectors and coordinate queries are the same for all of them.

  Options, for each condition NAME of the equation:
    -loss_NAME_points n   points of a step (default: the equation's choice)
    -loss_NAME_weight w   weight (default: the equation's choice, or 1)
  and the same for data and data_grad where there is -loss_data FILE (100 points; 0 of gradients)
*/
#include "residual.h"

/* -loss_NAME_points and -loss_NAME_weight of one more term; without points it is none */
static PetscErrorCode AddTerm(TzLoss loss, TzOptionItems PetscOptionsObject, const char name[], TzTerm term)
{
  TzResidual *r     = (TzResidual *)loss->data;
  MPI_Comm    comm  = PetscObjectComm((PetscObject)loss);
  PetscInt    least = term.kind == TZ_TERM_CONDITION ? 1 : 0;
  char        option[64];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-loss_%s_points", name));
  PetscCall(TzOptionsInt(option, "Points of this condition in a step (>= 1; of data >= 0)", "TzPDEAddCondition", term.n, &term.n, NULL));
  PetscCheck(term.n >= least, comm, PETSC_ERR_USER_INPUT, "%s %" PetscInt_FMT ": must be at least %" PetscInt_FMT, option, term.n, least);
  PetscCall(PetscSNPrintf(option, sizeof(option), "-loss_%s_weight", name));
  PetscCall(TzOptionsReal(option, "Weight of this condition's mean squared residual (> 0)", "TzPDEAddCondition", term.weight, &term.weight, NULL));
  PetscCheck(PetscIsNormalReal(term.weight) && term.weight > 0, comm, PETSC_ERR_USER_INPUT, "%s %g: must be positive", option, (double)term.weight);
  if (term.n) r->term[r->nterms++] = term;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTermsSetFromOptions(TzLoss loss, TzOptionItems PetscOptionsObject)
{
  TzResidual        *r = (TzResidual *)loss->data;
  const TzCondition *c;
  PetscInt           n;

  PetscFunctionBegin;
  if (!loss->pde) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDEGetConditions(loss->pde, &n, &c));
  PetscCall(PetscFree(r->term));
  PetscCall(PetscMalloc1(n + 3, &r->term));
  r->nterms  = 1;
  r->term[0] = (TzTerm){.condition = -1, .n = r->npoints, .weight = 1};
  for (PetscInt i = 0; i < n; i++)
    PetscCall(AddTerm(loss, PetscOptionsObject, c[i].name, (TzTerm){.kind = TZ_TERM_CONDITION, .condition = i, .n = c[i].points, .weight = c[i].weight}));
  PetscCall(TzOptionsString("-loss_data", "File of points, values of u there and, for -loss_data_grad_points, gradients: terms of the loss", "TzLossSample",
                            r->datafile, r->datafile, sizeof(r->datafile), NULL));
  if (!r->datafile[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(AddTerm(loss, PetscOptionsObject, "data", (TzTerm){.kind = TZ_TERM_DATA, .n = 100, .weight = 1}));
  PetscCall(AddTerm(loss, PetscOptionsObject, "data_grad", (TzTerm){.kind = TZ_TERM_DATAGRAD, .n = 0, .weight = 1}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTermsScale(TzResidual *r)
{
  PetscFunctionBegin;
  for (PetscInt t = 0; t < r->nterms; t++) {
    TzTerm         *term  = &r->term[t];
    const PetscReal power = term->weight * (t ? r->balance[t - 1] : 1) * (PetscReal)r->nline / (PetscReal)term->n;

    term->scale = r->nterms == 1 || !term->n ? 1 : PetscPowReal(power, 1 / r->p);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places of the terms on the line, and its length */
PetscErrorCode TzTermsSetUp(TzLoss loss)
{
  TzResidual        *r = (TzResidual *)loss->data;
  const TzCondition *c;
  PetscInt64         all = 0;
  PetscInt           conditions;
  PetscBool          smoothed;

  PetscFunctionBegin;
  PetscCall(TzPDEGetConditions(loss->pde, &conditions, &c));
  if (!r->term) { /* no options were read */
    PetscCall(PetscMalloc1(conditions + 1, &r->term));
    r->nterms = conditions + 1;
    for (PetscInt i = 0; i < conditions; i++) r->term[1 + i] = (TzTerm){.kind = TZ_TERM_CONDITION, .condition = i, .n = c[i].points, .weight = c[i].weight};
  }
  r->term[0] = (TzTerm){.condition = -1, .n = r->npoints, .weight = 1};
  PetscCall(TzDerivIsSmoothed(loss->deriv, &smoothed));
  for (PetscInt t = 0; t < r->nterms; t++) {
    r->term[t].first = (PetscInt)all;
    all += r->term[t].n;
    PetscCheck(all <= PETSC_MAX_INT / 4, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT,
               "-loss_points %" PetscInt_FMT ": with the points of the conditions too many for an index", r->npoints);
    /* the value of a smoothed model is no forward evaluation: what the equation sees as u has to meet the condition */
    r->term[t].value = (PetscBool)(!smoothed &&
                                   (r->term[t].kind == TZ_TERM_DATA || (r->term[t].kind == TZ_TERM_CONDITION && !c[r->term[t].condition].gradient)));
  }
  r->nline = (PetscInt)all;
  PetscCall(PetscFree(r->balance));
  PetscCall(PetscMalloc1(r->nterms, &r->balance));
  for (PetscInt t = 0; t < r->nterms; t++) r->balance[t] = 1;
  PetscCall(TzTermsScale(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X and normals of all terms at a step. Conditions have a stream of their own, each a range of its items: no two terms share numbers */
PetscErrorCode TzTermsSample(TzLoss loss, PetscInt step)
{
  TzResidual        *r    = (TzResidual *)loss->data;
  const PetscInt64   seed = loss->seed;
  const TzCondition *c;
  const TzDomain    *domain;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(TzPDEGetConditions(loss->pde, &n, &c));
  PetscCall(TzPDEGetDomain(loss->pde, &domain));
  PetscCall(TzFollowDraw(loss, step));
  for (PetscInt t = 1; t < r->nterms; t++) {
    const TzTerm      *term      = &r->term[t];
    const TzCondition *condition = &c[term->condition];
    PetscReal         *X = r->X + term->first * r->D, *normal = r->normal + (term->first - r->npoints) * r->d;
    const PetscInt     first = (t - 1) * (PETSC_MPI_INT_MAX / (r->nterms - 1)); /* items have 32 bits, whatever an index has */

    if (term->kind != TZ_TERM_CONDITION) PetscCall(TzDataSample(loss, term, step, first));
    else if (condition->place == TZ_AT_BOUNDARY)
      PetscCall(TzSamplerDrawBoundary(r->sampler, condition->face, seed, TZ_STREAM_CONDITION, step, first, term->n, X, normal));
    else PetscCall(TzSamplerDrawTime(r->sampler, condition->place == TZ_AT_START ? 0 : domain->T, seed, TZ_STREAM_CONDITION, step, first, term->n, X));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTermsForget(TzResidual *r)
{
  PetscFunctionBegin;
  for (PetscInt c = 0; c < r->chunks; c++) r->abstep[c] = r->sourcestep[c] = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part of the points i0 <= i < i1 that is term t's: FALSE if none is */
static PetscBool Part(const TzResidual *r, PetscInt t, PetscInt i0, PetscInt i1, PetscInt *j0, PetscInt *j1)
{
  const TzTerm *term = &r->term[t];

  *j0 = PetscMax(i0, term->first);
  *j1 = PetscMin(i1, term->first + term->n);
  return (PetscBool)(*j0 < *j1);
}

/* value[n] -> the value slots of jets [n][J] with the same memory; all else is 0 */
static void Spread(PetscInt n, PetscInt J, PetscReal x[])
{
  for (PetscInt i = n; i < n * J; i++) x[i] = 0;
  for (PetscInt p = n - 1; p > 0; p--) {
    x[p * J] = x[p];
    x[p]     = 0;
  }
}

/* Node block k's share of the jets of f at the points i0 <= i < i1 */
PetscErrorCode TzTermsPartial(TzLoss loss, PetscInt i0, PetscInt i1, PetscInt k, PetscReal partial[])
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscInt    j0, j1;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < r->nterms; t++) {
    PetscReal *to;

    if (!Part(r, t, i0, i1, &j0, &j1)) continue;
    to = partial + (j0 - i0) * r->J;
    if (!r->term[t].value) {
      PetscCall(TzDerivPartial(loss->deriv, r->eval, j1 - j0, r->X + j0 * r->D, k, to));
      continue;
    }
    if (k) PetscCall(PetscArrayzero(to, (j1 - j0) * r->J));
    else {
      PetscCall(TzNetEvalForward(r->eval, j1 - j0, r->X + j0 * r->D, to));
      Spread(j1 - j0, r->J, to);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Jets of f of the points i0 <= i < i1, all nodes */
PetscErrorCode TzTermsJet(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal fjet[])
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscInt    j0, j1;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < r->nterms; t++) {
    PetscReal *to;

    if (!Part(r, t, i0, i1, &j0, &j1)) continue;
    to = fjet + (j0 - i0) * r->J;
    if (r->term[t].value) {
      PetscCall(TzNetEvalForward(r->eval, j1 - j0, r->X + j0 * r->D, to));
      Spread(j1 - j0, r->J, to);
    } else PetscCall(TzDerivJet(loss->deriv, r->eval, j1 - j0, r->X + j0 * r->D, to));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* grad [nparams] += the gradient of sum bar . jets of f */
PetscErrorCode TzTermsAdjoint(TzLoss loss, PetscInt i0, PetscInt i1, const PetscReal bar[], PetscReal grad[])
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscReal  *value;
  PetscInt    j0, j1;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < r->nterms; t++) {
    const PetscReal *from;

    if (!Part(r, t, i0, i1, &j0, &j1)) continue;
    from = bar + (j0 - i0) * r->J;
    if (!r->term[t].value) {
      PetscCall(TzDerivAdjoint(loss->deriv, r->eval, j1 - j0, r->X + j0 * r->D, from, grad));
      continue;
    }
    PetscCall(PetscMalloc1(j1 - j0, &value));
    for (PetscInt p = 0; p < j1 - j0; p++) value[p] = from[p * r->J];
    PetscCall(TzNetEvalBackward(r->eval, j1 - j0, r->X + j0 * r->D, value, grad));
    PetscCall(PetscFree(value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r->source at the points i0 <= i < i1: once a step, not for every query */
static PetscErrorCode Sources(TzLoss loss, PetscInt i0, PetscInt i1)
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscInt    j0, j1;

  PetscFunctionBegin;
  if (!r->nsource) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = i0 / CHUNK; c * CHUNK < i1; c++) {
    if (r->sourcestep[c] == r->step) continue;
    for (PetscInt t = 0; t < r->nterms; t++)
      if (r->term[t].kind <= TZ_TERM_CONDITION && Part(r, t, c * CHUNK, (c + 1) * CHUNK, &j0, &j1))
        PetscCall(TzPDESources(loss->pde, r->term[t].condition, j1 - j0, r->X + j0 * r->D, r->source + j0 * r->nsource));
    r->sourcestep[c] = r->step;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Scaled residuals res [i1-i0] of the jets of u, ujet [i1-i0][J], and, if dr is not NULL, their derivatives dr [i1-i0][J] */
PetscErrorCode TzTermsResidual(TzLoss loss, PetscInt i0, PetscInt i1, const PetscReal ujet[], PetscReal res[], PetscReal dr[])
{
  TzResidual *r = (TzResidual *)loss->data;
  PetscInt    j0, j1;

  PetscFunctionBegin;
  PetscCall(Sources(loss, i0, i1));
  for (PetscInt t = 0; t < r->nterms; t++) {
    const TzTerm    *term = &r->term[t];
    const PetscReal *X, *u, *s;
    PetscReal       *d, *to;

    if (!Part(r, t, i0, i1, &j0, &j1)) continue;
    X  = r->X + j0 * r->D;
    u  = ujet + (j0 - i0) * r->J;
    d  = dr ? dr + (j0 - i0) * r->J : NULL;
    to = res + (j0 - i0);
    s  = r->source + j0 * r->nsource;
    if (!t) PetscCall(TzPDEResidualBy(loss->pde, j1 - j0, X, s, u, to, d));
    else if (term->kind == TZ_TERM_CONDITION)
      PetscCall(TzPDEConditionResidualBy(loss->pde, term->condition, j1 - j0, X, r->normal + (j0 - r->npoints) * r->d, s, u, to, d));
    else PetscCall(TzDataResidual(loss, term->kind, j1 - j0, j0 - r->npoints, u, to, d));
    if (term->scale == 1) continue;
    for (PetscInt p = 0; p < j1 - j0; p++) to[p] *= term->scale;
    for (PetscInt p = 0; d && p < (j1 - j0) * r->J; p++) d[p] *= term->scale;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
