#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "port/json.h"

static int compare_digests(const void *a, const void *b)
{
    return memcmp(*(const Digest *const *)a, *(const Digest *const *)b, sizeof(Digest));
}

/* Models less distinct contents, among those whose content is known and stored. */
static bool count_duplicates(const ModelList *models, uint64_t *out, Err *err)
{
    const Digest **digests = malloc(((size_t)models->count + 1) * sizeof *digests);
    size_t count = 0;
    if (digests == NULL)
        return err_no_memory(err);
    for (uint32_t i = 0; i < models->count; i++) {
        const Model *model = &models->items[i];
        if (model->has_content && (model->state == MODEL_NEW || model->state == MODEL_UNCHANGED))
            digests[count++] = &model->content;
    }
    qsort(digests, count, sizeof *digests, compare_digests);
    *out = 0;
    for (size_t i = 1; i < count; i++)
        *out += digest_equal(digests[i - 1], digests[i]);
    free(digests);
    return true;
}

bool summary_count(const ModelList *models, RunSummary *summary, Err *err)
{
    uint64_t *const counts[] = {
        [MODEL_PENDING] = &summary->pending_count, [MODEL_UNCHANGED] = &summary->unchanged_count,
        [MODEL_NEW] = &summary->new_count,         [MODEL_CONFLICT] = &summary->conflict_count,
        [MODEL_FAILED] = &summary->failed_count,   [MODEL_SKIPPED] = &summary->skipped_count,
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = 0;
    summary->raw_bytes = summary->stored_bytes = summary->tree_bytes = 0;
    for (uint32_t i = 0; i < models->count; i++) {
        const Model *model = &models->items[i];
        ++*counts[model->state];
        summary->tree_bytes += model->stamp.size;
        if (model->state == MODEL_NEW) {
            summary->raw_bytes += model->stamp.size;
            summary->stored_bytes += model->stored_bytes;
        }
    }
    return count_duplicates(models, &summary->duplicate_count, err);
}

static bool model_json(FILE *out, const Model *model, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    JsonLine *line = json_line_begin("model");
    json_line_string(line, "path", model->path);
    json_line_string(line, "name", model->name);
    if (model->version == VERSION_AUTO)
        json_line_string(line, "version", NULL);
    else
        json_line_int(line, "version", model->version);
    json_line_string(line, "status", model_state_name((ModelState)model->state));
    json_line_int(line, "raw_bytes", (int64_t)model->stamp.size);
    if (model->stored_bytes > 0)
        json_line_int(line, "stored_bytes", (int64_t)model->stored_bytes);
    if (model->has_content) {
        digest_hex(&model->content, hex);
        json_line_string(line, "content_sha256", hex);
    }
    if (model->reason != NULL)
        json_line_string(line, "reason", model->reason);
    return json_line_end(line, out, err);
}

static void model_text(FILE *out, const Model *model)
{
    char raw[24], stored[24], name[2048];
    const char *shown = model->name != NULL ? model->name : model->path;
    text_escape(name, sizeof name, shown, strlen(shown));
    fprintf(out, "%-9s  %s", model_state_name((ModelState)model->state), name);
    if (model->version != VERSION_AUTO)
        fprintf(out, "@%d", (int)model->version);
    if (model->state == MODEL_NEW)
        fprintf(out, "  %s -> %s", text_bytes(raw, model->stamp.size), text_bytes(stored, model->stored_bytes));
    else if (model->state == MODEL_UNCHANGED)
        fprintf(out, "  %s", text_bytes(raw, model->stamp.size));
    fputc('\n', out);
}

static bool check_written(FILE *out, Err *err)
{
    return (fflush(out) == 0 && !ferror(out)) || err_set(err, ERR_STOP, "cannot write the report to standard output");
}

bool report_models(FILE *out, const ModelList *models, ReportFormat format, bool all, Err *err)
{
    for (uint32_t i = 0; i < models->count; i++) {
        const Model *model = &models->items[i];
        if (format == REPORT_TEXT && all)
            model_text(out, model);
        else if (format == REPORT_JSON && !model_json(out, model, err))
            return false;
    }
    return check_written(out, err);
}

static bool summary_json(FILE *out, const RunSummary *summary, Err *err)
{
    JsonLine *line = json_line_begin("summary");
    json_line_int(line, "new", (int64_t)summary->new_count);
    json_line_int(line, "unchanged", (int64_t)summary->unchanged_count);
    json_line_int(line, "duplicate", (int64_t)summary->duplicate_count);
    json_line_int(line, "conflict", (int64_t)summary->conflict_count);
    json_line_int(line, "failed", (int64_t)summary->failed_count);
    json_line_int(line, "skipped", (int64_t)summary->skipped_count);
    json_line_int(line, "pending", (int64_t)summary->pending_count);
    json_line_int(line, "raw_bytes", (int64_t)summary->raw_bytes);
    json_line_int(line, "stored_bytes", (int64_t)summary->stored_bytes);
    json_line_int(line, "read_bytes", (int64_t)summary->read_bytes);
    json_line_real(line, "seconds", summary->seconds);
    json_line_bool(line, "dry_run", summary->dry_run);
    json_line_string(line, "run_id", summary->run_id);
    json_line_string(line, "store", summary->store);
    json_line_string(line, "backup", summary->backup[0] != '\0' ? summary->backup : NULL);
    json_line_string(line, "journal", summary->journal[0] != '\0' ? summary->journal : NULL);
    json_line_int(line, "exit_code", summary->exit_code);
    return json_line_end(line, out, err);
}

static void count_line(FILE *out, const char *label, uint64_t count, const char *note)
{
    if (count > 0)
        fprintf(out, "  %-10s %8llu  %s\n", label, (unsigned long long)count, note);
}

static void text_counts(FILE *out, const RunSummary *summary)
{
    char raw[24], stored[24], tree[24], note[128];
    snprintf(note, sizeof note, "%s -> %s%s (%.0f %%)", text_bytes(raw, summary->raw_bytes),
             text_bytes(stored, summary->stored_bytes), summary->dry_run ? " expected" : " stored",
             summary->raw_bytes > 0 ? 100.0 * (double)summary->stored_bytes / (double)summary->raw_bytes : 0);
    count_line(out, "new", summary->new_count, note);
    snprintf(note, sizeof note, "already stored with the same content");
    count_line(out, "unchanged", summary->unchanged_count, note);
    count_line(out, "duplicate", summary->duplicate_count, "of these, the same content as another model of the tree");
    count_line(out, "conflict", summary->conflict_count, "see above; nothing was changed for them");
    count_line(out, "failed", summary->failed_count, "see above");
    count_line(out, "skipped", summary->skipped_count, "left out on purpose");
    count_line(out, "not done", summary->pending_count, "run the same command again to go on");
    if (summary->new_count + summary->unchanged_count + summary->conflict_count + summary->failed_count + summary->skipped_count +
            summary->pending_count ==
        0)
        fprintf(out, "  no models found\n");
    else if (summary->new_count == 0 && summary->pending_count == 0)
        fprintf(out, "  nothing to store; the tree has %s\n", text_bytes(tree, summary->tree_bytes));
}

static void summary_text(FILE *out, const RunSummary *summary)
{
    char took[24], rate[24], read[24], line[4200];
    text_escape(line, sizeof line, summary->store, strlen(summary->store));
    fprintf(out, "%s %s\n", summary->dry_run ? "Plan for" : "Models in", line);
    if (summary->schema_missing)
        fprintf(out, "  the tables are not there yet or not at head: use run --upgrade, or db upgrade first\n");
    text_counts(out, summary);
    fprintf(out, "  took %s", text_seconds(took, summary->seconds));
    if (summary->read_count > 0)
        fprintf(out, ", read %llu models, %s (%s/s)", (unsigned long long)summary->read_count,
                text_bytes(read, summary->read_bytes),
                text_bytes(rate, (uint64_t)((double)summary->read_bytes / (summary->seconds > 0 ? summary->seconds : 1))));
    else
        fprintf(out, ", no model file was read");
    fputc('\n', out);
    if (summary->backup[0] != '\0') {
        text_escape(line, sizeof line, summary->backup, strlen(summary->backup));
        fprintf(out, "  backup   %s\n", line);
    }
    if (summary->journal[0] != '\0') {
        text_escape(line, sizeof line, summary->journal, strlen(summary->journal));
        fprintf(out, "  journal  %s\n", line);
    }
    if (summary->dry_run)
        fprintf(out, "  dry run: nothing was written\n");
}

bool report_summary(FILE *out, const RunSummary *summary, ReportFormat format, Err *err)
{
    if (format == REPORT_JSON && !summary_json(out, summary, err))
        return false;
    if (format == REPORT_TEXT)
        summary_text(out, summary);
    return check_written(out, err);
}
