/* Named matrices from HDF5 or text. */
#include <tzfiles.h>
#include <ctype.h>

/* The content of a text file on every rank (PetscMalloced), or NULL where it is HDF5 */
static PetscErrorCode ReadText(MPI_Comm comm, const char option[], const char file[], char **text)
{
  char        reason[256] = "";
  PetscMPIInt rank, length = 0; /* -1: HDF5 */
  void       *data = NULL;
  size_t      size = 0;

  PetscFunctionBegin;
  *text = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && TzFileRead(file, &data, &size, sizeof(reason), reason)) {
    if (size >= 4 && !memcmp(data, "\211HDF", 4)) length = -1;
    else if (size > 1000000000) snprintf(reason, sizeof(reason), "too long");
    else if (strlen((char *)data) != size) snprintf(reason, sizeof(reason), "neither HDF5 nor a text");
    else length = (PetscMPIInt)size;
  }
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, comm));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_READ, "%s %s: %s", option, file, reason);
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_INT, 0, comm));
  if (length >= 0) {
    PetscCall(PetscMalloc1(length + 1, text));
    if (!rank) PetscCall(PetscMemcpy(*text, data, size + 1));
    PetscCallMPI(MPI_Bcast(*text, length + 1, MPI_CHAR, 0, comm));
  }
  free(data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The matrix that is being read: name, rows x cols numbers */
typedef struct {
  char       name[64];
  PetscInt   rows, cols, size;
  PetscReal *x;
} Block;

static PetscErrorCode Finish(TzStore store, Block *b)
{
  char path[72];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "/%s", b->name));
  if (b->rows) PetscCall(TzStorePutReal(store, path, b->rows, b->cols, b->x));
  b->rows = b->cols = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One line without its comment: a row; FALSE for something else than numbers, or another number of them than before */
static PetscErrorCode Row(char line[], Block *b, PetscBool *good)
{
  PetscInt n = 0;

  PetscFunctionBegin;
  *good = PETSC_TRUE;
  for (char *s = line + strspn(line, " \t,\r"), *end; *s; s = end + strspn(end, " \t,\r"), n++) {
    const PetscInt at = b->rows * b->cols + n;
    const double   v  = strtod(s, &end);

    *good = (PetscBool)(*good && end > s && !PetscIsInfOrNanReal(v) && (!b->rows || n < b->cols));
    if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
    if (at >= b->size) {
      b->size = 2 * b->size + 256;
      PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)b->size, &b->x));
    }
    b->x[at] = v;
  }
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  if (!b->rows) b->cols = n;
  *good = (PetscBool)(n == b->cols);
  if (*good) b->rows++; /* a row that is too short has not all its numbers in x */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzMatricesRead(MPI_Comm comm, const char option[], const char file[], const char unnamed[], TzStore *store)
{
  Block     b = {.x = NULL};
  char     *text, *next;
  PetscInt  number = 0;
  PetscBool good   = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(ReadText(comm, option, file, &text));
  if (!text) {
    PetscCall(TzStoreRead(comm, option, file, NULL, store));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzStoreCreate(comm, store));
  PetscCall(PetscStrncpy(b.name, unnamed, sizeof(b.name)));
  for (char *line = text; line && good; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    number++;
    line[strcspn(line, "#")] = 0;
    line += strspn(line, " \t\r");
    if (isalpha((unsigned char)line[0]) && strncasecmp(line, "inf", 3) && strncasecmp(line, "nan", 3)) {
      PetscCall(Finish(*store, &b));
      line[strcspn(line, " \t\r")] = 0;
      PetscCall(PetscStrncpy(b.name, line, sizeof(b.name)));
    } else PetscCall(Row(line, &b, &good));
  }
  PetscCall(Finish(*store, &b));
  PetscCall(PetscFree(b.x));
  PetscCall(PetscFree(text));
  PetscCheck(good, comm, PETSC_ERR_FILE_UNEXPECTED,
             "%s %s: line %" PetscInt_FMT ": a matrix is its name on a line, then one line of numbers a row, all as long", option, file, number);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzMatricesGet(TzStore store, MPI_Comm comm, const char option[], const char name[], PetscInt rows, PetscInt *cols, const PetscReal *x[])
{
  PetscInt  r, c;
  PetscBool has;
  char      path[72];

  PetscFunctionBegin;
  *x = NULL;
  PetscCall(PetscSNPrintf(path, sizeof(path), "/%s", name));
  PetscCall(TzStoreHas(store, path, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStoreGetReal(store, path, &r, &c, x));
  if (!c) c = 1;
  PetscCheck(r == rows, comm, PETSC_ERR_USER_INPUT, "%s: the matrix %s has %" PetscInt_FMT " rows; must have %" PetscInt_FMT, option, name, r, rows);
  PetscCheck(!*cols || c == *cols, comm, PETSC_ERR_USER_INPUT, "%s: the matrix %s has %" PetscInt_FMT " columns; must have %" PetscInt_FMT, option, name, c,
             *cols);
  *cols = c;
  for (PetscInt i = 0; i < r * c; i++)
    PetscCheck(!PetscIsInfOrNanReal((*x)[i]), comm, PETSC_ERR_USER_INPUT, "%s: the matrix %s has an entry that is not finite", option, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}
