/*
  Control of a diffusion in a double well (Nuesken, Richter 2021):  V_t + 1/2 Lap V - grad Psi.grad V - 1/2 |grad V|^2 = 0,
  Psi = kappa sum_i (x_i^2 - 1)^2,  V(x,T) = eta sum_i (x_i - 1)^2,  T = 1/2, kappa = 0.1, eta = 0.05.

  It decouples into coordinates. In each psi = exp(-V) solves a linear equation, and phi = exp(-Psi) psi the symmetric one
  phi_tau = phi''/2 - (Psi'^2 - Psi'') phi/2, tau = T - t: by sinc collocation at x_j = j h on |x| <= L, where Psi(L) = 48.6 (exp(-Psi) is far below
  rounding), and by the eigenvectors of that matrix in time: 14 digits where phi is not small. What phi = exp(-Psi - V) loses to rounding is
  exp(Psi + V) of it, so that Psi + V(T) may reach 6 in a coordinate: at x = 0, between the wells, and at the ends of the box.
*/
#include <private/tzpdeimpl.h>
#include "dense.h"

#define PSI_END  48.6
#define COST_BOX 6 /* most of Psi + V(T) in a coordinate */

typedef struct {
  PetscReal  kappa, eta, h;
  PetscInt   n, half;            /* n = 2 half + 1 points */
  PetscReal *w, *Q, *c;          /* eigenvalues [n], eigenvectors [n][n], one a row, coefficients of phi(0) [n] */
  PetscInt   extension;          /* of the terminal value: 0 constant, 1 drift */
  PetscReal *phi, *slope, *mode; /* scratch [n]: phi and phi' at the points */
} DoubleWell;

static PetscReal Cost(const DoubleWell *w, PetscReal x)
{
  return w->kappa * PetscSqr(x * x - 1) + w->eta * PetscSqr(x - 1);
}

static PetscReal Sign(PetscInt j)
{
  return j % 2 ? -1 : 1;
}

/* phi and phi' at all points, at tau */
static void AtTime(const DoubleWell *w, PetscReal tau)
{
  const PetscInt n = w->n;

  for (PetscInt k = 0; k < n; k++) w->mode[k] = w->c[k] * PetscExpReal(w->w[k] * tau);
  for (PetscInt j = 0; j < n; j++) w->phi[j] = w->slope[j] = 0;
  for (PetscInt k = 0; k < n; k++)
    for (PetscInt j = 0; j < n; j++) w->phi[j] += w->mode[k] * w->Q[k * n + j];
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++)
      if (i != j) w->slope[i] += Sign(i - j) / (w->h * (PetscReal)(i - j)) * w->phi[j];
}

/* sum_j sinc(x/h - j) f_j for phi and phi' */
static void Interpolate(const DoubleWell *w, PetscReal x, PetscReal *phi, PetscReal *slope)
{
  const PetscReal xi = x / w->h, nearest = PetscFloorReal(xi + 0.5), r = xi - nearest, sine = PetscSinReal(PETSC_PI * r) / PETSC_PI;
  const PetscInt  j0 = (PetscInt)nearest;

  *phi = *slope = 0;
  for (PetscInt j = -w->half; j <= w->half; j++) {
    const PetscReal sinc = j == j0 ? (r == 0 ? 1 : sine / r) : Sign(j - j0) * sine / (xi - (PetscReal)j);

    *phi += sinc * w->phi[j + w->half];
    *slope += sinc * w->slope[j + w->half];
  }
}

static PetscErrorCode TzPDEExact_DoubleWell(TzPDE pde, const PetscReal z[], PetscReal *u, PetscReal grad[])
{
  const DoubleWell *w = (DoubleWell *)pde->data;

  PetscFunctionBegin;
  AtTime(w, pde->T - z[pde->d]);
  *u = 0;
  for (PetscInt i = 0; i < pde->d; i++) {
    const PetscReal q = z[i] * z[i] - 1;
    PetscReal       phi, slope;

    Interpolate(w, z[i], &phi, &slope);
    *u -= w->kappa * q * q + PetscLogReal(phi);
    if (grad) grad[i] = -4 * w->kappa * z[i] * q - slope / phi;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  V = (T - t) f + b. -doublewell_extension
    constant  b = V(T) of x
    drift     b = V(T) of y, where the drift alone would carry x until T: y = x/sqrt(q), q = e + (1 - e) x^2, e = exp(-8 kappa (T - t))
*/
static PetscErrorCode TzPDETransform_DoubleWell(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  const DoubleWell *w   = (DoubleWell *)pde->data;
  const PetscReal   tau = pde->T - z[pde->d], e = w->extension ? PetscExpReal(-8 * w->kappa * tau) : 1;

  PetscFunctionBegin;
  TzJetValue(a) = tau;
  TzJetTime(a)  = -1;
  for (PetscInt i = 0; i < pde->d; i++) {
    const PetscReal x = z[i], q = e + (1 - e) * x * x, root = PetscSqrtReal(q), y = x / root, dy = e / (q * root), ddy = -3 * (1 - e) * x * dy / q;
    const PetscReal slope = 2 * w->eta * (y - 1);

    TzJetValue(b) += w->eta * PetscSqr(y - 1);
    TzJetGrad(b)[i] = slope * dy;
    TzJetForm(b, 0) += 2 * w->eta * dy * dy + slope * ddy;
    if (w->extension) TzJetTime(b) += 4 * w->kappa * x * (x * x - 1) * slope * dy; /* y_t = Psi' y_x */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDETransformCode_DoubleWell(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  TzCodeReal(code, "eta", ((DoubleWell *)pde->data)->eta);
  TzCodePrintf(code, "  for (int i = 0; i < d; i++) *b += eta * (z[i] - 1) * (z[i] - 1), db[i] = 2 * eta * (z[i] - 1);\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDrift_DoubleWell(TzPDE pde, const PetscReal z[], PetscReal mu[])
{
  const PetscReal kappa = ((DoubleWell *)pde->data)->kappa;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < pde->d; i++) mu[i] = -4 * kappa * z[i] * (z[i] * z[i] - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEResidual_DoubleWell(TzPDE pde, const PetscReal z[], const TzJet *u, PetscReal *r, TzJet *dr)
{
  const PetscReal kappa = ((DoubleWell *)pde->data)->kappa, *g = TzJetGrad(u);

  PetscFunctionBegin;
  *r = TzJetTime(u) + TzJetForm(u, 0) / 2;
  for (PetscInt i = 0; i < pde->d; i++) {
    const PetscReal slope = 4 * kappa * z[i] * (z[i] * z[i] - 1);

    *r -= slope * g[i] + g[i] * g[i] / 2;
    if (dr) TzJetGrad(dr)[i] = -slope - g[i];
  }
  if (dr) {
    TzJetTime(dr)    = 1;
    TzJetForm(dr, 0) = 0.5;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetFromOptions_DoubleWell(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  static const char *const extension[] = {"constant", "drift"};
  DoubleWell              *w           = (DoubleWell *)pde->data;

  PetscFunctionBegin;
  PetscCall(TzOptionsEList("-doublewell_extension", "How the terminal value is continued to t < T in V = (T - t) f + b", "TzPDETransform", extension, 2,
                           extension[w->extension], &w->extension, NULL));
  PetscCall(TzOptionsReal("-doublewell_kappa", "Height kappa of the wall between the wells", "TzPDEResidual", w->kappa, &w->kappa, NULL));
  PetscCall(TzOptionsReal("-doublewell_eta", "Terminal cost eta sum_i (x_i - 1)^2 (1/length^2)", "TzPDETransform", w->eta, &w->eta, NULL));
  for (pde->hi = 2; Cost(w, -pde->hi) > COST_BOX && pde->hi > 1; pde->hi -= 0.1) {}
  pde->lo = -pde->hi;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset(DoubleWell *w)
{
  PetscFunctionBegin;
  PetscCall(PetscFree6(w->w, w->Q, w->c, w->phi, w->slope, w->mode));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* L_ij: half the second derivative of sinc functions, and the potential on the diagonal */
static long double Entry(const DoubleWell *w, PetscInt i, PetscInt j)
{
  const long double pi = 3.14159265358979323846264338327950288L, h = w->h, x = h * (i - w->half), q = x * x - 1;
  const long double slope = 4 * w->kappa * x * q, second = w->kappa * (12 * x * x - 4);

  return i == j ? -pi * pi / (6 * h * h) - (slope * slope - second) / 2 : (i - j) % 2 ? 1 / (h * h * (i - j) * (i - j)) : -1 / (h * h * (i - j) * (i - j));
}

/*
  Eigenvalues are exact to rounding of the largest, some 1000, which costs the small ones that matter three digits: one step of refinement with products
  in long double gives them back (Ogita, Aishima 2018). With R = I - QQ' and E = Q L Q': Q := Q + X Q, X_ij = (E_ij + w_j R_ij)/(w_i - w_j), X_ii = R_ii/2,
  and w_i = E_ii/(1 - R_ii).
*/
static PetscErrorCode Refine(DoubleWell *w)
{
  const PetscInt n = w->n;
  long double   *QL, *Q, *row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n * n, &QL, n * n, &Q, n, &row));
  for (PetscInt i = 0; i < n * n; i++) {
    Q[i]  = w->Q[i];
    QL[i] = 0;
  }
  for (PetscInt j = 0; j < n; j++)
    for (PetscInt l = 0; l < n; l++) {
      const long double entry = Entry(w, j, l);

      for (PetscInt i = 0; i < n; i++) QL[i * n + l] += Q[i * n + j] * entry;
    }
  for (PetscInt i = 0; i < n; i++) w->mode[i] = w->w[i];
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt l = 0; l < n; l++) row[l] = Q[i * n + l];
    for (PetscInt j = 0; j < n; j++) {
      const long double gap = (long double)w->mode[i] - w->mode[j];
      long double       E = 0, R = i == j, X;

      for (PetscInt l = 0; l < n; l++) {
        E += QL[i * n + l] * Q[j * n + l];
        R -= Q[i * n + l] * Q[j * n + l];
      }
      X = i == j || gap * gap < 1e-12L ? R / 2 : (E + w->mode[j] * R) / gap; /* vectors of equal eigenvalues may be mixed */
      for (PetscInt l = 0; l < n; l++) row[l] += X * Q[j * n + l];
      if (i == j) w->w[i] = (PetscReal)(E / (1 - R));
    }
    for (PetscInt l = 0; l < n; l++) w->Q[i * n + l] = (PetscReal)row[l];
  }
  PetscCall(PetscFree3(QL, Q, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* h: of 97 points, or less where the wells are narrow: the spectrum of exp(-Psi) falls like exp(-k^2/(16 kappa)) at first, then more slowly */
static PetscErrorCode Tabulate(DoubleWell *w)
{
  const PetscReal end = PetscSqrtReal(1 + PetscSqrtReal(PSI_END / w->kappa)), most = PETSC_PI / PetscSqrtReal(16 * w->kappa * 160);
  PetscReal      *L;
  PetscInt        n;

  PetscFunctionBegin;
  w->half = (PetscInt)PetscCeilReal(end / PetscMin(end / 48, most));
  w->h    = end / (PetscReal)w->half;
  w->n = n = 2 * w->half + 1;
  PetscCall(PetscMalloc6(n, &w->w, n * n, &w->Q, n, &w->c, n, &w->phi, n, &w->slope, n, &w->mode));
  PetscCall(PetscMalloc1(n * n, &L));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) L[i * n + j] = (PetscReal)Entry(w, i, j);
  PetscCall(TzDenseEigen(n, L, w->w, w->Q));
  PetscCall(Refine(w));
  for (PetscInt i = 0; i < n; i++) w->mode[i] = PetscExpReal(-Cost(w, w->h * (PetscReal)(i - w->half)));
  for (PetscInt k = 0; k < n; k++) {
    w->c[k] = 0;
    for (PetscInt j = 0; j < n; j++) w->c[k] += w->Q[k * n + j] * w->mode[j];
  }
  PetscCall(PetscFree(L));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDESetUp_DoubleWell(TzPDE pde)
{
  DoubleWell *w    = (DoubleWell *)pde->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)pde);

  PetscFunctionBegin;
  PetscCheck(w->kappa >= 1e-3 && w->eta >= 0 && Cost(w, 0) <= COST_BOX, comm, PETSC_ERR_USER_INPUT,
             "-doublewell_kappa %g -doublewell_eta %g: must be at least 0.001 and 0, together at most %d", (double)w->kappa, (double)w->eta, COST_BOX);
  for (PetscInt i = 0; i < pde->d; i++)
    for (int k = 0; k < 2; k++) {
      const PetscReal x = k ? pde->domain.hi[i] : pde->domain.lo[i];

      PetscCheck(Cost(w, x) <= COST_BOX, comm, PETSC_ERR_USER_INPUT,
                 "%s %g: the reference has no digits where kappa (x^2 - 1)^2 + eta (x - 1)^2 is above %d; must be nearer to 0", k ? "-pde_hi" : "-pde_lo",
                 (double)x, COST_BOX);
    }
  pde->ops->transformcode = w->extension ? NULL : TzPDETransformCode_DoubleWell;
  PetscCall(Reset(w));
  PetscCall(Tabulate(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPDEDestroy_DoubleWell(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(Reset((DoubleWell *)pde->data));
  PetscCall(PetscFree(pde->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzPDECreate_DoubleWell(TzPDE pde)
{
  DoubleWell *w;

  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  w->kappa                 = 0.1;
  w->eta                   = 0.05;
  pde->data                = w;
  pde->lo                  = -2;
  pde->hi                  = 2;
  pde->T                   = 0.5;
  pde->diffusion           = 0.5;
  pde->domain.wholespace   = PETSC_TRUE;
  pde->formula             = "V_t + 1/2 Lap V - grad Psi.grad V - 1/2 |grad V|^2 = 0, Psi = kappa sum_i (x_i^2 - 1)^2, V(x,T) = eta sum_i (x_i - 1)^2";
  pde->reference           = "14 digits: sinc collocation in each coordinate";
  pde->ops->transform      = TzPDETransform_DoubleWell;
  pde->ops->residual       = TzPDEResidual_DoubleWell;
  pde->ops->exact          = TzPDEExact_DoubleWell;
  pde->ops->drift          = TzPDEDrift_DoubleWell;
  pde->ops->setfromoptions = TzPDESetFromOptions_DoubleWell;
  pde->ops->setup          = TzPDESetUp_DoubleWell;
  pde->ops->destroy        = TzPDEDestroy_DoubleWell;
  PetscFunctionReturn(PETSC_SUCCESS);
}
