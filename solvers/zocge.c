#include <private/tzzoimpl.h>

const TzZOPhase TzZOPhaseCGE =
  {.name = "CGE, gradient descent", .direction = TZ_DIRECTION_COORDINATE, .mu = 1e-4, .lr = 1e-3, .momentum = 0.9, .update = TzZODescend};

/*MC
  TAOZOCGE - Gradient descent with momentum and a coordinate-wise gradient estimate (CGE)

  Every partial derivative is a difference along a unit vector: g_i = (L(theta + mu e_i) - L(theta))/mu, one query a parameter
  (which losses with the operation `coordinates` evaluate all at once); m <- beta m + g; theta <- theta - lr m.

  Options Database Keys:
+ -zo_mu mu - difference, in units of the parameters (default 1e-4)
. -zo_two_sided - two-sided differences
. -zo_lr lr - learning rate (default 1e-3)
. -zo_lr_schedule ... - its course, see schedule.c
- -zo_momentum beta - momentum (default 0.9)

  Level: beginner
M*/
PetscErrorCode TaoCreate_ZOCGE(Tao tao)
{
  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &TzZOPhaseCGE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
