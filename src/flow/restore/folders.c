#include "folders.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/host.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/vec.h"

static bool has_manifest(const char *folder)
{
    struct stat st;
    char *path = fs_join(folder, "MANIFEST");
    bool there = path != NULL && lstat(path, &st) == 0;
    free(path);
    return there;
}

/* A folder of a run that has not ended. */
static bool holds_parts(const char *folder)
{
    DIR *stream = opendir(folder);
    bool found = false;
    for (struct dirent *entry; stream != NULL && !found && (entry = readdir(stream)) != NULL;)
        found = strncmp(entry->d_name, "part-", 5) == 0 || strncmp(entry->d_name, "chunks-", 7) == 0;
    if (stream != NULL)
        closedir(stream);
    return found;
}

static bool add_folder(RestoreFolders *folders, const char *path, Err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    char *copy = strdup(path);
    RestoreFolder *folder = copy != NULL ? vec_push(folders, err) : NULL;
    if (folder == NULL) {
        free(copy);
        return copy != NULL ? false : err_no_memory(err);
    }
    *folder = (RestoreFolder){.path = copy, .dev = st.st_dev, .ino = st.st_ino};
    return true;
}

static bool add_finished(RestoreFolders *folders, const char *path, Err *err)
{
    log_line(LOG_WARN, "%s: had no MANIFEST: its run was killed, or the folder was copied in part; what is whole in it is restored",
             path);
    return add_folder(folders, path, err);
}

/* One that was named: it is brought back whatever host it is of, if no run is at it. */
static bool add_unfinished(RestoreFolders *folders, const char *path, Err *err)
{
    BackupOwner anybody = {0};
    bool left;
    return backup_finish_folder(path, &anybody, &left, err) && (!left || add_finished(folders, path, err));
}

/* One among others: what cannot be finished here is left out. */
static bool add_if_finished(RestoreFolders *folders, const char *path, Err *err)
{
    char host[256];
    BackupOwner here = {.host = host};
    Err why = {0};
    bool left = false;
    host_name(host, sizeof host);
    if (backup_finish_folder(path, &here, &left, &why))
        return !left || add_finished(folders, path, err);
    if (why.cls == ERR_INTERRUPTED)
        return interrupt_check(err);
    log_line(LOG_WARN, "%s; left out", why.text);
    return true;
}

static bool find_inside(RestoreFolders *folders, const char *dir, Err *err)
{
    DIR *stream = opendir(dir);
    bool ok = true;
    if (stream == NULL)
        return err_set_errno(err, ERR_USAGE, errno, "%s", dir);
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(stream)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = fs_join(dir, entry->d_name);
        if (path == NULL)
            ok = err_no_memory(err);
        else if (has_manifest(path))
            ok = add_folder(folders, path, err);
        else if (holds_parts(path))
            ok = add_if_finished(folders, path, err);
        free(path);
    }
    if (ok && errno != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", dir);
    closedir(stream);
    return ok;
}

static bool find(RestoreFolders *folders, const char *given, Err *err)
{
    char *path = strdup(given);
    if (path == NULL)
        return err_no_memory(err);
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    bool ok = has_manifest(path)  ? add_folder(folders, path, err)
              : holds_parts(path) ? add_unfinished(folders, path, err)
                                  : find_inside(folders, path, err);
    free(path);
    return ok;
}

/* --- whether they are whole -------------------------------------------------------------------------------------------------- */

static bool verify(RestoreFolder *folder, Err *err)
{
    if (!backup_manifest_read(folder->path, &folder->manifest, err) ||
        !backup_manifest_verify(folder->path, &folder->manifest, err) || !backup_store_of(folder->path, &folder->store, err))
        return false;
    if (folder->manifest.mode == BACKUP_FULL)
        return true;
    err_set(err, ERR_STOP, "%s: this backup has no payloads", folder->path);
    return err_hint(err, "only full backups can be restored; name their folders one by one");
}

static bool is_same_store(const BackupStore *a, const BackupStore *b)
{
    bool ids_known = a->store_id[0] != '\0' && b->store_id[0] != '\0';
    return a->place[0] == '\0' || b->place[0] == '\0' || strcmp(a->place, b->place) == 0 ||
           (ids_known && strcmp(a->store_id, b->store_id) == 0);
}

/* Rows of a test database must not slip into the others because a shell pattern named its folder too. */
static bool refuse_several_stores(const RestoreFolders *folders, Err *err)
{
    for (size_t i = 1; i < folders->count; i++) {
        const RestoreFolder *folder = &folders->items[i];
        bool same = false;
        for (size_t k = 0; k < i && !same; k++)
            same = is_same_store(&folder->store, &folders->items[k].store);
        if (same)
            continue;
        err_set(err, ERR_USAGE, "the backups are of several stores: %s of %s, %s of %s", folders->items[0].path,
                folders->items[0].store.place, folder->path, folder->store.place);
        return err_hint(err, "restore those of one store at a time");
    }
    return true;
}

/* --- their order ------------------------------------------------------------------------------------------------------------- */

/* Run identifiers sort by time. */
static int by_time(const void *a, const void *b)
{
    const RestoreFolder *x = a, *y = b;
    if (x->manifest.killed != y->manifest.killed)
        return x->manifest.killed - y->manifest.killed;
    int order = strcmp(x->manifest.run_id, y->manifest.run_id);
    if (order == 0)
        return strcmp(x->path, y->path);
    return x->manifest.killed ? -order : order;
}

/* Named twice: by itself and by the folder that it is in. */
static void drop_doubles(RestoreFolders *folders)
{
    size_t kept = 0;
    for (size_t i = 0; i < folders->count; i++) {
        RestoreFolder *folder = &folders->items[i];
        bool twice = false;
        for (size_t k = kept; k > 0 && strcmp(folders->items[k - 1].manifest.run_id, folder->manifest.run_id) == 0 && !twice; k--)
            twice = folders->items[k - 1].dev == folder->dev && folders->items[k - 1].ino == folder->ino;
        if (!twice) {
            folders->items[kept++] = *folder;
            continue;
        }
        backup_manifest_free(&folder->manifest);
        free(folder->path);
    }
    folders->count = kept;
}

bool restore_find_folders(const char *const *paths, size_t count, RestoreFolders *out, Err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = find(out, paths[i], err);
    if (ok && out->count == 0) {
        err_set(err, ERR_USAGE, "%s: no finished backup is there (a folder with a MANIFEST)", paths[0]);
        return err_hint(err, "name the folder of a run, or the folder `backups` that holds those of all runs");
    }
    for (size_t i = 0; ok && i < out->count; i++)
        ok = interrupt_check(err) && verify(&out->items[i], err);
    if (!ok)
        return false;
    qsort(out->items, out->count, sizeof *out->items, by_time);
    drop_doubles(out);
    return refuse_several_stores(out, err);
}

void restore_folders_free(RestoreFolders *folders)
{
    for (size_t i = 0; i < folders->count; i++) {
        backup_manifest_free(&folders->items[i].manifest);
        free(folders->items[i].path);
    }
    free(folders->items);
    *folders = (RestoreFolders){0};
}
