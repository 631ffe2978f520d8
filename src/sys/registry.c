/* Named things (tzregistryimpl.h). */
#include <private/tzregistryimpl.h>

PetscInt TzRegistryIndex(const TzRegistry *registry, const char name[])
{
  PetscInt k = 0;

  while (k < TZ_REGISTRY_ROWS && registry->rows[k].name && strcmp(registry->rows[k].name, name)) k++;
  return k;
}

PetscErrorCode TzRegistryAdd(TzRegistry *registry, const char name[], const void *thing)
{
  const PetscInt k = TzRegistryIndex(registry, name);
  char          *copy;

  PetscFunctionBegin;
  PetscCheck(k < TZ_REGISTRY_ROWS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s %s: there is room for %d", registry->what, name, TZ_REGISTRY_ROWS);
  PetscCheck(!registry->rows[k].name || registry->rows[k].thing == thing, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s %s: there is one of this name",
             registry->what, name);
  PetscCall(TzTypeNote(name));
  if (registry->rows[k].name) PetscFunctionReturn(PETSC_SUCCESS);
  copy = strdup(name); /* not PETSc's memory, which ends with PETSc */
  PetscCheck(copy, PETSC_COMM_SELF, PETSC_ERR_MEM, "%s %s", registry->what, name);
  registry->rows[k].name  = copy;
  registry->rows[k].thing = thing;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *TzRegistryName(const TzRegistry *registry, const void *thing)
{
  PetscInt k = 0;

  while (registry->rows[k].thing != thing) k++;
  return registry->rows[k].name;
}

PetscErrorCode TzRegistryFind(const TzRegistry *registry, MPI_Comm comm, const char option[], const char name[], const void **thing)
{
  const PetscInt found        = TzRegistryIndex(registry, name);
  char           allowed[512] = "";

  PetscFunctionBegin;
  *thing = TzRegistryEach(registry, found);
  if (*thing) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; TzRegistryEach(registry, k); k++) {
    if (k) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
    PetscCall(PetscStrlcat(allowed, registry->rows[k].name, sizeof(allowed)));
  }
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s %s: unknown; allowed: %s, and what a library registers (-dll_append)", option, name, allowed);
}

PetscErrorCode TzRegistryNote(const TzRegistry *registry)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; TzRegistryEach(registry, k); k++) PetscCall(TzTypeNote(registry->rows[k].name));
  PetscFunctionReturn(PETSC_SUCCESS);
}
