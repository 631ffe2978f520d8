/*
  Whole files, as bytes, on one rank. A file is written beside its name (FILE.part), forced to disk and renamed: who looks sees the old file or the new
  one, never a half. Only regular files are read and replaced. Signals do not disturb: interrupted calls go on, a limit of the file's size
  (SIGXFSZ) is an error as a full disk is.
*/
#include "storeimpl.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGAIN(result, call) \
  do { \
    (result) = (call); \
  } while ((result) < 0 && errno == EINTR)

/* Names of one file: itself (where `file` is a link, what that points to) and what stands beside it */
typedef struct {
  char file[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8], dir[PETSC_MAX_PATH_LEN];
} Names;

static void GetNames(const char file[], Names *n)
{
  struct stat info;
  char       *dir, *real = !lstat(file, &info) && S_ISLNK(info.st_mode) ? realpath(file, NULL) : NULL;

  snprintf(n->file, sizeof(n->file), "%s", real && strlen(real) < sizeof(n->file) ? real : file);
  free(real);
  snprintf(n->part, sizeof(n->part), "%s.part", n->file);
  snprintf(n->dir, sizeof(n->dir), "%s", n->file);
  dir = dirname(n->dir);
  memmove(n->dir, dir, strlen(dir) + 1);
}

/* FILE.part, new: what a broken run left there, or somebody's link, is removed, not followed. -1 with errno */
static int OpenPart(const Names *n)
{
  struct stat info;
  int         fd;

  if (!lstat(n->part, &info) && !S_ISDIR(info.st_mode)) unlink(n->part);
  AGAIN(fd, open(n->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  return fd;
}

PetscBool TzFileSend(int fd, const void *data, size_t size)
{
  ssize_t done;

  for (const char *p = (const char *)data; size; p += done, size -= (size_t)done) {
    AGAIN(done, write(fd, p, PetscMin(size, (size_t)1 << 30)));
    if (done <= 0) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

PetscBool TzFileReceive(int fd, void *data, size_t size, int seconds)
{
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  ssize_t       done;

  for (char *p = (char *)data; size; p += done, size -= (size_t)done) {
    AGAIN(done, poll(&ready, 1, 1000 * seconds));
    if (done <= 0) return PETSC_FALSE;
    AGAIN(done, read(fd, p, size));
    if (done <= 0) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

static PetscBool WriteAll(int fd, const void *data, size_t size)
{
  int err;

  if (!TzFileSend(fd, data, size)) return PETSC_FALSE;
  AGAIN(err, fsync(fd));
  return (PetscBool)!err;
}

/* The new name is on disk when its folder is. Some file systems cannot do that (EINVAL): nothing is lost by asking them */
static PetscBool SyncFolder(const char dir[])
{
  int fd, err, number;

  AGAIN(fd, open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd < 0) return PETSC_FALSE;
  AGAIN(err, fsync(fd));
  number = errno;
  close(fd);
  errno = number;
  return (PetscBool)(!err || number == EINVAL);
}

PetscBool TzFileWrite(const char file[], const void *data, size_t size, size_t len, char reason[])
{
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  struct sigaction       before;
  Names                  n;
  int                    fd, number;
  PetscBool              good;

  reason[0] = 0;
  GetNames(file, &n);
  sigaction(SIGXFSZ, &ignore, &before);
  fd     = OpenPart(&n);
  good   = (PetscBool)(fd >= 0 && WriteAll(fd, data, size));
  number = errno;
  if (fd >= 0 && close(fd) && errno != EINTR && good) {
    good   = PETSC_FALSE;
    number = errno;
  }
  if (good && rename(n.part, n.file)) {
    good   = PETSC_FALSE;
    number = errno;
  }
  sigaction(SIGXFSZ, &before, NULL);
  if (!good) {
    if (fd >= 0) unlink(n.part);
    snprintf(reason, len, "cannot be written (%s)", strerror(number));
  } else if (!SyncFolder(n.dir)) {
    good = PETSC_FALSE;
    snprintf(reason, len, "is written, but its folder cannot be forced to disk (%s)", strerror(errno));
  }
  return good;
}

PetscBool TzFileSame(const char a[], const char b[])
{
  struct stat infoa, infob;

  return (PetscBool)(!stat(a, &infoa) && !stat(b, &infob) && infoa.st_dev == infob.st_dev && infoa.st_ino == infob.st_ino);
}

/* All bytes of an open file of this size; FALSE with the reason */
static PetscBool ReadAll(int fd, size_t size, char *data, size_t len, char reason[])
{
  ssize_t done;

  for (size_t have = 0; have < size; have += (size_t)done) {
    AGAIN(done, read(fd, data + have, PetscMin(size - have, (size_t)1 << 30)));
    if (done <= 0) {
      snprintf(reason, len, "%s", done ? strerror(errno) : "became shorter while it was read");
      return PETSC_FALSE;
    }
  }
  return PETSC_TRUE;
}

PetscBool TzFileRead(const char file[], void **data, size_t *size, size_t len, char reason[])
{
  const char *locking = getenv("HDF5_USE_FILE_LOCKING");
  struct stat info;
  int         fd;

  *data     = NULL;
  *size     = 0;
  reason[0] = 0;
  AGAIN(fd, open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC)); /* a FIFO would wait for a writer */
  if (fd < 0 || fstat(fd, &info)) snprintf(reason, len, "%s", strerror(errno));
  else if (!S_ISREG(info.st_mode)) snprintf(reason, len, "%s", S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
  else if (!info.st_size) snprintf(reason, len, "empty");
  else if (flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK && !(locking && !strcmp(locking, "FALSE")))
    snprintf(reason, len, "another program has it open for writing and holds its lock (HDF5_USE_FILE_LOCKING=FALSE reads it all the same)");
  else if (!(*data = malloc((size_t)info.st_size + 1))) snprintf(reason, len, "no memory for its %lld bytes", (long long)info.st_size);
  else if (ReadAll(fd, (size_t)info.st_size, (char *)*data, len, reason)) *size = (size_t)info.st_size;
  if (fd >= 0) close(fd);
  if (reason[0]) {
    free(*data);
    *data = NULL;
  } else ((char *)*data)[*size] = 0;
  return (PetscBool)!reason[0];
}

/* ------------------------------------------------------------- locks ------------------------------------------------------------- */

/* FILE.lock, locked; -1 where another holds it. File systems without locks: no lock, 0 is the answer's `fd` too */
static int LockRoot(const char lock[], size_t len, char reason[])
{
  struct stat open_, named;
  char        who[128] = "", host[64] = "";
  int         fd;

  for (;;) {
    AGAIN(fd, open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (fd < 0) {
      snprintf(reason, len, "cannot be locked (%s)", strerror(errno));
      return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
      if (errno == EWOULDBLOCK) {
        if (read(fd, who, sizeof(who) - 1) < 0) who[0] = 0;
        who[strcspn(who, "\n")] = 0;
        snprintf(reason, len, "another run writes it%s%s", who[0] ? ": " : "", who);
        close(fd);
        return -1;
      }
      break; /* a file system without locks: as if it were locked */
    }
    if (!fstat(fd, &open_) && !stat(lock, &named) && open_.st_ino == named.st_ino && open_.st_dev == named.st_dev) break;
    close(fd); /* its owner has just removed it */
  }
  gethostname(host, sizeof(host) - 1);
  snprintf(who, sizeof(who), "process %ld on %s\n", (long)getpid(), host);
  if (ftruncate(fd, 0) || write(fd, who, strlen(who)) < 0) who[0] = 0; /* only a message would miss it */
  return fd;
}

/* What forbids to write the file, "" if nothing does; then it is locked */
static int ReserveRoot(const char file[], size_t len, char reason[])
{
  struct stat info;
  Names       n;
  char        lock[PETSC_MAX_PATH_LEN + 8];
  int         fd = -1, part;

  GetNames(file, &n);
  snprintf(lock, sizeof(lock), "%s.lock", n.file);
  if (!file[0] || file[strlen(file) - 1] == '/') snprintf(reason, len, "not the name of a file");
  else if (!stat(file, &info) && !S_ISREG(info.st_mode)) snprintf(reason, len, "not a regular file");
  else if (access(n.dir, W_OK | X_OK)) snprintf(reason, len, "cannot be written (folder: %s)", strerror(errno));
  else if (!access(n.file, F_OK) && access(n.file, W_OK)) snprintf(reason, len, "cannot be written (%s)", strerror(errno));
  else if ((fd = LockRoot(lock, len, reason)) >= 0) {
    part = OpenPart(&n); /* not before it is locked: another run may be writing there */
    if (part < 0) {
      snprintf(reason, len, "cannot be written (%.99s.part: %.99s)", strrchr(n.file, '/') ? strrchr(n.file, '/') + 1 : n.file, strerror(errno));
      unlink(lock);
      close(fd);
    } else {
      close(part);
      unlink(n.part);
    }
  }
  return reason[0] ? -1 : fd;
}

/* Locks that are held when the program ends by an error */
static struct {
  int  fd;
  char lock[PETSC_MAX_PATH_LEN + 8];
} held[8];

static PetscBool atend = PETSC_FALSE; /* whether UnlockAll() will be called */

/* By PetscFinalize(): before MPI ends, because from then on mpirun may end this process when another one has failed */
static PetscErrorCode UnlockAll(void)
{
  PetscFunctionBegin;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(held); i++) {
    if (!held[i].lock[0]) continue;
    unlink(held[i].lock);
    close(held[i].fd);
    held[i].lock[0] = 0;
  }
  atend = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFileReserve(MPI_Comm comm, const char option[], const char file[], int *lock)
{
  char        reason[256] = "";
  Names       n;
  PetscMPIInt rank;

  PetscFunctionBegin;
  *lock = -1;
  if (!atend) PetscCall(PetscRegisterFinalize(UnlockAll));
  atend = PETSC_TRUE;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) *lock = ReserveRoot(file, sizeof(reason), reason);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(held) && *lock >= 0; i++) {
    if (held[i].lock[0]) continue;
    GetNames(file, &n);
    snprintf(held[i].lock, sizeof(held[i].lock), "%s.lock", n.file);
    held[i].fd = *lock;
    break;
  }
  PetscCallMPI(MPI_Bcast(reason, sizeof(reason), MPI_CHAR, 0, comm));
  PetscCheck(!reason[0], comm, PETSC_ERR_FILE_WRITE, "%s %s: %s", option, file, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFileRelease(const char file[], int *lock)
{
  char  name[PETSC_MAX_PATH_LEN + 8];
  Names n;

  PetscFunctionBegin;
  if (*lock < 0) PetscFunctionReturn(PETSC_SUCCESS);
  GetNames(file, &n);
  snprintf(name, sizeof(name), "%s.lock", n.file);
  unlink(name);
  close(*lock);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(held); i++) {
    if (held[i].fd == *lock) held[i].lock[0] = 0;
  }
  *lock = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TzFileKeep(MPI_Comm comm, const char option[], const char file[], char kept[PETSC_MAX_PATH_LEN])
{
  Names       n;
  PetscMPIInt rank;
  int         lost;

  PetscFunctionBegin;
  kept[0] = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    GetNames(file, &n);
    for (int i = 1; i < 1000 && !access(n.file, F_OK); i++) {
      if (i == 1) snprintf(kept, PETSC_MAX_PATH_LEN, "%.4000s~", n.file);
      else snprintf(kept, PETSC_MAX_PATH_LEN, "%.4000s~%d", n.file, i);
      if (!link(n.file, kept)) break; /* the file stays until it is replaced: at no moment is there none */
      if (errno != EEXIST) {
        if (!access(kept, F_OK) || rename(n.file, kept)) kept[0] = 0; /* a file system without links */
        break;
      }
      kept[0] = 0;
    }
  }
  lost = (int)(!rank && !kept[0] && !access(file, F_OK));
  PetscCallMPI(MPI_Bcast(&lost, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(kept, PETSC_MAX_PATH_LEN, MPI_CHAR, 0, comm));
  PetscCheck(!lost, comm, PETSC_ERR_FILE_WRITE, "%s %s: is there already, and cannot be kept as %s~", option, file, file);
  PetscFunctionReturn(PETSC_SUCCESS);
}
