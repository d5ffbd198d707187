#define _GNU_SOURCE
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 256 /* directories inside each other; each holds a descriptor */

static bool remove_entry(int dir, const char *name, dev_t device, int depth, Err *err);

/* One pass over a directory. *removed: entries that are gone now. */
static bool empty_once(DIR *stream, dev_t device, int depth, size_t *removed, Err *err)
{
    for (*removed = 0;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (entry == NULL)
            return errno == 0 || err_set_errno(err, ERR_STOP, errno, "cannot be read");
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!remove_entry(dirfd(stream), entry->d_name, device, depth, err))
            return false;
        ++*removed;
    }
}

/* Takes `fd`. What readdir leaves out because the directory shrinks under it, the next pass finds. */
static bool empty_directory(int fd, dev_t device, int depth, Err *err)
{
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        err_set_errno(err, ERR_STOP, errno, "cannot be read");
        close(fd);
        return false;
    }
    size_t removed = 0;
    bool ok;
    do {
        rewinddir(stream);
        ok = empty_once(stream, device, depth, &removed, err);
    } while (ok && removed > 0);
    closedir(stream);
    return ok;
}

/* The descriptor of a directory that is to be emptied: on the same file system, not a symlink. -1 and *err if not. */
static int open_directory(int dir, const char *name, dev_t device, int depth, Err *err)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        err_set_errno(err, ERR_STOP, errno, "cannot be removed");
    else if (st.st_dev != device)
        err_set(err, ERR_STOP, "is another file system");
    else if (depth >= DEPTH_MAX)
        err_set(err, ERR_STOP, "more than %d directories inside each other", DEPTH_MAX);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool remove_entry(int dir, const char *name, dev_t device, int depth, Err *err)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return true;
    /* unlink of a directory says EISDIR on Linux, EPERM by POSIX. */
    if (errno != EISDIR && errno != EPERM) {
        err_set_errno(err, ERR_STOP, errno, "cannot be removed");
        return err_prefix(err, "%s", name);
    }
    int fd = open_directory(dir, name, device, depth, err);
    if (fd < 0 || !empty_directory(fd, device, depth + 1, err))
        return err_prefix(err, "%s", name);
    if (unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        err_set_errno(err, ERR_STOP, errno, "cannot be removed");
        return err_prefix(err, "%s", name);
    }
    return true;
}

bool fs_remove_tree(int dir, const char *name, Err *err)
{
    struct stat st;
    if (fstat(dir, &st) != 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", name);
    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(err, ERR_BUG, "\"%s\" is not the name of an entry", name);
    return remove_entry(dir, name, st.st_dev, 0, err);
}
