/* Polynomials by their values at Chebyshev-Lobatto points (Trefethen 2000; Berrut, Trefethen 2004). */
#include "chebyshev.h"

void TzChebyshevPoints(PetscInt n, PetscReal x[])
{
  for (PetscInt j = 0; j < n; j++) x[j] = PetscSinReal(PETSC_PI * (PetscReal)(2 * j - (n - 1)) / (PetscReal)(2 * (n - 1)));
}

/* The barycentric weight of point j but for a common factor */
static inline PetscReal Weight(PetscInt n, PetscInt j)
{
  return (j % 2 ? -1. : 1.) * (j == 0 || j == n - 1 ? 0.5 : 1.);
}

void TzChebyshevWeights(PetscInt n, const PetscReal x[], PetscReal y, PetscReal w[])
{
  PetscReal sum = 0;

  for (PetscInt j = 0; j < n; j++) {
    if (y == x[j]) {
      for (PetscInt k = 0; k < n; k++) w[k] = k == j;
      return;
    }
    w[j] = Weight(n, j) / (y - x[j]);
    sum += w[j];
  }
  for (PetscInt j = 0; j < n; j++) w[j] /= sum;
}

/* The diagonal is what makes the derivative of a constant zero: that keeps the rounding of the others from adding up */
void TzChebyshevDerivative(PetscInt n, const PetscReal x[], PetscReal D[])
{
  for (PetscInt i = 0; i < n; i++) {
    PetscReal sum = 0;

    for (PetscInt j = 0; j < n; j++) {
      if (j == i) continue;
      D[i * n + j] = Weight(n, j) / Weight(n, i) / (x[i] - x[j]);
      sum += D[i * n + j];
    }
    D[i * n + i] = -sum;
  }
}
