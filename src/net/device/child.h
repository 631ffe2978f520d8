/*
  A program that answers on its standard output what it is asked on its standard input: one socket is both.
*/
#ifndef TZCHILD_H
#define TZCHILD_H

#include <private/tznetimpl.h>

typedef struct {
  int  pid;      /* 0: none runs */
  int  fd;       /* our end */
  char why[512]; /* what went wrong last, without the end of a line; "" if nothing did */
} TzChild;

/* All of these set child->why and say whether it is "". command is given to /bin/sh, in a group of processes of its own */
PETSC_INTERN PetscBool TzChildStart(TzChild *child, const char command[]);
/* n bytes; it is an error if none moves for so many seconds, or if the other end is closed: then why says how the program ended */
PETSC_INTERN PetscBool TzChildSend(TzChild *child, size_t n, const void *bytes, PetscReal seconds);
PETSC_INTERN PetscBool TzChildReceive(TzChild *child, size_t n, void *bytes, PetscReal seconds);
PETSC_INTERN PetscBool TzChildFail(TzChild *child, const char format[], ...) __attribute__((format(printf, 2, 3))); /* PETSC_FALSE */
/* Closes its input, waits so many seconds for its end, then kills its group; leaves why as it is */
PETSC_INTERN void TzChildStop(TzChild *child, PetscReal seconds);

#endif
