#include <private/tzzoimpl.h>

/*MC
  TAOSTP - Stochastic three points along coordinates (Bibi, Bergou, Sener, Ghanem and Richtarik, AAAI 2020; Bergou, Gorbunov and Richtarik 2020)

  A random part of the coordinates is drawn in every step. For each of them the loss at theta, theta + lr e_i and theta - lr e_i is compared;
  all of them move to the best of their three points at once: 2 queries a coordinate.

  Options Database Keys:
+ -zo_sparsity p - part of the coordinates that is drawn (default 0.015)
. -zo_lr lr - distance of the three points, in units of the parameters (default 1e-3)
. -zo_lr_schedule ... - its course, see schedule.c
- -zo_momentum beta - momentum of the moves (default 0)

  Level: beginner

  Note:
  The coordinates are drawn uniformly: the constants of smoothness that importance sampling would take are not known for a network.
  Moving one coordinate at a time, as the papers do, would make a step of as many passes one after the other.
M*/
PetscErrorCode TaoCreate_STP(Tao tao)
{
  const TzZOPhase phase = {.name      = "three points along coordinates",
                           .estimate  = TZ_ZO_POINTS,
                           .direction = TZ_DIRECTION_COORDINATE,
                           .twosided  = PETSC_TRUE,
                           .sparsity  = 0.015,
                           .lr        = 1e-3,
                           .update    = TzZODescend};

  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}
