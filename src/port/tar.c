#define _GNU_SOURCE
#include "port/tar.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

struct TarWriter {
    struct archive *archive;
    struct archive_entry *entry; /* reused */
    SinkFn sink;
    void *ctx;
    uint64_t left;       /* bytes that the open member still needs */
    uint64_t members, name_bytes;
    bool ended, failed;
    bool sink_failed;    /* sink_err is the sink's own error, to be handed on as it is */
    Err sink_err;
};

/* libarchive converts member names from the charset of the locale. In the C locale it would mark every name that is not ASCII as
 * binary, so the same members would give other bytes on another machine. Its own calls therefore always run in a UTF-8 locale;
 * names that are not UTF-8 are still stored byte for byte (hdrcharset=BINARY). Made once and kept: to load one for each archive is
 * slow. */
static locale_t utf8;
static pthread_once_t utf8_made = PTHREAD_ONCE_INIT;

static void make_utf8(void)
{
    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static bool need_utf8(Err *err)
{
    if (pthread_once(&utf8_made, make_utf8) == 0 && utf8 != (locale_t)0)
        return true;
    /* errno tells the end of its search for the files, also when memory was short. */
    err_set(err, ERR_STOP,
            "the C library cannot load the locale C.UTF-8, which the names in a tar archive need: out of memory, or not installed");
    err_hint(err, "install the locales of the system's C library");
    return err_remedy(err, REMEDY_LESS_MEMORY);
}

static la_ssize_t on_bytes(struct archive *archive, void *ctx, const void *data, size_t len)
{
    TarWriter *tar = ctx;
    if (!tar->failed && tar->sink(tar->ctx, data, len, &tar->sink_err))
        return (la_ssize_t)len;
    if (!tar->failed)
        tar->failed = tar->sink_failed = true;
    archive_set_error(archive, EIO, "the sink stopped");
    return -1;
}

static bool fail(TarWriter *tar, const char *path, Err *err)
{
    tar->failed = true;
    if (tar->sink_failed) {
        if (err != NULL)
            *err = tar->sink_err;
        return false;
    }
    const char *why = archive_error_string(tar->archive);
    int errnum = archive_errno(tar->archive);
    if (errnum == ENOMEM)
        return err_no_memory(err);
    return err_set(err, ERR_STOP, "%s: cannot write the tar archive: %s", path,
                   why != NULL ? why : "no reason given (out of memory?)");
}

/* bytes_per_block 0: nothing is gathered or padded, large pieces reach the sink without a copy. */
static bool set_up(TarWriter *tar)
{
    return archive_write_set_format_pax_restricted(tar->archive) == ARCHIVE_OK &&
           archive_write_add_filter_none(tar->archive) == ARCHIVE_OK &&
           archive_write_set_bytes_per_block(tar->archive, 0) == ARCHIVE_OK &&
           archive_write_set_bytes_in_last_block(tar->archive, 1) == ARCHIVE_OK &&
           archive_write_open(tar->archive, tar, NULL, on_bytes, NULL) == ARCHIVE_OK;
}

TarWriter *tar_writer_new(SinkFn sink, void *ctx, Err *err)
{
    if (!need_utf8(err))
        return NULL;
    TarWriter *tar = calloc(1, sizeof *tar);
    if (tar == NULL) {
        err_no_memory(err);
        return NULL;
    }
    tar->sink = sink;
    tar->ctx = ctx;
    tar->archive = archive_write_new();
    tar->entry = archive_entry_new();
    if (tar->archive == NULL || tar->entry == NULL)
        err_no_memory(err);
    else if (!set_up(tar))
        fail(tar, "tar", err);
    else
        return tar;
    tar_writer_free(tar);
    return NULL;
}

void tar_writer_free(TarWriter *tar)
{
    if (tar == NULL)
        return;
    /* Closing would pad an abandoned archive and send it; `failed` keeps that from the sink. It must be closed all the same:
     * archive_write_free after archive_write_fail leaks. */
    tar->failed = true;
    if (tar->archive != NULL && !tar->ended)
        (void)archive_write_close(tar->archive);
    archive_entry_free(tar->entry);
    archive_write_free(tar->archive);
    free(tar);
}

/* Is the writer between two members, with nothing owed? */
static bool check_between(const TarWriter *tar, const char *path, Err *err)
{
    if (tar->ended || tar->failed)
        return err_set(err, ERR_BUG, "%s: the tar archive is closed or broken", path);
    if (tar->left > 0)
        return err_set(err, ERR_BUG, "%s: the member before it lacks %llu bytes", path, (unsigned long long)tar->left);
    return true;
}

static bool check_limits(TarWriter *tar, const char *path, Err *err)
{
    size_t len = strlen(path);
    size_t depth = 1;
    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++)
        depth++;
    if (len > TAR_PATH_MAX || depth > TAR_DEPTH_MAX)
        return err_set(err, ERR_SKIP, "member %.300s: its path is too long or too deep", path);
    if (tar->members == TAR_MEMBERS_MAX || len > TAR_NAMES_MAX - tar->name_bytes)
        return err_set(err, ERR_SKIP, "more than %llu members, or their paths are too long", (unsigned long long)TAR_MEMBERS_MAX);
    tar->members++;
    tar->name_bytes += len;
    return true;
}

static bool put_header(TarWriter *tar, const char *path, mode_t mode, uint64_t bytes, int64_t mtime, Err *err)
{
    if (!check_between(tar, path, err))
        return false;
    if (path[0] == '\0' || path[0] == '/' || bytes > INT64_MAX)
        return err_set(err, ERR_BUG, "\"%s\" cannot be a tar member", path);
    if (!check_limits(tar, path, err))
        return false;
    archive_entry_clear(tar->entry);
    archive_entry_copy_pathname(tar->entry, path);
    archive_entry_set_mode(tar->entry, mode);
    archive_entry_set_size(tar->entry, (la_int64_t)bytes);
    archive_entry_set_mtime(tar->entry, (time_t)mtime, 0);
    locale_t before = uselocale(utf8);
    int status = archive_write_header(tar->archive, tar->entry);
    uselocale(before);
    /* A warning is about the charset of the name, whose bytes are stored all the same. */
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return fail(tar, path, err);
    tar->left = bytes;
    return true;
}

bool tar_add_directory(TarWriter *tar, const char *path, int64_t mtime, Err *err)
{
    return put_header(tar, path, S_IFDIR | 0755, 0, mtime, err);
}

bool tar_add_file(TarWriter *tar, const char *path, uint64_t bytes, int64_t mtime, bool executable, Err *err)
{
    return put_header(tar, path, S_IFREG | (executable ? 0755 : 0644), bytes, mtime, err);
}

bool tar_data(TarWriter *tar, const void *data, size_t len, Err *err)
{
    if (tar->ended || tar->failed || len > tar->left)
        return err_set(err, ERR_BUG, "more bytes than the tar member has room for");
    if (len == 0)
        return true;
    if (archive_write_data(tar->archive, data, len) != (la_ssize_t)len)
        return fail(tar, "tar", err);
    tar->left -= len;
    return true;
}

bool tar_end(TarWriter *tar, Err *err)
{
    if (!check_between(tar, "tar", err))
        return false;
    locale_t before = uselocale(utf8);
    int status = archive_write_close(tar->archive);
    uselocale(before);
    if (status != ARCHIVE_OK)
        return fail(tar, "tar", err);
    tar->ended = true;
    return true;
}

void tar_library(char *out, size_t cap)
{
    snprintf(out, cap, "%s", archive_version_string());
}
