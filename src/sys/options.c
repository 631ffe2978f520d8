/*
  Options: the record of those that objects declare, and the check that none is left unread.
*/
#include "optionlist.h"
#include <ctype.h>

TzOptionList TzOptions = {0, 0, NULL};

/* Read when PETSc starts or ends or while a solver runs, not from an object's options: never "unused". A trailing * stands for any ending. */
static const char *const TzOptionsOfPetsc[] = {"citations",
                                               "history",
                                               "help",
                                               "info*",
                                               "log*",
                                               "malloc*",
                                               "memory_view",
                                               "mpidump",
                                               "nox*",
                                               "objects_dump",
                                               "on_error_abort",
                                               "options_*",
                                               "petsc_*",
                                               "skip_petscrc",
                                               "start_in_debugger",
                                               "tao_view*",
                                               "tao_monitor",
                                               "tao_test_gradient*",
                                               "version",
                                               "viewfromoptions",
                                               "x_virtual",
                                               "checkstack",
                                               "fp_trap",
                                               NULL};

static PetscBool TzOptionIsPetscs(const char name[])
{
  for (PetscInt i = 0; TzOptionsOfPetsc[i]; i++) {
    const size_t len = strlen(TzOptionsOfPetsc[i]);
    if (TzOptionsOfPetsc[i][len - 1] == '*' ? !strncasecmp(name, TzOptionsOfPetsc[i], len - 1) : !strcasecmp(name, TzOptionsOfPetsc[i])) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

TzOption *TzOptionsFind(const char name[])
{
  for (PetscInt i = 0; i < TzOptions.n; i++) {
    if (!strcasecmp(TzOptions.option[i].name, name)) return &TzOptions.option[i];
  }
  return NULL;
}

static PetscErrorCode TzOptionsFree(void)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < TzOptions.n; i++) {
    PetscCall(PetscFree(TzOptions.option[i].name));
    PetscCall(PetscFree(TzOptions.option[i].value));
  }
  PetscCall(PetscFree(TzOptions.option));
  TzOptions.n = TzOptions.size = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool TzOptionsRegistered = PETSC_FALSE;

static PetscErrorCode TzOptionsFinalize(void)
{
  PetscFunctionBegin;
  TzOptionsRegistered = PETSC_FALSE;
  PetscCall(TzOptionsFree());
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsDeclare(const char name[], const char value[])
{
  TzOption *o = TzOptionsFind(name);

  PetscFunctionBegin;
  if (!TzOptionsRegistered) PetscCall(PetscRegisterFinalize(TzOptionsFinalize));
  TzOptionsRegistered = PETSC_TRUE;
  if (!o) {
    if (TzOptions.n == TzOptions.size) {
      TzOptions.size = 2 * TzOptions.size + 64;
      PetscCall(PetscRealloc(sizeof(*TzOptions.option) * (size_t)TzOptions.size, &TzOptions.option));
    }
    o        = &TzOptions.option[TzOptions.n++];
    o->value = NULL;
    PetscCall(PetscStrallocpy(name, &o->name));
  }
  PetscCall(PetscFree(o->value));
  PetscCall(PetscStrallocpy(value ? value : "", &o->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzOptionsHelpWanted(void)
{
  PetscBool wanted = PETSC_FALSE;

  (void)PetscOptionsHasHelp(NULL, &wanted);
  return wanted;
}

/* Edit distance (Levenshtein), letters of either case being equal */
static PetscInt TzEditDistance(const char a[], const char b[])
{
  PetscInt       row[PETSC_MAX_OPTION_NAME + 1];
  const PetscInt n = (PetscInt)PetscMin(strlen(b), PETSC_MAX_OPTION_NAME);

  for (PetscInt j = 0; j <= n; j++) row[j] = j;
  for (PetscInt i = 0; a[i]; i++) {
    PetscInt diagonal = row[0];
    row[0]            = i + 1;
    for (PetscInt j = 0; j < n; j++) {
      const PetscInt change = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
      diagonal              = row[j + 1];
      row[j + 1]            = PetscMin(change, PetscMin(row[j], row[j + 1]) + 1);
    }
  }
  return row[n];
}

/* What TAO and PETSC's start read, in any release, for the nearest name; numbers are checked, because PETSc wraps and ignores some */
static const struct {
  const char *name;
  char        kind; /* 'i': whole number, 'r': real, ' ': other */
} TzOptionsKnown[] = {
  {"-tao_type", ' '},      {"-tao_max_it", 'i'},
  {"-tao_max_funcs", 'i'}, {"-tao_fmin", 'r'},
  {"-tao_gatol", 'r'},     {"-tao_grtol", 'r'},
  {"-tao_gttol", 'r'},     {"-tao_catol", 'r'},
  {"-tao_crtol", 'r'},     {"-tao_steptol", 'r'},
  {"-tao_trust0", 'r'},    {"-tao_monitor", ' '},
  {"-tao_view", ' '},      {"-tao_converged_reason", ' '},
  {"-help", ' '},          {"-info", ' '},
  {"-log_view", ' '},      {"-malloc_debug", ' '},
  {"-options_file", ' '},  {"-options_left", ' '},
  {"-options_view", ' '},
};

static const char *TzOptionsNearest(const char name[])
{
  PetscInt       best    = PETSC_MAX_INT;
  const char    *nearest = "-help";
  const PetscInt known   = (PetscInt)PETSC_STATIC_ARRAY_LENGTH(TzOptionsKnown);

  for (PetscInt i = 0; i < TzOptions.n + known; i++) {
    const char    *candidate = i < TzOptions.n ? TzOptions.option[i].name : TzOptionsKnown[i - TzOptions.n].name;
    const PetscInt distance  = TzEditDistance(name, candidate);

    if (distance < best) {
      best    = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

PetscErrorCode TzOptionCheckKnown(MPI_Comm comm, const char name[], const char value[])
{
  PetscFunctionBegin;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(TzOptionsKnown); i++) {
    const char kind = TzOptionsKnown[i].kind;

    if (kind == ' ' || strcasecmp(name, TzOptionsKnown[i].name)) continue;
    PetscCheck(value && value[0], comm, PETSC_ERR_USER_INPUT, "%s: its value is missing; must be a %snumber", name, kind == 'i' ? "whole " : "");
    if (kind == 'i') PetscCall(TzOptionCheckInt(comm, name, value, 0, PETSC_MAX_INT));
    else PetscCall(TzOptionCheckReal(comm, name, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers among the options of TAO that nobody has read yet */
static PetscErrorCode TzOptionsCheckNumbers(MPI_Comm comm)
{
  PetscInt n;
  char   **names, **values, name[PETSC_MAX_OPTION_NAME + 1];

  PetscFunctionBegin;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s", names[i]));
    PetscCall(TzOptionCheckKnown(comm, name, values[i]));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsRecord(void)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsFree());
  PetscCall(TzOptionsCheckNumbers(PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the user gave and somebody read by PETSc's own functions (TAO, a user's own object) is recorded too */
static PetscErrorCode TzOptionsDeclareOthers(void)
{
  char *all, *save = NULL;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (char *s = strtok_r(all, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
    PetscBool   key, used;
    const char *value;

    PetscCall(PetscOptionsValidKey(s, &key));
    if (!key || TzOptionIsPetscs(s + 1) || TzOptionsFind(s)) continue;
    PetscCall(PetscOptionsUsed(NULL, s + 1, &used));
    if (!used) continue;
    PetscCall(PetscOptionsFindPair(NULL, NULL, s, &value, &used));
    PetscCall(TzOptionsDeclare(s, value));
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Classes of PETSC that Tenzo makes no objects of, or whose objects take no options */
static PetscBool TzOptionIsOtherClass(const char name[])
{
  static const char *const prefix[] = {"ksp_", "pc_",   "snes_",   "ts_",         "dm_",         "mat_", "vec_",  "is_",     "sf_",
                                       "ao_",  "da_",   "mg_",     "sub_",        "fieldsplit_", "eps_", "svd_",  "pep_",    "nep_",
                                       "st_",  "draw_", "viewer_", "vecscatter_", "cuda_",       "hip_", "sycl_", "device_", "use_gpu_"};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(prefix); i++) {
    if (!strncasecmp(name, prefix[i], strlen(prefix[i]))) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Rank 0's view of PETSC_OPTIONS and of the files that PETSC reads by itself: whether the name is there, and not on the command line */
static PetscErrorCode TzOptionFromEnvironmentHere(const char name[], PetscBool *found)
{
  char         file[PETSC_MAX_PATH_LEN], dashed[PETSC_MAX_OPTION_NAME + 1];
  PetscOptions options;
  PetscBool    skip = PETSC_FALSE;
  int          argc;
  char       **argv;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(dashed, sizeof(dashed), "-%s", name));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-skip_petscrc", &skip, NULL));
  if (!skip) {
    PetscCall(PetscGetHomeDirectory(file, sizeof(file) - 10));
    PetscCall(PetscStrlcat(file, "/.petscrc", sizeof(file)));
    PetscCall(PetscOptionsInsertFile(PETSC_COMM_SELF, options, file, PETSC_FALSE));
    PetscCall(PetscOptionsInsertFile(PETSC_COMM_SELF, options, ".petscrc", PETSC_FALSE));
    PetscCall(PetscOptionsInsertFile(PETSC_COMM_SELF, options, "petscrc", PETSC_FALSE));
  }
  if (getenv("PETSC_OPTIONS")) PetscCall(PetscOptionsInsertString(options, getenv("PETSC_OPTIONS")));
  PetscCall(PetscOptionsHasName(options, NULL, dashed, found));
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(PetscGetArgs(&argc, &argv));
  for (int i = 1; i < argc; i++) {
    if (!strcasecmp(argv[i], dashed) || (argv[i][0] == '-' && !strcasecmp(argv[i] + 1, dashed))) *found = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzOptionFromEnvironment(MPI_Comm comm, const char name[], PetscBool *found)
{
  PetscMPIInt rank;
  int         here = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    PetscCall(TzOptionFromEnvironmentHere(name, found));
    here = *found;
  }
  PetscCallMPI(MPI_Bcast(&here, 1, MPI_INT, 0, comm));
  *found = (PetscBool)here;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsCheckUnused(MPI_Comm comm)
{
  PetscInt  n, bad = -1;
  PetscBool asked;
  char    **names, **values, message[1024];

  PetscFunctionBegin;
  PetscCall(TzOptionsCheckNumbers(comm));
  PetscCall(TzOptionsDeclareOthers());
  PetscCall(PetscOptionsHasName(NULL, NULL, "-options_left", &asked));
  if (!asked) PetscCall(PetscOptionsSetValue(NULL, "-options_left", "no")); /* a PETSc with debugging would say it again at the end */
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = n - 1; i >= 0; i--) {
    PetscBool tolerated = TzOptionIsOtherClass(names[i]);

    if (TzOptionIsPetscs(names[i])) continue;
    if (tolerated) PetscCall(TzOptionFromEnvironment(comm, names[i], &tolerated));
    if (!tolerated) bad = i;
    else
      PetscCall(PetscFPrintf(comm, PETSC_STDERR, "tenzo: warning: -%s, from PETSC_OPTIONS or .petscrc: of a class of PETSc that is not used here\n", names[i]));
  }
  if (bad >= 0) {
    char        name[PETSC_MAX_OPTION_NAME + 1];
    const char *value = values[bad] ? values[bad] : "";

    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s", names[bad]));
    PetscCall(PetscSNPrintf(message, sizeof(message), "%s%s%s: no such option, or none that applies here; the nearest one is %s", name, value[0] ? " " : "",
                            value, TzOptionsNearest(name)));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscCheck(bad < 0, comm, PETSC_ERR_USER_INPUT, "%s", message);
  PetscFunctionReturn(PETSC_SUCCESS);
}
