/* Tables of named things (tztableimpl.h). */
#include <private/tztableimpl.h>

PetscInt TzTableIndex(const TzTable *table, const char name[])
{
  PetscInt k = 0;

  while (k < TZ_TABLE_ROWS && table->rows[k].name && strcmp(table->rows[k].name, name)) k++;
  return k;
}

PetscErrorCode TzTableAdd(TzTable *table, const char name[], const void *thing)
{
  const PetscInt k = TzTableIndex(table, name);
  char          *copy;

  PetscFunctionBegin;
  PetscCheck(k < TZ_TABLE_ROWS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s %s: there is room for %d", table->what, name, TZ_TABLE_ROWS);
  PetscCheck(!table->rows[k].name || table->rows[k].thing == thing, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s %s: there is one of this name", table->what,
             name);
  PetscCall(TzTypeNote(name));
  if (table->rows[k].name) PetscFunctionReturn(PETSC_SUCCESS);
  copy = strdup(name); /* not PETSc's memory, which ends with PETSc */
  PetscCheck(copy, PETSC_COMM_SELF, PETSC_ERR_MEM, "%s %s", table->what, name);
  table->rows[k].name  = copy;
  table->rows[k].thing = thing;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *TzTableName(const TzTable *table, const void *thing)
{
  PetscInt k = 0;

  while (table->rows[k].thing != thing) k++;
  return table->rows[k].name;
}

PetscErrorCode TzTableFind(const TzTable *table, MPI_Comm comm, const char option[], const char name[], const void **thing)
{
  const PetscInt found        = TzTableIndex(table, name);
  char           allowed[512] = "";

  PetscFunctionBegin;
  *thing = TzTableEach(table, found);
  if (*thing) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; TzTableEach(table, k); k++) {
    if (k) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
    PetscCall(PetscStrlcat(allowed, table->rows[k].name, sizeof(allowed)));
  }
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s %s: unknown; allowed: %s, and what a library registers (-dll_append)", option, name, allowed);
}

PetscErrorCode TzTableNote(const TzTable *table)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; TzTableEach(table, k); k++) PetscCall(TzTypeNote(table->rows[k].name));
  PetscFunctionReturn(PETSC_SUCCESS);
}
