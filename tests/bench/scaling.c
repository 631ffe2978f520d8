/*
  The time of a step on 1 to 10,000 ranks, by the program's own partition and message sizes: Markdown rows for SCALING.md.

      build/bench/scaling [-latency 2e-6] [-bandwidth 1e10]

  Measured here, on one core: a network evaluation of the estimator, forming and binding a parameter vector (from losses of 10
  and 100 points). Assumed of the network: latency alpha and bandwidth 1/beta of a message. A collective call of P ranks costs
  ceil(log2 P) alpha + (bytes that a rank receives) beta (recursive doubling; Thakur et al. 2005).
*/
#include <tenzo.h>
#include "../../src/loss/partition.h"

#define VALUES 11
#define BLOCK  5 /* -loss_block */

typedef struct {
  const char *name, *options;
  PetscInt    points;
} Case;

static PetscErrorCode Loss(const char *options, PetscInt points, TzLoss *loss)
{
  char     all[512];
  PetscInt d;
  TzPDE    pde;
  TzNet    net;
  TzDeriv  deriv;

  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscSNPrintf(all, sizeof(all), "%s -loss_points %d", options, (int)points));
  PetscCall(PetscOptionsInsertString(NULL, all));
  PetscCall(TzPDECreate(PETSC_COMM_SELF, &pde));
  PetscCall(TzPDESetFromOptions(pde));
  PetscCall(TzPDESetUp(pde));
  PetscCall(TzPDEGetDim(pde, &d));
  PetscCall(TzNetCreate(PETSC_COMM_SELF, &net));
  PetscCall(TzNetSetIO(net, d + 1, 1));
  PetscCall(TzNetSetFromOptions(net));
  PetscCall(TzDerivCreate(PETSC_COMM_SELF, &deriv));
  PetscCall(TzDerivSetNet(deriv, net, NULL));
  PetscCall(TzDerivSetFromOptions(deriv));
  PetscCall(TzLossCreate(PETSC_COMM_SELF, loss));
  PetscCall(TzLossSetType(*loss, TZLOSSRESIDUAL));
  PetscCall(TzLossSetNet(*loss, net));
  PetscCall(TzLossSetProblem(*loss, pde, deriv));
  PetscCall(TzLossSetFromOptions(*loss));
  PetscCall(TzLossSetUp(*loss));
  PetscCall(TzDerivDestroy(&deriv));
  PetscCall(TzNetDestroy(&net));
  PetscCall(TzPDEDestroy(&pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* seconds of one value at this number of points: the fastest of some */
static PetscErrorCode Seconds(const char *options, PetscInt points, double *seconds, TzItems *work, PetscInt *nparams)
{
  TzLoss     loss;
  TzNet      net;
  TzDeriv    deriv;
  PetscReal *theta, l0, lp[10];
  PetscInt   d = 20;

  PetscFunctionBegin;
  PetscCall(Loss(options, points, &loss));
  PetscCall(TzLossGetNumParameters(loss, nparams));
  PetscCall(TzLossGetNet(loss, &net));
  PetscCall(PetscMalloc1(*nparams, &theta));
  PetscCall(TzNetInitialize(net, 0, theta));
  *seconds = PETSC_MAX_REAL;
  for (PetscInt r = 0; r < 7; r++) {
    TzQueries q = {.direction = TZ_DIRECTION_GAUSSIAN, .mu = 0.01, .base = PETSC_TRUE, .n = 10, .seed = 1, .step = r};

    PetscCall(TzLossSample(loss, r));
    double t = MPI_Wtime();
    PetscCall(TzLossEvaluate(loss, theta, &q, &l0, lp, NULL));
    *seconds = PetscMin(*seconds, (MPI_Wtime() - t) / 11);
  }
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-pde_dim", &d, NULL));
  PetscCall(TzDerivCreate(PETSC_COMM_SELF, &deriv));
  PetscCall(TzDerivSetNet(deriv, net, NULL));
  PetscCall(TzDerivSetFromOptions(deriv));
  PetscCall(TzDerivGetNumBlocks(deriv, &work->nodeblocks));
  PetscCall(TzDerivDestroy(&deriv));
  work->partials = BLOCK * (d + 3);
  PetscCall(PetscFree(theta));
  PetscCall(TzLossDestroy(&loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Table(const Case *c, double latency, double bandwidth)
{
  static const PetscInt ranks[] = {1, 2, 4, 16, 64, 256, 1024, 4096, 10000};
  TzItems               work    = {.outer = VALUES, .inner = c->points / BLOCK};
  double                few, many, point, bind, one = 0;
  PetscInt              nparams;

  PetscFunctionBegin;
  PetscCall(Seconds(c->options, 10, &few, &work, &nparams));
  PetscCall(Seconds(c->options, 100, &many, &work, &nparams));
  point           = (many - few) / 90;
  bind            = PetscMax(0, few - 10 * point);
  work.evaluation = BLOCK * point / work.nodeblocks / 0.2e-6; /* in the units of partition.c */
  work.shared     = bind / 0.2e-6;
  PetscCall(PetscPrintf(PETSC_COMM_SELF,
                        "\n**%s**: %d parameters, %d points, 11 values, %d blocks of nodes; measured %.3g us a point, %.3g us a parameter vector\n\n", c->name,
                        (int)nparams, (int)c->points, (int)work.nodeblocks, 1e6 * point, 1e6 * bind));
  PetscCall(PetscPrintf(PETSC_COMM_SELF,
                        "| ranks | grid (items x nodes) | compute, ms | messages, ms | bytes sent | step, ms | efficiency |\n|---|---|---|---|---|---|---|\n"));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(ranks); i++) {
    const PetscInt P       = ranks[i];
    PetscInt       grid[2] = {1, 1}, busiest = 0;
    TzShare        s;
    double         compute = 0, bytes = 0, communicate = 0, log2p = PetscCeilReal(PetscLog2Real((PetscReal)P)), items = VALUES * work.inner;

    TzPartitionChoose(&work, P, grid);
    for (PetscInt r = 0; r < grid[0] * grid[1]; r++) { /* the busiest rank */
      double t;

      TzPartitionShare(&work, grid, r, &s);
      t = ((s.j1 - 1) / work.inner - s.j0 / work.inner + 1) * bind + BLOCK * (s.j1 - s.j0) * (s.k1 - s.k0) * point / work.nodeblocks;
      if (t > compute) {
        compute = t;
        busiest = r;
      }
    }
    TzPartitionShare(&work, grid, busiest, &s);
    if (P > 1) {
      bytes       = 8. * TzPartitionCount(&work, grid, busiest) + 8. * nparams / P;
      communicate = 2 * log2p * latency + 8 * (items + nparams) / bandwidth; /* losses, then parameters */
    }
    if (grid[1] > 1) {
      const double exchanged = 8. * (s.j1 - s.j0) * work.partials * (s.k1 - s.k0) * (grid[1] - 1) / grid[1];

      bytes += exchanged;
      communicate += (grid[1] - 1) * latency + exchanged / bandwidth;
    }
    if (P == 1) one = compute;
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "| %d | %d x %d | %.4g | %.4g | %.0f | %.4g | %.2f |\n", (int)P, (int)grid[0], (int)grid[1], 1e3 * compute,
                          1e3 * communicate, bytes, 1e3 * (compute + communicate), one / (P * (compute + communicate))));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const Case cases[] = {
    {"sparse grid, D = 21, tt r = 4", "-net_tt_rank 4 -deriv_type stein", 100},
    {"sparse grid, D = 21, tt r = 4, weak (more points)", "-net_tt_rank 4 -deriv_type stein", 10000},
    {"sparse grid, D = 101, tt r = 4", "-net_tt_rank 4 -deriv_type stein -pde_dim 100", 100},
    {"forward propagation, D = 21, tt r = 4", "-net_tt_rank 4 -deriv_type forward", 100},
  };
  PetscReal latency = 2e-6, bandwidth = 1e10;

  PetscFunctionBeginUser;
  PetscCall(TzInitialize(&argc, &argv, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-latency", &latency, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-bandwidth", &bandwidth, NULL));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "alpha = %g s, 1/beta = %g bytes/s\n", (double)latency, (double)bandwidth));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(cases); i++) PetscCall(Table(&cases[i], latency, bandwidth));
  PetscCall(TzFinalize());
  return 0;
}
