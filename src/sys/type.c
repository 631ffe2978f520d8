/* What all classes share: finding a type by its name, and the names of all types. */
#include <tzsys.h>

static PetscFunctionList TzTypes = NULL; /* a set of names */

static PetscErrorCode TzTypesDestroy(void)
{
  PetscFunctionBegin;
  PetscCall(PetscFunctionListDestroy(&TzTypes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTypeNote(const char name[])
{
  PetscFunctionBegin;
  if (!TzTypes) PetscCall(PetscRegisterFinalize(TzTypesDestroy));
  PetscCall(PetscFunctionListAdd(&TzTypes, name, TzTypesDestroy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzTypeIsRegistered(const char name[])
{
  void (*found)(void) = NULL;

  return (PetscBool)(!PetscFunctionListFind(TzTypes, name, &found) && found);
}

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
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s %s: unknown; allowed: %s, and what a library registers (-dll_append)", option, type, allowed);
}
