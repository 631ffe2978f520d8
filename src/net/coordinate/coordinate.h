/*
  Inside src/net/coordinate/: which parameters a query asks for, and the strategies behind TzNetEvalCoordinates().
*/
#ifndef TZCOORDINATE_H
#define TZCOORDINATE_H

#include <private/tznetimpl.h>

/* Position in the query of the first parameter that is not below i */
static inline PetscInt TzCoordinateFind(const TzNetCoordinates *q, PetscInt i)
{
  PetscInt lo = 0, hi = q->count;

  if (!q->list) return PetscMin(PetscMax(i - q->first, 0), q->count);
  while (lo < hi) {
    const PetscInt mid = (lo + hi) / 2;

    if (q->list[mid] < i) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/* The parameter at position k */
static inline PetscInt TzCoordinateAt(const TzNetCoordinates *q, PetscInt k)
{
  return q->list ? q->list[k] : q->first + k;
}

/* How far the parameter at position k moves */
static inline PetscReal TzCoordinateMove(const TzNetCoordinates *q, PetscInt k, PetscInt s)
{
  return q->move ? q->move[s * q->count + k] : q->mu[s];
}

/* Parameters offset .. offset+n-1 are asked for at the positions k0 .. k1-1 */
static inline PetscBool TzCoordinateOverlap(const TzNetCoordinates *q, PetscInt offset, PetscInt n, PetscInt *k0, PetscInt *k1)
{
  *k0 = TzCoordinateFind(q, offset);
  *k1 = TzCoordinateFind(q, offset + n);
  return *k0 < *k1 ? PETSC_TRUE : PETSC_FALSE;
}

/* bonds: scalar networks through narrow bonds, values or jets of panels of rows, one parameter a call of the sink; parameters behind the first bond */
PETSC_INTERN PetscBool      TzCoordinateFits_Bonds(TzNet, PetscInt *first);
PETSC_INTERN PetscErrorCode TzNetEvalCoordinates_Bonds(TzNetEval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *);
/* hidden: the last two layers (the last hidden and the output layer), of trains or entries, outputs of one row for all parameters a call of the sink */
PETSC_INTERN PetscBool      TzCoordinateFits_Hidden(TzNet);
PETSC_INTERN PetscErrorCode TzNetEvalCoordinates_Hidden(TzNetEval, PetscInt n, const PetscReal X[], const TzNetCoordinates *);

/* dense: matrices, one or two hidden layers, values or jets of some rows, one parameter a call of the sink; all parameters */
PETSC_INTERN PetscErrorCode TzNetEvalCoordinates_Dense(TzNetEval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *);

/* deep: matrices, three or more hidden layers, jets of some rows, one parameter a call of the sink; all parameters */
PETSC_INTERN PetscErrorCode TzNetEvalCoordinates_Deep(TzNetEval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *);

/* held: of networks as hardware: how far what is held moves; parameters that change the levels of others are evaluated by themselves */
PETSC_INTERN PetscErrorCode TzNetEvalCoordinates_Held(TzNetEval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *);

/* layers: several outputs; the last two layers by `hidden`, otherwise the layer of the parameter and those above are evaluated again, one parameter a row */
PETSC_INTERN PetscBool      TzCoordinateFits_Layers(TzNet);
PETSC_INTERN PetscErrorCode TzNetEvalCoordinates_Layers(TzNetEval, PetscInt n, const PetscReal X[], const TzNetCoordinates *);

/* T = cores k0 <= k < k1 multiplied out; of none, the unit matrix of the bond there */
PETSC_INTERN PetscErrorCode TzCoordinateMerge(const TzTrain *, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal T[]);

#endif
