#include <private/tzzoimpl.h>

/*MC
  TAOZOHYBRID - TAOZOSIGN until the loss has not improved for a patience, then TAOZOCGE

  Cheap steps of a random estimate come first, the dear and accurate ones of the coordinate-wise estimate last. The loss of a step improves
  if it is below the best one so far by the tolerance; after -zo_patience steps in a row without improvement the second
  phase begins, with zero momentum, and lasts to the end.

  Options Database Keys:
+ -zo_patience k - steps without improvement after which CGE begins (default 200)
. -zo_patience_window w - the loss is averaged over windows of w steps, one epoch for losses on mini-batches (default 1)
. -zo_patience_tol e - relative improvement that counts: L < best - e |best| (default 1e-3)
. -zo_queries, -zo_direction, -zo_mu, -zo_two_sided, -zo_lr, -zo_momentum - of the first phase, see TAOZOSIGN
. -zo_cge_mu, -zo_cge_two_sided, -zo_cge_lr, -zo_cge_momentum - of the second (default: those of the first; 1e-3; 0.9)
- -zo_lr_schedule ... - of both: in the second phase -zo_lr_min and -zo_lr_values are scaled by cge_lr / lr

  Level: beginner
M*/
PetscErrorCode TaoCreate_ZOHybrid(Tao tao)
{
  const TzZOPhase phases[2] = {TzZOPhaseSign, TzZOPhaseCGE};

  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 2, phases));
  PetscFunctionReturn(PETSC_SUCCESS);
}
