/* The addresses of SQLite files. tests/unit/store/test_store_target.c has those of servers. */
#include "../../../src/store/sqlite/session/file_url.h"

#include "../unit.h"
#include "store/store.h"

static Err err;

static void check_path(const char *url, const char *path)
{
    SqliteUrl out;
    ck_assert_msg(sqlite_url_is_ours(url), "%s", url);
    ck_assert_msg(sqlite_url_parse(url, &out, &err), "%s: %s", url, err.text);
    ck_assert_str_eq(out.path, path);
    free(out.path);
}

START_TEST(forms)
{
    check_path("sqlite:///rel.db", "rel.db");
    check_path("sqlite:////var/lib/abs.db", "/var/lib/abs.db");
    check_path("sqlite+pysqlite:///x", "x");
    check_path("SQLite+aiosqlite:////x/y", "/x/y");
    check_path("sqlite3:///a/b.sqlite3", "a/b.sqlite3");
    check_path("sqlite:///with%20blank%3f%23%25.db", "with blank?#%.db");
    check_path("sqlite:///./m%C3%BCnchen.db?mode=ro", "./m\xc3\xbcnchen.db");
    check_path("models.db", "models.db");
    check_path("/srv/Models.SQLITE", "/srv/Models.SQLITE");
    check_path("./a=b.sqlite3", "./a=b.sqlite3");
    check_path("x%20y.db", "x%20y.db"); /* a path is no address: nothing is decoded */
    check_path("../x.db?journal=wal", "../x.db");
}
END_TEST

START_TEST(not_ours)
{
    static const char *const urls[] = {
        "postgresql://h/models.db", "host=h dbname=models.db", "dbname=x.db", "models", "", "mydb.sql", ".db",
        "sqlitex:///a.db",          "mysql:///a.db",           "sqlite"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        ck_assert_msg(!sqlite_url_is_ours(urls[i]), "%s", urls[i]);
}
END_TEST

START_TEST(parameters)
{
    SqliteUrl out;
    ck_ok(sqlite_url_parse("sqlite:///a.db?mode=ro&immutable=1&check_same_thread=false&timeout=30", &out, &err));
    ck_assert(out.read_only && out.immutable && !out.wal);
    free(out.path);
    ck_ok(sqlite_url_parse("a.db?journal=WAL&&mode=rwc", &out, &err));
    ck_assert(out.wal && !out.read_only && !out.immutable);
    free(out.path);
    ck_fails(sqlite_url_parse("a.db?cache=shared", &out, &err), ERR_USAGE, "no parameter \"cache\"");
    ck_fails(sqlite_url_parse("a.db?mode=memory", &out, &err), ERR_USAGE, "\"mode=memory\" means nothing");
    ck_fails(sqlite_url_parse("a.db?immutable", &out, &err), ERR_USAGE, "means nothing");
    ck_fails(sqlite_url_parse("a.db?journal=off", &out, &err), ERR_USAGE, "means nothing");
}
END_TEST

START_TEST(refused)
{
    static const char *const memory[] = {
        "sqlite://", "sqlite:", "sqlite:///:memory:", ":memory:", "sqlite:///", "sqlite:///?mode=ro"};
    SqliteUrl out;
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        ck_assert_msg(sqlite_url_is_ours(memory[i]), "%s", memory[i]);
        ck_fails(sqlite_url_parse(memory[i], &out, &err), ERR_USAGE, "in memory");
    }
    ck_fails(sqlite_url_parse("sqlite://models.db", &out, &err), ERR_USAGE, "three slashes");
    ck_fails(sqlite_url_parse("sqlite:models.db", &out, &err), ERR_USAGE, "three slashes");
    ck_fails(sqlite_url_parse("sqlite://ann:secret@h/models.db", &out, &err), ERR_USAGE, "on no host");
    ck_assert_ptr_null(strstr(err.text, "secret"));
    ck_fails(sqlite_url_parse("sqlite:///a%zz.db", &out, &err), ERR_USAGE, "malformed");
    ck_fails(sqlite_url_parse("sqlite:///a%00.db", &out, &err), ERR_USAGE, "malformed");
    ck_fails(sqlite_url_parse("sqlite:///file:a.db?uri=true", &out, &err), ERR_USAGE, "file:");
}
END_TEST

START_TEST(passwords)
{
    ck_assert(sqlite_url_has_password("sqlite://ann:secret@h/models.db"));
    ck_assert(!sqlite_url_has_password("sqlite:///a@b.db"));
    ck_assert(!store_target_has_password("sqlite:///models.db"));
    ck_assert(!store_target_has_password("./password.db"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite_url");
    TCase *cases = tcase_create("url");
    tcase_add_test(cases, forms);
    tcase_add_test(cases, not_ours);
    tcase_add_test(cases, parameters);
    tcase_add_test(cases, refused);
    tcase_add_test(cases, passwords);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
