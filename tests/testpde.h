/* An equation from options alone, set up, for tests; behind <cmocka.h>. */
#ifndef TESTPDE_H
#define TESTPDE_H

#include <tzpde.h>

static inline TzPDE test_pde(const char options[], PetscInt d)
{
  TzPDE pde;

  assert_int_equal(PetscOptionsClear(NULL), 0);
  assert_int_equal(PetscOptionsInsertString(NULL, options), 0);
  assert_int_equal(TzPDECreate(PETSC_COMM_WORLD, &pde), 0);
  assert_int_equal(TzPDESetDim(pde, d), 0);
  assert_int_equal(TzPDESetFromOptions(pde), 0);
  assert_int_equal(TzPDESetUp(pde), 0);
  return pde;
}

#endif
