/* What all classes share: finding a type by its name. */
#include <tzsys.h>

PetscErrorCode TzTypeFind(MPI_Comm comm, PetscFunctionList list, const char option[], const char type[], void (**create)(void))
{
  const char **names;
  char         allowed[512] = "";
  int          n;

  PetscFunctionBegin;
  PetscCall(PetscFunctionListFind(list, type, create));
  if (*create) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFunctionListGet(list, &names, &n));
  for (int i = 0; i < n && names[i]; i++) {
    if (i) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
    PetscCall(PetscStrlcat(allowed, names[i], sizeof(allowed)));
  }
  PetscCall(PetscFree(names));
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s %s: unknown; allowed: %s", option, type, allowed);
}
