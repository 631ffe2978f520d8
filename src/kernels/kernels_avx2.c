/* The kernels compiled for avx2; the Makefile gives this file its instruction set. */
#define LANES 4
#define FUSED 1
#define TABLE TzKernels_AVX2
#define NAME  "avx2"
#if defined(__x86_64__)
  #include "kernels.inc"
#endif
