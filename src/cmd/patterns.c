/* patterns.c: what --pattern and --preset mean together. */
#include "patterns.h"

#include <stdlib.h>
#include <string.h>

#include "option_table.h"

/* Copies `word`, and splits it at the commas outside of braces: pieces are NUL-terminated. */
static bool split(const char *word, StringList *out, Options *options, Err *err)
{
    char *copy = strdup(word);
    if (!options_keep(options, copy, err))
        return false;
    int depth = 0;
    char *start = copy;
    for (char *c = copy;; c++) {
        depth += (*c == '{') - (*c == '}' && depth > 0);
        if (*c != '\0' && (*c != ',' || depth > 0))
            continue;
        bool is_end = *c == '\0';
        *c = '\0';
        start += strspn(start, " ");
        if (*start != '\0' && !options_list_add(out, start, err))
            return false;
        start = c + 1;
        if (is_end)
            return true;
    }
}

/* Where the part of a pair of braces ends that begins here: a comma or the brace, of this pair; NULL: it is not closed. */
static const char *end_of_part(const char *part)
{
    int depth = 0;
    for (; *part != '\0'; part++) {
        if (depth == 0 && (*part == ',' || *part == '}'))
            return part;
        depth += (*part == '{') - (*part == '}');
    }
    return NULL;
}

static const char *end_of_braces(const char *open)
{
    const char *end = end_of_part(open + 1);
    while (end != NULL && *end == ',')
        end = end_of_part(end + 1);
    return end;
}

/* `a{b,c}d` becomes abd and acd; pairs inside of each other too. */
static bool expand(const char *glob, StringList *out, Options *options, unsigned depth, Err *err)
{
    const char *open = strchr(glob, '{'), *close = open != NULL ? end_of_braces(open) : NULL;
    if (close == NULL || depth > 4)
        return options_list_add(out, glob, err);
    for (const char *part = open + 1; part <= close; part = end_of_part(part) + 1) {
        size_t len = (size_t)(end_of_part(part) - part), head = (size_t)(open - glob);
        char *made = malloc(head + len + strlen(close + 1) + 1);
        if (!options_keep(options, made, err))
            return false;
        memcpy(made, glob, head);
        memcpy(made + head, part, len);
        memcpy(made + head + len, close + 1, strlen(close + 1) + 1);
        if (!expand(made, out, options, depth + 1, err))
            return false;
    }
    return true;
}

static bool add_all(StringList *out, const char *const *globs, Err *err)
{
    for (; *globs != NULL; globs++)
        if (!options_list_add(out, *globs, err))
            return false;
    return true;
}

/* What stands behind the user's own ones: the preset, or the default when all of those begin with a plus. */
static bool add_base(StringList *out, int64_t preset, bool replaces, const char *standard, Err *err)
{
    for (size_t i = 0; i < 2 && pattern_presets[preset][i] != NULL; i++)
        if (!add_all(out, pattern_presets[preset][i], err))
            return false;
    return preset > 0 || replaces || options_list_add(out, standard, err);
}

bool patterns_finish(Options *options, const char *standard, Err *err)
{
    StringList words = {0}, globs = {0};
    bool ok = true, replaces = false;
    for (size_t i = 0; ok && i < options->pattern.count; i++)
        ok = split(options->pattern.items[i], &words, options, err);
    for (size_t i = 0; ok && i < words.count; i++) {
        bool adds = words.items[i][0] == '+';
        replaces = replaces || !adds;
        ok = (adds && words.items[i][1] == '\0') || expand(words.items[i] + adds, &globs, options, 0, err);
    }
    options->patterns_asked = globs.count;
    ok = ok && add_base(&globs, options->preset, replaces, standard, err);
    free(words.items);
    free(options->pattern.items);
    options->pattern = globs;
    return ok;
}
