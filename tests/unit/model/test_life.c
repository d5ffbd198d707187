/* The life of a name, by tables: what was stored and done, and what follows. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/life.h"

static Err err;

/* "s" stores the next version and makes it live, "S" stores it inactive, "aN" activates, "dN" deactivates, "xN" deactivates by hand,
 * "gN" takes the row away, "r" rolls back. Each is done as the commands do it: with an event, when live changes. */
static void note(Life *life, const char *action, int32_t version, int32_t was, const char *off)
{
    char detail[100];
    LifeEvent *event = vec_push(&life->events, &err);
    ck_assert_ptr_nonnull(event);
    snprintf(detail, sizeof detail, "{\"off\": [%s]}", off);
    *event = (LifeEvent){.action = action, .change_id = "", .version = version, .was_live = was, .now_live = life_live(life),
                         .at_us = (int64_t)(life->rows.count + life->events.count), .source_host = "", .source_path = "",
                         .detail = arena_copy(&life->strings, detail, strlen(detail), &err)};
}

static void settle(Life *life, const char *action, int32_t version)
{
    int32_t was = life_live(life);
    bool changed = life_is_changed(life);
    char off[100] = "";
    for (size_t i = 0; i < life->rows.count; i++) {
        LifeRow *row = &life->rows.items[i];
        if (row->active && !row->wanted)
            snprintf(off + strlen(off), sizeof off - strlen(off), "%s%d", off[0] != '\0' ? ", " : "", (int)row->version);
        row->active = row->wanted;
    }
    if (changed)
        note(life, action, version, was, off);
}

static void store_next(Life *life, bool active)
{
    int32_t version = life_latest(life) == LIFE_NONE ? 1 : life_latest(life) + 1;
    LifeRow *row = vec_push(&life->rows, &err);
    ck_assert_ptr_nonnull(row);
    *row = (LifeRow){.version = version, .active = active, .source_host = "", .source_path = "", .run_id = "",
                     .at_us = (int64_t)(life->rows.count + life->events.count)};
}

static void roll_back(Life *life)
{
    int32_t target;
    bool known;
    ck_ok(life_rollback_target(life, &target, &known, &err));
    if (target != LIFE_NONE) {
        ck_assert(life_want_live(life, target));
        settle(life, "rollback", target);
    }
}

static void take_away(Life *life, int32_t version)
{
    size_t left = 0;
    for (size_t i = 0; i < life->rows.count; i++)
        if (life->rows.items[i].version != version)
            life->rows.items[left++] = life->rows.items[i];
    life->rows.count = left;
}

static void live_through(Life *life, const char *history)
{
    for (const char *at = history; *at != '\0'; at++) {
        int32_t version = at[1] >= '0' && at[1] <= '9' ? at[1] - '0' : LIFE_NONE;
        life_want_as_is(life);
        if (*at == 's' || *at == 'S')
            store_next(life, *at == 's');
        else if (*at == 'r')
            roll_back(life);
        else if (*at == 'a' && life_want_live(life, version))
            settle(life, "activate", version);
        else if (*at == 'd' && life_want_inactive(life, version))
            settle(life, "deactivate", version);
        else if (*at == 'x')
            life_row(life, version)->active = false;
        else if (*at == 'g')
            take_away(life, version);
    }
}

/* What is live after a history, and what a rollback would go back to. */
static const struct {
    const char *history;
    int32_t live, target;
} histories[] = {
    {"", -1, -1},
    {"s", 1, -1},
    {"S", -1, -1},
    {"ss", 2, 1},
    {"sS", 1, -1},
    {"sss", 3, 2},
    {"sSs", 3, 1},
    {"SSs", 3, -1},
    /* back, and back again: two steps, never there and back */
    {"ssr", 1, -1},
    {"sssr", 2, 1},
    {"sssrr", 1, -1},
    {"sssrrr", 1, -1},
    {"ssssr", 3, 2},
    {"ssssrr", 2, 1},
    {"sSssr", 3, 1},
    {"sSssrr", 1, -1},
    /* new versions after it */
    {"ssrs", 3, 1},
    {"ssrsr", 1, -1},
    {"ssrss", 4, 3},
    {"ssrssr", 3, 1},
    {"ssrssrr", 1, -1},
    {"sssrs", 4, 2},
    {"sssrsr", 2, 1},
    {"ssrS", 1, -1},
    /* by hand to an older one, and back from there */
    {"ssa1", 1, 2},
    {"ssa1r", 2, 1},
    {"ssa1rr", 1, -1},
    {"sssa1", 1, 3},
    {"sssa1r", 3, 2},
    {"sssa1rr", 2, 1},
    {"sssa1rrr", 1, -1},
    {"sssa2", 2, 3},
    {"sssa2a1", 1, 2},
    {"sssa2a1r", 2, 3},
    {"sssa2a1rr", 3, 2},
    {"sssa3", 3, 2},
    {"ssa2", 2, 1},
    {"sSa2", 2, 1},
    {"sSa2r", 1, -1},
    {"Sa1", 1, -1},
    {"SSa2a1", 1, 2},
    {"sssa1s", 4, 1},
    {"sssa1sr", 1, 3},
    /* what was deactivated is no way back, what became live is */
    {"ssd2", 1, -1},
    {"sssd3", 2, 1},
    {"sssd3r", 1, -1},
    {"sssd2", 3, 1},
    {"sd1", -1, -1},
    {"ssd2d1", -1, -1},
    {"sssd3s", 4, 2},
    {"ssd2a2", 2, 1},
    /* by other programs, which keep no record */
    {"sssx3", 2, 1},
    {"ssx2", 1, -1},
    {"sssx2", 3, 1},
    {"sssrx2", 1, -1},
    {"ssssrx3", 2, 1},
    {"sssa1x1", -1, 1},
    /* rows that are gone */
    {"sssg2", 3, 1},
    {"sssg1", 3, 2},
    {"ssg1", 2, -1},
    {"ssssrg2", 3, 1},
    {"sssa1g3", 1, 2},
    {"ssa1g2", 1, -1},
};

START_TEST(lives)
{
    Life life = {.name = "x"};
    int32_t target;
    bool known;
    live_through(&life, histories[_i].history);
    ck_ok(life_rollback_target(&life, &target, &known, &err));
    ck_assert_msg(life_live(&life) == histories[_i].live, "%s: live is %d", histories[_i].history, (int)life_live(&life));
    ck_assert_msg(target == histories[_i].target, "%s: back to %d", histories[_i].history, (int)target);
    life_free(&life);
}
END_TEST

START_TEST(aliases)
{
    static const char *const good[] = {"champion", "a", "v", "v1a", "v-1", "a_b-c9"};
    static const char *const bad[] = {"", "latest", "live", "held", "pending", "v1", "v007", "A", "1a", "-a", "a b", "a.b", "\xc3\xa4"};
    char longest[65];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(life_alias_is_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!life_alias_is_valid(bad[i]), "%s", bad[i]);
    memset(longest, 'a', 64);
    longest[64] = '\0';
    ck_assert(!life_alias_is_valid(longest));
    longest[63] = '\0';
    ck_assert(life_alias_is_valid(longest));
}
END_TEST

static unsigned keep_of(const Life *life, int32_t version)
{
    unsigned why;
    ck_ok(life_keep(life, life_row(life, version), &why, &err));
    return why;
}

static void from(Life *life, int32_t version, const char *host, const char *path)
{
    life_row(life, version)->source_host = host;
    life_row(life, version)->source_path = path;
}

START_TEST(what_must_stay)
{
    Life life = {.name = "x"};
    live_through(&life, "ssssss");
    ck_assert_uint_eq(keep_of(&life, 6), LIFE_KEEP_LIVE);
    ck_assert_uint_eq(keep_of(&life, 5), LIFE_KEEP_TARGET);
    ck_assert_uint_eq(keep_of(&life, 4), 0);
    static const struct {
        const char *alias;
        unsigned why;
    } rows[] = {{"held", LIFE_KEEP_HELD}, {"pending", LIFE_KEEP_PENDING}, {"champion", LIFE_KEEP_ALIAS}};
    for (size_t i = 0; i < 3; i++) {
        LifeAlias *alias = vec_push(&life.aliases, &err);
        *alias = (LifeAlias){.alias = rows[i].alias, .version = 1, .set_by = ""};
        ck_assert_uint_eq(keep_of(&life, 1), rows[i].why);
        life.aliases.count = 0;
    }
    life_free(&life);
}
END_TEST

/* The newest record of a source says what it held: rows that came from there, and returns. */
START_TEST(sources)
{
    Life life = {.name = "x"};
    live_through(&life, "ssssss");
    from(&life, 1, "a", "/m/x");
    from(&life, 2, "a", "/m/x");
    from(&life, 3, "b", "/m/x");
    ck_assert_int_eq(life_of_source(&life, "a", "/m/x")->version, 2);
    ck_assert_int_eq(life_of_source(&life, "b", "/m/x")->version, 3);
    ck_assert_ptr_null(life_of_source(&life, "c", "/m/x"));
    ck_assert_ptr_null(life_of_source(&life, "a", "/m/y"));
    ck_assert_ptr_null(life_of_source(&life, "", "")); /* rows without a source have none in common */
    ck_assert_uint_eq(keep_of(&life, 1), 0);
    ck_assert_uint_eq(keep_of(&life, 2), LIFE_KEEP_SOURCE);
    ck_assert_uint_eq(keep_of(&life, 3), LIFE_KEEP_SOURCE);
    note(&life, "return", 1, 6, "");
    life.events.items[0].source_host = "a";
    life.events.items[0].source_path = "/m/x";
    ck_assert_int_eq(life_of_source(&life, "a", "/m/x")->version, 1);
    ck_assert_uint_eq(keep_of(&life, 1), LIFE_KEEP_SOURCE);
    ck_assert_uint_eq(keep_of(&life, 2), 0);
    ck_assert_uint_eq(keep_of(&life, 3), LIFE_KEEP_SOURCE);
    life_free(&life);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/life");
    TCase *tcase = tcase_create("life");
    tcase_add_loop_test(tcase, lives, 0, (int)(sizeof histories / sizeof *histories));
    tcase_add_test(tcase, aliases);
    tcase_add_test(tcase, what_must_stay);
    tcase_add_test(tcase, sources);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
