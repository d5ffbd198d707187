/* A backup folder made from the input: a line `=NAME` begins a file, the lines below are its content. Without MANIFEST it is one
 * that a killed run left: what recovery makes of it must be whole and restorable. With MANIFEST (its last line is added here) it is
 * one to restore. */
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "../../src/backup/format.h"
#include "../../src/backup/scan.h"
#include "base/text.h"
#include "fuzz_files.h"

#define RUN "0198c0de-0000-7000-8000-000000000001"
#define FILES_MAX 8

typedef struct Fixture {
    char *backups, *folder;
    bool has_manifest, has_others;
} Fixture;

/* The last line of a MANIFEST vouches for the others. */
static void write_manifest(const char *path, const char *text, size_t len)
{
    Err err = {0};
    Digest digest;
    Buf whole = {0};
    char hex[2 * DIGEST_BYTES + 1];
    fuzz_assert(sha256_once(text, len, &digest, &err) && buf_append(&whole, text, len, &err));
    digest_hex(&digest, hex);
    fuzz_assert(buf_format(&whole, &err, "manifest sha256 %s\n", hex));
    fuzz_write(path, whole.data, whole.len);
    buf_free(&whole);
}

static void make_file(Fixture *fixture, const char *name, const char *text, size_t len)
{
    bool chunks;
    char *path = fs_join(fixture->folder, name);
    fuzz_assert(path != NULL);
    if (strcmp(name, "MANIFEST") == 0) {
        fixture->has_manifest = true;
        write_manifest(path, text, len);
    } else if (strcmp(name, "MANIFEST.raw") == 0) {
        fixture->has_manifest = true;
        path[strlen(path) - 4] = '\0';
        fuzz_write(path, text, len);
    } else if (backup_is_file_name(name, &chunks) || atomic_file_is_temp(name) || strcmp(name, "part-0.csv.tmp") == 0) {
        fuzz_write(path, text, len);
    } else if (strcmp(name, "notes.txt") == 0) {
        fixture->has_others = true;
        fuzz_write(path, text, len);
    }
    free(path);
}

static void make_folder(Fixture *fixture, const char *text, size_t size)
{
    char *folder = fs_join(fuzz_dir(), RUN);
    fuzz_remove(fuzz_dir(), RUN);
    fuzz_assert(folder != NULL && mkdir(folder, 0700) == 0);
    *fixture = (Fixture){.folder = folder, .backups = fs_join(fuzz_dir(), ".")};
    const char *end = text + size;
    for (unsigned files = 0; text < end && *text == '=' && files < FILES_MAX; files++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        char *name = fuzz_string(text + 1, stop != NULL ? (size_t)(stop - text) - 1 : 0);
        const char *from = stop != NULL ? stop + 1 : end;
        for (text = from; text < end && *text != '=';) {
            const char *newline = memchr(text, '\n', (size_t)(end - text));
            text = newline != NULL ? newline + 1 : end;
        }
        make_file(fixture, name, from, (size_t)(text - from));
        free(name);
    }
}

/* --- what is done with it
 * --------------------------------------------------------------------------------------------------------- */

static void scan_file(const char *folder, const char *name)
{
    Err err = {0};
    BackupScan scan;
    const ScannedRow *row = NULL;
    bool chunks;
    uint64_t end = 0;
    fuzz_assert(backup_is_file_name(name, &chunks));
    if (backup_scan_open(&scan, folder, name, chunks, &err)) {
        while (backup_scan_next(&scan, &row, &err) && row != NULL) {
            fuzz_assert(row->number > 1 && row->start >= end && row->end > row->start);
            fuzz_assert(row->fault != NULL || (row->name[0] != '\0' && row->version >= 0));
            fuzz_assert(row->fault != NULL || !row->has_payload ||
                        (row->payload.offset > row->start && row->payload.offset + 2 * row->payload.bytes < row->end));
            end = row->end;
        }
        fuzz_assert(scan.columns.header != BACKUP_HEADER_OURS || (end <= scan.whole_bytes && scan.whole_bytes <= scan.bytes));
    }
    backup_scan_close(&scan);
}

/* True when every row could be read. */
static bool read_rows(const char *folder, const BackupManifest *manifest, Err *err)
{
    BackupReader *reader = NULL;
    BackupRow row;
    Spool payload;
    bool more = true, whole;
    if (!backup_reader_open(folder, manifest, &reader, err))
        return false;
    spool_init(&payload, 1000, fuzz_dir());
    bool ok = backup_reader_next(reader, &row, &more, err);
    while (ok && more) {
        fuzz_assert(row.fault == NULL || manifest->killed);
        if (row.fault == NULL)
            ok = backup_reader_load(reader, &row, &payload, &whole, err);
        fuzz_assert(row.fault != NULL || !ok || !whole || payload.bytes == row.model.stored_bytes);
        fuzz_assert(!ok || manifest->killed || whole);
        ok = ok && backup_reader_next(reader, &row, &more, err);
    }
    fuzz_assert(ok || err->text[0] != '\0');
    spool_free(&payload);
    backup_reader_close(reader);
    return ok;
}

/* A file with payloads beside one without is nothing that a run leaves; restore says so. */
static void check_left(const Fixture *fixture)
{
    Err err = {0};
    BackupManifest manifest;
    BackupOwner owner = {.place = "fuzz/public", .store_id = "", .host = "host"};
    scan_file(fixture->folder, "part-0.csv");
    scan_file(fixture->folder, "chunks-0.csv");
    fuzz_assert(backup_finish_leftovers(fixture->backups, &owner, &err));
    if (!backup_manifest_read(fixture->folder, &manifest, &err)) /* of another version, or nothing was left */
        return;
    fuzz_assert(strcmp(manifest.run_id, RUN) == 0 && manifest.count > 0 && manifest.killed &&
                backup_manifest_verify(fixture->folder, &manifest, &err));
    fuzz_assert(read_rows(fixture->folder, &manifest, &err) || manifest.mode != BACKUP_FULL ||
                strstr(err.text, "the columns are not those of") != NULL);
    backup_manifest_free(&manifest);
}

static void check_finished(const Fixture *fixture)
{
    Err err = {0};
    BackupManifest manifest, again;
    bool is_chunks;
    if (!backup_manifest_read(fixture->folder, &manifest, &err)) {
        fuzz_assert(err.cls == ERR_STOP && strstr(err.text, "MANIFEST") != NULL);
        return;
    }
    bool whole = backup_manifest_verify(fixture->folder, &manifest, &err);
    read_rows(fixture->folder, &manifest, &err);
    fuzz_assert(strlen(manifest.run_id) == 36);
    fuzz_assert(backup_manifest_write(fixture->folder, &manifest, &err) && backup_manifest_read(fixture->folder, &again, &err));
    fuzz_assert(again.mode == manifest.mode && again.count == manifest.count && strcmp(again.run_id, manifest.run_id) == 0);
    for (size_t i = 0; i < again.count; i++)
        fuzz_assert(backup_is_file_name(again.files[i].name, &is_chunks) && again.files[i].bytes == manifest.files[i].bytes &&
                    again.files[i].rows == manifest.files[i].rows && strcmp(again.files[i].name, manifest.files[i].name) == 0);
    fuzz_assert(backup_manifest_verify(fixture->folder, &again, &err) == whole);
    backup_manifest_free(&manifest);
    backup_manifest_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Fixture fixture;
    make_folder(&fixture, (const char *)data, size);
    if (fixture.has_manifest)
        check_finished(&fixture);
    else
        check_left(&fixture);
    free(fixture.folder);
    free(fixture.backups);
    return 0;
}
