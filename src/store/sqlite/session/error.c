#include "error.h"

#include <errno.h>

#include "base/interrupt.h"

/* Extended codes stand before the primary ones that they belong to. */
static const struct {
    int code;
    ErrClass cls;
    const char *hint;
    ErrRemedy remedy;
} codes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, ERR_CONFLICT, "", REMEDY_NONE},
    {SQLITE_CONSTRAINT_PRIMARYKEY, ERR_CONFLICT, "", REMEDY_NONE},
    {SQLITE_CONSTRAINT_ROWID, ERR_CONFLICT, "", REMEDY_NONE},
    {SQLITE_CONSTRAINT, ERR_SKIP, "", REMEDY_NONE},
    {SQLITE_TOOBIG, ERR_SKIP, "", REMEDY_NONE},
    {SQLITE_MISMATCH, ERR_SKIP, "", REMEDY_NONE},
    {SQLITE_ERROR, ERR_SCHEMA, "", REMEDY_UPGRADE}, /* no such table, no such column */
    {SQLITE_BUSY, ERR_RETRY, "another program is writing into the file, or reads it for long", REMEDY_NONE},
    {SQLITE_LOCKED, ERR_RETRY, "", REMEDY_NONE},
    {SQLITE_PROTOCOL, ERR_RETRY, "", REMEDY_NONE},
    {SQLITE_SCHEMA, ERR_RETRY, "", REMEDY_NONE},
    {SQLITE_INTERRUPT, ERR_INTERRUPTED, "", REMEDY_NONE},
    {SQLITE_READONLY_DBMOVED, ERR_STOP, "the file was renamed, removed or replaced while it was open", REMEDY_NONE},
    {SQLITE_READONLY_ROLLBACK, ERR_READ_ONLY, "a program that wrote into the file was killed; open it once where it can be written",
     REMEDY_NONE},
    {SQLITE_READONLY_CANTLOCK, ERR_READ_ONLY, "the folder of the file must be writable, or name the file with ?immutable=1",
     REMEDY_NONE},
    {SQLITE_READONLY_DIRECTORY, ERR_READ_ONLY, "the folder of the file must be writable: the journal stands there", REMEDY_NONE},
    {SQLITE_READONLY, ERR_READ_ONLY, "the file and its folder must be writable for this user", REMEDY_NONE},
    {SQLITE_FULL, ERR_STOP, "the disk of the file is full", REMEDY_NONE},
    {SQLITE_IOERR_NOMEM, ERR_STOP, "", REMEDY_LESS_MEMORY},
    {SQLITE_IOERR, ERR_STOP, "the disk of the file fails, or it is full", REMEDY_NONE},
    {SQLITE_CANTOPEN, ERR_STOP, "the file and its folder must be readable and writable for this user", REMEDY_NONE},
    {SQLITE_PERM, ERR_STOP, "the file must be readable and writable for this user", REMEDY_NONE},
    {SQLITE_CORRUPT, ERR_STOP, "the file is damaged: take another copy of it, or restore the backups into a new one", REMEDY_NONE},
    {SQLITE_NOTADB, ERR_STOP, "the file is no SQLite database, or an encrypted one", REMEDY_NONE},
    {SQLITE_NOMEM, ERR_STOP, "", REMEDY_LESS_MEMORY},
};

static size_t index_of(int code)
{
    size_t count = sizeof codes / sizeof *codes;
    for (size_t i = 0; i < count; i++)
        if (codes[i].code == code)
            return i;
    return code != (code & 0xff) ? index_of(code & 0xff) : count;
}

ErrClass sqlite_error_class(int code)
{
    size_t i = index_of(code);
    return i < sizeof codes / sizeof *codes ? codes[i].cls : ERR_STOP;
}

bool sqlite_fail_code(const StoreTarget *target, int code, const char *message, Err *err)
{
    size_t i = index_of(code);
    if (code == SQLITE_NOMEM)
        return err_no_memory(err);
    if (code == SQLITE_INTERRUPT && !interrupt_check(err))
        return false;
    err_set(err, sqlite_error_class(code), "%s: %s", store_target_label(target), message != NULL ? message : sqlite3_errstr(code));
    if (i < sizeof codes / sizeof *codes) {
        err_hint(err, "%s", codes[i].hint);
        err_remedy(err, codes[i].remedy);
    }
    return false;
}

bool sqlite_fail(Sqlite *sq, Err *err)
{
    int code = sqlite3_extended_errcode(sq->db), system = sqlite3_system_errno(sq->db);
    sqlite_fail_code(sq->base.target, code, sqlite3_errmsg(sq->db), err);
    bool is_disk = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_FULL;
    if (err != NULL && is_disk && system != 0) {
        Err named = *err;
        err_set_errno(err, ERR_STOP, system, "%s", named.text);
        err_hint(err, "%s", named.hint);
    }
    return false;
}
