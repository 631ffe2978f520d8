/*
  Central finite differences with step h in every coordinate: (f(x+h e_i) - f(x-h e_i)) / 2h and
  sum_i (f(x+h e_i) + f(x-h e_i) - 2 f(x)) / h^2. Exact for polynomials of degree 2 (gradient) and 3 (forms). With -fd_order 4 these are 4/3 of the
  differences of step h less 1/3 of those of step 2h, at twice as many nodes, exact for two degrees more (Richardson's extrapolation).

  Evaluations a point: 2D + 1 for the Laplacian and diagonal forms; a constant matrix adds 2 for each eigenvector, or, where at most d of its entries above the
  diagonal are not 0, 2 for each of these (nodes x +- h (e_i + e_j)); a matrix that depends on x adds all of them, d (d-1).

  Options: -fd_step h (default 0.01, in units of x), -fd_order 2|4 (default 2)
*/
#include <private/tzderivimpl.h>

typedef struct {
  PetscReal h;
  TzPairs   pairs;
  PetscInt  order;  /* 4: all once more behind them, with 2h */
  PetscInt  n;      /* of step h: */
  PetscInt  direct; /* those that are axes or pairs of coordinates; behind them the eigenvectors */
} TzFD;

static PetscErrorCode SetFromOptions_FD(TzDeriv deriv, TzOptionItems PetscOptionsObject)
{
  TzFD *fd = (TzFD *)deriv->data;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Finite differences");
  PetscCall(TzOptionsReal("-fd_step", "Step of the central differences, in units of x (> 0)", "TzDerivSetType", fd->h, &fd->h, NULL));
  PetscCheck(fd->h > 0 && fd->h <= 1e6, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT, "-fd_step %g: must be positive", (double)fd->h);
  PetscCall(TzDerivCheckRounding(deriv, "-fd_step", fd->h));
  PetscCall(TzOptionsInt("-fd_order", "Order of the differences in their step (2 or 4)", "TzDerivSetType", fd->order, &fd->order, NULL));
  PetscCheck(fd->order == 2 || fd->order == 4, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT, "-fd_order %" PetscInt_FMT ": must be 2 or 4",
             fd->order);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreePairs(TzPairs *pairs)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(pairs->ptr, pairs->idx, pairs->val, pairs->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a stencil of differences is made of: the axes, then pairs e_i + e_j of coordinates, then the eigenvectors of constant matrices */
typedef struct {
  PetscBool *pair;      /* [d][d], i < j: whether e_i + e_j is wanted */
  PetscInt   npairs;    /* of these */
  PetscInt  *n, *first; /* [nforms]: eigenvectors of a form (0: it is done by axes and pairs), their first place in the stencil */
  PetscReal *w, *V;     /* their weights [..], themselves [..][d] */
  PetscInt   eigen;     /* number of all */
} Plan;

/* By pairs where few entries are not zero, or all pairs are there anyway; otherwise along the eigenvectors */
static PetscErrorCode PlanMatrix(TzDeriv deriv, PetscInt p, PetscBool all, Plan *plan)
{
  const PetscInt d     = deriv->d;
  PetscInt       count = 0;
  TzFormAt       S;

  PetscFunctionBegin;
  TzJetFormAt(&deriv->shape, p, NULL, &S);
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = i + 1; j < d; j++) count += S.S[i * d + j] != 0 ? 1 : 0;
  if (all || count <= d) {
    for (PetscInt i = 0; i < d; i++)
      for (PetscInt j = i + 1; j < d; j++) plan->pair[i * d + j] = (PetscBool)(plan->pair[i * d + j] || S.S[i * d + j] != 0);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  plan->first[p] = plan->eigen;
  PetscCall(TzFormDirections(&S, &plan->n[p], plan->w + plan->eigen, plan->V + plan->eigen * d));
  plan->eigen += plan->n[p];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlanCreate(TzDeriv deriv, Plan *plan)
{
  const PetscInt d = deriv->d, nforms = deriv->shape.nforms;
  PetscInt       matrices = 0;
  PetscBool      all      = PETSC_FALSE;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < nforms; p++) {
    if (deriv->shape.form[p].type == TZ_FORM_MATRIX) matrices++;
    if (deriv->shape.form[p].type == TZ_FORM_MATRIXFIELD) all = PETSC_TRUE;
  }
  PetscCall(PetscCalloc5(d * d, &plan->pair, nforms, &plan->n, nforms, &plan->first, matrices * d, &plan->w, matrices * d * d, &plan->V));
  for (PetscInt i = 0; i < d && all; i++)
    for (PetscInt j = i + 1; j < d; j++) plan->pair[i * d + j] = PETSC_TRUE;
  for (PetscInt p = 0; p < nforms; p++)
    if (deriv->shape.form[p].type == TZ_FORM_MATRIX) PetscCall(PlanMatrix(deriv, p, all, plan));
  for (PetscInt k = 0; k < d * d; k++) plan->npairs += plan->pair[k] ? 1 : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Stencil(TzDeriv deriv, const Plan *plan, PetscInt times, TzPairs *pairs)
{
  const PetscInt d = deriv->d, D = deriv->D, n = D + plan->npairs + plan->eigen, entries = D + 2 * plan->npairs + plan->eigen * d;
  PetscInt       j = 0, k = 0;

  PetscFunctionBegin;
  PetscCall(FreePairs(pairs));
  PetscCall(PetscMalloc4(times * n + 1, &pairs->ptr, times * entries, &pairs->idx, times * entries, &pairs->val, times * n, &pairs->w));
  pairs->dim       = D;
  pairs->npairs    = times * n;
  pairs->hascentre = PETSC_TRUE;
  pairs->w0        = 1;
  PetscCall(PetscArrayzero(pairs->w, times * n));
  for (PetscInt i = 0; i < D; i++) {
    pairs->ptr[j++] = k;
    pairs->idx[k]   = i;
    pairs->val[k++] = 1;
  }
  for (PetscInt ij = 0; ij < d * d; ij++) {
    if (!plan->pair[ij]) continue;
    pairs->ptr[j++]   = k;
    pairs->idx[k]     = ij / d;
    pairs->idx[k + 1] = ij % d;
    pairs->val[k] = pairs->val[k + 1] = 1;
    k += 2;
  }
  for (PetscInt v = 0; v < plan->eigen; v++) {
    pairs->ptr[j++] = k;
    for (PetscInt i = 0; i < d; i++, k++) {
      pairs->idx[k] = i;
      pairs->val[k] = plan->V[v * d + i];
    }
  }
  pairs->ptr[j] = k;
  for (; j < pairs->npairs; j++) {
    for (PetscInt e = pairs->ptr[j - n]; e < pairs->ptr[j - n + 1]; e++, k++) {
      pairs->idx[k] = pairs->idx[e];
      pairs->val[k] = 2 * pairs->val[e];
    }
    pairs->ptr[j + 1] = k;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What order 4 makes of a coefficient of order 2 at pair j, of the first (1) or second (2) derivatives */
static PetscReal Extrapolated(const TzFD *fd, PetscInt j, PetscInt derivative)
{
  return fd->order == 2 ? 1 : j < fd->n ? 4 / (PetscReal)3 : -1 / (PetscReal)(derivative == 1 ? 6 : 12);
}

/*
  With u_ij = (even at e_i + e_j - even at e_i - even at e_j) / 2 h^2: S_ij / h^2 for the pair (2 S_ij u_ij), S_ii - sum_j S_ij for the axis. An eigenvector
  belongs to one form alone.
*/
static PetscReal Coefficient(TzDeriv deriv, PetscInt j, const TzFormAt *S, PETSC_UNUSED PetscReal trace)
{
  const TzPairs  *pairs = deriv->stencil.pairs;
  const TzFD     *fd    = (TzFD *)deriv->data;
  const PetscInt *idx = pairs->idx + pairs->ptr[j], k = j % fd->n;
  const PetscReal h = deriv->stencil.s, unit = Extrapolated(fd, j, 2) / (h * h);
  PetscReal       sum;

  if (k >= fd->direct || idx[0] >= deriv->d) return 0;
  if (k >= deriv->D) return TzFormEntry(S, idx[0], idx[1]) * unit;
  sum = TzFormEntry(S, k, k);
  for (PetscInt i = 0; S->S && i < deriv->d; i++)
    if (i != k) sum -= S->S[k * deriv->d + i];
  return sum * unit;
}

static PetscErrorCode SetUp_FD(TzDeriv deriv)
{
  TzFD          *fd   = (TzFD *)deriv->data;
  TzStencil     *st   = &deriv->stencil;
  Plan           plan = {.npairs = 0};
  const TzPairs *pairs;

  PetscFunctionBegin;
  PetscCall(PlanCreate(deriv, &plan));
  PetscCall(Stencil(deriv, &plan, fd->order / 2, &fd->pairs));
  pairs      = &fd->pairs;
  fd->n      = pairs->npairs / (fd->order / 2);
  fd->direct = deriv->D + plan.npairs;
  PetscCall(TzDerivStencilSetUp(deriv, pairs, fd->h));
  st->coefficient = Coefficient;
  PetscCall(TzDerivStencilForms(deriv));
  for (PetscInt p = 0; p < deriv->shape.nforms; p++) {
    if (!plan.n[p]) continue;
    PetscCall(PetscArrayzero(st->form + p * pairs->npairs, pairs->npairs));
    for (PetscInt first = fd->direct + plan.first[p]; first < pairs->npairs; first += fd->n)
      for (PetscInt k = 0; k < plan.n[p]; k++)
        st->form[p * pairs->npairs + first + k] = plan.w[plan.first[p] + k] * Extrapolated(fd, first, 2) / (fd->h * fd->h);
  }
  PetscCall(PetscArrayzero(st->value, pairs->npairs));
  for (PetscInt j = 0; j < pairs->npairs; j++)
    for (PetscInt k = pairs->ptr[j]; k < pairs->ptr[j + 1]; k++) st->grad[k] = j % fd->n < deriv->D ? Extrapolated(fd, j, 1) / (2 * fd->h) : 0;
  deriv->forwards = 2 * pairs->npairs + 1;
  PetscCall(PetscFree5(plan.pair, plan.n, plan.first, plan.w, plan.V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_FD(TzDeriv deriv, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  step %g, order %" PetscInt_FMT "\n", (double)((TzFD *)deriv->data)->h, ((TzFD *)deriv->data)->order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_FD(TzDeriv deriv)
{
  PetscFunctionBegin;
  PetscCall(FreePairs(&((TzFD *)deriv->data)->pairs));
  PetscCall(PetscFree(deriv->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCreate_FD(TzDeriv deriv)
{
  TzFD *fd;

  PetscFunctionBegin;
  PetscCall(PetscNew(&fd));
  deriv->data                = fd;
  fd->h                      = 0.01;
  fd->order                  = 2;
  deriv->ops->setfromoptions = SetFromOptions_FD;
  deriv->ops->setup          = SetUp_FD;
  deriv->ops->partial        = TzDerivPartial_Stencil;
  deriv->ops->coordinates    = TzDerivCoordinates_Stencil;
  deriv->ops->adjoint        = TzDerivAdjoint_Stencil;
  deriv->ops->view           = View_FD;
  deriv->ops->destroy        = Destroy_FD;
  PetscFunctionReturn(PETSC_SUCCESS);
}
