#include "store/store.h"

#include "../unit.h"

static const StoreTuning tuning = {.connect_timeout = 2, .timeout = 2, .lock_timeout = 1};

/* Nothing of the caller's environment may reach libpq. */
static void clean_environment(void)
{
    static const char *const names[] = {"PGHOST",     "PGHOSTADDR",        "PGPORT",           "PGUSER",
                                        "PGDATABASE", "PGPASSWORD",        "PGSERVICE",        "PGSERVICEFILE",
                                        "PGOPTIONS",  "PGCONNECT_TIMEOUT", "PGCLIENTENCODING", "PGSSLMODE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

static StoreTarget *target_of(const char *url)
{
    Err err = {0};
    StoreTarget *target = NULL;
    ck_assert_msg(store_target_new(url, &tuning, &target, &err), "%s: %s", url != NULL ? url : "NULL", err.text);
    return target;
}

static void check_target(const char *url, const char *label, const char *key_start)
{
    StoreTarget *target = target_of(url);
    ck_assert_str_eq(store_target_label(target), label);
    ck_assert_msg(strncmp(store_target_key(target), key_start, strlen(key_start)) == 0, "key %s", store_target_key(target));
    ck_assert_uint_eq(strlen(store_target_key(target)), strlen(key_start) + 8);
    ck_assert_uint_eq(strspn(store_target_key(target) + strlen(key_start), "0123456789abcdef"), 8);
    ck_assert_str_eq(store_traits(target)->dialect, "postgresql");
    store_target_free(target);
}

START_TEST(forms)
{
    check_target("postgresql://ann:pw@db1:6543/models", "db1:6543/models", "models@db1-6543-");
    check_target("postgres://ann@db1/models", "db1:5432/models", "models@db1-5432-");
    check_target("postgresql+psycopg2://ann:pw@db1/models", "db1:5432/models", "models@db1-5432-");
    check_target("postgres+asyncpg://ann@db1/models", "db1:5432/models", "models@db1-5432-");
    check_target("PostgreSQL+psycopg://ann@db1/models", "db1:5432/models", "models@db1-5432-");
    check_target("host=db1 user=ann dbname=models password='a b'", "db1:5432/models", "models@db1-5432-");
    check_target("postgresql://ann@db1/models?sslmode=require&application_name=x", "db1:5432/models", "models@db1-5432-");
    check_target("postgresql://u@a,b:1/m", "a,b:,1/m", "m@a_b-_1-");
    check_target("postgresql://u@[::1]:99/m", "[::1]:99/m", "m@__1-99-");
    check_target("postgresql:///m?host=/run/x&user=u", "/run/x:5432/m", "m@_run_x-5432-");
    check_target("postgresql://u%40x@h/d%2Fe%27%20f", "h:5432/d/e' f", "d_e__f@h-5432-");
    check_target("user=u hostaddr=10.0.0.9", "10.0.0.9:5432/u", "u@10.0.0.9-5432-");
    check_target("postgresql://u%40server@h/d", "h:5432/d", "d@h-5432-");
    check_target("postgresql://h/d?user=u@server", "h:5432/d", "d@h-5432-");
    check_target("host=@abstract,h user=u@server dbname=a@b", "@abstract,h:5432/a@b", "a@b@@abstract_h-5432-");
    check_target("dbname='a\x1b[2Jb' host=h", "h:5432/a\\x1b[2Jb", "a__2Jb@h-5432-");
}
END_TEST

START_TEST(bare_word_is_a_database)
{
    setenv("PGHOST", "h", 1);
    check_target("mydb", "h:5432/mydb", "mydb@h-5432-");
    check_target("it's \\", "h:5432/it's \\", "it_s__@h-5432-");
}
END_TEST

START_TEST(environment)
{
    setenv("PGHOST", "envhost", 1);
    setenv("PGPORT", "7777", 1);
    setenv("PGDATABASE", "envdb", 1);
    setenv("PGPASSWORD", "secret", 1);
    check_target("", "envhost:7777/envdb", "envdb@envhost-7777-");
    check_target("", "envhost:7777/envdb", "envdb@envhost-7777-");
    check_target("postgresql://other/", "other:7777/envdb", "envdb@other-7777-");
    setenv("PGHOSTADDR", "10.1.1.1", 1);
    unsetenv("PGHOST");
    check_target("", "10.1.1.1:7777/envdb", "envdb@10.1.1.1-7777-");
}
END_TEST

START_TEST(default_store)
{
    Err err;
    StoreTarget *target = NULL;
    bool named;
    ck_ok(store_target_default(&tuning, &target, &named, &err));
    ck_assert(!named);
    ck_assert_str_eq(store_target_label(target), "./models.db");
    store_target_free(target);
    setenv("PGHOST", "envhost", 1);
    ck_ok(store_target_default(&tuning, &target, &named, &err));
    ck_assert(named);
    ck_assert_ptr_nonnull(strstr(store_target_label(target), "envhost:5432/"));
    store_target_free(target);
    setenv("PGSERVICE", "absent", 1);
    ck_fails(store_target_default(&tuning, &target, &named, &err), ERR_USAGE, "absent");
    ck_assert_ptr_nonnull(strstr(err.hint, "PGSERVICE"));
}
END_TEST

START_TEST(ports)
{
    static const char *const wrong[] = {"postgresql://h:0/d", "postgresql://h:65536/d",       "port=99999999999999999999",
                                        "port=5432x",         "postgresql://a:1,b:70000/d", "host=h port='5 432'"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Err err;
        StoreTarget *target = NULL;
        ck_fails(store_target_new(wrong[i], &tuning, &target, &err), ERR_USAGE, "1 to 65535");
        ck_assert_msg(strstr(err.text, "5432x") == NULL && err.hint[0] != '\0', "%s: %s", wrong[i], err.text);
    }
    check_target("postgresql://a:1,b:65535/d", "a,b:1,65535/d", "d@a_b-1_65535-");
    setenv("PGPORT", "seven", 1);
    Err err;
    StoreTarget *target = NULL;
    ck_fails(store_target_new("host=h", &tuning, &target, &err), ERR_USAGE, "1 to 65535");
}
END_TEST

/* As a container does that is given any user number. */
START_TEST(user_without_a_name)
{
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(setuid(54321), 0);
    Err err;
    StoreTarget *target = NULL;
    ck_fails(store_target_new("postgresql://h/d", &tuning, &target, &err), ERR_USAGE, "no database user is named");
    ck_assert_ptr_nonnull(strstr(err.hint, "PGUSER"));
    check_target("postgresql://ann@h/d", "h:5432/d", "d@h-5432-");
    setenv("PGUSER", "ann", 1);
    check_target("postgresql://h/", "h:5432/ann", "ann@h-5432-");
}
END_TEST

START_TEST(service)
{
    char path[300];
    snprintf(path, sizeof path, "%s/services", unit_temp_dir());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("[prod]\nhost=prodhost\nport=5555\ndbname=proddb\npassword=secret\n", file);
    ck_assert_int_eq(fclose(file), 0);
    setenv("PGSERVICEFILE", path, 1);
    check_target("service=prod", "prodhost:5555/proddb", "proddb@prodhost-5555-");
    check_target("postgresql:///mine?service=prod", "prodhost:5555/mine", "mine@prodhost-5555-");
    Err err;
    StoreTarget *target = NULL;
    ck_fails(store_target_new("service=absent", &tuning, &target, &err), ERR_USAGE, "absent");
    unit_remove_temp();
}
END_TEST

static const char *key_of(const char *url, char out[200])
{
    StoreTarget *target = target_of(url);
    snprintf(out, 200, "%s", store_target_key(target));
    store_target_free(target);
    return out;
}

START_TEST(key_is_the_store)
{
    char a[200], b[200];
    ck_assert_str_eq(key_of("postgresql://ann@db1/models", a), key_of("host=db1 dbname=models user=bob port=5432 password=x", b));
    ck_assert_str_ne(key_of("postgresql://ann@db1/models", a), key_of("postgresql://ann@db1:5433/models", b));
    ck_assert_str_ne(key_of("postgresql://ann@db1/a b", a), key_of("postgresql://ann@db1/a_b", b));
    char url[700], db[600];
    memset(db, 'x', sizeof db);
    db[sizeof db - 1] = '\0';
    snprintf(url, sizeof url, "postgresql://h/%s", db);
    ck_assert_uint_lt(strlen(key_of(url, a)), 128);
    ck_assert_uint_eq(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@"), strlen(a));
}
END_TEST

START_TEST(refused)
{
    Err err;
    StoreTarget *target = NULL;
    ck_fails(store_target_new("mysql+pymysql://root:hunter2@h/d", &tuning, &target, &err), ERR_USAGE, "mysql://");
    ck_assert_ptr_nonnull(strstr(err.hint, "postgresql://"));
    ck_assert_ptr_nonnull(strstr(err.hint, "sqlite:///"));
    ck_assert_ptr_null(strstr(err.text, "hunter2"));
    ck_fails(store_target_new("host=h colour=red", &tuning, &target, &err), ERR_USAGE, "colour");
    ck_fails(store_target_new("postgresql://h/d?colour=red", &tuning, &target, &err), ERR_USAGE, "colour");
    ck_assert_ptr_null(target);
}
END_TEST

START_TEST(no_password_in_errors)
{
    static const char *const urls[] = {"postgresql://u:hunter2%zz@h/d", "host=h password=my hunter2",
                                       "host=h PASSWORD='hunter2",      "postgresql://u:hunter2@h:p:q/d?x",
                                       "postgresql://u:hunter2@[h/d",   "host=h passwort=hunter2 x"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        Err err;
        StoreTarget *target = NULL;
        ck_fails(store_target_new(urls[i], &tuning, &target, &err), ERR_USAGE, "cannot be parsed");
        ck_assert_msg(strstr(err.text, "hunter2") == NULL && strstr(err.hint, "hunter2") == NULL, "%s: %s", urls[i], err.text);
    }
}
END_TEST

/* libpq can parse these, and takes a part of the password for a host, a port, a database or a user. */
START_TEST(no_password_in_the_wrong_place)
{
    static const char *const urls[] = {"postgresql://u:hun/ter2@h/d",         "postgresql://u:1/hunter2@h/d",
                                       "postgresql://u:hun@hunter2@h/d",      "u:hunter2@h/d",
                                       "postgresql://h:1?password=a@hunter2", "host=h user= password=hunter2",
                                       "host=h service= password=hunter2"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        Err err;
        StoreTarget *target = NULL;
        ck_fails(store_target_new(urls[i], &tuning, &target, &err), ERR_USAGE, "may be a password");
        ck_assert_msg(strstr(err.text, "ter2") == NULL && strstr(err.hint, "ter2") == NULL, "%s: %s", urls[i], err.text);
    }
}
END_TEST

START_TEST(no_password_shown)
{
    static const char *const urls[] = {"postgresql://u:hunter2@h/d", "postgresql://h/d?password=hunter2&user=u",
                                       "user=u password=hunter2 host=h sslpassword=hunter2",
                                       "postgresql://h/d?sslpassword=hunter2"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        StoreTarget *target = target_of(urls[i]);
        ck_assert_ptr_null(strstr(store_target_label(target), "hunter2"));
        ck_assert_ptr_null(strstr(store_target_key(target), "hunter2"));
        store_target_free(target);
    }
}
END_TEST

START_TEST(has_password)
{
    ck_assert(store_target_has_password("postgresql://u:pw@h/d"));
    ck_assert(store_target_has_password("postgresql+psycopg2://u:pw@h/d"));
    ck_assert(store_target_has_password("host=h password=x"));
    ck_assert(store_target_has_password("postgresql://h/d?password=x"));
    ck_assert(store_target_has_password("postgresql://u:p%zz@h/d")); /* cannot be parsed: it may */
    ck_assert(!store_target_has_password("postgresql://u@h/d"));
    ck_assert(!store_target_has_password("host=h user=u"));
    ck_assert(!store_target_has_password("postgresql://u@h/d?schema=public")); /* refused, but no password is suspected */
    ck_assert(!store_target_has_password("jdbc:postgresql://h/d"));
    ck_assert(store_target_has_password("jdbc:postgresql://u:pw@h/d"));
    ck_assert(!store_target_has_password("mydb"));
    ck_assert(!store_target_has_password(""));
}
END_TEST

START_TEST(what_other_programs_read_in_it)
{
    static const struct {
        const char *url, *text, *hint;
    } rows[] = {{"postgresql://u@h/d?schema=public", "the parameter schema of", "remove schema="},
                {"postgresql+asyncpg://u@h/d?sslmode=prefer&pgbouncer=true", "the parameter pgbouncer of", "remove pgbouncer="},
                {"postgres://h/d?currentSchema=x", "the parameter currentSchema of", "search_path"},
                {"jdbc:postgresql://h/d", "begins with jdbc:", "remove jdbc:"},
                {"JDBC:postgresql://h/d", "begins with jdbc:", "remove jdbc:"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        StoreTarget *target = NULL;
        Err err = {0};
        ck_fails(store_target_new(rows[i].url, &tuning, &target, &err), ERR_USAGE, rows[i].text);
        ck_assert_msg(strstr(err.hint, rows[i].hint) != NULL, "%s", err.hint);
    }
    store_target_free(target_of("postgresql://u@h/d?sslmode=prefer&application_name=x&connect_timeout=3"));
}
END_TEST

START_TEST(chunk_count)
{
    ck_assert_uint_eq(store_chunk_count(0, 0), 0);
    ck_assert_uint_eq(store_chunk_count(100, 100), 0);
    ck_assert_uint_eq(store_chunk_count(101, 100), 1);
    ck_assert_uint_eq(store_chunk_count(STORE_CHUNK_BYTES, 1), 1);
    ck_assert_uint_eq(store_chunk_count(STORE_CHUNK_BYTES + 1, 1), 2);
    StoreTarget *target = target_of("host=h");
    ck_assert_uint_le(store_traits(target)->inline_max, 512 * 1024 * 1024 - 1); /* pg_dump and text readers fail on more */
    ck_assert_uint_le(store_traits(target)->inline_default, store_traits(target)->inline_max);
    store_target_free(target);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/store target");
    TCase *tcase = tcase_create("target");
    tcase_add_checked_fixture(tcase, clean_environment, NULL);
    tcase_add_test(tcase, forms);
    tcase_add_test(tcase, bare_word_is_a_database);
    tcase_add_test(tcase, environment);
    tcase_add_test(tcase, default_store);
    tcase_add_test(tcase, ports);
    tcase_add_test(tcase, user_without_a_name);
    tcase_add_test(tcase, service);
    tcase_add_test(tcase, key_is_the_store);
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, no_password_in_errors);
    tcase_add_test(tcase, no_password_in_the_wrong_place);
    tcase_add_test(tcase, no_password_shown);
    tcase_add_test(tcase, has_password);
    tcase_add_test(tcase, what_other_programs_read_in_it);
    tcase_add_test(tcase, chunk_count);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
