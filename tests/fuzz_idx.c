/*
  Deterministic mutations of small IDX sets, of the IDX bytes and of the gzip stream: each must be read or refused with
  one of the reader's own error codes; no crash, no hang, no memory reserved on a header's word. Built with the sanitizers:
    make BUILD=build/asan SAN=address,undefined build/asan/tests/fuzz_idx && build/asan/tests/fuzz_idx [mutations] [seed]
*/
#include "idxwrite.h"
#include <sys/resource.h>
#include <unistd.h>

#define MAXBYTES 8192
#define SECONDS  10 /* for one file; a read takes well below a millisecond */

static uint64_t state;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t Next(void)
{
  uint64_t z = (state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static size_t Below(size_t n)
{
  return (size_t)(Next() % n);
}

/* One to three changes: a bit, a byte, a cut, an insertion, a repeated piece, or a header word with an odd value */
static void Mutate(unsigned char b[], size_t *n)
{
  static const unsigned words[] = {0, 1, 2, 10, 0x7f, 0x80, 0xff, 0x100, 0x801, 0x803, 0xfff, 0x1000, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

  for (size_t k = 1 + Below(3); k && *n > 0; k--) {
    const size_t at = Below(*n), rest = *n - at;

    switch (Below(6)) {
    case 0: b[at] ^= (unsigned char)(1 << Below(8)); break;
    case 1: b[at] = (unsigned char)Next(); break;
    case 2: *n = at; break;
    case 3:
      if (*n < MAXBYTES) {
        memmove(b + at + 1, b + at, rest);
        b[at] = (unsigned char)Next();
        ++*n;
      }
      break;
    case 4: memmove(b + Below(at + 1), b + at, rest); break;
    default:
      if (*n >= 16) IdxPut32(b + 4 * Below(4), words[Below(PETSC_STATIC_ARRAY_LENGTH(words))]);
    }
  }
}

static PetscErrorCode ReadBytes(const char path[], unsigned char b[], size_t *n)
{
  FILE *file = fopen(path, "rb");

  PetscFunctionBegin;
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", path);
  *n = fread(b, 1, MAXBYTES, file);
  fclose(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Reads the pair; *refused if that was an error. Aborts on any outcome that is not allowed. */
static PetscErrorCode Try(const char images[], const char labels[], PetscBool *refused)
{
  TzImages       set;
  PetscErrorCode code;

  PetscFunctionBegin;
  alarm(SECONDS);
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  code = TzImagesRead(PETSC_COMM_SELF, images, labels, &set);
  PetscCall(PetscPopErrorHandler());
  alarm(0);
  *refused = code ? PETSC_TRUE : PETSC_FALSE;
  if (code) {
    PetscCheck(code == PETSC_ERR_FILE_OPEN || code == PETSC_ERR_FILE_READ || code == PETSC_ERR_FILE_UNEXPECTED, PETSC_COMM_SELF, PETSC_ERR_PLIB,
               "error code %d", (int)code);
    PetscCheck(!set.pixel && !set.label, PETSC_COMM_SELF, PETSC_ERR_PLIB, "memory after an error");
  } else {
    unsigned sum = 0; /* every byte, so that the sanitizer sees each of them */

    for (PetscInt i = 0; i < set.n * set.rows * set.cols; i++) sum += set.pixel[i];
    for (PetscInt i = 0; i < set.n; i++) PetscCheck(set.label[i] < TZ_IMAGE_CLASSES, PETSC_COMM_SELF, PETSC_ERR_PLIB, "label %d (sum %u)", set.label[i], sum);
    PetscCall(TzImagesDestroy(&set));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mutations m: of the images (even) or the labels (odd); of the bytes behind gzip, of plain bytes, or of the gzip stream itself */
static PetscErrorCode Fuzz(const char dir[], PetscInt mutations, PetscInt *refusals)
{
  static unsigned char good[2][3][MAXBYTES], b[MAXBYTES + 16]; /* [images, labels][raw, raw, gzip] */
  size_t               ngood[2][3], n;
  char                 path[2][PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(IdxWriteBars(dir, "train", 20, 7));
  for (int f = 0; f < 2; f++) {
    gzFile file;

    PetscCall(PetscSNPrintf(path[f], sizeof(path[f]), "%s/train-%s-ubyte.gz", dir, f ? "labels-idx1" : "images-idx3"));
    PetscCall(ReadBytes(path[f], good[f][2], &ngood[f][2]));
    file        = gzopen(path[f], "rb");
    ngood[f][0] = (size_t)gzread(file, good[f][0], MAXBYTES);
    gzclose(file);
    PetscCall(PetscMemcpy(good[f][1], good[f][0], ngood[f][0]));
    ngood[f][1] = ngood[f][0];
  }
  for (PetscInt m = 0; m < mutations; m++) {
    const int f = m % 2, kind = (int)Below(3);
    PetscBool refused;

    n = ngood[f][kind];
    PetscCall(PetscMemcpy(b, good[f][kind], n));
    Mutate(b, &n);
    PetscCall(IdxWrite(path[f], kind ? PETSC_TRUE : PETSC_FALSE, b, n, NULL, 0));
    PetscCall(Try(path[0], path[1], &refused));
    *refusals += refused;
    PetscCall(IdxWrite(path[f], PETSC_TRUE, good[f][2], ngood[f][2], NULL, 0));
  }
  for (int f = 0; f < 2; f++) (void)remove(path[f]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt      mutations = argc > 1 ? (PetscInt)atoi(argv[1]) : 4000, refusals = 0;
  char          dir[] = "/tmp/tzfuzzXXXXXX";
  struct rusage use;

  state = argc > 2 ? (uint64_t)atoll(argv[2]) : 1;
  argc  = 1;
  if (TzInitialize(&argc, &argv, NULL) || !mkdtemp(dir)) return 1;
  PetscCall(Fuzz(dir, mutations, &refusals));
  (void)remove(dir);
  getrusage(RUSAGE_SELF, &use);
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "fuzz_idx: %" PetscInt_FMT " mutations, %" PetscInt_FMT " refused, %" PetscInt_FMT " read, peak memory %ld MiB\n",
                        mutations, refusals, mutations - refusals, use.ru_maxrss / 1024));
  PetscCall(TzFinalize());
  return refusals > mutations / 2 ? 0 : 1; /* a reader that refuses little checks nothing */
}
