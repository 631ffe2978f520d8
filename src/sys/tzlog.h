/*
  The logarithm of random numbers and of the classifier's loss: operations that IEEE 754 rounds exactly, which compilers vectorise.
*/
#ifndef TZLOG_H
#define TZLOG_H

#include <tzsys.h>

typedef union {
  PetscReal d;
  uint64_t  u;
} TzBits;

/* ln u for normal u > 0: u = 2^e m, sqrt(1/2) <= m < sqrt(2), ln m = 2 artanh s, s = (m-1)/(m+1), |s| < 0.172: the next term is below 1e-18 */
static inline __attribute__((always_inline)) PetscReal TzLog(PetscReal u)
{
  const uint64_t bias = UINT64_C(1023) << 52, sqrthalf = UINT64_C(0x3fe6a09e667f3bcd);
  TzBits         b = {.d = u}, e, m;
  PetscReal      s, q, p;

  e.u = (b.u - sqrthalf + bias) >> 52; /* e + 1023 */
  m.u = b.u - (e.u << 52) + bias;
  e.u |= UINT64_C(0x433) << 52; /* 2^52 + e + 1023 */
  s = (m.d - 1) / (m.d + 1);
  q = s * s;
  p = 2. / 21;
  p = p * q + 2. / 19;
  p = p * q + 2. / 17;
  p = p * q + 2. / 15;
  p = p * q + 2. / 13;
  p = p * q + 2. / 11;
  p = p * q + 2. / 9;
  p = p * q + 2. / 7;
  p = p * q + 2. / 5;
  p = p * q + 2. / 3;
  return (e.d - (0x1p52 + 1023)) * M_LN2 + (2 * s + s * q * p);
}

#endif
