#include "book.h"

#include <stdio.h>
#include <string.h>

#include "../embedded.h"
#include "base/text.h"
#include "base/vec.h"

/* The statement of this name with the quoted name of the table, with `ending` behind it, in the place of :"ledger". */
static bool statement(Store *store, const char *table, const char *ending, const char *name, Buf *out, Err *err)
{
    static const char variable[] = ":\"ledger\"";
    char full[160];
    const char *dialect = store_traits(store_target(store))->dialect, *text = embedded_query(dialect, name);
    if (text == NULL)
        return err_set(err, ERR_BUG, "%s: no statement %s", dialect, name);
    snprintf(full, sizeof full, "%s%s", table, ending);
    for (const char *found; (found = strstr(text, variable)) != NULL; text = found + strlen(variable))
        if (!buf_append(out, text, (size_t)(found - text), err) || !database_identifier(out, full, err))
            return false;
    return buf_text(out, text, err);
}

static bool ask(Store *store, const char *table, const char *ending, const char *name, const char *const *params, size_t count,
                DatabaseRowFn fn, void *ctx, Err *err)
{
    Buf sql = {0};
    bool ok = statement(store, table, ending, name, &sql, err) && database_query(store, sql.data, params, count, fn, ctx, err);
    buf_free(&sql);
    return ok;
}

static bool has_log(Store *store, const char *table, bool *there, Err *err)
{
    char name[160];
    snprintf(name, sizeof name, "%s_log", table);
    return database_has_table(store, name, there, err);
}

bool book_make(Store *store, const char *table, Err *err)
{
    bool there, log;
    return database_has_table(store, table, &there, err) && has_log(store, table, &log, err) &&
           (there || ask(store, table, "", "revisions_heads_create", NULL, 0, NULL, NULL, err)) &&
           (log || ask(store, table, "_log", "revisions_log_create", NULL, 0, NULL, NULL, err));
}

typedef struct Names {
    Arena *arena;
    RevisionNames *out;
} Names;

static bool take_head(void *ctx, const char *const *values, size_t count, Err *err)
{
    Names *names = ctx;
    if (count != 1 || values[0] == NULL)
        return err_set(err, ERR_SCHEMA, "the version table is not one of revisions");
    const char *id = arena_copy(names->arena, values[0], strlen(values[0]), err);
    const char **item = id != NULL ? vec_push(names->out, err) : NULL;
    if (item == NULL)
        return false;
    *item = id;
    return true;
}

bool book_heads(Store *store, const char *table, Arena *arena, RevisionNames *out, Err *err)
{
    bool there;
    Names names = {arena, out};
    return database_has_table(store, table, &there, err) &&
           (!there || ask(store, table, "", "revisions_heads", NULL, 0, take_head, &names, err));
}

/* NULL stays NULL. */
static bool keep(Arena *arena, const char *value, const char **out, Err *err)
{
    *out = value != NULL ? arena_copy(arena, value, strlen(value), err) : NULL;
    return value == NULL || *out != NULL;
}

static bool take_row(void *ctx, const char *const *values, size_t count, Err *err)
{
    BookRows *rows = ctx;
    int64_t done;
    for (size_t i = 0; i < 8; i++)
        if (count != 8 || (values[i] == NULL && i != 5))
            return err_set(err, ERR_SCHEMA, "the log of revisions is not one of this program");
    BookRow *row = vec_push(rows, err);
    if (row == NULL)
        return false;
    *row = (BookRow){.is_partial = strcmp(values[6], "partial") == 0};
    row->done = text_parse_int(values[7], 0, INT32_MAX, &done) ? (uint32_t)done : 0;
    return keep(rows->arena, values[0], &row->id, err) && keep(rows->arena, values[1], &row->down, err) &&
           keep(rows->arena, values[2], &row->slug, err) && keep(rows->arena, values[3], &row->message, err) &&
           keep(rows->arena, values[4], &row->checksum, err) && keep(rows->arena, values[5], &row->downgrade, err);
}

bool book_log(Store *store, const char *table, BookRows *out, Err *err)
{
    bool there;
    return has_log(store, table, &there, err) &&
           (!there || ask(store, table, "_log", "revisions_log", NULL, 0, take_row, out, err));
}

static bool note_row(void *ctx, const char *const *values, size_t count, Err *err)
{
    (void)values;
    (void)count;
    (void)err;
    *(bool *)ctx = true;
    return true;
}

bool book_add(Store *store, const char *table, const char *id, bool *done, Err *err)
{
    *done = false;
    return ask(store, table, "", "revisions_heads_add", &id, 1, note_row, done, err);
}

bool book_move(Store *store, const char *table, const char *from, const char *to, bool *done, Err *err)
{
    const char *params[] = {from, to};
    *done = false;
    return ask(store, table, "", "revisions_heads_move", params, 2, note_row, done, err);
}

bool book_drop(Store *store, const char *table, const char *id, bool *done, Err *err)
{
    *done = false;
    return ask(store, table, "", "revisions_heads_drop", &id, 1, note_row, done, err);
}

bool book_forget(Store *store, const char *table, const char *id, Err *err)
{
    return ask(store, table, "_log", "revisions_log_drop", &id, 1, NULL, NULL, err);
}

bool book_accept(Store *store, const char *table, const Revision *revision, Err *err)
{
    const char *params[] = {revision->id, revision->checksum};
    return ask(store, table, "_log", "revisions_log_accept", params, 2, NULL, NULL, err);
}

static bool add_ids(Buf *out, const RevisionNames *names, Err *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!buf_format(out, err, "%s%s", out->len > 0 ? ", " : "", names->items[i]))
            return false;
    return true;
}

bool book_record(Store *store, const char *table, const Revision *revision, long done, double seconds, Err *err)
{
    Buf down = {0}, back = {0};
    char statements[24], ms[24];
    snprintf(statements, sizeof statements, "%ld", done < 0 ? 0 : done);
    snprintf(ms, sizeof ms, "%.0f", seconds * 1000);
    bool ok = book_forget(store, table, revision->id, err) && buf_text(&down, "", err) && add_ids(&down, &revision->parents, err) &&
              add_ids(&down, &revision->depends, err) &&
              buf_append(&back, revision->text + revision->downgrade_at, revision->downgrade_len, err) && buf_text(&back, "", err);
    const char *params[] = {revision->id, down.data, revision->slug, revision->message, revision->checksum,
                            revision->has_downgrade && revision->irreversible == NULL ? back.data : NULL,
                            done < 0 ? "applied" : "partial", statements, PROGRAM_VERSION, ms};
    ok = ok && ask(store, table, "_log", "revisions_log_add", params, sizeof params / sizeof *params, NULL, NULL, err);
    buf_free(&down);
    buf_free(&back);
    return ok;
}
