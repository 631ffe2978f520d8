/*
  A checkpoint: everything that a run needs to go on, bit by bit as if it had never stopped, on any number of ranks; and
  all that `tenzo eval` needs to rebuild the problem. Data sets:
    /format /versions/{tenzo,petsc,hdf5,mpi,isa}  text (isa: the set of kernels)
    /problem                                  text: what the network is trained on, a TzRunType (tzrun.h)
    /reason                                   text: why the run ended, the reason= of its RESULT line; none while it goes on
    /options /net /pde                        text: an options file, the views of the network and of the problem
    /network/layerL/...                       how theta is to be read (TzNetGetLayout): shape {out, in}, modes_in, modes_out, ranks: int; format, activation
                                              ("none" at the last layer): text; windows {channels, rows, cols, krows, kcols, pool} of a
                                              convolution, tokens {slots, concatenated} of a table; L from 1 on. /network/bias: int, whether there are biases
    /mask                                     int: trained weights of a sparse network
    /theta                                    parameters [n], /checksum their checksum (text)
    /step /seed /counts                       int: steps done, seed, {queries, forwards, bytes}
    /solver/NAME                              state of the solver: vectors [n] and scalars [1]
    /loss/weights                             balanced weights of the soft conditions (-loss_weights auto)
    /region/{t,lo,hi,radius}                  where the points of the training lie (TzRegion)
    /segments                                 text: a line "step -option before after" for every change with which a run has gone on
    /best/{theta,step,figure}                 with -tz_keep best or both: the parameters of the best validation, its step, its first figure
    /keep                                     text: -tz_keep
    /checksums                                text: a line "path checksum" for every other array (TzStoreChecksum), by the alphabet
    /history/{step,loss,lr,...}               one entry a step; /validation/{step,mse,...} one a validation
*/
#ifndef TZCHECKPOINT_H
#define TZCHECKPOINT_H

#include <tzfiles.h>
#include <tzzo.h>

typedef struct {
  PetscInt   step;
  PetscInt64 seed;
  TzCounts   counts;
  Vec        solution;
  TzZOState  solver;
  TzLoss     loss;   /* its state (TzLossGetState); may be NULL */
  TzRegion   region; /* only written, where n > 0 */
  TzTable    history, validation;
  PetscBool  anew; /* another solver goes on than that of the file: its state is not read */
  struct {
    Vec       solution; /* NULL: none is kept */
    PetscInt  step;     /* -1: no validation yet */
    PetscReal figure;
  } best;
  const char *keep;     /* -tz_keep */
  char       *segments; /* text, PetscMalloced, or NULL */
  const char *problem;
  const char *reason;              /* NULL while the run goes on */
  char       *options, *net, *pde; /* texts, PetscMalloced by the owner; only written */
  TzNet       network;             /* only written: its layout, and its mask, if it has one; may be NULL */
} TzCheckpoint;

/* TryWrite: without the error of a file that cannot be written: reason "" if it is written, equal on every rank */
PETSC_EXTERN PetscErrorCode TzCheckpointTryWrite(const TzCheckpoint *c, const char file[], size_t len, char reason[]);
PETSC_EXTERN PetscErrorCode TzCheckpointWrite(const TzCheckpoint *c, const char option[], const char file[]);
/* /checksums of a store: a line "path checksum" for every other array, by the alphabet; *text is PetscMalloced */
PETSC_EXTERN PetscErrorCode TzCheckpointChecksums(TzStore store, char **text);
/* The store of a checkpoint file, checked to be one and to be whole */
PETSC_EXTERN PetscErrorCode TzCheckpointOpen(MPI_Comm comm, const char option[], const char file[], TzStore *store);
PETSC_EXTERN PetscErrorCode TzCheckpointIs(MPI_Comm comm, const char file[], PetscBool *is); /* whether there is a file, and it is one */
PETSC_EXTERN PetscErrorCode TzCheckpointGetProblem(TzStore store, const char *problem[]);    /* valid as long as the store */
/* The network that the file describes, set up; NULL where it describes none. Its errors name `option`. */
PETSC_EXTERN PetscErrorCode TzCheckpointCreateNetwork(TzStore store, MPI_Comm comm, const char option[], TzNet *net);
/* The ranks of every bond, where the file describes trains */
PETSC_EXTERN PetscErrorCode TzCheckpointRestoreRanks(TzStore store, TzNet net);
/* The mask of a sparse network; nothing for other networks */
PETSC_EXTERN PetscErrorCode TzCheckpointRestoreMask(TzStore store, TzNet net);
/* Where the training was, at points of D coordinates; borrowed from the store, n = 0 where the file does not tell */
PETSC_EXTERN PetscErrorCode TzCheckpointGetRegion(TzStore store, const char file[], PetscInt D, TzRegion *region);
/* Fills c, whose vectors, solver state and tables are already made, from the store of this file. PETSC_ERR_FILE_UNEXPECTED for what is out of range. */
PETSC_EXTERN PetscErrorCode TzCheckpointRestore(TzCheckpoint *c, TzStore store, const char file[]);

#endif
