/*
  Checkpoints: see tzcheckpoint.h for what is in the file.
*/
#include <tzcheckpoint.h>
#include <private/tzkernels.h>
#include <hdf5.h>

#define TZ_FORMAT  "tenzo checkpoint 2"
#define TZ_FORMAT1 "tenzo checkpoint 1" /* read too: a checksum of the parameters alone */

static PetscErrorCode TzPutVersions(TzStore store)
{
  char         text[256];
  char         mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  unsigned int major, minor, release;
  int          len;

  PetscFunctionBegin;
  PetscCall(TzStorePutText(store, "/versions/tenzo", TZ_VERSION));
  PetscCall(PetscGetVersion(text, sizeof(text)));
  PetscCall(TzStorePutText(store, "/versions/petsc", text));
  H5get_libversion(&major, &minor, &release);
  PetscCall(PetscSNPrintf(text, sizeof(text), "%u.%u.%u", major, minor, release));
  PetscCall(TzStorePutText(store, "/versions/hdf5", text));
  PetscCallMPI(MPI_Get_library_version(mpi, &len));
  PetscCall(TzStorePutText(store, "/versions/mpi", mpi));
  PetscCall(TzStorePutText(store, "/versions/isa", TzKernelsGet()->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole of a distributed vector on rank 0, as /path; its checksum where `sum` is not NULL */
static PetscErrorCode TzPutVec(TzStore store, const char path[], Vec v, const char sum[])
{
  VecScatter       scatter;
  Vec              all;
  const PetscReal *x;
  PetscInt         n;
  char             text[32];

  PetscFunctionBegin;
  PetscCall(VecScatterCreateToZero(v, &scatter, &all));
  PetscCall(VecScatterBegin(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetSize(all, &n));
  PetscCall(VecGetArrayRead(all, &x));
  if (n) {
    PetscCall(TzStorePutReal(store, path, n, 0, x));
    PetscCall(PetscSNPrintf(text, sizeof(text), "%016llx", (unsigned long long)TzChecksum(n, x)));
    if (sum) PetscCall(TzStorePutText(store, sum, text));
  }
  PetscCall(VecRestoreArrayRead(all, &x));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzGetVec(TzStore store, const char path[], Vec v)
{
  const PetscReal *x;
  PetscReal       *y;
  PetscInt         n, rows, lo, hi;

  PetscFunctionBegin;
  PetscCall(TzStoreGetReal(store, path, &rows, NULL, &x));
  PetscCall(VecGetSize(v, &n));
  PetscCheck(rows == n, PetscObjectComm((PetscObject)v), PETSC_ERR_FILE_UNEXPECTED,
             "-tz_resume: %s has %" PetscInt_FMT " entries in the file, %" PetscInt_FMT " in this problem", path, rows, n);
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  PetscCall(VecGetArrayWrite(v, &y));
  PetscCall(PetscArraycpy(y, x + lo, hi - lo));
  PetscCall(VecRestoreArrayWrite(v, &y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trained weights of a sparse network */
static PetscErrorCode TzPutMask(TzStore store, TzNet net)
{
  const PetscInt *mask;
  PetscInt        n = 0;
  PetscInt64     *wide;

  PetscFunctionBegin;
  if (net) PetscCall(TzNetGetMask(net, &n, &mask));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &wide));
  for (PetscInt i = 0; i < n; i++) wide[i] = mask[i];
  PetscCall(TzStorePutInt(store, "/mask", n, wide));
  PetscCall(PetscFree(wide));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPutPetscInts(TzStore store, const char group[], const char name[], PetscInt n, const PetscInt x[])
{
  PetscInt64 *wide;
  char        path[256];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &wide));
  for (PetscInt i = 0; i < n; i++) wide[i] = x[i];
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", group, name));
  PetscCall(TzStorePutInt(store, path, n, wide));
  PetscCall(PetscFree(wide));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzPutRegion(TzStore store, const TzRegion *region)
{
  PetscFunctionBegin;
  if (!region->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStorePutReal(store, "/region/t", region->n, 0, region->t));
  PetscCall(TzStorePutReal(store, "/region/lo", region->n, region->d, region->lo));
  PetscCall(TzStorePutReal(store, "/region/hi", region->n, region->d, region->hi));
  PetscCall(TzStorePutReal(store, "/region/radius", region->n, 2, region->radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointGetRegion(TzStore store, const char file[], PetscInt D, TzRegion *region)
{
  static const char *const path[] = {"/region/t", "/region/lo", "/region/hi", "/region/radius"};
  const PetscReal         *x[4];
  PetscInt                 n, rows, cols, d;
  PetscBool                has;

  PetscFunctionBegin;
  *region = (TzRegion){.n = 0};
  PetscCall(TzStoreHas(store, path[0], &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS); /* of an older Tenzo */
  PetscCall(TzStoreGetReal(store, path[0], &n, NULL, &x[0]));
  d = n > 1 ? D - 1 : D;
  for (int k = 1; k < 4; k++) {
    PetscCall(TzStoreGetReal(store, path[k], &rows, &cols, &x[k]));
    PetscCheck(n >= 1 && rows == n && cols == (k < 3 ? d : 2), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not of its size", file, path[k]);
  }
  *region = (TzRegion){n, d, (PetscReal *)x[0], (PetscReal *)x[1], (PetscReal *)x[2], (PetscReal *)x[3]};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How theta is to be read, for programs without the library */
static PetscErrorCode TzPutNetwork(TzStore store, TzNet net)
{
  const PetscInt *widths;
  PetscInt        hidden, bias;
  TzNetLayout     layout;
  char            group[64], path[128];

  PetscFunctionBegin;
  if (!net) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetGetHidden(net, &hidden, &widths));
  for (PetscInt l = 0; l <= hidden; l++) {
    PetscCall(TzNetGetLayout(net, l, &layout));
    PetscCall(PetscSNPrintf(group, sizeof(group), "/network/layer%" PetscInt_FMT, l + 1));
    PetscCall(TzPutPetscInts(store, group, "shape", 2, (PetscInt[]){layout.out, layout.in}));
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/format", group));
    PetscCall(TzStorePutText(store, path, layout.format));
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/activation", group));
    PetscCall(TzStorePutText(store, path, layout.activation ? layout.activation : "none"));
    if (layout.windows[0]) PetscCall(TzPutPetscInts(store, group, "windows", 6, layout.windows));
    if (layout.slots) PetscCall(TzPutPetscInts(store, group, "tokens", 2, (PetscInt[]){layout.slots, layout.concatenated}));
    if (!layout.ncores) continue;
    PetscCall(TzPutPetscInts(store, group, "modes_in", layout.nin, layout.mode_in));
    PetscCall(TzPutPetscInts(store, group, "modes_out", layout.nout, layout.mode_out));
    PetscCall(TzPutPetscInts(store, group, "ranks", layout.ncores + 1, layout.rank));
  }
  if (hidden < 0) PetscFunctionReturn(PETSC_SUCCESS); /* a shell: what its parameters mean is its own affair */
  bias = layout.bias >= 0;
  PetscCall(TzPutPetscInts(store, "/network", "bias", 1, &bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int ByPath(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

PetscErrorCode TzCheckpointChecksums(TzStore store, char **text)
{
  const char *path;
  char      **line;
  size_t      size = 1;
  PetscInt    n = 0, lines = 0;

  PetscFunctionBegin;
  do PetscCall(TzStoreGetPath(store, n, &path));
  while (path && ++n);
  PetscCall(PetscMalloc1(n, &line));
  for (PetscInt i = 0; i < n; i++) {
    char room[320];

    PetscCall(TzStoreGetPath(store, i, &path));
    if (!strcmp(path, "/checksums")) continue;
    PetscCall(PetscSNPrintf(room, sizeof(room), "%s %016llx\n", path, (unsigned long long)TzStoreChecksum(store, i)));
    PetscCall(PetscStrallocpy(room, &line[lines++]));
    size += strlen(room);
  }
  qsort(line, (size_t)lines, sizeof(*line), ByPath);
  PetscCall(PetscCalloc1(size, text));
  for (PetscInt i = 0; i < lines; i++) {
    PetscCall(PetscStrlcat(*text, line[i], size));
    PetscCall(PetscFree(line[i]));
  }
  PetscCall(PetscFree(line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Changes on the way, and the best parameters */
static PetscErrorCode TzPutKept(TzStore store, const TzCheckpoint *c)
{
  const PetscInt64 step = c->best.step;

  PetscFunctionBegin;
  if (c->segments) PetscCall(TzStorePutText(store, "/segments", c->segments));
  if (c->keep) PetscCall(TzStorePutText(store, "/keep", c->keep));
  if (!c->best.solution || step < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPutVec(store, "/best/theta", c->best.solution, NULL));
  PetscCall(TzStorePutInt(store, "/best/step", 1, &step));
  PetscCall(TzStorePutReal(store, "/best/figure", 1, 0, &c->best.figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointTryWrite(const TzCheckpoint *c, const char file[], size_t len, char reason[])
{
  const PetscInt64 step = c->step, counts[3] = {c->counts.queries, c->counts.forwards, c->counts.bytes};
  const PetscReal *weights;
  PetscInt         nloss = 0;
  TzStore          store;
  char             path[256], *sums;

  PetscFunctionBegin;
  PetscCall(TzStoreCreate(PetscObjectComm((PetscObject)c->solution), &store));
  PetscCall(TzStorePutText(store, "/format", TZ_FORMAT));
  PetscCall(TzPutVersions(store));
  PetscCall(TzStorePutText(store, "/problem", c->problem));
  PetscCall(TzStorePutText(store, "/reason", c->reason));
  PetscCall(TzStorePutText(store, "/options", c->options));
  PetscCall(TzStorePutText(store, "/net", c->net));
  PetscCall(TzStorePutText(store, "/pde", c->pde));
  PetscCall(TzStorePutInt(store, "/step", 1, &step));
  PetscCall(TzStorePutInt(store, "/seed", 1, &c->seed));
  PetscCall(TzStorePutInt(store, "/counts", 3, counts));
  PetscCall(TzPutVec(store, "/theta", c->solution, "/checksum"));
  PetscCall(TzPutMask(store, c->network));
  PetscCall(TzPutNetwork(store, c->network));
  for (PetscInt i = 0; i < c->solver.nvec; i++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/solver/%s", c->solver.vecname[i]));
    PetscCall(TzPutVec(store, path, c->solver.vec[i], NULL));
  }
  for (PetscInt i = 0; i < c->solver.nscalar; i++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/solver/%s", c->solver.scalarname[i]));
    PetscCall(TzStorePutReal(store, path, 1, 0, c->solver.scalar[i]));
  }
  if (c->loss) PetscCall(TzLossGetState(c->loss, &nloss, &weights));
  if (nloss) PetscCall(TzStorePutReal(store, "/loss/weights", nloss, 0, weights));
  PetscCall(TzPutRegion(store, &c->region));
  PetscCall(TzPutKept(store, c));
  PetscCall(TzTablePut(&c->history, store, "/history"));
  PetscCall(TzTablePut(&c->validation, store, "/validation"));
  PetscCall(TzCheckpointChecksums(store, &sums));
  PetscCall(TzStorePutText(store, "/checksums", sums));
  PetscCall(PetscFree(sums));
  PetscCall(TzStoreTryWrite(store, file, len, reason));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointWrite(const TzCheckpoint *c, const char option[], const char file[])
{
  char reason[256];

  PetscFunctionBegin;
  PetscCall(TzCheckpointTryWrite(c, file, sizeof(reason), reason));
  PetscCheck(!reason[0], PetscObjectComm((PetscObject)c->solution), PETSC_ERR_FILE_WRITE, "%s %s: %s", option, file, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every array is as it was written, and there is no other: PETSC_ERR_FILE_UNEXPECTED naming the first that is not */
static PetscErrorCode TzVerify(MPI_Comm comm, const char option[], const char file[], TzStore store)
{
  const char *kept;
  char       *own;
  size_t      same = 0, line = 0;

  PetscFunctionBegin;
  PetscCall(TzStoreGetText(store, "/checksums", &kept));
  PetscCall(TzCheckpointChecksums(store, &own));
  while (own[same] && own[same] == kept[same]) {
    if (own[same++] == '\n') line = same;
  }
  if (own[same] != kept[same]) {
    char name[256] = "";
    (void)strncat(name, own[line] ? own + line : kept + line, PetscMin(sizeof(name) - 1, strcspn(own[line] ? own + line : kept + line, " \n")));
    PetscCall(PetscFree(own));
    SETERRQ(comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: damaged (%s is not what was written)", option, file, name);
  }
  PetscCall(PetscFree(own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first format has a checksum of the parameters alone */
static PetscErrorCode TzVerify1(MPI_Comm comm, const char option[], const char file[], TzStore store)
{
  const char      *text;
  const PetscReal *x;
  PetscInt         n;
  char             sum[32];

  PetscFunctionBegin;
  PetscCall(TzStoreGetReal(store, "/theta", &n, NULL, &x));
  PetscCall(TzStoreGetText(store, "/checksum", &text));
  PetscCall(PetscSNPrintf(sum, sizeof(sum), "%016llx", (unsigned long long)TzChecksum(n, x)));
  PetscCheck(!strcmp(sum, text), comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: damaged (the checksum of the parameters is %s, not %s)", option, file, sum, text);
  for (PetscInt i = 0;; i++) {
    PetscCall(TzStoreGetPath(store, i, &text));
    if (!text) break;
    PetscCheck(TzStoreChecksum(store, i), comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: %s is neither numbers [n], [n][m] nor a text: not of a checkpoint", option,
               file, text);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointIs(MPI_Comm comm, const char file[], PetscBool *is)
{
  char        reason[256];
  const char *text = "";
  TzStore     store;

  PetscFunctionBegin;
  PetscCall(TzStoreTryRead(comm, file, "/format", &store, sizeof(reason), reason));
  if (store) {
    PetscCall(TzStoreHas(store, "/format", is));
    if (*is) PetscCall(TzStoreGetText(store, "/format", &text));
    *is = (PetscBool)!strncmp(text, "tenzo checkpoint ", 17);
    PetscCall(TzStoreDestroy(&store));
  } else *is = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was a default when the first format was written may have another name now: of its options those count that the user gave */
static PetscErrorCode TzOptions1(TzStore store)
{
  const char *text;
  char       *given, *end;

  PetscFunctionBegin;
  PetscCall(TzStoreGetText(store, "/options", &text));
  PetscCall(PetscStrallocpy(text, &given));
  end = given;
  for (size_t len; *text; text += len) {
    len = strcspn(text, "\n");
    len += text[len] == '\n';
    if (text[0] != '#') end = (char *)memcpy(end, text, len) + len;
  }
  *end = 0;
  PetscCall(TzStorePutText(store, "/options", given));
  PetscCall(PetscFree(given));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointOpen(MPI_Comm comm, const char option[], const char file[], TzStore *store)
{
  const char *text = "";
  PetscBool   has, first;

  PetscFunctionBegin;
  PetscCall(TzStoreRead(comm, option, file, NULL, store));
  PetscCall(TzStoreHas(*store, "/format", &has));
  if (has) PetscCall(TzStoreGetText(*store, "/format", &text));
  PetscCheck(!strncmp(text, "tenzo checkpoint ", 17), comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: an HDF5 file, but not a checkpoint of tenzo", option, file);
  first = (PetscBool)!strcmp(text, TZ_FORMAT1);
  PetscCheck(first || !strcmp(text, TZ_FORMAT), comm, PETSC_ERR_FILE_UNEXPECTED, "%s %s: format \"%.40s\", this program reads \"%s\"", option, file, text,
             TZ_FORMAT);
  if (first) {
    PetscCall(TzVerify1(comm, option, file, *store));
    PetscCall(TzOptions1(*store));
  } else PetscCall(TzVerify(comm, option, file, *store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Files of Tenzo 0.1 that do not say it are of an equation */
PetscErrorCode TzCheckpointGetProblem(TzStore store, const char *problem[])
{
  PetscBool has;

  PetscFunctionBegin;
  *problem = "pde";
  PetscCall(TzStoreHas(store, "/problem", &has));
  if (has) PetscCall(TzStoreGetText(store, "/problem", problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "a,b,c" of an int array is appended to text */
static PetscErrorCode AppendInts(TzStore store, const char path[], PetscInt first, PetscInt last, size_t len, char text[])
{
  const PetscInt64 *x;
  PetscInt          n;
  char              number[32];

  PetscFunctionBegin;
  PetscCall(TzStoreGetInt(store, path, &n, &x));
  for (PetscInt i = first; i < n - last; i++) {
    PetscCall(PetscSNPrintf(number, sizeof(number), "%s%" PetscInt64_FMT, i > first ? "," : "", x[i]));
    PetscCall(PetscStrlcat(text, number, len));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* shape {out, in} of layer l of the file; *has: there is one */
static PetscErrorCode GetShape(TzStore store, MPI_Comm comm, const char option[], PetscInt l, PetscInt shape[2], PetscBool *has)
{
  const PetscInt64 *x;
  PetscInt          n;
  char              path[128];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "/network/layer%" PetscInt_FMT "/shape", l + 1));
  PetscCall(TzStoreHas(store, path, has));
  if (!*has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStoreGetInt(store, path, &n, &x));
  PetscCheck(n == 2 && x[0] >= 1 && x[0] <= 1000000 && x[1] >= 1 && x[1] <= 1000000, comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is no shape of a layer", option,
             path);
  shape[0] = (PetscInt)x[0];
  shape[1] = (PetscInt)x[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Modes and ranks of the trains as the options -net_tt_modes, -net_tt_bonds say them; "" without trains */
static PetscErrorCode GetTrains(TzStore store, PetscInt layers, size_t len, char modes[], char bonds[])
{
  char      path[128], separator[2] = "";
  PetscBool has;

  PetscFunctionBegin;
  modes[0] = bonds[0] = 0;
  for (PetscInt l = 0; l < layers; l++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/network/layer%" PetscInt_FMT "/modes_in", l + 1));
    PetscCall(TzStoreHas(store, path, &has));
    if (!has) continue;
    PetscCall(PetscStrlcat(modes, separator, len));
    PetscCall(PetscStrlcat(bonds, separator, len));
    separator[0] = ';';
    PetscCall(AppendInts(store, path, 0, 0, len, modes));
    PetscCall(PetscStrlcat(modes, "|", len));
    PetscCall(PetscSNPrintf(path, sizeof(path), "/network/layer%" PetscInt_FMT "/modes_out", l + 1));
    PetscCall(AppendInts(store, path, 0, 0, len, modes));
    PetscCall(PetscSNPrintf(path, sizeof(path), "/network/layer%" PetscInt_FMT "/ranks", l + 1));
    PetscCall(AppendInts(store, path, 1, 1, len, bonds));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointRestoreRanks(TzStore store, TzNet net)
{
  char modes[2048], bonds[2048];

  PetscFunctionBegin;
  PetscCall(GetTrains(store, TZ_NET_LAYERS_MAX, sizeof(modes), modes, bonds));
  if (modes[0]) PetscCall(TzNetSetBonds(net, bonds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointCreateNetwork(TzStore store, MPI_Comm comm, const char option[], TzNet *newnet)
{
  char              modes[2048], bonds[2048], names[2048] = "", path[64];
  const char       *format, *activation;
  const PetscInt64 *bias, *mask;
  PetscInt          layers = 0, shape[2] = {0, 0}, in = 0, n, width[TZ_NET_LAYERS_MAX], *copy;
  PetscBool         has;
  TzNet             net;

  PetscFunctionBegin;
  *newnet = NULL;
  while (layers < TZ_NET_LAYERS_MAX) {
    PetscCall(GetShape(store, comm, option, layers, shape, &has));
    if (!has) break;
    if (!layers) in = shape[1];
    width[layers++] = shape[0];
  }
  if (layers < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetCreate(comm, &net));
  PetscCall(TzNetSetIO(net, in, width[layers - 1]));
  PetscCall(TzNetSetHidden(net, layers - 1, width));
  PetscCall(TzStoreGetText(store, "/network/layer1/format", &format));
  for (PetscInt l = 1; l < layers; l++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/network/layer%" PetscInt_FMT "/activation", l));
    PetscCall(TzStoreGetText(store, path, &activation));
    if (l > 1) PetscCall(PetscStrlcat(names, ",", sizeof(names)));
    PetscCall(PetscStrlcat(names, activation, sizeof(names)));
  }
  PetscCall(TzStoreGetInt(store, "/network/bias", &n, &bias));
  PetscCall(TzNetSetFormat(net, format));
  PetscCall(TzNetSetActivation(net, names));
  PetscCall(TzNetSetBias(net, (PetscBool)(n == 1 && bias[0])));
  PetscCall(GetTrains(store, layers, sizeof(modes), modes, bonds));
  if (modes[0]) PetscCall(TzNetSetModes(net, modes));
  if (modes[0]) PetscCall(TzNetSetBonds(net, bonds));
  if (!strcmp(format, TZNETSPARSE)) {
    PetscCall(TzStoreGetInt(store, "/mask", &n, &mask));
    PetscCall(PetscMalloc1(n, &copy));
    for (PetscInt i = 0; i < n; i++) copy[i] = (PetscInt)mask[i];
    PetscCall(TzNetSetMask(net, n, copy));
    PetscCall(PetscFree(copy));
  }
  PetscCall(TzNetSetUp(net));
  *newnet = net;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointRestoreMask(TzStore store, TzNet net)
{
  const PetscInt64 *place;
  const PetscInt   *mask;
  PetscInt          n, old, *copy;

  PetscFunctionBegin;
  PetscCall(TzNetGetMask(net, &old, &mask));
  if (!old) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStoreGetInt(store, "/mask", &n, &place));
  PetscCall(PetscMalloc1(n, &copy));
  for (PetscInt i = 0; i < n; i++) copy[i] = (PetscInt)place[i];
  PetscCall(TzNetSetMask(net, n, copy));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n whole numbers between 0 and most; all messages name the file (store->file is the option and the name) */
static PetscErrorCode TzGetInts(TzStore store, MPI_Comm comm, const char file[], const char path[], PetscInt n, PetscInt64 most, PetscInt64 i[])
{
  const PetscInt64 *x;
  PetscInt          rows;

  PetscFunctionBegin;
  PetscCall(TzStoreGetInt(store, path, &rows, &x));
  PetscCheck(rows == n, comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: %s has %" PetscInt_FMT " numbers, must have %" PetscInt_FMT, file, path, rows, n);
  for (PetscInt k = 0; k < n; k++) {
    PetscCheck(x[k] >= 0 && x[k] <= most, comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: %s is %" PetscInt64_FMT ", must be from 0 to %" PetscInt64_FMT, file,
               path, x[k], most);
    i[k] = x[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzGetScalars(const TzZOState *solver, TzStore store, MPI_Comm comm, const char file[])
{
  const PetscReal *x;
  PetscInt         rows;
  char             path[256];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < solver->nscalar; i++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/solver/%s", solver->scalarname[i]));
    PetscCall(TzStoreGetReal(store, path, &rows, NULL, &x));
    PetscCheck(rows == 1 && !PetscIsInfOrNanReal(x[0]), comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: %s must be one finite number", file, path);
    *solver->scalar[i] = x[0];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state of the loss, where it has one */
static PetscErrorCode TzGetLoss(TzLoss loss, TzStore store, MPI_Comm comm, const char file[])
{
  const PetscReal *state, *x;
  PetscInt         n = 0, rows;

  PetscFunctionBegin;
  if (loss) PetscCall(TzLossGetState(loss, &n, &state));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzStoreGetReal(store, "/loss/weights", &rows, NULL, &x));
  PetscCheck(rows == n, comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: /loss/weights has %" PetscInt_FMT " numbers, must have %" PetscInt_FMT, file, rows, n);
  for (PetscInt i = 0; i < n; i++)
    PetscCheck(PetscIsNormalReal(x[i]) && x[i] > 0, comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: /loss/weights must be positive", file);
  PetscCall(TzLossSetState(loss, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzGetKept(TzCheckpoint *c, TzStore store, MPI_Comm comm, const char file[])
{
  const char      *text;
  const PetscReal *figure;
  PetscInt64       step;
  PetscInt         n;
  PetscBool        has;

  PetscFunctionBegin;
  PetscCall(TzStoreHas(store, "/segments", &has));
  if (has) {
    PetscCall(TzStoreGetText(store, "/segments", &text));
    PetscCall(PetscStrallocpy(text, &c->segments));
  }
  PetscCall(TzStoreHas(store, "/best/theta", &has));
  if (!has || !c->best.solution) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzGetVec(store, "/best/theta", c->best.solution));
  PetscCall(TzGetInts(store, comm, file, "/best/step", 1, c->step, &step));
  PetscCall(TzStoreGetReal(store, "/best/figure", &n, NULL, &figure));
  PetscCheck(n == 1, comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: /best/figure must be one number", file);
  c->best.step   = (PetscInt)step;
  c->best.figure = figure[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCheckpointRestore(TzCheckpoint *c, TzStore store, const char file[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)c->solution);
  PetscInt64     step = 0, counts[3];
  char           path[256];

  PetscFunctionBegin;
  PetscCall(TzGetInts(store, comm, file, "/step", 1, PETSC_MAX_INT - 1, &step));
  PetscCall(TzGetInts(store, comm, file, "/seed", 1, INT64_MAX, &c->seed));
  PetscCall(TzGetInts(store, comm, file, "/counts", 3, INT64_MAX / 2, counts));
  c->step   = (PetscInt)step;
  c->counts = (TzCounts){.queries = counts[0], .forwards = counts[1], .bytes = counts[2]};
  PetscCall(TzGetVec(store, "/theta", c->solution));
  for (PetscInt i = 0; i < c->solver.nvec && !c->anew; i++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/solver/%s", c->solver.vecname[i]));
    PetscCall(TzGetVec(store, path, c->solver.vec[i]));
  }
  if (!c->anew) PetscCall(TzGetScalars(&c->solver, store, comm, file));
  PetscCall(TzGetLoss(c->loss, store, comm, file));
  PetscCall(TzGetKept(c, store, comm, file));
  PetscCall(TzTableGet(&c->history, store, "/history"));
  PetscCall(TzTableGet(&c->validation, store, "/validation"));
  PetscCheck(c->history.n <= c->step, comm, PETSC_ERR_FILE_UNEXPECTED, "-tz_resume %s: /history has %" PetscInt_FMT " steps, /step is %" PetscInt_FMT, file,
             c->history.n, c->step);
  PetscFunctionReturn(PETSC_SUCCESS);
}
