/* cleanup.c: the command `cleanup`. Deletes nothing but by --apply. */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "base/userfile.h"
#include "command.h"
#include "flow/audit_report.h"
#include "flow/cleanup.h"
#include "flow/progress.h"
#include "words/retell.h"

static AuditSettings audit_settings(CommandContext *context)
{
    const Options *options = context->options;
    return (AuditSettings){.models_dir = context->models_dir,
                           .retry = &context->retry,
                           .scan = command_scan_rules(options),
                           .map_file = options->map,
                           .jobs = command_jobs(options),
                           .download = true,
                           .one_way = true,
                           .for_removal = true,
                           .sample_share = 1};
}

/* --- the report -------------------------------------------------------------------------------------------------------------- */

static bool write_plan(const Audit *audit, const SourceTree *tree, const char *path, Err *err)
{
    CleanupPlan plan = {0};
    bool ok = cleanup_make_plan(audit, tree, &plan, err) && (path == NULL || cleanup_plan_write(&plan, path, err));
    cleanup_plan_free(&plan);
    return ok;
}

/* The command that executes the plan. Without a file that it could name: "". */
static bool tell_next(const Options *options, Buf *out, Err *err)
{
    static const char *const without[] = {"plan", "report", "json", "verbose", "quiet", NULL};
    if (options->plan == NULL || userfile_is_stream(options->plan))
        return true;
    Buf words = {0};
    bool ok = buf_text(&words, "cleanup --apply", err) && retell_word(options->plan, &words, err) &&
              retell(options, words.data, without, out, err);
    buf_free(&words);
    return ok;
}

static bool report(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    AuditSettings settings = audit_settings(context);
    SourceTree tree = {.root = -1};
    ModelList models = {0};
    Audit audit = {0};
    Inventory inventory = {0};
    Buf next = {0};
    bool ok =
        audit_run(&settings, &tree, &models, &audit, err) && source_tree_spare(&tree, options->plan, err) &&
        source_tree_spare(&tree, options->report, err) &&
        audit_inventory(&audit, &tree, "Clean-up report", true, store_target_label(context->retry.target), command_host(),
                        &inventory, err) &&
        write_plan(&audit, &tree, options->plan, err) && tell_next(options, &next, err) &&
        (options->report == NULL || inventory_write_file(&inventory, options->report, err));
    context->exit_code = ok && audit.counts[audit_index(AUDIT_UNCHECKED)] > 0 ? err_exit_code(ERR_SKIP) : 0;
    progress_stop();
    Lines lines = command_tree_lines(context, &models);
    lines.next_command = next.data;
    if (ok && !command_answers_in(options->plan) && !command_answers_in(options->report))
        ok = lines_cleanup(&lines, &inventory, context->exit_code, err);
    buf_free(&next);
    audit_free_inventory(&inventory);
    audit_free(&audit);
    source_tree_close(&tree);
    model_list_free(&models);
    return ok;
}

/* --- the plan executed ------------------------------------------------------------------------------------------------------- */

static bool say_done(void *ctx, const CleanupLine *line, const char *why, Err *err)
{
    return lines_removed(ctx, line->path, &line->row, why, err);
}

/* A line from the terminal, "" at its end. The signals are blocked here, so the wait has to look for them. */
static bool read_answer(char *out, size_t cap, Err *err)
{
    struct pollfd entry = {.fd = STDIN_FILENO, .events = POLLIN};
    out[0] = '\0';
    while (poll(&entry, 1, 100) == 0)
        if (!interrupt_check(err))
            return false;
    ssize_t got = read(STDIN_FILENO, out, cap - 1);
    out[got > 0 ? got : 0] = '\0';
    return interrupt_check(err);
}

/* A deletion wants a yes: from --yes, or from a person, who is told what it is about. */
static bool confirm(const CommandContext *context, const CleanupPlan *plan, Err *err)
{
    const Options *options = context->options;
    unsigned long long count = 0;
    uint64_t bytes = 0;
    char answer[16], size[24];
    for (size_t i = 0; i < plan->count; i++) {
        count += plan->lines[i].delete_it;
        bytes += plan->lines[i].delete_it ? plan->lines[i].row.raw_bytes : 0;
    }
    if (options->yes || count == 0)
        return true;
    if (!isatty(STDIN_FILENO)) {
        err_set(err, ERR_USAGE, "%llu sources would be removed, and standard input is no terminal to confirm on", count);
        return err_hint(err, "add --yes");
    }
    char place[PATH_MAX];
    const char *folder = realpath(context->models_dir, place) != NULL ? place : context->models_dir;
    log_question("Remove up to %llu source%s (%s) from %s as %s plans it, each after its proof%s%s? [y/N] ", count,
                 count == 1 ? "" : "s", text_bytes(size, bytes), folder, options->apply,
                 options->trash != NULL ? ", to " : "", options->trash != NULL ? options->trash : "");
    if (!read_answer(answer, sizeof answer, err))
        return false;
    if (answer[0] == 'y' || answer[0] == 'Y')
        return true;
    return err_set(err, ERR_STOP, "not confirmed; nothing was removed");
}

static RemovalSummary summarize(const CommandContext *context, const CleanupResult *result, int exit_code)
{
    return (RemovalSummary){.removed = result->removed_count,
                            .removed_bytes = result->removed_bytes,
                            .kept = result->kept_count,
                            .to_trash = context->options->trash != NULL,
                            .exit_code = exit_code};
}

static bool apply(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    CleanupSettings settings = {.audit = audit_settings(context), .state_dir = options->state_dir, .trash = options->trash};
    CleanupPlan plan = {0};
    CleanupResult result = {0};
    Lines lines = command_lines(context);
    bool ok = cleanup_plan_read(options->apply, &plan, err) && confirm(context, &plan, err) &&
              cleanup_apply(&settings, &plan, say_done, &lines, &result, err);
    progress_stop();
    context->exit_code = result.kept_count > 0 ? err_exit_code(ERR_SKIP) : 0;
    if (ok || result.removed_count + result.kept_count > 0) {
        lines.signalled = interrupt_signal(); /* the one that ended the work does not end the answer */
        RemovalSummary summary = summarize(context, &result, ok ? context->exit_code : command_exit_code(err));
        ok = lines_removal_summary(&lines, &summary, ok ? err : NULL) && ok;
    }
    cleanup_plan_free(&plan);
    return ok;
}

bool cmd_cleanup_options(const Options *options, Err *err)
{
    if (options->apply != NULL && (options->plan != NULL || options->report != NULL))
        return err_set(err, ERR_USAGE, "--apply cannot be combined with --plan or --report");
    if (command_answers_in(options->plan) && command_answers_in(options->report))
        return err_set(err, ERR_USAGE, "--plan and --report both name standard output");
    if (options->apply == NULL && (options->trash != NULL || options->yes))
        return err_set(err, ERR_USAGE, "--trash and --yes need --apply");
    if (options->plan != NULL && options->report != NULL && strcmp(options->plan, options->report) == 0 &&
        !userfile_is_stream(options->plan))
        return err_set(err, ERR_USAGE, "--plan and --report name the same file");
    return command_check_output(options, "--plan", options->plan, err) &&
           command_check_output(options, "--report", options->report, err) && inventory_has_format(options->report, err);
}

bool cmd_cleanup(CommandContext *context, Err *err)
{
    return context->options->apply != NULL ? apply(context, err) : report(context, err);
}
