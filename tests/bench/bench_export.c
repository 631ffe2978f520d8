/*
  An exported model against the library: one evaluation with its gradient at one point, of the main job's network (hjb, d = 20, 768,768, tt, rank 4). The C file
  is compiled here, with $CC (cc), and called through dlopen(); the shortest of ten passes of each counts.
*/
#include <tenzo.h>
#include <dlfcn.h>
#include <petsctime.h>
#include <unistd.h>

typedef double (*Gradient)(const double z[], double grad[], double work[]);

static PetscErrorCode WriteText(const char folder[], const char name[], const char text[])
{
  char  path[PETSC_MAX_PATH_LEN];
  FILE *f;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", folder, name));
  f = fopen(path, "w");
  PetscCheck(f && fputs(text, f) >= 0 && !fclose(f), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compile(const TzExport *x, const char options[], Gradient *gradient)
{
  char  folder[] = "/tmp/tzbenchXXXXXX", command[1024];
  void *library;

  PetscFunctionBegin;
  PetscCheck(mkdtemp(folder), PETSC_COMM_SELF, PETSC_ERR_SYS, "no folder in /tmp");
  PetscCall(WriteText(folder, "model.c", x->source));
  PetscCall(WriteText(folder, "model.h", x->header));
  PetscCall(PetscSNPrintf(command, sizeof(command), "cd %s && ${CC:-cc} -std=c99 %s -shared -fPIC model.c -o model.so -lm", folder, options));
  PetscCheck(!system(command), PETSC_COMM_SELF, PETSC_ERR_SYS, "%s", command);
  PetscCall(PetscSNPrintf(command, sizeof(command), "%s/model.so", folder));
  library = dlopen(command, RTLD_NOW);
  PetscCheck(library, PETSC_COMM_SELF, PETSC_ERR_LIB, "%s", dlerror());
  *(void **)gradient = dlsym(library, "model_gradient");
  PetscCall(PetscSNPrintf(command, sizeof(command), "rm -rf %s", folder));
  PetscCheck(!system(command), PETSC_COMM_SELF, PETSC_ERR_SYS, "%s", command);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Microseconds of one evaluation: the shortest of ten passes */
static PetscErrorCode Library(TzNetEval eval, TzPDE pde, const TzJetShape *shape, PetscReal z[], PetscReal jet[], double *best)
{
  const int repeat = 200;

  PetscFunctionBegin;
  *best = PETSC_MAX_REAL;
  for (int pass = 0; pass < 10; pass++) {
    PetscLogDouble t0, t1;

    PetscCall(PetscTime(&t0));
    for (int k = 0; k < repeat; k++) {
      z[0] += 1e-7;
      PetscCall(TzNetEvalJet(eval, 1, z, shape, jet));
      PetscCall(TzPDETransform(pde, 1, z, jet, jet));
    }
    PetscCall(PetscTime(&t1));
    *best = PetscMin(*best, (t1 - t0) / repeat * 1e6);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Exported(Gradient gradient, PetscReal z[], PetscReal grad[], PetscReal work[], double *best)
{
  const int repeat = 200;

  PetscFunctionBegin;
  *best = PETSC_MAX_REAL;
  for (int pass = 0; pass < 10; pass++) {
    PetscLogDouble t0, t1;

    PetscCall(PetscTime(&t0));
    for (int k = 0; k < repeat; k++) {
      z[0] += 1e-7;
      (void)gradient(z, grad, work);
    }
    PetscCall(PetscTime(&t1));
    *best = PetscMin(*best, (t1 - t0) / repeat * 1e6);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  static const char *const options[] = {"-O2", "-O3", "-O3 -march=native"};
  const TzJetShape        *shape;
  TzNet                    net;
  TzPDE                    pde;
  TzNetEval                eval;
  TzExport                 x;
  PetscInt                 n;
  PetscReal               *theta, *work, z[21], jet[23], grad[21];
  double                   library, exported;

  PetscFunctionBegin;
  PetscCall(TzPDECreate(PETSC_COMM_SELF, &pde));
  PetscCall(TzPDEGetJetShape(pde, &shape));
  PetscCall(TzNetCreate(PETSC_COMM_SELF, &net));
  PetscCall(TzNetSetIO(net, 21, 1));
  PetscCall(TzNetGetNumParameters(net, &n));
  PetscCall(PetscMalloc1(n, &theta));
  PetscCall(TzNetInitialize(net, 0, theta));
  PetscCall(TzNetEvalCreate(net, &eval));
  PetscCall(TzNetEvalBind(eval, theta));
  PetscCall(TzExportC(net, pde, theta, "bench_export", "model", PETSC_FALSE, &x));
  PetscCall(PetscMalloc1(x.work / (PetscInt64)sizeof(PetscReal), &work));
  for (int i = 0; i < 21; i++) z[i] = 0.3;
  PetscCall(Library(eval, pde, shape, z, jet, &library));
  for (int k = 0; k < 3; k++) {
    Gradient gradient = NULL;

    PetscCall(Compile(&x, options[k], &gradient));
    PetscCall(Exported(gradient, z, grad, work, &exported));
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "export: value and gradient, %s: %.1f us; library: %.1f us; ratio %.2f\n", options[k], exported, library,
                          exported / library));
  }
  PetscCall(PetscFree(work));
  PetscCall(TzExportReset(&x));
  PetscCall(TzNetEvalDestroy(&eval));
  PetscCall(PetscFree(theta));
  PetscCall(TzNetDestroy(&net));
  PetscCall(TzPDEDestroy(&pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscErrorCode ierr = TzInitialize(&argc, &argv, NULL);

  if (!ierr) ierr = Run();
  return TzExit(ierr, 0);
}
