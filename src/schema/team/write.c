#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/text.h"
#include "parts.h"

#define SLUG_MAX 40

/* --- ids --------------------------------------------------------------------------------------------------------------------- */

/* Does the id look like this? 9 stands for a digit, x for a hex digit, another character for itself. */
static bool looks_like(const char *id, const char *shape)
{
    if (strlen(id) != strlen(shape))
        return false;
    for (; *id != '\0'; id++, shape++)
        if (*shape == '9' ? !isdigit((unsigned char)*id) : *shape == 'x' ? !isxdigit((unsigned char)*id) : *id != *shape)
            return false;
    return true;
}

/* "20241127093012", UTC. */
static void utc(time_t seconds, char out[REVISION_ID_MAX + 1])
{
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL || strftime(out, REVISION_ID_MAX + 1, "%Y%m%d%H%M%S", &parts) == 0)
        out[0] = '\0';
}

/* 20241127_000001: the first free number of today. */
static void number_of_day(const Revisions *set, char out[REVISION_ID_MAX + 1])
{
    char day[REVISION_ID_MAX + 1];
    utc((time_t)(clock_real_ns() / 1000000000), day);
    for (unsigned number = 1; number < 1000000; number++) {
        snprintf(out, REVISION_ID_MAX + 1, "%.8s_%06u", day, number);
        if (revisions_exact(set, out) == REVISION_NONE)
            return;
    }
}

/* 0007: behind the highest one. */
static void next_number(const Revisions *set, char out[REVISION_ID_MAX + 1])
{
    int64_t highest = 0, number;
    for (size_t i = 0; i < set->count; i++)
        if (looks_like(set->items[i].id, "9999") && text_parse_int(set->items[i].id, 0, 9999, &number) && number > highest)
            highest = number;
    snprintf(out, REVISION_ID_MAX + 1, "%04" PRId64, highest + 1);
}

/* 20241127093012: this second, or the next one that is free. */
static void time_stamp(const Revisions *set, char out[REVISION_ID_MAX + 1])
{
    time_t now = (time_t)(clock_real_ns() / 1000000000);
    do {
        utc(now++, out);
    } while (revisions_exact(set, out) != REVISION_NONE);
}

static void choose_id(const Revisions *set, char out[REVISION_ID_MAX + 1])
{
    const char *newest = set->count > 0 ? set->items[set->count - 1].id : "";
    if (looks_like(newest, "99999999_999999"))
        number_of_day(set, out);
    else if (looks_like(newest, "9999"))
        next_number(set, out);
    else if (looks_like(newest, "xxxxxxxxxxxx"))
        snprintf(out, REVISION_ID_MAX + 1, "%012" PRIx64, id_random64() >> 16);
    else
        time_stamp(set, out);
}

static bool take_id(const Revisions *set, const char *wanted, char out[REVISION_ID_MAX + 1], Err *err)
{
    if (wanted == NULL) {
        choose_id(set, out);
        return true;
    }
    const char *problem = revision_id_problem(wanted, strlen(wanted));
    if (problem != NULL)
        return err_set(err, ERR_USAGE, "\"%s\": %s", wanted, problem);
    snprintf(out, REVISION_ID_MAX + 1, "%s", wanted);
    uint32_t there = revisions_exact(set, out);
    return there == REVISION_NONE || err_set(err, ERR_USAGE, "%s has the revision %s already", set->items[there].file, out);
}

/* --- the file ---------------------------------------------------------------------------------------------------------------- */

/* "Add owner!" becomes "add_owner". */
static void make_slug(const char *message, char out[SLUG_MAX + 1])
{
    size_t used = 0;
    for (; *message != '\0' && used < SLUG_MAX; message++) {
        if (isalnum((unsigned char)*message))
            out[used++] = (char)tolower((unsigned char)*message);
        else if (used > 0 && out[used - 1] != '_')
            out[used++] = '_';
    }
    while (used > 0 && out[used - 1] == '_')
        used--;
    out[used] = '\0';
}

static bool add_names(Buf *text, const char *key, const char *const *names, Err *err)
{
    bool ok = buf_format(text, err, "-- %s: ", key);
    for (size_t i = 0; ok && names[i] != NULL; i++)
        ok = buf_format(text, err, "%s%s", i > 0 ? ", " : "", names[i]);
    return ok && buf_text(text, names[0] != NULL ? "\n" : "none\n", err);
}

static const char how_to_go_back[] =
    "\n-- The way up. The way back goes into a comment at the end: a line with its mark and the word downgrade,\n"
    "-- the statements, a line with the closing mark. Without it there is no way back.\n\n";

static bool make_text(const NewRevision *revision, const char *id, Buf *text, Err *err)
{
    return buf_format(text, err, "-- revision: %s\n", id) && add_names(text, "down_revision", revision->parents, err) &&
           buf_format(text, err, "-- message: %s\n", revision->message) &&
           (revision->depends[0] == NULL || add_names(text, "depends_on", revision->depends, err)) &&
           buf_text(text, revision->is_merge ? "\n/* downgrade\n*/\n" : how_to_go_back, err);
}

bool revisions_make_folder(const char *folder, bool *made, Err *err)
{
    *made = mkdir(folder, 0777) == 0;
    if (*made || errno == EEXIST)
        return !*made || fs_sync_parent(folder, err);
    return err_set_errno(err, ERR_STOP, errno, "%s", folder);
}

static bool put_new(const char *path, const Buf *text, Err *err)
{
    struct stat status;
    if (lstat(path, &status) == 0)
        return err_set(err, ERR_USAGE, "%s is there already", path);
    return atomic_file_put(path, 0666, text->data, text->len, err);
}

bool revision_write(const Revisions *set, const NewRevision *revision, char **path, Err *err)
{
    char id[REVISION_ID_MAX + 1], slug[SLUG_MAX + 1], name[REVISION_ID_MAX + SLUG_MAX + 8];
    Buf text = {0};
    size_t len = strlen(revision->message);
    if (!text_utf8_valid(revision->message, len) || text_has_control(revision->message, len))
        return err_set(err, ERR_USAGE, "a message is one line of UTF-8");
    if (!take_id(set, revision->id, id, err))
        return false;
    make_slug(revision->message, slug);
    snprintf(name, sizeof name, "%s%s%s.sql", id, slug[0] != '\0' ? "_" : "", slug);
    char *file = fs_join(set->folder, name);
    bool ok = (file != NULL || err_no_memory(err)) && make_text(revision, id, &text, err) && put_new(file, &text, err);
    buf_free(&text);
    if (ok)
        *path = file;
    else
        free(file);
    return ok;
}
