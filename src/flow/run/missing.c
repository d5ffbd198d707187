/* missing.c: a run that finds no model where earlier runs found some says so, however quiet it is: the folder may be empty because
 * it is not mounted. So does one of a folder that is empty. What a clean-up took away is not missing. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/strmap.h"
#include "state/trail.h"
#include "worker.h"

typedef struct Known {
    const Run *run;
    StrMap removed; /* paths */
    Arena arena;
    uint64_t there, gone, taken_away;
} Known;

static bool note_removed(void *ctx, const JournalRecord *record, Err *err)
{
    Known *known = ctx;
    if (record->event != JOURNAL_REMOVED || !run_has_path(known->run, record->path))
        return true;
    known->taken_away++;
    const char *path = arena_copy(&known->arena, record->path, strlen(record->path), err);
    return path != NULL && strmap_add(&known->removed, path, 0, NULL, err);
}

static bool look(void *ctx, const JournalRecord *record, Err *err)
{
    Known *known = ctx;
    struct stat st;
    if (!interrupt_check(err))
        return false;
    if (record->event != JOURNAL_KNOWN || !run_has_path(known->run, record->path) ||
        strmap_get(&known->removed, record->path) != STRMAP_NONE)
        return true;
    if (lstat(record->path, &st) == 0)
        known->there++;
    else
        known->gone += errno == ENOENT || errno == ENOTDIR;
    return true;
}

static bool holds_nothing(const LeftOut *left_out)
{
    return left_out->files + left_out->hidden + left_out->excluded == 0;
}

bool missing_look(Run *run, Err *err)
{
    Known known = {.run = run};
    if (run->models->count > 0)
        return true;
    bool ok = trail_read(run->state.trail_path, note_removed, &known, err) && run_read_journal(run, note_removed, &known, err) &&
              run_read_journal(run, look, &known, err);
    if (ok && known.there == 0 && known.gone > 0)
        log_loud_warning("%s: holds no model, and the %llu that earlier runs stored from there are gone: is it the right folder, "
                         "and mounted?",
                         run->tree.root_path, (unsigned long long)known.gone);
    else if (ok && known.there + known.taken_away == 0 && holds_nothing(&run->models->left_out))
        log_loud_warning("%s: is empty: is it the right folder, and mounted?", run->tree.root_path);
    strmap_free(&known.removed);
    arena_free(&known.arena);
    return ok;
}
