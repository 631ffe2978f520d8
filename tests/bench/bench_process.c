/*
  A device outside (-net_type process) against the built-in network of the same function: rows a second of tests/devices/dense.c, compiled here with $CC (cc)
  and driven through its pipes, of a dense 21-64-64-1 network; by blocks of 1, 100 and 10,000 rows between two bindings, the shortest of some passes. The
  built-in network is evaluated fast, and one row at a time (reference), which is what the device does with a row. One line of JSON for each block.
*/
#include <tenzo.h>
#include <petsctime.h>
#include <unistd.h>

#define D    21
#define MOST 10000

static PetscErrorCode Create(const char options[], const char command[], PetscReal theta[], TzNet *net, TzNetEval *eval)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  if (command) PetscCall(PetscOptionsSetValue(NULL, "-net_command", command));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(TzNetCreate(PETSC_COMM_SELF, net));
  PetscCall(TzNetSetIO(*net, D, 1));
  PetscCall(TzNetSetFromOptions(*net));
  PetscCall(TzNetSetUp(*net));
  PetscCall(TzNetInitialize(*net, 0, theta));
  PetscCall(TzNetEvalCreate(*net, eval));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows a second; each pass binds other parameters */
static PetscErrorCode Rate(TzNetEval eval, PetscReal theta[], PetscInt n, const PetscReal X[], double *rate)
{
  const int repeat = n > 1000 ? 1 : n > 10 ? 20 : 200;
  PetscReal Y[MOST];

  PetscFunctionBegin;
  *rate = 0;
  for (int pass = 0; pass < 10; pass++) {
    PetscLogDouble t0, t1;

    PetscCall(PetscTime(&t0));
    for (int k = 0; k < repeat; k++) {
      theta[0] += 1e-9;
      PetscCall(TzNetEvalBind(eval, theta));
      PetscCall(TzNetEvalForward(eval, n, X, Y));
    }
    PetscCall(PetscTime(&t1));
    *rate = PetscMax(*rate, (double)n * repeat / (t1 - t0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(const char command[])
{
  const char *kinds[3]    = {"-net_format dense -net_layers 64,64", "-net_format dense -net_layers 64,64 -net_evaluation reference", "-net_type process"};
  PetscReal   theta[8192] = {0}, *X;
  TzNet       net[3];
  TzNetEval   eval[3];
  PetscInt    nparams;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(MOST * D, &X));
  PetscCall(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, MOST * D, X));
  for (int k = 0; k < 3; k++) PetscCall(Create(kinds[k], k == 2 ? command : NULL, theta, &net[k], &eval[k]));
  PetscCall(TzNetGetNumParameters(net[2], &nparams));
  for (PetscInt n = 1; n <= MOST; n *= 100) {
    double rate[3];

    for (int k = 0; k < 3; k++) PetscCall(Rate(eval[k], theta, n, X, &rate[k]));
    PetscCall(PetscPrintf(PETSC_COMM_SELF,
                          "{\"name\": \"process device, %" PetscInt_FMT " parameters, blocks of %" PetscInt_FMT
                          " rows\", \"device_rows_per_s\": %.3g, \"builtin_reference\": %.3g, \"builtin_fast\": %.3g, \"ratio_to_reference\": %.3g, "
                          "\"ratio_to_fast\": %.3g}\n",
                          nparams, n, rate[2], rate[1], rate[0], rate[2] / rate[1], rate[2] / rate[0]));
  }
  for (int k = 0; k < 3; k++) {
    PetscCall(TzNetEvalDestroy(&eval[k]));
    PetscCall(TzNetDestroy(&net[k]));
  }
  PetscCall(PetscFree(X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char folder[] = "/tmp/tzbenchXXXXXX", command[1024];

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  PetscCheck(mkdtemp(folder), PETSC_COMM_SELF, PETSC_ERR_SYS, "no folder in /tmp");
  PetscCall(PetscSNPrintf(command, sizeof(command), "${CC:-cc} -O3 -march=native -ffp-contract=off tests/devices/dense.c -o %s/dense -lm", folder));
  PetscCheck(!system(command), PETSC_COMM_SELF, PETSC_ERR_SYS, "%s", command);
  PetscCall(PetscSNPrintf(command, sizeof(command), "%s/dense 64,64", folder));
  PetscCall(Run(command));
  PetscCall(PetscSNPrintf(command, sizeof(command), "rm -rf %s", folder));
  PetscCheck(!system(command), PETSC_COMM_SELF, PETSC_ERR_SYS, "%s", command);
  return TzFinalize() ? 1 : 0;
}
