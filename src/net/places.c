/*
  Where layers apply their matrices: to the whole input, to windows of an image (convolutions), to the numbers of tokens (embedding tables).

  Options:
    -net_conv 8x5x5,16x5x5   (default none): convolutions of an image: filters, their rows and columns
    -net_pool 2              (default 2): side of the squares of which the largest output goes on, for all convolutions or for each
    -net_tokens sum|concat   (default sum): rows of the table are summed or concatenated
    -net_rows n              (default: as many as there are tokens): rows of the table, such that its modes fit
*/
#include <private/tznetimpl.h>

#define MOST_FILTERS 65536
#define MOST_SIDE    4096

PetscErrorCode TzNetSetImage(TzNet net, PetscInt channels, PetscInt rows, PetscInt cols)
{
  PetscFunctionBegin;
  PetscCheck(channels > 0 && rows > 0 && cols > 0 && channels * rows * cols == net->in, PetscObjectComm((PetscObject)net), PETSC_ERR_ARG_SIZ,
             "an image of %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT " for a network of %" PetscInt_FMT " inputs", channels, rows, cols, net->in);
  net->image[0]    = channels;
  net->image[1]    = rows;
  net->image[2]    = cols;
  net->tokens      = 0;
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetTokens(TzNet net, PetscInt rows)
{
  PetscFunctionBegin;
  PetscCheck(rows > 0, PetscObjectComm((PetscObject)net), PETSC_ERR_ARG_OUTOFRANGE, "a table of %" PetscInt_FMT " rows", rows);
  net->tokens = rows;
  PetscCall(PetscArrayzero(net->image, 3));
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetConcatenated(TzNet net, PetscBool concatenate)
{
  PetscFunctionBegin;
  net->concatenate = concatenate;
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetConvolutions(TzNet net, const char filters[])
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)net);
  const char *s    = filters;

  PetscFunctionBegin;
  for (net->nconv = 0; *s; net->nconv++) {
    long f[3] = {0};
    int  end  = 0;

    PetscCheck(sscanf(s, "%6ldx%6ldx%6ld%n", &f[0], &f[1], &f[2], &end) == 3 && (!s[end] || (s[end] == ',' && s[end + 1])) && f[0] >= 1 &&
                 f[0] <= MOST_FILTERS && f[1] >= 1 && f[1] <= MOST_SIDE && f[2] >= 1 && f[2] <= MOST_SIDE,
               comm, PETSC_ERR_USER_INPUT, "-net_conv %s: must be filters x rows x columns, as in 8x5x5,16x5x5", filters);
    PetscCheck(net->nconv < TZ_MAX_LAYERS - 1, comm, PETSC_ERR_USER_INPUT, "-net_conv %s: at most %d convolutions", filters, TZ_MAX_LAYERS - 1);
    for (int i = 0; i < 3; i++) net->conv[net->nconv][i] = (PetscInt)f[i];
    s += end + (s[end] == ',');
  }
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetSetPooling(TzNet net, PetscInt n, const PetscInt pool[])
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < TZ_MAX_LAYERS; l++) {
    net->pool[l] = pool[PetscMin(l, n - 1)];
    PetscCheck(net->pool[l] >= 1 && net->pool[l] <= MOST_SIDE, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
               "-net_pool %" PetscInt_FMT ": must be 1 to %d", net->pool[l], MOST_SIDE);
  }
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetPlacesSetFromOptions(TzNet net, TzOptionItems PetscOptionsObject)
{
  const char *combine[]   = {"sum", "concat"};
  PetscInt    concatenate = net->concatenate ? 1 : 0, pool[TZ_MAX_LAYERS], n = TZ_MAX_LAYERS, rows = net->tokens;
  char        text[1024];
  PetscBool   flg;

  PetscFunctionBegin;
  if (net->image[0]) {
    PetscCall(TzOptionsString("-net_conv", "Convolutions in front of the other layers, filters x rows x columns: 8x5x5,16x5x5", "TzNetSetConvolutions", "",
                              text, sizeof(text), &flg));
    if (flg) PetscCall(TzNetSetConvolutions(net, text));
  }
  if (net->nconv) {
    PetscCall(PetscArraycpy(pool, net->pool, n));
    PetscCall(TzOptionsIntArray("-net_pool", "Side of the squares of which a convolution hands on the largest value (1: all of them), or one for each",
                                "TzNetSetPooling", pool, &n, &flg));
    if (flg) PetscCall(TzNetSetPooling(net, n, pool));
  }
  if (!net->tokens) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzOptionsInt("-net_rows", "Rows of the table, at least as many as there are tokens", "TzNetSetTokens", net->tokens, &rows, &flg));
  PetscCheck(!flg || rows >= net->tokens, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_rows %" PetscInt_FMT ": must be at least the number of tokens, %" PetscInt_FMT, rows, net->tokens);
  if (flg) PetscCall(TzNetSetTokens(net, rows));
  PetscCall(TzOptionsEList("-net_tokens", "Rows of the table of the tokens of an input: summed or concatenated", "TzNetSetConcatenated", combine, 2,
                           combine[concatenate], &concatenate, NULL));
  PetscCall(TzNetSetConcatenated(net, (PetscBool)(concatenate == 1)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzNetHasPlaces(TzNet net)
{
  return (PetscBool)(net->nconv > 0 || net->tokens > 0);
}

/* Convolution l, on what the one below hands on */
static PetscErrorCode PlaceWindows(TzNet net, PetscInt l, TzLayer *layer)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)net);
  TzPlaces *at   = &layer->at;

  PetscFunctionBegin;
  PetscCheck(net->image[0], comm, PETSC_ERR_USER_INPUT, "-net_conv: the inputs of this problem are no images");
  at->apply    = TZ_APPLY_WINDOWS;
  at->channels = net->image[0];
  at->rows     = net->image[1];
  at->cols     = net->image[2];
  if (l) {
    const TzPlaces *below = &net->layer[l - 1].at;

    at->channels = net->layer[l - 1].out;
    at->rows     = (below->rows - below->krows + 1) / below->pool;
    at->cols     = (below->cols - below->kcols + 1) / below->pool;
  }
  layer->out = net->conv[l][0];
  at->krows  = net->conv[l][1];
  at->kcols  = net->conv[l][2];
  at->pool   = net->pool[l];
  PetscCheck(at->rows - at->krows + 1 >= at->pool && at->cols - at->kcols + 1 >= at->pool, comm, PETSC_ERR_USER_INPUT,
             "-net_conv: filters of %" PetscInt_FMT " x %" PetscInt_FMT " with -net_pool %" PetscInt_FMT ": too large for images of %" PetscInt_FMT
             " x %" PetscInt_FMT,
             at->krows, at->kcols, at->pool, at->rows, at->cols);
  at->places = (at->rows - at->krows + 1) * (at->cols - at->kcols + 1);
  layer->in  = at->channels * at->krows * at->kcols;
  PetscCall(TzNetCheckSize(net, l, "numbers in its windows", (PetscReal)layer->in * at->places * 16));
  PetscCall(TzNetCheckSize(net, l, "outputs", (PetscReal)layer->out * at->places * 16));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetPlace(TzNet net, PetscInt l, TzLayer *layer)
{
  MPI_Comm        comm  = PetscObjectComm((PetscObject)net);
  const PetscBool table = (PetscBool)(!l && net->tokens);

  PetscFunctionBegin;
  net->nhidden = net->nconv + net->nwidths;
  PetscCheck(net->nhidden <= TZ_MAX_LAYERS, comm, PETSC_ERR_USER_INPUT, "-net_conv and -net_layers: %" PetscInt_FMT " layers; must be at most %d", net->nhidden,
             TZ_MAX_LAYERS);
  PetscCheck(!net->nconv || !net->tokens, comm, PETSC_ERR_USER_INPUT, "-net_conv: the inputs of this problem are tokens, no images");
  PetscCheck(!TzNetHasPlaces(net) || strcmp(TzFormatName(net->format), TZNETSPARSE), comm, PETSC_ERR_USER_INPUT,
             "-net_format sparse: has no convolutions and no tables of tokens");
  layer->at = (TzPlaces){.apply = TZ_APPLY_WHOLE, .places = 1, .pool = 1};
  if (l < net->nconv) PetscCall(PlaceWindows(net, l, layer));
  else {
    layer->in  = table ? net->tokens : l ? net->hidden[l - 1] : net->in;
    layer->out = l < net->nhidden ? net->widths[l - net->nconv] : net->out;
  }
  if (table) {
    layer->at.apply  = TZ_APPLY_TOKENS;
    layer->at.slots  = net->in;
    layer->at.places = net->concatenate ? net->in : 1;
    PetscCall(TzNetCheckSize(net, l, "outputs", (PetscReal)layer->out * net->in * 16));
  }
  if (l < net->nhidden) net->hidden[l] = TzLayerOutputs(layer);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPlacesView(const TzLayer *layer, PetscViewer viewer)
{
  const TzPlaces *at = &layer->at;

  PetscFunctionBegin;
  if (at->apply == TZ_APPLY_TOKENS)
    PetscCall(PetscViewerASCIIPrintf(viewer, ", a table for %" PetscInt_FMT " tokens, %s", at->slots, at->places > 1 ? "concatenated" : "summed"));
  if (at->apply == TZ_APPLY_WINDOWS)
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     ", at %" PetscInt_FMT " windows of %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT
                                     ", the largest of %" PetscInt_FMT " x %" PetscInt_FMT " each",
                                     at->places, at->channels, at->krows, at->kcols, at->pool, at->pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}
