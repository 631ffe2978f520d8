/* Domains: bounds, faces and normals. Points on them are drawn in sampler.c. */
#include <tzdomain.h>
#include <petscviewer.h>

const char *const TzDomainTypes[] = {"box", "ball", "shell", "TzDomainType", "TZ_DOMAIN_", NULL};

static PetscErrorCode SetBounds(TzDomain *domain, PetscInt d, PetscReal lo, PetscReal hi)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(domain->lo, domain->hi));
  PetscCall(PetscMalloc2(d, &domain->lo, d, &domain->hi));
  for (PetscInt i = 0; i < d; i++) {
    domain->lo[i] = lo;
    domain->hi[i] = hi;
  }
  domain->d = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDomainSetBox(TzDomain *domain, PetscInt d, PetscReal lo, PetscReal hi)
{
  PetscFunctionBegin;
  domain->type = TZ_DOMAIN_BOX;
  PetscCall(SetBounds(domain, d, lo, hi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDomainSetShell(TzDomain *domain, PetscInt d, PetscReal inner, PetscReal radius)
{
  PetscFunctionBegin;
  domain->type   = inner > 0 ? TZ_DOMAIN_SHELL : TZ_DOMAIN_BALL;
  domain->inner  = inner;
  domain->radius = radius;
  PetscCall(SetBounds(domain, d, -radius, radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDomainCopy(const TzDomain *from, TzDomain *to)
{
  PetscReal *lo, *hi;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(from->d, &lo, from->d, &hi));
  PetscCall(PetscArraycpy(lo, from->lo, from->d));
  PetscCall(PetscArraycpy(hi, from->hi, from->d));
  PetscCall(TzDomainDestroy(to));
  *to    = *from;
  to->lo = lo;
  to->hi = hi;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDomainDestroy(TzDomain *domain)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(domain->lo, domain->hi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDomainView(const TzDomain *domain, PetscViewer viewer)
{
  PetscBool same = PETSC_TRUE;

  PetscFunctionBegin;
  for (PetscInt i = 1; i < domain->d; i++) same = (PetscBool)(same && domain->lo[i] == domain->lo[0] && domain->hi[i] == domain->hi[0]);
  if (domain->type == TZ_DOMAIN_BALL) PetscCall(PetscViewerASCIIPrintf(viewer, "  |x| <= %g in R^%" PetscInt_FMT, (double)domain->radius, domain->d));
  else if (domain->type == TZ_DOMAIN_SHELL)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  %g <= |x| <= %g in R^%" PetscInt_FMT, (double)domain->inner, (double)domain->radius, domain->d));
  else
    PetscCall(
      PetscViewerASCIIPrintf(viewer, "  x in [%g, %g]%s^%" PetscInt_FMT, (double)domain->lo[0], (double)domain->hi[0], same ? "" : " x ... in R", domain->d));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_FALSE));
  if (!domain->stationary) PetscCall(PetscViewerASCIIPrintf(viewer, ", t in [0, %g]", (double)domain->T));
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscCall(PetscViewerASCIIUseTabs(viewer, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzDomainCheck(const TzDomain *domain, MPI_Comm comm)
{
  PetscFunctionBegin;
  if (domain->type == TZ_DOMAIN_BOX) {
    for (PetscInt i = 0; i < domain->d; i++)
      PetscCheck(PetscIsNormalReal(domain->hi[i] - domain->lo[i]) && domain->lo[i] < domain->hi[i], comm, PETSC_ERR_USER_INPUT,
                 "-pde_lo %g -pde_hi %g: must be finite, the first less than the second", (double)domain->lo[i], (double)domain->hi[i]);
  } else {
    PetscCheck(PetscIsNormalReal(domain->radius) && domain->radius > 0, comm, PETSC_ERR_USER_INPUT, "-pde_radius %g: must be positive", (double)domain->radius);
    PetscCheck(domain->type == TZ_DOMAIN_BALL || (domain->inner > 0 && domain->inner < domain->radius), comm, PETSC_ERR_USER_INPUT,
               "-pde_inner %g -pde_radius %g: must be positive, the first less than the second", (double)domain->inner, (double)domain->radius);
  }
  PetscCheck(domain->stationary || (PetscIsNormalReal(domain->T) && domain->T > 0), comm, PETSC_ERR_USER_INPUT, "-pde_T %g: must be positive",
             (double)domain->T);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TzDomainContains(const TzDomain *domain, const PetscReal z[])
{
  const PetscReal slack  = 1e-12; /* of the size: a point that was computed as one of the boundary belongs to the domain */
  PetscReal       square = 0;

  if (!domain->stationary && !(z[domain->d] >= -slack * domain->T && z[domain->d] <= domain->T * (1 + slack))) return PETSC_FALSE;
  for (PetscInt i = 0; i < domain->d; i++) {
    const PetscReal room = slack * (domain->hi[i] - domain->lo[i]);

    if (!(z[i] >= domain->lo[i] - room && z[i] <= domain->hi[i] + room)) return PETSC_FALSE;
    square += z[i] * z[i];
  }
  if (domain->type == TZ_DOMAIN_BOX) return PETSC_TRUE;
  return (PetscBool)(square <= PetscSqr(domain->radius) * (1 + 2 * slack) &&
                     (domain->type == TZ_DOMAIN_BALL || square >= PetscSqr(domain->inner) * (1 - 2 * slack)));
}

PetscInt TzDomainNumFaces(const TzDomain *domain)
{
  return domain->type == TZ_DOMAIN_BOX ? 2 * domain->d : domain->type == TZ_DOMAIN_BALL ? 1 : 2;
}

PetscErrorCode TzDomainNormal(const TzDomain *domain, PetscInt face, const PetscReal x[], PetscReal normal[])
{
  PetscReal square = 0, sign;

  PetscFunctionBegin;
  PetscCheck(face >= 0 && face < TzDomainNumFaces(domain), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "face %" PetscInt_FMT " of %" PetscInt_FMT, face,
             TzDomainNumFaces(domain));
  if (domain->type == TZ_DOMAIN_BOX) {
    PetscCall(PetscArrayzero(normal, domain->d));
    normal[face / 2] = face % 2 ? 1 : -1;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt i = 0; i < domain->d; i++) square += x[i] * x[i];
  sign = domain->type == TZ_DOMAIN_SHELL && face == 0 ? -1 : 1;
  for (PetscInt i = 0; i < domain->d; i++) normal[i] = sign * x[i] / PetscSqrtReal(square);
  PetscFunctionReturn(PETSC_SUCCESS);
}
