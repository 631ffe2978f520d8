/*
  tenzo eval: rebuilds the problem of a checkpoint (-tz_model FILE) and evaluates it: an equation at points (verb_eval_pde.c), a classifier on its
  test images (verb_eval_classifier.c). Which one it is, the file says.
*/
#include "verb.h"

static PetscErrorCode GetOptions(MPI_Comm comm, TzEvalOptions *o)
{
  PetscBool paths;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of eval", "Tenzo");
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tz_check_paths", &paths));
  PetscCall(PetscStrncpy(o->points, paths ? "10" : "10000", sizeof(o->points))); /* paths from each point take their time */
  PetscCall(TzOptionsString("-tz_model", "Checkpoint of the trained network (needed)", "TzRunLoad", "", o->model, sizeof(o->model), NULL));
  PetscCall(TzOptionsString("-tz_points", "Where to evaluate: a file (HDF5 with /points [n][d+1], or text), or the number of points of the validation set",
                            "TzRunEvaluate", o->points, o->points, sizeof(o->points), NULL));
  PetscCall(TzOptionsString("-tz_output", "HDF5 file for the results", "TzRunEvaluate", "eval.h5", o->output, sizeof(o->output), NULL));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbEval(MPI_Comm comm, int *code)
{
  TzEvalOptions o = {.model = "", .output = "eval.h5"};
  TzRun         run;
  TzRunType     type;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunCreate(comm, &run));
  PetscCall(GetOptions(comm, &o));
  PetscCheck(TzOptionsHelpWanted() || o.model[0], comm, PETSC_ERR_USER_INPUT, "-tz_model FILE is needed: the checkpoint of a trained network");
  PetscCall(TzRunLoad(run, "-tz_model", o.model));
  PetscCall(TzInterruptListen());
  PetscCall(TzBusyShow(5));
  PetscCall(TzRunSetFromOptions(run));
  PetscCall(TzRunGetType(run, &type));
  if (!strcmp(type, TZRUNCLASSIFIER)) PetscCall(TzEvalClassifier(run, &o));
  else PetscCall(TzEvalPDE(run, &o));
  PetscCall(TzRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
