/*
  Errors. A user's mistake is one line from rank 0, without a trace; every other error keeps PETSc's trace.

  PETSc's own complaints about an option ("Input string abc has no integer value") do not say which option they are
  about: the handler finds it in the options database by its value.
*/
#include <tzsys.h>
#include "startup.h"
#include <petsc/private/petscimpl.h>
#include <ctype.h>
#include <unistd.h>

static PetscBool TzErrorIsUsers  = PETSC_FALSE; /* kind of the last error raised */
static PetscBool TzErrorIsSignal = PETSC_FALSE; /* it is none: somebody wanted the end */
static char      TzErrorLine[2048];

/* Whether `word` occurs in `text`, not as a part of a longer word */
static PetscBool TzHasWord(const char text[], const char word[])
{
  const size_t len = strlen(word);

  for (const char *s = strstr(text, word); len && s; s = strstr(s + 1, word)) {
    const char before = s == text ? ' ' : s[-1], after = s[len];
    if (!isalnum((unsigned char)before) && !isalnum((unsigned char)after)) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* "-name value" of the options already read whose value the message mentions (or one entry of it); "" if there is none */
static void TzErrorFindOption(const char mess[], size_t n, char option[])
{
  char *all = NULL, *save = NULL, entry[128] = "";

  option[0] = 0;
  sscanf(mess, "Input string %127s has no", entry);
  if (!PetscInitializeCalled || PetscOptionsGetAll(NULL, &all)) return;
  for (char *s = strtok_r(all, " ", &save), *next; s; s = next) {
    PetscBool used = PETSC_FALSE, key = PETSC_FALSE;
    next = strtok_r(NULL, " ", &save);
    if (s[0] != '-' || !next || PetscOptionsValidKey(next, &key) || key || (!TzHasWord(mess, next) && !TzHasWord(next, entry))) continue;
    if (PetscOptionsUsed(NULL, s + 1, &used) || !used) continue;
    snprintf(option + strlen(option), n - strlen(option), "%s%s %s", option[0] ? " or " : "", s, next);
  }
  PetscFree(all);
}

/* Whatever asked for it, memory that is not there is no fault of the program. (Debian's PETSc raises it by no code of its own.) */
static PetscBool TzErrorIsMemory(PetscErrorCode n, const char fun[])
{
  return (PetscBool)(n == PETSC_ERR_MEM || (fun && !strncmp(fun, "PetscMalloc", 11)));
}

static PetscBool TzErrorIsUsersMistake(PetscErrorCode n, const char fun[])
{
  if (TzErrorIsMemory(n, fun)) return PETSC_TRUE;
  switch ((int)n) {
  case PETSC_ERR_USER_INPUT:
  case PETSC_ERR_FILE_OPEN:
  case PETSC_ERR_FILE_READ:
  case PETSC_ERR_FILE_WRITE:
  case PETSC_ERR_FILE_UNEXPECTED:
  case PETSC_ERR_ARG_UNKNOWN_TYPE: return PETSC_TRUE;
  default: return (PetscBool)(fun && (!strncmp(fun, "PetscOptions", 12) || strstr(fun, "YAML")));
  }
}

PetscErrorCode TzErrorHandler(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n, PetscErrorType p, const char *mess, void *ctx)
{
  char        option[512] = "";
  int         rank        = 0, mpi;
  const char *text        = mess ? mess : "";

  if (p == PETSC_ERROR_INITIAL) TzErrorIsUsers = TzErrorIsUsersMistake(n, fun);
  if (!TzErrorIsUsers) return PetscTraceBackErrorHandler(comm, line, fun, file, n, p, mess, ctx);
  if (p != PETSC_ERROR_INITIAL) return n;
  if (fun && strstr(fun, "YAML")) snprintf(option, sizeof(option), "options in YAML");
  else if (fun && !strncmp(fun, "PetscDL", 7)) snprintf(option, sizeof(option), "-dll_append");
  else if (text[0] != '-' && n != PETSC_ERR_USER_INPUT && !TzErrorIsMemory(n, fun)) TzErrorFindOption(text, sizeof(option), option);
  if (TzErrorIsMemory(n, fun)) {
    PetscLogDouble bytes = 0;

    (void)PetscMemoryGetCurrentUsage(&bytes);
    snprintf(option, sizeof(option), "out of memory (%.0f MiB are in use)", bytes / 1048576);
  }
  if (ferror(stdout) && !strncmp(text, "fprintf() returned", 18)) option[0] = 0, text = TZ_STDOUT_LOST; /* PetscPrintf() of newer releases */
  snprintf(TzErrorLine, sizeof(TzErrorLine), "tenzo: error: %s%s%s", option, option[0] ? ": " : "", text);
  for (char *s = TzErrorLine; *s; s++) {
    if (*s == '\n') *s = ' ';
  }
  MPI_Initialized(&mpi);
  if (mpi) MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) fprintf(stderr, "%s\n", TzErrorLine);
  return n;
}

/*
  A user's mistake is raised on every rank, so all of them come here and may finalize. Should one rank have raised it
  alone, the others wait in some other collective call: then only an abort ends the job.
*/
static PetscBool TzErrorIsCollective(void)
{
  MPI_Request request;
  int         done = 0, rank;

  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  for (int i = 0; i < 500 && !done; i++) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (!done) usleep(10000);
  }
  if (done) return PETSC_TRUE;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank) fprintf(stderr, "%s\n", TzErrorLine);
  return PETSC_FALSE;
}

PetscErrorCode TzInterruptRaise(MPI_Comm comm, const char what[])
{
  PetscFunctionBegin;
  TzErrorIsSignal = PETSC_TRUE;
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "stopped by a signal during %s; nothing was written", what);
}

int TzErrorExitCode(PetscErrorCode ierr)
{
  const int code = TzErrorIsSignal ? TZ_EXIT_STOPPED : TzErrorIsUsers ? TZ_EXIT_USER : TZ_EXIT_INTERNAL;
  int       mpi;

  MPI_Initialized(&mpi);
  if (ierr && mpi && (!TzErrorIsUsers || !TzErrorIsCollective())) MPI_Abort(MPI_COMM_WORLD, code);
  return code;
}
