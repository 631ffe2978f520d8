/*
  The kernels of every instruction set that this machine has, against long double or plain loops.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <private/tzkernels.h>
#include "activations.h"

#define OK(call) assert_int_equal((call), 0)

static const TzKernels *sets[4];
static int              nsets;

static TzActivation Find(const char name[])
{
  TzActivation act;

  OK(TzActivationFind(PETSC_COMM_SELF, "", name, &act));
  return act;
}

/* Each instruction set's sine and cosine against long double over the range of the fast path and beyond it */
static void TestSine(void **state)
{
  (void)state;
  for (int i = 0; i < nsets; i++) {
    double           worst = 0;
    const TzKernels *k     = sets[i];

    for (int scale = -6; scale <= 7; scale++) {
      double x[1001], s[1001], c[1001], y[1001];

      OK(TzRandomUniform(scale + 6, TZ_STREAM_POINTS, 0, 0, 0, 1001, x));
      for (int j = 0; j < 1001; j++) x[j] = (2 * x[j] - 1) * pow(10, scale);
      for (int j = 0; j < 40; j++) x[j] = j * M_PI / 2 * (j % 3 - 1); /* zeros and extrema */
      k->sine(1001, x, y);
      k->sincos(1001, x, s, c);
      for (int j = 0; j < 1001; j++) {
        worst = fmax(worst, fabs((double)(y[j] - sinl((long double)x[j]))));
        worst = fmax(worst, fabs((double)(c[j] - cosl((long double)x[j]))));
        worst = fmax(worst, fabs((double)(s[j] - sinl((long double)x[j]))));
      }
    }
    print_message("%s: largest error of sine and cosine %.2g\n", k->name, worst);
    /* the polynomials' 1.1e-16, two roundings of the reduced argument (1.1e-16 each at pi/2), one of the result (1.1e-16 at 1) */
    assert_true(worst <= 4.5e-16);
  }
}

/*
  Sine and cosine of b + B Y by each instruction set against long double: units that are no multiple of any block, partial panels, which leave the other
  rows alone, and arguments beyond the fast sine's range
*/
static void TestExpand(void **state)
{
  enum { N = 37, R = 4, WIDTH = R + 2 };
  double table[N * WIDTH], Y[R * TZ_PANEL], A[N * TZ_PANEL], D[N * TZ_PANEL], D2[N * TZ_PANEL];

  (void)state;
  OK(TzRandomUniform(5, TZ_STREAM_POINTS, 0, 0, 0, N * WIDTH, table));
  for (int big = 0; big < 2; big++) {
    OK(TzRandomUniform(6, TZ_STREAM_POINTS, 0, 0, 0, R * TZ_PANEL, Y));
    for (int j = 0; j < R * TZ_PANEL; j++) Y[j] = (Y[j] - 0.5) * (big && j % TZ_PANEL % 3 == 0 ? 1e6 : 20);
    for (int i = 0; i < nsets; i++)
      for (int lanes = 8; lanes <= TZ_PANEL; lanes += 8) {
        for (int j = 0; j < N * TZ_PANEL; j++) A[j] = D[j] = 7;
        sets[i]->expand(lanes, Find("sine"), N, R, table, WIDTH, Y, A, D, D2, NULL, big ? PETSC_TRUE : PETSC_FALSE);
        for (int h = 0; h < N; h++)
          for (int m = 0; m < TZ_PANEL; m++) {
            const double s = A[h * TZ_PANEL + m], c = D[h * TZ_PANEL + m];
            long double  z = table[h * WIDTH], size = fabsl(z);

            for (int k = 0; k < R; k++) {
              z += (long double)table[h * WIDTH + 1 + k] * Y[k * TZ_PANEL + m];
              size += fabsl((long double)table[h * WIDTH + 1 + k] * Y[k * TZ_PANEL + m]);
            }
            if (m >= lanes) assert_true(s == 7 && c == 7);
            /* 2 R roundings of terms and sums no larger than size, and the sine's own error */
            else assert_true(fabsl(s - sinl(z)) <= 2 * R * 1.2e-16L * size + 4.5e-16L && fabsl(c - cosl(z)) <= 2 * R * 1.2e-16L * size + 4.5e-16L);
          }
      }
  }
}

/* Products and sums against loops: at most 64 terms of order one, each rounded at 1.1e-16; partial panels leave the other rows alone */
static void TestGemm(void **state)
{
  (void)state;
  for (int i = 0; i < nsets; i++) {
    const TzKernels *k = sets[i];
    double           A[64 * TZ_GEMM], X[64 * TZ_PANEL], C[TZ_GEMM * TZ_PANEL];
    OK(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, 64 * TZ_GEMM, A));
    OK(TzRandomUniform(2, TZ_STREAM_POINTS, 0, 0, 0, 64 * TZ_PANEL, X));
    for (int rows = 1; rows <= TZ_GEMM; rows++)
      for (int lanes = 8; lanes <= TZ_PANEL; lanes += 8)
        for (int add = 0; add < 2; add++) {
          for (int j = 0; j < TZ_GEMM * TZ_PANEL; j++) C[j] = 7;
          k->gemm(lanes, rows, 64, A, X, C, add ? PETSC_TRUE : PETSC_FALSE);
          for (int r = 0; r < TZ_GEMM; r++)
            for (int m = 0; m < TZ_PANEL; m++) {
              double sum = add ? 7 : 0;

              for (int h = 0; h < 64; h++) sum += A[h * TZ_GEMM + r] * X[h * TZ_PANEL + m];
              if (r >= rows || m >= lanes) sum = 7;
              assert_true(fabs(C[r * TZ_PANEL + m] - sum) <= 64 * 2.3e-16 * 32);
            }
        }
  }
}

/* The float product: small integers, whose products and sums are exact */
static void TestGemmSingle(void **state)
{
  enum { N = 300 };
  static float A[N * TZ_GEMM], X[N * TZ_PANEL], C[TZ_GEMM * TZ_PANEL];

  (void)state;
  for (int i = 0; i < N * TZ_GEMM; i++) A[i] = i * 7 % 11 - 5;
  for (int i = 0; i < N * TZ_PANEL; i++) X[i] = i * 5 % 13 - 6;
  for (int i = 0; i < nsets; i++) {
    const TzKernels *k = sets[i];

    for (int add = 0; add < 2; add++) {
      k->gemmsingle(N, A, X, C, add ? PETSC_TRUE : PETSC_FALSE);
      for (int r = 0; r < TZ_GEMM; r++)
        for (int m = 0; m < TZ_PANEL; m++) {
          float sum = 0;

          for (int h = 0; h < N; h++) sum += A[h * TZ_GEMM + r] * X[h * TZ_PANEL + m];
          assert_true(C[r * TZ_PANEL + m] == (add ? 2 : 1) * sum);
        }
    }
  }
}

/* Horner's scheme against the sum of monomials taken one by one, through the order of terms of taylor.c's definition: variables nested */
static void HornerSum(int v, int r, int d, double monomial, const double x[], const double **c, double *sum)
{
  if (v == r) {
    *sum += *(*c)++ * monomial;
    return;
  }
  for (int e = d; e >= 0; e--) HornerSum(v + 1, r, d - e, monomial * pow(x[v], e), x, c, sum);
}

static void TestHorner(void **state)
{
  (void)state;
  for (int i = 0; i < nsets; i++) {
    const TzKernels *k = sets[i];
    double           c[1000], d[TZ_SERIES_MAX_BOND * TZ_PANEL], f[TZ_PANEL];
    OK(TzRandomUniform(3, TZ_STREAM_POINTS, 0, 0, 0, 1000, c));
    OK(TzRandomUniform(4, TZ_STREAM_POINTS, 0, 0, 0, TZ_SERIES_MAX_BOND * TZ_PANEL, d));
    for (int r = 1; r <= TZ_SERIES_MAX_BOND; r++) {
      k->horner(r, 4, c, d, f);
      for (int m = 0; m < TZ_PANEL; m++) {
        double        x[TZ_SERIES_MAX_BOND], sum = 0;
        const double *p = c;

        for (int v = 0; v < r; v++) x[v] = d[v * TZ_PANEL + m];
        HornerSum(0, r, 4, 1, x, &p, &sum);
        assert_true(fabs(f[m] - sum) <= 1e-13 * sum); /* 210 positive terms, rounded at most some 10 times each */
      }
    }
  }
}

/* ------------------------------------------------- activations and their users ------------------------------------------------- */

#define EPS 1.2e-16L /* a rounding, and a little */

/* The activation and three derivatives in long double */
static void Exact(const char name[], long double z, long double d[4])
{
  if (!strcmp(name, "sine") || !strcmp(name, "cosine")) {
    const long double s = sinl(z), c = cosl(z);

    d[0] = name[0] == 's' ? s : c;
    d[1] = name[0] == 's' ? c : -s;
    d[2] = -d[0];
    d[3] = -d[1];
  } else if (!strcmp(name, "tanh")) {
    d[0] = tanhl(z);
    d[1] = 1 / (coshl(z) * coshl(z));
    d[2] = -2 * d[0] * d[1];
    d[3] = -2 * (d[1] * d[1] + d[0] * d[2]);
  } else if (!strcmp(name, "relu")) {
    d[0] = z > 0 ? z : 0;
    d[1] = z > 0;
    d[2] = d[3] = 0;
  } else if (!strcmp(name, "square")) {
    d[0] = z * z;
    d[1] = 2 * z;
    d[2] = 2;
    d[3] = 0;
  } else {
    const long double s = 1 / (1 + expl(-z));

    d[0] = (z > 0 ? z : 0) + log1pl(expl(-fabsl(z)));
    d[1] = s;
    d[2] = s * (1 - s);
    d[3] = d[2] * (1 - 2 * s);
  }
}

static void Fill(int seed, double scale, PetscInt n, double x[])
{
  OK(TzRandomUniform(seed, TZ_STREAM_POINTS, 0, 0, 0, n, x));
  for (PetscInt i = 0; i < n; i++) x[i] = scale * (2 * x[i] - 1);
}

/* whether |x - exact| <= bound, or both are the same */
static void Near(const TzKernels *k, const char what[], const char name[], double x, long double exact, long double bound)
{
  if (!(fabsl(x - exact) <= bound)) fail_msg("%s, %s, %s: %.17g, exactly %.17g, bound %.3g", k->name, what, name, x, (double)exact, (double)bound);
}

#define EACH_ACTIVATION(k, act, name) \
  for (int i_ = 0; i_ < nsets; i_++) \
    for (size_t a_ = 0; a_ < NACTIVATIONS; a_++) \
      for (const TzKernels *k = sets[i_]; k; k = NULL) \
        for (TzActivation act = Find(activations[a_]); act; act = NULL) \
          for (const char *name = act->name; name; name = NULL)

/*
  An activation and its derivatives: the fast sine's error is 4.5e-16 (TestSine), tanh's 3.5e-16 of the value, of 1 - a^2 and what follows from it some eight
  roundings of numbers of order one: below 1.5e-15. At |z| far out the C library's.
*/
#define ACT 1.5e-15L

static void TestElements(void **state)
{
  enum { N = 103 };
  double x[N], a[N], bar[N], d[N], bias[5], Z[5 * TZ_PANEL], D1[5 * TZ_PANEL], D2[5 * TZ_PANEL];
  double f[4][N], *const all[4] = {f[0], f[1], f[2], f[3]};

  (void)state;
  EACH_ACTIVATION(k, act, name)
  {
    long double e[4];

    Fill(1, 12, N, x);
    for (int i = 0; i < 9; i++) x[7 * i] = (i - 4) * (i < 5 ? 1e-9 : act->ops.harmonic ? 1e6 : 30);
    Fill(2, 1, N, bar);
    k->values(act, N, x, a);
    k->adjoint(act, N, x, bar, d);
    for (int i = 0; i < N; i++) {
      Exact(name, x[i], e);
      Near(k, "values", name, a[i], e[0], ACT * (1 + fabsl(e[0])));
      Near(k, "adjoint", name, d[i], e[1] * bar[i], ACT * fabs(bar[i]) * (1 + fabsl(e[1])));
    }
    k->derivatives(act, N, x, all);
    for (int i = 0; i < N; i++) {
      Exact(name, x[i], e);
      for (int o = 0; o < 4; o++) Near(k, "derivatives", name, all[o][i], e[o], 2 * ACT * (1 + fabsl(e[o]))); /* |act'''| is at most 2 */
    }
    k->move(act, N, 0.7, 0.3, x, d);
    for (int i = 0; i < N; i++) {
      long double e0[4];
      double      one;

      Exact(name, 0.7, e0);
      Exact(name, 0.7 + 0.3L * x[i], e);
      Near(k, "move", name, d[i], e[0] - e0[0], 2 * ACT * (1 + fabsl(e[0])) + EPS * (1 + fabs(x[i])) * (1 + fabsl(e[1])));
      k->values(act, 1, x + i, &one);
      assert_true(one == a[i]); /* a number's bits do not depend on its neighbours */
      k->move(act, 1, 0.7, 0.3, x + i, &one);
      assert_true(one == d[i]);
    }
    Fill(3, 8, 5, bias);
    Fill(4, 8, 5 * TZ_PANEL, Z);
    for (int i = 0; i < 5 * TZ_PANEL; i++) a[i % N] = Z[i];
    for (int order = 0; order < 2; order++) {
      double A[5 * TZ_PANEL];

      memcpy(A, Z, sizeof(Z));
      k->activate(act, 5, bias, A, order ? D1 : NULL, order ? D2 : NULL);
      for (int i = 0; i < 5 * TZ_PANEL; i++) {
        const long double z = Z[i] + bias[i / TZ_PANEL], bound = ACT + EPS * fabsl(z); /* derivatives are at most 1, or z by so much */

        Exact(name, Z[i] + bias[i / TZ_PANEL], e);
        Near(k, "activate", name, A[i], e[0], bound * (1 + fabsl(e[0])));
        if (order) Near(k, "activate'", name, D1[i], e[1], bound * (1 + fabsl(e[1])));
        if (order) Near(k, "activate''", name, D2[i], e[2], bound * (1 + fabsl(e[2])));
      }
    }
  }
}

/* z = b + B y of lane m, exactly, and the size of its terms */
static long double Affine(PetscInt r, const double table[], const double Y[], PetscInt step, PetscInt m, long double *size)
{
  long double z = table[0];

  *size = fabsl(z);
  for (PetscInt k = 0; k < r; k++) {
    z += (long double)table[1 + k] * Y[k * step + m];
    *size += fabsl((long double)table[1 + k] * Y[k * step + m]);
  }
  return z;
}

/* Layers from bond to bond and expanded, against sums in long double: of r and n terms, each rounded twice */
static void TestLayers(void **state)
{
  enum { N = 37, MOST = 16 };
  static const PetscInt sizes[][2] = {{1, 1}, {4, 1}, {4, 4}, {3, 7}, {10, 1}, {16, 16}};
  static double         table[N * (1 + 2 * MOST)], Y[MOST * TZ_PANEL], out[MOST * TZ_PANEL], A[4][N * TZ_PANEL];

  (void)state;
  EACH_ACTIVATION(k, act, name)
  for (size_t s = 0; s < PETSC_STATIC_ARRAY_LENGTH(sizes); s++)
    for (int big = 0; big < 2; big++) {
      const PetscInt r = sizes[s][0], q = sizes[s][1], width = 1 + r + q;

      Fill(5, 1, N * width, table);
      Fill(6, 3, r * TZ_PANEL, Y);
      for (int i = 0; big && act->ops.harmonic && i < r * TZ_PANEL; i++) Y[i] *= i % TZ_PANEL % 5 ? 1 : 1e6;
      for (int i = 0; i < q * TZ_PANEL; i++) out[i] = 0.5;
      k->bond(act, N, r, q, table, Y, out, big ? PETSC_TRUE : PETSC_FALSE);
      k->expand(TZ_PANEL, act, N, r, table, width, Y, A[0], A[1], A[2], A[3], big ? PETSC_TRUE : PETSC_FALSE);
      for (int m = 0; m < TZ_PANEL; m++) {
        long double sum[MOST], bound[MOST], e[4], size;

        for (int c = 0; c < q; c++) sum[c] = bound[c] = 0.5L;
        for (int h = 0; h < N; h++) {
          const long double z = Affine(r, table + h * width, Y, TZ_PANEL, m, &size), off = ACT + 2 * r * EPS * size;

          Exact(name, z, e);
          for (int d = 0; d < (act->ops.harmonic ? 2 : 4); d++)
            if (strcmp(name, "relu") || fabsl(z) > off) Near(k, "expand", name, A[d][h * TZ_PANEL + m], e[d], off * (1 + fabsl(e[d])));
          for (int c = 0; c < q; c++) {
            const double L = table[h * width + 1 + r + c];

            sum[c] += L * e[0];
            bound[c] += fabs(L) * (off * (1 + fabsl(e[0])) / (2 * N * EPS) + fabsl(e[0]));
          }
        }
        for (int c = 0; c < q; c++) Near(k, "bond", name, out[c * TZ_PANEL + m], sum[c], 2 * N * EPS * bound[c]);
      }
    }
}

/* act(a +- c), for a harmonic one from act(a), act'(a), cos c, sin c, each off by a rounding */
static void TestShift(void **state)
{
  enum { N = 7 };
  double a[N * TZ_PANEL] = {0}, ca[N * TZ_PANEL] = {0}, c[N * TZ_PANEL], C[N * TZ_PANEL], plus[N * TZ_PANEL], minus[N * TZ_PANEL];

  (void)state;
  EACH_ACTIVATION(k, act, name)
  {
    Fill(7, 2, N * TZ_PANEL, c);
    for (int h = 0; h < N; h++) {
      double d[4];

      (*act->ops.evaluate)(h - 3.3, 1, d);
      a[h * TZ_PANEL + 5]  = act->ops.harmonic ? d[0] : h - 3.3;
      ca[h * TZ_PANEL + 5] = d[1];
    }
    for (int i = 0; i < N * TZ_PANEL; i++) C[i] = cos(c[i]);
    for (int i = 0; i < N * TZ_PANEL && act->ops.harmonic; i++) plus[i] = sin(c[i]);
    if (!act->ops.harmonic) memcpy(plus, c, sizeof(c));
    k->shift(act, N, a + 5, ca + 5, C, plus, plus, minus);
    for (int i = 0; i < N * TZ_PANEL; i++) {
      long double e[4];

      Exact(name, i / TZ_PANEL - 3.3L + c[i], e);
      Near(k, "shift", name, plus[i], e[0], 2 * ACT * (1 + fabsl(e[0])));
      Exact(name, i / TZ_PANEL - 3.3L - c[i], e);
      Near(k, "shift", name, minus[i], e[0], 2 * ACT * (1 + fabsl(e[0])));
    }
  }
}

/* ----------------------------------------------------- coordinate queries ----------------------------------------------------- */

/* M [4][4][PANEL], symmetric, another one in every lane */
static void Metric(int seed, double M[])
{
  Fill(seed, 1, 16 * TZ_PANEL, M);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < i; j++)
      for (int m = 0; m < TZ_PANEL; m++) M[(i * 4 + j) * TZ_PANEL + m] = M[(j * 4 + i) * TZ_PANEL + m];
}

/* Fields of a state or shift [rows][SHIFT_FIELDS][PANEL]: channels at random, 2 M G and G . M G from them */
static void State(int seed, double scale, PetscInt rows, PetscInt c, const double M[], double S[])
{
  const PetscInt ns = TZ_SHIFT_FIELDS(c);

  Fill(seed, scale, rows * ns * TZ_PANEL, S);
  for (PetscInt j = 0; j < rows && c > 1; j++)
    for (int m = 0; m < TZ_PANEL; m++) {
      double *s = S + j * ns * TZ_PANEL + m, square = 0;

      for (PetscInt k = 0; k < c - 2; k++) {
        double sum = 0;

        for (PetscInt l = 0; l < c - 2; l++) sum += 2 * M[(k * (c - 2) + l) * TZ_PANEL + m] * s[(1 + l) * TZ_PANEL];
        s[(c + k) * TZ_PANEL] = sum;
        square += 0.5 * s[(1 + k) * TZ_PANEL] * sum;
      }
      s[(2 * c - 2) * TZ_PANEL] = square;
    }
}

/* The channels of act(z) from those w [c] of z: w_0 is z itself. Returns what an error of act, act', act'' is multiplied by */
static long double Channels(const char name[], PetscInt c, const double M[], const long double w[], long double u[], long double d[4])
{
  long double quad = 0;

  Exact(name, w[0], d);
  for (PetscInt k = 0; k < c - 2; k++)
    for (PetscInt l = 0; l < c - 2; l++) quad += w[1 + k] * M[(k * (c - 2) + l) * TZ_PANEL] * w[1 + l];
  u[0] = d[0];
  for (PetscInt ch = 1; ch < c; ch++) u[ch] = d[1] * w[ch];
  if (c > 1) u[c - 1] += d[2] * quad;
  for (PetscInt ch = 1; ch < c; ch++) quad = fmaxl(fabsl(quad), fabsl(w[ch]));
  return 1 + fabsl(quad);
}

enum { NU = 12, RU = 4, CU = 6 };

/* Channel ch of B . S (and b) at lane m */
static long double Dot(const double table[], const double S[], PetscInt ns, PetscInt ch, int m)
{
  long double w = ch ? 0 : table[0];

  for (int k = 0; k < RU; k++) w += (long double)table[1 + k] * S[(k * ns + ch) * TZ_PANEL + m];
  return w;
}

/*
  Units at a state and the change of their sum when a slice of them moves, against the definitions. Numbers of order one; a unit's channels are sums of at most
  50 terms, of which some ten roundings and the activation's own error remain: 2e-14. The change of a harmonic activation is right relative to itself.
*/
static void TestUnitsAndSlices(void **state)
{
  static const double mu[] = {0.5, 1e-2, 1e-5, 40};
  static double table[NU * (1 + 2 * RU)], S[RU * 11 * TZ_PANEL], p[2 * 11 * TZ_PANEL], F[NU * 10 * TZ_PANEL], U[NU * CU * TZ_PANEL], out[RU * CU * TZ_PANEL];
  double        M[16 * TZ_PANEL], eps[3];

  (void)state;
  Metric(8, M);
  Fill(9, 1, 3, eps);
  EACH_ACTIVATION(k, act, name)
  for (int jets = 0; jets < 2; jets++)
    for (int q = 1; q <= RU; q += 3)
      for (int step = 0; step < 4; step++) {
        const PetscInt c = jets ? CU : 1, ns = TZ_SHIFT_FIELDS(c), nf = TZ_UNIT_FIELDS(c), width = 1 + RU + q;
        TzSlice        slice = {.nlo = 2, .nhi = 3, .step = 6, .shiftstep = ns * TZ_PANEL, .width = width, .eps = eps, .shift = p, .mu = mu[step]};

        Fill(10, 1, NU * width, table);
        for (int h = 0; h < NU; h++) table[h * width] += 3; /* away from the rectifier's kink */
        State(11, 0.3, RU, c, M, S);
        State(12, 1, 2, c, M, p);
        k->units(TZ_PANEL, act, NU, RU, c, table, width, S, F, U, PETSC_FALSE);
        slice.units = F + nf * TZ_PANEL;
        slice.left  = table + width + 1 + RU;
        slice.reach = mu[step];
        k->slice(TZ_PANEL, act, c, q, &slice, out);
        for (int m = 0; m < TZ_PANEL; m++) {
          long double want[RU * CU] = {0}, size[RU * CU] = {0}, w[CU], u[CU], moved[CU], d[4], factor;

          for (int h = 0; h < NU; h++) {
            const int in = h >= 1 && (h - 1) % 6 < 3, lo = (h - 1) / 6;

            for (int ch = 0; ch < c; ch++) w[ch] = Dot(table + h * width, S, ns, ch, m);
            Channels(name, c, M + m, w, u, d);
            for (int i = 0; i < 3; i++) Near(k, "units", name, F[(h * nf + 1 + i) * TZ_PANEL + m], d[i], 2e-14L * (1 + fabsl(d[i])));
            for (int ch = 0; ch < c; ch++) Near(k, "units", name, U[(h * c + ch) * TZ_PANEL + m], u[ch], 2e-14L * (1 + fabsl(u[ch])));
            if (!in || lo > 1) continue;
            for (int ch = 0; ch < c; ch++) w[ch] += (long double)mu[step] * eps[(h - 1) % 6] * p[(lo * ns + ch) * TZ_PANEL + m];
            factor = Channels(name, c, M + m, w, moved, d);
            for (int j = 0; j < q; j++)
              for (int ch = 0; ch < c; ch++) {
                want[j * c + ch] += table[h * width + 1 + RU + j] * (moved[ch] - u[ch]);
                size[j * c + ch] += act->ops.harmonic && mu[step] < 1e-3 ? 100 * mu[step] : factor + fabsl(moved[ch]);
              }
          }
          for (int i = 0; i < q * c; i++) Near(k, "slice", name, out[i * TZ_PANEL + m], want[i], 2e-14L * size[i]);
        }
      }
}

/* The coefficients of forward propagation against their definition: a product of four numbers, each rounded */
static void TestJet(void **state)
{
  enum { N = 11 };
  static const PetscInt sizes[][2] = {{4, 4}, {4, 1}, {3, 5}, {1, 1}};

  (void)state;
  EACH_ACTIVATION(k, act, name)
  for (size_t s = 0; s < PETSC_STATIC_ARRAY_LENGTH(sizes); s++)
    for (int first = 0; first < 2; first++) {
      const PetscInt  r = sizes[s][0], q = sizes[s][1], nn = first ? 1 : r * (r + 1) / 2, width = 1 + r + q, at = act->ops.harmonic ? q : 0;
      const PetscReal sign = act->ops.harmonic ? -1 : 1;
      static double   table[N * 12], coeff[3][80 * N], M[16];
      double         *c[3] = {coeff[0], coeff[1], coeff[2]}, *second = act->ops.harmonic ? coeff[0] : coeff[2];

#define COEFF(p, row) ((p)[((row) / TZ_GEMM * N + h) * TZ_GEMM + (row) % TZ_GEMM])
      Fill(13, 1, N * width, table);
      Fill(14, 1, r * r, M);
      memset(coeff, 0, sizeof(coeff));
      k->jet(act, N, r, q, table, first ? M : NULL, c);
      for (PetscInt h = 0; h < N; h++)
        for (PetscInt i = 0; i < q; i++) {
          const double *B = table + h * width + 1, L = B[r + i];
          long double   square = 0;

          Near(k, "jet", name, COEFF(coeff[0], i), L, 0);
          for (PetscInt j = 0; j < r; j++) Near(k, "jet'", name, COEFF(coeff[1], i * r + j), L * (long double)B[j], EPS);
          for (PetscInt j = 0, jl = 0; j < r; j++)
            for (PetscInt l = first ? 0 : j; l < r; l++, jl++) {
              const long double term = (long double)B[j] * B[l];

              square += first ? M[j * r + l] * term : 0;
              if (!first) Near(k, "jet''", name, COEFF(second, at + i * nn + jl), sign * L * term * (j == l ? 1 : 2), 6 * EPS);
            }
          if (first) Near(k, "jet''", name, COEFF(second, at + i), sign * L * square, 3 * r * r * EPS);
        }
#undef COEFF
    }
}

/* Elementwise kernels and moves of numbers: exact, or one rounding each */
static void TestSimple(void **state)
{
  enum { N = 101 };
  double a[N * TZ_GEMM], b[N * TZ_GEMM], to[N * TZ_GEMM], minus[N * TZ_GEMM], largest;

  (void)state;
  for (int i = 0; i < nsets; i++) {
    const TzKernels *k = sets[i];

    Fill(15, 1, N * TZ_GEMM, a);
    Fill(16, 1, N * TZ_GEMM, b);
    k->multiply(N, 3, a, b, to);
    for (int j = 0; j < N; j++) Near(k, "multiply", "", to[j], 3 * (long double)a[j] * b[j], 6 * EPS);
    k->plusminus(4 * TZ_PANEL, a, b, to, minus);
    for (int j = 0; j < 4 * TZ_PANEL; j++) assert_true(to[j] == a[j] + b[j] && minus[j] == a[j] - b[j]);
    for (int rows = 1; rows <= TZ_GEMM; rows++) {
      for (int j = 0; j < N * TZ_GEMM; j++) to[j] = 7;
      k->pack(rows, N, -1, a, to);
      for (int j = 0; j < N * TZ_GEMM; j++) assert_true(to[j] == (j % TZ_GEMM < rows ? -a[j % TZ_GEMM * N + j / TZ_GEMM] : 7));
    }
    for (int n = 0; n < 20; n++) {
      largest = 0;
      for (int j = 0; j < n; j++) largest = fmax(largest, fabs(a[j]));
      assert_true(k->largest(n, a) == largest);
    }
    a[3] = NAN;
    a[9] = -5;
    assert_true(k->largest(N, a) == 5);
  }
}

/* Rows of n numbers below one: a rounding for each operation, n of a sum */
static void TestRowwise(void **state)
{
  enum { M = 5, MOST = 70 };
  double A[M * MOST], B[M * MOST], C[M * MOST], s[M], t[M], d[M];

  (void)state;
  Fill(21, 1, M * MOST, A);
  Fill(22, 1, M * MOST, B);
  Fill(23, 1, M, s);
  Fill(24, 1, M, t);
  for (int i = 0; i < nsets; i++)
    for (int n = 1; n <= MOST; n++) {
      const TzKernels *k = sets[i];

      for (int x = 0; x < M; x++) d[x] = 0.5;
      k->dots(M, n, A, B, d);
      for (int x = 0; x < M; x++) {
        long double sum = 0.5L;

        for (int j = 0; j < n; j++) sum += (long double)A[x * n + j] * B[x * n + j];
        Near(k, "dots", "", d[x], sum, (n + 2) * n * EPS);
      }
      for (int both = 0; both < 3; both++) { /* s A; s A + t B; A + t B in place */
        memcpy(C, A, sizeof(A));
        k->rows(M, n, both < 2 ? s : NULL, both < 2 ? A : C, t, both ? B : NULL, C);
        for (int x = 0; x < M * n; x++)
          Near(k, "rows", "", C[x], (both < 2 ? (long double)s[x / n] : 1) * A[x] + (both ? (long double)t[x / n] * B[x] : 0), 3 * EPS);
      }
      memcpy(C, A, sizeof(A));
      k->multiplyadd(n, A, B, C);
      for (int x = 0; x < n; x++) Near(k, "multiplyadd", "", C[x], A[x] + (long double)A[x] * B[x], 3 * EPS);
    }
}

/* Sums over n rows of panels, any strides: n roundings of products of numbers below one; rows and lanes not asked for stay as they are */
static void TestCombine(void **state)
{
  enum { N = 13, ROWS = 7 };
  double A[N * ROWS], X[N * 2 * TZ_PANEL], C[ROWS * 2 * TZ_PANEL];

  (void)state;
  Fill(17, 1, N * ROWS, A);
  Fill(18, 1, N * 2 * TZ_PANEL, X);
  for (int i = 0; i < nsets; i++)
    for (int rows = 1; rows <= ROWS; rows++)
      for (int lanes = 8; lanes <= TZ_PANEL; lanes += 8)
        for (int turned = 0; turned < 2; turned++) {
          const PetscInt arow = turned ? 1 : N, acol = turned ? ROWS : 1;

          for (int j = 0; j < ROWS * 2 * TZ_PANEL; j++) C[j] = 7;
          sets[i]->combine(lanes, rows, N, A, arow, acol, X, 2 * TZ_PANEL, C, 2 * TZ_PANEL);
          for (int r = 0; r < ROWS; r++)
            for (int m = 0; m < 2 * TZ_PANEL; m++) {
              long double sum = 0;

              for (int h = 0; h < N && r < rows && m < lanes; h++) sum += (long double)A[r * arow + h * acol] * X[h * 2 * TZ_PANEL + m];
              if (r >= rows || m >= lanes) sum = 7;
              Near(sets[i], "combine", "", C[r * 2 * TZ_PANEL + m], sum, 2 * N * EPS);
            }
        }
}

/* Multi-indices of r variables up to order 6 in the order of TzExpansion */
enum { RE = 4, ORDERS = 6, TERMS = 210 };
static PetscInt first[ORDERS + 2], variable[TERMS], power[TERMS][RE], above[TERMS * (RE + RE * (RE + 1) / 2)];
static double   inverse[TERMS];

static PetscInt TermOf(const PetscInt p[])
{
  for (PetscInt t = 0; t < first[ORDERS + 1]; t++)
    if (!memcmp(p, power[t], sizeof(power[t]))) return t;
  return 0; /* beyond the last order: not looked at */
}

static void Terms(PetscInt r)
{
  PetscInt n = 1;

  memset(power, 0, sizeof(power));
  first[0]    = 0;
  first[1]    = 1;
  variable[0] = 0;
  inverse[0]  = 1;
  for (int o = 1; o <= ORDERS; o++) {
    for (PetscInt p = first[o - 1]; p < first[o]; p++)
      for (PetscInt v = variable[p]; v < r; v++, n++) {
        memcpy(power[n], power[p], sizeof(power[p]));
        inverse[n]  = 1. / ++power[n][v];
        variable[n] = v;
      }
    first[o + 1] = n;
  }
  for (PetscInt t = 0, to = 0; t < n; t++) {
    PetscInt p[RE];

    memcpy(p, power[t], sizeof(p));
    for (PetscInt j = 0; j < r; j++) {
      p[j]++;
      above[to++] = TermOf(p);
      p[j]--;
    }
    for (PetscInt j = 0; j < r; j++)
      for (PetscInt l = j; l < r; l++) {
        p[j]++;
        p[l]++;
        above[to++] = TermOf(p);
        p[j]--;
        p[l]--;
      }
  }
}

/* sum_{1 <= |alpha| <= order} D_(alpha + beta) d^alpha / alpha!; divided: coeff is D / alpha! already */
static long double Series(PetscInt r, int order, PetscBool divided, const double coeff[], const PetscInt beta[], const double delta[], PetscInt step, int m)
{
  long double sum = 0;

  for (PetscInt t = 1; t < first[order + 1]; t++) {
    long double term  = 1;
    PetscInt    p[RE] = {0};

    for (PetscInt j = 0; j < r; j++) {
      p[j] = power[t][j] + beta[j];
      for (PetscInt e = 1; e <= power[t][j]; e++) term *= (long double)delta[j * step + m] / (divided ? 1 : e);
    }
    sum += term * coeff[TermOf(p) * TZ_PANEL + m];
  }
  return sum;
}

/*
  The change of value, gradient and Laplacian of a function given by its derivatives, against the definition: the new G' = G + dG, g' = g + its series,
  h' = h + its series, then g' G' - g G and h' : G' M G'^T - h : G M G^T. Sums of at most 210 terms below one, some 20 roundings each: 1e-13.
*/
static void TestExpansion(void **state)
{
  static double coeff[TERMS * TZ_PANEL], S[RE * 11 * TZ_PANEL], delta[RE * CU * TZ_PANEL], out[CU * TZ_PANEL], M[16 * TZ_PANEL];
  double        order[TZ_PANEL];

  (void)state;
  Fill(19, 1, TERMS * TZ_PANEL, coeff);
  Metric(20, M);
  for (int i = 0; i < nsets; i++)
    for (PetscInt r = 2; r <= RE; r += 2)
      for (int jets = 0; jets < 2; jets++) {
        const PetscInt c = jets ? CU : 1, ns = TZ_SHIFT_FIELDS(c), zero[RE] = {0};
        TzExpansion    x = {.top = 4, .first = first, .variable = variable, .above = above, .inverse = inverse, .coeff = coeff};

        Terms(r);
        State(21, 0.5, r, c, M, S);
        Fill(22, 0.3, r * c * TZ_PANEL, delta);
        for (int m = 0; m < TZ_PANEL; m++) order[m] = 1 + m % 4;
        sets[i]->expansion(TZ_PANEL, r, c, &x, order, M, S, delta, out);
        for (int m = 0; m < TZ_PANEL; m++) {
          long double want[CU] = {0};

          want[0] = Series(r, (int)order[m], (PetscBool)!jets, coeff, zero, delta, c * TZ_PANEL, m);
          for (PetscInt j = 0; j < r && jets; j++) {
            PetscInt          beta[RE] = {0};
            const long double g        = coeff[(1 + j) * TZ_PANEL + m];
            long double       dg;

            beta[j] = 1;
            dg      = Series(r, (int)order[m], PETSC_FALSE, coeff, beta, delta, c * TZ_PANEL, m);
            for (PetscInt ch = 1; ch < c; ch++)
              want[ch] += (g + dg) * ((long double)S[(j * ns + ch) * TZ_PANEL + m] + delta[(j * c + ch) * TZ_PANEL + m]) - g * S[(j * ns + ch) * TZ_PANEL + m];
            for (PetscInt l = 0; l < r; l++) {
              long double N = 0, moved = 0, h;

              for (PetscInt a = 0; a < c - 2; a++)
                for (PetscInt b = 0; b < c - 2; b++) {
                  const long double Ga = S[(j * ns + 1 + a) * TZ_PANEL + m], Gb = S[(l * ns + 1 + b) * TZ_PANEL + m];

                  N += Ga * M[(a * 4 + b) * TZ_PANEL + m] * Gb;
                  moved += (Ga + delta[(j * c + 1 + a) * TZ_PANEL + m]) * M[(a * 4 + b) * TZ_PANEL + m] * (Gb + delta[(l * c + 1 + b) * TZ_PANEL + m]);
                }
              beta[l]++;
              h = coeff[TermOf(beta) * TZ_PANEL + m];
              want[c - 1] += (h + Series(r, (int)order[m], PETSC_FALSE, coeff, beta, delta, c * TZ_PANEL, m)) * moved - h * N;
              beta[l]--;
            }
          }
          for (PetscInt ch = 0; ch < c; ch++) Near(sets[i], "expansion", "", out[ch * TZ_PANEL + m], want[ch], 1e-13L);
        }
      }
}

/* ---------------------------------------- products of matrices kept point fastest ---------------------------------------- */

#define MAXM 21
#define MAXN 61
#define MAXK 300
static double A[MAXM * MAXK], B[MAXK * (MAXN + 3)], C[MAXM * (MAXN + 5)], D[MAXM * (MAXN + 5)];

/* |error| of a sum of k products is at most (k + 1) u sum |a b|, u = 2^-53 (Higham 2002, section 3.1); all |a|, |b| <= 1 here */
static void CheckProduct(const TzKernels *p, PetscInt m, PetscInt n, PetscInt k, PetscBool transpose, PetscBool add)
{
  const TzStrided a   = {A, transpose ? 1 : k, transpose ? m : 1};
  const PetscInt  ldb = n + 3, ldc = n + 5;
  double          worst = 0;

  for (PetscInt i = 0; i < m * ldc; i++) C[i] = 0.5;
  p->product(m, n, k, a, B, ldb, C, ldc, add);
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < ldc; j++) {
      long double sum = add || j >= n ? 0.5L : 0;

      if (j < n)
        for (PetscInt l = 0; l < k; l++) sum += (long double)a.a[i * a.row + l * a.col] * B[l * ldb + j];
      worst = PetscMax(worst, (double)fabsl(sum - C[i * ldc + j]));
    }
  if (worst > (k + 2) * (k + 1) * PETSC_MACHINE_EPSILON) printf("%s %d x %d x %d: error %g\n", p->name, (int)m, (int)n, (int)k, worst);
  assert_true(worst <= (k + 2) * (k + 1) * PETSC_MACHINE_EPSILON);
}

static void TestProduct(void **state)
{
  static const PetscInt m[] = {1, 2, 5, 8, 9, 10, 21}, n[] = {1, 3, 7, 8, 10, 24, 42, 61}, k[] = {0, 1, 7, 28, 128, 129, 300};

  (void)state;
  for (int s = 0; s < nsets; s++)
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(m); i++)
      for (size_t j = 0; j < PETSC_STATIC_ARRAY_LENGTH(n); j++)
        for (size_t l = 0; l < PETSC_STATIC_ARRAY_LENGTH(k); l++)
          for (int form = 0; form < 4; form++)
            CheckProduct(sets[s], m[i], n[j], k[l], form & 1 ? PETSC_TRUE : PETSC_FALSE, form & 2 ? PETSC_TRUE : PETSC_FALSE);
}

static void TestRows(void **state)
{
  (void)state;
  for (int s = 0; s < nsets; s++) {
    sets[s]->product(MAXM, MAXN, MAXK, (TzStrided){A, MAXK, 1}, B, MAXN, C, MAXN, PETSC_FALSE);
    for (PetscInt i = 0; i < MAXM; i++) sets[s]->product(1, MAXN, MAXK, (TzStrided){A + i * MAXK, MAXK, 1}, B, MAXN, D + i * MAXN, MAXN, PETSC_FALSE);
    assert_memory_equal(C, D, sizeof(double) * MAXM * MAXN);
  }
}

/* A sparse matrix is the full one with zeros: small integers, whose sums are exact; every width of the columns, empty rows, an empty last row */
static void TestSparse(void **state)
{
  enum { M = 9, IN = 17 };
  PetscInt index[M * IN], nw       = 0;
  double   w[M * IN], full[M * IN] = {0}, a[IN * MAXN];

  (void)state;
  for (PetscInt i = 0; i < (M - 1) * IN; i++)
    if (i * 7 % 5 < 2 && i / IN != 3) {
      index[nw] = i;
      w[nw++]   = i % 11 - 5;
      full[i]   = i % 11 - 5;
    }
  for (PetscInt i = 0; i < IN * MAXN; i++) a[i] = i * 5 % 13 - 6;
  for (int s = 0; s < nsets; s++)
    for (PetscInt n = 1; n <= MAXN; n++) {
      sets[s]->sparse(M, IN, nw, index, w, n, a, C);
      sets[s]->product(M, n, IN, (TzStrided){full, IN, 1}, a, n, D, n, PETSC_FALSE);
      for (PetscInt i = 0; i < M * n; i++) assert_true(C[i] == D[i]);
    }
}

/* Against the formula, unit by unit; delta t is exact here (a power of 2), so one rounding or two (not fused) differ by at most 2^-53 */
static void TestReluShift(void **state)
{
  const double delta = 0.125;
  double       z[24], vec[24 * 8], v[12 * 8], d[12 * 24];

  (void)state;
  for (PetscInt i = 0; i < 24 * 8; i++) vec[i] = i;
  for (int s = 0; s < nsets; s++)
    for (PetscInt trial = 0; trial < 50; trial++) {
      const TzUnits u = {.ml = 3, .mr = 4, .zl = 8, .left = 24, .right = 72, .nv = 8, .z = z, .V = vec};
      PetscInt      rows, row = 0;

      for (PetscInt i = 0; i < 24; i++) z[i] = i % 3 ? A[24 * trial + i] : -0.25; /* |delta t| <= 1/8: a third does not move */
      rows = sets[s]->moveunits(Find("relu"), &u, 24, delta, B + trial, d, v);
      for (PetscInt jl = 0; jl < 3; jl++)
        for (PetscInt jr = 0; jr < 4; jr++) {
          const PetscInt h   = jl * 8 + jr;
          const double  *t   = B + trial + jl * 24 + jr * 72;
          PetscBool      any = z[h] > 0 ? PETSC_TRUE : PETSC_FALSE;

          for (PetscInt i = 0; i < 24; i++) any = any || z[h] + delta * t[i] > 0 ? PETSC_TRUE : PETSC_FALSE;
          if (!any) continue;
          assert_true(row < rows && v[8 * row] == 8 * h && v[8 * row + 7] == 8 * h + 7);
          for (PetscInt i = 0; i < 24; i++)
            assert_true(PetscAbsReal(PetscMax(z[h] + delta * t[i], 0) - PetscMax(z[h], 0) - d[24 * row + i]) <= PETSC_MACHINE_EPSILON);
          row++;
        }
      assert_int_equal(row, rows);
      assert_true(rows < 12);
    }
}

/* Sums of m terms with exponentials good to 1e-15 each, the logarithm's value at most about 45 in size */
static void TestLogSumExp(void **state)
{
  static const double scale[] = {1e-3, 1, 40, 1e4};

  (void)state;
  for (int s = 0; s < nsets; s++)
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(scale); k++) {
      const PetscInt n = 101, m      = 10;
      double         out[101], worst = 0;

      for (PetscInt i = 0; i < n * m; i++) C[i] = scale[k] * A[i];
      sets[s]->logsumexp(n, m, C, n, out);
      for (PetscInt i = 0; i < n; i++) {
        long double sum = 0, top = C[i], want;
        double      alone;

        sets[s]->logsumexp(1, m, C + i, n, &alone);
        assert_true(alone == out[i]); /* a column's bits do not depend on its neighbours */

        for (PetscInt o = 0; o < m; o++) top = fmaxl(top, C[o * n + i]);
        for (PetscInt o = 0; o < m; o++) sum += expl(C[o * n + i] - top);
        want  = top + logl(sum);
        worst = PetscMax(worst, (double)(fabsl(want - out[i]) / (1 + fabsl(want))));
      }
      if (worst > 2e-15) printf("%s scale %g: error %g\n", sets[s]->name, scale[k], worst);
      assert_true(worst <= 2e-15);
    }
}

/* A network that has diverged must not look like one that has not */
static void TestNotFinite(void **state)
{
  double y[2] = {1, (double)INFINITY}, s;

  (void)state;
  for (int k = 0; k < nsets; k++) {
    sets[k]->logsumexp(1, 2, y, 1, &s);
    assert_true(PetscIsInfOrNanReal(s));
    y[1] = NAN;
    sets[k]->logsumexp(1, 2, y, 1, &s);
    assert_true(PetscIsInfOrNanReal(s));
    y[1] = (double)INFINITY;
  }
}

/* Who runs the best set runs the others; a set is found by its name */
static void TestFind(void **state)
{
  (void)state;
  assert_true(nsets > 0 && !strcmp(sets[nsets - 1]->name, "base"));
  for (int i = 0; i < nsets; i++) assert_ptr_equal(TzKernelsFind(sets[i]->name), sets[i]);
  assert_null(TzKernelsFind("mmx"));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSine),       cmocka_unit_test(TestExpand),    cmocka_unit_test(TestGemm),
                                     cmocka_unit_test(TestGemmSingle), cmocka_unit_test(TestHorner),    cmocka_unit_test(TestProduct),
                                     cmocka_unit_test(TestRows),       cmocka_unit_test(TestSparse),    cmocka_unit_test(TestReluShift),
                                     cmocka_unit_test(TestLogSumExp),  cmocka_unit_test(TestNotFinite), cmocka_unit_test(TestElements),
                                     cmocka_unit_test(TestLayers),     cmocka_unit_test(TestShift),     cmocka_unit_test(TestUnitsAndSlices),
                                     cmocka_unit_test(TestJet),        cmocka_unit_test(TestSimple),    cmocka_unit_test(TestCombine),
                                     cmocka_unit_test(TestExpansion),  cmocka_unit_test(TestRowwise),   cmocka_unit_test(TestFind)};
  int                     failed;

  if (TzInitialize(&argc, &argv, NULL) || RegisterActivations()) return 1;
  while ((sets[nsets] = TzKernelsEach(nsets))) nsets++;
  if (TzRandomUniform(1, TZ_STREAM_INIT, 0, 0, 0, PETSC_STATIC_ARRAY_LENGTH(A), A) ||
      TzRandomUniform(1, TZ_STREAM_INIT, 0, 1, 0, PETSC_STATIC_ARRAY_LENGTH(B), B))
    return 1;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(A); i++) A[i] = 2 * A[i] - 1;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(B); i++) B[i] = 2 * B[i] - 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return TzFinalize() || failed;
}
