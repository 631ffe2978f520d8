#include <private/tzzoimpl.h>

/*MC
  TAOADAM - Adam (Kingma and Ba 2015) with the exact gradient of the step's samples

  Options Database Keys:
+ -zo_lr lr - learning rate (default 1e-3)
. -zo_lr_schedule ... - its course, see schedule.c
. -zo_momentum beta1 - decay of the first moment (default 0.9)
. -zo_beta2 beta2 - decay of the second moment (default 0.999)
- -zo_epsilon eps - added to the root of the second moment (default 1e-8)

  Level: beginner

  Note:
  A first-order reference for the zeroth-order solvers, whose step, schedule and state it shares.
M*/
PetscErrorCode TaoCreate_Adam(Tao tao)
{
  const TzZOPhase phase =
    {.name = "exact gradient, Adam", .estimate = TZ_ZO_EXACT, .lr = 1e-3, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .update = TzZODescend};

  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}
