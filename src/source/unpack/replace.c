#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

typedef struct Comparison {
    dev_t device; /* of the old directory: what is mounted in it is nobody's model */
    Buf path;     /* of the entry in hand, relative to the old directory */
    bool found;   /* path is not in the new one */
} Comparison;

static bool compare_directory(Comparison *comparison, int old, int new, Err *err);

/* Regular files and directories are what a model has. */
static bool same_kind(const struct stat *a, const struct stat *b)
{
    return (S_ISREG(a->st_mode) && S_ISREG(b->st_mode)) || (S_ISDIR(a->st_mode) && S_ISDIR(b->st_mode));
}

/* new < 0: there is no such directory. As deep as the new one is, the recursion goes. */
static bool compare_entry(Comparison *comparison, int old, int new, const char *name, Err *err)
{
    struct stat mine, theirs;
    if (fstatat(old, name, &mine, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || err_set_errno(err, ERR_SKIP, errno, "%.300s", comparison->path.data);
    if (new < 0 || mine.st_dev != comparison->device || fstatat(new, name, &theirs, AT_SYMLINK_NOFOLLOW) != 0 ||
        !same_kind(&mine, &theirs)) {
        comparison->found = true;
        return true;
    }
    if (!S_ISDIR(mine.st_mode))
        return true;
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int old_below = openat(old, name, flags), new_below = openat(new, name, flags);
    bool ok = old_below >= 0 && new_below >= 0
                  ? compare_directory(comparison, old_below, new_below, err)
                  : err_set_errno(err, ERR_SKIP, errno, "%.300s cannot be examined", comparison->path.data);
    if (old_below >= 0)
        close(old_below);
    if (new_below >= 0)
        close(new_below);
    return ok;
}

static bool name_entry(Buf *path, size_t mark, const char *name, Err *err)
{
    path->len = mark;
    return (mark == 0 || buf_text(path, "/", err)) && buf_text(path, name, err);
}

/* Borrows both descriptors. */
static bool compare_directory(Comparison *comparison, int old, int new, Err *err)
{
    int copy = openat(old, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
    size_t mark = comparison->path.len;
    bool ok = stream != NULL || err_set_errno(err, ERR_SKIP, errno, "cannot be examined");
    if (stream == NULL && copy >= 0)
        close(copy);
    while (ok && !comparison->found) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            ok = errno == 0 || err_set_errno(err, ERR_SKIP, errno, "cannot be examined");
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = name_entry(&comparison->path, mark, entry->d_name, err) && compare_entry(comparison, old, new, entry->d_name, err);
    }
    if (!comparison->found)
        comparison->path.len = mark;
    if (stream != NULL)
        closedir(stream);
    return ok;
}

bool unpack_find_foreign(int parent, const char *old, const char *new, Buf *foreign, Err *err)
{
    Comparison comparison = {0};
    struct stat st;
    if (fstatat(parent, old, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
        return true;
    int old_dir = openat(parent, old, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (old_dir < 0)
        return err_set_errno(err, ERR_SKIP, errno, "cannot be examined");
    int new_dir = openat(parent, new, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); /* a file has no members */
    comparison.device = st.st_dev;
    bool ok = (new_dir >= 0 || errno == ENOTDIR || err_set_errno(err, ERR_STOP, errno, "cannot be compared")) &&
              compare_directory(&comparison, old_dir, new_dir, err);
    if (ok && comparison.found)
        ok = buf_text(foreign, comparison.path.data, err);
    buf_free(&comparison.path);
    close(old_dir);
    if (new_dir >= 0)
        close(new_dir);
    return ok;
}
