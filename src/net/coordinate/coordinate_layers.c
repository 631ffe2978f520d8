/*
  Coordinate queries of networks of any depth, format and kind of layers: what lies below the layer of a parameter is evaluated once, that layer and those
  above once a parameter, but for the last two layers, which coordinate_hidden.c moves all at once. So a convolution in front costs nothing but for its own
  parameters. Layers are taken from the last to the first: what arrives at a layer is then still that of theta.
*/
#include "coordinate.h"
#include "../eval/columns.h"

PetscBool TzCoordinateFits_Layers(TzNet net)
{
  return (PetscBool)(!net->reference && net->out > 1);
}

/* Rows p0 .. p0+m-1 are in the columns up to layer l */
typedef struct {
  TzNetEval               eval;
  const TzColumns        *c;
  const TzNetCoordinates *q;
  PetscInt                l, p0, m;
  const PetscReal        *Y; /* outputs [out][m] at theta */
  PetscReal              *moved;
} Pass;

static PetscErrorCode Emit(const Pass *pass, PetscInt k, PetscInt s)
{
  const PetscInt   out = pass->eval->net->out, m = pass->m;
  const PetscReal *z = pass->c->z[pass->eval->net->nhidden];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < out * m; i++) pass->moved[i] = pass->q->whole ? z[i] : z[i] - pass->Y[i];
  for (PetscInt p = 0; p < m; p++) {
    const TzNetMoved moved = {.s = s, .n = 1, .which = &k, .p0 = pass->p0 + p, .m = 1, .Y = pass->moved + p, .kstep = 1, .pstep = 1, .ostep = m};

    PetscCall((*pass->q->sink)(pass->q->ctx, &moved));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those asked for of n parameters from `offset` on; weights: the operator depends on them */
static PetscErrorCode Range(const Pass *pass, PetscInt offset, PetscInt n, PetscBool weights)
{
  PetscReal *theta = pass->eval->theta;
  PetscInt   k0, k1;

  PetscFunctionBegin;
  if (!TzCoordinateOverlap(pass->q, offset, n, &k0, &k1)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = k0; k < k1; k++) {
    const PetscInt  i   = TzCoordinateAt(pass->q, k);
    const PetscReal old = theta[i];

    for (PetscInt s = 0; s < pass->q->nmu; s++) {
      theta[i] = old + TzCoordinateMove(pass->q, k, s);
      if (weights) PetscCall(TzColumnsRebind(pass->eval, pass->c, pass->l));
      TzColumnsFrom(pass->eval, pass->c, pass->l, pass->m, PETSC_TRUE);
      PetscCall(Emit(pass, k, s));
    }
    theta[i] = old;
  }
  if (weights) PetscCall(TzColumnsRebind(pass->eval, pass->c, pass->l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzNetEvalCoordinates_Layers(TzNetEval eval, PetscInt n, const PetscReal X[], const TzNetCoordinates *q)
{
  TzNet           net   = eval->net;
  const PetscInt  width = TzColumnsWidth(net);
  const PetscBool top   = TzCoordinateFits_Hidden(net); /* else a format of which nothing is known about single weights */
  TzColumns      *c;
  PetscReal      *Y, *moved;

  PetscFunctionBegin;
  if (top) PetscCall(TzNetEvalCoordinates_Hidden(eval, n, X, q));
  PetscCall(TzEvalGetColumns(eval, width, &c));
  PetscCall(PetscMalloc2(net->out * width, &Y, net->out * width, &moved));
  for (PetscInt p0 = 0; p0 < n; p0 += width) {
    Pass pass = {.eval = eval, .c = c, .q = q, .p0 = p0, .m = PetscMin(width, n - p0), .Y = Y, .moved = moved};

    PetscCall(TzColumnsForward(eval, c, pass.m, X + p0 * net->in));
    PetscCall(PetscArraycpy(Y, c->z[net->nhidden], net->out * pass.m));
    for (pass.l = net->nhidden - (top ? 2 : 0); pass.l >= 0; pass.l--) {
      const TzLayer *layer = &net->layer[pass.l];

      PetscCall(Range(&pass, layer->weights, layer->nweights, PETSC_TRUE));
      if (net->bias) PetscCall(Range(&pass, layer->bias, layer->out, PETSC_FALSE));
    }
  }
  PetscCall(PetscFree2(Y, moved));
  PetscFunctionReturn(PETSC_SUCCESS);
}
