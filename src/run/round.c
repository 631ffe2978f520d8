/*
  A model with rounded trains: a checkpoint without solver and history, to be evaluated, or to start from (-tz_init).
*/
#include "runimpl.h"

/* The options of the run, with the ranks of bonds in place of whatever said them; *text is PetscMalloced */
static PetscErrorCode Options(const char bonds[], char **text)
{
  char  *all;
  size_t len;

  PetscFunctionBegin;
  PetscCall(TzOptionsGetText(&all));
  len = strlen(all) + strlen(bonds) + 32;
  PetscCall(PetscCalloc1(len, text));
  for (char *line = all; *line;) {
    const size_t      size = strcspn(line, "\n"), next = size + (line[size] == '\n');
    const char *const name = line + strspn(line, "# ");

    if (strncmp(name, "-net_tt_", 8) || !strncmp(name, "-net_tt_modes ", 14)) (void)strncat(*text, line, next);
    line += next;
  }
  PetscCall(PetscStrlcat(*text, "-net_tt_bonds ", len));
  PetscCall(PetscStrlcat(*text, bonds, len));
  PetscCall(PetscStrlcat(*text, "\n", len));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta[n] as a checkpoint of step 0 */
static PetscErrorCode Write(TzRun run, PetscInt n, const PetscReal theta[], const char bonds[], const char file[])
{
  MPI_Comm     comm = PetscObjectComm((PetscObject)run);
  TzCheckpoint c    = {.seed = run->seed, .problem = ((PetscObject)run)->type_name, .reason = "rounded", .network = run->net};
  const char  *described;
  PetscInt     lo, hi;
  PetscReal   *x;

  PetscFunctionBegin;
  PetscCall(Options(bonds, &c.options));
  PetscCall(TzNetSetBonds(run->net, bonds));
  PetscCall(TzNetSetUp(run->net));
  PetscCall(TzRunViewText((PetscObject)run->net, &c.net));
  PetscCall(TzStoreGetText(run->from, "/pde", &described));
  PetscCall(PetscStrallocpy(described, &c.pde));
  PetscCall(VecCreateMPI(comm, PETSC_DECIDE, n, &c.solution));
  PetscCall(VecGetOwnershipRange(c.solution, &lo, &hi));
  PetscCall(VecGetArrayWrite(c.solution, &x));
  PetscCall(PetscArraycpy(x, theta + lo, hi - lo));
  PetscCall(VecRestoreArrayWrite(c.solution, &x));
  PetscCall(TzCheckpointWrite(&c, "-tz_output", file));
  PetscCall(VecDestroy(&c.solution));
  PetscCall(PetscFree(c.options));
  PetscCall(PetscFree(c.net));
  PetscCall(PetscFree(c.pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzRunRound(TzRun run, PetscReal tolerance, const char file[], TzRounding *r)
{
  MPI_Comm         comm = PetscObjectComm((PetscObject)run);
  const PetscReal *theta;
  const PetscInt  *widths;
  PetscReal       *rounded, *all;
  PetscInt         hidden, nnet, nrounded, n;

  PetscFunctionBegin;
  PetscCheck(run->from && !run->trains, comm, PETSC_ERR_ORDER, "TzRunLoad() first");
  PetscCall(TzRunGetParameters(run, &n, &theta));
  PetscCall(TzNetGetHidden(run->net, &hidden, &widths));
  PetscCheck(hidden >= 0, comm, PETSC_ERR_USER_INPUT, "%s %s: the network has no layers, and no trains to round", run->option, run->file);
  PetscCall(TzNetGetNumParameters(run->net, &nnet));
  *r = (TzRounding){.layers = hidden + 1, .before = n};
  PetscCall(TzNetRound(run->net, theta, tolerance, &r->bonds, &nrounded, &rounded, r->error));
  PetscCheck(r->bonds[0], comm, PETSC_ERR_USER_INPUT, "%s %s: the network has no trains to round", run->option, run->file);
  r->after = nrounded + n - nnet; /* a loss's own behind those of the network */
  PetscCall(PetscMalloc1(r->after, &all));
  PetscCall(PetscArraycpy(all, rounded, nrounded));
  PetscCall(PetscArraycpy(all + nrounded, theta + nnet, n - nnet));
  PetscCall(Write(run, r->after, all, r->bonds, file));
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(rounded));
  PetscFunctionReturn(PETSC_SUCCESS);
}
