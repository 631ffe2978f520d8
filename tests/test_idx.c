/* The IDX reader: exact contents, plain and gzip; every kind of wrong file is one error of the right code, on all ranks. */
#include "idxwrite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sys/stat.h>

#define ok(call) assert_int_equal((call), 0)

static char dir[64], images[96], labels[96];

#define N    5u
#define ROWS 3u
#define COLS 4u
static const unsigned dim[3] = {N, ROWS, COLS};
static unsigned char  pixel[N * ROWS * COLS], label[N];

/* Rank 0 writes, everybody waits. nimage, nlabel: bytes of the bodies. */
static void WritePair(PetscBool plain, const unsigned di[], size_t nimage, const unsigned dl[], size_t nlabel)
{
  unsigned char raw[16], body[2 * sizeof(pixel)];
  PetscMPIInt   rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) {
    memset(body, 1, sizeof(body));
    memcpy(body, pixel, sizeof(pixel));
    ok(IdxWrite(images, plain, raw, IdxPutHeader(raw, 3, di), body, nimage));
    memcpy(body, label, sizeof(label));
    ok(IdxWrite(labels, plain, raw, IdxPutHeader(raw, 1, dl), body, nlabel));
  }
  ok(MPI_Barrier(PETSC_COMM_WORLD));
}

/* Reads, expecting this code on every rank and, after an error, an empty set */
static void Expect(PetscErrorCode expected)
{
  TzImages       set;
  PetscErrorCode code;

  ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  code = TzImagesRead(PETSC_COMM_WORLD, images, labels, &set);
  ok(PetscPopErrorHandler());
  if (!code) ok(TzImagesDestroy(&set));
  assert_int_equal(code, expected);
  assert_null(set.pixel);
  assert_null(set.label);
  ok(MPI_Barrier(PETSC_COMM_WORLD));
}

static void test_contents(void **state)
{
  (void)state;
  for (int plain = 0; plain < 2; plain++) {
    TzImages set;
    int      same;

    WritePair(plain ? PETSC_TRUE : PETSC_FALSE, dim, sizeof(pixel), dim, sizeof(label));
    ok(TzImagesRead(PETSC_COMM_WORLD, images, labels, &set));
    same = set.n == N && set.rows == ROWS && set.cols == COLS && !memcmp(set.pixel, pixel, sizeof(pixel)) && !memcmp(set.label, label, sizeof(label));
    ok(MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
    ok(TzImagesDestroy(&set));
    assert_true(same);
  }
}

static void test_sizes(void **state)
{
  const unsigned none[3] = {0, ROWS, COLS}, huge[3] = {0xffffffff, 0xffffffff, 0xffffffff}, wide[3] = {N, ROWS, 4097}, large[3] = {4000000, 4096, 4096};
  const unsigned fewer[1] = {N - 1}, claims[3] = {3000000, 20, 30}; /* 1.8 GB announced, 60 bytes there */

  (void)state;
  WritePair(PETSC_FALSE, dim, sizeof(pixel) - 1, dim, sizeof(label));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_FALSE, dim, sizeof(pixel) + 1, dim, sizeof(label));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_FALSE, dim, sizeof(pixel), dim, sizeof(label) - 1);
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_FALSE, dim, sizeof(pixel), fewer, sizeof(label) - 1);
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_TRUE, none, 0, none, 0);
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_TRUE, huge, sizeof(pixel), dim, sizeof(label));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_TRUE, wide, sizeof(pixel), dim, sizeof(label));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_FALSE, large, sizeof(pixel), dim, sizeof(label));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_FALSE, claims, sizeof(pixel), dim, sizeof(label));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
}

static void test_foreign(void **state)
{
  PetscMPIInt rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  label[N - 1] = TZ_IMAGE_CLASSES;
  WritePair(PETSC_FALSE, dim, sizeof(pixel), dim, sizeof(label));
  label[N - 1] = 4;
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  WritePair(PETSC_FALSE, dim, sizeof(pixel), dim, sizeof(label));
  if (!rank) ok(IdxWrite(images, PETSC_TRUE, "\x89PNG\r\n\x1a\n0123456789abcdef", 24, NULL, 0));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  if (!rank) ok(IdxWrite(images, PETSC_TRUE, "", 0, NULL, 0));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  if (!rank) ok(IdxWrite(images, PETSC_TRUE, "\0\0\x08\x03\0\0", 6, NULL, 0));
  Expect(PETSC_ERR_FILE_UNEXPECTED);
  if (!rank) ok(remove(images));
  Expect(PETSC_ERR_FILE_OPEN);
  if (!rank) ok(mkdir(images, 0700));
  Expect(PETSC_ERR_FILE_OPEN);
  if (!rank) ok(remove(images));
  ok(MPI_Barrier(PETSC_COMM_WORLD));
}

/* A gzip file cut short at any length, and one whose checksum is wrong, is an error */
static void test_gzip(void **state)
{
  unsigned char *gz;
  long           length = 0;
  PetscMPIInt    rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  WritePair(PETSC_FALSE, dim, sizeof(pixel), dim, sizeof(label));
  ok(PetscMalloc1(4096, &gz));
  if (!rank) {
    FILE *f = fopen(images, "rb");

    length = (long)fread(gz, 1, 4096, f);
    fclose(f);
  }
  ok(MPI_Bcast(&length, 1, MPI_LONG, 0, PETSC_COMM_WORLD));
  assert_true(length > 18);
  for (long cut = 0; cut < length; cut++) {
    if (!rank) ok(IdxWrite(images, PETSC_TRUE, gz, (size_t)cut, NULL, 0));
    Expect(cut < 2 ? PETSC_ERR_FILE_UNEXPECTED : PETSC_ERR_FILE_READ); /* less than gzip's own magic is taken for a plain file */
  }
  if (!rank) {
    gz[length - 8] ^= 1;
    ok(IdxWrite(images, PETSC_TRUE, gz, (size_t)length, NULL, 0));
  }
  Expect(PETSC_ERR_FILE_READ);
  ok(PetscFree(gz));
}

/* The real files, where they are: sizes and the published number of images of each class */
static void test_mnist(void **state)
{
  static const int train[10] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, test[10] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
  char             path[PETSC_MAX_PATH_LEN];
  const char      *shared = getenv("TZ_SHARED");
  PetscBool        there;

  (void)state;
  ok(PetscSNPrintf(path, sizeof(path), "%s/mnist", shared ? shared : "../shared"));
  ok(PetscTestDirectory(path, 'r', &there));
  if (!there) {
    ok(PetscPrintf(PETSC_COMM_WORLD, "SKIPPED: no MNIST at %s (set TZ_SHARED)\n", path));
    skip();
  }
  for (int which = 0; which < 2; which++) {
    TzImages set;
    int      count[10] = {0};

    ok(TzImagesReadDirectory(PETSC_COMM_WORLD, path, which ? "t10k" : "train", &set));
    assert_int_equal(set.n, which ? 10000 : 60000);
    assert_int_equal(set.rows, 28);
    assert_int_equal(set.cols, 28);
    for (PetscInt i = 0; i < set.n; i++) count[set.label[i]]++;
    assert_memory_equal(count, which ? test : train, sizeof(count));
    ok(TzImagesDestroy(&set));
  }
}

static int Setup(void **state)
{
  PetscMPIInt rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  strcpy(dir, "/tmp/tzidxXXXXXX");
  if (!rank && !mkdtemp(dir)) return 1;
  if (MPI_Bcast(dir, sizeof(dir), MPI_CHAR, 0, PETSC_COMM_WORLD)) return 1;
  snprintf(images, sizeof(images), "%s/images", dir);
  snprintf(labels, sizeof(labels), "%s/labels", dir);
  for (size_t i = 0; i < sizeof(pixel); i++) pixel[i] = (unsigned char)(37 * i + 11);
  for (size_t i = 0; i < sizeof(label); i++) label[i] = (unsigned char)(2 * i % 10);
  return 0;
}

static int Teardown(void **state)
{
  PetscMPIInt rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) {
    remove(images);
    remove(labels);
    return remove(dir);
  }
  return 0;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_contents), cmocka_unit_test(test_sizes), cmocka_unit_test(test_foreign), cmocka_unit_test(test_gzip),
                                     cmocka_unit_test(test_mnist)};
  int                     failures;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  failures = cmocka_run_group_tests(tests, Setup, Teardown);
  if (TzFinalize()) return 1;
  return failures;
}
