/* Chooses the kernels of this machine; the table of angles that they share. */
#include <private/tzkernels.h>
#include <stdlib.h>
#include <string.h>

_Alignas(64) const double TzTurn[64][2] = {
  {0, 1},
  {0.0980171403295606, 0.9951847266721969},
  {0.19509032201612828, 0.9807852804032304},
  {0.2902846772544624, 0.9569403357322088},
  {0.3826834323650898, 0.9238795325112867},
  {0.47139673682599764, 0.881921264348355},
  {0.5555702330196022, 0.8314696123025452},
  {0.6343932841636455, 0.773010453362737},
  {0.7071067811865476, 0.7071067811865476},
  {0.773010453362737, 0.6343932841636455},
  {0.8314696123025452, 0.5555702330196022},
  {0.881921264348355, 0.47139673682599764},
  {0.9238795325112867, 0.3826834323650898},
  {0.9569403357322088, 0.2902846772544624},
  {0.9807852804032304, 0.19509032201612828},
  {0.9951847266721969, 0.0980171403295606},
  {1, 0},
  {0.9951847266721969, -0.0980171403295606},
  {0.9807852804032304, -0.19509032201612828},
  {0.9569403357322088, -0.2902846772544624},
  {0.9238795325112867, -0.3826834323650898},
  {0.881921264348355, -0.47139673682599764},
  {0.8314696123025452, -0.5555702330196022},
  {0.773010453362737, -0.6343932841636455},
  {0.7071067811865476, -0.7071067811865476},
  {0.6343932841636455, -0.773010453362737},
  {0.5555702330196022, -0.8314696123025452},
  {0.47139673682599764, -0.881921264348355},
  {0.3826834323650898, -0.9238795325112867},
  {0.2902846772544624, -0.9569403357322088},
  {0.19509032201612828, -0.9807852804032304},
  {0.0980171403295606, -0.9951847266721969},
  {0, -1},
  {-0.0980171403295606, -0.9951847266721969},
  {-0.19509032201612828, -0.9807852804032304},
  {-0.2902846772544624, -0.9569403357322088},
  {-0.3826834323650898, -0.9238795325112867},
  {-0.47139673682599764, -0.881921264348355},
  {-0.5555702330196022, -0.8314696123025452},
  {-0.6343932841636455, -0.773010453362737},
  {-0.7071067811865476, -0.7071067811865476},
  {-0.773010453362737, -0.6343932841636455},
  {-0.8314696123025452, -0.5555702330196022},
  {-0.881921264348355, -0.47139673682599764},
  {-0.9238795325112867, -0.3826834323650898},
  {-0.9569403357322088, -0.2902846772544624},
  {-0.9807852804032304, -0.19509032201612828},
  {-0.9951847266721969, -0.0980171403295606},
  {-1, 0},
  {-0.9951847266721969, 0.0980171403295606},
  {-0.9807852804032304, 0.19509032201612828},
  {-0.9569403357322088, 0.2902846772544624},
  {-0.9238795325112867, 0.3826834323650898},
  {-0.881921264348355, 0.47139673682599764},
  {-0.8314696123025452, 0.5555702330196022},
  {-0.773010453362737, 0.6343932841636455},
  {-0.7071067811865476, 0.7071067811865476},
  {-0.6343932841636455, 0.773010453362737},
  {-0.5555702330196022, 0.8314696123025452},
  {-0.47139673682599764, 0.881921264348355},
  {-0.3826834323650898, 0.9238795325112867},
  {-0.2902846772544624, 0.9569403357322088},
  {-0.19509032201612828, 0.9807852804032304},
  {-0.0980171403295606, 0.9951847266721969},
};

static int Always(void)
{
  return 1;
}

#if defined(__x86_64__)
static int HasAVX2(void)
{
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int HasAVX512(void)
{
  return HasAVX2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

PETSC_INTERN const TzKernels *TzKernelsCounted(const TzKernels *); /* the same, counting their operations (counted.c) */

PETSC_INTERN const TzKernels TzKernels_AVX512, TzKernels_AVX2, TzKernels_NEON, TzKernels_Base;

/* all sets of this kind of processor, the best first: who runs one runs those behind it */
static const struct {
  const TzKernels *kernels;
  int (*runs)(void);
} sets[] = {
#if defined(__x86_64__)
  {&TzKernels_AVX512, HasAVX512},
  {&TzKernels_AVX2, HasAVX2},
#elif defined(__aarch64__)
  {&TzKernels_NEON, Always}, /* part of every such processor */
#endif
  {&TzKernels_Base, Always},
};
#define NSETS ((int)PETSC_STATIC_ARRAY_LENGTH(sets))

static const TzKernels *chosen = NULL;

const TzKernels *TzKernelsEach(PetscInt i)
{
  for (int k = 0; k < NSETS; k++)
    if ((*sets[k].runs)() && !i--) return sets[k].kernels;
  return NULL;
}

const TzKernels *TzKernelsFind(const char name[])
{
  for (int k = 0; k < NSETS; k++)
    if ((*sets[k].runs)() && !strcmp(name, sets[k].kernels->name)) return sets[k].kernels;
  return NULL;
}

const TzKernels *TzKernelsGet(void)
{
  if (!chosen) chosen = TzKernelsEach(0);
  return chosen;
}

PetscErrorCode TzKernelsSetFromEnvironment(MPI_Comm comm)
{
  const char *wanted      = getenv("TENZO_ISA");
  char        allowed[64] = "", value[64] = "";
  PetscBool   logs;
  int         best = NSETS, asked = -1, last, rank, size, wrong; /* numbers of sets: the best that runs here, that of TENZO_ISA */

  PetscFunctionBegin;
  for (int i = NSETS - 1; i >= 0; i--)
    if ((*sets[i].runs)()) best = i;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &best, 1, MPI_INT, MPI_MAX, comm));
  if (wanted)
    for (asked = best; asked < NSETS && strcmp(wanted, sets[asked].kernels->name);) asked++;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  wrong = asked == NSETS ? rank : size; /* the first rank that asks for what there is not tells the others */
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT, MPI_MIN, comm));
  if (wrong < size) {
    if (wrong == rank) PetscCall(PetscStrncpy(value, wanted, sizeof(value)));
    PetscCallMPI(MPI_Bcast(value, sizeof(value), MPI_CHAR, wrong, comm));
    for (int i = best; i < NSETS; i++) {
      if (i > best) PetscCall(PetscStrlcat(allowed, ", ", sizeof(allowed)));
      PetscCall(PetscStrlcat(allowed, sets[i].kernels->name, sizeof(allowed)));
    }
    SETERRQ(comm, PETSC_ERR_USER_INPUT, "TENZO_ISA=%s: must be one of %s on these processors", value, allowed);
  }
  last = PetscMax(best, asked);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &last, 1, MPI_INT, MPI_MAX, comm));
  chosen = sets[last].kernels;
  PetscCall(PetscLogIsActive(&logs));
  if (logs) chosen = TzKernelsCounted(chosen);
  PetscFunctionReturn(PETSC_SUCCESS);
}
