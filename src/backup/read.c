#include "chunks.h"
#include "format.h"
#include "scan.h"

typedef struct Reader {
    BackupChunks *chunks;
    BackupDecoder *decoder;
    Spool payload;
    BackupWantedFn wanted;
    BackupRowFn fn;
    void *ctx;
} Reader;

static bool load_payload(Reader *reader, const ScannedRow *scanned, bool *proven, Err *err)
{
    spool_reset(&reader->payload);
    if (scanned->row.chunk_count > 0)
        return backup_chunks_join(reader->chunks, reader->decoder, &scanned->row, &reader->payload, proven, err);
    return backup_decode(reader->decoder, scanned->fd, scanned->path, &scanned->payload, &reader->payload, NULL, proven, err);
}

static bool take_row(void *ctx, const ScannedRow *scanned, Err *err)
{
    Reader *reader = ctx;
    const StoredModel *row = &scanned->row;
    bool proven, wanted = true;
    if (reader->wanted != NULL && !reader->wanted(reader->ctx, row->name, row->version, &row->content, &wanted, err))
        return false;
    if (!wanted)
        return true;
    if (!load_payload(reader, scanned, &proven, err))
        return false;
    if (!proven)
        return backup_bad_row(scanned->path, scanned->number, BACKUP_WRONG_PAYLOAD, err);
    return reader->fn(reader->ctx, row, &reader->payload, err);
}

/* The files of one kind, in the order of the MANIFEST. */
static bool read_files(Reader *reader, const char *folder, const BackupManifest *manifest, bool chunks, Err *err)
{
    bool ok = true, is_chunks;
    for (size_t i = 0; ok && i < manifest->count; i++) {
        const char *name = manifest->files[i].name;
        if (backup_is_file_name(name, &is_chunks) && is_chunks == chunks)
            ok = chunks ? backup_chunks_read(reader->chunks, folder, name, err)
                        : backup_scan_finished(folder, name, false, take_row, reader, err);
    }
    return ok;
}

bool backup_read_rows(const char *folder, const BackupManifest *manifest, const char *temp_dir, size_t memory_limit,
                      BackupWantedFn wanted, BackupRowFn fn, void *ctx, Err *err) {
    Reader reader = {.wanted = wanted, .fn = fn, .ctx = ctx};
    if (manifest->mode != BACKUP_FULL) {
        err_set(err, ERR_STOP, "%s: this backup has no payloads (--backup meta)", folder);
        return err_hint(err, "only a full backup can be restored");
    }
    spool_init(&reader.payload, memory_limit, temp_dir);
    reader.chunks = backup_chunks_new(err);
    reader.decoder = reader.chunks != NULL ? backup_decoder_new(err) : NULL;
    bool ok = reader.decoder != NULL && read_files(&reader, folder, manifest, true, err) &&
              read_files(&reader, folder, manifest, false, err);
    spool_free(&reader.payload);
    backup_decoder_free(reader.decoder);
    backup_chunks_free(reader.chunks);
    return ok;
}
