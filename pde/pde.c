/* TzPDE: the class, its table of equations, the forms of their jets, and the transform by the product rule. */
#include "control.h"
#include <petscviewer.h>

PETSC_INTERN PetscErrorCode TzPDECreate_HJB(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_LQG(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Heat(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_AllenCahn(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_SemilinearHeat(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_SineGordon(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Advection(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Eikonal(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_LQR(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_DoubleWell(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_BlackScholes(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_BangBang(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Poisson(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_AllenCahnBall(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_SineGordonBall(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_ExitTime(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Committor(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Pendulum(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Quadrotor(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_Agents(TzPDE);
PETSC_INTERN PetscErrorCode TzPDECreate_AllenCahnRod(TzPDE);

static const TzTypeRow table[] = {
  TZ_TYPE(TZPDEHJB, TzPDECreate_HJB),
  TZ_TYPE(TZPDELQG, TzPDECreate_LQG),
  TZ_TYPE("heat", TzPDECreate_Heat),
  TZ_TYPE("allencahn", TzPDECreate_AllenCahn),
  TZ_TYPE("semilinearheat", TzPDECreate_SemilinearHeat),
  TZ_TYPE("sinegordon", TzPDECreate_SineGordon),
  TZ_TYPE("advection", TzPDECreate_Advection),
  TZ_TYPE("eikonal", TzPDECreate_Eikonal),
  TZ_TYPE("lqr", TzPDECreate_LQR),
  TZ_TYPE("doublewell", TzPDECreate_DoubleWell),
  TZ_TYPE("blackscholes", TzPDECreate_BlackScholes),
  TZ_TYPE("bangbang", TzPDECreate_BangBang),
  TZ_TYPE("poisson", TzPDECreate_Poisson),
  TZ_TYPE("allencahnball", TzPDECreate_AllenCahnBall),
  TZ_TYPE("sinegordonball", TzPDECreate_SineGordonBall),
  TZ_TYPE("exittime", TzPDECreate_ExitTime),
  TZ_TYPE("committor", TzPDECreate_Committor),
  TZ_TYPE("pendulum", TzPDECreate_Pendulum),
  TZ_TYPE("quadrotor", TzPDECreate_Quadrotor),
  TZ_TYPE("agents", TzPDECreate_Agents),
  TZ_TYPE("allencahnrod", TzPDECreate_AllenCahnRod),
  {NULL, NULL},
};

/* What TzPDESetUp() made */
static PetscErrorCode Reset(TzPDE pde)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < pde->shape.nforms; p++) PetscCall(PetscFree(pde->shape.form[p].ctx));
  PetscCall(TzPDEDifferencesReset(pde));
  PetscCall(TzJetShapeReset(&pde->shape));
  PetscCall(PetscFree3(pde->work, pde->field, pde->sources));
  PetscCall(TzPDEProcessDestroy(pde));
  PetscCall(TzPDEConditionsReset(pde));
  pde->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEDestroyData(TzPDE pde)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pde->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* And the equation's own */
static PetscErrorCode ResetType(PetscObject obj)
{
  TzPDE pde = (TzPDE)obj;

  PetscFunctionBegin;
  PetscTryTypeMethod(pde, destroy);
  PetscCall(Reset(pde));
  PetscCall(TzPDEControlDestroy(pde));
  pde->data              = NULL;
  pde->domain.type       = TZ_DOMAIN_BOX;
  pde->domain.wholespace = PETSC_FALSE;
  pde->stationary        = PETSC_FALSE;
  pde->firstorder        = PETSC_FALSE;
  pde->formula = pde->reference = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscClassId   TZPDE_CLASSID;
static TzClass TzPDEClass = {.name = "TzPDE", .id = &TZPDE_CLASSID, .option = "-pde_type", .text = "The equation", .types = table, .reset = ResetType};

PetscErrorCode TzPDERegisterAll(void)
{
  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzPDEClass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A user's own equation: create fills pde->ops (tzpdeimpl.h). Not collective, but every rank has to call it. */
PetscErrorCode TzPDERegister(const char name[], PetscErrorCode (*create)(TzPDE))
{
  PetscFunctionBegin;
  PetscCall(TzClassRegister(&TzPDEClass, name, (TzTypeCreate)create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetTypes(PetscInt *n, const char ***names)
{
  PetscFunctionBegin;
  PetscCall(TzClassGetTypes(&TzPDEClass, n, names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDECreate(MPI_Comm comm, TzPDE *pde)
{
  TzPDE p;

  PetscFunctionBegin;
  PetscCall(TzClassRegisterAll(&TzPDEClass));
  PetscCall(PetscHeaderCreate(p, TZPDE_CLASSID, "TzPDE", "Partial differential equation", "PDE", comm, TzPDEDestroy, TzPDEView));
  p->d             = 20;
  p->lo            = 0;
  p->hi            = 1;
  p->T             = 1;
  p->domain.radius = 1;
  p->diffusion     = 1;
  *pde             = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESetType(TzPDE pde, TzPDEType type)
{
  PetscFunctionBegin;
  PetscCall(TzClassSetType(&TzPDEClass, pde, type));
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

/* One number for all coordinates, or one for each: option -> list [n] */
static PetscErrorCode Bounds(TzOptionItems PetscOptionsObject, const char option[], const char text[], PetscReal deft, PetscInt *n, PetscReal **list)
{
  PetscReal *x;
  PetscInt   most = 65536, given = 1;
  PetscBool  flg;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(most, &x));
  x[0] = deft;
  if (*n) PetscCall(PetscArraycpy(x, *list, *n));
  given = most;
  PetscCall(PetscArrayzero(x + PetscMax(*n, 1), most - PetscMax(*n, 1)));
  PetscCall(TzOptionsRealArray(option, text, "TzPDEGetDomain", x, &given, &flg));
  if (flg) {
    PetscCall(PetscFree(*list));
    PetscCall(PetscMalloc1(given, list));
    PetscCall(PetscArraycpy(*list, x, given));
    *n = given;
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the type's options have left open of the domain */
static PetscErrorCode DomainOptions(TzPDE pde, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  if (pde->domain.type == TZ_DOMAIN_BOX) {
    PetscCall(Bounds(PetscOptionsObject, "-pde_lo", "Lower ends of the box: one number, or one for each x_i (length)", pde->lo, &pde->nlo, &pde->lolist));
    PetscCall(Bounds(PetscOptionsObject, "-pde_hi", "Upper ends of the box: one number, or one for each x_i (length)", pde->hi, &pde->nhi, &pde->hilist));
  } else {
    PetscCall(
      TzOptionsReal("-pde_radius", "Radius of the ball, outer radius of the shell (length)", "TzPDEGetDomain", pde->domain.radius, &pde->domain.radius, NULL));
    if (pde->domain.type == TZ_DOMAIN_SHELL)
      PetscCall(TzOptionsReal("-pde_inner", "Inner radius of the shell (length)", "TzPDEGetDomain", pde->domain.inner, &pde->domain.inner, NULL));
  }
  if (!pde->stationary) PetscCall(TzOptionsReal("-pde_T", "Horizon: t in [0, T] (time)", "TzPDEGetDomain", pde->T, &pde->T, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -pde_type, -pde_dim, the type's own, then -pde_lo, -pde_hi, -pde_radius, -pde_inner, -pde_T; the type is hjb if none has been set */
PetscErrorCode TzPDESetFromOptions(TzPDE pde)
{
  static const char *const kinds[] = {"hard", "soft"};
  PetscInt                 kind    = pde->soft ? 1 : 0;
  char                     type[64];

  PetscFunctionBegin;
  PetscObjectOptionsBegin((PetscObject)pde);
  PetscCall(TzClassGetTypeOption(&TzPDEClass, pde, TZPDEHJB, type));
  PetscCall(TzPDESetType(pde, type));
  PetscCall(TzOptionsInt("-pde_dim", "Number of space dimensions", "TzPDESetDim", pde->d, &pde->d, NULL));
  PetscCall(TzOptionsEList("-pde_conditions", "Boundary, initial and terminal values: built into u = a f + b (hard), or terms of the loss (soft)",
                           "TzPDEAddCondition", kinds, 2, kinds[pde->soft ? 1 : 0], &kind, NULL));
  pde->soft = (PetscBool)(kind == 1);
  PetscTryTypeMethod(pde, setfromoptions, PetscOptionsObject);
  PetscCall(TzPDEControlSetFromOptions(pde, PetscOptionsObject));
  PetscCall(DomainOptions(pde, PetscOptionsObject));
  PetscOptionsEnd();
  pde->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The shape of the jets, and the memory of the transform */
static PetscErrorCode Shape(TzPDE pde)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)pde);
  PetscInt size, sources, field = 0;

  PetscFunctionBegin;
  pde->shape.d    = pde->d;
  pde->shape.time = PETSC_TRUE;
  PetscTryTypeMethod(pde, setup);
  pde->shape.time = (PetscBool)!pde->stationary;
  if (pde->soft && !pde->nconditions && pde->ops->exact) {
    if (pde->stationary) PetscCall(TzPDEAddExactCondition(pde, "boundary", TZ_AT_BOUNDARY));
    else PetscCall(TzPDEAddExactCondition(pde, "terminal", TZ_AT_END));
  }
  if (!pde->shape.nforms && !pde->firstorder) PetscCall(TzPDEAddLaplacian(pde, NULL));
  PetscCheck(!pde->soft || pde->nconditions, comm, PETSC_ERR_USER_INPUT, "-pde_conditions soft: equation %s has no soft conditions; must be hard",
             ((PetscObject)pde)->type_name);
  PetscCheck(!pde->firstorder || !pde->shape.nforms, comm, PETSC_ERR_ARG_WRONGSTATE, "Equation %s is of first order, but has second-order forms",
             ((PetscObject)pde)->type_name);
  PetscCheck(!pde->stationary || !pde->ops->terminal, comm, PETSC_ERR_ARG_WRONGSTATE, "Equation %s has no time: it cannot have a terminal value",
             ((PetscObject)pde)->type_name);
  PetscCheck(pde->ops->residual || pde->ops->residualvalue || pde->ops->residuals, comm, PETSC_ERR_ARG_WRONGSTATE, "Equation %s has no residual",
             ((PetscObject)pde)->type_name);
  for (PetscInt p = 0; p < pde->shape.nforms; p++) field = PetscMax(field, TzFormWorkSize(&pde->shape.form[p], pde->d));
  pde->setupcalled = PETSC_TRUE;
  PetscCall(TzPDEGetTransformSize(pde, &size));
  PetscCall(TzPDEGetSourceSize(pde, &sources));
  PetscCall(PetscMalloc3(size, &pde->work, field, &pde->field, sources, &pde->sources));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* pde->domain from the type's numbers and the options */
static PetscErrorCode Domain(TzPDE pde)
{
  MPI_Comm  comm   = PetscObjectComm((PetscObject)pde);
  TzDomain *domain = &pde->domain;

  PetscFunctionBegin;
  domain->T          = pde->T;
  domain->stationary = pde->stationary;
  if (domain->type != TZ_DOMAIN_BOX) {
    PetscCall(TzDomainSetShell(domain, pde->d, domain->type == TZ_DOMAIN_SHELL ? domain->inner : 0, domain->radius));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(pde->nlo <= 1 || pde->nlo == pde->d, comm, PETSC_ERR_USER_INPUT, "-pde_lo: %" PetscInt_FMT " numbers; must be one, or %" PetscInt_FMT, pde->nlo,
             pde->d);
  PetscCheck(pde->nhi <= 1 || pde->nhi == pde->d, comm, PETSC_ERR_USER_INPUT, "-pde_hi: %" PetscInt_FMT " numbers; must be one, or %" PetscInt_FMT, pde->nhi,
             pde->d);
  PetscCall(TzDomainSetBox(domain, pde->d, pde->nlo ? pde->lolist[0] : pde->lo, pde->nhi ? pde->hilist[0] : pde->hi));
  for (PetscInt i = 0; i < pde->d; i++) {
    if (pde->nlo > 1) domain->lo[i] = pde->lolist[i];
    if (pde->nhi > 1) domain->hi[i] = pde->hilist[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Checks what was set (PETSC_ERR_USER_INPUT for an empty box or no dimension) and makes the shape of the jets */
PetscErrorCode TzPDESetUp(TzPDE pde)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)pde);

  PetscFunctionBegin;
  if (pde->setupcalled) PetscFunctionReturn(PETSC_SUCCESS);
  if (!((PetscObject)pde)->type_name) PetscCall(TzPDESetType(pde, TZPDEHJB));
  PetscCheck(pde->d >= 1, comm, PETSC_ERR_USER_INPUT, "-pde_dim %" PetscInt_FMT ": must be at least 1", pde->d);
  PetscCall(TzMemoryCheck(comm, 8 * (PetscReal)pde->d, "-pde_dim %" PetscInt_FMT, pde->d)); /* bounds, a point, its jet */
  PetscCall(Reset(pde));
  PetscCall(Domain(pde)); /* before setup(), which may want it */
  PetscCall(TzDomainCheck(&pde->domain, comm));
  PetscCall(Shape(pde));
  pde->domain.stationary = pde->stationary; /* which setup() may have decided */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetJetShape(TzPDE pde, const TzJetShape **shape)
{
  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  *shape = &pde->shape;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------- forms of the jets --------------------------------------------------------- */

typedef struct {
  TzPDE      pde;
  TzPDEField field;
} Field;

static PetscErrorCode CallField(void *ctx, const PetscReal z[], PetscReal S[])
{
  const Field *f = (const Field *)ctx;

  PetscFunctionBegin;
  PetscCall((*f->field)(f->pde, z, S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddForm(TzPDE pde, TzFormType type, PetscInt m, const PetscReal S[], TzPDEField field, PetscInt *p)
{
  TzForm form = {.type = type, .m = m, .S = (PetscReal *)S};
  Field *f;

  PetscFunctionBegin;
  if (field) {
    PetscCall(PetscNew(&f));
    f->pde     = pde;
    f->field   = field;
    form.ctx   = f;
    form.field = CallField;
  }
  PetscCall(TzJetShapeAddForm(&pde->shape, &form, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddLaplacian(TzPDE pde, PetscInt *p)
{
  PetscFunctionBegin;
  PetscCall(AddForm(pde, TZ_FORM_LAPLACIAN, 0, NULL, NULL, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddFormDiagonal(TzPDE pde, const PetscReal w[], PetscInt *p)
{
  PetscFunctionBegin;
  PetscCall(AddForm(pde, TZ_FORM_DIAGONAL, 0, w, NULL, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddFormMatrix(TzPDE pde, const PetscReal S[], PetscInt *p)
{
  PetscFunctionBegin;
  PetscCall(AddForm(pde, TZ_FORM_MATRIX, 0, S, NULL, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddFormDiagonalField(TzPDE pde, TzPDEField w, PetscInt *p)
{
  PetscFunctionBegin;
  PetscCall(AddForm(pde, TZ_FORM_DIAGONALFIELD, 0, NULL, w, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddFormMatrixField(TzPDE pde, TzPDEField S, PetscInt *p)
{
  PetscFunctionBegin;
  PetscCall(AddForm(pde, TZ_FORM_MATRIXFIELD, 0, NULL, S, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddFormFactorField(TzPDE pde, PetscInt m, TzPDEField s, PetscInt *p)
{
  PetscFunctionBegin;
  PetscCheck(m >= 1, PetscObjectComm((PetscObject)pde), PETSC_ERR_ARG_OUTOFRANGE, "A factor of a form: must have at least one column");
  PetscCall(AddForm(pde, TZ_FORM_MATRIXFIELD, m, NULL, s, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEAddSecondDerivatives(TzPDE pde, PetscInt *p)
{
  PetscReal *w;

  PetscFunctionBegin;
  if (p) *p = pde->shape.nforms;
  PetscCall(PetscCalloc1(pde->d, &w));
  for (PetscInt i = 0; i < pde->d; i++) {
    w[i] = 1;
    PetscCall(TzPDEAddFormDiagonal(pde, w, NULL));
    w[i] = 0;
  }
  PetscCall(PetscFree(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------------------------------ */

PetscErrorCode TzPDEView(TzPDE pde, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(TzClassViewBegin((PetscObject)pde, &viewer, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzPDESetUp(pde));
  if (pde->formula) PetscCall(PetscViewerASCIIPrintf(viewer, "  %s\n", pde->formula));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  solution: %s\n", !pde->ops->exact ? "not known" : pde->reference ? pde->reference : "known"));
  PetscCall(TzDomainView(&pde->domain, viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  diffusion %g\n", (double)pde->diffusion));
  PetscTryTypeMethod(pde, view, viewer);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEDestroy(TzPDE *pde)
{
  PetscBool last;

  PetscFunctionBegin;
  PetscCall(TzClassRelease(&TzPDEClass, (PetscObject *)pde, &last));
  if (!last) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TzDomainDestroy(&(*pde)->domain));
  PetscCall(PetscFree((*pde)->lolist));
  PetscCall(PetscFree((*pde)->hilist));
  PetscCall(PetscHeaderDestroy(pde));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetDomain(TzPDE pde, const TzDomain **domain)
{
  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  *domain = &pde->domain;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------- transform and residual ----------------------------------------------------- */

PetscErrorCode TzPDEGetTransformSize(TzPDE pde, PetscInt *size)
{
  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  *size = 2 * TzJetSize(&pde->shape) + pde->shape.nforms * pde->d + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The jets of a and b at one point */
static PetscErrorCode TransformAt(TzPDE pde, const PetscReal z[], TzJet *a, TzJet *b)
{
  PetscFunctionBegin;
  if (pde->ops->transform && !pde->soft) {
    PetscUseTypeMethod(pde, transform, z, a, b);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TzJetValue(a) = 1;
  if (!pde->ops->terminal || pde->soft) PetscFunctionReturn(PETSC_SUCCESS);
  TzJetValue(a) = pde->T - z[pde->d];
  TzJetTime(a)  = -1;
  PetscCall(TzPDETerminalJet(pde, z, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzPDETimeLeftCode(TzPDE pde, TzCode code)
{
  TzCodeReal(code, "T", pde->T);
  TzCodePrintf(code, "  *a = T - z[d];\n  da[d] = -1;\n");
}

PetscErrorCode TzPDEBallCode(TzPDE pde, TzCode code)
{
  PetscFunctionBegin;
  TzCodeReal(code, "radius", pde->domain.radius);
  TzCodePrintf(code, "  *a = radius * radius;\n"
                     "  for (int i = 0; i < d; i++) *a -= z[i] * z[i], da[i] = -2 * z[i];\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformCode(TzPDE pde, const char option[], TzCode code, PetscBool *has)
{
  PetscBool done;

  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  *has = (PetscBool)(!pde->soft && (pde->ops->transform || pde->ops->terminal || pde->ops->transforms));
  if (!*has) PetscFunctionReturn(PETSC_SUCCESS);
  if (pde->ops->transformcode) {
    PetscUseTypeMethod(pde, transformcode, code);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TzControlTransformCode(pde, code, &done));
  PetscCheck(done, PetscObjectComm((PetscObject)pde), PETSC_ERR_USER_INPUT,
             "%s: the transform u = a f + b of equation %s with these options cannot be written as C (it has no ops->transformcode)", option,
             ((PetscObject)pde)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ab [n][size] of all points by one call of ops->transforms */
static PetscErrorCode TransformsAt(TzPDE pde, PetscInt n, const PetscReal X[], PetscInt size, PetscReal ab[])
{
  const PetscInt J = TzJetSize(&pde->shape);
  PetscReal     *a, *b;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(n * J, &a, n * J, &b));
  PetscUseTypeMethod(pde, transforms, n, X, a, b);
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PetscArraycpy(ab + i * size, a + i * J, J));
    PetscCall(PetscArraycpy(ab + i * size + J, b + i * J, J));
  }
  PetscCall(PetscFree2(a, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformJets(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal ab[])
{
  const TzJetShape *shape = &pde->shape;
  PetscInt          size, J;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(pde, &size));
  J = TzJetSize(shape);
  PetscCall(PetscArrayzero(ab, n * size));
  if (pde->ops->transforms) PetscCall(TransformsAt(pde, n, X, size, ab));
  for (PetscInt i = 0; i < n; i++, X += TzJetCoordinates(shape), ab += size) {
    TzJet a = TzJetAt(shape, ab), b = TzJetAt(shape, ab + J);

    if (!pde->ops->transforms) PetscCall(TransformAt(pde, X, &a, &b));
    for (PetscInt k = 0; k < pde->d && !ab[size - 1]; k++) ab[size - 1] = TzJetGrad(&a)[k] != 0;
    for (PetscInt p = 0; p < shape->nforms && ab[size - 1]; p++) {
      TzFormAt S;

      PetscCall(TzFormEvaluate(&shape->form[p], pde->d, X, pde->field, &S));
      TzFormApply(&S, TzJetGrad(&a), ab + 2 * J + p * pde->d);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  u = a f + b at one point; S : Hess (a f) = a S : Hess f + 2 (S grad a) . grad f + f S : Hess a; written last to first, so that u may be f. Where a does not
  depend on x (the last number of ab is 0) its gradient, and what is made of it, is not read: memory is what this costs in many dimensions.
*/
static void Combine(const TzJetShape *shape, const PetscReal ab[], const PetscReal f[], PetscReal u[])
{
  const PetscInt   d = shape->d, D = TzJetCoordinates(shape), J = TzJetSize(shape);
  const PetscReal *a = ab, *b = ab + J, *cross = ab + 2 * J, varies = cross[shape->nforms * d];

  for (PetscInt c = D + 1; c < J; c++, cross += d) {
    PetscReal dot = 0;

    for (PetscInt i = 0; i < d && varies; i++) dot += cross[i] * f[1 + i];
    u[c] = a[0] * f[c] + 2 * dot + f[0] * a[c] + b[c];
  }
  for (PetscInt i = varies ? 1 : d + 1; i <= D; i++) u[i] = a[0] * f[i] + a[i] * f[0] + b[i];
  for (PetscInt i = 1; i <= d && !varies; i++) u[i] = a[0] * f[i] + b[i];
  u[0] = a[0] * f[0] + b[0];
}

/* The array ab of `many` points: pde->work has that of one, which is enough where points are transformed one by one */
static PetscErrorCode TransformGetWork(TzPDE pde, PetscInt n, PetscInt *many, PetscReal **ab)
{
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(pde, &size));
  *many = pde->ops->transforms ? PetscMax(n, 1) : 1;
  *ab   = pde->work;
  if (*many > 1) PetscCall(PetscMalloc1(*many * size, ab));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TransformRestoreWork(TzPDE pde, PetscReal **ab)
{
  PetscFunctionBegin;
  if (*ab != pde->work) PetscCall(PetscFree(*ab));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransform(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal fjet[], PetscReal ujet[])
{
  PetscInt   many, J;
  PetscReal *ab;

  PetscFunctionBegin;
  PetscCall(TransformGetWork(pde, n, &many, &ab));
  J = TzJetSize(&pde->shape);
  for (PetscInt p = 0; p < n; p += many) {
    PetscCall(TzPDETransformJets(pde, many, X + p * TzJetCoordinates(&pde->shape), ab));
    PetscCall(TzPDETransformBy(pde, many, ab, fjet + p * J, ujet + p * J));
  }
  PetscCall(TransformRestoreWork(pde, &ab));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformBy(TzPDE pde, PetscInt n, const PetscReal ab[], const PetscReal fjet[], PetscReal ujet[])
{
  PetscInt size, J;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(pde, &size));
  J = TzJetSize(&pde->shape);
  for (PetscInt p = 0; p < n; p++) Combine(&pde->shape, ab + p * size, fjet + p * J, ujet + p * J);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g [J] of one point, by its row of ab */
static void CombineAdjoint(const TzJetShape *shape, const PetscReal ab[], PetscReal g[])
{
  const PetscInt   d = shape->d, D = TzJetCoordinates(shape), J = TzJetSize(shape);
  const PetscReal *a = ab, *cross = ab + 2 * J;
  PetscReal        dot = 0;

  for (PetscInt c = 0; c < J; c++) dot += a[c] * g[c];
  g[0] = dot;
  for (PetscInt c = 1; c <= D; c++) g[c] *= a[0];
  for (PetscInt c = D + 1; c < J; c++, cross += d) {
    for (PetscInt i = 0; i < d; i++) g[1 + i] += 2 * cross[i] * g[c];
    g[c] *= a[0];
  }
}

PetscErrorCode TzPDETransformAdjoint(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal gbar[])
{
  PetscInt   many;
  PetscReal *ab;

  PetscFunctionBegin;
  PetscCall(TransformGetWork(pde, n, &many, &ab));
  for (PetscInt p = 0; p < n; p += many) {
    PetscCall(TzPDETransformJets(pde, many, X + p * TzJetCoordinates(&pde->shape), ab));
    PetscCall(TzPDETransformAdjointBy(pde, many, ab, gbar + p * TzJetSize(&pde->shape)));
  }
  PetscCall(TransformRestoreWork(pde, &ab));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDETransformAdjointBy(TzPDE pde, PetscInt n, const PetscReal ab[], PetscReal gbar[])
{
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetTransformSize(pde, &size));
  for (PetscInt p = 0; p < n; p++) CombineAdjoint(&pde->shape, ab + p * size, gbar + p * TzJetSize(&pde->shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEGetSourceSize(TzPDE pde, PetscInt *size)
{
  PetscFunctionBegin;
  PetscCall(TzPDESetUp(pde));
  *size = pde->ops->source ? pde->nsource : 0;
  for (PetscInt c = 0; c < pde->nconditions; c++) *size = PetscMax(*size, pde->condition[c].value ? 1 : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDESources(TzPDE pde, PetscInt c, PetscInt n, const PetscReal X[], PetscReal s[])
{
  PetscInt size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetSourceSize(pde, &size));
  for (PetscInt p = 0; p < n; p++, X += TzJetCoordinates(&pde->shape), s += size) {
    if (c >= 0) {
      if (pde->condition[c].value) PetscCall((*pde->condition[c].value)(pde, X, s));
    } else if (pde->ops->source) PetscUseTypeMethod(pde, source, X, s);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEResidual(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal ujet[], PetscReal r[], PetscReal dr[])
{
  PetscFunctionBegin;
  PetscCall(TzPDEResidualBy(pde, n, X, NULL, ujet, r, dr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEResidualBy(TzPDE pde, PetscInt n, const PetscReal X[], const PetscReal s[], const PetscReal ujet[], PetscReal r[], PetscReal dr[])
{
  const TzJetShape *shape = &pde->shape;
  PetscInt          D, J, size;

  PetscFunctionBegin;
  PetscCall(TzPDEGetSourceSize(pde, &size));
  D = TzJetCoordinates(shape);
  J = TzJetSize(shape);
  if (dr) PetscCall(PetscArrayzero(dr, n * J));
  if (pde->ops->residuals) {
    PetscUseTypeMethod(pde, residuals, n, X, ujet, r, dr);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt p = 0; p < n; p++, X += D, ujet += J) {
    const TzJet u = TzJetAt(shape, ujet);

    if (!s && pde->ops->source) PetscUseTypeMethod(pde, source, X, pde->sources);
    pde->source = s ? s + p * size : pde->sources;
    if (pde->ops->residual) {
      TzJet jet = TzJetAt(shape, dr + (dr ? p * J : 0));

      PetscUseTypeMethod(pde, residual, X, &u, &r[p], dr ? &jet : NULL);
    } else {
      PetscUseTypeMethod(pde, residualvalue, X, &u, &r[p]);
      if (dr) PetscCall(TzPDEResidualDerivative(pde, X, ujet, dr + p * J));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEHasExact(TzPDE pde, PetscBool *has)
{
  PetscFunctionBegin;
  *has = pde->ops->exact ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzPDEExact(TzPDE pde, PetscInt n, const PetscReal X[], PetscReal u[], PetscReal grad[])
{
  PetscFunctionBegin;
  PetscCheck(pde->ops->exact, PetscObjectComm((PetscObject)pde), PETSC_ERR_SUP, "Equation %s has no exact solution", ((PetscObject)pde)->type_name);
  PetscCall(TzPDESetUp(pde));
  for (PetscInt p = 0; p < n && !TzBusy("exact solution", p, n); p++, X += TzJetCoordinates(&pde->shape))
    PetscUseTypeMethod(pde, exact, X, &u[p], grad ? grad + p * pde->d : NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}
