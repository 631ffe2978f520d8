/* A user's own program: all of `tenzo solve` for an equation of one's own, u_t + Lap u = 2, u(x,1) = sum of x_i. */
#include <private/tzpdeimpl.h>
#include <tenzo.h>

static PetscErrorCode Terminal(TzPDE pde, const PetscReal z[], PetscReal *g) /* z: x_1..x_d, t */
{
  for (PetscInt i = 0; i < pde->d; i++) *g += z[i];
  return PETSC_SUCCESS;
}

static PetscErrorCode Residual(PETSC_UNUSED TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r)
{
  *r = TzJetTime(u) + TzJetForm(u, 0) - 2;
  return PETSC_SUCCESS;
}

static PetscErrorCode Create(TzPDE pde)
{
  pde->ops->terminal      = Terminal;
  pde->ops->residualvalue = Residual;
  return PETSC_SUCCESS;
}
int main(int argc, char **argv)
{
  TzRun     run;
  int       code   = 0;
  const int failed = TzInitialize(&argc, &argv, NULL) || TzPDERegister("own", Create) || TzRunCreate(PETSC_COMM_WORLD, &run) || TzRunSetFromOptions(run) ||
                     TzRunSolve(run, &code) || TzRunDestroy(&run);
  return TzExit(failed, code);
}
