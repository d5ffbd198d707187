/* lines_rows.c: what `get`, `restore`, `copy` and `db` print. */
#include "base/text.h"
#include "line.h"

bool lines_got(const Lines *lines, const StoredModel *row, const char *path, Err *err)
{
    char raw[24];
    if (lines->json) {
        ModelLine model = model_line_of_row(row);
        model.status = "written";
        model.path = path;
        return line_end(model_line_begin(&model), lines, err);
    }
    if (lines->quiet)
        return true;
    print_escaped(lines->out, path);
    fprintf(lines->out, "  %s\n", text_bytes(raw, row->raw_bytes));
    return lines_written(lines, err);
}

bool lines_got_of_many(const Lines *lines, const StoredModel *row, const char *path, const char *status, const char *reason,
                       Err *err) {
    if (lines->json) {
        ModelLine model = model_line_of_row(row);
        model.status = status;
        model.path = path;
        model.reason = reason;
        return line_end(model_line_begin(&model), lines, err);
    }
    if (!lines->verbose || reason != NULL) /* the reason is in the log */
        return true;
    if (!lines_ready(lines, err))
        return false;
    fprintf(lines->out, "%-8s  ", status);
    print_escaped(lines->out, path);
    fputc('\n', lines->out);
    return lines_written(lines, err);
}

bool lines_get_summary(const Lines *lines, const GetSummary *summary, Err *err)
{
    char raw[24];
    if (lines->json) {
        JsonLine *line = summary_begin(lines);
        json_line_int(line, "written", (int64_t)summary->written);
        json_line_int(line, "present", (int64_t)summary->present);
        json_line_int(line, "failed", (int64_t)summary->failed);
        json_line_int(line, "raw_bytes", (int64_t)summary->raw_bytes);
        return summary_end(line, lines, summary->exit_code, err);
    }
    if (lines->quiet || summary->written + summary->present + summary->failed < 1)
        return true;
    fprintf(lines->out, "%llu written (%s), %llu were there, %llu failed\n", (unsigned long long)summary->written,
            text_bytes(raw, summary->raw_bytes), (unsigned long long)summary->present, (unsigned long long)summary->failed);
    return lines_written(lines, err);
}

/* `stored`: the command's own word for a row that it stored. */
static bool delivered(const Lines *lines, const StoredModel *row, RowStatus status, const char *stored, const char *reason,
                      Err *err)
{
    const char *const names[] = {[ROW_STORED] = stored,
                                 [ROW_PRESENT] = "present",
                                 [ROW_CONFLICT] = "conflict",
                                 [ROW_UNCONFIRMED] = "unconfirmed",
                                 [ROW_FAILED] = "failed"};
    if (lines->json) {
        ModelLine model = model_line_of_row(row);
        model.status = names[status];
        model.reason = reason;
        return line_end(model_line_begin(&model), lines, err);
    }
    if (!lines->verbose)
        return true;
    if (!lines_ready(lines, err))
        return false;
    fprintf(lines->out, "%-11s  ", names[status]);
    if (row != NULL)
        print_key(lines->out, row->name, row->version);
    else
        print_escaped(lines->out, reason != NULL ? reason : "");
    fputc('\n', lines->out);
    return lines_written(lines, err);
}

bool lines_restored(const Lines *lines, const StoredModel *row, RowStatus status, const char *reason, Err *err)
{
    return delivered(lines, row, status, "restored", reason, err);
}

bool lines_copied(const Lines *lines, const StoredModel *row, RowStatus status, const char *reason, Err *err)
{
    return delivered(lines, row, status, "copied", reason, err);
}

static bool copy_summary_json(const Lines *lines, const CopySummary *summary, Err *err)
{
    JsonLine *line = summary_begin(lines);
    json_line_string(line, "from", summary->from);
    json_line_int(line, "copied", (int64_t)summary->copied);
    json_line_int(line, "present", (int64_t)summary->present);
    json_line_int(line, "conflict", (int64_t)summary->conflict);
    json_line_int(line, "failed", (int64_t)summary->failed);
    json_line_int(line, "made_inactive", (int64_t)summary->made_inactive);
    json_line_int(line, "raw_bytes", (int64_t)summary->raw_bytes);
    json_line_int(line, "stored_bytes", (int64_t)summary->stored_bytes);
    json_line_bool(line, "dry_run", summary->dry_run);
    return summary_end(line, lines, summary->exit_code, err);
}

bool lines_copy_summary(const Lines *lines, const CopySummary *summary, Err *err)
{
    char bytes[24];
    if (lines->json)
        return copy_summary_json(lines, summary, err);
    if (lines->quiet)
        return true;
    fprintf(lines->out, "%s%llu models (%s) copied from ", summary->dry_run ? "dry run, nothing is written: " : "",
            (unsigned long long)summary->copied, text_bytes(bytes, summary->stored_bytes));
    print_escaped(lines->out, summary->from);
    fputs(" to ", lines->out);
    print_escaped(lines->out, lines->store);
    fprintf(lines->out, "; %llu were there, %llu conflict, %llu failed\n", (unsigned long long)summary->present,
            (unsigned long long)summary->conflict, (unsigned long long)summary->failed);
    if (summary->made_inactive > 0)
        fprintf(lines->out, "%llu of them are inactive there, because their names were there before\n",
                (unsigned long long)summary->made_inactive);
    return lines_written(lines, err);
}

bool lines_restore_summary(const Lines *lines, const RestoreSummary *summary, Err *err)
{
    if (lines->json) {
        JsonLine *line = summary_begin(lines);
        json_line_int(line, "backups", (int64_t)summary->backups);
        json_line_int(line, "restored", (int64_t)summary->restored);
        json_line_int(line, "present", (int64_t)summary->present);
        json_line_int(line, "conflict", (int64_t)summary->conflict);
        json_line_int(line, "unconfirmed", (int64_t)summary->unconfirmed);
        json_line_int(line, "failed", (int64_t)summary->failed);
        return summary_end(line, lines, summary->exit_code, err);
    }
    if (lines->quiet)
        return true;
    fprintf(lines->out, "%llu rows restored from %llu backups to ", (unsigned long long)summary->restored,
            (unsigned long long)summary->backups);
    print_escaped(lines->out, lines->store);
    fprintf(lines->out, "; %llu were there, %llu conflict, %llu unconfirmed, %llu refused\n", (unsigned long long)summary->present,
            (unsigned long long)summary->conflict, (unsigned long long)summary->unconfirmed, (unsigned long long)summary->failed);
    return lines_written(lines, err);
}

bool lines_applied(const Lines *lines, const char *revision, const char *slug, Err *err)
{
    if (lines->json) {
        JsonLine *line = json_line_begin("applied");
        json_line_string(line, "revision", revision);
        json_line_string(line, "slug", slug);
        return line_end(line, lines, err);
    }
    if (!lines->quiet)
        fprintf(lines->out, "applied %s (%s)\n", revision, slug);
    return lines_written(lines, err);
}

bool lines_upgraded(const Lines *lines, unsigned applied, Err *err)
{
    if (applied == 0 && !lines->json && !lines->quiet)
        fputs("nothing to do: the schema is at head\n", lines->out);
    return lines_written(lines, err);
}

bool lines_current(const Lines *lines, const char *revision, bool is_head, Err *err)
{
    if (lines->json) {
        JsonLine *line = json_line_begin("current");
        json_line_string(line, "revision", revision[0] != '\0' ? revision : NULL);
        json_line_bool(line, "head", is_head);
        return line_end(line, lines, err);
    }
    fprintf(lines->out, "%s%s\n", revision[0] != '\0' ? revision : "base", is_head ? " (head)" : "");
    return lines_written(lines, err);
}
