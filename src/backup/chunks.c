#include "chunks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "format.h"
#include "scan.h"
#include "base/interrupt.h"

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

static bool note_piece(BackupChunks *chunks, const char *path, const ScannedRow *row, Err *err)
{
    Piece last = chunks->count > 0 ? chunks->items[chunks->count - 1] : (Piece){0};
    Piece *piece = add_piece(chunks, err);
    if (piece == NULL)
        return false;
    *piece = (Piece){.version = row->version, .seq = row->seq, .number = row->number, .payload = row->payload};
    piece->name = keep_text(chunks, last.name, row->name, err);
    piece->path = piece->name != NULL ? keep_text(chunks, last.path, path, err) : NULL;
    if (piece->path == NULL)
        chunks->count--;
    return piece->path != NULL;
}

static bool note_rows(BackupChunks *chunks, BackupScan *scan, bool ended, Err *err)
{
    for (const ScannedRow *row;;) {
        if (!interrupt_check(err) || !backup_scan_next(scan, &row, err))
            return false;
        if (row == NULL)
            return !ended || scan->whole_bytes == scan->bytes ||
                   backup_bad_row(scan->path, scan->row.number + 1, "the last line is torn", err);
        if (row->fault != NULL && ended)
            return backup_bad_row(scan->path, row->number, row->fault, err);
        if (row->fault == NULL && !note_piece(chunks, scan->path, row, err))
            return false;
    }
}

bool backup_chunks_read(BackupChunks *chunks, const char *folder, const char *name, bool ended, Err *err)
{
    BackupScan scan;
    bool ok = backup_scan_open(&scan, folder, name, true, err);
    if (ok && ended && scan.columns.header != BACKUP_HEADER_OURS)
        ok = backup_bad_row(scan.path, 1, "the columns are not those of chunks", err);
    ok = ok && note_rows(chunks, &scan, ended, err);
    backup_scan_close(&scan);
    return ok;
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

static bool append(BackupChunks *chunks, BackupDecoder *decoder, const Piece *piece, bool ended, Spool *out, bool *proven, Err *err)
{
    return open_file(chunks, piece->path, err) &&
           backup_decode(decoder, chunks->fd, piece->path, &piece->payload, out, chunks->whole, proven, err) &&
           (*proven || !ended || backup_bad_row(piece->path, piece->number, BACKUP_WRONG_PIECE, err));
}

bool backup_chunks_join(BackupChunks *chunks, BackupDecoder *decoder, const StoredModel *row, bool ended, Spool *out, bool *proven,
                        Err *err)
{
    Digest digest;
    *proven = false;
    if (!sha256_reset(chunks->whole, err))
        return false;
    for (uint32_t seq = 0; seq < row->chunk_count; seq++) {
        const Piece *piece = find(chunks, row->name, row->version, seq);
        bool good = false;
        if (piece == NULL)
            return true;
        if (!append(chunks, decoder, piece, ended, out, &good, err))
            return false;
        if (!good)
            return true;
    }
    if (!sha256_end(chunks->whole, &digest, err))
        return false;
    *proven = out->bytes == row->stored_bytes && digest_equal(&digest, &row->stored);
    return true;
}
