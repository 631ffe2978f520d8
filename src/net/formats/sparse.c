/*
  Format "sparse": a fixed mask of trainable weights, all others zero. A mask is a list of weights, ascending, numbered as in the dense network (layer by
  layer, W [out][in] row-major, without biases); theta has one number for each. Biases are all trained and count as parameters.
*/
#include "formats.h"

/* of the dense network */
static PetscErrorCode DenseWeights(TzNet net, PetscInt *n)
{
  PetscReal sum = 0;

  PetscFunctionBegin;
  for (PetscInt l = 0; l <= net->nhidden; l++) sum += (PetscReal)(l ? net->hidden[l - 1] : net->in) * (l < net->nhidden ? net->hidden[l] : net->out);
  PetscCall(TzNetCheckSize(net, net->nhidden, "weights up to here, trained or not,", sum));
  *n = (PetscInt)sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mask[n]: trained weights, ascending; copied. Later set-ups use it. */
PetscErrorCode TzNetSetMask(TzNet net, PetscInt n, const PetscInt mask[])
{
  PetscInt all;

  PetscFunctionBegin;
  PetscCall(DenseWeights(net, &all));
  PetscCheck(n >= 1 && n <= all, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT, "mask of %" PetscInt_FMT " weights: must be 1 to %" PetscInt_FMT, n,
             all);
  for (PetscInt k = 0; k < n; k++)
    PetscCheck(mask[k] >= (k ? mask[k - 1] + 1 : 0) && mask[k] < all, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
               "mask: weight %" PetscInt_FMT " at place %" PetscInt_FMT "; must be ascending and below %" PetscInt_FMT, mask[k], k, all);
  PetscCall(PetscFree(net->mask));
  PetscCall(PetscMalloc1(n, &net->mask));
  PetscCall(PetscArraycpy(net->mask, mask, n));
  net->nmask       = n;
  net->maskrandom  = PETSC_FALSE;
  net->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetGetMask(TzNet net, PetscInt *n, const PetscInt *mask[])
{
  PetscFunctionBegin;
  *n    = net->format == &TzFormat_Sparse ? net->nmask : 0;
  *mask = net->mask;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights that -net_sparse_count leaves, beside the biases */
PetscErrorCode TzNetGetSparseCount(TzNet net, PetscInt *count)
{
  PetscInt biases = net->bias ? net->out : 0, weights;

  PetscFunctionBegin;
  PetscCall(DenseWeights(net, &weights));
  for (PetscInt l = 0; l < net->nhidden && net->bias; l++) biases += net->hidden[l];
  *count = net->sparsecount - biases;
  PetscCheck(*count >= 1 && *count <= weights, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_sparse_count %" PetscInt_FMT ": must be %" PetscInt_FMT " to %" PetscInt_FMT ", of which %" PetscInt_FMT " are biases", net->sparsecount,
             biases + 1, biases + weights, biases);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The `count` weights of lowest score[n] (of equal ones the first), as a mask */
PetscErrorCode TzNetSetMaskByScore(TzNet net, PetscInt count, const PetscReal score[])
{
  PetscReal *sorted;
  PetscInt  *mask, below = 0, m = 0, n;

  PetscFunctionBegin;
  PetscCall(DenseWeights(net, &n));
  PetscCall(PetscMalloc2(n, &sorted, count, &mask));
  PetscCall(PetscArraycpy(sorted, score, n));
  PetscCall(PetscRealSortSemiOrdered(n, sorted)); /* many scores are 0 (pixels that are never lit): quicksort would be quadratic */
  while (below < count && sorted[below] < sorted[count - 1]) below++;
  for (PetscInt i = 0, ties = count - below; i < n; i++)
    if (score[i] < sorted[count - 1] || (score[i] == sorted[count - 1] && ties-- > 0)) mask[m++] = i;
  PetscCall(TzNetSetMask(net, m, mask));
  PetscCall(PetscFree2(sorted, mask));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The mask unless another is set, made again at every set-up: the lowest random scores (-net_sparse_method random), or, of -net_first_inputs, those inputs of
  the first layer and all weights of the others
*/
static PetscErrorCode OwnMask(TzNet net)
{
  PetscReal *score;
  PetscInt   count, n;

  PetscFunctionBegin;
  PetscCall(DenseWeights(net, &n));
  PetscCall(PetscMalloc1(n, &score));
  if (net->firstinputs) {
    count = 0;
    for (PetscInt k = 0; k < n; k++) {
      score[k] = k >= net->in * (net->nhidden ? net->hidden[0] : net->out) || TzNetHasInput(net, k / net->in, k % net->in) ? 0 : 1;
      count += score[k] == 0;
    }
  } else {
    PetscCall(TzNetGetSparseCount(net, &count));
    PetscCall(TzRandomUniform(net->seed, TZ_STREAM_MASK, 0, 0, 0, n, score));
  }
  PetscCall(TzNetSetMaskByScore(net, count, score));
  net->maskrandom = PETSC_TRUE;
  PetscCall(PetscFree(score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* data: the place of each weight in W [out][in], ascending */
static PetscErrorCode Layout_Sparse(TzNet net, PetscInt l, TzLayer *layer, PETSC_UNUSED PetscInt r)
{
  PetscInt first = 0, k = 0, *place, all;

  PetscFunctionBegin;
  if (!l && (!net->mask || net->maskrandom)) PetscCall(OwnMask(net));
  PetscCall(DenseWeights(net, &all));
  PetscCheck(net->mask[net->nmask - 1] < all, PetscObjectComm((PetscObject)net), PETSC_ERR_ORDER,
             "the mask is that of a larger network: TzNetSetMask() after the widths");
  for (PetscInt i = 0; i < l; i++) first += net->layer[i].in * net->layer[i].out;
  while (k < net->nmask && net->mask[k] < first) k++;
  while (k + layer->nweights < net->nmask && net->mask[k + layer->nweights] - first < layer->in * layer->out) layer->nweights++;
  PetscCall(PetscMalloc1(layer->nweights, &place));
  for (PetscInt i = 0; i < layer->nweights; i++) place[i] = net->mask[k + i] - first;
  layer->data = place;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Sparse(TzLayer *layer)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(layer->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Sparse(TzNet net)
{
  static const char *const methods[] = {"random", "grasp", "zograsp"};

  PetscFunctionBegin;
  if (net->firstinputs) PetscFunctionReturn(PETSC_SUCCESS);                                                         /* they say which */
  PetscOptionsBegin(PetscObjectComm((PetscObject)net), ((PetscObject)net)->prefix, "Format sparse", "TzNetSparse"); /* -help prints a name once */
  PetscCall(TzOptionsInt("-net_sparse_count", "sparse: trained parameters, biases included", "TzNetSetMask", net->sparsecount, &net->sparsecount, NULL));
  PetscCall(TzOptionsEList("-net_sparse_method", "sparse: how the trained weights are chosen", "TzLossSparsify", methods, 3, methods[net->sparsemethod],
                           &net->sparsemethod, NULL));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those that the dense network has there */
static PetscErrorCode Initialize_Sparse(const TzLayer *layer, PetscInt64 seed, PetscInt l, PetscReal w[])
{
  const PetscInt *place = (const PetscInt *)layer->data;
  PetscReal      *full;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(layer->in * layer->out, &full));
  PetscCall(TzRandomNormal(seed, TZ_STREAM_INIT, 0, l, 0, layer->in * layer->out, full));
  for (PetscInt i = 0; i < layer->nweights; i++) w[i] = full[place[i]];
  PetscCall(PetscFree(full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Densify_Sparse(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  const PetscInt *place = (const PetscInt *)layer->data;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(W, layer->in * layer->out));
  for (PetscInt k = 0; k < layer->nweights; k++) W[place[k]] = theta[layer->weights + k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient_Sparse(const TzLayer *layer, PETSC_UNUSED const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[])
{
  const PetscInt *place = (const PetscInt *)layer->data;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < layer->nweights; k++) grad[layer->weights + k] += Wbar[place[k]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply_Sparse(const TzLayer *layer, const PetscReal theta[], const PetscReal x[], PETSC_UNUSED PetscReal work[], PetscReal y[])
{
  const PetscInt *place = (const PetscInt *)layer->data;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(y, layer->out));
  for (PetscInt k = 0; k < layer->nweights; k++) y[place[k] / layer->in] += theta[layer->weights + k] * x[place[k] % layer->in];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Cut_Sparse(const TzLayer *layer, TzCut *cut)
{
  cut->entries = PETSC_TRUE;
  cut->place   = (const PetscInt *)layer->data;
}

/* --------------------------------------------------- the weights as an operator --------------------------------------------------- */

static PetscErrorCode Create_Sparse(TzOperator *op)
{
  PetscFunctionBegin;
  op->nbar   = op->layer->nweights;
  op->direct = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind_Sparse(TzOperator *op, const PetscReal theta[])
{
  PetscFunctionBegin;
  op->data = (void *)(theta + op->layer->weights);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Multiply_Sparse(const TzOperator *op, PetscInt n, const PetscReal a[], PETSC_UNUSED PetscReal y[], PetscReal z[])
{
  const TzLayer *layer = op->layer;

  TzKernelsGet()->sparse(layer->out, layer->in, layer->nweights, (const PetscInt *)layer->data, (const PetscReal *)op->data, n, a, z);
}

static void Adjoint_Sparse(const TzOperator *op, PetscInt n, const PetscReal a[], PETSC_UNUSED const PetscReal at[], PETSC_UNUSED const PetscReal y[],
                           const PetscReal zbar[], PetscReal bar[], PetscReal abar[], PETSC_UNUSED PetscReal work[])
{
  const TzLayer   *layer = op->layer;
  const PetscInt  *place = (const PetscInt *)layer->data;
  const PetscReal *w     = (const PetscReal *)op->data;

  for (PetscInt i = 0; abar && i < layer->in * n; i++) abar[i] = 0;
  for (PetscInt k = 0; k < layer->nweights; k++) {
    const PetscInt   i   = place[k] % layer->in * n;
    const PetscReal *z   = zbar + place[k] / layer->in * n;
    PetscReal        sum = 0;

    for (PetscInt p = 0; p < n; p++) sum += a[i + p] * z[p];
    bar[k] += sum;
    for (PetscInt p = 0; abar && p < n; p++) abar[i + p] += w[k] * z[p];
  }
}

static PetscErrorCode Collect_Sparse(PETSC_UNUSED const TzOperator *op, PETSC_UNUSED const PetscReal theta[], PETSC_UNUSED const PetscReal bar[],
                                     PETSC_UNUSED PetscReal grad[])
{
  return PETSC_SUCCESS;
}

static PetscErrorCode DestroyOperator_Sparse(PETSC_UNUSED TzOperator *op)
{
  return PETSC_SUCCESS;
}

/* Row by row: measured at about a quarter of the vector unit's peak */
static PetscReal Cost_Sparse(const TzLayer *layer)
{
  return 4. * layer->nweights;
}

static const TzOperatorOps TzOperator_Sparse = {.create   = Create_Sparse,
                                                .bind     = Bind_Sparse,
                                                .multiply = Multiply_Sparse,
                                                .adjoint  = Adjoint_Sparse,
                                                .collect  = Collect_Sparse,
                                                .destroy  = DestroyOperator_Sparse};

const TzFormatOps TzFormat_Sparse = {.what           = "full matrix with a fixed mask of trained weights",
                                     .layout         = Layout_Sparse,
                                     .destroy        = Destroy_Sparse,
                                     .setfromoptions = SetFromOptions_Sparse,
                                     .initialize     = Initialize_Sparse,
                                     .densify        = Densify_Sparse,
                                     .gradient       = Gradient_Sparse,
                                     .op             = &TzOperator_Sparse,
                                     .cost           = Cost_Sparse,
                                     .cut            = Cut_Sparse,
                                     .apply          = Apply_Sparse};
