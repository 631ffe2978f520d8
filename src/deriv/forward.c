/*
  Exact derivatives by forward propagation of value, gradient and second-order forms through the layers (TzNetEvalJet). One forward
  evaluation a point: the "AD" of the paper's tables, without a backward pass.
*/
#include <private/tzderivimpl.h>
#include <tzshell.h>

static PetscErrorCode SetUp_Forward(TzDeriv deriv)
{
  TzPrecision precision;
  PetscBool   has;

  PetscFunctionBegin;
  PetscCall(TzNetHasDerivatives(deriv->net, &has));
  PetscCheck(has, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT,
             "-deriv_type forward: this network (-net_type, -net_activation_bits, -net_noise_value) has values only; stein and fd need no more");
  PetscCall(TzNetGetPrecision(deriv->net, &precision));
  PetscCheck(precision == TZ_PRECISION_DOUBLE, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT,
             "-net_precision single: is for -deriv_type stein or fd; forward has double precision only");
  deriv->blocks   = 1;
  deriv->forwards = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Partial_Forward(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[])
{
  PetscFunctionBegin;
  (void)k;
  PetscCall(TzNetEvalJet(eval, n, X, &deriv->shape, partial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Adjoint_Forward(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalJetBackward(eval, n, X, &deriv->shape, jetbar, grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCreate_Forward(TzDeriv deriv)
{
  PetscFunctionBegin;
  deriv->ops->setup       = SetUp_Forward;
  deriv->ops->partial     = Partial_Forward;
  deriv->ops->coordinates = TzDerivCoordinates_Forward;
  deriv->ops->adjoint     = Adjoint_Forward;
  PetscFunctionReturn(PETSC_SUCCESS);
}
