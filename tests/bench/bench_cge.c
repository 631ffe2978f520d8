/*
  Structured coordinate queries (CGE) against one loss evaluation a coordinate, with the fast and with the plain evaluation, on one core. One line of JSON a
  measurement; `seconds` is what the structured pass of all coordinates takes and `ratio` how many times longer the loop over them does, extrapolated from
  every `stride`-th coordinate, all in this run. SHORT=1 in the environment: forward-propagated derivatives only.
*/
#include <tenzo.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
  TzLoss     loss;
  PetscInt   n;
  PetscReal *theta;
} Problem;

/* Processor time: it does not count what other programs take */
static double Seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static PetscErrorCode Create(const char *options, const char *more, Problem *p)
{
  TzPDE   pde;
  TzNet   net;
  TzDeriv deriv;

  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(PetscOptionsInsertString(NULL, more));
  PetscCall(TzPDECreate(PETSC_COMM_SELF, &pde));
  PetscCall(TzPDESetFromOptions(pde));
  PetscCall(TzPDESetUp(pde));
  PetscCall(TzNetCreate(PETSC_COMM_SELF, &net));
  PetscCall(TzNetSetIO(net, 21, 1));
  PetscCall(TzNetSetFromOptions(net));
  PetscCall(TzNetSetUp(net));
  PetscCall(TzDerivCreate(PETSC_COMM_SELF, &deriv));
  PetscCall(TzDerivSetNet(deriv, net, NULL));
  PetscCall(TzDerivSetFromOptions(deriv));
  PetscCall(TzLossCreate(PETSC_COMM_SELF, &p->loss));
  PetscCall(TzLossSetType(p->loss, TZLOSSRESIDUAL));
  PetscCall(TzLossSetNet(p->loss, net));
  PetscCall(TzLossSetProblem(p->loss, pde, deriv));
  PetscCall(TzLossSetFromOptions(p->loss));
  PetscCall(TzLossSetUp(p->loss));
  PetscCall(TzLossSample(p->loss, 0));
  PetscCall(TzLossGetNumParameters(p->loss, &p->n));
  PetscCall(PetscMalloc1(p->n, &p->theta));
  PetscCall(TzNetInitialize(net, 0, p->theta));
  PetscCall(TzPDEDestroy(&pde));
  PetscCall(TzNetDestroy(&net));
  PetscCall(TzDerivDestroy(&deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(p->theta));
  PetscCall(TzLossDestroy(&p->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The shortest of `repeat` passes over all coordinates; lp[n] */
static PetscErrorCode Structured(const Problem *p, int repeat, PetscReal lp[], double *seconds)
{
  const TzQueries q = {.direction = TZ_DIRECTION_COORDINATE, .mu = 0.01, .n = p->n};

  PetscFunctionBegin;
  *seconds = 1e300;
  for (int i = 0; i < repeat; i++) {
    const double start = Seconds();

    PetscCall(TzLossEvaluate(p->loss, p->theta, &q, NULL, lp, NULL));
    *seconds = PetscMin(*seconds, Seconds() - start);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds that all coordinates take one at a time, from every stride-th; worst |difference| from lp, relative to the loss */
static PetscErrorCode Loop(const Problem *p, PetscInt stride, const PetscReal lp[], double *seconds, double *worst)
{
  PetscReal *x, l;
  double     sum   = 0;
  PetscInt   count = 0;

  PetscFunctionBegin;
  *worst = 0;
  PetscCall(PetscMalloc1(p->n, &x));
  PetscCall(PetscArraycpy(x, p->theta, p->n));
  PetscCall(TzLossObjective(p->loss, x, &l)); /* memory */
  for (PetscInt i = 0; i < p->n; i += stride, count++) {
    double start;

    x[i]  = p->theta[i] + 0.01;
    start = Seconds();
    PetscCall(TzLossObjective(p->loss, x, &l));
    sum += Seconds() - start;
    *worst = PetscMax(*worst, PetscAbsReal(l - lp[i]) / l);
    x[i]   = p->theta[i];
  }
  PetscCall(PetscFree(x));
  *seconds = sum * p->n / count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(const char *name, const char *options, int repeat, PetscInt stride, PetscInt plainstride)
{
  Problem    fast, plain;
  PetscReal *lp;
  double     seconds, loop, worst;

  PetscFunctionBegin;
  PetscCall(Create(options, "", &fast));
  PetscCall(PetscMalloc1(fast.n, &lp));
  PetscCall(Structured(&fast, repeat, lp, &seconds));
  PetscCall(Loop(&fast, stride, lp, &loop, &worst));
  PetscCall(PetscPrintf(PETSC_COMM_SELF,
                        "{\"name\": \"cge %s, %" PetscInt_FMT
                        " coordinates, against the fast loop\", \"seconds\": %.4g, \"ratio\": %.4g, \"difference\": %.2g}\n",
                        name, fast.n, seconds, loop / seconds, worst));
  if (plainstride) {
    PetscCall(Create(options, "-net_evaluation reference", &plain));
    PetscCall(Loop(&plain, plainstride, lp, &loop, &worst));
    PetscCall(PetscPrintf(PETSC_COMM_SELF,
                          "{\"name\": \"cge %s, %" PetscInt_FMT
                          " coordinates, against the plain loop\", \"seconds\": %.4g, \"ratio\": %.4g, \"difference\": %.2g}\n",
                          name, fast.n, seconds, loop / seconds, worst));
    PetscCall(Destroy(&plain));
  }
  PetscCall(PetscFree(lp));
  PetscCall(Destroy(&fast));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  const char *quick = getenv("SHORT");

  PetscFunctionBegin;
  PetscCall(Measure("forward r4", "-net_format tt -net_tt_rank 4 -deriv_type forward", 5, 3, 160));
  if (quick && *quick) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Measure("forward r10", "-net_format tt -net_tt_rank 10 -deriv_type forward", 2, 50, 0));
  PetscCall(Measure("fd r4", "-net_format tt -net_tt_rank 4 -deriv_type fd", 2, 50, 0));
  PetscCall(Measure("sparse grid r4", "-net_format tt -net_tt_rank 4 -deriv_type stein", 1, 50, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscErrorCode ierr = TzInitialize(&argc, &argv, NULL);

  if (!ierr) ierr = Run();
  return TzExit(ierr, 0);
}
