/* The kernels compiled for neon; the Makefile gives this file its instruction set. */
#define LANES 2
#define FUSED 1
#define TABLE TzKernels_NEON
#define NAME  "neon"
#if defined(__aarch64__)
  #include "kernels.inc"
#endif
