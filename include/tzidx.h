/*
  Labelled images in IDX files (the format of MNIST; LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist), plain or gzip.

  An IDX file is a big-endian magic number (0, 0, 8 = unsigned bytes, number of dimensions), one 32-bit size a dimension,
  then the bytes, last dimension fastest: images 0x00000803 (n, rows, columns), labels 0x00000801 (n).
*/
#ifndef TZIDX_H
#define TZIDX_H

#include <tzsys.h>

#define TZ_IMAGE_CLASSES 10 /* labels are 0..9 */

typedef struct {
  PetscInt       n, rows, cols;
  unsigned char *pixel; /* [n][rows * cols], 0 background .. 255 ink */
  unsigned char *label; /* [n], 0..9 */
} TzImages;

/*
  Reads an image file and its label file; every rank of comm gets the whole set. Collective: rank 0 reads and checks, then
  its verdict is broadcast, then the data. Errors: PETSC_ERR_FILE_OPEN (absent, not a regular file), PETSC_ERR_FILE_READ (gzip stream
  damaged), PETSC_ERR_FILE_UNEXPECTED (foreign, short, too long, sizes out of range, a label above 9, counts that differ).
  No memory is reserved on the word of a header: it grows with the bytes that really arrive.
*/
PETSC_EXTERN PetscErrorCode TzImagesRead(MPI_Comm comm, const char images[], const char labels[], TzImages *set);
/* DIR/NAME-images-idx3-ubyte.gz and DIR/NAME-labels-idx1-ubyte.gz, or the same without .gz; NAME is "train" or "t10k" */
PETSC_EXTERN PetscErrorCode TzImagesReadDirectory(MPI_Comm comm, const char dir[], const char name[], TzImages *set);
PETSC_EXTERN PetscErrorCode TzImagesDestroy(TzImages *set);

#endif
