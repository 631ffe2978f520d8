/*
  Points from a file: HDF5 with the array /points [n][D], or text with D numbers a line (blanks or commas between, # starts
  a comment).
*/
#include <tzfiles.h>

#define COORDINATES "those of x and, where the equation has a time, t"

/* One line of text -> D numbers; the count of numbers found, -1 for something else */
static PetscInt TzPointsParseLine(char line[], PetscInt D, PetscReal x[])
{
  PetscInt n = 0;

  line[strcspn(line, "#")] = 0;
  for (char *s = line + strspn(line, " \t,\r"), *end; *s; s = end + strspn(end, " \t,\r"), n++) {
    const double v = strtod(s, &end);
    if (end == s) return -1;
    if (n < D) x[n] = v;
  }
  return n;
}

/* On rank 0. text: the file; reason: what is wrong with it, "" if nothing */
static PetscErrorCode TzPointsReadText(char text[], PetscInt D, PetscInt *n, PetscReal **X, size_t len, char reason[])
{
  PetscInt size = 0, found, number = 0;
  char    *next;

  PetscFunctionBegin;
  *n = 0;
  *X = NULL;
  for (char *line = text; line && !reason[0]; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    if (*n == size) {
      size = 2 * size + 1024;
      PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)size * (size_t)D, X));
    }
    found = TzPointsParseLine(line, D, *X + *n * D);
    number++;
    if (found == D) (*n)++;
    else if (found < 0) snprintf(reason, len, "line %" PetscInt_FMT ": not a number", number);
    else if (found) snprintf(reason, len, "line %" PetscInt_FMT ": %" PetscInt_FMT " numbers; must be %" PetscInt_FMT ", " COORDINATES, number, found, D);
    if (*n > PETSC_MPI_INT_MAX / D) snprintf(reason, len, "more than %d numbers", PETSC_MPI_INT_MAX);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPointsReadHDF5(MPI_Comm comm, const char option[], const char file[], PetscInt D, PetscInt *n, PetscReal **X)
{
  TzStore          store;
  const PetscReal *x;
  PetscInt         cols;

  PetscFunctionBegin;
  PetscCall(TzStoreRead(comm, option, file, "/points", &store));
  PetscCall(TzStoreGetReal(store, "/points", n, &cols, &x));
  PetscCheck(cols == D, comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: /points has %" PetscInt_FMT " columns; must be %" PetscInt_FMT ", " COORDINATES, option, file,
             cols, D);
  PetscCall(PetscMalloc1(*n * D, X));
  PetscCall(PetscArraycpy(*X, x, *n * D));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPointsRead(MPI_Comm comm, const char option[], const char file[], PetscInt D, PetscInt *n, PetscReal **X)
{
  char        reason[256] = "";
  void       *text        = NULL;
  size_t      size        = 0;
  PetscMPIInt rank, count;
  int         hdf5 = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    if (TzFileRead(file, &text, &size, sizeof(reason), reason)) hdf5 = size >= 4 && !memcmp(text, "\211HDF", 4);
    if (!reason[0] && !hdf5 && strlen((char *)text) != size) snprintf(reason, sizeof(reason), "neither HDF5 nor a text");
    if (!reason[0] && !hdf5) PetscCall(TzPointsReadText((char *)text, D, n, X, sizeof(reason), reason));
    free(text);
  }
  PetscCallMPI(MPI_Bcast(&hdf5, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, comm));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_READ, "%s %s: %s", option, file, reason);
  if (hdf5) PetscCall(TzPointsReadHDF5(comm, option, file, D, n, X));
  else {
    PetscCallMPI(MPI_Bcast(n, 1, MPIU_INT, 0, comm));
    if (rank) PetscCall(PetscMalloc1(*n * D, X));
    PetscCall(PetscMPIIntCast(*n * D, &count));
    PetscCallMPI(MPI_Bcast(*X, count, MPIU_REAL, 0, comm));
  }
  PetscCheck(*n > 0, comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: no points", option, file);
  for (PetscInt i = 0; i < *n * D; i++)
    PetscCheck(!PetscIsInfOrNanReal((*X)[i]), comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: point %" PetscInt_FMT " is not finite", option, file, i / D);
  PetscFunctionReturn(PETSC_SUCCESS);
}
