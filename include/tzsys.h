/*
  Tenzo: start-up, errors, log events, and counter-based random numbers.

  Errors. A user's mistake is raised on every rank with code PETSC_ERR_USER_INPUT (or one of PETSC_ERR_FILE_*), as in
      PetscCheck(rank > 0, comm, PETSC_ERR_USER_INPUT, "-net_tt_rank %" PetscInt_FMT ": must be at least 1", rank);
  The handler that TzInitialize() installs prints such an error as one line from rank 0, without a stack trace; every
  other error keeps PETSc's trace. Code that notices a mistake on one rank only (a file read by rank 0) broadcasts the fact first.
*/
#ifndef TZSYS_H
#define TZSYS_H

#include <private/tzcompat.h>
#include <tzoptions.h>
#include <stdint.h>

#define TZ_VERSION "0.1.0"

PETSC_EXTERN PetscErrorCode TzInitialize(int *argc, char ***argv, const char help[]); /* PetscInitialize, handler, types */
PETSC_EXTERN PetscErrorCode TzFinalize(void);
PETSC_EXTERN PetscErrorCode TzRegisterAll(void); /* classes, log events and stages, TAO types; idempotent */

/* Exit codes of the program. */
#define TZ_EXIT_INTERNAL 1  /* an error inside Tenzo: PETSc's trace tells where */
#define TZ_EXIT_USER     2  /* a user's mistake: one line on stderr */
#define TZ_EXIT_DIVERGED 3  /* the loss became NaN or infinite */
#define TZ_EXIT_STOPPED  75 /* SIGTERM or SIGUSR1: checkpoint written, run again with -tz_resume (EX_TEMPFAIL) */
#define TZ_STDOUT_LOST   "standard output could not be written to its end"
/* The end of main(): finalizes, whatever happened. ierr: what the program's functions returned; code: exit code where that is 0. */
PETSC_EXTERN int            TzExit(PetscErrorCode ierr, int code);
PETSC_EXTERN PetscErrorCode TzErrorHandler(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n, PetscErrorType p, const char *mess,
                                           void *ctx);

/*
  TzMemoryCheck - out of memory, told before it is taken; collective

  numbers: how many real numbers every rank is about to allocate (itself a real number, so that it does not overflow), the same on every rank;
  what: the option and its value, as printf() takes it. PETSC_ERR_USER_INPUT with both and the size if they exceed the rank's part of the machine's memory.
*/
PETSC_EXTERN PetscErrorCode TzMemoryCheck(MPI_Comm comm, PetscReal numbers, const char what[], ...) __attribute__((format(printf, 3, 4)));
/*
  Long work. A program that listens (TzRun does) has SIGTERM and SIGUSR1 noted, those it held back before (sigprocmask), too; Heard: one has come to this rank.
  Work of many pieces asks before each whether to give up what is left of this rank's share, but takes part in everything collective; its results are then
  meaningless, which Agree, collective, tells all ranks behind it. A second after the signal is time enough for most work to end; Patience, all ranks: so many
  seconds more, from now, for what comes. What cannot be undone holds it meanwhile.
  Busy is GiveUp, and rank 0 prints every so many seconds (Show; 0: never) how much of `what`, a constant text, is done. Not for threads but the first.
*/
PETSC_EXTERN PetscErrorCode TzInterruptListen(void);
PETSC_EXTERN PetscErrorCode TzInterruptListenEnd(void);
PETSC_EXTERN PetscBool      TzInterruptHeard(void);
PETSC_EXTERN PetscErrorCode TzInterruptPatience(PetscReal seconds);
PETSC_EXTERN PetscErrorCode TzInterruptAgree(MPI_Comm comm, PetscBool *givenup);
PETSC_EXTERN void           TzInterruptHold(PetscBool hold);
PETSC_EXTERN PetscBool      TzGiveUp(void);
PETSC_EXTERN PetscErrorCode TzBusyShow(PetscReal seconds);
PETSC_EXTERN PetscBool      TzBusy(const char what[], PetscInt64 done, PetscInt64 of);
/* The error of work that was given up, exit code TZ_EXIT_STOPPED: "stopped by a signal during `what`; nothing was written". Collective */
PETSC_EXTERN PetscErrorCode TzInterruptRaise(MPI_Comm comm, const char what[]);
/* For every XxxRegister(): notes the name of a type, whatever its class; and whether it was noted */
PETSC_EXTERN PetscErrorCode TzTypeNote(const char name[]);
PETSC_EXTERN PetscBool      TzTypeIsRegistered(const char name[]);

/* The step of keys that belong to no step of the training; the same where a PetscInt has 64 bits */
#define TZ_STEP_NONE ((PetscInt)2147483647)

/* Independent streams of one seed: what a number is for is part of its key, so no two uses share numbers. */
typedef enum {
  TZ_STREAM_INIT,         /* initial parameters */
  TZ_STREAM_DIRECTION,    /* perturbation directions of the zeroth-order solvers */
  TZ_STREAM_POINTS,       /* collocation points */
  TZ_STREAM_VALIDATION,   /* validation points */
  TZ_STREAM_RULE,         /* Monte-Carlo nodes */
  TZ_STREAM_BATCH,        /* mini-batches */
  TZ_STREAM_MASK,         /* masks of sparse networks, random feedback matrices */
  TZ_STREAM_EQUATION,     /* random coefficients of equations */
  TZ_STREAM_CONDITION,    /* points of conditions */
  TZ_STREAM_SIMULATION,   /* closed-loop paths */
  TZ_STREAM_DEVICE,       /* noise and stochastic rounding of parameters */
  TZ_STREAM_DEVICEOUTPUT, /* noise of values */
  TZ_STREAM_UPDATE,       /* stochastic rounding of updates */
  TZ_STREAM_PATHS,        /* paths of TzPDEPaths() */
  TZ_STREAM_ADAPT         /* which candidates for points are kept */
} TzStream;

/*
  Element i of x (0 <= i < n) is the number of key (seed, stream, step, item) at counter first + i: it depends on nothing
  else, so that any rank regenerates any coordinate (Philox 4x32-10, Salmon et al. 2011; Random123), and has the same bits on every
  processor. `first`, step, item >= 0, any seed; `first` need not be even. Uniform: odd multiples of 2^-53 in (0,1). Normal: Box-Muller on two of
  them, so at most 8.572. Rademacher: -1 or +1. The three are independent of each other under one key.
*/
PETSC_EXTERN PetscErrorCode TzRandomNormal(PetscInt64 seed, TzStream stream, PetscInt step, PetscInt item, PetscInt first, PetscInt n, PetscReal x[]);
PETSC_EXTERN PetscErrorCode TzRandomUniform(PetscInt64 seed, TzStream stream, PetscInt step, PetscInt item, PetscInt first, PetscInt n, PetscReal x[]);
PETSC_EXTERN PetscErrorCode TzRandomRademacher(PetscInt64 seed, TzStream stream, PetscInt step, PetscInt item, PetscInt first, PetscInt n, PetscReal x[]);

#endif
