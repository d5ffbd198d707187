/* cleanup.c: the command `cleanup`. Deletes nothing but by --apply. */
#include <poll.h>
#include <stdio.h>
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
#include "port/json.h"

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
                           .sample_share = 1};
}

/* --- the report -------------------------------------------------------------------------------------------------------------- */

static void print_escaped(const char *text)
{
    char shown[4096];
    text_escape(shown, sizeof shown, text, strlen(text));
    fputs(shown, stdout);
}

static void say_can_go(const InventoryItem *item)
{
    char when[25], raw[24];
    clock_iso(when, item->row->created_ns);
    fputs("  ", stdout);
    print_escaped(item->path);
    fputs("  is ", stdout);
    print_escaped(item->name);
    printf("@%d, %s, stored %.10s by run %s\n", (int)item->version, text_bytes(raw, item->raw_bytes), when,
           item->row->run_id[0] != '\0' ? item->row->run_id : "unknown");
}

static void say_must_stay(const InventoryItem *item)
{
    fputs("  ", stdout);
    print_escaped(item->path);
    fputs(": ", stdout);
    print_escaped(item->reason != NULL ? item->reason : "");
    putchar('\n');
}

static void say_text(const Inventory *inventory)
{
    uint64_t bytes[2] = {0};
    unsigned long long counts[2] = {0};
    char text[24];
    for (size_t i = 0; i < inventory->count; i++) {
        counts[inventory->items[i].can_go]++;
        bytes[inventory->items[i].can_go] += inventory->items[i].raw_bytes;
    }
    if (counts[1] > 0)
        puts("May go: stored, proven by the server, read back and decoded just now");
    for (size_t i = 0; i < inventory->count; i++)
        if (inventory->items[i].can_go)
            say_can_go(&inventory->items[i]);
    if (counts[0] > 0)
        puts("Must stay:");
    for (size_t i = 0; i < inventory->count; i++)
        if (!inventory->items[i].can_go)
            say_must_stay(&inventory->items[i]);
    printf("%llu may go (%s)", counts[1], text_bytes(text, bytes[1]));
    printf(", %llu must stay (%s); nothing was deleted\n", counts[0], text_bytes(text, bytes[0]));
}

static bool say_json_total(const uint64_t counts[2], const uint64_t bytes[2], int code, Err *err)
{
    JsonLine *line = json_line_begin("summary");
    json_line_int(line, "can_go", (int64_t)counts[1]);
    json_line_int(line, "can_go_bytes", (int64_t)bytes[1]);
    json_line_int(line, "must_stay", (int64_t)counts[0]);
    json_line_int(line, "must_stay_bytes", (int64_t)bytes[0]);
    json_line_int(line, "exit_code", code);
    return json_line_end(line, stdout, err);
}

static bool say_json(const Inventory *inventory, int code, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    uint64_t counts[2] = {0}, bytes[2] = {0};
    for (size_t i = 0; i < inventory->count; i++) {
        const InventoryItem *item = &inventory->items[i];
        JsonLine *line = json_line_begin("model");
        json_line_string(line, "path", item->path);
        json_line_string(line, "name", item->name);
        if (item->version >= 0)
            json_line_int(line, "version", item->version);
        json_line_bool(line, "can_go", item->can_go);
        json_line_int(line, "raw_bytes", (int64_t)item->raw_bytes);
        if (item->row != NULL) {
            digest_hex(&item->row->content, hex);
            json_line_string(line, "content_sha256", hex);
        }
        if (item->reason != NULL)
            json_line_string(line, "reason", item->reason);
        if (!json_line_end(line, stdout, err))
            return false;
        counts[item->can_go]++;
        bytes[item->can_go] += item->raw_bytes;
    }
    return say_json_total(counts, bytes, code, err);
}

static bool write_plan(const Audit *audit, const SourceTree *tree, const char *path, bool quiet, Err *err)
{
    CleanupPlan plan = {0};
    bool ok = cleanup_make_plan(audit, tree, &plan, err) && (path == NULL || cleanup_plan_write(&plan, path, err));
    if (ok && path != NULL && !quiet && !userfile_is_stream(path))
        log_line(LOG_WARN, "the plan is in %s; to execute it: cleanup --apply %s", path, path);
    cleanup_plan_free(&plan);
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
    bool ok =
        audit_run(&settings, &tree, &models, &audit, err) &&
        audit_inventory(&audit, &tree, "Clean-up report", true, store_target_label(context->retry.target), command_host(),
                        &inventory, err) &&
        write_plan(&audit, &tree, options->plan, options->quiet, err) &&
        (options->report == NULL || inventory_write_file(&inventory, options->report, err));
    context->exit_code = ok && audit.counts[audit_index(AUDIT_UNCHECKED)] > 0 ? err_exit_code(ERR_SKIP) : 0;
    if (ok && options->json)
        ok = say_json(&inventory, context->exit_code, err);
    else if (ok && !options->quiet && !command_answers_in(options->plan) && !command_answers_in(options->report))
        say_text(&inventory);
    audit_free_inventory(&inventory);
    audit_free(&audit);
    source_tree_close(&tree);
    model_list_free(&models);
    return ok;
}

/* --- the plan executed ------------------------------------------------------------------------------------------------------- */

static bool say_done(void *ctx, const CleanupLine *line, const char *why, Err *err)
{
    const Options *options = ctx;
    if (options->json) {
        JsonLine *json = json_line_begin("model");
        json_line_string(json, "path", line->path);
        json_line_bool(json, "removed", why == NULL);
        if (why != NULL)
            json_line_string(json, "reason", why);
        return json_line_end(json, stdout, err);
    }
    if (why == NULL && options->quiet)
        return true;
    fputs(why == NULL ? "removed  " : "stays    ", stdout);
    print_escaped(line->path);
    if (why != NULL)
        printf(": ");
    print_escaped(why != NULL ? why : "");
    putchar('\n');
    return true;
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

/* A deletion wants a yes: from --yes, or from a person. */
static bool confirm(const Options *options, const CleanupPlan *plan, Err *err)
{
    uint64_t count = 0;
    char answer[16];
    for (size_t i = 0; i < plan->count; i++)
        count += plan->lines[i].delete_it;
    if (options->yes || count == 0)
        return true;
    if (!isatty(STDIN_FILENO)) {
        err_set(err, ERR_USAGE, "%llu sources would be removed, and nobody is there to say yes", (unsigned long long)count);
        return err_hint(err, "add --yes");
    }
    fprintf(stderr, "Remove up to %llu sources, each after its proof? [y/N] ", (unsigned long long)count);
    if (!read_answer(answer, sizeof answer, err))
        return false;
    if (answer[0] == 'y' || answer[0] == 'Y')
        return true;
    return err_set(err, ERR_STOP, "not confirmed; nothing was removed");
}

static bool say_applied(const Options *options, const CleanupResult *result, int code, Err *err)
{
    char bytes[24];
    if (options->json) {
        JsonLine *line = json_line_begin("summary");
        json_line_int(line, "removed", (int64_t)result->removed_count);
        json_line_int(line, "removed_bytes", (int64_t)result->removed_bytes);
        json_line_int(line, "kept", (int64_t)result->kept_count);
        json_line_int(line, "exit_code", code);
        return json_line_end(line, stdout, err);
    }
    if (!options->quiet)
        printf("%llu removed (%s)%s, %llu stay\n", (unsigned long long)result->removed_count,
               text_bytes(bytes, result->removed_bytes), options->trash != NULL ? " to the trash" : "",
               (unsigned long long)result->kept_count);
    return true;
}

static bool apply(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    CleanupSettings settings = {.audit = audit_settings(context), .state_dir = options->state_dir, .trash = options->trash};
    CleanupPlan plan = {0};
    CleanupResult result = {0};
    bool ok = cleanup_plan_read(options->apply, &plan, err) && confirm(options, &plan, err) &&
              cleanup_apply(&settings, &plan, say_done, (void *)options, &result, err);
    context->exit_code = result.kept_count > 0 ? err_exit_code(ERR_SKIP) : 0;
    if (ok || result.removed_count + result.kept_count > 0)
        ok = say_applied(options, &result, ok ? context->exit_code : err_exit_code(err->cls), ok ? err : NULL) && ok;
    cleanup_plan_free(&plan);
    return ok;
}

bool cmd_cleanup_options(const Options *options, Err *err)
{
    if (options->apply != NULL && (options->plan != NULL || options->report != NULL))
        return err_set(err, ERR_USAGE, "--apply does not go with --plan or --report");
    if (command_answers_in(options->plan) && command_answers_in(options->report))
        return err_set(err, ERR_USAGE, "--plan and --report both name standard output");
    if (options->apply == NULL && (options->trash != NULL || options->yes))
        return err_set(err, ERR_USAGE, "--trash and --yes go with --apply");
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
