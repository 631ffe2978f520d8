/* u_t + Lap u + sin u = 0,  u(x,T) = 5/(10 + 2 |x|^2),  T = 0.3: radial.c */
#include "radial.h"

static PetscReal Reaction(PetscReal u)
{
  return PetscSinReal(u);
}

static PetscReal Slope(PetscReal u)
{
  return PetscCosReal(u);
}

PETSC_INTERN PetscErrorCode TzPDECreate_SineGordon(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(TzPDECreateRadial(pde, Reaction, Slope));
  pde->formula = "u_t + Lap u + sin u = 0, u(x,T) = 5/(10 + 2 |x|^2)";
  PetscFunctionReturn(PETSC_SUCCESS);
}
