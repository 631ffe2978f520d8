/* An equation, and its loss with network and estimator, from options alone: for tests. */
#ifndef TESTPROBLEM_H
#define TESTPROBLEM_H

#include <tzloss.h>
#include "testloss.h"

/* Three strings of options, the last ones win */
static inline TzLoss test_problem(MPI_Comm comm, const char options[], const char estimator[], const char more[])
{
  const TzJetShape *shape;
  TzPDE             pde;
  TzNet             net;
  TzDeriv           deriv;
  TzLoss            loss;

  PetscCallAbort(comm, PetscOptionsClear(NULL));
  PetscCallAbort(comm, PetscOptionsInsertString(NULL, options));
  PetscCallAbort(comm, PetscOptionsInsertString(NULL, estimator));
  PetscCallAbort(comm, PetscOptionsInsertString(NULL, more));
  PetscCallAbort(comm, TzPDECreate(comm, &pde));
  PetscCallAbort(comm, TzPDESetFromOptions(pde));
  PetscCallAbort(comm, TzPDEGetJetShape(pde, &shape));
  PetscCallAbort(comm, TzNetCreate(comm, &net));
  PetscCallAbort(comm, TzNetSetIO(net, shape->d + (shape->time ? 1 : 0), 1));
  PetscCallAbort(comm, TzNetSetFromOptions(net));
  PetscCallAbort(comm, TzNetSetUp(net));
  PetscCallAbort(comm, TzDerivCreate(comm, &deriv));
  PetscCallAbort(comm, TzDerivSetNet(deriv, net, shape));
  PetscCallAbort(comm, TzDerivSetFromOptions(deriv));
  PetscCallAbort(comm, TzLossCreate(comm, &loss));
  PetscCallAbort(comm, TzLossSetType(loss, TZLOSSRESIDUAL));
  PetscCallAbort(comm, TzLossSetNet(loss, net));
  PetscCallAbort(comm, TzLossSetSeed(loss, 5));
  PetscCallAbort(comm, TzLossSetProblem(loss, pde, deriv));
  PetscCallAbort(comm, TzLossSetFromOptions(loss));
  PetscCallAbort(comm, TzLossSetUp(loss));
  PetscCallAbort(comm, TzNetDestroy(&net));
  PetscCallAbort(comm, TzPDEDestroy(&pde));
  PetscCallAbort(comm, TzDerivDestroy(&deriv));
  return loss;
}

/* Initial parameters [n] of its network; PetscFree() */
static inline PetscReal *test_parameters(TzLoss loss, PetscInt *n)
{
  PetscReal *theta;
  TzNet      net;

  PetscCallAbort(PETSC_COMM_SELF, TzLossGetNumParameters(loss, n));
  PetscCallAbort(PETSC_COMM_SELF, TzLossGetNet(loss, &net));
  PetscCallAbort(PETSC_COMM_SELF, PetscMalloc1(*n, &theta));
  PetscCallAbort(PETSC_COMM_SELF, TzNetInitialize(net, 1, theta));
  return theta;
}

#endif
