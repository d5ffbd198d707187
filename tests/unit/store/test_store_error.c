#include "../../../src/store/postgres/session/error.h"

#include "../unit.h"

/* The SQLSTATEs that a run meets, and what is to be done. */
START_TEST(classes)
{
    static const struct {
        const char *sqlstate;
        ErrClass cls;
    } rows[] = {
        {"08000", ERR_RETRY}, {"08006", ERR_RETRY},  {"08P01", ERR_RETRY},  {"27000", ERR_SKIP},     {"57P01", ERR_RETRY},
        {"57P02", ERR_RETRY}, {"57P03", ERR_RETRY},  {"40001", ERR_RETRY},  {"40P01", ERR_RETRY},    {"55P03", ERR_RETRY},
        {"53300", ERR_RETRY}, {"25P03", ERR_RETRY},  {"57P05", ERR_RETRY},  {"22021", ERR_SKIP},     {"22P04", ERR_SKIP},
        {"22001", ERR_SKIP},  {"23514", ERR_SKIP},   {"54000", ERR_SKIP},   {"23505", ERR_CONFLICT}, {"53100", ERR_STOP},
        {"53200", ERR_STOP},  {"25006", ERR_READ_ONLY},  {"42501", ERR_STOP},   {"42601", ERR_STOP},     {"28P01", ERR_STOP},
        {"28000", ERR_STOP},  {"3D000", ERR_STOP},   {"57014", ERR_STOP},   {"23503", ERR_SKIP},     {"40002", ERR_STOP},
        {"XX000", ERR_STOP},  {"42P01", ERR_SCHEMA}, {"42703", ERR_SCHEMA}, {"MM001", ERR_SCHEMA},   {"", ERR_STOP},
        {"ZZZZZ", ERR_STOP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(postgres_error_class(rows[i].sqlstate, "text") == rows[i].cls, "%s: %s", rows[i].sqlstate,
                      err_class_name(postgres_error_class(rows[i].sqlstate, "text")));
    ck_assert_int_eq(postgres_error_class("XX000", "invalid memory alloc request size 2147483648"), ERR_SKIP);
    ck_assert_int_eq(postgres_error_class("XX000", NULL), ERR_STOP);
    ck_assert_int_eq(postgres_error_class("08P01", NULL), ERR_RETRY);
    ck_assert_int_eq(postgres_error_class("08P01", "transaction blocks not allowed in statement pooling mode"), ERR_STOP);
    ck_assert_int_eq(postgres_error_class("08P01", "unsupported startup parameter: options"), ERR_STOP);
    ck_assert_int_eq(postgres_error_class("08P01", "server conn crashed?"), ERR_RETRY);
}
END_TEST

/* What libpq says of a failed connect, and what becomes of it. */
static Err connect_error(const char *message, bool needs_password)
{
    StoreTarget target = {.label = (char[]){"h:1/d"}};
    Postgres pg = {.base = {.target = &target}};
    Err err = {0};
    ck_assert(!postgres_error_of_connect(&pg, message, needs_password, &err));
    return err;
}

START_TEST(refused_connects)
{
    Err err = connect_error("connection to server at \"h\" (10.0.0.1), port 1 failed: FATAL:  28P01: password authentication "
                            "failed for user \"u\"\n"
                            "LOCATION:  auth_failed, auth.c:335\n",
                            false);
    ck_assert_int_eq(err.cls, ERR_STOP);
    ck_assert_str_eq(err.code, "28P01");
    ck_assert_str_eq(err.text, "h:1/d: password authentication failed for user \"u\" [28P01]");
    ck_assert_ptr_nonnull(strstr(err.hint, "PGPASSFILE"));

    err = connect_error("connection to server failed: FATAL:  57P03: the database system is starting up\n", false);
    ck_assert_int_eq(err.cls, ERR_RETRY);
    err = connect_error("connection failed: FATALE:  3D000: le nom contient:  ABCDE\x1b[2J\nLOCATION:  x\n", false);
    ck_assert_int_eq(err.cls, ERR_STOP);
    ck_assert_str_eq(err.code, "3D000");
    ck_assert_ptr_nonnull(strstr(err.text, "\\x1b[2J"));

    err = connect_error("connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server running on that host "
                        "and accepting?\n",
                        false);
    ck_assert_int_eq(err.cls, ERR_RETRY);
    ck_assert_str_eq(err.code, "");
    ck_assert_str_eq(err.text, "h:1/d: connection to server at \"h\", port 1 failed: Connection refused Is the server running on "
                               "that host and accepting?");
    ck_assert_ptr_nonnull(strstr(err.hint, "server runs there"));

    /* A server that is there: the hint must not send the reader to the network. */
    static const struct {
        const char *message;
        ErrClass cls;
        const char *hint;
    } rows[] = {
        {"connection to server at \"h\" (10.0.0.1), port 1 failed: server does not support SSL, but SSL was required\n", ERR_STOP,
         "sslmode"},
        {"connection to server at \"h\", port 1 failed: SSL error: certificate verify failed\n", ERR_STOP, "certificate"},
        {"connection to server at \"h\", port 1 failed: root certificate file \"/root.crt\" does not exist\nEither provide it\n",
         ERR_STOP, "sslrootcert"},
        {"connection to server at \"h\", port 1 failed: session is read-only\n", ERR_RETRY, "target_session_attrs"},
        {"connection to server at \"h\", port 1 failed: session is not read-only\n", ERR_RETRY, "target_session_attrs"},
        {"connection to server at \"h\", port 1 failed: server is not in hot standby mode\n", ERR_RETRY, "target_session_attrs"},
        {"connection to server at \"h\", port 1 failed: server is in hot standby mode\n", ERR_RETRY, "target_session_attrs"},
        {"ERROR:  08P01: transaction blocks not allowed in statement pooling mode\n", ERR_STOP, "session or transaction mode"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err = connect_error(rows[i].message, false);
        ck_assert_msg(err.cls == rows[i].cls, "%s", rows[i].message);
        ck_assert_msg(strstr(err.hint, rows[i].hint) != NULL && strstr(err.hint, "server runs there") == NULL, "%s: %s",
                      rows[i].message, err.hint);
    }

    err = connect_error("fe_sendauth: no password supplied\n", true);
    ck_assert_int_eq(err.cls, ERR_STOP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/store error");
    TCase *tcase = tcase_create("error");
    tcase_add_test(tcase, classes);
    tcase_add_test(tcase, refused_connects);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
