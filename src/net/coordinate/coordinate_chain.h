/*
  Inside src/net/: z = W a under a change of one entry of one core. W is linear in each core, so with output index j = (jl, jk, jr)
  around core k and an entry (a, jk, i, b) of it,

    z(jl, jk, jr) changes by delta T_k(a, i, b; jl, jr),   T_k = sum over the inputs of left product x right product x input,

  for all jl, jr, and no other z does; T_k does not depend on jk. Two ways to T_k, chosen for each core:
    from the right  (cores behind k contracted with the input, then the merged cores before k):  T [jl][a][jr][(i, b)]
    from the left   (cores before k contracted with the input, then the merged cores behind k):  T [b][jr][jl][(a, i)]
*/
#ifndef TZCOORDINATECHAIN_H
#define TZCOORDINATECHAIN_H

#include "coordinate.h"

/*
  The entries of core k at one jk come in `groups` that share their rows of T: the row (jl, jr) of group g is at
  g * group + jl * left + jr * right, and its column c * n1 + d (of `width`) belongs to the parameter
  offset + g * gstep + jk * jstep + c * cstep + d * dstep.
*/
typedef struct {
  TzCore     core;
  PetscBool  fromright;
  PetscInt   ml, mr, nl, nr; /* products of the output and input modes before (l) and behind (r) the core */
  PetscInt   groups, width, group, left, right;
  PetscInt   wide; /* width rounded up to whole vectors; T may be read that far beyond its end */
  PetscInt   n1, gstep, jstep, cstep, dstep;
  PetscReal *Gr;     /* [(i, b)][(j, a)]: for the chain from the right */
  PetscReal *Gl;     /* [(a, i)][(j, b)]: from the left */
  PetscReal *merged; /* from the right [(jl, a)][il], from the left [(b, jr)][ir]; NULL where it is the number 1 */
} TzCoreMap;

typedef struct {
  const TzTrain *train;
  PetscInt       in;
  PetscBool      fromright; /* whether any core is */
  TzCoreMap      map[TZ_MAX_CORES];
  PetscReal     *chain, *swap, *T; /* scratch of one input */
} TzChain;

PETSC_INTERN PetscBool      TzChainFits(const TzTrain *); /* whether PetscInt counts its arrays */
PETSC_INTERN PetscErrorCode TzChainCreate(const TzLayer *, const TzTrain *, TzChain **);
PETSC_INTERN PetscErrorCode TzChainDestroy(TzChain **);
PETSC_INTERN PetscErrorCode TzChainBind(TzChain *, const PetscReal theta[]);
/*
  For the input x[in]: calls use(context, map, T) for every core that has parameters in first <= i < last
*/
typedef PetscErrorCode (*TzChainUse)(void *context, const TzCoreMap *, const PetscReal T[]);
PETSC_INTERN PetscErrorCode TzChainApply(TzChain *, const PetscReal x[], PetscInt first, PetscInt last, TzChainUse use, void *context);

#endif
