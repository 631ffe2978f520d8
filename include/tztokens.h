/*
  Labelled lists of tokens (words as the n-grams in them, texts as their words ...) in text files: an example a line, its label and then its tokens, whole
  numbers from 0 on with blanks, tabs or commas between. # starts a comment; lines without anything else are skipped.
*/
#ifndef TZTOKENS_H
#define TZTOKENS_H

#include <tzsys.h>

#define TZ_CLASSES_MAX 256 /* labels are 0..255 */

typedef struct {
  PetscInt       n, slots;      /* examples; tokens of the longest */
  PetscInt       rows, classes; /* above all tokens, above all labels */
  int           *token;         /* [n][slots], behind the last one -1 */
  unsigned char *label;         /* [n] */
} TzTokens;

/*
  Every rank of comm gets the whole set. Collective: rank 0 reads and checks. Errors, naming option, file and line: PETSC_ERR_FILE_READ,
  PETSC_ERR_FILE_UNEXPECTED (something else than numbers, a label above 255, a token above 1,000,000, an example without tokens, no example).
*/
PETSC_EXTERN PetscErrorCode TzTokensRead(MPI_Comm comm, const char option[], const char file[], TzTokens *set);
PETSC_EXTERN PetscErrorCode TzTokensDestroy(TzTokens *set);

#endif
