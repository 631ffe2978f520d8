#include <tzidx.h>
#include <errno.h>
#include <sys/stat.h>
#include <zlib.h>

#define TZ_IDX_MAX_SIDE  4096       /* rows, columns */
#define TZ_IDX_MAX_COUNT 4000000    /* images */
#define TZ_IDX_MAX_BYTES 0x7fffffff /* of a file: what one MPI_Bcast can send */
#define TZ_IDX_CHUNK     (1 << 20)

/* What rank 0 found in one file; broadcast as bytes */
typedef struct {
  PetscErrorCode code; /* 0: good */
  PetscInt       dim[3];
  char           message[2 * PETSC_MAX_PATH_LEN];
} IdxHeader;

/* Notes an error; the first one stands */
#define IdxFail(h, errorcode, ...) \
  do { \
    if (!(h)->code) { \
      (h)->code = (errorcode); \
      (void)snprintf((h)->message, sizeof((h)->message), __VA_ARGS__); \
    } \
  } while (0)

/* An error of the gzip layer, if there is one. A stream that is cut off sets it at the read that meets the end. */
static void IdxCheckStream(gzFile file, const char path[], IdxHeader *h)
{
  int         err;
  const char *text = gzerror(file, &err);

  if (err == Z_ERRNO) IdxFail(h, PETSC_ERR_FILE_READ, "%s: %s", path, strerror(errno));
  else if (err != Z_OK && err != Z_STREAM_END) IdxFail(h, PETSC_ERR_FILE_READ, "%s", text); /* zlib's text names the file */
}

static void IdxReadHeader(gzFile file, const char path[], int ndim, IdxHeader *h)
{
  unsigned char raw[16];
  const int     length = 4 * (ndim + 1), got = gzread(file, raw, (unsigned)length);
  PetscInt64    bytes = 1;

  IdxCheckStream(file, path, h);
  if (got != length) IdxFail(h, PETSC_ERR_FILE_UNEXPECTED, "%s: ends inside its header", path);
  if (h->code) return;
  if (raw[0] || raw[1] || raw[2] != 8 || raw[3] != ndim)
    IdxFail(h, PETSC_ERR_FILE_UNEXPECTED, "%s: not an IDX file of %s: its magic number is 0x%02x%02x%02x%02x, must be 0x0000080%d", path,
            ndim == 3 ? "images" : "labels", raw[0], raw[1], raw[2], raw[3], ndim);
  for (int k = 0; k < ndim; k++) {
    const unsigned char *b     = raw + 4 * (k + 1);
    const PetscInt64     value = ((PetscInt64)b[0] << 24) | (b[1] << 16) | (b[2] << 8) | b[3], most = k ? TZ_IDX_MAX_SIDE : TZ_IDX_MAX_COUNT;

    if (value < 1 || value > most)
      IdxFail(h, PETSC_ERR_FILE_UNEXPECTED, "%s: its header gives dimension %d the size %" PetscInt64_FMT ", must be 1..%" PetscInt64_FMT, path, k, value,
              most);
    else bytes *= value; /* below 2^22 2^12 2^12 */
    h->dim[k] = (PetscInt)value;
  }
  if (bytes > TZ_IDX_MAX_BYTES)
    IdxFail(h, PETSC_ERR_FILE_UNEXPECTED, "%s: its header announces %" PetscInt64_FMT " bytes, more than %d", path, bytes, TZ_IDX_MAX_BYTES);
}

/* *data (PetscMalloc): the `size` bytes after the header, which must be all there is; the memory grows with the bytes read */
static PetscErrorCode IdxReadBody(gzFile file, const char path[], size_t size, IdxHeader *h, unsigned char **data)
{
  size_t        have = 0, room = 0;
  unsigned char extra;

  PetscFunctionBegin;
  while (have < size) {
    int got;

    if (have == room) {
      room = PetscMin(size, PetscMax((size_t)TZ_IDX_CHUNK, 2 * room));
      PetscCall(PetscRealloc(room, data));
    }
    got = gzread(file, *data + have, (unsigned)PetscMin(room - have, (size_t)TZ_IDX_CHUNK));
    if (got <= 0) break;
    have += (size_t)got;
  }
  if (have == size && gzread(file, &extra, 1) > 0) IdxFail(h, PETSC_ERR_FILE_UNEXPECTED, "%s: longer than the %zu bytes its header announces", path, size);
  IdxCheckStream(file, path, h);
  if (have < size) IdxFail(h, PETSC_ERR_FILE_UNEXPECTED, "%s: ends after %zu of the %zu bytes its header announces", path, have, size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0: a whole file. On a fault h->code is set and *data is NULL. */
static PetscErrorCode IdxReadFile(const char path[], int ndim, IdxHeader *h, unsigned char **data)
{
  struct stat info;
  gzFile      file;

  PetscFunctionBegin;
  *data = NULL;
  PetscCall(PetscMemzero(h, sizeof(*h)));
  h->dim[1] = h->dim[2] = 1;
  if (stat(path, &info)) IdxFail(h, PETSC_ERR_FILE_OPEN, "%s: %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode)) IdxFail(h, PETSC_ERR_FILE_OPEN, "%s: not a regular file", path);
  if (h->code) PetscFunctionReturn(PETSC_SUCCESS);
  file = gzopen(path, "rb"); /* reads plain files as well */
  if (!file) {
    IdxFail(h, PETSC_ERR_FILE_OPEN, "%s: %s", path, strerror(errno));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  IdxReadHeader(file, path, ndim, h);
  if (!h->code) PetscCall(IdxReadBody(file, path, (size_t)h->dim[0] * (size_t)(h->dim[1] * h->dim[2]), h, data));
  (void)gzclose(file);
  if (h->code) PetscCall(PetscFree(*data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0: checks what concerns both files */
static void IdxCheckPair(const char images[], const char labels[], const unsigned char label[], IdxHeader *hi, const IdxHeader *hl)
{
  if (hl->code) IdxFail(hi, hl->code, "%s", hl->message);
  if (hi->code) return;
  if (hi->dim[0] != hl->dim[0])
    IdxFail(hi, PETSC_ERR_FILE_UNEXPECTED, "%s holds %" PetscInt_FMT " images, but %s holds %" PetscInt_FMT " labels", images, hi->dim[0], labels, hl->dim[0]);
  for (PetscInt i = 0; i < hl->dim[0]; i++)
    if (label[i] >= TZ_IMAGE_CLASSES)
      IdxFail(hi, PETSC_ERR_FILE_UNEXPECTED, "%s: label %" PetscInt_FMT " is %d, must be 0..%d", labels, i, label[i], TZ_IMAGE_CLASSES - 1);
}

PetscErrorCode TzImagesRead(MPI_Comm comm, const char images[], const char labels[], TzImages *set)
{
  IdxHeader   hi, hl;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(set, sizeof(*set)));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    PetscCall(IdxReadFile(images, 3, &hi, &set->pixel));
    PetscCall(IdxReadFile(labels, 1, &hl, &set->label));
    IdxCheckPair(images, labels, set->label, &hi, &hl);
    if (hi.code) PetscCall(TzImagesDestroy(set));
  }
  PetscCallMPI(MPI_Bcast(&hi, (PetscMPIInt)sizeof(hi), MPI_BYTE, 0, comm));
  PetscCheck(!hi.code, comm, hi.code, "%s", hi.message);
  set->n    = hi.dim[0];
  set->rows = hi.dim[1];
  set->cols = hi.dim[2];
  if (rank) {
    PetscCall(PetscMalloc1((size_t)set->n * (size_t)(set->rows * set->cols), &set->pixel));
    PetscCall(PetscMalloc1((size_t)set->n, &set->label));
  }
  PetscCallMPI(MPI_Bcast(set->pixel, (PetscMPIInt)(set->n * set->rows * set->cols), MPI_BYTE, 0, comm));
  PetscCallMPI(MPI_Bcast(set->label, (PetscMPIInt)set->n, MPI_BYTE, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* path: DIR/NAME-KIND.gz if there is such a file, else DIR/NAME-KIND; rank 0's finding holds for all */
static PetscErrorCode IdxFindFile(MPI_Comm comm, const char dir[], const char name[], const char kind[], char path[PETSC_MAX_PATH_LEN])
{
  PetscMPIInt rank;
  PetscBool   found = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscSNPrintf(path, PETSC_MAX_PATH_LEN, "%s/%s-%s.gz", dir, name, kind));
  if (!rank) PetscCall(PetscTestFile(path, 'r', &found));
  PetscCallMPI(MPI_Bcast(&found, 1, TZ_MPI_BOOL, 0, comm));
  if (!found) PetscCall(PetscSNPrintf(path, PETSC_MAX_PATH_LEN, "%s/%s-%s", dir, name, kind));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzImagesReadDirectory(MPI_Comm comm, const char dir[], const char name[], TzImages *set)
{
  char images[PETSC_MAX_PATH_LEN], labels[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(IdxFindFile(comm, dir, name, "images-idx3-ubyte", images));
  PetscCall(IdxFindFile(comm, dir, name, "labels-idx1-ubyte", labels));
  PetscCall(TzImagesRead(comm, images, labels, set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzImagesDestroy(TzImages *set)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(set->pixel));
  PetscCall(PetscFree(set->label));
  PetscCall(PetscMemzero(set, sizeof(*set)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
