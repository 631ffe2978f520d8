/* Soft conditions: what an equation asks for on its boundary or at one time, as terms of the loss. */
#include <private/tzpdeimpl.h>

PetscErrorCode TzPDEConditionsReset(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pde->condition));
  pde->nconditions = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddCondition(TzPDE pde, const TzCondition *condition)
{
  MPI_Comm     comm = PetscObjectComm((PetscObject)pde);
  TzCondition *all;

  PetscFunctionBegin;
  PetscCheck(condition->name[0] && (condition->residual || condition->value), comm, PETSC_ERR_ARG_WRONG, "A condition needs a name and a residual or a value");
  PetscCheck(condition->place == TZ_AT_BOUNDARY || !pde->stationary, comm, PETSC_ERR_ARG_WRONG, "Condition %s: equation %s has no time", condition->name,
             ((PetscObject)pde)->type_name);
  for (PetscInt c = 0; c < pde->nconditions; c++)
    PetscCheck(strcmp(pde->condition[c].name, condition->name), comm, PETSC_ERR_ARG_WRONG, "Condition %s: there is one already", condition->name);
  PetscCall(PetscMalloc1(pde->nconditions + 1, &all));
  PetscCall(PetscArraycpy(all, pde->condition, pde->nconditions));
  all[pde->nconditions] = *condition;
  if (all[pde->nconditions].points < 1) all[pde->nconditions].points = 50;
  if (all[pde->nconditions].weight == 0) all[pde->nconditions].weight = 1;
  PetscCall(PetscFree(pde->condition));
  pde->condition = all;
  pde->nconditions++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Exact(TzPDE pde, const PetscReal z[], PetscReal *g)
{
  PetscFunctionBegin;
  PetscCall(TzPDEExact(pde, 1, z, g, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddExactCondition(TzPDE pde, const char name[], TzConditionPlace place)
{
  TzCondition c = {.place = place, .face = -1, .value = Exact};

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(c.name, name, sizeof(c.name)));
  PetscCall(TzPDEAddCondition(pde, &c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetConditions(TzPDE pde, PetscInt *n, const TzCondition *conditions[])
{
  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  *n          = pde->nconditions;
  *conditions = pde->condition;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  TzConditionResidual residual;
  const PetscReal    *normal;
} AtPoint;

static PetscErrorCode Residual(TzPDE pde, void *ctx, const PetscReal z[], const TzJet *u, PetscReal *r)
{
  const AtPoint *p = (const AtPoint *)ctx;

  PetscFunctionBegin;
  *r = 0;
  PetscCall((*p->residual)(pde, z, p->normal, u, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEConditionResidual(TzPDE pde, PetscInt c, PetscInt n, const PetscReal X[], const PetscReal normal[], const PetscReal ujet[], PetscReal r[],
                                      PetscReal dr[])
{
  PetscFunctionBegin;
  PetscCall(TzPDEConditionResidualBy(pde, c, n, X, normal, NULL, ujet, r, dr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEConditionResidualBy(TzPDE pde, PetscInt c, PetscInt n, const PetscReal X[], const PetscReal normal[], const PetscReal s[],
                                        const PetscReal ujet[], PetscReal r[], PetscReal dr[])
{
  const TzCondition *condition = &pde->condition[c];
  const PetscInt     D = TzJetCoordinates(&pde->shape), J = TzJetSize(&pde->shape), slots = condition->gradient ? J : 1;
  PetscInt           size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetSourceSize(pde, &size));
  if (dr) PetscCall(PetscArrayzero(dr, n * J));
  for (PetscInt p = 0; p < n; p++) {
    const TzJet u  = TzJetAt(&pde->shape, ujet + p * J);
    AtPoint     at = {condition->residual, condition->place == TZ_AT_BOUNDARY ? normal + p * pde->d : NULL};

    if (condition->value) {
      if (!s) PetscCall(TzPDESources(pde, c, 1, X + p * D, pde->sources));
      r[p] = TzJetValue(&u) - (s ? s[p * size] : pde->sources[0]);
      if (dr) dr[p * J] = 1;
      continue;
    }
    PetscCall(Residual(pde, &at, X + p * D, &u, &r[p]));
    if (dr) PetscCall(TzPDESlotDerivatives(pde, Residual, &at, X + p * D, ujet + p * J, slots, dr + p * J));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
