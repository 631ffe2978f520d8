/*
  For the files of pde/: what an equation provides. An equation is one file that fills these operations in
  TzPDECreate_Name() and one row of the table in pde/pde.c.
*/
#ifndef TZPDEIMPL_H
#define TZPDEIMPL_H

#include <tzpde.h>
#include <petsc/private/petscimpl.h>

struct _TzPDEOps {
  /* one point z[D]: jets [D+2] of a and b in u = a f + b */
  PetscErrorCode (*transform)(TzPDE, const PetscReal z[], PetscReal a[], PetscReal b[]);
  /* one point: residual r and, if dr is not NULL, dr[D+2] = d r / d ujet */
  PetscErrorCode (*residual)(TzPDE, const PetscReal z[], const PetscReal u[], PetscReal *r, PetscReal dr[]);
  PetscErrorCode (*exact)(TzPDE, const PetscReal z[], PetscReal *u); /* NULL: not known */
  PetscErrorCode (*setfromoptions)(TzPDE, PetscOptionItems *);       /* may be NULL */
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
