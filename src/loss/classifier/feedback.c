/*
  Gradients of the cross-entropy without back-propagation, for the comparison with other methods. At the last layer the derivative is known
  without any of them, softmax - [label]. For a layer below, with activities a:

    fa     abar = B zbar_above, B a fixed random matrix in place of the transposed weight
    dfa    abar = B (softmax - [label]), one fixed random matrix from the outputs to each layer
    local  each layer has a linear classifier of its own (H, c) on its activities a, with the cross-entropy as its loss. A group G of units takes the
           activities of the others as constants: the derivative of the loss along a random v ~ N(0, I) of the group is taken forwards,
           d = (softmax(H a + c) - [label]) . H_G v_G, and abar_G = d v_G; H and c follow their own exact gradient. No error passes from layer to layer.
           Local classifiers' parameters stand behind the network's; their start is 0. (Ren, Kornblith, Liao and Hinton 2023, with their aggregation
           of the groups' features.)

  v is keyed by (seed, step, sample and layer): the same on any number of ranks.
*/
#include "crossentropy.h"

const char *const TzGradientKinds[] = {"exact", "fa", "dfa", "local"};

typedef struct {
  TzLoss     loss;
  PetscInt   i0;       /* first sample */
  PetscReal  sum;      /* of the terms */
  PetscReal *output;   /* [n][classes]: softmax - [label] of each sample */
  PetscReal *v, *grad; /* scratch [widest layer]; gradient of the local classifiers */
} Context;

PetscErrorCode TzCrossEntropyFeedbackReset(TzCrossEntropy *c)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < TZ_NET_LAYERS_MAX; l++) PetscCall(PetscFree(c->feedback[l]));
  PetscCall(PetscFree(c->local));
  c->localparams = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries normal with variance 1 / columns: errors keep their size on the way */
static PetscErrorCode MakeFeedback(TzLoss loss, PetscInt layer, PetscInt rows, PetscInt cols)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows * cols, &c->feedback[layer]));
  PetscCall(TzRandomNormal(loss->seed, TZ_STREAM_MASK, 0, layer, 0, rows * cols, c->feedback[layer]));
  for (PetscInt i = 0; i < rows * cols; i++) c->feedback[layer][i] /= PetscSqrtReal((PetscReal)cols);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCrossEntropyFeedbackSetUp(TzLoss loss)
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;
  const PetscInt *width;
  PetscInt        hidden;

  PetscFunctionBegin;
  PetscCall(TzNetGetHidden(loss->net, &hidden, &width));
  PetscCall(TzNetGetNumParameters(loss->net, &c->netparams));
  for (PetscInt l = 0; l <= hidden && c->gradient != TZ_GRADIENT_EXACT; l++) {
    TzNetLayout layout;

    PetscCall(TzNetGetLayout(loss->net, l, &layout));
    PetscCheck(!layout.windows[0] && !layout.slots, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT,
               "-loss_gradient %s: must be exact for networks with convolutions or tables of tokens", TzGradientKinds[c->gradient]);
  }
  for (PetscInt l = 0; l < hidden; l++) {
    if (c->gradient == TZ_GRADIENT_FA) PetscCall(MakeFeedback(loss, l, width[l], l + 1 < hidden ? width[l + 1] : c->classes));
    if (c->gradient == TZ_GRADIENT_DFA) PetscCall(MakeFeedback(loss, l, width[l], c->classes));
    if (c->gradient != TZ_GRADIENT_LOCAL) continue;
    PetscCheck(width[l] % c->groups == 0, PetscObjectComm((PetscObject)loss), PETSC_ERR_USER_INPUT,
               "-loss_groups %" PetscInt_FMT ": must divide the width of every hidden layer, %" PetscInt_FMT " among them", c->groups, width[l]);
    c->localparams += c->classes * (width[l] + 1);
  }
  PetscCall(PetscMalloc1(c->localparams, &c->local));
  loss->nparams = c->netparams + c->localparams;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y[classes] <- softmax(y) - [label]; returns the term */
static PetscReal ErrorOf(PetscInt classes, PetscReal y[], PetscInt label)
{
  const PetscReal term = TzCrossEntropyTerm(classes, y, label), lse = term + y[label];

  for (PetscInt o = 0; o < classes; o++) y[o] = PetscExpReal(y[o] - lse) - (o == label ? 1 : 0);
  return term;
}

static void OutputRule(Context *x, const TzNetLayers *s, PetscReal abar[])
{
  const TzCrossEntropy *c = (const TzCrossEntropy *)x->loss->data;

  for (PetscInt p = 0; p < s->n; p++) {
    PetscReal *y = x->output + (s->first + p) * c->classes;

    for (PetscInt o = 0; o < c->classes; o++) y[o] = s->a[o * s->n + p];
    x->sum += ErrorOf(c->classes, y, c->label[x->i0 + s->first + p]);
    for (PetscInt o = 0; o < c->classes; o++) abar[o * s->n + p] = y[o];
  }
}

/* One sample p of a layer with local parameters H [classes][width], b [classes], and their gradients */
static void LocalSample(const TzCrossEntropy *c, const TzNetLayers *s, PetscInt p, PetscInt label, const PetscReal H[], const PetscReal v[], PetscReal Hbar[],
                        PetscReal abar[])
{
  const PetscInt   classes = c->classes, width = s->width[s->layer], w = width / c->groups;
  const PetscReal *b    = H + classes * width;
  PetscReal       *bbar = Hbar + classes * width, y[TZ_CLASSES_MAX] = {0};

  for (PetscInt o = 0; o < classes; o++) {
    y[o] = b[o];
    for (PetscInt i = 0; i < width; i++) y[o] += H[o * width + i] * s->a[i * s->n + p];
  }
  (void)ErrorOf(classes, y, label);
  for (PetscInt o = 0; o < classes; o++) {
    for (PetscInt i = 0; i < width; i++) Hbar[o * width + i] += y[o] * s->a[i * s->n + p];
    bbar[o] += y[o];
  }
  for (PetscInt u = 0; u < width; u += w) {
    PetscReal d = 0;

    for (PetscInt o = 0; o < classes; o++) {
      PetscReal Hv = 0;

      for (PetscInt i = u; i < u + w; i++) Hv += H[o * width + i] * v[i];
      d += y[o] * Hv;
    }
    for (PetscInt i = u; i < u + w; i++) abar[i * s->n + p] = d * v[i];
  }
}

static PetscErrorCode LocalRule(Context *x, const TzNetLayers *s, PetscReal abar[])
{
  const TzCrossEntropy *c      = (const TzCrossEntropy *)x->loss->data;
  const PetscInt        width  = s->width[s->layer];
  PetscInt              offset = 0;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < s->layer; l++) offset += c->classes * (s->width[l] + 1);
  for (PetscInt p = 0; p < s->n; p++) {
    const PetscInt i = x->i0 + s->first + p;

    PetscCall(TzRandomNormal(x->loss->seed, TZ_STREAM_DIRECTION, c->step, i * s->layers + s->layer, 0, width, x->v));
    LocalSample(c, s, p, c->label[i], c->local + offset, x->v, x->grad + offset, abar);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rule(void *ctx, const TzNetLayers *s, PetscReal abar[])
{
  Context              *x     = (Context *)ctx;
  const TzCrossEntropy *c     = (const TzCrossEntropy *)x->loss->data;
  const PetscReal      *B     = c->feedback[s->layer];
  const PetscInt        width = s->width[s->layer];

  PetscFunctionBegin;
  if (s->layer == s->layers - 1) OutputRule(x, s, abar);
  else if (c->gradient == TZ_GRADIENT_LOCAL) PetscCall(LocalRule(x, s, abar));
  else if (c->gradient == TZ_GRADIENT_FA)
    TzKernelsGet()->product(width, s->n, s->widthabove, (TzStrided){B, s->widthabove, 1}, s->above, s->n, abar, s->n, PETSC_FALSE);
  else
    for (PetscInt h = 0; h < width; h++)
      for (PetscInt p = 0; p < s->n; p++) {
        const PetscReal *y = x->output + (s->first + p) * c->classes;

        abar[h * s->n + p] = 0;
        for (PetscInt o = 0; o < c->classes; o++) abar[h * s->n + p] += B[h * c->classes + o] * y[o];
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCrossEntropyFeedback(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal grad[])
{
  TzCrossEntropy *c = (TzCrossEntropy *)loss->data;
  Context         x = {.loss = loss, .i0 = i0, .grad = grad + c->netparams};
  const PetscInt *width;
  PetscInt        hidden, widest = 1;

  PetscFunctionBegin;
  PetscCheck(c->step >= 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TzLossSample() first");
  PetscCall(TzNetGetHidden(loss->net, &hidden, &width));
  for (PetscInt l = 0; l < hidden; l++) widest = PetscMax(widest, width[l]);
  PetscCall(PetscMalloc2((i1 - i0) * c->classes, &x.output, widest, &x.v));
  PetscCall(TzNetEvalBackwardRule(c->eval, i1 - i0, c->X + i0 * c->inputs, Rule, &x, grad));
  PetscCall(PetscFree2(x.output, x.v));
  *sum = x.sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}
