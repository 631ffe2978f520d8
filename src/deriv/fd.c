/*
  Central finite differences with step h in every coordinate: (f(x+h e_i) - f(x-h e_i)) / 2h and
  sum_i (f(x+h e_i) + f(x-h e_i) - 2 f(x)) / h^2. 2D + 1 evaluations a point; exact for polynomials of degree 2 (gradient)
  and 3 (Laplacian).

  Options: -fd_step h (default 0.01, in units of x)
*/
#include <private/tzderivimpl.h>

typedef struct {
  PetscReal h;
  TzPairs   pairs;
} TzFD;

static PetscErrorCode SetFromOptions_FD(TzDeriv deriv, TzOptionItems PetscOptionsObject)
{
  TzFD *fd = (TzFD *)deriv->data;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Finite differences");
  PetscCall(TzOptionsReal("-fd_step", "Step of the central differences, in units of x (> 0)", "TzDerivSetType", fd->h, &fd->h, NULL));
  PetscCheck(fd->h > 0 && fd->h <= 1e6, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT, "-fd_step %g: must be positive", (double)fd->h);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreePairs(TzPairs *pairs)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(pairs->ptr, pairs->idx, pairs->val, pairs->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_FD(TzDeriv deriv)
{
  TzFD          *fd    = (TzFD *)deriv->data;
  TzPairs       *pairs = &fd->pairs;
  const PetscInt D     = deriv->D;

  PetscFunctionBegin;
  PetscCall(FreePairs(pairs));
  PetscCall(PetscMalloc4(D + 1, &pairs->ptr, D, &pairs->idx, D, &pairs->val, D, &pairs->w));
  pairs->dim       = D;
  pairs->npairs    = D;
  pairs->hascentre = PETSC_TRUE;
  pairs->w0        = 1;
  for (PetscInt i = 0; i <= D; i++) pairs->ptr[i] = i;
  for (PetscInt i = 0; i < D; i++) {
    pairs->idx[i] = i;
    pairs->val[i] = 1;
    pairs->w[i]   = 0;
  }
  PetscCall(TzDerivStencilSetUp(deriv, pairs, fd->h));
  for (PetscInt i = 0; i < D; i++) {
    deriv->stencil.value[i] = 0;
    deriv->stencil.grad[i]  = 1 / (2 * fd->h);
    deriv->stencil.lap[i]   = i < deriv->d ? 1 / (fd->h * fd->h) : 0;
  }
  deriv->forwards = 2 * D + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_FD(TzDeriv deriv, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  step %g\n", (double)((TzFD *)deriv->data)->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_FD(TzDeriv deriv)
{
  PetscFunctionBegin;
  PetscCall(FreePairs(&((TzFD *)deriv->data)->pairs));
  PetscCall(PetscFree(deriv->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCreate_FD(TzDeriv deriv)
{
  TzFD *fd;

  PetscFunctionBegin;
  PetscCall(PetscNew(&fd));
  deriv->data                = fd;
  fd->h                      = 0.01;
  deriv->ops->setfromoptions = SetFromOptions_FD;
  deriv->ops->setup          = SetUp_FD;
  deriv->ops->partial        = TzDerivPartial_Stencil;
  deriv->ops->coordinates    = TzDerivCoordinates_Stencil;
  deriv->ops->adjoint        = TzDerivAdjoint_Stencil;
  deriv->ops->view           = View_FD;
  deriv->ops->destroy        = Destroy_FD;
  PetscFunctionReturn(PETSC_SUCCESS);
}
