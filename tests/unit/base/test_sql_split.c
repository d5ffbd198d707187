#include "base/sql_text.h"

#include "../unit.h"

static const SqlRules server = {.dollar_quotes = true,
                                .escape_strings = true,
                                .nested_comments = true,
                                .atomic_bodies = true,
                                .copy_data = true,
                                .command = '\\',
                                .shell = "psql"};
static const SqlRules file = {.bracket_names = true, .trigger_bodies = true, .command = '.', .shell = "sqlite3"};

/* The statements with | between them. */
static const char *split(const SqlRules *rules, const char *text)
{
    static char out[4096];
    Err err = {0};
    SqlScan scan = {.rules = rules, .text = text, .len = strlen(text)};
    SqlStatement statement;
    size_t used = 0;
    out[0] = '\0';
    for (;;) {
        ck_ok(sql_next_statement(&scan, &statement, &err));
        if (statement.len == 0)
            return out;
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%.*s", used > 0 ? "|" : "", (int)statement.len, statement.text);
    }
}

static void check_refused(const SqlRules *rules, const char *text, const char *part, unsigned line)
{
    Err err = {0};
    SqlScan scan = {.rules = rules, .text = text, .len = strlen(text)};
    SqlStatement statement = {.len = 1};
    bool ok = true;
    while (ok && statement.len > 0)
        ok = sql_next_statement(&scan, &statement, &err);
    ck_assert_msg(!ok, "%s is taken", text);
    ck_assert_msg(strstr(err.text, part) != NULL, "%s: %s", text, err.text);
    ck_assert_msg(sql_line(text, scan.at, NULL) == line, "%s: line %u", text, sql_line(text, scan.at, NULL));
}

START_TEST(plain_statements)
{
    static const char *const rows[][2] = {
        {"", ""},
        {" ;;\n; -- nothing\n /* at all */", ""},
        {"a; b", "a|b"},
        {"a\n;b;", "a|b"},
        {"-- a;\nb; /* c; */ d -- e;", "b|d"},
        {"select ';'; 2", "select ';'|2"},
        {"select 'it''s; '; 2", "select 'it''s; '|2"},
        {"select \"a;\"\"b\"; 2", "select \"a;\"\"b\"|2"},
        {"select 1 -- ';\n; 2", "select 1|2"},
        {"select 1 --;\n+ 1; 2", "select 1 --;\n+ 1|2"},
        {"f((a; b)); 2", "f((a; b))|2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(split(&server, rows[i][0]), rows[i][1]);
        ck_assert_str_eq(split(&file, rows[i][0]), rows[i][1]);
    }
}
END_TEST

START_TEST(of_a_server)
{
    static const char *const rows[][2] = {
        {"do $$ a; b $$; 2", "do $$ a; b $$|2"},
        {"do $x$ a; $$ b; $x$; 2", "do $x$ a; $$ b; $x$|2"},
        {"select a$b$; c$b$", "select a$b$|c$b$"},
        {"select $1; select $2", "select $1|select $2"},
        {"select E'\\'; '; 2", "select E'\\'; '|2"},
        {"select e'a'\n '\\'; '; 2", "select e'a'\n '\\'; '|2"},
        {"select e'a' -- c\n '\\'; '; 2", "select e'a' -- c\n '\\'; '|2"},
        {"select '\\'; 2", "select '\\'|2"},
        {"select U&'\\0061;', U&\"a;\"; 2", "select U&'\\0061;', U&\"a;\"|2"},
        {"a /* /* ; */ ; */; b", "a|b"},
        {"select 1 +/* ; */2; 3", "select 1 +/* ; */2|3"},
        {"create rule r as on update to t do also (insert into a values (1); delete from b); 2",
         "create rule r as on update to t do also (insert into a values (1); delete from b)|2"},
        {"create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; 2",
         "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end|2"},
        {"create procedure p() begin atomic select t.end, 1 as case from t; end; 2",
         "create procedure p() begin atomic select t.end, 1 as case from t; end|2"},
        {"begin; select 1; end; 2", "begin|select 1|end|2"},
        {"\\restrict abc\nselect 1;\n\\unrestrict abc\n", "select 1"},
        {"create trigger t before insert on a execute function f(); 2", "create trigger t before insert on a execute function f()|2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(split(&server, rows[i][0]), rows[i][1]);
}
END_TEST

START_TEST(of_a_file)
{
    static const char *const rows[][2] = {
        {"select [a;b], `c;``d`; 2", "select [a;b], `c;``d`|2"},
        {"create trigger t after insert on a begin update b set c = case when 1 then 2 end; delete from d; end; 2",
         "create trigger t after insert on a begin update b set c = case when 1 then 2 end; delete from d; end|2"},
        {"create temp trigger t after insert on a begin select 1; end; 2", "create temp trigger t after insert on a begin select 1; end|2"},
        {"/* a /* b */ c; d", "c|d"},
        {"select $$; 2", "select $$|2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(split(&file, rows[i][0]), rows[i][1]);
}
END_TEST

START_TEST(rows_of_copy)
{
    const char *text = "COPY t (a, b) FROM stdin;\n1\tit's; \"\n\\.x\n\\.\nselect 2; copy u from STDIN with (format csv);\r\n\\.\r\n";
    Err err = {0};
    SqlScan scan = {.rules = &server, .text = text, .len = strlen(text)};
    SqlStatement statement;
    ck_ok(sql_next_statement(&scan, &statement, &err));
    ck_assert_msg(statement.data != NULL && statement.data_len == 14 && memcmp(statement.data, "1\tit's; \"\n\\.x\n", 14) == 0, "%.*s",
                  (int)statement.data_len, statement.data);
    ck_ok(sql_next_statement(&scan, &statement, &err));
    ck_assert_ptr_null(statement.data);
    ck_ok(sql_next_statement(&scan, &statement, &err));
    ck_assert(statement.data != NULL && statement.data_len == 0);
    ck_ok(sql_next_statement(&scan, &statement, &err));
    ck_assert_uint_eq(statement.len, 0);
}
END_TEST

START_TEST(refused)
{
    check_refused(&server, "select 1;\nselect 'abc\n\n", "string is never closed", 2);
    check_refused(&server, "select \"abc", "name is never closed", 1);
    check_refused(&server, "\n\n/* abc", "comment is never closed", 3);
    check_refused(&server, "/* a /* b */ c", "comment is never closed", 1);
    check_refused(&server, "do $a$ b $$", "dollar quote is never closed", 1);
    check_refused(&server, "select E'a\\'", "string is never closed", 1);
    check_refused(&server, "a;\nselect (1; select 2;\n", "bracket of this statement is never closed", 2);
    check_refused(&server, "create function f() begin atomic select 1;", "BEGIN ATOMIC of this statement has no END", 1);
    check_refused(&server, "a;\n\\i other.sql\n", "\\i is a command of psql, not SQL", 2);
    check_refused(&server, "select 1 \\gset", "\\gset is a command of psql", 1);
    check_refused(&server, "\\restricted x", "\\restricted is a command", 1);
    check_refused(&server, "copy t from stdin", "must end with ;", 1);
    check_refused(&server, "copy t from stdin;\n1\n", "no line \\. behind them", 1);
    check_refused(&server, "copy t from stdin; select 1;\n\\.\n", "must begin on the next line", 1);
    check_refused(&file, "a;\n.read x.sql\n", ".read is a command of sqlite3, not SQL", 2);
    check_refused(&file, "select [a", "name is never closed", 1);
}
END_TEST

START_TEST(tokens)
{
    static const char *const rows[] = {"a", "=", "-", "1.5", "::", "b", "->>", "'c'", "$1", "@-", "2"};
    const char *text = "a=-1.5::b->>'c' /* x */ $1 @- 2";
    SqlScan scan = {.rules = &server, .text = text, .len = strlen(text)};
    SqlToken token;
    Err err = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        do
            ck_ok(sql_next_token(&scan, &token, &err));
        while (token.kind == SQL_COMMENT);
        ck_assert_msg(token.len == strlen(rows[i]) && memcmp(token.text, rows[i], token.len) == 0, "%s: %.*s", rows[i], (int)token.len,
                      token.text);
    }
    ck_ok(sql_next_token(&scan, &token, &err));
    ck_assert_int_eq(token.kind, SQL_END);
}
END_TEST

START_TEST(leading_words)
{
    char words[SQL_WORDS];
    SqlStatement statement = {.text = "create /* x */ unique\nindex concurrently i on t (a)", .len = 51};
    ck_assert_str_eq(sql_leading_words(&server, &statement, words), "CREATE UNIQUE INDEX CONCURRENTLY I ON T");
    statement = (SqlStatement){.text = "(select 1)", .len = 10};
    ck_assert_str_eq(sql_leading_words(&server, &statement, words), "");
}
END_TEST

START_TEST(lines_and_columns)
{
    unsigned column;
    ck_assert_uint_eq(sql_line("ab\ncd", 4, &column), 2);
    ck_assert_uint_eq(column, 2);
    ck_assert_uint_eq(sql_line("ab\ncd", 0, NULL), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql_split");
    TCase *all = tcase_create("all");
    tcase_add_test(all, plain_statements);
    tcase_add_test(all, of_a_server);
    tcase_add_test(all, of_a_file);
    tcase_add_test(all, rows_of_copy);
    tcase_add_test(all, refused);
    tcase_add_test(all, tokens);
    tcase_add_test(all, leading_words);
    tcase_add_test(all, lines_and_columns);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
