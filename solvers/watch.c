/*
  What a run would otherwise not tell: parameters that do not move, a loss that does not fall (warnings, once), and how good the estimate of the gradient is
  (-tz_check_gradient). Nothing here changes a result.
*/
#include <private/tzzoimpl.h>

#define WINDOW  500 /* steps over which the loss is averaged */
#define WINDOWS 4   /* in a row without improvement */
#define FALL    0.01

#define STILL 50 /* steps */

/* Updates below the rounding of the parameters, or steps that are all refused: told once */
static PetscErrorCode WatchParameters(Tao tao)
{
  TAO_ZO  *zo   = (TAO_ZO *)tao->data;
  uint64_t hash = UINT64_C(0xcbf29ce484222325), bits;
  PetscInt N;

  PetscFunctionBegin;
  PetscCall(VecGetSize(tao->solution, &N));
  for (PetscInt i = 0; i < N; i++) {
    memcpy(&bits, &zo->theta[i], sizeof(bits));
    hash = (hash ^ bits) * UINT64_C(0x100000001b3);
  }
  zo->still = (PetscInt64)hash == zo->bits ? zo->still + 1 : 0;
  zo->bits  = (PetscInt64)hash;
  if (zo->still != STILL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFPrintf(PetscObjectComm((PetscObject)tao), stderr,
                         "tenzo: warning: the parameters have not changed in %d steps: the learning rate, %g, moves nothing, or no step lowers the loss\n",
                         STILL, (double)zo->rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loss of a step is one of a few samples: means over windows are compared */
static PetscErrorCode WatchLoss(Tao tao, PetscReal l0)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  PetscReal mean;

  PetscFunctionBegin;
  zo->watch.sum += l0;
  if (++zo->watch.steps < WINDOW) PetscFunctionReturn(PETSC_SUCCESS);
  mean             = zo->watch.sum / WINDOW;
  zo->watch.sum    = 0;
  zo->watch.steps  = 0;
  zo->watch.stalls = zo->watch.windows++ && !(mean < (1 - FALL) * zo->watch.best) ? zo->watch.stalls + 1 : 0;
  if (!zo->watch.stalls) zo->watch.best = mean;
  if (zo->watch.stalls < WINDOWS || zo->watch.told) PetscFunctionReturn(PETSC_SUCCESS);
  zo->watch.told = PETSC_TRUE;
  PetscCall(PetscFPrintf(PetscObjectComm((PetscObject)tao), stderr,
                         "tenzo: warning: step %" PetscInt_FMT ": the loss has not fallen for %d steps: %.3g on average, %.3g before; a smaller learning rate "
                         "(now %g, -zo_lr_schedule) or a better gradient (-zo_queries, -tz_check_gradient) may get further, unless it has arrived\n",
                         (PetscInt)zo->state.step + 1, WINDOW * WINDOWS, (double)mean, (double)zo->watch.best, (double)zo->rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzZOWatch(Tao tao, PetscReal l0)
{
  PetscFunctionBegin;
  PetscCall(WatchParameters(tao));
  PetscCall(WatchLoss(tao, l0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The cosine that exact derivatives c_q = grad . xi_q along N directions of n parameters give g = sum_q c_q xi_q / N on average, from E g . grad = |grad|^2
  and E |g|^2: N(0, I) (N + n + 1) / N |grad|^2; independent signs (N + n - 1) / N, to order 1/n; orthogonal ones n / N
*/
static PetscReal ExpectedCosine(const TzZOPhase *phase, PetscReal n)
{
  const PetscReal N = phase->queries;

  if (phase->estimate != &TzZODifference) return 1;
  switch (phase->direction) {
  case TZ_DIRECTION_GAUSSIAN: return PetscSqrtReal(N / (N + n + 1));
  case TZ_DIRECTION_RADEMACHER: return PetscSqrtReal(N / (N + n - 1));
  case TZ_DIRECTION_HADAMARD: return PetscSqrtReal(PetscMin(N / n, 1));
  default: return 1;
  }
}

PetscErrorCode TzZOCheckGradient(Tao tao, const TzZOPhase *phase)
{
  TAO_ZO         *zo   = (TAO_ZO *)tao->data;
  const MPI_Comm  comm = PetscObjectComm((PetscObject)tao);
  const PetscInt *range;
  PetscMPIInt     rank;
  PetscReal      *grad, l, sum[3] = {0, 0, 0};
  PetscInt        N;
  TzCounts        counts;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(VecGetSize(tao->solution, &N));
  PetscCall(VecGetOwnershipRanges(tao->solution, &range));
  PetscCall(TzLossGetCounts(zo->loss, &counts));
  PetscCall(PetscMalloc1(N, &grad));
  PetscCall(TzLossGradient(zo->loss, zo->theta, &l, grad));
  PetscCall(TzLossSetCounts(zo->loss, &counts)); /* no part of the run */
  for (PetscInt i = range[rank]; i < range[rank + 1]; i++) {
    const PetscReal g = zo->g[i - range[rank]];

    sum[0] += g * grad[i];
    sum[1] += g * g;
    sum[2] += grad[i] * grad[i];
  }
  PetscCall(PetscFree(grad));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPIU_REAL, MPI_SUM, comm));
  PetscCall(PetscPrintf(comm, "step %" PetscInt_FMT ": cosine of the estimate with the exact gradient %.4f, expected %.4f; norms %.4g, %.4g\n",
                        (PetscInt)zo->state.step + 1, (double)(sum[1] > 0 && sum[2] > 0 ? sum[0] / PetscSqrtReal(sum[1] * sum[2]) : 0),
                        (double)ExpectedCosine(phase, N), (double)PetscSqrtReal(sum[1]), (double)PetscSqrtReal(sum[2])));
  PetscFunctionReturn(PETSC_SUCCESS);
}
