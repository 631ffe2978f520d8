/*
  A device for -net_type process: a network of full matrices with sines, by the order of sums of Tenzo's reference evaluation, so to the same bits as
    -net_format dense -net_layers WIDTHS -net_evaluation reference        (compile with -ffp-contract=off)
    dense WIDTHS [PORT]     as dense 16,12; with a port it listens there, on the loopback address, for one connection after the other
*/
#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK 512 /* rows at a time */
#define MOST  1024

typedef struct {
  char     magic[4];
  uint32_t op; /* 1: hello, 2: bind, 3: forward, 4: close */
  uint64_t bytes;
} Head;

static int    layers, width[16]; /* width[0]: inputs, width[layers]: outputs */
static size_t nparams;

/* All n bytes, in (0) or out (1) */
static int Move(int fd, int out, const void *bytes, size_t n)
{
  for (size_t done = 0; done < n;) {
    char *const   at = (char *)bytes + done;
    const ssize_t m  = out ? write(fd, at, n - done) : read(fd, at, n - done);
    if (m <= 0) return 0;
    done += (size_t)m;
  }
  return 1;
}

static int Answer(int fd, uint32_t op, size_t n, const void *bytes)
{
  const Head head = {{'T', 'Z', 'D', '1'}, op, n};
  return Move(fd, 1, &head, sizeof(head)) && Move(fd, 1, bytes, n);
}

static void Forward(const double theta[], const double x[], double y[])
{
  const double *W = theta, *b = theta + nparams;
  double        a[2][MOST];

  for (int l = 1; l <= layers; l++) b -= width[l]; /* all matrices, then all biases */
  memcpy(a[0], x, sizeof(double) * (size_t)width[0]);
  for (int l = 0; l < layers; l++, b += width[l])
    for (int j = 0; j < width[l + 1]; j++, W += width[l]) {
      double z = 0;
      for (int i = 0; i < width[l]; i++) z += W[i] * a[l % 2][i];
      a[(l + 1) % 2][j] = l + 1 < layers ? sin(z + b[j]) : z + b[j];
    }
  memcpy(y, a[layers % 2], sizeof(double) * (size_t)width[layers]);
}

static void Serve(int in, int out)
{
  double  *theta = NULL, *X = NULL, *Y = NULL;
  uint32_t hello[6]; /* inputs, outputs, rank, ranks, 64 bits of the seed */
  Head     head;

  while (Move(in, 0, &head, sizeof(head)) && !memcmp(head.magic, "TZD1", 4) && head.op != 4) {
    if (head.op == 1 && Move(in, 0, hello, sizeof(hello))) {
      width[0]      = (int)hello[0];
      width[layers] = (int)hello[1];
      nparams       = 0;
      for (int l = 0; l < layers; l++) nparams += (size_t)((width[l] + 1) * width[l + 1]);
      theta = realloc(theta, sizeof(double) * nparams);
      X = realloc(X, sizeof(double) * BLOCK * (hello[0] + hello[1])), Y = X + BLOCK * hello[0];
      if (!Answer(out, 1, 16, (uint64_t[]){nparams, BLOCK})) break;
    } else if (head.op == 2 && Move(in, 0, theta, head.bytes)) {
      if (!Answer(out, 2, 0, NULL)) break;
    } else if (head.op == 3 && Move(in, 0, X, head.bytes)) {
      const size_t n = head.bytes / (sizeof(double) * hello[0]);
      for (size_t p = 0; p < n; p++) Forward(theta, X + p * hello[0], Y + p * hello[1]);
      if (!Answer(out, 3, sizeof(double) * n * hello[1], Y)) break;
    } else break;
  }
  free(theta), free(X);
}

int main(int argc, char **argv)
{
  for (char *s = argc > 1 ? argv[1] : NULL; s && layers < 14; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) width[++layers] = atoi(s);
  layers++;
  if (argc < 3) Serve(STDIN_FILENO, STDOUT_FILENO);
  else {
    const struct sockaddr_in here    = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int                listen_ = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listen_, (const struct sockaddr *)&here, sizeof(here)) || listen(listen_, 16)) return 1;
    for (int fd; (fd = accept(listen_, NULL, NULL)) >= 0; close(fd))
      if (!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) && !fork()) return Serve(fd, fd), 0;
  }
  return 0;
}
