#include "get_many.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/glob.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "command.h"
#include "flow/progress.h"
#include "source/pack.h"
#include "source/unpack.h"

typedef struct Many {
    CommandContext *context;
    const char *glob; /* NULL = all */
    const char *dest;
    int root;         /* dest, open */
    VEC(StoredModel) rows;
    const char **paths; /* of each row below dest; "": it has none that is safe; NULL: another model is there */
    Arena arena;
    Packer *packer;   /* to look at what is there */
    size_t at;        /* the row in hand */
    GetSummary summary;
} Many;

/* --- the command line -------------------------------------------------------------------------------------------------------- */

static bool is_folder_of_names(const char *text)
{
    size_t len = strlen(text);
    return len > 1 && text[len - 1] == '/';
}

bool get_many_is_wanted(const Options *options)
{
    const StringList *arguments = &options->arguments;
    if (options->all || arguments->count == 0)
        return options->all;
    return strpbrk(arguments->items[0], "*?[") != NULL || is_folder_of_names(arguments->items[0]);
}

bool get_many_options(const Options *options, Err *err)
{
    const StringList *arguments = &options->arguments;
    size_t wanted = options->all ? 1 : 2;
    if (arguments->count == wanted && strcmp(arguments->items[wanted - 1], "-") != 0)
        return true;
    err_set(err, ERR_USAGE, "several models go into a folder: name one");
    return err_hint(err, "usage: migrate_models_to_db get --all DIR, or: get 'GLOB' DIR");
}

/* --- the rows ---------------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const Many *many, const StoredModel *row)
{
    const char *glob = many->glob;
    if (glob == NULL || strcmp(glob, row->name) == 0)
        return true;
    return is_folder_of_names(glob) ? text_starts_with(row->name, glob) : glob_path(glob, row->name);
}

/* In the order of names and versions: of a name the last active one is the one that readers get. */
static bool take_row(void *ctx, const StoredModel *row, Err *err)
{
    Many *many = ctx;
    if (!row->is_active || !is_wanted(many, row))
        return interrupt_check(err);
    StoredModel copy;
    if (!stored_model_copy(&many->arena, row, NULL, &copy, err))
        return false;
    StoredModel *last = many->rows.count > 0 ? &many->rows.items[many->rows.count - 1] : NULL;
    if (last == NULL || strcmp(last->name, copy.name) != 0)
        last = vec_push(&many->rows, err);
    if (last != NULL)
        *last = copy;
    return last != NULL;
}

static bool list_once(void *ctx, Err *err)
{
    Many *many = ctx;
    many->rows.count = 0;
    return store_list(many->context->store, NULL, take_row, many, err);
}

/* --- where they go ----------------------------------------------------------------------------------------------------------- */

/* The database does not get to name hidden files, nor to leave the folder. */
static bool is_safe(const char *path)
{
    for (const char *part = path;; part++) {
        size_t len = strcspn(part, "/");
        if (len == 0 || part[0] == '.' || len > 255)
            return false;
        part += len;
        if (*part == '\0')
            return true;
    }
}

const char *get_many_path(const StoredModel *row, Arena *arena, Err *err)
{
    const char *path = is_safe(row->source_path) ? row->source_path : is_safe(row->name) ? row->name : "";
    return arena_copy(arena, path, strlen(path), err);
}

typedef struct Place {
    const char *path;
    const StoredModel *row;
    size_t index;
} Place;

/* Of one path the row that was stored last is the first. */
static int by_path(const void *a, const void *b)
{
    const Place *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    if (order == 0)
        order = (x->row->created_ns < y->row->created_ns) - (x->row->created_ns > y->row->created_ns);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static int find_path(const void *path, const void *place)
{
    return strcmp(path, ((const Place *)place)->path);
}

/* What training leaves below a model of a directory is a model of its own, and no part of the other. */
static bool is_checkpoint(const char *rest)
{
    static const char begin[] = "checkpoint-";
    size_t digits = text_starts_with(rest, begin) ? strspn(rest + sizeof begin - 1, "0123456789") : 0;
    return digits > 0 && rest[sizeof begin - 1 + digits] == '\0';
}

/* Is a folder of the path the place of a model? */
static bool is_in_model(const Place *places, size_t count, const char *path)
{
    char folder[PATH_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        const Place *place = bsearch(folder, places, count, sizeof *places, find_path);
        if (place != NULL && !(place->row->is_tar && is_checkpoint(slash + 1)))
            return true;
    }
    return false;
}

/* A source that was stored under two names has one path: the newest row gets it, the others go by their names. */
static void settle_places(Many *many, Place *places)
{
    size_t count = many->rows.count;
    qsort(places, count, sizeof *places, by_path);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (places[i].path[0] == '\0' || strcmp(places[first].path, places[i].path) != 0)
            first = i;
        else
            many->paths[places[i].index] = is_safe(places[i].row->name) ? places[i].row->name : "";
    }
    for (size_t i = 0; i < count; i++)
        places[i].path = many->paths[places[i].index];
    qsort(places, count, sizeof *places, by_path);
    for (size_t i = 0; i < count; i++) {
        const char *path = places[i].path;
        bool is_second = i > 0 && path[0] != '\0' && strcmp(places[i - 1].path, path) == 0;
        if (is_second || is_in_model(places, count, path))
            many->paths[places[i].index] = NULL;
    }
}

static bool find_places(Many *many, Err *err)
{
    Place *places = calloc(many->rows.count + 1, sizeof *places);
    many->paths = calloc(many->rows.count + 1, sizeof *many->paths);
    bool ok = (places != NULL && many->paths != NULL) || err_no_memory(err);
    for (size_t i = 0; ok && i < many->rows.count; i++) {
        const StoredModel *row = &many->rows.items[i];
        many->paths[i] = get_many_path(row, &many->arena, err);
        places[i] = (Place){.path = many->paths[i], .row = row, .index = i};
        ok = places[i].path != NULL;
    }
    if (ok)
        settle_places(many, places);
    free(places);
    return ok;
}

int get_many_folder(int root, const char *path, Err *err)
{
    int dir = dup(root);
    for (const char *part = path, *slash; dir >= 0 && (slash = strchr(part, '/')) != NULL; part = slash + 1) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)(slash - part), part);
        int next = mkdirat(dir, name, 0777) == 0 || errno == EEXIST
                       ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        int failed = errno;
        close(dir);
        dir = next;
        errno = failed;
    }
    if (dir < 0)
        err_set_errno(err, ERR_SKIP, errno, "%s: its folder cannot be made", path);
    return dir;
}

/* --- one model --------------------------------------------------------------------------------------------------------------- */

/* The very content is there already. */
static bool is_there(Many *many, const StoredModel *row, const char *path)
{
    Err err = {0};
    Packed packed;
    struct stat st;
    if (fstatat(many->root, path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !row->has_digests || S_ISDIR(st.st_mode) != row->is_tar)
        return false;
    Model model = {.path = path, .name = row->name, .kind = row->is_tar ? MODEL_DIRECTORY : MODEL_FILE};
    if (!pack_model(many->packer, many->root, &model, &packed, &err))
        return false;
    if (digest_equal(&packed.content, &row->content))
        return !row->is_tar || !row->has_members || digest_equal(&packed.members, &row->members);
    return packed.has_whole && digest_equal(&packed.whole_content, &row->content) &&
           (!row->has_members || digest_equal(&packed.whole_members, &row->members));
}

/* A link at the place of a model may lead out of DIR. */
static bool refuse_link(int folder, const char *path, Err *err)
{
    const char *slash = strrchr(path, '/');
    struct stat st;
    if (fstatat(folder, slash != NULL ? slash + 1 : path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(st.st_mode))
        return true;
    return err_set(err, ERR_SKIP, "%s: a link stands there; remove it, or get the model by its name", path);
}

static bool fetch(Many *many, const StoredModel *row, const char *path, Err *err)
{
    CommandContext *context = many->context;
    UnpackOptions unpack = {.force = context->options->force};
    uint64_t bytes;
    char *dest = fs_join(many->dest, path);
    int folder = dest != NULL ? get_many_folder(many->root, path, err) : -1;
    bool ok = folder >= 0 && refuse_link(folder, path, err) &&
              store_fetch_open(context->store, row->name, row->version, &bytes, err);
    if (ok) {
        ok = unpack_to_path(row, unpack_from_store, context->store, dest, &unpack, err);
        store_fetch_close(context->store);
    }
    if (folder >= 0)
        close(folder);
    if (dest == NULL)
        err_no_memory(err);
    free(dest);
    return ok;
}

static bool report(Many *many, const StoredModel *row, const char *path, const char *status, const char *reason, Err *err)
{
    Lines lines = command_lines(many->context);
    char *dest = fs_join(many->dest, path);
    bool ok = dest != NULL ? lines_got_of_many(&lines, row, dest, status, reason, err) : err_no_memory(err);
    free(dest);
    return ok;
}

static bool get_row(void *ctx, Err *err)
{
    Many *many = ctx;
    const StoredModel *row = &many->rows.items[many->at];
    const char *path = many->paths[many->at];
    if (path == NULL)
        return err_set(err, ERR_SKIP, "%s@%d: its path is that of another model, or in one; get it by its name", row->name,
                       (int)row->version);
    if (path[0] == '\0')
        return err_set(err, ERR_SKIP, "%s@%d: its path may not be used below a folder; get it by its name", row->name,
                       (int)row->version);
    if (is_there(many, row, path)) {
        many->summary.present++;
        return report(many, row, path, "present", NULL, err);
    }
    if (!fetch(many, row, path, err))
        return false;
    many->summary.written++;
    many->summary.raw_bytes += row->raw_bytes;
    return report(many, row, path, "written", NULL, err);
}

/* A model that cannot be fetched costs only itself. */
static bool get_rows(Many *many, Err *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < many->rows.count; i++)
        bytes += many->rows.items[i].stored_bytes;
    progress_phase("fetching", many->rows.count, bytes);
    for (many->at = 0; many->at < many->rows.count; progress_add(1, many->rows.items[many->at++].stored_bytes)) {
        Err why = {0};
        progress_begin("fetching %s", many->rows.items[many->at].name);
        if (!interrupt_check(err))
            return false;
        if (retry_step(&many->context->retry, &many->context->store, get_row, many, &why))
            continue;
        if (why.cls != ERR_SKIP) {
            *err = why;
            return false;
        }
        many->summary.failed++;
        log_err(LOG_ERROR, &why);
        const StoredModel *row = &many->rows.items[many->at];
        if (!report(many, row, row->name, "failed", why.text, err))
            return false;
    }
    return true;
}

static bool open_folder(Many *many, Err *err)
{
    if (mkdir(many->dest, 0777) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_STOP, errno, "%s: cannot be made", many->dest);
    many->root = open(many->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return many->root >= 0 || err_set_errno(err, ERR_STOP, errno, "%s: cannot be opened", many->dest);
}

static bool refuse_none(const Many *many, Err *err)
{
    if (many->rows.count > 0)
        return true;
    if (many->glob == NULL)
        return err_set(err, ERR_STOP, "the database has no active model");
    err_set(err, ERR_STOP, "%s: no active model has such a name", many->glob);
    return err_hint(err, "a pattern is matched on the whole name, or on its last component when it has no slash");
}

bool get_many(CommandContext *context, Err *err)
{
    const StringList *arguments = &context->options->arguments;
    Many many = {.context = context, .root = -1};
    PackSettings pack = {.level = 0, .temp_dir = "/tmp", .keep_payload = false};
    progress_phase("asking the database what it has", 0, 0);
    many.glob = context->options->all ? NULL : arguments->items[0];
    many.dest = arguments->items[arguments->count - 1];
    bool ok = retry_step(&context->retry, &context->store, list_once, &many, err) && refuse_none(&many, err) &&
              find_places(&many, err) && open_folder(&many, err) && (many.packer = packer_new(&pack, err)) != NULL;
    if (ok) {
        packer_hash_junk(many.packer, true); /* rows of version 0.1.0 have it */
        ok = get_rows(&many, err);
    }
    progress_stop();
    if (ok) {
        Lines lines = command_lines(context);
        context->exit_code = many.summary.exit_code = many.summary.failed > 0 ? err_exit_code(ERR_SKIP) : 0;
        ok = lines_get_summary(&lines, &many.summary, err);
    }
    packer_free(many.packer);
    if (many.root >= 0)
        close(many.root);
    free(many.rows.items);
    free(many.paths);
    arena_free(&many.arena);
    return ok;
}
