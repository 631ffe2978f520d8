/*
  The network class: options, layout of the parameters, view. Formats are in formats/, networks without layers in device/; evaluation in eval/.
*/
#include <private/tznetimpl.h>

PetscClassId      TZNET_CLASSID  = 0;
static TzClass    TzNetClass     = {.name = "Tenzo network", .id = &TZNET_CLASSID};
const char *const TzPrecisions[] = {"double", "single", "TzPrecision", "TZ_PRECISION_", NULL};

PetscErrorCode TzNetCreate(MPI_Comm comm, TzNet *newnet)
{
  TzNet net;

  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzNetClass));
  PetscCall(TzFormatsNote());
  PetscCall(TzShellsNote());
  PetscCall(PetscHeaderCreate(net, TZNET_CLASSID, "TzNet", "Network", "Net", comm, TzNetDestroy, TzNetView));
  PetscCall(TzFormatFind(comm, TZNETTT, &net->format));
  PetscCall(TzNetSetHidden(net, 2, (PetscInt[]){768, 768}));
  PetscCall(TzNetSetPooling(net, 1, (PetscInt[]){2}));
  PetscCall(TzNetSetActivation(net, TzActivationEach(0)->name));
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++) net->r[l] = 4;
  net->contraction = -1;
  net->bias        = PETSC_TRUE;
  net->firstlast   = PETSC_TRUE;
  net->sparsecount = 7603;
  net->out         = 1;
  net->series      = PETSC_TRUE;
  net->frequency   = 1;
  net->adaptive    = (TzNetAdaptive){.most = 10, .every = 50, .prior = 0.02, .below = 0.1, .growtol = 0.1};
  net->outputscale = 1;
  net->threads     = 1;
  *newnet          = net;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layers' own */
static PetscErrorCode Reset(TzNet net)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++) {
    TzLayer *layer = &net->layer[l];

    if (layer->data) PetscCall((*layer->ops->destroy)(layer));
    PetscCall(PetscMemzero(layer, sizeof(*layer)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetDestroy(TzNet *net)
{
  PetscBool last;

  PetscFunctionBegin;
  PetscCall(TzClassRelease(&TzNetClass, (PetscObject *)net, &last));
  if (!last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Reset(*net));
  PetscCall(TzShellDestroy(&(*net)->shell));
  PetscCall(PetscFree((*net)->modes));
  PetscCall(PetscFree((*net)->bonds));
  PetscCall(PetscFree((*net)->activation));
  PetscCall(PetscFree((*net)->mask));
  PetscCall(PetscFree((*net)->sample));
  PetscCall(PetscHeaderDestroy(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetType(TzNet net, const char type[])
{
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(PetscStrcmp(type, net->shell ? net->shell->name : TZNETLAYERS, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzShellDestroy(&net->shell));
  if (strcmp(type, TZNETLAYERS)) PetscCall(TzShellCreate(PetscObjectComm((PetscObject)net), type, &net->shell));
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetType(TzNet net, const char *type[])
{
  PetscFunctionBegin;
  *type = net->shell ? net->shell->name : TZNETLAYERS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetShell(TzNet net, const TzShellOps *ops, void *data)
{
  PetscFunctionBegin;
  PetscCall(TzShellDestroy(&net->shell));
  PetscCall(TzShellCreateFrom(PetscObjectComm((PetscObject)net), ops, data, &net->shell));
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetHasDerivatives(TzNet net, PetscBool *has)
{
  PetscFunctionBegin;
  *has = (PetscBool)!TzNetIsValues(net);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetDeviceModel(TzNet net, const TzDeviceModel *model)
{
  PetscFunctionBegin;
  net->model       = *model;
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetDeviceModel(TzNet net, TzDeviceModel *model)
{
  PetscFunctionBegin;
  *model = net->model;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetTime(TzNet net, PetscInt t)
{
  PetscFunctionBegin;
  net->time = t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetRepeat(TzNet net, PetscInt k)
{
  PetscFunctionBegin;
  net->repeat = k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetTime(TzNet net, PetscInt *t)
{
  PetscFunctionBegin;
  *t = net->time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetCosts(TzNet net, PetscBool *has, TzNetCosts *costs)
{
  PetscFunctionBegin;
  *has   = (PetscBool)(net->shell || TzModelIsActive(net));
  *costs = net->shell ? net->shell->costs : net->costs;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetWeightSteps(TzNet net, const PetscReal theta[], PetscReal step[])
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  PetscCall(TzModelSteps(net, theta, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* format: one of the names of the table; PETSC_ERR_USER_INPUT otherwise */
PetscErrorCode TzNetSetFormat(TzNet net, TzNetFormat format)
{
  const TzFormatOps *ops;

  PetscFunctionBegin;
  PetscCall(TzFormatFind(PetscObjectComm((PetscObject)net), format, &ops));
  if (ops != net->format) net->setupcalled = PETSC_FALSE;
  net->format = ops;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetIO(TzNet net, PetscInt in, PetscInt out)
{
  PetscFunctionBegin;
  PetscCheck(in > 0 && out > 0, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "network with %" PetscInt_FMT " inputs and %" PetscInt_FMT " outputs: both must be positive", in, out);
  net->in          = in;
  net->out         = out;
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetHidden(TzNet net, PetscInt n, const PetscInt widths[])
{
  MPI_Comm comm = PetscObjectComm((PetscObject)net);

  PetscFunctionBegin;
  PetscCheck(n >= 1 && n <= TZ_MAX_LAYERS, comm, PETSC_ERR_USER_INPUT, "-net_layers: %" PetscInt_FMT " hidden layers; must be 1 to %d", n, TZ_MAX_LAYERS);
  for (PetscInt i = 0; i < n; i++) {
    PetscCheck(widths[i] >= 1 && widths[i] <= 1000000, comm, PETSC_ERR_USER_INPUT, "-net_layers: width %" PetscInt_FMT "; must be 1 to 1000000", widths[i]);
    net->widths[i] = net->hidden[i] = widths[i];
  }
  net->nwidths = net->nhidden = n;
  net->setupcalled            = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetSeed(TzNet net, PetscInt64 seed)
{
  PetscFunctionBegin;
  if (seed != net->seed) net->setupcalled = PETSC_FALSE;
  net->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetActivation(TzNet net, const char names[])
{
  MPI_Comm     comm = PetscObjectComm((PetscObject)net);
  TzActivation act[TZ_MAX_LAYERS];
  char       **name, *copy;
  int          n;

  PetscFunctionBegin;
  PetscCall(PetscStrToArray(names, ',', &n, &name));
  PetscCheck(n <= TZ_MAX_LAYERS, comm, PETSC_ERR_USER_INPUT, "-net_activation %s: %d layers; must be at most %d", names, n, TZ_MAX_LAYERS);
  for (PetscInt l = 0; l < TZ_MAX_LAYERS; l++) {
    if (l < PetscMax(n, 1)) PetscCall(TzActivationFind(comm, "-net_activation", n ? name[l] : "", &act[l]));
    else act[l] = act[l - 1];
    if (net->act[l] != act[l]) net->setupcalled = PETSC_FALSE;
  }
  PetscCall(PetscStrToArrayDestroy(n, name));
  PetscCall(PetscArraycpy(net->act, act, TZ_MAX_LAYERS));
  PetscCall(PetscStrallocpy(names, &copy)); /* names may be the text that is freed */
  PetscCall(PetscFree(net->activation));
  net->activation = copy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetActivation(TzNet net, const char *names[])
{
  PetscFunctionBegin;
  *names = net->activation;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of each train; later layers have the last one given */
PetscErrorCode TzNetSetRanks(TzNet net, PetscInt n, const PetscInt r[])
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++) {
    net->r[l] = r[PetscMin(l, n - 1)];
    PetscCheck(net->r[l] >= 1 && net->r[l] <= 4096, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
               "-net_tt_rank %" PetscInt_FMT ": must be 1 to 4096", net->r[l]);
  }
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetRank(TzNet net, PetscInt r)
{
  PetscFunctionBegin;
  PetscCall(TzNetSetRanks(net, 1, &r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetBias(TzNet net, PetscBool bias)
{
  PetscFunctionBegin;
  if (bias != net->bias) net->setupcalled = PETSC_FALSE;
  net->bias = bias;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetModes(TzNet net, const char modes[])
{
  PetscFunctionBegin;
  PetscCall(PetscFree(net->modes));
  PetscCall(PetscStrallocpy(modes, &net->modes));
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetBonds(TzNet net, const char bonds[])
{
  PetscFunctionBegin;
  PetscCall(PetscFree(net->bonds));
  if (bonds && strcmp(bonds, "equal")) PetscCall(PetscStrallocpy(bonds, &net->bonds));
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A rank, one for each train, or auto */
static PetscErrorCode RanksFromOptions(TzNet net, TzOptionItems PetscOptionsObject)
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)net);
  TzNetAdaptive *a    = &net->adaptive;
  PetscInt       r[TZ_MAX_LAYERS + 1], nr = TZ_MAX_LAYERS + 1;
  char           text[1024];
  PetscBool      flg;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, ((PetscObject)net)->prefix, "-net_tt_rank", text, sizeof(text), &flg));
  a->on = (PetscBool)(flg && !strcmp(text, "auto"));
  if (!a->on) {
    PetscCall(PetscArraycpy(r, net->r, nr));
    PetscCall(TzOptionsIntArray("-net_tt_rank", "Rank of every internal bond of the trains (>= 1), one rank for each train, or auto: found in training",
                                "TzNetSetRanks", r, &nr, &flg));
    if (flg) PetscCall(TzNetSetRanks(net, nr, r));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzOptionsString("-net_tt_rank", "auto: found in training", "TzNetGetAdaptive", "4", text, sizeof(text), NULL));
  PetscCall(TzOptionsInt("-net_tt_rank_max", "Rank auto: the most of every bond", "TzNetGetAdaptive", a->most, &a->most, NULL));
  PetscCall(TzOptionsInt("-net_tt_grow_every", "Rank auto: steps after which bonds get a slice more where the loss stalls; 0: never", "TzNetGrow", a->growevery,
                         &a->growevery, NULL));
  PetscCall(TzOptionsReal("-net_tt_grow_tol", "Rank auto: it stalls where its mean falls by less, relatively, from so many steps to the next", "TzNetGrow",
                          a->growtol, &a->growtol, NULL));
  a->first = a->growevery ? PetscMin(2, a->most) : a->most;
  PetscCall(TzOptionsInt("-net_tt_rank_start", "Rank auto: that of every bond at the start", "TzNetGetAdaptive", a->first, &a->first, NULL));
  PetscCall(TzOptionsReal("-net_tt_prior", "Rank auto: weight of the prior that makes slices small", "TzNetShrink", a->prior, &a->prior, NULL));
  PetscCall(TzOptionsInt("-net_tt_prior_steps", "Rank auto: steps after which there is no prior and no cutting any more; 0: never", "TzNetShrink", a->steps,
                         &a->steps, NULL));
  PetscCall(TzOptionsInt("-net_tt_prune_every", "Rank auto: steps after which small slices are cut off", "TzNetPrune", a->every, &a->every, NULL));
  PetscCall(
    TzOptionsReal("-net_tt_prune_below", "Rank auto: size of such a slice, relative to the largest of its bond", "TzNetPrune", a->below, &a->below, NULL));
  PetscCheck(a->prior >= 0 && PetscIsNormalReal(1 + a->prior), comm, PETSC_ERR_USER_INPUT, "-net_tt_prior %g: must be at least 0", (double)a->prior);
  PetscCheck(a->steps >= 0, comm, PETSC_ERR_USER_INPUT, "-net_tt_prior_steps %" PetscInt_FMT ": must be at least 0", a->steps);
  PetscCheck(a->every >= 1, comm, PETSC_ERR_USER_INPUT, "-net_tt_prune_every %" PetscInt_FMT ": must be at least 1 step", a->every);
  PetscCheck(a->below > 0 && a->below < 1, comm, PETSC_ERR_USER_INPUT, "-net_tt_prune_below %g: must be between 0 and 1", (double)a->below);
  PetscCheck(a->most >= 1 && a->most <= 4096, comm, PETSC_ERR_USER_INPUT, "-net_tt_rank_max %" PetscInt_FMT ": must be 1 to 4096", a->most);
  PetscCheck(a->growevery >= 0, comm, PETSC_ERR_USER_INPUT, "-net_tt_grow_every %" PetscInt_FMT ": must be at least 0 steps", a->growevery);
  PetscCheck(PetscAbsReal(a->growtol) < 1, comm, PETSC_ERR_USER_INPUT, "-net_tt_grow_tol %g: must be between -1 and 1", (double)a->growtol);
  PetscCheck(a->first >= 1 && a->first <= a->most, comm, PETSC_ERR_USER_INPUT,
             "-net_tt_rank_start %" PetscInt_FMT ": must be 1 to -net_tt_rank_max %" PetscInt_FMT, a->first, a->most);
  PetscCall(TzNetSetRank(net, a->first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of initial values */
static PetscErrorCode InitialFromOptions(TzNet net, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsReal("-net_frequency", "Factor of the first layer's initial values (1/unit of x): how fast the network varies at the start",
                          "TzNetInitialize", net->frequency, &net->frequency, NULL));
  PetscCheck(net->frequency > 0 && PetscIsNormalReal(net->frequency), PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_frequency %g: must be positive", (double)net->frequency);
  PetscCall(TzOptionsReal("-net_output_scale", "Factor of the last layer's initial values (units of f): how far the network is from 0 at the start",
                          "TzNetInitialize", net->outputscale, &net->outputscale, NULL));
  PetscCheck(net->outputscale > 0 && PetscIsNormalReal(net->outputscale), PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_output_scale %g: must be positive", (double)net->outputscale);
  PetscCall(TzOptionsInt("-net_first_inputs",
                         "Inputs of which a unit of the first layer is made, neighbours, and the last one (t); 0: all; dense: at the start; sparse: for good",
                         "TzNetInitialize", net->firstinputs, &net->firstinputs, NULL));
  PetscCheck(net->firstinputs >= 0 && (!net->firstinputs || !strcmp(TzFormatName(net->format), TZNETDENSE) || !strcmp(TzFormatName(net->format), TZNETSPARSE)),
             PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_first_inputs %" PetscInt_FMT " -net_format %s: must not be negative, and is for formats dense and sparse", net->firstinputs,
             TzFormatName(net->format));
  PetscCall(TzOptionsBool("-net_first_last", "These units have the last input, too, which is t where there is a time", "TzNetInitialize", net->firstlast,
                          &net->firstlast, NULL));
  PetscCall(TzOptionsBool("-net_first_covariance",
                          "Units of the first layer start as combinations of points of the sample, about their mean: small where it hardly varies; dense",
                          "TzNetSetSample", net->covariance, &net->covariance, NULL));
  PetscCheck(!net->covariance || !strcmp(TzFormatName(net->format), TZNETDENSE), PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_first_covariance -net_format %s: must be with format dense", TzFormatName(net->format));
  if (!net->covariance) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzOptionsInt("-net_first_sharpen",
                         "Times that these (but for t) are multiplied by the covariance, towards directions in which the sample varies most", "TzNetSetSample",
                         net->sharpen, &net->sharpen, NULL));
  PetscCheck(net->sharpen >= 0 && net->sharpen <= 10, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_first_sharpen %" PetscInt_FMT ": must be 0 to 10", net->sharpen);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of networks of layers */
static PetscErrorCode LayersFromOptions(TzNet net, TzOptionItems PetscOptionsObject)
{
  char        text[1024];
  PetscInt    widths[TZ_MAX_LAYERS + 1] = {0}, n = TZ_MAX_LAYERS + 1;
  PetscBool   flg;
  PetscEnum   precision      = (PetscEnum)net->precision;
  const char *evaluations[]  = {"fast", "reference"};
  const char *contractions[] = {"bond", "cores", "dense", "auto"};
  PetscInt    evaluation     = net->reference ? 1 : 0;
  PetscInt    contraction    = net->contraction < 0 ? 3 : net->contraction;

  PetscFunctionBegin;
  PetscCall(TzOptionsString(
    "-net_format",
    "Format of the weights: dense, tt (tensor train), ttm (tensor-train matrix), sparse, mzi, mzi-tt, mzi-ttm (these of interferometers), or a registered one",
    "TzNetSetFormat", TzFormatName(net->format), text, sizeof(text), &flg));
  if (flg) PetscCall(TzNetSetFormat(net, text));
  PetscCall(PetscArraycpy(widths, net->widths, net->nwidths)); /* -help shows what stands there */
  PetscCall(PetscArrayzero(widths + net->nwidths, n - net->nwidths));
  PetscCall(TzOptionsIntArray("-net_layers", "Widths of the hidden layers, comma separated", "TzNetSetHidden", widths, &n, &flg));
  if (flg) PetscCall(TzNetSetHidden(net, n, widths));
  PetscCall(TzNetPlacesSetFromOptions(net, PetscOptionsObject));
  PetscCall(TzOptionsBool("-net_bias", "Every layer has a trained bias (otherwise none)", "TzNetSetFromOptions", net->bias, &net->bias, NULL));
  PetscCall(
    TzOptionsString("-net_activation",
                    "Activation of the hidden layers: sine, tanh, relu, square, or a registered one; square,sine: of each, the last of those that follow",
                    "TzNetSetActivation", net->activation, text, sizeof(text), &flg));
  if (flg) PetscCall(TzNetSetActivation(net, text));
  PetscCall(InitialFromOptions(net, PetscOptionsObject));
  PetscCall(RanksFromOptions(net, PetscOptionsObject));
  PetscCall(TzOptionsString("-net_tt_modes", "Modes of the trains, \"in|out\" for each layer, layers separated by ; (default: factorised automatically)",
                            "TzNetSetModes", net->modes ? net->modes : "auto", text, sizeof(text), &flg));
  if (flg) PetscCall(TzNetSetModes(net, text));
  PetscCall(TzOptionsString("-net_tt_bonds",
                            "Ranks of the bonds inside each train, \"4,3,4\" for each layer, layers separated by ; (default: all -net_tt_rank)",
                            "TzNetSetBonds", net->bonds ? net->bonds : "equal", text, sizeof(text), &flg));
  if (flg) PetscCall(TzNetSetBonds(net, text));
  PetscCall(TzOptionsEList("-net_contraction", "How trains are contracted", "TzNetView", contractions, 4, contractions[contraction], &contraction, NULL));
  net->contraction = contraction == 3 ? -1 : contraction;
  PetscCall(TzOptionsEList("-net_evaluation", "fast: rearranged evaluation; reference: one input at a time", "TzNetEvalCreate", evaluations, 2,
                           evaluations[evaluation], &evaluation, NULL));
  net->reference = (PetscBool)(evaluation == 1);
  PetscCall(
    TzOptionsInt("-net_threads", "OpenMP threads that share the points of an evaluation (1 to 256)", "TzNetEvalStencil", net->threads, &net->threads, NULL));
  PetscCheck(net->threads >= 1 && net->threads <= 256, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_threads %" PetscInt_FMT ": must be 1 to 256", net->threads);
  PetscCall(TzOptionsBool("-net_series", "Stencils: the last hidden layer as a power series where that is exact to rounding and cheaper than its sines",
                          "TzNetEvalStencil", net->series, &net->series, NULL));
  PetscCall(TzOptionsEnum("-net_precision", "Stencils: the sums behind differences of values in double or single precision", "TzNetSetPrecision", TzPrecisions,
                          precision, &precision, NULL));
  PetscCall(TzNetSetPrecision(net, (TzPrecision)precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetFromOptions(TzNet net)
{
  char        text[256];
  PetscBool   flg;
  const char *type;

  PetscFunctionBegin;
  PetscObjectOptionsBegin((PetscObject)net);
  PetscCall(TzNetGetType(net, &type));
  PetscCall(TzOptionsString("-net_type", "layers, process (a program outside), or a registered one", "TzNetSetType", type, text, sizeof(text), &flg));
  if (flg) PetscCall(TzNetSetType(net, text));
  if (!net->shell) PetscCall(LayersFromOptions(net, PetscOptionsObject));
  else if (net->shell->ops->setfromoptions) PetscCall((*net->shell->ops->setfromoptions)(net->shell, PetscOptionsObject));
  PetscCall(TzModelSetFromOptions(net, PetscOptionsObject));
  PetscOptionsEnd();
  if (!net->shell && net->format->setfromoptions) PetscCall((*net->format->setfromoptions)(net));
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Single precision is for stencils that are power series in both hidden layers (series_first.c, series_last.c) */
static PetscErrorCode CheckPrecision(TzNet net)
{
  PetscBool fits = (PetscBool)(net->act[0]->ops.harmonic && net->act[1]->ops.harmonic && net->nhidden == 2 && net->out == 1 && net->series && !net->reference &&
                               !TzNetIsValues(net));

  PetscFunctionBegin;
  if (net->precision == TZ_PRECISION_DOUBLE) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt l = 0; l < 2 && fits; l++) fits = (PetscBool)(net->layer[l].contraction == TZ_CONTRACT_BOND && net->layer[l].bond <= TZ_SERIES_MAX_BOND);
  PetscCheck(
    fits, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
    "-net_precision single: needs -net_format tt, two layers of sines, -net_tt_rank 1 to %d contracted through bonds, -net_series and -net_evaluation fast",
    TZ_SERIES_MAX_BOND);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Layer l: its weights begin at theta[offset] */
static PetscErrorCode SetUpLayer(TzNet net, PetscInt l, PetscInt offset)
{
  TzLayer        *layer = &net->layer[l];
  const PetscBool last  = (PetscBool)(l == net->nconv + net->nwidths);

  PetscFunctionBegin;
  PetscCall(TzNetPlace(net, l, layer));
  layer->ops = net->format;
  if (last && net->format->lastdense) PetscCall(TzFormatFind(PETSC_COMM_SELF, TZNETDENSE, &layer->ops));
  layer->weights = offset;
  PetscCall((*layer->ops->layout)(net, l, layer, net->r[l]));
  PetscCall(TzLayerChooseContraction(net, layer));
  /* evaluators make the matrix or the bond's factors, padded for the kernels */
  if (layer->contraction == TZ_CONTRACT_DENSE || !l) PetscCall(TzNetCheckSize(net, l, "entries of its matrix", (layer->in + 8.) * (layer->out + 8.)));
  if (layer->bond) PetscCall(TzNetCheckSize(net, l, "entries of its factors", (layer->bond + 8.) * (layer->in + layer->out + 8.)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places all layers' weights, then all biases, in theta. */
static PetscErrorCode SetUpLayers(TzNet net)
{
  PetscReal all = 0, need = 0;
  PetscInt  offset = 0;

  PetscFunctionBegin;
  net->nlayers = net->nconv + net->nwidths + 1;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    PetscCall(SetUpLayer(net, l, offset));
    all += (PetscReal)net->layer[l].nweights + net->layer[l].out;
    PetscCall(TzNetCheckSize(net, l, "parameters up to it", all));
    /* vectors of parameters: solution, gradient, momentum, step, direction, what is evaluated, the evaluator's own, the file's; the matrix, plain, packed and
       while it is made */
    need += 8 * ((PetscReal)net->layer[l].nweights + net->layer[l].out);
    if (net->layer[l].contraction == TZ_CONTRACT_DENSE) need += 3 * (PetscReal)net->layer[l].in * net->layer[l].out;
    PetscCall(TzNetCheckMemory(net, l, "an evaluation up to it", need));
    offset += net->layer[l].nweights;
  }
  for (PetscInt l = 0; l < net->nlayers; l++) {
    net->layer[l].bias = offset;
    offset += net->layer[l].out;
  }
  PetscCall(CheckPrecision(net));
  PetscCheck(!net->model.activationbits || !TzNetHasPlaces(net), PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_activation_bits: not for convolutions and tokens");
  net->nfull   = offset;
  net->nparams = net->bias ? offset : net->layer[0].bias;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetUp(TzNet net)
{
  PetscFunctionBegin;
  if (net->setupcalled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(net->in > 0, PetscObjectComm((PetscObject)net), PETSC_ERR_ORDER, "TzNetSetIO() first");
  PetscCall(Reset(net));
  if (net->shell) {
    PetscCall(TzShellSetUp(net->shell, net->in, net->out, net->seed));
    net->nlayers = 0;
    net->nparams = net->nfull = net->shell->nparams;
  } else PetscCall(SetUpLayers(net));
  net->setupcalled = PETSC_TRUE;
  net->version++;
  PetscCall(PetscObjectChangeTypeName((PetscObject)net, net->shell ? net->shell->name : TzFormatName(net->format)));
  PetscCall(PetscObjectViewFromOptions((PetscObject)net, NULL, "-net_view"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ViewLayer(const TzLayer *layer, PetscViewer viewer)
{
  static const char *const how[] = {"through the smallest bond", "by its operator", "densified once per parameter vector"}, *const names[] = {"bond", "cores",
                                                                                                                                              "dense"};

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " -> %" PetscInt_FMT ", %s, %" PetscInt_FMT " weights", layer->in, layer->out,
                                   TzFormatName(layer->ops), layer->nweights));
  PetscCall(TzPlacesView(layer, viewer));
  if (layer->ops->view) PetscCall((*layer->ops->view)(layer, viewer));
  if (layer->ops->bond || layer->ops->cost) {
    PetscCall(PetscViewerASCIIPrintf(viewer, ", contracted %s (multiply-adds per input:", how[layer->contraction]));
    for (int c = 0; c < 3; c++)
      if (layer->cost[c] < PETSC_MAX_REAL) PetscCall(PetscViewerASCIIPrintf(viewer, " %s %.0f", names[c], (double)layer->cost[c]));
    PetscCall(PetscViewerASCIIPrintf(viewer, ")"));
  }
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetView(TzNet net, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(TzClassViewBegin((PetscObject)net, &viewer, &ascii));
  if (ascii && net->shell) PetscCall(TzShellView(net->shell, viewer));
  if (ascii) PetscCall(TzModelView(net, viewer));
  if (!ascii || net->shell) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "  activation %s, %" PetscInt_FMT " parameters, evaluation %s, %s precision\n", net->activation, net->nparams,
                                   net->reference ? "reference" : "fast", TzPrecisions[net->precision]));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    PetscCall(PetscViewerASCIIPrintf(viewer, "  layer %" PetscInt_FMT ": ", l + 1));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
    PetscCall(ViewLayer(&net->layer[l], viewer));
    PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetPrecision(TzNet net, TzPrecision precision)
{
  PetscFunctionBegin;
  if (net->precision != precision) net->setupcalled = PETSC_FALSE;
  net->precision = precision;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetPrecision(TzNet net, TzPrecision *precision)
{
  PetscFunctionBegin;
  *precision = net->precision;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetSparseMethod(TzNet net, TzSparseMethod *method)
{
  PetscFunctionBegin;
  *method = net->firstinputs ? TZ_SPARSE_RANDOM : (TzSparseMethod)net->sparsemethod;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetDuplicateDense(TzNet net, TzNet *dense)
{
  PetscFunctionBegin;
  PetscCall(TzNetCreate(PetscObjectComm((PetscObject)net), dense));
  PetscCall(TzNetSetFormat(*dense, TZNETDENSE));
  PetscCall(TzNetSetIO(*dense, net->in, net->out));
  PetscCall(TzNetSetHidden(*dense, net->nhidden, net->hidden));
  PetscCall(TzNetSetActivation(*dense, net->activation));
  (*dense)->bias = net->bias;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetIO(TzNet net, PetscInt *in, PetscInt *out)
{
  PetscFunctionBegin;
  if (in) *in = net->in;
  if (out) *out = net->out;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetHidden(TzNet net, PetscInt *n, const PetscInt *widths[])
{
  PetscFunctionBegin;
  *n      = net->shell ? -1 : net->nhidden;
  *widths = net->hidden;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetNumParameters(TzNet net, PetscInt *n)
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  *n = net->nparams;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetLayout(TzNet net, PetscInt layer, TzNetLayout *layout)
{
  const TzLayer *p;

  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  PetscCheck(layer >= 0 && layer < net->nlayers, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "layer %" PetscInt_FMT " of %" PetscInt_FMT, layer, net->nlayers);
  p                  = &net->layer[layer];
  *layout            = (TzNetLayout){.format = TzFormatName(p->ops), .in = p->in, .out = p->out, .weights = p->weights, .nweights = p->nweights};
  layout->activation = layer < net->nhidden ? net->act[layer]->name : NULL;
  layout->bias       = net->bias ? p->bias : -1;
  if (p->at.apply == TZ_APPLY_WINDOWS)
    PetscCall(PetscArraycpy(layout->windows, ((PetscInt[6]){p->at.channels, p->at.rows, p->at.cols, p->at.krows, p->at.kcols, p->at.pool}), 6));
  if (p->at.apply == TZ_APPLY_TOKENS) {
    layout->slots        = p->at.slots;
    layout->concatenated = net->concatenate ? 1 : 0;
  }
  if (p->ops->describe) (*p->ops->describe)(p, layout);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W of a layer := factor W. It is homogeneous in the weights, of a degree that the format need not tell: 1, or the number of cores of a train */
static PetscErrorCode ScaleLayer(const TzLayer *layer, PetscReal factor, PetscReal theta[])
{
  const PetscInt size = layer->in * layer->out;
  PetscReal     *w = theta + layer->weights, *W, sum[2] = {0, 0}, degree;

  PetscFunctionBegin;
  if (layer->ops->scale) {
    PetscCall((*layer->ops->scale)(layer, factor, theta));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(size, &W));
  for (int k = 0; k < 2; k++) {
    for (PetscInt i = 0; k && i < layer->nweights; i++) w[i] *= 2;
    PetscCall((*layer->ops->densify)(layer, theta, W));
    for (PetscInt i = 0; i < size; i++) sum[k] += PetscAbsReal(W[i]);
  }
  degree = sum[0] > 0 ? PetscMax(1, PetscFloorReal(PetscLogReal(sum[1] / sum[0]) / PetscLogReal(2) + 0.5)) : 1;
  for (PetscInt i = 0; i < layer->nweights; i++) w[i] *= PetscPowReal(factor, 1 / degree) / 2;
  PetscCall(PetscFree(W));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Of w, which are weights of W [out][in], those of few inputs for each unit (TzNetHasInput), as much larger as the row keeps its length. A sum of functions of
  single x_i is at hand at once then, where a full row would have to lose all others.
*/
static void KeepInputs(TzNet net, const TzLayer *layer, PetscReal w[])
{
  const PetscInt  in    = layer->in;
  const PetscReal scale = PetscSqrtReal((PetscReal)in / (PetscReal)PetscMin(net->firstinputs + (net->firstlast ? 1 : 0), in));
  TzCut           cut   = {.place = NULL};

  (*layer->ops->cut)(layer, &cut);
  for (PetscInt p = 0; p < layer->nweights; p++) {
    const PetscInt place = cut.place ? cut.place[p] : p;

    w[p] *= TzNetHasInput(net, place / in, place % in) ? scale : 0;
  }
}

PetscErrorCode TzNetSetSample(TzNet net, PetscInt d, PetscInt n, const PetscReal Z[])
{
  PetscFunctionBegin;
  PetscCheck(d >= 0 && d <= net->in, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a state of %" PetscInt_FMT " inputs of %" PetscInt_FMT, d, net->in);
  PetscCall(PetscFree(net->sample));
  PetscCall(PetscMalloc1(n * net->in, &net->sample));
  net->nsample = n;
  net->nstate  = d;
  for (PetscInt i = 0; i < net->in; i++) {
    PetscReal mean = 0;

    for (PetscInt k = 0; k < n; k++) mean += Z[k * net->in + i] / (PetscReal)n;
    for (PetscInt k = 0; k < n; k++) net->sample[k * net->in + i] = Z[k * net->in + i] - mean;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetWantsSample(TzNet net, PetscBool *wants)
{
  PetscFunctionBegin;
  *wants = net->covariance;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first d of w [in] := sum_k c_k Z_k */
static void Combine(PetscInt n, PetscInt in, PetscInt d, const PetscReal Z[], const PetscReal c[], PetscReal w[])
{
  for (PetscInt i = 0; i < d; i++) w[i] = 0;
  for (PetscInt k = 0; k < n; k++)
    for (PetscInt i = 0; i < d; i++) w[i] += c[k] * Z[k * in + i];
}

/* c [n]: w.Z_k over the first d inputs; the sum of their squares */
static PetscReal Project(PetscInt n, PetscInt in, PetscInt d, const PetscReal Z[], const PetscReal w[], PetscReal c[])
{
  PetscReal sum = 0;

  for (PetscInt k = 0; k < n; k++) {
    c[k] = 0;
    for (PetscInt i = 0; i < d; i++) c[k] += w[i] * Z[k * in + i];
    sum += c[k] * c[k];
  }
  return sum;
}

/* w's first d := these times the covariance, a step of the power method; sum (w.Z_k)^2 over them stays */
static void Sharpen(PetscInt n, PetscInt in, PetscInt d, const PetscReal Z[], PetscReal c[], PetscReal w[])
{
  const PetscReal before = Project(n, in, d, Z, w, c);
  PetscReal       after;

  Combine(n, in, d, Z, c, w);
  after = Project(n, in, d, Z, w, c);
  for (PetscInt i = 0; i < d; i++) w[i] *= after > 0 ? PetscSqrtReal(before / after) : 0;
}

/*
  W [out][in] := rows xi Z, xi normal, Z [n][in] the sample about its mean: their covariance is a multiple of the sample's, so that directions in which it
  hardly varies have small weights; -net_first_sharpen: fewer and fewer directions are left of the state's. The mean of (w.z)^2 over rows and sample is that of
  normal weights with the deviation sd, whatever Z is.
*/
static PetscErrorCode FollowSample(TzNet net, PetscInt64 seed, PetscReal sd, PetscReal W[])
{
  const PetscInt   n = net->nsample, in = net->in, out = net->layer[0].out;
  const PetscReal *Z      = net->sample;
  PetscReal        square = 0, product = 0, *c;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &c));
  for (PetscInt e = 0; e < n * in; e++) square += PetscSqr(Z[e]);
  for (PetscInt j = 0; j < out; j++) {
    PetscReal *w = W + j * in;

    PetscCall(TzRandomNormal(seed, TZ_STREAM_INIT, 2, j, 0, n, c));
    Combine(n, in, in, Z, c, w);
    for (PetscInt s = 0; s < net->sharpen; s++) Sharpen(n, in, net->nstate, Z, c, w);
    product += Project(n, in, in, Z, w, c);
  }
  for (PetscInt e = 0; product > 0 && e < out * in; e++) W[e] *= sd * PetscSqrtReal((PetscReal)out * square / product);
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Weights: normal with the format's deviation (W has variance 2/(in + out)); biases: uniform on +-1/sqrt(in). Both are multiplied by
  -net_frequency in the first layer and by -net_output_scale in the last. Of a table of tokens `in` is the number of those that a sample can have.
*/
PetscErrorCode TzNetInitialize(TzNet net, PetscInt64 seed, PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  if (net->shell) PetscCall(TzShellInitialize(net->shell, seed, theta));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer  *layer = &net->layer[l];
    const PetscReal in    = layer->at.apply == TZ_APPLY_TOKENS ? (layer->at.places > 1 ? 1 : layer->at.slots) : layer->in;
    const PetscReal scale = (l ? 1 : net->frequency) * (l == net->nhidden ? net->outputscale : 1);
    const PetscReal wide  = scale * PetscSqrtReal((layer->in + layer->out) / (in + layer->out)); /* 1 but for a table */
    const PetscReal sd    = layer->ops->deviation ? (*layer->ops->deviation)(layer) : PetscSqrtReal((PetscReal)2 / (layer->in + layer->out));
    PetscReal      *w = theta + layer->weights, *b = theta + layer->bias;

    if (layer->ops->initialize) PetscCall((*layer->ops->initialize)(layer, seed, l, w));
    else PetscCall(TzRandomNormal(seed, TZ_STREAM_INIT, 0, l, 0, layer->nweights, w));
    for (PetscInt i = 0; i < layer->nweights; i++) w[i] *= sd;
    if (!l && net->covariance && net->nsample) PetscCall(FollowSample(net, seed, sd, w));
    if (!l && net->firstinputs) KeepInputs(net, layer, w);
    if (wide != 1) PetscCall(ScaleLayer(layer, wide, theta));
    if (!net->bias) continue;
    PetscCall(TzRandomUniform(seed, TZ_STREAM_INIT, 1, l, 0, layer->out, b));
    for (PetscInt i = 0; i < layer->out; i++) b[i] = scale * (2 * b[i] - 1) / PetscSqrtReal(in);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W [out][in] of layer 0 <= layer < number of layers */
PetscErrorCode TzNetGetWeight(TzNet net, const PetscReal theta[], PetscInt layer, PetscReal W[])
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  PetscCheck(layer >= 0 && layer < net->nlayers, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "layer %" PetscInt_FMT " of %" PetscInt_FMT, layer, net->nlayers);
  PetscCall((*net->layer[layer].ops->densify)(&net->layer[layer], theta, W));
  PetscFunctionReturn(PETSC_SUCCESS);
}
