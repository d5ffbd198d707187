#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/text.h"
#include "parts.h"
#include "port/sha256.h"

bool revision_fail_at(const char *file, const char *text, size_t at, Err *err)
{
    return err_prefix(err, "%s:%u", file, sql_line(text, at, NULL));
}

void revision_free(Revision *revision)
{
    free(revision->parents.items);
    free(revision->depends.items);
    free(revision->labels.items);
}

/* --- the way back ------------------------------------------------------------------------------------------------------------ */

/* The word of a line that is the beginning of a block comment and one word, perhaps with a colon; NULL: it is another line. *end:
 * behind the mark of the comment and the word. */
static const char *comment_word(const char *line, const char *end, size_t *len, const char **behind)
{
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    if (end - line < 2 || memcmp(line, "/*", 2) != 0)
        return NULL;
    for (line += 2; line < end && (*line == ' ' || *line == '\t'); line++)
        ;
    const char *word = line;
    while (line < end && isalpha((unsigned char)*line))
        line++;
    *len = (size_t)(line - word);
    line += line < end && *line == ':';
    *behind = line;
    while (line < end && (*line == ' ' || *line == '\t' || *line == '\r'))
        line++;
    bool closes = end - line >= 2 && memcmp(line, "*/", 2) == 0;
    return *len > 0 && (line == end || closes) ? word : NULL;
}

/* A place where the way back may begin. */
typedef struct Place {
    size_t at;     /* of the comment */
    size_t behind; /* its mark and its word */
} Place;

/* The next such line at or behind `from`; at = len: there is none. A word that is nearly the right one is refused. */
static bool find_mark(const char *text, size_t len, size_t from, Place *out, Err *err)
{
    for (size_t line = from, next; line < len; line = next) {
        const char *end = memchr(text + line, '\n', len - line), *behind;
        size_t word_len;
        next = end != NULL ? (size_t)(end - text) + 1 : len;
        const char *word = comment_word(text + line, end != NULL ? end : text + len, &word_len, &behind);
        if (word == NULL)
            continue;
        *out = (Place){line, (size_t)(behind - text)};
        if (word_len == strlen("downgrade") && strncasecmp(word, "downgrade", word_len) == 0)
            return true;
        Nearest nearest = nearest_to(word, word_len);
        nearest_try(&nearest, "downgrade");
        if (nearest.found != NULL)
            return err_set(err, ERR_SCHEMA, "this comment is nearly the beginning of the way back; the word is downgrade");
    }
    *out = (Place){len, len};
    return true;
}

/* Do the statements before `end` come to their ends there? If not, it is inside of a string, a comment or rows. */
static bool is_between_statements(const SqlRules *rules, const char *text, size_t end)
{
    SqlScan scan = {.rules = rules, .text = text, .len = end};
    SqlStatement statement;
    bool ok;
    while ((ok = sql_next_statement(&scan, &statement, NULL)) && statement.len > 0)
        ;
    return ok;
}

/* What stands inside of the comment is a script; behind it is nothing but comments. */
static bool take_downgrade(const SqlRules *rules, const char *file, const Place *place, Revision *out, size_t len, Err *err)
{
    const char *text = out->text, *start = text + place->behind, *close = strstr(start, "*/"), *inner = strstr(start, "/*");
    SqlToken token;
    if (close == NULL) {
        err_set(err, ERR_SCHEMA, "the comment with the way back is never closed");
        return revision_fail_at(file, text, place->at, err);
    }
    if (inner != NULL && inner < close) {
        err_set(err, ERR_SCHEMA, "inside of the way back no other /* may stand, in a string neither");
        return revision_fail_at(file, text, (size_t)(inner - text), err);
    }
    SqlScan scan = {.rules = rules, .text = text, .len = len, .at = (size_t)(close + 2 - text)};
    bool ok;
    while ((ok = sql_next_token(&scan, &token, NULL)) && token.kind == SQL_COMMENT)
        ;
    if (!ok || token.kind != SQL_END) {
        err_set(err, ERR_SCHEMA, "the way back must be the last thing in the file, and may hold no */, in a string neither");
        return revision_fail_at(file, text, ok ? (size_t)(token.text - text) : scan.at, err);
    }
    out->upgrade_len = place->at;
    out->downgrade_at = place->behind;
    out->downgrade_len = (size_t)(close - start);
    out->has_downgrade = true;
    return true;
}

static bool split_parts(const SqlRules *rules, const char *file, size_t len, Revision *out, Err *err)
{
    Place place = {0};
    out->upgrade_len = len;
    for (size_t from = 0; from < len; from = place.behind) {
        if (!find_mark(out->text, len, from, &place, err))
            return revision_fail_at(file, out->text, place.at, err);
        if (place.at < len && is_between_statements(rules, out->text, place.at))
            return take_downgrade(rules, file, &place, out, len, err);
    }
    return true;
}

/* --- the checksum ------------------------------------------------------------------------------------------------------------ */

/* Line ends of any system count as one kind. */
static bool add_text(Sha256 *sha, const char *text, size_t len, Err *err)
{
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\r', len - at);
        size_t stop = end != NULL ? (size_t)(end - text) : len;
        if (!sha256_add(sha, text + at, stop - at, err))
            return false;
        at = stop;
        if (at < len && !(at + 1 < len && text[at + 1] == '\n') && !sha256_add(sha, "\r", 1, err))
            return false;
        at += at < len;
    }
    return sha256_add(sha, "", 1, err);
}

static bool add_statement(Sha256 *sha, const SqlRules *rules, const SqlStatement *statement, Err *err)
{
    SqlScan scan = {.rules = rules, .text = statement->text, .len = statement->len};
    SqlToken token;
    bool ok;
    while ((ok = sql_next_token(&scan, &token, err)) && token.kind != SQL_END)
        if (token.kind != SQL_COMMENT && !add_text(sha, token.text, token.len, err))
            return false;
    return ok && add_text(sha, ";", 1, err) &&
           (statement->data == NULL || add_text(sha, statement->data, statement->data_len, err));
}

bool revision_sum(const SqlRules *rules, Revision *out, Err *err)
{
    SqlScan scan = {.rules = rules, .text = out->text, .len = out->upgrade_len};
    SqlStatement statement = {0};
    Digest digest;
    Sha256 *sha = sha256_new(err);
    bool ok = sha != NULL;
    while (ok && (ok = sql_next_statement(&scan, &statement, err)) && statement.len > 0)
        ok = add_statement(sha, rules, &statement, err);
    if (!ok && sha != NULL && err != NULL && err->cls == ERR_SCHEMA)
        revision_fail_at(out->file, out->text, scan.at, err);
    ok = ok && sha256_end(sha, &digest, err);
    sha256_free(sha);
    memcpy(out->checksum, "t1:", 4);
    if (ok)
        digest_hex(&digest, out->checksum + 3);
    return ok;
}

/* --- a whole file ------------------------------------------------------------------------------------------------------------ */

/* "add_owner" of "migrations/0002_add_owner.sql" with the id 0002; the whole stem where it does not begin with the id. */
static const char *slug_of(Revisions *set, const char *file, const char *id, Err *err)
{
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
    size_t len = strlen(name), id_len = strlen(id);
    len -= text_ends_with(name, ".sql") ? 4 : 0;
    if (len > id_len + 1 && memcmp(name, id, id_len) == 0 && name[id_len] == '_') {
        name += id_len + 1;
        len -= id_len + 1;
    }
    return arena_copy(&set->arena, name, len, err);
}

static const char *message_of(Revisions *set, const char *slug, Err *err)
{
    const char *copy = arena_copy(&set->arena, slug, strlen(slug), err);
    for (char *c = (char *)(uintptr_t)copy; c != NULL && *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c;
    return copy;
}

static bool check_text(const char *file, const char *text, size_t len, Err *err)
{
    const char *nul = memchr(text, '\0', len);
    if (nul != NULL) {
        err_set(err, ERR_SCHEMA, "there is a NUL byte");
        return revision_fail_at(file, text, (size_t)(nul - text), err);
    }
    return text_utf8_valid(text, len) || err_set(err, ERR_SCHEMA, "%s: it is not UTF-8", file);
}

bool revision_parse(Revisions *set, const char *file, const char *text, size_t len, Revision *out, Err *err)
{
    Revision found = {0};
    size_t bom = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    bool ok = check_text(file, text, len, err);
    found.file = ok ? arena_copy(&set->arena, file, strlen(file), err) : NULL;
    found.text = found.file != NULL ? arena_copy(&set->arena, text + bom, len - bom, err) : NULL;
    ok = found.text != NULL && revision_read_header(set, file, found.text, len - bom, &found, err) &&
         split_parts(set->rules, file, len - bom, &found, err) && revision_sum(set->rules, &found, err);
    found.slug = ok ? slug_of(set, file, found.id, err) : NULL;
    if (found.slug != NULL && found.message == NULL)
        found.message = message_of(set, found.slug, err);
    if (found.slug == NULL || found.message == NULL) {
        revision_free(&found);
        return false;
    }
    *out = found;
    return true;
}
