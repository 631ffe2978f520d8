/*
  For the files of meshes/: what a type of rule provides. A rule is one file that fills these operations in TzRuleCreate_Name() and
  one row of the table in meshes/rule.c.
*/
#ifndef TZRULEIMPL_H
#define TZRULEIMPL_H

#include <tzrule.h>
#include <private/tzclassimpl.h>

struct _TzRuleOps {
  PetscErrorCode (*setup)(TzRule);                        /* checks its numbers, fills pairs and degree */
  PetscErrorCode (*sample)(TzRule, PetscInt64, PetscInt); /* seed, step: new val of pairs; NULL: the nodes are fixed */
};

struct _p_TzRule {
  PETSCHEADER(struct _TzRuleOps);
  PetscInt  dim, level, samples;
  PetscInt  degree;
  TzPairs   pairs;
  PetscBool setupcalled;
};

/*
  The arrays of rule->pairs for npairs pairs with nentries entries in all. These are real numbers, so that they do not overflow before they are
  checked. Collective. PETSC_ERR_USER_INPUT, naming -rule_dim and option value (which made the rule so large), if they do not fit an index or this
  machine's memory.
*/
PETSC_EXTERN PetscErrorCode TzRuleAllocate(TzRule rule, PetscReal npairs, PetscReal nentries, const char option[], PetscInt value);

#endif
