/* A trigger may change a row on its way in, and no error tells. Where the table has triggers, the rows of a batch are asked for
 * before COMMIT; else a renamed row would be missed by the next run, and stored by each. */
#include "triggers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "session/error.h"
#include "session/text.h"
#include "session/wire.h"
#include "sql.h"

enum { NAMES, VERSIONS, CONTENTS, STOREDS, ARRAYS };

void postgres_sent_clear(Postgres *pg)
{
    for (size_t i = 0; i < ARRAYS; i++)
        buf_clear(&pg->sent[i]);
}

bool postgres_sent_note(Postgres *pg, const StoredModel *model, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    Buf *sent = pg->sent;
    if (!pg->has_triggers)
        return true;
    for (size_t i = 0; i < ARRAYS; i++)
        if (!buf_text(&sent[i], sent[i].len == 0 ? "{" : ",", err))
            return false;
    if (!postgres_text_element(&sent[NAMES], model->name, err) || !buf_format(&sent[VERSIONS], err, "%" PRId32, model->version))
        return false;
    digest_hex(&model->content, hex);
    if (!buf_text(&sent[CONTENTS], hex, err))
        return false;
    digest_hex(&model->stored, hex);
    return buf_text(&sent[STOREDS], hex, err);
}

bool postgres_sent_check(Postgres *pg, Err *err)
{
    const char *params[ARRAYS];
    size_t rows = 1;
    PGresult *answer = NULL;
    if (pg->sent[VERSIONS].len == 0)
        return true;
    for (size_t i = 0; i < pg->sent[VERSIONS].len; i++)
        rows += pg->sent[VERSIONS].data[i] == ',';
    for (size_t i = 0; i < ARRAYS; i++) {
        if (!buf_text(&pg->sent[i], "}", err))
            return false;
        params[i] = pg->sent[i].data;
    }
    bool ok = postgres_query(pg, sql_postgresql_sent, ARRAYS, params, false, &answer, err);
    postgres_sent_clear(pg);
    if (!ok)
        return false;
    unsigned long long there = strtoull(PQgetvalue(answer, 0, 0), NULL, 10);
    PQclear(answer);
    if (there == rows)
        return true;
    return postgres_error_of_trigger(
        pg, err, "%llu of %zu rows are as they were sent; a trigger of the table changes what is stored", there, rows);
}
