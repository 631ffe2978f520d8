/*
  The kernels with their operations counted, for -log_view (PetscLogFlops): each calls the one of the set that was chosen. An addition, a multiplication, an
  activation or a derivative of one counts 1, in all lanes that are computed, those that fill up a panel too. Only chosen where PETSc logs.
*/
#include <private/tzkernels.h>
#include <omp.h>

static const TzKernels *real;
static double           others; /* of the threads but the first, since it asked last: PETSc's log is one thread's */

/* n operations in this thread */
static void Count(double n)
{
  if (omp_get_thread_num()) {
#pragma omp atomic
    others += n;
  } else {
    double more = n;

    if (!omp_in_parallel()) {
      more += others;
      others = 0;
    }
    (void)PetscLogFlops(more);
  }
}

/* C(n + r, r): monomials of degree up to n in r variables */
static double Monomials(PetscInt n, PetscInt r)
{
  double terms = 1;

  for (PetscInt i = 1; i <= r; i++) terms = terms * (double)(n + i) / (double)i;
  return terms;
}

static void Sine(PetscInt n, const double x[], double y[])
{
  Count((double)n);
  (*real->sine)(n, x, y);
}

static void SinCos(PetscInt n, const double x[], double s[], double c[])
{
  Count(2. * (double)n);
  (*real->sincos)(n, x, s, c);
}

static void Bond(TzActivation act, PetscInt n, PetscInt r, PetscInt q, const double table[], const double Y[], double out[], PetscBool big)
{
  Count((double)TZ_PANEL * (double)n * (double)(2 * r + 1 + 2 * q));
  (*real->bond)(act, n, r, q, table, Y, out, big);
}

static void Activate(TzActivation act, PetscInt n, const double bias[], double Z[], double D1[], double D2[])
{
  Count((double)TZ_PANEL * (double)n * (D1 ? 4 : 2));
  (*real->activate)(act, n, bias, Z, D1, D2);
}

static void Expand(PetscInt lanes, TzActivation act, PetscInt n, PetscInt r, const double table[], PetscInt width, const double Y[], double A[], double D1[],
                   double D2[], double D3[], PetscBool big)
{
  Count((double)lanes * (double)n * (double)(2 * r + 2 + (act->ops.harmonic ? 0 : D3 ? 2 : 1)));
  (*real->expand)(lanes, act, n, r, table, width, Y, A, D1, D2, D3, big);
}

static void Gemm(PetscInt lanes, PetscInt rows, PetscInt n, const double A[], const double X[], double C[], PetscBool add)
{
  Count(2. * (double)lanes * (double)rows * (double)n);
  (*real->gemm)(lanes, rows, n, A, X, C, add);
}

static void GemmSingle(PetscInt n, const float A[], const float X[], float C[], PetscBool add)
{
  Count(2. * TZ_PANEL * TZ_GEMM * (double)n);
  (*real->gemmsingle)(n, A, X, C, add);
}

static void PlusMinus(PetscInt n, const double E[], const double O[], double plus[], double minus[])
{
  Count(2. * (double)n);
  (*real->plusminus)(n, E, O, plus, minus);
}

static void Shift(TzActivation act, PetscInt n, const double a[], const double ca[], const double C[], const double S[], double plus[], double minus[])
{
  Count(4. * TZ_PANEL * (double)n);
  (*real->shift)(act, n, a, ca, C, S, plus, minus);
}

static void Multiply(PetscInt n, double scale, const double a[], const double b[], double to[])
{
  Count((scale == 1 ? 1. : 2.) * (double)n);
  (*real->multiply)(n, scale, a, b, to);
}

static void Pack(PetscInt rows, PetscInt n, double scale, const double a[], double packed[])
{
  if (scale != 1) Count((double)rows * (double)n);
  (*real->pack)(rows, n, scale, a, packed);
}

static void Jet(TzActivation act, PetscInt n, PetscInt r, PetscInt q, const double table[], const double M[], double *const coeff[3])
{
  Count((double)n * (double)(q * r + (M ? 2 * r * (r + 1) + q : q * r * (r + 1))));
  (*real->jet)(act, n, r, q, table, M, coeff);
}

static void Horner(PetscInt r, PetscInt m, const double coeff[], const double d[], double f[])
{
  Count(2. * TZ_PANEL * (Monomials(m, r) - 1));
  (*real->horner)(r, m, coeff, d, f);
}

static void Combine(PetscInt lanes, PetscInt rows, PetscInt n, const double A[], PetscInt arow, PetscInt acol, const double X[], PetscInt ldx, double C[],
                    PetscInt ldc)
{
  Count(2. * (double)lanes * (double)rows * (double)n);
  (*real->combine)(lanes, rows, n, A, arow, acol, X, ldx, C, ldc);
}

/* z and its c - 1 channels are sums of r products; act and two derivatives; a channel of act(z) one product, the form two more and their sum */
static void Units(PetscInt lanes, TzActivation act, PetscInt n, PetscInt r, PetscInt c, const double table[], PetscInt width, const double S[], double F[],
                  double U[], PetscBool big)
{
  Count((double)lanes * (double)n * (double)(c > 1 ? 4 * r * c + 3 + c + 2 : 2 * r + 1));
  (*real->units)(lanes, act, n, r, c, table, width, S, F, U, big);
}

/* a unit's fields move by one product and sum each, act and two derivatives anew; its c channels to q sums */
static void Slice(PetscInt lanes, TzActivation act, PetscInt c, PetscInt q, const TzSlice *slice, double out[])
{
  Count((double)lanes * (double)slice->nlo * (double)slice->nhi * (double)(2 * TZ_SHIFT_FIELDS(c) + (c > 1 ? 3 + c : 1) + 2 * q * c));
  (*real->slice)(lanes, act, c, q, slice, out);
}

/* of each term a monomial and its sum with the coefficient, for c > 1 for the first and second derivatives as well */
static void Expansion(PetscInt lanes, PetscInt r, PetscInt c, const TzExpansion *x, const double order[], const double M[], const double S[],
                      const double delta[], double out[])
{
  Count((double)lanes * (Monomials(x->top, r) - 1) * (double)(c > 1 ? 3 + 2 * (r + r * (r + 1) / 2) : 3));
  (*real->expansion)(lanes, r, c, x, order, M, S, delta, out);
}

static void Product(PetscInt m, PetscInt n, PetscInt k, TzStrided A, const double B[], PetscInt ldb, double C[], PetscInt ldc, PetscBool add)
{
  Count(2. * (double)m * (double)n * (double)k);
  (*real->product)(m, n, k, A, B, ldb, C, ldc, add);
}

static void Sparse(PetscInt m, PetscInt in, PetscInt nweights, const PetscInt index[], const double w[], PetscInt n, const double a[], double z[])
{
  Count(2. * (double)nweights * (double)n);
  (*real->sparse)(m, in, nweights, index, w, n, a, z);
}

static void Values(TzActivation act, PetscInt n, const double z[], double a[])
{
  Count((double)n);
  (*real->values)(act, n, z, a);
}

static void Adjoint(TzActivation act, PetscInt n, const double z[], const double abar[], double zbar[])
{
  Count(2. * (double)n);
  (*real->adjoint)(act, n, z, abar, zbar);
}

static void Derivatives(TzActivation act, PetscInt n, const double z[], double *const d[4])
{
  Count((double)n * ((d[0] != NULL) + (d[1] != NULL) + (d[2] != NULL) + (d[3] != NULL)));
  (*real->derivatives)(act, n, z, d);
}

static void Rows(PetscInt m, PetscInt n, const double s[], const double A[], const double t[], const double B[], double C[])
{
  Count((double)m * (double)n * ((s != NULL) + (B ? 2 : 0)));
  (*real->rows)(m, n, s, A, t, B, C);
}

static void Dots(PetscInt m, PetscInt n, const double A[], const double B[], double d[])
{
  Count(2. * (double)m * (double)n);
  (*real->dots)(m, n, A, B, d);
}

static void MultiplyAdd(PetscInt n, const double a[], const double b[], double to[])
{
  Count(2. * (double)n);
  (*real->multiplyadd)(n, a, b, to);
}

static void Move(TzActivation act, PetscInt n, double z, double delta, const double t[], double d[])
{
  Count(4. * (double)n);
  (*real->move)(act, n, z, delta, t, d);
}

static PetscInt MoveUnits(TzActivation act, const TzUnits *units, PetscInt wide, double delta, const double t[], double d[], double v[])
{
  Count(4. * (double)units->ml * (double)units->mr * (double)wide);
  return (*real->moveunits)(act, units, wide, delta, t, d, v);
}

static void LogSumExp(PetscInt n, PetscInt m, const double y[], PetscInt ld, double s[])
{
  Count((double)n * (double)(2 * m + 1));
  (*real->logsumexp)(n, m, y, ld, s);
}

const TzKernels *TzKernelsCounted(const TzKernels *kernels)
{
  static TzKernels counted = {.sine        = Sine,
                              .sincos      = SinCos,
                              .bond        = Bond,
                              .activate    = Activate,
                              .expand      = Expand,
                              .gemm        = Gemm,
                              .gemmsingle  = GemmSingle,
                              .plusminus   = PlusMinus,
                              .shift       = Shift,
                              .multiply    = Multiply,
                              .pack        = Pack,
                              .jet         = Jet,
                              .horner      = Horner,
                              .combine     = Combine,
                              .units       = Units,
                              .slice       = Slice,
                              .expansion   = Expansion,
                              .product     = Product,
                              .sparse      = Sparse,
                              .values      = Values,
                              .adjoint     = Adjoint,
                              .derivatives = Derivatives,
                              .rows        = Rows,
                              .dots        = Dots,
                              .multiplyadd = MultiplyAdd,
                              .move        = Move,
                              .moveunits   = MoveUnits,
                              .logsumexp   = LogSumExp};

  real            = kernels;
  counted.name    = kernels->name;
  counted.largest = kernels->largest; /* comparisons alone */
  return &counted;
}
