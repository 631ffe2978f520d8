/*
  tenzo round: a checkpoint whose trains have the smallest ranks that -round_tolerance allows, as another checkpoint (-tz_output). Prints the new ranks and
  by how much the matrix of each layer changes, relative to its Frobenius norm.
*/
#include "verb.h"

static PetscErrorCode Print(MPI_Comm comm, const TzRounding *r)
{
  PetscReal largest = 0;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(comm, "-net_tt_bonds \"%s\"\n", r->bonds));
  for (PetscInt l = 0; l < r->layers; l++) {
    PetscCall(PetscPrintf(comm, "layer %" PetscInt_FMT ": relative error %.3g\n", l + 1, (double)r->error[l]));
    largest = PetscMax(largest, r->error[l]);
  }
  PetscCall(PetscPrintf(comm, "RESULT error=%.9g parameters=%" PetscInt_FMT " before=%" PetscInt_FMT "\n", (double)largest, r->after, r->before));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbRound(MPI_Comm comm, int *code)
{
  char       model[PETSC_MAX_PATH_LEN] = "", output[PETSC_MAX_PATH_LEN] = "rounded.h5";
  PetscReal  tolerance = 1e-3;
  TzRun      run;
  TzRounding r;
  int        lock;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunCreate(comm, &run));
  PetscOptionsBegin(comm, NULL, "Options of round", "Tenzo");
  PetscCall(TzOptionsString("-tz_model", "Checkpoint of the trained network (needed)", "TzRunLoad", model, model, sizeof(model), NULL));
  PetscCall(TzOptionsReal("-round_tolerance", "Largest change of a layer's matrix, relative to its Frobenius norm", "TzRunRound", tolerance, &tolerance, NULL));
  PetscCall(TzOptionsString("-tz_output", "Checkpoint to write: for eval, export, -tz_init", "TzRunRound", output, output, sizeof(output), NULL));
  PetscOptionsEnd();
  PetscCheck(TzOptionsHelpWanted() || model[0], comm, PETSC_ERR_USER_INPUT, "-tz_model FILE is needed: the checkpoint of a trained network");
  PetscCheck(tolerance >= 0 && tolerance < 1, comm, PETSC_ERR_USER_INPUT, "-round_tolerance %g: must be at least 0 and below 1", (double)tolerance);
  PetscCall(TzRunLoad(run, "-tz_model", model));
  PetscCall(TzRunSetFromOptions(run));
  PetscCall(TzRunSetUp(run));
  if (!TzOptionsHelpWanted()) {
    PetscCall(TzVerbReserve(comm, output, model, NULL, &lock));
    PetscCall(TzRunRound(run, tolerance, output, &r));
    PetscCall(Print(comm, &r));
    PetscCall(PetscFree(r.bonds));
    PetscCall(TzFileRelease(output, &lock));
  }
  PetscCall(TzRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
