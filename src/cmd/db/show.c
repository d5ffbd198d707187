/* show.c: `db heads`, `db history` and `db show`: what a folder of revisions holds. */
#include <stdlib.h>
#include <string.h>

#include "team.h"

bool cmd_db_heads(CommandContext *context, Err *err)
{
    Revisions set = {0};
    Lines lines = command_lines(context);
    Buf down = {0};
    RevisionLine line;
    bool ok = team_load(context, &set, err);
    for (uint32_t i = 0; ok && i < set.count; i++) {
        ok = team_line(&set, i, &down, &line, err);
        if (ok && line.is_head)
            ok = lines_head(&lines, &line, err);
    }
    buf_free(&down);
    revisions_free(&set);
    return ok;
}

/* A:B, where either may be left out: what is on the way from A to B. Without a colon it is all that leads to B. */
static bool choose_range(const Revisions *set, const char *range, bool *chosen, Err *err)
{
    const char *colon = strchr(range, ':'), *to = colon != NULL ? colon + 1 : range;
    char *from = strndup(range, colon != NULL ? (size_t)(colon - range) : 0);
    bool *before = from != NULL ? revisions_none(set, err) : NULL;
    bool ok = before != NULL || err_no_memory(err);
    ok = ok && revisions_target(set, NULL, to[0] != '\0' ? to : "heads", chosen, err) &&
         (from[0] == '\0' || revisions_target(set, NULL, from, before, err));
    for (size_t i = 0; ok && i < set->count; i++)
        chosen[i] = chosen[i] && !before[i];
    free(before);
    free(from);
    return ok;
}

bool cmd_db_history(CommandContext *context, Err *err)
{
    const StringList *arguments = &context->options->arguments;
    Revisions set = {0};
    Lines lines = command_lines(context);
    Buf down = {0};
    RevisionLine line;
    bool ok = team_load(context, &set, err);
    bool *chosen = ok ? revisions_none(&set, err) : NULL;
    ok = chosen != NULL && choose_range(&set, arguments->count > 0 ? arguments->items[0] : ":", chosen, err);
    for (uint32_t i = (uint32_t)set.count; ok && i-- > 0;)
        ok = !chosen[i] || (team_line(&set, i, &down, &line, err) && lines_history(&lines, &line, err));
    free(chosen);
    buf_free(&down);
    revisions_free(&set);
    return ok;
}

static bool show_one(const CommandContext *context, const Revisions *set, const char *word, Err *err)
{
    Lines lines = command_lines(context);
    Buf down = {0};
    RevisionLine line;
    uint32_t index;
    bool ok = revisions_one(set, word, &index, err) &&
              (index != REVISION_NONE || err_set(err, ERR_SCHEMA, "%s: there is no revision before the first one", set->folder)) &&
              team_line(set, index, &down, &line, err) &&
              lines_revision_text(&lines, &line, set->items[index].text, err);
    buf_free(&down);
    return ok;
}

bool cmd_db_show(CommandContext *context, Err *err)
{
    Revisions set = {0};
    bool ok = team_load(context, &set, err) && show_one(context, &set, context->options->arguments.items[0], err);
    revisions_free(&set);
    return ok;
}
