#include "schema/revisions.h"

#include "../unit.h"
#include "../../../src/schema/team/parts.h"

static const SqlRules rules = {.dollar_quotes = true, .escape_strings = true, .nested_comments = true, .copy_data = true, .command = '\\',
                               .shell = "psql"};

#define HEAD "-- revision: 2b\n-- down_revision: 1a\n"

/* Parsed in a set of its own, which the next call frees. */
static bool parse(const char *file, const char *text, Revision *out, Err *err)
{
    static Revisions set;
    revisions_free(&set);
    set.rules = &rules;
    return revision_parse(&set, file, text, strlen(text), out, err);
}

static void part_is(const Revision *revision, const char *up, const char *down)
{
    ck_assert_msg(strlen(up) == revision->upgrade_len && memcmp(revision->text, up, strlen(up)) == 0, "%.*s",
                  (int)revision->upgrade_len, revision->text);
    ck_assert_int_eq(revision->has_downgrade, down != NULL);
    if (down != NULL)
        ck_assert_msg(strlen(down) == revision->downgrade_len && memcmp(revision->text + revision->downgrade_at, down, strlen(down)) == 0,
                      "%.*s", (int)revision->downgrade_len, revision->text + revision->downgrade_at);
}

START_TEST(whole)
{
    Revision revision;
    Err err = {0};
    ck_ok(parse("m/2b_add_t.sql", HEAD "-- message: add t\n-- depends_on: x, y\n-- branch_labels: left\n-- a word: free\n\nCREATE TABLE t (a int);\n"
                "/* downgrade\nDROP TABLE t;\n*/\n", &revision, &err));
    ck_assert_str_eq(revision.id, "2b");
    ck_assert_str_eq(revision.slug, "add_t");
    ck_assert_str_eq(revision.message, "add t");
    ck_assert_str_eq(revision.parents.items[0], "1a");
    ck_assert_uint_eq(revision.depends.count, 2);
    ck_assert_str_eq(revision.depends.items[1], "y");
    ck_assert_str_eq(revision.labels.items[0], "left");
    ck_assert(!revision.no_transaction && !revision.draft && revision.irreversible == NULL);
    ck_assert_str_eq(revision.file, "m/2b_add_t.sql");
    revision_free(&revision);
}
END_TEST

START_TEST(header)
{
    Revision revision;
    Err err = {0};
    ck_ok(parse("m/other name.sql", "\xef\xbb\xbf/* licence\n-- revision: no\n*/\r\n-- revision:2b\r\n--down_revision: none\r\n-- transaction: none\r\n"
                "-- draft\r\n-- irreversible: data is gone\r\nselect 1;\r\n-- revision: later\r\n", &revision, &err));
    ck_assert_str_eq(revision.id, "2b");
    ck_assert_uint_eq(revision.parents.count, 0);
    ck_assert(revision.no_transaction && revision.draft && !revision.has_downgrade);
    ck_assert_str_eq(revision.irreversible, "data is gone");
    ck_assert_str_eq(revision.message, "other name");
    revision_free(&revision);
}
END_TEST

START_TEST(ways_back)
{
    Revision revision;
    Err err = {0};
    ck_ok(parse("f", HEAD "a;\n/* downgrade\n*/", &revision, &err));
    part_is(&revision, HEAD "a;\n", "\n");
    revision_free(&revision);
    ck_ok(parse("f", HEAD "a;\n  /*DOWNGRADE:\r\nb; 'c'\n*/ -- end\n", &revision, &err));
    part_is(&revision, HEAD "a;\n", "\r\nb; 'c'\n");
    revision_free(&revision);
    ck_ok(parse("f", HEAD "a;\n/* downgrade */\n", &revision, &err));
    part_is(&revision, HEAD "a;\n", " ");
    revision_free(&revision);
    ck_ok(parse("f", HEAD "a;\n/* downgrade is not possible */\n", &revision, &err));
    ck_assert(!revision.has_downgrade);
    revision_free(&revision);
    ck_ok(parse("f", HEAD "select '\n/* downgrade\n';\n/* x\n/* downgrade\n*/ */\nb;\n/* downgrade\nc\n*/", &revision, &err));
    part_is(&revision, HEAD "select '\n/* downgrade\n';\n/* x\n/* downgrade\n*/ */\nb;\n", "\nc\n");
    revision_free(&revision);
    ck_ok(parse("f", HEAD "COPY t FROM stdin;\n/* downgrade\n\\.\n", &revision, &err));
    ck_assert(!revision.has_downgrade);
    revision_free(&revision);
}
END_TEST

START_TEST(refused)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"select 1;", "f: no line `-- revision: ...`"},
        {"-- revision: a\nselect 1;", "f: no line `-- down_revision: ...`"},
        {"select 1;\n" HEAD, "no line `-- revision"},
        {"-- revison: a\n", "f:1: \"revison:\" is no key of a revision; revision is one"},
        {HEAD "-- mesage: x\n", "f:3: \"mesage:\" is no key"},
        {HEAD "-- revision: c\n", "f:3: revision is there twice"},
        {"-- revision: a b\n-- down_revision: none\n", "f:1: \"a b\": an id has letters"},
        {"-- revision: head\n-- down_revision: none\n", "another meaning"},
        {"-- revision: -1\n-- down_revision: none\n", "begins with"},
        {"-- revision:\n-- down_revision: none\n", "1 to 32"},
        {"-- revision: 123456789012345678901234567890123\n-- down_revision: none\n", "1 to 32"},
        {"-- revision: a\n-- down_revision: b,,c\n", "f:2: \"\": an id"},
        {HEAD "-- transaction: some\n", "f:3: transaction: only none"},
        {HEAD "-- irreversible:\n", "f:3: irreversible: say why"},
        {HEAD "select 'a;\n", "f:3: this string is never closed"},
        {HEAD "a;\n/* downgrade\nb;\n", "f:4: "},
        {HEAD "a;\n/* downgrade\nselect '*/';\n*/\n", "f:5: the way back must be the last thing"},
        {HEAD "a;\n/* downgrade\nselect 1 /* x */;\n*/\n", "f:5: inside of the way back no other"},
        {HEAD "a;\n/* downgrade\nb;\n*/\nc;\n", "f:7: the way back must be the last thing"},
        {HEAD "a;\n/* downgrad\nb;\n*/\n", "f:4: this comment is nearly"},
        {HEAD "\\i x\n", "f:3: \\i is a command of psql"},
        {HEAD "\xff;\n", "f: it is not UTF-8"},
    };
    Revision revision;
    Err err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_fails(parse("f", rows[i].text, &revision, &err), ERR_SCHEMA, rows[i].part);
    Revisions set = {.rules = &rules};
    ck_fails(revision_parse(&set, "f", HEAD "a\0b", strlen(HEAD) + 3, &revision, &err), ERR_SCHEMA, "f:3: there is a NUL byte");
    revisions_free(&set);
}
END_TEST

static const char *sum(const char *body)
{
    static char sums[2][REVISION_CHECKSUM];
    static unsigned next;
    char text[1024];
    Revision revision;
    Err err = {0};
    snprintf(text, sizeof text, HEAD "%s", body);
    ck_ok(parse("f", text, &revision, &err));
    char *out = sums[next++ % 2];
    snprintf(out, REVISION_CHECKSUM, "%s", revision.checksum);
    revision_free(&revision);
    return out;
}

START_TEST(checksums)
{
    const char *base = "SELECT  a=-1,\n 'x\ny' -- c\nFROM t;\n";
    static const char *const same[] = {"SELECT a = -1, 'x\ny' FROM t;", "/* licence */ SELECT a=-1,'x\r\ny'\r\nFROM t ;\r\n",
                                       "SELECT a=-1,'x\ny'FROM t;\n/* downgrade\nb;\n*/\n"};
    static const char *const other[] = {"SELECT a=-1, 'x \ny' FROM t;", "SELECT a=-1, 'x\ny' FROM t; b;", "SELECT a=-1, 'x\ny' FROM T;",
                                        "SELECT a=- 1, 'x\ny', FROM t;", ""};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        ck_assert_msg(strcmp(sum(base), sum(same[i])) == 0, "%s", same[i]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        ck_assert_msg(strcmp(sum(base), sum(other[i])) != 0, "%s", other[i]);
    ck_assert_str_ne(sum("COPY t FROM stdin;\na b\n\\.\n"), sum("COPY t FROM stdin;\na  b\n\\.\n"));
    ck_assert_int_eq(strncmp(sum(base), "t1:", 3), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *all = tcase_create("all");
    tcase_add_test(all, whole);
    tcase_add_test(all, header);
    tcase_add_test(all, ways_back);
    tcase_add_test(all, refused);
    tcase_add_test(all, checksums);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
