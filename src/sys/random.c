/*
  Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011).

  Key: the 64 bits of the seed. Counter: { k, step, item, stream | kind << 8 | high bits of k << 16 }. Its 128 bits make the
  coordinates 2k and 2k+1 (normal, uniform) or 128k .. 128k+127 (Rademacher); kind keeps the three apart, so that normal and
  uniform numbers of one key are independent.

  Everything is done for a chunk of counters at a time by loops that compilers vectorise. The same source is compiled for three
  instruction sets, chosen at run time. All of them give the same bits: every operation acts on one element and is one that IEEE 754
  rounds exactly (+ - * / sqrt), there are no fused ones (-ffp-contract=off), and the series below replace the library's functions.
*/
#include "tzlog.h"
#if defined(__x86_64__)
  #include <immintrin.h>
#endif

#define CHUNK 16 /* counters */

typedef enum { KIND_RADEMACHER, KIND_UNIFORM, KIND_NORMAL } Kind;
static const PetscInt numbers[] = {128, 2, 2}; /* of a counter */

#define INLINE static inline __attribute__((always_inline))

/* w [2][CHUNK]: the 128 bits of the counters k .. k+CHUNK-1 (which differ in their lowest word only) */
INLINE void Philox(const uint32_t key[2], const uint32_t ctr[4], uint64_t w[2][CHUNK])
{
  for (int i = 0; i < CHUNK; i++) {
    uint32_t c0 = ctr[0] + (uint32_t)i, c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
      uint64_t p0 = (uint64_t)c0 * 0xD2511F53u, p1 = (uint64_t)c2 * 0xCD9E8D57u;
      c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
      c1 = (uint32_t)p1;
      c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
      c3 = (uint32_t)p0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    w[0][i] = c0 | (uint64_t)c1 << 32;
    w[1][i] = c2 | (uint64_t)c3 << 32;
  }
}

#if defined(__x86_64__)
/* The same by the processor's product of 32-bit numbers, which compilers do not find here: one counter a lane; the high halves may hold anything */
__attribute__((target("avx2"))) static void Philox_AVX2(const uint32_t key[2], const uint32_t ctr[4], uint64_t w[2][CHUNK])
{
  const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57), low = _mm256_set1_epi64x(0xffffffff);
  __m256i       c[4][CHUNK / 4];
  uint32_t      k0 = key[0], k1 = key[1];

  for (int i = 0; i < CHUNK / 4; i++) {
    c[0][i] = _mm256_add_epi32(_mm256_set1_epi64x(ctr[0]), _mm256_setr_epi64x(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3));
    for (int j = 1; j < 4; j++) c[j][i] = _mm256_set1_epi64x(ctr[j]);
  }
  #pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
    const __m256i key0 = _mm256_set1_epi64x(k0), key1 = _mm256_set1_epi64x(k1);

    for (int i = 0; i < CHUNK / 4; i++) {
      const __m256i p0 = _mm256_mul_epu32(c[0][i], m0), p1 = _mm256_mul_epu32(c[2][i], m1);

      c[0][i] = _mm256_srli_epi64(p1, 32) ^ c[1][i] ^ key0;
      c[1][i] = p1;
      c[2][i] = _mm256_srli_epi64(p0, 32) ^ c[3][i] ^ key1;
      c[3][i] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < CHUNK / 4; i++)
    for (int j = 0; j < 2; j++) _mm256_storeu_si256((__m256i *)&w[j][4 * i], (c[2 * j][i] & low) | _mm256_slli_epi64(c[2 * j + 1][i], 32));
}
#endif

/* An odd multiple of 2^-53: in (0,1), symmetric about 1/2, exact */
INLINE PetscReal Unit(uint64_t w)
{
  TzBits b = {.u = w >> 12 | UINT64_C(0x3ff) << 52}; /* [1,2) */
  return b.d - (1 - 0x1p-53);
}

/* cos and sin of 2 pi v, 0 < v < 1: v = q/4 + r exactly, |2 pi r| <= pi/4, where the series' next terms are below 1e-17 */
INLINE void CosSin(PetscReal v, PetscReal *cosine, PetscReal *sine)
{
  TzBits    t = {.d = 4 * v + 0x1.8p52}, c, s, a, b; /* q in the last bits */
  PetscReal x = (v - 0.25 * (t.d - 0x1.8p52)) * (2 * M_PI), z = x * x;

  s.d     = 1. / 355687428096000;
  s.d     = s.d * z - 1. / 1307674368000;
  s.d     = s.d * z + 1. / 6227020800;
  s.d     = s.d * z - 1. / 39916800;
  s.d     = s.d * z + 1. / 362880;
  s.d     = s.d * z - 1. / 5040;
  s.d     = s.d * z + 1. / 120;
  s.d     = s.d * z - 1. / 6;
  s.d     = s.d * z * x + x;
  c.d     = 1. / 20922789888000;
  c.d     = c.d * z - 1. / 87178291200;
  c.d     = c.d * z + 1. / 479001600;
  c.d     = c.d * z - 1. / 3628800;
  c.d     = c.d * z + 1. / 40320;
  c.d     = c.d * z - 1. / 720;
  c.d     = c.d * z + 1. / 24;
  c.d     = c.d * z - 1. / 2;
  c.d     = c.d * z + 1;
  a.u     = ((t.u & 1) ? s.u : c.u) ^ ((t.u + 1) & 2) << 62;
  b.u     = ((t.u & 1) ? c.u : s.u) ^ (t.u & 2) << 62;
  *cosine = a.d;
  *sine   = b.d;
}

/* x [CHUNK * numbers per counter]: of the counters ctr[0] .. ctr[0]+CHUNK-1 */
typedef void (*Generator)(Kind kind, const uint32_t key[2], const uint32_t ctr[4], PetscReal x[]);

typedef void (*Bijection)(const uint32_t key[2], const uint32_t ctr[4], uint64_t w[2][CHUNK]);

INLINE void Generate(Bijection philox, Kind kind, const uint32_t key[2], const uint32_t ctr[4], PetscReal x[])
{
  uint64_t w[2][CHUNK];

  philox(key, ctr, w);
  if (kind == KIND_NORMAL) {
    for (int i = 0; i < CHUNK; i++) { /* Box and Muller 1958 */
      PetscReal radius = __builtin_sqrt(-2 * TzLog(Unit(w[0][i]))), c, s;

      CosSin(Unit(w[1][i]), &c, &s);
      x[2 * i]     = radius * c;
      x[2 * i + 1] = radius * s;
    }
  } else if (kind == KIND_UNIFORM) {
    for (int i = 0; i < CHUNK; i++) {
      x[2 * i]     = Unit(w[0][i]);
      x[2 * i + 1] = Unit(w[1][i]);
    }
  } else {
    for (int i = 0; i < 2 * CHUNK; i++) {
      for (uint64_t b = 0; b < 64; b++) {
        TzBits sign = {.d = 1};

        sign.u ^= w[i % 2][i / 2] >> b << 63;
        x[64 * i + (int)b] = sign.d;
      }
    }
  }
}

static void Generate_Portable(Kind kind, const uint32_t key[2], const uint32_t ctr[4], PetscReal x[])
{
  Generate(Philox, kind, key, ctr, x);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void Generate_AVX2(Kind kind, const uint32_t key[2], const uint32_t ctr[4], PetscReal x[])
{
  Generate(Philox_AVX2, kind, key, ctr, x);
}

__attribute__((target("avx512f,avx512dq,avx512vl"))) static void Generate_AVX512(Kind kind, const uint32_t key[2], const uint32_t ctr[4], PetscReal x[])
{
  Generate(Philox_AVX2, kind, key, ctr, x);
}
#endif

static Generator Choose(void)
{
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) return Generate_AVX512;
  if (__builtin_cpu_supports("avx2")) return Generate_AVX2;
#endif
  return Generate_Portable;
}

static PetscErrorCode Random(Kind kind, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt item, PetscInt first, PetscInt n, PetscReal x[])
{
  const PetscInt64 size = numbers[kind] * CHUNK, last = (PetscInt64)first + n;
  const uint32_t   key[2]   = {(uint32_t)seed, (uint32_t)((uint64_t)seed >> 32)};
  const Generator  generate = Choose();
  PetscReal        part[128 * CHUNK];

  PetscFunctionBegin;
  PetscCheck(first >= 0 && n >= 0 && first <= PETSC_MAX_INT - n && last / numbers[kind] >> 48 == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "first %" PetscInt_FMT ", n %" PetscInt_FMT ": counters must not be negative or overflow", first, n);
  PetscCheck((uint64_t)step >> 32 == 0 && (uint64_t)item >> 32 == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "step %" PetscInt_FMT ", item %" PetscInt_FMT ": must be between 0 and 2^32 - 1", step, item);
  for (PetscInt64 start = first - first % size; start < last; start += size) {
    const PetscInt64 k = start / numbers[kind], lo = PetscMax(start, first), hi = PetscMin(start + size, last);
    const uint32_t   ctr[4] = {(uint32_t)k, (uint32_t)step, (uint32_t)item, (uint32_t)stream | (uint32_t)kind << 8 | (uint32_t)(k >> 32) << 16};

    if (hi - lo == size) generate(kind, key, ctr, x + (lo - first));
    else {
      generate(kind, key, ctr, part);
      memcpy(x + (lo - first), part + (lo - start), (size_t)(hi - lo) * sizeof(*x));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRandomNormal(PetscInt64 seed, TzStream stream, PetscInt step, PetscInt item, PetscInt first, PetscInt n, PetscReal x[])
{
  PetscFunctionBegin;
  PetscCall(Random(KIND_NORMAL, seed, stream, step, item, first, n, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRandomUniform(PetscInt64 seed, TzStream stream, PetscInt step, PetscInt item, PetscInt first, PetscInt n, PetscReal x[])
{
  PetscFunctionBegin;
  PetscCall(Random(KIND_UNIFORM, seed, stream, step, item, first, n, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRandomRademacher(PetscInt64 seed, TzStream stream, PetscInt step, PetscInt item, PetscInt first, PetscInt n, PetscReal x[])
{
  PetscFunctionBegin;
  PetscCall(Random(KIND_RADEMACHER, seed, stream, step, item, first, n, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
