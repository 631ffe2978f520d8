#include <private/tzzoimpl.h>

/*MC
  TAOFLOPS - Gradient descent with a gradient estimate from many random directions (FLOPS: Gu, Zhao, Feng, Li, Chen and Pan, DAC 2020)

  The solver is TAOZOSGD with the number of directions that the paper's comparison has, 100 losses a step, of all coordinates.

  Options Database Keys: those of TAOZOSGD
. -zo_queries N - directions of a step (default 100)

  Level: beginner
M*/
PetscErrorCode TaoCreate_FLOPS(Tao tao)
{
  TzZOPhase phase = TzZOPhaseSGD;

  PetscFunctionBegin;
  phase.name    = "RGE of many directions (FLOPS)";
  phase.queries = 100;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}
