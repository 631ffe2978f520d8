/*
  The process that belongs to an equation, dX = drift dt + sigma dW with sigma sigma' = 2 nu S, where S is that of form 0: points along its paths are
  where a value function is asked for.
*/
#include <private/tzpdeimpl.h>

typedef struct {
  TzPDE      pde;
  PetscReal *field;       /* [TzFormWorkSize()] */
  PetscInt   n;           /* of a form that is not diagonal, S = sum_k w[k] v_k v_k', k < n: constant forms once, fields at each point */
  PetscReal *w, *V, *all; /* [rows], [rows][d]; NULL: diagonal; all: memory of the three */
} Process;

static PetscErrorCode Directions(Process *p, const PetscReal z[])
{
  const TzJetShape *shape = &p->pde->shape;
  TzFormAt          S;

  PetscFunctionBegin;
  PetscCall(TzFormEvaluate(&shape->form[0], shape->d, z, p->field, &S));
  PetscCall(TzFormDirections(&S, &p->n, p->w, p->V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *c = sqrt(2 nu w): 0 may come out of LAPACK as a little less */
static PetscErrorCode Size(const Process *p, PetscReal w, PetscReal largest, PetscReal *c)
{
  PetscFunctionBegin;
  PetscCheck(w >= -1e-12 * largest, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "-loss_sampler: the second-order part of equation %s is not positive (eigenvalue %g): it has no paths", ((PetscObject)p->pde)->type_name,
             (double)w);
  *c = PetscSqrtReal(2 * p->pde->diffusion * PetscMax(w, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dx [d] = sum_k sqrt(2 nu w_k) v_k xi_k: that xi has d numbers is enough, as rows <= d or the factor has its own */
static PetscErrorCode Noise(void *ctx, const PetscReal z[], const PetscReal xi[], PetscReal dx[])
{
  Process       *p       = (Process *)ctx;
  const TzForm  *f       = &p->pde->shape.form[0];
  const PetscInt d       = p->pde->d;
  PetscReal      largest = 0, c = 0;
  TzFormAt       S;

  PetscFunctionBegin;
  if (p->pde->ops->noise) {
    PetscUseTypeMethod(p->pde, noise, z, xi, dx);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArrayzero(dx, d));
  if (!p->V) {
    PetscCall(TzFormEvaluate(f, d, z, p->field, &S));
    for (PetscInt i = 0; i < d; i++) largest = PetscMax(largest, PetscAbsReal(S.w[i]));
    for (PetscInt i = 0, k = 0; i < d; i++) {
      if (PetscAbsReal(S.w[i]) <= PETSC_MACHINE_EPSILON * largest) continue;
      PetscCall(Size(p, S.w[i], largest, &c));
      dx[i] = c * xi[k++];
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (f->field) PetscCall(Directions(p, z));
  for (PetscInt k = 0; k < p->n; k++) largest = PetscMax(largest, PetscAbsReal(p->w[k]));
  for (PetscInt k = 0; k < p->n; k++) {
    PetscCall(Size(p, p->w[k], largest, &c));
    for (PetscInt i = 0; i < d; i++) dx[i] += c * xi[k] * p->V[k * d + i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Drift(void *ctx, const PetscReal z[], PetscReal mu[])
{
  TzPDE pde = ((Process *)ctx)->pde;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(mu, pde->d));
  PetscUseTypeMethod(pde, drift, z, mu);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode State(void *ctx, PetscReal t, const PetscReal xi[], PetscReal x[])
{
  TzPDE pde = ((Process *)ctx)->pde;

  PetscFunctionBegin;
  PetscUseTypeMethod(pde, state, t, xi, x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEProcessDestroy(TzPDE pde)
{
  Process *p = (Process *)pde->process;

  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(p->all));
  PetscCall(PetscFree(pde->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What Noise() needs for form 0 */
static PetscErrorCode ProcessCreate(TzPDE pde, Process **newp)
{
  const TzForm  *f    = pde->shape.nforms ? &pde->shape.form[0] : NULL;
  const PetscInt d    = pde->d;
  PetscInt       rows = f && f->m > d ? f->m : d, field = f ? TzFormWorkSize(f, d) : 0;
  Process       *p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  p->pde = pde;
  *newp  = p;
  if (!f || f->type == TZ_FORM_LAPLACIAN || pde->ops->noise) PetscFunctionReturn(PETSC_SUCCESS);
  if (f->type == TZ_FORM_DIAGONAL || f->type == TZ_FORM_DIAGONALFIELD) rows = 0;
  PetscCheck(rows <= d, PetscObjectComm((PetscObject)pde), PETSC_ERR_SUP, "Equation %s: a factor of its form with more than d columns has no paths here",
             ((PetscObject)pde)->type_name);
  PetscCall(PetscMalloc1(field + rows + rows * d, &p->all));
  p->field = p->all;
  if (!rows) PetscFunctionReturn(PETSC_SUCCESS);
  p->w = p->field + field;
  p->V = p->w + rows;
  if (!f->field) PetscCall(Directions(p, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetProcess(TzPDE pde, TzProcess *process)
{
  PetscBool laplacian;

  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  laplacian = (PetscBool)(pde->shape.nforms && pde->shape.form[0].type == TZ_FORM_LAPLACIAN);
  if (!pde->process) PetscCall(ProcessCreate(pde, (Process **)&pde->process));
  *process = (TzProcess){.ctx = pde->process, .nu = pde->shape.nforms ? pde->diffusion : 0};
  if (pde->ops->drift) process->drift = Drift;
  if (pde->ops->state) process->state = State;
  if (pde->ops->noise || (pde->shape.nforms && !laplacian)) process->noise = Noise;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESetSampler(TzPDE pde, TzSampler sampler)
{
  const TzDomain *domain;
  TzProcess       process;

  PetscFunctionBegin;
  PetscCall(TzPDEGetDomain(pde, &domain));
  PetscCall(TzPDEGetProcess(pde, &process));
  PetscCall(TzSamplerSetDomain(sampler, domain));
  PetscCall(TzSamplerSetProcess(sampler, &process));
  PetscCall(TzSamplerSetUp(sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}
