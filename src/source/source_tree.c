#define _XOPEN_SOURCE 700 /* realpath */
#include "source/source_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/glob.h"
#include "naming.h"

bool source_tree_open(const char *models_dir, SourceTree *out, Err *err)
{
    *out = (SourceTree){.root = open(models_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (out->root < 0 && errno == ENOTDIR) {
        err_set(err, ERR_USAGE, "%s: is not a directory", models_dir);
        return err_hint(err, "name the folder that holds the models");
    }
    if (out->root < 0) {
        err_set_errno(err, errno == ENOENT ? ERR_USAGE : ERR_STOP, errno, "%s: cannot be opened", models_dir);
        return errno == ENOENT ? err_hint(err, "name the folder that holds the models; the default is ./models") : false;
    }
    out->root_path = realpath(models_dir, NULL);
    return out->root_path != NULL || err_set_errno(err, ERR_STOP, errno, "%s", models_dir);
}

/* The user named the model instead of the folder that holds it. */
static bool refuse_as_model(const SourceTree *tree, Err *err)
{
    const char *slash = strrchr(tree->root_path, '/');
    int len = slash > tree->root_path ? (int)(slash - tree->root_path) : 1;
    return err_hint(err, "name the folder above it: %.*s", len, tree->root_path);
}

static bool check_root(const SourceTree *tree, const ScanRules *rules, Err *err)
{
    const char *name = strrchr(tree->root_path, '/') + 1;
    for (const char *const *glob = rules->dir_patterns; glob != NULL && *glob != NULL; glob++) {
        if (name[0] == '\0' || strchr(*glob, '/') != NULL || !glob_path(*glob, name))
            continue;
        err_set(err, ERR_USAGE, "%s: is itself a model (it is named like %s), not a folder of models", tree->root_path, *glob);
        return refuse_as_model(tree, err);
    }
    return true;
}

bool source_tree_scan(SourceTree *tree, const ScanRules *rules, const char *map_file, ModelList *models, Err *err)
{
    tree->models = models;
    if (map_file != NULL && !name_map_read(map_file, &tree->map, err))
        return false;
    if (!check_root(tree, rules, err))
        return false;
    if (!scan_tree(tree->root, rules, models, err)) {
        err_prefix(err, "%s", tree->root_path);
        return err != NULL && err->cls == ERR_USAGE ? refuse_as_model(tree, err) : false;
    }
    model_list_fit(models);
    return naming_name(tree, err);
}

/* Where a file is, or would be made; malloc'd. NULL: there is no such folder, or no memory. */
static char *resolve(const char *path)
{
    char *found = realpath(path, NULL);
    if (found != NULL)
        return found;
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, slash > path ? (size_t)(slash - path) : 1);
    char *real = folder != NULL ? realpath(folder, NULL) : NULL;
    found = real != NULL ? fs_join(real, slash != NULL ? slash + 1 : path) : NULL;
    free(folder);
    free(real);
    return found;
}

bool source_tree_spare(const SourceTree *tree, const char *path, Err *err)
{
    char *found = path != NULL ? resolve(path) : NULL;
    const char *below = NULL;
    bool ok = true;
    size_t root = strcmp(tree->root_path, "/") == 0 ? 0 : strlen(tree->root_path);
    if (found != NULL && strncmp(found, tree->root_path, root) == 0 && found[root] == '/')
        below = found + root + 1;
    for (uint32_t i = 0; ok && below != NULL && i < tree->models->count; i++) {
        const Model *model = &tree->models->items[i];
        size_t len = strlen(model->path);
        if (!model->is_unreadable && strncmp(below, model->path, len) == 0 && (below[len] == '\0' || below[len] == '/'))
            ok = err_set(err, ERR_USAGE, "%s: is %sthe model %s; nothing is written there", path, below[len] == '/' ? "in " : "",
                         model->path);
    }
    free(found);
    return ok;
}

void source_tree_close(SourceTree *tree)
{
    if (tree->root >= 0)
        close(tree->root);
    free(tree->root_path);
    name_map_free(tree->map);
    *tree = (SourceTree){.root = -1};
}
