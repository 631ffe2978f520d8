/*
  The adjoint of forward propagation where there are no narrow bonds: all channels of some points are columns
  (columns.h), column c P + p for channel c (value, derivatives, forms) of point p. With q = z' S z,
      a = act(z),  a_i = act' z_i,  a_S = act' z_S + act'' q,
  so backwards
      zbar = act' abar + act'' (sum_i abar_i z_i + abar_S z_S) + act''' q abar_S,  zbar_i = act' abar_i + 2 act'' (S z)_i abar_S,  zbar_S = act' abar_S.
*/
#include "../eval/columns.h"
#include "../jet/jet.h"

#define POINTS 8 /* at a time */

/* What the forms of a batch of points are: shape, the fields of its points, and room for two vectors [d] */
typedef struct {
  const TzJetShape *shape;
  const PetscReal  *F; /* [P][TzJetFieldSize()] */
  PetscReal        *v, *Sv;
} Forms;

/* Sv = S z for form q, z = z_1 .. z_d of point p; returns z' S z */
static PetscReal Apply(const Forms *forms, PetscInt q, PetscInt P, PetscInt p, const PetscReal z[])
{
  TzFormAt  S;
  PetscReal sum = 0;

  TzJetFormAt(forms->shape, q, forms->F + p * TzJetFieldSize(forms->shape), &S);
  for (PetscInt i = 0; i < S.d; i++) forms->v[i] = z[(1 + i) * P + p];
  TzFormApply(&S, forms->v, forms->Sv);
  for (PetscInt i = 0; i < S.d; i++) sum += forms->v[i] * forms->Sv[i];
  return sum;
}

/* one unit: channels z [nc][P] -> a [nc][P] */
static void ActivateUnit(TzActivation act, const Forms *forms, PetscInt P, const PetscReal z[], PetscReal a[])
{
  const PetscInt nc = TzJetSize(forms->shape), first = nc - forms->shape->nforms;

  for (PetscInt p = 0; p < P; p++) {
    PetscReal d[4];

    (*act->ops.evaluate)(z[p], 2, d);
    a[p] = d[0];
    for (PetscInt c = 1; c < nc; c++) a[c * P + p] = d[1] * z[c * P + p];
    for (PetscInt q = 0; q < forms->shape->nforms; q++) a[(first + q) * P + p] += d[2] * Apply(forms, q, P, p, z);
  }
}

static void ActivateUnitAdjoint(TzActivation act, const Forms *forms, PetscInt P, const PetscReal z[], const PetscReal abar[], PetscReal zbar[])
{
  const PetscInt nc = TzJetSize(forms->shape), first = nc - forms->shape->nforms;

  for (PetscInt p = 0; p < P; p++) {
    PetscReal d[4], dot = 0;

    (*act->ops.evaluate)(z[p], 3, d);
    for (PetscInt c = 1; c < nc; c++) {
      dot += abar[c * P + p] * z[c * P + p];
      zbar[c * P + p] = d[1] * abar[c * P + p];
    }
    zbar[p] = d[1] * abar[p] + d[2] * dot;
    for (PetscInt q = 0; q < forms->shape->nforms; q++) {
      const PetscReal bar = abar[(first + q) * P + p];

      zbar[p] += d[3] * Apply(forms, q, P, p, z) * bar;
      for (PetscInt i = 0; i < forms->shape->d; i++) zbar[(1 + i) * P + p] += 2 * d[2] * forms->Sv[i] * bar;
    }
  }
}

/* Channels of P points through all layers; keeps a, y, z of each */
static void Forward(TzNetEval eval, const TzColumns *b, const Forms *forms, PetscInt P, const PetscReal X[])
{
  TzNet          net = eval->net;
  const PetscInt in = net->in, nc = TzJetSize(forms->shape), n = nc * P;

  for (PetscInt i = 0; i < in; i++)
    for (PetscInt c = 0; c < nc; c++)
      for (PetscInt p = 0; p < P; p++) b->a[0][i * n + c * P + p] = c ? c == i + 1 : X[p * in + i];
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];

    (*b->op[l].ops->multiply)(&b->op[l], n, b->a[l], b->y[l], b->z[l]);
    for (PetscInt j = 0; j < layer->out; j++) {
      for (PetscInt p = 0; p < P; p++) b->z[l][j * n + p] += eval->theta[layer->bias + j];
      if (l < net->nhidden) ActivateUnit(net->act, forms, P, b->z[l] + j * n, b->a[l + 1] + j * n);
    }
  }
}

static void Backward(TzNetEval eval, const TzColumns *b, TzColumnsAdjoint *s, const Forms *forms, PetscInt P, const PetscReal jetbar[], PetscReal grad[])
{
  TzNet          net = eval->net;
  const PetscInt nc = TzJetSize(forms->shape), n = nc * P;

  TzTranspose(P, nc, jetbar, s->zbar);
  for (PetscInt l = net->nhidden; l >= 0; l--) {
    const TzLayer *layer = &net->layer[l];

    for (PetscInt j = 0; j < layer->out; j++)
      for (PetscInt p = 0; p < P; p++) grad[layer->bias + j] += s->zbar[j * n + p];
    TzColumnsMultiplyAdjoint(eval, b, l, n, s);
    for (PetscInt j = 0; l && j < layer->in; j++) ActivateUnitAdjoint(net->act, forms, P, b->z[l - 1] + j * n, s->abar + j * n, s->zbar + j * n);
  }
}

PetscErrorCode TzNetEvalJetBackward_Channels(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal F[],
                                             const PetscReal jetbar[], PetscReal grad[])
{
  const PetscInt   in = eval->net->in, nc = TzJetSize(shape);
  Forms            forms = {.shape = shape};
  TzColumns       *b;
  TzColumnsAdjoint s;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(shape->d, &forms.v, shape->d, &forms.Sv));
  PetscCall(TzEvalGetColumns(eval, nc * POINTS, &b));
  PetscCall(TzColumnsAdjointBegin(eval, b, nc * POINTS, grad, &s));
  for (PetscInt p = 0; p < n; p += POINTS) {
    const PetscInt P = PetscMin(POINTS, n - p);

    forms.F = F + p * TzJetFieldSize(shape);
    Forward(eval, b, &forms, P, X + p * in);
    Backward(eval, b, &s, &forms, P, jetbar + p * nc, grad);
  }
  PetscCall(TzColumnsAdjointEnd(eval, b, grad, &s));
  PetscCall(PetscFree2(forms.v, forms.Sv));
  PetscFunctionReturn(PETSC_SUCCESS);
}
