/*
  Estimate: Gauss-Newton steps for a mean of squares, L = |r|^2 / S of S residuals, with their acceptance: no gradient comes out, the solution moves here.

  The derivatives of all residuals along n directions are the rows of A [n][S]:
    random directions (zogn)     differences of residual vectors: n forward queries;
    all coordinates (zogn)       the same along every unit vector, or (zolls) those of the output layer, structured where the loss has it;
    all coordinates (tzgn)       A' = J by the adjoint, a row a sample.
  The coefficients c of the step minimise |r + A'c|^2 / S + lambda |c|^2 (Levenberg 1944, Marquardt 1963; lambda in units of the mean of |A_q|^2 / S), by
  Cholesky's factor of the smaller of the two matrices, (A A' / S + lambda I) c = - A r / S or c = - A (A'A / S + lambda I)^-1 r / S, which is the
  natural gradient in the space of residuals (Mueller and Zeinhofer 2023; Jnini and others 2024).

  What was taken before, phi, is remembered: among random directions it is one more; of all coordinates the step is beta phi + c, which is SPRING (Goldshlager,
  Abrahamsen and Lin 2024): c minimises with r + beta A'phi in place of r.

  Where it is asked for, half the geodesic acceleration is added to the step v: the solution of the same equations with the second derivative of the residuals
  along v, a difference of one more residual vector, in place of r (Transtrum and Sethna 2012, arXiv 1201.5885). Without damping r is then 0 to third order.

  The step is searched along its line by forward evaluations, 1, 1/4, 1/16 of it, and taken where the loss on the same samples has fallen. lambda follows the
  gain, which is the fall by the fall that the linear model foretold (Nielsen 1999).
*/
#include <private/tzzoimpl.h>
#include "linear.h"

#define TRIALS     8 /* dampings tried in a step */
#define HALVINGS   3 /* points on the line of one: 1, 1/4, 1/16 */
#define DAMPINGMAX 1e6
#define PROBE      0.1      /* part of the step at which its second derivative is taken */
#define SMALL      0.75     /* a step is tried where 2 |a| is at most this part of |v|: a longer one goes farther than its model holds */
#define TABLE      67108864 /* numbers of residual vectors that are asked for at a time */

typedef struct {
  PetscInt   samples, n; /* residuals; directions, the remembered one included */
  PetscInt   full;       /* parameters */
  PetscInt  *which;      /* [n]: the coordinates of the directions, ascending; NULL: all */
  PetscBool  byrows;     /* A' is stored: A [full][samples], element (q, i) at i * full + q */
  PetscReal *r, *A;      /* [samples], [n * samples] */
  PetscReal *table;      /* residual vectors of a call */
  PetscReal *G, *F, *b;  /* [m][m], [m][m], [m], m the smaller of n and samples */
  PetscReal *c;          /* [n] */
  PetscReal *fall;       /* [samples]: A'd, d the whole step */
  PetscReal *second, *a; /* [samples], [n]: for the acceleration */
  PetscReal *phi;        /* [full]: the step before, the same on every rank */
  PetscReal  length;     /* random directions: phi is asked for with this factor */
} GaussNewton;

static PetscErrorCode SetFromOptions(Tao tao, TzZOPhase *p, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  if (p->mu > 0) PetscCall(TzZOQueriesFromOptions(tao, p, TZ_DIRECTION_COORDINATE, PetscOptionsObject));
  PetscCall(TzOptionsReal(TzZOOption(p, "damping_min"), "Least damping, in units of the mean of |J xi|^2 / samples (> 0)", "TaoZOSetLoss", p->dampingmin,
                          &p->dampingmin, NULL));
  PetscCheck(p->dampingmin > 0 && p->dampingmin <= DAMPINGMAX, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "%s %g: must be positive, and at most %g", TzZOOption(p, "damping_min"), (double)p->dampingmin, DAMPINGMAX);
  if (p->last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzOptionsBool(TzZOOption(p, "acceleration"), "Add half the geodesic acceleration to steps", "TaoZOSetLoss", p->accelerated, &p->accelerated, NULL));
  PetscCall(TzOptionsReal(TzZOOption(p, "momentum"), "Part of the last step that the next begins with (0 <= beta < 1); random directions: 0, or not",
                          "TaoZOSetLoss", p->momentum, &p->momentum, NULL));
  PetscCheck(p->momentum >= 0 && p->momentum < 1, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT, "%s %g: must be at least 0 and below 1",
             TzZOOption(p, "momentum"), (double)p->momentum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool IsWhole(const TzZOPhase *phase)
{
  return (PetscBool)(phase->mu == 0 || phase->direction == TZ_DIRECTION_COORDINATE);
}

static PetscErrorCode CheckLoss(Tao tao, const TzZOPhase *phase, TzLoss loss)
{
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(TzLossHasResiduals(loss, &has));
  PetscCheck(has, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "-tao_type %s: least squares need residuals, which a loss of type %s has not: it is no mean of squares", ((PetscObject)tao)->type_name,
             ((PetscObject)loss)->type_name);
  PetscCall(TzLossHasJacobian(loss, &has));
  PetscCheck(has || phase->mu > 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "-tao_type %s: needs exact gradients of residuals, which a loss of type %s on this network has not; " TAOZOGN " does without",
             ((PetscObject)tao)->type_name, ((PetscObject)loss)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The queries of residual vectors that one call asks for: of all coordinates as many as the table holds */
static PetscErrorCode Queries(Tao tao, const TzZOPhase *phase, PetscInt samples, PetscInt full, TzQueries *q)
{
  PetscFunctionBegin;
  PetscCall(TzZOQueries(tao, phase, q));
  if (q->direction == TZ_DIRECTION_COORDINATE) q->n = PetscMax(1, PetscMin(full, TABLE / (samples * (q->twosided ? 2 : 1))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Tao tao, TzZOPhase *phase)
{
  TAO_ZO      *zo = (TAO_ZO *)tao->data;
  GaussNewton *s;
  TzQueries    q;
  PetscInt     m, grid[2];

  PetscFunctionBegin;
  PetscCall(CheckLoss(tao, phase, zo->loss));
  PetscCall(PetscNew(&s));
  phase->data = s;
  PetscCall(TzLossGetNumSamples(zo->loss, &s->samples));
  PetscCall(TzLossGetNumParameters(zo->loss, &s->full));
  s->byrows = (PetscBool)(phase->mu == 0);
  if (phase->last) {
    PetscCall(TzLossGetLastLayer(zo->loss, &s->n, NULL));
    PetscCall(PetscMalloc1(s->n, &s->which));
    PetscCall(TzLossGetLastLayer(zo->loss, &s->n, s->which));
  } else s->n = IsWhole(phase) ? s->full : PetscMin(phase->queries, PETSC_MAX_INT - 1) + (phase->momentum > 0 ? 1 : 0);
  m = PetscMin(s->n, s->samples);
  PetscCheck((PetscReal)m * m < PETSC_MAX_INT, PetscObjectComm((PetscObject)tao), PETSC_ERR_USER_INPUT,
             "-tao_type %s: a matrix of order %" PetscInt_FMT ", the smaller of directions (-zo_queries, parameters) and points; must be below %g",
             ((PetscObject)tao)->type_name, m, PetscSqrtReal((PetscReal)PETSC_MAX_INT));
  if (!s->byrows) {
    PetscCall(Queries(tao, phase, s->samples, s->full, &q));
    PetscCall(TzLossGetPartition(zo->loss, &q, grid));
    PetscCall(PetscMalloc1((1 + (size_t)q.n * (q.twosided ? 2 : 1)) * (size_t)s->samples, &s->table));
  }
  PetscCall(TzMemoryCheck(PetscObjectComm((PetscObject)tao), (PetscReal)s->n * s->samples + 3. * m * m,
                          "-tao_type %s: %" PetscInt_FMT " directions (%s), %" PetscInt_FMT " points", ((PetscObject)tao)->type_name, s->n,
                          phase->last      ? "the output layer"
                          : IsWhole(phase) ? "all parameters"
                                           : "-zo_queries",
                          s->samples));
  PetscCall(PetscMalloc1((size_t)s->n * (size_t)s->samples, &s->A));
  PetscCall(PetscMalloc3((size_t)m * (size_t)m, &s->G, (size_t)m * (size_t)m, &s->F, m, &s->b));
  PetscCall(PetscMalloc4(s->samples, &s->r, s->n, &s->c, s->samples, &s->fall, s->full, &s->phi));
  if (phase->accelerated) PetscCall(PetscMalloc2(s->samples, &s->second, s->n, &s->a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static TzMatrix MatrixOf(const GaussNewton *s)
{
  TzMatrix A = {.n = s->n, .m = s->samples, .rows = s->samples, .cols = 1, .x = s->A};

  if (s->byrows) A.rows = 1, A.cols = s->full;
  return A;
}

/* Rows first .. first + q->n - 1 of A from the residual vectors in the table: (theta,) theta + mu xi, (theta - mu xi,) ... */
static void Differences(const TzQueries *q, GaussNewton *s, PetscInt first)
{
  const size_t S = (size_t)s->samples, sides = q->twosided ? 2 : 1;

  for (size_t p = 0; p < (size_t)q->n; p++) {
    const PetscReal *plus = s->table + ((q->base ? 1 : 0) + p * sides) * S;
    PetscReal       *A    = s->A + ((size_t)first + p) * S;

    for (size_t i = 0; i < S; i++) A[i] = q->twosided ? (plus[i] - plus[S + i]) / (2 * q->mu) : (plus[i] - s->r[i]) / q->mu;
  }
}

/* Of the coordinates from number k on, at most n: how many follow each other in theta */
static PetscInt Together(const GaussNewton *s, PetscInt k, PetscInt n)
{
  PetscInt m = 1;

  if (!s->which) return n;
  while (m < n && s->which[k + m] == s->which[k] + m) m++;
  return m;
}

/* r and A, but for the remembered direction */
static PetscErrorCode Derivatives(Tao tao, TzZOPhase *phase, GaussNewton *s)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  TzQueries q;
  PetscInt  total = IsWhole(phase) ? s->n : phase->queries, most;

  PetscFunctionBegin;
  if (s->byrows) {
    PetscCall(TzLossJacobian(zo->loss, zo->theta, s->r, s->A));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Queries(tao, phase, s->samples, s->full, &q));
  most = q.n;
  for (PetscInt k = 0; k < total; k += q.n) {
    q.base  = (PetscBool)(k == 0);
    q.first = s->which ? s->which[k] : k;
    q.n     = Together(s, k, PetscMin(most, total - k));
    PetscCall(TzLossResidualVectors(zo->loss, zo->theta, &q, s->table));
    if (q.base) PetscCall(PetscArraycpy(s->r, s->table, s->samples));
    Differences(&q, s, k);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s->phi on every rank. Random directions: the last row of A is the derivative along it, at the length that a random direction has */
static PetscErrorCode Remember(Tao tao, const TzZOPhase *phase, GaussNewton *s)
{
  TAO_ZO    *zo = (TAO_ZO *)tao->data;
  PetscReal *A = s->A + (size_t)(s->n - 1) * (size_t)s->samples, sum = 0;

  PetscFunctionBegin;
  if (!(phase->momentum > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzZOGather(tao, zo->momentum, s->phi));
  if (IsWhole(phase)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < s->full; i++) sum += s->phi[i] * s->phi[i];
  s->length = sum > 0 ? PetscSqrtReal(s->full / sum) : 0;
  if (sum > 0) {
    for (PetscInt i = 0; i < s->full; i++) s->phi[i] = zo->theta[i] + phase->mu * s->length * s->phi[i];
    PetscCall(TzLossResidualVector(zo->loss, s->phi, A));
    for (PetscInt i = 0; i < s->samples; i++) A[i] = (A[i] - s->r[i]) / phase->mu;
  } else PetscCall(PetscArrayzero(A, s->samples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b: A v / S or v, the right-hand side of the smaller of the two systems for v in place of r; where it is v, it may be the same array */
static PetscErrorCode RightHandSide(const GaussNewton *s, const PetscReal v[], PetscReal b[])
{
  const TzMatrix A = MatrixOf(s);

  PetscFunctionBegin;
  if (s->n <= s->samples) {
    PetscCall(TzMatrixMultiply(&A, v, b));
    for (PetscInt p = 0; p < s->n; p++) b[p] /= s->samples;
  } else if (b != v) PetscCall(PetscArraycpy(b, v, s->samples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x [n] of -b, by the factor; work [samples]; b may be that of the two which has its length */
static PetscErrorCode Solution(MPI_Comm comm, const GaussNewton *s, const PetscReal b[], PetscReal work[], PetscReal x[])
{
  const TzMatrix A = MatrixOf(s);
  const PetscInt m = PetscMin(s->n, s->samples);
  PetscReal     *y = s->n <= s->samples ? x : work;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < m; p++) y[p] = -b[p];
  PetscCall(TzCholeskySolve(comm, m, s->F, y));
  if (y == x) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzMatrixMultiply(&A, y, x));
  for (PetscInt p = 0; p < s->n; p++) x[p] /= s->samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c for this damping, from s->G = A A' or A'A (divided by the samples) and r. *solved: the matrix had a factor. s->fall = A'd, d the whole step */
static PetscErrorCode Coefficients(Tao tao, const TzZOPhase *phase, GaussNewton *s, PetscReal lambda, PetscBool *solved)
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)tao);
  const TzMatrix A = MatrixOf(s), At = TzMatrixTranspose(&A);
  const PetscInt m = PetscMin(s->n, s->samples);

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(s->F, s->G, (size_t)m * (size_t)m));
  PetscCall(TzCholeskyFactor(comm, m, lambda, s->F, solved));
  if (!*solved) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Solution(comm, s, s->b, s->fall, s->c));
  if (IsWhole(phase) && phase->momentum > 0)
    for (PetscInt p = 0; p < s->n; p++) s->c[p] += phase->momentum * s->phi[p];
  PetscCall(TzMatrixMultiply(&At, s->c, s->fall));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* solution = previous + part of the step, and theta */
static PetscErrorCode Move(Tao tao, const TzZOPhase *phase, const GaussNewton *s, PetscReal part)
{
  TAO_ZO          *zo = (TAO_ZO *)tao->data;
  const PetscReal *m;
  PetscReal       *x;
  PetscInt         i0, i1;
  TzQueries        q;

  PetscFunctionBegin;
  PetscCall(VecCopy(zo->previous, tao->solution));
  PetscCall(VecGetOwnershipRange(tao->solution, &i0, &i1));
  PetscCall(VecGetArray(tao->solution, &x));
  if (s->which) {
    for (PetscInt p = 0; p < s->n; p++)
      if (s->which[p] >= i0 && s->which[p] < i1) x[s->which[p] - i0] += part * s->c[p];
  } else if (IsWhole(phase)) {
    for (PetscInt i = i0; i < i1; i++) x[i - i0] += part * s->c[i];
  } else {
    PetscCall(TzZOQueries(tao, phase, &q));
    for (PetscInt p = 0; p < q.n; p++) {
      PetscCall(TzLossDirection(zo->loss, &q, p, i0, i1, zo->xi));
      for (PetscInt i = 0; i < i1 - i0; i++) x[i] += part * s->c[p] * zo->xi[i];
    }
    if (phase->momentum > 0) {
      PetscCall(VecGetArrayRead(zo->momentum, &m));
      for (PetscInt i = 0; i < i1 - i0; i++) x[i] += part * s->c[q.n] * s->length * m[i];
      PetscCall(VecRestoreArrayRead(zo->momentum, &m));
    }
  }
  PetscCall(VecRestoreArray(tao->solution, &x));
  PetscCall(TzZOGather(tao, tao->solution, zo->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c + a/2 in place of c = v, where the acceleration a is small; otherwise the step is one for more damping */
static PetscErrorCode Accelerate(Tao tao, const TzZOPhase *phase, GaussNewton *s, PetscBool *small)
{
  TAO_ZO   *zo = (TAO_ZO *)tao->data;
  PetscReal v2 = 0, a2 = 0, *b = s->n <= s->samples ? s->a : s->second;

  PetscFunctionBegin;
  PetscCall(Move(tao, phase, s, PROBE));
  PetscCall(TzLossResidualVector(zo->loss, zo->theta, s->second));
  for (PetscInt i = 0; i < s->samples; i++) s->second[i] = 2 / PROBE * ((s->second[i] - s->r[i]) / PROBE - s->fall[i]);
  PetscCall(RightHandSide(s, s->second, b));
  PetscCall(Solution(PetscObjectComm((PetscObject)tao), s, b, s->second, s->a));
  for (PetscInt p = 0; p < s->n; p++) v2 += s->c[p] * s->c[p], a2 += s->a[p] * s->a[p];
  *small = (PetscBool)(4 * a2 <= SMALL * SMALL * v2);
  if (!*small) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt p = 0; p < s->n; p++) s->c[p] += s->a[p] / 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along the line of the step: *gain is the fall of the loss by what the linear model foretold, of the first part at which there is one; 0: at none, or
   a signal has cut it off */
static PetscErrorCode Line(Tao tao, const TzZOPhase *phase, const GaussNewton *s, PetscReal l0, PetscReal *gain, PetscBool *givenup)
{
  TAO_ZO   *zo   = (TAO_ZO *)tao->data;
  PetscReal part = zo->rate;

  PetscFunctionBegin;
  *gain = 0;
  for (PetscInt k = 0; k < HALVINGS && !(*gain > 0); k++, part /= 4) {
    PetscReal l, model = 0;

    PetscCall(Move(tao, phase, s, part));
    PetscCall(TzLossObjective(zo->loss, zo->theta, &l));
    for (PetscInt i = 0; i < s->samples; i++) model += PetscSqr(s->r[i] + part * s->fall[i]) / s->samples;
    PetscCall(TzInterruptAgree(PetscObjectComm((PetscObject)tao), givenup));
    if (*givenup) PetscFunctionReturn(PETSC_SUCCESS);
    if (l < l0) *gain = model < l0 ? (l0 - l) / (l0 - model) : 1;
    if (k && *gain > 0) *gain = PetscMin(*gain, 0.25); /* shortened: the model did not hold so far out */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step by step more damping until the loss falls; the solution stays where it is if it never does */
static PetscErrorCode Search(Tao tao, const TzZOPhase *phase, GaussNewton *s, PetscReal scale, PetscReal l0)
{
  TAO_ZO         *zo      = (TAO_ZO *)tao->data;
  const PetscReal damping = zo->state.damping;
  PetscReal       gain    = 0;
  PetscBool       solved, givenup = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(VecCopy(tao->solution, zo->previous));
  for (PetscInt trial = 0; trial < TRIALS && !(gain > 0) && !givenup; trial++) {
    PetscCall(Coefficients(tao, phase, s, zo->state.damping * scale, &solved));
    if (solved && phase->accelerated) PetscCall(Accelerate(tao, phase, s, &solved));
    if (solved) PetscCall(Line(tao, phase, s, l0, &gain, &givenup));
    if (gain > 0) zo->state.damping *= PetscMax(1 / (PetscReal)3, 1 - PetscPowReal(2 * PetscMin(gain, 1) - 1, 3));
    else zo->state.damping *= 4;
    zo->state.damping = PetscMin(PetscMax(zo->state.damping, phase->dampingmin), DAMPINGMAX);
  }
  if (givenup) zo->state.damping = damping;
  if (!(gain > 0)) {
    PetscCall(VecCopy(zo->previous, tao->solution));
    PetscCall(TzZOGather(tao, tao->solution, zo->theta));
  } else if (phase->momentum > 0) PetscCall(VecWAXPY(zo->momentum, -1, zo->previous, tao->solution));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The matrix and the right-hand side; *scale: mean of |A_q|^2 / S; *norm of the gradient in the span */
static PetscErrorCode NormalEquations(Tao tao, const TzZOPhase *phase, GaussNewton *s, PetscReal *scale, PetscReal *norm)
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)tao);
  const TzMatrix A = MatrixOf(s), At = TzMatrixTranspose(&A);
  const PetscInt m = PetscMin(s->n, s->samples);

  PetscFunctionBegin;
  *norm = *scale = 0;
  PetscCall(TzMatrixMultiply(&A, s->r, s->c));
  for (PetscInt p = 0; p < s->n; p++) *norm += PetscSqr(2 * s->c[p] / s->samples) / (IsWhole(phase) ? 1 : s->n);
  *norm = PetscSqrtReal(*norm);
  PetscCall(TzMatrixGram(comm, s->n <= s->samples ? &A : &At, s->G));
  for (size_t i = 0; i < (size_t)m * (size_t)m; i++) s->G[i] /= s->samples;
  for (PetscInt p = 0; p < m; p++) *scale += s->G[p * m + p] / s->n;
  if (IsWhole(phase) && phase->momentum > 0) PetscCall(TzMatrixMultiply(&At, s->phi, s->fall));
  else PetscCall(PetscArrayzero(s->fall, s->samples));
  for (PetscInt i = 0; i < s->samples; i++) s->fall[i] = s->r[i] + phase->momentum * s->fall[i];
  PetscCall(RightHandSide(s, s->fall, s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Estimate(Tao tao, TzZOPhase *phase, PetscReal *l0, PetscReal *norm)
{
  GaussNewton *s = (GaussNewton *)phase->data;
  PetscReal    scale;
  PetscBool    givenup;

  PetscFunctionBegin;
  PetscCall(Derivatives(tao, phase, s));
  *l0 = 0;
  for (PetscInt i = 0; i < s->samples; i++) *l0 += s->r[i] * s->r[i] / s->samples;
  PetscCall(Remember(tao, phase, s));
  PetscCall(TzInterruptAgree(PetscObjectComm((PetscObject)tao), &givenup));
  if (givenup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NormalEquations(tao, phase, s, &scale, norm));
  if (!PetscIsInfOrNanReal(*l0 + *norm)) PetscCall(Search(tao, phase, s, scale, *l0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View(Tao tao, const TzZOPhase *phase, PetscViewer viewer)
{
  PetscFunctionBegin;
  if (phase->last) PetscCall(PetscViewerASCIIPrintf(viewer, "its coordinates, differences of mu = %g, ", (double)phase->mu));
  else if (phase->mu > 0) PetscCall(TzZOQueriesView(tao, phase, viewer));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "exact derivatives, "));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TzZOPhase *phase)
{
  GaussNewton *s = (GaussNewton *)phase->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(s->which));
  PetscCall(PetscFree(s->table));
  PetscCall(PetscFree(s->A));
  PetscCall(PetscFree3(s->G, s->F, s->b));
  PetscCall(PetscFree4(s->r, s->c, s->fall, s->phi));
  PetscCall(PetscFree2(s->second, s->a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzZOEstimate TzZOGaussNewton = {.setfromoptions = SetFromOptions, .setup = SetUp, .estimate = Estimate, .view = View, .destroy = Destroy};
