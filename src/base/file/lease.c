#define _GNU_SOURCE
#include "base/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/vfs.h>

/* A server of files refuses leases for reasons of its own; on these the refusal means a writer. */
static bool is_local(int fd)
{
    static const unsigned long local[] = {0xef53 /* ext */,       0x58465342 /* xfs */,  0x9123683e /* btrfs */,
                                          0x01021994 /* tmpfs */, 0x2fc12fc1 /* zfs */,  0xf2f52010 /* f2fs */,
                                          0x794c7630 /* overlay */};
    struct statfs fs;
    for (size_t i = 0; fstatfs(fd, &fs) == 0 && i < sizeof local / sizeof *local; i++)
        if ((unsigned long)fs.f_type == local[i])
            return true;
    return false;
}

bool lease_is_refused(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN && is_local(fd);
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}
