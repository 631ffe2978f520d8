/* For the tests of classification: a small set of 7 x 7 images under `dir`, and a loss on it. */
#ifndef CLASSIFYCASE_H
#define CLASSIFYCASE_H

#include "idxwrite.h"
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define ok(call) assert_int_equal((call), 0)
#define SIDE     7
#define NTRAIN   330u
#define NTEST    70u

static char dir[64];

typedef struct {
  TzLoss     loss;
  TzNet      net;
  PetscInt   n, steps; /* parameters; steps of an epoch */
  PetscReal *theta, *grad;
} Case;

static inline void Open(Case *c, MPI_Comm comm, const char net[], const char more[])
{
  PetscInt in, out;

  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsSetValue(NULL, "-mnist_dir", dir));
  ok(PetscOptionsInsertString(NULL, "-loss_batch 13 -loss_block 5"));
  ok(PetscOptionsInsertString(NULL, net));
  ok(PetscOptionsInsertString(NULL, more));
  ok(TzLossCreate(comm, &c->loss));
  ok(TzLossSetType(c->loss, TZLOSSCROSSENTROPY));
  ok(TzLossSetSeed(c->loss, 11));
  ok(TzLossSetFromOptions(c->loss));
  ok(TzLossCrossEntropyGetSizes(c->loss, &in, &out, &c->steps));
  ok(TzNetCreate(comm, &c->net));
  ok(TzNetSetIO(c->net, in, out));
  ok(TzNetSetFromOptions(c->net));
  ok(TzLossSetNet(c->loss, c->net));
  ok(TzLossSetUp(c->loss));
  ok(TzLossGetNumParameters(c->loss, &c->n));
  ok(PetscMalloc2(c->n, &c->theta, c->n, &c->grad));
  ok(TzNetInitialize(c->net, 3, c->theta));
  ok(TzLossSample(c->loss, 2));
}

static inline void Close(Case *c)
{
  ok(PetscFree2(c->theta, c->grad));
  ok(TzNetDestroy(&c->net));
  ok(TzLossDestroy(&c->loss));
}

/* On all ranks, so that no rank waits for one that failed */
static inline void AssertAll(int good, const char what[])
{
  ok(MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  if (!good) ok(PetscPrintf(PETSC_COMM_WORLD, "failed: %s\n", what));
  assert_true(good);
}

static inline int Setup(void **state)
{
  PetscMPIInt rank;

  (void)state;
  if (MPI_Comm_rank(PETSC_COMM_WORLD, &rank)) return 1;
  strcpy(dir, "/tmp/tzclassXXXXXX");
  if (!rank && (!mkdtemp(dir) || IdxWriteBars(dir, "train", NTRAIN, SIDE) || IdxWriteBars(dir, "t10k", NTEST, SIDE))) return 1;
  return MPI_Bcast(dir, sizeof(dir), MPI_CHAR, 0, PETSC_COMM_WORLD);
}

static inline int Teardown(void **state)
{
  PetscMPIInt rank;

  (void)state;
  if (MPI_Comm_rank(PETSC_COMM_WORLD, &rank)) return 1;
  return rank ? 0 : (int)PetscRMTree(dir);
}

#endif
