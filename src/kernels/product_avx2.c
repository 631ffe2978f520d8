#if defined(__x86_64__)
  #define TZ_PRODUCTS AVX2
  #define W           4
  #define MR          4
  #define NV          2
  #include "product.c"
#endif
