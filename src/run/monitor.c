/*
  -tz_monitor: the history while the run goes on, in the manner of TAO's monitors. A list of
    ascii[:FILE]      a line for each step: step, loss, learning rate, queries
    draw[:FILE.ppm]   the loss against steps, by PETSc's PetscDrawLG: in a window of X, or as an image when the run ends
    hdf5[:FILE]       /history and /validation, as a checkpoint has them, in a file of their own (monitor.h5), at every checkpoint's step and at the end
*/
#include "runimpl.h"
#include <petsc/private/drawimpl.h>
#include <petsctime.h>
#include <errno.h>

#define FRAME 0.3 /* seconds between drawings */

typedef enum { ASCII, DRAW, HDF5, KINDS } Kind;
static const char *const Kinds[KINDS] = {"ascii", "draw", "hdf5"};

struct _n_TzMonitors {
  PetscBool      on[KINDS];
  char           file[KINDS][PETSC_MAX_PATH_LEN]; /* "": none */
  int            lock[KINDS];
  PetscViewer    viewer;
  PetscDraw      draw; /* on rank 0 */
  PetscDrawLG    lg;
  PetscLogDouble drawn;
};

/* "ascii,hdf5:FILE" */
static PetscErrorCode Parse(TzRun run, struct _n_TzMonitors *m)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run);
  char     text[sizeof(run->o.monitor)], *save = NULL;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(text, run->o.monitor, sizeof(text)));
  for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
    char *file = strchr(word, ':');
    int   k    = 0;

    if (file) *file++ = 0;
    while (k < KINDS && strcmp(word, Kinds[k])) k++;
    PetscCheck(k < KINDS && !(file && !file[0]) && !m->on[k], comm, PETSC_ERR_USER_INPUT,
               "-tz_monitor %s: must be some of ascii[:FILE], draw[:FILE.ppm], hdf5[:FILE], each once", run->o.monitor);
    m->on[k] = PETSC_TRUE;
    PetscCall(PetscStrncpy(m->file[k], file ? file : k == HDF5 ? "monitor.h5" : "", sizeof(m->file[k])));
    PetscCheck(!file || strcmp(file, run->o.output), comm, PETSC_ERR_USER_INPUT, "-tz_monitor %s: %s is the file of -tz_output", run->o.monitor, file);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The files are this run's; what has their names is kept */
static PetscErrorCode Reserve(TzRun run, struct _n_TzMonitors *m)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run);
  char     kept[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  for (int k = 0; k < KINDS; k++) {
    if (!m->file[k][0]) continue;
    PetscCall(TzFileReserve(comm, "-tz_monitor", m->file[k], &m->lock[k]));
    PetscCall(TzFileKeep(comm, "-tz_monitor", m->file[k], kept));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On one rank: a window, or a picture in memory */
static PetscErrorCode OpenDraw(struct _n_TzMonitors *m)
{
  PetscDrawAxis axis;

  PetscFunctionBegin;
  PetscCall(PetscDrawCreate(PETSC_COMM_SELF, NULL, "Tenzo: loss", PETSC_DECIDE, PETSC_DECIDE, 700, 450, &m->draw));
  PetscCall(PetscDrawSetType(m->draw, m->file[DRAW][0] ? PETSC_DRAW_IMAGE : PETSC_DRAW_X));
  PetscCall(PetscDrawLGCreate(m->draw, 1, &m->lg));
  PetscCall(PetscDrawLGGetAxis(m->lg, &axis));
  PetscCall(PetscDrawAxisSetLabels(axis, "Loss", "Steps", "log10 of the loss"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateDraw(TzRun run, struct _n_TzMonitors *m)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)run);
  size_t      n    = strlen(m->file[DRAW]);
  PetscMPIInt rank, failed = 0;
  PetscBool   null = PETSC_FALSE;

  PetscErrorCode (*const print)(const char[], ...) = PetscErrorPrintf;

  PetscFunctionBegin;
  PetscCheck(!n || (n > 4 && !strcmp(m->file[DRAW] + n - 4, ".ppm")), comm, PETSC_ERR_USER_INPUT, "-tz_monitor draw:%s: PETSc draws to FILE.ppm",
             m->file[DRAW]);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  PetscErrorPrintf = PetscErrorPrintfNone; /* without a display PETSc says so in six lines, and goes on with a drawing that is none */
  if (!rank) failed = OpenDraw(m) ? 1 : 0;
  PetscErrorPrintf = print;
  PetscCall(PetscPopErrorHandler());
  if (!rank && !failed) PetscCall(PetscDrawIsNull(m->draw, &null));
  if (null) failed = 1;
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, comm));
  PetscCheck(!failed, comm, PETSC_ERR_USER_INPUT, "-tz_monitor draw: there is no display of X (DISPLAY), or this PETSc has no X; draw:FILE.ppm is an image");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's own way to a file takes a name apart at its first dot, and 3.26 gets it wrong. On one rank; a disk that is full is no reason to lose a run */
static PetscErrorCode SaveImage(struct _n_TzMonitors *m)
{
  unsigned char palette[PETSC_DRAW_MAXCOLOR][3], *pixels = NULL;
  unsigned int  w, h;
  FILE         *f = fopen(m->file[DRAW], "wb");
  int           bad;

  PetscFunctionBegin;
  PetscUseTypeMethod(m->draw, getimage, palette, &w, &h, &pixels);
  bad = !f || fprintf(f, "P6\n%u %u\n255\n", w, h) < 0;
  for (size_t i = 0; i < (size_t)w * h && !bad; i++) bad = fwrite(palette[pixels[i]], 1, 3, f) != 3;
  if (f) bad = fclose(f) || bad;
  if (bad) (void)fprintf(stderr, "tenzo: warning: -tz_monitor draw:%s: %s\n", m->file[DRAW], strerror(errno));
  PetscCall(PetscFree(pixels));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row i of the history; only where there is a logarithm */
static PetscErrorCode AddPoint(TzRun run, struct _n_TzMonitors *m, PetscInt i)
{
  const PetscReal loss = run->c.history.col[1][i], x = run->c.history.col[0][i], y = PetscLog10Real(loss);

  PetscFunctionBegin;
  if (m->lg && loss > 0 && !PetscIsInfOrNanReal(loss)) PetscCall(PetscDrawLGAddPoint(m->lg, &x, &y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunMonitorsCreate(TzRun run)
{
  MPI_Comm              comm = PetscObjectComm((PetscObject)run);
  struct _n_TzMonitors *m;

  PetscFunctionBegin;
  if (!run->o.monitor[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&m));
  for (int k = 0; k < KINDS; k++) m->lock[k] = -1;
  run->monitors = m;
  PetscCall(Parse(run, m));
  if (m->on[DRAW]) PetscCall(CreateDraw(run, m));
  PetscCall(Reserve(run, m));
  if (m->on[ASCII] && m->file[ASCII][0]) PetscCall(PetscViewerASCIIOpen(comm, m->file[ASCII], &m->viewer));
  for (PetscInt i = 0; i < run->c.history.n; i++) PetscCall(AddPoint(run, m, i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteHistory(TzRun run, struct _n_TzMonitors *m)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)run);
  char     reason[256];
  TzStore  store;

  PetscFunctionBegin;
  PetscCall(TzStoreCreate(comm, &store));
  PetscCall(TzTablePut(&run->c.history, store, "/history"));
  PetscCall(TzTablePut(&run->c.validation, store, "/validation"));
  PetscCall(TzStoreTryWrite(store, m->file[HDF5], sizeof(reason), reason));
  PetscCall(TzStoreDestroy(&store));
  if (reason[0]) PetscCall(PetscFPrintf(comm, stderr, "tenzo: warning: -tz_monitor hdf5:%s: %s; it is tried again\n", m->file[HDF5], reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunMonitorsShow(TzRun run)
{
  struct _n_TzMonitors *m = run->monitors;
  const PetscInt        i = run->c.history.n - 1;
  PetscLogDouble        now;

  PetscFunctionBegin;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  if (m->on[ASCII])
    PetscCall(PetscViewerASCIIPrintf(m->viewer ? m->viewer : PETSC_VIEWER_STDOUT_(PetscObjectComm((PetscObject)run)),
                                     "step %" PetscInt_FMT "  loss %.9e  lr %.3e  queries %" PetscInt64_FMT "\n", run->c.step, (double)run->f,
                                     (double)run->c.history.col[2][i], run->c.counts.queries));
  PetscCall(AddPoint(run, m, i));
  PetscCall(PetscTime(&now));
  if (m->lg && !m->file[DRAW][0] && now - m->drawn > FRAME) {
    PetscCall(PetscDrawLGDraw(m->lg));
    m->drawn = now;
  }
  if (m->on[HDF5] && run->o.checkpoint && run->c.step % run->o.checkpoint == 0) PetscCall(WriteHistory(run, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunMonitorsEnd(TzRun run)
{
  struct _n_TzMonitors *m = run->monitors;

  PetscFunctionBegin;
  if (m && m->on[HDF5]) PetscCall(WriteHistory(run, m));
  if (m && m->lg) PetscCall(PetscDrawLGDraw(m->lg));
  if (m && m->lg && m->file[DRAW][0]) PetscCall(SaveImage(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunMonitorsDestroy(TzRun run)
{
  struct _n_TzMonitors *m = run->monitors;

  PetscFunctionBegin;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerDestroy(&m->viewer));
  PetscCall(PetscDrawLGDestroy(&m->lg));
  PetscCall(PetscDrawDestroy(&m->draw));
  for (int k = 0; k < KINDS; k++) PetscCall(TzFileRelease(m->file[k], &m->lock[k]));
  PetscCall(PetscFree(run->monitors));
  PetscFunctionReturn(PETSC_SUCCESS);
}
