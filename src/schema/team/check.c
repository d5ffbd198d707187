#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "parts.h"
#include "schema/migrate.h"

static bool begins(const char *words, const char *with)
{
    size_t len = strlen(with);
    return strncmp(words, with, len) == 0 && (words[len] == '\0' || words[len] == ' ');
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
            return true;
    return false;
}

/* They would end the transaction that the revision is to be whole in. */
static bool ends_transaction(const char *words)
{
    static const char *const all[] = {"BEGIN", "COMMIT", "END", "ABORT", "START TRANSACTION", "PREPARE TRANSACTION", "ROLLBACK"};
    if (begins(words, "ROLLBACK TO") || begins(words, "ROLLBACK TRANSACTION TO") || begins(words, "ROLLBACK WORK TO"))
        return false;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (begins(words, all[i]))
            return true;
    return false;
}

/* What a database refuses inside of one; NULL: nothing that is known. */
static const char *needs_no_transaction(const char *words)
{
    static const char *const all[] = {"VACUUM",        "ALTER SYSTEM",      "CREATE DATABASE", "DROP DATABASE",
                                      "CREATE TABLESPACE", "DROP TABLESPACE", "ATTACH",          "DETACH"};
    static const char *const indexes[] = {"CREATE INDEX CONCURRENTLY", "CREATE UNIQUE INDEX CONCURRENTLY",
                                          "DROP INDEX CONCURRENTLY"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (begins(words, all[i]))
            return all[i];
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++)
        if (begins(words, indexes[i]))
            return indexes[i];
    return begins(words, "REINDEX") && has_word(words, "CONCURRENTLY") ? "REINDEX CONCURRENTLY" : NULL;
}

static bool check_statement(const Revision *revision, const char *words, Err *err)
{
    if (ends_transaction(words)) {
        err_set(err, ERR_SCHEMA, "%.*s would end the transaction of the revision", (int)strcspn(words, " "), words);
        return err_hint(err, "leave it out: each revision is in a transaction of its own");
    }
    const char *found = revision->no_transaction ? NULL : needs_no_transaction(words);
    if (found == NULL)
        return true;
    err_set(err, ERR_SCHEMA, "%s cannot run in a transaction", found);
    return err_hint(err, "put it into a revision of its own, with the line `-- transaction: none` at its head");
}

static bool check_part(const Revisions *set, const Revision *revision, size_t start, size_t len, Err *err)
{
    SqlScan scan = {.rules = set->rules, .text = revision->text, .len = start + len, .at = start};
    SqlStatement statement = {0};
    char words[SQL_WORDS];
    bool ok;
    while ((ok = sql_next_statement(&scan, &statement, err)) && statement.len > 0)
        if (!check_statement(revision, sql_leading_words(set->rules, &statement, words), err))
            return revision_fail_at(revision->file, revision->text, (size_t)(statement.text - revision->text), err);
    return ok || revision_fail_at(revision->file, revision->text, scan.at, err);
}

static bool check_up(const Revisions *set, const MigrateState *state, uint32_t index, Err *err)
{
    const Revision *revision = &set->items[index];
    if (revision->is_recorded)
        return err_set(err, ERR_SCHEMA, "%s: revision %s is in no file", set->folder, revision->id);
    if (revision->draft) {
        err_set(err, ERR_SCHEMA, "%s is a draft", revision->file);
        return err_hint(err, "read it, then remove the line `-- draft`");
    }
    if (state->edited[index]) {
        err_set(err, ERR_SCHEMA, "%s was edited after it was begun", revision->file);
        return err_hint(err, "put the text back as it was, or accept it with: repair %s", revision->id);
    }
    return check_part(set, revision, 0, revision->upgrade_len, err);
}

static bool check_down(const Revisions *set, const Revision *revision, Err *err)
{
    if (revision->irreversible != NULL)
        return err_set(err, ERR_SCHEMA, "%s is irreversible: %s", revision->id, revision->irreversible);
    if (!revision->has_downgrade) {
        err_set(err, ERR_SCHEMA, "%s has no way back", revision->id);
        return revision->is_recorded ? false : err_hint(err, "write it at the end of %s", revision->file);
    }
    return check_part(set, revision, revision->downgrade_at, revision->downgrade_len, err);
}

static bool refuse_unknown(const Revisions *set, const char *ids, size_t len, Err *err)
{
    err_set(err, ERR_SCHEMA, "the database is at %.*s, which %s does not have", (int)len, ids, set->folder);
    return err_hint(err, "take the files of the branch that it belongs to; what this program applied it can take back by itself");
}

/* What is applied is in the folder, and is what the files say. */
static bool check_applied(const Revisions *set, const MigrateState *state, Err *err)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const Revision *revision = &set->items[i];
        if (state->applied[i] && revision->is_recorded)
            return refuse_unknown(set, revision->id, strlen(revision->id), err);
        if (state->applied[i] && state->edited[i]) {
            err_set(err, ERR_SCHEMA, "%s was edited after it was applied", revision->file);
            return err_hint(err, "put the text back and write a new revision, or accept it with: repair %s", revision->id);
        }
    }
    return true;
}

bool migrate_check(const Revisions *set, const MigrateState *state, const bool *chosen, bool up, Err *err)
{
    if (state->unknown.len > 0)
        return refuse_unknown(set, state->unknown.data, state->unknown.len, err);
    if (up && !check_applied(set, state, err))
        return false;
    for (uint32_t i = 0; i < set->count; i++)
        if (chosen[i] && !(up ? check_up(set, state, i, err) : check_down(set, &set->items[i], err)))
            return false;
    return true;
}
