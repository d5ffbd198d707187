#include "backup_chunks.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* BACKUP_HEADER_CHUNKS */
enum { NAME, VERSION, DATA, SEQ, SHA, COLUMNS };

#define FIELD_MAX ((size_t)(2 * STORE_CHUNK_BYTES + 16))
#define PIECE_BYTES ((size_t)1024 * 1024)

typedef struct Chunk {
    const char *name; /* in the arena */
    int32_t version, seq;
    uint64_t offset, bytes; /* in `data` */
} Chunk;

struct BackupChunks {
    Spool data;
    Chunk *items;
    size_t count, cap;
    bool sorted;
    Arena arena;
    const char *file; /* that is being read */
    Sha256 *sha;
};

BackupChunks *backup_chunks_new(const char *temp_dir, size_t memory_limit, Err *err)
{
    BackupChunks *chunks = calloc(1, sizeof *chunks);
    if (chunks == NULL) {
        err_no_memory(err);
        return NULL;
    }
    spool_init(&chunks->data, memory_limit, temp_dir);
    chunks->sha = sha256_new(err);
    if (chunks->sha == NULL) {
        backup_chunks_free(chunks);
        return NULL;
    }
    return chunks;
}

void backup_chunks_free(BackupChunks *chunks)
{
    if (chunks == NULL)
        return;
    spool_free(&chunks->data);
    arena_free(&chunks->arena);
    sha256_free(chunks->sha);
    free(chunks->items);
    free(chunks);
}

static bool add_chunk(BackupChunks *chunks, const Chunk *chunk, Err *err)
{
    if (chunks->count == chunks->cap) {
        size_t cap = chunks->cap + chunks->cap / 2 + 64;
        Chunk *grown = realloc(chunks->items, cap * sizeof *grown);
        if (grown == NULL)
            return err_no_memory(err);
        chunks->items = grown;
        chunks->cap = cap;
    }
    chunks->items[chunks->count++] = *chunk;
    chunks->sorted = false;
    return true;
}

/* Neighbours usually share their name. */
static const char *keep_name(BackupChunks *chunks, const char *name, Err *err)
{
    if (chunks->count > 0 && strcmp(chunks->items[chunks->count - 1].name, name) == 0)
        return chunks->items[chunks->count - 1].name;
    return arena_copy(&chunks->arena, name, strlen(name), err);
}

static bool take_row(void *ctx, uint64_t number, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    BackupChunks *chunks = ctx;
    Digest said, digest;
    int64_t version, seq;
    bool sound;
    if (number == 1)
        return count == COLUMNS || backup_bad_row(chunks->file, number, "the columns are not those of chunks", err);
    if (count != COLUMNS || fields[NAME] == NULL || fields[DATA] == NULL || fields[VERSION] == NULL || fields[SEQ] == NULL || fields[SHA] == NULL ||
        !text_parse_int(fields[VERSION], 0, INT32_MAX, &version) || !text_parse_int(fields[SEQ], 0, INT32_MAX, &seq) ||
        !text_starts_with(fields[SHA], "\\x") || !digest_parse(fields[SHA] + 2, &said))
        return backup_bad_row(chunks->file, number, "not a whole row", err);
    Chunk chunk = {.name = keep_name(chunks, fields[NAME], err), .version = (int32_t)version, .seq = (int32_t)seq, .offset = chunks->data.bytes};
    if (chunk.name == NULL || !sha256_reset(chunks->sha, err) ||
        !backup_unhex_into(fields[DATA], lengths[DATA], &chunks->data, chunks->sha, &sound, err) || !sha256_end(chunks->sha, &digest, err))
        return false;
    if (!sound || !digest_equal(&said, &digest))
        return backup_bad_row(chunks->file, number, "the piece is not the one of its sha256", err);
    chunk.bytes = chunks->data.bytes - chunk.offset;
    return add_chunk(chunks, &chunk, err);
}

bool backup_chunks_read(BackupChunks *chunks, const char *folder, const char *name, Err *err)
{
    return backup_read_csv(folder, name, FIELD_MAX, &chunks->file, take_row, chunks, err);
}

static int by_key(const void *a, const void *b)
{
    const Chunk *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order != 0)
        return order;
    return x->version != y->version ? (x->version > y->version) - (x->version < y->version) : (x->seq > y->seq) - (x->seq < y->seq);
}

static const Chunk *find(BackupChunks *chunks, const char *name, int32_t version, uint32_t seq)
{
    Chunk key = {.name = name, .version = version, .seq = (int32_t)seq};
    if (!chunks->sorted && chunks->count > 0)
        qsort(chunks->items, chunks->count, sizeof *chunks->items, by_key);
    chunks->sorted = true;
    return chunks->count > 0 ? bsearch(&key, chunks->items, chunks->count, sizeof *chunks->items, by_key) : NULL;
}

static bool copy_chunk(BackupChunks *chunks, const Chunk *chunk, Spool *out, Sha256 *sha, char *scratch, Err *err)
{
    for (uint64_t done = 0; done < chunk->bytes;) {
        const void *data;
        uint64_t left = chunk->bytes - done;
        ptrdiff_t got = spool_view(&chunks->data, chunk->offset + done, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, scratch, &data, err);
        if (got <= 0)
            return got < 0 ? false : err_set(err, ERR_BUG, "a piece of a backup vanished");
        if (!spool_write(out, data, (size_t)got, err) || !sha256_add(sha, data, (size_t)got, err))
            return false;
        done += (uint64_t)got;
    }
    return true;
}

bool backup_chunks_join(BackupChunks *chunks, const StoreRow *row, Spool *out, Sha256 *sha, bool *sound, Err *err)
{
    char *scratch = malloc(PIECE_BYTES);
    bool ok = scratch != NULL || err_no_memory(err);
    *sound = true;
    for (uint32_t seq = 0; ok && *sound && seq < row->chunk_count; seq++) {
        const Chunk *chunk = find(chunks, row->name, row->version, seq);
        *sound = chunk != NULL;
        ok = chunk == NULL || copy_chunk(chunks, chunk, out, sha, scratch, err);
    }
    free(scratch);
    return ok;
}
