/* For tests: writes small IDX files, plain or gzip, and a set of digits that a small network can learn. */
#ifndef IDXWRITE_H
#define IDXWRITE_H

#include <tzidx.h>
#include <zlib.h>

static inline void IdxPut32(unsigned char *b, unsigned value)
{
  for (int k = 0; k < 4; k++) b[k] = (unsigned char)(value >> (24 - 8 * k));
}

/* raw[4 (ndim + 1)]: a header of unsigned bytes */
static inline size_t IdxPutHeader(unsigned char raw[], int ndim, const unsigned dim[])
{
  IdxPut32(raw, 0x800u + (unsigned)ndim);
  for (int k = 0; k < ndim; k++) IdxPut32(raw + 4 * (k + 1), dim[k]);
  return 4 * (size_t)(ndim + 1);
}

/* Writes header and body to path; gzip unless plain */
static inline PetscErrorCode IdxWrite(const char path[], PetscBool plain, const void *header, size_t nheader, const void *body, size_t nbody)
{
  gzFile file;

  PetscFunctionBegin;
  file = gzopen(path, plain ? "wbT" : "wb6");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", path);
  PetscCheck(!nheader || gzwrite(file, header, (unsigned)nheader) == (int)nheader, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path);
  PetscCheck(!nbody || gzwrite(file, body, (unsigned)nbody) == (int)nbody, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path);
  PetscCheck(gzclose(file) == Z_OK, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  n images of side x side and their labels under dir, as NAME-images-idx3-ubyte.gz and NAME-labels-idx1-ubyte.gz. Image i has
  label i % 10: a bright bar whose place tells the label, on a noisy background, shifted at random.
*/
static inline PetscErrorCode IdxWriteBars(const char dir[], const char name[], unsigned n, unsigned side)
{
  unsigned char *pixel, *label, raw[16];
  PetscReal     *noise;
  char           path[PETSC_MAX_PATH_LEN];
  const unsigned dim[3] = {n, side, side}, size = side * side;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n * size, &pixel, n, &label, size + 1, &noise));
  for (unsigned i = 0; i < n; i++) {
    const unsigned digit = i % 10, line = (digit % 5) * side / 5;

    label[i] = (unsigned char)digit;
    PetscCall(TzRandomUniform(name[0], TZ_STREAM_VALIDATION, (PetscInt)n, (PetscInt)i, 0, (PetscInt)size + 1, noise));
    for (unsigned p = 0; p < size; p++) {
      const unsigned across = digit < 5 ? p / side : p % side; /* digits 0..4: rows, 5..9: columns */

      pixel[i * size + p] = (unsigned char)(60 * noise[p] + (across == line ? 120 + 60 * noise[size] : 0));
    }
  }
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s-images-idx3-ubyte.gz", dir, name));
  PetscCall(IdxWrite(path, PETSC_FALSE, raw, IdxPutHeader(raw, 3, dim), pixel, n * size));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s-labels-idx1-ubyte.gz", dir, name));
  PetscCall(IdxWrite(path, PETSC_FALSE, raw, IdxPutHeader(raw, 1, dim), label, n));
  PetscCall(PetscFree3(pixel, label, noise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#endif
