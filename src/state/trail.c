#include "state/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/program.h"
#include "base/strmap.h"
#include "records.h"

#define TRAIL_HEADER PROGRAM_NAME " removed 1\n"

struct Trail {
    RecordFile file;
    bool lost; /* an fsync failed */
};

static bool open_file(RecordFile *file, Err *err)
{
    if (!records_open(file, err))
        return false;
    switch (records_header(file->fd, TRAIL_HEADER)) {
    case RECORDS_OURS: return records_adopt(file, NULL, NULL, err);
    case RECORDS_TORN: return records_begin(file, err);
    case RECORDS_UNKNOWN: break;
    }
    err_set(err, ERR_STOP, "%s is not a trail of clean-ups that this version can continue", file->path);
    return err_hint(err, "give it another name");
}

bool trail_open(const char *path, Trail **out, Err *err)
{
    Trail *trail = calloc(1, sizeof *trail);
    if (trail == NULL)
        return err_no_memory(err);
    trail->file = (RecordFile){.fd = -1, .header = TRAIL_HEADER, .path = strdup(path)};
    if (trail->file.path == NULL)
        err_no_memory(err);
    else if (open_file(&trail->file, err)) {
        *out = trail;
        return true;
    }
    trail_close(trail);
    return false;
}

void trail_close(Trail *trail)
{
    if (trail == NULL)
        return;
    records_close(&trail->file);
    free(trail);
}

static bool append(Trail *trail, const JournalRecord *records, size_t count, Err *err)
{
    if (trail->lost)
        return err_set(err, ERR_STOP, "%s: a write failed before", trail->file.path);
    return records_append(&trail->file, records, count, &trail->lost, err);
}

bool trail_append(Trail *trail, const JournalRecord *record, Err *err)
{
    return append(trail, record, 1, err);
}

/* --- records that an older version kept in the journal ------------------------------------------------------------------------ */

typedef struct Adoption {
    StrMap lines; /* of the records, to their index */
    bool *there;
    Arena arena;
    Buf line;
} Adoption;

static const char *line_of(Adoption *adoption, const JournalRecord *record, Err *err)
{
    bool written;
    buf_clear(&adoption->line);
    if (!journal_format_line(&adoption->line, record, &written, err) || !buf_text(&adoption->line, "", err))
        return NULL;
    return adoption->line.data;
}

static bool note_there(void *ctx, const JournalRecord *record, Err *err)
{
    Adoption *adoption = ctx;
    const char *line = line_of(adoption, record, err);
    if (line == NULL)
        return false;
    uint32_t index = strmap_get(&adoption->lines, line);
    if (index != STRMAP_NONE)
        adoption->there[index] = true;
    return true;
}

/* The same line twice counts as there after the first. */
static bool index_lines(Adoption *adoption, const JournalRecord *records, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *line = line_of(adoption, &records[i], err);
        const char *kept = line != NULL ? arena_copy(&adoption->arena, line, adoption->line.len, err) : NULL;
        uint32_t existing;
        if (kept == NULL || !strmap_add(&adoption->lines, kept, (uint32_t)i, &existing, err))
            return false;
        adoption->there[i] = existing != STRMAP_NONE;
    }
    return true;
}

bool trail_adopt(Trail *trail, const JournalRecord *records, size_t count, Err *err)
{
    Adoption adoption = {.there = calloc(count + 1, sizeof *adoption.there)};
    bool ok = adoption.there != NULL || err_no_memory(err);
    ok = ok && index_lines(&adoption, records, count, err) && records_walk(&trail->file, note_there, &adoption, err);
    for (size_t i = 0; ok && i < count;) {
        size_t end = i;
        while (end < count && !adoption.there[end])
            end++;
        ok = end == i || append(trail, records + i, end - i, err);
        i = end + 1;
    }
    strmap_free(&adoption.lines);
    arena_free(&adoption.arena);
    buf_free(&adoption.line);
    free(adoption.there);
    return ok;
}

bool trail_read(const char *path, JournalFn fn, void *ctx, Err *err)
{
    RecordFile file = {.header = TRAIL_HEADER, .path = (char *)path};
    file.fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file.fd < 0)
        return errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot open %s", path);
    bool ok = records_header(file.fd, TRAIL_HEADER) != RECORDS_OURS || records_walk(&file, fn, ctx, err);
    close(file.fd);
    return ok;
}
