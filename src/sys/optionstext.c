/*
  The recorded options as a text that is kept in checkpoints, and its comparison with those of another run.
*/
#include "optionlist.h"
#include <ctype.h>

/*
  What a file may hold: options that define the problem and the run. A file that somebody else sent is data: no name in it reaches what opens, writes or
  loads something (viewers, monitors, PETSc's own options, names of files). Options of types that are registered begin with their name (-stein_sigma).
*/
static PetscBool TzOptionIsKept(const char name[])
{
  static const char *const rooms[]  = {"-pde_", "-net_", "-deriv_", "-rule_", "-loss_", "-zo_", "-control_"};
  static const char *const exact[]  = {"-tao_type",
                                       "-tao_max_it",
                                       "-tao_max_funcs",
                                       "-tao_fmin",
                                       "-tao_gatol",
                                       "-tao_grtol",
                                       "-tao_gttol",
                                       "-tz_seed",
                                       "-tz_checkpoint_every",
                                       "-tz_validate_every",
                                       "-tz_keep",
                                       "-tz_epochs",
                                       "-loss_path_steps",
                                       "-loss_path_points",
                                       "-zo_direction",
                                       "-zo_phase2_direction",
                                       "-net_output_scale",
                                       "-tz_validation_sampler",
                                       "-tz_validation_x0",
                                       "-tz_validation_points"};
  static const char *const never[]  = {"view", "monitor", "draw", "file", "dir", "path", "output", "command"};
  char                     type[64] = "";

  for (const char *c = name + 1; *c; c++) {
    if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_') return PETSC_FALSE; /* PETSc's names are equal in any case: these are not */
  }
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(exact); i++) {
    if (!strcmp(name, exact[i])) return PETSC_TRUE;
  }
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(never); i++) {
    if (strstr(name, never[i])) return PETSC_FALSE;
  }
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(rooms); i++) {
    if (!strncmp(name, rooms[i], strlen(rooms[i]))) return PETSC_TRUE;
  }
  for (size_t len = 0; len + 1 < sizeof(type) && name[1 + len]; len++) { /* -my_type_name: of a type "my" or "my_type" */
    if (name[1 + len] == '_' && TzTypeIsRegistered(type)) return PETSC_TRUE;
    type[len] = name[1 + len];
  }
  return PETSC_FALSE;
}

/* Kept, but free to change when a run is resumed: how long it is, how often it is looked at */
static PetscBool TzOptionMayChange(const char name[])
{
  return (PetscBool)((!strncmp(name, "-tao_", 5) && strcmp(name, "-tao_type")) || (!strncmp(name, "-tz_", 4) && strcmp(name, "-tz_seed")));
}

/* What another segment of a run may have: how it goes down, not where to */
static PetscBool TzOptionIsOfSegment(const char name[])
{
  static const char *const exact[] = {"-tao_type", "-loss_points", "-loss_batch"};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(exact); i++) {
    if (!strcmp(name, exact[i])) return PETSC_TRUE;
  }
  return (PetscBool)!strncmp(name, "-zo_", 4);
}

/* What the user gave ("" for a flag), else the default; recorded options are all marked as read already */
static PetscErrorCode TzOptionGetValue(const TzOption *o, const char **value, PetscBool *given)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsFindPair(NULL, NULL, o->name, value, given));
  if (!*given) *value = o->value;
  else if (!*value) *value = "";
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsGetText(char **text)
{
  size_t      size = 1;
  const char *value;
  PetscBool   given;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < TzOptions.n; i++) {
    PetscCall(TzOptionGetValue(&TzOptions.option[i], &value, &given));
    size += strlen(TzOptions.option[i].name) + strlen(value) + 4;
  }
  PetscCall(PetscMalloc1(size, text));
  (*text)[0] = 0;
  for (PetscInt i = 0; i < TzOptions.n; i++) {
    const TzOption *o   = &TzOptions.option[i];
    const size_t    end = strlen(*text);

    if (!TzOptionIsKept(o->name)) continue;
    PetscCall(TzOptionGetValue(o, &value, &given));
    PetscCall(PetscSNPrintf(*text + end, size - end, "%s%s %s\n", given ? "" : "# ", o->name, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Next line of a text: name and value, and whether the user had given it. Returns the rest; NULL at the end. */
static const char *TzOptionsNextLine(const char text[], size_t n, char name[], char value[], PetscBool *given)
{
  size_t len;

  while (*text) {
    *given = PETSC_TRUE;
    if (!strncmp(text, "# ", 2)) {
      *given = PETSC_FALSE;
      text += 2;
    }
    len      = strcspn(text, " \n");
    name[0]  = 0;
    value[0] = 0;
    strncat(name, text, PetscMin(len, n - 1));
    text += len + (text[len] == ' ');
    len = strcspn(text, "\n");
    strncat(value, text, PetscMin(len, n - 1));
    text += len + (text[len] == '\n');
    if (name[0] == '-' && isalpha((unsigned char)name[1])) return text;
  }
  return NULL;
}

/* Options whose value is the name of a type that a library may register */
static PetscBool TzOptionIsType(const char name[])
{
  static const char *const names[] = {"-pde_type", "-net_type", "-net_format", "-net_activation", "-deriv_type", "-rule_type", "-loss_type"};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(names); i++) {
    if (!strcmp(name, names[i])) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Whether all of a list of types are known: -net_activation may name several */
static PetscErrorCode TzOptionTypesAreRegistered(const char names[], PetscBool *all)
{
  char **name;
  int    n;

  PetscFunctionBegin;
  PetscCall(PetscStrToArray(names, ',', &n, &name));
  *all = (PetscBool)(n > 0);
  for (int i = 0; i < n; i++) *all = (PetscBool)(*all && TzTypeIsRegistered(name[i]));
  PetscCall(PetscStrToArrayDestroy(n, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsInsertText(MPI_Comm comm, const char option[], const char file[], const char text[])
{
  char        name[1024], value[1024];
  const char *line = text;
  PetscBool   given, set, known;

  PetscFunctionBegin;
  while ((line = TzOptionsNextLine(line, sizeof(name), name, value, &given))) {
    known = PETSC_TRUE;
    if (TzOptionIsType(name)) PetscCall(TzOptionTypesAreRegistered(value, &known));
    PetscCheck(known, comm, PETSC_ERR_USER_INPUT, "%s %s: needs %s %s, unknown here; a library registers it: give it by -dll_append", option, file, name,
               value);
  }
  line = text;
  while ((line = TzOptionsNextLine(line, sizeof(name), name, value, &given))) {
    PetscCheck(!given || TzOptionIsKept(name), comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: has the option %s, which no file may set", option, file, name);
  }
  line = text;
  while ((line = TzOptionsNextLine(line, sizeof(name), name, value, &given))) {
    if (!given) continue;
    PetscCall(PetscOptionsHasName(NULL, NULL, name, &set)); /* also marks the user's as read */
    if (set) continue;
    PetscCall(PetscOptionsSetValue(NULL, name, value[0] ? value : NULL));
    PetscCall(PetscOptionsHasName(NULL, NULL, name, &set)); /* those that do not apply here are not the user's fault */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int TzTruth(const char s[])
{
  static const char *const words[] = {"false", "true", "no", "yes", "0", "1", "off", "on", "", ""};

  for (int i = 0; i < 9; i++) {
    if (!strcasecmp(s, words[i])) return i == 8 ? 1 : i % 2;
  }
  return -1;
}

PetscErrorCode TzNumberText(double x, char text[32])
{
  int digits = 6;

  PetscFunctionBegin;
  do snprintf(text, 32, "%.*g", digits, x);
  while (strtod(text, NULL) != x && ++digits <= 17);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether two texts mean the same value: "1e-3" and "0.001", "true" and "" */
static PetscBool TzSameValue(const char a[], const char b[])
{
  char  *enda, *endb;
  double x, y;

  if (!strcasecmp(a, b)) return PETSC_TRUE;
  if (TzTruth(a) >= 0 && TzTruth(a) == TzTruth(b)) return PETSC_TRUE;
  while (*a && *b) {
    x = strtod(a, &enda);
    y = strtod(b, &endb);
    if (enda == a || endb == b || x != y || *enda != *endb) return PETSC_FALSE;
    a = enda + (*enda == ',');
    b = endb + (*endb == ',');
    if (a == enda && *a) return PETSC_FALSE;
  }
  return (PetscBool)(*a == *b);
}

/* Adds "name before after\n" to *text, PetscMalloced */
static PetscErrorCode AddChange(const char name[], const char before[], const char after[], char **text)
{
  char  *old  = *text;
  size_t size = (old ? strlen(old) : 0) + strlen(name) + strlen(before) + strlen(after) + 16;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(size, text));
  PetscCall(PetscSNPrintf(*text, size, "%s%s %s %s\n", old ? old : "", name, before[0] ? before : "yes", after[0] ? after : "yes"));
  PetscCall(PetscFree(old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsCompareText(MPI_Comm comm, const char text[], const char *const only[], const char file[], char **changes)
{
  char        name[1024], value[1024];
  const char *now;
  PetscBool   given, givennow;

  PetscFunctionBegin;
  if (changes) *changes = NULL;
  while ((text = TzOptionsNextLine(text, sizeof(name), name, value, &given))) {
    const TzOption *o    = TzOptionsFind(name);
    PetscBool       look = (PetscBool)!only;

    for (PetscInt i = 0; only && only[i]; i++) {
      if (!strncmp(name, only[i], strlen(only[i]))) look = PETSC_TRUE;
    }
    if (!o || !look || !TzOptionIsKept(name) || TzOptionMayChange(name)) continue;
    PetscCall(TzOptionGetValue(o, &now, &givennow));
    if (TzSameValue(value, now)) continue;
    PetscCheck(changes && TzOptionIsOfSegment(name), comm, PETSC_ERR_USER_INPUT, "%s %s: %s was written with %s %s", name, now, file, name,
               value[0] ? value : "(set)");
    PetscCall(AddChange(name, value, now, changes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
