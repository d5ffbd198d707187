#include "schema/revisions.h"

#include <sys/stat.h>

#include "../unit.h"

static const SqlRules rules = {.dollar_quotes = true};

/* FOLDER/name with these parents and dependencies. */
static void put(const char *folder, const char *name, const char *id, const char *parents, const char *more)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.sql", folder, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "-- revision: %s\n-- down_revision: %s\n%s", id, parents, more);
    fclose(out);
}

static const char *new_folder(void)
{
    static unsigned count;
    char name[16];
    snprintf(name, sizeof name, "m%u", count++);
    const char *folder = unit_path(name);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    return folder;
}

static bool load(const char *folder, Revisions *out, Err *err)
{
    return revisions_load(folder, "server", &rules, out, err);
}

/* The ids in their order, and of a choice of them. */
static const char *ids(const Revisions *set, const bool *chosen)
{
    static char out[512];
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < set->count; i++)
        if (chosen == NULL || chosen[i])
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", used > 0 ? " " : "", set->items[i].id);
    return out;
}

/* base ─ a1 ─ a2 ─┬─ m ─ z;  b2 depends on a1. */
static const char *branches(void)
{
    const char *folder = new_folder();
    put(folder, "9_base", "base0", "none", "-- branch_labels: root\n");
    put(folder, "2_a1", "a1", "base0", "-- branch_labels: left\n");
    put(folder, "3_a2", "a2", "a1", "");
    put(folder, "1_b1", "b1", "base0", "");
    put(folder, "4_b2", "b2", "b1", "-- depends_on: a1\n");
    put(folder, "5_m", "m", "a2, b2", "");
    put(folder, "6_z", "z", "m", "");
    return folder;
}

START_TEST(order_and_heads)
{
    Revisions set = {0};
    Buf heads = {0};
    Err err = {0};
    const char *folder = branches();
    ck_ok(load(folder, &set, &err));
    ck_assert_str_eq(ids(&set, NULL), "base0 b1 a1 a2 b2 m z");
    ck_ok(revisions_heads_text(&set, &heads, &err));
    ck_assert_str_eq(heads.data, "z");
    ck_assert_uint_eq(revisions_find(&set, "base", &err), 0);
    ck_assert_uint_eq(revisions_find(&set, "a", &err), REVISION_NONE);
    ck_assert(strstr(err.text, "a may be a1 or a2") != NULL);
    bool *chosen = revisions_none(&set, &err);
    chosen[revisions_exact(&set, "b2")] = true;
    revisions_add_before(&set, chosen);
    ck_assert_str_eq(ids(&set, chosen), "base0 b1 a1 b2");
    ck_assert(revisions_is_head(&set, chosen, revisions_exact(&set, "b2")));
    ck_assert(!revisions_is_head(&set, chosen, revisions_exact(&set, "a1"))); /* b2 depends on it */
    free(chosen);
    buf_free(&heads);
    revisions_free(&set);
}
END_TEST

static void target_is(const Revisions *set, const char *applied, const char *target, const char *want)
{
    Err err = {0};
    bool *have = revisions_none(set, &err), *chosen = revisions_none(set, &err);
    if (applied[0] != '\0')
        ck_ok(revisions_target(set, NULL, applied, have, &err));
    bool ok = revisions_target(set, have, target, chosen, &err);
    ck_assert_msg(strcmp(ok ? ids(set, chosen) : err.text, want) == 0, "%s: %s", target, ok ? ids(set, chosen) : err.text);
    free(have);
    free(chosen);
}

static void undone_is(const Revisions *set, const char *applied, const char *target, const char *want)
{
    Err err = {0};
    bool *have = revisions_none(set, &err), *chosen = revisions_none(set, &err);
    ck_ok(revisions_target(set, NULL, applied, have, &err));
    bool ok = revisions_undone(set, have, target, chosen, &err);
    ck_assert_msg(strstr(ok ? ids(set, chosen) : err.text, want) != NULL && (!ok || strcmp(ids(set, chosen), want) == 0), "%s: %s",
                  target, ok ? ids(set, chosen) : err.text);
    free(have);
    free(chosen);
}

START_TEST(targets)
{
    Revisions set = {0};
    Err err = {0};
    ck_ok(load(branches(), &set, &err));
    target_is(&set, "", "head", "base0 b1 a1 a2 b2 m z");
    target_is(&set, "", "heads", "base0 b1 a1 a2 b2 m z");
    target_is(&set, "", "base", "");
    target_is(&set, "a2", "current", "base0 a1 a2");
    target_is(&set, "a2", "+2", "base0 b1 a1 a2 b2");
    target_is(&set, "z", "+0", "base0 b1 a1 a2 b2 m z");
    target_is(&set, "", "a2", "base0 a1 a2");
    target_is(&set, "", "left@head", "base0 b1 a1 a2 b2 m z");
    target_is(&set, "", "a1+1", "base0 a1 a2");
    target_is(&set, "", "z-1", "base0 b1 a1 a2 b2 m");
    target_is(&set, "", "head-1", "base0 b1 a1 a2 b2 m");
    target_is(&set, "", "a1-1", "base0");
    target_is(&set, "", "a1-2", "");
    undone_is(&set, "z", "-1", "z");
    undone_is(&set, "z", "-2", "m z");
    undone_is(&set, "z", "-3", "several heads here");
    undone_is(&set, "z", "base", "base0 b1 a1 a2 b2 m z");
    undone_is(&set, "z", "m", "z");
    undone_is(&set, "z", "b1", "b2 m z");
    undone_is(&set, "b2", "b1", "b2");
    undone_is(&set, "a2", "-9", "not so many revisions");
    undone_is(&set, "a2", "z", "does not have revision z");
    undone_is(&set, "a2", "base0", "a1 a2");
    revisions_free(&set);
}
END_TEST

START_TEST(refused_targets)
{
    Revisions set = {0};
    Err err = {0};
    const char *folder = branches();
    put(folder, "7_y", "y", "m", "");
    ck_ok(load(folder, &set, &err));
    bool *none = revisions_none(&set, &err);
    ck_fails(revisions_target(&set, none, "head", none, &err), ERR_SCHEMA, "several heads: z, y");
    ck_assert_int_eq(err.remedy, REMEDY_MERGE);
    ck_fails(revisions_target(&set, none, "+1", none, &err), ERR_SCHEMA, "several heads");
    ck_fails(revisions_target(&set, NULL, "+1", none, &err), ERR_USAGE, "what the database has");
    ck_fails(revisions_target(&set, NULL, "current", none, &err), ERR_USAGE, "what the database has");
    ck_fails(revisions_target(&set, none, "-1", none, &err), ERR_USAGE, "leads back");
    ck_fails(revisions_target(&set, none, "m+1", none, &err), ERR_SCHEMA, "several revisions follow m");
    ck_fails(revisions_target(&set, none, "m-1", none, &err), ERR_SCHEMA, "several revisions come before m");
    ck_fails(revisions_target(&set, none, "z+1", none, &err), ERR_SCHEMA, "behind it");
    ck_fails(revisions_target(&set, none, "a1-3", none, &err), ERR_SCHEMA, "not so many");
    ck_fails(revisions_target(&set, none, "left@head", none, &err), ERR_SCHEMA, "several heads");
    ck_fails(revisions_target(&set, none, "up@head", none, &err), ERR_SCHEMA, "no revision has the label up");
    ck_fails(revisions_target(&set, none, "nothing", none, &err), ERR_SCHEMA, "there is no revision nothing");
    free(none);
    revisions_free(&set);
}
END_TEST

START_TEST(refused_folders)
{
    Revisions set = {0};
    Err err = {0};
    const char *folder = new_folder();
    ck_fails(load(unit_path("nowhere"), &set, &err), ERR_USAGE, "there is no folder");
    put(folder, "1", "x", "y", "");
    ck_fails(load(folder, &set, &err), ERR_SCHEMA, "/1.sql: down_revision y is in no file");
    put(folder, "2", "y", "x", "");
    ck_fails(load(folder, &set, &err), ERR_SCHEMA, "a circle: x -> y -> x");
    put(folder, "2", "x", "none", "");
    ck_fails(load(folder, &set, &err), ERR_SCHEMA, "/2.sql has the revision x of ");
    put(folder, "1", "x", "none", "-- depends_on: q\n");
    put(folder, "2", "z", "none", "");
    ck_fails(load(folder, &set, &err), ERR_SCHEMA, "depends_on q is in no file");
}
END_TEST

START_TEST(folder_of_the_dialect)
{
    Revisions set = {0};
    Err err = {0};
    char own[512];
    const char *folder = new_folder();
    snprintf(own, sizeof own, "%s/server", folder);
    ck_assert_int_eq(mkdir(own, 0700), 0);
    put(folder, "1", "x", "none", "select 1;");
    put(folder, "2", "y", "x", "");
    put(folder, ".hidden", "x", "none", "");
    put(own, "1_other", "x", "none", "select 2;");
    put(own, "3", "z", "y", "");
    ck_ok(load(folder, &set, &err));
    ck_assert_str_eq(ids(&set, NULL), "x y z");
    ck_assert(strstr(set.items[0].text, "select 2;") != NULL);
    revisions_free(&set);
    ck_ok(revisions_load(folder, "file", &rules, &set, &err));
    ck_assert_str_eq(ids(&set, NULL), "x y");
    revisions_free(&set);
}
END_TEST

START_TEST(a_long_chain)
{
    Revisions set = {0};
    Err err = {0};
    const char *folder = new_folder();
    for (unsigned i = 0; i < 3000; i++) {
        char id[8], parent[8];
        snprintf(id, sizeof id, "%04u", 3000 - i); /* the names of the files are in the wrong order */
        snprintf(parent, sizeof parent, "%04u", 2999 - i);
        put(folder, id, id, i == 2999 ? "none" : parent, "");
    }
    ck_ok(load(folder, &set, &err));
    for (unsigned i = 0; i < 3000; i++)
        ck_assert_int_eq(atoi(set.items[i].id), (int)i + 1);
    revisions_free(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, NULL, unit_remove_temp);
    tcase_add_test(all, order_and_heads);
    tcase_add_test(all, targets);
    tcase_add_test(all, refused_targets);
    tcase_add_test(all, refused_folders);
    tcase_add_test(all, folder_of_the_dialect);
    tcase_add_test(all, a_long_chain);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
