/*
  Stencils from plain values at their nodes, block by block: of networks that have nothing but values (shells, models of hardware), and of the reference
  evaluation.
*/
#include <private/tznetimpl.h>

#define NUMBERS (1 << 17) /* of the inputs of a block: 1 MiB */

PetscErrorCode TzEvalValues(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  TzNet net = eval->net;

  PetscFunctionBegin;
  if (net->shell) PetscCall(TzShellForward(net->shell, eval->theta, n, X, Y));
  else if (net->reference) PetscCall(TzNetEvalForward_Reference(eval, n, X, Y));
  else if (net->out > 1 || net->model.activationbits || TzNetHasPlaces(net)) PetscCall(TzNetEvalForward_Columns(eval, n, X, Y));
  else {
    PetscCall(TzEvalBuild(eval));
    PetscCall(TzNetEvalForward_Fast(eval, n, X, Y));
  }
  PetscCall(TzModelOutputs(net, eval->hash, n, X, Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x [2][D]: the nodes + and - of pair j around a point that both rows have already */
static void Move(const TzPairs *pairs, PetscInt j, PetscReal s, PetscInt D, PetscReal x[])
{
  for (PetscInt k = pairs->ptr[j]; k < pairs->ptr[j + 1]; k++) {
    x[pairs->idx[k]] += s * pairs->val[k];
    x[D + pairs->idx[k]] -= s * pairs->val[k];
  }
}

PetscErrorCode TzNetEvalStencil_Values(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1,
                                       PetscReal f0[], PetscReal even[], PetscReal odd[])
{
  const PetscInt D = eval->net->in, m = j1 - j0, most = PetscMax(1, NUMBERS / (2 * D));
  PetscReal     *x, *f;

  PetscFunctionBegin;
  PetscCall(TzEvalScratch(eval, TZ_SCRATCH_NODES, (PetscInt64)2 * most * (D + 1), &x));
  f = x + 2 * most * D;
  PetscCall(TzEvalValues(eval, n, X, f0));
  for (PetscInt q0 = 0; q0 < n * m; q0 += most) { /* (point, pair) of a block */
    const PetscInt nq = PetscMin(most, n * m - q0);

    for (PetscInt q = 0; q < nq; q++) {
      const PetscReal *point = X + (q0 + q) / m * D;

      PetscCall(PetscArraycpy(x + 2 * q * D, point, D));
      PetscCall(PetscArraycpy(x + (2 * q + 1) * D, point, D));
      Move(pairs, j0 + (q0 + q) % m, s, D, x + 2 * q * D);
    }
    PetscCall(TzEvalValues(eval, 2 * nq, x, f));
    for (PetscInt q = 0; q < nq; q++) {
      const PetscReal centre = f0[(q0 + q) / m];

      even[q0 + q] = (f[2 * q] - centre) + (f[2 * q + 1] - centre);
      odd[q0 + q]  = f[2 * q] - f[2 * q + 1];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
