/* Closed-loop paths: tzsimulate.h. */
#include <tzsimulate.h>
#include <petsctime.h>
#include <math.h>

#define BLOCK 96 /* paths that go together, on one rank */

const char *const TzPolicies[] = {"network", "exact", "lqr", "none", "plugin", "direct", "TzPolicy", "TZ_POLICY_", NULL};

/* What is known of all paths, for one policy; arrays of all paths on every rank when it is done */
typedef struct {
  PetscReal *cost, *reduced, *clearance; /* [paths] */
  PetscReal *states, *controls;          /* [save][steps + 1][d], [save][steps + 1][m] */
} Paths;

/* The direct optima without noise of the first `save` paths: points, value and gradient */
typedef struct {
  PetscReal *X, *u, *grad; /* [save][steps + 1][d + 1], [save][steps + 1], [save][steps + 1][d]; NULL: not asked for */
} Optima;

struct _n_TzSimulation {
  MPI_Comm    comm;
  TzPDE       pde;
  TzControl   control;
  TzSampler   sampler;
  TzProcess   process;
  PetscInt64  seed;
  PetscInt    n; /* policies */
  TzPolicy    policy[TZ_POLICIES];
  PetscInt    paths, steps, save, heun, d, m;
  PetscReal   T, progress;
  PetscReal  *x0, *value; /* [paths][d + 1], [paths] */
  PetscReal   exact;      /* mean of the exact values at x0, or NaN */
  Paths       result[TZ_POLICIES];
  Optima      optima;
  PetscInt    p0, p1; /* paths of this rank: whole blocks */
  PetscMPIInt rank, size;

  const TzControlParts *parts;
};

/* A block of n paths at one time; all [BLOCK][..] */
typedef struct {
  PetscInt   first, n;
  PetscReal *X, *Y, *a, *b, *rate, *next, *grad, *noise, *l;
  PetscReal *cost, *martingale, *clearance; /* [BLOCK] */
  PetscReal *plan;                          /* [BLOCK][steps][m], of direct; NULL: not yet */
} Block;

PetscErrorCode TzSimulationCreate(MPI_Comm comm, TzPDE pde, TzSimulation *simulation)
{
  TzSimulation s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  PetscCall(PetscObjectReference((PetscObject)pde));
  PetscCall(TzSamplerCreate(comm, &s->sampler));
  PetscCall(TzSamplerSetType(s->sampler, TZ_SAMPLER_BOX));
  PetscCall(TzSamplerSetStartText(s->sampler, "-sim_x0", "box"));
  PetscCallMPI(MPI_Comm_rank(comm, &s->rank));
  PetscCallMPI(MPI_Comm_size(comm, &s->size));
  s->comm     = comm;
  s->pde      = pde;
  s->n        = 1;
  s->paths    = 10000;
  s->steps    = 200;
  s->save     = 100;
  s->progress = 5;
  *simulation = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset(TzSimulation s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->x0, s->value));
  for (PetscInt i = 0; i < TZ_POLICIES; i++) {
    PetscCall(PetscFree3(s->result[i].cost, s->result[i].reduced, s->result[i].clearance));
    PetscCall(PetscFree2(s->result[i].states, s->result[i].controls));
  }
  PetscCall(PetscFree3(s->optima.X, s->optima.u, s->optima.grad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationDestroy(TzSimulation *simulation)
{
  PetscFunctionBegin;
  if (!*simulation) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Reset(*simulation));
  PetscCall(TzSamplerDestroy(&(*simulation)->sampler));
  PetscCall(TzPDEDestroy(&(*simulation)->pde));
  PetscCall(PetscFree(*simulation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationSetControl(TzSimulation s, TzControl control)
{
  PetscFunctionBegin;
  s->control = control;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationSetSeed(TzSimulation s, PetscInt64 seed)
{
  PetscFunctionBegin;
  s->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationSetProgress(TzSimulation s, PetscReal seconds)
{
  PetscFunctionBegin;
  s->progress = seconds;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationGetPolicies(TzSimulation s, PetscInt *n, const TzPolicy *policies[])
{
  PetscFunctionBegin;
  *n        = s->n;
  *policies = s->policy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "network,lqr" */
static PetscErrorCode ParsePolicies(TzSimulation s, const char text[])
{
  PetscFunctionBegin;
  s->n = 0;
  for (const char *at = text; *at; at += strcspn(at, ","), at += *at == ',') {
    const size_t len = strcspn(at, ",");
    PetscInt     k   = 0;

    while (k < TZ_POLICIES && (strlen(TzPolicies[k]) != len || strncmp(at, TzPolicies[k], len))) k++;
    PetscCheck(k < TZ_POLICIES, s->comm, PETSC_ERR_USER_INPUT, "-sim_policy %s: must be some of network, exact, lqr, none, plugin, direct", text);
    for (PetscInt i = 0; i < s->n; i++)
      PetscCheck((PetscInt)s->policy[i] != k, s->comm, PETSC_ERR_USER_INPUT, "-sim_policy %s: %s must be there once only", text, TzPolicies[k]);
    s->policy[s->n++] = (TzPolicy)k;
  }
  PetscCheck(s->n, s->comm, PETSC_ERR_USER_INPUT, "-sim_policy: must be some of network, exact, lqr, none, plugin, direct");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationSetFromOptions(TzSimulation s)
{
  static const char *const integrators[] = {"euler", "heun"};
  char                     policy[256] = "network", x0[PETSC_MAX_PATH_LEN] = "box";

  PetscFunctionBegin;
  PetscOptionsBegin(s->comm, NULL, "Closed-loop paths", "Tenzo");
  PetscCall(TzOptionsString("-sim_policy", "Policies, the first against the others: some of network, exact, lqr, none, plugin, direct", "TzSimulationRun",
                            policy, policy, sizeof(policy), NULL));
  PetscCall(TzOptionsString("-sim_x0", "Where paths start: one number or d of them, each also a range lo:hi, a file of points, or box: the domain",
                            "TzSimulationRun", x0, x0, sizeof(x0), NULL));
  PetscCall(TzOptionsInt("-sim_paths", "Paths (>= 2)", "TzSimulationRun", s->paths, &s->paths, NULL));
  PetscCall(TzOptionsInt("-sim_steps", "Time steps of a path (>= 1)", "TzSimulationRun", s->steps, &s->steps, NULL));
  PetscCall(TzOptionsInt("-sim_save", "Paths of which states and controls are kept (>= 0)", "TzSimulationPut", s->save, &s->save, NULL));
  PetscCall(
    TzOptionsEList("-sim_integrator", "Steps of Euler and Maruyama, or of Heun", "TzSimulationRun", integrators, 2, integrators[s->heun], &s->heun, NULL));
  PetscOptionsEnd();
  PetscCall(ParsePolicies(s, policy));
  PetscCall(TzSamplerSetStartText(s->sampler, "-sim_x0", x0));
  PetscCheck(s->paths >= 2 && s->paths <= PETSC_MAX_INT / 2, s->comm, PETSC_ERR_USER_INPUT, "-sim_paths %" PetscInt_FMT ": must be from 2 to %" PetscInt_FMT,
             s->paths, PETSC_MAX_INT / 2);
  PetscCheck(s->steps >= 1, s->comm, PETSC_ERR_USER_INPUT, "-sim_steps %" PetscInt_FMT ": must be at least 1", s->steps);
  PetscCheck(s->save >= 0, s->comm, PETSC_ERR_USER_INPUT, "-sim_save %" PetscInt_FMT ": must be at least 0", s->save);
  s->save = PetscMin(s->save, s->paths);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckPolicies(TzSimulation s, const char type[])
{
  PetscBool has[TZ_POLICIES] = {s->control != NULL, PETSC_FALSE, PETSC_TRUE, PETSC_TRUE, s->parts->policy != NULL, PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(TzPDEHasExact(s->pde, &has[TZ_POLICY_EXACT]));
  for (PetscInt i = 0; i < s->n; i++) {
    PetscCheck(has[s->policy[i]] || s->policy[i] == TZ_POLICY_NETWORK, s->comm, PETSC_ERR_USER_INPUT, "-sim_policy %s: equation %s has none; must be another",
               TzPolicies[s->policy[i]], type);
    PetscCheck(has[s->policy[i]], s->comm, PETSC_ERR_USER_INPUT, "-sim_policy network: needs -tz_model FILE, the checkpoint of a trained network");
    PetscCheck(s->policy[i] != TZ_POLICY_DIRECT || !s->heun, s->comm, PETSC_ERR_USER_INPUT,
               "-sim_policy direct: is the optimum of Euler's steps; must be with -sim_integrator euler");
    if (s->policy[i] == TZ_POLICY_DIRECT) PetscCall(TzPDEControlDirect(s->pde, "-sim_policy direct", 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    if (s->policy[i] == TZ_POLICY_LQR) {
      PetscReal *z, u;

      PetscCall(PetscCalloc1(s->d + 1, &z));
      PetscCall(TzPDEControlLinear(s->pde, "-sim_policy lqr", 1, z, &u, NULL));
      PetscCall(PetscFree(z));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationSetUp(TzSimulation s)
{
  const TzDomain *domain;
  const char     *type;
  PetscInt        numbers;
  PetscBool       direct = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(TzPDEGetControl(s->pde, &s->parts));
  PetscCall(TzPDEGetType(s->pde, &type));
  PetscCall(TzPDEGetDomain(s->pde, &domain));
  PetscCheck(s->parts, s->comm, PETSC_ERR_USER_INPUT, "-pde_type %s: is no control problem, there is nothing to simulate", type);
  PetscCheck(!domain->stationary, s->comm, PETSC_ERR_USER_INPUT, "-pde_type %s: has no time here, paths need a horizon", type);
  s->d = domain->d;
  s->m = s->parts->m;
  s->T = domain->T;
  PetscCall(TzPDEGetProcess(s->pde, &s->process));
  PetscCall(TzSamplerSetDomain(s->sampler, domain));
  PetscCall(TzSamplerSetUp(s->sampler));
  PetscCall(CheckPolicies(s, type));
  numbers = s->d + s->m;
  PetscCall(TzMemoryCheck(s->comm, (PetscReal)s->paths * (s->d + 2 + 3 * s->n), "-sim_paths %" PetscInt_FMT, s->paths));
  for (PetscInt i = 0; i < s->n; i++) direct = (PetscBool)(direct || s->policy[i] == TZ_POLICY_DIRECT);
  if (direct) PetscCall(TzMemoryCheck(s->comm, (PetscReal)BLOCK * s->steps * s->m, "-sim_policy direct -sim_steps %" PetscInt_FMT, s->steps));
  PetscCall(TzMemoryCheck(s->comm, (PetscReal)s->save * (s->steps + 1) * (s->n * numbers + (direct ? 2 * s->d + 2 : 0)), "-sim_save %" PetscInt_FMT, s->save));
  PetscCheck((PetscReal)s->save * (s->steps + 1) * (numbers + 1) < PETSC_MAX_INT, s->comm, PETSC_ERR_USER_INPUT,
             "-sim_save %" PetscInt_FMT ": must be below %g for %" PetscInt_FMT " steps", s->save,
             (double)(PETSC_MAX_INT / ((PetscReal)(s->steps + 1) * (numbers + 1))), s->steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ one block ------------------------------------------------------------ */

static PetscErrorCode BlockCreate(const TzSimulation s, Block *b)
{
  const PetscInt d = s->d, m = s->m;

  PetscFunctionBegin;
  b->plan = NULL;
  PetscCall(PetscCalloc5(BLOCK * (d + 1), &b->X, BLOCK * (d + 1), &b->Y, BLOCK * m, &b->a, BLOCK * m, &b->b, BLOCK * d, &b->rate));
  PetscCall(PetscCalloc4(BLOCK * d, &b->next, BLOCK * d, &b->grad, BLOCK * d, &b->noise, BLOCK, &b->l));
  PetscCall(PetscCalloc3(BLOCK, &b->cost, BLOCK, &b->martingale, BLOCK, &b->clearance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BlockDestroy(Block *b)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(b->X, b->Y, b->a, b->b, b->rate));
  PetscCall(PetscFree4(b->next, b->grad, b->noise, b->l));
  PetscCall(PetscFree3(b->cost, b->martingale, b->clearance));
  PetscCall(PetscFree(b->plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a [n][m] within the bounds */
static void Clip(const TzControlParts *u, PetscInt n, PetscReal a[])
{
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < u->m; j++) {
      if (u->lo) a[i * u->m + j] = PetscMax(a[i * u->m + j], u->lo[j]);
      if (u->hi) a[i * u->m + j] = PetscMin(a[i * u->m + j], u->hi[j]);
    }
}

/* a [n][m] of the policy at X [n][d + 1]; grad [n][d] of its value function, where it has one */
static PetscErrorCode Act(TzSimulation s, TzPolicy policy, PetscInt n, const PetscReal X[], PetscReal grad[], PetscReal a[])
{
  PetscReal u[BLOCK];

  PetscFunctionBegin;
  switch (policy) {
  case TZ_POLICY_NETWORK: PetscCall(TzControlEvaluate(s->control, n, X, NULL, grad, a)); PetscFunctionReturn(PETSC_SUCCESS);
  case TZ_POLICY_EXACT: PetscCall(TzPDEExact(s->pde, n, X, u, grad)); break;
  case TZ_POLICY_LQR: PetscCall(TzPDEControlLinear(s->pde, "-sim_policy lqr", n, X, NULL, grad)); break;
  default:
    PetscCall(PetscArrayzero(a, n * s->m));
    for (PetscInt i = 0; policy == TZ_POLICY_PLUGIN && i < n; i++) PetscCall((*s->parts->policy)(s->pde, X + i * (s->d + 1), a + i * s->m));
    Clip(s->parts, n, a);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzPDEControlMinimize(s->pde, n, X, grad, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* noise [n][d] = sqrt(dt) sigma xi of step k */
static PetscErrorCode DrawNoise(TzSimulation s, Block *b, PetscInt k, PetscReal dt)
{
  const PetscInt  d     = s->d;
  const PetscReal scale = PetscSqrtReal(dt), plain = PetscSqrtReal(2 * s->process.nu * dt);
  PetscReal      *xi = b->next;

  PetscFunctionBegin;
  if (!s->process.noise && s->process.nu == 0) PetscFunctionReturn(PETSC_SUCCESS); /* it stays 0 */
  for (PetscInt i = 0; i < b->n; i++) {
    PetscReal *dx = b->noise + i * d;

    PetscCall(TzRandomNormal(s->seed, TZ_STREAM_SIMULATION, 1 + k, b->first + i, 0, d, xi));
    if (s->process.noise) PetscCall((*s->process.noise)(s->process.ctx, b->X + i * (d + 1), xi, dx));
    for (PetscInt j = 0; j < d; j++) dx[j] = s->process.noise ? scale * dx[j] : plain * xi[j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At step k: control, cost (of the weight of this time in its integral), what is saved, clearance */
static PetscErrorCode Look(TzSimulation s, TzPolicy policy, Paths *r, Block *b, PetscInt k, PetscReal weight)
{
  const PetscInt d = s->d, m = s->m, M = s->steps + 1;

  PetscFunctionBegin;
  for (PetscInt i = 0; policy == TZ_POLICY_DIRECT && k < s->steps && i < b->n; i++)
    PetscCall(PetscArraycpy(b->a + i * m, b->plan + (i * s->steps + k) * m, m)); /* at T as before it */
  if (policy != TZ_POLICY_DIRECT) PetscCall(Act(s, policy, b->n, b->X, b->grad, b->a));
  PetscCall(TzPDEControlRunning(s->pde, b->n, b->X, b->a, b->l));
  for (PetscInt i = 0; i < b->n; i++) {
    const PetscReal *x = b->X + i * (d + 1);

    b->cost[i] += weight * b->l[i];
    if (s->parts->clearance) {
      PetscReal c = 0;

      PetscCall((*s->parts->clearance)(s->pde, x, &c));
      b->clearance[i] = PetscMin(b->clearance[i], c);
    }
    if (b->first + i >= s->save) continue;
    PetscCall(PetscArraycpy(r->states + ((b->first + i) * M + k) * d, x, d));
    PetscCall(PetscArraycpy(r->controls + ((b->first + i) * M + k) * m, b->a + i * m, m));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From step k to k + 1; discount: e^(-rho t) */
static PetscErrorCode Step(TzSimulation s, TzPolicy policy, Block *b, PetscInt k, PetscReal dt, PetscReal discount)
{
  const PetscInt d = s->d, n = b->n;

  PetscFunctionBegin;
  PetscCall(DrawNoise(s, b, k, dt));
  PetscCall(TzPDEControlRate(s->pde, n, b->X, b->a, b->rate));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < d; j++) b->martingale[i] += discount * b->grad[i * d + j] * b->noise[i * d + j];
  if (s->heun) {
    for (PetscInt i = 0; i < n; i++) {
      for (PetscInt j = 0; j < d; j++) b->Y[i * (d + 1) + j] = b->X[i * (d + 1) + j] + dt * b->rate[i * d + j] + b->noise[i * d + j];
      b->Y[i * (d + 1) + d] = (PetscReal)(k + 1) * dt;
    }
    PetscCall(Act(s, policy, n, b->Y, b->grad, b->b));
    PetscCall(TzPDEControlRate(s->pde, n, b->Y, b->b, b->next));
    for (PetscInt i = 0; i < n * d; i++) b->rate[i] = (b->rate[i] + b->next[i]) / 2;
  }
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < d; j++) b->X[i * (d + 1) + j] += dt * b->rate[i * d + j] + b->noise[i * d + j];
    b->X[i * (d + 1) + d] = (PetscReal)(k + 1) * dt;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b->plan: the direct optimum of each path, sought from the controls of a policy along its path without noise, or from the optimum of the path before it */
static PetscErrorCode Plan(TzSimulation s, TzPolicy from, Block *b)
{
  const PetscInt  d = s->d, D = d + 1, m = s->m;
  const PetscReal dt = s->T / (PetscReal)s->steps;
  PetscReal       cost;

  PetscFunctionBegin;
  if (!b->plan) PetscCall(PetscMalloc1(BLOCK * s->steps * m, &b->plan));
  PetscCall(PetscArraycpy(b->X, s->x0 + b->first * D, b->n * D));
  for (PetscInt k = 0; k < s->steps; k++) {
    PetscCall(Act(s, from, b->n, b->X, b->grad, b->a));
    PetscCall(TzPDEControlRate(s->pde, b->n, b->X, b->a, b->rate));
    for (PetscInt i = 0; i < b->n; i++) {
      PetscCall(PetscArraycpy(b->plan + (i * s->steps + k) * m, b->a + i * m, m));
      for (PetscInt j = 0; j < d; j++) b->X[i * D + j] += dt * b->rate[i * d + j];
      b->X[i * D + d] = (PetscReal)(k + 1) * dt;
    }
  }
  for (PetscInt i = 0; i < b->n && !TzGiveUp(); i++) {
    const PetscInt  path = b->first + i, at = path * (s->steps + 1);
    const PetscBool keep = (PetscBool)(path < s->save);
    PetscReal      *plan = b->plan + i * s->steps * m;

    PetscCall(TzPDEControlDirect(s->pde, "-sim_policy direct", s->steps, s->x0 + path * D, i ? plan - s->steps * m : NULL, plan, &cost,
                                 keep ? s->optima.X + at * D : NULL, s->optima.u + (keep ? at : 0), s->optima.grad + (keep ? at * d : 0)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b->n paths from b->first on, of policy number `number` */
static PetscErrorCode RunBlock(TzSimulation s, PetscInt number, Paths *r, Block *b)
{
  const TzPolicy  policy = s->policy[number];
  const PetscInt  d      = s->d;
  const PetscReal dt = s->T / (PetscReal)s->steps, rho = s->parts->discount;

  PetscFunctionBegin;
  if (policy == TZ_POLICY_DIRECT) PetscCall(Plan(s, number ? s->policy[number - 1] : TZ_POLICY_NONE, b));
  PetscCall(PetscArraycpy(b->X, s->x0 + b->first * (d + 1), b->n * (d + 1)));
  for (PetscInt i = 0; i < b->n; i++) {
    b->cost[i] = b->martingale[i] = 0;
    b->clearance[i]               = PETSC_INFINITY;
  }
  for (PetscInt k = 0; k <= s->steps && !TzGiveUp(); k++) {
    const PetscReal discount = PetscExpReal(-rho * (PetscReal)k * dt), ends = k == s->steps ? 0 : 1;

    PetscCall(Look(s, policy, r, b, k, discount * dt * (s->heun && (!k || k == s->steps) ? 0.5 : s->heun ? 1 : ends)));
    if (k < s->steps) PetscCall(Step(s, policy, b, k, dt, discount));
  }
  PetscCall(TzPDEControlTerminal(s->pde, b->n, b->X, b->l));
  for (PetscInt i = 0; i < b->n; i++) {
    const PetscBool gradient = (PetscBool)(policy < TZ_POLICY_NONE);

    r->cost[b->first + i]      = b->cost[i] + PetscExpReal(-rho * s->T) * b->l[i];
    r->reduced[b->first + i]   = gradient ? r->cost[b->first + i] - b->martingale[i] : NAN;
    r->clearance[b->first + i] = b->clearance[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- all paths ------------------------------------------------------------- */

static PetscInt FirstPath(const TzSimulation s, PetscInt rank, PetscInt most)
{
  const PetscInt64 blocks = (s->paths + BLOCK - 1) / BLOCK;

  return (PetscInt)PetscMin(blocks * rank / s->size * BLOCK, (PetscInt64)most);
}

/* x [rows][width] of the first `rows` paths on every rank */
static PetscErrorCode Share(TzSimulation s, PetscInt rows, PetscInt width, PetscReal x[])
{
  PetscMPIInt *count, *displ;

  PetscFunctionBegin;
  if (s->size == 1 || !rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(s->size, &count, s->size, &displ));
  for (PetscMPIInt r = 0; r < s->size; r++) {
    PetscCall(PetscMPIIntCast((PetscInt64)FirstPath(s, r, rows) * width, &displ[r]));
    PetscCall(PetscMPIIntCast((PetscInt64)(FirstPath(s, r + 1, rows) - FirstPath(s, r, rows)) * width, &count[r]));
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x, count, displ, MPIU_REAL, s->comm));
  PetscCall(PetscFree2(count, displ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where all paths start, and the network's value there */
static PetscErrorCode Start(TzSimulation s)
{
  const PetscInt D = s->d + 1;
  PetscBool      has;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(s->paths * D, &s->x0, s->paths, &s->value));
  for (PetscInt i = 0; i < s->paths && !TzGiveUp(); i += BLOCK)
    PetscCall(TzSamplerDrawStart(s->sampler, s->seed, TZ_STREAM_SIMULATION, 0, i, PetscMin(BLOCK, s->paths - i), s->x0 + i * D));
  for (PetscInt i = s->p0; s->control && i < s->p1 && !TzGiveUp(); i += BLOCK)
    PetscCall(TzControlEvaluate(s->control, PetscMin(BLOCK, s->p1 - i), s->x0 + i * D, s->value + i, NULL, NULL));
  for (PetscInt i = s->p0; !s->control && i < s->p1; i++) s->value[i] = NAN;
  PetscCall(Share(s, s->paths, 1, s->value));
  PetscCall(TzPDEHasExact(s->pde, &has));
  s->exact = has ? 0 : NAN;
  for (PetscInt i = 0; has && i < s->paths && !TzGiveUp(); i++) {
    PetscReal u;

    PetscCall(TzPDEExact(s->pde, 1, s->x0 + i * D, &u, NULL));
    s->exact += u / (PetscReal)s->paths;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Progress(const TzSimulation s, PetscInt policy, PetscInt done, PetscLogDouble t0, PetscLogDouble *last)
{
  const PetscReal part = ((PetscReal)policy + (PetscReal)done / (PetscReal)(s->p1 - s->p0)) / (PetscReal)s->n;
  PetscLogDouble  now;

  PetscFunctionBegin;
  PetscCall(PetscTime(&now));
  if (s->rank || s->progress < 0 || now - *last < s->progress) PetscFunctionReturn(PETSC_SUCCESS);
  *last = now;
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "policy %s  paths %" PetscInt_FMT "/%" PetscInt_FMT " of this rank  elapsed %.0f s  left %.0f s\n",
                        TzPolicies[s->policy[policy]], done, s->p1 - s->p0, now - t0, (now - t0) * (1 / part - 1)));
  fflush(stdout);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean of x [n], or of x - y, where both are finite, and half of its 95 % interval */
static void Mean(PetscInt n, const PetscReal x[], const PetscReal y[], PetscReal *mean, PetscReal *ci)
{
  PetscReal sum = 0, square = 0, count = 0;

  for (int pass = 0; pass < 2; pass++)
    for (PetscInt i = 0; i < n; i++) {
      const PetscReal v = x[i] - (y ? y[i] : 0);

      if (PetscIsInfOrNanReal(v)) continue;
      if (pass) square += PetscSqr(v - sum / count);
      else sum += v, count += 1;
    }
  *mean = count > 0 ? sum / count : NAN;
  *ci   = count > 1 ? 1.96 * PetscSqrtReal(square / (count - 1) / count) : NAN;
}

static void Summary(const TzSimulation s, PetscInt k, TzClosedLoop *c)
{
  const Paths *r = &s->result[k];
  PetscReal    unused, bad = 0;
  PetscBool    reduced;

  *c = (TzClosedLoop){.violated = NAN, .exact = s->exact};
  Mean(s->paths, r->cost, NULL, &c->cost, &c->cost_ci);
  Mean(s->paths, r->reduced, NULL, &c->reduced, &c->reduced_ci);
  Mean(s->paths, s->value, NULL, &c->value, &unused);
  reduced = (PetscBool)!PetscIsNanReal(c->reduced);
  Mean(s->paths, reduced ? r->reduced : r->cost, s->value, &c->gap, &c->gap_ci);
  if (k) Mean(s->paths, r->cost, s->result[0].cost, &c->excess, &c->excess_ci);
  for (PetscInt i = 0; i < s->paths; i++) {
    c->lost += PetscIsInfOrNanReal(r->cost[i]);
    bad += !(r->clearance[i] >= 0);
  }
  if (s->parts->clearance) c->violated = bad / (PetscReal)s->paths;
}

PetscErrorCode TzSimulationRun(TzSimulation s, TzClosedLoop results[])
{
  const PetscInt M = s->steps + 1;
  PetscLogDouble t0, last;
  PetscBool      givenup;
  Block          b;

  PetscFunctionBegin;
  PetscCall(TzSimulationSetUp(s));
  PetscCall(Reset(s));
  s->p0 = FirstPath(s, s->rank, s->paths);
  s->p1 = FirstPath(s, s->rank + 1, s->paths);
  PetscCall(PetscTime(&t0));
  last = t0;
  PetscCall(Start(s));
  PetscCall(BlockCreate(s, &b));
  for (PetscInt k = 0; k < s->n; k++) {
    Paths *r = &s->result[k];

    PetscCall(PetscMalloc3(s->paths, &r->cost, s->paths, &r->reduced, s->paths, &r->clearance));
    PetscCall(PetscMalloc2(s->save * M * s->d, &r->states, s->save * M * s->m, &r->controls));
    if (s->policy[k] == TZ_POLICY_DIRECT)
      PetscCall(PetscMalloc3(s->save * M * (s->d + 1), &s->optima.X, s->save * M, &s->optima.u, s->save * M * s->d, &s->optima.grad));
    for (b.first = s->p0; b.first < s->p1 && !TzGiveUp(); b.first += BLOCK) {
      b.n = PetscMin(BLOCK, s->p1 - b.first);
      PetscCall(RunBlock(s, k, r, &b));
      PetscCall(Progress(s, k, b.first + b.n - s->p0, t0, &last));
    }
    PetscCall(TzInterruptAgree(s->comm, &givenup));
    if (givenup) PetscCall(TzInterruptRaise(s->comm, "the simulation"));
    PetscCall(Share(s, s->paths, 1, r->cost));
    PetscCall(Share(s, s->paths, 1, r->reduced));
    PetscCall(Share(s, s->paths, 1, r->clearance));
    PetscCall(Share(s, s->save, M * s->d, r->states));
    PetscCall(Share(s, s->save, M * s->m, r->controls));
    if (s->policy[k] == TZ_POLICY_DIRECT) {
      PetscCall(Share(s, s->save, M * (s->d + 1), s->optima.X));
      PetscCall(Share(s, s->save, M, s->optima.u));
      PetscCall(Share(s, s->save, M * s->d, s->optima.grad));
    }
    Summary(s, k, &results[k]);
  }
  PetscCall(BlockDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutArray(TzStore store, const char group[], const char name[], PetscInt rows, PetscInt cols, const PetscReal x[])
{
  char path[128];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", group, name));
  PetscCall(TzStorePutReal(store, path, rows, cols, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzSimulationPut(TzSimulation s, TzStore store)
{
  const PetscInt d = s->d, M = s->steps + 1;
  PetscReal     *x;

  PetscFunctionBegin;
  PetscCheck(s->x0, s->comm, PETSC_ERR_ORDER, "TzSimulationRun() first");
  PetscCall(PetscMalloc1(PetscMax(s->paths * d, M), &x));
  for (PetscInt k = 0; k < M; k++) x[k] = s->T * (PetscReal)k / (PetscReal)s->steps;
  PetscCall(TzStorePutReal(store, "/time", M, 0, x));
  for (PetscInt i = 0; i < s->paths; i++) PetscCall(PetscArraycpy(x + i * d, s->x0 + i * (d + 1), d));
  PetscCall(TzStorePutReal(store, "/x0", s->paths, d, x));
  PetscCall(PetscFree(x));
  if (s->control) PetscCall(TzStorePutReal(store, "/value", s->paths, 0, s->value));
  if (s->optima.X && s->save) {
    PetscCall(TzStorePutReal(store, "/points", s->save * M, d + 1, s->optima.X));
    PetscCall(TzStorePutReal(store, "/u", s->save * M, 0, s->optima.u));
    PetscCall(TzStorePutReal(store, "/grad", s->save * M, d, s->optima.grad));
  }
  for (PetscInt k = 0; k < s->n; k++) {
    const Paths *r = &s->result[k];
    char         group[32];

    PetscCall(PetscSNPrintf(group, sizeof(group), "/%s", TzPolicies[s->policy[k]]));
    PetscCall(PutArray(store, group, "cost", s->paths, 0, r->cost));
    PetscCall(PutArray(store, group, "reduced", s->paths, 0, r->reduced));
    if (s->parts->clearance) PetscCall(PutArray(store, group, "clearance", s->paths, 0, r->clearance));
    if (!s->save) continue;
    PetscCall(PutArray(store, group, "states", s->save * M, d, r->states));
    PetscCall(PutArray(store, group, "controls", s->save * M, s->m, r->controls));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
