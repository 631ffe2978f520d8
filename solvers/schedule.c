/*
  Learning rates: a pure function of the step, so that a resumed run needs no state. Options:
    -zo_lr_schedule constant     lr (default)
                    step         lr factor^floor(step / every)
                    exponential  lr factor^(step / every)
                    cosine       min + (lr - min) (1 + cos(pi step / steps)) / 2
                    piecewise    lr, from step -zo_lr_at a,b,... on -zo_lr_values u,v,...
    -zo_lr_factor f   (default 0.5)
    -zo_lr_every k    steps (default 1000)
    -zo_lr_steps n    steps of the cosine (default 0: -tao_max_it)
    -zo_lr_min l      no schedule goes below (default 0)
*/
#include <private/tzzoimpl.h>

const char *const TzScheduleTypes[] = {"constant", "step", "exponential", "cosine", "piecewise", "TzScheduleType", "TZ_LR_", NULL};

static PetscErrorCode PiecewiseFromOptions(TzSchedule *s, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  PetscInt  n = TZ_SCHEDULE_MAX, nvalues = TZ_SCHEDULE_MAX;
  PetscBool at, values;

  PetscFunctionBegin;
  PetscCall(TzOptionsIntArray("-zo_lr_at", "piecewise: steps at which the learning rate changes (ascending, > 0)", "TaoZOSetLoss", s->at, &n, &at));
  PetscCall(TzOptionsRealArray("-zo_lr_values", "piecewise: the learning rates from these steps on (> 0)", "TaoZOSetLoss", s->value, &nvalues, &values));
  if (at || values) {
    PetscCheck(at && values && n == nvalues, comm, PETSC_ERR_USER_INPUT,
               "-zo_lr_at and -zo_lr_values: must have the same number of entries (at most %d), not %" PetscInt_FMT " and %" PetscInt_FMT, TZ_SCHEDULE_MAX,
               at ? n : 0, values ? nvalues : 0);
    for (PetscInt i = 0; i < n; i++) {
      PetscCheck(s->at[i] > (i ? s->at[i - 1] : 0), comm, PETSC_ERR_USER_INPUT, "-zo_lr_at ...%" PetscInt_FMT "...: must be positive and ascending", s->at[i]);
      PetscCheck(s->value[i] > 0 && !PetscIsInfReal(s->value[i]), comm, PETSC_ERR_USER_INPUT, "-zo_lr_values ...%g...: must be positive", (double)s->value[i]);
    }
    s->n = n;
  }
  PetscCheck(s->type != TZ_LR_PIECEWISE || s->n, comm, PETSC_ERR_USER_INPUT, "-zo_lr_schedule piecewise: needs -zo_lr_at and -zo_lr_values");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* s->lr is set: the base rate */
PetscErrorCode TzScheduleSetFromOptions(TzSchedule *s, MPI_Comm comm, TzOptionItems PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(TzOptionsEnum("-zo_lr_schedule", "How the learning rate depends on the step", "TaoZOSetLoss", TzScheduleTypes, (PetscEnum)s->type,
                          (PetscEnum *)&s->type, NULL));
  PetscCall(TzOptionsReal("-zo_lr_factor", "step, exponential: factor of the learning rate (0 < f <= 1)", "TaoZOSetLoss", s->factor, &s->factor, NULL));
  PetscCheck(s->factor > 0 && s->factor <= 1, comm, PETSC_ERR_USER_INPUT, "-zo_lr_factor %g: must be above 0 and at most 1", (double)s->factor);
  PetscCall(TzOptionsInt("-zo_lr_every", "step, exponential: steps per factor (>= 1)", "TaoZOSetLoss", s->every, &s->every, NULL));
  PetscCheck(s->every >= 1, comm, PETSC_ERR_USER_INPUT, "-zo_lr_every %" PetscInt_FMT ": must be at least 1", s->every);
  PetscCall(TzOptionsInt("-zo_lr_steps", "cosine: its length in steps (0: -tao_max_it)", "TaoZOSetLoss", s->steps, &s->steps, NULL));
  PetscCheck(s->steps >= 0, comm, PETSC_ERR_USER_INPUT, "-zo_lr_steps %" PetscInt_FMT ": must not be negative", s->steps);
  PetscCall(TzOptionsReal("-zo_lr_min", "Smallest learning rate of any schedule (0 <= min <= -zo_lr)", "TaoZOSetLoss", s->min, &s->min, NULL));
  PetscCheck(s->min >= 0 && s->min <= s->lr, comm, PETSC_ERR_USER_INPUT, "-zo_lr_min %g: must be between 0 and -zo_lr, %g", (double)s->min, (double)s->lr);
  PetscCall(PiecewiseFromOptions(s, comm, PetscOptionsObject));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal TzScheduleRate(const TzSchedule *s, PetscReal lr, PetscInt step, PetscInt max_it)
{
  const PetscReal scale = lr / s->lr, min = scale * s->min;
  const PetscInt  steps = s->steps ? s->steps : max_it;
  PetscReal       rate  = lr;

  switch (s->type) {
  case TZ_LR_CONSTANT: break;
  case TZ_LR_STEP: rate = lr * PetscPowReal(s->factor, (PetscReal)(step / s->every)); break;
  case TZ_LR_EXPONENTIAL: rate = lr * PetscPowReal(s->factor, (PetscReal)step / s->every); break;
  case TZ_LR_COSINE: rate = step < steps ? min + (lr - min) * (1 + PetscCosReal(PETSC_PI * step / steps)) / 2 : min; break;
  case TZ_LR_PIECEWISE:
    for (PetscInt i = 0; i < s->n && step >= s->at[i]; i++) rate = scale * s->value[i];
    break;
  }
  return PetscMax(rate, min);
}
