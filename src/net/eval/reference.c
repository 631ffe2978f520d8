/*
  The reference evaluation (-net_evaluation reference): one input at a time, every layer as its format applies it (a train core by core), the C library's
  functions. It is what the tests compare with and the baseline of the benchmark; nothing here is clever.
*/
#include <private/tznetimpl.h>

/* The matrices of layers whose format has no plain product */
typedef struct {
  PetscInt   serial; /* the binding */
  PetscReal *W[TZ_MAX_LAYERS + 1];
} Matrices;

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l <= TZ_MAX_LAYERS; l++) PetscCall(PetscFree(((Matrices *)what)->W[l]));
  PetscCall(PetscFree(what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Densify(TzNetEval eval)
{
  Matrices *m = (Matrices *)TzEvalAttached(eval, Destroy);

  PetscFunctionBegin;
  if (!m) {
    PetscCall(PetscNew(&m));
    PetscCall(TzEvalAttach(eval, Destroy, m));
  }
  if (m->serial == eval->serial) PetscFunctionReturn(PETSC_SUCCESS);
  m->serial = eval->serial;
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    const TzLayer *layer = &eval->net->layer[l];

    if (layer->ops->apply) continue;
    if (!m->W[l]) PetscCall(PetscMalloc1((size_t)layer->in * layer->out, &m->W[l]));
    PetscCall((*layer->ops->densify)(layer, eval->theta, m->W[l]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z[out] = W a, without the bias */
static PetscErrorCode Multiply(TzNetEval eval, PetscInt l, const PetscReal a[], PetscReal work[], PetscReal z[])
{
  const TzLayer *layer = &eval->net->layer[l];

  PetscFunctionBegin;
  if (layer->ops->apply) {
    PetscCall((*layer->ops->apply)(layer, eval->theta, a, work, z));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt j = 0; j < layer->out; j++) {
    const PetscReal *w = ((const Matrices *)TzEvalAttached(eval, Destroy))->W[l] + j * layer->in;
    PetscReal        s = 0;

    for (PetscInt i = 0; i < layer->in; i++) s += w[i] * a[i];
    z[j] = s;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x [in] = what the layer's matrix is applied to at a place: all of a, or a window of it, or tokens counted: those of the slot s0 <= s < s1 */
static void Window(const TzLayer *layer, PetscInt place, const PetscReal a[], PetscReal x[])
{
  const TzPlaces *at = &layer->at;

  for (PetscInt i = 0; i < layer->in; i++) {
    if (at->apply == TZ_APPLY_WINDOWS) {
      const PetscInt c = i / (at->krows * at->kcols), row = i / at->kcols % at->krows, col = i % at->kcols, wide = at->cols - at->kcols + 1;

      x[i] = a[(c * at->rows + place / wide + row) * at->cols + place % wide + col];
    } else x[i] = at->apply == TZ_APPLY_TOKENS ? 0 : a[i];
  }
  for (PetscInt s = 0; s < at->slots; s++)
    if (a[s] >= 0 && (at->places == 1 || s == place)) x[(PetscInt)a[s]] += 1;
}

/* f [outputs]: of h [out][places] all, or the largest of each square */
static void Squares(const TzLayer *layer, const PetscReal h[], PetscReal f[])
{
  const TzPlaces *at = &layer->at;
  const PetscInt  oh = at->rows - at->krows + 1, ow = at->cols - at->kcols + 1, n = TzLayerOutputs(layer), ph = oh / at->pool, pw = ow / at->pool;

  for (PetscInt k = 0; k < n; k++) {
    if (at->pool == 1) f[k] = h[k];
    for (PetscInt i = 0; at->pool > 1 && i < at->pool * at->pool; i++) {
      const PetscReal v = h[(k / (ph * pw) * oh + k / pw % ph * at->pool + i / at->pool) * ow + k % pw * at->pool + i % at->pool];

      f[k] = !i || v > f[k] ? v : f[k];
    }
  }
}

/* Scratch: two activations of nchannels numbers a unit, and the formats' own */
static PetscErrorCode Scratch(TzNetEval eval, PetscInt channels, PetscReal **a, PetscReal **z, PetscReal **work, PetscInt *width)
{
  TzNet    net  = eval->net;
  PetscInt size = 0;

  PetscFunctionBegin;
  PetscCall(Densify(eval));
  *width = net->in;
  for (PetscInt l = 0; l < net->nlayers; l++) {
    *width = PetscMax(*width, PetscMax(net->layer[l].in, net->layer[l].out * net->layer[l].at.places));
    if (net->layer[l].ops->worksize) size = PetscMax(size, (*net->layer[l].ops->worksize)(&net->layer[l]));
  }
  PetscCall(PetscMalloc3((size_t)channels * *width, a, (size_t)channels * *width, z, size, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y [n][out], X [n][in] */
PetscErrorCode TzNetEvalForward_Reference(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  TzNet      net = eval->net;
  PetscReal *a, *z, *work, *x, *h;
  PetscInt   width;

  PetscFunctionBegin;
  PetscCall(Scratch(eval, 1, &a, &z, &work, &width));
  PetscCall(PetscMalloc2(width, &x, width, &h));
  for (PetscInt p = 0; p < n; p++) {
    PetscCall(PetscArraycpy(a, X + p * net->in, net->in));
    for (PetscInt l = 0; l < net->nlayers; l++) {
      const TzLayer   *layer  = &net->layer[l];
      const PetscReal *b      = eval->theta + layer->bias;
      const PetscInt   places = layer->at.places;

      for (PetscInt k = 0; k < places; k++) {
        Window(layer, k, a, x);
        PetscCall(Multiply(eval, l, x, work, z));
        for (PetscInt j = 0; j < layer->out; j++) {
          h[j * places + k] = z[j] + b[j];
          if (l < net->nhidden) (*net->act[l]->ops.evaluate)(h[j * places + k], 0, &h[j * places + k]);
        }
      }
      Squares(layer, h, a);
      if (l < net->nhidden && net->model.activationbits) TzModelActivations(net, net->hidden[l], 1, a);
    }
    PetscCall(PetscArraycpy(Y + p * net->out, a, net->out));
  }
  PetscCall(PetscFree2(x, h));
  PetscCall(PetscFree3(a, z, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z' S z of form p, z_i = z[i width]; S entry by entry from what the form is made of, for its factor the square of sigma' z */
static PetscReal Quadratic(const TzJetShape *shape, PetscInt p, const PetscReal F[], const PetscReal z[], PetscInt width)
{
  const TzForm *form = &shape->form[p];
  TzFormAt      S;
  PetscReal     q = 0;

  TzJetFormAt(shape, p, F, &S);
  for (PetscInt i = 0; i < shape->d; i++) {
    if (form->type == TZ_FORM_LAPLACIAN) q += z[i * width] * z[i * width];
    else if (S.w) q += S.w[i] * z[i * width] * z[i * width];
    else
      for (PetscInt j = 0; !form->m && j < shape->d; j++) q += S.S[i * shape->d + j] * z[i * width] * z[j * width];
  }
  for (PetscInt k = 0; k < form->m; k++) {
    PetscReal v = 0;

    for (PetscInt i = 0; i < shape->d; i++) v += S.S[i * form->m + k] * z[i * width];
    q += v * v;
  }
  return q;
}

/* Channels [J][width] of one point through the layers: value, derivatives in each input, forms */
PetscErrorCode TzNetEvalJet_Reference(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[], PetscReal jet[])
{
  TzNet          net = eval->net;
  const PetscInt D = net->in, nc = TzJetSize(shape), nf = TzJetFieldSize(shape);
  PetscReal     *a, *z, *work;
  PetscInt       width;

  PetscFunctionBegin;
  PetscCall(Scratch(eval, nc, &a, &z, &work, &width));
  for (PetscInt p = 0; p < n; p++) {
    PetscCall(PetscArrayzero(a, nc * width));
    PetscCall(PetscArraycpy(a, X + p * D, D));
    for (PetscInt i = 0; i < D; i++) a[(1 + i) * width + i] = 1;
    for (PetscInt l = 0; l < net->nlayers; l++) {
      const TzLayer   *layer = &net->layer[l];
      const PetscReal *b     = eval->theta + layer->bias;

      for (PetscInt c = 0; c < nc; c++) PetscCall(Multiply(eval, l, a + c * width, work, z + c * width));
      for (PetscInt j = 0; j < layer->out; j++) {
        PetscReal d[4] = {z[j] + b[j], 1, 0};

        if (l < net->nhidden) (*net->act[l]->ops.evaluate)(d[0], 2, d);
        a[j] = d[0];
        for (PetscInt c = 1; c < nc; c++) a[c * width + j] = d[1] * z[c * width + j];
        for (PetscInt q = 0; q < shape->nforms; q++) a[(D + 1 + q) * width + j] += d[2] * Quadratic(shape, q, F + p * nf, z + width + j, width);
      }
    }
    for (PetscInt c = 0; c < nc; c++) jet[p * nc + c] = a[c * width];
  }
  PetscCall(PetscFree3(a, z, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
