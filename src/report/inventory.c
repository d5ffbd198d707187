#include "report/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"

typedef bool (*Writer)(const Inventory *inventory, Buf *out, Err *err);

static Writer writer_of(const char *path)
{
    static const struct {
        const char *ending;
        Writer writer;
    } formats[] = {{".csv", inventory_csv}, {".json", inventory_json}, {".html", inventory_html}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (text_ends_with(path, formats[i].ending))
            return formats[i].writer;
    return NULL;
}

/* Like fs_replace_file, but for others to read as the umask allows: a report is no secret of ours. */
static bool replace_public_file(const char *path, const Buf *data, Err *err)
{
    size_t size = strlen(path) + sizeof ".tmp";
    char *temp = malloc(size);
    bool ok = false;
    int fd = -1;
    if (temp == NULL)
        return err_no_memory(err);
    snprintf(temp, size, "%s.tmp", path);
    /* A leftover, or a planted symlink: remove the name, never follow it. */
    unlink(temp);
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot create %s", temp);
        goto out;
    }
    if (!fs_write(fd, data->data, data->len) || fsync(fd) != 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot write %s", temp);
        goto out;
    }
    if (rename(temp, path) != 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot rename %s to %s", temp, path);
        goto out;
    }
    ok = fs_sync_parent(path, err);
out:
    if (fd >= 0)
        close(fd);
    if (!ok)
        unlink(temp);
    free(temp);
    return ok;
}

bool inventory_write_file(const Inventory *inventory, const char *path, Err *err)
{
    Buf data = {0};
    Writer writer = writer_of(path);
    if (writer == NULL) {
        err_set(err, ERR_USAGE, "%s: no format has this ending", path);
        return err_hint(err, "name a file that ends with .csv, .json or .html");
    }
    bool ok = writer(inventory, &data, err) && replace_public_file(path, &data, err);
    buf_free(&data);
    return ok;
}
