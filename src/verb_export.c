/*
  tenzo export: the network of a checkpoint on its equation as a C99 source file and its header (tzexport.h), named by -tz_output FILE.c. The last line of the
  output has its sizes: bytes of constants and of work memory, multiply-adds of a value and of a value with its gradient.
*/
#include "verb.h"
#include <tzexport.h>

typedef struct {
  char      model[PETSC_MAX_PATH_LEN], source[PETSC_MAX_PATH_LEN], header[PETSC_MAX_PATH_LEN], name[PETSC_MAX_PATH_LEN];
  PetscBool single;
} Options;

static PetscErrorCode GetOptions(MPI_Comm comm, Options *o)
{
  static const char *const formats[] = {"c"}, *const precisions[] = {"double", "float"};
  PetscInt format = 0, precision = 0;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, "Options of export", "Tenzo");
  PetscCall(TzOptionsString("-tz_model", "Checkpoint of the trained network (needed)", "TzRunLoad", "", o->model, sizeof(o->model), NULL));
  PetscCall(TzOptionsEList("-export_format", "Language: c (C99)", "TzExportC", formats, 1, formats[0], &format, NULL));
  PetscCall(TzOptionsEList("-export_precision", "Type of all numbers", "TzExportC", precisions, 2, precisions[0], &precision, NULL));
  PetscCall(TzOptionsString("-tz_output", "Source file, FILE.c; the header FILE.h is written beside it, functions are named FILE_value ...", "TzExportC",
                            o->source, o->source, sizeof(o->source), NULL));
  PetscOptionsEnd();
  o->single = (PetscBool)(precision == 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FILE.c: the header and the name of the functions */
static PetscErrorCode GetNames(MPI_Comm comm, Options *o)
{
  const char *slash = strrchr(o->source, '/'), *base = slash ? slash + 1 : o->source;
  PetscBool   source;
  size_t      len = strlen(o->source);

  PetscFunctionBegin;
  PetscCall(PetscStrendswith(o->source, ".c", &source));
  PetscCheck(source && strlen(base) > 2, comm, PETSC_ERR_USER_INPUT, "-tz_output %s: must be the name of a C source file, FILE.c", o->source);
  PetscCall(PetscStrncpy(o->header, o->source, sizeof(o->header)));
  o->header[len - 1] = 'h';
  PetscCall(PetscStrncpy(o->name, base, sizeof(o->name)));
  o->name[strlen(base) - 2] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteText(MPI_Comm comm, const char file[], const char text[])
{
  char        reason[256] = "";
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) TzFileWrite(file, text, strlen(text), sizeof(reason), reason);
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, comm));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_WRITE, "-tz_output %s: %s", file, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Export(TzRun run, const Options *o)
{
  MPI_Comm         comm = PetscObjectComm((PetscObject)run);
  const PetscReal *theta;
  const char      *estimator;
  PetscInt         n;
  TzNet            net;
  TzPDE            pde;
  TzDeriv          deriv;
  TzExport         x;
  int              lock[2];

  PetscFunctionBegin;
  PetscCall(TzVerbReserve(comm, o->source, o->model, NULL, &lock[0]));
  PetscCall(TzVerbReserve(comm, o->header, o->model, NULL, &lock[1]));
  PetscCall(TzRunGetNet(run, &net));
  PetscCall(TzRunGetPDE(run, &pde));
  PetscCall(TzRunGetDeriv(run, &deriv));
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzExportC(net, pde, theta, "tenzo export", o->name, o->single, &x));
  PetscCall(WriteText(comm, o->header, x.header));
  PetscCall(WriteText(comm, o->source, x.source));
  PetscCall(TzDerivGetType(deriv, &estimator));
  if (!strcmp(estimator, TZDERIVSTEIN))
    PetscCall(
      PetscPrintf(comm, "the model was trained on derivatives that stein smooths; what is written is the network itself (tenzo eval -deriv_type forward)\n"));
  PetscCall(PetscPrintf(comm,
                        "RESULT source=%s header=%s constants=%" PetscInt64_FMT " work=%" PetscInt64_FMT " value=%" PetscInt64_FMT " gradient=%" PetscInt64_FMT
                        " theta=%016llx\n",
                        o->source, o->header, x.constants, x.work, x.value, x.gradient, (unsigned long long)TzChecksum(n, theta)));
  PetscCall(TzExportReset(&x));
  PetscCall(TzFileRelease(o->source, &lock[0]));
  PetscCall(TzFileRelease(o->header, &lock[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbExport(MPI_Comm comm, int *code)
{
  Options   o = {.source = "model.c"};
  TzRun     run;
  TzRunType type;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzRunCreate(comm, &run));
  PetscCall(GetOptions(comm, &o));
  PetscCheck(TzOptionsHelpWanted() || o.model[0], comm, PETSC_ERR_USER_INPUT, "-tz_model FILE is needed: the checkpoint of a trained network");
  if (!TzOptionsHelpWanted()) PetscCall(GetNames(comm, &o));
  PetscCall(TzRunLoad(run, "-tz_model", o.model));
  PetscCall(TzRunGetType(run, &type));
  PetscCheck(!strcmp(type, TZRUNPDE), comm, PETSC_ERR_USER_INPUT, "-tz_model %s: the model of a %s; must be that of an equation", o.model, type);
  PetscCall(TzRunSetFromOptions(run));
  PetscCall(TzRunSetUp(run));
  if (!TzOptionsHelpWanted()) PetscCall(Export(run, &o));
  PetscCall(TzRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
