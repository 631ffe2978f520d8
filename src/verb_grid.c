/*
  tenzo grid: builds a quadrature rule (-rule_*), prints its size, writes its nodes (-tz_output FILE).

  FILE.csv, FILE.txt: one node a line: its weight, then coordinate (from 0) and value of each entry that is not 0.
  Any other FILE: HDF5 with /weights [nodes] and the nodes by rows: entries /ptr[k] <= e < /ptr[k+1] of /index, /value.
  The centre comes first, where it is a node; then z, -z of each pair.
*/
#include "verb.h"
#include <petsctime.h>

typedef struct {
  PetscInt    nodes, entries;
  PetscInt64 *ptr, *index; /* [nodes + 1], [entries] */
  PetscReal  *value, *w;   /* [entries], [nodes] */
} TzNodes;

static PetscErrorCode TzNodesCreate(TzRule rule, TzNodes *g)
{
  const TzPairs *p;
  PetscInt       k = 0, e = 0;

  PetscFunctionBegin;
  PetscCall(TzRuleGetSize(rule, &g->nodes));
  PetscCall(TzRuleGetPairs(rule, &p));
  g->entries = 2 * p->ptr[p->npairs];
  PetscCall(PetscMalloc4(g->nodes + 1, &g->ptr, g->entries, &g->index, g->entries, &g->value, g->nodes, &g->w));
  g->ptr[0] = 0;
  if (p->hascentre) {
    g->w[k]     = p->w0;
    g->ptr[++k] = 0;
  }
  for (PetscInt j = 0; j < p->npairs; j++) {
    for (int sign = 1; sign >= -1; sign -= 2) {
      for (PetscInt i = p->ptr[j]; i < p->ptr[j + 1]; i++, e++) {
        g->index[e] = p->idx[i];
        g->value[e] = sign * p->val[i];
      }
      g->w[k]     = p->w[j];
      g->ptr[++k] = e;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzNodesWriteText(MPI_Comm comm, const TzNodes *g, const char file[], char separator)
{
  char        reason[256] = "", *text = NULL;
  size_t      size = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    FILE *f = open_memstream(&text, &size);

    PetscCheck(f, PETSC_COMM_SELF, PETSC_ERR_SYS, "open_memstream failed");
    fprintf(f, "# weight, then coordinate (from 0) and value of each entry that is not 0\n");
    for (PetscInt k = 0; k < g->nodes; k++) {
      fprintf(f, "%.17g", (double)g->w[k]);
      for (PetscInt64 e = g->ptr[k]; e < g->ptr[k + 1]; e++) fprintf(f, "%c%" PetscInt64_FMT "%c%.17g", separator, g->index[e], separator, (double)g->value[e]);
      fputc('\n', f);
    }
    if (fclose(f)) snprintf(reason, sizeof(reason), "cannot be made (no memory)");
    else TzFileWrite(file, text, size, sizeof(reason), reason);
    free(text);
  }
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, comm));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_WRITE, "-tz_output %s: %s", file, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TzNodesWrite(MPI_Comm comm, const TzNodes *g, const char file[])
{
  TzStore   store;
  PetscBool csv, txt;

  PetscFunctionBegin;
  PetscCall(PetscStrendswith(file, ".csv", &csv));
  PetscCall(PetscStrendswith(file, ".txt", &txt));
  if (csv || txt) {
    PetscCall(TzNodesWriteText(comm, g, file, csv ? ',' : ' '));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzStoreCreate(comm, &store));
  PetscCall(TzStorePutReal(store, "/weights", g->nodes, 0, g->w));
  PetscCall(TzStorePutInt(store, "/ptr", g->nodes + 1, g->ptr));
  PetscCall(TzStorePutInt(store, "/index", g->entries, g->index));
  PetscCall(TzStorePutReal(store, "/value", g->entries, 0, g->value));
  PetscCall(TzStoreWrite(store, "-tz_output", file));
  PetscCall(TzStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzVerbGrid(MPI_Comm comm, int *code)
{
  TzRule         rule;
  TzRuleType     type;
  TzNodes        g;
  PetscInt       dim, degree;
  PetscInt64     seed = 0;
  PetscReal      sum  = 0;
  PetscLogDouble t0, t1;
  char           file[PETSC_MAX_PATH_LEN] = "";
  PetscBool      write;
  int            lock;

  PetscFunctionBegin;
  *code = 0;
  PetscCall(TzOptionsRecord());
  PetscOptionsBegin(comm, NULL, "Options of grid", "Tenzo");
  PetscCall(
    TzOptionsString("-tz_output", "File for nodes and weights: HDF5, or text by the endings .csv, .txt", "TzVerbGrid", file, file, sizeof(file), &write));
  PetscCall(TzOptionsInt64("-tz_seed", "Seed of the nodes of a random rule (>= 0)", "TzVerbGrid", seed, &seed, NULL));
  PetscOptionsEnd();
  PetscCheck(seed >= 0, comm, PETSC_ERR_USER_INPUT, "-tz_seed %" PetscInt64_FMT ": must be at least 0", seed);
  PetscCall(PetscTime(&t0));
  PetscCall(TzRuleCreate(comm, &rule));
  PetscCall(TzRuleSetFromOptions(rule));
  PetscCall(TzOptionsCheckUnused(comm));
  if (!TzOptionsHelpWanted()) {
    if (write) PetscCall(TzVerbReserve(comm, file, NULL, NULL, &lock));
    PetscCall(TzRuleSetUp(rule));
    PetscCall(TzRuleSample(rule, seed, 0));
    PetscCall(PetscTime(&t1));
    PetscCall(TzNodesCreate(rule, &g));
    for (PetscInt k = 0; k < g.nodes; k++) sum += g.w[k];
    if (write) PetscCall(TzNodesWrite(comm, &g, file));
    PetscCall(TzRuleGetType(rule, &type));
    PetscCall(TzRuleGetDim(rule, &dim));
    PetscCall(TzRuleGetDegree(rule, &degree));
    PetscCall(PetscPrintf(comm, "nodes=%" PetscInt_FMT " type=%s dim=%" PetscInt_FMT " ", g.nodes, type, dim));
    if (!strcmp(type, TZRULESMOLYAK)) PetscCall(PetscPrintf(comm, "level=%" PetscInt_FMT " ", (degree + 1) / 2));
    PetscCall(PetscPrintf(comm, "degree=%" PetscInt_FMT " weight_sum=%.15g seconds=%.4f\n", degree, (double)sum, t1 - t0));
    PetscCall(PetscFree4(g.ptr, g.index, g.value, g.w));
    if (write) PetscCall(TzFileRelease(file, &lock));
  }
  PetscCall(TzRuleDestroy(&rule));
  PetscFunctionReturn(PETSC_SUCCESS);
}
