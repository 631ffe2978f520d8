/*
  TzControlEvaluate(): microseconds of one state, as a real-time loop asks for it, and of a state among 96, for networks on lqr in 20 dimensions. One line of
  JSON each; about a second.
*/
#include <tenzo.h>
#include <time.h>

#define D    21
#define MANY 96

static double Seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Shortest of some passes of `count` calls at n states, per state */
static PetscErrorCode Time(TzControl control, PetscInt n, const PetscReal X[], PetscInt count, double *seconds)
{
  PetscReal a[MANY * (D - 1)];

  PetscFunctionBegin;
  *seconds = 1e300;
  for (int pass = 0; pass < 15; pass++) {
    const double start = Seconds();

    for (PetscInt i = 0; i < count; i++) PetscCall(TzControlEvaluate(control, n, X, NULL, NULL, a));
    *seconds = PetscMin(*seconds, (Seconds() - start) / (double)(count * n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bench(TzPDE pde, const char format[], PetscInt width)
{
  const PetscInt widths[] = {width, width};
  PetscReal      X[MANY * D], *theta;
  PetscInt       nparams;
  double         one, many;
  TzNet          net;
  TzControl      control;

  PetscFunctionBegin;
  PetscCall(TzNetCreate(PETSC_COMM_SELF, &net));
  PetscCall(TzNetSetFormat(net, format));
  PetscCall(TzNetSetIO(net, D, 1));
  PetscCall(TzNetSetHidden(net, 2, widths));
  PetscCall(TzNetSetUp(net));
  PetscCall(TzNetGetNumParameters(net, &nparams));
  PetscCall(PetscMalloc1(nparams, &theta));
  PetscCall(TzNetInitialize(net, 0, theta));
  PetscCall(TzRandomUniform(0, TZ_STREAM_POINTS, 0, 0, 0, MANY * D, X));
  PetscCall(TzControlCreate(pde, net, &control));
  PetscCall(TzControlBind(control, theta));
  PetscCall(Time(control, 1, X, 2000, &one));
  PetscCall(Time(control, MANY, X, 50, &many));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "{\"name\": \"control of one state, %s %d,%d, us\", \"value\": %.3g, \"of 96 states\": %.3g}\n", format, (int)width,
                        (int)width, 1e6 * one, 1e6 * many));
  PetscCall(TzControlDestroy(&control));
  PetscCall(TzNetDestroy(&net));
  PetscCall(PetscFree(theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  TzPDE pde;

  PetscFunctionBegin;
  PetscCall(TzPDECreate(PETSC_COMM_SELF, &pde));
  PetscCall(TzPDESetType(pde, "lqr"));
  PetscCall(TzPDESetDim(pde, D - 1));
  PetscCall(Bench(pde, TZNETTT, 768));
  PetscCall(Bench(pde, TZNETTT, 64));
  PetscCall(Bench(pde, TZNETDENSE, 64));
  PetscCall(TzPDEDestroy(&pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscErrorCode ierr = TzInitialize(&argc, &argv, NULL) || Run() ? (PetscErrorCode)1 : PETSC_SUCCESS;

  return TzExit(ierr, 0);
}
