#include "source/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/interrupt.h"
#include "base/lease.h"
#include "base/link.h"
#include "base/magic.h"
#include "base/text.h"
#include "base/tree.h"
#include "port/tar.h"
#include "listing.h"
#include "members.h"
#include "pack_parts.h"
#include "sound.h"
#include "whole.h"

#define TRIES 3
#define TRY_WAIT_SECONDS 0.1
#define TICK_NS 10000000 /* the kernel's coarse clock moves at least every 10 ms */

Packer *packer_new(const PackSettings *settings, Err *err)
{
    Packer *packer = calloc(1, sizeof *packer);
    if (packer == NULL) {
        err_no_memory(err);
        return NULL;
    }
    packer->settings = *settings;
    spool_init(&packer->spool, settings->memory_limit, settings->temp_dir);
    packer->piece = malloc(PIECE_BYTES);
    if (packer->piece == NULL) {
        err_no_memory(err);
        goto fail;
    }
    packer->content_sha = sha256_new(err);
    packer->stored_sha = packer->content_sha == NULL ? NULL : sha256_new(err);
    packer->member_sha = packer->stored_sha == NULL ? NULL : sha256_new(err);
    packer->members_sha = packer->member_sha == NULL ? NULL : sha256_new(err);
    if (packer->members_sha == NULL)
        goto fail;
    if (settings->level > 0 && (packer->deflater = deflater_new(settings->level, err)) == NULL)
        goto fail;
    return packer;
fail:
    packer_free(packer);
    return NULL;
}

void packer_free(Packer *packer)
{
    if (packer == NULL)
        return;
    deflater_free(packer->deflater);
    inflater_free(packer->inflater);
    plain_writer_free(packer->plain_writer);
    plain_reader_free(packer->plain_reader);
    sha256_free(packer->content_sha);
    sha256_free(packer->stored_sha);
    sha256_free(packer->member_sha);
    sha256_free(packer->members_sha);
    whole_free(&packer->whole);
    spool_free(&packer->spool);
    free(packer->piece);
    free(packer);
}

bool pack_take_stored(void *ctx, const void *data, size_t len, Err *err)
{
    Packer *packer = ctx;
    packer->stored_bytes += len;
    if (!sha256_add(packer->stored_sha, data, len, err))
        return false;
    return !packer->settings.keep_payload || spool_write(&packer->spool, data, len, err);
}

static bool take_raw(void *ctx, const void *data, size_t len, Err *err)
{
    return deflater_add(((Packer *)ctx)->deflater, data, len, err);
}

static bool drop(void *ctx, const void *data, size_t len, Err *err)
{
    (void)ctx, (void)data, (void)len, (void)err;
    return true;
}

/* A source that is compressed already is kept as it is, but decoded on the way: only that shows that its end is missing. What is
 * wrong with it otherwise is its reader's to judge. */
static bool begin_inflating(Packer *packer, SoundStream kind, Err *err)
{
    packer->inflating = kind != SOUND_NO_STREAM;
    if (packer->inflating && packer->inflater == NULL && (packer->inflater = inflater_new(err)) == NULL)
        return false;
    return !packer->inflating ||
           (kind == SOUND_GZIP ? inflater_begin : inflater_begin_zlib)(packer->inflater, UINT64_MAX, drop, NULL, err);
}

/* pack_take_stored of such a source. */
static bool take_stream(void *ctx, const void *data, size_t len, Err *err)
{
    Packer *packer = ctx;
    if (packer->inflating && !inflater_add(packer->inflater, data, len, NULL))
        packer->inflating = false;
    return pack_take_stored(packer, data, len, err);
}

bool pack_begin_stored(Packer *packer, Err *err)
{
    spool_reset(&packer->spool);
    packer->stored_bytes = 0;
    return sha256_reset(packer->stored_sha, err);
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool pack_read(Attempt *try, int fd, const struct stat *before, size_t head, Sha256 *sha, SinkFn sink, void *ctx,
                         Err *err)
{
    Packer *packer = try->packer;
    uint64_t size = (uint64_t)before->st_size, done = 0;
    if (!sha256_reset(sha, err))
        return false;
    for (size_t got = head;;) {
        if (got > size - done) { /* it has grown */
            done += got;
            break;
        }
        if (got > 0 && (!sha256_add(sha, packer->piece, got, err) || !sink(ctx, packer->piece, got, err)))
            return false;
        done += got;
        if (!interrupt_check(err))
            return false;
        ssize_t more = fs_read(fd, packer->piece, PIECE_BYTES);
        if (more < 0)
            return err_set_errno(err, ERR_SKIP, errno, "%s: cannot be read", try->model->path);
        if (more == 0)
            break;
        got = (size_t)more;
    }
    struct stat after;
    if (fstat(fd, &after) != 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s: cannot be read", try->model->path);
    if (done != size || !same_stat(before, &after)) {
        try->changed = true;
        return err_set(err, ERR_SKIP, "%s: changed while it was read", try->model->path);
    }
    return true;
}

static bool refuse_unfit(const char *path, const struct stat *st, Err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_SKIP, "%s: not a regular file", path);
    if (st->st_size == 0) {
        err_set(err, ERR_SKIP, "%s: is empty (0 bytes)", path);
        return err_hint(err, "its writer was probably cut off; train or copy the model again");
    }
    return true;
}

/* A directory's files are its own affair, but weights that were never fetched are nobody's. */
static bool refuse_pointer(const char *path, const char *member, const void *head, size_t len, Err *err)
{
    const char *remedy, *pointer = sound_pointer(head, len, &remedy);
    if (pointer == NULL)
        return true;
    err_set(err, ERR_SKIP, "%s/%s: is %s, not the content", path, member, pointer);
    return err_hint(err, "%s", remedy);
}

/* The file as it is: `stored` and `content` are the same bytes. */
static bool keep_identity(Attempt *try, int fd, const struct stat *st, size_t head, Err *err)
{
    Packer *packer = try->packer;
    if (!pack_begin_stored(packer, err) || !pack_read(try, fd, st, head, packer->content_sha, take_stream, packer, err) ||
        !sha256_end(packer->content_sha, &try->packed.content, err) || !sha256_end(packer->stored_sha, &try->packed.stored, err))
        return false;
    try->packed.is_gzip = false;
    return true;
}

/* One gzip member, if that is smaller. The second reading must give the content of the first. */
static bool deflate_or_keep(Attempt *try, int fd, const struct stat *st, size_t head, Err *err)
{
    Packer *packer = try->packer;
    if (!pack_begin_stored(packer, err) || !deflater_begin(packer->deflater, pack_take_stored, packer, err) ||
        !pack_read(try, fd, st, head, packer->content_sha, take_raw, packer, err) || !deflater_end(packer->deflater, err) ||
        !sha256_end(packer->content_sha, &try->packed.content, err) || !sha256_end(packer->stored_sha, &try->packed.stored, err))
        return false;
    try->packed.is_gzip = true;
    if (packer->stored_bytes < (uint64_t)st->st_size)
        return true;
    Digest first = try->packed.content;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s: cannot be read", try->model->path);
    if (!keep_identity(try, fd, st, 0, err))
        return false;
    if (!digest_equal(&first, &try->packed.content)) {
        try->changed = true;
        return err_set(err, ERR_SKIP, "%s: changed while it was read", try->model->path);
    }
    return true;
}

/* Two writes within one tick of the file system's clock leave the same times. A source that was changed in this very tick is read
 * in the next one, so that a write during the read shows. */
static void outwait_tick(int64_t changed_ns)
{
    int64_t now = clock_real_ns();
    if (changed_ns > now - TICK_NS && changed_ns <= now) /* a source's time may be any number */
        clock_sleep((double)(changed_ns + TICK_NS - now) / 1e9);
}

/* As joblib wrote it: in one gzip member, or as it is. */
static bool pack_as_is(Attempt *try, int fd, const struct stat *st, size_t head, bool keep, SoundStream stream, Err *err)
{
    Packer *packer = try->packer;
    return begin_inflating(packer, stream, err) && (keep ? keep_identity : deflate_or_keep)(try, fd, st, head, err) &&
           (!packer->inflating || inflater_is_complete(packer->inflater) || sound_refuse_stream(try->model->path, err));
}

static bool pack_content(Attempt *try, int fd, const struct stat *st, size_t head, Err *err)
{
    Packer *packer = try->packer;
    bool keep = packer->deflater == NULL || magic_is_compressed(packer->piece, head), made = false;
    SoundStream stream = sound_is_stream(packer->piece, head);
    if (!packer->settings.plain)
        return pack_as_is(try, fd, st, head, keep, stream, err);
    return pack_plain(try, fd, st, head, &made, err) && (made || pack_as_is(try, fd, st, 0, keep, stream, err));
}

static bool pack_file(Attempt *try, int fd, Err *err)
{
    Packer *packer = try->packer;
    const char *path = try->model->path;
    struct stat st;
    fs_clean_pages(fd, try->model->stamp.size);
    if (fstat(fd, &st) != 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s: cannot be read", path);
    if (!refuse_unfit(path, &st, err))
        return false;
    if (lease_is_refused(fd)) {
        packer->busy = true;
        return err_set(err, ERR_SKIP, "%s: is still being written; left for the next run", path);
    }
    outwait_tick(clock_timespec_ns(st.st_mtim));
    ssize_t head = fs_read(fd, packer->piece, PIECE_BYTES);
    if (head < 0)
        return err_set_errno(err, ERR_SKIP, errno, "%s: cannot be read", path);
    if (!sound_head(path, packer->piece, (size_t)head, (uint64_t)st.st_size, err) ||
        !sound_tail(fd, path, packer->piece, (size_t)head, (uint64_t)st.st_size, err) ||
        !pack_content(try, fd, &st, (size_t)head, err))
        return false;
    try->packed.raw_bytes = (uint64_t)st.st_size;
    try->packed.stamp = stamp_of_stat(&st);
    return true;
}

static int open_member(const Attempt *try, int root, int dir, const TreeEntry *member)
{
    char path[LINK_PATH_MAX];
    const ScanRules *rules = try->packer->settings.rules;
    if (rules == NULL || !rules->follow_links)
        return fs_open_beneath(dir, member->path, O_RDONLY, false);
    int len = snprintf(path, sizeof path, "%s/%s", try->model->path, member->path);
    errno = ENAMETOOLONG;
    return len < (int)sizeof path ? link_open(root, path, O_RDONLY) : -1;
}

static bool take_member(void *ctx, const void *data, size_t len, Err *err)
{
    return tar_data(ctx, data, len, err);
}

static bool member_is(const TreeEntry *member, const struct stat *st)
{
    return S_ISREG(st->st_mode) && member->dev == st->st_dev && member->ino == st->st_ino &&
           member->size == (uint64_t)st->st_size && member->mtime_ns == clock_timespec_ns(st->st_mtim) &&
           member->ctime_ns == clock_timespec_ns(st->st_ctim);
}

/* One file of a directory model: into the tar, and its line into the content hash. */
static bool pack_member(Attempt *try, int root, int dir, const TreeEntry *member, TarWriter *tar, Err *err)
{
    Packer *packer = try->packer;
    const char *path = try->model->path;
    bool ok = false;
    struct stat st;
    Digest digest;
    int fd = open_member(try, root, dir, member);
    if (fd >= 0)
        fs_clean_pages(fd, member->size);
    if (fd < 0 || fstat(fd, &st) != 0) {
        try->changed = errno == ENOENT || errno == ELOOP;
        err_set_errno(err, ERR_SKIP, errno, "%s: member %s cannot be opened", path, member->path);
        goto out;
    }
    if (!member_is(member, &st)) {
        try->changed = true;
        err_set(err, ERR_SKIP, "%s: changed while it was read (member %s)", path, member->path);
        goto out;
    }
    ssize_t head = fs_read(fd, packer->piece, PIECE_BYTES);
    if (head < 0) {
        err_set_errno(err, ERR_SKIP, errno, "%s: member %s cannot be read", path, member->path);
        goto out;
    }
    ok = refuse_pointer(path, member->path, packer->piece, (size_t)head, err) &&
         tar_add_file(tar, member->path, member->size, member->mtime_ns / 1000000000, member->executable, err) &&
         pack_read(try, fd, &st, (size_t)head, packer->member_sha, take_member, tar, err) &&
         sha256_end(packer->member_sha, &digest, err) &&
         sha256_add_sum_line(packer->content_sha, &digest, member->path, err) &&
         whole_add(&packer->whole, dir, member, &digest, NULL, 0, err);
out:
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool pack_members(Attempt *try, int root, int dir, const TreeList *members, TarWriter *tar, Err *err)
{
    Packer *packer = try->packer;
    for (size_t i = 0; i < members->count; i++) {
        const TreeEntry *member = &members->items[i];
        if ((member->is_junk || member->is_directory) &&
            !whole_add(&packer->whole, dir, member, NULL, packer->piece, PIECE_BYTES, err))
            return false;
        if (member->is_junk)
            continue;
        if (!members_add(packer->members_sha, member->path, member->is_directory, member->executable, err) ||
            !(member->is_directory ? tar_add_directory(tar, member->path, member->mtime_ns / 1000000000, err)
                                   : pack_member(try, root, dir, member, tar, err)))
            return false;
    }
    return tar_end(tar, err);
}

static bool pack_directory(Attempt *try, int root, int dir, Err *err)
{
    Packer *packer = try->packer;
    bool ok = false, deflate = packer->deflater != NULL;
    const ScanRules *rules = packer->settings.rules;
    const char *path = try->model->path;
    TreeList before = {0}, after = {0};
    TarWriter *tar = NULL;
    if (!listing_read(root, path, dir, rules, TREE_INTERRUPTIBLE, &before, err) || !whole_begin(&packer->whole, &before, err))
        goto out;
    outwait_tick(before.newest_ns);
    if (!sha256_reset(packer->content_sha, err) || !sha256_reset(packer->members_sha, err) || !pack_begin_stored(packer, err) ||
        (deflate && !deflater_begin(packer->deflater, pack_take_stored, packer, err)))
        goto out;
    if ((tar = tar_writer_new(deflate ? take_raw : pack_take_stored, packer, err)) == NULL ||
        !pack_members(try, root, dir, &before, tar, err) || (deflate && !deflater_end(packer->deflater, err)))
        goto out;
    if (!sha256_end(packer->content_sha, &try->packed.content, err) || !sha256_end(packer->stored_sha, &try->packed.stored, err) ||
        !sha256_end(packer->members_sha, &try->packed.members, err) ||
        !whole_end(&packer->whole, &try->packed.whole_content, &try->packed.whole_members, err) ||
        !listing_read(root, path, dir, rules, TREE_INTERRUPTIBLE, &after, err))
        goto out;
    if (!tree_same(&before, &after)) {
        try->changed = true;
        err_set(err, ERR_SKIP, "%s: changed while it was read", try->model->path);
        goto out;
    }
    try->packed.raw_bytes = before.bytes;
    try->packed.is_tar = true;
    try->packed.has_whole = packer->whole.is_on;
    try->packed.is_gzip = deflate;
    try->packed.stamp = stamp_of_tree(&before);
    ok = true;
out:
    tar_writer_free(tar);
    tree_list_free(&before);
    tree_list_free(&after);
    if (!ok && err != NULL && err->cls == ERR_SKIP && !text_starts_with(err->text, try->model->path))
        err_prefix(err, "%s", try->model->path);
    return ok;
}

static int open_source(Attempt *try, int root, Err *err)
{
    const Model *model = try->model;
    bool directory = model->kind == MODEL_DIRECTORY;
    int flags = O_RDONLY | (directory ? O_DIRECTORY : 0);
    int fd = model->followed_link ? link_open(root, model->path, flags) : fs_open_beneath(root, model->path, flags, false);
    if (fd >= 0)
        return fd;
    try->changed = errno == ENOENT || errno == ELOOP || errno == ENOTDIR;
    if (errno == ENOENT)
        err_set(err, ERR_SKIP, "%s: vanished after the scan", model->path);
    else if (errno == ELOOP)
        err_set(err, ERR_SKIP, "%s: became a symbolic link after the scan", model->path);
    else
        err_set_errno(err, ERR_SKIP, errno, "%s: cannot be opened", model->path);
    return -1;
}

static bool attempt(Attempt *try, int root, Err *err)
{
    try->changed = false;
    try->packed = (Packed){.read_ns = clock_real_ns()};
    int fd = open_source(try, root, err);
    if (fd < 0)
        return false;
    bool ok = try->model->kind == MODEL_DIRECTORY ? pack_directory(try, root, fd, err) : pack_file(try, fd, err);
    close(fd);
    return ok;
}

bool pack_model(Packer *packer, int root, const Model *model, Packed *out, Err *err)
{
    Attempt try = {.packer = packer, .model = model};
    packer->busy = false;
    for (int left = TRIES; left > 0; left--) {
        if (attempt(&try, root, err)) {
            try.packed.stored_bytes = packer->stored_bytes;
            try.packed.payload = &packer->spool;
            *out = try.packed;
            return true;
        }
        if (!try.changed)
            return false;
        if (left > 1)
            clock_sleep(TRY_WAIT_SECONDS);
    }
    return err_hint(err, "tried %d times; run again when its writer is done", TRIES);
}

void packer_hash_junk(Packer *packer, bool on)
{
    packer->whole.is_wanted = on;
}

bool packer_was_busy(const Packer *packer)
{
    return packer->busy;
}

StoredModel packed_row(const Model *model, const Packed *packed)
{
    return (StoredModel){.name = model->name,
                         .version = model->version,
                         .model_type = "",
                         .event = "",
                         .source_host = "",
                         .source_path = "",
                         .run_id = "",
                         .has_digests = true,
                         .content = packed->content,
                         .stored = packed->stored,
                         .has_format = true,
                         .is_tar = packed->is_tar,
                         .is_pickle = packed->is_pickle,
                         .is_gzip = packed->is_gzip,
                         .has_members = packed->is_tar,
                         .members = packed->members,
                         .raw_bytes = packed->raw_bytes,
                         .stored_bytes = packed->stored_bytes,
                         .source_mtime_ns = packed->stamp.mtime_ns};
}
