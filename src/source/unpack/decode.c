#include <string.h>

#include "base/buf.h"
#include "base/interrupt.h"
#include "port/gzip.h"
#include "port/tar.h"
#include "../members.h"
#include "../pickle/plain.h"
#include "parts.h"

/* One payload on its way out. */
typedef struct Unpacking {
    const StoredModel *info;
    UnpackSourceFn source;
    void *ctx;
    const UnpackOut *out;
    Sha256 *stored_sha, *content_sha, *member_sha, *members_sha;
    uint64_t stored_bytes, raw_bytes;
    Buf path; /* of the last member */
} Unpacking;

/* The source, counted and hashed. */
static bool read_stored(void *ctx, const void **data, size_t *len, Err *err)
{
    Unpacking *un = ctx;
    *len = 0;
    if (!interrupt_check(err) || !un->source(un->ctx, data, len, err))
        return false;
    if (*len > un->info->stored_bytes - un->stored_bytes)
        return err_set(err, ERR_SKIP, "the payload has more than the %llu bytes that the row says",
                       (unsigned long long)un->info->stored_bytes);
    un->stored_bytes += *len;
    return sha256_add(un->stored_sha, *data, *len, err);
}

/* The bytes of a file model. */
static bool take_content(void *ctx, const void *data, size_t len, Err *err)
{
    Unpacking *un = ctx;
    un->raw_bytes += len;
    return interrupt_check(err) && sha256_add(un->content_sha, data, len, err) &&
           (un->out->content == NULL || un->out->content(un->out->ctx, data, len, err));
}

static bool read_file(Unpacking *un, Inflater *inflater, Err *err)
{
    const void *data = NULL;
    size_t len = 0;
    do {
        if (!read_stored(un, &data, &len, err))
            return false;
        if (len > 0 && !(inflater != NULL ? inflater_add(inflater, data, len, err) : take_content(un, data, len, err)))
            return false;
    } while (len > 0);
    return inflater == NULL || inflater_end(inflater, err);
}

static bool decode_gzip(Unpacking *un, Err *err)
{
    Inflater *inflater = inflater_new(err);
    bool ok =
        inflater != NULL && inflater_begin(inflater, un->info->raw_bytes, take_content, un, err) && read_file(un, inflater, err);
    inflater_free(inflater);
    return ok;
}

/* A plain form: the file that it was made from. */
static bool decode_pickle(Unpacking *un, Err *err)
{
    PlainReader *reader = plain_reader_new(err);
    const void *data = NULL;
    size_t len = 0;
    bool ok = reader != NULL;
    if (ok)
        plain_reader_begin(reader, take_content, un);
    do
        ok = ok && read_stored(un, &data, &len, err) && plain_reader_add(reader, data, len, err);
    while (ok && len > 0);
    ok = ok && plain_reader_end(reader, err);
    plain_reader_free(reader);
    return ok;
}

static bool decode_file(Unpacking *un, Err *err)
{
    return un->info->is_pickle ? decode_pickle(un, err) : un->info->is_gzip ? decode_gzip(un, err) : read_file(un, NULL, err);
}

/* The content hash runs over the members in byte order, so they must come in it. */
static bool take_member(void *ctx, const TarMember *member, Err *err)
{
    Unpacking *un = ctx;
    if (un->path.len > 0 && strcmp(un->path.data, member->path) >= 0)
        return err_set(err, ERR_SKIP, "member %.300s: the members are not sorted", member->path);
    buf_clear(&un->path);
    return buf_text(&un->path, member->path, err) && sha256_reset(un->member_sha, err) &&
           members_add(un->members_sha, member->path, member->is_directory, member->executable, err) &&
           (un->out->member == NULL || un->out->member(un->out->ctx, member, err));
}

static bool take_data(void *ctx, const void *data, size_t len, Err *err)
{
    Unpacking *un = ctx;
    Digest digest;
    un->raw_bytes += len;
    if (!interrupt_check(err))
        return false;
    if (data == NULL &&
        (!sha256_end(un->member_sha, &digest, err) || !sha256_add_sum_line(un->content_sha, &digest, un->path.data, err)))
        return false;
    if (data != NULL && !sha256_add(un->member_sha, data, len, err))
        return false;
    return un->out->data == NULL || un->out->data(un->out->ctx, data, len, err);
}

static bool take_archive(void *ctx, const void *data, size_t len, Err *err)
{
    const UnpackOut *out = ((Unpacking *)ctx)->out;
    return out->archive(out->ctx, data, len, err);
}

static bool decode_tree(Unpacking *un, Err *err)
{
    TarVisitor visitor = {
        .member = take_member, .data = take_data, .archive = un->out->archive != NULL ? take_archive : NULL, .ctx = un};
    return tar_read(read_stored, un, un->info->raw_bytes, &visitor, err);
}

static bool check_digest(Sha256 *sha, const Digest *expected, const char *what, Err *err)
{
    Digest digest;
    char is[2 * DIGEST_BYTES + 1], should[2 * DIGEST_BYTES + 1];
    if (!sha256_end(sha, &digest, err))
        return false;
    if (digest_equal(&digest, expected))
        return true;
    digest_hex(&digest, is);
    digest_hex(expected, should);
    return err_set(err, ERR_SKIP, "the SHA-256 of the %s is %s, the row says %s", what, is, should);
}

/* Rows of version 0.1.0 do not record it. */
static bool check_members(Unpacking *un, Err *err)
{
    const StoredModel *info = un->info;
    Digest digest;
    if (!sha256_end(un->members_sha, &digest, err))
        return false;
    if (un->out->members != NULL)
        *un->out->members = digest;
    return !info->has_members || digest_equal(&digest, &info->members) ||
           err_set(err, ERR_SKIP, "the folders and executable bits of the payload are not those that the row records");
}

static bool check_all(Unpacking *un, Err *err)
{
    const StoredModel *info = un->info;
    if (un->stored_bytes != info->stored_bytes)
        return err_set(err, ERR_SKIP, "the payload has %llu bytes, the row says %llu", (unsigned long long)un->stored_bytes,
                       (unsigned long long)info->stored_bytes);
    if (!check_digest(un->stored_sha, &info->stored, "payload", err))
        return false;
    if (un->raw_bytes != info->raw_bytes)
        return err_set(err, ERR_SKIP, "the content has %llu bytes, the row says %llu", (unsigned long long)un->raw_bytes,
                       (unsigned long long)info->raw_bytes);
    return check_digest(un->content_sha, &info->content, "content", err) && (!info->is_tar || check_members(un, err));
}

bool unpack_stream(const StoredModel *info, UnpackSourceFn source, void *ctx, const UnpackOut *out, Err *err)
{
    Unpacking un = {.info = info, .source = source, .ctx = ctx, .out = out};
    bool ok = (un.stored_sha = sha256_new(err)) != NULL && (un.content_sha = sha256_new(err)) != NULL &&
              (un.member_sha = sha256_new(err)) != NULL && (un.members_sha = sha256_new(err)) != NULL &&
              (info->is_tar ? decode_tree : decode_file)(&un, err) &&
              check_all(&un, err);
    sha256_free(un.stored_sha);
    sha256_free(un.content_sha);
    sha256_free(un.member_sha);
    sha256_free(un.members_sha);
    buf_free(&un.path);
    if (!ok && err != NULL && err->cls == ERR_SKIP)
        err_prefix(err, "%s@%d", info->name, (int)info->version);
    return ok;
}

bool unpack_as_stored(UnpackSourceFn source, void *ctx, SinkFn sink, void *sink_ctx, Err *err)
{
    const void *data = NULL;
    size_t len = 0;
    do {
        if (!interrupt_check(err) || !source(ctx, &data, &len, err) || (len > 0 && !sink(sink_ctx, data, len, err)))
            return false;
    } while (len > 0);
    return true;
}
