/*
  Start and end of a program.
*/
#include <tenzo.h>
#include <private/tzactivationimpl.h>
#include <private/tzkernels.h>

/*
  One thread a rank: several ranks share a node's cores, and a product must not depend on how many threads it was cut for.
  The library is loaded before main(), when its environment variables have been read; so it is told, unless the user decided.
*/
extern void openblas_set_num_threads(int) __attribute__((weak));

static void TzSingleThread(void)
{
  if (!getenv("OPENBLAS_NUM_THREADS") && !getenv("OMP_NUM_THREADS") && openblas_set_num_threads) openblas_set_num_threads(1);
  setenv("OMP_NUM_THREADS", "1", 0);
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
}

/* PETSc opens options files on rank 0 and would leave the other ranks waiting: look first, on every rank */
static PetscErrorCode TzCheckOptionsFiles(int argc, char *argv[])
{
  PetscFunctionBegin;
  for (int i = 1; i < argc; i++) {
    int readable = 0, rank;

    if (strcmp(argv[i], "-options_file")) continue;
    PetscCallMPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    if (!rank && i + 1 < argc) {
      FILE *f  = fopen(argv[i + 1], "r");
      readable = f && fgetc(f) != EOF;
      if (f) fclose(f);
    }
    PetscCallMPI(MPI_Bcast(&readable, 1, MPI_INT, 0, MPI_COMM_WORLD));
    PetscCheck(readable, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-options_file %s: cannot be read, or is empty", i + 1 < argc ? argv[i + 1] : "");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What neither PETSc nor an option takes: "tenzo solve foo" */
static PetscErrorCode TzCheckArguments(int argc, char *argv[])
{
  PetscBool value = PETSC_TRUE; /* whether the next word may be a value; the first is the verb */

  PetscFunctionBegin;
  for (int i = 1; i < argc; i++) {
    PetscBool key;
    PetscCall(PetscOptionsValidKey(argv[i], &key));
    PetscCheck(key || value, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "%s: neither an option nor the value of one", argv[i]);
    value = key;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRegisterAll(void)
{
  TzActivation act;

  PetscFunctionBegin;
  for (PetscInt i = 0; (act = TzActivationEach(i)); i++) PetscCall(TzTypeNote(act->name));
  PetscCall(TzRuleRegisterAll());
  PetscCall(TzPDERegisterAll());
  PetscCall(TzDerivRegisterAll());
  PetscCall(TzLossRegisterAll());
  PetscCall(TaoZORegisterAll());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  TzInitialize - PetscInitialize() with Tenzo's error handler; registers all types

  argc, argv: of main(); help: the text that -help prints first.
  Errors: PETSC_ERR_USER_INPUT for an options file that cannot be read, a word that is neither an option nor a value, or a value of TENZO_ISA in the
  environment (avx512, avx2, neon, base) that some rank's processor cannot run.
@*/
PetscErrorCode TzInitialize(int *argc, char ***argv, const char help[])
{
  int mpi, level;

  TzSingleThread();
  MPI_Initialized(&mpi);
  if (!mpi) MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level); /* here: an error inside PetscInitialize() needs the rank */
  PetscErrorHandlingInitialized = PETSC_TRUE;
  PetscFunctionBegin;
  PetscCall(PetscPushErrorHandler(TzErrorHandler, NULL)); /* before PetscInitialize(), and so for the life of the process */
  PetscCall(TzCheckOptionsFiles(*argc, *argv));
  PetscCall(PetscInitialize(argc, argv, NULL, help));
  PetscCall(TzCheckArguments(*argc, *argv));
  PetscCall(TzKernelsSetFromEnvironment(PETSC_COMM_WORLD));
  PetscCall(TzRegisterAll());
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFinalize(void)
{
  int over;

  PetscCall(PetscFinalize());
  MPI_Finalized(&over);
  if (!over) MPI_Finalize();
  return PETSC_SUCCESS;
}
