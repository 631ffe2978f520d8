/* Estimate: the exact gradient of the step's samples, for the first-order references. */
#include <private/tzzoimpl.h>

static PetscErrorCode SetUp(Tao tao, TzZOPhase *phase)
{
  PetscInt   N;
  PetscReal *grad; /* [nparams] */
  PetscBool  has;

  PetscFunctionBegin;
  PetscCall(TzLossHasGradient(((TAO_ZO *)tao->data)->loss, &has));
  PetscCheck(has, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "-tao_type %s: needs exact gradients, which this loss on this network has not; " TAOZOSIGN " does without", ((PetscObject)tao)->type_name);
  PetscCall(VecGetSize(tao->solution, &N));
  PetscCall(PetscMalloc1(N, &grad));
  phase->data = grad;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Estimate(Tao tao, TzZOPhase *phase, PetscReal *l0, PetscReal *norm)
{
  TAO_ZO    *zo   = (TAO_ZO *)tao->data;
  PetscReal *grad = (PetscReal *)phase->data, sum = 0;
  PetscInt   N, i0, i1;

  PetscFunctionBegin;
  PetscCall(VecGetSize(tao->solution, &N));
  PetscCall(VecGetOwnershipRange(tao->solution, &i0, &i1));
  PetscCall(TzLossGradient(zo->loss, zo->theta, l0, grad));
  for (PetscInt i = 0; i < N; i++) sum += grad[i] * grad[i];
  *norm = PetscSqrtReal(sum);
  PetscCall(PetscArraycpy(zo->g, grad + i0, i1 - i0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzZOEstimate TzZOExact = {.setup = SetUp, .estimate = Estimate};
