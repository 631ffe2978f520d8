/*
  C text that a class writes of itself for TzExportC(): an equation its transform, an activation its function. In such text
    real     double or float;  K(0.5) is a constant of that type,  M(log) the function of the C library for it
    d, D     the number of space dimensions, and of coordinates: z[d] is t where D = d + 1
  Not collective; no function here fails: what is wrong with a text (no memory, a number that is not finite) is told at its end.
*/
#ifndef TZCODE_H
#define TZCODE_H

#include <tzsys.h>
#include <stdio.h>

typedef struct _n_TzCode {
  FILE      *f; /* the text grows here */
  char      *text;
  size_t     size;
  PetscBool  single; /* real is float */
  PetscBool  bad;    /* a number was not finite, or is not in the range of float */
  int        indent; /* of arrays */
  PetscInt64 bytes;  /* of constant arrays */
} * TzCode;

PETSC_EXTERN PetscErrorCode TzCodeCreate(PetscBool single, TzCode *code);
PETSC_EXTERN PetscErrorCode TzCodeDestroy(TzCode *code);
/* *text: all of it, the caller's (PetscFree) */
PETSC_EXTERN PetscErrorCode TzCodeGetText(TzCode code, char **text);
PETSC_EXTERN void           TzCodePrintf(TzCode code, const char format[], ...) __attribute__((format(printf, 2, 3)));
PETSC_EXTERN void           TzCodeReal(TzCode code, const char name[], PetscReal x);                      /* const real NAME = x; */
PETSC_EXTERN void           TzCodeReals(TzCode code, const char name[], PetscInt n, const PetscReal x[]); /* static const real NAME[n] = {..}; */
/* static const unsigned short (wide: long) NAME[n] = {..}; i[k] >= 0 */
PETSC_EXTERN void TzCodeInts(TzCode code, const char name[], PetscBool wide, PetscInt n, const PetscInt i[]);

#endif
