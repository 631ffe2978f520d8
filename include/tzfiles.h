/*
  Files. A TzStore is a set of named arrays that is written to, or was read from, one HDF5 file. A file is written beside
  its final name (FILE.part), forced to disk and renamed: whoever looks sees the old file or the new one, never a half.

  Reading and writing is done by rank 0 with the serial calls of HDF5; what is read is broadcast.
*/
#ifndef TZFILES_H
#define TZFILES_H

#include <tzsys.h>

typedef struct _p_TzStore *TzStore;

PETSC_EXTERN PetscErrorCode TzStoreCreate(MPI_Comm comm, TzStore *store);
PETSC_EXTERN PetscErrorCode TzStoreDestroy(TzStore *store);
/* path: as in the file, "/group/name"; the data are copied. Only those of rank 0 are written, the others' may be NULL. */
PETSC_EXTERN PetscErrorCode TzStorePutReal(TzStore store, const char path[], PetscInt rows, PetscInt cols,
                                           const PetscReal x[]);                                               /* x [rows][cols]; cols 0: [rows] */
PETSC_EXTERN PetscErrorCode TzStorePutInt(TzStore store, const char path[], PetscInt n, const PetscInt64 i[]); /* i [n] */
PETSC_EXTERN PetscErrorCode TzStorePutText(TzStore store, const char path[], const char text[]);
PETSC_EXTERN PetscErrorCode TzStoreHas(TzStore store, const char path[], PetscBool *has);
PETSC_EXTERN PetscErrorCode TzStoreGetPath(TzStore store, PetscInt i, const char *path[]); /* of array i, from 0; NULL where there are no more */
/* Pointers into the store, on every rank. Errors: PETSC_ERR_FILE_UNEXPECTED where there is no such array of this type. */
PETSC_EXTERN PetscErrorCode TzStoreGetReal(TzStore store, const char path[], PetscInt *rows, PetscInt *cols, const PetscReal *x[]);
PETSC_EXTERN PetscErrorCode TzStoreGetInt(TzStore store, const char path[], PetscInt *n, const PetscInt64 *i[]);
PETSC_EXTERN PetscErrorCode TzStoreGetText(TzStore store, const char path[], const char *text[]);
/*
  Collective. Errors: PETSC_ERR_FILE_WRITE, PETSC_ERR_FILE_OPEN, PETSC_ERR_FILE_READ. `option` is named in the message. Reading: `only` is the path of one
  array, or NULL for all; what is neither numbers [n], [n][m] nor a text of fixed length is known by its path alone. A file is data: external storage,
  external links and virtual data sets are refused, no filter is loaded; its arrays must not be larger than 64 MiB and 32 times the file.
*/
PETSC_EXTERN PetscErrorCode TzStoreWrite(TzStore store, const char option[], const char file[]);
PETSC_EXTERN PetscErrorCode TzStoreTryRead(MPI_Comm comm, const char file[], const char only[], TzStore *store, size_t len, char reason[]);
PETSC_EXTERN PetscErrorCode TzStoreRead(MPI_Comm comm, const char option[], const char file[], const char only[], TzStore *store);
/* The same without raising the error of a file that cannot be written: reason "" if it is written, equal on every rank */
PETSC_EXTERN PetscErrorCode TzStoreTryWrite(TzStore store, const char file[], size_t len, char reason[]);

/*
  Files as bytes. These two on one rank: FALSE with the reason where it fails; data of TzFileRead() are free()d by the caller and followed by a 0.
  Only regular files; never a half of one.
*/
PETSC_EXTERN PetscBool TzFileWrite(const char file[], const void *data, size_t size, size_t len, char reason[]);
PETSC_EXTERN PetscBool TzFileRead(const char file[], void **data, size_t *size, size_t len, char reason[]);
PETSC_EXTERN PetscBool TzFileSame(const char a[], const char b[]); /* two names of one file that exists */
/*
  Collective, PETSC_ERR_FILE_WRITE naming `option`. Reserve: whether a file can be written, before hours are spent on its content; nobody else writes it
  until Release (FILE.lock, which also the end of the process unlocks). Keep: what is there gets the name FILE~ as well (or FILE~2 ...; "": nothing was there).
*/
PETSC_EXTERN PetscErrorCode TzFileReserve(MPI_Comm comm, const char option[], const char file[], int *lock);
PETSC_EXTERN PetscErrorCode TzFileRelease(const char file[], int *lock);
PETSC_EXTERN PetscErrorCode TzFileKeep(MPI_Comm comm, const char option[], const char file[], char kept[PETSC_MAX_PATH_LEN]);

/*
  Points X [n][D] (PetscMalloced, equal on every rank) from HDF5 (/points) or text, D numbers a line. Collective. Errors:
  PETSC_ERR_FILE_READ, PETSC_ERR_FILE_UNEXPECTED (other columns, none, not finite).
*/
PETSC_EXTERN PetscErrorCode TzPointsRead(MPI_Comm comm, const char option[], const char file[], PetscInt D, PetscInt *n, PetscReal **X);

/*
  Named matrices: HDF5, arrays /NAME [rows][cols]; or text, NAME on a line, then one line of numbers a row (blanks or commas between, # starts a comment), rows
  without a name before them being the matrix `unnamed`. Collective; the store has them on every rank. Errors: PETSC_ERR_FILE_READ, PETSC_ERR_FILE_UNEXPECTED.

  TzMatricesGet: x [rows][*cols] of one, NULL where there is none of this name; *cols is 0 where any number will do, and returned. PETSC_ERR_USER_INPUT for
  other sizes and what is not finite.
*/
PETSC_EXTERN PetscErrorCode TzMatricesRead(MPI_Comm comm, const char option[], const char file[], const char unnamed[], TzStore *store);
PETSC_EXTERN PetscErrorCode TzMatricesGet(TzStore store, MPI_Comm comm, const char option[], const char name[], PetscInt rows, PetscInt *cols,
                                          const PetscReal *x[]);

/* A table that grows by rows, equal on every rank: the history of a run. In a file each column is one array PATH/NAME. */
#define TZ_TABLE_MAX 16
typedef struct {
  PetscInt   ncol, n, size;
  char      *name[TZ_TABLE_MAX];
  PetscReal *col[TZ_TABLE_MAX]; /* [n] each */
} TzTable;

PETSC_EXTERN PetscErrorCode TzTableCreate(PetscInt ncol, const char *const name[], TzTable *table);
PETSC_EXTERN PetscErrorCode TzTableDestroy(TzTable *table);
PETSC_EXTERN PetscErrorCode TzTableAppend(TzTable *table, const PetscReal row[]);
PETSC_EXTERN PetscErrorCode TzTablePut(const TzTable *table, TzStore store, const char path[]);
/* Replaces the rows. A table without columns takes all that the file has. Errors: PETSC_ERR_FILE_UNEXPECTED: a column is missing, or their lengths differ */
PETSC_EXTERN PetscErrorCode TzTableGet(TzTable *table, TzStore store, const char path[]);

/* FNV-1a, 64 bits, over the bytes of x[n] in order */
PETSC_EXTERN uint64_t TzChecksum(PetscInt n, const PetscReal x[]);
/* Of array i of a store, with its kind and shape; 0 for one that is known by its path alone. On rank 0, and for what was read on every rank. */
PETSC_EXTERN uint64_t TzStoreChecksum(TzStore store, PetscInt i);

#endif
