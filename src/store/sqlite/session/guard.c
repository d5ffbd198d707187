#include "guard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "connection.h"
#include "sql.h"

#define LEDGER "migrate_models_revisions" /* made by the engine of the revisions, not by one of them */

enum { TYPE, NAME, TABLE, ROOT, SQL };

/* What the revisions make of an empty database, in memory. */
typedef struct Model {
    sqlite3 *db;
    sqlite3_stmt *object;   /* ?1 = a name */
    sqlite3_stmt *on_table; /* ?1 = the name of a table or view */
    int64_t count;          /* objects */
} Model;

static bool model_fail(const Sqlite *sq, const Model *model, Err *err)
{
    return model->db == NULL
               ? err_no_memory(err)
               : sqlite_fail_code(sq->base.target, sqlite3_extended_errcode(model->db), sqlite3_errmsg(model->db), err);
}

/* The upgrade part of a revision. */
static bool apply(const Sqlite *sq, Model *model, const char *text, Err *err)
{
    const char *end = strstr(text, "\n-- downgrade\n");
    Buf part = {0};
    bool ok = end != NULL || err_set(err, ERR_BUG, "a revision has no downgrade");
    ok = ok && buf_append(&part, text, (size_t)(end - text), err) && buf_text(&part, "\n", err) &&
         (sqlite3_exec(model->db, part.data, NULL, NULL, NULL) == SQLITE_OK || model_fail(sq, model, err));
    buf_free(&part);
    return ok;
}

/* *known: how many revisions there are. */
static bool apply_all(const Sqlite *sq, Model *model, int64_t to, int64_t *known, Err *err)
{
    *known = 0;
    for (const EmbeddedRevision *revision = embedded_revisions; revision->dialect != NULL; revision++) {
        if (strcmp(revision->dialect, "sqlite") != 0)
            continue;
        if (*known < to && !apply(sq, model, revision->text, err))
            return false;
        (*known)++;
    }
    return true;
}

static bool model_open(const Sqlite *sq, Model *model, int64_t version, int64_t *known, Err *err)
{
    static const char object[] = "SELECT type, sql FROM sqlite_master WHERE name = ?1 COLLATE NOCASE";
    static const char on_table[] = "SELECT 1 FROM sqlite_master WHERE tbl_name = ?1 COLLATE NOCASE";
    *model = (Model){0};
    int code = sqlite3_open_v2(":memory:", &model->db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (code != SQLITE_OK)
        return model_fail(sq, model, err);
    return apply_all(sq, model, version, known, err) &&
           ((sqlite3_prepare_v2(model->db, object, -1, &model->object, NULL) == SQLITE_OK &&
             sqlite3_prepare_v2(model->db, on_table, -1, &model->on_table, NULL) == SQLITE_OK) ||
            model_fail(sq, model, err));
}

static void model_close(Model *model)
{
    sqlite3_finalize(model->object);
    sqlite3_finalize(model->on_table);
    sqlite3_close(model->db);
}

/* *found: it has a row. */
static bool look(const Sqlite *sq, Model *model, sqlite3_stmt *statement, const char *name, bool *found, Err *err)
{
    sqlite3_reset(statement);
    int code = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE || model_fail(sq, model, err);
}

static bool refuse(const Sqlite *sq, Err *err, const char *type, const char *name, const char *why)
{
    err_set(err, ERR_SCHEMA, "%s: the %s %s %s", store_target_label(sq->base.target), type, name, why);
    return err_hint(err, "drop it if it should not be there, or use another file");
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text != NULL ? (const char *)text : "";
}

/* Is an object whose name is one of ours the one that we made? Of a table a further column is allowed. */
static bool is_same(sqlite3_stmt *object, sqlite3_stmt *ours)
{
    const char *type = text_of(object, TYPE), *sql = text_of(object, SQL);
    if (strcmp(type, text_of(ours, 0)) != 0)
        return false;
    if (strcmp(type, "table") == 0)
        return sqlite3_column_int64(object, ROOT) > 0 && strncasecmp(sql, "CREATE VIRTUAL", 14) != 0;
    return strcmp(sql, text_of(ours, 1)) == 0;
}

/* *ours: it is one of those that the model has. */
static bool check_object(const Sqlite *sq, Model *model, sqlite3_stmt *object, bool *ours, Err *err)
{
    const char *type = text_of(object, TYPE), *name = text_of(object, NAME);
    bool on_ours = false;
    if (!look(sq, model, model->object, name, ours, err))
        return false;
    if (*ours)
        return is_same(object, model->object) || refuse(sq, err, type, name, "is not the one of this program");
    if (strcmp(type, "trigger") != 0)
        return true;
    if (!look(sq, model, model->on_table, text_of(object, TABLE), &on_ours, err))
        return false;
    on_ours = on_ours || strcasecmp(text_of(object, TABLE), LEDGER) == 0;
    return !on_ours || refuse(sq, err, type, name, "is on a table of this program and is not of this program");
}

/* *found: how many of the model's are there. */
static bool check_objects(Sqlite *sq, Model *model, int64_t *found, Err *err)
{
    sqlite3_stmt *object = NULL;
    bool row = true, ok = sqlite_check(sq, sqlite3_prepare_v2(sq->db, sql_sqlite_objects, -1, &object, NULL), err);
    *found = 0;
    while (ok && row) {
        bool ours = false;
        ok = sqlite_step(sq, object, &row, err) && (!row || check_object(sq, model, object, &ours, err));
        *found += ok && row && ours;
    }
    sqlite3_finalize(object);
    return ok;
}

static bool count_objects(const Sqlite *sq, Model *model, int64_t *count, Err *err)
{
    sqlite3_stmt *statement = NULL;
    static const char sql[] = "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    bool ok = sqlite3_prepare_v2(model->db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        *count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return ok || model_fail(sq, model, err);
}

static bool compare(Sqlite *sq, Model *model, Err *err)
{
    int64_t wanted = 0, found = 0;
    if (!count_objects(sq, model, &wanted, err) || !check_objects(sq, model, &found, err))
        return false;
    if (wanted == found)
        return true;
    err_set(err, ERR_SCHEMA, "%s: %lld of the tables, views and triggers of this program are missing",
            store_target_label(sq->base.target), (long long)(wanted - found));
    return err_hint(err, "take another copy of the file, or make a new one from the backups");
}

/* The number of the revision that was applied last, 0 = none. A dump keeps the ledger, and loses the user_version of the file. */
static bool ask_version(Sqlite *sq, int64_t *version, Err *err)
{
    static const char has_ledger[] = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = "
                                     "'migrate_models_revisions'";
    static const char last[] = "SELECT max(CAST(revision AS INTEGER)) FROM migrate_models_revisions";
    int64_t ledger = 0;
    *version = 0;
    return sqlite_ask(sq, has_ledger, &ledger, err) && (ledger == 0 || sqlite_ask(sq, last, version, err));
}

bool sqlite_guard(Sqlite *sq, bool write, Err *err)
{
    int64_t schema, version = 0, known = 0;
    if (!sqlite_ask(sq, "PRAGMA schema_version", &schema, err))
        return false;
    if (schema == sq->guarded)
        return true;
    if (!ask_version(sq, &version, err))
        return false;
    Model model = {0};
    sq->has_tables = version > 0;
    bool ok = !sq->has_tables || model_open(sq, &model, version, &known, err), newer = ok && sq->has_tables && version > known;
    if (ok && sq->has_tables && !newer)
        ok = compare(sq, &model, err);
    if (ok && newer && write) {
        ok = err_set(err, ERR_SCHEMA, "%s: a newer version of this program made or upgraded it",
                     store_target_label(sq->base.target));
        err_hint(err, "use that version, or a newer one");
    }
    model_close(&model);
    if (ok && !newer)
        sq->guarded = schema;
    return ok;
}

/* `later`: the model that has the next revisions too. An object of theirs must not be there. */
static bool check_free(const Sqlite *sq, Model *model, Model *later, sqlite3_stmt *object, Err *err)
{
    bool made, wanted;
    const char *name = text_of(object, NAME);
    return look(sq, model, model->object, name, &made, err) && look(sq, later, later->object, name, &wanted, err) &&
           (made || !wanted || refuse(sq, err, text_of(object, TYPE), name, "is there already and is not of this program"));
}

bool sqlite_guard_change(Sqlite *sq, Err *err)
{
    int64_t version = 0, known = 0, ignored;
    Model model = {0}, later = {0};
    sqlite3_stmt *object = NULL;
    bool row = true;
    bool ok = ask_version(sq, &version, err) && model_open(sq, &model, version, &known, err) &&
              model_open(sq, &later, known, &ignored, err) &&
              sqlite_check(sq, sqlite3_prepare_v2(sq->db, sql_sqlite_objects, -1, &object, NULL), err);
    while (ok && row)
        ok = sqlite_step(sq, object, &row, err) && (!row || check_free(sq, &model, &later, object, err));
    sqlite3_finalize(object);
    model_close(&model);
    model_close(&later);
    return ok;
}
