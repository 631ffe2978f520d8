/*
  For store.c (arrays in memory) and hdf5.c (the same in a file).
*/
#ifndef TZSTOREIMPL_H
#define TZSTOREIMPL_H

#include <tzfiles.h>

typedef enum { TZ_ITEM_REAL, TZ_ITEM_INT, TZ_ITEM_TEXT, TZ_ITEM_OTHER } TzItemType; /* other: of no use here, no data */

typedef struct {
  char       path[256];
  TzItemType type;
  PetscInt   rows, cols; /* text: rows = length with the final 0, cols = 0 */
  void      *data;
} TzItem;

struct _p_TzStore {
  MPI_Comm comm;
  char     file[PETSC_MAX_PATH_LEN]; /* where it was read from, for messages */
  PetscInt n, size;
  TzItem  *item;
};

/* data NULL: room is made, not filled */
PETSC_INTERN PetscErrorCode TzStorePut(TzStore store, const char path[], TzItemType type, PetscInt rows, PetscInt cols, const void *data, void **room);
PETSC_INTERN size_t         TzItemBytes(const TzItem *item);

/* file.c: all bytes through a pipe; FALSE where its other end is closed, or nothing comes within some seconds */
PETSC_INTERN PetscBool TzFileSend(int fd, const void *data, size_t size);
PETSC_INTERN PetscBool TzFileReceive(int fd, void *data, size_t size, int seconds);

#endif
