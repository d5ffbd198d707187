#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "base/vec.h"
#include "parts.h"

/* A line `-- key: value`. */
typedef struct Line {
    Revisions *set;
    const char *key, *value;
    size_t key_len, value_len;
    Revision *out;
} Line;

typedef bool (*TakeFn)(const Line *line, Err *err);

static const char *keep(const Line *line, const char *start, size_t len, Err *err)
{
    return arena_copy(&line->set->arena, start, len, err);
}

const char *revision_id_problem(const char *id, size_t len)
{
    static const char *const taken[] = {"head", "heads", "base", "current", "none"};
    if (len == 0 || len > REVISION_ID_MAX)
        return "an id has 1 to 32 characters";
    for (size_t i = 0; i < len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", id[i]) == NULL)
            return "an id has letters, digits and _ . - only";
    if (id[0] == '-' || id[0] == '.')
        return "an id begins with a letter, a digit or _";
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strlen(taken[i]) == len && memcmp(taken[i], id, len) == 0)
            return "this word has another meaning in the place of an id";
    return NULL;
}

bool revision_names_add(RevisionNames *names, const char *name, Err *err)
{
    const char **item = name != NULL ? vec_push(names, err) : NULL;
    if (item == NULL)
        return false;
    *item = name;
    return true;
}

static bool check_id(const char *id, size_t len, Err *err)
{
    const char *problem = revision_id_problem(id, len);
    return problem == NULL || err_set(err, ERR_SCHEMA, "\"%.*s\": %s", len > 80 ? 80 : (int)len, id, problem);
}

/* Ids with commas between them, or none. */
static bool take_names(const Line *line, RevisionNames *names, Err *err)
{
    if (line->value_len == 4 && memcmp(line->value, "none", 4) == 0)
        return true;
    for (size_t at = 0; at <= line->value_len;) {
        size_t end = at;
        while (end < line->value_len && line->value[end] != ',')
            end++;
        size_t first = at, last = end;
        while (first < last && strchr(" \t", line->value[first]) != NULL)
            first++;
        while (last > first && strchr(" \t", line->value[last - 1]) != NULL)
            last--;
        if (!check_id(line->value + first, last - first, err) ||
            !revision_names_add(names, keep(line, line->value + first, last - first, err), err))
            return false;
        at = end + 1;
    }
    return true;
}

static bool take_revision(const Line *line, Err *err)
{
    if (!check_id(line->value, line->value_len, err))
        return false;
    line->out->id = keep(line, line->value, line->value_len, err);
    return line->out->id != NULL;
}

static bool take_parents(const Line *line, Err *err)
{
    return take_names(line, &line->out->parents, err);
}

static bool take_depends(const Line *line, Err *err)
{
    return take_names(line, &line->out->depends, err);
}

static bool take_labels(const Line *line, Err *err)
{
    return take_names(line, &line->out->labels, err);
}

static bool take_message(const Line *line, Err *err)
{
    line->out->message = keep(line, line->value, line->value_len, err);
    return line->out->message != NULL;
}

static bool take_irreversible(const Line *line, Err *err)
{
    if (line->value_len == 0)
        return err_set(err, ERR_SCHEMA, "irreversible: say why behind the colon");
    line->out->irreversible = keep(line, line->value, line->value_len, err);
    return line->out->irreversible != NULL;
}

static bool take_transaction(const Line *line, Err *err)
{
    line->out->no_transaction = line->value_len == 4 && memcmp(line->value, "none", 4) == 0;
    return line->out->no_transaction ||
           err_set(err, ERR_SCHEMA, "transaction: only none can be said; without this line there is one");
}

static bool take_draft(const Line *line, Err *err)
{
    (void)err;
    line->out->draft = true;
    return true;
}

static const struct {
    const char *name;
    TakeFn take;
} keys[] = {
    {"revision", take_revision}, {"down_revision", take_parents},  {"message", take_message},         {"depends_on", take_depends},
    {"branch_labels", take_labels}, {"transaction", take_transaction}, {"irreversible", take_irreversible}, {"draft", take_draft},
};
#define KEY_COUNT (sizeof keys / sizeof *keys)

static size_t find_key(const Line *line)
{
    size_t i = 0;
    while (i < KEY_COUNT && !(strlen(keys[i].name) == line->key_len && memcmp(keys[i].name, line->key, line->key_len) == 0))
        i++;
    return i;
}

/* A comment is free, but for one that was meant for a key. */
static bool refuse_near(const Line *line, Err *err)
{
    Nearest nearest = nearest_to(line->key, line->key_len);
    if (nearest.limit > 3)
        nearest.limit = 3;
    for (size_t i = 0; i < KEY_COUNT; i++)
        nearest_try(&nearest, keys[i].name);
    if (nearest.found == NULL)
        return true;
    return err_set(err, ERR_SCHEMA, "\"%.*s:\" is no key of a revision; %s is one", (int)line->key_len, line->key, nearest.found);
}

/* The text of a comment `-- …`; false in *is_key: no colon in it. */
static Line split(const SqlToken *token, bool *is_key)
{
    const char *start = token->text + 2, *end = token->text + token->len;
    while (end > start && strchr(" \t\r", end[-1]) != NULL)
        end--;
    while (start < end && strchr(" \t", *start) != NULL)
        start++;
    const char *colon = memchr(start, ':', (size_t)(end - start)), *key_end = colon != NULL ? colon : end;
    Line line = {.key = start, .key_len = (size_t)(key_end - start), .value = end};
    *is_key = colon != NULL;
    if (colon != NULL) {
        for (colon++; colon < end && strchr(" \t", *colon) != NULL; colon++)
            ;
        line.value = colon;
        line.value_len = (size_t)(end - colon);
    }
    return line;
}

static bool take_line(Revisions *set, const SqlToken *token, bool *seen, Revision *out, Err *err)
{
    bool is_key;
    Line line = split(token, &is_key);
    line.set = set;
    line.out = out;
    size_t key = find_key(&line);
    if (key == KEY_COUNT)
        return !is_key || refuse_near(&line, err);
    if (!is_key && keys[key].take != take_draft)
        return true;
    if (seen[key])
        return err_set(err, ERR_SCHEMA, "%s is there twice", keys[key].name);
    seen[key] = true;
    return keys[key].take(&line, err);
}

bool revision_read_header(Revisions *set, const char *file, const char *text, size_t len, Revision *out, Err *err)
{
    SqlScan scan = {.rules = set->rules, .text = text, .len = len};
    SqlToken token;
    bool seen[KEY_COUNT] = {false};
    for (;;) {
        if (!sql_next_token(&scan, &token, err))
            return revision_fail_at(file, text, scan.at, err);
        if (token.kind != SQL_COMMENT)
            break;
        if (token.text[0] == '-' && !take_line(set, &token, seen, out, err))
            return revision_fail_at(file, text, (size_t)(token.text - text), err);
    }
    for (size_t i = 0; i < 2; i++) /* revision, down_revision */
        if (!seen[i]) {
            err_set(err, ERR_SCHEMA, "%s: no line `-- %s: ...` before the first statement", file, keys[i].name);
            return err_hint(err, i == 0 ? "each file of the folder says which revision it is"
                                        : "say which revision it follows, or none for the first one");
        }
    return true;
}
