/* lines_run.c: what `run` prints. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "line.h"
#include "model/identify.h"

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
        [MODEL_BUSY] = &summary->busy_count,
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = 0;
    summary->raw_bytes = summary->stored_bytes = summary->tree_bytes = summary->inactive_count = summary->held_count = 0;
    summary->returned_count = summary->withheld_count = 0;
    for (uint32_t i = 0; i < models->count; i++) {
        const Model *model = &models->items[i];
        ++*(model->is_returned ? &summary->returned_count : counts[model->state]);
        summary->tree_bytes += model->stamp.size;
        if (model->state == MODEL_NEW) {
            summary->inactive_count += model->inactive && !model->is_held && !model->withheld;
            summary->held_count += model->is_held;
            summary->withheld_count += model->withheld && !model->is_held;
            summary->raw_bytes += model->stamp.size;
            summary->stored_bytes += model->stored_bytes;
        }
    }
    return count_duplicates(models, &summary->duplicate_count, err);
}

/* --- models ------------------------------------------------------------------------------------------------------------------ */

/* Type and event are not kept for every model of a tree: they are worked out again. NULL when the model has no good name. */
static const Identity *identify_again(const Model *model, const NameMap *map, Identity *identity)
{
    return model->name != NULL && identify(model, map, identity, NULL) ? identity : NULL;
}

static const char *status_of(const Model *model)
{
    return model->is_returned ? "returned" : model_state_name((ModelState)model->state);
}

static bool model_json(const Lines *lines, const Model *model, const Identity *identity, Err *err)
{
    ModelLine line = {.status = status_of(model),
                      .path = model->path,
                      .name = model->name,
                      .version = model->version,
                      .model_type = identity != NULL ? identity->model_type : NULL,
                      .event = identity != NULL ? identity->event : NULL,
                      .reason = model->reason,
                      .raw_bytes = model->stamp.size,
                      .stored_bytes = model->stored_bytes,
                      .content = model->has_content ? &model->content : NULL};
    return line_end(model_line_begin(&line), lines, err);
}

/* state  path -> name@version  type  event  size */
static void model_text(FILE *out, const Model *model, const Identity *identity)
{
    char raw[24], stored[24];
    fprintf(out, "%-9s  ", status_of(model));
    print_escaped(out, model->path);
    if (model->name != NULL) {
        fputs(" -> ", out);
        print_key(out, model->name, model->version);
    }
    if (identity != NULL) {
        fputs("  ", out);
        print_escaped(out, identity->model_type[0] != '\0' ? identity->model_type : "-");
        fputs("  ", out);
        print_escaped(out, identity->event[0] != '\0' ? identity->event : "-");
    }
    if (model->state == MODEL_NEW)
        fprintf(out, "  %s -> %s", text_bytes(raw, model->stamp.size), text_bytes(stored, model->stored_bytes));
    else if (model->state == MODEL_UNCHANGED)
        fprintf(out, "  %s", text_bytes(raw, model->stamp.size));
    fputc('\n', out);
}

bool lines_run_models(const Lines *lines, const ModelList *models, const NameMap *map, Err *err)
{
    if (!lines->json && !lines->verbose)
        return true;
    Identity *scratch = malloc(sizeof *scratch);
    bool ok = scratch != NULL || err_no_memory(err);
    for (uint32_t i = 0; ok && i < models->count; i++) {
        const Model *model = &models->items[i];
        const Identity *identity = identify_again(model, map, scratch);
        if (lines->json)
            ok = model_json(lines, model, identity, err);
        else if ((ok = lines_ready(lines, err)))
            model_text(lines->out, model, identity);
    }
    free(scratch);
    return ok && (lines->json || left_out_paths(lines, err)) && lines_written(lines, err);
}

/* --- the summary ------------------------------------------------------------------------------------------------------------- */

static bool summary_json(const Lines *lines, const RunSummary *summary, Err *err)
{
    JsonLine *line = summary_begin(lines);
    json_line_int(line, "new", (int64_t)summary->new_count);
    json_line_int(line, "inactive", (int64_t)summary->inactive_count);
    json_line_int(line, "held", (int64_t)summary->held_count);
    json_line_int(line, "withheld", (int64_t)summary->withheld_count);
    json_line_string(line, "payload", summary->plain ? "pickle" : "joblib");
    json_line_int(line, "unchanged", (int64_t)summary->unchanged_count);
    json_line_int(line, "returned", (int64_t)summary->returned_count);
    json_line_int(line, "duplicate", (int64_t)summary->duplicate_count);
    json_line_int(line, "conflict", (int64_t)summary->conflict_count);
    json_line_int(line, "failed", (int64_t)summary->failed_count);
    json_line_int(line, "skipped", (int64_t)summary->skipped_count);
    json_line_int(line, "busy", (int64_t)summary->busy_count);
    json_line_int(line, "pending", (int64_t)summary->pending_count);
    json_line_int(line, "raw_bytes", (int64_t)summary->raw_bytes);
    json_line_int(line, "stored_bytes", (int64_t)summary->stored_bytes);
    json_line_int(line, "read_bytes", (int64_t)summary->read_bytes);
    json_line_real(line, "seconds", summary->seconds);
    json_line_bool(line, "dry_run", summary->dry_run);
    json_line_string(line, "run_id", summary->run_id);
    json_line_string(line, "backup", summary->backup[0] != '\0' ? summary->backup : NULL);
    json_line_string(line, "journal", summary->journal[0] != '\0' ? summary->journal : NULL);
    return summary_end(line, lines, summary->exit_code, err);
}

/* After any other error something has to be mended first. */
static bool is_worth_repeating(int exit_code)
{
    return exit_code == err_exit_code(ERR_UNREACHABLE) || exit_code > 128;
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
    count_line(out, "not live", summary->inactive_count, "of these; readers get a newer one of the same series");
    count_line(out, "held", summary->held_count, "of these; stored, but not live: somebody went back, and holds the name");
    count_line(out, "withheld", summary->withheld_count, "of these, not live: their readers call pickle.loads; see above");
    count_line(out, "unchanged", summary->unchanged_count, "already stored with the same content");
    count_line(out, "returned", summary->returned_count, "went back to content that is stored, and readers with them");
    count_line(out, "duplicate", summary->duplicate_count, "of these, the same content as another model of the tree");
    count_line(out, "conflict", summary->conflict_count, "see above; nothing was changed for them");
    count_line(out, "failed", summary->failed_count, "see above");
    count_line(out, "skipped", summary->skipped_count, "left out on purpose");
    count_line(out, "busy", summary->busy_count, "still being written, or too young; left for the next run");
    count_line(out, "not done", summary->pending_count,
               is_worth_repeating(summary->exit_code) ? "run the same command again to go on"
                                                      : "see the error; when it is mended, the same command goes on");
    if (summary->new_count + summary->unchanged_count + summary->conflict_count + summary->failed_count + summary->skipped_count +
            summary->busy_count + summary->pending_count ==
        0)
        fputs("  no models found\n", out);
    else if (summary->new_count == 0 && summary->pending_count + summary->busy_count == 0)
        fprintf(out, "  nothing to store; the tree has %s\n", text_bytes(tree, summary->tree_bytes));
}

static void text_place(FILE *out, const char *label, const char *path)
{
    if (path[0] == '\0')
        return;
    fprintf(out, "  %-8s ", label);
    print_escaped(out, path);
    fputc('\n', out);
}

static bool summary_text(const Lines *lines, const RunSummary *summary, Err *err)
{
    char took[24], rate[24], read[24];
    FILE *out = lines->out;
    fputs(summary->dry_run ? "Plan for " : "Models in ", out);
    print_escaped(out, lines->store);
    fputc('\n', out);
    if (summary->schema_missing)
        fputs("  the tables are not there yet or not at head: they have to be upgraded first\n", out);
    if (summary->plain_by_others)
        fputs("  files are stored as plain pickles: rows of another program there are plain pickles\n", out);
    text_counts(out, summary);
    if (!left_out_lines(lines, true, err))
        return false;
    fprintf(out, "  took %s", text_seconds(took, summary->seconds));
    if (summary->read_count > 0)
        fprintf(out, ", read %llu models, %s (%s/s)\n", (unsigned long long)summary->read_count,
                text_bytes(read, summary->read_bytes),
                text_bytes(rate, (uint64_t)((double)summary->read_bytes / (summary->seconds > 0 ? summary->seconds : 1))));
    else
        fputs(", no model file was read\n", out);
    text_place(out, "backup", summary->backup);
    text_place(out, "journal", summary->journal);
    if (summary->dry_run)
        fputs("  dry run: nothing was written\n", out);
    return true;
}

bool lines_run_summary(const Lines *lines, const RunSummary *summary, Err *err)
{
    if (lines->json)
        return left_out_json(lines, err) && summary_json(lines, summary, err);
    return summary_text(lines, summary, err) && lines_written(lines, err);
}
