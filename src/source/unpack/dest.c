#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/id.h"
#include "base/text.h"
#include "base/userfile.h"
#include "../rename_new.h"
#include "parts.h"

#define NAME_SHOWN 200 /* of the destination's name in the temporary one, which has 255 bytes too */

static bool is_replaceable(const struct stat *st)
{
    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

static bool say_exists(const UnpackDest *dest, const struct stat *st, Err *err)
{
    if (!is_replaceable(st) && !S_ISLNK(st->st_mode)) {
        err_set(err, ERR_SKIP, "%s: exists already and is no regular file", dest->path);
        return err_hint(err, "name another destination; - writes to standard output");
    }
    err_set(err, ERR_SKIP, "%s: exists already", dest->path);
    err_hint(err, "remove it");
    return err_remedy(err, REMEDY_REPLACE);
}

/* Splits the path into the parent, which is opened, and dest->name. */
static bool open_parent(UnpackDest *dest, const char *path, Err *err)
{
    char *copy = strdup(path);
    bool ok = false;
    if (copy == NULL)
        return err_no_memory(err);
    for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
        copy[len - 1] = '\0';
    char *slash = strrchr(copy, '/');
    const char *name = slash != NULL ? slash + 1 : copy;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        err_set(err, ERR_SKIP, "\"%s\": not a name for a file or directory", dest->path);
        goto out;
    }
    if (!text_copy(dest->name, sizeof dest->name, name)) {
        err_set_errno(err, ERR_SKIP, ENAMETOOLONG, "%s", dest->path);
        goto out;
    }
    if (slash != NULL)
        *(slash == copy ? slash + 1 : slash) = '\0';
    dest->parent = open(slash != NULL ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = dest->parent >= 0 || err_set_errno(err, ERR_SKIP, errno, "%s: its directory cannot be opened", dest->path);
out:
    free(copy);
    return ok;
}

bool unpack_dest_open(UnpackDest *dest, const StoredModel *info, const char *path, bool force, Err *err)
{
    char real[PATH_MAX];
    struct stat st;
    *dest = (UnpackDest){.path = path, .parent = -1, .info = info, .force = force};
    if (force && !userfile_follow(path, real))
        return err_set_errno(err, ERR_SKIP, errno, "%s", path);
    if (!open_parent(dest, force ? real : path, err))
        return false;
    /* Asked now to spare the transfer; the rename at the end asks again. */
    if (fstatat(dest->parent, dest->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !(force && is_replaceable(&st)))
        return say_exists(dest, &st, err);
    snprintf(dest->temp, sizeof dest->temp, ".%.*s.restore-%016" PRIx64, NAME_SHOWN, dest->name, id_random64());
    return true;
}

/* Swaps the two names. Where the kernel cannot, the old one goes aside first and comes back if the new one cannot take its place.
 */
static bool exchange(const UnpackDest *dest)
{
    char aside[sizeof dest->temp + 4];
    if (renameat2(dest->parent, dest->temp, dest->parent, dest->name, RENAME_EXCHANGE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    snprintf(aside, sizeof aside, "%s.old", dest->temp);
    if (renameat(dest->parent, dest->name, dest->parent, aside) != 0)
        return false;
    if (renameat(dest->parent, dest->temp, dest->parent, dest->name) != 0) {
        int saved = errno;
        if (renameat(dest->parent, aside, dest->parent, dest->name) == 0)
            errno = saved;
        return false;
    }
    return renameat(dest->parent, aside, dest->parent, dest->temp) == 0;
}

/* A directory goes only if the model has all that is in it: --force on a wrong DEST, a home folder, must not empty it. */
static bool refuse_foreign(const UnpackDest *dest, Err *err)
{
    Buf foreign = {0};
    bool ok = unpack_find_foreign(dest->parent, dest->name, dest->temp, &foreign, err);
    if (!ok)
        err_prefix(err, "%s", dest->path);
    else if (foreign.len > 0) {
        err_set(err, ERR_SKIP, "%.400s: holds %.200s, which is not part of %.200s@%d; nothing was replaced", dest->path,
                foreign.data, dest->info->name, (int)dest->info->version);
        ok = err_hint(err, "name another DEST, or remove it yourself");
    }
    buf_free(&foreign);
    return ok;
}

/* The old one, under the temporary name now. Somebody may have put something into it after it was compared. */
static bool remove_old(const UnpackDest *dest, Err *err)
{
    Buf foreign = {0};
    bool ok = unpack_find_foreign(dest->parent, dest->temp, dest->name, &foreign, err);
    if (ok && foreign.len > 0)
        ok = err_set(err, ERR_STOP, "it holds %.200s, which is not part of the model", foreign.data);
    ok = ok && fs_remove_tree(dest->parent, dest->temp, err);
    if (!ok)
        err_prefix(err, "%s: is written, but its previous content could not be removed: %s", dest->path, dest->temp);
    buf_free(&foreign);
    return ok;
}

static bool cannot_place(const UnpackDest *dest, Err *err)
{
    return err_set_errno(err, ERR_STOP, errno, "%s: cannot be put in its place", dest->path);
}

bool unpack_dest_commit(UnpackDest *dest, Err *err)
{
    bool swapped = false;
    if (!rename_new(dest->parent, dest->temp, dest->parent, dest->name)) {
        struct stat st;
        if (errno != EEXIST || fstatat(dest->parent, dest->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return cannot_place(dest, err);
        if (!dest->force || !is_replaceable(&st))
            return say_exists(dest, &st, err);
        if (!refuse_foreign(dest, err))
            return false;
        if (!exchange(dest))
            return cannot_place(dest, err);
        swapped = true;
    }
    dest->pending = false;
    if (fsync(dest->parent) != 0)
        return err_set_errno(err, ERR_STOP, errno, "%s: fsync of its directory", dest->path);
    /* What was there goes only when the new one is durable. */
    return !swapped || remove_old(dest, err);
}

void unpack_dest_close(UnpackDest *dest)
{
    /* A second error would hide the first; what cannot be removed keeps its telling name. */
    if (dest->pending)
        (void)fs_remove_tree(dest->parent, dest->temp, NULL);
    if (dest->parent >= 0)
        close(dest->parent);
    *dest = (UnpackDest){.parent = -1};
}
