/* backup.h: the CSV copy of what a run stores, so that psql alone can bring it back.
 *
 * <dir>/<run-id>/part-N.csv, one for each worker: the columns of `models`, the payload as \x hex and never last. Payloads over the
 * inline limit go to chunks-N.csv, the columns of `model_chunks`. MANIFEST, written last, has each file's rows, bytes and SHA-256;
 * a folder without one is of a run that has not ended. All 0600 in 0700. Format: docs/formats.md.
 * Nothing is created before the first row. A BackupPart belongs to one thread; the others are for one thread before and after. */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include "store/store.h"

typedef enum BackupMode { BACKUP_FULL, BACKUP_META, BACKUP_NONE } BackupMode; /* META: all columns but the payload */

typedef struct Backup Backup;
typedef struct BackupPart BackupPart;

/* run_id: as id_new_uuid makes it. */
bool backup_open(const char *backup_dir, const char *run_id, BackupMode mode, Backup **out, Err *err);

/* Whose a run's folder is; its STORE says it. Borrowed. */
typedef struct BackupOwner {
    const char *place;    /* store_place */
    const char *store_id; /* store_identity; "" = not known */
    const char *host;
} BackupOwner;

/* Makes the run's folder, locks it while this process lives and notes whose it is. Once, before the first row. ERR_STOP. */
bool backup_begin(Backup *backup, const BackupOwner *owner, Err *err);
void backup_close(Backup *backup); /* frees; unfinished folders stay for backup_finish_leftovers */
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
 * when a part has failed: its folder stays as it is. *rows (models) may be NULL. */
bool backup_finish(Backup *backup, uint64_t *rows, Err *err);

/* Finishes every folder without MANIFEST below backup_dir that a killed run of this owner left: its torn end is cut, a complete row
 * never; then the MANIFEST is written, with `ended no`, or the folder removed when it has no row. Folders of other hosts, of other
 * stores and of runs that are still at work are left alone, with a word in the log. May end at any moment and be done again.
 * ERR_STOP, ERR_INTERRUPTED. */
bool backup_finish_leftovers(const char *backup_dir, const BackupOwner *owner, Err *err);

/* The same for one folder, whatever its store. *left: it has a MANIFEST now. ERR_STOP when it is that of a run at work, or of
 * another host than owner->host (NULL: whatever host). */
bool backup_finish_folder(const char *folder, const BackupOwner *owner, bool *left, Err *err);

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
    bool killed; /* its run did not end: some of its rows may never have been committed, and some may not be whole */
    BackupFileInfo *files;
    size_t count, cap;
} BackupManifest;

/* ERR_STOP: no MANIFEST, torn, edited, of a newer version. On failure *out is untouched. */
bool backup_manifest_read(const char *folder, BackupManifest *out, Err *err);
void backup_manifest_free(BackupManifest *manifest);

/* Every file has the bytes and the SHA-256 that the MANIFEST says, and no part is there that it does not name. ERR_STOP names the
 * file and what differs. */
bool backup_manifest_verify(const char *folder, const BackupManifest *manifest, Err *err);

/* The store that its rows went to, as STORE says; "" = not known. */
typedef struct BackupStore {
    char place[512], store_id[STORE_IDENTITY_SIZE];
} BackupStore;

bool backup_store_of(const char *folder, BackupStore *out, Err *err);

/* Reads the rows of a finished folder. One thread. */
typedef struct BackupReader BackupReader;

/* A row of part-N.csv. */
typedef struct BackupRow {
    StoredModel model; /* strings borrowed until the next call of backup_reader_next */
    const char *fault; /* NULL, or what is wrong with it: then nothing else holds but file and number. Only of a killed run */
    size_t file;       /* of manifest->files */
    uint64_t number;   /* in the file; the header is row 1 */
    uint64_t offset;   /* of its payload in the file */
} BackupRow;

/* folder and manifest are borrowed. ERR_STOP: without payloads, torn, edited. Memory: less than 2 MiB, and about 100 bytes for
 * each piece in a chunks file. */
bool backup_reader_open(const char *folder, const BackupManifest *manifest, BackupReader **out, Err *err);
void backup_reader_close(BackupReader *reader);

/* Every row of every part, in the order of the MANIFEST; *more is false at the end. A row that is not whole is ERR_STOP with file
 * and number, unless the run was killed. ERR_INTERRUPTED. */
bool backup_reader_next(BackupReader *reader, BackupRow *row, bool *more, Err *err);

/* The payload of a row, also of an earlier one, into `payload` (emptied first), proven by its stored_sha256. *whole is false when
 * it cannot be put together; then ERR_STOP unless the run was killed. */
bool backup_reader_load(BackupReader *reader, const BackupRow *row, Spool *payload, bool *whole, Err *err);

#endif
