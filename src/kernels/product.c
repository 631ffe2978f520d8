/*
  The kernels of tzproduct.h. This source is compiled three times (product_avx2.c, product_avx512.c include it) with W doubles
  to a vector and tiles of at most MR x NV vectors, so that the accumulators fill the registers of the instruction set.
*/
#include <tzproduct.h>
#if defined(__AVX2__)
  #include <immintrin.h>
#endif

#if !defined(TZ_PRODUCTS)
  #define TZ_PRODUCTS Base
  #define TZ_PRODUCTS_MAIN
  #define W  2
  #define MR 4
  #define NV 2
#endif
#define PASTE2(a, b) a##b
#define PASTE(a, b)  PASTE2(a, b)
#define INLINE       static inline __attribute__((always_inline))
#define KC           128 /* rows of B that the tail's padded copy holds */

typedef PetscReal V __attribute__((vector_size(8 * W), aligned(8), may_alias));

typedef int64_t M __attribute__((vector_size(8 * W), aligned(8), may_alias));

INLINE PetscBool Any(M m)
{
#if defined(__AVX512F__)
  return _mm512_test_epi64_mask((__m512i)m, (__m512i)m) ? PETSC_TRUE : PETSC_FALSE;
#elif defined(__AVX2__)
  return _mm256_testz_si256((__m256i)m, (__m256i)m) ? PETSC_FALSE : PETSC_TRUE;
#else
  return m[0] | m[1] ? PETSC_TRUE : PETSC_FALSE;
#endif
}

/* A tile of mr <= MR rows and nv <= NV vectors; both are constants where this is inlined */
INLINE void Tile(int mr, int nv, PetscInt k, TzStrided A, const PetscReal *B, PetscInt ldb, PetscReal *C, PetscInt ldc, PetscBool add)
{
  V c[MR][NV];

  for (int i = 0; i < mr; i++)
    for (int v = 0; v < nv; v++) c[i][v] = add ? *(const V *)(C + i * ldc + W * v) : (V){0};
  for (PetscInt l = 0; l < k; l++) {
    V b[NV];

    for (int v = 0; v < nv; v++) b[v] = *(const V *)(B + l * ldb + W * v);
    for (int i = 0; i < mr; i++) {
      const PetscReal a = A.a[i * A.row + l * A.col];

      for (int v = 0; v < nv; v++) c[i][v] += a * b[v];
    }
  }
  for (int i = 0; i < mr; i++)
    for (int v = 0; v < nv; v++) *(V *)(C + i * ldc + W * v) = c[i][v];
}

/* A column of tiles, nv vectors wide: the rows in groups as equal as possible, since a thin tile waits for its own sums */
INLINE void Column(int nv, PetscInt m, PetscInt k, TzStrided A, const PetscReal *B, PetscInt ldb, PetscReal *C, PetscInt ldc, PetscBool add)
{
  PetscInt i = 0;

  for (PetscInt groups = (m + MR - 1) / MR; groups > 0; groups--) {
    const PetscInt rows = (m - i + groups - 1) / groups;
    TzStrided      a    = {A.a + i * A.row, A.row, A.col};
    PetscReal     *c    = C + i * ldc;

    switch (rows) {
#if MR == 8
    case 8: Tile(8, nv, k, a, B, ldb, c, ldc, add); break;
    case 7: Tile(7, nv, k, a, B, ldb, c, ldc, add); break;
    case 6: Tile(6, nv, k, a, B, ldb, c, ldc, add); break;
    case 5: Tile(5, nv, k, a, B, ldb, c, ldc, add); break;
#endif
    case 4: Tile(4, nv, k, a, B, ldb, c, ldc, add); break;
    case 3: Tile(3, nv, k, a, B, ldb, c, ldc, add); break;
    case 2: Tile(2, nv, k, a, B, ldb, c, ldc, add); break;
    default: Tile(1, nv, k, a, B, ldb, c, ldc, add);
    }
    i += rows;
  }
}

/* The last n < W columns, through copies padded with zeros */
static void Tail(PetscInt m, PetscInt n, PetscInt k, TzStrided A, const PetscReal *B, PetscInt ldb, PetscReal *C, PetscInt ldc, PetscBool add)
{
  PetscReal b[KC * W], c[MR * W];

  for (PetscInt l0 = 0; l0 < k || (!l0 && !add); l0 += KC) {
    const PetscInt  kc  = PetscMin(KC, k - l0);
    const PetscBool sum = l0 ? PETSC_TRUE : add;

    for (PetscInt l = 0; l < kc; l++)
      for (PetscInt j = 0; j < W; j++) b[l * W + j] = j < n ? B[(l0 + l) * ldb + j] : 0;
    for (PetscInt i0 = 0; i0 < m; i0 += MR) {
      const PetscInt rows = PetscMin(MR, m - i0);
      TzStrided      a    = {A.a + i0 * A.row + l0 * A.col, A.row, A.col};

      for (PetscInt i = 0; i < rows; i++)
        for (PetscInt j = 0; j < W; j++) c[i * W + j] = sum && j < n ? C[(i0 + i) * ldc + j] : 0;
      Column(1, rows, kc, a, b, W, c, W, PETSC_TRUE);
      for (PetscInt i = 0; i < rows; i++)
        for (PetscInt j = 0; j < n; j++) C[(i0 + i) * ldc + j] = c[i * W + j];
    }
  }
}

static void Product(PetscInt m, PetscInt n, PetscInt k, TzStrided A, const PetscReal B[], PetscInt ldb, PetscReal C[], PetscInt ldc, PetscBool add)
{
  PetscInt j = 0;

#if NV == 3
  for (; j + 3 * W <= n; j += 3 * W) Column(3, m, k, A, B + j, ldb, C + j, ldc, add);
#endif
  for (; j + 2 * W <= n; j += 2 * W) Column(2, m, k, A, B + j, ldb, C + j, ldc, add);
  for (; j + W <= n; j += W) Column(1, m, k, A, B + j, ldb, C + j, ldc, add);
  if (j < n) Tail(m, n - j, k, A, B + j, ldb, C + j, ldc, add);
}

/* Columns x..x+nv W-1 of a row of z; its weights k0 <= k < k1 are in columns index[k] - first of the matrix */
INLINE void SparseBlock(int nv, PetscInt k0, PetscInt k1, const PetscInt index[], PetscInt first, const PetscReal w[], PetscInt n, const PetscReal a[],
                        PetscReal z[])
{
  V c[6];

  for (int v = 0; v < nv; v++) c[v] = (V){0};
  for (PetscInt k = k0; k < k1; k++) {
    const PetscReal *from = a + (index[k] - first) * n;

    for (int v = 0; v < nv; v++) c[v] += w[k] * *(const V *)(from + W * v);
  }
  for (int v = 0; v < nv; v++) *(V *)(z + W * v) = c[v];
}

static void SparseProduct(PetscInt m, PetscInt in, PetscInt nweights, const PetscInt index[], const PetscReal w[], PetscInt n, const PetscReal a[],
                          PetscReal z[])
{
  for (PetscInt j = 0, k0 = 0, k1 = 0; j < m; j++, k0 = k1, z += n) {
    PetscInt x = 0;

    while (k1 < nweights && index[k1] < (j + 1) * in) k1++;
    for (; x + 6 * W <= n; x += 6 * W) SparseBlock(6, k0, k1, index, j * in, w, n, a + x, z + x);
    for (; x + 3 * W <= n; x += 3 * W) SparseBlock(3, k0, k1, index, j * in, w, n, a + x, z + x);
    for (; x + W <= n; x += W) SparseBlock(1, k0, k1, index, j * in, w, n, a + x, z + x);
    for (; x < n; x++) {
      PetscReal sum = 0;

      for (PetscInt k = k0; k < k1; k++) sum += w[k] * a[(index[k] - j * in) * n + x];
      z[x] = sum;
    }
  }
}

/* A row of n vectors -> d; whether any of it moves: of a unit that is on, all do */
INLINE PetscBool ReluRow(PetscInt n, PetscReal z, PetscReal delta, const PetscReal *row, PetscReal *d)
{
  const PetscReal base = z > 0 ? z : 0;
  M               any  = {0};

  for (PetscInt i = 0; i < n; i++) {
    const V moved = z + delta * *(const V *)(row + W * i);
    const M on    = moved > 0;

    *(V *)(d + W * i) = (V)((M)moved & on) - base;
    any |= on;
  }
  return z > 0 || Any(any) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscInt ReluShift(const TzUnits *u, PetscInt wide, PetscReal delta, const PetscReal t[], PetscReal d[], PetscReal v[])
{
  PetscInt rows = 0;

  for (PetscInt jl = 0; jl < u->ml; jl++) {
    const PetscReal *z = u->z + jl * u->zl, *row = t + jl * u->left, *from = u->V + jl * u->zl * u->nv;

    for (PetscInt jr = 0; jr < u->mr; jr++, row += u->right, from += u->nv) {
      const PetscBool moves = wide == 3 * W ? ReluRow(3, z[jr], delta, row, d)
                            : wide == 6 * W ? ReluRow(6, z[jr], delta, row, d)
                                            : ReluRow(wide / W, z[jr], delta, row, d);

      if (!moves) continue;
      for (PetscInt o = 0; o < u->nv; o += W) *(V *)(v + o) = *(const V *)(from + o);
      d += wide;
      v += u->nv;
      rows++;
    }
  }
  return rows;
}

typedef union {
  PetscReal d;
  uint64_t  u;
} Bits;

/* exp x for x <= 0: x = n ln 2 + r, |r| <= 0.35, where the Taylor series' next term is below 1e-17; results below 1e-307 become that */
INLINE PetscReal Exp(PetscReal x)
{
  Bits      n, scale;
  PetscReal k, r, p;

  x       = x < -706 ? -706 : x; /* keeps a NaN */
  n.d     = x * 1.4426950408889634 + 0x1.8p52;
  k       = n.d - 0x1.8p52;
  r       = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
  scale.u = (n.u + 1023) << 52;
  p       = 1. / 6227020800;
  p       = p * r + 1. / 479001600;
  p       = p * r + 1. / 39916800;
  p       = p * r + 1. / 3628800;
  p       = p * r + 1. / 362880;
  p       = p * r + 1. / 40320;
  p       = p * r + 1. / 5040;
  p       = p * r + 1. / 720;
  p       = p * r + 1. / 120;
  p       = p * r + 1. / 24;
  p       = p * r + 1. / 6;
  p       = p * r + 1. / 2;
  p       = p * r + 1;
  p       = p * r + 1;
  return p * scale.d;
}

/* ln u for normal u >= 1: u = 2^e m, sqrt(1/2) <= m < sqrt(2), ln m = 2 artanh((m-1)/(m+1)), whose next term is below 1e-17 */
INLINE PetscReal Log(PetscReal u)
{
  const uint64_t bias = UINT64_C(1023) << 52, sqrthalf = UINT64_C(0x3fe6a09e667f3bcd);
  Bits           b = {.d = u}, e, m;
  PetscReal      s, q, p;

  e.u = (b.u - sqrthalf + bias) >> 52;
  m.u = b.u - (e.u << 52) + bias;
  e.u |= UINT64_C(0x433) << 52;
  s = (m.d - 1) / (m.d + 1);
  q = s * s;
  p = 2. / 19;
  p = p * q + 2. / 17;
  p = p * q + 2. / 15;
  p = p * q + 2. / 13;
  p = p * q + 2. / 11;
  p = p * q + 2. / 9;
  p = p * q + 2. / 7;
  p = p * q + 2. / 5;
  p = p * q + 2. / 3;
  p = (e.d - (0x1p52 + 1023)) * M_LN2 + (2 * s + s * q * p);
  return u < HUGE_VAL ? p : u + u; /* infinity and NaN stay what they are */
}

#define CHUNK 64

static void LogSumExp(PetscInt n, PetscInt m, const PetscReal y[], PetscInt ld, PetscReal s[])
{
  PetscReal top[CHUNK], sum[CHUNK];

  for (PetscInt i0 = 0; i0 < n; i0 += CHUNK, y += CHUNK, s += CHUNK) {
    const PetscInt c = PetscMin(CHUNK, n - i0);

    for (PetscInt i = 0; i < c; i++) top[i] = y[i];
    for (PetscInt o = 1; o < m; o++)
      for (PetscInt i = 0; i < c; i++) top[i] = y[o * ld + i] > top[i] ? y[o * ld + i] : top[i];
    for (PetscInt i = 0; i < c; i++) sum[i] = Exp(y[i] - top[i]);
    for (PetscInt o = 1; o < m; o++)
      for (PetscInt i = 0; i < c; i++) sum[i] += Exp(y[o * ld + i] - top[i]);
    for (PetscInt i = 0; i < c; i++) s[i] = top[i] + Log(sum[i]);
  }
}

PETSC_INTERN const TzProducts PASTE(TzProducts_, TZ_PRODUCTS);
const TzProducts              PASTE(TzProducts_, TZ_PRODUCTS) = {PetscStringize(TZ_PRODUCTS), Product, SparseProduct, ReluShift, LogSumExp};

#if defined(TZ_PRODUCTS_MAIN)

  #if defined(__x86_64__)
PETSC_INTERN const TzProducts TzProducts_AVX512, TzProducts_AVX2;
  #endif

const TzProducts *TzProductsFind(const char name[])
{
  #if defined(__x86_64__)
  const PetscBool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") ? PETSC_TRUE
                                                                                                                                         : PETSC_FALSE;
  const PetscBool avx2   = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? PETSC_TRUE : PETSC_FALSE;

  if (avx512 && !strcasecmp(name, TzProducts_AVX512.name)) return &TzProducts_AVX512;
  if (avx2 && !strcasecmp(name, TzProducts_AVX2.name)) return &TzProducts_AVX2;
  #endif
  return strcasecmp(name, TzProducts_Base.name) ? NULL : &TzProducts_Base;
}

const TzProducts *TzProductsGet(void)
{
  static const TzProducts *best    = NULL;
  static const char *const order[] = {"avx512", "avx2", "base"};
  const char              *wanted;

  if (best) return best;
  wanted = getenv("TENZO_ISA");
  if (wanted) best = TzProductsFind(wanted);
  for (size_t i = 0; !best && i < PETSC_STATIC_ARRAY_LENGTH(order); i++) best = TzProductsFind(order[i]);
  return best;
}

#endif
