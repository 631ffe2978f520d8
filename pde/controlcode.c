/*
  Control problems as C text, for TzExportC(): the offset b of V = (T - t) f + b, where it is quadratic in x or the problem says its terminal cost, and the
  feedback.
*/
#include "control.h"
#include <math.h>

#define POINTS 129 /* Chebyshev points of an offset that depends on t: the most that it takes */

/*
  b = y'P(t)y, y = (x - target, 1): P [n][n] is a sum of C_k T_k(s), k < terms, of Chebyshev polynomials in s = 2 ln(1 + tau/delay)/span - 1, tau = T - t,
  span = ln(1 + T/delay): a small delay where P changes fast near t = T. Of the entries those are kept that are not 0 in all C_k: at row[e], column[e] <= row[e]
*/
typedef struct {
  PetscInt   n, terms, entries;
  PetscBool  table; /* or C_k is P at t = T k/(terms - 1), linear between these */
  PetscReal  delay, span;
  PetscReal *C; /* [POINTS or terms][n][n] */
  PetscInt  *row, *column;
} Offset;

/* C by the values of P at the Chebyshev points; *is: b is quadratic, and these polynomials are enough */
static PetscErrorCode Expand(TzPDE pde, PetscReal delay, Offset *o, PetscBool *is)
{
  const PetscInt size = o->n * o->n;
  PetscReal     *P, largest = 0, noise = 0; /* to which P is known: in the last quarter of the coefficients there is nothing else */

  PetscFunctionBegin;
  o->delay = delay;
  o->span  = log1p(pde->T / delay);
  PetscCall(PetscMalloc1(size, &P));
  PetscCall(PetscArrayzero(o->C, POINTS * size));
  for (PetscInt q = 0; q < POINTS; q++) {
    const PetscReal angle = PETSC_PI * ((PetscReal)q + 0.5) / POINTS;

    PetscCall(TzPDEControlOffset(pde, pde->T - delay * expm1(o->span * (1 + PetscCosReal(angle)) / 2), P, is));
    if (!*is) break;
    for (PetscInt k = 0; k < POINTS; k++)
      for (PetscInt e = 0; e < size; e++) o->C[k * size + e] += (k ? 2 : 1) * PetscCosReal((PetscReal)k * angle) * P[e] / POINTS;
  }
  PetscCall(PetscFree(P));
  for (PetscInt e = 0; e < POINTS * size; e++) largest = PetscMax(largest, PetscAbsReal(o->C[e]));
  for (PetscInt e = POINTS * 3 / 4 * size; e < POINTS * size; e++) noise = PetscMax(noise, PetscAbsReal(o->C[e]));
  o->terms = 1;
  for (PetscInt e = size; e < POINTS * size; e++)
    if (PetscAbsReal(o->C[e]) > PetscMax(2 * noise, 2e-14 * largest)) o->terms = e / size + 1;
  *is = (PetscBool)(*is && noise <= 1e-12 * largest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With the delay that needs the fewest terms */
static PetscErrorCode ExpandBest(TzPDE pde, Offset *o, PetscBool *is)
{
  PetscReal delay = 1e3 * pde->T, best = 0;
  PetscInt  fewest = POINTS;

  PetscFunctionBegin;
  for (int k = 0; k < 7; k++, delay *= k == 1 ? 1e-3 : 0.1) {
    PetscCall(Expand(pde, delay, o, is));
    if (!*is || o->terms >= fewest) continue;
    fewest = o->terms;
    best   = delay;
  }
  if (best > 0) PetscCall(Expand(pde, best, o, is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Entries(Offset *o)
{
  o->entries = 0;
  for (PetscInt i = 0; i < o->n; i++)
    for (PetscInt j = 0; j <= i; j++) {
      PetscBool some = PETSC_FALSE;

      for (PetscInt k = 0; k < o->terms; k++) some = (PetscBool)(some || o->C[(k * o->n + i) * o->n + j] != 0);
      if (!some) continue;
      o->row[o->entries]      = i;
      o->column[o->entries++] = j;
    }
}

static const char offset_text[] = "  const real tau = T - z[d], s = 2 * M(log1p)(tau / delay) / span - 1, rate = -2 / (span * (delay + tau));\n"
                                  "  real now = 1, next = s, slope = 0, nextslope = 1; /* Chebyshev polynomials and their derivatives at s */\n"
                                  "  for (int k = 0; k < terms; k++) {\n"
                                  "    real sum = 0;\n"
                                  "    for (int e = 0; e < entries; e++) {\n"
                                  "      const int i = row[e], j = column[e];\n"
                                  "      const real c = coefficient[k * entries + e], x = i < d ? z[i] - target[i] : 1, y = j < d ? z[j] - target[j] : 1;\n"
                                  "      sum += (i == j ? c : 2 * c) * x * y;\n"
                                  "      if (i < d) db[i] += 2 * now * c * y;\n"
                                  "      if (i != j) db[j] += 2 * now * c * x;\n"
                                  "    }\n"
                                  "    *b += now * sum;\n"
                                  "    db[d] += rate * slope * sum;\n"
                                  "    const real after = 2 * s * next - now, afterslope = 2 * next + 2 * s * nextslope - slope;\n"
                                  "    now = next, next = after, slope = nextslope, nextslope = afterslope;\n"
                                  "  }\n";

static const char
  table_text[] = "  const real at = z[d] / T * (terms - 1);\n"
                 "  const int k = at < 0 ? 0 : at < terms - 1 ? (int)at : terms - 2;\n"
                 "  for (int e = 0; e < entries; e++) {\n"
                 "    const int i = row[e], j = column[e];\n"
                 "    const real from = coefficient[k * entries + e], to = coefficient[(k + 1) * entries + e], c = from + (at - k) * (to - from);\n"
                 "    const real x = i < d ? z[i] - target[i] : 1, y = j < d ? z[j] - target[j] : 1, twice = i == j ? 1 : 2;\n"
                 "    *b += twice * c * x * y;\n"
                 "    if (i < d) db[i] += 2 * c * y;\n"
                 "    if (i != j) db[j] += 2 * c * x;\n"
                 "    db[d] += twice * (to - from) * (terms - 1) / T * x * y;\n"
                 "  }\n";

static PetscErrorCode Write(TzPDE pde, const Offset *o, TzCode code)
{
  const TzControlParts *u = &((TzControlProblem *)pde->control)->parts;
  PetscReal            *c;

  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  if (!o->entries) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(o->terms * o->entries, &c));
  for (PetscInt k = 0; k < o->terms; k++)
    for (PetscInt e = 0; e < o->entries; e++) c[k * o->entries + e] = o->C[(k * o->n + o->row[e]) * o->n + o->column[e]];
  TzCodePrintf(code, "  enum { terms = %" PetscInt_FMT ", entries = %" PetscInt_FMT " };\n", o->terms, o->entries);
  if (!o->table) {
    TzCodeReal(code, "delay", o->delay);
    TzCodeReal(code, "span", o->span);
  }
  TzCodeReals(code, "target", pde->d, u->target);
  TzCodeInts(code, "row", PETSC_FALSE, o->entries, o->row);
  TzCodeInts(code, "column", PETSC_FALSE, o->entries, o->column);
  TzCodeReals(code, "coefficient", o->terms * o->entries, c);
  TzCodePrintf(code, "%s", o->table ? table_text : offset_text);
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V = (T - t) f + g, where the problem says its g */
static PetscErrorCode Terminal(TzPDE pde, const TzControlParts *u, TzCode code)
{
  PetscFunctionBegin;
  TzPDETimeLeftCode(pde, code);
  if (u->terminalweight) {
    TzCodeReals(code, "target", pde->d, u->target);
    TzCodeReals(code, "weight", pde->d, u->terminalweight);
    TzCodePrintf(code, "  for (int i = 0; i < d; i++) {\n"
                       "    const real y = z[i] - target[i];\n"
                       "    *b += weight[i] * y * y, db[i] += 2 * weight[i] * y;\n"
                       "  }\n");
  }
  PetscCall((*u->terminalcode)(pde, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzControlTransformCode(TzPDE pde, TzCode code, PetscBool *done)
{
  const TzControlProblem *c = (TzControlProblem *)pde->control;
  Offset                  o = {.n = pde->d + 1};
  TzLinear               *l = NULL;

  PetscFunctionBegin;
  *done = (PetscBool)(c && !c->extension && c->parts.terminal && c->parts.terminalcode);
  if (*done) PetscCall(Terminal(pde, &c->parts, code));
  if (!c || *done || o.n > 65535) PetscFunctionReturn(PETSC_SUCCESS);
  o.table = (PetscBool)(c->extension == TZ_EXTENSION_PATH);
  if (o.table) PetscCall(TzLinearOffset(pde, &l));
  PetscCall(PetscMalloc3((o.table ? l->steps + 1 : POINTS) * o.n * o.n, &o.C, o.n * o.n, &o.row, o.n * o.n, &o.column));
  if (o.table) {
    o.terms = l->steps + 1;
    *done   = (PetscBool)!c->parts.terminal;
    PetscCall(PetscArraycpy(o.C, l->table, o.terms * o.n * o.n));
  } else PetscCall(ExpandBest(pde, &o, done));
  if (*done) {
    Entries(&o);
    PetscCall(Write(pde, &o, code));
  }
  PetscCall(PetscFree3(o.C, o.row, o.column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- feedback ------------------------------------------------------------- */

/* p [m] = B' grad */
static PetscErrorCode SlopeCode(TzPDE pde, const TzControlParts *u, TzCode code)
{
  PetscFunctionBegin;
  if (u->Bfield) {
    TzCodePrintf(code, "  real B[d * m] = {0};\n");
    PetscCall((*u->Bcode)(pde, code));
  } else if (u->B) TzCodeReals(code, "B", pde->d * u->m, u->B);
  TzCodePrintf(code, "  real p[m];\n  for (int j = 0; j < m; j++) {\n");
  if (u->B || u->Bfield) TzCodePrintf(code, "    p[j] = 0;\n    for (int i = 0; i < d; i++) p[j] += B[i * m + j] * grad[i];\n");
  else TzCodePrintf(code, "    p[j] = grad[j];\n");
  TzCodePrintf(code, "  }\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* name [m] with infinite numbers as large ones, in which nothing is clipped */
static PetscErrorCode BoundCode(const char name[], PetscInt m, const PetscReal x[], TzCode code)
{
  PetscReal *finite;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(m, &finite));
  for (PetscInt j = 0; j < m; j++) finite[j] = PetscMax(PetscMin(x[j], 3e38), -3e38);
  TzCodeReals(code, name, m, finite);
  PetscCall(PetscFree(finite));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEControlCode(TzPDE pde, const char option[], TzCode code, PetscInt *m)
{
  const TzControlParts *u;

  PetscFunctionBegin;
  PetscCall(TzPDEGetControl(pde, &u));
  *m = u ? u->m : 0;
  if (!u) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!u->Bfield || u->Bcode, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT,
             "%s: B(x,t) of equation %s cannot be written as C (its parts have no Bcode)", option, ((PetscObject)pde)->type_name);
  TzCodePrintf(code, "  enum { m = %" PetscInt_FMT " };\n", u->m);
  PetscCall(SlopeCode(pde, u, code));
  if (!u->r) {
    TzCodeReals(code, "half", u->m * u->m, u->Rhalf);
    TzCodePrintf(code, "  for (int j = 0; j < m; j++) {\n"
                       "    a[j] = 0;\n"
                       "    for (int k = 0; k < m; k++) a[j] -= half[j * m + k] * p[k];\n"
                       "  }\n");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TzCodeReals(code, "r", u->m, u->r);
  if (u->absolute) TzCodeReals(code, "w", u->m, u->absolute);
  if (u->lo) PetscCall(BoundCode("lo", u->m, u->lo, code));
  if (u->hi) PetscCall(BoundCode("hi", u->m, u->hi, code));
  TzCodePrintf(code,
               "  for (int j = 0; j < m; j++) {\n"
               "    const real excess = M(fabs)(p[j])%s;\n"
               "    a[j] = 0;\n"
               "    if (excess > 0) a[j] = %s(p[j] > 0 ? -excess : excess) / (2 * r[j])%s;\n",
               u->absolute ? " - w[j]" : "", u->lo && u->hi ? "r[j] > 0 ? " : "", u->lo && u->hi ? " : p[j] > 0 ? lo[j] : hi[j]" : "");
  if (u->lo) TzCodePrintf(code, "    if (a[j] < lo[j]) a[j] = lo[j];\n");
  if (u->hi) TzCodePrintf(code, "    if (a[j] > hi[j]) a[j] = hi[j];\n");
  TzCodePrintf(code, "  }\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}
