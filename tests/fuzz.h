/* What the programs share that give files to their readers: a generator, and a reader whose every error must be a user's. On any number of ranks. */
#ifndef FUZZ_H
#define FUZZ_H

#include <tenzo.h>
#include <signal.h>
#include <unistd.h>

static PetscErrorCode code; /* of the first error raised since it was 0 */

static PetscErrorCode Listen(MPI_Comm comm, int line, const char *fun, const char *source, PetscErrorCode n, PetscErrorType p, const char *mess, void *ctx)
{
  (void)comm, (void)line, (void)source, (void)mess, (void)ctx;
  if (p == PETSC_ERROR_INITIAL && !code) code = fun && !strncmp(fun, "PetscOptions", 12) ? PETSC_ERR_USER_INPUT : n;
  return n;
}

/* The next number below n of a generator that is the same everywhere (xorshift, Marsaglia 2003) */
static uint64_t state;
static unsigned Next(unsigned n)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 20) % n;
}

static void Begin(uint64_t seed)
{
  state = seed * 0x9e3779b97f4a7c15u + 1;
  for (int i = 0; i < 8; i++) (void)Next(2);
}

static int Rank(void)
{
  int rank;

  (void)MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  return rank;
}

/* name [PETSC_MAX_PATH_LEN]: of a file of this run's own */
static void Name(char name[], const char work[], const char suffix[])
{
  int id = (int)getpid();

  (void)MPI_Bcast(&id, 1, MPI_INT, 0, PETSC_COMM_WORLD);
  snprintf(name, PETSC_MAX_PATH_LEN, "%.4000s/fuzz-%d.%s", work, id, suffix);
}

/* Whether the reader refuses; adds to the faults where it does so with another error than a user's, or on some ranks only. A hang ends the program */
static int Refused(PetscErrorCode (*reader)(void), int seed, int which, PetscInt *faults)
{
  int own[2], all[2], size;

  (void)MPI_Barrier(PETSC_COMM_WORLD);
  code = 0;
  PetscPushErrorHandler(Listen, NULL);
  alarm(60);
  own[0] = (*reader)() != 0;
  own[1] = own[0] && code != PETSC_ERR_USER_INPUT && code != PETSC_ERR_ARG_UNKNOWN_TYPE && (code < PETSC_ERR_FILE_OPEN || code > PETSC_ERR_FILE_UNEXPECTED);
  (void)MPI_Allreduce(own, all, 2, MPI_INT, MPI_SUM, PETSC_COMM_WORLD);
  alarm(0);
  PetscPopErrorHandler();
  (void)MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (all[1] || all[0] % size) {
    fprintf(stderr, "seed %d, reader %d: error %d, on %d of %d ranks\n", seed, which, (int)code, all[0], size);
    ++*faults;
  }
  return all[0] > 0;
}

static int End(const char name[], PetscInt tries, PetscInt read, PetscInt refused, PetscInt faults)
{
  const int rank = Rank();

  if (!rank) fprintf(stderr, "%s: tries=%d read=%d refused=%d faults=%d\n", name, (int)tries, (int)read, (int)refused, (int)faults);
  return TzFinalize() || faults ? 1 : 0;
}

#endif
