/* backup_owner.c: whose a run's folder is. STORE, written before the first part, names the store that its rows went to; a lock on the folder says that
 * its run is still at work. Recovery keeps its hands off the folders of others. */
#include "backup_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_format.h"
#include "base/buf.h"
#include "base/fs.h"

#define STORE_MAX 4096

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

bool backup_owner_begin(const char *folder, const char *place, int *lock, Err *err)
{
    bool ok = false;
    Buf text = {0};
    char *path = fs_join(folder, BACKUP_STORE_NAME);
    if (path == NULL)
        return err_no_memory(err);
    if (!fs_make_private_dir(folder, err))
        goto out;
    *lock = open_locked(folder);
    if (*lock < 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot lock %s", folder);
        goto out;
    }
    ok = buf_format(&text, err, "%s\n", place) && fs_replace_file(path, text.data, text.len, err) && fs_sync_parent(folder, err);
out:
    if (!ok && *lock >= 0) { /* not begun: the next worker tries it again */
        close(*lock);
        *lock = -1;
    }
    buf_free(&text);
    free(path);
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
    char *path = fs_join(folder, BACKUP_STORE_NAME);
    if (path == NULL)
        return err_no_memory(err);
    bool ok = unlink(path) == 0 || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", path);
    free(path);
    return ok;
}
