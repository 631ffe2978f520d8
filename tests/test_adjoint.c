/*
  Columns and gradients of networks: outputs against the reference evaluation, rows that do not depend on those beside them, the
  gradient against differences of the outputs, the adjoint of multiplying a train out against its own linearity.
*/
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "activations.h"
#include "formats.h"
#include <private/tznetimpl.h>

#define ok(call) assert_int_equal((call), 0)
#define MAXN     37 /* points: two whole batches and a part */

static const struct {
  const char *options;
  PetscInt    in, out;
} nets[] = {
  {"-net_format dense -net_layers 13 -net_activation tanh", 9, 4},
  {"-net_format dense -net_layers 12,7,5 -net_activation sine", 6, 1},
  {"-net_format dense -net_layers 12,7,5 -net_activation softplus", 6, 2},
  {"-net_format dense -net_layers 12,7,5 -net_activation tanh,square,sine", 6, 2},
  {"-net_format tt -net_layers 24,16 -net_tt_rank 3 -net_activation sine,square", 12, 1},
  {"-net_format tt -net_layers 24,16 -net_tt_rank 3 -net_activation softplus", 12, 1},
  {"-net_format tt -net_layers 24,16 -net_tt_modes 3,4|4,6;4,6|4,4 -net_tt_bonds 2,3,1;4,1,3 -net_activation sine", 12, 1},
  {"-net_format ttm -net_layers 24 -net_tt_modes 3,2,2|2,3,4;2,3,4|1,5,2 -net_tt_bonds 1,3;4,2 -net_activation sine", 12, 10},
  {"-net_format ttm -net_layers 48,48 -net_tt_rank 4 -net_activation cosine", 12, 3},
  {"-net_format tt -net_layers 24,16 -net_tt_rank 3 -net_activation sine", 12, 2},
  {"-net_format tt -net_layers 24 -net_tt_rank 2 -net_activation tanh -net_tt_modes 2,2,3|2,3,4", 12, 1},
  {"-net_format ttm -net_layers 24 -net_tt_rank 3 -net_tt_modes 3,2,2|2,3,4;2,3,4|1,5,2 -net_activation sine", 12, 10},
  {"-net_format ttm -net_layers 48,48 -net_tt_rank 4 -net_activation tanh", 12, 3},
  {"-net_format ttm -net_layers 16 -net_tt_rank 1 -net_tt_modes 4|16;16|4 -net_activation sine", 4, 4},
  {"-net_format sparse -net_layers 24,16 -net_sparse_count 150 -net_activation tanh", 9, 3},
  {"-net_format lowrank -net_layers 24,16 -net_tt_rank 3 -net_activation sine", 12, 2},
  {"-net_format lowrankbond -net_layers 24,16 -net_tt_rank 3 -net_activation tanh", 12, 2},
  {"-net_format mzi -net_layers 13,7 -net_activation tanh", 9, 4},
  {"-net_format mzi-tt -net_layers 24,16 -net_tt_rank 3 -net_mzi_crosstalk 0.05", 12, 1},
  {"-net_format mzi-ttm -net_layers 24 -net_tt_rank 3 -net_mzi_crosstalk 0.02", 12, 10},
  {"-net_format ttm -net_layers 64 -net_tt_rank 5 -net_tt_modes 2,4,3|4,4,4;4,4,4|2,5,1 -net_activation relu", 24, 10},
};

typedef struct {
  TzNet      net;
  TzNetEval  eval;
  PetscInt   np, in, out;
  PetscReal *theta, *v, *grad, X[MAXN * 24], Y[MAXN * 10], Ybar[MAXN * 10];
} Case;

static void Open(Case *c, size_t which, const char *more)
{
  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsInsertString(NULL, nets[which].options));
  ok(PetscOptionsInsertString(NULL, more));
  c->in  = nets[which].in;
  c->out = nets[which].out;
  ok(TzNetCreate(PETSC_COMM_SELF, &c->net));
  ok(TzNetSetIO(c->net, c->in, c->out));
  ok(TzNetSetFromOptions(c->net));
  ok(TzNetGetNumParameters(c->net, &c->np));
  ok(PetscMalloc3(c->np, &c->theta, c->np, &c->v, c->np, &c->grad));
  ok(TzNetInitialize(c->net, 5, c->theta));
  ok(TzRandomNormal(6, TZ_STREAM_DIRECTION, 0, 0, 0, c->np, c->v));
  ok(TzRandomNormal(7, TZ_STREAM_POINTS, 0, 0, 0, MAXN * c->in, c->X));
  ok(TzRandomNormal(8, TZ_STREAM_POINTS, 0, 1, 0, MAXN * c->out, c->Ybar));
  ok(TzNetEvalCreate(c->net, &c->eval));
  ok(TzNetEvalBind(c->eval, c->theta));
}

static void Close(Case *c)
{
  ok(PetscFree3(c->theta, c->v, c->grad));
  ok(TzNetEvalDestroy(&c->eval));
  ok(TzNetDestroy(&c->net));
}

/* Sums of fewer than 100 terms of size O(1), each rounded at 1.1e-16, through at most four layers: 1e-13 is ample */
static void test_forward(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++) {
    Case      plain, batch;
    PetscReal one[10], worst = 0;

    Open(&plain, i, "-net_evaluation reference");
    Open(&batch, i, "");
    ok(TzNetEvalForward(plain.eval, MAXN, plain.X, plain.Y));
    ok(TzNetEvalForward_Columns(batch.eval, MAXN, batch.X, batch.Y));
    for (PetscInt k = 0; k < MAXN * batch.out; k++) worst = PetscMax(worst, PetscAbsReal(batch.Y[k] - plain.Y[k]));
    assert_true(worst <= 1e-13);
    for (PetscInt k = 0; k < MAXN; k++) {
      ok(TzNetEvalForward_Columns(batch.eval, 1, batch.X + k * batch.in, one));
      assert_memory_equal(one, batch.Y + k * batch.out, sizeof(PetscReal) * (size_t)batch.out);
    }
    Close(&plain);
    Close(&batch);
  }
}

static PetscReal Functional(Case *c, PetscReal h)
{
  PetscReal *moved, sum = 0;

  ok(PetscMalloc1(c->np, &moved));
  for (PetscInt i = 0; i < c->np; i++) moved[i] = c->theta[i] + h * c->v[i];
  ok(TzNetEvalBind(c->eval, moved));
  ok(TzNetEvalForward_Reference(c->eval, MAXN, c->X, c->Y));
  for (PetscInt k = 0; k < MAXN * c->out; k++) sum += c->Ybar[k] * c->Y[k];
  ok(TzNetEvalBind(c->eval, c->theta));
  ok(PetscFree(moved));
  return sum;
}

/*
  Along a random direction, with h = 1e-3 and Richardson's extrapolation: the truncation is O(h^4) = 1e-12 and the rounding
  1e-16 / h = 1e-13, both times the size of the sum and its derivatives; 1e-8 of the gradient's size leaves them room. For the
  rectifier the formula is exact unless a unit changes sign: h = 1e-6 and no extrapolation, rounding 1e-10.
*/
static void test_gradient(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++) {
    Case            c;
    const PetscBool relu = strstr(nets[i].options, "relu") ? PETSC_TRUE : PETSC_FALSE;
    const PetscReal h    = relu ? 1e-6 : 1e-3;
    PetscReal       want, got = 0, size = 0;

    Open(&c, i, "");
    ok(PetscArrayzero(c.grad, c.np));
    ok(TzNetEvalBackward(c.eval, MAXN, c.X, c.Ybar, c.grad));
    for (PetscInt k = 0; k < c.np; k++) {
      got += c.grad[k] * c.v[k];
      size += PetscAbsReal(c.grad[k] * c.v[k]);
    }
    want = (Functional(&c, h) - Functional(&c, -h)) / (2 * h);
    if (!relu) want = (4 * (Functional(&c, h / 2) - Functional(&c, -h / 2)) / h - want) / 3;
    if (PetscAbsReal(got - want) > 1e-8 * size) printf("net %d: %.15g, differences %.15g, size %g\n", (int)i, got, want, size);
    assert_true(PetscAbsReal(got - want) <= 1e-8 * size);
    Close(&c);
  }
}

/* grad is added to, and is the sum over points */
static void test_additive(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++) {
    Case       c;
    PetscReal *each, worst = 0, size = 0;

    Open(&c, i, "");
    ok(PetscCalloc1(c.np, &each));
    ok(PetscArrayzero(c.grad, c.np));
    ok(TzNetEvalBackward(c.eval, MAXN, c.X, c.Ybar, c.grad));
    for (PetscInt p = 0; p < MAXN; p++) ok(TzNetEvalBackward(c.eval, 1, c.X + p * c.in, c.Ybar + p * c.out, each));
    for (PetscInt k = 0; k < c.np; k++) {
      worst = PetscMax(worst, PetscAbsReal(each[k] - c.grad[k]));
      size  = PetscMax(size, PetscAbsReal(c.grad[k]));
    }
    assert_true(worst <= 1e-12 * size); /* two orders of some thousand terms */
    ok(PetscFree(each));
    Close(&c);
  }
}

/* The product is linear in one core: <Tbar, T(theta + v_k) - T(theta)> = <grad, v_k> up to rounding, for every core and every cut */
static void test_merge(void **state)
{
  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(nets); i++) {
    Case c;

    Open(&c, i, "");
    for (PetscInt l = 0; l < c.net->nlayers; l++) {
      const TzLayer *layer = &c.net->layer[l];
      const TzCut    cut   = TzLayerGetCut(layer);
      const TzTrain *train = cut.train;

      for (PetscInt k0 = 0; train && k0 < train->ncores; k0++)
        for (PetscInt k1 = k0 + 1; k1 <= train->ncores; k1++) {
          PetscInt   size = train->core[k0].r0 * train->core[k1 - 1].r1;
          PetscReal *T, *moved, *Tbar;

          for (PetscInt k = k0; k < k1; k++) size *= train->core[k].m * train->core[k].n;
          ok(PetscMalloc3(size, &T, size, &moved, size, &Tbar));
          ok(TzRandomNormal(9, TZ_STREAM_POINTS, (PetscInt)i, k0, 0, size, Tbar));
          ok(TzTrainMerge(train, c.theta, k0, k1, T));
          ok(PetscArrayzero(c.grad, c.np));
          ok(TzTrainMergeAdjoint(train, c.theta, k0, k1, Tbar, c.grad));
          for (PetscInt k = k0; k < k1; k++) {
            const TzCore core = train->core[k];
            PetscReal    got = 0, want = 0, scale = 0;

            for (PetscInt x = 0; x < core.r0 * core.m * core.n * core.r1; x++) {
              got += c.grad[core.offset + x] * c.v[core.offset + x];
              scale += PetscAbsReal(c.grad[core.offset + x] * c.v[core.offset + x]);
              c.theta[core.offset + x] += c.v[core.offset + x];
            }
            ok(TzTrainMerge(train, c.theta, k0, k1, moved));
            for (PetscInt x = 0; x < size; x++) {
              want += Tbar[x] * (moved[x] - T[x]);
              scale += PetscAbsReal(Tbar[x] * (moved[x] - T[x]));
            }
            for (PetscInt x = 0; x < core.r0 * core.m * core.n * core.r1; x++) c.theta[core.offset + x] -= c.v[core.offset + x];
            assert_true(PetscAbsReal(got - want) <= 1e-12 * scale);
          }
          ok(PetscFree3(T, moved, Tbar));
        }
    }
    Close(&c);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_forward), cmocka_unit_test(test_gradient), cmocka_unit_test(test_additive),
                                     cmocka_unit_test(test_merge)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL) || RegisterActivations() || RegisterFormats()) return 1;
  failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 1;
  return failures;
}
