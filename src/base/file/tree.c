#define _GNU_SOURCE
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/link.h"
#include "base/vec.h"

#define DEPTH_MAX 64 /* directories inside each other; each holds a descriptor */

typedef struct Lister {
    TreeList *list;
    int root;
    unsigned flags;
    Buf path; /* of the entry in hand, relative to root, NUL behind it */
    int depth;
} Lister;

static bool list_directory(Lister *lister, int dir, Err *err);

static bool add_entry(Lister *lister, const struct stat *st, Err *err)
{
    TreeList *list = lister->list;
    if (!vec_reserve(list, 1, err))
        return false;
    TreeEntry entry = {.path = strdup(lister->path.data),
                       .is_directory = S_ISDIR(st->st_mode),
                       .executable = (st->st_mode & S_IXUSR) != 0,
                       .size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
                       .dev = st->st_dev,
                       .ino = st->st_ino,
                       .mtime_ns = clock_timespec_ns(st->st_mtim),
                       .ctime_ns = clock_timespec_ns(st->st_ctim)};
    if (entry.path == NULL)
        return err_no_memory(err);
    list->items[list->count++] = entry;
    return true;
}

/* What the entry in hand is, a followed link counting as what it leads to. */
static bool stat_entry(Lister *lister, int dir, const char *name, struct stat *st, Err *err)
{
    const char *path = lister->path.data;
    if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s", path);
    if (!S_ISLNK(st->st_mode))
        return true;
    if ((lister->flags & TREE_FOLLOW_LINKS) == 0) {
        err_set(err, ERR_SKIP, "%s is a symbolic link", path);
        return err_hint(err, "with -L, links that stay inside the model's directory are followed");
    }
    char real[LINK_PATH_MAX];
    int fd = link_resolve(lister->root, path, real);
    bool ok = fd >= 0 && fstat(fd, st) == 0;
    if (!ok)
        err_set_errno(err, ERR_SKIP, errno, "the symbolic link %s cannot be followed inside the model's directory", path);
    if (fd >= 0)
        close(fd);
    if (ok && S_ISDIR(st->st_mode))
        return err_set(err, ERR_SKIP, "%s is a symbolic link to a directory", path);
    return ok;
}

static bool enter_directory(Lister *lister, int dir, const char *name, Err *err)
{
    if (lister->depth >= DEPTH_MAX)
        return err_set(err, ERR_SKIP, "%s: more than %d directories inside each other", lister->path.data, DEPTH_MAX);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s cannot be opened", lister->path.data);
    lister->depth++;
    bool ok = list_directory(lister, fd, err);
    lister->depth--;
    return ok;
}

static bool visit(Lister *lister, int dir, const char *name, Err *err)
{
    struct stat st;
    if ((lister->flags & TREE_INTERRUPTIBLE) != 0 && !interrupt_check(err))
        return false;
    if (!stat_entry(lister, dir, name, &st, err))
        return false;
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return err_set(err, ERR_SKIP, "%s is not a regular file", lister->path.data);
    return add_entry(lister, &st, err) && (!S_ISDIR(st.st_mode) || enter_directory(lister, dir, name, err));
}

/* Closes `dir`. */
static bool list_directory(Lister *lister, int dir, Err *err)
{
    DIR *stream = fdopendir(dir);
    bool ok = stream != NULL;
    if (!ok) {
        err_set_errno(err, ERR_SKIP, errno, "%s cannot be read", lister->path.len > 0 ? lister->path.data : "the directory");
        close(dir);
        return false;
    }
    size_t mark = lister->path.len;
    while (ok) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (entry == NULL && errno != 0)
            ok = err_set_errno(err, ERR_SKIP, errno, "%s cannot be read", mark > 0 ? lister->path.data : "the directory");
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ok = (mark == 0 || buf_text(&lister->path, "/", err)) && buf_text(&lister->path, entry->d_name, err) &&
             visit(lister, dirfd(stream), entry->d_name, err);
        lister->path.len = mark;
        if (mark > 0)
            lister->path.data[mark] = '\0';
    }
    closedir(stream);
    return ok;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const TreeEntry *)a)->path, ((const TreeEntry *)b)->path);
}

/* FNV-1a, over bytes: this finds changes, it does not resist forgers. */
static void mix(uint64_t *hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void sum_up(TreeList *list)
{
    list->fingerprint = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < list->count; i++) {
        const TreeEntry *entry = &list->items[i];
        uint64_t numbers[] = {entry->is_directory, entry->executable, entry->size, entry->ino, (uint64_t)entry->mtime_ns,
                              (uint64_t)entry->ctime_ns};
        mix(&list->fingerprint, entry->path, strlen(entry->path) + 1);
        mix(&list->fingerprint, numbers, sizeof numbers);
        list->bytes += entry->size;
        list->files += !entry->is_directory;
        if (!entry->is_directory && entry->mtime_ns > list->newest_ns)
            list->newest_ns = entry->mtime_ns;
    }
}

bool tree_list(int dir, unsigned flags, TreeList *out, Err *err)
{
    TreeList list = {0};
    Lister lister = {.list = &list, .root = dir, .flags = flags};
    struct stat st;
    int copy = -1;
    bool ok = false;
    if (fstat(dir, &st) != 0 || (copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        err_set_errno(err, ERR_SKIP, errno, "the directory cannot be read");
        goto out;
    }
    if (!list_directory(&lister, copy, err))
        goto out;
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_path);
    list.dev = st.st_dev;
    list.ino = st.st_ino;
    sum_up(&list);
    if (list.files == 0) {
        err_set(err, ERR_SKIP, "the directory holds no file");
        goto out;
    }
    *out = list;
    list = (TreeList){0};
    ok = true;
out:
    buf_free(&lister.path);
    tree_list_free(&list);
    return ok;
}

bool tree_same(const TreeList *a, const TreeList *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->count == b->count && a->bytes == b->bytes && a->newest_ns == b->newest_ns &&
           a->fingerprint == b->fingerprint;
}

void tree_list_free(TreeList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
    *list = (TreeList){0};
}
