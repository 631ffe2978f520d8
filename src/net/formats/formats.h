/*
  Inside src/net/formats/: the rows of the table in net.c, and what trains share.
*/
#ifndef TZFORMATS_H
#define TZFORMATS_H

#include <private/tznetimpl.h>

PETSC_INTERN const TzFormatOps TzFormat_Dense, TzFormat_TT, TzFormat_TTM, TzFormat_Sparse, TzFormat_MZI, TzFormat_MZITT, TzFormat_MZITTM;

/* data of a layer that is a train of modes: tt, ttm */
typedef struct {
  TzTrain  train;
  PetscInt r, nin, nout;          /* largest rank; numbers of input and output modes */
  PetscInt mode_in[TZ_MAX_CORES]; /* product: in */
  PetscInt mode_out[TZ_MAX_CORES];
  PetscInt rank[TZ_MAX_CORES + 1];
} TzTrainLayer;

/* modes.c: reads or chooses the modes of layer l into new data; matrix: as many input as output modes */
PETSC_INTERN PetscErrorCode TzModesCreate(TzNet, PetscInt l, TzLayer *, PetscBool matrix);
PETSC_INTERN PetscErrorCode TzModesDestroy(TzLayer *);
PETSC_INTERN PetscErrorCode TzModesView(const TzLayer *, PetscViewer);
PETSC_INTERN void           TzModesDescribe(const TzLayer *, TzNetLayout *);

/* -net_tt_bonds: rank [ncores + 1] of layer l */
PETSC_INTERN PetscErrorCode TzBondsParse(TzNet, PetscInt l, const TzLayer *, PetscInt ncores, PetscInt rank[]);
/* The ranks of one train more, as TzBondsParse() reads them; first: it is the first one */
PETSC_INTERN PetscErrorCode TzBondsAppend(PetscBool first, PetscInt ncores, const PetscInt rank[], size_t len, char text[]);

/* train.c: cores with all inner ranks r, or those of -net_tt_bonds; m[k], n[k]: output and input mode */
PETSC_INTERN PetscErrorCode      TzTrainLayout(TzNet, PetscInt l, TzLayer *, PetscInt r, PetscInt ncores, const PetscInt m[], const PetscInt n[]);
PETSC_INTERN PetscErrorCode      TzTrainCheck(TzNet, PetscInt l, const TzLayer *); /* whether the operator fits: train_operator.c */
PETSC_INTERN PetscReal           TzTrainDeviation(const TzLayer *);
PETSC_INTERN PetscErrorCode      TzTrainDensify(const TzLayer *, const PetscReal theta[], PetscReal W[]);
PETSC_INTERN PetscErrorCode      TzTrainGradient(const TzLayer *, const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode      TzTrainBond(const TzLayer *, const PetscReal theta[], PetscReal left[], PetscReal right[]);
PETSC_INTERN PetscErrorCode      TzTrainBondGradient(const TzLayer *, const PetscReal theta[], const PetscReal leftbar[], const PetscReal rightbar[],
                                                     PetscReal grad[]);
PETSC_INTERN PetscReal           TzTrainCost(const TzLayer *);
PETSC_INTERN void                TzTrainCut(const TzLayer *, TzCut *);
PETSC_INTERN const TzOperatorOps TzOperator_Train;       /* train_operator.c */
PETSC_INTERN const TzOperatorOps TzOperator_TrainLookup; /* train_lookup.c */

static inline const TzTrain *TzLayerGetTrain(const TzLayer *layer)
{
  return &((const TzTrainLayer *)layer->data)->train;
}

#endif
