/* lines_life.c: what ls, info, history, activate, deactivate, rollback, release and alias print. */
#include "report/lines_life.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "line.h"

static void json_add_version(JsonLine *line, const char *key, int32_t version)
{
    if (version != LIFE_NONE)
        json_line_int(line, key, version);
    else
        json_line_string(line, key, NULL);
}

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static const char *version_text(char out[16], int32_t version)
{
    snprintf(out, 16, version != LIFE_NONE ? "%" PRId32 : "none", version);
    return out;
}

/* --- changes ----------------------------------------------------------------------------------------------------------------- */

static bool json_change(const Lines *lines, const LifeChange *change, Err *err)
{
    JsonLine *line = json_line_begin("change");
    json_line_string(line, "action", change->action);
    json_line_string(line, "name", change->name);
    json_add_version(line, "version", change->version);
    json_add_version(line, "was_live", change->was_live);
    json_add_version(line, "now_live", change->now_live);
    json_line_bool(line, "changed", change->changed);
    json_line_bool(line, "held", change->is_held);
    json_line_string(line, "alias", change->alias);
    return line_end(line, lines, err);
}

static void print_alias(const Lines *lines, const LifeChange *change)
{
    char was[16];
    bool dropped = strcmp(change->action, "unalias") == 0;
    fprintf(lines->out, ": %s %s %s", change->alias, dropped ? "no longer names" : "names", version_text(was, change->version));
    if (!dropped)
        fprintf(lines->out, ", before %s", version_text(was, change->was_alias));
    fputc('\n', lines->out);
}

bool lines_life_change(const Lines *lines, const LifeChange *change, Err *err)
{
    char was[16], now[16];
    if (lines->json)
        return json_change(lines, change, err);
    if (lines->quiet)
        return true;
    if (!lines_ready(lines, err))
        return false;
    print_escaped(lines->out, change->name);
    if (change->alias != NULL) {
        print_alias(lines, change);
        return lines_written(lines, err);
    }
    version_text(was, change->was_live);
    version_text(now, change->now_live);
    if (change->was_live == change->now_live)
        fprintf(lines->out, ": live is %s, as before", now);
    else
        fprintf(lines->out, ": live is %s, before %s", now, was);
    if (strcmp(change->action, "deactivate") == 0 && change->version != change->was_live)
        fprintf(lines->out, "; %" PRId32 " is inactive", change->version);
    fprintf(lines->out, "%s\n", change->is_held ? "; held: new versions do not go live until release or activate"
                                : strcmp(change->action, "release") == 0 ? "; not held: new versions go live"
                                                                         : "");
    return lines_written(lines, err);
}

bool lines_life_summary(const Lines *lines, const LifeResult *result, bool dry_run, Err *err)
{
    if (!lines->json)
        return true;
    JsonLine *line = summary_begin(lines);
    json_line_int(line, "changed", (int64_t)result->changed);
    json_line_int(line, "unchanged", (int64_t)result->unchanged);
    json_line_string(line, "change_id", or_null(result->change_id));
    json_line_bool(line, "dry_run", dry_run);
    return summary_end(line, lines, 0, err);
}

/* --- lists ------------------------------------------------------------------------------------------------------------------- */

static JsonLine *listed_begin(const LifeListed *listed)
{
    const StoredModel *row = listed->row;
    ModelLine model = model_line_of_row(row);
    model.status = listed->is_live ? "live" : row->is_active ? "active" : "inactive";
    JsonLine *line = model_line_begin(&model);
    json_line_bool(line, "live", listed->is_live);
    json_line_bool(line, "active", row->is_active);
    json_line_bool(line, "held", listed->is_held);
    json_line_string(line, "format", !row->has_format ? NULL : row->is_tar ? "tar" : "file");
    json_line_string(line, "encoding", !row->has_digests ? NULL : row->is_gzip ? "gzip" : "identity");
    json_line_string(line, "aliases", or_null(listed->marks));
    json_add_row(line, row);
    return line;
}

/* "2026-03-01 12:00": what fits a list. */
static const char *short_time(char out[25], int64_t ns)
{
    if (ns == 0)
        return "";
    clock_iso(out, ns);
    out[10] = ' ';
    out[16] = '\0';
    return out;
}

static void print_marks(const Lines *lines, const LifeListed *listed)
{
    const char *separator = "  ";
    const struct {
        bool is_set;
        const char *text;
    } marks[] = {{!listed->is_live && listed->row->is_active, "not live"},
                 {!listed->row->is_active, "inactive"},
                 {listed->is_held, "held"},
                 {listed->marks[0] != '\0', listed->marks}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i].is_set) {
            fputs(separator, lines->out);
            print_escaped(lines->out, marks[i].text);
            separator = ", ";
        }
}

bool lines_life_listed(const Lines *lines, const LifeListed *listed, Err *err)
{
    const StoredModel *row = listed->row;
    char raw[24], stored[24], time[25], key[400];
    if (lines->json)
        return line_end(listed_begin(listed), lines, err);
    if (!lines_ready(lines, err))
        return false;
    if (lines->quiet) {
        print_key(lines->out, row->name, row->version);
        fputc('\n', lines->out);
        return lines_written(lines, err);
    }
    text_escape(key, sizeof key - 16, row->name, strlen(row->name));
    snprintf(key + strlen(key), 16, "@%" PRId32, row->version);
    fprintf(lines->out, "%-44s %2zu  %9s %9s  %s  ", key, listed->versions, text_bytes(raw, row->raw_bytes),
            text_bytes(stored, row->stored_bytes), short_time(time, row->created_ns));
    print_escaped(lines->out, row->model_type);
    fputs("  ", lines->out);
    print_escaped(lines->out, row->event);
    print_marks(lines, listed);
    fputc('\n', lines->out);
    return lines_written(lines, err);
}

bool lines_life_totals(const Lines *lines, const LifeTotals *totals, Err *err)
{
    char raw[24], stored[24];
    if (lines->json) {
        JsonLine *line = summary_begin(lines);
        json_line_int(line, "names", (int64_t)totals->names);
        json_line_int(line, "versions", (int64_t)totals->versions);
        json_line_int(line, "raw_bytes", (int64_t)totals->raw_bytes);
        json_line_int(line, "stored_bytes", (int64_t)totals->stored_bytes);
        return summary_end(line, lines, 0, err);
    }
    if (lines->quiet)
        return true;
    fprintf(lines->out, "%" PRIu64 " names, %" PRIu64 " versions listed, %s, stored %s\n", totals->names, totals->versions,
            text_bytes(raw, totals->raw_bytes), text_bytes(stored, totals->stored_bytes));
    return lines_written(lines, err);
}

/* --- history ----------------------------------------------------------------------------------------------------------------- */

static bool json_history(const Lines *lines, const char *name, const LifeEvent *event, Err *err)
{
    JsonLine *line = json_line_begin("event");
    json_add_time(line, "at", 1000 * event->at_us);
    json_line_string(line, "action", event->action);
    json_line_string(line, "name", name);
    json_add_version(line, "version", event->version);
    json_add_version(line, "was_live", event->was_live);
    json_add_version(line, "now_live", event->now_live);
    json_line_string(line, "actor", or_null(event->actor));
    json_line_string(line, "source_path", or_null(event->source_path));
    json_line_string(line, "reason", or_null(event->reason));
    json_line_string(line, "change_id", or_null(event->change_id));
    json_line_string(line, "detail", or_null(event->detail));
    return line_end(line, lines, err);
}

static void print_history(const Lines *lines, const LifeEvent *event)
{
    char time[25], was[16], now[16];
    fprintf(lines->out, "%s  %-10s ", short_time(time, 1000 * event->at_us), event->action);
    if (event->was_live != event->now_live)
        fprintf(lines->out, "live %s -> %s", version_text(was, event->was_live), version_text(now, event->now_live));
    else
        fprintf(lines->out, "version %s", version_text(now, event->version));
    fputs("  ", lines->out);
    print_escaped(lines->out, event->actor);
    const char *const notes[] = {event->source_path, event->reason};
    for (size_t i = 0; i < 2; i++)
        if (notes[i][0] != '\0') {
            fputs(": ", lines->out);
            print_escaped(lines->out, notes[i]);
        }
    fputc('\n', lines->out);
}

bool lines_life_history(const Lines *lines, const char *name, const LifeEvent *event, Err *err)
{
    if (lines->json)
        return json_history(lines, name, event, err);
    if (!lines_ready(lines, err))
        return false;
    print_escaped(lines->out, name);
    fputs("  ", lines->out);
    print_history(lines, event);
    return lines_written(lines, err);
}

bool lines_life_history_end(const Lines *lines, uint64_t count, Err *err)
{
    if (!lines->json)
        return true;
    JsonLine *line = summary_begin(lines);
    json_line_int(line, "events", (int64_t)count);
    return summary_end(line, lines, 0, err);
}

/* --- one version ------------------------------------------------------------------------------------------------------------- */

static void print_pair(const Lines *lines, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    fprintf(lines->out, "%-16s ", key);
    print_escaped(lines->out, value);
    fputc('\n', lines->out);
}

static void print_digest(const Lines *lines, const char *key, bool known, const Digest *digest)
{
    char hex[2 * DIGEST_BYTES + 1];
    if (known && digest_is_known(digest)) {
        digest_hex(digest, hex);
        print_pair(lines, key, hex);
    }
}

static void print_columns(const Lines *lines, const LifeListed *listed)
{
    const StoredModel *row = listed->row;
    char raw[24], stored[24], time[25], key[1100];
    snprintf(key, sizeof key, "%s@%" PRId32, row->name, row->version);
    print_pair(lines, "model", key);
    print_pair(lines, "state", listed->is_live ? "live" : row->is_active ? "active, not live" : "inactive");
    print_pair(lines, "held", listed->is_held ? "yes: new versions do not go live" : "");
    print_pair(lines, "aliases", listed->marks);
    print_pair(lines, "model_type", row->model_type);
    print_pair(lines, "event", row->event);
    print_pair(lines, "format", !row->has_format ? "" : row->is_tar ? "tar" : "file");
    print_pair(lines, "encoding", !row->has_digests ? "" : row->is_gzip ? "gzip" : "identity");
    print_pair(lines, "raw_bytes", row->has_digests ? text_bytes(raw, row->raw_bytes) : "");
    print_pair(lines, "stored_bytes", text_bytes(stored, row->stored_bytes));
    print_digest(lines, "content_sha256", row->has_digests, &row->content);
    print_digest(lines, "stored_sha256", row->has_digests, &row->stored);
    print_digest(lines, "members_sha256", row->has_members, &row->members);
    print_pair(lines, "created_at", short_time(time, row->created_ns));
    print_pair(lines, "source_host", row->source_host);
    print_pair(lines, "source_path", row->source_path);
    print_pair(lines, "source_mtime", row->no_mtime ? "" : short_time(time, row->source_mtime_ns));
    print_pair(lines, "run_id", row->run_id);
}

bool lines_life_info(const Lines *lines, const LifeListed *listed, const Life *life, Err *err)
{
    size_t first = life->events.count > 10 ? life->events.count - 10 : 0;
    if (lines->json) {
        JsonLine *line = listed_begin(listed);
        json_line_string(line, "source_host", or_null(listed->row->source_host));
        json_line_string(line, "source_path", or_null(listed->row->source_path));
        if (!line_end(line, lines, err))
            return false;
        for (size_t i = first; i < life->events.count; i++)
            if (!json_history(lines, life->name, &life->events.items[i], err))
                return false;
        return lines_life_history_end(lines, life->events.count - first, err);
    }
    if (!lines_ready(lines, err))
        return false;
    print_columns(lines, listed);
    for (size_t i = first; i < life->events.count; i++)
        print_history(lines, &life->events.items[i]);
    return lines_written(lines, err);
}
