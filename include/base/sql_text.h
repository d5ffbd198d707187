/* sql_text.h: the tokens and the statements of a text of SQL, without a database. Allocates nothing; no state but the scan's own.
 *
 * The text is UTF-8 without NUL. A database says by SqlRules how its SQL is written; the shells of the databases
 * read files by the same rules.
 *
 *     SqlScan scan = {.rules = rules, .text = text, .len = len};
 *     while ((ok = sql_next_statement(&scan, &statement, err)) && statement.len > 0)
 *         …
 *
 * errors: ERR_SCHEMA says what is wrong; scan.at is then the byte that it is about (sql_line gives the line). */
#ifndef BASE_SQL_TEXT_H
#define BASE_SQL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct SqlRules {
    bool dollar_quotes;   /* $tag$ … $tag$ */
    bool escape_strings;  /* E'…' with backslashes, U&'…' */
    bool nested_comments; /* a comment inside a block comment has an end of its own */
    bool bracket_names;   /* [a name] and `a name` */
    bool atomic_bodies;   /* CREATE FUNCTION … BEGIN ATOMIC …; END */
    bool trigger_bodies;  /* CREATE TRIGGER … BEGIN …; END */
    bool copy_data;       /* COPY … FROM stdin; has its rows behind it, up to a line \. */
    char command;         /* begins a command of the shell, which is no SQL: '\\' anywhere, '.' in the place of a statement */
    const char *shell;    /* the name of that shell */
} SqlRules;

typedef enum SqlKind {
    SQL_END,
    SQL_COMMENT,
    SQL_WORD,   /* a keyword, a name without quotes, a number */
    SQL_STRING, /* with its quotes and its prefix; a dollar quote too */
    SQL_NAME,   /* with its quotes */
    SQL_MARK,   /* an operator, a bracket, a comma, `;` */
    SQL_COMMAND /* of the shell, to the end of the line */
} SqlKind;

typedef struct SqlToken {
    SqlKind kind;
    const char *text; /* inside the text of the scan */
    size_t len;
} SqlToken;

typedef struct SqlScan {
    const SqlRules *rules;
    const char *text;
    size_t len, at; /* at: the byte that is read next */
} SqlScan;

/* SQL_END behind the last one. False: a string, a name or a comment is never closed. */
bool sql_next_token(SqlScan *scan, SqlToken *token, Err *err);

typedef struct SqlStatement {
    const char *text; /* from its first token to its last, without the `;` */
    size_t len;       /* 0 behind the last statement */
    const char *data; /* the rows of COPY … FROM stdin, without the line that ends them; NULL: no such statement */
    size_t data_len;
} SqlStatement;

/* Empty statements are passed over, and so are the lines \restrict and \unrestrict of dumps. False also for a command of the shell,
 * for brackets and bodies that never end, and for rows without their end. */
bool sql_next_statement(SqlScan *scan, SqlStatement *out, Err *err);

/* The words that a statement begins with, in capitals and with one blank between them: "CREATE UNIQUE INDEX CONCURRENTLY". Comments
 * are passed over; cut where there is no room for the next word. */
#define SQL_WORDS 160
const char *sql_leading_words(const SqlRules *rules, const SqlStatement *statement, char out[SQL_WORDS]);

bool sql_token_is(const SqlToken *token, const char *word); /* a word, whatever the case of its letters, or a mark */

/* The line of a byte, and the column in bytes, both from 1. column may be NULL. */
unsigned sql_line(const char *text, size_t at, unsigned *column);

#endif
