#define _GNU_SOURCE
#include "source/removal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "listing.h"
#include "removal_obstacle.h"
#include "rename_new.h"

typedef struct Removal {
    int root;
    const char *path;
    bool is_directory;
    const Stamp *stamp;
    int parent;       /* open directory that holds the source */
    const char *base; /* its name there */
    char hidden[40];  /* its temporary name there */
} Removal;

static bool stays(const Removal *removal, const char *why, Err *err)
{
    return err_set(err, ERR_SKIP, "%s: stays: %s", removal->path, why);
}

static int open_parent(int root, const char *path, const char **base)
{
    const char *slash = strrchr(path, '/');
    *base = slash != NULL ? slash + 1 : path;
    char *parent = slash != NULL ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (parent == NULL)
        return -1;
    int fd = fs_open_beneath(root, parent, O_RDONLY | O_DIRECTORY, false);
    free(parent);
    return fd;
}

/* Its own ctime moves when it is renamed; all else must be as it was. */
static bool file_is_same(const Removal *removal, int fd, bool renamed)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    Stamp now = stamp_of_stat(&st);
    return stamp_is(&now, removal->stamp, renamed ? STAMP_ANY_CTIME : 0);
}

/* With the junk in it, when that was taken as content. */
static bool whole_is_same(const Removal *removal, const TreeList *list)
{
    Stamp whole = stamp_of_whole_tree(list);
    return !list->has_odd_junk && stamp_is(&whole, removal->stamp, 0);
}

/* The members' times do not move with the directory's name. */
static bool list_is_same(const Removal *removal, const TreeList *list)
{
    Stamp now = stamp_of_tree(list);
    return stamp_is(&now, removal->stamp, 0) || whole_is_same(removal, list);
}

/* Links are not followed: their targets would stay. What has been begun is not interrupted. */
static bool list_members(const Removal *removal, int dir, TreeList *out, Err *err)
{
    return listing_read(removal->root, removal->path, dir, NULL, 0, out, err);
}

static bool directory_is_same(const Removal *removal, int fd)
{
    TreeList list = {0};
    bool same = list_members(removal, fd, &list, NULL) && list_is_same(removal, &list);
    tree_list_free(&list);
    return same;
}

static bool is_same(const Removal *removal, const char *name, bool renamed)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (removal->is_directory ? O_DIRECTORY : 0);
    int fd = openat(removal->parent, name, flags);
    if (fd < 0)
        return false;
    bool same = removal->is_directory ? directory_is_same(removal, fd) : file_is_same(removal, fd, renamed);
    close(fd);
    return same;
}

static bool give_name_back(const Removal *removal, const char *why, Err *err)
{
    if (rename_new(removal->parent, removal->hidden, removal->parent, removal->base))
        return stays(removal, why, err);
    err_set_errno(err, ERR_STOP, errno, "%s: %s, and could not be renamed back: it is in the same folder as %s", removal->path, why,
                  removal->hidden);
    return err_hint(err, "rename it by hand");
}

/* Makes the directories of `path` below `trash`, durably; returns an open descriptor of the last one. */
static int open_trash_parent(int trash, const char *path)
{
    int fd = fcntl(trash, F_DUPFD_CLOEXEC, 0);
    char name[NAME_MAX + 1];
    for (const char *slash; fd >= 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        size_t len = (size_t)(slash - path);
        int next = -1;
        if (len <= NAME_MAX) {
            memcpy(name, path, len);
            name[len] = '\0';
            if (mkdirat(fd, name, 0700) == 0 ? fsync(fd) == 0 : errno == EEXIST)
                next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        close(fd);
        fd = next;
    }
    return fd;
}

/* A rename does not cross mounts, though both may be of one device (a bind mount). */
static bool same_mount(int a, int b)
{
    struct stat st_a, st_b;
    struct statx one, two;
    if (fstat(a, &st_a) != 0 || fstat(b, &st_b) != 0 || st_a.st_dev != st_b.st_dev)
        return false;
    if (statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &one) != 0 || statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &two) != 0)
        return true; /* not known here; the rename will tell */
    return (one.stx_mask & two.stx_mask & STATX_MNT_ID) == 0 || one.stx_mnt_id == two.stx_mnt_id;
}

/* What stands against the move is found before the source is renamed, which would move its ctime and so make the plan void.
 * *target: the open folder in the trash, -1 without a trash. */
static bool open_target(const Removal *removal, int trash, int *target, Err *err)
{
    struct stat st;
    *target = -1;
    if (trash < 0)
        return true;
    if (!same_mount(trash, removal->parent))
        return stays(removal, "the trash is on another file system", err);
    *target = open_trash_parent(trash, removal->path);
    if (*target < 0)
        return stays(removal, "its folder in the trash cannot be made", err);
    if (!same_mount(*target, removal->parent))
        return stays(removal, "the trash is on another file system", err);
    if (faccessat(*target, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return stays(removal, "its folder in the trash cannot be written", err);
    if (fstatat(*target, removal->base, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return stays(removal, "the trash already holds this name", err);
    return true;
}

static bool move_to_trash(const Removal *removal, int target, Err *err)
{
    bool moved = rename_new(removal->parent, removal->hidden, target, removal->base);
    int why = errno;
    bool durable = moved && fsync(target) == 0;
    int sync_error = errno;
    if (moved)
        return durable ||
               err_set_errno(err, ERR_STOP, sync_error, "%s: is in the trash, but fsync of its folder there failed", removal->path);
    return give_name_back(removal,
                          why == EXDEV    ? "the trash is on another file system"
                          : why == EEXIST ? "the trash already holds this name"
                                          : strerror(why),
                          err);
}

/* --- a directory ------------------------------------------------------------------------------------------------------------- */

typedef enum Outcome { MEMBER_GONE, MEMBER_STAYS, MEMBER_FAILED } Outcome;

static bool is_as_listed(const TreeEntry *member, const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_ino == member->ino && (uint64_t)st->st_size == member->size &&
           clock_timespec_ns(st->st_mtim) == member->mtime_ns;
}

/* One member, if it is still the one that was listed. errno set when it failed. */
static Outcome remove_member(int dir, const TreeEntry *member)
{
    const char *base;
    struct stat st;
    Outcome outcome = MEMBER_FAILED;
    int parent = open_parent(dir, member->path, &base);
    if (parent >= 0 && fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!member->is_directory && !is_as_listed(member, &st))
            outcome = MEMBER_STAYS;
        else if (unlinkat(parent, base, member->is_directory ? AT_REMOVEDIR : 0) == 0)
            outcome = MEMBER_GONE;
        else if (member->is_directory && (errno == ENOTEMPTY || errno == EEXIST))
            outcome = MEMBER_STAYS;
    }
    if (outcome == MEMBER_FAILED && errno == ENOENT) /* somebody was quicker */
        outcome = MEMBER_GONE;
    int saved = errno;
    if (parent >= 0)
        close(parent);
    errno = saved;
    return outcome;
}

/* What is left after all that was proven is gone: it came at the last moment. It gets its place back, and nobody says that it is
 * stored. */
static bool give_rest_back(const Removal *removal, int dir, Err *err)
{
    TreeList rest = {0};
    char what[256] = "something";
    if (tree_list(dir, 0, &rest, NULL))
        for (size_t i = 0; i < rest.count; i++)
            if (!rest.items[i].is_directory) {
                text_copy(what, sizeof what, rest.items[i].path);
                break;
            }
    tree_list_free(&rest);
    if (!rename_new(removal->parent, removal->hidden, removal->parent, removal->base))
        return err_set_errno(err, ERR_STOP, errno,
                             "%s: what was proven is removed; %s came at the last moment, is not stored, and is in the same folder "
                             "in %s",
                             removal->path, what, removal->hidden);
    return err_set(err, ERR_SKIP, "%s: what was proven is removed; %s came at the last moment, is not stored, and stays",
                   removal->path, what);
}

/* Exactly the members of the list, from the innermost outwards. */
static bool remove_members(const Removal *removal, int dir, const TreeList *list, bool *gone, Err *err)
{
    size_t removed = 0, left = 0;
    for (size_t i = list->count; i > 0; i--) {
        Outcome outcome = remove_member(dir, &list->items[i - 1]);
        removed += outcome == MEMBER_GONE;
        left += outcome == MEMBER_STAYS;
        if (outcome == MEMBER_FAILED && removed == 0)
            return give_name_back(removal, strerror(errno), err);
        if (outcome == MEMBER_FAILED) {
            err_set_errno(err, ERR_STOP, errno, "%s: partly removed, %zu of %zu members; the rest is in the same folder as %s",
                          removal->path, removed, list->count, removal->hidden);
            return err_hint(err, "look at what is left: what was there when it was proven is stored, what came later is not");
        }
    }
    *gone = true;
    if (left == 0 && unlinkat(removal->parent, removal->hidden, AT_REMOVEDIR) == 0)
        return true;
    return give_rest_back(removal, dir, err);
}

static bool remove_directory(const Removal *removal, bool *gone, Err *err)
{
    TreeList list = {0};
    int dir = openat(removal->parent, removal->hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const char *why = dir < 0 || !list_members(removal, dir, &list, NULL) || !list_is_same(removal, &list)
                          ? "it changed during the removal"
                      : obstacle_members_are_written(dir, &list) ? "a process opened a member for writing during the removal"
                                                                 : NULL;
    bool ok = why == NULL ? remove_members(removal, dir, &list, gone, err) : give_name_back(removal, why, err);
    if (dir >= 0)
        close(dir);
    tree_list_free(&list);
    return ok;
}

/* --- all --------------------------------------------------------------------------------------------------------------------- */

/* target: the folder in the trash, -1 = delete. */
static bool finish(const Removal *removal, int target, bool *gone, Err *err)
{
    if (target < 0 && removal->is_directory)
        return remove_directory(removal, gone, err);
    *gone = target >= 0 ? move_to_trash(removal, target, err)
                        : unlinkat(removal->parent, removal->hidden, 0) == 0 || give_name_back(removal, strerror(errno), err);
    return *gone;
}

/* Always the same for one source, so that a removal that was cut off is found again. */
static bool name_hidden(Removal *removal, Err *err)
{
    Digest digest;
    char hex[2 * DIGEST_BYTES + 1];
    if (!sha256_once(removal->base, strlen(removal->base), &digest, err))
        return false;
    digest_hex(&digest, hex);
    snprintf(removal->hidden, sizeof removal->hidden, REMOVAL_PREFIX "%.16s", hex);
    return true;
}

/* Where files are linked and unlinked instead of renamed, it may have been killed with both names there. */
static bool drop_second_name(const Removal *removal, const struct stat *st, Err *err)
{
    struct stat hidden;
    if (fstatat(removal->parent, removal->hidden, &hidden, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st->st_mode) ||
        hidden.st_dev != st->st_dev || hidden.st_ino != st->st_ino)
        return true;
    return unlinkat(removal->parent, removal->hidden, 0) == 0 ||
           err_set_errno(err, ERR_STOP, errno, "%s: its second name %s cannot be removed", removal->path, removal->hidden);
}

bool removal_resume(int root, const char *path, bool is_directory, const Stamp *stamp, bool *resumed, Err *err)
{
    Removal removal = {.root = root, .path = path, .is_directory = is_directory, .stamp = stamp};
    struct stat st;
    *resumed = false;
    removal.parent = open_parent(root, path, &removal.base);
    if (removal.parent < 0) /* its folder is gone or unreadable: the scan will tell */
        return true;
    bool ok = name_hidden(&removal, err);
    bool is_there = ok && fstatat(removal.parent, removal.base, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool cut_off = ok && !is_there && errno == ENOENT && is_same(&removal, removal.hidden, true);
    if (is_there)
        ok = drop_second_name(&removal, &st, err);
    if (cut_off && !rename_new(removal.parent, removal.hidden, removal.parent, removal.base))
        ok = err_set_errno(err, ERR_STOP, errno, "%s: cannot be renamed back; it is in the same folder as %s", path,
                           removal.hidden);
    *resumed = ok && cut_off;
    close(removal.parent);
    return ok;
}

/* What is among the members, is not stored, and may be somebody's work. */
static bool has_unstored(const Removal *removal, const TreeList *list, char why[OBSTACLE_BYTES])
{
    if (removal->stamp == NULL || whole_is_same(removal, list))
        return false;
    if (!list_is_same(removal, list)) {
        snprintf(why, OBSTACLE_BYTES, "it holds members that are not stored: they are excluded, or it changed just now");
        return true;
    }
    if (list->has_odd_junk) {
        snprintf(why, OBSTACLE_BYTES, "it holds what is no regular file, and is not stored");
        return true;
    }
    for (size_t i = 0; i < list->count; i++) {
        const TreeEntry *member = &list->items[i];
        if (!member->is_junk || listing_is_worthless(member->path))
            continue;
        snprintf(why, OBSTACLE_BYTES, "it holds %.300s, which is not stored", member->path);
        return true;
    }
    return false;
}

static bool has_obstacle_inside(const Removal *removal, int dir, char why[OBSTACLE_BYTES])
{
    TreeList list = {0};
    Err err = {0};
    bool listed = list_members(removal, dir, &list, &err);
    bool found = !listed || has_unstored(removal, &list, why) || obstacle_of_members(dir, &list, why);
    if (!listed)
        snprintf(why, OBSTACLE_BYTES, "its members cannot be listed: %.300s", err.text);
    tree_list_free(&list);
    return found;
}

/* At `name` in the parent. True: why is filled. */
static bool has_obstacle(const Removal *removal, char why[OBSTACLE_BYTES])
{
    if (obstacle_of_entry(removal->parent, removal->base, why))
        return true;
    if (!removal->is_directory)
        return false;
    int dir = openat(removal->parent, removal->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool found = dir >= 0 && has_obstacle_inside(removal, dir, why);
    if (dir >= 0)
        close(dir);
    return found;
}

bool removal_obstacle(int root, const char *path, bool is_directory, const Stamp *stamp, char why[OBSTACLE_BYTES])
{
    Removal removal = {.root = root, .path = path, .is_directory = is_directory, .stamp = stamp};
    removal.parent = open_parent(root, path, &removal.base);
    if (removal.parent < 0)
        return false;
    bool found = has_obstacle(&removal, why);
    close(removal.parent);
    return found;
}

bool removal_take(int root, const char *path, bool is_directory, const Stamp *stamp, int trash, bool *gone, Err *err)
{
    Removal removal = {.root = root, .path = path, .is_directory = is_directory, .stamp = stamp};
    char why[OBSTACLE_BYTES];
    *gone = false;
    removal.parent = open_parent(root, path, &removal.base);
    if (removal.parent < 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s: stays: its folder cannot be opened", path);
    bool ok = false;
    int target = -1;
    if (!name_hidden(&removal, err))
        goto out;
    if (!is_same(&removal, removal.base, false))
        stays(&removal, "it changed or vanished after it was proven", err);
    else if (has_obstacle(&removal, why))
        stays(&removal, why, err);
    else if (!open_target(&removal, trash, &target, err))
        goto out;
    else if (!rename_new(removal.parent, removal.base, removal.parent, removal.hidden))
        err_set_errno(err, ERR_SKIP, errno, "%s: stays", path);
    else if (!is_same(&removal, removal.hidden, true))
        give_name_back(&removal, "another file took its name during the removal", err);
    else if (!is_directory && obstacle_is_written(removal.parent, removal.hidden))
        give_name_back(&removal, "a process opened it for writing during the removal", err);
    else
        ok = finish(&removal, target, gone, err);
    if (*gone && fsync(removal.parent) != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s: fsync of its folder", path);
out:
    if (target >= 0)
        close(target);
    close(removal.parent);
    return ok;
}
