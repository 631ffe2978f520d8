/*
  Central finite differences with step h in every coordinate: (f(x+h e_i) - f(x-h e_i)) / 2h and
  sum_i (f(x+h e_i) + f(x-h e_i) - 2 f(x)) / h^2. Exact for polynomials of degree 2 (gradient) and 3 (forms). With -fd_order 4 these are 4/3 of the
  differences of step h less 1/3 of those of step 2h, at twice as many nodes, exact for two degrees more (Richardson's extrapolation).

  Evaluations a point: 2D + 1 for the Laplacian and diagonal forms; a constant matrix adds 2 for each eigenvector, or, where at most d of its entries above the
  diagonal are not 0, 2 for each of these (nodes x +- h (e_i + e_j)); a matrix that depends on x adds all of them, d (d-1).

  With -fd_subset B a step's jets have derivatives along B of the d space coordinates (and t), 0 along the others: 2B + 3 evaluations. All sets of B are as
  likely, and all points and queries of a step have the same (the directions of STDE: Hu, Shi, Karniadakis and Kawaguchi 2024, arXiv 2412.00088).

  Options: -fd_step h (default 0.01, in units of x), -fd_order 2|4 (default 2), -fd_subset B (default 0: all coordinates)
*/
#include <private/tzderivimpl.h>

typedef struct {
  PetscReal h;
  TzPairs   pairs;
  PetscInt  order;  /* 4: all once more behind them, with 2h */
  PetscInt  n;      /* of step h: */
  PetscInt  axes;   /* those along coordinates, */
  PetscInt  direct; /* and along pairs of them; behind them the eigenvectors */
  PetscInt *axis;   /* [D]: the coordinates of the axes, of space ascending, then t */
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
  PetscCall(TzOptionsInt("-fd_subset", "Random coordinates of x along which a step's derivatives are taken (0: all)", "TzDerivGetSubset", deriv->subset,
                         &deriv->subset, NULL));
  PetscCheck(deriv->subset >= 0, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT, "-fd_subset %" PetscInt_FMT ": must not be negative",
             deriv->subset);
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
  PetscBool *pair;      /* [d][d], i < j: whether e_i + e_j is wanted; NULL: none is */
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
  PetscCheck(!deriv->subset || (!matrices && !all), PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT,
             "-fd_subset %" PetscInt_FMT ": the equation has mixed second derivatives, which coordinates alone do not tell; must be 0", deriv->subset);
  if (matrices || all) PetscCall(PetscCalloc1(d * d, &plan->pair));
  PetscCall(PetscCalloc4(nforms, &plan->n, nforms, &plan->first, matrices * d, &plan->w, matrices * d * d, &plan->V));
  for (PetscInt i = 0; i < d && all; i++)
    for (PetscInt j = i + 1; j < d; j++) plan->pair[i * d + j] = PETSC_TRUE;
  for (PetscInt p = 0; p < nforms; p++)
    if (deriv->shape.form[p].type == TZ_FORM_MATRIX) PetscCall(PlanMatrix(deriv, p, all, plan));
  for (PetscInt k = 0; plan->pair && k < d * d; k++) plan->npairs += plan->pair[k] ? 1 : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Stencil(TzDeriv deriv, const Plan *plan, PetscInt times, TzPairs *pairs)
{
  const TzFD    *fd = (TzFD *)deriv->data;
  const PetscInt d = deriv->d, n = fd->axes + plan->npairs + plan->eigen, entries = fd->axes + 2 * plan->npairs + plan->eigen * d;
  PetscInt       j = 0, k = 0;

  PetscFunctionBegin;
  PetscCall(FreePairs(pairs));
  PetscCall(PetscMalloc4(times * n + 1, &pairs->ptr, times * entries, &pairs->idx, times * entries, &pairs->val, times * n, &pairs->w));
  pairs->dim       = deriv->D;
  pairs->npairs    = times * n;
  pairs->hascentre = PETSC_TRUE;
  pairs->w0        = 1;
  PetscCall(PetscArrayzero(pairs->w, times * n));
  for (PetscInt i = 0; i < fd->axes; i++) {
    pairs->ptr[j++] = k;
    pairs->idx[k]   = fd->axis[i];
    pairs->val[k++] = 1;
  }
  for (PetscInt ij = 0; plan->pair && ij < d * d; ij++) {
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
  const PetscInt *idx = pairs->idx + pairs->ptr[j], k = j % fd->n, axis = idx[0];
  const PetscReal h = deriv->stencil.s, unit = Extrapolated(fd, j, 2) / (h * h);
  PetscReal       sum;

  if (k >= fd->direct || axis >= deriv->d) return 0;
  if (k >= fd->axes) return TzFormEntry(S, axis, idx[1]) * unit;
  sum = TzFormEntry(S, axis, axis);
  for (PetscInt i = 0; S->S && i < deriv->d; i++)
    if (i != axis) sum -= S->S[axis * deriv->d + i];
  return sum * unit;
}

/* Stencil and coefficients for the axes */
static PetscErrorCode Build(TzDeriv deriv, const Plan *plan)
{
  TzFD          *fd    = (TzFD *)deriv->data;
  TzStencil     *st    = &deriv->stencil;
  const TzPairs *pairs = &fd->pairs;

  PetscFunctionBegin;
  PetscCall(Stencil(deriv, plan, fd->order / 2, &fd->pairs));
  fd->n      = pairs->npairs / (fd->order / 2);
  fd->direct = fd->axes + plan->npairs;
  PetscCall(TzDerivStencilSetUp(deriv, pairs, fd->h));
  st->coefficient = Coefficient;
  PetscCall(TzDerivStencilForms(deriv));
  for (PetscInt p = 0; plan->eigen && p < deriv->shape.nforms; p++) {
    if (!plan->n[p]) continue;
    PetscCall(PetscArrayzero(st->form + p * pairs->npairs, pairs->npairs));
    for (PetscInt first = fd->direct + plan->first[p]; first < pairs->npairs; first += fd->n)
      for (PetscInt k = 0; k < plan->n[p]; k++)
        st->form[p * pairs->npairs + first + k] = plan->w[plan->first[p] + k] * Extrapolated(fd, first, 2) / (fd->h * fd->h);
  }
  PetscCall(PetscArrayzero(st->value, pairs->npairs));
  for (PetscInt j = 0; j < pairs->npairs; j++)
    for (PetscInt k = pairs->ptr[j]; k < pairs->ptr[j + 1]; k++) st->grad[k] = j % fd->n < fd->axes ? Extrapolated(fd, j, 1) / (2 * fd->h) : 0;
  deriv->forwards = 2 * pairs->npairs + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All coordinates: those of -fd_subset are drawn for a step */
static void TakeAll(TzDeriv deriv)
{
  TzFD *fd = (TzFD *)deriv->data;

  fd->axes = deriv->D;
  for (PetscInt i = 0; i < deriv->D; i++) fd->axis[i] = i;
}

static PetscErrorCode SetUp_FD(TzDeriv deriv)
{
  TzFD *fd   = (TzFD *)deriv->data;
  Plan  plan = {.npairs = 0};

  PetscFunctionBegin;
  PetscCheck(deriv->subset <= deriv->d, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT,
             "-fd_subset %" PetscInt_FMT ": the equation has %" PetscInt_FMT " space coordinates; must not be more", deriv->subset, deriv->d);
  PetscCall(PetscFree(fd->axis));
  PetscCall(PetscMalloc1(deriv->D, &fd->axis));
  TakeAll(deriv);
  PetscCall(PlanCreate(deriv, &plan));
  PetscCall(Build(deriv, &plan));
  PetscCall(PetscFree(plan.pair));
  PetscCall(PetscFree4(plan.n, plan.first, plan.w, plan.V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coordinates of a step, the same on every rank: the first of a random permutation (Fisher and Yates), in ascending order. TZ_STEP_NONE, what a model is
   validated with: all of them */
static PetscErrorCode Sample_FD(TzDeriv deriv, PetscInt64 seed, PetscInt step)
{
  const PetscInt d = deriv->d, n = deriv->subset;
  const Plan     axes = {.npairs = 0};
  TzFD          *fd   = (TzFD *)deriv->data;
  PetscReal     *u;

  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  TakeAll(deriv);
  if (step != TZ_STEP_NONE) {
    PetscCall(PetscMalloc1(n, &u));
    PetscCall(TzRandomUniform(seed, TZ_STREAM_RULE, step, 0, 0, n, u));
    for (PetscInt k = 0; k < n; k++) {
      const PetscInt other = PetscMin(k + (PetscInt)(u[k] * (PetscReal)(d - k)), d - 1), i = fd->axis[other];

      fd->axis[other] = fd->axis[k];
      fd->axis[k]     = i;
    }
    PetscCall(PetscFree(u));
    PetscCall(PetscSortInt(n, fd->axis));
    for (PetscInt i = d; i < deriv->D; i++) fd->axis[n + i - d] = i;
    fd->axes = n + deriv->D - d;
  }
  PetscCall(Build(deriv, &axes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_FD(TzDeriv deriv, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  step %g, order %" PetscInt_FMT "\n", (double)((TzFD *)deriv->data)->h, ((TzFD *)deriv->data)->order));
  if (deriv->subset) PetscCall(PetscViewerASCIIPrintf(viewer, "  in a step along %" PetscInt_FMT " random coordinates\n", deriv->subset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_FD(TzDeriv deriv)
{
  TzFD *fd = (TzFD *)deriv->data;

  PetscFunctionBegin;
  PetscCall(FreePairs(&fd->pairs));
  PetscCall(PetscFree(fd->axis));
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
  deriv->ops->sample         = Sample_FD;
  deriv->ops->partial        = TzDerivPartial_Stencil;
  deriv->ops->coordinates    = TzDerivCoordinates_Stencil;
  deriv->ops->adjoint        = TzDerivAdjoint_Stencil;
  deriv->ops->view           = View_FD;
  deriv->ops->destroy        = Destroy_FD;
  PetscFunctionReturn(PETSC_SUCCESS);
}
