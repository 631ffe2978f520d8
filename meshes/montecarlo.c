/* "mc": antithetic pairs +-z of samples of N(0, I_D), equal weights. Pair j takes its numbers from the key of item j. */
#include <private/tzruleimpl.h>

static PetscErrorCode TzRuleSetUp_MC(TzRule rule)
{
  const PetscInt samples = rule->samples, D = rule->dim;
  TzPairs       *p = &rule->pairs;

  PetscFunctionBegin;
  PetscCheck(samples >= 1, PetscObjectComm((PetscObject)rule), PETSC_ERR_USER_INPUT, "-rule_samples %" PetscInt_FMT ": must be at least 1", samples);
  PetscCall(TzRuleAllocate(rule, (PetscReal)samples, (PetscReal)samples * (PetscReal)D, "-rule_samples", samples));
  for (PetscInt j = 0; j < samples; j++) {
    for (PetscInt i = 0; i < D; i++) p->idx[j * D + i] = i;
    p->ptr[j + 1] = (j + 1) * D;
    p->w[j]       = 0.5 / (PetscReal)samples;
  }
  p->hascentre = PETSC_FALSE;
  p->w0        = 0;
  rule->degree = 1; /* any odd function, by symmetry, and constants */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzRuleSample_MC(TzRule rule, PetscInt64 seed, PetscInt step)
{
  const PetscInt D = rule->dim;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < rule->pairs.npairs; j++) PetscCall(TzRandomNormal(seed, TZ_STREAM_RULE, step, j, 0, D, rule->pairs.val + j * D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PETSC_INTERN PetscErrorCode TzRuleCreate_MC(TzRule rule)
{
  PetscFunctionBegin;
  rule->ops->setup  = TzRuleSetUp_MC;
  rule->ops->sample = TzRuleSample_MC;
  PetscFunctionReturn(PETSC_SUCCESS);
}
