#include <stdlib.h>
#include <string.h>

#include "../session/target.h"
#include "into.h"

static bool quote(Buf *out, const char *name, size_t len, Err *err)
{
    bool ok = buf_text(out, "\"", err);
    for (size_t i = 0; ok && i < len; i++)
        ok = (name[i] != '"' || buf_text(out, "\"", err)) && buf_append(out, &name[i], 1, err);
    return ok && buf_text(out, "\"", err);
}

static bool refuse(const char *spec, Err *err)
{
    err_set(err, ERR_USAGE, "\"%s\" names no table", spec);
    return err_hint(err, "give SCHEMA.TABLE, or with the columns of the payload and of the UUID SCHEMA.TABLE:DATA:ID");
}

/* "schema"."table" */
static bool parse_table(PostgresInto *into, const char *spec, size_t len, Err *err)
{
    const char *dot = memchr(spec, '.', len);
    Buf table = {0};
    if (dot == NULL || dot == spec || dot + 1 == spec + len)
        return refuse(spec, err);
    bool ok = quote(&table, spec, (size_t)(dot - spec), err) && buf_text(&table, ".", err) &&
              quote(&table, dot + 1, len - (size_t)(dot + 1 - spec), err);
    into->table = table.data;
    return ok;
}

static bool parse_column(char **name, char **quoted, const char *text, size_t len, Err *err)
{
    Buf out = {0};
    *name = strndup(text, len);
    bool ok = *name != NULL ? quote(&out, text, len, err) : err_no_memory(err);
    *quoted = out.data;
    return ok;
}

static bool parse(PostgresInto *into, const char *spec, Err *err)
{
    size_t table = strcspn(spec, ":");
    const char *data = spec[table] == ':' ? spec + table + 1 : "model_data";
    size_t data_len = strcspn(data, ":");
    const char *id = data[data_len] == ':' ? data + data_len + 1 : "id";
    if (data_len == 0 || id[0] == '\0' || strchr(id, ':') != NULL)
        return refuse(spec, err);
    return parse_table(into, spec, table, err) && parse_column(&into->data_name, &into->data, data, data_len, err) &&
           parse_column(&into->id_name, &into->id, id, strlen(id), err);
}

void into_free(PostgresInto *into)
{
    if (into == NULL)
        return;
    free(into->table);
    free(into->data);
    free(into->id);
    free(into->data_name);
    free(into->id_name);
    free(into);
}

/* The state of this store is another one than that of the models in the same database. */
static bool rename_target(StoreTarget *target, const char *spec, Err *err)
{
    Buf label = {0}, key = {0};
    Digest digest;
    char hex[2 * DIGEST_BYTES + 1];
    bool ok = sha256_once(spec, strlen(spec), &digest, err);
    if (ok) {
        digest_hex(&digest, hex);
        ok = buf_format(&label, err, "%s, %s", target->label, spec) && buf_format(&key, err, "%s-into-%.8s", target->key, hex);
    }
    if (!ok) {
        buf_free(&label);
        buf_free(&key);
        return false;
    }
    store_target_clear(target);
    target->label = label.data;
    target->key = key.data;
    return true;
}

bool into_target(StoreTarget *base, const char *spec, Err *err)
{
    PostgresTarget *target = (PostgresTarget *)base;
    target->into = calloc(1, sizeof *target->into);
    if (target->into == NULL)
        return err_no_memory(err);
    if (!parse(target->into, spec, err) || !rename_target(base, spec, err))
        return false;
    base->driver = &store_postgres_into_driver;
    return true;
}

const PostgresInto *into_of(const Postgres *pg)
{
    return ((const PostgresTarget *)pg->base.target)->into;
}
