#include "port/json.h"

#include "../unit.h"

static char *printed; /* the last line */

static bool end(JsonLine *line, Err *err)
{
    size_t size = 0;
    free(printed);
    printed = NULL;
    FILE *out = open_memstream(&printed, &size);
    ck_assert_ptr_nonnull(out);
    bool ok = json_line_end(line, out, err);
    fclose(out);
    return ok;
}

START_TEST(order_and_types)
{
    Err err = {0};
    JsonLine *line = json_line_begin("summary");
    json_line_string(line, "zeta", "last letter first");
    json_line_int(line, "new", INT64_MAX);
    json_line_int(line, "alpha", INT64_MIN);
    json_line_bool(line, "yes", true);
    json_line_bool(line, "no", false);
    json_line_string(line, "backup", NULL);
    ck_ok(end(line, &err));
    ck_assert_str_eq(printed, "{\"type\":\"summary\",\"zeta\":\"last letter first\",\"new\":9223372036854775807,"
                              "\"alpha\":-9223372036854775808,\"yes\":true,\"no\":false,\"backup\":null}\n");
}
END_TEST

static void real_prints(double value, const char *expected)
{
    Err err = {0};
    char want[100];
    JsonLine *line = json_line_begin("t");
    json_line_real(line, "r", value);
    ck_ok(end(line, &err));
    snprintf(want, sizeof want, "{\"type\":\"t\",\"r\":%s}\n", expected);
    ck_assert_str_eq(printed, want);
}

START_TEST(reals)
{
    double zero = 0;
    real_prints(0, "0.0");
    real_prints(0.1, "0.1");
    real_prints(12.3456, "12.346");
    real_prints(-12.3456, "-12.346");
    real_prints(0.0004, "0.0");
    real_prints(1234567890.1234, "1234567890.123");
    real_prints(1 / zero, "null");
    real_prints(zero / zero, "null");
}
END_TEST

/* A name may hold anything: the line stays one line of UTF-8. */
START_TEST(hostile_strings)
{
    Err err = {0};
    JsonLine *line = json_line_begin("t");
    json_line_string(line, "a", "quote\" back\\slash\nnew\x1b[31m");
    json_line_string(line, "b", "caf\xc3\xa9");
    json_line_string(line, "c", "bad\xff\xc3");
    json_line_string(line, "d", "");
    json_line_string(line, "e", "x\xe2\x80\xae" "gpj\xe2\x80\xa6\xd8\x9c");
    ck_ok(end(line, &err));
    ck_assert_str_eq(printed, "{\"type\":\"t\",\"a\":\"quote\\\" back\\\\slash\\nnew\\u001B[31m\",\"b\":\"caf\xc3\xa9\","
                              "\"c\":\"bad\\\\xff\\\\xc3\",\"d\":\"\",\"e\":\"x\\u202egpj\xe2\x80\xa6\\u061c\"}\n");
}
END_TEST

START_TEST(failures_come_out_at_the_end)
{
    Err err = {0};
    json_line_string(NULL, "a", "b");
    json_line_string(NULL, "a", "\xff");
    json_line_int(NULL, "a", 1);
    json_line_real(NULL, "a", 1);
    json_line_bool(NULL, "a", true);
    ck_fails(end(NULL, &err), ERR_STOP, "memory");
    JsonLine *line = json_line_begin("t");
    json_line_string(line, "bad key \xff", "x"); /* jansson takes no such key */
    ck_fails(end(line, &err), ERR_STOP, "memory");
    FILE *full = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full);
    ck_fails(json_line_end(json_line_begin("t"), full, &err), ERR_STOP, "cannot write the JSON output: No space left");
    fclose(full);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/json");
    TCase *tests = tcase_create("json");
    tcase_add_test(tests, order_and_types);
    tcase_add_test(tests, reals);
    tcase_add_test(tests, hostile_strings);
    tcase_add_test(tests, failures_come_out_at_the_end);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
