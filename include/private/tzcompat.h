/*
  What differs between releases of PETSc (3.18 to 3.26), so that no other file asks for a version; and what Tenzo cannot be compiled with.
*/
#ifndef TZCOMPAT_H
#define TZCOMPAT_H

#include <petscsys.h>

#if defined(PETSC_USE_COMPLEX)
  #error "Tenzo needs a PETSc of real numbers: this one was configured --with-scalar-type=complex"
#elif !defined(PETSC_USE_REAL_DOUBLE)
  #error "Tenzo needs a PETSc in double precision: this one was configured with another --with-precision"
#elif PETSC_VERSION_LT(3, 18, 0)
  #error "Tenzo needs PETSc 3.18 or newer"
#elif defined(__FAST_MATH__)
  #error "Tenzo cannot be compiled with -ffast-math: its sums have a fixed order, and it looks for NaN"
#endif

#ifndef PETSC_SUCCESS /* 3.19 */
  #define PETSC_SUCCESS ((PetscErrorCode)0)
#endif

/* The argument PetscOptionsObject of every XxxSetFromOptions_Type(): in 3.23 PetscOptionItems became the pointer */
#if PETSC_VERSION_LT(3, 23, 0)
typedef PetscOptionItems *TzOptionItems;
#else
typedef PetscOptionItems TzOptionItems;
#endif

#if PETSC_VERSION_LT(3, 24, 0) /* PetscBool became bool */
  #define TZ_MPI_BOOL MPIU_BOOL
#else
  #define TZ_MPI_BOOL MPI_C_BOOL
#endif

#if PETSC_VERSION_LT(3, 21, 0)
  #define TaoMonitorSet(tao, monitor, ctx, destroy) TaoSetMonitor(tao, monitor, ctx, destroy)
#endif

/*
  Inside a Tao (petsc/private/taoimpl.h): more evaluations counted, up to PETSC_MAX_INT; and the default of no gradient test, which a
  user's -tao_gatol, -tao_grtol replace.
*/
#ifndef PetscObjectParameterSetDefault /* 3.22 */
  #define TzTaoTolerancesOff(tao) \
    do { \
      if (!(tao)->gatol_changed) (tao)->gatol = -1; \
      if (!(tao)->grtol_changed) (tao)->grtol = -1; \
    } while (0)
#else /* -1 stands for the default when options are read: so it is the default */
  #define TzTaoTolerancesOff(tao) \
    do { \
      PetscObjectParameterSetDefault(tao, gatol, -1); \
      PetscObjectParameterSetDefault(tao, grtol, -1); \
    } while (0)
#endif
#if PETSC_VERSION_LT(3, 25, 0)
  #define TzTaoCount(tao) ((tao)->nfuncs)
#else
  #define TzTaoCount(tao) ((tao)->objective_term.term->nobj)
#endif
#define TzTaoCountAdd(tao, n) (TzTaoCount(tao) = (PetscInt)PetscMin((PetscInt64)PETSC_MAX_INT, (PetscInt64)TzTaoCount(tao) + (n)))

#endif
