/* The kernels compiled for base; the Makefile gives this file its instruction set. */
#define LANES 2
#define FUSED 0
#define TABLE TzKernels_Base
#define NAME  "base"
#include "kernels.inc"
