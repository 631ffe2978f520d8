/*
  What is looked at before PETSc starts.
*/
#ifndef TZSTARTUP_H
#define TZSTARTUP_H

#include <tzsys.h>

PETSC_INTERN PetscErrorCode TzStartupCheck(int argc, char *argv[]); /* MPI runs, PETSc does not yet */

#endif
