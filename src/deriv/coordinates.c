/*
  The jets of all parameter vectors theta + mu e_i at once (structured CGE). The network gives the changes of its jets (forward) or of its values
  at the nodes (stein, fd), from which the estimator's sums follow. The few coordinates in front of the network's first bond, which move
  everything, are evaluated one at a time.
*/
#include <private/tzderivimpl.h>

/* The first parameter whose jets, or values at nodes, the network follows */
static PetscErrorCode First(TzDeriv deriv, PetscInt *first)
{
  PetscFunctionBegin;
  PetscCall(TzNetGetCoordinates(deriv->net, deriv->ops->coordinates == TzDerivCoordinates_Forward ? TZ_COORDINATES_JETS : TZ_COORDINATES_VALUES, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivHasCoordinates(TzDeriv deriv, PetscBool *has)
{
  PetscInt first, n;

  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  PetscCall(First(deriv, &first));
  PetscCall(TzNetGetNumParameters(deriv->net, &n));
  *has = (PetscBool)(first < n && deriv->ops->coordinates);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------- forward propagation -------------------------------------------------------- */

typedef struct {
  PetscInt    i0;
  TzDerivSink sink;
  void       *ctx;
} Forward;

static PetscErrorCode SinkForward(void *ctx, const TzNetMoved *moved)
{
  const Forward *f = (const Forward *)ctx;

  PetscFunctionBegin;
  PetscCall((*f->sink)(f->ctx, f->i0 + moved->which[0], moved->s, moved->p0, moved->m, moved->Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCoordinates_Forward(TzDeriv deriv, TzNetEval eval, const TzDerivQueries *q)
{
  Forward          f = {.i0 = q->i0, .sink = q->sink, .ctx = q->ctx};
  TzNetCoordinates c = {.shape = &deriv->shape, .whole = PETSC_TRUE, .first = q->i0, .count = q->i1 - q->i0, .nmu = q->nmu, .mu = q->mu};

  PetscFunctionBegin;
  c.sink = SinkForward;
  c.ctx  = &f;
  PetscCall(TzNetEvalCoordinates(eval, q->n, q->X, &c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ stencils ------------------------------------------------------------ */

typedef struct {
  const TzStencil *st;
  PetscInt         nc, nmu, n, p; /* numbers of a jet; points; the point whose nodes are evaluated */
  PetscReal       *centre;        /* [coordinates nmu][n]: changes at the points themselves */
  PetscReal       *jet;           /* [coordinates nmu][nc]: of point p */
  PetscInt         nforms;
  PetscReal       *sum; /* [nforms] */
} Nodes;

static PetscErrorCode SinkCentre(void *ctx, const TzNetMoved *moved)
{
  const Nodes *d = (const Nodes *)ctx;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(d->centre + (moved->which[0] * d->nmu + moved->s) * d->n + moved->p0, moved->Y, moved->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y [m]: changes at the nodes +, - of the pairs from p0/2 on */
static PetscErrorCode SinkNodes(void *ctx, const TzNetMoved *moved)
{
  const Nodes     *d      = (const Nodes *)ctx;
  const TzStencil *st     = d->st;
  const TzPairs   *pairs  = st->pairs;
  const PetscInt   v      = moved->which[0] * d->nmu + moved->s;
  const PetscReal *change = moved->Y;
  const PetscReal  f0     = d->centre[v * d->n + d->p];
  const PetscInt   nforms = d->nforms, npairs = pairs->npairs;
  PetscReal       *jet = d->jet + v * d->nc, *form = jet + d->nc - nforms, value = 0;

  PetscFunctionBegin;
  for (PetscInt q = 0; q < nforms; q++) d->sum[q] = 0;
  for (PetscInt x = 0, j = moved->p0 / 2; x < moved->m; x += 2, j++) {
    const PetscReal even = (change[x] - f0) + (change[x + 1] - f0), odd = change[x] - change[x + 1];

    value += st->value[j] * even;
    for (PetscInt q = 0; q < nforms; q++) d->sum[q] += st->form[q * npairs + j] * even;
    for (PetscInt l = pairs->ptr[j]; l < pairs->ptr[j + 1]; l++) jet[1 + pairs->idx[l]] += st->grad[l] * odd;
  }
  jet[0] += value;
  for (PetscInt q = 0; q < nforms; q++) form[q] += d->sum[q];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Z [2 npairs][D]: the nodes around x */
static void NodesOf(TzDeriv deriv, const PetscReal x[], PetscReal Z[])
{
  const TzPairs *pairs = deriv->stencil.pairs;

  for (PetscInt j = 0; j < pairs->npairs; j++, Z += 2 * deriv->D) {
    for (PetscInt i = 0; i < deriv->D; i++) Z[i] = Z[deriv->D + i] = x[i];
    for (PetscInt l = pairs->ptr[j]; l < pairs->ptr[j + 1]; l++) {
      Z[pairs->idx[l]] += deriv->stencil.s * pairs->val[l];
      Z[deriv->D + pairs->idx[l]] -= deriv->stencil.s * pairs->val[l];
    }
  }
}

PetscErrorCode TzDerivCoordinates_Stencil(TzDeriv deriv, TzNetEval eval, const TzDerivQueries *q)
{
  const PetscInt   nc = TzJetSize(&deriv->shape), nv = (q->i1 - q->i0) * q->nmu, nodes = 2 * deriv->stencil.pairs->npairs;
  Nodes            d = {.st = &deriv->stencil, .nc = nc, .nmu = q->nmu, .n = q->n};
  TzNetCoordinates c = {.first = q->i0, .count = q->i1 - q->i0, .nmu = q->nmu, .mu = q->mu, .sink = SinkCentre, .ctx = &d};
  PetscReal       *base, *Z;

  PetscFunctionBegin;
  d.nforms = deriv->shape.nforms;
  PetscCall(PetscMalloc5(q->n * nc, &base, nv * q->n, &d.centre, nv * nc, &d.jet, nodes * deriv->D, &Z, d.nforms, &d.sum));
  PetscCall(TzDerivJet(deriv, eval, q->n, q->X, base));
  PetscCall(TzNetEvalCoordinates(eval, q->n, q->X, &c));
  c.sink = SinkNodes;
  for (d.p = 0; d.p < q->n && !TzGiveUp(); d.p++) {
    for (PetscInt v = 0; v < nv; v++) {
      PetscCall(PetscArraycpy(d.jet + v * nc, base + d.p * nc, nc));
      d.jet[v * nc] += d.centre[v * q->n + d.p];
    }
    NodesOf(deriv, q->X + d.p * deriv->D, Z);
    PetscCall(TzDerivStencilPoint(deriv, q->X + d.p * deriv->D, 0, deriv->stencil.pairs->npairs));
    PetscCall(TzNetEvalCoordinates(eval, nodes, Z, &c));
    for (PetscInt v = 0; v < nv; v++) PetscCall((*q->sink)(q->ctx, q->i0 + v / q->nmu, v % q->nmu, d.p, 1, d.jet + v * nc));
  }
  PetscCall(PetscFree5(base, d.centre, d.jet, Z, d.sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------------------------------- */

/* theta + mu[s] e_i, one vector at a time */
static PetscErrorCode OneAtATime(TzDeriv deriv, TzNetEval eval, const PetscReal theta[], const TzDerivQueries *q)
{
  PetscReal *x, *jet;
  PetscInt   n;

  PetscFunctionBegin;
  PetscCall(TzNetGetNumParameters(deriv->net, &n));
  PetscCall(PetscMalloc2(n, &x, q->n * TzJetSize(&deriv->shape), &jet));
  PetscCall(PetscArraycpy(x, theta, n));
  for (PetscInt i = q->i0; i < q->i1 && !TzGiveUp(); i++) {
    for (PetscInt s = 0; s < q->nmu; s++) {
      x[i] = theta[i] + q->mu[s];
      PetscCall(TzNetEvalBind(eval, x));
      PetscCall(TzDerivJet(deriv, eval, q->n, q->X, jet));
      PetscCall((*q->sink)(q->ctx, i, s, 0, q->n, jet));
    }
    x[i] = theta[i];
  }
  PetscCall(PetscFree2(x, jet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCoordinates(TzDeriv deriv, TzNetEval eval, const PetscReal theta[], const TzDerivQueries *q)
{
  TzDerivQueries part = *q;
  PetscInt       first;

  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  PetscCall(First(deriv, &first));
  part.i1 = PetscMin(q->i1, first);
  PetscCall(OneAtATime(deriv, eval, theta, &part));
  part.i0 = PetscMax(q->i0, first);
  part.i1 = q->i1;
  if (part.i0 >= part.i1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetEvalBind(eval, theta));
  PetscUseTypeMethod(deriv, coordinates, eval, &part);
  PetscFunctionReturn(PETSC_SUCCESS);
}
