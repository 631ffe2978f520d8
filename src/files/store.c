/*
  Named arrays in memory; hdf5.c writes and reads them.
*/
#include "storeimpl.h"

PetscErrorCode TzStoreCreate(MPI_Comm comm, TzStore *store)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(store));
  (*store)->comm = comm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStoreDestroy(TzStore *store)
{
  PetscFunctionBegin;
  if (!*store) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < (*store)->n; i++) PetscCall(PetscFree((*store)->item[i].data));
  PetscCall(PetscFree((*store)->item));
  PetscCall(PetscFree(*store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t TzItemBytes(const TzItem *item)
{
  const size_t entry[] = {sizeof(PetscReal), sizeof(PetscInt64), 1, 0};

  return entry[item->type] * (size_t)item->rows * (size_t)(item->cols ? item->cols : 1);
}

static TzItem *TzStoreFind(TzStore store, const char path[])
{
  for (PetscInt i = 0; i < store->n; i++) {
    if (!strcmp(store->item[i].path, path)) return &store->item[i];
  }
  return NULL;
}

PetscErrorCode TzStorePut(TzStore store, const char path[], TzItemType type, PetscInt rows, PetscInt cols, const void *data, void **room)
{
  TzItem *item = TzStoreFind(store, path);

  PetscFunctionBegin;
  if (!item) {
    if (store->n == store->size) {
      store->size = 2 * store->size + 32;
      PetscCall(PetscRealloc(sizeof(*store->item) * (size_t)store->size, &store->item));
    }
    item = &store->item[store->n++];
    PetscCall(PetscMemzero(item, sizeof(*item)));
    PetscCall(PetscStrncpy(item->path, path, sizeof(item->path)));
  }
  PetscCall(PetscFree(item->data));
  item->type = type;
  item->rows = rows;
  item->cols = cols;
  PetscCall(PetscMalloc(PetscMax(TzItemBytes(item), 1), &item->data));
  if (data) PetscCall(PetscMemcpy(item->data, data, TzItemBytes(item)));
  if (room) *room = item->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStorePutReal(TzStore store, const char path[], PetscInt rows, PetscInt cols, const PetscReal x[])
{
  PetscFunctionBegin;
  if (x) PetscCall(TzStorePut(store, path, TZ_ITEM_REAL, rows, cols, x, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStorePutInt(TzStore store, const char path[], PetscInt n, const PetscInt64 i[])
{
  PetscFunctionBegin;
  if (i) PetscCall(TzStorePut(store, path, TZ_ITEM_INT, n, 0, i, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStorePutText(TzStore store, const char path[], const char text[])
{
  PetscFunctionBegin;
  if (text) PetscCall(TzStorePut(store, path, TZ_ITEM_TEXT, (PetscInt)strlen(text) + 1, 0, text, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStoreHas(TzStore store, const char path[], PetscBool *has)
{
  PetscFunctionBegin;
  *has = (PetscBool)(TzStoreFind(store, path) != NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStoreGetPath(TzStore store, PetscInt i, const char *path[])
{
  PetscFunctionBegin;
  *path = i < store->n ? store->item[i].path : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzStoreGet(TzStore store, const char path[], TzItemType type, TzItem **item)
{
  static const char *const names[] = {"numbers", "whole numbers", "text"};

  PetscFunctionBegin;
  *item = TzStoreFind(store, path);
  PetscCheck(*item && (*item)->type == type, store->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: no %s %s in this file", store->file, names[type], path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStoreGetReal(TzStore store, const char path[], PetscInt *rows, PetscInt *cols, const PetscReal *x[])
{
  TzItem *item;

  PetscFunctionBegin;
  PetscCall(TzStoreGet(store, path, TZ_ITEM_REAL, &item));
  *rows = item->rows;
  if (cols) *cols = item->cols;
  *x = (const PetscReal *)item->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStoreGetInt(TzStore store, const char path[], PetscInt *n, const PetscInt64 *i[])
{
  TzItem *item;

  PetscFunctionBegin;
  PetscCall(TzStoreGet(store, path, TZ_ITEM_INT, &item));
  *n = item->rows;
  *i = (const PetscInt64 *)item->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStoreGetText(TzStore store, const char path[], const char *text[])
{
  TzItem *item;

  PetscFunctionBegin;
  PetscCall(TzStoreGet(store, path, TZ_ITEM_TEXT, &item));
  *text = (const char *)item->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static uint64_t Hash(uint64_t hash, const void *data, size_t size)
{
  for (size_t i = 0; i < size; i++) hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
  return hash;
}

uint64_t TzChecksum(PetscInt n, const PetscReal x[])
{
  return Hash(0xcbf29ce484222325u, x, (size_t)n * sizeof(*x));
}

uint64_t TzStoreChecksum(TzStore store, PetscInt i)
{
  const TzItem *item     = &store->item[i];
  const int64_t shape[3] = {item->type, item->rows, item->cols};

  if (item->type == TZ_ITEM_OTHER) return 0;
  return Hash(Hash(0xcbf29ce484222325u, shape, sizeof(shape)), item->data, TzItemBytes(item));
}
