/*
  Coordinate queries of dense and sparse networks of one output with three or more hidden layers: jets.

  A weight W_hj or bias of layer l moves the pre-activation and the derivatives of its unit h alone, z_h += mu a_j, Z_h += mu A_j, and what the unit gives
  moves layer l + 1 by column h of its matrix; from there on all units are evaluated again (channels.h). So what lies in front of the parameter costs nothing,
  its own layer one unit, and the next one an outer product. Layers are taken from the last to the first: what arrives at a layer is still that of theta.
*/
#include "coordinate.h"
#include "../jet/channels.h"

/* P points p0 .. p0+P-1 with their fields F, at theta: pre-activations z, Z of all layers, and of unit h of layer l what it gives, a, A */
typedef struct {
  TzNetEval               eval;
  TzChannels             *c;
  const TzNetCoordinates *q;
  PetscInt                p0, P;
  const PetscReal        *F;
  PetscReal              *z[TZ_MAX_LAYERS + 1], *Z[TZ_MAX_LAYERS + 1];
  PetscReal              *a, *A, *jet[2]; /* jets [P][J]: of the moved network, and at theta */
} Pass;

static PetscErrorCode Create(TzNetEval eval, Pass *pass)
{
  const TzChannels *c = pass->c;
  const size_t      V = (size_t)(c->V * c->P), D = (size_t)(c->K * c->P);

  PetscFunctionBegin;
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    const size_t out = (size_t)eval->net->layer[l].out;

    PetscCall(PetscMalloc2(out * V, &pass->z[l], out * D, &pass->Z[l]));
  }
  PetscCall(PetscMalloc4(V, &pass->a, D, &pass->A, (size_t)(c->J * c->P), &pass->jet[0], (size_t)(c->J * c->P), &pass->jet[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzNetEval eval, Pass *pass)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < eval->net->nlayers; l++) PetscCall(PetscFree2(pass->z[l], pass->Z[l]));
  PetscCall(PetscFree4(pass->a, pass->A, pass->jet[0], pass->jet[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Base(Pass *pass, const PetscReal X[])
{
  TzChannels    *c = pass->c;
  const PetscInt V = c->V * pass->P, D = c->K * pass->P;

  PetscFunctionBegin;
  TzChannelsForward(pass->eval, c, pass->P, X, pass->F);
  for (PetscInt l = 0; l < pass->eval->net->nlayers; l++) {
    PetscCall(PetscArraycpy(pass->z[l], c->layer[l].z, pass->eval->net->layer[l].out * V));
    PetscCall(PetscArraycpy(pass->Z[l], c->layer[l].Z, pass->eval->net->layer[l].out * D));
  }
  TzChannelsJets(pass->eval, c, pass->P, pass->jet[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Unit h of layer l by mu times its input j (-1: bias) */
static void MoveUnit(const Pass *pass, PetscInt l, PetscInt h, PetscInt j, PetscReal mu)
{
  TzChannelLayer *b = &pass->c->layer[l];
  const PetscInt  V = pass->c->V * pass->P, K = pass->c->K, D = K * pass->P;
  const PetscReal one = 1;

  for (PetscInt p = 0; p < pass->P && j < 0; p++) b->z[h * V + p] += mu;
  if (j < 0) return;
  (*pass->eval->kernels->rows)(1, V, &one, b->z + h * V, &mu, b->a + j * V, b->z + h * V);
  if (l) (*pass->eval->kernels->rows)(1, D, &one, b->Z + h * D, &mu, b->A + j * D, b->Z + h * D);
  for (PetscInt p = 0; p < pass->P && !l; p++) b->Z[h * D + p * K + j] += mu; /* the derivatives of layer 1 are its matrix */
}

/* Layer l + 1 with what unit h of layer l now gives, and all behind it; layer l is then as it was */
static PetscErrorCode Propagate(const Pass *pass, PetscInt l, PetscInt h)
{
  const TzKernels *k = pass->eval->kernels;
  TzChannelLayer  *b = &pass->c->layer[l], *next = b + 1;
  const PetscInt   V = pass->c->V * pass->P, D = pass->c->K * pass->P, in = pass->eval->net->layer[l + 1].in, out = pass->eval->net->layer[l + 1].out;
  const TzStrided  column = {TzOperatorGetMatrix(&pass->c->op[l + 1]) + h, in, 1};
  PetscReal       *a = next->a + h * V, *A = next->A + h * D;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(pass->a, a, V));
  PetscCall(PetscArraycpy(pass->A, A, D));
  TzChannelsActivate(pass->eval, pass->c, l, h, h + 1, pass->P, pass->F);
  for (PetscInt x = 0; x < V; x++) a[x] -= pass->a[x];
  for (PetscInt x = 0; x < D; x++) A[x] -= pass->A[x];
  PetscCall(PetscArraycpy(next->z, pass->z[l + 1], out * V));
  PetscCall(PetscArraycpy(next->Z, pass->Z[l + 1], out * D));
  (*k->product)(out, V, 1, column, a, V, next->z, V, PETSC_TRUE);
  (*k->product)(out, D, 1, column, A, D, next->Z, D, PETSC_TRUE);
  PetscCall(PetscArraycpy(a, pass->a, V));
  PetscCall(PetscArraycpy(A, pass->A, D));
  PetscCall(PetscArraycpy(b->z + h * V, pass->z[l] + h * V, V));
  PetscCall(PetscArraycpy(b->Z + h * D, pass->Z[l] + h * D, D));
  TzChannelsFrom(pass->eval, pass->c, l + 1, pass->P, pass->F);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Emit(const Pass *pass, PetscInt k, PetscInt s)
{
  const PetscInt   J     = pass->c->J;
  PetscReal       *jet   = pass->jet[0];
  const TzNetMoved moved = {.s = s, .n = 1, .which = &k, .p0 = pass->p0, .m = pass->P, .Y = jet, .pstep = J, .ostep = 1};

  PetscFunctionBegin;
  TzChannelsJets(pass->eval, pass->c, pass->P, jet);
  for (PetscInt i = 0; i < pass->P * J && !pass->q->whole; i++) jet[i] -= pass->jet[1][i];
  PetscCall((*pass->q->sink)(pass->q->ctx, &moved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those asked for of the weights of layer l, or of its biases */
static PetscErrorCode Layer(const Pass *pass, PetscInt l, PetscBool bias)
{
  const TzNet     net   = pass->eval->net;
  const TzLayer  *layer = &net->layer[l];
  const PetscInt *place = TzLayerGetCut(layer).place, offset = bias ? layer->bias : layer->weights;
  PetscInt        k0, k1;

  PetscFunctionBegin;
  if (!TzCoordinateOverlap(pass->q, offset, bias ? layer->out : layer->nweights, &k0, &k1)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = k0; k < k1; k++) {
    const PetscInt i = TzCoordinateAt(pass->q, k) - offset, e = place && !bias ? place[i] : i;
    const PetscInt h = bias ? e : e / layer->in, j = bias ? -1 : e % layer->in;

    for (PetscInt s = 0; s < pass->q->nmu; s++) {
      MoveUnit(pass, l, h, j, TzCoordinateMove(pass->q, k, s));
      if (l < net->nhidden) PetscCall(Propagate(pass, l, h));
      PetscCall(Emit(pass, k, s));
      if (l < net->nhidden) continue;
      PetscCall(PetscArraycpy(pass->c->layer[l].z, pass->z[l], pass->c->V * pass->P));
      PetscCall(PetscArraycpy(pass->c->layer[l].Z, pass->Z[l], pass->c->K * pass->P));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalCoordinates_Deep(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *q)
{
  const PetscInt nf   = TzJetFieldSize(q->shape);
  Pass           pass = {.eval = eval, .q = q};

  PetscFunctionBegin;
  PetscCall(TzChannelsGet(eval, q->shape, PETSC_TRUE, &pass.c));
  PetscCall(Create(eval, &pass));
  for (pass.p0 = 0; pass.p0 < n; pass.p0 += pass.P) {
    pass.P = PetscMin(pass.c->P, n - pass.p0);
    pass.F = nf ? F + pass.p0 * nf : NULL;
    PetscCall(Base(&pass, X + pass.p0 * eval->net->in));
    for (PetscInt l = eval->net->nhidden; l >= 0; l--) {
      PetscCall(Layer(&pass, l, PETSC_FALSE));
      if (eval->net->bias) PetscCall(Layer(&pass, l, PETSC_TRUE));
    }
  }
  PetscCall(Destroy(eval, &pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}
