/*
  Jets: the derivatives of a function u at a point z = (x_1..x_d, t) that an equation needs, kept as one row of numbers:

      value, d/dx_1 .. d/dx_d, d/dt (only where there is a time), then second-order forms S_p : Hess_x u = sum_ij S_ij u_ij, p < nforms.

  The shape says which; arrays of jets are [n][TzJetSize(shape)]. Equations see a row by the names of its slots.
*/
#ifndef TZJET_H
#define TZJET_H

#include <tzsys.h>

/* The slots of one row; time is NULL where there is none. TzJetValue, TzJetTime and TzJetForm are lvalues, TzJetGrad(u) an array [d]. */
typedef struct {
  PetscReal *value, *grad, *time, *form;
} TzJet;

#define TzJetValue(u)   (*(u)->value)
#define TzJetGrad(u)    ((u)->grad)
#define TzJetTime(u)    (*(u)->time)
#define TzJetForm(u, p) ((u)->form[p])

/* S(z) of a field, zero on entry: weights [d] of a diagonal; [d][d], symmetric; or a factor [d][m]. Called from one thread. */
typedef PetscErrorCode (*TzFormField)(void *ctx, const PetscReal z[], PetscReal S[]);

typedef enum {
  TZ_FORM_LAPLACIAN,     /* S = I */
  TZ_FORM_DIAGONAL,      /* constant weights */
  TZ_FORM_MATRIX,        /* constant, symmetric */
  TZ_FORM_DIAGONALFIELD, /* weights that depend on z */
  TZ_FORM_MATRIXFIELD    /* S(z), or, with m > 0, sigma(z) sigma(z)' with sigma [d][m] */
} TzFormType;

typedef struct {
  TzFormType  type;
  PetscInt    m;
  PetscReal  *S; /* DIAGONAL [d], MATRIX [d][d]; otherwise NULL */
  TzFormField field;
  void       *ctx; /* of field; lives as long as the form is used */
} TzForm;

typedef struct {
  PetscInt  d;    /* space coordinates */
  PetscBool time; /* whether t is the last coordinate */
  PetscInt  nforms;
  TzForm   *form; /* [nforms] */
  PetscInt  id;   /* another one for every list of forms made by TzJetShapeAddForm(); 0: none, or a list made by hand */
} TzJetShape;

/* Coordinates of a point */
static inline PetscInt TzJetCoordinates(const TzJetShape *shape)
{
  return shape->d + (shape->time ? 1 : 0);
}

/* Numbers of a row */
static inline PetscInt TzJetSize(const TzJetShape *shape)
{
  return 1 + TzJetCoordinates(shape) + shape->nforms;
}

/* The slots of a row */
static inline TzJet TzJetAt(const TzJetShape *shape, const PetscReal row[])
{
  PetscReal *u = (PetscReal *)row;

  return (TzJet){u, u + 1, shape->time ? u + 1 + shape->d : NULL, u + 1 + TzJetCoordinates(shape)};
}

/* A form is copied, with its constant S. PETSC_ERR_USER_INPUT for an S that is not finite or not symmetric. */
PETSC_EXTERN PetscErrorCode TzJetShapeAddForm(TzJetShape *shape, const TzForm *form, PetscInt *p);
PETSC_EXTERN PetscErrorCode TzJetShapeCopy(const TzJetShape *from, TzJetShape *to); /* `to` has no forms yet, or forms to be freed */
PETSC_EXTERN PetscErrorCode TzJetShapeReset(TzJetShape *shape);                     /* frees the forms: nforms = 0 */

/* A form at one point: S = I (w = S = NULL), a diagonal w [d], S [d][d], or with m > 0 S S' with S [d][m] */
typedef struct {
  PetscInt         d, m;
  const PetscReal *w, *S;
} TzFormAt;

PETSC_EXTERN PetscInt       TzFormWorkSize(const TzForm *form, PetscInt d); /* numbers of a field at one point; 0: S is constant */
PETSC_EXTERN PetscErrorCode TzFormEvaluate(const TzForm *form, PetscInt d, const PetscReal z[], PetscReal work[], TzFormAt *S); /* work: of a field */
/* Fields of all forms at points: F [n][TzJetFieldSize(shape)], X [n][TzJetCoordinates(shape)] */
PETSC_EXTERN PetscInt       TzJetFieldSize(const TzJetShape *shape);
PETSC_EXTERN PetscErrorCode TzJetFields(const TzJetShape *shape, PetscInt n, const PetscReal X[], PetscReal F[]);
PETSC_EXTERN void           TzJetFormAt(const TzJetShape *shape, PetscInt p, const PetscReal F[], TzFormAt *S); /* form p; F: the row of the point */
PETSC_EXTERN PetscReal      TzFormEntry(const TzFormAt *S, PetscInt i, PetscInt j);
PETSC_EXTERN PetscReal      TzFormTrace(const TzFormAt *S);
PETSC_EXTERN void           TzFormApply(const TzFormAt *S, const PetscReal v[], PetscReal Sv[]); /* Sv [d] = S v [d] */
/* S = sum_k w[k] v_k v_k', k < n, v_k [d] of length 1; w [max(d,m)], V [max(d,m)][d]. A matrix by LAPACK's syev; parts below rounding are left out */
PETSC_EXTERN PetscErrorCode TzFormDirections(const TzFormAt *S, PetscInt *n, PetscReal w[], PetscReal V[]);

#endif
