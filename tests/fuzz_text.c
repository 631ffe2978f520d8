/*
  Texts that others wrote: [mpirun -n RANKS] fuzz_text [-tries N] [-first SEED] [-work DIR] changes good files of points, matrices and tokens, and the options
  of a checkpoint, N times each, by bytes, words and lines, and gives them to their readers. None may crash, hang, or raise an error that is not a user's. The
  last line: "tries=N read=R refused=F faults=0"; exit code 1 for a fault.
*/
#include "fuzz.h"
#include <tzcontrol.h>
#include <tztokens.h>
#include <tzfiles.h>
#include <tzoptions.h>

#define MOST 65536

static char   file[PETSC_MAX_PATH_LEN], text[MOST + 1];
static size_t size;

/* rest [n] in place of the `cut` bytes from `at` on */
static void Splice(size_t at, size_t cut, const char rest[], size_t n)
{
  cut = PetscMin(cut, size - at);
  if (size - cut + n > MOST) return;
  memmove(text + at + n, text + at + cut, size - at - cut);
  memcpy(text + at, rest, n);
  size += n - cut;
}

/* The word or the line at some place, for a separator of words or lines: where it begins, *n bytes */
static size_t Piece(const char separators[], size_t *n)
{
  size_t at = Next((unsigned)size), end;

  for (end = at; end < size && !(text[end] && strchr(separators, text[end]));) end++;
  while (at && !(text[at - 1] && strchr(separators, text[at - 1]))) at--;
  *n = end - at;
  return at;
}

static void Change(void)
{
  static const char *const words[] = {"nan", "-inf",      "1e999", "1e-999",      "0x1p3", "-",    "--5", "1,,2", "4294967299", "9223372036854775808",
                                      "0,5", "0.1.2",     "1d-3",  "#",           ":",     "auto", "",    "\r\n", "\t",         "\"",
                                      "'",   "-pde_type", "8-10",  "\xef\xbb\xbf"};
  const char              *word    = words[Next(PETSC_STATIC_ARRAY_LENGTH(words))];
  char                     copy[4096], byte = (char)Next(256);
  size_t                   n, at;

  if (!size) return;
  switch (Next(8)) {
  case 0: text[Next((unsigned)size)] = byte; break;
  case 1: size = Next((unsigned)size); break;
  case 2: Splice(Next((unsigned)size), 0, &byte, 1); break;
  case 3:
    at = Piece(" ,\n", &n);
    Splice(at, n, word, strlen(word));
    break;
  case 4:
    at = Piece(" ,\n", &n);
    Splice(at, n + 1, "", 0);
    break;
  case 5:
    at = Piece("\n", &n);
    Splice(at, n + 1, "", 0);
    break;
  case 6:
    at = Piece("\n", &n);
    n  = PetscMin(n + 1, sizeof(copy));
    n  = PetscMin(n, size - at);
    memcpy(copy, text + at, n);
    for (unsigned k = 1 + Next(4) * Next(40); k; k--) Splice(Next(2) ? at : Next((unsigned)size), 0, copy, n);
    break;
  default: memset(copy, Next(2) ? '9' : byte, sizeof(copy)); Splice(Next((unsigned)size), 0, copy, 1 + Next(sizeof(copy)));
  }
}

static PetscErrorCode Points(void)
{
  PetscReal *X, sum = 0;
  PetscInt   n;

  PetscFunctionBegin;
  PetscCall(TzPointsRead(PETSC_COMM_WORLD, "-tz_points", file, 4, &n, &X));
  for (PetscInt i = 0; i < 4 * n; i++) sum += X[i];
  PetscCall(PetscFree(X));
  PetscCheck(n > 0 && !PetscIsInfOrNanReal(sum / 1e300), PETSC_COMM_WORLD, PETSC_ERR_PLIB, "points that are none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Matrices(void)
{
  const PetscReal *x;
  PetscInt         cols = 0;
  TzStore          store;

  PetscFunctionBegin;
  PetscCall(TzMatricesRead(PETSC_COMM_WORLD, "-lqr_problem", file, "M", &store));
  PetscCall(TzMatricesGet(store, PETSC_COMM_WORLD, "-lqr_problem", "M", 3, &cols, &x));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tokens(void)
{
  TzTokens set;

  PetscFunctionBegin;
  PetscCall(TzTokensRead(PETSC_COMM_WORLD, "-tokens_train", file, &set));
  for (PetscInt i = 0; i < set.n * set.slots; i++) PetscCheck(set.token[i] >= -1 && set.token[i] < set.rows, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "token");
  PetscCall(TzTokensDestroy(&set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The text, on rank 0 as on the others, into the database, and an equation and a network of it */
static PetscErrorCode Options(void)
{
  TzPDE pde;
  TzNet net;

  PetscFunctionBegin;
  text[size] = 0;
  (void)MPI_Bcast(text, sizeof(text), MPI_CHAR, 0, PETSC_COMM_WORLD);
  PetscCall(TzOptionsRecord());
  PetscCall(TzOptionsInsertText(PETSC_COMM_WORLD, "-tz_model", file, text));
  PetscCall(TzPDECreate(PETSC_COMM_WORLD, &pde));
  PetscCall(TzPDESetFromOptions(pde));
  PetscCall(TzPDEDestroy(&pde));
  PetscCall(TzNetCreate(PETSC_COMM_WORLD, &net));
  PetscCall(TzNetSetFromOptions(net));
  PetscCall(TzNetDestroy(&net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const struct {
    PetscErrorCode (*reader)(void);
    const char *good;
  } kinds[] = {
    {Points, "# x y z t\n0.1 0.2 0.3 0.4\n0.5,0.6,0.7,0.8\n1e-3\t-2 +3. .5\n"},
    {Matrices, "M\n1 2 3\n4, 5, 6\n7 8 9\nA # another\n1 0 0\n"},
    {Tokens, "0 1 2 3\n1, 5, 6\n# nothing\n2 1000000\n"},
    {Options, "-pde_type lqg\n-pde_dim 3\n-lqg_nu 0.5\n# -net_format tt\n-net_layers 8,8\n-net_tt_rank 2\n-net_tt_modes 2,2|8;2,4|2,4;8|1\n-net_frequency 2\n"},
  };
  const PetscInt n                        = PETSC_STATIC_ARRAY_LENGTH(kinds);
  char           work[PETSC_MAX_PATH_LEN] = "/tmp";
  PetscInt       tries = 200, first = 0, faults = 0, refused = 0;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  PetscOptionsGetString(NULL, NULL, "-work", work, sizeof(work), NULL);
  PetscOptionsGetInt(NULL, NULL, "-tries", &tries, NULL);
  PetscOptionsGetInt(NULL, NULL, "-first", &first, NULL);
  Name(file, work, "txt");
  for (PetscInt i = first; i < first + tries; i++)
    for (PetscInt k = 0; k < n; k++) {
      PetscOptionsClear(NULL);
      Begin((uint64_t)(n * i + k));
      size = strlen(kinds[k].good);
      memcpy(text, kinds[k].good, size);
      for (unsigned c = 1 + Next(3); c; c--) Change();
      if (!Rank()) {
        FILE *f = fopen(file, "w");

        if (!f || fwrite(text, 1, size, f) != size || fclose(f)) MPI_Abort(PETSC_COMM_WORLD, 1);
      }
      refused += Refused(kinds[k].reader, (int)i, (int)k, &faults);
    }
  (void)MPI_Barrier(PETSC_COMM_WORLD);
  if (!Rank()) unlink(file);
  PetscOptionsClear(NULL);
  return End("fuzz_text", tries, n * tries - refused, refused, faults);
}
