/* file.h: what the tests of stores that are files share. Each test makes its own file. */
#ifndef TEST_FILE_H
#define TEST_FILE_H

#include <sqlite3.h>

#include "common.h"

static char path[400]; /* of the file */

/* Runs SQL beside the store under test, as another program does; returns the first value as text ("" = NULL or none), valid until
 * the next call. */
static inline const char *file_sql(const char *query)
{
    static char value[8192];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    value[0] = '\0';
    for (const char *rest = query; *rest != '\0';) {
        ck_assert_msg(sqlite3_prepare_v2(db, rest, -1, &statement, &rest) == SQLITE_OK, "%s: %s", query, sqlite3_errmsg(db));
        int code = statement != NULL ? sqlite3_step(statement) : SQLITE_DONE;
        ck_assert_msg(code == SQLITE_ROW || code == SQLITE_DONE, "%s: %s", query, sqlite3_errmsg(db));
        if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
            snprintf(value, sizeof value, "%s", (const char *)sqlite3_column_text(statement, 0));
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
    return value;
}

/* Fixture: a new file without tables. */
static inline void setup_bare_file(void)
{
    err = (Err){0};
    snprintf(path, sizeof path, "%s", unit_path("x.db"));
    target = target_of(path);
    store_target_may_create(target);
    store = open_store(target);
}

/* Fixture: one with them. */
static inline void setup_file(void)
{
    setup_bare_file();
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
}

static inline void teardown_file(void)
{
    store_close(store);
    store_target_free(target);
    unit_remove_temp();
}

#endif
