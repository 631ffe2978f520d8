/* What the estimates have in common: the queries of a step, the names of options, the whole parameter vector on every rank. */
#include <private/tzzoimpl.h>

void TzZODescend(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[])
{
  for (PetscInt i = 0; i < n; i++) x[i] -= lr * m[i];
}

const char *TzZOOption(TzZOPhase *phase, const char name[])
{
  snprintf(phase->option, sizeof(phase->option), "%s%s", phase->prefix, name);
  return phase->option;
}

PetscErrorCode TzZOQueriesFromOptions(Tao tao, TzZOPhase *p, TzDirection last, TzOptionItems PetscOptionsObject)
{
  MPI_Comm comm      = PetscObjectComm((PetscObject)tao);
  PetscInt direction = (PetscInt)p->direction;
  char     text[16];

  const char *given;

  PetscFunctionBegin;
  if (p->direction != TZ_DIRECTION_COORDINATE) {
    PetscCall(TzOptionsEList(TzZOOption(p, "direction"), "Distribution of the directions", "TzQueriesDirection", TzDirections, (PetscInt)last + 1,
                             TzDirections[p->direction], &direction, NULL));
    p->direction = (TzDirection)direction;
  }
  if (p->direction != TZ_DIRECTION_COORDINATE) {
    PetscCall(TzOptionsInt(TzZOOption(p, "queries"), "Directions of a step (>= 1)", "TaoZOSetLoss", p->queries, &p->queries, NULL));
    PetscCheck(p->queries >= 1, comm, PETSC_ERR_USER_INPUT, "%s %" PetscInt_FMT ": must be at least 1", TzZOOption(p, "queries"), p->queries);
  }
  PetscCall(PetscOptionsFindPair(((PetscObject)tao)->options, ((PetscObject)tao)->prefix, TzZOOption(p, "mu"), &given, &p->automatic));
  p->automatic = (PetscBool)(p->automatic && given && !strcasecmp(given, "auto"));
  if (p->automatic) PetscCall(TzOptionsString(TzZOOption(p, "mu"), "Length of the differences", "TaoZOSetLoss", "auto", text, sizeof(text), NULL));
  else
    PetscCall(TzOptionsReal(TzZOOption(p, "mu"), "Length of the differences, in units of the parameters (> 0), or auto: from the noise", "TaoZOSetLoss", p->mu,
                            &p->mu, NULL));
  PetscCheck(p->mu > 0 && p->mu <= PETSC_MAX_REAL, comm, PETSC_ERR_USER_INPUT, "%s %g: must be positive", TzZOOption(p, "mu"), (double)p->mu);
  PetscCall(TzOptionsBool(TzZOOption(p, "two_sided"), "Differences of theta + mu xi and theta - mu xi", "TaoZOSetLoss", p->twosided, &p->twosided, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gauss-Newton's of a phase, or of the least squares between its steps, at its start */
PetscReal TzZODamping(const TAO_ZO *zo, PetscInt phase)
{
  const TzZOPhase *p = zo->lastevery ? &zo->last : &zo->phase[phase];

  return p->damping > 0 ? p->damping : TZ_DAMPING;
}

PetscErrorCode TzZOQueriesView(Tao tao, const TzZOPhase *p, PetscViewer viewer)
{
  PetscFunctionBegin;
  (void)tao;
  if (p->direction == TZ_DIRECTION_COORDINATE) PetscCall(PetscViewerASCIIPrintf(viewer, "all coordinates, "));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " %s directions, ", p->queries, TzDirections[p->direction]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "%s-sided differences of mu = %g, ", p->twosided ? "two" : "one", (double)p->mu));
  if (p->repeats > 1) PetscCall(PetscViewerASCIIPrintf(viewer, "means of %" PetscInt_FMT " evaluations, ", p->repeats));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzZOQueries(Tao tao, const TzZOPhase *p, TzQueries *q)
{
  TAO_ZO *zo = (TAO_ZO *)tao->data;

  PetscFunctionBegin;
  *q = (TzQueries){.direction = p->direction, .mu = p->mu, .base = PETSC_TRUE, .twosided = p->twosided, .n = p->queries, .step = (PetscInt)zo->state.step};
  PetscCall(TzLossGetSeed(zo->loss, &q->seed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzZOGather(Tao tao, Vec v, PetscReal all[])
{
  TAO_ZO          *zo   = (TAO_ZO *)tao->data;
  MPI_Comm         comm = PetscObjectComm((PetscObject)tao);
  const PetscReal *x;
  PetscInt         n;
  PetscMPIInt      size;
  TzCounts         counts;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (v == tao->solution) PetscCall(PetscObjectStateGet((PetscObject)v, &zo->gathered));
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &x));
  if (size == 1) {
    PetscCall(PetscArraycpy(all, x, n));
  } else {
    PetscCallMPI(MPI_Allgatherv(x, (PetscMPIInt)n, MPIU_REAL, all, zo->count, zo->displ, MPIU_REAL, comm));
    PetscCall(TzLossGetCounts(zo->loss, &counts));
    counts.bytes += n * (PetscInt64)sizeof(PetscReal);
    PetscCall(TzLossSetCounts(zo->loss, &counts));
  }
  PetscCall(VecRestoreArrayRead(v, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
