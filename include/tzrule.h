/*
  TzRule: a quadrature rule for the standard Gaussian N(0, I_D), symmetric about the origin:

      E g(e)  ~=  w0 g(0) + sum_{j < npairs} w_j (g(z_j) + g(-z_j)),      w0 + 2 sum_j w_j = 1.

  Types (-rule_type): "smolyak" (sparse grid of Gauss-Hermite rules, -rule_level), "mc" (antithetic Monte Carlo,
  -rule_samples pairs, drawn anew for every step).
*/
#ifndef TZRULE_H
#define TZRULE_H

#include <tzsys.h>

typedef struct _p_TzRule *TzRule;
typedef const char       *TzRuleType;
#define TZRULESMOLYAK "smolyak"
#define TZRULEMC      "mc"

/*
  The pairs of a rule, compressed by rows: z_j has the entries val[k] at coordinates idx[k], ptr[j] <= k < ptr[j+1]
  (idx ascending; all other coordinates are 0). Exactly one node of each pair +-z_j is stored.
*/
typedef struct {
  PetscInt   dim;    /* D */
  PetscInt   npairs; /* number of pairs; the rule has 2 npairs nodes and, where hascentre, the origin */
  PetscBool  hascentre;
  PetscReal  w0;  /* weight of the origin (0 where it is no node) */
  PetscInt  *ptr; /* npairs + 1 */
  PetscInt  *idx; /* ptr[npairs] */
  PetscReal *val; /* ptr[npairs] */
  PetscReal *w;   /* npairs: weight of each of the two nodes of a pair */
} TzPairs;

PETSC_EXTERN PetscClassId   TZRULE_CLASSID;
PETSC_EXTERN PetscErrorCode TzRuleCreate(MPI_Comm comm, TzRule *rule);
PETSC_EXTERN PetscErrorCode TzRuleSetType(TzRule rule, TzRuleType type);
PETSC_EXTERN PetscErrorCode TzRuleGetType(TzRule rule, TzRuleType *type);
PETSC_EXTERN PetscErrorCode TzRuleSetDim(TzRule rule, PetscInt dim); /* -rule_dim */
PETSC_EXTERN PetscErrorCode TzRuleGetDim(TzRule rule, PetscInt *dim);
PETSC_EXTERN PetscErrorCode TzRuleSetLevel(TzRule rule, PetscInt level);     /* -rule_level (default 3) */
PETSC_EXTERN PetscErrorCode TzRuleSetSamples(TzRule rule, PetscInt samples); /* -rule_samples (default 1024): pairs of "mc" */
PETSC_EXTERN PetscErrorCode TzRuleGetDegree(TzRule rule, PetscInt *degree);  /* total degree integrated exactly: 2 level - 1; 1 for mc */
PETSC_EXTERN PetscErrorCode TzRuleIsRandom(TzRule rule, PetscBool *random);  /* whether TzRuleSample changes the nodes */
PETSC_EXTERN PetscErrorCode TzRuleSetFromOptions(TzRule rule);
PETSC_EXTERN PetscErrorCode TzRuleSetUp(TzRule rule);
PETSC_EXTERN PetscErrorCode TzRuleSample(TzRule rule, PetscInt64 seed, PetscInt step); /* nodes of this step; nothing for fixed rules */
PETSC_EXTERN PetscErrorCode TzRuleGetPairs(TzRule rule, const TzPairs **pairs);        /* valid until the next Sample or Destroy */
PETSC_EXTERN PetscErrorCode TzRuleGetSize(TzRule rule, PetscInt *nodes);               /* number of nodes: 925 for D = 21, level 3 */
PETSC_EXTERN PetscErrorCode TzRuleView(TzRule rule, PetscViewer viewer);
PETSC_EXTERN PetscErrorCode TzRuleDestroy(TzRule *rule);
PETSC_EXTERN PetscErrorCode TzRuleRegister(const char name[], PetscErrorCode (*create)(TzRule));
PETSC_EXTERN PetscErrorCode TzRuleRegisterAll(void);

#endif
