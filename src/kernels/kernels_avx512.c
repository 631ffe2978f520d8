/* The kernels compiled for avx512; the Makefile gives this file its instruction set. */
#define LANES 8
#define FUSED 1
#define TABLE TzKernels_AVX512
#define NAME  "avx512"
#if defined(__x86_64__)
  #include "kernels.inc"
#endif
