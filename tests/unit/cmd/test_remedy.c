#include "../../../src/cmd/remedy.h"

#include "../unit.h"

START_TEST(every_remedy_has_words)
{
    for (int remedy = REMEDY_NONE + 1; remedy < REMEDY_COUNT; remedy++) {
        const char *words = remedy_words((ErrRemedy)remedy);
        ck_assert_msg(words != NULL && words[0] != '\0', "remedy %d has no words", remedy);
    }
    ck_assert_str_eq(remedy_words(REMEDY_NONE), "");
}
END_TEST

/* What remedy_log prints. */
static char *printed(const Err *err, const Options *options)
{
    static char text[2048];
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    remedy_log(err, options);
    fflush(stderr);
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    close(saved);
    rewind(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

START_TEST(hint_and_remedy)
{
    Err err = {0};
    err_set(&err, ERR_STOP, "no room");
    err_remedy(&err, REMEDY_BACKUP_DIR);
    ck_assert_str_eq(printed(&err, NULL), "error: no room\n  hint: or name another place with --backup-dir\n");
    err_hint(&err, "make room there");
    ck_assert_str_eq(printed(&err, NULL), "error: no room\n  hint: make room there; or name another place with --backup-dir\n");
}
END_TEST

START_TEST(upgrade_names_the_database_but_no_password)
{
    Err err = {0};
    Options options = {.dbname = "host=h dbname=d"};
    err_set(&err, ERR_SCHEMA, "old");
    err_remedy(&err, REMEDY_UPGRADE);
    ck_assert_str_eq(printed(&err, NULL), "error: old\n  hint: run: migrate_models_to_db db upgrade\n");
    ck_assert_str_eq(printed(&err, &options), "error: old\n  hint: run: migrate_models_to_db db upgrade -d 'host=h dbname=d'\n");
    options.dbname = "host=h password=hunter2";
    ck_assert_str_eq(printed(&err, &options), "error: old\n  hint: run: migrate_models_to_db db upgrade, with the same -d\n");
    options.dbname = "host=h dbname=it's";
    ck_assert_ptr_null(strstr(printed(&err, &options), "it's"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remedy");
    TCase *tests = tcase_create("remedy");
    tcase_add_test(tests, every_remedy_has_words);
    tcase_add_test(tests, hint_and_remedy);
    tcase_add_test(tests, upgrade_names_the_database_but_no_password);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
