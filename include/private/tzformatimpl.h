/*
  Formats of weights: how the parameters of a layer make its matrix W [out][in]. A format is one file and one row of the table in
  src/net/net.c, or, in a program or a library of the user's own, one file and a call of TzNetFormatRegister().

  With `layout`, `densify` and `gradient` a format is complete: networks of it evaluate by their matrices, in every estimator, with exact
  gradients; single parameters are moved by whole evaluations. The rest makes it fast where it has structure:
    bond      W = right^T left^T through few numbers: stencils, derivatives and their gradients go from bond to bond
    operator  W a for columns a, without the matrix
    cut       what coordinate queries may know about a single parameter
    apply     one input, without the matrix, for the reference evaluation
  No code outside a format asks which one it is: it asks for these.
*/
#ifndef TZFORMATIMPL_H
#define TZFORMATIMPL_H

#include <tznet.h>

#define TZ_MAX_CORES  16
#define TZ_MAX_LAYERS 16

typedef struct _TzFormatOps TzFormatOps;

/*
  How a layer is multiplied with activations:
    BOND      W = right^T left^T: left [in][r], right [r][out], made once per parameter vector
    OPERATOR  by the format's operator
    DENSE     by the matrix itself, made once per parameter vector
*/
typedef enum { TZ_CONTRACT_BOND, TZ_CONTRACT_OPERATOR, TZ_CONTRACT_DENSE } TzContraction;

/* What a layer's matrix is applied to: all that the layer below hands on, windows of it (a convolution), or unit vectors given by their numbers */
typedef enum { TZ_APPLY_WHOLE, TZ_APPLY_WINDOWS, TZ_APPLY_TOKENS } TzApply;
typedef struct {
  TzApply  apply;
  PetscInt places;               /* times that it is applied to one sample: 1; the windows; concatenated tokens: the slots. Outputs are [out][places] */
  PetscInt channels, rows, cols; /* windows: the layer's input [channels][rows][cols] */
  PetscInt krows, kcols;         /* windows: of the filters W [out][channels][krows][kcols]; places = (rows - krows + 1) (cols - kcols + 1) */
  PetscInt pool;                 /* windows: of each square of this side of the outputs the largest goes on to the next layer; 1: all do */
  PetscInt slots;                /* tokens: numbers of a sample, 0 <= number < in, or negative: none; with places = 1 their columns of W are summed */
} TzPlaces;

typedef struct {
  const TzFormatOps *ops;
  PetscInt           in, out; /* of the matrix */
  TzPlaces           at;
  PetscInt           weights, nweights; /* place and number of the layer's weight parameters in theta */
  PetscInt           bias;              /* place of the bias; out numbers */
  PetscInt           bond;              /* layout: its rank r where the format has a bond, otherwise 0 */
  TzContraction      contraction;       /* the cheapest, or -net_contraction */
  PetscReal          cost[3];           /* multiply-adds per input by each contraction, PETSC_MAX_REAL where there is none */
  void              *data;              /* the format's own, from layout to destroy */
} TzLayer;

/* A core as [r0][m][n][r1] with output mode m and input mode n; offset: its place in theta */
typedef struct {
  PetscInt r0, m, n, r1, offset;
} TzCore;

/* W(i, j) = G_1(i_1, j_1) .. G_n(i_n, j_n) for the row i = (i_1 .. i_n) and the column j; in front of core `bond` all m = 1, from there on all n = 1 */
typedef struct {
  PetscInt ncores, bond; /* bond = 0: there is no such place */
  TzCore   core[TZ_MAX_CORES];
} TzTrain;

/* What is known about single weights: those of a train, or entries of W; neither: nothing */
typedef struct {
  const TzTrain  *train;   /* or NULL */
  PetscBool       entries; /* weight k is entry place[k] (place NULL: k) of W, row by row; ascending */
  const PetscInt *place;
} TzCut;

/* A layer's weights bound to one parameter vector, for products with columns: arrays are point fastest, [feature][n] */
typedef struct _TzOperator TzOperator;
typedef struct {
  PetscErrorCode (*create)(TzOperator *); /* of op->layer: memory; sets ny, nwork, nbar */
  PetscErrorCode (*bind)(TzOperator *, const PetscReal theta[]);
  /* z [out][n] = W a, a [in][n]; y [ny][n] is left for the adjoint */
  void (*multiply)(const TzOperator *, PetscInt n, const PetscReal a[], PetscReal y[], PetscReal z[]);
  /*
    From zbar [out][n]: bar [nbar] += that of what bind() made, abar [in][n] = W^T zbar unless NULL. a, y as multiply() had them, at [n][in] the
    transpose of a, work [nwork][n].
  */
  void (*adjoint)(const TzOperator *, PetscInt n, const PetscReal a[], const PetscReal at[], const PetscReal y[], const PetscReal zbar[], PetscReal bar[],
                  PetscReal abar[], PetscReal work[]);
  /* grad [parameters of the network] += what bar means for the layer's weights; unless bar is their place in grad itself (direct) */
  PetscErrorCode (*collect)(const TzOperator *, const PetscReal theta[], const PetscReal bar[], PetscReal grad[]);
  PetscErrorCode (*destroy)(TzOperator *);
  /* for tokens, optional otherwise: columns j[k] of W, k < n: Z [n][out]; and the adjoint: bar += from Zbar [n][out] */
  void (*lookup)(const TzOperator *, PetscInt n, const PetscInt j[], PetscReal Z[]);
  void (*lookupadjoint)(const TzOperator *, PetscInt n, const PetscInt j[], const PetscReal Zbar[], PetscReal bar[]);
} TzOperatorOps;

struct _TzOperator {
  const TzOperatorOps *ops;
  const TzLayer       *layer;
  PetscInt             ny, nwork, nbar;
  PetscBool            direct; /* what bind() made are the weights as they are: bar [nweights] is their place in grad */
  void                *data;
};

struct _TzFormatOps {
  const char *what;
  /* nweights, bond and data of layer l with in, out, weights given; r: -net_tt_rank of the layer; sizes that do not fit: PETSC_ERR_USER_INPUT */
  PetscErrorCode (*layout)(TzNet, PetscInt l, TzLayer *, PetscInt r);
  /* standard deviation of each weight at the start, such that W has variance 2/(in + out); NULL: the square root of that */
  PetscReal (*deviation)(const TzLayer *);
  /* W [out][in]; and its adjoint: grad [parameters of the network] += from Wbar [out][in], at the layer's weights */
  PetscErrorCode (*densify)(const TzLayer *, const PetscReal theta[], PetscReal W[]);
  PetscErrorCode (*gradient)(const TzLayer *, const PetscReal theta[], const PetscReal Wbar[], PetscReal grad[]);

  /* all below may be NULL, bond together with bondgradient */
  PetscErrorCode (*setfromoptions)(TzNet);
  PetscErrorCode (*destroy)(TzLayer *); /* data */
  PetscErrorCode (*view)(const TzLayer *, PetscViewer);
  void (*describe)(const TzLayer *, TzNetLayout *);                                          /* modes, cores, ranks of TzNetGetLayout() */
  PetscErrorCode (*initialize)(const TzLayer *, PetscInt64 seed, PetscInt l, PetscReal w[]); /* [nweights] standard normal; NULL: of the layer's stream */
  PetscErrorCode (*scale)(const TzLayer *, PetscReal factor, PetscReal theta[]); /* W := factor W; NULL: W is homogeneous in the weights, of any degree */
  PetscErrorCode (*fit)(const TzLayer *, const PetscReal W[], PetscReal w[]);    /* [nweights] for which the matrix is W, or as near as can be */
  PetscInt (*group)(const TzLayer *, PetscInt first); /* weights from this one on that hardware holds with one scale; NULL: cores of a train, or all */
  /* left [in][r], right [r][out] with r = bond > 0; and the adjoint */
  PetscErrorCode (*bond)(const TzLayer *, const PetscReal theta[], PetscReal left[], PetscReal right[]);
  PetscErrorCode (*bondgradient)(const TzLayer *, const PetscReal theta[], const PetscReal leftbar[], const PetscReal rightbar[], PetscReal grad[]);
  const TzOperatorOps *op;               /* NULL: products with the matrix */
  const TzOperatorOps *lookup;           /* with lookup and lookupadjoint in place of multiply and adjoint; NULL: columns of the matrix */
  PetscReal (*cost)(const TzLayer *);    /* multiply-adds of op->multiply for a column; NULL: op is for gradients alone */
  void (*cut)(const TzLayer *, TzCut *); /* cut is zero on entry */
  /* y [out] = W x in plain loops; work [worksize()] */
  PetscErrorCode (*apply)(const TzLayer *, const PetscReal theta[], const PetscReal x[], PetscReal work[], PetscReal y[]);
  PetscInt (*worksize)(const TzLayer *);
  PetscBool lastdense; /* the last layer is dense: few outputs leave nothing to compress */
};

/* Numbers of a sample that arrive at a layer, and that it hands on */
static inline PetscInt TzLayerInputs(const TzLayer *layer)
{
  const TzPlaces *at = &layer->at;

  return at->apply == TZ_APPLY_WINDOWS ? at->channels * at->rows * at->cols : at->apply == TZ_APPLY_TOKENS ? at->slots : layer->in;
}

static inline PetscInt TzLayerOutputs(const TzLayer *layer)
{
  const TzPlaces *at = &layer->at;

  return layer->out * (at->pool > 1 ? (at->rows - at->krows + 1) / at->pool * ((at->cols - at->kcols + 1) / at->pool) : at->places);
}

/* what coordinate queries may know of a layer */
static inline TzCut TzLayerGetCut(const TzLayer *layer)
{
  TzCut cut = {0};

  if (layer->ops->cut) (*layer->ops->cut)(layer, &cut);
  return cut;
}

/* name: of -net_format; ops stays the caller's, and must stay. Not collective. Before TzNetSetFormat() and TzNetSetFromOptions(). */
PETSC_EXTERN PetscErrorCode TzNetFormatRegister(const char name[], const TzFormatOps *ops);
/* For layouts: PETSC_ERR_USER_INPUT, in one line, where layer l needs an array of so many numbers (what: "weights") as PetscInt or this machine cannot hold */
PETSC_EXTERN PetscErrorCode TzNetCheckSize(TzNet, PetscInt l, const char what[], PetscReal numbers);
/* cores k0 <= k < k1 multiplied out: T [r0 of core k0][M][N][r1 of core k1-1], M and N the products of their modes; and the adjoint, grad += */
PETSC_EXTERN PetscErrorCode TzTrainMerge(const TzTrain *, const PetscReal theta[], PetscInt k0, PetscInt k1, PetscReal T[]);
PETSC_EXTERN PetscErrorCode TzTrainMergeAdjoint(const TzTrain *, const PetscReal theta[], PetscInt k0, PetscInt k1, const PetscReal Tbar[], PetscReal grad[]);

#endif
