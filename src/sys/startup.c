/*
  Before PetscInitialize(): what the words of the command line, of PETSC_OPTIONS and of options files would make PETSC do badly is a
  user's mistake here, in one line and on every rank: options files that cannot be read, include themselves or hold a NUL (PETSc opens
  them on rank 0 and leaves the others waiting, recurses, stops reading), and files to be written where none can be (PETSc finds out
  at the end of the run, or crashes).
*/
#include "startup.h"
#include <sys/stat.h>
#include <unistd.h>

#define MAXDEPTH 16

typedef struct {
  char message[1024]; /* "" while nothing is wrong */
  int  depth;
  struct {
    dev_t dev;
    ino_t ino;
  } open[MAXDEPTH]; /* the options files that include the one being read */
} TzStartup;

static void ReadFile(TzStartup *s, const char option[], const char file[], PetscBool needed);

/* The first complaint is the message */
static void Complain(TzStartup *s, const char format[], ...)
{
  va_list args;

  va_start(args, format);
  if (!s->message[0]) vsnprintf(s->message, sizeof(s->message), format, args);
  va_end(args);
}

/* Whether a word is an option rather than a value: PetscOptionsValidKey() before PETSc is there */
static PetscBool IsKey(const char word[])
{
  word += word[0] == '-' && word[1] == '-';
  return (PetscBool)(word[0] == '-' && ((word[1] >= 'a' && word[1] <= 'z') || (word[1] >= 'A' && word[1] <= 'Z')));
}

/* A file that will be written: its directory is there, and it may be */
static void CheckWritable(TzStartup *s, const char option[], const char value[], const char file[])
{
  char        directory[PETSC_MAX_PATH_LEN];
  const char *slash = strrchr(file, '/');
  struct stat info;

  snprintf(directory, sizeof(directory), "%.*s", slash ? PetscMax((int)(slash - file), 1) : 1, slash ? file : ".");
  if (stat(directory, &info) || !S_ISDIR(info.st_mode)) Complain(s, "%s %s: no directory %s", option, value, directory);
  else if (stat(file, &info) ? access(directory, W_OK) : S_ISDIR(info.st_mode) || access(file, W_OK))
    Complain(s, "%s %s: %s cannot be written", option, value, file);
}

/* The viewers of "[type]:file[:format],..." */
static void CheckViewers(TzStartup *s, const char option[], const char value[])
{
  for (const char *one = value; *one && !s->message[0]; one += strcspn(one, ",") + (one[strcspn(one, ",")] == ',')) {
    const size_t len = strcspn(one, ","), type = strcspn(one, ":,");
    char         file[PETSC_MAX_PATH_LEN] = "";

    if (type < len) snprintf(file, sizeof(file), "%.*s", (int)strcspn(one + type + 1, ":,"), one + type + 1);
    if (file[0]) CheckWritable(s, option, value, file);
  }
}

/* One option with its value, NULL where there is none */
static void CheckOption(TzStartup *s, const char option[], const char value[])
{
  static const char *const plain[] = {"-history", "-citations", "-log_trace", "-tz_summary"};
  const char              *name = option + (option[1] == '-'), *view = strstr(name, "_view");

  if (!strcasecmp(name, "-options_file") || !strcasecmp(name, "-options_file_yaml")) {
    if (value) ReadFile(s, option, value, PETSC_TRUE);
    else Complain(s, "%s: the name of a file is missing", option);
  }
  if (!value || !value[0]) return;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(plain); i++) {
    if (!strcasecmp(name, plain[i])) CheckWritable(s, option, value, value);
  }
  if (!strcasecmp(name, "-info") || (view && !view[5])) CheckViewers(s, option, value);
}

/* A word and the next one, if there is one, as PETSc takes them: an option, then perhaps its value */
static void CheckPair(TzStartup *s, const char word[], const char next[])
{
  if (word && IsKey(word) && !s->message[0]) CheckOption(s, word, next && !IsKey(next) ? next : NULL);
}

/* The words of a text between blanks; the text is cut */
static void CheckText(TzStartup *s, char text[])
{
  char *save = NULL, *before = NULL;

  for (char *word = strtok_r(text, " \t\r\n", &save); word; word = strtok_r(NULL, " \t\r\n", &save)) {
    CheckPair(s, before, word);
    before = word;
  }
  CheckPair(s, before, NULL);
}

/* The lines of an options file without their comments */
static void CheckLines(TzStartup *s, FILE *f, const char option[], const char file[])
{
  char   *line = NULL;
  size_t  size = 0;
  ssize_t len;

  for (int n = 1; !s->message[0] && (len = getline(&line, &size, f)) >= 0; n++) {
    if (strlen(line) < (size_t)len) Complain(s, "%s %s: line %d has a zero byte: not a text", option, file, n);
    else {
      line[strcspn(line, "#")] = 0;
      CheckText(s, line);
    }
  }
  free(line);
}

static void ReadFile(TzStartup *s, const char option[], const char file[], PetscBool needed)
{
  struct stat info;
  FILE       *f = stat(file, &info) || !S_ISREG(info.st_mode) ? NULL : fopen(file, "r");

  if (needed && (!f || !info.st_size)) Complain(s, "%s %s: cannot be read, or is empty", option, file);
  for (int i = 0; f && i < s->depth; i++) {
    if (s->open[i].dev == info.st_dev && s->open[i].ino == info.st_ino) Complain(s, "%s %s: includes itself", option, file);
  }
  if (s->depth == MAXDEPTH) Complain(s, "%s %s: options files %d deep", option, file, MAXDEPTH);
  if (f && !s->message[0]) {
    s->open[s->depth].dev   = info.st_dev;
    s->open[s->depth++].ino = info.st_ino;
    CheckLines(s, f, option, file);
    s->depth--;
  }
  if (f) fclose(f);
}

/* On rank 0: everything that PETSc is going to read */
static void CheckAll(TzStartup *s, int argc, char *argv[])
{
  const char *home = getenv("HOME"), *environment = getenv("PETSC_OPTIONS");
  PetscBool   skip = PETSC_FALSE;
  char        file[PETSC_MAX_PATH_LEN];

  for (int i = 1; i < argc; i++) skip = (PetscBool)(skip || !strcasecmp(argv[i], "-skip_petscrc"));
  for (int i = 1; i < argc; i++) CheckPair(s, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
  if (environment) {
    char *text = strdup(environment);
    if (text) CheckText(s, text);
    free(text);
  }
  if (skip) return;
  if (home) {
    snprintf(file, sizeof(file), "%s/.petscrc", home);
    ReadFile(s, "options file", file, PETSC_FALSE);
  }
  ReadFile(s, "options file", ".petscrc", PETSC_FALSE);
  ReadFile(s, "options file", "petscrc", PETSC_FALSE);
}

PetscErrorCode TzStartupCheck(int argc, char *argv[])
{
  TzStartup s = {.message = "", .depth = 0};
  int       rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
  if (!rank) CheckAll(&s, argc, argv);
  PetscCallMPI(MPI_Bcast(s.message, sizeof(s.message), MPI_CHAR, 0, MPI_COMM_WORLD));
  PetscCheck(!s.message[0], PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s", s.message);
  PetscFunctionReturn(PETSC_SUCCESS);
}
