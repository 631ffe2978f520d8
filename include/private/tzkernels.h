/*
  The innermost loops, one table for each instruction set (kernels_avx512.c, kernels_avx2.c, kernels_neon.c, kernels_base.c are the same
  source, kernels.inc), chosen when the program starts. In all of them the lanes of a vector are independent rows
  (nodes or points), so that a row's result does not depend on which rows are beside it.

  Panels. Activations are kept as panels of TZ_PANEL rows: X [features][TZ_PANEL], contiguous.
*/
#ifndef TZKERNELS_H
#define TZKERNELS_H

#include <private/tzactivationimpl.h>

/* NaN and infinity are results here, and the order of sums is part of them */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
  #error "Tenzo: -ffast-math, -Ofast and -ffinite-math-only change results; build without them"
#endif

#define TZ_PANEL    24 /* rows of a panel: three AVX-512 vectors of doubles */
#define TZ_GEMM     8  /* rows of a block of the left factor in gemm */
#define TZ_CHUNK    96 /* features of a panel that stay in a first-level cache of 32 KB, beside as many of the left factor */
#define TZ_MAX_BOND 16 /* largest bond that bond and bondjet keep on the stack */

#define TZ_SERIES_MAX_BOND 6    /* widest bond of horner and expansion */
#define TZ_SERIES_TERMS    2048 /* most terms of a series */

/*
  The sizes for which loops are compiled apart with constants for bounds, 1.2 to 1.4 times as fast as with variables (tests/bench/bench_costs.c): X(bond before
  a layer, bond behind it) of the paper's trains; X(channels of a coordinate query's state, bond) and X(bond) of those of rank 4.
*/
#define TZ_BOND_SIZES(X)  X(4, 1) X(4, 4) X(10, 1)
#define TZ_STATE_SIZES(X) X(6, 4) X(6, 1) X(1, 4) X(1, 1)
#define TZ_RANK_SIZES(X)  X(4)

/*
  Coordinate queries (src/net/coordinate). A state is a bond vector with c channels: its value and, where c > 1, its c - 2 derivatives
  in y_0 (G) and a second-order form. M [c-2][c-2][PANEL]: inner products, by the form's matrix, of the gradients of y_0. Its fields, also of a shift p of a
  state: the c channels, then 2 M G, then (of a shift only) p_G . M p_G. Fields of a unit: z, act, act', act'', then for c > 1 the channels
  1..c-1 of w = B . S, and w_G . M w_G.
*/
#define TZ_SHIFT_FIELDS(c) (2 * (c)-1)
#define TZ_UNIT_FIELDS(c)  ((c) > 1 ? 4 + (c) : 4)

/* Units h = lo step + hi, lo < nlo, hi < nhi, whose row B_h moves so that w_h moves by mu eps[hi] shift[lo] */
typedef struct {
  PetscInt      nlo, nhi, step, shiftstep, width;
  const double *units;     /* [..][UNIT_FIELDS][PANEL] */
  const double *left;      /* L_h at left + h width */
  const double *eps;       /* [nhi] */
  const double *shift;     /* SHIFT_FIELDS x [PANEL] at shift + lo shiftstep */
  double        mu, reach; /* reach = max |mu eps| */
} TzSlice;

/*
  A power series: multi-indices alpha, graded and in the order of src/net/stencil/multiindex.c: order o has the terms first[o] <= t < first[o+1], and the
  terms of order o are those alpha + e_v, v >= variable[alpha], of all alpha of order o - 1 in turn.
*/
typedef struct {
  PetscInt        top; /* highest order of any lane */
  const PetscInt *first, *variable;
  const PetscInt *above;   /* [terms][r + r(r+1)/2]: the terms alpha + e_j, then alpha + e_j + e_l, j <= l; c > 1 */
  const double   *inverse; /* [terms]: 1 / exponent of variable in alpha; c > 1 */
  const double   *coeff;   /* [terms][PANEL]: d^alpha F at the centre; for c = 1 divided by alpha! */
} TzExpansion;

/* Activations that have vector code; the others are evaluated number by number */
typedef enum { TZ_VECTOR_NONE, TZ_VECTOR_SINE, TZ_VECTOR_TANH, TZ_VECTOR_RELU, TZ_VECTOR_SQUARE } TzVector;

/* A matrix that is read entry by entry: entry (i, l) is a[i * row + l * col]; a transpose swaps row and col */
typedef struct {
  const double *a;
  PetscInt      row, col;
} TzStrided;

#define TZ_LANES 8 /* what is `wide` below is a multiple of it */

/* Unit (jl, jr), jl < ml, jr < mr, in ascending order: z[jl * zl + jr], t + jl * left + jr * right, V + (jl * zl + jr) * nv */
typedef struct {
  PetscInt      ml, mr, zl, left, right, nv;
  const double *z, *V;
} TzUnits;

typedef struct {
  const char *name; /* "avx512", "avx2", "neon", "base" */
  /* y[i] = sin x[i]; s, c = sin, cos: absolute error below 4e-16 for |x| <= TZ_SINE_RANGE, the C library's beyond */
  void (*sine)(PetscInt n, const double x[], double y[]);
  void (*sincos)(PetscInt n, const double x[], double s[], double c[]);
  /*
    A layer seen from bond to bond, on one panel: z_h = b_h + sum_{k<r} B_hk Y_k, out_c += sum_h L_hc act(z_h).
    table [n][1 + r + q]: b_h, B_h0.., L_h0..; Y [r][PANEL]; out [q][PANEL]. big: some |z| may exceed TZ_SINE_RANGE.
  */
  void (*bond)(TzActivation act, PetscInt n, PetscInt r, PetscInt q, const double table[], const double Y[], double out[], PetscBool big);
  /* On one panel Z [n][PANEL], in place: Z = act(b + Z); D1, D2 [n][PANEL]: the derivatives act', act'' there, or both NULL */
  void (*activate)(TzActivation act, PetscInt n, const double bias[], double Z[], double D1[], double D2[]);
  /* The next two work on the first `lanes` <= PANEL rows of a panel (rounded up to vectors; the rest is not touched). */
  /*
    A, D1, D2, D3 [n][PANEL]: act, act', act'', act''' at z_h = b_h + sum_{k<r} B_hk Y_k; table [n][width]: b_h, B_h0..; D2 and D3 are not set for a
    harmonic activation (-A, -D1); D3 NULL: not wanted
  */
  void (*expand)(PetscInt lanes, TzActivation act, PetscInt n, PetscInt r, const double table[], PetscInt width, const double Y[], double A[], double D1[],
                 double D2[], double D3[], PetscBool big);
  /* C [rows][PANEL] (+)= A^T X: rows <= GEMM, A [n][GEMM], X [n][PANEL] */
  void (*gemm)(PetscInt lanes, PetscInt rows, PetscInt n, const double A[], const double X[], double C[], PetscBool add);
  /* C [GEMM][PANEL] (+)= A^T X in float; A [n][GEMM], X [n][PANEL] */
  void (*gemmsingle)(PetscInt n, const float A[], const float X[], float C[], PetscBool add);
  /* plus = E + O, minus = E - O, n a multiple of PANEL */
  void (*plusminus)(PetscInt n, const double E[], const double O[], double plus[], double minus[]);
  /*
    plus, minus [n][PANEL]: act(a_h +- c_h) on a panel of nodes around one point, whose numbers are one lane of panels of points
    (PANEL apart). Harmonic: a = act(a), ca = act'(a), C, S [n][PANEL] = cos c, sin c; others: a itself, S = c.
  */
  void (*shift)(TzActivation act, PetscInt n, const double a[], const double ca[], const double C[], const double S[], double plus[], double minus[]);
  /* to = scale a b, elementwise */
  void (*multiply)(PetscInt n, double scale, const double a[], const double b[], double to[]);
  /* packed [n][GEMM] = scale times the transpose of rows <= GEMM rows a [rows][n]; the other columns are not touched */
  void (*pack)(PetscInt rows, PetscInt n, double scale, const double a[], double packed[]);
  /*
    Coefficients of forward propagation (jet.h), packed for gemm: coeff[s] [ceil(rows/GEMM)][n][GEMM], padded with zeros. table as in bond. Rows
    against act: L_c; act': L_c B_k; act'': L_c B_k B_l, k <= l, twice where they differ, or, with M [r][r], L_c B . M B. Harmonic: act'' = -act,
    so that the last follow the first with the opposite sign.
  */
  void (*jet)(TzActivation act, PetscInt n, PetscInt r, PetscInt q, const double table[], const double M[], double *const coeff[3]);
  /* max |x_i|, which skips NaN */
  double (*largest)(PetscInt n, const double x[]);
  /* f [PANEL] = sum of coeff times monomials of total degree <= m in r variables d [r][PANEL], coeff in Horner's order (series_last.c), r <= SERIES_MAX_BOND */
  void (*horner)(PetscInt r, PetscInt m, const double coeff[], const double d[], double f[]);
  /* C [i][PANEL], i < rows, ldc apart = sum_{h<n} A[i arow + h acol] X_h [PANEL], ldx apart. This and the following: on `lanes` rows */
  void (*combine)(PetscInt lanes, PetscInt rows, PetscInt n, const double A[], PetscInt arow, PetscInt acol, const double X[], PetscInt ldx, double C[],
                  PetscInt ldc);
  /* n units at a state S [r][SHIFT_FIELDS][PANEL]: their fields F [n][UNIT_FIELDS][PANEL], and U [n][c][PANEL], the channels of act(z) */
  void (*units)(PetscInt lanes, TzActivation act, PetscInt n, PetscInt r, PetscInt c, const double table[], PetscInt width, const double S[], double F[],
                double U[], PetscBool big);
  /* out [q][c][PANEL] = the change of sum_h L_h U_h */
  void (*slice)(PetscInt lanes, TzActivation act, PetscInt c, PetscInt q, const TzSlice *slice, double out[]);
  /* out [c][PANEL] = the change of F(state) when S moves by delta [r][c][PANEL]; order [PANEL]: of each lane's series */
  void (*expansion)(PetscInt lanes, PetscInt r, PetscInt c, const TzExpansion *x, const double order[], const double M[], const double S[],
                    const double delta[], double out[]);

  /* The following work on activations kept point fastest, [feature][n]; every sum runs in ascending order from one accumulator. */
  /* C [m][ldc] (columns 0..n-1) = A [m][k] B [k][ldb], or += if add; a row of C does not depend on the other rows */
  void (*product)(PetscInt m, PetscInt n, PetscInt k, TzStrided A, const double B[], PetscInt ldb, double C[], PetscInt ldc, PetscBool add);
  /* z [m][n] = W a of a sparse W [m][in] with w[k] at place index[k], ascending; a [in][n] */
  void (*sparse)(PetscInt m, PetscInt in, PetscInt nweights, const PetscInt index[], const double w[], PetscInt n, const double a[], double z[]);
  /* a = act(z), and zbar = act'(z) abar, elementwise; zbar may be abar */
  void (*values)(TzActivation act, PetscInt n, const double z[], double a[]);
  void (*adjoint)(TzActivation act, PetscInt n, const double z[], const double abar[], double zbar[]);
  /* d[k] [n] = the k-th derivative of act at z [n], k <= 3; z may be one of them */
  void (*derivatives)(TzActivation act, PetscInt n, const double z[], double *const d[4]);
  /* Rows of n numbers, one behind the other: C_i = s_i A_i + t_i B_i, i < m; s NULL: 1; B NULL: none. C may be A or B. And d_i += A_i . B_i */
  void (*rows)(PetscInt m, PetscInt n, const double s[], const double A[], const double t[], const double B[], double C[]);
  void (*dots)(PetscInt m, PetscInt n, const double A[], const double B[], double d[]);
  /* to += a b, elementwise */
  void (*multiplyadd)(PetscInt n, const double a[], const double b[], double to[]);
  /* d[i] = act(z + delta t[i]) - act(z) */
  void (*move)(TzActivation act, PetscInt n, double z, double delta, const double t[], double d[]);
  /*
    The same for many units, a row of `wide` columns of t and of d for each. Under a rectifier, rows of units that are off and stay off are dropped;
    d [rows][wide] receives the others, and v [rows][nv] the vectors V that belong to them. Returns rows. wide and nv are multiples of TZ_LANES.
  */
  PetscInt (*moveunits)(TzActivation act, const TzUnits *units, PetscInt wide, double delta, const double t[], double d[], double v[]);
  /* s[i] = log sum_o exp(y_o[i]), i < n; y_o = y + o * ld, o < m. Relative error of exp and log below 1e-15. */
  void (*logsumexp)(PetscInt n, PetscInt m, const double y[], PetscInt ld, double s[]);
} TzKernels;

#define TZ_SINE_RANGE 1e5

PETSC_INTERN const double TzTurn[64][2]; /* sin, cos of k pi/32 */

/*
  TzKernelsSetFromEnvironment - the set that every rank of comm runs; called by TzInitialize

  Collective: the best set of the poorest processor, or that of TENZO_ISA (on any rank) in the environment.
  PETSC_ERR_USER_INPUT for another value of it, or for a set that a processor cannot run.
*/
PETSC_EXTERN PetscErrorCode TzKernelsSetFromEnvironment(MPI_Comm comm);
/* That set; without TzInitialize() the best of this processor. Its `name` is what a checkpoint keeps. */
PETSC_EXTERN const TzKernels *TzKernelsGet(void);
/* The set of that name; NULL: unknown here, or this processor cannot run it */
PETSC_EXTERN const TzKernels *TzKernelsFind(const char name[]);
/* The i-th set that this processor runs, i = 0 the best; NULL: no more */
PETSC_EXTERN const TzKernels *TzKernelsEach(PetscInt i);

#endif
