/*
  Where an equation holds: a box, a ball or a shell in R^d, and for equations with a time the interval [0, T] beside it.

  A point z has the coordinates x_1..x_d and, where there is a time, t behind them: D = TzDomainSize() numbers.
*/
#ifndef TZDOMAIN_H
#define TZDOMAIN_H

#include <tzsys.h>

typedef enum { TZ_DOMAIN_BOX, TZ_DOMAIN_BALL, TZ_DOMAIN_SHELL } TzDomainType;
PETSC_EXTERN const char *const TzDomainTypes[]; /* "box","ball","shell",... for PetscOptionsEnum */

typedef struct {
  TzDomainType type;
  PetscInt     d;
  PetscBool    stationary;    /* no time */
  PetscBool    wholespace;    /* the equation holds in all of R^d: the box is where it is asked for, and has no condition on its faces */
  PetscReal    T;             /* t in [0, T] */
  PetscReal   *lo, *hi;       /* [d]: the box, or the smallest one around a ball */
  PetscReal    radius, inner; /* |x| <= radius; of a shell also |x| >= inner */
} TzDomain;

static inline PetscInt TzDomainSize(const TzDomain *domain)
{
  return domain->d + (domain->stationary ? 0 : 1);
}

/* lo, hi [d] of a box: all entries lo, hi. Frees what was there. */
PETSC_EXTERN PetscErrorCode TzDomainSetBox(TzDomain *domain, PetscInt d, PetscReal lo, PetscReal hi);
/* inner <= |x| <= radius; inner 0: the ball */
PETSC_EXTERN PetscErrorCode TzDomainSetShell(TzDomain *domain, PetscInt d, PetscReal inner, PetscReal radius);
PETSC_EXTERN PetscErrorCode TzDomainCopy(const TzDomain *from, TzDomain *to); /* frees what was in `to` */
PETSC_EXTERN PetscErrorCode TzDomainDestroy(TzDomain *domain);
PETSC_EXTERN PetscErrorCode TzDomainView(const TzDomain *domain, PetscViewer viewer); /* one line */
/* Errors (comm; PETSC_ERR_USER_INPUT): empty or unbounded, T <= 0 */
PETSC_EXTERN PetscErrorCode TzDomainCheck(const TzDomain *domain, MPI_Comm comm);
/* Whether the x of z [D] is inside or on the boundary, t in [0, T], to rounding */
PETSC_EXTERN PetscBool TzDomainContains(const TzDomain *domain, const PetscReal z[]);

/*
  Faces of the boundary in x: a box has 2 d (x_i = lo_i is number 2 i, x_i = hi_i number 2 i + 1), a ball one sphere, a shell two (inner, outer).
*/
PETSC_EXTERN PetscInt TzDomainNumFaces(const TzDomain *domain);
/* normal [d] (outward, length 1) at x [d], a point of that face */
PETSC_EXTERN PetscErrorCode TzDomainNormal(const TzDomain *domain, PetscInt face, const PetscReal x[], PetscReal normal[]);

#endif
