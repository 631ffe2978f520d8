/*
  Black-Scholes, d assets:  u_t + 1/2 sum_ij rho_ij s_i s_j x_i x_j u_ij + sum_i m_i x_i u_i - r u = 0,  u(x,T) = g(x),  T = 1. -blackscholes_payoff
    quadratic  g = x'Mx, u = sum_ij M_ij x_i x_j exp((m_i + m_j + rho_ij s_i s_j - r) tau), tau = T - t; with M = I, m = r the
               Black-Scholes-Barenblatt equation of the literature. r = 0.05, s = 0.4, m = r
    geometric  g = max(G - K, 0), G = (x_1 .. x_d)^(1/d), K = 100: G is lognormal, so Black's formula. r = 0.05, s = 0.2, m = r
    max        g = exp(-r T) max(max_i x_i - K, 0), no -r u, independent assets, K = 100:
               u = exp(-r T) int_K^inf [1 - prod_i Phi((ln(y/x_i) - (m_i - s_i^2/2) tau)/(s_i sqrt tau))] dy. r = 0.05, s_i = 1/10 + i/200, m = -0.05

  The transforms u = (T - t) f + b continue the kink of a payoff by Black's formula for one asset:
    geometric  b: of G without the drift that its convexity gives it: its residual is smooth
    max        b: of Y = eps ln sum_i exp(x_i/eps), eps = K s sqrt(tau)/4, which is max_i x_i at t = T; s is the mean of s_i
*/
#include <private/tzpdeimpl.h>
#include "dense.h"
#include "quadratic.h"
#include <math.h>
#include <petscdt.h>

typedef enum { QUADRATIC, GEOMETRIC, MAXIMUM } Payoff;

typedef struct {
  PetscInt    payoff; /* Payoff */
  PetscReal   rate, strike;
  PetscInt    ns, nm;                          /* numbers of -blackscholes_volatility, _drift; 0: the default */
  PetscReal  *slist, *mlist;                   /* [ns], [nm] */
  char        correlation[PETSC_MAX_PATH_LEN]; /* a number or a file */
  TzQuadratic M;
  PetscBool   independent;
  PetscReal  *s, *m, *rho, *C;       /* [d], [d], correlation [d][d] and its Cholesky factor [d][d] */
  PetscReal  *y, *work;              /* scratch [d], [3][d] */
  PetscReal   variance, drift, mean; /* of ln G: variance of time 1; mean of m; mean of s */
} BlackScholes;

static PetscReal Phi(PetscReal x)
{
  return 0.5 * erfc(-x / PetscSqrtReal(2));
}

static PetscReal Density(PetscReal x)
{
  return PetscExpReal(-x * x / 2) / PetscSqrtReal(2 * PETSC_PI);
}

/* Black's formula max(y - K, 0) -> C(y, tau) = y exp(mu tau) Phi(d1) - K Phi(d2), and its derivatives */
typedef struct {
  PetscReal value, dy, dyy, dtau;
} Call;

static Call Black(PetscReal y, PetscReal K, PetscReal mu, PetscReal variance, PetscReal tau)
{
  const PetscReal S = PetscSqrtReal(variance * PetscMax(tau, 0)), growth = PetscExpReal(mu * tau), d2 = (PetscLogReal(y / K) + mu * tau) / S - S / 2,
                  d1 = d2 + S;
  Call c;

  if (S < 1e-150) return (Call){PetscMax(y - K, 0), y > K, 0, y > K ? mu * y : 0};
  c.value = y * growth * Phi(d1) - K * Phi(d2);
  c.dy    = growth * Phi(d1);
  c.dyy   = growth * Density(d1) / (y * S);
  c.dtau  = mu * y * c.dy + variance / 2 * y * y * c.dyy;
  return c;
}

/* sigma: row i is s_i x_i C_ik; or, where assets are independent, weights (s_i x_i)^2 */
static PetscErrorCode Factor(TzPDE pde, const PetscReal z[], PetscReal S[])
{
  const BlackScholes *b = (BlackScholes *)pde->data;
  const PetscInt      d = pde->d;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal s = b->s[i] * z[i];

    if (b->independent) S[i] = s * s;
    for (PetscInt k = 0; !b->independent && k <= i; k++) S[i * d + k] = s * b->C[i * d + k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_BlackScholes(TzPDE pde, const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const BlackScholes *b      = (BlackScholes *)pde->data;
  const PetscReal     rate   = b->payoff == MAXIMUM ? 0 : b->rate;
  PetscReal           sum[4] = {0, 0, 0, 0};
  PetscInt            i      = 0;

  PetscFunctionBegin;
  for (; i + 4 <= pde->d; i += 4) /* four sums: one would wait for each addition */
    for (int l = 0; l < 4; l++) sum[l] += b->m[i + l] * z[i + l] * TzJetGrad(u)[i + l];
  for (; i < pde->d; i++) sum[0] += b->m[i] * z[i] * TzJetGrad(u)[i];
  *r = TzJetTime(u) + TzJetForm(u, 0) / 2 - rate * TzJetValue(u) + ((sum[0] + sum[1]) + (sum[2] + sum[3]));
  for (i = 0; dr && i < pde->d; i++) TzJetGrad(dr)[i] = b->m[i] * z[i];
  if (dr) {
    TzJetTime(dr)    = 1;
    TzJetForm(dr, 0) = 0.5;
    TzJetValue(dr)   = -rate;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDrift_BlackScholes(TzPDE pde, const PetscReal z[], PetscReal mu[])
{
  const BlackScholes *b = (BlackScholes *)pde->data;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) mu[i] = b->m[i] * z[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- quadratic ------------------------------------------------------------- */

/* rho_ij s_i s_j */
static inline PetscReal Covariance(const BlackScholes *b, PetscInt d, PetscInt i, PetscInt j)
{
  return (b->independent ? (PetscReal)(i == j) : b->rho[i * d + j]) * b->s[i] * b->s[j];
}

static PetscErrorCode TzPDEExact_Quadratic(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  BlackScholes   *b   = (BlackScholes *)pde->data;
  const PetscInt  d   = pde->d;
  const PetscReal tau = pde->T - z[d];

  PetscFunctionBegin;
  *u = 0;
  for (PetscInt i = 0; i < d; i++) {
    PetscReal sum = 0;

    for (PetscInt j = b->M.identity ? i : 0; j < (b->M.identity ? i + 1 : d); j++) {
      const PetscReal M = b->M.identity ? 1 : b->M.M[i * d + j];

      if (M != 0) sum += M * z[j] * PetscExpReal((b->m[i] + b->m[j] + Covariance(b, d, i, j) - b->rate) * tau);
    }
    *u += z[i] * sum;
    if (grad) grad[i] = 2 * sum;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransform_Quadratic(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  BlackScholes  *bs = (BlackScholes *)pde->data;
  const PetscInt d  = pde->d;

  PetscFunctionBegin;
  TzJetValue(a) = pde->T - z[d];
  TzJetTime(a)  = -1;
  TzJetValue(b) = TzQuadraticApply(&bs->M, z, TzJetGrad(b));
  for (PetscInt i = 0; i < d; i++) {
    TzJetGrad(b)[i] *= 2;
    if (bs->M.identity) TzJetForm(b, 0) += 2 * PetscSqr(bs->s[i] * z[i]);
    for (PetscInt j = 0; !bs->M.identity && j < d; j++) TzJetForm(b, 0) += 2 * bs->M.M[i * d + j] * Covariance(bs, d, i, j) * z[i] * z[j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- geometric ------------------------------------------------------------- */

static PetscReal Geometric(PetscInt d, const PetscReal x[])
{
  PetscReal sum = 0;

  for (PetscInt i = 0; i < d; i++) sum += PetscLogReal(x[i]);
  return PetscExpReal(sum / (PetscReal)d);
}

/* The drift of G: mean of m_i - s_i^2/2, and half the variance of ln G */
static PetscErrorCode TzPDEExact_Geometric(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const BlackScholes *b   = (BlackScholes *)pde->data;
  const PetscInt      d   = pde->d;
  const PetscReal     tau = pde->T - z[d], G = Geometric(d, z), discount = PetscExpReal(-b->rate * tau);
  PetscReal           mu = b->drift + b->variance / 2;
  Call                c;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < d; i++) mu -= b->s[i] * b->s[i] / (2 * (PetscReal)d);
  c  = Black(G, b->strike, mu, b->variance, tau);
  *u = discount * c.value;
  for (PetscInt i = 0; grad && i < d; i++) grad[i] = discount * c.dy * G / ((PetscReal)d * z[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransform_Geometric(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const BlackScholes *bs  = (BlackScholes *)pde->data;
  const PetscInt      d   = pde->d;
  const PetscReal     tau = pde->T - z[d], G = Geometric(d, z), discount = PetscExpReal(-bs->rate * tau);
  const Call          c         = Black(G, bs->strike, bs->drift, bs->variance, tau);
  PetscReal           convexity = bs->variance;

  PetscFunctionBegin;
  TzJetValue(a) = tau;
  TzJetTime(a)  = -1;
  TzJetValue(b) = discount * c.value;
  TzJetTime(b)  = discount * (bs->rate * c.value - c.dtau);
  for (PetscInt i = 0; i < d; i++) {
    TzJetGrad(b)[i] = discount * c.dy * G / ((PetscReal)d * z[i]);
    convexity -= bs->s[i] * bs->s[i] / (PetscReal)d;
  }
  TzJetForm(b, 0) = discount * (c.dyy * G * G * bs->variance + c.dy * G * convexity);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b of the quadratic payoff, and of that on the geometric mean; the maximum's has no such text */
static PetscErrorCode TzPDETransformCode_BlackScholes(TzPDE pde, TzCode code)
{
  const BlackScholes *b = (BlackScholes *)pde->data;

  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  if (b->payoff == QUADRATIC) {
    TzQuadraticCode(&b->M, code);
    TzCodePrintf(code, "  *b = square;\n  for (int i = 0; i < d; i++) db[i] *= 2;\n");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TzCodeReal(code, "strike", b->strike);
  TzCodeReal(code, "drift", b->drift);
  TzCodeReal(code, "variance", b->variance);
  TzCodeReal(code, "rate", b->rate);
  TzCodePrintf(code, "  const real tau = T - z[d], S = M(sqrt)(variance * (tau > 0 ? tau : 0)), discount = M(exp)(-rate * tau), growth = M(exp)(drift * tau);\n"
                     "  real sum = 0, value, slope, dtau;\n"
                     "  for (int i = 0; i < d; i++) sum += M(log)(z[i]);\n"
                     "  const real G = M(exp)(sum / d);\n"
                     "  if (S < K(1e-15)) {\n"
                     "    value = G > strike ? G - strike : 0, slope = G > strike, dtau = drift * G * slope;\n"
                     "  } else {\n"
                     "    const real d2 = (M(log)(G / strike) + drift * tau) / S - S / 2, d1 = d2 + S, root = K(1.4142135623730951);\n"
                     "    slope = growth * M(erfc)(-d1 / root) / 2;\n"
                     "    value = G * slope - strike * M(erfc)(-d2 / root) / 2;\n"
                     "    dtau = drift * G * slope + variance / 2 * G * growth * M(exp)(-d1 * d1 / 2) / (S * K(2.5066282746310002));\n"
                     "  }\n"
                     "  *b = discount * value;\n"
                     "  db[d] = discount * (rate * value - dtau);\n"
                     "  for (int i = 0; i < d; i++) db[i] = discount * slope * G / (d * z[i]);\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- maximum ------------------------------------------------------------- */

/* At y: 1 - prod_i Phi(q_i), and the factors of the derivatives into work [d]: prod_{j != i} Phi(q_j) times the density at q_i */
static PetscReal Above(const BlackScholes *b, PetscInt d, const PetscReal x[], PetscReal tau, PetscReal y, PetscBool derivatives)
{
  PetscReal *phi = b->work, *density = phi + d, *left = density + d, product = 1, tail = 0, right = 1;

  for (PetscInt i = 0; i < d; i++) {
    const PetscReal q = (PetscLogReal(y / x[i]) - (b->m[i] - b->s[i] * b->s[i] / 2) * tau) / (b->s[i] * PetscSqrtReal(tau));

    phi[i] = q > 9 ? 1 : Phi(q);
    if (q < 9) tail += product * Phi(-q); /* 1 - prod without cancellation: sum_i prod_{j<i} Phi_j (1 - Phi_i) */
    if (derivatives) {
      left[i]    = product;
      density[i] = PetscAbsReal(q) > 13 ? 0 : Density(q);
    }
    product *= phi[i];
  }
  for (PetscInt i = d - 1; derivatives && i >= 0; i--) {
    density[i] *= left[i] * right;
    right *= phi[i];
  }
  return tail;
}

/*
  Gauss-Legendre in ln y on panels of about three widths s_i sqrt(tau) of the narrowest asset. Below `first` the integrand is 1, above `last` 0 to rounding:
  nine widths from where an asset is
*/
static PetscErrorCode TzPDEExact_Maximum(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const BlackScholes *b   = (BlackScholes *)pde->data;
  const PetscInt      d   = pde->d;
  const PetscReal     tau = pde->T - z[d], root = PetscSqrtReal(PetscMax(tau, 0)), discount = PetscExpReal(-b->rate * pde->T);
  PetscReal           first = PetscLogReal(b->strike), last = first, narrow = PETSC_MAX_REAL, x[16], w[16];
  PetscInt            panels, best = 0;

  PetscFunctionBegin;
  for (PetscInt i = 1; i < d; i++)
    if (z[i] > z[best]) best = i;
  *u = discount * PetscMax(z[best] - b->strike, 0);
  for (PetscInt i = 0; grad && i < d; i++) grad[i] = i == best && *u > 0 ? discount : 0;
  if (tau <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal at = PetscLogReal(z[i]) + (b->m[i] - b->s[i] * b->s[i] / 2) * tau, width = b->s[i] * root;

    first  = PetscMax(first, at - 9 * width);
    last   = PetscMax(last, at + 9 * width);
    narrow = PetscMin(narrow, width);
  }
  panels = 1 + (PetscInt)((last - first) / (3 * narrow));
  *u     = PetscExpReal(first) - b->strike;
  if (grad) PetscCall(PetscArrayzero(grad, d));
  for (PetscInt p = 0; p < panels; p++) {
    PetscCall(PetscDTGaussQuadrature(16, first + (last - first) * (PetscReal)p / (PetscReal)panels,
                                     first + (last - first) * (PetscReal)(p + 1) / (PetscReal)panels, x, w));
    for (int q = 0; q < 16; q++) {
      const PetscReal y = PetscExpReal(x[q]);

      *u += w[q] * y * Above(b, d, z, tau, y, (PetscBool)(grad != NULL));
      for (PetscInt i = 0; grad && i < d; i++) grad[i] += w[q] * y * b->work[d + i] / (b->s[i] * root * z[i]);
    }
  }
  *u *= discount;
  for (PetscInt i = 0; grad && i < d; i++) grad[i] *= discount;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y = eps ln sum exp(x_i/eps): weights p [d], Y_i = p_i, Y_ii = (p_i - p_i^2)/eps, and dY/dtau = (Y - p.x)/(2 tau) since eps goes like sqrt(tau) */
static PetscErrorCode TzPDETransform_Maximum(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  BlackScholes   *bs  = (BlackScholes *)pde->data;
  const PetscInt  d   = pde->d;
  const PetscReal tau = pde->T - z[d], eps = PetscMax(bs->strike * bs->mean * PetscSqrtReal(PetscMax(tau, 0)) / 4, 1e-12),
                  discount = PetscExpReal(-bs->rate * pde->T);
  PetscReal most = z[0], sum = 0, mean = 0, *p = bs->y, Y;
  Call      c;

  PetscFunctionBegin;
  for (PetscInt i = 1; i < d; i++) most = PetscMax(most, z[i]);
  for (PetscInt i = 0; i < d; i++) sum += p[i] = PetscExpReal((z[i] - most) / eps);
  Y = most + eps * PetscLogReal(sum);
  for (PetscInt i = 0; i < d; i++) {
    p[i] /= sum;
    mean += p[i] * z[i];
  }
  c             = Black(Y, bs->strike, 0, bs->mean * bs->mean, tau);
  TzJetValue(a) = tau;
  TzJetTime(a)  = -1;
  TzJetValue(b) = discount * c.value;
  TzJetTime(b)  = -discount * (c.dtau + (tau > 0 ? c.dy * (Y - mean) / (2 * tau) : 0));
  for (PetscInt i = 0; i < d; i++) {
    TzJetGrad(b)[i] = discount * c.dy * p[i];
    TzJetForm(b, 0) += discount * PetscSqr(bs->s[i] * z[i]) * (c.dyy * p[i] * p[i] + c.dy * p[i] * (1 - p[i]) / eps);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------- set-up --------------------------------------------------------------- */

/* Numbers, one for all assets or one for each, where the user gives them */
static PetscErrorCode List(TzOptionItems PetscOptionsObject, const char option[], const char text[], PetscInt *n, PetscReal **list)
{
  PetscReal *x;
  PetscInt   most = 65536;
  PetscBool  set;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(most, &x));
  if (*n) PetscCall(PetscArraycpy(x, *list, *n));
  PetscCall(TzOptionsRealArray(option, text, "TzPDEResidual", x, &most, &set));
  if (set) {
    PetscCall(PetscFree(*list));
    PetscCall(PetscMalloc1(most, list));
    PetscCall(PetscArraycpy(*list, x, most));
    *n = most;
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_BlackScholes(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  BlackScholes *b        = (BlackScholes *)pde->data;
  const char   *payoff[] = {"quadratic", "geometric", "max"};

  PetscFunctionBegin;
  PetscCall(TzOptionsEList("-blackscholes_payoff", "x'Mx, a call on the geometric mean, or on the maximum", "TzPDETransform", payoff, 3, payoff[b->payoff],
                           &b->payoff, NULL));
  PetscCall(TzOptionsReal("-blackscholes_rate", "Interest rate r (1/time)", "TzPDEResidual", b->rate, &b->rate, NULL));
  PetscCall(List(PetscOptionsObject, "-blackscholes_volatility", "Volatilities s_i: one number for all, or d (1/sqrt(time))", &b->ns, &b->slist));
  PetscCall(List(PetscOptionsObject, "-blackscholes_drift", "Drifts m_i: one number for all, or d (1/time)", &b->nm, &b->mlist));
  if (b->payoff != MAXIMUM)
    PetscCall(TzOptionsString("-blackscholes_correlation", "Of every two assets, or a file with the matrix rho", "TzPDEResidual", b->correlation,
                              b->correlation, sizeof(b->correlation), NULL));
  if (b->payoff == QUADRATIC) PetscCall(TzQuadraticSetFromOptions(&b->M, "blackscholes", PetscOptionsObject));
  else PetscCall(TzOptionsReal("-blackscholes_strike", "Strike K (price)", "TzPDETransform", b->strike, &b->strike, NULL));
  pde->lo = b->payoff == QUADRATIC ? 0 : 0.9 * b->strike;
  pde->hi = b->payoff == QUADRATIC ? 2 : 1.1 * b->strike;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rho [d][d] and its Cholesky factor C, lower triangular */
static PetscErrorCode Correlate(TzPDE pde)
{
  BlackScholes    *b    = (BlackScholes *)pde->data;
  MPI_Comm         comm = PetscObjectComm((PetscObject)pde);
  const PetscInt   d    = pde->d;
  PetscInt         cols = d;
  const PetscReal *x;
  char            *end;
  const PetscReal  all = strtod(b->correlation, &end);
  TzStore          store;
  PetscBool        good;

  PetscFunctionBegin;
  b->independent = (PetscBool)(b->payoff == MAXIMUM || (!*end && all == 0) || d == 1);
  if (b->independent) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(d * d, &b->rho, d * d, &b->C));
  for (PetscInt i = 0; i < d * d; i++) b->rho[i] = i % (d + 1) ? all : 1;
  if (*end) {
    PetscCall(TzMatricesRead(comm, "-blackscholes_correlation", b->correlation, "rho", &store));
    PetscCall(TzMatricesGet(store, comm, "-blackscholes_correlation", "rho", d, &cols, &x));
    PetscCheck(x, comm, PETSC_ERR_USER_INPUT, "-blackscholes_correlation %s: there is no matrix rho", b->correlation);
    PetscCall(PetscArraycpy(b->rho, x, d * d));
    PetscCall(TzStoreDestroy(&store));
  }
  PetscCall(TzDenseCheckSymmetric(comm, "-blackscholes_correlation", "rho", d, b->rho));
  for (PetscInt i = 0; i < d; i++)
    PetscCheck(PetscAbsReal(b->rho[i * (d + 1)] - 1) < 1e-12, comm, PETSC_ERR_USER_INPUT, "-blackscholes_correlation: the diagonal of rho must be 1");
  PetscCall(TzDenseCholesky(d, b->rho, b->C, &good));
  PetscCheck(good, comm, PETSC_ERR_USER_INPUT, "-blackscholes_correlation %s: rho must be positive definite", b->correlation);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset(BlackScholes *b)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(b->s, b->m, b->y, b->work));
  PetscCall(PetscFree2(b->rho, b->C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(TzPDE pde)
{
  const BlackScholes *b    = (BlackScholes *)pde->data;
  MPI_Comm            comm = PetscObjectComm((PetscObject)pde);

  PetscFunctionBegin;
  PetscCheck(b->ns <= 1 || b->ns == pde->d, comm, PETSC_ERR_USER_INPUT, "-blackscholes_volatility: %" PetscInt_FMT " numbers; must be one, or %" PetscInt_FMT,
             b->ns, pde->d);
  PetscCheck(b->nm <= 1 || b->nm == pde->d, comm, PETSC_ERR_USER_INPUT, "-blackscholes_drift: %" PetscInt_FMT " numbers; must be one, or %" PetscInt_FMT, b->nm,
             pde->d);
  PetscCheck(!PetscIsInfOrNanReal(b->rate), comm, PETSC_ERR_USER_INPUT, "-blackscholes_rate %g: must be finite", (double)b->rate);
  PetscCheck(b->strike > 0 && PetscIsNormalReal(b->strike), comm, PETSC_ERR_USER_INPUT, "-blackscholes_strike %g: must be positive", (double)b->strike);
  for (PetscInt i = 0; i < b->ns; i++)
    PetscCheck(b->slist[i] > 0 && PetscIsNormalReal(b->slist[i]), comm, PETSC_ERR_USER_INPUT, "-blackscholes_volatility %g: must be positive",
               (double)b->slist[i]);
  for (PetscInt i = 0; i < b->nm; i++)
    PetscCheck(!PetscIsInfOrNanReal(b->mlist[i]), comm, PETSC_ERR_USER_INPUT, "-blackscholes_drift %g: must be finite", (double)b->mlist[i]);
  for (PetscInt i = 0; i < pde->d; i++)
    PetscCheck(b->payoff == QUADRATIC || pde->domain.lo[i] > 0, comm, PETSC_ERR_USER_INPUT, "-pde_lo %g: prices must be positive", (double)pde->domain.lo[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_BlackScholes(TzPDE pde)
{
  BlackScholes  *b = (BlackScholes *)pde->data;
  const PetscInt d = pde->d;

  PetscFunctionBegin;
  PetscCall(Check(pde));
  PetscCall(Reset(b));
  PetscCall(PetscMalloc4(d, &b->s, d, &b->m, d, &b->y, 3 * d, &b->work));
  for (PetscInt i = 0; i < d; i++) {
    const PetscReal s[] = {0.4, 0.2, 0.1 + (PetscReal)(i + 1) / 200};

    b->s[i] = b->ns ? b->slist[b->ns > 1 ? i : 0] : s[b->payoff];
    b->m[i] = b->nm ? b->mlist[b->nm > 1 ? i : 0] : b->payoff == MAXIMUM ? -0.05 : b->rate;
  }
  PetscCall(Correlate(pde));
  if (b->payoff == QUADRATIC) PetscCall(TzQuadraticSetUp(&b->M, "blackscholes", PetscObjectComm((PetscObject)pde), d));
  b->variance = b->drift = b->mean = 0;
  for (PetscInt i = 0; i < d; i++) {
    b->drift += b->m[i] / (PetscReal)d;
    b->mean += b->s[i] / (PetscReal)d;
    for (PetscInt j = 0; j < d; j++) b->variance += Covariance(b, d, i, j) / (PetscReal)(d * d);
  }
  pde->ops->transform = b->payoff == QUADRATIC ? TzPDETransform_Quadratic : b->payoff == GEOMETRIC ? TzPDETransform_Geometric : TzPDETransform_Maximum;

  pde->ops->transformcode = b->payoff == MAXIMUM ? NULL : TzPDETransformCode_BlackScholes;
  pde->ops->exact         = b->payoff == QUADRATIC ? TzPDEExact_Quadratic : b->payoff == GEOMETRIC ? TzPDEExact_Geometric : TzPDEExact_Maximum;
  if (b->independent) PetscCall(TzPDEAddFormDiagonalField(pde, Factor, NULL));
  else PetscCall(TzPDEAddFormFactorField(pde, d, Factor, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_BlackScholes(TzPDE pde)
{
  BlackScholes *b = (BlackScholes *)pde->data;

  PetscFunctionBegin;
  PetscCall(Reset(b));
  PetscCall(TzQuadraticDestroy(&b->M));
  PetscCall(PetscFree(b->slist));
  PetscCall(PetscFree(b->mlist));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_BlackScholes(TzPDE pde)
{
  BlackScholes *b;

  PetscFunctionBegin;
  PetscCall(PetscNew(&b));
  b->rate   = 0.05;
  b->strike = 100;
  PetscCall(PetscStrncpy(b->correlation, "0", sizeof(b->correlation)));
  pde->data                = b;
  pde->hi                  = 2;
  pde->diffusion           = 0.5;
  pde->domain.wholespace   = PETSC_TRUE;
  pde->formula             = "u_t + 1/2 sum_ij rho_ij s_i s_j x_i x_j u_ij + sum_i m_i x_i u_i - r u = 0, u(x,T) = g(x)";
  pde->reference           = "exact: closed forms, or an integral (max)";
  pde->ops->residual       = TzPDEResidual_BlackScholes;
  pde->ops->drift          = TzPDEDrift_BlackScholes;
  pde->ops->exact          = TzPDEExact_Quadratic;
  pde->ops->setfromoptions = TzPDESetFromOptions_BlackScholes;
  pde->ops->setup          = TzPDESetUp_BlackScholes;
  pde->ops->destroy        = TzPDEDestroy_BlackScholes;
  PetscFunctionReturn(PETSC_SUCCESS);
}
