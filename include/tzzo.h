/*
  Optimisers as TAO types, on a TzLoss; solvers/presets.c has the manual page of each. -tao_type
    zosgd     random gradient estimate (RGE), gradient descent
    zosign    RGE, step along its sign (ZO-signSGD, Liu et al. 2019)
    zocge     coordinate-wise gradient estimate with momentum m <- beta m + g
    zoadam    RGE with Adam's moments
    zogn      Gauss-Newton over the span of random directions, or of all coordinates, from residual vectors
    zolls     zogn in the output layer alone: linear least squares where the equation is linear
    zohybrid  two of the others, the second when the loss has not improved for -zo_patience steps (zosign, then zocge)
    zoflops   zosgd with 100 directions (Gu et al. 2020); zofgw: forward gradient (Baydin et al. 2022)
    zostp     each coordinate of a random part to the best of three points (Bibi et al. 2020); zoscd: of two (Gu et al. 2021)
  and, with exact gradients, as references: tzsgd (momentum), tzadam, tzgn (Gauss-Newton). TAO's own solvers work on the samples of step 0: see
  TaoZOCreateSolution().
  Options: -zo_mu -zo_queries -zo_direction -zo_two_sided -zo_lr -zo_momentum ..., -zo_lr_schedule
  constant|step|exponential|cosine|piecewise ... (schedule.c); zohybrid: -zo_phase1 -zo_phase2 -zo_patience -zo_phase2_lr ...

  Monitors run after each step: TaoGetIterationNumber() is then the number of steps done, the solution (and TaoZOGetState) that after the
  step, the objective L(theta) before it, on its samples. A second TaoSolve() continues; TaoZOSetStep(tao, 0) starts anew. A loss that is not
  finite ends the run with TAO_DIVERGED_NAN: the iteration number is then the step where it occurred, the solution the last whose loss was finite.
*/
#ifndef TZZO_H
#define TZZO_H

#include <tzloss.h>
#include <petsctao.h>

#define TAOZOSGD    "zosgd"
#define TAOZOSIGN   "zosign"
#define TAOZOCGE    "zocge"
#define TAOZOHYBRID "zohybrid"
#define TAOZOADAM   "zoadam"
#define TAOZOGN     "zogn"
#define TAOZOLLS    "zolls"
#define TAOZOFLOPS  "zoflops"
#define TAOZOFGW    "zofgw"
#define TAOZOSTP    "zostp"
#define TAOZOSCD    "zoscd"
#define TAOTZSGD    "tzsgd"
#define TAOTZADAM   "tzadam"
#define TAOTZGN     "tzgn"

/* What a checkpoint has to keep of a solver so that k + k steps equal 2k steps bitwise. Pointers into the solver. */
#define TZ_ZO_STATE_MAX 16
typedef struct {
  PetscInt    nvec; /* distributed vectors, laid out as the solution */
  const char *vecname[TZ_ZO_STATE_MAX];
  Vec         vec[TZ_ZO_STATE_MAX];
  PetscInt    nscalar; /* numbers (integers are exact up to 2^53) */
  const char *scalarname[TZ_ZO_STATE_MAX];
  PetscReal  *scalar[TZ_ZO_STATE_MAX];
} TzZOState;

PETSC_EXTERN PetscErrorCode TaoZORegisterAll(void);
PETSC_EXTERN PetscErrorCode TaoZOSetLoss(Tao tao, TzLoss loss); /* before TaoSetFromOptions or after; reference counted */
/*
  A vector for the parameters, laid out as the solver wants it: distributed, or, for TAO's own solvers, on rank 0, so that their results have the same
  bits on any number of ranks. After TaoZOSetLoss() and TaoSetFromOptions(), before TaoSetSolution(); collective. What TAO's own solvers need is set here:
  the loss alone (nm), exact gradients (lmvm, cg ...), residuals (pounders) and their Jacobian by forward evaluations (brgn); PETSC_ERR_USER_INPUT for
  those that need what no loss has.
*/
PETSC_EXTERN PetscErrorCode TaoZOCreateSolution(Tao tao, Vec *x);
/* TaoSetFromOptions(), which in newer releases of PETSc refuses -tao_max_it 0: with it the solver makes no step */
PETSC_EXTERN PetscErrorCode TaoZOSetFromOptions(Tao tao);
PETSC_EXTERN PetscErrorCode TaoZOIs(Tao tao, PetscBool *is);                   /* whether its type is one of these; otherwise the functions below are errors */
PETSC_EXTERN PetscErrorCode TaoZOGetState(Tao tao, TzZOState *state);          /* after TaoSetUp; write through it to restore */
PETSC_EXTERN PetscErrorCode TaoZOCheckState(Tao tao, const char **impossible); /* what was restored: NULL, or the scalar that cannot be */
PETSC_EXTERN PetscErrorCode TaoZOGetLearningRate(Tao tao, PetscReal *lr);      /* of the current step */
PETSC_EXTERN PetscErrorCode TaoZOSetStep(Tao tao, PetscInt step);              /* resume: the next step's number; -tao_max_it counts from 0 */
PETSC_EXTERN PetscErrorCode TaoZOStartAt(Tao tao, PetscInt step); /* step `step` of a run that another solver began: its own state is that of a start */

#endif
