/*
  TzExportC: what it writes is compiled here (cc, without which the tests are skipped), called, and compared with the library: the feedback of control problems
  with TzControlEvaluate(). Formats, activations and equations: e2e_export.sh.
*/
#include <tenzo.h>
#include <dlfcn.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define OK(call) assert_int_equal((call), 0)

typedef double (*Feedback)(const double z[], double a[], double work[]);

static void WriteText(const char folder[], const char name[], const char text[])
{
  char  path[256];
  FILE *f;

  snprintf(path, sizeof(path), "%s/%s", folder, name);
  f = fopen(path, "w");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
}

/* The function model_control of the exported model */
static Feedback Compile(const TzExport *x)
{
  char  folder[] = "/tmp/tzexportXXXXXX", command[512];
  void *library, *function;

  assert_non_null(mkdtemp(folder));
  WriteText(folder, "model.c", x->source);
  WriteText(folder, "model.h", x->header);
  snprintf(command, sizeof(command), "cd %s && cc -std=c99 -pedantic -Wall -Wextra -Werror -O1 -ffp-contract=off -shared -fPIC model.c -o model.so -lm",
           folder);
  assert_int_equal(system(command), 0);
  snprintf(command, sizeof(command), "%s/model.so", folder);
  library = dlopen(command, RTLD_NOW);
  assert_non_null(library);
  function = dlsym(library, "model_control");
  assert_non_null(function);
  snprintf(command, sizeof(command), "rm -rf %s", folder);
  assert_int_equal(system(command), 0);
  return *(Feedback *)&function;
}

/* Value and control at random points, relative to 1 + their size */
static void Compare(const char type[], const char options[], PetscReal tolerance)
{
  const TzControlParts *parts;
  const TzDomain       *domain;
  TzPDE                 pde;
  TzNet                 net;
  TzControl             control;
  TzExport              x;
  Feedback              feedback;
  PetscInt              n, d;
  PetscReal            *theta, *work, z[32], a[32], b[32], value;

  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, options));
  OK(TzPDECreate(PETSC_COMM_SELF, &pde));
  OK(TzPDESetType(pde, type));
  OK(TzPDESetFromOptions(pde));
  OK(TzPDEGetDim(pde, &d));
  OK(TzPDEGetDomain(pde, &domain));
  OK(TzPDEGetControl(pde, &parts));
  assert_non_null(parts);
  OK(TzNetCreate(PETSC_COMM_SELF, &net));
  OK(TzNetSetIO(net, d + 1, 1));
  OK(TzNetSetHidden(net, 2, (PetscInt[]){12, 10}));
  OK(TzNetGetNumParameters(net, &n));
  OK(PetscMalloc1(n, &theta));
  OK(TzNetInitialize(net, 3, theta));
  OK(TzExportC(net, pde, theta, "test", "model", PETSC_FALSE, &x));
  OK(PetscMalloc1(x.work / (PetscInt64)sizeof(PetscReal), &work));
  feedback = Compile(&x);
  OK(TzControlCreate(pde, net, &control));
  OK(TzControlBind(control, theta));
  for (PetscInt p = 0; p < 20; p++) {
    PetscReal mine;

    OK(TzRandomUniform(1, TZ_STREAM_VALIDATION, p, 0, 0, d + 1, z));
    z[d] *= domain->T;
    OK(TzControlEvaluate(control, 1, z, &value, NULL, a));
    mine = feedback(z, b, work);
    if (!(PetscAbsReal(mine - value) <= tolerance * (1 + PetscAbsReal(value)))) fail_msg("%s %s: value %.17g, not %.17g", type, options, mine, value);
    for (PetscInt j = 0; j < parts->m; j++)
      if (!(PetscAbsReal(a[j] - b[j]) <= tolerance * (1 + PetscAbsReal(a[j]))))
        fail_msg("%s %s: control %" PetscInt_FMT " %.17g, not %.17g", type, options, j, b[j], a[j]);
  }
  OK(TzControlDestroy(&control));
  OK(PetscFree(work));
  OK(TzExportReset(&x));
  OK(PetscFree(theta));
  OK(TzNetDestroy(&net));
  OK(TzPDEDestroy(&pde));
}

/* P(t) of the offset is a polynomial to what its table is good for, 1e-14 to 1e-12 (stiff) of its size, or (path) a table itself;
  the pendulum's terminal cost is differentiated by the library to 1e-9 */
static void TestFeedback(void **state)
{
  (void)state;
  if (system("cc --version >/dev/null 2>&1")) skip();
  Compare("lqr", "-pde_dim 5", 1e-13);
  Compare("lqr", "-pde_dim 5 -lqr_problem rod -pde_T 0.5", 1e-13);
  Compare("lqr", "-pde_dim 5 -lqr_problem rod -lqr_extension constant", 1e-13);
  Compare("quadrotor", "-pde_dim 12", 1e-12);
  Compare("quadrotor", "-pde_dim 12 -control_extension linear", 1e-11);
  Compare("agents", "-pde_dim 8 -control_extension linear", 1e-12);
  Compare("quadrotor", "-pde_dim 12 -control_extension path -control_extension_steps 50", 1e-11);
  Compare("agents", "-pde_dim 8 -control_extension path -control_extension_steps 30", 1e-11);
  Compare("pendulum", "", 1e-8);
  Compare("pendulum", "-pendulum_r 0", 1e-8);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestFeedback)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() ? 1 : failed;
}
