/* The wrapped functions; what is done to them is in shim_note.c. */
#define _GNU_SOURCE
#include "shim.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef open
#error "build without -D_FILE_OFFSET_BITS=64: both names of each function are wrapped"
#endif

#define REAL(name) \
    static __typeof__(&name) real_##name; \
    if (real_##name == NULL) \
        real_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* --- names ------------------------------------------------------------------------------------------------------------------- */

#define CREATES(flags) (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)

#define OPEN_BODY(dir, path, flags, call) \
    Action action = shim_note(OP_OPEN, CREATES(flags), dir, path, NULL, 0); \
    return shim_fails(action) ? -1 : (int)shim_done(action, call)

#define MODE_ARGUMENT(flags) \
    mode_t mode = 0; \
    if (CREATES(flags)) { \
        va_list args; \
        va_start(args, flags); \
        mode = va_arg(args, mode_t); \
        va_end(args); \
    }

int open(const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags)
    REAL(open);
    OPEN_BODY(AT_FDCWD, path, flags, real_open(path, flags, mode));
}

int open64(const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags)
    REAL(open64);
    OPEN_BODY(AT_FDCWD, path, flags, real_open64(path, flags, mode));
}

int openat(int dir, const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags)
    REAL(openat);
    OPEN_BODY(dir, path, flags, real_openat(dir, path, flags, mode));
}

int openat64(int dir, const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags)
    REAL(openat64);
    OPEN_BODY(dir, path, flags, real_openat64(dir, path, flags, mode));
}

/* What _FORTIFY_SOURCE calls in their place. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

int __open_2(const char *path, int flags)
{
    REAL(__open_2);
    OPEN_BODY(AT_FDCWD, path, flags, real___open_2(path, flags));
}

int __open64_2(const char *path, int flags)
{
    REAL(__open64_2);
    OPEN_BODY(AT_FDCWD, path, flags, real___open64_2(path, flags));
}

int __openat64_2(int dir, const char *path, int flags)
{
    REAL(__openat64_2);
    OPEN_BODY(dir, path, flags, real___openat64_2(dir, path, flags));
}

int creat(const char *path, mode_t mode)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

DIR *opendir(const char *path)
{
    REAL(opendir);
    Action action = shim_note(OP_OPEN, false, AT_FDCWD, path, NULL, 0);
    if (shim_fails(action))
        return NULL;
    DIR *dir = real_opendir(path);
    shim_done(action, 0);
    return dir;
}

int mkostemp64(char *path, int flags)
{
    REAL(mkostemp64);
    OPEN_BODY(AT_FDCWD, path, O_CREAT, real_mkostemp64(path, flags));
}

/* openat2 has no function of its own. */
long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (real == NULL)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    if (number != SYS_openat2 || shim_inside())
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    Action action = shim_note(OP_OPEN, CREATES((int)*(const unsigned long long *)a[2]), (int)a[0], (const char *)a[1], NULL, 0);
    return shim_fails(action) ? -1 : shim_done(action, real(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    Action action = shim_note(OP_MKDIR, true, AT_FDCWD, path, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_mkdir(path, mode));
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    Action action = shim_note(OP_RENAME, true, AT_FDCWD, to, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_rename(from, to));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    REAL(renameat);
    Action action = shim_note(OP_RENAME, true, to_dir, to, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_renameat(from_dir, from, to_dir, to));
}

int unlink(const char *path)
{
    REAL(unlink);
    Action action = shim_note(OP_UNLINK, true, AT_FDCWD, path, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_unlink(path));
}

int unlinkat(int dir, const char *path, int flags)
{
    REAL(unlinkat);
    Action action = shim_note(OP_UNLINK, true, dir, path, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_unlinkat(dir, path, flags));
}

int rmdir(const char *path)
{
    REAL(rmdir);
    Action action = shim_note(OP_UNLINK, true, AT_FDCWD, path, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_rmdir(path));
}

/* --- bytes ------------------------------------------------------------------------------------------------------------------- */

#define BYTES_BODY(class, durable, fd, data, len, call, half) \
    if ((fd) <= 2) \
        return call; \
    Action action = shim_note(class, durable, fd, NULL, (durable) ? (data) : NULL, len); \
    if (action == SHORT && (len) > 1) \
        return half; \
    if (shim_fails(action)) \
        return -1; \
    ssize_t result = call; \
    if (action == CUT_AFTER) \
        shutdown(fd, SHUT_RDWR); \
    return shim_done(action, result)

ssize_t read(int fd, void *data, size_t len)
{
    REAL(read);
    BYTES_BODY(OP_READ, false, fd, data, len, real_read(fd, data, len), real_read(fd, data, len / 2));
}

ssize_t pread(int fd, void *data, size_t len, off_t at)
{
    REAL(pread);
    BYTES_BODY(OP_READ, false, fd, data, len, real_pread(fd, data, len, at), real_pread(fd, data, len / 2, at));
}

ssize_t pread64(int fd, void *data, size_t len, off64_t at)
{
    REAL(pread64);
    BYTES_BODY(OP_READ, false, fd, data, len, real_pread64(fd, data, len, at), real_pread64(fd, data, len / 2, at));
}

ssize_t write(int fd, const void *data, size_t len)
{
    REAL(write);
    BYTES_BODY(OP_WRITE, true, fd, data, len, real_write(fd, data, len), real_write(fd, data, len / 2));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    REAL(pwrite64);
    BYTES_BODY(OP_WRITE, true, fd, data, len, real_pwrite64(fd, data, len, at), real_pwrite64(fd, data, len / 2, at));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return pwrite64(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    BYTES_BODY(OP_WRITE, true, fd, parts[0].iov_base, parts[0].iov_len, real_writev(fd, parts, count), real_writev(fd, parts, 1));
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    REAL(send);
    BYTES_BODY(OP_SEND, true, fd, data, len, real_send(fd, data, len, flags), real_send(fd, data, len / 2, flags));
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
    REAL(sendto);
    BYTES_BODY(OP_SEND, true, fd, data, len, real_sendto(fd, data, len, flags, to, to_len),
               real_sendto(fd, data, len / 2, flags, to, to_len));
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    REAL(recv);
    BYTES_BODY(OP_RECV, false, fd, data, len, real_recv(fd, data, len, flags), real_recv(fd, data, len / 2, flags));
}

/* --- descriptors ------------------------------------------------------------------------------------------------------------- */

int fsync(int fd)
{
    REAL(fsync);
    Action action = shim_note(OP_SYNC, true, fd, NULL, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_fsync(fd));
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    Action action = shim_note(OP_SYNC, true, fd, NULL, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_fdatasync(fd));
}

int ftruncate64(int fd, off64_t len)
{
    REAL(ftruncate64);
    Action action = shim_note(OP_TRUNCATE, true, fd, NULL, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_ftruncate64(fd, len));
}

int ftruncate(int fd, off_t len)
{
    return ftruncate64(fd, len);
}

int fchmod(int fd, mode_t mode)
{
    REAL(fchmod);
    Action action = shim_note(OP_CHMOD, true, fd, NULL, NULL, 0);
    return shim_fails(action) ? -1 : (int)shim_done(action, real_fchmod(fd, mode));
}

struct dirent64 *readdir64(DIR *dir)
{
    REAL(readdir64);
    return shim_fails(shim_note(OP_READDIR, false, dirfd(dir), NULL, NULL, 0)) ? NULL : real_readdir64(dir);
}

struct dirent *readdir(DIR *dir)
{
    REAL(readdir);
    return shim_fails(shim_note(OP_READDIR, false, dirfd(dir), NULL, NULL, 0)) ? NULL : real_readdir(dir);
}

int fstat64(int fd, struct stat64 *st)
{
    REAL(fstat64);
    return shim_fails(shim_note(OP_STAT, false, fd, NULL, NULL, 0)) ? -1 : real_fstat64(fd, st);
}

int fstatat64(int dir, const char *path, struct stat64 *st, int flags)
{
    REAL(fstatat64);
    return shim_fails(shim_note(OP_STAT, false, dir, path, NULL, 0)) ? -1 : real_fstatat64(dir, path, st, flags);
}

int lstat64(const char *path, struct stat64 *st)
{
    REAL(lstat64);
    return shim_fails(shim_note(OP_STAT, false, AT_FDCWD, path, NULL, 0)) ? -1 : real_lstat64(path, st);
}

/* --- memory ---------------------------------------------------------------------------------------------------------------------
 * The C library's own entry points: dlsym itself may allocate. */

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *old, size_t len);
void *__libc_memalign(size_t align, size_t len);

#ifndef SHIM_NO_MALLOC
static bool no_memory(void)
{
    if (!shim_active())
        return false;
    if (shim_note(OP_ALLOC, false, -1, NULL, NULL, 0) == PASS)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t len)
{
    return no_memory() ? NULL : __libc_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    return no_memory() ? NULL : __libc_calloc(count, len);
}

void *realloc(void *old, size_t len)
{
    return no_memory() || (len > 0 && (len == shim_refused[0] || len == shim_refused[1])) ? NULL : __libc_realloc(old, len);
}

void *aligned_alloc(size_t align, size_t len)
{
    return no_memory() ? NULL : __libc_memalign(align, len);
}
#endif

/* --- another host ------------------------------------------------------------------------------------------------------------ */

/* FAULT_HOST=<name>: the host is called so. */
int gethostname(char *name, size_t len)
{
    const char *host = getenv("FAULT_HOST");
    REAL(gethostname);
    if (host == NULL)
        return real_gethostname(name, len);
    snprintf(name, len, "%s", host);
    return 0;
}

/* FAULT_LOCKS=local: no lock of another process is seen, as on a network file system whose locks are local to a host. */
int flock(int fd, int operation)
{
    const char *locks = getenv("FAULT_LOCKS");
    REAL(flock);
    return locks != NULL && strcmp(locks, "local") == 0 ? 0 : real_flock(fd, operation);
}
