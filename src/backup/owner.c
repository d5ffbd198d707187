/* owner.c: whose a run's folder is. STORE, there before the folder has its name, says which store its rows go to; a lock on
 * the folder says that its run is still at work. Recovery keeps its hands off the folders of others. */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "base/atomic_file.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"

#define STORE_MAX 4096
#define NEW_SUFFIX ".new"
#define MAKE_TRIES 100
#define MAKE_PAUSE_SECONDS 0.01

static int open_locked(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static bool is_named(int fd, const char *path)
{
    struct stat mine, named;
    return fstat(fd, &mine) == 0 && lstat(path, &named) == 0 && mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

/* Between mkdir and lock the folder looks like a leftover, and the recovery of another run may take it away: then once more. */
static int make_locked(const char *path, Err *err)
{
    for (int tries = 0; tries < MAKE_TRIES; tries++) {
        Err why = {0};
        bool made = fs_make_private_dir(path, &why);
        if (!made && why.errnum != ENOENT) {
            if (err != NULL)
                *err = why;
            return -1;
        }
        int fd = made ? open_locked(path) : -1;
        if (fd >= 0 && is_named(fd, path))
            return fd;
        if (made && fd < 0 && errno != EWOULDBLOCK && errno != ENOENT && errno != EINTR)
            break;
        if (fd >= 0)
            close(fd);
        clock_sleep(MAKE_PAUSE_SECONDS);
    }
    err_set_errno(err, ERR_STOP, errno, "cannot lock %s", path);
    return -1;
}

static char *join_new(const char *folder)
{
    const char *slash = strrchr(folder, '/'), *name = slash != NULL ? slash + 1 : folder;
    Buf path = {0};
    if (buf_format(&path, NULL, "%.*s.%s" NEW_SUFFIX, (int)(name - folder), folder, name))
        return path.data;
    buf_free(&path);
    return NULL;
}

static bool write_store(const char *folder, const char *place, Err *err)
{
    Buf text = {0};
    char *path = fs_join(folder, BACKUP_STORE_NAME);
    if (path == NULL)
        return err_no_memory(err);
    bool ok = buf_format(&text, err, "%s\n", place) && atomic_file_put(path, 0600, text.data, text.len, err);
    buf_free(&text);
    free(path);
    return ok;
}

bool backup_owner_begin(const char *folder, const char *place, int *lock, Err *err)
{
    char *path = join_new(folder);
    const char *now = path;
    bool ok = false;
    if (path == NULL)
        return err_no_memory(err);
    int fd = make_locked(path, err);
    if (fd < 0 || !write_store(path, place, err))
        goto out;
    if (rename(path, folder) != 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot make %s", folder);
        goto out;
    }
    now = folder;
    ok = fs_sync_parent(folder, err);
out:
    if (!ok && fd >= 0) { /* not begun: the next worker tries it again */
        if (backup_owner_forget(now, NULL))
            (void)rmdir(now);
        close(fd);
    }
    if (ok)
        *lock = fd;
    free(path);
    return ok;
}

bool backup_owner_is_new(const char *name)
{
    char id[37];
    size_t len = strlen(name), suffix = sizeof NEW_SUFFIX - 1;
    if (len != 1 + 36 + suffix || name[0] != '.' || strcmp(name + len - suffix, NEW_SUFFIX) != 0)
        return false;
    memcpy(id, name + 1, 36);
    id[36] = '\0';
    return backup_is_run_id(id);
}

static bool remove_file(const char *folder, const char *name, Err *err)
{
    char *path = fs_join(folder, name);
    if (path == NULL)
        return err_no_memory(err);
    bool ok = unlink(path) == 0 || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", path);
    free(path);
    return ok;
}

bool backup_owner_remove_new(const char *path, Err *err)
{
    int fd = open_locked(path);
    if (fd < 0)
        return errno == EWOULDBLOCK || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot lock %s", path);
    atomic_file_sweep(path);
    bool ok = remove_file(path, BACKUP_STORE_NAME, err);
    if (ok)
        (void)rmdir(path); /* fails when someone put a file of his own there */
    close(fd);
    return ok;
}

/* A folder without STORE was killed before its first part; nobody else has a claim on it. */
static bool is_of(const char *folder, const char *place, bool *same, Err *err)
{
    Buf text = {0};
    Err why = {0};
    char *path = fs_join(folder, BACKUP_STORE_NAME);
    if (path == NULL)
        return err_no_memory(err);
    bool ok = fs_read_file(path, STORE_MAX, &text, &why);
    free(path);
    *same = !ok || (text.len == strlen(place) + 1 && memcmp(text.data, place, text.len - 1) == 0);
    buf_free(&text);
    if (!ok && why.errnum != ENOENT && err != NULL)
        *err = why;
    return ok || why.errnum == ENOENT;
}

bool backup_owner_claim(const char *folder, const char *place, int *lock, bool *ours, Err *err)
{
    *lock = -1;
    *ours = true;
    if (place == NULL)
        return true;
    if (!is_of(folder, place, ours, err))
        return false;
    if (!*ours)
        return true;
    *lock = open_locked(folder);
    *ours = *lock >= 0;
    return *ours || errno == EWOULDBLOCK || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot lock %s", folder);
}

bool backup_owner_forget(const char *folder, Err *err)
{
    return remove_file(folder, BACKUP_STORE_NAME, err);
}
