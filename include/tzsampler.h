/*
  TzSampler: where a loss is evaluated. Collocation points in a domain (-loss_sampler), points of its boundary, points of one time.

    box    x uniform in the box, t uniform in [0, T]
    ball   x = r w: direction w uniform, |x| uniform in [0, radius] or, in a shell, in [inner, radius]; t uniform
    paths  t uniform in [0, T], x the state at that time of dX = drift dt + sigma dW from X_0 (-loss_x0): points where the process goes. Where the
           process has no drift and constant noise the state is drawn exactly, otherwise by -loss_path_steps steps of Euler and Maruyama.
    mixed  every second point as box or ball, the others as paths
  The default is what fits the domain: box or ball; but where the equation holds in all of R^d, paths that start uniformly in the box, since inside a box
  alone, without a condition on its faces, it has many solutions.

  Point i of a sample takes its numbers from the key (seed, stream, step, item i) alone: it does not depend on the points that are drawn with
  it, so any rank draws any part.
*/
#ifndef TZSAMPLER_H
#define TZSAMPLER_H

#include <tzdomain.h>

typedef enum { TZ_SAMPLER_AUTO, TZ_SAMPLER_BOX, TZ_SAMPLER_BALL, TZ_SAMPLER_PATHS, TZ_SAMPLER_MIXED } TzSamplerType;
PETSC_EXTERN const char *const TzSamplerTypes[]; /* "auto","box","ball","paths","mixed",... for PetscOptionsEnum */

/* dX = drift(X, t) dt + sigma(X, t) dW at z = (x, t) */
typedef struct {
  PetscErrorCode (*drift)(void *ctx, const PetscReal z[], PetscReal mu[]);                       /* mu [d]; NULL: 0 */
  PetscErrorCode (*noise)(void *ctx, const PetscReal z[], const PetscReal xi[], PetscReal dx[]); /* dx [d] = sigma xi, xi [d]; NULL: sqrt(2 nu) xi */
  /* Instead of steps, where it is known: the state x [d] at time t from x at 0, by the normal numbers xi [d]; NULL: not known */
  PetscErrorCode (*state)(void *ctx, PetscReal t, const PetscReal xi[], PetscReal x[]);
  void     *ctx;
  PetscReal nu;
} TzProcess;

/* mu [n][d]: the drift of steered paths at Z [n][D], in place of the process's; n <= TZ_SAMPLER_PATHS_MAX */
#define TZ_SAMPLER_PATHS_MAX 96
typedef PetscErrorCode (*TzSamplerSteer)(void *ctx, PetscInt n, const PetscReal Z[], PetscReal mu[]);

typedef struct _p_TzSampler *TzSampler;

PETSC_EXTERN PetscErrorCode TzSamplerCreate(MPI_Comm comm, TzSampler *sampler);
PETSC_EXTERN PetscErrorCode TzSamplerDestroy(TzSampler *sampler);
PETSC_EXTERN PetscErrorCode TzSamplerSetType(TzSampler sampler, TzSamplerType type);
PETSC_EXTERN PetscErrorCode TzSamplerSetDomain(TzSampler sampler, const TzDomain *domain); /* copied */
PETSC_EXTERN PetscErrorCode TzSamplerSetProcess(TzSampler sampler, const TzProcess *process);
/* Paths from now on are steered, all of them or every second pair (half), the others then by `other` or, NULL, as the process goes; steer NULL: none is */
PETSC_EXTERN PetscErrorCode TzSamplerSetSteer(TzSampler sampler, TzSamplerSteer steer, void *ctx, PetscBool half, TzSamplerSteer other);
PETSC_EXTERN PetscErrorCode TzSamplerSetPathPoints(TzSampler sampler, PetscInt n); /* points of each path that takes steps; before TzSamplerSetUp() */
/* Where paths start: uniform in lo <= x <= hi [d], or, with n > 0, at the points x0 [n][d] in turn; copied. Default: the origin */
PETSC_EXTERN PetscErrorCode TzSamplerSetStart(TzSampler sampler, PetscInt d, const PetscReal lo[], const PetscReal hi[], PetscInt n, const PetscReal x0[]);
/*
  The same as -loss_x0 has it: "1", "0:1,2" .., a file of points, or "box", the domain. `option` is named in messages; read by TzSamplerSetUp(), whatever the
  distribution
*/
PETSC_EXTERN PetscErrorCode TzSamplerSetStartText(TzSampler sampler, const char option[], const char text[]);
/* -loss_sampler, -loss_x0, -loss_path_steps, -loss_path_points: inside PetscOptionsBegin of the object that has the sampler. Collective */
PETSC_EXTERN PetscErrorCode TzSamplerSetFromOptions(TzSampler sampler, TzOptionItems PetscOptionsObject);
/*
  A sample beside that of another sampler, which is set up: all that was not given by -tz_validation_sampler and -tz_validation_x0, domain and process too, is
  the other's. Collective; PETSC_ERR_USER_INPUT
*/
PETSC_EXTERN PetscErrorCode TzSamplerSetValidationOptions(TzSampler sampler, TzOptionItems PetscOptionsObject);
PETSC_EXTERN PetscErrorCode TzSamplerSetUpBeside(TzSampler sampler, TzSampler other);
/* Checks that the distribution fits the domain, reads -loss_x0 where it is a file. Collective; PETSC_ERR_USER_INPUT */
PETSC_EXTERN PetscErrorCode TzSamplerSetUp(TzSampler sampler);
PETSC_EXTERN PetscErrorCode TzSamplerView(TzSampler sampler, const char points[], PetscViewer viewer); /* what its points are called */
PETSC_EXTERN PetscErrorCode TzSamplerGetType(TzSampler sampler, TzSamplerType *type);                  /* after TzSamplerSetUp(): never auto */

/* X [n][D]: points first <= i < first + n of the sample with this key. PETSC_ERR_ARG_OUTOFRANGE: negative, or more than an index can count */
PETSC_EXTERN PetscErrorCode TzSamplerDraw(TzSampler sampler, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n, PetscReal X[]);
/* X [n][D]: where the paths first <= i < first + n of a sample start, t = 0 */
PETSC_EXTERN PetscErrorCode TzSamplerDrawStart(TzSampler sampler, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n, PetscReal X[]);
/* As TzSamplerDraw() at one time t: of paths their states there */
PETSC_EXTERN PetscErrorCode TzSamplerDrawTime(TzSampler sampler, PetscReal t, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n,
                                              PetscReal X[]);
/*
  Points of the boundary in x, uniform on a face, t uniform; face < 0: each face of the domain with the same probability. normal [n][d]: outward
  unit normals there, or NULL.
*/
PETSC_EXTERN PetscErrorCode TzSamplerDrawBoundary(TzSampler sampler, PetscInt face, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n,
                                                  PetscReal X[], PetscReal normal[]);

/*
  Where its points lie. Entry k < n holds at the time t[k], rising (n = 1: no time): lo[k] <= x <= hi[k], both [d], and radius[k][0] <= |x - c| <= radius[k][1],
  c the middle of lo and hi. At a time between two entries: in one of them.
*/
typedef struct {
  PetscInt   n, d;
  PetscReal *t, *lo, *hi, *radius; /* [n], [n][d], [n][d], [n][2] */
} TzRegion;
PETSC_EXTERN PetscErrorCode TzSamplerGetRegion(TzSampler sampler, const TzDomain *domain, PetscInt64 seed, TzRegion *region); /* set up */
PETSC_EXTERN PetscBool      TzRegionContains(const TzRegion *region, const PetscReal z[]);
PETSC_EXTERN PetscErrorCode TzRegionDestroy(TzRegion *region);

#endif
