#include "base/vec.h"

#include <stdint.h>

#include "../unit.h"

typedef struct Pair {
    uint64_t a;
    char b[40];
} Pair;

START_TEST(items_keep_their_values_while_it_grows)
{
    Err err = {0};
    VEC(Pair) pairs = {0};
    unsigned moves = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        size_t cap = pairs.cap;
        Pair *pair = vec_push(&pairs, &err);
        ck_assert_msg(pair != NULL, "%s", err.text);
        moves += pairs.cap != cap;
        pair->a = i * i;
        snprintf(pair->b, sizeof pair->b, "item %llu", (unsigned long long)i);
    }
    ck_assert_uint_eq(pairs.count, 10000);
    ck_assert_uint_lt(moves, 30);
    for (uint64_t i = 0; i < 10000; i++)
        ck_assert_uint_eq(pairs.items[i].a, i * i);
    ck_assert_str_eq(pairs.items[9999].b, "item 9999");
    free(pairs.items);
}
END_TEST

START_TEST(a_large_array_has_little_spare_room)
{
    Err err = {0};
    VEC(uint32_t) numbers = {0};
    for (uint32_t i = 0; i < 3000000; i++) {
        uint32_t *number = vec_push(&numbers, &err);
        if (number == NULL)
            ck_abort_msg("%s", err.text);
        *number = i;
    }
    ck_assert_uint_le(numbers.cap, numbers.count + numbers.count / 4);
    vec_fit(&numbers);
    ck_assert_uint_eq(numbers.cap, numbers.count);
    ck_assert_uint_eq(numbers.items[2999999], 2999999);
    free(numbers.items);
}
END_TEST

START_TEST(room_is_made_at_once)
{
    Err err = {0};
    VEC(char) bytes = {0};
    vec_fit(&bytes); /* nothing to fit */
    ck_assert_ptr_null(bytes.items);
    ck_ok(vec_reserve(&bytes, 0, &err));
    ck_ok(vec_reserve(&bytes, 5000, &err));
    ck_assert_uint_ge(bytes.cap, 5000);
    const char *before = bytes.items;
    bytes.count = 4000;
    ck_ok(vec_reserve(&bytes, 1000, &err));
    ck_assert_ptr_eq(bytes.items, before);
    free(bytes.items);
}
END_TEST

START_TEST(what_cannot_be_is_no_memory_and_changes_nothing)
{
    Err err = {0};
    VEC(Pair) pairs = {0};
    ck_assert_ptr_nonnull(vec_push(&pairs, &err));
    Pair *items = pairs.items;
    size_t cap = pairs.cap;
    ck_fails(vec_reserve(&pairs, SIZE_MAX, &err), ERR_STOP, "memory");
    ck_fails(vec_reserve(&pairs, SIZE_MAX / sizeof(Pair), &err), ERR_STOP, "memory");
    ck_fails(vec_reserve(&pairs, SIZE_MAX / 2 / sizeof(Pair), &err), ERR_STOP, "memory");
    ck_assert(pairs.items == items && pairs.cap == cap && pairs.count == 1);
    free(pairs.items);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_vec");
    TCase *tc = tcase_create("vec");
    tcase_add_test(tc, items_keep_their_values_while_it_grows);
    tcase_add_test(tc, a_large_array_has_little_spare_room);
    tcase_add_test(tc, room_is_made_at_once);
    tcase_add_test(tc, what_cannot_be_is_no_memory_and_changes_nothing);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
