/*
  Models of hardware: what a network holds are levels; stochastic rounding and noise have the mean and the size that they say; evaluations at what is
  held are those of a network without a model at these parameters, to the bit; values do not depend on how points are blocked.
*/
#include <tenzo.h>
#include <private/tznetimpl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((call), 0)
#define D        5
#define N        40
#define MOST     2000

typedef struct {
  TzNet     net;
  TzNetEval eval;
  PetscInt  n;
  PetscReal theta[MOST], step[MOST], X[N * D];
} Case;

static void Create(const char options[], Case *c)
{
  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, "-net_layers 24,16 -net_tt_rank 3"));
  OK(PetscOptionsInsertString(NULL, options));
  OK(TzNetCreate(PETSC_COMM_SELF, &c->net));
  OK(TzNetSetIO(c->net, D, 1));
  OK(TzNetSetFromOptions(c->net));
  OK(TzNetSetSeed(c->net, 7));
  OK(TzNetGetNumParameters(c->net, &c->n));
  assert_true(c->n <= MOST);
  OK(TzNetInitialize(c->net, 3, c->theta));
  OK(TzNetGetWeightSteps(c->net, c->theta, c->step));
  OK(TzRandomUniform(5, TZ_STREAM_POINTS, 0, 0, 0, N * D, c->X));
  OK(TzNetEvalCreate(c->net, &c->eval));
  OK(TzNetEvalBind(c->eval, c->theta));
}

static void Free(Case *c)
{
  OK(TzNetEvalDestroy(&c->eval));
  OK(TzNetDestroy(&c->net));
}

/* Multiples of the step, no farther than half of one, or than one where the outermost level is below the largest weight; a level is its own level */
static void TestLevels(void **state)
{
  static const char *const options[] = {"-net_weight_bits 8", "-net_weight_bits 4 -net_format ttm", "-net_weight_bits 2 -net_format dense"};
  static Case              c;

  (void)state;
  for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(options); o++) {
    PetscReal held[MOST];

    Create(options[o], &c);
    for (PetscInt i = 0; i < c.n; i++) {
      held[i] = c.eval->theta[i];
      assert_true(c.step[i] > 0 && held[i] / c.step[i] == floor(held[i] / c.step[i]));
      assert_true(fabs(held[i] - c.theta[i]) <= c.step[i] * (fabs(c.theta[i]) > fabs(held[i]) ? 1 : 0.5));
    }
    OK(TzNetEvalBind(c.eval, held));
    if (o < 2) assert_memory_equal(held, c.eval->theta, sizeof(PetscReal) * (size_t)c.n);
    Free(&c);
  }
}

/* The fast paths go on: jets, stencils and values are those of a plain network that has the parameters held */
static void TestSameAsHeld(void **state)
{
  static Case c, plain;
  PetscReal   jet[2][N * (D + 2)], Y[2][N];
  PetscInt    first;

  (void)state;
  Create("-net_weight_bits 6 -net_noise_weight 0.01 -net_noise_drift 1e-3", &c);
  OK(TzNetSetTime(c.net, 9));
  OK(TzNetEvalBind(c.eval, c.theta));
  Create("", &plain);
  OK(TzNetEvalBind(plain.eval, c.eval->theta));
  for (int forward = 0; forward < 2; forward++) {
    for (int k = 0; k < 2; k++) {
      Case   *own = k ? &plain : &c;
      TzDeriv deriv;

      OK(TzDerivCreate(PETSC_COMM_SELF, &deriv));
      OK(TzDerivSetNet(deriv, own->net, NULL));
      OK(TzDerivSetType(deriv, forward ? TZDERIVFORWARD : TZDERIVFD));
      OK(TzDerivJet(deriv, own->eval, N, c.X, jet[k]));
      OK(TzNetEvalForward(own->eval, N, c.X, Y[k]));
      OK(TzDerivDestroy(&deriv));
    }
    assert_memory_equal(jet[0], jet[1], sizeof(jet[0]));
    assert_memory_equal(Y[0], Y[1], sizeof(Y[0]));
  }
  OK(TzNetGetCoordinates(c.net, TZ_COORDINATES_JETS, &first)); /* noise of each parameter vector: another one for each that has moved */
  assert_int_equal(first, c.n);
  Free(&c);
  Free(&plain);
}

/*
  Means and deviations over T draws of n parameters: of the mean within 5 / sqrt(T n) of the deviation of one, of the variance within 5 sqrt(3 / (T n)).
  Stochastic rounding has the variance step^2 f (1 - f), f the part of a step between theta and the level below.
*/
static void TestRandom(void **state)
{
  static const char *const options[] = {"-net_noise_weight 0.1", "-net_noise_weight 0.1 -net_noise_per step", "-net_weight_bits 5 -net_rounding stochastic"};
  static Case              c;
  const PetscInt           T = 400;

  (void)state;
  for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(options); o++) {
    PetscReal sum = 0, square = 0, first = 0;
    PetscInt  count = 0;

    Create(options[o], &c);
    for (PetscInt t = 0; t < T; t++) {
      OK(TzNetSetTime(c.net, t));
      OK(TzNetEvalBind(c.eval, c.theta));
      for (PetscInt i = 0; i < c.n; i++) {
        PetscReal sd = 0.1 * fabs(c.theta[i]), f;

        if (o == 2) {
          f = c.theta[i] / c.step[i] - floor(c.theta[i] / c.step[i]);
          if (f < 0.1 || f > 0.9 || fabs(c.theta[i]) > 14 * c.step[i]) continue;
          sd = c.step[i] * sqrt(f * (1 - f));
        }
        sum += (c.eval->theta[i] - c.theta[i]) / sd;
        square += PetscSqr((c.eval->theta[i] - c.theta[i]) / sd);
        count++;
      }
      if (t == 3) first = c.eval->theta[5];
    }
    assert_true(count > 10000);
    assert_true(fabs(sum) < 5 * sqrt(count));
    assert_true(fabs(square - count) < 5 * sqrt(3. * count));
    OK(TzNetSetTime(c.net, 3)); /* the same time, the same parameters: the same numbers */
    OK(TzNetEvalBind(c.eval, c.theta));
    assert_true(c.eval->theta[5] == first);
    if (o < 2) { /* other parameters: other noise, or that of the step */
      PetscReal other[MOST], before = c.eval->theta[5] / c.theta[5];

      OK(PetscArraycpy(other, c.theta, c.n));
      other[6] += 1e-9;
      OK(TzNetEvalBind(c.eval, other));
      assert_true((fabs(c.eval->theta[5] / other[5] - before) < 1e-14) == (o == 1));
    }
    Free(&c);
  }
}

/* Noise of values: its size, and that it belongs to the point, not to the block or its place; stencils are made of the same values */
static void TestOutputs(void **state)
{
  static Case c, plain;
  PetscReal   Y[N], Y0[N], y, square = 0;

  (void)state;
  Create("-net_noise_value 1e-2 -net_noise_type additive", &c);
  Create("", &plain);
  for (PetscInt t = 0; t < 50; t++) {
    OK(TzNetSetTime(c.net, t));
    OK(TzNetEvalForward(c.eval, N, c.X, Y));
    OK(TzNetEvalForward(plain.eval, N, c.X, Y0));
    for (PetscInt p = 0; p < N; p++) square += PetscSqr((Y[p] - Y0[p]) / 1e-2) / (50 * N);
  }
  assert_true(fabs(square - 1) < 5 * sqrt(2. / (50 * N)));
  for (PetscInt p = N - 1; p >= 0; p--) {
    OK(TzNetEvalForward(c.eval, 1, c.X + p * D, &y));
    assert_true(y == Y[p]);
  }
  Free(&c);
  Free(&plain);
}

/* Activations of many bits change little, of few bits much; the reference evaluation has the same levels; derivatives are refused */
static void TestActivations(void **state)
{
  static Case c, plain;
  PetscReal   Y[N], Y0[N], most[2] = {0, 0};
  PetscBool   has;

  (void)state;
  Create("", &plain);
  OK(TzNetEvalForward(plain.eval, N, plain.X, Y0));
  for (int k = 0; k < 3; k++) {
    Create(k == 2 ? "-net_activation_bits 6 -net_evaluation reference" : k == 1 ? "-net_activation_bits 6" : "-net_activation_bits 30", &c);
    OK(TzNetEvalForward(c.eval, N, c.X, Y));
    for (PetscInt p = 0; p < N && k < 2; p++) most[k] = fmax(most[k], fabs(Y[p] - Y0[p]));
    if (k == 1) OK(PetscArraycpy(Y0, Y, N));
    for (PetscInt p = 0; p < N && k == 2; p++) assert_true(fabs(Y[p] - Y0[p]) < 1e-12); /* no activation here lies within rounding of two levels */
    OK(TzNetHasDerivatives(c.net, &has));
    assert_false(has);
    Free(&c);
  }
  assert_true(most[0] < 24 * 16 * 0x1p-29 && most[1] > 1e-4); /* at most a step of each activation times weights below 1 */
  Free(&plain);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(TestLevels),  cmocka_unit_test(TestSameAsHeld),  cmocka_unit_test(TestRandom),
    cmocka_unit_test(TestOutputs), cmocka_unit_test(TestActivations),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 2;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (TzFinalize()) return 2;
  return failed;
}
