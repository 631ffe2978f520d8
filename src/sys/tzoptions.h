/*
  For options.c and optionstext.c: the recorded options, in the order in which they were declared.
*/
#ifndef TZOPTIONS_H
#define TZOPTIONS_H

#include <tzsys.h>

typedef struct {
  char *name;  /* with the dash */
  char *value; /* as -help prints it */
} TzOption;

typedef struct {
  PetscInt  n, size;
  TzOption *option;
} TzOptionList;

PETSC_INTERN TzOptionList TzOptions;
PETSC_INTERN TzOption    *TzOptionsFind(const char name[]);

#endif
