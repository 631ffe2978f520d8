/*
  What the numbers of private/tzcosts.h are on this machine, by processor time, and what sizes that are compiled as constants gain. One line of JSON each;
  about two seconds.
*/
#include <tenzo.h>
#include <private/tzcosts.h>
#include <private/tzkernels.h>
#include <time.h>

#define N 768 /* units */

static double Seconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* shortest of some passes of `count` calls, per call */
#define TIME(seconds, count, call) \
  do { \
    (seconds) = 1e300; \
    for (int pass_ = 0; pass_ < 15; pass_++) { \
      const double start_ = Seconds(); \
      for (int i_ = 0; i_ < (count); i_++) call; \
      (seconds) = PetscMin(seconds, (Seconds() - start_) / (count)); \
    } \
  } while (0)

static PetscErrorCode Print(const char name[], double value, double table)
{
  PetscFunctionBegin;
  if (table > 0) PetscCall(PetscPrintf(PETSC_COMM_SELF, "{\"name\": \"%s\", \"value\": %.3g, \"table\": %.3g}\n", name, value, table));
  else PetscCall(PetscPrintf(PETSC_COMM_SELF, "{\"name\": \"%s\", \"value\": %.3g}\n", name, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(PetscInt n, PetscReal **x)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, x));
  PetscCall(TzRandomUniform(0, TZ_STREAM_POINTS, 0, 0, 0, n, *x));
  for (PetscInt i = 0; i < n; i++) (*x)[i] = 2 * (*x)[i] - 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kernels in multiply-adds of a product; r = 4 is compiled as a constant, r = 5 is not */
static PetscErrorCode Kernels(void)
{
  const TzKernels *k = TzKernelsGet();
  PetscReal       *A, *X, *C, *table, *coeff;
  TzActivation     sine;
  double           gemm, bond[2], first[2], horner;

  PetscFunctionBegin;
  PetscCall(TzActivationFind(PETSC_COMM_SELF, "", "sine", &sine));
  PetscCall(Fill(N * TZ_GEMM, &A));
  PetscCall(Fill(N * TZ_PANEL, &X));
  PetscCall(Fill(N * TZ_PANEL, &C));
  PetscCall(Fill(N * 16, &table));
  PetscCall(Fill(TZ_SERIES_TERMS, &coeff));
  TIME(gemm, 2000, (*k->gemm)(TZ_PANEL, TZ_GEMM, TZ_CHUNK, A, X, C, PETSC_TRUE));
  gemm /= TZ_PANEL * TZ_GEMM * TZ_CHUNK;
  for (int r = 4; r < 6; r++) {
    TIME(bond[r - 4], 100, (*k->bond)(sine, N, r, 1, table, X, C, PETSC_FALSE));
    TIME(first[r - 4], 100, (*k->bond)(sine, N, r, r, table, X, C, PETSC_FALSE));
  }
  TIME(horner, 400, (*k->horner)(4, 8, coeff, X, C)); /* 495 terms */
  PetscCall(Print("multiply-adds of a product, 1e9/s", 1e-9 / gemm, 0));
  PetscCall(Print("an activation and its share of the sum, multiply-adds (SINE)", bond[0] / (N * TZ_PANEL) / gemm - 4, TZ_COST_SINE));
  PetscCall(Print("a term of a series at a node, multiply-adds (part of SERIES_TERM)", horner / (495 * TZ_PANEL) / gemm, TZ_COST_SERIES_TERM));
  PetscCall(Print("a layer of bonds 5 -> 1 against 4 -> 1 (constant bounds), per multiply-add", bond[1] / 24 / (bond[0] / 23), 0));
  PetscCall(Print("a layer of bonds 5 -> 5 against 4 -> 4 (constant bounds), per multiply-add", first[1] / 28 / (first[0] / 26), 0));
  PetscCall(PetscFree5(A, X, C, table, coeff));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Binds, then evaluates n points, or (pairs) their stencils */
static PetscErrorCode Stencil(TzNetEval eval, const PetscReal theta[], PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal f0[], PetscReal even[],
                              PetscReal odd[])
{
  PetscFunctionBegin;
  PetscCall(TzNetEvalBind(eval, theta));
  if (pairs) PetscCall(TzNetEvalStencil(eval, n, X, pairs, 0.1, 0, pairs->npairs, f0, even, odd));
  else PetscCall(TzNetEvalForward(eval, n, X, f0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Binding, in evaluations at a node, of the network 21-768-768-1, r = 4, and 462 pairs of nodes: a stencil around one point after it and without it */
static PetscErrorCode Binding(void)
{
  const PetscInt D = 21, np = 462, points = 50;
  TzNet          net;
  TzNetEval      eval;
  TzPairs        pairs = {.dim = D, .npairs = np};
  PetscReal     *theta, *X, *f0, *even, *odd;
  PetscInt       n;
  double         bind, many, one;

  PetscFunctionBegin;
  PetscCall(TzNetCreate(PETSC_COMM_SELF, &net));
  PetscCall(TzNetSetIO(net, D, 1));
  PetscCall(TzNetGetNumParameters(net, &n));
  PetscCall(PetscMalloc4(np + 1, &pairs.ptr, 2 * np, &pairs.idx, 2 * np, &pairs.val, np, &pairs.w));
  for (PetscInt j = 0; j <= np; j++) pairs.ptr[j] = 2 * j;
  for (PetscInt j = 0; j < 2 * np; j++) {
    pairs.idx[j] = j % 2 ? j % D : (j + 1) % D;
    pairs.val[j] = 1;
  }
  PetscCall(PetscMalloc4(n, &theta, points, &f0, points * np, &even, points * np, &odd));
  PetscCall(Fill(points * D, &X));
  PetscCall(TzNetInitialize(net, 0, theta));
  PetscCall(TzNetEvalCreate(net, &eval));
  TIME(one, 20, PetscCall(Stencil(eval, theta, 1, X, &pairs, f0, even, odd)));
  TIME(many, 5, PetscCall(Stencil(eval, theta, points, X, &pairs, f0, even, odd)));
  TIME(bind, 50, PetscCall(Stencil(eval, theta, 1, X, NULL, f0, even, odd)));
  many = (many - one) / ((points - 1) * (2. * np + 1)); /* of a node */
  PetscCall(Print("an evaluation at a node, us", 1e6 * many, 0));
  PetscCall(Print("binding a parameter, evaluations (BIND_PARAMETER)", bind / many / n, TZ_COST_BIND_PARAMETER));
  PetscCall(Print("the tables of a node, evaluations (BIND_NODE)", (one - bind) / many / (2. * np + 1), TZ_COST_BIND_NODE));
  PetscCall(PetscFree4(pairs.ptr, pairs.idx, pairs.val, pairs.w));
  PetscCall(PetscFree4(theta, f0, even, odd));
  PetscCall(PetscFree(X));
  PetscCall(TzNetEvalDestroy(&eval));
  PetscCall(TzNetDestroy(&net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(TzInitialize(&argc, &argv, NULL));
  PetscCall(Kernels());
  PetscCall(Binding());
  PetscCall(TzFinalize());
  return 0;
}
