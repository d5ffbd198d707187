/* leftovers.c: the backup of a run that was killed holds rows that may or may not have been committed; the store tells. It is asked
 * at the end of the next run: what is in the tree is stored by then, and a row that the store still does not have may be the only
 * copy of its model. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strmap.h"
#include "worker.h"

typedef struct Answers {
    const char *run_id;
    BackupQuestion *rows;
    StrMap first;   /* name to the row of that name that was asked last */
    uint32_t *next; /* row to another one of the same name, STRMAP_NONE: none */
} Answers;

static BackupVerdict judge(const BackupQuestion *row, const StoreVersion *stored, const char *run_id)
{
    bool same_version = row->version == stored->version;
    if (same_version && strcmp(stored->run_id, run_id) == 0)
        return BACKUP_STORED;
    if (digest_equal(&row->content, &stored->content))
        return BACKUP_ELSEWHERE;
    return same_version ? BACKUP_TAKEN : BACKUP_MISSING;
}

static bool note_version(void *ctx, const StoreVersion *stored, Err *err)
{
    Answers *answers = ctx;
    (void)err;
    for (uint32_t i = strmap_get(&answers->first, stored->name); i != STRMAP_NONE; i = answers->next[i]) {
        BackupVerdict verdict = judge(&answers->rows[i], stored, answers->run_id);
        if (verdict > answers->rows[i].verdict)
            answers->rows[i].verdict = verdict;
    }
    return true;
}

/* *names: the distinct names of the rows, borrowed from them. */
static bool index_names(Answers *answers, size_t count, const char **names, size_t *name_count, Err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *name = answers->rows[i].name;
        uint32_t head;
        if (!strmap_add(&answers->first, name, i, &head, err))
            return false;
        answers->next[i] = STRMAP_NONE;
        if (head == STRMAP_NONE) {
            names[(*name_count)++] = name;
            continue;
        }
        answers->next[i] = answers->next[head];
        answers->next[head] = i;
    }
    return true;
}

/* The payloads of a thousand rows may take so long to prove that an idle session is lost meanwhile: then another one is asked. */
static bool find(Run *run, const char *const *names, size_t count, Answers *answers, Err *err)
{
    Err why = {0};
    if (run->store != NULL && store_find(run->store, names, count, note_version, answers, &why))
        return true;
    if (run->store != NULL && why.cls != ERR_RETRY) {
        *err = why;
        return false;
    }
    store_close(run->store);
    run->store = NULL;
    return store_open(run->settings->retry->target, &run->store, NULL, err) &&
           store_find(run->store, names, count, note_version, answers, err);
}

static bool ask_store(void *ctx, const char *run_id, BackupQuestion *rows, size_t count, Err *err)
{
    Run *run = ctx;
    Answers answers = {.run_id = run_id, .rows = rows, .next = calloc(count, sizeof *answers.next)};
    const char **names = calloc(count, sizeof *names);
    size_t name_count = 0;
    bool ok = (answers.next != NULL && names != NULL) || err_no_memory(err);
    ok = ok && index_names(&answers, count, names, &name_count, err) && find(run, names, name_count, &answers, err);
    strmap_free(&answers.first);
    free(answers.next);
    free(names);
    return ok;
}

bool leftovers_look(Run *run, Err *err)
{
    if (run->settings->dry_run)
        return true;
    return backup_needs_recovery(run->state.backup_dir, store_place(run->store), &run->has_leftovers, err) &&
           (!run->has_leftovers || store_wait_writers(run->store, err));
}

bool leftovers_recover(Run *run, Err *err)
{
    /* Once more: a run that shares the backup folder may have been killed since, or another one may have put all right. */
    if (!leftovers_look(run, err))
        return false;
    if (!run->has_leftovers)
        return true;
    char *place = strdup(store_place(run->store)); /* the session may be another one in the end */
    if (place == NULL)
        return err_no_memory(err);
    log_line(LOG_INFO, "an earlier run did not end; putting its backup right");
    bool ok = backup_recover(run->state.backup_dir, place, ask_store, run, err);
    free(place);
    return ok;
}
