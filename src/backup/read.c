#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "chunks.h"
#include "format.h"
#include "scan.h"
#include "base/fs.h"
#include "base/interrupt.h"

struct BackupReader {
    const char *folder;
    const BackupManifest *manifest;
    BackupChunks *chunks;
    BackupDecoder *decoder;
    BackupScan scan; /* of the file in hand; path NULL: none */
    size_t next_file;
    size_t open_file; /* of payload_fd, for rows that are not of the file in hand */
    int payload_fd;   /* -1: none */
};

static bool read_chunks(BackupReader *reader, Err *err)
{
    bool ok = true, is_chunks;
    for (size_t i = 0; ok && i < reader->manifest->count; i++) {
        const char *name = reader->manifest->files[i].name;
        if (backup_is_file_name(name, &is_chunks) && is_chunks)
            ok = backup_chunks_read(reader->chunks, reader->folder, name, !reader->manifest->killed, err);
    }
    return ok;
}

bool backup_reader_open(const char *folder, const BackupManifest *manifest, BackupReader **out, Err *err)
{
    if (manifest->mode != BACKUP_FULL) {
        err_set(err, ERR_STOP, "%s: this backup has no payloads", folder);
        return err_hint(err, "only a full backup can be restored");
    }
    BackupReader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return err_no_memory(err);
    *reader = (BackupReader){.folder = folder, .manifest = manifest, .payload_fd = -1, .chunks = backup_chunks_new(err)};
    reader->decoder = reader->chunks != NULL ? backup_decoder_new(err) : NULL;
    if (reader->decoder == NULL || !read_chunks(reader, err)) {
        backup_reader_close(reader);
        return false;
    }
    *out = reader;
    return true;
}

void backup_reader_close(BackupReader *reader)
{
    if (reader == NULL)
        return;
    backup_scan_close(&reader->scan);
    backup_chunks_free(reader->chunks);
    backup_decoder_free(reader->decoder);
    if (reader->payload_fd >= 0)
        close(reader->payload_fd);
    free(reader);
}

/* *more: there is another part. */
static bool open_next_part(BackupReader *reader, bool *more, Err *err)
{
    bool is_chunks = true;
    backup_scan_close(&reader->scan);
    while (reader->next_file < reader->manifest->count) {
        const char *name = reader->manifest->files[reader->next_file++].name;
        if (!backup_is_file_name(name, &is_chunks) || is_chunks)
            continue;
        *more = true;
        if (!backup_scan_open(&reader->scan, reader->folder, name, false, err))
            return false;
        return (reader->scan.columns.header == BACKUP_HEADER_OURS && reader->scan.columns.mode == BACKUP_FULL) ||
               backup_bad_row(reader->scan.path, 1, "the columns are not those of a full backup", err);
    }
    *more = false;
    return true;
}

bool backup_reader_next(BackupReader *reader, BackupRow *row, bool *more, Err *err)
{
    const ScannedRow *scanned = NULL;
    for (*more = true; scanned == NULL;) {
        if (!interrupt_check(err))
            return false;
        if (reader->scan.path == NULL && !open_next_part(reader, more, err))
            return false;
        if (!*more)
            return true;
        if (!backup_scan_next(&reader->scan, &scanned, err))
            return false;
        if (scanned == NULL && reader->scan.whole_bytes != reader->scan.bytes)
            return backup_bad_row(reader->scan.path, reader->scan.row.number + 1, "the last line is torn", err);
        if (scanned == NULL)
            backup_scan_close(&reader->scan);
    }
    if (scanned->fault != NULL && !reader->manifest->killed)
        return backup_bad_row(reader->scan.path, scanned->number, scanned->fault, err);
    *row = (BackupRow){.model = scanned->row,
                       .fault = scanned->fault,
                       .file = reader->next_file - 1,
                       .number = scanned->number,
                       .offset = scanned->payload.offset};
    return true;
}

/* The descriptor of a row's file. */
static bool open_file_of(BackupReader *reader, const BackupRow *row, const char *path, Err *err)
{
    if (reader->payload_fd >= 0 && reader->open_file == row->file)
        return true;
    if (reader->payload_fd >= 0)
        close(reader->payload_fd);
    reader->open_file = row->file;
    reader->payload_fd = backup_open_existing(path, O_RDONLY, err);
    return reader->payload_fd >= 0;
}

bool backup_reader_load(BackupReader *reader, const BackupRow *row, Spool *payload, bool *whole, Err *err)
{
    const StoredModel *model = &row->model;
    BackupPayload place = {.offset = row->offset, .bytes = model->stored_bytes, .sha256 = model->stored};
    bool ended = !reader->manifest->killed;
    char *path = fs_join(reader->folder, reader->manifest->files[row->file].name);
    *whole = false;
    if (path == NULL)
        return err_no_memory(err);
    spool_reset(payload);
    bool ok = model->chunk_count > 0
                  ? backup_chunks_join(reader->chunks, reader->decoder, model, ended, payload, whole, err)
                  : open_file_of(reader, row, path, err) &&
                        backup_decode(reader->decoder, reader->payload_fd, path, &place, payload, NULL, whole, err);
    if (ok && !*whole && ended)
        ok = backup_bad_row(path, row->number, BACKUP_WRONG_PAYLOAD, err);
    free(path);
    return ok;
}
