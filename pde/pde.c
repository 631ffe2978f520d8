/* TzPDE: the class, its table of equations, and the terminal transform by the product rule. */
#include <private/tzpdeimpl.h>
#include <petscviewer.h>

PETSC_INTERN PetscErrorCode TzPDECreate_HJB(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_LQG(TzPDE);

static const struct {
  const char *name;
  PetscErrorCode (*create)(TzPDE);
} table[] = {
  {TZPDEHJB, TzPDECreate_HJB},
  {TZPDELQG, TzPDECreate_LQG},
};

PetscClassId             TZPDE_CLASSID;
static PetscFunctionList TzPDEList;
static PetscBool         registered;

static PetscErrorCode TzPDEFinalizePackage(void)
{
  PetscFunctionBegin;
  PetscCall(PetscFunctionListDestroy(&TzPDEList));
  registered = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The class and the equations of the table; called by TzPDECreate and TzPDERegister, idempotent */
PetscErrorCode TzPDERegisterAll(void)
{
  PetscFunctionBegin;
  if (registered) PetscFunctionReturn(PETSC_SUCCESS);
  registered = PETSC_TRUE;
  PetscCall(PetscClassIdRegister("TzPDE", &TZPDE_CLASSID));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(table); i++) PetscCall(PetscFunctionListAdd(&TzPDEList, table[i].name, table[i].create));
  PetscCall(PetscRegisterFinalize(TzPDEFinalizePackage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A user's own equation: create fills pde->ops (tzpdeimpl.h). Not collective, but every rank has to call it. */
PetscErrorCode TzPDERegister(const char name[], PetscErrorCode (*create)(TzPDE))
{
  PetscFunctionBegin;
  PetscCall(TzPDERegisterAll());
  PetscCall(PetscFunctionListAdd(&TzPDEList, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDECreate(MPI_Comm comm, TzPDE *pde)
{
  TzPDE p;

  PetscFunctionBegin;
  PetscCall(TzPDERegisterAll());
  PetscCall(PetscHeaderCreate(p, TZPDE_CLASSID, "TzPDE", "Partial differential equation", "PDE", comm, TzPDEDestroy, TzPDEView));
  p->d         = 20;
  p->lo        = 0;
  p->hi        = 1;
  p->T         = 1;
  p->diffusion = 1;
  *pde         = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESetType(TzPDE pde, TzPDEType type)
{
  PetscErrorCode (*create)(TzPDE);
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)pde, type, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzTypeFind(PetscObjectComm((PetscObject)pde), TzPDEList, "-pde_type", type, (void (**)(void)) & create));
  PetscTryTypeMethod(pde, destroy);
  PetscCall(PetscMemzero(pde->ops, sizeof(*pde->ops)));
  pde->data        = NULL;
  pde->setupcalled = PETSC_FALSE;
  PetscCall((*create)(pde));
  PetscCall(PetscObjectChangeTypeName((PetscObject)pde, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetType(TzPDE pde, TzPDEType *type)
{
  PetscFunctionBegin;
  *type = ((PetscObject)pde)->type_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESetDim(TzPDE pde, PetscInt d)
{
  PetscFunctionBegin;
  pde->d           = d;
  pde->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetDim(TzPDE pde, PetscInt *d)
{
  PetscFunctionBegin;
  *d = pde->d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -pde_type, -pde_dim, -pde_lo, -pde_hi; the type is hjb if none has been set */
PetscErrorCode TzPDESetFromOptions(TzPDE pde)
{
  const char *deft = ((PetscObject)pde)->type_name ? ((PetscObject)pde)->type_name : TZPDEHJB;
  char        type[256];
  PetscBool   flg;

  PetscFunctionBegin;
  PetscObjectOptionsBegin((PetscObject)pde);
  PetscCall(TzOptionsFList("-pde_type", "The equation", "TzPDESetType", TzPDEList, deft, type, sizeof(type), &flg));
  PetscCall(TzPDESetType(pde, flg ? type : deft));
  PetscCall(TzOptionsInt("-pde_dim", "Number of space dimensions", "TzPDESetDim", pde->d, &pde->d, NULL));
  PetscCall(TzOptionsReal("-pde_lo", "Lower end of the box in every x_i (length)", "TzPDEGetDomain", pde->lo, &pde->lo, NULL));
  PetscCall(TzOptionsReal("-pde_hi", "Upper end of the box in every x_i (length)", "TzPDEGetDomain", pde->hi, &pde->hi, NULL));
  PetscTryTypeMethod(pde, setfromoptions, PetscOptionsObject);
  PetscOptionsEnd();
  pde->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Checks what was set: PETSC_ERR_USER_INPUT for an empty box or no dimension */
PetscErrorCode TzPDESetUp(TzPDE pde)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)pde);

  PetscFunctionBegin;
  if (pde->setupcalled) PetscFunctionReturn(PETSC_SUCCESS);
  if (!((PetscObject)pde)->type_name) PetscCall(TzPDESetType(pde, TZPDEHJB));
  PetscCheck(pde->d >= 1, comm, PETSC_ERR_USER_INPUT, "-pde_dim %" PetscInt_FMT ": must be at least 1", pde->d);
  PetscCheck(PetscIsNormalReal(pde->hi - pde->lo) && pde->lo < pde->hi, comm, PETSC_ERR_USER_INPUT,
             "-pde_lo %g -pde_hi %g: must be finite, the first less than the second", (double)pde->lo, (double)pde->hi);
  pde->setupcalled = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEView(TzPDE pde, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  if (!viewer) PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)pde), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)pde, viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  x in [%g, %g]^%" PetscInt_FMT ", t in [0, %g], diffusion %g\n", (double)pde->lo, (double)pde->hi, pde->d,
                                   (double)pde->T, (double)pde->diffusion));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEDestroy(TzPDE *pde)
{
  PetscFunctionBegin;
  if (!*pde) PetscFunctionReturn(PETSC_SUCCESS);
  if (--((PetscObject)*pde)->refct > 0) {
    *pde = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscTryTypeMethod(*pde, destroy);
  PetscCall(PetscHeaderDestroy(pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetDomain(TzPDE pde, PetscReal *lo, PetscReal *hi, PetscReal *T, PetscReal *diffusion)
{
  PetscFunctionBegin;
  *lo        = pde->lo;
  *hi        = pde->hi;
  *T         = pde->T;
  *diffusion = pde->diffusion;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u = a f + b at one point; Lap(a f) = a Lap f + 2 grad a . grad f + f Lap a; written last to first, so that u may be f */
static inline void Combine(PetscInt d, const PetscReal a[], const PetscReal b[], const PetscReal f[], PetscReal u[])
{
  const PetscInt D   = d + 1;
  PetscReal      dot = 0;

  for (PetscInt i = 1; i <= d; i++) dot += a[i] * f[i];
  u[D + 1] = a[0] * f[D + 1] + 2 * dot + f[0] * a[D + 1] + b[D + 1];
  for (PetscInt i = 1; i <= D; i++) u[i] = a[0] * f[i] + a[i] * f[0] + b[i];
  u[0] = a[0] * f[0] + b[0];
}

PetscErrorCode TzPDETransform(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal fjet[], PetscReal ujet[])
{
  const PetscInt   D = pde->d + 1;
  const PetscReal *f = fjet;
  PetscReal       *a, *b, *u = ujet;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(D + 2, &a, D + 2, &b));
  for (PetscInt p = 0; p < n; p++, X += D, f += D + 2, u += D + 2) {
    PetscCall(TzPDETransformJets(pde, 1, X, a, b));
    Combine(pde->d, a, b, f, u);
  }
  PetscCall(PetscFree2(a, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformJets(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal a[], PetscReal b[])
{
  const PetscInt D = pde->d + 1;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(a, n * (D + 2)));
  PetscCall(PetscArrayzero(b, n * (D + 2)));
  for (PetscInt p = 0; p < n; p++, X += D, a += D + 2, b += D + 2) PetscUseTypeMethod(pde, transform, X, a, b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformBy(TzPDE pde, PetscInt n, const PetscReal a[], const PetscReal b[], const PetscReal fjet[], PetscReal ujet[])
{
  const PetscInt size = pde->d + 3;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < n; p++) Combine(pde->d, a + p * size, b + p * size, fjet + p * size, ujet + p * size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformAdjoint(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal gbar[])
{
  const PetscInt d = pde->d, D = d + 1;
  PetscReal     *a, *b, *g = gbar;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(D + 2, &a, D + 2, &b));
  for (PetscInt p = 0; p < n; p++, X += D, g += D + 2) {
    const PetscReal lap = g[D + 1];
    PetscReal       dot = 0;

    PetscCall(PetscArrayzero(a, D + 2));
    PetscCall(PetscArrayzero(b, D + 2));
    PetscUseTypeMethod(pde, transform, X, a, b);
    for (PetscInt i = 0; i <= D + 1; i++) dot += a[i] * g[i];
    g[0] = dot;
    for (PetscInt i = 1; i <= d; i++) g[i] = a[0] * g[i] + 2 * a[i] * lap;
    g[D] *= a[0];
    g[D + 1] *= a[0];
  }
  PetscCall(PetscFree2(a, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEResidual(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal J[])
{
  const PetscInt D = pde->d + 1;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < n; p++, X += D, ujet += D + 2) {
    if (J) PetscCall(PetscArrayzero(J, D + 2));
    PetscUseTypeMethod(pde, residual, X, ujet, &r[p], J);
    if (J) J += D + 2;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEHasExact(TzPDE pde, PetscBool *has)
{
  PetscFunctionBegin;
  *has = pde->ops->exact ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEExact(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal u[])
{
  const PetscInt D = pde->d + 1;

  PetscFunctionBegin;
  PetscCheck(pde->ops->exact, PetscObjectComm((PetscObject)pde), PETSC_ERR_SUP, "Equation %s has no exact solution", ((PetscObject)pde)->type_name);
  for (PetscInt p = 0; p < n; p++, X += D) PetscUseTypeMethod(pde, exact, X, &u[p]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
