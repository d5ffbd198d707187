#define _GNU_SOURCE /* memmem */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "../listing.h"

/* Each level holds a descriptor, and a process has 1024 as a rule. */
#define DEPTH_MAX 400
#define HEAD_BYTES 16384 /* of a file, where its pickle names its class */

/* A new entry for walk->path. */
static Model *walk_add(Walk *walk, ModelKind kind, Err *err)
{
    Model *model = model_list_add(walk->list, walk->path.data, err);
    if (model == NULL)
        return NULL;
    model->kind = (uint8_t)kind;
    model->followed_link = walk->in_link;
    return model;
}

bool walk_report(Walk *walk, ModelKind kind, Err *err)
{
    if (err->cls != ERR_SKIP)
        return false;
    Model *model = walk_add(walk, kind, err);
    if (model == NULL)
        return false;
    model_refuse(model, MODEL_FAILED, "%s: %s%s%s", model->path, err->text, err->hint[0] != '\0' ? "; " : "", err->hint);
    return true;
}

bool walk_report_unreadable(Walk *walk, Err *err)
{
    if (!walk_report(walk, MODEL_DIRECTORY, err))
        return false;
    walk->list->items[walk->list->count - 1].is_unreadable = true;
    return true;
}

bool walk_refuse(Walk *walk, ModelKind kind, ModelState state, const char *reason, Err *err)
{
    Model *model = walk_add(walk, kind, err);
    if (model == NULL)
        return false;
    model_refuse(model, state, "%s: %s", model->path, reason);
    return true;
}

bool walk_enter(Walk *walk, const char *name, size_t *mark, Err *err)
{
    *mark = walk->path.len;
    return (walk->path.len == 0 || buf_text(&walk->path, "/", err)) && buf_text(&walk->path, name, err);
}

void walk_leave(Walk *walk, size_t mark)
{
    walk->path.len = mark;
    walk->path.data[mark] = '\0';
}

static bool refuse_as_same(Walk *walk, ModelKind kind, const char *what, const char *first, Err *err)
{
    Model *model = walk_add(walk, kind, err);
    if (model == NULL)
        return false;
    model_refuse(model, MODEL_SKIPPED, "%s: symbolic link, %s %s", model->path, what, first);
    return true;
}

bool walk_add_file(Walk *walk, const struct stat *st, int suffix_len, Err *err)
{
    const char *first = NULL;
    bool counts = walk->rules->follow_links && !walk->to_hidden;
    if (counts && !seen_add(&walk->seen, st->st_dev, st->st_ino, walk->path.data, &first, err))
        return false;
    if (walk->in_link && first != NULL)
        return refuse_as_same(walk, MODEL_FILE, "same file as", first, err);
    if (st->st_size == 0)
        return walk_refuse(walk, MODEL_FILE, MODEL_FAILED, "is empty (0 bytes); train or copy the model again", err);
    Model *model = walk_add(walk, MODEL_FILE, err);
    if (model == NULL)
        return false;
    model->suffix_len = (uint8_t)suffix_len;
    model->stamp = stamp_of_stat(st);
    return true;
}

static const char *special_reason(mode_t mode)
{
    if (S_ISFIFO(mode))
        return "is a FIFO, not a model";
    if (S_ISSOCK(mode))
        return "is a socket, not a model";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "is a device, not a model";
    return "changed while the directory was read; run again";
}

/* joblib.dump and pickle.dump are often given a name without a suffix. */
static bool begins_as_pickle(int dir, const char *name)
{
    unsigned char head[2];
    if (strchr(name + 1, '.') != NULL)
        return false;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is = fd >= 0 && fs_read(fd, head, sizeof head) == (ssize_t)sizeof head && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
    if (fd >= 0)
        close(fd);
    return is;
}

/* A regular file that no pattern takes. *suffix_len: 0 when it is a model all the same. */
static bool leave_out(Walk *walk, int dir, const char *name, int *suffix_len, Err *err)
{
    if (!rules_select(walk->rules, walk->path.data))
        return true;
    bool is_pickle = begins_as_pickle(dir, name);
    if (!is_pickle || !walk->rules->bare_pickles)
        return left_out_file(&walk->list->left_out, walk->path.data, is_pickle, err);
    *suffix_len = 0;
    return true;
}

/* A file, or a special one. */
static bool visit_file(Walk *walk, int dir, const char *name, Err *err)
{
    const char *path = walk->path.data;
    int suffix_len = rules_match_file(walk->rules, path);
    bool special = entry_type(name) == ENTRY_SPECIAL;
    if (suffix_len >= 0)
        rules_note_used(walk->rules, path, &walk->patterns_used);
    else if (!special && !leave_out(walk, dir, name, &suffix_len, err))
        return false;
    if (suffix_len < 0 && !(special && rules_match_directory(walk->rules, path)))
        return true;
    if (!rules_select(walk->rules, path)) {
        walk->list->left_out.excluded++;
        return true;
    }
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) /* deleted since its name was read */
            return true;
        err_set_errno(err, ERR_SKIP, errno, "cannot be examined");
        return walk_report(walk, MODEL_FILE, err);
    }
    if (!S_ISREG(st.st_mode))
        return walk_refuse(walk, MODEL_FILE, MODEL_FAILED, special_reason(st.st_mode), err);
    return suffix_len < 0 || walk_add_file(walk, &st, suffix_len, err);
}

static bool visit_directory(Walk *walk, int parent, const char *name, unsigned depth, Err *err)
{
    if (rules_exclude_directory(walk->rules, walk->path.data)) {
        walk->list->left_out.excluded++;
        return true;
    }
    int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0) {
        if (errno == ENOENT)
            return true;
        err_set_errno(err, ERR_SKIP, errno, "this directory cannot be opened");
        return walk_report_unreadable(walk, err);
    }
    bool ok = walk_directory(walk, dir, depth + 1, err);
    close(dir);
    return ok;
}

/* A folder, or a file that a pattern would take: other hidden files would be noise. */
static bool pass_hidden(Walk *walk, const char *name, Err *err)
{
    bool counts = entry_type(name) == ENTRY_DIRECTORY || rules_match_file(walk->rules, walk->path.data) >= 0;
    return !counts || rules_exclude_directory(walk->rules, walk->path.data) ||
           left_out_hidden(&walk->list->left_out, walk->path.data, err);
}

/* What some libraries put beside a file, which cannot be loaded without it: arrays of old joblib and of gensim, tensors of ONNX. */
static bool is_companion(const char *name, const char *other)
{
    size_t len = strlen(name);
    const char *rest = other + len;
    if (strncmp(name, other, len) != 0 || entry_type(other) != ENTRY_FILE)
        return false;
    if (text_ends_with(name, ".onnx"))
        return strcmp(rest, ".data") == 0 || strcmp(rest, "_data") == 0;
    size_t digits = rest[0] == '_' ? strspn(rest + 1, "0123456789") : 0;
    return (digits > 0 && strncmp(rest + 1 + digits, ".npy", 4) == 0) || (rest[0] == '.' && text_ends_with(rest, ".npy"));
}

/* Arrays beside a file say nothing by their names: whoever wrote it must have left them out. */
static bool needs_arrays(int dir, const char *name)
{
    char head[HEAD_BYTES];
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t len = fd >= 0 ? fs_read(fd, head, sizeof head) : 0;
    if (fd >= 0)
        close(fd);
    return len > 0 && (memmem(head, (size_t)len, "NDArrayWrapper", 14) != NULL || memmem(head, (size_t)len, "gensim", 6) != NULL);
}

/* The file that was just listed under walk->path, which is entry `i`: its companions sort right behind it. */
static void refuse_with_companion(Walk *walk, int dir, const Entries *entries, size_t i, uint32_t before)
{
    const char *name = entries->names[i];
    if (walk->list->count == before || entry_type(name) != ENTRY_FILE)
        return;
    Model *model = &walk->list->items[walk->list->count - 1];
    for (size_t j = i + 1; j < entries->count && text_starts_with(entries->names[j], name); j++) {
        if (!is_companion(name, entries->names[j]))
            continue;
        if (text_ends_with(entries->names[j], ".npy") && !needs_arrays(dir, name))
            return;
        model_refuse(model, MODEL_FAILED, "%s: cannot be loaded without %s, which lies beside it; move them into a folder of their "
                     "own that is one model by its name (a pattern of directories)", model->path, entries->names[j]);
        return;
    }
}

static bool visit_entry(Walk *walk, int dir, const char *name, unsigned depth, Err *err)
{
    const char *leftover = rules_leftover_reason(name);
    if (leftover != NULL)
        return walk_refuse(walk, entry_type(name) == ENTRY_DIRECTORY ? MODEL_DIRECTORY : MODEL_FILE, MODEL_FAILED, leftover, err);
    if (!walk->rules->hidden && kinds_is_hidden(name, entry_type(name)))
        return pass_hidden(walk, name, err);
    switch (entry_type(name)) {
    case ENTRY_DIRECTORY:
        return visit_directory(walk, dir, name, depth, err);
    case ENTRY_LINK:
        return links_note(walk, dir, name, err);
    case ENTRY_FILE:
    case ENTRY_SPECIAL:
        break;
    }
    return visit_file(walk, dir, name, err);
}

static bool visit_entries(Walk *walk, int dir, const Entries *entries, unsigned depth, Err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < entries->count; i++) {
        const char *name = entries->names[i];
        size_t mark;
        if (!interrupt_check(err) || !walk_enter(walk, name, &mark, err))
            return false;
        uint32_t before = walk->list->count;
        ok = visit_entry(walk, dir, name, depth, err);
        if (ok)
            refuse_with_companion(walk, dir, entries, i, before);
        walk_leave(walk, mark);
    }
    return ok;
}

/* With -L, a later link to a member must be known to lead to this model. *first: a member that was reached before. */
static bool note_members(Walk *walk, const TreeList *tree, const char **first, Err *err)
{
    *first = NULL;
    for (size_t i = 0; walk->rules->follow_links && i < tree->count; i++) {
        const char *seen;
        if (tree->items[i].is_junk)
            continue;
        if (!seen_add(&walk->seen, tree->items[i].dev, tree->items[i].ino, walk->path.data, &seen, err))
            return false;
        if (*first == NULL)
            *first = seen;
    }
    return true;
}

/* A folder of models that became one model would be a surprise. The kinds that always consist of such files are none. */
static bool note_swallowed(Walk *walk, const TreeList *tree, DirType type, Err *err)
{
    const char *first[3] = {"", "", ""};
    size_t count = 0;
    if (type == DIR_MLFLOW)
        return true;
    for (size_t i = 0; i < tree->count; i++) {
        const char *path = tree->items[i].path;
        bool is_part = type == DIR_AUTOGLUON && text_ends_with(path, ".pkl");
        if (tree->items[i].is_directory || tree->items[i].is_junk || is_part || rules_match_file(walk->rules, path) < 0)
            continue;
        if (count < 3)
            first[count] = tree->items[i].path;
        count++;
    }
    static const char format[] = "%s: is stored as one model (%s), with %zu file%s in it that would be models by themselves: "
                                 "%s%s%s%s%s%s";
    return count == 0 || left_out_note(&walk->list->left_out, err, format, walk->path.data, model_dir_type_name(type), count,
                                       count > 1 ? "s" : "", first[0], count > 1 ? ", " : "", first[1], count > 2 ? ", " : "",
                                       first[2], count > 3 ? " …" : "");
}

/* What training left in the folder of a model. */
static bool visit_checkpoints(Walk *walk, int dir, const TreeList *tree, unsigned depth, Err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < tree->count; i++) {
        const TreeEntry *entry = &tree->items[i];
        size_t mark;
        if (!entry->is_junk || !entry->is_directory || strchr(entry->path, '/') != NULL ||
            !listing_is_checkpoint(dir, entry->path, walk->rules))
            continue;
        ok = walk_enter(walk, entry->path, &mark, err) && visit_directory(walk, dir, entry->path, depth, err);
        walk_leave(walk, mark);
    }
    return ok;
}

static bool add_directory_model(Walk *walk, int dir, DirType type, unsigned depth, Err *err)
{
    TreeList tree = {0};
    const char *first;
    bool ok = false;
    if (!rules_select(walk->rules, walk->path.data)) {
        walk->list->left_out.excluded++;
        return true;
    }
    if (!listing_read(walk->root, walk->path.data, dir, walk->rules, TREE_INTERRUPTIBLE, &tree, err)) {
        ok = walk_report(walk, MODEL_DIRECTORY, err);
        goto out;
    }
    if (!note_members(walk, &tree, &first, err))
        goto out;
    if (walk->in_link && first != NULL) {
        ok = refuse_as_same(walk, MODEL_DIRECTORY, "has the same models as", first, err);
        goto out;
    }
    Model *model = walk_add(walk, MODEL_DIRECTORY, err);
    if (model == NULL)
        goto out;
    model->dir_type = (uint8_t)type;
    model->stamp = stamp_of_tree(&tree);
    ok = note_swallowed(walk, &tree, type, err) && (!tree.has_junk || visit_checkpoints(walk, dir, &tree, depth, err));
out:
    tree_list_free(&tree);
    return ok;
}

/* With -L a directory is entered once, whatever leads to it: that ends every circle. */
static bool note_directory(Walk *walk, int dir, const char **first, Err *err)
{
    struct stat st;
    *first = NULL;
    if (!walk->rules->follow_links)
        return true;
    if (fstat(dir, &st) != 0)
        return err_set_errno(err, ERR_SKIP, errno, "this directory cannot be examined");
    return seen_add(&walk->seen, st.st_dev, st.st_ino, walk->path.len == 0 ? "." : walk->path.data, first, err);
}

static bool holds_models(Walk *walk, const Entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        if (entry_type(entries->names[i]) == ENTRY_FILE && rules_match_file(walk->rules, entries->names[i]) >= 0)
            return true;
    return false;
}

/* The directory at walk->path, whose names are known. */
static bool walk_entries(Walk *walk, int dir, const Entries *entries, unsigned depth, Err *err)
{
    bool is_root = walk->path.len == 0;
    DirType type = DIR_UNKNOWN;
    if (!is_root && !walk->rules->hidden && kinds_is_cache(entries->marks))
        return left_out_hidden(&walk->list->left_out, walk->path.data, err);
    bool is_marked = entries->marks != 0 && kinds_find(dir, entries->marks, holds_models(walk, entries), &type);
    bool holds = is_root && is_marked && holds_models(walk, entries);
    if (holds && !left_out_note(&walk->list->left_out, err, "the folder of models looks like one model itself (%s); its files are "
                                "stored one by one, and to store it as one name the folder above it", model_dir_type_name(type)))
        return false;
    if (is_root && is_marked && !holds)
        return err_set(err, ERR_USAGE, "is itself a model (%s), not a folder of models", model_dir_type_name(type));
    if (is_root || (!is_marked && !rules_match_directory(walk->rules, walk->path.data)))
        return visit_entries(walk, dir, entries, depth, err);
    return add_directory_model(walk, dir, is_marked ? type : rules_dir_type(entries->marks, walk->path.data), depth, err);
}

bool walk_directory(Walk *walk, int dir, unsigned depth, Err *err)
{
    Entries entries = {0};
    const char *first;
    bool ok = false, is_root = walk->path.len == 0;
    if (depth > DEPTH_MAX)
        return walk_refuse(walk, MODEL_DIRECTORY, MODEL_FAILED, "nested deeper than 400 directories; not entered", err);
    if (!note_directory(walk, dir, &first, err) || (first == NULL && !entries_read(dir, &entries, err)))
        ok = !is_root && walk_report_unreadable(walk, err);
    else if (first != NULL)
        ok = !rules_select(walk->rules, walk->path.data) || refuse_as_same(walk, MODEL_DIRECTORY, "same directory as", first, err);
    else
        ok = walk_entries(walk, dir, &entries, depth, err);
    entries_free(&entries);
    return ok;
}
