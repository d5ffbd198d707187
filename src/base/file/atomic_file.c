#include "base/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/text.h"

#define NAME_SHOWN 200 /* of the file's name in the temporary one, which has 255 bytes too */
#define SUFFIX ".tmp"
#define SUFFIX_LEN (sizeof SUFFIX - 1)
#define DIGITS ((size_t)16)

static char *make_temp_name(const char *path, Err *err)
{
    Buf temp = {0};
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (buf_format(&temp, err, "%.*s.%.*s.%016" PRIx64 SUFFIX, (int)(name - path), path, NAME_SHOWN, name, id_random64()))
        return temp.data;
    buf_free(&temp);
    return NULL;
}

bool atomic_file_open(AtomicFile *file, const char *path, mode_t mode, Err *err)
{
    *file = (AtomicFile){.fd = -1, .path = strdup(path)};
    if (file->path == NULL)
        return err_no_memory(err);
    char *temp = make_temp_name(path, err);
    if (temp == NULL)
        return false;
    file->fd = open(temp, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (file->fd < 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot create %s", path);
        free(temp);
        return false;
    }
    file->temp = temp;
    return mode != 0600 || fchmod(file->fd, mode) == 0 || err_set_errno(err, ERR_STOP, errno, "cannot write %s", path);
}

bool atomic_file_write(AtomicFile *file, const void *data, size_t len, Err *err)
{
    return fs_write(file->fd, data, len) || err_set_errno(err, ERR_STOP, errno, "cannot write %s", file->path);
}

bool atomic_file_commit(AtomicFile *file, Err *err)
{
    if (fsync(file->fd) != 0)
        return err_set_errno(err, ERR_STOP, errno, "cannot write %s", file->path);
    if (rename(file->temp, file->path) != 0)
        return err_set_errno(err, ERR_STOP, errno, "cannot replace %s", file->path);
    free(file->temp);
    file->temp = NULL;
    return fs_sync_parent(file->path, err);
}

void atomic_file_close(AtomicFile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->temp != NULL)
        (void)unlink(file->temp);
    free(file->temp);
    free(file->path);
    *file = (AtomicFile){.fd = -1};
}

bool atomic_file_put(const char *path, mode_t mode, const void *data, size_t len, Err *err)
{
    AtomicFile file;
    bool ok = atomic_file_open(&file, path, mode, err) && atomic_file_write(&file, data, len, err) &&
              atomic_file_commit(&file, err);
    atomic_file_close(&file);
    return ok;
}

bool atomic_file_is_temp(const char *name)
{
    size_t len = strlen(name);
    if (name[0] != '.' || len < 2 + 1 + DIGITS + SUFFIX_LEN || !text_ends_with(name, SUFFIX))
        return false;
    const char *digits = name + len - SUFFIX_LEN - DIGITS;
    return digits[-1] == '.' && strspn(digits, "0123456789abcdef") == DIGITS;
}

void atomic_file_sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (atomic_file_is_temp(entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}
