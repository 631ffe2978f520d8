/*
  A quadrature rule of a user's own as a library: -rule_type mcnamee, of degree 5 for N(0, I_D) in 2 D^2 + 1 nodes (McNamee and Stenger 1967): the
  origin, +-sqrt(3) on one axis, +-sqrt(3) on each of two axes. For D = 21 that is 883 nodes, 42 fewer than the sparse grid of level 3.
*/
#include <private/tzruleimpl.h>

/* pair j: the nodes z and -z with z = sqrt(3) (e_i + sign e_k); k < 0: one axis alone */
static void AddPair(TzPairs *p, PetscInt *j, PetscInt i, PetscInt k, PetscReal sign, PetscReal weight)
{
  PetscInt e = p->ptr[*j];

  p->idx[e]   = i;
  p->val[e++] = PetscSqrtReal(3);
  if (k >= 0) {
    p->idx[e]   = k;
    p->val[e++] = sign * PetscSqrtReal(3);
  }
  p->w[*j]     = weight;
  p->ptr[++*j] = e;
}

static PetscErrorCode SetUp(TzRule rule)
{
  const PetscReal D = (PetscReal)rule->dim;
  TzPairs        *p = &rule->pairs;
  PetscInt        j = 0;

  PetscFunctionBegin;
  PetscCall(TzRuleAllocate(rule, D * D, D + 2 * D * (D - 1), "-rule_dim", rule->dim));
  p->ptr[0]    = 0;
  p->hascentre = PETSC_TRUE;
  p->w0        = 1 + D * (D - 7) / 18;
  for (PetscInt i = 0; i < rule->dim; i++) AddPair(p, &j, i, -1, 0, (4 - D) / 18);
  for (PetscInt i = 0; i < rule->dim; i++) {
    for (PetscInt k = i + 1; k < rule->dim; k++) {
      AddPair(p, &j, i, k, 1, 1. / 36);
      AddPair(p, &j, i, k, -1, 1. / 36);
    }
  }
  rule->degree = 5;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TzRule rule)
{
  PetscFunctionBegin;
  rule->ops->setup = SetUp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dll_append libmcnamee.so calls this */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_mcnamee(void)
{
  PetscFunctionBegin;
  PetscCall(TzRuleRegister("mcnamee", Create));
  PetscFunctionReturn(PETSC_SUCCESS);
}
