/*
  Closed-loop paths of a control problem (tzcontrol.h): what a feedback costs.

      X' = X + (f + B a) dt + sigma dW  (euler), or the mean of f + B a here and at the Euler step, cost by the trapezoidal rule (heun).

  Paths are dealt to ranks in fixed blocks, path i takes its numbers from the key (seed, i) alone and sums run over paths in order: results have the same bits
  on any number of ranks, and all policies have the same starts and noise.

  The cost J of any feedback is, to the error of the time steps, at least the value: J - V(x0, 0) of a trained V is a certificate. From each path's cost may be
  taken the sum of e^(-rho t) grad V . sigma dW, a sum of mean 0 whatever V is; what is left varies the less the better V is (`reduced`).
*/
#ifndef TZSIMULATE_H
#define TZSIMULATE_H

#include <tzcontrol.h>
#include <tzfiles.h>

/* network: of TzSimulationSetControl(); exact: of the exact solution; lqr: the regulator at the target (TzPDEControlLinear); none: a = 0, within its bounds;
   plugin: TzControlParts.policy, within the bounds; direct: no feedback, but for each start the controls that cost least without noise
   (TzPDEControlDirect), sought from the cheapest of those of the policy before it in the list along its path without noise, of the optimum of the start before
   (of the same block: so neighbours pass obstacles alike) and none */
typedef enum { TZ_POLICY_NETWORK, TZ_POLICY_EXACT, TZ_POLICY_LQR, TZ_POLICY_NONE, TZ_POLICY_PLUGIN, TZ_POLICY_DIRECT } TzPolicy;
PETSC_EXTERN const char *const TzPolicies[]; /* "network","exact","lqr","none","plugin","direct",... */
#define TZ_POLICIES 6

/* Means over all paths; _ci: half of the 95 % interval of what is before it */
typedef struct {
  PetscReal cost, cost_ci;
  PetscReal reduced, reduced_ci; /* mean of the same, its interval smaller; NaN without a gradient (none, plugin, direct) */
  PetscReal value;               /* V(x0, 0) of the network; NaN without one */
  PetscReal exact;               /* the same of the exact solution; NaN without one */
  PetscReal gap, gap_ci;         /* J - V(x0, 0), by the reduced costs where there are; NaN without a network */
  PetscReal excess, excess_ci;   /* J - J of the first policy, path by path; 0 of the first itself */
  PetscReal violated;            /* share of the paths on which TzControlParts.clearance was below 0 at some step; NaN without it */
  PetscInt  lost;                /* paths that became infinite or NaN, which are in no mean */
} TzClosedLoop;

typedef struct _n_TzSimulation *TzSimulation;

PETSC_EXTERN PetscErrorCode TzSimulationCreate(MPI_Comm comm, TzPDE pde, TzSimulation *simulation); /* the equation is reference counted */
PETSC_EXTERN PetscErrorCode TzSimulationDestroy(TzSimulation *simulation);
PETSC_EXTERN PetscErrorCode TzSimulationSetControl(TzSimulation simulation, TzControl control); /* borrowed */
PETSC_EXTERN PetscErrorCode TzSimulationSetSeed(TzSimulation simulation, PetscInt64 seed);
PETSC_EXTERN PetscErrorCode TzSimulationSetProgress(TzSimulation simulation, PetscReal seconds); /* between lines of progress; negative: none */
/* -sim_policy, -sim_x0, -sim_paths, -sim_steps, -sim_integrator, -sim_save; PETSC_ERR_USER_INPUT */
PETSC_EXTERN PetscErrorCode TzSimulationSetFromOptions(TzSimulation simulation);
/* Checks that the problem has what was asked for. Collective; PETSC_ERR_USER_INPUT */
PETSC_EXTERN PetscErrorCode TzSimulationSetUp(TzSimulation simulation);
PETSC_EXTERN PetscErrorCode TzSimulationGetPolicies(TzSimulation simulation, PetscInt *n, const TzPolicy *policies[]);
/* All policies, one after the other: results [n], equal on every rank. Collective */
PETSC_EXTERN PetscErrorCode TzSimulationRun(TzSimulation simulation, TzClosedLoop results[]);
/*
  After it, of N paths: /time [steps+1], /x0 [N][d], /value [N] of the network there, and of each policy /POLICY/cost [N], reduced [N], clearance [N] (the
  smallest of a path), states [s (steps+1)][d] and controls [s (steps+1)][m] of the first s = -sim_save paths. With the policy direct of these paths, without
  noise, also /points [s (steps+1)][d+1], /u and /grad [..][d], the value and its gradient there. Collective
*/
PETSC_EXTERN PetscErrorCode TzSimulationPut(TzSimulation simulation, TzStore store);

#endif
