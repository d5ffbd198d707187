#include "ledger.h"

#include <string.h>

#include "embedded.h"

/* The file revisions_NAME.sql with the name of the table in the place of :"ledger". */
static bool statement(const Ledger *ledger, Store *store, const char *name, Buf *out, Err *err)
{
    static const char variable[] = ":\"ledger\"";
    const char *dialect = store_traits(store_target(store))->dialect, *text = embedded_query(dialect, name);
    if (text == NULL)
        return err_set(err, ERR_BUG, "%s: no statement %s", dialect, name);
    for (const char *found; (found = strstr(text, variable)) != NULL; text = found + strlen(variable))
        if (!buf_append(out, text, (size_t)(found - text), err) || !database_identifier(out, ledger->table, err))
            return false;
    return buf_text(out, text, err);
}

static bool ask(const Ledger *ledger, Store *store, const char *name, const char *const *params, size_t count, DatabaseRowFn fn,
                void *ctx, Err *err)
{
    Buf sql = {0};
    bool ok = statement(ledger, store, name, &sql, err) && database_query(store, sql.data, params, count, fn, ctx, err);
    buf_free(&sql);
    return ok;
}

typedef struct Reader {
    LedgerFn fn;
    void *ctx;
} Reader;

static bool take_row(void *ctx, const char *const *values, size_t count, Err *err)
{
    const Reader *reader = ctx;
    if (count != 2 || values[0] == NULL || values[1] == NULL)
        return err_set(err, ERR_SCHEMA, "the table of revisions is not one of this program");
    return reader->fn(reader->ctx, values[0], values[1], err);
}

bool ledger_applied(const Ledger *ledger, Store *store, LedgerFn fn, void *ctx, Err *err)
{
    bool there = false;
    Reader reader = {fn, ctx};
    if (!database_has_table(store, ledger->table, &there, err))
        return false;
    return !there || ask(ledger, store, "revisions_applied", NULL, 0, take_row, &reader, err);
}

bool ledger_create(const Ledger *ledger, Store *store, Err *err)
{
    return ask(ledger, store, "revisions_create", NULL, 0, NULL, NULL, err);
}

typedef struct Answer {
    bool there, based;
} Answer;

static bool take_answer(void *ctx, const char *const *values, size_t count, Err *err)
{
    Answer *answer = ctx;
    if (count != 2 || values[0] == NULL || values[1] == NULL)
        return err_set(err, ERR_BUG, "the question for a revision has no answer");
    answer->there = strchr("t1", values[0][0]) != NULL;
    answer->based = strchr("t1", values[1][0]) != NULL;
    return true;
}

bool ledger_has(const Ledger *ledger, Store *store, const SchemaRevision *revision, bool *there, Err *err)
{
    const char *params[] = {revision->id, revision->down_id};
    Answer answer = {0};
    if (!ask(ledger, store, "revisions_has", params, 2, take_answer, &answer, err))
        return false;
    *there = answer.there;
    return answer.there || answer.based ||
           err_set(err, ERR_SCHEMA, "revision %s cannot be applied before %s", revision->id, revision->down_id);
}

bool ledger_add(const Ledger *ledger, Store *store, const SchemaRevision *revision, Err *err)
{
    const char *params[] = {revision->id, revision->slug, revision->checksum};
    return ask(ledger, store, "revisions_add", params, 3, NULL, NULL, err);
}
