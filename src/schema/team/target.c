#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "parts.h"

#define STEPS_MAX 1000000

static bool refuse_heads(const Revisions *set, Err *err)
{
    Buf names = {0};
    if (revisions_heads_text(set, &names, err)) {
        err_set(err, ERR_SCHEMA, "%s: there are several heads: %.*s", set->folder, (int)names.len, names.data);
        err_remedy(err, REMEDY_MERGE);
    }
    buf_free(&names);
    return false;
}

/* The only head among the chosen ones (NULL: of the folder). REVISION_NONE with *several false: there is no revision. */
static uint32_t only_head(const Revisions *set, const bool *chosen, bool *several)
{
    uint32_t found = REVISION_NONE;
    *several = false;
    for (uint32_t i = 0; i < set->count; i++) {
        if (revisions_is_parent(set, i) || (chosen != NULL && !chosen[i]))
            continue;
        *several = *several || found != REVISION_NONE;
        found = i;
    }
    return *several ? REVISION_NONE : found;
}

static bool has_label(const Revision *revision, const char *label, size_t len)
{
    for (size_t i = 0; i < revision->labels.count; i++)
        if (strlen(revision->labels.items[i]) == len && memcmp(revision->labels.items[i], label, len) == 0)
            return true;
    return false;
}

/* LABEL@head: the head of the branch that begins with the revision of this label. */
static bool head_of_label(const Revisions *set, const char *label, size_t len, uint32_t *out, Err *err)
{
    bool several = false, found = false, *branch = revisions_none(set, err);
    if (branch == NULL)
        return false;
    for (uint32_t i = 0; i < set->count; i++) {
        branch[i] = has_label(&set->items[i], label, len);
        found = found || branch[i];
        for (size_t k = 0; !branch[i] && k < set->items[i].parents.count; k++)
            branch[i] = branch[set->items[i].before[k]];
    }
    *out = only_head(set, branch, &several);
    free(branch);
    if (!found)
        return err_set(err, ERR_SCHEMA, "%s: no revision has the label %.*s", set->folder, (int)len, label);
    return *out != REVISION_NONE || err_set(err, ERR_SCHEMA, "%s: the branch %.*s has several heads", set->folder, (int)len, label);
}

/* The number behind the last + or - of a word, when only digits follow. 0: there is none. */
static size_t find_steps(const char *word, int64_t *steps)
{
    size_t at = strlen(word);
    while (at > 0 && isdigit((unsigned char)word[at - 1]))
        at--;
    if (at == 0 || (word[at - 1] != '+' && word[at - 1] != '-') || !text_parse_int(word + at, 0, STEPS_MAX, steps))
        return 0;
    if (word[at - 1] == '-')
        *steps = -*steps;
    return at;
}

static bool refuse_fork(const Revisions *set, uint32_t at, bool up, Err *err)
{
    return err_set(err, ERR_SCHEMA, "%s: several revisions %s %s; name one by its id", set->folder, up ? "follow" : "come before",
                   set->items[at].id);
}

static bool follows(const Revision *revision, uint32_t index)
{
    for (size_t k = 0; k < revision->parents.count; k++)
        if (revision->before[k] == index)
            return true;
    return false;
}

/* *at becomes REVISION_NONE where a step leads before the first revision. */
static bool walk(const Revisions *set, uint32_t *at, int64_t steps, Err *err)
{
    for (; steps > 0; steps--) {
        if (revisions_children(set, *at) > 1)
            return refuse_fork(set, *at, true, err);
        uint32_t next = *at + 1;
        while (next < set->count && !follows(&set->items[next], *at))
            next++;
        if (next == set->count)
            return err_set(err, ERR_SCHEMA, "%s: %lld revisions less would be behind it", set->folder, (long long)steps);
        *at = next;
    }
    for (; steps < 0; steps++) {
        if (*at == REVISION_NONE)
            return err_set(err, ERR_SCHEMA, "%s: not so many revisions come before it", set->folder);
        const Revision *revision = &set->items[*at];
        if (revision->parents.count > 1)
            return refuse_fork(set, *at, false, err);
        *at = revision->parents.count == 1 ? revision->before[0] : REVISION_NONE;
    }
    return true;
}

static bool find_head(const Revisions *set, uint32_t *out, Err *err)
{
    bool several;
    *out = only_head(set, NULL, &several);
    return *out != REVISION_NONE ||
           (several ? refuse_heads(set, err) : err_set(err, ERR_SCHEMA, "%s: there is no revision", set->folder));
}

static bool find_name(const Revisions *set, const char *word, uint32_t *out, Err *err)
{
    if (strcmp(word, "head") == 0)
        return find_head(set, out, err);
    *out = revisions_find(set, word, err);
    return *out != REVISION_NONE;
}

bool revisions_one(const Revisions *set, const char *word, uint32_t *out, Err *err)
{
    int64_t steps = 0;
    char id[REVISION_ID_MAX + 1];
    const char *mark = strstr(word, "@head");
    if (mark != NULL && mark[strlen("@head")] == '\0')
        return head_of_label(set, word, (size_t)(mark - word), out, err);
    size_t end = find_steps(word, &steps);
    if (revisions_exact(set, word) != REVISION_NONE || end < 2)
        return find_name(set, word, out, err);
    if (end - 1 > REVISION_ID_MAX)
        return err_set(err, ERR_SCHEMA, "%s: there is no revision %s", set->folder, word);
    memcpy(id, word, end - 1);
    id[end - 1] = '\0';
    return find_name(set, id, out, err) && walk(set, out, steps, err);
}

static bool need_database(const bool *applied, const char *target, Err *err)
{
    return applied != NULL || err_set(err, ERR_USAGE, "%s needs to know what the database has", target);
}

/* +N: the next ones on the way to the only head. */
static bool choose_next(const Revisions *set, const bool *applied, int64_t steps, bool *chosen, Err *err)
{
    bool several;
    uint32_t head = only_head(set, NULL, &several);
    bool *way = several ? NULL : revisions_none(set, err);
    if (way == NULL)
        return several ? refuse_heads(set, err) : false;
    if (head != REVISION_NONE)
        way[head] = true;
    revisions_add_before(set, way);
    for (uint32_t i = 0; i < set->count; i++) {
        if (applied[i])
            chosen[i] = true;
        else if (way[i] && steps > 0) {
            chosen[i] = true;
            steps--;
        }
    }
    free(way);
    return steps == 0 || err_set(err, ERR_SCHEMA, "%s: not so many revisions are pending", set->folder);
}

bool revisions_target(const Revisions *set, const bool *applied, const char *target, bool *chosen, Err *err)
{
    uint32_t found;
    int64_t steps = 0;
    if (strcmp(target, "base") == 0)
        return true;
    if (strcmp(target, "current") == 0) {
        for (size_t i = 0; applied != NULL && i < set->count; i++)
            chosen[i] = chosen[i] || applied[i];
        return need_database(applied, target, err);
    }
    if (strcmp(target, "heads") == 0) {
        for (size_t i = 0; i < set->count; i++)
            chosen[i] = true;
        return true;
    }
    if (find_steps(target, &steps) == 1)
        return steps < 0 ? err_set(err, ERR_USAGE, "%s leads back; only a downgrade takes it", target)
                         : need_database(applied, target, err) && choose_next(set, applied, steps, chosen, err);
    if (strcmp(target, "head") == 0 && set->count == 0)
        return true;
    if (!revisions_one(set, target, &found, err))
        return false;
    if (found != REVISION_NONE)
        chosen[found] = true;
    revisions_add_before(set, chosen);
    return true;
}

/* --- back -------------------------------------------------------------------------------------------------------------------- */

/* -N: from the only head, step by step. */
static bool choose_last(const Revisions *set, const bool *applied, int64_t steps, bool *chosen, Err *err)
{
    bool *left = revisions_none(set, err), ok = left != NULL;
    for (size_t i = 0; ok && i < set->count; i++)
        left[i] = applied[i];
    for (; ok && steps > 0; steps--) {
        uint32_t head = REVISION_NONE;
        for (uint32_t i = 0; ok && i < set->count; i++) {
            if (!revisions_is_head(set, left, i))
                continue;
            if (head != REVISION_NONE) {
                ok = err_set(err, ERR_SCHEMA, "the database has several heads here, %s and %s: a number of steps says not which",
                             set->items[head].id, set->items[i].id);
                err_hint(err, "name the revision to go back to");
            }
            head = i;
        }
        if (ok && head == REVISION_NONE)
            ok = err_set(err, ERR_SCHEMA, "the database has not so many revisions");
        if (ok) {
            chosen[head] = true;
            left[head] = false;
        }
    }
    free(left);
    return ok;
}

/* What follows it by way of parents, then what depends on any of those. */
static void choose_after(const Revisions *set, const bool *applied, uint32_t from, bool *chosen)
{
    chosen[from] = true;
    for (size_t i = from + 1; i < set->count; i++)
        for (size_t k = 0; !chosen[i] && k < set->items[i].parents.count; k++)
            chosen[i] = chosen[set->items[i].before[k]];
    chosen[from] = false;
    revisions_add_after(set, chosen);
    for (size_t i = 0; i < set->count; i++)
        chosen[i] = chosen[i] && applied[i];
}

bool revisions_undone(const Revisions *set, const bool *applied, const char *target, bool *chosen, Err *err)
{
    uint32_t found;
    int64_t steps = 0;
    if (strcmp(target, "base") == 0) {
        for (size_t i = 0; i < set->count; i++)
            chosen[i] = applied[i];
        return true;
    }
    if (find_steps(target, &steps) == 1)
        return steps > 0 ? err_set(err, ERR_USAGE, "%s leads forward; only an upgrade takes it", target)
                         : choose_last(set, applied, -steps, chosen, err);
    if (!revisions_one(set, target, &found, err))
        return false;
    if (found == REVISION_NONE)
        return revisions_undone(set, applied, "base", chosen, err);
    if (!applied[found])
        return err_set(err, ERR_SCHEMA, "the database does not have revision %s", set->items[found].id);
    choose_after(set, applied, found, chosen);
    return true;
}
