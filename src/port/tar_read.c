#define _GNU_SOURCE
#include "port/tar.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "base/text.h"
#include "port/gzip.h"
#include "tar_names.h"

/* libarchive takes the tar apart. What it is too lenient about is done here: its gzip filter checks no CRC and stops silently at
 * bytes behind the member, so our own Inflater stands before it; an archive without an end, or with anything behind it, is good to
 * it; and in a UTF-8 locale it rewrites names to another Unicode normalisation, so it runs in the C locale. */

#define BLOCK 512
#define FEED_BYTES ((size_t)64 * 1024)    /* one piece for libarchive */
#define GZIP_IN_BYTES ((size_t)16 * 1024) /* becomes 16 MiB at the most */
#define OVERHEAD_BYTES ((uint64_t)64 * 1024)
#define OVERHEAD_MEMBER ((uint64_t)8 * 1024)

typedef struct Reader {
    TarSourceFn source;
    void *source_ctx;
    const TarVisitor *visitor;
    uint64_t max_bytes;
    const unsigned char *at; /* what the source gave, as far as it is not used */
    size_t left;
    bool source_ended;
    Inflater *inflater;      /* NULL: the source is a plain tar */
    Buf plain;               /* inflated */
    size_t plain_at;
    uint64_t given, nonzero; /* bytes that libarchive got; the offset behind the last of them that is not 0 */
    uint64_t entries, declared, end; /* headers read, bytes of their members, offset behind the last one with its padding */
    bool feed_failed;        /* feed_err is to be handed on as it is */
    Err feed_err;
    struct archive *archive;
    locale_t c_locale;
    TarNames names;
    char path[TAR_PATH_MAX + 3]; /* of the member in hand; room for a leading "./" */
} Reader;

static bool pull(Reader *reader, Err *err)
{
    const void *data = NULL;
    size_t len = 0;
    if (!reader->source_ended && !reader->source(reader->source_ctx, &data, &len, err))
        return false;
    reader->source_ended = len == 0;
    reader->at = data;
    reader->left = len;
    return true;
}

static bool keep_plain(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(&((Reader *)ctx)->plain, data, len, err);
}

/* Inflates until there is something, or the member and the source end. */
static bool inflate_more(Reader *reader, Err *err)
{
    buf_clear(&reader->plain);
    reader->plain_at = 0;
    while (reader->plain.len == 0) {
        if (reader->left == 0 && !pull(reader, err))
            return false;
        if (reader->source_ended)
            return inflater_end(reader->inflater, err);
        size_t take = reader->left < GZIP_IN_BYTES ? reader->left : GZIP_IN_BYTES;
        if (!inflater_add(reader->inflater, reader->at, take, err))
            return false;
        reader->at += take;
        reader->left -= take;
    }
    return true;
}

/* The next piece of the tar itself; *len 0 = the end. */
static bool next_plain(Reader *reader, const unsigned char **data, size_t *len, Err *err)
{
    if (reader->inflater != NULL) {
        if (reader->plain_at == reader->plain.len && !reader->source_ended && !inflate_more(reader, err))
            return false;
        size_t there = reader->plain.len - reader->plain_at;
        *len = there < FEED_BYTES ? there : FEED_BYTES;
        *data = *len == 0 ? NULL : (const unsigned char *)reader->plain.data + reader->plain_at;
        reader->plain_at += *len;
        return true;
    }
    if (reader->left == 0 && !pull(reader, err))
        return false;
    *len = reader->left < FEED_BYTES ? reader->left : FEED_BYTES;
    *data = reader->at;
    if (*len > 0)
        reader->at += *len;
    reader->left -= *len;
    return true;
}

static bool feed(Reader *reader, const unsigned char **data, size_t *len, Err *err)
{
    if (reader->given > reader->declared + OVERHEAD_BYTES + reader->entries * OVERHEAD_MEMBER)
        return err_set(err, ERR_SKIP, "the archive is much larger than its members");
    if (!next_plain(reader, data, len, err))
        return false;
    for (size_t i = *len; i > 0; i--) {
        if ((*data)[i - 1] != 0) {
            reader->nonzero = reader->given + i;
            break;
        }
    }
    reader->given += *len;
    return *len == 0 || reader->visitor->archive == NULL || reader->visitor->archive(reader->visitor->ctx, *data, *len, err);
}

static la_ssize_t on_read(struct archive *archive, void *ctx, const void **data)
{
    Reader *reader = ctx;
    size_t len = 0;
    const unsigned char *bytes = NULL;
    if (!reader->feed_failed && feed(reader, &bytes, &len, &reader->feed_err)) {
        *data = bytes;
        return (la_ssize_t)len;
    }
    reader->feed_failed = true;
    archive_set_error(archive, EIO, "the source stopped");
    return -1;
}

static bool fail(Reader *reader, Err *err)
{
    if (reader->feed_failed) {
        if (err != NULL)
            *err = reader->feed_err;
        return false;
    }
    const char *why = archive_error_string(reader->archive);
    if (archive_errno(reader->archive) == ENOMEM)
        return err_no_memory(err);
    return err_set(err, ERR_SKIP, "not a tar archive, or a damaged one: %s", why != NULL ? why : "no reason given");
}

/* In the C locale libarchive says of each name that is not ASCII that it cannot be converted, and hands on its bytes as they are.
 */
static bool is_charset_warning(Reader *reader)
{
    const char *why = archive_error_string(reader->archive);
    return why != NULL && text_ends_with(why, " to current locale.");
}

/* Puts the path into reader->path, without a leading "./" and a directory's trailing slash. */
static bool take_path(Reader *reader, const char *path, bool is_directory, Err *err)
{
    if (path == NULL)
        return err_set(err, ERR_SKIP, "a member has no name");
    if (text_starts_with(path, "./"))
        path += 2;
    if (!text_copy(reader->path, sizeof reader->path, path))
        return err_set(err, ERR_SKIP, "member %.100s...: its path is longer than %d bytes", path, TAR_PATH_MAX);
    size_t len = strlen(reader->path);
    if (is_directory && len > 1 && reader->path[len - 1] == '/')
        reader->path[len - 1] = '\0';
    return true;
}

static const char *type_name(unsigned type)
{
    switch (type) {
    case AE_IFLNK:
        return "a symbolic link";
    case AE_IFIFO:
        return "a FIFO";
    case AE_IFCHR:
    case AE_IFBLK:
        return "a device";
    case AE_IFSOCK:
        return "a socket";
    default:
        return "neither a file nor a directory";
    }
}

/* Refuses what is not a plain file or directory of a possible size; reader->path is set. */
static bool check_entry(Reader *reader, struct archive_entry *entry, Err *err)
{
    unsigned type = archive_entry_filetype(entry);
    la_int64_t bytes = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    if (archive_entry_hardlink(entry) != NULL)
        return err_set(err, ERR_SKIP, "member %.300s: a hard link", reader->path);
    if (type != AE_IFREG && type != AE_IFDIR)
        return err_set(err, ERR_SKIP, "member %.300s: %s", reader->path, type_name(type));
    if (archive_entry_sparse_count(entry) > 0)
        return err_set(err, ERR_SKIP, "member %.300s: a sparse file", reader->path);
    if (bytes < 0 || (type == AE_IFDIR && bytes > 0))
        return err_set(err, ERR_SKIP, "member %.300s: an impossible size", reader->path);
    if ((uint64_t)bytes > reader->max_bytes - reader->declared)
        return err_set(err, ERR_SKIP, "member %.300s: the members have more than %llu bytes", reader->path,
                       (unsigned long long)reader->max_bytes);
    return true;
}

static bool read_data(Reader *reader, const TarMember *member, Err *err)
{
    const TarVisitor *visitor = reader->visitor;
    uint64_t done = 0;
    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        la_int64_t offset = 0;
        int status = archive_read_data_block(reader->archive, &data, &len, &offset);
        if (status == ARCHIVE_EOF)
            break;
        if (status != ARCHIVE_OK)
            return fail(reader, err);
        if (offset < 0 || (uint64_t)offset != done || len > member->bytes - done)
            return err_set(err, ERR_SKIP, "member %.300s: a sparse file", member->path);
        if (len > 0 && !visitor->data(visitor->ctx, data, len, err))
            return false;
        done += len;
    }
    if (done != member->bytes)
        return err_set(err, ERR_SKIP, "member %.300s: it ends too early", member->path);
    return visitor->data(visitor->ctx, NULL, 0, err);
}

static bool read_member(Reader *reader, struct archive_entry *entry, Err *err)
{
    bool is_directory = archive_entry_filetype(entry) == AE_IFDIR;
    if (!take_path(reader, archive_entry_pathname(entry), is_directory, err) || !check_entry(reader, entry, err))
        return false;
    TarMember member = {.path = reader->path,
                        .is_directory = is_directory,
                        .executable = !is_directory && (archive_entry_perm(entry) & S_IXUSR) != 0,
                        .bytes = is_directory ? 0 : (uint64_t)archive_entry_size(entry),
                        .mtime = archive_entry_mtime_is_set(entry) ? archive_entry_mtime(entry) : 0};
    reader->entries++;
    reader->declared += member.bytes;
    bool is_root = is_directory && (reader->path[0] == '\0' || strcmp(reader->path, ".") == 0);
    if (!is_root) {
        if (!tar_names_add(&reader->names, reader->path, is_directory, err) ||
            !reader->visitor->member(reader->visitor->ctx, &member, err) || (!is_directory && !read_data(reader, &member, err)))
            return false;
    }
    uint64_t position = (uint64_t)archive_filter_bytes(reader->archive, 0);
    reader->end = (position + BLOCK - 1) / BLOCK * BLOCK;
    return true;
}

/* libarchive has seen what it takes for the end. */
static bool finish(Reader *reader, Err *err)
{
    const unsigned char *data;
    uint64_t position = (uint64_t)archive_filter_bytes(reader->archive, 0);
    size_t len;
    do {
        if (!feed(reader, &data, &len, err))
            return false;
    } while (len > 0);
    if (position != reader->end + (uint64_t)2 * BLOCK)
        return err_set(err, ERR_SKIP, "the archive ends too early");
    if (reader->nonzero > reader->end)
        return err_set(err, ERR_SKIP, "bytes behind the end of the archive");
    return reader->names.members > 0 || err_set(err, ERR_SKIP, "the archive holds nothing");
}

static bool read_members(Reader *reader, Err *err)
{
    for (;;) {
        struct archive_entry *entry = NULL;
        locale_t before = uselocale(reader->c_locale);
        int status = archive_read_next_header(reader->archive, &entry);
        uselocale(before);
        if (status == ARCHIVE_EOF && !reader->feed_failed)
            return finish(reader, err);
        if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && is_charset_warning(reader)))
            return fail(reader, err);
        if (!read_member(reader, entry, err))
            return false;
    }
}

/* Looks at the first bytes; a gzip member is inflated before libarchive sees it. The limit for its output is kept in feed. */
static bool begin(Reader *reader, Err *err)
{
    static const unsigned char gzip_magic[] = {0x1f, 0x8b};
    if (!pull(reader, err))
        return false;
    if (reader->left > 0 && memcmp(reader->at, gzip_magic, reader->left > 1 ? 2 : 1) == 0) {
        reader->inflater = inflater_new(err);
        if (reader->inflater == NULL || !inflater_begin(reader->inflater, UINT64_MAX, keep_plain, reader, err))
            return false;
    }
    reader->c_locale = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
    reader->archive = archive_read_new();
    if (reader->archive == NULL || reader->c_locale == (locale_t)0)
        return err_no_memory(err);
    if (archive_read_support_format_tar(reader->archive) != ARCHIVE_OK ||
        archive_read_open(reader->archive, reader, NULL, on_read, NULL) != ARCHIVE_OK)
        return fail(reader, err);
    return true;
}

bool tar_read(TarSourceFn source, void *source_ctx, uint64_t max_bytes, const TarVisitor *visitor, Err *err)
{
    Reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return err_no_memory(err);
    reader->source = source;
    reader->source_ctx = source_ctx;
    reader->visitor = visitor;
    reader->max_bytes = max_bytes;
    bool ok = begin(reader, err) && read_members(reader, err);
    archive_read_free(reader->archive);
    if (reader->c_locale != (locale_t)0)
        freelocale(reader->c_locale);
    inflater_free(reader->inflater);
    buf_free(&reader->plain);
    tar_names_free(&reader->names);
    free(reader);
    return ok;
}
