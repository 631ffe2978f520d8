/* Stores, tables, checkpoints and points: what is read is what was written, bit by bit; damaged and foreign files are errors. */
#include <tzcheckpoint.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

static PetscMPIInt rank, size;
static char        file[PETSC_MAX_PATH_LEN];

/* The same verdict on every rank, so that none goes on alone */
static int everywhere(int good)
{
  (void)MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD);
  return good;
}

#define CHECK(call) assert_true(everywhere((call) == 0))

/* An error that is expected: its code, without a message on the terminal */
static PetscErrorCode quiet_read(TzStore *store)
{
  PetscErrorCode ierr;

  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  ierr = TzStoreRead(PETSC_COMM_WORLD, "-test", file, NULL, store);
  PetscPopErrorHandler();
  return ierr;
}

static void test_store(void **state)
{
  const PetscReal  x[6] = {0.1, -0.0, 1e-308, PETSC_MAX_REAL, 1.0 / 3, 5}, *y;
  const PetscInt64 i[2] = {-7, (PetscInt64)1 << 62}, *j;
  const char      *text;
  PetscInt         rows, cols;
  PetscBool        has;
  TzStore          a, b;

  (void)state;
  CHECK(TzStoreCreate(PETSC_COMM_WORLD, &a));
  if (!rank) { /* only rank 0 has data */
    assert_int_equal(TzStorePutReal(a, "/group/deep/x", 3, 2, x), 0);
    assert_int_equal(TzStorePutReal(a, "/flat", 6, 0, x), 0);
    assert_int_equal(TzStorePutReal(a, "/none", 0, 0, x), 0);
    assert_int_equal(TzStorePutInt(a, "/i", 2, i), 0);
    assert_int_equal(TzStorePutText(a, "/text", "two\nlines"), 0);
  }
  CHECK(TzStoreWrite(a, "-test", file));
  CHECK(TzStoreDestroy(&a));
  CHECK(TzStoreRead(PETSC_COMM_WORLD, "-test", file, NULL, &b));
  CHECK(TzStoreGetReal(b, "/group/deep/x", &rows, &cols, &y));
  assert_true(everywhere(rows == 3 && cols == 2 && !memcmp(x, y, sizeof(x))));
  CHECK(TzStoreGetReal(b, "/flat", &rows, &cols, &y));
  assert_true(everywhere(rows == 6 && cols == 0 && !memcmp(x, y, sizeof(x))));
  CHECK(TzStoreGetReal(b, "/none", &rows, &cols, &y));
  assert_true(everywhere(rows == 0));
  CHECK(TzStoreGetInt(b, "/i", &rows, &j));
  assert_true(everywhere(rows == 2 && !memcmp(i, j, sizeof(i))));
  CHECK(TzStoreGetText(b, "/text", &text));
  assert_true(everywhere(!strcmp(text, "two\nlines")));
  CHECK(TzStoreHas(b, "/nothing", &has));
  assert_true(everywhere(!has));
  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  assert_true(everywhere(TzStoreGetReal(b, "/i", &rows, &cols, &y) == PETSC_ERR_FILE_UNEXPECTED)); /* another type */
  PetscPopErrorHandler();
  CHECK(TzStoreDestroy(&b));
}

/* Every file cut short, and some with a byte changed, is an error or reads well: never a crash, the same verdict on every rank */
static void test_damaged(void **state)
{
  TzStore        store;
  char          *bytes = NULL;
  long           n     = 0;
  PetscReal      x[50];
  PetscErrorCode ierr;

  (void)state;
  for (PetscInt k = 0; k < 50; k++) x[k] = sqrt((double)k);
  CHECK(TzStoreCreate(PETSC_COMM_WORLD, &store));
  CHECK(TzStorePutReal(store, "/x", 50, 0, x));
  CHECK(TzStorePutText(store, "/t", "text"));
  CHECK(TzStoreWrite(store, "-test", file));
  CHECK(TzStoreDestroy(&store));
  if (!rank) {
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    n     = ftell(f);
    bytes = (char *)malloc((size_t)n);
    rewind(f);
    assert_int_equal(fread(bytes, 1, (size_t)n, f), n);
    fclose(f);
  }
  (void)MPI_Bcast(&n, 1, MPI_LONG, 0, PETSC_COMM_WORLD);
  for (long cut = 0; cut < n; cut += 97) {
    if (!rank) {
      FILE *f = fopen(file, "w");
      fwrite(bytes, 1, (size_t)cut, f);
      fclose(f);
    }
    (void)MPI_Barrier(PETSC_COMM_WORLD);
    assert_true(everywhere(quiet_read(&store) == PETSC_ERR_FILE_READ));
  }
  free(bytes);
  unlink(file);
  (void)MPI_Barrier(PETSC_COMM_WORLD);
  ierr = quiet_read(&store);
  assert_true(everywhere(ierr == PETSC_ERR_FILE_READ));
}

static void test_unwritable(void **state)
{
  TzStore   store;
  PetscBool failed;
  int       lock;

  (void)state;
  CHECK(TzStoreCreate(PETSC_COMM_WORLD, &store));
  CHECK(TzStorePutText(store, "/t", "text"));
  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  failed = TzStoreWrite(store, "-test", "/nowhere/at/all.h5") == PETSC_ERR_FILE_WRITE &&
           TzFileReserve(PETSC_COMM_WORLD, "-test", "/nowhere/at/all.h5", &lock) == PETSC_ERR_FILE_WRITE;
  PetscPopErrorHandler();
  assert_true(everywhere(failed));
  CHECK(TzStoreDestroy(&store));
}

static void test_table(void **state)
{
  static const char *const names[] = {"step", "loss"};
  TzTable                  a, b;
  TzStore                  store;

  (void)state;
  CHECK(TzTableCreate(2, names, &a));
  for (PetscInt r = 0; r < 1000; r++) CHECK(TzTableAppend(&a, (PetscReal[]){r, 1.0 / (r + 1)}));
  CHECK(TzStoreCreate(PETSC_COMM_WORLD, &store));
  CHECK(TzTablePut(&a, store, "/history"));
  CHECK(TzTableCreate(2, names, &b));
  CHECK(TzTableAppend(&b, (PetscReal[]){5, 5})); /* replaced */
  CHECK(TzTableGet(&b, store, "/history"));
  assert_int_equal(b.n, 1000);
  for (PetscInt c = 0; c < 2; c++) assert_memory_equal(a.col[c], b.col[c], 1000 * sizeof(PetscReal));
  CHECK(TzStoreDestroy(&store));
  CHECK(TzTableDestroy(&a));
  CHECK(TzTableDestroy(&b));
}

/* Written by ranks that hold the parameters in one way, restored by ranks that hold them in another */
static void test_checkpoint(void **state)
{
  static const char *const names[] = {"step"};
  const PetscInt           n = 23, mine = rank ? 0 : n;
  PetscReal                stalled = 17, *x;
  const PetscReal         *y;
  PetscInt                 lo, hi;
  TzCheckpoint             a = {.step = 9, .seed = 4, .counts = {99, 12345678901, 7}, .options = (char *)"-a 1\n", .net = (char *)"net", .pde = (char *)"pde"},
               b             = {.step = 0};
  TzStore store;

  (void)state;
  CHECK(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, n, &a.solution));
  CHECK(VecDuplicate(a.solution, &a.solver.vec[0]));
  CHECK(VecGetOwnershipRange(a.solution, &lo, &hi));
  CHECK(VecGetArray(a.solution, &x));
  for (PetscInt i = lo; i < hi; i++) x[i - lo] = sin((double)i);
  CHECK(VecRestoreArray(a.solution, &x));
  CHECK(VecSet(a.solver.vec[0], 2.5));
  a.solver.nvec = a.solver.nscalar = 1;
  a.solver.vecname[0]              = "momentum";
  a.solver.scalarname[0]           = "stalled";
  a.solver.scalar[0]               = &stalled;
  CHECK(TzTableCreate(1, names, &a.history));
  CHECK(TzTableCreate(1, names, &a.validation));
  CHECK(TzTableAppend(&a.history, (PetscReal[]){1}));
  CHECK(TzCheckpointWrite(&a, "-test", file));

  b        = a;
  b.step   = 0;
  b.counts = (TzCounts){0, 0, 0};
  stalled  = 0;
  CHECK(VecCreateMPI(PETSC_COMM_WORLD, mine, n, &b.solution));
  CHECK(VecDuplicate(b.solution, &b.solver.vec[0]));
  CHECK(TzCheckpointOpen(PETSC_COMM_WORLD, "-test", file, &store));
  CHECK(TzCheckpointRestore(&b, store, file));
  CHECK(TzStoreDestroy(&store));
  assert_int_equal(b.step, 9);
  assert_int_equal(b.seed, 4);
  assert_true(b.counts.forwards == 12345678901 && b.counts.queries == 99 && stalled == 17);
  CHECK(VecGetArrayRead(b.solution, &y));
  for (PetscInt i = 0; i < mine; i++) assert_true(y[i] == sin((double)i));
  CHECK(VecRestoreArrayRead(b.solution, &y));
  CHECK(VecDestroy(&a.solution));
  CHECK(VecDestroy(&a.solver.vec[0]));
  CHECK(VecDestroy(&b.solution));
  CHECK(VecDestroy(&b.solver.vec[0]));
  CHECK(TzTableDestroy(&b.history)); /* shared with a */
  CHECK(TzTableDestroy(&a.validation));
}

static PetscErrorCode read_text(const char text[], PetscInt D, PetscInt *n, PetscReal **X)
{
  PetscErrorCode ierr;

  if (!rank) {
    FILE *f = fopen(file, "w");
    fputs(text, f);
    fclose(f);
  }
  (void)MPI_Barrier(PETSC_COMM_WORLD);
  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  ierr = TzPointsRead(PETSC_COMM_WORLD, "-test", file, D, n, X);
  PetscPopErrorHandler();
  return ierr;
}

static void test_points(void **state)
{
  static const PetscReal expected[6] = {1, 2.5, -3e-2, 4, 5, 6};
  PetscInt               n;
  PetscReal             *X = NULL;

  (void)state;
  CHECK(read_text("# x y t\n1 2.5,-3e-2\n\n 4\t5, 6 # last\n", 3, &n, &X));
  assert_true(everywhere(n == 2 && !memcmp(X, expected, sizeof(expected))));
  CHECK(PetscFree(X));
  assert_true(everywhere(read_text("1 2\n", 3, &n, &X) == PETSC_ERR_FILE_READ));
  assert_true(everywhere(read_text("1 2 3 4\n", 3, &n, &X) == PETSC_ERR_FILE_READ));
  assert_true(everywhere(read_text("1 two 3\n", 3, &n, &X) == PETSC_ERR_FILE_READ));
  assert_true(everywhere(read_text("1 2 nan\n", 3, &n, &X) == PETSC_ERR_FILE_UNEXPECTED));
  assert_true(everywhere(read_text("# nothing\n", 3, &n, &X) == PETSC_ERR_FILE_UNEXPECTED));
}

/* FNV-1a of no bytes is its offset basis; it tells 0 from -0, and one order from another (values: the definition, by hand) */
static void test_checksum(void **state)
{
  const PetscReal a[2] = {0, 1}, b[2] = {1, 0}, c[1] = {-0.0};

  (void)state;
  assert_true(TzChecksum(0, a) == 0xcbf29ce484222325u);
  assert_true(TzChecksum(2, a) != TzChecksum(2, b));
  assert_true(TzChecksum(1, a) != TzChecksum(1, c));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_store),      cmocka_unit_test(test_damaged), cmocka_unit_test(test_unwritable), cmocka_unit_test(test_table),
    cmocka_unit_test(test_checkpoint), cmocka_unit_test(test_points),  cmocka_unit_test(test_checksum),
  };
  int failed;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (!rank) snprintf(file, sizeof(file), "/tmp/tenzo-test-io-%d.h5", (int)getpid());
  (void)MPI_Bcast(file, sizeof(file), MPI_CHAR, 0, PETSC_COMM_WORLD);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (!rank) unlink(file);
  TzFinalize();
  return failed;
}
