#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/link.h"

/* A const char * out of a Buf of them. */
static const char *pointer_at(const Buf *buf, size_t i)
{
    const char *pointer;
    memcpy(&pointer, buf->data + i * sizeof pointer, sizeof pointer);
    return pointer;
}

bool seen_add(Walk *walk, uint64_t dev, uint64_t ino, const char *path, const char **first, Err *err)
{
    char key[40];
    *first = NULL;
    if (!walk->rules->follow_links)
        return true;
    int len = snprintf(key, sizeof key, "%llx:%llx", (unsigned long long)dev, (unsigned long long)ino);
    uint32_t known = strmap_get(&walk->seen, key);
    if (known != STRMAP_NONE) {
        *first = pointer_at(&walk->seen_paths, known);
        return true;
    }
    const char *kept_key = arena_copy(&walk->arena, key, (size_t)len, err);
    const char *kept_path = kept_key == NULL ? NULL : arena_copy(&walk->arena, path, strlen(path), err);
    uint32_t number = (uint32_t)(walk->seen_paths.len / sizeof kept_path);
    return kept_path != NULL && buf_append(&walk->seen_paths, &kept_path, sizeof kept_path, err) &&
           strmap_add(&walk->seen, kept_key, number, NULL, err);
}

static bool leads_to_directory(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static bool is_named_like_a_model(const Walk *walk)
{
    return rules_match_file(walk->rules, walk->path.data) >= 0 || rules_match_directory(walk->rules, walk->path.data);
}

bool links_note(Walk *walk, int dir, const char *name, Err *err)
{
    if (rules_exclude_directory(walk->rules, walk->path.data))
        return true;
    if (walk->rules->follow_links) {
        const char *path = arena_copy(&walk->arena, walk->path.data, walk->path.len, err);
        return path != NULL && buf_append(&walk->links, &path, sizeof path, err);
    }
    /* A link to a directory hides a whole tree, so it is reported whatever its name is. */
    if (!rules_select(walk->rules, walk->path.data) || (!is_named_like_a_model(walk) && !leads_to_directory(dir, name)))
        return true;
    static const char reason[] = "symbolic link, not followed; -L follows links that stay below the models directory";
    return walk_refuse(walk, MODEL_FILE, MODEL_SKIPPED, reason, err);
}

/* link_resolve failed with errnum. Links that neither look like a model nor lead to a directory are of no interest. */
static bool report_unresolved(Walk *walk, int errnum, Err *err)
{
    bool is_named = is_named_like_a_model(walk);
    if (!rules_select(walk->rules, walk->path.data))
        return true;
    switch (errnum) {
    case EXDEV:
        if (!is_named && !leads_to_directory(walk->root, walk->path.data))
            return true;
        return walk_refuse(walk, MODEL_FILE, MODEL_SKIPPED, "symbolic link, not followed: it leads outside the models directory",
                           err);
    case ENOENT:
    case ENOTDIR:
        return !is_named || walk_refuse(walk, MODEL_FILE, MODEL_FAILED, "symbolic link that leads nowhere", err);
    case ELOOP:
        return !is_named || walk_refuse(walk, MODEL_FILE, MODEL_FAILED, "symbolic link that leads in a circle", err);
    default:
        err_set_errno(err, ERR_SKIP, errnum, "symbolic link that cannot be followed");
        return walk_report(walk, MODEL_FILE, err);
    }
}

static bool follow_to_directory(Walk *walk, const char *real, Err *err)
{
    int dir = fs_open_beneath(walk->root, real, O_RDONLY | O_DIRECTORY, false);
    if (dir < 0) {
        err_set_errno(err, ERR_SKIP, errno, "this directory cannot be opened");
        return walk_report_unreadable(walk, err);
    }
    bool ok = walk_directory(walk, dir, 1, err);
    close(dir);
    return ok;
}

/* The symlink at walk->path. */
static bool follow(Walk *walk, Err *err)
{
    char real[LINK_PATH_MAX];
    struct stat st;
    int target = link_resolve(walk->root, walk->path.data, real);
    if (target < 0)
        return report_unresolved(walk, errno, err);
    int failed = fstat(target, &st) != 0 ? errno : 0;
    close(target);
    if (failed != 0)
        return report_unresolved(walk, failed, err);
    if (S_ISDIR(st.st_mode))
        return follow_to_directory(walk, real, err);
    int suffix_len = rules_match_file(walk->rules, walk->path.data);
    if (suffix_len < 0 || !rules_select(walk->rules, walk->path.data))
        return true;
    if (!S_ISREG(st.st_mode))
        return walk_refuse(walk, MODEL_FILE, MODEL_FAILED, "symbolic link to a FIFO, socket or device", err);
    return walk_add_file(walk, &st, suffix_len, err);
}

bool links_follow(Walk *walk, Err *err)
{
    bool ok = true;
    walk->in_link = true;
    /* Directories that are reached by a link can hold further links: they join the end of the queue. */
    for (size_t i = 0; ok && i < walk->links.len / sizeof(const char *); i++) {
        size_t mark;
        ok = walk_enter(walk, pointer_at(&walk->links, i), &mark, err) && follow(walk, err);
        if (ok)
            walk_leave(walk, 0);
    }
    return ok;
}
