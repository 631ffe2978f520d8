/*
  Parameters of one network for another: rounded, grown, from a matrix or to one. Trains by themselves: formats/cores.c.
*/
#include "formats/cores.h"

PetscErrorCode TzNetRound(TzNet net, const PetscReal theta[], PetscReal tolerance, char **bonds, PetscInt *n, PetscReal **rounded, PetscReal error[])
{
  char      text[2048] = "";
  PetscInt  biases;
  TzCores   cores;
  PetscBool first = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  biases = net->shell ? 0 : net->nparams - net->layer[0].bias;
  *n     = 0;
  PetscCall(PetscMalloc1(net->nparams, rounded));
  for (PetscInt l = 0; l < (net->shell ? 0 : net->nlayers); l++) {
    const TzLayer *layer = &net->layer[l];
    const TzTrain *train = TzLayerGetCut(layer).train;

    error[l] = 0;
    if (!train) {
      PetscCall(PetscArraycpy(*rounded + *n, theta + layer->weights, layer->nweights));
      *n += layer->nweights;
      continue;
    }
    PetscCall(TzCoresFromTheta(train, theta, &cores));
    PetscCall(TzCoresRound(&cores, tolerance, NULL, &error[l]));
    PetscCall(TzBondsAppend(first, cores.ncores, cores.r, sizeof(text), text));
    first = PETSC_FALSE;
    for (PetscInt k = 0; k < cores.ncores; k++) {
      const PetscInt size = cores.r[k] * cores.m[k] * cores.n[k] * cores.r[k + 1];

      PetscCall(PetscArraycpy(*rounded + *n, cores.G[k], size));
      *n += size;
    }
    PetscCall(TzCoresDestroy(&cores));
  }
  if (!net->shell) PetscCall(PetscArraycpy(*rounded + *n, theta + net->layer[0].bias, biases));
  *n += biases;
  PetscCall(PetscStrallocpy(text, bonds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------- conversion -------------------------------------------------------------- */

static PetscBool SameModes(const TzTrain *a, const TzTrain *b)
{
  PetscBool same = (PetscBool)(a && a->ncores == b->ncores);

  for (PetscInt k = 0; same && k < a->ncores; k++) same = (PetscBool)(a->core[k].m == b->core[k].m && a->core[k].n == b->core[k].n);
  return same;
}

/* W of a layer, or its train, as a train of the ranks of layer `to` */
static PetscErrorCode ToTrain(const TzLayer *from, const PetscReal theta[], const TzLayer *to, PetscInt64 seed, PetscInt l, PetscReal converted[])
{
  const TzTrain *old = TzLayerGetCut(from).train, *train = TzLayerGetCut(to).train;
  PetscReal     *W;
  TzCores        cores;

  PetscFunctionBegin;
  if (SameModes(old, train)) PetscCall(TzCoresFromTheta(old, theta, &cores));
  else {
    PetscCall(PetscMalloc1((size_t)from->in * from->out, &W));
    PetscCall((*from->ops->densify)(from, theta, W));
    PetscCall(TzCoresFromMatrix(train, W, &cores));
    PetscCall(PetscFree(W));
  }
  PetscCall(TzCoresToTrain(&cores, train, seed, l, converted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(TzNet from, const char option[], TzNet to)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)to);
  PetscBool same = (PetscBool)(from->nhidden == to->nhidden && from->in == to->in && from->out == to->out);

  PetscFunctionBegin;
  PetscCheck(from->in == to->in && from->out == to->out, comm, PETSC_ERR_USER_INPUT,
             "%s: a network of %" PetscInt_FMT " inputs and %" PetscInt_FMT " outputs; here it must have %" PetscInt_FMT " and %" PetscInt_FMT, option,
             from->in, from->out, to->in, to->out);
  for (PetscInt l = 0; same && l < to->nhidden; l++) same = (PetscBool)(from->hidden[l] == to->hidden[l]);
  PetscCheck(same, comm, PETSC_ERR_USER_INPUT, "%s: a network with other hidden layers than -net_layers says; they must be the same", option);
  for (PetscInt l = 0; l < to->nhidden; l++) same = (PetscBool)(same && from->act[l] == to->act[l]);
  PetscCheck(same, comm, PETSC_ERR_USER_INPUT, "%s: a network with the activation %s; -net_activation must be that, too, not %s", option, from->activation,
             to->activation);
  PetscCheck(to->bias || !from->bias, comm, PETSC_ERR_USER_INPUT, "%s: a network with biases; must have -net_bias yes", option);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the parameters of a shell mean is the user's own affair: they are taken as they are, if there are as many */
static PetscErrorCode Copy(TzNet from, const PetscReal theta[], const char option[], TzNet to, PetscReal converted[])
{
  PetscInt n, m;

  PetscFunctionBegin;
  PetscCall(TzNetGetNumParameters(from, &n));
  PetscCall(TzNetGetNumParameters(to, &m));
  PetscCheck(n == m, PetscObjectComm((PetscObject)to), PETSC_ERR_USER_INPUT,
             "%s: %" PetscInt_FMT " parameters; must be %" PetscInt_FMT ", for a network of type %s has no layers to convert", option, n, m,
             ((PetscObject)(from->shell ? from : to))->type_name);
  PetscCall(PetscArraycpy(converted, theta, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetConvert(TzNet from, const PetscReal theta[], const char option[], TzNet to, PetscInt64 seed, PetscReal converted[])
{
  PetscFunctionBegin;
  PetscCall(TzNetSetUp(from));
  PetscCall(TzNetSetUp(to));
  if (from->shell || to->shell) {
    PetscCall(Copy(from, theta, option, to, converted));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Check(from, option, to));
  for (PetscInt l = 0; l < to->nlayers; l++) {
    const TzLayer  *a = &from->layer[l], *b = &to->layer[l];
    const TzCut     cut   = TzLayerGetCut(b);
    const PetscBool dense = (PetscBool)(cut.entries && !cut.place);
    PetscReal      *W;

    if (cut.train) PetscCall(ToTrain(a, theta, b, seed, l, converted));
    else if (dense) PetscCall((*a->ops->densify)(a, theta, converted + b->weights));
    else if (b->ops->fit && a->ops != b->ops) {
      PetscCall(PetscMalloc1((size_t)b->in * b->out, &W));
      PetscCall((*a->ops->densify)(a, theta, W));
      PetscCall((*b->ops->fit)(b, W, converted + b->weights));
      PetscCall(PetscFree(W));
    } else {
      PetscCheck(a->ops == b->ops && a->nweights == b->nweights, PetscObjectComm((PetscObject)to), PETSC_ERR_USER_INPUT,
                 "%s: format %s takes no parameters from another network; -net_format must be dense, tt, ttm, or one of mzi", option, TzFormatName(b->ops));
      PetscCall(PetscArraycpy(converted + b->weights, theta + a->weights, b->nweights));
    }
    if (from->bias) PetscCall(PetscArraycpy(converted + b->bias, theta + a->bias, b->out));
    else if (to->bias) PetscCall(PetscArrayzero(converted + b->bias, b->out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
