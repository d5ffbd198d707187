/* shim.c: a library for LD_PRELOAD that makes the Nth operation of a class fail, be short, kill the process, or run a command first.
 *
 *   FAULT_OP=<class>       open mkdir read write sync rename unlink truncate chmod readdir stat send recv alloc, or `any`: all that
 *                          changes a disk or a socket (open only where it may create)
 *   FAULT_AT=N             the Nth of them, from 1; FAULT_STICKY=1: and all behind it
 *   FAULT_DO=<what>        an errno name | short (half of the bytes; for a write, the next one fails with ENOSPC) | kill | kill-after |
 *                          cut (what is sent goes out, then the socket is shut) | stop (SIGSTOP, just before) | run:<shell command> (just before)
 *   FAULT_PATH=<text>      only paths that hold the text; sockets are "socket:[…]"
 *   FAULT_COUNT=<file>     at the end: `class count` lines of what passed the filter
 *   FAULT_TRACE=<file>     each counted operation: `thread class path first-bytes-that-are-sent allocations-so-far`
 *   FAULT_FIRED=<file>     made when the fault happens, with the same line
 *
 * Allocations have no path; they are counted and failed whatever FAULT_PATH says, but never traced. Descriptors 0 to 2 are left alone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef open
#error "build without -D_FILE_OFFSET_BITS=64: both names of each function are wrapped"
#endif

typedef enum Class {
    OP_OPEN, OP_MKDIR, OP_READ, OP_WRITE, OP_SYNC, OP_RENAME, OP_UNLINK, OP_TRUNCATE, OP_CHMOD, OP_READDIR, OP_STAT, OP_SEND, OP_RECV, OP_ALLOC,
    OP_ANY, OP_COUNT
} Class;

static const char *const class_names[OP_COUNT] = {"open",  "mkdir",   "read", "write", "sync", "rename", "unlink", "truncate",
                                                  "chmod", "readdir", "stat", "send",  "recv", "alloc",  "any"};

static const struct {
    const char *name;
    int number;
} errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"ENOMEM", ENOMEM}, {"EINTR", EINTR},   {"ENOENT", ENOENT},
              {"EACCES", EACCES}, {"EPERM", EPERM},   {"ELOOP", ELOOP},   {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"EROFS", EROFS},
              {"ENOSYS", ENOSYS}, {"EPIPE", EPIPE},   {"ECONNRESET", ECONNRESET}, {"ESTALE", ESTALE}, {"EAGAIN", EAGAIN}};

typedef enum Action { PASS, FAIL, SHORT, KILL_AFTER, CUT_AFTER } Action;

static struct {
    bool ready, sticky, chosen, durable_only;
    Class op;
    unsigned long at;
    const char *what, *path, *count_file, *fired_file, *command;
    int errnum, trace;
    Action action;
} conf;

static atomic_ulong counts[OP_COUNT];
static _Thread_local bool inside; /* what the shim does itself is not counted */

#define REAL(name) \
    static __typeof__(&name) real_##name; \
    if (real_##name == NULL) \
        real_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void)
{
    const char *op = getenv("FAULT_OP"), *what = getenv("FAULT_DO"), *trace = getenv("FAULT_TRACE");
    conf.path = getenv("FAULT_PATH");
    conf.count_file = getenv("FAULT_COUNT");
    conf.fired_file = getenv("FAULT_FIRED");
    conf.sticky = getenv("FAULT_STICKY") != NULL;
    conf.at = getenv("FAULT_AT") != NULL ? strtoul(getenv("FAULT_AT"), NULL, 10) : 0;
    conf.trace = trace != NULL ? (int)syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    for (int i = 0; op != NULL && i < OP_COUNT; i++)
        if (strcmp(op, class_names[i]) == 0) {
            conf.op = (Class)i;
            conf.chosen = what != NULL && conf.at > 0;
        }
    if (op != NULL && !conf.chosen && conf.count_file == NULL) {
        fprintf(stderr, "shim: FAULT_OP=%s: no such class, or FAULT_AT or FAULT_DO is missing\n", op);
        _exit(125);
    }
    conf.what = what != NULL ? what : "";
    conf.action = strcmp(conf.what, "short") == 0 ? SHORT : strcmp(conf.what, "kill-after") == 0 ? KILL_AFTER : strcmp(conf.what, "cut") == 0 ? CUT_AFTER : FAIL;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(conf.what, errors[i].name) == 0)
            conf.errnum = errors[i].number;
    if (strncmp(conf.what, "run:", 4) == 0)
        conf.command = conf.what + 4;
    if (conf.chosen && conf.errnum == 0 && conf.action == FAIL && conf.command == NULL && strcmp(conf.what, "kill") != 0 &&
        strcmp(conf.what, "stop") != 0) {
        fprintf(stderr, "shim: FAULT_DO=%s is not known\n", conf.what);
        _exit(125);
    }
    conf.ready = true;
}

/* Straight to the kernel: these must not come back here. */
static void put_file(const char *path, const char *text, size_t len)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && syscall(SYS_write, fd, text, len) >= 0)
        syscall(SYS_close, fd);
}

__attribute__((destructor)) static void finish(void)
{
    char text[1024];
    int len = 0;
    if (!conf.ready || conf.count_file == NULL)
        return;
    for (int i = 0; i < OP_COUNT; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s %lu\n", class_names[i], atomic_load(&counts[i]));
    put_file(conf.count_file, text, (size_t)len);
}

/* The path of a name below a directory descriptor, or of a descriptor when name is NULL. */
static void full_path(char out[4096], int dir, const char *name)
{
    char proc[40];
    long len = 0;
    out[0] = '\0';
    if (name != NULL && (name[0] == '/' || dir == AT_FDCWD)) {
        snprintf(out, 4096, "%s", name);
        return;
    }
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", dir);
    len = syscall(SYS_readlinkat, AT_FDCWD, proc, out, 4095L);
    out[len > 0 ? len : 0] = '\0';
    if (name != NULL && len > 0)
        snprintf(out + len, 4096 - (size_t)len, "/%s", name);
}

static void run_command(void)
{
    char *const argv[] = {"sh", "-c", (char *)conf.command, NULL};
    char *empty[] = {"PATH=/usr/local/bin:/usr/bin:/bin", NULL};
    pid_t child;
    int status;
    if (posix_spawn(&child, "/bin/sh", NULL, NULL, argv, empty) != 0 || waitpid(child, &status, 0) != child || status != 0)
        _exit(126);
}

/* Some part of a text, made printable. */
static int add_printable(char *out, size_t cap, const char *data, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len && i < 48 && used + 1 < cap; i++)
        out[used++] = data[i] > ' ' && data[i] <= '~' ? data[i] : data[i] == ' ' ? '_' : '.';
    out[used] = '\0';
    return (int)used;
}

static Action fire(const char *line, int len)
{
    if (conf.fired_file != NULL)
        put_file(conf.fired_file, line, (size_t)len);
    if (conf.command != NULL) {
        run_command();
        return PASS;
    }
    if (strncmp(conf.what, "kill", 4) == 0 && conf.action != KILL_AFTER)
        kill(getpid(), SIGKILL);
    if (strcmp(conf.what, "stop") == 0) {
        kill(getpid(), SIGSTOP);
        return PASS;
    }
    return conf.action;
}

/* Counts one operation, and tells what to do with it. */
static Action note(Class class, bool durable, int dir, const char *name, const void *data, size_t data_len)
{
    char path[4096] = "", line[4400];
    int len = 0, saved = errno;
    Action action = PASS;
    if (!conf.ready || inside)
        return PASS;
    inside = true;
    if (class != OP_ALLOC && (conf.path != NULL || conf.trace >= 0 || conf.fired_file != NULL))
        full_path(path, dir, name);
    if (class != OP_ALLOC && conf.path != NULL && strstr(path, conf.path) == NULL)
        goto out;
    unsigned long nth = atomic_fetch_add(&counts[class], 1) + 1;
    if (durable) {
        unsigned long any = atomic_fetch_add(&counts[OP_ANY], 1) + 1;
        if (conf.op == OP_ANY)
            nth = any;
    }
    bool chosen = conf.chosen && (conf.op == class || (conf.op == OP_ANY && durable));
    bool after_short = conf.action == SHORT && class == OP_WRITE && nth == conf.at + 1;
    bool mine = chosen && (nth == conf.at || after_short || (conf.sticky && nth > conf.at));
    if (mine || (conf.trace >= 0 && class != OP_ALLOC)) {
        len = snprintf(line, sizeof line - 64, "%ld %s %s ", (long)syscall(SYS_gettid), class_names[class], path);
        if (data != NULL)
            len += add_printable(line + len, 64, data, data_len);
        len += snprintf(line + len, sizeof line - (size_t)len, " %lu\n", atomic_load(&counts[OP_ALLOC]));
    }
    if (conf.trace >= 0 && class != OP_ALLOC)
        syscall(SYS_write, conf.trace, line, (long)len);
    if (mine)
        action = fire(line, len);
    if (action == SHORT && class == OP_WRITE && nth > conf.at)
        action = FAIL;
out:
    inside = false;
    errno = saved;
    return action;
}

/* The result of an operation that was let through. */
static long done(Action action, long result)
{
    if (action == KILL_AFTER)
        kill(getpid(), SIGKILL);
    return result;
}

static bool fails(Action action)
{
    if (action != FAIL && action != SHORT)
        return false;
    errno = conf.errnum != 0 ? conf.errnum : ENOSPC;
    return true;
}

/* --- names ---------------------------------------------------------------------------------------------------------------------- */

#define CREATES(flags) (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)

#define OPEN_BODY(dir, path, flags, call) \
    Action action = note(OP_OPEN, CREATES(flags), dir, path, NULL, 0); \
    return fails(action) ? -1 : (int)done(action, call)

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
    Action action = note(OP_OPEN, false, AT_FDCWD, path, NULL, 0);
    if (fails(action))
        return NULL;
    DIR *dir = real_opendir(path);
    done(action, 0);
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
    if (number != SYS_openat2 || inside)
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    Action action = note(OP_OPEN, CREATES((int)*(const unsigned long long *)a[2]), (int)a[0], (const char *)a[1], NULL, 0);
    return fails(action) ? -1 : done(action, real(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    Action action = note(OP_MKDIR, true, AT_FDCWD, path, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_mkdir(path, mode));
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    Action action = note(OP_RENAME, true, AT_FDCWD, to, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_rename(from, to));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    REAL(renameat);
    Action action = note(OP_RENAME, true, to_dir, to, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_renameat(from_dir, from, to_dir, to));
}

int unlink(const char *path)
{
    REAL(unlink);
    Action action = note(OP_UNLINK, true, AT_FDCWD, path, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_unlink(path));
}

int unlinkat(int dir, const char *path, int flags)
{
    REAL(unlinkat);
    Action action = note(OP_UNLINK, true, dir, path, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_unlinkat(dir, path, flags));
}

int rmdir(const char *path)
{
    REAL(rmdir);
    Action action = note(OP_UNLINK, true, AT_FDCWD, path, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_rmdir(path));
}

/* --- bytes ---------------------------------------------------------------------------------------------------------------------- */

#define BYTES_BODY(class, durable, fd, data, len, call, half) \
    if ((fd) <= 2) \
        return call; \
    Action action = note(class, durable, fd, NULL, (durable) ? (data) : NULL, len); \
    if (action == SHORT && (len) > 1) \
        return half; \
    if (fails(action)) \
        return -1; \
    ssize_t result = call; \
    if (action == CUT_AFTER) \
        shutdown(fd, SHUT_RDWR); \
    return done(action, result)

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
    BYTES_BODY(OP_SEND, true, fd, data, len, real_sendto(fd, data, len, flags, to, to_len), real_sendto(fd, data, len / 2, flags, to, to_len));
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    REAL(recv);
    BYTES_BODY(OP_RECV, false, fd, data, len, real_recv(fd, data, len, flags), real_recv(fd, data, len / 2, flags));
}

/* --- descriptors ---------------------------------------------------------------------------------------------------------------- */

int fsync(int fd)
{
    REAL(fsync);
    Action action = note(OP_SYNC, true, fd, NULL, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_fsync(fd));
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    Action action = note(OP_SYNC, true, fd, NULL, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_fdatasync(fd));
}

int ftruncate64(int fd, off64_t len)
{
    REAL(ftruncate64);
    Action action = note(OP_TRUNCATE, true, fd, NULL, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_ftruncate64(fd, len));
}

int ftruncate(int fd, off_t len)
{
    return ftruncate64(fd, len);
}

int fchmod(int fd, mode_t mode)
{
    REAL(fchmod);
    Action action = note(OP_CHMOD, true, fd, NULL, NULL, 0);
    return fails(action) ? -1 : (int)done(action, real_fchmod(fd, mode));
}

struct dirent64 *readdir64(DIR *dir)
{
    REAL(readdir64);
    return fails(note(OP_READDIR, false, dirfd(dir), NULL, NULL, 0)) ? NULL : real_readdir64(dir);
}

struct dirent *readdir(DIR *dir)
{
    REAL(readdir);
    return fails(note(OP_READDIR, false, dirfd(dir), NULL, NULL, 0)) ? NULL : real_readdir(dir);
}

int fstat64(int fd, struct stat64 *st)
{
    REAL(fstat64);
    return fails(note(OP_STAT, false, fd, NULL, NULL, 0)) ? -1 : real_fstat64(fd, st);
}

int fstatat64(int dir, const char *path, struct stat64 *st, int flags)
{
    REAL(fstatat64);
    return fails(note(OP_STAT, false, dir, path, NULL, 0)) ? -1 : real_fstatat64(dir, path, st, flags);
}

int lstat64(const char *path, struct stat64 *st)
{
    REAL(lstat64);
    return fails(note(OP_STAT, false, AT_FDCWD, path, NULL, 0)) ? -1 : real_lstat64(path, st);
}

/* --- memory ---------------------------------------------------------------------------------------------------------------------
 * The C library's own entry points: dlsym itself may allocate. */

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *old, size_t len);
void *__libc_memalign(size_t align, size_t len);

static bool no_memory(void)
{
    if (!conf.chosen && conf.count_file == NULL && conf.trace < 0)
        return false;
    if (note(OP_ALLOC, false, -1, NULL, NULL, 0) == PASS)
        return false;
    errno = ENOMEM;
    return true;
}

#ifndef SHIM_NO_MALLOC
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
    return no_memory() ? NULL : __libc_realloc(old, len);
}

void *aligned_alloc(size_t align, size_t len)
{
    return no_memory() ? NULL : __libc_memalign(align, len);
}
#endif
