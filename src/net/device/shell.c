/*
  Shells: the table of their types, and the calls of the user's functions: bound when other parameters are needed, rows in blocks, costs counted.
*/
#include <private/tznetimpl.h>
#include <private/tzregistryimpl.h>

static const TzShellOps layers = {0};

/* a new type is one file and one row, or a call of TzNetShellRegister(); networks of layers are no shell, but a type */
static TzRegistry shells = {.what = "network", .rows = {{TZNETLAYERS, &layers}, {TZNETPROCESS, &TzShell_Process}}};

PetscErrorCode TzNetShellRegister(const char name[], const TzShellOps *ops)
{
  PetscFunctionBegin;
  PetscCheck(ops->setup && ops->forward, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "network %s: needs setup and forward", name);
  PetscCheck(strcmp(name, TZNETSHELL), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "network %s: there is one of this name", name);
  PetscCall(TzRegistryAdd(&shells, name, ops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellsNote(void)
{
  PetscFunctionBegin;
  PetscCall(TzRegistryNote(&shells));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One that is not in the table but has a name may have any ops */
static PetscErrorCode Create(MPI_Comm comm, const char name[], const TzShellOps *ops, void *data, TzShell *shell)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(shell));
  **shell = (struct _n_TzShell){.comm = comm, .name = name, .ops = ops, .data = data};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellCreate(MPI_Comm comm, const char name[], TzShell *shell)
{
  const TzShellOps *ops;

  PetscFunctionBegin;
  PetscCall(TzRegistryFind(&shells, comm, "-net_type", name, (const void **)&ops));
  PetscCall(Create(comm, TzRegistryName(&shells, ops), ops, NULL, shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellCreateFrom(MPI_Comm comm, const TzShellOps *ops, void *data, TzShell *shell)
{
  PetscFunctionBegin;
  PetscCheck(ops->setup && ops->forward, comm, PETSC_ERR_ARG_WRONG, "a shell needs setup and forward");
  PetscCall(Create(comm, TZNETSHELL, ops, data, shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset(TzShell shell)
{
  PetscFunctionBegin;
  if (shell->theta && shell->ops->destroy) PetscCall((*shell->ops->destroy)(shell));
  PetscCall(PetscFree(shell->theta));
  shell->bound = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellDestroy(TzShell *shell)
{
  PetscFunctionBegin;
  if (!*shell) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Reset(*shell));
  if ((*shell)->ops->free) PetscCall((*(*shell)->ops->free)(*shell));
  PetscCall(PetscFree(*shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellSetUp(TzShell shell, PetscInt in, PetscInt out, PetscInt64 seed)
{
  PetscFunctionBegin;
  PetscCall(Reset(shell));
  shell->in   = in;
  shell->out  = out;
  shell->seed = seed;
  PetscCall((*shell->ops->setup)(shell));
  PetscCheck(shell->nparams >= 1 && shell->block >= 0, shell->comm, PETSC_ERR_USER_INPUT,
             "-net_type %s: has %" PetscInt_FMT " parameters and blocks of %" PetscInt_FMT " rows; must be at least 1 and 0", shell->name, shell->nparams,
             shell->block);
  PetscCall(PetscMalloc1(shell->nparams, &shell->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellNormal(TzShell shell, PetscReal theta[])
{
  PetscFunctionBegin;
  PetscCall(TzRandomNormal(shell->seed, TZ_STREAM_INIT, 0, 0, 0, shell->nparams, theta));
  for (PetscInt i = 0; i < shell->nparams; i++) theta[i] *= 0.1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellInitialize(TzShell shell, PetscInt64 seed, PetscReal theta[])
{
  PetscFunctionBegin;
  shell->seed = seed;
  if (shell->ops->initialize) PetscCall((*shell->ops->initialize)(shell, theta));
  else PetscCall(TzShellNormal(shell, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The device holds theta: told only where it holds something else, bit by bit */
static PetscErrorCode Bind(TzShell shell, const PetscReal theta[])
{
  const PetscInt n      = shell->nparams;
  PetscInt       writes = 0;

  PetscFunctionBegin;
  if (shell->bound && !memcmp(theta, shell->theta, sizeof(*theta) * (size_t)n)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < n; i++) writes += !shell->bound || theta[i] != shell->theta[i];
  PetscCall(PetscArraycpy(shell->theta, theta, n));
  shell->bound = PETSC_TRUE;
  if (shell->ops->bind) PetscCall((*shell->ops->bind)(shell, shell->theta));
  shell->costs.binds++;
  shell->costs.writes += writes;
  shell->costs.bytes += n * (PetscInt64)sizeof(PetscReal);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellForward(TzShell shell, const PetscReal theta[], PetscInt n, const PetscReal X[], PetscReal Y[])
{
  const PetscInt block = shell->block ? shell->block : PetscMax(n, 1);

  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Bind(shell, theta));
  for (PetscInt i = 0; i < n; i += block) {
    const PetscInt m = PetscMin(block, n - i);

    PetscCall((*shell->ops->forward)(shell, m, X + i * shell->in, Y + i * shell->out));
    shell->costs.forwards += m;
    shell->costs.bytes += (PetscInt64)m * (shell->in + shell->out) * (PetscInt64)sizeof(PetscReal);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzShellView(TzShell shell, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  shell %s, %" PetscInt_FMT " -> %" PetscInt_FMT ", %" PetscInt_FMT " parameters, ", shell->name, shell->in,
                                   shell->out, shell->nparams));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  if (shell->block) PetscCall(PetscViewerASCIIPrintf(viewer, "blocks of at most %" PetscInt_FMT " rows\n", shell->block));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "rows in blocks of any size\n"));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  if (shell->ops->view) PetscCall((*shell->ops->view)(shell, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
