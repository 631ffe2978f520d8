/*
  The public evaluations of a network: they check what they are given, choose between the shell, the reference and the fast evaluation,
  share points between threads, and give gradients of networks without biases room for them. The rooms below do the work.
*/
#include <private/tznetimpl.h>

/* n rows of inputs, bound */
static PetscErrorCode Check(TzNetEval eval, PetscInt n)
{
  PetscFunctionBegin;
  PetscCheck(eval->serial && eval->net->setupcalled && eval->version == eval->net->version, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "TzNetEvalBind() first, and again when the network has changed");
  PetscCheck(n >= 0 && (PetscInt64)n * PetscMax(eval->net->in, eval->net->out) <= PETSC_MAX_INT, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%" PetscInt_FMT " rows of %" PetscInt_FMT " inputs", n, eval->net->in);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckScalar(TzNetEval eval, PetscInt n)
{
  PetscFunctionBegin;
  PetscCall(Check(eval, n));
  PetscCheck(eval->net->out == 1, PETSC_COMM_SELF, PETSC_ERR_SUP, "derivatives are those of networks with one output; this one has %" PetscInt_FMT,
             eval->net->out);
  PetscCheck(!TzNetHasPlaces(eval->net), PETSC_COMM_SELF, PETSC_ERR_SUP, "derivatives are those of networks without convolutions and tables of tokens");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Estimators and solvers ask TzNetHasDerivatives() before they start */
static PetscErrorCode CheckDerivatives(TzNetEval eval)
{
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(TzNetHasDerivatives(eval->net, &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "this network (-net_type, -net_activation_bits, -net_noise_value) has values only: no derivatives, no gradients");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckStencil(TzNetEval eval, PetscInt n, const TzPairs *pairs, PetscInt j0, PetscInt j1)
{
  PetscFunctionBegin;
  PetscCall(CheckScalar(eval, n));
  PetscCheck(pairs->dim == eval->net->in, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a stencil in %" PetscInt_FMT " dimensions, a network with %" PetscInt_FMT " inputs", pairs->dim, eval->net->in);
  PetscCheck(0 <= j0 && j0 <= j1 && j1 <= pairs->npairs, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "pairs %" PetscInt_FMT " to %" PetscInt_FMT " of a stencil of %" PetscInt_FMT, j0, j1, pairs->npairs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fields of a shape at the points, which the user's functions give: here, not in the threads. F is to be freed. */
static PetscErrorCode Fields(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, PetscReal **F)
{
  PetscFunctionBegin;
  PetscCall(CheckScalar(eval, n));
  PetscCall(CheckDerivatives(eval));
  PetscCheck(TzJetCoordinates(shape) == eval->net->in, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "jets in %" PetscInt_FMT " coordinates, a network with %" PetscInt_FMT " inputs", TzJetCoordinates(shape), eval->net->in);
  PetscCall(PetscMalloc1(n * TzJetFieldSize(shape), F));
  PetscCall(TzJetFields(shape, n, X, *F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalForward(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  PetscFunctionBegin;
  PetscCall(Check(eval, n));
  TzModelCountRows(eval->net, n);
  if (eval->net->reference || TzNetIsValues(eval->net)) PetscCall(TzEvalValues(eval, n, X, Y));
  else if (eval->net->out > 1 || TzNetHasPlaces(eval->net)) PetscCall(TzNetEvalForward_Columns(eval, n, X, Y));
  else {
    PetscCall(TzEvalBuild(eval));
    PetscCall(TzNetEvalForward_Fast(eval, n, X, Y));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------- derivatives ---------------------------------------------------------- */

/* pairs of a stencil, or jets where pairs is NULL */
typedef struct {
  const PetscReal *X;
  const TzPairs   *pairs;
  PetscReal        s;
  PetscInt         j0, j1;
  PetscReal       *f0, *even, *odd, *jet, *F;

  const TzJetShape *shape;
} Task;

/* Points p0 <= p < p1 */
static PetscErrorCode StencilPart(TzNetEval eval, const void *task, PetscInt p0, PetscInt p1)
{
  const Task      *t = (const Task *)task;
  const PetscInt   m = t->j1 - t->j0, n = p1 - p0;
  const PetscReal *X = t->X + p0 * eval->net->in;

  PetscFunctionBegin;
  if (eval->net->reference || TzNetIsValues(eval->net))
    PetscCall(TzNetEvalStencil_Values(eval, n, X, t->pairs, t->s, t->j0, t->j1, t->f0 + p0, t->even + p0 * m, t->odd + p0 * m));
  else {
    PetscCall(TzEvalBuild(eval));
    PetscCall(TzNetEvalStencil_Fast(eval, n, X, t->pairs, t->s, t->j0, t->j1, t->f0 + p0, t->even + p0 * m, t->odd + p0 * m));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalStencil(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1, PetscReal f0[],
                                PetscReal even[], PetscReal odd[])
{
  const Task task = {.X = X, .pairs = pairs, .s = s, .j0 = j0, .j1 = j1, .f0 = f0, .even = even, .odd = odd};

  PetscFunctionBegin;
  PetscCall(CheckStencil(eval, n, pairs, j0, j1));
  TzModelCountRows(eval->net, (PetscInt64)n * (1 + 2 * (j1 - j0)));
  PetscCall(TzThreadsRun(eval, n, StencilPart, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JetPart(TzNetEval eval, const void *task, PetscInt p0, PetscInt p1)
{
  const Task      *t = (const Task *)task;
  const PetscReal *X = t->X + p0 * eval->net->in, *F = t->F + p0 * TzJetFieldSize(t->shape);
  PetscReal       *jet = t->jet + p0 * TzJetSize(t->shape);

  PetscFunctionBegin;
  if (eval->net->reference) PetscCall(TzNetEvalJet_Reference(eval, p1 - p0, X, t->shape, F, jet));
  else {
    PetscCall(TzEvalBuild(eval));
    PetscCall(TzNetEvalJet_Fast(eval, p1 - p0, X, t->shape, F, jet));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJet(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, PetscReal jet[])
{
  Task task = {.X = X, .shape = shape, .jet = jet};

  PetscFunctionBegin;
  PetscCall(Fields(eval, n, X, shape, &task.F));
  TzModelCountRows(eval->net, n);
  PetscCall(TzThreadsRun(eval, n, JetPart, &task));
  PetscCall(PetscFree(task.F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------- gradients ----------------------------------------------------------- */

/* full [nfull] for a gradient that is added to grad [nparams]; the same array but for a network without biases */
static PetscErrorCode Open(TzNet net, PetscReal grad[], PetscReal **full)
{
  PetscFunctionBegin;
  *full = grad;
  if (net->bias) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(net->nfull, full));
  PetscCall(PetscArraycpy(*full, grad, net->nparams));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Close(TzNet net, PetscReal grad[], PetscReal **full)
{
  PetscFunctionBegin;
  if (net->bias) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(grad, *full, net->nparams));
  PetscCall(PetscFree(*full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBackward(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal Ybar[], PetscReal grad[])
{
  PetscReal *full;

  PetscFunctionBegin;
  PetscCall(Check(eval, n));
  PetscCall(CheckDerivatives(eval));
  PetscCall(Open(eval->net, grad, &full));
  PetscCall(TzNetEvalBackward_Fast(eval, n, X, Ybar, full));
  PetscCall(Close(eval->net, grad, &full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalBackwardRule(TzNetEval eval, PetscInt n, const PetscReal X[], TzNetRule rule, void *ctx, PetscReal grad[])
{
  PetscReal *full;

  PetscFunctionBegin;
  PetscCall(Check(eval, n));
  PetscCall(CheckDerivatives(eval));
  PetscCall(Open(eval->net, grad, &full));
  PetscCall(TzNetEvalBackwardRule_Fast(eval, n, X, rule, ctx, full));
  PetscCall(Close(eval->net, grad, &full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalStencilBackward(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1,
                                        const PetscReal f0bar[], const PetscReal evenbar[], const PetscReal oddbar[], PetscReal grad[])
{
  PetscReal *full;

  PetscFunctionBegin;
  PetscCall(CheckStencil(eval, n, pairs, j0, j1));
  PetscCall(CheckDerivatives(eval));
  PetscCall(TzEvalBuild(eval));
  PetscCall(Open(eval->net, grad, &full));
  PetscCall(TzNetEvalStencilBackward_Fast(eval, n, X, pairs, s, j0, j1, f0bar, evenbar, oddbar, full));
  PetscCall(Close(eval->net, grad, &full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalJetBackward(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal jetbar[], PetscReal grad[])
{
  PetscReal *full, *F;

  PetscFunctionBegin;
  PetscCall(Fields(eval, n, X, shape, &F));
  PetscCall(TzEvalBuild(eval));
  PetscCall(Open(eval->net, grad, &full));
  PetscCall(TzNetEvalJetBackward_Fast(eval, n, X, shape, F, jetbar, full));
  PetscCall(Close(eval->net, grad, &full));
  PetscCall(PetscFree(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------- coordinate queries ------------------------------------------------------- */

PetscErrorCode TzNetEvalCoordinates(TzNetEval eval, PetscInt n, const PetscReal X[], const TzNetCoordinates *q)
{
  PetscReal *F = NULL;

  PetscFunctionBegin;
  if (q->shape) PetscCall(Fields(eval, n, X, q->shape, &F));
  else PetscCall(Check(eval, n));
  PetscCall(TzNetEvalCoordinates_Fast(eval, n, X, F, q));
  PetscCall(PetscFree(F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
