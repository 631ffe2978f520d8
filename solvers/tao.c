/*
  TAO's own solvers on a TzLoss: the callbacks that each kind needs, on the samples of step 0.

  Their sums (VecDot, MatMult) depend on how a vector is distributed: so the solution, and residuals, lie on rank 0 alone, where the sums of all other
  ranks are exactly 0, and losses and gradients, in which the work is, are evaluated by all ranks. Thus their results have the same bits on any number of ranks.
*/
#include <private/tzzoimpl.h>

#define JACOBIAN_MU    1e-4 /* of the two-sided differences: truncation near 1e-8, rounding near 1e-12 of a residual */
#define JACOBIAN_CHUNK 64   /* coordinates at a time */

typedef enum { NEEDS_GRADIENT, NEEDS_LOSS, NEEDS_RESIDUALS, NEEDS_JACOBIAN, NEEDS_MORE } Needs;

static const struct {
  const char *type;
  Needs       needs;
  const char *more; /* what no loss has */
} Own[] = {
  {"lmvm", NEEDS_GRADIENT, NULL},
  {"blmvm", NEEDS_GRADIENT, NULL},
  {"cg", NEEDS_GRADIENT, NULL},
  {"bncg", NEEDS_GRADIENT, NULL},
  {"bqnls", NEEDS_GRADIENT, NULL},
  {"bqnkls", NEEDS_MORE, "a shifted quasi-Newton matrix, with which newer releases of PETSc do not solve"},
  {"bqnktr", NEEDS_GRADIENT, NULL},
  {"bqnktl", NEEDS_GRADIENT, NULL},
  {"nm", NEEDS_LOSS, NULL},
  {"pounders", NEEDS_RESIDUALS, NULL},
  {"brgn", NEEDS_JACOBIAN, NULL},
  {"nls", NEEDS_MORE, "second derivatives"},
  {"ntr", NEEDS_MORE, "second derivatives"},
  {"ntl", NEEDS_MORE, "second derivatives"},
  {"bnk", NEEDS_MORE, "second derivatives"},
  {"bnls", NEEDS_MORE, "second derivatives"},
  {"bntr", NEEDS_MORE, "second derivatives"},
  {"bntl", NEEDS_MORE, "second derivatives"},
  {"tron", NEEDS_MORE, "second derivatives"},
  {"gpcg", NEEDS_MORE, "a quadratic function"},
  {"bqpip", NEEDS_MORE, "a quadratic function"},
  {"bmrm", NEEDS_MORE, "a regularised risk"},
  {"owlqn", NEEDS_MORE, "a sum of absolute values in the loss"},
  {"ipm", NEEDS_MORE, "constraints"},
  {"pdipm", NEEDS_MORE, "constraints"},
  {"almm", NEEDS_MORE, "constraints"},
  {"admm", NEEDS_MORE, "two objectives"},
  {"lcl", NEEDS_MORE, "a state equation"},
  {"ssils", NEEDS_MORE, "a complementarity problem"},
  {"ssfls", NEEDS_MORE, "a complementarity problem"},
  {"asils", NEEDS_MORE, "a complementarity problem"},
  {"asfls", NEEDS_MORE, "a complementarity problem"},
  {"shell", NEEDS_MORE, "a solver in the user's code"},
  {"python", NEEDS_MORE, "a solver in the user's code"},
  {"snes", NEEDS_MORE, "second derivatives"},
};

/* theta: the whole of x on every rank, until Release() */
static PetscErrorCode Gather(TzLoss loss, Vec x, Vec *theta, const PetscReal **array)
{
  VecScatter all;

  PetscFunctionBegin;
  PetscCall(VecScatterCreateToAll(x, &all, theta));
  PetscCall(VecScatterBegin(all, x, *theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(all, x, *theta, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&all));
  PetscCall(VecGetArrayRead(*theta, array));
  PetscCall(TzLossSample(loss, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Release(Vec *theta, const PetscReal **array)
{
  PetscFunctionBegin;
  PetscCall(VecRestoreArrayRead(*theta, array));
  PetscCall(VecDestroy(theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's part of the numbers that every rank has, all[] */
static PetscErrorCode TakePart(const PetscReal all[], Vec v)
{
  PetscInt   i0, i1;
  PetscReal *own;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(v, &i0, &i1));
  PetscCall(VecGetArrayWrite(v, &own));
  PetscCall(PetscArraycpy(own, all + i0, i1 - i0));
  PetscCall(VecRestoreArrayWrite(v, &own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Objective(Tao tao, Vec x, PetscReal *f, void *ctx)
{
  TzLoss           loss = (TzLoss)ctx;
  Vec              theta;
  const PetscReal *array;

  PetscFunctionBegin;
  (void)tao;
  PetscCall(Gather(loss, x, &theta, &array));
  PetscCall(TzLossObjective(loss, array, f));
  PetscCall(Release(&theta, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveAndGradient(Tao tao, Vec x, PetscReal *f, Vec g, void *ctx)
{
  TzLoss           loss = (TzLoss)ctx;
  Vec              theta;
  PetscReal       *grad;
  const PetscReal *array;
  PetscInt         N;

  PetscFunctionBegin;
  (void)tao;
  PetscCall(VecGetSize(x, &N));
  PetscCall(PetscMalloc1(N, &grad));
  PetscCall(Gather(loss, x, &theta, &array));
  PetscCall(TzLossGradient(loss, array, f, grad));
  PetscCall(Release(&theta, &array));
  PetscCall(TakePart(grad, g));
  PetscCall(PetscFree(grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Least squares: TAO's objective is a factor times the sum of the squares. Residuals are scaled so that it is the loss */
static PetscErrorCode ScaledResiduals(TzLoss loss, PetscReal factor, Vec x, Vec r)
{
  Vec              theta;
  PetscReal       *all;
  const PetscReal *array;
  PetscInt         samples;

  PetscFunctionBegin;
  PetscCall(VecGetSize(r, &samples));
  PetscCall(PetscMalloc1(samples, &all));
  PetscCall(Gather(loss, x, &theta, &array));
  PetscCall(TzLossResidualVector(loss, array, all));
  PetscCall(Release(&theta, &array));
  for (PetscInt i = 0; i < samples; i++) all[i] *= PetscSqrtReal(1 / (factor * samples));
  PetscCall(TakePart(all, r));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residuals_POUNDERS(Tao tao, Vec x, Vec r, void *ctx)
{
  PetscFunctionBegin;
  (void)tao;
  PetscCall(ScaledResiduals((TzLoss)ctx, 1, x, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residuals_BRGN(Tao tao, Vec x, Vec r, void *ctx)
{
  PetscFunctionBegin;
  (void)tao;
  PetscCall(ScaledResiduals((TzLoss)ctx, 0.5, x, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* brgn's J [samples][parameters], by columns on rank 0: two-sided differences along every coordinate */
static PetscErrorCode Jacobian_BRGN(Tao tao, Vec x, Mat J, Mat Jpre, void *ctx)
{
  TzLoss           loss = (TzLoss)ctx;
  TzQueries        q    = {.direction = TZ_DIRECTION_COORDINATE, .mu = JACOBIAN_MU, .twosided = PETSC_TRUE};
  Vec              theta;
  PetscReal       *r, *a;
  const PetscReal *array;
  PetscReal        scale;
  PetscInt         samples, N, rows;

  PetscFunctionBegin;
  (void)tao;
  (void)Jpre;
  PetscCall(MatGetSize(J, &samples, &N));
  scale = PetscSqrtReal(2 / (PetscReal)samples) / (2 * q.mu);
  PetscCall(MatGetLocalSize(J, &rows, NULL));
  PetscCall(PetscMalloc1((size_t)(2 * JACOBIAN_CHUNK) * (size_t)samples, &r));
  PetscCall(Gather(loss, x, &theta, &array));
  PetscCall(MatDenseGetArrayWrite(J, &a));
  for (q.first = 0; q.first < N; q.first += q.n) {
    q.n = PetscMin(JACOBIAN_CHUNK, N - q.first);
    PetscCall(TzLossResidualVectors(loss, array, &q, r));
    for (PetscInt c = 0; c < q.n && rows; c++)
      for (PetscInt i = 0; i < samples; i++)
        a[(size_t)(q.first + c) * (size_t)samples + (size_t)i] = scale * (r[2 * c * samples + i] - r[(2 * c + 1) * samples + i]);
  }
  PetscCall(MatDenseRestoreArrayWrite(J, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscCall(Release(&theta, &array));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loss stays with the Tao whatever type it has or gets */
PetscErrorCode TaoZOSetLoss(Tao tao, TzLoss loss)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectCompose((PetscObject)tao, "TzLoss", (PetscObject)loss));
  PetscCall(TaoSetObjective(tao, Objective, loss));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, ObjectiveAndGradient, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What this type needs; an error if no loss, or not this one, has it */
static PetscErrorCode CheckNeeds(Tao tao, TzLoss loss, Needs *needs)
{
  const char *type      = ((PetscObject)tao)->type_name;
  MPI_Comm    comm      = PetscObjectComm((PetscObject)tao);
  char        work[256] = "";
  const char *more      = NULL;
  PetscBool   gradient, residuals;

  PetscFunctionBegin;
  PetscCall(TzLossHasGradient(loss, &gradient));
  PetscCall(TzLossHasResiduals(loss, &residuals));
  *needs = NEEDS_GRADIENT; /* of a type that somebody else has registered */
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(Own); i++) {
    PetscBool same;

    PetscCall(PetscStrcmp(type, Own[i].type, &same));
    if (same) {
      *needs = Own[i].needs;
      more   = Own[i].more;
    }
    if (!Own[i].more) {
      PetscCall(PetscStrlcat(work, work[0] ? ", " : "", sizeof(work)));
      PetscCall(PetscStrlcat(work, Own[i].type, sizeof(work)));
    }
  }
  PetscCheck(!more, comm, PETSC_ERR_USER_INPUT, "-tao_type %s: needs %s, which Tenzo has not; of TAO's own solvers these work: %s", type, more, work);
  PetscCheck(*needs != NEEDS_GRADIENT || gradient, comm, PETSC_ERR_USER_INPUT,
             "-tao_type %s: needs exact gradients, which a loss of type %s on this network has not; nm does without", type, ((PetscObject)loss)->type_name);
  PetscCheck((*needs != NEEDS_RESIDUALS && *needs != NEEDS_JACOBIAN) || residuals, comm, PETSC_ERR_USER_INPUT,
             "-tao_type %s: least squares need residuals, which a loss of type %s has not: it is no mean of squares", type, ((PetscObject)loss)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* pounders keeps models of second order of every residual, and a list of all evaluations as long as their limit, which it takes for one */
static PetscErrorCode SetResiduals_POUNDERS(Tao tao, TzLoss loss, PetscInt samples, PetscInt n, Vec r)
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)tao);
  const PetscReal N = n, numbers = 2 * N * N * samples + 2 * N * (N + 1) * (2 * N + 1);
  PetscInt        steps, most;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCheck(size == 1, comm, PETSC_ERR_USER_INPUT, "-tao_type pounders: PETSc has it for one rank only, not for %d", size);
  PetscCheck(N * (N + 1) / 2 * (2 * N + 1) < PETSC_MAX_INT && N * N * samples < PETSC_MAX_INT && numbers < 1e9, comm, PETSC_ERR_USER_INPUT,
             "-tao_type pounders: its models take %.3g GiB for %" PetscInt_FMT " parameters and %" PetscInt_FMT " points; it is for some hundred parameters",
             (double)(numbers * sizeof(PetscReal)) / 1073741824, n, samples);
  PetscCall(TaoSetResidualRoutine(tao, r, Residuals_POUNDERS, loss));
  PetscCall(TaoGetMaximumIterations(tao, &steps));
  PetscCall(TaoGetMaximumFunctionEvaluations(tao, &most));
  if (most < 0 || most > 100000000) PetscCall(TaoSetMaximumFunctionEvaluations(tao, n + 1000 + 10 * PetscMin(steps, 1000000)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* brgn leaves the iterations to a Tao of its own, and its monitors and the limit of iterations behind */
static PetscErrorCode MonitorParent(Tao sub, void *ctx)
{
  Tao                parent = (Tao)ctx;
  PetscInt           its, most;
  PetscReal          f, norm, cnorm, step;
  TaoConvergedReason reason;
  Vec                x, y;

  PetscFunctionBegin;
  PetscCall(TaoGetSolution(sub, &x));
  PetscCall(TaoGetSolution(parent, &y));
  PetscCall(VecCopy(x, y));
  PetscCall(TaoGetSolutionStatus(sub, &its, &f, &norm, &cnorm, &step, NULL));
  parent->niter = its;
  PetscCall(TaoMonitor(parent, its, f, norm, cnorm, step));
  PetscCall(TaoGetConvergedReason(parent, &reason));
  PetscCall(TaoGetMaximumIterations(parent, &most));
  if (its >= most) reason = TAO_DIVERGED_MAXITS;
  if (reason != TAO_CONTINUE_ITERATING) PetscCall(TaoSetConvergedReason(sub, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Set up here, without monitors: it would hand them to the Tao of its own, and take their contexts for PETSc's objects */
static PetscErrorCode SetResiduals_BRGN(Tao tao, TzLoss loss, PetscInt samples, Vec x, Vec r)
{
  MPI_Comm       comm     = PetscObjectComm((PetscObject)tao);
  const PetscInt monitors = tao->numbermonitors;
  PetscInt       n;
  PetscMPIInt    rank;
  Mat            J;
  Tao            sub;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(VecGetSize(x, &n));
  PetscCall(TaoSetResidualRoutine(tao, r, Residuals_BRGN, loss));
  PetscCall(MatCreateDense(comm, rank ? 0 : samples, rank ? 0 : n, samples, n, NULL, &J));
  PetscCall(TaoSetJacobianResidualRoutine(tao, J, J, Jacobian_BRGN, loss));
  PetscCall(MatDestroy(&J));
  PetscCall(TaoSetSolution(tao, x));
  tao->numbermonitors = 0;
  PetscCall(TaoSetUp(tao));
  tao->numbermonitors = monitors;
  PetscCall(TaoBRGNGetSubsolver(tao, &sub));
  PetscCall(TaoMonitorSet(sub, MonitorParent, tao, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZOCreateSolution(Tao tao, Vec *x)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)tao);
  TzLoss      loss = NULL;
  PetscInt    n;
  PetscInt    samples;
  PetscMPIInt rank;
  PetscBool   ours, adapts;
  Vec         r;
  Needs       needs = NEEDS_GRADIENT;

  PetscFunctionBegin;
  PetscCall(PetscObjectQuery((PetscObject)tao, "TzLoss", (PetscObject *)&loss));
  PetscCheck(loss && ((PetscObject)tao)->type_name, comm, PETSC_ERR_ORDER, "TaoZOSetLoss() and TaoSetFromOptions() first");
  PetscCall(TzLossGetNumParameters(loss, &n));
  PetscCall(TaoZOIs(tao, &ours));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(VecCreateMPI(comm, ours ? PETSC_DECIDE : rank ? 0 : n, n, x));
  if (ours) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzLossAdapts(loss, &adapts));
  PetscCheck(!adapts, comm, PETSC_ERR_USER_INPUT,
             "-tao_type %s: a solver of TAO's own takes the points and weights of step 0; must be without -loss_adaptive and -loss_weights auto",
             ((PetscObject)tao)->type_name);
  PetscCall(CheckNeeds(tao, loss, &needs));
  if (needs != NEEDS_RESIDUALS && needs != NEEDS_JACOBIAN) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzLossGetNumSamples(loss, &samples));
  PetscCall(VecCreateMPI(comm, rank ? 0 : samples, samples, &r));
  if (needs == NEEDS_RESIDUALS) PetscCall(SetResiduals_POUNDERS(tao, loss, samples, n, r));
  else PetscCall(SetResiduals_BRGN(tao, loss, samples, *x, r));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}
