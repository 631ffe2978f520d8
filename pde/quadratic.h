/*
  A quadratic form x'Mx that an equation takes from its options, M symmetric and not negative [d][d]:
    identity, diagonal  M = diag(c),  rosenbrock  sum_i c_i (x_i - x_{i+1})^2 + c'_i x_{i+1}^2 (tridiagonal),  c, c' uniform in [1/2, 3/2];
    anything else       a file (TzMatricesRead) with the matrix M
  and its eigenvectors.
*/
#ifndef TZQUADRATIC_H
#define TZQUADRATIC_H

#include <tzfiles.h>
#include <private/tzcode.h>

typedef struct {
  char       spec[PETSC_MAX_PATH_LEN]; /* the option's value; "" is identity */
  PetscInt64 seed;                     /* of c */
  PetscInt   d;
  PetscBool  identity; /* then M, Q are NULL */
  PetscReal *M, *Q;    /* [d][d]; eigenvectors, one a row */
  PetscReal *m;        /* [d] eigenvalues */
  PetscReal  trace;
} TzQuadratic;

/* -TYPE_matrix, -TYPE_matrix_seed */
PETSC_INTERN PetscErrorCode TzQuadraticSetFromOptions(TzQuadratic *q, const char type[], TzOptionItems PetscOptionsObject);
/* Collective. Errors: PETSC_ERR_USER_INPUT for a matrix of another size, not symmetric or with a negative eigenvalue */
PETSC_INTERN PetscErrorCode TzQuadraticSetUp(TzQuadratic *q, const char type[], MPI_Comm comm, PetscInt d);
PETSC_INTERN PetscErrorCode TzQuadraticDestroy(TzQuadratic *q);
/* Mx [d]; the value is x'Mx */
PETSC_INTERN PetscReal TzQuadraticApply(const TzQuadratic *q, const PetscReal x[], PetscReal Mx[]);
/* y = Q x (forward) or x = Q'y, [d] */
PETSC_INTERN void TzQuadraticRotate(const TzQuadratic *q, PetscBool forward, const PetscReal from[], PetscReal to[]);

/* C text: statements that set db [d] = Mx and the new variable `square` = x'Mx */
PETSC_INTERN void TzQuadraticCode(const TzQuadratic *q, TzCode code);

#endif
