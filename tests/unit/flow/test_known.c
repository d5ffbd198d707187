/* What restore knows of the store: what one of two rows does not know is not compared. */
#include "../../../src/flow/deliver/known.h"

#include "../unit.h"

static Err err;

static StoredModel model(const char *name, int32_t version, unsigned char content)
{
    return (StoredModel){.name = name, .version = version, .has_digests = true, .content = {{content}}};
}

static KnownAnswer ask(Known *known, StoredModel row)
{
    KnownAnswer answer;
    ck_ok(known_version(known, &row, &answer, &err));
    return answer;
}

static bool holds(Known *known, StoredModel row)
{
    bool found;
    ck_ok(known_holds(known, &row, &found, &err));
    return found;
}

START_TEST(versions_and_contents)
{
    Known known = {0};
    StoredModel one = model("a", 1, 7), two = model("a", 2, 8);
    ck_assert_int_eq(ask(&known, one), KNOWN_FREE);
    ck_ok(known_add(&known, &one, &err));
    ck_ok(known_add(&known, &two, &err));
    ck_assert_int_eq(ask(&known, one), KNOWN_SAME);
    ck_assert_int_eq(ask(&known, model("a", 1, 8)), KNOWN_OTHER);
    ck_assert_int_eq(ask(&known, model("a", 3, 7)), KNOWN_FREE);
    ck_assert_int_eq(ask(&known, model("b", 1, 7)), KNOWN_FREE);
    ck_assert(holds(&known, model("a", 3, 7)));
    ck_assert(!holds(&known, model("a", 3, 9)));
    ck_assert(!holds(&known, model("b", 1, 7)));
    known_free(&known);
    ck_assert_int_eq(ask(&known, one), KNOWN_FREE);
    known_free(&known);
}
END_TEST

START_TEST(format_and_members)
{
    Known known = {0};
    StoredModel row = model("a", 1, 7);
    row.has_format = row.is_tar = row.has_members = true;
    ck_ok(known_add(&known, &row, &err));
    ck_assert_int_eq(ask(&known, row), KNOWN_SAME);
    StoredModel file = row, bits = row, unknown = model("a", 1, 7);
    file.is_tar = false;
    bits.members.byte[3] = 1;
    ck_assert_int_eq(ask(&known, file), KNOWN_OTHER);
    ck_assert_int_eq(ask(&known, bits), KNOWN_OTHER);
    ck_assert_int_eq(ask(&known, unknown), KNOWN_SAME);
    bits.has_members = false;
    ck_assert_int_eq(ask(&known, bits), KNOWN_SAME);
    known_free(&known);
}
END_TEST

START_TEST(many_versions_of_one_name)
{
    Known known = {0};
    for (int32_t i = 0; i < 30000; i++) {
        StoredModel row = model("a", i, (unsigned char)i);
        ck_ok(known_add(&known, &row, &err));
    }
    ck_assert_int_eq(ask(&known, model("a", 29999, (unsigned char)29999)), KNOWN_SAME);
    ck_assert_int_eq(ask(&known, model("a", 30000, 0)), KNOWN_FREE);
    known_free(&known);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/deliver/known");
    TCase *tests = tcase_create("known");
    tcase_add_test(tests, versions_and_contents);
    tcase_add_test(tests, format_and_members);
    tcase_add_test(tests, many_versions_of_one_name);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
