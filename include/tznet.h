/*
  TzNet: a multilayer perceptron f: R^in -> R^out, z_l = W_l a_{l-1} + b_l, a_l = act(z_l), the last layer linear.

  Every weight matrix is stored in a format (-net_format): "dense"; "tt" (the matrix folded into one plain tensor train
  over input modes, then output modes; the last layer dense); "ttm" (tensor-train matrix, Oseledets 2011, eq. 7 of the
  paper; all layers); "sparse" (dense with a fixed mask of trainable weights). Biases are dense.

  Parameters: one flat array theta[n]. Layer by layer: the cores (row-major, in order) or the dense matrix W (out x in,
  row-major), then after all layers' weights the biases of all layers (TzNetGetLayout tells all offsets).
*/
#ifndef TZNET_H
#define TZNET_H

#include <tzjet.h>
#include <tzrule.h>

typedef struct _p_TzNet     *TzNet;
typedef struct _p_TzNetEval *TzNetEval; /* a network bound to one parameter vector: its evaluator and scratch memory */
typedef const char          *TzNetFormat;
#define TZNETDENSE  "dense"
#define TZNETTT     "tt"
#define TZNETTTM    "ttm"
#define TZNETSPARSE "sparse"
#define TZNETMZI    "mzi"
#define TZNETMZITT  "mzi-tt"
#define TZNETMZITTM "mzi-ttm"

/* An activation: a row of the table of src/net/activation.c ("sine", "tanh", "relu", "square") or one of TzActivationRegister() (private/tzactivationimpl.h) */
typedef const struct _n_TzActivation *TzActivation;

/*
  single: the stencils of sparse grids and finite differences in single precision, relative to the differences themselves. For sine networks of two
  hidden layers through bonds of at most 6, whose stencils are power series; values, exact derivatives and gradients stay double.
*/
typedef enum { TZ_PRECISION_DOUBLE, TZ_PRECISION_SINGLE } TzPrecision;
PETSC_EXTERN const char *const TzPrecisions[]; /* "double","single",... for PetscOptionsEnum */

PETSC_EXTERN PetscClassId   TZNET_CLASSID;
PETSC_EXTERN PetscErrorCode TzNetCreate(MPI_Comm comm, TzNet *net);
PETSC_EXTERN PetscErrorCode TzNetSetFormat(TzNet net, TzNetFormat format);                  /* -net_format */
PETSC_EXTERN PetscErrorCode TzNetSetIO(TzNet net, PetscInt in, PetscInt out);               /* inputs and outputs: given by the problem */
PETSC_EXTERN PetscErrorCode TzNetSetHidden(TzNet net, PetscInt n, const PetscInt widths[]); /* -net_layers 768,768 */
/*
  Inputs with a structure, given by the problem after TzNetSetIO(). An image: in = channels x rows x columns, in this order. Tokens: the numbers, as reals,
  of `in` tokens 0 <= number < rows, negative where there is none. Then the first layer is an embedding table with `rows` rows, its width the first of
  -net_layers; those of a sample are summed, or, concatenated, one after the other: unit i of slot s is output i slots + s.
*/
PETSC_EXTERN PetscErrorCode TzNetSetImage(TzNet net, PetscInt channels, PetscInt rows, PetscInt cols);
PETSC_EXTERN PetscErrorCode TzNetSetTokens(TzNet net, PetscInt rows);
PETSC_EXTERN PetscErrorCode TzNetSetConcatenated(TzNet net, PetscBool concatenate); /* -net_tokens sum|concat */
/*
  Convolutions of images in front of the other layers: "8x5x5,16x5x5": filters, their rows and columns. Windows lie wholly in the image, one at each of its
  places. Outputs are [filter][row][column], after the activation; of every square of pool[k] x pool[k] of them the largest goes on, rows and columns left
  over do not. Each convolution is a layer like the others: its weights W [filters][channels rows columns] are in the network's format.
*/
PETSC_EXTERN PetscErrorCode TzNetSetConvolutions(TzNet net, const char filters[]);         /* -net_conv; "": none */
PETSC_EXTERN PetscErrorCode TzNetSetPooling(TzNet net, PetscInt n, const PetscInt pool[]); /* -net_pool; later ones have the last given */
/*
  -net_activation: of all hidden layers, or "square,sine" of one after the other, later ones having the last given; before TzNetEvalCreate().
  PETSC_ERR_USER_INPUT naming all for one that is unknown. Not collective. Get: as given, valid until the next Set. TzNetGetLayout() has a layer's own.
*/
PETSC_EXTERN PetscErrorCode TzNetSetActivation(TzNet net, const char names[]);
PETSC_EXTERN PetscErrorCode TzNetGetActivation(TzNet net, const char *names[]);
PETSC_EXTERN PetscErrorCode TzNetSetRank(TzNet net, PetscInt r); /* -net_tt_rank */
PETSC_EXTERN PetscErrorCode TzNetSetRanks(TzNet net, PetscInt n, const PetscInt r[]);
PETSC_EXTERN PetscErrorCode TzNetSetBias(TzNet net, PetscBool bias);      /* -net_bias */
PETSC_EXTERN PetscErrorCode TzNetSetModes(TzNet net, const char modes[]); /* -net_tt_modes "3,7|3,4,4,4,4;3,4,4,4,4|3,4,4,4,4" */
PETSC_EXTERN PetscErrorCode TzNetSetBonds(TzNet      net,
                                          const char bonds[]); /* -net_tt_bonds "4,3,4;4,4,2": ranks inside each train; NULL: all as TzNetSetRanks() */
/*
  sparse: `count` trained parameters with the biases (-net_sparse_count), chosen by -net_sparse_method. "random" is done by TzNetSetUp(); grasp and
  zograsp need a loss (TzLossSparsify). A mask: trained weights, ascending, numbered layer by layer, W [out][in] row-major.
*/
typedef enum { TZ_SPARSE_RANDOM, TZ_SPARSE_GRASP, TZ_SPARSE_ZOGRASP } TzSparseMethod;
PETSC_EXTERN PetscErrorCode TzNetSetMask(TzNet net, PetscInt n, const PetscInt mask[]);
PETSC_EXTERN PetscErrorCode TzNetSetSeed(TzNet net, PetscInt64 seed);                     /* of the random mask; the default is 0 */
PETSC_EXTERN PetscErrorCode TzNetGetMask(TzNet net, PetscInt *n, const PetscInt *mask[]); /* n = 0: not a sparse network; valid until the next change */
PETSC_EXTERN PetscErrorCode TzNetGetSparseCount(TzNet net, PetscInt *weights);            /* weights (not biases) that are to be trained */
PETSC_EXTERN PetscErrorCode TzNetGetSparseMethod(TzNet net, TzSparseMethod *method);
PETSC_EXTERN PetscErrorCode TzNetSetMaskByScore(TzNet net, PetscInt count, const PetscReal score[]); /* the weights of lowest score */
PETSC_EXTERN PetscErrorCode TzNetDuplicateDense(TzNet net, TzNet *dense);                            /* the network without its mask: format dense */
PETSC_EXTERN PetscErrorCode TzNetSetPrecision(TzNet net, TzPrecision precision); /* -net_precision; TzNetSetUp() refuses single for other networks */
PETSC_EXTERN PetscErrorCode TzNetGetPrecision(TzNet net, TzPrecision *precision);
PETSC_EXTERN PetscErrorCode TzNetSetFromOptions(TzNet net);
PETSC_EXTERN PetscErrorCode TzNetSetUp(TzNet net);
PETSC_EXTERN PetscErrorCode TzNetView(TzNet net, PetscViewer viewer); /* -net_view: layout and the contraction chosen */
PETSC_EXTERN PetscErrorCode TzNetDestroy(TzNet *net);
PETSC_EXTERN PetscErrorCode TzNetGetIO(TzNet net, PetscInt *in, PetscInt *out);
/* hidden layers, convolutions too: what each hands on; n = -1: a shell has no layers */
PETSC_EXTERN PetscErrorCode TzNetGetHidden(TzNet net, PetscInt *n, const PetscInt *widths[]);
PETSC_EXTERN PetscErrorCode TzNetGetNumParameters(TzNet net, PetscInt *n);
/*
  With -net_first_covariance TzNetInitialize() makes the first layer's rows from points Z [n][in] where the network will be asked, the same on all ranks;
  copied. The first d inputs are the state, which alone -net_first_sharpen is about. Without a sample they are as without the option
*/
PETSC_EXTERN PetscErrorCode TzNetWantsSample(TzNet net, PetscBool *wants);
PETSC_EXTERN PetscErrorCode TzNetSetSample(TzNet net, PetscInt d, PetscInt n, const PetscReal Z[]);
PETSC_EXTERN PetscErrorCode TzNetInitialize(TzNet net, PetscInt64 seed, PetscReal theta[]);                    /* theta[n] */
PETSC_EXTERN PetscErrorCode TzNetGetWeight(TzNet net, const PetscReal theta[], PetscInt layer, PetscReal W[]); /* densified, [out][in] */

/*
  How theta is to be read, layer by layer, 0 <= layer <= number of hidden layers. Of trains: the cores, in order, row-major; core k of a "tt" is
  [rank k][mode][rank k+1] over input modes, then output modes, of a "ttm" [rank k][output mode][input mode][rank k+1]. Pointers are valid until the
  network changes.
*/
typedef struct {
  const char     *format;     /* of this layer: the last one of a "tt" network is "dense" */
  const char     *activation; /* "sine" ...; NULL at the last layer, which is linear */
  PetscInt        in, out;
  PetscInt        weights, nweights;         /* place and number of the weights in theta; sparse: see TzNetGetMask() */
  PetscInt        bias;                      /* place of the bias [out]; -1: the network has none */
  PetscInt        nin, nout, ncores;         /* numbers of modes and cores; 0 where there is no train */
  const PetscInt *mode_in, *mode_out, *rank; /* [nin], [nout], [ncores + 1] */
  PetscInt        windows[6];                /* of a convolution: channels, rows, columns of its input, rows and columns of the filters, pool; otherwise 0 */
  PetscInt        slots, concatenated;       /* tokens of a sample, and 1 where their rows of the table are concatenated; otherwise 0 */
} TzNetLayout;
PETSC_EXTERN PetscErrorCode TzNetGetLayout(TzNet net, PetscInt layer, TzNetLayout *layout);

/*
  Ranks that find themselves in training, -net_tt_rank auto (after Hawkins, Zhang 2021): a bond's slices (index b of the core before it, and of the core behind
  it) share a scale lambda_b with a prior exp(-|slices|^2/(2 lambda_b)) lambda_b^(-M/2), M their entries; in closed form lambda_b = |slices|^2/M. Training
  starts with all ranks `most`. A step of rate r on the prior multiplies an entry by 1/(1 + r (1/lambda_a + 1/lambda_b)), a and b its slices at both ends
  of its core; what the loss does not hold goes to 0. Every `every` steps slices with sqrt(lambda_b) < below times the largest of their bond, or times what
  entries are at the start of a training, are cut off; one of each bond stays. With `growevery` training starts with all ranks `first`; where the mean loss
  of the last so many steps is not below (1 - growtol) times that of as many before them, every bond gets a slice more, up to `most`.

  Shrink: one such step, in place. Prune: *bonds NULL: nothing to cut; otherwise the ranks for TzNetSetBonds() and from [*n]: the places in theta of the
  parameters that stay, ascending; both the caller's (PetscFree). Grow: *bonds NULL: all bonds have rank `most` or that of any matrix; otherwise from [*n]: the
  places in theta of the parameters of the larger network, -1 for new ones, and fresh [*n]: what these begin with, random in the core before the bond and 0
  in the core behind it: the function stays, and has a gradient there. Neither is collective.
*/
typedef struct {
  PetscBool on;
  PetscInt  most, every;      /* -net_tt_rank_max 10, -net_tt_prune_every 50 */
  PetscInt  steps;            /* -net_tt_prior_steps: the last step with the prior and of pruning; 0: all */
  PetscReal prior;            /* -net_tt_prior: the rate of a step is this times its learning rate */
  PetscReal below;            /* -net_tt_prune_below */
  PetscInt  first, growevery; /* -net_tt_rank_start, -net_tt_grow_every: 0: no growth */
  PetscReal growtol;          /* -net_tt_grow_tol */
} TzNetAdaptive;
PETSC_EXTERN PetscErrorCode TzNetGetAdaptive(TzNet net, TzNetAdaptive *adaptive);
PETSC_EXTERN PetscErrorCode TzNetShrink(TzNet net, PetscReal rate, PetscReal theta[]);
PETSC_EXTERN PetscErrorCode TzNetPrune(TzNet net, const PetscReal theta[], PetscReal below, char **bonds, PetscInt *n, PetscInt **from);
PETSC_EXTERN PetscErrorCode TzNetGrow(TzNet net, const PetscReal theta[], PetscInt most, PetscInt64 seed, char **bonds, PetscInt *n, PetscInt **from,
                                      PetscReal **fresh);

/*
  TzNetRound: the trains of a network rounded (TT-rounding by SVD): *bonds, for TzNetSetBonds(), the smallest ranks with which no layer's W changes by more than
  tolerance times its Frobenius norm; *rounded [*n], the parameters of the network that has them; error [layers]: by how much each W does change. The caller's:
  PetscFree. The network itself stays as it is.

  TzNetConvert: parameters of one network for another of the same widths, activation and function: its trains are grown (new slices 0 on one side, random on
  the other: the function stays, and has a gradient there), or rounded to its ranks, or made from matrices by SVD; matrices are multiplied out. To and from a
  shell parameters are copied, which must be as many. What does not fit is PETSC_ERR_USER_INPUT naming `option`. Neither is collective.
*/
PETSC_EXTERN PetscErrorCode TzNetRound(TzNet net, const PetscReal theta[], PetscReal tolerance, char **bonds, PetscInt *n, PetscReal **rounded,
                                       PetscReal error[]);
PETSC_EXTERN PetscErrorCode TzNetConvert(TzNet from, const PetscReal theta[], const char option[], TzNet to, PetscInt64 seed, PetscReal converted[]);

/*
  Evaluators. One per thread; Bind prepares everything that depends on theta alone. theta is copied. When the network has changed (setters,
  options), evaluations are PETSC_ERR_ORDER until Bind is called again, with the parameters of the changed network.
*/
PETSC_EXTERN PetscErrorCode TzNetEvalCreate(TzNet net, TzNetEval *eval);
PETSC_EXTERN PetscErrorCode TzNetEvalDestroy(TzNetEval *eval);
PETSC_EXTERN PetscErrorCode TzNetEvalBind(TzNetEval eval, const PetscReal theta[]);
/* Y [n][out] = f(X), X [n][in] */
PETSC_EXTERN PetscErrorCode TzNetEvalForward(TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal Y[]);
/* grad [nparams] += the gradient of sum_{n,o} Ybar(n,o) f_o(X_n; theta) in theta, exact; Ybar [n][out] (for the first-order references) */
PETSC_EXTERN PetscErrorCode TzNetEvalBackward(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal Ybar[], PetscReal grad[]);
/*
  Scalar networks (out = 1) around n points X [n][in], at pairs j0 <= j < j1 of a symmetric stencil with scale s:
  even [n][j1-j0] = f(x + s z_j) + f(x - s z_j) - 2 f(x),  odd [n][j1-j0] = f(x + s z_j) - f(x - s z_j),  f0 [n] = f(x).
*/
PETSC_EXTERN PetscErrorCode TzNetEvalStencil(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0, PetscInt j1,
                                             PetscReal f0[], PetscReal even[], PetscReal odd[]);
/* jet [n][TzJetSize(shape)]: the derivatives that the shape names (TzJetCoordinates(shape) = in), by exact forward propagation. */
PETSC_EXTERN PetscErrorCode TzNetEvalJet(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, PetscReal jet[]);
/* Their adjoints, for the first-order references: grad [nparams] += d(loss)/d(theta), from d(loss)/d(f0), d(even), d(odd), or d(jet), of the same shapes */
PETSC_EXTERN PetscErrorCode TzNetEvalStencilBackward(TzNetEval eval, PetscInt n, const PetscReal X[], const TzPairs *pairs, PetscReal s, PetscInt j0,
                                                     PetscInt j1, const PetscReal f0bar[], const PetscReal evenbar[], const PetscReal oddbar[],
                                                     PetscReal grad[]);
PETSC_EXTERN PetscErrorCode TzNetEvalJetBackward(TzNetEval eval, PetscInt n, const PetscReal X[], const TzJetShape *shape, const PetscReal jetbar[],
                                                 PetscReal grad[]);

/*
  Learning rules that send no errors back through the weights (feedback alignment, local losses). As TzNetEvalBackward, but the derivative with
  respect to a layer's output is what the rule says it is. It is called layer by layer from the last (the outputs) to the first, for a few points
  at a time; arrays are point fastest, [width][n].
*/
#define TZ_NET_LAYERS_MAX 17
typedef struct {
  PetscInt         layers, width[TZ_NET_LAYERS_MAX];
  PetscInt         layer;    /* the one asked for */
  PetscInt         first, n; /* points first .. first+n-1 of X */
  const PetscReal *z, *a;    /* [width[layer]][n]: before and after the activation */
  const PetscReal *above;    /* [widthabove][n]: derivative with respect to z of the layer above; NULL at the last */
  PetscInt         widthabove;
} TzNetLayers;
typedef PetscErrorCode (*TzNetRule)(void *ctx, const TzNetLayers *s, PetscReal abar[]); /* abar [width[layer]][n] */
PETSC_EXTERN PetscErrorCode TzNetEvalBackwardRule(TzNetEval eval, PetscInt n, const PetscReal X[], TzNetRule rule, void *ctx, PetscReal grad[]); /* grad += */

/*
  Coordinate queries: outputs or jets where single parameters have moved, for many of them at once at the cost of a few evaluations, each equal to an
  evaluation at theta + mu e_i up to rounding. It is done for the parameters first <= i < nparams of TzNetGetCoordinates() (first = nparams: for none);
  the others, those of other networks, and the reference evaluation, are the caller's plain loop.
*/
typedef struct {
  PetscInt         s;     /* they have moved by mu[s] */
  PetscInt         n;     /* parameters */
  const PetscInt  *which; /* [n]: their positions in the query; -1: a column that means nothing */
  PetscInt         p0, m; /* rows p0 .. p0+m-1 of X */
  const PetscReal *Y;     /* output, or entry of the jet, o at row p0 + p of parameter k: Y[k kstep + p pstep + o ostep]; kstep 0: the same for all k */
  PetscInt         kstep, pstep, ostep;
} TzNetMoved;
typedef PetscErrorCode (*TzNetSink)(void *ctx, const TzNetMoved *);
typedef struct {
  const TzJetShape *shape; /* jets of this shape; NULL: outputs */
  PetscBool         whole; /* outputs and jets themselves; otherwise their changes against theta, exact to rounding */
  PetscInt          count; /* parameters list[k], k < count, ascending; list NULL: first + k */
  const PetscInt   *list;
  PetscInt          first;
  PetscInt          nmu;
  const PetscReal  *mu;   /* [nmu] */
  const PetscReal  *move; /* [nmu][count], of networks as hardware: how far what is held moves; TzNetEvalCoordinates() fills it in */
  TzNetSink         sink; /* gets every (parameter, step, row) once, rows in ascending order; none depends on what else is asked for */
  void             *ctx;
} TzNetCoordinates;
/* VALUES: outputs, JETS: also of shapes; their sink gets one parameter at a time, outputs or jets of a row together, those of the rows one after the other */
typedef enum { TZ_COORDINATES_OUTPUTS, TZ_COORDINATES_VALUES, TZ_COORDINATES_JETS } TzCoordinateKind;
PETSC_EXTERN PetscErrorCode TzNetGetCoordinates(TzNet net, TzCoordinateKind kind, PetscInt *first);
PETSC_EXTERN PetscErrorCode TzNetEvalCoordinates(TzNetEval eval, PetscInt n, const PetscReal X[], const TzNetCoordinates *q); /* X [n][in] */

#endif
