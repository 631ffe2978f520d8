/*
  Tables of named things that are not the types of a class: activations, formats, shells. A table is one static TzTable: the rows of its file, and what
  plug-ins add. It outlives PetscFinalize(), so that a program may begin again.
*/
#ifndef TZTABLEIMPL_H
#define TZTABLEIMPL_H

#include <tzsys.h>

#define TZ_TABLE_ROWS 32

typedef struct {
  const char *what; /* "format": for errors */
  struct {
    const char *name;
    const void *thing;
  } rows[TZ_TABLE_ROWS]; /* those with a name come first */
} TzTable;

/* The row of this name, or the first free one, or TZ_TABLE_ROWS where there is neither. Not collective; so the next */
PETSC_INTERN PetscInt TzTableIndex(const TzTable *table, const char name[]);
/* A row more; nothing, if the same thing has this name already. PETSC_ERR_ARG_WRONG if another has; PETSC_ERR_ARG_OUTOFRANGE if the table is full */
PETSC_INTERN PetscErrorCode TzTableAdd(TzTable *table, const char name[], const void *thing);
/* Row i, in the order of the file and of registration; NULL: no more */
#define TzTableEach(table, i) ((i) < TZ_TABLE_ROWS ? (table)->rows[i].thing : NULL)
/* The name of a thing of the table */
PETSC_INTERN const char *TzTableName(const TzTable *table, const void *thing);
/* The thing of this name; otherwise PETSC_ERR_USER_INPUT, naming the option and all names. Collective in its error */
PETSC_INTERN PetscErrorCode TzTableFind(const TzTable *table, MPI_Comm comm, const char option[], const char name[], const void **thing);
/* All names are those of types (TzTypeNote) */
PETSC_INTERN PetscErrorCode TzTableNote(const TzTable *table);

#endif
