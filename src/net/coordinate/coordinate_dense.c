/*
  Coordinate queries of dense and sparse networks of one output with one or two hidden layers: values, or jets with their derivatives in the inputs.

  A change of one weight or bias is one of a single unit's pre-activation, so of rank one behind it:
    a weight of the last hidden layer, of unit h and its input j, moves z_h by mu a_j and the derivatives Z_h by mu A_j: only that unit is evaluated again,
      f += v_h (act(z_h') - act(z_h));
    a weight W_ji of the layer in front of it moves unit j, and with it the pre-activations of the last hidden layer by column j of its matrix: all of its
      units are evaluated again, from numbers of the point that are products made once: with w = W_1j, Z' = Z + W_hj dA, dA = (c' - c) w + c' mu e_i,
          Q'_h = Q_h + 2 W_hj T_h . dA + W_hj^2 dA . S dA,  T = Z S,
      takes T_h . w and T_hi; the derivatives of f for all i are one product;
    a weight of the output adds mu times a unit.
  So a query costs as many activations as the last hidden layer has units and, for jets, a product with Z, in place of all layers.
*/
#include "coordinate.h"
#include "../jet/jet.h"

#define POINTS 8        /* most that a call of the sink has */
#define ROWS   128      /* most parameters of one unit at a time */
#define MOST   16777216 /* numbers kept of the points, and of the jets of a call (128 MB each): fewer points and rows in many dimensions */

/*
  A hidden layer at one point: pre-activations z [n], the activation's derivatives d[k] [n]; for jets derivatives Z [n][D], forms zs [nf][n], T = Z S
  [nf][n][D], Q = Z . T [nf][n]. Of the first layer Z is its matrix, and where the form does not depend on the point all points have the T and Q of the first.
*/
typedef struct {
  PetscReal *z, *d[4], *Z, *zs, *T, *Q;
} Units;

typedef struct {
  const PetscReal *x;
  Units            layer[2];
  PetscReal       *A, *s, *TW; /* two layers: input of the second: derivatives [in][D], forms [nf][in]; T . W_1 [nf][units][in] */
  PetscReal       *SE;         /* [nf][D]: S_ii */
  PetscReal       *jet;        /* [J] */
} Point;

typedef struct {
  PetscInt         L, D, K, nf, J, H; /* hidden layers, inputs; of jets D and forms, of values 0; numbers of a jet; units of the last hidden layer */
  PetscInt         points, nrows;
  Point            point[POINTS];
  PetscReal       *memory, *work;     /* all of the points; of TzFormRows() */
  PetscReal       *Y;                 /* [nrows][points][J] */
  PetscReal       *rows[8];           /* [ROWS][H] */
  PetscReal       *column, *two;      /* [H]; [2][D] */
  PetscReal        moved[4][ROWS];    /* activation and derivatives of a moved unit */
  PetscInt         j[ROWS], at[ROWS]; /* of a row: the input, -1 for the bias; its position in the query */
  PetscReal       *full[3];           /* of a layer whose weights are some entries of W [out][in]: W, otherwise NULL */
  const PetscReal *W[3];              /* W of the present binding */
  PetscBool        lean;              /* T of the first layer is not needed where Q comes from the squares of its matrix */
  PetscReal       *squares;           /* [D][H], of one layer */
} Dense;

/* One pass: points p0 .. p0+P-1, parameters moved by mu */
typedef struct {
  TzNetEval               eval;
  Dense                  *c;
  const TzNetCoordinates *q;
  PetscInt                p0, P, s;
  PetscReal               mu;
} Pass;

static PetscErrorCode Free(Dense *c)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(c->memory, c->work, c->Y, c->column, c->two));
  PetscCall(PetscFree(c->rows[0]));
  PetscCall(PetscFree(c->squares));
  for (int l = 0; l < 3; l++) PetscCall(PetscFree(c->full[l]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(PETSC_UNUSED TzNetEval eval, void *what)
{
  PetscFunctionBegin;
  PetscCall(Free((Dense *)what));
  PetscCall(PetscFree(what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places of a point's arrays in memory, or with NULL their number */
static size_t Place(const Dense *c, const TzNet net, Point *b, PetscReal *memory)
{
  const size_t D = (size_t)c->K, nf = (size_t)c->nf, m = c->L == 2 ? (size_t)net->layer[1].in : 0;
  size_t       n = 0;

#define TAKE(to, size) \
  do { \
    if (memory) (to) = memory + n; \
    n += (size); \
  } while (0)
  for (PetscInt l = 0; l < c->L; l++) {
    const size_t H = (size_t)net->layer[l].out;

    TAKE(b->layer[l].z, H);
    for (int k = 0; k < 4; k++) TAKE(b->layer[l].d[k], H);
    TAKE(b->layer[l].Z, l ? H * D : 0);
    TAKE(b->layer[l].zs, nf * H);
    TAKE(b->layer[l].T, nf * H * D);
    TAKE(b->layer[l].Q, nf * H);
  }
  TAKE(b->A, m * D);
  TAKE(b->s, nf * m);
  TAKE(b->TW, nf * (size_t)c->H * m);
  TAKE(b->SE, nf * D);
  TAKE(b->jet, (size_t)c->J);
#undef TAKE
  return n;
}

static PetscErrorCode Prepare(TzNetEval eval, const TzJetShape *shape, Dense **dense)
{
  TzNet          net = eval->net;
  Dense         *c   = (Dense *)TzEvalAttached(eval, Destroy);
  const PetscInt J = shape ? TzJetSize(shape) : 1, nf = shape ? shape->nforms : 0;
  PetscInt       width = 1, most = net->in;
  size_t         n;

  PetscFunctionBegin;
  if (!c) {
    PetscCall(PetscNew(&c));
    PetscCall(TzEvalAttach(eval, Destroy, c));
  }
  *dense = c;
  if (c->J == J && c->nf == nf && c->memory) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Free(c));
  c->L  = net->nhidden;
  c->D  = net->in;
  c->K  = shape ? net->in : 0;
  c->nf = nf;
  c->J  = J;
  c->H  = net->layer[c->L - 1].out;
  for (PetscInt l = 0; l < c->L; l++) width = PetscMax(width, net->layer[l].out);
  for (PetscInt q = 0; q < nf; q++) most = PetscMax(most, shape->form[q].m);
  n         = Place(c, net, &c->point[0], NULL);
  c->points = (PetscInt)PetscMax(1, PetscMin(POINTS, MOST / n));
  c->nrows  = PetscMax(1, PetscMin(ROWS, MOST / J / c->points));
  PetscCall(PetscCalloc5((size_t)c->points * n, &c->memory, shape && TzJetFieldSize(shape) ? (size_t)most * (size_t)(net->in + width) : 0, &c->work,
                         (size_t)(c->nrows * c->points) * (size_t)J, &c->Y, (size_t)c->H, &c->column, 2 * (size_t)net->in, &c->two));
  PetscCall(PetscMalloc1(8 * ROWS * (size_t)PetscMax(c->H, 8), &c->rows[0]));
  if (shape && TzJetFieldSize(shape) && c->L == 1) PetscCall(PetscMalloc1(net->in * c->H, &c->squares));
  for (int k = 1; k < 8; k++) c->rows[k] = c->rows[0] + (size_t)k * ROWS * (size_t)PetscMax(c->H, 8);
  for (PetscInt p = 0; p < c->points; p++) (void)Place(c, net, &c->point[p], c->memory + (size_t)p * n);
  for (PetscInt l = 0; l < net->nlayers; l++) {
    const TzLayer *layer = &net->layer[l];

    if (TzLayerGetCut(layer).place) PetscCall(PetscMalloc1(layer->in * layer->out, &c->full[l]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Matrices(TzNetEval eval, Dense *c)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < eval->net->nlayers; l++) {
    const TzLayer *layer = &eval->net->layer[l];

    if (c->full[l]) PetscCall((*layer->ops->densify)(layer, eval->theta, c->full[l]));
    c->W[l] = c->full[l] ? c->full[l] : eval->theta + layer->weights;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------- the network at theta itself ---------------------------------------------------- */

static void BaseForms(const Pass *pass, Point *b, PetscInt l, const PetscReal F[])
{
  const TzKernels *k = pass->eval->kernels;
  Dense           *c = pass->c;
  Units           *u = &b->layer[l];
  const PetscInt   n = pass->eval->net->layer[l].out, D = c->D;

  for (PetscInt q = 0; q < c->nf; q++) {
    TzFormAt S;

    TzJetFormAt(pass->q->shape, q, F, &S);
    if (!l && c->lean && pass->q->shape->form[q].type == TZ_FORM_DIAGONALFIELD) {
      (*k->product)(1, n, S.d, (TzStrided){S.w, S.d, 1}, c->squares, n, u->Q + q * n, n, PETSC_FALSE);
      continue;
    }
    TzFormRows(k, &S, n, D, u->Z, u->T + q * n * D, c->work); /* of a time T stays 0 */
    (void)PetscArrayzero(u->Q + q * n, n);
    (*k->dots)(n, D, u->T + q * n * D, u->Z, u->Q + q * n);
    for (PetscInt i = 0; i < S.d && !l; i++) b->SE[q * c->D + i] = TzFormEntry(&S, i, i);
  }
}

/* Layer l from its input a [in], and for the second layer A, s */
static void BaseLayer(const Pass *pass, Point *b, PetscInt l, const PetscReal a[], const PetscReal F[])
{
  const TzNetEval  eval  = pass->eval;
  const TzLayer   *layer = &eval->net->layer[l];
  const TzKernels *k     = eval->kernels;
  Units           *u     = &b->layer[l];
  const PetscInt   in = layer->in, n = layer->out, D = pass->c->K;
  const PetscReal *W = pass->c->W[l], *left = eval->layer[l].left;

  (*k->product)(1, n, in, (TzStrided){a, in, 1}, left, n, u->z, n, PETSC_FALSE);
  for (PetscInt h = 0; h < n; h++) u->z[h] += eval->theta[layer->bias + h];
  (*k->derivatives)(eval->net->act[l], n, u->z, u->d);
  if (!D) return;
  if (!l) u->Z = (PetscReal *)W;
  else {
    (*k->product)(n, D, in, (TzStrided){W, in, 1}, b->A, D, u->Z, D, PETSC_FALSE);
    (*k->product)(pass->c->nf, n, in, (TzStrided){b->s, in, 1}, left, n, u->zs, n, PETSC_FALSE);
  }
  if (l || F || (!pass->p0 && b == pass->c->point)) BaseForms(pass, b, l, F);
  for (PetscInt q = 0; q < pass->c->nf && l; q++)
    (*k->product)(n, in, D, (TzStrided){u->T + q * n * D, D, 1}, eval->layer[0].left, in, b->TW + q * n * in, in, PETSC_FALSE);
}

static void Base(const Pass *pass, Point *b, const PetscReal x[], const PetscReal F[])
{
  const TzNetEval  eval = pass->eval;
  const TzKernels *k    = eval->kernels;
  Dense           *c    = pass->c;
  const TzLayer   *out  = &eval->net->layer[c->L];
  const PetscInt   H = c->H, D = c->K;
  const PetscReal *v     = c->W[c->L];
  Units           *u     = &b->layer[0];
  PetscReal       *slope = c->rows[0];

  b->x = x;
  BaseLayer(pass, b, 0, x, F);
  if (c->L == 2) {
    const PetscInt m = eval->net->layer[1].in;

    if (D) (*k->rows)(m, D, u->d[1], u->Z, NULL, NULL, b->A);
    for (PetscInt q = 0; q < c->nf; q++)
      for (PetscInt j = 0; j < m; j++) b->s[q * m + j] = u->d[2][j] * u->Q[q * m + j];
    BaseLayer(pass, b, 1, u->d[0], F);
    u = &b->layer[1];
  }
  b->jet[0] = eval->theta[out->bias];
  for (PetscInt h = 0; h < H; h++) b->jet[0] += v[h] * u->d[0][h];
  if (!D) return;
  for (PetscInt h = 0; h < H; h++) slope[h] = v[h] * u->d[1][h];
  (*k->product)(1, D, H, (TzStrided){slope, H, 1}, u->Z, D, b->jet + 1, D, PETSC_FALSE);
  for (PetscInt q = 0; q < c->nf; q++) {
    b->jet[1 + D + q] = 0;
    for (PetscInt h = 0; h < H; h++) b->jet[1 + D + q] += v[h] * (u->d[1][h] * u->zs[q * H + h] + u->d[2][h] * u->Q[q * H + h]);
  }
}

/* ----------------------------------------------------------- moved units ----------------------------------------------------------- */

/* Parameters of unit h of the last hidden layer: rows r < R, their jets to Y */
static void LastHidden(const Pass *pass, const Point *b, PetscInt h, PetscInt R, PetscReal *Y, PetscInt step)
{
  const TzKernels *k = pass->eval->kernels;
  Dense           *c = pass->c;
  const PetscInt   l = c->L - 1, H = c->H, D = c->K, m = pass->eval->net->layer[l].in;
  const Units     *u = &b->layer[l];
  const PetscReal *a = l ? b->layer[0].d[0] : b->x, v = c->W[c->L][h], mu = pass->mu;
  PetscReal *z = c->rows[0], *pair = c->rows[1], *const d[4] = {c->moved[0], c->moved[1], c->moved[2], c->moved[3]};

  for (PetscInt r = 0; r < R; r++) z[r] = u->z[h] + mu * (c->j[r] < 0 ? 1 : a[c->j[r]]);
  (*k->derivatives)(pass->eval->net->act[l], R, z, d);
  for (PetscInt r = 0; r < R; r++) {
    const PetscInt j = c->j[r];

    Y[r * step] = b->jet[0] + v * (d[0][r] - u->d[0][h]);
    for (PetscInt q = 0; q < c->nf; q++) {
      const PetscReal slope = j < 0 ? 0 : l ? b->layer[0].d[1][j] : 1;
      const PetscReal TA    = j < 0 ? 0 : l ? slope * b->TW[(q * H + h) * m + j] : u->T[(q * H + h) * D + j];
      const PetscReal AS    = j < 0 ? 0 : l ? slope * slope * b->layer[0].Q[q * m + j] : b->SE[q * D + j];
      const PetscReal zs = u->zs[q * H + h], Q = u->Q[q * H + h];

      Y[r * step + 1 + D + q] = b->jet[1 + D + q] + v * (d[1][r] * (zs + (l && j >= 0 ? mu * b->s[q * m + j] : 0)) + d[2][r] * (Q + mu * (2 * TA + mu * AS)) -
                                                         (u->d[1][h] * zs + u->d[2][h] * Q));
    }
    pair[2 * r]     = 1;
    pair[2 * r + 1] = v * d[1][r];
  }
  if (!D) return;
  for (PetscInt i = 0; i < D; i++) {
    c->two[i]     = b->jet[1 + i] - v * u->d[1][h] * u->Z[h * D + i];
    c->two[D + i] = u->Z[h * D + i];
  }
  (*k->product)(R, D, 2, (TzStrided){pair, 2, 1}, c->two, D, Y + 1, step, PETSC_FALSE);
  for (PetscInt r = 0; r < R; r++) {
    const PetscReal t = mu * pair[2 * r + 1];

    if (c->j[r] < 0) continue;
    if (l) (*k->rows)(1, D, NULL, Y + r * step + 1, &t, b->A + c->j[r] * D, Y + r * step + 1);
    else Y[r * step + 1 + c->j[r]] += t;
  }
}

/* Of two layers, parameters of unit j of the first: d[k] the derivatives at its moved pre-activation */
static void FirstForms(const Pass *pass, const Point *b, PetscInt j, PetscInt R, PetscInt q, PetscReal *const d[4], PetscReal *zs, PetscReal *Q)
{
  const TzKernels *k = pass->eval->kernels;
  Dense           *c = pass->c;
  const PetscInt   H = c->H, D = c->K, m = pass->eval->net->layer[0].out;
  const Units     *first = &b->layer[0], *u = &b->layer[1];
  const PetscReal *w = c->column, mu = pass->mu;
  PetscReal       *coeff = c->rows[7], *basis = c->rows[6];

  for (PetscInt h = 0; h < H; h++) {
    basis[h]         = u->Q[q * H + h];
    basis[H + h]     = 2 * w[h] * b->TW[(q * H + h) * m + j];
    basis[2 * H + h] = w[h] * w[h];
  }
  for (PetscInt r = 0; r < R; r++) { /* [1, dc, dA . S dA] and, of the form's value, [1, ds] */
    const PetscInt  i  = c->j[r];
    const PetscReal dc = d[1][r] - first->d[1][j], step = i < 0 ? 0 : mu, Sw = i < 0 ? 0 : first->T[(q * m + j) * D + i], SE = i < 0 ? 0 : b->SE[q * D + i];
    const PetscReal Q1 = first->Q[q * m + j], move = step * d[1][r];

    coeff[3 * r]                = 1;
    coeff[3 * r + 1]            = dc;
    coeff[3 * r + 2]            = dc * dc * Q1 + 2 * dc * move * Sw + move * move * SE;
    coeff[3 * ROWS + 2 * r]     = 1;
    coeff[3 * ROWS + 2 * r + 1] = d[2][r] * (Q1 + step * (2 * Sw + step * SE)) - b->s[q * m + j];
  }
  (*k->product)(R, H, 3, (TzStrided){coeff, 3, 1}, basis, H, Q, H, PETSC_FALSE);
  for (PetscInt r = 0; r < R; r++) {
    const PetscInt i = c->j[r];

    if (i < 0) continue;
    for (PetscInt h = 0; h < H; h++) basis[3 * H + h] = u->T[(q * H + h) * D + i];
    (*k->multiply)(H, 2 * mu * d[1][r], w, basis + 3 * H, basis + 3 * H);
    (*k->rows)(1, H, NULL, Q + r * H, coeff, basis + 3 * H, Q + r * H); /* coeff[0] = 1 */
  }
  (void)PetscArraycpy(basis, u->zs + q * H, H);
  (void)PetscArraycpy(basis + H, w, H);
  (*k->product)(R, H, 2, (TzStrided){coeff + 3 * ROWS, 2, 1}, basis, H, zs, H, PETSC_FALSE);
}

/* Of two layers, parameters of unit j of the first: rows r < R */
static void First(const Pass *pass, const Point *b, PetscInt j, PetscInt R, PetscReal *Y, PetscInt step)
{
  const TzNetEval  eval = pass->eval;
  const TzKernels *k    = eval->kernels;
  Dense           *c    = pass->c;
  const TzLayer   *out  = &eval->net->layer[2];
  const PetscInt   H = c->H, D = c->K, m = eval->net->layer[0].out;
  const Units     *u = &b->layer[1];
  const PetscReal *v = c->W[2], *W = c->W[1], one = 1;
  PetscReal *const d[4] = {c->moved[0], c->moved[1], c->moved[2], c->moved[3]}, *const f[4] = {c->rows[0], c->rows[1], c->rows[2], c->rows[3]};
  PetscReal *pair = c->rows[7] + 5 * ROWS, *basis = c->rows[6], *w = c->column;

  for (PetscInt h = 0; h < H; h++) w[h] = W[h * m + j];
  for (PetscInt r = 0; r < R; r++) d[0][r] = b->layer[0].z[j] + pass->mu * (c->j[r] < 0 ? 1 : b->x[c->j[r]]);
  (*k->derivatives)(eval->net->act[0], R, d[0], d);
  for (PetscInt r = 0; r < R; r++) {
    pair[2 * r]     = 1;
    pair[2 * r + 1] = d[0][r] - b->layer[0].d[0][j];
  }
  (void)PetscArraycpy(basis, u->z, H);
  (void)PetscArraycpy(basis + H, w, H);
  (*k->product)(R, H, 2, (TzStrided){pair, 2, 1}, basis, H, f[0], H, PETSC_FALSE);
  (*k->derivatives)(eval->net->act[1], R * H, f[0], f);
  for (PetscInt r = 0; r < R; r++) {
    Y[r * step] = eval->theta[out->bias];
    (*k->dots)(1, H, f[0] + r * H, v, Y + r * step);
    for (int o = 1; o < 3 && D; o++) (*k->multiply)(H, one, f[o] + r * H, v, f[o] + r * H);
  }
  if (!D) return;
  (*k->product)(R, D, H, (TzStrided){f[1], H, 1}, u->Z, D, Y + 1, step, PETSC_FALSE);
  for (PetscInt r = 0; r < R; r++) {
    PetscReal slope = 0;

    (*k->dots)(1, H, f[1] + r * H, w, &slope);
    pair[r] = slope * (d[1][r] - b->layer[0].d[1][j]);
    if (c->j[r] >= 0) Y[r * step + 1 + c->j[r]] += slope * d[1][r] * pass->mu;
  }
  (*k->product)(R, D, 1, (TzStrided){pair, 1, 1}, b->layer[0].Z + j * D, D, Y + 1, step, PETSC_TRUE);
  for (PetscInt q = 0; q < c->nf; q++) {
    FirstForms(pass, b, j, R, q, d, c->rows[4], c->rows[5]);
    for (PetscInt r = 0; r < R; r++) {
      PetscReal *form = Y + r * step + 1 + D + q;

      *form = 0;
      (*k->dots)(1, H, f[1] + r * H, c->rows[4] + r * H, form);
      (*k->dots)(1, H, f[2] + r * H, c->rows[5] + r * H, form);
    }
  }
}

/* Weights of the output, rows r < R with c->j the units, and its bias */
static void Output(const Pass *pass, const Point *b, PetscInt R, PetscReal *Y, PetscInt step)
{
  const Dense   *c = pass->c;
  const PetscInt D = c->K, H = c->H;
  const Units   *u = &b->layer[c->L - 1];

  for (PetscInt r = 0; r < R; r++, Y += step) {
    const PetscInt h = c->j[r];
    PetscReal      t;

    (void)PetscArraycpy(Y, b->jet, c->J);
    Y[0] += pass->mu * (h < 0 ? 1 : u->d[0][h]);
    if (h < 0 || !D) continue;
    t = pass->mu * u->d[1][h];
    (*pass->eval->kernels->rows)(1, D, NULL, b->jet + 1, &t, u->Z + h * D, Y + 1);
    for (PetscInt q = 0; q < c->nf; q++) Y[1 + D + q] += pass->mu * (u->d[1][h] * u->zs[q * H + h] + u->d[2][h] * u->Q[q * H + h]);
  }
}

/* R rows of unit h of layer l at all points of the pass, and to the sink */
static PetscErrorCode Deliver(const Pass *pass, PetscInt l, PetscInt h, PetscInt R)
{
  Dense         *c     = pass->c;
  const PetscInt step  = pass->P * c->J;
  TzNetMoved     moved = {.s = pass->s, .n = 1, .p0 = pass->p0, .m = pass->P, .pstep = c->J, .ostep = 1};

  PetscFunctionBegin;
  for (PetscInt p = 0; p < pass->P; p++) {
    const Point *b = &c->point[p];
    PetscReal   *Y = c->Y + p * c->J;

    if (l == c->L) Output(pass, b, R, Y, step);
    else if (l == c->L - 1) LastHidden(pass, b, h, R, Y, step);
    else First(pass, b, h, R, Y, step);
    for (PetscInt r = 0; r < R && !pass->q->whole; r++)
      for (PetscInt o = 0; o < c->J; o++) Y[r * step + o] -= b->jet[o];
  }
  for (PetscInt r = 0; r < R; r++) {
    moved.which = &c->at[r];
    moved.Y     = c->Y + r * step;
    PetscCall((*pass->q->sink)(pass->q->ctx, &moved));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parameters offset .. offset+n-1 of unit h of layer l: its weights, those of the inputs place[0..n-1] - h in (NULL: of all), or, with bias, the one */
static PetscErrorCode Rows(const Pass *pass, PetscInt l, PetscInt h, PetscInt offset, PetscInt n, const PetscInt place[], PetscBool bias)
{
  const PetscInt first = h * pass->eval->net->layer[l].in;
  Dense         *c     = pass->c;
  PetscInt       k0, k1;

  PetscFunctionBegin;
  if (!TzCoordinateOverlap(pass->q, offset, n, &k0, &k1)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = k0, R; k < k1; k += R) {
    R = PetscMin(c->nrows, k1 - k);
    for (PetscInt r = 0; r < R; r++) {
      c->at[r] = k + r;
      c->j[r]  = bias ? -1 : TzCoordinateAt(pass->q, k + r) - offset;
      if (place && !bias) c->j[r] = place[c->j[r]] - first;
    }
    PetscCall(Deliver(pass, l, h, R));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many weights unit h has, of which w is the first */
static PetscInt RowWeights(const TzLayer *layer, const PetscInt place[], PetscInt w, PetscInt h)
{
  PetscInt m = 0;

  if (!place) return layer->in;
  while (w + m < layer->nweights && place[w + m] < (h + 1) * layer->in) m++;
  return m;
}

/* What points share in the first layer: its squares; T, Q and S_ii of a form that does not depend on the point. T: for queries of this layer or of the next */
static void Share(TzNetEval eval, Dense *c, const TzNetCoordinates *q, PetscBool same)
{
  TzNet          net   = eval->net;
  const TzLayer *first = &net->layer[0];
  PetscInt       k0, k1;

  c->lean = (PetscBool)(c->L == 1 && !TzCoordinateOverlap(q, first->weights, first->nweights, &k0, &k1) &&
                        !TzCoordinateOverlap(q, first->bias, first->out, &k0, &k1));
  if (c->lean && c->squares) (*eval->kernels->multiply)(net->in * c->H, 1, eval->layer[0].left, eval->layer[0].left, c->squares);
  for (PetscInt p = 0; p < c->points; p++) {
    Point *b = &c->point[p];

    (void)Place(c, net, b, c->memory + (size_t)p * Place(c, net, &(Point){.x = NULL}, NULL));
    if (same) b->layer[0].T = c->point[0].layer[0].T, b->layer[0].Q = c->point[0].layer[0].Q, b->SE = c->point[0].SE;
  }
}

PetscErrorCode TzNetEvalCoordinates_Dense(TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal F[], const TzNetCoordinates *q)
{
  TzNet          net  = eval->net;
  const PetscInt nf   = q->shape ? TzJetFieldSize(q->shape) : 0;
  Pass           pass = {.eval = eval, .q = q};

  PetscFunctionBegin;
  PetscCall(Prepare(eval, q->shape, &pass.c));
  PetscCall(Matrices(eval, pass.c));
  Share(eval, pass.c, q, (PetscBool)!nf);
  for (pass.p0 = 0; pass.p0 < n; pass.p0 += pass.P) {
    pass.P = PetscMin(pass.c->points, n - pass.p0);
    for (PetscInt p = 0; p < pass.P; p++) Base(&pass, &pass.c->point[p], X + (pass.p0 + p) * net->in, nf ? F + (pass.p0 + p) * nf : NULL);
    for (pass.s = 0; pass.s < q->nmu; pass.s++) {
      pass.mu = q->mu[pass.s];
      for (PetscInt l = 0; l < net->nlayers; l++) {
        const TzLayer  *layer = &net->layer[l];
        const PetscInt *place = TzLayerGetCut(layer).place;

        for (PetscInt h = 0, w = 0, m; h < layer->out; h++, w += m) {
          m = RowWeights(layer, place, w, h);
          PetscCall(Rows(&pass, l, h, layer->weights + w, m, place ? place + w : NULL, PETSC_FALSE));
          PetscCall(Rows(&pass, l, h, layer->bias + h, 1, NULL, PETSC_TRUE));
        }
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
