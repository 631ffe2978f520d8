/*
  Losses that are noisy or have steps: the length of differences from the noise that is measured (-zo_mu auto), a length below the distance of the
  levels of quantised parameters, and parameters that are levels themselves (-zo_integer).

  ECNoise (More and Wild, Estimating computational noise, SIAM J. Sci. Comput. 33, 2011): differences of order k of values at equal distances along a
  line, T_k, lose the function and keep the noise, of variance gamma_k E[T_k^2], gamma_k = (k!)^2 / (2k)!. With the second derivative along the line
  the forward difference of least error has the length 8^(1/4) sqrt(noise / |f''|) (the same, Estimating derivatives of noisy simulations, ACM TOMS 38, 2012).
*/
#include <private/tzzoimpl.h>

#define VALUES TZ_ZO_LINE
#define LINE   1000000 /* number of its direction: no query of a step has it */

/* f[n]: losses at theta + t[i] xi */
static PetscErrorCode Along(Tao tao, PetscInt n, const PetscReal t[], PetscReal f[])
{
  TAO_ZO *zo = (TAO_ZO *)tao->data;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    TzQueries q = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = t[i], .first = LINE, .n = 1, .step = (PetscInt)zo->state.step};

    PetscCall(TzLossGetSeed(zo->loss, &q.seed));
    PetscCall(TzLossEvaluate(zo->loss, zo->theta, &q, NULL, &f[i], NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal TzZONoise(const PetscReal f[TZ_ZO_LINE])
{
  PetscReal T[VALUES], s[VALUES] = {0}, gamma = 1, lo = f[0], hi = f[0];
  PetscInt  equal = 0, sign[VALUES] = {0};

  for (PetscInt i = 0; i < VALUES; i++) {
    T[i] = f[i];
    lo   = PetscMin(lo, f[i]);
    hi   = PetscMax(hi, f[i]);
    equal += i && f[i] == f[i - 1];
  }
  if (2 * equal >= VALUES - 1) return -1;
  if (hi - lo > 0.1 * PetscMax(PetscAbsReal(lo), PetscAbsReal(hi))) return -2;
  for (PetscInt k = 1; k < VALUES - 1; k++) {
    PetscBool up = PETSC_FALSE, down = PETSC_FALSE;

    gamma *= (PetscReal)k / (2 * (2 * k - 1));
    for (PetscInt i = 0; i + k < VALUES; i++) {
      T[i] = T[i + 1] - T[i];
      s[k] += T[i] * T[i];
      if (T[i] > 0) up = PETSC_TRUE;
      if (T[i] < 0) down = PETSC_TRUE;
    }
    s[k]    = PetscSqrtReal(gamma * s[k] / (VALUES - k));
    sign[k] = up && down;
  }
  for (PetscInt k = 1; k + 2 < VALUES - 1; k++)
    if (sign[k] && PetscMax(s[k], PetscMax(s[k + 1], s[k + 2])) <= 4 * PetscMin(s[k], PetscMin(s[k + 1], s[k + 2]))) return s[k];
  return -2;
}

/* The size of the second derivative along the line at f0, from differences that are well above the noise; 0: there are none */
static PetscErrorCode Curvature(Tao tao, PetscReal f0, PetscReal noise, PetscReal *curvature)
{
  PetscReal h = PetscSqrtReal(PetscSqrtReal(noise));

  PetscFunctionBegin;
  *curvature = 0;
  for (int i = 0; i < 3 && !(*curvature > 0); i++, h *= 10) {
    PetscReal f[2], second;

    PetscCall(Along(tao, 2, (PetscReal[]){h, -h}, f));
    second = PetscAbsReal(f[0] - 2 * f0 + f[1]);
    if (second >= 100 * noise) *curvature = second / (h * h);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* zo->state.noise and .mu, from 11 losses as a rule; mu stays at the phase's where the noise cannot be told */
static PetscErrorCode Measure(Tao tao, TzZOPhase *phase)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  PetscReal h = 1e-6, f[VALUES], t[VALUES], noise = -1, curvature = 0;
  PetscInt  N;

  PetscFunctionBegin;
  for (int tries = 0; tries < 4 && noise < 0; tries++) {
    for (PetscInt i = 0; i < VALUES; i++) t[i] = i * h;
    PetscCall(Along(tao, VALUES, t, f));
    noise = TzZONoise(f);
    h *= noise == -1 ? 100 : 0.01;
  }
  if (noise > 0) PetscCall(Curvature(tao, f[0], noise, &curvature));
  PetscCall(VecGetSize(tao->solution, &N));
  if (phase->direction == TZ_DIRECTION_COORDINATE) curvature /= N; /* xi is about sqrt(N) long, a unit vector 1 */
  zo->state.noise = PetscMax(noise, 0);
  zo->state.mu    = phase->mu;
  noise /= PetscSqrtReal(PetscMax(1, phase->repeats)); /* of a mean */
  if (curvature > 0) zo->state.mu = PetscMin(1, PetscMax(1e-9, PetscPowReal(8, 0.25) * PetscSqrtReal(noise / curvature)));
  else
    PetscCall(PetscFPrintf(PetscObjectComm((PetscObject)tao), stderr, "tenzo: warning: %s auto: the loss shows no %s along its line: %g is kept\n",
                           TzZOOption(phase, "mu"), noise > 0 ? "curvature above its noise" : "noise", (double)phase->mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mean distance of the levels of quantised parameters; 0: they have none. zo->levels [parameters] is filled */
static PetscErrorCode GetLevels(Tao tao, PetscReal *mean)
{
  TAO_ZO  *zo = (TAO_ZO *)tao->data;
  PetscInt N;

  PetscFunctionBegin;
  PetscCall(VecGetSize(tao->solution, &N));
  if (!zo->levels) PetscCall(PetscMalloc1(N, &zo->levels));
  PetscCall(TzLossGetWeightSteps(zo->loss, zo->theta, zo->levels));
  *mean = 0;
  for (PetscInt i = 0; i < N; i++) *mean += zo->levels[i] / N;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzZOPrepareMu(Tao tao, TzZOPhase *phase)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  PetscReal levels;

  PetscFunctionBegin;
  if (!(phase->mu > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (phase->automatic && !(zo->state.mu > 0)) {
    PetscCall(Measure(tao, phase));
    PetscCall(GetLevels(tao, &levels));
    zo->state.mu = PetscMax(zo->state.mu, levels);
  }
  if (phase->automatic) phase->mu = zo->state.mu;
  if (phase->looked) PetscFunctionReturn(PETSC_SUCCESS);
  phase->looked = PETSC_TRUE;
  PetscCall(GetLevels(tao, &levels));
  if (phase->mu < levels)
    PetscCall(
      PetscFPrintf(PetscObjectComm((PetscObject)tao), stderr,
                   "tenzo: warning: %s %g: is below the distance of the levels that the network holds (-net_weight_bits), %.2g in the mean: few parameters "
                   "will move\n",
                   TzZOOption(phase, "mu"), (double)phase->mu, (double)levels));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzZORoundToLevels(Tao tao, PetscInt n, PetscReal x[])
{
  TAO_ZO    *zo = (TAO_ZO *)tao->data;
  PetscReal  mean, *u;
  PetscInt64 seed;
  PetscInt   lo;

  PetscFunctionBegin;
  if (!zo->integer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GetLevels(tao, &mean));
  PetscCheck(mean > 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT, "-zo_integer: needs a network whose parameters have levels (-net_weight_bits)");
  PetscCall(VecGetOwnershipRange(tao->solution, &lo, NULL));
  PetscCall(TzLossGetSeed(zo->loss, &seed));
  PetscCall(PetscMalloc1(n, &u));
  PetscCall(TzRandomUniform(seed, TZ_STREAM_UPDATE, (PetscInt)zo->state.step, 0, lo, n, u));
  for (PetscInt i = 0; i < n; i++)
    if (zo->levels[lo + i] > 0) x[i] = zo->levels[lo + i] * PetscFloorReal(x[i] / zo->levels[lo + i] + u[i]);
  PetscCall(PetscFree(u));
  PetscFunctionReturn(PETSC_SUCCESS);
}
