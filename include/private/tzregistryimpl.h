/*
  Named things that are not the types of a class: activations, formats, shells. A registry is one static TzRegistry: the rows of its file, and what
  plug-ins add. It outlives PetscFinalize(), so that a program may begin again.
*/
#ifndef TZREGISTRYIMPL_H
#define TZREGISTRYIMPL_H

#include <tzsys.h>

#define TZ_REGISTRY_ROWS 32

typedef struct {
  const char *what; /* "format": for errors */
  struct {
    const char *name;
    const void *thing;
  } rows[TZ_REGISTRY_ROWS]; /* those with a name come first */
} TzRegistry;

/* The row of this name, or the first free one, or TZ_REGISTRY_ROWS where there is neither. Not collective; so the next */
PETSC_INTERN PetscInt TzRegistryIndex(const TzRegistry *registry, const char name[]);
/* A row more; nothing, if the same thing has this name already. PETSC_ERR_ARG_WRONG if another has; PETSC_ERR_ARG_OUTOFRANGE if there is no room */
PETSC_INTERN PetscErrorCode TzRegistryAdd(TzRegistry *registry, const char name[], const void *thing);
/* Row i, in the order of the file and of registration; NULL: no more */
#define TzRegistryEach(registry, i) ((i) < TZ_REGISTRY_ROWS ? (registry)->rows[i].thing : NULL)
/* The name of a thing of the registry */
PETSC_INTERN const char *TzRegistryName(const TzRegistry *registry, const void *thing);
/* The thing of this name; otherwise PETSC_ERR_USER_INPUT, naming the option and all names. Collective in its error */
PETSC_INTERN PetscErrorCode TzRegistryFind(const TzRegistry *registry, MPI_Comm comm, const char option[], const char name[], const void **thing);
/* All names are those of types (TzTypeNote) */
PETSC_INTERN PetscErrorCode TzRegistryNote(const TzRegistry *registry);

#endif
