/*
  "functions": an equation by a program's functions of many points at once. Not in the table: TzPDESetFunctions() makes it known.
*/
#include <private/tzpdeimpl.h>

static PetscErrorCode TzPDETransforms_Functions(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal a[], PetscReal b[])
{
  const TzPDEFunctions *f = (const TzPDEFunctions *)pde->data;

  PetscFunctionBegin;
  PetscCall((*f->transform)(f->ctx, n, X, a, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResiduals_Functions(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal dr[])
{
  const TzPDEFunctions *f = (const TzPDEFunctions *)pde->data;

  PetscFunctionBegin;
  PetscCall((*f->residual)(f->ctx, n, X, ujet, r, dr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEExact_Functions(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const TzPDEFunctions *f = (const TzPDEFunctions *)pde->data;

  PetscFunctionBegin;
  PetscCall((*f->exact)(f->ctx, 1, z, u, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_Functions(TzPDE pde)
{
  const TzPDEFunctions *f = (const TzPDEFunctions *)pde->data;

  PetscFunctionBegin;
  PetscCheck(f->transform && f->residual, PetscObjectComm((PetscObject)pde), PETSC_ERR_ARG_WRONGSTATE,
             "TzPDESetFunctions(): transform and residual are needed");
  if (f->order == 2) PetscCall(TzPDEAddSecondDerivatives(pde, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDECreate_Functions(TzPDE pde)
{
  TzPDEFunctions *f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  pde->data            = f;
  pde->formula         = "given by a program's functions";
  pde->ops->transforms = TzPDETransforms_Functions;
  pde->ops->residuals  = TzPDEResiduals_Functions;
  pde->ops->setup      = TzPDESetUp_Functions;
  pde->ops->destroy    = TzPDEDestroyData;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESetFunctions(TzPDE pde, const TzPDEFunctions *functions)
{
  PetscFunctionBegin;
  PetscCall(TzPDERegister("functions", TzPDECreate_Functions));
  PetscCall(TzPDESetType(pde, "functions"));
  *(TzPDEFunctions *)pde->data = *functions;
  pde->lo                      = functions->lo;
  pde->hi                      = functions->hi;
  pde->T                       = functions->T;
  pde->diffusion               = functions->diffusion;
  pde->stationary              = functions->stationary;
  pde->firstorder              = (PetscBool)!functions->order;
  pde->ops->exact              = functions->exact ? TzPDEExact_Functions : NULL;
  pde->setupcalled             = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
