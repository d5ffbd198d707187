/* Whose the journal is, and when it is worth a rewrite. */
#include "../journal_unit.h"

static size_t peek(const char *store_id)
{
    Reader reader = {0};
    ck_ok(journal_peek(journal_path(), store_id, compare, &reader, &err));
    return reader.seen;
}

START_TEST(one_store)
{
    JournalRecord records[3];
    Buf whole = three(records); /* as version 0.1.0 leaves it: believed, whatever the store */
    Journal *journal = open_new();
    ck_ok(journal_know_store(journal, "", &err));
    ck_assert_uint_eq(journal_lines(journal), 3);
    ck_ok(journal_know_store(journal, "store-a", &err));
    ck_ok(journal_know_store(journal, "store-a", &err));
    ck_assert_uint_eq(journal_lines(journal), 4);
    ck_assert_uint_eq(read_all(journal, records, 3).seen, 3);
    ck_assert_uint_eq(peek("store-a"), 3);
    ck_assert_uint_eq(peek(""), 3);
    ck_assert_uint_eq(peek("store-b"), 0);
    ck_ok(journal_rewrite(journal, records, 3, &err));
    journal_close(journal);

    journal = open_new(); /* another store */
    ck_ok(journal_know_store(journal, "", &err));
    ck_assert_uint_eq(read_all(journal, records, 3).seen, 3);
    ck_ok(journal_know_store(journal, "store-b", &err));
    ck_assert_uint_eq(read_all(journal, records, 3).seen, 0);
    ck_ok(journal_append(journal, records + 1, 1, &err));
    journal_close(journal);
    ck_assert_int_eq(access(in_temp("journal.store-a"), F_OK), 0);

    journal = open_new(); /* and the first one again */
    ck_ok(journal_know_store(journal, "store-a", &err));
    ck_assert_uint_eq(read_all(journal, records, 3).seen, 3);
    ck_assert_int_ne(access(in_temp("journal.store-a"), F_OK), 0);
    ck_ok(journal_know_store(journal, "store-b", &err));
    ck_assert_uint_eq(read_all(journal, records + 1, 1).seen, 1);
    journal_close(journal);
    buf_free(&whole);
}
END_TEST

START_TEST(when_a_rewrite_is_worth_it)
{
    JournalRecord records[3];
    Buf whole = three(records);
    Journal *journal = open_new();
    ck_assert(!journal_is_mostly_history(journal, 3));
    for (int i = 0; i < 400; i++)
        ck_ok(journal_append(journal, records, 3, &err));
    ck_assert(journal_is_mostly_history(journal, 3));
    ck_assert(!journal_is_mostly_history(journal, 600)); /* as many may be needed */
    JournalRecord *many = calloc(400, sizeof *many);
    ck_assert_ptr_nonnull(many);
    for (int i = 0; i < 400; i++)
        many[i] = records[0];
    ck_ok(journal_rewrite(journal, many, 400, &err)); /* 400 were needed */
    for (int i = 0; i < 400; i++)
        ck_ok(journal_append(journal, records, 3, &err));
    ck_assert(!journal_is_mostly_history(journal, 1));
    journal_close(journal);
    journal = open_new(); /* it remembers that */
    ck_assert(!journal_is_mostly_history(journal, 1));
    for (int i = 0; i < 100; i++)
        ck_ok(journal_append(journal, records, 3, &err));
    ck_assert(journal_is_mostly_history(journal, 1));
    journal_close(journal);
    free(many);
    buf_free(&whole);
}
END_TEST

START_TEST(signal_while_it_is_read)
{
    JournalRecord records[3];
    Buf whole = three(records);
    Journal *journal = open_new();
    Reader reader = {.expected = records, .count = 3};
    interrupt_set(SIGTERM);
    ck_fails(journal_read(journal, compare, &reader, &err), ERR_INTERRUPTED, "");
    ck_fails(journal_peek(journal_path(), "", compare, &reader, &err), ERR_INTERRUPTED, "");
    Journal *other = NULL;
    ck_fails(journal_open(journal_path(), &other, &err), ERR_INTERRUPTED, "");
    interrupt_set(0);
    ck_assert_uint_eq(reader.seen, 0);
    journal_close(journal);
    buf_free(&whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state/journal, store");
    TCase *tc = tcase_create("journal");
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, one_store);
    tcase_add_test(tc, when_a_rewrite_is_worth_it);
    tcase_add_test(tc, signal_while_it_is_read);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
