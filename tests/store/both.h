/* both.h: tests that run on a server and on a file, each store made for it. A test knows which by `on_file`; its SQL is that of
 * both, or comes twice. */
#ifndef TEST_BOTH_H
#define TEST_BOTH_H

#include "server.h"
#include "file.h"

static bool on_file;

/* Runs SQL beside the store under test and returns the first value. Truth is t or 1. */
static inline const char *ask(const char *query)
{
    return on_file ? file_sql(query) : sql(database, query);
}

/* The same in the words of each. */
static inline const char *ask_each(const char *server_query, const char *file_query)
{
    return ask(on_file ? file_query : server_query);
}

static inline void set_up_server(void)
{
    on_file = false;
    setup();
}

static inline void set_up_file(void)
{
    on_file = true;
    setup_file();
}

static inline void set_up_bare_server(void)
{
    on_file = false;
    setup_bare();
}

static inline void set_up_bare_file(void)
{
    on_file = true;
    setup_bare_file();
}

/* Every test on a server, and on a file. Without tables: bare. */
static inline void add_both(Suite *suite, bool bare, const TTest *const *tests, size_t count)
{
    TCase *server = tcase_create("server"), *file = tcase_create("file");
    tcase_add_checked_fixture(server, bare ? set_up_bare_server : set_up_server, teardown);
    tcase_add_checked_fixture(file, bare ? set_up_bare_file : set_up_file, teardown_file);
    TCase *cases[] = {server, file};
    for (size_t k = 0; k < 2; k++) {
        tcase_set_timeout(cases[k], 60);
        for (size_t i = 0; i < count; i++)
            tcase_add_test(cases[k], tests[i]);
        suite_add_tcase(suite, cases[k]);
    }
}

#endif
