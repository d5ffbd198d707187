/* change.c: one transaction that changes what is live: lock, look, decide, write, record, commit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "flow/life.h"
#include "store/lifecycle.h"

typedef struct Subject {
    LifeRef ref;
    Life life;
    LifeChange change;
    bool drops_hold, sets_hold;
} Subject;

typedef struct Work {
    const LifeSettings *settings;
    LifeResult *result;
    VEC(Subject) subjects;
    bool committed;
    bool unknown; /* COMMIT was sent, and its answer was lost */
} Work;

static void free_subjects(Work *work)
{
    for (size_t i = 0; i < work->subjects.count; i++)
        life_free(&work->subjects.items[i].life);
    work->subjects.count = 0;
}

/* --- what is to be done ------------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Subject *)a)->ref.name, ((const Subject *)b)->ref.name);
}

static bool takes_names(LifeAction action)
{
    return action == LIFE_ROLLBACK || action == LIFE_RELEASE || action == LIFE_UNALIAS;
}

static bool collect(Work *work, Store *store, Err *err)
{
    const LifeSettings *settings = work->settings;
    for (size_t i = 0; i < settings->ref_count; i++) {
        Subject *subject = vec_push(&work->subjects, err);
        if (subject == NULL)
            return false;
        *subject = (Subject){0};
        if (!life_parse(store, settings->refs[i], &subject->ref, err))
            return false;
        if (takes_names(settings->action) && subject->ref.pick != LIFE_PICK_LIVE)
            return err_set(err, ERR_USAGE, "%s: give a name without a version", settings->refs[i]);
    }
    qsort(work->subjects.items, work->subjects.count, sizeof *work->subjects.items, by_name);
    for (size_t i = 1; i < work->subjects.count; i++)
        if (by_name(&work->subjects.items[i - 1], &work->subjects.items[i]) == 0)
            return err_set(err, ERR_USAGE, "%s is named twice", work->subjects.items[i].ref.name);
    return true;
}

static bool lock_and_load(Work *work, Store *store, Err *err)
{
    for (size_t i = 0; i < work->subjects.count; i++) {
        Subject *subject = &work->subjects.items[i];
        if (!work->settings->dry_run && !store_lock_name(store, subject->ref.name, err))
            return false;
        if (!life_load(store, subject->ref.name, &subject->life, err))
            return false;
    }
    return true;
}

/* --- decisions --------------------------------------------------------------------------------------------------------------- */

static bool decide_activate(const LifeSettings *settings, Subject *subject, Err *err)
{
    char live[16];
    int32_t now = life_live(&subject->life);
    snprintf(live, sizeof live, "%d", (int)now);
    if (settings->if_live != NULL && strcmp(settings->if_live, now != LIFE_NONE ? live : "none") != 0)
        return err_set(err, ERR_CONFLICT, "%s: version %s is live, not %s; nothing was changed", subject->ref.name,
                       now != LIFE_NONE ? live : "none", settings->if_live);
    subject->drops_hold = true;
    return life_want_live(&subject->life, subject->change.version) || err_set(err, ERR_BUG, "a version is gone");
}

static bool decide_deactivate(const LifeSettings *settings, Subject *subject, Err *err)
{
    life_want_inactive(&subject->life, subject->change.version);
    if (life_wanted_live(&subject->life) != LIFE_NONE || life_live(&subject->life) == LIFE_NONE || settings->allow_none)
        return true;
    err_set(err, ERR_STOP, "%s: no version would be live; nothing was changed", subject->ref.name);
    return err_remedy(err, REMEDY_ALLOW_NONE);
}

static bool decide_rollback(const LifeSettings *settings, Subject *subject, Err *err)
{
    bool known;
    int32_t target;
    if (!life_rollback_target(&subject->life, &target, &known, err))
        return false;
    if (target == LIFE_NONE) {
        err_set(err, ERR_STOP, "%s: nothing was live before %s%d; nothing was changed", subject->ref.name, "version ",
                (int)subject->change.version);
        return err_hint(err, "history shows what was; activate makes a version live");
    }
    subject->change.version = target;
    subject->sets_hold = !settings->no_hold;
    return life_want_live(&subject->life, target);
}

static bool decide_alias(const LifeSettings *settings, Subject *subject, Err *err)
{
    const LifeAlias *there = life_alias(&subject->life, settings->alias);
    subject->change.alias = settings->alias;
    subject->change.was_alias = there != NULL ? there->version : LIFE_NONE;
    if (settings->action == LIFE_ALIAS)
        subject->change.changed = there == NULL || there->version != subject->change.version;
    else if (there == NULL)
        return err_set(err, ERR_STOP, "%s: has no alias %s", subject->ref.name, settings->alias);
    else
        subject->change.version = there->version;
    subject->change.changed = subject->change.changed || settings->action == LIFE_UNALIAS;
    return true;
}

static bool decide_one(const LifeSettings *settings, Subject *subject, Err *err)
{
    static const char *const actions[] = {[LIFE_ACTIVATE] = "activate", [LIFE_DEACTIVATE] = "deactivate",
                                          [LIFE_ROLLBACK] = "rollback", [LIFE_RELEASE] = "release",
                                          [LIFE_ALIAS] = "alias",       [LIFE_UNALIAS] = "unalias"};
    Life *life = &subject->life;
    bool was_held = life_is_held(life), ok;
    LifeRef loose = subject->ref;
    if (takes_names(settings->action) && settings->action != LIFE_ROLLBACK)
        loose.pick = LIFE_PICK_LATEST; /* it need not be live */
    subject->change = (LifeChange){.action = actions[settings->action], .name = subject->ref.name, .was_live = life_live(life),
                                   .was_alias = LIFE_NONE};
    if (!life_pick(life, &loose, &subject->change.version, err))
        return false;
    life_want_as_is(life);
    switch (settings->action) {
    case LIFE_ACTIVATE: ok = decide_activate(settings, subject, err); break;
    case LIFE_DEACTIVATE: ok = decide_deactivate(settings, subject, err); break;
    case LIFE_ROLLBACK: ok = decide_rollback(settings, subject, err); break;
    case LIFE_RELEASE: ok = subject->drops_hold = true; break;
    default: ok = decide_alias(settings, subject, err); break;
    }
    if (!ok)
        return false;
    subject->drops_hold = subject->drops_hold && was_held;
    subject->change.now_live = life_wanted_live(life);
    subject->change.changed = subject->change.changed || life_is_changed(life) || subject->drops_hold;
    subject->change.is_held = (was_held && !subject->drops_hold) || subject->sets_hold;
    return true;
}

/* --- writing ----------------------------------------------------------------------------------------------------------------- */

/* {"off":[2,3],"on":[1],"alias":"champion"}: which flags changed, and which alias. */
static bool make_detail(const Subject *subject, Buf *out, Err *err)
{
    const LifeChange *change = &subject->change;
    return life_detail(&subject->life, out, err) &&
           (change->alias == NULL || buf_format(out, err, ",\"alias\":\"%s\"", change->alias)) &&
           (change->was_alias == LIFE_NONE || buf_format(out, err, ",\"was\":%d", (int)change->was_alias)) &&
           buf_text(out, "}", err);
}

static bool write_flags(Store *store, const Subject *subject, Err *err)
{
    for (size_t i = 0; i < subject->life.rows.count; i++) {
        const LifeRow *row = &subject->life.rows.items[i];
        if (row->wanted != row->active && !store_set_active(store, subject->ref.name, row->version, row->wanted, err))
            return false;
    }
    return true;
}

static bool write_aliases(const LifeSettings *settings, Store *store, const Subject *subject, Err *err)
{
    const LifeChange *change = &subject->change;
    StoreAlias alias = {.name = subject->ref.name, .alias = settings->alias, .version = change->version, .set_by = settings->actor};
    StoreAlias held = {.name = subject->ref.name, .alias = LIFE_HELD, .version = change->version, .set_by = settings->actor};
    if (settings->action == LIFE_ALIAS && !store_set_alias(store, &alias, err))
        return false;
    if (settings->action == LIFE_UNALIAS && !store_drop_alias(store, subject->ref.name, settings->alias, err))
        return false;
    if (subject->drops_hold && !store_drop_alias(store, subject->ref.name, LIFE_HELD, err))
        return false;
    return !subject->sets_hold || store_set_alias(store, &held, err);
}

static bool write_one(const Work *work, Store *store, const Subject *subject, Err *err)
{
    const LifeSettings *settings = work->settings;
    Buf detail = {0};
    bool ok = make_detail(subject, &detail, err);
    StoreEvent event = {.change_id = work->result->change_id,
                        .action = subject->change.action,
                        .name = subject->ref.name,
                        .version = subject->change.version,
                        .was_live = subject->change.was_live,
                        .now_live = subject->change.now_live,
                        .actor = settings->actor,
                        .reason = settings->reason,
                        .detail = detail.data};
    ok = ok && write_flags(store, subject, err) && write_aliases(settings, store, subject, err) &&
         store_add_event(store, &event, err);
    buf_free(&detail);
    return ok;
}

static bool write_all(Work *work, Store *store, Err *err)
{
    bool any = false, ok = true;
    for (size_t i = 0; ok && i < work->subjects.count; i++) {
        if (!work->subjects.items[i].change.changed)
            continue;
        any = true;
        ok = work->settings->dry_run || write_one(work, store, &work->subjects.items[i], err);
    }
    if (!ok || !any || work->settings->dry_run) {
        store_rollback(store);
        work->committed = ok;
        if (!any)
            work->result->change_id[0] = '\0';
        return ok;
    }
    StoreOutcome outcome;
    work->committed = store_commit(store, &outcome, err);
    work->unknown = !work->committed && outcome == STORE_UNKNOWN;
    return work->committed;
}

/* --- the transaction --------------------------------------------------------------------------------------------------------- */

/* The answer to COMMIT was lost: the record tells whether it was applied. */
static bool ask_record(Work *work, Store *store, Err *err)
{
    bool has = false;
    bool ok = store_wait_writers(store, err) && store_read_begin(store, err) &&
              store_has_change(store, work->result->change_id, &has, err);
    store_rollback(store);
    work->committed = ok && has;
    work->unknown = !ok;
    return ok;
}

static bool change_once(void *ctx, Err *err)
{
    Work *work = ctx;
    Store *store = *work->settings->store;
    bool dry_run = work->settings->dry_run;
    if (work->unknown && !ask_record(work, store, err))
        return false;
    if (work->committed)
        return true;
    free_subjects(work);
    bool ok = (dry_run ? store_read_begin(store, err) : store_begin(store, err) && store_change_ready(store, err)) &&
              collect(work, store, err) && lock_and_load(work, store, err);
    for (size_t i = 0; ok && i < work->subjects.count; i++)
        ok = decide_one(work->settings, &work->subjects.items[i], err);
    ok = ok && write_all(work, store, err);
    if (!ok)
        store_rollback(store);
    return ok;
}

bool life_change(const LifeSettings *settings, LifeChangeFn fn, void *ctx, LifeResult *out, Err *err)
{
    Work work = {.settings = settings, .result = out};
    *out = (LifeResult){0};
    id_new_uuid(out->change_id);
    bool ok = retry_step(settings->retry, settings->store, change_once, &work, err);
    for (size_t i = 0; ok && i < work.subjects.count; i++) {
        out->changed += work.subjects.items[i].change.changed;
        out->unchanged += !work.subjects.items[i].change.changed;
        ok = fn(ctx, &work.subjects.items[i].change, err);
    }
    free_subjects(&work);
    free(work.subjects.items);
    return ok;
}
