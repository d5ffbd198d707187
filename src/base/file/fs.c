#define _GNU_SOURCE
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/interrupt.h"

/* offset NULL: where the descriptor stands, which may be a pipe. */
static ssize_t read_all(int fd, void *data, size_t len, const uint64_t *offset)
{
    size_t done = 0;
    while (done < len) {
        char *to = (char *)data + done;
        ssize_t got = offset == NULL ? read(fd, to, len - done) : pread(fd, to, len - done, (off_t)(*offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

ssize_t fs_read(int fd, void *data, size_t len)
{
    return read_all(fd, data, len, NULL);
}

ssize_t fs_read_at(int fd, void *data, size_t len, uint64_t offset)
{
    return read_all(fd, data, len, &offset);
}

void fs_clean_pages(int fd, uint64_t bytes)
{
    const unsigned flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    const uint64_t step = 64 * 1024 * 1024; /* bytes between two looks for a signal */
    uint64_t at = 0;
    for (; at + step < bytes && interrupt_signal() == 0; at += step)
        if (sync_file_range(fd, (off_t)at, (off_t)step, flags) != 0)
            return;
    if (interrupt_signal() == 0)
        (void)sync_file_range(fd, (off_t)at, 0, flags); /* 0: to its end, wherever that is now */
}

bool fs_write(int fd, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = write(fd, (const char *)data + done, len - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        if (put == 0) {
            errno = EIO;
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

static bool has_dot_dot(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")) != NULL; at++)
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
            return true;
    return false;
}

/* One component. A symlink is ELOOP, also where openat says ENOTDIR (O_DIRECTORY) or opens the link itself (O_PATH). */
static int open_step(int dir, const char *name, int flags)
{
    struct stat st;
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOTDIR)
        errno = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
    if (fd >= 0 && (flags & O_PATH) != 0 && (fstat(fd, &st) != 0 || S_ISLNK(st.st_mode))) {
        close(fd);
        errno = ELOOP;
        return -1;
    }
    return fd;
}

/* fs_open_beneath without `follow` where the kernel has no openat2, or a container hides it: component by component. */
static int walk_beneath(int root, const char *path, int flags)
{
    char name[256];
    for (int dir = root;;) {
        size_t len = strcspn(path, "/");
        size_t slashes = strspn(path + len, "/");
        bool last = path[len + slashes] == '\0';
        int fd = -1;
        errno = ENAMETOOLONG;
        if (len < sizeof name) {
            memcpy(name, path, len);
            name[len] = '\0';
            fd = open_step(dir, name, last ? flags | (slashes > 0 ? O_DIRECTORY : 0) : O_PATH | O_DIRECTORY);
        }
        int saved = errno;
        if (dir != root)
            close(dir);
        errno = saved;
        if (fd < 0 || last)
            return fd;
        dir = fd;
        path += len + slashes;
    }
}

int fs_open_beneath(int root, const char *path, int flags, bool follow)
{
    struct open_how how = {0};
    /* RESOLVE_BENEATH alone lets `..` pass as long as it stays below root. */
    if (path[0] == '\0' || path[0] == '/' || has_dot_dot(path)) {
        errno = path[0] == '\0' ? ENOENT : EXDEV;
        return -1;
    }
    flags |= O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NONBLOCK); /* openat2 refuses both together */
    /* RESOLVE_NO_SYMLINKS says ELOOP for a last component too, where O_NOFOLLOW would say ENOTDIR to O_DIRECTORY. */
    how.flags = (unsigned)(flags & ~O_NOFOLLOW);
    how.mode = (flags & O_CREAT) != 0 ? 0600 : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (follow ? 0 : RESOLVE_NO_SYMLINKS);
    for (int tries = 0;; tries++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        /* EAGAIN: the kernel could not tell whether a parallel rename led outside. */
        if (fd < 0 && (errno == EINTR || (errno == EAGAIN && tries < 100)))
            continue;
        if (fd < 0 && (errno == ENOSYS || errno == EPERM) && !follow)
            return walk_beneath(root, path, flags);
        return (int)fd;
    }
}

static bool check_private(int fd, const char *path, bool directory, Err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    if (!directory && !S_ISREG(st.st_mode))
        return err_set(err, ERR_STOP, "%s: not a regular file", path);
    if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        err_set(err, ERR_STOP, "%s: another user owns it or may write to it", path);
        err_hint(err, "chmod go-w '%s'", path);
        return err_remedy(err, REMEDY_STATE_DIR);
    }
    return true;
}

/* *made: made now, and its name is durable; false: it was there. */
static bool make_dir(const char *path, bool *made, Err *err)
{
    *made = mkdir(path, 0700) == 0;
    if (*made)
        return fs_sync_parent(path, err);
    return errno == EEXIST || err_set_errno(err, ERR_STOP, errno, "cannot make the directory %s", path);
}

bool fs_make_private_dir(const char *path, Err *err)
{
    if (path[0] == '\0')
        return err_set(err, ERR_STOP, "the name of a directory is empty");
    char *copy = strdup(path);
    bool ok = false, made;
    int fd = -1;
    if (copy == NULL)
        return err_no_memory(err);
    /* O_NOFOLLOW does not see a symlink before a trailing slash. */
    for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
        copy[len - 1] = '\0';
    for (char *slash = copy + 1; *slash != '\0'; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        if (!make_dir(copy, &made, err))
            goto out;
        *slash = '/';
    }
    if (!make_dir(copy, &made, err))
        goto out;
    fd = open(copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        err_set_errno(err, ERR_STOP, errno == ENOTDIR || errno == ELOOP ? ENOTDIR : errno, "%s", path);
        goto out;
    }
    /* mkdir obeys the umask, which may take the owner's own bits away. */
    if (made && fchmod(fd, 0700) != 0) {
        err_set_errno(err, ERR_STOP, errno, "%s", path);
        goto out;
    }
    ok = check_private(fd, path, true, err);
out:
    if (fd >= 0)
        close(fd);
    free(copy);
    return ok;
}

bool fs_sync_dir(const char *path, Err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    bool ok = fsync(fd) == 0 || err_set_errno(err, ERR_STOP, errno, "fsync of %s", path);
    close(fd);
    return ok;
}

bool fs_sync_parent(const char *path, Err *err)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return err_no_memory(err);
    char *slash = strrchr(copy, '/');
    if (slash != NULL)
        *(slash == copy ? slash + 1 : slash) = '\0';
    bool ok = fs_sync_dir(slash != NULL ? copy : ".", err);
    free(copy);
    return ok;
}

int fs_open_private_file(const char *path, int extra, Err *err)
{
    /* O_TRUNC waits until the file is known to be ours. */
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (extra & ~O_TRUNC);
    bool made = true;
    int fd = open(path, flags | O_CREAT | O_EXCL, 0600);
    if (fd < 0 && errno == EEXIST && (extra & O_EXCL) == 0) {
        made = false;
        fd = open(path, flags, 0600);
    }
    if (fd < 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot open %s", path);
        if (err != NULL && err->errnum == ELOOP)
            err_hint(err, "a state file must not be a symbolic link; remove it");
        return -1;
    }
    if (made && fchmod(fd, 0600) != 0) {
        err_set_errno(err, ERR_STOP, errno, "%s", path);
    } else if (check_private(fd, path, false, err)) {
        if ((extra & O_TRUNC) == 0 || ftruncate(fd, 0) == 0)
            return fd;
        err_set_errno(err, ERR_STOP, errno, "cannot empty %s", path);
    }
    close(fd);
    return -1;
}

bool fs_read_file(const char *path, uint64_t max, Buf *out, Err *err)
{
    struct stat st;
    bool ok = false;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    /* Without a writer, a FIFO would read as an empty file. */
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, ERR_STOP, "%s: not a regular file", path);
    }
    for (uint64_t total = 0;;) {
        if (!buf_reserve(out, 65536, err))
            break;
        ssize_t got = fs_read(fd, out->data + out->len, 65535);
        if (got < 0) {
            err_set_errno(err, ERR_STOP, errno, "%s", path);
            break;
        }
        out->len += (size_t)got;
        out->data[out->len] = '\0';
        total += (uint64_t)got;
        if (total > max) {
            err_set(err, ERR_STOP, "%s: larger than %llu bytes", path, (unsigned long long)max);
            break;
        }
        if (got < 65535) {
            ok = true;
            break;
        }
    }
    close(fd);
    return ok;
}

char *fs_join(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 2;
    char *joined = malloc(size);
    if (joined != NULL)
        snprintf(joined, size, "%s%s%s", a, a[0] != '\0' && a[strlen(a) - 1] == '/' ? "" : "/", b);
    return joined;
}
