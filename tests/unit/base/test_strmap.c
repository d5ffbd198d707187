#include "base/strmap.h"

#include "../unit.h"

START_TEST(empty_map)
{
    StrMap map = {0};
    ck_assert_uint_eq(strmap_get(&map, "x"), STRMAP_NONE);
    strmap_free(&map);
    strmap_free(&map);
}
END_TEST

START_TEST(first_value_stays)
{
    Err err = {0};
    StrMap map = {0};
    uint32_t existing = 1;
    ck_ok(strmap_add(&map, "a", 7, &existing, &err));
    ck_assert_uint_eq(existing, STRMAP_NONE);
    ck_ok(strmap_add(&map, "a", 8, &existing, &err));
    ck_assert_uint_eq(existing, 7);
    ck_ok(strmap_add(&map, "a", 9, NULL, &err));
    ck_assert_uint_eq(strmap_get(&map, "a"), 7);
    ck_assert_uint_eq(map.count, 1);
    ck_ok(strmap_add(&map, "", 0, NULL, &err));
    ck_assert_uint_eq(strmap_get(&map, ""), 0);
    ck_assert_uint_eq(strmap_get(&map, "b"), STRMAP_NONE);
    strmap_free(&map);
    ck_assert_uint_eq(map.cap, 0);
}
END_TEST

#define MANY 200000

/* Every key is found after many growths, none that was not added; equal text in other memory is the same key. */
START_TEST(many_keys)
{
    Err err = {0};
    StrMap map = {0};
    char(*keys)[24] = malloc(sizeof *keys * MANY), other[24];
    ck_assert_ptr_nonnull(keys);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "models/event%u_v%u", i / 3, i % 3);
        ck_ok(strmap_add(&map, keys[i], i, NULL, &err));
    }
    ck_assert_uint_eq(map.count, MANY);
    ck_assert_uint_le((uint64_t)map.cap * 16, (uint64_t)MANY * 43);
    for (uint32_t i = 0; i < MANY; i++) {
        memcpy(other, keys[i], sizeof other);
        ck_assert_uint_eq(strmap_get(&map, other), i);
        strcat(other, "x");
        ck_assert_uint_eq(strmap_get(&map, other), STRMAP_NONE);
    }
    strmap_free(&map);
    free(keys);
}
END_TEST

/* Two maps hash the same keys in different ways. */
START_TEST(seeds_differ)
{
    Err err = {0};
    StrMap a = {0}, b = {0};
    ck_ok(strmap_add(&a, "k", 1, NULL, &err));
    ck_ok(strmap_add(&b, "k", 1, NULL, &err));
    ck_assert_uint_ne(a.seed, b.seed);
    strmap_free(&a);
    strmap_free(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/strmap");
    TCase *tests = tcase_create("strmap");
    tcase_add_test(tests, empty_map);
    tcase_add_test(tests, first_value_stays);
    tcase_add_test(tests, many_keys);
    tcase_add_test(tests, seeds_differ);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
