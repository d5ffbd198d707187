#include "flow/retry.h"

#include <pthread.h>

#include "../../../src/store/driver.h"
#include "../unit.h"
#include "base/clock.h"
#include "base/interrupt.h"

static Err err;
static unsigned opened, closed, failing;
static ErrClass failure;

static bool fake_open(const StoreTarget *target, Store **out, bool *full, Err *e)
{
    opened++;
    *full = false;
    if (failing > 0) {
        failing--;
        return err_set(e, failure, "nobody answers");
    }
    *out = calloc(1, sizeof **out);
    ck_assert_ptr_nonnull(*out);
    (*out)->driver = target->driver;
    return true;
}

static void fake_close(Store *store)
{
    closed++;
    free(store);
}

static const StoreDriver driver = {.open = fake_open, .close = fake_close};
static const StoreTarget target = {.driver = &driver};

static void setup(void)
{
    err = (Err){0};
    opened = closed = failing = 0;
    failure = ERR_RETRY;
    interrupt_set(0);
}

START_TEST(opens_after_some_tries)
{
    Retry retry = {.target = &target, .retries = 2};
    Store *store = NULL;
    failing = 2;
    ck_ok(retry_open(&retry, &store, &err));
    ck_assert_uint_eq(opened, 3);
    store_close(store);
}
END_TEST

START_TEST(gives_up_after_the_retries)
{
    Retry retry = {.target = &target, .retries = 2};
    Store *store = NULL;
    failing = 100;
    ck_fails(retry_open(&retry, &store, &err), ERR_UNREACHABLE, "nobody answers");
    ck_assert_uint_eq(opened, 3);
    ck_assert_ptr_null(store);
}
END_TEST

START_TEST(goes_on_until_the_time_is_over)
{
    Retry retry = {.target = &target, .retries = 0, .wait_seconds = 0.7};
    Store *store = NULL;
    double started = clock_seconds();
    failing = 100;
    ck_fails(retry_open(&retry, &store, &err), ERR_UNREACHABLE, "nobody answers");
    ck_assert_double_ge(clock_seconds() - started, 0.7);
    ck_assert_double_lt(clock_seconds() - started, 5);
    ck_assert_uint_ge(opened, 3);
}
END_TEST

START_TEST(what_does_not_pass_is_returned_at_once)
{
    static const ErrClass classes[] = {ERR_STOP, ERR_USAGE, ERR_SCHEMA, ERR_INTERRUPTED, ERR_READ_ONLY};
    Retry retry = {.target = &target, .retries = 5, .wait_seconds = 60};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        Store *store = NULL;
        failing = 1;
        opened = 0;
        failure = classes[i];
        ck_fails(retry_open(&retry, &store, &err), classes[i], "nobody answers");
        ck_assert_uint_eq(opened, 1);
    }
}
END_TEST

START_TEST(standby_is_waited_for_after_a_write)
{
    Retry retry = {.target = &target, .retries = 1};
    Store *store = NULL;
    failing = 1;
    failure = ERR_READ_ONLY;
    retry_note_write(&retry);
    ck_ok(retry_open(&retry, &store, &err));
    store_close(store);
    store = NULL;
    failing = 9;
    ck_fails(retry_open(&retry, &store, &err), ERR_UNREACHABLE, "nobody answers");
}
END_TEST

typedef struct Step {
    Store **store;
    unsigned calls, failures;
    ErrClass failure;
} Step;

static bool do_step(void *ctx, Err *e)
{
    Step *step = ctx;
    ck_assert_ptr_nonnull(*step->store);
    return step->calls++ >= step->failures || err_set(e, step->failure, "the step failed");
}

START_TEST(step_gets_a_new_session)
{
    Retry retry = {.target = &target, .retries = 2};
    Store *store = NULL;
    Step step = {.store = &store, .failures = 2, .failure = ERR_RETRY};
    ck_ok(retry_step(&retry, &store, do_step, &step, &err));
    ck_assert_uint_eq(step.calls, 3);
    ck_assert_uint_eq(opened, 3);
    ck_assert_uint_eq(closed, 2);
    store_close(store);
}
END_TEST

START_TEST(step_uses_the_session_that_is_open)
{
    Retry retry = {.target = &target};
    Store *store = NULL;
    Step step = {.store = &store};
    ck_ok(retry_open(&retry, &store, &err));
    ck_ok(retry_step(&retry, &store, do_step, &step, &err));
    ck_assert_uint_eq(opened, 1);
    step = (Step){.store = &store, .failures = 1, .failure = ERR_SKIP};
    ck_fails(retry_step(&retry, &store, do_step, &step, &err), ERR_SKIP, "the step failed");
    ck_assert_ptr_nonnull(store);
    store_close(store);
}
END_TEST

static void *interrupt_soon(void *arg)
{
    (void)arg;
    clock_sleep(0.3);
    interrupt_set(15);
    return NULL;
}

START_TEST(signal_ends_a_pause)
{
    Retry retry = {.target = &target, .retries = 1000};
    RetryRow row = {.failures = 20, .since = clock_seconds()};
    pthread_t thread;
    double started = clock_seconds();
    err = (Err){.cls = ERR_RETRY};
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    ck_assert(!retry_pause(&retry, &row, &err));
    ck_assert_int_eq(err.cls, ERR_INTERRUPTED);
    ck_assert_double_lt(clock_seconds() - started, 2);
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retry");
    TCase *tests = tcase_create("retry");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, opens_after_some_tries);
    tcase_add_test(tests, gives_up_after_the_retries);
    tcase_add_test(tests, goes_on_until_the_time_is_over);
    tcase_add_test(tests, what_does_not_pass_is_returned_at_once);
    tcase_add_test(tests, standby_is_waited_for_after_a_write);
    tcase_add_test(tests, step_gets_a_new_session);
    tcase_add_test(tests, step_uses_the_session_that_is_open);
    tcase_add_test(tests, signal_ends_a_pause);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
