/*
  The options that objects declare: read strictly, handed on to PETSc (which parses them too and prints -help), recorded.
*/
#include "optionlist.h"
#include <ctype.h>
#include <errno.h>

/* "-prefix_name", what the user types */
static PetscErrorCode FullName(TzOptionItems PetscOptionsObject, const char opt[], char name[PETSC_MAX_OPTION_NAME])
{
  const char *prefix = PetscOptionsObject->prefix;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(name, PETSC_MAX_OPTION_NAME, "-%s%s", prefix ? prefix : "", opt + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The user's text for the option; *text NULL where there is none. An option without a value is a mistake, except for a flag. */
static PetscErrorCode FindText(TzOptionItems PetscOptionsObject, const char opt[], const char wanted[], char name[PETSC_MAX_OPTION_NAME], const char **text)
{
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(FullName(PetscOptionsObject, opt, name));
  PetscCall(PetscOptionsFindPair(PetscOptionsObject->options, PetscOptionsObject->prefix, opt, text, &given));
  if (!given) *text = NULL;
  else if (!*text) *text = "";
  PetscCheck(!given || !wanted || (*text)[0], PetscOptionsObject->comm, PETSC_ERR_USER_INPUT, "%s: its value is missing; must be %s", name, wanted);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is wrong with a text as one whole number: "" if nothing is */
static void WrongInt(const char text[], PetscInt64 min, PetscInt64 max, size_t n, char why[])
{
  char           *end;
  const long long value = (errno = 0, strtoll(text, &end, 10));

  why[0] = 0;
  if (end == text || *end || isspace((unsigned char)text[0])) snprintf(why, n, "must be a whole number");
  else if (errno || value < min || value > max) snprintf(why, n, "must be from %" PetscInt64_FMT " to %" PetscInt64_FMT, min, max);
}

static void WrongReal(const char text[], size_t n, char why[])
{
  char        *end;
  const double value = (errno = 0, strtod(text, &end));

  why[0] = 0;
  if (end == text || *end || text[strspn(text, "+-.0123456789eE")]) snprintf(why, n, "must be a number, as 0.01 or 1e-2");
  else if (errno || PetscIsInfOrNanReal(value)) snprintf(why, n, "does not fit a number in double precision");
}

PetscErrorCode TzOptionCheckInt(MPI_Comm comm, const char name[], const char text[], PetscInt64 min, PetscInt64 max)
{
  char why[128];

  PetscFunctionBegin;
  WrongInt(text, min, max, sizeof(why), why);
  PetscCheck(!why[0], comm, PETSC_ERR_USER_INPUT, "%s %s: %s", name, text, why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionCheckReal(MPI_Comm comm, const char name[], const char text[])
{
  char why[128];

  PetscFunctionBegin;
  WrongReal(text, sizeof(why), why);
  PetscCheck(!why[0], comm, PETSC_ERR_USER_INPUT, "%s %s: %s", name, text, why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A list "8,8": at most n entries, each a number */
static PetscErrorCode CheckList(MPI_Comm comm, const char name[], const char text[], PetscInt n, PetscBool real)
{
  PetscInt entries = 1;
  char     entry[64], why[128];

  PetscFunctionBegin;
  for (const char *s = text; *s; s++) entries += *s == ',';
  PetscCheck(entries <= n, comm, PETSC_ERR_USER_INPUT, "%s %s: at most %" PetscInt_FMT " entries", name, text, n);
  for (const char *s = text; entries > 0; entries--) {
    const size_t len = strcspn(s, ",");

    PetscCheck(len < sizeof(entry), comm, PETSC_ERR_USER_INPUT, "%s %s: must be numbers with commas between them", name, text);
    PetscCall(PetscStrncpy(entry, s, len + 1));
    if (real) WrongReal(entry, sizeof(why), why);
    else WrongInt(entry, PETSC_MIN_INT, PETSC_MAX_INT, sizeof(why), why);
    PetscCheck(!why[0], comm, PETSC_ERR_USER_INPUT, "%s %s: \"%s\" %s", name, text, entry, why);
    s += len + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsInt_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], PetscInt current, PetscInt *value,
                                    PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME], now[32];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "a whole number", name, &given));
  if (given) PetscCall(TzOptionCheckInt(PetscOptionsObject->comm, name, given, PETSC_MIN_INT, PETSC_MAX_INT));
  PetscCall(PetscOptionsInt(opt, text, man, current, value, set));
  PetscCall(PetscSNPrintf(now, sizeof(now), "%" PetscInt_FMT, given ? *value : current));
  PetscCall(TzOptionsDeclare(name, now));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsInt64_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], PetscInt64 current,
                                      PetscInt64 *value, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME], now[32];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "a whole number", name, &given));
  PetscCall(PetscSNPrintf(now, sizeof(now), "%" PetscInt64_FMT, current));
  if (given) {
    PetscCall(TzOptionCheckInt(PetscOptionsObject->comm, name, given, INT64_MIN, INT64_MAX));
    *value = strtoll(given, NULL, 10);
    PetscCall(PetscSNPrintf(now, sizeof(now), "%" PetscInt64_FMT, *value));
  }
  if (set) *set = (PetscBool)(given != NULL);
  if (PetscOptionsObject->printhelp && PetscOptionsObject->count == 1 && !PetscOptionsObject->alreadyprinted) /* PETSc has none of this kind */
    PetscCall((*PetscHelpPrintf)(PetscOptionsObject->comm, "  %s: <now %s : formerly %" PetscInt64_FMT ">: %s (%s)\n", name, now, current, text, man));
  PetscCall(TzOptionsDeclare(name, now));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsReal_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], PetscReal current,
                                     PetscReal *value, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME], now[32];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "a number", name, &given));
  if (given) PetscCall(TzOptionCheckReal(PetscOptionsObject->comm, name, given));
  PetscCall(PetscOptionsReal(opt, text, man, current, value, set));
  PetscCall(TzNumberText((double)(given ? *value : current), now));
  PetscCall(TzOptionsDeclare(name, now));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsBool_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], PetscBool current,
                                     PetscBool *value, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, NULL, name, &given));
  PetscCheck(!given || TzTruth(given) >= 0, PetscOptionsObject->comm, PETSC_ERR_USER_INPUT, "%s %s: must be true or false (or yes, no, on, off, 1, 0)", name,
             given);
  PetscCall(PetscOptionsBool(opt, text, man, current, value, set));
  PetscCall(TzOptionsDeclare(name, (given ? *value : current) ? "true" : "false"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsString_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], const char current[],
                                       char value[], size_t len, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "a text", name, &given));
  PetscCheck(!given || strlen(given) < len, PetscOptionsObject->comm, PETSC_ERR_USER_INPUT, "%s %.40s...: longer than %d characters", name, given,
             (int)len - 1);
  PetscCall(PetscOptionsString(opt, text, man, current, value, len, set));
  PetscCall(TzOptionsDeclare(name, given ? given : current));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSC_ERR_USER_INPUT naming the n words allowed, unless the text is one of them (in either case of letters) */
static PetscErrorCode CheckWord(MPI_Comm comm, const char name[], const char text[], PetscInt n, const char *const list[])
{
  char allowed[512] = "";

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    if (!strcasecmp(text, list[i])) PetscFunctionReturn(PETSC_SUCCESS);
    if (i) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
    PetscCall(PetscStrlcat(allowed, list[i], sizeof(allowed)));
  }
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s %s: unknown; allowed: %s", name, text, allowed);
}

/* list: the words, then the name and the prefix of the enum, then NULL, as PETSc has it */
PetscErrorCode TzOptionsEnum_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], const char *const *list,
                                     PetscEnum current, PetscEnum *value, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME];
  const char *given;
  PetscInt    n = 0;

  PetscFunctionBegin;
  while (list[n]) n++;
  PetscCall(FindText(PetscOptionsObject, opt, "one of its words", name, &given));
  if (given) PetscCall(CheckWord(PetscOptionsObject->comm, name, given, n - 2, list));
  PetscCall(PetscOptionsEnum(opt, text, man, list, current, value, set));
  PetscCall(TzOptionsDeclare(name, list[given ? *value : current]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsEList_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], const char *const *list,
                                      PetscInt ntext, const char current[], PetscInt *value, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "one of its words", name, &given));
  if (given) PetscCall(CheckWord(PetscOptionsObject->comm, name, given, ntext, list));
  PetscCall(PetscOptionsEList(opt, text, man, list, ntext, current, value, set));
  PetscCall(TzOptionsDeclare(name, given ? list[*value] : current));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether the type exists is for XxxSetType() to say */
PetscErrorCode TzOptionsFList_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], PetscFunctionList list,
                                      const char current[], char value[], size_t len, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "a type", name, &given));
  PetscCall(PetscOptionsFList(opt, text, man, list, current, value, len, set));
  PetscCall(TzOptionsDeclare(name, given ? given : current ? current : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The default of a list as text, from an array of n entries that are 0 behind the last; an array full of one number is one number
  for all ("4" for every rank).
*/
#define LIST_TEXT(value, n, now, print) \
  do { \
    PetscInt last = n, same = n > 0; \
    while (last > 0 && value[last - 1] == 0) last--; \
    for (PetscInt i = 1; i < n; i++) same = same && value[i] == value[0]; \
    now[0] = 0; \
    for (PetscInt i = 0; i < (same ? PetscMin(last, 1) : last); i++) { \
      char one[32]; \
      print; \
      if (i) PetscCall(PetscStrlcat(now, ",", sizeof(now))); \
      PetscCall(PetscStrlcat(now, one, sizeof(now))); \
    } \
  } while (0)

PetscErrorCode TzOptionsIntArray_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], PetscInt value[], PetscInt *n,
                                         PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME], now[1024];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "whole numbers with commas between them", name, &given));
  if (given) PetscCall(CheckList(PetscOptionsObject->comm, name, given, *n, PETSC_FALSE));
  LIST_TEXT(value, *n, now, PetscCall(PetscSNPrintf(one, sizeof(one), "%" PetscInt_FMT, value[i])));
  PetscCall(PetscOptionsIntArray(opt, text, man, value, n, set));
  PetscCall(TzOptionsDeclare(name, given ? given : now));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzOptionsRealArray_Private(TzOptionItems PetscOptionsObject, const char opt[], const char text[], const char man[], PetscReal value[],
                                          PetscInt *n, PetscBool *set)
{
  char        name[PETSC_MAX_OPTION_NAME], now[1024];
  const char *given;

  PetscFunctionBegin;
  PetscCall(FindText(PetscOptionsObject, opt, "numbers with commas between them", name, &given));
  if (given) PetscCall(CheckList(PetscOptionsObject->comm, name, given, *n, PETSC_TRUE));
  LIST_TEXT(value, *n, now, PetscCall(TzNumberText((double)value[i], one)));
  PetscCall(PetscOptionsRealArray(opt, text, man, value, n, set));
  PetscCall(TzOptionsDeclare(name, given ? given : now));
  PetscFunctionReturn(PETSC_SUCCESS);
}
