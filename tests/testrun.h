/* A Tao on a loss for tests (testloss.h), from options: its solution, the checksum of its history. */
#ifndef TESTRUN_H
#define TESTRUN_H

#include <tzzo.h>
#include "testloss.h"

typedef struct {
  Tao      tao;
  TzLoss   loss;
  Vec      x;
  uint64_t hash; /* of what monitors saw */
} TestRun;

/* Starts at test_start(); the type is an argument, for some of TAO's are refused as an option */
static inline TestRun test_run_open(MPI_Comm comm, TestLoss shape, const char type[], const char options[])
{
  TestRun    run = {.hash = TEST_CHECKSUM};
  PetscReal *start, *x;
  PetscInt   i0, i1;

  PetscCallAbort(comm, PetscOptionsClear(NULL));
  PetscCallAbort(comm, PetscOptionsInsertString(NULL, options));
  run.loss = test_loss(comm, shape, PETSC_FALSE);
  PetscCallAbort(comm, TaoCreate(comm, &run.tao));
  PetscCallAbort(comm, TaoSetType(run.tao, type));
  PetscCallAbort(comm, TaoZOSetLoss(run.tao, run.loss));
  PetscCallAbort(comm, TaoSetFromOptions(run.tao));
  PetscCallAbort(comm, TaoZOCreateSolution(run.tao, &run.x));
  PetscCallAbort(comm, VecGetOwnershipRange(run.x, &i0, &i1));
  PetscCallAbort(comm, PetscMalloc1(shape.n, &start));
  test_start(shape.n, start);
  PetscCallAbort(comm, VecGetArray(run.x, &x));
  PetscCallAbort(comm, PetscArraycpy(x, start + i0, i1 - i0));
  PetscCallAbort(comm, VecRestoreArray(run.x, &x));
  PetscCallAbort(comm, PetscFree(start));
  PetscCallAbort(comm, TaoSetSolution(run.tao, run.x));
  return run;
}

static inline void test_run_close(TestRun *run)
{
  PetscCallAbort(PETSC_COMM_SELF, TaoDestroy(&run->tao));
  PetscCallAbort(PETSC_COMM_SELF, TzLossDestroy(&run->loss));
  PetscCallAbort(PETSC_COMM_SELF, VecDestroy(&run->x));
}

/* all: the whole vector on every rank */
static inline void test_whole(Vec x, PetscReal all[])
{
  VecScatter       scatter;
  Vec              local;
  const PetscReal *array;
  PetscInt         n;
  MPI_Comm         comm = PetscObjectComm((PetscObject)x);

  PetscCallAbort(comm, VecScatterCreateToAll(x, &scatter, &local));
  PetscCallAbort(comm, VecScatterBegin(scatter, x, local, INSERT_VALUES, SCATTER_FORWARD));
  PetscCallAbort(comm, VecScatterEnd(scatter, x, local, INSERT_VALUES, SCATTER_FORWARD));
  PetscCallAbort(comm, VecGetSize(x, &n));
  PetscCallAbort(comm, VecGetArrayRead(local, &array));
  PetscCallAbort(comm, PetscArraycpy(all, array, n));
  PetscCallAbort(comm, VecRestoreArrayRead(local, &array));
  PetscCallAbort(comm, VecScatterDestroy(&scatter));
  PetscCallAbort(comm, VecDestroy(&local));
}

/* Objective, norm and learning rate of every step go into the checksum */
static inline PetscErrorCode TestWatch(Tao tao, void *ctx)
{
  uint64_t *hash = (uint64_t *)ctx;
  PetscReal f[3] = {0, 0, 0};
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(TaoGetSolutionStatus(tao, NULL, &f[0], &f[1], NULL, NULL, NULL));
  PetscCall(TaoZOIs(tao, &is));
  if (is) PetscCall(TaoZOGetLearningRate(tao, &f[2]));
  *hash = test_checksum(*hash, 3, f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The checksum of the history and the result */
static inline uint64_t test_run_solve(TestRun *run, PetscInt steps)
{
  MPI_Comm   comm = PetscObjectComm((PetscObject)run->tao);
  PetscReal *x;
  PetscInt   n;
  uint64_t   hash;

  PetscCallAbort(comm, TaoSetMaximumIterations(run->tao, steps));
  PetscCallAbort(comm, TaoMonitorSet(run->tao, TestWatch, &run->hash, NULL));
  PetscCallAbort(comm, TaoSolve(run->tao));
  PetscCallAbort(comm, VecGetSize(run->x, &n));
  PetscCallAbort(comm, PetscMalloc1(n, &x));
  test_whole(run->x, x);
  hash = test_checksum(run->hash, n, x);
  PetscCallAbort(comm, PetscFree(x));
  return hash;
}

#endif
