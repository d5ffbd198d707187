#include <stdio.h>
#include <string.h>

#include "base/sql_text.h"

#define HEAD_WORDS 5

/* What is open while a statement is read. */
typedef struct Open {
    SqlToken head[HEAD_WORDS]; /* its first tokens */
    size_t tokens;
    SqlToken last, before;     /* the last two */
    unsigned brackets;
    unsigned bodies;           /* BEGIN ATOMIC, and CASE inside it */
    bool from_stdin;           /* COPY … FROM stdin */
} Open;

static bool head_is(const Open *open, size_t index, const char *word)
{
    return index < open->tokens && index < HEAD_WORDS && sql_token_is(&open->head[index], word);
}

/* CREATE [OR REPLACE] FUNCTION or PROCEDURE */
static bool is_routine(const Open *open)
{
    size_t next = head_is(open, 1, "or") && head_is(open, 2, "replace") ? 3 : 1;
    return head_is(open, 0, "create") && (head_is(open, next, "function") || head_is(open, next, "procedure"));
}

/* CREATE [TEMP] TRIGGER */
static bool is_trigger(const Open *open)
{
    size_t next = head_is(open, 1, "temp") || head_is(open, 1, "temporary") ? 2 : 1;
    return head_is(open, 0, "create") && head_is(open, next, "trigger");
}

static void note_word(Open *open, const SqlRules *rules, const SqlToken *token)
{
    bool is_name = sql_token_is(&open->last, ".") || sql_token_is(&open->last, "as");
    if (rules->copy_data && open->brackets == 0 && head_is(open, 0, "copy") && sql_token_is(&open->last, "from") &&
        sql_token_is(token, "stdin"))
        open->from_stdin = true;
    if (!rules->atomic_bodies)
        return;
    if (open->bodies == 0)
        open->bodies = sql_token_is(token, "atomic") && sql_token_is(&open->last, "begin") && is_routine(open);
    else if (!is_name && sql_token_is(token, "case"))
        open->bodies++;
    else if (!is_name && sql_token_is(token, "end"))
        open->bodies--;
}

static void note(Open *open, const SqlRules *rules, const SqlToken *token)
{
    if (token->kind == SQL_WORD)
        note_word(open, rules, token);
    else if (sql_token_is(token, "("))
        open->brackets++;
    else if (sql_token_is(token, ")") && open->brackets > 0)
        open->brackets--;
    if (open->tokens < HEAD_WORDS)
        open->head[open->tokens] = *token;
    open->tokens++;
    open->before = open->last;
    open->last = *token;
}

/* Its end is told by its words, whatever its brackets do. */
static bool has_trigger_body(const Open *open, const SqlRules *rules)
{
    return rules->trigger_bodies && is_trigger(open);
}

static bool ends(const Open *open, const SqlRules *rules)
{
    if (has_trigger_body(open, rules))
        return sql_token_is(&open->last, "end") && sql_token_is(&open->before, ";");
    return open->brackets == 0 && open->bodies == 0;
}

static bool refuse_command(SqlScan *scan, const SqlToken *token, Err *err)
{
    size_t len = 1;
    while (len < token->len && token->text[len] != ' ' && token->text[len] != '\t' && token->text[len] != '\r')
        len++;
    scan->at = (size_t)(token->text - scan->text);
    return err_set(err, ERR_SCHEMA, "%.*s is a command of %s, not SQL", len > 40 ? 40 : (int)len, token->text, scan->rules->shell);
}

/* A command of the shell in the place of a statement, to the end of its line. */
static bool is_command(SqlScan *scan, SqlToken *token)
{
    if (scan->rules->command != '.' || !sql_token_is(token, "."))
        return token->kind == SQL_COMMAND;
    const char *end = memchr(token->text, '\n', scan->len - (size_t)(token->text - scan->text));
    token->len = (size_t)((end != NULL ? end : scan->text + scan->len) - token->text);
    return true;
}

static bool is_harmless(const SqlToken *token)
{
    static const char *const words[] = {"\\restrict", "\\unrestrict"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if (token->kind == SQL_COMMAND && token->len >= len && memcmp(token->text, words[i], len) == 0 &&
            (token->len == len || strchr(" \t\r", token->text[len]) != NULL))
            return true;
    }
    return false;
}

/* The first token of the next statement. */
static bool find_first(SqlScan *scan, SqlToken *token, Err *err)
{
    do {
        if (!sql_next_token(scan, token, err))
            return false;
    } while (token->kind == SQL_COMMENT || sql_token_is(token, ";") || is_harmless(token));
    return !is_command(scan, token) || refuse_command(scan, token, err);
}

/* The rows begin on the line behind the statement. */
static bool take_data(SqlScan *scan, SqlStatement *out, Err *err)
{
    size_t start = scan->at;
    while (scan->at < scan->len && strchr(" \t\r", scan->text[scan->at]) != NULL)
        scan->at++;
    if (scan->at >= scan->len || scan->text[scan->at] != '\n')
        return err_set(err, ERR_SCHEMA, "the rows of COPY ... FROM stdin must begin on the next line");
    size_t first = ++scan->at;
    for (size_t line = first; line < scan->len; line++) {
        const char *end = memchr(scan->text + line, '\n', scan->len - line);
        size_t next = end != NULL ? (size_t)(end - scan->text) : scan->len;
        size_t len = next - line - (next > line && scan->text[next - 1] == '\r');
        if (len == 2 && memcmp(scan->text + line, "\\.", 2) == 0) {
            out->data = scan->text + first;
            out->data_len = line - first;
            scan->at = next;
            return true;
        }
        line = next;
    }
    scan->at = start;
    return err_set(err, ERR_SCHEMA, "the rows of COPY ... FROM stdin have no line \\. behind them");
}

static bool refuse_open(SqlScan *scan, const Open *open, Err *err)
{
    scan->at = (size_t)(open->head[0].text - scan->text);
    if (open->from_stdin)
        return err_set(err, ERR_SCHEMA, "COPY ... FROM stdin must end with ; and have its rows behind it");
    return err_set(err, ERR_SCHEMA, open->bodies > 0 ? "BEGIN ATOMIC of this statement has no END"
                                                     : "a bracket of this statement is never closed");
}

bool sql_next_statement(SqlScan *scan, SqlStatement *out, Err *err)
{
    Open open = {0};
    SqlToken token;
    SqlStatement found = {0};
    if (!find_first(scan, &token, err))
        return false;
    for (; token.kind != SQL_END && !(sql_token_is(&token, ";") && ends(&open, scan->rules));) {
        if (token.kind == SQL_COMMAND)
            return refuse_command(scan, &token, err);
        if (token.kind != SQL_COMMENT)
            note(&open, scan->rules, &token);
        if (!sql_next_token(scan, &token, err))
            return false;
    }
    if (token.kind == SQL_END && open.tokens > 0 && (open.from_stdin || !ends(&open, scan->rules)) &&
        !has_trigger_body(&open, scan->rules))
        return refuse_open(scan, &open, err);
    if (open.from_stdin && !take_data(scan, &found, err))
        return false;
    if (open.tokens > 0) {
        found.text = open.head[0].text;
        found.len = (size_t)(open.last.text + open.last.len - found.text);
    }
    *out = found;
    return true;
}

const char *sql_leading_words(const SqlRules *rules, const SqlStatement *statement, char out[SQL_WORDS])
{
    SqlScan scan = {.rules = rules, .text = statement->text, .len = statement->len};
    SqlToken token;
    size_t used = 0;
    out[0] = '\0';
    while (sql_next_token(&scan, &token, NULL) && (token.kind == SQL_WORD || token.kind == SQL_COMMENT)) {
        if (token.kind == SQL_COMMENT)
            continue;
        if (used + token.len + 2 > SQL_WORDS)
            break;
        if (used > 0)
            out[used++] = ' ';
        for (size_t i = 0; i < token.len; i++)
            out[used++] = token.text[i] >= 'a' && token.text[i] <= 'z' ? (char)(token.text[i] - 'a' + 'A') : token.text[i];
        out[used] = '\0';
    }
    return out;
}
