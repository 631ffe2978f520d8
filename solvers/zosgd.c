#include <private/tzzoimpl.h>

void TzZODescend(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[])
{
  for (PetscInt i = 0; i < n; i++) x[i] -= lr * m[i];
}

const TzZOPhase TzZOPhaseSGD =
  {.name = "RGE, gradient descent", .direction = TZ_DIRECTION_GAUSSIAN, .queries = 10, .mu = 1e-4, .lr = 1e-3, .momentum = 0, .update = TzZODescend};

/*MC
  TAOZOSGD - Gradient descent with a random gradient estimate (RGE; Nesterov and Spokoiny 2017; Ghadimi and Lan 2013)

  The gradient is estimated by g = 1/N sum_q (L(theta + mu xi_q) - L(theta))/mu xi_q; m <- beta m + g; theta <- theta - lr m.

  Options Database Keys:
+ -zo_queries N - directions of a step (default 10)
. -zo_direction gaussian|rademacher|hadamard - their distribution (default gaussian)
. -zo_mu mu - smoothing radius, in units of the parameters (default 1e-4)
. -zo_two_sided - differences (L(theta + mu xi) - L(theta - mu xi))/(2 mu): 2N + 1 queries a step
. -zo_lr lr - learning rate (default 1e-3)
. -zo_lr_schedule ... - its course, see schedule.c
- -zo_momentum beta - momentum (default 0)

  Level: beginner

  Notes:
  All queries of step s use the samples of TzLossSample(loss, s) and the directions of the key (seed, s, q).

  The objective that TAO's monitors and tests see is L(theta) at the beginning of the step, on the step's samples; the norm is
  sqrt(1/N sum_q c_q^2) of the differences c_q, whose square is an unbiased estimate of |grad L|^2 where L is linear.
  The tolerances on the gradient are off unless set.
M*/
PetscErrorCode TaoCreate_ZOSGD(Tao tao)
{
  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &TzZOPhaseSGD));
  PetscFunctionReturn(PETSC_SUCCESS);
}
