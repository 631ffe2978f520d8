#include <private/tzzoimpl.h>

/* Along the sign; a zero stays where it is */
static void Update_ZOSign(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[])
{
  for (PetscInt i = 0; i < n; i++) x[i] -= lr * ((m[i] > 0) - (m[i] < 0));
}

/* mu, N and momentum: what jobs/paper/ablation.sh found best on both equations at an equal number of queries */
const TzZOPhase TzZOPhaseSign =
  {.name = "RGE, step along the sign", .direction = TZ_DIRECTION_GAUSSIAN, .queries = 5, .mu = 1e-4, .lr = 1e-3, .momentum = 0.9, .update = Update_ZOSign};

/*MC
  TAOZOSIGN - Steps along the sign of a random gradient estimate (ZO-signSGD, Liu, Chen, Chen and Hong 2019)

  The estimate and its momentum are those of TAOZOSGD; every parameter moves by lr: theta <- theta - lr sign(m).

  Options Database Keys:
+ -zo_queries N - directions of a step (default 5); with N = 1 the signs of a step are random up to one common sign
. -zo_direction gaussian|rademacher|hadamard - their distribution (default gaussian)
. -zo_mu mu - smoothing radius, in units of the parameters (default 1e-4)
. -zo_two_sided - two-sided differences
. -zo_lr lr - learning rate: the length of a step in every coordinate (default 1e-3)
. -zo_lr_schedule ... - its course, see schedule.c
- -zo_momentum beta - momentum of the estimate whose sign is taken (default 0.9)

  Level: beginner
M*/
PetscErrorCode TaoCreate_ZOSign(Tao tao)
{
  PetscFunctionBegin;
  PetscCall(TaoZOCreate(tao, 1, &TzZOPhaseSign));
  PetscFunctionReturn(PETSC_SUCCESS);
}
