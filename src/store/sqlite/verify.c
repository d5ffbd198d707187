/* verify.c: are payloads what their rows say? All of one call in one transaction and as of one moment. */
#include "calls.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/log.h"
#include "payload.h"
#include "session/connection.h"
#include "session/error.h"
#include "session/transaction.h"

static bool records(bool has, const Digest *recorded, const Digest *wanted)
{
    return wanted == NULL || (has && digest_equal(recorded, wanted));
}

/* An upload with more chunks than its row says is another payload. */
static bool count_chunks(Sqlite *sq, const SqlitePayload *payload, bool *same, Err *err)
{
    bool row = false;
    *same = true;
    if (payload->chunk_count == 0)
        return true;
    sqlite3_stmt *statement = sqlite_statement(sq, SQLITE_Q_PAYLOAD_CHUNKS, err);
    if (statement == NULL)
        return false;
    bool ok = sqlite_check(sq, sqlite3_bind_int64(statement, 1, payload->upload_id), err) && sqlite_step(sq, statement, &row, err);
    *same = ok && row && sqlite3_column_int64(statement, 0) == payload->chunk_count;
    sqlite_done(statement);
    return ok;
}

static bool hash(Sqlite *sq, SqlitePayload *payload, StoreProof *proof, Err *err)
{
    Digest digest;
    bool whole = false, same = false;
    if (!sqlite_payload_hash(sq, payload, &digest, &whole, err) || !count_chunks(sq, payload, &same, err))
        return false;
    proof->health = whole && same && digest_equal(&digest, &payload->stored) ? STORE_INTACT : STORE_DAMAGED;
    return true;
}

static bool is_in_memory(const Sqlite *sq)
{
    struct statfs status;
    return statfs(((const SqliteTarget *)sq->base.target)->path, &status) == 0 &&
           (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

static StoreDoubt doubt(const Sqlite *sq)
{
    if (((const SqliteTarget *)sq->base.target)->immutable)
        return STORE_UNLOCKED;
    return is_in_memory(sq) ? STORE_IN_MEMORY : STORE_KEPT;
}

/* Another program may have committed without a sync. By the descriptors that SQLite has: whoever closes one of his own gives up the
 * locks of this process. */
static bool sync_file(Sqlite *sq, int which, Err *err)
{
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(sq->db, "main", which, &file) != SQLITE_OK || file == NULL || file->pMethods == NULL)
        return true;
    int code = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
    return code == SQLITE_OK || sqlite_fail_code(sq->base.target, code, NULL, err);
}

static bool prove(Sqlite *sq, StoreProof *proof, Err *err)
{
    SqlitePayload payload;
    Err why = {0};
    bool found, ok = sqlite_payload_open(sq, proof->name, proof->version, &payload, &found, &why);
    proof->doubt = doubt(sq);
    if (ok && (!found || !records(payload.has_content, &payload.content, proof->content) ||
               !records(payload.has_stored, &payload.stored, proof->stored)))
        proof->health = STORE_MISSING;
    else if (ok && !payload.has_stored)
        proof->health = STORE_UNPROVEN;
    else if (ok)
        ok = hash(sq, &payload, proof, &why);
    sqlite_payload_close(&payload);
    if (!ok && why.cls == ERR_SKIP) { /* the file is damaged where this payload begins */
        proof->health = STORE_DAMAGED;
        return true;
    }
    if (!ok && err != NULL)
        *err = why;
    return ok;
}

/* What an overlay lies on cannot be seen from a container, and most are kept as long as anybody wants them. */
static void warn_of_overlay(const Sqlite *sq)
{
    struct statfs status;
    if (statfs(((const SqliteTarget *)sq->base.target)->path, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC)
        log_line(LOG_WARN,
                 "%s is on an overlay file system: as part of a container it is removed together with it, and with its upper layer "
                 "in memory a restart empties it; keep it on a volume or a disk",
                 store_target_label(sq->base.target));
}

bool sqlite_examine(Store *store, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    warn_of_overlay(sq);
    sqlite3_stmt *statement = NULL;
    bool row = false;
    bool ok = sqlite_begin(sq, false, err) &&
              sqlite_check(sq, sqlite3_prepare_v2(sq->db, "PRAGMA quick_check(1)", -1, &statement, NULL), err) &&
              sqlite_step(sq, statement, &row, err);
    const char *says = ok && row ? (const char *)sqlite3_column_text(statement, 0) : "";
    if (ok && (says == NULL || strcmp(says, "ok") != 0))
        ok = sqlite_fail_code(store->target, SQLITE_CORRUPT, says != NULL ? says : "damaged", err);
    sqlite3_finalize(statement);
    sqlite_rollback(store);
    return ok;
}

bool sqlite_verify(Store *store, StoreProof *proofs, size_t count, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    bool ok = sqlite_begin(sq, false, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = prove(sq, &proofs[i], err);
    ok = ok && sync_file(sq, SQLITE_FCNTL_FILE_POINTER, err) && sync_file(sq, SQLITE_FCNTL_JOURNAL_POINTER, err);
    sqlite_rollback(store);
    return ok;
}
