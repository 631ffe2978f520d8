/*
  The benchmark: every figure is a median over repetitions, and what matters is given as a ratio of two figures of this run.

      mpirun -n 2 build/bench/bench [-short] [-json FILE] [-torch "PYTHON SCRIPT"] [-jax "PYTHON SCRIPT"]

  Rank 0 measures alone (the others wait), then all ranks measure the step together. Prints lines "name value unit" and writes
  them as JSON. -short: fewer repetitions and no slow figures (under a minute).
*/
#include <tenzo.h>
#include <petscblaslapack.h>
#include <sys/resource.h>
#include <unistd.h>
#include <stdarg.h>
#include <private/tznetimpl.h>

typedef struct {
  TzPDE      pde;
  TzNet      net;
  TzDeriv    deriv;
  TzLoss     loss;
  PetscInt   n;
  PetscReal *theta;
} Problem;

static FILE     *json;
static PetscBool quick, first = PETSC_TRUE;

static void Report(const char *name, double value, const char *unit)
{
  PetscPrintf(PETSC_COMM_SELF, "%-58s %12.4g %s\n", name, value, unit);
  if (json) fprintf(json, "%s\n  {\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}", first ? "" : ",", name, value, unit);
  first = PETSC_FALSE;
}

/* A complete problem on comm from an option string; the parameters are the initial ones */
static PetscErrorCode Create(MPI_Comm comm, const char *options, Problem *p)
{
  PetscInt d;

  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(TzPDECreate(comm, &p->pde));
  PetscCall(TzPDESetFromOptions(p->pde));
  PetscCall(TzPDESetUp(p->pde));
  PetscCall(TzPDEGetDim(p->pde, &d));
  PetscCall(TzNetCreate(comm, &p->net));
  PetscCall(TzNetSetIO(p->net, d + 1, 1));
  PetscCall(TzNetSetFromOptions(p->net));
  PetscCall(TzDerivCreate(comm, &p->deriv));
  PetscCall(TzDerivSetNet(p->deriv, p->net, NULL));
  PetscCall(TzDerivSetFromOptions(p->deriv));
  PetscCall(TzLossCreate(comm, &p->loss));
  PetscCall(TzLossSetType(p->loss, TZLOSSRESIDUAL));
  PetscCall(TzLossSetNet(p->loss, p->net));
  PetscCall(TzLossSetProblem(p->loss, p->pde, p->deriv));
  PetscCall(TzLossSetFromOptions(p->loss));
  PetscCall(TzLossSetUp(p->loss));
  PetscCall(TzNetGetNumParameters(p->net, &p->n));
  PetscCall(PetscMalloc1(p->n, &p->theta));
  PetscCall(TzNetInitialize(p->net, 0, p->theta));
  PetscCall(TzLossSample(p->loss, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(p->theta));
  PetscCall(TzLossDestroy(&p->loss));
  PetscCall(TzDerivDestroy(&p->deriv));
  PetscCall(TzNetDestroy(&p->net));
  PetscCall(TzPDEDestroy(&p->pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double Median(PetscInt n, double t[])
{
  qsort(t, n, sizeof(*t), Ascending);
  return t[n / 2];
}

/* Seconds for values evaluations of the loss: one step of the paper is the base and ten queries */
static PetscErrorCode TimeLoss(Problem *p, PetscInt queries, PetscInt reps, double *seconds)
{
  double    t[64];
  PetscReal l0, lp[16];

  PetscFunctionBegin;
  for (PetscInt r = -1; r < reps; r++) {
    TzQueries q = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 0.01, .base = PETSC_TRUE, .n = queries, .seed = 1, .step = r + 1};

    PetscCall(MPI_Barrier(PetscObjectComm((PetscObject)p->loss)));
    PetscLogDouble start = MPI_Wtime();
    PetscCall(TzLossSample(p->loss, r + 1));
    PetscCall(TzLossEvaluate(p->loss, p->theta, &q, &l0, lp, NULL));
    if (r >= 0) t[r] = MPI_Wtime() - start;
  }
  *seconds = Median(reps, t);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A barrier whose waiting ranks sleep: they must not take a core from the one that measures */
static PetscErrorCode QuietBarrier(void)
{
  MPI_Request request;
  int         done = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Ibarrier(PETSC_COMM_WORLD, &request));
  while (!done) {
    PetscCallMPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (!done) usleep(2000);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One loss evaluation of this problem, in milliseconds for 100 points; points fewer than 100 are scaled (the cost is linear) */
static PetscErrorCode Query(const char *name, const char *options, PetscInt points, PetscInt reps, double *ms)
{
  Problem p;
  char    all[1024];
  double  seconds;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(all, sizeof(all), "%s -loss_points %d -loss_block %d", options, (int)points, (int)PetscMin(points, 5)));
  PetscCall(Create(PETSC_COMM_SELF, all, &p));
  PetscCall(TimeLoss(&p, 0, reps, &seconds));
  PetscCall(Destroy(&p));
  *ms = seconds * 1e3 * 100 / points;
  Report(name, *ms, "ms");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same product by the BLAS that the program is linked with (OpenBLAS): seconds of E and O, 400 x 480 with 768 terms each */
static PetscErrorCode Dgemm(double *seconds)
{
  const PetscBLASInt m = 480, n = 400, k = 768;
  const PetscReal    one = 1, zero = 0;
  PetscReal         *A, *X, *C;
  double             t[5];

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n * k, &A, m * k, &X, m * n, &C));
  for (PetscInt i = 0; i < n * k; i++) A[i] = 0.01 * (i % 7);
  for (PetscInt i = 0; i < m * k; i++) X[i] = 0.01 * (i % 5);
  for (int r = 0; r < 5; r++) {
    t[r] = MPI_Wtime();
    for (int half = 0; half < 2; half++) BLASgemm_("N", "N", &m, &n, &k, &one, X, &m, A, &k, &zero, C, &m);
    t[r] = MPI_Wtime() - t[r];
  }
  *seconds = Median(5, t);
  PetscCall(PetscFree3(A, X, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The limits: the bare sines of layer 2 and the bare matrix product of layer 1 of an SG query, r = 4, 100 points, 925 nodes */
static PetscErrorCode Limits(double *sines, double *product)
{
  const TzKernels *k = TzKernelsGet();
  const PetscInt   n = 768, rows = 400, panels = 480 / TZ_PANEL;
  PetscReal       *x, *y, *A, *X, *C;
  double           ts[5], tp[5], blas = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5(n, &x, n, &y, rows * n, &A, n * TZ_PANEL, &X, rows * TZ_PANEL, &C));
  PetscCall(TzRandomUniform(0, TZ_STREAM_POINTS, 0, 0, 0, n, x));
  for (PetscInt i = 0; i < n; i++) x[i] = 6 * x[i] - 3;
  for (PetscInt i = 0; i < rows * n; i++) A[i] = 0.01 * (i % 7);
  for (PetscInt i = 0; i < n * TZ_PANEL; i++) X[i] = 0.01 * (i % 5);
  for (int r = 0; r < 5; r++) {
    double t = MPI_Wtime();

    for (PetscInt i = 0; i < 92500; i++) (*k->sine)(n, x, y);
    ts[r] = MPI_Wtime() - t;
    t     = MPI_Wtime();
    for (PetscInt p = 0; p < 2 * panels; p++) TzGemm(k, TZ_PANEL, 1, rows, n, A, X, C);
    tp[r] = MPI_Wtime() - t;
  }
  *sines   = 1e3 * Median(5, ts);
  *product = 1e3 * Median(5, tp);
  PetscCall(PetscFree5(x, y, A, X, C));
  Report("bare sines of an SG query (71.0 million)", *sines, "ms");
  Report("bare matrix product of an SG query (295 million multiply-adds)", *product, "ms");
  PetscCall(Dgemm(&blas));
  Report("the same by OpenBLAS dgemm / our kernel", 1e3 * blas / *product, "x");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest difference of structured and plain over all nodes and four points, relative to the largest value */
static PetscErrorCode Agreement(void)
{
  Problem        p[2];
  const TzPairs *pairs;
  TzRule         rule;
  PetscReal      X[4 * 21], f0[2][4], *v[2], worst = 0, scale = 0;
  PetscInt       n;

  PetscFunctionBegin;
  PetscCall(TzRandomUniform(0, TZ_STREAM_POINTS, 0, 0, 0, 4 * 21, X));
  for (int i = 0; i < 2; i++) {
    TzNetEval eval;

    PetscCall(Create(PETSC_COMM_SELF, i ? "-net_evaluation reference" : "", &p[i]));
    PetscCall(TzDerivGetRule(p[i].deriv, &rule));
    PetscCall(TzRuleGetPairs(rule, &pairs));
    n = 4 * pairs->npairs;
    PetscCall(PetscMalloc1(2 * n, &v[i]));
    PetscCall(TzNetEvalCreate(p[i].net, &eval));
    PetscCall(TzNetEvalBind(eval, p[i].theta));
    PetscCall(TzNetEvalStencil(eval, 4, X, pairs, 0.1, 0, pairs->npairs, f0[i], v[i], v[i] + n));
    PetscCall(TzNetEvalDestroy(&eval));
  }
  for (PetscInt i = 0; i < 4; i++) scale = PetscMax(scale, PetscAbsReal(f0[1][i]));
  for (PetscInt i = 0; i < 2 * n; i++) worst = PetscMax(worst, PetscAbsReal(v[0][i] - v[1][i]));
  Report("structured against plain, largest difference / largest value", worst / scale, "");
  for (int i = 0; i < 2; i++) {
    PetscCall(PetscFree(v[i]));
    PetscCall(Destroy(&p[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient of the loss on 50 points, in milliseconds: the first-order step of a small network */
static PetscErrorCode Gradient(const char *name, const char *options, PetscInt reps)
{
  Problem    p;
  PetscReal *grad, l;
  double     t[64];
  char       all[1024];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(all, sizeof(all), "%s -loss_points 50", options));
  PetscCall(Create(PETSC_COMM_SELF, all, &p));
  PetscCall(PetscMalloc1(p.n, &grad));
  for (PetscInt r = -1; r < reps; r++) {
    const double start = MPI_Wtime();

    PetscCall(TzLossSample(p.loss, r + 1));
    PetscCall(TzLossGradient(p.loss, p.theta, &l, grad));
    if (r >= 0) t[r] = MPI_Wtime() - start;
  }
  Report(name, 1e3 * Median(reps, t), "ms");
  PetscCall(PetscFree(grad));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A query of residual vectors along every coordinate, 200 points, in milliseconds: the step of zogn -zo_direction coordinate but for its linear algebra */
static PetscErrorCode Jacobian(const char *name, const char *options)
{
  Problem    p;
  PetscReal *r;
  TzQueries  q = {.direction = TZ_DIRECTION_COORDINATE, .mu = 1e-6};
  double     t[3];
  char       all[1024];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(all, sizeof(all), "%s -loss_points 200", options));
  PetscCall(Create(PETSC_COMM_SELF, all, &p));
  q.n = p.n;
  PetscCall(PetscMalloc1((size_t)p.n * 200, &r));
  for (int k = 0; k < 3; k++) {
    t[k] = MPI_Wtime();
    PetscCall(TzLossResidualVectors(p.loss, p.theta, &q, r));
    t[k] = MPI_Wtime() - t[k];
  }
  Report(name, 1e3 * Median(3, t), "ms");
  PetscCall(PetscFree(r));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define SG    "-net_tt_rank 4 -deriv_type stein"
#define SMALL "-pde_type lqg -lqg_extension heat -loss_sampler paths -net_layers 64,64 -deriv_type forward -pde_dim "

/* The networks of jobs/paper/lqg.sh and of the peers in tests/bench/accuracy.py */
static PetscErrorCode SmallNetworks(void)
{
  const PetscInt reps = quick ? 10 : 40;
  double         ms;

  PetscFunctionBegin;
  PetscCall(Query("forward-propagated query, LQG d = 100, dense 64,64", SMALL "100 -net_format dense", 100, reps, &ms));
  PetscCall(Query("forward-propagated query, LQG d = 100, ttm r = 8, 64,64", SMALL "100 -net_format ttm -net_tt_rank 8", 100, reps, &ms));
  PetscCall(Gradient("gradient, 50 points, LQG d = 100, dense 64,64", SMALL "100 -net_format dense", reps));
  PetscCall(Gradient("gradient, 50 points, LQG d = 100, ttm r = 8, 64,64", SMALL "100 -net_format ttm -net_tt_rank 8", reps));
  PetscCall(Gradient("gradient, 50 points, LQG d = 1000, dense 64,64", SMALL "1000 -net_format dense", reps));
  PetscCall(Jacobian("all coordinates, 200 points, LQG d = 20, dense 64,64", SMALL "20 -net_format dense"));
  if (!quick) PetscCall(Jacobian("all coordinates, 200 points, LQG d = 100, dense 64,64", SMALL "100 -net_format dense"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Queries(void)
{
  const PetscInt reps  = quick ? 5 : 15;
  double         sines = 0, product = 0, sg, sines_only, plain, ms, fwd;

  PetscFunctionBegin;
  PetscCall(Limits(&sines, &product));
  PetscCall(Query("SG query, tt r = 4", SG, 100, reps, &sg));
  PetscCall(Query("SG query, tt r = 4, no power series", SG " -net_series 0", 100, reps, &sines_only));
  PetscCall(Query("SG query, tt r = 4, single precision", SG " -net_precision single", 100, reps, &ms));
  Report("SG query, double / single precision", sg / ms, "x");
  Report("SG query / bare sines", sg / sines, "x");
  Report("SG query without power series / bare sines", sines_only / sines, "x");
  Report("SG query / (bare sines + bare product)", sg / (sines + product), "x");
  PetscCall(Query("SG query, tt r = 4, plain (from 1 point)", SG " -net_evaluation reference", 1, quick ? 1 : 3, &plain));
  Report("plain / structured, SG query, tt r = 4", plain / sg, "x");
  PetscCall(Agreement());
  PetscCall(Query("forward-propagated query, tt r = 4", "-net_tt_rank 4 -deriv_type forward", 100, 10 * PetscMin(reps, 6), &fwd));
  Report("SG query / forward-propagated query, tt r = 4", sg / fwd, "x");
  Report("SG query without power series / forward-propagated query", sines_only / fwd, "x");
  PetscCall(Query("FD query, tt r = 4", "-net_tt_rank 4 -deriv_type fd", 100, reps, &ms));
  PetscCall(Query("SE query (2049 evaluations), tt r = 4", "-net_tt_rank 4 -deriv_type stein -rule_type mc", 100, reps, &ms));
  PetscCall(Query("SG query, tt r = 10", "-net_tt_rank 10 -deriv_type stein", 100, reps, &ms));
  PetscCall(Query("forward-propagated query, tt r = 10", "-net_tt_rank 10 -deriv_type forward", 100, reps, &ms));
  PetscCall(Query("forward-propagated query, dense", "-net_format dense -deriv_type forward", 100, quick ? 1 : 3, &ms));
  PetscCall(Query("SG query, dense (from 10 points)", "-net_format dense -deriv_type stein", 10, quick ? 1 : 3, &ms));
  PetscCall(Query("SG query, ttm r = 4 (from 10 points)", "-net_format ttm -net_tt_rank 4 -deriv_type stein", 10, quick ? 1 : 3, &ms));
  PetscCall(Query("SG query, tt r = 4, D = 101 (20605 nodes, from 20 points)", SG " -pde_dim 100", 20, quick ? 1 : 3, &ms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step of eleven queries on rank 0 alone and on all ranks */
static PetscErrorCode Steps(const char *name, const char *options, PetscInt reps, double *one)
{
  PetscMPIInt rank, size;
  Problem     p;
  double      all = 0;
  char        text[128];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  *one = 0;
  if (!rank) {
    PetscCall(Create(PETSC_COMM_SELF, options, &p));
    PetscCall(TimeLoss(&p, 10, reps, one));
    PetscCall(Destroy(&p));
  }
  PetscCall(QuietBarrier());
  PetscCall(Create(PETSC_COMM_WORLD, options, &p));
  PetscCall(TimeLoss(&p, 10, reps, &all));
  PetscCall(Destroy(&p));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s, step of 11 queries, 1 rank", name));
  Report(text, 1e3 * *one, "ms");
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s, step of 11 queries, %d ranks", name, size));
  Report(text, 1e3 * all, "ms");
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s, speed-up on %d ranks", name, size));
  Report(text, *one / all, "x");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A program in Python on the same step: "RESULT ... median S ..." is its last line; 0 where it does not run */
static double PeerSeconds(const char *command)
{
  char   line[1024];
  double seconds = 0;
  FILE  *f       = popen(command, "r");

  while (f && fgets(line, sizeof(line), f)) {
    char *m = strstr(line, "median ");
    if (!strncmp(line, "RESULT", 6) && m) seconds = atof(m + 7);
  }
  if (f) pclose(f);
  return seconds;
}

/* ours, single: seconds of our step in double and, where it is to be compared (not 0), single precision */
static PetscErrorCode Peer(const char *name, const char *program, const char *arguments, double ours, double single)
{
  char   command[2048], text[128];
  double seconds;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(command, sizeof(command), "OMP_NUM_THREADS=1 %s %s 2>/dev/null", program, arguments));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s, step of 11 queries", name));
  seconds = PeerSeconds(command);
  if (seconds <= 0) {
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "%-58s skipped: %s does not run\n", text, program));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Report(text, 1e3 * seconds, "ms");
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s / Tenzo (double)", name));
  Report(text, seconds / ours, "x");
  if (!single) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s / Tenzo (single)", name));
  Report(text, seconds / single, "x");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* torch, jax: the programs, or empty; sg, single, fwd: seconds of our steps */
static PetscErrorCode Peers(const char torch[], const char jax[], double sg, double single, double fwd)
{
  char program[2 * PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  if (torch[0]) {
    /* the program asks for AVX-512 unless it is told what to use */
    PetscCall(
      PetscSNPrintf(program, sizeof(program), "%s %s --quiet --threads 1", strcmp(TzKernelsGet()->name, "avx512") ? "ATEN_CPU_CAPABILITY=avx2" : "", torch));
    PetscCall(Peer("PyTorch float64 trig", program, "--dtype float64 --layout trig --steps 4", sg, 0));
    PetscCall(Peer("PyTorch float64 jet", program, "--dtype float64 --deriv jet --steps 60", fwd, 0));
    if (!quick) {
      PetscCall(Peer("PyTorch float32 trig", program, "--dtype float32 --layout trig --steps 6", sg, single));
      PetscCall(Peer("PyTorch float64 factored", program, "--dtype float64 --layout factored --steps 3", sg, 0));
      PetscCall(Peer("PyTorch float64 dense", program, "--dtype float64 --layout dense --steps 1", sg, 0));
    }
  }
  if (!jax[0] || quick) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Peer("JAX float64 trig", jax, "float64 sg 3", sg, 0));
  PetscCall(Peer("JAX float32 trig", jax, "float32 sg 5", sg, single));
  PetscCall(Peer("JAX float64 jet", jax, "float64 jet 60", fwd, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char        file[PETSC_MAX_PATH_LEN] = "", torch[PETSC_MAX_PATH_LEN] = "", jax[PETSC_MAX_PATH_LEN] = "";
  PetscMPIInt rank;
  double      sg, single, fwd;

  PetscFunctionBeginUser;
  PetscCall(TzInitialize(&argc, &argv, NULL));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-short", &quick));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-json", file, sizeof(file), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-torch", torch, sizeof(torch), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-jax", jax, sizeof(jax), NULL));
  if (!rank) {
    struct rusage usage;

    if (file[0]) PetscCheck((json = fopen(file, "w")) != NULL, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "-json %s: cannot be written", file);
    if (json) fprintf(json, "[");
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "kernels %s\n", TzKernelsGet()->name));
    PetscCall(Queries());
    PetscCall(SmallNetworks());
    getrusage(RUSAGE_SELF, &usage);
    Report("peak memory so far (the dense and the D = 101 problems included)", usage.ru_maxrss / 1024.0, "MiB");
  }
  PetscCall(QuietBarrier());
  PetscCall(Steps("SG, tt r = 4", SG, quick ? 3 : 15, &sg));
  PetscCall(Steps("SG, tt r = 4, single precision", SG " -net_precision single", quick ? 3 : 15, &single));
  PetscCall(Steps("forward-propagated, tt r = 4", "-net_tt_rank 4 -deriv_type forward", 40, &fwd));
  if (!rank) PetscCall(Peers(torch, jax, sg, single, fwd));
  if (json) {
    fprintf(json, "\n]\n");
    fclose(json);
  }
  PetscCall(TzFinalize());
  return 0;
}
