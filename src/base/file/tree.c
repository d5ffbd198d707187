#define _GNU_SOURCE
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
    const TreeRules *rules;
    Buf path; /* of the entry in hand, relative to root, NUL behind it */
    int depth;
    bool in_junk;
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
                       .is_junk = lister->in_junk,
                       .size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
                       .dev = st->st_dev,
                       .ino = st->st_ino,
                       .mtime_ns = clock_timespec_ns(st->st_mtim),
                       .ctime_ns = clock_timespec_ns(st->st_ctim)};
    if (entry.path == NULL)
        return err_no_memory(err);
    list->items[list->count++] = entry;
    list->has_junk = list->has_junk || entry.is_junk;
    return true;
}

/* The link at the path in hand. -1 with errno. */
static int resolve(const Lister *lister)
{
    const TreeRules *rules = lister->rules;
    char real[LINK_PATH_MAX], path[LINK_PATH_MAX];
    if (rules->link_path == NULL)
        return link_resolve(lister->root, lister->path.data, real);
    int len = snprintf(path, sizeof path, "%s/%s", rules->link_path, lister->path.data);
    errno = ENAMETOOLONG;
    return len < (int)sizeof path ? link_resolve(rules->link_root, path, real) : -1;
}

/* The link in hand counts as what it leads to. */
static bool follow_entry(const Lister *lister, struct stat *st, Err *err)
{
    const char *path = lister->path.data;
    bool wide = lister->rules->link_path != NULL;
    if ((lister->rules->flags & TREE_FOLLOW_LINKS) == 0) {
        err_set(err, ERR_SKIP, "%s is a symbolic link", path);
        return err_hint(err, "with -L, links that stay below the models directory are followed");
    }
    int fd = resolve(lister);
    bool ok = fd >= 0 && fstat(fd, st) == 0;
    if (!ok)
        err_set_errno(err, ERR_SKIP, errno, "the symbolic link %s cannot be followed %s", path,
                      wide ? "below the models directory" : "inside the model's directory");
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

static bool add_and_enter(Lister *lister, int dir, const char *name, const struct stat *st, Err *err)
{
    return add_entry(lister, st, err) && (!S_ISDIR(st->st_mode) || enter_directory(lister, dir, name, err));
}

/* Nobody's model fails because of it. */
static bool visit_junk(Lister *lister, int dir, const char *name, const struct stat *st, Err *err)
{
    bool before = lister->in_junk, regular = S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
    Err why = {0};
    lister->in_junk = true;
    bool ok = regular && add_and_enter(lister, dir, name, st, &why);
    lister->in_junk = before;
    lister->list->has_junk = true;
    if (ok)
        return true;
    lister->list->has_odd_junk = true;
    if (why.cls == ERR_NONE || why.cls == ERR_SKIP)
        return true;
    if (err != NULL)
        *err = why;
    return false;
}

static bool visit_taken(Lister *lister, int dir, const char *name, struct stat *st, Err *err)
{
    if (S_ISLNK(st->st_mode) && !follow_entry(lister, st, err))
        return false;
    if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))
        return err_set(err, ERR_SKIP, "%s is not a regular file", lister->path.data);
    return add_and_enter(lister, dir, name, st, err);
}

/* Its members come right behind it in the list, which is not sorted yet. */
static bool visit_doubtful(Lister *lister, int dir, const char *name, struct stat *st, Err *err)
{
    TreeList *list = lister->list;
    size_t own = list->count;
    bool is_junk = true;
    if (!visit_taken(lister, dir, name, st, err))
        return false;
    for (size_t i = own + 1; i < list->count && is_junk; i++)
        is_junk = list->items[i].is_junk;
    list->items[own].is_junk = is_junk;
    list->has_junk = list->has_junk || is_junk;
    return true;
}

static bool visit(Lister *lister, int dir, const char *name, Err *err)
{
    const TreeRules *rules = lister->rules;
    const char *path = lister->path.data;
    struct stat st;
    if ((rules->flags & TREE_INTERRUPTIBLE) != 0 && !interrupt_check(err))
        return false;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s", path);
    TreeVerdict verdict = lister->in_junk ? TREE_JUNK
                          : rules->judge != NULL ? rules->judge(rules->ctx, path, S_ISDIR(st.st_mode)) : TREE_TAKE;
    switch (verdict) {
    case TREE_JUNK:
        return visit_junk(lister, dir, name, &st, err);
    case TREE_JUNK_IF_NO_MORE:
        return visit_doubtful(lister, dir, name, &st, err);
    case TREE_LEAVE:
        lister->list->left++;
        return true;
    case TREE_TAKE:
        break;
    }
    return visit_taken(lister, dir, name, &st, err);
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

static void add_to(struct TreeWhole *sums, const TreeEntry *entry)
{
    uint64_t numbers[] = {entry->is_directory, entry->executable, entry->size, entry->ino, (uint64_t)entry->mtime_ns,
                          (uint64_t)entry->ctime_ns};
    mix(&sums->fingerprint, entry->path, strlen(entry->path) + 1);
    mix(&sums->fingerprint, numbers, sizeof numbers);
    sums->bytes += entry->size;
    if (!entry->is_directory && entry->mtime_ns > sums->newest_ns)
        sums->newest_ns = entry->mtime_ns;
}

static void sum_up(TreeList *list)
{
    struct TreeWhole sums = {.fingerprint = UINT64_C(0xcbf29ce484222325)};
    list->whole = sums;
    for (size_t i = 0; i < list->count; i++) {
        const TreeEntry *entry = &list->items[i];
        add_to(&list->whole, entry);
        if (entry->is_junk)
            continue;
        add_to(&sums, entry);
        list->files += !entry->is_directory;
    }
    list->bytes = sums.bytes;
    list->newest_ns = sums.newest_ns;
    list->fingerprint = sums.fingerprint;
}

bool tree_list(int dir, unsigned flags, TreeList *out, Err *err)
{
    return tree_list_by(dir, &(TreeRules){.flags = flags}, out, err);
}

bool tree_list_by(int dir, const TreeRules *rules, TreeList *out, Err *err)
{
    TreeList list = {0};
    Lister lister = {.list = &list, .root = dir, .rules = rules};
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
        err_set(err, ERR_SKIP, "the directory holds no file%s", list.count + list.left > 0 ? " that is content" : "");
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
    return a->dev == b->dev && a->ino == b->ino && a->files == b->files && a->bytes == b->bytes && a->newest_ns == b->newest_ns &&
           a->fingerprint == b->fingerprint;
}

void tree_list_free(TreeList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
    *list = (TreeList){0};
}
