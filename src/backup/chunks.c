#include "chunks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "format.h"
#include "scan.h"

typedef struct Piece {
    const char *name, *path; /* in the arena */
    int32_t version;
    uint32_t seq;
    uint64_t number; /* of its row in the file */
    BackupPayload payload;
} Piece;

struct BackupChunks {
    Piece *items;
    size_t count, cap;
    bool sorted;
    Arena arena;
    const char *open_path; /* of fd, NULL: none */
    int fd;
    Sha256 *whole;
};

BackupChunks *backup_chunks_new(Err *err)
{
    BackupChunks *chunks = calloc(1, sizeof *chunks);
    if (chunks == NULL) {
        err_no_memory(err);
        return NULL;
    }
    chunks->whole = sha256_new(err);
    if (chunks->whole == NULL) {
        backup_chunks_free(chunks);
        return NULL;
    }
    return chunks;
}

void backup_chunks_free(BackupChunks *chunks)
{
    if (chunks == NULL)
        return;
    if (chunks->open_path != NULL)
        close(chunks->fd);
    arena_free(&chunks->arena);
    sha256_free(chunks->whole);
    free(chunks->items);
    free(chunks);
}

/* --- noting ------------------------------------------------------------------------------------------------------------------ */

static Piece *add_piece(BackupChunks *chunks, Err *err)
{
    chunks->sorted = false;
    return vec_push(chunks, err);
}

/* Neighbours usually share it. */
static const char *keep_text(BackupChunks *chunks, const char *last, const char *text, Err *err)
{
    return last != NULL && strcmp(last, text) == 0 ? last : arena_copy(&chunks->arena, text, strlen(text), err);
}

static bool note_piece(void *ctx, const ScannedRow *row, Err *err)
{
    BackupChunks *chunks = ctx;
    Piece last = chunks->count > 0 ? chunks->items[chunks->count - 1] : (Piece){0};
    Piece *piece = add_piece(chunks, err);
    if (piece == NULL)
        return false;
    *piece = (Piece){.version = row->version, .seq = row->seq, .number = row->number, .payload = row->payload};
    piece->name = keep_text(chunks, last.name, row->name, err);
    piece->path = piece->name != NULL ? keep_text(chunks, last.path, row->path, err) : NULL;
    return piece->path != NULL;
}

bool backup_chunks_read(BackupChunks *chunks, const char *folder, const char *name, Err *err)
{
    return backup_scan_finished(folder, name, true, note_piece, chunks, err);
}

/* --- joining ----------------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const Piece *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order != 0)
        return order;
    return x->version != y->version ? (x->version > y->version) - (x->version < y->version) : (x->seq > y->seq) - (x->seq < y->seq);
}

static const Piece *find(BackupChunks *chunks, const char *name, int32_t version, uint32_t seq)
{
    Piece key = {.name = name, .version = version, .seq = seq};
    if (!chunks->sorted && chunks->count > 0)
        qsort(chunks->items, chunks->count, sizeof *chunks->items, by_key);
    chunks->sorted = true;
    return chunks->count > 0 ? bsearch(&key, chunks->items, chunks->count, sizeof *chunks->items, by_key) : NULL;
}

/* One file at a time is open: there may be as many as a run had workers. */
static bool open_file(BackupChunks *chunks, const char *path, Err *err)
{
    if (chunks->open_path != NULL && strcmp(chunks->open_path, path) == 0)
        return true;
    if (chunks->open_path != NULL)
        close(chunks->fd);
    chunks->fd = backup_open_existing(path, O_RDONLY, err);
    chunks->open_path = chunks->fd >= 0 ? path : NULL;
    return chunks->fd >= 0;
}

static bool append(BackupChunks *chunks, BackupDecoder *decoder, const Piece *piece, Spool *out, Err *err)
{
    bool proven;
    return open_file(chunks, piece->path, err) &&
           backup_decode(decoder, chunks->fd, piece->path, &piece->payload, out, chunks->whole, &proven, err) &&
           (proven || backup_bad_row(piece->path, piece->number, BACKUP_WRONG_PIECE, err));
}

bool backup_chunks_join(BackupChunks *chunks, BackupDecoder *decoder, const StoredModel *row, Spool *out, bool *proven, Err *err)
{
    Digest digest;
    *proven = false;
    if (!sha256_reset(chunks->whole, err))
        return false;
    for (uint32_t seq = 0; seq < row->chunk_count; seq++) {
        const Piece *piece = find(chunks, row->name, row->version, seq);
        if (piece == NULL)
            return true;
        if (!append(chunks, decoder, piece, out, err))
            return false;
    }
    if (!sha256_end(chunks->whole, &digest, err))
        return false;
    *proven = out->bytes == row->stored_bytes && digest_equal(&digest, &row->stored);
    return true;
}
