/* unmarked.c: folders that the store holds as directory models, and that today's rules would not take for one: the table of marks
 * has changed, or --dir-pattern was given when they were stored. They are there, and nobody may be told that they are gone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "parts.h"

static int by_path(const void *a, const void *b)
{
    return strcmp(((const Model *)a)->path, ((const Model *)b)->path);
}

/* Is it in the list, or in a model of the list? Models below it do not matter. The list is sorted. */
static bool is_covered(const ModelList *models, uint32_t count, const char *path, char *part)
{
    for (const char *end = path; end != NULL;) {
        end = strchr(end + 1, '/');
        size_t len = end != NULL ? (size_t)(end - path) : strlen(path);
        memcpy(part, path, len);
        part[len] = '\0';
        Model key = {.path = part};
        if (bsearch(&key, models->items, count, sizeof key, by_path) != NULL)
            return true;
    }
    return false;
}

static bool is_directory(int root, const char *path)
{
    int fd = fs_open_beneath(root, path, O_RDONLY | O_DIRECTORY, false);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool add(ModelList *models, const StoredModel *row, Err *err)
{
    Model *model = model_list_add(models, row->source_path, err);
    if (model == NULL)
        return false;
    model->kind = MODEL_DIRECTORY;
    model->is_unmarked = true;
    model->name = arena_copy(&models->arena, row->name, strlen(row->name), err);
    return model->name != NULL;
}

bool audit_add_unmarked(const AuditSettings *settings, const Rows *rows, const SourceTree *tree, ModelList *models, Err *err)
{
    uint32_t count = models->count;
    bool ok = true;
    for (size_t i = 0; ok && i < rows->count; i++) {
        const StoredModel *row = &rows->items[i].model;
        const char *path = row->source_path;
        /* Of several versions the newest: rows are in their order. */
        bool is_last = i + 1 == rows->count || strcmp(rows->items[i + 1].model.name, row->name) != 0 ||
                       strcmp(rows->items[i + 1].model.source_path, path) != 0;
        if (!row->is_tar || path[0] == '\0' || path[0] == '/' || !is_last || !audit_is_selected(&settings->scan, row))
            continue;
        char *part = malloc(strlen(path) + 1);
        if (part == NULL)
            return err_no_memory(err);
        ok = interrupt_check(err) &&
             (is_covered(models, count, path, part) || !is_directory(tree->root, path) || add(models, row, err));
        free(part);
    }
    if (ok && models->count > count)
        qsort(models->items, models->count, sizeof *models->items, by_path);
    return ok;
}
