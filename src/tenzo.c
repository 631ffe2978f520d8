/*
  Start and end of a program.
*/
#include <tenzo.h>
#include <private/tzactivationimpl.h>
#include <private/tzkernels.h>
#include "sys/startup.h"
#include <dlfcn.h>
#include <signal.h>

/*
  One thread a rank: several ranks share a node's cores, and a product must not depend on how many threads it was cut for.
  The library is loaded before main(), when its environment variables have been read; so it is told, unless the user decided.
*/
static void TzSingleThread(void)
{
  void (*set_num_threads)(int);

  *(void **)&set_num_threads = dlsym(RTLD_DEFAULT, "openblas_set_num_threads"); /* PETSc may have another BLAS */
  if (!getenv("OPENBLAS_NUM_THREADS") && !getenv("OMP_NUM_THREADS") && set_num_threads) set_num_threads(1);
  setenv("OMP_NUM_THREADS", "1", 0);
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
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

/* What TzInitialize() has started, and TzFinalize() ends */
static struct {
  PetscBool running, handler, petsc, mpi;
} Tz;

static PetscErrorCode TzStartPetsc(int *argc, char ***argv, const char help[])
{
  static char *nothing[] = {NULL};
  const int    n         = argc && argv ? *argc : 0;
  char *const *words     = n ? *argv : nothing;

  PetscFunctionBegin;
  if (!Tz.handler) PetscCall(PetscPushErrorHandler(TzErrorHandler, NULL)); /* before PetscInitialize(), and so for the life of the process */
  Tz.handler = PETSC_TRUE;
  PetscCall(TzStartupCheck(n, (char **)words));
  PetscCall(PetscInitialize(argc, argv, NULL, help));
  Tz.petsc = PETSC_TRUE;
  signal(SIGPIPE, SIG_IGN); /* a closed standard output is found by TzExit(), when the run is done and kept */
  PetscCall(TzCheckArguments(n, (char **)words));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  TzInitialize - PetscInitialize() with Tenzo's error handler; registers all types

  argc, argv: of main(), or NULL; help: the text that -help prints first.
  Where MPI or PETSc run already they are used as they are, and TzFinalize() leaves them running. A second call does nothing.
  Errors: PETSC_ERR_USER_INPUT for an options file that cannot be read, a word that is neither an option nor a value, a file of PETSc's
  (-log_view, -history ...) that cannot be written, or a value of TENZO_ISA in the environment (avx512, avx2, neon, base) that some rank's processor
  cannot run; PETSC_ERR_ORDER where MPI has been finalized.
@*/
PetscErrorCode TzInitialize(int *argc, char ***argv, const char help[])
{
  int mpi, over, level;

  if (Tz.running) return PETSC_SUCCESS;
  TzSingleThread();
  MPI_Finalized(&over);
  if (over) {
    fprintf(stderr, "TzInitialize(): MPI has been finalized, it cannot start again\n");
    return PETSC_ERR_ORDER;
  }
  MPI_Initialized(&mpi);
  if (!mpi) MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level); /* here: an error inside PetscInitialize() needs the rank */
  Tz.mpi                        = (PetscBool)!mpi;
  PetscErrorHandlingInitialized = PETSC_TRUE;
  PetscFunctionBegin;
  if (!PetscInitializeCalled) PetscCall(TzStartPetsc(argc, argv, help));
  else PetscCall(PetscPushErrorHandler(TzErrorHandler, NULL));
  Tz.running = PETSC_TRUE;
  PetscCall(TzKernelsSetFromEnvironment(PETSC_COMM_WORLD));
  PetscCall(TzRegisterAll());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  TzFinalize - ends what TzInitialize() started: PETSc and MPI, unless they ran before; collective

  All objects are destroyed before. PETSC_ERR_ORDER where TzInitialize() has not been called, or TzFinalize() has.
@*/
PetscErrorCode TzFinalize(void)
{
  const PetscBool petsc = Tz.petsc, mpi = Tz.mpi;
  PetscErrorCode  ierr = PETSC_SUCCESS;
  int             over;

  if (!Tz.running && !petsc) {
    fprintf(stderr, "TzFinalize(): Tenzo is not running: TzInitialize() comes first\n");
    return PETSC_ERR_ORDER;
  }
  Tz.running = Tz.petsc = Tz.mpi = PETSC_FALSE;
  if (petsc) ierr = PetscFinalize();
  else if (PetscInitializeCalled) ierr = PetscPopErrorHandler();
  MPI_Finalized(&over);
  if (mpi && !over) MPI_Finalize();
  return ierr;
}

/* What could not be printed, because a pipe was closed or a disk is full, is a mistake of the user's that is found at last */
static int TzCheckOutput(void)
{
  if (!fflush(stdout) && !ferror(stdout)) return 0;
  fprintf(stderr, "tenzo: error: " TZ_STDOUT_LOST "\n");
  return TZ_EXIT_USER;
}

int TzExit(PetscErrorCode ierr, int code)
{
  int mpi, over;

  if (ierr) code = TzErrorExitCode(ierr);
  if (PetscInitializeCalled && TzFinalize() && !code) code = TzErrorExitCode(PETSC_SUCCESS);
  MPI_Initialized(&mpi);
  MPI_Finalized(&over);
  if (mpi && !over) MPI_Finalize(); /* an error inside PetscInitialize */
  return code ? code : TzCheckOutput();
}
