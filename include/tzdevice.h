/*
  Models of hardware inside Tenzo: networks whose parameters, activations and values have few bits and are noisy.

    held    = Q(theta), to 2^b - 1 levels around 0: step = s 2^(1-b), s the power of two from max |w| of the group on, so that it rarely changes. A group
              is a core of a train, a matrix, a layer's biases, or all parameters of a shell
    acting  = held (1 + nu xi) or held + nu max |w| xi, and (1 + rho t eta) times that; xi, eta ~ N(0, 1), t: the step
    a       = Q(act(z)) with its own s for each input row of each layer
    f       = f (1 + tau zeta) or f + tau zeta, for each evaluation

  Parameters are changed when they are bound: all evaluations, stencils, derivatives go on as before, gradients are those at the acting parameters taken
  as if by theta (straight through). Activations and values are changed where plain values are made: then there are no derivatives.

  Numbers are drawn by keys: xi of (seed, t, theta, k), zeta of (seed, t, theta, k, x): the same on every rank, and other ones for each parameter vector
  and each repetition k of its evaluation (-zo_repeats), as a device does not repeat its noise (-net_noise_per bind); or without theta and k, common to the
  queries of a step (step); or one pattern for all (once).
*/
#ifndef TZDEVICE_H
#define TZDEVICE_H

#include <tznet.h>

typedef enum { TZ_ROUNDING_NEAREST, TZ_ROUNDING_STOCHASTIC } TzWeightRounding;
typedef enum { TZ_NOISE_MULTIPLICATIVE, TZ_NOISE_ADDITIVE } TzNoiseType;
typedef enum { TZ_NOISE_PER_BIND, TZ_NOISE_PER_STEP, TZ_NOISE_PER_ONCE } TzNoisePer;
PETSC_EXTERN const char *const TzWeightRoundings[], *const TzNoiseTypes[], *const TzNoisePers[]; /* for PetscOptionsEnum */

typedef struct {
  PetscInt         weightbits, activationbits; /* -net_weight_bits, -net_activation_bits: 2 to 32; 0: as they are */
  TzWeightRounding rounding;                   /* -net_rounding: of the weights */
  PetscReal        weightnoise, valuenoise;    /* -net_noise_weight nu, -net_noise_value tau */
  PetscReal        drift;                      /* -net_noise_drift rho */
  TzNoiseType      type;                       /* -net_noise_type */
  TzNoisePer       per;                        /* -net_noise_per */
} TzDeviceModel;

/* Before TzNetSetUp(); collective */
PETSC_EXTERN PetscErrorCode TzNetSetDeviceModel(TzNet net, const TzDeviceModel *model);
PETSC_EXTERN PetscErrorCode TzNetGetDeviceModel(TzNet net, TzDeviceModel *model);
/* t of the noise and the drift, the number of steps done: TzLossSample() and validations set it. Evaluators have it from TzNetEvalBind() on */
PETSC_EXTERN PetscErrorCode TzNetSetTime(TzNet net, PetscInt t);
PETSC_EXTERN PetscErrorCode TzNetGetTime(TzNet net, PetscInt *t);
/* Evaluations of one parameter vector at one time that are repeated (k = 0, 1 ...) have other noise than the first; so has TzQueries.repeat. As the time */
PETSC_EXTERN PetscErrorCode TzNetSetRepeat(TzNet net, PetscInt k);
/* The step of the levels that each parameter has at theta, step [nparams]; 0: it is not quantised */
PETSC_EXTERN PetscErrorCode TzNetGetWeightSteps(TzNet net, const PetscReal theta[], PetscReal step[]);

#endif
