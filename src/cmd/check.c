/* check.c: the command `check`. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "command.h"
#include "flow/audit_report.h"
#include "port/json.h"

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

static void say_item(const InventoryItem *item)
{
    const char *what = item->path != NULL ? item->path : item->name != NULL ? item->name : "";
    char shown[2048];
    text_escape(shown, sizeof shown, what, strlen(what));
    printf("%c %s", item->letter, shown);
    if (item->version >= 0)
        printf("%s%s@%d", item->path != NULL ? "  " : "", item->path != NULL && item->name != NULL ? item->name : "",
               (int)item->version);
    if (item->reason != NULL)
        printf("  %s", item->reason);
    putchar('\n');
}

static bool say_item_json(const InventoryItem *item, Err *err)
{
    char letter[2] = {item->letter, '\0'};
    JsonLine *line = json_line_begin("model");
    json_line_string(line, "letter", letter);
    json_line_string(line, "path", item->path);
    json_line_string(line, "name", item->name);
    if (item->version >= 0)
        json_line_int(line, "version", item->version);
    json_line_int(line, "raw_bytes", (int64_t)item->raw_bytes);
    if (item->is_older)
        json_line_bool(line, "older", true);
    json_line_bool(line, "server_proof", item->server_proof);
    json_line_bool(line, "download_proof", item->download_proof);
    if (item->reason != NULL)
        json_line_string(line, "reason", item->reason);
    return json_line_end(line, stdout, err);
}

static bool say_total_json(const Audit *audit, int code, Err *err)
{
    static const char *const names[] = {"same", "only_on_disk", "only_in_store", "differ", "unchecked"};
    JsonLine *line = json_line_begin("summary");
    for (int i = 0; i < 5; i++)
        json_line_int(line, names[i], (int64_t)audit->counts[i]);
    json_line_int(line, "older", (int64_t)audit->older);
    json_line_int(line, "same_bytes", (int64_t)audit->bytes[0]);
    json_line_int(line, "exit_code", code);
    return json_line_end(line, stdout, err);
}

static void say_total(const Audit *audit)
{
    char bytes[24];
    printf("= %llu same, + %llu only on disk, - %llu only in the store, * %llu differ, ! %llu not checked; %s the same",
           (unsigned long long)audit->counts[0], (unsigned long long)audit->counts[1], (unsigned long long)audit->counts[2],
           (unsigned long long)audit->counts[3], (unsigned long long)audit->counts[4], text_bytes(bytes, audit->bytes[0]));
    if (audit->older > 0)
        printf("; %llu older versions in the store", (unsigned long long)audit->older);
    putchar('\n');
}

static int exit_code(const Audit *audit)
{
    if (audit->counts[1] + audit->counts[2] + audit->counts[3] > 0)
        return EXIT_DIFFERENCES;
    return audit->counts[4] > 0 ? err_exit_code(ERR_SKIP) : 0;
}

static bool tell(const Options *options, const Audit *audit, const Inventory *inventory, int code, Err *err)
{
    bool all = options->verbose > 0, silent = command_answers_in(options->report);
    for (size_t i = 0; i < inventory->count; i++) {
        const InventoryItem *item = &inventory->items[i];
        if (options->json && !say_item_json(item, err))
            return false;
        if (!options->json && !silent && (all || (item->letter != AUDIT_SAME && !item->is_older)))
            say_item(item);
    }
    if (options->json && !say_total_json(audit, code, err))
        return false;
    if (!options->json && !options->quiet && !silent)
        say_total(audit);
    return options->report == NULL || inventory_write_file(inventory, options->report, err);
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
                              .one_way = options->one_way};
    SourceTree tree = {.root = -1};
    ModelList models = {0};
    Audit audit = {0};
    Inventory inventory = {0};
    bool ok = parse_sample(options->sample, &settings, err) && audit_run(&settings, &tree, &models, &audit, err) &&
              audit_inventory(&audit, &tree, "Check report", false, store_target_label(context->retry.target), command_host(),
                              &inventory, err);
    if (ok) {
        context->exit_code = exit_code(&audit);
        ok = tell(options, &audit, &inventory, context->exit_code, err);
    }
    audit_free_inventory(&inventory);
    audit_free(&audit);
    source_tree_close(&tree);
    model_list_free(&models);
    return ok;
}
