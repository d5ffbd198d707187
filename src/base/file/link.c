#define _GNU_SOURCE
#include "base/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

/* The absolute path of an open descriptor; false with errno set. */
static bool descriptor_path(int fd, char out[LINK_PATH_MAX])
{
    char proc[40];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(proc, out, LINK_PATH_MAX);
    if (len < 0)
        return false;
    if (len >= LINK_PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    out[len] = '\0';
    return true;
}

/* The part of `path` behind the directory `base`, "." when they are the same, NULL when it is not below. */
static const char *part_below(const char *base, const char *path)
{
    size_t len = strlen(base);
    if (strcmp(base, path) == 0)
        return ".";
    if (len == 1) /* the root of the file system */
        return path[0] == '/' ? path + 1 : NULL;
    return strncmp(base, path, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

int link_resolve(int root, const char *path, char real[LINK_PATH_MAX])
{
    char base[LINK_PATH_MAX], target[LINK_PATH_MAX];
    int saved;
    int fd = openat(root, path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (!descriptor_path(root, base) || !descriptor_path(fd, target)) {
        saved = errno;
        goto fail;
    }
    const char *below = part_below(base, target);
    if (below == NULL) {
        saved = EXDEV;
        goto fail;
    }
    memcpy(real, below, strlen(below) + 1);
    return fd;
fail:
    close(fd);
    errno = saved;
    return -1;
}

int link_open(int root, const char *path, int flags)
{
    char real[LINK_PATH_MAX];
    int fd = link_resolve(root, path, real);
    if (fd < 0)
        return -1;
    close(fd);
    return fs_open_beneath(root, real, flags, false);
}
