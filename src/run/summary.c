/* -tz_summary FILE: what the RESULT line says, as JSON for other programs. */
#include "runimpl.h"

/* A number that JSON has: infinities and NaN are null there */
static void Number(FILE *f, const char name[], PetscReal x)
{
  if (PetscIsInfOrNanReal(x)) fprintf(f, "  \"%s\": null,\n", name);
  else fprintf(f, "  \"%s\": %.17g,\n", name, (double)x);
}

/* A text between quotes */
static void Text(FILE *f, const char name[], const char text[])
{
  fprintf(f, "  \"%s\": \"", name);
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\') fputc('\\', f);
    if ((unsigned char)*c >= ' ') fputc(*c, f);
  }
  fprintf(f, "\",\n");
}

PetscErrorCode TzRunSummary(TzRun run, PetscReal seconds, double rss, const char theta[])
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)run);
  PetscMPIInt rank, size, failed = 0;
  FILE       *f;

  PetscFunctionBegin;
  if (!run->o.summary[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (!rank) {
    f = fopen(run->o.summary, "w");
    if (f) {
      fprintf(f, "{\n");
      for (PetscInt i = 0; i < run->valid.n && run->validstep == run->c.step; i++) Number(f, run->valid.name[i], run->valid.value[i]);
      Number(f, "loss", run->f);
      fprintf(f, "  \"steps\": %" PetscInt_FMT ",\n  \"queries\": %" PetscInt64_FMT ",\n  \"forwards\": %" PetscInt64_FMT ",\n", run->c.step,
              run->c.counts.queries, run->c.counts.forwards);
      Text(f, "problem", ((PetscObject)run)->type_name);
      Text(f, "reason", TzRunReason(run));
      Text(f, "output", run->o.output);
      Text(f, "theta", theta);
      Number(f, "seconds", seconds);
      Number(f, "rss_mib", rss);
      fprintf(f, "  \"ranks\": %d\n}\n", size);
    }
    failed = !f || fclose(f);
  }
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, comm));
  PetscCheck(!failed, comm, PETSC_ERR_FILE_WRITE, "-tz_summary %s: cannot be written", run->o.summary);
  PetscFunctionReturn(PETSC_SUCCESS);
}
