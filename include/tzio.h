/*
  Files. A TzStore is a set of named arrays that is written to, or was read from, one HDF5 file. A file is written beside
  its final name (FILE.part), forced to disk and renamed: whoever looks sees the old file or the new one, never a half.

  Reading and writing is done by rank 0 with the serial calls of HDF5; what is read is broadcast.
*/
#ifndef TZIO_H
#define TZIO_H

#include <tzzo.h>

typedef struct _p_TzStore *TzStore;

PETSC_EXTERN PetscErrorCode TzStoreCreate(MPI_Comm comm, TzStore *store);
PETSC_EXTERN PetscErrorCode TzStoreDestroy(TzStore *store);
/* path: as in the file, "/group/name"; the data are copied. Only those of rank 0 are written, the others' may be NULL. */
PETSC_EXTERN PetscErrorCode TzStorePutReal(TzStore store, const char path[], PetscInt rows, PetscInt cols,
                                           const PetscReal x[]);                                               /* x [rows][cols]; cols 0: [rows] */
PETSC_EXTERN PetscErrorCode TzStorePutInt(TzStore store, const char path[], PetscInt n, const PetscInt64 i[]); /* i [n] */
PETSC_EXTERN PetscErrorCode TzStorePutText(TzStore store, const char path[], const char text[]);
PETSC_EXTERN PetscErrorCode TzStoreHas(TzStore store, const char path[], PetscBool *has);
/* Pointers into the store, on every rank. Errors: PETSC_ERR_FILE_UNEXPECTED where there is no such array of this type. */
PETSC_EXTERN PetscErrorCode TzStoreGetReal(TzStore store, const char path[], PetscInt *rows, PetscInt *cols, const PetscReal *x[]);
PETSC_EXTERN PetscErrorCode TzStoreGetInt(TzStore store, const char path[], PetscInt *n, const PetscInt64 *i[]);
PETSC_EXTERN PetscErrorCode TzStoreGetText(TzStore store, const char path[], const char *text[]);
/* Collective. Errors: PETSC_ERR_FILE_WRITE, PETSC_ERR_FILE_OPEN, PETSC_ERR_FILE_READ. `option` is named in the message. */
PETSC_EXTERN PetscErrorCode TzStoreWrite(TzStore store, const char option[], const char file[]);
PETSC_EXTERN PetscErrorCode TzStoreRead(MPI_Comm comm, const char option[], const char file[], TzStore *store);
/* Whether a file could be written, before hours are spent on its content. Collective. */
PETSC_EXTERN PetscErrorCode TzFileCheckWritable(MPI_Comm comm, const char option[], const char file[]);
/* FILE.part, complete and closed, becomes FILE; FALSE (and errno) where that fails. On one rank. */
PETSC_EXTERN PetscBool TzFileCommit(const char file[]);

/*
  Points X [n][D] (PetscMalloced, equal on every rank) from HDF5 (/points) or text, D numbers a line. Collective. Errors:
  PETSC_ERR_FILE_READ, PETSC_ERR_FILE_UNEXPECTED (other columns, none, not finite).
*/
PETSC_EXTERN PetscErrorCode TzPointsRead(MPI_Comm comm, const char option[], const char file[], PetscInt D, PetscInt *n, PetscReal **X);

/* A table that grows by rows, equal on every rank: the history of a run. In a file each column is one array PATH/NAME. */
#define TZ_TABLE_MAX 8
typedef struct {
  PetscInt    ncol, n, size;
  const char *name[TZ_TABLE_MAX];
  PetscReal  *col[TZ_TABLE_MAX]; /* [n] each */
} TzTable;

PETSC_EXTERN PetscErrorCode TzTableCreate(PetscInt ncol, const char *const name[], TzTable *table); /* the names are not copied */
PETSC_EXTERN PetscErrorCode TzTableDestroy(TzTable *table);
PETSC_EXTERN PetscErrorCode TzTableAppend(TzTable *table, const PetscReal row[]);
PETSC_EXTERN PetscErrorCode TzTablePut(const TzTable *table, TzStore store, const char path[]);
PETSC_EXTERN PetscErrorCode TzTableGet(TzTable *table, TzStore store, const char path[]); /* replaces the rows */

/*
  A checkpoint: everything that a run needs to go on, bit by bit as if it had never stopped, on any number of ranks; and
  all that `tenzo eval` needs to rebuild the problem. Datasets:
    /format /versions/{tenzo,petsc,hdf5,mpi}  text
    /options /net /pde                        text: an options file, the views of the network and of the equation
    /mask                                     int: trained weights of a sparse network
    /theta                                    parameters [n], /checksum their checksum (text)
    /step /seed /counts                       int: steps done, seed, {queries, forwards, bytes}
    /solver/NAME                              state of the solver: vectors [n] and scalars [1]
    /history/{step,loss,lr,...}               one entry a step; /validation/{step,mse,...} one a validation
*/
typedef struct {
  PetscInt   step;
  PetscInt64 seed;
  TzCounts   counts;
  Vec        solution;
  TzZOState  solver;
  TzTable    history, validation;
  char      *options, *net, *pde; /* texts, PetscMalloced by the owner; only written */
  TzNet      sparse;              /* only written: its mask, if it has one; may be NULL */
} TzCheckpoint;

PETSC_EXTERN PetscErrorCode TzCheckpointWrite(const TzCheckpoint *c, const char option[], const char file[]);
/* The store of a checkpoint file, checked to be one and to be whole */
PETSC_EXTERN PetscErrorCode TzCheckpointOpen(MPI_Comm comm, const char option[], const char file[], TzStore *store);
/* Fills c, whose vectors, solver state and tables are already made, from the store */
PETSC_EXTERN PetscErrorCode TzCheckpointRestore(TzCheckpoint *c, TzStore store);

/* FNV-1a, 64 bits, over the bytes of x[n] in order */
PETSC_EXTERN uint64_t TzChecksum(PetscInt n, const PetscReal x[]);

#endif
