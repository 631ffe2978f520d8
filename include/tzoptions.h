/*
  Options: declared with the same arguments as PETSc's, read strictly, and recorded.

  Between PetscOptionsBegin() (or in a function of type XxxSetFromOptions_Type with the argument PetscOptionsObject) and PetscOptionsEnd()
  write TzOptionsReal(...) where a PETSc program has PetscOptionsReal(...). What it adds:
    - the value is what was written: a number that does not fit, has something behind it or is missing is PETSC_ERR_USER_INPUT in one line,
      on every rank (PETSc wraps, ignores or truncates some of these);
    - name and value are recorded, so that they are kept in checkpoints, compared when a run goes on, and proposed where a name is misspelt.
  An option that an object declares by PETSc's own functions works too; it is recorded if the user gives it.

  TzOptionsInt64 is for numbers that stay 64 bits wide where a PetscInt has 32 (seeds).
*/
#ifndef TZOPTIONS_H
#define TZOPTIONS_H

#include <private/tzcompat.h>

#define TzOptionsInt(opt, text, man, current, value, set)         TzOptionsInt_Private(PetscOptionsObject, opt, text, man, current, value, set)
#define TzOptionsInt64(opt, text, man, current, value, set)       TzOptionsInt64_Private(PetscOptionsObject, opt, text, man, current, value, set)
#define TzOptionsReal(opt, text, man, current, value, set)        TzOptionsReal_Private(PetscOptionsObject, opt, text, man, current, value, set)
#define TzOptionsBool(opt, text, man, current, value, set)        TzOptionsBool_Private(PetscOptionsObject, opt, text, man, current, value, set)
#define TzOptionsString(opt, text, man, current, value, len, set) TzOptionsString_Private(PetscOptionsObject, opt, text, man, current, value, len, set)
#define TzOptionsEnum(opt, text, man, list, current, value, set)  TzOptionsEnum_Private(PetscOptionsObject, opt, text, man, list, current, value, set)
#define TzOptionsEList(opt, text, man, list, ntext, current, value, set) \
  TzOptionsEList_Private(PetscOptionsObject, opt, text, man, list, ntext, current, value, set)
#define TzOptionsFList(opt, text, man, list, current, value, len, set) \
  TzOptionsFList_Private(PetscOptionsObject, opt, text, man, list, current, value, len, set)
#define TzOptionsIntArray(opt, text, man, value, n, set)  TzOptionsIntArray_Private(PetscOptionsObject, opt, text, man, value, n, set)
#define TzOptionsRealArray(opt, text, man, value, n, set) TzOptionsRealArray_Private(PetscOptionsObject, opt, text, man, value, n, set)

PETSC_EXTERN PetscErrorCode TzOptionsInt_Private(TzOptionItems, const char[], const char[], const char[], PetscInt, PetscInt *, PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsInt64_Private(TzOptionItems, const char[], const char[], const char[], PetscInt64, PetscInt64 *, PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsReal_Private(TzOptionItems, const char[], const char[], const char[], PetscReal, PetscReal *, PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsBool_Private(TzOptionItems, const char[], const char[], const char[], PetscBool, PetscBool *, PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsString_Private(TzOptionItems, const char[], const char[], const char[], const char[], char *, size_t, PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsEnum_Private(TzOptionItems, const char[], const char[], const char[], const char *const *, PetscEnum, PetscEnum *,
                                                  PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsEList_Private(TzOptionItems, const char[], const char[], const char[], const char *const *, PetscInt, const char[],
                                                   PetscInt *, PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsFList_Private(TzOptionItems, const char[], const char[], const char[], PetscFunctionList, const char[], char *, size_t,
                                                   PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsIntArray_Private(TzOptionItems, const char[], const char[], const char[], PetscInt[], PetscInt *, PetscBool *);
PETSC_EXTERN PetscErrorCode TzOptionsRealArray_Private(TzOptionItems, const char[], const char[], const char[], PetscReal[], PetscInt *, PetscBool *);

/*
  TzOptionsRecord - begins a new record, before the first object reads its options; collective

  TzOptionsDeclare - records an option that somebody else reads, with its value now (-tao_type, of which TAO has the default)

  TzOptionsCheckUnused - when all objects are set up: an option in the database that nobody read is PETSC_ERR_USER_INPUT naming the nearest
  known one; collective. What comes from PETSC_OPTIONS or .petscrc, and belongs to a class of PETSc (-ksp_type), is only warned about.

  TzOptionsHelpWanted - whether the user gave -help
*/
PETSC_EXTERN PetscErrorCode TzOptionsRecord(void);
PETSC_EXTERN PetscErrorCode TzOptionsDeclare(const char name[], const char value[]);
PETSC_EXTERN PetscErrorCode TzOptionsCheckUnused(MPI_Comm comm);
PETSC_EXTERN PetscBool      TzOptionsHelpWanted(void);

/*
  The recorded options as text (*text is PetscMalloced) are a valid options file: "-name value" where the user gave one,
  "# -name value" where it is the default. Kept are only options that define the problem and the run: no names of files, no viewers and monitors,
  nothing of PETSc's own, no -tz_partition. Options of a registered type begin with its name (-heat_kappa of -pde_type heat).

  TzOptionsInsertText - puts the given ones of such a text into the database, where the user has not set them; `option` and `file` are named in
  messages. PETSC_ERR_USER_INPUT for a type that is not registered here, PETSC_ERR_FILE_UNEXPECTED for an option that is never kept.

  TzOptionsCompareText - PETSC_ERR_USER_INPUT if an option that defines the problem (all but -tz_* and -tao_*; of these the
  seed and -tao_type) has another value now; `only` is a NULL-terminated list of prefixes to look at (NULL: all), `file` a name
  for the message. With `changes`, what says how a run goes on (-tao_type, -zo_*, -loss_points, -loss_batch) may differ: *changes is NULL, or a text,
  PetscMalloced, with a line "-name before after" for each
*/
PETSC_EXTERN PetscErrorCode TzOptionsGetText(char **text);
PETSC_EXTERN PetscErrorCode TzOptionsInsertText(MPI_Comm comm, const char option[], const char file[], const char text[]);
PETSC_EXTERN PetscErrorCode TzOptionsCompareText(MPI_Comm comm, const char text[], const char *const only[], const char file[], char **changes);

#endif
