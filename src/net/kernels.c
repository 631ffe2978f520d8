/* Chooses the kernels of this machine. */
#include "kernels.h"
#include <stdlib.h>
#include <string.h>

const TzKernels *TzKernelsGet(void)
{
  static const TzKernels *kernels = NULL;
  const char             *isa     = getenv("TENZO_ISA");

  if (kernels) return kernels;
  kernels = &TzKernels_Base;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !(isa && !strcmp(isa, "base"))) {
    kernels = &TzKernels_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && !(isa && !strcmp(isa, "avx2")))
      kernels = &TzKernels_AVX512;
  }
#endif
  return kernels;
}
