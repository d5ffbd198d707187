#include <string.h>
#include <strings.h>

#include "base/sql_text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

/* NUL behind the end, which no text holds. */
static char peek(const SqlScan *scan, size_t ahead)
{
    return scan->at + ahead < scan->len ? scan->text[scan->at + ahead] : '\0';
}

static bool never_closed(SqlScan *scan, size_t start, const char *what, Err *err)
{
    scan->at = start;
    return err_set(err, ERR_SCHEMA, "this %s is never closed", what);
}

static void skip_line(SqlScan *scan)
{
    const char *end = memchr(scan->text + scan->at, '\n', scan->len - scan->at);
    scan->at = end != NULL ? (size_t)(end - scan->text) : scan->len;
}

static bool skip_block_comment(SqlScan *scan, Err *err)
{
    size_t start = scan->at, depth = 0;
    while (scan->at < scan->len) {
        if (peek(scan, 0) == '*' && peek(scan, 1) == '/') {
            scan->at += 2;
            if (--depth == 0)
                return true;
        } else if (peek(scan, 0) == '/' && peek(scan, 1) == '*' && (depth == 0 || scan->rules->nested_comments)) {
            scan->at += 2;
            depth++;
        } else {
            scan->at++;
        }
    }
    return never_closed(scan, start, "comment", err);
}

/* From the opening quote to behind the closing one, which is doubled where it stands for itself. */
static bool skip_quoted(SqlScan *scan, size_t start, char close, bool backslashes, const char *what, Err *err)
{
    scan->at++;
    while (scan->at < scan->len) {
        char c = peek(scan, 0);
        if (c == '\\' && backslashes && scan->at + 1 < scan->len)
            scan->at++;
        else if (c == close && peek(scan, 1) == close && close != ']')
            scan->at++;
        else if (c == close) {
            scan->at++;
            return true;
        }
        scan->at++;
    }
    return never_closed(scan, start, what, err);
}

/* Behind a string: another one after blanks and comments with the end of a line among them goes on with the same rules. */
static bool finds_continuation(SqlScan *scan)
{
    size_t at = scan->at;
    bool new_line = false;
    for (; at < scan->len; at++) {
        if (scan->text[at] == '-' && at + 1 < scan->len && scan->text[at + 1] == '-') {
            while (at < scan->len && scan->text[at] != '\n')
                at++;
            new_line = true;
        } else if (!is_blank(scan->text[at])) {
            break;
        } else if (scan->text[at] == '\n' || scan->text[at] == '\r') {
            new_line = true;
        }
    }
    if (!new_line || at >= scan->len || scan->text[at] != '\'')
        return false;
    scan->at = at;
    return true;
}

static bool skip_escape_string(SqlScan *scan, size_t start, Err *err)
{
    do {
        if (!skip_quoted(scan, start, '\'', true, "string", err))
            return false;
    } while (finds_continuation(scan));
    return true;
}

/* The length of `$tag$` here, 0 = this is none. */
static size_t dollar_tag(const SqlScan *scan)
{
    size_t len = 1;
    if (!scan->rules->dollar_quotes || peek(scan, 0) != '$' || is_digit(peek(scan, 1)))
        return 0;
    while (is_letter(peek(scan, len)) || is_digit(peek(scan, len)))
        len++;
    return peek(scan, len) == '$' ? len + 1 : 0;
}

static bool skip_dollar_quote(SqlScan *scan, size_t tag, Err *err)
{
    size_t start = scan->at;
    for (scan->at += tag; scan->at + tag <= scan->len; scan->at++) {
        if (memcmp(scan->text + scan->at, scan->text + start, tag) == 0) {
            scan->at += tag;
            return true;
        }
    }
    return never_closed(scan, start, "dollar quote", err);
}

static bool is_operator(char c)
{
    return c != '\0' && strchr("+-*/<>=~!@#%^&|`?", c) != NULL;
}

static bool begins_comment(const SqlScan *scan)
{
    return (peek(scan, 0) == '-' && peek(scan, 1) == '-') || (peek(scan, 0) == '/' && peek(scan, 1) == '*');
}

/* As long as possible; but + and - at the end are signs of what follows, unless a character before them can be in no sign. */
static void skip_operator(SqlScan *scan)
{
    size_t start = scan->at;
    bool special = false;
    for (; is_operator(peek(scan, 0)) && !begins_comment(scan); scan->at++)
        special = special || strchr("~!@#%^&|`?", peek(scan, 0)) != NULL;
    while (!special && scan->at > start + 1 && (scan->text[scan->at - 1] == '+' || scan->text[scan->at - 1] == '-'))
        scan->at--;
}

static void skip_mark(SqlScan *scan)
{
    if (is_operator(peek(scan, 0)))
        skip_operator(scan);
    else
        scan->at += peek(scan, 0) == ':' && (peek(scan, 1) == ':' || peek(scan, 1) == '=') ? 2 : 1;
}

/* A word, or what it is the prefix of. */
static bool skip_word(SqlScan *scan, SqlKind *kind, Err *err)
{
    size_t start = scan->at;
    bool number = is_digit(peek(scan, 0));
    while (is_letter(peek(scan, 0)) || is_digit(peek(scan, 0)) || peek(scan, 0) == '$' || (number && peek(scan, 0) == '.'))
        scan->at++;
    *kind = SQL_WORD;
    if (scan->at - start != 1)
        return true;
    char letter = scan->text[start], next = peek(scan, 0), quote = peek(scan, 1);
    if (next == '\'' && strchr("eEbBxXnN", letter) != NULL) {
        *kind = SQL_STRING;
        return (letter == 'e' || letter == 'E') && scan->rules->escape_strings
                   ? skip_escape_string(scan, start, err)
                   : skip_quoted(scan, start, '\'', false, "string", err);
    }
    if (scan->rules->escape_strings && (letter == 'u' || letter == 'U') && next == '&' && (quote == '\'' || quote == '"')) {
        scan->at++;
        *kind = quote == '"' ? SQL_NAME : SQL_STRING;
        return skip_quoted(scan, start, quote, false, quote == '"' ? "name" : "string", err);
    }
    return true;
}

static bool skip_token(SqlScan *scan, SqlKind *kind, Err *err)
{
    char c = peek(scan, 0);
    size_t start = scan->at, tag = dollar_tag(scan);
    *kind = begins_comment(scan) ? SQL_COMMENT : c == '\'' || tag > 0 ? SQL_STRING : SQL_NAME;
    if (c == '-' && *kind == SQL_COMMENT) {
        skip_line(scan);
        return true;
    }
    if (*kind == SQL_COMMENT)
        return skip_block_comment(scan, err);
    if (tag > 0)
        return skip_dollar_quote(scan, tag, err);
    if (c == '\'' || c == '"')
        return skip_quoted(scan, start, c, false, c == '"' ? "name" : "string", err);
    if (scan->rules->bracket_names && (c == '[' || c == '`'))
        return skip_quoted(scan, start, c == '[' ? ']' : c, false, "name", err);
    if (is_letter(c) || is_digit(c) || c == '$')
        return skip_word(scan, kind, err);
    *kind = c == '\\' && scan->rules->command == '\\' ? SQL_COMMAND : SQL_MARK;
    if (*kind == SQL_COMMAND)
        skip_line(scan);
    else
        skip_mark(scan);
    return true;
}

bool sql_next_token(SqlScan *scan, SqlToken *token, Err *err)
{
    while (scan->at < scan->len && is_blank(scan->text[scan->at]))
        scan->at++;
    SqlToken found = {.kind = SQL_END, .text = scan->text + scan->at};
    if (scan->at < scan->len) {
        if (!skip_token(scan, &found.kind, err))
            return false;
        found.len = (size_t)(scan->text + scan->at - found.text);
    }
    *token = found;
    return true;
}

bool sql_token_is(const SqlToken *token, const char *word)
{
    return (token->kind == SQL_WORD || token->kind == SQL_MARK) && strlen(word) == token->len &&
           strncasecmp(token->text, word, token->len) == 0;
}

unsigned sql_line(const char *text, size_t at, unsigned *column)
{
    unsigned line = 1, first = 1;
    for (size_t i = 0; i < at; i++) {
        first++;
        if (text[i] == '\n') {
            line++;
            first = 1;
        }
    }
    if (column != NULL)
        *column = first;
    return line;
}
