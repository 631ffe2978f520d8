/*
  Runs of type classifier: a network on labelled images (IDX files, -mnist_dir) or lists of tokens (-tokens_train). The default network is the
  784-1024-10 rectifier network of tensor-train matrices of rank 6 (3,962 parameters); for tokens a table of width 64 of the same kind.
*/
#include "runimpl.h"

/* The paper's network, unless the user describes another */
static PetscErrorCode Defaults(TzNet net, PetscInt inputs)
{
  PetscBool format, layers, modes, conv, tokens;
  PetscInt  width;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tokens_train", &tokens));
  width = tokens ? 64 : 1024;
  PetscCall(TzNetSetFormat(net, TZNETTTM));
  PetscCall(TzNetSetHidden(net, 1, &width));
  PetscCall(TzNetSetActivation(net, "relu"));
  PetscCall(TzNetSetRank(net, 6));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-net_format", &format));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-net_layers", &layers));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-net_tt_modes", &modes));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-net_conv", &conv));
  if (!format && !layers && !modes && !conv && !tokens && inputs == 784) PetscCall(TzNetSetModes(net, "7,4,4,7|8,4,4,8;8,4,4,8|1,5,2,1"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateLoss(TzRun run, TzLoss *loss)
{
  PetscBool images;

  PetscFunctionBegin;
  PetscCall(TzLossCreate(PetscObjectComm((PetscObject)run), loss));
  PetscCall(TzLossSetType(*loss, TZLOSSCROSSENTROPY));
  PetscCall(TzLossSetSeed(*loss, run->seed));
  PetscCall(TzLossSetFromOptions(*loss));
  PetscCall(PetscObjectTypeCompare((PetscObject)*loss, TZLOSSCROSSENTROPY, &images));
  PetscCheck(images, PetscObjectComm((PetscObject)run), PETSC_ERR_USER_INPUT, "-loss_type: a classifier's is %s", TZLOSSCROSSENTROPY);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A checkpoint knows whether its network reads tokens, but not from which files */
static PetscErrorCode CheckExamples(TzRun run)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)run);
  PetscBool described, tokens, given;

  PetscFunctionBegin;
  if (!run->from || TzOptionsHelpWanted()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStoreHas(run->from, "/network/layer1/shape", &described));
  PetscCall(TzStoreHas(run->from, "/network/layer1/tokens", &tokens));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tokens_train", &given));
  PetscCheck(given || !tokens, comm, PETSC_ERR_USER_INPUT,
             "%s: its network reads tokens, and names of files are in no checkpoint: give -tokens_train FILE and -tokens_test FILE", run->file);
  PetscCheck(!given || tokens || !described, comm, PETSC_ERR_USER_INPUT, "-tokens_train: the network of %s reads images; give -mnist_dir DIR", run->file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The examples say how large the network is */
static PetscErrorCode SetFromOptions_Classifier(TzRun run)
{
  PetscInt inputs;

  PetscFunctionBegin;
  PetscCall(CheckExamples(run));
  PetscCall(TzLossDestroy(&run->loss));
  PetscCall(CreateLoss(run, &run->loss));
  PetscCall(TzLossCrossEntropyGetSizes(run->loss, &inputs, NULL, NULL));
  PetscCall(TzLossCrossEntropySetNetInputs(run->loss, run->net));
  PetscCall(Defaults(run->net, inputs));
  PetscCall(TzNetSetFromOptions(run->net));
  PetscCall(TzNetSetSeed(run->net, run->seed));
  PetscCall(TzNetSetUp(run->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loss_Classifier(TzRun run, TzNet net, TzLoss *loss)
{
  PetscFunctionBegin;
  if (net == run->net) *loss = run->loss;
  else PetscCall(CreateLoss(run, loss));
  PetscCall(TzLossSetNet(*loss, net));
  PetscCall(TzLossSetUp(*loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -tz_epochs; where the user has not said otherwise, validation and checkpoint once an epoch */
static PetscErrorCode Length_Classifier(TzRun run)
{
  MPI_Comm  comm   = PetscObjectComm((PetscObject)run);
  PetscReal epochs = 100;
  PetscInt  steps;
  PetscBool given, max_it, set;

  PetscFunctionBegin;
  PetscCall(TzLossCrossEntropyGetSizes(run->loss, NULL, NULL, &steps));
  PetscOptionsBegin(comm, NULL, "Options of classify", "Tenzo");
  PetscCall(TzOptionsReal("-tz_epochs", "Length of the training in epochs, passes over the training examples (> 0)", "TzRunSolve", epochs, &epochs, &given));
  PetscOptionsEnd();
  PetscCheck(epochs > 0 && epochs * steps < PETSC_MAX_INT, comm, PETSC_ERR_USER_INPUT, "-tz_epochs %g: must be positive, and below %g", (double)epochs,
             (double)PETSC_MAX_INT / steps);
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tao_max_it", &max_it));
  PetscCheck(!given || !max_it, comm, PETSC_ERR_USER_INPUT, "-tz_epochs %g and -tao_max_it: give only one of them", (double)epochs);
  if (!max_it) PetscCall(TaoSetMaximumIterations(run->tao, PetscMax(1, (PetscInt)PetscFloorReal(epochs * steps + 0.5))));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tz_validate_every", &set));
  if (!set) run->o.validate = steps;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-tz_checkpoint_every", &set));
  if (!set) run->o.checkpoint = steps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe_Classifier(TzRun run, PetscObject *object)
{
  PetscFunctionBegin;
  *object = (PetscObject)run->loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunCreate_Classifier(TzRun run)
{
  static const char *const fixed[] = {"-net_", NULL};

  PetscFunctionBegin;
  PetscCall(TzNetCreate(PetscObjectComm((PetscObject)run), &run->net));
  run->solver              = TAOZOHYBRID;
  run->fixed               = fixed;
  run->ops->setfromoptions = SetFromOptions_Classifier;
  run->ops->loss           = Loss_Classifier;
  run->ops->length         = Length_Classifier;
  run->ops->describe       = Describe_Classifier;
  PetscFunctionReturn(PETSC_SUCCESS);
}
