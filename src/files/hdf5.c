/*
  A TzStore in an HDF5 file: rank 0 reads and writes with serial calls. What goes wrong there is told as a text ("" if
  nothing did), which is broadcast, so that every rank raises the same error.
*/
#include "storeimpl.h"
#include <hdf5.h>
#include <errno.h>
#include <unistd.h>

#define TZ_REASON 512 /* length of the text that tells what went wrong */

static hid_t TzItemHDF5Type(const TzItem *item)
{
  hid_t type;

  if (item->type == TZ_ITEM_REAL) return H5Tcopy(H5T_NATIVE_DOUBLE);
  if (item->type == TZ_ITEM_INT) return H5Tcopy(H5T_NATIVE_INT64);
  type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, (size_t)item->rows);
  return type;
}

static hid_t TzItemSpace(const TzItem *item)
{
  const hsize_t dims[2] = {(hsize_t)item->rows, (hsize_t)item->cols};

  if (item->type == TZ_ITEM_TEXT) return H5Screate(H5S_SCALAR);
  return H5Screate_simple(item->cols ? 2 : 1, dims, NULL);
}

static PetscBool TzItemWrite(hid_t file, hid_t groups, const TzItem *item)
{
  hid_t  type = TzItemHDF5Type(item), space = TzItemSpace(item);
  hid_t  set = H5Dcreate2(file, item->path, type, space, groups, H5P_DEFAULT, H5P_DEFAULT);
  herr_t err = set < 0 ? -1 : H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, item->data);

  if (set >= 0 && H5Dclose(set) < 0) err = -1;
  H5Sclose(space);
  H5Tclose(type);
  return (PetscBool)(err >= 0);
}

static void TzStoreWriteRoot(TzStore store, const char file[], char reason[])
{
  char      part[PETSC_MAX_PATH_LEN + 8];
  hid_t     access = H5Pcreate(H5P_FILE_ACCESS), groups = H5Pcreate(H5P_LINK_CREATE), id;
  PetscBool ok;

  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_create_intermediate_group(groups, 1);
  snprintf(part, sizeof(part), "%s.part", file);
  errno = 0;
  id    = H5Fcreate(part, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  ok    = (PetscBool)(id >= 0);
  for (PetscInt i = 0; ok && i < store->n; i++) ok = TzItemWrite(id, groups, &store->item[i]);
  if (id >= 0 && H5Fclose(id) < 0) ok = PETSC_FALSE;
  H5Pclose(groups);
  H5Pclose(access);
  if (ok && TzFileCommit(file)) return;
  snprintf(reason, TZ_REASON, "cannot be written (%s)", errno ? strerror(errno) : "HDF5 error");
  if (id >= 0) unlink(part);
}

PetscErrorCode TzStoreWrite(TzStore store, const char option[], const char file[])
{
  char        reason[TZ_REASON] = "";
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(store->comm, &rank));
  if (!rank) TzStoreWriteRoot(store, file, reason);
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, store->comm));
  PetscCheck(!reason[0], store->comm, PETSC_ERR_FILE_WRITE, "%s %s: %s", option, file, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Type, rows and columns of a data set; FALSE for one that is not an array of numbers or a text of fixed length */
static PetscBool TzItemDescribe(hid_t set, TzItem *item)
{
  hid_t     type = H5Dget_type(set), space = H5Dget_space(set);
  hsize_t   dims[2] = {0, 0};
  const int rank    = H5Sget_simple_extent_ndims(space);
  H5T_class_t class = H5Tget_class(type);
  PetscBool known   = PETSC_TRUE;

  if (rank >= 0 && rank <= 2) H5Sget_simple_extent_dims(space, dims, NULL);
  item->rows = (PetscInt)dims[0];
  item->cols = rank == 2 ? (PetscInt)dims[1] : 0;
  if (class == H5T_STRING && rank == 0 && !H5Tis_variable_str(type)) {
    item->type = TZ_ITEM_TEXT;
    item->rows = (PetscInt)H5Tget_size(type);
  } else if ((class == H5T_FLOAT || class == H5T_INTEGER) && (rank == 1 || rank == 2)) {
    item->type = class == H5T_INTEGER && rank == 1 ? TZ_ITEM_INT : TZ_ITEM_REAL;
  } else known = PETSC_FALSE;
  if (dims[0] > PETSC_MPI_INT_MAX || dims[1] > PETSC_MPI_INT_MAX || TzItemBytes(item) > PETSC_MPI_INT_MAX) known = PETSC_FALSE; /* one broadcast */
  H5Sclose(space);
  H5Tclose(type);
  return known;
}

/* For H5Ovisit: reads one object into the store; a negative result ends the visit */
static herr_t TzItemRead(hid_t file, const char *name, const H5O_info_t *info, void *ctx)
{
  TzStore store = (TzStore)ctx;
  TzItem  item;
  void   *data;
  herr_t  err = 0;
  hid_t   set, type;

  if (info->type != H5O_TYPE_DATASET) return 0;
  set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return -1;
  if (TzItemDescribe(set, &item)) {
    snprintf(item.path, sizeof(item.path), "/%s", name);
    type = TzItemHDF5Type(&item);
    if (TzStorePut(store, item.path, item.type, item.rows, item.cols, NULL, &data)) err = -1;
    else if (item.rows && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) err = -1;
    else if (item.type == TZ_ITEM_TEXT) ((char *)data)[item.rows - 1] = 0;
    H5Tclose(type);
  }
  H5Dclose(set);
  return err;
}

static void TzStoreReadRoot(TzStore store, const char file[], char reason[])
{
  hid_t access, id;
  FILE *f = fopen(file, "r");

  if (!f || fgetc(f) == EOF) snprintf(reason, TZ_REASON, "%s", f ? (errno == EISDIR ? "a folder" : "empty") : strerror(errno));
  if (f) fclose(f);
  if (reason[0]) return;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (H5Fis_hdf5(file) <= 0) {
    snprintf(reason, TZ_REASON, "not an HDF5 file");
    return;
  }
  access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  id = H5Fopen(file, H5F_ACC_RDONLY, access);
  if (id < 0 || H5Ovisit2(id, H5_INDEX_NAME, H5_ITER_INC, TzItemRead, store, H5O_INFO_BASIC) < 0) snprintf(reason, TZ_REASON, "truncated or damaged HDF5 file");
  if (id >= 0) H5Fclose(id);
  H5Pclose(access);
}

PetscErrorCode TzStoreRead(MPI_Comm comm, const char option[], const char file[], TzStore *store)
{
  char        reason[TZ_REASON] = "";
  PetscMPIInt rank, bytes;
  PetscInt    n;

  PetscFunctionBegin;
  PetscCall(TzStoreCreate(comm, store));
  PetscCall(PetscSNPrintf((*store)->file, sizeof((*store)->file), "%s %s", option, file));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) TzStoreReadRoot(*store, file, reason);
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, comm));
  if (reason[0]) PetscCall(TzStoreDestroy(store));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_READ, "%s %s: %s", option, file, reason);
  n = (*store)->n;
  PetscCallMPI(MPI_Bcast(&n, 1, MPIU_INT, 0, comm));
  for (PetscInt i = 0; i < n; i++) {
    TzItem item;
    void  *data = NULL;
    if (!rank) {
      item = (*store)->item[i];
      data = item.data;
    }
    PetscCallMPI(MPI_Bcast(&item, sizeof(item), MPI_BYTE, 0, comm));
    if (rank) PetscCall(TzStorePut(*store, item.path, item.type, item.rows, item.cols, NULL, &data));
    PetscCall(PetscMPIIntCast((PetscInt64)TzItemBytes(&item), &bytes));
    PetscCallMPI(MPI_Bcast(data, bytes, MPI_BYTE, 0, comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
