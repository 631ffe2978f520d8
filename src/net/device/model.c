/*
  Models of hardware (tzdevice.h): few bits, noise, drift.

  Options: -net_weight_bits, -net_rounding, -net_activation_bits, -net_noise_weight, -net_noise_value, -net_noise_drift, -net_noise_type, -net_noise_per
*/
#include <private/tznetimpl.h>

const char *const TzWeightRoundings[] = {"nearest", "stochastic", "TzWeightRounding", "TZ_ROUNDING_", NULL};
const char *const TzNoiseTypes[]      = {"multiplicative", "additive", "TzNoiseType", "TZ_NOISE_", NULL};
const char *const TzNoisePers[]       = {"bind", "step", "once", "TzNoisePer", "TZ_NOISE_PER_", NULL};

static PetscErrorCode BitsFromOptions(TzNet net, const char name[], const char text[], PetscInt *bits, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsInt(name, text, "TzNetSetDeviceModel", *bits, bits, NULL));
  PetscCheck(*bits == 0 || (*bits >= 2 && *bits <= 32), PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "%s %" PetscInt_FMT ": must be 2 to 32, or 0 for numbers as they are", name, *bits);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SizeFromOptions(TzNet net, const char name[], const char text[], PetscReal *size, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsReal(name, text, "TzNetSetDeviceModel", *size, size, NULL));
  PetscCheck(*size >= 0 && *size <= 1e6, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT, "%s %g: must be at least 0", name, (double)*size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModelSetFromOptions(TzNet net, TzOptionItems PetscOptionsObject)
{
  TzDeviceModel *m        = &net->model;
  PetscEnum      rounding = (PetscEnum)m->rounding, type = (PetscEnum)m->type, per = (PetscEnum)m->per;

  PetscFunctionBegin;
  PetscCall(
    BitsFromOptions(net, "-net_weight_bits", "Bits of the parameters that the network holds (2 to 32); 0: as they are", &m->weightbits, PetscOptionsObject));
  if (m->weightbits)
    PetscCall(
      TzOptionsEnum("-net_rounding", "Rounding of the parameters to their levels", "TzNetSetDeviceModel", TzWeightRoundings, rounding, &rounding, NULL));
  if (!net->shell)
    PetscCall(BitsFromOptions(net, "-net_activation_bits", "Bits of the activations (2 to 32); 0: as they are", &m->activationbits, PetscOptionsObject));
  PetscCall(SizeFromOptions(net, "-net_noise_weight", "Standard deviation of the parameters' noise, relative", &m->weightnoise, PetscOptionsObject));
  PetscCall(
    SizeFromOptions(net, "-net_noise_value", "Standard deviation of the values' noise: relative, or in units of f", &m->valuenoise, PetscOptionsObject));
  PetscCall(SizeFromOptions(net, "-net_noise_drift", "Drift of the parameters a step: standard deviation, relative", &m->drift, PetscOptionsObject));
  if (m->weightnoise > 0 || m->valuenoise > 0)
    PetscCall(TzOptionsEnum("-net_noise_type", "Noise: multiplicative, or additive (of parameters relative to the largest of their group)",
                            "TzNetSetDeviceModel", TzNoiseTypes, type, &type, NULL));
  if (m->weightnoise > 0 || m->valuenoise > 0 || rounding == (PetscEnum)TZ_ROUNDING_STOCHASTIC)
    PetscCall(TzOptionsEnum("-net_noise_per", "Random numbers: new ones for each parameter vector, common to those of a step, or once for all",
                            "TzNetSetDeviceModel", TzNoisePers, per, &per, NULL));
  m->rounding = (TzWeightRounding)rounding;
  m->type     = (TzNoiseType)type;
  m->per      = (TzNoisePer)per;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModelView(TzNet net, PetscViewer viewer)
{
  const TzDeviceModel *m = &net->model;

  PetscFunctionBegin;
  if (!TzModelIsActive(net)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "  as hardware: weights of %" PetscInt_FMT " bits (%s), activations of %" PetscInt_FMT " bits (0: as they are)\n",
                                   m->weightbits, TzWeightRoundings[m->rounding], m->activationbits));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %s noise of weights %g, of values %g, per %s; drift %g\n", TzNoiseTypes[m->type], (double)m->weightnoise,
                                   (double)m->valuenoise, TzNoisePers[m->per], (double)m->drift));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- keys --------------------------------------------------------------- */

/* Of the bits of x[n]; another seed makes it another function */
static uint64_t Hash(PetscInt n, const PetscReal x[], uint64_t seed)
{
  uint64_t h = seed + UINT64_C(0x9e3779b97f4a7c15), bits;

  for (PetscInt i = 0; i < n; i++) {
    memcpy(&bits, &x[i], sizeof(bits));
    h = (h ^ bits) * UINT64_C(0xbf58476d1ce4e5b9);
    h ^= h >> 31;
  }
  h *= UINT64_C(0x94d049bb133111eb);
  return h ^ h >> 29;
}

/* Step and item of the key of what is drawn for theta: item 0 is of patterns, 1 of those of a step */
static void Key(TzNet net, uint64_t hash, PetscInt *step, PetscInt *item)
{
  *step = net->model.per == TZ_NOISE_PER_ONCE ? 0 : net->time;
  *item = net->model.per == TZ_NOISE_PER_BIND ? 2 + (PetscInt)(hash >> 34) : net->model.per == TZ_NOISE_PER_STEP;
}

/* --------------------------------------------------------- quantisation ---------------------------------------------------------- */

static PetscReal Largest(PetscInt n, PetscInt stride, const PetscReal x[])
{
  PetscReal most = 0;

  for (PetscInt i = 0; i < n; i++) most = PetscMax(most, PetscAbsReal(x[i * stride]));
  return most;
}

/* The step of 2^bits - 1 levels that reach the largest number of x[n stride]; 0: all of them are 0, or one is no number */
static PetscReal LevelStep(PetscInt bits, PetscReal largest)
{
  int e;

  if (!(largest > 0) || PetscIsInfOrNanReal(largest)) return 0;
  (void)frexp(largest, &e);
  return ldexp(1, e + 1 - (int)bits);
}

/* x to its level; u: what is added before the lower one is taken, 1/2 for the nearest */
static inline PetscReal ToLevel(PetscInt bits, PetscReal step, PetscReal u, PetscReal x)
{
  const PetscReal most = ldexp(1, (int)bits - 1) - 1;

  return step * PetscMax(-most, PetscMin(most, PetscFloorReal(x / step + u)));
}

/* Activations a [width][n], point fastest: of each of the n rows by itself */
void TzModelActivations(TzNet net, PetscInt width, PetscInt n, PetscReal a[])
{
  const PetscInt bits = net->model.activationbits;

  for (PetscInt p = 0; p < n; p++) {
    const PetscReal step = LevelStep(bits, Largest(width, n, a + p));

    for (PetscInt j = 0; j < width && step > 0; j++) a[j * n + p] = ToLevel(bits, step, 0.5, a[j * n + p]);
  }
}

/* ------------------------------------------------------------ weights ------------------------------------------------------------ */

/* Parameters first <= i < first + n, a group */
typedef PetscErrorCode (*Visit)(TzNet net, PetscInt first, PetscInt n, void *ctx);

/* Every group of parameters once, in ascending order of the layers: cores or matrix, and behind them biases */
static PetscErrorCode EachGroup(TzNet net, Visit visit, void *ctx)
{
  PetscFunctionBegin;
  if (net->shell) PetscCall((*visit)(net, 0, net->nparams, ctx));
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];
    const TzTrain *train = TzLayerGetCut(layer).train;

    for (PetscInt first = 0, n; !train && first < layer->nweights; first += n) {
      n = layer->ops->group ? (*layer->ops->group)(layer, first) : layer->nweights;
      PetscCall((*visit)(net, layer->weights + first, n, ctx));
    }
    for (PetscInt k = 0; train && k < train->ncores; k++) {
      const TzCore *c = &train->core[k];

      PetscCall((*visit)(net, c->offset, c->r0 * c->m * c->n * c->r1, ctx));
    }
    if (net->bias) PetscCall((*visit)(net, layer->bias, layer->out, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const PetscReal *scale;          /* parameters of which the largest of each group sets its levels */
  PetscReal       *theta, *random; /* what is held of others, in place; random: as many numbers, one kind after the other */
  PetscInt         step, item;
} Weights;

static PetscErrorCode Quantise(TzNet net, PetscInt first, PetscInt n, void *ctx)
{
  const TzDeviceModel *m    = &net->model;
  const Weights       *w    = (const Weights *)ctx;
  PetscReal           *x    = w->theta + first;
  const PetscReal      step = LevelStep(m->weightbits, Largest(n, 1, w->scale + first));

  PetscFunctionBegin;
  if (m->rounding == TZ_ROUNDING_STOCHASTIC) PetscCall(TzRandomUniform(net->seed, TZ_STREAM_DEVICE, w->step, w->item, first, n, w->random));
  for (PetscInt i = 0; i < n && step > 0; i++) x[i] = ToLevel(m->weightbits, step, m->rounding == TZ_ROUNDING_STOCHASTIC ? w->random[i] : 0.5, x[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddNoise(TzNet net, PetscInt first, PetscInt n, void *ctx)
{
  const TzDeviceModel *m    = &net->model;
  const Weights       *w    = (const Weights *)ctx;
  PetscReal           *x    = w->theta + first;
  const PetscReal      size = m->weightnoise * (m->type == TZ_NOISE_ADDITIVE ? Largest(n, 1, x) : 1);

  PetscFunctionBegin;
  PetscCall(TzRandomNormal(net->seed, TZ_STREAM_DEVICE, w->step, w->item, first, n, w->random));
  for (PetscInt i = 0; i < n; i++) x[i] += size * w->random[i] * (m->type == TZ_NOISE_ADDITIVE ? 1 : x[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzModelCountRows(TzNet net, PetscInt64 rows)
{
  net->costs.forwards += rows;
  net->costs.bytes += rows * (net->in + net->out) * (PetscInt64)sizeof(PetscReal);
}

static PetscErrorCode Hold(TzNet net, Weights *w)
{
  const TzDeviceModel *m = &net->model;

  PetscFunctionBegin;
  if (m->weightbits) PetscCall(EachGroup(net, Quantise, w));
  if (m->weightnoise > 0) PetscCall(EachGroup(net, AddNoise, w));
  if (m->drift > 0) {
    PetscCall(TzRandomNormal(net->seed, TZ_STREAM_DEVICE, TZ_STEP_NONE, 0, 0, net->nparams, w->random));
    for (PetscInt i = 0; i < net->nparams; i++) w->theta[i] *= 1 + m->drift * net->time * w->random[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModelBind(TzNet net, const PetscReal theta[], PetscReal held[], uint64_t *hash)
{
  Weights w = {.scale = theta};

  PetscFunctionBegin;
  *hash = Hash(net->nparams, theta, (uint64_t)net->seed ^ (uint64_t)net->repeat << 32);
  Key(net, *hash, &w.step, &w.item);
  PetscCall(PetscMalloc2(net->nparams, &w.theta, net->nparams, &w.random));
  PetscCall(PetscArraycpy(w.theta, theta, net->nparams));
  PetscCall(Hold(net, &w));
  for (PetscInt i = 0; i < net->nparams; i++) net->costs.writes += held[i] != w.theta[i];
  net->costs.binds++;
  net->costs.bytes += net->nparams * (PetscInt64)sizeof(PetscReal);
  PetscCall(PetscArraycpy(held, w.theta, net->nparams));
  PetscCall(PetscFree2(w.theta, w.random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------- a single parameter moves ---------------------------------------------------- */

PetscBool TzModelMovesAlone(TzNet net)
{
  const TzDeviceModel *m      = &net->model;
  const PetscBool      random = (PetscBool)(m->weightnoise > 0 || (m->weightbits && m->rounding == TZ_ROUNDING_STOCHASTIC));

  return (PetscBool)(!TzNetIsValues(net) && !(random && m->per == TZ_NOISE_PER_BIND) && !(m->weightnoise > 0 && m->type == TZ_NOISE_ADDITIVE));
}

typedef struct {
  const PetscReal *theta;
  PetscReal        mu;
  PetscBool       *alone;
} Alone;

/* Whether the levels of the group stay where the parameter moves */
static PetscErrorCode KeepsLevels(TzNet net, PetscInt first, PetscInt n, void *ctx)
{
  const Alone     *a    = (const Alone *)ctx;
  const PetscInt   bits = net->model.weightbits;
  const PetscReal *x = a->theta + first, most = Largest(n, 1, x);
  PetscReal        rest = 0; /* the largest beside one of the largest */
  PetscInt         at   = -1;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    if (at < 0 && PetscAbsReal(x[i]) == most) at = i;
    else rest = PetscMax(rest, PetscAbsReal(x[i]));
  }
  for (PetscInt i = 0; i < n; i++)
    a->alone[first + i] = (PetscBool)(!bits || LevelStep(bits, PetscMax(i == at ? rest : most, PetscAbsReal(x[i] + a->mu))) == LevelStep(bits, most));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModelMove(TzNet net, const PetscReal theta[], PetscReal mu, PetscReal held[], PetscBool alone[])
{
  Weights w = {.scale = theta, .theta = held};
  Alone   a = {theta, mu, alone};

  PetscFunctionBegin;
  Key(net, 0, &w.step, &w.item);
  PetscCall(PetscMalloc1(net->nparams, &w.random));
  for (PetscInt i = 0; i < net->nparams; i++) held[i] = theta[i] + mu;
  PetscCall(Hold(net, &w));
  PetscCall(EachGroup(net, KeepsLevels, &a));
  PetscCall(PetscFree(w.random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ values ------------------------------------------------------------- */

/* Y [n][out] at X [n][in], of a parameter vector with this hash */
PetscErrorCode TzModelOutputs(TzNet net, uint64_t hash, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const TzDeviceModel *m = &net->model;
  PetscReal           *xi;
  PetscInt             step, item;

  PetscFunctionBegin;
  if (!(m->valuenoise > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  Key(net, hash, &step, &item);
  PetscCall(PetscMalloc1(net->out, &xi));
  for (PetscInt p = 0; p < n; p++, Y += net->out) {
    const uint64_t key = Hash(net->in, X + p * net->in, (uint64_t)net->seed ^ (uint64_t)item);

    PetscCall(TzRandomNormal(net->seed, TZ_STREAM_DEVICEOUTPUT, step, (PetscInt)(key >> 33), (PetscInt)(key & 0x3fffffff), net->out, xi));
    for (PetscInt o = 0; o < net->out; o++) Y[o] += m->valuenoise * xi[o] * (m->type == TZ_NOISE_ADDITIVE ? 1 : Y[o]);
  }
  PetscCall(PetscFree(xi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const PetscReal *theta;
  PetscReal       *step;
} Steps;

static PetscErrorCode GroupSteps(TzNet net, PetscInt first, PetscInt n, void *ctx)
{
  const Steps    *s    = (const Steps *)ctx;
  const PetscReal step = LevelStep(net->model.weightbits, Largest(n, 1, s->theta + first));

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) s->step[first + i] = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModelSteps(TzNet net, const PetscReal theta[], PetscReal step[])
{
  Steps s = {theta, step};

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(step, net->nparams));
  if (net->model.weightbits) PetscCall(EachGroup(net, GroupSteps, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
