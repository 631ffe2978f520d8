#include "gather.h"

/* Calls of ROW(row of a window's entries and row of places, pointer into f): ow n contiguous numbers of each */
#define EACH_ROW(ROW) \
  do { \
    const TzPlaces *at = &layer->at; \
    const PetscInt  oh = at->rows - at->krows + 1, ow = at->cols - at->kcols + 1; \
    for (PetscInt c = 0; c < at->channels; c++) \
      for (PetscInt i = 0; i < at->krows; i++) \
        for (PetscInt j = 0; j < at->kcols; j++) \
          for (PetscInt y = 0; y < oh; y++) \
            ROW((((c * at->krows + i) * at->kcols + j) * oh + y) * ow * n, ((c * at->rows + y + i) * at->cols + j) * n, ow * n); \
  } while (0)

void TzGatherWindows(const TzLayer *layer, PetscInt n, const PetscReal *restrict f, PetscReal *restrict a)
{
#define COPY(to, from, m) memcpy(a + (to), f + (from), (size_t)(m) * sizeof(*a))
  EACH_ROW(COPY);
#undef COPY
}

void TzScatterWindows(const TzLayer *layer, PetscInt n, const PetscReal *restrict abar, PetscReal *restrict fbar)
{
#define ADD(from, to, m) \
  for (PetscInt p = 0; p < (m); p++) fbar[(to) + p] += abar[(from) + p]
  memset(fbar, 0, (size_t)(TzLayerInputs(layer) * n) * sizeof(*fbar));
  EACH_ROW(ADD);
#undef ADD
}

/* Place of (0, 0) of square (y, x) of output o, of the square itself, and the outputs' columns */
typedef struct {
  PetscInt h, f, ow;
} Square;

static inline Square Locate(const TzLayer *layer, PetscInt square)
{
  const TzPlaces *at = &layer->at;
  const PetscInt  oh = at->rows - at->krows + 1, ow = at->cols - at->kcols + 1, ph = oh / at->pool, pw = ow / at->pool;
  const PetscInt  o = square / (ph * pw), y = square / pw % ph, x = square % pw;

  return (Square){.h = (o * oh + y * at->pool) * ow + x * at->pool, .f = square, .ow = ow};
}

void TzPoolSquares(const TzLayer *layer, PetscInt n, const PetscReal *restrict h, PetscReal *restrict f)
{
  const PetscInt squares = TzLayerOutputs(layer), side = layer->at.pool;

  for (PetscInt s = 0; s < squares; s++) {
    const Square     q  = Locate(layer, s);
    PetscReal       *to = f + q.f * n;
    const PetscReal *of = h + q.h * n;

    for (PetscInt p = 0; p < n; p++) to[p] = of[p];
    for (PetscInt i = 0; i < side; i++)
      for (PetscInt j = i ? 0 : 1; j < side; j++) {
        const PetscReal *a = of + (i * q.ow + j) * n;

        for (PetscInt p = 0; p < n; p++) to[p] = a[p] > to[p] || a[p] != a[p] ? a[p] : to[p]; /* a NaN stays one */
      }
  }
}

void TzPoolSquaresAdjoint(const TzLayer *layer, PetscInt n, const PetscReal *restrict h, const PetscReal *restrict f, const PetscReal *restrict fbar,
                          PetscReal *restrict hbar)
{
  const PetscInt squares = TzLayerOutputs(layer), side = layer->at.pool;

  memset(hbar, 0, (size_t)(layer->out * layer->at.places * n) * sizeof(*hbar));
  for (PetscInt s = 0; s < squares; s++) {
    const Square q = Locate(layer, s);

    for (PetscInt p = 0; p < n; p++) {
      PetscInt k = 0;

      while (k < side * side - 1 && h[(q.h + k / side * q.ow + k % side) * n + p] != f[q.f * n + p]) k++;
      hbar[(q.h + k / side * q.ow + k % side) * n + p] = fbar[q.f * n + p];
    }
  }
}

PetscErrorCode TzGatherTokens(const TzLayer *layer, PetscInt n, const PetscReal X[], PetscInt j[], PetscInt column[], PetscInt *count)
{
  const PetscInt slots = layer->at.slots;
  PetscInt       k     = 0;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < n; p++)
    for (PetscInt s = 0; s < slots; s++) {
      if (X[p * slots + s] < 0) continue;
      PetscCheck(X[p * slots + s] < layer->in, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "token %g of a table of %" PetscInt_FMT " rows",
                 (double)X[p * slots + s], layer->in);
      j[k]        = (PetscInt)X[p * slots + s];
      column[k++] = layer->at.places > 1 ? s * n + p : p;
    }
  *count = k;
  PetscFunctionReturn(PETSC_SUCCESS);
}
