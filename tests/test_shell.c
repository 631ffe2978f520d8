/*
  Shell networks: one whose forward function is the reference evaluation of a network of layers gives the same bits as that network does, in every
  estimator that takes values, every size of blocks, and random and coordinate queries; it is bound once for each parameter vector; what needs derivatives is
  refused.
*/
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((call), 0)
#define D        5
#define N        7

/* The device: an inner network of layers with its evaluator */
typedef struct {
  TzNet     net;
  TzNetEval eval;
  PetscInt  block, binds, rows, largest;
} Device;

static PetscErrorCode SetUp(TzShell shell)
{
  Device *d = (Device *)shell->data;

  PetscFunctionBegin;
  PetscCall(TzNetSetIO(d->net, shell->in, shell->out));
  PetscCall(TzNetEvalCreate(d->net, &d->eval));
  PetscCall(TzNetGetNumParameters(d->net, &shell->nparams));
  shell->block = d->block;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Initialize(TzShell shell, PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(TzNetInitialize(((Device *)shell->data)->net, 3, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind(TzShell shell, const PetscReal theta[])
{
  Device *d = (Device *)shell->data;

  PetscFunctionBegin;
  d->binds++;
  PetscCall(TzNetEvalBind(d->eval, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forward(TzShell shell, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  Device *d = (Device *)shell->data;

  PetscFunctionBegin;
  d->rows += n;
  d->largest = PetscMax(d->largest, n);
  PetscCall(TzNetEvalForward(d->eval, n, X, Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzShell shell)
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalDestroy(&((Device *)shell->data)->eval));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const TzShellOps Ops = {.setup = SetUp, .initialize = Initialize, .bind = Bind, .forward = Forward, .destroy = Destroy};

#define INNER "-net_layers 8,6 -net_tt_rank 2 -net_evaluation reference"

typedef struct {
  Device    device;
  TzNet     net[2]; /* layers by the reference evaluation; a shell around the same */
  TzNetEval eval[2];
  PetscInt  nparams;
  PetscReal theta[1000], X[N * D];
} Case;

static void Create(PetscInt out, PetscInt block, Case *c)
{
  PetscReal other[1000];
  PetscInt  n;

  *c = (Case){.device = {.block = block}};
  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, INNER));
  OK(TzNetCreate(PETSC_COMM_SELF, &c->net[0]));
  OK(TzNetSetIO(c->net[0], D, out));
  OK(TzNetSetFromOptions(c->net[0]));
  OK(TzNetCreate(PETSC_COMM_SELF, &c->device.net));
  OK(TzNetSetFromOptions(c->device.net));
  OK(PetscOptionsClear(NULL));
  OK(TzNetCreate(PETSC_COMM_SELF, &c->net[1]));
  OK(TzNetSetIO(c->net[1], D, out));
  OK(TzNetSetShell(c->net[1], &Ops, &c->device));
  OK(TzNetSetFromOptions(c->net[1])); /* no option is given: it stays a shell */
  OK(TzNetGetNumParameters(c->net[1], &c->nparams));
  OK(TzNetGetNumParameters(c->net[0], &n));
  assert_int_equal(n, c->nparams);
  assert_true(n <= 1000);
  OK(TzNetInitialize(c->net[0], 3, other));
  OK(TzNetInitialize(c->net[1], 4, c->theta));
  assert_memory_equal(other, c->theta, sizeof(PetscReal) * (size_t)n);
  OK(TzRandomUniform(5, TZ_STREAM_POINTS, 0, 0, 0, N * D, c->X));
  for (int k = 0; k < 2; k++) {
    OK(TzNetEvalCreate(c->net[k], &c->eval[k]));
    OK(TzNetEvalBind(c->eval[k], c->theta));
  }
}

static void Destroy_Case(Case *c)
{
  for (int k = 0; k < 2; k++) {
    OK(TzNetEvalDestroy(&c->eval[k]));
    OK(TzNetDestroy(&c->net[k]));
  }
  OK(TzNetDestroy(&c->device.net));
}

/* Values, of one output and of several; the device gets no more rows at a time than it asks for */
static void TestValues(void **state)
{
  (void)state;
  for (PetscInt out = 1; out <= 4; out += 3) {
    for (PetscInt block = 0; block <= 3; block++) {
      PetscReal Y[2][N * 4];
      Case      c;

      Create(out, block, &c);
      for (int k = 0; k < 2; k++) OK(TzNetEvalForward(c.eval[k], N, c.X, Y[k]));
      assert_memory_equal(Y[0], Y[1], sizeof(PetscReal) * (size_t)(N * out));
      assert_int_equal(c.device.largest, block ? block : N);
      assert_int_equal(c.device.rows, N);
      Destroy_Case(&c);
    }
  }
}

/* Jets of every estimator that takes values, and of general forms; the device is bound once, whoever asks */
static void TestJets(void **state)
{
  static const char *const options[] = {"-deriv_type fd", "-deriv_type stein", "-deriv_type stein -rule_type mc -rule_samples 40"};
  PetscReal                S[D - 1][D - 1];
  const TzForm             form  = {.type = TZ_FORM_MATRIX, .S = &S[0][0]};
  TzJetShape               shape = {.d = D - 1, .time = PETSC_TRUE};

  (void)state;
  for (PetscInt i = 0; i < D - 1; i++)
    for (PetscInt j = 0; j < D - 1; j++) S[i][j] = 1. / (1 + i + j);
  OK(TzJetShapeAddForm(&shape, &form, NULL));
  for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(options); o++) {
    for (int forms = 0; forms < 2; forms++) {
      PetscReal jet[2][N * (D + 2)];
      Case      c;

      Create(1, o ? 17 : 0, &c);
      OK(PetscOptionsInsertString(NULL, options[o]));
      for (int k = 0; k < 2; k++) {
        TzDeriv deriv;

        OK(TzDerivCreate(PETSC_COMM_SELF, &deriv));
        OK(TzDerivSetNet(deriv, c.net[k], forms ? &shape : NULL));
        OK(TzDerivSetFromOptions(deriv));
        OK(TzDerivSample(deriv, 1, 0));
        OK(TzDerivJet(deriv, c.eval[k], N, c.X, jet[k]));
        OK(TzDerivDestroy(&deriv));
      }
      assert_memory_equal(jet[0], jet[1], sizeof(jet[0]));
      assert_int_equal(c.device.binds, 1);
      OK(TzNetEvalBind(c.eval[1], c.theta)); /* the same parameters: the device has them */
      OK(TzNetEvalForward(c.eval[1], 1, c.X, jet[1]));
      assert_int_equal(c.device.binds, 1);
      Destroy_Case(&c);
    }
  }
  OK(TzJetShapeReset(&shape));
}

/* Losses at random directions and at all coordinates */
static void TestQueries(void **state)
{
  const TzQueries random = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 1e-3, .base = PETSC_TRUE, .twosided = PETSC_TRUE, .n = 3};
  Case            c;

  (void)state;
  Create(1, 0, &c);
  for (int coordinates = 0; coordinates < 2; coordinates++) {
    PetscReal l0[2], lp[2][1000], lm[2][1000];
    TzQueries q = random;

    if (coordinates) q.direction = TZ_DIRECTION_COORDINATE;
    if (coordinates) q.n = c.nparams;
    for (int k = 0; k < 2; k++) {
      TzPDE             pde;
      TzDeriv           deriv;
      TzLoss            loss;
      const TzJetShape *shape;

      OK(PetscOptionsInsertString(NULL, "-pde_dim 4 -deriv_type fd -loss_points 6"));
      OK(TzPDECreate(PETSC_COMM_SELF, &pde));
      OK(TzPDESetFromOptions(pde));
      OK(TzPDESetUp(pde));
      OK(TzPDEGetJetShape(pde, &shape));
      OK(TzDerivCreate(PETSC_COMM_SELF, &deriv));
      OK(TzDerivSetNet(deriv, c.net[k], shape));
      OK(TzDerivSetFromOptions(deriv));
      OK(TzLossCreate(PETSC_COMM_SELF, &loss));
      OK(TzLossSetProblem(loss, pde, deriv));
      OK(TzLossSetFromOptions(loss));
      OK(TzLossSetNet(loss, c.net[k]));
      OK(TzLossSample(loss, 2));
      c.device.binds = 0;
      OK(TzLossEvaluate(loss, c.theta, &q, &l0[k], lp[k], lm[k]));
      if (k) assert_int_equal(c.device.binds, 1 + 2 * q.n);
      OK(TzLossDestroy(&loss));
      OK(TzDerivDestroy(&deriv));
      OK(TzPDEDestroy(&pde));
    }
    assert_memory_equal(&l0[0], &l0[1], sizeof(PetscReal));
    assert_memory_equal(lp[0], lp[1], sizeof(PetscReal) * (size_t)q.n);
    assert_memory_equal(lm[0], lm[1], sizeof(PetscReal) * (size_t)q.n);
  }
  Destroy_Case(&c);
}

static void TestRefusals(void **state)
{
  PetscReal Y[N * (D + 2)], grad[1000];
  TzDeriv   deriv;
  PetscBool has;
  Case      c;

  (void)state;
  Create(1, 0, &c);
  OK(TzNetHasDerivatives(c.net[1], &has));
  assert_false(has);
  OK(TzDerivCreate(PETSC_COMM_SELF, &deriv));
  OK(TzDerivSetNet(deriv, c.net[1], NULL));
  OK(TzDerivSetType(deriv, TZDERIVFORWARD));
  OK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(TzDerivSetUp(deriv), PETSC_ERR_USER_INPUT);
  assert_int_equal(TzNetEvalBackward(c.eval[1], N, c.X, Y, grad), PETSC_ERR_USER_INPUT);
  assert_int_equal(TzNetSetType(c.net[1], "nosuch"), PETSC_ERR_USER_INPUT);
  assert_int_equal(TzNetShellRegister(TZNETLAYERS, &Ops), PETSC_ERR_ARG_WRONG);
  assert_int_equal(TzNetShellRegister("half", &(TzShellOps){.setup = SetUp}), PETSC_ERR_ARG_WRONG);
  OK(PetscPopErrorHandler());
  OK(TzDerivDestroy(&deriv));
  Destroy_Case(&c);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(TestValues),
    cmocka_unit_test(TestJets),
    cmocka_unit_test(TestQueries),
    cmocka_unit_test(TestRefusals),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 2;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 2;
  return failed;
}
