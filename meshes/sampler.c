/* Samplers: each point from the key of its own number, so that any rank draws any part of a sample. */
#include <tzsampler.h>
#include <tzfiles.h>
#include <petscviewer.h>

const char *const TzSamplerTypes[] = {"auto", "box", "ball", "paths", "mixed", "TzSamplerType", "TZ_SAMPLER_", NULL};

struct _p_TzSampler {
  MPI_Comm      comm;
  TzSamplerType type, chosen; /* as set; what TzSamplerSetUp() makes of auto */
  TzDomain      domain;
  TzProcess     process;
  PetscInt      steps; /* of a path */
  PetscInt      share; /* points of a path */
  char         *start; /* -loss_x0 as given, or NULL */
  const char   *startoption, *typeoption;
  PetscBool     anywhere; /* starts are wanted whatever the distribution */
  PetscInt      nx0;      /* paths start at x0 [nx0][d], or, with none, in lo <= x <= hi */
  PetscReal    *x0, *lo, *hi;
  PetscReal    *work;  /* [PATHS (3 d + 1)] */
  PetscReal    *state; /* [PATHS][d + 1] of shared paths */

  TzSamplerSteer steer, other; /* other: of the paths that are not steered, where only half of them are */
  void          *steerctx;
  PetscBool      half;
};

#define PATHS TZ_SAMPLER_PATHS_MAX /* that advance together, for the feedback that may steer them */

PetscErrorCode TzSamplerCreate(MPI_Comm comm, TzSampler *sampler)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(sampler));
  (*sampler)->comm        = comm;
  (*sampler)->steps       = 20;
  (*sampler)->share       = 1;
  (*sampler)->typeoption  = "-loss_sampler";
  (*sampler)->startoption = "-loss_x0";
  (*sampler)->process.nu  = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerDestroy(TzSampler *sampler)
{
  PetscFunctionBegin;
  if (!*sampler) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzDomainDestroy(&(*sampler)->domain));
  PetscCall(PetscFree((*sampler)->start));
  PetscCall(PetscFree((*sampler)->x0));
  PetscCall(PetscFree2((*sampler)->lo, (*sampler)->hi));
  PetscCall(PetscFree((*sampler)->work));
  PetscCall(PetscFree((*sampler)->state));
  PetscCall(PetscFree(*sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetType(TzSampler sampler, TzSamplerType type)
{
  PetscFunctionBegin;
  sampler->type = type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerGetType(TzSampler sampler, TzSamplerType *type)
{
  PetscFunctionBegin;
  *type = sampler->chosen;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetDomain(TzSampler sampler, const TzDomain *domain)
{
  PetscFunctionBegin;
  PetscCall(TzDomainCopy(domain, &sampler->domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetProcess(TzSampler sampler, const TzProcess *process)
{
  PetscFunctionBegin;
  sampler->process = *process;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetSteer(TzSampler sampler, TzSamplerSteer steer, void *ctx, PetscBool half, TzSamplerSteer other)
{
  PetscFunctionBegin;
  sampler->other    = other;
  sampler->steer    = steer;
  sampler->steerctx = ctx;
  sampler->half     = half;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetPathPoints(TzSampler sampler, PetscInt n)
{
  PetscFunctionBegin;
  sampler->share = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetStart(TzSampler sampler, PetscInt d, const PetscReal lo[], const PetscReal hi[], PetscInt n, const PetscReal x0[])
{
  PetscFunctionBegin;
  PetscCall(PetscFree(sampler->x0));
  PetscCall(PetscFree2(sampler->lo, sampler->hi));
  sampler->nx0 = n;
  if (n) {
    PetscCall(PetscMalloc1(n * d, &sampler->x0));
    PetscCall(PetscArraycpy(sampler->x0, x0, n * d));
  } else {
    PetscCall(PetscMalloc2(d, &sampler->lo, d, &sampler->hi));
    PetscCall(PetscArraycpy(sampler->lo, lo, d));
    PetscCall(PetscArraycpy(sampler->hi, hi, d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetStartText(TzSampler sampler, const char option[], const char text[])
{
  PetscFunctionBegin;
  PetscCall(PetscFree(sampler->start));
  PetscCall(PetscStrallocpy(text, &sampler->start));
  sampler->startoption = option;
  sampler->anywhere    = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An option of a sampler: where its paths start */
static PetscErrorCode StartOption(TzSampler sampler, const char help[], const char before[], TzOptionItems PetscOptionsObject)
{
  char      start[PETSC_MAX_PATH_LEN];
  PetscBool flg;

  PetscFunctionBegin;
  PetscCall(TzOptionsString(sampler->startoption, help, "TzSamplerSetStart", sampler->start ? sampler->start : before, start, sizeof(start), &flg));
  if (!flg) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(sampler->start));
  PetscCall(PetscStrallocpy(start, &sampler->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetFromOptions(TzSampler sampler, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(
    TzOptionsEnum("-loss_sampler", "Distribution of the points", "TzSamplerDraw", TzSamplerTypes, (PetscEnum)sampler->type, (PetscEnum *)&sampler->type, NULL));
  PetscCall(
    StartOption(sampler, "Where paths start: one number or d of them, each also a range lo:hi, a file of points, or box: the domain", "0", PetscOptionsObject));
  PetscCall(TzOptionsInt("-loss_path_steps", "Time steps of a path with drift or variable noise (1 to 100000)", "TzSamplerDraw", sampler->steps,
                         &sampler->steps, NULL));
  PetscCheck(sampler->steps >= 1 && sampler->steps <= 100000, sampler->comm, PETSC_ERR_USER_INPUT, "-loss_path_steps %" PetscInt_FMT ": must be 1 to 100000",
             sampler->steps);
  PetscCall(TzOptionsInt("-loss_path_points", "Points taken from each path with drift or variable noise, each at a time of its own (>= 1)", "TzSamplerDraw",
                         sampler->share, &sampler->share, NULL));
  PetscCheck(sampler->share >= 1, sampler->comm, PETSC_ERR_USER_INPUT, "-loss_path_points %" PetscInt_FMT ": must be at least 1", sampler->share);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetValidationOptions(TzSampler sampler, TzOptionItems PetscOptionsObject)
{
  static const char *const names[] = {"same", "box", "ball", "paths", "mixed"}; /* same: auto, the other's */
  PetscInt                 type    = (PetscInt)sampler->type;

  PetscFunctionBegin;
  sampler->typeoption  = "-tz_validation_sampler";
  sampler->startoption = "-tz_validation_x0";
  PetscCall(TzOptionsEList(sampler->typeoption, "Distribution of the validation points: that of -loss_sampler (same), or", "TzLossValidate", names, 5,
                           names[type], &type, NULL));
  sampler->type = (TzSamplerType)type;
  PetscCall(StartOption(sampler, "Where their paths start, as -loss_x0", "", PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetUpBeside(TzSampler sampler, TzSampler other)
{
  const TzSamplerType type = sampler->type;

  PetscFunctionBegin;
  PetscCall(TzDomainCopy(&other->domain, &sampler->domain));
  sampler->process = other->process;
  sampler->steps   = other->steps;
  sampler->type    = type == TZ_SAMPLER_AUTO ? other->chosen : type;
  sampler->share   = sampler->type == TZ_SAMPLER_PATHS ? other->share : 1;
  if (!sampler->start && (other->lo || other->x0)) PetscCall(TzSamplerSetStart(sampler, other->domain.d, other->lo, other->hi, other->nx0, other->x0));
  PetscCall(TzSamplerSetUp(sampler));
  sampler->type = type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "1", "0:1", "1,2:3,4": n of them, at most d; FALSE: not numbers, so a file */
static PetscBool ParseStart(const char text[], PetscInt d, PetscReal lo[], PetscReal hi[], PetscInt *n)
{
  const char *at = text;
  char       *end;

  for (*n = 0;; at = end + 1) {
    const PetscReal a = strtod(at, &end);
    PetscReal       b = a;

    if (end == at) return PETSC_FALSE;
    if (*end == ':') {
      at = end + 1;
      b  = strtod(at, &end);
      if (end == at) return PETSC_FALSE;
    }
    if (*n < d) {
      lo[*n] = a;
      hi[*n] = b;
    }
    (*n)++;
    if (*end != ',') return (PetscBool) !*end;
  }
}

static PetscErrorCode SetStart(TzSampler sampler)
{
  const PetscInt d = sampler->domain.d;
  PetscReal     *lo, *hi, *x0;
  PetscInt       n;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(d, &lo, d, &hi));
  if (!strcmp(sampler->start, "box")) PetscCall(TzSamplerSetStart(sampler, d, sampler->domain.lo, sampler->domain.hi, 0, NULL));
  else if (ParseStart(sampler->start, d, lo, hi, &n)) {
    PetscCheck(n == 1 || n == d, sampler->comm, PETSC_ERR_USER_INPUT,
               "%s %s: %" PetscInt_FMT " numbers; must be one, or one for each of the %" PetscInt_FMT " dimensions", sampler->startoption, sampler->start, n,
               d);
    for (PetscInt i = 0; i < d; i++) {
      if (n == 1) lo[i] = lo[0], hi[i] = hi[0];
      PetscCheck(!PetscIsInfOrNanReal(lo[i]) && !PetscIsInfOrNanReal(hi[i]) && lo[i] <= hi[i], sampler->comm, PETSC_ERR_USER_INPUT,
                 "%s %s: ranges must be finite, lo:hi with lo <= hi", sampler->startoption, sampler->start);
    }
    PetscCall(TzSamplerSetStart(sampler, d, lo, hi, 0, NULL));
  } else {
    PetscCall(TzPointsRead(sampler->comm, sampler->startoption, sampler->start, d, &n, &x0));
    PetscCall(TzSamplerSetStart(sampler, d, NULL, NULL, n, x0));
    PetscCall(PetscFree(x0));
  }
  PetscCall(PetscFree2(lo, hi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerSetUp(TzSampler sampler)
{
  const TzDomain *domain = &sampler->domain;
  const PetscBool box = (PetscBool)(domain->type == TZ_DOMAIN_BOX), paths = (PetscBool)(box && !domain->stationary);

  PetscFunctionBegin;
  PetscCheck(domain->d > 0, sampler->comm, PETSC_ERR_ORDER, "TzSamplerSetDomain() first");
  sampler->chosen = sampler->type;
  if (sampler->type == TZ_SAMPLER_AUTO) {
    sampler->chosen = !box ? TZ_SAMPLER_BALL : domain->wholespace && !domain->stationary ? TZ_SAMPLER_PATHS : TZ_SAMPLER_BOX;
    if (sampler->chosen == TZ_SAMPLER_PATHS && !sampler->start) PetscCall(TzSamplerSetStart(sampler, domain->d, domain->lo, domain->hi, 0, NULL));
  }
  PetscCheck(sampler->chosen != TZ_SAMPLER_BALL || !box, sampler->comm, PETSC_ERR_USER_INPUT, "%s ball: the domain of the equation is a box",
             sampler->typeoption);
  PetscCheck(sampler->chosen == TZ_SAMPLER_BALL || box, sampler->comm, PETSC_ERR_USER_INPUT, "%s %s: the domain of the equation is a %s; must be ball",
             sampler->typeoption, TzSamplerTypes[sampler->chosen], TzDomainTypes[domain->type]);
  PetscCheck(!domain->stationary || sampler->chosen < TZ_SAMPLER_PATHS, sampler->comm, PETSC_ERR_USER_INPUT, "%s %s: the equation has no time; must be box",
             sampler->typeoption, TzSamplerTypes[sampler->chosen]);
  PetscCheck(sampler->share == 1 || sampler->chosen == TZ_SAMPLER_PATHS, sampler->comm, PETSC_ERR_USER_INPUT,
             "-loss_path_points %" PetscInt_FMT " -loss_sampler %s: points of one path; must be paths", sampler->share, TzSamplerTypes[sampler->chosen]);
  PetscCheck(!sampler->start || sampler->chosen >= TZ_SAMPLER_PATHS || sampler->anywhere, sampler->comm, PETSC_ERR_USER_INPUT,
             "%s %s: the points of sampler %s start nowhere%s%s%s", sampler->startoption, sampler->start, TzSamplerTypes[sampler->chosen],
             paths ? "; must have " : "", paths ? sampler->typeoption : "", paths ? " paths or mixed" : "");
  PetscCall(PetscFree(sampler->work));
  PetscCall(PetscFree(sampler->state));
  PetscCall(PetscMalloc1(PATHS * (3 * domain->d + 1), &sampler->work));
  if (sampler->share > 1) PetscCall(PetscMalloc1(PATHS * (domain->d + 1), &sampler->state));
  if (sampler->start) PetscCall(SetStart(sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerView(TzSampler sampler, const char points[], PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %s by sampler %s", points, TzSamplerTypes[sampler->chosen]));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  if (sampler->chosen >= TZ_SAMPLER_PATHS) PetscCall(PetscViewerASCIIPrintf(viewer, " from x0 = %s", sampler->start ? sampler->start : "0"));
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ one point ------------------------------------------------------------ */

typedef struct {
  PetscInt64 seed;
  TzStream   stream;
  PetscInt   step, item;
} Key;

/* x [d] inside a box: uniform numbers 0 <= j < d of the key */
static PetscErrorCode Box(TzSampler s, const Key *k, PetscReal x[])
{
  PetscFunctionBegin;
  PetscCall(TzRandomUniform(k->seed, k->stream, k->step, k->item, 0, s->domain.d, x));
  for (PetscInt j = 0; j < s->domain.d; j++) x[j] = s->domain.lo[j] + (s->domain.hi[j] - s->domain.lo[j]) * x[j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x [d] of length r in a uniform direction */
static PetscErrorCode Direction(TzSampler s, const Key *k, PetscReal r, PetscReal x[])
{
  PetscReal square = 0;

  PetscFunctionBegin;
  PetscCall(TzRandomNormal(k->seed, k->stream, k->step, k->item, 0, s->domain.d, x));
  for (PetscInt j = 0; j < s->domain.d; j++) square += x[j] * x[j];
  for (PetscInt j = 0; j < s->domain.d; j++) x[j] *= r / PetscSqrtReal(square);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Ball(TzSampler s, const Key *k, PetscReal x[])
{
  const PetscReal inner = s->domain.type == TZ_DOMAIN_SHELL ? s->domain.inner : 0;
  PetscReal       u;

  PetscFunctionBegin;
  PetscCall(TzRandomUniform(k->seed, k->stream, k->step, k->item, s->domain.d + 1, 1, &u)); /* number d is the time's */
  PetscCall(Direction(s, k, inner + (s->domain.radius - inner) * u, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where path i begins */
static PetscErrorCode Start(TzSampler s, const Key *k, PetscReal x[])
{
  const PetscInt d = s->domain.d;

  PetscFunctionBegin;
  if (s->nx0) PetscCall(PetscArraycpy(x, s->x0 + k->item % s->nx0 * d, d));
  else if (!s->lo) PetscCall(PetscArrayzero(x, d));
  else {
    PetscCall(TzRandomUniform(k->seed, k->stream, k->step, k->item, d + 2, d, x));
    for (PetscInt j = 0; j < d; j++) x[j] = s->lo[j] + (s->hi[j] - s->lo[j]) * x[j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Paths that advance together: points z[i] = (x, t) [D] of the items item[i] of a key */
typedef struct {
  Key        key;
  PetscInt   n, item[PATHS];
  PetscReal *z[PATHS], t[PATHS];
} Bundle;

static PetscBool Steered(const TzSampler s, PetscInt item)
{
  return (PetscBool)(s->steer && (!s->half || item / 2 % 2));
}

/* mu [n][d] at z: of steered paths and of the others, each kind at once */
static PetscErrorCode Drift(TzSampler s, const Bundle *b, PetscReal mu[])
{
  const PetscInt   d = s->domain.d, D = TzDomainSize(&s->domain);
  const TzProcess *p = &s->process;
  PetscReal       *Z = mu + PATHS * d, *steered = Z + PATHS * D;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(mu, b->n * d));
  for (int kind = 0; kind < 2; kind++) {
    const TzSamplerSteer steer = kind ? s->steer : s->other;
    PetscInt             many  = 0;

    for (PetscInt i = 0; i < b->n; i++) {
      if (Steered(s, b->item[i]) != (PetscBool)kind) continue;
      if (steer) PetscCall(PetscArraycpy(Z + many++ * D, b->z[i], D));
      else if (p->drift) PetscCall((*p->drift)(p->ctx, b->z[i], mu + i * d));
    }
    if (!many) continue;
    PetscCall((*steer)(s->steerctx, many, Z, steered));
    many = 0;
    for (PetscInt i = 0; i < b->n; i++)
      if (Steered(s, b->item[i]) == (PetscBool)kind) PetscCall(PetscArraycpy(mu + i * d, steered + many++ * d, d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of path i of a bundle in step k: normal numbers xi [d], and what the process makes of them, dx [d] */
static PetscErrorCode Noise(TzSampler s, const Bundle *b, PetscInt i, PetscInt k, PetscReal xi[], PetscReal dx[])
{
  const PetscInt d = s->domain.d;

  PetscFunctionBegin;
  PetscCall(TzRandomNormal(b->key.seed, b->key.stream, b->key.step, b->item[i], k * d, d, xi));
  if (s->process.noise) PetscCall((*s->process.noise)(s->process.ctx, b->z[i], xi, dx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z [d], the state of path i of a bundle or a copy of it, on by a step dt of Euler's method */
static void Move(const TzSampler s, PetscInt i, const PetscReal mu[], const PetscReal xi[], const PetscReal dx[], PetscReal dt, PetscReal z[])
{
  const TzProcess *p = &s->process;
  const PetscInt   d = s->domain.d;

  for (PetscInt j = 0; j < d; j++) z[j] += mu[i * d + j] * dt + (p->noise ? PetscSqrtReal(dt) * dx[j] : xi[j] * PetscSqrtReal(2 * p->nu * dt));
}

/* z = (x, t): t given, x the state of the process at t */
static PetscErrorCode Paths(TzSampler s, Bundle *b)
{
  const TzProcess *p = &s->process;
  const PetscInt   d = s->domain.d, steps = p->drift || p->noise || s->steer ? s->steps : 1;
  const PetscBool  exact = (PetscBool)(p->state && !s->steer);
  PetscReal       *mu = s->work, *xi = mu + PATHS * d, *dx = xi + d; /* xi, dx: where Drift() had its scratch */

  PetscFunctionBegin;
  for (PetscInt i = 0; i < b->n; i++) {
    b->key.item = b->item[i];
    b->t[i]     = b->z[i][d];
    PetscCall(Start(s, &b->key, b->z[i]));
  }
  for (PetscInt i = 0; i < b->n && exact; i++) {
    PetscCall(TzRandomNormal(b->key.seed, b->key.stream, b->key.step, b->item[i], 0, d, xi));
    PetscCall((*p->state)(p->ctx, b->t[i], xi, b->z[i]));
  }
  for (PetscInt k = 0; k < steps && !exact; k++) {
    for (PetscInt i = 0; i < b->n; i++) b->z[i][d] = k * (b->t[i] / steps);
    PetscCall(Drift(s, b, mu));
    for (PetscInt i = 0; i < b->n; i++) {
      PetscCall(Noise(s, b, i, k, xi, dx));
      Move(s, i, mu, xi, dx, b->t[i] / steps, b->z[i]);
    }
  }
  for (PetscInt i = 0; i < b->n; i++) b->z[i][d] = b->t[i];
  b->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  X [n][D]: points first <= i < first + n of shared paths, i of path i / share, at a time of its own in every share-th part of the horizon. A point has the
  state of its path at the step before, moved on by what is left of the time.
*/
static PetscErrorCode SharedPaths(TzSampler s, Key key, PetscInt first, PetscInt n, PetscReal X[])
{
  const PetscInt  d = s->domain.d, D = d + 1, share = s->share, last = (first + n - 1) / share;
  const PetscReal dt = s->domain.T / (PetscReal)s->steps;
  PetscReal      *mu = s->work, *xi = mu + PATHS * d, *dx = xi + d; /* as in Paths() */
  Bundle          b = {.key = key};

  PetscFunctionBegin;
  for (PetscInt p = first / share; p <= last; p += b.n) {
    b.n = PetscMin(PATHS, last - p + 1);
    for (PetscInt i = 0; i < b.n; i++) {
      b.key.item = b.item[i] = p + i;
      b.z[i]                 = s->state + i * D;
      PetscCall(Start(s, &b.key, b.z[i]));
    }
    for (PetscInt k = 0; k < s->steps; k++) {
      for (PetscInt i = 0; i < b.n; i++) b.z[i][d] = (PetscReal)k * dt;
      PetscCall(Drift(s, &b, mu));
      for (PetscInt i = 0; i < b.n; i++) {
        PetscCall(Noise(s, &b, i, k, xi, dx));
        for (PetscInt e = PetscMax(first, (p + i) * share); e < PetscMin(first + n, (p + i + 1) * share); e++) {
          PetscReal *z = X + (e - first) * D;

          if (PetscMin((PetscInt)(z[d] / dt), s->steps - 1) != k) continue;
          PetscCall(PetscArraycpy(z, b.z[i], d));
          Move(s, i, mu, xi, dx, PetscMax(z[d] - b.z[i][d], 0), z);
        }
        Move(s, i, mu, xi, dx, dt, b.z[i]);
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A path more, at the time in z[d] */
static PetscErrorCode AddPath(TzSampler s, Bundle *b, PetscInt item, PetscReal z[])
{
  PetscFunctionBegin;
  b->item[b->n] = item;
  b->z[b->n++]  = z;
  if (b->n == PATHS) PetscCall(Paths(s, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRange(PetscInt first, PetscInt n)
{
  PetscFunctionBegin;
  PetscCheck(first >= 0 && n >= 0 && first <= PETSC_MAX_INT - n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "first %" PetscInt_FMT ", n %" PetscInt_FMT ": points must not be negative or overflow", first, n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t of the key in z[d], where there is a time: uniform number d */
static PetscErrorCode Time(TzSampler s, const Key *k, PetscReal z[])
{
  PetscFunctionBegin;
  if (s->domain.stationary) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRandomUniform(k->seed, k->stream, k->step, k->item, s->domain.d, 1, &z[s->domain.d]));
  z[s->domain.d] *= s->domain.T;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Inside(TzSampler s, const Key *k, PetscReal x[])
{
  PetscFunctionBegin;
  if (s->domain.type == TZ_DOMAIN_BOX) PetscCall(Box(s, k, x));
  else PetscCall(Ball(s, k, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether several points have a path: where it takes steps */
static PetscBool Shares(const TzSampler s)
{
  const TzProcess *p = &s->process;

  return (PetscBool)(s->share > 1 && (s->steer || (!p->state && (p->drift || p->noise))));
}

/* Points of the chosen kind at the time *t; NULL: each at its own */
static PetscErrorCode Points(TzSampler s, const PetscReal *t, Key key, PetscInt first, PetscInt n, PetscReal X[])
{
  const PetscInt D      = TzDomainSize(&s->domain);
  Bundle         bundle = {.key = key};

  PetscFunctionBegin;
  PetscCall(CheckRange(first, n));
  if (!t && Shares(s)) {
    for (PetscInt i = first; i < first + n; i++) {
      PetscReal *time = X + (i - first) * D + s->domain.d;

      key.item = i;
      PetscCall(Time(s, &key, time - s->domain.d));
      *time = (s->domain.T * (PetscReal)(i % s->share) + *time) / (PetscReal)s->share;
    }
    PetscCall(SharedPaths(s, key, first, n, X));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt i = first; i < first + n; i++, X += D) {
    const PetscBool path = (PetscBool)(s->chosen == TZ_SAMPLER_PATHS || (s->chosen == TZ_SAMPLER_MIXED && i % 2));

    key.item = i;
    if (t) X[s->domain.d] = *t;
    else PetscCall(Time(s, &key, X));
    if (path) PetscCall(AddPath(s, &bundle, i, X));
    else PetscCall(Inside(s, &key, X));
  }
  PetscCall(Paths(s, &bundle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerDraw(TzSampler s, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n, PetscReal X[])
{
  PetscFunctionBegin;
  PetscCall(Points(s, NULL, (Key){seed, stream, step, 0}, first, n, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerDrawTime(TzSampler s, PetscReal t, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n, PetscReal X[])
{
  PetscFunctionBegin;
  PetscCall(Points(s, &t, (Key){seed, stream, step, 0}, first, n, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerDrawStart(TzSampler s, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n, PetscReal X[])
{
  const PetscInt D = TzDomainSize(&s->domain);

  PetscFunctionBegin;
  PetscCall(CheckRange(first, n));
  for (PetscInt i = first; i < first + n; i++, X += D) {
    const Key k = {seed, stream, step, i};

    PetscCall(Start(s, &k, X));
    if (!s->domain.stationary) X[s->domain.d] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x of a face: of a box a point inside moved there; of a sphere a direction */
static PetscErrorCode Face(TzSampler s, const Key *k, PetscInt face, PetscReal x[])
{
  PetscFunctionBegin;
  if (s->domain.type == TZ_DOMAIN_BOX) {
    PetscCall(Box(s, k, x));
    x[face / 2] = face % 2 ? s->domain.hi[face / 2] : s->domain.lo[face / 2];
  } else PetscCall(Direction(s, k, s->domain.type == TZ_DOMAIN_SHELL && !face ? s->domain.inner : s->domain.radius, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSamplerDrawBoundary(TzSampler s, PetscInt face, PetscInt64 seed, TzStream stream, PetscInt step, PetscInt first, PetscInt n, PetscReal X[],
                                     PetscReal normal[])
{
  const PetscInt d = s->domain.d, D = TzDomainSize(&s->domain), faces = TzDomainNumFaces(&s->domain);

  PetscFunctionBegin;
  PetscCall(CheckRange(first, n));
  for (PetscInt i = first; i < first + n; i++, X += D) {
    const Key k = {seed, stream, step, i};
    PetscInt  f = face;
    PetscReal u;

    if (f < 0) {
      PetscCall(TzRandomUniform(seed, stream, step, i, d + 1, 1, &u));
      f = PetscMin((PetscInt)(u * faces), faces - 1);
    }
    PetscCall(Time(s, &k, X));
    PetscCall(Face(s, &k, f, X));
    if (normal) PetscCall(TzDomainNormal(&s->domain, f, X, normal + (i - first) * d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
