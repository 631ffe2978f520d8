#if defined(__x86_64__)
  #define TZ_PRODUCTS AVX512
  #define W           8
  #define MR          8
  #define NV          3
  #include "product.c"
#endif
