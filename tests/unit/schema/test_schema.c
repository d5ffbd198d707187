#include "schema/schema.h"

#include "port/sha256.h"
#include "../unit.h"

static const char good[] = "-- revision: 0002\n-- down_revision: 0001\n-- about it\n\n-- upgrade\nCREATE TABLE t ();\n\n-- "
                           "downgrade\nDROP TABLE t;\n";

START_TEST(parse)
{
    Arena arena = {0};
    Err err = {0};
    SchemaRevision revision = {0};
    ck_ok(schema_parse("0002_add_t.sql", good, "abc", &arena, &revision, &err));
    ck_assert_str_eq(revision.id, "0002");
    ck_assert_str_eq(revision.down_id, "0001");
    ck_assert_str_eq(revision.slug, "add_t");
    ck_assert_str_eq(revision.checksum, "abc");
    ck_assert_uint_eq(revision.first_line, 5);
    ck_assert_str_eq(revision.upgrade, "-- upgrade\nCREATE TABLE t ();\n\n");
    ck_assert_str_eq(revision.downgrade, "-- downgrade\nDROP TABLE t;\n");
    ck_ok(schema_parse("x.sql", "-- revision: 1\n-- down_revision: none\n-- upgrade\n-- downgrade\n", "", &arena, &revision, &err));
    ck_assert_ptr_null(revision.down_id);
    ck_assert_str_eq(revision.slug, "x");
    arena_free(&arena);
}
END_TEST

START_TEST(parse_refuses)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "-- upgrade"},
        {"-- revision: 1\n-- down_revision: none\n-- upgrade\nSELECT 1\n", "-- downgrade"},
        {"-- revision: 1\n-- down_revision: none\n-- downgrade\n-- upgrade\n", "-- downgrade"},
        {"-- down_revision: none\n-- upgrade\n-- downgrade\n", "-- revision:"},
        {"-- revision: 1\n-- upgrade\n-- downgrade\n", "-- down_revision:"},
        {"-- revision:\n-- down_revision: none\n-- upgrade\n-- downgrade\n", "-- revision:"},
        {"-- upgrade\n-- revision: 1\n-- down_revision: none\n-- downgrade\n", "-- revision:"},
        {"x -- revision: 1\n-- down_revision: none\n-- upgrade\n-- downgrade\n", "-- revision:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Arena arena = {0};
        Err err;
        SchemaRevision revision;
        ck_fails(schema_parse("f.sql", rows[i].text, "", &arena, &revision, &err), ERR_STOP, rows[i].part);
        ck_assert_ptr_nonnull(strstr(err.text, "f.sql"));
        arena_free(&arena);
    }
}
END_TEST

START_TEST(embedded)
{
    SchemaRevisions list = {0};
    Err err = {0};
    Digest digest;
    ck_ok(schema_revisions("postgresql", &list, &err));
    ck_assert_uint_ge(list.count, 1);
    ck_assert_str_eq(list.items[0].id, "0001");
    ck_assert_str_eq(list.items[0].slug, "models");
    ck_assert_ptr_null(list.items[0].down_id);
    for (size_t i = 0; i < list.count; i++)
        ck_assert_msg(digest_parse(list.items[i].checksum, &digest), "checksum %s", list.items[i].checksum);
    ck_assert_ptr_nonnull(strstr(list.items[0].upgrade, "CREATE TABLE models ("));
    ck_assert_ptr_null(strstr(list.items[0].upgrade, "DROP VIEW"));
    ck_assert_ptr_nonnull(strstr(list.items[0].downgrade, "DROP VIEW"));
    schema_revisions_free(&list);
    ck_ok(schema_revisions("nosuch", &list, &err));
    ck_assert_uint_eq(list.count, 0);
    schema_revisions_free(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema/schema");
    TCase *tcase = tcase_create("schema");
    tcase_add_test(tcase, parse);
    tcase_add_test(tcase, parse_refuses);
    tcase_add_test(tcase, embedded);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
