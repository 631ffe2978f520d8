/* Sizes that options ask for, before they are allocated. */
#include <tzsys.h>
#include <stdarg.h>
#include <unistd.h>

/* Bytes of memory that a rank may take: its part of the machine's */
static PetscErrorCode MemoryOfRank(MPI_Comm comm, PetscReal *bytes)
{
  MPI_Comm    node;
  PetscMPIInt ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &ranks));
  PetscCallMPI(MPI_Comm_free(&node));
  *bytes = (PetscReal)sysconf(_SC_PHYS_PAGES) * (PetscReal)sysconf(_SC_PAGESIZE) / ranks;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bytes, 1, MPIU_REAL, MPI_MIN, comm)); /* so that all ranks come to the same end */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzMemoryCheck(MPI_Comm comm, PetscReal numbers, const char what[], ...)
{
  const PetscReal bytes = numbers * (PetscReal)sizeof(PetscReal);
  PetscReal       memory;
  char            text[512];
  va_list         args;

  PetscFunctionBegin;
  if (bytes < 67108864) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MemoryOfRank(comm, &memory));
  if (bytes < memory) PetscFunctionReturn(PETSC_SUCCESS);
  va_start(args, what);
  vsnprintf(text, sizeof(text), what, args);
  va_end(args);
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s: needs %.3g GiB on every rank; a rank has %.3g GiB of this machine", text, (double)bytes / 1073741824,
          (double)memory / 1073741824);
}
