/*
  What things cost: by these numbers the library chooses between ways that give the same results. Each was measured (tests/bench/bench_costs.c prints what a
  machine says today, beside what stands here); a factor of two on another machine moves a crossover, not a result.
*/
#ifndef TZCOSTS_H
#define TZCOSTS_H

/* In multiply-adds of a product of panels: */
#define TZ_COST_SINE          18  /* an activation and its share of the sum behind it (measured: 14.5 with AVX-512, 15.5 with AVX2) */
#define TZ_COST_SERIES_TERM   2.5 /* a term of a power series in a bond vector (1.0), with its share of the coefficients' product */
#define TZ_COST_SERIES_TABLES 1.2 /* of the first layer's series, for each multiply-add of its products: with the tables that these need */
/* Columns that share the multiplying out of a train (a mini-batch) */
#define TZ_COST_SHARED_BY 64

/* In evaluations of the network at a node of a stencil (0.08 us with AVX-512, 0.15 with AVX2): */
#define TZ_COST_BIND_PARAMETER 0.25 /* forming and binding a parameter vector, for each parameter (binding alone: 0.07) */
#define TZ_COST_BIND_NODE      6    /* and the tables of a node (4.6 to 6.6) */
#define TZ_COST_BYTE           5e-3 /* sent: 1 ns, as at 1 GB/s */
#define TZ_COST_MESSAGE        5    /* 1 us */

#endif
