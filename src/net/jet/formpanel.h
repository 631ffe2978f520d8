/*
  A second-order form at the points of one panel: what is the same for all points, or the field with the points in lanes.
*/
#ifndef TZFORMPANEL_H
#define TZFORMPANEL_H

#include <private/tznetimpl.h>

typedef struct {
  TzFormAt         S;     /* of a constant form; of a field d and m alone */
  const PetscReal *lanes; /* of a field: [d], [d][d] or [d][m], then [PANEL]; otherwise NULL */
  PetscBool        diagonal;
} TzFormPanel;

/* lanes: [TzJetFieldSize()][PANEL] for the fields F [m][TzJetFieldSize()] of m points; the other lanes are 0 */
PETSC_INTERN void TzFormPanelFill(const TzJetShape *, PetscInt m, const PetscReal F[], PetscReal lanes[]);
PETSC_INTERN void TzFormPanelGet(const TzJetShape *, PetscInt p, const PetscReal lanes[], TzFormPanel *);
/* M = A' S A, A [d][r], r <= MAX_BOND: [r][r], or of a field [r][r][PANEL] */
PETSC_INTERN void TzFormPanelMetric(const TzFormPanel *, PetscInt r, const PetscReal A[], PetscReal M[]);
/* Abar [d][r] += S A (Mbar + Mbar'), of a field summed over the lanes; Mbar as M */
PETSC_INTERN void TzFormPanelMetricAdjoint(const TzFormPanel *, PetscInt r, const PetscReal A[], const PetscReal Mbar[], PetscReal Abar[]);
/* Q [n][PANEL] = z' S z, z_i [n][PANEL], one behind the other at Z; v [n][PANEL] is scratch */
PETSC_INTERN void TzFormPanelQuadratic(const TzFormPanel *, PetscInt n, const PetscReal Z[], PetscReal v[], PetscReal Q[]);

#endif
