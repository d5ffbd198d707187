#include "flow/cleanup_plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/userfile.h"
#include "base/vec.h"
#include "port/csvfile.h"

#define FIELD_MAX ((size_t)64 * 1024)

static const char *const columns[] = {"action",         "path",          "kind",      "name",   "version", "raw_bytes",
                                      "content_sha256", "stored_sha256", "stored_at", "run_id", "dev",     "ino",
                                      "size",           "mtime_ns",      "ctime_ns",  "reason", "members_sha256",
                                      "readers_get",    "store"};
#define COLUMN_COUNT (sizeof columns / sizeof *columns)
#define COLUMN_COUNT_0_1_0 ((size_t)(REASON + 1))
enum {
    ACTION,
    PATH,
    KIND,
    NAME,
    VERSION,
    RAW,
    CONTENT,
    STORED,
    STORED_AT,
    RUN_ID,
    DEV,
    INO,
    SIZE,
    MTIME,
    CTIME,
    REASON,
    MEMBERS,
    READERS_GET,
    STORE
};

bool cleanup_plan_add(CleanupPlan *plan, const CleanupLine *line, Err *err)
{
    if (!vec_grow(&plan->lines, &plan->cap, plan->count, 1, sizeof *plan->lines, err))
        return false;
    plan->lines[plan->count++] = *line;
    return true;
}

void cleanup_plan_free(CleanupPlan *plan)
{
    free(plan->lines);
    strmap_free(&plan->by_path);
    arena_free(&plan->arena);
    *plan = (CleanupPlan){0};
}

/* --- writing ----------------------------------------------------------------------------------------------------------------- */

/* A path may hold any byte: it is percent-encoded, so that the file is UTF-8 and one row a line. */
static bool add_encoded(Buf *out, const char *text, Err *err)
{
    size_t len = strlen(text);
    char *encoded = malloc(3 * len + 1);
    if (encoded == NULL)
        return err_no_memory(err);
    size_t used = text_percent_encode(encoded, text, len);
    bool ok = csvfile_field(out, encoded, used, err) && buf_append(out, ",", 1, err);
    free(encoded);
    return ok;
}

static bool add_text(Buf *out, const char *text, Err *err)
{
    return csvfile_field(out, text, strlen(text), err) && buf_append(out, ",", 1, err);
}

/* One line, UTF-8. */
static bool add_escaped(Buf *out, const char *text, Err *err)
{
    char shown[2048];
    text_escape(shown, sizeof shown, text, strlen(text));
    return csvfile_field(out, shown, strlen(shown), err) && buf_append(out, ",", 1, err);
}

static bool add_digest(Buf *out, bool is_known, const Digest *digest, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1] = "";
    if (is_known)
        digest_hex(digest, hex);
    return add_text(out, hex, err);
}

static bool add_line(Buf *out, const CleanupLine *line, const char *store, Err *err)
{
    char stored_at[25] = "", readers_get[16] = "";
    const Stamp *stamp = &line->stamp;
    const StoredModel *row = &line->row;
    if (line->has_row)
        clock_iso(stored_at, row->created_ns);
    if (line->readers_version != VERSION_AUTO)
        snprintf(readers_get, sizeof readers_get, "%" PRId32, line->readers_version);
    return add_text(out, line->delete_it ? "delete" : "keep", err) && add_encoded(out, line->path, err) &&
           add_text(out, line->is_directory ? "directory" : "file", err) && add_text(out, row->name, err) &&
           buf_format(out, err, "%" PRId32 ",%" PRIu64 ",", row->version, row->raw_bytes) &&
           add_digest(out, line->has_row, &row->content, err) && add_digest(out, line->has_row, &row->stored, err) &&
           add_text(out, stored_at, err) && add_text(out, row->run_id, err) &&
           buf_format(out, err, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",", stamp->dev, stamp->ino, stamp->size,
                      stamp->mtime_ns, stamp->ctime_ns) &&
           add_escaped(out, line->reason, err) && add_digest(out, line->has_row && row->has_members, &row->members, err) &&
           add_text(out, readers_get, err) && csvfile_field(out, store, strlen(store), err) && buf_append(out, "\n", 1, err);
}

bool cleanup_plan_write(const CleanupPlan *plan, const char *path, Err *err)
{
    Buf out = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < COLUMN_COUNT; i++)
        ok = buf_format(&out, err, "%s%s", i > 0 ? "," : "", columns[i]);
    ok = ok && buf_append(&out, "\n", 1, err);
    for (size_t i = 0; ok && i < plan->count; i++)
        ok = add_line(&out, &plan->lines[i], plan->store, err);
    ok = ok && userfile_write(path, out.data, out.len, 0600, err);
    buf_free(&out);
    return ok;
}

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

typedef struct Reader {
    CleanupPlan *plan;
    const char *file;
    size_t columns; /* of the header, 0 before it */
} Reader;

static bool bad_row(const Reader *reader, uint64_t row, const char *what, Err *err)
{
    err_set(err, ERR_USAGE, "%s: row %" PRIu64 ": %s", reader->file, row, what);
    return err_remedy(err, REMEDY_NEW_PLAN);
}

static bool check_header(Reader *reader, char *const *fields, size_t count, Err *err)
{
    bool same = count == COLUMN_COUNT || count == COLUMN_COUNT_0_1_0;
    for (size_t i = 0; same && i < count; i++)
        same = fields[i] != NULL && strcmp(fields[i], columns[i]) == 0;
    reader->columns = same ? count : 0;
    return same || bad_row(reader, 1, "this is no clean-up plan", err);
}

static bool parse_number(const char *text, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool parse_signed(const char *text, int64_t *out)
{
    uint64_t value;
    bool negative = text[0] == '-';
    if (!parse_number(text + negative, &value) || value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static bool parse_stamp(char *const *fields, Stamp *out)
{
    return parse_number(fields[DEV], &out->dev) && parse_number(fields[INO], &out->ino) && parse_number(fields[SIZE], &out->size) &&
           parse_signed(fields[MTIME], &out->mtime_ns) && parse_signed(fields[CTIME], &out->ctime_ns);
}

/* The parts that a deletion depends on; the others are for people. */
static bool parse_line(char *const *fields, CleanupLine *line)
{
    int64_t version = VERSION_AUTO;
    line->delete_it = strcmp(fields[ACTION], "delete") == 0;
    line->is_directory = strcmp(fields[KIND], "directory") == 0;
    if ((!line->delete_it && strcmp(fields[ACTION], "keep") != 0) || (!line->is_directory && strcmp(fields[KIND], "file") != 0))
        return false;
    line->has_row = digest_parse(fields[CONTENT], &line->row.content) && digest_parse(fields[STORED], &line->row.stored);
    if (!parse_number(fields[RAW], &line->row.raw_bytes) || !parse_stamp(fields, &line->stamp))
        return false;
    if (line->delete_it && (!line->has_row || !text_parse_int(fields[VERSION], 0, INT32_MAX, &version) || fields[NAME][0] == '\0'))
        return false;
    line->row.version = (int32_t)version;
    line->row.is_tar = line->is_directory;
    line->readers_version = VERSION_AUTO;
    return true;
}

/* What version 0.1.0 did not write. */
static bool parse_newer(const Reader *reader, char *const *fields, CleanupLine *line)
{
    if (reader->columns == COLUMN_COUNT_0_1_0)
        return true;
    line->row.has_members = fields[MEMBERS][0] != '\0';
    return (!line->row.has_members || digest_parse(fields[MEMBERS], &line->row.members)) &&
           strlen(fields[STORE]) < sizeof reader->plan->store;
}

/* A plan is about one store. */
static bool take_store(Reader *reader, uint64_t row, char *const *fields, Err *err)
{
    CleanupPlan *plan = reader->plan;
    const char *store = reader->columns == COLUMN_COUNT_0_1_0 ? "" : fields[STORE];
    if (plan->count == 0)
        text_copy(plan->store, sizeof plan->store, store);
    return strcmp(plan->store, store) == 0 || bad_row(reader, row, "another store than in the lines before", err);
}

static bool keep_strings(CleanupPlan *plan, char *const *fields, const char *path, CleanupLine *line, Err *err)
{
    line->path = arena_copy(&plan->arena, path, strlen(path), err);
    line->reason = "";
    line->row.name = fields[NAME];
    line->row.run_id = fields[RUN_ID];
    return line->path != NULL && stored_model_copy(&plan->arena, &line->row, NULL, &line->row, err);
}

static bool take_row(void *ctx, uint64_t row, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    Reader *reader = ctx;
    CleanupLine line = {0};
    uint32_t existing;
    if (row == 1)
        return check_header(reader, fields, count, err);
    bool whole = count == reader->columns;
    for (size_t i = 0; whole && i < count; i++)
        whole = fields[i] != NULL && strlen(fields[i]) == lengths[i];
    if (!whole || !parse_line(fields, &line) || !parse_newer(reader, fields, &line))
        return bad_row(reader, row, "not a whole line of a clean-up plan", err);
    if (!take_store(reader, row, fields, err))
        return false;
    char *path = fields[PATH];
    if (text_percent_decode(path, strlen(path)) <= 0)
        return bad_row(reader, row, "not a path below the models directory", err);
    if (!keep_strings(reader->plan, fields, path, &line, err) ||
        !strmap_add(&reader->plan->by_path, line.path, (uint32_t)reader->plan->count, &existing, err))
        return false;
    if (existing != STRMAP_NONE)
        return bad_row(reader, row, "the path is listed twice", err);
    return cleanup_plan_add(reader->plan, &line, err);
}

bool cleanup_plan_read(const char *path, CleanupPlan *out, Err *err)
{
    CleanupPlan plan = {0};
    Reader reader = {.plan = &plan, .file = path};
    bool whole = false;
    int fd = userfile_open(path, err);
    if (fd < 0)
        return false;
    bool ok = csvfile_read(fd, path, FIELD_MAX, take_row, &reader, &whole, err);
    close(fd);
    if (!ok && err != NULL && err->cls == ERR_STOP && err->errnum == 0 && text_starts_with(err->text, path)) {
        err->cls = ERR_USAGE; /* no CSV: what csvfile_read calls a broken file is a wrong argument here */
        err_remedy(err, REMEDY_NEW_PLAN);
    }
    if (ok && reader.columns == 0)
        ok = bad_row(&reader, 1, "this is no clean-up plan", err);
    if (ok && !whole)
        ok = bad_row(&reader, plan.count + 1, "the file was cut off", err);
    if (!ok) {
        cleanup_plan_free(&plan);
        return false;
    }
    *out = plan;
    return true;
}
