/*
  How every file is written: FILE.part first, forced to disk, then renamed to FILE.
*/
#include <tzfiles.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <unistd.h>

static PetscBool TzFileSync(const char name[], int flags)
{
  int fd = open(name, flags), err;

  if (fd < 0) return PETSC_FALSE;
  err = fsync(fd);
  return (PetscBool)(close(fd) == 0 && err == 0);
}

PetscBool TzFileCommit(const char file[])
{
  char part[PETSC_MAX_PATH_LEN + 8], dir[PETSC_MAX_PATH_LEN];

  snprintf(part, sizeof(part), "%s.part", file);
  snprintf(dir, sizeof(dir), "%s", file);
  return (PetscBool)(TzFileSync(part, O_RDWR) && !rename(part, file) && TzFileSync(dirname(dir), O_RDONLY));
}

PetscErrorCode TzFileCheckWritable(MPI_Comm comm, const char option[], const char file[])
{
  char        reason[256] = "", dir[PETSC_MAX_PATH_LEN];
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    PetscCall(PetscStrncpy(dir, file, sizeof(dir)));
    if (!file[0] || file[strlen(file) - 1] == '/') snprintf(reason, sizeof(reason), "not the name of a file");
    else if (access(dirname(dir), W_OK | X_OK)) snprintf(reason, sizeof(reason), "cannot be written (folder: %s)", strerror(errno));
    else if (!access(file, F_OK) && access(file, W_OK)) snprintf(reason, sizeof(reason), "cannot be written (%s)", strerror(errno));
  }
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, comm));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_WRITE, "%s %s: %s", option, file, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}
