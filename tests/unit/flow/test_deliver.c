/* A window of rows into a store that fails: whatever happens, each is there once, or it is said that it is not. */
#include "fake_store.h"

#include "../../../src/flow/deliver/deliver.h"

#define ALL "a@1 b@1 c@1 d@1"
#define COUNT 4

static Deliver deliver;
static const char *bad_payload;  /* the row whose payload cannot be had */
static unsigned loads, away;     /* calls of load; how many of the next ones find the rows' store away */

static bool load(void *ctx, size_t index, Spool *payload, const char **fault, Err *e)
{
    (void)ctx;
    (void)payload;
    loads++;
    if (fake_take(&away))
        return err_set(e, ERR_RETRY, "the other store is away");
    if (bad_payload != NULL && strcmp(deliver.items[index].model.name, bad_payload) == 0)
        *fault = "is damaged";
    return true;
}

static void settle_fault(void *ctx, size_t index, const char *fault)
{
    (void)ctx;
    deliver_settle(&deliver, &deliver.items[index], ROW_FAILED, fault);
}

static void other(void *ctx, size_t index)
{
    (void)ctx;
    deliver_settle(&deliver, &deliver.items[index], ROW_CONFLICT, "other content");
}

static const DeliverSource from_nowhere = {.load = load, .settle_fault = settle_fault, .other = other};

static void fill(void)
{
    static const char *const names[COUNT] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < COUNT; i++)
        deliver.items[i] = (DeliverItem){.model = {.name = names[i], .version = 1, .run_id = "", .stored_bytes = 10,
                                                   .has_digests = true, .content = {{(unsigned char)(i + 1)}}}};
    deliver.count = COUNT;
}

static void begin(void)
{
    setup();
    loads = away = 0;
    bad_payload = NULL;
    deliver = (Deliver){.source = &from_nowhere, .retry = &patience, .batch_rows = 2, .batch_bytes = 1 << 20};
    ck_ok(deliver_init(&deliver, &err));
    fill();
}

static void end(void)
{
    deliver_free(&deliver);
    teardown();
}

static void expect_counts(uint64_t stored, uint64_t present, uint64_t conflict, uint64_t failed)
{
    ck_assert_uint_eq(deliver.settled[ROW_STORED], stored);
    ck_assert_uint_eq(deliver.settled[ROW_PRESENT], present);
    ck_assert_uint_eq(deliver.settled[ROW_CONFLICT], conflict);
    ck_assert_uint_eq(deliver.settled[ROW_FAILED], failed);
    for (size_t i = 0; i < deliver.count; i++)
        ck_assert_msg(deliver.items[i].done, "%s is not settled", deliver.items[i].model.name);
}

START_TEST(stores_once)
{
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(4, 0, 0, 0);
    ck_assert_str_eq(rows(), ALL);
    ck_assert_uint_eq(fake.commits, 2);
    fill();
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(4, 4, 0, 0);
    ck_assert_uint_eq(fake.commits, 2);
    ck_assert_uint_eq(loads, 4); /* what is there is not read */
}
END_TEST

/* 0: the COMMIT was applied, 1: it was not. Its answer is lost. */
START_TEST(an_answer_is_lost)
{
    fake.commit_fails = 1;
    fake.commit_applies = _i == 0;
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(4, 0, 0, 0);
    ck_assert_str_eq(rows(), ALL);
    ck_assert_uint_eq(fake.opened, 2);
}
END_TEST

START_TEST(a_refused_row_is_alone)
{
    fake.bad_name = "b";
    fake.put_class = ERR_SKIP;
    fake.put_fails = 100;
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(3, 0, 0, 1);
    ck_assert_str_eq(deliver.items[1].reason, "this row is refused");
    ck_assert_str_eq(rows(), "a@1 c@1 d@1");
}
END_TEST

/* Another writer gets in first. 0: with the same content, 1: with other content. */
START_TEST(a_rival)
{
    fake.rival = (FakeRow){.name = "b", .version = 1, .content = {{_i == 0 ? 2 : 99}}};
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(3, _i == 0, _i == 1, 0);
    ck_assert_str_eq(rows(), ALL);
}
END_TEST

START_TEST(a_payload_that_cannot_be_had)
{
    bad_payload = "c";
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(3, 0, 0, 1);
    ck_assert_str_eq(deliver.items[2].reason, "is damaged");
    ck_assert_str_eq(rows(), "a@1 b@1 d@1");
}
END_TEST

START_TEST(what_they_come_from_is_away)
{
    away = 2;
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(4, 0, 0, 0);
    ck_assert_str_eq(rows(), ALL);
    ck_assert_uint_eq(fake.opened, 1);
    fill();
    fake.rows.count = 0;
    known_free(&deliver.known);
    away = 100;
    patience.retries = 1;
    ck_fails(deliver_window(&deliver, &err), ERR_UNREACHABLE, "the other store is away");
    ck_assert_uint_eq(fake.rows.count, 0);
}
END_TEST

START_TEST(chunks_come_first)
{
    deliver.batch_rows = COUNT;
    deliver.items[2].model.chunk_count = 3;
    fake.bad_name = "c";
    fake.put_class = ERR_RETRY;
    fake.put_fails = 1;
    ck_ok(deliver_window(&deliver, &err));
    ck_assert_uint_eq(loads, 1 + COUNT); /* the first one that was put failed: no other had been read */
    ck_assert_str_eq(rows(), ALL);
}
END_TEST

START_TEST(dry_run)
{
    deliver.dry_run = true;
    ck_ok(deliver_window(&deliver, &err));
    expect_counts(4, 0, 0, 0);
    ck_assert_uint_eq(fake.rows.count, 0);
    ck_assert_uint_eq(loads, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/deliver");
    TCase *tests = tcase_create("deliver");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, stores_once);
    tcase_add_loop_test(tests, an_answer_is_lost, 0, 2);
    tcase_add_test(tests, a_refused_row_is_alone);
    tcase_add_loop_test(tests, a_rival, 0, 2);
    tcase_add_test(tests, a_payload_that_cannot_be_had);
    tcase_add_test(tests, what_they_come_from_is_away);
    tcase_add_test(tests, chunks_come_first);
    tcase_add_test(tests, dry_run);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
