#include <private/tzzoimpl.h>

/*MC
  TAOFGW - Forward gradient with weight perturbation (Baydin, Pearlmutter, Syme, Wood and Torr 2022): g = (grad L . xi) xi, xi ~ N(0, I)

  The directional derivative is a two-sided difference of double precision with mu = 1e-6: it agrees with forward-mode differentiation to about
  1e-9 (truncation mu^2, rounding 1e-16/mu), far below the estimate's own deviation, which is of the size of |grad L| itself.

  Options Database Keys: those of TAOZOSGD
+ -zo_queries N - directions of a step (default 1)
- -zo_mu mu - length of the difference (default 1e-6)

  Level: beginner
M*/
PetscErrorCode TaoCreate_FGW(Tao tao)
{
  TzZOPhase phase = TzZOPhaseSGD;

  PetscFunctionBegin;
  phase.name     = "forward gradient";
  phase.queries  = 1;
  phase.mu       = 1e-6;
  phase.twosided = PETSC_TRUE;
  PetscCall(TaoZOCreate(tao, 1, &phase));
  PetscFunctionReturn(PETSC_SUCCESS);
}
