/*
  An estimator of a user's own as a library: -deriv_type fd4, central differences of order 4 (step -fd4_step, default 0.05). An estimator on a stencil gives
  the nodes x +- s z_j and the coefficients of the differences there; what is done with them (blocks, ranks, gradients, coordinate queries) is Tenzo's.

  Along a direction v:  (8 odd(v) - odd(2v)) / 12h  is the first derivative,  (16 even(v) - even(2v)) / 12h^2  the second, D_v. With the axes e_i and, where a
  form is not diagonal, e_i + e_j:  S : Hess u = sum_i (S_ii - sum_j S_ij) D_i + sum_{i<j} S_ij D_ij.
*/
#include <private/tzderivimpl.h>

typedef struct {
  PetscReal h;
  TzPairs   pairs; /* z_2k: direction k, z_2k+1: twice it */
} FD4;

static PetscErrorCode SetFromOptions(TzDeriv deriv, TzOptionItems PetscOptionsObject)
{
  FD4 *fd = (FD4 *)deriv->data;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Differences of order 4");
  PetscCall(TzOptionsReal("-fd4_step", "Step, in units of x (> 0)", "TzDerivSetType", fd->h, &fd->h, NULL));
  PetscCheck(fd->h > 0, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT, "-fd4_step %g: must be positive", (double)fd->h);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The direction e_i, or e_i + e_j */
static void Add(TzPairs *p, PetscInt i, PetscInt j)
{
  for (PetscInt twice = 1; twice <= 2; twice++) {
    PetscInt e = p->ptr[p->npairs];

    p->idx[e]   = i;
    p->val[e++] = (PetscReal)twice;
    if (j > i) {
      p->idx[e]   = j;
      p->val[e++] = (PetscReal)twice;
    }
    p->w[p->npairs]     = 0;
    p->ptr[++p->npairs] = e;
  }
}

/* of form S at node j */
static PetscReal Coefficient(TzDeriv deriv, PetscInt j, const TzFormAt *S, PETSC_UNUSED PetscReal trace)
{
  const TzPairs  *p = deriv->stencil.pairs;
  const PetscInt *i = p->idx + p->ptr[j];
  const PetscReal h = deriv->stencil.s;
  PetscReal       weight;

  if (i[0] >= deriv->d) return 0; /* t */
  if (p->ptr[j + 1] - p->ptr[j] == 2) weight = TzFormEntry(S, i[0], i[1]);
  else {
    weight = TzFormEntry(S, i[0], i[0]);
    for (PetscInt k = 0; S->S && k < deriv->d; k++)
      if (k != i[0]) weight -= TzFormEntry(S, i[0], k);
  }
  return weight * (j % 2 ? -1 : 16) / (12 * h * h);
}

static PetscErrorCode SetUp(TzDeriv deriv)
{
  FD4           *fd = (FD4 *)deriv->data;
  TzStencil     *st = &deriv->stencil;
  TzPairs       *p  = &fd->pairs;
  const PetscInt d = deriv->d, D = deriv->D, most = 2 * (D + d * (d - 1) / 2);
  PetscBool      full = PETSC_FALSE;

  PetscFunctionBegin;
  for (PetscInt q = 0; q < deriv->shape.nforms; q++)
    if (deriv->shape.form[q].type == TZ_FORM_MATRIX || deriv->shape.form[q].type == TZ_FORM_MATRIXFIELD) full = PETSC_TRUE;
  PetscCall(PetscFree4(p->ptr, p->idx, p->val, p->w));
  PetscCall(PetscMalloc4(most + 1, &p->ptr, 2 * most, &p->idx, 2 * most, &p->val, most, &p->w));
  p->dim       = D;
  p->npairs    = 0;
  p->ptr[0]    = 0;
  p->hascentre = PETSC_TRUE;
  p->w0        = 1;
  for (PetscInt i = 0; i < D; i++) Add(p, i, i);
  for (PetscInt i = 0; i < d && full; i++)
    for (PetscInt j = i + 1; j < d; j++) Add(p, i, j);
  PetscCall(TzDerivStencilSetUp(deriv, p, fd->h));
  for (PetscInt j = 0; j < p->npairs; j++) st->value[j] = 0;
  for (PetscInt e = 0; e < p->ptr[p->npairs]; e++) st->grad[e] = e >= 2 * D ? 0 : (e % 2 ? -1 : 8) / (12 * fd->h);
  st->coefficient = Coefficient;
  PetscCall(TzDerivStencilForms(deriv));
  deriv->forwards = 2 * p->npairs + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzDeriv deriv)
{
  TzPairs *p = &((FD4 *)deriv->data)->pairs;

  PetscFunctionBegin;
  PetscCall(PetscFree4(p->ptr, p->idx, p->val, p->w));
  PetscCall(PetscFree(deriv->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzDeriv deriv)
{
  FD4 *fd;

  PetscFunctionBegin;
  PetscCall(PetscNew(&fd));
  fd->h                      = 0.05;
  deriv->data                = fd;
  deriv->ops->setfromoptions = SetFromOptions;
  deriv->ops->setup          = SetUp;
  deriv->ops->partial        = TzDerivPartial_Stencil;
  deriv->ops->adjoint        = TzDerivAdjoint_Stencil;
  deriv->ops->coordinates    = TzDerivCoordinates_Stencil;
  deriv->ops->destroy        = Destroy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dll_append libfd4.so calls this */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_fd4(void)
{
  PetscFunctionBegin;
  PetscCall(TzDerivRegister("fd4", Create));
  PetscFunctionReturn(PETSC_SUCCESS);
}
