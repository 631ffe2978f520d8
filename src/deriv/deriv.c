/*
  The class of derivative estimators. Types: stein.c, fd.c, forward.c.
*/
#include <private/tzderivimpl.h>

static PetscLogEvent TZ_DerivPartial;

/* all types: a new one is one file and one row */
static const TzTypeRow TzDerivTable[] = {
  TZ_TYPE(TZDERIVSTEIN, TzDerivCreate_Stein),
  TZ_TYPE(TZDERIVFD, TzDerivCreate_FD),
  TZ_TYPE(TZDERIVFORWARD, TzDerivCreate_Forward),
  {NULL, NULL},
};

static PetscErrorCode Events(void)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventRegister("TzDerivPartial", TZDERIV_CLASSID, &TZ_DerivPartial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reset(PetscObject obj)
{
  TzDeriv deriv = (TzDeriv)obj;

  PetscFunctionBegin;
  PetscTryTypeMethod(deriv, destroy);
  PetscCall(PetscFree5(deriv->stencil.value, deriv->stencil.grad, deriv->stencil.form, deriv->stencil.F, deriv->stencil.S));
  PetscCall(PetscFree3(deriv->even, deriv->odd, deriv->f0));
  deriv->stencil.pairs = NULL;
  deriv->nscratch      = 0;
  deriv->smoothed      = PETSC_FALSE;
  deriv->data          = NULL;
  deriv->setupcalled   = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscClassId   TZDERIV_CLASSID = 0;
static TzClass TzDerivClass    = {.name   = "Tenzo derivatives",
                                  .id     = &TZDERIV_CLASSID,
                                  .option = "-deriv_type",
                                  .text   = "How the derivatives in the residual are computed",
                                  .types  = TzDerivTable,
                                  .events = Events,
                                  .reset  = Reset};

PetscErrorCode TzDerivRegisterAll(void)
{
  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzDerivClass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivRegister(const char name[], PetscErrorCode (*create)(TzDeriv))
{
  PetscFunctionBegin;
  PetscCall(TzClassRegister(&TzDerivClass, name, (TzTypeCreate)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCreate(MPI_Comm comm, TzDeriv *newderiv)
{
  TzDeriv deriv;

  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzDerivClass));
  PetscCall(PetscHeaderCreate(deriv, TZDERIV_CLASSID, "TzDeriv", "Derivative estimator", "Deriv", comm, TzDerivDestroy, TzDerivView));
  *newderiv = deriv;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivDestroy(TzDeriv *deriv)
{
  PetscBool last;

  PetscFunctionBegin;
  PetscCall(TzClassRelease(&TzDerivClass, (PetscObject *)deriv, &last));
  if (!last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzNetDestroy(&(*deriv)->net));
  PetscCall(TzJetShapeReset(&(*deriv)->shape));
  PetscCall(PetscHeaderDestroy(deriv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivSetType(TzDeriv deriv, TzDerivType type)
{
  PetscFunctionBegin;
  PetscCall(TzClassSetType(&TzDerivClass, deriv, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivGetType(TzDeriv deriv, TzDerivType *type)
{
  PetscFunctionBegin;
  *type = ((PetscObject)deriv)->type_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivSetNet(TzDeriv deriv, TzNet net, const TzJetShape *shape)
{
  const TzForm laplacian = {.type = TZ_FORM_LAPLACIAN};
  PetscInt     in, out;

  PetscFunctionBegin;
  PetscCall(TzNetGetIO(net, &in, &out));
  PetscCheck((!shape || in == TzJetCoordinates(shape)) && out == 1, PetscObjectComm((PetscObject)deriv), PETSC_ERR_ARG_SIZ,
             "network %" PetscInt_FMT " -> %" PetscInt_FMT "; must be %" PetscInt_FMT " -> 1", in, out, shape ? TzJetCoordinates(shape) : in);
  PetscCall(PetscObjectReference((PetscObject)net));
  PetscCall(TzNetDestroy(&deriv->net));
  deriv->net = net;
  if (shape) PetscCall(TzJetShapeCopy(shape, &deriv->shape));
  else {
    PetscCall(TzJetShapeReset(&deriv->shape));
    deriv->shape.d    = in - 1;
    deriv->shape.time = PETSC_TRUE;
    PetscCall(TzJetShapeAddForm(&deriv->shape, &laplacian, NULL));
  }
  deriv->d           = deriv->shape.d;
  deriv->D           = in;
  deriv->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivGetJetShape(TzDeriv deriv, const TzJetShape **shape)
{
  PetscFunctionBegin;
  *shape = &deriv->shape;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivIsSmoothed(TzDeriv deriv, PetscBool *smoothed)
{
  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  *smoothed = deriv->smoothed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivSetFromOptions(TzDeriv deriv)
{
  char type[64];

  PetscFunctionBegin;
  PetscObjectOptionsBegin((PetscObject)deriv);
  PetscCall(TzClassGetTypeOption(&TzDerivClass, deriv, TZDERIVSTEIN, type));
  PetscCall(TzDerivSetType(deriv, type));
  PetscTryTypeMethod(deriv, setfromoptions, PetscOptionsObject);
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivCheckRounding(TzDeriv deriv, const char option[], PetscReal s)
{
  const MPI_Comm  comm     = PetscObjectComm((PetscObject)deriv);
  const PetscReal rounding = 4 * PETSC_MACHINE_EPSILON / (s * s);

  PetscFunctionBegin;
  PetscCheck(rounding < 1, comm, PETSC_ERR_USER_INPUT,
             "%s %g: second differences of values near 1 would be off by their rounding, 4 eps / h^2 = %.2g; 1e-3 keeps it at 1e-9", option, (double)s,
             (double)rounding);
  if (rounding > 1e-6)
    PetscCall(PetscFPrintf(comm, stderr,
                           "tenzo: warning: %s %g: the rounding of second differences of values near 1, 4 eps / h^2 = %.2g, will show; 1e-3 keeps it at 1e-9\n",
                           option, (double)s, (double)rounding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivSetUp(TzDeriv deriv)
{
  PetscFunctionBegin;
  if (deriv->setupcalled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(deriv->net, PetscObjectComm((PetscObject)deriv), PETSC_ERR_ORDER, "TzDerivSetNet() first");
  if (!((PetscObject)deriv)->type_name) PetscCall(TzDerivSetType(deriv, TZDERIVSTEIN));
  PetscUseTypeMethod(deriv, setup);
  deriv->setupcalled = PETSC_TRUE;
  PetscCall(PetscObjectViewFromOptions((PetscObject)deriv, NULL, "-deriv_view"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivView(TzDeriv deriv, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(TzClassViewBegin((PetscObject)deriv, &viewer, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %" PetscInt_FMT " network evaluations a point, in %" PetscInt_FMT " blocks\n", deriv->forwards, deriv->blocks));
  PetscTryTypeMethod(deriv, view, viewer);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivGetNumBlocks(TzDeriv deriv, PetscInt *blocks)
{
  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  *blocks = deriv->blocks;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivGetNumForwards(TzDeriv deriv, PetscInt *forwards)
{
  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  *forwards = deriv->forwards;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivSample(TzDeriv deriv, PetscInt64 seed, PetscInt step)
{
  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  PetscTryTypeMethod(deriv, sample, seed, step);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivGetSubset(TzDeriv deriv, PetscInt *n)
{
  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  *n = deriv->subset ? deriv->subset : deriv->d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivPartial(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], PetscInt k, PetscReal partial[])
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(TZ_DerivPartial, deriv, 0, 0, 0));
  PetscUseTypeMethod(deriv, partial, eval, n, X, k, partial);
  PetscCall(PetscLogEventEnd(TZ_DerivPartial, deriv, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivJet(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], PetscReal jet[])
{
  const PetscInt size = n * TzJetSize(&deriv->shape);
  PetscReal     *partial;

  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  PetscCall(TzDerivPartial(deriv, eval, n, X, 0, jet));
  if (deriv->blocks == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(size, &partial));
  for (PetscInt k = 1; k < deriv->blocks && !TzGiveUp(); k++) {
    PetscCall(TzDerivPartial(deriv, eval, n, X, k, partial));
    for (PetscInt i = 0; i < size; i++) jet[i] += partial[i];
  }
  PetscCall(PetscFree(partial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDerivAdjoint(TzDeriv deriv, TzNetEval eval, PetscInt n, const PetscReal X[], const PetscReal jetbar[], PetscReal grad[])
{
  PetscFunctionBegin;
  PetscCall(TzDerivSetUp(deriv));
  PetscUseTypeMethod(deriv, adjoint, eval, n, X, jetbar, grad);
  PetscFunctionReturn(PETSC_SUCCESS);
}
