#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file_lock.h"
#include "base/fs.h"
#include "base/text.h"

#define STORE_MAX 4096
#define NEW_SUFFIX ".new"
#define MAKE_TRIES 100
#define MAKE_PAUSE_SECONDS 0.01

/* STORE as it was read. */
typedef struct Note {
    char text[STORE_MAX + 1];
    const char *place, *host, *store_id; /* in text; host NULL: written by version 0.1.0, or not yet whole */
} Note;

static char *join_new(const char *folder)
{
    const char *slash = strrchr(folder, '/'), *name = slash != NULL ? slash + 1 : folder;
    Buf path = {0};
    if (buf_format(&path, NULL, "%.*s.%s" NEW_SUFFIX, (int)(name - folder), folder, name))
        return path.data;
    buf_free(&path);
    return NULL;
}

static bool write_note(int fd, const char *path, const BackupOwner *owner, Err *err)
{
    char host[3 * 256 + 1];
    size_t len = strlen(owner->host);
    Buf text = {0};
    text_percent_encode(host, owner->host, len < 256 ? len : 255);
    bool ok = buf_format(&text, err, "%s\n", owner->place) &&
              (owner->store_id[0] == '\0' || buf_format(&text, err, "store %s\n", owner->store_id)) &&
              buf_format(&text, err, "host %s\n", host);
    if (ok && (!fs_write(fd, text.data, text.len) || fsync(fd) != 0))
        ok = err_set_errno(err, ERR_STOP, errno, "cannot write %s", path);
    buf_free(&text);
    return ok;
}

/* The first line is the place; each further one a word and its value. A line without its newline is not there yet. */
static bool read_note(int fd, const char *path, Note *out, Err *err)
{
    ssize_t got = fs_read_at(fd, out->text, STORE_MAX, 0);
    if (got < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    out->text[got] = '\0';
    out->place = out->store_id = "";
    out->host = NULL;
    char *at = out->text;
    for (char *newline; (newline = strchr(at, '\n')) != NULL; at = newline + 1) {
        *newline = '\0';
        if (at == out->text)
            out->place = at;
        else if (text_starts_with(at, "store "))
            out->store_id = at + 6;
        else if (text_starts_with(at, "host ") && text_percent_decode(at + 5, strlen(at + 5)) >= 0)
            out->host = at + 5;
    }
    return true;
}

/* Until the lock is there, the recovery of another run may take the folder or its STORE away; *again: it did. */
static int open_locked(const char *path, bool *again, Err *err)
{
    int fd = fs_open_private_file(path, O_EXCL, err);
    if (fd < 0)
        return -1;
    bool locked = file_lock_try(fd);
    *again = locked || errno == EWOULDBLOCK;
    if (locked && file_lock_is_named(fd, path))
        return fd;
    err_set_errno(err, ERR_STOP, errno, "cannot lock %s", path);
    close(fd);
    return -1;
}

static bool make_once(const char *folder, const char *new_folder, const BackupOwner *owner, int *lock, bool *again, Err *err)
{
    char *path = fs_join(new_folder, BACKUP_STORE_NAME);
    Err why = {0};
    if (path == NULL)
        return err_no_memory(err);
    *again = false;
    int fd = fs_make_private_dir(new_folder, &why) ? open_locked(path, again, &why) : -1;
    *again = *again && fd < 0;
    bool ok = fd >= 0 && write_note(fd, path, owner, &why);
    if (ok && rename(new_folder, folder) != 0)
        ok = err_set_errno(&why, ERR_STOP, errno, "cannot make %s", folder);
    *again = *again || why.errnum == ENOENT;
    if (!ok && backup_owner_forget(new_folder, NULL))
        (void)rmdir(new_folder);
    if (!ok && fd >= 0)
        close(fd);
    if (ok)
        *lock = fd;
    else if (err != NULL)
        *err = why;
    free(path);
    return ok;
}

bool backup_owner_begin(const char *folder, const BackupOwner *owner, int *lock, Err *err)
{
    char *new_folder = join_new(folder);
    bool ok = false, again = true;
    if (new_folder == NULL)
        return err_no_memory(err);
    for (int tries = 0; !ok && again && tries < MAKE_TRIES; tries++) {
        if (tries > 0)
            clock_sleep(MAKE_PAUSE_SECONDS);
        again = false;
        ok = make_once(folder, new_folder, owner, lock, &again, err);
    }
    free(new_folder);
    if (!ok || fs_sync_parent(folder, err))
        return ok;
    /* Not begun: the next worker tries it again. */
    if (backup_owner_forget(folder, NULL))
        (void)rmdir(folder);
    close(*lock);
    *lock = -1;
    return false;
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

static BackupClaim judge(const Note *note, const BackupOwner *owner)
{
    bool same_place = owner->place == NULL || strcmp(note->place, owner->place) == 0;
    bool ids_known = owner->store_id != NULL && owner->store_id[0] != '\0' && note->store_id[0] != '\0';
    bool same_id = ids_known && strcmp(note->store_id, owner->store_id) == 0;
    if (owner->host != NULL && note->host != NULL && strcmp(note->host, owner->host) != 0)
        return CLAIM_OTHER_HOST;
    if (ids_known && !same_id)
        return same_place ? CLAIM_RENAMED : CLAIM_OTHER_STORE;
    return same_place || same_id ? CLAIM_OURS : CLAIM_OTHER_STORE;
}

/* Version 0.1.0 locked the folder, not STORE, and noted no host. */
static bool is_held_by_an_earlier_version(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool held = fd >= 0 && !file_lock_try(fd) && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return held;
}

/* fd is of STORE; it is locked when the claim is ours. */
static bool claim_file(int fd, const char *folder, const char *path, const BackupOwner *owner, BackupClaim *claim, Err *err)
{
    Note note;
    if (!read_note(fd, path, &note, err))
        return false;
    *claim = judge(&note, owner);
    if (*claim != CLAIM_OURS)
        return true;
    if (!file_lock_try(fd)) {
        *claim = CLAIM_AT_WORK;
        return errno == EWOULDBLOCK || err_set_errno(err, ERR_STOP, errno, "cannot lock %s", path);
    }
    if (!file_lock_is_named(fd, path))
        *claim = CLAIM_GONE;
    else if (note.host == NULL && is_held_by_an_earlier_version(folder))
        *claim = CLAIM_AT_WORK;
    return true;
}

bool backup_owner_claim(const char *folder, const BackupOwner *owner, BackupClaim *claim, int *lock, Err *err)
{
    char *path = fs_join(folder, BACKUP_STORE_NAME);
    *lock = -1;
    *claim = CLAIM_OURS;
    if (path == NULL)
        return err_no_memory(err);
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        *claim = CLAIM_OTHER_STORE; /* of another user */
    bool ok = fd >= 0 || errno == ENOENT || errno == EACCES || err_set_errno(err, ERR_STOP, errno, "%s", path);
    if (fd >= 0)
        ok = claim_file(fd, folder, path, owner, claim, err);
    if (fd >= 0 && ok && *claim == CLAIM_OURS)
        *lock = fd;
    else if (fd >= 0)
        close(fd);
    free(path);
    return ok;
}

bool backup_owner_remove_new(const char *path, const BackupOwner *owner, Err *err)
{
    BackupOwner host_only = {.host = owner->host};
    BackupClaim claim;
    int lock;
    if (!backup_owner_claim(path, &host_only, &claim, &lock, err))
        return false;
    bool ok = claim != CLAIM_OURS || backup_owner_forget(path, err);
    if (ok && claim == CLAIM_OURS)
        (void)rmdir(path); /* fails when someone put a file of his own there */
    if (lock >= 0)
        close(lock);
    return ok;
}

bool backup_owner_forget(const char *folder, Err *err)
{
    char *path = fs_join(folder, BACKUP_STORE_NAME);
    if (path == NULL)
        return err_no_memory(err);
    bool ok = unlink(path) == 0 || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", path);
    free(path);
    return ok;
}

bool backup_store_of(const char *folder, BackupStore *out, Err *err)
{
    char *path = fs_join(folder, BACKUP_STORE_NAME);
    Note note;
    *out = (BackupStore){0};
    if (path == NULL)
        return err_no_memory(err);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool there = fd >= 0;
    bool ok = there ? read_note(fd, path, &note, err) : errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", path);
    if (there && ok) {
        text_copy(out->place, sizeof out->place, note.place);
        text_copy(out->store_id, sizeof out->store_id, note.store_id);
    }
    if (there)
        close(fd);
    free(path);
    return ok;
}
