#include <private/tzzoimpl.h>

/*MC
  TAOSGD - Gradient descent with momentum and the exact gradient of the step's samples (Polyak 1964): m <- beta m + g; theta <- theta - lr m

  Options Database Keys:
+ -zo_lr lr - learning rate (default 1e-3)
. -zo_lr_schedule ... - its course, see schedule.c
- -zo_momentum beta - momentum (default 0.9)

  Level: beginner

  Note:
  A first-order reference for the zeroth-order solvers, whose step, schedule and state it shares.
M*/
PetscErrorCode TaoCreate_SGD(Tao tao)
{
  const TzZOPhase phase = {.name = "exact gradient, momentum", .estimate = TZ_ZO_EXACT, .lr = 1e-3, .momentum = 0.9, .update = TzZODescend};

  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}
