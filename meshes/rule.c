/* TzRule: the class, its table of types, and the memory of the nodes. */
#include <private/tzruleimpl.h>
#include <petscviewer.h>

PETSC_INTERN PetscErrorCode TzRuleCreate_Smolyak(TzRule);
PETSC_INTERN PetscErrorCode TzRuleCreate_MC(TzRule);

static const TzTypeRow table[] = {TZ_TYPE(TZRULESMOLYAK, TzRuleCreate_Smolyak), TZ_TYPE(TZRULEMC, TzRuleCreate_MC), {NULL, NULL}};

static PetscErrorCode Reset(PetscObject);

PetscClassId   TZRULE_CLASSID;
static TzClass TzRuleClass = {.name = "TzRule", .id = &TZRULE_CLASSID, .option = "-rule_type", .text = "The quadrature rule", .types = table, .reset = Reset};

PetscErrorCode TzRuleRegisterAll(void)
{
  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzRuleClass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A user's own rule: create fills rule->ops (tzruleimpl.h). Not collective, but every rank has to call it. */
PetscErrorCode TzRuleRegister(const char name[], PetscErrorCode (*create)(TzRule))
{
  PetscFunctionBegin;
  PetscCall(TzClassRegister(&TzRuleClass, name, (TzTypeCreate)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleCreate(MPI_Comm comm, TzRule *rule)
{
  TzRule r;

  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzRuleClass));
  PetscCall(PetscHeaderCreate(r, TZRULE_CLASSID, "TzRule", "Quadrature rule for the Gaussian", "Rule", comm, TzRuleDestroy, TzRuleView));
  r->dim     = 21;
  r->level   = 3;
  r->samples = 1024;
  *rule      = r;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreePairs(TzPairs *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(p->ptr, p->w, p->idx, p->val));
  PetscCall(PetscMemzero(p, sizeof(*p)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset(PetscObject obj)
{
  TzRule rule = (TzRule)obj;

  PetscFunctionBegin;
  PetscCall(FreePairs(&rule->pairs));
  rule->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleAllocate(TzRule rule, PetscReal npairs, PetscReal nentries, const char option[], PetscInt value)
{
  const PetscReal numbers = (npairs + nentries) * (1 + sizeof(PetscInt) / (PetscReal)sizeof(PetscReal));
  MPI_Comm        comm    = PetscObjectComm((PetscObject)rule);
  TzPairs        *p       = &rule->pairs;

  PetscFunctionBegin;
  PetscCheck(nentries < PETSC_MAX_INT, comm, PETSC_ERR_USER_INPUT,
             "-rule_dim %" PetscInt_FMT " %s %" PetscInt_FMT ": too many nodes, %.3g of them with %.3g numbers; allowed: 2^%d", rule->dim, option, value,
             (double)(2 * npairs), (double)nentries, (int)(8 * sizeof(PetscInt)) - 1);
  PetscCall(TzMemoryCheck(comm, numbers, "-rule_dim %" PetscInt_FMT " %s %" PetscInt_FMT ": too many nodes, %.3g of them", rule->dim, option, value,
                          (double)(2 * npairs)));
  PetscCall(FreePairs(p));
  p->dim    = rule->dim;
  p->npairs = (PetscInt)npairs;
  PetscCall(PetscMalloc4(p->npairs + 1, &p->ptr, p->npairs, &p->w, (PetscInt)nentries, &p->idx, (PetscInt)nentries, &p->val));
  p->ptr[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleSetType(TzRule rule, TzRuleType type)
{
  PetscFunctionBegin;
  PetscCall(TzClassSetType(&TzRuleClass, rule, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleGetType(TzRule rule, TzRuleType *type)
{
  PetscFunctionBegin;
  *type = ((PetscObject)rule)->type_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleSetDim(TzRule rule, PetscInt dim)
{
  PetscFunctionBegin;
  if (rule->dim != dim) rule->setupcalled = PETSC_FALSE;
  rule->dim = dim;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleGetDim(TzRule rule, PetscInt *dim)
{
  PetscFunctionBegin;
  *dim = rule->dim;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleSetLevel(TzRule rule, PetscInt level)
{
  PetscFunctionBegin;
  if (rule->level != level) rule->setupcalled = PETSC_FALSE;
  rule->level = level;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleSetSamples(TzRule rule, PetscInt samples)
{
  PetscFunctionBegin;
  if (rule->samples != samples) rule->setupcalled = PETSC_FALSE;
  rule->samples = samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -rule_type, -rule_dim, -rule_level, -rule_samples; the type is smolyak if none has been set */
PetscErrorCode TzRuleSetFromOptions(TzRule rule)
{
  char     type[64];
  PetscInt dim = rule->dim, level = rule->level, samples = rule->samples;

  PetscFunctionBegin;
  PetscObjectOptionsBegin((PetscObject)rule);
  PetscCall(TzClassGetTypeOption(&TzRuleClass, rule, TZRULESMOLYAK, type));
  PetscCall(TzRuleSetType(rule, type));
  PetscCall(TzOptionsInt("-rule_dim", "Dimension of the Gaussian", "TzRuleSetDim", dim, &dim, NULL));
  PetscCall(TzOptionsInt("-rule_level", "Level k of the sparse grid (smolyak): exact for degree 2k-1", "TzRuleSetLevel", level, &level, NULL));
  PetscCall(TzOptionsInt("-rule_samples", "Antithetic pairs of samples (mc)", "TzRuleSetSamples", samples, &samples, NULL));
  PetscOptionsEnd();
  PetscCall(TzRuleSetDim(rule, dim));
  PetscCall(TzRuleSetLevel(rule, level));
  PetscCall(TzRuleSetSamples(rule, samples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Makes the nodes; those of a random rule are the sample of seed 0, step 0. Collective; PETSC_ERR_USER_INPUT for impossible sizes. */
PetscErrorCode TzRuleSetUp(TzRule rule)
{
  PetscFunctionBegin;
  if (rule->setupcalled) PetscFunctionReturn(PETSC_SUCCESS);
  if (!((PetscObject)rule)->type_name) PetscCall(TzRuleSetType(rule, TZRULESMOLYAK));
  PetscCheck(rule->dim >= 1, PetscObjectComm((PetscObject)rule), PETSC_ERR_USER_INPUT, "-rule_dim %" PetscInt_FMT ": must be at least 1", rule->dim);
  PetscUseTypeMethod(rule, setup);
  rule->setupcalled = PETSC_TRUE;
  PetscCall(TzRuleSample(rule, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleSample(TzRule rule, PetscInt64 seed, PetscInt step)
{
  PetscFunctionBegin;
  PetscCall(TzRuleSetUp(rule));
  PetscTryTypeMethod(rule, sample, seed, step);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleGetDegree(TzRule rule, PetscInt *degree)
{
  PetscFunctionBegin;
  PetscCall(TzRuleSetUp(rule));
  *degree = rule->degree;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleIsRandom(TzRule rule, PetscBool *random)
{
  PetscFunctionBegin;
  *random = rule->ops->sample ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleGetPairs(TzRule rule, const TzPairs **pairs)
{
  PetscFunctionBegin;
  PetscCall(TzRuleSetUp(rule));
  *pairs = &rule->pairs;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleGetSize(TzRule rule, PetscInt *nodes)
{
  PetscFunctionBegin;
  PetscCall(TzRuleSetUp(rule));
  *nodes = 2 * rule->pairs.npairs + (rule->pairs.hascentre ? 1 : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleView(TzRule rule, PetscViewer viewer)
{
  PetscBool ascii;
  PetscInt  nodes;

  PetscFunctionBegin;
  PetscCall(TzClassViewBegin((PetscObject)rule, &viewer, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRuleGetSize(rule, &nodes));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  dimension %" PetscInt_FMT ", ", rule->dim));
  if (rule->ops->sample) PetscCall(PetscViewerASCIIPrintf(viewer, "antithetic pairs %" PetscInt_FMT ", ", rule->samples));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "level %" PetscInt_FMT ", ", rule->level));
  PetscCall(PetscViewerASCIIPrintf(viewer, "nodes %" PetscInt_FMT ", exact for degree %" PetscInt_FMT "\n", nodes, rule->degree));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRuleDestroy(TzRule *rule)
{
  PetscBool last;

  PetscFunctionBegin;
  PetscCall(TzClassRelease(&TzRuleClass, (PetscObject *)rule, &last));
  if (last) PetscCall(PetscHeaderDestroy(rule));
  PetscFunctionReturn(PETSC_SUCCESS);
}
