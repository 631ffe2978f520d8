/*
  Tables that grow by rows.
*/
#include <tzfiles.h>

PetscErrorCode TzTableCreate(PetscInt ncol, const char *const name[], TzTable *table)
{
  PetscFunctionBegin;
  PetscCheck(ncol <= TZ_TABLE_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%" PetscInt_FMT " columns, at most %d", ncol, TZ_TABLE_MAX);
  PetscCall(PetscMemzero(table, sizeof(*table)));
  table->ncol = ncol;
  for (PetscInt c = 0; c < ncol; c++) PetscCall(PetscStrallocpy(name[c], &table->name[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTableDestroy(TzTable *table)
{
  PetscFunctionBegin;
  for (PetscInt c = 0; c < table->ncol; c++) {
    PetscCall(PetscFree(table->name[c]));
    PetscCall(PetscFree(table->col[c]));
  }
  PetscCall(PetscMemzero(table, sizeof(*table)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTableAppend(TzTable *table, const PetscReal row[])
{
  PetscFunctionBegin;
  if (table->n == table->size) {
    table->size = 2 * table->size + 256;
    for (PetscInt c = 0; c < table->ncol; c++) PetscCall(PetscRealloc(sizeof(PetscReal) * (size_t)table->size, &table->col[c]));
  }
  for (PetscInt c = 0; c < table->ncol; c++) table->col[c][table->n] = row[c];
  table->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTablePut(const TzTable *table, TzStore store, const char path[])
{
  PetscFunctionBegin;
  for (PetscInt c = 0; c < table->ncol; c++) {
    char name[256];
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s/%s", path, table->name[c]));
    PetscCall(TzStorePutReal(store, name, table->n, 0, table->n ? table->col[c] : (PetscReal[1]){0}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The columns of a table that has none: all arrays PATH/NAME */
static PetscErrorCode TzTableGetColumns(TzTable *table, TzStore store, const char path[])
{
  const size_t len = strlen(path);
  const char  *item, *name[TZ_TABLE_MAX];
  PetscInt     n = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; n < TZ_TABLE_MAX; i++) {
    PetscCall(TzStoreGetPath(store, i, &item));
    if (!item) break;
    if (!strncmp(item, path, len) && item[len] == '/') name[n++] = item + len + 1;
  }
  PetscCall(TzTableCreate(n, name, table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTableGet(TzTable *table, TzStore store, const char path[])
{
  const PetscReal *x[TZ_TABLE_MAX];
  PetscInt         n[TZ_TABLE_MAX] = {0};

  PetscFunctionBegin;
  if (!table->ncol) PetscCall(TzTableGetColumns(table, store, path));
  table->n = 0;
  for (PetscInt c = 0; c < table->ncol; c++) {
    char name[256];
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s/%s", path, table->name[c]));
    PetscCall(TzStoreGetReal(store, name, &n[c], NULL, &x[c]));
    PetscCheck(n[c] == n[0], PETSC_COMM_WORLD, PETSC_ERR_FILE_UNEXPECTED, "%s has %" PetscInt_FMT " entries, %s/%s %" PetscInt_FMT, name, n[c], path,
               table->name[0], n[0]);
  }
  for (PetscInt r = 0; r < n[0]; r++) {
    PetscReal row[TZ_TABLE_MAX];
    for (PetscInt c = 0; c < table->ncol; c++) row[c] = x[c][r];
    PetscCall(TzTableAppend(table, row));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
