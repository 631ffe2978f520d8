#include <tztokens.h>
#include <tzfiles.h>
#include <stdlib.h>

#define MOST_TOKEN 1000000 /* rows of a table are units of a layer, of which there are as many at most */

/* What rank 0 found; broadcast as bytes */
typedef struct {
  PetscErrorCode code; /* 0: good */
  TzTokens       set;  /* its numbers */
  char           message[4 * PETSC_MAX_PATH_LEN];
} Header;

static PetscBool Blank(char c)
{
  return (PetscBool)(c == ' ' || c == '\t' || c == '\r' || c == ',');
}

/* The numbers of one line, from *s to its end, v[-1] the label, at most `room` of them stored; their number, or -1 where it is something else */
static PetscInt ScanLine(const char **s, PetscInt room, long *label, int token[])
{
  PetscInt k = 0;

  for (; **s && **s != '\n' && **s != '#';) {
    char *end;
    long  v;

    if (Blank(**s)) {
      (*s)++;
      continue;
    }
    v = strtol(*s, &end, 10);
    if (end == *s || (*end && !Blank(*end) && *end != '\n' && *end != '#') || v < 0 || v > (k ? MOST_TOKEN : TZ_CLASSES_MAX - 1)) return -1;
    if (!k) *label = v;
    else if (k <= room) token[k - 1] = (int)v;
    k++;
    *s = end;
  }
  while (**s && **s != '\n') (*s)++;
  return k;
}

/* The whole text: counted where set->token is NULL, otherwise stored */
static void Scan(const char text[], const char option[], const char file[], Header *h)
{
  TzTokens   *set  = &h->set;
  const char *s    = text;
  PetscInt    line = 1, n = 0;

  for (; *s; line++) {
    int           *token = set->token ? set->token + (size_t)n * (size_t)set->slots : NULL;
    long           label = 0;
    const PetscInt k     = ScanLine(&s, token ? set->slots : 0, &label, token);

    if (*s == '\n') s++;
    if (!k) continue;
    if (k < 2) {
      h->code = PETSC_ERR_FILE_UNEXPECTED;
      (void)snprintf(h->message, sizeof(h->message), "%s %s: line %" PetscInt_FMT ": must be a label (0 to %d) and tokens (0 to %d)", option, file, line,
                     TZ_CLASSES_MAX - 1, MOST_TOKEN);
      return;
    }
    if (token) {
      for (PetscInt i = k - 1; i < set->slots; i++) token[i] = -1;
      for (PetscInt i = 0; i < k - 1; i++) set->rows = PetscMax(set->rows, token[i] + 1);
      set->label[n] = (unsigned char)label;
      set->classes  = PetscMax(set->classes, (PetscInt)label + 1);
    } else set->slots = PetscMax(set->slots, k - 1);
    n++;
  }
  set->n = n;
}

/* Rank 0: the file, counted and stored. On a fault h->code is set. */
static PetscErrorCode Read(const char option[], const char file[], Header *h)
{
  char   reason[2 * PETSC_MAX_PATH_LEN];
  void  *data = NULL;
  size_t size = 0;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(h, sizeof(*h)));
  if (!TzFileRead(file, &data, &size, sizeof(reason), reason)) {
    h->code = PETSC_ERR_FILE_READ;
    (void)snprintf(h->message, sizeof(h->message), "%s %s: %s", option, file, reason);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Scan((const char *)data, option, file, h);
  if (!h->code && (!h->set.n || strlen((const char *)data) < size || (PetscInt64)h->set.n * h->set.slots > PETSC_MPI_INT_MAX)) {
    h->code = PETSC_ERR_FILE_UNEXPECTED;
    (void)snprintf(h->message, sizeof(h->message), "%s %s: %s", option, file,
                   strlen((const char *)data) < size ? "is no text"
                   : h->set.n                        ? "has too many tokens"
                                                     : "has no examples");
  }
  if (!h->code) {
    PetscCall(PetscMalloc1((size_t)h->set.n * (size_t)h->set.slots, &h->set.token));
    PetscCall(PetscMalloc1(h->set.n, &h->set.label));
    Scan((const char *)data, option, file, h);
  }
  free(data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTokensRead(MPI_Comm comm, const char option[], const char file[], TzTokens *set)
{
  Header      h;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(set, sizeof(*set)));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) PetscCall(Read(option, file, &h));
  if (!rank) *set = h.set;
  PetscCallMPI(MPI_Bcast(&h, (PetscMPIInt)sizeof(h), MPI_BYTE, 0, comm));
  PetscCheck(!h.code, comm, h.code, "%s", h.message);
  if (rank) {
    *set = h.set;
    PetscCall(PetscMalloc1((size_t)set->n * (size_t)set->slots, &set->token));
    PetscCall(PetscMalloc1(set->n, &set->label));
  }
  PetscCallMPI(MPI_Bcast(set->token, (PetscMPIInt)(set->n * set->slots), MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(set->label, (PetscMPIInt)set->n, MPI_BYTE, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzTokensDestroy(TzTokens *set)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(set->token));
  PetscCall(PetscFree(set->label));
  PetscCall(PetscMemzero(set, sizeof(*set)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
