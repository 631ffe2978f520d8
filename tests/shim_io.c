/*
  For tests/e2e_slips.sh (LD_PRELOAD): a disk that misbehaves. While the file $SHIM_FULL exists, nothing can be written to a name ending in .part; with
  $SHIM_FOLDER a folder cannot be forced to disk; with $SHIM_INTERRUPT every second call is interrupted by a signal.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int part(int fd)
{
  char    link[64], name[4096];
  ssize_t n;

  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  n = readlink(link, name, sizeof(name) - 1);
  if (n < 5) return 0;
  name[n] = 0;
  return !strcmp(name + n - 5, ".part");
}

static int interrupted(void)
{
  static int calls = 0;

  return getenv("SHIM_INTERRUPT") && ++calls % 2;
}

ssize_t write(int fd, const void *data, size_t size)
{
  ssize_t (*real)(int, const void *, size_t);
  const char *full = getenv("SHIM_FULL");

  *(void **)&real = dlsym(RTLD_NEXT, "write");
  if (part(fd)) {
    if (full && !access(full, F_OK)) {
      errno = ENOSPC;
      return size > 4096 ? real(fd, data, 4096) : -1; /* some of it still fits */
    }
    if (interrupted()) {
      errno = EINTR;
      return -1;
    }
  }
  return real(fd, data, size);
}

int fsync(int fd)
{
  int (*real)(int);
  struct stat info;

  *(void **)&real = dlsym(RTLD_NEXT, "fsync");
  if (getenv("SHIM_FOLDER") && !fstat(fd, &info) && S_ISDIR(info.st_mode)) {
    errno = EIO;
    return -1;
  }
  if (interrupted()) {
    errno = EINTR;
    return -1;
  }
  return real(fd);
}
