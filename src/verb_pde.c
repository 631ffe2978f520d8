/*
  tenzo pde: lists the equations, each with its formula, domain, reference and options; tenzo pde -pde_type X checks that one at random points
  and fails where a deviation is above 1e-9.
*/
#include "verb.h"

#define TOLERANCE 1e-9

/* The type's own options, of the record */
static PetscErrorCode PrintOptions(MPI_Comm comm)
{
  static const char *const general[] = {"-pde_type ", "-pde_dim ", "-pde_lo ", "-pde_hi ", "-pde_T ", "-pde_radius ", "-pde_inner "};
  char                    *text, *save = NULL;
  PetscBool                any = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(TzOptionsGetText(&text));
  for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
    const char *option = line + strspn(line, "# ");
    PetscBool   own    = (PetscBool)(option[0] == '-');

    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(general); i++) own = (PetscBool)(own && strncmp(option, general[i], strlen(general[i])));
    if (!own) continue;
    PetscCall(PetscPrintf(comm, "%s%s", any ? "  " : "  options: ", option));
    any = PETSC_TRUE;
  }
  if (any) PetscCall(PetscPrintf(comm, "\n"));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode List(MPI_Comm comm)
{
  const char **types;
  PetscInt     n;
  TzPDE        pde;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTypes(&n, &types));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(TzOptionsRecord());
    PetscCall(TzPDECreate(comm, &pde));
    PetscCall(TzPDESetType(pde, types[i]));
    PetscCall(TzPDESetFromOptions(pde));
    if (!TzOptionsHelpWanted()) {
      PetscCall(TzPDEView(pde, NULL));
      PetscCall(PrintOptions(comm));
    }
    PetscCall(TzPDEDestroy(&pde));
  }
  PetscCall(TzOptionsCheckUnused(comm));
  PetscCall(PetscFree(types));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(MPI_Comm comm, PetscInt n, PetscInt64 seed)
{
  const char     *type;
  TzPDE           pde;
  TzPDEDeviations v;
  PetscReal      *deviation = (PetscReal *)&v;

  static const char *const what[] = {"residual", "gradient", "condition", "transform", "derivative"};

  PetscFunctionBegin;
  PetscCall(TzPDECreate(comm, &pde));
  PetscCall(TzPDESetFromOptions(pde));
  PetscCall(TzOptionsCheckUnused(comm));
  if (!TzOptionsHelpWanted()) {
    PetscCall(TzPDESetUp(pde));
    PetscCall(TzPDEView(pde, NULL));
    PetscCall(TzPDEGetType(pde, &type));
    PetscCall(TzPDECheck(pde, n, seed, &v));
    PetscCall(PetscPrintf(comm, "CHECK pde=%s points=%" PetscInt_FMT, type, n));
    for (int i = 0; i < 5; i++)
      if (deviation[i] != -1) PetscCall(PetscPrintf(comm, " %s=%.2g", what[i], (double)deviation[i]));
    PetscCall(PetscPrintf(comm, "\n"));
    for (int i = 0; i < 5; i++)
      PetscCheck(deviation[i] <= TOLERANCE, comm, PETSC_ERR_USER_INPUT, "-pde_type %s: the %s deviates by %.2g; must be at most %g", type, what[i],
                 (double)deviation[i], TOLERANCE);
  }
  PetscCall(TzPDEDestroy(&pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbPDE(MPI_Comm comm, int *code)
{
  PetscInt   n    = 10;
  PetscInt64 seed = 0;
  PetscBool  one;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzOptionsRecord());
  PetscCall(PetscOptionsHasName(NULL, NULL, "-pde_type", &one));
  PetscOptionsBegin(comm, NULL, "Options of pde", "Tenzo");
  PetscCall(TzOptionsInt("-tz_points", "Random points of the check", "TzPDECheck", n, &n, NULL));
  PetscCall(TzOptionsInt64("-tz_seed", "Seed of the points (>= 0)", "TzPDECheck", seed, &seed, NULL));
  PetscOptionsEnd();
  PetscCheck(seed >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_seed %" PetscInt64_FMT ": must be at least 0", seed);
  PetscCheck(n >= 1, comm, PETSC_ERR_USER_INPUT, "-tz_points %" PetscInt_FMT ": must be at least 1", n);
  if (one) PetscCall(Check(comm, n, seed));
  else PetscCall(List(comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
