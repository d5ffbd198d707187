/* check.c: the command `check`. */
#include <string.h>

#include "base/text.h"
#include "command.h"
#include "flow/audit_report.h"
#include "flow/progress.h"

static bool parse_sample(const char *text, AuditSettings *settings, Err *err)
{
    int64_t count;
    char number[32];
    size_t len = text != NULL ? strlen(text) : 0;
    settings->sample_share = 1;
    if (text == NULL)
        return true;
    if (len > 1 && len < sizeof number && text[len - 1] == '%') {
        double percent;
        memcpy(number, text, len - 1);
        number[len - 1] = '\0';
        if (text_parse_seconds(number, &percent) && strspn(number, "0123456789.") == len - 1 && percent > 0 && percent <= 100) {
            settings->sample_share = percent / 100;
            return true;
        }
    } else if (text_parse_int(text, 1, INT64_MAX, &count)) {
        settings->sample_count = (uint64_t)count;
        return true;
    }
    return err_set(err, ERR_USAGE, "--sample: a share such as 5%% or a number of models, not \"%s\"", text);
}

static int exit_code(const Audit *audit)
{
    if (audit->counts[1] + audit->counts[2] + audit->counts[3] > 0)
        return EXIT_DIFFERENCES;
    return audit->counts[4] > 0 ? err_exit_code(ERR_SKIP) : 0;
}

static CheckSummary summarize(const Audit *audit)
{
    return (CheckSummary){.same = audit->counts[audit_index(AUDIT_SAME)],
                          .only_on_disk = audit->counts[audit_index(AUDIT_ONLY_DISK)],
                          .only_in_store = audit->counts[audit_index(AUDIT_ONLY_STORE)],
                          .differ = audit->counts[audit_index(AUDIT_DIFFERS)],
                          .unchecked = audit->counts[audit_index(AUDIT_UNCHECKED)],
                          .older = audit->older,
                          .same_bytes = audit->bytes[audit_index(AUDIT_SAME)],
                          .exit_code = exit_code(audit)};
}

static bool answer(const CommandContext *context, const ModelList *models, const Inventory *inventory, const CheckSummary *summary,
                   Err *err) {
    const char *report = context->options->report;
    progress_stop();
    Lines lines = command_tree_lines(context, models);
    return (command_answers_in(report) || lines_check(&lines, inventory, summary, err)) &&
           (report == NULL || inventory_write_file(inventory, report, err));
}

bool cmd_check_options(const Options *options, Err *err)
{
    AuditSettings settings;
    return parse_sample(options->sample, &settings, err) && command_check_output(options, "--report", options->report, err) &&
           inventory_has_format(options->report, err);
}

bool cmd_check(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    AuditSettings settings = {.models_dir = context->models_dir,
                              .retry = &context->retry,
                              .scan = command_scan_rules(options),
                              .map_file = options->map,
                              .jobs = command_jobs(options),
                              .download = options->download,
                              .one_way = options->one_way,
                              .here = options->here ? command_host() : NULL};
    SourceTree tree = {.root = -1};
    ModelList models = {0};
    Audit audit = {0};
    Inventory inventory = {0};
    bool ok = parse_sample(options->sample, &settings, err) && audit_run(&settings, &tree, &models, &audit, err) &&
              source_tree_spare(&tree, options->report, err) &&
              audit_inventory(&audit, &tree, "Check report", false, store_target_label(context->retry.target), command_host(),
                              &inventory, err);
    if (ok) {
        CheckSummary summary = summarize(&audit);
        context->exit_code = summary.exit_code;
        ok = answer(context, &models, &inventory, &summary, err);
    }
    audit_free_inventory(&inventory);
    audit_free(&audit);
    source_tree_close(&tree);
    model_list_free(&models);
    return ok;
}
