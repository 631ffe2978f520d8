/*
  TzExportC: the source file and its header. The network: layers.c; the transform: the equation says it (ops->transformcode).
*/
#include "export.h"
#include <ctype.h>

/* The transform, and the functions that a user calls */
static PetscErrorCode Functions(TzExporter *e, TzPDE pde, const char option[], const char name[], PetscInt D)
{
  const char *real = e->code->single ? "float" : "double";
  TzCode      code = e->code, text;
  PetscBool   has;
  char       *transform;

  PetscFunctionBegin;
  PetscCall(TzCodeCreate(code->single, &text));
  text->indent = 2;
  PetscCall(TzPDETransformCode(pde, option, text, &has));
  PetscCall(TzCodeGetText(text, &transform));
  code->bytes += text->bytes;
  code->bad = (PetscBool)(code->bad || text->bad);
  PetscCall(TzCodeDestroy(&text));
  if (has)
    TzCodePrintf(code,
                 "\n/* u = a f + b: both and their derivatives da, db [D], all of them 0 on entry */\n"
                 "static void transform(const real *z, real *a, real *da, real *b, real *db)\n{\n  (void)b, (void)db;\n%s}\n"
                 "\n/* u from f; grad [D], or null: that of f, then that of u; da, db [D] */\n"
                 "static real value(const real *z, real f, real *grad, real *da, real *db)\n{\n"
                 "  real a = 0, b = 0;\n"
                 "  for (int i = 0; i < D; i++) da[i] = db[i] = 0;\n"
                 "  transform(z, &a, da, &b, db);\n"
                 "  for (int i = 0; grad && i < D; i++) grad[i] = a * grad[i] + da[i] * f + db[i];\n"
                 "  return a * f + b;\n}\n",
                 transform);
  PetscCall(PetscFree(transform));
  for (int g = 0; g < 2; g++) {
    TzCodePrintf(code, "\n%s %s_%s(const %s z[%s_INPUTS], %s%s%s%s%s work[%s_WORK])\n{\n  real *p = work, *q = p + %" PetscInt64_FMT, real, name,
                 g ? "gradient" : "value", real, name, g ? real : "", g ? " grad[" : "", g ? name : "", g ? "_INPUTS], " : "", real, name, e->buffer);
    if (g || has) TzCodePrintf(code, ", *slope = q + %" PetscInt64_FMT, e->buffer);
    TzCodePrintf(code, ";\n  const real f = network(z, %s, p, q);\n", g ? "slope" : "0");
    if (g) TzCodePrintf(code, "  backward(slope, grad, p, q);\n");
    if (has)
      TzCodePrintf(code, "  return value(z, f, %s, slope + %" PetscInt64_FMT ", slope + %" PetscInt64_FMT ");\n}\n", g ? "grad" : "0", e->slopes,
                   e->slopes + D);
    else TzCodePrintf(code, "  return f;\n}\n");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a [m] of a control problem, after everything else; *m = 0: it is none */
static PetscErrorCode Feedback(TzExporter *e, TzPDE pde, const char option[], const char name[], PetscInt D)
{
  const char *real = e->code->single ? "float" : "double";
  TzCode      code = e->code, text;
  char       *control;

  PetscFunctionBegin;
  PetscCall(TzCodeCreate(code->single, &text));
  text->indent = 2;
  PetscCall(TzPDEControlCode(pde, option, text, &e->controls));
  PetscCall(TzCodeGetText(text, &control));
  code->bytes += text->bytes;
  code->bad = (PetscBool)(code->bad || text->bad);
  PetscCall(TzCodeDestroy(&text));
  if (e->controls)
    TzCodePrintf(code,
                 "\n/* a: the control that minimises the Hamiltonian, by the gradient */\n"
                 "static void control(const real *z, const real *grad, real *a)\n{\n  (void)z;\n%s}\n"
                 "\n%s %s_control(const %s z[%s_INPUTS], %s a[%s_CONTROLS], %s work[%s_WORK])\n{\n"
                 "  real *grad = work + %" PetscInt64_FMT ";\n"
                 "  const real u = %s_gradient(z, grad, work);\n"
                 "  control(z, grad, a);\n"
                 "  return u;\n}\n",
                 control, real, name, real, name, real, name, real, name, 2 * e->buffer + e->slopes + 2 * D, name);
  PetscCall(PetscFree(control));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What both files begin with */
static PetscErrorCode Begin(TzExporter *e, TzPDE pde, const char what[], const char name[], TzCode code)
{
  const char *type;
  PetscInt    d, n;

  PetscFunctionBegin;
  PetscCall(TzPDEGetType(pde, &type));
  PetscCall(TzPDEGetDim(pde, &d));
  PetscCall(TzNetGetNumParameters(e->net, &n));
  TzCodePrintf(code, "/*\n  %s: %s, written by tenzo export %s.\n  Equation %s in %" PetscInt_FMT " dimensions", name, what, TZ_VERSION, type, d);
  if (pde->formula) TzCodePrintf(code, ", %s", pde->formula);
  TzCodePrintf(code, ";\n  a network of %" PetscInt_FMT " parameters (format %s, activation %s).\n", n, TzFormatName(e->net->format), e->net->activation);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Source(TzExporter *e, TzPDE pde, const char option[], const char name[], PetscInt D)
{
  TzCode code = e->code;

  PetscFunctionBegin;
  PetscCall(Begin(e, pde, "the solution of an equation", name, code));
  TzCodePrintf(code,
               "  C99; nothing but functions of <math.h> is needed, no memory is allocated and no state is kept.\n*/\n"
               "#include \"%s.h\"\n#include <math.h>\n\n"
               "typedef %s real;\n"
               "#define K(constant) constant%s\n"
               "#define M(function) function%s\n"
               "enum { d = %" PetscInt_FMT ", D = %" PetscInt_FMT " };\n",
               name, code->single ? "float" : "double", code->single ? "##f" : "", code->single ? "##f" : "", pde->d, D);
  PetscCall(TzExportLayers(e));
  PetscCall(Functions(e, pde, option, name, D));
  PetscCall(Feedback(e, pde, option, name, D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Header(TzExporter *e, TzPDE pde, const char name[], PetscInt D, PetscInt64 work, TzCode code)
{
  const char *real = code->single ? "float" : "double";

  PetscFunctionBegin;
  PetscCall(Begin(e, pde, "value and gradient of the solution of an equation", name, code));
  TzCodePrintf(code,
               "  %" PetscInt64_FMT " bytes of constants, %" PetscInt64_FMT " of work, which the caller lends: its content means nothing between calls.\n*/\n"
               "#ifndef %s_H\n#define %s_H\n\n"
               "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
               "#define %s_INPUTS %" PetscInt_FMT " /* z: x_1 .. x_%" PetscInt_FMT "%s */\n"
               "#define %s_WORK   %" PetscInt64_FMT " /* numbers */\n",
               e->code->bytes, work * (code->single ? 4 : 8), name, name, name, D, pde->d, pde->stationary ? "" : ", t", name, work);
  if (e->controls) TzCodePrintf(code, "#define %s_CONTROLS %" PetscInt_FMT " /* a */\n", name, e->controls);
  TzCodePrintf(code,
               "\n/* u(z) */\n%s %s_value(const %s z[%s_INPUTS], %s work[%s_WORK]);\n"
               "/* u(z), and its derivatives in the coordinates z */\n%s %s_gradient(const %s z[%s_INPUTS], %s grad[%s_INPUTS], %s work[%s_WORK]);\n",
               real, name, real, name, real, name, real, name, real, name, real, name, real, name);
  if (e->controls)
    TzCodePrintf(
      code, "/* u(z), and the control a that it implies at z: the feedback */\n%s %s_control(const %s z[%s_INPUTS], %s a[%s_CONTROLS], %s work[%s_WORK]);\n",
      real, name, real, name, real, name, real, name);
  TzCodePrintf(code, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(MPI_Comm comm, const char option[], const char name[], TzNet net, PetscInt D)
{
  PetscBool good = (PetscBool)isalpha((unsigned char)name[0]);
  PetscInt  in, out;

  PetscFunctionBegin;
  for (const char *c = name; *c; c++) good = (PetscBool)(good && (isalnum((unsigned char)*c) || *c == '_'));
  PetscCheck(good, comm, PETSC_ERR_USER_INPUT, "%s: \"%s\" must be a name of C, letters, digits and _, since it becomes that of the functions", option, name);
  PetscCall(TzNetGetIO(net, &in, &out));
  PetscCheck(in == D && out == 1, comm, PETSC_ERR_ARG_SIZ,
             "a network with %" PetscInt_FMT " inputs and %" PetscInt_FMT " outputs; must have %" PetscInt_FMT " and 1", in, out, D);
  PetscCheck(!net->shell, comm, PETSC_ERR_USER_INPUT, "%s: a network of type %s cannot be written as C: only its library knows what it computes", option,
             ((PetscObject)net)->type_name);
  for (PetscInt l = 0; l < net->nhidden; l++)
    PetscCheck(net->act[l]->ops.code, comm, PETSC_ERR_USER_INPUT, "%s: activation %s cannot be written as C (its row says no code)", option, net->act[l]->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzExportC(TzNet net, TzPDE pde, const PetscReal theta[], const char option[], const char name[], PetscBool single, TzExport *result)
{
  TzExporter        e = {.net = net, .theta = theta};
  const TzJetShape *shape;
  TzCode            header;
  PetscInt          D;
  PetscInt64        work;

  PetscFunctionBegin;
  PetscCall(TzNetSetUp(net));
  PetscCall(TzPDEGetJetShape(pde, &shape));
  D = TzJetCoordinates(shape);
  PetscCall(Check(PetscObjectComm((PetscObject)net), option, name, net, D));
  PetscCall(TzCodeCreate(single, &e.code));
  PetscCall(TzCodeCreate(single, &header));
  PetscCall(Source(&e, pde, option, name, D));
  work = 2 * e.buffer + e.slopes + (e.controls ? 3 : 2) * D;
  PetscCall(Header(&e, pde, name, D, work, header));
  PetscCheck(!e.code->bad, PetscObjectComm((PetscObject)net), PETSC_ERR_USER_INPUT, "%s: a number is not finite%s", option,
             single ? ", or too large for -export_precision float" : "");
  result->constants = e.code->bytes;
  result->work      = work * (single ? 4 : 8);
  result->value     = e.product;
  result->gradient  = 2 * e.product;
  PetscCall(TzCodeGetText(e.code, &result->source));
  PetscCall(TzCodeGetText(header, &result->header));
  PetscCall(TzCodeDestroy(&e.code));
  PetscCall(TzCodeDestroy(&header));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzExportReset(TzExport *result)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(result->source));
  PetscCall(PetscFree(result->header));
  PetscFunctionReturn(PETSC_SUCCESS);
}
