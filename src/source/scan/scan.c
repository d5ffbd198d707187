#include "source/scan.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"

static int compare_paths(const void *left, const void *right)
{
    return strcmp(((const Model *)left)->path, ((const Model *)right)->path);
}

/* The walk itself is in order; directories that are models and followed links are not always. */
static void sort_list(ModelList *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        if (compare_paths(&list->items[i - 1], &list->items[i]) > 0) {
            qsort(list->items, list->count, sizeof *list->items, compare_paths);
            return;
        }
    }
}

/* A pattern that was mistyped finds nothing, and that looks like an empty folder. */
static bool note_unused(const Walk *walk, ModelList *out, Err *err)
{
    for (size_t i = 0; i < walk->rules->patterns_asked && i < 64; i++)
        if ((walk->patterns_used >> i & 1) == 0 &&
            !left_out_note(&out->left_out, err, "the pattern %s matches no file; a pattern is a glob such as *.pkl",
                           walk->rules->patterns[i]))
            return false;
    left_out_sort(&out->left_out);
    return true;
}

bool scan_tree(int root, const ScanRules *rules, ModelList *out, Err *err)
{
    Walk walk = {.root = root, .rules = rules, .list = out};
    Err problem = {0};
    out->left_out.keep_paths = rules->keep_left_out;
    bool ok = buf_text(&walk.path, "", &problem) && walk_directory(&walk, root, 0, &problem) && links_follow(&walk, &problem) &&
              note_unused(&walk, out, &problem);
    if (ok) {
        sort_list(out);
    } else if (err != NULL) {
        *err = problem;
        if (err->cls == ERR_SKIP)
            err->cls = ERR_STOP;
    }
    buf_free(&walk.path);
    free(walk.links.items);
    seen_free(&walk.seen);
    arena_free(&walk.arena);
    return ok;
}
