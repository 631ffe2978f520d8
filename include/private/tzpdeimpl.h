/*
  For the files of pde/: what an equation provides. An equation is one file that fills these operations in
  TzPDECreate_Name() and one row of the table in pde/pde.c; or, in a user's own program, a call of TzPDERegister()
  (tests/example_pde.c). TzPDECreate_Name() may also set the domain, which is [0,1]^d x [0,1] with diffusion 1 otherwise.
*/
#ifndef TZPDEIMPL_H
#define TZPDEIMPL_H

#include <tzpde.h>
#include <petsc/private/petscimpl.h>

struct _TzPDEOps {
  /* one point z[D]: jets [D+2] of a and b in u = a f + b; zero on entry */
  PetscErrorCode (*transform)(TzPDE, const PetscReal z[], PetscReal a[], PetscReal b[]);
  /* one point: residual r of the jet u[D+2] and, if dr is not NULL, dr[D+2] = d r / d u; zero on entry */
  PetscErrorCode (*residual)(TzPDE, const PetscReal z[], const PetscReal u[], PetscReal *r, PetscReal dr[]);
  PetscErrorCode (*exact)(TzPDE, const PetscReal z[], PetscReal *u); /* NULL: not known */
  PetscErrorCode (*setfromoptions)(TzPDE, TzOptionItems);            /* may be NULL */
  PetscErrorCode (*destroy)(TzPDE);                                  /* may be NULL */
};

struct _p_TzPDE {
  PETSCHEADER(struct _TzPDEOps);
  PetscInt  d;         /* space dimensions */
  PetscReal lo, hi, T; /* x_i in [lo, hi], t in [0, T] */
  PetscReal diffusion; /* coefficient of Lap u */
  PetscBool setupcalled;
  void     *data;
};

#endif
