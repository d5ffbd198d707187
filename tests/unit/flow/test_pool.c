#include "../../../src/flow/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "../unit.h"

static Err err;

/* What the workers of one test share. */
typedef struct Work {
    atomic_uint seen[1000];
    atomic_uint starts, stops, null_stops, running, most;
    uint32_t fail_at;    /* item that fails, UINT32_MAX = none */
    unsigned fail_start; /* which start fails, from 1; 0 = none */
    uint32_t signal_at;  /* item that asks to end, UINT32_MAX = none */
    bool slow;
} Work;

static Work work;

static void setup(void)
{
    err = (Err){0};
    memset(&work, 0, sizeof work);
    work.fail_at = work.signal_at = UINT32_MAX;
}

static void *start(void *shared, Err *e)
{
    Work *w = shared;
    if (atomic_fetch_add(&w->starts, 1) + 1 == w->fail_start) {
        err_set(e, ERR_RETRY, "no session");
        return NULL;
    }
    return malloc(1);
}

static bool item(void *shared, void *own, uint32_t index, Err *e)
{
    Work *w = shared;
    ck_assert_ptr_nonnull(own);
    atomic_fetch_add(&w->seen[index], 1);
    unsigned running = atomic_fetch_add(&w->running, 1) + 1;
    for (unsigned most = atomic_load(&w->most); running > most && !atomic_compare_exchange_weak(&w->most, &most, running);)
        ;
    if (w->slow)
        clock_sleep(0.002);
    atomic_fetch_sub(&w->running, 1);
    if (index == w->signal_at)
        interrupt_set(15);
    return index != w->fail_at || err_set(e, ERR_STOP, "item %u", (unsigned)index);
}

static void stop(void *own)
{
    atomic_fetch_add(own == NULL ? &work.null_stops : &work.stops, 1);
    free(own);
}

static bool run(unsigned threads, uint32_t count)
{
    const PoolJob job = {.start = start, .item = item, .stop = stop, .shared = &work};
    return pool_run(threads, count, &job, &err);
}

static unsigned total(uint32_t count)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += atomic_load(&work.seen[i]);
    return sum;
}

START_TEST(test_every_item_once)
{
    static const unsigned threads[] = {0, 1, 2, 7, 64};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        setup();
        ck_ok(run(threads[t], 1000));
        for (uint32_t i = 0; i < 1000; i++)
            ck_assert_uint_eq(atomic_load(&work.seen[i]), 1);
        ck_assert_uint_eq(atomic_load(&work.starts), threads[t] == 0 ? 1 : threads[t]);
        ck_assert_uint_eq(atomic_load(&work.stops), atomic_load(&work.starts));
    }
}
END_TEST

START_TEST(test_nothing_to_do)
{
    ck_ok(run(4, 0));
    ck_assert_uint_eq(atomic_load(&work.starts), 0);
}
END_TEST

START_TEST(test_no_more_threads_than_items_and_all_at_once)
{
    work.slow = true;
    ck_ok(run(16, 3));
    ck_assert_uint_eq(atomic_load(&work.starts), 3);
    setup();
    work.slow = true;
    ck_ok(run(4, 40));
    ck_assert_uint_gt(atomic_load(&work.most), 1);
    ck_assert_uint_le(atomic_load(&work.most), 4);
}
END_TEST

START_TEST(test_first_error_ends_all)
{
    work.fail_at = 5;
    work.slow = true;
    ck_fails(run(4, 1000), ERR_STOP, "item 5");
    ck_assert_uint_lt(total(1000), 30);
    ck_assert_uint_eq(atomic_load(&work.stops), 4);
}
END_TEST

START_TEST(test_start_that_fails)
{
    work.fail_start = 1;
    ck_fails(run(1, 10), ERR_RETRY, "no session");
    ck_assert_uint_eq(total(10), 0);
    ck_assert_uint_eq(atomic_load(&work.null_stops), 1);
    setup();
    /* One session less is no reason to stop while others have one. */
    work.fail_start = 2;
    work.slow = true;
    ck_ok(run(3, 40));
    ck_assert_uint_eq(total(40), 40);
    ck_assert_uint_eq(atomic_load(&work.null_stops), 1);
}
END_TEST

START_TEST(test_signal)
{
    work.signal_at = 3;
    work.slow = true;
    ck_fails(run(2, 1000), ERR_INTERRUPTED, "");
    ck_assert_uint_lt(total(1000), 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/pool");
    TCase *tc = tcase_create("pool");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_every_item_once);
    tcase_add_test(tc, test_nothing_to_do);
    tcase_add_test(tc, test_no_more_threads_than_items_and_all_at_once);
    tcase_add_test(tc, test_first_error_ends_all);
    tcase_add_test(tc, test_start_that_fails);
    tcase_add_test(tc, test_signal);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
