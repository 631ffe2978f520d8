/* Inside src/export. */
#ifndef TZEXPORTIMPL_H
#define TZEXPORTIMPL_H

#include <tzexport.h>
#include <private/tznetimpl.h>
#include <private/tzpdeimpl.h>
#include <private/tzcode.h>

/* The network as C text (layers.c); what is counted on the way */
typedef struct {
  TzNet            net;
  const PetscReal *theta;
  TzCode           code;
  PetscBool        wide;    /* columns and rows of sparse layers need more than 16 bits */
  PetscInt64       buffer;  /* numbers between two products, the most */
  PetscInt64       slopes;  /* units of all hidden layers */
  PetscInt64       product; /* multiply-adds */
  PetscInt         controls;
} TzExporter;

/* The arrays; then static functions `network` and `backward` */
PETSC_INTERN PetscErrorCode TzExportLayers(TzExporter *);

#endif
