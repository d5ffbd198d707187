#define _GNU_SOURCE
#include "removal_obstacle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/lease.h"

bool obstacle_is_written(int dir, const char *path)
{
    int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool written = fd >= 0 && lease_is_refused(fd);
    if (fd >= 0)
        close(fd);
    return written;
}

bool obstacle_members_are_written(int dir, const TreeList *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i].is_directory && obstacle_is_written(dir, list->items[i].path))
            return true;
    return false;
}

/* A folder that entries are taken out of. */
typedef struct Folder {
    const char *why; /* nothing can be taken out of it; NULL: something can */
    bool is_sticky;  /* only what is ours */
    uint64_t mount;
} Folder;

/* May this process take other users' files out of a sticky folder? */
static bool is_fowner(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1U << CAP_FOWNER)) != 0;
}

static uint64_t mount_of(const struct statx *st)
{
    if ((st->stx_mask & STATX_MNT_ID) != 0)
        return st->stx_mnt_id;
    return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor; /* an older kernel: at least other file systems show */
}

static bool ask(int dir, const char *path, struct statx *out)
{
    int flags = AT_SYMLINK_NOFOLLOW | (path[0] == '\0' ? AT_EMPTY_PATH : 0);
    return statx(dir, path, flags, STATX_BASIC_STATS | STATX_MNT_ID, out) == 0;
}

/* chattr +i and +a. statx knows them of most file systems, of others an open descriptor tells. */
static const char *flags_of(int dir, const char *path, const struct statx *st)
{
    const uint64_t both = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
    int flags = 0;
    bool immutable = (st->stx_attributes & STATX_ATTR_IMMUTABLE) != 0, append = (st->stx_attributes & STATX_ATTR_APPEND) != 0;
    if ((st->stx_attributes_mask & both) != both) {
        int fd = openat(dir, path[0] != '\0' ? path : ".", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
            immutable = immutable || (flags & FS_IMMUTABLE_FL) != 0;
            append = append || (flags & FS_APPEND_FL) != 0;
        }
        if (fd >= 0)
            close(fd);
    }
    return immutable ? "is immutable (chattr +i)" : append ? "may only be appended to (chattr +a)" : NULL;
}

static Folder ask_folder(int dir, const char *path)
{
    struct statx st;
    Folder folder = {0};
    if (!ask(dir, path, &st)) {
        folder.why = strerror(errno);
        return folder;
    }
    folder.mount = mount_of(&st);
    folder.is_sticky = (st.stx_mode & S_ISVTX) != 0 && st.stx_uid != geteuid() && !is_fowner();
    folder.why = flags_of(dir, path, &st);
    if (folder.why == NULL && faccessat(dir, path[0] != '\0' ? path : ".", W_OK | X_OK, AT_EACCESS) != 0)
        folder.why = errno == EROFS ? "is on a read-only file system" : "cannot be written";
    return folder;
}

/* An entry of such a folder, whose own path may be any. */
static const char *ask_entry(const Folder *folder, int dir, const char *path)
{
    struct statx st;
    if (!ask(dir, path, &st))
        return strerror(errno);
    if (mount_of(&st) != folder->mount)
        return "is a mount point";
    if (folder->is_sticky && st.stx_uid != geteuid())
        return "belongs to another user, and its folder is sticky";
    if (S_ISREG(st.stx_mode) && obstacle_is_written(dir, path))
        return "is open for writing in another process";
    return flags_of(dir, path, &st);
}

bool obstacle_of_entry(int parent, const char *name, char why[OBSTACLE_BYTES])
{
    Folder folder = ask_folder(parent, "");
    const char *own = folder.why == NULL ? ask_entry(&folder, parent, name) : NULL;
    if (folder.why != NULL)
        snprintf(why, OBSTACLE_BYTES, "its folder %s", folder.why);
    else if (own != NULL)
        snprintf(why, OBSTACLE_BYTES, "it %s", own);
    return folder.why != NULL || own != NULL;
}

/* The folder that `path` is in; "" = the directory itself. */
static void folder_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    memcpy(out, path, len < PATH_MAX ? len : PATH_MAX - 1);
    out[len < PATH_MAX ? len : PATH_MAX - 1] = '\0';
}

bool obstacle_of_members(int dir, const TreeList *list, char why[OBSTACLE_BYTES])
{
    char path[PATH_MAX], last[PATH_MAX] = "";
    Folder folder = ask_folder(dir, "");
    uint64_t mount = folder.mount;
    for (size_t i = 0; i < list->count; i++) {
        const char *member = list->items[i].path;
        if (interrupt_signal() != 0) {
            snprintf(why, OBSTACLE_BYTES, "a signal asked to end");
            return true;
        }
        folder_of(member, path);
        if (strcmp(path, last) != 0) {
            folder = ask_folder(dir, path);
            folder.mount = mount; /* where a folder is a mount point was asked of the folder as a member */
            memcpy(last, path, sizeof last);
        }
        const char *own = folder.why == NULL ? ask_entry(&folder, dir, member) : NULL;
        if (folder.why != NULL)
            snprintf(why, OBSTACLE_BYTES, "%s%.300s %s", path[0] != '\0' ? "its folder " : "it", path, folder.why);
        else if (own != NULL)
            snprintf(why, OBSTACLE_BYTES, "its member %.300s %s", member, own);
        if (folder.why != NULL || own != NULL)
            return true;
    }
    return false;
}
