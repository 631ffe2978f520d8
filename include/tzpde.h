/*
  TzPDE: an equation on x in a box of R^d, t in [0, T], with its terminal transform u = a f + b (f is the network).

  Jets. The derivatives of a function at a point z = (x_1..x_d, t) that the equations here need are kept as one array of
  D + 2 numbers, D = d + 1:   jet[0] value, jet[1..d] d/dx_i, jet[d+1] d/dt, jet[D+1] Laplacian in x.
*/
#ifndef TZPDE_H
#define TZPDE_H

#include <tzsys.h>

typedef struct _p_TzPDE *TzPDE;
typedef const char      *TzPDEType;
#define TZPDEHJB "hjb" /* the paper's equation: u_t + Lap u - 0.05 |grad u|^2 = -2 */
#define TZPDELQG "lqg" /* u_t + Lap u - |grad u|^2 = 0, g = ln((1+|x|^2)/2) */

PETSC_EXTERN PetscClassId   TZPDE_CLASSID;
PETSC_EXTERN PetscErrorCode TzPDECreate(MPI_Comm comm, TzPDE *pde);
PETSC_EXTERN PetscErrorCode TzPDESetType(TzPDE pde, TzPDEType type); /* -pde_type (default hjb) */
PETSC_EXTERN PetscErrorCode TzPDEGetType(TzPDE pde, TzPDEType *type);
PETSC_EXTERN PetscErrorCode TzPDESetDim(TzPDE pde, PetscInt d); /* -pde_dim d (default 20): space dimensions */
PETSC_EXTERN PetscErrorCode TzPDEGetDim(TzPDE pde, PetscInt *d);
PETSC_EXTERN PetscErrorCode TzPDESetFromOptions(TzPDE pde);
PETSC_EXTERN PetscErrorCode TzPDESetUp(TzPDE pde);
PETSC_EXTERN PetscErrorCode TzPDEView(TzPDE pde, PetscViewer viewer);
PETSC_EXTERN PetscErrorCode TzPDEDestroy(TzPDE *pde);

/* Domain: x_i in [lo, hi], t in [0, T]; `diffusion` nu is the coefficient of Lap u (dX = sqrt(2 nu) dW), for sampling along paths. */
PETSC_EXTERN PetscErrorCode TzPDEGetDomain(TzPDE pde, PetscReal *lo, PetscReal *hi, PetscReal *T, PetscReal *diffusion);

/* fjet, ujet [n][D+2] (may be the same array), X [n][D]: the jet of u = a f + b from that of f, by the product rule. */
PETSC_EXTERN PetscErrorCode TzPDETransform(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal fjet[], PetscReal ujet[]);
/* The same in two steps, for many f at the same points: the jets a, b [n][D+2] of a and b; u = a f + b from these. */
PETSC_EXTERN PetscErrorCode TzPDETransformJets(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal a[], PetscReal b[]);
PETSC_EXTERN PetscErrorCode TzPDETransformBy(TzPDE pde, PetscInt n, const PetscReal a[], const PetscReal b[], const PetscReal fjet[], PetscReal ujet[]);
/* gbar [n][D+2] on entry d(loss)/d(ujet), on return d(loss)/d(fjet): the adjoint of TzPDETransform. */
PETSC_EXTERN PetscErrorCode TzPDETransformAdjoint(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal gbar[]);
/* r[n]: residual of the equation; J [n][D+2] (or NULL): its derivative with respect to ujet. */
PETSC_EXTERN PetscErrorCode TzPDEResidual(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal J[]);
/* u[n]: exact (or reference) solution; PETSC_ERR_SUP where the equation has none (ask TzPDEHasExact first). */
PETSC_EXTERN PetscErrorCode TzPDEHasExact(TzPDE pde, PetscBool *has);
PETSC_EXTERN PetscErrorCode TzPDEExact(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal u[]);

PETSC_EXTERN PetscErrorCode TzPDERegister(const char name[], PetscErrorCode (*create)(TzPDE));
PETSC_EXTERN PetscErrorCode TzPDERegisterAll(void);

#endif
