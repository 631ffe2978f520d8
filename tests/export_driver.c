/*
  For tests/e2e_export.sh: an exported model, compiled with -DMODEL=name -DHEADER="name.h" -DREAL=double or float, at the points of a file of text:
  points x, t, then u and its derivatives as tenzo eval found them, all in one row. Prints the largest deviations, relative to 1 + |u| and to 1 + |grad u|, and
  the microseconds of an evaluation with its gradient.
*/
#define _POSIX_C_SOURCE 199309L
#include HEADER
#include <math.h>
#include <stdio.h>
#include <time.h>

#define PASTE2(a, b) a##b
#define PASTE(a, b)  PASTE2(a, b)
#define NAME(suffix) PASTE(MODEL, suffix)
#define D            NAME(_INPUTS)

static REAL work[NAME(_WORK)];

int main(int argc, char **argv)
{
  FILE           *f = argc == 2 ? fopen(argv[1], "r") : 0;
  double          row[2 * D + 1], du = 0, dg = 0, sum = 0;
  REAL            z[D], grad[D];
  long            n = 0, repeat = 2000;
  struct timespec t0, t1;

  if (!f) return 2;
  for (;; n++) {
    double norm = 0, error = 0, u, again;
    int    i;

    for (i = 0; i < 2 * D + 1 && fscanf(f, "%lf", &row[i]) == 1; i++) {}
    if (i < 2 * D + 1) break;
    for (i = 0; i < D; i++) z[i] = (REAL)row[i];
    u     = NAME(_value)(z, work);
    again = NAME(_gradient)(z, grad, work);
    if (u != again) return 3;
    for (i = 0; i < D; i++) {
      norm += row[D + 1 + i] * row[D + 1 + i];
      error += (grad[i] - row[D + 1 + i]) * (grad[i] - row[D + 1 + i]);
    }
    du = fmax(du, fabs(u - row[D]) / (1 + fabs(row[D])));
    dg = fmax(dg, sqrt(error) / (1 + sqrt(norm)));
  }
  clock_gettime(CLOCK_MONOTONIC, &t0);
  for (long k = 0; k < repeat; k++) {
    z[0] += (REAL)1e-6;
    sum += NAME(_gradient)(z, grad, work);
  }
  clock_gettime(CLOCK_MONOTONIC, &t1);
  printf("points=%ld u=%.3g grad=%.3g microseconds=%.3g sum=%g\n", n, du, dg,
         ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / 1e3 / (double)repeat, sum);
  return n == 0;
}
