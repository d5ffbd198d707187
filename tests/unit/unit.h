/* unit.h: what every Check file of this folder shares. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

/* The call succeeds, else the error's text is shown. `err` is in scope. */
#define ck_ok(call) ck_assert_msg((call), "%s: %s", #call, err.text)

/* The call fails with this class, and the text holds `part`. */
#define ck_fails(call, class_, part) \
    do { \
        err = (Err){0}; \
        ck_assert_msg(!(call), "%s succeeded", #call); \
        ck_assert_msg(err.cls == (class_), "%s: class %s: %s", #call, err_class_name(err.cls), err.text); \
        ck_assert_msg(strstr(err.text, (part)) != NULL, "%s: \"%s\" is not in: %s", #call, (part), err.text); \
    } while (0)

/* Check ends a test after 4 seconds, which a loaded machine needs for what takes 0.2: a minute, unless the caller says otherwise. */
__attribute__((constructor)) static void unit_give_time(void)
{
    setenv("CK_TIMEOUT_MULTIPLIER", "15", 0);
}

/* A fresh directory below $TMPDIR or /tmp, made at the first call in a test process; removed with unit_remove_temp. */
static inline const char *unit_temp_dir(void)
{
    static char path[256];
    if (path[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(path, sizeof path, "%s/unit-XXXXXX", base != NULL ? base : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(path));
    }
    return path;
}

/* `name` below the temporary directory; four results live at a time. */
static inline const char *unit_path(const char *name)
{
    static char paths[4][400];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", unit_temp_dir(), name);
    return path;
}

static inline void unit_remove_temp(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", unit_temp_dir());
    ck_assert_int_eq(system(command), 0);
}

static inline int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
