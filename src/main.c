/*
  tenzo VERB [options]: finds the verb and runs it.
*/
#include "verb.h"
#include <signal.h>

static const struct {
  const char *name;
  PetscErrorCode (*run)(MPI_Comm, int *);
  const char *what;
} TzVerbs[] = {
  {"solve", TzVerbSolve, "train a network on a differential equation"},
  {"classify", TzVerbClassify, "train a classifier of images (MNIST)"},
  {"eval", TzVerbEval, "evaluate a trained network at given points or on test images"},
  {"simulate", TzVerbSimulate, "closed-loop paths of a control problem: what a feedback costs"},
  {"export", TzVerbExport, "write a trained network as C source, for machines without this library"},
  {"round", TzVerbRound, "give the trains of a trained network the smallest ranks that a tolerance allows"},
  {"pde", TzVerbPDE, "list the equations, or check one (-pde_type)"},
  {"grid", TzVerbGrid, "print or write the nodes of a quadrature rule"},
};

PetscErrorCode TzVerbReserve(MPI_Comm comm, const char output[], const char model[], const char points[], int *lock)
{
  PetscMPIInt rank, same = 0;
  PetscBool   checkpoint;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) same = model && TzFileSame(output, model) ? 1 : points && TzFileSame(output, points) ? 2 : 0;
  PetscCallMPI(MPI_Bcast(&same, 1, MPI_INT, 0, comm));
  PetscCheck(!same, comm, PETSC_ERR_USER_INPUT, "-tz_output %s: this is the file of %s", output, same == 1 ? "-tz_model" : "-tz_points");
  PetscCall(TzFileReserve(comm, "-tz_output", output, lock));
  PetscCall(TzCheckpointIs(comm, output, &checkpoint));
  PetscCheck(!checkpoint, comm, PETSC_ERR_USER_INPUT, "-tz_output %s: is a checkpoint; take another name", output);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzUsage(MPI_Comm comm)
{
  PetscFunctionBegin;
  PetscCall(PetscPrintf(comm, "tenzo: tensor-train physics-informed networks, trained from forward evaluations\n\nusage: tenzo VERB [options]\n\n"));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(TzVerbs); i++) PetscCall(PetscPrintf(comm, "  %-8s %s\n", TzVerbs[i].name, TzVerbs[i].what));
  PetscCall(PetscPrintf(comm, "\n  tenzo VERB -help      every option of the verb, with its unit and default\n"
                              "  tenzo --version       versions\n"
                              "  tenzo --help          this text\n\n"
                              "Options may also stand in a file (-options_file FILE) or in the environment (PETSC_OPTIONS).\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzVersion(MPI_Comm comm)
{
  char petsc[256], mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  int  len;

  PetscFunctionBegin;
  PetscCall(PetscGetVersion(petsc, sizeof(petsc)));
  PetscCallMPI(MPI_Get_library_version(mpi, &len));
  mpi[strcspn(mpi, ",\n")]     = 0;
  petsc[strcspn(petsc, ",\n")] = 0;
  PetscCall(PetscPrintf(comm, "tenzo %s (%s, %s)\n", TZ_VERSION, petsc, mpi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzDispatch(const char verb[], int *code)
{
  const MPI_Comm comm = PETSC_COMM_WORLD;

  PetscFunctionBegin;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(TzVerbs); i++) {
    if (strcmp(verb, TzVerbs[i].name)) continue;
    PetscCall((*TzVerbs[i].run)(comm, code));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!strcmp(verb, "--help") || !strcmp(verb, "-h")) PetscCall(TzUsage(comm));
  else if (!strcmp(verb, "--version")) PetscCall(TzVersion(comm));
  else
    SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s%sexpected: solve, classify, eval, simulate, export, round, pde, grid, --help or --version", verb,
            verb[0] ? ": unknown verb; " : "a verb is missing; ");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char          *verb = argc > 1 ? argv[1] : (char *)"";
  int            code = 0, few = 1;
  PetscBool      plain = PETSC_TRUE; /* the verb takes no options: PETSc must not see "--help" */
  PetscErrorCode ierr;
  sigset_t       early;

  /* batch jobs send SIGUSR1 at any time: before a run listens it waits (TzInterruptListen), after the end of the run it does nothing */
  sigemptyset(&early);
  sigaddset(&early, SIGUSR1);
  sigprocmask(SIG_BLOCK, &early, NULL);
  signal(SIGUSR1, SIG_IGN);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(TzVerbs); i++) plain = (PetscBool)(plain && strcmp(verb, TzVerbs[i].name));
  ierr = TzInitialize(plain ? &few : &argc, &argv, "tenzo VERB [options]: see tenzo --help\n");
  if (!ierr) ierr = TzDispatch(verb, &code);
  return TzExit(ierr, code);
}
