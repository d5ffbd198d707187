#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/vec.h"
#include "parts.h"

/* A directory that was made; its time is set last, because every file in it moves it. */
typedef struct MadeDir {
    const char *path;
    int64_t mtime;
    bool has_mtime; /* false: it was made only because something lies in it */
} MadeDir;

typedef struct TreeOut {
    const char *dest_path; /* for messages */
    bool keep_mtime;
    int root;              /* the temporary directory */
    int parent;            /* the directory of the last member; root itself when parent_path is "" */
    Buf parent_path;
    int file;              /* the member that is being written; -1 = none */
    int64_t file_mtime;
    Buf path;              /* of that member */
    VEC(MadeDir) dirs;
    Arena arena;
} TreeOut;

static bool remember_dir(TreeOut *tree, const char *path, size_t len, int64_t mtime, bool has_mtime, Err *err)
{
    const char *copy = arena_copy(&tree->arena, path, len, err);
    MadeDir *dir = copy == NULL ? NULL : vec_push(&tree->dirs, err);
    if (dir != NULL)
        *dir = (MadeDir){.path = copy, .mtime = mtime, .has_mtime = has_mtime};
    return dir != NULL;
}

static bool member_error(const TreeOut *tree, const char *path, Err *err)
{
    return err_set_errno(err, ERR_SKIP, errno, "%s: member %.300s cannot be created", tree->dest_path, path);
}

static void leave_parent(TreeOut *tree)
{
    if (tree->parent >= 0 && tree->parent != tree->root)
        close(tree->parent);
    tree->parent = tree->root;
    buf_clear(&tree->parent_path);
}

/* One more level down from tree->parent: `name` in it is opened, or made when the archive does not name it by itself. */
static bool descend(TreeOut *tree, const char *path, size_t len, Err *err)
{
    size_t from = tree->parent_path.len > 0 ? tree->parent_path.len + 1 : 0;
    if (!buf_reserve(&tree->parent_path, len + 1, err))
        return false;
    memcpy(tree->parent_path.data, path, len);
    tree->parent_path.data[len] = '\0';
    tree->parent_path.len = len;
    const char *name = tree->parent_path.data + from;
    bool made = mkdirat(tree->parent, name, 0755) == 0;
    if (!made && errno != EEXIST)
        return member_error(tree, path, err);
    int fd = fs_open_beneath(tree->parent, name, O_RDONLY | O_DIRECTORY, false);
    if (fd < 0)
        return member_error(tree, path, err);
    if (tree->parent != tree->root)
        close(tree->parent);
    tree->parent = fd;
    return !made || remember_dir(tree, path, len, 0, false, err);
}

/* Makes tree->parent the directory that `path` stands in. Each component is opened by itself: no link is followed, `..` is refused.
 * *name: its last component. */
static bool enter_parent(TreeOut *tree, const char *path, const char **name, Err *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    *name = slash == NULL ? path : slash + 1;
    if (len == tree->parent_path.len && (len == 0 || memcmp(path, tree->parent_path.data, len) == 0))
        return true;
    leave_parent(tree);
    for (size_t at = 0; at < len; at++) {
        at += strcspn(path + at, "/");
        if (!descend(tree, path, at, err))
            return false;
    }
    return true;
}

static bool make_member(void *ctx, const TarMember *member, Err *err)
{
    TreeOut *tree = ctx;
    const char *name;
    if (!enter_parent(tree, member->path, &name, err))
        return false;
    if (member->is_directory) {
        if (mkdirat(tree->parent, name, 0755) != 0)
            return member_error(tree, member->path, err);
        return remember_dir(tree, member->path, strlen(member->path), member->mtime, true, err);
    }
    /* The umask goes over the mode; set-user-ID and the like of the archive never come here. */
    tree->file = openat(tree->parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, member->executable ? 0755 : 0644);
    if (tree->file < 0)
        return member_error(tree, member->path, err);
    tree->file_mtime = member->mtime;
    buf_clear(&tree->path);
    return buf_text(&tree->path, member->path, err);
}

static bool settle(const TreeOut *tree, int fd, const struct timespec mtime, const char *path, Err *err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    if ((tree->keep_mtime && futimens(fd, times) != 0) || fsync(fd) != 0)
        return err_set_errno(err, ERR_STOP, errno, "%s: member %.300s cannot be written", tree->dest_path, path);
    return true;
}

static bool write_member(void *ctx, const void *data, size_t len, Err *err)
{
    TreeOut *tree = ctx;
    const char *path = tree->path.data;
    if (data != NULL)
        return fs_write(tree->file, data, len) ||
               err_set_errno(err, ERR_STOP, errno, "%s: member %.300s cannot be written", tree->dest_path, path);
    bool ok = settle(tree, tree->file, (struct timespec){.tv_sec = (time_t)tree->file_mtime}, path, err);
    if (close(tree->file) != 0 && ok)
        ok = err_set_errno(err, ERR_STOP, errno, "%s: member %.300s cannot be written", tree->dest_path, path);
    tree->file = -1;
    return ok;
}

/* Times and fsync of the directories, from the innermost outwards. */
static bool settle_directories(TreeOut *tree, int64_t root_mtime_ns, Err *err)
{
    for (size_t i = tree->dirs.count; i > 0; i--) {
        const MadeDir *dir = &tree->dirs.items[i - 1];
        struct timespec mtime = {.tv_sec = (time_t)dir->mtime, .tv_nsec = dir->has_mtime ? 0 : UTIME_OMIT};
        int fd = fs_open_beneath(tree->root, dir->path, O_RDONLY | O_DIRECTORY, false);
        if (fd < 0)
            return err_set_errno(err, ERR_STOP, errno, "%s: member %.300s cannot be opened", tree->dest_path, dir->path);
        bool ok = settle(tree, fd, mtime, dir->path, err);
        close(fd);
        if (!ok)
            return false;
    }
    struct timespec mtime = {.tv_sec = (time_t)(root_mtime_ns / 1000000000), .tv_nsec = root_mtime_ns > 0 ? 0 : UTIME_OMIT};
    return settle(tree, tree->root, mtime, ".", err);
}

bool unpack_tree(const StoredModel *info, UnpackSourceFn source, void *ctx, UnpackDest *dest, bool keep_mtime, Err *err)
{
    TreeOut tree = {.dest_path = dest->path, .keep_mtime = keep_mtime, .root = -1, .parent = -1, .file = -1};
    UnpackOut out = {.member = make_member, .data = write_member, .ctx = &tree};
    bool ok = false;
    if (mkdirat(dest->parent, dest->temp, 0755) != 0) {
        err_set_errno(err, ERR_STOP, errno, "%s: cannot be created", dest->path);
        goto out;
    }
    dest->pending = true;
    tree.root = tree.parent = openat(dest->parent, dest->temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (tree.root < 0) {
        err_set_errno(err, ERR_STOP, errno, "%s: cannot be created", dest->path);
        goto out;
    }
    ok = unpack_stream(info, source, ctx, &out, err) && settle_directories(&tree, info->source_mtime_ns, err);
out:
    leave_parent(&tree);
    if (tree.file >= 0)
        close(tree.file);
    if (tree.root >= 0)
        close(tree.root);
    free(tree.dirs.items);
    buf_free(&tree.parent_path);
    buf_free(&tree.path);
    arena_free(&tree.arena);
    return ok;
}
