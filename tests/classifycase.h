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
  ok(PetscOptionsClear(NULL));
  ok(PetscOptionsSetValue(NULL, "-mnist_dir", dir));
  ok(PetscOptionsInsertString(NULL, "-loss_batch 13 -loss_block 5"));
  ok(PetscOptionsInsertString(NULL, net));
  ok(PetscOptionsInsertString(NULL, more));
  if (strstr(net, "-net_tokens")) {
    char text[256];

    ok(PetscSNPrintf(text, sizeof(text), "-tokens_train %s/train.txt -tokens_test %s/t10k.txt", dir, dir));
    ok(PetscOptionsInsertString(NULL, text));
  }
  ok(TzLossCreate(comm, &c->loss));
  ok(TzLossSetType(c->loss, TZLOSSCROSSENTROPY));
  ok(TzLossSetSeed(c->loss, 11));
  ok(TzLossSetFromOptions(c->loss));
  ok(TzLossCrossEntropyGetSizes(c->loss, NULL, NULL, &c->steps));
  ok(TzNetCreate(comm, &c->net));
  ok(TzLossCrossEntropySetNetInputs(c->loss, c->net));
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

/* n lists of 2 to 6 of 60 tokens, of which those of label i % 10 are more often near 6 i */
static inline int WriteTokens(const char name[], unsigned n)
{
  char  path[256];
  FILE *f;

  (void)snprintf(path, sizeof(path), "%s/%s.txt", dir, name);
  f = fopen(path, "w");
  if (!f) return 1;
  (void)fprintf(f, "# label, tokens\n");
  for (unsigned i = 0; i < n; i++) {
    (void)fprintf(f, "%u\t%u", i % 10, i % 7 * 8);
    for (unsigned k = 0; k <= i / 3 % 5; k++) (void)fprintf(f, k % 2 ? " %u" : ", %u", (6 * (i % 10) + (i * (k + 3) + k * k) % 7) % 60);
    (void)fprintf(f, "\n");
  }
  return fclose(f);
}

static inline int Setup(void **state)
{
  PetscMPIInt rank;

  (void)state;
  if (MPI_Comm_rank(PETSC_COMM_WORLD, &rank)) return 1;
  strcpy(dir, "/tmp/tzclassXXXXXX");
  if (!rank && (!mkdtemp(dir) || IdxWriteBars(dir, "train", NTRAIN, SIDE) || IdxWriteBars(dir, "t10k", NTEST, SIDE))) return 1;
  if (!rank && (WriteTokens("train", NTRAIN) || WriteTokens("t10k", NTEST))) return 1;
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
