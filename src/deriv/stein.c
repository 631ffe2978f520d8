/*
  Stein estimator: derivatives of f smoothed by N(0, s^2 I_D), from values of f alone (Stein 1981; He et al. 2023; with a
  sparse grid, section 4.2 of the paper):

      f_s = E f(x + e),   grad f_s = E[e / (2 s^2) (f(x+e) - f(x-e))],
      S : Hess f_s = E[(e_x' S e_x - s^2 tr S) / (2 s^4) (f(x+e) + f(x-e) - 2 f(x))],

  for the Laplacian S = I. The expectation is any TzRule. On the sparse grid of level 3 the Laplacian is that of f plus
  s^2 [1/4 - (d-1)/12] sum_i f_iiii + ..., and exact for polynomials of degree 3, as is every form. Forms cost no evaluations; a field costs a few operations
  for each point and node.

  Options: -stein_sigma s (default 0.1, in units of x), -rule_type, -rule_level, -rule_samples
*/
#include <private/tzderivimpl.h>
#include <tzshell.h>
#include <time.h>

#define MANY   100000 /* evaluations a point that are told */
#define POINTS 5      /* on which their time is measured: nodes are prepared once for those of a block of the loss */

typedef struct {
  TzRule    rule;
  PetscReal sigma;
} TzStein;

static PetscErrorCode SetFromOptions_Stein(TzDeriv deriv, TzOptionItems PetscOptionsObject)
{
  TzStein *stein = (TzStein *)deriv->data;

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "Stein estimator");
  PetscCall(TzOptionsReal("-stein_sigma", "Standard deviation of the smoothing, in units of x (> 0)", "TzDerivSetType", stein->sigma, &stein->sigma, NULL));
  PetscCheck(stein->sigma > 0 && stein->sigma <= 1e6, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT, "-stein_sigma %g: must be positive",
             (double)stein->sigma);
  PetscCall(TzDerivCheckRounding(deriv, "-stein_sigma", stein->sigma));
  PetscOptionsHeadEnd();
  PetscCall(TzRuleSetFromOptions(stein->rule));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* of form S at pair j: w (z' S z - tr S) / s^2; a node of a sparse grid has at most two entries */
static PetscReal Coefficient(TzDeriv deriv, PetscInt j, const TzFormAt *S, PetscReal trace)
{
  const TzPairs  *pairs = deriv->stencil.pairs;
  const PetscReal s     = deriv->stencil.s;
  PetscReal       x2    = 0;

  for (PetscInt k = pairs->ptr[j]; k < pairs->ptr[j + 1]; k++) {
    const PetscInt i = pairs->idx[k];

    if (i >= deriv->d) continue;
    if (!S->S) x2 += S->w ? S->w[i] * (pairs->val[k] * pairs->val[k]) : pairs->val[k] * pairs->val[k];
    for (PetscInt l = pairs->ptr[j]; S->S && l < pairs->ptr[j + 1]; l++)
      if (pairs->idx[l] < deriv->d) x2 += S->S[i * deriv->d + pairs->idx[l]] * pairs->val[k] * pairs->val[l];
  }
  return pairs->w[j] * (x2 - trace) / (s * s);
}

static PetscErrorCode Coefficients(TzDeriv deriv)
{
  TzStencil     *st    = &deriv->stencil;
  const TzPairs *pairs = st->pairs;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < pairs->npairs; j++) {
    for (PetscInt k = pairs->ptr[j]; k < pairs->ptr[j + 1]; k++) st->grad[k] = pairs->w[j] * pairs->val[k] / st->s;
    st->value[j] = pairs->w[j];
  }
  PetscCall(TzDerivStencilForms(deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds of a processor for all nodes at one point: those of one block at the initial parameters, times the blocks. 0 for a device, whose evaluations count */
static PetscErrorCode MeasurePoint(TzDeriv deriv, PetscReal *seconds)
{
  clock_t    t0;
  PetscReal *theta, *x, *jet;
  PetscBool  has;
  PetscInt   n;
  TzNetEval  eval;

  PetscFunctionBegin;
  *seconds = 0;
  PetscCall(TzNetHasDerivatives(deriv->net, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetGetNumParameters(deriv->net, &n));
  PetscCall(PetscMalloc1(n, &theta));
  PetscCall(PetscCalloc2(POINTS * deriv->D, &x, POINTS * TzJetSize(&deriv->shape), &jet));
  PetscCall(TzNetInitialize(deriv->net, 0, theta));
  PetscCall(TzNetEvalCreate(deriv->net, &eval));
  PetscCall(TzNetEvalBind(eval, theta));
  PetscCall(TzDerivPartial_Stencil(deriv, eval, POINTS, x, 0, jet)); /* what a binding prepares is not for each point */
  t0 = clock();
  PetscCall(TzDerivPartial_Stencil(deriv, eval, POINTS, x, 0, jet));
  *seconds = (PetscReal)(clock() - t0) / CLOCKS_PER_SEC * (PetscReal)deriv->blocks / POINTS;
  PetscCall(TzNetEvalDestroy(&eval));
  PetscCall(PetscFree2(x, jet));
  PetscCall(PetscFree(theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sparse grid grows with the dimension, 2 D^2 nodes at level 3: told before the run, with what is cheaper */
static PetscErrorCode TellGrowth(TzDeriv deriv)
{
  const TzPairs  *pairs = deriv->stencil.pairs;
  const PetscReal each = sizeof(PetscInt) + (2. + deriv->shape.nforms) * sizeof(PetscReal), entry = sizeof(PetscInt) + 2. * sizeof(PetscReal);
  PetscReal       seconds;
  char            time[64] = "";

  PetscFunctionBegin;
  if (deriv->forwards <= MANY) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MeasurePoint(deriv, &seconds));
  if (seconds > 0) PetscCall(PetscSNPrintf(time, sizeof(time), ", some %.2g s of a processor for each point of each query", (double)seconds));
  PetscCall(PetscFPrintf(PetscObjectComm((PetscObject)deriv), stderr,
                         "tenzo: warning: -rule_type smolyak: %" PetscInt_FMT " evaluations of the network at each point in %" PetscInt_FMT
                         " dimensions%s, %.3g MB of nodes on each rank, numbers that grow with their square at level 3; -deriv_type fd takes %" PetscInt_FMT
                         ", -rule_type mc as many as -rule_samples says, -deriv_type forward has exact derivatives in one\n",
                         deriv->forwards, deriv->D, time, (double)((pairs->npairs * each + pairs->ptr[pairs->npairs] * entry) / 1e6), 2 * deriv->D + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_Stein(TzDeriv deriv)
{
  TzStein       *stein = (TzStein *)deriv->data;
  const TzPairs *pairs;
  PetscBool      random, given;
  PetscInt       degree, dim;

  PetscFunctionBegin;
  PetscCall(TzRuleGetDim(stein->rule, &dim));
  PetscCall(PetscOptionsHasName(((PetscObject)deriv)->options, ((PetscObject)deriv)->prefix, "-rule_dim", &given));
  PetscCheck(!given || dim == deriv->D, PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT,
             "-rule_dim %" PetscInt_FMT ": the equation has %" PetscInt_FMT " coordinates; leave the option out", dim, deriv->D);
  PetscCall(TzRuleSetDim(stein->rule, deriv->D));
  PetscCall(TzRuleSetUp(stein->rule));
  PetscCall(TzRuleIsRandom(stein->rule, &random));
  PetscCall(TzRuleGetDegree(stein->rule, &degree));
  /* the weight e' S e - s^2 tr S has degree 2: a quadratic f needs degree 4; a gradient alone needs 2 for a linear f */
  PetscCheck(random || degree >= (deriv->shape.nforms ? 4 : 2), PetscObjectComm((PetscObject)deriv), PETSC_ERR_USER_INPUT,
             "-rule_level %" PetscInt_FMT ": %s by the Stein estimator needs level %d or more", (degree + 1) / 2,
             deriv->shape.nforms ? "a Laplacian" : "a gradient", deriv->shape.nforms ? 3 : 2);
  if (random) PetscCall(TzRuleSample(stein->rule, 0, 0));
  PetscCall(TzRuleGetPairs(stein->rule, &pairs));
  PetscCall(TzDerivStencilSetUp(deriv, pairs, stein->sigma));
  deriv->stencil.coefficient = Coefficient;
  PetscCall(Coefficients(deriv));
  deriv->forwards = 2 * pairs->npairs + 1;
  if (!random) PetscCall(TellGrowth(deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Sample_Stein(TzDeriv deriv, PetscInt64 seed, PetscInt step)
{
  TzStein  *stein = (TzStein *)deriv->data;
  PetscBool random;

  PetscFunctionBegin;
  PetscCall(TzRuleIsRandom(stein->rule, &random));
  if (!random) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzRuleSample(stein->rule, seed, step));
  PetscCall(TzRuleGetPairs(stein->rule, &deriv->stencil.pairs));
  PetscCall(Coefficients(deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Stein(TzDeriv deriv, PetscViewer viewer)
{
  TzStein *stein = (TzStein *)deriv->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  sigma %g\n", (double)stein->sigma));
  PetscCall(TzRuleView(stein->rule, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Stein(TzDeriv deriv)
{
  TzStein *stein = (TzStein *)deriv->data;

  PetscFunctionBegin;
  PetscCall(TzRuleDestroy(&stein->rule));
  PetscCall(PetscFree(deriv->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCreate_Stein(TzDeriv deriv)
{
  TzStein *stein;

  PetscFunctionBegin;
  PetscCall(PetscNew(&stein));
  deriv->data     = stein;
  stein->sigma    = 0.1;
  deriv->smoothed = PETSC_TRUE;
  PetscCall(TzRuleCreate(PetscObjectComm((PetscObject)deriv), &stein->rule));
  deriv->ops->setfromoptions = SetFromOptions_Stein;
  deriv->ops->setup          = SetUp_Stein;
  deriv->ops->sample         = Sample_Stein;
  deriv->ops->partial        = TzDerivPartial_Stencil;
  deriv->ops->coordinates    = TzDerivCoordinates_Stencil;
  deriv->ops->adjoint        = TzDerivAdjoint_Stencil;
  deriv->ops->view           = View_Stein;
  deriv->ops->destroy        = Destroy_Stein;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rule of a Stein estimator; NULL for other types. Borrowed. */
PetscErrorCode TzDerivGetRule(TzDeriv deriv, TzRule *rule)
{
  PetscFunctionBegin;
  *rule = deriv->ops->setup == SetUp_Stein ? ((TzStein *)deriv->data)->rule : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
