/*
  TzExportC: a trained network on an equation as C99, for machines without this library: one source file and its header, which need nothing but the C
  library's mathematical functions, allocate nothing and keep no state. Trains stay trains; all constants are `const`.

  The value is u = a f + b (tzpde.h) of the network f itself, its derivatives are exact: what `forward` (tzderiv.h) gives, not those that stein smooths.
*/
#ifndef TZEXPORT_H
#define TZEXPORT_H

#include <tznet.h>
#include <tzpde.h>

typedef struct {
  char      *source, *header; /* the texts */
  PetscInt64 constants, work; /* bytes of the constant arrays, and of the memory that the caller of the functions lends them */
  PetscInt64 value, gradient; /* multiply-adds of the network for a value, and for a value with its gradient */
} TzExport;

/*
  name: that of the functions, a C identifier; NAME.h is the header. theta [parameters of net]. With D coordinates z (x_1 .. x_d, and t where there is a time)
  and real = double, or float (single):

      real NAME_value(const real z[D], real work[NAME_WORK]);
      real NAME_gradient(const real z[D], real grad[D], real work[NAME_WORK]);      the value too; grad: in x_1 .. x_d, and t
      real NAME_control(const real z[D], real a[m], real work[NAME_WORK]);          of a control problem: value and feedback a (tzcontrol.h)

  PETSC_ERR_USER_INPUT, naming `option`, for what cannot be written as C: a network that is a shell, an activation or an equation that does not
  say how, numbers that are not finite or too large for float, a name that is none. Not collective.
*/
PETSC_EXTERN PetscErrorCode TzExportC(TzNet net, TzPDE pde, const PetscReal theta[], const char option[], const char name[], PetscBool single,
                                      TzExport *result);
PETSC_EXTERN PetscErrorCode TzExportReset(TzExport *result);

#endif
