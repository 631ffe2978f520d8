/*
  What src/tenzo.c needs of this room: what is looked at before PETSc starts, what a program ends with.
*/
#ifndef TZSTARTUP_H
#define TZSTARTUP_H

#include <tzsys.h>

PETSC_INTERN PetscErrorCode TzStartupCheck(int argc, char *argv[]); /* MPI runs, PETSc does not yet */

/* Of the mistake that was raised; aborts where ierr was not raised by all ranks, or is no mistake of the user's */
PETSC_INTERN int TzErrorExitCode(PetscErrorCode ierr);

#endif
