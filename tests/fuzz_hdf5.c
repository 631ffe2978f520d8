/*
  Files that others wrote: [mpirun -n RANKS] fuzz_hdf5 -model GOOD [-tries N] [-first SEED] [-work DIR] changes a good checkpoint N times by its structure
  (types, shapes, values, links, storage, names; options out of this world) or by single bytes, and gives every one to what reads checkpoints: evaluation,
  resuming, points. Half of the files have checksums that are right for what is in them then. None may crash, hang, raise an error that is not a user's, or
  leave a file. With -names LIST every option of a list, in three spellings of case, stands in /options instead.
  The last line: "tries=N read=R refused=F faults=0"; exit code 1 for a fault.
*/
#include "fuzz.h"
#include <ctype.h>
#include <hdf5.h>
#include <sys/wait.h>

static char file[PETSC_MAX_PATH_LEN], victim[PETSC_MAX_PATH_LEN];

static const char *const paths[] = {"/theta",
                                    "/step",
                                    "/seed",
                                    "/counts",
                                    "/options",
                                    "/problem",
                                    "/format",
                                    "/checksums",
                                    "/solver/momentum",
                                    "/solver/phase",
                                    "/solver/step",
                                    "/history/loss",
                                    "/history/step",
                                    "/validation/mse",
                                    "/solver/damping",
                                    "/net",
                                    "/pde",
                                    "/versions/isa",
                                    "/note",
                                    "/extra/deep/thing",
                                    "/points"};

static void Remove(hid_t id, const char path[])
{
  if (H5Lexists(id, path, H5P_DEFAULT) > 0) H5Ldelete(id, path, H5P_DEFAULT);
}

/* A data set of some type and shape, perhaps packed or elsewhere, with some values */
static void Replace(hid_t id, const char path[])
{
  static const double odd[]   = {0, -1, 1e300, -1e300, NAN, INFINITY, 2147483648., -2147483649., 1e18, 0.5};
  const hsize_t       sides[] = {0, 1, 2, 3, 50, 1000, 6442450944}, dims[3] = {sides[Next(7)], sides[Next(6)], 2}, chunk[3] = {1000, 1000, 2};
  hid_t               groups = H5Pcreate(H5P_LINK_CREATE), create = H5Pcreate(H5P_DATASET_CREATE), space, type, set;
  const unsigned      shape = Next(6), kind = Next(10);
  double              values[4096];

  for (int i = 0; i < 4096; i++) values[i] = odd[Next(10)];
  H5Pset_create_intermediate_group(groups, 1);
  space = shape == 0 ? H5Screate(H5S_SCALAR) : shape == 1 ? H5Screate(H5S_NULL) : H5Screate_simple(shape > 3 ? 1 : (int)shape, dims, NULL);
  type  = H5Tcopy(kind < 4 ? H5T_NATIVE_DOUBLE : kind < 6 ? H5T_STD_I64BE : H5T_C_S1);
  if (kind == 6) H5Tset_size(type, H5T_VARIABLE);
  if (kind == 7) H5Tset_size(type, 1 + Next(300));
  if (kind == 8) {
    H5Tclose(type);
    type = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(type, "a", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "b", 8, H5T_NATIVE_INT);
  }
  if (kind == 9) {
    H5Tclose(type);
    type = H5Tenum_create(H5T_NATIVE_INT8);
    H5Tenum_insert(type, "FALSE", (signed char[]){0});
    H5Tenum_insert(type, "TRUE", (signed char[]){1});
  }
  if (shape >= 2 && Next(3) == 0) {
    H5Pset_chunk(create, shape > 3 ? 1 : (int)shape, chunk);
    H5Pset_deflate(create, 9);
  } else if (shape >= 2 && Next(3) == 0) H5Pset_external(create, Next(2) ? victim : "/etc/passwd", 0, H5F_UNLIMITED);
  Remove(id, path);
  set = H5Dcreate2(id, path, type, space, groups, create, H5P_DEFAULT);
  if (set >= 0 && kind < 6 && H5Dget_storage_size(set) <= sizeof(values) && H5Sget_simple_extent_npoints(space) <= 4096)
    H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  if (set >= 0) H5Dclose(set);
  H5Tclose(type);
  H5Sclose(space);
  H5Pclose(create);
  H5Pclose(groups);
}

static void PutText(hid_t id, const char path[], const char text[])
{
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), set;

  Remove(id, path);
  H5Tset_size(type, strlen(text) + 1);
  set = H5Dcreate2(id, path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (set >= 0) {
    H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
    H5Dclose(set);
  }
  H5Sclose(space);
  H5Tclose(type);
}

/* As one would who means harm: the checksum at `path` is that of the file as it is */
static PetscErrorCode Seal(const char path[])
{
  TzStore store;
  char    own[32], *text = own;
  hid_t   id;

  PetscFunctionBegin;
  PetscCall(TzStoreRead(PETSC_COMM_SELF, "-model", file, NULL, &store));
  if (!strcmp(path, "/checksum")) {
    const PetscReal *theta;
    PetscInt         rows, cols;

    PetscCall(TzStoreGetReal(store, "/theta", &rows, &cols, &theta));
    PetscCall(PetscSNPrintf(own, sizeof(own), "%016llx", (unsigned long long)TzChecksum(rows * PetscMax(cols, 1), theta)));
  } else PetscCall(TzCheckpointChecksums(store, &text));
  PetscCall(TzStoreDestroy(&store));
  id = H5Fopen(file, H5F_ACC_RDWR, H5P_DEFAULT);
  if (id >= 0) {
    PutText(id, path, text);
    H5Fclose(id);
  }
  if (text != own) PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* /options with one that would write or load the victim; mode: name as it is, Capitalised, CAPITALS */
static void PutOption(hid_t id, const char from[], int mode, const char before[])
{
  char         text[512 + PETSC_MAX_PATH_LEN], name[256];
  const size_t len = PetscMin(strlen(from), sizeof(name) - 1);

  for (size_t i = 0; i < len; i++) name[i] = (mode == 0 || (mode == 1 && i)) ? from[i] : (char)toupper((unsigned char)from[i]);
  name[len] = 0;
  snprintf(text, sizeof(text), "-pde_dim 3\n-net_layers 8,8\n-net_tt_rank 2\n-deriv_type forward\n-%s %s%s\n", name, before, victim);
  PutText(id, "/options", text);
}

/* An option of PETSc's or Tenzo's, in some case of letters */
static void Options(hid_t id)
{
  static const char *const names[] =
    {"log_view",    "log_summary", "log",       "log_all",   "citations",    "malloc_dump", "malloc_view", "options_view", "net_view",
     "pde_view",    "deriv_view",  "loss_view", "tao_view",  "tao_monitor",  "dll_append",  "dll_prepend", "history",      "info",
     "viewer_hdf5", "tz_output",   "tz_resume", "mnist_dir", "options_file", "python",      "saws_log",    "memory_view",  "on_error_attach_debugger"};
  const char *from = names[Next(sizeof(names) / sizeof(*names))];
  const int   mode = (int)Next(3);

  PutOption(id, from, mode, Next(2) ? ":" : "");
}

static void Structure(void)
{
  const char    *path = paths[Next(sizeof(paths) / sizeof(*paths))];
  const unsigned what = Next(8);
  hid_t          id   = H5Fopen(file, H5F_ACC_RDWR, H5P_DEFAULT);

  if (id < 0) return;
  if (what < 4) Replace(id, path);
  else if (what == 4) Options(id);
  else if (what == 5) Remove(id, path);
  else if (what == 6) {
    Remove(id, path);
    if (Next(2)) H5Lcreate_external(victim, "/theta", id, path, H5P_DEFAULT, H5P_DEFAULT);
    else H5Lcreate_soft(paths[Next(20)], id, path, H5P_DEFAULT, H5P_DEFAULT);
  } else if (H5Lexists(id, "/theta", H5P_DEFAULT) > 0) {
    Remove(id, path);
    H5Lcreate_hard(id, "/theta", id, path, H5P_DEFAULT, H5P_DEFAULT);
  }
  H5Fclose(id);
}

/* Some bytes of the file, or its end */
static void Bytes(void)
{
  FILE *f = fopen(file, "r+");
  long  size;

  if (!f) return;
  fseek(f, 0, SEEK_END);
  size = ftell(f);
  for (unsigned k = 1 + Next(8); k; k--) {
    fseek(f, (long)Next((unsigned)size), SEEK_SET);
    fputc((int)Next(256), f);
  }
  if (Next(8) == 0 && ftruncate(fileno(f), (off_t)Next((unsigned)size))) size = 0;
  fclose(f);
}

static void Copy(const char model[])
{
  char command[3 * PETSC_MAX_PATH_LEN];

  snprintf(command, sizeof(command), "cp '%s' '%s'", model, file);
  if (system(command)) exit(1);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* In a process of its own: HDF5 may not live through changing what has been damaged already; the file is then as it left it */
static void Mutate(const char model[], uint64_t seed)
{
  const pid_t child = fork();

  if (child > 0) (void)waitpid(child, NULL, 0);
  if (child) return;
  signal(SIGABRT, SIG_DFL);
  signal(SIGSEGV, SIG_DFL);
  Begin(seed);
  Copy(model);
  for (unsigned k = 1 + Next(3); k; k--) {
    if (Next(4)) Structure();
    else Bytes();
  }
  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  if (Next(2) && !Seal("/checksum")) (void)Seal("/checksums");
  _exit(0);
}

static PetscErrorCode Evaluate(void)
{
  const PetscReal X[8] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
  PetscReal       jet[16];
  TzRun           run;

  PetscFunctionBegin;
  PetscCall(TzRunCreate(PETSC_COMM_WORLD, &run));
  PetscCall(TzRunLoad(run, "-tz_model", file));
  PetscCall(TzRunSetFromOptions(run));
  PetscCall(TzRunSetUp(run));
  PetscCall(TzRunEvaluate(run, 2, X, jet, NULL));
  PetscCall(TzRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Resume(void)
{
  TzRun run;
  int   end;

  PetscFunctionBegin;
  PetscCall(PetscOptionsInsertString(NULL, "-tz_output none -tz_quiet -tao_max_it 8 -tz_validate_every 0"));
  PetscCall(PetscOptionsSetValue(NULL, "-tz_resume", file));
  PetscCall(TzRunCreate(PETSC_COMM_WORLD, &run));
  PetscCall(TzRunSetFromOptions(run));
  PetscCall(TzRunSolve(run, &end));
  PetscCall(TzRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Points(void)
{
  PetscReal *X;
  PetscInt   n;

  PetscFunctionBegin;
  PetscCall(TzPointsRead(PETSC_COMM_WORLD, "-tz_points", file, 4, &n, &X));
  PetscCall(PetscFree(X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode (*const readers[])(void) = {Evaluate, Resume, Points};

/* Gives the file to a reader; adds to refused and faults */
static void Give(int seed, int reader, PetscInt *refused, PetscInt *faults)
{
  *refused += Refused(readers[reader], seed, reader, faults);
  if (Rank() || access(victim, F_OK)) return;
  fprintf(stderr, "seed %d, reader %d: a file was written\n", seed, reader);
  unlink(victim);
  ++*faults;
}

/* Every name of a file, a line each without its dash, as an option of the checkpoint, in three spellings, with a file and as a viewer's; returns the tries */
static PetscInt Names(const char names[], const char model[], PetscInt *refused, PetscInt *faults)
{
  FILE    *f     = fopen(names, "r");
  PetscInt tries = 0;
  char     name[256];

  while (f && fgets(name, sizeof(name), f)) {
    name[strcspn(name, "\n")] = 0;
    for (int k = 0; k < 12; k++, tries++) { /* spelling, colon, reader */
      PetscOptionsClear(NULL);
      if (!Rank()) {
        hid_t id;

        Copy(model);
        id = H5Fopen(file, H5F_ACC_RDWR, H5P_DEFAULT);
        if (id < 0) exit(1);
        PutOption(id, name, k % 3, k / 3 % 2 ? ":" : "");
        H5Fclose(id);
        if (Seal("/checksums")) exit(1);
      }
      Give((int)tries, k / 6, refused, faults);
    }
  }
  if (f) fclose(f);
  return tries;
}

int main(int argc, char **argv)
{
  const PetscInt n                         = PETSC_STATIC_ARRAY_LENGTH(readers);
  char           model[PETSC_MAX_PATH_LEN] = "", work[PETSC_MAX_PATH_LEN] = "/tmp", names[PETSC_MAX_PATH_LEN] = "";
  PetscInt       tries = 200, first = 0, faults = 0, refused = 0;

  if (TzInitialize(&argc, &argv, NULL)) return 1;
  PetscOptionsGetString(NULL, NULL, "-model", model, sizeof(model), NULL);
  PetscOptionsGetString(NULL, NULL, "-work", work, sizeof(work), NULL);
  PetscOptionsGetString(NULL, NULL, "-names", names, sizeof(names), NULL);
  tries = names[0] ? 0 : tries;
  PetscOptionsGetInt(NULL, NULL, "-tries", &tries, NULL);
  PetscOptionsGetInt(NULL, NULL, "-first", &first, NULL);
  Name(file, work, "h5");
  Name(victim, work, "txt");
  if (!freopen("/dev/null", "w", stdout)) return 1; /* RESULT lines */
  for (PetscInt i = first; i < first + tries; i++) {
    for (PetscInt r = 0; r < n; r++) {
      PetscOptionsClear(NULL);
      if (Rank() == 0) {
        Mutate(model, (uint64_t)i);
        unlink(victim);
      }
      Give((int)i, (int)r, &refused, &faults);
    }
  }
  if (names[0]) tries = Names(names, model, &refused, &faults);
  unlink(file);
  PetscOptionsClear(NULL);
  return End("fuzz_hdf5", tries, (names[0] ? 1 : n) * tries - refused, refused, faults);
}
