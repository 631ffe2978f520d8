#include <private/tzzoimpl.h>

/*MC
  TAOZOADAM - Adam's moments (Kingma and Ba 2015) of a random gradient estimate (ZO-AdaMM, Chen et al. 2019)

  Options Database Keys:
+ -zo_queries, -zo_direction, -zo_mu, -zo_two_sided, -zo_lr, -zo_lr_schedule - as in TAOZOSGD
. -zo_momentum beta1 - decay of the first moment (default 0.9)
. -zo_beta2 beta2 - decay of the second moment (default 0.999)
- -zo_epsilon eps - added to the root of the second moment (default 1e-8)

  Level: beginner
M*/
PetscErrorCode TaoCreate_ZOAdam(Tao tao)
{
  TzZOPhase phase = TzZOPhaseSGD;

  PetscFunctionBegin;
  phase.name     = "RGE, Adam";
  phase.momentum = 0.9;
  phase.beta2    = 0.999;
  phase.epsilon  = 1e-8;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}
