/* Control problems: from their parts (tzcontrol.h) to the equation of their value. */
#include "control.h"
#include "dense.h"

static const char *const extensions[] = {"constant", "linear", "path"};

PetscErrorCode TzControlGet(TzPDE pde, TzControlProblem **c)
{
  PetscFunctionBegin;
  *c = (TzControlProblem *)pde->control;
  PetscCheck(*c, PetscObjectComm((PetscObject)pde), PETSC_ERR_SUP, "Equation %s is no control problem", ((PetscObject)pde)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetControl(TzPDE pde, const TzControlParts **parts)
{
  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  *parts = pde->control ? &((TzControlProblem *)pde->control)->parts : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------- at one point, and at many ---------------------------------------------------- */

PetscErrorCode TzControlMatrix(TzPDE pde, const PetscReal z[], const PetscReal **B)
{
  TzControlProblem *c = (TzControlProblem *)pde->control;

  PetscFunctionBegin;
  *B = c->parts.B;
  if (c->parts.Bfield) {
    PetscCall(PetscArrayzero(c->B, pde->d * c->parts.m));
    PetscCall((*c->parts.Bfield)(pde, z, c->B));
    *B = c->B;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* p [m] = B'g and y [d] = B a */
static void ApplyTransposed(PetscInt d, PetscInt m, const PetscReal B[], const PetscReal g[], PetscReal p[])
{
  for (PetscInt j = 0; j < m; j++) p[j] = B ? 0 : g[j];
  for (PetscInt i = 0; B && i < d; i++)
    for (PetscInt j = 0; j < m; j++) p[j] += B[i * m + j] * g[i];
}

static void Apply(PetscInt d, PetscInt m, const PetscReal B[], const PetscReal a[], PetscReal y[])
{
  for (PetscInt i = 0; i < d; i++) {
    y[i] = B ? 0 : a[i];
    for (PetscInt j = 0; B && j < m; j++) y[i] += B[i * m + j] * a[j];
  }
}

/* argmin of r a^2 + w |a| + p a in lo <= a <= hi */
static PetscReal MinimizeOne(PetscReal r, PetscReal w, PetscReal p, PetscReal lo, PetscReal hi)
{
  const PetscReal excess = PetscAbsReal(p) - w;
  PetscReal       a      = 0;

  if (excess > 0) a = r > 0 ? -PetscSign(p) * excess / (2 * r) : p > 0 ? lo : hi;
  return PetscMin(PetscMax(a, lo), hi);
}

/* a [m] for p [m] = B' grad */
static void MinimizeBy(const TzControlParts *u, const PetscReal p[], PetscReal a[])
{
  const PetscInt m = u->m;

  for (PetscInt j = 0; j < m; j++) {
    a[j] = 0;
    if (u->r) a[j] = MinimizeOne(u->r[j], u->absolute ? u->absolute[j] : 0, p[j], u->lo ? u->lo[j] : PETSC_NINFINITY, u->hi ? u->hi[j] : PETSC_INFINITY);
    for (PetscInt k = 0; !u->r && k < m; k++) a[j] -= u->Rhalf[j * m + k] * p[k];
  }
}

/* a'R a + w.|a| */
static PetscReal ControlCost(const TzControlParts *u, const PetscReal a[])
{
  PetscReal cost = 0;

  for (PetscInt j = 0; j < u->m; j++) {
    PetscReal row = u->r ? u->r[j] * a[j] : 0;

    for (PetscInt k = 0; !u->r && k < u->m; k++) row += u->R[j * u->m + k] * a[k];
    cost += a[j] * row + (u->absolute ? u->absolute[j] * PetscAbsReal(a[j]) : 0);
  }
  return cost;
}

/* q + penalty at z */
static PetscErrorCode RunningCost(TzPDE pde, const TzControlParts *u, const PetscReal z[], PetscReal *q)
{
  PetscReal penalty = 0;

  PetscFunctionBegin;
  *q = 0;
  if (u->running) PetscCall((*u->running)(pde, z, q));
  if (u->penalty) PetscCall((*u->penalty)(pde, z, &penalty));
  *q += penalty;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlMinimize(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal grad[], PetscReal a[])
{
  const PetscInt    d = pde->d, D = TzJetCoordinates(&pde->shape);
  const PetscReal  *B;
  TzControlProblem *c;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(TzControlMatrix(pde, X + i * D, &B));
    ApplyTransposed(d, c->parts.m, B, grad + i * d, c->p);
    MinimizeBy(&c->parts, c->p, a + i * c->parts.m);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlRate(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal a[], PetscReal rate[])
{
  const PetscInt    d = pde->d, D = TzJetCoordinates(&pde->shape);
  const PetscReal  *B;
  TzControlProblem *c;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  PetscCall(PetscArrayzero(rate, n * d));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(TzControlMatrix(pde, X + i * D, &B));
    if (c->parts.drift) PetscCall((*c->parts.drift)(pde, X + i * D, rate + i * d));
    Apply(d, c->parts.m, B, a + i * c->parts.m, c->Ba);
    for (PetscInt k = 0; k < d; k++) rate[i * d + k] += c->Ba[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlRunning(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal a[], PetscReal cost[])
{
  const PetscInt    D = TzJetCoordinates(&pde->shape);
  TzControlProblem *c;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(RunningCost(pde, &c->parts, X + i * D, &cost[i]));
    cost[i] += ControlCost(&c->parts, a + i * c->parts.m);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g at z; ops->terminal */
static PetscErrorCode Terminal(TzPDE pde, const PetscReal z[], PetscReal *g)
{
  const TzControlParts *u = &((TzControlProblem *)pde->control)->parts;

  PetscFunctionBegin;
  if (u->terminal) PetscCall((*u->terminal)(pde, z, g));
  for (PetscInt i = 0; u->terminalweight && i < pde->d; i++) *g += u->terminalweight[i] * PetscSqr(z[i] - u->target[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlTerminal(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal cost[])
{
  const PetscInt    D = TzJetCoordinates(&pde->shape);
  TzControlProblem *c;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  for (PetscInt i = 0; i < n; i++) {
    cost[i] = 0;
    PetscCall(Terminal(pde, X + i * D, &cost[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------- the equation --------------------------------------------------------- */

static PetscErrorCode TzPDEDrift_Control(TzPDE pde, const PetscReal z[], PetscReal mu[])
{
  const TzControlParts *u = &((TzControlProblem *)pde->control)->parts;

  PetscFunctionBegin;
  if (u->drift) PetscCall((*u->drift)(pde, z, mu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The minimum of the Hamiltonian has the derivative f + B a in grad V: that a is a function of grad V adds nothing (Danskin) */
static PetscErrorCode TzPDEResidual_Control(TzPDE pde, const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  TzControlProblem     *c = (TzControlProblem *)pde->control;
  const TzControlParts *p = &c->parts;
  const PetscInt        d = pde->d;
  const PetscReal      *g = TzJetGrad(u), *B;
  PetscReal             q;

  PetscFunctionBegin;
  PetscCall(RunningCost(pde, p, z, &q));
  PetscCall(TzControlMatrix(pde, z, &B));
  ApplyTransposed(d, p->m, B, g, c->p);
  MinimizeBy(&c->parts, c->p, c->a);
  *r = TzJetTime(u) - p->discount * TzJetValue(u) + (pde->firstorder ? 0 : pde->diffusion * TzJetForm(u, 0)) + q + ControlCost(&c->parts, c->a);
  for (PetscInt j = 0; j < p->m; j++) *r += c->p[j] * c->a[j];
  PetscCall(PetscArrayzero(c->Ba, d));
  if (p->drift) PetscCall((*p->drift)(pde, z, c->Ba));
  for (PetscInt i = 0; i < d; i++) *r += c->Ba[i] * g[i];
  if (!dr) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(TzJetGrad(dr), c->Ba, d));
  Apply(d, p->m, B, c->a, c->Ba);
  for (PetscInt i = 0; i < d; i++) TzJetGrad(dr)[i] += c->Ba[i];
  TzJetTime(dr)  = 1;
  TzJetValue(dr) = -p->discount;
  if (!pde->firstorder) TzJetForm(dr, 0) = pde->diffusion;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V = (T - t) f + g, where g is quadratic */
static PetscErrorCode TzPDETransform_Quadratic(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const TzControlParts *u = &((TzControlProblem *)pde->control)->parts;
  TzFormAt              S;

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  if (!u->terminalweight) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < pde->d; i++) {
    TzJetValue(b) += u->terminalweight[i] * PetscSqr(z[i] - u->target[i]);
    TzJetGrad(b)[i] = 2 * u->terminalweight[i] * (z[i] - u->target[i]);
  }
  for (PetscInt p = 0; p < pde->shape.nforms; p++) {
    PetscCall(TzFormEvaluate(&pde->shape.form[p], pde->d, z, pde->field, &S));
    for (PetscInt i = 0; i < pde->d; i++) TzJetForm(b, p) += 2 * u->terminalweight[i] * TzFormEntry(&S, i, i);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlOffset(TzPDE pde, PetscReal t, PetscReal P[], PetscBool *is)
{
  const PetscInt        d = pde->d, n = d + 1;
  TzControlProblem     *c;
  const TzControlParts *u;
  TzLinear             *l;
  PetscReal             cost;

  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  PetscCall(TzControlGet(pde, &c));
  u   = &c->parts;
  *is = (PetscBool)(!pde->soft && !pde->stationary && !u->terminal);
  PetscCall(PetscArrayzero(P, n * n));
  if (c->offset) PetscCall((*c->offset)(pde, t, P, is));
  if (c->offset || !*is) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->extension) {
    PetscCall(TzLinearOffset(pde, &l));
    PetscCall(TzLinearGet(pde, l, t, P, &cost));
    P[n * n - 1] += cost;
  } else
    for (PetscInt i = 0; u->terminalweight && i < d; i++) P[i * (n + 1)] = u->terminalweight[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- set-up ------------------------------------------------------------- */

static PetscErrorCode Reset(TzControlProblem *c)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(c->memory));
  PetscCall(PetscFree4(c->B, c->p, c->a, c->Ba));
  PetscCall(TzLinearDestroy(&c->linear));
  PetscCall(TzLinearDestroy(&c->along));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlDestroy(TzPDE pde)
{
  PetscFunctionBegin;
  if (!pde->control) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Reset((TzControlProblem *)pde->control));
  PetscCall(PetscFree(pde->control));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *x [n], unless it is NULL, to the next place of the memory */
static PetscErrorCode Keep(PetscReal **memory, PetscInt n, const PetscReal **x)
{
  PetscFunctionBegin;
  if (!*x) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(*memory, *x, n));
  *x = *memory;
  *memory += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The arrays into memory; *rest: room for [m][m] behind them */
static PetscErrorCode Copy(TzControlProblem *c, PetscInt d, PetscReal **rest)
{
  TzControlParts *u = &c->parts;
  const PetscInt  m = u->m;
  PetscReal      *to;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(m * (d + 2 * m + 5) + d * (u->noises + 2), &c->memory));
  to = c->memory;
  PetscCall(Keep(&to, d * m, &u->B));
  PetscCall(Keep(&to, m, &u->r));
  PetscCall(Keep(&to, m * m, &u->R));
  PetscCall(Keep(&to, m, &u->absolute));
  PetscCall(Keep(&to, m, &u->lo));
  PetscCall(Keep(&to, m, &u->hi));
  PetscCall(Keep(&to, m, &u->trim));
  PetscCall(Keep(&to, d * u->noises, &u->sigma));
  PetscCall(Keep(&to, d, &u->terminalweight));
  if (!u->target) PetscCall(PetscArrayzero(to, d));
  else PetscCall(PetscArraycpy(to, u->target, d));
  u->target = to;
  *rest     = to + d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define MISTAKE(pde, ...) SETERRQ(PetscObjectComm((PetscObject)(pde)), PETSC_ERR_USER_INPUT, __VA_ARGS__)

/* That of each control by itself there is a minimiser */
static PetscErrorCode CheckDiagonal(TzPDE pde, const TzControlParts *u)
{
  const char *type = ((PetscObject)pde)->type_name;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < u->m; j++) {
    const PetscReal r = u->r[j], w = u->absolute ? u->absolute[j] : 0, lo = u->lo ? u->lo[j] : PETSC_NINFINITY, hi = u->hi ? u->hi[j] : PETSC_INFINITY;

    if (!(r >= 0) || !(w >= 0) || PetscIsInfReal(r + w))
      MISTAKE(pde, "-pde_type %s: control %" PetscInt_FMT " costs %g a^2 + %g |a|; must be finite and not negative", type, j + 1, (double)r, (double)w);
    if (!(lo <= hi)) MISTAKE(pde, "-pde_type %s: control %" PetscInt_FMT " has the bounds %g and %g; must be lo <= hi", type, j + 1, (double)lo, (double)hi);
    if (r == 0 && (lo <= PETSC_NINFINITY || hi >= PETSC_INFINITY))
      MISTAKE(pde, "-pde_type %s: R of control %" PetscInt_FMT " is 0; must be positive, or the control have two bounds", type, j + 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u->Rhalf [m][m] = 1/2 R^-1 of a full R */
static PetscErrorCode Invert(TzPDE pde, TzControlParts *u, PetscReal half[])
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)pde);
  const PetscInt m    = u->m;
  PetscReal     *copy;
  PetscBool      good, singular;

  PetscFunctionBegin;
  PetscCall(TzDenseCheckSymmetric(comm, "-pde_type", "R", m, u->R));
  PetscCall(PetscMalloc1(m * m, &copy));
  PetscCall(TzDenseCholesky(m, u->R, copy, &good));
  if (good) {
    for (PetscInt j = 0; j < m; j++) half[j * (m + 1)] = 0.5;
    PetscCall(PetscArraycpy(copy, u->R, m * m));
    PetscCall(TzDenseSolve(m, m, copy, half, &singular));
  }
  PetscCall(PetscFree(copy));
  PetscCheck(good, comm, PETSC_ERR_USER_INPUT, "-pde_type %s: the matrix R of the cost of controls; must be positive definite", ((PetscObject)pde)->type_name);
  u->Rhalf = half;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R is diagonal, r, unless it is full. `to`: what is left of the memory */
static PetscErrorCode CheckCost(TzPDE pde, TzControlParts *u, PetscReal *to)
{
  const PetscInt m        = u->m;
  PetscBool      diagonal = PETSC_TRUE;

  PetscFunctionBegin;
  for (PetscInt j = 0; u->R && j < m; j++)
    for (PetscInt k = 0; k < m; k++) diagonal = (PetscBool)(diagonal && (j == k || u->R[j * m + k] == 0));
  if (!diagonal) {
    if (u->absolute || u->lo || u->hi)
      MISTAKE(pde, "-pde_type %s: R is full, and controls have bounds or a cost of |a|; R must be diagonal", ((PetscObject)pde)->type_name);
    PetscCall(Invert(pde, u, to));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!u->r) {
    for (PetscInt j = 0; u->R && j < m; j++) to[j] = u->R[j * (m + 1)];
    u->r = to;
  }
  u->R = NULL;
  PetscCall(CheckDiagonal(pde, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(TzPDE pde, const TzControlParts *u)
{
  const char    *type = ((PetscObject)pde)->type_name;
  const PetscInt d = pde->d, m = u->m;

  PetscFunctionBegin;
  if (m < 1) MISTAKE(pde, "-pde_type %s: %" PetscInt_FMT " controls; must be at least 1", type, m);
  if (!u->B && !u->Bfield && m != d) MISTAKE(pde, "-pde_type %s: %" PetscInt_FMT " controls without a matrix B; must be %" PetscInt_FMT, type, m, d);
  if (!(u->discount >= 0) || PetscIsInfReal(u->discount)) MISTAKE(pde, "-pde_type %s: discount %g; must be at least 0", type, (double)u->discount);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESetControlParts(TzPDE pde, const TzControlParts *parts)
{
  TzControlProblem *c;
  PetscReal        *rest = NULL;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  PetscCall(Reset(c));
  PetscCall(Check(pde, parts));
  c->parts = *parts;
  PetscCall(Copy(c, pde->d, &rest));
  PetscCall(CheckCost(pde, &c->parts, rest));
  PetscCall(PetscMalloc4(pde->d * c->parts.m, &c->B, c->parts.m, &c->p, c->parts.m, &c->a, pde->d, &c->Ba));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlSetStart(TzPDE pde, PetscInt i, PetscReal lo, PetscReal hi)
{
  PetscFunctionBegin;
  if (!pde->nlo) pde->domain.lo[i] = lo;
  if (!pde->nhi) pde->domain.hi[i] = hi;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzControlSetUpParts(TzPDE pde)
{
  TzControlProblem *c;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  c->parts.m = 0;
  PetscCall((*c->setparts)(pde));
  PetscCheck(c->parts.m, PetscObjectComm((PetscObject)pde), PETSC_ERR_ARG_WRONGSTATE, "Control problem %s: its set-up must call TzPDESetControlParts()",
             ((PetscObject)pde)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddNoise(TzPDE pde, const PetscReal N[])
{
  const PetscInt d    = pde->d;
  PetscBool      zero = PETSC_TRUE, diagonal = PETSC_TRUE, equal = PETSC_TRUE;
  PetscReal     *w;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(d, &w));
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < d; j++) {
      const PetscReal n = N[i * d + j];

      zero     = (PetscBool)(zero && n == 0);
      diagonal = (PetscBool)(diagonal && (n == 0 || i == j));
      equal    = (PetscBool)(equal && (i != j || n == N[0]));
      if (i == j) w[i] = n;
    }
  pde->firstorder = zero;
  pde->diffusion  = 0.5;
  if (!zero && diagonal && equal) {
    pde->diffusion = N[0] / 2;
    PetscCall(TzPDEAddLaplacian(pde, NULL));
  } else if (!zero && diagonal) PetscCall(TzPDEAddFormDiagonal(pde, w, NULL));
  else if (!zero) PetscCall(TzPDEAddFormMatrix(pde, N, NULL));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The form of sigma sigma' */
static PetscErrorCode Noise(TzPDE pde, const TzControlParts *u)
{
  const PetscInt d = pde->d;
  PetscReal     *N;

  PetscFunctionBegin;
  pde->firstorder = (PetscBool)!u->noises;
  pde->diffusion  = 0.5;
  if (!u->noises) PetscFunctionReturn(PETSC_SUCCESS);
  if (u->sigmafield) {
    PetscCall(TzPDEAddFormFactorField(pde, u->noises, u->sigmafield, NULL));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(u->sigma, PetscObjectComm((PetscObject)pde), PETSC_ERR_ARG_WRONGSTATE, "Control problem %s has noises, but no sigma",
             ((PetscObject)pde)->type_name);
  PetscCall(PetscMalloc1(d * d, &N));
  PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_TRUE, d, d, u->noises, 1, u->sigma, u->sigma, 0, N));
  PetscCall(TzPDEAddNoise(pde, N));
  PetscCall(PetscFree(N));
  if (pde->firstorder) MISTAKE(pde, "-pde_type %s: sigma is 0; must make noise, or have no columns", ((PetscObject)pde)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_Control(TzPDE pde)
{
  TzControlProblem *c;

  PetscFunctionBegin;
  PetscCall(TzControlGet(pde, &c));
  PetscCall(TzControlSetUpParts(pde));
  PetscCall(Noise(pde, &c->parts));
  pde->ops->terminal  = Terminal;
  pde->ops->transform = c->extension ? TzLinearTransform : c->parts.terminal ? NULL : TzPDETransform_Quadratic;
  if (c->extension) PetscCall(TzLinearSolve(pde, c->extension == TZ_EXTENSION_PATH ? "-control_extension path" : "-control_extension linear"));
  if (pde->soft) MISTAKE(pde, "-pde_conditions soft: the value of a control problem at t = T is built in; must be hard");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -control_extension, for types whose transform is that of this file */
PetscErrorCode TzPDEControlSetFromOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  TzControlProblem *c = (TzControlProblem *)pde->control;

  PetscFunctionBegin;
  if (!c || pde->ops->setup != TzPDESetUp_Control) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzOptionsEList("-control_extension",
                           "How the terminal cost is continued to t < T in V = (T - t) f + b: constant, by the linear regulator, "
                           "or to second order along a direct optimum",
                           "TzPDESetControl", extensions, 3, extensions[c->extension], &c->extension, NULL));
  PetscCall(TzOptionsInt("-control_extension_steps", "Time steps of the direct optimum (>= 1)", "TzPDESetControl", c->steps, &c->steps, NULL));
  PetscCheck(c->steps >= 1, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-control_extension_steps %" PetscInt_FMT ": must be at least 1",
             c->steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESetControl(TzPDE pde, PetscErrorCode (*setup)(TzPDE))
{
  TzControlProblem *c;

  PetscFunctionBegin;
  PetscCall(TzPDEControlDestroy(pde));
  PetscCall(PetscNew(&c));
  c->setparts            = setup;
  c->steps               = 200;
  pde->control           = c;
  pde->domain.wholespace = PETSC_TRUE;
  pde->lo                = -1;
  pde->ops->setup        = TzPDESetUp_Control;
  pde->ops->residual     = TzPDEResidual_Control;
  pde->ops->drift        = TzPDEDrift_Control;
  if (!pde->formula) pde->formula = "V_t + 1/2 tr(sigma sigma' D^2 V) + f.grad V + q + min_a [a'R a + w.|a| + (B a).grad V] = 0, V(x,T) = g";
  PetscFunctionReturn(PETSC_SUCCESS);
}
