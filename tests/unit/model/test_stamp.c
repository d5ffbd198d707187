#include "model/stamp.h"

#include <fcntl.h>

#include "../unit.h"

static const Stamp whole = {.dev = 1, .ino = 2, .size = 3, .mtime_ns = 4, .ctime_ns = 5};

START_TEST(test_every_field_is_compared)
{
    Stamp now = whole;
    ck_assert(stamp_is(&now, &whole, 0));
    Stamp changed[] = {whole, whole, whole, whole, whole};
    changed[0].dev++;
    changed[1].ino++;
    changed[2].size++;
    changed[3].mtime_ns++;
    changed[4].ctime_ns++;
    for (size_t i = 0; i < 5; i++) {
        ck_assert_msg(!stamp_is(&changed[i], &whole, 0), "field %zu", i);
        ck_assert_msg(stamp_is(&changed[i], &whole, STAMP_ANY_DEVICE) == (i == 0), "field %zu", i);
        ck_assert_msg(stamp_is(&changed[i], &whole, STAMP_ANY_CTIME) == (i == 4), "field %zu", i);
        ck_assert_msg(stamp_is(&changed[i], &whole, STAMP_ANY_DEVICE | STAMP_ANY_CTIME) == (i == 0 || i == 4), "field %zu", i);
    }
}
END_TEST

START_TEST(test_of_stat)
{
    const struct stat st = {.st_dev = 7,
                            .st_ino = 8,
                            .st_size = (off_t)5 << 32,
                            .st_mtim = {.tv_sec = 10, .tv_nsec = 11},
                            .st_ctim = {.tv_sec = 12, .tv_nsec = 13}};
    Stamp stamp = stamp_of_stat(&st);
    const Stamp expected = {7, 8, UINT64_C(5) << 32, INT64_C(10000000011), INT64_C(12000000013)};
    ck_assert(stamp_is(&stamp, &expected, 0));
}
END_TEST

static void put(const char *name, const char *text)
{
    FILE *file = fopen(unit_path(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static Stamp of_directory(void)
{
    Err err = {0};
    TreeList members = {0};
    int dir = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY);
    ck_ok(tree_list(dir, 0, &members, &err));
    Stamp stamp = stamp_of_tree(&members);
    tree_list_free(&members);
    close(dir);
    return stamp;
}

START_TEST(test_of_a_directory)
{
    put("a", "12345");
    put("b", "678");
    Stamp first = of_directory(), again = of_directory();
    ck_assert_uint_eq(first.size, 8);
    ck_assert(stamp_is(&again, &first, 0));
    ck_assert_int_eq(rename(unit_path("b"), unit_path("c")), 0);
    again = of_directory();
    ck_assert(!stamp_is(&again, &first, 0));
    ck_assert_uint_eq(again.size, 8);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/stamp");
    TCase *tc = tcase_create("stamp");
    tcase_add_test(tc, test_every_field_is_compared);
    tcase_add_test(tc, test_of_stat);
    tcase_add_test(tc, test_of_a_directory);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
