#include <private/tzzoimpl.h>

/*MC
  TAOSZOSCD - Stochastic zeroth-order sparse coordinate descent (Gu, Feng, Zhao, Ying, Chen and Pan, AAAI 2021)

  A random part of the coordinates is drawn in every step. Each of them moves to theta + lr e_i if the loss is lower there, and to
  theta - lr e_i, unseen, if it is not: 1 query a coordinate.

  Options Database Keys:
+ -zo_sparsity p - part of the coordinates that is drawn (default 0.015)
. -zo_lr lr - length of a move, in units of the parameters (default 1e-3)
. -zo_lr_schedule ... - its course, see schedule.c
- -zo_momentum beta - momentum of the moves (default 0)

  Level: beginner

  Note:
  The paper takes the coordinates one after the other, each from where the last one has led; here all of a step move at once, so that
  their queries are independent and can be shared out. The loss after a move to theta - lr e_i, which the paper's sequence needs, is not asked.
M*/
PetscErrorCode TaoCreate_SZOSCD(Tao tao)
{
  const TzZOPhase phase =
    {.name = "sparse coordinate descent", .estimate = TZ_ZO_POINTS, .direction = TZ_DIRECTION_COORDINATE, .sparsity = 0.015, .lr = 1e-3, .update = TzZODescend};

  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}
