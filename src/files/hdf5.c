/*
  A TzStore as an HDF5 file: rank 0 makes and reads an image of the file in memory, whose bytes file.c moves. So HDF5 opens no file, takes no lock, and has
  nothing to flush when a disk is full. What goes wrong is told as a text ("" if nothing did), which is broadcast: every rank raises the same error.

  A file that is read is data from somewhere. Its sizes are checked before memory is taken, nothing in it leads to another file or to code.
*/
#include "storeimpl.h"
#include <hdf5.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info1_t TzObjectInfo;
#else
typedef H5O_info_t TzObjectInfo;
#endif

#define TZ_REASON   512        /* length of the text that tells what went wrong */
#define TZ_SETS     4096       /* data sets of a file */
#define TZ_UNPACKED (64 << 20) /* bytes that the arrays of any file may have, */
#define TZ_PATIENCE 60         /* seconds in which a file must show something */
#define TZ_RATIO    32         /* or else this many times what the file has */

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

/* The file's bytes (malloced), NULL where HDF5 fails */
static void *TzStoreImage(TzStore store, size_t *size)
{
  hid_t     access = H5Pcreate(H5P_FILE_ACCESS), groups = H5Pcreate(H5P_LINK_CREATE), id;
  PetscBool ok;
  ssize_t   bytes = -1;
  void     *image = NULL;

  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_fapl_core(access, 1 << 20, 0);
  H5Pset_create_intermediate_group(groups, 1);
  id = H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  ok = (PetscBool)(id >= 0);
  for (PetscInt i = 0; ok && i < store->n; i++) ok = TzItemWrite(id, groups, &store->item[i]);
  if (ok && H5Fflush(id, H5F_SCOPE_LOCAL) >= 0) bytes = H5Fget_file_image(id, NULL, 0);
  if (bytes > 0) image = malloc((size_t)bytes);
  if (image && H5Fget_file_image(id, image, (size_t)bytes) != bytes) {
    free(image);
    image = NULL;
  }
  *size = (size_t)bytes;
  if (id >= 0) H5Fclose(id);
  H5Pclose(groups);
  H5Pclose(access);
  return image;
}

PetscErrorCode TzStoreTryWrite(TzStore store, const char file[], size_t len, char reason[])
{
  PetscMPIInt rank;
  void       *image;
  size_t      size;

  PetscFunctionBegin;
  reason[0] = 0;
  PetscCallMPI(MPI_Comm_rank(store->comm, &rank));
  if (!rank) {
    image = TzStoreImage(store, &size);
    if (image) TzFileWrite(file, image, size, len, reason);
    else snprintf(reason, len, "cannot be made (no memory)");
    free(image);
  }
  PetscCallMPI(MPI_Bcast(reason, (PetscMPIInt)len, MPI_CHAR, 0, store->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzStoreWrite(TzStore store, const char option[], const char file[])
{
  char reason[TZ_REASON];

  PetscFunctionBegin;
  PetscCall(TzStoreTryWrite(store, file, sizeof(reason), reason));
  PetscCheck(!reason[0], store->comm, PETSC_ERR_FILE_WRITE, "%s %s: %s", option, file, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ reading ------------------------------------------------------------ */

/* What the visit of a file knows */
typedef struct {
  TzStore     store;
  const char *only;
  double      room; /* bytes that its arrays may still have */
  char       *reason;
} TzVisit;

static herr_t TzRefuse(TzVisit *visit, const char path[], const char why[])
{
  if (!visit->reason[0]) snprintf(visit->reason, TZ_REASON, "%.200s: %s", path, why);
  return -1;
}

/* Bytes of an entry and of a chunk in the file: HDF5 makes room for a whole chunk */
static double TzChunkBytes(hid_t set, hid_t type)
{
  hid_t   create              = H5Dget_create_plist(set);
  hsize_t chunk[H5S_MAX_RANK] = {0};
  double  bytes               = (double)H5Tget_size(type);
  int     rank                = H5Pget_layout(create) == H5D_CHUNKED ? H5Pget_chunk(create, H5S_MAX_RANK, chunk) : 0;

  for (int i = 0; i < rank; i++) bytes *= (double)chunk[i];
  H5Pclose(create);
  return bytes;
}

/* Kind, rows and columns of a data set */
static void TzItemDescribe(hid_t type, hid_t space, TzItem *item)
{
  hsize_t           dims[2] = {0, 0};
  const int         rank    = H5Sget_simple_extent_ndims(space);
  const H5S_class_t extent  = H5Sget_simple_extent_type(space);
  const H5T_class_t class   = H5Tget_class(type);

  if (rank == 1 || rank == 2) H5Sget_simple_extent_dims(space, dims, NULL);
  item->type = TZ_ITEM_OTHER;
  item->rows = item->cols = 0;
  if (class == H5T_STRING && extent == H5S_SCALAR && !H5Tis_variable_str(type) && H5Tget_size(type) <= PETSC_MPI_INT_MAX) {
    item->type = TZ_ITEM_TEXT;
    item->rows = (PetscInt)H5Tget_size(type);
  } else if ((class == H5T_FLOAT || class == H5T_INTEGER) && extent == H5S_SIMPLE && (rank == 1 || (rank == 2 && dims[1])) && dims[0] <= PETSC_MPI_INT_MAX &&
             dims[1] <= PETSC_MPI_INT_MAX && (double)dims[0] * (double)PetscMax(dims[1], 1) * sizeof(PetscReal) <= PETSC_MPI_INT_MAX) { /* one broadcast */
    item->type = class == H5T_INTEGER && rank == 1 ? TZ_ITEM_INT : TZ_ITEM_REAL;
    item->rows = (PetscInt)dims[0];
    item->cols = rank == 2 ? (PetscInt)dims[1] : 0;
  }
}

/* A data set into the store, if there is room for it */
static herr_t TzItemRead(hid_t set, hid_t filetype, TzItem *item, TzVisit *visit)
{
  herr_t err  = 0;
  void  *data = NULL;
  hid_t  type;

  if (item->type != TZ_ITEM_OTHER) {
    visit->room -= (double)TzItemBytes(item);
    if (visit->room < 0 || TzChunkBytes(set, filetype) > visit->room + (double)TzItemBytes(item))
      return TzRefuse(visit, item->path, "unpacks to far more than the file can hold");
  }
  if (TzStorePut(visit->store, item->path, item->type, item->rows, item->cols, NULL, &data)) return TzRefuse(visit, item->path, "no memory for it");
  if (item->type == TZ_ITEM_OTHER || !item->rows) return 0;
  type = TzItemHDF5Type(item);
  err  = H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Tclose(type);
  if (item->type == TZ_ITEM_TEXT) ((char *)data)[item->rows - 1] = 0;
  return err < 0 ? TzRefuse(visit, item->path, "damaged, or packed by a filter that is not built in") : 0;
}

/* For H5Ovisit: one object; a negative result ends the visit */
static herr_t TzObject(hid_t file, const char *name, const TzObjectInfo *info, void *ctx)
{
  TzVisit *visit = (TzVisit *)ctx;
  TzItem   item  = {.path = "/"};
  hid_t    set, type, space, create;
  herr_t   err = 0;

  if (info->type != H5O_TYPE_DATASET) return 0;
  snprintf(item.path + 1, sizeof(item.path) - 1, "%s", name);
  if (visit->only && strcmp(item.path, visit->only)) return 0;
  if (strlen(name) + 2 > sizeof(item.path)) return TzRefuse(visit, item.path, "so long a name");
  if (visit->store->n == TZ_SETS) return TzRefuse(visit, item.path, "too many data sets");
  set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return TzRefuse(visit, item.path, "damaged");
  type   = H5Dget_type(set);
  space  = H5Dget_space(set);
  create = H5Dget_create_plist(set);
  if (type < 0 || space < 0 || create < 0) err = TzRefuse(visit, item.path, "damaged");
  else if (H5Pget_layout(create) == H5D_VIRTUAL || H5Pget_external_count(create) != 0)
    err = TzRefuse(visit, item.path, "its data are in another file: refused");
  else {
    TzItemDescribe(type, space, &item);
    err = TzItemRead(set, type, &item, visit);
  }
  if (create >= 0) H5Pclose(create);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  H5Dclose(set);
  return err;
}

/* For H5Lvisit: links that lead out of the file */
static herr_t TzLink(PETSC_UNUSED hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
  return info->type == H5L_TYPE_HARD || info->type == H5L_TYPE_SOFT ? 0 : TzRefuse((TzVisit *)ctx, name, "a link to another file: refused");
}

/* HDF5's signature stands at 0 or, behind a block of the user's, at 512, 1024, 2048 ... */
static PetscBool TzIsHDF5(const char image[], size_t size)
{
  for (size_t at = 0; at + 8 <= size; at = at ? 2 * at : 512) {
    if (!memcmp(image + at, "\211HDF\r\n\032\n", 8)) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static void TzStoreReadImage(TzVisit *visit, void *image, size_t size)
{
  hid_t        access = H5Pcreate(H5P_FILE_ACCESS), id;
  unsigned int plugins;

  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLget_loading_state(&plugins);
  H5PLset_loading_state(0);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_fapl_core(access, 1 << 20, 0);
  H5Pset_file_image(access, image, size);
  id = H5Fopen("image", H5F_ACC_RDONLY, access);
  if (id < 0 || H5Lvisit(id, H5_INDEX_NAME, H5_ITER_INC, TzLink, visit) < 0 || H5Ovisit2(id, H5_INDEX_NAME, H5_ITER_INC, TzObject, visit, H5O_INFO_BASIC) < 0) {
    if (!visit->reason[0]) snprintf(visit->reason, TZ_REASON, "truncated or damaged HDF5 file");
  }
  if (id >= 0) H5Fclose(id);
  H5Pclose(access);
  H5PLset_loading_state(plugins);
}

/*
  HDF5 itself does not survive every damaged file. So a process of its own, a copy of this one, looks into the image and hands back what it finds; should
  it crash or take long, nothing is lost but it. This is done before the first step, when nothing is on its way between the ranks.
*/
static void TzChild(TzVisit *visit, void *image, size_t size, int out)
{
  static const int    signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGUSR1};
  const TzStore       store     = visit->store;
  const struct rlimit none      = {0, 0};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(signals); i++) signal(signals[i], SIG_DFL); /* not PETSc's, which end the job */
  setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__)
  if (!freopen("/dev/null", "w", stderr)) fclose(stderr); /* the C library's last words */
#endif
  TzStoreReadImage(visit, image, size);
  if (!TzFileSend(out, visit->reason, TZ_REASON) || !TzFileSend(out, &store->n, sizeof(store->n))) _exit(1);
  for (PetscInt i = 0; i < store->n; i++) {
    if (!TzFileSend(out, &store->item[i], sizeof(TzItem)) || !TzFileSend(out, store->item[i].data, TzItemBytes(&store->item[i]))) _exit(1);
  }
  _exit(0);
}

/* What the child sends, into the store; FALSE where it ended before */
static PetscBool TzReceive(TzStore store, int in, char reason[])
{
  PetscInt n = 0;

  if (!TzFileReceive(in, reason, TZ_REASON, TZ_PATIENCE) || !TzFileReceive(in, &n, sizeof(n), TZ_PATIENCE)) return PETSC_FALSE;
  for (PetscInt i = 0; i < n; i++) {
    TzItem item;
    void  *data;

    if (!TzFileReceive(in, &item, sizeof(item), TZ_PATIENCE)) return PETSC_FALSE;
    if (TzStorePut(store, item.path, item.type, item.rows, item.cols, NULL, &data)) return PETSC_FALSE;
    if (!TzFileReceive(in, data, TzItemBytes(&item), TZ_PATIENCE)) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

static void TzStoreReadRoot(TzStore store, const char file[], const char only[], char reason[])
{
  TzVisit visit = {.store = store, .only = only, .reason = reason};
  void   *image;
  size_t  size;
  int     ends[2];
  pid_t   child;

  if (!TzFileRead(file, &image, &size, TZ_REASON, reason)) return;
  visit.room = PetscMax((double)TZ_UNPACKED, TZ_RATIO * (double)size);
  if (!TzIsHDF5((const char *)image, size)) snprintf(reason, TZ_REASON, "not an HDF5 file");
  else if (pipe(ends)) snprintf(reason, TZ_REASON, "no pipe (%s)", strerror(errno));
  else {
    child = fork();
    if (!child) TzChild(&visit, image, size, ends[1]);
    close(ends[1]);
    if (child < 0) snprintf(reason, TZ_REASON, "no process to read it (%s)", strerror(errno));
    else if (!TzReceive(store, ends[0], reason)) {
      snprintf(reason, TZ_REASON, "truncated or damaged HDF5 file");
      kill(child, SIGKILL);
    }
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  free(image);
}

PetscErrorCode TzStoreTryRead(MPI_Comm comm, const char file[], const char only[], TzStore *store, size_t len, char reason[])
{
  char        why[TZ_REASON] = "";
  PetscMPIInt rank, bytes;
  PetscInt    n;

  PetscFunctionBegin;
  PetscCall(TzStoreCreate(comm, store));
  PetscCall(PetscStrncpy((*store)->file, file, sizeof((*store)->file)));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) TzStoreReadRoot(*store, file, only, why);
  PetscCallMPI(MPI_Bcast(why, sizeof(why), MPI_CHAR, 0, comm));
  (void)snprintf(reason, len, "%.*s", (int)len - 1, why);
  if (reason[0]) {
    PetscCall(TzStoreDestroy(store));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
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

PetscErrorCode TzStoreRead(MPI_Comm comm, const char option[], const char file[], const char only[], TzStore *store)
{
  char reason[TZ_REASON];

  PetscFunctionBegin;
  PetscCall(TzStoreTryRead(comm, file, only, store, sizeof(reason), reason));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_READ, "%s %s: %s", option, file, reason);
  PetscCall(PetscSNPrintf((*store)->file, sizeof((*store)->file), "%s %s", option, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
