/*
  A format of weights of a user's own as a library: -net_format lowrank has W = U V of rank r = -net_tt_rank, U [out][r] and V [r][in], in this order in
  theta. The last layer is dense. `bond` makes it fast: derivatives and stencils go through the r numbers V x.
*/
#include <private/tzformatimpl.h>

static PetscErrorCode Layout(TzNet net, PetscInt l, TzLayer *layer, PetscInt r)
{
  PetscFunctionBegin;
  layer->bond = PetscMin(r, PetscMin(layer->in, layer->out));
  PetscCall(TzNetCheckSize(net, l, "weights", (PetscReal)layer->bond * ((PetscReal)layer->in + layer->out)));
  layer->nweights = layer->bond * (layer->in + layer->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_k U_ik V_kj has the variance r s^4 = 2/(in + out) */
static PetscReal Deviation(const TzLayer *layer)
{
  return PetscSqrtReal(PetscSqrtReal(2 / ((PetscReal)(layer->in + layer->out) * layer->bond)));
}

static const PetscReal *U(const TzLayer *layer, const PetscReal theta[])
{
  return theta + layer->weights;
}

static const PetscReal *V(const TzLayer *layer, const PetscReal theta[])
{
  return theta + layer->weights + layer->out * layer->bond;
}

static PetscErrorCode Densify(const TzLayer *layer, const PetscReal theta[], PetscReal W[])
{
  const PetscReal *u = U(layer, theta), *v = V(layer, theta);
  const PetscInt   r = layer->bond, in = layer->in;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < layer->out; i++) {
    for (PetscInt j = 0; j < in; j++) {
      W[i * in + j] = 0;
      for (PetscInt k = 0; k < r; k++) W[i * in + j] += u[i * r + k] * v[k * in + j];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(const TzLayer *layer, const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[])
{
  const PetscReal *u = U(layer, theta), *v = V(layer, theta);
  const PetscInt   r = layer->bond, in = layer->in;
  PetscReal       *ubar = grad + layer->weights, *vbar = ubar + layer->out * r;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < layer->out; i++) {
    for (PetscInt k = 0; k < r; k++) {
      for (PetscInt j = 0; j < in; j++) {
        ubar[i * r + k] += Wbar[i * in + j] * v[k * in + j];
        vbar[k * in + j] += Wbar[i * in + j] * u[i * r + k];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W = right^T left^T: left [in][r] = V^T, right [r][out] = U^T */
static PetscErrorCode Bond(const TzLayer *layer, const PetscReal theta[], PetscReal left[], PetscReal right[])
{
  const PetscReal *u = U(layer, theta), *v = V(layer, theta);
  const PetscInt   r = layer->bond;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < r; k++) {
    for (PetscInt j = 0; j < layer->in; j++) left[j * r + k] = v[k * layer->in + j];
    for (PetscInt i = 0; i < layer->out; i++) right[k * layer->out + i] = u[i * r + k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BondGradient(const TzLayer *layer, PETSC_UNUSED const PetscReal theta[], const PetscReal leftbar[], const PetscReal rightbar[],
                                   PetscReal grad[])
{
  const PetscInt r    = layer->bond;
  PetscReal     *ubar = grad + layer->weights, *vbar = ubar + layer->out * r;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < r; k++) {
    for (PetscInt j = 0; j < layer->in; j++) vbar[k * layer->in + j] += leftbar[j * r + k];
    for (PetscInt i = 0; i < layer->out; i++) ubar[i * r + k] += rightbar[k * layer->out + i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dll_append liblowrank.so calls this */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_lowrank(void)
{
  static const TzFormatOps lowrank = {.what         = "product of two thin matrices",
                                      .layout       = Layout,
                                      .deviation    = Deviation,
                                      .densify      = Densify,
                                      .gradient     = Gradient,
                                      .bond         = Bond,
                                      .bondgradient = BondGradient,
                                      .lastdense    = PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(TzNetFormatRegister("lowrank", &lowrank));
  PetscFunctionReturn(PETSC_SUCCESS);
}
