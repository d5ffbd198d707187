/* When two models are the same. */
#include "../unit.h"

#include "model/content.h"

static const Digest one = {{1}}, two = {{2}};

static Content content(ContentKind kind, const Digest *digest, const Digest *members)
{
    return (Content){.kind = kind, .digest = *digest, .members = members};
}

START_TEST(equal)
{
    static const struct {
        ContentKind kinds[2];
        const Digest *digests[2], *members[2];
        bool same;
    } rows[] = {
        {{CONTENT_FILE, CONTENT_FILE}, {&one, &one}, {NULL, NULL}, true},
        {{CONTENT_FILE, CONTENT_FILE}, {&one, &two}, {NULL, NULL}, false},
        {{CONTENT_FILE, CONTENT_DIRECTORY}, {&one, &one}, {NULL, NULL}, false},
        {{CONTENT_FILE, CONTENT_UNKNOWN}, {&one, &one}, {NULL, NULL}, true}, /* a row of another program is a file */
        {{CONTENT_DIRECTORY, CONTENT_DIRECTORY}, {&one, &one}, {&one, &one}, true},
        {{CONTENT_DIRECTORY, CONTENT_DIRECTORY}, {&one, &one}, {&one, &two}, false},
        {{CONTENT_DIRECTORY, CONTENT_DIRECTORY}, {&one, &one}, {&one, NULL}, true}, /* not known, and not compared */
        {{CONTENT_DIRECTORY, CONTENT_DIRECTORY}, {&one, &two}, {&one, &one}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Content a = content(rows[i].kinds[0], rows[i].digests[0], rows[i].members[0]);
        Content b = content(rows[i].kinds[1], rows[i].digests[1], rows[i].members[1]);
        ck_assert_msg(content_equal(&a, &b) == rows[i].same && content_equal(&b, &a) == rows[i].same, "row %zu", i);
    }
}
END_TEST

START_TEST(kinds)
{
    ck_assert(content_kinds_differ(CONTENT_FILE, CONTENT_DIRECTORY));
    ck_assert(!content_kinds_differ(CONTENT_FILE, CONTENT_FILE));
    ck_assert(!content_kinds_differ(CONTENT_UNKNOWN, CONTENT_DIRECTORY));
    ck_assert_str_eq(content_kind_name(CONTENT_FILE), "file");
    ck_assert_str_eq(content_kind_name(CONTENT_DIRECTORY), "directory");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/content");
    TCase *tests = tcase_create("content");
    tcase_add_test(tests, equal);
    tcase_add_test(tests, kinds);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
