/*
  Modes of the trains: parsing -net_tt_modes, automatic factorisation.
*/
#include "formats.h"
#include <stdlib.h>

/* "3,4,4" up to end -> modes; the product must be width */
static PetscErrorCode ParseList(MPI_Comm comm, const char *all, const char *s, const char *end, PetscInt width, PetscInt *n, PetscInt modes[])
{
  const char *first   = s;
  PetscInt64  product = 1; /* at most 1e6 widths times 1e6 */

  PetscFunctionBegin;
  *n = 0;
  while (s < end) {
    char *next;
    long  m = strtol(s, &next, 10);

    PetscCheck(next > s && m >= 1 && m <= 1000000 && (next == end || *next == ','), comm, PETSC_ERR_USER_INPUT,
               "-net_tt_modes %s: modes are positive integers, as in \"3,7|3,4,4,4,4;3,4,4,4,4|3,4,4,4,4\"", all);
    PetscCheck(*n < TZ_MAX_CORES / 2, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: at most %d modes for each side of a layer", all, TZ_MAX_CORES / 2);
    modes[(*n)++] = (PetscInt)m;
    product *= m;
    PetscCheck(product <= width, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: the product of \"%.*s\" is not the width %" PetscInt_FMT, all,
               (int)(end - first), first, width);
    s = next + (next < end);
  }
  PetscCheck(*n > 0 && product == width, comm, PETSC_ERR_USER_INPUT,
             "-net_tt_modes %s: a product of modes is %" PetscInt64_FMT "; the layer's width is %" PetscInt_FMT, all, product, width);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The modes of one layer from "in|out;in|out;..." (one entry for each layer that is a train) */
static PetscErrorCode Parse(TzNet net, PetscInt l, const TzLayer *layer, PetscBool matrix, TzTrainLayer *t)
{
  MPI_Comm    comm    = PetscObjectComm((PetscObject)net);
  const char *s       = net->modes, *bar, *end;
  PetscInt    entries = 1, trains = net->nhidden + (layer->ops->lastdense ? 0 : 1);

  PetscFunctionBegin;
  for (const char *c = s; *c; c++) entries += *c == ';';
  PetscCheck(entries == trains, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: has %" PetscInt_FMT " layers; the network has %" PetscInt_FMT " trains",
             net->modes, entries, trains);
  for (PetscInt k = 0; k < l; k++) s = strchr(s, ';') + 1;
  end = strchr(s, ';');
  if (!end) end = s + strlen(s);
  bar = memchr(s, '|', end - s);
  PetscCheck(bar, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: layer %" PetscInt_FMT " must be \"input modes|output modes\"", net->modes, l + 1);
  PetscCall(ParseList(comm, net->modes, s, bar, layer->in, &t->nin, t->mode_in));
  PetscCall(ParseList(comm, net->modes, bar + 1, end, layer->out, &t->nout, t->mode_out));
  PetscCheck(!matrix || t->nin == t->nout, comm, PETSC_ERR_USER_INPUT, "-net_tt_modes %s: a tensor-train matrix has as many input as output modes", net->modes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzBondsParse(TzNet net, PetscInt l, const TzLayer *layer, PetscInt ncores, PetscInt rank[])
{
  MPI_Comm    comm    = PetscObjectComm((PetscObject)net);
  PetscInt    entries = 1, trains = net->nhidden + (layer->ops->lastdense ? 0 : 1);
  const char *s = net->bonds;
  char       *end;

  PetscFunctionBegin;
  for (const char *c = s; *c; c++) entries += *c == ';';
  PetscCheck(entries == trains, comm, PETSC_ERR_USER_INPUT, "-net_tt_bonds %s: has %" PetscInt_FMT " layers; the network has %" PetscInt_FMT " trains", s,
             entries, trains);
  for (PetscInt k = 0; k < l; k++) s = strchr(s, ';') + 1;
  rank[0] = rank[ncores] = 1;
  for (PetscInt k = 1; k < ncores; k++) {
    const long r = strtol(s, &end, 10);

    PetscCheck(end > s && r >= 1 && r <= 4096 && (k < ncores - 1 ? *end == ',' : !*end || *end == ';'), comm, PETSC_ERR_USER_INPUT,
               "-net_tt_bonds %s: layer %" PetscInt_FMT " must be %" PetscInt_FMT " ranks from 1 to 4096, one of every bond inside its train", net->bonds,
               l + 1, ncores - 1);
    rank[k] = (PetscInt)r;
    s       = end + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzBondsAppend(PetscBool first, PetscInt ncores, const PetscInt rank[], size_t len, char text[])
{
  char number[32];

  PetscFunctionBegin;
  if (!first) PetscCall(PetscStrlcat(text, ";", len));
  for (PetscInt k = 1; k < ncores; k++) {
    PetscCall(PetscSNPrintf(number, sizeof(number), "%s%" PetscInt_FMT, k > 1 ? "," : "", rank[k]));
    PetscCall(PetscStrlcat(text, number, len));
  }
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

/*
  matrix: equal numbers of modes on both sides (at most 4, filled up with ones). Filters are folded as they are, into channels, rows, columns and filters
  (the paper's section 3.1).
*/
static PetscErrorCode Choose(const TzLayer *layer, PetscBool matrix, TzTrainLayer *t)
{
  const TzPlaces *at        = &layer->at;
  const PetscInt  window[3] = {at->channels, at->krows, at->kcols};
  PetscInt        most      = matrix ? 4 : TZ_MAX_CORES / 2;

  PetscFunctionBegin;
  for (int k = 0; k < 3; k++)
    if (window[k] > 1) t->mode_in[t->nin++] = window[k];
  if (t->nin) most = matrix ? t->nin : 1;
  else PetscCall(Factorise(layer->in, most, &t->nin, t->mode_in));
  PetscCall(Factorise(layer->out, most, &t->nout, t->mode_out));
  while (matrix && t->nin < t->nout) t->mode_in[t->nin++] = 1;
  while (matrix && t->nout < t->nin) t->mode_out[t->nout++] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModesCreate(TzNet net, PetscInt l, TzLayer *layer, PetscBool matrix)
{
  TzTrainLayer *t;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  layer->data = t;
  if (net->modes) PetscCall(Parse(net, l, layer, matrix, t));
  else PetscCall(Choose(layer, matrix, t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModesDestroy(TzLayer *layer)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(layer->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzModesView(const TzLayer *layer, PetscViewer viewer)
{
  const TzTrainLayer *t     = (const TzTrainLayer *)layer->data;
  PetscBool           equal = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, ", modes "));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  for (PetscInt k = 0; k < t->nin; k++) PetscCall(PetscViewerASCIIPrintf(viewer, "%s%" PetscInt_FMT, k ? "," : "", t->mode_in[k]));
  for (PetscInt k = 0; k < t->nout; k++) PetscCall(PetscViewerASCIIPrintf(viewer, "%s%" PetscInt_FMT, k ? "," : "|", t->mode_out[k]));
  for (PetscInt k = 1; k < t->train.ncores; k++) equal = (PetscBool)(equal && t->rank[k] == t->r);
  if (equal) PetscCall(PetscViewerASCIIPrintf(viewer, ", rank %" PetscInt_FMT, t->r));
  else
    for (PetscInt k = 1; k < t->train.ncores; k++) PetscCall(PetscViewerASCIIPrintf(viewer, "%s%" PetscInt_FMT, k > 1 ? "," : ", ranks ", t->rank[k]));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzModesDescribe(const TzLayer *layer, TzNetLayout *layout)
{
  const TzTrainLayer *t = (const TzTrainLayer *)layer->data;

  layout->nin      = t->nin;
  layout->nout     = t->nout;
  layout->ncores   = t->train.ncores;
  layout->mode_in  = t->mode_in;
  layout->mode_out = t->mode_out;
  layout->rank     = t->rank;
}
