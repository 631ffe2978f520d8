/*
  Work on many points, shared by the OpenMP threads of a rank (-net_threads). Every thread has an evaluator of its own and a
  contiguous range of the points; a point's result does not depend on the range, so not on the number of threads.
*/
#include <private/tznetimpl.h>

typedef struct {
  PetscInt   n; /* other threads */
  TzNetEval *eval;
} Threads;

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  Threads *t = (Threads *)what;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < t->n; k++) PetscCall(TzNetEvalDestroy(&t->eval[k]));
  PetscCall(PetscFree(t->eval));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Evaluators for n other threads, kept from call to call; more of them when -net_threads has grown */
static PetscErrorCode Reserve(TzNetEval eval, PetscInt n, Threads **threads)
{
  Threads   *t = (Threads *)TzEvalAttached(eval, Destroy);
  TzNetEval *more;

  PetscFunctionBegin;
  if (!t) {
    PetscCall(PetscNew(&t));
    PetscCall(TzEvalAttach(eval, Destroy, t));
  }
  *threads = t;
  if (n <= t->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &more));
  PetscCall(PetscArraycpy(more, t->eval, t->n));
  PetscCall(PetscFree(t->eval));
  for (t->eval = more; t->n < n; t->n++) {
    PetscCall(TzNetEvalCreate(eval->net, &more[t->n]));
    more[t->n]->leader = eval;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By a thread's evaluator, bound as its leader is */
static PetscErrorCode Part(TzNetEval eval, TzThreadsPart part, const void *task, PetscInt p0, PetscInt p1)
{
  PetscFunctionBegin;
  if (p0 >= p1) PetscFunctionReturn(PETSC_SUCCESS);
  if (eval->leader && eval->serial != eval->leader->serial) {
    PetscCall(PetscArraycpy(eval->theta, eval->leader->theta, eval->net->nparams));
    eval->serial = eval->leader->serial;
  }
  PetscCall((*part)(eval, task, p0, p1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Evaluators allocate at their first use: with PETSc's own tracing of memory, or of calls, the threads' parts go one after the other */
static PetscErrorCode AtOnce(PetscBool *atonce)
{
  PetscBool tracing = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscMallocGetDebug(&tracing, NULL, NULL));
  *atonce = (PetscBool)!tracing;
#if defined(PETSC_USE_DEBUG) && !defined(PETSC_HAVE_THREADSAFETY)
  *atonce = PETSC_FALSE;
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzThreadsRun(TzNetEval eval, PetscInt n, TzThreadsPart part, const void *task)
{
  const PetscInt threads = PetscMin(eval->net->threads, n);
  int            failed  = 0;
  PetscBool      atonce  = PETSC_FALSE;
  Threads       *t;

  PetscFunctionBegin;
  if (threads <= 1) {
    PetscCall(Part(eval, part, task, 0, n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Reserve(eval, threads - 1, &t));
  PetscCall(AtOnce(&atonce));
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(max : failed) if (atonce)
  for (PetscInt k = 0; k < threads; k++) {
    const PetscErrorCode ierr = Part(k ? t->eval[k - 1] : eval, part, task, (PetscInt)((PetscInt64)k * n / threads),
                                     (PetscInt)((PetscInt64)(k + 1) * n / threads));

    failed = PetscMax(failed, (int)ierr);
  }
  PetscCall((PetscErrorCode)failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
