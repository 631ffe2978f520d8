/*
  Answers of a device that are damaged, for -net_type process: each is an error of one line or does no harm; none crashes Tenzo, hangs it, or is taken for
  values.
    fuzz_process TRIES [FIRST [TIMEOUT]]       TIMEOUT: seconds in which a device, this program, has started (2)
  It is its own device: with -device SEED it answers as that of f(x) = theta . x, but for one answer.
*/
#include <tenzo.h>
#include <math.h>
#include <unistd.h>

#define IN      3
#define N       4
#define SECONDS 20 /* a try that takes longer hangs */

typedef struct {
  char     magic[4];
  uint32_t op;
  uint64_t bytes;
} Head;

static uint64_t random_;

static uint64_t Random(uint64_t n) /* below n; xorshift (Marsaglia 2003) */
{
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_ % n;
}

static int Read(void *to, size_t n)
{
  return fread(to, 1, n, stdin) == n;
}

/* An answer of head and data, size bytes in all, with something wrong; *size may change, up to most */
static void Damage(unsigned char message[], size_t *size, size_t most)
{
  Head        *head    = (Head *)message;
  const double wrong[] = {NAN, INFINITY, -INFINITY, 1e308};

  switch (Random(8)) {
  case 0: /* bytes, anywhere */
    for (uint64_t i = Random(8) + 1; i; i--) message[Random(*size)] = (unsigned char)Random(256);
    break;
  case 1: /* a bit of the head */ message[Random(sizeof(Head))] ^= (unsigned char)(1 << Random(8)); break;
  case 2: /* it ends early */ *size = Random(*size); break;
  case 3: /* more than announced */
    for (; *size < most && Random(20); ++*size) message[*size] = (unsigned char)Random(256);
    break;
  case 4: /* another size announced */ head->bytes = Random(2) ? Random(100) : UINT64_MAX >> Random(64); break;
  case 5: /* another request, or an error that is no text */ head->op = Random(2) ? 255 : (uint32_t)Random(300); break;
  case 6: /* no numbers */
    if (*size >= sizeof(Head) + 8) memcpy(message + sizeof(Head) + 8 * Random((*size - sizeof(Head)) / 8), &wrong[Random(4)], 8);
    break;
  default: /* noise */
    for (size_t i = 0; i < *size; i++) message[i] = (unsigned char)Random(256);
  }
}

static int Device(uint64_t seed)
{
  unsigned char message[4096];
  double        theta[IN] = {0}, x[N * IN];
  uint32_t      hello[6];
  Head          head;
  uint64_t      bad;

  random_ = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
  bad     = Random(4); /* the answer that is damaged: hello, bind or one of two forwards */
  for (uint64_t k = 0; Read(&head, sizeof(head)) && head.op != 4; k++) {
    size_t size = sizeof(Head);

    if (head.op == 1 && Read(hello, sizeof(hello))) {
      memcpy(message + size, (uint64_t[]){IN, 0}, 16);
      size += 16;
    } else if (head.op == 2) {
      if (!Read(theta, sizeof(theta))) return 1;
    } else if (head.op == 3 && head.bytes <= sizeof(x) && Read(x, head.bytes)) {
      for (size_t p = 0; p < head.bytes / sizeof(double) / IN; p++, size += 8) {
        const double y = theta[0] * x[IN * p] + theta[1] * x[IN * p + 1] + theta[2] * x[IN * p + 2];

        memcpy(message + size, &y, 8);
      }
    } else return 1;
    memcpy(message, &(Head){{'T', 'Z', 'D', '1'}, head.op, size - sizeof(Head)}, sizeof(Head));
    if (k == bad) Damage(message, &size, sizeof(message));
    fwrite(message, 1, size, stdout);
    fflush(stdout);
    if (k == bad && Random(2)) return 0; /* half of them go: the others keep silent where more is awaited */
  }
  return 0;
}

/* One run: hello, bind, two forwards; *right: it gave values */
static PetscErrorCode Use(PetscReal *Y)
{
  const PetscReal X[N * IN] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
  PetscReal      *theta     = NULL;
  PetscInt        n         = 0; /* IN, or what a damaged answer says */
  TzNet           net;
  TzNetEval       eval = NULL;
  PetscErrorCode  code;

  PetscFunctionBegin;
  PetscCall(TzNetCreate(PETSC_COMM_SELF, &net));
  PetscCall(TzNetSetIO(net, IN, 1));
  PetscCall(TzNetSetFromOptions(net));
  code = TzNetEvalCreate(net, &eval);
  if (!code) code = TzNetGetNumParameters(net, &n);
  if (!code) code = PetscCalloc1(n, &theta);
  for (PetscInt i = 0; i < PetscMin(n, IN); i++) theta[i] = i + 1;
  if (!code) code = TzNetEvalBind(eval, theta);
  for (int k = 0; k < 2 && !code; k++) code = TzNetEvalForward(eval, N, X, Y);
  PetscCall(PetscFree(theta));
  PetscCall(TzNetEvalDestroy(&eval));
  PetscCall(TzNetDestroy(&net));
  PetscFunctionReturn(code);
}

int main(int argc, char **argv)
{
  const long    tries = argc > 1 ? atol(argv[1]) : 100, first = argc > 2 ? atol(argv[2]) : 0;
  const double  timeout = argc > 3 ? atof(argv[3]) : 2;
  long          errors = 0, values = 0, bad = 0;
  char          command[2048], self[1024];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

  if (argc > 2 && !strcmp(argv[1], "-device")) return Device((uint64_t)atol(argv[2]));
  if (length < 0 || TzInitialize(&(int){1}, &(char **){argv}, NULL)) return 2;
  self[length] = 0;
  (void)PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  if (!freopen("/dev/null", "w", stderr)) return 2; /* what is said of restarts */
  for (long i = first; i < first + tries; i++) {
    PetscReal      Y[N] = {0};
    PetscErrorCode code;

    snprintf(command, sizeof(command), "%s -device %ld", self, i);
    (void)PetscOptionsClear(NULL);
    (void)PetscOptionsInsertString(NULL, i % 2 ? "-tz_device_restarts 1" : "-tz_device_restarts 0");
    (void)PetscOptionsInsertString(NULL, "-net_type process");
    (void)PetscOptionsSetValue(NULL, "-net_command", command);
    snprintf(command, sizeof(command), "%g", timeout);
    (void)PetscOptionsSetValue(NULL, "-tz_device_timeout", command);
    alarm(SECONDS);
    code = Use(Y);
    alarm(0);
    if (code == PETSC_ERR_USER_INPUT) errors++;
    else if (!code && isfinite(Y[0] + Y[1] + Y[2] + Y[3])) values++;
    else {
      bad++;
      printf("fuzz_process: seed %ld: code %d\n", i, (int)code);
    }
  }
  printf("fuzz_process: %ld answers: %ld errors, %ld without consequence, %ld bad\n", tries, errors, values, bad);
  return TzFinalize() || bad || (!values && tries >= 100); /* where none is without consequence the device did not come up in time: nothing was tried */
}
