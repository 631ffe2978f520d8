/*
  Activations: the table. A new one is a function and a row here, or a user's TzActivationRegister().
*/
#include <private/tzactivationimpl.h>
#include <private/tzkernels.h>

static void Sine(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = PetscSinReal(z);
  if (order > 0) d[1] = PetscCosReal(z);
  if (order > 1) d[2] = -d[0];
  if (order > 2) d[3] = -d[1];
}

static void Tanh(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = PetscTanhReal(z);
  if (order > 0) d[1] = 1 - d[0] * d[0];
  if (order > 1) d[2] = -2 * d[0] * d[1];
  if (order > 2) d[3] = -2 * (d[1] * d[1] + d[0] * d[2]);
}

/* its derivative at 0 is 0 */
static void ReLU(PetscReal z, PetscInt order, PetscReal d[])
{
  d[0] = z <= 0 ? 0 : z; /* NaN stays NaN */
  if (order > 0) d[1] = z <= 0 ? 0 : 1;
  for (PetscInt k = 2; k <= order; k++) d[k] = 0;
}

static const struct _n_TzActivation table[] = {
  {"sine", {.evaluate = Sine, .harmonic = PETSC_TRUE, .vector = TZ_VECTOR_SINE}},
  {"tanh", {.evaluate = Tanh, .vector = TZ_VECTOR_TANH}},
  {"relu", {.evaluate = ReLU, .vector = TZ_VECTOR_RELU}},
};
#define NTABLE ((PetscInt)PETSC_STATIC_ARRAY_LENGTH(table))

/* rows of TzActivationRegister(): networks point to them, so they stay where they are */
typedef struct _n_Row {
  struct _n_TzActivation act;
  struct _n_Row         *next;
} Row;
static Row *registered = NULL;

static PetscErrorCode FinalizePackage(void)
{
  PetscFunctionBegin;
  while (registered) {
    Row *next = registered->next;

    PetscCall(PetscFree(registered->act.name));
    PetscCall(PetscFree(registered));
    registered = next;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

TzActivation TzActivationEach(PetscInt i)
{
  const Row *row = registered;

  if (i < NTABLE) return &table[i];
  for (i -= NTABLE; row && i; i--) row = row->next;
  return row ? &row->act : NULL;
}

static TzActivation Lookup(const char name[])
{
  TzActivation act;

  for (PetscInt i = 0; (act = TzActivationEach(i)); i++)
    if (!strcmp(act->name, name)) return act;
  return NULL;
}

/* A wrong claim would make every stencil and derivative wrong without a word */
static PetscErrorCode CheckHarmonic(const char name[], const TzActivationOps *ops)
{
  PetscFunctionBegin;
  for (PetscInt i = -8; i <= 8 && ops->harmonic; i++) {
    PetscReal d[4];

    (*ops->evaluate)(0.7 * i, 2, d);
    PetscCheck(PetscAbsReal(d[2] + d[0]) <= 1e-12 * (1 + PetscAbsReal(d[0])), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
               "activation %s says that it is harmonic, but at %g act'' is %g and act %g", name, (double)(0.7 * i), (double)d[2], (double)d[0]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzActivationRegister(const char name[], const TzActivationOps *ops)
{
  const TzActivation old  = Lookup(name);
  Row              **last = &registered;

  PetscFunctionBegin;
  PetscCheck(ops->evaluate, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "activation %s has no function", name);
  if (old && old->ops.evaluate == ops->evaluate) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CheckHarmonic(name, ops));
  PetscCheck(!old, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "there is an activation of the name %s", name);
  if (!registered) PetscCall(PetscRegisterFinalize(FinalizePackage));
  while (*last) last = &(*last)->next;
  PetscCall(PetscNew(last));
  PetscCall(PetscStrallocpy(name, (char **)&(*last)->act.name));
  (*last)->act.ops = *ops;
  PetscCall(TzTypeNote(name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzActivationFind(MPI_Comm comm, const char option[], const char name[], TzActivation *act)
{
  char         allowed[512] = "";
  TzActivation row;

  PetscFunctionBegin;
  *act = Lookup(name);
  if (*act) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; (row = TzActivationEach(i)); i++) {
    if (i) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
    PetscCall(PetscStrlcat(allowed, row->name, sizeof(allowed)));
  }
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s %s: unknown; allowed: %s", option, name, allowed);
}
