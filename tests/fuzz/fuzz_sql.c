/* A text of SQL: its statements lie in it one behind the other, each is one statement by itself, and a file of a revision has its parts
 * inside of it. Input: which rules, then the text. */
#include <string.h>

#include "../../src/schema/team/parts.h"
#include "base/text.h"
#include "fuzz_files.h"

static const SqlRules all_rules[] = {
    {.dollar_quotes = true, .escape_strings = true, .nested_comments = true, .atomic_bodies = true, .copy_data = true, .command = '\\', .shell = "a"},
    {.bracket_names = true, .trigger_bodies = true, .command = '.', .shell = "b"},
};

static void check_alone(const SqlRules *rules, const SqlStatement *statement)
{
    Err err = {0};
    char words[SQL_WORDS];
    SqlStatement again = {0}, next = {0};
    SqlScan scan = {.rules = rules, .text = statement->text, .len = statement->len};
    fuzz_assert(strlen(sql_leading_words(rules, statement, words)) < SQL_WORDS);
    if (statement->data != NULL) /* without its end it is refused */
        return;
    fuzz_assert(sql_next_statement(&scan, &again, &err) && again.text == statement->text && again.len == statement->len);
    fuzz_assert(sql_next_statement(&scan, &next, &err) && next.len == 0);
}

static void check_statements(const SqlRules *rules, const char *text, size_t len)
{
    Err err = {0};
    SqlScan scan = {.rules = rules, .text = text, .len = len};
    SqlStatement statement;
    const char *end = text;
    for (;;) {
        if (!sql_next_statement(&scan, &statement, &err)) {
            fuzz_assert(err.cls == ERR_SCHEMA && err.text[0] != '\0' && scan.at <= len);
            return;
        }
        fuzz_assert(scan.at <= len);
        if (statement.len == 0)
            return;
        fuzz_assert(statement.text >= end && statement.text + statement.len <= text + scan.at);
        end = statement.text + statement.len;
        if (statement.data != NULL) {
            fuzz_assert(statement.data > end && statement.data + statement.data_len <= text + scan.at);
            end = statement.data + statement.data_len;
        }
        check_alone(rules, &statement);
    }
}

static void check_revision(const SqlRules *rules, const char *text, size_t len)
{
    Err err = {0};
    Revisions set = {.rules = rules};
    Revision revision;
    if (revision_parse(&set, "file", text, len, &revision, &err)) {
        size_t whole = strlen(revision.text);
        fuzz_assert(whole <= len && revision.upgrade_len <= whole && strlen(revision.checksum) == REVISION_CHECKSUM - 1);
        fuzz_assert(revision.id[0] != '\0' && revision_id_problem(revision.id, strlen(revision.id)) == NULL);
        fuzz_assert(!revision.has_downgrade ||
                    (revision.downgrade_at >= revision.upgrade_len && revision.downgrade_at + revision.downgrade_len <= whole));
        revision_free(&revision);
    } else {
        fuzz_assert(err.cls == ERR_SCHEMA && strstr(err.text, "file") == err.text);
    }
    revisions_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const SqlRules *rules = &all_rules[data[0] % 2];
    char *text = fuzz_string(data + 1, size - 1);
    check_revision(rules, (const char *)data + 1, size - 1);
    check_statements(rules, text, strlen(text));
    free(text);
    return 0;
}
