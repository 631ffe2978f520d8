/*
  Format "sparse": a fixed mask of trainable weights, all others zero. A mask is a list of weights, ascending, numbered as in the dense network (layer by
  layer, W [out][in] row-major, without biases); theta has one number for each. Biases are all trained and count as parameters.
*/
#include <private/tznetimpl.h>

static PetscInt DenseWeights(TzNet net)
{
  PetscInt n = 0;

  for (PetscInt l = 0; l <= net->nhidden; l++) n += (l ? net->hidden[l - 1] : net->in) * (l < net->nhidden ? net->hidden[l] : net->out);
  return n;
}

/* mask[n]: trained weights, ascending; copied. Later set-ups use it. */
PetscErrorCode TzNetSetMask(TzNet net, PetscInt n, const PetscInt mask[])
{
  const PetscInt all = DenseWeights(net);

  PetscFunctionBegin;
  PetscCheck(n >= 1 && n <= all, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT, "mask of %" PetscInt_FMT " weights: must be 1 to %" PetscInt_FMT, n,
             all);
  for (PetscInt k = 0; k < n; k++)
    PetscCheck(mask[k] >= (k ? mask[k - 1] + 1 : 0) && mask[k] < all, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
               "mask: weight %" PetscInt_FMT " at place %" PetscInt_FMT "; must be ascending and below %" PetscInt_FMT, mask[k], k, all);
  PetscCall(PetscFree(net->mask));
  PetscCall(PetscFree(net->index));
  PetscCall(PetscMalloc1(n, &net->mask));
  PetscCall(PetscMalloc1(n, &net->index));
  PetscCall(PetscArraycpy(net->mask, mask, n));
  net->nmask       = n;
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
  PetscInt biases = net->bias ? net->out : 0;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < net->nhidden && net->bias; l++) biases += net->hidden[l];
  *count = net->sparsecount - biases;
  PetscCheck(*count >= 1 && *count <= DenseWeights(net), PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT,
             "-net_sparse_count %" PetscInt_FMT ": must be %" PetscInt_FMT " to %" PetscInt_FMT ", of which %" PetscInt_FMT " are biases", net->sparsecount,
             biases + 1, biases + DenseWeights(net), biases);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The `count` weights of lowest score[n] (of equal ones the first), as a mask */
PetscErrorCode TzNetSetMaskByScore(TzNet net, PetscInt count, const PetscReal score[])
{
  const PetscInt n = DenseWeights(net);
  PetscReal     *sorted;
  PetscInt      *mask, below = 0, m = 0;

  PetscFunctionBegin;
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

/* -net_sparse_method random: the mask unless another is set */
static PetscErrorCode RandomMask(TzNet net)
{
  const PetscInt n = DenseWeights(net);
  PetscReal     *score;
  PetscInt       count;

  PetscFunctionBegin;
  PetscCall(TzNetGetSparseCount(net, &count));
  PetscCall(PetscMalloc1(n, &score));
  PetscCall(TzRandomUniform(0, TZ_STREAM_MASK, 0, 0, 0, n, score));
  PetscCall(TzNetSetMaskByScore(net, count, score));
  PetscCall(PetscFree(score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Layout_Sparse(TzNet net, TzLayer *layer, PetscInt r)
{
  PetscInt first = 0, k = 0;

  PetscFunctionBegin;
  (void)r;
  if (!net->mask) PetscCall(RandomMask(net));
  for (TzLayer *l = net->layer; l < layer; l++) first += l->in * l->out;
  while (k < net->nmask && net->mask[k] < first) k++;
  layer->index = net->index + k;
  for (; k < net->nmask && net->mask[k] < first + layer->in * layer->out; k++) net->index[k] = net->mask[k] - first;
  layer->nweights = (PetscInt)(net->index + k - layer->index);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Deviation_Sparse(const TzLayer *layer)
{
  return TzFormat_Dense.deviation(layer);
}

static PetscErrorCode Densify_Sparse(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(W, layer->in * layer->out));
  for (PetscInt k = 0; k < layer->nweights; k++) W[layer->index[k]] = theta[layer->weights + k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply_Sparse(const TzLayer *layer, const PetscReal theta[], const PetscReal x[], PetscReal work[], PetscReal y[])
{
  PetscFunctionBegin;
  (void)work;
  PetscCall(PetscArrayzero(y, layer->out));
  for (PetscInt k = 0; k < layer->nweights; k++) y[layer->index[k] / layer->in] += theta[layer->weights + k] * x[layer->index[k] % layer->in];
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzFormatOps TzFormat_Sparse = {.name      = "sparse",
                                     .what      = "full matrix with a fixed mask of trained weights",
                                     .layout    = Layout_Sparse,
                                     .deviation = Deviation_Sparse,
                                     .densify   = Densify_Sparse,
                                     .apply     = Apply_Sparse};
