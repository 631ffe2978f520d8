/* A user's own format of weights: W = U V' of rank r = -net_tt_rank. In theta V [in][r], then U' [r][out]. */
#include <private/tzformatimpl.h>

static PetscInt Rank(const TzLayer *layer)
{
  return layer->nweights / (layer->in + layer->out);
}

static PetscErrorCode Layout(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  PetscCall(TzNetCheckSize(net, l, "weights", (PetscReal)r * (layer->in + layer->out)));
  layer->nweights = r * (layer->in + layer->out);
  return PETSC_SUCCESS;
}

/* An entry of W is a sum of r products of two weights: its variance is r sd^4 = 2/(in + out) */
static PetscReal Deviation(const TzLayer *layer)
{
  return PetscPowReal(2 / ((PetscReal)Rank(layer) * (layer->in + layer->out)), 0.25);
}

static PetscErrorCode Densify(const TzLayer *layer, const PetscReal theta[], PetscReal W[]) /* W [out][in] */
{
  const PetscInt   in = layer->in, out = layer->out, r = Rank(layer);
  const PetscReal *V = theta + layer->weights, *U = V + in * r;

  for (PetscInt j = 0; j < out; j++)
    for (PetscInt i = 0; i < in; i++) {
      W[j * in + i] = 0;
      for (PetscInt k = 0; k < r; k++) W[j * in + i] += V[i * r + k] * U[k * out + j];
    }
  return PETSC_SUCCESS;
}

/* From the derivatives by the entries of W to those by V and U: grad += */
static PetscErrorCode Gradient(const TzLayer *layer, const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[])
{
  const PetscInt   in = layer->in, out = layer->out, r = Rank(layer);
  const PetscReal *V = theta + layer->weights, *U = V + in * r;
  PetscReal       *Vbar = grad + layer->weights, *Ubar = Vbar + in * r;

  for (PetscInt j = 0; j < out; j++)
    for (PetscInt i = 0; i < in; i++)
      for (PetscInt k = 0; k < r; k++) {
        Vbar[i * r + k] += Wbar[j * in + i] * U[k * out + j];
        Ubar[k * out + j] += Wbar[j * in + i] * V[i * r + k];
      }
  return PETSC_SUCCESS;
}

/* TzNetFormatRegister("lowrank", &LowRank) makes it -net_format lowrank */
const TzFormatOps LowRank = {.what = "U V'", .layout = Layout, .deviation = Deviation, .densify = Densify, .gradient = Gradient, .lastdense = PETSC_TRUE};
