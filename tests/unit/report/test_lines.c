#include "report/lines.h"

#include "../unit.h"

#define HOSTILE "a\n\x1b[31m\xff"

static Err err;
static char *text;
static size_t len;
static Lines lines;

static void setup(void)
{
    err = (Err){0};
    lines = (Lines){.out = open_memstream(&text, &len), .command = "test", .store = "host/db"};
    ck_assert_ptr_nonnull(lines.out);
}

static void teardown(void)
{
    fclose(lines.out);
    free(text);
}

static StoredModel row(void)
{
    return (StoredModel){.name = "x/merger",
                         .version = 3,
                         .model_type = "regression",
                         .event = "merger",
                         .has_digests = true,
                         .raw_bytes = 2048,
                         .stored_bytes = 100,
                         .source_host = "",
                         .source_path = "",
                         .created_ns = INT64_C(1772366400123000000),
                         .run_id = "run-1"};
}

/* What was printed since the last call. */
static void check_text(const char *expected)
{
    ck_assert_int_eq(fflush(lines.out), 0);
    ck_assert_str_eq(text, expected);
    rewind(lines.out);
    memset(text, 0, len);
}

static void check_has(const char *part)
{
    ck_assert_int_eq(fflush(lines.out), 0);
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text);
}

/* --- run --------------------------------------------------------------------------------------------------------------------- */

static void fill_models(ModelList *models)
{
    Model *model = model_list_add(models, "merger_regression_v3.joblib", &err);
    ck_assert_ptr_nonnull(model);
    model->name = "merger_regression";
    model->suffix_len = 7;
    model->version = 3;
    model->state = MODEL_NEW;
    model->stamp.size = 2048;
    model->stored_bytes = 100;
    model->has_content = true;
    model = model_list_add(models, HOSTILE, &err);
    ck_assert_ptr_nonnull(model);
    model_refuse(model, MODEL_FAILED, "no good name");
}

START_TEST(models_of_a_run)
{
    ModelList models = {0};
    fill_models(&models);
    ck_ok(lines_run_models(&lines, &models, NULL, &err));
    check_text("");
    lines.verbose = true;
    ck_ok(lines_run_models(&lines, &models, NULL, &err));
    check_text("new        merger_regression_v3.joblib -> merger_regression@3  regression  merger  2.00 KiB -> 100 B\n"
               "failed     a\\x0a\\x1b[31m\\xff\n");
    model_list_free(&models);
}
END_TEST

START_TEST(models_of_a_run_in_json)
{
    ModelList models = {0};
    fill_models(&models);
    models.items[0].content.byte[0] = 0x1a;
    lines.json = lines.quiet = true;
    ck_ok(lines_run_models(&lines, &models, NULL, &err));
    check_text("{\"type\":\"model\",\"status\":\"new\",\"path\":\"merger_regression_v3.joblib\",\"name\":\"merger_regression\",\"version\":3,"
               "\"model_type\":\"regression\",\"event\":\"merger\",\"reason\":null,\"raw_bytes\":2048,\"stored_bytes\":100,"
               "\"content_sha256\":\"1a00000000000000000000000000000000000000000000000000000000000000\"}\n"
               "{\"type\":\"model\",\"status\":\"failed\",\"path\":\"a\\\\x0a\\\\x1b[31m\\\\xff\",\"name\":null,\"version\":null,"
               "\"model_type\":null,\"event\":null,\"reason\":\"no good name\",\"raw_bytes\":0,\"stored_bytes\":null,"
               "\"content_sha256\":null}\n");
    model_list_free(&models);
}
END_TEST

START_TEST(counts_of_a_run)
{
    ModelList models = {0};
    RunSummary summary = {0};
    fill_models(&models);
    Model *copy = model_list_add(&models, "copy.joblib", &err);
    copy->state = MODEL_UNCHANGED;
    copy->has_content = true;
    ck_ok(summary_count(&models, &summary, &err));
    ck_assert_uint_eq(summary.new_count, 1);
    ck_assert_uint_eq(summary.failed_count, 1);
    ck_assert_uint_eq(summary.unchanged_count, 1);
    ck_assert_uint_eq(summary.duplicate_count, 1);
    ck_assert_uint_eq(summary.raw_bytes, 2048);
    ck_assert_uint_eq(summary.stored_bytes, 100);
    ck_ok(lines_run_summary(&lines, &summary, &err));
    check_has("Models in host/db\n  new               1  2.00 KiB -> 100 B stored (5 %)\n");
    check_has("  failed            1  see above\n");
    model_list_free(&models);
}
END_TEST

START_TEST(summary_of_an_empty_run)
{
    RunSummary summary = {.dry_run = true, .schema_missing = true};
    ck_ok(lines_run_summary(&lines, &summary, &err));
    check_text("Plan for host/db\n  the tables are not there yet or not at head: they have to be upgraded first\n  no models found\n"
               "  took 0.00 s, no model file was read\n  dry run: nothing was written\n");
}
END_TEST

/* --- check and cleanup ------------------------------------------------------------------------------------------------------- */

static void check_items(bool is_cleanup)
{
    StoredModel stored = row();
    InventoryItem items[] = {
        {.path = "x/merger_v3.joblib", .name = "x/merger", .version = 3, .letter = '=', .raw_bytes = 2048, .row = &stored, .can_go = is_cleanup,
         .store_proof = true},
        {.path = HOSTILE, .version = -1, .letter = '!', .reason = "was not read"},
        {.name = "x/merger", .version = 2, .letter = '-', .is_older = true, .row = &stored},
    };
    Inventory inventory = {.items = items, .count = is_cleanup ? 2 : 3, .is_cleanup = is_cleanup};
    CheckSummary summary = {.same = 1, .unchecked = 1, .older = 1, .same_bytes = 2048, .exit_code = 3};
    if (is_cleanup)
        ck_ok(lines_cleanup(&lines, &inventory, 3, &err));
    else
        ck_ok(lines_check(&lines, &inventory, &summary, &err));
}

START_TEST(check_in_text)
{
    check_items(false);
    check_text("! a\\x0a\\x1b[31m\\xff  was not read\n"
               "= 1 same, + 0 only on disk, - 0 only in the store, * 0 differ, ! 1 not checked; 2.00 KiB the same; 1 older version in "
               "the store\n");
    lines.quiet = true;
    check_items(false);
    check_text("! a\\x0a\\x1b[31m\\xff  was not read\n");
    lines.verbose = true;
    check_items(false);
    check_text("= x/merger_v3.joblib  x/merger@3\n! a\\x0a\\x1b[31m\\xff  was not read\n- x/merger@2\n");
}
END_TEST

START_TEST(check_in_json)
{
    lines.json = true;
    check_items(false);
    check_has("{\"type\":\"model\",\"status\":\"same\",\"path\":\"x/merger_v3.joblib\",\"name\":\"x/merger\",\"version\":3,\"model_type\":\"regression\"");
    check_has("\"created_at\":\"2026-03-01T12:00:00.123Z\",\"run_id\":\"run-1\",\"letter\":\"=\",\"stored\":true,\"older\":false,\"store_proof\":true,"
              "\"download_proof\":false}\n");
    check_has("\"status\":\"earlier-version\",\"path\":null,");
    check_has("{\"type\":\"summary\",\"command\":\"test\",\"store\":\"host/db\",\"same\":1,\"only_on_disk\":0,\"only_in_store\":0,\"differ\":0,"
              "\"unchecked\":1,\"older\":1,\"same_bytes\":2048,\"exit_code\":3}\n");
}
END_TEST

START_TEST(cleanup_in_text)
{
    check_items(true);
    check_text("May go: stored, proven by the database, read back and decoded just now\n"
               "  x/merger_v3.joblib  is x/merger@3, 2.00 KiB, stored 2026-03-01 by run run-1\n"
               "Must stay:\n"
               "  a\\x0a\\x1b[31m\\xff: was not read\n"
               "1 may go (2.00 KiB), 1 must stay (0 B); nothing was deleted\n");
    lines.quiet = true;
    check_items(true);
    check_text("");
}
END_TEST

START_TEST(cleanup_in_json)
{
    lines.json = lines.quiet = true;
    check_items(true);
    check_has("\"status\":\"can-go\",");
    check_has("\"can_go\":true}\n");
    check_has("\"can_go\":1,\"can_go_bytes\":2048,\"must_stay\":1,\"must_stay_bytes\":0,\"exit_code\":3}\n");
}
END_TEST

START_TEST(removals)
{
    StoredModel stored = row();
    RemovalSummary summary = {.removed = 1, .removed_bytes = 2048, .kept = 1, .to_trash = true, .exit_code = 3};
    ck_ok(lines_removed(&lines, "gone.joblib", &stored, NULL, &err));
    ck_ok(lines_removed(&lines, HOSTILE, &stored, "it changed", &err));
    ck_ok(lines_removal_summary(&lines, &summary, &err));
    check_text("removed  gone.joblib\nstays    a\\x0a\\x1b[31m\\xff: it changed\n1 removed (2.00 KiB) to the trash, 1 stay\n");
    lines.quiet = true;
    ck_ok(lines_removed(&lines, "gone.joblib", &stored, NULL, &err));
    ck_ok(lines_removed(&lines, "here.joblib", &stored, "it changed", &err));
    ck_ok(lines_removal_summary(&lines, &summary, &err));
    check_text("stays    here.joblib: it changed\n");
    lines.json = true;
    ck_ok(lines_removed(&lines, "gone.joblib", &stored, NULL, &err));
    check_has("\"status\":\"removed\",\"path\":\"gone.joblib\",\"name\":\"x/merger\",");
    check_has("\"removed\":true}\n");
}
END_TEST

/* --- get, restore, copy, db -------------------------------------------------------------------------------------------------- */

START_TEST(got)
{
    StoredModel stored = row();
    const GetSummary summary = {.written = 1, .raw_bytes = 2048};
    ck_ok(lines_got(&lines, &stored, HOSTILE, &err));
    check_text("a\\x0a\\x1b[31m\\xff  2.00 KiB\n");
    ck_ok(lines_get_summary(&lines, &summary, &err));
    check_text("1 written (2.00 KiB), 0 were there, 0 failed\n");
    lines.quiet = true;
    ck_ok(lines_got(&lines, &stored, "x", &err));
    check_text("");
    lines.json = true;
    ck_ok(lines_got(&lines, &stored, "x", &err));
    ck_ok(lines_get_summary(&lines, &summary, &err));
    check_has("{\"type\":\"model\",\"status\":\"written\",\"path\":\"x\",\"name\":\"x/merger\",\"version\":3,");
    check_has("{\"type\":\"summary\",\"command\":\"test\",\"store\":\"host/db\",\"written\":1,\"present\":0,\"failed\":0,\"raw_bytes\":2048,\"exit_code\":0}\n");
}
END_TEST

START_TEST(restored)
{
    static const char *const names[] = {"restored", "present", "conflict", "unconfirmed", "failed"};
    StoredModel stored = row();
    RestoreSummary summary = {.backups = 2, .restored = 1, .present = 1, .conflict = 1, .unconfirmed = 1, .failed = 1, .exit_code = 3};
    ck_ok(lines_restored(&lines, &stored, ROW_STORED, NULL, &err));
    ck_ok(lines_restore_summary(&lines, &summary, &err));
    check_text("1 rows restored from 2 backups to host/db; 1 were there, 1 conflict, 1 unconfirmed, 1 refused\n");
    lines.verbose = true;
    ck_ok(lines_restored(&lines, &stored, ROW_PRESENT, NULL, &err));
    check_text("present      x/merger@3\n");
    lines.json = true;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        char part[60];
        ck_ok(lines_restored(&lines, &stored, (RowStatus)i, "because", &err));
        snprintf(part, sizeof part, "\"status\":\"%s\",\"path\":null,", names[i]);
        check_has(part);
    }
    ck_ok(lines_restore_summary(&lines, &summary, &err));
    check_has("\"backups\":2,\"restored\":1,\"present\":1,\"conflict\":1,\"unconfirmed\":1,\"failed\":1,\"exit_code\":3}\n");
}
END_TEST

START_TEST(copied)
{
    StoredModel stored = row();
    CopySummary summary = {.from = "old\033/db", .copied = 2, .present = 1, .conflict = 1, .failed = 1, .made_inactive = 1,
                           .raw_bytes = 4096, .stored_bytes = 2048, .exit_code = 3};
    ck_ok(lines_copied(&lines, &stored, ROW_STORED, NULL, &err));
    ck_ok(lines_copy_summary(&lines, &summary, &err));
    check_text("2 models (2.00 KiB) copied from old\\x1b/db to host/db; 1 were there, 1 conflict, 1 failed\n"
               "1 of them are inactive there, because their names were there before\n");
    summary.made_inactive = 0;
    summary.dry_run = lines.verbose = true;
    ck_ok(lines_copied(&lines, &stored, ROW_STORED, NULL, &err));
    ck_ok(lines_copy_summary(&lines, &summary, &err));
    check_text("copied       x/merger@3\n"
               "dry run, nothing is written: 2 models (2.00 KiB) copied from old\\x1b/db to host/db; 1 were there, 1 conflict, 1 failed\n");
    lines.json = true;
    ck_ok(lines_copied(&lines, &stored, ROW_STORED, NULL, &err));
    check_has("\"status\":\"copied\",\"path\":null,");
    ck_ok(lines_copy_summary(&lines, &summary, &err));
    check_has("\"copied\":2,\"present\":1,\"conflict\":1,\"failed\":1,\"made_inactive\":0,\"raw_bytes\":4096,\"stored_bytes\":2048,"
              "\"dry_run\":true,\"exit_code\":3}\n");
}
END_TEST

START_TEST(revisions)
{
    ck_ok(lines_applied(&lines, "0001", "models", &err));
    ck_ok(lines_upgraded(&lines, 1, &err));
    ck_ok(lines_upgraded(&lines, 0, &err));
    ck_ok(lines_current(&lines, "0001", true, &err));
    ck_ok(lines_current(&lines, "", false, &err));
    check_text("applied 0001 (models)\nnothing to do: the schema is at head\n0001 (head)\nbase\n");
    lines.json = true;
    ck_ok(lines_applied(&lines, "0001", "models", &err));
    ck_ok(lines_upgraded(&lines, 0, &err));
    ck_ok(lines_current(&lines, "", false, &err));
    check_text("{\"type\":\"applied\",\"revision\":\"0001\",\"slug\":\"models\"}\n{\"type\":\"current\",\"revision\":null,\"head\":false}\n");
}
END_TEST

START_TEST(full_disk)
{
    FILE *out = lines.out;
    lines.out = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(lines.out);
    ck_fails(lines_current(&lines, "0001", true, &err), ERR_STOP, "cannot write to standard output: No space left on device");
    fclose(lines.out);
    lines.out = out;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tests = tcase_create("lines");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, models_of_a_run);
    tcase_add_test(tests, models_of_a_run_in_json);
    tcase_add_test(tests, counts_of_a_run);
    tcase_add_test(tests, summary_of_an_empty_run);
    tcase_add_test(tests, check_in_text);
    tcase_add_test(tests, check_in_json);
    tcase_add_test(tests, cleanup_in_text);
    tcase_add_test(tests, cleanup_in_json);
    tcase_add_test(tests, removals);
    tcase_add_test(tests, got);
    tcase_add_test(tests, restored);
    tcase_add_test(tests, copied);
    tcase_add_test(tests, revisions);
    tcase_add_test(tests, full_disk);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
