/*
  For evaluate.c and plan.c: what an evaluation keeps between calls.
*/
#ifndef TZPLAN_H
#define TZPLAN_H

#include <private/tzlossimpl.h>
#include "partition.h"

typedef struct _TzPlan *TzPlan;
struct _TzPlan { /* what depends on the shape of a call and on the rank alone */
  TzWork       work;
  PetscBool    structured; /* all coordinates at once */
  PetscBool    residuals;  /* an item's residuals are wanted, not the sum of its terms */
  PetscInt     values;     /* parameter vectors */
  PetscInt     width;      /* numbers of a finished item */
  PetscInt     grid[2], round;
  TzShare      share;
  MPI_Comm     nodes;         /* the ranks that share nodes; MPI_COMM_NULL if none do */
  PetscMPIInt *count, *displ; /* numbers that each rank contributes to the allgather */
  PetscMPIInt *exchange;      /* [4][grid[1]]: counts and displacements of an all-to-all */
  TzPlan       next;
};

typedef struct {
  PetscReal *x;
  size_t     n;
} TzBuffer;

typedef struct {
  TzPlan   plans;
  TzBuffer theta, partial, sum, term, send, recv, own, all, table;
} TzLossWork;

/* Whether the losses, or the residuals, of these queries come all at once (ops->coordinates), without the base, which is evaluated apart */
static inline PetscBool TzLossIsStructured(TzLoss loss, const TzQueries *q, PetscBool residuals)
{
  const PetscBool has = (PetscBool)(residuals ? loss->ops->coordinateresiduals != NULL : loss->ops->coordinates != NULL);

  return (PetscBool)(q->direction == TZ_DIRECTION_COORDINATE && q->n && has && (loss->listed || !q->which));
}
/* The plan of such a call, made at the first one (collective) */
PETSC_INTERN PetscErrorCode TzLossGetPlan(TzLoss loss, const TzQueries *q, PetscBool residuals, TzPlan *plan);
/* The buffer's memory, at least n numbers; what it held is lost when it grows */
PETSC_INTERN PetscErrorCode TzBufferReserve(TzBuffer *b, PetscInt64 n, PetscReal **x);

#endif
