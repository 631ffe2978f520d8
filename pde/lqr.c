/*
  Linear-quadratic regulator: dX = (A X + B a) dt + sigma dW, cost E[int (X'QX + a'R a) dt + X_T' G X_T]. The value V solves

      V_t + 1/2 tr(sigma sigma' D^2 V) + (A x).grad V - 1/4 grad V' K grad V + x'Qx = 0,  V(x,T) = x'Gx,  K = B R^-1 B',

  V = x'P(t)x + c(t) with the Riccati equation (riccati.h), N = sigma sigma'; the optimal control is -R^-1 B' P x. With -lqr_discount rho the horizon is
  infinite: no t and no V_t, but -rho V. -lqr_problem
    scalar  A = 0, B = R = I, Q = q I, G = g I, sigma sigma' = 2 nu I in closed form: any d
    rod     a heated rod: A = heat (d + 1)^2 tridiag(1, -2, 1), B the columns of I at 1/4 <= i/(d + 1) <= 3/4, Q = G = I/(d + 1), R = I/10,
            sigma sigma' = 2 nu I
    FILE    matrices A, B, Q, R, G, sigma by name (TzMatricesRead); where one is missing A = Q = G = 0, B = R = sigma = I

  V = (T - t) f + b. -lqr_extension
    constant  b = x'Gx
    free      b = x'P(t)x + c(t) of the same problem without control, K = 0: its residual is -1/4 grad b' K grad b, whatever fast modes A has
*/
#include "control.h"
#include "dense.h"
#include <tzfiles.h>

typedef struct {
  char       problem[PETSC_MAX_PATH_LEN];
  PetscReal  q, g, nu, heat, discount;
  PetscBool  scalar;            /* the matrices are NULL */
  PetscReal *A, *K, *Q, *G, *N; /* [d][d] */
  PetscInt   m;                 /* controls, */
  PetscReal *B, *R;             /* [d][m], [m][m]; NULL: I */
  PetscReal *P, *x, *y;         /* scratch [d][d], [d], [d]; stationary: P is the solution */
  PetscInt   extension;         /* 0 constant, 1 free */
  TzRiccati  riccati, free;     /* free: without control */
  PetscReal *w, *V;             /* eigenvalues [d] and eigenvectors [d][d] of A, one a row, where paths need them */
} LQR;

/* out [d] = M x of a symmetric matrix (its rows are its columns: a loop that runs in vectors); the value is x'M x */
static PetscReal Apply(PetscInt d, const PetscReal M[], const PetscReal x[], PetscReal out[])
{
  PetscReal value = 0;

  for (PetscInt i = 0; i < d; i++) out[i] = 0;
  for (PetscInt j = 0; j < d; j++)
    for (PetscInt i = 0; i < d; i++) out[i] += M[j * d + i] * x[j];
  for (PetscInt i = 0; i < d; i++) value += x[i] * out[i];
  return value;
}

/* Ax [d] */
static void Drift(const LQR *l, PetscInt d, const PetscReal x[], PetscReal Ax[])
{
  for (PetscInt i = 0; i < d; i++) {
    Ax[i] = 0;
    for (PetscInt j = 0; j < d; j++) Ax[i] += l->A[i * d + j] * x[j];
  }
}

/* The matrix of b is p I (scalar) or P, and dp, dP its derivative in tau; dc that of c = N : P integrated */
static PetscErrorCode TzPDETransform_LQR(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  LQR            *l   = (LQR *)pde->data;
  const PetscInt  d   = pde->d;
  const PetscReal tau = l->extension ? pde->T - z[d] : 0;
  PetscReal      *g = TzJetGrad(b), c = 0, trace = 0, dtau = 0;

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[d];
  TzJetTime(a)  = -1;
  if (l->scalar) {
    const PetscReal p = l->g + l->q * tau;

    for (PetscInt i = 0; i < d; i++) {
      g[i] = 2 * p * z[i];
      TzJetValue(b) += p * z[i] * z[i];
      dtau += l->q * z[i] * z[i];
    }
    c     = 2 * l->nu * (PetscReal)d * (l->g * tau + l->q * tau * tau / 2);
    trace = 2 * l->nu * (PetscReal)d * p;
  } else {
    if (l->extension) PetscCall(TzRiccatiGet(l->free, tau, l->P, &c));
    TzJetValue(b) = Apply(d, l->extension ? l->P : l->G, z, g);
    for (PetscInt e = 0; e < d * d; e++) trace += l->N[e] * (l->extension ? l->P[e] : l->G[e]);
    dtau = Apply(d, l->Q, z, l->y);
    Drift(l, d, z, l->x);
    for (PetscInt i = 0; i < d; i++) {
      dtau += 2 * g[i] * l->x[i];
      g[i] *= 2;
    }
  }
  TzJetValue(b) += c;
  if (l->extension) TzJetTime(b) = -dtau - trace;
  if (!pde->firstorder) TzJetForm(b, 0) = trace / pde->diffusion;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not for `free` with matrices, whose P(t) is a table */
static PetscErrorCode TzPDETransformCode_LQR(TzPDE pde, TzCode code)
{
  const LQR *l = (LQR *)pde->data;

  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  if (l->scalar) {
    TzCodeReal(code, "g", l->g);
    TzCodeReal(code, "q", l->extension ? l->q : 0);
    TzCodeReal(code, "noise", l->extension ? 2 * l->nu * (PetscReal)pde->d : 0);
    TzCodePrintf(code, "  const real tau = T - z[d], p = g + q * tau;\n"
                       "  real square = 0;\n"
                       "  for (int i = 0; i < d; i++) square += z[i] * z[i], db[i] = 2 * p * z[i];\n"
                       "  *b = p * square + noise * (g * tau + q * tau * tau / 2);\n"
                       "  db[d] = -q * square - noise * p;\n");
  } else {
    TzCodeReals(code, "matrix", pde->d * pde->d, l->G);
    TzCodePrintf(code, "  for (int i = 0; i < d; i++) {\n"
                       "    for (int j = 0; j < d; j++) db[i] += matrix[i * d + j] * z[j];\n"
                       "    *b += z[i] * db[i], db[i] *= 2;\n"
                       "  }\n");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x'M x, or of scalars m |x|^2 */
static PetscReal Cost(TzPDE pde, const PetscReal M[], PetscReal m, const PetscReal x[])
{
  const LQR *l     = (LQR *)pde->data;
  PetscReal  value = 0;

  if (!l->scalar) return Apply(pde->d, M, x, l->y);
  for (PetscInt i = 0; i < pde->d; i++) value += m * x[i] * x[i];
  return value;
}

static PetscErrorCode Running(TzPDE pde, const PetscReal z[], PetscReal *q)
{
  const LQR *l = (LQR *)pde->data;

  PetscFunctionBegin;
  *q = Cost(pde, l->Q, l->q, z);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The running cost and, of matrices, A x */
static PetscErrorCode TzPDESource_LQR(TzPDE pde, const PetscReal z[], PetscReal s[])
{
  const LQR *l = (LQR *)pde->data;

  PetscFunctionBegin;
  PetscCall(Running(pde, z, s));
  if (!l->scalar) Drift(l, pde->d, z, s + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_LQR(TzPDE pde, PETSC_UNUSED const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  LQR             *l = (LQR *)pde->data;
  const PetscInt   d = pde->d;
  const PetscReal *g = TzJetGrad(u), *Ax = pde->source + 1;
  PetscReal        value, control        = 0;

  PetscFunctionBegin;
  value = pde->firstorder ? 0 : pde->diffusion * TzJetForm(u, 0);
  value += pde->stationary ? -l->discount * TzJetValue(u) : TzJetTime(u);
  if (l->scalar) {
    for (PetscInt i = 0; i < d; i++) {
      control += g[i] * g[i];
      if (dr) TzJetGrad(dr)[i] = -g[i] / 2;
    }
  } else {
    control = Apply(d, l->K, g, l->y);
    for (PetscInt i = 0; i < d; i++) {
      value += Ax[i] * g[i];
      if (dr) TzJetGrad(dr)[i] = Ax[i] - l->y[i] / 2;
    }
  }
  *r = value - control / 4 + pde->source[0];
  if (dr && !pde->firstorder) TzJetForm(dr, 0) = pde->diffusion;
  if (dr && pde->stationary) TzJetValue(dr) = -l->discount;
  else if (dr) TzJetTime(dr) = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  p' = q - p^2, p(0) = g, and its integral s: with w = sqrt(q), p = w (g + w tanh w tau)/(w + g tanh w tau), s = ln(cosh w tau + g/w sinh w tau); discounted
  p^2 + rho p = q
*/
static void Scalar(const LQR *l, PetscReal tau, PetscReal *p, PetscReal *s)
{
  const PetscReal w = PetscSqrtReal(l->q), th = PetscTanhReal(w * tau), e = PetscExpReal(-2 * w * tau);

  if (l->discount > 0) {
    *p = 2 * l->q / (l->discount + PetscSqrtReal(l->discount * l->discount + 4 * l->q));
    *s = *p / l->discount;
  } else if (l->q > 0) {
    *p = w * (l->g + w * th) / (w + l->g * th);
    *s = w * tau + PetscLogReal((1 + e) / 2 + l->g / w * (1 - e) / 2);
  } else {
    *p = l->g / (1 + l->g * tau);
    *s = PetscLogReal(1 + l->g * tau);
  }
}

static PetscErrorCode TzPDEExact_LQR(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  LQR            *l   = (LQR *)pde->data;
  const PetscInt  d   = pde->d;
  const PetscReal tau = pde->stationary ? 0 : pde->T - z[d];
  PetscReal       p, c = 0, square = 0;

  PetscFunctionBegin;
  if (l->scalar) {
    Scalar(l, tau, &p, &c);
    c *= 2 * l->nu * (PetscReal)d;
    for (PetscInt i = 0; i < d; i++) {
      l->y[i] = p * z[i];
      square += z[i] * l->y[i];
    }
  } else {
    if (!pde->stationary) PetscCall(TzRiccatiGet(l->riccati, tau, l->P, &c));
    for (PetscInt e = 0; pde->stationary && e < d * d; e++) c += l->N[e] * l->P[e] / l->discount;
    square = Apply(d, l->P, z, l->y);
  }
  *u = square + c;
  for (PetscInt i = 0; grad && i < d; i++) grad[i] = 2 * l->y[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDrift_LQR(TzPDE pde, const PetscReal z[], PetscReal mu[])
{
  PetscFunctionBegin;
  Drift((LQR *)pde->data, pde->d, z, mu);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_LQR(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  LQR      *l = (LQR *)pde->data;
  PetscBool scalar, rod;

  static const char *const extension[] = {"constant", "free"};

  PetscFunctionBegin;
  PetscCall(TzOptionsString("-lqr_problem", "scalar, rod, or a file with the matrices A, B, Q, R, G, sigma", "TzPDEResidual", l->problem, l->problem,
                            sizeof(l->problem), NULL));
  scalar = (PetscBool)!strcmp(l->problem, "scalar");
  rod    = (PetscBool)!strcmp(l->problem, "rod");
  if (scalar) PetscCall(TzOptionsReal("-lqr_q", "Running cost q |x|^2 (cost/length^2/time)", "TzPDEResidual", l->q, &l->q, NULL));
  if (scalar) PetscCall(TzOptionsReal("-lqr_g", "Terminal cost g |x|^2 (cost/length^2)", "TzPDETransform", l->g, &l->g, NULL));
  if (rod) PetscCall(TzOptionsReal("-lqr_heat", "Conductivity of the rod of length 1 (1/time)", "TzPDEResidual", l->heat, &l->heat, NULL));
  if (scalar || rod) PetscCall(TzOptionsReal("-lqr_nu", "Noise: sigma sigma' = 2 nu I (length^2/time)", "TzPDEResidual", l->nu, &l->nu, NULL));
  PetscCall(TzOptionsReal("-lqr_discount", "Rate rho of an infinite horizon; 0: the horizon is T (1/time)", "TzPDEResidual", l->discount, &l->discount, NULL));
  pde->stationary = (PetscBool)(l->discount > 0);
  if (!pde->stationary)
    PetscCall(TzOptionsEList("-lqr_extension", "How the terminal value is continued to t < T in V = (T - t) f + b", "TzPDETransform", extension, 2,
                             extension[l->extension], &l->extension, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M [n][n] must be symmetric with no eigenvalue below 0, or none at 0 either */
static PetscErrorCode CheckPositive(MPI_Comm comm, const char name[], PetscInt n, const PetscReal M[], PetscBool definite)
{
  PetscReal *w, *V;

  PetscFunctionBegin;
  PetscCall(TzDenseCheckSymmetric(comm, "-lqr_problem", name, n, M));
  PetscCall(PetscMalloc2(n, &w, n * n, &V));
  PetscCall(TzDenseEigen(n, M, w, V));
  PetscCheck(definite ? w[0] > 1e-14 * PetscAbsReal(w[n - 1]) : w[0] >= -1e-13 * PetscAbsReal(w[n - 1]), comm, PETSC_ERR_USER_INPUT,
             "-lqr_problem: the matrix %s has the eigenvalue %g; must be positive %s", name, (double)w[0], definite ? "definite" : "semidefinite");
  PetscCall(PetscFree2(w, V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B [d][m] and R [m][m]; NULL is I */
static PetscErrorCode KeepControl(LQR *l, PetscInt d, PetscInt m, const PetscReal B[], const PetscReal R[])
{
  PetscFunctionBegin;
  l->m = m;
  if (B) {
    PetscCall(PetscMalloc1(d * m, &l->B));
    PetscCall(PetscArraycpy(l->B, B, d * m));
  }
  if (R) {
    PetscCall(PetscMalloc1(m * m, &l->R));
    PetscCall(PetscArraycpy(l->R, R, m * m));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rod(TzPDE pde)
{
  LQR            *l = (LQR *)pde->data;
  const PetscInt  d = pde->d;
  const PetscReal n = (PetscReal)(d + 1), a = l->heat * n * n;
  PetscInt        first = d, m = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) {
    const PetscBool controlled = (PetscBool)(4 * (i + 1) >= d + 1 && 4 * (i + 1) <= 3 * (d + 1));

    l->A[i * d + i] = -2 * a;
    if (i) l->A[i * d + i - 1] = l->A[(i - 1) * d + i] = a;
    l->K[i * d + i] = controlled ? 10 : 0;
    l->Q[i * d + i] = l->G[i * d + i] = 1 / n;
    l->N[i * d + i]                   = 2 * l->nu;
    if (controlled) first = PetscMin(first, i);
    m += controlled;
  }
  PetscCheck(m, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT, "-pde_dim %" PetscInt_FMT ": no node of the rod is controlled; must be larger", d);
  l->m = m;
  PetscCall(PetscCalloc1(d * m, &l->B));
  PetscCall(PetscCalloc1(m * m, &l->R));
  for (PetscInt j = 0; j < m; j++) l->B[(first + j) * m + j] = 1, l->R[j * (m + 1)] = 0.1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K [d][d] = B R^-1 B' of B [d][m], R [m][m]; NULL is I */
static PetscErrorCode ControlMatrix(MPI_Comm comm, PetscInt d, PetscInt m, const PetscReal B[], const PetscReal R[], PetscReal K[])
{
  PetscReal *inverse, *copy;
  PetscBool  singular;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(m * d, &inverse, m * m, &copy));
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < d; j++) inverse[i * d + j] = B ? B[j * m + i] : i == j;
  if (R) {
    PetscCall(CheckPositive(comm, "R", m, R, PETSC_TRUE));
    PetscCall(PetscArraycpy(copy, R, m * m));
    PetscCall(TzDenseSolve(m, d, copy, inverse, &singular));
  }
  if (B) PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_FALSE, d, d, m, 1, B, inverse, 0, K));
  else PetscCall(PetscArraycpy(K, inverse, d * d));
  PetscCall(PetscFree2(inverse, copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromFile(TzPDE pde)
{
  LQR             *l    = (LQR *)pde->data;
  MPI_Comm         comm = PetscObjectComm((PetscObject)pde);
  const PetscInt   d    = pde->d;
  PetscInt         cols, m = d;
  const PetscReal *x[6];
  const char      *name[] = {"A", "Q", "G", "B", "R", "sigma"}, *path;
  TzStore          store;

  PetscFunctionBegin;
  PetscCall(TzMatricesRead(comm, "-lqr_problem", l->problem, "A", &store));
  for (PetscInt i = 0;; i++) {
    PetscBool known = PETSC_FALSE;

    PetscCall(TzStoreGetPath(store, i, &path));
    if (!path) break;
    for (int k = 0; k < 6; k++) known = (PetscBool)(known || !strcmp(path + 1, name[k]));
    PetscCheck(known, comm, PETSC_ERR_USER_INPUT, "-lqr_problem %s: unknown matrix %s; must be A, B, Q, R, G or sigma", l->problem, path + 1);
  }
  for (int k = 0; k < 6; k++) {
    cols = k < 3 ? d : k == 4 ? m : 0;
    PetscCall(TzMatricesGet(store, comm, "-lqr_problem", name[k], k == 4 ? m : d, &cols, &x[k]));
    if (k == 3 && x[3]) m = cols;
  }
  if (x[0]) PetscCall(PetscArraycpy(l->A, x[0], d * d));
  if (x[1]) PetscCall(PetscArraycpy(l->Q, x[1], d * d));
  if (x[2]) PetscCall(PetscArraycpy(l->G, x[2], d * d));
  PetscCall(ControlMatrix(comm, d, m, x[3], x[4], l->K));
  PetscCall(KeepControl(l, d, m, x[3], x[4]));
  if (x[5]) PetscCall(TzDenseMultiply(PETSC_FALSE, PETSC_TRUE, d, d, cols, 1, x[5], x[5], 0, l->N));
  else
    for (PetscInt i = 0; i < d; i++) l->N[i * (d + 1)] = 1;
  PetscCall(CheckPositive(comm, "Q", d, l->Q, PETSC_FALSE));
  PetscCall(CheckPositive(comm, "G", d, l->G, PETSC_FALSE));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset(LQR *l)
{
  PetscFunctionBegin;
  PetscCall(PetscFree6(l->A, l->K, l->Q, l->G, l->N, l->P));
  PetscCall(PetscFree2(l->x, l->y));
  PetscCall(PetscFree2(l->w, l->V));
  PetscCall(PetscFree(l->B));
  PetscCall(PetscFree(l->R));
  PetscCall(TzRiccatiDestroy(&l->riccati));
  PetscCall(TzRiccatiDestroy(&l->free));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The state at time t from x without control, for a symmetric A and N = n I: along an eigenvector of A with the eigenvalue w it is normal with the mean
  e^(w t) x and the variance n (e^(2 w t) - 1)/(2 w)
*/
static PetscErrorCode TzPDEState_LQR(TzPDE pde, PetscReal t, const PetscReal xi[], PetscReal x[])
{
  LQR           *l = (LQR *)pde->data;
  const PetscInt d = pde->d;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < d; k++) {
    const PetscReal w = l->w[k], variance = l->N[0] * (w == 0 ? t : expm1(2 * w * t) / (2 * w));

    l->y[k] = 0;
    for (PetscInt i = 0; i < d; i++) l->y[k] += l->V[k * d + i] * x[i];
    l->y[k] = PetscExpReal(w * t) * l->y[k] + PetscSqrtReal(variance) * xi[k];
  }
  PetscCall(PetscArrayzero(x, d));
  for (PetscInt k = 0; k < d; k++)
    for (PetscInt i = 0; i < d; i++) x[i] += l->V[k * d + i] * l->y[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Paths have the drift A x where their 20 steps of Euler's method can follow it; a stiff one would throw them far out: there the state is drawn exactly if A is
  symmetric and N a multiple of I (the rod), and otherwise they have no drift
*/
static PetscErrorCode SetDrift(TzPDE pde)
{
  LQR           *l    = (LQR *)pde->data;
  const PetscInt d    = pde->d;
  PetscReal      norm = 0;
  PetscBool      easy = PETSC_TRUE;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) {
    PetscReal sum = 0;

    for (PetscInt j = 0; j < d; j++) {
      sum += PetscAbsReal(l->A[i * d + j]);
      easy = (PetscBool)(easy && l->A[i * d + j] == l->A[j * d + i] && l->N[i * d + j] == (i == j ? l->N[0] : 0));
    }
    norm = PetscMax(norm, sum);
  }
  pde->ops->drift = norm * pde->T <= 20 ? TzPDEDrift_LQR : NULL;
  pde->ops->state = !pde->ops->drift && easy && !pde->stationary ? TzPDEState_LQR : NULL;
  if (!pde->ops->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(d, &l->w, d * d, &l->V));
  PetscCall(TzDenseEigen(d, l->A, l->w, l->V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P and c: tabulated or stationary; the discount acts as A - rho/2 I */
static PetscErrorCode Solve(TzPDE pde)
{
  LQR           *l    = (LQR *)pde->data;
  MPI_Comm       comm = PetscObjectComm((PetscObject)pde);
  const PetscInt d    = pde->d;
  PetscReal     *A;
  PetscBool      good;

  PetscFunctionBegin;
  if (!pde->stationary) {
    PetscCall(TzRiccatiCreate(d, l->A, l->K, l->Q, l->G, l->N, pde->T, &l->riccati, &good));
    PetscCheck(good, comm, PETSC_ERR_USER_INPUT, "-lqr_problem %s: the value becomes infinite before t = 0; must have a smaller -pde_T", l->problem);
    if (!l->extension) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(PetscCalloc1(d * d, &A)); /* K = 0 */
    PetscCall(TzRiccatiCreate(d, l->A, A, l->Q, l->G, l->N, pde->T, &l->free, &good));
    PetscCall(PetscFree(A));
    PetscCheck(good, comm, PETSC_ERR_USER_INPUT, "-lqr_problem %s: without control the cost is too large; must have -lqr_extension constant", l->problem);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(d * d, &A));
  for (PetscInt e = 0; e < d * d; e++) A[e] = l->A[e] - (e % (d + 1) ? 0 : l->discount / 2);
  PetscCall(TzRiccatiStationary(d, A, l->K, l->Q, l->P, &good));
  PetscCheck(good, comm, PETSC_ERR_USER_INPUT, "-lqr_problem %s: the discounted cost cannot be made finite; must have another B or a larger -lqr_discount",
             l->problem);
  PetscCall(PetscFree(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Terminal(TzPDE pde, const PetscReal z[], PetscReal *g)
{
  const LQR *l = (LQR *)pde->data;

  PetscFunctionBegin;
  *g = Cost(pde, l->G, l->g, z);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParts(TzPDE pde)
{
  const LQR     *l = (LQR *)pde->data;
  TzControlParts c = {.m = l->m, .B = l->B, .R = l->R, .running = Running, .terminal = Terminal, .discount = l->discount};
  PetscReal     *ones;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(l->m, &ones));
  for (PetscInt i = 0; i < l->m; i++) ones[i] = 1;
  if (!l->R) c.r = ones;
  if (!l->scalar) c.drift = TzPDEDrift_LQR;
  PetscCall(TzPDESetControlParts(pde, &c));
  PetscCall(PetscFree(ones));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The offset of the transform is x'P x + c */
static PetscErrorCode Offset(TzPDE pde, PetscReal t, PetscReal P[], PetscBool *is)
{
  LQR            *l   = (LQR *)pde->data;
  const PetscInt  d   = pde->d;
  const PetscReal tau = l->extension ? pde->T - t : 0;
  PetscReal       c   = 0;

  PetscFunctionBegin;
  *is = (PetscBool)(!pde->stationary && !pde->soft);
  if (!*is) PetscFunctionReturn(PETSC_SUCCESS);
  if (!l->scalar && l->extension) PetscCall(TzRiccatiGet(l->free, tau, l->P, &c));
  for (PetscInt i = 0; i < d; i++)
    for (PetscInt j = 0; j < d; j++) P[i * (d + 1) + j] = l->scalar ? (i == j ? l->g + l->q * tau : 0) : l->extension ? l->P[i * d + j] : l->G[i * d + j];
  if (l->scalar) c = 2 * l->nu * (PetscReal)d * (l->g * tau + l->q * tau * tau / 2);
  P[(d + 1) * (d + 1) - 1] = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_LQR(TzPDE pde)
{
  LQR           *l    = (LQR *)pde->data;
  MPI_Comm       comm = PetscObjectComm((PetscObject)pde);
  const PetscInt d    = pde->d;

  PetscFunctionBegin;
  PetscCheck(l->nu >= 0 && l->q >= 0 && l->g >= 0 && l->heat >= 0 && l->discount >= 0 && !PetscIsInfOrNanReal(l->nu + l->q + l->g + l->heat + l->discount),
             comm, PETSC_ERR_USER_INPUT, "-lqr_nu %g -lqr_q %g -lqr_g %g -lqr_heat %g -lqr_discount %g: must be finite and not negative", (double)l->nu,
             (double)l->q, (double)l->g, (double)l->heat, (double)l->discount);
  PetscCall(Reset(l));
  PetscCall(PetscMalloc2(d, &l->x, d, &l->y));
  l->scalar           = (PetscBool)!strcmp(l->problem, "scalar");
  pde->nsource        = l->scalar ? 1 : 1 + d;
  pde->ops->drift     = NULL;
  pde->ops->state     = NULL;
  pde->ops->transform = pde->stationary ? NULL : TzPDETransform_LQR;

  pde->ops->transformcode = l->scalar || !l->extension ? TzPDETransformCode_LQR : NULL;
  if (pde->stationary) PetscCall(TzPDEAddExactCondition(pde, "boundary", TZ_AT_BOUNDARY));
  l->m = d;
  if (l->scalar) {
    pde->diffusion  = l->nu;
    pde->firstorder = (PetscBool)(l->nu == 0);
    PetscCall(TzControlSetUpParts(pde));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscCalloc6(d * d, &l->A, d * d, &l->K, d * d, &l->Q, d * d, &l->G, d * d, &l->N, d * d, &l->P));
  if (!strcmp(l->problem, "rod")) PetscCall(Rod(pde));
  else PetscCall(FromFile(pde));
  PetscCall(TzPDEAddNoise(pde, l->N));
  PetscCall(SetDrift(pde));
  PetscCall(TzControlSetUpParts(pde));
  PetscCall(Solve(pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_LQR(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(Reset((LQR *)pde->data));
  PetscCall(PetscFree(pde->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_LQR(TzPDE pde)
{
  LQR *l;

  PetscFunctionBegin;
  PetscCall(PetscNew(&l));
  l->q = 1, l->g = 0.5, l->nu = 0.5, l->heat = 0.1, l->extension = 1;
  PetscCall(PetscStrncpy(l->problem, "scalar", sizeof(l->problem)));
  pde->data = l;
  PetscCall(TzPDESetControl(pde, SetParts)); /* residual, transform and set-up are this file's own */
  ((TzControlProblem *)pde->control)->offset = Offset;
  pde->formula                               = "V_t + 1/2 tr(sigma sigma' D^2 V) + (A x).grad V - 1/4 grad V' B R^-1 B' grad V + x'Qx = 0, V(x,T) = x'Gx";
  pde->reference                             = "exact: Riccati equation, to rounding";
  pde->ops->source                           = TzPDESource_LQR;
  pde->ops->residual                         = TzPDEResidual_LQR;
  pde->ops->exact                            = TzPDEExact_LQR;
  pde->ops->setfromoptions                   = TzPDESetFromOptions_LQR;
  pde->ops->setup                            = TzPDESetUp_LQR;
  pde->ops->destroy                          = TzPDEDestroy_LQR;
  PetscFunctionReturn(PETSC_SUCCESS);
}
