#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/magic.h"
#include "base/text.h"
#include "pack_parts.h"
#include "port/expand.h"
#include "sound.h"

#define EXPANSION_MAX 1032 /* the most that deflate makes of a byte */

/* One file on its way. `why` is set when it has no plain form, which is no error. */
typedef struct PlainPass {
    Attempt *try;
    int fd;
    Err why;
} PlainPass;

/* An error of the file's form ends the pass, but not the packing. */
static bool judge(PlainPass *pass, bool ok, const Err *problem, Err *err)
{
    if (ok)
        return true;
    if (problem->cls == ERR_SKIP)
        pass->why = *problem;
    *err = *problem;
    return false;
}

static bool take_back(void *ctx, const void *data, size_t len, Err *err)
{
    return sha256_add(((Packer *)ctx)->member_sha, data, len, err);
}

/* What will be stored, and at once what it would give back. */
static bool take_plain(void *ctx, const void *data, size_t len, Err *err)
{
    PlainPass *pass = ctx;
    Packer *packer = pass->try->packer;
    Err problem = {0};
    return pack_take_stored(packer, data, len, err) &&
           judge(pass, plain_reader_add(packer->plain_reader, data, len, &problem), &problem, err);
}

static bool take_content(void *ctx, const void *data, size_t len, Err *err)
{
    PlainPass *pass = ctx;
    Err problem = {0};
    return judge(pass, plain_writer_add(pass->try->packer->plain_writer, data, len, &problem), &problem, err);
}

static bool begin(PlainPass *pass, bool original_follows, Err *err)
{
    Packer *packer = pass->try->packer;
    const PackSettings *settings = &packer->settings;
    if (packer->plain_writer == NULL)
        packer->plain_writer = plain_writer_new(settings->memory_limit / 8, settings->temp_dir, err);
    if (packer->plain_writer != NULL && packer->plain_reader == NULL)
        packer->plain_reader = plain_reader_new(err);
    if (packer->plain_reader == NULL)
        return false;
    plain_writer_begin(packer->plain_writer, original_follows, NULL, take_plain, pass);
    plain_reader_begin(packer->plain_reader, take_back, packer);
    return sha256_reset(packer->member_sha, err) && pack_begin_stored(packer, err);
}

/* --- compressed files -------------------------------------------------------------------------------------------------------- */

static bool next_piece(void *ctx, const void **data, size_t *len, Err *err)
{
    PlainPass *pass = ctx;
    Packer *packer = pass->try->packer;
    if (!interrupt_check(err))
        return false;
    ssize_t got = fs_read(pass->fd, packer->piece, PIECE_BYTES);
    if (got < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s: cannot be read", pass->try->model->path);
    *data = packer->piece;
    *len = (size_t)got;
    return true;
}

static bool inflate_all(PlainPass *pass, SoundStream kind, uint64_t max_bytes, Err *err)
{
    Packer *packer = pass->try->packer;
    const void *data = NULL;
    size_t len = 0;
    if (packer->inflater == NULL && (packer->inflater = inflater_new(err)) == NULL)
        return false;
    if (!(kind == SOUND_GZIP ? inflater_begin : inflater_begin_zlib)(packer->inflater, max_bytes, take_content, pass, err))
        return false;
    do {
        if (!next_piece(pass, &data, &len, err) || (len > 0 && !inflater_add(packer->inflater, data, len, err)))
            return false;
    } while (len > 0);
    return inflater_end(packer->inflater, err);
}

static bool rewind_source(const PlainPass *pass, Err *err)
{
    return lseek(pass->fd, 0, SEEK_SET) == 0 || err_set_errno(err, ERR_SKIP, errno, "%s: cannot be read", pass->try->model->path);
}

/* The plain form of what is inside, then the file as it is. */
static bool pass_compressed(PlainPass *pass, const struct stat *st, size_t head, Err *err)
{
    Attempt *try = pass->try;
    SoundStream kind = sound_is_stream(try->packer->piece, head);
    uint64_t max_bytes = (uint64_t)st->st_size * EXPANSION_MAX;
    Err problem = {0};
    if (!begin(pass, true, err) || !rewind_source(pass, err))
        return false;
    bool ok = (kind != SOUND_NO_STREAM ? inflate_all(pass, kind, max_bytes, &problem)
                                       : expand(next_piece, pass, max_bytes, take_content, pass, &problem)) &&
              plain_writer_end(try->packer->plain_writer, &problem);
    return judge(pass, ok, &problem, err) && rewind_source(pass, err) &&
           pack_read(try, pass->fd, st, 0, try->packer->content_sha, take_plain, pass, err);
}

/* --- both -------------------------------------------------------------------------------------------------------------------- */

static bool pass_as_is(PlainPass *pass, const struct stat *st, size_t head, Err *err)
{
    Packer *packer = pass->try->packer;
    Err problem = {0};
    return begin(pass, false, err) &&
           pack_read(pass->try, pass->fd, st, head, packer->content_sha, take_content, pass, err) &&
           judge(pass, plain_writer_end(packer->plain_writer, &problem), &problem, err);
}

/* The proof: what is about to be stored gives back what was read. */
static bool prove(PlainPass *pass, Err *err)
{
    Packer *packer = pass->try->packer;
    Digest back;
    Err problem = {0};
    if (!judge(pass, plain_reader_end(packer->plain_reader, &problem), &problem, err))
        return false;
    if (!sha256_end(packer->member_sha, &back, err) || !sha256_end(packer->content_sha, &pass->try->packed.content, err) ||
        !sha256_end(packer->stored_sha, &pass->try->packed.stored, err))
        return false;
    if (digest_equal(&back, &pass->try->packed.content))
        return true;
    err_set(&problem, ERR_SKIP, "its plain form would not give it back");
    return judge(pass, false, &problem, err);
}

static bool is_pickle(const unsigned char *head, size_t len)
{
    return len >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
}

bool pack_plain(Attempt *try, int fd, const struct stat *st, size_t head, bool *made, Err *err)
{
    PlainPass pass = {.try = try, .fd = fd};
    Packer *packer = try->packer;
    bool compressed = magic_is_compressed(packer->piece, head);
    Err problem = {0};
    *made = false;
    try->packed.has_pickle = compressed || is_pickle(packer->piece, head);
    if (!compressed && !is_pickle(packer->piece, head)) {
        text_copy(try->packed.no_plain, sizeof try->packed.no_plain, "it is no pickle");
        return rewind_source(&pass, err);
    }
    *made = (compressed ? pass_compressed : pass_as_is)(&pass, st, head, &problem) && prove(&pass, &problem);
    if (*made) {
        try->packed.is_gzip = false;
        try->packed.is_pickle = plain_writer_changed(packer->plain_writer);
        try->packed.is_plain = true;
        return true;
    }
    if (pass.why.cls == ERR_NONE || try->changed) {
        *err = problem;
        return false;
    }
    text_copy(try->packed.no_plain, sizeof try->packed.no_plain, pass.why.text);
    return rewind_source(&pass, err);
}
