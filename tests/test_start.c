/*
  Start and end: Tenzo under a PETSc or an MPI that the user started, twice, and after its end. One process has one MPI, so the cases are
  steps of one life, in their order.
*/
#include <tenzo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int    Argc;
static char **Argv;

/* All types are there, and an error of the user's is one */
static void Works(void)
{
  TzPDE pde;

  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetType(pde, TZPDEHJB), 0);
  assert_int_equal(TzPDESetUp(pde), 0);
  assert_int_equal(TzPDEDestroy(&pde), 0);
}

/* PETSc 3.26.1 forgets the types of TaoTerm when it ends, but not that they were registered: TaoCreate() fails under the next PETSc */
static PetscBool TaoWorks(void)
{
  Tao            tao;
  PetscErrorCode code;

  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  code = TaoCreate(PETSC_COMM_SELF, &tao);
  assert_int_equal(PetscPopErrorHandler(), 0);
  if (!code) assert_int_equal(TaoDestroy(&tao), 0);
  return (PetscBool)!code;
}

/* What is registered with PETSc when a run begins is registered with this PETSc, not with one that is gone */
static void Trains(void)
{
  TzRun run;
  int   code;

  if (!TaoWorks()) {
    print_message("SKIPPED: a run under a second PETSc: the TAO of this release does not start again\n");
    return;
  }
  assert_int_equal(PetscOptionsInsertString(NULL, "-pde_dim 2 -net_layers 4,4 -net_tt_rank 1 -deriv_type forward -loss_points 4 -tz_validation_points 4 "
                                                  "-tao_max_it 1 -tz_quiet -tz_output none"),
                   0);
  assert_int_equal(TzRunCreate(PETSC_COMM_WORLD, &run), 0);
  assert_int_equal(TzRunSetFromOptions(run), 0);
  assert_int_equal(TzRunSolve(run, &code), 0);
  assert_int_equal(code, 0);
  assert_int_equal(TzRunDestroy(&run), 0);
}

static PetscBool MPIRuns(void)
{
  int on, over;

  MPI_Initialized(&on);
  MPI_Finalized(&over);
  return (PetscBool)(on && !over);
}

static void test_not_running(void **state)
{
  (void)state;
  assert_int_equal(TzFinalize(), PETSC_ERR_ORDER);
}

static void test_under_petsc(void **state)
{
  (void)state;
  MPI_Init(&Argc, &Argv);
  assert_int_equal(PetscInitialize(&Argc, &Argv, NULL, NULL), 0);
  assert_int_equal(TzInitialize(&Argc, &Argv, NULL), 0);
  Works();
  assert_int_equal(TzFinalize(), 0);
  assert_true(PetscInitializeCalled); /* it was the user's */
  assert_int_equal(TzFinalize(), PETSC_ERR_ORDER);
  assert_int_equal(TzInitialize(NULL, NULL, NULL), 0); /* and once more, without arguments */
  Works();
  assert_int_equal(TzFinalize(), 0);
  assert_int_equal(PetscFinalize(), 0);
  assert_true(MPIRuns());
}

static void test_under_mpi(void **state)
{
  (void)state;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(TzInitialize(&Argc, &Argv, NULL), 0);
    assert_int_equal(TzInitialize(&Argc, &Argv, NULL), 0); /* the second call does nothing */
    Works();
    Trains();
    assert_int_equal(TzFinalize(), 0);
    assert_false(PetscInitializeCalled);
    assert_true(MPIRuns());
  }
}

static void test_after_mpi(void **state)
{
  (void)state;
  MPI_Finalize();
  assert_int_equal(TzInitialize(&Argc, &Argv, NULL), PETSC_ERR_ORDER);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_not_running), cmocka_unit_test(test_under_petsc), cmocka_unit_test(test_under_mpi),
                                     cmocka_unit_test(test_after_mpi)};

  Argc = argc;
  Argv = argv;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
