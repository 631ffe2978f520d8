/*
  Starting, asking and ending a program. Nothing here waits longer than it is told, nor is killed by a program that has gone (no SIGPIPE: a socket in place
  of pipes).
*/
#include "child.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

PetscBool TzChildFail(TzChild *child, const char format[], ...)
{
  va_list args;

  va_start(args, format);
  (void)vsnprintf(child->why, sizeof(child->why), format, args);
  va_end(args);
  return PETSC_FALSE;
}

/* The other end of the socket as standard input and output, Tenzo's handling of signals undone */
static int Spawn(TzChild *child, int fd, const char command[])
{
  char                       text[4200];
  char *const                argv[] = {(char *)"sh", (char *)"-c", text, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t          attributes;
  sigset_t                   none, all;
  pid_t                      pid = 0;
  int                        code;

  /* a single command in place of the shell: then its end is seen as it is */
  (void)snprintf(text, sizeof(text), "%s%s", strpbrk(command, ";|&<>()\n") ? "" : "exec ", command);
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  code = posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  child->pid = code ? 0 : (int)pid;
  return code;
}

PetscBool TzChildStart(TzChild *child, const char command[])
{
  int fd[2], code;

  child->why[0] = 0;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd)) return TzChildFail(child, "cannot be started: %s", strerror(errno));
  code = Spawn(child, fd[1], command);
  close(fd[1]);
  child->fd = fd[0];
  if (!code) return PETSC_TRUE;
  close(fd[0]);
  return TzChildFail(child, "cannot be started: %s", strerror(code));
}

/* Whether it ended within so many seconds; status: as waitpid() has it */
static PetscBool Ended(TzChild *child, PetscReal seconds, int *status)
{
  const PetscInt tries = 1 + (PetscInt)(seconds * 200);

  for (PetscInt i = 0; i < tries; i++) {
    const pid_t pid = waitpid(child->pid, status, WNOHANG);

    if (pid == child->pid || pid < 0) return PETSC_TRUE;
    usleep(5000);
  }
  return PETSC_FALSE;
}

/* The other end is closed: the program has ended, as a rule */
static PetscBool Gone(TzChild *child, size_t done, size_t n)
{
  int status = 0;

  if (!Ended(child, 0.5, &status)) return TzChildFail(child, "has closed its end after %zu of %zu bytes", done, n);
  child->pid = 0;
  if (WIFSIGNALED(status)) return TzChildFail(child, "was killed by signal %d after %zu of %zu bytes", WTERMSIG(status), done, n);
  return TzChildFail(child, "has ended with exit code %d after %zu of %zu bytes", WEXITSTATUS(status), done, n);
}

/* Waits for events; FALSE: none came */
static PetscBool Wait(TzChild *child, short events, PetscReal seconds, size_t done, size_t n)
{
  struct pollfd p = {.fd = child->fd, .events = events};
  int           code;

  do code = poll(&p, 1, (int)PetscMin(1e9, PetscCeilReal(1000 * seconds)));
  while (code < 0 && errno == EINTR);
  if (code > 0) return PETSC_TRUE;
  if (code < 0) return TzChildFail(child, "poll: %s", strerror(errno));
  return TzChildFail(child,
                     events & POLLOUT ? "takes nothing for %g seconds, after %zu of %zu bytes" : "gives no answer for %g seconds, after %zu of %zu bytes",
                     (double)seconds, done, n);
}

static PetscBool Move(TzChild *child, size_t n, char *bytes, PetscBool send_, PetscReal seconds)
{
  for (size_t done = 0; done < n;) {
    ssize_t m;

    if (!Wait(child, send_ ? POLLOUT : POLLIN, seconds, done, n)) return PETSC_FALSE;
    m = send_ ? send(child->fd, bytes + done, n - done, MSG_NOSIGNAL | MSG_DONTWAIT) : recv(child->fd, bytes + done, n - done, MSG_DONTWAIT);
    if (m < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) continue;
    if (m <= 0) return Gone(child, done, n);
    done += (size_t)m;
  }
  return PETSC_TRUE;
}

PetscBool TzChildSend(TzChild *child, size_t n, const void *bytes, PetscReal seconds)
{
  return Move(child, n, (char *)bytes, PETSC_TRUE, seconds); /* only read */
}

PetscBool TzChildReceive(TzChild *child, size_t n, void *bytes, PetscReal seconds)
{
  return Move(child, n, (char *)bytes, PETSC_FALSE, seconds);
}

void TzChildStop(TzChild *child, PetscReal seconds)
{
  int status;

  if (child->fd > 0) {
    shutdown(child->fd, SHUT_WR);
    if (child->pid && !Ended(child, seconds, &status)) {
      kill(-child->pid, SIGKILL);
      (void)waitpid(child->pid, &status, 0);
    }
    close(child->fd);
  }
  child->fd  = 0;
  child->pid = 0;
}
