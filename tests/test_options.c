/* Recorded options: what objects declare is known, what nobody read is an error, texts keep and compare values. */
#include <tzsys.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char message[2048]; /* of the last error */

static PetscErrorCode Listen(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n, PetscErrorType p, const char *mess, void *ctx)
{
  (void)comm, (void)line, (void)fun, (void)file, (void)ctx;
  if (p == PETSC_ERROR_INITIAL) snprintf(message, sizeof(message), "%s", mess ? mess : "");
  return n;
}

/* An object with one option of each kind, under its own title (PETSc announces the options of a title once) */
static PetscErrorCode Declare(const char title[])
{
  PetscInt  dim = 20, layers[3] = {768, 768, 0}, n = 2;
  PetscReal sigma    = 0.1;
  PetscBool quiet    = PETSC_FALSE;
  char      modes[8] = "auto";

  PetscFunctionBegin;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, title, "None");
  PetscCall(TzOptionsInt("-pde_dim", "dimensions", "None", dim, &dim, NULL));
  PetscCall(TzOptionsReal("-stein_sigma", "deviation", "None", sigma, &sigma, NULL));
  PetscCall(TzOptionsIntArray("-net_layers", "widths", "None", layers, &n, NULL));
  PetscCall(TzOptionsString("-net_modes", "modes", "None", modes, modes, sizeof(modes), NULL));
  PetscCall(TzOptionsBool("-net_bias", "biases", "None", quiet, &quiet, NULL));
  PetscCall(TzOptionsBool("-tz_quiet", "not kept", "None", quiet, &quiet, NULL));
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The options of a run with these words on its command line */
static PetscErrorCode Run(const char title[], const char words[])
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, words));
  PetscCall(TzOptionsRecord());
  PetscCall(Declare(title));
  PetscCall(TzOptionsCheckUnused(PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void test_unused(void **state)
{
  PetscBool help;

  (void)state;
  assert_int_equal(Run("a", "-pde_dim 3 -log_view_memory 0 -options_left no"), 0);
  assert_int_equal(PetscOptionsHasHelp(NULL, &help), 0);
  assert_false(help); /* switched on for recording only */
  assert_int_equal(Run("b", "-pde_dimm 3"), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(message, "-pde_dimm 3"));
  assert_non_null(strstr(message, "nearest one is -pde_dim"));
  assert_int_equal(Run("c", "-stein_simga"), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(message, "nearest one is -stein_sigma"));
}

static void test_text(void **state)
{
  const char *expected[] = {"-pde_dim 3\n", "# -stein_sigma 0.1\n", "-net_layers 16,16\n", "# -net_modes auto\n", "-net_bias \n"};
  char       *text;
  PetscInt    dim = 0;
  PetscBool   set;

  (void)state;
  assert_int_equal(Run("d", "-pde_dim 3 -net_layers 16,16 -net_bias -tz_quiet"), 0);
  assert_int_equal(TzOptionsGetText(&text), 0);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(expected); i++) assert_non_null(strstr(text, expected[i]));
  assert_null(strstr(text, "tz_quiet"));

  /* into the database of another run: given ones only, and none that the user has set */
  assert_int_equal(PetscOptionsClear(NULL), 0);
  assert_int_equal(PetscOptionsSetValue(NULL, "-pde_dim", "4"), 0);
  assert_int_equal(TzOptionsInsertText(PETSC_COMM_WORLD, "-tz_model", "x.h5", text), 0);
  assert_int_equal(PetscOptionsGetInt(NULL, NULL, "-pde_dim", &dim, NULL), 0);
  assert_int_equal(dim, 4);
  assert_int_equal(PetscOptionsHasName(NULL, NULL, "-net_layers", &set), 0);
  assert_true(set);
  assert_int_equal(PetscOptionsHasName(NULL, NULL, "-stein_sigma", &set), 0);
  assert_false(set);
  PetscFree(text);
}

/* A text from elsewhere: only what defines a problem or a run is taken from it, whatever the case of its letters; nothing is put in before the whole is good */
static void test_foreign(void **state)
{
  static const char *const refused[] = {"citations",      "log_view",         "LOG_VIEW",     "Log_Summary",
                                        "malloc_dump",    "malloc",           "options_file", "dll_append",
                                        "net_view",       "Net_View",         "pde_view",     "tao_view",
                                        "TAO_MONITOR",    "tao_monitor",      "history",      "info",
                                        "tz_output",      "tz_resume",        "tz_model",     "mnist_dir",
                                        "tz_partition",   "Pde_dim",          "zo_view",      "loss_file",
                                        "on_error_abort", "tao_nls_ksp_type", "help",         "no_such_type_option",
                                        "net_monitor",    "start_in_debugger"};
  PetscBool                set;
  char                     text[128];

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(refused); i++) {
    assert_int_equal(PetscOptionsClear(NULL), 0);
    snprintf(text, sizeof(text), "-pde_dim 3\n-%s victim.txt\n", refused[i]);
    assert_int_equal(TzOptionsInsertText(PETSC_COMM_WORLD, "-tz_model", "x.h5", text), PETSC_ERR_FILE_UNEXPECTED);
    assert_non_null(strstr(message, refused[i]));
    assert_int_equal(PetscOptionsHasName(NULL, NULL, "-pde_dim", &set), 0);
    assert_false(set);
  }
  /* types that nobody has registered; options of types that somebody has */
  assert_int_equal(TzOptionsInsertText(PETSC_COMM_WORLD, "-tz_model", "x.h5", "# -pde_type nowhere\n"), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(message, "-tz_model x.h5: needs -pde_type nowhere, unknown here; a library registers it: give it by -dll_append"));
  assert_int_equal(TzOptionsInsertText(PETSC_COMM_WORLD, "-tz_model", "x.h5", "-somewhere_kappa 2\n"), PETSC_ERR_FILE_UNEXPECTED);
  assert_int_equal(TzTypeNote("somewhere"), 0);
  assert_int_equal(TzOptionsInsertText(PETSC_COMM_WORLD, "-tz_model", "x.h5", "-pde_type somewhere\n-somewhere_kappa 2\n-stein_sigma 0.2\n"), 0);
  assert_int_equal(PetscOptionsHasName(NULL, NULL, "-somewhere_kappa", &set), 0);
  assert_true(set);
  assert_int_equal(PetscOptionsClear(NULL), 0);
}

static PetscErrorCode Compare(const char text[], const char *const only[])
{
  return TzOptionsCompareText(PETSC_COMM_WORLD, text, only, "x.h5", NULL);
}

static void test_compare(void **state)
{
  static const char *const net[] = {"-net_", NULL};

  (void)state;
  assert_int_equal(Run("e", "-pde_dim 3 -net_layers 16,16 -net_bias"), 0);
  assert_int_equal(Compare("-pde_dim 3\n# -stein_sigma 1e-1\n-net_layers 16,16\n-net_bias true\n", NULL), 0); /* other words, the same values */
  assert_int_equal(Compare("-another_version 5\n-tao_max_it 7\n-tz_checkpoint_every 3\n", NULL), 0);          /* unknown, or free to change */
  assert_int_equal(Compare("-pde_dim 4\n", NULL), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(message, "-pde_dim 3: x.h5 was written with -pde_dim 4"));
  assert_int_equal(Compare("-pde_dim 4\n", net), 0);
  assert_int_equal(Compare("-net_layers 16,17\n", net), PETSC_ERR_USER_INPUT);
  assert_int_equal(Compare("-net_layers 16\n", net), PETSC_ERR_USER_INPUT);
  assert_int_equal(Compare("# -net_layers 16,16\n", net), 0);
  assert_int_equal(Compare("-net_bias 0\n", net), PETSC_ERR_USER_INPUT);
  assert_int_equal(Compare("-stein_sigma 0.10000001\n", NULL), PETSC_ERR_USER_INPUT);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_unused), cmocka_unit_test(test_text), cmocka_unit_test(test_foreign),
                                     cmocka_unit_test(test_compare)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  PetscPushErrorHandler(Listen, NULL);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  PetscPopErrorHandler();
  TzFinalize();
  return failed;
}
