#define _GNU_SOURCE
#include "base/userfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/interrupt.h"
#include "base/text.h"

#define LINKS_MAX 40   /* as the kernel has it */
#define WAIT_MS 200    /* a signal is noticed after that */
#define PIECE_BYTES 4096 /* what a pipe takes at once when poll says that it takes something (PIPE_BUF) */

/* The last component. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* One link: `path` becomes what it says. */
static bool take_link(char path[PATH_MAX], const char *target)
{
    size_t folder = target[0] == '/' ? 0 : (size_t)(base_of(path) - path);
    if (folder + strlen(target) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(path + folder, target, strlen(target) + 1);
    return true;
}

/* The descriptor of this process that `path` names through /proc (where /dev/stdout and /dev/fd lead), else -1. */
static int descriptor_of(const char *path)
{
    char folder[PATH_MAX], real[PATH_MAX], own[64];
    int64_t number;
    const char *base = base_of(path);
    size_t len = (size_t)(base - path);
    if (strcmp(path, "-") == 0)
        return STDOUT_FILENO;
    if (len == 0 || len >= sizeof folder || !text_parse_int(base, 0, INT_MAX, &number))
        return -1;
    memcpy(folder, path, len);
    folder[len] = '\0';
    snprintf(own, sizeof own, "/proc/%ld/", (long)getpid());
    if (realpath(folder, real) == NULL || !text_starts_with(real, own) || !text_ends_with(real, "/fd"))
        return -1;
    return (int)number;
}

/* A link in /proc names an open file, which may have no path: it is not followed further. */
bool userfile_follow(const char *path, char out[PATH_MAX])
{
    char target[PATH_MAX];
    struct stat st;
    /* Asked first, so that a link of somebody else in /tmp is refused where the kernel would refuse it. */
    if (stat(path, &st) != 0 && errno != ENOENT && errno != ENXIO)
        return false;
    if (!text_copy(out, PATH_MAX, path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (int links = 0; links < LINKS_MAX; links++) {
        if (descriptor_of(out) >= 0)
            return true;
        ssize_t len = readlink(out, target, sizeof target - 1);
        if (len < 0)
            return errno == EINVAL || errno == ENOENT;
        target[len] = '\0';
        if (!take_link(out, target))
            return false;
    }
    errno = ELOOP;
    return false;
}

bool userfile_is_stdout(const char *path)
{
    char real[PATH_MAX];
    struct stat named, open_one;
    if (!userfile_follow(path, real))
        return false;
    if (descriptor_of(real) == STDOUT_FILENO)
        return true;
    return stat(real, &named) == 0 && fstat(STDOUT_FILENO, &open_one) == 0 && !S_ISCHR(named.st_mode) &&
           named.st_dev == open_one.st_dev && named.st_ino == open_one.st_ino;
}

bool userfile_is_stream(const char *path)
{
    char real[PATH_MAX];
    struct stat st;
    if (userfile_is_stdout(path))
        return true;
    if (!userfile_follow(path, real))
        return false;
    return descriptor_of(real) >= 0 || (stat(real, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* A copy of an open descriptor that whoever started us has given; ours are none of the user's. */
static int copy_descriptor(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) != 0) {
        errno = EBADF;
        return -1;
    }
    return flags < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/* False when a signal asked to end, another one than `known`. A descriptor that is none is ready: the call that follows fails. */
static bool wait_for(int fd, short events, int known)
{
    struct pollfd poller = {.fd = fd, .events = events};
    while (interrupt_signal() == known)
        if (fd < 0 || poll(&poller, 1, WAIT_MS) != 0)
            return true;
    errno = EINTR;
    return false;
}

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

int userfile_open(const char *path, Err *err)
{
    char real[PATH_MAX];
    int given = -1, fd = -1;
    if (strcmp(path, "-") == 0)
        given = STDIN_FILENO;
    else if (userfile_follow(path, real))
        given = descriptor_of(real);
    if (given >= 0)
        fd = copy_descriptor(given);
    else /* O_NONBLOCK, because the writer of a FIFO may come later */
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        err_set_errno(err, ERR_USAGE, errno, "cannot open %s", path);
    return fd;
}

ssize_t userfile_read(int fd, void *data, size_t len)
{
    for (;;) {
        if (!wait_for(fd, POLLIN, 0))
            return -1;
        ssize_t got = read(fd, data, len);
        if (got >= 0 || (errno != EINTR && errno != EAGAIN))
            return got;
    }
}

/* --- writing ----------------------------------------------------------------------------------------------------------------- */

/* A FIFO has no reader at first: it is waited for. */
static int open_stream(const char *path)
{
    int given = descriptor_of(path);
    if (given >= 0) {
        (void)fflush(stdout); /* what was printed comes first; a failure shows when the program ends */
        return copy_descriptor(given);
    }
    for (;;) {
        int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        if (fd >= 0 || errno != ENXIO || stat(path, &st) != 0 || !S_ISFIFO(st.st_mode))
            return fd;
        if (interrupt_signal() != 0) {
            errno = EINTR;
            return -1;
        }
        clock_sleep(WAIT_MS / 1000.0);
    }
}

static bool write_pieces(int fd, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t piece = len - done < PIECE_BYTES ? len - done : PIECE_BYTES;
        if (!wait_for(fd, POLLOUT, 0))
            return false;
        ssize_t put = write(fd, data + done, piece);
        if (put < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool is_regular(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

bool userfile_put(int fd, const void *data, size_t len)
{
    return is_regular(fd) ? fs_write(fd, data, len) : write_pieces(fd, data, len);
}

bool userfile_is_ready(int fd, int known)
{
    return is_regular(fd) ? interrupt_signal() == known : wait_for(fd, POLLOUT, known);
}

static bool write_stream(const char *path, const char *real, const void *data, size_t len, Err *err)
{
    int fd = open_stream(real);
    bool ok = fd >= 0 && write_pieces(fd, data, len);
    int why = errno;
    if (fd >= 0)
        close(fd);
    return ok || (why == EINTR && !interrupt_check(err) ? false : err_set_errno(err, ERR_STOP, why, "cannot write %s", path));
}

/* `path` has no links left. What came to stand there meanwhile is asked once more. */
static bool replace(const char *path, const void *data, size_t len, mode_t mode, Err *err)
{
    AtomicFile file;
    struct stat st;
    bool ok = atomic_file_open(&file, path, mode, err) && atomic_file_write(&file, data, len, err);
    if (ok && lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
        ok = err_set(err, ERR_STOP, "cannot write %s: it is no regular file any more", path);
    ok = ok && atomic_file_commit(&file, err);
    atomic_file_close(&file);
    return ok;
}

bool userfile_write(const char *path, const void *data, size_t len, mode_t mode, Err *err)
{
    char real[PATH_MAX];
    struct stat st;
    if (!userfile_follow(path, real))
        return err_set_errno(err, ERR_STOP, errno, "cannot write %s", path);
    if (stat(real, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set_errno(err, ERR_STOP, EISDIR, "cannot write %s", path);
    /* The file of the shell's `>` too: a new one under its name would not get what is printed. */
    if (userfile_is_stream(path))
        return write_stream(path, userfile_is_stdout(path) ? "-" : real, data, len, err);
    return replace(real, data, len, mode, err);
}
