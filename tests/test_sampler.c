/* Samplers: collocation points, boundary points, normals, domains. */
#include <tzsampler.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define D 4
#define N 200000 /* of the statistical tests, each allowed 6 standard deviations */
static PetscReal X[N][D], Y[N][D];

/* The box [-2, 3]^3, the ball of radius 2 or the shell 0.5 <= |x| <= 2, t in [0, 1.7] */
static TzSampler sampler(TzSamplerType type, TzDomainType shape)
{
  const TzProcess process = {.nu = 0.6};
  TzDomain        dom     = {.T = 1.7};
  TzSampler       s;

  if (shape == TZ_DOMAIN_BOX) assert_int_equal(TzDomainSetBox(&dom, D - 1, -2, 3), 0);
  else assert_int_equal(TzDomainSetShell(&dom, D - 1, shape == TZ_DOMAIN_SHELL ? 0.5 : 0, 2), 0);
  assert_int_equal(TzSamplerCreate(PETSC_COMM_SELF, &s), 0);
  assert_int_equal(TzSamplerSetDomain(s, &dom), 0);
  assert_int_equal(TzSamplerSetProcess(s, &process), 0);
  assert_int_equal(TzSamplerSetType(s, type), 0);
  assert_int_equal(TzSamplerSetUp(s), 0);
  assert_int_equal(TzDomainDestroy(&dom), 0);
  return s;
}

static void draw(TzSampler s, PetscInt64 seed, PetscInt step, PetscInt first, PetscInt n, PetscReal *to)
{
  assert_int_equal(TzSamplerDraw(s, seed, TZ_STREAM_POINTS, step, first, n, to), 0);
}

static void within(const char what[], double value, double expected, double tolerance)
{
  if (!(fabs(value - expected) <= tolerance)) print_error("%s: %.17g, expected %.17g +- %.2g\n", what, value, expected, tolerance);
  assert_true(fabs(value - expected) <= tolerance);
}

/* A point depends on its index only, not on the block it is drawn with; another step or stream has other points */
static void test_range(void **state)
{
  (void)state;
  for (int type = TZ_SAMPLER_BOX; type <= TZ_SAMPLER_MIXED; type++) {
    TzSampler s = sampler((TzSamplerType)type, type == TZ_SAMPLER_BALL ? TZ_DOMAIN_SHELL : TZ_DOMAIN_BOX);

    draw(s, 1, 5, 0, 1000, X[0]);
    for (PetscInt first = 0, n = 1; first + n <= 1000; first += n, n = (7 * n + 3) % 50) {
      draw(s, 1, 5, first, n, Y[0]);
      assert_memory_equal(X[first], Y[0], sizeof(X[0]) * (size_t)n);
    }
    assert_int_equal(TzSamplerDraw(s, 1, TZ_STREAM_VALIDATION, 5, 0, 1000, Y[0]), 0);
    for (int i = 0; i < 1000; i++) assert_true(X[i][D - 1] != Y[i][D - 1]);
    draw(s, 1, 6, 0, 1000, Y[0]);
    for (int i = 0; i < 1000; i++) assert_true(X[i][D - 1] != Y[i][D - 1]);
    assert_int_equal(TzSamplerDestroy(&s), 0);
  }
}

/* Strictly inside the box and (0, T); uniform and independent: first and second moments */
static void test_box(void **state)
{
  TzSampler s = sampler(TZ_SAMPLER_AUTO, TZ_DOMAIN_BOX);

  (void)state;
  draw(s, 1, 0, 0, N, X[0]);
  assert_int_equal(TzSamplerDestroy(&s), 0);
  for (int j = 0; j < D; j++) {
    const double lo = j < D - 1 ? -2 : 0, hi = j < D - 1 ? 3 : 1.7, sd = (hi - lo) / sqrt(12);
    double       sum = 0, square = 0, cross = 0;

    for (int i = 0; i < N; i++) {
      const double a = (X[i][j] - (lo + hi) / 2) / sd, b = X[i][(j + 1) % D];

      assert_true(X[i][j] > lo && X[i][j] < hi);
      sum += a;
      square += a * a;
      cross += a * b;
    }
    within("mean", sum / N, 0, 6 / sqrt(N));
    within("variance", square / N, 1, 6 * sqrt((9. / 5 - 1) / N));
    within("covariance", cross / N, 0, 6 * 3 / sqrt(N)); /* |b| <= 3 */
  }
}

/* t uniform; x / sqrt(2 nu t) standard normal, independent of t */
static void test_diffusion(void **state)
{
  TzSampler s      = sampler(TZ_SAMPLER_PATHS, TZ_DOMAIN_BOX);
  double    mean_t = 0;

  (void)state;
  draw(s, 1, 0, 0, N, X[0]);
  assert_int_equal(TzSamplerDestroy(&s), 0);
  for (int i = 0; i < N; i++) {
    assert_true(X[i][D - 1] > 0 && X[i][D - 1] < 1.7);
    mean_t += X[i][D - 1] / 1.7 / N;
  }
  within("mean of t", mean_t, 0.5, 6 / sqrt(12. * N));
  for (int j = 0; j < D - 1; j++) {
    double m[5] = {0}, cross = 0, next = 0;

    for (int i = 0; i < N; i++) {
      const double scale = sqrt(1.2 * X[i][D - 1]), e = X[i][j] / scale;

      for (int p = 1; p <= 4; p++) m[p] += pow(e, p) / N;
      cross += e * (X[i][D - 1] / 1.7 - 0.5) / N;
      next += e * X[i][(j + 1) % (D - 1)] / scale / N;
    }
    within("mean", m[1], 0, 6 / sqrt(N));
    within("variance", m[2], 1, 6 * sqrt(2. / N));
    within("third moment", m[3], 0, 6 * sqrt(15. / N));
    within("fourth moment", m[4], 3, 6 * sqrt(96. / N));
    within("covariance with t", cross, 0, 6 / sqrt(12. * N));
    within("covariance with the next", next, 0, 6 / sqrt(N));
  }
}

/* dX = -a X dt + s dW from x0 with s = 0.3 sqrt(2 nu), by callbacks */
static PetscErrorCode decay(void *ctx, const PetscReal z[], PetscReal mu[])
{
  for (int j = 0; j < D - 1; j++) mu[j] = -*(PetscReal *)ctx * z[j];
  return PETSC_SUCCESS;
}

static PetscErrorCode third(void *ctx, const PetscReal z[], const PetscReal xi[], PetscReal dx[])
{
  (void)ctx;
  (void)z;
  for (int j = 0; j < D - 1; j++) dx[j] = 0.3 * xi[j];
  return PETSC_SUCCESS;
}

/* The moments of Euler's scheme for a linear drift are known exactly: with q = 1 - a dt, mean q^n x0 and variance s^2 dt (1 - q^2n)/(1 - q^2) */
static void test_paths(void **state)
{
  enum { STEPS = 20 };
  PetscReal       a = 0.8, lo[] = {0.5, -1, 2}, e[2] = {0};
  const TzProcess process = {.drift = decay, .noise = third, .ctx = &a};
  TzSampler       s       = sampler(TZ_SAMPLER_PATHS, TZ_DOMAIN_BOX);

  (void)state;
  assert_int_equal(TzSamplerSetProcess(s, &process), 0);
  assert_int_equal(TzSamplerSetStart(s, D - 1, lo, lo, 0, NULL), 0);
  draw(s, 4, 0, 0, N / 20, X[0]);
  for (int i = 0; i < N / 20; i++)
    for (int j = 0; j < D - 1; j++) {
      const double dt = X[i][D - 1] / STEPS, q = 1 - a * dt, sd = 0.3 * sqrt(dt * (1 - pow(q, 2 * STEPS)) / (1 - q * q)),
                   r = (X[i][j] - pow(q, STEPS) * lo[j]) / sd;

      e[0] += r / (N / 20 * (D - 1));
      e[1] += r * r / (N / 20 * (D - 1));
    }
  within("mean of paths", e[0], 0, 6 / sqrt(N / 20 * (D - 1)));
  within("variance of paths", e[1], 1, 6 * sqrt(2. / (N / 20 * (D - 1))));
  assert_int_equal(TzSamplerDestroy(&s), 0);
}

/*
  Seven points a path: each depends on its index only; their times fill the horizon evenly; and x at t has the law that single paths have, of Euler's method
  for dX = -X dt + sqrt(2 nu) dW from 1: within bounds of time the mean of x - m(t) and of its square over v(t), with m and v of the steps, are 0 and 1. Two
  points of a path are not independent, so deviations are taken over paths: 6 sqrt(7 / N) times that of one.
*/
static void test_shared(void **state)
{
  const PetscReal one[]   = {1, 1, 1};
  PetscReal       rate    = 1;
  const TzProcess process = {.ctx = &rate, .nu = 0.6, .drift = decay};
  const PetscReal dt      = 1.7 / 20;
  PetscReal       mean = 0, square = 0;
  TzSampler       s = sampler(TZ_SAMPLER_PATHS, TZ_DOMAIN_BOX);

  (void)state;
  assert_int_equal(TzSamplerSetPathPoints(s, 7), 0);
  assert_int_equal(TzSamplerSetProcess(s, &process), 0);
  assert_int_equal(TzSamplerSetStart(s, D - 1, NULL, NULL, 1, one), 0);
  assert_int_equal(TzSamplerSetUp(s), 0);
  draw(s, 1, 5, 0, N, X[0]);
  for (PetscInt first = 0, n = 1; first + n <= 1000; first += n, n = (7 * n + 3) % 50) {
    draw(s, 1, 5, first, n, Y[0]);
    assert_memory_equal(X[first], Y[0], sizeof(X[0]) * (size_t)n);
  }
  for (int i = 0; i < N; i++) {
    const PetscReal t = X[i][D - 1], rest = fmod(t, dt);
    PetscReal       m = 1, v = 0;

    assert_true((i % 7) * 1.7 / 7 <= t && t <= (i % 7 + 1) * 1.7 / 7);
    for (int k = 0; k < (int)(t / dt); k++) m *= 1 - dt, v = (1 - dt) * (1 - dt) * v + 1.2 * dt;
    m *= 1 - rest, v = (1 - rest) * (1 - rest) * v + 1.2 * rest;
    mean += (X[i][0] - m) / sqrt(v) / N;
    square += (X[i][1] - m) * (X[i][1] - m) / v / N;
  }
  within("mean", mean, 0, 6 * sqrt(7. / N));
  within("mean square", square, 1, 6 * sqrt(2 * 7. / N));
  assert_int_equal(TzSamplerDestroy(&s), 0);
}

/* With no noise to speak of paths stay where they start: in a box of starting points, or at given points in turn */
static void test_start(void **state)
{
  const PetscReal lo[] = {0.5, -1, 2}, hi[] = {0.75, 1, 2}, x0[2][3] = {{1, 2, 3}, {-4, 5, 6}};
  const TzProcess still = {.nu = 1e-30};
  TzSampler       s     = sampler(TZ_SAMPLER_PATHS, TZ_DOMAIN_BOX);
  double          mean  = 0;

  (void)state;
  assert_int_equal(TzSamplerSetProcess(s, &still), 0);
  assert_int_equal(TzSamplerSetStart(s, D - 1, lo, hi, 0, NULL), 0);
  draw(s, 1, 0, 0, 10000, X[0]);
  for (int i = 0; i < 10000; i++) {
    for (int j = 0; j < D - 1; j++) assert_true(X[i][j] >= lo[j] - 1e-12 && X[i][j] <= hi[j] + 1e-12);
    mean += X[i][0] / 10000;
  }
  within("mean of the starts", mean, 0.625, 6 * 0.25 / sqrt(12. * 10000));
  assert_int_equal(TzSamplerSetStart(s, D - 1, NULL, NULL, 2, x0[0]), 0);
  draw(s, 1, 0, 7, 10, X[0]);
  for (int i = 0; i < 10; i++)
    for (int j = 0; j < D - 1; j++) within("start", X[i][j], x0[(7 + i) % 2][j], 1e-12);
  assert_int_equal(TzSamplerDestroy(&s), 0);
}

/* |x| uniform between the radii, direction uniform: the mean of x_j^2 / |x|^2 is 1/d, with variance 2 (d - 1)/(d^2 (d + 2)) */
static void test_ball(void **state)
{
  (void)state;
  for (int shell = 0; shell < 2; shell++) {
    TzSampler    s     = sampler(TZ_SAMPLER_AUTO, shell ? TZ_DOMAIN_SHELL : TZ_DOMAIN_BALL);
    const double inner = shell ? 0.5 : 0;
    double       mean = 0, square = 0, part = 0, d = D - 1;

    draw(s, 2, 0, 0, N, X[0]);
    for (int i = 0; i < N; i++) {
      double r2 = 0, u;

      for (int j = 0; j < D - 1; j++) r2 += X[i][j] * X[i][j];
      u = (sqrt(r2) - inner) / (2 - inner);
      assert_true(u > -1e-14 && u < 1 + 1e-14);
      mean += u / N;
      square += u * u / N;
      part += X[i][0] * X[i][0] / r2 / N;
    }
    within("mean radius", mean, 0.5, 6 / sqrt(12. * N));
    within("mean square of the radius", square, 1. / 3, 6 * sqrt((1. / 5 - 1. / 9) / N));
    within("direction", part, 1 / d, 6 * sqrt(2 * (d - 1) / (d * d * (d + 2)) / N));
    assert_int_equal(TzSamplerDestroy(&s), 0);
  }
}

/* Boundary points lie on the boundary; the normal is of length 1 and leads out of the domain; every face has its share */
static void test_boundary(void **state)
{
  static PetscReal normal[6000][D - 1];

  (void)state;
  for (int shape = TZ_DOMAIN_BOX; shape <= TZ_DOMAIN_SHELL; shape++) {
    TzSampler s       = sampler(TZ_SAMPLER_AUTO, (TzDomainType)shape);
    TzDomain  dom     = {.T = 1.7};
    int       hits[6] = {0}, faces;

    if (shape == TZ_DOMAIN_BOX) assert_int_equal(TzDomainSetBox(&dom, D - 1, -2, 3), 0);
    else assert_int_equal(TzDomainSetShell(&dom, D - 1, shape == TZ_DOMAIN_SHELL ? 0.5 : 0, 2), 0);
    faces = (int)TzDomainNumFaces(&dom);
    assert_int_equal(TzSamplerDrawBoundary(s, -1, 1, TZ_STREAM_POINTS, 0, 0, 6000, X[0], normal[0]), 0);
    for (int i = 0; i < 6000; i++) {
      PetscReal in[D], out[D], length = 0, r2 = 0;
      int       face = 0;

      assert_true(TzDomainContains(&dom, X[i]));
      in[D - 1] = out[D - 1] = X[i][D - 1];
      for (int j = 0; j < D - 1; j++) {
        length += normal[i][j] * normal[i][j];
        r2 += X[i][j] * X[i][j];
        in[j]  = X[i][j] - 1e-6 * normal[i][j];
        out[j] = X[i][j] + 1e-6 * normal[i][j];
        if (shape == TZ_DOMAIN_BOX && fabs(normal[i][j]) > 0.5) face = 2 * j + (normal[i][j] > 0);
      }
      if (shape == TZ_DOMAIN_SHELL) face = r2 > 1;
      within("length of the normal", length, 1, 1e-14);
      assert_true(TzDomainContains(&dom, in) && !TzDomainContains(&dom, out));
      hits[face]++;
    }
    for (int f = 0; f < faces; f++) within("points of a face", hits[f], 6000. / faces, 6 * sqrt(6000. / faces));
    assert_int_equal(TzSamplerDestroy(&s), 0);
    assert_int_equal(TzDomainDestroy(&dom), 0);
  }
}

/* Every second point of mixed is that of box, the others those of paths */
static void test_mixed(void **state)
{
  TzSampler mixed = sampler(TZ_SAMPLER_MIXED, TZ_DOMAIN_BOX);

  (void)state;
  draw(mixed, 3, 9, 1, 1001, X[0]);
  for (int odd = 0; odd < 2; odd++) {
    TzSampler s = sampler(odd ? TZ_SAMPLER_PATHS : TZ_SAMPLER_BOX, TZ_DOMAIN_BOX);

    draw(s, 3, 9, 1, 1001, Y[0]);
    for (int i = 0; i < 1001; i++) {
      if ((1 + i) % 2 == odd) assert_memory_equal(X[i], Y[i], sizeof(X[i]));
    }
    assert_int_equal(TzSamplerDestroy(&s), 0);
  }
  assert_int_equal(TzSamplerDestroy(&mixed), 0);
}

/* What does not fit is an error: ranges, a ball in a box, paths in a ball or without time */
static void test_errors(void **state)
{
  TzSampler s   = sampler(TZ_SAMPLER_BOX, TZ_DOMAIN_BOX);
  TzDomain  dom = {.T = 1, .stationary = PETSC_TRUE};

  (void)state;
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  assert_int_not_equal(TzSamplerDraw(s, 1, TZ_STREAM_POINTS, 0, -1, 1, X[0]), 0);
  assert_int_not_equal(TzSamplerDraw(s, 1, TZ_STREAM_POINTS, 0, 0, -1, X[0]), 0);
  assert_int_not_equal(TzSamplerDraw(s, 1, TZ_STREAM_POINTS, -1, 0, 1, X[0]), 0);
  assert_int_not_equal(TzSamplerDraw(s, 1, TZ_STREAM_POINTS, 0, PETSC_MAX_INT, 1, X[0]), 0);
  assert_int_equal(TzSamplerSetType(s, TZ_SAMPLER_BALL), 0);
  assert_int_not_equal(TzSamplerSetUp(s), 0);
  assert_int_equal(TzDomainSetBox(&dom, D - 1, 0, 1), 0);
  assert_int_equal(TzSamplerSetDomain(s, &dom), 0);
  assert_int_equal(TzSamplerSetType(s, TZ_SAMPLER_PATHS), 0);
  assert_int_not_equal(TzSamplerSetUp(s), 0);
  assert_int_equal(TzDomainSetShell(&dom, D - 1, 0, 1), 0);
  dom.stationary = PETSC_FALSE;
  assert_int_equal(TzSamplerSetDomain(s, &dom), 0);
  assert_int_not_equal(TzSamplerSetUp(s), 0);
  assert_int_equal(PetscPopErrorHandler(), 0);
  assert_int_equal(TzDomainDestroy(&dom), 0);
  assert_int_equal(TzSamplerDestroy(&s), 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_range), cmocka_unit_test(test_box),  cmocka_unit_test(test_diffusion), cmocka_unit_test(test_paths), cmocka_unit_test(test_shared),
    cmocka_unit_test(test_start), cmocka_unit_test(test_ball), cmocka_unit_test(test_boundary),  cmocka_unit_test(test_mixed), cmocka_unit_test(test_errors),
  };
  int failed;

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
