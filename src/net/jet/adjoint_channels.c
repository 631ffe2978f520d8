/*
  The adjoint of forward propagation where there are no narrow bonds: all channels of some points are columns
  (columns.h), column c P + p for channel c (value, derivatives, Laplacian) of point p. With S = sum_{i < nlap} z_i^2,
      a = act(z),  a_i = act' z_i,  a_L = act' z_L + act'' S,
  so backwards
      zbar = act' abar + act'' (sum_i abar_i z_i + abar_L z_L) + act''' S abar_L,  zbar_i = act' abar_i + 2 act'' z_i abar_L [i < nlap],  zbar_L = act' abar_L.
*/
#include "../eval/columns.h"
#include "../jet/jet.h"

#define POINTS 8 /* at a time */

/* one unit: channels z [nc][P] -> a [nc][P] */
static void ActivateUnit(TzActivation act, PetscInt nc, PetscInt nlap, PetscInt P, const PetscReal z[], PetscReal a[])
{
  for (PetscInt p = 0; p < P; p++) {
    PetscReal d[4], S = 0;

    (*act->ops.evaluate)(z[p], 2, d);
    a[p] = d[0];
    for (PetscInt c = 1; c < nc; c++) a[c * P + p] = d[1] * z[c * P + p];
    for (PetscInt c = 1; c <= nlap; c++) S += z[c * P + p] * z[c * P + p];
    a[(nc - 1) * P + p] += d[2] * S;
  }
}

static void ActivateUnitAdjoint(TzActivation act, PetscInt nc, PetscInt nlap, PetscInt P, const PetscReal z[], const PetscReal abar[], PetscReal zbar[])
{
  for (PetscInt p = 0; p < P; p++) {
    const PetscReal lap = abar[(nc - 1) * P + p];
    PetscReal       d[4], S = 0, dot = 0;

    (*act->ops.evaluate)(z[p], 3, d);
    for (PetscInt c = 1; c < nc; c++) {
      dot += abar[c * P + p] * z[c * P + p];
      zbar[c * P + p] = d[1] * abar[c * P + p];
    }
    for (PetscInt c = 1; c <= nlap; c++) {
      S += z[c * P + p] * z[c * P + p];
      zbar[c * P + p] += 2 * d[2] * z[c * P + p] * lap;
    }
    zbar[p] = d[1] * abar[p] + d[2] * dot + d[3] * S * lap;
  }
}

/* Channels of P points through all layers; keeps a, y, z of each */
static void Forward(TzNetEval eval, const TzColumns *b, PetscInt P, const PetscReal X[], PetscInt nlap)
{
  TzNet          net = eval->net;
  const PetscInt in = net->in, nc = in + 2, n = nc * P;

  for (PetscInt i = 0; i < in; i++)
    for (PetscInt c = 0; c < nc; c++)
      for (PetscInt p = 0; p < P; p++) b->a[0][i * n + c * P + p] = c ? c == i + 1 : X[p * in + i];
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];

    (*b->op[l].ops->multiply)(&b->op[l], n, b->a[l], b->y[l], b->z[l]);
    for (PetscInt j = 0; j < layer->out; j++) {
      for (PetscInt p = 0; p < P; p++) b->z[l][j * n + p] += eval->theta[layer->bias + j];
      if (l < net->nhidden) ActivateUnit(net->act, nc, nlap, P, b->z[l] + j * n, b->a[l + 1] + j * n);
    }
  }
}

static void Backward(TzNetEval eval, const TzColumns *b, TzColumnsAdjoint *s, PetscInt P, PetscInt nlap, const PetscReal jetbar[], PetscReal grad[])
{
  TzNet          net = eval->net;
  const PetscInt nc = net->in + 2, n = nc * P;

  TzTranspose(P, nc, jetbar, s->zbar);
  for (PetscInt l = net->nhidden; l >= 0; l--) {
    const TzLayer *layer = &net->layer[l];

    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < P; p++) grad[layer->bias + j] += s->zbar[j * n + p];
    TzColumnsMultiplyAdjoint(eval, b, l, n, s);
    for (PetscInt j = 0; l && j < layer->in; j++) ActivateUnitAdjoint(net->act, nc, nlap, P, b->z[l - 1] + j * n, s->abar + j * n, s->zbar + j * n);
  }
}

PetscErrorCode TzNetEvalJetBackward_Channels(TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt nlap, const PetscReal jetbar[], PetscReal grad[])
{
  TzNet            net = eval->net;
  const PetscInt   nc  = net->in + 2;
  TzColumns       *b;
  TzColumnsAdjoint s;

  PetscFunctionBegin;
  PetscCall(TzEvalGetColumns(eval, nc * POINTS, &b));
  PetscCall(TzColumnsAdjointBegin(eval, b, nc * POINTS, grad, &s));
  for (PetscInt p = 0; p < n; p += POINTS) {
    const PetscInt P = PetscMin(POINTS, n - p);

    Forward(eval, b, P, X + p * net->in, nlap);
    Backward(eval, b, &s, P, nlap, jetbar + p * nc, grad);
  }
  PetscCall(TzColumnsAdjointEnd(eval, b, grad, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
