/*
  Inside src/net/: networks and their evaluators. Floors: formats, device -> net.c -> eval -> jet -> stencil -> coordinate -> api.c; nothing calls upwards
  (tests/rooms.sh).

  CONVENTIONS, here and in the kernels
    theta          the parameters; bar: the derivative of a loss by what stands before it (zbar, Wbar), gathered where it is said to be +=
    layer l        z = W a + b, then a = act(z) is the input of layer l + 1; i < in its inputs, h or j < out its units, W [out][in]
    bond           W = right^T left^T through r numbers: y = left^T a with left [in][r], z = right^T y + b with right [r][out]. In formulas A = left of
                   layer 1, so that y_0 = A^T x; B_hk = right[k][h] and L_hc = left of the next layer [h][c], the two rows of unit h; q = columns of
                   left: r, or out
    columns        n points side by side, point fastest: [feature][n]
    panel          TZ_PANEL columns, padded, for the kernels: X [feature][PANEL]; np panels one after the other; lanes: those of a panel that are meant
    state, G, M    of a jet between layers: value y, G = its derivatives in y_0, its second-order forms; M = A^T S A, the form S seen from y_0
    stencil        nodes x + s z_j and x - s z_j, j: pairs; even = f+ + f- - 2 f0, odd = f+ - f-
    scratch        memory that an evaluator keeps between calls (TzEvalScratch()); work: memory that the caller lends for one
    train          W(i, j) = product of cores [r0][m][n][r1] (tzformatimpl.h)
*/
#ifndef TZNETIMPL_H
#define TZNETIMPL_H

#include <tzdevice.h>
#include <tzshell.h>
#include <private/tzformatimpl.h>
#include <private/tzkernels.h>
#include <private/tzclassimpl.h>

/* places.c: options; in, out and places of layer l, and what it hands on, when those of the layers below are there */
PETSC_INTERN PetscErrorCode TzNetPlacesSetFromOptions(TzNet, TzOptionItems);
PETSC_INTERN PetscErrorCode TzNetPlace(TzNet, PetscInt l, TzLayer *);
PETSC_INTERN PetscErrorCode TzPlacesView(const TzLayer *, PetscViewer);
PETSC_INTERN PetscBool      TzNetHasPlaces(TzNet); /* windows or tokens, for which there are values and gradients, but no derivatives by the inputs */

/* formats/ */
PETSC_INTERN PetscErrorCode      TzFormatsNote(void);                                                  /* the names are those of types (TzTypeNote) */
PETSC_INTERN PetscErrorCode      TzFormatFind(MPI_Comm comm, const char name[], const TzFormatOps **); /* otherwise PETSC_ERR_USER_INPUT */
PETSC_INTERN const char         *TzFormatName(const TzFormatOps *);
PETSC_INTERN PetscErrorCode      TzLayerChooseContraction(TzNet, TzLayer *);
PETSC_INTERN PetscErrorCode      TzNetCheckMemory(TzNet, PetscInt l, const char what[], PetscReal numbers); /* as TzNetCheckSize(), of several arrays */
PETSC_INTERN const TzOperatorOps TzOperator_Matrix;                                                         /* of every format that has none of its own */
PETSC_INTERN const PetscReal    *TzOperatorGetMatrix(const TzOperator *);                                   /* W [out][in] of a TzOperator_Matrix, bound */

/* device/ */
PETSC_INTERN const TzShellOps TzShell_Process;
PETSC_INTERN PetscErrorCode   TzShellNormal(TzShell, PetscReal theta[]);             /* first parameters of a shell that proposes none */
PETSC_INTERN PetscErrorCode   TzShellsNote(void);                                    /* the names are those of types (TzTypeNote) */
PETSC_INTERN PetscErrorCode   TzShellCreate(MPI_Comm, const char name[], TzShell *); /* of the table; otherwise PETSC_ERR_USER_INPUT */
PETSC_INTERN PetscErrorCode   TzShellCreateFrom(MPI_Comm, const TzShellOps *, void *data, TzShell *);
PETSC_INTERN PetscErrorCode   TzShellSetUp(TzShell, PetscInt in, PetscInt out, PetscInt64 seed);
PETSC_INTERN PetscErrorCode   TzShellInitialize(TzShell, PetscInt64 seed, PetscReal theta[]);
PETSC_INTERN PetscErrorCode   TzShellForward(TzShell, const PetscReal theta[], PetscInt n, const PetscReal X[], PetscReal Y[]);
PETSC_INTERN PetscErrorCode   TzShellView(TzShell, PetscViewer);
PETSC_INTERN PetscErrorCode   TzShellDestroy(TzShell *);

PETSC_INTERN PetscErrorCode TzModelSetFromOptions(TzNet, TzOptionItems);
PETSC_INTERN PetscErrorCode TzModelView(TzNet, PetscViewer);
/* held [nparams]: theta as the hardware holds it, in place of what it held; hash: of theta */
PETSC_INTERN PetscErrorCode TzModelBind(TzNet, const PetscReal theta[], PetscReal held[], uint64_t *hash);
/*
  Where one parameter has moved by mu: held [nparams], what the hardware then holds in its place; alone [nparams]: and it holds the others as before. For
  models with TzModelMovesAlone(): whose random numbers do not depend on the other parameters, and which have more than values.
*/
PETSC_INTERN PetscBool      TzModelMovesAlone(TzNet);
PETSC_INTERN PetscErrorCode TzModelMove(TzNet, const PetscReal theta[], PetscReal mu, PetscReal held[], PetscBool alone[]);
PETSC_INTERN void           TzModelCountRows(TzNet, PetscInt64 rows);
PETSC_INTERN void           TzModelActivations(TzNet, PetscInt width, PetscInt n, PetscReal a[]);
PETSC_INTERN PetscErrorCode TzModelOutputs(TzNet, uint64_t hash, PetscInt n, const PetscReal X[], PetscReal Y[]);
PETSC_INTERN PetscErrorCode TzModelSteps(TzNet, const PetscReal theta[], PetscReal step[]);

/* B [cols][rows] = A [rows][cols]^T */
static inline void TzTranspose(PetscInt rows, PetscInt cols, const PetscReal *restrict A, PetscReal *restrict B)
{
  for (PetscInt j = 0; j < cols; j++)
    for (PetscInt i = 0; i < rows; i++) B[j * rows + i] = A[i * cols + j];
}

struct _TzNetOps {
  int unused;
};

struct _p_TzNet {
  PETSCHEADER(struct _TzNetOps);
  TzShell            shell; /* NULL: layers; otherwise nothing about layers holds */
  TzDeviceModel      model;
  PetscInt           time;   /* of its noise and drift */
  PetscInt           repeat; /* of its noise */
  TzNetCosts         costs;  /* of what it stands for; a shell has its own */
  const TzFormatOps *format;
  PetscInt           in, out;
  PetscInt           nwidths, widths[TZ_MAX_LAYERS]; /* -net_layers */
  PetscInt           nhidden, hidden[TZ_MAX_LAYERS]; /* what each hidden layer hands on; convolutions first */
  PetscInt           nconv, conv[TZ_MAX_LAYERS][3];  /* -net_conv: filters, their rows and columns */
  PetscInt           pool[TZ_MAX_LAYERS];            /* -net_pool */
  PetscInt           image[3];                       /* channels, rows, columns of the inputs; 0: they are no image */
  PetscInt           tokens;                         /* the inputs are numbers of so many tokens; 0: they are not */
  PetscBool          concatenate;                    /* -net_tokens */
  TzActivation       act[TZ_MAX_LAYERS];             /* of each hidden layer */
  char              *activation;                     /* -net_activation: their names as given */
  PetscInt           r[TZ_MAX_LAYERS + 1];           /* rank of each layer's train */
  char              *modes, *bonds;                  /* as given, or NULL */
  TzNetAdaptive      adaptive;                       /* -net_tt_rank auto */
  PetscInt           sparsecount, sparsemethod;      /* sparse: parameters wanted, TzSparseMethod */
  PetscReal          crosstalk;                      /* -net_mzi_crosstalk */
  PetscInt           nmask, *mask;                   /* sparse: trained weights, numbered in the network */
  PetscBool          maskrandom;                     /* sparse: whether the mask is ours, to be drawn again when the network changes */
  PetscInt64         seed;                           /* of the random mask */
  PetscBool          reference;                      /* -net_evaluation plain */
  PetscInt           threads;                        /* -net_threads */
  PetscBool          series;                         /* -net_series */
  PetscReal          frequency;                      /* -net_frequency */
  PetscReal          outputscale;                    /* -net_output_scale */
  PetscInt           firstinputs;                    /* -net_first_inputs; 0: all */
  PetscBool          firstlast;                      /* -net_first_last */
  PetscBool          covariance;                     /* -net_first_covariance */
  PetscInt           sharpen;                        /* -net_first_sharpen */
  PetscInt           nsample, nstate;                /* of TzNetSetSample(), */
  PetscReal         *sample;                         /* [nsample][in], less their mean */
  TzPrecision        precision;                      /* -net_precision */
  PetscInt           contraction;                    /* -net_contraction: -1 automatic */
  PetscInt           nlayers;
  TzLayer            layer[TZ_MAX_LAYERS + 1];
  PetscBool          bias;    /* -net_bias */
  PetscInt           nparams; /* of theta: without bias its end, all biases, is cut off */
  PetscInt           nfull;   /* with all biases: evaluators have that many, zeros where theta ends */
  PetscBool          setupcalled;
  PetscInt           version; /* counts the set-ups: evaluators belong to one */
};

/* Whether parameters, activations or values are other than computed */
static inline PetscBool TzModelIsActive(TzNet net)
{
  const TzDeviceModel *m = &net->model;

  return (PetscBool)(m->weightbits || m->activationbits || m->weightnoise > 0 || m->valuenoise > 0 || m->drift > 0);
}
/* Whether all that there is of the network are values at points */
static inline PetscBool TzNetIsValues(TzNet net)
{
  return (PetscBool)(net->shell || net->model.activationbits || net->model.valuenoise > 0);
}

/*
  -net_first_inputs k: whether unit j of the first layer has input i: of k neighbours, from number j mod (in - 1) on, and the last, which is t where
  there is a time; with -net_first_last 0 of k neighbours alone, from number j mod in on
*/
static inline PetscBool TzNetHasInput(TzNet net, PetscInt j, PetscInt i)
{
  const PetscInt others = PetscMax(net->in - (net->firstlast ? 1 : 0), 1);

  return (PetscBool)((net->firstlast && i == net->in - 1) || (i - j % others + others) % others < net->firstinputs);
}

/*
  An evaluator: a network bound to one parameter vector. Layer l sees y = left^T a and z = right^T y + bias: through a bond
  left is [in][r] and right [r][out]; otherwise left = W^T, right = NULL (identity).
*/
typedef struct {
  PetscInt   q;                    /* columns of left: r or out */
  PetscReal *left;                 /* [in][q]; NULL: by the operator */
  PetscReal *right;                /* [q][out] or NULL */
  PetscReal *packed;               /* left for gemm: [ceil(q/GEMM)][in][GEMM], padded with zeros; TzEvalPacked() */
  PetscReal *expand;               /* right for gemm: [ceil(out/GEMM)][q][GEMM], TzEvalExpand() */
  PetscInt   packedfor, expandfor; /* the bindings for which these two were filled */
  PetscReal *table;                /* for the kernels bond and expand: [out][1 + q + q_next] */
  PetscReal *bmax;                 /* [1 + q]: largest |bias|, largest |right_k.|: bounds |z| */
} TzBound;

/* who uses which scratch array of an evaluator */
enum {
  TZ_SCRATCH_IN,
  TZ_SCRATCH_Y,
  TZ_SCRATCH_OUT,
  TZ_SCRATCH_H,
  TZ_SCRATCH_TAIL,
  TZ_SCRATCH_OPERATOR,
  TZ_SCRATCH_TABLE,
  TZ_SCRATCH_JET,
  TZ_SCRATCH_ADJOINT,
  TZ_SCRATCH_NODES,
  TZ_SCRATCH_MAX
};

/*
  What the rooms above keep with an evaluator: one object each, found again by the function that destroys it. So eval.c frees what it does not know.
*/
typedef PetscErrorCode (*TzEvalFree)(TzNetEval, void *);
#define TZ_MAX_ATTACHMENTS 8

struct _p_TzNetEval {
  TzNet            net;
  const TzKernels *kernels;
  PetscInt         serial;  /* counts the bindings */
  PetscInt         built;   /* the binding that layer[] belongs to; 0: none */
  PetscInt         version; /* the network's set-up that all of this belongs to */
  PetscReal       *theta;   /* as the device model holds it */
  PetscReal       *given;   /* as it was bound, where there is such a model */
  uint64_t         hash;    /* of the parameters bound, where there is such a model */
  TzBound          layer[TZ_MAX_LAYERS + 1];
  TzNetEval        leader; /* of an evaluator of another thread: the one it belongs to (threads.c) */
  PetscInt         nattached;
  struct {
    TzEvalFree destroy;
    void      *what;
  } attached[TZ_MAX_ATTACHMENTS];
  PetscReal *scratch[TZ_SCRATCH_MAX]; /* grown on demand by TzEvalScratch */
  PetscInt64 nscratch[TZ_SCRATCH_MAX];
};

PETSC_INTERN PetscErrorCode   TzEvalAttach(TzNetEval, TzEvalFree destroy, void *what);
PETSC_INTERN void            *TzEvalAttached(TzNetEval, TzEvalFree destroy); /* NULL: nothing is */
PETSC_INTERN PetscErrorCode   TzEvalScratch(TzNetEval, int which, PetscInt64 n, PetscReal **p);
PETSC_INTERN PetscErrorCode   TzEvalBuild(TzNetEval); /* factors and tables of the binding, at their first use */
PETSC_INTERN const PetscReal *TzEvalPacked(TzNetEval, PetscInt l);
PETSC_INTERN const PetscReal *TzEvalPackedRight(TzNetEval, PetscInt l);
PETSC_INTERN void TzGemm(const TzKernels *, PetscInt lanes, PetscInt np, PetscInt rows, PetscInt n, const PetscReal A[], const PetscReal X[], PetscReal C[]);
PETSC_INTERN void TzGemmSingle(const TzKernels *, PetscInt rows, PetscInt n, const float A[], const float X[], float C[]);
PETSC_INTERN PetscErrorCode TzEvalContract(TzNetEval, PetscInt l, PetscInt np, const PetscReal H[], PetscReal Y[]);
PETSC_INTERN PetscErrorCode TzEvalContractPoints(TzNetEval, PetscInt m, const PetscReal X[], PetscReal Y[]);
PETSC_INTERN PetscErrorCode TzEvalTail(TzNetEval, PetscInt l, PetscInt np, PetscReal Y[], PetscReal out[]);
PETSC_INTERN PetscBool      TzEvalIsBig(TzNetEval, PetscInt l, PetscInt lanes, const PetscReal Y[]);
/* Points p0 <= p < p1 of a task, by the evaluator of one thread */
typedef PetscErrorCode (*TzThreadsPart)(TzNetEval, const void *task, PetscInt p0, PetscInt p1);
PETSC_INTERN PetscErrorCode TzThreadsRun(TzNetEval, PetscInt n, TzThreadsPart part, const void *task);
PETSC_INTERN PetscErrorCode TzNetEvalForward_Columns(TzNetEval, PetscInt n, const PetscReal X[], PetscReal Y[]);
PETSC_INTERN PetscErrorCode TzNetEvalForward_Fast(TzNetEval, PetscInt n, const PetscReal X[], PetscReal Y[]);
PETSC_INTERN PetscErrorCode TzNetEvalCoordinates_Fast(TzNetEval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *);
PETSC_INTERN PetscErrorCode TzEvalExpand(TzNetEval, PetscInt l, PetscInt np, const PetscReal Y[], PetscReal Z[]);
PETSC_INTERN PetscErrorCode TzNetEvalJet_Channels(TzNetEval, PetscInt n, const PetscReal X[], const TzJetShape *, const PetscReal F[], PetscReal jet[]);
PETSC_INTERN PetscErrorCode TzNetEvalStencil_Fast(TzNetEval, PetscInt n, const PetscReal X[], const TzPairs *, PetscReal s, PetscInt j0, PetscInt j1,
                                                  PetscReal f0[], PetscReal even[], PetscReal odd[]);
PETSC_INTERN PetscErrorCode TzNetEvalJet_Fast(TzNetEval, PetscInt n, const PetscReal X[], const TzJetShape *, const PetscReal F[], PetscReal jet[]);
/* grad [nfull] += in these: with the places of all biases, also of a network that has none */
PETSC_INTERN PetscErrorCode TzNetEvalBackward_Fast(TzNetEval, PetscInt n, const PetscReal X[], const PetscReal Ybar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode TzNetEvalBackwardRule_Fast(TzNetEval, PetscInt n, const PetscReal X[], TzNetRule, void *ctx, PetscReal grad[]);
PETSC_INTERN PetscErrorCode TzNetEvalStencilBackward_Fast(TzNetEval, PetscInt n, const PetscReal X[], const TzPairs *, PetscReal s, PetscInt j0, PetscInt j1,
                                                          const PetscReal f0bar[], const PetscReal evenbar[], const PetscReal oddbar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode TzNetEvalJetBackward_Fast(TzNetEval, PetscInt n, const PetscReal X[], const TzJetShape *, const PetscReal F[],
                                                      const PetscReal jetbar[], PetscReal grad[]);
PETSC_INTERN PetscErrorCode TzNetEvalForward_Reference(TzNetEval, PetscInt n, const PetscReal X[], PetscReal Y[]);
PETSC_INTERN PetscErrorCode TzEvalValues(TzNetEval, PetscInt n, const PetscReal X[], PetscReal Y[]); /* by the shell, the device model, or one row at a time */
PETSC_INTERN PetscErrorCode TzNetEvalStencil_Values(TzNetEval, PetscInt n, const PetscReal X[], const TzPairs *, PetscReal s, PetscInt j0, PetscInt j1,
                                                    PetscReal f0[], PetscReal even[], PetscReal odd[]);
PETSC_INTERN PetscErrorCode TzNetEvalJet_Reference(TzNetEval, PetscInt n, const PetscReal X[], const TzJetShape *, const PetscReal F[], PetscReal jet[]);

#endif
