#include "canonical.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define MEMORY_BYTES ((size_t)16 * 1024 * 1024) /* of one tar; beyond it a temporary file */
#define PIECE_BYTES ((size_t)64 * 1024)

/* What a gzip of so many bytes may hold: real models shrink to a tenth at most. */
#define GROWTH_MAX 1000
#define GROWTH_SPARE ((uint64_t)64 * 1024 * 1024)

typedef struct Member {
    const char *path;
    bool is_directory, executable;
    int64_t mtime;
    uint64_t offset, bytes; /* of its data */
    Digest digest;
} Member;

typedef struct Reading {
    VEC(Member) members;
    Arena paths;
    Spool data; /* of all files, as they came */
    Sha256 *sha;
} Reading;

static const char *temp_dir(void)
{
    const char *dir = getenv("TMPDIR");
    return dir != NULL && dir[0] != '\0' ? dir : "/tmp";
}

void canonical_init(Canonical *canonical)
{
    *canonical = (Canonical){0};
    spool_init(&canonical->tar, MEMORY_BYTES, temp_dir());
}

void canonical_free(Canonical *canonical)
{
    spool_free(&canonical->tar);
}

static bool take_member(void *ctx, const TarMember *member, Err *err)
{
    Reading *reading = ctx;
    Member *added = vec_push(&reading->members, err);
    if (added == NULL)
        return false;
    *added = (Member){.is_directory = member->is_directory,
                      .executable = member->executable,
                      .mtime = member->mtime,
                      .offset = reading->data.bytes,
                      .bytes = member->bytes};
    added->path = arena_copy(&reading->paths, member->path, strlen(member->path), err);
    return added->path != NULL && sha256_reset(reading->sha, err);
}

static bool take_data(void *ctx, const void *data, size_t len, Err *err)
{
    Reading *reading = ctx;
    if (data == NULL)
        return sha256_end(reading->sha, &reading->members.items[reading->members.count - 1].digest, err);
    return sha256_add(reading->sha, data, len, err) && spool_write(&reading->data, data, len, err);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const Member *)a)->path, ((const Member *)b)->path);
}

static bool sort(Reading *reading, Err *err)
{
    if (reading->members.count > 0)
        qsort(reading->members.items, reading->members.count, sizeof *reading->members.items, by_path);
    for (size_t i = 1; i < reading->members.count; i++)
        if (strcmp(reading->members.items[i - 1].path, reading->members.items[i].path) == 0)
            return err_set(err, ERR_SKIP, "the archive has two members %.300s", reading->members.items[i].path);
    return true;
}

typedef struct Writing {
    Canonical *out;
    Sha256 *stored;
} Writing;

static bool write_tar(void *ctx, const void *data, size_t len, Err *err)
{
    Writing *writing = ctx;
    return sha256_add(writing->stored, data, len, err) && spool_write(&writing->out->tar, data, len, err);
}

static bool write_data(Reading *reading, const Member *member, TarWriter *tar, void *scratch, Err *err)
{
    for (uint64_t at = 0; at < member->bytes;) {
        uint64_t left = member->bytes - at;
        size_t want = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        const void *data;
        ptrdiff_t got = spool_view(&reading->data, member->offset + at, want, scratch, &data, err);
        if (got <= 0)
            return got < 0 ? false : err_set(err, ERR_BUG, "the data of %.300s are not there", member->path);
        if (!tar_data(tar, data, (size_t)got, err))
            return false;
        at += (uint64_t)got;
    }
    return true;
}

static bool write_members(Reading *reading, Canonical *out, TarWriter *tar, Sha256 *content, void *scratch, Err *err)
{
    for (size_t i = 0; i < reading->members.count; i++) {
        const Member *member = &reading->members.items[i];
        if (member->is_directory ? !tar_add_directory(tar, member->path, member->mtime, err)
                                 : !tar_add_file(tar, member->path, member->bytes, member->mtime, member->executable, err) ||
                                       !write_data(reading, member, tar, scratch, err) ||
                                       !sha256_add_sum_line(content, &member->digest, member->path, err))
            return false;
        out->raw_bytes += member->is_directory ? 0 : member->bytes;
    }
    return tar_end(tar, err);
}

static bool write_all(Reading *reading, Canonical *out, Err *err)
{
    Writing writing = {.out = out, .stored = sha256_new(err)};
    Sha256 *content = sha256_new(err);
    TarWriter *tar = tar_writer_new(write_tar, &writing, err);
    void *scratch = malloc(PIECE_BYTES);
    bool ok = writing.stored != NULL && content != NULL && tar != NULL && (scratch != NULL || err_no_memory(err)) &&
              write_members(reading, out, tar, content, scratch, err) && sha256_end(content, &out->content, err) &&
              sha256_end(writing.stored, &out->stored, err);
    free(scratch);
    tar_writer_free(tar);
    sha256_free(content);
    sha256_free(writing.stored);
    return ok;
}

bool canonical_read(Canonical *out, TarSourceFn source, void *ctx, uint64_t stored_bytes, Err *err)
{
    Reading reading = {.sha = sha256_new(err)};
    TarVisitor visitor = {.member = take_member, .data = take_data, .ctx = &reading};
    spool_init(&reading.data, MEMORY_BYTES, temp_dir());
    spool_reset(&out->tar);
    out->raw_bytes = 0;
    bool ok = reading.sha != NULL && tar_read(source, ctx, GROWTH_MAX * stored_bytes + GROWTH_SPARE, &visitor, err) &&
              sort(&reading, err) && write_all(&reading, out, err);
    sha256_free(reading.sha);
    spool_free(&reading.data);
    arena_free(&reading.paths);
    free(reading.members.items);
    return ok;
}
