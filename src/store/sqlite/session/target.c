#define _DEFAULT_SOURCE /* realpath */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "port/sha256.h"
#include "file_url.h"

#define LINKS_MAX 40      /* as the kernel */
#define KEY_NAME_BYTES 60 /* of the file's name, in the key */

/* `name` beside `path`, or by itself when it is absolute. malloc'd. */
static char *beside(const char *path, const char *name)
{
    char *copy = name[0] != '/' ? strdup(path) : NULL;
    char *joined = name[0] == '/' ? strdup(name) : copy != NULL ? fs_join(dirname(copy), name) : NULL;
    free(copy);
    return joined;
}

/* realpath wants memory of its own: that it has none is not the fault of whoever wrote the path. */
static ErrClass class_of(int errnum)
{
    return errnum == ENOMEM ? ERR_STOP : ERR_USAGE;
}

/* Where a file that is not there will be: its folder must be there. */
static char *missing_path(const char *path, Err *err)
{
    char *folder = strdup(path), *name = strdup(path), *real = NULL, *found = NULL;
    if (folder == NULL || name == NULL)
        err_no_memory(err);
    else if ((real = realpath(dirname(folder), NULL)) == NULL)
        err_set_errno(err, class_of(errno), errno, "%s: its folder", path);
    else if ((found = fs_join(real, basename(name))) == NULL)
        err_no_memory(err);
    free(folder);
    free(name);
    free(real);
    return found;
}

/* The real path of a file that may be missing, also at the end of symbolic links. */
static char *real_path(const char *path, unsigned links, Err *err)
{
    char *found = realpath(path, NULL), target[PATH_MAX];
    if (found != NULL)
        return found;
    if (errno != ENOENT) {
        err_set_errno(err, class_of(errno), errno, "%s", path);
        return NULL;
    }
    ssize_t len = readlink(path, target, sizeof target - 1);
    if (len <= 0 || links == 0)
        return missing_path(path, err);
    target[len] = '\0';
    char *next = beside(path, target);
    if (next == NULL) {
        err_no_memory(err);
        return NULL;
    }
    found = real_path(next, links - 1, err);
    free(next);
    return found;
}

/* sqlite-<name of the file>-<8 hex of the hash of its real path>, in the letters of a key. */
static char *key_of(const char *path, Err *err)
{
    const char *name = strrchr(path, '/') + 1;
    char hex[2 * DIGEST_BYTES + 1], *key = malloc(KEY_NAME_BYTES + sizeof hex + 16);
    Digest digest;
    if (key == NULL) {
        err_no_memory(err);
        return NULL;
    }
    if (!sha256_once(path, strlen(path), &digest, err)) {
        free(key);
        return NULL;
    }
    digest_hex(&digest, hex);
    size_t used = (size_t)snprintf(key, KEY_NAME_BYTES, "sqlite-");
    for (; *name != '\0' && used < KEY_NAME_BYTES; name++) {
        bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *name) != NULL;
        key[used++] = plain ? *name : '_';
    }
    snprintf(key + used, 16, "-%.8s", hex);
    return key;
}

const char *sqlite_network_kind(unsigned long type, bool *sure)
{
    static const struct {
        unsigned long type;
        const char *kind;
        bool sure;
    } kinds[] = {{0x6969, "NFS", true},        {0x517b, "SMB", true},       {0xfe534d42, "SMB", true},  {0xff534d42, "CIFS", true},
                 {0x0bd00bd0, "Lustre", true}, {0x47504653, "GPFS", true},  {0x00c36400, "Ceph", true}, {0x5346414f, "AFS", true},
                 {0x19830326, "BeeGFS", true}, {0x65735546, "FUSE", false}, {0x01021997, "9p", false}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].type != (type & 0xffffffff))
            continue;
        *sure = kinds[i].sure;
        return kinds[i].kind;
    }
    return NULL;
}

static void warn_of_network(const SqliteTarget *target)
{
    struct statfs status;
    char folder[PATH_MAX];
    bool sure;
    if (snprintf(folder, sizeof folder, "%s", target->path) >= (int)sizeof folder || statfs(dirname(folder), &status) != 0)
        return;
    const char *kind = sqlite_network_kind((unsigned long)status.f_type, &sure);
    if (kind != NULL)
        log_line(sure ? LOG_WARN : LOG_INFO, "%s is on %s: use it from one host at a time, its locks may not hold between hosts",
                 target->base.label, kind);
}

bool sqlite_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err)
{
    SqliteUrl parsed;
    if (!sqlite_url_parse(url, &parsed, err))
        return false;
    SqliteTarget *target = calloc(1, sizeof *target);
    if (target == NULL) {
        free(parsed.path);
        return err_no_memory(err);
    }
    target->base.tuning = *tuning;
    target->base.label = parsed.path;
    target->read_only = parsed.read_only;
    target->immutable = parsed.immutable;
    target->wal = parsed.wal;
    target->path = real_path(parsed.path, LINKS_MAX, err);
    target->base.key = target->path != NULL ? key_of(target->path, err) : NULL;
    if (target->base.key == NULL) {
        sqlite_target_free(&target->base);
        return false;
    }
    warn_of_network(target);
    *out = &target->base;
    return true;
}

void sqlite_target_free(StoreTarget *target)
{
    SqliteTarget *file = (SqliteTarget *)target;
    store_target_clear(target);
    free(file->path);
    free(file);
}

const char *sqlite_target_file(const StoreTarget *target)
{
    return ((const SqliteTarget *)target)->path;
}

bool sqlite_target_is_missing(const StoreTarget *target)
{
    struct stat status;
    return lstat(((const SqliteTarget *)target)->path, &status) != 0 && errno == ENOENT;
}

/* Nobody else opens the file here: to close it would take away the locks of every connection of this process. */
bool sqlite_target_create(const SqliteTarget *target, Err *err)
{
    int fd = open(target->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return true;
    if (fd < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s: cannot be made", target->base.label);
    return close(fd) == 0 || err_set_errno(err, ERR_STOP, errno, "%s", target->base.label);
}
