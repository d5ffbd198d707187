#define _DEFAULT_SOURCE /* d_type */
#include "parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"

EntryType entry_type(const char *name)
{
    return (EntryType)name[-1];
}

static EntryType type_of_mode(mode_t mode)
{
    return S_ISREG(mode) ? ENTRY_FILE : S_ISDIR(mode) ? ENTRY_DIRECTORY : S_ISLNK(mode) ? ENTRY_LINK : ENTRY_SPECIAL;
}

/* 0 when the entry is gone, -1 with errno when its type cannot be told. */
static int find_type(int dir, const struct dirent *entry)
{
    struct stat st;
    switch (entry->d_type) {
    case DT_REG:
        return ENTRY_FILE;
    case DT_DIR:
        return ENTRY_DIRECTORY;
    case DT_LNK:
        return ENTRY_LINK;
    case DT_UNKNOWN: /* some file systems do not say */
        if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return (int)type_of_mode(st.st_mode);
        return errno == ENOENT ? 0 : -1;
    default:
        return ENTRY_SPECIAL;
    }
}

static bool read_names(DIR *stream, Entries *out, Err *err)
{
    for (;;) {
        if (!interrupt_check(err))
            return false;
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL)
            return errno == 0 || err_set_errno(err, ERR_SKIP, errno, "this directory cannot be read");
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        int type = find_type(dirfd(stream), entry);
        if (type < 0)
            return err_set_errno(err, ERR_SKIP, errno, "an entry of this directory cannot be examined");
        if (type == 0)
            continue;
        char byte = (char)type;
        if (!buf_append(&out->bytes, &byte, 1, err) || !buf_append(&out->bytes, name, strlen(name) + 1, err))
            return false;
        if (type == ENTRY_FILE || type == ENTRY_LINK)
            out->marks |= kinds_marks(name);
        out->count++;
    }
}

/* As the paths sort that will stand in the list: a directory counts as its name with a slash behind. */
static int compare_entries(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    if (entry_type(a) != ENTRY_DIRECTORY && entry_type(b) != ENTRY_DIRECTORY)
        return strcmp(a, b);
    size_t i = 0;
    while (a[i] == b[i] && a[i] != '\0')
        i++;
    int x = (unsigned char)a[i], y = (unsigned char)b[i];
    if (x == 0 && entry_type(a) == ENTRY_DIRECTORY)
        x = '/';
    if (y == 0 && entry_type(b) == ENTRY_DIRECTORY)
        y = '/';
    return x - y;
}

static bool sort_names(Entries *out, Err *err)
{
    if (out->count == 0)
        return true;
    out->names = malloc(out->count * sizeof *out->names);
    if (out->names == NULL)
        return err_no_memory(err);
    const char *at = out->bytes.data;
    for (size_t i = 0; i < out->count; i++) {
        out->names[i] = at + 1;
        at += strlen(at) + 1;
    }
    qsort(out->names, out->count, sizeof *out->names, compare_entries);
    return true;
}

bool entries_read(int dir, Entries *out, Err *err)
{
    /* A description of its own: the offset of `dir` is its owner's, and closedir closes. */
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_SKIP, errno, "this directory cannot be read");
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        err_set_errno(err, ERR_SKIP, errno, "this directory cannot be read");
        close(fd);
        return false;
    }
    bool ok = read_names(stream, out, err) && sort_names(out, err);
    closedir(stream);
    return ok;
}

void entries_free(Entries *entries)
{
    free(entries->names);
    buf_free(&entries->bytes);
    *entries = (Entries){0};
}
