/*
  Evaluations around many points, shared by the OpenMP threads of a rank (-net_threads). Every thread has an evaluator of its
  own and a contiguous range of the points; a point's result does not depend on the range, so not on the number of threads.
*/
#include <private/tznetimpl.h>

/* What an evaluation is asked for: pairs of a stencil (pairs not NULL) or jets */
typedef struct {
  const PetscReal *X;
  const TzPairs   *pairs;
  PetscReal        s;
  PetscInt         j0, j1, nlap;
  PetscReal       *f0, *even, *odd, *jet;
} TzTask;

PetscErrorCode TzThreadsDestroy(TzNetEval eval)
{
  PetscFunctionBegin;
  if (!eval->team) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt t = 0; t < eval->net->threads - 1; t++) PetscCall(TzNetEvalDestroy(&eval->team[t]));
  PetscCall(PetscFree(eval->team));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TeamCreate(TzNetEval eval)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(eval->net->threads - 1, &eval->team));
  for (PetscInt t = 0; t < eval->net->threads - 1; t++) {
    PetscCall(TzNetEvalCreate(eval->net, &eval->team[t]));
    eval->team[t]->leader = eval;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points p0 <= p < p1 of the task */
static PetscErrorCode Part(TzNetEval eval, const TzTask *t, PetscInt p0, PetscInt p1)
{
  const PetscInt   in = eval->net->in, m = t->j1 - t->j0, n = p1 - p0;
  const PetscReal *X = t->X + p0 * in;

  PetscFunctionBegin;
  if (n <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (eval->leader && eval->serial != eval->leader->serial) {
    PetscCall(PetscArraycpy(eval->theta, eval->leader->theta, eval->net->nparams));
    eval->serial = eval->leader->serial;
  }
  if (eval->net->reference) {
    if (t->pairs) PetscCall(TzNetEvalStencil_Reference(eval, n, X, t->pairs, t->s, t->j0, t->j1, t->f0 + p0, t->even + p0 * m, t->odd + p0 * m));
    else PetscCall(TzNetEvalJet_Reference(eval, n, X, t->nlap, t->jet + p0 * (in + 2)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzEvalBuild(eval));
  if (t->pairs) PetscCall(TzNetEvalStencil_Fast(eval, n, X, t->pairs, t->s, t->j0, t->j1, t->f0 + p0, t->even + p0 * m, t->odd + p0 * m));
  else PetscCall(TzNetEvalJet_Fast(eval, n, X, t->nlap, t->jet + p0 * (in + 2)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(TzNetEval eval, const TzTask *task, PetscInt n)
{
  const PetscInt threads = eval->net->threads;
  int            failed  = 0;

  PetscFunctionBegin;
  if (threads == 1 || n == 1) {
    PetscCall(Part(eval, task, 0, n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!eval->team) PetscCall(TeamCreate(eval));
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(max : failed)
  for (PetscInt t = 0; t < threads; t++) {
    const PetscErrorCode ierr = Part(t ? eval->team[t - 1] : eval, task, t * n / threads, (t + 1) * n / threads);

    failed = PetscMax(failed, (int)ierr);
  }
  PetscCall((PetscErrorCode)failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalStencil(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1, PetscReal f0[],
                                PetscReal even[], PetscReal odd[])
{
  const TzTask task = {.X = X, .pairs = pairs, .s = s, .j0 = j0, .j1 = j1, .f0 = f0, .even = even, .odd = odd};

  PetscFunctionBegin;
  PetscCall(Run(eval, &task, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJet(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, PetscReal jet[])
{
  const TzTask task = {.X = X, .nlap = nlap, .jet = jet};

  PetscFunctionBegin;
  PetscCall(Run(eval, &task, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
