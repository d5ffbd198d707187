/* fuzz_files.h: for targets that read files: a private folder, in memory where there is such a place, removed at the end. */
#ifndef FUZZ_FILES_H
#define FUZZ_FILES_H

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "fuzz.h"

static char fuzz_folder[32];

/* Removes `name` in `dir`, whatever it is. */
static inline void fuzz_remove(const char *dir, const char *name)
{
    Err err;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fuzz_assert(fd >= 0 && fs_remove_tree(fd, name, &err) && close(fd) == 0);
}

static inline void fuzz_remove_folder(void)
{
    char *slash = strrchr(fuzz_folder, '/');
    *slash = '\0';
    fuzz_remove(fuzz_folder, slash + 1);
}

static inline const char *fuzz_dir(void)
{
    if (fuzz_folder[0] == '\0') {
        snprintf(fuzz_folder, sizeof fuzz_folder, "%s/fuzz-XXXXXX", access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
        fuzz_assert(mkdtemp(fuzz_folder) != NULL && atexit(fuzz_remove_folder) == 0);
        log_set_level(LOG_ERROR);
    }
    return fuzz_folder;
}


static inline void fuzz_write(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_assert(fd >= 0 && fs_write(fd, data, len) && close(fd) == 0);
}

/* A C string of the bytes; a NUL inside ends it early. */
static inline char *fuzz_string(const void *data, size_t len)
{
    char *text = malloc(len + 1);
    fuzz_assert(text != NULL);
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    return text;
}

#endif
