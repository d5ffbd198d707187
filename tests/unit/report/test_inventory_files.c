#include "report/inventory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "../inventory_unit.h"
#include "port/csvfile.h"

/* --- CSV and JSON ------------------------------------------------------------------------------------------------------------ */

static bool join_row(void *ctx, uint64_t row_number, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    Buf *out = ctx;
    (void)row_number;
    for (size_t i = 0; i < count; i++)
        if ((fields[i] != NULL && strlen(fields[i]) != lengths[i]) || !buf_text(out, fields[i] != NULL ? fields[i] : "NULL", err) ||
            !buf_text(out, "|", err))
            return false;
    return buf_text(out, "\n", err);
}

static void read_csv(const char *path, Buf *out)
{
    Err err = {0};
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_ok(csvfile_read(fd, path, 10000, join_row, out, NULL, &err));
    close(fd);
}

START_TEST(csv_reads_back)
{
    static const char hostile[] = "=a\"\"b,'\n\x1b\xff";
    Sample sample;
    Buf out = {0};
    Err err = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/report.csv", unit_temp_dir());
    fill(&sample, hostile, "b");
    sample.inventory.count = 4;
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    read_csv(path, &out);
    ck_assert_str_eq(out.data, "letter|status|path|name|version|model_type|reason|can_go|raw_bytes|stored_bytes|content_sha256|"
                               "stored_sha256|created_at|run_id|"
                               "store_proof|download_proof|\n"
                               "=|can-go|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'\\x0a\\x1b\\xff|1|=a\"\"b,'\\x0a\\x1b\\xff|NULL|t|10240|"
                               "1024|"
                               "0101010101010101010101010101010101010101010101010101010101010101|"
                               "6565656565656565656565656565656565656565656565656565656565656565|"
                               "2026-03-01T12:00:00.123Z|=a\"\"b,'\\x0a\\x1b\\xff|t|t|\n"
                               "=|can-go|=a\"\"b,'\\x0a\\x1b\\xff|b|2|=a\"\"b,'\\x0a\\x1b\\xff|NULL|t|20480|2048|"
                               "0101010101010101010101010101010101010101010101010101010101010101|"
                               "6666666666666666666666666666666666666666666666666666666666666666|"
                               "2026-03-01T12:00:00.123Z|=a\"\"b,'\\x0a\\x1b\\xff|t|t|\n"
                               "=|must-stay|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'\\x0a\\x1b\\xff|3|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'"
                               "\\x0a\\x1b\\xff|f|30720|3072|"
                               "0303030303030303030303030303030303030303030303030303030303030303|"
                               "6767676767676767676767676767676767676767676767676767676767676767|"
                               "2026-03-01T12:00:00.123Z|=a\"\"b,'\\x0a\\x1b\\xff|f|f|\n"
                               "+|only-on-disk|=a\"\"b,'\\x0a\\x1b\\xff|=a\"\"b,'\\x0a\\x1b\\xff|NULL|NULL|NULL|f|512|NULL|NULL|"
                               "NULL|NULL|NULL|f|f|\n");
    buf_free(&out);
    unit_remove_temp();
}
END_TEST

START_TEST(csv_is_a_line_for_each_item)
{
    Sample sample;
    Buf out = {0};
    Err err = {0};
    size_t lines = 0;
    fill(&sample, HOSTILE, "b");
    sample.inventory.is_cleanup = false; /* can_go then means nothing: NULL */
    ck_ok(inventory_csv(&sample.inventory, &out, &err));
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    ck_assert_uint_eq(lines, ITEMS + 1);
    ck_assert(text_utf8_valid(out.data, out.len));
    lacks(out.data, "\"can-go\"");
    has(out.data, ",,10240,");
    buf_free(&out);
}
END_TEST

START_TEST(json_has_every_field)
{
    Sample sample;
    Buf out = {0};
    Err err = {0};
    fill(&sample, "a", "b");
    sample.inventory.items = sample.items + 2;
    sample.inventory.count = 2;
    ck_ok(inventory_json(&sample.inventory, &out, &err));
    ck_assert_str_eq(out.data, "{\"type\":\"inventory\",\"title\":\"a\",\"models_dir\":\"a\",\"store\":\"a\",\"host\":\"a\",\"made_"
                               "at\":\"2026-03-01T12:00:00.000Z\","
                               "\"is_cleanup\":true,\"older\":1,\"count\":2,\"items\":[\n"
                               "{\"type\":\"model\",\"status\":\"must-stay\",\"path\":\"a\",\"name\":\"a\","
                               "\"version\":3,\"model_type\":\"a\",\"event\":null,"
                               "\"reason\":\"a\",\"raw_bytes\":30720,\"stored_bytes\":3072,"
                               "\"content_sha256\":\"0303030303030303030303030303030303030303030303030303030303030303\","
                               "\"stored_sha256\":\"6767676767676767676767676767676767676767676767676767676767676767\","
                               "\"created_at\":\"2026-03-01T12:00:00.123Z\",\"run_id\":\"a\","
                               "\"letter\":\"=\",\"stored\":true,\"older\":false,\"store_proof\":false,\"download_proof\":false,"
                               "\"can_go\":false},\n"
                               "{\"type\":\"model\",\"status\":\"only-on-disk\",\"path\":\"a\",\"name\":\"a\","
                               "\"version\":null,\"model_type\":null,\"event\":null,"
                               "\"reason\":null,\"raw_bytes\":512,\"stored_bytes\":null,\"content_sha256\":null,"
                               "\"stored_sha256\":null,\"created_at\":null,\"run_id\":null,"
                               "\"letter\":\"+\",\"stored\":false,\"older\":false,\"store_proof\":false,\"download_proof\":false,"
                               "\"can_go\":false}\n]}\n");
    sample.inventory.count = 0;
    buf_clear(&out);
    ck_ok(inventory_json(&sample.inventory, &out, &err));
    has(out.data, "\"count\":0,\"items\":[\n]}\n");
    buf_free(&out);
}
END_TEST

START_TEST(json_of_hostile_strings_is_json)
{
    Sample sample;
    Err err = {0};
    char path[300], command[700];
    fill(&sample, HOSTILE, "b");
    snprintf(path, sizeof path, "%s/report.json", unit_temp_dir());
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))[\"items\"]) == 12' '%s'", path);
    ck_assert_int_eq(system(command), 0);
    unit_remove_temp();
}
END_TEST

/* --- files ------------------------------------------------------------------------------------------------------------------- */

START_TEST(file_is_replaced_as_a_whole)
{
    Sample sample;
    Buf page = {0};
    Err err = {0};
    char path[300];
    struct stat st;
    fill(&sample, "a", "b");
    snprintf(path, sizeof path, "%s/report.html", unit_temp_dir());
    umask(027);
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0640);
    ck_ok(inventory_html(&sample.inventory, &page, &err));
    ck_assert_int_eq(st.st_size, (off_t)page.len);
    umask(022);
    ck_ok(inventory_write_file(&sample.inventory, path, &err));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0644);
    buf_free(&page);
    unit_remove_temp();
}
END_TEST

START_TEST(file_errors)
{
    Sample sample;
    Err err = {0};
    char path[300];
    fill(&sample, "a", "b");
    ck_fails(inventory_write_file(&sample.inventory, "report.txt", &err), ERR_USAGE, "report.txt");
    ck_assert_msg(strstr(err.hint, ".html") != NULL, "%s", err.hint);
    snprintf(path, sizeof path, "%s/none/report.csv", unit_temp_dir());
    ck_fails(inventory_write_file(&sample.inventory, path, &err), ERR_STOP, "cannot create");
    snprintf(path, sizeof path, "%s/folder.json", unit_temp_dir());
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_fails(inventory_write_file(&sample.inventory, path, &err), ERR_STOP, "directory");
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report/inventory files");
    TCase *tests = tcase_create("files");
    tcase_add_test(tests, csv_reads_back);
    tcase_add_test(tests, csv_is_a_line_for_each_item);
    tcase_add_test(tests, json_has_every_field);
    tcase_add_test(tests, json_of_hostile_strings_is_json);
    tcase_add_test(tests, file_is_replaced_as_a_whole);
    tcase_add_test(tests, file_errors);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
