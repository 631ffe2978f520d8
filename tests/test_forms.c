/*
  Jets of every shape (shapes.h) through every estimator: one set of tests.

  Tolerances. A jet by forward propagation is a sum of products of at most 50 numbers of order one: 1e-12 of its size is some thousand roundings. A stencil's
  forms are its weights (4 d / s^2 or d / h^2, below 1e3 with the steps here) times differences of values.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "shapes.h"
#include "activations.h"
#include "plugins/fd4.c"
#include <private/tzderivimpl.h>

#define ok(call) assert_int_equal((call), 0)
#define D        SHAPES_D
#define N        29 /* points: more than a panel */
#define MOST     16 /* numbers of a jet */

static const char *const nets[] = {
  "-net_format dense -net_layers 13,9",
  "-net_format dense -net_layers 13,9 -net_activation square,sine",
  "-net_format tt -net_contraction bond -net_layers 24,16 -net_tt_rank 3 -net_activation sine,square",
  "-net_format tt -net_contraction bond -net_layers 24,16 -net_tt_rank 3",
  "-net_format tt -net_contraction bond -net_layers 24,20,12 -net_tt_rank 4 -net_activation softplus",
  "-net_format tt -net_contraction bond -net_layers 30 -net_tt_rank 2 -net_activation tanh",
  "-net_format ttm -net_layers 24,16 -net_tt_rank 3 -net_activation tanh",
  "-net_format dense -net_layers 3,9", /* fewer units than inputs: directions by units (channels.h) */
  "-net_format dense -net_layers 2,7,5 -net_activation softplus",
  "-net_format dense -net_layers 2 -net_activation tanh",
  "-net_format dense -net_layers 15 -net_activation tanh", /* more, with one hidden layer */
  "-net_format ttm -net_layers 4,24,16 -net_tt_rank 3",
};
static const char *const derivs[] = {"-deriv_type forward",
                                     "-deriv_type fd -fd_step 0.1",
                                     "-deriv_type stein -stein_sigma 0.3",
                                     "-deriv_type stein -stein_sigma 0.5 -rule_type mc -rule_samples 40",
                                     "-deriv_type fd4 -fd4_step 0.1",
                                     "-deriv_type fd -fd_order 4 -fd_step 0.1"};

typedef struct {
  TzPDE             pde;
  const TzJetShape *shape;
  TzNet             net;
  TzNetEval         eval;
  TzDeriv           deriv;
  PetscInt          np, in, J;
  PetscReal        *theta, *v, *grad, X[N * (D + 1)], jet[N * MOST], bar[N * MOST];
} Case;

static void Open(Case *c, const char *shape, const char *net, const char *deriv)
{
  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsInsertString(NULL, net));
  ok(PetscOptionsInsertString(NULL, deriv));
  ok(ShapesEquation(PETSC_COMM_SELF, shape, D, &c->pde));
  ok(TzPDEGetJetShape(c->pde, &c->shape));
  c->in = TzJetCoordinates(c->shape);
  c->J  = TzJetSize(c->shape);
  ok(TzNetCreate(PETSC_COMM_SELF, &c->net));
  ok(TzNetSetIO(c->net, c->in, 1));
  ok(TzNetSetFromOptions(c->net));
  ok(TzNetGetNumParameters(c->net, &c->np));
  ok(TzDerivCreate(PETSC_COMM_SELF, &c->deriv));
  ok(TzDerivSetNet(c->deriv, c->net, c->shape));
  ok(TzDerivSetFromOptions(c->deriv));
  ok(TzDerivSample(c->deriv, 3, 1));
  ok(PetscMalloc3(c->np, &c->theta, c->np, &c->v, c->np, &c->grad));
  ok(TzNetInitialize(c->net, 5, c->theta));
  ok(TzRandomNormal(6, TZ_STREAM_DIRECTION, 0, 0, 0, c->np, c->v));
  for (PetscInt i = 0; i < c->np; i++) c->theta[i] += 0.05 * c->v[i]; /* biases, too */
  ok(TzRandomNormal(7, TZ_STREAM_POINTS, 0, 0, 0, N * c->in, c->X));
  ok(TzRandomNormal(8, TZ_STREAM_POINTS, 0, 1, 0, N * c->J, c->bar));
  ok(TzNetEvalCreate(c->net, &c->eval));
  ok(TzNetEvalBind(c->eval, c->theta));
}

static void Close(Case *c)
{
  ok(PetscFree3(c->theta, c->v, c->grad));
  ok(TzNetEvalDestroy(&c->eval));
  ok(TzDerivDestroy(&c->deriv));
  ok(TzNetDestroy(&c->net));
  ok(TzPDEDestroy(&c->pde));
}

static PetscReal Largest(PetscInt n, const PetscReal x[])
{
  PetscReal most = 1;

  for (PetscInt i = 0; i < n; i++) most = PetscMax(most, fabs(x[i]));
  return most;
}

static void Same(const char *what, const char *shape, const char *net, PetscInt n, const PetscReal a[], const PetscReal b[], PetscReal tol)
{
  const PetscReal size = Largest(n, b);

  for (PetscInt i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) <= tol * size)) fail_msg("%s, %s, %s: number %d is %.17g, not %.17g", what, shape, net, (int)i, a[i], b[i]);
}

/* The fast evaluations against the reference; the same bits with other points beside them and by several threads */
static void test_reference(void **state)
{
  (void)state;
  for (size_t s = 0; s < NSHAPES; s++)
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++) {
      PetscReal jet[2][N * MOST];
      Case      c;

      Open(&c, shapes[s], nets[i], derivs[0]);
      ok(TzNetEvalJet(c.eval, N, c.X, c.shape, jet[0]));
      ok(TzNetEvalJet(c.eval, N - 7, c.X + 7 * c.in, c.shape, jet[1]));
      assert_memory_equal(jet[0] + 7 * c.J, jet[1], sizeof(PetscReal) * (size_t)((N - 7) * c.J));
      Close(&c);
      Open(&c, shapes[s], nets[i], "-net_threads 3");
      ok(TzNetEvalJet(c.eval, N, c.X, c.shape, jet[1]));
      assert_memory_equal(jet[0], jet[1], sizeof(PetscReal) * (size_t)(N * c.J));
      Close(&c);
      Open(&c, shapes[s], nets[i], "-net_evaluation reference");
      ok(TzNetEvalJet(c.eval, N, c.X, c.shape, jet[1]));
      Same("fast against reference", shapes[s], nets[i], N * c.J, jet[0], jet[1], 1e-12);
      Close(&c);
    }
}

/* One unit f = v act(w . x + b) + c: gradient v w act', forms v (w' S w) act'', in closed form; the square: those of a quadratic */
static void test_closed_form(void **state)
{
  static const char *const units[] = {"-net_format dense -net_layers 1 -net_activation sine", "-net_format dense -net_layers 1 -net_activation square"};

  (void)state;
  for (size_t s = 0; s < 2 * NSHAPES; s++) {
    const PetscBool square = (PetscBool)(s >= NSHAPES);
    PetscReal       want[N * MOST], *F;
    PetscInt        nf;
    Case            c;

    Open(&c, shapes[s % NSHAPES], units[square], derivs[0]);
    nf = TzJetFieldSize(c.shape);
    ok(PetscMalloc1(N * nf + 1, &F));
    ok(TzJetFields(c.shape, N, c.X, F));
    for (PetscInt p = 0; p < N; p++) { /* theta: w [in], v, b, the bias of the output */
      const PetscReal *w = c.theta, v = c.theta[c.in], *x = c.X + p * c.in;
      PetscReal        z = c.theta[c.in + 1], *j = want + p * c.J;

      for (PetscInt i = 0; i < c.in; i++) z += w[i] * x[i];
      j[0] = v * (square ? z * z : sin(z)) + c.theta[c.in + 2];
      for (PetscInt i = 0; i < c.in; i++) j[1 + i] = v * w[i] * (square ? 2 * z : cos(z));
      for (PetscInt q = 0; q < c.shape->nforms; q++) {
        TzFormAt  S;
        PetscReal wSw = 0;

        TzJetFormAt(c.shape, q, F + p * nf, &S);
        for (PetscInt i = 0; i < D; i++)
          for (PetscInt k = 0; k < D; k++) wSw += w[i] * TzFormEntry(&S, i, k) * w[k];
        j[1 + c.in + q] = v * wSw * (square ? 2 : -sin(z));
      }
    }
    ok(TzNetEvalJet(c.eval, N, c.X, c.shape, c.jet));
    Same("one unit", shapes[s % NSHAPES], units[square], N * c.J, c.jet, want, 1e-13);
    ok(PetscFree(F));
    Close(&c);
  }
}

/* ------------------------------------------------------- stencils on polynomials ------------------------------------------------------- */

/* f = 1 + g . x + x' H x / 2 + q x_1^4 */
typedef struct {
  PetscInt  n;
  PetscReal g[D + 1], H[(D + 1) * (D + 1)], q;
} Polynomial;

static PetscReal Value(const Polynomial *f, const PetscReal x[])
{
  PetscReal value = 1 + f->q * x[0] * x[0] * x[0] * x[0];

  for (PetscInt i = 0; i < f->n; i++) {
    value += f->g[i] * x[i];
    for (PetscInt j = 0; j < f->n; j++) value += 0.5 * f->H[i * f->n + j] * x[i] * x[j];
  }
  return value;
}

/* The jet that the stencil of c's estimator gives at x */
static void Apply(const Case *c, const Polynomial *f, const PetscReal x[], PetscReal jet[])
{
  const TzStencil *st    = &c->deriv->stencil;
  const TzPairs   *pairs = st->pairs;
  const PetscReal  f0    = Value(f, x);

  ok(TzDerivStencilPoint(c->deriv, x, 0, pairs->npairs));
  ok(PetscArrayzero(jet, c->J));
  jet[0] = f0;
  for (PetscInt j = 0; j < pairs->npairs; j++) {
    PetscReal y[2][D + 1], plus, minus;

    for (PetscInt i = 0; i < c->in; i++) y[0][i] = y[1][i] = x[i];
    for (PetscInt k = pairs->ptr[j]; k < pairs->ptr[j + 1]; k++) {
      y[0][pairs->idx[k]] += st->s * pairs->val[k];
      y[1][pairs->idx[k]] -= st->s * pairs->val[k];
    }
    plus  = Value(f, y[0]);
    minus = Value(f, y[1]);
    jet[0] += st->value[j] * (plus + minus - 2 * f0);
    for (PetscInt k = pairs->ptr[j]; k < pairs->ptr[j + 1]; k++) jet[1 + pairs->idx[k]] += st->grad[k] * (plus - minus);
    for (PetscInt q = 0; q < c->shape->nforms; q++) jet[1 + c->in + q] += st->form[q * pairs->npairs + j] * (plus + minus - 2 * f0);
  }
}

/*
  Differences and sparse grids are exact on quadratics, but for the value of a smoothed one, f + s^2 tr H / 2. On f_1111 the form of the sparse grid of
  level 3 is off by s^2 (S_11/3 - tr S/12) f_1111, which for S = I is the s^2 [1/4 - (d-1)/12] of stein.c; that of differences along the axes by
  h^2 S_11 f_1111 / 12, of order 4 by nothing.
*/
static void test_polynomials(void **state)
{
  (void)state;
  for (size_t s = 0; s < NSHAPES; s++)
    for (int k = 1; k <= 5; k += k == 2 ? 2 : 1)
      for (int quartic = 0; quartic < 2; quartic++) {
        const PetscBool stein = (PetscBool)(k == 2), axes = (PetscBool)!strstr("matrix matrixfield factorfield tridiagonal four stationary four", shapes[s]);
        Polynomial      f = {.q = quartic ? 0.7 : 0};
        PetscReal       x[D + 1], got[MOST], want[MOST], F[2 * D * D + D], step;
        Case            c;

        Open(&c, shapes[s], nets[0], derivs[k]);
        f.n  = c.in;
        step = c.deriv->stencil.s;
        ok(TzRandomNormal(9, TZ_STREAM_POINTS, 0, 0, 0, f.n, f.g));
        ok(TzRandomNormal(9, TZ_STREAM_POINTS, 0, 1, 0, f.n * f.n, f.H));
        ok(TzRandomNormal(9, TZ_STREAM_POINTS, 0, 2, 0, f.n, x));
        if (quartic) x[0] = 0;
        for (PetscInt i = 0; i < f.n; i++)
          for (PetscInt j = 0; j < i; j++) f.H[j * f.n + i] = f.H[i * f.n + j];
        ok(TzJetFields(c.shape, 1, x, F));
        want[0] = Value(&f, x);
        for (PetscInt i = 0; i < f.n; i++) {
          want[1 + i] = f.g[i];
          if (stein) want[0] += 0.5 * step * step * f.H[i * f.n + i];
          for (PetscInt j = 0; j < f.n; j++) want[1 + i] += f.H[i * f.n + j] * x[j];
        }
        for (PetscInt q = 0; q < c.shape->nforms; q++) {
          TzFormAt S;

          TzJetFormAt(c.shape, q, F, &S);
          want[1 + c.in + q] = 0;
          for (PetscInt i = 0; i < D; i++)
            for (PetscInt j = 0; j < D; j++) want[1 + c.in + q] += TzFormEntry(&S, i, j) * f.H[i * f.n + j];
          if (quartic && stein) want[1 + c.in + q] += step * step * (TzFormEntry(&S, 0, 0) / 3 - TzFormTrace(&S) / 12) * 24 * f.q;
          else if (quartic && k == 1) want[1 + c.in + q] += step * step * TzFormEntry(&S, 0, 0) / 12 * 24 * f.q;
        }
        Apply(&c, &f, x, got);
        if (!quartic) Same("quadratic", shapes[s], derivs[k], c.J, got, want, 1e-11);
        else if (k > 1 || axes) Same("quartic", shapes[s], derivs[k], c.shape->nforms, got + 1 + c.in, want + 1 + c.in, 1e-11);
        Close(&c);
      }
}

/* Differences with a small step against forward propagation: h^2/12 times fourth derivatives, and rounding / h^2 */
static void test_small_step(void **state)
{
  (void)state;
  for (size_t s = 0; s < NSHAPES; s++)
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++) {
      PetscReal jet[N * MOST];
      Case      c;

      Open(&c, shapes[s], nets[i], "-deriv_type fd -fd_step 1e-3");
      ok(TzNetEvalJet(c.eval, N, c.X, c.shape, jet));
      ok(TzDerivJet(c.deriv, c.eval, N, c.X, c.jet));
      Same("fd against forward", shapes[s], nets[i], N * c.J, c.jet, jet, 1e-4);
      Close(&c);
    }
}

/* g = exp(sum_i c_i x_i + 0.2 t), c_i = 0.3 - 0.15 i */
static PetscErrorCode Terminal(TzPDE pde, const PetscReal z[], PetscReal *g)
{
  PetscReal sum = 0.2 * z[pde->d];

  for (PetscInt i = 0; i < pde->d; i++) sum += (0.3 - 0.15 * (PetscReal)i) * z[i];
  *g = exp(sum);
  return PETSC_SUCCESS;
}

/* An equation's terminal value differentiated by Tenzo: 1e-9 of the largest, as differences.c says; and u = (T - t) f + g from it by the product rule */
static void test_terminal(void **state)
{
  (void)state;
  for (size_t s = 0; s < NSHAPES; s++) {
    PetscReal ab[2 * MOST + MOST * D], want[MOST], F[2 * D * D + D], f[MOST], u[MOST], g;
    Case      c;

    Open(&c, shapes[s], nets[0], derivs[0]);
    for (PetscInt p = 0; p < N && c.shape->time; p++) {
      const PetscReal *z = c.X + p * c.in, a = c.pde->T - z[D];

      c.pde->ops->terminal = Terminal;
      ok(Terminal(c.pde, z, &g));
      ok(TzJetFields(c.shape, 1, z, F));
      want[0] = g;
      for (PetscInt i = 0; i < D; i++) want[1 + i] = (0.3 - 0.15 * (PetscReal)i) * g;
      want[1 + D] = 0.2 * g;
      for (PetscInt q = 0; q < c.shape->nforms; q++) {
        TzFormAt S;

        TzJetFormAt(c.shape, q, F, &S);
        want[2 + D + q] = 0;
        for (PetscInt i = 0; i < D; i++)
          for (PetscInt j = 0; j < D; j++) want[2 + D + q] += TzFormEntry(&S, i, j) * want[1 + i] * want[1 + j] / g;
      }
      ok(TzPDETransformJets(c.pde, 1, z, ab));
      Same("terminal value", shapes[s], "", c.J, ab + c.J, want, 1e-9);
      for (PetscInt i = 0; i < c.J; i++) {
        f[i] = c.bar[p * c.J + i];
        want[i] += a * f[i] - (i == 1 + D ? f[0] : 0);
      }
      ok(TzPDETransform(c.pde, 1, z, f, u));
      Same("transform", shapes[s], "", c.J, u, want, 1e-9);
    }
    Close(&c);
  }
}

/* ------------------------------------------------------------- adjoints ------------------------------------------------------------- */

/* sum bar . jet at theta + h v */
static PetscReal Functional(Case *c, PetscReal h, PetscReal *size)
{
  PetscReal *moved, sum = 0;

  *size = 0;
  ok(PetscMalloc1(c->np, &moved));
  for (PetscInt i = 0; i < c->np; i++) moved[i] = c->theta[i] + h * c->v[i];
  ok(TzNetEvalBind(c->eval, moved));
  ok(TzDerivJet(c->deriv, c->eval, N, c->X, c->jet));
  for (PetscInt k = 0; k < N * c->J; k++) {
    sum += c->bar[k] * c->jet[k];
    *size += fabs(c->bar[k] * c->jet[k]);
  }
  ok(TzNetEvalBind(c->eval, c->theta));
  ok(PetscFree(moved));
  return sum;
}

/* As in test_derivadjoint.c: Richardson's extrapolation of central differences */
static void test_adjoint(void **state)
{
  (void)state;
  for (size_t s = 0; s < NSHAPES; s++)
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++)
      for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(derivs); k++) {
        const PetscReal h   = 1e-3;
        PetscReal       got = 0, want, size, scale;
        Case            c;

        if (k && i > 1) continue; /* the adjoint of a stencil's nodes does not know the shape */
        Open(&c, shapes[s], nets[i], derivs[k]);
        ok(PetscArrayzero(c.grad, c.np));
        ok(TzDerivAdjoint(c.deriv, c.eval, N, c.X, c.bar, c.grad));
        want = 4 * (Functional(&c, h / 2, &size) - Functional(&c, -h / 2, &size)) / h - (Functional(&c, h, &size) - Functional(&c, -h, &size)) / (2 * h);
        want /= 3;
        scale = size;
        for (PetscInt j = 0; j < c.np; j++) {
          got += c.grad[j] * c.v[j];
          scale += fabs(c.grad[j] * c.v[j]);
        }
        if (!(fabs(got - want) <= 1e-7 * scale)) fail_msg("%s, %s, %s: %.12g, not %.12g", shapes[s], nets[i], derivs[k], got, want);
        Close(&c);
      }
}

/* ------------------------------------------------------- coordinate queries ------------------------------------------------------- */

typedef struct {
  PetscInt   J, i0;
  PetscReal *jets; /* [coordinates 2][N][J] */
} Got;

static PetscErrorCode Sink(void *ctx, PetscInt i, PetscInt s, PetscInt p0, PetscInt m, const PetscReal jet[])
{
  const Got *got = (const Got *)ctx;

  return PetscArraycpy(got->jets + (((i - got->i0) * 2 + s) * N + p0) * got->J, jet, m * got->J);
}

/* All coordinates at once against one evaluation a coordinate */
static void test_coordinates(void **state)
{
  const PetscReal mu[2] = {0.01, -0.3};

  (void)state;
  for (size_t s = 0; s < NSHAPES; s++)
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++)
      for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(derivs); k++) {
        const PetscInt n = k ? 3 : N; /* stencils take the points one by one */
        TzDerivQueries q = {.n = n, .nmu = 2, .mu = mu, .sink = Sink};
        PetscReal     *moved;
        PetscBool      has;
        Got            got;
        Case           c;

        if ((k && i > 2 && i != 5 && i != 7) || k == 3) continue;
        Open(&c, shapes[s], nets[i], derivs[k]);
        ok(TzDerivHasCoordinates(c.deriv, &has));
        assert_true(has == (PetscBool)(strstr(nets[i], "bond") || strstr(nets[i], "dense")));
        q.X   = c.X;
        q.ctx = &got;
        q.i1  = c.np;
        got   = (Got){.J = c.J};
        ok(PetscMalloc2(c.np * 2 * N * c.J, &got.jets, c.np, &moved));
        ok(TzDerivCoordinates(c.deriv, c.eval, c.theta, &q));
        for (PetscInt v = 0; v < 2 * c.np; v += 3) {
          ok(PetscArraycpy(moved, c.theta, c.np));
          moved[v / 2] += mu[v % 2];
          ok(TzNetEvalBind(c.eval, moved));
          ok(TzDerivJet(c.deriv, c.eval, n, c.X, c.jet));
          Same("coordinate queries", shapes[s], nets[i], n * c.J, got.jets + v * N * c.J, c.jet, k ? 1e-10 : 1e-12);
        }
        ok(PetscFree2(got.jets, moved));
        Close(&c);
      }
}

/* -------------------------------------------------------------- losses -------------------------------------------------------------- */

/* The loss, its gradient and all its coordinate queries on one communicator: [1 + np + np] */
static void Evaluate(MPI_Comm comm, const char *shape, const char *deriv, PetscInt *n, PetscReal **all)
{
  TzPDE             pde;
  const TzJetShape *js;
  TzNet             net;
  TzDeriv           d;
  TzLoss            loss;
  PetscReal        *theta;
  TzQueries         q;

  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsInsertString(NULL, nets[1]));
  ok(PetscOptionsInsertString(NULL, deriv));
  ok(PetscOptionsInsertString(NULL, "-loss_points 23 -loss_block 5"));
  ok(ShapesEquation(comm, shape, D, &pde));
  ok(TzPDEGetJetShape(pde, &js));
  ok(TzNetCreate(comm, &net));
  ok(TzNetSetIO(net, TzJetCoordinates(js), 1));
  ok(TzNetSetFromOptions(net));
  ok(TzNetGetNumParameters(net, n));
  ok(TzDerivCreate(comm, &d));
  ok(TzDerivSetNet(d, net, js));
  ok(TzDerivSetFromOptions(d));
  ok(TzLossCreate(comm, &loss));
  ok(TzLossSetType(loss, TZLOSSRESIDUAL));
  ok(TzLossSetNet(loss, net));
  ok(TzLossSetProblem(loss, pde, d));
  ok(TzLossSetFromOptions(loss));
  ok(TzLossSetUp(loss));
  ok(TzLossSample(loss, 2));
  ok(PetscMalloc1(*n, &theta));
  ok(TzNetInitialize(net, 5, theta));
  ok(PetscCalloc1(1 + 2 * *n, all));
  ok(TzLossGradient(loss, theta, &(*all)[0], *all + 1));
  q = (TzQueries){.direction = TZ_DIRECTION_COORDINATE, .n = *n, .mu = 0.01};
  ok(TzLossEvaluate(loss, theta, &q, NULL, *all + 1 + *n, NULL));
  ok(PetscFree(theta));
  ok(TzLossDestroy(&loss));
  ok(TzDerivDestroy(&d));
  ok(TzNetDestroy(&net));
  ok(TzPDEDestroy(&pde));
}

/* The same bits on all ranks together as on each alone */
static void test_ranks(void **state)
{
  PetscMPIInt size;

  (void)state;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (size_t s = 0; s < NSHAPES; s++)
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(derivs); k++) {
      PetscReal *mine, *ours;
      PetscInt   n;
      int        same, all;

      Evaluate(PETSC_COMM_SELF, shapes[s], derivs[k], &n, &mine);
      Evaluate(PETSC_COMM_WORLD, shapes[s], derivs[k], &n, &ours);
      same = !memcmp(mine, ours, sizeof(*mine) * (size_t)(1 + 2 * n)) && mine[0] > 0;
      ok(MPI_Allreduce(&same, &all, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
      if (!all) fail_msg("%s, %s: other bits on %d ranks", shapes[s], derivs[k], (int)size);
      ok(PetscFree(mine));
      ok(PetscFree(ours));
    }
}

int main(int argc, char **argv)
{
  /* only the last is about ranks: on several, the others would do the same work on each */
  const struct CMUnitTest alone[] = {
    cmocka_unit_test(test_reference), cmocka_unit_test(test_closed_form), cmocka_unit_test(test_polynomials), cmocka_unit_test(test_small_step),
    cmocka_unit_test(test_terminal),  cmocka_unit_test(test_adjoint),     cmocka_unit_test(test_coordinates),
  };
  const struct CMUnitTest together[] = {cmocka_unit_test(test_ranks)};
  PetscMPIInt             size;
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  if (RegisterActivations() || TzPDERegister("shapes", ShapesCreate) || PetscDLLibraryRegister_fd4()) return 1;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  failed = size == 1 ? cmocka_run_group_tests(alone, NULL, NULL) : cmocka_run_group_tests(together, NULL, NULL);
  return TzFinalize() || failed;
}
