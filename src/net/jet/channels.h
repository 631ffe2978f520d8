/*
  Between channels.c, jet_channels.c and adjoint_channels.c: forward propagation where there are no narrow bonds, some points (a batch) at a time.

  With z = W a + b and the derivatives of a in some directions y_0 [K], a layer is
      a = act(z),  a_k = act' z_k,  a_S = act' z_S + act'' Q,  Q = sum_kl M_kl z_k z_l,
  M the form S seen from y_0. Directions are the sides of the first matrix:
      inputs   y_0 = x, M = S; the derivatives of layer 1 are the rows of W_1
      units    y_0 = W_1 x, one direction a unit of layer 1, M = W_1 S W_1' made once per parameter vector: a layer has a bond as wide as its matrix is
               high. Derivatives of layer 1 are the unit matrix, so those of layer 2 are W_2 with scaled columns, without a product, and no cost beyond the
               first layer depends on the number of inputs. With one hidden layer S may be a diagonal that depends on the point: M_kk = sum_i W_ki^2 S_ii.

  Arrays, P points in a batch:
      values and forms   [feature][V][P], V = 1 + nforms: columns of the operators
      derivatives        [feature][P][K]: columns as well, and rows (feature, point) for products with M
*/
#ifndef TZCHANNELS_H
#define TZCHANNELS_H

#include "jet.h"

/* What a layer leaves for its adjoint. Of the output layer there are z and Z alone; of the first no a, A but the points. */
typedef struct {
  PetscReal *a, *A;  /* its input: [in][V][P], [in][P][K]; A of the first layer, and of the second for units, is not made */
  PetscReal *z, *Z;  /* pre-activations [out][V][P], [out][P][K]; Z of the first layer for units is not made */
  PetscReal *y, *Y;  /* what the operator leaves: [ny][V][P], [ny][P][K] */
  PetscReal *act[4]; /* act .. act''' [out][P] */
  PetscReal *T, *Q;  /* [nforms][out][P][K], [nforms][out][P]: Z M and Q */
  PetscReal *bar;    /* of the operator: its own, or a place in a gradient */
} TzChannelLayer;

typedef struct {
  PetscInt          serial, id; /* the binding and the shape of what is below */
  PetscInt          K, P, V, J; /* most points of a batch; numbers of a jet */
  PetscBool         units;
  PetscInt          spread; /* inputs: points for which Z of the first layer is laid out */
  const TzJetShape *shape;  /* of the call */
  TzOperator        op[TZ_MAX_LAYERS + 1];
  TzChannelLayer    layer[TZ_MAX_LAYERS + 1];
  PetscReal        *M, *SW; /* units: [nforms][K][K], [nforms][K][in] = W_1 S; of a field no M, and SW [in][K] the squares of W_1' */
  PetscReal        *slope;  /* units: act' of the first layer, [P][K]; scratch before */
  PetscReal        *work;   /* of TzFormRows() */
} TzChannels;

/* Bound; inputs: these as directions, otherwise those that cost less */
PETSC_INTERN PetscErrorCode TzChannelsGet(TzNetEval, const TzJetShape *, PetscBool inputs, TzChannels **);
/* Points p < P <= c->P at X [P][in] with their fields F: fills the layers */
PETSC_INTERN void TzChannelsForward(TzNetEval, TzChannels *, PetscInt P, const PetscReal X[], const PetscReal F[]);
/* Units h0 <= h < h1 of hidden layer l: z, Z -> act, T, Q and what they give the next layer */
PETSC_INTERN void TzChannelsActivate(TzNetEval, TzChannels *, PetscInt l, PetscInt h0, PetscInt h1, PetscInt P, const PetscReal F[]);
/* From z, Z of layer l on: fills what is behind them */
PETSC_INTERN void TzChannelsFrom(TzNetEval, TzChannels *, PetscInt l, PetscInt P, const PetscReal F[]);
/* jet [P][J] of the layers as they are */
PETSC_INTERN void TzChannelsJets(TzNetEval, const TzChannels *, PetscInt P, PetscReal jet[]);

#endif
