/*
  The classifier 784-1024-10 on mini-batches of 64 images (noise, made here: time does not depend on what is on them), on one core. One line of JSON a
  measurement: the structured pass over all coordinates, and as `ratio` how many times longer one loss evaluation a coordinate takes (extrapolated
  from some of them), with the fast and with the plain evaluation; a query, an exact gradient; steps, and epochs of 937 steps, of the hybrid's two phases.
*/
#include "../idxwrite.h"
#include <tenzo.h>
#include <time.h>

#define STEPS 937 /* of an epoch of 60,000 images */

typedef struct {
  TzLoss     loss;
  PetscInt   n;
  PetscReal *theta, *lp;
} Problem;

static char dir[] = "/tmp/tzbenchXXXXXX";

/* Processor time: it does not count what other programs take */
static double Seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static PetscErrorCode Create(const char options[], const char more[], Problem *p)
{
  TzNet    net;
  PetscInt steps;

  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(PetscOptionsInsertString(NULL, more));
  PetscCall(PetscOptionsSetValue(NULL, "-mnist_dir", dir));
  PetscCall(TzLossCreate(PETSC_COMM_SELF, &p->loss));
  PetscCall(TzLossSetType(p->loss, TZLOSSCROSSENTROPY));
  PetscCall(TzLossSetFromOptions(p->loss));
  PetscCall(TzLossCrossEntropyGetSizes(p->loss, NULL, NULL, &steps));
  PetscCall(TzNetCreate(PETSC_COMM_SELF, &net));
  PetscCall(TzLossCrossEntropySetNetInputs(p->loss, net));
  PetscCall(TzNetSetFromOptions(net));
  PetscCall(TzLossSetNet(p->loss, net));
  PetscCall(TzLossSetUp(p->loss));
  PetscCall(TzLossGetNumParameters(p->loss, &p->n));
  PetscCall(PetscMalloc2(p->n, &p->theta, p->n, &p->lp));
  PetscCall(TzNetInitialize(net, 0, p->theta));
  PetscCall(TzLossSample(p->loss, 0));
  PetscCall(TzNetDestroy(&net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(p->theta, p->lp));
  PetscCall(TzLossDestroy(&p->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The shortest of some passes of these queries */
static PetscErrorCode Pass(const Problem *p, TzDirection direction, PetscInt n, double *seconds)
{
  TzQueries q = {.direction = direction, .mu = 1e-3, .base = PETSC_TRUE, .n = n};
  PetscReal l;

  PetscFunctionBegin;
  *seconds = 1e300;
  for (q.step = 0; q.step < 7; q.step++) {
    const double start = Seconds();

    PetscCall(TzLossEvaluate(p->loss, p->theta, &q, &l, p->lp, NULL));
    *seconds = PetscMin(*seconds, Seconds() - start);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds that all coordinates take one at a time, from `count` of them; worst |difference| from lp[n] */
static PetscErrorCode Loop(const Problem *p, PetscInt count, const PetscReal lp[], double *seconds, double *worst)
{
  PetscReal *x, l;

  PetscFunctionBegin;
  *worst = *seconds = 0;
  PetscCall(PetscMalloc1(p->n, &x));
  PetscCall(PetscArraycpy(x, p->theta, p->n));
  PetscCall(TzLossObjective(p->loss, x, &l));
  for (PetscInt k = 0; k < count; k++) {
    const PetscInt i     = (PetscInt)((PetscInt64)p->n * k / count);
    const double   start = Seconds();

    x[i] = p->theta[i] + 1e-3;
    PetscCall(TzLossObjective(p->loss, x, &l));
    *seconds += (Seconds() - start) * p->n / count;
    *worst = PetscMax(*worst, PetscAbsReal(l - lp[i]));
    x[i]   = p->theta[i];
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Print(const char name[], const char what[], double seconds)
{
  PetscFunctionBegin;
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "{\"name\": \"classify %s, %s\", \"seconds\": %.4g}\n", name, what, seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(const char name[], const char options[], PetscInt fast, PetscInt slow)
{
  Problem   p, plain;
  PetscReal l, *grad;
  double    cge, rge, loop, worst, start;

  PetscFunctionBegin;
  PetscCall(Create(options, "", &p));
  PetscCall(Pass(&p, TZ_DIRECTION_GAUSSIAN, 10, &rge));
  PetscCall(Pass(&p, TZ_DIRECTION_COORDINATE, p.n, &cge));
  PetscCall(Print(name, "query of a random direction", rge / 11));
  PetscCall(Print(name, "step of all coordinates", cge));
  PetscCall(Print(name, "epoch of ZO-signRGE, 10 directions", rge * STEPS));
  PetscCall(Print(name, "epoch of CGE", cge * STEPS));
  for (int plainly = 0; plainly < 2; plainly++) {
    if (plainly) PetscCall(Create(options, "-net_evaluation reference", &plain));
    PetscCall(Loop(plainly ? &plain : &p, plainly ? slow : fast, p.lp, &loop, &worst));
    PetscCall(PetscPrintf(PETSC_COMM_SELF,
                          "{\"name\": \"classify %s, %" PetscInt_FMT " coordinates against the %s loop\", \"ratio\": %.4g, \"difference\": %.2g}\n", name, p.n,
                          plainly ? "plain" : "fast", loop / cge, worst));
    if (plainly) PetscCall(Destroy(&plain));
  }
  PetscCall(PetscMalloc1(p.n, &grad));
  PetscCall(TzLossGradient(p.loss, p.theta, &l, grad));
  start = Seconds();
  for (int k = 0; k < 5; k++) PetscCall(TzLossGradient(p.loss, p.theta, &l, grad));
  PetscCall(Print(name, "exact gradient", (Seconds() - start) / 5));
  PetscCall(PetscFree(grad));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  const char *quick = getenv("SHORT"), *modes = "-net_format ttm -net_activation relu -net_layers 1024 -net_tt_modes 7,4,4,7|8,4,4,8;8,4,4,8|1,5,2,1";
  char        options[256];

  PetscFunctionBegin;
  PetscCheck(mkdtemp(dir), PETSC_COMM_SELF, PETSC_ERR_SYS, "%s", dir);
  PetscCall(IdxWriteBars(dir, "train", 640, 28));
  PetscCall(IdxWriteBars(dir, "t10k", 10, 28));
  PetscCall(PetscSNPrintf(options, sizeof(options), "%s -net_tt_rank 6", modes));
  PetscCall(Measure("ttm r6", options, 200, 5));
  if (!quick || !*quick) {
    PetscCall(PetscSNPrintf(options, sizeof(options), "%s -net_tt_rank 10", modes));
    PetscCall(Measure("ttm r10", options, 200, 5));
    PetscCall(Measure("dense", "-net_format dense -net_activation relu -net_layers 1024", 100, 3));
    PetscCall(Measure("sparse", "-net_format sparse -net_sparse_count 4089 -net_activation relu -net_layers 1024", 200, 5));
  }
  PetscCall(PetscRMTree(dir));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscErrorCode ierr = TzInitialize(&argc, &argv, NULL);

  if (!ierr) ierr = Run();
  return TzExit(ierr, 0);
}
