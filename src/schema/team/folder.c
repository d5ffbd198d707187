#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/vec.h"
#include "parts.h"

#define FILE_MAX ((uint64_t)256 << 20)

typedef VEC(char *) Names;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_free(Names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static bool add_name(Names *names, const char *folder, const char *name, Err *err)
{
    char *path = fs_join(folder, name), **item = path != NULL ? vec_push(names, err) : NULL;
    if (item == NULL) {
        free(path);
        return err_no_memory(err);
    }
    *item = path;
    return true;
}

/* The paths of the files *.sql, sorted. *there: there is such a folder. */
static bool list(const char *folder, Names *names, bool *there, Err *err)
{
    DIR *dir = opendir(folder);
    *there = dir != NULL;
    if (dir == NULL)
        return errno == ENOENT || errno == ENOTDIR || err_set_errno(err, ERR_STOP, errno, "%s", folder);
    bool ok = true;
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && text_ends_with(entry->d_name, ".sql"))
            ok = add_name(names, folder, entry->d_name, err);
    if (ok && errno != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", folder);
    closedir(dir);
    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, by_name);
    return ok;
}

static bool read_one(Revisions *set, const char *path, Revision *out, Err *err)
{
    Buf text = {0};
    bool ok = fs_read_file(path, FILE_MAX, &text, err) && revision_parse(set, path, text.data, text.len, out, err);
    buf_free(&text);
    return ok;
}

/* The one of this id among the first `count`; count: none is. */
static size_t find(const Revisions *set, size_t count, const char *id)
{
    uint32_t found = strmap_get(&set->by_id, id);
    return found != STRMAP_NONE && found < count ? found : count;
}

/* Of the dialect's own folder: takes the place of the one that is for all. */
static bool add(Revisions *set, size_t shared, Revision *revision, Err *err)
{
    size_t there = find(set, set->count, revision->id);
    if (there < shared) {
        revision_free(&set->items[there]);
        set->items[there] = *revision;
        return true;
    }
    if (there < set->count) {
        err_set(err, ERR_SCHEMA, "%s has the revision %s of %s", revision->file, revision->id, set->items[there].file);
        return err_hint(err, "give one of them another id, or remove it");
    }
    Revision *item = vec_push(set, err);
    if (item == NULL)
        return false;
    *item = (Revision){0}; /* what the set owns it frees */
    if (!strmap_add(&set->by_id, revision->id, (uint32_t)set->count - 1, NULL, err))
        return false;
    *item = *revision;
    return true;
}

static bool load_from(Revisions *set, const char *folder, size_t shared, bool *there, Err *err)
{
    Names names = {0};
    bool ok = list(folder, &names, there, err);
    for (size_t i = 0; ok && i < names.count; i++) {
        Revision revision;
        ok = read_one(set, names.items[i], &revision, err);
        if (ok && !add(set, shared, &revision, err)) {
            revision_free(&revision);
            ok = false;
        }
    }
    names_free(&names);
    return ok;
}

bool revisions_load(const char *folder, const char *dialect, const SqlRules *rules, Revisions *out, Err *err)
{
    Revisions set = {.folder = folder, .rules = rules};
    bool there, own;
    char *special = fs_join(folder, dialect);
    bool ok = (special != NULL || err_no_memory(err)) && load_from(&set, folder, 0, &there, err);
    if (ok && !there) {
        err_set(err, ERR_USAGE, "there is no folder %s", folder);
        ok = err_hint(err, "make it with: init, or with the first new revision");
    }
    ok = ok && load_from(&set, special, set.count, &own, err) && revisions_connect(&set, err);
    free(special);
    if (ok)
        *out = set;
    else
        revisions_free(&set);
    return ok;
}
