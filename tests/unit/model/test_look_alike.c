#include "model/look_alike.h"

#include "../unit.h"

static bool alike(LookAlike kind, const char *a, const char *b)
{
    char x[256], y[256];
    ck_assert(look_alike_key(a, kind, x, sizeof x) && look_alike_key(b, kind, y, sizeof y));
    return strcmp(x, y) == 0;
}

START_TEST(case_of_letters)
{
    ck_assert(alike(LOOK_ALIKE_CASE, "Churn_Model", "churn_model"));
    ck_assert(alike(LOOK_ALIKE_CASE, "\xc3\x84rger", "\xc3\xa4rger"));         /* Ä, ä */
    ck_assert(alike(LOOK_ALIKE_CASE, "\xd0\x96", "\xd0\xb6"));                 /* Ж, ж */
    ck_assert(!alike(LOOK_ALIKE_CASE, "churn", "churm"));
    ck_assert(!alike(LOOK_ALIKE_CASE, "\xe6\xa8\xa1", "\xe6\xa8\xa2"));
    ck_assert(!look_alike_possible("churn_model-3/x", LOOK_ALIKE_CASE));
    ck_assert(look_alike_possible("Churn", LOOK_ALIKE_CASE));
}
END_TEST

START_TEST(composed_and_decomposed)
{
    ck_assert(alike(LOOK_ALIKE_MARKS, "m\xc3\xbcller", "mu\xcc\x88ller"));     /* ü */
    ck_assert(alike(LOOK_ALIKE_MARKS, "\xe1\xba\xad", "a\xcc\xa3\xcc\x82"));   /* ậ */
    ck_assert(alike(LOOK_ALIKE_MARKS, "\xd0\xb9", "\xd0\xb8\xcc\x86"));         /* й */
    ck_assert(alike(LOOK_ALIKE_MARKS, "\xe3\x81\x8c", "\xe3\x81\x8b\xe3\x82\x99")); /* が */
    ck_assert(!alike(LOOK_ALIKE_MARKS, "m\xc3\xbcller", "muller"));
    ck_assert(!alike(LOOK_ALIKE_MARKS, "m\xc3\xbcller", "m\xc3\xb6ller"));
    ck_assert(!alike(LOOK_ALIKE_MARKS, "\xe6\xa8\xa1", "\xe5\x9e\x8b"));
    ck_assert(look_alike_is_decomposed("mu\xcc\x88ller") && !look_alike_is_decomposed("m\xc3\xbcller"));
    ck_assert(look_alike_possible("\xc3\xbc", LOOK_ALIKE_MARKS) && !look_alike_possible("U", LOOK_ALIKE_MARKS));
    char key[4];
    ck_assert(!look_alike_key("\xe6\xa8\xa1", LOOK_ALIKE_MARKS, key, sizeof key));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/look_alike");
    TCase *tc = tcase_create("look_alike");
    tcase_add_test(tc, case_of_letters);
    tcase_add_test(tc, composed_and_decomposed);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
