/*
  The recorded options, in the order in which they were declared.
*/
#ifndef TZOPTIONLIST_H
#define TZOPTIONLIST_H

#include <tzsys.h>

typedef struct {
  char *name;  /* with the dash */
  char *value; /* in force when it was declared: the user's, or the default */
} TzOption;

typedef struct {
  PetscInt  n, size;
  TzOption *option;
} TzOptionList;

PETSC_INTERN TzOptionList TzOptions;
PETSC_INTERN TzOption    *TzOptionsFind(const char name[]);

PETSC_INTERN int            TzTruth(const char text[]);            /* 1: true, "" ...; 0: false ...; -1: neither */
PETSC_INTERN PetscErrorCode TzNumberText(double x, char text[32]); /* as short as it can be read back */

/* PETSC_ERR_USER_INPUT unless the text is one whole number that fits; "-name value: must be ..." */
PETSC_INTERN PetscErrorCode TzOptionCheckInt(MPI_Comm comm, const char name[], const char text[], PetscInt64 min, PetscInt64 max);
PETSC_INTERN PetscErrorCode TzOptionCheckReal(MPI_Comm comm, const char name[], const char text[]);
/* The same for the options of TAO's that are numbers; nothing for others. value: may be NULL */
PETSC_INTERN PetscErrorCode TzOptionCheckKnown(MPI_Comm comm, const char name[], const char value[]);

#endif
