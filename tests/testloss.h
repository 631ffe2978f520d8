/*
  A loss for tests, type "test": mean over samples i of (s_i + sin(c_i) - y_i)^2 (smooth), of (s_i - y_i)^2 (quadratic), or of s_i (linear),
  s_i = a_i . theta, c_i = b_i . theta, with random a, b, y of each step. The products are cut into blocks of parameters, which play the part of
  nodes. Its gradient is known in closed form.
*/
#ifndef TESTLOSS_H
#define TESTLOSS_H

#include <private/tzlossimpl.h>

typedef enum { TEST_LINEAR, TEST_QUADRATIC, TEST_SMOOTH } TestKind;

typedef struct {
  TestKind   kind;
  PetscInt   n, samples, block, nodeblocks;
  PetscBool  fixed;     /* the same sample in every step */
  PetscReal  poison;    /* a parameter above this makes the loss NaN; 0: none does */
  PetscInt   gradients; /* calls of the exact gradient */
  PetscReal *a, *b, *y, *theta;
} TestLoss;

static PetscErrorCode TestSetUp(TzLoss loss)
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  loss->nparams     = t->n;
  loss->nsamples    = t->samples;
  loss->blocksize   = t->block;
  loss->nodeblocks  = t->nodeblocks;
  loss->partialsize = 2;
  loss->forwards    = 7;
  PetscCall(PetscFree4(t->a, t->b, t->y, t->theta));
  PetscCall(PetscMalloc4(t->n * t->samples, &t->a, t->n * t->samples, &t->b, t->samples, &t->y, t->n, &t->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSample(TzLoss loss, PetscInt step)
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  if (t->fixed) step = 0;
  PetscCall(TzRandomNormal(loss->seed, TZ_STREAM_POINTS, step, 0, 0, t->n * t->samples, t->a));
  PetscCall(TzRandomNormal(loss->seed, TZ_STREAM_POINTS, step, 1, 0, t->n * t->samples, t->b));
  PetscCall(TzRandomNormal(loss->seed, TZ_STREAM_POINTS, step, 2, 0, t->samples, t->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBind(TzLoss loss, const PetscReal theta[])
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(t->theta, theta, t->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPartial(TzLoss loss, PetscInt i0, PetscInt i1, PetscInt k, PetscReal partial[])
{
  TestLoss      *t  = (TestLoss *)loss->data;
  const PetscInt j0 = t->n * k / t->nodeblocks, j1 = t->n * (k + 1) / t->nodeblocks;

  PetscFunctionBegin;
  for (PetscInt i = i0; i < i1; i++) {
    PetscReal s = 0, c = 0;

    for (PetscInt j = j0; j < j1; j++) {
      s += t->a[i * t->n + j] * t->theta[j];
      c += t->b[i * t->n + j] * t->theta[j];
      if (t->poison && t->theta[j] > t->poison) s = NAN;
    }
    partial[2 * (i - i0)]     = s;
    partial[2 * (i - i0) + 1] = c;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestResidual(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal partial[], PetscReal r[])
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < i1 - i0; i++) r[i] = partial[2 * i] - t->y[i0 + i] + (t->kind == TEST_SMOOTH ? PetscSinReal(partial[2 * i + 1]) : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFinish(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal partial[], PetscReal term[])
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  PetscCall(TestResidual(loss, i0, i1, partial, term));
  for (PetscInt i = 0; i < i1 - i0; i++) term[i] = t->kind == TEST_LINEAR ? partial[2 * i] : term[i] * term[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One coordinate after the other, in the order of sums that the general path has */
static PetscErrorCode TestCoordinates(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal blocksums[])
{
  TestLoss  *t = (TestLoss *)loss->data;
  PetscReal *sum, *partial, *term, *x;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(2 * (i1 - i0), &sum, 2 * (i1 - i0), &partial, i1 - i0, &term, t->n, &x));
  PetscCall(PetscArraycpy(x, theta, t->n));
  for (PetscInt v = 0; v < q->n * (q->twosided ? 2 : 1); v++) {
    const PetscInt j = q->first + (q->twosided ? v / 2 : v);

    x[j] = theta[j] + (q->twosided && v % 2 ? -q->mu : q->mu);
    PetscCall(TestBind(loss, x));
    PetscCall(TestPartial(loss, i0, i1, 0, sum));
    for (PetscInt k = 1; k < t->nodeblocks; k++) {
      PetscCall(TestPartial(loss, i0, i1, k, partial));
      for (PetscInt i = 0; i < 2 * (i1 - i0); i++) sum[i] += partial[i];
    }
    PetscCall(TestFinish(loss, i0, i1, sum, term));
    for (PetscInt b = i0; b < i1; b += t->block, blocksums++) {
      *blocksums = 0;
      for (PetscInt i = b; i < PetscMin(b + t->block, i1); i++) *blocksums += term[i - i0];
    }
    x[j] = theta[j];
  }
  PetscCall(PetscFree4(sum, partial, term, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sum of the terms of samples i0 <= i < i1, and of their gradients, added to g[n] */
static PetscErrorCode TestGradient(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal *sum, PetscReal g[])
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  t->gradients++;
  *sum = 0;
  for (PetscInt i = i0; i < i1; i++) {
    const PetscReal *a = t->a + i * t->n, *b = t->b + i * t->n;
    PetscReal        s = 0, c = 0, r;

    for (PetscInt j = 0; j < t->n; j++) {
      s += a[j] * t->theta[j];
      c += b[j] * t->theta[j];
      if (t->poison && t->theta[j] > t->poison) s = NAN;
    }
    r = s - t->y[i] + (t->kind == TEST_SMOOTH ? PetscSinReal(c) : 0);
    *sum += t->kind == TEST_LINEAR ? s : r * r;
    for (PetscInt j = 0; j < t->n; j++) g[j] += t->kind == TEST_LINEAR ? a[j] : 2 * r * (a[j] + (t->kind == TEST_SMOOTH ? PetscCosReal(c) * b[j] : 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestJacobian(TzLoss loss, PetscInt i0, PetscInt i1, PetscReal res[], PetscReal J[])
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  t->gradients++;
  for (PetscInt i = i0; i < i1; i++) {
    const PetscReal *a = t->a + i * t->n, *b = t->b + i * t->n;
    PetscReal        s = 0, c = 0;

    for (PetscInt j = 0; j < t->n; j++) {
      s += a[j] * t->theta[j];
      c += b[j] * t->theta[j];
      if (t->poison && t->theta[j] > t->poison) s = NAN;
    }
    res[i - i0] = s - t->y[i] + (t->kind == TEST_SMOOTH ? PetscSinReal(c) : 0);
    for (PetscInt j = 0; j < t->n; j++) J[(i - i0) * t->n + j] = a[j] + (t->kind == TEST_SMOOTH ? PetscCosReal(c) * b[j] : 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One coordinate after the other */
static PetscErrorCode TestCoordinateResiduals(TzLoss loss, const PetscReal theta[], const TzQueries *q, PetscInt i0, PetscInt i1, PetscReal r[])
{
  TestLoss  *t = (TestLoss *)loss->data;
  PetscReal *sum, *partial, *x;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(2 * (i1 - i0), &sum, 2 * (i1 - i0), &partial, t->n, &x));
  PetscCall(PetscArraycpy(x, theta, t->n));
  for (PetscInt v = 0; v < q->n * (q->twosided ? 2 : 1); v++, r += i1 - i0) {
    const PetscInt j = q->first + (q->twosided ? v / 2 : v);

    x[j] = theta[j] + (q->twosided && v % 2 ? -q->mu : q->mu);
    PetscCall(TestBind(loss, x));
    PetscCall(TestPartial(loss, i0, i1, 0, sum));
    for (PetscInt k = 1; k < t->nodeblocks; k++) {
      PetscCall(TestPartial(loss, i0, i1, k, partial));
      for (PetscInt i = 0; i < 2 * (i1 - i0); i++) sum[i] += partial[i];
    }
    PetscCall(TestResidual(loss, i0, i1, sum, r));
    x[j] = theta[j];
  }
  PetscCall(PetscFree3(sum, partial, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDestroy(TzLoss loss)
{
  TestLoss *t = (TestLoss *)loss->data;

  PetscFunctionBegin;
  PetscCall(PetscFree4(t->a, t->b, t->y, t->theta));
  PetscCall(PetscFree(loss->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCreate(TzLoss loss)
{
  PetscFunctionBegin;
  loss->data          = NULL;
  loss->ops->setup    = TestSetUp;
  loss->ops->sample   = TestSample;
  loss->ops->bind     = TestBind;
  loss->ops->partial  = TestPartial;
  loss->ops->finish   = TestFinish;
  loss->ops->residual = TestResidual;
  loss->ops->gradient = TestGradient;
  loss->ops->jacobian = TestJacobian;
  loss->ops->destroy  = TestDestroy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* shape: kind, parameters, samples, samples of a block, blocks of nodes */
static inline TzLoss test_loss(MPI_Comm comm, TestLoss shape, PetscBool coordinates)
{
  TzLoss    loss;
  TestLoss *t;

  PetscCallAbort(comm, TzLossCreate(comm, &loss));
  PetscCallAbort(comm, TzLossRegister("test", TestCreate));
  PetscCallAbort(comm, TzLossSetType(loss, "test"));
  PetscCallAbort(comm, PetscNew(&t));
  *t         = shape;
  loss->data = t;
  if (coordinates) {
    loss->ops->coordinates         = TestCoordinates;
    loss->ops->coordinateresiduals = TestCoordinateResiduals;
  }
  PetscCallAbort(comm, TzLossSetSeed(loss, 42));
  PetscCallAbort(comm, TzLossSetFromOptions(loss));
  return loss;
}

/* g[n]: the gradient of the sample of the step */
static inline void test_gradient(TzLoss loss, const PetscReal theta[], PetscReal g[])
{
  const TestLoss *t = (const TestLoss *)loss->data;
  PetscReal       sum;

  for (PetscInt j = 0; j < t->n; j++) g[j] = 0;
  PetscCallAbort(PETSC_COMM_SELF, TestBind(loss, theta));
  PetscCallAbort(PETSC_COMM_SELF, TestGradient(loss, 0, t->samples, &sum, g));
  for (PetscInt j = 0; j < t->n; j++) g[j] /= t->samples;
}

/* theta[n]: any start, the same on every rank */
static inline void test_start(PetscInt n, PetscReal theta[])
{
  PetscCallAbort(PETSC_COMM_SELF, TzRandomNormal(7, TZ_STREAM_INIT, 0, 0, 0, n, theta));
  for (PetscInt j = 0; j < n; j++) theta[j] *= 0.3;
}

/* FNV-1a over the bits */
static inline uint64_t test_checksum(uint64_t hash, PetscInt n, const PetscReal x[])
{
  const unsigned char *byte = (const unsigned char *)x;

  for (size_t i = 0; i < (size_t)n * sizeof(PetscReal); i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
  return hash;
}
#define TEST_CHECKSUM UINT64_C(0xcbf29ce484222325)

/* Whether the condition holds on every rank of PETSC_COMM_WORLD: no rank may leave a test alone */
static inline int everywhere(int condition)
{
  int all;

  (void)MPI_Allreduce(&condition, &all, 1, MPI_INT, MPI_LAND, PETSC_COMM_WORLD);
  return all;
}

#endif
