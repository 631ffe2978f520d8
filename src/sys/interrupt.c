/*
  Long work that hears signals, and tells how far it is. Whoever listens has SIGTERM and SIGUSR1 noted here; work that is cut into pieces asks before each of
  them whether to go on. A signal may come to one rank only: this one leaves out what it has left of its own share, but takes part in everything
  collective, and TzInterruptAgree() at the end of the work tells all ranks that its result is none.
*/
#include <tzsys.h>
#include <petsctime.h>
#include <signal.h>

#define GRACE 0.5 /* seconds after a signal in which work may still come to its end */

static volatile sig_atomic_t Signal = 0;
static struct sigaction      before[2]; /* what the program did at these signals */
static sigset_t              blocked;   /* ... and which of them it held back */
static const int             signals[2] = {SIGTERM, SIGUSR1};
static PetscBool             listens, gaveup, held;
static PetscLogDouble        deadline; /* 0: none yet */

static const char    *work = NULL; /* of the lines */
static PetscReal      every;       /* seconds between lines; 0: none */
static PetscLogDouble begun, told;

static void Handler(int signal)
{
  Signal = signal;
}

PetscErrorCode TzInterruptListen(void)
{
  const struct sigaction action = {.sa_handler = Handler, .sa_flags = SA_RESTART};
  sigset_t               both;

  PetscFunctionBegin;
  if (listens) PetscFunctionReturn(PETSC_SUCCESS);
  Signal   = 0;
  gaveup   = PETSC_FALSE;
  deadline = 0;
  sigemptyset(&both);
  for (int i = 0; i < 2; i++) {
    sigaction(signals[i], &action, &before[i]);
    sigaddset(&both, signals[i]);
  }
  sigprocmask(SIG_UNBLOCK, &both, &blocked); /* those that came before are heard now */
  listens = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzInterruptListenEnd(void)
{
  PetscFunctionBegin;
  if (!listens) PetscFunctionReturn(PETSC_SUCCESS);
  sigprocmask(SIG_SETMASK, &blocked, NULL);
  for (int i = 0; i < 2; i++) sigaction(signals[i], &before[i], NULL);
  listens = gaveup = PETSC_FALSE;
  every            = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzInterruptHeard(void)
{
  return (PetscBool)(Signal != 0);
}

PetscErrorCode TzInterruptPatience(PetscReal seconds)
{
  PetscFunctionBegin;
  PetscCall(PetscTime(&deadline));
  deadline += seconds;
  gaveup = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzInterruptHold(PetscBool hold)
{
  held = hold;
}

PetscBool TzGiveUp(void)
{
  PetscLogDouble now;

  if (!listens || !Signal || gaveup || held || PetscTime(&now)) return gaveup;
  if (deadline == 0) deadline = now + GRACE;
  gaveup = (PetscBool)(now > deadline);
  return gaveup;
}

PetscErrorCode TzInterruptAgree(MPI_Comm comm, PetscBool *all)
{
  unsigned char own = gaveup;

  PetscFunctionBegin;
  if (listens) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &own, 1, MPI_UNSIGNED_CHAR, MPI_MAX, comm));
  *all = gaveup = own ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzBusyShow(PetscReal seconds)
{
  PetscFunctionBegin;
  every = seconds;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On rank 0, whose share takes as long as that of any other */
PetscBool TzBusy(const char what[], PetscInt64 done, PetscInt64 of)
{
  PetscLogDouble now;
  int            rank;

  if (every > 0 && !PetscTime(&now)) {
    if (!done || work != what) begun = told = now;
    work = what;
    if (now - told >= every) {
      MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
      if (!rank) {
        printf("%s: %.0f %% after %.0f s\n", what, 100. * (double)done / (double)of, now - begun);
        fflush(stdout);
      }
      told = now;
    }
  }
  return TzGiveUp();
}
