/* What all classes share (tzclassimpl.h), and the names of all types. */
#include <private/tzclassimpl.h>

static PetscFunctionList TzTypes   = NULL; /* a set of names */
static TzClass          *TzClasses = NULL; /* those that are registered */

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

/* PETSc ends, and may begin again */
static PetscErrorCode TzClassesEnd(void)
{
  PetscFunctionBegin;
  for (TzClass *c = TzClasses; c; c = c->next) {
    PetscCall(PetscFunctionListDestroy(&c->list));
    *c->id = 0;
  }
  TzClasses = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzClassRegisterAll(TzClass *c)
{
  PetscFunctionBegin;
  if (*c->id) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscClassIdRegister(c->name, c->id));
  if (!TzClasses) PetscCall(PetscRegisterFinalize(TzClassesEnd));
  c->next   = TzClasses;
  TzClasses = c;
  if (c->events) PetscCall(c->events());
  for (const TzTypeRow *row = c->types; row && row->name; row++) PetscCall(TzClassRegister(c, row->name, row->create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzClassRegister(TzClass *c, const char name[], TzTypeCreate create)
{
  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(c));
  PetscCall(TzTypeNote(name));
  PetscCall(PetscFunctionListAdd(&c->list, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzClassGetTypes(TzClass *c, PetscInt *n, const char ***names)
{
  int count;

  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(c));
  PetscCall(PetscFunctionListGet(c->list, names, &count));
  for (*n = 0; *n < count && (*names)[*n];) ++*n; /* PETSc may count the NULL at the end */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The constructor of a type, or an error, the same on every rank */
static PetscErrorCode FindType(TzClass *c, MPI_Comm comm, const char type[], TzTypeCreate *create)
{
  const char **names;
  char         allowed[512] = "";
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(PetscFunctionListFind(c->list, type, (void (**)(void))create));
  if (*create) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzClassGetTypes(c, &n, &names));
  for (PetscInt i = 0; i < n; i++) {
    if (i) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
    PetscCall(PetscStrlcat(allowed, names[i], sizeof(allowed)));
  }
  PetscCall(PetscFree(names));
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s %s: unknown; allowed: %s, and what a library registers (-dll_append)", c->option, type, allowed);
}

PetscErrorCode TzClassSetType_Private(TzClass *c, PetscObject obj, void *ops, size_t size, const char type[])
{
  TzTypeCreate create = NULL;
  PetscBool    same;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare(obj, type, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindType(c, PetscObjectComm(obj), type, &create));
  if (c->reset) PetscCall(c->reset(obj));
  PetscCall(PetscMemzero(ops, size));
  PetscCall(PetscObjectChangeTypeName(obj, type));
  PetscCall(create(obj));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzClassGetTypeOption_Private(TzClass *c, PetscObject obj, TzOptionItems PetscOptionsObject, const char deft[], char type[64])
{
  PetscFunctionBegin;
  PetscCall(PetscStrncpy(type, obj->type_name ? obj->type_name : deft, 64));
  PetscCall(TzOptionsFList(c->option, c->text, "Tenzo", c->list, type, type, 64, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzClassRelease(TzClass *c, PetscObject *obj, PetscBool *last)
{
  PetscFunctionBegin;
  *last = PETSC_FALSE;
  if (!*obj) PetscFunctionReturn(PETSC_SUCCESS);
  if (--(*obj)->refct > 0) {
    *obj = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (c->reset) PetscCall(c->reset(*obj));
  *last = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzClassViewBegin(PetscObject obj, PetscViewer *viewer, PetscBool *ascii)
{
  PetscFunctionBegin;
  if (!*viewer) PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm(obj), viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)*viewer, PETSCVIEWERASCII, ascii));
  if (*ascii) PetscCall(PetscObjectPrintClassNamePrefixType(obj, *viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
