/* u_t + Lap u + (1 - u^2)/(1 + u^2) = 0,  u(x,T) = 5/(10 + 2 |x|^2),  T = 0.3: radial.c */
#include "radial.h"

static PetscReal Reaction(PetscReal u)
{
  return (1 - u * u) / (1 + u * u);
}

static PetscReal Slope(PetscReal u)
{
  return -4 * u / PetscSqr(1 + u * u);
}

PETSC_INTERN PetscErrorCode TzPDECreate_SemilinearHeat(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(TzPDECreateRadial(pde, Reaction, Slope));
  pde->formula = "u_t + Lap u + (1 - u^2)/(1 + u^2) = 0, u(x,T) = 5/(10 + 2 |x|^2)";
  PetscFunctionReturn(PETSC_SUCCESS);
}
