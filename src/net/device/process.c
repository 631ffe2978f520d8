/*
  Networks outside: -net_type process -net_command COMMAND starts the program on every rank and asks it, on its standard input, to hold parameters and to
  evaluate rows; it answers on its standard output. README has the protocol to the byte.

  A program that dies, keeps silent, or answers with what cannot be, is ended and started again, -tz_device_restarts times a run; what it was asked is
  asked again: as its answers depend on what they are asked for alone, the run has the bits of one that nothing disturbed.

  Options: -net_command, -tz_device_timeout, -tz_device_restarts
*/
#include "child.h"
#include <inttypes.h>

enum { HELLO = 1, BIND = 2, FORWARD = 3, CLOSE = 4, ERROR = 255 };

/* In front of every message, of either side */
typedef struct {
  char     magic[4]; /* "TZD1": Tenzo's device protocol 1 */
  uint32_t op;
  uint64_t bytes; /* that follow */
} Head;

typedef struct {
  uint32_t in, out, rank, ranks;
  int64_t  seed;
} Hello; /* ours */

typedef struct {
  uint64_t nparams, block; /* and behind them, or not, the first parameters */
} Welcome;

typedef struct {
  char       command[4096];
  PetscReal  timeout;
  PetscInt   restarts, restarted;
  TzChild    child;
  PetscReal *initial; /* [nparams], or NULL: the program proposes none */
} Process;

#define MAGIC "TZD1"

static PetscErrorCode GetProcess(TzShell shell, Process **p)
{
  PetscFunctionBegin;
  if (!shell->data) {
    PetscCall(PetscNew(p));
    (*p)->timeout  = 60;
    (*p)->restarts = 3;
    shell->data    = *p;
  }
  *p = (Process *)shell->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Process(TzShell shell, TzOptionItems PetscOptionsObject)
{
  Process *p;

  PetscFunctionBegin;
  PetscCall(GetProcess(shell, &p));
  PetscOptionsHeadBegin(PetscOptionsObject, "A network outside");
  PetscCall(TzOptionsString("-net_command", "Program that evaluates the network, for /bin/sh (needed; never taken from a file)", "TzNetSetType", p->command,
                            p->command, sizeof(p->command), NULL));
  PetscCall(TzOptionsReal("-tz_device_timeout", "Seconds without a byte from the program after which it is given up (> 0)", "TzNetSetType", p->timeout,
                          &p->timeout, NULL));
  PetscCheck(p->timeout > 0 && p->timeout <= 1e6, shell->comm, PETSC_ERR_USER_INPUT, "-tz_device_timeout %g: must be positive", (double)p->timeout);
  PetscCall(TzOptionsInt("-tz_device_restarts", "How often in a run it is started again on a rank (>= 0)", "TzNetSetType", p->restarts, &p->restarts, NULL));
  PetscCheck(p->restarts >= 0, shell->comm, PETSC_ERR_USER_INPUT, "-tz_device_restarts %" PetscInt_FMT ": must be at least 0", p->restarts);
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------ messages ------------------------------------------------------------ */

static PetscBool Send(Process *p, uint32_t op, size_t n, const void *bytes)
{
  const Head head = {.magic = {'T', 'Z', 'D', '1'}, .op = op, .bytes = n};

  return (PetscBool)(TzChildSend(&p->child, sizeof(head), &head, p->timeout) && TzChildSend(&p->child, n, bytes, p->timeout));
}

/* The text of an error, for one line */
static PetscBool ReceiveError(Process *p, uint64_t bytes)
{
  char text[256] = "";

  if (!TzChildReceive(&p->child, (size_t)PetscMin(bytes, sizeof(text) - 1), text, p->timeout)) return PETSC_FALSE;
  for (char *c = text; *c; c++)
    if ((unsigned char)*c < 32 || *c == 127) *c = ' ';
  return TzChildFail(&p->child, "says: %s", text);
}

/* The head of the answer to op; *bytes: what follows */
static PetscBool ReceiveHead(Process *p, uint32_t op, uint64_t *bytes)
{
  Head head;

  if (!TzChildReceive(&p->child, sizeof(head), &head, p->timeout)) return PETSC_FALSE;
  if (memcmp(head.magic, MAGIC, sizeof(head.magic)))
    return TzChildFail(&p->child, "answers with the bytes %02x %02x %02x %02x, not with \"" MAGIC "\": this is not protocol 1", (unsigned char)head.magic[0],
                       (unsigned char)head.magic[1], (unsigned char)head.magic[2], (unsigned char)head.magic[3]);
  if (head.op == ERROR) return ReceiveError(p, head.bytes);
  if (head.op != op) return TzChildFail(&p->child, "answers %" PRIu32 " to the request %" PRIu32, head.op, op);
  *bytes = head.bytes;
  return PETSC_TRUE;
}

/* Request and answer, of n and m bytes */
static PetscBool Ask(Process *p, uint32_t op, size_t n, const void *question, size_t m, void *answer)
{
  uint64_t bytes;

  if (!Send(p, op, n, question) || !ReceiveHead(p, op, &bytes)) return PETSC_FALSE;
  if (bytes != m) return TzChildFail(&p->child, "answers the request %" PRIu32 " with %" PRIu64 " bytes in place of %zu", op, bytes, m);
  return TzChildReceive(&p->child, m, answer, p->timeout);
}

/* Starts the program and learns what it is. The first time shell->nparams is 0; later it may not have changed */
static PetscBool Begin(TzShell shell, PetscMPIInt rank, PetscMPIInt ranks)
{
  Process    *p     = (Process *)shell->data;
  const Hello hello = {.in = (uint32_t)shell->in, .out = (uint32_t)shell->out, .rank = (uint32_t)rank, .ranks = (uint32_t)ranks, .seed = shell->seed};
  Welcome     welcome;
  uint64_t    bytes, rest;
  PetscReal  *initial;
  PetscBool   received;

  if (!TzChildStart(&p->child, p->command) || !Send(p, HELLO, sizeof(hello), &hello) || !ReceiveHead(p, HELLO, &bytes)) return PETSC_FALSE;
  if (bytes < sizeof(welcome)) return TzChildFail(&p->child, "answers the hello with %" PRIu64 " bytes, fewer than %zu", bytes, sizeof(welcome));
  if (!TzChildReceive(&p->child, sizeof(welcome), &welcome, p->timeout)) return PETSC_FALSE;
  rest = bytes - sizeof(welcome);
  if (!welcome.nparams || welcome.nparams > PETSC_MAX_INT / 16 || welcome.block > PETSC_MAX_INT)
    return TzChildFail(&p->child, "has %" PRIu64 " parameters and blocks of %" PRIu64 " rows", welcome.nparams, welcome.block);
  if (rest && rest != sizeof(PetscReal) * welcome.nparams)
    return TzChildFail(&p->child, "proposes %" PRIu64 " bytes of first values for %" PRIu64 " parameters", rest, welcome.nparams);
  if (shell->nparams && (PetscInt)welcome.nparams != shell->nparams)
    return TzChildFail(&p->child, "has %" PRIu64 " parameters, and had %" PetscInt_FMT, welcome.nparams, shell->nparams);
  shell->nparams = (PetscInt)welcome.nparams;
  shell->block   = (PetscInt)welcome.block;
  if (!rest) return PETSC_TRUE;
  initial = (PetscReal *)malloc(rest); /* as much as a program says: PETSc would make an error of what does not fit */
  if (!initial) return TzChildFail(&p->child, "has more parameters than memory holds, %" PRIu64, welcome.nparams);
  received = TzChildReceive(&p->child, rest, initial, p->timeout);
  for (uint64_t i = 0; received && i < welcome.nparams; i++)
    if (PetscIsInfOrNanReal(initial[i])) received = TzChildFail(&p->child, "proposes a first value that is not finite");
  if (p->initial || !received) free(initial);
  else p->initial = initial;
  return received;
}

/* ------------------------------------------------------------- faults ------------------------------------------------------------- */

static PetscErrorCode GetRank(TzShell shell, PetscMPIInt *rank, PetscMPIInt *ranks)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(shell->comm, rank));
  PetscCallMPI(MPI_Comm_size(shell->comm, ranks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a fault: the program again, with the parameters it is to hold; or, when that has been done often enough, the error, on this rank alone */
static PetscErrorCode Restart(TzShell shell)
{
  Process    *p = (Process *)shell->data;
  PetscMPIInt rank, ranks;
  PetscBool   works = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(GetRank(shell, &rank, &ranks));
  while (!works) {
    TzChildStop(&p->child, 0);
    PetscCheck(p->restarted < p->restarts, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "-net_command %s: on rank %d the program %s; it has been started again %" PetscInt_FMT " times (-tz_device_restarts)", p->command, rank,
               p->child.why, p->restarted);
    p->restarted++;
    fprintf(stderr, "tenzo: warning: -net_command: on rank %d the program %s; it is started again, %" PetscInt_FMT " of %" PetscInt_FMT " times\n", rank,
            p->child.why, p->restarted, p->restarts);
    works = (PetscBool)(Begin(shell, rank, ranks) && Ask(p, BIND, sizeof(PetscReal) * (size_t)shell->nparams, shell->theta, 0, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind_Process(TzShell shell, const PetscReal theta[])
{
  Process *p = (Process *)shell->data;

  PetscFunctionBegin;
  shell->costs.bytes += 2 * (PetscInt64)sizeof(Head);
  if (!Ask(p, BIND, sizeof(PetscReal) * (size_t)shell->nparams, theta, 0, NULL)) PetscCall(Restart(shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first of n numbers that is not finite where the parameters are; -1: none */
static PetscInt NotFinite(TzShell shell, PetscInt n, const PetscReal Y[])
{
  for (PetscInt i = 0; i < n; i++) {
    if (!PetscIsInfOrNanReal(Y[i])) continue;
    for (PetscInt k = 0; k < shell->nparams; k++)
      if (PetscIsInfOrNanReal(shell->theta[k])) return -1; /* what has diverged is the training */
    return i;
  }
  return -1;
}

static PetscErrorCode Forward_Process(TzShell shell, PetscInt n, const PetscReal X[], PetscReal Y[])
{
  Process     *p        = (Process *)shell->data;
  const size_t question = sizeof(PetscReal) * (size_t)(n * shell->in), answer = sizeof(PetscReal) * (size_t)(n * shell->out);
  PetscBool    good = PETSC_FALSE;

  PetscFunctionBegin;
  shell->costs.bytes += 2 * (PetscInt64)sizeof(Head);
  while (!good) {
    good = Ask(p, FORWARD, question, X, answer, Y);
    if (good) {
      const PetscInt i = NotFinite(shell, n * shell->out, Y);

      if (i >= 0) good = TzChildFail(&p->child, "answers with %g for row %" PetscInt_FMT " of %" PetscInt_FMT, (double)Y[i], i / shell->out + 1, n);
    }
    if (!good) PetscCall(Restart(shell));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------- set-up ------------------------------------------------------------- */

/* Why the program of some rank cannot be used, on every rank: that of the first rank which has a reason */
static PetscErrorCode ShareReason(TzShell shell, PetscMPIInt *first)
{
  Process    *p = (Process *)shell->data;
  PetscMPIInt rank, ranks, mine;

  PetscFunctionBegin;
  PetscCall(GetRank(shell, &rank, &ranks));
  mine = p->child.why[0] ? rank : ranks;
  PetscCallMPI(MPI_Allreduce(&mine, first, 1, MPI_INT, MPI_MIN, shell->comm));
  if (*first < ranks) PetscCallMPI(MPI_Bcast(p->child.why, sizeof(p->child.why), MPI_CHAR, *first, shell->comm));
  else *first = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareSizes(TzShell shell)
{
  Process   *p     = (Process *)shell->data;
  PetscInt64 first = shell->nparams;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&first, 1, MPIU_INT64, 0, shell->comm));
  if (first != shell->nparams) (void)TzChildFail(&p->child, "has %" PetscInt_FMT " parameters, that of rank 0 %" PetscInt64_FMT, shell->nparams, first);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks start from the first parameters of rank 0 */
static PetscErrorCode ShareInitial(TzShell shell)
{
  Process *p   = (Process *)shell->data;
  int      has = p->initial != NULL;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&has, 1, MPI_INT, 0, shell->comm));
  if (!has) {
    free(p->initial);
    p->initial = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!p->initial) p->initial = (PetscReal *)malloc(sizeof(PetscReal) * (size_t)shell->nparams);
  PetscCheck(p->initial, PETSC_COMM_SELF, PETSC_ERR_MEM, "%" PetscInt_FMT " parameters", shell->nparams);
  PetscCallMPI(MPI_Bcast(p->initial, (PetscMPIInt)shell->nparams, MPIU_REAL, 0, shell->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Process(TzShell shell)
{
  Process    *p;
  PetscMPIInt rank, ranks, first;

  PetscFunctionBegin;
  PetscCall(GetProcess(shell, &p));
  shell->nparams = 0;
  if (TzOptionsHelpWanted()) {
    shell->nparams = 1; /* nothing is started to print its options */
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(p->command[0], shell->comm, PETSC_ERR_USER_INPUT, "-net_command: must be given with -net_type " TZNETPROCESS ": the program to be run");
  PetscCall(GetRank(shell, &rank, &ranks));
  (void)Begin(shell, rank, ranks);
  PetscCall(ShareReason(shell, &first));
  if (first < 0) {
    PetscCall(CompareSizes(shell));
    PetscCall(ShareReason(shell, &first));
  }
  if (first >= 0) TzChildStop(&p->child, 0);
  PetscCheck(first < 0, shell->comm, PETSC_ERR_USER_INPUT, "-net_command %s: on rank %d the program %s", p->command, first, p->child.why);
  PetscCall(ShareInitial(shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Initialize_Process(TzShell shell, PetscReal theta[])
{
  const Process *p = (Process *)shell->data;

  PetscFunctionBegin;
  if (p->initial) PetscCall(PetscArraycpy(theta, p->initial, shell->nparams));
  else PetscCall(TzShellNormal(shell, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Process(TzShell shell, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  program: %s\n", ((const Process *)shell->data)->command));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A program that works is asked to end; others are ended */
static PetscErrorCode Destroy_Process(TzShell shell)
{
  Process *p = (Process *)shell->data;

  PetscFunctionBegin;
  if (p->child.pid && !p->child.why[0]) (void)Send(p, CLOSE, 0, NULL);
  TzChildStop(&p->child, p->child.why[0] ? 0 : 2);
  free(p->initial);
  p->initial = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free_Process(TzShell shell)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(shell->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TzShellOps TzShell_Process = {.setup          = SetUp_Process,
                                    .forward        = Forward_Process,
                                    .bind           = Bind_Process,
                                    .initialize     = Initialize_Process,
                                    .setfromoptions = SetFromOptions_Process,
                                    .view           = View_Process,
                                    .destroy        = Destroy_Process,
                                    .free           = Free_Process};
