/*
  Modes of the trains: parsing -net_tt_modes, automatic factorisation, and the cost model that chooses a contraction.
*/
#include <private/tznetimpl.h>
#include <stdlib.h>

/* "3,4,4" up to end -> modes; the product must be width */
static PetscErrorCode ParseList(MPI_Comm comm, const char *all, const char *s, const char *end, PetscInt width, PetscInt *n, PetscInt modes[])
{
  const char *first   = s;
  PetscInt    product = 1;

  PetscFunctionBegin;
  *n = 0;
  while (s < end) {
    char *next;
    long  m = strtol(s, &next, 10);

    PetscCheck(next > s && m >= 1 && m <= 1000000 && (next == end || *next == ','), comm, PETSC_ERR_USER_INPUT,
               "-net_tt_modes %s: modes are positive integers, as in \"3,7|3,4,4,4,4;3,4,4,4,4|3,4,4,4,4\"", all);
    PetscCheck(*n < TZ_MAX_CORES / 2, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: at most %d modes for each side of a layer", all, TZ_MAX_CORES / 2);
    modes[(*n)++] = (PetscInt)m;
    product *= (PetscInt)m;
    PetscCheck(product <= width, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: the product of \"%.*s\" is not the width %" PetscInt_FMT, all,
               (int)(end - first), first, width);
    s = next + (next < end);
  }
  PetscCheck(*n > 0 && product == width, comm, PETSC_ERR_USER_INPUT,
             "-net_tt_modes %s: a product of modes is %" PetscInt_FMT "; the layer's width is %" PetscInt_FMT, all, product, width);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The modes of one layer from "in|out;in|out;..." (one entry for each layer that is a train) */
PetscErrorCode TzModesParse(TzNet net, PetscInt l, TzLayer *layer)
{
  MPI_Comm    comm    = PetscObjectComm((PetscObject)net);
  const char *s       = net->modes, *bar, *end;
  PetscInt    entries = 1, trains = net->nhidden + (net->format == &TzFormat_TTM);

  PetscFunctionBegin;
  for (const char *c = s; *c; c++) entries += *c == ';';
  PetscCheck(entries == trains, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: has %" PetscInt_FMT " layers; the network has %" PetscInt_FMT " trains",
             net->modes, entries, trains);
  for (PetscInt k = 0; k < l; k++) s = strchr(s, ';') + 1;
  end = strchr(s, ';');
  if (!end) end = s + strlen(s);
  bar = memchr(s, '|', end - s);
  PetscCheck(bar, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: layer %" PetscInt_FMT " must be \"input modes|output modes\"", net->modes, l + 1);
  PetscCall(ParseList(comm, net->modes, s, bar, layer->in, &layer->nin, layer->mode_in));
  PetscCall(ParseList(comm, net->modes, bar + 1, end, layer->out, &layer->nout, layer->mode_out));
  PetscCheck(layer->ops != &TzFormat_TTM || layer->nin == layer->nout, comm, PETSC_ERR_USER_INPUT,
             "-net_tt_modes %s: a tensor-train matrix has as many input as output modes", net->modes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int Ascending(const void *a, const void *b)
{
  PetscInt x = *(const PetscInt *)a, y = *(const PetscInt *)b;
  return (x > y) - (x < y);
}

/* Prime factors of n; pairs of 2 become 4, which balances the cores: 768 = 3 4 4 4 4. Ascending; n = 1 gives one mode 1. */
static PetscErrorCode Factorise(PetscInt n, PetscInt most, PetscInt *count, PetscInt modes[])
{
  PetscInt all[64], c = 0;

  PetscFunctionBegin;
  while (n % 4 == 0) all[c++] = 4, n /= 4;
  for (PetscInt p = 2; p * p <= n; p++)
    while (n % p == 0) all[c++] = p, n /= p;
  if (n > 1 || !c) all[c++] = n;
  qsort(all, c, sizeof(*all), Ascending);
  while (c > most) { /* merge the two smallest */
    all[0] *= all[1];
    for (PetscInt k = 1; k + 1 < c; k++) all[k] = all[k + 1];
    c--;
    qsort(all, c, sizeof(*all), Ascending);
  }
  for (PetscInt k = 0; k < c; k++) modes[k] = all[k];
  *count = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* matrix: tensor-train matrix, equal numbers of modes on both sides (at most 4, filled up with ones) */
PetscErrorCode TzModesAutomatic(TzNet net, TzLayer *layer, PetscBool matrix)
{
  PetscInt most = matrix ? 4 : TZ_MAX_CORES / 2;

  PetscFunctionBegin;
  (void)net;
  PetscCall(Factorise(layer->in, most, &layer->nin, layer->mode_in));
  PetscCall(Factorise(layer->out, most, &layer->nout, layer->mode_out));
  if (matrix) {
    while (layer->nin < layer->nout) layer->mode_in[layer->nin++] = 1;
    while (layer->nout < layer->nin) layer->mode_out[layer->nout++] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Multiply-adds of core-by-core contraction for one input. A tensor-train matrix: as two halves of merged cores, cut where that is
  cheapest (batch.c); a plain train: after input core k the tensor has R_k x in_k+1.. entries, then the output modes grow.
*/
static PetscReal CoresCost(const TzLayer *layer)
{
  PetscReal cost = 0, done = 1, left = layer->in;

  if (layer->ops == &TzFormat_TTM) {
    PetscReal ml = 1, nl = 1;

    cost = layer->ncores > 1 ? PETSC_MAX_REAL : (PetscReal)layer->in * layer->out;
    for (PetscInt k = 0; k + 1 < layer->ncores; k++) {
      ml *= layer->mode_out[k];
      nl *= layer->mode_in[k];
      cost = PetscMin(cost, layer->rank[k + 1] * (layer->in * layer->out / ml + layer->out * nl));
    }
    return cost;
  }
  for (PetscInt k = 0; k < layer->nin; k++) {
    left /= layer->mode_in[k];
    cost += (PetscReal)layer->rank[k] * layer->mode_in[k] * layer->rank[k + 1] * left;
  }
  for (PetscInt k = layer->nin; k < layer->ncores; k++) {
    cost += done * layer->rank[k] * layer->mode_out[k - layer->nin] * layer->rank[k + 1];
    done *= layer->mode_out[k - layer->nin];
  }
  return cost;
}

/*
  The cost model: multiply-adds. Products of panels run at the vector unit's peak; a plain train core by core goes row by row in
  scalar loops, measured at about a quarter of it. Building the bond's factors, the halves or the matrix costs once per
  parameter vector and is shared by the thousands of inputs of a loss.
*/
PetscErrorCode TzLayerChooseContraction(TzNet net, TzLayer *layer)
{
  const PetscReal slowness = layer->ops == &TzFormat_TTM ? 1 : 4;

  PetscFunctionBegin;
  layer->cost[TZ_CONTRACT_DENSE] = (PetscReal)layer->in * layer->out;
  layer->cost[TZ_CONTRACT_CORES] = layer->index ? slowness * layer->nweights : layer->ops->apply ? slowness * CoresCost(layer) : PETSC_MAX_REAL;
  layer->cost[TZ_CONTRACT_BOND]  = layer->ops->bond ? (PetscReal)layer->rank[layer->nin] * (layer->in + layer->out) : PETSC_MAX_REAL;
  layer->contraction             = TZ_CONTRACT_DENSE;
  for (int c = 0; c < 3; c++)
    if (layer->cost[c] < layer->cost[layer->contraction]) layer->contraction = (TzContraction)c;
  if (net->contraction >= 0 && layer->ops->trains) {
    PetscCheck(layer->cost[net->contraction] < PETSC_MAX_REAL, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
               "-net_contraction bond: format %s has no middle bond; use auto, cores or dense", layer->ops->name);
    layer->contraction = (TzContraction)net->contraction;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of scratch that apply() needs: two of the largest intermediate tensors */
PetscInt TzLayerWorkSize(const TzLayer *layer)
{
  PetscInt size = PetscMax(layer->in, layer->out), rmax = 1;

  for (PetscInt k = 0; k <= layer->ncores; k++) rmax = PetscMax(rmax, layer->rank[k]);
  if (layer->ops == &TzFormat_TTM) {
    PetscInt done = 1, left = layer->in;
    for (PetscInt k = 0; k < layer->ncores; k++) {
      done *= layer->mode_out[k];
      left /= layer->mode_in[k];
      size = PetscMax(size, done * left);
    }
  }
  return 2 * size * rmax;
}
