/*
  Shell networks: f: R^in -> R^out by a function of the user's own, in the habit of PETSc's MATSHELL, or by a device outside: whatever can be given
  parameters and be evaluated forwards. Tenzo needs no more to train it: estimators that take values (stein, fd), zeroth-order solvers, distribution,
  checkpoints, evaluation. What needs derivatives of the network (-deriv_type forward, exact gradients) is refused.

    -net_type NAME        a shell registered by TzNetShellRegister() (a library's, -dll_append), or "process"; "layers": networks of layers (default)

  Every rank has a device of its own. It holds one parameter vector at a time: bind() is called when another one is needed, then forward() for all
  points and nodes, in blocks of at most `block` rows. A row of the answer must depend on the bound parameters and on its own input alone: so results
  do not depend on the number of ranks.
*/
#ifndef TZSHELL_H
#define TZSHELL_H

#include <tznet.h>

#define TZNETLAYERS  "layers"
#define TZNETPROCESS "process"
#define TZNETSHELL   "shell" /* of TzNetSetShell() */

typedef struct _n_TzShell *TzShell;
typedef struct {
  /* in, out, seed, comm are given: set nparams, and block and data where they are not as they are. Called again when these change, after destroy() */
  PetscErrorCode (*setup)(TzShell);
  PetscErrorCode (*forward)(TzShell, PetscInt n, const PetscReal X[], PetscReal Y[]); /* Y [n][out] = f(X [n][in]; theta bound last), 1 <= n <= block */

  /* all below may be NULL. The parameters to be used from now on, theta [nparams] (shell->theta has them, too) */
  PetscErrorCode (*bind)(TzShell, const PetscReal theta[]);
  PetscErrorCode (*initialize)(TzShell, PetscReal theta[]); /* the first parameters; NULL: normal numbers of deviation 0.1, by the seed */
  PetscErrorCode (*setfromoptions)(TzShell, TzOptionItems);
  PetscErrorCode (*view)(TzShell, PetscViewer);
  PetscErrorCode (*destroy)(TzShell); /* what setup() made */
  PetscErrorCode (*free)(TzShell);    /* what setfromoptions() made, at the end */
} TzShellOps;

/* What its use has cost the device of this rank: a shell, or what a model of hardware stands for */
typedef struct {
  PetscInt64 binds;    /* parameter vectors */
  PetscInt64 writes;   /* parameters that were held otherwise before, over all binds */
  PetscInt64 forwards; /* rows evaluated */
  PetscInt64 bytes;    /* moved to and from the device: numbers of parameters, inputs, outputs, and what a protocol adds */
} TzNetCosts;

struct _n_TzShell {
  MPI_Comm   comm;
  PetscInt   in, out;
  PetscInt64 seed;
  PetscInt   nparams; /* setup() says how many parameters there are, */
  PetscInt   block;   /* and how many rows it takes at once; 0: any */
  void      *data;

  /* not the user's: */
  const char       *name;
  const TzShellOps *ops;
  PetscReal        *theta; /* [nparams]: bound last */
  PetscBool         bound;
  TzNetCosts        costs;
};

/* A network by ops, whose shell has this data; ops must stay. Before TzNetSetUp(); collective */
PETSC_EXTERN PetscErrorCode TzNetSetShell(TzNet net, const TzShellOps *ops, void *data);
/* -net_type name. ops must stay; PETSC_ERR_ARG_WRONG if the name is taken or setup or forward are missing. Every rank has to call it */
PETSC_EXTERN PetscErrorCode TzNetShellRegister(const char name[], const TzShellOps *ops);
/* -net_type: "layers", "process", a registered name; PETSC_ERR_USER_INPUT naming all for one that is unknown */
PETSC_EXTERN PetscErrorCode TzNetSetType(TzNet net, const char type[]);
PETSC_EXTERN PetscErrorCode TzNetGetType(TzNet net, const char *type[]);
/* Since the network was made, validations and all; has: there is a device, which has costs. Not collective */
PETSC_EXTERN PetscErrorCode TzNetGetCosts(TzNet net, PetscBool *has, TzNetCosts *costs);
/* Whether exact derivatives and gradients can be had. Not collective */
PETSC_EXTERN PetscErrorCode TzNetHasDerivatives(TzNet net, PetscBool *has);

#endif
