#define _GNU_SOURCE
#include "rename_new.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_unknown_flag(int why)
{
    return why == EINVAL || why == ENOSYS || why == EOPNOTSUPP;
}

/* Two names for a moment, never none. */
static bool link_and_unlink(int from_dir, const char *from, int to_dir, const char *to)
{
    if (linkat(from_dir, from, to_dir, to, 0) != 0)
        return false;
    if (unlinkat(from_dir, from, 0) == 0)
        return true;
    int why = errno;
    (void)unlinkat(to_dir, to, 0);
    errno = why;
    return false;
}

bool rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
    struct stat st;
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return true;
    if (!is_unknown_flag(errno) || fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (!S_ISDIR(st.st_mode))
        return link_and_unlink(from_dir, from, to_dir, to);
    if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return false;
    }
    return errno == ENOENT && renameat(from_dir, from, to_dir, to) == 0;
}
