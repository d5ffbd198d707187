/* revision.c: `db init`, `db revision` and `db merge`: the commands that write files into a folder of revisions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/fs.h"
#include "base/log.h"
#include "team.h"

static const char readme[] =
    "# Revisions of the schema\n\n"
    "Each `.sql` file is one step. `migrate_models_to_db db upgrade --migrations DIR` applies what is missing,\n"
    "`db downgrade` takes the last one back, `db revision -m \"what it does\"` writes a new file.\n"
    "What has been applied anywhere is not edited any more: write a new one.\n";

bool cmd_db_init(CommandContext *context, Err *err)
{
    const char *folder = context->options->migrations;
    Lines lines = command_lines(context);
    struct stat status;
    bool made;
    char *path = fs_join(folder, "README.md");
    bool ok = (path != NULL || err_no_memory(err)) && revisions_make_folder(folder, &made, err);
    if (ok && stat(path, &status) != 0)
        ok = atomic_file_put(path, 0666, readme, strlen(readme), err) && lines_new_file(&lines, path, err);
    free(path);
    return ok;
}

/* "update" tells the next reader nothing. */
static void advise(const char *message)
{
    static const char *const empty[] = {"update", "updates", "change", "changes", "fix", "migration", "new", "test", "wip"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        if (strcmp(message, empty[i]) == 0)
            log_line(LOG_WARN, "the message \"%s\" tells little; say what changes, as in add_user_preferences_table", message);
}

/* Of -m, or of whoever sits at the terminal; in `line` then. */
static const char *find_message(const Options *options, char *line, size_t cap, Err *err)
{
    if (options->message != NULL)
        return options->message;
    if (!isatty(STDIN_FILENO)) {
        err_set(err, ERR_USAGE, "a message is missing");
        err_hint(err, "say what the revision does with -m TEXT");
        return NULL;
    }
    fputs("Message: ", stderr);
    fflush(stderr);
    if (fgets(line, (int)cap, stdin) == NULL)
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] != '\0')
        return line;
    err_set(err, ERR_USAGE, "a message is missing");
    return NULL;
}

/* The ids that words name, NULL behind them. */
static bool resolve(const Revisions *set, const StringList *words, RevisionNames *out, Err *err)
{
    for (size_t i = 0; i < words->count; i++) {
        uint32_t index = revisions_find(set, words->items[i], err);
        const char **item = index != REVISION_NONE ? vec_push(out, err) : NULL;
        if (item == NULL)
            return false;
        *item = set->items[index].id;
    }
    return true;
}

static bool add_heads(const Revisions *set, RevisionNames *out, Err *err)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (revisions_is_parent(set, i))
            continue;
        const char **item = vec_push(out, err);
        if (item == NULL)
            return false;
        *item = set->items[i].id;
    }
    return true;
}

static bool end_list(RevisionNames *names, Err *err)
{
    const char **end = vec_push(names, err);
    if (end == NULL)
        return false;
    *end = NULL;
    names->count--;
    return true;
}

/* Writes the file and prints its path. */
static bool write_file(CommandContext *context, const Revisions *set, RevisionNames *parents, RevisionNames *depends, bool is_merge,
                       const char *message, Err *err)
{
    Lines lines = command_lines(context);
    char *path = NULL;
    if (!end_list(parents, err) || !end_list(depends, err))
        return false;
    NewRevision revision = {.id = context->options->rev_id,
                            .message = message,
                            .parents = parents->items,
                            .depends = depends->items,
                            .is_merge = is_merge};
    bool ok = revision_write(set, &revision, &path, err) && lines_new_file(&lines, path, err);
    free(path);
    return ok;
}

static bool choose_parents(const Options *options, const Revisions *set, RevisionNames *out, Err *err)
{
    StringList head = {.items = (const char *[]){options->head}, .count = 1};
    if (options->head != NULL)
        return resolve(set, &head, out, err);
    if (!add_heads(set, out, err))
        return false;
    if (out->count < 2)
        return true;
    err_set(err, ERR_SCHEMA, "%s: there are several heads, %s and %s; a new revision follows one", set->folder, out->items[0],
            out->items[1]);
    return err_hint(err, "name it with --head, or bring them together with: db merge");
}

bool cmd_db_revision(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    char line[256];
    Revisions set = {0};
    RevisionNames parents = {0}, depends = {0};
    bool made;
    const char *message = find_message(options, line, sizeof line, err);
    bool ok = message != NULL && revisions_make_folder(options->migrations, &made, err) && team_load(context, &set, err) &&
              choose_parents(options, &set, &parents, err) && resolve(&set, &options->depends_on, &depends, err);
    if (ok)
        advise(message);
    ok = ok && write_file(context, &set, &parents, &depends, false, message, err);
    free(parents.items);
    free(depends.items);
    revisions_free(&set);
    return ok;
}

bool cmd_db_merge(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    Revisions set = {0};
    RevisionNames parents = {0}, depends = {0};
    bool ok = team_load(context, &set, err) &&
              (options->arguments.count > 0 ? resolve(&set, &options->arguments, &parents, err) : add_heads(&set, &parents, err));
    if (ok && parents.count < 2)
        ok = err_set(err, ERR_USAGE, options->arguments.count > 0 ? "a merge needs two revisions or more"
                                                                  : "nothing to merge: the folder has not several heads");
    ok = ok && write_file(context, &set, &parents, &depends, true,
                          options->message != NULL ? options->message : "merge heads", err);
    free(parents.items);
    free(depends.items);
    revisions_free(&set);
    return ok;
}
