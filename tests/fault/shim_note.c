/* The shim: a library for LD_PRELOAD that makes the Nth operation of a class fail, be short, kill the process, or run a command
 * first.
 *
 *   FAULT_OP=<class>       open mkdir read write sync rename unlink truncate chmod readdir stat send recv alloc, or `any`: all that
 *                          changes a disk or a socket (open only where it may create)
 *   FAULT_AT=N             the Nth of them, from 1; FAULT_STICKY=1: and all behind it
 *   FAULT_DO=<what>        an errno name | short (half of the bytes; for a write, the next one fails with ENOSPC) | kill |
 * kill-after | cut (what is sent goes out, then the socket is shut) | stop (SIGSTOP, just before) | run:<shell command> (just
 * before) FAULT_PATH=<text>      only paths that hold the text; sockets are "socket:[…]" FAULT_COUNT=<file>     at the end: `class
 * count` lines of what passed the filter FAULT_TRACE=<file>     each counted operation: `thread class path
 * first-bytes-that-are-sent allocations-so-far` FAULT_FIRED=<file>     made when the fault happens, with the same line
 *   FAULT_REALLOC=<a>,<b>  no realloc to a or b bytes succeeds
 *
 * Allocations have no path; they are counted and failed whatever FAULT_PATH says, but never traced. Descriptors 0 to 2 are left
 * alone. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const class_names[OP_COUNT] = {"open",  "mkdir",   "read", "write", "sync", "rename", "unlink", "truncate",
                                                  "chmod", "readdir", "stat", "send",  "recv", "alloc",  "any"};

static const struct {
    const char *name;
    int number;
} errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"ENOMEM", ENOMEM}, {"EINTR", EINTR},
              {"ENOENT", ENOENT}, {"EACCES", EACCES}, {"EPERM", EPERM},   {"ELOOP", ELOOP},   {"EMFILE", EMFILE},
              {"ENFILE", ENFILE}, {"EROFS", EROFS},   {"ENOSYS", ENOSYS}, {"EPIPE", EPIPE},   {"ECONNRESET", ECONNRESET},
              {"ESTALE", ESTALE}, {"EAGAIN", EAGAIN}};

static struct {
    bool ready, sticky, chosen, durable_only;
    Class op;
    unsigned long at;
    const char *what, *path, *count_file, *fired_file, *command;
    int errnum, trace;
    Action action;
} conf;

unsigned long shim_refused[2];

static atomic_ulong counts[OP_COUNT];
static _Thread_local bool inside; /* what the shim does itself is not counted */

__attribute__((constructor)) static void start(void)
{
    const char *op = getenv("FAULT_OP"), *what = getenv("FAULT_DO"), *trace = getenv("FAULT_TRACE");
    conf.path = getenv("FAULT_PATH");
    conf.count_file = getenv("FAULT_COUNT");
    conf.fired_file = getenv("FAULT_FIRED");
    if (getenv("FAULT_REALLOC") != NULL)
        (void)sscanf(getenv("FAULT_REALLOC"), "%lu,%lu", &shim_refused[0], &shim_refused[1]);
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
    conf.action = strcmp(conf.what, "short") == 0        ? SHORT
                  : strcmp(conf.what, "kill-after") == 0 ? KILL_AFTER
                  : strcmp(conf.what, "cut") == 0        ? CUT_AFTER
                                                         : FAIL;
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
    (void)getpwuid(geteuid()); /* at its first look-up of a user, the C library crashes when there is no memory */
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

Action shim_note(Class class, bool durable, int dir, const char *name, const void *data, size_t data_len)
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

long shim_done(Action action, long result)
{
    if (action == KILL_AFTER)
        kill(getpid(), SIGKILL);
    return result;
}

bool shim_fails(Action action)
{
    if (action != FAIL && action != SHORT)
        return false;
    errno = conf.errnum != 0 ? conf.errnum : ENOSPC;
    return true;
}

bool shim_inside(void)
{
    return inside;
}

bool shim_active(void)
{
    return conf.chosen || conf.count_file != NULL || conf.trace >= 0;
}
