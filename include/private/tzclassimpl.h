/*
  What the classes (TzRule, TzPDE, TzDeriv, TzLoss, TzNet, TzRun) share: registration, types found by name, reference counting, the beginning of a view.

  A class is one static TzClass. Its objects are PETSc's (PETSCHEADER first). Types are the rows of a table and what plug-ins register; the constructor of a
  type fills obj->ops and obj->data, of an object that is as new.
*/
#ifndef TZCLASSIMPL_H
#define TZCLASSIMPL_H

#include <tzsys.h>
#include <petscviewer.h>
#include <petsc/private/petscimpl.h>

typedef PetscErrorCode (*TzTypeCreate)(PetscObject);

typedef struct {
  const char  *name;
  TzTypeCreate create;
} TzTypeRow;
#define TZ_TYPE(name, create) \
  { \
    name, (TzTypeCreate)(create) \
  }

typedef struct _TzClass TzClass;
struct _TzClass {
  const char      *name;                /* as PETSc prints it */
  PetscClassId    *id;                  /* 0 until registered */
  const char      *option;              /* that chooses the type, NULL: none does */
  const char      *text;                /* of this option, for -help */
  const TzTypeRow *types;               /* the table; ends with a row without name */
  PetscErrorCode (*events)(void);       /* registers log events; may be NULL */
  PetscErrorCode (*reset)(PetscObject); /* forgets what the type and the set-up made (obj->ops is still the type's), before another type and before the end */
  /* not the class's own: */
  PetscFunctionList list;
  TzClass          *next;
};

/* Class id, events and types of the table; idempotent, also when PETSc is initialised again. Not collective, but every rank has to call it; so the next */
PETSC_EXTERN PetscErrorCode TzClassRegisterAll(TzClass *c);
/* A type more; create: of a function of type PetscErrorCode (*)(TheObject) */
PETSC_EXTERN PetscErrorCode TzClassRegister(TzClass *c, const char name[], TzTypeCreate create);
/* The names of all types; *names is the caller's (PetscFree) */
PETSC_EXTERN PetscErrorCode TzClassGetTypes(TzClass *c, PetscInt *n, const char ***names);
/* Nothing if the object is of this type; PETSC_ERR_USER_INPUT, naming option and types, if there is none of this name */
#define TzClassSetType(c, obj, type) TzClassSetType_Private(c, (PetscObject)(obj), (obj)->ops, sizeof(*(obj)->ops), type)
PETSC_EXTERN PetscErrorCode TzClassSetType_Private(TzClass *c, PetscObject obj, void *ops, size_t size, const char type[]);
/* Between PetscObjectOptionsBegin() and PetscOptionsEnd(): type[64] is what the option says, or the object's type now, or deft */
#define TzClassGetTypeOption(c, obj, deft, type) TzClassGetTypeOption_Private(c, (PetscObject)(obj), PetscOptionsObject, deft, type)
PETSC_EXTERN PetscErrorCode TzClassGetTypeOption_Private(TzClass *c, PetscObject obj, TzOptionItems PetscOptionsObject, const char deft[], char type[64]);
/* A reference less. *last: it was the last one, what the type made is gone, and the caller destroys the rest; otherwise *obj is NULL */
PETSC_EXTERN PetscErrorCode TzClassRelease(TzClass *c, PetscObject *obj, PetscBool *last);
/* *viewer becomes that of stdout if it is NULL. *ascii: it takes text, and class, prefix and type have been printed */
PETSC_EXTERN PetscErrorCode TzClassViewBegin(PetscObject obj, PetscViewer *viewer, PetscBool *ascii);

#endif
