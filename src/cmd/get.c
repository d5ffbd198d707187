/* get.c: the command `get`. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "command.h"
#include "get_many.h"
#include "flow/odd.h"
#include "flow/progress.h"
#include "model/identify.h"
#include "source/unpack.h"
#include "words/not_found.h"

#define LATEST_ACTIVE (-1)
#define LATEST (-2)

/* NAME, NAME@3 or NAME@latest; an @ with anything else behind it belongs to the name. */
static bool parse_reference(const char *text, char *name, size_t cap, int64_t *version, Err *err)
{
    const char *at = strrchr(text, '@');
    *version = LATEST_ACTIVE;
    if (at != NULL && strcmp(at + 1, "latest") == 0)
        *version = LATEST;
    else if (at != NULL && !text_parse_int(at + 1, 0, INT32_MAX, version))
        at = NULL;
    size_t len = at != NULL ? (size_t)(at - text) : strlen(text);
    if (len == 0 || len >= cap)
        return err_set(err, ERR_USAGE, "\"%s\" names no model; give NAME, NAME@VERSION or NAME@latest", text);
    memcpy(name, text, len);
    name[len] = '\0';
    return true;
}

typedef struct Choice {
    const char *name; /* borrowed */
    int64_t wanted;   /* a version, LATEST_ACTIVE or LATEST */
    bool found;
    StoredModel info;
    Arena arena; /* its strings */
    Identity read; /* the reference read as a path */
} Choice;

/* The rows come in rising order of versions: the last one that fits wins. */
static bool consider(void *ctx, const StoredModel *info, Err *err)
{
    Choice *choice = ctx;
    if (choice->wanted >= 0 ? info->version != choice->wanted : choice->wanted == LATEST_ACTIVE && !info->is_active)
        return true;
    arena_free(&choice->arena);
    choice->found = stored_model_copy(&choice->arena, info, NULL, &choice->info, err);
    return choice->found;
}

/* Readers who ask for no version may get a row that is none. */
static bool refuse_odd(Store *store, const Choice *choice, Err *err)
{
    OddRows odd = {0};
    bool ok = odd_rows_list(store, choice->name, &odd, err);
    for (size_t i = 0; ok && i < odd.count; i++) {
        if (choice->wanted == LATEST ? !odd.items[i].is_newest : !odd.items[i].is_live)
            continue;
        ok = err_set(err, ERR_STOP, "%s: readers get the row of models with %s; it cannot be fetched", choice->name,
                     odd.items[i].text);
        err_hint(err, "name a version: NAME@VERSION");
    }
    odd_rows_free(&odd);
    return ok;
}

/* What was asked for may be a path: the rules that name sources tell which model that is. */
static bool read_as_path(Choice *choice, const char *reference, bool is_directory)
{
    const char *slash = strrchr(reference, '/'), *dot = strrchr(slash != NULL ? slash : reference, '.');
    size_t suffix = is_directory || dot == NULL ? 0 : strlen(dot);
    Model model = {.path = reference, .kind = is_directory ? MODEL_DIRECTORY : MODEL_FILE, .suffix_len = (uint8_t)suffix};
    if (suffix > UINT8_MAX)
        return false;
    bool is_path = suffix > 0 ? identify(&model, NULL, &choice->read, NULL) : identify_earlier(&model, NULL, &choice->read);
    if (!is_path || strcmp(choice->read.name, choice->name) == 0)
        return false;
    choice->name = choice->read.name;
    choice->wanted = choice->read.version != VERSION_AUTO ? choice->read.version : LATEST_ACTIVE;
    return true;
}

static bool list_choice(Store *store, Choice *choice, Err *err)
{
    int32_t version = (int32_t)choice->wanted;
    StoreFilter filter = {.names = &choice->name, .count = 1, .version = choice->wanted >= 0 ? &version : NULL};
    return (choice->wanted >= 0 || refuse_odd(store, choice, err)) && store_list(store, &filter, consider, choice, err);
}

/* *choice as it was when that finds nothing. */
static bool find_as_path(Store *store, const char *reference, Choice *choice, Err *err)
{
    const char *name = choice->name;
    int64_t wanted = choice->wanted;
    for (int is_directory = 1; is_directory >= 0 && wanted == LATEST_ACTIVE && !choice->found; is_directory--) {
        if (read_as_path(choice, reference, is_directory) && !list_choice(store, choice, err))
            return false;
        if (choice->found) {
            log_line(LOG_WARN, "%s is not stored; taken as %s@%d, which the rules for names make of it", reference, choice->name,
                     (int)choice->info.version);
            return true;
        }
        choice->name = name;
        choice->wanted = wanted;
    }
    return true;
}

static bool find(Store *store, const char *reference, Choice *choice, Err *err)
{
    int32_t version = (int32_t)choice->wanted;
    if (!list_choice(store, choice, err) || (!choice->found && !find_as_path(store, reference, choice, err)))
        return false;
    if (choice->found)
        return true;
    return refuse_not_found(store, reference, choice->name, choice->wanted >= 0 ? &version : NULL, err);
}

/* The file name that the source had, else the last part of the model's name. */
static const char *base_name(const Choice *choice)
{
    const char *path = choice->info.source_path[0] != '\0' ? choice->info.source_path : choice->name;
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL && slash[1] != '\0' ? slash + 1 : path;
    return base[0] == '.' || strchr(base, '/') != NULL ? "model" : base; /* the database does not get to name hidden files */
}

/* Below `dest`, which ends in a slash, with the folders that the source had. NULL: no memory, or *err. */
static char *place_below(const char *dest, const Choice *choice, Err *err)
{
    Arena arena = {0};
    const char *path = get_many_path(&choice->info, &arena, err);
    char *out = NULL;
    if (path == NULL)
        return NULL;
    if (path[0] == '\0' || strchr(path, '/') == NULL) {
        out = fs_join(dest, base_name(choice));
    } else {
        int root = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int folder = root >= 0 ? get_many_folder(root, path, err) : -1;
        if (root < 0)
            err_set_errno(err, ERR_STOP, errno, "%s: cannot be opened", dest);
        if (folder >= 0)
            out = fs_join(dest, path);
        close(folder);
        close(root);
    }
    arena_free(&arena);
    return out;
}

/* DEST, or the source's own name inside DEST when that is a directory, as cp does it. */
static char *make_destination(const char *dest, const Choice *choice, Err *err)
{
    struct stat st;
    if (dest == NULL)
        return strdup(base_name(choice));
    const char *slash = strrchr(dest, '/'), *last = slash != NULL ? slash + 1 : dest;
    bool into = last[0] == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
    if (last[0] == '\0' && last != dest && stat(dest, &st) == 0 && S_ISDIR(st.st_mode))
        return place_below(dest, choice, err);
    if (stat(dest, &st) == 0 && S_ISDIR(st.st_mode) && (!choice->info.is_tar || into))
        return fs_join(dest, base_name(choice));
    return strdup(dest);
}

static bool next_piece(void *store, const void **data, size_t *len, Err *err)
{
    bool ok = unpack_from_store(store, data, len, err);
    progress_add(0, ok ? *len : 0);
    return ok;
}

/* What went to standard output cannot be taken back: a lost connection ends the command then. */
static bool to_stdout(Store *store, const Choice *choice, Err *err)
{
    if (unpack_to_fd(&choice->info, next_piece, store, STDOUT_FILENO, err))
        return true;
    if (err->cls == ERR_RETRY)
        err->cls = ERR_UNREACHABLE;
    return false;
}

static bool summarize_one(const Lines *lines, const StoredModel *row, Err *err)
{
    GetSummary summary = {.written = 1, .raw_bytes = row->raw_bytes};
    return !lines->json || lines_get_summary(lines, &summary, err);
}

static bool write_out(const CommandContext *context, const Choice *choice, const char *dest, Err *err)
{
    UnpackOptions unpack = {.force = context->options->force};
    Lines lines = command_lines(context);
    Store *store = context->store;
    uint64_t bytes;
    bool piped = dest != NULL && strcmp(dest, "-") == 0;
    char *path = piped ? NULL : make_destination(dest, choice, err);
    if (!piped && path == NULL)
        return err->cls != ERR_NONE ? false : err_no_memory(err);
    bool ok = store_fetch_open(store, choice->name, choice->info.version, &bytes, err);
    if (ok) {
        progress_phase("fetching", 0, bytes);
        progress_begin("fetching %s", choice->name);
        ok = piped ? to_stdout(store, choice, err)
                   : unpack_to_path(&choice->info, next_piece, store, path, &unpack, err);
        store_fetch_close(store);
    }
    if (ok && !piped) {
        progress_stop();
        ok = lines_got(&lines, &choice->info, path, err) && summarize_one(&lines, &choice->info, err);
    }
    free(path);
    return ok;
}

typedef struct Get {
    CommandContext *context;
    Choice choice;
} Get;

static bool get_once(void *ctx, Err *err)
{
    Get *get = ctx;
    const StringList *arguments = &get->context->options->arguments;
    get->choice.found = false;
    return find(get->context->store, arguments->items[0], &get->choice, err) &&
           write_out(get->context, &get->choice, arguments->count > 1 ? arguments->items[1] : NULL, err);
}

bool cmd_get_options(const Options *options, Err *err)
{
    if (get_many_is_wanted(options))
        return get_many_options(options, err);
    char name[4 * STORE_NAME_MAX + 1];
    int64_t version;
    return parse_reference(options->arguments.items[0], name, sizeof name, &version, err);
}

bool cmd_get(CommandContext *context, Err *err)
{
    if (get_many_is_wanted(context->options))
        return get_many(context, err);
    char name[4 * STORE_NAME_MAX + 1];
    progress_phase("asking the database what it has", 0, 0);
    Get get = {.context = context, .choice = {.name = name}};
    bool ok = parse_reference(context->options->arguments.items[0], name, sizeof name, &get.choice.wanted, err) &&
              retry_step(&context->retry, &context->store, get_once, &get, err);
    arena_free(&get.choice.arena);
    return ok;
}
