/*
  What the zeroth-order TAO types share: options, set-up, view, state. The types: presets.c; the loop: step.c; the estimates: difference.c ...

  Steps are numbered from 0. The monitors run after each step: the iteration number is then the number of steps done, the solution that after
  the step, the objective that before it. TaoSolve() continues from the last step of the one before; TaoZOSetStep(tao, 0) starts anew.
*/
#include <private/tzzoimpl.h>

typedef struct _Row *Row;
struct _Row { /* of a plug-in */
  TzZOPreset preset;
  Row        next;
};
static Row       TaoZORows;
static PetscBool TaoZORegistered;

/* The row of this name; *preset NULL: none */
static PetscErrorCode FindPreset(const char name[], const TzZOPreset **preset)
{
  PetscBool same;

  PetscFunctionBegin;
  *preset = NULL;
  for (const TzZOPreset *p = TzZOPresets; p->name && !*preset; p++) {
    PetscCall(PetscStrcmp(p->name, name, &same));
    if (same) *preset = p;
  }
  for (Row r = TaoZORows; r && !*preset; r = r->next) {
    PetscCall(PetscStrcmp(r->preset.name, name, &same));
    if (same) *preset = &r->preset;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode UsePreset(TAO_ZO *zo, const TzZOPreset *row)
{
  PetscFunctionBegin;
  zo->nphases  = row->two[0] ? 2 : 1;
  zo->phase[0] = row->phase;
  for (PetscInt i = 0; i < 2 && row->two[0]; i++) {
    const TzZOPreset *one;

    PetscCall(FindPreset(row->two[i], &one));
    PetscCheck(one && !one->two[0], PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s is no solver of one phase", row->two[i]);
    zo->phase[i] = one->phase;
  }
  zo->phase[0].prefix = "-zo_";
  zo->phase[1].prefix = "-zo_phase2_";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TAO names a type only when it has created it: so its row of the table is looked up at the first use */
static PetscErrorCode Prepare(Tao tao)
{
  TAO_ZO           *zo   = (TAO_ZO *)tao->data;
  const char       *name = ((PetscObject)tao)->type_name;
  const TzZOPreset *row;

  PetscFunctionBegin;
  if (zo->nphases) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindPreset(name, &row));
  PetscCheck(row, PetscObjectComm((PetscObject)tao), PETSC_ERR_PLIB, "no solver has the name %s", name);
  PetscCall(UsePreset(zo, row));
  zo->schedule.lr = zo->phase[0].lr;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -zo_phase1, -zo_phase2: any types of one phase */
static PetscErrorCode PhasesFromOptions(TAO_ZO *zo, const TzZOPreset *row, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  static const char *const option[2] = {"-zo_phase1", "-zo_phase2"};
  char                     name[2][64];
  TzZOPreset               both = {.two = {name[0], name[1]}};

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) {
    const TzZOPreset *one;

    PetscCall(PetscStrncpy(name[i], row->two[i], sizeof(name[i])));
    PetscCall(
      TzOptionsString(option[i], i ? "Solver of the second phase" : "Solver of the first phase", "TaoZOSetLoss", name[i], name[i], sizeof(name[i]), NULL));
    PetscCall(FindPreset(name[i], &one));
    PetscCheck(one && !one->two[0], comm, PETSC_ERR_USER_INPUT, "%s %s: must be a solver of one phase, as " TAOZOSIGN ", " TAOZOCGE ", " TAOZOGN ", " TAOTZADAM,
               option[i], name[i]);
  }
  PetscCall(UsePreset(zo, &both));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PhaseFromOptions(Tao tao, TzZOPhase *p, TzOptionItems PetscOptionsObject)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)tao);

  PetscFunctionBegin;
  if (p->estimate->setfromoptions) PetscCall(p->estimate->setfromoptions(tao, p, PetscOptionsObject));
  PetscCall(TzOptionsReal(TzZOOption(p, "lr"), "Learning rate (> 0)", "TaoZOSetLoss", p->lr, &p->lr, NULL));
  PetscCheck(p->lr > 0 && p->lr <= PETSC_MAX_REAL, comm, PETSC_ERR_USER_INPUT, "%s %g: must be positive", TzZOOption(p, "lr"), (double)p->lr);
  if (p->update) {
    PetscCall(TzOptionsReal(TzZOOption(p, "momentum"), "Momentum of the gradient (0 <= beta < 1)", "TaoZOSetLoss", p->momentum, &p->momentum, NULL));
    PetscCheck(p->momentum >= 0 && p->momentum < 1, comm, PETSC_ERR_USER_INPUT, "%s %g: must be at least 0 and below 1", TzZOOption(p, "momentum"),
               (double)p->momentum);
  }
  if (p->beta2 > 0) {
    PetscCall(TzOptionsReal(TzZOOption(p, "beta2"), "Adam: decay of the second moment (0 < beta2 < 1)", "TaoZOSetLoss", p->beta2, &p->beta2, NULL));
    PetscCheck(p->beta2 > 0 && p->beta2 < 1, comm, PETSC_ERR_USER_INPUT, "%s %g: must be above 0 and below 1", TzZOOption(p, "beta2"), (double)p->beta2);
    PetscCall(TzOptionsReal(TzZOOption(p, "epsilon"), "Adam: added to the root of the second moment (> 0)", "TaoZOSetLoss", p->epsilon, &p->epsilon, NULL));
    PetscCheck(p->epsilon > 0, comm, PETSC_ERR_USER_INPUT, "%s %g: must be positive", TzZOOption(p, "epsilon"), (double)p->epsilon);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Least squares of the output layer between the steps of a solver that follows a gradient */
static PetscErrorCode LastLayerFromOptions(TAO_ZO *zo, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  const TzZOPreset *row;

  PetscFunctionBegin;
  PetscCall(TzOptionsInt("-zo_last_layer", "Steps between solutions of the output layer by least squares (0: none)", "TaoZOSetLoss", zo->lastevery,
                         &zo->lastevery, NULL));
  PetscCheck(zo->lastevery >= 0, comm, PETSC_ERR_USER_INPUT, "-zo_last_layer %" PetscInt_FMT ": must be at least 0", zo->lastevery);
  PetscCall(FindPreset(TAOZOLLS, &row));
  zo->last        = row->phase;
  zo->last.prefix = "-zo_";
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFromOptions(TAO_ZO *zo, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsInt("-tz_check_gradient", "Steps between prints of the cosine of the gradient's estimate with the exact one (0: none)", "TaoZOSetLoss",
                         zo->checkevery, &zo->checkevery, NULL));
  PetscCheck(zo->checkevery >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_check_gradient %" PetscInt_FMT ": must be at least 0", zo->checkevery);
  for (PetscInt p = 0; p < zo->nphases; p++)
    PetscCheck(!zo->checkevery || zo->phase[p].update, comm, PETSC_ERR_USER_INPUT, "-tz_check_gradient %" PetscInt_FMT ": %s estimates no gradient",
               zo->checkevery, zo->phase[p].name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The second phase, and what ends the first */
static PetscErrorCode SecondPhaseFromOptions(Tao tao, TzOptionItems PetscOptionsObject)
{
  TAO_ZO    *zo    = (TAO_ZO *)tao->data;
  MPI_Comm   comm  = PetscObjectComm((PetscObject)tao);
  TzZOPhase *first = &zo->phase[0], *p = &zo->phase[1];

  PetscFunctionBegin;
  PetscCall(
    TzOptionsInt("-zo_patience", "Steps without improvement of the loss that end the first phase (>= 1)", "TaoZOSetLoss", zo->patience, &zo->patience, NULL));
  PetscCheck(zo->patience >= 1, comm, PETSC_ERR_USER_INPUT, "-zo_patience %" PetscInt_FMT ": must be at least 1", zo->patience);
  PetscCall(
    TzOptionsInt("-zo_patience_window", "Steps over which the loss is averaged before it is compared (>= 1)", "TaoZOSetLoss", zo->window, &zo->window, NULL));
  PetscCheck(zo->window >= 1, comm, PETSC_ERR_USER_INPUT, "-zo_patience_window %" PetscInt_FMT ": must be at least 1", zo->window);
  PetscCall(
    TzOptionsReal("-zo_patience_tol", "Relative improvement of the loss that counts (0 <= e < 1)", "TaoZOSetLoss", zo->tolerance, &zo->tolerance, NULL));
  PetscCheck(zo->tolerance >= 0 && zo->tolerance < 1, comm, PETSC_ERR_USER_INPUT, "-zo_patience_tol %g: must be at least 0 and below 1", (double)zo->tolerance);
  if (first->mu > 0 && p->mu > 0) {
    p->mu       = first->mu;
    p->twosided = first->twosided;
  }
  PetscCall(PhaseFromOptions(tao, p, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSetFromOptions_ZO(Tao tao, TzOptionItems PetscOptionsObject)
{
  TAO_ZO           *zo   = (TAO_ZO *)tao->data;
  MPI_Comm          comm = PetscObjectComm((PetscObject)tao);
  const TzZOPreset *row;

  PetscFunctionBegin;
  PetscCall(Prepare(tao));
  PetscOptionsHeadBegin(PetscOptionsObject, "Zeroth-order optimisation");
  PetscCall(FindPreset(((PetscObject)tao)->type_name, &row));
  if (zo->nphases > 1) PetscCall(PhasesFromOptions(zo, row, comm, PetscOptionsObject));
  PetscCall(PhaseFromOptions(tao, &zo->phase[0], PetscOptionsObject));
  zo->schedule.lr = zo->phase[0].lr;
  PetscCall(TzScheduleSetFromOptions(&zo->schedule, comm, PetscOptionsObject));
  if (zo->nphases > 1) PetscCall(SecondPhaseFromOptions(tao, PetscOptionsObject));
  PetscCall(CheckFromOptions(zo, comm, PetscOptionsObject));
  if (zo->phase[0].update)
    PetscCall(TzOptionsBool("-zo_integer", "Parameters are levels of -net_weight_bits themselves: updates are rounded stochastically", "TaoZOSetLoss",
                            zo->integer, &zo->integer, NULL));
  if (zo->phase[0].update && (zo->nphases == 1 || zo->phase[1].update)) PetscCall(LastLayerFromOptions(zo, comm, PetscOptionsObject));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PhaseDestroy(TzZOPhase *phase)
{
  PetscFunctionBegin;
  if (phase->data && phase->estimate->destroy) PetscCall(phase->estimate->destroy(phase));
  PetscCall(PetscFree(phase->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NewVector(Tao tao, Vec *v)
{
  PetscFunctionBegin;
  PetscCall(VecDuplicate(tao->solution, v));
  PetscCall(VecSet(*v, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Differences shorter than the rounding of the parameters (of those to start from) would not move them */
static PetscErrorCode CheckMu(Tao tao, TzZOPhase *phase)
{
  PetscReal norm, size;
  PetscInt  n;

  PetscFunctionBegin;
  PetscCall(VecNorm(tao->solution, NORM_2, &norm));
  PetscCall(VecGetSize(tao->solution, &n));
  size = norm / PetscSqrtReal(n);
  PetscCheck(phase->mu == 0 || !(phase->mu < PETSC_MACHINE_EPSILON * size), PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "%s %g: is below the rounding of the parameters, %.1g (of their size %.2g): they would not move; the default is 1e-4", TzZOOption(phase, "mu"),
             (double)phase->mu, (double)(PETSC_MACHINE_EPSILON * size), (double)size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoSetUp_ZO(Tao tao)
{
  TAO_ZO         *zo   = (TAO_ZO *)tao->data;
  MPI_Comm        comm = PetscObjectComm((PetscObject)tao);
  const PetscInt *range;
  PetscInt        n, N;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCall(Prepare(tao));
  PetscCall(PetscObjectQuery((PetscObject)tao, "TzLoss", (PetscObject *)&zo->loss));
  PetscCheck(zo->loss, comm, PETSC_ERR_ORDER, "TaoZOSetLoss() first");
  PetscCall(TzLossGetNumParameters(zo->loss, &n));
  PetscCall(VecGetSize(tao->solution, &N));
  PetscCheck(n == N, comm, PETSC_ERR_ARG_SIZ, "the solution has %" PetscInt_FMT " entries, the loss %" PetscInt_FMT " parameters", N, n);
  for (PetscInt p = 0; p < zo->nphases; p++) {
    PetscCall(PhaseDestroy(&zo->phase[p]));
    PetscCall(CheckMu(tao, &zo->phase[p]));
    if (zo->phase[p].estimate->setup) PetscCall(zo->phase[p].estimate->setup(tao, &zo->phase[p]));
    if (zo->phase[p].beta2 > 0 && !zo->second) PetscCall(NewVector(tao, &zo->second));
  }
  if (zo->checkevery) {
    PetscBool has;

    PetscCall(TzLossHasGradient(zo->loss, &has));
    PetscCheck(has, comm, PETSC_ERR_USER_INPUT, "-tz_check_gradient %" PetscInt_FMT ": this loss on this network has no exact gradient", zo->checkevery);
  }
  if (zo->state.step == 0) zo->state.damping = TzZODamping(zo, 0);
  if (zo->lastevery) {
    PetscCall(PhaseDestroy(&zo->last));
    PetscCall(zo->last.estimate->setup(tao, &zo->last));
  }
  if (!zo->momentum) PetscCall(NewVector(tao, &zo->momentum));
  if (!zo->previous) PetscCall(NewVector(tao, &zo->previous));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(VecGetLocalSize(tao->solution, &n));
  PetscCall(VecGetOwnershipRanges(tao->solution, &range));
  PetscCall(PetscFree5(zo->theta, zo->g, zo->xi, zo->count, zo->displ));
  PetscCall(PetscMalloc5(N, &zo->theta, n, &zo->g, n, &zo->xi, size, &zo->count, size, &zo->displ));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(PetscMPIIntCast(range[r], &zo->displ[r]));
    PetscCall(PetscMPIIntCast(range[r + 1] - range[r], &zo->count[r]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoView_ZO(Tao tao, PetscViewer viewer)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Prepare(tao));
  for (PetscInt i = 0; i < zo->nphases; i++) {
    const TzZOPhase *p = &zo->phase[i];

    PetscCall(PetscViewerASCIIPrintf(viewer, "%s: ", p->name));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
    if (p->estimate->view) PetscCall(p->estimate->view(tao, p, viewer));
    PetscCall(PetscViewerASCIIPrintf(viewer, "learning rate %g, momentum %g\n", (double)p->lr, (double)p->momentum));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  }
  if (zo->nphases > 1)
    PetscCall(PetscViewerASCIIPrintf(viewer, "patience %" PetscInt_FMT " steps, relative improvement %g\n", zo->patience, (double)zo->tolerance));
  if (zo->lastevery) PetscCall(PetscViewerASCIIPrintf(viewer, "after every %" PetscInt_FMT " steps: %s\n", zo->lastevery, zo->last.name));
  PetscCall(PetscViewerASCIIPrintf(viewer, "learning rate schedule: %s; of the last step: %g\n", TzScheduleTypes[zo->schedule.type], (double)zo->rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TaoDestroy_ZO(Tao tao)
{
  TAO_ZO *zo = (TAO_ZO *)tao->data;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < zo->nphases; p++) PetscCall(PhaseDestroy(&zo->phase[p]));
  PetscCall(PhaseDestroy(&zo->last));
  PetscCall(PetscFree(zo->levels));
  PetscCall(VecDestroy(&zo->momentum));
  PetscCall(VecDestroy(&zo->second));
  PetscCall(VecDestroy(&zo->previous));
  PetscCall(PetscFree5(zo->theta, zo->g, zo->xi, zo->count, zo->displ));
  PetscCall(PetscFree(tao->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ResetState(TAO_ZO *zo)
{
  zo->state.step = zo->state.phase = zo->state.begun = zo->state.stalled = zo->state.sum = zo->state.summed = 0;
  zo->state.best                                                                                            = PETSC_MAX_REAL;
  zo->state.damping                                                                                         = TzZODamping(zo, 0);
}

static PetscErrorCode TaoCreate_ZO(Tao tao)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(PetscNew(&zo));
  tao->data     = zo;
  zo->patience  = 200;
  zo->window    = 1;
  zo->tolerance = 1e-3;
  zo->schedule  = (TzSchedule){.type = TZ_LR_CONSTANT, .factor = 0.5, .every = 1000};
  ResetState(zo);
  tao->ops->setup          = TaoSetUp_ZO;
  tao->ops->solve          = TaoSolve_ZO;
  tao->ops->view           = TaoView_ZO;
  tao->ops->setfromoptions = TaoSetFromOptions_ZO;
  tao->ops->destroy        = TaoDestroy_ZO;
  TzTaoTolerancesOff(tao); /* unless the user sets them: the norm of an estimate may be small, or 0, by chance */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finalize(void)
{
  PetscFunctionBegin;
  for (Row r = TaoZORows, next; r; r = next) {
    next = r->next;
    PetscCall(PetscFree(r->preset.name));
    PetscCall(PetscFree(r));
  }
  TaoZORows       = NULL;
  TaoZORegistered = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZORegisterAll(void)
{
  PetscFunctionBegin;
  if (TaoZORegistered) PetscFunctionReturn(PETSC_SUCCESS);
  TaoZORegistered = PETSC_TRUE;
  for (const TzZOPreset *p = TzZOPresets; p->name; p++) PetscCall(TaoRegister(p->name, TaoCreate_ZO));
  PetscCall(PetscRegisterFinalize(Finalize));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZORegister(const TzZOPreset *preset)
{
  Row   row;
  char *name;

  PetscFunctionBegin;
  PetscCall(TaoZORegisterAll());
  PetscCall(PetscNew(&row));
  PetscCall(PetscStrallocpy(preset->name, &name));
  *row             = (struct _Row){.preset = *preset, .next = TaoZORows};
  row->preset.name = name;
  TaoZORows        = row;
  PetscCall(TaoRegister(name, TaoCreate_ZO));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetZO(Tao tao, TAO_ZO **zo)
{
  PetscFunctionBegin;
  PetscCheck(tao->ops->solve == TaoSolve_ZO, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_WRONG, "%s is not a zeroth-order solver",
             ((PetscObject)tao)->type_name ? ((PetscObject)tao)->type_name : "a Tao without type");
  PetscCall(Prepare(tao));
  *zo = (TAO_ZO *)tao->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZOSetFromOptions(Tao tao)
{
  const char *text;
  PetscBool   given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(((PetscObject)tao)->options, ((PetscObject)tao)->prefix, "-tao_add_terms", &given)); /* of PETSc 3.25 and later */
  PetscCheck(!given, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "-tao_add_terms: the solvers minimise the loss alone, which is no objective of TAO that terms can be added to");
  PetscCall(PetscOptionsFindPair(((PetscObject)tao)->options, ((PetscObject)tao)->prefix, "-tao_max_it", &text, &given));
  given = (PetscBool)(given && text && text[0] && !text[strspn(text, "0")]);
  if (given) PetscCall(PetscOptionsClearValue(((PetscObject)tao)->options, "-tao_max_it"));
  PetscCall(TaoSetFromOptions(tao));
  if (given) {
    PetscCall(PetscOptionsSetValue(((PetscObject)tao)->options, "-tao_max_it", "0"));
    PetscCall(PetscOptionsHasName(((PetscObject)tao)->options, NULL, "-tao_max_it", &given)); /* it has been read */
    tao->max_it = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZOIs(Tao tao, PetscBool *is)
{
  PetscFunctionBegin;
  *is = (PetscBool)(tao->ops->solve == TaoSolve_ZO);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TaoZOGetState(Tao tao, TzZOState *state)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  PetscCall(TaoSetUp(tao));
  *state = (TzZOState){.nvec       = 1,
                       .vecname    = {"momentum"},
                       .vec        = {zo->momentum},
                       .nscalar    = 8,
                       .scalarname = {"step", "phase", "phase_begun", "best_loss", "stalled", "window_sum", "window_steps", "damping"},
                       .scalar = {&zo->state.step, &zo->state.phase, &zo->state.begun, &zo->state.best, &zo->state.stalled, &zo->state.sum, &zo->state.summed,
                                  &zo->state.damping}};
  if (zo->phase[0].automatic || zo->phase[1].automatic) {
    state->scalarname[state->nscalar] = "noise";
    state->scalar[state->nscalar++]   = &zo->state.noise;
    state->scalarname[state->nscalar] = "mu";
    state->scalar[state->nscalar++]   = &zo->state.mu;
  }
  if (zo->second) {
    state->vecname[state->nvec] = "second_moment";
    state->vec[state->nvec++]   = zo->second;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was written through TaoZOGetState(): NULL, or the name of the number that no run of this solver can have */
PetscErrorCode TaoZOCheckState(Tao tao, const char **impossible)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  *impossible = NULL;
  if (!(zo->state.step >= 0 && zo->state.step <= PETSC_MAX_INT && zo->state.step == PetscFloorReal(zo->state.step))) *impossible = "step";
  else if (zo->state.phase != 0 && !(zo->state.phase == 1 && zo->nphases > 1)) *impossible = "phase";
  else if (!(zo->state.begun >= 0 && zo->state.begun <= zo->state.step)) *impossible = "phase_begun";
  else if (!(zo->state.stalled >= 0)) *impossible = "stalled";
  else if (!(zo->state.summed >= 0)) *impossible = "window_steps";
  else if (!(zo->state.damping > 0)) *impossible = "damping";
  else if (!(zo->state.noise >= 0)) *impossible = "noise";
  else if (!(zo->state.mu >= 0)) *impossible = "mu";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the step done last, or, before the first, of the next */
PetscErrorCode TaoZOGetLearningRate(Tao tao, PetscReal *lr)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  *lr = zo->rate > 0 ? zo->rate : TzScheduleRate(&zo->schedule, zo->phase[(PetscInt)zo->state.phase].lr, (PetscInt)zo->state.step, tao->max_it);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step 0 starts anew: without momentum, in the first phase */
PetscErrorCode TaoZOSetStep(Tao tao, PetscInt step)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  PetscCheck(step >= 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_ARG_OUTOFRANGE, "step %" PetscInt_FMT, step);
  if (!step) {
    ResetState(zo);
    if (zo->momentum) PetscCall(VecSet(zo->momentum, 0));
    if (zo->second) PetscCall(VecSet(zo->second, 0));
  }
  zo->state.step = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step `step` of a run that another solver began: without momentum, in the first phase */
PetscErrorCode TaoZOStartAt(Tao tao, PetscInt step)
{
  TAO_ZO *zo = NULL;

  PetscFunctionBegin;
  PetscCall(GetZO(tao, &zo));
  PetscCall(TaoZOSetStep(tao, 0));
  PetscCall(TaoZOSetStep(tao, step));
  zo->state.begun = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}
