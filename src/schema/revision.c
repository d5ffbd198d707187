/* revision.c: the files of revisions, and the chain that they make. */
#include "schema/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "embedded.h"

/* The start of the line that begins with `prefix`, NULL if there is none before `end`. */
static const char *find_line(const char *text, const char *end, const char *prefix)
{
    size_t len = strlen(prefix);
    for (const char *line = text; line < end; line++) {
        if ((size_t)(end - line) >= len && memcmp(line, prefix, len) == 0)
            return line;
        line = memchr(line, '\n', (size_t)(end - line));
        if (line == NULL)
            break;
    }
    return NULL;
}

/* The value of a line `-- key: value`, NULL and *err when it is missing or empty. */
static const char *header_value(const char *text, const char *end, const char *key, const char *file, Arena *arena, Err *err)
{
    const char *line = find_line(text, end, key);
    size_t len = 0;
    if (line != NULL) {
        line += strlen(key);
        line += strspn(line, " ");
        len = strcspn(line, " \r\n");
    }
    if (len == 0) {
        err_set(err, ERR_STOP, "%s: no line `%s ...`", file, key);
        return NULL;
    }
    return arena_copy(arena, line, len, err);
}

/* The same for a line that may be missing: "" then. */
static const char *optional_value(const char *text, const char *end, const char *key, const char *file, Arena *arena, Err *err)
{
    return find_line(text, end, key) != NULL ? header_value(text, end, key, file, arena, err) : "";
}

/* "models" of "0001_models.sql". */
static const char *slug_of(const char *file, Arena *arena, Err *err)
{
    const char *start = strchr(file, '_');
    start = start != NULL ? start + 1 : file;
    size_t len = strlen(start);
    return arena_copy(arena, start, text_ends_with(start, ".sql") ? len - 4 : len, err);
}

static unsigned count_lines(const char *start, const char *end)
{
    unsigned lines = 0;
    while ((start = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        lines++;
        start++;
    }
    return lines;
}

bool schema_parse(const char *file, const char *text, const char *checksum, Arena *arena, SchemaRevision *out, Err *err)
{
    const char *end = text + strlen(text);
    const char *up = find_line(text, end, "-- upgrade\n"), *down = up != NULL ? find_line(up, end, "-- downgrade\n") : NULL;
    SchemaRevision found = {0};
    if (down == NULL)
        return err_set(err, ERR_STOP, "%s: a line `-- upgrade` and behind it a line `-- downgrade` must be there", file);
    found.id = header_value(text, up, "-- revision:", file, arena, err);
    found.down_id = found.id != NULL ? header_value(text, up, "-- down_revision:", file, arena, err) : NULL;
    if (found.down_id == NULL)
        return false;
    if (strcmp(found.down_id, "none") == 0)
        found.down_id = NULL;
    found.slug = slug_of(file, arena, err);
    found.checksum = arena_copy(arena, checksum, strlen(checksum), err);
    found.earlier = optional_value(text, up, "-- earlier:", file, arena, err);
    found.first_line = 1 + count_lines(text, up);
    found.upgrade = arena_copy(arena, up, (size_t)(down - up), err);
    found.downgrade = arena_copy(arena, down, (size_t)(end - down), err);
    if (found.slug == NULL || found.checksum == NULL || found.earlier == NULL || found.upgrade == NULL || found.downgrade == NULL)
        return false;
    *out = found;
    return true;
}

static bool follows(const SchemaRevision *revision, const SchemaRevision *before)
{
    if (before == NULL || revision->down_id == NULL)
        return before == NULL && revision->down_id == NULL;
    return strcmp(revision->down_id, before->id) == 0;
}

bool schema_revisions(const char *dialect, SchemaRevisions *out, Err *err)
{
    SchemaRevisions list = {0};
    RevisionFile file;
    size_t count = 0;
    while (revision_file(dialect, count, &file))
        count++;
    list.items = calloc(count + 1, sizeof *list.items);
    bool ok = list.items != NULL || err_no_memory(err);
    for (; ok && list.count < count; list.count++) {
        SchemaRevision *revision = &list.items[list.count];
        ok = revision_file(dialect, list.count, &file) &&
             schema_parse(file.file, file.text, file.checksum, &list.arena, revision, err);
        if (ok && !follows(revision, list.count > 0 ? revision - 1 : NULL))
            ok = err_set(err, ERR_BUG, "%s does not follow the revision before it", file.file);
    }
    if (ok)
        *out = list;
    else
        schema_revisions_free(&list);
    return ok;
}

void schema_revisions_free(SchemaRevisions *revisions)
{
    free(revisions->items);
    arena_free(&revisions->arena);
    *revisions = (SchemaRevisions){0};
}
