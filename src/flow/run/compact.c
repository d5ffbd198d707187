/* compact.c: the journal is rewritten when most of it is history. A record goes when a later one for its path replaces it, or
 * when the path is gone from the disk. That a run did not list a path says nothing: it may have been told to look at less of the
 * tree, or at another tree. */
#include <errno.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "state/trail.h"
#include "worker.h"

typedef struct Entry {
    JournalRecord record;
    bool listed; /* by this run */
    bool gone;
} Entry;

typedef VEC(Entry) Entries;
typedef VEC(JournalRecord) Records;

typedef struct Compaction {
    Run *run;
    Entries entries;
    StrMap by_path;
    Records trail; /* what the trail may not have: version 0.1.0 kept it in the journal */
    Records kept;
    Arena arena;
} Compaction;

static bool copy_strings(Compaction *compaction, JournalRecord *record, Err *err)
{
    record->path = arena_copy(&compaction->arena, record->path, strlen(record->path), err);
    record->name = record->path != NULL ? arena_copy(&compaction->arena, record->name, strlen(record->name), err) : NULL;
    return record->name != NULL;
}

static bool note_trail(Compaction *compaction, const JournalRecord *record, Err *err)
{
    uint32_t index = strmap_get(&compaction->by_path, record->path);
    if (record->event == JOURNAL_REMOVED && index != STRMAP_NONE)
        compaction->entries.items[index].gone = true;
    JournalRecord *kept = vec_push(&compaction->trail, err);
    if (kept == NULL)
        return false;
    *kept = *record;
    return copy_strings(compaction, kept, err);
}

static bool put(Compaction *compaction, JournalRecord record, bool listed, Err *err)
{
    uint32_t index = strmap_get(&compaction->by_path, record.path);
    if (!copy_strings(compaction, &record, err))
        return false;
    if (index != STRMAP_NONE) {
        compaction->entries.items[index] = (Entry){.record = record, .listed = listed};
        return true;
    }
    Entry *entry = vec_push(&compaction->entries, err);
    if (entry == NULL || !strmap_add(&compaction->by_path, record.path, (uint32_t)compaction->entries.count - 1, NULL, err))
        return false;
    *entry = (Entry){.record = record, .listed = listed};
    return true;
}

static bool note_record(void *ctx, const JournalRecord *record, Err *err)
{
    return record->event == JOURNAL_KNOWN ? put(ctx, *record, false, err) : note_trail(ctx, record, err);
}

static bool put_model(Compaction *compaction, const Model *model, Err *err)
{
    const Run *run = compaction->run;
    if (!model->has_content || (model->state != MODEL_NEW && model->state != MODEL_UNCHANGED))
        return true;
    char *path = fs_join(run->tree.root_path, model->path);
    if (path == NULL)
        return err_no_memory(err);
    /* The start of the run stands for the moment of the read: earlier than it, so never too trusting. */
    JournalRecord record = journal_record_of(model, path, &model->stamp, run->start_ns);
    bool ok = put(compaction, record, true, err);
    free(path);
    return ok;
}

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = dir != NULL;
    for (struct dirent *entry; empty && (entry = readdir(dir)) != NULL;)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (dir != NULL)
        closedir(dir);
    return empty;
}

/* Its name without the last component; false at the root. */
static bool to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0')
        return false;
    slash[slash == path ? 1 : 0] = '\0';
    return true;
}

/* Not there, though the file system is on which it was. An empty directory of another device may be where that one belongs. */
static bool is_gone(const JournalRecord *record, Buf *scratch, bool *gone, Err *err)
{
    struct stat st;
    *gone = false;
    if (lstat(record->path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
        return true;
    buf_clear(scratch);
    if (!buf_text(scratch, record->path, err))
        return false;
    while (to_parent(scratch->data))
        if (stat(scratch->data, &st) == 0) {
            *gone = st.st_dev == record->stamp.dev || !is_empty(scratch->data);
            return true;
        }
    return true;
}

static bool keep(Compaction *compaction, Err *err)
{
    Buf scratch = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < compaction->entries.count; i++) {
        const Entry *entry = &compaction->entries.items[i];
        bool gone = entry->gone;
        ok = interrupt_check(err) && (gone || entry->listed || is_gone(&entry->record, &scratch, &gone, err));
        JournalRecord *kept = ok && !gone ? vec_push(&compaction->kept, err) : NULL;
        ok = ok && (gone || kept != NULL);
        if (kept != NULL)
            *kept = entry->record;
    }
    buf_free(&scratch);
    return ok;
}

/* Before the journal loses them. */
static bool save_trail(Compaction *compaction, Err *err)
{
    Trail *trail = NULL;
    if (compaction->trail.count == 0)
        return true;
    bool ok = trail_open(compaction->run->state.trail_path, &trail, err) &&
              trail_adopt(trail, compaction->trail.items, compaction->trail.count, err);
    trail_close(trail);
    return ok;
}

static bool compact(Compaction *compaction, Err *err)
{
    Run *run = compaction->run;
    bool ok = journal_read(run->state.journal, note_record, compaction, err);
    for (uint32_t i = 0; ok && i < run->models->count; i++)
        ok = put_model(compaction, &run->models->items[i], err);
    return ok && keep(compaction, err) && save_trail(compaction, err) &&
           journal_rewrite(run->state.journal, compaction->kept.items, compaction->kept.count, err);
}

bool compact_journal(Run *run, Err *err)
{
    Compaction compaction = {.run = run};
    Err why = {0};
    if (!journal_is_mostly_history(run->state.journal, run->models->count))
        return true;
    bool ok = compact(&compaction, &why) || why.cls == ERR_INTERRUPTED; /* the work is done; the next run does it */
    if (!ok)
        *err = why;
    strmap_free(&compaction.by_path);
    arena_free(&compaction.arena);
    free(compaction.entries.items);
    free(compaction.trail.items);
    free(compaction.kept.items);
    return ok;
}
