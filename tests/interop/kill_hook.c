/* Names each operation of a program on files and connections, and kills it before one of them.
 *
 * gcc -shared -fPIC -o kill_hook.so kill_hook.c -ldl
 * LD_PRELOAD=kill_hook.so KILL_LOG=FILE [KILL_BEFORE=N] PROGRAM…
 *
 * With KILL_HOLD the thread is not killed but stays where it is, as on a disk that does not answer.
 *
 * FILE gets a line `N operation name` for each, beginning with 1. Reading is no operation: nothing changes by it. What
 * goes through no function of the C library is not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int log_file = -1, holds;
static long kill_before, count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char names[1024][64]; /* of open files */

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("KILL_LOG"), *before = getenv("KILL_BEFORE");
    if (!file) return;
    int opened = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log_file = syscall(SYS_fcntl, opened, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, opened);
    kill_before = before ? atol(before) : 0;
    holds = getenv("KILL_HOLD") != NULL;
}

static const char *base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void operation(const char *what, const char *name) {
    if (log_file < 0) return;
    pthread_mutex_lock(&lock);
    char line[256];
    int length = snprintf(line, sizeof line, "%ld %s %.100s\n", ++count, what, name);
    if (syscall(SYS_write, log_file, line, length) < 0) abort();
    int is_now = count == kill_before;
    if (is_now && !holds) syscall(SYS_kill, getpid(), SIGKILL);
    pthread_mutex_unlock(&lock);
    while (is_now) pause();
}

static void on(const char *what, int fd) {
    struct stat stat;
    if (fd == log_file || fstat(fd, &stat)) return;
    if (S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode)) operation(what, fd < 1024 && *names[fd] ? names[fd] : "?");
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < 1024) snprintf(names[fd], sizeof names[fd], "%s", base(path));
    return fd;
}

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...) {                                    \
        REAL(name);                                                                 \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;     \
        va_end(rest);                                                               \
        if (flags & (O_CREAT | O_TRUNC)) operation("open", base(path));             \
        return opened(real(path, flags, mode), path);                               \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                \
    int name(int folder, const char *path, int flags, ...) {                        \
        REAL(name);                                                                 \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;     \
        va_end(rest);                                                               \
        if (flags & (O_CREAT | O_TRUNC)) operation("open", base(path));             \
        return opened(real(folder, path, flags, mode), path);                       \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *bytes, size_t size) { REAL(write); on("write", fd); return real(fd, bytes, size); }
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { REAL(pwrite); on("write", fd); return real(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { REAL(pwrite64); on("write", fd); return real(fd, bytes, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int size) { REAL(writev); on("write", fd); return real(fd, parts, size); }
int ftruncate(int fd, off_t size) { REAL(ftruncate); on("truncate", fd); return real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); on("truncate", fd); return real(fd, size); }
int fsync(int fd) { REAL(fsync); on("sync", fd); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); on("sync", fd); return real(fd); }
int rename(const char *from, const char *to) { REAL(rename); operation("rename", base(to)); return real(from, to); }
int renameat(int a, const char *from, int b, const char *to) { REAL(renameat); operation("rename", base(to)); return real(a, from, b, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { REAL(renameat2); operation("rename", base(to)); return real(a, from, b, to, flags); }
int link(const char *from, const char *to) { REAL(link); operation("link", base(to)); return real(from, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) { REAL(linkat); operation("link", base(to)); return real(a, from, b, to, flags); }
int unlink(const char *path) { REAL(unlink); operation("unlink", base(path)); return real(path); }
int unlinkat(int folder, const char *path, int flags) { REAL(unlinkat); operation("unlink", base(path)); return real(folder, path, flags); }
int rmdir(const char *path) { REAL(rmdir); operation("rmdir", base(path)); return real(path); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); operation("mkdir", base(path)); return real(path, mode); }
int chmod(const char *path, mode_t mode) { REAL(chmod); operation("chmod", base(path)); return real(path, mode); }
ssize_t send(int fd, const void *bytes, size_t size, int flags) { REAL(send); operation("send", "socket"); return real(fd, bytes, size, flags); }
ssize_t recv(int fd, void *bytes, size_t size, int flags) { REAL(recv); operation("recv", "socket"); return real(fd, bytes, size, flags); }
