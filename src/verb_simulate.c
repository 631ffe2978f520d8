/*
  tenzo simulate: closed-loop paths of a control problem by the network of a checkpoint (-tz_model), or by policies that need none; what they cost.

  The file (-tz_output, default simulate.h5) has what TzSimulationPut() says, and /model.
*/
#include "verb.h"
#include <petsctime.h>

typedef struct {
  char      model[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN];
  PetscReal progress;
  PetscBool quiet;
} Options;

static PetscErrorCode GetOptions(MPI_Comm comm, Options *o)
{
  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of simulate", "Tenzo");
  PetscCall(TzOptionsString("-tz_model", "Checkpoint of the trained network (for -sim_policy network)", "TzRunLoad", "", o->model, sizeof(o->model), NULL));
  PetscCall(
    TzOptionsString("-tz_output", "HDF5 file for paths, controls and costs; none: no file", "TzSimulationPut", o->output, o->output, sizeof(o->output), NULL));
  PetscCall(TzOptionsBool("-tz_quiet", "No progress lines", "TzSimulationRun", o->quiet, &o->quiet, NULL));
  PetscCall(TzOptionsReal("-tz_progress_every", "Seconds between progress lines", "TzSimulationRun", o->progress, &o->progress, NULL));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* " name=value" and " name_ci=value", unless it is not known */
static PetscErrorCode PrintNumber(MPI_Comm comm, const char prefix[], const char name[], PetscReal value, PetscReal ci)
{
  PetscFunctionBegin;
  if (PetscIsNanReal(value)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPrintf(comm, " %s%s=%.9g", prefix, name, (double)value));
  if (!PetscIsNanReal(ci)) PetscCall(PetscPrintf(comm, " %s%s_ci=%.3g", prefix, name, (double)ci));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One line for people for each policy, then RESULT: the first policy without a prefix */
static PetscErrorCode Print(MPI_Comm comm, PetscInt n, const TzPolicy policy[], const TzClosedLoop r[], double seconds)
{
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(PetscPrintf(comm, "policy %s: cost %.6g +- %.2g", TzPolicies[policy[k]], (double)r[k].cost, (double)r[k].cost_ci));
    if (!PetscIsNanReal(r[k].reduced)) PetscCall(PetscPrintf(comm, " (reduced %.6g +- %.2g)", (double)r[k].reduced, (double)r[k].reduced_ci));
    if (!PetscIsNanReal(r[k].value))
      PetscCall(PetscPrintf(comm, ", V(x0,0) %.6g, cost - V %.3g +- %.2g", (double)r[k].value, (double)r[k].gap, (double)r[k].gap_ci));
    if (k) PetscCall(PetscPrintf(comm, ", cost - that of %s %.3g +- %.2g", TzPolicies[policy[0]], (double)r[k].excess, (double)r[k].excess_ci));
    if (!PetscIsNanReal(r[k].violated)) PetscCall(PetscPrintf(comm, ", %.3g %% of the paths violate bounds or collide", 100 * (double)r[k].violated));
    if (r[k].lost) PetscCall(PetscPrintf(comm, ", %" PetscInt_FMT " paths lost: not finite", r[k].lost));
    PetscCall(PetscPrintf(comm, "\n"));
  }
  PetscCall(PetscPrintf(comm, "RESULT policy=%s", TzPolicies[policy[0]]));
  for (PetscInt k = 0; k < n; k++) {
    char prefix[32] = "";

    if (k) PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", TzPolicies[policy[k]]));
    PetscCall(PrintNumber(comm, prefix, "cost", r[k].cost, r[k].cost_ci));
    PetscCall(PrintNumber(comm, prefix, "reduced", r[k].reduced, r[k].reduced_ci));
    if (!k) PetscCall(PrintNumber(comm, prefix, "value", r[k].value, NAN));
    if (!k) PetscCall(PrintNumber(comm, prefix, "exact", r[k].exact, NAN));
    PetscCall(PrintNumber(comm, prefix, "gap", r[k].gap, r[k].gap_ci));
    if (k) PetscCall(PrintNumber(comm, prefix, "excess", r[k].excess, r[k].excess_ci));
    PetscCall(PrintNumber(comm, prefix, "violated", r[k].violated, NAN));
    PetscCall(PetscPrintf(comm, " %slost=%" PetscInt_FMT, prefix, r[k].lost));
  }
  PetscCall(PetscPrintf(comm, " seconds=%.3f ranks=%d\n", seconds, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(MPI_Comm comm, const Options *o, TzSimulation simulation)
{
  TzStore store;

  PetscFunctionBegin;
  PetscCall(TzStoreCreate(comm, &store));
  PetscCall(TzStorePutText(store, "/model", o->model));
  PetscCall(TzSimulationPut(simulation, store));
  PetscCall(TzStoreWrite(store, "-tz_output", o->output));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Simulate(MPI_Comm comm, const Options *o, TzSimulation simulation)
{
  const PetscBool file = (PetscBool)strcmp(o->output, "none");
  TzClosedLoop    results[TZ_POLICIES];
  const TzPolicy *policy;
  PetscLogDouble  t0, t1;
  PetscInt        n;
  int             lock = -1;

  PetscFunctionBegin;
  PetscCall(TzSimulationSetUp(simulation));
  if (file) PetscCall(TzVerbReserve(comm, o->output, o->model[0] ? o->model : NULL, NULL, &lock));
  PetscCall(PetscTime(&t0));
  PetscCall(TzSimulationRun(simulation, results));
  PetscCall(PetscTime(&t1));
  if (file) PetscCall(Write(comm, o, simulation));
  PetscCall(TzSimulationGetPolicies(simulation, &n, &policy));
  PetscCall(Print(comm, n, policy, results, t1 - t0));
  PetscCall(TzFileRelease(o->output, &lock));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbSimulate(MPI_Comm comm, int *code)
{
  Options          o = {.output = "simulate.h5", .progress = 5};
  TzRun            run;
  TzPDE            pde;
  TzNet            net;
  TzControl        control = NULL;
  TzSimulation     simulation;
  const PetscReal *theta;
  PetscInt         nparams;
  PetscInt64       seed = 0;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunCreate(comm, &run));
  PetscCall(GetOptions(comm, &o));
  PetscCall(TzInterruptListen());
  if (o.model[0]) {
    PetscCall(TzRunLoad(run, "-tz_model", o.model));
    PetscCall(TzRunSetFromOptions(run));
    PetscCall(TzRunGetPDE(run, &pde));
    PetscCheck(pde, comm, PETSC_ERR_USER_INPUT, "-tz_model %s: is of a classifier, not of a control problem", o.model);
    PetscCall(PetscObjectReference((PetscObject)pde));
    PetscCall(TzRunGetSeed(run, &seed));
  } else {
    PetscCall(TzPDECreate(comm, &pde));
    PetscCall(TzPDESetFromOptions(pde));
    PetscOptionsBegin(comm, NULL, "Problem options", "Tenzo");
    PetscCall(TzOptionsInt64("-tz_seed", "Seed of every random number (>= 0)", "TzSimulationSetSeed", seed, &seed, NULL));
    PetscOptionsEnd();
  }
  PetscCall(TzSimulationCreate(comm, pde, &simulation));
  PetscCall(TzSimulationSetSeed(simulation, seed));
  PetscCall(TzSimulationSetProgress(simulation, o.quiet ? -1 : o.progress));
  PetscCall(TzSimulationSetFromOptions(simulation));
  if (o.model[0]) PetscCall(TzRunSetUp(run));
  else PetscCall(TzOptionsCheckUnused(comm));
  if (o.model[0] && !TzOptionsHelpWanted()) {
    PetscCall(TzRunGetParameters(run, &nparams, &theta));
    PetscCall(TzRunGetNet(run, &net));
    PetscCall(TzControlCreate(pde, net, &control));
    PetscCall(TzControlBind(control, theta));
    PetscCall(TzSimulationSetControl(simulation, control));
  }
  if (!TzOptionsHelpWanted()) PetscCall(Simulate(comm, &o, simulation));
  PetscCall(TzSimulationDestroy(&simulation));
  PetscCall(TzControlDestroy(&control));
  PetscCall(TzPDEDestroy(&pde));
  PetscCall(TzRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
