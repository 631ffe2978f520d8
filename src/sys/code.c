/* C text: see private/tzcode.h. */
#include <private/tzcode.h>
#include <float.h>
#include <stdarg.h>
#include <stdlib.h>

#define COLUMNS 150 /* of lines of numbers */

PetscErrorCode TzCodeCreate(PetscBool single, TzCode *newcode)
{
  TzCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(&code));
  code->single = single;
  code->f      = open_memstream(&code->text, &code->size);
  PetscCheck(code->f, PETSC_COMM_SELF, PETSC_ERR_SYS, "open_memstream failed");
  *newcode = code;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCodeDestroy(TzCode *code)
{
  PetscFunctionBegin;
  if (!*code) PetscFunctionReturn(PETSC_SUCCESS);
  fclose((*code)->f);
  free((*code)->text);
  PetscCall(PetscFree(*code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzCodeGetText(TzCode code, char **text)
{
  PetscFunctionBegin;
  PetscCheck(!fflush(code->f) && !ferror(code->f), PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %g bytes of C text", (double)code->size);
  PetscCall(PetscStrallocpy(code->text, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TzCodePrintf(TzCode code, const char format[], ...)
{
  va_list args;

  va_start(args, format);
  vfprintf(code->f, format, args);
  va_end(args);
}

/* A constant of the type real, with all its digits; returns the number of characters */
static int Constant(TzCode code, PetscReal x)
{
  char text[48];

  if (PetscIsInfOrNanReal(x) || (code->single && PetscAbsReal(x) > FLT_MAX)) code->bad = PETSC_TRUE;
  snprintf(text, sizeof(text), code->single ? "%.9g" : "%.17g", (double)x);
  return fprintf(code->f, "%s%s%s", text, strpbrk(text, ".en") ? "" : ".0", code->single ? "f" : "");
}

void TzCodeReal(TzCode code, const char name[], PetscReal x)
{
  fprintf(code->f, "  const real %s = ", name);
  (void)Constant(code, x);
  fprintf(code->f, ";\n");
}

void TzCodeReals(TzCode code, const char name[], PetscInt n, const PetscReal x[])
{
  int column = COLUMNS;

  fprintf(code->f, "%*sstatic const real %s[%" PetscInt_FMT "] = {", code->indent, "", name, n);
  for (PetscInt i = 0; i < n; i++) {
    if (column >= COLUMNS) column = fprintf(code->f, "\n%*s", code->indent + 2, "");
    column += Constant(code, x[i]);
    if (i < n - 1) column += fprintf(code->f, ", ");
  }
  fprintf(code->f, "};\n");
  code->bytes += (PetscInt64)n * (code->single ? 4 : 8);
}

void TzCodeInts(TzCode code, const char name[], PetscBool wide, PetscInt n, const PetscInt i[])
{
  int column = COLUMNS;

  fprintf(code->f, "%*sstatic const unsigned %s %s[%" PetscInt_FMT "] = {", code->indent, "", wide ? "long" : "short", name, n);
  for (PetscInt k = 0; k < n; k++) {
    if (column >= COLUMNS) column = fprintf(code->f, "\n%*s", code->indent + 2, "");
    column += fprintf(code->f, "%" PetscInt_FMT "%s", i[k], k < n - 1 ? ", " : "");
  }
  fprintf(code->f, "};\n");
  code->bytes += (PetscInt64)n * (wide ? 4 : 2);
}
