/*
  Networks: parameter counts, agreement of every format and contraction with its own matrix, and of the structured
  evaluation with the plain one. Tolerances: both sides are sums of at most some thousand terms of size O(1), each rounded
  at 1.1e-16; with the error growing as the square root of the number of terms, 1e-13 for a value is ample for correct code
  and far below what a wrong term would do.
*/
#include <tenzo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "activations.h"
#include "formats.h"

#define OK(call) assert_int_equal((call), 0)

static void Options(const char *options)
{
  OK(PetscOptionsClear(NULL));
  OK(PetscOptionsInsertString(NULL, options));
}

static TzNet Net(const char *options, PetscInt in, PetscInt out)
{
  TzNet net;

  Options(options);
  OK(TzNetCreate(PETSC_COMM_SELF, &net));
  OK(TzNetSetIO(net, in, out));
  OK(TzNetSetFromOptions(net));
  OK(TzNetSetUp(net));
  return net;
}

static void TestCounts(void **state)
{
  static const struct {
    const char *options;
    PetscInt    in, out, n;
  } known[] = {
    {"-net_format dense -net_layers 768,768", 21, 1, 608257},
    {"-net_format tt -net_tt_rank 4", 21, 1, 3209},
    {"-net_format tt -net_tt_rank 10", 21, 1, 7745},
    {"-net_format ttm -net_layers 1024 -net_tt_rank 6 -net_tt_modes 7,4,4,7|8,4,4,8;8,4,4,8|1,5,2,1", 784, 10, 3962},
    {"-net_format ttm -net_layers 1024 -net_tt_rank 10 -net_tt_modes 7,4,4,7|8,4,4,8;8,4,4,8|1,5,2,1", 784, 10, 8314},
    {"-net_format ttm -net_layers 1024 -net_tt_rank 5,3 -net_tt_modes 7,4,4,7|8,4,4,8;8,4,4,8|1,5,2,1", 784, 10, 2694},
    {"-net_format dense -net_layers 10 -net_bias 0", 784, 10, 7940},
    {"-net_format dense -net_layers 1024", 784, 10, 814090},
  };

  (void)state;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(known); i++) {
    TzNet    net = Net(known[i].options, known[i].in, known[i].out);
    PetscInt n;

    OK(TzNetGetNumParameters(net, &n));
    assert_int_equal(n, known[i].n);
    OK(TzNetDestroy(&net));
  }
}

/* Entries of W have variance 2/(in + out): the mean square over all entries and 40 seeds, against the spread of that mean */
static void TestInitialVariance(void **state)
{
  static const char *const formats[] = {"-net_format dense -net_layers 24", "-net_format tt -net_layers 24 -net_tt_rank 5",
                                        "-net_format ttm -net_layers 24 -net_tt_rank 5", "-net_format lowrank -net_layers 24 -net_tt_rank 5"};

  (void)state;
  for (size_t f = 0; f < PETSC_STATIC_ARRAY_LENGTH(formats); f++) {
    TzNet      net = Net(formats[f], 20, 1);
    PetscInt   n, seeds = 40;
    PetscReal *theta, W[24 * 20], mean = 0, var = 0, ms[40];

    OK(TzNetGetNumParameters(net, &n));
    OK(PetscMalloc1(n, &theta));
    for (PetscInt s = 0; s < seeds; s++) {
      ms[s] = 0;
      OK(TzNetInitialize(net, s, theta));
      OK(TzNetGetWeight(net, theta, 0, W));
      for (PetscInt i = 0; i < 24 * 20; i++) ms[s] += W[i] * W[i] / (24 * 20);
      mean += ms[s] / seeds;
    }
    for (PetscInt s = 0; s < seeds; s++) var += (ms[s] - mean) * (ms[s] - mean) / (seeds - 1);
    /* five standard errors of the mean over the seeds */
    assert_true(fabs(mean - 2.0 / 44) <= 5 * sqrt(var / seeds));
    OK(PetscFree(theta));
    OK(TzNetDestroy(&net));
  }
}

static const char *const variants[] = {
  "-net_format dense -net_layers 40,32",
  "-net_format dense -net_layers 40",
  "-net_format tt -net_layers 48,36 -net_tt_rank 4",
  "-net_format tt -net_layers 48,36 -net_tt_rank 4 -net_contraction cores",
  "-net_format tt -net_layers 48,36 -net_tt_rank 4 -net_contraction dense",
  "-net_format tt -net_layers 48,36,30 -net_tt_rank 3",
  "-net_format tt -net_layers 48 -net_tt_rank 5",
  "-net_format tt -net_layers 48,36 -net_tt_rank 20 -net_contraction bond",
  "-net_format tt -net_layers 64,64,64 -net_tt_rank 18 -net_contraction bond",
  "-net_format ttm -net_layers 48,36 -net_tt_rank 3",
  "-net_format ttm -net_layers 48,36 -net_tt_rank 3 -net_contraction cores",
  "-net_format sparse -net_layers 40,32 -net_sparse_count 400",
  "-net_format sparse -net_layers 40,32 -net_first_inputs 2",
  "-net_format lowrank -net_layers 48,36 -net_tt_rank 3",
  "-net_format lowrank -net_layers 20 -net_tt_rank 2",
  "-net_format mzi-tt -net_layers 48,36 -net_tt_rank 3",
  "-net_format lowrankbond -net_layers 48,36 -net_tt_rank 3",
  "-net_format lowrankbond -net_layers 48,36 -net_tt_rank 3 -net_contraction dense",
};

#define D 6
static TzForm           laplacian = {.type = TZ_FORM_LAPLACIAN};
static const TzJetShape shape     = {.d = D - 1, .time = PETSC_TRUE, .nforms = 1, .form = &laplacian};
#define NPTS 29

/* theta random, biases included; points of order one */
static void Data(TzNet net, PetscReal **theta, PetscReal X[])
{
  PetscInt n;

  OK(TzNetGetNumParameters(net, &n));
  OK(PetscMalloc1(n, theta));
  OK(TzNetInitialize(net, 3, *theta));
  for (PetscInt i = 0; i < n; i++) (*theta)[i] *= 1.3;
  OK(TzRandomUniform(1, TZ_STREAM_POINTS, 0, 0, 0, NPTS * D, X));
}

/* W(j, i) of a train by its definition, from theta and the layout alone: the row vector of ranks times one core after the other */
static PetscReal EntryByLayout(const TzNetLayout *layout, const PetscReal theta[], PetscInt j, PetscInt i)
{
  const PetscBool  matrix  = (PetscBool)!strcmp(layout->format, TZNETTTM);
  const PetscReal *core    = theta + layout->weights;
  PetscReal        row[64] = {1}, next[64];
  PetscInt         in = layout->in, out = layout->out;

  if (!layout->ncores) return core[j * layout->in + i];
  for (PetscInt k = 0; k < layout->ncores; k++) {
    const PetscInt r0 = layout->rank[k], r1 = layout->rank[k + 1];
    const PetscInt m = matrix ? layout->mode_out[k] : k < layout->nin ? 1 : layout->mode_out[k - layout->nin], n = k < layout->nin ? layout->mode_in[k] : 1;
    const PetscInt jk = j / (out / m), ik = i / (in / n);

    out /= m, j %= out;
    in /= n, i %= in;
    for (PetscInt b = 0; b < r1; b++) {
      next[b] = 0;
      for (PetscInt a = 0; a < r0; a++) next[b] += row[a] * core[((a * m + jk) * n + ik) * r1 + b];
    }
    OK(PetscArraycpy(row, next, r1));
    core += r0 * m * n * r1;
  }
  return row[0];
}

static void TestLayout(void **state)
{
  (void)state;
  for (size_t v = 0; v < PETSC_STATIC_ARRAY_LENGTH(variants); v++) {
    TzNet           net = Net(variants[v], D, 1);
    PetscInt        n, hidden, end = 0;
    const PetscInt *widths;
    PetscReal      *theta, W[64 * 64], X[NPTS * D];
    TzNetLayout     layout;

    Data(net, &theta, X);
    OK(TzNetGetNumParameters(net, &n));
    OK(TzNetGetHidden(net, &hidden, &widths));
    for (PetscInt l = 0; l <= hidden; l++) {
      OK(TzNetGetLayout(net, l, &layout));
      OK(TzNetGetWeight(net, theta, l, W));
      assert_int_equal(layout.weights, end);
      end += layout.nweights;
      assert_true((layout.activation == NULL) == (l == hidden));
      if (!layout.ncores && strcmp(layout.format, TZNETDENSE)) continue; /* of a mask, or of another's making */
      for (PetscInt j = 0; j < layout.out; j++)
        for (PetscInt i = 0; i < layout.in; i++) assert_true(fabs(EntryByLayout(&layout, theta, j, i) - W[j * layout.in + i]) <= 1e-13);
    }
    assert_int_equal(layout.bias + layout.out, n);
    OK(PetscFree(theta));
    OK(TzNetDestroy(&net));
  }
}

static TzNetEval Bound(TzNet net, const PetscReal theta[])
{
  TzNetEval eval;

  OK(TzNetEvalCreate(net, &eval));
  OK(TzNetEvalBind(eval, theta));
  return eval;
}

/* The network written out with the densified matrices */
static void ByMatrices(TzNet net, PetscInt nlayers, const PetscInt widths[], const PetscReal theta[], const PetscReal x[], PetscReal *y)
{
  PetscReal    a[64], z[64], W[64 * 64];
  PetscInt     n, bias;
  TzNetLayout  layout;
  TzActivation f;

  OK(TzNetGetNumParameters(net, &n));
  bias = n;
  for (PetscInt l = 1; l <= nlayers; l++) bias -= widths[l];
  for (PetscInt i = 0; i < widths[0]; i++) a[i] = x[i];
  for (PetscInt l = 0; l < nlayers; l++) {
    OK(TzNetGetWeight(net, theta, l, W));
    OK(TzNetGetLayout(net, l, &layout));
    if (layout.activation) OK(TzActivationFind(PETSC_COMM_SELF, "", layout.activation, &f));
    for (PetscInt j = 0; j < widths[l + 1]; j++) {
      z[j] = theta[bias + j];
      for (PetscInt i = 0; i < widths[l]; i++) z[j] += W[j * widths[l] + i] * a[i];
    }
    bias += widths[l + 1];
    for (PetscInt j = 0; j < widths[l + 1]; j++) {
      if (l == nlayers - 1) a[j] = z[j];
      else (*f->ops.evaluate)(z[j], 0, &a[j]);
    }
  }
  *y = a[0];
}

static void TestForward(void **state)
{
  (void)state;
  for (size_t v = 0; v < PETSC_STATIC_ARRAY_LENGTH(variants); v++)
    for (size_t act = 0; act < NMIXTURES; act++)
      for (int plain = 0; plain < 2; plain++) {
        char      options[256];
        PetscReal X[NPTS * D], Y[NPTS], *theta;
        PetscInt  widths[8] = {D}, nlayers = 1;
        TzNet     net;
        TzNetEval eval;

        OK(PetscSNPrintf(options, sizeof(options), "%s -net_activation %s -net_evaluation %s", variants[v], mixtures[act], plain ? "reference" : "fast"));
        for (const char *c = strstr(variants[v], "layers ") + 7; *c && *c != ' '; c++)
          if (c[-1] == ' ' || c[-1] == ',') widths[nlayers++] = atoi(c);
        widths[nlayers] = 1;
        net             = Net(options, D, 1);
        Data(net, &theta, X);
        eval = Bound(net, theta);
        OK(TzNetEvalForward(eval, NPTS, X, Y));
        for (PetscInt p = 0; p < NPTS; p++) {
          PetscReal y;

          ByMatrices(net, nlayers, widths, theta, X + p * D, &y);
          if (!(fabs(y - Y[p]) <= 1e-13 * fmax(1, fabs(y)))) fail_msg("%s: point %d: %.17g, by matrices %.17g", options, (int)p, Y[p], y);
        }
        OK(TzNetEvalDestroy(&eval));
        OK(PetscFree(theta));
        OK(TzNetDestroy(&net));
      }
}

/* Pairs of a made-up stencil: two entries a node, some with one */
static void Pairs(TzPairs *pairs, PetscInt n)
{
  pairs->dim       = D;
  pairs->npairs    = n;
  pairs->hascentre = PETSC_TRUE;
  OK(PetscMalloc4(n + 1, &pairs->ptr, 2 * n, &pairs->idx, 2 * n, &pairs->val, n, &pairs->w));
  pairs->ptr[0] = 0;
  for (PetscInt j = 0; j < n; j++) {
    PetscInt k = pairs->ptr[j];

    pairs->idx[k]   = j % (D - 1);
    pairs->val[k++] = 1 + 0.1 * (j % 7);
    if (j % 3) {
      pairs->idx[k]   = D - 1;
      pairs->val[k++] = j % 2 ? -1 : 0.5;
    }
    pairs->ptr[j + 1] = k;
    pairs->w[j]       = 0;
  }
}

/* fail unless |a - b| <= tol at all n entries */
static void Close(const char *what, PetscInt n, const PetscReal a[], const PetscReal b[], PetscReal tol)
{
  for (PetscInt i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) <= tol)) fail_msg("%s: entry %d: %.17g and %.17g differ by %.3g > %.3g", what, (int)i, a[i], b[i], fabs(a[i] - b[i]), tol);
}

static void TestPairs(void **state)
{
  const PetscInt n = 53;
  TzPairs        pairs;

  (void)state;
  Pairs(&pairs, n);
  for (size_t v = 0; v < PETSC_STATIC_ARRAY_LENGTH(variants); v++)
    for (size_t act = 0; act < NMIXTURES; act++) {
      PetscReal X[NPTS * D], f0[2][NPTS], even[2][NPTS * 53], odd[2][NPTS * 53], *theta, scale = 1; /* of squares: their values */

      for (int plain = 0; plain < 2; plain++) {
        char      options[256];
        TzNet     net;
        TzNetEval eval;

        OK(PetscSNPrintf(options, sizeof(options), "%s -net_activation %s -net_evaluation %s", variants[v], mixtures[act], plain ? "reference" : "fast"));
        net = Net(options, D, 1);
        Data(net, &theta, X);
        eval = Bound(net, theta);
        OK(TzNetEvalStencil(eval, NPTS, X, &pairs, 0.1, 0, n, f0[plain], even[plain], odd[plain]));
        if (!plain) { /* a part of the points and whole panels of the pairs (the order of a power series is a panel's): bitwise the same numbers */
          PetscReal g0[NPTS], e[NPTS * 53], o[NPTS * 53];

          OK(TzNetEvalStencil(eval, NPTS - 9, X + 9 * D, &pairs, 0.1, 24, 48, g0, e, o));
          for (PetscInt p = 9; p < NPTS; p++) {
            assert_memory_equal(e + (p - 9) * 24, even[0] + p * n + 24, 24 * sizeof(PetscReal));
            assert_memory_equal(o + (p - 9) * 24, odd[0] + p * n + 24, 24 * sizeof(PetscReal));
          }
        }
        OK(TzNetEvalDestroy(&eval));
        OK(PetscFree(theta));
        OK(TzNetDestroy(&net));
      }
      for (PetscInt p = 0; p < NPTS; p++) scale = fmax(scale, fabs(f0[1][p]));
      Close(variants[v], NPTS, f0[0], f0[1], 1e-13 * scale);
      Close(variants[v], NPTS * n, even[0], even[1], 4e-13 * scale);
      Close(variants[v], NPTS * n, odd[0], odd[1], 2e-13 * scale);
    }
  OK(PetscFree4(pairs.ptr, pairs.idx, pairs.val, pairs.w));
}

static void TestJet(void **state)
{
  (void)state;
  for (size_t v = 0; v < PETSC_STATIC_ARRAY_LENGTH(variants); v++)
    for (size_t act = 0; act < NMIXTURES; act++) {
      PetscReal X[NPTS * D], jet[2][NPTS * (D + 2)], *theta, scale = 10;

      for (int plain = 0; plain < 2; plain++) {
        char      options[256];
        TzNet     net;
        TzNetEval eval;

        OK(PetscSNPrintf(options, sizeof(options), "%s -net_activation %s -net_evaluation %s", variants[v], mixtures[act], plain ? "reference" : "fast"));
        net = Net(options, D, 1);
        Data(net, &theta, X);
        eval = Bound(net, theta);
        OK(TzNetEvalJet(eval, NPTS, X, &shape, jet[plain]));
        if (!plain) {
          PetscReal part[NPTS * (D + 2)];

          OK(TzNetEvalJet(eval, NPTS - 9, X + 9 * D, &shape, part));
          assert_memory_equal(part, jet[0] + 9 * (D + 2), (NPTS - 9) * (D + 2) * sizeof(PetscReal));
        }
        OK(TzNetEvalDestroy(&eval));
        OK(PetscFree(theta));
        OK(TzNetDestroy(&net));
      }
      /* a Laplacian is a sum of terms as large as itself: relative to the largest entry */
      for (PetscInt i = 0; i < NPTS * (D + 2); i++) scale = fmax(scale, fabs(jet[1][i]));
      Close(variants[v], NPTS * (D + 2), jet[0], jet[1], 1e-13 * scale);
    }
}

/* Stencils from tiny to wide, so that the power series of both layers take every order and are left where they do not reach */
static void TestSeries(void **state)
{
  const PetscInt n = 200, npts = 26;
  TzPairs        pairs;

  (void)state;
  Pairs(&pairs, n);
  for (double s = 1e-4; s < 2; s *= 5) {
    PetscReal *v[2], X[NPTS * D], f0[NPTS], *theta;

    for (int plain = 0; plain < 2; plain++) {
      TzNet     net = Net(plain ? "-net_layers 256,192 -net_evaluation reference" : "-net_layers 256,192", D, 1);
      TzNetEval eval;

      Data(net, &theta, X);
      eval = Bound(net, theta);
      OK(PetscMalloc1(2 * npts * n, &v[plain]));
      OK(TzNetEvalStencil(eval, npts, X, &pairs, s, 0, n, f0, v[plain], v[plain] + npts * n));
      if (!plain) {
        PetscReal *part;

        OK(PetscMalloc1(2 * (npts - 3) * 48, &part));
        OK(TzNetEvalStencil(eval, npts - 3, X + 3 * D, &pairs, s, 72, 120, f0, part, part + (npts - 3) * 48));
        for (PetscInt p = 3; p < npts; p++) {
          assert_memory_equal(part + (p - 3) * 48, v[0] + p * n + 72, 48 * sizeof(PetscReal));
          assert_memory_equal(part + (npts - 3 + p - 3) * 48, v[0] + (npts + p) * n + 72, 48 * sizeof(PetscReal));
        }
        OK(PetscFree(part));
      }
      OK(TzNetEvalDestroy(&eval));
      OK(PetscFree(theta));
      OK(TzNetDestroy(&net));
    }
    Close("series", 2 * npts * n, v[0], v[1], 4e-13);
    OK(PetscFree(v[0]));
    OK(PetscFree(v[1]));
  }
  OK(PetscFree4(pairs.ptr, pairs.idx, pairs.val, pairs.w));
}

/* Three threads give the numbers of one, bitwise */
static void TestThreads(void **state)
{
  const PetscInt n = 53;
  TzPairs        pairs;
  PetscReal      X[NPTS * D], f0[2][NPTS], even[2][NPTS * 53], odd[2][NPTS * 53], jet[2][NPTS * (D + 2)], *theta;

  (void)state;
  Pairs(&pairs, n);
  for (int v = 0; v < 2; v++) {
    for (int t = 0; t < 2; t++) {
      char      options[256];
      TzNet     net;
      TzNetEval eval;

      OK(PetscSNPrintf(options, sizeof(options), "%s -net_threads %d", v ? "-net_format ttm -net_layers 48,36 -net_tt_rank 3" : variants[2], t ? 3 : 1));
      net = Net(options, D, 1);
      Data(net, &theta, X);
      eval = Bound(net, theta);
      for (int rebind = 0; rebind < 2; rebind++) {
        theta[0] += rebind;
        OK(TzNetEvalBind(eval, theta));
        OK(TzNetEvalStencil(eval, NPTS, X, &pairs, 0.1, 0, n, f0[t], even[t], odd[t]));
        OK(TzNetEvalJet(eval, NPTS, X, &shape, jet[t]));
      }
      OK(TzNetEvalDestroy(&eval));
      OK(PetscFree(theta));
      OK(TzNetDestroy(&net));
    }
    assert_memory_equal(f0[0], f0[1], sizeof(f0[0]));
    assert_memory_equal(even[0], even[1], sizeof(even[0]));
    assert_memory_equal(odd[0], odd[1], sizeof(odd[0]));
    assert_memory_equal(jet[0], jet[1], sizeof(jet[0]));
  }
  OK(PetscFree4(pairs.ptr, pairs.idx, pairs.val, pairs.w));
}

/* Outputs, or their changes, of moved parameters: [count][nmu][NPTS][out] */
typedef struct {
  PetscInt   nmu, out;
  PetscReal *Y;
  PetscInt  *times; /* [count][nmu][NPTS]: how often each came */
} Moved;

static PetscErrorCode Keep(void *ctx, const TzNetMoved *moved)
{
  const Moved *c = (const Moved *)ctx;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < moved->n; k++)
    for (PetscInt p = 0; p < moved->m && moved->which[k] >= 0; p++) {
      const PetscInt at = (moved->which[k] * c->nmu + moved->s) * NPTS + moved->p0 + p;

      c->times[at]++;
      for (PetscInt o = 0; o < c->out; o++) c->Y[at * c->out + o] = moved->Y[k * moved->kstep + p * moved->pstep + o * moved->ostep];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All parameters of the query, one at a time: evaluations at theta + mu e_i */
static void AgainstEvaluations(const char *name, TzNetEval eval, const TzNetCoordinates *q, const Moved *all, PetscReal theta[], const PetscReal X[],
                               const PetscReal Y0[])
{
  PetscReal Y[NPTS * 3];

  for (PetscInt k = 0; k < q->count; k++)
    for (PetscInt s = 0; s < 2; s++) {
      const PetscReal *got = all->Y + (k * 2 + s) * NPTS * all->out, before = theta[q->first + k];

      theta[q->first + k] += q->mu[s];
      OK(TzNetEvalBind(eval, theta));
      OK(TzNetEvalForward(eval, NPTS, X, Y));
      for (PetscInt x = 0; x < NPTS * all->out; x++) Y[x] -= q->whole ? 0 : Y0[x];
      Close(name, NPTS * all->out, got, Y, 1e-13);
      theta[q->first + k] = before;
    }
}

/*
  Coordinate queries of every network that has them against evaluations at theta + mu e_i (sums of at most 50 terms of size O(1) in both: 1e-13), all
  parameters, in whole and as changes; a list of every third gives the same bits. Some inputs are 0: their weights move nothing.
*/
static void TestCoordinates(void **state)
{
  static const char *const nets[]   = {"-net_format tt -net_layers 24,16 -net_tt_rank 3",
                                       "-net_format tt -net_layers 24 -net_tt_rank 2",
                                       "-net_format dense -net_layers 12",
                                       "-net_format ttm -net_layers 24 -net_tt_rank 2",
                                       "-net_format sparse -net_layers 20 -net_sparse_count 90",
                                       "-net_format lowrankbond -net_layers 24 -net_tt_rank 2"};
  const PetscReal          mu[2]    = {0.03, -0.2};
  const PetscInt           behind[] = {-1, -1, 0, 0, 0, -1}; /* -1: behind the first bond, for one output */

  (void)state;
  for (size_t v = 0; v < 2 * PETSC_STATIC_ARRAY_LENGTH(nets); v++) {
    const PetscInt   out = v % 2 ? 3 : 1;
    TzNet            net = Net(nets[v / 2], D, out);
    TzNetEval        eval;
    PetscReal        X[NPTS * D], Y0[NPTS * 3], *theta;
    PetscInt         np, first, list[2000];
    Moved            all = {.nmu = 2, .out = out}, part = {.nmu = 2, .out = out};
    TzNetCoordinates q = {.nmu = 2, .mu = mu, .sink = Keep, .ctx = &all};

    Data(net, &theta, X);
    for (PetscInt i = 1; i < NPTS * D; i += 3) X[i] = 0;
    OK(TzNetGetNumParameters(net, &np));
    OK(TzNetGetCoordinates(net, TZ_COORDINATES_OUTPUTS, &first));
    assert_true(first < np && (first > 0) == (out == 1 && behind[v / 2] < 0));
    eval = Bound(net, theta);
    OK(TzNetEvalForward(eval, NPTS, X, Y0));
    OK(PetscMalloc4(np * 2 * NPTS * out, &all.Y, np * 2 * NPTS * out, &part.Y, np * 2 * NPTS, &all.times, np * 2 * NPTS, &part.times));
    for (int whole = 0; whole < 2 && first < np; whole++) { /* a PetscBool of new PETSc is a bool, which does not count */
      q.whole = (PetscBool)whole;
      q.list  = NULL;
      q.first = first;
      q.count = np - first;
      q.ctx   = &all;
      OK(PetscArrayzero(all.times, q.count * 2 * NPTS));
      OK(TzNetEvalCoordinates(eval, NPTS, X, &q));
      for (PetscInt x = 0; x < q.count * 2 * NPTS; x++) assert_int_equal(all.times[x], 1);
      AgainstEvaluations(nets[v / 2], eval, &q, &all, theta, X, Y0);
      OK(TzNetEvalBind(eval, theta));
      q.list = list;
      q.ctx  = &part;
      for (PetscInt k = 0; k < (np - first) / 3; k++) list[k] = first + 3 * k + 1;
      q.count = (np - first) / 3;
      OK(TzNetEvalCoordinates(eval, NPTS, X, &q));
      for (PetscInt k = 0; k < q.count; k++)
        assert_memory_equal(part.Y + k * 2 * NPTS * out, all.Y + (3 * k + 1) * 2 * NPTS * out, 2 * NPTS * (size_t)out * sizeof(PetscReal));
    }
    OK(PetscFree4(all.Y, part.Y, all.times, part.times));
    OK(PetscFree(theta));
    OK(TzNetEvalDestroy(&eval));
    OK(TzNetDestroy(&net));
  }
}

/* PETSC_ERR_ORDER, without PETSc's message */
static void Refused(TzNetEval eval, const PetscReal X[], PetscReal Y[])
{
  PetscErrorCode ierr;

  OK(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = TzNetEvalForward(eval, 1, X, Y);
  OK(PetscPopErrorHandler());
  assert_int_equal(ierr, PETSC_ERR_ORDER);
}

/*
  A network may change under its evaluators: they refuse until they are bound again, and then give, bitwise, what new ones give. Whatever has been
  evaluated before leaves nothing behind.
*/
static void TestChanges(void **state)
{
  static const char *const changes[] = {"-net_layers 48,36 -net_tt_rank 4",
                                        "-net_layers 24 -net_tt_rank 3",
                                        "-net_format ttm -net_layers 24,16,12 -net_tt_rank 2",
                                        "-net_format sparse -net_layers 20,10 -net_sparse_count 90",
                                        "-net_layers 48,36 -net_tt_rank 4 -net_activation tanh",
                                        "-net_layers 48,36 -net_tt_rank 4 -net_threads 2",
                                        "-net_layers 48,36 -net_tt_rank 4 -net_threads 5",
                                        "-net_layers 48,36 -net_tt_rank 4 -net_evaluation reference",
                                        "-net_format lowrank -net_layers 30 -net_tt_rank 2"};
  const PetscInt           n         = 30;
  TzNet                    net       = Net("-net_layers 40,30", D, 1);
  TzNetEval                eval;
  TzPairs                  pairs;

  (void)state;
  Pairs(&pairs, n);
  OK(TzNetEvalCreate(net, &eval));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(changes); k++) {
    PetscReal X[NPTS * D], f0[2][NPTS], even[2][NPTS * 30], odd[2][NPTS * 30], *theta, *grad[2];
    PetscInt  np;

    Options("-net_format tt -net_activation sine -net_threads 1 -net_evaluation fast");
    OK(PetscOptionsInsertString(NULL, changes[k]));
    OK(TzNetSetFromOptions(net));
    Refused(eval, X, f0[0]);
    Data(net, &theta, X);
    OK(TzNetGetNumParameters(net, &np));
    for (int fresh = 0; fresh < 2; fresh++) {
      TzNetEval e = eval;

      if (fresh) OK(TzNetEvalCreate(net, &e));
      OK(TzNetEvalBind(e, theta));
      OK(PetscCalloc1(np, &grad[fresh]));
      OK(TzNetEvalStencil(e, NPTS, X, &pairs, 0.1, 0, n, f0[fresh], even[fresh], odd[fresh]));
      OK(TzNetEvalBackward(e, NPTS, X, f0[fresh], grad[fresh]));
      if (fresh) OK(TzNetEvalDestroy(&e));
    }
    assert_memory_equal(f0[0], f0[1], sizeof(f0[0]));
    assert_memory_equal(even[0], even[1], sizeof(even[0]));
    assert_memory_equal(odd[0], odd[1], sizeof(odd[0]));
    assert_memory_equal(grad[0], grad[1], (size_t)np * sizeof(PetscReal));
    for (int fresh = 0; fresh < 2; fresh++) OK(PetscFree(grad[fresh]));
    OK(PetscFree(theta));
  }
  OK(TzNetEvalDestroy(&eval));
  OK(TzNetDestroy(&net));
  OK(PetscFree4(pairs.ptr, pairs.idx, pairs.val, pairs.w));
}

/* The random mask: that of the seed, of the present widths, and a mask that was set stays */
static void TestMask(void **state)
{
  TzNet          net    = Net("-net_format sparse -net_layers 20,10 -net_sparse_count 90", D, 1);
  const PetscInt narrow = 12, *mask;
  PetscInt       first[3][90], n;
  const PetscInt own[] = {0, 5, 71};

  (void)state;
  for (int s = 0; s < 3; s++) {
    OK(TzNetSetSeed(net, s % 2));
    OK(TzNetSetUp(net));
    OK(TzNetGetMask(net, &n, &mask));
    OK(PetscArraycpy(first[s], mask, n));
  }
  assert_memory_equal(first[0], first[2], (size_t)n * sizeof(PetscInt));
  assert_memory_not_equal(first[0], first[1], (size_t)n * sizeof(PetscInt));
  OK(TzNetSetHidden(net, 1, &narrow));
  OK(TzNetSetUp(net));
  OK(TzNetGetMask(net, &n, &mask));
  assert_int_equal(n, 90 - 13);
  assert_true(mask[n - 1] < D * 12 + 12);
  OK(TzNetSetMask(net, 3, own));
  OK(TzNetSetSeed(net, 7));
  OK(TzNetSetUp(net));
  OK(TzNetGetMask(net, &n, &mask));
  assert_int_equal(n, 3);
  OK(TzNetDestroy(&net));
}

/*
  -net_first_inputs: the dense network and the sparse one, whose first layer has no other weights, are the same function at the start, also with more units than
  inputs: the first layer's W has k neighbours (in a circle of in - 1) and the last input in each row, or, without -net_first_last, neighbours alone
*/
static void TestFirstInputs(void **state)
{
  const PetscInt in = 6, units = 8;

  (void)state;
  for (PetscInt c = 0; c < 6; c++) {
    const PetscInt k = 1 + c / 2 * 2, last = c % 2, circle = in - last;
    PetscReal     *theta[2], W[2][48];
    TzNet          net[2];
    PetscInt       n, kept = 0;

    for (int f = 0; f < 2; f++) {
      char options[128];

      OK(PetscSNPrintf(options, sizeof(options), "-net_format %s -net_layers 8,4 -net_first_inputs %d -net_first_last %d", f ? "sparse" : "dense", (int)k,
                       (int)last));
      net[f] = Net(options, in, 1);
      OK(TzNetGetNumParameters(net[f], &n));
      OK(PetscMalloc1(n, &theta[f]));
      OK(TzNetInitialize(net[f], 3, theta[f]));
    }
    assert_int_equal(n, units * (k + last) + units + units * 4 + 4 + 4 + 1);
    for (PetscInt l = 0; l < 3; l++) {
      TzNetLayout layout[2];

      for (int f = 0; f < 2; f++) {
        OK(TzNetGetWeight(net[f], theta[f], l, W[f]));
        OK(TzNetGetLayout(net[f], l, &layout[f]));
      }
      for (PetscInt i = 0; i < layout[0].in * layout[0].out; i++) assert_true(W[0][i] == W[1][i]); /* also 0 and -0 */
      assert_memory_equal(theta[0] + layout[0].bias, theta[1] + layout[1].bias, (size_t)layout[0].out * sizeof(PetscReal));
      if (l) continue;
      for (PetscInt i = 0; i < in * units; i++) kept += W[0][i] != 0;
      for (PetscInt j = 0; j < units; j++) assert_true(W[0][j * in + j % circle] != 0 && (!last || W[0][j * in + in - 1] != 0));
    }
    assert_int_equal(kept, units * (k + last));
    for (int f = 0; f < 2; f++) {
      OK(PetscFree(theta[f]));
      OK(TzNetDestroy(&net[f]));
    }
  }
}

/* -net_frequency multiplies the first layer's W and its biases, -net_output_scale the last's, in every format, and nothing else */
static void TestInitialScales(void **state)
{
  static const char *const formats[] = {"dense -net_layers 12,12", "tt -net_layers 12,12 -net_tt_rank 3", "ttm -net_layers 12,12 -net_tt_rank 3",
                                        "sparse -net_layers 12,12 -net_sparse_count 100", "lowrank -net_layers 12,12"};

  (void)state;
  for (size_t f = 0; f < PETSC_STATIC_ARRAY_LENGTH(formats); f++) {
    PetscReal  *theta[2], W[2][12 * 12];
    TzNet       net[2];
    TzNetLayout layout;
    PetscInt    n;

    for (int k = 0; k < 2; k++) {
      char options[128];

      OK(PetscSNPrintf(options, sizeof(options), "-net_format %s -net_frequency %d -net_output_scale %g", formats[f], k ? 5 : 1, k ? 0.1 : 1.));
      net[k] = Net(options, 6, 1);
      OK(TzNetGetNumParameters(net[k], &n));
      OK(PetscMalloc1(n, &theta[k]));
      OK(TzNetInitialize(net[k], 3, theta[k]));
    }
    for (PetscInt l = 0; l < 3; l++) {
      const PetscReal factor = l == 2 ? 0.1 : l ? 1 : 5;

      for (int k = 0; k < 2; k++) OK(TzNetGetWeight(net[k], theta[k], l, W[k]));
      OK(TzNetGetLayout(net[0], l, &layout));
      for (PetscInt i = 0; i < layout.in * layout.out; i++) assert_true(fabs(W[1][i] - factor * W[0][i]) <= 1e-14 * factor);
      for (PetscInt i = 0; i < layout.out; i++) assert_true(fabs(theta[1][layout.bias + i] - factor * theta[0][layout.bias + i]) <= 1e-14);
    }
    for (int k = 0; k < 2; k++) {
      OK(PetscFree(theta[k]));
      OK(TzNetDestroy(&net[k]));
    }
  }
}

/*
  Rows made from a sample: in its span (its points have z_0 = z_1 and z_3 constant, so w_0 = w_1 and w_3 = 0), with the mean of (w.z)^2 that
  independent weights of variance 2/(in + out) have, whatever the scale of the sample
*/
static void TestSample(void **state)
{
  (void)state;
  for (int k = 0; k < 2; k++) {
    const PetscInt n   = 50;
    TzNet          net = Net("-net_format dense -net_layers 12 -net_first_covariance", 4, 1);
    PetscReal      Z[50 * 4], W[12 * 4], theta[12 * 4 + 12 + 12 + 1], square = 0, product = 0;
    PetscBool      wants;

    OK(TzNetWantsSample(net, &wants));
    assert_true(wants);
    OK(TzRandomNormal(1, TZ_STREAM_POINTS, 0, 0, 0, 4 * n, Z));
    for (PetscInt i = 0; i < n; i++) {
      for (int j = 0; j < 4; j++) Z[4 * i + j] *= k ? 30 : 1;
      Z[4 * i + 1] = Z[4 * i];
      Z[4 * i + 3] = 2;
    }
    OK(TzNetSetSample(net, 4, n, Z));
    OK(TzNetInitialize(net, 3, theta));
    OK(TzNetGetWeight(net, theta, 0, W));
    for (int j = 0; j < 3; j++) { /* about the mean */
      PetscReal mean = 0;

      for (PetscInt i = 0; i < n; i++) mean += Z[4 * i + j] / n;
      for (PetscInt i = 0; i < n; i++) Z[4 * i + j] -= mean;
    }
    for (PetscInt h = 0; h < 12; h++) {
      const PetscReal *w = W + 4 * h;

      assert_true(fabs(w[0] - w[1]) <= 1e-13 && fabs(w[3]) <= 1e-13);
      for (PetscInt i = 0; i < n; i++) {
        const PetscReal *z = Z + 4 * i, value = w[0] * z[0] + w[1] * z[1] + w[2] * z[2];

        product += value * value / (12 * n);
        square += (z[0] * z[0] + z[1] * z[1] + z[2] * z[2]) / (12 * n);
      }
    }
    assert_true(fabs(product - square * 2 / (4 + 12)) <= 1e-12 * square);
    OK(TzNetDestroy(&net));
  }
}

/*
  -net_first_sharpen s: points (+-1, 0, +-1) and (0, +-r, +-1), two inputs the state, whose covariance is diag(1, r^2)/2: each step multiplies the ratio of a
  row's weights by r^2, keeps the mean square of w.x, and leaves the weight of t; to rounding, as all cross terms vanish
*/
static void TestSharpen(void **state)
{
  const PetscReal r = 0.5, Z[8 * 3] = {1, 0, 1, -1, 0, 1, 0, r, 1, 0, -r, 1, 1, 0, -1, -1, 0, -1, 0, r, -1, 0, -r, -1};
  PetscReal       W[3][24 * 3], theta[24 * 5 + 1];

  (void)state;
  for (int s = 0; s < 3; s++) {
    char  options[128];
    TzNet net;

    OK(PetscSNPrintf(options, sizeof(options), "-net_format dense -net_layers 24 -net_first_covariance -net_first_sharpen %d", s));
    net = Net(options, 3, 1);
    OK(TzNetSetSample(net, 2, 8, Z));
    OK(TzNetInitialize(net, 3, theta));
    OK(TzNetGetWeight(net, theta, 0, W[s]));
    OK(TzNetDestroy(&net));
    for (int h = 0; h < 24; h++) {
      const PetscReal *w = W[s] + 3 * h, *v = W[0] + 3 * h, size = v[0] * v[0] + r * r * v[1] * v[1];

      assert_true(fabs(w[1] * v[0] - PetscPowReal(r, 2 * s) * w[0] * v[1]) < 1e-12 * size);
      assert_true(fabs(w[0] * w[0] + r * r * w[1] * w[1] - size) < 1e-12 * size && fabs(w[2] - v[2]) < 1e-12 * fabs(v[2]));
    }
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(TestCounts),      cmocka_unit_test(TestInitialVariance),
    cmocka_unit_test(TestLayout),      cmocka_unit_test(TestForward),
    cmocka_unit_test(TestPairs),       cmocka_unit_test(TestJet),
    cmocka_unit_test(TestSeries),      cmocka_unit_test(TestThreads),
    cmocka_unit_test(TestCoordinates), cmocka_unit_test(TestChanges),
    cmocka_unit_test(TestMask),        cmocka_unit_test(TestInitialScales),
    cmocka_unit_test(TestFirstInputs), cmocka_unit_test(TestSample),
    cmocka_unit_test(TestSharpen),
  };
  int failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  PetscPopSignalHandler();
  if (RegisterActivations() || RegisterFormats()) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
