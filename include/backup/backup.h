/* backup.h: the CSV copy of what a run stores, so that psql alone can bring it back.
 *
 * <dir>/<run-id>/part-N.csv, one for each worker: the columns of `models`, the payload as \x hex and never last. Payloads over the
 * inline limit go to chunks-N.csv, the columns of `model_chunks`. MANIFEST, written last, has each file's rows, bytes and SHA-256;
 * a folder without one is of a run that did not end, and backup_recover puts it right. All 0600 in 0700. Format: docs/formats.md.
 * Nothing is created before the first row. A BackupPart belongs to one thread; the others are for one thread before and after. */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include "store/store.h"

typedef enum BackupMode { BACKUP_FULL, BACKUP_META, BACKUP_NONE } BackupMode; /* META: all columns but the payload */

typedef struct Backup Backup;
typedef struct BackupPart BackupPart;

/* run_id: as id_new_uuid makes it. */
bool backup_open(const char *backup_dir, const char *run_id, BackupMode mode, Backup **out, Err *err);

/* Makes the run's folder, locks it while this process lives and notes in it which store its rows go to (`place`: store_place).
 * Once, before the first row. ERR_STOP. */
bool backup_begin(Backup *backup, const char *place, Err *err);
void backup_close(Backup *backup); /* frees; unfinished folders stay for backup_recover */
const char *backup_path(const Backup *backup); /* the run's folder; NULL for BACKUP_NONE */

/* Part number `number`, owned by the backup; always the same one for a number. Call it before the workers start. */
BackupPart *backup_part(Backup *backup, unsigned number, Err *err);

/* ERR_SKIP: a name that no CSV line should hold (control character, not UTF-8), nothing is written. ERR_STOP: no disk, no memory;
 * then the part takes no rows until backup_part_undo. */
bool backup_part_add(BackupPart *part, const StoredModel *row, Spool *payload, Err *err);

/* All rows so far are on disk when it returns (file and, the first time, folders). After a failed fsync the part refuses all work.
 */
bool backup_part_sync(BackupPart *part, Err *err);
void backup_part_keep(BackupPart *part);            /* the rows since the last keep are committed */
bool backup_part_undo(BackupPart *part, Err *err);  /* the rows since the last keep are not: cut them off */

/* Cuts rows that were not kept, writes MANIFEST, or removes the folder when no row was kept. Once, when the workers are done. Fails
 * when a part has failed: its folder is left for backup_recover. *rows (models) may be NULL. */
bool backup_finish(Backup *backup, uint64_t *rows, Err *err);

/* What the store says of a row in the backup of a run that was killed, by the row's name. A higher verdict overrules a lower one.
 */
typedef enum BackupVerdict {
    BACKUP_MISSING,   /* its content is not there: the row is kept, it may be the only copy */
    BACKUP_TAKEN,     /* the same, and its version has other content: kept */
    BACKUP_ELSEWHERE, /* its content is there, in another row: cut */
    BACKUP_STORED     /* the row of that run is there: kept */
} BackupVerdict;

typedef struct BackupQuestion {
    const char *name;
    int32_t version;
    Digest content;
    BackupVerdict verdict; /* the answer; BACKUP_MISSING when asked */
} BackupQuestion;

typedef bool (*BackupAskFn)(void *ctx, const char *run_id, BackupQuestion *rows, size_t count, Err *err);

/* Puts right every folder without MANIFEST below backup_dir, left by runs that were killed: rows whose content `ask` finds
 * elsewhere, and torn or damaged ones, are cut; then the MANIFEST is written, or the folder removed when nothing is left. Rows that
 * the store does not have are told with a warning. Folders of another store than `place` (NULL: whatever store) and of runs that
 * are still at work are left alone. May end at any moment and be done again: ERR_STOP, ERR_INTERRUPTED, or what `ask` says. */
bool backup_recover(const char *backup_dir, const char *place, BackupAskFn ask, void *ctx, Err *err);

/* *needs: there is such a folder. What a run left that was killed while it made its folder is removed: it holds no row. */
bool backup_needs_recovery(const char *backup_dir, const char *place, bool *needs, Err *err);

/* --- the finished folder, for restore ---------------------------------------------------------------------------------------- */

#define BACKUP_FILE_NAME_MAX 32

typedef struct BackupFileInfo {
    char name[BACKUP_FILE_NAME_MAX]; /* part-N.csv or chunks-N.csv, nothing else */
    uint64_t bytes, rows;            /* rows without the header line */
    Digest sha256;
} BackupFileInfo;

typedef struct BackupManifest {
    char run_id[37];
    BackupMode mode;
    BackupFileInfo *files;
    size_t count, cap;
} BackupManifest;

/* ERR_STOP: no MANIFEST, torn, edited, of a newer version. On failure *out is untouched. */
bool backup_manifest_read(const char *folder, BackupManifest *out, Err *err);
void backup_manifest_free(BackupManifest *manifest);

/* Every file has the bytes and the SHA-256 that the MANIFEST says, and no part is there that it does not name. ERR_STOP names the
 * file and what differs. */
bool backup_manifest_verify(const char *folder, const BackupManifest *manifest, Err *err);

/* One row with its payload, which was proven by its stored_sha256; all is borrowed until the callback returns. */
typedef bool (*BackupRowFn)(void *ctx, const StoredModel *row, Spool *payload, Err *err);

/* Every row of every part, in the order of the MANIFEST. temp_dir: for a payload over memory_limit bytes.
 * wanted (may be NULL) is asked before a payload is decoded, of rows that are whole. ERR_STOP names file and row: torn, edited, a
 * chunk is missing. Memory: a spool of memory_limit, less than 2 MiB of buffers whatever the size of a payload, and about 100 bytes
 * for each piece in a chunks file. */
typedef bool (*BackupWantedFn)(void *ctx, const char *name, int32_t version, const Digest *content, bool *wanted, Err *err);
bool backup_read_rows(const char *folder, const BackupManifest *manifest, const char *temp_dir, size_t memory_limit,
                      BackupWantedFn wanted, BackupRowFn fn, void *ctx, Err *err);

#endif
