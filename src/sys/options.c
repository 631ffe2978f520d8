/*
  Options: which ones there are, and the check that none is left unread.

  PETSc's -help machinery announces every option that an object declares, with its value. TzOptionsRecord() switches that
  machinery on and listens (PetscHelpPrintf and PetscVFPrintf are function pointers); what it announces is printed only if
  the user asked for -help. So the list of known options is always that of the objects at hand, whoever wrote them.
*/
#include <tzsys.h>
#include "tzoptions.h"
#include <ctype.h>

TzOptionList TzOptions = {0, 0, NULL};

static char      TzHelpLine[4096]; /* PETSc prints one option in several pieces */
static PetscBool TzHelpWanted = PETSC_FALSE;
static PetscErrorCode (*TzVFPrintfBefore)(FILE *, const char[], va_list);

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

static PetscErrorCode TzOptionsAdd(const char name[], const char value[])
{
  TzOption *o = TzOptionsFind(name);

  PetscFunctionBegin;
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
  PetscCall(PetscStrallocpy(value, &o->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A line of -help: "  -name <now V : formerly W>: text (manual)", "  -name: <V : W> text ...", "  -name <V1,V2>: text ..." or
  "  -name: text ...". V is the value.
*/
static PetscErrorCode TzOptionsParseHelp(const char line[])
{
  char        name[PETSC_MAX_OPTION_NAME], value[1024] = "";
  const char *s = line + strspn(line, " "), *end, *stop;

  PetscFunctionBegin;
  if (s[0] != '-' || !isalpha((unsigned char)s[1])) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrncpy(name, s, PetscMin(sizeof(name), strcspn(s, " :<\n") + 1)));
  s += strlen(name);
  s += strspn(s, ": ");
  if (*s == '<') {
    s++;
    if (!strncmp(s, "now ", 4)) s += 4;
    end  = strchr(s, '>');
    stop = strstr(s, " : ");
    if (!end) end = s + strlen(s);
    if (stop && stop < end) end = stop;
    PetscCall(PetscStrncpy(value, s, PetscMin(sizeof(value), (size_t)(end - s) + 1)));
  }
  PetscCall(TzOptionsAdd(name, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A piece of what -help prints; one option may come in several */
static PetscErrorCode TzHelpPiece(const char format[], va_list args)
{
  const size_t len = strlen(TzHelpLine);

  PetscFunctionBegin;
  PetscCall(PetscVSNPrintf(TzHelpLine + len, sizeof(TzHelpLine) - len, format, NULL, args));
  if (TzHelpWanted) fputs(TzHelpLine + len, PETSC_STDOUT);
  if (strchr(TzHelpLine, '\n') || strlen(TzHelpLine) > sizeof(TzHelpLine) / 2) {
    PetscCall(TzOptionsParseHelp(TzHelpLine));
    TzHelpLine[0] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In place of PetscHelpPrintf. Rank 0 listens; TzOptionsCheckUnused() tells the others. */
static PetscErrorCode TzHelpPrintf(MPI_Comm comm, const char format[], ...)
{
  va_list     args;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  va_start(args, format);
  PetscCall(TzHelpPiece(format, args));
  va_end(args);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In place of PetscVFPrintf, because lists of types (PetscFunctionListPrintTypes) do not go through PetscHelpPrintf */
static PetscErrorCode TzVFPrintf(FILE *file, const char format[], va_list args)
{
  PetscFunctionBegin;
  if (TzHelpLine[0] || !strncmp(format, "  %s%s <now %s", 14)) PetscCall(TzHelpPiece(format, args));
  else PetscCall(TzVFPrintfBefore(file, format, args));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsRecord(void)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsHasHelp(NULL, &TzHelpWanted));
  if (!TzHelpWanted) PetscCall(PetscOptionsSetValue(NULL, "-help", NULL));
  TzVFPrintfBefore = PetscVFPrintf;
  PetscHelpPrintf  = TzHelpPrintf;
  PetscVFPrintf    = TzVFPrintf;
  PetscCall(PetscRegisterFinalize(TzOptionsFree));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The end of recording: every rank gets rank 0's list */
static PetscErrorCode TzOptionsShare(MPI_Comm comm)
{
  PetscInt    n = TzOptions.n;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscHelpPrintf = PetscHelpPrintfDefault;
  PetscVFPrintf   = TzVFPrintfBefore;
  if (!TzHelpWanted) PetscCall(PetscOptionsClearValue(NULL, "-help"));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Bcast(&n, 1, MPIU_INT, 0, comm));
  if (rank) PetscCall(TzOptionsFree());
  for (PetscInt i = 0; i < n; i++) {
    char line[2][1024];
    if (!rank) {
      PetscCall(PetscStrncpy(line[0], TzOptions.option[i].name, sizeof(line[0])));
      PetscCall(PetscStrncpy(line[1], TzOptions.option[i].value, sizeof(line[1])));
    }
    PetscCallMPI(MPI_Bcast(line, sizeof(line), MPI_CHAR, 0, comm));
    if (rank) PetscCall(TzOptionsAdd(line[0], line[1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzOptionsHelpWanted(void)
{
  return TzHelpWanted;
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

static const char *TzOptionsNearest(const char name[])
{
  PetscInt    best    = PETSC_MAX_INT;
  const char *nearest = "-help";

  for (PetscInt i = 0; i < TzOptions.n; i++) {
    const PetscInt distance = TzEditDistance(name, TzOptions.option[i].name);
    if (distance < best) {
      best    = distance;
      nearest = TzOptions.option[i].name;
    }
  }
  return nearest;
}

PetscErrorCode TzOptionsCheckUnused(MPI_Comm comm)
{
  PetscInt    n, bad = -1;
  char      **names, **values, message[1024];
  const char *value;

  PetscFunctionBegin;
  PetscCall(TzOptionsShare(comm));
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = n - 1; i >= 0; i--) {
    if (!TzOptionIsPetscs(names[i])) bad = i;
  }
  if (bad >= 0) {
    char name[PETSC_MAX_OPTION_NAME + 1];
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s", names[bad]));
    value = values[bad] ? values[bad] : "";
    PetscCall(PetscSNPrintf(message, sizeof(message), "%s%s%s: no such option, or none that applies here; the nearest one is %s", name, value[0] ? " " : "",
                            value, TzOptionsNearest(name)));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscCheck(bad < 0, comm, PETSC_ERR_USER_INPUT, "%s", message);
  PetscFunctionReturn(PETSC_SUCCESS);
}
